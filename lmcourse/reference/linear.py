"""One product with a matrix of weights, found by its name: the part that everything later repeats.

It does not know what is projected, nor why. The weights of a layer are a dictionary of arrays, so
that a formula reads like its name: `linear(x, weights, "query")` is x W_query, plus its bias if
there is one.
"""

from collections.abc import Mapping

import numpy as np


def linear(x: np.ndarray, weights: Mapping[str, np.ndarray], name: str) -> np.ndarray:
    """Mix the numbers of every vector anew: `(..., I) -> (..., O)`, `y = x W + b`.

    `dense` of lesson 06, for a layer that has several matrices and may do without the bias, as most
    models since Llama do.

    Args:
        x: vectors of width I.
        weights: under `name` the matrix `(I, O)`; under `name + "_bias"`, if there, `(O,)`.
        name: which matrix.

    Raises:
        ValueError: if the matrix is missing or the shapes do not fit.

    Example:
        >>> weights = {"up": np.array([[1.0, 10.0], [2.0, 20.0]]), "up_bias": np.array([0.5, 0.0])}
        >>> linear(np.array([3.0, 1.0]), weights, "up")   # 3*1 + 1*2 + 0.5, 3*10 + 1*20
        array([ 5.5, 50. ])

    Reference: Touvron et al. (2023), "Llama: open and efficient foundation language models", for
        layers without biases.
    """
    if name not in weights:
        raise ValueError(f"`weights` must have a matrix {name!r}. Received: {sorted(weights)}")
    x, kernel = np.asarray(x, np.float64), weights[name]
    bias = weights.get(f"{name}_bias", np.zeros(kernel.shape[-1]))
    if kernel.ndim != 2 or x.shape[-1:] != kernel.shape[:1] or bias.shape != kernel.shape[1:]:
        raise ValueError(
            f"The vectors, {name!r} and its bias must have the shapes (..., I), (I, O) and (O,). "
            f"Received: {x.shape}, {kernel.shape}, {bias.shape}"
        )
    return x @ kernel + bias
