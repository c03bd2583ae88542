"""The half of a Transformer block that thinks about each place alone, in plain NumPy.

The yardstick of every activation and feed-forward layer. It does not know that there are other
places. D is the width of a vector, F the width inside (usually 4 D).
"""

import math
from collections.abc import Mapping

import numpy as np

from lmcourse.reference.linear import linear
from lmcourse.reference.lstm import sigmoid


def gelu(x: np.ndarray, exact: bool = False) -> np.ndarray:
    """Let a number through by the share of a bell curve that lies below it: `(...) -> (...)`.

    `x * P(X <= x)` for X normal with mean 0 and variance 1: nearly 0 far left, nearly x far right,
    smooth between. GPT-2 computes the share by a formula with tanh that is off by 0.0005 at
    most; BERT exactly, with the error function.

    Example:
        >>> x = np.array([-1.0, 0.0, 1.0, 3.0])
        >>> gelu(x, exact=True).round(4)   # P(X <= 1) = 0.8413
        array([-0.1587,  0.    ,  0.8413,  2.996 ])
        >>> gelu(x).round(4)
        array([-0.1588,  0.    ,  0.8412,  2.9964])

    Reference: Hendrycks & Gimpel (2016), "Gaussian error linear units (GELUs)".
    """
    x = np.asarray(x, np.float64)
    if exact:
        return x * 0.5 * (1 + np.vectorize(math.erf, otypes=[np.float64])(x / np.sqrt(2)))
    return x * 0.5 * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def silu(x: np.ndarray) -> np.ndarray:
    """Let a number through its own gate: `(...) -> (...)`, `x * sigmoid(x)`.

    Example:
        >>> silu(np.array([-np.log(3.0), 0.0, np.log(3.0)])).round(3)   # gates 1/4, 1/2, 3/4
        array([-0.275,  0.   ,  0.824])

    Reference: Elfwing, Uchibe & Doya (2017), "Sigmoid-weighted linear units for neural network
        function approximation in reinforcement learning".
    """
    return x * sigmoid(x)


def relu_squared(x: np.ndarray) -> np.ndarray:
    """Cut off what is negative and square the rest: `(...) -> (...)`, `max(x, 0)^2`.

    Example:
        >>> relu_squared(np.array([-2.0, 0.5, 3.0]))
        array([0.  , 0.25, 9.  ])

    Reference: So et al. (2021), "Primer: searching for efficient Transformers for language
        modeling".
    """
    return np.maximum(np.asarray(x, np.float64), 0) ** 2


ACTIVATIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "relu_squared": relu_squared,
    "gelu": gelu,
    "gelu_exact": lambda x: gelu(x, exact=True),
}


def feed_forward(
    x: np.ndarray, weights: Mapping[str, np.ndarray], activation: str = "gelu"
) -> np.ndarray:
    """Widen every vector, bend it, and narrow it again: `(..., D) -> (..., F) -> (..., D)`.

        y = down(activation(up x))         "relu", "relu_squared", "gelu", "gelu_exact"
        y = down(silu(gate x) * (up x))    "swiglu": a second matrix decides what passes

    Args:
        x: one vector for each place; no place sees another.
        weights: "up" `(D, F)`, "down" `(F, D)`, for "swiglu" also "gate" `(D, F)`; each may have a
            bias, "up_bias" and so on.
        activation: one of the five names above; "relu" is max(x, 0).

    Raises:
        ValueError: if there is no such activation, or a matrix is missing or does not fit.

    Example:
        >>> weights = {"up": np.array([[1.0, -1.0]]), "down": np.array([[1.0], [10.0]])}
        >>> feed_forward([[2.0], [-3.0]], weights, "relu_squared")   # 1 * 2^2, 10 * 3^2
        array([[ 4.],
               [90.]])

    Reference: Vaswani et al. (2017), "Attention is all you need", section 3.3; Shazeer (2020),
        "GLU variants improve Transformer", for "swiglu".
    """
    up = linear(x, weights, "up")
    if activation == "swiglu":
        hidden = silu(linear(x, weights, "gate")) * up
    elif activation in ACTIVATIONS:
        hidden = ACTIVATIONS[activation](up)
    else:
        names = ", ".join([*ACTIVATIONS, "swiglu"])
        raise ValueError(f"`activation` must be one of {names}. Received: {activation=}")
    return linear(hidden, weights, "down")
