"""Three Transformers in plain NumPy: GPT, BERT and the encoder-decoder of 2017.

The yardstick of lessons 11 to 14. Each is a few lines over the same `block`; they differ in who may
look where, and in what is asked of the last vectors. They know no text, only ids, and no loss.

Axis letters: T time, S time of a source text, D width of the vectors, V vocabulary.
"""

from collections.abc import Mapping

import numpy as np

from lmcourse.reference.attention import causal_mask
from lmcourse.reference.block import stack
from lmcourse.reference.embedding import embedding
from lmcourse.reference.feedforward import gelu
from lmcourse.reference.linear import linear
from lmcourse.reference.normalization import normalize
from lmcourse.reference.positions import embed


def gpt(
    ids: np.ndarray,
    weights: Mapping,
    heads: int,
    *,
    positions: str = "learned",
    rotary_base: float = 10000.0,
    **options,
) -> np.ndarray:
    """Score the next token at every place, from what came before it: `(..., T) -> (..., T, V)`.

    GPT-2 is the default; Llama has `positions="rotary", norm="rms", activation="swiglu"`, no
    biases, and often fewer `kv_heads`.

    Args:
        ids: the text.
        weights: those of `embed` and of `stack`; and "output" `(D, V)`. Without it the table of
            tokens serves twice ("tied"): a score is the product of the last vector with a token's.
        heads: how many heads each block has.
        positions, rotary_base: as in `embed` and `rotate`.
        options: `kv_heads`, `activation`, `norm`, `epsilon`, `post_norm`, as in `block`.

    Raises:
        TypeError, ValueError: as `embed` and `block` do.

    Example:
        >>> weights = {"tokens": np.eye(3), "blocks": []}   # no block: each token sees itself
        >>> gpt(np.array([2, 0]), weights, heads=1, positions="rotary")
        array([[0., 0., 1.],
               [1., 0., 0.]])

    Reference: Radford et al. (2019), "Language models are unsupervised multitask learners";
        Touvron et al. (2023), "Llama: open and efficient foundation language models"; Press & Wolf
        (2017), "Using the output embedding to improve language models", for tied weights.
    """
    x = embed(ids, weights, positions)
    rotary = rotary_base if positions == "rotary" else None
    x, _ = stack(x, weights, heads, mask=causal_mask(x.shape[-2]), rotary=rotary, **options)
    return x @ weights.get("output", weights["tokens"].T)


def bert(
    ids: np.ndarray,
    weights: Mapping,
    heads: int,
    *,
    segments: np.ndarray | None = None,
    mask: np.ndarray | None = None,
    activation: str = "gelu_exact",
    epsilon: float = 1e-12,
    post_norm: bool = True,
) -> np.ndarray:
    """Read a text from both sides and give every place a vector: `(..., T) -> (..., T, D)`.

    Args:
        ids: the text, with holes where a token is masked.
        weights: those of `embed` and of `stack`, "first_norm" (see `normalize`), and, if the
            model tells two sentences apart, "segments" `(2, D)`.
        heads: how many heads each block has.
        segments: 0 for the first sentence, 1 for the second, `(..., T)`; all 0 if left out.
        mask: True = a real token, False = padding, `(..., T)`: nobody looks at padding.
        activation, epsilon, post_norm: as in `block`.

    Raises:
        TypeError, ValueError: as `embed` and `block` do.

    Example:
        >>> norm = {"scale": np.ones(2), "offset": np.zeros(2)}
        >>> weights = {"tokens": np.eye(2), "positions": np.zeros((9, 2)), "first_norm": norm}
        >>> bert(np.array([1, 0]), weights | {"blocks": []}, heads=1)   # mean 1/2, deviation 1/2
        array([[-1.,  1.],
               [ 1., -1.]])

    Reference: Devlin, Chang, Lee & Toutanova (2019), "BERT: pre-training of deep bidirectional
        Transformers for language understanding".
    """
    x = embed(ids, weights)
    if "segments" in weights:
        x = x + embedding(np.zeros_like(ids) if segments is None else segments, weights["segments"])
    x = normalize(x, weights["first_norm"], "layer", epsilon)
    mask = None if mask is None else np.asarray(mask)[..., None, :]
    options = {"activation": activation, "epsilon": epsilon, "post_norm": post_norm}
    return stack(x, weights, heads, mask=mask, **options)[0]


