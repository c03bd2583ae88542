from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lmcourse.evaluation.similarity import (
    WordVectors,
    analogies,
    analogies_solved,
    human_correlation,
    ranks,
    relatives,
    relatives_found,
    spearman,
    word_similarity,
)

V, D = 6, 3
few = st.lists(st.integers(-3, 3), min_size=2, max_size=12)


@pytest.fixture
def vectors():
    return WordVectors(list("abcdef"), np.random.default_rng(0).normal(size=(V, D)))


def test_neighbours_by_hand_on_a_clock():
    angles = np.radians([90, 60, 0, 180])
    hands = WordVectors(
        ["12", "1", "3", "9"], 7 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    )
    assert hands.nearest("12", 3) == ["1", "3", "9"]
    assert_allclose(hands.cosine("12", "1"), np.cos(np.radians(30)))
    assert_allclose(hands.cosine("3", "9"), -1)


def test_the_length_of_a_vector_does_not_matter(vectors):
    scales = np.random.default_rng(1).uniform(0.1, 10, (V, 1))
    other = WordVectors(vectors.words, vectors.unit * scales)
    assert all(vectors.nearest(w) == other.nearest(w) for w in vectors.words)
    assert vectors.analogy("a", "b", "c", 3) == other.analogy("a", "b", "c", 3)


def test_a_word_is_not_its_own_neighbour_nor_its_own_answer(vectors):
    assert sorted(vectors.nearest("a", 99)) == list("bcdef")
    assert sorted(vectors.analogy("a", "b", "c", 99)) == list("def")


def test_an_analogy_is_a_parallelogram():
    points = [[1, 0], [1, 1], [-1, 0], [-1, 1], [0, -1], [1, 2]]
    corners = WordVectors(["a", "b", "c", "d", "x", "y"], points)
    assert corners.analogy("a", "b", "c") == ["d"]
    assert analogies_solved(corners, [("a", "b"), ("c", "d"), ("x", "lost")]) == (2, 2)


def test_ranks_by_hand_ties_share_their_mean():
    assert ranks([5, 1, 5, 5, 9]).tolist() == [3, 1, 3, 3, 5]


@given(few)
def test_a_rank_counts_the_smaller_and_half_of_the_equal(values):
    expected = [sum(v < x for v in values) + (values.count(x) + 1) / 2 for x in values]
    assert ranks(values).tolist() == expected


def test_spearman_by_hand():
    # squared differences of ranks 0, 0, 1, 1: 1 - 6 * 2 / (4 * 15)
    assert_allclose(spearman([1, 2, 3, 4], [0.1, 0.2, 9, 8]), 0.8)
    assert_allclose(spearman([1, 2, 3], [3, 2, 1]), -1)


@given(few.filter(lambda values: len(set(values)) > 1))
def test_spearman_sees_nothing_but_the_order(values):
    values = np.array(values, float)
    assert_allclose(spearman(values, np.exp(values)), 1)
    assert_allclose(spearman(values, -(values**3)), -1)


def test_there_are_353_ratings_in_lower_case():
    rows = word_similarity()
    assert len(rows) == 353 and all(0 <= rating <= 10 for *_, rating in rows)
    assert ("tiger", "tiger", 10.0) in rows and ("king", "queen", 8.58) in rows
    assert all(word == word.lower().strip() for *words, _ in rows for word in words)


def test_vectors_that_agree_with_people_correlate_and_unknown_pairs_are_left_out():
    # "tiger" points to 0 degrees, each other word away from it by 90 minus 8 times its rating.
    rated = {b: r for a, b, r in word_similarity() if a == "tiger" and b != "jaguar"}
    angles = np.radians([90 - 8 * rating for rating in rated.values()])
    angles[list(rated).index("tiger")] = 0
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    correlation, count = human_correlation(WordVectors(list(rated), points))
    assert count == len(rated) == 9
    assert_allclose(correlation, 1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_lists_are_twenty_words_with_relatives_and_groups_of_pairs(language):
    listed, groups = relatives(language), analogies(language)
    assert len(listed) == 20
    for word, friends in listed.items():
        assert 6 <= len(friends) <= 10 and len(set(friends)) == len(friends)
        assert word not in friends
    assert len(groups) >= 5
    for pairs in groups.values():
        assert len(pairs) >= 3 and {len(pair) for pair in pairs} == {2}
        assert max(Counter(map(tuple, pairs)).values()) == 1


def test_relatives_found_are_the_listed_ones_in_order_of_nearness(vectors):
    near = vectors.nearest("a", 3)
    found = relatives_found(vectors, {"a": [near[2], near[0], "zebra"], "zebra": ["a"]}, 3)
    assert found == {"a": [near[0], near[2]], "zebra": []}
    assert relatives_found(vectors, {"a": [near[2]]}, 2) == {"a": []}


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: WordVectors(["a"], np.ones((2, D))), r"one row for each of V different words"),
        (lambda: WordVectors(["a", "a"], np.ones((2, D))), r"2 words, 1 different"),
        (lambda: WordVectors(["a", "b"], [[1, 0], [0, 0]]), "must have a direction. Received: one"),
        (lambda: WordVectors(["a"], [[np.nan, 0]]), "must have a direction"),
        (lambda: WordVectors(["a"], [[1, 0]])["b"], "in the vocabulary. Received: 'b'"),
        (lambda: spearman([1, 2], [1, 2, 3]), "Received: 2 and 3 values, 2 and 3 different"),
        (lambda: spearman([1, 1], [1, 2]), "Received: 2 and 2 values, 1 and 2 different"),
        (lambda: human_correlation(WordVectors(["a"], [[1, 0]])), "Received: 0 and 0 values"),
        (lambda: relatives("fr"), "Received: language='fr'"),
        (lambda: analogies("fr"), "Received: language='fr'"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
