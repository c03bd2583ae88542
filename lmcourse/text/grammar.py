"""Four languages whose entropy is known exactly. Knows nothing about models or how they learn.

In each of them what was written so far fixes a *state*, and the state fixes the distribution of
the next symbol. So the entropy rate is an average: the entropy of each state's distribution,
weighted by the share of time that is spent in the state (Shannon, 1948, section 7). What a model
spends above it, its *excess bits*, is what it has yet to learn.

Axis letters: B batch, T time, V vocabulary.
"""

import numpy as np

from lmcourse.text.sources import Source

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Markov(Source):
    """A source whose next symbol depends on the last `order` symbols alone.

    `table[a, b, c]` is the probability of symbol c after a, b (order 2). The text starts in the
    middle, as it were: its first symbols follow the stationary distribution pi, the solution of
    pi = pi P with sum 1, where P moves from one context to the next. The entropy rate is
    sum over contexts of pi(context) times the entropy of its row.
    Args: `table` (V, ..., V) with `order` + 1 axes, each row summing to one; `vocabulary`, its V
    symbols (letters unless told).

    Raises `ValueError` when a row doesn't sum to one or several distributions are stationary.

    >>> weather = Markov([[0.75, 0.25], [0.5, 0.5]], ["s", "r"])
    >>> weather.stationary.round(4).tolist(), round(weather.entropy_rate, 4)
    ([0.6667, 0.3333], 0.8742)
    """

    def __init__(self, table: np.ndarray, vocabulary: list[str] | None = None):
        table = np.asarray(table, dtype=np.float64)
        if table.ndim < 2 or len(set(table.shape)) != 1:
            raise ValueError(
                f"`table` must have at least 2 axes, all of length V. Received: shape {table.shape}"
            )
        if not (table >= 0).all() or not np.allclose(table.sum(axis=-1), 1):
            raise ValueError(
                "each row of `table` must be at least 0 and sum to 1. "
                f"Received: sums from {table.sum(axis=-1).min()} to {table.sum(axis=-1).max()}"
            )
        self.order, V = table.ndim - 1, table.shape[0]
        self.vocabulary = list(LETTERS[:V] if vocabulary is None else vocabulary)
        if len(self.vocabulary) != V:
            raise ValueError(
                f"`vocabulary` must name {V} symbols. Received: {len(self.vocabulary)}"
            )
        rows = table.reshape(-1, V)
        pi = _stationary(rows)
        self.stationary = pi.reshape((V,) * self.order)
        self.entropy_rate = float(pi @ _entropy(rows))
        # The first symbols: the distribution of the j-th given those before it is a ratio of sums.
        starts = [pi.reshape(V**j, V, -1).sum(axis=-1) for j in range(self.order)]
        starts = [s / np.maximum(s.sum(axis=-1, keepdims=True), 1e-300) for s in starts]
        self._offsets = np.cumsum([0] + [len(s) for s in starts]).tolist()
        self._rows = np.concatenate([*starts, rows])
        self._start = (0, 0)  # how many symbols of context, and which, as a number in base V
        self._contexts = len(rows)

    @classmethod
    def random(
        cls, order: int, vocabulary_size: int, rng: np.random.Generator, concentration: float = 0.5
    ) -> "Markov":
        """Draw a table: each row from a Dirichlet distribution, spikier for small `concentration`.

        >>> Markov.random(2, 3, np.random.default_rng(0)).order
        2
        """
        if order < 1:
            raise ValueError(f"`order` must be at least 1. Received: order={order}")
        if vocabulary_size < 2 or concentration <= 0:
            raise ValueError(
                "`vocabulary_size` must be at least 2 and `concentration` above 0. Received: "
                f"vocabulary_size={vocabulary_size}, concentration={concentration}"
            )
        V = vocabulary_size
        vocabulary = list(LETTERS[:V]) if V <= len(LETTERS) else [f"<{i}>" for i in range(V)]
        table = rng.dirichlet(np.full(V, concentration), size=(V,) * order)
        return cls(table, vocabulary)

    def _row(self, state):
        return self._offsets[state[0]] + state[1]

    def _next(self, state, symbol):
        seen, context = state
        context = context * self.vocabulary_size + symbol
        return min(seen + 1, self.order), context % self._contexts


