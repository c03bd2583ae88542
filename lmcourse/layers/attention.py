"""Attention: every position asks all it may see, and takes a mixture of their answers.

Knows nothing of blocks and models. Axis letters: B batch, T time, S time of what is looked at, D
width of a vector, H heads, K heads of keys and values, W width of a head.
"""

import keras
from keras import ops

from lmcourse.layers.checks import check_at_least_one
from lmcourse.layers.positions import rotate


def causal_mask(length):
    """Say who may look at whom when nobody sees the future: `-> (T, T)`, True = may look.

    >>> causal_mask(3).numpy().astype(int)
    array([[1, 0, 0],
           [1, 1, 0],
           [1, 1, 1]])
    """
    places = ops.arange(length)
    return places[:, None] >= places


def padding_mask(ids, pad_id: int):
    """Let nobody look at padding: ids `(B, S) -> (B, 1, S)`, True = may be looked at.

    >>> padding_mask(ops.array([[4, 7, 0]]), pad_id=0).numpy().astype(int)
    array([[[1, 1, 0]]])
    """
    return ops.not_equal(ids, pad_id)[:, None, :]


@keras.saving.register_keras_serializable(package="lmcourse")
class Attention(keras.layers.Layer):
    """Scaled dot-product attention with several heads: `(B, T, D) -> (B, T, D)`.

        softmax(Q K^T / sqrt(W)) V,   Q = x Wq,   K = m Wk,   V = m Wv

    for every head by itself; the heads stand side by side and pass Wo. What is looked at, m, is x
    itself or a `memory`. With fewer heads of keys and values than of queries, H / K queries in a
    row share one (grouped queries).

    Args:
        heads: H.
        kv_heads: K, a divisor of H; H if None.
        head_width: W; D / H if None.
        bias: are there biases on queries, keys, values and outputs?
        dropout: share of the weights of attention that is set to zero while training.
        output: how the last kernel starts.

    Call arguments:
        x: `(B, T, D)`.
        memory: what to look at, `(B, S, D')`; x if None.
        attention_mask: booleans `(T, S)` or `(B, 1 or T, S)`, True = may look; all may if None.
            A row that may look nowhere looks at all places alike: keep it out of the loss.
        turns: rotary positions `(2, T, W / 2)` for queries and keys; none if None.
        remember: called with the keys and values of x, `(B, K, T, W)` each, it gives all those that
            are looked at, `(B, K, S, W)`: those of earlier calls with these among them. S = T if
            None. (`generation.cache` keeps them.)
        return_weights: also give who looked at whom, `(B, H, T, S)`.

    Raises:
        TypeError: if the mask is not boolean.
        ValueError: if the mask has another shape.
        ValueError: if `kv_heads` does not divide `heads`, or D is no multiple of `heads` where
            `head_width` is left out.

    Example:
        >>> attention = Attention(heads=2)
        >>> outputs, weights = attention(ops.ones((1, 3, 4)), attention_mask=causal_mask(3),
        ...                              return_weights=True)
        >>> outputs.shape, weights.numpy()[0, 0].round(2)
        (TensorShape([1, 3, 4]), array([[1.  , 0.  , 0.  ],
               [0.5 , 0.5 , 0.  ],
               [0.33, 0.33, 0.33]], dtype=float32))

    Reference: Vaswani and others (2017), "Attention is all you need"; grouped queries: Ainslie and
        others (2023), "GQA".
    """

    def __init__(
        self,
        heads: int,
        kv_heads: int | None = None,
        head_width: int | None = None,
        bias: bool = True,
        dropout: float = 0.0,
        output: str = "glorot_uniform",
        **kwargs,
    ):
        kv_heads = heads if kv_heads is None else kv_heads
        for name, value in {"heads": heads, "kv_heads": kv_heads}.items():
            check_at_least_one(name, value)
        if heads % kv_heads:
            raise ValueError(f"`kv_heads` must divide `heads`. Received: {heads=}, {kv_heads=}")
        super().__init__(**kwargs)
        self.heads, self.kv_heads, self.head_width = heads, kv_heads, head_width
        self.config = dict(heads=heads, kv_heads=kv_heads, head_width=head_width, bias=bias)
        self.config |= dict(dropout=dropout, output=output)
        self.bias, self.output_start = bias, output
        self.dropout = keras.layers.Dropout(dropout)

    def build(self, x_shape, memory_shape=None):
        """Make the four kernels: for queries, keys, values and the output."""
        D, memory_width = x_shape[-1], (memory_shape or x_shape)[-1]
        if self.head_width is None:
            if D % self.heads:
                raise ValueError(
                    f"The width must be a multiple of `heads`. Received: D={D}, heads={self.heads}"
                )
            self.head_width = D // self.heads
        inner, shared = self.heads * self.head_width, self.kv_heads * self.head_width
        sizes = {
            "query": (D, inner),
            "key": (memory_width, shared),
            "value": (memory_width, shared),
        }
        for name, (rows, columns) in (sizes | {"output": (inner, D)}).items():
            start = self.output_start if name == "output" else "glorot_uniform"
            dense = keras.layers.Dense(
                columns, use_bias=self.bias, kernel_initializer=start, name=name
            )
            dense.build((None, None, rows))
            setattr(self, "output_dense" if name == "output" else name, dense)

    def call(
        self,
        x,
        memory=None,
        attention_mask=None,
        turns=None,
        remember=None,
        return_weights=False,
        training=False,
    ):
        """Ask, compare, mix: `(B, T, D) -> (B, T, D)`."""
        q, k, v = self.project(x, x if memory is None else memory)
        q = self.split(q, self.heads)
        k, v = self.split(k, self.kv_heads), self.split(v, self.kv_heads)
        if turns is not None:
            q, k = rotate(q, turns), rotate(k, turns)
        if remember is not None:
            k, v = remember(k, v)
        weights = self.compare(q, k, attention_mask)
        mixed = self.mix(self.dropout(weights, training=training), v)
        outputs = self.output_dense(mixed)
        return (outputs, weights) if return_weights else outputs

    def project(self, x, memory):
        """Give queries of x, keys and values of what is looked at, heads side by side."""
        return self.query(x), self.key(memory), self.value(memory)

    def split(self, x, heads):
        """Cut every vector into heads: `(B, T, heads * W) -> (B, heads, T, W)`."""
        x = ops.reshape(x, (-1, ops.shape(x)[1], heads, self.head_width))
        return ops.transpose(x, (0, 2, 1, 3))

    def compare(self, q, k, mask):
        """Say who looks at whom, each row a distribution: `-> (B, H, T, S)`."""
        T, S, W = ops.shape(q)[2], ops.shape(k)[2], self.head_width
        q = ops.reshape(q * W**-0.5, (-1, self.kv_heads, self.heads // self.kv_heads * T, W))
        scores = ops.matmul(q, ops.transpose(k, (0, 1, 3, 2)))  # the queries of a group, in a row
        scores = ops.reshape(scores, (-1, self.heads, T, S))
        if mask is not None:
            _check_mask(mask, T, S)
            scores = scores + _penalty(mask, scores.dtype)
        if scores.shape[-1] == 1:  # one place to look at gets all the weight; `softmax` warns of it
            return ops.ones_like(scores)
        return ops.softmax(scores)

    def mix(self, weights, v):
        """Add up the values by their weights, heads side by side: `-> (B, T, H * W)`."""
        T, S, W = ops.shape(weights)[2], ops.shape(v)[2], self.head_width
        weights = ops.reshape(weights, (-1, self.kv_heads, self.heads // self.kv_heads * T, S))
        mixed = ops.reshape(ops.matmul(weights, v), (-1, self.heads, T, W))
        return ops.reshape(ops.transpose(mixed, (0, 2, 1, 3)), (-1, T, self.heads * W))

    def get_config(self):
        """Give the arguments that make the same layer again."""
        return super().get_config() | self.config


def _penalty(mask, dtype):
    """Turn "may look" into 0 and "may not" into a score that no softmax sees."""
    penalty = (1.0 - ops.cast(mask, dtype)) * -1e9
    return penalty if len(mask.shape) == 2 else penalty[:, None]  # the same for every head


def _check_mask(mask, T, S):
    kind = keras.backend.standardize_dtype(mask.dtype)
    if kind != "bool":
        raise TypeError(f"`attention_mask` must be booleans, True to look. Received: dtype={kind}")
    shape = tuple(mask.shape)
    fits = len(shape) in (2, 3) and shape[-2] in (1, T, None) and shape[-1] in (S, None)
    if isinstance(T, int) and isinstance(S, int) and not fits:  # else a graph is traced
        raise ValueError(
            f"`attention_mask` must have the shape (T, S) = ({T}, {S}) or (B, 1 or T, S). "
            f"Received: shape {shape}"
        )
