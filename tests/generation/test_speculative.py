"""Guessing changes how fast a text comes, never its distribution."""

from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.generation.cache import Decoder, stream
from lmcourse.generation.speculative import accepted, check, remainder, speculate
from lmcourse.reference.softmax import softmax
from tests.generation.test_cache import made

# What may follow each token, and at the beginning: multiples of 1/6, whose ratios and remainders
# are multiples of 1/6, too. So draws at the middles of the six sixths are an exact enumeration.
P = {0: (1, 2, 3), 1: (0, 3, 3), 2: (2, 2, 2), None: (2, 3, 1)}
Q = {0: (3, 2, 1), 1: (6, 0, 0), 2: (2, 2, 2), None: (1, 2, 3)}
P, Q = ({k: np.array(v) / 6 for k, v in table.items()} for table in (P, Q))


class Scripted:
    """Random numbers that stand in a list."""

    def __init__(self, numbers):
        self.numbers = list(numbers)

    def random(self):
        return self.numbers.pop(0)


def test_every_outcome_of_two_guesses_by_enumeration():
    """Two guesses, every random number: three tokens come as the large model writes them."""
    sixths, found = (np.arange(6) + 0.5) / 6, np.zeros((3, 3, 3))
    for first, second in product(range(3), repeat=2):
        chance = Q[None][first] * Q[first][second]
        targets = np.stack([P[None], P[first], P[second]])
        drafts = np.stack([Q[None], Q[first]])
        for numbers in product(sixths, repeat=3):
            run = check(targets, drafts, [first, second], Scripted(numbers))
            rest = [(run, chance / 6**3)]
            while len(rest[0][0]) < 3:  # a shorter run goes on as the large model writes
                rest = [([*r, t], w * P[r[-1]][t]) for r, w in rest for t in range(3)]
            for tokens, weight in rest:
                found[tuple(tokens)] += weight
    expected = P[None][:, None, None] * [
        [[P[a][b] * P[b][c] for c in range(3)] for b in range(3)] for a in range(3)
    ]
    assert_allclose(found, expected, atol=1e-12)


def test_guess_and_remainder_add_up_to_the_large_model():
    rng = np.random.default_rng(0)
    for p, q in rng.dirichlet(np.ones(7), size=(20, 2)):
        kept = q * accepted(p, q)
        assert_allclose(kept, np.minimum(p, q))
        assert_allclose(kept + (1 - kept.sum()) * remainder(p, q), p)


def test_equal_models_leave_no_remainder():
    p = np.array([0.25, 0.75])
    assert_allclose(accepted(p, p), 1)
    assert_allclose(remainder(p, p), p)  # never drawn from, but it is a distribution


@pytest.fixture(scope="module")
def pair():
    """A large model, and a small one that knows something of it."""
    large = made("llama", vocabulary_size=5)
    small = made("llama", vocabulary_size=5)
    for ours, theirs in zip(small.weights, large.weights, strict=True):
        noise = np.random.default_rng(1).normal(size=ours.shape)
        ours.assign(theirs + 0.03 * noise)
    return Decoder(large), Decoder(small)


@pytest.fixture(scope="module")
def stranger():
    """A draft that knows nothing of the large model."""
    return Decoder(made("gpt2", seed=5, vocabulary_size=5))


def runs_of(pair, length, seed=0, **options):
    rng = np.random.default_rng(seed)
    return list(speculate(*pair, [3, 1, 4], length, rng, **options))


@pytest.mark.parametrize("guesses", [1, 3])
def test_greedy_text_is_the_same_with_any_draft(pair, stranger, guesses):
    target, draft = pair
    alone = list(stream(target, [3, 1, 4], 13, np.random.default_rng(0), temperature=0))
    for drafted in (draft, stranger):
        runs = runs_of((target, drafted), 13, temperature=0, guesses=guesses)
        assert sum(runs, []) == alone
        assert all(1 <= len(run) <= guesses + 1 for run in runs)


def test_samples_are_distributed_as_those_of_the_large_model(pair):
    """Chi-square over all texts of two tokens: 24 degrees of freedom, 51.2 in one case of 1,000."""
    target, draft = pair
    model, prompt = target.model, [3, 1, 4]

    def after(text):
        return softmax(np.asarray(model(np.array([text])))[0, -1] / 2.5)

    expected = after(prompt)[:, None] * [after([*prompt, token]) for token in range(5)]
    found, rng = np.zeros((5, 5)), np.random.default_rng(7)
    for _ in range(800):
        runs = speculate(target, draft, prompt, 2, rng, guesses=1, temperature=2.5)
        found[tuple(sum(runs, []))] += 1
    expected = expected * found.sum()
    assert ((found - expected) ** 2 / expected).sum() < 51.2
    assert expected.min() > 1  # every cell counts


def test_the_better_the_draft_the_longer_the_runs(pair, stranger):
    target, draft = pair
    itself = runs_of((target, target.another()), 12, guesses=3)
    assert [len(run) for run in itself] == [4, 4, 4]
    counts = [
        np.mean([len(runs_of((target, d), 13, seed, guesses=3)) for seed in range(6)])
        for d in (draft, stranger)
    ]
    assert 13 / 4 <= counts[0] < counts[1] <= 13


def test_a_prompt_of_one_token_is_enough(pair):
    target, draft = pair
    alone = list(stream(target, [2], 6, np.random.default_rng(0), temperature=0))
    rng = np.random.default_rng(0)
    assert sum(speculate(target, draft, [2], 6, rng, guesses=2, temperature=0), []) == alone


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(guesses=0), "`guesses` must be at least 1. Received: guesses=0"),
        (dict(repetition_penalty=1.1), "`repetition_penalty` must be 1"),
        (dict(length=14), "must fit into a memory of 20 places. Received: 21 tokens"),
    ],
)
def test_impossible_arguments_are_refused_at_once(pair, change, message):
    arguments = dict(length=2, guesses=4) | change
    with pytest.raises(ValueError, match=message):
        speculate(*pair, [3, 1, 4], rng=np.random.default_rng(0), **arguments)


def test_two_vocabularies_are_refused(pair):
    with pytest.raises(ValueError, match=r"must share one vocabulary. Received: sizes \[5, 13\]"):
        speculate(pair[0], Decoder(made()), [1], 2, np.random.default_rng(0))
