"""BERT: a stack of blocks that see both sides, and a head that fills in masked tokens.

Knows nothing of training and of tokenizers. Axis letters: B batch, T time, D width, V vocabulary.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import ops

from lmcourse.layers.attention import padding_mask
from lmcourse.layers.block import ACTIVATIONS, Block, BlockConfig, stack
from lmcourse.layers.checks import check_at_least_one
from lmcourse.layers.embedding import Embedding
from lmcourse.models.configured import Configured


@dataclass(frozen=True, kw_only=True)
class BERTConfig(BlockConfig):
    """Everything that makes one BERT differ from another; a `BlockConfig` and this:

    Args:
        vocabulary_size: V.
        context_length: the longest text that the model can look at, in tokens.
        layers: how many blocks.
        segments: how many parts a text can have (question and passage: 2).
        pad_id: the id of padding, at which nobody looks; None where nothing is padded.

    Example:
        >>> minilm = BERTConfig(vocabulary_size=30522, context_length=512, layers=6, width=384,
        ...                     heads=12, hidden=1536, epsilon=1e-12, pad_id=0)
    """

    vocabulary_size: int
    context_length: int
    layers: int
    segments: int = 2
    pad_id: int | None = None
    epsilon: float = 1e-12
    post_norm: bool = True
    activation: str = "gelu_exact"

    def __post_init__(self):
        super().__post_init__()
        for name in ("vocabulary_size", "context_length", "layers", "segments"):
            check_at_least_one(name, getattr(self, name))


@keras.saving.register_keras_serializable(package="lmcourse")
class BERT(Configured):
    """Score every token by the tokens on both sides: ids `(B, T) -> (B, T, V)` logits.

    The scores are about the token at the *same* place, which is masked in what the model reads:
    this is no model of the next token, and it cannot write.

    Args:
        config: a `BERTConfig`.

    Call arguments:
        ids: integers `(B, T)`.
        segments: integers `(B, T)`, which part of the text each token belongs to; 0 if None.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range, or T is longer than the context.

    Example:
        >>> config = BERTConfig(vocabulary_size=5, context_length=8, layers=1, width=4, heads=2)
        >>> BERT(config)(ops.array([[0, 3, 1, 1]])).shape
        TensorShape([1, 4, 5])

    Reference: Devlin, Chang, Lee & Toutanova (2019), "BERT: pre-training of deep bidirectional
        Transformers".
    """

    kind = BERTConfig

    def __init__(self, config: BERTConfig, **kwargs):
        super().__init__(config, **kwargs)
        V, D = config.vocabulary_size, config.width
        self.embedding = Embedding(V, config.context_length, D, name="embedding")
        normal = keras.initializers.RandomNormal(stddev=0.02)
        self.segments = self.add_weight((config.segments, D), normal, name="segments_embedding")
        self.first_norm = config.make_norm("first_norm")
        self.dropout = keras.layers.Dropout(config.dropout)
        self.blocks = [Block(config, name=f"block_{n}") for n in range(config.layers)]
        self.last_norm = None if config.post_norm else config.make_norm("last_norm")
        self.head = keras.layers.Dense(D, ACTIVATIONS[config.activation], name="head")
        self.head.build((None, None, D))
        self.head_norm = config.make_norm("head_norm")
        self.head_bias = self.add_weight((V,), "zeros", name="head_bias")
        self.built = True

    def call(self, ids, segments=None, training=False):
        """Score what may stand at each place, given both sides: `(B, T) -> (B, T, V)`."""
        x = self.head_norm(self.head(self.read(ids, segments, training)))
        return self.embedding.score(x) + self.head_bias

    def read(self, ids, segments=None, training=False, return_weights=False):
        """Give each token the vector that its surroundings make of it: `(B, T) -> (B, T, D)`.

        With `return_weights` also who looked at whom in each of the L layers, `(L, B, H, T, T)`.
        """
        segments = ops.zeros_like(ids) if segments is None else segments
        self.check_segments(ids, segments)
        x = self.embedding(ids) + ops.take(self.segments, segments, axis=0)
        x = self.dropout(self.first_norm(x), training=training)
        pad_id = self.config.pad_id
        mask = None if pad_id is None else padding_mask(ids, pad_id)
        x, weights = stack(self.blocks, x, attention_mask=mask, training=training)
        x = x if self.last_norm is None else self.last_norm(x)
        return (x, ops.stack(weights)) if return_weights else x

    def check_segments(self, ids, segments):
        """Refuse segments that are not one part number for each token."""
        if tuple(segments.shape) != tuple(ids.shape):
            raise ValueError(
                f"`segments` must have the shape of the ids, {tuple(ids.shape)}. "
                f"Received: shape {tuple(segments.shape)}"
            )
        last = self.config.segments - 1
        values = segments.numpy() if hasattr(segments, "numpy") else segments  # a tensor's values
        known = isinstance(values, np.ndarray) and values.size  # not while a graph is traced
        if known and not 0 <= values.min() <= values.max() <= last:
            raise ValueError(
                f"`segments` must be from 0 to {last}. "
                f"Received: segments from {values.min()} to {values.max()}"
            )
