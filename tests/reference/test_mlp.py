import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.mlp import (
    dense,
    dense_backward,
    tanh,
    tanh_backward,
    window_mlp,
    window_mlp_backward,
)
from lmcourse.reference.softmax import cross_entropy, cross_entropy_gradient

B, N, V, D, U = 5, 3, 7, 2, 4


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    shapes = [(V + 1, D), (N * D, U), (U,), (U, V), (V,)]
    return [rng.normal(0, 0.7, shape) for shape in shapes]


@pytest.fixture
def batch():
    rng = np.random.default_rng(1)
    ids = rng.integers(0, V + 1, (B, N))
    ids[0] = [V, 2, 2]  # nothing, and a token that stands twice in one window
    return ids, rng.integers(0, V, B)


def finite_differences(loss, array, step=1e-5):
    slopes = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + step
        above = loss()
        array[place] = kept - step
        slopes[place] = (above - loss()) / (2 * step)
        array[place] = kept
    return slopes


def test_a_window_of_two_by_hand():
    table = np.array([[1.0], [-1.0], [0.5]])  # tokens 0 and 1, and nothing
    kernel_1, bias_1 = np.array([[1.0], [2.0]]), np.array([0.25])
    kernel_2, bias_2 = np.array([[3.0, -1.0]]), np.array([0.0, 1.0])
    logits, _ = window_mlp(np.array([[2, 1], [1, 0]]), [table, kernel_1, bias_1, kernel_2, bias_2])
    # 0.5*1 - 1*2 + 0.25 = -1.25 and -1*1 + 1*2 + 0.25 = 1.25
    h = np.tanh(1.25)
    assert_allclose(logits, [[-3 * h, 1 + h], [3 * h, 1 - h]], rtol=1e-15)


def test_the_place_in_the_window_matters(weights):
    one, other = window_mlp(np.array([[0, 1, 2], [1, 0, 2]]), weights)[0]
    assert np.abs(one - other).max() > 0.01


@pytest.mark.parametrize("which", range(5), ids=["E", "W1", "b1", "W2", "b2"])
def test_each_gradient_is_the_slope_that_finite_differences_measure(weights, batch, which):
    ids, targets = batch
    logits, cache = window_mlp(ids, weights)
    gradients = window_mlp_backward(cross_entropy_gradient(logits, targets), cache)
    measured = finite_differences(
        lambda: cross_entropy(window_mlp(ids, weights)[0], targets), weights[which]
    )
    assert np.abs(measured).max() > 1e-3
    assert_allclose(gradients[which], measured, atol=1e-9)


def test_the_gradients_are_those_of_the_tape(weights, batch):
    ids, targets = batch
    logits, cache = window_mlp(ids, weights)
    variables = [tf.Variable(weight) for weight in weights]
    table, kernel_1, bias_1, kernel_2, bias_2 = variables
    with tf.GradientTape() as tape:
        x = tf.reshape(tf.gather(table, ids), (B, N * D))
        z = tf.tanh(x @ kernel_1 + bias_1) @ kernel_2 + bias_2
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(targets, z))
    assert_allclose(logits, z.numpy(), atol=1e-12)
    ours = window_mlp_backward(cross_entropy_gradient(logits, targets), cache)
    for mine, theirs in zip(ours, tape.gradient(loss, variables), strict=True):
        assert_allclose(mine, tf.convert_to_tensor(theirs).numpy(), atol=1e-12)


def test_rows_that_the_batch_does_not_touch_get_no_gradient(weights):
    logits, cache = window_mlp(np.array([[1, 1, 4]]), weights)
    d_table = window_mlp_backward(cross_entropy_gradient(logits, np.array([0])), cache)[0]
    assert_array_equal(np.flatnonzero(np.abs(d_table).sum(axis=1)), [1, 4])


def test_dense_takes_any_number_of_axes_and_so_does_its_way_back():
    rng = np.random.default_rng(2)
    x, kernel, bias = rng.normal(size=(2, 5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    pull = rng.normal(size=(2, 5, 4))
    y, cache = dense(x, kernel, bias)
    assert_allclose(y[1, 2], x[1, 2] @ kernel + bias)
    gradients = dense_backward(pull, cache)
    for array, gradient in zip((x, kernel, bias), gradients, strict=True):
        measured = finite_differences(lambda: (dense(x, kernel, bias)[0] * pull).sum(), array)
        assert_allclose(gradient, measured, atol=1e-8)


def test_the_slope_of_tanh_is_measured_and_dies_at_both_ends():
    a = np.array([-20.0, -1.0, 0.0, 0.3, 20.0])
    _, cache = tanh(a)
    slope = tanh_backward(np.ones(5), cache)
    assert_allclose(slope, (np.tanh(a + 1e-5) - np.tanh(a - 1e-5)) / 2e-5, atol=1e-9)
    assert slope[0] == slope[-1] == 0 and slope[2] == 1


def test_shapes_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"x.shape=\(2, 3\), kernel.shape=\(4, 5\)"):
        dense(np.zeros((2, 3)), np.zeros((4, 5)), np.zeros(5))
    with pytest.raises(ValueError, match=r"bias.shape=\(4,\)"):
        dense(np.zeros((2, 4)), np.zeros((4, 5)), np.zeros(4))


@pytest.mark.parametrize(
    "bad, error, message",
    [
        ([[0, 1, V + 1]], ValueError, "rows of the table, 0 to 7. Received: ids from 0 to 8"),
        ([[-1, 0, 0]], ValueError, "Received: ids from -1 to 0"),
        ([[0.0, 1.0, 2.0]], TypeError, "`ids` must be integers. Received: dtype=float64"),
        ([0, 1, 2], ValueError, r"`ids` must have the shape \(B, n\). Received: ids.shape=\(3,\)"),
    ],
)
def test_ids_that_are_no_rows_are_refused(weights, bad, error, message):
    with pytest.raises(error, match=message):
        window_mlp(np.array(bad), weights)
