"""What every language of known entropy can do: write, be scored, keep the contract of a model.

In each of them what was written so far fixes a *state*, and the state fixes the distribution of
the next symbol. The languages themselves stand in `lmcourse.text.grammar`; this file knows none.

Axis letters: B batch, T time, V vocabulary.
"""

from bisect import bisect_right

import numpy as np


class Source:
    """A language with a known entropy rate; a subclass fills it in.

    `vocabulary` lists the symbols, `entropy_rate` is in bits per symbol. A source keeps the
    contract of every model, so it can be scored like one; it must see the text from its start:
    `score(source, ids, context_length=len(ids))`.
    """

    vocabulary: list[str]
    entropy_rate: float
    _start: tuple  # the state before the first symbol
    _rows: np.ndarray  # (N, V) every distribution of a next symbol that occurs

    @property
    def vocabulary_size(self) -> int:
        """Count the symbols of the language."""
        return len(self.vocabulary)

    def spell(self, ids: np.ndarray) -> str:
        """Write ids as text, one symbol after the other. Shapes: (T,) -> str."""
        return "".join(self.vocabulary[i] for i in self._checked(ids))

    def sample(self, length: int, rng: np.random.Generator) -> np.ndarray:
        """Write `length` symbols from the start of a text. Shapes: () -> (T,).

        Raises `ValueError` for a negative length.
        """
        if length < 0:
            raise ValueError(f"`length` must be at least 0. Received: length={length}")
        totals = np.cumsum(self._rows, axis=1)
        totals[totals[:, -1] > 0] /= totals[totals[:, -1] > 0, -1:]  # the last total is exactly 1
        totals = totals.tolist()
        ids, state = np.zeros(length, dtype=np.int64), self._start
        for t, threshold in enumerate(rng.random(length).tolist()):
            symbol = bisect_right(totals[self._row(state)], threshold)
            ids[t], state = symbol, self._next(state, symbol)
        return ids

    def probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Give the true distribution of each symbol and of the one after the last.

        Shapes: (T,) -> (T + 1, V). Row t sees `ids[:t]`. Rows after a symbol that the source
        can't write are all zero. Raises `ValueError` for ids outside the vocabulary.
        """
        ids = self._checked(ids)
        result, state = np.zeros((len(ids) + 1, self.vocabulary_size)), self._start
        visited = []
        for symbol in ids.tolist():
            visited.append(self._row(state))
            if self._rows[visited[-1], symbol] == 0:
                break
            state = self._next(state, symbol)
        else:
            visited.append(self._row(state))
        result[: len(visited)] = self._rows[visited]
        return result

    def log2_probabilities(self, ids: np.ndarray) -> np.ndarray:
        """Give log2 of each symbol's true probability given all symbols before it.

        Shapes: (T,) -> (T,). The sum is log2 of the text's probability. From the first symbol
        that the source can't write on, every entry is -inf.
        """
        ids = self._checked(ids)
        with np.errstate(divide="ignore"):
            return np.log2(self.probabilities(ids)[np.arange(len(ids)), ids])

    def __call__(self, ids: np.ndarray) -> np.ndarray:
        """Keep the contract: ids (B, T) -> natural log-probabilities (B, T, V) of what follows.

        Raises `ValueError` for a row that the source can't write from its start.
        """
        result = np.stack([self.probabilities(row)[1:] for row in np.asarray(ids)])
        if not result.any(axis=-1).all():
            row, t = np.argwhere(~result.any(axis=-1))[0]
            raise ValueError(
                "ids must be a text that the source can write from its start (score it with "
                f"context_length=len(ids)). Received: symbol {self.vocabulary[ids[row][t]]!r} "
                f"at position {t}"
            )
        with np.errstate(divide="ignore"):
            return np.log(result)

    def _checked(self, ids: np.ndarray) -> np.ndarray:
        ids = np.asarray(ids)
        if ids.ndim != 1 or not (ids.size == 0 or np.issubdtype(ids.dtype, np.integer)):
            raise ValueError(
                f"ids must be whole numbers on one axis. Received: {ids.dtype} of shape {ids.shape}"
            )
        wrong = ids[(ids < 0) | (ids >= self.vocabulary_size)]
        if wrong.size:
            raise ValueError(
                f"ids must be at least 0 and below {self.vocabulary_size}. Received: id {wrong[0]}"
            )
        return ids.astype(np.int64)

    def _row(self, state: tuple) -> int:  # which of `_rows` predicts the next symbol
        raise NotImplementedError

    def _next(self, state: tuple, symbol: int) -> tuple:
        raise NotImplementedError
