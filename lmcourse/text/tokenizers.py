"""Characters and words as numbers; knows nothing about bytes, models or batches.

A tokenizer is a two-way map. `encode` turns a text into ids, `decode` turns ids back into text, and
joining the tokens always gives the text again, spaces and all. That is what makes bits per
*character* comparable: every tokenizer here pays for the whole text. The one loss is deliberate:
what is not in the vocabulary becomes `<unk>` and can't be recovered.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
import regex

from lmcourse.text.checks import check_ids, check_text, read_json, write_json

UNKNOWN = "<unk>"

# A word takes the single space before it along, and an apostrophe inside it: " don't" is one token.
# Every character falls under exactly one of the three cases, so nothing is ever dropped.
WORDS = regex.compile(r" ?\w+(?:['’]\w+)*| ?[^\w\s]|\s")


class _TableTokenizer:
    """The two-way map of characters and of words: a dict to the ids, a list back."""

    def __init__(self, vocabulary):
        self.vocabulary = list(vocabulary)
        rule = f"The vocabulary of a {type(self).__name__} must be"
        if not self.vocabulary:
            raise ValueError(f"{rule} at least one symbol. Received: none")
        for id, symbol in enumerate(self.vocabulary):
            unknown = id == 0 and symbol == UNKNOWN
            if not (unknown or (isinstance(symbol, str) and self._is_symbol(symbol))):
                raise ValueError(f"{rule} {self._symbols}. Received: {symbol!r} as id {id}")
        check_text("".join(self.vocabulary), "vocabulary")
        self._ids = {symbol: id for id, symbol in enumerate(self.vocabulary)}
        if len(self._ids) < len(self.vocabulary):
            twice, _ = Counter(self.vocabulary).most_common(1)[0]
            raise ValueError(f"{rule} distinct symbols. Received: {twice!r} more than once")

    @property
    def vocabulary_size(self) -> int:
        """The number of ids, V."""
        return len(self.vocabulary)

    def encode(self, text: str) -> np.ndarray:
        """Turn text into ids `(T,)`; without `<unk>`, a symbol never seen raises `ValueError`."""
        check_text(text)
        symbols, unknown = self.split(text), self._ids.get(UNKNOWN)
        if unknown is not None:
            return np.array([self._ids.get(symbol, unknown) for symbol in symbols], np.int64)
        try:
            return np.array([self._ids[symbol] for symbol in symbols], np.int64)
        except KeyError as error:
            symbol = error.args[0]
            position = sum(map(len, symbols[: symbols.index(symbol)]))
            raise ValueError(
                "`text` must consist of symbols of the vocabulary, which has no `<unk>`. "
                f"Received: {symbol!r} (U+{ord(symbol[0]):04X}) at position {position}"
            ) from None

    def decode(self, ids) -> str:
        """Turn ids `(T,)` back into text; an unknown symbol stays visible as `<unk>`."""
        ids = check_ids(ids, self.vocabulary_size)
        return "".join([self.vocabulary[id] for id in ids])

    def save(self, path) -> None:
        """Write the vocabulary to `path` as JSON, whole or not at all."""
        write_json(path, {"kind": type(self).__name__, "vocabulary": self.vocabulary})

    @classmethod
    def load(cls, path):
        """Read a tokenizer that `save` wrote; raise `ValueError` if the file is anything else."""
        vocabulary = read_json(path, cls.__name__, ("vocabulary",))["vocabulary"]
        if not isinstance(vocabulary, list):
            raise ValueError(
                f"'vocabulary' must be a list. Received: {path} with {vocabulary!r:.40}"
            )
        return cls(vocabulary)


class CharacterTokenizer(_TableTokenizer):
    """One id per Unicode code point, in sorted order.

    >>> tokenizer = CharacterTokenizer.train("banana")
    >>> tokenizer.vocabulary
    ['a', 'b', 'n']
    >>> tokenizer.encode("nab").tolist()
    [2, 0, 1]
    >>> tokenizer.decode([1, 0, 2])
    'ban'
    """

    _symbols = "single characters, or '<unk>' as the first"

    @classmethod
    def train(cls, text: str, unknown: bool = False) -> CharacterTokenizer:
        """Collect the characters of `text`; with `unknown`, id 0 is `<unk>`, for all the others."""
        check_text(text, empty=False)
        return cls([UNKNOWN] * unknown + sorted(set(text)))

    @staticmethod
    def split(text: str) -> list[str]:
        """Cut text into its code points."""
        return list(text)

    @staticmethod
    def _is_symbol(symbol: str) -> bool:
        return len(symbol) == 1


class WordTokenizer(_TableTokenizer):
    """One id per word, mark or white space; id 0 is `<unk>`, then the most frequent first.

    A word keeps the single space before it, so decoding restores the text unless a word is unknown.
    Chinese has no spaces: cut the text into words first (`lmcourse.text.segmentation`).

    >>> tokenizer = WordTokenizer.train("to be, or not to be", vocabulary_size=5)
    >>> tokenizer.vocabulary
    ['<unk>', ' be', ' not', ' or', ' to']
    >>> tokenizer.split("be, or not")
    ['be', ',', ' or', ' not']
    >>> tokenizer.decode(tokenizer.encode("not to be, or not"))
    '<unk> to be<unk> or not'
    """

    _symbols = "single words, or '<unk>' as the first"

    @classmethod
    def train(
        cls, text: str, minimum_count: int = 1, vocabulary_size: int | None = None
    ) -> WordTokenizer:
        """Keep the words seen `minimum_count` times or more, the most frequent that fit."""
        check_text(text, empty=False)
        if minimum_count < 1:
            raise ValueError(
                f"`minimum_count` must be at least 1. Received: minimum_count={minimum_count}"
            )
        if vocabulary_size is not None and vocabulary_size < 2:
            raise ValueError(
                "`vocabulary_size` must be at least 2, `<unk>` and one word. "
                f"Received: vocabulary_size={vocabulary_size}"
            )
        counts = Counter(cls.split(text))
        ranked = sorted(counts, key=lambda word: (-counts[word], word))
        kept = [word for word in ranked if counts[word] >= minimum_count]
        return cls([UNKNOWN, *kept[: None if vocabulary_size is None else vocabulary_size - 1]])

    @staticmethod
    def split(text: str) -> list[str]:
        """Cut text into words, marks and white space; joined, they are the text."""
        return WORDS.findall(text)

    @classmethod
    def _is_symbol(cls, symbol: str) -> bool:
        return cls.split(symbol) == [symbol]
