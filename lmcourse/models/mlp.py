"""The neural language model with a fixed window: vectors side by side, one hidden layer, a softmax.

It sees the last `window` tokens and nothing before them. It does not know how it is trained.
"""

import keras
from keras import ops

from lmcourse.layers.checks import check_at_least_one, check_ids


@keras.saving.register_keras_serializable(package="lmcourse")
class WindowMLP(keras.Model):
    """Score every next token by the last `window` tokens: ids `(B, T) -> (B, T, V)` logits.

    Every token has one vector, wherever in the window it stands. The vectors of the window, oldest
    first, are joined into one long vector, pass a hidden layer, and are turned into scores. Each
    token is looked up once, although n windows contain it.

    Before the first token of `ids` there is *nothing*: the table has a row more than there are
    tokens, row V, whose vector is learned like the others and stands for what is not there.

    At the start all scores are zero, so that the loss is ln V; the hidden kernel is drawn with
    standard deviation `1 / sqrt(fan-in)`, so that the sums it makes are about as large as its
    inputs.

    Args:
        vocabulary_size: V, the number of tokens.
        window: n, how many tokens the model looks back, the newest included.
        width: D, the length of the vectors.
        units: U, the width of the hidden layer; None for no hidden layer: then the scores are sums
            over the window, to which each token contributes by itself (a log-bilinear model).
        spread: the standard deviation of the vectors at the start. A rare token keeps its random
            vector for long: with thousands of tokens, 0.2 trains better than 1.

    Call arguments:
        ids: integers `(B, T)` in `0 <= id < V`.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if a size is below 1, `spread` is not above 0, or an id is out of range
            (the range can only be checked when the model is called on numbers, not while a graph
            is traced).

    Example:
        >>> model = WindowMLP(vocabulary_size=5, window=3, width=2, units=4)
        >>> model(ops.array([[0, 3, 1, 1]])).shape
        TensorShape([1, 4, 5])
        >>> model.count_params()   # 6 * 2 + (3 * 2 * 4 + 4) + (4 * 5 + 5)
        65

    Reference: Bengio, Ducharme, Vincent & Jauvin (2003), "A neural probabilistic language model".
    """

    def __init__(
        self,
        vocabulary_size: int,
        window: int,
        width: int,
        units: int | None,
        spread: float = 1.0,
        **kwargs,
    ):
        sizes = {"vocabulary_size": vocabulary_size, "window": window, "width": width}
        for name, size in (sizes | ({} if units is None else {"units": units})).items():
            check_at_least_one(name, size)
        if not spread > 0:
            raise ValueError(f"`spread` must be above 0. Received: spread={spread}")
        super().__init__(**kwargs)
        self.vocabulary_size, self.window = vocabulary_size, window
        self.width, self.units, self.spread = width, units, spread
        normal = keras.initializers.RandomNormal(stddev=spread)
        self.embedding = keras.layers.Embedding(vocabulary_size + 1, width, normal)
        self.embedding.build()
        joined = window * width
        if units is not None:
            self.hidden = keras.layers.Dense(units, "tanh", kernel_initializer="lecun_normal")
            self.hidden.build((None, joined))
        self.scores = keras.layers.Dense(vocabulary_size, kernel_initializer="zeros")
        self.scores.build((None, joined if units is None else units))
        self.built = True

    def call(self, ids):
        """Look back from every position: `(B, T) -> (B, T, V)`."""
        check_ids(ids, self.vocabulary_size)
        x = self.join(ids)
        return self.scores(x if self.units is None else self.hidden(x))

    def join(self, ids):
        """Put the vectors of the window that ends at each position side by side.

        `(B, T) -> (B, T, n * D)`
        """
        length, before = ops.shape(ids)[1], self.window - 1
        ids = ops.pad(ids, [[0, 0], [before, 0]], constant_values=self.vocabulary_size)
        vectors = self.embedding(ids)  # (B, before + T, D)
        shifted = [vectors[:, start : start + length] for start in range(self.window)]
        return ops.concatenate(shifted, axis=-1)

    def get_config(self):
        """Give the arguments that make the same model again."""
        names = ("vocabulary_size", "window", "width", "units", "spread")
        return super().get_config() | {name: getattr(self, name) for name in names}
