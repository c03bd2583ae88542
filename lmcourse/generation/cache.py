"""Write with a memory: the keys and values of every token are computed once. Knows GPTs.

A `Decoder` holds the memory, of fixed size, and the compiled functions that add to it. Axis
letters: B batch, T time, S places of the memory, K heads of keys and values, W width of a head,
V vocabulary.
"""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import tensorflow as tf
from keras import ops

from lmcourse.generation.products import by_rows, in_place_of
from lmcourse.generation.sampling import Sampling, checked_prompt
from lmcourse.layers.checks import check_at_least_one, check_ids
from lmcourse.models.gpt import GPT

FEW = 2  # tokens: read one by one instead of as a prompt


class Decoder:
    """A GPT that remembers what it has read, so that a new token costs one token's work.

    A model without memory reads the whole text for every token. But the keys and values of earlier
    tokens never change, since nobody sees the future: here they are kept, block by block. Texts of
    different length lie in the memory with their ends in line, and nobody looks at the places that
    stay free before the shorter ones. `text` is what the memory holds, `(B, T)`; `tokens_read`
    counts all the ids that went through the model.

    Three functions are compiled, each at its first use: one reads a prompt of any length, one takes
    a single step, one reads a few tokens and scores after each (once for every number of them).

    Args:
        model: a `GPT` whose weights stay: after more training, make a new decoder.
        batch_size: B, how many texts are written side by side.
        length: S, the longest text, prompt and answer together; the model's context if None.
        weights: "float32"; or "int8", which rounds every weight and is faster.

    Raises:
        TypeError: if the model is no `GPT`.
        ValueError: if an argument is out of range.

    Example:
        >>> from lmcourse.models.gpt import GPTConfig
        >>> config = GPTConfig(vocabulary_size=5, context_length=8, layers=1, width=4, heads=2)
        >>> decoder = Decoder(GPT(config))
        >>> decoder.prefill([0, 3, 1]).shape, decoder.step([4]).shape
        ((1, 5), (1, 5))
        >>> decoder.text.tolist()
        [[0, 3, 1, 4]]

    Reference: Pope and others (2022), "Efficiently scaling Transformer inference".
    """

    def __init__(
        self, model: GPT, batch_size: int = 1, length: int | None = None, weights: str = "float32"
    ):
        if not isinstance(model, GPT):
            raise TypeError(f"`model` must be a GPT. Received: {type(model).__name__}")
        length = model.context_length if length is None else length
        check_at_least_one("batch_size", batch_size)
        if not 1 <= length <= model.context_length:
            raise ValueError(
                f"`length` must be from 1 to the context of {model.context_length}. "
                f"Received: length={length}"
            )
        self.model, self.batch_size, self.length, self.weights = model, batch_size, length, weights
        self.products = by_rows(model, weights)
        self.compiled: dict[tuple[str, int], Callable] = {}  # by name and T
        self.tokens_read = 0
        self._forget()

    def another(self) -> "Decoder":
        """Give a decoder for another conversation: the same weights and functions, no memory."""
        twin = copy.copy(self)
        twin.tokens_read = 0
        twin._forget()
        return twin

    def prefill(self, prompts: Sequence) -> np.ndarray:
        """Read prompts and score what may follow each: ids `(T,)` or B rows of them `-> (B, V)`.

        What the memory already holds of them is not read again: a prompt that begins as the text
        before did costs only its rest.

        Raises:
            TypeError, ValueError: if ids are none, a prompt is empty or too long, or there are not
                B prompts.
        """
        rows = [prompts] if np.ndim(prompts[0]) == 0 else prompts
        rows = [checked_prompt(row, 0, self.length) for row in rows]
        if len(rows) != self.batch_size:
            raise ValueError(
                f"there must be {self.batch_size} prompts, one a row. Received: {len(rows)}"
            )
        longest = max(map(len, rows))
        starts = np.array([longest - len(row) for row in rows])
        text = np.stack([np.pad(row, (longest - len(row), 0)) for row in rows])
        known = self._shared(text, starts)
        self._check_room(longest)
        self.rewind(known)
        self.starts, rest = starts, text[:, known:]
        if rest.shape[1] > FEW:
            return self._append(rest, "prompt")[:, -1]
        return [self.step(ids) for ids in rest.T][-1]

    def step(self, ids: Sequence[int]) -> np.ndarray:
        """Read one more token a text and score what may follow: ids `(B,) -> (B, V)`.

        Raises:
            TypeError, ValueError: if ids are none, not B of them, or the memory is full.
        """
        return self._append(np.reshape(ids, (-1, 1)), "step")[:, -1]

    def extend(self, ids: Sequence[Sequence[int]]) -> np.ndarray:
        """Read a few more tokens and score what may follow each: `(B, T) -> (B, T, V)`.

        Raises:
            TypeError, ValueError: as `step`.
        """
        return self._append(np.asarray(ids), "extend")

    def rewind(self, length: int) -> None:
        """Forget all but the first `length` places.

        Raises:
            ValueError: if there are not so many.
        """
        if not 0 <= length <= self.text.shape[1]:
            raise ValueError(
                f"`length` must be from 0 to {self.text.shape[1]}, the places in use. "
                f"Received: length={length}"
            )
        self.text = self.text[:, :length]
        if length == 0:
            self.starts = np.zeros_like(self.starts)

    def _forget(self):
        config, rows = self.model.config, self.batch_size
        width = config.head_width or config.width // config.heads
        rows *= config.kv_heads or config.heads
        shapes = (rows, width, self.length), (rows, self.length, width)  # keys stand upright
        self.memory = [
            [tf.Variable(tf.zeros(shape)) for shape in shapes] for _ in range(config.layers)
        ]
        self.text = np.zeros((self.batch_size, 0), np.int64)  # what the memory holds
        self.starts = np.zeros(self.batch_size, np.int64)  # the place of each text's first token

    def _shared(self, text, starts):
        """Count the places that need not be read again; the last is, since we want its scores."""
        if (starts != self.starts).any():
            return 0
        most = min(self.text.shape[1], text.shape[1] - 1)
        differ = (self.text[:, :most] != text[:, :most]).any(axis=0)
        return int(differ.argmax()) if differ.any() else most

    def _check_room(self, wanted):
        if wanted > self.length:
            raise ValueError(
                f"prompt and answer must fit into a memory of {self.length} places. "
                f"Received: {wanted} tokens"
            )

    def _append(self, ids, name):
        ids = np.asarray(ids)
        check_ids(ids, self.model.vocabulary_size)
        if ids.ndim != 2 or len(ids) != self.batch_size or ids.shape[1] < 1:
            raise ValueError(
                f"there must be ids for each of {self.batch_size} texts. "
                f"Received: shape {ids.shape}"
            )
        slot = self.text.shape[1]
        self._check_room(slot + ids.shape[1])
        given = (ids, slot, self.starts)
        logits = self._function(name, ids.shape[1])(
            self.memory, *(tf.constant(value, tf.int32) for value in given)
        )
        self.text = np.concatenate([self.text, ids], axis=1)
        self.tokens_read += ids.size
        return logits.numpy()

    def _function(self, name, T):
        """Compile what reads a prompt for all lengths, the other two with XLA for their own."""
        key = (name, 0 if name == "prompt" else T)
        if key not in self.compiled:
            shapes = (self.batch_size, None if name == "prompt" else T), (), (self.batch_size,)
            run = tf.function(
                lambda *given: self._run(*given, every=name == "extend"),
                jit_compile=name != "prompt",
                autograph=False,
            )
            specs = [tf.TensorSpec(shape, tf.int32) for shape in shapes]
            self.compiled[key] = run.get_concrete_function(self.memory, *specs)
        return self.compiled[key]

    def _run(self, memory, ids, slot, starts, every):
        """Read ids `(B, T)` from a place of the memory on: `-> (B, T, V)`, of the last or all."""
        B, T = ids.shape
        slots = slot + ops.arange(ops.shape(ids)[1])  # of the memory; a text starts at its start
        places = ops.maximum(slots[None] - starts[:, None], 0)
        all_slots = ops.arange(self.length)
        mask = (all_slots <= slots[None, :, None]) & (all_slots >= starts[:, None, None])
        remember = [_keeper(keys, values, slot, B) for keys, values in memory]
        alone = self.weights != "float32" or (B, T) == (1, 1)
        with in_place_of(self.products if alone else []):
            x = self.model.read(ids, places=places, mask=mask, remember=remember)
            return self.model.score(x if every else x[:, -1:])


