"""The sentence pairs: complete, cut into words, and without leaks between splits."""

import re
from collections import defaultdict

import pytest

from lmcourse.text import sentences
from lmcourse.text.encyclopedia import split_of
from lmcourse.text.sentences import hsk


def test_a_pair_by_hand():
    pair = hsk()[100]
    assert pair.chinese == "图书馆在学校里边。"
    assert pair.english == "The library is inside the school."
    assert pair.words == ("图书馆", "在", "学校", "里边", "。")
    assert pair.pinyin == "tú shū guǎn zài xué xiào lǐ bian"
    assert (pair.level, pair.topic) == (1, "location")


def test_every_pair_is_complete():
    for pair in hsk():
        assert pair.chinese and pair.english and pair.pinyin and pair.topic
        assert re.match(r"[A-Z]", pair.english) and pair.english[-1] in ".?!'"
        assert pair.level in range(1, 7)


def test_words_joined_are_the_sentence_and_punctuation_stands_alone():
    for pair in hsk():
        assert "".join(pair.words) == pair.chinese
        assert all(word.isalnum() or len(word) == 1 for word in pair.words)


def test_splits_are_about_80_10_10():
    splits = [pair.split for pair in hsk()]
    shares = [splits.count(split) / len(splits) for split in ("train", "validation", "test")]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.02)


def bare(sentence):
    return re.sub(r"\W", "", sentence).lower()


def test_equal_sentences_share_a_split():
    for attribute in ("chinese", "english"):
        splits = defaultdict(set)
        for pair in hsk():
            splits[bare(getattr(pair, attribute))].add(pair.split)
        assert all(len(found) == 1 for found in splits.values())


def test_sentences_one_character_apart_share_a_split():
    """A slower rule than the code's: cut the sentences at one place, compare what stands around."""
    around = defaultdict(set)
    for pair in hsk():
        text = bare(pair.chinese)
        if len(text) >= 5:
            for i in range(len(text)):
                around[text[:i], text[i + 1 :]].add((text, pair.split))
    pairs = [found for found in around.values() if len({text for text, _ in found}) > 1]
    assert pairs and all(len({split for _, split in found}) == 1 for found in pairs)


def test_likeness_travels_from_item_to_item():
    keys = [["a"], ["b"], ["c", "a"], ["d"], ["b", "c"]]
    splits = sentences._shared_splits(keys)
    assert splits[0] == splits[1] == splits[2] == splits[4] == split_of("a")
    assert splits[3] == split_of("d")


def test_a_short_sentence_is_not_like_its_neighbours():
    entry = {"chinese": "他来了。", "translation": {"en": "He came."}}
    assert sentences._likenesses(entry) == ["zh 他来了", "en hecame"]
    entry["chinese"] = "他已经来了。"
    assert "zh 已经来了" in sentences._likenesses(entry)
