"""Bring every vector to a common size: layer norm and RMS norm. Know nothing of what they hold.

Axis letters: D width of a vector.
"""

import keras
from keras import ops


class Norm(keras.layers.Layer):
    """What both share: a learned factor for every component.

    Args:
        epsilon: added under the root, so that a vector of zeros divides by something.

    Raises:
        ValueError: if `epsilon` is not above 0.
    """

    def __init__(self, epsilon: float = 1e-5, **kwargs):
        if not epsilon > 0:
            raise ValueError(f"`epsilon` must be above 0. Received: epsilon={epsilon}")
        super().__init__(**kwargs)
        self.epsilon = epsilon

    def build(self, inputs_shape):
        """Make one factor a component, 1 at the start."""
        self.scale = self.add_weight((inputs_shape[-1],), "ones", name="scale")

    def get_config(self):
        """Give the arguments that make the same layer again."""
        return super().get_config() | {"epsilon": self.epsilon}


@keras.saving.register_keras_serializable(package="lmcourse")
class RMSNorm(Norm):
    """Divide each vector by the root of its mean square: `(..., D) -> (..., D)`.

        y = scale * x / sqrt(mean(x ** 2) + epsilon)

    Example:
        >>> RMSNorm()(ops.array([[3.0, 4.0]])).numpy().round(3)   # root of (9 + 16) / 2: 3.536
        array([[0.849, 1.131]], dtype=float32)

    Reference: Zhang & Sennrich (2019), "Root mean square layer normalization".
    """

    def call(self, x):
        """Bring the mean square to 1, then stretch."""
        power = ops.mean(ops.square(x), axis=-1, keepdims=True)
        return x * ops.rsqrt(power + self.epsilon) * self.scale


@keras.saving.register_keras_serializable(package="lmcourse")
class LayerNorm(Norm):
    """Subtract each vector's mean and divide by its standard deviation: `(..., D) -> (..., D)`.

        y = scale * (x - mean(x)) / sqrt(var(x) + epsilon) + offset

    Example:
        >>> LayerNorm()(ops.array([[1.0, 3.0]])).numpy().round(3)
        array([[-1.,  1.]], dtype=float32)

    Reference: Ba, Kiros & Hinton (2016), "Layer normalization".
    """

    def build(self, inputs_shape):
        """Make one factor and one offset a component."""
        super().build(inputs_shape)
        self.offset = self.add_weight((inputs_shape[-1],), "zeros", name="offset")

    def call(self, x):
        """Bring the mean to 0 and the variance to 1, then stretch and shift."""
        x = x - ops.mean(x, axis=-1, keepdims=True)
        variance = ops.mean(ops.square(x), axis=-1, keepdims=True)
        return x * ops.rsqrt(variance + self.epsilon) * self.scale + self.offset
