"""n-gram language models: seven ways to turn counts into probabilities. Knows nothing of text.

They keep the contract of the course, `model(ids (B, T)) -> (B, T, V)`, and what they return are
natural logarithms of probabilities. For every context, seen in training or not, the V
probabilities sum to one. `recursion.py` holds what they share; here stands only how each of them
divides the counts into alpha (for what was seen) and gamma (for the shorter context).

Sentence boundaries: with `bos=None` the text is one unpadded stream of ids, or a list of such
streams. With `bos` and `eos` it is a sentence or a list of sentences: training puts one `bos`
before and one `eos` after each. `eos` is predicted; `bos` never is, its probability is 0.

Unknown words: `<unk>` needs no special treatment. Any id below `vocabulary_size` that training
never saw gets its share of the floor (all but two models, which say so), as a symbol and, being
an unseen context, as a context.
"""

from __future__ import annotations

import numpy as np

from lmcourse.models.recursion import NGram


class MaximumLikelihood(NGram):
    """Give each symbol its share of the counts after this context: c(hw) / c(h).

    What never followed h has probability 0 (logarithm -inf). After a context that was never
    seen there is nothing to divide, and the prediction is uniform.
    """

    shortens = False

    def _shares(self, n, counts, context, total):
        return counts / total[context], np.zeros(len(total))


class AddK(NGram):
    """Pretend that everything was seen `k` times more: (c(hw) + k) / (c(h) + kV) (Laplace, 1814).

    Raises ValueError for a negative k. k = 0 is maximum likelihood.
    """

    shortens = False

    def __init__(self, counts, k=1.0):
        if not k >= 0:
            raise ValueError(f"`k` must be at least 0. Received: k={k}")
        self.k = k
        super().__init__(counts, k=k)

    def _shares(self, n, counts, context, total):
        extra = self.k * np.count_nonzero(self.floor)
        return counts / (total + extra)[context], extra / (total + extra)


class Interpolated(NGram):
    """Mix the orders with fixed weights (Jelinek & Mercer, 1980).

    `weights` is one number for every order, or one per order (first for single symbols): the
    share that order keeps; the rest goes to the shorter context.
    Raises ValueError for a weight outside 0...1 or a wrong number of weights.
    """

    def __init__(self, counts, weights=0.5):
        self.weights = np.broadcast_to(np.asarray(weights, float), np.shape(weights) or (1,))
        if len(self.weights) not in (1, counts.order) or self.weights.ndim != 1:
            raise ValueError(
                f"`weights` must be one number or one per order. Received: {weights}, "
                f"order={counts.order}"
            )
        if not ((self.weights >= 0) & (self.weights <= 1)).all():
            raise ValueError(f"`weights` must lie between 0 and 1. Received: {weights}")
        self.weights = np.broadcast_to(self.weights, counts.order)
        super().__init__(counts, weights=self.weights.tolist())

    def _shares(self, n, counts, context, total):
        weight = self.weights[n - 1]
        return weight * counts / total[context], np.full(len(total), 1 - weight)


class WittenBell(NGram):
    """Leave room for the new in proportion to how often something new came (Witten & Bell, 1991).

    With N(h) different symbols seen after h: alpha = c(hw) / (c(h) + N(h)), and
    gamma = N(h) / (c(h) + N(h)).
    """

    def _shares(self, n, counts, context, total):
        kinds = np.bincount(context, counts > 0, len(total))
        return counts / (total + kinds)[context], kinds / (total + kinds)


class AbsoluteDiscounting(NGram):
    """Take the same `discount` from every count and give it to the shorter context (Ney, 1994).

    alpha = max(c(hw) - D, 0) / c(h), gamma = D N(h) / c(h), on every order down to the floor.
    Raises ValueError for a discount outside 0...1.
    """

    def __init__(self, counts, discount=0.75):
        if not 0 <= discount <= 1:
            raise ValueError(f"`discount` must lie between 0 and 1. Received: discount={discount}")
        self.discount = discount
        super().__init__(counts, discount=discount)

    def _shares(self, n, counts, context, total):
        kinds = np.bincount(context, counts > 0, len(total))
        return np.maximum(counts - self.discount, 0) / total[context], self.discount * kinds / total


class KneserNey(AbsoluteDiscounting):
    """Discount, and below the highest order count *in how many contexts*, not how often.

    The interpolated form with one discount (Kneser & Ney, 1995; Chen & Goodman, 1999), as
    `nltk.lm.KneserNeyInterpolated` defines it: single symbols are not discounted and there is
    no floor, so a symbol that follows nothing in training has probability 0.
    One difference: an n-gram that occurs only as the very first of a stream follows nothing;
    nltk still counts it when it computes gamma, and its probabilities after that one context
    sum to more than one. Here they sum to one, so after that context, and only there, the two
    differ (a test shows it).

    >>> model = KneserNey.train([0, 1, 0, 1, 1], order=2, vocabulary_size=2)
    >>> np.exp(model([[0, 1]])).round(3)                      # after 0, after 1
    array([[[0.125, 0.875],
            [0.375, 0.625]]])
    """

    def _counts(self, n):
        return self.counts.continuation_counts(n) if n < self.order else self.counts.counts[n]

    def _shares(self, n, counts, context, total):
        if n == 1:
            return counts / total[context], np.zeros(len(total))
        return super()._shares(n, counts, context, total)


class ModifiedKneserNey(KneserNey):
    """Kneser–Ney with three discounts per order, for counts of 1, 2, and 3 or more.

    Chen & Goodman (1999), with the conventions of KenLM (Heafield et al., 2013): n-grams that
    begin with `bos` keep their plain counts, every order is discounted, and single symbols are
    mixed with the floor 1/|V|, which includes `<unk>` and `eos` but not `bos`.

    With n_r the number of n-grams whose (adjusted) count is r and Y = n_1 / (n_1 + 2 n_2):
    D_r = r - (r + 1) Y n_(r+1) / n_r, for r = 1, 2, 3. If n_1, n_2 or n_3 is 0, or a D_r leaves
    0...r, the formula is no use, and this order takes `FALLBACK`, the values of KenLM's
    `lmplz --discount_fallback` (without that flag lmplz stops with an error).
    `discounts[n]` holds the three that order n uses.

    One difference: when lmplz collects n_r it takes the plain count of the very last n-gram of
    each lower order, in its own sorting, where all others have their adjusted count. With few
    symbols this can be seen (English characters: up to 5e-5 of the perplexity; words and Chinese
    characters: nothing). Here all counts are adjusted counts, as in the paper.
    """

    FALLBACK = (0.5, 1.0, 1.5)

    def __init__(self, counts):
        self.discounts = {}
        NGram.__init__(self, counts)

    def _shares(self, n, counts, context, total):
        self.discounts[n] = self._discounts(np.bincount(np.minimum(counts, 5), minlength=6))
        discount = np.array([0, *self.discounts[n]])[np.minimum(counts, 3)]
        gamma = np.bincount(context, discount, len(total)) / total
        return (counts - discount) / total[context], gamma

    def _discounts(self, kinds):
        """Three discounts from the counts of counts: kinds (6,), kinds[r] n-grams of count r."""
        if 0 in kinds[1:4]:
            return self.FALLBACK
        y = kinds[1] / (kinds[1] + 2 * kinds[2])
        found = tuple(float(r - (r + 1) * y * kinds[r + 1] / kinds[r]) for r in (1, 2, 3))
        usable = all(0 <= d <= r for r, d in enumerate(found, 1))
        return found if usable else self.FALLBACK
