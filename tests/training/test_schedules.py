import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.training.schedules import constant, cosine, linear, step, warmup

ALL = [constant, linear, cosine, step, warmup]


@pytest.mark.parametrize("schedule", ALL)
def test_a_multiple_of_the_peak_is_never_negative_and_never_above_one(schedule):
    values = [schedule(share) for share in np.linspace(0, 1, 101)]
    assert min(values) >= 0 and max(values) == 1


@pytest.mark.parametrize("schedule", [linear, cosine, warmup])
def test_the_run_ends_at_a_rate_of_zero(schedule):
    assert_allclose(schedule(1.0), 0, atol=1e-15)


def test_the_cosine_is_half_a_wave():
    assert_allclose([cosine(s) for s in (0, 1 / 3, 1 / 2, 2 / 3)], [1, 0.75, 0.5, 0.25])


def test_a_step_falls_at_its_drops_and_nowhere_else():
    values = [step(s, drops=(0.3, 0.6), factor=0.5) for s in (0, 0.29, 0.3, 0.59, 0.6, 1)]
    assert values == [1, 1, 0.5, 0.5, 0.25, 0.25]


def test_warm_up_rises_in_a_straight_line_then_hands_over():
    assert_allclose([warmup(s, constant, 0.2) for s in (0, 0.1, 0.2, 0.7)], [0, 0.5, 1, 1])
    assert_allclose(warmup(0.6, linear, 0.2), linear(0.5))


def test_warm_up_is_continuous_where_it_hands_over():
    assert abs(warmup(0.05 - 1e-9) - warmup(0.05)) < 1e-6


@pytest.mark.parametrize("schedule", ALL)
@pytest.mark.parametrize("share", [-0.01, 1.01, float("nan")])
def test_a_share_lies_between_0_and_1(schedule, share):
    with pytest.raises(ValueError, match="`share` must be from 0 to 1. Received: share="):
        schedule(share)


def test_what_is_out_of_range_is_named():
    with pytest.raises(ValueError, match="`length` must be above 0 and below 1. Received: leng"):
        warmup(0.5, length=0)
    with pytest.raises(ValueError, match="`factor` must be above 0 and below 1. Received: fact"):
        step(0.5, factor=1)
