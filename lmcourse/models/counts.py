"""Counts of n-grams in sorted arrays; knows nothing about probabilities or smoothing.

Every distinct n-gram of one length has a number. An n-gram is written as the number of its
context (the same n-gram without its last symbol) and its last symbol, so one 64-bit key is
enough for any order and any vocabulary:

    key = number of the context * vocabulary_size + last symbol

The keys are sorted. An n-gram is therefore found by bisection, and all continuations of one
context lie next to each other.
"""

from __future__ import annotations

import numpy as np


class Counts:
    """Count all n-grams up to an order, in one stream or in many sentences.

    Without `bos` the ids are unpadded streams and no n-gram crosses from one to the next.
    With `bos` and `eos` each sequence is a sentence: `train` puts one `bos` before it and one
    `eos` after it, and `bos` itself is never predicted, so its own count is 0.

    `keys[n]`, `contexts[n]`, `symbols[n]`, `counts[n]` describe the n-grams of length n
    (position 0 holds the empty n-gram, number 0).

    >>> counts = Counts.train([0, 1, 0, 1, 1], order=2, vocabulary_size=2)
    >>> counts.symbols[1], counts.counts[1]                  # 0 twice, 1 three times
    (array([0, 1]), array([2, 3]))
    >>> counts.contexts[2], counts.symbols[2], counts.counts[2]     # 01 twice, 10 once, 11 once
    (array([0, 1, 1]), array([1, 0, 1]), array([2, 1, 1]))
    """

    def __init__(self, order, vocabulary_size, keys, counts, bos=None, eos=None):
        self.order = order
        self.vocabulary_size = vocabulary_size
        self.bos, self.eos = bos, eos
        self.keys = keys
        self.counts = counts
        self.contexts = [k // vocabulary_size for k in keys]
        self.symbols = [k % vocabulary_size for k in keys]
        # The continuations of context c are the n-grams first[n][c] ... first[n][c + 1] - 1.
        self.first = [None] + [
            np.searchsorted(self.contexts[n], np.arange(len(keys[n - 1]) + 1))
            for n in range(1, order + 1)
        ]

    @classmethod
    def train(cls, ids, order, vocabulary_size, bos=None, eos=None) -> Counts:
        """Count the n-grams of `ids` (T,), or of a list of such sequences.

        Raises ValueError for an order below 1, an empty text, ids outside the vocabulary, and
        sentences that already hold `bos` or `eos`; TypeError for ids that are not integers.
        """
        _check_settings(order, vocabulary_size, bos, eos)
        stream, age = _join(_sequences(ids), vocabulary_size, bos, eos)
        keys, counts = (
            [np.zeros(1, np.int64)],
            [np.array([np.sum(stream != (-1 if bos is None else bos))])],
        )
        previous = np.zeros(stream.size, np.int64)  # the number of the n-gram that ends here
        for n in range(1, order + 1):
            ends = np.flatnonzero(age >= n - 1)  # an n-gram must fit inside its own sequence
            found, number, count = np.unique(
                previous[ends - 1] * vocabulary_size + stream[ends],
                return_inverse=True,
                return_counts=True,
            )
            keys.append(found)
            counts.append(count)
            previous = np.full(stream.size, -1)
            previous[ends] = number
        if bos is not None:
            counts[1][keys[1] == bos] = 0
        return cls(order, vocabulary_size, keys, counts, bos, eos)

    def arrays(self) -> dict[str, np.ndarray]:
        """Give the least that `from_arrays` needs, each in the smallest unsigned type."""
        result = {}
        for n in range(1, self.order + 1):
            result[f"symbols{n}"] = _small(self.symbols[n])
            result[f"children{n}"] = _small(np.diff(self.first[n]))
            result[f"counts{n}"] = _small(self.counts[n])
        return result

    @classmethod
    def from_arrays(cls, arrays, order, vocabulary_size, bos=None, eos=None) -> Counts:
        """Build the counts from what `arrays` gave; ValueError if the parts do not fit together."""
        _check_settings(order, vocabulary_size, bos, eos)
        keys, counts = [np.zeros(1, np.int64)], [np.zeros(1, np.int64)]
        for n in range(1, order + 1):
            symbols = check_ids(arrays[f"symbols{n}"], vocabulary_size)
            children, count = arrays[f"children{n}"], arrays[f"counts{n}"]
            if count.dtype.kind not in "iu" or count.min(initial=0) < 0:
                raise ValueError(f"n-grams of length {n} whose counts are no counts")
            count = count.astype(np.int64)
            context = np.repeat(np.arange(len(keys[-1])), children.astype(np.int64))
            if len(context) != len(symbols) or len(symbols) != len(count):
                raise ValueError(f"n-grams of length {n} that do not fit together")
            keys.append(context * vocabulary_size + symbols)
            counts.append(count)
            if (np.diff(keys[n]) <= 0).any():
                raise ValueError(f"n-grams of length {n} that are not in order")
        counts[0] += counts[1].sum()
        return cls(order, vocabulary_size, keys, counts, bos, eos)

    def find(self, n, context, symbol) -> np.ndarray:
        """Give the numbers of n-grams of length n, -1 where never seen (or context is -1)."""
        if len(self.keys[n]) == 0:
            return np.full(np.shape(symbol), -1)
        key = context * self.vocabulary_size + symbol
        place = np.minimum(np.searchsorted(self.keys[n], key), len(self.keys[n]) - 1)
        return np.where((context >= 0) & (self.keys[n][place] == key), place, -1)

    def histories(self, ids) -> list[np.ndarray]:
        """Number the contexts that end at each position: entry n is (B, T), for n = 0...order-1.

        -1 where the n symbols up to here were never seen together, or fewer than n are given.
        """
        result = [np.zeros(ids.shape, np.int64)]
        for n in range(1, self.order):
            before = np.full(ids.shape, 0 if n == 1 else -1)
            before[:, 1:] = result[-1][:, :-1]
            result.append(self.find(n, before, ids))
        return result

    def suffixes(self, n) -> np.ndarray:
        """Give the number of each n-gram without its first symbol (an n-gram of length n-1)."""
        if n == 1:
            return np.zeros(len(self.keys[1]), np.int64)
        return self.find(n - 1, self.suffixes(n - 1)[self.contexts[n]], self.symbols[n])

    def continuation_counts(self, n) -> np.ndarray:
        """Count the different symbols that come before each n-gram of length n < order.

        An n-gram that begins with `bos` has nothing before it and keeps its plain count.

        >>> counts = Counts.train([0, 1, 0, 1, 1], order=2, vocabulary_size=2)
        >>> counts.continuation_counts(1)            # 0 follows 1; 1 follows 0 and 1
        array([1, 2])
        """
        result = np.bincount(self.suffixes(n + 1), minlength=len(self.keys[n]))
        if self.bos is not None:
            opens = self.opens_with_bos(n)
            result[opens] = self.counts[n][opens]
        return result

    def opens_with_bos(self, n) -> np.ndarray:
        """Tell which n-grams of length n begin with `bos`."""
        if n == 1:
            return self.keys[1] == (-1 if self.bos is None else self.bos)
        return self.opens_with_bos(n - 1)[self.contexts[n]]


def check_ids(ids, vocabulary_size, name="ids") -> np.ndarray:
    """Return ids as int64; raise when they are not integers of the vocabulary."""
    ids = np.asarray(ids)
    if ids.size and not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"`{name}` must be integers. Received: dtype={ids.dtype}")
    if ids.size and (ids.min() < 0 or ids.max() >= vocabulary_size):
        wrong = ids.min() if ids.min() < 0 else ids.max()
        raise ValueError(
            f"`{name}` must be at least 0 and below vocabulary_size={vocabulary_size}. "
            f"Received: {wrong}"
        )
    return ids.astype(np.int64)


