"""Where a token stands, told in three ways, in plain NumPy: a learned row, waves, a turn.

The yardstick of every position scheme. It knows ids and places, and not who will look at them.

Axis letters: T time, D width of a vector, W width of one head, V vocabulary.
"""

from collections.abc import Mapping

import numpy as np

from lmcourse.reference.embedding import embedding


def sinusoidal(length: int, width: int) -> np.ndarray:
    """Write each place as the hands of many clocks, fast to slow: `(length, width)`.

    Pair i of columns holds the sine and the cosine of one angle, `place * 10000^(-2i / width)`:

        columns 0, 2, 4 ...   sin(place * frequency_i)
        columns 1, 3, 5 ...   cos(place * frequency_i)

    Going k places on turns every clock by a fixed angle, so it is one matrix for all places.

    Raises:
        ValueError: if `width` is odd, or a number is negative.

    Example:
        >>> sinusoidal(3, 4).round(3)   # sin 1 = 0.841, cos 1 = 0.54; the slow clock: sin 0.01
        array([[ 0.   ,  1.   ,  0.   ,  1.   ],
               [ 0.841,  0.54 ,  0.01 ,  1.   ],
               [ 0.909, -0.416,  0.02 ,  1.   ]])

    Reference: Vaswani et al. (2017), "Attention is all you need", section 3.5.
    """
    if length < 0:
        raise ValueError(f"`length` must not be negative. Received: length={length}")
    angles = _angles(length, width, start=0, base=10000.0)
    return np.stack([np.sin(angles), np.cos(angles)], axis=-1).reshape(length, width)


def rotate(x: np.ndarray, start: int = 0, base: float = 10000.0) -> np.ndarray:
    """Turn every query or key by angles that grow with its place: `(..., T, W) -> (..., T, W)`.

    Number i and number i + W/2 of a vector are a point in the plane. It is turned about the origin
    by `place * base^(-2i / W)`:

        first  = first * cos - second * sin
        second = first * sin + second * cos

    Lengths stay, and the product of a turned query with a turned key depends on the two vectors
    and on the *distance* of their places alone.

    Args:
        x: queries or keys of one or more heads; places run along the second axis from the end.
        start: the place of the first vector; not 0 when a text is continued.
        base: how slow the slowest pair turns: 10000 at first, more for longer texts.

    Raises:
        ValueError: if W is odd.

    Example:
        >>> rotate(np.array([[1.0, 0.0], [1.0, 0.0]]), start=0).round(3)   # by 0, by 1 radian
        array([[1.   , 0.   ],
               [0.54 , 0.841]])

    Reference: Su et al. (2021), "RoFormer: enhanced Transformer with rotary position embedding";
        the halves as the files of Llama (Touvron et al. 2023) at Hugging Face have them.
    """
    x = np.asarray(x, np.float64)
    angles = _angles(*x.shape[-2:], start, base)
    first, second = np.split(x, 2, axis=-1)
    turned = [
        first * np.cos(angles) - second * np.sin(angles),
        first * np.sin(angles) + second * np.cos(angles),
    ]
    return np.concatenate(turned, axis=-1)


def embed(ids: np.ndarray, weights: Mapping, positions: str = "learned") -> np.ndarray:
    """Give every token its vector, and tell it its place: `(..., T) -> (..., T, D)`.

        "learned"      tokens[id] + positions[place]
        "sinusoidal"   tokens[id] * sqrt(D) + sinusoidal(place)
        "rotary"       tokens[id]; the attention turns its queries and keys instead

    Args:
        ids: integers in `0 <= id < V`.
        weights: "tokens" `(V, D)`, and for "learned" also "positions" `(longest text, D)`.
        positions: one of the three names above.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range, the text is longer than the table of places, or there
            is no such scheme.

    Example:
        >>> weights = {"tokens": np.array([[1.0, 0.0], [0.0, 1.0]])}
        >>> embed(np.array([1, 1]), weights, "sinusoidal").round(3)   # 1.414 + cos 0, + cos 1
        array([[0.   , 2.414],
               [0.841, 1.955]])

    Reference: Vaswani et al. (2017), "Attention is all you need", sections 3.4 and 3.5.
    """
    x = embedding(ids, weights["tokens"]).astype(np.float64)
    T, D = x.shape[-2:]
    if positions == "learned":
        longest = len(weights["positions"])
        if T > longest:
            raise ValueError(
                f"A text must not be longer than its table of positions, {longest}. "
                f"Received: {T} tokens"
            )
        return x + weights["positions"][:T]
    if positions == "sinusoidal":
        return x * np.sqrt(D) + sinusoidal(T, D)
    if positions == "rotary":
        return x
    raise ValueError(
        f'`positions` must be "learned", "sinusoidal" or "rotary". Received: {positions=}'
    )


def _angles(length, width, start, base):
    """Angle of each pair at each place: `(length, width / 2)`."""
    if width < 2 or width % 2:
        raise ValueError(f"`width` must be even, two numbers for an angle. Received: width={width}")
    frequencies = base ** (-np.arange(0, width, 2) / width)
    return np.outer(start + np.arange(length), frequencies)
