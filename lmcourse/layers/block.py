"""One floor of a Transformer: attention, then a small network for every position by itself.

Knows nothing of words. Axis letters: B batch, T time, D width of a vector, F width inside.
"""

from dataclasses import dataclass

import keras
from keras import ops

from lmcourse.layers.attention import Attention
from lmcourse.layers.checks import check_at_least_one
from lmcourse.layers.normalization import LayerNorm, RMSNorm

NORMS = {"layer": LayerNorm, "rms": RMSNorm}
ACTIVATIONS = {
    "relu": ops.relu,
    "relu_squared": lambda x: ops.square(ops.relu(x)),
    "gelu": lambda x: ops.gelu(x, approximate=True),
    "gelu_exact": lambda x: ops.gelu(x, approximate=False),
    "swiglu": ops.silu,  # of the gate
}


@dataclass(frozen=True, kw_only=True)
class BlockConfig:
    """What a block is made of; a model's own configuration adds to it.

    Args:
        width: D, of every vector that goes from block to block.
        heads, kv_heads, head_width: of attention (`layers.attention.Attention`).
        hidden: F, the width inside the feed-forward network; 4 D if None.
        norm: "layer" or "rms".
        epsilon: of the norm.
        post_norm: normalise after each sum, as in 2017, instead of before each part.
        activation: "relu", "relu_squared", "gelu" (its tanh form), "gelu_exact" or "swiglu".
        bias: are there biases in the dense layers?
        dropout: share of numbers set to zero while training.
        quiet: start with zeros in the last kernel of each part, so that a fresh block passes on
            what it got.

    Raises:
        ValueError: if a name is unknown or a size is below 1.

    Example:
        >>> BlockConfig(width=8, heads=2, norm="batch")
        Traceback (most recent call last):
            ...
        ValueError: `norm` must be one of layer, rms. Received: norm='batch'
    """

    width: int
    heads: int
    kv_heads: int | None = None
    head_width: int | None = None
    hidden: int | None = None
    norm: str = "layer"
    epsilon: float = 1e-5
    post_norm: bool = False
    activation: str = "gelu"
    bias: bool = True
    dropout: float = 0.0
    quiet: bool = False

    def __post_init__(self):
        for name, known in {"norm": NORMS, "activation": ACTIVATIONS}.items():
            if (value := getattr(self, name)) not in known:
                raise ValueError(
                    f"`{name}` must be one of {', '.join(known)}. Received: {name}={value!r}"
                )
        for name in ("width", "hidden"):
            if (value := getattr(self, name)) is not None:
                check_at_least_one(name, value)

    @property
    def last_kernel(self) -> str:
        """Name the initializer of the last kernel of each part."""
        return "zeros" if self.quiet else "glorot_uniform"

    def make_norm(self, name: str) -> keras.layers.Layer:
        """Make one norm of the kind that is asked for."""
        norm = NORMS[self.norm](self.epsilon, name=name)
        norm.build((None, None, self.width))
        return norm


@keras.saving.register_keras_serializable(package="lmcourse")
class FeedForward(keras.layers.Layer):
    """Widen, bend, narrow: the same small network at every position, `(B, T, D) -> (B, T, D)`.

        relu, gelu:  down(f(up(x)))          swiglu:  down(silu(gate(x)) * up(x))

    Args:
        config: a `BlockConfig`.

    Example:
        >>> FeedForward(BlockConfig(width=4, heads=1))(ops.ones((1, 3, 4))).shape
        TensorShape([1, 3, 4])

    Reference: Vaswani and others (2017); GELU: Hendrycks & Gimpel (2016); SwiGLU: Shazeer (2020),
        "GLU variants improve Transformer"; the squared ReLU: So and others (2021), "Primer".
    """

    def __init__(self, config: BlockConfig, **kwargs):
        super().__init__(**kwargs)
        self.bend = ACTIVATIONS[config.activation]
        hidden = config.hidden or 4 * config.width
        Dense = keras.layers.Dense
        self.up = Dense(hidden, use_bias=config.bias, name="up")
        self.gate = None
        if config.activation == "swiglu":
            self.gate = Dense(hidden, use_bias=config.bias, name="gate")
            self.gate.build((None, None, config.width))
        self.down = Dense(
            config.width, use_bias=config.bias, kernel_initializer=config.last_kernel, name="down"
        )
        self.up.build((None, None, config.width))
        self.down.build((None, None, hidden))
        self.built = True

    def call(self, x):
        """Think about each position by itself."""
        inside = self.widen(x)
        inside = self.bend(inside[0]) if len(inside) == 1 else self.bend(inside[1]) * inside[0]
        return self.down(inside)

    def widen(self, x):
        """Give what `up` makes of x and, if there is one, what the gate does."""
        return [self.up(x)] if self.gate is None else [self.up(x), self.gate(x)]


