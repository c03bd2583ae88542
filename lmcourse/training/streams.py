"""Batches by number: a batch is a function of its number and nothing else.

So a run that was interrupted at step 500 asks for batch 500 and sees what it would have seen.
Knows nothing about models. Axis letters: B batch, T time.
"""

from collections.abc import Callable

import numpy as np

from lmcourse.text.batches import sample_batch, windows

Batches = Callable[[int], tuple[np.ndarray, ...]]  # step -> inputs (B, T), targets (B, T)


def random_batches(ids: np.ndarray, batch_size: int, context_length: int, seed: int = 0) -> Batches:
    """Draw windows from random places of a stream: step -> inputs (B, T), targets (B, T).

    The targets are the inputs one place on. Every start is equally likely.
    Raises `ValueError` when the stream is shorter than one window, or a size is below 1.

    >>> batches = random_batches(np.arange(100), batch_size=2, context_length=4, seed=0)
    >>> inputs, targets = batches(7)
    >>> inputs.shape, bool((targets == inputs + 1).all()), bool((batches(7)[0] == inputs).all())
    ((2, 4), True, True)
    """

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        return sample_batch(ids, batch_size, context_length, np.random.default_rng((seed, step)))

    batch(0)  # what is wrong with the arguments shows here, not at the first step
    return batch


def stream_batches(ids: np.ndarray, batch_size: int, context_length: int) -> Batches:
    """Cut a stream into B parts and read them side by side: step -> inputs (B, T), targets (B, T).

    Row b of batch k + 1 goes on where row b of batch k ended, so a model may carry its state from
    batch to batch. After the last batch the parts start anew (`batches.per_pass` batches a pass).
    Raises `ValueError` when a part is shorter than one window, or a size is below 1.

    >>> batches = stream_batches(np.arange(14), batch_size=2, context_length=3)
    >>> batches(0)[0].tolist(), batches(1)[0].tolist(), batches.per_pass
    ([[0, 1, 2], [6, 7, 8]], [[3, 4, 5], [9, 10, 11]], 2)
    """
    if batch_size < 1:
        raise ValueError(f"`batch_size` must be at least 1. Received: batch_size={batch_size}")
    ids = np.asarray(ids)
    windows(ids, context_length)  # its checks
    per_pass = (len(ids) - 1) // batch_size // context_length
    if per_pass < 1:
        raise ValueError(
            "`ids` must hold batch_size * context_length + 1 ids at least. "
            f"Received: {len(ids)} ids, {batch_size=}, {context_length=}"
        )
    part = per_pass * context_length
    rows = ids[: batch_size * part].reshape(batch_size, per_pass, context_length)
    after = ids[1 : batch_size * part + 1].reshape(batch_size, per_pass, context_length)

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        return rows[:, step % per_pass], after[:, step % per_pass]

    batch.per_pass = per_pass
    return batch


def checked(batch: tuple, vocabulary_size: int | None) -> tuple:
    """Return inputs, targets (int32) and weights (float32 or None), or say what does not fit.

    The first batch of a run is checked before V is known: `vocabulary_size` is None then.
    Raises `TypeError` for ids that are not integers, `ValueError` for the rest.
    """
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        raise ValueError(
            "A batch must be (inputs, targets) or (inputs, targets, weights). "
            f"Received: {type(batch).__name__}"
            + (f" of {len(batch)}" if isinstance(batch, tuple | list) else "")
        )
    inputs, targets, weights = (*batch, None)[:3]
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    for name, ids in (("inputs", inputs), ("targets", targets)):
        if not np.issubdtype(ids.dtype, np.integer):
            raise TypeError(f"`{name}` must be integer ids. Received: dtype={ids.dtype}")
        if ids.size == 0:
            raise ValueError(f"`{name}` must hold at least one id. Received: shape {ids.shape}")
        if vocabulary_size is not None and not 0 <= ids.min() <= ids.max() < vocabulary_size:
            raise ValueError(
                f"`{name}` must be ids from 0 to V - 1 = {vocabulary_size - 1}. "
                f"Received: ids from {ids.min()} to {ids.max()}"
            )
    if inputs.ndim != 2 or targets.shape not in (inputs.shape, inputs.shape[:1]):
        raise ValueError(
            "`inputs` must be (B, T) and `targets` (B, T) or (B,). "
            f"Received: inputs {inputs.shape}, targets {targets.shape}"
        )
    if weights is not None:
        weights = np.asarray(weights, "float32")
        bad = weights[~(np.isfinite(weights) & (weights >= 0))]
        if bad.size:
            raise ValueError(f"`weights` must be finite and at least 0. Received: {bad[0]}")
        if weights.shape != targets.shape:
            raise ValueError(
                "`weights` must have the shape of the targets. "
                f"Received: weights {weights.shape}, targets {targets.shape}"
            )
    return inputs.astype("int32"), targets.astype("int32"), weights
