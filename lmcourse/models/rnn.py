"""Language models that read one token after another: RNN, LSTM, GRU. Know nothing of training.

Axis letters: B batch, T time, D width of an embedding, U units, V vocabulary.
"""

import keras
from keras import ops

from lmcourse.layers.checks import check_at_least_one, check_ids
from lmcourse.layers.recurrent import GRU, LSTM, RNN

CELLS = {"rnn": RNN, "gru": GRU, "lstm": LSTM}


@keras.saving.register_keras_serializable(package="lmcourse")
class RecurrentLM(keras.Model):
    """Read ids one after another and score every next token: `(B, T) -> (B, T, V)` logits.

    embedding -> recurrent layers, one on top of the other -> scores. The last hidden state is all
    that the model knows of what it has read, however long that was. The ids of the first layer are
    looked up in the embedding *after* its product with the layer's weights: V rows to multiply
    instead of B * T, the same numbers.

    Args:
        vocabulary_size: V, the number of tokens.
        cell: "rnn", "gru" or "lstm".
        width: D, the length of an embedding.
        units: U, the numbers in the hidden state of each layer.
        layers: how many recurrent layers stand on top of each other.
        dropout: share of each layer's outputs that is set to zero while training.
        spread: the standard deviation of the embeddings at the start; smaller for a large
            vocabulary, whose rare tokens keep their random start. (Keras's own 0.03 is slow.)
        pad_id: an id that stands for nothing: the state passes over it. None where no id does.

    Call arguments:
        ids: integers `(B, T)` in `0 <= id < V`.
        state: where to start, as a call with `return_state=True` gave it; zeros if None.
        return_state: also give the last state, one tuple a layer.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an argument or an id is out of range.

    Example:
        >>> model = RecurrentLM(vocabulary_size=5, cell="lstm", width=3, units=4)
        >>> ids = ops.array([[0, 3, 1, 2]])
        >>> first, state = model(ids[:, :2], return_state=True)
        >>> rest = model(ids[:, 2:], state=state)
        >>> both = ops.concatenate([first, rest], axis=1)
        >>> bool(ops.max(ops.abs(both - model(ids))) < 1e-6)
        True

    Reference: Mikolov and others (2010), "Recurrent neural network based language model"; the LSTM:
        Sundermeyer and others (2012).
    """

    def __init__(
        self,
        vocabulary_size: int,
        cell: str = "lstm",
        width: int = 128,
        units: int = 256,
        layers: int = 1,
        dropout: float = 0.0,
        spread: float = 1.0,
        pad_id: int | None = None,
        **kwargs,
    ):
        if cell not in CELLS:
            raise ValueError(f"`cell` must be one of {', '.join(CELLS)}. Received: cell={cell!r}")
        sizes = dict(vocabulary_size=vocabulary_size, width=width, units=units, layers=layers)
        for name, value in sizes.items():
            check_at_least_one(name, value)
        if pad_id is not None and not 0 <= pad_id < vocabulary_size:
            raise ValueError(
                f"`pad_id` must be an id from 0 to V - 1 = {vocabulary_size - 1}. "
                f"Received: pad_id={pad_id}"
            )
        if not spread > 0:
            raise ValueError(f"`spread` must be above 0. Received: spread={spread}")
        super().__init__(**kwargs)
        self.config = sizes | dict(cell=cell, dropout=dropout, spread=spread, pad_id=pad_id)
        self.vocabulary_size, self.pad_id = vocabulary_size, pad_id
        normal = keras.initializers.RandomNormal(stddev=spread)
        self.embedding = self.add_weight((vocabulary_size, width), normal, name="embedding")
        self.stack = [CELLS[cell](units, name=f"{cell}_{n}") for n in range(layers)]
        self.dropout = keras.layers.Dropout(dropout)
        self.head = keras.layers.Dense(vocabulary_size, name="head")
        for n, layer in enumerate(self.stack):
            layer.build((None, None, units if n else width))
        self.head.build((None, None, units))
        self.built = True

    def call(self, ids, state=None, return_state=False, training=False):
        """Score what may follow each id, given all before it: `(B, T) -> (B, T, V)`."""
        hidden, last = self.read(ids, state, training)
        logits = ops.transpose(self.head(hidden), (1, 0, 2))
        return (logits, last) if return_state else logits

    def read(self, ids, state=None, training=False):
        """Give what the scores are made of, time first, and the state: `(B, T) -> (T, B, U)`."""
        check_ids(ids, self.vocabulary_size)
        ids = ops.transpose(ops.convert_to_tensor(ids))  # time first: a step is one slice
        mask = None if self.pad_id is None else ops.not_equal(ids, self.pad_id)
        x = ops.take(self.stack[0].project(self.embedding), ids, axis=0)
        last = []
        for n, layer in enumerate(self.stack):
            x = layer.project(x) if n else x
            x, after = layer.walk(x, None if state is None else state[n], mask)
            x = self.dropout(x, training=training)
            last.append(after)
        return x, last

    def first_state(self, batch_size: int) -> list:
        """Give the state before anything was read, one tuple a layer."""
        return [layer.first_state(batch_size) for layer in self.stack]

    def get_config(self):
        """Give the arguments that make the same model again."""
        return super().get_config() | self.config


