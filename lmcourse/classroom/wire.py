"""Values as bytes and back: numbers, text, arrays and what holds them. Never code, never pickle.

Both sides of the wall between a submission and its tests use it. What comes back is plain: an
object that claims to equal everything arrives as the numbers it holds, or not at all.
"""

import base64
import io
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet

import numpy as np

LARGEST = 64 * 2**20  # bytes of one message
DEEPEST = 20  # lists in lists in lists
KINDS = "biufU"  # truth values, whole numbers, real numbers, text


class WireError(ValueError):
    """What can't cross: the value is too large, too deep, or nothing but numbers and text."""


def pack(value: object) -> bytes:
    """Turn a value into one line of bytes.

    Raises:
        WireError: if it holds something else than numbers, text, arrays, lists, tuples, sets and
            dictionaries, is too large or too deep.

    Example:
        >>> pack({("a", "b"): 2})
        b'{"dict": [[{"tuple": ["a", "b"]}, 2]]}'
    """
    line = json.dumps(_plain(value)).encode()
    if len(line) > LARGEST:
        raise WireError(f"a value may have {LARGEST:,} bytes. Received: {len(line):,}")
    return line


def unpack(line: bytes) -> object:
    """Turn the bytes back into a value made of Python's own types and NumPy's arrays.

    Raises:
        WireError: if the bytes are not what `pack` makes.

    Example:
        >>> unpack(pack({("a", "b"): 2}))
        {('a', 'b'): 2}
    """
    try:
        return _built(json.loads(line))
    except (ValueError, TypeError, KeyError, RecursionError, MemoryError, OverflowError) as error:
        raise WireError(f"this is not a packed value: {type(error).__name__}") from None


def _plain(value, depth=0):
    if depth > DEEPEST:
        raise WireError(f"a value may hold others {DEEPEST} deep")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        return {"dict": [[_plain(k, depth + 1), _plain(v, depth + 1)] for k, v in value.items()]}
    if isinstance(value, list | tuple | AbstractSet):
        kind = "list" if isinstance(value, list) else "tuple"
        kind = "set" if isinstance(value, AbstractSet) else kind
        held = [_plain(v, depth + 1) for v in value]
        return held if kind == "list" else {kind: held}
    if isinstance(value, bool | int | float | str):  # a subclass: what it holds
        base = next(t for t in (bool, int, float, str) if isinstance(value, t))
        return base(value)
    if hasattr(value, "__array__"):
        return _array(np.asarray(value))
    raise WireError(f"only numbers, text, arrays, lists and dictionaries. Received: {_kind(value)}")


def _array(array):
    if array.dtype.kind not in KINDS:
        raise WireError(f"an array must hold numbers or text. Received: {array.dtype.name}")
    file = io.BytesIO()
    np.save(file, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False)
    return {"array": base64.b64encode(file.getvalue()).decode()}


def _kind(value):
    return type(value).__name__[:40]


def _built(value):
    if isinstance(value, list):
        return [_built(v) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind == "array":
        array = np.load(io.BytesIO(base64.b64decode(held)), allow_pickle=False)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in KINDS:
            raise ValueError("not an array")
        return array if array.ndim else array[()]
    if kind == "dict":
        return {_built(k): _built(v) for k, v in held}
    return {"tuple": tuple, "set": set}[kind](_built(v) for v in held)
