import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.feedforward import feed_forward, gelu, relu_squared, silu

x = np.linspace(-6, 6, 49)
NAMES = ["relu", "relu_squared", "gelu", "gelu_exact", "swiglu"]


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    shapes = {"up": (3, 7), "gate": (3, 7), "down": (7, 3)}
    shapes |= {f"{name}_bias": shape[1:] for name, shape in shapes.items()}
    return {name: rng.normal(size=shape) for name, shape in shapes.items()}


def test_the_exact_gelu_is_the_share_of_the_bell_curve_below():
    steps = np.linspace(-9, 1, 200_001)
    bell = np.exp(-(steps**2) / 2) / math.sqrt(2 * math.pi)
    assert_allclose(gelu(1.0, exact=True), np.trapezoid(bell, steps), atol=1e-9)
    assert_allclose(gelu(x, exact=True) - gelu(-x, exact=True), x)  # the shares below x and above


def test_the_gelu_of_one_by_the_published_formula():
    assert_allclose(gelu(1.0), 0.5 * (1 + math.tanh(math.sqrt(2 / math.pi) * 1.044715)))


def test_the_two_gelus_differ_by_less_than_a_thousandth():
    difference = np.abs(gelu(x) - gelu(x, exact=True)).max()
    assert 1e-4 < difference < 5e-4


def test_a_gate_of_three_quarters_by_hand():
    three = np.log(3.0)
    assert_allclose(silu(np.array([three, -three])), [0.75 * three, -0.25 * three])
    assert_array_equal(silu(np.array([-1000.0, 1000.0])), [0, 1000])


def test_below_zero_the_square_is_off():
    assert_array_equal(relu_squared([-2, 0, 3]), [0, 0, 9])


@pytest.mark.parametrize("name", NAMES)
def test_each_activation_is_its_formula_place_by_place(weights, name):
    vectors = np.random.default_rng(1).normal(size=(2, 4, 3))
    outputs = feed_forward(vectors, weights, name)
    for b, t in np.ndindex(2, 4):
        up = vectors[b, t] @ weights["up"] + weights["up_bias"]
        gate = vectors[b, t] @ weights["gate"] + weights["gate_bias"]
        inside = {
            "relu": up * (up > 0),
            "relu_squared": up * up * (up > 0),
            "gelu": gelu(up),
            "gelu_exact": np.array([u * (1 + math.erf(u / math.sqrt(2))) / 2 for u in up]),
            "swiglu": gate / (1 + np.exp(-gate)) * up,
        }[name]
        assert_allclose(outputs[b, t], inside @ weights["down"] + weights["down_bias"])


def test_keras_bends_the_same():
    import keras

    def numpy(tensor):
        return keras.ops.convert_to_numpy(tensor)

    values = keras.ops.convert_to_tensor(x, "float64")
    assert_allclose(gelu(x), numpy(keras.ops.gelu(values, approximate=True)), atol=1e-7)
    assert_allclose(gelu(x, exact=True), numpy(keras.ops.gelu(values, False)), atol=1e-7)
    assert_allclose(silu(x), numpy(keras.ops.silu(values)), atol=1e-7)


def test_no_places_give_no_places(weights):
    assert feed_forward(np.zeros((2, 0, 3)), weights, "gelu_exact").shape == (2, 0, 3)


def test_an_unknown_activation_and_a_missing_gate_are_named(weights):
    with pytest.raises(ValueError, match="`activation` must be one of relu, .*swiglu.*'tanh'"):
        feed_forward(np.ones(3), weights, "tanh")
    del weights["gate"]
    with pytest.raises(ValueError, match="must have a matrix 'gate'"):
        feed_forward(np.ones(3), weights, "swiglu")
