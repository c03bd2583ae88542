"""The long short-term memory in plain NumPy: forward, and backward through time by hand.

The yardstick of every LSTM of the course. It does not know what its inputs mean, and it counts in
float64. Axis letters: B batch, T time, D width of the inputs, U units.
"""

import numpy as np


def sigmoid(z: np.ndarray) -> np.ndarray:
    """Squash any number to a share between 0 and 1: `(...) -> (...)`.

    `1 / (1 + e^-z)`, written as a hyperbolic tangent, which cannot overflow.

    >>> sigmoid(np.array([-1000.0, 0.0, np.log(3.0)])).round(2)
    array([0.  , 0.5 , 0.75])
    """
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(z, dtype=np.float64)))


def lstm(
    x: np.ndarray,
    state: tuple[np.ndarray, np.ndarray],
    kernel: np.ndarray,
    recurrent: np.ndarray,
    bias: np.ndarray,
    mask: np.ndarray | None = None,
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], dict]:
    """Read a sequence with a cell that decides what to keep: `(B, T, D) -> (B, T, U)`.

    At each step four blocks of U numbers are computed from the input and the last hidden state,
    in the order of Keras: input gate `i`, forget gate `f`, candidate, output gate `o`.

        i, f, candidate, o = x_t @ kernel + h @ recurrent + bias, cut into four
        i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
        c = f * c + i * tanh(candidate)
        h = o * tanh(c)

    Where the mask is False nothing happens: the state stays, and the output of the step before is
    given again (zeros, if there was none), as in Keras.

    Args:
        x: inputs `(B, T, D)`.
        state: hidden state `h` and cell `c` to start from, each `(B, U)`.
        kernel, recurrent, bias: weights `(D, 4U)`, `(U, 4U)`, `(4U,)`.
        mask: True for real steps, `(B, T)`; all are real if left out.

    Returns:
        The outputs, the last state `(h, c)`, and the cache for `lstm_backward`: among the rest
        `"gates"` `(B, T, 4, U)` in the order above, and `"cells"` `(B, T + 1, U)`, the first of
        which is the one to start from.

    Raises:
        TypeError: if `mask` is not boolean.
        ValueError: if the shapes do not fit together.

    Example:
        >>> zero, open_ = np.zeros((1, 1)), np.full((1, 4), 9.0)
        >>> x = np.ones((1, 2, 1))
        >>> _, (h, c), _ = lstm(x, (zero, zero), open_, np.zeros((1, 4)), np.zeros(4))
        >>> c.round(2), h.round(2)  # all gates are open: the cell counts to two, h is tanh(2)
        (array([[2.]]), array([[0.96]]))

    Reference: Hochreiter & Schmidhuber (1997), "Long short-term memory"; Gers, Schmidhuber &
        Cummins (2000), "Learning to forget", for the forget gate.
    """
    x, (h, c) = np.asarray(x, np.float64), (np.asarray(part, np.float64) for part in state)
    kernel, recurrent, bias = (np.asarray(w, np.float64) for w in (kernel, recurrent, bias))
    mask = checked_mask(x, mask)
    U = h.shape[-1]
    check_shapes(
        (x.shape[0], x.shape[2], U),
        h=(h, "BU"),
        c=(c, "BU"),
        kernel=(kernel, "D4"),
        recurrent=(recurrent, "U4"),
        bias=(bias, "4"),
    )
    B, T, _ = x.shape
    outputs, gates = np.zeros((B, T, U)), np.zeros((B, T, 4, U))
    hidden, cells = np.repeat(h[:, None], T + 1, axis=1), np.repeat(c[:, None], T + 1, axis=1)
    output = np.zeros((B, U))
    for t in range(T):
        z = (x[:, t] @ kernel + h @ recurrent + bias).reshape(B, 4, U)
        i, f, o = sigmoid(z[:, 0]), sigmoid(z[:, 1]), sigmoid(z[:, 3])
        candidate = np.tanh(z[:, 2])
        real = mask[:, t, None]
        c = np.where(real, f * c + i * candidate, c)
        h = np.where(real, o * np.tanh(c), h)
        output = np.where(real, h, output)
        outputs[:, t], gates[:, t] = output, np.stack([i, f, candidate, o], axis=1)
        hidden[:, t + 1], cells[:, t + 1] = h, c
    cache = {"x": x, "mask": mask, "gates": gates, "hidden": hidden, "cells": cells}
    return outputs, (h, c), cache | {"kernel": kernel, "recurrent": recurrent}


