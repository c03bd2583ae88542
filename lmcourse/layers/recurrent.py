"""Recurrent layers: RNN, LSTM and GRU, each one step of arithmetic; know nothing of language.

Weights are laid out as in `keras.layers.SimpleRNN`, `LSTM` and `GRU`, so `get_weights` and
`set_weights` copy them either way. The state goes in and comes out as a value: nothing is hidden.

Axis letters: B batch, T time, D width of the inputs, U units, G = U times the number of gates.
"""

import keras
from keras import ops

from lmcourse.layers.checks import check_at_least_one
from lmcourse.layers.scan import scan


class Recurrent(keras.layers.Layer):
    """What RNN, LSTM and GRU share: weights, masks, the state, the walk along time.

    Args:
        units: U, the numbers in the hidden state.

    Call arguments:
        inputs: `(B, T, D)`.
        state: where to start: a tuple of `(B, U)`, one array or for the LSTM two; zeros if None.
        mask: booleans `(B, T)`; where it is False the state stays as it was and the last output
            is shown again (zeros before the first real step), as in Keras.

    Returns:
        Outputs `(B, T, U)` and the last state, a tuple like `state`.

    Raises:
        ValueError: if `units` is below 1 or a shape does not fit.
    """

    gates = 1
    parts = 1  # arrays in the state

    def __init__(self, units: int, **kwargs):
        check_at_least_one("units", units)
        super().__init__(**kwargs)
        self.units = units
        self.supports_masking = True

    def build(self, inputs_shape):
        """Make the weights for inputs of width D."""
        size = self.gates * self.units
        self.kernel = self.add_weight((inputs_shape[-1], size), "glorot_uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(
            (self.units, size), "orthogonal", name="recurrent_kernel"
        )
        self.bias = self.add_weight(self.bias_shape(), self.first_bias, name="bias")

    def bias_shape(self):
        """Say how many biases there are: one a gate and unit."""
        return (self.gates * self.units,)

    def first_bias(self, shape, dtype=None):
        """Start with biases of zero."""
        return ops.zeros(shape, dtype)

    def call(self, inputs, state=None, mask=None):
        """Walk along the inputs: `(B, T, D) -> (B, T, U), state`."""
        timed = ops.transpose(self.project(inputs), (1, 0, 2))
        if mask is not None:
            _check_mask(mask, inputs.shape)
            mask = ops.transpose(mask)
        outputs, state = self.walk(timed, state, mask)
        return ops.transpose(outputs, (1, 0, 2)), state

    def project(self, inputs):
        """Do what needs no state, for all steps at once: `(..., D) -> (..., G)`."""
        return ops.matmul(inputs, self.kernel) + self.input_bias()

    def input_bias(self):
        """Give the bias that is added to the projected inputs."""
        return self.bias

    def walk(self, projected, state=None, mask=None):
        """Walk along projected inputs, time first: `(T, B, G) -> (T, B, U), state`."""
        if state is None:
            state = self.first_state(ops.shape(projected)[1])
        self._check_state(state, projected.shape[1])
        weights = tuple(ops.copy(w) for w in self.walking_weights())
        outputs, state = scan(self, projected, tuple(state), weights, mask)
        if mask is not None:
            begun = ops.cumsum(ops.cast(mask, "int32"), axis=0) > 0
            outputs = ops.where(begun[..., None], outputs, 0.0)
        return outputs, state

    def first_state(self, batch_size):
        """Give the state before anything was read: zeros."""
        return (ops.zeros((batch_size, self.units), self.compute_dtype),) * self.parts

    def _check_state(self, state, batch_size):
        shapes = [tuple(part.shape) for part in state]
        known = [shape for shape in shapes if None not in shape and batch_size is not None]
        if len(shapes) != self.parts or any(s != (batch_size, self.units) for s in known):
            raise ValueError(
                f"`state` must have {self.parts} part(s) of shape {(batch_size, self.units)}, "
                f"one row a sequence. Received: shapes {shapes}"
            )

    def walking_weights(self):
        """Give the weights that a step needs."""
        return (self.recurrent_kernel,)

    def get_config(self):
        """Give the arguments that make the same layer again."""
        return super().get_config() | {"units": self.units}


@keras.saving.register_keras_serializable(package="lmcourse")
class RNN(Recurrent):
    """The simple recurrent network: `h_t = tanh(x_t W + h_{t-1} R + b)`.

    Example:
        >>> outputs, (state,) = RNN(4)(ops.ones((2, 3, 5)))
        >>> outputs.shape, state.shape
        (TensorShape([2, 3, 4]), TensorShape([2, 4]))

    Reference: Elman (1990), "Finding structure in time".
    """

    def step(self, inputs, state, weights):
        """Mix the input with the state: `(B, U), (B, U) -> (B, U)`."""
        (h,), (R,) = state, weights
        return (ops.tanh(inputs + ops.matmul(h, R)),), ()

    def slopes(self, inputs, kept, before, after):
        """Differentiate the tanh: `1 - h ** 2`."""
        return (1 - after[0] * after[0],)

    def step_back(self, d_after, slopes, weights):
        """Go back through the tanh, then through R."""
        d_inputs = d_after[0] * slopes[0]
        return d_inputs, (ops.matmul(d_inputs, ops.transpose(weights[0])),)

    def weight_gradients(self, d_inputs, slopes, before):
        """Sum over all steps the state before, times the gradient after."""
        return (_product(before[0], d_inputs),)


