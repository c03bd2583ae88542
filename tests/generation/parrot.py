"""The model of the chat tests: it repeats the last message byte by byte, so no answer looks alike.

Pure NumPy; ids are bytes, 256 begins a turn, 257 the answer, 258 ends it. A message that begins
with "forever" is repeated without end.
"""

import time

import numpy as np

from lmcourse.generation.chat import Speaker

TURN, ANSWER, END = 256, 257, 258
TOKENS = [*(bytes([value]) for value in range(256)), b"", b"", b""]


def template(messages):
    """Every turn as a border and its bytes, then the sign for the answer."""
    turns = [np.frombuffer(message["content"].encode(), np.uint8) for message in messages]
    parts = [part for turn in turns for part in ([TURN], turn)]
    return np.concatenate([*parts, [ANSWER]]).astype(np.int64)


def next_id(ids):
    """The id that comes next in the copy of the last turn."""
    answer = int(np.flatnonzero(ids == ANSWER)[-1])
    begin = int(np.flatnonzero(ids[:answer] == TURN)[-1]) + 1
    message, done = ids[begin:answer], len(ids) - answer - 1
    if bytes(message[:7].tolist()) == b"forever":
        return int(message[done % len(message)])
    return int(message[done]) if done < len(message) else END


def parrot(context_length=4000, pause=0.0, name="parrot"):
    """A speaker that takes `pause` seconds for a token."""

    def write(ids, temperature, top_p, rng):
        while len(ids) < context_length:
            time.sleep(pause)
            token = next_id(ids)
            yield token
            ids = np.append(ids, token)

    return Speaker(name, template, write, TOKENS, frozenset({END}), context_length)