def bert_head(x: np.ndarray, weights: Mapping, epsilon: float = 1e-12) -> np.ndarray:
    """Score which token stood at every place: `(..., T, D) -> (..., T, V)`.

    One more layer, `normalize(gelu(x W + b))`, then the product with every token's vector.

    Args:
        x: the vectors that `bert` gives.
        weights: "tokens" `(V, D)`, the table of the encoder; "dense" `(D, D)` and "dense_bias";
            "head_norm" (see `normalize`); "tokens_bias" `(V,)`.
        epsilon: of the norm.

    Raises:
        ValueError: if the shapes do not fit.

    Example:
        >>> weights = {"tokens": np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])}
        >>> weights |= {"tokens_bias": np.array([0.0, 0.0, 0.5]), "dense": np.eye(2)}
        >>> weights |= {"head_norm": {"scale": np.ones(2), "offset": np.zeros(2)}}
        >>> bert_head(np.array([[5.0, -5.0]]), weights).round(3)   # normalised to (1, -1)
        array([[ 1. , -1. ,  0.5]])

    Reference: Devlin, Chang, Lee & Toutanova (2019), "BERT"; the layer as in their published code.
    """
    x = gelu(linear(x, weights, "dense"), exact=True)
    x = normalize(x, weights["head_norm"], "layer", epsilon)
    return x @ weights["tokens"].T + weights["tokens_bias"]


def encoder_decoder(
    source: np.ndarray,
    target: np.ndarray,
    weights: Mapping[str, Mapping],
    heads: int,
    *,
    source_mask: np.ndarray | None = None,
    positions: str = "sinusoidal",
    rotary_base: float = 10000.0,
    **options,
) -> np.ndarray:
    """Score the next target token from the source and what is written: `(..., T) -> (..., T, V)`.

    The encoder reads the source from both sides; in each of its blocks the decoder looks back at
    what it has written, and across at what the encoder made of the source.

    Args:
        source: ids of the source text, `(..., S)`.
        target: ids of the target text, one step behind: at place t the model scores token t + 1.
        weights: "encoder" and "decoder", each as for `embed` and `stack`; the decoder's blocks have
            cross-attention, and it may have "output" `(D, V)` of its own.
        heads: how many heads each block has.
        source_mask: True = a real token of the source, `(..., S)`.
        positions, rotary_base: as in `embed` and `rotate`; across, nothing is rotated.
        options: `kv_heads`, `activation`, `norm`, `epsilon`, `post_norm`, as in `block`. The model
            of 2017 has `post_norm=True`.

    Raises:
        TypeError, ValueError: as `embed` and `block` do.

    Example:
        >>> side = {"tokens": np.eye(2), "positions": np.zeros((9, 2)), "blocks": []}
        >>> ids = np.array([1, 0, 0])
        >>> weights = {"encoder": side, "decoder": side}
        >>> encoder_decoder(ids, ids[:2], weights, heads=1, positions="learned")
        array([[0., 1.],
               [1., 0.]])

    Reference: Vaswani et al. (2017), "Attention is all you need".
    """
    encoder, decoder = weights["encoder"], weights["decoder"]
    options["rotary"] = rotary_base if positions == "rotary" else None
    mask = None if source_mask is None else np.asarray(source_mask)[..., None, :]
    memory, _ = stack(embed(source, encoder, positions), encoder, heads, mask=mask, **options)
    x = embed(target, decoder, positions)
    across = {"memory": memory, "memory_mask": mask}
    x, _ = stack(x, decoder, heads, mask=causal_mask(x.shape[-2]), **across, **options)
    return x @ decoder.get("output", decoder["tokens"].T)
