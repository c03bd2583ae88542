import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.evaluation.probability import score
from lmcourse.generation.sampling import generate
from lmcourse.models.word2vec import (
    CBOW,
    NegativeSampling,
    SkipGram,
    neighbourhoods,
    noise_distribution,
    pairs,
    thin_out,
)
from lmcourse.reference.embedding import (
    embedding,
    embedding_backward,
    negative_sampling,
    negative_sampling_backward,
)
from lmcourse.reference.softmax import softmax

B, T, V, D, K, N = 3, 5, 7, 4, 2, 6

# Keras reads TensorFlow's tensors with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(params=[SkipGram, CBOW])
def model(request, rng):
    counts = rng.integers(1, 50, V)
    window = {"window": 3} if request.param is CBOW else {}
    model = request.param(V, D, counts=counts, negatives=K, **window)
    model.vectors.assign(rng.normal(size=(V, D)))
    model.contexts.assign(rng.normal(size=(V, D)))
    return model


def weights(model):
    return [np.asarray(w.numpy(), np.float64) for w in model.weights]


def test_the_logit_of_a_neighbour_by_hand():
    model = SkipGram(2, 2, counts=[16, 1], negatives=3)
    model.vectors.assign([[1.0, 2.0], [0.0, -1.0]])
    model.contexts.assign([[3.0, 1.0], [2.0, 5.0]])
    # scores of word 0 beside itself and word 1: 3 + 2 and 2 + 10; the noise is 8 : 1
    expected = [5 + np.log(3 * 8 / 9), 12 + np.log(3 * 1 / 9)]
    assert_allclose(model(np.array([[0]]))[0, 0], expected, rtol=1e-6)


def test_cbow_reads_the_mean_of_the_last_words_as_far_as_there_are_any():
    model = CBOW(3, 1, window=2)
    model.vectors.assign([[1.0], [10.0], [100.0]])
    model.contexts.assign([[1.0], [0.0], [-1.0]])
    logits = np.asarray(model(np.array([[1, 0, 2]])))[0]
    assert_allclose((logits[:, 0] - logits[:, 2]) / 2, [10, 5.5, 50.5], rtol=1e-5)
    read = model.read(np.array([[-1, 0, 2, -1], [-1, -1, -1, -1]]))
    assert_allclose(read, [[50.5], [0]])


def test_no_model_sees_the_future_or_more_than_its_window(model, rng):
    ids = rng.integers(0, V, (B, T))
    logits = np.asarray(model(ids))
    assert logits.shape == (B, T, V)
    seen = getattr(model, "window", 1)
    other = ids.copy()
    other[:, : T - 1 - seen] = (other[:, : T - 1 - seen] + 1) % V  # too old for position T - 2
    other[:, T - 1] = (other[:, T - 1] + 1) % V  # in its future
    assert_allclose(logits[:, T - 2], np.asarray(model(other))[:, T - 2], atol=1e-6)
    other[:, T - 1 - seen] = (other[:, T - 1 - seen] + 1) % V
    assert np.abs(logits - np.asarray(model(other)))[:, T - 2].max() > 1e-3


def test_cbow_forgets_the_order(rng):
    model = CBOW(V, D, window=3)
    model.contexts.assign(rng.normal(size=(V, D)))
    one, other = np.asarray(model(np.array([[0, 1, 2], [2, 0, 1]])))
    assert_allclose(one[-1], other[-1], atol=1e-6)


def test_a_saved_model_comes_back_with_equal_logits(model, rng, tmp_path):
    model.save(tmp_path / "vectors.keras")
    loaded = keras.models.load_model(tmp_path / "vectors.keras")
    assert type(loaded) is type(model)
    ids = rng.integers(0, V, (B, T))
    assert_array_equal(model(ids), loaded(ids))
    for name in ("vocabulary_size", "width", "negatives"):
        assert getattr(loaded, name) == getattr(model, name)


