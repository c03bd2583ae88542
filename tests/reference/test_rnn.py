import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.rnn import rnn, rnn_backward

B, T, D, U = 3, 6, 4, 5

# Keras reads TensorFlow's tensors with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = {
    "no mask": None,
    "after": np.arange(T) < np.array([[6], [4], [1]]),
    "before": np.arange(T) >= np.array([[0], [2], [5]]),
    "gaps": np.array([[1, 0, 1, 0, 0, 1], [0, 1, 1, 0, 1, 0], [0, 0, 0, 0, 0, 0]], bool),
}
every_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)


@pytest.fixture
def inputs():
    rng = np.random.default_rng(0)
    shapes = [(B, T, D), (B, U), (D, U), (U, U), (U,)]
    return [rng.normal(0, 0.7, shape) for shape in shapes]


@pytest.fixture
def d_outputs():
    return np.random.default_rng(1).normal(size=(B, T, U))


def layer_of_keras(weights):
    layer = keras.layers.SimpleRNN(
        U, return_sequences=True, return_state=True, dtype="float64", name="recurrent"
    )
    layer.build((None, None, D))
    layer.set_weights(weights)
    return layer


def test_two_steps_of_one_unit_by_hand():
    # a_1 = 1 * 0.5 + 0.25 * 2 - 0.5 = 0.5;  a_2 = 3 * 0.5 + tanh(0.5) * 2 - 0.5
    outputs, cache = rnn([[[1.0], [3.0]]], [[0.25]], [[0.5]], [[2.0]], [-0.5])
    h_1, h_2 = np.tanh(0.5), np.tanh(1 + 2 * np.tanh(0.5))
    assert_allclose(outputs, [[[h_1], [h_2]]])
    d_2 = 1 - h_2**2  # of a loss that is h_2 itself
    d_1 = d_2 * 2 * (1 - h_1**2)
    d_x, d_state, d_kernel, d_recurrent, d_bias = rnn_backward([[[0.0], [1.0]]], cache)
    assert_allclose(d_x, [[[0.5 * d_1], [0.5 * d_2]]])
    assert_allclose(d_state, [[2 * d_1]])
    assert_allclose(d_kernel, [[1 * d_1 + 3 * d_2]])
    assert_allclose(d_recurrent, [[0.25 * d_1 + h_1 * d_2]])
    assert_allclose(d_bias, [d_1 + d_2])


@every_mask
def test_every_slope_is_what_finite_differences_measure(inputs, d_outputs, mask):
    _, cache = rnn(*inputs, mask)
    step = 1e-5
    for slopes, array in zip(rnn_backward(d_outputs, cache), inputs, strict=True):
        measured = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            value = array[place]
            array[place] = value + step
            above = (rnn(*inputs, mask)[0] * d_outputs).sum()
            array[place] = value - step
            below = (rnn(*inputs, mask)[0] * d_outputs).sum()
            array[place] = value
            measured[place] = (above - below) / (2 * step)
        assert_allclose(slopes, measured, atol=1e-6, rtol=0)


@every_mask
def test_outputs_and_slopes_are_those_of_keras(inputs, d_outputs, mask):
    x, state, *weights = inputs
    layer = layer_of_keras(weights)
    x, state = tf.Variable(x), tf.Variable(state)
    with tf.GradientTape() as tape:
        theirs, last = layer(x, mask=mask, initial_state=state)
        loss = tf.reduce_sum(theirs * d_outputs)
    outputs, cache = rnn(*inputs, mask)
    assert_allclose(outputs, theirs.numpy(), atol=1e-12)
    assert_allclose(cache["hidden"][:, -1], last.numpy(), atol=1e-12)
    slopes = tape.gradient(loss, [x, state, *(w.value for w in layer.trainable_weights)])
    for ours, of_tape in zip(rnn_backward(d_outputs, cache), slopes, strict=True):
        assert_allclose(ours, of_tape.numpy(), atol=1e-12)