class Block(keras.layers.Layer):
    """Look around, then think: `(B, T, D) -> (B, T, D)`.

        pre-norm:   x = x + part(norm(x))          post-norm:  x = norm(x + part(x))

    for each part in turn: attention to x itself, attention to a memory (if `cross`), feed-forward.

    Args:
        config: a `BlockConfig`.
        cross: does it look at a memory, too? (The decoder of an encoder–decoder does.)

    Call arguments:
        x, attention_mask, turns, remember: as in `Attention`; the last three are for x itself.
        memory, cross_mask: what the encoder made, `(B, S, D)`, and who may look at what there.
        return_weights: also give who looked at whom, `(B, H, T, T)`; with a memory, who looked at
            what there, `(B, H, T, S)`.

    Raises:
        ValueError: if there is a memory and no `cross`, or `cross` and no memory.

    Example:
        >>> block = Block(BlockConfig(width=4, heads=2, quiet=True))
        >>> x = ops.ones((1, 3, 4))
        >>> bool(ops.all(block(x) == x))   # a quiet block passes on what it got
        True

    Reference: Vaswani and others (2017); norm first: Xiong and others (2020), "On layer
        normalization in the Transformer architecture".
    """

    def __init__(self, config: BlockConfig, cross: bool = False, **kwargs):
        super().__init__(**kwargs)
        self.post_norm = config.post_norm
        self.attention = self._attention(config, "attention")
        self.attention_norm = config.make_norm("attention_norm")
        self.cross = self._attention(config, "cross") if cross else None
        self.cross_norm = config.make_norm("cross_norm") if cross else None
        self.feed_forward = FeedForward(config, name="feed_forward")
        self.feed_forward_norm = config.make_norm("feed_forward_norm")
        self.dropout = keras.layers.Dropout(config.dropout)
        self.built = True

    def call(
        self,
        x,
        attention_mask=None,
        turns=None,
        remember=None,
        memory=None,
        cross_mask=None,
        return_weights=False,
        training=False,
    ):
        """Pass all parts, each added to what was there."""
        if (memory is None) != (self.cross is None):
            raise ValueError(
                "A block with cross-attention must get a memory, one without must not. "
                f"Received: cross={self.cross is not None}, "
                f"memory={'None' if memory is None else tuple(memory.shape)}"
            )

        seen = []  # the weights, attention by attention
        shared = dict(return_weights=True, training=training)

        def look(x):
            own = dict(attention_mask=attention_mask, turns=turns, remember=remember)
            x, weights = self.attention(x, **own, **shared)
            seen.append(weights)
            return x

        def look_there(x):
            x, weights = self.cross(x, memory=memory, attention_mask=cross_mask, **shared)
            seen.append(weights)
            return x

        x = self.add(x, look, self.attention_norm, training)
        if self.cross is not None:
            x = self.add(x, look_there, self.cross_norm, training)
        x = self.add(x, self.feed_forward, self.feed_forward_norm, training)
        return (x, seen[-1]) if return_weights else x

    def add(self, x, part, norm, training):
        """Add what a part makes of x; the norm stands before it, or after the sum."""
        if self.post_norm:
            return norm(x + self.dropout(part(x), training=training))
        return x + self.dropout(part(norm(x)), training=training)

    @staticmethod
    def _attention(config, name):
        attention = Attention(
            config.heads,
            config.kv_heads,
            config.head_width,
            config.bias,
            config.dropout,
            config.last_kernel,
            name=name,
        )
        attention.build((None, None, config.width))
        return attention


def stack(blocks, x, remember=None, **call):
    """Pass blocks, one above the other: `(B, T, D) -> (B, T, D)`, and the weights of each.

    Args:
        blocks: a list of `Block`.
        x: what the lowest gets.
        remember: one for each block; none if None.
        call: what each of them gets besides, as in `Block`.

    Returns:
        What the highest gives, and a list of who looked at whom, one entry a block.
    """
    seen = []
    for block, keep in zip(blocks, remember or [None] * len(blocks), strict=True):
        x, weights = block(x, remember=keep, return_weights=True, **call)
        seen.append(weights)
    return x, seen
