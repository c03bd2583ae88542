"""Entropy, perplexity and one scorer for all language models. Knows nothing of their insides.

Axis letters: B batch, T time, V vocabulary. `log2` counts in bits, `log` in nats.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from lmcourse.reference.softmax import log_softmax

MOST_LOGITS = 4_000_000  # held at once while scoring: 16 MB in float32, 32 MB in float64
MOST_WINDOWS = 64
CONTEXT_LENGTH = 256  # of a model that has no longest context of its own

Model = Callable[[np.ndarray], np.ndarray]  # ids (B, T) -> logits (B, T, V)


def nats_to_bits(nats: float) -> float:
    """Turn nats (base e) into bits (base 2): divide by ln 2.

    >>> round(nats_to_bits(math.log(8)), 9)
    3.0
    """
    return nats / math.log(2)


def bits_to_nats(bits: float) -> float:
    """Turn bits (base 2) into nats (base e): multiply by ln 2.

    >>> round(bits_to_nats(1), 4)
    0.6931
    """
    return bits * math.log(2)


def perplexity(nats: float) -> float:
    """Say how many equally likely tokens would be as hard to guess: `e` to the nats per token.

    >>> round(perplexity(bits_to_nats(3)), 9)
    8.0
    """
    with np.errstate(over="ignore"):
        return float(np.exp(np.float64(nats)))


def surprise(p: np.ndarray | float) -> np.ndarray:
    """Measure how many bits an event of probability `p` tells when it happens: -log2 p.

    Shapes: any -> the same. An impossible event is infinitely surprising.
    Raises `ValueError` when a probability lies outside 0..1. Source: Shannon, 1948.

    >>> surprise([1, 0.5, 0.125, 0]).tolist()
    [0.0, 1.0, 3.0, inf]
    """
    p = np.asarray(p, dtype=np.float64)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(f"a probability must lie between 0 and 1. Received: p={p.tolist()}")
    with np.errstate(divide="ignore"):
        return np.abs(np.log2(p))  # log2 p is never above 0; abs also turns -0.0 into 0.0


def entropy(p: np.ndarray) -> np.ndarray:
    """Average the surprise of a distribution over its own events, in bits.

    Shapes: (..., V) -> (...). Raises `ValueError` when `p` doesn't sum to one.
    Source: Shannon, 1948.

    >>> float(entropy([0.5, 0.25, 0.25])), float(entropy([1, 0]))
    (1.5, 0.0)
    """
    return cross_entropy(p, p)


def cross_entropy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Average the surprise of someone who believes `q` while `p` is true, in bits.

    Shapes: (..., V), (..., V) -> (...). Infinite when `q` calls impossible what `p` lets happen.
    Raises `ValueError` when `p` or `q` doesn't sum to one.

    >>> float(cross_entropy([0.5, 0.5], [0.25, 0.75])).__round__(4)
    1.2075
    """
    p, q = _distribution("p", p), _distribution("q", q)
    if p.shape[-1] != q.shape[-1]:
        raise ValueError(
            f"`p` and `q` must share their last axis. Received: shapes {p.shape} and {q.shape}"
        )
    bits = np.where(p > 0, surprise(np.minimum(q, 1)), 0)  # what never happens never surprises
    return (p * bits).sum(axis=-1)


