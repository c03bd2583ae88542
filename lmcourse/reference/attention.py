"""Attention in plain NumPy, forward and backward, with one head and with several.

The yardstick of lesson 10. It knows neither words nor their order: whatever should depend on a
place must be in the vectors, or in the mask.

Axis letters: T places that ask, S places that are asked (T itself, or the length of a memory),
D width of the vectors, H heads that ask, K heads that answer, W width of one head.
"""

from collections.abc import Mapping

import numpy as np

from lmcourse.reference.linear import linear
from lmcourse.reference.positions import rotate
from lmcourse.reference.softmax import softmax


def causal_mask(T: int) -> np.ndarray:
    """Say who may look where when nobody may look ahead: `(T, T)`, True = may look.

    Example:
        >>> causal_mask(3).astype(int)   # row 0 sees place 0 alone, row 2 sees all three
        array([[1, 0, 0],
               [1, 1, 0],
               [1, 1, 1]])

    Reference: Vaswani et al. (2017), "Attention is all you need", section 3.2.3.
    """
    return np.tri(T, dtype=bool)


def attention(
    q: np.ndarray, k: np.ndarray, v: np.ndarray, mask: np.ndarray | None = None
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Look up each query in a soft table: `(..., T, W), (..., S, W), (..., S, W) -> (..., T, W)`.

    Every query is compared with every key; the result is the mean of the values, weighted by how
    well their keys agree.

        scores  = q k^T / sqrt(W)       (..., T, S)
        weights = softmax(scores)       each row sums to 1
        outputs = weights v             (..., T, W)

    Args:
        q, k, v: queries, keys and values with the same leading axes (the values may be wider).
        mask: booleans that broadcast to `(..., T, S)`, True = may look, as in Keras.

    Returns:
        The outputs, and a cache: "query", "key", "value" and "weights" `(..., T, S)`.

    Raises:
        TypeError: if `mask` is not boolean.
        ValueError: if the shapes do not fit, or a query may look nowhere.

    Example:
        >>> q, k, v = [[1.0]], [[0.0], [np.log(3.0)]], [[0.0], [8.0]]
        >>> outputs, cache = attention(q, k, v)
        >>> cache["weights"].round(3), outputs.round(3)   # e^0 : e^log 3 = 1 : 3
        (array([[0.25, 0.75]]), array([[6.]]))

    Reference: Vaswani et al. (2017), "Attention is all you need", section 3.2.1.
    """
    q, k, v = _fitting(q, k, v)
    scores = q @ k.swapaxes(-1, -2) / np.sqrt(q.shape[-1])
    if mask is not None:
        scores = np.where(_checked(mask, scores.shape), scores, -np.inf)
    weights = softmax(scores)
    return weights @ v, {"query": q, "key": k, "value": v, "weights": weights}


def attention_backward(d_outputs: np.ndarray, cache: dict) -> tuple[np.ndarray, ...]:
    """Send the slopes of a loss back to the queries, keys and values, each of its own shape.

        d_v       = weights^T d_outputs
        d_weights = d_outputs v^T
        d_scores  = weights * (d_weights - sum of (weights * d_weights) along the row)
        d_q       = d_scores k / sqrt(W),   d_k = d_scores^T q / sqrt(W)

    A masked place has weight 0, so its score gets the slope 0: no mask is needed on the way back.

    Example:
        >>> q, k, v = [[1.0]], [[0.0], [np.log(3.0)]], [[0.0], [8.0]]
        >>> _, cache = attention(q, k, v)
        >>> d_q, d_k, d_v = attention_backward(np.array([[1.0]]), cache)
        >>> d_k.round(3).tolist()   # 1/4 of (0 - 6), 3/4 of (8 - 6)
        [[-1.5], [1.5]]

    Reference: Vaswani et al. (2017), "Attention is all you need"; the slope of the softmax as in
        Bridle (1990).
    """
    q, k, v, weights = (cache[name] for name in ("query", "key", "value", "weights"))
    d_weights = d_outputs @ v.swapaxes(-1, -2)
    mean = (weights * d_weights).sum(axis=-1, keepdims=True)
    d_scores = weights * (d_weights - mean) / np.sqrt(q.shape[-1])
    return d_scores @ k, d_scores.swapaxes(-1, -2) @ q, weights.swapaxes(-1, -2) @ d_outputs


def split_heads(x: np.ndarray, heads: int) -> np.ndarray:
    """Cut every vector into equal parts, one for each head: `(..., T, H W) -> (..., H, T, W)`.

    Raises:
        ValueError: if `heads` does not divide the width.

    Example:
        >>> split_heads(np.array([[1, 2, 3, 4], [5, 6, 7, 8]]), heads=2).tolist()
        [[[1, 2], [5, 6]], [[3, 4], [7, 8]]]

    Reference: Vaswani et al. (2017), "Attention is all you need", section 3.2.2.
    """
    width = x.shape[-1]
    if heads < 1 or width % heads:
        raise ValueError(f"`heads` must divide the width. Received: heads={heads}, width={width}")
    return x.reshape(*x.shape[:-1], heads, width // heads).swapaxes(-2, -3)


def join_heads(x: np.ndarray) -> np.ndarray:
    """Lay the parts of all heads side by side again: `(..., H, T, W) -> (..., T, H W)`.

    Example:
        >>> join_heads(np.array([[[1, 2], [5, 6]], [[3, 4], [7, 8]]])).tolist()
        [[1, 2, 3, 4], [5, 6, 7, 8]]

    Reference: Vaswani et al. (2017), "Attention is all you need", section 3.2.2.
    """
    x = x.swapaxes(-2, -3)
    return x.reshape(*x.shape[:-2], x.shape[-2] * x.shape[-1])


def multi_head(
    x: np.ndarray,
    weights: Mapping[str, np.ndarray],
    heads: int,
    kv_heads: int | None = None,
    *,
    memory: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    rotary: float | None = None,
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Look in several ways at once, and mix what was found: `(..., T, D) -> (..., T, D)`.

    Queries come from `x`, keys and values from `memory` (or from `x`, if there is none). Each is
    cut into heads, each head attends alone, and "output" mixes the heads again.

    Args:
        x: the vectors that ask.
        weights: "query" `(D, H W)`, "key" and "value" `(D, K W)`, "output" `(H W, D)`; each may
            have a bias, "query_bias" and so on.
        heads: H, how many heads ask.
        kv_heads: K, how many heads answer; H if left out. Query head h asks head h // (H / K).
        memory: the vectors that are asked, `(..., S, D)`: another text, in cross-attention.
        mask: booleans that broadcast to `(..., T, S)`, True = may look; the same for every head.
        rotary: the base of rotary positions; None for no positions.

    Returns:
        The outputs, and a cache: "query", "key", "value" after projection, rotation and repetition
        `(..., H, T or S, W)`, "weights" `(..., H, T, S)`, "found" `(..., H, T, W)`.

    Raises:
        TypeError: if `mask` is not boolean.
        ValueError: if the heads do not divide, the shapes do not fit, or a query may look nowhere.

    Example:
        >>> weights = {name: np.eye(4) for name in ("query", "key", "value", "output")}
        >>> outputs, cache = multi_head(np.eye(4), weights, heads=2, mask=causal_mask(4))
        >>> cache["weights"][1].round(2)   # head 1 reads the last two numbers of a vector
        array([[1.  , 0.  , 0.  , 0.  ],
               [0.5 , 0.5 , 0.  , 0.  ],
               [0.25, 0.25, 0.5 , 0.  ],
               [0.2 , 0.2 , 0.2 , 0.4 ]])

    Reference: Vaswani et al. (2017), "Attention is all you need", section 3.2.2; Ainslie et al.
        (2023), "GQA: training generalized multi-query Transformer models", for `kv_heads`.
    """
    kv_heads = heads if kv_heads is None else kv_heads
    if kv_heads < 1 or heads % kv_heads:
        raise ValueError(
            f"`kv_heads` must divide `heads`. Received: kv_heads={kv_heads}, heads={heads}"
        )
    memory = x if memory is None else memory
    q = split_heads(linear(x, weights, "query"), heads)
    k = split_heads(linear(memory, weights, "key"), kv_heads)
    v = split_heads(linear(memory, weights, "value"), kv_heads)
    if rotary is not None:
        q, k = rotate(q, base=rotary), rotate(k, base=rotary)
    k, v = (np.repeat(part, heads // kv_heads, axis=-3) for part in (k, v))
    if mask is not None:
        mask = np.atleast_2d(mask)[..., None, :, :]
    found, cache = attention(q, k, v, mask)
    return linear(join_heads(found), weights, "output"), {**cache, "found": found}


def _fitting(q, k, v):
    q, k, v = (np.asarray(part, np.float64) for part in (q, k, v))
    if (
        min(q.ndim, k.ndim, v.ndim) < 2
        or not q.shape[:-2] == k.shape[:-2] == v.shape[:-2]
        or q.shape[-1] != k.shape[-1]
        or k.shape[-2] != v.shape[-2]
    ):
        raise ValueError(
            "Queries, keys and values must have the shapes (..., T, W), (..., S, W) and "
            f"(..., S, W). Received: {q.shape}, {k.shape}, {v.shape}"
        )
    return q, k, v


def _checked(mask, shape):
    mask = np.asarray(mask)
    if mask.dtype != bool:
        raise TypeError(f"`mask` must be boolean, True = may look. Received: dtype={mask.dtype}")
    try:
        mask = np.broadcast_to(mask, shape)
    except ValueError:
        raise ValueError(
            f"`mask` must broadcast to the scores, {shape}. Received: {mask.shape}"
        ) from None
    blind = np.argwhere(~mask.any(axis=-1))
    if len(blind):
        raise ValueError(
            "Every query must be allowed to look at one place at least. "
            f"Received: a mask that is False along the whole row {tuple(map(int, blind[0]))}"
        )
    return mask
