import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.embedding import (
    embedding,
    embedding_backward,
    negative_sampling,
    negative_sampling_backward,
)

B, T, D, V, K = 3, 4, 5, 7, 2

# Keras reads TensorFlow's tensors with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def triple(rng):
    return rng.normal(size=(B, D)), rng.normal(size=(B, D)), rng.normal(size=(B, K, D))


def slopes(function, array, step=1e-6):
    """Central differences of a function of one array, one number moved at a time."""
    result = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        nudge = np.zeros_like(array)
        nudge[place] = step
        result[place] = (function(array + nudge) - function(array - nudge)) / (2 * step)
    return result


def test_an_id_is_its_row_of_the_table():
    table = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    assert_array_equal(embedding(np.array([[2, 0], [2, 2]]), table)[0], [[5, 6], [1, 2]])


def test_a_lookup_is_the_product_of_one_hot_vectors_with_the_table(rng):
    ids, table = rng.integers(0, V, (B, T)), rng.normal(size=(V, D))
    assert_allclose(embedding(ids, table), np.eye(V)[ids] @ table)


def test_a_lookup_equals_the_layer_of_keras(rng):
    ids, table = rng.integers(0, V, (B, T)), rng.normal(size=(V, D))
    layer = keras.layers.Embedding(V, D, dtype="float64")
    layer.build()
    layer.set_weights([table])
    assert_allclose(embedding(ids, table), layer(ids), rtol=1e-12)


def test_a_row_used_twice_gets_both_gradients():
    ids, d_vectors = np.array([1, 3, 1]), np.array([[1.0], [10.0], [100.0]])
    assert_array_equal(embedding_backward(d_vectors, ids, 5), [[0], [101], [0], [10], [0]])


def test_the_gradient_of_a_lookup_equals_finite_differences_and_the_tape(rng):
    ids, table, weights = (
        rng.integers(0, V, (B, T)),
        rng.normal(size=(V, D)),
        rng.normal(size=(B, T, D)),
    )
    by_hand = embedding_backward(2 * weights * embedding(ids, table), ids, V)
    measured = slopes(lambda t: (weights * embedding(ids, t) ** 2).sum(), table)
    assert_allclose(by_hand, measured, atol=1e-6)
    variable = tf.Variable(table)
    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(weights * tf.gather(variable, ids) ** 2)
    assert_allclose(by_hand, tf.convert_to_tensor(tape.gradient(loss, variable)), rtol=1e-12)


def test_two_scores_by_hand():
    v, u, noise = np.array([[2.0]]), np.array([[0.5]]), np.array([[[-1.5], [0.0]]])
    loss, cache = negative_sampling(v, u, noise)  # scores 1, -3 and 0
    sigmoid = 1 / (1 + np.exp(-np.array([1.0, -3.0, 0.0])))
    assert_allclose(loss, -np.log(sigmoid[0]) - np.log(1 - sigmoid[1]) - np.log(1 - sigmoid[2]))
    d_v, d_u, d_noise = negative_sampling_backward(1.0, cache)
    assert_allclose(d_v, [[0.5 * (sigmoid[0] - 1) - 1.5 * sigmoid[1]]])
    assert_allclose(d_u, [[2 * (sigmoid[0] - 1)]])
    assert_allclose(d_noise, [[[2 * sigmoid[1]], [2 * sigmoid[2]]]])


def test_the_three_gradients_equal_finite_differences(triple):
    _, cache = negative_sampling(*triple)
    for place, gradient in enumerate(negative_sampling_backward(0.7, cache)):

        def moved(array, place=place):
            return 0.7 * negative_sampling(*triple[:place], array, *triple[place + 1 :])[0]

        assert gradient.shape == triple[place].shape
        assert_allclose(gradient, slopes(moved, triple[place]), atol=1e-6)


def test_the_three_gradients_equal_the_tape(triple):
    loss, cache = negative_sampling(*triple)
    v, u, noise = (tf.Variable(array) for array in triple)
    with tf.GradientTape() as tape:
        true = tf.reduce_sum(v * u, axis=-1)
        false = tf.einsum("bkd,bd->bk", noise, v)
        each = -tf.math.log_sigmoid(true) - tf.reduce_sum(tf.math.log_sigmoid(-false), axis=-1)
        automatic = tf.reduce_mean(each)
    assert_allclose(loss, automatic, rtol=1e-12)
    tape_gradients = tape.gradient(automatic, [v, u, noise])
    for by_hand, on_tape in zip(
        negative_sampling_backward(1.0, cache), tape_gradients, strict=True
    ):
        assert_allclose(by_hand, on_tape, rtol=1e-10, atol=1e-14)


def test_where_all_scores_are_zero_each_costs_the_toss_of_a_coin():
    loss, _ = negative_sampling(np.zeros((B, D)), np.ones((B, D)), np.ones((B, K, D)))
    assert_allclose(loss, (1 + K) * np.log(2))


def test_scores_of_a_thousand_do_not_overflow():
    v, u, noise = np.array([[1.0]]), np.array([[-1000.0]]), np.array([[[1000.0]]])
    loss, cache = negative_sampling(v, u, noise)
    assert_allclose(loss, 2000)
    assert_allclose(negative_sampling_backward(1.0, cache)[0], [[2000]])


@pytest.mark.parametrize(
    "ids, error, message",
    [
        ([0, 7], ValueError, "from 0 to V - 1 = 6. Received: ids from 0 to 7"),
        ([-1, 3], ValueError, "from 0 to V - 1 = 6. Received: ids from -1 to 3"),
        ([0.5], TypeError, "`ids` must be integers. Received: dtype=float64"),
    ],
)
def test_ids_that_are_no_ids_are_refused(ids, error, message):
    with pytest.raises(error, match=message):
        embedding(np.array(ids), np.zeros((V, D)))
    with pytest.raises(error, match=message):
        embedding_backward(np.zeros((len(ids), D)), np.array(ids), V)


def test_shapes_that_do_not_fit_are_refused(triple):
    with pytest.raises(ValueError, match="one more axis, D. Received: .*shape=.3, 5.*shape=.4,"):
        embedding_backward(np.zeros((3, D)), np.zeros(4, int), V)
    v, u, noise = triple
    for wrong in ((v[:2], u, noise), (v, u[:, :2], noise), (v, u, noise[0]), (v, u, noise[:2])):
        with pytest.raises(ValueError, match="`negatives` .B, K, D.. Received: "):
            negative_sampling(*wrong)
