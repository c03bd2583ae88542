"""The models that come with the course are whole, small, and what the command would make."""

import numpy as np
import pytest

from lmcourse.evaluation.probability import score
from lmcourse.models import checkpoints
from lmcourse.models.counts import Counts
from lmcourse.text import corpora

NAMES = list(checkpoints.ORDERS)


@pytest.fixture(scope="module", params=NAMES)
def stored(request):
    return request.param, *checkpoints.load(request.param)


def test_a_stored_model_is_that_of_todays_corpus(stored):
    name, model, tokenizer = stored
    assert model.order == checkpoints.ORDERS[name]
    ids = tokenizer.encode(getattr(corpora, name)().text("train"))
    today = Counts.train(ids, order=2, vocabulary_size=tokenizer.vocabulary_size)
    for n in (1, 2):
        np.testing.assert_array_equal(model.counts.keys[n], today.keys[n])
        np.testing.assert_array_equal(model.counts.counts[n], today.counts[n])


def test_a_stored_model_predicts_held_out_text_better_than_it_does_by_chance(stored):
    name, model, tokenizer = stored
    ids = tokenizer.encode(getattr(corpora, name)().text("validation")[:2000])
    assert score(model, ids).bits_per_token < 0.6 * np.log2(tokenizer.vocabulary_size)


def test_any_character_can_be_read(stored):
    _, model, tokenizer = stored
    p = np.exp(model(tokenizer.encode("ROMEO 却说 ☃")[None]))
    np.testing.assert_allclose(p.sum(axis=-1), 1)


def test_every_stored_file_is_at_most_2_mb():
    assert all(file.stat().st_size <= 2e6 for file in checkpoints.FOLDER.iterdir())


def test_making_again_gives_the_same_bytes_and_loading_the_same_model(tmp_path):
    for folder in (tmp_path / "a", tmp_path / "b"):
        checkpoints.make("sanguo", folder, order=2)
    a, b = (sorted((tmp_path / side).iterdir()) for side in "ab")
    assert [file.read_bytes() for file in a] == [file.read_bytes() for file in b]
    model, tokenizer = checkpoints.load("sanguo", tmp_path / "a")
    assert model.order == 2 and model.vocabulary_size == tokenizer.vocabulary_size


@pytest.mark.parametrize("do", [checkpoints.load, checkpoints.make])
def test_another_name_is_refused(do):
    with pytest.raises(ValueError, match="must be one of shakespeare, sanguo. Received: 'bible'"):
        do("bible")
