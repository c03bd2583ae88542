import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.layers.recurrent import GRU, LSTM, RNN

PEERS = {
    "RNN": (RNN, keras.layers.SimpleRNN, {}),
    "LSTM": (LSTM, keras.layers.LSTM, {}),
    "GRU": (GRU, keras.layers.GRU, {}),
    "GRU, reset before": (GRU, keras.layers.GRU, {"reset_after": False}),
}
KINDS = pytest.mark.parametrize("kind", PEERS)
B, T, D, U = 3, 7, 5, 4


def pair(kind, units, width, dtype, rng):
    """Our layer and Keras's with the same random weights, no bias at its first value."""
    ours, theirs, options = PEERS[kind]
    ours = ours(units, dtype=dtype, **options)
    theirs = theirs(units, dtype=dtype, return_sequences=True, return_state=True, **options)
    for layer in (ours, theirs):
        layer.build((None, None, width))
    scale = 1 / np.sqrt(units)
    theirs.set_weights([rng.normal(0, scale, w.shape) for w in theirs.get_weights()])
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def case(kind, dtype, rng, shape, masked=False, begun=False):
    """Inputs, state and mask of a call."""
    batch, steps, width, units = shape
    x = tf.constant(rng.normal(size=(batch, steps, width)), dtype)
    parts = PEERS[kind][0].parts
    state = [tf.constant(rng.normal(size=(batch, units)), dtype) for _ in range(parts)]
    mask = rng.random((batch, steps)) < 0.6 if masked else None
    return x, (state if begun else None), mask


def run_ours(layer, x, state, mask):
    outputs, last = layer(x, state=None if state is None else tuple(state), mask=mask)
    return [outputs, *last]


def run_theirs(layer, x, state, mask):
    return list(layer(x, initial_state=state, mask=mask))


def test_one_step_of_an_rnn_by_hand():
    layer = RNN(2)
    layer.build((None, None, 1))
    weights = [[1.0, -1.0]], [[0.5, 0.0], [0.0, 2.0]], [0.1, 0.2]
    layer.set_weights([np.array(w) for w in weights])
    outputs, (last,) = layer(np.array([[[0.3], [0.4]]]))
    first = np.tanh([0.3 + 0.1, -0.3 + 0.2])
    second = np.tanh([0.4 + 0.5 * first[0] + 0.1, -0.4 + 2 * first[1] + 0.2])
    assert_allclose(outputs, [[first, second]], rtol=1e-6)
    assert_allclose(last, [second], rtol=1e-6)


@KINDS
@pytest.mark.parametrize("masked", [False, True], ids=["all real", "masked"])
@pytest.mark.parametrize("begun", [False, True], ids=["from zero", "from a state"])
@settings(max_examples=3)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 32), st.integers(1, 9), st.integers(1, 64)),
    seed=st.integers(0, 1000),
)
def test_it_equals_the_layer_of_keras(kind, masked, begun, shape, seed):
    for dtype, tolerance in (("float64", 1e-12), ("float32", 1e-6)):
        rng = np.random.default_rng(seed)
        ours, theirs = pair(kind, shape[3], shape[2], dtype, rng)
        call = case(kind, dtype, rng, shape, masked, begun)
        for a, b in zip(run_ours(ours, *call), run_theirs(theirs, *call), strict=True):
            assert np.abs(a.numpy() - b.numpy()).max() <= tolerance


@KINDS
def test_its_first_biases_are_those_of_keras(kind):
    ours, theirs, options = PEERS[kind]
    layers = ours(U, **options), theirs(U, **options)
    for layer in layers:
        layer.build((None, None, D))
    (a, b), names = (layer.get_weights() for layer in layers), [w.name for w in layers[0].weights]
    assert names == [w.name for w in layers[1].weights]
    assert [w.shape for w in a] == [w.shape for w in b]
    assert_array_equal(a[2], b[2])


@KINDS
@pytest.mark.parametrize("masked", [False, True], ids=["all real", "masked"])
@pytest.mark.parametrize("compiled", [False, True], ids=["eager", "compiled"])
def test_the_gradient_written_by_hand_is_that_of_automatic_differentiation(kind, masked, compiled):
    rng = np.random.default_rng(0)
    ours, theirs = pair(kind, U, D, "float64", rng)
    x, state, mask = case(kind, "float64", rng, (B, T, D, U), masked, begun=True)
    weigh = [rng.normal(size=s) for s in [(B, T, U)] + [(B, U)] * len(state)]

    def gradients(run, layer):
        given = [x, *state, *[w.value for w in layer.weights]]
        with tf.GradientTape() as tape:
            for tensor in given[: 1 + len(state)]:
                tape.watch(tensor)
            outputs = run(layer, x, state, mask)
            value = sum(tf.reduce_sum(o * w) for o, w in zip(outputs, weigh, strict=True))
        return tape.gradient(value, given)

    take = tf.function(gradients) if compiled else gradients
    for a, b in zip(take(run_ours, ours), take(run_theirs, theirs), strict=True):
        assert_allclose(a, b, atol=1e-12, rtol=1e-10)


