"""The lineage table: complete, read without training, the same everywhere it is shown."""

import itertools
import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from lmcourse.evaluation import lineage
from lmcourse.evaluation.recipes import TRAINING_SECONDS

ROOT = Path(__file__).parents[2]
RUNS = [
    {"corpus": "sanguo", "model": "softmax bigram", "lesson": "03", "seed": seed,
     "bits_per_character": bits, "perplexity": 2**bits, "parameters": 10, "seconds": 120.0}
    for seed, bits in [(0, 3.0), (1, 3.5), (2, 4.0)]
]  # fmt: skip


def test_every_model_has_its_rows_on_both_corpora():
    measured = {(row["corpus"], row["model"], row["seed"]) for row in lineage.rows()}
    wanted = {
        (corpus, model, seed)
        for corpus in lineage.CORPORA
        for model, (_, seeded, _) in lineage.MODELS.items()
        for seed in (lineage.SEEDS if seeded else [None])
    }
    assert measured == wanted


def test_bits_and_perplexity_of_a_row_say_the_same():
    for row in lineage.rows():
        assert math.log2(row["perplexity"]) == pytest.approx(row["bits_per_character"], abs=1e-3)


def test_trained_models_got_the_same_time():
    for row in lineage.rows():
        if row["seed"] is not None:
            assert row["seconds"] == pytest.approx(TRAINING_SECONDS, abs=5)


def test_a_line_holds_the_mean_and_the_spread_of_its_seeds(tmp_path):
    lineage.write(RUNS, tmp_path / "t.json")
    (line,) = lineage.table("sanguo", tmp_path / "t.json")
    assert line["bits_per_character"] == 3.5
    assert line["spread"] == 1.0
    assert "| softmax bigram | 03 | 3.500 | 1.000 | 10 | 120.0 |" in lineage.markdown(
        "sanguo", tmp_path / "t.json"
    )


def test_a_model_without_seeds_has_no_spread(tmp_path):
    run = RUNS[0] | {"model": "unigram", "seed": None}
    lineage.write([run], tmp_path / "t.json")
    assert lineage.table("sanguo", tmp_path / "t.json")[0]["spread"] is None


def test_rows_are_written_in_one_order_whole_or_not_at_all(tmp_path):
    lineage.write(RUNS, tmp_path / "a.json")
    lineage.write(RUNS[::-1], tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    before = (tmp_path / "a.json").read_text()
    with pytest.raises(TypeError):
        lineage.write([RUNS[0] | {"parameters": np.int64(3)}], tmp_path / "a.json")
    with pytest.raises(ValueError):  # infinity is no JSON
        lineage.write([RUNS[0] | {"perplexity": math.inf}], tmp_path / "a.json")
    assert (tmp_path / "a.json").read_text() == before
    assert json.loads(before)[0]["seed"] == 0


def test_counting_again_gives_the_stored_number():
    """The cheapest row of the table, trained and scored anew."""
    stored = [row for row in lineage.rows() if row["model"] == "unigram"]
    for row in stored:
        again = lineage.measure("unigram", row["corpus"], None)
        assert again["bits_per_character"] == row["bits_per_character"]
        assert again["parameters"] == row["parameters"]


@pytest.mark.parametrize(
    "name, seconds", [("softmax bigram", 800), ("window MLP", 60), ("RNN", 40), ("GPT", 40)]
)
def test_a_trained_model_learns_and_stops_when_its_time_is_up(name, seconds):
    """On 0 1 2 0 1 2 … by a clock that ticks once a step, so that no real second counts."""
    from lmcourse.evaluation.probability import score

    ids, ticks = np.arange(30_000) % 3, itertools.count()
    _, _, train = lineage.MODELS[name]
    model = train(ids, ids, vocabulary_size=3, seed=0, seconds=seconds, clock=lambda: next(ticks))
    assert seconds < next(ticks) < seconds + 5  # a look at the clock is a step
    assert score(model, ids[:1000]).bits_per_token < 0.1


@pytest.mark.parametrize("name, language", [("README.md", "en"), ("README.zh.md", "zh")])
def test_the_readme_shows_the_stored_table(name, language):
    text = (ROOT / name).read_text(encoding="utf-8")
    (shown,) = re.findall(r"<!-- lineage -->\n(.*)\n<!-- /lineage -->", text, flags=re.S)
    for corpus in lineage.CORPORA:
        assert lineage.markdown(corpus, language=language) in shown


def test_an_unknown_corpus_is_named_with_the_known_ones():
    with pytest.raises(ValueError, match="one of shakespeare, sanguo. Received: 'bible'"):
        lineage.table("bible")


def test_a_missing_table_says_how_to_measure_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="make lineage. Received: t.json missing"):
        lineage.rows(tmp_path / "t.json")