def _keeper(keys, values, slot, B):
    """Write keys and values of new tokens into the memory of one block, and give all of them."""

    def remember(k, v):
        (_, K, T, W), S = k.shape, keys.shape[-1]
        k = tf.reshape(tf.transpose(k, (0, 1, 3, 2)), (B * K, W, -1))
        v = tf.reshape(v, (B * K, -1, W))
        if T is None:  # a prompt, without XLA, which would compile for every length
            end = slot + tf.shape(v)[1]
            keys[:, :, slot:end].assign(k)
            values[:, slot:end].assign(v)
        else:
            _write_once(keys, (0, 0, slot), k)
            _write_once(values, (0, slot, 0), v)
        k = tf.transpose(tf.reshape(keys, (B, K, W, S)), (0, 1, 3, 2))
        return k, tf.reshape(values, (B, K, S, W))

    return remember


def _write_once(memory, place, new):
    """Write in place: a loop of one round, which XLA can't know to be one.

    A write that it may mix with the readings after it, it does once for each of them, into copies.
    """
    rounds = 1 + tf.minimum(tf.reduce_max(place), 0)  # no place is below 0
    _, whole = tf.while_loop(
        lambda n, whole: n < rounds,
        lambda n, whole: (n + 1, ops.slice_update(whole, place, new)),
        (0, memory.read_value()),
    )
    memory.assign(whole)


