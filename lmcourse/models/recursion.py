"""What all n-gram models share: predict, score, save. Does not know how to smooth.

Every model here is one recursion. With h a context and h' the same context without its oldest
symbol,

    P(w | h) = alpha(h, w) + gamma(h) * P(w | h')

where `alpha` is the share that counting gives to w after h, and `gamma` is the share of h that
is left for the shorter context. A context that was never seen has alpha = 0 and gamma = 1. The
recursion ends in the floor, the uniform distribution over the vocabulary without `bos`.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np

from lmcourse.models.counts import Counts, check_ids
from lmcourse.text.checks import whole_file


class NGram:
    """Turn counts into next-symbol probabilities; a subclass chooses alpha and gamma.

    `alpha[n]` has one number per n-gram of length n, `gamma[n]` one per context of n - 1 symbols.
    """

    shortens = True  # does what is left go to the shorter context, or straight to the floor?
    kinds = {}  # every subclass by its name, so that `load` finds it

    def __init_subclass__(cls):
        NGram.kinds[cls.__name__] = cls

    def __init__(self, counts: Counts, **options):
        self.counts, self.options = counts, options
        self.order, self.vocabulary_size = counts.order, counts.vocabulary_size
        self.floor = np.ones(self.vocabulary_size)
        if counts.bos is not None:
            self.floor[counts.bos] = 0
        self.floor /= self.floor.sum()
        self.alpha, self.gamma = [None], [None]
        for n in range(1, self.order + 1):
            alpha, gamma = self._estimate(n)
            self.alpha.append(alpha)
            self.gamma.append(gamma)
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
            cell = row * self.vocabulary_size + self.counts.symbols[n][gram]
            p.reshape(-1)[cell] += self.alpha[n][gram]  # all cells differ; p[row, column], faster
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
            seen = context >= 0
            p[seen] *= self.gamma[n][context[seen]]
            gram = self.counts.find(n, context, target)
            found = gram >= 0
            p[found] += self.alpha[n][gram[found]]
        with np.errstate(divide="ignore"):
            return np.log(p)

    @property
    def parameters(self) -> int:
        """How many numbers the model stores: one alpha per n-gram, one gamma per context."""
        return sum(len(alpha) + len(self.gamma[n]) for n, alpha in enumerate(self.alpha) if n)

    def save(self, path):
        """Write counts and settings to one compressed `.npz` file, whole or not at all."""
        about = {"model": type(self).__name__, "options": self.options, "order": self.order}
        about |= {"vocabulary_size": self.vocabulary_size}
        about |= {"bos": self.counts.bos, "eos": self.counts.eos}
        about = np.array(json.dumps(about, default=int))
        with whole_file(path) as file:
            np.savez_compressed(file, about=about, **self.counts.arrays())

    @classmethod
    def load(cls, path):
        """Read a model that `save` wrote; estimating again from its counts gives the same numbers.

        Raises FileNotFoundError, or ValueError when the file is not a whole saved model.
        """
        if not Path(path).is_file():
            raise FileNotFoundError(f"a saved model must be a file. Received: {path}")
        try:
            with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as arrays:
                about = json.loads(str(arrays["about"]))
                kind, options = NGram.kinds[about.pop("model")], about.pop("options")
                model = kind(Counts.from_arrays(arrays, **about), **options)
        except Exception as error:  # damaged bytes raise nearly anything: say one thing
            raise ValueError(
                "a saved model must be a whole `.npz` file that `save` wrote. "
                f"Received: {path} ({type(error).__name__}: {error})"
            ) from error
        if not isinstance(model, cls):
            raise ValueError(
                f"the file must hold a {cls.__name__}. Received: {path}, a {kind.__name__}"
            )
        return model

    def _start(self):
        return self.unigram if self.shortens or self.order == 1 else self.floor

    def _levels(self, ids):
        """Yield n and the number of the context of n - 1 symbols, or -1, at each position."""
        given = place = np.arange(ids.shape[1])
        if self.counts.bos is not None:  # nothing before `bos` belongs to the context
            given = place - np.maximum.accumulate(
                np.where(ids == self.counts.bos, place, 0), axis=1
            )
        longest = np.broadcast_to(np.minimum(given + 2, self.order), ids.shape)
        for n, context in enumerate(self.counts.histories(ids), start=1):
            if n > 1:
                used = context if self.shortens else np.where(longest == n, context, -1)
                yield n, used.ravel()

    def _counts(self, n):
        """Choose what is counted for n-grams of length n: by default, how often they occur."""
        return self.counts.counts[n]

    def _shares(self, n, counts, context, total):
        """Choose alpha (n-grams,) and gamma (contexts,) from counts and their sums by context."""
        raise NotImplementedError

    def _estimate(self, n):
        counts, context = self._counts(n), self.counts.contexts[n]
        total = np.bincount(context, counts, len(self.counts.keys[n - 1]))
        alpha, gamma = self._shares(n, counts, context, np.maximum(total, 1))
        gamma[total == 0] = 1
        return alpha, gamma
