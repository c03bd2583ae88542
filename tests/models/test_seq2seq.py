"""Both translators keep the contract: source and target in one row, nobody looks ahead."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.generation.sampling import generate
from lmcourse.models.seq2seq import (
    EncoderDecoder,
    EncoderDecoderConfig,
    RecurrentEncoderDecoder,
)
from lmcourse.training.fit import fit

V, S, T = 12, 5, 6
CONFIG = EncoderDecoderConfig(
    vocabulary_size=V, source_length=S, target_length=T, layers=2, width=16, heads=4
)
MAKERS = {
    "transformer": lambda: EncoderDecoder(CONFIG),
    "recurrent": lambda: RecurrentEncoderDecoder(V, S, width=16, units=32),
}


@pytest.fixture(params=MAKERS)
def model(request):
    keras.utils.set_random_seed(0)
    model = MAKERS[request.param]()
    if request.param == "transformer":
        model.embedding.tokens.assign(model.embedding.tokens * 20)  # loud enough to be heard
    return model


def rows(count=2, seed=0):
    ids = np.random.default_rng(seed).integers(1, V, (count, S + T)).astype("int32")
    ids[:, S - 1] = 0  # the source has a place to spare
    return ids


def test_a_later_token_changes_no_earlier_score(model):
    ids = rows()
    before = model(ids).numpy()
    ids[:, S + 3] = ids[:, S + 3] % (V - 1) + 1
    after = model(ids).numpy()
    assert_array_equal(after[:, : S + 3], before[:, : S + 3])
    assert abs(after[:, S + 3] - before[:, S + 3]).max() > 1e-3


def test_every_token_of_the_source_counts_for_every_score(model):
    ids = rows()
    before = model(ids).numpy()
    for place in range(S - 1):
        other = ids.copy()
        other[:, place] = other[:, place] % (V - 1) + 1
        assert (abs(model(other).numpy() - before)[:, S:].max(axis=(0, 2)) > 1e-4).all()


def test_scores_of_the_source_are_zeros(model):
    assert_array_equal(model(rows())[:, :S], np.zeros((2, S, V)))


@pytest.mark.parametrize("maker", MAKERS)
def test_padding_of_the_source_changes_no_score(maker):
    """The same weights with two more places of padding give the same scores."""
    keras.utils.set_random_seed(0)
    short = MAKERS[maker]()
    if maker == "transformer":
        more = EncoderDecoderConfig(
            **(vars(CONFIG) | {"source_length": S + 2, "target_length": T + 1})
        )
        long = EncoderDecoder(more)
    else:
        long = RecurrentEncoderDecoder(V, S + 2, width=16, units=32)
    long.set_weights(short.get_weights())
    ids = rows()
    padded = np.concatenate([ids[:, :S], np.zeros((2, 2), "int32"), ids[:, S:]], axis=1)
    assert_allclose(long(padded)[:, S + 2 :], short(ids)[:, S:], atol=1e-5)


def test_a_saved_model_gives_equal_scores(model, tmp_path):
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert_array_equal(again(rows()), model(rows()))


def test_it_learns_to_reverse_and_writes_what_it_learned(model):
    """Three symbols are written backwards; `generate` sees the source as a prompt."""

    def batch(step):
        dice = np.random.default_rng(step)
        words = dice.integers(2, 6, (32, 3))
        ids = np.zeros((32, S + 4), "int64")
        ids[:, :3], ids[:, S], ids[:, S + 1 :] = words, 1, words[:, ::-1]
        weights = np.zeros((32, S + 3))
        weights[:, S:] = 1
        return ids[:, :-1], ids[:, 1:], weights

    history = fit(model, batch, steps=300, learning_rate=5e-3)
    assert history.losses[-1] < 0.1
    prompt = [3, 5, 2, 0, 0, 1]
    written = generate(model, np.array(prompt), 3, np.random.default_rng(0), S + T, temperature=0)
    assert list(written)[-3:] == [2, 5, 3]


def test_a_row_that_ends_within_the_source_is_refused(model):
    with pytest.raises(ValueError, match="source_length=5 places and a target. Received: 5 ids"):
        model(rows()[:, :S])


def test_a_target_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match="no longer than context_length=6. Received: 7 ids"):
        EncoderDecoder(CONFIG)(np.ones((1, S + 7), "int32"))


def test_impossible_sizes_are_refused():
    with pytest.raises(ValueError, match="`layers` must be at least 1. Received: layers=0"):
        EncoderDecoderConfig(**(vars(CONFIG) | {"layers": 0}))
    with pytest.raises(ValueError, match="`units` must be at least 1. Received: units=0"):
        RecurrentEncoderDecoder(V, S, units=0)


def test_what_the_target_looked_at_can_be_asked_of_every_layer():
    keras.utils.set_random_seed(0)
    model, ids = EncoderDecoder(CONFIG), rows()
    source, target = ids[:, :S], ids[:, S:]
    memory = model.encode(source)
    logits, weights = model.decode(target, memory, source, return_weights=True)
    assert_allclose(logits, model.decode(target, memory, source))
    assert weights.shape == (CONFIG.layers, 2, CONFIG.heads, T, S)
    assert (weights.numpy()[..., :-1] > 0).all()
    assert not weights.numpy()[..., -1].any()  # the source ends in padding
