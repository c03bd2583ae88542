"""A walk along time whose gradient is written by hand; knows nothing of what a cell computes.

Automatic differentiation gives the same gradient and takes three times as long: at every step back
it adds a small matrix product to the gradient of the recurrent weights. Here the slopes of all
steps are worked out at once, the walk back does what has to be done in order and no more, and one
large product at its end adds up the gradient of the weights.

Axis letters: T time (the first axis here, so that a step is one slice), B batch, U units.
"""

from typing import Protocol

from keras import ops


class Cell(Protocol):
    """One step forward and one step back. State, kept and slopes are tuples of `(B, ·)`."""

    def step(self, inputs, state, weights):
        """Give the next state and what the way back will need: `(B, G) -> state, kept`."""

    def slopes(self, inputs, kept, before, after):
        """Differentiate all steps at once, each by itself: `(T, B, ·) -> (T, B, ·)`."""

    def step_back(self, d_after, slopes, weights):
        """Turn the gradient of the next state into that of the inputs and of the state before."""

    def weight_gradients(self, d_inputs, slopes, before):
        """Add up the gradients of the weights over all steps: `(T, B, G) -> weights`."""


def scan(cell: Cell, inputs, state: tuple, weights: tuple, mask=None):
    """Walk along time; give what the cell shows at every step, and its last state.

    What a cell shows is the first part of its state. Where `mask` `(T, B)` is False the state stays
    as it was. Shapes: inputs `(T, B, G)`, state of `(B, U)` -> `(T, B, U)`, state.
    """
    parts, steps = len(state), ops.arange(ops.shape(inputs)[0])

    @ops.custom_gradient
    def walk(inputs, *given):
        first, weights = given[:parts], given[parts:]
        _, kept = cell.step(inputs[0], first, weights)

        def forward(carry, t):
            after, kept = cell.step(inputs[t], carry[:parts], weights)
            after = _choose(mask, t, after, carry[:parts])
            return (*after, *kept), (*after, *kept)

        last, every = ops.scan(forward, (*first, *_zeros(kept)), steps)
        after, kept = every[:parts], every[parts:]
        before = tuple(
            ops.concatenate([s[None], a[:-1]]) for s, a in zip(first, after, strict=True)
        )

        def backward(d_shown, *d_last):
            slopes = cell.slopes(inputs, kept, before, after)

            def back(carry, t):
                d_after = (carry[0] + d_shown[t], *carry[1:parts])
                d_real = _choose(mask, t, d_after, _zeros(d_after))
                d_inputs, d_before = cell.step_back(d_real, [s[t] for s in slopes], weights)
                if mask is not None:  # what a masked step does not use goes on to the step before
                    d_past = _choose(mask, t, _zeros(d_after), d_after)
                    d_before = tuple(d + p for d, p in zip(d_before, d_past, strict=True))
                return (*d_before, d_inputs), (*d_before, d_inputs)

            carry = (*d_last, ops.zeros_like(inputs[0]))
            d_first, d_every = ops.scan(back, carry, steps, reverse=True)
            d_weights = cell.weight_gradients(d_every[-1], slopes, before)
            return d_every[-1], *d_first[:parts], *d_weights

        return (after[0], *last[:parts]), backward

    shown, *last = walk(inputs, *state, *weights)
    return shown, tuple(last)


def _zeros(arrays):
    return tuple(ops.zeros_like(a) for a in arrays)


def _choose(mask, t, these, those):
    """Take `these` where step t is real, `those` where it is masked; without a mask, `these`."""
    if mask is None:
        return these
    real = mask[t][:, None]
    return tuple(ops.where(real, a, b) for a, b in zip(these, those, strict=True))
