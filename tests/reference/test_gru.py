import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.gru import gru, gru_backward

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


@pytest.fixture(params=[True, False], ids=["reset after", "reset before"])
def reset_after(request):
    return request.param


@pytest.fixture
def arguments(reset_after):
    rng = np.random.default_rng(0)
    shapes = [(B, T, D), (B, U), (D, 3 * U), (U, 3 * U), (2, 3 * U) if reset_after else (3 * U,)]
    return [rng.normal(size=shape) for shape in shapes]


def test_one_step_by_hand():
    # z 3/4, r 1/2; the candidate's sum is log 2 from the input's bias, and the state adds
    # 0.5 * (0.2 + 0.8 * 1) = 0.5 with the reset after, (0.5 * 0.8) * 1 = 0.4 with the reset before
    kernel, recurrent = np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]])
    of_input, of_state = np.log([3, 1, 2]), np.array([0.0, 0.0, 0.2])
    x, h = [[[7.0]]], [[0.8]]
    outputs, cache = gru(x, h, kernel, recurrent, np.stack([of_input, of_state]))
    candidate = np.tanh(np.log(2) + 0.5)
    assert_allclose(cache["gates"][0, 0, :, 0], [3 / 4, 1 / 2, candidate])
    assert_allclose(outputs, [[[3 / 4 * 0.8 + 1 / 4 * candidate]]])
    outputs, _ = gru(x, h, kernel, recurrent, of_input, reset_after=False)
    assert_allclose(outputs, [[[3 / 4 * 0.8 + 1 / 4 * np.tanh(np.log(2) + 0.4)]]])


def test_slopes_equal_finite_differences(arguments, mask, reset_after):
    d_outputs = np.random.default_rng(1).normal(size=(B, T, U))
    slopes = gru_backward(d_outputs, gru(*arguments, mask, reset_after)[1])
    for value, slope in zip(arguments, slopes, strict=True):
        assert slope.shape == value.shape
        for place in np.ndindex(value.shape):
            kept, sums = value[place], []
            for nudge in (1e-5, -1e-5):
                value[place] = kept + nudge
                sums.append((gru(*arguments, mask, reset_after)[0] * d_outputs).sum())
            value[place] = kept
            assert_allclose(slope[place], (sums[0] - sums[1]) / 2e-5, atol=1e-6)


def test_outputs_and_slopes_equal_those_of_keras_in_float64(arguments, mask, reset_after):
    layer = keras.layers.GRU(
        U, reset_after=reset_after, return_sequences=True, return_state=True, dtype="float64"
    )
    layer.build((B, T, D))
    layer.set_weights(arguments[2:])
    x, h = (tf.Variable(value) for value in arguments[:2])
    d_outputs = np.random.default_rng(1).normal(size=(B, T, U))
    with tf.GradientTape() as tape:
        expected, state = layer(x, initial_state=h, mask=mask)
        total = tf.reduce_sum(expected * d_outputs)
    outputs, cache = gru(*arguments, mask, reset_after)
    assert_allclose(outputs, expected, rtol=0, atol=1e-14)
    assert_allclose(cache["hidden"][:, -1], state, rtol=0, atol=1e-14)
    slopes = tape.gradient(total, [x, h, *(weight.value for weight in layer.trainable_weights)])
    for ours, theirs in zip(gru_backward(d_outputs, cache), slopes, strict=True):
        assert_allclose(ours, tf.convert_to_tensor(theirs), rtol=0, atol=1e-12)


def test_a_masked_step_changes_nothing_but_repeats_the_last_output(arguments, reset_after):
    mask = np.array([[0, 1, 0, 1, 0]] * B, bool)
    outputs, cache = gru(*arguments, mask, reset_after)
    x, *rest = arguments
    short, short_cache = gru(x[:, [1, 3]], *rest, reset_after=reset_after)
    assert_array_equal(outputs[:, 0], np.zeros((B, U)))
    assert_array_equal(outputs[:, 1:], short[:, [0, 0, 1, 1]])
    assert_array_equal(cache["hidden"][:, -1], short_cache["hidden"][:, -1])
    d_x = gru_backward(np.ones((B, T, U)), cache)[0]
    assert (d_x[:, [0, 2, 4]] == 0).all() and (d_x[:, [1, 3]] != 0).all()


