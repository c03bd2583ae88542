"""Find the articles that a question is about, by words and by vectors, and say who said what.

Knows no chat model; sentence vectors come from outside. Those of the 10,033 articles of `wiki`
would take a laptop some minutes, so they lie in `data/wiki_vectors.npz` (128 of 384 directions,
one byte a number). Who has changed the encoder makes the file again:
`python -m lmcourse.generation.retrieval`.

Axis letters: N articles, D numbers of a vector.
"""

from __future__ import annotations

import re
import zipfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np

from lmcourse.packages import DATA
from lmcourse.text.checks import whole_file
from lmcourse.text.encyclopedia import Article, wiki

FILE = DATA / "wiki_vectors.npz"
KEPT = 128  # directions
WORD = re.compile(r"\w+")
NUMBER_OR_WORD = re.compile(r"\d+(?:[.,]\d+)*|\w+")
SENTENCE_END = re.compile(r"(?<=[a-z\d)\]'\"]{2}[.!?]) +(?=[A-Z\"'])")
# Words that stand in any sentence: they say nothing about what it rests on.
COMMON = frozenset(
    "a an and are as at be been but by can did do does for from had has have he her his how i if "
    "in into is it its more most not of on one or she some such than that the their them then "
    "there these they this to was we were what when where which who why will with would you your"
    "".split()
)


def sentences(text: str) -> list[str]:
    """Cut English text into sentences, at a mark with a capital letter behind it.

    >>> sentences("He was born in St. Petersburg. He died in Paris! Why?")
    ['He was born in St. Petersburg.', 'He died in Paris!', 'Why?']
    """
    return [part for part in SENTENCE_END.split(" ".join(text.split())) if part]


def passage(article: Article, longest: int = 400) -> str:
    """The first sentences of an article, up to `longest` characters: what a model gets to read.

    >>> passage(Article("Bigram", "A bigram is a pair. It has two parts.", "train"), longest=25)
    'A bigram is a pair.'
    """
    kept = ""
    for sentence in sentences(article.text):
        if kept and len(kept) + 1 + len(sentence) > longest:
            break
        kept = f"{kept} {sentence}".strip()
    return kept[:longest]


def entry(article: Article) -> str:
    """What is searched: the title and the first sentence.

    >>> entry(Article("Bigram", "A bigram is a pair. It has two parts.", "train"))
    'Bigram. A bigram is a pair.'
    """
    return f"{article.title}. {''.join(sentences(article.text)[:1])}"


class WordIndex:
    """Search by words: rare ones count more, repeated ones less and less, long texts pay (BM25).

    >>> index = WordIndex(["a red house", "a red red car", "the blue car"])
    >>> index.search("red car")
    [(1, 1.06), (0, 0.49), (2, 0.49)]

    Reference: Robertson & Zaragoza (2009), "The probabilistic relevance framework".
    """

    def __init__(self, texts: Sequence[str], saturation: float = 1.5, length_share: float = 0.75):
        counts = [Counter(WORD.findall(text.lower())) for text in texts]
        lengths = np.array([sum(count.values()) for count in counts], dtype=float)
        pays = saturation * (1 - length_share + length_share * lengths / lengths.mean())
        places = defaultdict(list)
        for row, count in enumerate(counts):
            for word, times in count.items():
                places[word].append((row, times * (saturation + 1) / (times + pays[row])))
        self.size, self.places = len(texts), places

    def search(self, query: str, k: int = 5) -> list[tuple[int, float]]:
        """The `k` best rows and their scores, the best first; the smaller row on a tie."""
        scores = np.zeros(self.size)
        for word in set(WORD.findall(query.lower())):
            found = self.places.get(word, ())
            rarity = np.log(1 + (self.size - len(found) + 0.5) / (len(found) + 0.5))
            for row, weight in found:
                scores[row] += rarity * weight
        return _best(scores, k)


class VectorIndex:
    """Search by meaning: the largest products with vectors of length 1.

    >>> index = VectorIndex(np.array([[1.0, 0.0], [0.6, 0.8]]))
    >>> index.search(np.array([0.0, 1.0]))
    [(1, 0.8), (0, 0.0)]
    """

    def __init__(self, vectors: np.ndarray):
        self.vectors = np.asarray(vectors, dtype=np.float32)

    def search(self, vector: np.ndarray, k: int = 5) -> list[tuple[int, float]]:
        """The `k` best rows and their cosines, the best first; the smaller row on a tie."""
        return _best(self.vectors @ np.asarray(vector, dtype=np.float32), k)


def _best(scores: np.ndarray, k: int) -> list[tuple[int, float]]:
    rows = np.argsort(-scores, kind="stable")[:k]
    return [(int(row), round(float(scores[row]), 2)) for row in rows]


