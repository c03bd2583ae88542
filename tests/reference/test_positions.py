import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.positions import embed, rotate, sinusoidal

B, T, W, D, V = 2, 7, 6, 4, 5


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def test_waves_by_hand():
    # width 4: the clocks turn by 1 and by 10000^(-2/4) = 1/100 radian a place
    s, c = np.sin, np.cos
    assert_allclose(
        sinusoidal(3, 4),
        [[0, 1, 0, 1], [s(1), c(1), s(0.01), c(0.01)], [s(2), c(2), s(0.02), c(0.02)]],
    )


def test_waves_are_the_published_formula_place_by_place():
    waves = sinusoidal(T, W)
    for place in range(T):
        for i in range(W // 2):
            angle = place / 10000 ** (2 * i / W)
            assert_allclose(waves[place, 2 * i], np.sin(angle))
            assert_allclose(waves[place, 2 * i + 1], np.cos(angle))


def test_one_matrix_carries_every_place_to_the_one_three_further_on():
    waves = sinusoidal(20, W)
    matrix = np.linalg.lstsq(waves[:-3], waves[3:], rcond=None)[0]
    assert_allclose(waves[:-3] @ matrix, waves[3:], atol=1e-8)


def test_a_longer_text_does_not_move_the_first_places():
    assert_array_equal(sinusoidal(3, W), sinusoidal(T, W)[:3])
    assert sinusoidal(0, W).shape == (0, W)


def test_a_turn_by_hand():
    # width 4, base 100: pair (0, 2) turns by 1 radian a place, pair (1, 3) by 1/10
    s, c = np.sin, np.cos
    x = np.array([[1.0, 0.0, 0.0, 1.0]] * 2)
    assert_allclose(rotate(x, base=100.0), [[1, 0, 0, 1], [c(1), -s(0.1), s(1), c(0.1)]])


def test_products_depend_on_the_distance_alone(rng):
    q, k = rng.normal(size=(2, W))
    q, k = rotate(np.tile(q, (T, 1))), rotate(np.tile(k, (T, 1)))
    products = q @ k.T
    for distance in range(1 - T, T):
        diagonal = np.diagonal(products, distance)
        assert_allclose(diagonal, diagonal[0])
    assert np.ptp(products[0]) > 0.1


def test_a_turn_keeps_lengths_and_leaves_place_zero_alone(rng):
    x = rng.normal(size=(B, 3, T, W))
    turned = rotate(x)
    assert_allclose((turned**2).sum(axis=-1), (x**2).sum(axis=-1))
    assert_array_equal(turned[..., 0, :], x[..., 0, :])


def test_a_continued_text_starts_where_the_first_part_ended(rng):
    x = rng.normal(size=(B, T, W))
    parts = [rotate(x[:, :3], base=50.0), rotate(x[:, 3:], start=3, base=50.0)]
    assert_allclose(np.concatenate(parts, axis=1), rotate(x, base=50.0))


def test_each_scheme_tells_the_place_in_its_own_way(rng):
    weights = {"tokens": rng.normal(size=(V, D)), "positions": rng.normal(size=(9, D))}
    ids = np.array([[3, 0, 3], [1, 1, 4]])
    tokens = weights["tokens"][ids]
    assert_allclose(embed(ids, weights), tokens + weights["positions"][:3])
    assert_allclose(embed(ids, weights, "sinusoidal"), 2 * tokens + sinusoidal(3, D))
    assert_allclose(embed(ids, weights, "rotary"), tokens)


def test_a_text_may_fill_the_table_of_places_but_not_pass_it(rng):
    weights = {"tokens": rng.normal(size=(V, D)), "positions": rng.normal(size=(3, D))}
    assert embed(np.array([1, 2, 3]), weights).shape == (3, D)
    with pytest.raises(ValueError, match="not be longer than .* 3. Received: 4 tokens"):
        embed(np.array([1, 2, 3, 4]), weights)


def test_what_cannot_be_a_position_is_named():
    with pytest.raises(ValueError, match="`width` must be even.* Received: width=5"):
        sinusoidal(3, 5)
    with pytest.raises(ValueError, match="`width` must be even.* Received: width=3"):
        rotate(np.ones((2, 3)))
    with pytest.raises(ValueError, match="`length` must not be negative. Received: length=-1"):
        sinusoidal(-1, 4)
    with pytest.raises(ValueError, match='`positions` must be "learned", .*positions=.alibi'):
        embed(np.array([0]), {"tokens": np.ones((2, 2))}, "alibi")