class Brackets(Source):
    """Nested brackets of several kinds: each one that opens must be closed by its own kind.

    The text starts with nothing open. With nothing open a bracket must open; with `depth` open one
    must close; in between one opens with probability `opening`. The kind that opens is a fair
    draw, the kind that closes is the one opened last. The state is the whole stack.

    The entropy rate depends on how many are open, d. That number is a chain whose stationary
    distribution follows from balance (up-steps d -> d+1 are as frequent as down-steps): with
    p = opening, q = 1 - p, it is pi_1 = pi_0 / q, pi_(d+1) = pi_d p / q, pi_depth = p pi_(depth-1).
    Without a bound the sum is a geometric series, finite for p < 1/2: pi_0 = (1 - 2p) / (2q).
    Half of all symbols open and cost log2(kinds) for the kind; closing kinds are free; the choice
    between opening and closing costs H(p) whenever it exists. So

        entropy rate = log2(kinds) / 2 + (1 - pi_0 - pi_depth) H(p).

    Args: `kinds` 1..4; `opening` above 0, below 1 (below 1/2 without a bound); `depth` at least 1,
    or None for no bound.

    >>> Brackets(kinds=2, depth=1).entropy_rate  # a coin, its echo, a coin, its echo
    0.5
    >>> language = Brackets(kinds=2, opening=0.4, depth=None)
    >>> round(language.entropy_rate, 4), language.spell(np.array([0, 1, 3, 2]))
    (1.3091, '([])')
    """

    def __init__(self, kinds: int = 2, opening: float = 0.4, depth: int | None = 8):
        if not 1 <= kinds <= 4:
            raise ValueError(f"`kinds` must lie between 1 and 4. Received: kinds={kinds}")
        if depth is not None and depth < 1:
            raise ValueError(f"`depth` must be at least 1. Received: depth={depth}")
        if not 0 < opening < (0.5 if depth is None else 1):
            raise ValueError(
                "`opening` must be above 0 and below 1 (below 0.5 without a bound on the depth). "
                f"Received: opening={opening}, depth={depth}"
            )
        self.kinds, self.opening, self.depth = kinds, opening, depth
        self.vocabulary = list("([{<"[:kinds] + ")]}>"[:kinds])
        choice = float(_entropy(np.array([opening, 1 - opening])))
        self.entropy_rate = float(np.log2(kinds) / 2 + self._share_of_choice() * choice)
        opens, closes = np.eye(2 * kinds)[:kinds].mean(axis=0), np.eye(2 * kinds)[kinds:]
        between = opening * opens + (1 - opening) * closes
        self._rows = np.stack([opens, *between, *closes])
        self._start = ()  # the stack: () or (how many are open, kind on top, stack below)

    @property
    def forgetting_costs(self) -> float:
        """Excess bits per symbol of a model that knows all but the kinds of the open brackets."""
        return float(np.log2(self.kinds) / 2)

    def _share_of_choice(self) -> float:
        p, q = self.opening, 1 - self.opening
        if self.depth is None:
            return 1 - (1 - 2 * p) / (2 * q)
        inner = (p / q) ** np.arange(self.depth - 1) / q  # pi_1 ... pi_(depth-1), with pi_0 = 1
        last = inner[-1] * p if self.depth > 1 else 1.0
        return float(inner.sum() / (1 + inner.sum() + last))

    def _row(self, state):
        if not state:
            return 0
        return 1 + state[1] + (self.kinds if state[0] == self.depth else 0)

    def _next(self, state, symbol):
        if symbol < self.kinds:
            return (state[0] + 1 if state else 1, symbol, state)
        return state[2]


class Agreement(Source):
    """Sentences whose last word must agree with the first one, across a filler.

    A sentence: a subject (a fair draw), a filler of `shortest` to `longest` words (each length
    equally likely, each word a fair draw), and the verb of that subject. Capital letters are
    subjects, the same small letters their verbs, s to z fillers. The text starts with a sentence.

    The entropy rate is bits per sentence over symbols per sentence (the renewal theorem), with
    n the mean filler length: (log2 subjects + log2 lengths + n log2 fillers) / (n + 2).
    The verb is free: a model that knows all but the subject pays log2(subjects) for it.

    >>> language = Agreement(shortest=3, longest=3, subjects=2, fillers=2)
    >>> language.entropy_rate, language.forgetting_costs
    (0.8, 0.2)
    >>> language.spell(language.sample(10, np.random.default_rng(0)))
    'BsssbBtttb'
    """

    def __init__(self, shortest: int = 4, longest: int = 8, subjects: int = 2, fillers: int = 4):
        _check_lengths(shortest, longest, 0)
        if not (2 <= subjects <= 8 and 1 <= fillers <= 8):
            raise ValueError(
                "`subjects` must lie between 2 and 8, `fillers` between 1 and 8. "
                f"Received: subjects={subjects}, fillers={fillers}"
            )
        S, F, lengths = subjects, fillers, longest - shortest + 1
        self.shortest, self.longest, self.subjects, self.fillers = shortest, longest, S, F
        self.vocabulary = list(LETTERS[:S].upper() + LETTERS[18 : 18 + F] + LETTERS[:S])
        self._mean = (shortest + longest) / 2
        bits = np.log2(S) + np.log2(lengths) + self._mean * np.log2(F)
        self.entropy_rate = float(bits / (self._mean + 2))
        eye = np.eye(2 * S + F)
        subject, filler, verbs = eye[:S].mean(axis=0), eye[S : S + F].mean(axis=0), eye[S + F :]
        ends = _ending(shortest, longest)
        self._rows = np.stack([subject, *(e * v + (1 - e) * filler for e in ends for v in verbs)])
        self._start = ()  # () or (subject, how many fillers so far)

    @property
    def forgetting_costs(self) -> float:
        """Excess bits per symbol of a model that knows all but which subject the sentence has."""
        return float(np.log2(self.subjects) / (self._mean + 2))

    def _row(self, state):
        return 1 + state[1] * self.subjects + state[0] if state else 0

    def _next(self, state, symbol):
        if not state:
            return (symbol, 0)
        return (state[0], state[1] + 1) if symbol < self.subjects + self.fillers else ()


