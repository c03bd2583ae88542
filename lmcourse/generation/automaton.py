"""From a pattern to a machine that reads characters one by one. Knows nothing of tokens.

A pattern is a regular expression. After each character, the machine keeps what is still owed, which
is a regular expression again, its *derivative*: of `ab*|c`, after an `a`, there remains `b*`. There
are finitely many remainders, so they become the rows of a table.

Source: Brzozowski (1964), "Derivatives of regular expressions".
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lmcourse.generation.derivatives import Expressions
from lmcourse.generation.patterns import read_pattern

DEAD = 0  # the state from which nothing can be completed
START = 1
FAR = 1_000_000_000
MOST_STATES = 20_000


@dataclass(frozen=True)
class Automaton:
    r"""A deterministic finite automaton over characters; `compile` makes it from a pattern.

    State 0 is dead, state 1 the start. From every other state a complete text can be reached.

    Args:
        table: the next state for each state and each kind of character `(S, K)`.
        kinds: the kind of each character of the alphabet; others lead to the dead state.
        accepts: which states may be the last `(S,)`.
        distance: the fewest characters from each state to one that accepts `(S,)`; from the dead
            one, `FAR`.

    Example:
        >>> numbers = Automaton.compile(r"-?\d+", alphabet="-0123456789")
        >>> [numbers.matches(text) for text in ("-12", "7", "-", "1-2")]
        [True, True, False, False]
        >>> numbers.distance[1:].tolist()   # nothing read, a minus read, digits read
        [1, 1, 0]
    """

    table: np.ndarray
    kinds: dict[str, int]
    accepts: np.ndarray
    distance: np.ndarray

    @classmethod
    def compile(cls, pattern: str, alphabet: Iterable[str]):
        """Build the machine; of the characters only those of `alphabet` can ever be read.

        Raises:
            ValueError: if the pattern is not understood, if no text over the alphabet fits it, or
                if the machine becomes too large.
        """
        alphabet = sorted(set(alphabet))
        owed = Expressions(alphabet)
        start = read_pattern(pattern, owed)
        if start == owed.nothing:
            raise ValueError(
                f"a text over the alphabet must fit the pattern. Received: {pattern!r}"
            )
        kinds, examples = _kinds(alphabet, owed.classes())
        states, rows = {owed.nothing: DEAD, start: START}, [[DEAD] * len(examples)]
        for expression in (waiting := [start]):  # grows while it is read
            row = []
            for character in examples:
                rest = owed.derivative(expression, character)
                if rest not in states:
                    states[rest] = len(states)
                    waiting.append(rest)
                row.append(states[rest])
            rows.append(row)
            if len(states) > MOST_STATES:
                raise ValueError(
                    f"a pattern must need at most {MOST_STATES} states. Received: {pattern!r:.60}"
                )
        table = np.array(rows, dtype=np.int32)
        accepts = np.array([owed.may_end(expression) for expression in states])
        return cls(table, kinds, accepts, _distance(table, accepts))

    @property
    def states(self) -> int:
        """How many states there are, the dead one included."""
        return len(self.table)

    def read(self, text: str, state: int = START) -> int:
        """Read characters one by one: the state after the last."""
        for character in text:
            kind = self.kinds.get(character)
            state = DEAD if kind is None else int(self.table[state, kind])
        return state

    def matches(self, text: str) -> bool:
        """Say whether the whole text fits the pattern."""
        return bool(self.accepts[self.read(text)])


def _kinds(alphabet, classes):
    """Give each character a number, equal for those that no class tells apart; one of each."""
    kinds, examples, seen = {}, [], {}
    for character in alphabet:
        signature = tuple(character in characters for characters in classes)
        if signature not in seen:
            seen[signature] = len(examples)
            examples.append(character)
        kinds[character] = seen[signature]
    return kinds, examples


def _distance(table, accepts):
    distance = np.where(accepts, 0, FAR)
    while True:
        closer = np.minimum(distance, distance[table].min(axis=1) + 1)
        if (closer == distance).all():
            return distance
        distance = closer
