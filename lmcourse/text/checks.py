"""What is asked of a text, of ids and of a saved file; knows no tokenizer and no model."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np


def check_text(text, name: str = "text", empty: bool = True) -> None:
    """Raise unless `text` is a string that UTF-8 can write (and not empty, with `empty=False`)."""
    if not isinstance(text, str):
        raise TypeError(f"`{name}` must be a str. Received: {type(text).__name__}")
    if not empty and not text:
        raise ValueError(f"`{name}` must not be empty. Received: {name}=''")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError(
            f"`{name}` must not contain a lone surrogate: it is half of a character. "
            f"Received: U+{ord(text[error.start]):04X} at position {error.start}"
        ) from None


def check_ids(ids, vocabulary_size: int) -> np.ndarray:
    """Return `ids` as int64 `(T,)`; raise if one of them is no id of the vocabulary."""
    ids = np.asarray(ids)
    if ids.ndim != 1:
        raise ValueError(f"`ids` must have one axis, (T,). Received: shape {ids.shape}")
    if ids.size == 0:
        return np.zeros(0, np.int64)
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"`ids` must be integers. Received: dtype {ids.dtype}")
    outside = ids[(ids < 0) | (ids >= vocabulary_size)]
    if outside.size:
        raise ValueError(
            f"`ids` must be between 0 and {vocabulary_size - 1}. Received: {int(outside[0])}"
        )
    return ids.astype(np.int64)


@contextmanager
def whole_file(path) -> Iterator[BinaryIO]:
    """Open a file that appears at `path` whole or not at all: a temporary one takes its place last.

    Raises FileNotFoundError when the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise FileNotFoundError(f"the folder to save in must exist. Received: {path}")
    number, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with open(number, "wb") as file:
            yield file
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def write_json(path, content: dict) -> None:
    """Write `content` to `path` as JSON, whole or not at all."""
    with whole_file(path) as file:
        file.write(json.dumps(content, ensure_ascii=False).encode("utf-8"))


def read_json(path, kind: str, keys: tuple[str, ...]) -> dict:
    """Read what `write_json` wrote; raise if it is not a saved `kind` with all of `keys`."""
    rule = f"A saved {kind} must be a JSON object with 'kind': '{kind}' and {', '.join(keys)}."
    if not Path(path).is_file():
        raise FileNotFoundError(f"a saved {kind} must be a file. Received: {path}")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"{rule} Received: {path}, which is not JSON ({error})") from None
    if not isinstance(content, dict):
        raise ValueError(f"{rule} Received: {path}, a {type(content).__name__}")
    if content.get("kind") != kind:
        raise ValueError(f"{rule} Received: {path} with kind={content.get('kind')!r}")
    missing = [key for key in keys if key not in content]
    if missing:
        raise ValueError(f"{rule} Received: {path} without {', '.join(missing)}")
    return content
