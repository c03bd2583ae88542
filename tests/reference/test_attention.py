import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.attention import (
    attention,
    attention_backward,
    causal_mask,
    join_heads,
    multi_head,
    split_heads,
)
from lmcourse.reference.positions import rotate

B, T, S, D, H, K, W = 2, 5, 7, 10, 6, 3, 4

MASKS = {
    "no mask": None,
    "one for all": np.tri(T, S, dtype=bool),
    "padding": (np.arange(S) < np.array([[4], [1]]))[:, None, :],
    "each its own": np.random.default_rng(7).random((B, T, S)) < 0.5,
}
MASKS["each its own"][..., 2] = True
every_mask = pytest.mark.parametrize("mask", MASKS.values(), ids=MASKS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def qkv(rng):
    return [rng.normal(size=shape) for shape in [(B, T, W), (B, S, W), (B, S, W + 1)]]


def weights_of(rng, kv_heads, bias=True):
    sizes = {"query": (D, H * W), "key": (D, kv_heads * W), "value": (D, kv_heads * W)}
    sizes["output"] = (H * W, D)
    biases = {f"{name}_bias": size[1:] for name, size in sizes.items()} if bias else {}
    return {name: rng.normal(0, 0.5, size) for name, size in (sizes | biases).items()}


def one_at_a_time(x, memory, weights, kv_heads, mask, rotary):
    """The formula of multi_head for one text, a loop over heads and places."""
    q, k, v = (
        source @ weights[name] + weights[f"{name}_bias"]
        for name, source in {"query": x, "key": memory, "value": memory}.items()
    )
    found = np.zeros((len(x), H * W))
    for h in range(H):
        mine, asked = slice(h * W, (h + 1) * W), h // (H // kv_heads)
        theirs = slice(asked * W, (asked + 1) * W)
        for t in range(len(x)):
            powers = np.zeros(len(memory))
            for s in np.flatnonzero(mask[t]):
                ask, key = q[t, mine], k[s, theirs]
                if rotary is not None:
                    ask, key = rotate(ask[None], t, rotary)[0], rotate(key[None], s, rotary)[0]
                powers[s] = np.exp(ask @ key / W**0.5)
            found[t, mine] = powers / powers.sum() @ v[:, theirs]
    return found @ weights["output"] + weights["output_bias"]


def test_two_keys_by_hand():
    # width 4, so scores are halved: 2 log 3 / 2 = log 3; e^0 : e^log 3 = 1 : 3
    q = [[1.0, 0.0, 0.0, 0.0]]
    k = [[0.0, 9.0, 0.0, 0.0], [2 * np.log(3), 0.0, 0.0, 9.0]]
    outputs, cache = attention(q, k, [[0.0, 4.0], [8.0, 0.0]])
    assert_allclose(cache["weights"], [[1 / 4, 3 / 4]])
    assert_allclose(outputs, [[6, 1]])
    outputs, cache = attention(q, k, [[0.0, 4.0], [8.0, 0.0]], np.array([[True, False]]))
    assert_array_equal(cache["weights"], [[1, 0]])
    assert_array_equal(outputs, [[0, 4]])


def test_slopes_of_two_keys_by_hand():
    _, cache = attention([[1.0]], [[0.0], [np.log(3)]], [[0.0], [8.0]])
    d_q, d_k, d_v = attention_backward(np.array([[1.0]]), cache)
    # scores: 1/4 (0 - 6) = -1.5 and 3/4 (8 - 6) = 1.5
    assert_allclose(d_q, [[1.5 * np.log(3)]])
    assert_allclose(d_k, [[-1.5], [1.5]])
    assert_allclose(d_v, [[1 / 4], [3 / 4]])


@every_mask
def test_every_slope_is_what_finite_differences_measure(rng, qkv, mask):
    outputs, cache = attention(*qkv, mask)
    d_outputs, step = rng.normal(size=outputs.shape), 1e-5
    for slopes, array in zip(attention_backward(d_outputs, cache), qkv, strict=True):
        measured = np.zeros_like(array)
        for place in np.ndindex(array.shape):
            value = array[place]
            array[place] = value + step
            above = (attention(*qkv, mask)[0] * d_outputs).sum()
            array[place] = value - step
            below = (attention(*qkv, mask)[0] * d_outputs).sum()
            array[place] = value
            measured[place] = (above - below) / (2 * step)
        assert_allclose(slopes, measured, atol=1e-6, rtol=0)


@every_mask
def test_every_row_of_weights_sums_to_one_and_skips_what_is_masked(qkv, mask):
    weights = attention(*qkv, mask)[1]["weights"]
    assert_allclose(weights.sum(axis=-1), 1)
    allowed = np.broadcast_to(True if mask is None else mask, weights.shape)
    assert_array_equal(weights > 0, allowed)


def test_the_order_of_what_is_asked_changes_nothing(rng, qkv):
    q, k, v = qkv
    order, mask = rng.permutation(S), MASKS["each its own"]
    shuffled, _ = attention(q, k[:, order], v[:, order], mask[..., order])
    assert_allclose(shuffled, attention(q, k, v, mask)[0])


def test_what_is_masked_may_be_anything(qkv):
    mask = MASKS["padding"]
    outputs, _ = attention(*qkv, mask)
    hidden = ~np.broadcast_to(mask, (B, T, S))[:, 0]
    for array in qkv[1:]:
        array[hidden] = 1e6
    assert_array_equal(attention(*qkv, mask)[0], outputs)


def test_heads_are_cut_and_joined_without_loss(rng):
    x = rng.normal(size=(B, T, H * W))
    heads = split_heads(x, H)
    assert heads.shape == (B, H, T, W)
    assert_array_equal(heads[1, 2, 3], x[1, 3, 2 * W : 3 * W])
    assert_array_equal(join_heads(heads), x)


@pytest.mark.parametrize("kv_heads", [H, K, 1])
@pytest.mark.parametrize("rotary", [None, 50.0])
@every_mask
def test_many_heads_are_the_formula_one_head_and_place_at_a_time(rng, kv_heads, rotary, mask):
    x, memory = rng.normal(size=(B, T, D)), rng.normal(size=(B, S, D))
    weights = weights_of(rng, kv_heads)
    outputs, _ = multi_head(x, weights, H, kv_heads, memory=memory, mask=mask, rotary=rotary)
    full = np.broadcast_to(True if mask is None else mask, (B, T, S))
    for b in range(B):
        slow = one_at_a_time(x[b], memory[b], weights, kv_heads, full[b], rotary)
        assert_allclose(outputs[b], slow)


def test_without_a_memory_a_text_asks_itself(rng):
    x, weights = rng.normal(size=(B, T, D)), weights_of(rng, H, bias=False)
    assert_array_equal(multi_head(x, weights, H)[0], multi_head(x, weights, H, memory=x)[0])


def test_one_group_for_each_head_is_no_grouping(rng):
    x, weights = rng.normal(size=(B, T, D)), weights_of(rng, K)
    repeated = dict(weights)
    for name in ("key", "value", "key_bias", "value_bias"):
        cut = weights[name].reshape(*weights[name].shape[:-1], K, W)
        repeated[name] = np.repeat(cut, H // K, axis=-2).reshape(*cut.shape[:-2], H * W)
    assert_allclose(multi_head(x, weights, H, K)[0], multi_head(x, repeated, H)[0])


@pytest.mark.parametrize("rotary", [None, 10.0])
def test_the_future_cannot_be_seen(rng, rotary):
    x, weights = rng.normal(size=(B, T, D)), weights_of(rng, K)
    options = {"mask": causal_mask(T), "rotary": rotary}
    before, _ = multi_head(x, weights, H, K, **options)
    x[:, 3] += 1
    after, _ = multi_head(x, weights, H, K, **options)
    assert_array_equal(after[:, :3], before[:, :3])
    assert (after[:, 3:] != before[:, 3:]).all()


def test_with_rotary_positions_only_distances_count(rng):
    x, weights = rng.normal(size=(T, D)), weights_of(rng, H)
    longer = np.concatenate([rng.normal(size=(3, D)), x])
    behind = np.ones((T + 3, T + 3), bool)
    behind[3:, :3] = False  # the text stands three places later, and does not see the new ones
    later, _ = multi_head(longer, weights, H, mask=behind, rotary=50.0)
    assert_allclose(later[3:], multi_head(x, weights, H, rotary=50.0)[0])


def test_any_leading_axes_will_do(rng):
    x, weights = rng.normal(size=(2, 3, T, D)), weights_of(rng, K)
    outputs, cache = multi_head(x, weights, H, K, mask=causal_mask(T))
    assert cache["weights"].shape == (2, 3, H, T, T)
    assert_allclose(outputs[1, 2], multi_head(x[1, 2], weights, H, K, mask=causal_mask(T))[0])


def of_keras(layer, weights):
    """Copy our weights into an attention layer of Keras that is built."""
    for variable in layer.weights:
        part, kind = variable.path.split("/")[-2:]
        name = part.removeprefix("attention_") + ("_bias" if kind == "bias" else "")
        variable.assign(weights[name].reshape(variable.shape))
    return layer


@every_mask
def test_keras_attends_the_same(rng, mask):
    import keras

    x, memory, weights = rng.normal(size=(B, T, D)), rng.normal(size=(B, S, D)), weights_of(rng, H)
    layer = keras.layers.MultiHeadAttention(H, W, dtype="float64")
    layer.build(x.shape, memory.shape)
    full = None if mask is None else np.broadcast_to(mask, (B, T, S))
    theirs, scores = of_keras(layer, weights)(
        x, memory, attention_mask=full, return_attention_scores=True
    )
    outputs, cache = multi_head(x, weights, H, memory=memory, mask=mask)
    assert_allclose(outputs, keras.ops.convert_to_numpy(theirs), atol=1e-5)
    assert_allclose(cache["weights"], keras.ops.convert_to_numpy(scores), atol=1e-5)


@every_mask
def test_keras_groups_queries_the_same(rng, mask):
    import keras

    x, memory, weights = rng.normal(size=(B, T, D)), rng.normal(size=(B, S, D)), weights_of(rng, K)
    layer = keras.layers.GroupQueryAttention(W, H, K, dtype="float64")
    layer.build(x.shape, memory.shape)
    full = None if mask is None else np.broadcast_to(mask, (B, T, S))
    theirs = of_keras(layer, weights)(x, memory, attention_mask=full)
    outputs, _ = multi_head(x, weights, H, K, memory=memory, mask=mask)
    assert_allclose(outputs, keras.ops.convert_to_numpy(theirs), atol=1e-5)


def test_a_query_that_may_look_nowhere_is_named(qkv):
    mask = np.ones((B, T, S), bool)
    mask[1, 3] = False
    with pytest.raises(ValueError, match=r"at one place at least. Received: .* row \(1, 3\)"):
        attention(*qkv, mask)


def test_a_mask_must_be_boolean_and_fit(qkv):
    with pytest.raises(TypeError, match="`mask` must be boolean, True = may look.*int64"):
        attention(*qkv, np.ones((T, S), int))
    with pytest.raises(ValueError, match=r"`mask` must .* \(2, 5, 7\). Received: \(7, 5\)"):
        attention(*qkv, np.ones((S, T), bool))


def test_shapes_that_do_not_fit_are_named(rng, qkv):
    q, k, v = qkv
    shapes = r"must have the shapes \(..., T, W\).*Received: "
    with pytest.raises(ValueError, match=shapes + r"\(2, 5, 4\), \(2, 7, 3\), \(2, 7, 5\)"):
        attention(q, k[..., :3], v)
    with pytest.raises(ValueError, match=shapes + r".*\(2, 6, 5\)"):
        attention(q, k, v[:, :6])
    with pytest.raises(ValueError, match=shapes + r"\(5, 4\)"):
        attention(q[0], k, v)
    with pytest.raises(ValueError, match=shapes + r"\(4,\)"):
        attention(q[0, 0], k[0], v[0])
    weights = weights_of(rng, H)
    with pytest.raises(ValueError, match="`heads` must divide the width. .*heads=5, width=24"):
        multi_head(np.ones((T, D)), weights, 5)
    with pytest.raises(ValueError, match="`kv_heads` must divide `heads`. .*kv_heads=4, heads=6"):
        multi_head(np.ones((T, D)), weights, 6, 4)
