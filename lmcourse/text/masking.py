"""Hide tokens to be guessed, for the masked language model; knows nothing of what an id means.

A few places of a text are chosen. The model has to say what stood there, and what it gets to read
at these places is mostly a hole. The id of the hole, [MASK], is one above the tokens': V.

Axis letters: B sequences in a batch, T ids in a sequence, V ids of tokens.
"""

from collections.abc import Callable

import numpy as np

from lmcourse.text.batches import sample_batch

RULE = (0.8, 0.1, 0.1)
"""Of the chosen places: shares that show a hole, a random token, and the token itself."""


def mask_tokens(
    ids: np.ndarray,
    vocabulary_size: int,
    rng: np.random.Generator,
    share: float = 0.15,
    rule: tuple[float, float, float] = RULE,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose places and hide what stands there: ids (B, T) -> inputs (B, T), chosen (B, T).

    In every row round(share * T) places are chosen, at least one. Each of them shows [MASK], a
    token drawn from all V alike, or what was there, with the probabilities of `rule`. Elsewhere
    the inputs are the ids; `chosen` is True where the model is asked.

    Args:
        ids: tokens, from 0 to V - 1; they are not changed.
        vocabulary_size: V; it is also the id of [MASK].
        rng: where the places and the random tokens come from.
        share: of the places that are chosen, above 0 and at most 1.
        rule: three shares that sum to one.

    Raises:
        ValueError: if an argument is out of range, or an id is none of the V.

    Example:
        >>> ids = np.arange(20).reshape(2, 10)
        >>> inputs, chosen = mask_tokens(ids, 20, np.random.default_rng(0), rule=(1, 0, 0))
        >>> inputs
        array([[ 0,  1, 20, 20,  4,  5,  6,  7,  8,  9],
               [10, 20, 12, 20, 14, 15, 16, 17, 18, 19]])
        >>> bool((inputs[chosen] == 20).all() and (inputs[~chosen] == ids[~chosen]).all())
        True

    Reference: Devlin, Chang, Lee & Toutanova (2019), "BERT"; fill-in-the-blank as a measure: Taylor
        (1953), "Cloze procedure".
    """
    ids = _rows(ids, vocabulary_size)
    if not 0 < share <= 1:
        raise ValueError(f"`share` must be above 0 and at most 1. Received: share={share}")
    if len(rule) != 3 or min(rule) < 0 or not np.isclose(sum(rule), 1):
        raise ValueError(f"`rule` must be three shares that sum to 1. Received: rule={rule}")
    count = max(1, round(share * ids.shape[1]))
    chosen = np.zeros(ids.shape, bool)
    places = np.argsort(rng.random(ids.shape), axis=1)[:, :count]
    np.put_along_axis(chosen, places, True, axis=1)
    fate, drawn = rng.random(ids.shape), rng.integers(vocabulary_size, size=ids.shape)
    hidden, holes = ids.copy(), chosen & (fate < rule[0])
    swapped = chosen & ~holes & (fate < rule[0] + rule[1])
    hidden[holes] = vocabulary_size
    hidden[swapped] = drawn[swapped]
    return hidden, chosen


def masked_batches(
    ids: np.ndarray,
    batch_size: int,
    context_length: int,
    vocabulary_size: int,
    seed: int = 0,
    share: float = 0.15,
    rule: tuple[float, float, float] = RULE,
) -> Callable[[int], tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Draw windows of a stream and hide tokens: step -> inputs, targets, weights, each (B, T).

    The targets are what stood there, the weights 1 at the chosen places and 0 elsewhere. A batch
    is a function of its number: the same number, the same windows and the same holes.

    Raises:
        ValueError: as `mask_tokens` does, or if the stream is shorter than a window and one id.

    Example:
        >>> batches = masked_batches(np.arange(100), 2, 10, vocabulary_size=100)
        >>> inputs, targets, weights = batches(7)
        >>> targets[0] - targets[0, 0], weights.sum(axis=1)
        (array([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]), array([2., 2.], dtype=float32))
    """
    ids = _rows(np.asarray(ids)[None], vocabulary_size)[0]

    def batch(step: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = np.random.default_rng((seed, step))
        targets, _ = sample_batch(ids, batch_size, context_length, rng)
        inputs, chosen = mask_tokens(targets, vocabulary_size, rng, share, rule)
        return inputs, targets, chosen.astype(np.float32)

    batch(0)  # what is wrong with the arguments shows here, not at the first step
    return batch


def _rows(ids, vocabulary_size: int) -> np.ndarray:
    """Check ids (B, T) against the vocabulary."""
    if vocabulary_size < 1:
        raise ValueError(
            f"`vocabulary_size` must be at least 1. Received: vocabulary_size={vocabulary_size}"
        )
    ids = np.asarray(ids)
    if ids.ndim != 2 or ids.size == 0 or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(
            "`ids` must be integers with at least one place a row. "
            f"Received: {ids.dtype} of shape {ids.shape}"
        )
    if not 0 <= ids.min() <= ids.max() < vocabulary_size:
        raise ValueError(
            f"`ids` must be from 0 to V - 1 = {vocabulary_size - 1}; V itself is [MASK]. "
            f"Received: ids from {ids.min()} to {ids.max()}"
        )
    return ids
