"""Weights in one byte each: whole numbers from -127 to 127 and one scale a row. Pure NumPy.

Knows nothing of what a row is: one output of a dense layer, or one token of a table.
Axis letters: U units (rows), D width of what they are multiplied by.
"""

import numpy as np

LARGEST = 127  # -128 stays unused: the numbers are the same on both sides of zero


def quantize(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round every row to whole multiples of its scale: `(U, D) -> (U, D) int8, (U,)` scales.

    The largest number of a row becomes 127 or -127, so that the error of each is at most half a
    scale. A row of zeros gets the scale 1.

    Raises:
        ValueError: if a number is not finite.

    Example:
        >>> whole, scales = quantize(np.array([[0.5, -1.27, 0.013]]))
        >>> whole.tolist(), scales.round(4)
        ([[50, -127, 1]], array([0.01], dtype=float32))

    Reference: Jacob and others (2018), "Quantization and training of neural networks for efficient
        integer-arithmetic-only inference".
    """
    rows = np.asarray(rows, dtype=np.float32)
    largest = np.abs(rows).max(axis=1)
    if not np.isfinite(largest).all():
        raise ValueError(f"weights must be finite. Received: largest={largest.max()}")
    scales = np.where(largest > 0, largest / LARGEST, 1).astype(np.float32)
    return np.rint(rows / scales[:, None]).astype(np.int8), scales


def dequantize(whole: np.ndarray, scales: np.ndarray) -> np.ndarray:
    """Turn whole numbers back into weights: `(U, D) int8, (U,) -> (U, D)` float32.

    >>> dequantize(np.array([[50, -127]], np.int8), np.array([0.01])).round(2)
    array([[ 0.5 , -1.27]], dtype=float32)
    """
    return whole.astype(np.float32) * np.asarray(scales, dtype=np.float32)[:, None]
