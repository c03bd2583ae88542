"""The trained networks that come with the course are those of the table, small and whole."""

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.evaluation import lineage
from lmcourse.evaluation.recipes import scored
from lmcourse.models import trained
from lmcourse.models.gpt import GPT, GPTConfig
from lmcourse.text import corpora

ids = np.array([[1, 4, 2, 2, 0]])
CONFIG = GPTConfig(vocabulary_size=5, context_length=6, layers=1, width=4, heads=2)


@pytest.mark.parametrize("corpus", lineage.CORPORA)
@pytest.mark.parametrize("name", trained.KEPT)
def test_a_stored_network_is_the_one_of_the_table(corpus, name):
    model, tokenizer = trained.load(corpus, name)
    (row,) = [
        row
        for row in lineage.rows()
        if (row["corpus"], row["model"], row["seed"]) == (corpus, name, lineage.SEEDS[0])
    ]
    assert model.count_params() == row["parameters"]
    text = getattr(corpora, corpus)().text("test")[:50_000]
    bits = scored(model, tokenizer.encode(text)).bits_per_token
    assert bits == pytest.approx(row["bits_per_character"], rel=0.05)
    assert trained.file_of(corpus, name).stat().st_size < 2_000_000


def test_what_is_read_is_what_was_written_to_three_digits(tmp_path):
    keras.utils.set_random_seed(0)
    model, path = GPT(CONFIG), tmp_path / "shakespeare_gpt.npz"
    trained.save(model, path)
    tokenizer = trained.FOLDER / "shakespeare_characters.json"
    (tmp_path / tokenizer.name).write_bytes(tokenizer.read_bytes())
    again, _ = trained.load("shakespeare", "GPT", tmp_path)
    for before, after in zip(model.get_weights(), again.get_weights(), strict=True):
        assert_allclose(after, before, rtol=1e-3, atol=1e-6)
    assert_allclose(again(ids), model(ids), atol=2e-3)
    assert [file.name for file in tmp_path.glob("*.npz")] == [path.name]


def test_a_weight_that_half_precision_cannot_hold_is_refused(tmp_path):
    model, path = GPT(CONFIG), tmp_path / "x.npz"
    trained.save(model, path)
    before = path.read_bytes()
    model.embedding.tokens.assign(model.embedding.tokens * 0 + 70_000)
    with pytest.raises(ValueError, match="below 65,504 in size. Received: 70,000"):
        trained.save(model, path)
    assert path.read_bytes() == before


def test_a_row_that_is_not_kept_is_named_with_those_that_are():
    with pytest.raises(ValueError, match="one of GPT. Received: name='RNN'"):
        trained.load("shakespeare", "RNN")


def damaged(kind):
    whole = trained.file_of("shakespeare", "GPT").read_bytes()
    ngram = (trained.FOLDER / "shakespeare_ngram.npz").read_bytes()
    return {"text": b"hello", "half": whole[: len(whole) // 2], "another": ngram}[kind]


@pytest.mark.parametrize("kind", ["text", "half", "another"])
def test_a_file_that_is_no_trained_network_is_refused(kind, tmp_path):
    (tmp_path / "shakespeare_gpt.npz").write_bytes(damaged(kind))
    with pytest.raises(ValueError, match="must be a whole `.npz` file .* shakespeare_gpt.npz"):
        trained.load("shakespeare", "GPT", tmp_path)


def test_a_missing_network_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="must be a file. Received: bible_gpt.npz missing"):
        trained.load("bible", "GPT", tmp_path)
