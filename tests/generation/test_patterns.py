"""Patterns mean what Python's `re` says they mean, and what is not understood is named."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmcourse.generation.automaton import Automaton

ALPHABET = "ab1 _-\n]"

pieces = st.sampled_from(
    [
        "a",
        "b",
        "1",
        " ",
        ".",
        r"\d",
        r"\w",
        r"\s",
        "[ab]",
        "[^a]",
        "[a-b1]",
        r"\-",
        r"[\]\n]",
        r"\n",
    ]
    + ["[]a]", "[^]b]", "[-a]", "[a-]", "_", "]"]
)
patterns = st.recursive(
    pieces,
    lambda inner: st.one_of(
        st.builds("{}{}".format, inner, inner),
        st.builds("({}|{})".format, inner, inner),
        st.builds("({}){}".format, inner, st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}"])),
    ),
    max_leaves=8,
)


@given(patterns, st.lists(st.text(ALPHABET, max_size=6), min_size=20, max_size=20))
def test_every_pattern_matches_what_python_matches(pattern, texts):
    try:
        machine = Automaton.compile(pattern, ALPHABET)
    except ValueError as error:  # no text over this small alphabet fits
        assert "must fit the pattern" in str(error)
        assert not any(re.fullmatch(pattern, text) for text in texts)
        return
    for text in texts:
        assert machine.matches(text) == bool(re.fullmatch(pattern, text)), (pattern, text)


def test_a_dot_is_any_character_but_a_line_break():
    machine = Automaton.compile(".", "a\n")
    assert machine.matches("a") and not machine.matches("\n")


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("a)", r"`\)` must close a `\(`. Received: 'a'"),
        ("(a", r"`\(` must be closed by `\)`. Received: '\(a'"),
        ("*a", r"`\*` must stand after something"),
        ("^a", r"`\^` must stand after something, or after a backslash"),
        ("a**", "a repetition must not follow a repetition. Received: 'a\\*'"),
        ("a*?", "a repetition must not follow a repetition"),
        ("a{2", "a repetition must be `{m}`, `{m,}` or `{m,n}` with m <= n"),
        ("a{3,2}", "a repetition must be .* with m <= n"),
        ("a{x}", "how often must be a number up to 500"),
        ("a{501}", "how often must be a number up to 500. Received: 'a{501'"),
        ("[ab", "a pattern must not end here. Received: '\\[ab'"),
        ("a\\", "a pattern must not end here"),
        ("[b-a]", "a range must be `a-z`, from the smaller to the larger"),
        (r"\q", "after a backslash must stand d, w, s, n, t or a mark"),
    ],
)
def test_what_is_not_understood_is_named(pattern, message):
    with pytest.raises(ValueError, match=message):
        Automaton.compile(pattern, "abc")
