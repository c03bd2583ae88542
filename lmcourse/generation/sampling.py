"""Greedy, temperature, top-k and top-p sampling, and text from any model. Knows only logits.

Axis letters: B batch, T time, V vocabulary.
"""

import numpy as np

from lmcourse.evaluation.probability import Model, checked_ids, logits_of
from lmcourse.reference.softmax import log_softmax, softmax


def distribution(
    logits: np.ndarray,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:
    """Turn logits into the probabilities that `sample` draws from.

    The order is fixed: divide by `temperature`, keep the `top_k` most probable tokens, then the
    fewest of them whose share reaches `top_p`; what is left is scaled to sum to one. Temperature 0
    is greedy: all on the largest logit. On a tie the smaller id counts as the more probable.
    Shapes: (..., V) -> (..., V). A logit of -inf gets probability 0.

    Raises `ValueError` for options out of range and for rows without a finite largest logit.
    Source for top-p: Holtzman and others, "The Curious Case of Neural Text Degeneration", 2020.

    >>> logits = np.log([0.5, 0.3, 0.2])
    >>> distribution(logits, top_k=2).round(3).tolist()
    [0.625, 0.375, 0.0]
    >>> distribution(logits, temperature=0.5).round(3).tolist()
    [0.658, 0.237, 0.105]
    """
    _check(temperature, top_k, top_p)
    scores = np.asarray(logits, dtype=np.float64)
    logs = log_softmax(scores)
    if temperature == 0:
        top_k, temperature = 1, 1.0
    with np.errstate(over="ignore"):  # a tiny temperature may send a logit to -inf: probability 0
        p = softmax((logs - logs.max(axis=-1, keepdims=True)) / temperature)
    order = np.argsort(-scores, axis=-1, kind="stable")  # most probable first
    ranked = np.take_along_axis(p, order, axis=-1)
    if top_k is not None:
        ranked[..., top_k:] = 0
    if top_p is not None and top_p < 1:
        share = ranked / ranked.sum(axis=-1, keepdims=True)
        before = np.cumsum(share, axis=-1) - share  # what the more probable tokens already hold
        ranked[before >= top_p - 1e-12] = 0
    np.put_along_axis(p, order, ranked, axis=-1)
    return p / p.sum(axis=-1, keepdims=True)


def sample(
    logits: np.ndarray,
    rng: np.random.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:
    """Draw one token id for each row of logits; the options are those of `distribution`.

    Shapes: (..., V) -> (...). A token of probability 0 is never drawn.

    >>> rng = np.random.default_rng(0)
    >>> sample(np.log([[0.9, 0.1], [0.1, 0.9]]), rng, temperature=0).tolist()
    [0, 1]
    """
    totals = np.cumsum(distribution(logits, temperature, top_k, top_p), axis=-1)
    totals = totals / totals[..., -1:]  # the last total is exactly 1, whatever was rounded
    thresholds = rng.random(totals.shape[:-1])
    return (totals > thresholds[..., None]).argmax(axis=-1)


def generate(
    model: Model,
    ids: np.ndarray,
    length: int,
    rng: np.random.Generator,
    context_length: int = 256,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> np.ndarray:
    """Let a model write: append `length` sampled ids to the prompt, one after another.

    Each step shows the model the last `context_length` ids and samples from its last logits.
    Shapes: (T,) -> (T + length,). Raises `ValueError` for an empty prompt, ids outside the
    vocabulary, a negative length, options out of range, and a model that breaks the contract.

    >>> count_up = lambda ids: 9.0 * np.eye(5)[(ids + 1) % 5]
    >>> generate(count_up, np.array([3]), 4, np.random.default_rng(0), temperature=0).tolist()
    [3, 4, 0, 1, 2]
    """
    if context_length < 1:
        raise ValueError(
            f"`context_length` must be at least 1. Received: context_length={context_length}"
        )
    if length < 0:
        raise ValueError(f"`length` must be at least 0. Received: length={length}")
    _check(temperature, top_k, top_p)
    prompt = checked_ids(ids)
    if len(prompt) == 0:
        raise ValueError("the prompt must hold at least 1 id. Received: 0 ids")
    text = np.concatenate([prompt, np.zeros(length, dtype=np.int64)])
    for end in range(len(prompt), len(text)):
        context = text[max(0, end - context_length) : end]
        logits = logits_of(model, context[None, :])
        if prompt.max() >= logits.shape[-1]:
            raise ValueError(
                f"ids must be below the vocabulary size {logits.shape[-1]}. "
                f"Received: id {prompt.max()}"
            )
        text[end] = sample(logits[0, -1], rng, temperature, top_k, top_p)
    return text


def _check(temperature: float, top_k: int | None, top_p: float | None) -> None:
    if not 0 <= temperature < np.inf:
        raise ValueError(
            f"`temperature` must be at least 0 and finite. Received: temperature={temperature}"
        )
    if top_k is not None and top_k < 1:
        raise ValueError(f"`top_k` must be at least 1. Received: top_k={top_k}")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"`top_p` must be above 0 and at most 1. Received: top_p={top_p}")
