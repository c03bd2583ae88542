import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.evaluation.probability import score
from lmcourse.generation.sampling import generate
from lmcourse.models.rnn import CELLS, LastStep, RecurrentLM, Stateful
from lmcourse.reference.softmax import cross_entropy

B, T, V, D, U = 2, 5, 7, 3, 4


@pytest.fixture(params=CELLS)
def model(request):
    return with_scores(RecurrentLM(V, request.param, width=D, units=U, layers=2, pad_id=0))


def with_scores(model):
    """Draw all weights anew: with biases of zero a bug could hide."""
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign(rng.normal(0, 0.5, weight.shape))
    return model


@pytest.fixture
def ids():
    return np.random.default_rng(1).integers(1, V, (B, T))


def classical(model):
    """The same model out of Keras's own layers."""
    kinds = {"rnn": keras.layers.SimpleRNN, "gru": keras.layers.GRU, "lstm": keras.layers.LSTM}
    kind = kinds[model.config["cell"]]
    twin = keras.Sequential(
        [keras.layers.Embedding(V, D, mask_zero=True)]
        + [kind(U, return_sequences=True) for _ in range(2)]
        + [keras.layers.Dense(V)]
    )
    twin.build((None, None))
    twin.set_weights(
        [model.embedding.numpy()]
        + [w for layer in model.stack for w in layer.get_weights()]
        + model.head.get_weights()
    )
    return twin


def test_it_equals_embedding_recurrent_layers_and_dense(model, ids):
    ids[1, 3:] = 0
    real = ids != 0
    ours, theirs = np.asarray(model(ids)), np.asarray(classical(model)(ids))
    assert_allclose(ours[real], theirs[real], atol=1e-6)


def test_the_gradient_reaches_every_weight(model, ids):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    twin = classical(model)
    slopes = []
    for m in (model, twin):
        weights = [w.value for w in m.trainable_weights]
        with tf.GradientTape() as tape:
            value = loss(ids, m(ids))
        slopes.append([tf.convert_to_tensor(g).numpy() for g in tape.gradient(value, weights)])
    assert len(slopes[0]) == len(slopes[1])
    for a, b in zip(*slopes, strict=True):
        assert_allclose(a, b, atol=1e-6)


def test_the_future_cannot_be_seen(model, ids):
    other = ids.copy()
    other[:, 3:] = ids[:, 3:] % (V - 1) + 1
    assert_array_equal(np.asarray(model(ids))[:, :3], np.asarray(model(other))[:, :3])
    assert np.abs(np.asarray(model(ids) - model(other))[:, 3:]).max() > 1e-4


def test_the_past_is_seen(model, ids):
    other = ids.copy()
    other[:, 0] = ids[:, 0] % (V - 1) + 1
    assert np.abs(np.asarray(model(ids) - model(other))[:, -1]).max() > 1e-7


def test_padding_before_a_text_changes_nothing(model, ids):
    padded = np.concatenate([np.zeros((B, 3), int), ids], axis=1)
    assert_allclose(np.asarray(model(padded))[:, 3:], model(ids), atol=1e-6)


def test_two_halves_with_the_state_carried_are_the_whole(model, ids):
    first, state = model(ids[:, :2], return_state=True)
    both = np.concatenate([first, model(ids[:, 2:], state=state)], axis=1)
    assert_allclose(both, model(ids), atol=1e-6)


def test_dropout_acts_in_training_alone(ids):
    model = with_scores(RecurrentLM(V, "gru", width=D, units=U, dropout=0.5))
    assert_array_equal(model(ids), model(ids))
    assert np.abs(np.asarray(model(ids, training=True) - model(ids))).max() > 1e-4


def test_a_stateful_model_begins_where_it_ended(model, ids):
    stateful = Stateful(model, B)
    parts = [np.asarray(stateful(ids[:, t : t + 1])) for t in range(T)]
    assert_allclose(np.concatenate(parts, axis=1), model(ids), atol=1e-6)
    assert np.abs(np.asarray(stateful(ids) - model(ids))).max() > 1e-4
    stateful.reset_state()
    assert_allclose(stateful(ids), model(ids), atol=1e-6)


