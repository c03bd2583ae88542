"""The distributions that samplers draw from, and text from any model."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.generation.sampling import Sampling, distribution, generate, masked, sample

P = np.array([0.5, 0.2, 0.15, 0.1, 0.05])
LOGITS = np.log(P) + 3


def chi_square(counts, p):
    expected = counts.sum() * p[p > 0]
    return ((counts[p > 0] - expected) ** 2 / expected).sum()


def test_temperature_by_hand():
    assert_allclose(distribution(LOGITS), P)
    squares = P**2
    assert_allclose(distribution(LOGITS, temperature=0.5), squares / squares.sum())
    assert_allclose(distribution(LOGITS, temperature=1e9), np.full(5, 0.2), atol=1e-8)


def test_top_k_by_hand():
    assert_allclose(distribution(LOGITS, top_k=2), [5 / 7, 2 / 7, 0, 0, 0])
    assert_allclose(distribution(LOGITS, top_k=99), P)


def test_top_p_keeps_the_fewest_tokens_that_reach_the_share():
    assert_allclose(distribution(LOGITS, top_p=0.4), [1, 0, 0, 0, 0])
    assert_allclose(distribution(LOGITS, top_p=0.5), [1, 0, 0, 0, 0])
    assert_allclose(distribution(LOGITS, top_p=0.51), [5 / 7, 2 / 7, 0, 0, 0])
    assert_allclose(distribution(LOGITS, top_p=0.7), [5 / 7, 2 / 7, 0, 0, 0])
    assert_allclose(distribution(LOGITS[::-1], top_p=0.7), [0, 0, 0, 2 / 7, 5 / 7])
    assert_allclose(distribution(LOGITS, top_p=1), P)


def test_top_k_comes_before_top_p():
    # of [5/7, 2/7] the first token alone reaches 0.7; without top_k it would take two
    assert_allclose(distribution(LOGITS, top_k=2, top_p=0.7), [1, 0, 0, 0, 0])


def test_min_p_keeps_what_is_a_share_of_the_most_probable():
    assert_allclose(distribution(LOGITS, min_p=0.4), [5 / 7, 2 / 7, 0, 0, 0])
    assert_allclose(distribution(LOGITS, min_p=0.29), np.array([50, 20, 15, 0, 0]) / 85)
    assert_allclose(distribution(LOGITS, min_p=0), P)
    assert_allclose(distribution(LOGITS, min_p=1), [1, 0, 0, 0, 0])
    # at temperature 1/2 the second has (2/5)^2 = 0.16 of the first, no longer 0.4
    assert_allclose(distribution(LOGITS, temperature=0.5, min_p=0.2), [1, 0, 0, 0, 0])
    assert_allclose(distribution(np.zeros(4), min_p=1), np.full(4, 0.25))


def test_the_repetition_penalty_divides_what_is_positive_and_multiplies_what_is_negative():
    logits = np.array([2.0, -1.0, 3.0, 0.0])
    p = distribution(logits, repetition_penalty=2.0, before=[0, 1, 1, 3])
    powers = np.exp([1.0, -2.0, 3.0, 0.0])
    assert_allclose(p, powers / powers.sum())
    assert_array_equal(logits, [2.0, -1.0, 3.0, 0.0])  # what was passed stays as it was
    assert_allclose(distribution(logits, before=[0, 1]), distribution(logits))


def test_the_penalty_comes_before_the_temperature_and_decides_who_is_best():
    logits = np.array([[3.0, 2.0], [3.0, 2.0]])
    penalized = Sampling(repetition_penalty=2.0, temperature=0)
    assert_array_equal(penalized.distribution(logits, [[0], [1]]), [[0, 1], [1, 0]])
    powers = np.exp(np.array([1.5, 2.0]) / 0.5)
    both = Sampling(repetition_penalty=2.0, temperature=0.5).distribution(logits[0], [0])
    assert_allclose(both, powers / powers.sum())


def test_a_penalty_without_the_text_so_far_is_refused():
    with pytest.raises(ValueError, match="`before`, .* must be given for a penalty. Received: bef"):
        distribution(LOGITS, repetition_penalty=1.2)


def test_every_knob_and_both_ways_to_turn_it_give_the_same():
    knobs = {"top_k": 3, "top_p": 0.8, "min_p": 0.1, "repetition_penalty": 1.3}
    whole = Sampling(temperature=0.7, **knobs)
    assert_array_equal(
        whole.distribution(LOGITS, [2]), distribution(LOGITS, 0.7, before=[2], **knobs)
    )
    rows = np.broadcast_to(LOGITS, (50, 5))
    before = np.full((50, 1), 2)
    assert_array_equal(
        whole.sample(rows, np.random.default_rng(0), before),
        sample(rows, np.random.default_rng(0), 0.7, before, **knobs),
    )


def test_a_tie_goes_to_the_smaller_id_in_every_sampler():
    tied = np.array([0.0] + 999 * [2.0])
    for options in ({"temperature": 0}, {"top_k": 1}, {"top_p": 0.0005}):
        assert_array_equal(distribution(tied, **options), np.eye(1000)[1])


def test_temperature_zero_and_top_k_one_are_greedy():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(2, 5, 13))
    assert_array_equal(sample(logits, rng, temperature=0), logits.argmax(axis=-1))
    assert_array_equal(sample(logits, rng, top_k=1), logits.argmax(axis=-1))


@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 0.7}, {"temperature": 2}, {"top_k": 3}, {"top_p": 0.8}, {"min_p": 0.3}],
)
def test_frequencies_follow_the_distribution(options):
    p = distribution(LOGITS, **options)
    rows = np.broadcast_to(LOGITS, (40_000, 5))
    counts = np.bincount(sample(rows, np.random.default_rng(0), **options), minlength=5)
    assert (counts[p == 0] == 0).all()
    assert chi_square(counts, p) < 23.5  # 4 degrees of freedom: one seed in ten thousand


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 5), st.integers(1, 9), st.floats(0.01, 1))
def test_distributions_sum_to_one_and_never_hold_an_impossible_token(seed, temperature, k, p):
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(3, 7)) * 10
    logits[:, [0, 4]] = -np.inf
    knobs = {"temperature": temperature, "top_k": k, "top_p": p, "min_p": p / 2}
    result = distribution(logits, **knobs)
    assert_allclose(result.sum(axis=-1), 1)
    assert (result[:, [0, 4]] == 0).all()
    assert not np.isin(sample(logits, rng, **knobs), [0, 4]).any()


class Ends:
    """A stand-in for a generator whose draws are the smallest and the largest possible."""

    def __init__(self, value):
        self.value = value

    def random(self, shape):
        return np.full(shape, self.value)


def test_the_extreme_draws_never_reach_an_impossible_token():
    logits = np.array([-np.inf, 0.1, 0.2, 0.3, -np.inf])
    assert sample(logits, Ends(0.0)) == 1
    assert sample(logits, Ends(np.nextafter(1, 0))) == 3


def test_a_tiny_temperature_is_greedy():
    assert_array_equal(distribution([1.0, 2.0, -np.inf], temperature=1e-300), [0, 1, 0])


def test_one_seed_writes_one_text():
    def model(ids):
        return np.broadcast_to(LOGITS, (*ids.shape, 5))

    texts = [generate(model, [0], 50, np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert_array_equal(texts[0], texts[1])
    assert (texts[0] != texts[2]).any()


def test_generation_keeps_the_prompt_and_shows_the_model_its_last_ids():
    seen = []

    def count_up(ids):
        seen.append(ids.tolist())
        return 99.0 * np.eye(10)[(ids + 1) % 10]

    rng = np.random.default_rng(0)
    text = generate(count_up, [5, 3], 4, rng, context_length=3, temperature=0)
    assert text.tolist() == [5, 3, 4, 5, 6, 7]
    assert seen == [[[5, 3]], [[5, 3, 4]], [[3, 4, 5]], [[4, 5, 6]]]
    assert generate(count_up, [5, 3], 0, rng).tolist() == [5, 3]


def test_generated_pairs_follow_the_model():
    table = np.random.default_rng(3).dirichlet(np.ones(3), size=3)
    text = generate(lambda ids: np.log(table)[ids], [0], 20_000, np.random.default_rng(0), 1)
    for first in range(3):
        counts = np.bincount(text[1:][text[:-1] == first], minlength=3)
        assert chi_square(counts, table[first]) < 18.4  # 2 degrees: one seed in ten thousand


def test_the_penalty_of_a_generated_text_counts_the_prompt():
    def model(ids):
        return np.broadcast_to([5.0, 4.0, 3.0], (*ids.shape, 3))

    rng = np.random.default_rng(0)
    text = generate(model, [0], 3, rng, context_length=1, temperature=0, repetition_penalty=9)
    assert text.tolist() == [0, 1, 2, 0]  # then all have occurred, and the best is the best again


def test_generation_ends_with_the_end():
    rng = np.random.default_rng(0)

    def count_up(ids):
        return 99.0 * np.eye(10)[(ids + 1) % 10]

    assert generate(count_up, [5], 9, rng, temperature=0, end_id=8).tolist() == [5, 6, 7, 8]
    assert generate(count_up, [8], 3, rng, temperature=0, end_id=8).tolist() == [8, 9, 0, 1]


def test_a_mask_forbids_before_all_else_and_is_told_what_was_written():
    told = []

    def mask(written, room):
        told.append((written.tolist(), room))
        return np.array([len(written) != 1, True, True])

    def model(ids):
        return np.broadcast_to([3.0, 2.0, 1.0], (*ids.shape, 3))

    text = generate(model, [2, 2], 3, np.random.default_rng(0), mask=mask, top_k=1)
    assert text.tolist() == [2, 2, 0, 1, 0]
    assert told == [([], 3), ([0], 2), ([0, 1], 1)]


def test_a_mask_that_allows_nothing_or_does_not_fit_is_refused():
    for bad in (np.zeros(5, bool), np.ones(4, bool), np.ones(5)):
        with pytest.raises(ValueError, match=r"a mask must be of shape \(5,\), bool, and allow"):
            masked(LOGITS, bad)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"temperature": -1}, "`temperature` must be at least 0 and finite. Received: temp.*=-1"),
        ({"temperature": np.nan}, "`temperature` must be .* Received: temperature=nan"),
        ({"temperature": np.inf}, "`temperature` must be .* Received: temperature=inf"),
        ({"top_k": 0}, "`top_k` must be at least 1. Received: top_k=0"),
        ({"top_p": 0}, "`top_p` must be above 0 and at most 1. Received: top_p=0"),
        ({"top_p": 1.1}, "`top_p` must be above 0 and at most 1. Received: top_p=1.1"),
        ({"min_p": -0.1}, "`min_p` must lie between 0 and 1. Received: min_p=-0.1"),
        (
            {"repetition_penalty": 0},
            "`repetition_penalty` must be above 0 and finite. Received: re",
        ),
    ],
)
def test_options_out_of_range_are_named(options, message):
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match=message):
        sample(LOGITS, rng, **options)
    with pytest.raises(ValueError, match=message):
        generate(lambda ids: np.zeros((*ids.shape, 5)), [0], 0, rng, **options)


@pytest.mark.parametrize("bad", [[0, np.nan], [0, np.inf], [-np.inf, -np.inf]])
def test_logits_that_are_not_numbers_are_named(bad):
    with pytest.raises(ValueError, match="largest score must be a finite number. Received: larg"):
        sample(np.array(bad), np.random.default_rng(0))


def test_wrong_prompts_and_lengths_are_named():
    rng = np.random.default_rng(0)

    def model(ids):
        return np.zeros((*ids.shape, 5))

    with pytest.raises(ValueError, match="below the vocabulary size 5. Received: id 5"):
        generate(model, [1, 5, 2], 1, rng)
    with pytest.raises(ValueError, match="at least 1 id. Received: 0 ids"):
        generate(model, [], 3, rng)
    with pytest.raises(ValueError, match="`length` must be at least 0. Received: length=-1"):
        generate(model, [0], -1, rng)
    with pytest.raises(ValueError, match="`context_length` must be at least 1. Received: context"):
        generate(model, [0], 3, rng, context_length=0)
    with pytest.raises(ValueError, match=r"Received: logits of shape \(1, 5\) for ids"):
        generate(lambda ids: np.zeros((1, 5)), [0], 3, rng)
