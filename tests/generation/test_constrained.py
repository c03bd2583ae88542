"""Whatever the model wants, what is written fits: JSON parses, and nothing runs into a dead end."""

import json
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_array_equal

from lmcourse.generation.beam import beam_search
from lmcourse.generation.constrained import Constraint, json_pattern, spellings
from lmcourse.generation.sampling import generate
from lmcourse.text.bytepair import BytePairTokenizer
from lmcourse.text.tokenizers import CharacterTokenizer

CHARACTERS = ["", "\n", *map(chr, range(32, 127)), "é", "中"]
PIECES = [
    *CHARACTERS,
    '{"',
    '": ',
    '", "',
    "true",
    "nul",
    "}}",
    "]]",
    " the",
    "12",
    '"]}',
    "\\",
    '\\"',
]
PIECES = list(dict.fromkeys(PIECES))
END = 1  # the line break
JSON = {depth: Constraint(json_pattern(depth), PIECES, END) for depth in range(4)}


def noise(seed, V, scale=3.0):
    """A model that knows nothing: random logits at every step."""
    rng = np.random.default_rng(seed)
    return lambda ids: scale * rng.normal(size=(*ids.shape, V))


def written(mask, seed, length, texts=PIECES, **options):
    rng = np.random.default_rng(seed)
    ids = generate(noise(seed, len(texts)), [5], length, rng, end_id=END, mask=mask, **options)
    return ids[1:], "".join(texts[id] for id in ids[1:-1])


@settings(max_examples=60)
@given(st.integers(0, 10**6), st.integers(0, 3), st.integers(2, 60), st.sampled_from([0.1, 1, 5]))
def test_every_text_of_a_random_model_is_json(seed, depth, length, temperature):
    ids, text = written(JSON[depth], seed, length, temperature=temperature)
    assert ids[-1] == END and len(ids) <= length
    json.loads(text)


def nesting(value):
    if isinstance(value, dict | list):
        inside = value.values() if isinstance(value, dict) else value
        return 1 + max(map(nesting, inside), default=0)
    return 0


def test_json_is_as_deep_as_it_may_be_and_no_deeper():
    texts = [written(JSON[2], seed, 80)[1] for seed in range(200)]
    depths = [nesting(json.loads(text)) for text in texts]
    assert set(depths) == {0, 1, 2}


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text([c for c in CHARACTERS if c not in ("", "\n")]),
    lambda inside: st.lists(inside, max_size=3)
    | st.dictionaries(st.text("ab c"), inside, max_size=3),
    max_leaves=6,
)  # fmt: skip


@given(json_values)
def test_whatever_python_writes_as_json_is_allowed(value):
    matches = JSON[3].automaton.matches
    fits = nesting(value) <= 3
    for separators in ((", ", ": "), (",", ":")):
        assert matches(json.dumps(value, ensure_ascii=False, separators=separators)) == fits


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[1,]",
        "{1: 2}",
        "01",
        "1.",
        "-",
        ".5",
        "+1",
        "nulll",
        '"a',
        "'a'",
        '"\\x"',
        '{"a" 1}',
        "[1 2]",
        "True",
        '"\n"',
        "[[[[1]]]]",
        "1 ",
        "[ 1]",
    ],  # fmt: skip
)
def test_what_is_no_json_or_not_written_so_is_not_allowed(text):
    assert not JSON[3].automaton.matches(text)


DATE = r"(19|20)\d{2}-(0[1-9]|1[0-2])-[0-3]\d"


@given(st.integers(0, 10**6), st.sampled_from([DATE, "(ab|cd)*e", "[^aeiou ]{3,9}", "a|bb|中é"]))
def test_every_text_of_a_random_model_fits_the_pattern(seed, pattern):
    _, text = written(Constraint(pattern, PIECES, END), seed, 20)
    assert re.fullmatch(pattern, text)


