"""The runs of the scaling law: what they cost, how they are measured, what is stored of them."""

import math

import numpy as np
import pytest

from lmcourse.evaluation import scaling
from lmcourse.evaluation.powerlaw import bootstrap, fit_law, interval
from lmcourse.evaluation.probability import bits_to_nats
from lmcourse.evaluation.scaling import PLANS, SYMBOLS, columns, operations, parameters, source

RUN = {"plan": "trial", "width": 12, "seed": 0, "parameters": 2004, "tokens": 32736,
       "operations": 1, "loss": 2.25, "seconds": 1.0}  # fmt: skip
FLOOR = bits_to_nats(source().entropy_rate)


# --- the source and the loss -----------------------------------------------------------------


def test_a_context_has_room_for_the_memory_of_the_source():
    assert source().order < PLANS["source"].context_length


def test_the_true_source_loses_its_entropy_and_nothing_else():
    ids = source().sample(640, np.random.default_rng(3))
    assert scaling.source_loss(source(), source(), ids, 16) == pytest.approx(FLOOR, abs=1e-9)


def test_dice_lose_what_the_pencil_says():
    ids = source().sample(32_000, np.random.default_rng(3))

    def dice(windows):
        return np.zeros((*windows.shape, SYMBOLS))

    # mean of sum p (ln p + ln V) = ln V - mean entropy: the sum with the rate is nearly ln V
    loss = scaling.source_loss(dice, source(), ids, 16)
    assert loss == pytest.approx(math.log(SYMBOLS), abs=0.02)


def test_the_loss_has_less_noise_than_that_of_the_symbols_themselves():
    def nearly_right(windows):  # nine parts truth, one part dice
        true = np.stack([source().probabilities(row)[1:] for row in windows])
        return np.log(0.9 * true + 0.1 / SYMBOLS)

    rng, exact, drawn = np.random.default_rng(4), [], []
    for _ in range(20):
        ids = source().sample(640, rng)
        exact.append(scaling.source_loss(nearly_right, source(), ids, 16))
        windows = ids.reshape(-1, 16)
        q = nearly_right(windows)[:, 1:-1]
        drawn.append(-np.take_along_axis(q, windows[:, 2:, None], axis=-1).mean())
    assert np.mean(exact) == pytest.approx(np.mean(drawn), abs=4 * np.std(drawn) / 20**0.5)
    assert np.std(exact) < np.std(drawn) / 4


# --- what a run is ---------------------------------------------------------------------------


@pytest.mark.parametrize(("V", "T", "width"), [(20, 16, 12), (20, 16, 64), (7, 5, 8)])
def test_parameters_are_those_of_the_model(V, T, width):
    assert scaling.gpt(V, T, width).count_params() == parameters(V, width)


def test_operations_by_hand():
    # W = 2, T = 3, V = 5: matrices 12 W W weights, 2 operations each; 4 T W; 2 V W; three times.
    assert operations(5, 3, 2, tokens=10) == 3 * 10 * (2 * 12 * 4 + 4 * 3 * 2 + 2 * 5 * 2)


def test_a_short_run_learns_and_sees_each_token_once(monkeypatch):
    from lmcourse.training import streams

    lengths, cut = [], streams.stream_batches
    monkeypatch.setattr(
        streams, "stream_batches", lambda ids, *size: lengths.append(len(ids)) or cut(ids, *size)
    )
    run = scaling.measure("source", width=8, tokens=2**12)
    assert FLOOR < run["loss"] < math.log(SYMBOLS)
    assert lengths == [2**12 + 1]
    assert 0.9 * 2**12 < run["tokens"] <= 2**12
    assert run["parameters"] == parameters(SYMBOLS, 8)
    assert set(run) == set(RUN)


def test_every_run_reads_another_text():
    def text(*seed):
        return scaling.fresh("source", 50, np.random.default_rng(seed))

    assert (text(0, 12, 50) == text(0, 12, 50)).all()
    assert (text(0, 12, 50) != text(1, 12, 50)).any()
    piece = scaling.fresh("shakespeare", 50, np.random.default_rng(0))
    assert len(piece) == 51


# --- what is stored --------------------------------------------------------------------------


def test_every_planned_run_is_stored():
    assert list(scaling.wanted(scaling.stored()["runs"])) == []


