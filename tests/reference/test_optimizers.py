import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.optimizers import SGD, Adam

# Keras turns these settings into float32 even for float64 weights: take numbers it holds exactly.
RATE, MOMENTUM, BETA_1, BETA_2 = 1 / 16, 7 / 8, 7 / 8, 15 / 16
PAIRS = {
    "sgd": (lambda: SGD(RATE), lambda: keras.optimizers.SGD(RATE)),
    "momentum": (
        lambda: SGD(RATE, MOMENTUM),
        lambda: keras.optimizers.SGD(RATE, momentum=MOMENTUM),
    ),
    "adam": (
        lambda: Adam(RATE, BETA_1, BETA_2),
        lambda: keras.optimizers.Adam(RATE, BETA_1, BETA_2),
    ),
    "adam, large epsilon": (
        lambda: Adam(RATE, BETA_1, BETA_2, 1 / 8),
        lambda: keras.optimizers.Adam(RATE, BETA_1, BETA_2, 1 / 8),
    ),
}


def difference_to_keras(ours, theirs, dtype):
    rng = np.random.default_rng(0)
    weights = rng.normal(size=(2, 3)).astype(dtype)
    variable = keras.Variable(weights, dtype=dtype)
    worst = 0
    for _ in range(30):
        gradient = (rng.normal(size=(2, 3)) * 10 ** rng.uniform(-4, 2)).astype(dtype)
        weights = ours.step(weights, gradient)
        theirs.apply([gradient], [variable])
        assert weights.dtype == dtype
        error = np.abs(weights - variable.numpy()) / np.maximum(1, np.abs(weights))
        worst = max(worst, error.max())
    return worst


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("dtype, tolerance", [("float32", 1e-6), ("float64", 1e-12)])
def test_every_step_equals_keras(name, dtype, tolerance):
    ours, theirs = (make() for make in PAIRS[name])
    assert difference_to_keras(ours, theirs, dtype) < tolerance


def test_the_default_adam_equals_keras():
    # 1e-5: Keras forms 1 - 0.999 ** t in float32, where a subtraction from 1 costs digits.
    ours, theirs = Adam(0.05), keras.optimizers.Adam(0.05)
    assert difference_to_keras(ours, theirs, "float32") < 1e-5


def test_the_defaults_are_those_of_keras():
    for ours, theirs in (SGD(), keras.optimizers.SGD()), (Adam(), keras.optimizers.Adam()):
        config = theirs.get_config()
        for name in {"momentum", "beta_1", "beta_2", "epsilon"} & set(vars(ours)):
            assert getattr(ours, name) == config[name]
        assert_allclose(ours.learning_rate, config["learning_rate"])


def test_three_steps_with_momentum_by_hand():
    optimizer, weights = SGD(learning_rate=0.1, momentum=0.5), np.array([1.0])
    path = []
    for gradient in 2.0, 2.0, -4.0:  # velocities -0.2, -0.3, +0.25
        weights = optimizer.step(weights, np.array([gradient]))
        path.append(weights[0])
    assert_allclose(path, [0.8, 0.5, 0.75])


def test_two_steps_of_adam_by_hand():
    optimizer = Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.75, epsilon=1e-12)
    # step 1: mean 1, square 1; corrected 1/0.5 = 2 and 1/0.25 = 4: move 0.1 * 2 / 2
    first = optimizer.step(np.array([0.0]), np.array([2.0]))
    # step 2: mean 0.5, square 0.75; corrected 0.5/0.75 and 0.75/0.4375
    second = optimizer.step(first, np.array([0.0]))
    assert_allclose(first, [-0.1])
    assert_allclose(second, [-0.1 - 0.1 * (0.5 / 0.75) / np.sqrt(0.75 / 0.4375)])


def test_epsilon_stands_beside_the_uncorrected_root():
    # Algorithm 1 of the paper would give -0.1 * 2 / (2 + 1): is your epsilon in the right place?
    optimizer = Adam(learning_rate=0.1, beta_1=0.5, beta_2=0.75, epsilon=1.0)
    assert_allclose(optimizer.step(np.array([0.0]), np.array([2.0])), [-0.1 * 0.5 / 0.5 / (1 + 1)])


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_the_scale_of_the_gradient_does_not_matter_to_adam(scale):
    gradients = np.random.default_rng(1).normal(size=(20, 4))
    plain, scaled = Adam(0.1, epsilon=1e-15), Adam(0.1, epsilon=1e-15)
    a = b = np.zeros(4)
    for gradient in gradients:
        a, b = plain.step(a, gradient), scaled.step(b, scale * gradient)
    assert_allclose(a, b, rtol=1e-6)


@pytest.mark.parametrize("optimizer", [SGD(0.1), SGD(0.05, 0.8), Adam(0.1)])
def test_every_rule_finds_the_bottom_of_a_bowl(optimizer):
    curvature, weights = np.array([1.0, 9.0]), np.array([3.0, -2.0])
    for _ in range(400):
        weights = optimizer.step(weights, curvature * weights)
    assert_allclose(weights, 0, atol=1e-2)


def test_no_gradient_no_step_and_the_inputs_stay_as_they_were():
    for optimizer in SGD(0.1), SGD(0.1, 0.9), Adam():
        weights, gradient = np.array([1.0, 2.0]), np.zeros(2)
        assert_array_equal(optimizer.step(weights, gradient), weights)
        optimizer.step(weights, np.ones(2))
        assert_array_equal(weights, [1, 2])
        assert_array_equal(gradient, 0)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: SGD(0), "`learning_rate` must be above 0. Received: learning_rate=0"),
        (lambda: SGD(0.1, 1.0), "`momentum` must be at least 0 and below 1. Received: momentum=1"),
        (lambda: Adam(-1), "`learning_rate` must be above 0. Received: learning_rate=-1"),
        (lambda: Adam(beta_1=-0.1), "`beta_1` must be at least 0 and below 1. Received"),
        (lambda: Adam(beta_2=1), "`beta_2` must be at least 0 and below 1. Received: beta_2=1"),
        (lambda: Adam(epsilon=0), "`epsilon` must be above 0. Received: epsilon=0"),
    ],
)
def test_arguments_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("make", [SGD, Adam])
def test_shapes_that_do_not_fit_are_refused(make):
    with pytest.raises(ValueError, match=r"Received: weights.shape=\(2,\), gradient.shape=\(3,\)"):
        make().step(np.zeros(2), np.zeros(3))
    optimizer = make()
    optimizer.step(np.zeros(2), np.zeros(2))
    with pytest.raises(ValueError, match=r"serves one array.*Received: weights.shape=\(3,\)"):
        optimizer.step(np.zeros(3), np.zeros(3))
