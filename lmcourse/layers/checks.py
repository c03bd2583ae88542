"""What every model asks of its arguments before it counts on them; knows nothing of any layer."""

import keras
import numpy as np


def check_ids(ids, vocabulary_size: int) -> None:
    """Refuse ids that are no ids: `(...)` -> nothing, or an error that names the rule.

    A lookup outside the table is an error on one machine and a row of zeros on another, and a
    float id is silently cut to a whole one. So every model looks at its ids first.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range (the range can only be checked when the model is
            called on numbers, not while a graph is traced).

    Example:
        >>> check_ids(keras.ops.array([[0, 4]]), vocabulary_size=5)
        >>> check_ids(keras.ops.array([[0, 5]]), vocabulary_size=5)
        Traceback (most recent call last):
            ...
        ValueError: `ids` must be from 0 to V - 1 = 4. Received: ids from 0 to 5
    """
    dtype = keras.backend.standardize_dtype(ids.dtype)
    if "int" not in dtype:
        raise TypeError(f"`ids` must be integers. Received: dtype={dtype}")
    values = ids.numpy() if hasattr(ids, "numpy") else ids  # a tensor's values
    if not isinstance(values, np.ndarray):  # a graph is traced: nothing is known yet
        return
    if values.size and not 0 <= values.min() <= values.max() < vocabulary_size:
        raise ValueError(
            f"`ids` must be from 0 to V - 1 = {vocabulary_size - 1}. "
            f"Received: ids from {values.min()} to {values.max()}"
        )


def check_at_least_one(name: str, value: int) -> None:
    """Refuse a size below one by its name.

    Raises:
        ValueError: if `value` is below 1.

    Example:
        >>> check_at_least_one("units", 0)
        Traceback (most recent call last):
            ...
        ValueError: `units` must be at least 1. Received: units=0
    """
    if value < 1:
        raise ValueError(f"`{name}` must be at least 1. Received: {name}={value}")
