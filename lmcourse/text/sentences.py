"""Graded Chinese sentences with English translations; knows nothing of other corpora.

The Chinese comes with its words marked, so it also teaches and tests word segmentation.
"""

import json
import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache

from lmcourse.packages import installed_file
from lmcourse.text.encyclopedia import split_of

FILE = (
    "hsk-sentences-audio",
    "hsk_sentences_audio/data/sentences.json",
    "8f8ffd34eee29f395724ce060cad22511eeeabb7af731d5b5879dc0548e01660",
)


UNTRANSLATED = r"placeholder.*|PH|The exam is 近; .*"


@dataclass(frozen=True)
class SentencePair:
    """A Chinese sentence with its English translation, pinyin, words, HSK level 1-6 and topic.

    `words` is the sentence cut into words, punctuation included: joined, they are the sentence.
    """

    chinese: str
    english: str
    pinyin: str
    words: tuple[str, ...]
    level: int
    topic: str
    split: str


@cache
def hsk() -> tuple[SentencePair, ...]:
    """Graded sentences for learners of Chinese, with English translations.

    Entries of the package that are not translated yet ("placeholder", "PH") are left out.
    Sentences that say nearly the same share a split: equal English, or Chinese that differs by
    one character at most (from five characters on), case and punctuation aside.
    """
    with installed_file(*FILE).open(encoding="utf-8") as file:
        entries = json.load(file)
    entries = [e for e in entries if not re.fullmatch(UNTRANSLATED, e["translation"]["en"])]
    splits = _shared_splits([_likenesses(entry) for entry in entries])
    return tuple(
        SentencePair(
            chinese=entry["chinese"],
            english=entry["translation"]["en"],
            pinyin=entry["pinyin"],
            words=_with_punctuation(entry["chinese"], [t["word"] for t in entry["tokens"]]),
            level=entry["hsk_level"],
            topic=entry["topic"],
            split=split,
        )
        for entry, split in zip(entries, splits, strict=True)
    )


def _likenesses(entry: dict) -> list[str]:
    """The keys of a sentence: two sentences that share one must share a split."""
    chinese = re.sub(r"\W", "", entry["chinese"])
    english = re.sub(r"\W", "", entry["translation"]["en"]).lower()
    keys = ["zh " + chinese, "en " + english]
    if len(chinese) >= 5:  # one character more, less or other: equal once one is taken out
        keys += ["zh " + chinese[:i] + chinese[i + 1 :] for i in range(len(chinese))]
    return keys


def _shared_splits(keys: list[list[str]]) -> list[str]:
    """Gives items that share a key, directly or by way of others, one split."""
    items = defaultdict(list)
    for item, item_keys in enumerate(keys):
        for key in item_keys:
            items[key].append(item)
    splits: dict[int, str] = {}
    for first in range(len(keys)):
        waiting, split = [first], split_of(keys[first][0])
        while waiting:
            item = waiting.pop()
            if item not in splits:
                splits[item] = split
                waiting += [other for key in keys[item] for other in items[key]]
    return [splits[item] for item in range(len(keys))]


def _with_punctuation(sentence: str, words: list[str]) -> tuple[str, ...]:
    """Puts the punctuation of a sentence between its words."""
    pieces, position = [], 0
    for word in words:
        start = sentence.index(word, position)
        pieces += [*sentence[position:start], word]
        position = start + len(word)
    return (*pieces, *sentence[position:])
