"""GPT: a stack of blocks that see only the past. Knows nothing of training and of tokenizers.

Axis letters: B batch, T time, D width of a vector, V vocabulary.
"""

from dataclasses import dataclass

import keras
from keras import ops

from lmcourse.layers.attention import causal_mask
from lmcourse.layers.block import Block, BlockConfig, stack
from lmcourse.layers.checks import check_at_least_one
from lmcourse.layers.embedding import POSITIONS, Embedding
from lmcourse.layers.positions import rotations
from lmcourse.models.configured import Configured


@dataclass(frozen=True, kw_only=True)
class GPTConfig(BlockConfig):
    """Everything that makes one GPT differ from another; a `BlockConfig` and this:

    Args:
        vocabulary_size: V.
        context_length: the longest text that the model can look at, in tokens.
        layers: how many blocks.
        positions: "learned", "sinusoidal" or "rotary".
        rotary_base: the slowest pair turns about once in 2 pi times so many tokens.
        tied: is the table that reads tokens also the one that scores them?

    Example:
        >>> gpt2 = GPTConfig(vocabulary_size=50257, context_length=1024, layers=12, width=768,
        ...                  heads=12)
        >>> llama = GPTConfig(vocabulary_size=49152, context_length=2048, layers=30, width=576,
        ...                   heads=9, kv_heads=3, hidden=1536, norm="rms", activation="swiglu",
        ...                   positions="rotary", bias=False)
    """

    vocabulary_size: int
    context_length: int
    layers: int
    positions: str = "learned"
    rotary_base: float = 10_000.0
    tied: bool = True

    def __post_init__(self):
        super().__post_init__()
        for name in ("vocabulary_size", "context_length", "layers"):
            check_at_least_one(name, getattr(self, name))
        if self.positions not in POSITIONS:
            raise ValueError(
                f"`positions` must be one of {', '.join(POSITIONS)}. "
                f"Received: positions={self.positions!r}"
            )


@keras.saving.register_keras_serializable(package="lmcourse")
class GPT(Configured):
    """Score every next token by all tokens so far: ids `(B, T) -> (B, T, V)` logits.

    embedding (+ positions) -> blocks with a causal mask -> norm -> scores.

    Args:
        config: a `GPTConfig`.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range, or T is longer than the context.

    Example:
        >>> config = GPTConfig(vocabulary_size=5, context_length=8, layers=1, width=4, heads=2)
        >>> GPT(config)(ops.array([[0, 3, 1, 1]])).shape
        TensorShape([1, 4, 5])

    Reference: Radford and others (2018), "Improving language understanding by generative
        pre-training"; the norm before each part: Radford and others (2019), GPT-2.
    """

    kind = GPTConfig

    def __init__(self, config: GPTConfig, **kwargs):
        super().__init__(config, **kwargs)
        V, D, longest = config.vocabulary_size, config.width, config.context_length
        self.context_length = longest
        self.embedding = Embedding(V, longest, D, config.positions, name="embedding")
        self.turns = None
        if config.positions == "rotary":
            width = config.head_width or D // config.heads
            self.turns = rotations(longest, width, config.rotary_base)
        self.dropout = keras.layers.Dropout(config.dropout)
        self.blocks = [Block(config, name=f"block_{n}") for n in range(config.layers)]
        self.norm = None if config.post_norm else config.make_norm("norm")
        self.head = None
        if not config.tied:
            self.head = keras.layers.Dense(V, use_bias=False, name="head")
            self.head.build((None, None, D))
        self.built = True

    def call(self, ids, training=False):
        """Score what may follow each token, given all before it."""
        return self.score(self.read(ids, training))

    def score(self, x):
        """Give every token a score by the vectors that were read: `(B, T, D) -> (B, T, V)`."""
        return self.embedding.score(x) if self.head is None else self.head(x)

    def read(
        self,
        ids,
        training=False,
        return_weights=False,
        places=None,
        mask=None,
        remember=None,
    ):
        """Give the vectors that the scores are made of: `(B, T) -> (B, T, D)`.

        With `return_weights` also who looked at whom in each of the L layers, `(L, B, H, T, S)`.
        The last three are for the middle of a text (`generation.cache`): where the ids stand,
        `(B, T)`, whom they may look at, `(B, T, S)`, and what each block does with keys and values
        (see `Attention`). Left out, ids are a text from its beginning, and S = T.
        """
        x = self.dropout(self.embedding(ids, places), training=training)
        mask = causal_mask(ops.shape(ids)[1]) if mask is None else mask
        call = dict(attention_mask=mask, turns=self.turns_at(ids, places), training=training)
        x, weights = stack(self.blocks, x, remember, **call)
        x = x if self.norm is None else self.norm(x)
        return (x, ops.stack(weights)) if return_weights else x

    def turns_at(self, ids, places):
        """Give the rotary turns of each place, for all heads alike; None if there are none."""
        if self.turns is None:
            return None
        turns = ops.convert_to_tensor(self.turns)
        if places is None:
            return turns[:, : ops.shape(ids)[1]]
        return ops.take(turns, places, axis=1)[:, :, None]  # (2, B, 1, T, W / 2)
