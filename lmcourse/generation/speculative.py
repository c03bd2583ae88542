"""Let a small model guess and a large one check several guesses at once. Knows two decoders.

What is written has exactly the distribution of the large model, whatever the small one guesses: a
bad draft costs time, never quality. Axis letters: V vocabulary, N guesses.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from lmcourse.generation.cache import Decoder
from lmcourse.generation.sampling import Sampling, checked_prompt


def accepted(target: np.ndarray, draft: np.ndarray) -> np.ndarray:
    """Say how probably a guess is kept, for each token that may be guessed: `(..., V)` twice.

        min(1, p / q),    p of the large model, q of the small one

    A token that the small model never guesses counts as kept.

    >>> accepted(np.array([0.5, 0.3, 0.2]), np.array([0.25, 0.6, 0.15])).tolist()
    [1.0, 0.5, 1.0]
    """
    return np.divide(target, draft, out=np.ones_like(target), where=draft > target)


def remainder(target: np.ndarray, draft: np.ndarray) -> np.ndarray:
    """Give the distribution that stands in for a guess that was not kept: `(V,), (V,) -> (V,)`.

        max(0, p - q) / sum of the same

    >>> remainder(np.array([0.5, 0.3, 0.2]), np.array([0.25, 0.6, 0.15])).round(3).tolist()
    [0.833, 0.0, 0.167]
    """
    rest = np.maximum(target - draft, 0)
    return rest / rest.sum() if rest.any() else target


def check(
    targets: np.ndarray, drafts: np.ndarray, guesses: Sequence[int], rng: np.random.Generator
) -> list[int]:
    """Keep guesses as far as they hold, then add one token of the large model's own.

    Args:
        targets: what the large model says before each guess and after the last, `(N + 1, V)`.
        drafts: what the small model drew each guess from, `(N, V)`.
        guesses: N ids.
        rng: one draw for each guess that is looked at, one for the last token.

    Returns:
        The ids to write, from 1 to N + 1 of them, distributed as the large model writes.

    Example:
        >>> sure = np.eye(3)   # it says 0, then 1, then 2
        >>> check(sure, sure[:2], [0, 1], np.random.default_rng(0))
        [0, 1, 2]
        >>> check(sure, sure[[0, 2]], [0, 2], np.random.default_rng(0))
        [0, 1]

    Reference: Leviathan, Kalman & Matias (2023), "Fast inference from Transformers via speculative
        decoding"; Chen and others (2023), "Accelerating large language model decoding with
        speculative sampling".
    """
    for n, guess in enumerate(guesses):
        if rng.random() >= accepted(targets[n], drafts[n])[guess]:
            return [*guesses[:n], _draw(remainder(targets[n], drafts[n]), rng)]
    return [*guesses, _draw(targets[len(guesses)], rng)]


def speculate(
    target: Decoder,
    draft: Decoder,
    ids: Sequence[int],
    length: int,
    rng: np.random.Generator,
    *,
    guesses: int = 4,
    temperature: float = 1.0,
    **options,
) -> Iterator[list[int]]:
    """Write `length` tokens as `target` does; give them in runs, one for each of its readings.

    `draft` guesses up to `guesses` tokens one by one; `target` reads them all at once and keeps
    what it agrees with. A run has from 1 to `guesses + 1` ids: their mean says how many tokens one
    reading of the large model brings.

    Args:
        target, draft: decoders of batch size 1 over one vocabulary.
        ids: the prompt.
        length: how many ids to write in all.
        rng: every draw comes from here.
        guesses: N, how many to guess at once.
        temperature, **options: the knobs of `Sampling`, for both; no penalty.

    Raises:
        ValueError: if an argument is out of range, or prompt, answer and guesses don't fit.

    Example:
        >>> from lmcourse.models.gpt import GPT, GPTConfig
        >>> config = GPTConfig(vocabulary_size=5, context_length=16, layers=1, width=4, heads=2)
        >>> model, rng = GPT(config), np.random.default_rng(0)
        >>> runs = speculate(Decoder(model), Decoder(model), [0, 3], 6, rng, guesses=2)
        >>> [len(run) for run in runs]   # a draft that is the model itself is always right
        [3, 3]
    """
    sampling = Sampling(temperature=temperature, **options)
    prompt = checked_prompt(ids, length, target.length)
    if guesses < 1:
        raise ValueError(f"`guesses` must be at least 1. Received: guesses={guesses}")
    if sampling.repetition_penalty != 1:
        raise ValueError(
            "`repetition_penalty` must be 1. "
            f"Received: repetition_penalty={sampling.repetition_penalty}"
        )
    if (sizes := {d.model.vocabulary_size for d in (target, draft)}) and len(sizes) > 1:
        raise ValueError(f"both models must share one vocabulary. Received: sizes {sorted(sizes)}")
    for decoder in (target, draft):
        decoder._check_room(len(prompt) + length + guesses)
    return _runs(target, draft, prompt, length, rng, guesses, sampling)


def _runs(target, draft, prompt, length, rng, guesses, sampling):
    text, end = prompt.tolist(), len(prompt) + length
    if len(text) > 1:
        target.prefill(text[:-1])
    while len(text) < end:
        guessed, drafts = [], []
        logits = draft.prefill(text)  # what it holds of the text is not read again
        for n in range(guesses):
            logits = logits if n == 0 else draft.step(guessed[-1:])
            drafts.append(sampling.distribution(logits[0]))
            guessed.append(_draw(drafts[-1], rng))
        target.rewind(len(text) - 1)  # the guesses that were not kept
        logits = target.extend([[text[-1], *guessed]])[0]
        run = check(sampling.distribution(logits), np.stack(drafts), guessed, rng)
        run = run[: end - len(text)]
        text += run
        yield run


def _draw(p, rng):
    totals = np.cumsum(p)
    return int((totals / totals[-1] > rng.random()).argmax())
