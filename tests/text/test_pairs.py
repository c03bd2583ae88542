"""Pairs of sentences as rows: what stands where, what counts in the loss, which row comes when."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lmcourse.text.pairs import pair_batches, pair_rows

SOURCES, TARGETS = [[5, 6], [7, 8, 9]], [[10], [11, 12]]


def rows_of(count):
    return pair_rows([[5 + n] for n in range(count)], [[9]] * count, 1, 2, begin=1, end=2)


def test_two_pairs_by_hand():
    inputs, targets, weights = pair_rows(SOURCES, TARGETS, 3, 4, begin=1, end=2)
    assert_array_equal(inputs, [[5, 6, 0, 1, 10, 0, 0], [7, 8, 9, 1, 11, 12, 0]])
    assert_array_equal(targets, [[0, 0, 0, 10, 2, 0, 0], [0, 0, 0, 11, 12, 2, 0]])
    assert_array_equal(weights, [[0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 1, 0]])


def test_a_target_stands_one_place_on_wherever_it_counts():
    inputs, targets, weights = pair_rows(SOURCES, TARGETS, 4, 6, begin=1, end=2, pad_id=3)
    inside = (weights[:, :-1] > 0) & (weights[:, 1:] > 0)
    assert_array_equal(targets[:, :-1][inside], inputs[:, 1:][inside])
    assert (targets[weights == 0] == 3).all()
    assert weights.dtype == np.float32 and weights.sum() == 2 + 3


def test_the_longest_pair_that_fits_is_not_cut():
    inputs, targets, _ = pair_rows([[5, 6, 7]], [[8, 9, 10]], 3, 4, begin=1, end=2)
    assert_array_equal(inputs, [[5, 6, 7, 1, 8, 9, 10]])
    assert_array_equal(targets[:, 3:], [[8, 9, 10, 2]])


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ([[5]], [[6], [7]], "as many targets as sources. Received: 1 sources, 2 targets"),
        ([[5, 6, 7, 8]], [[6]], "A source must hold from 1 to 3 ids. Received: 4 ids in source 0"),
        ([[5], [6]], [[6], []], "A target must hold from 1 to 3 ids. Received: 0 ids in target 1"),
        ([[5]], [[6] * 4], "A target must hold from 1 to 3 ids. Received: 4 ids in target 0"),
        ([[5, 0]], [[6]], "`pad_id` must stand in no source. Received: pad_id=0"),
    ],
)
def test_what_does_not_fit_is_refused(sources, targets, message):
    with pytest.raises(ValueError, match=message):
        pair_rows(sources, targets, 3, 4, begin=1, end=2)


def test_every_pass_shows_every_row_once_in_another_order():
    batches = pair_batches(rows_of(12), batch_size=4, seed=0)
    assert batches.per_pass == 3
    passes = [np.concatenate([batches(3 * k + n)[0][:, 0] for n in range(3)]) for k in range(2)]
    assert_array_equal(np.sort(passes, axis=1), [range(5, 17)] * 2)
    assert (passes[0] != passes[1]).any()


def test_a_batch_is_a_function_of_its_number_and_the_seed():
    rows = rows_of(12)
    later, again = pair_batches(rows, 4, seed=0)(7), pair_batches(rows, 4, seed=0)(7)
    for part, same in zip(later, again, strict=True):
        assert_array_equal(part, same)
    others = [pair_batches(rows, 4, seed=1)(7)[0], pair_batches(rows, 4, seed=0)(8)[0]]
    assert all((other != later[0]).any() for other in others)


def test_the_three_parts_of_a_row_stay_together():
    rows = pair_rows([[n] for n in range(5, 12)], [[n] for n in range(15, 22)], 1, 2, 1, 2)
    inputs, targets, weights = pair_batches(rows, batch_size=5)(3)
    assert inputs.shape == targets.shape == weights.shape == (5, 3)
    assert_array_equal(targets[:, 1], inputs[:, 0] + 10)


@pytest.mark.parametrize("batch_size", [0, 13])
def test_a_batch_size_that_does_not_fit_is_refused(batch_size):
    message = f"from 1 to the number of rows, 12. Received: batch_size={batch_size}"
    with pytest.raises(ValueError, match=message):
        pair_batches(rows_of(12), batch_size)


def test_text_that_is_no_ids_yet_is_refused():
    with pytest.raises(TypeError, match="A source must be ids, not text. Received: 'ab'"):
        pair_rows(["ab"], [[4]], 3, 4, begin=1, end=2)