@keras.saving.register_keras_serializable(package="lmcourse")
class LSTM(Recurrent):
    """Long short-term memory: a cell `c` that is kept, added to and shown through three gates.

        i, f, o = sigmoid(x_t W + h_{t-1} R + b)      input, forget and output gate
        g = tanh(x_t W + h_{t-1} R + b)               the candidate; each with its own columns
        c_t = f * c_{t-1} + i * g
        h_t = o * tanh(c_t)

    The columns stand in the order i, f, g, o. The state is `(h, c)`. The forget gate starts with a
    bias of 1, so that a fresh network remembers.

    Example:
        >>> outputs, (h, c) = LSTM(4)(ops.ones((2, 3, 5)))
        >>> outputs.shape, c.shape
        (TensorShape([2, 3, 4]), TensorShape([2, 4]))

    Reference: Hochreiter & Schmidhuber (1997); the forget gate: Gers and others (2000); its bias:
        Jozefowicz and others (2015).
    """

    gates, parts = 4, 2

    def first_bias(self, shape, dtype=None):
        """Start with a bias of 1 in the forget gate, 0 elsewhere."""
        gate = ops.arange(shape[0]) // self.units
        return ops.cast(gate == 1, dtype)

    def step(self, inputs, state, weights):
        """Forget, add, show: `(B, 4U), ((B, U), (B, U)) -> ((B, U), (B, U))`."""
        (h, c), (R,) = state, weights
        sums = inputs + ops.matmul(h, R)
        i, f, g, o = self.open(sums)
        c = f * c + i * g
        return (o * ops.tanh(c), c), (sums,)

    def open(self, sums):
        """Turn sums into gates between 0 and 1 and a candidate between -1 and 1."""
        i, f, g, o = ops.split(sums, 4, axis=-1)
        return ops.sigmoid(i), ops.sigmoid(f), ops.tanh(g), ops.sigmoid(o)

    def slopes(self, inputs, kept, before, after):
        """Differentiate what is shown by the cell, the four sums, the cell by the one before."""
        (_, c_before), (_, c) = before, after
        i, f, g, o = self.open(kept[0])
        shown = ops.tanh(c)
        by_sums = [g * i * (1 - i), c_before * f * (1 - f), i * (1 - g * g), shown * o * (1 - o)]
        return o * (1 - shown * shown), ops.concatenate(by_sums, axis=-1), f

    def step_back(self, d_after, slopes, weights):
        """Go back through what is shown, the cell and the four sums, then through R."""
        (d_h, d_c), (shown, by_sums, f) = d_after, slopes
        d_c = d_c + d_h * shown
        d_inputs = ops.concatenate([d_c, d_c, d_c, d_h], axis=-1) * by_sums
        return d_inputs, (ops.matmul(d_inputs, ops.transpose(weights[0])), d_c * f)

    def weight_gradients(self, d_inputs, slopes, before):
        """Sum over all steps the state before, times the gradient after."""
        return (_product(before[0], d_inputs),)


