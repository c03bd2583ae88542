"""A block adds what its parts find; the norm stands where it was asked for."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.layers.attention import causal_mask
from lmcourse.layers.block import ACTIVATIONS, Block, BlockConfig
from lmcourse.reference.block import block as reference_block

D, H = 8, 2


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def weights_of(ours, cross):
    """Name our weights as the NumPy reference does."""

    def dense(part, *names):
        weights = {}
        for name in names:
            layer = getattr(part, "output_dense" if name == "output" else name)
            weights[name] = layer.kernel.numpy()
            if layer.use_bias:
                weights[f"{name}_bias"] = layer.bias.numpy()
        return weights

    def norm(part):
        offset = getattr(part, "offset", None)
        return {"scale": part.scale.numpy()} | (
            {} if offset is None else {"offset": offset.numpy()}
        )

    gated = ("gate",) if ours.feed_forward.gate is not None else ()
    names = ("attention", "cross") if cross else ("attention",)
    weights = {"feed_forward": dense(ours.feed_forward, "up", "down", *gated)}
    for name in names:
        weights[name] = dense(getattr(ours, name), "query", "key", "value", "output")
    for name in (*names, "feed_forward"):
        weights[f"{name}_norm"] = norm(getattr(ours, f"{name}_norm"))
    return weights


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("norm", ["layer", "rms"])
@pytest.mark.parametrize("post_norm", [False, True])
@pytest.mark.parametrize("cross", [False, True])
def test_a_block_equals_the_reference(activation, norm, post_norm, cross):
    config = BlockConfig(
        width=D,
        heads=H,
        kv_heads=1,
        activation=activation,
        norm=norm,
        post_norm=post_norm,
        bias=norm == "layer",
    )
    ours, x = Block(config, cross=cross), numbers(1, 5, D)
    for n, weight in enumerate(ours.weights):
        weight.assign(numbers(*weight.shape, seed=n))
    memory = numbers(1, 3, D, seed=1) if cross else None
    outputs = ours(x, attention_mask=causal_mask(5), memory=memory)
    expected, _ = reference_block(
        x,
        weights_of(ours, cross),
        H,
        kv_heads=1,
        mask=np.tri(5, dtype=bool),
        memory=memory,
        activation=activation,
        norm=norm,
        post_norm=post_norm,
    )
    assert_allclose(outputs, expected, rtol=1e-5, atol=1e-5 * abs(expected).max())


@pytest.mark.parametrize("cross", [False, True])
def test_a_memory_and_cross_attention_need_each_other(cross):
    memory = None if cross else numbers(1, 2, D)
    with pytest.raises(ValueError, match=f"must get a memory.* Received: cross={cross}, memory="):
        Block(BlockConfig(width=D, heads=H), cross=cross)(numbers(1, 3, D), memory=memory)
