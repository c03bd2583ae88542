"""Values as bytes and back: numbers, text, arrays and what holds them. Never code, never pickle.

Both sides of the wall between a submission and its tests use it. What comes back is plain: an
object that claims to equal everything arrives as the numbers it holds, or not at all.
"""

import base64
import json
import math
import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from numbers import Real

import numpy as np

LARGEST = 8 * 2**20  # bytes of one message
DEEPEST = 20  # lists in lists in lists
MOST_KEYS = 10_000  # of dictionaries and sets: keys can be made that all fall into one place
KINDS = "biufU"  # truth values, whole numbers, real numbers, text
NO_VALUE = "only numbers, text, arrays, lists and dictionaries"
DTYPE = re.compile(r"[<>|][biuf][0-9]{1,2}")


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
    line = json.dumps(_plain(value, iter(range(MOST_KEYS)))).encode()
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
        return _built(json.loads(line), iter(range(MOST_KEYS)))
    except (ValueError, TypeError, KeyError, RecursionError, MemoryError, OverflowError) as error:
        raise WireError(f"this is not a packed value: {type(error).__name__}") from None


def _plain(value, keys, depth=0):
    if depth > DEEPEST:
        raise WireError(f"a value may hold others {DEEPEST} deep")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, Mapping):
        pairs = ((_plain(k, keys, depth + 1), _plain(v, keys, depth + 1)) for k, v in value.items())
        return {"dict": [pair for pair in pairs if _counted(keys)]}
    if isinstance(value, list | tuple | AbstractSet):
        kind = "list" if isinstance(value, list) else "tuple"
        kind = "set" if isinstance(value, AbstractSet) else kind
        held = [_plain(v, keys, depth + 1) for v in value if kind != "set" or _counted(keys)]
        return held if kind == "list" else {kind: held}
    if isinstance(value, bool | int | float | str):  # a subclass: what it holds
        base = next(t for t in (bool, int, float, str) if isinstance(value, t))
        return base(value)
    if isinstance(value, Real) and not hasattr(value, "__array__"):  # such as a fraction
        return float(value)
    if hasattr(value, "__array__"):
        return _array(np.asarray(value))
    raise WireError(f"{NO_VALUE}. Received: {_kind(value)}")


def _array(array):
    if array.dtype.kind not in KINDS:
        raise WireError(f"{NO_VALUE}. Received: an array of {array.dtype.name}")
    if array.dtype.kind == "U":
        return {"text": [list(array.shape), array.ravel().tolist()]}
    content = base64.b64encode(np.ascontiguousarray(array).tobytes()).decode()
    return {"array": [list(array.shape), content, array.dtype.str]}


def _kind(value):
    return type(value).__name__[:40]


def _built(value, keys, depth=0):
    if depth > DEEPEST:
        raise ValueError("too deep")
    if isinstance(value, str):
        return value.encode(errors="replace").decode()  # no half of a character
    if isinstance(value, list):
        return [_built(v, keys, depth + 1) for v in value]
    if not isinstance(value, dict):
        return value
    ((kind, held),) = value.items()
    if kind in ("array", "text"):
        return _rebuilt(*held)
    if kind == "dict":
        built = ((_built(k, keys, depth + 1), _built(v, keys, depth + 1)) for k, v in held)
        return {k: v for k, v in built if _counted(keys)}
    if kind == "set":
        return {v for v in (_built(v, keys, depth + 1) for v in held) if _counted(keys)}
    return {"tuple": tuple}[kind](_built(v, keys, depth + 1) for v in held)


def _counted(keys):
    if next(keys, None) is None:
        raise WireError(f"dictionaries and sets may have {MOST_KEYS:,} keys in all")
    return True


def _rebuilt(shape, content, dtype=None):
    """An array from what it holds: no larger than that, whatever it claims."""
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError("not a shape")
    longest = max(map(len, content), default=1) if dtype is None else 1
    if longest * max(len(content), math.prod(max(n, 1) for n in shape)) > 2 * LARGEST:
        raise ValueError("larger than the message")
    if dtype is None:
        array = np.array([text.encode(errors="replace").decode() for text in content], str)
    else:
        if not DTYPE.fullmatch(dtype):
            raise ValueError("not a type of numbers")
        array = np.frombuffer(base64.b64decode(content, validate=True), np.dtype(dtype)).copy()
    array = array.reshape(shape)
    return array if array.ndim else array[()]
