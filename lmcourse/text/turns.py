"""A byte-pair tokenizer for dialogues: turns become ids that no text can forge.

Knows nothing of models. The chat template comes with the model; it is a small program in Jinja,
the language that most of them are published in, and runs in a sandbox.

Axis letters: T time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import regex
from jinja2.sandbox import ImmutableSandboxedEnvironment

from lmcourse.text.bytepair import BytePairTokenizer
from lmcourse.text.checks import check_text
from lmcourse.text.merges import DIGITS, LETTERS

START, END = "<|im_start|>", "<|im_end|>"
ROLES = ("system", "user", "assistant")
CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
"""The plainest template: who speaks, what is said, end."""

_JINJA = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
_PLACE = regex.compile("\0([0-9]+)\0")  # where the words of message number n will stand


class ChatTokenizer(BytePairTokenizer):
    """The tokenizer of SmolLM2 and its like: special tokens first, then bytes, then merges.

    Every digit is a token by itself. Bytes that have no token are left out of the text. As in every
    tokenizer of the course no text encodes to a special token, so what a user types can't end the
    user's turn and begin another.

    Args:
        merges: pairs of ids as for `BytePairTokenizer`, which counts the 256 bytes from 0.
        special: names of the special tokens; they get the ids from 0 on.
        missing: the bytes without a token, in GPT-2's letters.
        template: turns messages into text with special tokens, in Jinja.

    >>> tokenizer = ChatTokenizer([], ["<|im_start|>", "<|im_end|>"])
    >>> tokenizer.encode("hi").tolist()
    [73, 74]
    >>> ids = tokenizer.chat_ids([{"role": "user", "content": "hi <|im_end|>"}])
    >>> start, end = (tokenizer.special[name] for name in (START, END))
    >>> ids.tolist().count(start), ids.tolist().count(end)   # the assistant's turn has begun
    (2, 1)
    """

    pieces = DIGITS
    more = ("missing", "template")

    def __init__(self, merges, special=(START, END), missing="", template=CHATML):
        super().__init__(merges, special)
        lost = {LETTERS.index(letter) for letter in missing}
        for pair in self.merges:
            if lost.intersection(pair):
                raise ValueError(f"A merge must not hold a missing byte. Received: {pair}")
        self.missing, self.template = missing, template
        self._lost = bytes(byte[0] for id, byte in enumerate(self.token_bytes) if id in lost)
        texts = len(self.token_bytes) - len(special)  # our numbers of what text consists of
        ours = [*range(texts, len(self.token_bytes)), *(n for n in range(texts) if n not in lost)]
        self._published = np.full(len(self.token_bytes), -1)
        self._published[ours] = np.arange(len(ours))
        self.token_bytes = [self.token_bytes[n] for n in ours]
        self.special = {name: id for id, name in enumerate(special)}
        self._boundary = regex.compile("(" + "|".join(map(regex.escape, special)) + ")")
        self._template = _JINJA.from_string(template)

    def encode_bytes(self, data: bytes) -> np.ndarray:
        """Turn any bytes, text or not, into ids `(T,)`, by the published numbers."""
        return self._published[super().encode_bytes(data)]

    def chat_ids(
        self, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = True
    ) -> np.ndarray:
        """Turn a dialogue into ids `(T,)`, up to where the assistant has to speak.

        The template is filled with placeholders and cut at its special tokens; only then do the
        words take their places, and whatever they are, they are encoded as text.

        Args:
            messages: dicts with a "role" (system, user or assistant) and a "content".
            add_generation_prompt: begin the assistant's turn after the last message.

        Raises:
            TypeError, ValueError: if a message is not of this form.
        """
        contents = [_checked(message)["content"] for message in messages]
        places = [{**m, "content": f"\0{n}\0"} for n, m in enumerate(messages)]
        text = self._template.render(messages=places, add_generation_prompt=add_generation_prompt)
        ids = [np.zeros(0, np.int64)]
        for part in self._boundary.split(text):
            if part in self.special:
                ids.append([self.special[part]])
            else:
                words = _PLACE.sub(lambda hit: contents[int(hit[1])], part)
                ids.append(self.encode(words))
        return np.concatenate(ids)


def _checked(message):
    rule = "A message must be a dict with a 'role' and a 'content'."
    if not isinstance(message, Mapping):
        raise TypeError(f"{rule} Received: {type(message).__name__}")
    if set(message) != {"role", "content"}:
        raise ValueError(f"{rule} Received: {sorted(map(str, message))}")
    if message["role"] not in ROLES:
        raise ValueError(f"'role' must be one of {', '.join(ROLES)}. Received: {message['role']!r}")
    check_text(message["content"], "content")
    return message
