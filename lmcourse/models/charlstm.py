"""A character LSTM that somebody else trained and published, read into the layers of this course.

Max Woolf trained it on many kinds of short English texts and published it as `textgenrnn` (MIT).
The file is read out of the installed package, whose code is never run. Knows nothing of sampling.

Axis letters: B batch, T time, D width of the vectors, U units, V vocabulary.
"""

import gzip
import json

import h5py
import keras
import msgpack
import numpy as np
from keras import ops

from lmcourse.layers.checks import check_ids
from lmcourse.layers.recurrent import LSTM
from lmcourse.packages import installed_file
from lmcourse.text.tokenizers import UNKNOWN, CharacterTokenizer

CONTEXT_LENGTH = 40
"""The model was trained on windows of 40 ids, filled up on the left with the id 0."""

WEIGHTS = (
    "textgenrnn",
    "textgenrnn/textgenrnn_weights.hdf5",
    "6a89ca4235ed9f00be7b2acd65d5fe4a099967d676bfe20afb696106286ffbca",
)
_VOCABULARY = (
    "textgenrnn",
    "textgenrnn/textgenrnn_vocab.json",
    "f9c6c0db9b07fb57da023d32df66e16a488d086c138e15706307bb5177c2be74",
)
_FREQUENCIES = (
    "wordfreq",
    "wordfreq/data/large_en.msgpack.gz",
    "dffae8066b78dce0a6667cf5f58e567054f902674667090a7ac8a8a44628b05c",
)


@keras.saving.register_keras_serializable(package="lmcourse")
class WeightedAverage(keras.layers.Layer):
    """Average the vectors of a window, those with a high score more: `(B, T, D) -> (B, D)`.

    Each vector is scored by one learned vector a; the weights are the softmax of the scores:

        y = sum over t of x_t * e^(x_t . a) / sum over t of e^(x_t . a)

    Lesson 10 asks for more: there the score also depends on who looks.

    Example:
        >>> layer = WeightedAverage()
        >>> layer.build((1, 2, 1))
        >>> layer.set_weights([np.full((1, 1), np.log(3.0))])   # 1 counts three times as much as 0
        >>> layer(ops.array([[[0.0], [1.0]]])).numpy().round(4)
        array([[0.75]], dtype=float32)

    Reference: Felbo and others (2017), "Using millions of emoji occurrences to learn any-domain
        representations for detecting sentiment, emotion and sarcasm".
    """

    def build(self, input_shape):
        """Make the scoring vector for inputs of width D."""
        self.attention = self.add_weight((input_shape[-1], 1), "uniform", name="attention")

    def call(self, x):
        """Score, then average: `(B, T, D) -> (B, D)`."""
        return ops.sum(x * ops.softmax(ops.matmul(x, self.attention), axis=1), axis=1)


@keras.saving.register_keras_serializable(package="lmcourse")
class CharLSTM(keras.Model):
    """Score the next character by its last 40, each time read anew: `(B, T) -> (B, T, V)`.

    `window` is the published model, one prediction per window: embedding -> LSTM -> LSTM, the
    outputs of all three side by side -> `WeightedAverage` -> scores. A call fits it to the contract
    of the course: position t is predicted from the window that ends there, filled up on the left
    with the id 0, as in training.

    Args:
        vocabulary_size: V, the number of tokens.
        width: length of an embedding.
        units: U, the numbers in the hidden state of each LSTM.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an id is out of range.

    Example:
        >>> model = CharLSTM(5, width=3, units=4)
        >>> model(ops.array([[0, 3, 1]])).shape, model.window(ops.zeros((2, 40), "int32")).shape
        (TensorShape([1, 3, 5]), TensorShape([2, 5]))
    """

    def __init__(self, vocabulary_size: int, width: int = 100, units: int = 128, **kwargs):
        super().__init__(**kwargs)
        self.config = {"vocabulary_size": vocabulary_size, "width": width, "units": units}
        self.vocabulary_size = vocabulary_size
        self.embedding = keras.layers.Embedding(vocabulary_size, width)
        self.lower, self.upper, self.average = LSTM(units), LSTM(units), WeightedAverage()
        self.head = keras.layers.Dense(vocabulary_size)
        self.embedding.build((None, None))
        self.lower.build((None, None, width))
        self.upper.build((None, None, units))
        self.average.build((None, None, width + 2 * units))
        self.head.build((None, width + 2 * units))
        self.built = True

    def window(self, ids):
        """Score what may follow each window: `(B, 40) -> (B, V)`."""
        x = self.embedding(ids)
        lower, _ = self.lower(x)
        upper, _ = self.upper(lower)
        return self.head(self.average(ops.concatenate([x, lower, upper], axis=-1)))

    def call(self, ids):
        """Score what may follow each id, from the 40 that end there: `(B, T) -> (B, T, V)`."""
        check_ids(ids, self.vocabulary_size)
        B, T = ops.shape(ids)
        filled = ops.pad(ids, ((0, 0), (CONTEXT_LENGTH - 1, 0)))
        places = ops.expand_dims(ops.arange(T), 1) + ops.arange(CONTEXT_LENGTH)  # (T, 40)
        windows = ops.reshape(ops.take(filled, places, axis=1), (-1, CONTEXT_LENGTH))
        return ops.reshape(self.window(windows), (B, T, self.vocabulary_size))

    def get_config(self):
        """Give the arguments that make the same model again."""
        return super().get_config() | self.config


