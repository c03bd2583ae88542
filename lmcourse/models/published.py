"""Put published weights into our GPT and BERT: which array goes where, by its published name.

The names are those of Hugging Face, which most weights are published under. Knows no file format:
the weights come as a mapping of names to arrays, or to what makes itself an array when asked.
"""

import re
from collections.abc import Mapping

import keras
import numpy as np

from lmcourse.models.bert import BERT
from lmcourse.models.gpt import GPT

Weights = Mapping[str, np.ndarray]

LLAMA = {
    "embedding.tokens": "embed_tokens",
    "norm": "norm",
    "head": "lm_head",
    "attention_norm": "layers.{}.input_layernorm",
    "attention.query": "layers.{}.self_attn.q_proj",
    "attention.key": "layers.{}.self_attn.k_proj",
    "attention.value": "layers.{}.self_attn.v_proj",
    "attention.output_dense": "layers.{}.self_attn.o_proj",
    "feed_forward_norm": "layers.{}.post_attention_layernorm",
    "feed_forward.gate": "layers.{}.mlp.gate_proj",
    "feed_forward.up": "layers.{}.mlp.up_proj",
    "feed_forward.down": "layers.{}.mlp.down_proj",
}
GPT2 = {
    "embedding.tokens": "wte",
    "embedding.positions": "wpe",
    "norm": "ln_f",
    "head": "lm_head",
    "attention_norm": "h.{}.ln_1",
    "attention.query": "h.{}.attn.query",
    "attention.key": "h.{}.attn.key",
    "attention.value": "h.{}.attn.value",
    "attention.output_dense": "h.{}.attn.c_proj",
    "feed_forward_norm": "h.{}.ln_2",
    "feed_forward.up": "h.{}.mlp.c_fc",
    "feed_forward.down": "h.{}.mlp.c_proj",
}
BERT_NAMES = {
    "embedding.tokens": "embeddings.word_embeddings",
    "embedding.positions": "embeddings.position_embeddings",
    "segments": "embeddings.token_type_embeddings",
    "first_norm": "embeddings.LayerNorm",
    "attention.query": "encoder.layer.{}.attention.self.query",
    "attention.key": "encoder.layer.{}.attention.self.key",
    "attention.value": "encoder.layer.{}.attention.self.value",
    "attention.output_dense": "encoder.layer.{}.attention.output.dense",
    "attention_norm": "encoder.layer.{}.attention.output.LayerNorm",
    "feed_forward.up": "encoder.layer.{}.intermediate.dense",
    "feed_forward.down": "encoder.layer.{}.output.dense",
    "feed_forward_norm": "encoder.layer.{}.output.LayerNorm",
}
BERT_HEAD = {
    "head": "cls.predictions.transform.dense",
    "head_norm": "cls.predictions.transform.LayerNorm",
    "head_bias": "cls.predictions.bias",
}
# What the files hold besides weights, and what our models do without.
NOT_NEEDED = re.compile(
    r"masked_bias|\.attn\.bias$|rotary_emb|position_ids|pooler|decoder\.|seq_rel"
)


def fill_llama(model: GPT, weights: Weights) -> None:
    """Give a GPT with rotary positions the weights of a Llama.

    Raises:
        ValueError: if a weight is missing, has another shape, or is left over.
    """
    _fill(model, _without(weights, "model."), LLAMA)


def fill_gpt2(model: GPT, weights: Weights) -> None:
    """Give a GPT with learned positions the weights of a GPT-2.

    GPT-2's kernels lie as ours do, (in, out), and hold queries, keys and values side by side.

    Raises:
        ValueError: as `fill_llama`.
    """
    laid_out = {}
    for name, array in _without(weights, "transformer.").items():
        array = np.asarray(array)
        if ".c_attn." in name:
            parts = np.split(array, 3, axis=-1)
            for part, third in zip(("query", "key", "value"), parts, strict=True):
                laid_out[name.replace("c_attn", part)] = third.T
        else:
            is_kernel = array.ndim == 2 and ".c_" in name
            laid_out[name] = array.T if is_kernel else array
    _fill(model, laid_out, GPT2)


def fill_bert(model: BERT, weights: Weights) -> None:
    """Give a BERT the weights of an encoder and, where the file has one, of its masked-word head.

    Raises:
        ValueError: as `fill_llama`.
    """
    weights = _without(weights, "bert.")
    has_head = any(name.startswith("cls.") for name in weights)
    _fill(model, weights, BERT_NAMES | (BERT_HEAD if has_head else {}))


def _without(weights, prefix):
    return {
        name.removeprefix(prefix): array
        for name, array in weights.items()
        if not NOT_NEEDED.search(name)
    }


def _fill(model, weights, names):
    """Assign every weight that our parts have, and see to it that none is missing or left over."""
    left = dict(weights)
    if getattr(model, "head", None) is None:
        left.pop("lm_head.weight", None)  # tied: the table again
    for ours, theirs in names.items():
        for n, owner in enumerate(model.blocks) if "{}" in theirs else [(0, model)]:
            part = owner
            for step in ours.split("."):
                part = getattr(part, step)
            if part is not None:
                _assign(part, left, theirs.format(n))
    if left:
        raise ValueError(f"Every weight must have a place. Received: {sorted(left)[:3]} too many")


def _assign(part, left, name):
    if isinstance(part, keras.layers.Dense):
        places = {"weight": part.kernel, "bias": part.bias}
    elif isinstance(part, keras.layers.Layer):
        places = {"weight": part.scale, "bias": getattr(part, "offset", None)}
    else:  # a table or a bias by itself
        places = {"": part} if name in left else {"weight": part}
    for ending, place in places.items():
        if place is None:
            continue
        full = f"{name}.{ending}".rstrip(".")
        if full not in left:
            raise ValueError(f"The weights must hold every part. Received: no {full!r}")
        array = np.asarray(left.pop(full))
        array = array.T if isinstance(part, keras.layers.Dense) and ending == "weight" else array
        if array.shape != tuple(place.shape):
            raise ValueError(
                f"{full!r} must have the shape {tuple(place.shape)}. Received: shape {array.shape}"
            )
        place.assign(array)
