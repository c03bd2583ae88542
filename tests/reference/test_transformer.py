import json
from pathlib import Path

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.reference.attention import causal_mask
from lmcourse.reference.block import stack
from lmcourse.reference.positions import embed
from lmcourse.reference.transformer import bert, bert_head, encoder_decoder, gpt

FIXTURES = Path(__file__).parents[1] / "fixtures"
B, T, S, D, H, K, W, F, V = 2, 6, 5, 8, 6, 3, 4, 11, 13
LLAMA = {"positions": "rotary", "norm": "rms", "activation": "swiglu", "kv_heads": K}
GPTS = {"gpt2": {}, "llama": LLAMA, "2017": {"positions": "sinusoidal", "post_norm": True}}
every_gpt = pytest.mark.parametrize("options", GPTS.values(), ids=GPTS)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def ids(rng):
    return rng.integers(0, V, (B, T))


def weights_of(rng, options=None, blocks=2, cross=False):
    """Random weights of a whole model with these options."""
    options = options or {}

    def arrays(**sizes):
        return {name: rng.normal(0, 0.5, size) for name, size in sizes.items()}

    def norm():
        return arrays(scale=D) if options.get("norm") == "rms" else arrays(scale=D, offset=D)

    def one():
        shared = options.get("kv_heads", H) * W
        sizes = {"query": (D, H * W), "key": (D, shared), "value": (D, shared)}
        parts = {"attention": arrays(**sizes, output=(H * W, D))}
        if cross:
            parts["cross"] = arrays(**sizes, output=(H * W, D))
        parts["feed_forward"] = arrays(up=(D, F), gate=(D, F), down=(F, D))
        return parts | {f"{part}_norm": norm() for part in parts}

    tables = arrays(tokens=(V, D), positions=(T, D))
    return tables | {"blocks": [one() for _ in range(blocks)], "norm": norm()}


def published(family):
    """Weights and outputs of a tiny random model of Hugging Face: tests/models/hugging_face.py."""
    with np.load(FIXTURES / f"{family}.npz") as file:
        arrays = {name.removeprefix("weights/"): file[name] for name in file}
    return arrays, json.loads(str(arrays["shape"]))


def laid_out(arrays, prefix, names, transpose=True):
    """Find each array by its published name, kernels as (in, out)."""
    found = {}
    for ours, theirs in names.items():
        kernel = arrays[f"{prefix}{theirs}.weight"]
        found[ours] = kernel.T if transpose else kernel
        if f"{prefix}{theirs}.bias" in arrays:
            found[f"{ours}_bias"] = arrays[f"{prefix}{theirs}.bias"]
    return found


def norm_of(arrays, name):
    found = {"scale": arrays[f"{name}.weight"]}
    return found | ({"offset": arrays[f"{name}.bias"]} if f"{name}.bias" in arrays else {})


def test_a_published_gpt2_gives_the_same_logits():
    arrays, shape = published("gpt2")
    weights = {"blocks": [], "norm": norm_of(arrays, "transformer.ln_f")}
    weights["tokens"] = arrays["transformer.wte.weight"]
    weights["positions"] = arrays["transformer.wpe.weight"]
    for n in range(shape["n_layer"]):
        layer = f"transformer.h.{n}."
        attention = laid_out(arrays, layer, {"output": "attn.c_proj"}, transpose=False)
        for kind, ending in {"weight": "", "bias": "_bias"}.items():
            thirds = np.split(arrays[f"{layer}attn.c_attn.{kind}"], 3, axis=-1)
            for name, third in zip(("query", "key", "value"), thirds, strict=True):
                attention[name + ending] = third
        names = {"up": "mlp.c_fc", "down": "mlp.c_proj"}
        weights["blocks"].append(
            {
                "attention": attention,
                "attention_norm": norm_of(arrays, f"{layer}ln_1"),
                "feed_forward": laid_out(arrays, layer, names, transpose=False),
                "feed_forward_norm": norm_of(arrays, f"{layer}ln_2"),
            }
        )
    logits = gpt(arrays["ids"], weights, shape["n_head"])
    assert_allclose(logits, arrays["logits"], atol=1e-4)