class Copy(Source):
    """A random word, `#`, the same word again, `$`, and so on: pure memory.

    The word has `shortest` to `longest` letters (each length equally likely, each letter a fair
    draw). The text starts with a word. Everything after `#` is free for who remembers, so with n
    the mean length the entropy rate is (log2 lengths + n log2 letters) / (2n + 2).

    >>> language = Copy(shortest=3, longest=3, letters=2)
    >>> language.entropy_rate, language.forgetting_costs
    (0.375, 0.375)
    >>> language.spell(language.sample(16, np.random.default_rng(0)))
    'baa#baa$bbb#bbb$'
    """

    def __init__(self, shortest: int = 3, longest: int = 6, letters: int = 4):
        _check_lengths(shortest, longest, 1)
        if not 2 <= letters <= 26:
            raise ValueError(f"`letters` must lie between 2 and 26. Received: letters={letters}")
        self.shortest, self.longest, self.letters = shortest, longest, letters
        self.vocabulary = [*LETTERS[:letters], "#", "$"]
        self._mean = (shortest + longest) / 2
        bits = np.log2(longest - shortest + 1) + self._mean * np.log2(letters)
        self.entropy_rate = float(bits / (2 * self._mean + 2))
        eye = np.eye(letters + 2)
        letter, mark, end = eye[:letters].mean(axis=0), eye[letters], eye[letters + 1]
        writing = [e * mark + (1 - e) * letter for e in _ending(shortest, longest)]
        self._rows = np.stack([*eye[:letters], end, *writing])
        self._start = ((), False)  # the word (while copying: what is left of it), copying or not

    @property
    def forgetting_costs(self) -> float:
        """Excess bits per symbol of a model that knows all but the letters of the word."""
        return float(self._mean * np.log2(self.letters) / (2 * self._mean + 2))

    def _row(self, state):
        word, copying = state
        if copying:
            return word[0] if word else self.letters
        return self.letters + 1 + len(word)

    def _next(self, state, symbol):
        word, copying = state
        if copying:
            return (word[1:], True) if word else ((), False)
        return ((*word, symbol), False) if symbol < self.letters else (word, True)


def _entropy(p: np.ndarray) -> np.ndarray:
    """Entropy in bits along the last axis, (..., V) -> (...)."""
    return -(p * np.log2(np.where(p > 0, p, 1))).sum(axis=-1)


def _stationary(rows: np.ndarray) -> np.ndarray:
    """Solve pi = pi P, sum(pi) = 1, where P moves from one context to the next.

    (N, V) -> (N,)
    """
    N, V = rows.shape
    P = np.zeros((N, N))
    contexts = np.arange(N)[:, None]
    P[contexts, (contexts * V + np.arange(V)) % N] = rows
    system = np.concatenate([P.T - np.eye(N), np.ones((1, N))])
    pi, _, rank, _ = np.linalg.lstsq(system, np.eye(N + 1)[N], rcond=1e-12)
    if rank < N:
        raise ValueError(
            "the chain must have one stationary distribution: from every symbol the others that "
            f"last must be within reach. Received: a table with {N - rank + 1} separate parts"
        )
    return np.clip(pi, 0, None) / np.clip(pi, 0, None).sum()


def _ending(shortest: int, longest: int) -> np.ndarray:
    """Probability that a length drawn from shortest..longest is j, once j is reached.

    2..4 -> [0, 0, 1/3, 1/2, 1]
    """
    return np.array([0] * shortest + [1 / left for left in range(longest - shortest + 1, 0, -1)])


def _check_lengths(shortest: int, longest: int, least: int) -> None:
    if not least <= shortest <= longest:
        raise ValueError(
            f"`shortest` must be at least {least} and at most `longest`. "
            f"Received: shortest={shortest}, longest={longest}"
        )
