"""From scores to probabilities, and from probabilities to a loss, in plain NumPy.

The yardstick for every last layer of the course. It does not know where the scores come from, and
it counts in nats (natural logarithms): divide by log 2 for bits.
"""

import numpy as np


def softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    """Turn scores into probabilities along one axis: `(..., V) -> (..., V)`.

    The largest score is subtracted first. That changes nothing on paper, and it keeps `exp` from
    overflowing. A score of `-inf` is a word that cannot come: its probability is exactly 0.

    Args:
        z: scores of any shape; integers become float64, floats keep their type.
        axis: the axis whose probabilities sum to one.

    Raises:
        ValueError: if the largest score along the axis is not finite (all are `-inf`, or one is
            `inf` or `nan`), or if the axis is empty.

    Example:
        >>> softmax([2.0, 1.0, -1.0]).round(3)
        array([0.705, 0.259, 0.035])
        >>> softmax([1000.0, 1000.0])
        array([0.5, 0.5])

    Reference: Bridle (1990), "Probabilistic interpretation of feedforward classification network
        outputs".
    """
    powers = np.exp(_shifted(z, axis))
    return powers / powers.sum(axis=axis, keepdims=True)


def log_softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
    """Give the logarithm of `softmax` without ever forming a probability: `(..., V) -> (..., V)`.

    `log p = z - logsumexp(z)`: a score and a log-probability differ by a constant per row. It stays
    finite where `np.log(softmax(z))` has already become `-inf`.

    Raises:
        ValueError: as `softmax` does.

    Example:
        >>> log_softmax([1000.0, 0.0])
        array([    0., -1000.])
    """
    shifted = _shifted(z, axis)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def logsumexp(z: np.ndarray, axis: int = -1, keepdims: bool = False) -> np.ndarray:
    """Add numbers that are stored as logarithms: `(..., V) -> (...)`.

    `log(e^z1 + ... + e^zV)`, a smooth maximum: it lies between `max(z)` and `max(z) + log V`. Where
    all scores are `-inf` (a sum of nothing but zeros) it is `-inf`.

    Raises:
        ValueError: if the axis is empty or a score is `inf` or `nan`.

    Example:
        >>> float(np.exp(logsumexp(np.log([1.0, 2.0, 5.0]))).round(6))   # 1 + 2 + 5
        8.0
    """
    z = _scores(z, axis)
    largest = z.max(axis=axis, keepdims=True)
    if np.isnan(largest).any() or np.isposinf(largest).any():
        raise ValueError(f"Every score must be below infinity. Received: largest={largest.max()}")
    shift = np.where(np.isneginf(largest), 0, largest).astype(z.dtype)
    with np.errstate(divide="ignore"):
        total = shift + np.log(np.exp(z - shift).sum(axis=axis, keepdims=True))
    return total if keepdims else total.squeeze(axis=axis)[()]


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> float:
    """Measure the mean surprise, in nats, at the right answers: `(..., V), (...) -> ()`.

    The loss of every language model here: the mean of `-log softmax(logits)[target]`.

    Args:
        logits: scores `(..., V)`.
        targets: the ids that really came, integers `(...)` in `0 <= id < V`.

    Raises:
        TypeError: if `targets` are not integers.
        ValueError: if the shapes do not fit, an id is out of range, or there are no targets.

    Example:
        >>> round(cross_entropy([[2.0, 1.0, -1.0]], [0]), 3)   # -log 0.705
        0.349
        >>> round(cross_entropy(np.zeros((2, 4)), [0, 3]), 3)   # four equal scores: log 4
        1.386
    """
    logits, targets = _pair(logits, targets)
    chosen = np.take_along_axis(log_softmax(logits), targets[..., None], axis=-1)
    return float(-chosen.mean())


def cross_entropy_gradient(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Say how the loss moves with every score: `(..., V), (...) -> (..., V)`.

    `(p - y) / N`: the prediction minus the truth (`y` is 1 at the target, 0 elsewhere), divided by
    the number of targets. Every row sums to zero.

    Raises:
        TypeError, ValueError: as `cross_entropy` does.

    Example:
        >>> cross_entropy_gradient([[2.0, 1.0, -1.0]], [0]).round(3)
        array([[-0.295,  0.259,  0.035]])
    """
    logits, targets = _pair(logits, targets)
    gradient = softmax(logits)
    index = targets[..., None]
    hits = np.take_along_axis(gradient, index, axis=-1)
    np.put_along_axis(gradient, index, hits - 1, axis=-1)
    return gradient / targets.size


def _scores(z, axis):
    z = np.asarray(z)
    if not np.issubdtype(z.dtype, np.floating):
        z = z.astype(np.float64)
    if z.ndim == 0 or z.shape[axis] == 0:
        raise ValueError(f"There must be at least one score along the axis. Received: {z.shape=}")
    return z


def _shifted(z, axis):
    z = _scores(z, axis)
    largest = z.max(axis=axis, keepdims=True)
    if not np.isfinite(largest).all():
        bad = largest[~np.isfinite(largest)][0]
        raise ValueError(f"The largest score must be a finite number. Received: largest={bad}")
    return z - largest


def _pair(logits, targets):
    logits, targets = _scores(logits, -1), np.asarray(targets)
    if not np.issubdtype(targets.dtype, np.integer):
        raise TypeError(f"`targets` must be integer ids. Received: dtype={targets.dtype}")
    if logits.shape[:-1] != targets.shape:
        raise ValueError(
            "`logits` must have the shape of `targets` and one more axis, V. "
            f"Received: {logits.shape=}, {targets.shape=}"
        )
    if targets.size == 0:
        raise ValueError("There must be at least one target. Received: targets.size=0")
    low, high = targets.min(), targets.max()
    if low < 0 or high >= logits.shape[-1]:
        raise ValueError(
            f"`targets` must be ids from 0 to V - 1 = {logits.shape[-1] - 1}. "
            f"Received: ids from {low} to {high}"
        )
    return logits, targets