def test_a_published_llama_gives_the_same_logits():
    arrays, shape = published("llama")
    weights = {"blocks": [], "norm": norm_of(arrays, "model.norm")}
    weights["tokens"] = arrays["model.embed_tokens.weight"]
    weights["output"] = arrays["lm_head.weight"].T
    for n in range(shape["num_hidden_layers"]):
        layer = f"model.layers.{n}."
        names = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "output": "o_proj"}
        bends = {name: f"mlp.{name}_proj" for name in ("up", "gate", "down")}
        weights["blocks"].append(
            {
                "attention": laid_out(arrays, f"{layer}self_attn.", names),
                "attention_norm": norm_of(arrays, f"{layer}input_layernorm"),
                "feed_forward": laid_out(arrays, layer, bends),
                "feed_forward_norm": norm_of(arrays, f"{layer}post_attention_layernorm"),
            }
        )
    options = LLAMA | {"kv_heads": shape["num_key_value_heads"], "epsilon": 1e-6}
    logits = gpt(
        arrays["ids"],
        weights,
        shape["num_attention_heads"],
        rotary_base=shape["rope_theta"],
        **options,
    )
    assert_allclose(logits, arrays["logits"], atol=1e-4)


def test_a_published_bert_gives_the_same_logits():
    arrays, shape = published("bert")
    tables = {"tokens": "word", "positions": "position", "segments": "token_type"}
    weights = {
        ours: arrays[f"bert.embeddings.{theirs}_embeddings.weight"]
        for ours, theirs in tables.items()
    }
    weights |= {"blocks": [], "first_norm": norm_of(arrays, "bert.embeddings.LayerNorm")}
    for n in range(shape["num_hidden_layers"]):
        layer = f"bert.encoder.layer.{n}."
        names = {name: f"attention.self.{name}" for name in ("query", "key", "value")}
        bends = {"up": "intermediate.dense", "down": "output.dense"}
        weights["blocks"].append(
            {
                "attention": laid_out(arrays, layer, names | {"output": "attention.output.dense"}),
                "attention_norm": norm_of(arrays, f"{layer}attention.output.LayerNorm"),
                "feed_forward": laid_out(arrays, layer, bends),
                "feed_forward_norm": norm_of(arrays, f"{layer}output.LayerNorm"),
            }
        )
    head = laid_out(arrays, "cls.predictions.transform.", {"dense": "dense"})
    head["head_norm"] = norm_of(arrays, "cls.predictions.transform.LayerNorm")
    head["tokens_bias"] = arrays["cls.predictions.bias"]
    ids = arrays["ids"]
    heads = shape["num_attention_heads"]
    x = bert(ids, weights, heads, segments=(ids > 20).astype(int), mask=ids != 0)
    assert_allclose(bert_head(x, weights | head), arrays["logits"], atol=1e-4)


@every_gpt
def test_changing_a_future_token_changes_no_earlier_logit(rng, ids, options):
    weights = weights_of(rng, options)
    before = gpt(ids, weights, H, **options)
    ids[:, 4] = (ids[:, 4] + 1) % V
    after = gpt(ids, weights, H, **options)
    assert_array_equal(after[:, :4], before[:, :4])
    assert (after[:, 4:] != before[:, 4:]).all()


@every_gpt
def test_the_beginning_of_a_text_scores_as_it_does_alone(rng, ids, options):
    weights = weights_of(rng, options)
    whole = gpt(ids, weights, H, **options)
    assert_allclose(gpt(ids[:, :3], weights, H, **options), whole[:, :3])
    assert_allclose(gpt(ids[1], weights, H, **options), whole[1])


@every_gpt
def test_every_scheme_of_positions_tells_one_order_from_another(rng, options):
    weights = weights_of(rng, options)
    ids, swapped = np.array([3, 1, 4, 5]), np.array([1, 3, 4, 5])
    # in one block the last place would see the same set of vectors, were it not for positions
    one, other = (gpt(text, weights, H, **options)[-1] for text in (ids, swapped))
    assert np.abs(one - other).max() > 1e-3


def test_a_slower_base_turns_otherwise(rng, ids):
    weights = weights_of(rng, LLAMA)
    slow = gpt(ids, weights, H, rotary_base=1e6, **LLAMA)
    assert np.abs(slow - gpt(ids, weights, H, **LLAMA)).max() > 1e-3


def test_tied_weights_are_the_table_and_untied_ones_are_not(rng, ids):
    weights = weights_of(rng)
    tied = gpt(ids, weights, H)
    assert_array_equal(gpt(ids, weights | {"output": weights["tokens"].T}, H), tied)
    assert_allclose(gpt(ids, weights | {"output": 2 * weights["tokens"].T}, H), 2 * tied)


