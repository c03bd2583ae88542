"""Both norms equal Keras's own and do what their names say."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.layers.normalization import LayerNorm, RMSNorm

X = np.random.default_rng(0).normal(3, 2, size=(2, 5, 8)).astype("float32")


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(LayerNorm, keras.layers.LayerNormalization), (RMSNorm, keras.layers.RMSNormalization)],
)
@pytest.mark.parametrize("epsilon", [1e-5, 0.1])
def test_a_norm_equals_the_one_of_keras(ours, theirs, epsilon):
    ours, theirs = ours(epsilon), theirs(epsilon=epsilon)
    ours.build(X.shape), theirs.build(X.shape)
    weights = [np.random.default_rng(n).normal(size=8) for n in range(len(ours.weights))]
    ours.set_weights(weights), theirs.set_weights(weights)
    assert_allclose(ours(X), theirs(X), atol=1e-5)


def test_after_layer_norm_the_mean_is_0_and_the_variance_1():
    y = LayerNorm()(X).numpy()
    assert_allclose(y.mean(-1), 0, atol=1e-6)
    assert_allclose(y.var(-1), 1, rtol=1e-4)


def test_after_rms_norm_the_mean_square_is_1_and_the_direction_as_before():
    y = RMSNorm()(X).numpy()
    assert_allclose((y**2).mean(-1), 1, rtol=1e-4)
    assert_allclose(y / X, (y / X)[..., :1] + 0 * X, rtol=1e-4)


@pytest.mark.parametrize("norm", [LayerNorm, RMSNorm])
def test_a_vector_of_zeros_stays_one(norm):
    assert_allclose(norm()(np.zeros((1, 4), "float32")), np.zeros((1, 4)))


@pytest.mark.parametrize("norm", [LayerNorm, RMSNorm])
def test_an_epsilon_of_zero_is_refused(norm):
    with pytest.raises(ValueError, match="`epsilon` must be above 0. Received: epsilon=0"):
        norm(epsilon=0)
    assert norm.from_config(norm(0.5).get_config()).epsilon == 0.5
