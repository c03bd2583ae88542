import keras
import numpy as np
import pytest
import regex
import tensorflow as tf
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.evaluation.probability import score
from lmcourse.generation.sampling import generate, sample
from lmcourse.models import charlstm
from lmcourse.models.charlstm import CharLSTM, WeightedAverage, frequent_words, from_cudnn, load
from lmcourse.reference.lstm import lstm
from lmcourse.reference.softmax import softmax

V, D, U = 7, 3, 4

# Keras reads TensorFlow's tensors with a call that NumPy 2 deprecates.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")

TEXT = "\nWhat is the most interesting thing that you have ever done in your life?\n"


@pytest.fixture(scope="module")
def published():
    return load()


@pytest.fixture
def small():
    keras.utils.set_random_seed(0)
    model = CharLSTM(V, width=D, units=U)
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(size=weight.shape))
    return model


def bits_per_character(model, tokenizer):
    return score(model, tokenizer.encode(TEXT), context_length=len(TEXT)).bits_per_token


def in_numpy(model, windows):
    """The published model on the yardstick of the course: (B, 40) -> (B, V)."""
    embedding, *lower, attention, kernel, bias = (
        w.numpy().astype(float)
        for w in [
            *model.embedding.weights,
            *model.lower.weights,
            *model.upper.weights,
            *model.average.weights,
            *model.head.weights,
        ]
    )
    zero, x = np.zeros((len(windows), lower[1].shape[0])), embedding[windows]
    one, _, _ = lstm(x, (zero, zero), *lower[:3])
    two, _, _ = lstm(one, (zero, zero), *lower[3:])
    every = np.concatenate([x, one, two], axis=-1)
    return (every * softmax(every @ attention, axis=1)).sum(axis=1) @ kernel + bias


def test_a_block_that_lies_transposed_is_turned_and_two_biases_are_added():
    D, U = 2, 1
    kernel, recurrent, bias = np.arange(8.0).reshape(D, 4), np.arange(4.0)[None], np.arange(8.0)
    turned, again, total = from_cudnn(kernel, recurrent, bias)
    assert_array_equal(turned, kernel)  # one unit: nothing to turn
    assert_array_equal(again, recurrent)
    assert_array_equal(total, [4, 6, 8, 10])
    D, U = 3, 2
    blocks = np.arange(4 * D * U).reshape(4, U, D)  # as cuDNN wants them: (U, D) each
    stored = np.hstack([block.reshape(D, U) for block in blocks])  # as the file calls them
    turned = from_cudnn(stored, np.zeros((U, 4 * U)), np.zeros(8 * U))[0]
    assert_array_equal(turned, np.hstack([block.T for block in blocks]))


def test_weights_of_other_shapes_are_refused():
    message = r"must have the shapes \(D, 4U\), \(U, 4U\), \(8U,\). Received: .* \(4,\)"
    with pytest.raises(ValueError, match=message):
        from_cudnn(np.zeros((2, 4)), np.zeros((1, 4)), np.zeros(4))


def test_vectors_with_a_high_score_count_more():
    layer = WeightedAverage()
    layer.build((1, 3, 2))
    layer.set_weights([np.log([[2.0], [1.0]])])
    x = np.array([[[0.0, 5.0], [1.0, 6.0], [2.0, 7.0]]])  # weights 1 : 2 : 4
    assert_allclose(layer(x), [[(2 + 8) / 7, (5 + 12 + 28) / 7]], rtol=1e-6)


def test_the_model_equals_the_numpy_yardstick(small):
    windows = np.random.default_rng(1).integers(0, V, (5, 40))
    assert_allclose(small.window(windows), in_numpy(small, windows), atol=1e-5)