@keras.saving.register_keras_serializable(package="lmcourse")
class LastStep(keras.Model):
    """Predict one token per window, the one after its end: `(B, T) -> (B, V)`.

    The classical form, Embedding -> LSTM -> Dense. It shares its weights with `model`, which gives
    a prediction at every step and so learns T times as often from the same text.

    Args:
        model: a `RecurrentLM`; the weights are shared.

    Example:
        >>> LastStep(RecurrentLM(5, width=3, units=4))(ops.array([[0, 3, 1]])).shape
        TensorShape([1, 5])
    """

    def __init__(self, model: RecurrentLM, **kwargs):
        super().__init__(**kwargs)
        self.model = model
        self.built = True

    def call(self, ids, training=False):
        """Score after the last step alone."""
        hidden, _ = self.model.read(ids, training=training)
        return self.model.head(hidden[-1])

    def get_config(self):
        """Give the arguments that make the same model again."""
        return super().get_config() | {"model": keras.saving.serialize_keras_object(self.model)}

    @classmethod
    def from_config(cls, config):
        """Make the model from what `get_config` gave."""
        model = keras.saving.deserialize_keras_object(config.pop("model"))
        return cls(model, **config)


@keras.saving.register_keras_serializable(package="lmcourse")
class Stateful(keras.Model):
    """Begin every batch where the last one ended: `(B, T) -> (B, T, V)`.

    Row b of a batch must continue row b of the batch before (`training.streams.stream_batches`).
    No gradient flows from one batch into the one before: back-propagation through time, truncated.
    The state is saved with the weights. Scoring and writing use the plain `model`.

    Args:
        model: a `RecurrentLM`; the weights are shared.
        batch_size: B, the number of streams, fixed.

    Raises:
        ValueError: if a batch has another number of rows.

    Example:
        >>> model = RecurrentLM(5, width=3, units=4)
        >>> stateful, ids = Stateful(model, batch_size=1), ops.array([[0, 3, 1, 2]])
        >>> first, rest = stateful(ids[:, :2]), stateful(ids[:, 2:])
        >>> bool(ops.max(ops.abs(rest - model(ids)[:, 2:])) < 1e-6)
        True

    Reference: Williams & Peng (1990), truncated back-propagation through time.
    """

    def __init__(self, model: RecurrentLM, batch_size: int, **kwargs):
        check_at_least_one("batch_size", batch_size)
        super().__init__(**kwargs)
        self.model, self.batch_size = model, batch_size
        self.state = [
            tuple(
                self.add_weight(part.shape, "zeros", trainable=False, name=f"state_{n}_{p}")
                for p, part in enumerate(parts)
            )
            for n, parts in enumerate(model.first_state(batch_size))
        ]
        self.built = True

    def call(self, ids, training=False):
        """Score the batch and keep where it ended."""
        if ids.shape[0] not in (self.batch_size, None):
            raise ValueError(
                f"a batch must have batch_size={self.batch_size} rows, one a stream. "
                f"Received: ids of shape {tuple(ids.shape)}"
            )
        state = [tuple(ops.copy(part) for part in parts) for parts in self.state]
        logits, last = self.model(ids, state=state, return_state=True, training=training)
        for parts, after in zip(self.state, last, strict=True):
            for part, value in zip(parts, after, strict=True):
                part.assign(value)
        return logits

    def reset_state(self):
        """Forget what was read: every stream begins anew."""
        for parts in self.state:
            for part in parts:
                part.assign(ops.zeros_like(part))

    def get_config(self):
        """Give the arguments that make the same model again."""
        model = keras.saving.serialize_keras_object(self.model)
        return super().get_config() | {"model": model, "batch_size": self.batch_size}

    @classmethod
    def from_config(cls, config):
        """Make the model from what `get_config` gave."""
        model = keras.saving.deserialize_keras_object(config.pop("model"))
        return cls(model, **config)
