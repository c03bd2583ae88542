"""Padding, masks and windows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmcourse.text import batches

sequences = st.lists(st.lists(st.integers(1, 9), min_size=1, max_size=7), min_size=1, max_size=5)


def test_gaps_are_filled_on_the_right():
    assert batches.pad([[1, 2], [3, 4, 5], []], 0).tolist() == [[1, 2, 0], [3, 4, 5], [0, 0, 0]]


def test_gaps_are_filled_on_the_left():
    assert batches.pad([[1, 2], [3, 4, 5]], 9, side="left").tolist() == [[9, 1, 2], [3, 4, 5]]


def test_a_long_sequence_is_cut_where_gaps_would_be_filled():
    assert batches.pad([[1, 2, 3, 4]], 0, length=3).tolist() == [[1, 2, 3]]
    assert batches.pad([[1, 2, 3, 4]], 0, length=3, side="left").tolist() == [[2, 3, 4]]


@given(sequences, st.sampled_from(["left", "right"]))
def test_the_mask_finds_every_sequence_in_its_padded_row(sequences, side):
    padded = batches.pad(sequences, 0, side=side)
    real = batches.mask(list(map(len, sequences)), side=side)
    assert padded.shape == real.shape and padded.dtype == np.int64 and real.dtype == bool
    assert [row[m].tolist() for row, m in zip(padded, real, strict=True)] == sequences
    assert not padded[~real].any()


def test_a_real_id_that_equals_the_padding_value_stays_real():
    assert batches.mask([2, 1])[0].tolist() == [True, True]
    assert batches.pad([[7, 0], [7]], 0).tolist() == [[7, 0], [7, 0]]


def test_the_mask_can_be_longer_or_shorter_than_the_longest_sequence():
    assert batches.mask([1, 2], length=3).astype(int).tolist() == [[1, 0, 0], [1, 1, 0]]
    assert batches.mask([1, 2], length=1).all()


def test_the_future_cannot_be_seen():
    seen = batches.causal_mask(5)
    for now in range(5):
        assert seen[now].tolist() == [True] * (now + 1) + [False] * (4 - now)


def test_windows_by_hand():
    inputs, targets = batches.windows(np.array([4, 8, 5, 9, 6, 0]), 2)
    assert inputs.tolist() == [[4, 8], [5, 9]]
    assert targets.tolist() == [[8, 5], [9, 6]]


def test_the_last_window_may_end_on_the_last_id():
    inputs, targets = batches.windows(np.array([4, 8, 5, 9, 6]), 2)
    assert targets[-1].tolist() == [9, 6] and len(inputs) == 2


@given(st.integers(2, 60), st.integers(1, 20), st.integers(1, 20))
def test_targets_are_the_stream_one_id_later(n, context_length, stride):
    if n <= context_length:
        return
    inputs, targets = batches.windows(np.arange(n), context_length, stride)
    assert inputs.shape == targets.shape == (len(inputs), context_length)
    assert (targets == inputs + 1).all()
    assert inputs[:, 0].tolist() == list(range(0, n - context_length, stride))


def test_windows_side_by_side_predict_each_id_once():
    _, targets = batches.windows(np.arange(31), 10)
    assert targets.ravel().tolist() == list(range(1, 31))


def test_windows_take_no_memory():
    ids = np.arange(1000)
    inputs, _ = batches.windows(ids, 100, stride=1)
    assert np.shares_memory(inputs, ids) and not inputs.flags.writeable


def test_every_start_is_drawn_equally_often():
    rng = np.random.default_rng(7)
    inputs, targets = batches.sample_batch(np.arange(13), 9000, 3, rng)
    counts = np.bincount(inputs[:, 0])
    assert len(counts) == 10 and abs(counts - 900).max() < 150
    assert (targets == inputs + 1).all() and targets.max() == 12


def test_the_same_generator_draws_the_same_batch():
    draws = [batches.sample_batch(np.arange(50), 4, 7, np.random.default_rng(3)) for _ in range(2)]
    np.testing.assert_array_equal(draws[0], draws[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: batches.pad([], 0), "at least one sequence. Received: none"),
        (
            lambda: batches.pad([[1]], 0, length=0),
            "`length` must be at least 1. Received: length=0",
        ),
        (lambda: batches.pad([[1]], 0, side="up"), "Received: side='up'"),
        (lambda: batches.mask([1], side="up"), "Received: side='up'"),
        (lambda: batches.mask([2, -1]), r"at least 0. Received: \[2, -1\]"),
        (lambda: batches.mask([]), r"Received: \[\]"),
        (lambda: batches.causal_mask(0), "Received: length=0"),
        (lambda: batches.windows(np.arange(5), 5), "Received: 5 ids, context_length=5"),
        (lambda: batches.windows(np.arange(5), 0), "Received: context_length=0"),
        (lambda: batches.windows(np.arange(5), 2, 0), "Received: stride=0"),
        (lambda: batches.windows(np.ones(5), 2), r"float64 of shape \(5,\)"),
        (lambda: batches.windows(np.ones((5, 1), int), 2), r"shape \(5, 1\)"),
        (
            lambda: batches.sample_batch(np.arange(3), 1, 3, np.random.default_rng(0)),
            "Received: 3 ids, context_length=3",
        ),
        (
            lambda: batches.sample_batch(np.arange(9), 0, 3, np.random.default_rng(0)),
            "Received: batch_size=0",
        ),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
