"""The formula of the scaling law: by hand, found again in its own numbers, robust, honest."""

import numpy as np
import pytest

from lmcourse.evaluation.powerlaw import (
    BESIROGLU,
    HOFFMANN,
    Law,
    bootstrap,
    fit_law,
    interval,
    kaplan,
)

TRUE = Law(E=1.7, A=30.0, alpha=0.6, B=900.0, beta=0.7)
N, D = (n.ravel() for n in np.meshgrid(np.geomspace(2e3, 5e4, 7), np.geomspace(3e4, 2e6, 6)))


def noisy(rng, size=0.004):
    return TRUE.loss(N, D) * np.exp(size * rng.normal(size=len(N)))


def test_the_loss_by_hand():
    law = Law(E=1.0, A=6.0, alpha=0.5, B=8.0, beta=1 / 3)
    assert law.loss(9, 64) == pytest.approx(1 + 6 / 3 + 8 / 4)


def test_a_law_without_noise_is_found_again():
    law = fit_law(N, D, TRUE.loss(N, D))
    for name, value in vars(TRUE).items():
        assert getattr(law, name) == pytest.approx(value, rel=1e-4), name


def test_the_fit_does_not_depend_on_units():
    rng = np.random.default_rng(0)
    L = noisy(rng)
    small, large = fit_law(N, D, L), fit_law(1e6 * N, 1e6 * D, L)
    assert large.E == pytest.approx(small.E, abs=1e-4)
    assert large.alpha == pytest.approx(small.alpha, abs=1e-3)
    assert large.A == pytest.approx(small.A * 1e6**small.alpha, rel=0.02)


def test_three_bad_runs_do_not_bend_the_law():
    L = TRUE.loss(N, D)
    L[[3, 17, 30]] *= [1.3, 0.8, 1.2]
    law = fit_law(N, D, L)
    assert law.E == pytest.approx(TRUE.E, abs=1e-3)
    assert law.alpha == pytest.approx(TRUE.alpha, abs=0.01)


def test_no_law_nearby_is_closer():
    L = noisy(np.random.default_rng(1))

    def distance(law):
        error = abs(np.log(law.loss(N, D) / L))
        return np.where(error < 1e-3, error**2 / 2, 1e-3 * (error - 5e-4)).sum()

    law = fit_law(N, D, L)
    for name, value in vars(law).items():
        for factor in (0.995, 1.005):
            assert distance(Law(**(vars(law) | {name: factor * value}))) > distance(law)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng, held = np.random.default_rng(2), 0
    for _ in range(8):
        laws = bootstrap(N, D, noisy(rng), 25, rng)
        low, high = interval([law.E for law in laws])
        held += low <= TRUE.E <= high
    assert held >= 6  # of 8: fewer come once in 170 times, if 95 % is true


def test_a_bootstrap_is_a_function_of_its_generator():
    L = noisy(np.random.default_rng(3))
    one, two = (bootstrap(N, D, L, 3, np.random.default_rng(4)) for _ in range(2))
    assert one == two
    assert len({law.E for law in one}) == 3


@pytest.mark.parametrize("law", [TRUE, HOFFMANN, BESIROGLU])
def test_the_best_size_is_the_lowest_point_of_its_curve(law):
    operations = 1e18
    size, tokens = law.best(operations)
    assert 6 * size * tokens == pytest.approx(operations)
    nearby = size * np.geomspace(0.5, 2, 201)
    curve = law.loss(nearby, operations / 6 / nearby)
    assert curve.argmin() == 100


def test_at_the_best_size_more_parameters_help_as_much_as_more_tokens():
    size, tokens = TRUE.best(1e12)
    lack = TRUE.A / size**TRUE.alpha, TRUE.B / tokens**TRUE.beta
    assert TRUE.alpha * lack[0] == pytest.approx(TRUE.beta * lack[1])


def test_chinchilla_is_about_as_large_as_published():
    # 70 billion parameters, 1.4 trillion tokens; the new analysis gives 20 tokens a parameter.
    operations = 6 * 70e9 * 1.4e12
    size, tokens = BESIROGLU.best(operations)
    assert 10 < tokens / size < 40
    assert HOFFMANN.best(operations)[0] < size  # the first fit asks for smaller models


def test_kaplan_turns_into_its_two_limits():
    assert kaplan(1e9, 1e30) == pytest.approx((6.4e13 / 1e9) ** 0.076)
    assert kaplan(1e30, 1e9) == pytest.approx((1.8e13 / 1e9) ** 0.103)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n, d, x: (n[:5], d[:5], x[:5]), "Received: 5 runs, 5 sizes, 1 lengths"),
        (lambda n, d, x: (n[:-1], d, x), "lists of the same length"),
        (lambda n, d, x: (n, d, x - 2.5), "`losses` must be above 0. Received: -"),
        (lambda n, d, x: (n, d * np.inf, x), "`tokens` must be above 0. Received: inf"),
        (lambda n, d, x: (n, d * 0 + 7, x), "7 sizes, 1 lengths"),
    ],
)
def test_runs_that_cannot_be_fitted_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        fit_law(*change(N, D, TRUE.loss(N, D)))


def test_a_law_and_an_interval_say_what_they_need():
    with pytest.raises(ValueError, match="`alpha` must be above 0. Received: alpha=-1"):
        Law(E=1.0, A=1.0, alpha=-1, B=1.0, beta=1.0)
    with pytest.raises(ValueError, match="`share` must be above 0 and below 1. Received: share=95"):
        interval([1.0, 2.0], share=95)