def stream_batch(
    decoder: Decoder, prompts: Sequence, length: int, rng: np.random.Generator, **options
) -> Iterator[np.ndarray]:
    """Write `length` tokens after each of B prompts; give the ids `(B,)` of each as they come.

    Args:
        decoder: of batch size B.
        prompts: B rows of ids, of any lengths.
        length: how many ids to write.
        rng: every draw comes from here.
        **options: the knobs of `Sampling`. The penalty is for a batch of one alone.

    Raises:
        TypeError, ValueError: as `Decoder.prefill` and `Sampling`; and at once, if prompt and
            answer do not fit into the memory.

    Example:
        >>> from lmcourse.models.gpt import GPTConfig
        >>> config = GPTConfig(vocabulary_size=5, context_length=8, layers=1, width=4, heads=2)
        >>> decoder, rng = Decoder(GPT(config), batch_size=2), np.random.default_rng(0)
        >>> np.stack(list(stream_batch(decoder, [[0, 3, 1], [2]], 4, rng)), axis=1).shape
        (2, 4)
    """
    sampling = Sampling(**options)
    rows = [prompts] if np.ndim(prompts[0]) == 0 else prompts
    decoder._check_room(max(len(row) for row in rows) + length)
    return _stream(decoder, rows, length, rng, sampling)


def _stream(decoder, rows, length, rng, sampling):
    ids = None
    for _ in range(length):
        logits = decoder.prefill(rows) if ids is None else decoder.step(ids)
        ids = _draw(sampling, logits, rng, decoder.text)
        yield ids


def _draw(sampling, logits, rng, before):
    if sampling.temperature == 0 and sampling.repetition_penalty == 1:
        return logits.argmax(axis=-1)  # the same as below, without sorting the vocabulary
    return sampling.sample(logits, rng, before)


def stream(
    decoder: Decoder,
    ids: Sequence[int],
    length: int,
    rng: np.random.Generator,
    *,
    end_id: int | None = None,
    **options,
) -> Iterator[int]:
    """Write up to `length` tokens after one prompt; give each id as soon as it is there.

    With a decoder of batch size 1 the ids are those of `sampling.generate`. `end_id` ends the text
    and is given, too.

    >>> from lmcourse.models.gpt import GPTConfig
    >>> config = GPTConfig(vocabulary_size=5, context_length=8, layers=1, width=4, heads=2)
    >>> decoder, rng = Decoder(GPT(config)), np.random.default_rng(0)
    >>> len(list(stream(decoder, [0, 3, 1], 4, rng, temperature=0)))
    4
    """
    return _until(end_id, stream_batch(decoder, [ids], length, rng, **options))


def _until(end_id, batches):
    for (token,) in batches:
        yield int(token)
        if token == end_id:
            return


@dataclass(frozen=True)
class Speed:
    """How fast a text came: seconds to the first token, and tokens a second from there on.

    >>> round(Speed(first=0.5, per_second=20.0).seconds(tokens=41), 3)   # half a second, then 40
    2.5
    """

    first: float
    per_second: float

    def seconds(self, tokens: int) -> float:
        """Say how long an answer of so many tokens takes."""
        return self.first + (tokens - 1) / self.per_second


def timed(tokens: Iterable, clock: Callable[[], float] = perf_counter) -> tuple[list, Speed]:
    """Read a stream to its end and time it: `-> the tokens, their Speed`.

    Raises:
        ValueError: for fewer than two tokens, which have no speed.

    Example:
        >>> ticks = iter([0.0, 0.5, 0.6, 0.7])
        >>> tokens, speed = timed("abc", clock=lambda: next(ticks))
        >>> tokens, speed.first, round(speed.per_second, 6)
        (['a', 'b', 'c'], 0.5, 10.0)
    """
    began, came, read = clock(), [], []
    for token in tokens:
        read.append(token)
        came.append(clock())
    if len(read) < 2:
        raise ValueError(f"a stream must have at least 2 tokens. Received: {len(read)}")
    return read, Speed(came[0] - began, (len(read) - 1) / (came[-1] - came[0]))
