"""The fixed-window neural model of 2003, forward and backward, in plain NumPy.

The yardstick for `models/mlp.py`. Each function computes one line of the network and keeps in its
`cache` what the way back needs; its `_backward` turns the gradient of the result into the gradients
of the inputs, in their order. It does not know the loss: the first gradient comes from outside.

Axis letters: B batch, D width of a vector, U units of the hidden layer, V vocabulary, n window.
"""

from collections.abc import Sequence

import numpy as np


def dense(x: np.ndarray, kernel: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, tuple]:
    """Mix the numbers of every row anew: `(..., I), (I, O), (O,) -> (..., O)`, `y = x W + b`.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> y, _ = dense(np.array([[1.0, 2.0]]), np.array([[3.0, 0.0], [1.0, -1.0]]), np.ones(2))
        >>> y   # 1*3 + 2*1 + 1, 1*0 - 2*1 + 1
        array([[ 6., -1.]])
    """
    if kernel.ndim != 2 or x.shape[-1:] != kernel.shape[:1] or bias.shape != kernel.shape[1:]:
        raise ValueError(
            "`x`, `kernel` and `bias` must have the shapes (..., I), (I, O) and (O,). "
            f"Received: {x.shape=}, {kernel.shape=}, {bias.shape=}"
        )
    return x @ kernel + bias, (x, kernel)


def dense_backward(d_y: np.ndarray, cache: tuple) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the gradients of `x`, `kernel` and `bias`: `(..., O) -> (..., I), (I, O), (O,)`.

    Each number of `x` moved all of `y` through its row of the kernel, so it collects `d_y W^T`.
    Each weight `W[i, o]` met `x[i]` in every row of the batch, so it adds up `x[i] d_y[o]`.

    Example:
        >>> _, cache = dense(np.array([[1.0, 2.0]]), np.array([[3.0], [4.0]]), np.zeros(1))
        >>> [gradient.tolist() for gradient in dense_backward(np.array([[10.0]]), cache)]
        [[[30.0, 40.0]], [[10.0], [20.0]], [10.0]]
    """
    x, kernel = cache
    rows, d_rows = x.reshape(-1, x.shape[-1]), d_y.reshape(-1, d_y.shape[-1])
    return d_y @ kernel.T, rows.T @ d_rows, d_rows.sum(axis=0)


def tanh(a: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Squeeze every number into the range from -1 to 1: `(...) -> (...)`.

    Example:
        >>> tanh(np.array([-100.0, 0.0, 0.5]))[0].round(3)
        array([-1.   ,  0.   ,  0.462])
    """
    h = np.tanh(a)
    return h, h


def tanh_backward(d_h: np.ndarray, cache: np.ndarray) -> np.ndarray:
    """Give the gradient of the input: `(...) -> (...)`, each number times the slope `1 - h ** 2`.

    Near -1 and 1 the slope is nearly 0: a saturated unit passes nothing on.

    Example:
        >>> _, h = tanh(np.array([-100.0, 0.0, 0.5]))
        >>> tanh_backward(np.ones(3), h).round(3)
        array([0.   , 1.   , 0.786])
    """
    return d_h * (1 - cache**2)


def window_mlp(ids: np.ndarray, weights: Sequence[np.ndarray]) -> tuple[np.ndarray, tuple]:
    """Score every next token by the last n: ids `(B, n)` -> logits `(B, V)`.

        x = E[ids], the n vectors of a row in one long row       (B, n * D)
        h = tanh(x W1 + b1)                                      (B, U)
        z = h W2 + b2                                            (B, V)

    Args:
        ids: the last n tokens, the newest at the end: integers that are rows of E.
        weights: E `(rows, D)`, W1 `(n * D, U)`, b1 `(U,)`, W2 `(U, V)`, b2 `(V,)`. The course's
            models have one row more than tokens, `rows = V + 1`: its last row is the vector of
            "nothing", which stands where the text has not begun yet.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id has no row, or the shapes do not fit.

    Example:
        >>> ids = np.array([[3, 1], [1, 2]])   # V = 3, so 3 is "nothing"
        >>> weights = [np.zeros(shape) for shape in [(4, 2), (4, 5), (5,), (5, 3), (3,)]]
        >>> window_mlp(ids, weights)[0].shape
        (2, 3)

    Reference: Bengio, Ducharme, Vincent & Jauvin (2003), "A neural probabilistic language model"
        (without the optional direct connections from x to z).
    """
    table, kernel_1, bias_1, kernel_2, bias_2 = weights
    ids = _rows_of(table, ids)
    x = table[ids].reshape(len(ids), -1)
    a, first = dense(x, kernel_1, bias_1)
    h, squeezed = tanh(a)
    z, second = dense(h, kernel_2, bias_2)
    return z, (ids, table.shape, first, squeezed, second)


def window_mlp_backward(d_logits: np.ndarray, cache: tuple) -> list[np.ndarray]:
    """Give the gradients of the five weights, in their order: `(B, V) -> E, W1, b1, W2, b2`.

    The same lines as forward, last line first. A token that stands at several places of the batch
    has one row of E, where the gradients of all these places add up.
    """
    ids, table_shape, first, squeezed, second = cache
    d_h, d_kernel_2, d_bias_2 = dense_backward(d_logits, second)
    d_a = tanh_backward(d_h, squeezed)
    d_x, d_kernel_1, d_bias_1 = dense_backward(d_a, first)
    d_table = np.zeros(table_shape)
    np.add.at(d_table, ids, d_x.reshape(*ids.shape, -1))
    return [d_table, d_kernel_1, d_bias_1, d_kernel_2, d_bias_2]


def _rows_of(table, ids):
    ids = np.asarray(ids)
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"`ids` must be integers. Received: dtype={ids.dtype}")
    if ids.ndim != 2:
        raise ValueError(f"`ids` must have the shape (B, n). Received: {ids.shape=}")
    if ids.size and not 0 <= ids.min() <= ids.max() < len(table):
        raise ValueError(
            f"`ids` must be rows of the table, 0 to {len(table) - 1}. "
            f"Received: ids from {ids.min()} to {ids.max()}"
        )
    return ids
