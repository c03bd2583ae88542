"""The trained networks of the lineage table that come with the course, in half precision.

Knows how a network is written into a small file and read back, not how it was trained
(`evaluation.recipes`). `make lineage` writes the files when it measures; `data/checkpoints/` has
them.
"""

import json
import zipfile
from pathlib import Path

import keras
import numpy as np

from lmcourse.models import gpt  # noqa: F401  Keras knows its class now
from lmcourse.models.checkpoints import FOLDER
from lmcourse.text.checks import whole_file
from lmcourse.text.tokenizers import CharacterTokenizer

KEPT = ("GPT",)  # rows of the table whose first seed is kept
LARGEST = 65_504  # number in half precision


def file_of(corpus: str, name: str, folder: Path = FOLDER) -> Path:
    """Say where the network of a row of the lineage table lies.

    Raises ValueError for a row that is not kept.

    >>> file_of("sanguo", "GPT").name
    'sanguo_gpt.npz'
    """
    if name not in KEPT:
        raise ValueError(f"`name` must be one of {', '.join(KEPT)}. Received: name={name!r}")
    return folder / f"{corpus}_{name.lower()}.npz"


def save(model: keras.Model, path: Path) -> None:
    """Write what makes the model and its weights, two bytes a number; whole or not at all.

    Half precision keeps three digits. Raises ValueError for a weight that it can't hold.
    """
    weights = model.get_weights()
    largest = max(float(np.abs(value).max()) for value in weights)
    if not largest <= LARGEST:
        raise ValueError(f"weights must be below {LARGEST:,} in size. Received: {largest:,.0f}")
    halves = {f"w{n}": value.astype("float16") for n, value in enumerate(weights)}
    made_of = json.dumps(keras.saving.serialize_keras_object(model))
    with whole_file(path) as file:
        np.savez_compressed(file, made_of=made_of, **halves)


def load(corpus: str, name: str, folder: Path = FOLDER):
    """Read a trained network and its tokenizer: a row of the lineage table on one corpus.

    Raises ValueError for a row that is not kept and for a damaged file, FileNotFoundError where
    there is none.

    >>> model, tokenizer = load("shakespeare", "GPT")
    >>> scores = model(tokenizer.encode("To be, or not to b")[None])
    >>> tokenizer.decode([int(scores.numpy()[0, -1].argmax())])
    'e'
    """
    path = file_of(corpus, name, folder)
    if not path.is_file():
        raise FileNotFoundError(f"a trained network must be a file. Received: {path.name} missing")
    try:
        with zipfile.ZipFile(path), np.load(path, allow_pickle=False) as file:
            model = keras.saving.deserialize_keras_object(json.loads(str(file["made_of"])))
            halves = [file[f"w{n}"] for n in range(len(file.files) - 1)]
            model.set_weights([value.astype("float32") for value in halves])
    except Exception as error:  # damaged bytes raise nearly anything: say one thing
        raise ValueError(
            "a trained network must be a whole `.npz` file that `save` wrote. "
            f"Received: {path.name} ({type(error).__name__}: {error})"
        ) from error
    return model, CharacterTokenizer.load(folder / f"{corpus}_characters.json")
