"""From logits to the next token, and from any model to a text. Knows only logits.

Axis letters: B batch, T time, V vocabulary.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lmcourse.evaluation.probability import CONTEXT_LENGTH, Model, checked_ids, logits_of
from lmcourse.reference.softmax import log_softmax, softmax

# Which tokens may come next: (ids written so far (T,), how many may still be written) -> (V,) bool
Mask = Callable[[np.ndarray, int], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How logits become probabilities: five knobs, applied in the order in which they stand here.

    1. `repetition_penalty` r: the logit of each token that has occurred is divided by r where it is
       positive and multiplied by r where it is negative. 1 changes nothing.
    2. `temperature`: divides the logits; 0 is greedy, all on the largest of them.
    3. `top_k`: only the k most probable tokens stay.
    4. `top_p`: of these, only the fewest whose share reaches p.
    5. `min_p`: of these, only tokens at least min_p times as probable as the most probable one.

    What is left is scaled to sum to one. On a tie the smaller id counts as the more probable.

    Raises:
        ValueError: for a knob out of its range.

    Example:
        >>> careful = Sampling(temperature=0.8, top_p=0.9)
        >>> careful.distribution(np.log([0.5, 0.3, 0.15, 0.05])).round(3).tolist()
        [0.571, 0.302, 0.127, 0.0]
        >>> Sampling(min_p=0.5).distribution(np.log([0.5, 0.3, 0.15, 0.05])).round(3).tolist()
        [0.625, 0.375, 0.0, 0.0]

    Reference: Holtzman and others (2020), "The curious case of neural text degeneration" (top-p);
        Fan and others (2018), "Hierarchical neural story generation" (top-k); Nguyen and others
        (2025), "Turning up the heat: min-p sampling"; Keskar and others (2019), "CTRL: a
        conditional transformer language model" (the penalty; their program only divides, later
        ones go by the sign).
    """

    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None

    def __post_init__(self):
        penalty, temperature = self.repetition_penalty, self.temperature
        if not 0 < penalty < np.inf:
            raise ValueError(
                "`repetition_penalty` must be above 0 and finite. "
                f"Received: repetition_penalty={penalty}"
            )
        if not 0 <= temperature < np.inf:
            raise ValueError(
                f"`temperature` must be at least 0 and finite. Received: temperature={temperature}"
            )
        if self.top_k is not None and self.top_k < 1:
            raise ValueError(f"`top_k` must be at least 1. Received: top_k={self.top_k}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise ValueError(f"`top_p` must be above 0 and at most 1. Received: top_p={self.top_p}")
        if self.min_p is not None and not 0 <= self.min_p <= 1:
            raise ValueError(f"`min_p` must lie between 0 and 1. Received: min_p={self.min_p}")

    def distribution(self, logits: np.ndarray, before: np.ndarray | None = None) -> np.ndarray:
        """Turn logits into the probabilities that are drawn from: `(..., V) -> (..., V)`.

        Args:
            logits: scores `(..., V)`; one of -inf gets probability 0.
            before: the ids of the text so far `(..., T)`, which the penalty needs.

        Raises:
            ValueError: for rows without a finite largest logit, for a penalty without `before`.
        """
        scores = self._penalized(np.asarray(logits, dtype=np.float64), before)
        logs = log_softmax(scores)
        top_k, temperature = self.top_k, self.temperature
        if temperature == 0:
            top_k, temperature = 1, 1.0
        with np.errstate(over="ignore"):  # a tiny one may send a logit to -inf: probability 0
            p = softmax((logs - logs.max(axis=-1, keepdims=True)) / temperature)
        order = np.argsort(-scores, axis=-1, kind="stable")  # most probable first
        ranked = np.take_along_axis(p, order, axis=-1)
        if top_k is not None:
            ranked[..., top_k:] = 0
        if self.top_p is not None and self.top_p < 1:
            share = ranked / ranked.sum(axis=-1, keepdims=True)
            sooner = np.cumsum(share, axis=-1) - share  # what the more probable tokens hold
            ranked[sooner >= self.top_p - 1e-12] = 0
        if self.min_p is not None:
            ranked[ranked < self.min_p * ranked[..., :1]] = 0
        np.put_along_axis(p, order, ranked, axis=-1)
        return p / p.sum(axis=-1, keepdims=True)

    def sample(
        self, logits: np.ndarray, rng: np.random.Generator, before: np.ndarray | None = None
    ) -> np.ndarray:
        """Draw one id for each row: `(..., V) -> (...)`. Probability 0 is never drawn."""
        totals = np.cumsum(self.distribution(logits, before), axis=-1)
        totals = totals / totals[..., -1:]  # the last total is exactly 1, whatever was rounded
        thresholds = rng.random(totals.shape[:-1])
        return (totals > thresholds[..., None]).argmax(axis=-1)

    def _penalized(self, scores, before):
        if self.repetition_penalty == 1:
            return scores
        if before is None:
            raise ValueError(
                "`before`, the ids so far, must be given for a penalty. Received: before=None"
            )
        scores, before = scores.copy(), np.asarray(before, dtype=np.int64)
        old = np.take_along_axis(scores, before, axis=-1)
        factor = np.where(old > 0, 1 / self.repetition_penalty, self.repetition_penalty)
        np.put_along_axis(scores, before, old * factor, axis=-1)
        return scores


def distribution(
    logits: np.ndarray, temperature: float = 1.0, before: np.ndarray | None = None, **options
) -> np.ndarray:
    """Turn logits into the probabilities that `sample` draws from: `(..., V) -> (..., V)`.

    `options` are the other knobs of `Sampling`, whose `distribution` this is.

    >>> logits = np.log([0.5, 0.3, 0.2])
    >>> distribution(logits, top_k=2).round(3).tolist()
    [0.625, 0.375, 0.0]
    >>> distribution(logits, temperature=0.5).round(3).tolist()
    [0.658, 0.237, 0.105]
    """
    return Sampling(temperature=temperature, **options).distribution(logits, before)


def sample(
    logits: np.ndarray,
    rng: np.random.Generator,
    temperature: float = 1.0,
    before: np.ndarray | None = None,
    **options,
) -> np.ndarray:
    """Draw one token id for each row of logits: `(..., V) -> (...)`; options as `distribution`.

    >>> rng = np.random.default_rng(0)
    >>> sample(np.log([[0.9, 0.1], [0.1, 0.9]]), rng, temperature=0).tolist()
    [0, 1]
    """
    return Sampling(temperature=temperature, **options).sample(logits, rng, before)


def generate(
    model: Model,
    ids: np.ndarray,
    length: int,
    rng: np.random.Generator,
    context_length: int = CONTEXT_LENGTH,
    *,
    end_id: int | None = None,
    mask: Mask | None = None,
    **options,
) -> np.ndarray:
    """Let a model write: append up to `length` sampled ids to the prompt, one after another.

    Each step shows the model the last `context_length` ids and samples from its last logits.

    Args:
        model: maps ids `(B, T)` to logits `(B, T, V)`.
        ids: the prompt `(T,)`, at least one id.
        length: how many ids to write.
        rng: every draw comes from here.
        context_length: how much of the text the model is shown.
        end_id: once it is written, the text is over; it is kept.
        mask: called with the ids written so far and with how many may still be written, it says
            which ids may come next, `(V,)` bool; the others get a logit of -inf before all else.
        **options: the knobs of `Sampling`. The penalty counts the whole text, prompt included.

    Returns:
        The prompt and what was written, `(T + length,)`, shorter if `end_id` came.

    Raises:
        ValueError: for an empty prompt, ids outside the vocabulary, a negative length, options out
            of range, a mask that allows nothing, and a model that breaks the contract.

    Example:
        >>> count_up = lambda ids: 9.0 * np.eye(5)[(ids + 1) % 5]
        >>> rng = np.random.default_rng(0)
        >>> generate(count_up, np.array([3]), 4, rng, temperature=0).tolist()
        [3, 4, 0, 1, 2]
        >>> generate(count_up, np.array([3]), 4, rng, temperature=0, end_id=0).tolist()
        [3, 4, 0]
    """
    sampling = Sampling(**options)
    prompt = checked_prompt(ids, length, context_length)
    text = np.concatenate([prompt, np.zeros(length, dtype=np.int64)])
    for end in range(len(prompt), len(text)):
        context = text[max(0, end - context_length) : end]
        logits = logits_of(model, context[None, :])[0, -1]
        check_vocabulary(prompt, len(logits))
        if mask is not None:
            logits = masked(logits, mask(text[len(prompt) : end], len(text) - end))
        text[end] = sampling.sample(logits, rng, text[:end])
        if text[end] == end_id:
            return text[: end + 1]
    return text


def masked(logits: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Forbid what is not allowed: a logit of -inf. Shapes: (V,), (V,) bool -> (V,).

    >>> masked(np.array([1.0, 2.0, 3.0]), np.array([True, True, False])).tolist()
    [1.0, 2.0, -inf]
    """
    allowed = np.asarray(allowed)
    if allowed.shape != logits.shape or allowed.dtype != bool or not allowed.any():
        raise ValueError(
            f"a mask must be of shape {logits.shape}, bool, and allow a token. "
            f"Received: shape {allowed.shape}, {allowed.dtype}, {int(allowed.sum())} allowed"
        )
    return np.where(allowed, logits, -np.inf)


def checked_prompt(ids: np.ndarray, length: int, context_length: int) -> np.ndarray:
    """Return the prompt as int64 `(T,)`, or raise `ValueError` saying what it must be."""
    if context_length < 1:
        raise ValueError(
            f"`context_length` must be at least 1. Received: context_length={context_length}"
        )
    if length < 0:
        raise ValueError(f"`length` must be at least 0. Received: length={length}")
    prompt = checked_ids(ids)
    if len(prompt) == 0:
        raise ValueError("the prompt must hold at least 1 id. Received: 0 ids")
    return prompt


def check_vocabulary(ids: np.ndarray, vocabulary_size: int) -> None:
    """Raise `ValueError` if an id lies outside the vocabulary."""
    if ids.max() >= vocabulary_size:
        raise ValueError(
            f"ids must be below the vocabulary size {vocabulary_size}. Received: id {ids.max()}"
        )
