"""One file that holds a training run, so that it can be killed and go on. Knows no batches.

The file is a NumPy archive without pickles: every variable of the model and of the optimizer, the
random states of dropout among them, the best weights so far, the history, and the recipe.
"""

import json
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmcourse.text.checks import whole_file

KIND = "lmcourse training run 1"


@dataclass
class Saved:
    """What a run needs to go on: arrays by group, and everything else as plain JSON."""

    arrays: dict[str, list[np.ndarray]]
    facts: dict


def names(variables) -> list[str]:
    """Name variables by place, shape and type, the same in every process.

    Keras counts the models of a process (`dense`, `dense_1`); the counters are left out.

    >>> import keras
    >>> names([keras.Variable(np.zeros((2, 3)), dtype="float32", name="table_7")])
    ['table (2, 3) float32']
    """
    plain = [re.sub(r"_\d+(?=[_/]|$)", "", v.path) for v in variables]
    return [f"{p} {tuple(v.shape)} {v.dtype}" for p, v in zip(plain, variables, strict=True)]


def file_of(checkpoint: str | Path) -> Path:
    """Say which file is meant: the path itself, or `checkpoint.npz` in a folder that exists.

    Raises `FileNotFoundError` when the folder of the file does not exist.
    """
    path = Path(checkpoint)
    path = path / "checkpoint.npz" if path.is_dir() else path
    if not path.parent.is_dir():
        raise FileNotFoundError(f"The folder of the checkpoint must exist. Received: {path}")
    return path


def save(path: Path, saved: Saved) -> None:
    """Write a run to a file, whole or not at all."""
    facts = {"kind": KIND, "groups": {k: len(v) for k, v in saved.arrays.items()}} | saved.facts
    flat = {f"{k}/{i}": value for k, group in saved.arrays.items() for i, value in enumerate(group)}
    with whole_file(path) as file:
        np.savez(file, facts=np.array(json.dumps(facts)), **flat)


def load(path: Path) -> Saved:
    """Read a run back.

    Raises `ValueError` when the file is damaged or is something else; it is left as it was.
    """
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as archive:
            facts = json.loads(str(archive["facts"]))
            if facts["kind"] != KIND:
                raise ValueError(f"kind={facts['kind']!r}")
            arrays = {
                group: [archive[f"{group}/{i}"] for i in range(count)]
                for group, count in facts["groups"].items()
            }
    except (OSError, EOFError, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ValueError(
            "A checkpoint must be the whole file of a training run; delete this one, or name "
            f"another, to start anew. Received: {path} ({type(error).__name__}: {error})"
        ) from None
    return Saved(arrays, facts)


def check(path: Path, what: str, saved, mine) -> None:
    """Raise `ValueError` unless what the file says of the run (`saved`) is what is asked for."""
    if saved == mine:
        return
    if isinstance(mine, dict):
        key = next(k for k in {**mine, **saved} if mine.get(k) != saved.get(k))
        saved, mine = f"{key}={saved.get(key)!r}", f"{key}={mine.get(key)!r}"
    else:
        pairs = [(a, b) for a, b in zip(saved, mine, strict=False) if a != b]
        saved, mine = pairs[0] if pairs else (f"{len(saved)} variables", f"{len(mine)} variables")
    raise ValueError(
        f"A run can only go on with the same {what}; delete the checkpoint, or name another, to "
        f"start anew. Received: {path} with {saved}, now {mine}"
    )
