"""The measures of surprise, and the one scorer of every model."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lmcourse.evaluation import probability
from lmcourse.evaluation.probability import (
    Score,
    bits_to_nats,
    cross_entropy,
    entropy,
    kl_divergence,
    logits_of,
    nats_to_bits,
    perplexity,
    score,
    surprise,
    token_nats,
)

distributions = st.lists(st.floats(0.01, 1), min_size=3, max_size=3).map(
    lambda weights: np.array(weights) / sum(weights)
)


class Bigram:
    """A table (V, V) of log-probabilities that notes the shapes it was called with."""

    def __init__(self, V, seed=0):
        p = np.random.default_rng(seed).dirichlet(np.ones(V), size=V)
        self.logs, self.shapes = np.log(p), []

    def __call__(self, ids):
        self.shapes.append(ids.shape)
        return self.logs[ids] + 7.0  # unnormalised: a constant must not matter


class Position:
    """Predicts by how many tokens it has seen, so that a score tells which windows were read."""

    def __call__(self, ids):
        B, T = ids.shape
        nats = np.arange(1, T + 1) / 100  # after t tokens the right token 0 costs t / 100 nats
        p = np.exp(-nats)
        return np.broadcast_to(np.log(np.stack([p, 1 - p], axis=-1)), (B, T, 2))


def test_entropy_of_three_events_by_hand():
    assert entropy([0.5, 0.25, 0.25]) == 1.5
    assert_allclose(entropy([[1, 0], [0.5, 0.5]]), [0, 1])


def test_cross_entropy_and_divergence_by_hand():
    p, q = [0.5, 0.5], [0.25, 0.75]
    by_hand = 0.5 * 2 + 0.5 * math.log2(4 / 3)
    assert_allclose(cross_entropy(p, q), by_hand)
    assert_allclose(kl_divergence(p, q), by_hand - 1)


def test_what_never_happens_never_surprises():
    assert cross_entropy([1, 0], [1, 0]) == 0
    assert cross_entropy([0, 1], [1, 0]) == np.inf
    assert kl_divergence([0, 1], [1, 0]) == np.inf


@given(distributions, distributions)
def test_divergence_is_never_negative_and_zero_only_for_equals(p, q):
    assert kl_divergence(p, q) >= 0
    assert_allclose(kl_divergence(p, p), 0, atol=1e-12)
    assert_allclose(cross_entropy(p, q), entropy(p) + kl_divergence(p, q))
    if np.abs(p - q).max() > 1e-3:
        assert kl_divergence(p, q) > 0


@given(st.floats(0, 500))
def test_bits_nats_and_perplexity_convert_back_and_forth(nats):
    assert_allclose(bits_to_nats(nats_to_bits(nats)), nats, atol=1e-12)
    assert_allclose(2.0 ** nats_to_bits(nats), perplexity(nats))


def test_infinite_nats_make_an_infinite_perplexity_without_a_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert perplexity(np.inf) == np.inf
        assert perplexity(1000) == np.inf


@pytest.mark.parametrize("p", [[0.5, 0.6], [1.5, -0.5], [np.nan, 1]])
def test_what_is_not_a_distribution_is_refused(p):
    with pytest.raises(ValueError, match="`p` must be at least 0 and sum to 1. Received: "):
        entropy(p)
    with pytest.raises(ValueError, match="`q` must be at least 0 and sum to 1. Received: "):
        cross_entropy([0.5, 0.5], p)


def test_wrong_arguments_of_the_measures_are_named():
    with pytest.raises(ValueError, match="between 0 and 1. Received: p=1.5"):
        surprise(1.5)
    with pytest.raises(ValueError, match=r"share their last axis. Received: shapes \(2,\) and"):
        cross_entropy([0.5, 0.5], [0.5, 0.25, 0.25])


def test_a_score_by_hand():
    by_hand = Score(tokens=2, nats=math.log(2) + math.log(8))
    assert_allclose(by_hand.nats_per_token, math.log(4))
    assert_allclose(by_hand.bits_per_token, 2)
    assert_allclose(by_hand.perplexity, 4)
    assert_allclose(by_hand.bits_per_character(8), 0.5)
    with pytest.raises(ValueError, match="`characters` must be at least 1. Received: characters=0"):
        by_hand.bits_per_character(0)


def test_every_token_but_the_first_is_predicted_exactly_once():
    model = Bigram(5)
    ids = np.random.default_rng(1).integers(0, 5, size=97)
    by_hand = -model.logs[ids[:-1], ids[1:]].sum()
    for context_length in (1, 2, 3, 8, 95, 96, 97, 256):
        result = score(model, ids, context_length)
        assert result.tokens == 96
        assert_allclose(result.nats, by_hand, err_msg=f"context_length={context_length}")


def test_later_predictions_see_at_least_half_a_context():
    # 9 predictions, context 4: windows start at 0, 2, 4 and 5; each count is of tokens seen.
    seen = [1, 2, 3, 4, 3, 4, 3, 4, 4]
    assert_allclose(score(Position(), np.zeros(10, dtype=int), 4).nats, sum(seen) / 100)


@given(st.integers(1, 80), st.integers(1, 20))
def test_windows_tile_the_predictions(predictions, context_length):
    length = min(predictions, context_length)
    found = []
    for start, skip in probability._windows(predictions, length):
        assert 0 <= start <= predictions - length
        assert start == 0 or skip + 1 > length // 2
        found += range(start + skip, start + length)
    assert found == list(range(predictions))


def test_no_window_is_longer_than_the_context_and_batches_stay_small(monkeypatch):
    monkeypatch.setattr(probability, "MOST_LOGITS", 5 * 8 * 3)
    model = Bigram(5)
    ids = np.random.default_rng(1).integers(0, 5, size=200)
    limited = score(model, ids, 8).nats
    assert max(B for B, _ in model.shapes) == 3
    assert max(T for _, T in model.shapes) == 8
    monkeypatch.undo()
    assert_allclose(score(model, ids, 8).nats, limited)


def test_an_impossible_token_costs_infinite_nats_without_a_warning():
    def model(ids):
        return np.broadcast_to([0.0, -np.inf], (*ids.shape, 2))

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert score(model, [0, 0, 0]).nats == 0
        assert score(model, [0, 1, 0]).perplexity == np.inf


def test_single_precision_logits_are_summed_in_double_precision():
    model = Bigram(5)
    ids = np.random.default_rng(1).integers(0, 5, size=5000)
    single = score(lambda ids: model(ids).astype(np.float32), ids)
    assert_allclose(single.nats, score(model, ids).nats, rtol=1e-6)


def test_large_logits_do_not_overflow():
    assert_allclose(token_nats(np.array([[1000.0, 0.0]]), [1]), [1000])


def test_too_few_or_wrong_ids_are_named():
    model = Bigram(5)
    with pytest.raises(ValueError, match="at least 2 ids .* Received: 1 ids"):
        score(model, [3])
    with pytest.raises(ValueError, match="below the vocabulary size 5. Received: id 5"):
        score(model, [3, 5, 1])
    with pytest.raises(ValueError, match="ids must be at least 0. Received: id -1"):
        score(model, [3, -1])
    with pytest.raises(ValueError, match=r"whole numbers on one axis. Received: float64 of .*\(2,"):
        score(model, [0.0, 1.0])
    with pytest.raises(ValueError, match=r"on one axis. Received: int64 of shape \(1, 2\)"):
        score(model, [[0, 1]])
    with pytest.raises(ValueError, match="`context_length` must be at least 1. Received: context"):
        score(model, [0, 1], context_length=0)


def test_a_model_that_breaks_the_contract_is_named():
    with pytest.raises(ValueError, match=r"logits \(B, T, V\). Received: logits of shape \(1, 4\)"):
        score(lambda ids: np.zeros((1, 4)), [0, 1, 2])
    with pytest.raises(ValueError, match=r"shape \(2, 1, 4\) for ids of shape \(2, 3\)"):
        logits_of(lambda ids: np.zeros((2, 1, 4)), np.zeros((2, 3), dtype=int))
    with pytest.raises(ValueError, match="must be a finite number. Received: largest=nan"):
        score(lambda ids: np.full((*ids.shape, 3), np.nan), [0, 1, 2])
