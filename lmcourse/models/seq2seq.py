"""Models that read one text and write another: the Transformer of 2017, and an RNN with attention.

They keep the contract. A row of ids is the source, padded to S places, and after it the target:
ids `(B, S + T)` -> logits `(B, S + T, V)`, where the scores of the S places of the source are
zeros that mean nothing (weigh them 0 in the loss). So the loop that writes a text with a GPT
writes a translation, too: the source is its prompt.

Axis letters: B batch, S places of the source, T of the target, D width, U units, V vocabulary.
"""

from dataclasses import dataclass

import keras
from keras import ops

from lmcourse.layers.attention import Attention, causal_mask, padding_mask
from lmcourse.layers.block import Block, BlockConfig, stack
from lmcourse.layers.checks import check_at_least_one, check_ids
from lmcourse.layers.embedding import Embedding
from lmcourse.layers.recurrent import GRU
from lmcourse.models.configured import Configured


class SourceAndTarget(keras.Model):
    """What both share: the row of ids is cut, the source is read, the target is scored.

    Raises:
        ValueError: if a row ends within the source.
    """

    def call(self, ids, training=False):
        """Score every next token of the target: `(B, S + T) -> (B, S + T, V)`."""
        S = self.source_length
        if (ids.shape[1] or S + 1) <= S:
            raise ValueError(
                f"ids must hold source_length={S} places and a target. "
                f"Received: {ids.shape[1]} ids a row"
            )
        ids = ops.convert_to_tensor(ids)
        source, target = ids[:, :S], ids[:, S:]
        memory = self.encode(source, training=training)
        logits = self.decode(target, memory, source, training=training)
        return ops.pad(logits, [[0, 0], [S, 0], [0, 0]])


@dataclass(frozen=True, kw_only=True)
class EncoderDecoderConfig(BlockConfig):
    """Everything that makes one `EncoderDecoder` differ from another; a `BlockConfig` and this:

    Args:
        vocabulary_size: V, of both languages together.
        source_length: S; shorter sources are padded.
        target_length: the longest target.
        layers: how many blocks on each side.
        pad_id: the id of padding in the source.

    Example:
        >>> small = EncoderDecoderConfig(vocabulary_size=9, source_length=6, target_length=8,
        ...                              layers=1, width=4, heads=2)
    """

    vocabulary_size: int
    source_length: int
    target_length: int
    layers: int
    pad_id: int = 0

    def __post_init__(self):
        super().__post_init__()
        for name in ("vocabulary_size", "source_length", "target_length", "layers"):
            check_at_least_one(name, getattr(self, name))


@keras.saving.register_keras_serializable(package="lmcourse")
class EncoderDecoder(SourceAndTarget, Configured):
    """The Transformer of 2017: ids `(B, S + T) -> (B, S + T, V)` logits.

    The encoder's blocks look at the whole source. The decoder's look at the target so far and, by
    cross-attention, at what the encoder made of the source. One table serves source, target and
    scores.

    Args:
        config: an `EncoderDecoderConfig`.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range, or a row ends within the source or is too long.

    Example:
        >>> config = EncoderDecoderConfig(vocabulary_size=9, source_length=3, target_length=4,
        ...                               layers=1, width=4, heads=2)
        >>> EncoderDecoder(config)(ops.array([[5, 6, 0, 1, 7]])).shape
        TensorShape([1, 5, 9])

    Reference: Vaswani and others (2017), "Attention is all you need".
    """

    kind = EncoderDecoderConfig

    def __init__(self, config: EncoderDecoderConfig, **kwargs):
        super().__init__(config, **kwargs)
        self.source_length = config.source_length
        longest = max(config.source_length, config.target_length)
        self.embedding = Embedding(
            config.vocabulary_size, longest, config.width, "sinusoidal", name="embedding"
        )
        self.dropout = keras.layers.Dropout(config.dropout)
        sides = {}
        for side in ("encoder", "decoder"):
            sides[side] = [
                Block(config, cross=side == "decoder", name=f"{side}_{n}")
                for n in range(config.layers)
            ]
        self.encoder, self.decoder = sides["encoder"], sides["decoder"]
        norms = {"encoder": None, "decoder": None}
        if not config.post_norm:
            norms = {side: config.make_norm(f"{side}_norm") for side in norms}
        self.encoder_norm, self.decoder_norm = norms["encoder"], norms["decoder"]
        self.built = True

    def encode(self, source, training=False):
        """Give every token of the source a vector: `(B, S) -> (B, S, D)`."""
        mask = padding_mask(source, self.config.pad_id)
        x = self.dropout(self.embedding(source), training=training)
        x, _ = stack(self.encoder, x, attention_mask=mask, training=training)
        return x if self.encoder_norm is None else self.encoder_norm(x)

    def decode(self, target, memory, source, training=False, return_weights=False):
        """Score every next token of the target: `(B, T), (B, S, D), (B, S) -> (B, T, V)`.

        With `return_weights` also what each of the L layers looked at in the source,
        `(L, B, H, T, S)`.
        """
        mask, there = causal_mask(ops.shape(target)[1]), padding_mask(source, self.config.pad_id)
        x = self.dropout(self.embedding(target), training=training)
        masks = dict(attention_mask=mask, cross_mask=there)
        x, weights = stack(self.decoder, x, memory=memory, training=training, **masks)
        x = x if self.decoder_norm is None else self.decoder_norm(x)
        logits = self.embedding.score(x)
        return (logits, ops.stack(weights)) if return_weights else logits


