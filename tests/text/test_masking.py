"""What is hidden, how often, and what the model is asked."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lmcourse.text.masking import RULE, mask_tokens, masked_batches

B, T, V = 200, 40, 7


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def ids(rng):
    return rng.integers(V, size=(B, T))


@pytest.mark.parametrize(("share", "count"), [(0.15, 6), (0.001, 1), (0.49, 20), (1, T)])
def test_every_row_is_asked_about_the_same_number_of_places(ids, rng, share, count):
    _, chosen = mask_tokens(ids, V, rng, share)
    assert_array_equal(chosen.sum(axis=1), count)


def test_every_place_is_chosen_about_equally_often(ids, rng):
    asked = sum(mask_tokens(ids, V, rng)[1].sum(axis=0) for _ in range(10))
    assert asked.min() > 240 and asked.max() < 360  # 2000 rows, 15 percent: 300


def test_only_chosen_places_change_and_the_ids_stay_as_they_were(ids, rng):
    before = ids.copy()
    inputs, chosen = mask_tokens(ids, V, rng)
    assert_array_equal(ids, before)
    assert_array_equal(inputs[~chosen], ids[~chosen])
    assert inputs.max() == V and inputs.min() == 0


def test_a_rule_of_one_kind_is_kept_to_the_letter(ids, rng):
    holes, chosen = mask_tokens(ids, V, rng, rule=(1, 0, 0))
    assert (holes[chosen] == V).all()
    same, _ = mask_tokens(ids, V, rng, rule=(0, 0, 1))
    assert_array_equal(same, ids)
    swapped, chosen = mask_tokens(ids, V, rng, rule=(0, 1, 0))
    assert swapped.max() == V - 1
    counts = np.bincount(swapped[chosen], minlength=V)  # 1200 draws among 7: 171 each
    assert counts.min() > 120 and counts.max() < 230


def test_of_the_chosen_places_80_percent_are_holes_10_random_10_as_they_were(ids, rng):
    inputs, chosen = mask_tokens(ids, V, rng, share=1)
    holes, same = (inputs == V).mean(), (inputs == ids).mean()
    assert abs(holes - RULE[0]) < 0.02
    assert abs(same - (RULE[2] + RULE[1] / V)) < 0.015  # a random token may be the true one


def test_a_batch_is_a_function_of_its_number_and_the_seed(ids):
    stream = ids.ravel()
    one, same, other = (masked_batches(stream, 5, T, V, seed) for seed in (0, 0, 1))
    for step in (9, 0, 3):
        for mine, again in zip(one(step), same(step), strict=True):
            assert_array_equal(mine, again)
    assert (one(0)[0] != one(1)[0]).any() and (one(0)[0] != other(0)[0]).any()


def test_a_batch_holds_windows_of_the_stream_and_weights_where_it_asks():
    batches = masked_batches(np.arange(100), 5, T, vocabulary_size=100, rule=(1, 0, 0))
    inputs, targets, weights = batches(3)
    assert inputs.shape == targets.shape == weights.shape == (5, T)
    assert_array_equal(targets - targets[:, :1], np.tile(np.arange(T), (5, 1)))
    assert_array_equal(inputs == 100, weights == 1)
    assert_array_equal(weights.sum(axis=1), 6)
    assert weights.dtype == np.float32


def test_the_same_window_gets_new_holes_in_another_batch():
    batches = masked_batches(np.arange(T + 1), 1, T, vocabulary_size=T + 1)
    (_, first, asked), (_, second, asked_again) = batches(0), batches(1)
    assert_array_equal(first, second)  # the stream holds one window only
    assert (asked != asked_again).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(share=0), "`share` must be above 0 and at most 1. Received: share=0"),
        (dict(share=1.5), "Received: share=1.5"),
        (dict(rule=(0.8, 0.1)), "three shares that sum to 1"),
        (dict(rule=(0.8, 0.1, 0.2)), "three shares that sum to 1"),
        (dict(rule=(1.1, -0.1, 0)), "three shares that sum to 1"),
        (dict(vocabulary_size=0), "`vocabulary_size` must be at least 1"),
        (dict(vocabulary_size=5), r"from 0 to V - 1 = 4; V itself is \[MASK\].* 0 to 6"),
        (dict(ids=np.array([0, 1])), r"Received: int64 of shape \(2,\)"),
        (dict(ids=np.array([[0.5]])), r"Received: float64 of shape \(1, 1\)"),
        (dict(ids=np.zeros((3, 0), int)), r"Received: int64 of shape \(3, 0\)"),
        (dict(ids=np.array([[-1]])), "Received: ids from -1 to -1"),
    ],
)
def test_what_does_not_fit_is_named(ids, rng, arguments, message):
    with pytest.raises(ValueError, match=message):
        mask_tokens(**(dict(ids=ids, vocabulary_size=V, rng=rng) | arguments))


def test_wrong_arguments_show_before_the_first_step():
    with pytest.raises(ValueError, match="`share` must be"):
        masked_batches(np.arange(9), 2, 4, vocabulary_size=9, share=2)
    with pytest.raises(ValueError, match="context_length . 1 ids. Received: 4 ids"):
        masked_batches(np.arange(4), 2, 4, vocabulary_size=9)
    with pytest.raises(ValueError, match="V itself is"):
        masked_batches(np.arange(9), 2, 4, vocabulary_size=8)
