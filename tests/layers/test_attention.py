"""Attention equals Keras's own layers, with every mask, and refuses what makes no sense."""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras import ops
from numpy.testing import assert_allclose

from lmcourse.layers.attention import Attention, causal_mask, padding_mask
from lmcourse.layers.positions import rotations

B, T, S, D = 2, 5, 7, 12


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def copied(ours, theirs):
    """Copy our weights into a Keras layer that has been called once."""
    pairs = {"query": "_query_dense", "key": "_key_dense", "value": "_value_dense"}
    for name, other in (pairs | {"output_dense": "_output_dense"}).items():
        from_, to = getattr(ours, name), getattr(theirs, other)
        to.kernel.assign(ops.reshape(from_.kernel, to.kernel.shape))
        if from_.use_bias:
            from_.bias.assign(numbers(*from_.bias.shape, seed=len(name)))
            to.bias.assign(ops.reshape(from_.bias, to.bias.shape))
    return theirs


def masks(target, source):
    """Masks of every kind, True = may look, each row with one place at least."""
    some = np.random.default_rng(1).random((B, target, source)) < 0.5
    some[..., 0] = True
    padding = np.ones((B, 1, source), bool)
    padding[1, :, -2:] = False
    kinds = {"none": None, "some": some, "padding": padding, "all": np.ones_like(some)}
    if target == source:
        causal = np.tri(target, dtype=bool)
        kinds |= {"causal": causal, "causal and padding": causal & padding}
    return kinds


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("kv_heads", [4, 2, 1])
@pytest.mark.parametrize("source", [T, S])
def test_attention_equals_keras_with_every_mask(bias, kv_heads, source):
    ours = Attention(heads=4, kv_heads=kv_heads, bias=bias)
    x = numbers(B, T, D)
    memory = x if source == T else numbers(B, S, D - 2, seed=1)
    ours.build(x.shape, memory.shape)
    theirs = keras.layers.GroupQueryAttention(D // 4, 4, kv_heads, use_bias=bias)
    theirs(x, memory)
    copied(ours, theirs)
    for name, mask in masks(T, source).items():
        outputs, weights = ours(x, memory, attention_mask=mask, return_weights=True)
        expected = theirs(x, memory, attention_mask=mask, return_attention_scores=True)
        assert_allclose(outputs, expected[0], atol=1e-5, err_msg=name)
        assert_allclose(weights, expected[1], atol=1e-5, err_msg=name)


@pytest.mark.parametrize("head_width", [3, 5])
def test_attention_with_a_key_per_query_equals_multi_head_attention(head_width):
    ours, x = Attention(heads=4, head_width=head_width), numbers(B, T, D)
    ours.build(x.shape)
    theirs = keras.layers.MultiHeadAttention(4, head_width)
    theirs(x, x)
    copied(ours, theirs)
    for mask in masks(T, T).values():
        assert_allclose(ours(x, attention_mask=mask), theirs(x, x, attention_mask=mask), atol=1e-5)
    causal = theirs(x, x, use_causal_mask=True)
    assert_allclose(ours(x, attention_mask=causal_mask(T)), causal, atol=1e-5)


@given(length=st.integers(2, 12), place=st.integers(0, 11), heads=st.sampled_from([1, 2, 4]))
@settings(max_examples=25, deadline=None)
def test_nobody_sees_the_future(length, place, heads):
    place = place % length
    attention, x = Attention(heads=heads), numbers(1, length, 8, seed=length)
    turns = rotations(length, 8 // heads)
    before = attention(x, attention_mask=causal_mask(length), turns=turns).numpy()
    x[0, place] += 1
    after = attention(x, attention_mask=causal_mask(length), turns=turns).numpy()
    assert_allclose(after[0, :place], before[0, :place], rtol=0, atol=0)
    assert abs(after[0, place] - before[0, place]).max() > 1e-4


def test_attention_by_hand():
    """Two keys, one query: scores 1 and 0 (after the division by root 4), values 1 and 0."""
    attention = Attention(heads=1, bias=False)
    attention.build((None, None, 4))
    for dense in (attention.query, attention.key, attention.value, attention.output_dense):
        dense.kernel.assign(np.eye(4))
    memory = np.array([[[2.0, 0, 0, 0], [0, 0, 0, 0]]])
    x = np.array([[[1.0, 0, 0, 0]]])
    outputs, weights = attention(x, memory, return_weights=True)
    e = np.exp(1)
    assert_allclose(weights.numpy().ravel(), [e / (e + 1), 1 / (e + 1)], rtol=1e-6)
    assert_allclose(outputs.numpy().ravel(), [2 * e / (e + 1), 0, 0, 0], rtol=1e-6)


def test_one_place_to_look_at_gets_all_the_weight():
    outputs, weights = Attention(heads=2)(numbers(3, 1, 4), return_weights=True)
    assert_allclose(weights, np.ones((3, 2, 1, 1)))
    assert outputs.shape == (3, 1, 4)


def test_padding_changes_nothing():
    attention, ids = Attention(heads=2), np.array([[3, 4, 5, 0, 0]])
    x = numbers(1, 5, 4)
    short = attention(x[:, :3])
    padded = attention(x, attention_mask=padding_mask(ids, pad_id=0))
    assert_allclose(padded[:, :3], short, atol=1e-6)


def test_dropout_acts_in_training_alone():
    keras.utils.set_random_seed(0)
    attention, x = Attention(heads=2, dropout=0.5), numbers(1, 6, 4)
    assert_allclose(attention(x), attention(x), rtol=0, atol=0)
    assert abs(attention(x, training=True) - attention(x)).numpy().max() > 1e-3


def test_attention_is_made_again_from_its_config():
    attention = Attention(4, 2, head_width=6, bias=False, dropout=0.1, output="zeros")
    again = Attention.from_config(attention.get_config())
    assert again.config == attention.config
    assert (again(numbers(1, 3, 8)).numpy() == 0).all()  # the last kernel is zeros


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(heads=0), "`heads` must be at least 1. Received: heads=0"),
        (
            dict(heads=4, kv_heads=3),
            "`kv_heads` must divide `heads`. Received: heads=4, kv_heads=3",
        ),
    ],
)
def test_impossible_heads_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        Attention(**arguments)


def test_a_width_that_heads_do_not_divide_is_refused():
    with pytest.raises(ValueError, match="a multiple of `heads`. Received: D=6, heads=4"):
        Attention(4).build((None, None, 6))


def test_a_mask_of_numbers_is_refused():
    with pytest.raises(TypeError, match="must be booleans, True to look. Received: dtype=float32"):
        Attention(2)(numbers(1, 3, 4), attention_mask=np.ones((3, 3), "float32"))


@pytest.mark.parametrize("shape", [(2, 2), (3,), (1, 2, 3), (1, 1, 3, 3)])
def test_a_mask_of_another_shape_is_refused(shape):
    with pytest.raises(ValueError, match=r"the shape \(T, S\) = \(3, 3\) or \(B, 1 or T, S\)"):
        Attention(2)(numbers(1, 3, 4), attention_mask=np.ones(shape, bool))
