"""Layer and RMS normalisation in plain NumPy, forward and backward.

The yardstick of every norm in the Transformer. It treats each vector alone: it knows neither its
neighbours in the text nor the rest of the batch. D is the width of a vector.
"""

from collections.abc import Mapping

import numpy as np


def layer_norm(
    x: np.ndarray, scale: np.ndarray, offset: np.ndarray, epsilon: float = 1e-5
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give every vector mean 0 and variance 1, then stretch and shift it: `(..., D) -> (..., D)`.

        n = (x - mean x) / sqrt(variance x + epsilon)
        y = n * scale + offset

    Args:
        x: the vectors.
        scale, offset: one number each for every place of a vector, `(D,)`.
        epsilon: keeps the root away from zero; it stands inside, with the variance.

    Returns:
        The new vectors, and a cache for `layer_norm_backward`.

    Raises:
        ValueError: if `scale` or `offset` does not have the shape (D,).

    Example:
        >>> y, _ = layer_norm(np.array([1.0, 3.0, 5.0, 7.0]), np.ones(4), np.zeros(4))
        >>> y.round(3)   # mean 4, variance 5
        array([-1.342, -0.447,  0.447,  1.342])

    Reference: Ba, Kiros & Hinton (2016), "Layer normalization".
    """
    x = _vectors(x, scale=scale, offset=offset)
    centered = x - x.mean(axis=-1, keepdims=True)
    deviation = np.sqrt((centered**2).mean(axis=-1, keepdims=True) + epsilon)
    normal = centered / deviation
    cache = {"normal": normal, "deviation": deviation, "scale": np.asarray(scale)}
    return normal * scale + offset, cache


def layer_norm_backward(d_y: np.ndarray, cache: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the slopes of `x`, `scale` and `offset`: `(..., D) -> (..., D), (D,), (D,)`.

    What would move the mean or the spread of a vector cannot pass: both are taken out again.

        d_n = d_y * scale
        d_x = (d_n - mean d_n - n * mean(d_n * n)) / sqrt(variance x + epsilon)

    Example:
        >>> _, cache = layer_norm(np.array([1.0, 3.0, 5.0, 7.0]), np.ones(4), np.zeros(4))
        >>> d_x, d_scale, d_offset = layer_norm_backward(np.ones(4), cache)
        >>> d_x   # pulling all four up alike moves nothing
        array([0., 0., 0., 0.])

    Reference: Ba, Kiros & Hinton (2016), "Layer normalization".
    """
    normal, deviation, scale = cache["normal"], cache["deviation"], cache["scale"]
    d_normal = d_y * scale
    mean = d_normal.mean(axis=-1, keepdims=True)
    along = (d_normal * normal).mean(axis=-1, keepdims=True)
    d_x = (d_normal - mean - normal * along) / deviation
    return d_x, _sum(d_y * normal), _sum(np.asarray(d_y))


def rms_norm(
    x: np.ndarray, scale: np.ndarray, epsilon: float = 1e-5
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Give every vector the same length, then stretch it: `(..., D) -> (..., D)`.

        y = x / sqrt(mean(x^2) + epsilon) * scale

    RMS is the root of the mean square; it is 1 after the division. Compared with `layer_norm`, the
    mean stays where it is, and there is no offset.

    Raises:
        ValueError: if `scale` does not have the shape (D,).

    Example:
        >>> y, _ = rms_norm(np.array([1.0, 7.0]), np.ones(2))
        >>> y.round(3)   # mean square 25, so both are divided by 5
        array([0.2, 1.4])

    Reference: Zhang & Sennrich (2019), "Root mean square layer normalization".
    """
    x = _vectors(x, scale=scale)
    root = np.sqrt((x**2).mean(axis=-1, keepdims=True) + epsilon)
    normal = x / root
    return normal * scale, {"normal": normal, "root": root, "scale": np.asarray(scale)}


def rms_norm_backward(d_y: np.ndarray, cache: dict) -> tuple[np.ndarray, np.ndarray]:
    """Give the slopes of `x` and `scale`: `(..., D) -> (..., D), (D,)`.

    With d_n = d_y * scale: `d_x = (d_n - n * mean(d_n * n)) / root`. Only the part that would
    change the length is taken out.

    Example:
        >>> _, cache = rms_norm(np.array([1.0, 7.0]), np.ones(2))
        >>> d_x, d_scale = rms_norm_backward(np.array([1.0, 7.0]), cache)   # a pull along x
        >>> bool(np.abs(d_x).max() < 1e-6)
        True

    Reference: Zhang & Sennrich (2019), "Root mean square layer normalization".
    """
    normal, root, scale = cache["normal"], cache["root"], cache["scale"]
    d_normal = d_y * scale
    along = (d_normal * normal).mean(axis=-1, keepdims=True)
    return (d_normal - normal * along) / root, _sum(d_y * normal)


def normalize(
    x: np.ndarray, weights: Mapping[str, np.ndarray], norm: str = "layer", epsilon: float = 1e-5
) -> np.ndarray:
    """Normalise with one of the two norms, chosen by its name: `(..., D) -> (..., D)`.

    Args:
        x: the vectors.
        weights: `{"scale", "offset"}` for "layer", `{"scale"}` for "rms", each `(D,)`.
        norm: "layer" or "rms".
        epsilon: as in `layer_norm`; GPT-2 and SmolLM2 have 1e-5, BERT has 1e-12.

    Raises:
        ValueError: if there is no such norm, or the weights are not those of this norm.

    Example:
        >>> normalize(np.array([1.0, 7.0]), {"scale": np.ones(2)}, norm="rms").round(3)
        array([0.2, 1.4])

    Reference: as `layer_norm` and `rms_norm`.
    """
    needs = {"layer": {"scale", "offset"}, "rms": {"scale"}}
    if norm not in needs:
        raise ValueError(f'`norm` must be "layer" or "rms". Received: {norm=}')
    if set(weights) != needs[norm]:
        raise ValueError(
            f"The weights of norm={norm!r} are {sorted(needs[norm])}. Received: {sorted(weights)}"
        )
    function = layer_norm if norm == "layer" else rms_norm
    return function(x, **weights, epsilon=epsilon)[0]


def _sum(d):
    return d.reshape(-1, d.shape[-1]).sum(axis=0)


def _vectors(x, **weights):
    x = np.asarray(x, np.float64)
    for name, weight in weights.items():
        if np.shape(weight) != x.shape[-1:]:
            raise ValueError(
                f"`{name}` must have one number for each place of a vector, the shape "
                f"{x.shape[-1:]}. Received: {np.shape(weight)}"
            )
    return x
