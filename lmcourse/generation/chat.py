"""A conversation with a model: memory inside a budget, answers that stream; knows no network.

What it asks of a model stands in `Speaker`, five things. Text never leaves here with half a
character at its end or with half of a stop string.
"""

from __future__ import annotations

import codecs
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

Message = Mapping[str, str]
"""`{"role": "system" | "user" | "assistant", "content": text}`."""

LONGEST_ANSWER = 256  # tokens that a dialogue keeps free for the answer


@dataclass(frozen=True)
class Speaker:
    """A model that can talk, as far as a dialogue or a server needs to know it.

    Args:
        name: what clients call it.
        template: messages -> ids `(T,)`, up to where the answer begins. What users write must not
            be able to pose as the border of a turn.
        write: (ids, temperature, top_p, rng) -> iterator of one id after another.
        token_bytes: id -> the bytes that it stands for.
        ends: ids that end an answer.
        context_length: the most ids that prompt and answer may have together.
    """

    name: str
    template: Callable[[Sequence[Message]], np.ndarray]
    write: Callable[[np.ndarray, float, float, np.random.Generator], Iterator[int]]
    token_bytes: Sequence[bytes]
    ends: frozenset[int]
    context_length: int


@dataclass(frozen=True)
class Piece:
    """What one token adds to an answer: maybe no text yet; `finish` says why it is the last."""

    text: str
    tokens: int
    finish: str | None = None


class StopStrings:
    r"""Let text through up to a stop string; hold back what may be the beginning of one.

    How the text is cut into pieces makes no difference: the stop string that ends first counts.

    >>> stops = StopStrings(["\nUser:"])
    >>> [stops.feed(text) for text in ("Yes", ".\n", "User", ": and you?")]
    ['Yes', '.', '', '']
    >>> stops.found
    True
    """

    def __init__(self, strings: Sequence[str] = ()):
        if not all(strings):
            raise ValueError(f"a stop string must not be empty. Received: {list(strings)}")
        self.strings, self.held, self.found = tuple(strings), "", False

    def feed(self, text: str) -> str:
        """Take more text; return what is safe to show."""
        if self.found:
            return ""
        self.held += text
        hits = [(place + len(s), place) for s in self.strings if (place := self.held.find(s)) >= 0]
        if hits:
            self.found = True
            cut = min(hits)[1]
        else:
            longest = min(len(self.held), max(map(len, self.strings), default=0) - 1)
            cut = len(self.held)
            for size in range(longest, 0, -1):
                if any(s.startswith(self.held[-size:]) for s in self.strings):
                    cut -= size
                    break
        safe, self.held = self.held[:cut], "" if self.found else self.held[cut:]
        return safe

    def rest(self) -> str:
        """What was held back, once the text is over: it was no stop string after all."""
        rest, self.held = self.held, ""
        return rest


def answer(
    speaker: Speaker,
    ids: np.ndarray,
    max_tokens: int = LONGEST_ANSWER,
    stop: Sequence[str] = (),
    temperature: float = 0.0,
    top_p: float = 1.0,
    seed: int = 0,
    deadline: float = math.inf,
) -> Iterator[Piece]:
    """Stream an answer to a prompt of ids, one `Piece` per token, the last with its reason.

    The reason is `"stop"` (the model ended, or a stop string came up) or `"length"`
    (`max_tokens`, the end of the context, or the time: `deadline` is one of `time.monotonic`).
    A character whose bytes are spread over several tokens comes with the last of them; one that
    never becomes whole is left out. Raises `ValueError` for a prompt that fills the context.

    >>> spell = lambda ids, temperature, top_p, rng: iter("你好。".encode())
    >>> byte = [bytes([value]) for value in range(256)]
    >>> speaker = Speaker("spell", lambda messages: np.zeros(1, int), spell, byte, frozenset(), 99)
    >>> [piece.text for piece in answer(speaker, np.zeros(1, int), stop=["。"]) if piece.text]
    ['你', '好']
    """
    room = speaker.context_length - len(ids)
    if room < 1:
        raise ValueError(
            f"a prompt must leave room for an answer in {speaker.context_length} tokens. "
            f"Received: {len(ids)} tokens"
        )
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    stops, tokens, limit = StopStrings(stop), 0, min(max_tokens, room)
    writer = speaker.write(ids, temperature, top_p, np.random.default_rng(seed))
    try:
        for token in writer:
            if int(token) in speaker.ends:
                yield Piece(stops.rest(), tokens, "stop")
                return
            tokens += 1
            text = stops.feed(decoder.decode(speaker.token_bytes[int(token)]))
            if stops.found:
                yield Piece(text, tokens, "stop")
                return
            if tokens >= limit or time.monotonic() >= deadline:
                yield Piece(text + stops.rest(), tokens, "length")
                return
            yield Piece(text, tokens)
        yield Piece(stops.rest(), tokens, "length")  # the writer had no more room
    finally:
        if hasattr(writer, "close"):
            writer.close()  # its cache goes now, not when the garbage is collected


