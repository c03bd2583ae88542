"""Turn ids into vectors that know their place, and vectors back into scores.

Knows nothing of what happens between. Axis letters: B batch, T time, D width, V vocabulary.
"""

import keras
from keras import ops

from lmcourse.layers.checks import check_at_least_one, check_ids
from lmcourse.layers.positions import sinusoidal

POSITIONS = ("learned", "sinusoidal", "rotary")


@keras.saving.register_keras_serializable(package="lmcourse")
class Embedding(keras.layers.Layer):
    """Look up a vector for every token and add one for its place: ids `(B, T) -> (B, T, D)`.

    Args:
        vocabulary_size: V.
        context_length: the longest text, in tokens.
        width: D.
        positions: "learned" (one more table), "sinusoidal" (waves of size 1, to which the tokens
            are brought by a factor of root D) or "rotary" (nothing is added here: attention turns
            its queries and keys).

    Call arguments:
        ids: `(B, T)`.
        places: where they stand in their texts, `(B, T)`; from 0 to T - 1 if None.

    Raises:
        TypeError: if the ids are not integers.
        ValueError: if an argument or an id is out of range, or T is longer than the context.

    Example:
        >>> embedding = Embedding(vocabulary_size=5, context_length=8, width=4)
        >>> x = embedding(ops.array([[0, 3, 1]]))
        >>> x.shape, embedding.score(x).shape
        (TensorShape([1, 3, 4]), TensorShape([1, 3, 5]))

    Reference: Vaswani and others (2017), "Attention is all you need"; one table for both ends:
        Press & Wolf (2017), "Using the output embedding to improve language models".
    """

    def __init__(
        self,
        vocabulary_size: int,
        context_length: int,
        width: int,
        positions: str = "learned",
        **kwargs,
    ):
        sizes = dict(vocabulary_size=vocabulary_size, context_length=context_length, width=width)
        for name, value in sizes.items():
            check_at_least_one(name, value)
        if positions not in POSITIONS:
            raise ValueError(
                f"`positions` must be one of {', '.join(POSITIONS)}. "
                f"Received: positions={positions!r}"
            )
        super().__init__(**kwargs)
        self.config = sizes | {"positions": positions}
        self.vocabulary_size, self.context_length = vocabulary_size, context_length
        normal = keras.initializers.RandomNormal(stddev=0.02)
        self.tokens = self.add_weight((vocabulary_size, width), normal, name="tokens_embedding")
        self.positions, self.factor = None, 1.0
        if positions == "learned":
            shape = (context_length, width)
            self.positions = self.add_weight(shape, normal, name="positions_embedding")
        elif positions == "sinusoidal":
            self.positions, self.factor = sinusoidal(context_length, width), width**0.5
        self.built = True

    def call(self, ids, places=None):
        """Look up, add: `(B, T) -> (B, T, D)`."""
        check_ids(ids, self.vocabulary_size)
        if len(ids.shape) != 2:
            raise ValueError(f"ids must have the shape (B, T). Received: shape {tuple(ids.shape)}")
        if (ids.shape[1] or 0) > self.context_length:
            raise ValueError(
                f"ids must be no longer than context_length={self.context_length}. "
                f"Received: {ids.shape[1]} ids a row"
            )
        x = self.look_up(ids) * self.factor
        if self.positions is None:
            return x
        positions = ops.convert_to_tensor(self.positions)
        if places is None:
            return x + positions[: ops.shape(ids)[1]]
        return x + ops.take(positions, places, axis=0)

    def look_up(self, ids):
        """Give the vectors of the tokens alone: `(B, T) -> (B, T, D)`."""
        return ops.take(self.tokens, ids, axis=0)

    def score(self, x):
        """Compare every vector with every token, by the same table: `(B, T, D) -> (B, T, V)`."""
        return ops.matmul(x, ops.transpose(self.tokens))

    def get_config(self):
        """Give the arguments that make the same layer again."""
        return super().get_config() | self.config
