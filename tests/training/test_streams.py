import numpy as np
import pytest
from numpy.testing import assert_array_equal

from lmcourse.training.streams import checked, random_batches, stream_batches

B, T, N, V = 3, 5, 50, 7


@pytest.fixture
def ids():
    return np.arange(N)


def test_a_random_batch_is_a_function_of_its_number_and_the_seed(ids):
    one, same, other = (random_batches(ids, B, T, seed) for seed in (0, 0, 1))
    for step in (9, 0, 3):
        assert_array_equal(one(step)[0], same(step)[0])
    assert (one(0)[0] != one(1)[0]).any() and (one(0)[0] != other(0)[0]).any()


def test_the_targets_are_the_inputs_one_place_on(ids):
    for batches in (random_batches(ids, B, T), stream_batches(ids, B, T)):
        for step in range(4):
            inputs, targets = batches(step)
            assert inputs.shape == targets.shape == (B, T)
            assert_array_equal(targets, inputs + 1)
            assert_array_equal(inputs - inputs[:, :1], np.tile(np.arange(T), (B, 1)))


def test_every_start_is_drawn_about_equally_often(ids):
    batches = random_batches(ids, 20, T)
    starts = np.concatenate([batches(step)[0][:, 0] for step in range(200)])
    counts = np.bincount(starts, minlength=N - T)
    assert len(counts) == N - T  # the last id is only ever a target
    assert counts.min() > 50 and counts.max() < 140  # 4000 / 45 = 89


def test_a_stream_goes_on_where_the_batch_before_ended(ids):
    batches = stream_batches(ids, B, T)
    assert batches.per_pass == 3  # 49 // 3 = 16 ids a part, 3 windows of 5
    for step in (0, 1):
        assert_array_equal(batches(step + 1)[0][:, 0], batches(step)[1][:, -1])


def test_a_pass_reads_nothing_twice_and_then_begins_anew(ids):
    batches = stream_batches(ids, B, T)
    read = np.concatenate([batches(step)[0].ravel() for step in range(batches.per_pass)])
    assert_array_equal(np.sort(read), np.arange(B * 3 * T))
    assert_array_equal(batches(3)[0], batches(0)[0])


def test_a_stream_may_be_used_to_its_last_id():
    batches = stream_batches(np.arange(B * T + 1), B, T)
    assert batches.per_pass == 1 and batches(0)[1][-1, -1] == B * T


@pytest.mark.parametrize("make", [random_batches, stream_batches])
def test_what_does_not_fit_shows_before_the_first_step(make, ids):
    with pytest.raises(ValueError, match="`batch_size` must be at least 1. Received: batch_size=0"):
        make(ids, 0, T)
    with pytest.raises(ValueError, match="at least context_length . 1 ids. Received: 5 ids"):
        make(ids[:5], B, T)
    with pytest.raises(ValueError, match="must be integers"):
        make(ids / 2, B, T)


def test_a_part_of_a_stream_holds_at_least_one_window(ids):
    with pytest.raises(ValueError, match=r"batch_size \* context_length \+ 1 .*Received: 15 ids"):
        stream_batches(ids[:15], B, T)


def test_a_batch_is_checked_and_given_small_types():
    ids = np.zeros((B, T), np.int64)
    inputs, targets, weights = checked((ids, ids, ids), V)
    assert (inputs.dtype, targets.dtype, weights.dtype) == ("int32", "int32", "float32")
    assert checked((ids, ids), None)[2] is None
    assert checked([ids, ids[:, 0]], V)[1].shape == (B,)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda x: (x,), ValueError, r"\(inputs, targets\) or .*Received: tuple of 1"),
        (lambda x: x, ValueError, "A batch must be .*Received: ndarray"),
        (lambda x: (x / 2, x), TypeError, "`inputs` must be integer ids. Received: dtype=float64"),
        (lambda x: (x, x / 2), TypeError, "`targets` must be integer ids"),
        (lambda x: (x + V, x), ValueError, "`inputs` must be ids from 0 to V - 1 = 6. .* 7 to 7"),
        (lambda x: (x, x - 1), ValueError, "`targets` must be ids .* from -1 to -1"),
        (lambda x: (x[:0], x[:0]), ValueError, "at least one id. Received: shape"),
        (lambda x: (x, x[:, 1:]), ValueError, r"inputs \(3, 5\), targets \(3, 4\)"),
        (lambda x: (x[0], x[0]), ValueError, r"inputs \(5,\), targets \(5,\)"),
        (lambda x: (x, x, x[0]), ValueError, r"weights \(5,\), targets \(3, 5\)"),
        (lambda x: (x, x, x - 1), ValueError, "`weights` must be finite and at least 0"),
        (lambda x: (x, x, x * np.nan), ValueError, "`weights` must be finite and at least 0"),
        (lambda x: (x, x, np.full(x.shape, np.inf)), ValueError, "at least 0. Received: inf"),
    ],
)
def test_a_batch_that_does_not_fit_is_named(change, error, message):
    with pytest.raises(error, match=message):
        checked(change(np.zeros((B, T), int)), V)
