"""The fast learner of merges against the textbook's and against Hugging Face's `tokenizers`."""

import json
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from lmcourse.text.corpora import sanguo, shakespeare
from lmcourse.text.merges import BYTES, IDS, LETTERS, PIECES, learn_merges, replace_pair

texts = st.text(st.characters(exclude_categories=["Cs"]))


def textbook(counts, number):
    """Count every pair anew before every merge; of equals the smallest pair wins."""
    words = {piece: list(piece.encode().translate(IDS)) for piece in counts}
    merges = []
    while len(merges) < number:
        totals = Counter()
        for piece, word in words.items():
            for pair in pairwise(word):
                totals[pair] += counts[piece]
        if not totals:
            break
        best = min(totals, key=lambda pair: (-totals[pair], pair))
        merges.append(best)
        for piece, word in words.items():
            result = []
            for id in word:
                result.append(id)
                if tuple(result[-2:]) == best and len(result) > 1:
                    result[-2:] = [255 + len(merges)]
            words[piece] = result
    return merges


def hugging_face(text, number):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=256 + number, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([text], trainer)
    return json.loads(tokenizer.to_str())["model"]


def spelled(merges):
    letters = list(LETTERS)
    for left, right in merges:
        letters.append(letters[left] + letters[right])
    return [[letters[left], letters[right]] for left, right in merges]


def test_three_merges_by_hand():
    # es: 6 + 3 = 9; then est: 9; then of lo and ow (7 each) the smaller pair
    merges = learn_merges({"low": 5, "lower": 2, "newest": 6, "widest": 3}, 3)
    e, s, t, letter_l, o = (IDS[ord(letter)] for letter in "estlo")
    assert merges == [(e, s), (256, t), (letter_l, o)]


def test_equal_counts_fall_to_the_smaller_ids():
    a, b, c = (IDS[ord(letter)] for letter in "abc")
    assert learn_merges({"cb": 1, "ba": 1, "bc": 1}, 3) == [(b, a), (b, c), (c, b)]


def test_overlapping_pairs_merge_from_left_to_right():
    a = IDS[ord("a")]
    # a a a a a -> aa aa a -> aa aaa (both pairs stand once, and a is the smaller id) -> aaaaa
    assert learn_merges({"aaaaa": 1}, 9) == [(a, a), (256, a), (256, 257)]
    word = [1, 1, 1, 2, 1, 1, 1, 1]
    replace_pair(word, (1, 1), 9)
    assert word == [9, 1, 2, 9, 9]


def test_bytes_and_ids_are_inverse_and_every_byte_has_a_letter():
    assert sorted(BYTES) == list(range(256))
    assert bytes(range(256)).translate(IDS).translate(BYTES) == bytes(range(256))
    assert LETTERS[IDS[ord("A")]] == "A" and LETTERS[IDS[ord(" ")]] == "Ġ"
    assert sorted(LETTERS) == sorted(pre_tokenizers.ByteLevel.alphabet())


@given(texts)
def test_pieces_joined_are_the_text(text):
    assert "".join(PIECES.findall(text)) == text


@given(st.dictionaries(st.text("ab", min_size=1), st.integers(1, 9), max_size=8))
@settings(max_examples=300)
def test_merges_are_the_textbooks_on_many_ties(counts):
    assert learn_merges(counts, 40) == textbook(counts, 40)


@given(st.dictionaries(texts.filter(len), st.integers(1, 9), max_size=8))
def test_merges_are_the_textbooks_on_any_text(counts):
    assert learn_merges(counts, 20) == textbook(counts, 20)


@pytest.mark.parametrize("corpus", [shakespeare, sanguo])
def test_merges_are_the_textbooks_on_real_text(corpus):
    counts = Counter(PIECES.findall(corpus().text("validation")[:10_000]))
    assert learn_merges(counts, 60) == textbook(counts, 60)


@pytest.mark.parametrize("corpus", [shakespeare, sanguo])
def test_a_megabyte_gives_the_1024_merges_and_ids_of_hugging_face(corpus):
    text = corpus().text("train").encode()[:1_000_000].decode("utf-8", "ignore")
    merges = learn_merges(Counter(PIECES.findall(text)), 1024)
    assert len(merges) == 1024
    reference = hugging_face(text, 1024)
    assert spelled(merges) == reference["merges"]
    ids = LETTERS + [left + right for left, right in spelled(merges)]
    assert reference["vocab"] == {token: id for id, token in enumerate(ids)}
