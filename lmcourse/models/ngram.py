"""n-gram language models: seven ways to turn counts into probabilities.

Knows nothing about text: it sees ids. Each model keeps the contract of the course,
`model(ids (B, T)) -> (B, T, V)`, and what it returns are natural logarithms of probabilities.
For every context, seen in training or not, the V probabilities sum to one.

All seven are one recursion. With h a context, h' the same context without its oldest symbol,

    P(w | h) = alpha(w, h) + gamma(h) * P(w | h')

where `alpha` is the share that counting gives to w after h, and `gamma` is the share of h that
is left for the shorter context. They differ only in how they choose alpha and gamma. A context
that was never seen has alpha = 0 and gamma = 1. The recursion ends in the floor, the uniform
distribution over the vocabulary without `bos`.

Sentence boundaries: with `bos=None` the text is one unpadded stream (or several). With `bos`
and `eos`, training adds one `bos` before and one `eos` after each sentence; `eos` is predicted,
`bos` never is (its probability is 0). Unknown words: give them an id of the vocabulary. An id
that training never saw gets its share of the floor, so `<unk>` needs no special treatment.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
import zlib
from pathlib import Path

import numpy as np

from lmcourse.models.counts import Counts, check_ids


class NGram:
    """Turn counts into next-symbol probabilities; the subclasses choose alpha and gamma.

    >>> model = KneserNey.train([0, 1, 0, 1, 1], order=2, vocabulary_size=2)
    >>> np.exp(model(np.array([[0, 1]]))).round(3)            # after 0, after 1
    array([[[0.125, 0.875],
            [0.375, 0.625]]])
    """

    shortens = True  # does what is left go to the shorter context, or straight to the floor?

    def __init__(self, counts: Counts, **options):
        self.counts = counts
        self.options = options
        self.order, self.vocabulary_size = counts.order, counts.vocabulary_size
        self.floor = np.ones(self.vocabulary_size)
        if counts.bos is not None:
            self.floor[counts.bos] = 0
        self.floor /= max(self.floor.sum(), 1)
        self.alpha, self.gamma = [None], [None]  # entry n: one number per n-gram, per context
        for n in range(1, self.order + 1):
            self._estimate(n)
        self.unigram = self.floor * self.gamma[1][0]
        self.unigram[counts.symbols[1]] += self.alpha[1]

    @classmethod
    def train(cls, ids, order, vocabulary_size, bos=None, eos=None, **options):
        """Count the n-grams of `ids` (T,), or of a list of sentences, and estimate the model.

        Raises ValueError or TypeError as `Counts.train` does, and for wrong options.
        """
        return cls(Counts.train(ids, order, vocabulary_size, bos, eos), **options)

    def __call__(self, ids) -> np.ndarray:
        """Predict the next symbol at every position: ids (B, T) -> log-probabilities (B, T, V)."""
        ids = check_ids(ids, self.vocabulary_size)
        if ids.ndim != 2:
            raise ValueError(f"`ids` must be (B, T). Received: shape={ids.shape}")
        p = np.tile(self._start(), (ids.size, 1))
        for n, context in self._levels(ids):
            seen = np.flatnonzero(context >= 0)
            gamma = np.ones(len(context))
            gamma[seen] = self.gamma[n][context[seen]]
            p *= gamma[:, None]
            first, end = self.counts.first[n][context[seen] + np.array([[0], [1]])]
            row = np.repeat(seen, end - first)
            gram = np.arange(len(row)) + np.repeat(end - np.cumsum(end - first), end - first)
            p[row, self.counts.symbols[n][gram]] += self.alpha[n][gram]
        with np.errstate(divide="ignore"):
            return np.log(p, out=p).reshape(*ids.shape, self.vocabulary_size)

    def log_probability(self, ids) -> np.ndarray:
        """Score each symbol but the first, given all before it: ids (T,) -> nats (T - 1,).

        The same numbers that `__call__` gives for `ids[1:]`, without computing the others.
        In sentences written end to end, leave out the entries where `ids[1:]` is `bos`.
        """
        ids = check_ids(ids, self.vocabulary_size)
        if ids.ndim != 1:
            raise ValueError(f"`ids` must be (T,). Received: shape={ids.shape}")
        target = ids[1:]
        p = self._start()[target]
        for n, context in self._levels(ids[None, :-1]):
            p *= np.where(context >= 0, self.gamma[n][context], 1.0)
            gram = self.counts.find(n, context, target)
            found = gram >= 0
            p[found] += self.alpha[n][gram[found]]
        with np.errstate(divide="ignore"):
            return np.log(p)

    @property
    def parameters(self) -> int:
        """How many numbers the model stores: one alpha per n-gram, one gamma per context."""
        return sum(len(a) + len(g) for a, g in zip(self.alpha[1:], self.gamma[1:], strict=True))

    def save(self, path):
        """Write the counts and the settings to one `.npz` file, whole or not at all."""
        c, path = self.counts, Path(path)
        about = dict(model=type(self).__name__, order=c.order, vocabulary_size=c.vocabulary_size)
        about |= dict(bos=c.bos, eos=c.eos, options=self.options)
        arrays = {"about": np.array(json.dumps(about))}
        for n in range(1, self.order + 1):
            arrays[f"symbols{n}"] = _small(c.symbols[n])
            arrays[f"children{n}"] = _small(np.diff(c.first[n]))
            arrays[f"counts{n}"] = _small(c.counts[n])
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez_compressed(file, **arrays)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise

    @classmethod
    def load(cls, path):
        """Read a model that `save` wrote; estimating again from its counts gives the same numbers.

        Raises FileNotFoundError, or ValueError when the file is not a whole saved model.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(str(file["about"]))
                counts = _read_counts(file, about)
            kinds = {kind.__name__: kind for kind in NGram.__subclasses__()}
            kinds |= {
                k.__name__: k for kind in NGram.__subclasses__() for k in kind.__subclasses__()
            }
            kind = kinds[about["model"]]
            model = kind(counts, **about["options"])
        except FileNotFoundError:
            raise FileNotFoundError(f"a saved model must exist. Received: {path}") from None
        except (OSError, ValueError, KeyError, TypeError, IndexError, EOFError) as error:
            raise ValueError(f"{_BROKEN}. Received: {path} ({error})") from error
        except (zipfile.BadZipFile, zlib.error, AttributeError) as error:
            raise ValueError(f"{_BROKEN}. Received: {path} ({error})") from error
        if not isinstance(model, cls):
            raise ValueError(f"the file must hold a {cls.__name__}. Received: {about['model']}")
        return model

    def _start(self):
        return self.unigram if self.shortens or self.order == 1 else self.floor

    def _levels(self, ids):
        """Pairs (n, number of the context of n - 1 symbols at each position or -1), n >= 2."""
        histories = self.counts.histories(ids)
        for n in range(2, self.order + 1):
            context = histories[n - 1]
            if not self.shortens and n < self.order:  # only where no longer context is given
                context = np.where(np.arange(ids.shape[1]) == n - 2, context, -1)
            yield n, context.ravel()

    def _counts(self, n):
        return self.counts.counts[n]

    def _estimate(self, n):
        counts, context = self._counts(n), self.counts.contexts[n]
        size = len(self.counts.keys[n - 1])
        total = np.bincount(context, counts, size)
        alpha, gamma = self._shares(n, counts, context, np.maximum(total, 1))
        gamma[total == 0] = 1
        self.alpha.append(alpha)
        self.gamma.append(gamma)

    def _shares(self, n, counts, context, total):
        """Choose alpha (n-grams,) and gamma (contexts,) from the counts and their sums."""
        raise NotImplementedError


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
    sum to more than one. Here they sum to one.
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


_BROKEN = "a saved model must be a whole .npz file that `save` wrote"


def _small(numbers):
    """The same whole numbers in the smallest unsigned type that holds them."""
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))


def _read_counts(file, about):
    order, size = about["order"], about["vocabulary_size"]
    keys, counts = [np.zeros(1, np.int64)], [None]
    for n in range(1, order + 1):
        symbols, children = file[f"symbols{n}"].astype(np.int64), file[f"children{n}"]
        if len(children) != len(keys[-1]) or symbols.max(initial=0) >= size:
            raise ValueError(f"its n-grams of length {n} do not fit together")
        context = np.repeat(np.arange(len(children)), children.astype(np.int64))
        keys.append(context * size + symbols)
        counts.append(file[f"counts{n}"].astype(np.int64))
        if len(counts[n]) != len(keys[n]) or (np.diff(keys[n]) <= 0).any():
            raise ValueError(f"its n-grams of length {n} do not fit together")
    counts[0] = np.array([counts[1].sum()])
    return Counts(order, size, keys, counts, about["bos"], about["eos"])
