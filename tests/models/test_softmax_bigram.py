import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.evaluation.probability import score
from lmcourse.generation.sampling import generate
from lmcourse.models.ngram import MaximumLikelihood
from lmcourse.models.softmax_bigram import SoftmaxBigram
from lmcourse.reference.softmax import cross_entropy, cross_entropy_gradient, softmax
from lmcourse.text.corpora import shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer

B, T, V, D = 2, 4, 7, 3


@pytest.fixture(params=[None, D], ids=["table", "product"])
def model(request):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    model = SoftmaxBigram(V, request.param)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    return model


@pytest.fixture
def ids():
    return np.random.default_rng(1).integers(0, V, (B, T))


def fit_to_counts(counts, steps=300):
    """Full batch: one example per context, its target the counted row, its weight its share."""
    size, totals = len(counts), counts.sum(1)
    model = SoftmaxBigram(size)
    rate = keras.optimizers.schedules.PolynomialDecay(1.0, steps)
    model.compile(
        keras.optimizers.Adam(rate), keras.losses.CategoricalCrossentropy(from_logits=True)
    )
    rows = counts / np.maximum(totals, 1)[:, None]
    weight = size * totals / totals.sum()
    for _ in range(steps):
        model.train_on_batch(np.arange(size)[:, None], rows[:, None], weight[:, None])
    return model


def test_the_score_of_a_pair_is_its_cell_plus_the_bias_of_the_word():
    model = SoftmaxBigram(3)
    model.table.assign([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]])
    model.bias.assign([0.1, 0.2, 0.3])
    expected = [[[7.1, 8.2, 9.3], [1.1, 2.2, 3.3]]]
    assert_allclose(model(np.array([[2, 0]])), expected, rtol=1e-6)


def test_the_energy_of_a_pair_is_a_scalar_product_plus_the_bias_of_the_word():
    model = SoftmaxBigram(2, width=2)
    model.contexts.assign([[1.0, 2.0], [0.0, -1.0]])
    model.words.assign([[3.0, 1.0], [2.0, 5.0]])
    model.bias.assign([0.5, -0.5])
    # h0.e0 = 5, h0.e1 = 12; h1.e0 = -1, h1.e1 = -5
    assert_allclose(model(np.array([[0], [1]])), [[[5.5, 11.5]], [[-0.5, -5.5]]])


def test_a_table_of_zeros_gives_every_token_the_same_chance():
    assert_allclose(softmax(np.asarray(SoftmaxBigram(V)(np.zeros((B, T), int)))), 1 / V)


def test_only_the_last_token_matters(model, ids):
    logits = np.asarray(model(ids))
    assert logits.shape == (B, T, V)
    other = ids.copy()
    other[:, :-1] = (other[:, :-1] + 1) % V
    assert_array_equal(logits[:, -1], np.asarray(model(other))[:, -1])
    assert_array_equal(logits[0, 0], np.asarray(model(ids[:1, :1]))[0, 0])


def test_the_gradient_of_a_row_is_p_minus_y(ids):
    model = SoftmaxBigram(V)
    model.table.assign(np.random.default_rng(2).normal(size=(V, V)))
    targets = np.random.default_rng(3).integers(0, V, (B, T))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    with tf.GradientTape() as tape:
        value = loss(targets, model(ids))
    table, bias = tape.gradient(value, [model.table.value, model.bias.value])
    logits = np.asarray(model(ids), np.float64)
    assert_allclose(float(value), cross_entropy(logits, targets), rtol=1e-6)
    expected = np.zeros((V, V))
    np.add.at(expected, ids, cross_entropy_gradient(logits, targets))
    assert_allclose(tf.convert_to_tensor(table), expected, atol=1e-7)
    assert_allclose(bias, expected.sum(0), atol=1e-7)


def test_a_saved_model_comes_back_with_equal_logits(model, ids, tmp_path):
    model.save(tmp_path / "bigram.keras")
    loaded = keras.models.load_model(tmp_path / "bigram.keras")
    assert isinstance(loaded, SoftmaxBigram)
    assert_array_equal(model(ids), loaded(ids))


def test_a_configuration_makes_the_same_model_again(model):
    again = SoftmaxBigram.from_config(model.get_config())
    assert (again.vocabulary_size, again.width) == (V, model.width)
    assert [w.shape for w in again.weights] == [w.shape for w in model.weights]


def test_parameters_are_a_table_and_a_bias_per_word():
    assert SoftmaxBigram(V).count_params() == V * V + V
    assert SoftmaxBigram(V, D).count_params() == 2 * V * D + V


def test_the_model_is_scored_and_writes_like_any_other(model):
    ids = np.random.default_rng(4).integers(0, V, 50)
    logits = np.asarray(model(ids[None, :-1]), np.float64)
    assert_allclose(score(model, ids).nats_per_token, cross_entropy(logits[0], ids[1:]), rtol=1e-6)
    text = generate(model, ids[:1], 20, np.random.default_rng(0))
    assert text.shape == (21,) and text.max() < V


def test_trained_on_counts_it_converges_to_them_where_pairs_are_frequent():
    rng = np.random.default_rng(0)
    counts = rng.multinomial(20_000, rng.dirichlet(np.full(V * V, 0.3))).reshape(V, V)
    learned = softmax(np.asarray(fit_to_counts(counts)(np.arange(V)[:, None]))[:, 0])
    frequent = counts > 50
    assert frequent.sum() > V
    error = np.abs(learned - counts / counts.sum(1, keepdims=True))[frequent]
    assert error.max() < 1e-3


def test_on_real_text_it_converges_to_the_counted_bigram():
    text = shakespeare().text("train")
    tokenizer = CharacterTokenizer.train(text)
    ids, size = tokenizer.encode(text), tokenizer.vocabulary_size
    every = np.arange(size)[:, None]
    counts = np.bincount(ids[:-1] * size + ids[1:], minlength=size**2).reshape(size, size)
    counted = np.exp(MaximumLikelihood.train(ids, 2, size)(every)[:, 0])
    learned = softmax(np.asarray(fit_to_counts(counts)(every), np.float64)[:, 0])
    assert (counts > 50).sum() > 1000
    assert np.abs(learned - counted)[counts > 50].max() < 1e-3


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


def test_a_vocabulary_or_a_width_below_one_is_refused():
    with pytest.raises(ValueError, match="`vocabulary_size` must be at least 1. Received: .*=0"):
        SoftmaxBigram(0)
    with pytest.raises(ValueError, match="`width` must be at least 1. Received: width=0"):
        SoftmaxBigram(3, width=0)
