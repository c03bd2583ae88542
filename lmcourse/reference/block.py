"""The block of the Transformer, which every model from BERT to Llama repeats, in plain NumPy.

It knows neither tokens nor what the last vectors are for. A stream of vectors runs through it, and
each part reads the stream and *adds* what it found.
"""

from collections.abc import Mapping

import numpy as np

from lmcourse.reference.attention import multi_head
from lmcourse.reference.feedforward import feed_forward
from lmcourse.reference.normalization import normalize


def block(
    x: np.ndarray,
    weights: Mapping[str, Mapping[str, np.ndarray]],
    heads: int,
    *,
    kv_heads: int | None = None,
    mask: np.ndarray | None = None,
    rotary: float | None = None,
    memory: np.ndarray | None = None,
    memory_mask: np.ndarray | None = None,
    activation: str = "gelu",
    norm: str = "layer",
    epsilon: float = 1e-5,
    post_norm: bool = False,
) -> tuple[np.ndarray, dict]:
    """Let every place look around, then think: `(..., T, D) -> (..., T, D)`.

    Each part f is added to what came in. The norm stands before the part, or after the sum:

        x + f(normalize(x))        post_norm=False: GPT-2, Llama
        normalize(x + f(x))        post_norm=True: the Transformer of 2017, BERT

    Args:
        x: the stream of vectors.
        weights: "attention" (see `multi_head`) and "feed_forward" (see `feed_forward`), each with
            its norm, "attention_norm" and "feed_forward_norm" (see `normalize`); with a memory
            also "cross" and "cross_norm".
        heads, kv_heads, mask, rotary: of the self-attention, as in `multi_head`.
        memory: vectors of another text `(..., S, D)`, for cross-attention.
        memory_mask: booleans that broadcast to `(..., T, S)`, True = may look.
        activation: as in `feed_forward`.
        norm, epsilon: as in `normalize`.
        post_norm: where the norms stand.

    Returns:
        The stream after the block, and a cache: the caches of "attention" and "cross", and the
        stream "after_attention", "after_cross" and "after_feed_forward".

    Raises:
        TypeError, ValueError: as `multi_head`, `feed_forward` and `normalize` do.
        ValueError: if there is a memory and no "cross", or "cross" and no memory.

    Example:
        >>> D = 2
        >>> mix = {name: np.eye(D) for name in ("query", "key", "value", "output")}
        >>> off = {"up": np.zeros((D, 8)), "down": np.zeros((8, D))}
        >>> keep = {"scale": np.ones(D)}
        >>> weights = {"attention": mix, "feed_forward": off}
        >>> weights |= {"attention_norm": keep, "feed_forward_norm": keep}
        >>> x = np.array([[3.0, 3.0], [5.0, 5.0]])   # both are (1, 1) after the norm
        >>> block(x, weights, heads=1, norm="rms")[0].round(3)   # so every place finds (1, 1)
        array([[4., 4.],
               [6., 6.]])

    Reference: Vaswani et al. (2017), "Attention is all you need"; Xiong et al. (2020), "On layer
        normalization in the Transformer architecture", for the norm before the part.
    """
    if (memory is not None) != ("cross" in weights):
        raise ValueError(
            'A block must have both a memory and the weights "cross", or neither. '
            f"Received: memory={'None' if memory is None else np.shape(memory)}, "
            f"weights of {', '.join(weights)}"
        )

    def before(x, part):
        return x if post_norm else normalize(x, weights[f"{part}_norm"], norm, epsilon)

    def after(x, part):
        return normalize(x, weights[f"{part}_norm"], norm, epsilon) if post_norm else x

    cache = {}
    found, cache["attention"] = multi_head(
        before(x, "attention"), weights["attention"], heads, kv_heads, mask=mask, rotary=rotary
    )
    x = cache["after_attention"] = after(x + found, "attention")
    if memory is not None:
        found, cache["cross"] = multi_head(
            before(x, "cross"), weights["cross"], heads, kv_heads, memory=memory, mask=memory_mask
        )
        x = cache["after_cross"] = after(x + found, "cross")
    thought = feed_forward(before(x, "feed_forward"), weights["feed_forward"], activation)
    x = cache["after_feed_forward"] = after(x + thought, "feed_forward")
    return x, cache


def stack(
    x: np.ndarray,
    weights: Mapping,
    heads: int,
    *,
    norm: str = "layer",
    epsilon: float = 1e-5,
    **options,
) -> tuple[np.ndarray, list[dict]]:
    """Run the stream through one block after another: `(..., T, D) -> (..., T, D)`.

    Args:
        x: the stream of vectors.
        weights: "blocks", a list with the weights of each; and "norm", for a last one at the end,
            if there. Models with `post_norm=False` need it: nothing has normalised their stream.
        heads, norm, epsilon, options: as in `block`.

    Returns:
        The stream at the end, and the caches of the blocks.

    Example:
        >>> y, caches = stack([[1.0, 7.0]], {"blocks": [], "norm": {"scale": np.ones(2)}}, heads=1,
        ...     norm="rms")   # no block, so the norm alone
        >>> y.round(3), caches
        (array([[0.2, 1.4]]), [])

    Reference: Vaswani et al. (2017), "Attention is all you need"; Radford et al. (2019), "Language
        models are unsupervised multitask learners", for the norm at the end.
    """
    caches = []
    for layer in weights["blocks"]:
        x, cache = block(x, layer, heads, norm=norm, epsilon=epsilon, **options)
        caches.append(cache)
    if "norm" in weights:
        x = normalize(x, weights["norm"], norm, epsilon)
    return x, caches