@KINDS
def test_the_same_weight_used_twice_collects_both_gradients(kind):
    rng = np.random.default_rng(1)
    ours, _ = pair(kind, U, U, "float64", rng)
    x, _, _ = case(kind, "float64", rng, (B, T, U, U))

    def value():
        return float(tf.reduce_sum(ours(ours(x)[0])[0] ** 2))

    with tf.GradientTape() as tape:
        loss = tf.reduce_sum(ours(ours(x)[0])[0] ** 2)
    slope = tape.gradient(loss, ours.recurrent_kernel.value).numpy()
    weights, step = ours.recurrent_kernel.numpy(), np.zeros((U, ours.gates * U))
    step[1, 2] = 1e-5
    ours.recurrent_kernel.assign(weights + step)
    above = value()
    ours.recurrent_kernel.assign(weights - step)
    assert_allclose((above - value()) / 2e-5, slope[1, 2], rtol=1e-6)


@KINDS
def test_two_halves_with_the_state_carried_are_the_whole(kind):
    rng = np.random.default_rng(2)
    ours, _ = pair(kind, U, D, "float64", rng)
    x, state, mask = case(kind, "float64", rng, (B, T, D, U), begun=True)
    whole = run_ours(ours, x, state, None)
    first, *middle = run_ours(ours, x[:, :3], state, None)
    rest, *last = run_ours(ours, x[:, 3:], middle, None)
    assert_allclose(np.concatenate([first, rest], axis=1), whole[0], atol=1e-14)
    for a, b in zip(last, whole[1:], strict=True):
        assert_allclose(a, b, atol=1e-14)


@KINDS
def test_padding_changes_neither_the_state_nor_the_gradient(kind):
    rng = np.random.default_rng(3)
    ours, _ = pair(kind, U, D, "float64", rng)
    x, state, _ = case(kind, "float64", rng, (B, T, D, U), begun=True)
    padded = tf.concat([x, tf.fill((B, 2, D), tf.constant(9.0, tf.float64))], axis=1)
    mask = np.array([[True] * T + [False] * 2] * B)

    def last_state(x, mask):
        with tf.GradientTape() as tape:
            _, last = ours(x, state=tuple(state), mask=mask)
            value = tf.reduce_sum(last[0] ** 2)
        return last[0], tape.gradient(value, [w.value for w in ours.weights])

    (a, slopes), (b, same) = last_state(x, None), last_state(padded, mask)
    assert_allclose(a, b, atol=1e-14)
    for p, q in zip(slopes, same, strict=True):
        assert_allclose(p, q, atol=1e-12)


def test_a_saved_layer_comes_back(tmp_path):
    inputs = keras.Input((None, D))
    outputs, _ = GRU(U, reset_after=False)(inputs)
    model = keras.Model(inputs, outputs)
    model.save(tmp_path / "gru.keras")
    x = np.random.default_rng(0).normal(size=(B, T, D))
    assert_array_equal(keras.models.load_model(tmp_path / "gru.keras")(x), model(x))


@pytest.mark.parametrize(
    "options, error, message",
    [
        (
            {"state": (np.zeros((1, U)),)},
            ValueError,
            r"2 part\(s\) of shape \(3, 4\).*\[\(1, 4\)\]",
        ),
        ({"state": (np.zeros((1, U)),) * 2}, ValueError, r"one row a sequence.*\(1, 4\), \(1, 4\)"),
        ({"mask": np.ones((B, T))}, TypeError, "`mask` must be booleans.*dtype=float32"),
        ({"mask": np.ones((B, T + 1), bool)}, ValueError, r"\(B, T\) = \(3, 7\).*\(3, 8\)"),
    ],
)
def test_a_state_or_mask_that_does_not_fit_is_refused(options, error, message):
    with pytest.raises(error, match=message):
        LSTM(U)(np.zeros((B, T, D)), **options)


def test_units_below_one_are_refused():
    with pytest.raises(ValueError, match="`units` must be at least 1. Received: units=0"):
        RNN(0)