def fit(speaker: Speaker, messages: Sequence[Message], reserve: int = LONGEST_ANSWER) -> list:
    """Keep what fits into the context with `reserve` tokens to spare: the oldest turns go first.

    System messages stay, and so does the last message. What is left never begins in the middle:
    an answer whose question is gone goes, too. Raises `ValueError` if the rest is still too long.

    >>> words = lambda messages: np.zeros(sum(len(m["content"].split()) for m in messages))
    >>> speaker = Speaker("count", words, None, [], frozenset(), 10)
    >>> talk = [{"role": "system", "content": "Be kind."},
    ...         {"role": "user", "content": "One two three?"},
    ...         {"role": "assistant", "content": "Four."}, {"role": "user", "content": "Five six?"}]
    >>> [message["content"] for message in fit(speaker, talk, reserve=5)]
    ['Be kind.', 'Five six?']
    """
    kept, budget = list(messages), speaker.context_length - reserve
    while len(speaker.template(kept)) > budget:
        turns = [n for n, message in enumerate(kept[:-1]) if message["role"] != "system"]
        if not turns:
            raise ValueError(
                f"a message must leave {reserve} of {speaker.context_length} tokens for the "
                f"answer. Received: {len(speaker.template(kept))} tokens with the system prompt"
            )
        del kept[turns[0]]
        while len(turns) > 1 and kept[turns[0]]["role"] == "assistant" and turns[0] < len(kept) - 1:
            del kept[turns[0]]
    return kept


class Dialogue:
    """A conversation: it remembers both sides and forgets the oldest turns when it has to.

    Args:
        speaker: who answers.
        system: what the speaker is told before the first turn; never forgotten.
        reserve: tokens kept free for each answer, and so its longest.
        options: `temperature`, `top_p`, `stop`, `seed` of `answer`.

    >>> echo = lambda ids, temperature, top_p, rng: iter(ids)
    >>> read = lambda messages: np.frombuffer(messages[-1]["content"].encode(), np.uint8)
    >>> byte = [bytes([value]) for value in range(256)]
    >>> dialogue = Dialogue(Speaker("echo", read, echo, byte, frozenset(), 999), "Be kind.")
    >>> "".join(dialogue.say("Good day!"))
    'Good day!'
    >>> [message["role"] for message in dialogue.messages]
    ['system', 'user', 'assistant']
    """

    def __init__(
        self, speaker: Speaker, system: str = "", reserve: int = LONGEST_ANSWER, **options
    ):
        self.speaker, self.reserve, self.options = speaker, reserve, options
        self.messages = [{"role": "system", "content": system}] if system else []

    def say(self, text: str, given: str = "") -> Iterator[str]:
        """Say something and stream the answer; both are remembered.

        An answer that is broken off (the generator is closed) is remembered as far as it got. If
        nothing came, not even the question is remembered.

        Args:
            text: what the user says.
            given: what the speaker reads before it, this once: it is not remembered.

        Raises:
            ValueError: the text with what is given is too long for the context.
        """
        question = {"role": "user", "content": text}
        read = {"role": "user", "content": f"{given}\n\n{text}" if given else text}
        shown, said = fit(self.speaker, [*self.messages, read], self.reserve), []
        try:
            ids = self.speaker.template(shown)
            for piece in answer(self.speaker, ids, self.reserve, **self.options):
                if piece.text:
                    said.append(piece.text)
                    yield piece.text
        finally:
            if said:  # what only had to make room for `given` is not forgotten
                self.messages = fit(self.speaker, [*self.messages, question], self.reserve)
                self.messages.append({"role": "assistant", "content": "".join(said)})

    def remember(self, text: str, reply: str) -> None:
        """Take a turn into the memory that somebody else has answered: a tool."""
        self.messages.append({"role": "user", "content": text})
        self.messages.append({"role": "assistant", "content": reply})


def smollm2(weights: str = "int8", length: int = 2048) -> Speaker:
    """SmolLM2-135M-Instruct as a speaker: it knows English alone, is small, and often wrong.

    Several answers may be in work at a time, each with a memory of its own. A new prompt goes to
    the memory that begins most like it, so that a dialogue is not read again at every turn.

    Args:
        weights: "int8" or, slower, "float32"; see `generation.cache.Decoder`.
        length: of a memory, in tokens.

    Raises:
        FileNotFoundError, ValueError: if the package with the weights is not installed or another.
    """
    from lmcourse.generation.cache import Decoder, stream
    from lmcourse.models import pretrained

    model, tokenizer = pretrained.smollm2()
    decoder = Decoder(model, length=length, weights=weights)
    free = [decoder]

    def write(ids, temperature, top_p, rng):
        free.sort(key=lambda one: _shared(one.text[0], ids))
        one = free.pop() if free else decoder.another()
        try:
            room = length - len(ids)
            yield from stream(one, ids, room, rng, temperature=temperature, top_p=top_p)
        finally:
            free.append(one)

    return Speaker(
        name="smollm2-135m-instruct",
        template=tokenizer.chat_ids,
        write=write,
        token_bytes=tokenizer.token_bytes,
        ends=frozenset({tokenizer.special["<|im_end|>"]}),
        context_length=length,
    )


def _shared(a: np.ndarray, b: np.ndarray) -> int:
    """How many ids two texts have in common from their beginning on."""
    size = min(len(a), len(b))
    differ = np.flatnonzero(a[:size] != b[:size])
    return int(differ[0]) if len(differ) else size