def test_stored_runs_are_what_their_sizes_say():
    for run in scaling.stored()["runs"]:
        plan = PLANS[run["plan"]]
        V, T = scaling.alphabet(plan.text), plan.context_length
        assert run["parameters"] == parameters(V, run["width"])
        assert run["operations"] == operations(V, T, run["width"], run["tokens"])


def test_no_run_on_the_source_is_better_than_the_floor():
    assert columns("source")[2].min() > FLOOR
    assert columns("trial")[2].min() > FLOOR


def test_the_fitted_floor_is_that_of_the_source():
    runs = columns("source")
    laws = bootstrap(*runs, draws=100, rng=np.random.default_rng(0))
    low, high = interval([law.E for law in laws])
    assert low <= FLOOR <= high
    assert high - low <= 0.05


def test_the_large_run_was_foretold():
    said = scaling.stored()["prediction"]
    law = fit_law(*columns("source"))
    assert said["predicted"] == pytest.approx(law.loss(said["parameters"], said["tokens"]), 1e-3)
    assert said["measured"] == pytest.approx(said["predicted"], rel=0.03)
    plan = PLANS["source"]
    largest = operations(SYMBOLS, plan.context_length, max(plan.widths), max(plan.tokens))
    assert 4 <= said["operations"] / largest < 4.5
    assert said["tokens"] / max(plan.tokens) == pytest.approx(2, rel=0.01)


def test_the_two_plans_on_the_source_have_no_run_in_common():
    # what was seen in the trial made the second plan, so it may not be its judge
    trial, second = (set(PLANS[name].runs()) for name in ("trial", "source"))
    assert {run[:2] for run in trial} & {run[:2] for run in second}
    assert not trial & second


def test_the_second_plan_stays_near_the_frontier():
    N, D, _ = columns("source")
    assert 3.9 < (D / N).min() and (D / N).max() < 65
    assert len(set(N)) == 11 and len(set(D)) == 7


def test_what_is_missing_is_made_and_the_rest_is_left_alone():
    every = list(scaling.wanted([]))
    assert len(every) == len(set(every))
    left = list(scaling.wanted([RUN]))
    assert ("trial", 12, 2**15, 0) in every and ("trial", 12, 2**15, 0) not in left
    assert len(left) == len(every) - 1


def test_an_interrupted_grid_goes_on_and_foretells_before_it_looks(tmp_path, monkeypatch):
    plan = scaling.Plan("source", 16, (4, 8, 12), (2**9, 2**10, 2**11))
    monkeypatch.setattr(scaling, "PLANS", {"source": plan})
    made, path = [], tmp_path / "scaling.json"

    def measured(name, width, tokens, seed=0):
        if len(made) == 5:
            made.append(None)
            raise KeyboardInterrupt
        made.append((width, tokens, seed))
        if width == 20:  # the large one: by now its prediction must be on disk
            assert scaling.stored(path)["prediction"]["predicted"] > 0
        loss = 1 + 10 / parameters(SYMBOLS, width) ** 0.5 + 30 / tokens**0.5
        run = {"width": width, "tokens": tokens, "seed": seed, "loss": loss}
        return RUN | run | {"plan": "source", "parameters": parameters(SYMBOLS, width)}

    monkeypatch.setattr(scaling, "measure", measured)
    with pytest.raises(KeyboardInterrupt):
        scaling.main(path)
    assert len(scaling.stored(path)["runs"]) == 5
    scaling.main(path)
    made.remove(None)
    assert len(made) == len(set(made)) == 3 * 3 * 3 + 1
    said = scaling.stored(path)["prediction"]
    assert said["measured"] == pytest.approx(said["predicted"], rel=1e-3)


def test_seeds_are_averaged(tmp_path):
    run = RUN | {"plan": "source"}
    runs = [run, run | {"seed": 1, "loss": 2.75}, run | {"width": 16, "parameters": 3440}, RUN]
    scaling.write({"runs": runs, "prediction": None}, tmp_path / "s.json")
    sizes, tokens, losses = columns("source", tmp_path / "s.json")
    assert sizes.tolist() == [2004, 3440]
    assert tokens.tolist() == [32736, 32736]
    assert losses.tolist() == [2.5, 2.25]


def test_a_table_that_was_not_measured_is_asked_for(tmp_path):
    with pytest.raises(FileNotFoundError, match="must be made first.*Received: s.json missing"):
        scaling.stored(tmp_path / "s.json")
    with pytest.raises(
        ValueError, match="must be one of trial, source, shakespeare. Received: 'dante'"
    ):
        columns("dante")
