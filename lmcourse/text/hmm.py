"""A hidden Markov model that cuts Chinese into words; knows no dictionary.

Every character has a place in its word: beginning, middle, end, or single. If the places are
known, so are the words, and places can be learned from sentences that somebody has cut.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log

Words = tuple[str, ...]

TAGS = "BMES"
"""The places of a character in its word: beginning, middle, end, single."""

FOLLOWERS = {"B": "ME", "M": "ME", "E": "BS", "S": "BS"}
"""The tags that may follow each tag; a text starts as after an E and ends in E or S."""


def tags(words: Sequence[str]) -> str:
    """Writes the place of every character in its word.

    Example:
        >>> tags(("我", "爱", "北京", "天安门"))
        'SSBEBME'
    """
    return "".join("S" if len(word) == 1 else "B" + "M" * (len(word) - 2) + "E" for word in words)


def cut(text: str, path: str) -> Words:
    """Cuts a text behind every character tagged E or S.

    Example:
        >>> cut("我爱北京天安门", "SSBEBME")
        ('我', '爱', '北京', '天安门')
    """
    ends = [place + 1 for place, tag in enumerate(path) if tag in "ES"]
    return tuple(text[start:end] for start, end in zip([0, *ends], ends, strict=False))


def check_sentences(sentences: Iterable[Sequence[str]]) -> list[Sequence[str]]:
    """Lists sentences that are cut into words; there must be a word, and none may be empty."""
    sentences = list(sentences)
    for words in sentences:
        if isinstance(words, str) or not all(words):
            raise ValueError(
                f"A sentence must be a sequence of non-empty words. Received: {words!r}"
            )
    if not any(sentences):
        raise ValueError("`sentences` must hold at least one word. Received: none")
    return sentences


@dataclass(frozen=True)
class HMMSegmenter:
    """Tags each character B, M, E or S by a hidden Markov model and cuts after E and S.

    It needs no dictionary, so it can find words that it has never seen.

    `transitions[tag][next]` and `emissions[tag][character]` are natural logarithms;
    `unknown[tag]` stands for any character that the training text lacks.

    Source: Rabiner (1989), "A Tutorial on Hidden Markov Models"; the four tags: Xue (2003),
    "Chinese Word Segmentation as Character Tagging".
    """

    transitions: dict[str, dict[str, float]]
    emissions: dict[str, dict[str, float]]
    unknown: dict[str, float]

    @classmethod
    def train(cls, sentences: Iterable[Sequence[str]], k: float = 0.1) -> "HMMSegmenter":
        """Counts tags and characters in segmented sentences, adding `k` to each count.

        The start of a sentence counts as coming after an E. Every tag has room for one unknown
        character.

        Example:
            >>> model = HMMSegmenter.train([["我", "爱", "北京"], ["南京", "爱", "我"]], k=0.5)
            >>> model.segment("我爱东京")
            ('我', '爱', '东京')
        """
        if not k > 0:
            raise ValueError(f"`k` must be above 0. Received: k={k}")
        moves = {tag: Counter(dict.fromkeys(FOLLOWERS[tag], k)) for tag in TAGS}
        seen = {tag: Counter() for tag in TAGS}
        for words in check_sentences(sentences):
            previous = "E"
            for tag, character in zip(tags(words), "".join(words), strict=True):
                moves[previous][tag] += 1
                seen[tag][character] += 1
                previous = tag
        characters = set().union(*seen.values())
        sizes = {tag: seen[tag].total() + k * (len(characters) + 1) for tag in TAGS}
        return cls(
            {
                tag: {
                    following: log(count / moves[tag].total()) for following, count in row.items()
                }
                for tag, row in moves.items()
            },
            {
                tag: {
                    character: log((seen[tag][character] + k) / sizes[tag])
                    for character in sorted(characters)
                }
                for tag in TAGS
            },
            {tag: log(k / sizes[tag]) for tag in TAGS},
        )

    def score(self, words: Sequence[str]) -> float:
        """Gives the natural logarithm of p(characters, tags) for a cut."""
        total, previous = 0.0, "E"
        for tag, character in zip(tags(words), "".join(words), strict=True):
            total += self.transitions[previous][tag] + self._emission(tag, character)
            previous = tag
        return total

    def segment(self, text: str) -> Words:
        """Finds the most probable tags by dynamic programming (Viterbi) and cuts by them.

        `best[tag]` is the score of the best path so far that ends in `tag`; `before[tag]` is the
        tag that such a path had one step earlier.
        """
        if not text:
            return ()
        best, steps = {"E": 0.0}, []
        for character in text:
            scores, before = {}, {}
            for tag in TAGS:
                arrivals = {
                    previous: score + self.transitions[previous][tag]
                    for previous, score in best.items()
                    if tag in FOLLOWERS[previous]
                }
                if arrivals:
                    before[tag] = max(arrivals, key=arrivals.__getitem__)
                    scores[tag] = arrivals[before[tag]] + self._emission(tag, character)
            best = scores
            steps.append(before)
        path = [max((tag for tag in "ES" if tag in best), key=best.__getitem__)]
        for before in reversed(steps[1:]):
            path.append(before[path[-1]])
        return cut(text, "".join(reversed(path)))

    def _emission(self, tag: str, character: str) -> float:
        return self.emissions[tag].get(character, self.unknown[tag])
