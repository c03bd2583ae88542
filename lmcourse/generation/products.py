"""The products of a GPT, laid out for one token at a time; knows nothing of caches and of texts.

To write a token, every weight is read once and used once: what counts is how fast the memory gives
them. So each kernel is kept a second time by rows, one row an output, in the order in which they
are read, in four bytes a number or in one. Axis letters: D width, U units, V vocabulary.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import keras
import numpy as np
from keras import ops

from lmcourse.compression.quantize import dequantize, quantize
from lmcourse.models.gpt import GPT

WEIGHTS = ("float32", "int8")
Products = list[tuple[object, str, Callable]]  # whose, which method, what stands in for it


class Rows:
    """A matrix by rows that is multiplied by vectors: `(B, T, D) -> (B, T, U)`.

    Args:
        rows: `(U, D)`.
        weights: one of `WEIGHTS`.
        bias: `(U,)`, or None.
        one: a variable that holds 1 (see `__call__`).

    Example:
        >>> rows = Rows(np.array([[1.0, 2.0], [0.0, 4.0]]), "int8")
        >>> rows(ops.array([[[1.0, 1.0]]])).numpy().round(2)
        array([[[3.01, 4.  ]]], dtype=float32)
    """

    def __init__(self, rows: np.ndarray, weights: str, bias=None, one=1.0):
        self.bias, self.scales, self.one = bias, None, one
        if weights == "int8":
            rows, scales = quantize(rows)
            self.scales = _fixed(scales)
        self.rows = _fixed(rows)

    def __call__(self, x, training=None):
        """Multiply: `(B, T, D) -> (B, T, U)`.

        Where there is something to convert, XLA would compute x anew for every row, if x did not
        end in a division that it cannot do beforehand.
        """
        x = x if self.scales is None else x / self.one
        vectors = ops.transpose(ops.reshape(x, (-1, x.shape[-1])))  # one a column
        y = ops.matmul(ops.cast(self.rows, x.dtype), vectors)
        y = ops.reshape(ops.transpose(y), (*ops.shape(x)[:-1], y.shape[0]))
        y = y if self.scales is None else y * self.scales
        return y if self.bias is None else y + self.bias

    def look_up(self, ids):
        """Give the rows of some ids, of int8: `(B, T) -> (B, T, D)`."""
        whole = ops.cast(ops.take(self.rows, ids, axis=0), "float32")
        return whole * ops.take(self.scales, ids)[..., None]


def by_rows(model: GPT, weights: str) -> Products:
    """Lay out every product of a model by rows, for `in_place_of`.

    What multiplies the same vectors is laid side by side: queries, keys and values; up and gate.

    Raises:
        ValueError: if `weights` is unknown.
    """
    if weights not in WEIGHTS:
        raise ValueError(
            f"`weights` must be one of {', '.join(WEIGHTS)}. Received: weights={weights!r}"
        )
    one, found = _fixed(np.float32(1)), []

    def lay_out(layer):
        found.append((layer, "call", _rows([layer], weights, one)))

    def lay_side_by_side(owner, method, layers):
        cuts = np.cumsum([layer.kernel.shape[1] for layer in layers])[:-1].tolist()
        rows = _rows(layers, weights, one)
        found.append((owner, method, lambda x, memory=None: ops.split(rows(x), cuts, axis=-1)))

    for block in model.blocks:
        look, think = block.attention, block.feed_forward
        lay_side_by_side(look, "project", [look.query, look.key, look.value])
        if think.gate is None:
            lay_out(think.up)
        else:
            lay_side_by_side(think, "widen", [think.up, think.gate])
        lay_out(look.output_dense)
        lay_out(think.down)
    if model.head is not None:
        lay_out(model.head)
    table = Rows(ops.convert_to_numpy(model.embedding.tokens), weights, one=one)
    found.append((model.embedding, "score", table))
    return found if weights == "float32" else [*found, (model.embedding, "look_up", table.look_up)]


def _rows(layers, weights, one):
    kernels = np.concatenate([ops.convert_to_numpy(layer.kernel) for layer in layers], axis=1)
    biases = [layer.bias for layer in layers if layer.use_bias]
    return Rows(kernels.T, weights, ops.concatenate(biases) if biases else None, one)


@contextmanager
def in_place_of(products: Products) -> Iterator[None]:
    """Let products stand in for methods of layers, while a function of the model is traced."""
    for layer, method, product in products:
        layer.__dict__[method] = product
    try:
        yield
    finally:
        for layer, method, _ in products:
            del layer.__dict__[method]


def rounded(model: GPT) -> None:
    """Round the weights of a model to what int8 keeps of them, in place: to measure the loss.

    Every kernel by its columns, one scale an output; the table by its tokens.
    """
    for layer in _layers(model):
        if isinstance(layer, keras.layers.Dense):
            layer.kernel.assign(dequantize(*quantize(ops.convert_to_numpy(layer.kernel).T)).T)
    table = model.embedding.tokens
    table.assign(dequantize(*quantize(ops.convert_to_numpy(table))))


def _layers(model):
    return model._flatten_layers(include_self=False)


def _fixed(value):
    return keras.Variable(value, dtype=str(value.dtype), trainable=False)
