import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.attention import causal_mask, multi_head
from lmcourse.reference.block import block, stack
from lmcourse.reference.feedforward import feed_forward
from lmcourse.reference.normalization import layer_norm, rms_norm

B, T, S, D, H, W, F = 2, 5, 7, 6, 3, 4, 11


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def weights_of(rng, norm="layer", cross=False):
    def arrays(sizes):
        return {name: rng.normal(0, 0.5, size) for name, size in sizes.items()}

    inner = {"query": (D, H * W), "key": (D, H * W), "value": (D, H * W), "output": (H * W, D)}
    bend = {"up": (D, F), "gate": (D, F), "down": (F, D), "up_bias": F, "down_bias": D}
    scales = {"scale": D, "offset": D} if norm == "layer" else {"scale": D}
    parts = ["attention", "cross", "feed_forward"] if cross else ["attention", "feed_forward"]
    weights = {part: arrays(bend if part == "feed_forward" else inner) for part in parts}
    return weights | {f"{part}_norm": arrays(scales) for part in parts}


def test_norm_first_is_the_formula_of_gpt2(rng):
    x, weights, mask = rng.normal(size=(B, T, D)), weights_of(rng), causal_mask(T)
    outputs, cache = block(x, weights, H, mask=mask)
    a = layer_norm(x, **weights["attention_norm"])[0]
    a = x + multi_head(a, weights["attention"], H, mask=mask)[0]
    f = layer_norm(a, **weights["feed_forward_norm"])[0]
    assert_allclose(cache["after_attention"], a)
    assert_allclose(outputs, a + feed_forward(f, weights["feed_forward"], "gelu"))


def test_norm_last_is_the_formula_of_2017_with_a_memory(rng):
    x, memory = rng.normal(size=(B, T, D)), rng.normal(size=(B, S, D))
    weights, mask, seen = weights_of(rng, cross=True), causal_mask(T), np.arange(S) < 4
    options = {"post_norm": True, "activation": "relu", "epsilon": 0.1, "rotary": 50.0}
    outputs, cache = block(x, weights, H, mask=mask, memory=memory, memory_mask=seen, **options)
    a = multi_head(x, weights["attention"], H, mask=mask, rotary=50.0)[0]
    a = layer_norm(x + a, **weights["attention_norm"], epsilon=0.1)[0]
    c = multi_head(a, weights["cross"], H, memory=memory, mask=seen)[0]
    c = layer_norm(a + c, **weights["cross_norm"], epsilon=0.1)[0]
    f = feed_forward(c, weights["feed_forward"], "relu")
    assert_allclose(cache["after_cross"], c)
    assert_allclose(outputs, layer_norm(c + f, **weights["feed_forward_norm"], epsilon=0.1)[0])


def test_norm_first_with_a_memory_normalises_what_asks_and_not_the_memory(rng):
    x, memory = rng.normal(size=(T, D)), rng.normal(size=(S, D))
    weights = weights_of(rng, "rms", cross=True)
    _, cache = block(x, weights, H, memory=memory, norm="rms", activation="swiglu")
    asks = rms_norm(cache["after_attention"], **weights["cross_norm"])[0]
    found, _ = multi_head(asks, weights["cross"], H, memory=memory)
    assert_allclose(cache["after_cross"], cache["after_attention"] + found)


def test_a_part_that_gives_zeros_leaves_the_stream_alone(rng):
    x, weights = rng.normal(size=(B, T, D)), weights_of(rng)
    weights["attention"]["output"][:] = 0
    weights["feed_forward"]["down"][:] = weights["feed_forward"]["down_bias"][:] = 0
    assert_array_equal(block(x, weights, H)[0], x)


@pytest.mark.parametrize("post_norm", [False, True])
@pytest.mark.parametrize("rotary", [None, 50.0])
@pytest.mark.parametrize("norm", ["layer", "rms"])
def test_the_future_cannot_be_seen(rng, post_norm, rotary, norm):
    x, weights = rng.normal(size=(B, T, D)), weights_of(rng, norm)
    options = {"mask": causal_mask(T), "post_norm": post_norm, "rotary": rotary, "norm": norm}
    before, _ = block(x, weights, H, **options)
    x[:, 2] = -x[:, 2]
    after, _ = block(x, weights, H, **options)
    assert_array_equal(after[:, :2], before[:, :2])
    assert (after[:, 2:] != before[:, 2:]).all()


def test_without_positions_a_shuffled_text_gives_shuffled_vectors(rng):
    x, weights, order = rng.normal(size=(T, D)), weights_of(rng), rng.permutation(T)
    assert_allclose(block(x[order], weights, H)[0], block(x, weights, H)[0][order])


def test_a_stack_is_its_blocks_one_after_another_and_a_norm(rng):
    x, blocks = rng.normal(size=(B, T, D)), [weights_of(rng, "rms"), weights_of(rng, "rms")]
    options = {"norm": "rms", "epsilon": 0.1, "activation": "swiglu"}
    outputs, caches = stack(x, {"blocks": blocks}, H, **options)
    once, first = block(x, blocks[0], H, **options)
    twice, second = block(once, blocks[1], H, **options)
    assert_array_equal(outputs, twice)
    for ours, theirs in zip(caches, [first, second], strict=True):
        assert_array_equal(ours["attention"]["weights"], theirs["attention"]["weights"])
    scale = {"scale": rng.normal(size=D)}
    outputs, _ = stack(x, {"blocks": blocks, "norm": scale}, H, **options)
    assert_array_equal(outputs, rms_norm(twice, **scale, epsilon=0.1)[0])


def test_a_memory_without_weights_and_weights_without_a_memory_are_named(rng):
    x = np.ones((T, D))
    with pytest.raises(ValueError, match=r'both a memory and .*"cross".*memory=\(7, 6\), weights'):
        block(x, weights_of(rng), H, memory=np.ones((S, D)))
    with pytest.raises(ValueError, match="or neither. Received: memory=None, weights .*cross"):
        block(x, weights_of(rng, cross=True), H)
