import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.lstm import lstm, lstm_backward, sigmoid

B, T, D, U = 2, 5, 3, 4

# Keras reads TensorFlow's tensors with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

MASKS = {
    "no mask": None,
    "padded before and after": np.array([[0, 0, 1, 1, 1], [1, 1, 1, 0, 0]], bool),
    "holes, and one row empty": np.array([[1, 0, 1, 0, 1], [0, 0, 0, 0, 0]], bool),
}


@pytest.fixture(params=MASKS, ids=list(MASKS))
def mask(request):
    return MASKS[request.param]


@pytest.fixture
def arguments():
    rng = np.random.default_rng(0)
    shapes = [(B, T, D), (B, U), (B, U), (D, 4 * U), (U, 4 * U), (4 * U,)]
    return [rng.normal(size=shape) for shape in shapes]


def run(arguments, mask=None):
    x, h, c, *weights = arguments
    return lstm(x, (h, c), *weights, mask=mask)


def backward(d_outputs, cache):
    d_x, d_state, *d_weights = lstm_backward(d_outputs, cache)
    return [d_x, *d_state, *d_weights]


def test_one_step_by_hand():
    # z = (0, log 3, log 2, -log 3) -> i 1/2, f 3/4, g tanh(log 2) = 3/5, o 1/4
    zero, bias = np.zeros((1, 4)), np.log([1, 3, 2, 1 / 3])
    outputs, (h, c), cache = lstm([[[7.0]]], ([[0.0]], [[0.4]]), zero, zero, bias)
    assert_allclose(cache["gates"][0, 0, :, 0], [1 / 2, 3 / 4, 3 / 5, 1 / 4])
    assert_allclose(c, [[3 / 4 * 0.4 + 1 / 2 * 3 / 5]])
    assert_allclose(h, [[np.tanh(0.6) / 4]])
    assert_array_equal(outputs, [h])


def test_each_gate_has_its_own_block():
    x, zero = np.ones((1, 1, 1)), np.zeros((1, 4))
    for block, value in enumerate([sigmoid(2), sigmoid(2), np.tanh(2), sigmoid(2)]):
        kernel = 2 * np.eye(4)[block : block + 1]
        _, _, cache = lstm(x, (zero[:, :1], zero[:, :1]), kernel, zero, zero[0])
        expected = [0.5, 0.5, 0, 0.5]
        expected[block] = value
        assert_allclose(cache["gates"][0, 0, :, 0], expected)


def test_slopes_equal_finite_differences(arguments, mask):
    d_outputs = np.random.default_rng(1).normal(size=(B, T, U))
    outputs, _, cache = run(arguments, mask)
    for value, slopes in zip(arguments, backward(d_outputs, cache), strict=True):
        assert slopes.shape == value.shape
        for place in np.ndindex(value.shape):
            kept, sums = value[place], []
            for nudge in (1e-5, -1e-5):
                value[place] = kept + nudge
                sums.append((run(arguments, mask)[0] * d_outputs).sum())
            value[place] = kept
            assert_allclose(slopes[place], (sums[0] - sums[1]) / 2e-5, atol=1e-6)


def test_outputs_and_slopes_equal_those_of_keras_in_float64(arguments, mask):
    layer = keras.layers.LSTM(U, return_sequences=True, return_state=True, dtype="float64")
    layer.build((B, T, D))
    layer.set_weights(arguments[3:])
    x, h, c = (tf.Variable(value) for value in arguments[:3])
    d_outputs = np.random.default_rng(1).normal(size=(B, T, U))
    with tf.GradientTape() as tape:
        expected, *state = layer(x, initial_state=[h, c], mask=mask)
        total = tf.reduce_sum(expected * d_outputs)
    outputs, (last_h, last_c), cache = run(arguments, mask)
    assert_allclose(outputs, expected, rtol=0, atol=1e-14)
    assert_allclose([last_h, last_c], state, rtol=0, atol=1e-14)
    weights = [weight.value for weight in layer.trainable_weights]
    slopes = tape.gradient(total, [x, h, c, *weights])
    for ours, theirs in zip(backward(d_outputs, cache), slopes, strict=True):
        assert_allclose(ours, tf.convert_to_tensor(theirs), rtol=0, atol=1e-12)