def test_the_loss_equals_the_reference_and_so_do_its_gradients(rng):
    model = SkipGram(V, D, negatives=K)
    model.contexts.assign(rng.normal(size=(V, D)))
    centers, words, noise = rng.integers(0, V, B), rng.integers(0, V, B), rng.integers(0, V, K)
    trainer = NegativeSampling(model)
    with tf.GradientTape() as tape:
        value = trainer((centers, words, noise))
    on_tape = tape.gradient(value, [model.vectors.value, model.contexts.value])

    vectors, contexts, _ = weights(model)
    shared = np.broadcast_to(embedding(noise, contexts), (B, K, D))
    loss, cache = negative_sampling(embedding(centers, vectors), embedding(words, contexts), shared)
    assert_allclose(float(value), loss, rtol=1e-5)
    d_v, d_u, d_noise = negative_sampling_backward(1.0, cache)
    by_hand = [
        embedding_backward(d_v, centers, V),
        embedding_backward(d_u, words, V) + embedding_backward(d_noise.sum(0), noise, V),
    ]
    for hand, tape_gradient in zip(by_hand, on_tape, strict=True):
        assert_allclose(hand, tf.convert_to_tensor(tape_gradient), atol=1e-6)


def test_more_noise_words_weigh_no_more(rng):
    model = SkipGram(V, D, negatives=K)
    model.contexts.assign(rng.normal(size=(V, D)))
    trainer, noise = NegativeSampling(model), rng.integers(0, V, 3)
    centers, words = rng.integers(0, V, B), rng.integers(0, V, B)
    once, thrice = (float(trainer((centers, words, np.tile(noise, n)))) for n in (1, 3))
    assert_allclose(once, thrice, rtol=1e-5)


def test_cbow_is_trained_on_the_mean_of_its_neighbours(rng):
    model = CBOW(V, D, negatives=K)
    model.contexts.assign(rng.normal(size=(V, D)))
    around = np.array([[0, 1, -1], [2, -1, -1]])
    words, noise = np.array([3, 4]), np.array([5, 6])
    vectors, contexts, _ = weights(model)
    means = np.stack([vectors[:2].mean(0), vectors[2]])
    shared = np.broadcast_to(contexts[noise], (2, 2, D))
    expected, _ = negative_sampling(means, contexts[words], shared)
    assert_allclose(float(NegativeSampling(model)((around, words, noise))), expected, rtol=1e-5)


def learned(data, steps=300):
    """Train on all pairs at once; the noise comes without chance, each word as often as it should.

    The counts that make the noise, 1, 1, 16, 16 and 81, are not those of the text: whatever the
    noise is, its logarithm is what the scores lack.
    """
    keras.utils.set_random_seed(0)
    model = SkipGram(5, 8, counts=[1, 1, 16, 16, 81], negatives=K)
    trainer = NegativeSampling(model)
    rate = keras.optimizers.schedules.CosineDecay(0.1, steps)
    trainer.compile(keras.optimizers.Adam(rate), jit_compile=True)
    noise = np.repeat(np.arange(5), [1, 1, 8, 8, 27])
    for _ in range(steps):
        trainer.train_on_batch((*data, noise))
    return model


def test_scores_come_to_rest_at_pmi_and_logits_at_log_probabilities(rng):
    follow = rng.dirichlet(np.ones(5), size=5) * 0.8 + 0.04
    ids = [0]
    for _ in range(500):
        ids.append(rng.choice(5, p=follow[ids[-1]]))
    data = pairs(*neighbourhoods([np.array(ids)], window=2))
    counts = np.bincount(data[0] * 5 + data[1], minlength=25).reshape(5, 5)
    assert counts.min() > 5
    model, p = learned(data), counts / counts.sum(axis=1, keepdims=True)
    scores = model.vectors.numpy() @ model.contexts.numpy().T
    assert_allclose(scores, np.log(p) - np.log(K * np.array([1, 1, 8, 8, 27]) / 45), atol=0.01)
    logits = np.asarray(model(np.arange(5)[None]), np.float64)[0]
    assert_allclose(logits, np.log(p), atol=0.01)
    assert_allclose(np.exp(logits).sum(axis=1), 1, atol=0.01)  # nobody asked for it
    assert np.abs(softmax(scores) - p).max() > 0.1  # without the logarithm of the noise


