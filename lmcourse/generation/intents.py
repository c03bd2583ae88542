"""A customer-service bot that knows what is wanted or hands over; knows no language model.

A message becomes a row of numbers, sentence vectors for English or character n-grams for Chinese,
and one softmax (lesson 03) chooses among the intents. Below a threshold nobody is chosen: a wrong
answer costs more than a human's minute.

Axis letters: N messages, F features, I intents.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lmcourse.packages import DATA
from lmcourse.reference.softmax import cross_entropy_gradient, softmax

FILE = DATA / "intents.json"
LANGUAGES = ("en", "zh")


@dataclass(frozen=True)
class Message:
    """What a customer wrote and what was meant; "other" if it was nothing that the shop does."""

    text: str
    intent: str
    split: str


def messages(language: str) -> list[Message]:
    """The labelled messages in one language, with those of no intent; every fifth is for the test.

    >>> found = messages("zh")
    >>> found[0], len(found)
    (Message(text='我的快递到哪儿了？', intent='track', split='train'), 264)
    """
    _check(language)
    content = json.loads(FILE.read_text(encoding="utf-8"))
    return [
        Message(text, name, "test" if number % 5 == 0 or name == "other" else "train")
        for name, known in {**content["intents"], "other": content["other"]}.items()
        for number, text in enumerate(known[language], start=1)
    ]


def answers(language: str) -> dict[str, str]:
    """What the bot says to each intent.

    >>> answers("en")["address"]
    'I can change the address until the parcel is shipped. What is the order number, and the new \
address?'
    """
    _check(language)
    intents = json.loads(FILE.read_text(encoding="utf-8"))["intents"]
    return {name: known["answer"][language] for name, known in intents.items()}


class CharacterNgrams:
    """Turn texts into rows of length 1: which runs of 1 to `longest` characters stand in them.

    Rare runs count more: log(N / texts with the run). Chinese needs no words for it.

    >>> ngrams = CharacterNgrams(["我要退货", "我要改地址"], longest=2)
    >>> ngrams(["退货"]).round(2).max()
    np.float64(0.58)
    >>> float(abs(ngrams(["全不相干"])).max())
    0.0
    """

    def __init__(self, texts: Sequence[str], longest: int = 3):
        self.longest = longest
        seen = Counter(run for text in texts for run in set(self._runs(text)))
        self.columns = {run: column for column, run in enumerate(sorted(seen))}
        self.rarity = np.log((1 + len(texts)) / np.array([seen[run] for run in sorted(seen)]))

    def _runs(self, text: str) -> list[str]:
        text = "".join(text.lower().split())
        sizes = range(1, self.longest + 1)
        return [text[n : n + size] for size in sizes for n in range(len(text) - size + 1)]

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        """Turn texts into features `(N, F)`; a text of unknown runs alone is all zeros."""
        rows = np.zeros((len(texts), len(self.columns)))
        for row, text in zip(rows, texts, strict=True):
            for run in self._runs(text):
                if run in self.columns:
                    row[self.columns[run]] += self.rarity[self.columns[run]]
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return rows / np.where(lengths == 0, 1, lengths)


class IntentClassifier:
    """Softmax over intents from any features: learn from examples, or admit not to know.

    Args:
        features: texts -> `(N, F)`, rows of length 1.
        threshold: the probability below which the answer is None.
        decay: pulls the weights towards 0; the smaller, the surer the answers.

    >>> texts = ["我要退货", "想退货", "改地址", "地址错了"]
    >>> bot = IntentClassifier(CharacterNgrams(texts), threshold=0.6)
    >>> bot.learn(texts, ["return", "return", "address", "address"])
    >>> [bot.intent(text) for text in ("怎么退货", "换个地址", "你好")]
    ['return', 'address', None]
    """

    def __init__(
        self,
        features: Callable[[Sequence[str]], np.ndarray],
        threshold: float = 0.5,
        decay: float = 1e-3,
    ):
        if not 0 <= threshold <= 1:
            raise ValueError(
                f"`threshold` must be between 0 and 1. Received: threshold={threshold}"
            )
        self.features, self.threshold, self.decay = features, threshold, decay
        self.intents: list[str] = []

    def learn(self, texts: Sequence[str], intents: Sequence[str], steps: int = 300) -> None:
        """Fit the weights by gradient descent, from zero: the same texts give the same weights.

        Raises ValueError unless there are texts, one intent for each, and two intents at least.
        """
        if len(texts) != len(intents) or len(set(intents)) < 2:
            raise ValueError(
                "there must be an intent for each text, and two different ones. "
                f"Received: {len(texts)} texts, {len(intents)} intents, {len(set(intents))} kinds"
            )
        self.intents = sorted(set(intents))
        targets = np.array([self.intents.index(name) for name in intents])
        x = _with_one(self.features(texts))
        self.weights = np.zeros((x.shape[1], len(self.intents)))
        moving = np.zeros_like(self.weights)
        for _ in range(steps):  # gradient descent with momentum (lesson 03)
            gradient = x.T @ cross_entropy_gradient(x @ self.weights, targets)
            moving = 0.9 * moving - 2.0 * (gradient + self.decay * self.weights)
            self.weights += moving

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """How probable each intent is, in the order of `intents`: `(N, I)`."""
        if not self.intents:
            raise ValueError("a classifier must learn before it answers. Received: no examples yet")
        return softmax(_with_one(self.features(texts)) @ self.weights)

    def intent(self, text: str) -> str | None:
        """The most probable intent, or None where no one is probable enough: hand over."""
        (p,) = self.probabilities([text])
        return self.intents[int(p.argmax())] if p.max() >= self.threshold else None


def _with_one(features: np.ndarray) -> np.ndarray:
    """Add a column of ones, whose weights are the bias."""
    return np.hstack([features, np.ones((len(features), 1))])


def _check(language: str) -> None:
    if language not in LANGUAGES:
        raise ValueError(f"`language` must be one of {LANGUAGES}. Received: language={language!r}")