def test_no_gradient_crosses_the_border_of_a_batch(model, ids):
    """The state is a value: the gradient of the second batch is that of a given state."""
    stateful = Stateful(model, B)
    _, state = model(ids[:, :2], return_state=True)
    state = [tuple(tf.constant(part.numpy()) for part in parts) for parts in state]
    stateful(ids[:, :2])
    slopes = []
    for call in (stateful, lambda ids: model(ids, state=state)):
        with tf.GradientTape() as tape:
            value = tf.reduce_sum(call(ids[:, 2:]) ** 2)
        slopes.append(tape.gradient(value, model.stack[0].recurrent_kernel.value))
    assert_allclose(*slopes, atol=1e-6)


def test_a_stateful_model_trains_and_shares_its_weights(model, ids):
    stateful, before = Stateful(model, B), model.head.get_weights()[0].copy()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    stateful.compile(keras.optimizers.SGD(1.0), loss)
    stateful.train_on_batch(ids, ids)
    assert len(stateful.trainable_weights) == len(model.trainable_weights)
    assert np.abs(model.head.get_weights()[0] - before).max() > 1e-5
    assert np.abs(stateful.state[0][0].numpy()).max() > 0


def test_the_last_step_alone_is_the_last_of_every_step(model, ids):
    assert_array_equal(LastStep(model)(ids), np.asarray(model(ids))[:, -1])


@pytest.mark.parametrize("wrap", [lambda m: m, LastStep, lambda m: Stateful(m, B)])
def test_a_saved_model_comes_back_with_equal_logits(wrap, model, ids, tmp_path):
    kept = wrap(model)
    kept(ids)
    kept.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert type(loaded) is type(kept)
    assert_array_equal(kept(ids), loaded(ids))


def test_the_model_is_scored_and_writes_like_any_other(model):
    ids = np.random.default_rng(4).integers(1, V, 50)
    logits = np.asarray(model(ids[None, :-1]), np.float64)
    assert_allclose(score(model, ids).nats_per_token, cross_entropy(logits[0], ids[1:]), rtol=1e-5)
    assert generate(model, ids[:1], 6, np.random.default_rng(0)).shape == (7,)


@pytest.mark.parametrize("cell", CELLS)
def test_a_fresh_model_knows_nothing(cell):
    model, ids = RecurrentLM(67, cell), np.random.default_rng(0).integers(0, 67, (8, 32))
    loss = cross_entropy(np.asarray(model(ids[:, :-1]), np.float64), ids[:, 1:])
    assert abs(loss - np.log(67)) < 0.5


@pytest.mark.parametrize(
    "options, message",
    [
        ({"cell": "transformer"}, "`cell` must be one of rnn, gru, lstm.*'transformer'"),
        ({"layers": 0}, "`layers` must be at least 1. Received: layers=0"),
        ({"units": 0}, "`units` must be at least 1. Received: units=0"),
        ({"spread": 0}, "`spread` must be above 0. Received: spread=0"),
        ({"pad_id": V}, "`pad_id` must be an id from 0 to V - 1 = 6. Received: pad_id=7"),
    ],
)
def test_arguments_that_make_no_model_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        RecurrentLM(V, **options)


@pytest.mark.parametrize(
    "bad, error, message",
    [
        (np.array([[0.5, 1.0]]), TypeError, "`ids` must be integers. Received: dtype=float"),
        (np.array([[1, 7]]), ValueError, "from 0 to V - 1 = 6. Received: ids from 1 to 7"),
    ],
)
def test_ids_that_are_no_ids_are_refused(model, bad, error, message):
    with pytest.raises(error, match=message):
        model(bad)


def test_a_batch_of_another_size_has_no_state(model, ids):
    with pytest.raises(ValueError, match=r"batch_size=2 rows, one a stream.*shape \(1, 5\)"):
        Stateful(model, B)(ids[:1])


def test_a_state_of_another_batch_is_refused(model, ids):
    _, state = model(ids[:1], return_state=True)
    with pytest.raises(ValueError, match=r"part\(s\) of shape \(2, 4\), one row a sequence"):
        model(ids, state=state)
