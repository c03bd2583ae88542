"""The machine of a pattern: its states, its distances, its limits."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lmcourse.generation.automaton import DEAD, FAR, START, Automaton


def test_the_table_of_a_small_pattern_by_hand():
    machine = Automaton.compile("ab*|c", "abcd")
    assert machine.kinds == {"a": 0, "b": 1, "c": 2, "d": 3}
    after_a, after_c = machine.read("a"), machine.read("c")
    assert machine.states == 4 and {DEAD, START, after_a, after_c} == {0, 1, 2, 3}
    assert machine.read("b", after_a) == after_a and machine.read("b", after_c) == DEAD
    assert_array_equal(machine.accepts[[DEAD, START, after_a, after_c]], [0, 0, 1, 1])
    assert_array_equal(machine.distance[[DEAD, START, after_a, after_c]], [FAR, 1, 0, 0])


def test_characters_that_no_class_tells_apart_are_one_kind():
    machine = Automaton.compile(r"\d+x", "0123456789xyz")
    assert machine.table.shape == (4, 3)  # digits; x; y and z


def test_a_character_outside_the_alphabet_leads_to_the_dead_state():
    machine = Automaton.compile(".*", "ab")
    assert machine.read("a?") == DEAD and not machine.matches("é") and machine.matches("abba")


def test_the_empty_pattern_matches_the_empty_text_alone():
    machine = Automaton.compile("", "ab")
    assert machine.matches("") and not machine.matches("a")


@given(st.text("ab", max_size=8))
def test_a_number_of_characters_may_be_counted(text):
    machine = Automaton.compile("(a|b){2,4}", "ab")
    assert machine.matches(text) == (2 <= len(text) <= 4)


def test_the_distance_is_the_length_of_the_shortest_way_out():
    machine = Automaton.compile(r'\{"(ab|c)+": \d{3}\}', '{"abc: 0}')
    for text, left in {
        "": 10,
        '{"a': 8,
        '{"ab': 7,
        '{"c': 7,
        '{"c": 00': 2,
        '{"c": 000}': 0,
    }.items():
        assert machine.distance[machine.read(text)] == left, text
    alive = np.flatnonzero(machine.distance < FAR)
    assert_array_equal(
        alive, np.arange(1, machine.states)
    )  # from every state but one there is a way


def test_a_pattern_that_nothing_fits_is_refused():
    with pytest.raises(ValueError, match="a text over the alphabet must fit .* Received: 'a.2.x'"):
        Automaton.compile("a{2}x", "ab")


def test_a_machine_that_would_become_too_large_is_refused():
    with pytest.raises(ValueError, match="must need at most 20000 states. Received: "):
        Automaton.compile("(a|b)*a(a|b){16}", "ab")  # it has to remember 17 letters
