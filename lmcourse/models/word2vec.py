"""Word vectors learned from neighbours: skip-gram and CBOW, trained by negative sampling.

Both are language models too, weak ones: they know which words stand near each other, and nothing
of their order. They do not know where the text comes from. Wherever neighbours are listed, id -1
means that there is none.
"""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from lmcourse.layers.checks import check_at_least_one, check_ids


class _Word2Vec(keras.Model):
    """What both models share: one vector of a word for reading it, another for predicting it."""

    def __init__(
        self,
        vocabulary_size: int,
        width: int = 64,
        counts: Sequence[int] | None = None,
        negatives: int = 5,
        **kwargs,
    ):
        sizes = {"vocabulary_size": vocabulary_size, "width": width, "negatives": negatives}
        for name, size in sizes.items():
            check_at_least_one(name, size)
        super().__init__(**kwargs)
        self.vocabulary_size, self.width, self.negatives = vocabulary_size, width, negatives
        shape, small = (vocabulary_size, width), keras.initializers.RandomUniform(-0.05, 0.05)
        self.vectors = self.add_weight(shape=shape, initializer=small, name="vectors")
        self.contexts = self.add_weight(shape=shape, initializer="zeros", name="contexts")
        self.log_noise = self.add_weight(
            shape=(vocabulary_size,), initializer="zeros", trainable=False, name="log_noise"
        )
        counts = np.ones(vocabulary_size) if counts is None else counts
        self.log_noise.assign(np.log(noise_distribution(counts, vocabulary_size)))
        self.built = True

    def logits(self, hidden):
        """Turn what was read into logits of the words beside it: `(..., D) -> (..., V)`.

        Where negative sampling comes to rest, the score `u . h` of word `w` is
        `log P(w | h) - log(k * q(w))`, with `k` noise words for each true one, drawn from `q`. So
        the logarithm that is missing is added: what comes out is `log P(w | h)`, as far as learned.
        """
        scores = ops.matmul(hidden, ops.transpose(self.contexts))
        return scores + self.log_noise + float(np.log(self.negatives))

    def get_config(self):
        """Give the arguments that make the same model again; the noise is stored as a weight."""
        return super().get_config() | {
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
            "negatives": self.negatives,
        }


@keras.saving.register_keras_serializable(package="lmcourse")
class SkipGram(_Word2Vec):
    """Score every word as a neighbour of the last one: ids `(B, T) -> (B, T, V)` logits.

    Args:
        vocabulary_size: V, the number of words.
        width: D, the length of the vectors.
        counts: how often each word occurs, V numbers, for the noise; all alike if left out.
        negatives: k, how many noise words weigh as much as one true neighbour.

    Call arguments:
        ids: integers `(B, T)` in `0 <= id < V`.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if a size is below 1, there is not one positive count for each word, or an id
            is out of range (the range can only be checked when the model is called on numbers).

    Example:
        >>> model = SkipGram(vocabulary_size=5, width=2)
        >>> model(ops.array([[0, 3, 1]])).shape
        TensorShape([1, 3, 5])
        >>> model.count_params()   # 5 * 2 for reading, 5 * 2 for predicting, 5 of noise
        25

    Reference: Mikolov, Sutskever, Chen, Corrado & Dean (2013), "Distributed representations of
        words and phrases and their compositionality".
    """

    def read(self, ids):
        """Look up the vectors of words: `(...) -> (..., D)`."""
        return ops.take(self.vectors, ids, axis=0)

    def call(self, ids):
        """Score what stands beside every id: `(B, T) -> (B, T, V)`."""
        check_ids(ids, self.vocabulary_size)
        return self.logits(self.read(ids))


@keras.saving.register_keras_serializable(package="lmcourse")
class CBOW(_Word2Vec):
    """Score a word by the mean of its neighbours' vectors: ids `(B, T) -> (B, T, V)` logits.

    CBOW is short for "continuous bag of words": a bag, since the mean forgets the order. In
    training the neighbours stand on both sides. As a language model it sees those before alone,
    the last `window` ids.

    Args:
        vocabulary_size: V, the number of words.
        width: D, the length of the vectors.
        window: how many words the model looks back, the newest included.
        counts: how often each word occurs, V numbers, for the noise; all alike if left out.
        negatives: k, how many noise words weigh as much as one true neighbour.

    Call arguments, Raises: as for `SkipGram`.

    Example:
        >>> model = CBOW(vocabulary_size=5, width=2, window=3)
        >>> model(ops.array([[0, 3, 1, 4]])).shape
        TensorShape([1, 4, 5])

    Reference: Mikolov, Chen, Corrado & Dean (2013), "Efficient estimation of word representations
        in vector space".
    """

    def __init__(self, vocabulary_size, width=64, window=5, counts=None, negatives=5, **kwargs):
        check_at_least_one("window", window)
        super().__init__(vocabulary_size, width, counts, negatives, **kwargs)
        self.window = window

    def read(self, neighbours):
        """Take the mean of the neighbours' vectors, -1 left out: `(..., N) -> (..., D)`."""
        there = ops.cast(ops.expand_dims(neighbours >= 0, -1), self.compute_dtype)
        vectors = ops.take(self.vectors, ops.maximum(neighbours, 0), axis=0) * there
        return ops.sum(vectors, axis=-2) / ops.maximum(ops.sum(there, axis=-2), 1.0)

    def call(self, ids):
        """Score what follows every id, from the last `window` ids: `(B, T) -> (B, T, V)`."""
        check_ids(ids, self.vocabulary_size)
        length = ops.shape(ids)[1]
        padded = ops.pad(ids, ((0, 0), (self.window - 1, 0)), constant_values=-1)
        last = [padded[:, shift : shift + length] for shift in range(self.window)]
        return self.logits(self.read(ops.stack(last, axis=-1)))

    def get_config(self):
        """Give the arguments that make the same model again; the noise is stored as a weight."""
        return super().get_config() | {"window": self.window}


