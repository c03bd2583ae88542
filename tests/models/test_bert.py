"""BERT sees both sides, passes over padding, and is saved and loaded."""

import dataclasses

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.models.bert import BERT, BERTConfig

V, T = 11, 8
CONFIG = BERTConfig(vocabulary_size=V, context_length=T, layers=2, width=16, heads=4, pad_id=0)


@pytest.fixture
def model():
    keras.utils.set_random_seed(0)
    model = BERT(CONFIG)
    model.embedding.tokens.assign(model.embedding.tokens * 50)
    return model


def test_a_token_is_scored_by_both_sides(model):
    ids = np.array([[3, 4, 5, 6]])
    before = model(ids).numpy()
    ids[0, 3] = 7
    assert abs(model(ids).numpy() - before)[0, 0].max() > 1e-3  # the future counts
    ids = np.array([[8, 4, 5, 6]])
    assert abs(model(ids).numpy() - before)[0, 3].max() > 1e-3  # the past counts


def test_padding_changes_no_score(model):
    text, padded = np.array([[3, 4, 5]]), np.array([[3, 4, 5, 0, 0]])
    assert_allclose(model(padded)[:, :3], model(text), atol=1e-5)


def test_without_a_pad_id_every_token_counts():
    keras.utils.set_random_seed(0)
    model = BERT(dataclasses.replace(CONFIG, pad_id=None))
    model.embedding.tokens.assign(model.embedding.tokens * 50)
    short, long = model(np.array([[3, 4]])).numpy(), model(np.array([[3, 4, 0]])).numpy()
    assert abs(long[:, :2] - short).max() > 1e-3


def test_segments_tell_the_parts_of_a_text_apart(model):
    ids = np.array([[3, 4, 5, 6]])
    assert_array_equal(model(ids), model(ids, segments=np.zeros_like(ids)))
    split = model(ids, segments=np.array([[0, 0, 1, 1]]))
    assert abs(split.numpy() - model(ids).numpy()).max() > 1e-4


@pytest.mark.parametrize("change", [{}, dict(post_norm=False, norm="rms", activation="gelu")])
def test_a_saved_model_gives_equal_scores(change, tmp_path):
    model = BERT(dataclasses.replace(CONFIG, **change))
    ids = np.array([[3, 4, 5, 0]])
    model.save(tmp_path / "bert.keras")
    again = keras.saving.load_model(tmp_path / "bert.keras")
    assert again.config == model.config
    assert_array_equal(again(ids), model(ids))


def test_the_parameters_of_bert_base_are_counted_by_hand():
    V, T, D, F = 30522, 512, 768, 3072
    config = BERTConfig(vocabulary_size=V, context_length=T, layers=1, width=D, heads=12, hidden=F)
    encoder = (V + T + 2) * D + 2 * D + 4 * (D * D + D) + (D * F + F) + (F * D + D) + 4 * D
    head = (D * D + D) + 2 * D + V
    assert BERT(config).count_params() == encoder + head


def test_a_text_longer_than_the_context_is_refused(model):
    with pytest.raises(ValueError, match="no longer than context_length=8. Received: 9 ids"):
        model(np.ones((1, 9), "int32"))


def test_impossible_arguments_are_refused(model):
    with pytest.raises(ValueError, match="`ids` must be from 0 to V - 1 = 10"):
        model(np.array([[V]]))
    with pytest.raises(ValueError, match="`segments` must be at least 1. Received: segments=0"):
        dataclasses.replace(CONFIG, segments=0)


def test_segments_that_fit_no_token_or_no_part_are_refused(model):
    ids = np.array([[3, 4, 5]])
    with pytest.raises(ValueError, match=r"the shape of the ids, \(1, 3\). Received: shape \(1, 2"):
        model(ids, segments=np.array([[0, 1]]))
    with pytest.raises(ValueError, match="from 0 to 1. Received: segments from 0 to 2"):
        model(ids, segments=np.array([[0, 1, 2]]))


def test_a_reader_of_both_sides_looks_ahead_and_never_at_padding(model):
    ids = np.array([[3, 4, 5, CONFIG.pad_id]])
    _, weights = model.read(ids, return_weights=True)
    assert weights.shape == (CONFIG.layers, 1, CONFIG.heads, 4, 4)
    assert (weights.numpy()[..., :3] > 0).all() and not weights.numpy()[..., 3].any()
