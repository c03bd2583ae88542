r"""Text that keeps to a pattern, JSON among others, whatever the model would like to write.

Knows which tokens a pattern allows after which, nothing of the model that chooses among them. A
`Constraint` is the `mask` that `generate` and `beam_search` take.

Source: Willard and Louf (2023), "Efficient guided generation for large language models".
"""

from collections.abc import Sequence

import numpy as np

from lmcourse.generation.automaton import DEAD, START, Automaton

STRING = r'"([^"\\\n\t]|\\["\\/bfnrt])*"'  # without \u and with no control characters
NUMBER = r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?"
DEEPEST = 4


class Constraint:
    """What may be written next so that the text can still come to fit a pattern.

    The machine of the pattern reads characters, and a token is several characters: it is allowed
    where the machine can read all of them and a complete text is still within reach. The end is
    allowed where the text is complete. Called with the ids written so far and with how many may
    still be written, it gives the mask; as long as it is obeyed, it never runs into a dead end and
    the text is complete, with its end, when there is no more room.

    Args:
        pattern: what the whole text must look like, as `Automaton.compile` understands it.
        spellings: the text of each token, `spellings(tokenizer)`; "" for what is never allowed.
        end_id: the token that ends the text; the pattern can't use it.

    Raises:
        ValueError: if no text of the vocabulary's characters fits. Called with too little room for
            any complete text, or after ids that it would not have allowed, it says so.

    Example:
        >>> words = ["", "to", "be", "or", " ", "not", "t", "o", "b", "e", "\\n"]
        >>> fits = Constraint("(not )?to be", words, end_id=10)
        >>> [words[id] for id in np.flatnonzero(fits([], 9))]
        ['to', 't']
        >>> [words[id] for id in np.flatnonzero(fits([6], 9))]
        ['o']
        >>> fits([1, 4, 2], 9).nonzero()[0].tolist()   # "to be" is complete
        [10]
    """

    def __init__(self, pattern: str, spellings: Sequence[str], end_id: int):
        if not 0 <= end_id < len(spellings):
            raise ValueError(
                f"`end_id` must be an id from 0 to {len(spellings) - 1}. Received: end_id={end_id}"
            )
        texts = [text if id != end_id else "" for id, text in enumerate(spellings)]
        # A character that is a token by itself can always be written: so no dead end.
        alphabet = {text for text in texts if len(text) == 1}
        self.automaton = Automaton.compile(pattern, alphabet)
        self.end_id = end_id
        self._tokens = _spelled(texts, self.automaton)
        self._moves = {}

    def moves(self, state: int) -> np.ndarray:
        """Give the state after each token `(V,)`, 0 for those that may not come."""
        if state not in self._moves:
            table, (kinds, lengths) = self.automaton.table, self._tokens
            after = np.where(lengths > 0, state, DEAD)
            for place in range(kinds.shape[1]):
                on = np.flatnonzero((lengths > place) & (after != DEAD))
                after[on] = table[after[on], kinds[on, place]]
            self._moves[state] = after
        return self._moves[state]

    def allowed(self, state: int, room: int) -> np.ndarray:
        """Say which tokens may come in a state `(V,)`, with room for so many, the end included."""
        after = self.moves(state)
        mask = (after != DEAD) & (self.automaton.distance[after] < room - 1)
        mask[self.end_id] = self.automaton.accepts[state]
        return mask

    def step(self, state: int, id: int) -> int:
        """Give the state after one more token."""
        return int(self.moves(state)[id])

    def __call__(self, ids: Sequence[int], room: int) -> np.ndarray:
        """Give the mask after the ids written so far, with room for so many more: `(V,)` bool."""
        state = START
        for id in ids:
            state = self.step(state, int(id))
        if state == DEAD:
            raise ValueError("the ids must be a beginning of what fits. Received: they are not")
        mask = self.allowed(state, room)
        if not mask.any():
            least = int(self.automaton.distance[state]) + 1
            raise ValueError(
                f"the room must be at least {least} tokens, one for each character and one for the "
                f"end. Received: {room}"
            )
        return mask


def spellings(tokenizer) -> list[str]:
    """Give the text of each token, `""` for one that no text stands for.

    Those are the unknown token, special tokens, and single bytes that are no character.

    >>> from lmcourse.text.tokenizers import CharacterTokenizer
    >>> spellings(CharacterTokenizer.train("banana", unknown=True))
    ['', 'a', 'b', 'n']
    """
    texts = [tokenizer.decode([id]) for id in range(tokenizer.vocabulary_size)]
    return [
        text if tokenizer.encode(text).tolist() == [id] else "" for id, text in enumerate(texts)
    ]


def json_pattern(depth: int = 2) -> str:
    r"""Give the pattern of JSON whose lists and objects lie at most `depth` deep in one another.

    JSON of any depth is no regular expression: it takes counting brackets. White space is written
    as `json.dumps` writes it or left out. A string holds no control characters and no `\u`.

    >>> machine = Automaton.compile(json_pattern(1), '{"a": [1,]}')
    >>> [machine.matches(text) for text in ('{"a": 1}', '[1, 11]', '{"a": [1]}', '{a: 1}')]
    [True, True, False, False]
    """
    if not 0 <= depth <= DEEPEST:
        raise ValueError(f"`depth` must be from 0 to {DEEPEST}. Received: depth={depth}")
    value = plain = f"{STRING}|{NUMBER}|true|false|null"
    for _ in range(depth):
        pair = rf"{STRING}: ?({value})"
        array = rf"\[(({value})(, ?({value}))*)?\]"
        value = rf"{plain}|{array}|\{{({pair}(, ?{pair})*)?\}}"
    return value


def _spelled(texts, automaton):
    """Write tokens as rows of kinds (V, longest), filled with 0, and their lengths (V,).

    A token with a character that the machine does not know gets length 0: it can never be read.
    """
    known = [text if all(c in automaton.kinds for c in text) else "" for text in texts]
    kinds = np.zeros((len(known), max(map(len, known))), np.int32)
    for row, text in zip(kinds, known, strict=True):
        row[: len(text)] = [automaton.kinds[character] for character in text]
    return kinds, np.array([len(text) for text in known])
