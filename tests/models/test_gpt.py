"""GPT keeps the contract, whatever it is made of: causal, saved and loaded, clear in its errors."""

import dataclasses

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.layers.attention import causal_mask
from lmcourse.models.gpt import GPT, GPTConfig
from lmcourse.training.fit import fit

V, T = 11, 12
PLAIN = GPTConfig(vocabulary_size=V, context_length=T, layers=2, width=16, heads=4)
MODERN = dataclasses.replace(
    PLAIN, kv_heads=2, norm="rms", activation="swiglu", positions="rotary", bias=False, tied=False
)
OLD = dataclasses.replace(PLAIN, positions="sinusoidal", post_norm=True, activation="relu")
CONFIGS = pytest.mark.parametrize("config", [PLAIN, MODERN, OLD], ids=["plain", "modern", "old"])


def ids_of(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, V, shape).astype("int32")


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(0)


@pytest.mark.parametrize("positions", ["learned", "sinusoidal", "rotary"])
@given(length=st.integers(2, T), place=st.integers(1, T - 1), kv_heads=st.sampled_from([1, 2, 4]))
@settings(max_examples=12, deadline=None)
def test_changing_a_token_changes_no_earlier_score(positions, length, place, kv_heads):
    place = 1 + place % (length - 1)
    model = GPT(dataclasses.replace(PLAIN, positions=positions, kv_heads=kv_heads))
    model.embedding.tokens.assign(model.embedding.tokens * 50)  # loud enough to be heard
    ids = ids_of(2, length)
    before = model(ids).numpy()
    ids[:, place] = (ids[:, place] + 1) % V
    after = model(ids).numpy()
    assert_array_equal(after[:, :place], before[:, :place])
    assert abs(after[:, place:] - before[:, place:]).max() > 1e-3


@CONFIGS
def test_the_start_of_a_text_scores_like_the_text(config):
    model, ids = GPT(config), ids_of(2, T)
    assert_allclose(model(ids[:, :5]), model(ids)[:, :5], atol=1e-5)


@CONFIGS
def test_a_saved_model_gives_equal_scores(config, tmp_path):
    model, ids = GPT(config), ids_of(2, T)
    model.save(tmp_path / "gpt.keras")
    again = keras.saving.load_model(tmp_path / "gpt.keras")
    assert again.config == config
    assert_array_equal(again(ids), model(ids))


@CONFIGS
def test_it_learns_to_copy(config):
    """`a b c a b c ...` is learned in no time, compiled as `fit` compiles it."""
    model, text = GPT(config), np.arange(T + 1) % 3
    history = fit(
        model, lambda step: (text[None, :-1], text[None, 1:]), steps=200, learning_rate=0.005
    )
    assert history.losses[0] > 2 and history.losses[-1] < 0.1


def test_the_parameters_of_gpt2_are_counted_by_hand():
    V, T, D, L = 50257, 1024, 768, 12
    block = 4 * (D * D + D) + (D * 4 * D + 4 * D) + (4 * D * D + D) + 4 * D
    small = GPTConfig(vocabulary_size=V, context_length=T, layers=1, width=D, heads=12)
    counted = GPT(small).count_params()
    assert counted == V * D + T * D + block + 2 * D
    assert counted + (L - 1) * block == 124_439_808  # the published number


def test_a_quiet_start_predicts_by_the_embedding_alone():
    model = GPT(dataclasses.replace(PLAIN, quiet=True))
    one, other = ids_of(1, 6), ids_of(1, 6, seed=1)
    other[0, -1] = one[0, -1]
    assert_allclose(model(one)[:, -1], model(other)[:, -1], atol=1e-6)  # looks at nothing yet


def test_dropout_acts_in_training_alone():
    model, ids = GPT(dataclasses.replace(PLAIN, dropout=0.5)), ids_of(1, T)
    assert_array_equal(model(ids), model(ids))
    assert abs(model(ids, training=True) - model(ids)).numpy().max() > 1e-4


def test_a_text_longer_than_the_context_is_refused():
    with pytest.raises(ValueError, match="no longer than context_length=12. Received: 13 ids"):
        GPT(PLAIN)(ids_of(1, T + 1))


def test_ids_that_are_none_are_refused():
    with pytest.raises(ValueError, match="`ids` must be from 0 to V - 1 = 10"):
        GPT(PLAIN)(np.array([[0, V]]))
    with pytest.raises(TypeError, match="`ids` must be integers"):
        GPT(PLAIN)(np.array([[0.5]]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(layers=0), "`layers` must be at least 1. Received: layers=0"),
        (dict(positions="random"), "`positions` must be one of learned, sinusoidal, rotary"),
        (dict(norm="batch"), "`norm` must be one of layer, rms. Received: norm='batch'"),
        (
            dict(activation="sine"),
            "`activation` must be one of relu, .* Received: activation='sine'",
        ),
        (dict(hidden=0), "`hidden` must be at least 1. Received: hidden=0"),
    ],
)
def test_an_impossible_configuration_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(PLAIN, **change)


def test_a_text_without_a_batch_is_refused():
    with pytest.raises(ValueError, match=r"the shape \(B, T\). Received: shape \(2,\)"):
        GPT(PLAIN)(np.array([1, 2]))


def test_a_configuration_of_another_model_is_refused():
    with pytest.raises(TypeError, match="`config` must be a GPTConfig. Received: dict"):
        GPT(dataclasses.asdict(PLAIN))


def test_who_looked_at_whom_can_be_asked_of_every_layer():
    model, ids = GPT(PLAIN), np.array([[1, 2, 3, 1]])
    vectors, weights = model.read(ids, return_weights=True)
    assert_allclose(vectors, model.read(ids))
    L, H = PLAIN.layers, PLAIN.heads
    assert weights.shape == (L, 1, H, 4, 4)
    assert_allclose(ops.sum(weights, axis=-1), np.ones((L, 1, H, 4)), rtol=1e-6)
    assert not np.triu(weights, 1).any()  # nobody looks ahead
    first = model.blocks[0]
    x = first.attention_norm(model.embedding(ids))
    _, by_hand = first.attention(x, attention_mask=causal_mask(4), return_weights=True)
    assert_allclose(weights[0], by_hand)