def test_what_stands_in_a_masked_tail_changes_nothing(inputs, d_outputs):
    mask = MASKS["after"]
    outputs, cache = rnn(*inputs, mask)
    other = inputs[0] + np.where(mask, 0, 7.0)[..., None]
    others, other_cache = rnn(other, *inputs[1:], mask)
    assert_array_equal(outputs, others)
    slopes = rnn_backward(d_outputs, cache)
    assert not slopes[0][~mask].any()
    for one, two in zip(slopes, rnn_backward(d_outputs, other_cache), strict=True):
        assert_array_equal(one, two)


def test_a_masked_tail_leaves_the_state_of_the_last_real_step(inputs):
    _, cache = rnn(*inputs, MASKS["after"])
    for row, length in enumerate([6, 4, 1]):
        one = inputs[0][row : row + 1, :length]
        short, _ = rnn(one, inputs[1][row : row + 1], *inputs[2:])
        assert_allclose(cache["hidden"][row, -1], short[0, -1])


@every_mask
def test_two_halves_with_the_carried_state_are_the_whole(inputs, mask):
    x, state, *weights = inputs
    first, second = (None, None) if mask is None else (mask[:, :2], mask[:, 2:])
    outputs, cache = rnn(*inputs, mask)
    _, one = rnn(x[:, :2], state, *weights, first)
    tail, two = rnn(x[:, 2:], one["hidden"][:, -1], *weights, second)
    assert_allclose(two["hidden"][:, -1], cache["hidden"][:, -1])
    if mask is None:
        assert_allclose(tail, outputs[:, 2:])


def test_the_slope_of_the_carried_state_joins_two_halves_into_the_whole(inputs, d_outputs):
    x, state, *weights = inputs
    whole = rnn_backward(d_outputs, rnn(*inputs)[1])
    _, first = rnn(x[:, :2], state, *weights)
    _, second = rnn(x[:, 2:], first["hidden"][:, -1], *weights)
    late = rnn_backward(d_outputs[:, 2:], second)
    d_early = d_outputs[:, :2].copy()
    d_early[:, -1] += late[1]
    early = rnn_backward(d_early, first)
    assert_allclose(early[1], whole[1])
    for k in (2, 3, 4):
        assert_allclose(early[k] + late[k], whole[k])


def test_a_later_input_never_changes_an_earlier_output(inputs):
    outputs, _ = rnn(*inputs)
    inputs[0][:, 3] += 1
    others, _ = rnn(*inputs)
    assert_array_equal(outputs[:, :3], others[:, :3])
    assert (outputs[:, 3:] != others[:, 3:]).all()


def test_no_steps_leave_the_state(inputs):
    outputs, cache = rnn(inputs[0][:, :0], *inputs[1:])
    assert outputs.shape == (B, 0, U)
    assert_array_equal(cache["hidden"][:, -1], inputs[1])
    assert_array_equal(rnn_backward(outputs, cache)[1], np.zeros((B, U)))


def test_shapes_that_do_not_fit_are_named(inputs, d_outputs):
    x, state, kernel, recurrent, bias = inputs
    with pytest.raises(ValueError, match=r"\(U, U\).*Received: .*\(4, 5\), \(4, 5\), \(5,\)"):
        rnn(x, state, kernel, kernel, bias)
    with pytest.raises(ValueError, match=r"must have the shapes \(B, T, D\).*Received: \(6, 4\)"):
        rnn(x[0], state, kernel, recurrent, bias)
    with pytest.raises(ValueError, match=r"`d_outputs` must have .*\(3, 6, 5\).*\(3, 2, 5\)"):
        rnn_backward(d_outputs[:, :2], rnn(*inputs)[1])


def test_a_mask_must_be_boolean_and_fit(inputs):
    with pytest.raises(TypeError, match="`mask` must be boolean, True = .*float64"):
        rnn(*inputs, np.ones((B, T)))
    with pytest.raises(ValueError, match=r"`mask` must .*\(3, 6\).*Received: \(6, 3\)"):
        rnn(*inputs, np.ones((T, B), bool))