@given(st.integers(0, 10**6), st.integers(1, 4))
def test_every_text_of_a_beam_fits_and_finishes(seed, width):
    constraint = Constraint(DATE + "|never", PIECES, END)
    found = beam_search(
        noise(seed, len(PIECES)), [5], 11, width, end_id=END, mask=constraint, length_penalty=1.0
    )
    assert found
    for h in found:
        assert h.finished
        assert re.fullmatch(DATE + "|never", "".join(PIECES[id] for id in h.ids[:-1]))


def test_a_token_of_several_characters_is_allowed_if_all_of_it_can_be_read():
    words = ["", "\n", "a", "b", "ab", "ba", "abb", "aba", "c", "xab"]
    fits = Constraint("a(b|bb)c?", words, END)
    assert [words[i] for i in np.flatnonzero(fits([], 9))] == ["a", "ab", "abb"]
    assert [words[i] for i in np.flatnonzero(fits([4], 9))] == ["\n", "b", "c"]  # after "ab"
    assert_array_equal(fits([2, 3], 9), fits([4], 9))  # one text, two ways to cut it
    assert [words[i] for i in np.flatnonzero(fits([6], 9))] == ["\n", "c"]


def test_the_mask_counts_the_room_that_is_left():
    words = ["", "\n", "a", "b", "c"]
    fits = Constraint("a*bbb|c", words, END)
    assert [words[i] for i in np.flatnonzero(fits([], 5))] == ["a", "b", "c"]
    assert [words[i] for i in np.flatnonzero(fits([], 4))] == ["b", "c"]
    assert [words[i] for i in np.flatnonzero(fits([], 3))] == ["c"]
    with pytest.raises(ValueError, match="the room must be at least 2 tokens, .* Received: 1"):
        fits([], 1)


def test_a_character_that_is_no_token_by_itself_is_never_needed():
    # "x" comes only inside "ax": a text that needs it might have no way to end
    words = ["", "\n", "a", "b", "ax"]
    fits = Constraint("(a|b|x)+", words, END)
    assert [words[i] for i in np.flatnonzero(fits([], 9))] == ["a", "b"]
    with pytest.raises(ValueError, match="a text over the alphabet must fit"):
        Constraint("ax", words, END)


def test_the_end_is_never_part_of_the_text():
    fits = Constraint("[^a]*", ["", "\n", "a", "b"], END)
    assert fits([], 9).nonzero()[0].tolist() == [1, 3]
    assert not fits.automaton.matches("\n")


def test_ids_that_were_not_allowed_are_refused():
    with pytest.raises(ValueError, match="the ids must be a beginning of what fits"):
        JSON[1]([PIECES.index("}")], 9)


def test_a_mask_is_computed_once_for_each_state():
    fits = Constraint(json_pattern(1), PIECES, END)
    assert fits.moves(1) is fits.moves(1)


@pytest.mark.parametrize("end_id", [-1, 2])
def test_an_end_outside_the_vocabulary_is_refused(end_id):
    with pytest.raises(ValueError, match=f"`end_id` must be .* 1. Received: end_id={end_id}"):
        Constraint("a", ["a", "b"], end_id)


@pytest.mark.parametrize("depth", [-1, 5])
def test_json_of_another_depth_is_refused(depth):
    with pytest.raises(ValueError, match=f"`depth` must be from 0 to 4. Received: depth={depth}"):
        json_pattern(depth)


def test_the_spellings_of_tokens_that_no_text_stands_for_are_empty():
    characters = CharacterTokenizer.train("to <unk>", unknown=True)
    assert spellings(characters) == ["", " ", "<", ">", "k", "n", "o", "t", "u"]
    tokenizer = BytePairTokenizer.train("low lower lowest, slow slower slowest 慢慢", 266)
    texts = spellings(tokenizer)
    assert texts[tokenizer.encode("low")[0]] == "low" and "a" in texts
    assert all(tokenizer.encode(text).tolist() == [id] for id, text in enumerate(texts) if text)
    assert "\ufffd" not in texts and texts.count("") > 100  # bytes that are no character