def lstm_backward(
    d_outputs: np.ndarray, cache: dict
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    """Carry the slopes of a loss from the outputs back to all inputs of `lstm`, through time.

    Two streams run backwards, one along `h` and one along `c`. The second is only multiplied by
    the forget gate on its way: d_c(t - 1) = f(t) * d_c(t). That is what the LSTM was made for.

    Args:
        d_outputs: slopes of the loss at the outputs, `(B, T, U)`.
        cache: what `lstm` returned last.

    Returns:
        The slopes at `x` `(B, T, D)`, at the state `(h, c)` to start from, and at `kernel`,
        `recurrent` and `bias`.

    Raises:
        ValueError: if `d_outputs` does not have the shape of the outputs.

    Reference: Werbos (1990), "Backpropagation through time: what it does and how to do it".
    """
    x, mask, gates, cells = cache["x"], cache["mask"], cache["gates"], cache["cells"]
    kernel, recurrent, hidden = cache["kernel"], cache["recurrent"], cache["hidden"]
    d_outputs = checked_slopes(d_outputs, hidden)
    B, T, U = d_outputs.shape
    d_x, d_kernel, d_recurrent = np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(recurrent)
    d_bias = np.zeros(4 * U)
    d_h, d_c, d_output = np.zeros((B, U)), np.zeros((B, U)), np.zeros((B, U))
    for t in reversed(range(T)):
        real = mask[:, t, None]
        d_output = d_output + d_outputs[:, t]  # a masked step hands its slope to the step before
        d_new = np.where(real, d_h + d_output, 0)
        i, f, candidate, o = np.moveaxis(gates[:, t], 1, 0)
        squashed = np.tanh(cells[:, t + 1])
        d_cell = np.where(real, d_c, 0) + d_new * o * (1 - squashed**2)
        d_z = np.concatenate(
            [
                d_cell * candidate * i * (1 - i),
                d_cell * cells[:, t] * f * (1 - f),
                d_cell * i * (1 - candidate**2),
                d_new * squashed * o * (1 - o),
            ],
            axis=1,
        )
        d_x[:, t] = d_z @ kernel.T
        d_kernel += x[:, t].T @ d_z
        d_recurrent += hidden[:, t].T @ d_z
        d_bias += d_z.sum(axis=0)
        d_h = np.where(real, d_z @ recurrent.T, d_h)
        d_c = np.where(real, d_cell * f, d_c)
        d_output = np.where(real, 0, d_output)
    return d_x, (d_h, d_c), d_kernel, d_recurrent, d_bias


def checked_mask(x: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Return the mask as booleans `(B, T)`, all True if left out, or say how `x` and it must be."""
    if x.ndim != 3:
        raise ValueError(f"`x` must have the axes B, T, D. Received: shape {x.shape}")
    mask = np.ones(x.shape[:2], bool) if mask is None else np.asarray(mask)
    if mask.dtype != bool:
        raise TypeError(f"`mask` must be boolean, True = a real step. Received: dtype={mask.dtype}")
    if mask.shape != x.shape[:2]:
        raise ValueError(
            f"`mask` must have the axes B, T of `x`. Received: shapes {mask.shape} and {x.shape}"
        )
    return mask


def checked_slopes(d_outputs: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """Return the slopes at the outputs as float64, or say which shape they must have."""
    d_outputs = np.asarray(d_outputs, np.float64)
    if d_outputs.shape != hidden[:, 1:].shape:
        raise ValueError(
            f"`d_outputs` must have the shape of the outputs, {hidden[:, 1:].shape}. "
            f"Received: {d_outputs.shape=}"
        )
    return d_outputs


def check_shapes(sizes: tuple[int, int, int], **arrays: tuple[np.ndarray, str]) -> None:
    """Compare shapes with axes named by B, D, U, or a digit for that many times U.

    >>> check_shapes((2, 3, 5), bias=(np.zeros(20), "4"), h=(np.zeros((2, 5)), "BU"))
    """
    B, D, U = sizes
    named = {"B": B, "D": D, "U": U}
    for name, (array, axes) in arrays.items():
        wanted = tuple(named[a] if a in named else int(a) * U for a in axes)
        if array.shape != wanted:
            raise ValueError(
                f"`{name}` must have the shape {wanted} for B={B}, D={D}, U={U}. "
                f"Received: shape {array.shape}"
            )