def test_reading_in_two_parts_equals_reading_at_once(arguments, reset_after):
    x, h, *weights = arguments
    whole, _ = gru(x, h, *weights, reset_after=reset_after)
    first, cache = gru(x[:, :2], h, *weights, reset_after=reset_after)
    second, _ = gru(x[:, 2:], cache["hidden"][:, -1], *weights, reset_after=reset_after)
    assert_allclose(np.concatenate([first, second], axis=1), whole, atol=1e-15)


def test_an_open_update_gate_keeps_the_state_and_a_shut_one_forgets_it(arguments, reset_after):
    x, h, kernel, recurrent, bias = arguments
    keep = np.zeros_like(bias)
    keep[..., :U] = 800
    outputs, _ = gru(x, h, kernel, recurrent, keep, reset_after=reset_after)
    assert_array_equal(outputs, np.repeat(h[:, None], T, axis=1))
    outputs, cache = gru(x, h, kernel, recurrent, -keep, reset_after=reset_after)
    assert_array_equal(outputs, cache["gates"][:, :, 2])


def test_with_the_reset_gate_shut_the_candidate_sees_the_input_alone(arguments, reset_after):
    x, h, kernel, recurrent, bias = arguments
    bias = np.zeros_like(bias)
    bias[..., U : 2 * U] = -800
    _, cache = gru(x, h, kernel, recurrent, bias, reset_after=reset_after)
    assert_allclose(cache["gates"][:, :, 2], np.tanh(x @ kernel[:, 2 * U :]))


def test_where_the_reset_stands_makes_no_difference_only_for_an_open_gate(arguments, reset_after):
    x, h, kernel, recurrent, _ = arguments
    for opening, equal in ((800.0, True), (0.0, False)):
        bias = np.repeat([0.0, opening, 0.0], U)
        after, _ = gru(x, h, kernel, recurrent, np.stack([bias, 0 * bias]))
        before, _ = gru(x, h, kernel, recurrent, bias, reset_after=False)
        assert np.allclose(after, before, rtol=0, atol=1e-14) == equal


def test_the_arguments_are_left_as_they_were(arguments, reset_after):
    before = [value.copy() for value in arguments]
    outputs, cache = gru(*arguments, reset_after=reset_after)
    gru_backward(outputs, cache)
    for old, new in zip(before, arguments, strict=True):
        assert_array_equal(old, new)


@pytest.mark.parametrize(
    ("place", "shape", "message"),
    [
        (0, (B, D), r"`x` must have the axes B, T, D. Received: shape \(2, 3\)"),
        (1, (B + 1, U), r"`h` must have the shape \(2, 4\).*Received: shape \(3, 4\)"),
        (2, (D, 4 * U), r"`kernel` must have the shape \(3, 12\).*Received: shape \(3, 16\)"),
        (3, (D, 3 * U), r"`recurrent` must have the shape \(4, 12\).*Received: shape \(3, 12\)"),
        (4, (6 * U,), r"`bias` must have the shape .*with reset_after=.*Received: shape \(24,\)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(arguments, reset_after, place, shape, message):
    arguments[place] = np.zeros(shape)
    with pytest.raises(ValueError, match=message):
        gru(*arguments, reset_after=reset_after)


def test_the_bias_tells_the_two_resets_apart(arguments, reset_after):
    with pytest.raises(ValueError, match="`bias` must have the shape .*Received: shape"):
        gru(*arguments, reset_after=not reset_after)


def test_a_mask_of_numbers_is_refused(arguments, reset_after):
    message = "`mask` must be boolean, True = a real step. Received: dtype=float64"
    with pytest.raises(TypeError, match=message):
        gru(*arguments, np.ones((B, T)), reset_after)


def test_slopes_of_another_shape_are_refused(arguments, reset_after):
    message = (
        r"`d_outputs` must have the shape of the outputs, \(2, 5, 4\). Received: .*\(2, 5, 1\)"
    )
    with pytest.raises(ValueError, match=message):
        gru_backward(np.ones((B, T, 1)), gru(*arguments, reset_after=reset_after)[1])
