"""Are words that mean similar things neighbours? Ratings, relatives and analogies for word vectors.

Knows nothing of how the vectors were made: words and a matrix are all it is given.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache

import numpy as np

from lmcourse.packages import DATA, installed_file

WORDSIM = (
    "gensim",
    "gensim/test/test_data/wordsim353.tsv",
    "f92a022fc2537793a15bc3a8c162ebcd74990e033a228bb6388cb71e4c0b1e1d",
)
RELATIVES = DATA / "relatives.json"


class WordVectors:
    """Words with one vector each, compared by the cosine of the angle between them.

    Args:
        words: V different words.
        vectors: their vectors, `(V, D)`, none of them all zeros.

    Raises:
        ValueError: if a word comes twice, there is not one vector for each word, or a vector has
            no direction.

    Example:
        >>> vectors = WordVectors(["cat", "dog", "car"], [[3.0, 1.0], [2.0, 1.0], [0.0, 5.0]])
        >>> vectors.nearest("cat", 1)
        ['dog']
        >>> round(vectors.cosine("cat", "car"), 3)
        0.316
    """

    def __init__(self, words: Sequence[str], vectors: np.ndarray):
        vectors = np.asarray(vectors, np.float64)
        if vectors.ndim != 2 or len(vectors) != len(words) or len(set(words)) != len(words):
            raise ValueError(
                "`vectors` must be (V, D), one row for each of V different words. "
                f"Received: {vectors.shape=}, {len(words)} words, {len(set(words))} different"
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(lengths) & (lengths > 0)).all():
            raise ValueError("Every vector must have a direction. Received: one that is 0 or nan")
        self.words, self.unit = list(words), vectors / lengths
        self._row = {word: row for row, word in enumerate(self.words)}

    def __contains__(self, word: str) -> bool:
        return word in self._row

    def __getitem__(self, word: str) -> np.ndarray:
        if word not in self._row:
            raise ValueError(f"A word must be in the vocabulary. Received: {word!r}")
        return self.unit[self._row[word]]

    def cosine(self, one: str, other: str) -> float:
        """Measure how alike two words are: 1 for the same direction, 0 for a right angle."""
        return float(self[one] @ self[other])

    def nearest(self, word: str, count: int = 10) -> list[str]:
        """List the words at the smallest angles to a word, the nearest first, itself left out."""
        return self._around(self[word], count, {word})

    def analogy(self, a: str, b: str, c: str, count: int = 1) -> list[str]:
        """Answer "a is to b as c is to ...": the nearest to b - a + c, the three left out.

        Source: Mikolov, Yih & Zweig (2013), "Linguistic regularities in continuous space word
            representations".
        """
        return self._around(self[b] - self[a] + self[c], count, {a, b, c})

    def _around(self, vector, count, without):
        scores = self.unit @ vector
        last = min(count + len(without), len(scores)) - 1
        best = np.argpartition(-scores, last)[: last + 1]  # unsorted; sorting all is slow
        order = best[np.argsort(-scores[best], kind="stable")]
        return [self.words[row] for row in order if self.words[row] not in without][:count]


def spearman(one: Sequence[float], other: Sequence[float]) -> float:
    """Correlate two rankings: 1 if both put everything in the same order, -1 if in the opposite.

    It is the ordinary correlation of the ranks; equal values share the mean of their ranks.

    Raises:
        ValueError: if there are not at least two values each, or one side is all equal.

    Example:
        >>> round(spearman([1, 2, 3, 4], [10, 20, 40, 30]), 6)
        0.8

    Reference: Spearman (1904), "The proof and measurement of association between two things".
    """
    if len(one) != len(other) or len(one) < 2 or min(len(set(one)), len(set(other))) < 2:
        raise ValueError(
            "`spearman` compares two series of the same length, not all equal. "
            f"Received: {len(one)} and {len(other)} values, "
            f"{len(set(one))} and {len(set(other))} different"
        )
    return float(np.corrcoef(ranks(one), ranks(other))[0, 1])


def ranks(values: Sequence[float]) -> np.ndarray:
    """Number values from the smallest, 1, upwards; equal ones share the mean: `(N,) -> (N,)`.

    Example:
        >>> ranks([30, 10, 20, 20])
        array([4. , 1. , 2.5, 2.5])
    """
    _, which, count = np.unique(np.asarray(values), return_inverse=True, return_counts=True)
    last = count.cumsum()
    return (last - (count - 1) / 2)[which]


@cache
def word_similarity() -> tuple[tuple[str, str, float], ...]:
    """WordSim-353: pairs of English words, lower-cased, and how alike people found them, 0 to 10.

    >>> len(word_similarity()), word_similarity()[1]
    (353, ('tiger', 'cat', 7.35))

    Source: Finkelstein, Gabrilovich, Matias, Rivlin, Solan, Wolfman & Ruppin (2002), "Placing
        search in context: the concept revisited".
    """
    lines = installed_file(*WORDSIM).read_text(encoding="utf-8").splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    return tuple((one.lower(), other.lower(), float(rating)) for one, other, rating in rows)


def human_correlation(vectors: WordVectors) -> tuple[float, int]:
    """Compare cosines with people's ratings: Spearman's correlation, and on how many pairs.

    Pairs with a word that has no vector are left out. Raises ValueError if fewer than two are left.
    """
    known = [row for row in word_similarity() if row[0] in vectors and row[1] in vectors]
    cosines = [vectors.cosine(one, other) for one, other, _ in known]
    return spearman(cosines, [rating for _, _, rating in known]), len(known)


def relatives(language: str) -> dict[str, list[str]]:
    """Twenty words, each with its relatives, as a person listed them: `"en"` or `"zh"`.

    >>> relatives("en")["king"][:3]
    ['queen', 'emperor', 'prince']
    """
    return _lists(language)["relatives"]


def analogies(language: str) -> dict[str, list[list[str]]]:
    """Groups of word pairs that stand in the same relation; any two make an analogy.

    >>> analogies("zh")["反义"][0]
    ['大', '小']
    """
    return _lists(language)["analogies"]


def relatives_found(vectors: WordVectors, listed: Mapping, count: int = 10) -> dict[str, list[str]]:
    """Say which listed relatives are among the nearest `count` of each word; none if it is unknown.

    >>> vectors = WordVectors(["cat", "dog", "car"], [[3.0, 1.0], [2.0, 1.0], [0.0, 5.0]])
    >>> relatives_found(vectors, {"cat": ["dog", "lion"], "car": ["bus"], "pea": ["bean"]}, 1)
    {'cat': ['dog'], 'car': [], 'pea': []}
    """
    near = {word: vectors.nearest(word, count) if word in vectors else [] for word in listed}
    return {word: [w for w in near[word] if w in friends] for word, friends in listed.items()}


def analogies_solved(vectors: WordVectors, pairs: Sequence[Sequence[str]]) -> tuple[int, int]:
    """Ask for every two pairs of a group; count the right answers, and the questions.

    Pairs with a word that has no vector are left out.

    >>> vectors = WordVectors(list("abcd"), [[1.0, 0.0], [1.0, 1.0], [-1.0, 0.2], [-1.0, 1.2]])
    >>> analogies_solved(vectors, [("a", "b"), ("c", "d")])
    (2, 2)
    """
    known = [pair for pair in pairs if pair[0] in vectors and pair[1] in vectors]
    questions = [(*p, *q) for p in known for q in known if p is not q]
    right = sum(vectors.analogy(a, b, c) == [d] for a, b, c, d in questions)
    return right, len(questions)


@cache
def _all_lists() -> dict:
    return json.loads(RELATIVES.read_text(encoding="utf-8"))


def _lists(language):
    if language not in _all_lists():
        raise ValueError(f'`language` must be "en" or "zh". Received: language={language!r}')
    return _all_lists()[language]
