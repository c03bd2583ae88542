import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.reference.normalization import (
    layer_norm,
    layer_norm_backward,
    normalize,
    rms_norm,
    rms_norm_backward,
)

B, T, D = 2, 3, 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def measured(function, arrays, d_result, step=1e-5):
    """Slopes of sum(result * d_result), by moving each number a little up and down."""
    for array in arrays:
        slopes = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            value = array[place]
            array[place] = value + step
            above = (function(*arrays)[0] * d_result).sum()
            array[place] = value - step
            below = (function(*arrays)[0] * d_result).sum()
            array[place] = value
            slopes[place] = (above - below) / (2 * step)
        yield slopes


def test_layer_norm_by_hand():
    # mean 4, squares of the distances 9 1 1 9, variance 5; with epsilon 4 the root is 3
    y, _ = layer_norm([1.0, 3.0, 5.0, 7.0], np.array([1, 1, 1, 10]), np.array([0, 0, 1, 0]), 4.0)
    assert_allclose(y, [-1, -1 / 3, 1 / 3 + 1, 10])


def test_rms_norm_by_hand():
    # mean square 25; with epsilon 11 the root is 6
    y, _ = rms_norm([1.0, 7.0], np.array([6, 12]), epsilon=11.0)
    assert_allclose(y, [1, 14])


@pytest.mark.parametrize("epsilon", [1e-5, 0.5])
def test_every_slope_is_what_finite_differences_measure(rng, epsilon):
    x, scale, offset, d_y = (rng.normal(size=shape) for shape in [(B, T, D), D, D, (B, T, D)])
    _, cache = layer_norm(x, scale, offset, epsilon)
    slopes = measured(lambda *a: layer_norm(*a, epsilon), [x, scale, offset], d_y)
    for ours, theirs in zip(layer_norm_backward(d_y, cache), slopes, strict=True):
        assert_allclose(ours, theirs, atol=1e-6, rtol=0)
    _, cache = rms_norm(x, scale, epsilon)
    slopes = measured(lambda *a: rms_norm(*a, epsilon), [x, scale], d_y)
    for ours, theirs in zip(rms_norm_backward(d_y, cache), slopes, strict=True):
        assert_allclose(ours, theirs, atol=1e-6, rtol=0)


def test_afterwards_mean_is_zero_and_variance_one(rng):
    y, _ = layer_norm(rng.normal(3, 7, (B, T, D)), np.ones(D), np.zeros(D), 1e-12)
    assert_allclose(y.mean(axis=-1), 0, atol=1e-12)
    assert_allclose(y.var(axis=-1), 1)


def test_afterwards_the_root_of_the_mean_square_is_one(rng):
    y, _ = rms_norm(rng.normal(3, 7, (B, T, D)), np.ones(D), 1e-12)
    assert_allclose(np.sqrt((y**2).mean(axis=-1)), 1)


def test_size_and_for_layer_norm_level_of_the_input_do_not_matter(rng):
    x, scale, offset = rng.normal(size=(T, D)), rng.normal(size=D), rng.normal(size=D)
    y = layer_norm(x, scale, offset, 1e-15)[0]
    assert_allclose(layer_norm(100 * x + 3, scale, offset, 1e-15)[0], y)
    assert_allclose(rms_norm(100 * x, scale, 1e-15)[0], rms_norm(x, scale, 1e-15)[0])
    assert np.abs(rms_norm(x + 3, scale)[0] - rms_norm(x, scale)[0]).max() > 0.1


def test_each_vector_is_normalised_alone(rng):
    x, scale, offset = rng.normal(size=(B, T, D)), rng.normal(size=D), rng.normal(size=D)
    whole = layer_norm(x, scale, offset)[0], rms_norm(x, scale)[0]
    alone = layer_norm(x[1, 2], scale, offset)[0], rms_norm(x[1, 2], scale)[0]
    for of_all, of_one in zip(whole, alone, strict=True):
        assert_allclose(of_all[1, 2], of_one)


def test_a_vector_of_zeros_gives_the_offset():
    assert_allclose(layer_norm(np.zeros(3), np.ones(3), np.full(3, 2.0))[0], 2)
    assert_allclose(rms_norm(np.zeros(3), np.ones(3))[0], 0)


def test_normalize_goes_by_the_name(rng):
    x, weights = rng.normal(size=D), {"scale": rng.normal(size=D), "offset": rng.normal(size=D)}
    assert_allclose(normalize(x, weights, epsilon=0.1), layer_norm(x, **weights, epsilon=0.1)[0])
    scale = {"scale": weights["scale"]}
    assert_allclose(normalize(x, scale, "rms", 0.1), rms_norm(x, **scale, epsilon=0.1)[0])


def test_keras_normalises_the_same(rng):
    import keras

    x, scale, offset = rng.normal(size=(B, T, D)), rng.normal(size=D), rng.normal(size=D)
    layer = keras.layers.LayerNormalization(epsilon=0.1, dtype="float64")
    layer.build(x.shape)
    layer.set_weights([scale, offset])
    theirs = keras.ops.convert_to_numpy(layer(x))
    assert_allclose(layer_norm(x, scale, offset, 0.1)[0], theirs, atol=1e-5)
    layer = keras.layers.RMSNormalization(epsilon=0.1, dtype="float64")
    layer.build(x.shape)
    layer.set_weights([scale])
    theirs = keras.ops.convert_to_numpy(layer(x))
    assert_allclose(rms_norm(x, scale, 0.1)[0], theirs, atol=1e-5)


def test_weights_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"`scale` must .*\(5,\). Received: \(1,\)"):
        rms_norm(np.ones((3, 5)), np.ones(1))
    with pytest.raises(ValueError, match=r"`offset` must .*\(5,\). Received: \(4,\)"):
        layer_norm(np.ones((3, 5)), np.ones(5), np.ones(4))
    with pytest.raises(ValueError, match='`norm` must be "layer" or "rms". Received: norm=.batch'):
        normalize(np.ones(2), {"scale": np.ones(2)}, norm="batch")
    with pytest.raises(ValueError, match=r"'rms' are \['scale'\]. Received: \['offset', 'scale'\]"):
        normalize(np.ones(2), {"scale": np.ones(2), "offset": np.ones(2)}, norm="rms")
