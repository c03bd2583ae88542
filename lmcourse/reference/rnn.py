"""A recurrent layer in plain NumPy, forward through time and backward through time.

The yardstick for `keras.layers.SimpleRNN`. It does not know words: it reads vectors and gives one
hidden state for each.

Axis letters: B batch, T time, D width of the input vectors, U units.
"""

import numpy as np


def rnn(
    x: np.ndarray,
    state: np.ndarray,
    kernel: np.ndarray,
    recurrent: np.ndarray,
    bias: np.ndarray,
    mask: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Read vectors one after another and keep what they leave behind in a hidden state.

    At step t, with W for `kernel`, R for `recurrent` and b for `bias`:

        h_t = tanh(x_t W + h_(t-1) R + b)

    Shapes: `(B, T, D), (B, U), (D, U), (U, U), (U,) -> (B, T, U)` and a cache.

    Args:
        x: the input vectors.
        state: h_0, the hidden state to start from; zeros for a new text.
        kernel: the weights of the input.
        recurrent: the weights of the last state.
        bias: one number per unit.
        mask: booleans `(B, T)`, True = a real step. As in Keras, a masked step leaves the state
            alone and repeats the last output; before the first real step the output is zero.

    Returns:
        The outputs h_1 ... h_T, and a cache: `"hidden"` `(B, T + 1, U)`, the state before the first
        step and after each (the last is the one to go on with), and what `rnn` was given.

    Raises:
        TypeError: if `mask` is not boolean.
        ValueError: if the shapes do not fit.

    Example:
        >>> outputs, cache = rnn([[[1.0], [0.0]]], [[0.0]], [[0.5]], [[2.0]], [0.0])
        >>> outputs.round(3).tolist()   # tanh 0.5, then tanh of twice that
        [[[0.462], [0.728]]]

    Reference: Elman (1990), "Finding structure in time".
    """
    x, state, kernel, recurrent, bias, mask = _checked(x, state, kernel, recurrent, bias, mask)
    B, T, _ = x.shape
    hidden = np.zeros((B, T + 1, len(bias)))
    outputs, output = np.zeros((B, T, len(bias))), np.zeros_like(state)
    hidden[:, 0] = state
    for t in range(T):
        real = mask[:, t, None]
        new = np.tanh(x[:, t] @ kernel + hidden[:, t] @ recurrent + bias)
        hidden[:, t + 1] = np.where(real, new, hidden[:, t])
        outputs[:, t] = output = np.where(real, new, output)
    cache = {"x": x, "hidden": hidden, "kernel": kernel, "recurrent": recurrent, "mask": mask}
    return outputs, cache


def rnn_backward(d_outputs: np.ndarray, cache: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
    """Send the slopes of a loss back through time: from the outputs to everything that made them.

    Walks from the last step to the first. With a_t = x_t W + h_(t-1) R + b and d for "slope of":

        d h_t  = d output_t + d a_(t+1) R^T      (what step t is blamed for, now and later)
        d a_t  = d h_t * (1 - h_t^2)             (tanh' = 1 - tanh^2)
        d W   += x_t^T d a_t,  d R += h_(t-1)^T d a_t,  d b += d a_t,  d x_t = d a_t W^T

    Shapes: `(B, T, U) -> (B, T, D), (B, U), (D, U), (U, U), (U,)`: the slopes of `x`,
    `state`, `kernel`, `recurrent` and `bias`, in the order in which `rnn` takes them.

    Raises:
        ValueError: if `d_outputs` does not have the shape of the outputs.

    Example:
        >>> outputs, cache = rnn([[[1.0], [0.0]]], [[0.0]], [[0.5]], [[2.0]], [0.0])
        >>> d_x, d_state, d_kernel, d_recurrent, d_bias = rnn_backward([[[0.0], [1.0]]], cache)
        >>> d_recurrent.round(3).tolist()   # h_1 times 1 - h_2^2
        [[0.217]]

    Reference: Werbos (1990), "Backpropagation through time: what it does and how to do it".
    """
    x, hidden, kernel, recurrent, mask = cache.values()
    d_outputs = np.asarray(d_outputs, np.float64)
    if d_outputs.shape != hidden[:, 1:].shape:
        raise ValueError(
            "`d_outputs` must have the shape of the outputs, "
            f"{hidden[:, 1:].shape}. Received: {d_outputs.shape=}"
        )
    d_x, d_kernel, d_recurrent = np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(recurrent)
    d_state, d_output, d_bias = (np.zeros_like(hidden[:, 0]) for _ in range(3))
    for t in reversed(range(x.shape[1])):
        real, h = mask[:, t, None], hidden[:, t + 1]
        d_output = d_output + d_outputs[:, t]  # with that of the masked steps that repeated it
        d_a = real * (d_output + d_state) * (1 - h**2)
        d_x[:, t] = d_a @ kernel.T
        d_kernel += x[:, t].T @ d_a
        d_recurrent += hidden[:, t].T @ d_a
        d_bias += d_a
        d_state = np.where(real, d_a @ recurrent.T, d_state)
        d_output = np.where(real, 0, d_output)
    return d_x, d_state, d_kernel, d_recurrent, d_bias.sum(axis=0)


def _checked(x, state, kernel, recurrent, bias, mask):
    arrays = [np.asarray(a, np.float64) for a in (x, state, kernel, recurrent, bias)]
    shapes = [a.shape for a in arrays]
    B, T, D = shapes[0] if len(shapes[0]) == 3 else (None, None, None)
    U = arrays[4].size
    if shapes != [(B, T, D), (B, U), (D, U), (U, U), (U,)]:
        raise ValueError(
            "`x`, `state`, `kernel`, `recurrent`, `bias` must have the shapes (B, T, D), (B, U), "
            f"(D, U), (U, U), (U,). Received: {', '.join(map(str, shapes))}"
        )
    mask = np.ones((B, T), bool) if mask is None else np.asarray(mask)
    if mask.dtype != bool:
        raise TypeError(f"`mask` must be boolean, True = a real step. Received: dtype={mask.dtype}")
    if mask.shape != (B, T):
        raise ValueError(f"`mask` must have the shape (B, T) = {(B, T)}. Received: {mask.shape}")
    return *arrays, mask
