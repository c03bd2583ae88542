"""Beam search: greedy at width 1, exhaustive at full width, honest in between."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from lmcourse.generation.beam import Hypothesis, beam_search, beam_steps
from lmcourse.generation.sampling import generate
from lmcourse.reference.softmax import log_softmax

V, LENGTH = 3, 4

# The greedy choice 1 (0.5) leads to nothing good, the second best choice 2 (0.4) to a sure thing.
TABLE = np.log([[0.1, 0.5, 0.4], [0.4, 0.3, 0.3], [0.9, 0.05, 0.05]])


def chain(ids):
    return TABLE[ids]


def fair(ids):
    return np.zeros((*ids.shape, V))


def with_memory(seed, V=V):
    """A model whose logits depend on the whole text: random, but always the same."""

    def model(ids):
        out = np.empty((*ids.shape, V))
        for row, text in enumerate(ids):
            for t in range(len(text)):
                rng = np.random.default_rng([seed, len(text[: t + 1]), *text[: t + 1]])
                out[row, t] = 2 * rng.normal(size=V)
        return out

    return model


def log_probability(model, prompt, written):
    ids = np.array([*prompt, *written])
    logs = log_softmax(model(ids[None, :-1])[0])
    return logs[np.arange(len(prompt) - 1, len(ids) - 1), ids[len(prompt) :]].sum()


def every_text(end_id=None):
    """All texts that a search of this length can return."""
    for n in range(1, LENGTH + 1):
        for text in product(range(V), repeat=n):
            ended = end_id in text
            if (text.index(end_id) == n - 1) if ended else (n == LENGTH):
                yield text


def test_two_steps_by_hand():
    one, two = beam_search(chain, [0], length=2, width=2)
    assert one.ids == (2, 0) and two.ids == (1, 0)
    assert_allclose([one.log_probability, two.log_probability], np.log([0.4 * 0.9, 0.5 * 0.4]))
    assert not one.finished and one.score == one.log_probability


def test_the_steps_tell_who_is_kept_and_who_is_dropped():
    first, second = beam_steps(chain, [0], length=2, width=2)
    assert [h.ids for h in first.kept] == [(1,), (2,)]
    assert [h.ids for h in first.dropped] == [(0,)]
    assert [h.ids for h in second.kept] == [(2, 0), (1, 0)]
    assert [h.ids for h in second.dropped] == [(1, 1), (1, 2)]


@given(st.integers(0, 10**6))
def test_width_one_is_greedy(seed):
    model = with_memory(seed)
    (best,) = beam_search(model, [0, 2], length=5, width=1)
    greedy = generate(model, [0, 2], 5, np.random.default_rng(0), temperature=0)
    assert list(best.ids) == greedy[2:].tolist()
    (best,) = beam_search(model, [0, 2], length=5, width=1, end_id=1)
    greedy = generate(model, [0, 2], 5, np.random.default_rng(0), temperature=0, end_id=1)
    assert list(best.ids) == greedy[2:].tolist()
    assert best.finished == (greedy[-1] == 1)


@given(st.integers(0, 10**6), st.sampled_from([None, 1]), st.sampled_from([0.0, 0.6, 1.0]))
def test_full_width_is_exhaustive_search(seed, end_id, penalty):
    model = with_memory(seed)
    found = beam_search(model, [0], LENGTH, V**LENGTH, length_penalty=penalty, end_id=end_id)
    texts = list(every_text(end_id))
    assert sorted(h.ids for h in found) == sorted(texts)
    expected = {text: log_probability(model, [0], text) for text in texts}
    for h in found:
        assert_allclose(h.log_probability, expected[h.ids])
        assert_allclose(h.score, expected[h.ids] / len(h.ids) ** penalty)
    scores = [h.score for h in found]
    assert scores == sorted(scores, reverse=True)


def test_all_probabilities_of_a_full_width_sum_to_one():
    found = beam_search(with_memory(0), [0], LENGTH, V**LENGTH, end_id=2)
    assert_allclose(np.exp([h.log_probability for h in found]).sum(), 1)


def test_a_wider_beam_may_find_a_worse_text_but_the_widest_never():
    table = np.log(np.random.default_rng(482).dirichlet(np.full(4, 0.7), size=4))
    best = {
        width: beam_search(lambda ids: table[ids], [0], 5, width)[0].score
        for width in (1, 2, 3, 4**5)
    }
    assert best[2] < best[1] - 0.5 and best[3] > best[2] + 0.5
    assert all(score <= best[4**5] for score in best.values())


def test_without_a_length_penalty_the_short_wins_with_one_the_mean_over_tokens():
    # the end, id 0, has 0.5 at the start; who goes on (0.4) is nearly sure of what follows
    table = np.log([[1 / 3, 1 / 3, 1 / 3], [0.01, 0.98, 0.01], [0.5, 0.4, 0.1]])
    options = {"length": 3, "width": 27, "end_id": 0}
    best = beam_search(lambda ids: table[ids], [2], **options)[0]
    assert best.ids == (0,) and best.finished
    assert_allclose(best.score, np.log(0.5))
    best = beam_search(lambda ids: table[ids], [2], length_penalty=1.0, **options)[0]
    assert best.ids == (1, 1, 1) and not best.finished
    assert_allclose(best.log_probability, np.log(0.4 * 0.98**2))
    assert_allclose(best.score, np.log(0.4 * 0.98**2) / 3)
    half = beam_search(lambda ids: table[ids], [2], length_penalty=0.5, **options)
    assert_allclose({h.ids: h.score for h in half}[1, 1, 1], np.log(0.4 * 0.98**2) / 3**0.5)


def test_a_finished_hypothesis_keeps_its_place_and_costs_no_row():
    rows = []

    def model(ids):
        rows.append(len(ids))
        return np.broadcast_to(np.log([0.6, 0.25, 0.15]), (*ids.shape, 3))

    steps = list(beam_steps(model, [1], 3, 2, end_id=0))
    assert [h.ids for h in steps[0].kept] == [(0,), (1,)]
    assert [h.ids for h in steps[1].kept] == [(0,), (1, 0)]
    assert len(steps) == 2 and rows == [1, 1]  # over as soon as all have ended


def test_the_dropped_are_at_most_as_many_as_the_kept():
    searches = [beam_steps(with_memory(seed, 7), [0], 6, 2, 1.0, end_id=0) for seed in range(20)]
    for step in (step for steps in searches for step in steps):  # a finished one is one more
        assert len(step.kept) == 2 and len(step.dropped) <= 2
        scores = [h.score for h in step.kept + step.dropped]
        assert scores == sorted(scores, reverse=True)


def test_the_work_is_a_row_for_each_hypothesis_and_step():
    rows = []

    def model(ids):
        rows.append(ids.shape)
        return chain(ids)

    beam_search(model, [0, 1], length=4, width=3, context_length=3)
    assert rows == [(1, 2), (3, 3), (3, 3), (3, 3)]


def test_what_is_forbidden_falls_out_and_the_rest_keeps_its_probability():
    def mask(written, room):
        return np.array([len(written) == 1, True, False])

    (best,) = beam_search(chain, [0], length=2, width=1, mask=mask)
    assert best.ids == (1, 0)
    assert_allclose(best.log_probability, np.log(0.5 * 0.4))


def test_impossible_tokens_are_never_part_of_a_hypothesis():
    def model(ids):
        return np.broadcast_to([0.0, -np.inf, 0.0], (*ids.shape, 3))

    found = beam_search(model, [0], length=3, width=27)
    assert len(found) == 8 and not any(1 in h.ids for h in found)


def test_ties_go_to_the_better_hypothesis_and_the_smaller_id():
    assert [h.ids for h in beam_search(fair, [0], 2, 3)] == [(0, 0), (0, 1), (0, 2)]


def test_no_steps_leave_the_empty_hypothesis():
    assert beam_search(chain, [0], length=0, width=2) == [Hypothesis()]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 0}, "`width` must be at least 1. Received: width=0"),
        ({"length": -1}, "`length` must be at least 0. Received: length=-1"),
        ({"ids": []}, "the prompt must hold at least 1 id. Received: 0 ids"),
        ({"ids": [3]}, "ids must be below the vocabulary size 3. Received: id 3"),
        ({"length_penalty": -1}, "`length_penalty` must be at least 0 .* Received: length_p.*=-1"),
        ({"length_penalty": np.inf}, "`length_penalty` must be .* Received: length_penalty=inf"),
        ({"context_length": 0}, "`context_length` must be at least 1. Received: context_length=0"),
        ({"mask": lambda ids, room: np.zeros(3, bool)}, "a mask must .* Received: .* 0 allowed"),
    ],
)
def test_what_does_not_fit_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        beam_search(fair, **({"ids": [0], "length": 2, "width": 2} | options))
