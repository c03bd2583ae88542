"""Waves and turns: the published formulas, entry by entry, and what they are good for."""

import math

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.layers.positions import rotate, rotations, sinusoidal


def test_every_entry_is_the_published_formula():
    waves, width = sinusoidal(20, 6), 6
    for t in (0, 1, 7, 19):
        for i in range(width // 2):
            angle = t / 10_000 ** (2 * i / width)
            assert waves[t, 2 * i] == pytest.approx(math.sin(angle), abs=1e-6)
            assert waves[t, 2 * i + 1] == pytest.approx(math.cos(angle), abs=1e-6)


def test_position_zero_is_zeros_and_ones():
    assert_allclose(sinusoidal(1, 6)[0], [0, 1, 0, 1, 0, 1])


def test_a_turn_is_a_complex_product():
    x = np.random.default_rng(0).normal(size=(4, 6)).astype("float32")
    turned = rotate(x, rotations(4, 6, base=100.0)).numpy()
    angles = np.outer(np.arange(4), 100.0 ** (-np.array([0, 2, 4]) / 6))
    expected = (x[:, :3] + 1j * x[:, 3:]) * np.exp(1j * angles)
    assert_allclose(turned, np.hstack([expected.real, expected.imag]), atol=1e-6)


def test_a_turn_keeps_lengths():
    x = np.random.default_rng(0).normal(size=(2, 9, 8)).astype("float32")
    turned = rotate(x, rotations(9, 8)).numpy()
    assert_allclose((turned**2).sum(-1), (x**2).sum(-1), rtol=1e-5)


def test_products_depend_on_the_distance_alone():
    q, k = np.random.default_rng(0).normal(size=(2, 8)).astype("float32")
    turns = rotations(30, 8)
    q, k = (rotate(np.tile(x, (30, 1)), turns).numpy() for x in (q, k))
    products = q @ k.T
    for distance in (0, 3, 11):
        row = np.diagonal(products, -distance)
        assert_allclose(row, row[0], atol=1e-4)
    assert np.ptp(products[:, 0]) > 0.1


@pytest.mark.parametrize("make", [sinusoidal, rotations])
def test_an_odd_width_is_refused(make):
    with pytest.raises(ValueError, match="must be even: positions turn pairs. Received: width=5"):
        make(3, 5)