@keras.saving.register_keras_serializable(package="lmcourse")
class RecurrentEncoderDecoder(SourceAndTarget):
    """A GRU reads the source, a GRU that looks back at it writes: ids `(B, S + T) -> ...` logits.

    The writer starts from the reader's last state. After every token it asks all states of the
    reader (one head of attention), and its own state and the answer make the scores together.

    Args:
        vocabulary_size: V, of both languages together.
        source_length: S; shorter sources are padded.
        width: D, of the embeddings.
        units: U, of both GRUs.
        dropout: share of the embedded and of the mixed numbers set to zero while training.
        pad_id: the id of padding in the source.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range, or a row ends within the source.

    Example:
        >>> model = RecurrentEncoderDecoder(9, source_length=3, width=4, units=6)
        >>> model(ops.array([[5, 6, 0, 1, 7]])).shape
        TensorShape([1, 5, 9])

    Reference: Bahdanau, Cho & Bengio (2015), "Neural machine translation by jointly learning to
        align and translate"; asking after the step: Luong, Pham & Manning (2015).
    """

    def __init__(
        self,
        vocabulary_size: int,
        source_length: int,
        width: int = 64,
        units: int = 128,
        dropout: float = 0.0,
        pad_id: int = 0,
        **kwargs,
    ):
        sizes = dict(vocabulary_size=vocabulary_size, source_length=source_length)
        sizes |= dict(width=width, units=units)
        for name, value in sizes.items():
            check_at_least_one(name, value)
        super().__init__(**kwargs)
        self.config = sizes | dict(dropout=dropout, pad_id=pad_id)
        self.vocabulary_size, self.source_length = vocabulary_size, source_length
        self.pad_id = pad_id
        normal = keras.initializers.RandomNormal(stddev=1.0)
        self.embedding = self.add_weight((vocabulary_size, width), normal, name="embedding")
        self.reader, self.writer = GRU(units, name="reader"), GRU(units, name="writer")
        self.attention = Attention(heads=1, name="attention")
        self.mixer = keras.layers.Dense(units, "tanh", name="mixer")
        self.head = keras.layers.Dense(vocabulary_size, name="head")
        self.dropout = keras.layers.Dropout(dropout)
        parts = {self.reader: width, self.writer: width, self.attention: units}
        for part, size in (parts | {self.mixer: 2 * units, self.head: units}).items():
            part.build((None, None, size))
        self.built = True

    def encode(self, source, training=False):
        """Give the state after every token of the source: `(B, S) -> (B, S, U)`."""
        mask = ops.not_equal(source, self.pad_id)
        return self.reader(self.embed(source, training), mask=mask)[0]

    def decode(self, target, memory, source, training=False):
        """Score every next token of the target: `(B, T), (B, S, U), (B, S) -> (B, T, V)`."""
        begin = memory[:, -1]  # the reader shows its last state again at every padded place
        states, _ = self.writer(self.embed(target, training), state=(begin,))
        there = padding_mask(source, self.pad_id)
        answers = self.attention(states, memory, attention_mask=there)
        mixed = self.mixer(ops.concatenate([states, answers], axis=-1))
        return self.head(self.dropout(mixed, training=training))

    def embed(self, ids, training):
        """Look up a vector for every token: `(B, T) -> (B, T, D)`."""
        check_ids(ids, self.vocabulary_size)
        return self.dropout(ops.take(self.embedding, ids, axis=0), training=training)

    def get_config(self):
        """Give the arguments that make the same model again."""
        return super().get_config() | self.config