def fuse(*rankings: Sequence[tuple[int, float]], k: int = 5) -> list[int]:
    """Join rankings whose scores can't be compared: by places alone; the rows, the best first.

    A row gets 1 / (60 + its place) from every ranking that it stands in.

    >>> fuse([(7, 0.9), (2, 0.8)], [(2, 31.0), (5, 4.0)])
    [2, 7, 5]

    Reference: Cormack, Clarke & Büttcher (2009), "Reciprocal rank fusion".
    """
    points: dict[int, float] = defaultdict(float)
    for ranking in rankings:
        for place, (row, _) in enumerate(ranking, start=1):
            points[row] += 1 / (60 + place)
    return sorted(points, key=lambda row: (-points[row], row))[:k]


def compress(vectors: np.ndarray, kept: int = KEPT) -> tuple[np.ndarray, np.ndarray]:
    """Keep the directions in which vectors `(N, D)` differ most, and one byte a number.

    Returns int8 codes `(N, kept)` and the directions `(D, kept)`, the best for products of the
    vectors as they are (Eckart & Young, 1936).

    >>> vectors = np.array([[0.6, 0.8, 0.0], [0.8, 0.6, 0.0], [1.0, 0.0, 0.0]])
    >>> codes, directions = compress(vectors, kept=2)
    >>> near = expand(codes) @ project(vectors[0], directions)
    >>> bool(np.allclose(near, vectors @ vectors[0], atol=0.01))
    True
    """
    _, directions = np.linalg.eigh(vectors.T @ vectors)  # the largest come last
    directions = directions[:, ::-1][:, :kept].astype(np.float16)
    short = vectors @ directions.astype(np.float32)
    codes = np.round(127 * short / np.abs(short).max(axis=1, keepdims=True))
    return codes.astype(np.int8), directions


def expand(codes: np.ndarray) -> np.ndarray:
    """Turn the codes of `compress` into vectors of length 1: `(N, kept)`."""
    vectors = codes.astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def project(vectors: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Turn vectors `(..., D)` into vectors of length 1 along the directions: `(..., kept)`."""
    short = np.asarray(vectors, np.float32) @ directions.astype(np.float32)
    return short / np.linalg.norm(short, axis=-1, keepdims=True)


def wiki_index(path: Path = FILE) -> tuple[VectorIndex, np.ndarray]:
    """Read the vectors of all articles of `wiki`, in their order, and the directions they use.

    Raises FileNotFoundError without the file, ValueError if it is damaged or of other articles.

    >>> index, directions = wiki_index()
    >>> index.vectors.shape, directions.shape
    ((10033, 128), (384, 128))
    """
    if not path.is_file():
        raise FileNotFoundError(f"the vectors must be a file. Received: {path.name} missing")
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
            codes, directions, titles = (file[name] for name in ("codes", "directions", "titles"))
    except Exception as error:  # damaged bytes raise nearly anything: say one thing
        raise ValueError(
            f"the vectors must be a whole file that this module wrote. Received: {path.name} "
            f"({type(error).__name__}: {error})"
        ) from error
    if int(titles) != _fingerprint():
        raise ValueError(f"the vectors must be those of `wiki`. Received: {path.name} of others")
    return VectorIndex(expand(codes)), directions


def _fingerprint() -> int:
    return crc32("\n".join(article.title for article in wiki()).encode())


def content_words(text: str) -> set[str]:
    """The words of a text that say something, and its numbers.

    >>> sorted(content_words("The city's 2,100,000 people are in France."))
    ['2,100,000', 'city', 'france', 'people']
    """
    words = NUMBER_OR_WORD.findall(re.sub("['’]s\\b", "", text.lower()))
    return {word.rstrip("s") if len(word) > 3 else word for word in words} - COMMON


def cite(answer: str, sources: Sequence[str], question: str = "", share: float = 0.5) -> str:
    """Write behind each sentence of an answer which source it rests on: `[1]`, or `[?]`.

    A source counts when at least `share` of the sentence's content words stand in it; words of the
    question don't count, since the answer may have them from there. It is a check of words, not of
    truth: it finds what was made up from nothing, not what was twisted.

    >>> cite("Paris has two million people. It is made of cheese.", ["Paris: two million people."])
    'Paris has two million people. [1] It is made of cheese. [?]'
    """
    known, marked = [content_words(source) for source in sources], []
    asked = content_words(question)
    for sentence in sentences(answer):
        words = content_words(sentence)
        words = (words - asked) or words
        shares = [len(words & source) / max(len(words), 1) for source in known]
        best = int(np.argmax(shares)) if shares else 0
        found = bool(shares) and shares[best] >= share
        marked.append(f"{sentence} [{best + 1 if found else '?'}]")
    return " ".join(marked)


def write_wiki_vectors(encoder, path: Path = FILE) -> None:
    """Encode every article of `wiki` and write the file; some minutes of work."""
    vectors = encoder.encode([entry(article)[:400] for article in wiki()], batch_size=64)
    codes, directions = compress(vectors)
    with whole_file(path) as file:
        np.savez_compressed(file, codes=codes, directions=directions, titles=_fingerprint())


def main() -> None:
    """Write `data/wiki_vectors.npz`."""
    from lmcourse.models.pretrained import minilm

    write_wiki_vectors(minilm())


if __name__ == "__main__":
    main()