def test_a_trained_model_is_scored_and_writes_like_any_other(model, rng):
    ids = rng.integers(0, V, 50)
    assert np.isfinite(score(model, ids).nats_per_token)
    text = generate(model, ids[:1], 20, np.random.default_rng(0))
    assert text.shape == (21,) and text.max() < V


def test_noise_is_counts_to_the_power_of_three_quarters():
    q = noise_distribution([1, 16, 81], 3)
    assert_allclose(q, np.array([1, 8, 27]) / 36)


def test_a_frequent_word_is_dropped_as_often_as_the_rule_says(rng):
    ids = rng.choice(3, 200_000, p=[0.9, 0.09, 0.01])
    counts = np.bincount(ids)
    kept = np.bincount(thin_out(ids, counts, 0.01, rng)) / counts
    assert_allclose(kept[:2], np.sqrt(0.01 / np.array([0.9, 0.09])), atol=0.01)
    assert kept[2] > 0.98


def test_neighbours_by_hand_and_none_across_a_border():
    words, around = neighbourhoods([np.array([1, 2, 3]), np.array([4, 5])], window=1)
    assert words.tolist() == [1, 2, 3, 4, 5]
    assert around.tolist() == [[-1, 2], [1, 3], [2, -1], [-1, 5], [4, -1]]
    centers, neighbours = pairs(words, around)
    assert list(zip(centers, neighbours, strict=True)) == [
        (1, 2), (2, 1), (2, 3), (3, 2), (4, 5), (5, 4)
    ]  # fmt: skip


def test_pairs_go_both_ways(rng):
    documents = [rng.integers(0, V, length) for length in (9, 1, 4)]
    centers, neighbours = pairs(*neighbourhoods(documents, window=3))
    table = np.zeros((V, V), int)
    np.add.at(table, (centers, neighbours), 1)
    assert_array_equal(table, table.T)


def test_a_reach_drawn_at_random_counts_near_neighbours_more_often(rng):
    words, all_of_them = neighbourhoods([np.arange(6000) % V], window=3)
    _, around = neighbourhoods([np.arange(6000) % V], window=3, rng=rng)
    kept = (around >= 0).sum(0) / (all_of_them >= 0).sum(0)
    assert_allclose(kept, [1 / 3, 2 / 3, 1, 1, 2 / 3, 1 / 3], atol=0.03)
    assert ((around == all_of_them) | (around == -1)).all()


@pytest.mark.parametrize(
    "call, error, message",
    [
        (lambda: SkipGram(0), ValueError, "`vocabulary_size` must be at least 1. Received: .*=0"),
        (lambda: SkipGram(3, 0), ValueError, "`width` must be at least 1. Received: width=0"),
        (lambda: SkipGram(3, negatives=0), ValueError, "`negatives` must be at least 1"),
        (lambda: CBOW(3, window=0), ValueError, "`window` must be at least 1. Received: window=0"),
        (lambda: SkipGram(3, counts=[1, 2]), ValueError, "must be 3 positive numbers"),
        (lambda: SkipGram(2, counts=[1, 0]), ValueError, "Received: .*smallest=0.0"),
        (lambda: neighbourhoods([np.array([1])], 0), ValueError, "`window` must be at least 1"),
        (lambda: neighbourhoods([], 2), ValueError, "at least one id. Received: none"),
    ],
)
def test_what_makes_no_model_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize(
    "bad, error, message",
    [
        ([[0, 7]], ValueError, "from 0 to V - 1 = 6. Received: ids from 0 to 7"),
        ([[-1, 3]], ValueError, "from 0 to V - 1 = 6. Received: ids from -1 to 3"),
        ([[0.5, 1.0]], TypeError, "`ids` must be integers. Received: dtype=float"),
    ],
)
def test_ids_that_are_no_ids_are_refused(model, bad, error, message):
    with pytest.raises(error, match=message):
        model(np.array(bad))
