import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.softmax import (
    cross_entropy,
    cross_entropy_gradient,
    log_softmax,
    logsumexp,
    softmax,
)

B, T, V = 2, 5, 7
INF = np.inf
scores = arrays(np.float64, (3, V), elements=st.floats(-50, 50))


@pytest.fixture
def batch():
    rng = np.random.default_rng(0)
    return rng.normal(0, 3, (B, T, V)), rng.integers(0, V, (B, T))


def test_three_scores_by_hand():
    # e^log 1 : e^log 2 : e^log 5 = 1 : 2 : 5
    z = np.log([1.0, 2.0, 5.0])
    assert_allclose(softmax(z), [1 / 8, 2 / 8, 5 / 8])
    assert_allclose(log_softmax(z), np.log([1 / 8, 2 / 8, 5 / 8]))
    assert_allclose(logsumexp(z), np.log(8))
    assert_allclose(cross_entropy([z, z], [2, 1]), -(np.log(5 / 8) + np.log(2 / 8)) / 2)
    assert_allclose(
        cross_entropy_gradient([z, z], [2, 1]), [[1 / 16, 1 / 8, -3 / 16], [1 / 16, -3 / 8, 5 / 16]]
    )


@given(scores, st.floats(-500, 500))
def test_a_shift_of_all_scores_changes_no_probability(z, shift):
    assert_allclose(softmax(z + shift), softmax(z), atol=1e-12)
    assert_allclose(log_softmax(z + shift), log_softmax(z), atol=1e-10)
    assert_allclose(logsumexp(z + shift), logsumexp(z) + shift, atol=1e-10)


@given(scores)
def test_every_row_sums_to_one_and_keeps_the_order_of_its_scores(z):
    p = softmax(z)
    assert_allclose(p.sum(-1), 1)
    assert (np.diff(np.take_along_axis(p, z.argsort(-1), -1)) >= 0).all()


@given(scores)
def test_logsumexp_lies_between_the_largest_score_and_log_v_above_it(z):
    above = logsumexp(z) - z.max(-1)
    assert (above >= 0).all() and (above <= np.log(V) + 1e-12).all()


@given(scores)
def test_a_score_is_its_log_probability_plus_logsumexp(z):
    assert_allclose(log_softmax(z) + logsumexp(z, keepdims=True), z, atol=1e-10)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scores_of_a_thousand_do_not_overflow(dtype):
    z = np.array([1000.0, 999.0, -1000.0], dtype)
    assert_allclose(softmax(z), [1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1)), 0], rtol=1e-6)
    assert_allclose(log_softmax(z)[2], -2000 - np.log1p(np.exp(-1)), rtol=1e-6)
    assert_allclose(logsumexp(z), 1000 + np.log1p(np.exp(-1)), rtol=1e-6)
    assert_allclose(logsumexp(-z), 1000, rtol=1e-6)
    assert softmax(z).dtype == log_softmax(z).dtype == logsumexp(z).dtype == dtype


def test_a_score_of_minus_infinity_is_a_word_that_cannot_come():
    z = np.array([0.0, -INF, 0.0])
    assert_array_equal(softmax(z), [0.5, 0, 0.5])
    assert_allclose(log_softmax(z), [-np.log(2), -INF, -np.log(2)])
    assert_allclose(logsumexp(z), np.log(2))
    assert cross_entropy([z], [1]) == INF
    assert_array_equal(cross_entropy_gradient([z], [1]), [[0.5, -1, 0.5]])


def test_a_sum_of_zeros_is_a_log_of_zero():
    assert_array_equal(logsumexp([[-INF, -INF], [0.0, -INF]]), [-INF, 0])


def test_the_inputs_are_left_as_they_were(batch):
    z, targets = batch
    before = z.copy()
    softmax(z), log_softmax(z), logsumexp(z), cross_entropy_gradient(z, targets)
    assert_array_equal(z, before)


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_any_axis_may_be_the_one_that_sums_to_one(batch, axis):
    z, _ = batch
    assert_allclose(softmax(z, axis).sum(axis), 1)
    assert_allclose(softmax(z, axis), np.swapaxes(softmax(np.swapaxes(z, axis, -1)), axis, -1))
    assert_allclose(np.exp(log_softmax(z, axis)), softmax(z, axis))
    assert logsumexp(z, axis).shape == z.sum(axis).shape


def test_the_gradient_equals_finite_differences(batch):
    z, targets = batch
    step, numeric = 1e-5, np.zeros_like(z)
    for i in np.ndindex(z.shape):
        nudge = np.zeros_like(z)
        nudge[i] = step
        numeric[i] = cross_entropy(z + nudge, targets) - cross_entropy(z - nudge, targets)
    gradient = cross_entropy_gradient(z, targets)
    assert_allclose(gradient, numeric / (2 * step), atol=1e-9, rtol=1e-6)
    assert_allclose(gradient.sum(-1), 0, atol=1e-15)


def test_softmax_equals_keras(batch):
    z, _ = batch
    assert_allclose(softmax(z), keras.ops.softmax(z), rtol=1e-12)
    assert_allclose(log_softmax(z), keras.ops.log_softmax(z), rtol=1e-12)
    assert_allclose(logsumexp(z), keras.ops.logsumexp(z, axis=-1), rtol=1e-12)


def test_the_loss_equals_keras_and_its_gradient_the_tape(batch):
    z, targets = batch
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, dtype="float64")
    variable = tf.Variable(z)
    with tf.GradientTape() as tape:
        value = loss(targets, variable)
    assert_allclose(cross_entropy(z, targets), float(value), rtol=1e-12)
    expected = tape.gradient(value, variable).numpy()
    assert_allclose(cross_entropy_gradient(z, targets), expected, rtol=1e-11, atol=1e-15)


@pytest.mark.parametrize("function", [softmax, log_softmax])
@pytest.mark.parametrize("largest", [INF, -INF, np.nan])
def test_a_largest_score_that_is_no_number_is_refused(function, largest):
    with pytest.raises(ValueError, match=f"must be a finite number. Received: largest={largest}"):
        function([[0.0, 1.0], [largest, largest]])


@pytest.mark.parametrize("bad", [INF, np.nan])
def test_logsumexp_refuses_infinity_and_nan(bad):
    with pytest.raises(ValueError, match=f"below infinity. Received: largest={bad}"):
        logsumexp([0.0, bad])


@pytest.mark.parametrize("empty", [np.zeros((3, 0)), np.float64(1.0)])
def test_no_scores_are_refused(empty):
    for function in softmax, log_softmax, logsumexp:
        with pytest.raises(ValueError, match="at least one score along the axis. Received"):
            function(empty)


@pytest.mark.parametrize("function", [cross_entropy, cross_entropy_gradient])
@pytest.mark.parametrize(
    "targets, error, message",
    [
        ([0.0, 1.0], TypeError, "integer ids. Received: dtype=float64"),
        ([0, 1, 2], ValueError, r"Received: logits.shape=\(2, 3\), targets.shape=\(3,\)"),
        ([0, 3], ValueError, "from 0 to V - 1 = 2. Received: ids from 0 to 3"),
        ([-1, 2], ValueError, "from 0 to V - 1 = 2. Received: ids from -1 to 2"),
    ],
)
def test_targets_that_do_not_fit_are_refused(function, targets, error, message):
    with pytest.raises(error, match=message):
        function(np.zeros((2, 3)), targets)


def test_a_loss_over_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one target. Received: targets.size=0"):
        cross_entropy(np.zeros((0, 3)), np.zeros(0, int))
