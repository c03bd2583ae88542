"""Embeddings and the loss that learns them from neighbours, in plain NumPy, gradients by hand.

The yardstick of lesson 05. It does not know what the ids stand for, and it draws no noise words.
"""

import numpy as np


def embedding(ids: np.ndarray, table: np.ndarray) -> np.ndarray:
    """Look up the row of every id: `(...), (V, D) -> (..., D)`.

    It is the product of one-hot vectors with the table, without the multiplications by zero.

    Args:
        ids: integers in `0 <= id < V`.
        table: one row, of width D, for each of V ids.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range.

    Example:
        >>> table = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])
        >>> embedding(np.array([2, 0, 2]), table)
        array([[4., 5.],
               [0., 1.],
               [4., 5.]])
    """
    return np.asarray(table)[_checked(ids, len(table))]


def embedding_backward(d_vectors: np.ndarray, ids: np.ndarray, vocabulary_size: int) -> np.ndarray:
    """Carry the gradient of looked-up rows back to the table: `(..., D), (...) -> (V, D)`.

    A row that was looked up twice gets both gradients, added; one that was not gets zeros.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range or the shapes do not fit.

    Example:
        >>> embedding_backward(np.array([[1.0, 2.0], [10.0, 20.0]]), np.array([2, 2]), 3)
        array([[ 0.,  0.],
               [ 0.,  0.],
               [11., 22.]])
    """
    d_vectors, ids = np.asarray(d_vectors), _checked(ids, vocabulary_size)
    if d_vectors.shape[:-1] != ids.shape:
        raise ValueError(
            "`d_vectors` must have the shape of `ids` and one more axis, D. "
            f"Received: {d_vectors.shape=}, {ids.shape=}"
        )
    d_table = np.zeros((vocabulary_size, d_vectors.shape[-1]))
    np.add.at(d_table, ids, d_vectors)
    return d_table


def negative_sampling(
    centers: np.ndarray, positives: np.ndarray, negatives: np.ndarray
) -> tuple[float, tuple]:
    """Measure how badly true neighbours are told from noise: `(B, D), (B, D), (B, K, D) -> ()`.

    The mean over B of `-log sigmoid(u . v) - sum over K of log sigmoid(-u_k . v)`, in nats.

    Args:
        centers: v, the vectors of the words that are read.
        positives: u, the vectors of their true neighbours.
        negatives: u_k, the vectors of K noise words for each.

    Returns:
        The loss, and what `negative_sampling_backward` needs.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> v, u, noise = np.array([[1.0, 0.0]]), np.array([[2.0, 5.0]]), np.array([[[0.0, 3.0]]])
        >>> loss, _ = negative_sampling(v, u, noise)   # scores 2 and 0
        >>> round(loss, 4)   # -log sigmoid(2) - log sigmoid(0) = 0.1269 + 0.6931
        0.8201

    Reference: Mikolov, Sutskever, Chen, Corrado & Dean (2013), "Distributed representations of
        words and phrases and their compositionality".
    """
    v, u, noise = (np.asarray(a, np.float64) for a in (centers, positives, negatives))
    if v.ndim != 2 or v.shape != u.shape or noise.ndim != 3 or noise.shape[::2] != v.shape:
        raise ValueError(
            "`centers` and `positives` must be (B, D), `negatives` (B, K, D). "
            f"Received: {v.shape}, {u.shape}, {noise.shape}"
        )
    true = (u * v).sum(axis=-1)  # (B,)
    false = np.einsum("bkd,bd->bk", noise, v)  # (B, K)
    losses = np.logaddexp(0, -true) + np.logaddexp(0, false).sum(axis=-1)
    return float(losses.mean()), (v, u, noise, true, false)


def negative_sampling_backward(
    d_loss: float, cache: tuple
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Carry the gradient of the loss back to the vectors: `() -> (B, D), (B, D), (B, K, D)`.

    The slope along a score is prediction minus truth once more: `sigmoid(score) - 1` for a true
    neighbour, `sigmoid(score)` for noise. Each vector gets it times the vector across from it.

    Example:
        >>> v, u, noise = np.array([[1.0, 0.0]]), np.array([[2.0, 5.0]]), np.array([[[0.0, 3.0]]])
        >>> _, cache = negative_sampling(v, u, noise)
        >>> d_v, d_u, d_noise = negative_sampling_backward(1.0, cache)
        >>> d_noise   # half believed, so half of v
        array([[[0.5, 0. ]]])
    """
    v, u, noise, true, false = cache
    d_true = d_loss / len(v) * (_sigmoid(true) - 1)
    d_false = d_loss / len(v) * _sigmoid(false)
    d_v = d_true[:, None] * u + np.einsum("bk,bkd->bd", d_false, noise)
    return d_v, d_true[:, None] * v, d_false[..., None] * v[:, None]


def _sigmoid(x):
    return np.exp(-np.logaddexp(0, -x))


def _checked(ids, vocabulary_size):
    ids = np.asarray(ids)
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"`ids` must be integers. Received: dtype={ids.dtype}")
    if ids.size and not 0 <= ids.min() <= ids.max() < vocabulary_size:
        raise ValueError(
            f"`ids` must be from 0 to V - 1 = {vocabulary_size - 1}. "
            f"Received: ids from {ids.min()} to {ids.max()}"
        )
    return ids
