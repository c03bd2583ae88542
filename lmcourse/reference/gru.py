"""The gated recurrent unit in plain NumPy: forward, and backward through time by hand.

The yardstick of every GRU of the course. It does not know what its inputs mean, and it counts in
float64. Axis letters: B batch, T time, D width of the inputs, U units.
"""

import numpy as np

from lmcourse.reference.lstm import check_shapes, checked_mask, checked_slopes, sigmoid


def gru(
    x: np.ndarray,
    h: np.ndarray,
    kernel: np.ndarray,
    recurrent: np.ndarray,
    bias: np.ndarray,
    mask: np.ndarray | None = None,
    reset_after: bool = True,
) -> tuple[np.ndarray, dict]:
    """Read a sequence with a state that is mixed anew at each step: `(B, T, D) -> (B, T, U)`.

    Three blocks of U numbers, in the order of Keras: update gate `z`, reset gate `r`, candidate.
    The update gate is the share of the old state that stays.

        z, r = sigmoid(x_t @ kernel + h @ recurrent + bias)             first and second block
        candidate = tanh(x_t @ kernel + r * (h @ recurrent + bias'))    third, reset_after=True
        candidate = tanh(x_t @ kernel + (r * h) @ recurrent + bias)     third, reset_after=False
        h = z * h + (1 - z) * candidate

    With `reset_after` the bias has two rows, one added to what comes from the input and one to what
    comes from the state: the second one, in the third block, stands inside the reset. Masked steps
    are those of `lstm`: the state stays, the last output is given again.

    Args:
        x: inputs `(B, T, D)`.
        h: hidden state to start from, `(B, U)`.
        kernel, recurrent: weights `(D, 3U)`, `(U, 3U)`.
        bias: `(2, 3U)` with `reset_after`, `(3U,)` without.
        mask: True for real steps, `(B, T)`; all are real if left out.
        reset_after: whether the reset gate acts after the matrix product or before it.

    Returns:
        The outputs and the cache for `gru_backward`: among the rest `"gates"` `(B, T, 3, U)` in
        the order above, and `"hidden"` `(B, T + 1, U)`, from the state to start from to the last.

    Raises:
        TypeError: if `mask` is not boolean.
        ValueError: if the shapes do not fit together.

    Example:
        >>> half = gru(np.ones((1, 1, 1)), np.ones((1, 1)), *np.zeros((2, 1, 3)), np.zeros((2, 3)))
        >>> half[0]  # all weights are zero: half of the old state stays, the candidate is 0
        array([[[0.5]]])

    Reference: Cho et al. (2014), "Learning phrase representations using RNN encoder-decoder for
        statistical machine translation"; the reset after the product is from NVIDIA's cuDNN.
    """
    x, h = np.asarray(x, np.float64), np.asarray(h, np.float64)
    kernel, recurrent, bias = (np.asarray(w, np.float64) for w in (kernel, recurrent, bias))
    mask = checked_mask(x, mask)
    check_shapes(
        (x.shape[0], x.shape[2], h.shape[-1]),
        h=(h, "BU"),
        kernel=(kernel, "D3"),
        recurrent=(recurrent, "U3"),
    )
    (B, T, _), U = x.shape, h.shape[-1]
    wanted = (2, 3 * U) if reset_after else (3 * U,)
    if bias.shape != wanted:
        raise ValueError(
            f"`bias` must have the shape {wanted} with reset_after={reset_after}. "
            f"Received: shape {bias.shape}"
        )
    of_input, of_state = bias if reset_after else (bias, np.zeros(3 * U))
    outputs, gates, inner = np.zeros((B, T, U)), np.zeros((B, T, 3, U)), np.zeros((B, T, U))
    hidden, output = np.repeat(h[:, None], T + 1, axis=1), np.zeros((B, U))
    for t in range(T):
        from_x = (x[:, t] @ kernel + of_input).reshape(B, 3, U)
        from_h = (h @ recurrent + of_state).reshape(B, 3, U)
        z, r = sigmoid(from_x[:, 0] + from_h[:, 0]), sigmoid(from_x[:, 1] + from_h[:, 1])
        inner[:, t] = from_h[:, 2] if reset_after else r * h
        past = r * inner[:, t] if reset_after else inner[:, t] @ recurrent[:, 2 * U :]
        candidate = np.tanh(from_x[:, 2] + past)
        real = mask[:, t, None]
        h = np.where(real, z * h + (1 - z) * candidate, h)
        output = np.where(real, h, output)
        outputs[:, t], hidden[:, t + 1] = output, h
        gates[:, t] = np.stack([z, r, candidate], axis=1)
    cache = {"x": x, "mask": mask, "gates": gates, "inner": inner, "hidden": hidden}
    return outputs, cache | {"kernel": kernel, "recurrent": recurrent, "reset_after": reset_after}


def gru_backward(
    d_outputs: np.ndarray, cache: dict
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Carry the slopes of a loss from the outputs back to all inputs of `gru`, through time.

    Args:
        d_outputs: slopes of the loss at the outputs, `(B, T, U)`.
        cache: what `gru` returned last.

    Returns:
        The slopes at `x` `(B, T, D)`, at the state to start from `(B, U)`, and at `kernel`,
        `recurrent` and `bias`.

    Raises:
        ValueError: if `d_outputs` does not have the shape of the outputs.
    """
    x, mask, gates, inner = cache["x"], cache["mask"], cache["gates"], cache["inner"]
    kernel, recurrent, hidden = cache["kernel"], cache["recurrent"], cache["hidden"]
    reset_after = cache["reset_after"]
    d_outputs = checked_slopes(d_outputs, hidden)
    B, T, U = d_outputs.shape
    d_x, d_kernel, d_recurrent = np.zeros_like(x), np.zeros_like(kernel), np.zeros_like(recurrent)
    d_bias = np.zeros((2, 3 * U))
    d_h, d_output = np.zeros((B, U)), np.zeros((B, U))
    for t in reversed(range(T)):
        real, h = mask[:, t, None], hidden[:, t]
        d_output = d_output + d_outputs[:, t]  # a masked step hands its slope to the step before
        d_new = np.where(real, d_h + d_output, 0)
        z, r, candidate = np.moveaxis(gates[:, t], 1, 0)
        d_candidate = d_new * (1 - z) * (1 - candidate**2)
        d_z = d_new * (h - candidate) * z * (1 - z)
        d_past = d_candidate if reset_after else d_candidate @ recurrent[:, 2 * U :].T
        d_r = d_past * (inner[:, t] if reset_after else h) * r * (1 - r)
        d_from_x = np.concatenate([d_z, d_r, d_candidate], axis=1)
        if reset_after:  # everything from the state went through one product
            d_from_h = np.concatenate([d_z, d_r, d_candidate * r], axis=1)
            d_recurrent += h.T @ d_from_h
            d_before = d_from_h @ recurrent.T
        else:  # the third block saw r * h
            d_from_h = d_from_x
            d_recurrent[:, : 2 * U] += h.T @ d_from_h[:, : 2 * U]
            d_recurrent[:, 2 * U :] += inner[:, t].T @ d_candidate
            d_before = d_from_h[:, : 2 * U] @ recurrent[:, : 2 * U].T + d_past * r
        d_x[:, t] = d_from_x @ kernel.T
        d_kernel += x[:, t].T @ d_from_x
        d_bias += np.stack([d_from_x.sum(axis=0), d_from_h.sum(axis=0)])
        d_h = np.where(real, d_before + d_new * z, d_h)
        d_output = np.where(real, 0, d_output)
    return d_x, d_h, d_kernel, d_recurrent, d_bias if reset_after else d_bias[0]
