"""Tell a vector where it stands: sinusoidal and rotary positions. Know nothing of attention.

Axis letters: T time, D width of a vector, W width of a head.
"""

import numpy as np
from keras import ops


def sinusoidal(length: int, width: int) -> np.ndarray:
    """Give each position a vector of waves, from fast to slow: `-> (length, width)`.

    Column 2i holds sin(t / 10000^(2i / D)), column 2i + 1 the cosine of the same angle. It is added
    to the embedding.

    Raises:
        ValueError: if `width` is odd.

    Example:
        >>> sinusoidal(2, 4).round(3)
        array([[0.   , 1.   , 0.   , 1.   ],
               [0.841, 0.54 , 0.01 , 1.   ]], dtype=float32)

    Reference: Vaswani and others (2017), "Attention is all you need".
    """
    angles = _angles(length, width, 10_000.0)
    waves = np.stack([np.sin(angles), np.cos(angles)], axis=-1)  # sine and cosine side by side
    return waves.reshape(length, width).astype("float32")


def rotations(length: int, width: int, base: float = 10_000.0) -> np.ndarray:
    """Give the cosines and sines by which each position is turned: `-> (2, length, W / 2)`.

    Raises:
        ValueError: if `width` is odd.

    Example:
        >>> cosines, sines = rotations(3, 2)
        >>> sines.ravel().round(3)   # of 0, 1 and 2
        array([0.   , 0.841, 0.909], dtype=float32)
    """
    angles = _angles(length, width, base)
    return np.stack([np.cos(angles), np.sin(angles)]).astype("float32")


def rotate(x, turns):
    """Turn every pair of components by the angle of its position: `(..., T, W) -> (..., T, W)`.

    Component i makes a pair with component i + W / 2, as in Hugging Face's files of Llama. The
    product of two vectors that were turned depends on how far apart they stand, not on where.

    Args:
        x: queries or keys.
        turns: cosines and sines, `(2, T, W / 2)`.

    Example:
        >>> rotate(ops.array([[1.0, 0.0], [1.0, 0.0]]), rotations(2, 2)).numpy().round(3)
        array([[1.   , 0.   ],
               [0.54 , 0.841]], dtype=float32)

    Reference: Su and others (2021), "RoFormer: enhanced Transformer with rotary position
        embedding".
    """
    cosines, sines = turns[0], turns[1]
    first, second = ops.split(x, 2, axis=-1)
    return ops.concatenate(
        [first * cosines - second * sines, second * cosines + first * sines], axis=-1
    )


def _angles(length, width, base):
    if width % 2:
        raise ValueError(f"The width must be even: positions turn pairs. Received: width={width}")
    frequencies = base ** (-np.arange(0, width, 2) / width)
    return np.outer(np.arange(length), frequencies)
