import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.evaluation.probability import score
from lmcourse.generation.sampling import generate
from lmcourse.models.mlp import WindowMLP
from lmcourse.reference.mlp import window_mlp, window_mlp_backward
from lmcourse.reference.softmax import cross_entropy, cross_entropy_gradient
from lmcourse.text.batches import sample_batch
from lmcourse.text.grammar import Markov

B, T, V, N, D, U = 2, 6, 7, 3, 4, 5

# Keras reads TensorFlow's tensors with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def scrambled(model):
    """Odd numbers in every weight, so that a bug has nowhere to hide."""
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(0, 0.7, weight.shape))
    return model


@pytest.fixture(params=[U, None], ids=["hidden", "no-hidden"])
def model(request):
    return scrambled(WindowMLP(V, N, D, request.param, spread=0.5))


@pytest.fixture
def ids():
    return np.random.default_rng(1).integers(0, V, (B, T))


def windows_of(ids):
    """The last N ids at every position, V where there is none: (B, T) -> (B * T, N)."""
    padded = np.pad(ids, ((0, 0), (N - 1, 0)), constant_values=V)
    return np.lib.stride_tricks.sliding_window_view(padded, N, axis=1).reshape(-1, N)


def test_every_position_equals_the_numpy_model_on_its_window(ids):
    model = scrambled(WindowMLP(V, N, D, U))
    weights = [weight.astype(np.float64) for weight in model.get_weights()]
    expected, _ = window_mlp(windows_of(ids), weights)
    assert_allclose(np.asarray(model(ids)).reshape(-1, V), expected, atol=1e-5)


def test_the_gradients_equal_those_by_hand(ids):
    model = scrambled(WindowMLP(V, N, D, U))
    targets = np.random.default_rng(2).integers(0, V, (B, T))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = loss(targets, model(ids))
    automatic = tape.gradient(value, model.trainable_variables)
    weights = [weight.astype(np.float64) for weight in model.get_weights()]
    logits, cache = window_mlp(windows_of(ids), weights)
    by_hand = window_mlp_backward(cross_entropy_gradient(logits, targets.reshape(-1)), cache)
    assert_allclose(float(value), cross_entropy(logits, targets.reshape(-1)), rtol=1e-5)
    for mine, theirs in zip(by_hand, automatic, strict=True):
        assert_allclose(tf.convert_to_tensor(theirs).numpy(), mine, atol=1e-6)


def test_without_a_hidden_layer_the_scores_are_sums_over_the_window(ids):
    model = scrambled(WindowMLP(V, N, D, None))
    table, kernel, bias = model.get_weights()
    windows, parts = windows_of(ids), kernel.reshape(N, D, V)
    expected = bias + sum(table[windows[:, place]] @ parts[place] for place in range(N))
    assert_allclose(np.asarray(model(ids)).reshape(-1, V), expected, atol=1e-5)


def test_only_the_last_n_tokens_matter_and_never_the_next(model, ids):
    logits = np.asarray(model(ids))
    older, newer, inside = ids.copy(), ids.copy(), ids.copy()
    older[:, : T - N] = (older[:, : T - N] + 1) % V
    newer[:, 3:] = (newer[:, 3:] + 1) % V
    inside[:, T - N] = (inside[:, T - N] + 1) % V
    assert_array_equal(logits[:, -1], np.asarray(model(older))[:, -1])
    assert_array_equal(logits[:, :3], np.asarray(model(newer))[:, :3])
    assert np.abs(logits[:, -1] - np.asarray(model(inside))[:, -1]).max() > 1e-3


def test_a_text_shorter_than_the_window_begins_with_nothing(model):
    assert np.asarray(model(np.array([[4]]))).shape == (1, 1, V)
    nothing = model.embedding.embeddings.numpy()[V].copy()
    before = np.asarray(model(np.array([[4, 1, 2, 3]])))
    table = model.embedding.embeddings.numpy()
    table[V] = nothing + 1
    model.embedding.embeddings.assign(table)
    after = np.asarray(model(np.array([[4, 1, 2, 3]])))
    assert (np.abs(after - before).max(axis=-1) > 1e-3).tolist() == [[True, True, False, False]]