def _check_settings(order, vocabulary_size, bos, eos):
    for name, value in (("order", order), ("vocabulary_size", vocabulary_size)):
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool):
            raise TypeError(f"`{name}` must be an integer. Received: {name}={value!r}")
        if value < 1:
            raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
    if (bos is None) != (eos is None) or (bos is not None and bos == eos):
        raise ValueError(
            f"`bos` and `eos` must be two different ids, or both None. Received: {bos=}, {eos=}"
        )
    if bos is not None:
        check_ids([bos, eos], vocabulary_size, "bos, eos")


def _small(numbers):
    return numbers.astype(np.min_scalar_type(int(numbers.max(initial=0))))


def _sequences(ids):
    """One stream or many sequences: always a list of sequences."""
    if isinstance(ids, np.ndarray) and ids.ndim <= 1:
        return [ids]
    ids = list(ids)
    return [ids] if not ids or np.ndim(ids[0]) == 0 else ids


def _join(sequences, vocabulary_size, bos, eos):
    """Put all sequences end to end; `age` is the place of each symbol in its own sequence."""
    parts = []
    for sequence in sequences:
        part = check_ids(sequence, vocabulary_size)
        if part.ndim != 1:
            raise ValueError(f"a sequence of ids must be (T,). Received: shape={part.shape}")
        if bos is not None:
            if np.isin(part, (bos, eos)).any():
                raise ValueError(
                    "sentences must not hold `bos` or `eos`; training adds them. "
                    f"Received: a sentence with {bos=} or {eos=}"
                )
            part = np.concatenate([[bos], part, [eos]])
        parts.append(part)
    if sum(len(part) for part in parts) == 0:
        raise ValueError("the text must hold at least one symbol. Received: 0 symbols")
    return np.concatenate(parts), np.concatenate([np.arange(len(part)) for part in parts])
