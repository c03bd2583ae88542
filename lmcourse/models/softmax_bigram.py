"""A bigram model whose numbers are learned instead of counted: a table of scores and a softmax.

It sees the last token and nothing before it. It does not know how it is trained.
"""

import keras
from keras import ops

from lmcourse.layers.checks import check_at_least_one, check_ids


@keras.saving.register_keras_serializable(package="lmcourse")
class SoftmaxBigram(keras.Model):
    """Score every next token by the last one: ids `(B, T) -> (B, T, V)` logits.

    The score of word `w` after word `c` is `table[c, w] + bias[w]`. The bias is the same in every
    row of the table: the popularity of `w` wherever it stands. Without `width` the table is free,
    `V * V` numbers that start at zero. With `width=D` it is a product, `2 * V * D` numbers: every
    context has a vector `h`, every word a vector `e`, and the score is `h . e + bias[w]`, minus
    what physicists call the energy.

    Args:
        vocabulary_size: V, the number of tokens.
        width: D, the length of the vectors; None for a free table.

    Call arguments:
        ids: integers `(B, T)` in `0 <= id < V`.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if `vocabulary_size` or `width` is below 1, or an id is out of range (the range
            can only be checked when the model is called on numbers, not while a graph is traced).

    Example:
        >>> import numpy as np
        >>> model = SoftmaxBigram(vocabulary_size=5)
        >>> model(np.array([[0, 3, 1]])).shape
        TensorShape([1, 3, 5])
        >>> model.count_params()
        30

    Reference: Mnih & Hinton (2007), "Three new graphical models for statistical language
        modelling": the log-bilinear model, an energy and a bias per word.
    """

    def __init__(self, vocabulary_size: int, width: int | None = None, **kwargs):
        check_at_least_one("vocabulary_size", vocabulary_size)
        if width is not None:
            check_at_least_one("width", width)
        super().__init__(**kwargs)
        self.vocabulary_size, self.width = vocabulary_size, width
        if width is None:
            shape = (vocabulary_size, vocabulary_size)
            self.table = self.add_weight(shape=shape, initializer="zeros", name="table")
        else:
            shape, small = (vocabulary_size, width), keras.initializers.RandomNormal(stddev=0.1)
            self.contexts = self.add_weight(shape=shape, initializer=small, name="contexts")
            self.words = self.add_weight(shape=shape, initializer=small, name="words")
        self.bias = self.add_weight(shape=(vocabulary_size,), initializer="zeros", name="bias")
        self.built = True

    def call(self, ids):
        """Look up the row of scores of every id: `(B, T) -> (B, T, V)`."""
        check_ids(ids, self.vocabulary_size)
        if self.width is None:
            return ops.take(self.table, ids, axis=0) + self.bias
        return ops.take(self.contexts, ids, axis=0) @ ops.transpose(self.words) + self.bias

    def get_config(self):
        """Give the arguments that make the same model again."""
        return super().get_config() | {
            "vocabulary_size": self.vocabulary_size,
            "width": self.width,
        }