def kl_divergence(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Count the bits that believing `q` wastes while `p` is true: cross-entropy minus entropy.

    Shapes: (..., V), (..., V) -> (...). Never negative, zero only if `p` equals `q`.
    Source: Kullback and Leibler, 1951.

    >>> float(kl_divergence([0.5, 0.5], [0.25, 0.75])).__round__(4)
    0.2075
    """
    return np.maximum(cross_entropy(p, q) - entropy(p), 0)  # a rounding error may fall below 0


def _distribution(name: str, p: np.ndarray) -> np.ndarray:
    p = np.asarray(p, dtype=np.float64)
    if p.ndim == 0 or not np.all(p >= 0) or not np.allclose(p.sum(axis=-1), 1, atol=1e-6):
        raise ValueError(f"`{name}` must be at least 0 and sum to 1. Received: {p.tolist()}")
    return p


@dataclass(frozen=True)
class Score:
    """What predicting `tokens` tokens cost in all, in nats; the other measures follow from it.

    >>> score = Score(tokens=4, nats=4 * math.log(8))
    >>> round(score.bits_per_token, 6), round(score.perplexity, 6)
    (3.0, 8.0)
    >>> round(score.bits_per_character(24), 6)
    0.5
    """

    tokens: int
    nats: float

    @property
    def nats_per_token(self) -> float:
        """Average the cost over the predicted tokens, in nats."""
        return self.nats / self.tokens

    @property
    def bits_per_token(self) -> float:
        """Average the cost over the predicted tokens, in bits."""
        return nats_to_bits(self.nats_per_token)

    @property
    def perplexity(self) -> float:
        """Say how many equally likely tokens would have been as hard to guess."""
        return perplexity(self.nats_per_token)

    def bits_per_character(self, characters: int) -> float:
        """Spread the whole cost over the characters that the predicted tokens spell.

        Comparable between models whose tokens differ. Raises `ValueError` below one character.
        """
        if characters < 1:
            raise ValueError(f"`characters` must be at least 1. Received: characters={characters}")
        return nats_to_bits(self.nats) / characters


def score(model: Model, ids: np.ndarray, context_length: int | None = None) -> Score:
    """Measure how well a model predicts a text: each of `ids[1:]` once, given what stands before.

    The text is read in windows of `context_length` tokens that overlap by half. The first window
    predicts all its tokens, each later one only those that no window has predicted, so that every
    prediction but the first window's sees at least half a context. Left out, it is the longest that
    the model reads (its `context_length`), or 256. Shapes: ids (T,) -> `Score`.

    Raises `ValueError` for fewer than two ids, ids outside the model's vocabulary, logits of a
    wrong shape, and logits that are not numbers. A token of probability 0 costs infinite nats.

    >>> fair_die = lambda ids: np.zeros((*ids.shape, 6))
    >>> round(score(fair_die, np.array([0, 5, 3, 3])).perplexity, 6)
    6.0
    """
    if context_length is None:
        context_length = getattr(model, "context_length", CONTEXT_LENGTH)
    if context_length < 1:
        raise ValueError(
            f"`context_length` must be at least 1. Received: context_length={context_length}"
        )
    ids = checked_ids(ids)
    if len(ids) < 2:
        raise ValueError(f"scoring needs at least 2 ids (one to read). Received: {len(ids)} ids")
    V = logits_of(model, np.zeros((1, 1), dtype=np.int64)).shape[-1]
    if ids.max() >= V:
        raise ValueError(f"ids must be below the vocabulary size {V}. Received: id {ids.max()}")
    length = min(context_length, len(ids) - 1)
    windows = list(_windows(len(ids) - 1, length))
    step = max(1, min(MOST_WINDOWS, MOST_LOGITS // (length * V)))
    nats = 0.0
    for first in range(0, len(windows), step):
        batch = windows[first : first + step]
        inputs = np.stack([ids[start : start + length] for start, _ in batch])
        logits = logits_of(model, inputs)
        for row, (start, skip) in zip(logits, batch, strict=True):
            targets = ids[start + skip + 1 : start + length + 1]
            nats += float(token_nats(row[skip:], targets).sum())
    return Score(tokens=len(ids) - 1, nats=nats)


def _windows(predictions: int, length: int) -> Iterator[tuple[int, int]]:
    """Yield (start, skip): the window's first position, and how many predictions are not new.

    10 predictions, length 4 -> (0, 0) (2, 2) (4, 2) (6, 2)
    """
    done = length
    yield 0, 0
    while done < predictions:
        start = min(done - length + max(1, length // 2), predictions - length)
        yield start, done - start
        done = start + length


def token_nats(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Price each target in nats under its row of logits: logsumexp(logits) - logits[target].

    Shapes: (T, V), (T,) -> (T,), computed in float64. A target at -inf costs infinite nats.
    Raises `ValueError` when a row holds NaN or +inf, or nothing above -inf.

    >>> token_nats(np.log([[0.5, 0.25, 0.25]]), np.array([1])).round(4).tolist()
    [1.3863]
    """
    logs = log_softmax(np.asarray(logits, dtype=np.float64))
    return -np.take_along_axis(logs, np.asarray(targets)[:, None], axis=-1)[:, 0]


def checked_ids(ids: np.ndarray) -> np.ndarray:
    """Return ids as int64 `(T,)`, or raise `ValueError` saying what an array of ids must be."""
    ids = np.asarray(ids)
    if ids.ndim != 1 or not (ids.size == 0 or np.issubdtype(ids.dtype, np.integer)):
        raise ValueError(
            f"ids must be whole numbers on one axis. Received: {ids.dtype} of shape {ids.shape}"
        )
    if ids.size and ids.min() < 0:
        raise ValueError(f"ids must be at least 0. Received: id {ids.min()}")
    return ids.astype(np.int64)


def logits_of(model: Model, ids: np.ndarray) -> np.ndarray:
    """Call any model, NumPy or Keras, and return its logits as an array, their shape checked.

    Shapes: (B, T) -> (B, T, V). Raises `ValueError` when the model breaks the contract.
    """
    logits = np.asarray(model(ids))
    if logits.ndim != 3 or logits.shape[:2] != ids.shape or logits.shape[2] < 1:
        raise ValueError(
            f"a model must map ids (B, T) to logits (B, T, V). "
            f"Received: logits of shape {logits.shape} for ids of shape {ids.shape}"
        )
    return logits