@keras.saving.register_keras_serializable(package="lmcourse")
class GRU(Recurrent):
    """Gated recurrent unit: one state that is partly kept and partly written anew.

        z, r = sigmoid(x_t W + h_{t-1} R + b)         update and reset gate
        g = tanh(x_t W + b + r * (h_{t-1} R + b'))    the candidate, `reset_after`
        g = tanh(x_t W + b + (r * h_{t-1}) R)         the candidate, as first published
        h_t = z * h_{t-1} + (1 - z) * g

    The columns stand in the order z, r, g. With `reset_after` there is a second row of biases, b',
    and all three products with R are one.

    Args:
        units: U, the numbers in the hidden state.
        reset_after: reset the product instead of the state, as Keras and PyTorch do by default.

    Example:
        >>> outputs, (state,) = GRU(4)(ops.ones((2, 3, 5)))
        >>> outputs.shape, state.shape
        (TensorShape([2, 3, 4]), TensorShape([2, 4]))

    Reference: Cho and others (2014), "Learning phrase representations using RNN encoder–decoder".
    """

    gates = 3

    def __init__(self, units: int, reset_after: bool = True, **kwargs):
        super().__init__(units, **kwargs)
        self.reset_after = reset_after

    def bias_shape(self):
        """Say how many biases there are: with `reset_after` a second row for the state."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def input_bias(self):
        """Give the bias that is added to the projected inputs."""
        return self.bias[0] if self.reset_after else self.bias

    def walking_weights(self):
        """Give the weights that a step needs."""
        return (self.recurrent_kernel, *((self.bias[1],) if self.reset_after else ()))

    def step(self, inputs, state, weights):
        """Weigh the old state against the candidate: `(B, 3U), (B, U) -> (B, U)`."""
        (h,), (R, *bias), U = state, weights, self.units
        if self.reset_after:
            inner = ops.matmul(h, R) + bias[0]
            z, r, g = self.open(inputs, inner)
        else:
            inner = ops.matmul(h, R[:, : 2 * U])
            z, r = ops.split(ops.sigmoid(inputs[..., : 2 * U] + inner), 2, axis=-1)
            inner = ops.concatenate([inner, ops.matmul(r * h, R[:, 2 * U :])], axis=-1)
            g = ops.tanh(inputs[..., 2 * U :] + inner[..., 2 * U :])
        return (z * h + (1 - z) * g,), (inner,)

    def open(self, inputs, inner):
        """Turn what comes from the inputs and from the state into two gates and a candidate."""
        (xz, xr, xg), (hz, hr, hg) = ops.split(inputs, 3, axis=-1), ops.split(inner, 3, axis=-1)
        z, r = ops.sigmoid(xz + hz), ops.sigmoid(xr + hr)
        return z, r, ops.tanh(xg + (r * hg if self.reset_after else hg))

    def slopes(self, inputs, kept, before, after):
        """Differentiate the state by the three sums, and keep the two gates."""
        (inner,), (h,), U = kept, before, self.units
        z, r, g = self.open(inputs, inner)
        by_g, by_z = (1 - z) * (1 - g * g), (h - g) * z * (1 - z)
        # The reset gate acts through the candidate; on the product, or on the state.
        by_r = r * (1 - r) * (by_g * inner[..., 2 * U :] if self.reset_after else h)
        return z, r, ops.concatenate([by_z, by_r, by_g], axis=-1)

    def step_back(self, d_after, slopes, weights):
        """Go back through the mixture and the gates, then through R."""
        (d_h,), (z, r, by_sums), (R, *_), U = d_after, slopes, weights, self.units
        if self.reset_after:
            d_inputs = ops.concatenate([d_h, d_h, d_h], axis=-1) * by_sums
            d_before = ops.matmul(self.inside(d_inputs, r), ops.transpose(R))
            return d_inputs, (d_h * z + d_before,)
        d_z, d_g = d_h * by_sums[:, :U], d_h * by_sums[:, 2 * U :]
        d_reset = ops.matmul(d_g, ops.transpose(R[:, 2 * U :]))
        gates = ops.concatenate([d_z, d_reset * by_sums[:, U : 2 * U]], axis=-1)
        d_before = d_h * z + d_reset * r + ops.matmul(gates, ops.transpose(R[:, : 2 * U]))
        return ops.concatenate([gates, d_g], axis=-1), (d_before,)

    def inside(self, d_inputs, r):
        """Go back to the product with R: the reset gate stands before its last third."""
        gates, d_g = d_inputs[..., : 2 * self.units], d_inputs[..., 2 * self.units :]
        return ops.concatenate([gates, d_g * r], axis=-1)

    def weight_gradients(self, d_inputs, slopes, before):
        """Sum over all steps what R was multiplied by, times the gradient of the product."""
        (h,), (_, r, _), U = before, slopes, self.units
        if self.reset_after:
            d_inner = self.inside(d_inputs, r)
            return _product(h, d_inner), ops.sum(d_inner, axis=(0, 1))
        gates, d_g = d_inputs[..., : 2 * U], d_inputs[..., 2 * U :]
        return (ops.concatenate([_product(h, gates), _product(r * h, d_g)], axis=-1),)

    def get_config(self):
        """Give the arguments that make the same layer again."""
        return super().get_config() | {"reset_after": self.reset_after}


def _check_mask(mask, shape):
    dtype = keras.backend.standardize_dtype(mask.dtype)
    if dtype != "bool":
        raise TypeError(f"`mask` must be booleans, True to keep. Received: dtype={dtype}")
    if tuple(mask.shape) != tuple(shape[:2]):
        raise ValueError(
            f"`mask` must have the shape (B, T) = {tuple(shape[:2])} of the inputs. "
            f"Received: shape {tuple(mask.shape)}"
        )


def _product(before, d_after):
    """Add up the outer products of all steps: `(T, B, U), (T, B, G) -> (U, G)`."""
    before = ops.reshape(before, (-1, before.shape[-1]))
    return ops.matmul(ops.transpose(before), ops.reshape(d_after, (-1, d_after.shape[-1])))
