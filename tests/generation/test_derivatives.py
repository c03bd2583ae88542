"""What is left of a regular expression after a character, by hand and by its laws."""

import pytest

from lmcourse.generation.derivatives import Expressions
from lmcourse.generation.patterns import read_pattern


@pytest.mark.parametrize(
    ("pattern", "character", "left"),
    [
        ("ab*|c", "a", "b*"),
        ("ab*|c", "c", ""),
        ("ab*|c", "b", "∅"),
        ("(ab)*", "a", "b(ab)*"),
        ("a*ab", "a", "a*ab|b"),
        ("a?b", "b", ""),
        ("(a|b)c", "b", "c"),
        ("a{2,3}", "a", "aa?"),
        ("[^a]b", "c", "b"),
        ("(ab|ac)", "a", "b|c"),
    ],
)
def test_derivatives_by_hand(pattern, character, left):
    expressions = Expressions("abc")
    rest = expressions.derivative(read_pattern(pattern, expressions), character)
    assert expressions.show(rest) == left


def test_equal_remainders_are_one_expression():
    abc = Expressions("abc")
    a, b = abc.one("a"), abc.one("b")
    assert abc.either([a, a]) == a and abc.either([a, b]) == abc.either([b, a])
    assert abc.either([a, abc.either([b, a])]) == abc.either([a, b])
    assert abc.either([a, abc.nothing]) == a and abc.either([]) == abc.nothing
    assert abc.then(a, abc.empty) == a == abc.then(abc.empty, a)
    assert abc.then(a, abc.nothing) == abc.nothing == abc.then(abc.nothing, a)
    assert abc.then(abc.then(a, b), a) == abc.then(a, abc.then(b, a))
    assert abc.star(abc.star(a)) == abc.star(a) and abc.star(abc.nothing) == abc.empty


def test_a_character_outside_the_alphabet_can_not_come():
    abc = Expressions("abc")
    assert abc.one("xyz") == abc.nothing and abc.one("xb") == abc.one("b")


def test_which_expressions_may_end():
    abc = Expressions("abc")
    for pattern, ends in {
        "": 1,
        "a": 0,
        "a*": 1,
        "a?b?": 1,
        "a?b": 0,
        "a|b*": 1,
        "(a*)*": 1,
    }.items():
        assert abc.may_end(read_pattern(pattern, abc)) == bool(ends), pattern
    assert not abc.may_end(abc.nothing)
