"""Published weights run in our models: outputs of Hugging Face's own code are met to 1e-4."""

import json

import keras
import numpy as np
import pytest

from lmcourse.models.bert import BERT, BERTConfig
from lmcourse.models.gpt import GPT, GPTConfig
from lmcourse.models.published import fill_bert, fill_gpt2, fill_llama
from tests.models.hugging_face import FOLDER


def ours(family, shape):
    """Build our model of the same shape, and name the function that fills it."""
    if family == "gpt2":
        config = GPTConfig(
            vocabulary_size=shape["vocab_size"],
            context_length=shape["n_positions"],
            width=shape["n_embd"],
            layers=shape["n_layer"],
            heads=shape["n_head"],
            hidden=shape.get("n_inner"),
        )
        return GPT(config), fill_gpt2
    common = dict(
        vocabulary_size=shape["vocab_size"],
        context_length=shape["max_position_embeddings"],
        width=shape["hidden_size"],
        layers=shape["num_hidden_layers"],
        heads=shape["num_attention_heads"],
        hidden=shape["intermediate_size"],
    )
    if family == "bert":
        return BERT(BERTConfig(**common, pad_id=0)), fill_bert
    config = GPTConfig(
        **common,
        kv_heads=shape["num_key_value_heads"],
        head_width=shape.get("head_dim"),
        rotary_base=shape["rope_theta"],
        tied=shape["tie_word_embeddings"],
        bias=shape.get("attention_bias", False),
        epsilon=shape.get("rms_norm_eps", 1e-6),
        norm="rms",
        positions="rotary",
        activation="swiglu",
    )
    return GPT(config), fill_llama


def difference(family, reference):
    """Fill our model with the stored weights; give the largest difference from stored outputs."""
    model, fill = ours(family, json.loads(str(reference["shape"])))
    fill(model, weights_of(reference))
    ids = reference["ids"]
    more = {"segments": (ids > 20).astype("int32")} if family == "bert" else {}
    logits = keras.ops.convert_to_numpy(model(ids, **more))
    return abs(logits - reference["logits"]).max()


def weights_of(reference):
    return {
        name.removeprefix("weights/"): reference[name]
        for name in reference
        if name.startswith("weights/")
    }


@pytest.fixture(params=["gpt2", "llama", "bert"])
def family(request):
    return request.param


@pytest.fixture
def reference(family):
    with np.load(FOLDER / f"{family}.npz", allow_pickle=False) as file:
        return dict(file)


def test_our_outputs_are_those_of_hugging_face(family, reference):
    assert difference(family, reference) <= 1e-4


def test_a_missing_weight_is_named(family, reference):
    model, fill = ours(family, json.loads(str(reference["shape"])))
    weights = weights_of(reference)
    name = next(
        name
        for name in weights
        if name.endswith("1.mlp.c_proj.bias")
        or ".1.mlp.up" in name
        or name.endswith("layer.1.output.dense.bias")
    )
    del weights[name]
    with pytest.raises(ValueError, match="must hold every part"):
        fill(model, weights)


def test_a_weight_without_a_place_is_named(family, reference):
    model, fill = ours(family, json.loads(str(reference["shape"])))
    with pytest.raises(ValueError, match="must have a place. Received: .*'adapter'"):
        fill(model, weights_of(reference) | {"adapter": np.zeros(3)})


def test_a_weight_of_another_shape_is_named(family, reference):
    shape = json.loads(str(reference["shape"]))
    model, fill = ours(family, shape | {"vocab_size": 40})
    with pytest.raises(ValueError, match=r"must have the shape \(40, 16\). Received: shape \(41"):
        fill(model, weights_of(reference))