def test_a_masked_step_changes_nothing_but_repeats_the_last_output(arguments):
    mask = np.array([[0, 1, 0, 1, 0]] * B, bool)
    outputs, state, cache = run(arguments, mask)
    x, *rest = arguments
    short, short_state, _ = run([x[:, [1, 3]], *rest])
    assert_array_equal(outputs[:, 0], np.zeros((B, U)))
    assert_array_equal(outputs[:, 1:], short[:, [0, 0, 1, 1]])
    assert_array_equal(state, short_state)
    d_x = lstm_backward(np.ones((B, T, U)), cache)[0]
    assert (d_x[:, [0, 2, 4]] == 0).all() and (d_x[:, [1, 3]] != 0).all()


def test_reading_in_two_parts_equals_reading_at_once(arguments):
    x, h, c, *weights = arguments
    whole, last, _ = lstm(x, (h, c), *weights)
    first, middle, _ = lstm(x[:, :2], (h, c), *weights)
    second, end, _ = lstm(x[:, 2:], middle, *weights)
    assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-15)
    assert_allclose(end, last, atol=1e-15)


def test_the_future_changes_no_output(arguments):
    before = run(arguments)[0]
    arguments[0][:, 3:] += 1
    after = run(arguments)[0]
    assert_array_equal(before[:, :3], after[:, :3])
    assert (before[:, 3:] != after[:, 3:]).all()


def test_with_the_forget_gate_open_and_the_input_gate_shut_the_cell_stays(arguments):
    x, h, c, kernel, recurrent, bias = arguments
    bias, recurrent = np.repeat([-800.0, 800.0, 0.0, 0.0], U), np.zeros_like(recurrent)
    _, (_, last), cache = lstm(x, (h, c), kernel, recurrent, bias)
    assert_array_equal(last, c)
    d_c = lstm_backward(np.eye(T)[-1][:, None] * np.ones((B, T, U)), cache)[1][1]
    o = cache["gates"][:, -1, 3]
    assert_allclose(d_c, o * (1 - np.tanh(c) ** 2))  # the slope arrives undiminished


def test_the_arguments_are_left_as_they_were(arguments):
    before = [value.copy() for value in arguments]
    outputs, _, cache = run(arguments)
    lstm_backward(outputs, cache)
    for old, new in zip(before, arguments, strict=True):
        assert_array_equal(old, new)


def test_sigmoid_does_not_overflow():
    assert_allclose(
        sigmoid(np.array([-1e9, -1, 0, 1, 1e9])), [0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1]
    )


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (0, (B, D), r"`x` must have the axes B, T, D. Received: shape \(2, 3\)"),
        (1, (B, U + 1), r"`h` must have the shape|`c` must have the shape"),
        (2, (B, U + 1), r"`c` must have the shape \(2, 4\).*Received: shape \(2, 5\)"),
        (3, (D, 3 * U), r"`kernel` must have the shape \(3, 16\).*Received: shape \(3, 12\)"),
        (4, (D, 4 * U), r"`recurrent` must have the shape \(4, 16\).*Received: shape \(3, 16\)"),
        (5, (8 * U,), r"`bias` must have the shape \(16,\).*Received: shape \(32,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments, place, shape, message):
    arguments[place] = np.zeros(shape)
    with pytest.raises(ValueError, match=message):
        run(arguments)


def test_a_mask_of_another_shape_is_refused(arguments):
    with pytest.raises(
        ValueError, match=r"`mask` must have the axes B, T of `x`. Received: shapes \(5, 2\)"
    ):
        run(arguments, np.ones((T, B), bool))


def test_a_mask_of_numbers_is_refused(arguments):
    message = "`mask` must be boolean, True = a real step. Received: dtype=float64"
    with pytest.raises(TypeError, match=message):
        run(arguments, np.ones((B, T)))


def test_slopes_of_another_shape_are_refused(arguments):
    message = (
        r"`d_outputs` must have the shape of the outputs, \(2, 5, 4\). Received: .*\(2, 5, 1\)"
    )
    with pytest.raises(ValueError, match=message):
        lstm_backward(np.ones((B, T, 1)), run(arguments)[2])