def test_a_text_longer_than_the_context_is_an_error(rng):
    with pytest.raises(ValueError, match="longer than its table of positions, 6. Received: 7"):
        gpt(np.zeros(T + 1, int), weights_of(rng), H)


def test_ids_must_be_integers_in_the_vocabulary(rng):
    with pytest.raises(ValueError, match="13"):
        gpt(np.array([0, V]), weights_of(rng), H)
    with pytest.raises(TypeError, match="float64"):
        gpt(np.array([0.0]), weights_of(rng), H)


def test_bert_sees_both_sides_and_no_padding(rng, ids):
    weights = weights_of(rng)
    weights["first_norm"] = weights["norm"]
    real = np.arange(T) < np.array([[T], [4]])
    x = bert(ids, weights, H, mask=real)
    other = ids.copy()
    other[:, 3] = (other[:, 3] + 1) % V
    assert (bert(other, weights, H, mask=real)[:, 0] != x[:, 0]).all()
    other = np.where(real, ids, (ids + 1) % V)
    assert_array_equal(bert(other, weights, H, mask=real)[real], x[real])
    assert_allclose(bert(ids[1, :4], weights, H), x[1, :4])


def test_segments_count_as_the_first_unless_told(rng, ids):
    weights = weights_of(rng)
    weights |= {"first_norm": weights["norm"], "segments": rng.normal(size=(2, D))}
    x = bert(ids, weights, H)
    assert_array_equal(bert(ids, weights, H, segments=np.zeros_like(ids)), x)
    assert np.abs(bert(ids, weights, H, segments=np.ones_like(ids)) - x).max() > 1e-3


def translator(rng, options=None):
    return {"encoder": weights_of(rng, options), "decoder": weights_of(rng, options, 1, cross=True)}


@every_gpt
def test_a_decoder_sees_all_of_the_source_and_no_later_target(rng, ids, options):
    weights, source = translator(rng, options), rng.integers(0, V, (B, S))
    before = encoder_decoder(source, ids, weights, H, **options)
    assert before.shape == (B, T, V)
    later = ids.copy()
    later[:, 4] = (later[:, 4] + 1) % V
    after = encoder_decoder(source, later, weights, H, **options)
    assert_array_equal(after[:, :4], before[:, :4])
    assert (after[:, 4:] != before[:, 4:]).all()
    source[:, -1] = (source[:, -1] + 1) % V
    assert (encoder_decoder(source, ids, weights, H, **options) != before).all()


@every_gpt
def test_the_encoder_reads_both_sides_and_the_decoder_has_tables_of_its_own(rng, ids, options):
    weights, source = translator(rng, options), rng.integers(0, V, (B, S))
    encoder, decoder = weights["encoder"], weights["decoder"]
    blocks = {name: value for name, value in options.items() if name != "positions"}
    blocks["rotary"] = 10000.0 if options.get("positions") == "rotary" else None
    positions = options.get("positions", "sinusoidal")
    memory, _ = stack(embed(source, encoder, positions), encoder, H, **blocks)
    x = embed(ids, decoder, positions)
    x, _ = stack(x, decoder, H, mask=causal_mask(T), memory=memory, **blocks)
    logits = encoder_decoder(source, ids, weights, H, **options)
    assert_allclose(logits, x @ decoder["tokens"].T)
    scores = {"decoder": decoder | {"output": decoder["tokens"].T * 2}}
    assert_allclose(encoder_decoder(source, ids, weights | scores, H, **options), 2 * logits)


def test_a_padded_source_translates_as_it_does_alone(rng, ids):
    weights, source = translator(rng), rng.integers(0, V, (B, S))
    real = np.arange(S) < np.array([[S], [2]])
    logits = encoder_decoder(source, ids, weights, H, source_mask=real)
    assert_allclose(encoder_decoder(source[1, :2], ids[1], weights, H), logits[1])
    assert_allclose(encoder_decoder(source[0], ids[0], weights, H), logits[0])


def test_rotary_positions_reach_encoder_and_decoder(rng, ids):
    weights, source = translator(rng, LLAMA), rng.integers(0, V, (B, S))
    logits = encoder_decoder(source, ids, weights, H, **LLAMA)
    slow = encoder_decoder(source, ids, weights, H, rotary_base=1e6, **LLAMA)
    assert np.abs(slow - logits).max() > 1e-3
    shuffled = encoder_decoder(source[:, ::-1], ids, weights, H, **LLAMA)
    assert np.abs(shuffled - logits).max() > 1e-3
