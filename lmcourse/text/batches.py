"""Ids in equal lengths: padding, masks, windows over a stream; knows nothing of what an id means.

Axis letters: B sequences in a batch, T ids in a sequence.
"""

from collections.abc import Sequence

import numpy as np


def pad(
    sequences: Sequence[Sequence[int]],
    value: int,
    length: int | None = None,
    side: str = "right",
) -> np.ndarray:
    """Puts sequences of different lengths into one array: B sequences -> (B, T).

    Args:
        sequences: at least one sequence of ids.
        value: the id that fills the gaps; keep one for this purpose alone.
        length: T; by default that of the longest sequence. What is longer is cut.
        side: where gaps are filled and where long sequences are cut, `"right"` or `"left"`.

    Example:
        >>> pad([[5, 6, 7], [8]], value=0)
        array([[5, 6, 7],
               [8, 0, 0]])
        >>> pad([[5, 6, 7], [8]], value=0, length=2, side="left")
        array([[6, 7],
               [0, 8]])
    """
    _check_side(side)
    if len(sequences) == 0:
        raise ValueError("`sequences` must hold at least one sequence. Received: none")
    if length is None:
        length = max(map(len, sequences))
    _at_least_one("length", length)
    batch = np.full((len(sequences), length), value, dtype=np.int64)
    for row, sequence in zip(batch, sequences, strict=True):
        size = min(len(sequence), length)
        if side == "right":
            row[:size] = sequence[:size]
        else:
            row[length - size :] = sequence[len(sequence) - size :]
    return batch


def mask(lengths: Sequence[int], length: int | None = None, side: str = "right") -> np.ndarray:
    """Tells real ids (True) from padding (False): lengths (B,) -> (B, T).

    It is made from the lengths, not from the padded ids: an id that equals the padding value by
    chance stays real.

    Example:
        >>> mask([3, 1]).astype(int)
        array([[1, 1, 1],
               [1, 0, 0]])
    """
    _check_side(side)
    lengths = np.asarray(lengths)
    if lengths.ndim != 1 or lengths.size == 0 or lengths.min() < 0:
        raise ValueError(
            f"`lengths` must be a list of counts, each at least 0. Received: {lengths.tolist()}"
        )
    if length is None:
        length = int(lengths.max())
    _at_least_one("length", length)
    real = np.arange(length) < lengths[:, None]
    return real if side == "right" else real[:, ::-1]


def causal_mask(length: int) -> np.ndarray:
    """Tells which positions each position may look at, itself and the past: T -> (T, T).

    Example:
        >>> causal_mask(3).astype(int)
        array([[1, 0, 0],
               [1, 1, 0],
               [1, 1, 1]])
    """
    _at_least_one("length", length)
    return np.tri(length, dtype=bool)


def windows(
    ids: np.ndarray, context_length: int, stride: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Cuts a stream into inputs and the ids that follow them: (N,) -> (B, T), (B, T).

    Windows start every `stride` ids, by default one after another; what is left at the end and
    fills no window is not used. Both arrays are read-only views: they take no memory.

    Example:
        >>> inputs, targets = windows(np.arange(8), context_length=3)
        >>> inputs
        array([[0, 1, 2],
               [3, 4, 5]])
        >>> targets
        array([[1, 2, 3],
               [4, 5, 6]])
    """
    ids = _stream(ids, context_length)
    stride = context_length if stride is None else stride
    _at_least_one("stride", stride)
    pieces = np.lib.stride_tricks.sliding_window_view(ids, context_length + 1)[::stride]
    return pieces[:, :-1], pieces[:, 1:]


def sample_batch(
    ids: np.ndarray, batch_size: int, context_length: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Draws windows from random places of a stream: (N,) -> inputs (B, T), targets (B, T).

    Every start is equally likely; a window may be drawn twice.

    Example:
        >>> inputs, targets = sample_batch(np.arange(100), 2, 5, np.random.default_rng(0))
        >>> inputs.shape, bool((targets == inputs + 1).all())
        ((2, 5), True)
    """
    ids = _stream(ids, context_length)
    _at_least_one("batch_size", batch_size)
    starts = rng.integers(len(ids) - context_length, size=(batch_size, 1))
    places = starts + np.arange(context_length)
    return ids[places], ids[places + 1]


def _stream(ids: np.ndarray, context_length: int) -> np.ndarray:
    """Checks a stream of ids that must hold at least one window and the id after it."""
    _at_least_one("context_length", context_length)
    ids = np.asarray(ids)
    if ids.ndim != 1 or not (ids.size == 0 or np.issubdtype(ids.dtype, np.integer)):
        raise ValueError(
            f"`ids` must be integers of shape (N,). Received: {ids.dtype} of shape {ids.shape}"
        )
    if len(ids) < context_length + 1:
        raise ValueError(
            "`ids` must hold at least context_length + 1 ids. "
            f"Received: {len(ids)} ids, context_length={context_length}"
        )
    return ids


def _at_least_one(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")


def _check_side(side: str) -> None:
    if side not in ("left", "right"):
        raise ValueError(f'`side` must be "left" or "right". Received: side={side!r}')
