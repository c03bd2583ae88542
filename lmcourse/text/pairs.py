"""Pairs of sentences as rows of ids, for models that read the one and write the other.

A row is the source, padded to S places, and after it `begin` and the target, padded to T. What is
to be predicted stands one place on, `end` after the target; weights of 0 leave the rest out of the
loss. Knows nothing of what an id means, and of models.

Axis letters: N pairs, B pairs in a batch, S places of the source, T of the target.
"""

from collections.abc import Callable, Sequence

import numpy as np

from lmcourse.text.batches import mask, pad

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # inputs, targets, weights: each (N, S + T)


def pair_rows(
    sources: Sequence[Sequence[int]],
    targets: Sequence[Sequence[int]],
    source_length: int,
    target_length: int,
    begin: int,
    end: int,
    pad_id: int = 0,
) -> Rows:
    """Put pairs into rows: N sources, N targets -> inputs, targets, weights, each (N, S + T).

    Args:
        sources, targets: ids without `begin`, `end` and padding; at least one pair.
        source_length: S.
        target_length: T; `begin` and a target of T - 1 ids fill it, and so do that target and
            `end`.
        begin: the id before each target.
        end: the id after each target.
        pad_id: the id that fills the gaps; it must stand in no source, since a model that leaves
            padding out of its attention would leave that place out, too.

    Raises:
        TypeError: if a sentence is text.
        ValueError: if there are not as many targets as sources, a sentence is empty or too long,
            or the padding stands in a source.

    Example:
        >>> inputs, targets, weights = pair_rows([[5, 6]], [[7, 8]], 3, 4, begin=1, end=2)
        >>> inputs.tolist(), targets.tolist(), weights.tolist()
        ([[5, 6, 0, 1, 7, 8, 0]], [[0, 0, 0, 7, 8, 2, 0]], [[0.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0]])
    """
    if len(sources) != len(targets):
        raise ValueError(
            "There must be as many targets as sources. "
            f"Received: {len(sources)} sources, {len(targets)} targets"
        )
    for name, sentences, longest in (
        ("source", sources, source_length),
        ("target", targets, target_length - 1),
    ):
        for number, sentence in enumerate(sentences):
            if isinstance(sentence, str):
                raise TypeError(f"A {name} must be ids, not text. Received: {sentence!r}")
            if not 1 <= len(sentence) <= longest:
                raise ValueError(
                    f"A {name} must hold from 1 to {longest} ids. "
                    f"Received: {len(sentence)} ids in {name} {number}"
                )
    if any(pad_id in sentence for sentence in sources):
        raise ValueError(f"`pad_id` must stand in no source. Received: pad_id={pad_id}")
    before = pad(sources, pad_id, source_length)
    nothing = np.full_like(before, pad_id)
    written = pad([[begin, *target] for target in targets], pad_id, target_length)
    expected = pad([[*target, end] for target in targets], pad_id, target_length)
    counts = mask([len(target) + 1 for target in targets], target_length)
    return (
        np.concatenate([before, written], axis=1),
        np.concatenate([nothing, expected], axis=1),
        np.concatenate([np.zeros_like(before), counts], axis=1).astype(np.float32),
    )


def pair_batches(rows: Rows, batch_size: int, seed: int = 0) -> Callable[[int], Rows]:
    """Shuffle rows anew for every pass and cut them: step -> inputs, targets, weights (B, S + T).

    A batch is a function of its number and nothing else. Every row is used once a pass, but for
    the fewer than B that are left at its end (other ones in every pass).

    Raises:
        ValueError: if `batch_size` is below 1, or there are fewer rows than that.

    Example:
        >>> rows = pair_rows([[5], [6], [7]], [[8], [9], [8]], 1, 2, begin=1, end=2)
        >>> batches = pair_batches(rows, batch_size=3)
        >>> sorted(batches(4)[0][:, 0].tolist()), batches.per_pass
        ([5, 6, 7], 1)
    """
    count = len(rows[0])
    if not 1 <= batch_size <= count:
        raise ValueError(
            f"`batch_size` must be from 1 to the number of rows, {count}. "
            f"Received: batch_size={batch_size}"
        )
    per_pass = count // batch_size

    def batch(step: int) -> Rows:
        order = np.random.default_rng((seed, step // per_pass)).permutation(count)
        first = step % per_pass * batch_size
        return tuple(part[order[first : first + batch_size]] for part in rows)

    batch.per_pass = per_pass
    return batch
