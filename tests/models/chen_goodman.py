"""Modified Kneser-Ney after Chen & Goodman (1999), written with dictionaries alone.

A slow transcription of the paper's formulas (section 3, equations 24-27), with KenLM's conventions
for sentence boundaries. It shares no code with `lmcourse`, so that both can check each other.
"""

from collections import Counter, defaultdict
from fractions import Fraction
from functools import cache


def ngrams(sentences, n):
    """All n-grams of length n, as often as they occur, none across two sentences."""
    return Counter(
        tuple(sentence[i : i + n]) for sentence in sentences for i in range(len(sentence) - n + 1)
    )


class Transcription:
    """P(word | history) from adjusted counts, one formula at a time."""

    def __init__(self, sentences, order, words, bos=None, eos=None):
        """`words`: everything that can be predicted, so `<unk>` and `eos` but not `bos`."""
        if bos is not None:
            sentences = [[bos, *sentence, eos] for sentence in sentences]
        self.order, self.words, self.bos = order, words, bos
        self.a = {n: self.adjusted(sentences, n) for n in range(1, order + 1)}
        self.D = {n: self.discounts(self.a[n]) for n in self.a}
        self.after = {n: defaultdict(dict) for n in self.a}
        for n in self.a:
            for gram, count in self.a[n].items():
                self.after[n][gram[:-1]][gram[-1]] = count

    def adjusted(self, sentences, n):
        plain = ngrams(sentences, n)
        plain.pop((self.bos,), None)
        if n == self.order:
            return plain
        before = defaultdict(set)
        for gram in ngrams(sentences, n + 1):
            before[gram[1:]].add(gram[0])
        result = {gram: len(symbols) for gram, symbols in before.items()}
        if self.bos is not None:
            result.update({g: c for g, c in plain.items() if g[0] == self.bos})
        return result

    @staticmethod
    def discounts(counts):
        n1, n2, n3, n4 = (sum(c == r for c in counts.values()) for r in (1, 2, 3, 4))
        if n1 and n2 and n3:
            y = n1 / (n1 + 2 * n2)
            d = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
            if 0 <= d[0] <= 1 and 0 <= d[1] <= 2 and 0 <= d[2] <= 3:
                return d
        return 0.5, 1.0, 1.5  # lmplz --discount_fallback

    def discount(self, n, count):
        return self.D[n][min(count, 3) - 1]

    def p(self, word, history):
        history = tuple(history)[-(self.order - 1) :] if self.order > 1 else ()
        return self.recursion(word, history)

    def recursion(self, word, history):
        n = len(history) + 1
        lower = self.recursion(word, history[1:]) if history else 1 / len(self.words)
        count = self.a[n].get((*history, word), 0)
        total, left = self.sums(n, history)
        if total == 0:
            return lower
        share = (count - self.discount(n, count)) / total if count else 0
        return share + left / total * lower

    @cache  # noqa: B019
    def sums(self, n, history):
        """The sum of the counts after a history, and of all that is taken off them."""
        counts = self.after[n].get(history, {}).values()
        return sum(counts), sum(self.discount(n, c) for c in counts)


def kneser_ney(stream, order, discount, word, history):
    """One discount, no floor, exact fractions: the definition that `nltk.lm` also follows."""
    D = Fraction(discount)

    def counts(n):
        if n == order:
            return ngrams([stream], n)
        return Counter(gram[1:] for gram in ngrams([stream], n + 1))

    def recursion(history):
        followers = {g[-1]: c for g, c in counts(len(history) + 1).items() if g[:-1] == history}
        total = sum(followers.values())
        if not history:
            return Fraction(followers.get(word, 0), total)
        lower = recursion(history[1:])
        if not total:
            return lower
        share = max(followers.get(word, 0) - D, 0) / total
        return share + D * len(followers) / total * lower

    return recursion(tuple(history))
