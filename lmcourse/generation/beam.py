"""Beam search: the few best beginnings of a text, step by step. Knows only logits.

Axis letters: B batch (here: the hypotheses that still grow), T time, V vocabulary.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lmcourse.evaluation.probability import CONTEXT_LENGTH, Model, logits_of
from lmcourse.generation.sampling import Mask, check_vocabulary, checked_prompt, masked
from lmcourse.reference.softmax import log_softmax


@dataclass(frozen=True)
class Hypothesis:
    """A continuation that beam search considers, and what it is worth.

    Args:
        ids: what is written after the prompt, the end included.
        log_probability: the sum of the logarithms of its tokens' probabilities, in nats.
        score: what it is ranked by: the log-probability over a power of the length.
        finished: does it end with the end?
    """

    ids: tuple[int, ...] = ()
    log_probability: float = 0.0
    score: float = 0.0
    finished: bool = False


@dataclass(frozen=True)
class Step:
    """One step of the search: who stays and who falls out, best first.

    Args:
        kept: the beam after the step, at most `width` hypotheses.
        dropped: the next best, at most `width` of them. The rest is not worth a list.
    """

    kept: list[Hypothesis]
    dropped: list[Hypothesis]


def beam_search(model: Model, ids: np.ndarray, length: int, width: int, **options):
    """Look for the most probable continuation, keeping `width` of them: best first.

    Width 1 is greedy decoding. A width of V to the power of `length - 1` tries everything. In
    between it may miss the best. Each step calls the model once, with a row for each hypothesis
    that still grows: `width` times the work of greedy decoding.

    Args:
        model: maps ids `(B, T)` to logits `(B, T, V)`.
        ids: the prompt `(T,)`, at least one id.
        length: the most ids to write.
        width: how many hypotheses stay after each step.
        **options: those of `beam_steps`.

    Returns:
        A list of at most `width` `Hypothesis`. Those that are not finished have `length` ids.

    Raises:
        ValueError: as `generate` does, and for a width below 1.

    Example:
        >>> table = np.log([[0.1, 0.5, 0.4], [0.4, 0.3, 0.3], [0.9, 0.05, 0.05]])
        >>> model = lambda ids: table[ids]
        >>> [h.ids for h in beam_search(model, [0], length=2, width=1)]   # greedy: 0.5 * 0.4
        [(1, 0)]
        >>> [h.ids for h in beam_search(model, [0], length=2, width=2)]   # better: 0.4 * 0.9
        [(2, 0), (1, 0)]

    Reference: Lowerre (1976), "The Harpy speech recognition system"; for networks, Graves (2012),
        "Sequence transduction with recurrent neural networks".
    """
    beam = [Hypothesis()]
    for step in beam_steps(model, ids, length, width, **options):
        beam = step.kept
    return beam


def beam_steps(
    model: Model,
    ids: np.ndarray,
    length: int,
    width: int,
    length_penalty: float = 0.0,
    end_id: int | None = None,
    context_length: int = CONTEXT_LENGTH,
    mask: Mask | None = None,
) -> Iterator[Step]:
    """Walk through a beam search step by step; `beam_search` returns what the last one kept.

    A hypothesis that has ended keeps its place as long as its score is good enough. The search is
    over when all have ended, or after `length` steps.

    Args:
        model, ids, length, width: as `beam_search`.
        length_penalty: a; hypotheses are ranked by log-probability / (number of ids) ** a. 0 ranks
            by probability and favours the short, 1 by the mean over the tokens.
        end_id: the id with which a text is over.
        context_length: how much of the text the model is shown.
        mask: as `generate`. What is forbidden falls out, what is allowed keeps the probability that
            the model gave it.

    Reference: Wu and others (2016), "Google's neural machine translation system", section 7; their
        power of (5 + length) / 6 is here a power of the length.
    """
    if width < 1:
        raise ValueError(f"`width` must be at least 1. Received: width={width}")
    if not 0 <= length_penalty < np.inf:
        raise ValueError(
            "`length_penalty` must be at least 0 and finite. "
            f"Received: length_penalty={length_penalty}"
        )
    prompt = checked_prompt(ids, length, context_length)
    beam = [Hypothesis()]
    for n in range(length):
        growing = [hypothesis for hypothesis in beam if not hypothesis.finished]
        if not growing:
            return
        rows = np.stack([np.concatenate([prompt, np.array(h.ids, np.int64)]) for h in growing])
        logits = logits_of(model, rows[:, -context_length:])[:, -1]
        check_vocabulary(prompt, logits.shape[-1])
        logs = log_softmax(np.asarray(logits, dtype=np.float64))
        if mask is not None:
            room = length - n
            logs = np.stack(
                [
                    masked(p, mask(row[len(prompt) :], room))
                    for p, row in zip(logs, rows, strict=True)
                ]
            )
        candidates = [h for h in beam if h.finished]
        for row, id, log_probability in _largest(logs, growing, 2 * width):
            written = (*growing[row].ids, id)
            score = log_probability / len(written) ** length_penalty
            candidates.append(Hypothesis(written, log_probability, score, id == end_id))
        candidates.sort(key=lambda hypothesis: -hypothesis.score)  # stable: on a tie as they came
        beam = candidates[:width]
        yield Step(beam, candidates[width : 2 * width])


def _largest(logs, growing, count):
    """Yield (row, id, log-probability) of the most probable continuations, best first."""
    totals = logs + np.array([h.log_probability for h in growing])[:, None]
    best = np.argsort(-totals, axis=None, kind="stable")[:count]
    for row, id in zip(*np.unravel_index(best, totals.shape), strict=True):
        if totals[row, id] > -np.inf:
            yield int(row), int(id), float(totals[row, id])
