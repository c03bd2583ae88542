"""Chinese word segmentation, from a dictionary to a hidden Markov model.

Three ideas, each needing less of a dictionary than the one before: take the longest word (maximum
matching), take the most probable cut (unigram model), tag every character with its place in its
word (HMM). Knows nothing of tokenizers or language models.

Every segmenter keeps each character: joined, the words are the text again.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from math import inf, log

from lmcourse.text.hmm import HMMSegmenter, Words, check_sentences

__all__ = [
    "HMMSegmenter",
    "SegmentationScores",
    "UnigramSegmenter",
    "backward_maximum_matching",
    "bidirectional_maximum_matching",
    "forward_maximum_matching",
    "segmentation_scores",
]


def forward_maximum_matching(text: str, dictionary: Iterable[str]) -> Words:
    """Takes the longest dictionary word at the start, then goes on behind it.

    Where no word fits, one character is a word.

    Example:
        >>> forward_maximum_matching("我爱北京天安门", {"我", "爱", "北京", "天安", "天安门"})
        ('我', '爱', '北京', '天安门')
        >>> forward_maximum_matching("研究生命起源", {"研究", "研究生", "生命", "起源"})
        ('研究生', '命', '起源')
    """
    dictionary, longest = _dictionary(dictionary)
    words, start = [], 0
    while start < len(text):
        end = min(start + longest, len(text))
        while end > start + 1 and text[start:end] not in dictionary:
            end -= 1
        words.append(text[start:end])
        start = end
    return tuple(words)


def backward_maximum_matching(text: str, dictionary: Iterable[str]) -> Words:
    """Takes the longest dictionary word at the end, then goes on before it.

    Example:
        >>> backward_maximum_matching("研究生命起源", {"研究", "研究生", "生命", "起源"})
        ('研究', '生命', '起源')
    """
    dictionary, longest = _dictionary(dictionary)
    words, end = [], len(text)
    while end > 0:
        start = max(end - longest, 0)
        while start < end - 1 and text[start:end] not in dictionary:
            start += 1
        words.append(text[start:end])
        end = start
    return tuple(reversed(words))


def bidirectional_maximum_matching(text: str, dictionary: Iterable[str]) -> Words:
    """Matches both ways and keeps the cut with fewer words, then with fewer single characters.

    If they tie, the backward cut stays: in Chinese it is wrong less often.

    Example:
        >>> bidirectional_maximum_matching("研究生命起源", {"研究", "研究生", "生命", "起源"})
        ('研究', '生命', '起源')
    """
    dictionary = set(dictionary)
    cuts = (
        backward_maximum_matching(text, dictionary),
        forward_maximum_matching(text, dictionary),
    )
    return min(cuts, key=lambda words: (len(words), sum(len(word) == 1 for word in words)))


@dataclass(frozen=True)
class UnigramSegmenter:
    """Cuts a text where the product of the words' probabilities is largest.

    `logs[word]` is the natural logarithm of the word's probability. A character that is no word
    has the logarithm `unknown`.

    Source: the word lattice and its shortest path, as in 宗成庆, 统计自然语言处理 (2013), 7.
    """

    logs: dict[str, float]
    unknown: float

    @classmethod
    def train(cls, sentences: Iterable[Sequence[str]]) -> "UnigramSegmenter":
        """Counts words: p(w) = count(w) / N. An unknown character counts as half a word.

        So the probabilities of all words sum to a little more than one; what is compared here are
        cuts of the same text, and to that comparison the excess does no harm.

        Example:
            >>> model = UnigramSegmenter.train([["我", "爱", "北京"], ["我", "爱", "我"]])
            >>> {word: round(2.718281828 ** value, 3) for word, value in model.logs.items()}
            {'我': 0.5, '爱': 0.333, '北京': 0.167}
        """
        counts = Counter(word for words in check_sentences(sentences) for word in words)
        total = counts.total()
        return cls({word: log(count / total) for word, count in counts.items()}, log(0.5 / total))

    def score(self, words: Sequence[str]) -> float:
        """Gives the natural logarithm of the probability of a cut, -inf for one out of reach."""
        return sum(self._log(word) for word in words)

    def segment(self, text: str) -> Words:
        """Finds the most probable cut by dynamic programming (Viterbi) over the word lattice.

        `best[end]` is the best score of any cut of `text[:end]`; each word that ends there may
        extend a best cut that ends where the word starts.

        Example:
            >>> model = UnigramSegmenter.train([["研究", "生命", "起源"], ["研究生", "研究"]])
            >>> model.segment("研究生命起源")
            ('研究', '生命', '起源')
        """
        longest = max(map(len, self.logs))
        best, start_of = [0.0], [0]
        for end in range(1, len(text) + 1):
            starts = range(max(end - longest, 0), end)
            scores = [best[start] + self._log(text[start:end]) for start in starts]
            best.append(max(scores))
            start_of.append(starts[scores.index(best[-1])])
        words, end = [], len(text)
        while end:
            words.append(text[start_of[end] : end])
            end = start_of[end]
        return tuple(reversed(words))

    def _log(self, word: str) -> float:
        return self.logs.get(word, self.unknown if len(word) == 1 else -inf)


@dataclass(frozen=True)
class SegmentationScores:
    """Precision: the share of found words that are right. Recall: of right words that are found."""

    precision: float
    recall: float
    f1: float


def segmentation_scores(
    segment: Callable[[str], Sequence[str]], sentences: Iterable[Sequence[str]]
) -> SegmentationScores:
    """Compares a segmenter with segmented sentences, word by word.

    A word is right if it starts and ends where the reference has a word start and end.

    Source: the first international bakeoff, Sproat and Emerson (2003).

    Example:
        >>> scores = segmentation_scores(list, [["我", "爱", "北京"]])  # every character a word
        >>> round(scores.precision, 3), round(scores.recall, 3), round(scores.f1, 3)
        (0.5, 0.667, 0.571)
    """
    right = found = wanted = 0
    for words in check_sentences(sentences):
        text = "".join(words)
        cut = segment(text)
        if "".join(cut) != text:
            raise ValueError(f"`segment` must keep every character. Received: {cut} for {text!r}")
        ours, theirs = _spans(cut), _spans(words)
        right += len(ours & theirs)
        found += len(ours)
        wanted += len(theirs)
    return SegmentationScores(right / found, right / wanted, 2 * right / (found + wanted))


def _spans(words: Sequence[str]) -> set[tuple[int, int]]:
    """Where each word starts and ends."""
    spans, start = set(), 0
    for word in words:
        spans.add((start, start + len(word)))
        start += len(word)
    return spans


def _dictionary(words: Iterable[str]) -> tuple[set[str], int]:
    """A dictionary as a set, and the length of its longest word."""
    words = set(words)
    if not words or "" in words:
        received = "an empty word" if words else "no words"
        raise ValueError(
            f"`dictionary` must hold words of one character or more. Received: {received}"
        )
    return words, max(map(len, words))
