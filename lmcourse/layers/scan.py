"""A walk along time whose gradient is written by hand; knows nothing of what a cell computes.

Automatic differentiation gives the same gradient and takes three times as long: at every step it
adds a small matrix product to the gradient of the recurrent weights. Here the way back collects
what each step has to say, and one large product at the end adds it up.

Axis letters: T time (the first axis here, so that a step is one slice), B batch, U units.
"""

from typing import Protocol

from keras import ops


class Cell(Protocol):
    """One step forward and one step back. A state and what is kept are tuples of `(B, ·)`."""

    def step(self, inputs, state, weights):
        """Give the next state and what the way back needs: `(B, G) -> state, kept`."""

    def step_back(self, d_after, kept, before, after, weights):
        """Turn the gradient of the next state into that of the inputs and of the state before."""

    def weight_gradients(self, d_inputs, kept, before):
        """Add up the gradients of the weights over all steps at once: `(T, B, G) -> weights`."""


def scan(cell: Cell, inputs, state: tuple, weights: tuple, mask=None):
    """Walk along time; give what the cell shows at every step, and its last state.

    What a cell shows is the first part of its state. Where `mask` `(T, B)` is False the state stays
    as it was. Shapes: inputs `(T, B, G)`, state of `(B, U)` -> `(T, B, U)`, state.
    """
    parts = len(state)

    @ops.custom_gradient
    def walk(inputs, *given):
        first, weights = given[:parts], given[parts:]
        _, kept = cell.step(inputs[0], first, weights)

        def forward(carry, now):
            after, kept = cell.step(now[0], carry[:parts], weights)
            after = _choose(now[1:], after, carry[:parts])
            return (*after, *kept), (*after, *kept)

        last, every = ops.scan(forward, (*first, *_zeros(kept)), (inputs, *_column(mask)))
        after, kept = every[:parts], every[parts:]
        before = tuple(
            ops.concatenate([s[None], a[:-1]]) for s, a in zip(first, after, strict=True)
        )

        def backward(d_shown, *d_last):
            def back(carry, now):
                d_shown, kept, before, after, *real = now
                d_after = (carry[0] + d_shown, *carry[1:parts])
                d_real = _choose(real, d_after, _zeros(d_after))
                d_inputs, d_before = cell.step_back(d_real, kept, before, after, weights)
                if real:  # what a masked step does not use goes on to the step before
                    d_past = _choose(real, _zeros(d_after), d_after)
                    d_before = tuple(d + p for d, p in zip(d_before, d_past, strict=True))
                return (*d_before, d_inputs), (*d_before, d_inputs)

            carry = (*d_last, ops.zeros_like(inputs[0]))
            timed = (d_shown, kept, before, after, *_column(mask))
            d_first, d_every = ops.scan(back, carry, timed, reverse=True)
            d_inputs = d_every[-1]
            d_weights = cell.weight_gradients(d_inputs, kept, before)
            return d_inputs, *d_first[:parts], *d_weights

        return (after[0], *last[:parts]), backward

    shown, *last = walk(inputs, *state, *weights)
    return shown, tuple(last)


def _zeros(arrays):
    return tuple(ops.zeros_like(a) for a in arrays)


def _column(mask):
    return () if mask is None else (mask[..., None],)


def _choose(real, these, those):
    """Take `these` where the step is real, `those` where it is masked; without a mask, `these`."""
    if not real:
        return these
    return tuple(ops.where(real[0], a, b) for a, b in zip(these, those, strict=True))