def test_an_untrained_model_pays_ln_v_and_its_sums_are_as_large_as_their_inputs():
    keras.utils.set_random_seed(0)
    model = WindowMLP(50, 8, 32, 256)
    ids = np.random.default_rng(0).integers(0, 50, 4000)
    assert_allclose(score(model, ids).nats_per_token, np.log(50), rtol=1e-6)
    x = np.asarray(model.join(ids[None]))
    sums = x @ model.hidden.kernel.numpy()
    assert 0.9 < sums.std() < 1.1 and 0.9 < x.std() < 1.1


def test_the_vectors_start_as_far_apart_as_asked():
    keras.utils.set_random_seed(0)
    table = WindowMLP(500, 2, 16, 8, spread=0.2).embedding.embeddings.numpy()
    assert 0.19 < table.std() < 0.21 and abs(table.mean()) < 0.01
    with pytest.raises(ValueError, match="`spread` must be above 0. Received: spread=0"):
        WindowMLP(V, N, D, U, spread=0)


def test_the_parameters_can_be_counted_by_hand():
    assert WindowMLP(V, N, D, U).count_params() == (V + 1) * D + N * D * U + U + U * V + V
    assert WindowMLP(V, N, D, None).count_params() == (V + 1) * D + N * D * V + V


def test_a_saved_model_comes_back_with_equal_logits(model, ids, tmp_path):
    model.save(tmp_path / "mlp.keras")
    loaded = keras.models.load_model(tmp_path / "mlp.keras")
    assert isinstance(loaded, WindowMLP)
    assert_array_equal(model(ids), loaded(ids))


def test_a_configuration_makes_the_same_model_again(model):
    again = WindowMLP.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


def test_the_model_is_scored_and_writes_like_any_other(model):
    ids = np.random.default_rng(4).integers(0, V, 50)
    logits = np.asarray(model(ids[None, :-1]), np.float64)
    assert_allclose(score(model, ids).nats_per_token, cross_entropy(logits[0], ids[1:]), rtol=1e-6)
    text = generate(model, ids[:1], 20, np.random.default_rng(0))
    assert text.shape == (21,) and text.max() < V


def test_it_learns_a_markov_source_down_to_its_entropy_when_the_window_is_long_enough():
    keras.utils.set_random_seed(0)
    source = Markov.random(2, 4, np.random.default_rng(0), concentration=0.3)
    rng = np.random.default_rng(1)
    train, test = source.sample(20_000, rng), source.sample(5_000, rng)
    excess = {}
    for window in (1, 2):
        model = WindowMLP(4, window, 8, 32)
        model.compile(
            keras.optimizers.Adam(0.01),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
        for _ in range(150):
            model.train_on_batch(*sample_batch(train, 32, 32, rng))
        excess[window] = score(model, test).bits_per_token - source.entropy_rate
    assert excess[2] < 0.05 < 0.2 < excess[1]


@pytest.mark.parametrize(
    "bad, error, message",
    [
        ([[0, 7]], ValueError, "from 0 to V - 1 = 6. Received: ids from 0 to 7"),
        ([[-1, 3]], ValueError, "from 0 to V - 1 = 6. Received: ids from -1 to 3"),
        ([[0.5, 1.0]], TypeError, "`ids` must be integers. Received: dtype=float32"),
    ],
)
def test_ids_that_are_no_ids_are_refused(model, bad, error, message):
    with pytest.raises(error, match=message):
        model(np.array(bad))


@pytest.mark.parametrize("name", ["vocabulary_size", "window", "width", "units"])
def test_a_size_below_one_is_refused(name):
    sizes = {"vocabulary_size": V, "window": N, "width": D, "units": U, name: 0}
    with pytest.raises(ValueError, match=f"`{name}` must be at least 1. Received: {name}=0"):
        WindowMLP(**sizes)