class NegativeSampling(keras.Model):
    """Train a `SkipGram` or a `CBOW`: tell true neighbours from noise, without a sum over V words.

    For what was read, `h`, and the true word's `u`, the loss is `-log sigmoid(u . h)`; for each of
    k noise words it is `-log sigmoid(-u . h)`. The whole batch shares its S noise words, which
    together weigh as much as k: one matrix product instead of B * k lookups.

    Call arguments:
        inputs: three arrays: what the model reads (centre words `(B,)` for `SkipGram`, neighbours
            `(B, N)` for `CBOW`), the words to be predicted `(B,)`, and noise words `(S,)`.

    Returns:
        The mean loss of the batch, in nats, which is also what `train_on_batch` lowers.

    Example:
        >>> trainer = NegativeSampling(SkipGram(vocabulary_size=5, width=2))
        >>> trainer.compile("adam")
        >>> batch = np.array([0, 1, 2, 3]), np.array([1, 2, 1, 0]), np.array([4, 0, 1])
        >>> float(round(float(trainer(batch)) / np.log(2), 6))   # scores 0: six coins
        6.0
    """

    def __init__(self, model: _Word2Vec, **kwargs):
        super().__init__(**kwargs)
        self.model = model

    def call(self, inputs):
        """Measure the loss of one batch: `(B,) or (B, N), (B,), (S,) -> ()`."""
        reading, words, noise = inputs
        hidden = self.model.read(reading)  # (B, D)
        true = ops.sum(hidden * ops.take(self.model.contexts, words, axis=0), axis=-1)
        false = ops.matmul(hidden, ops.transpose(ops.take(self.model.contexts, noise, axis=0)))
        price = self.model.negatives * ops.mean(ops.softplus(false), axis=-1)
        loss = ops.mean(ops.softplus(-true) + price)
        self.add_loss(loss)
        return loss


def noise_distribution(counts: Sequence[int], vocabulary_size: int) -> np.ndarray:
    """Flatten counts to the distribution that noise is drawn from: count to the power of 3/4.

    Example:
        >>> noise_distribution([16, 1], 2).round(3)
        array([0.889, 0.111])
    """
    counts = np.asarray(counts, np.float64)
    if counts.shape != (vocabulary_size,) or not (counts > 0).all():
        raise ValueError(
            f"`counts` must be {vocabulary_size} positive numbers, one for each word. "
            f"Received: {counts.shape=}, smallest={counts.min(initial=np.inf)}"
        )
    powers = counts**0.75
    return powers / powers.sum()


def thin_out(ids: np.ndarray, counts: Sequence[int], threshold: float, rng) -> np.ndarray:
    """Drop tokens of frequent words at random: ids `(T,)` -> fewer ids `(T',)`.

    A word whose share of the text is `f` is kept with probability `sqrt(threshold / f)`.

    Example:
        >>> ids, counts = np.array([0, 0, 0, 1, 0, 0, 0, 2]), [6, 1, 1]
        >>> thin_out(ids, counts, threshold=0.125, rng=np.random.default_rng(1))
        array([0, 1, 0, 2])
    """
    counts = np.asarray(counts, np.float64)
    kept = np.sqrt(threshold * counts.sum() / counts)
    return ids[rng.random(len(ids)) < kept[ids]]


def neighbourhoods(
    documents: Sequence[np.ndarray], window: int, rng=None
) -> tuple[np.ndarray, np.ndarray]:
    """List every word with what stands around it: documents of ids -> (N,), (N, 2 * window).

    Where a document begins or ends there is no neighbour: -1. With `rng`, each word draws its own
    reach from 1 to `window`, so that near neighbours count more often than far ones.

    Raises:
        ValueError: if `window` is below 1 or there is no id.

    Example:
        >>> words, neighbours = neighbourhoods([np.array([5, 6, 7]), np.array([8])], window=2)
        >>> words
        array([5, 6, 7, 8])
        >>> neighbours
        array([[-1, -1,  6,  7],
               [-1,  5,  7, -1],
               [ 5,  6, -1, -1],
               [-1, -1, -1, -1]])
    """
    check_at_least_one("window", window)
    gap = np.full(window, -1)
    stream = np.concatenate([gap, *(part for ids in documents for part in (ids, gap))])
    places = np.flatnonzero(stream >= 0)
    if not places.size:
        raise ValueError("`documents` must hold at least one id. Received: none")
    steps = np.r_[-window:0, 1 : window + 1]
    neighbours = stream[places[:, None] + steps]
    if rng is not None:
        reach = rng.integers(1, window + 1, len(places))
        neighbours[abs(steps) > reach[:, None]] = -1
    return stream[places], neighbours


def pairs(words: np.ndarray, neighbours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Write neighbourhoods as pairs, centre and neighbour: (N,), (N, 2 * window) -> (P,), (P,).

    Example:
        >>> pairs(*neighbourhoods([np.array([5, 6, 7])], window=1))
        (array([5, 6, 6, 7]), array([6, 5, 7, 6]))
    """
    there = neighbours >= 0
    return np.repeat(words, there.sum(axis=1)), neighbours[there]