def from_cudnn(kernel: np.ndarray, recurrent: np.ndarray, bias: np.ndarray) -> list[np.ndarray]:
    """Turn LSTM weights as an NVIDIA graphics card kept them into the layout of Keras.

    The order of the gates is the same, i, f, g, o. What differs: each block of a kernel lies in
    the file as `(U, D)` although its shape says `(D, U)`; and there are two rows of biases, one
    for the input and one for the state, of which only the sum matters.

    Shapes: `(D, 4U), (U, 4U), (8U,) -> (D, 4U), (U, 4U), (4U,)`.

    Example:
        >>> kernel, _, bias = from_cudnn(np.arange(8.0).reshape(2, 4), np.ones((1, 4)), np.ones(8))
        >>> kernel.tolist(), bias.tolist()
        ([[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0]], [2.0, 2.0, 2.0, 2.0])
    """
    U = len(recurrent)
    if kernel.shape[1:] != (4 * U,) or recurrent.shape != (U, 4 * U) or bias.shape != (8 * U,):
        raise ValueError(
            "The weights must have the shapes (D, 4U), (U, 4U), (8U,). "
            f"Received: {kernel.shape}, {recurrent.shape}, {bias.shape}"
        )
    turned = [
        np.hstack([block.reshape(U, -1).T for block in np.hsplit(matrix, 4)])
        for matrix in (kernel, recurrent)
    ]
    return [*turned, bias.reshape(2, 4 * U).sum(axis=0)]


def load() -> tuple[CharLSTM, CharacterTokenizer]:
    """Read the published model and its characters.

    Id 0 fills windows up on the left and stands for unknown characters; the mark between texts,
    `<s>` in the package, is a line break here.

    Raises:
        FileNotFoundError, ValueError: if the package is not installed or its file is another one.

    Example:
        >>> model, tokenizer = load()
        >>> logits = model(tokenizer.encode("What is the most interes")[None])
        >>> tokenizer.decode([int(ops.argmax(logits[0, -1]))])
        't'
    """
    ids = json.loads(installed_file(*_VOCABULARY).read_text(encoding="utf-8"))
    characters = [UNKNOWN] + [c.replace("<s>", "\n") for c in sorted(ids, key=ids.get)]
    model = CharLSTM(len(characters))
    with h5py.File(installed_file(*WEIGHTS)) as file:

        def read(layer):
            return [file[layer][name][()] for name in file[layer].attrs["weight_names"]]

        model.embedding.set_weights(read("embedding"))
        model.lower.set_weights(from_cudnn(*read("rnn_1")))
        model.upper.set_weights(from_cudnn(*read("rnn_2")))
        model.average.set_weights(read("attention"))
        model.head.set_weights(read("output"))
    return model, CharacterTokenizer(characters)


def frequent_words(count: int) -> set[str]:
    """Give the most frequent English words, in small letters, to judge what a model writes.

    From `wordfreq` (Robyn Speer, CC BY-SA 4.0): lists of words, each a hundredth of a factor of
    ten (a centibel) rarer than the list before; within a list in alphabetical order.

    Raises:
        FileNotFoundError, ValueError: if the package is not installed or its file is another one.

    Example:
        >>> words = frequent_words(1000)
        >>> len(words), "house" in words, "don't" in words, "hous" in words
        (1000, True, True, False)
    """
    _, *lists = msgpack.unpackb(gzip.decompress(installed_file(*_FREQUENCIES).read_bytes()))
    return set([word for words in lists for word in words][:count])