def test_every_position_is_predicted_from_the_window_that_ends_there(small):
    ids = np.random.default_rng(1).integers(0, V, (2, 45))
    logits = np.asarray(small(ids))
    assert logits.shape == (2, 45, V)
    assert_allclose(logits[:, 44], small.window(ids[:, 5:]), atol=1e-6)
    first = np.concatenate([np.zeros((2, 39), int), ids[:, :1]], axis=1)
    assert_allclose(logits[:, 0], small.window(first), atol=1e-6)
    assert_allclose(logits[:, :7], small(ids[:, :7]), atol=1e-6)


def test_a_saved_model_comes_back_with_equal_logits(small, tmp_path):
    small.save(tmp_path / "charlstm.keras")
    loaded = keras.models.load_model(tmp_path / "charlstm.keras")
    ids = np.random.default_rng(1).integers(0, V, (2, 5))
    assert_array_equal(small(ids), loaded(ids))


def test_ids_out_of_range_are_refused(small):
    with pytest.raises(ValueError, match="from 0 to V - 1 = 6"):
        small(np.array([[7]]))
    with pytest.raises(TypeError, match="`ids` must be integers"):
        small(np.array([[1.0]]))


def test_the_published_weights_run_in_the_lstm_of_keras(published):
    model, tokenizer = published
    ids = tokenizer.encode(TEXT)[None, :40]
    x = model.embedding(ids)
    for ours in (model.lower, model.upper):
        theirs = keras.layers.LSTM(128, return_sequences=True)
        theirs.build(x.shape)
        theirs.set_weights(ours.get_weights())
        outputs, _ = ours(x)
        assert_allclose(outputs, theirs(x), atol=1e-5)
        x = outputs


def test_the_published_model_reads_english_and_no_other_layout_does(published, monkeypatch):
    assert bits_per_character(*published) < 1.5
    layouts = {
        "blocks as they lie": lambda k, r, b: [k, r, b.reshape(2, -1).sum(axis=0)],
        "first bias alone": lambda k, r, b: [*from_cudnn(k, r, b)[:2], b[:512]],
        "second bias alone": lambda k, r, b: [*from_cudnn(k, r, b)[:2], b[512:]],
        "gates i, f, o, g": lambda k, r, b: [
            np.concatenate([np.split(w, 4, axis=-1)[gate] for gate in (0, 1, 3, 2)], axis=-1)
            for w in from_cudnn(k, r, b)
        ],
    }
    for name, layout in layouts.items():
        monkeypatch.setattr(charlstm, "from_cudnn", layout)
        assert bits_per_character(*load()) > 3, name


def test_characters_come_in_and_go_out(published):
    model, tokenizer = published
    assert tokenizer.vocabulary_size == model.vocabulary_size == 465
    assert tokenizer.decode(tokenizer.encode(TEXT)) == TEXT
    assert tokenizer.encode("京").tolist() == [0]


def test_it_writes_english(published):
    model, tokenizer = published
    step, rng = tf.function(model.window), np.random.default_rng(0)
    texts = np.zeros((60, 40), np.int32)
    texts[:, -1] = tokenizer.encode("\n")
    for _ in range(80):
        logits = step(tf.constant(texts[:, -40:])).numpy()
        following = [sample(row, rng, temperature=0.5) for row in logits]
        texts = np.concatenate([texts, np.array(following, np.int32)[:, None]], axis=1)
    words = [w for row in texts for w in words_of(tokenizer.decode(row[40:]))]
    known = frequent_words(50_000)
    assert len(words) >= 500
    assert np.mean([word in known for word in words[:500]]) > 0.8


def words_of(text):
    words = regex.findall(r"\p{L}+(?:'\p{L}+)?", text.lower().replace("’", "'"))
    return words[:-1]  # the last one may be cut off


def test_it_writes_like_any_other_model(small):
    text = generate(small, np.array([1, 2]), 5, np.random.default_rng(0), context_length=40)
    assert text.shape == (7,) and text.max() < V


def test_frequent_words_come_in_order():
    assert frequent_words(3) == {"the", "to", "and"}
    assert len(frequent_words(50_000)) == 50_000
    assert frequent_words(100) < frequent_words(1000)
