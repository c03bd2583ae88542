import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.reference.linear import linear
from lmcourse.reference.mlp import dense


def test_one_vector_by_hand():
    weights = {"key": np.array([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]])}
    assert_allclose(linear([2.0, 5.0], weights, "key"), [2, 15, -1])
    weights["key_bias"] = np.array([1.0, 1.0, 1.0])
    assert_allclose(linear([2.0, 5.0], weights, "key"), [3, 16, 0])


def test_it_is_the_dense_layer_of_the_window_model():
    rng = np.random.default_rng(0)
    x, kernel, bias = rng.normal(size=(2, 5, 3)), rng.normal(size=(3, 4)), rng.normal(size=4)
    ours = linear(x, {"up": kernel, "up_bias": bias, "down": kernel.T}, "up")
    assert_allclose(ours, dense(x, kernel, bias)[0])


def test_a_missing_matrix_is_named_with_those_that_are_there():
    with pytest.raises(ValueError, match=r"`weights` must have a matrix 'gate'.*\['down', 'up'\]"):
        linear(np.ones(2), {"up": np.ones((2, 2)), "down": np.ones((2, 2))}, "gate")


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(ValueError, match=r"'up' .*\(I, O\).*Received: \(4, 3\), \(2, 5\), \(5,\)"):
        linear(np.ones((4, 3)), {"up": np.ones((2, 5))}, "up")
    with pytest.raises(ValueError, match=r"Received: \(2,\), \(2, 5\), \(1,\)"):
        linear(np.ones(2), {"up": np.ones((2, 5)), "up_bias": np.ones(1)}, "up")
