"""Sources whose entropy rate is exact: by brute force, on long samples, and as a scored model."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lmcourse.evaluation.probability import score
from lmcourse.generation.sampling import generate
from lmcourse.text.grammar import Agreement, Brackets, Copy, Markov
from lmcourse.text.sources import Source

WEATHER = [[0.75, 0.25], [0.5, 0.5]]
SOURCES = {
    "weather": Markov(WEATHER),
    "markov-1": Markov.random(1, 5, np.random.default_rng(1)),
    "markov-3": Markov.random(3, 4, np.random.default_rng(2), concentration=0.2),
    "cycle": Markov([[0, 1, 0], [0, 0, 1], [0.5, 0.5, 0]]),
    "brackets-4": Brackets(kinds=3, opening=0.6, depth=4),
    "brackets": Brackets(kinds=2, opening=0.4, depth=None),
    "agreement": Agreement(shortest=2, longest=5, subjects=3, fillers=2),
    "agreement-7": Agreement(shortest=7, longest=7, subjects=2, fillers=4),
    "copy": Copy(shortest=1, longest=4, letters=3),
    "copy-5": Copy(shortest=5, longest=5, letters=2),
}
every_source = pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)


def block_entropies(source, longest):
    """H_0 ... H_longest in bits: every text that the source can write, walked as a tree."""
    totals = np.zeros(longest + 1)
    stack = [((), 1.0)]
    while stack:
        text, p = stack.pop()
        totals[len(text)] -= p * math.log2(p)
        if len(text) < longest:
            following = source.probabilities(np.array(text, dtype=int))[-1]
            stack += [((*text, s), p * q) for s, q in enumerate(following) if q > 0]
    return totals


@pytest.mark.parametrize(
    ("source", "length", "period", "tolerance"),
    [
        (Markov(WEATHER), 6, 1, 1e-12),
        (Markov.random(2, 3, np.random.default_rng(0)), 6, 1, 1e-12),
        (SOURCES["cycle"], 8, 1, 1e-12),
        (Brackets(kinds=2, opening=0.3, depth=1), 8, 2, 1e-12),
        (Brackets(kinds=2, opening=0.3, depth=2), 14, 2, 1e-12),
        (Brackets(kinds=1, opening=0.3, depth=3), 18, 2, 1e-5),
        (Agreement(shortest=1, longest=1, subjects=2, fillers=2), 9, 3, 1e-12),
        (Agreement(shortest=0, longest=1, subjects=2, fillers=1), 16, 1, 4e-3),
        (Copy(shortest=2, longest=2, letters=2), 12, 6, 1e-12),
        (Copy(shortest=1, longest=1, letters=3), 8, 4, 1e-12),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Source) else str(value),
)
def test_the_entropy_rate_is_the_growth_of_the_block_entropy(source, length, period, tolerance):
    H = block_entropies(source, length)
    assert_allclose(source.entropy_rate, (H[-1] - H[-1 - period]) / period, atol=tolerance)


@every_source
def test_the_cross_entropy_of_a_long_sample_converges_to_the_entropy_rate(source):
    lengths, repeats = (1_000, 16_000), 25
    spread = []
    for length in lengths:
        means = np.array(
            [
                -source.log2_probabilities(source.sample(length, np.random.default_rng(s))).mean()
                for s in range(repeats)
            ]
        )
        error = np.sqrt(((means - source.entropy_rate) ** 2).mean())
        spread.append(error)
        # a text starts at a known state, so its mean may also be off by a share of 1 / length
        standard_error = means.std(ddof=1) / np.sqrt(repeats)
        assert abs(means.mean() - source.entropy_rate) < 5 * standard_error + 10 / length
    ratio = np.sqrt(
        lengths[1] / lengths[0]
    )  # 4 for errors like 1 / sqrt(length), more for 1 / length
    assert spread[0] / spread[1] > ratio / 2


@every_source
def test_every_prediction_sums_to_one(source):
    ids = source.sample(500, np.random.default_rng(0))
    p = source.probabilities(ids)
    assert p.shape == (501, source.vocabulary_size)
    assert (p >= 0).all()
    assert_allclose(p.sum(axis=-1), 1)


@every_source
def test_samples_follow_the_probabilities(source):
    ids = source.sample(20_000, np.random.default_rng(5))
    p = source.probabilities(ids)[:-1]
    counts, expected = np.bincount(ids, minlength=source.vocabulary_size), p.sum(axis=0)
    # the difference is a sum of steps of mean 0, each with variance p (1 - p)
    deviation = np.sqrt((p * (1 - p)).sum(axis=0))
    assert (np.abs(counts - expected) <= 5 * deviation + 1e-6).all()


@every_source
def test_the_source_keeps_the_contract_and_has_no_excess_bits(source):
    ids = source.sample(3_000, np.random.default_rng(0))
    result = score(source, ids, context_length=len(ids))
    assert_allclose(result.bits_per_token, -source.log2_probabilities(ids)[1:].mean())
    batch = ids[:20].reshape(1, 20)
    assert source(batch).shape == (1, 20, source.vocabulary_size)
    assert_allclose(np.exp(source(batch)[0]), source.probabilities(batch[0])[1:])


@every_source
def test_text_written_through_the_contract_is_text_of_the_language(source):
    start = source.sample(1, np.random.default_rng(0))
    text = generate(source, start, 60, np.random.default_rng(1))
    assert np.isfinite(source.log2_probabilities(text)).all()


@every_source
def test_one_seed_gives_one_sample_and_a_longer_one_begins_the_same(source):
    short, long = (source.sample(n, np.random.default_rng(3)) for n in (50, 80))
    assert (long[:50] == short).all()
    assert source.sample(0, np.random.default_rng(3)).shape == (0,)


def test_the_weather_by_hand():
    weather = Markov(WEATHER, ["s", "r"])
    assert_allclose(weather.stationary, [2 / 3, 1 / 3])
    rows = 0.75 * math.log2(4 / 3) + 0.25 * 2, 1.0
    assert_allclose(weather.entropy_rate, 2 / 3 * rows[0] + 1 / 3 * rows[1])
    bits = weather.log2_probabilities([0, 0, 1, 1])
    assert_allclose(2**bits, [2 / 3, 3 / 4, 1 / 4, 1 / 2])


def test_the_stationary_distribution_is_where_a_thousand_steps_lead():
    source = SOURCES["markov-3"]
    pi, rows = np.full((4, 4, 4), 1 / 64), source._rows[-64:].reshape(4, 4, 4, 4)
    for _ in range(1000):
        pi = (pi[..., None] * rows).sum(axis=0)
    assert_allclose(source.stationary, pi, atol=1e-10)


def test_a_window_of_a_markov_text_loses_nothing_but_its_first_symbols():
    source = SOURCES["markov-3"]
    ids = source.sample(2_000, np.random.default_rng(0))
    whole = score(source, ids, context_length=len(ids)).nats
    assert_allclose(score(source, ids, context_length=8).nats, whole)


@settings(max_examples=25)
@given(st.integers(1, 3), st.integers(2, 4), st.integers(0, 10**6))
def test_a_random_chain_loses_entropy_with_every_symbol_of_memory(order, V, seed):
    source = Markov.random(order, V, np.random.default_rng(seed))
    H = block_entropies(source, order + 1)
    growth = np.diff(H)
    assert (np.diff(growth) <= 1e-9).all()
    assert_allclose(growth[-1], source.entropy_rate)
    assert 0 <= source.entropy_rate <= math.log2(V)


def test_brackets_close_what_they_open():
    for source in (SOURCES["brackets"], SOURCES["brackets-4"]):
        stack, deepest = [], 0
        for symbol in source.spell(source.sample(5_000, np.random.default_rng(0))):
            if symbol in "([{<":
                stack.append(symbol)
            else:
                assert stack.pop() + symbol in ("()", "[]", "{}", "<>")
            deepest = max(deepest, len(stack))
        assert deepest == source.depth if source.depth else deepest > 8


def test_a_deep_bound_is_as_good_as_none():
    bounded, free = Brackets(2, 0.4, depth=200), Brackets(2, 0.4, depth=None)
    assert_allclose(bounded.entropy_rate, free.entropy_rate)


def test_agreement_holds_over_the_filler():
    source = SOURCES["agreement"]
    text, lengths = source.spell(source.sample(3_000, np.random.default_rng(0))), set()
    for sentence in "".join(c + " " * (c in "abc") for c in text).split()[:-1]:
        assert sentence[-1] == sentence[0].lower()
        assert set(sentence[1:-1]) <= set("st")
        lengths.add(len(sentence) - 2)
    assert lengths == {2, 3, 4, 5}


def test_copies_are_copies():
    source = SOURCES["copy"]
    text, lengths = source.spell(source.sample(3_000, np.random.default_rng(0))), set()
    for sentence in text.split("$")[:-1]:
        word, copy = sentence.split("#")
        assert word == copy
        lengths.add(len(word))
    assert lengths == {1, 2, 3, 4}


FORGOTTEN = {"brackets-4": 3, "brackets": 2, "agreement": 3, "agreement-7": 2, "copy-5": 2}


@pytest.mark.parametrize("name", FORGOTTEN)
def test_a_model_that_forgets_pays_what_the_source_says(name):
    source = SOURCES[name]
    ids = source.sample(50_000, np.random.default_rng(0))
    p = source.probabilities(ids)[:-1]
    # forget which: closing brackets, verbs or letters become a fair draw from their pool
    pool = slice(0, source.letters) if name == "copy-5" else slice(-FORGOTTEN[name], None)
    p[:, pool] = p[:, pool].mean(axis=1, keepdims=True)
    bits = -np.log2(p[np.arange(len(ids)), ids]).mean()
    excess = bits + source.log2_probabilities(ids).mean()
    assert_allclose(excess, source.forgetting_costs, rtol=0.02)


def test_what_the_source_cannot_write_is_impossible_from_there_on():
    brackets = Brackets(kinds=2, opening=0.4, depth=2)
    text = [brackets.vocabulary.index(c) for c in "(])("]
    bits = brackets.log2_probabilities(text)
    assert_allclose(bits, [-1, -np.inf, -np.inf, -np.inf])
    assert not brackets.probabilities(text)[2:].any()
    with pytest.raises(ValueError, match=r"from its start .* Received: symbol ']' at position 1"):
        brackets(np.array([text]))
    assert brackets.log2_probabilities([0, 0, 0])[-1] == -np.inf  # deeper than the bound


def test_all_texts_of_one_length_share_probability_one():
    for source in (Markov(WEATHER), Brackets(1, 0.3, 2), Agreement(0, 1, 2, 1), Copy(1, 2, 2)):
        texts = itertools.product(range(source.vocabulary_size), repeat=4)
        assert_allclose(sum(2 ** source.log2_probabilities(t).sum() for t in texts), 1)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Markov([0.5, 0.5]), r"at least 2 axes, all of length V. Received: shape \(2,\)"),
        (lambda: Markov(np.ones((2, 3)) / 3), r"all of length V. Received: shape \(2, 3\)"),
        (lambda: Markov([[0.5, 0.6], [0.5, 0.5]]), "sum to 1. Received: sums from 1.0 to 1.1"),
        (lambda: Markov(np.eye(2)), "one stationary distribution.* a table with 2 separate parts"),
        (lambda: Markov(WEATHER, ["s"]), "`vocabulary` must name 2 symbols. Received: 1"),
        (
            lambda: Markov.random(0, 3, np.random.default_rng(0)),
            "`order` must be at least 1. Received: order=0",
        ),
        (
            lambda: Markov.random(1, 1, np.random.default_rng(0)),
            "`vocabulary_size` must be at least 2 .* Received: vocabulary_size=1",
        ),
        (lambda: Brackets(kinds=5), "`kinds` must lie between 1 and 4. Received: kinds=5"),
        (lambda: Brackets(depth=0), "`depth` must be at least 1. Received: depth=0"),
        (lambda: Brackets(opening=1), "`opening` must be above 0 and below 1 .* opening=1, dep"),
        (
            lambda: Brackets(opening=0.5, depth=None),
            "below 0.5 without a bound .* Received: opening=0.5, depth=None",
        ),
        (
            lambda: Agreement(shortest=3, longest=2),
            "`shortest` must be at least 0 .* Received: shortest=3, longest=2",
        ),
        (lambda: Agreement(subjects=1), "`subjects` must lie .* Received: subjects=1, fillers=4"),
        (lambda: Copy(shortest=0), "`shortest` must be at least 1 .* Received: shortest=0"),
        (lambda: Copy(letters=1), "`letters` must lie between 2 and 26. Received: letters=1"),
        (
            lambda: Copy().sample(-1, np.random.default_rng(0)),
            "`length` must be at least 0. Received: length=-1",
        ),
        (lambda: Copy().log2_probabilities([6]), "at least 0 and below 6. Received: id 6"),
        (lambda: Copy().spell([-1]), "at least 0 and below 6. Received: id -1"),
        (lambda: Copy().spell([0.5]), "whole numbers on one axis. Received: float64 of shape"),
    ],
)
def test_wrong_parameters_are_named(build, message):
    with pytest.raises(ValueError, match=message):
        build()
