"""Numbers of one's own: every student gets other ones, always the same. Knows no assignment."""

import hashlib

import numpy as np


def draw(student: str, name: str, secret: str = "") -> np.random.Generator:
    """Give the random numbers that belong to one student and one purpose.

    Two students who compare their work find other numbers in it; the grader finds the same ones
    again. What is drawn with a secret, nobody can foretell who does not know the secret.

    Args:
        student: the student's id.
        name: what the numbers are for; another name, other numbers.
        secret: the class's, for the tests that nobody is shown.

    Raises:
        TypeError: if one of them is not text.

    Example:
        >>> draw("s01", "by hand").integers(10, size=5).tolist()
        [1, 5, 0, 5, 9]
        >>> draw("s02", "by hand").integers(10, size=5).tolist()
        [1, 3, 9, 0, 0]
    """
    for value in (student, name, secret):
        if not isinstance(value, str):
            raise TypeError(
                f"`draw` takes a student's id and a name, both text. Received: {value!r}"
            )
    digest = hashlib.sha256("\0".join((secret, name, student.strip())).encode()).digest()
    return np.random.default_rng(np.frombuffer(digest, np.uint32))
