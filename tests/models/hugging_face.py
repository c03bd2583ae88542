"""Make the references of `test_published.py`: tiny models of Hugging Face and their outputs.

Needs the group `bench` (PyTorch, transformers). Writes tests/fixtures/{gpt2,llama,bert}.npz:

    python -m tests.models.hugging_face
"""

import json
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parents[1] / "fixtures"
SHAPES = {
    "gpt2": dict(vocab_size=41, n_positions=12, n_embd=16, n_layer=2, n_head=4),
    "llama": dict(
        vocab_size=41,
        max_position_embeddings=12,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=40,
        rope_theta=5000.0,
        tie_word_embeddings=False,
    ),
    "bert": dict(
        vocab_size=41,
        max_position_embeddings=12,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=40,
    ),
}


def make(family: str, shape: dict, seed: int = 0) -> dict:
    """Build one model from its configuration, with random weights, and run it."""
    import torch
    import transformers as hf

    torch.manual_seed(seed)
    kinds = {
        "gpt2": (hf.GPT2Config, hf.GPT2LMHeadModel),
        "llama": (hf.LlamaConfig, hf.LlamaForCausalLM),
        "bert": (hf.BertConfig, hf.BertForMaskedLM),
    }
    configuration, kind = kinds[family]
    model = kind(configuration(**shape)).eval()
    with torch.no_grad():
        for weight in model.parameters():  # far from where training starts: no part may hide
            weight.copy_(torch.randn_like(weight) * 0.3 + (weight.ndim == 1) * 0.5)
        ids = torch.randint(1, shape["vocab_size"], (3, 12))
        ids[2, 9:] = 0
        given = {"input_ids": ids}
        if family == "bert":
            given |= {"attention_mask": (ids != 0).long(), "token_type_ids": (ids > 20).long()}
        outputs = model(**given).logits
    arrays = {f"weights/{name}": array.numpy() for name, array in model.state_dict().items()}
    return arrays | {"ids": ids.numpy().astype("int32"), "logits": outputs.numpy()}


def write(folder: Path, shapes: dict = SHAPES, seed: int = 0) -> None:
    """Write one file a shape; its name begins with the family."""
    for name, shape in shapes.items():
        arrays = make(name.split("_")[0], shape, seed)
        np.savez_compressed(folder / f"{name}.npz", shape=json.dumps(shape), **arrays)


if __name__ == "__main__":
    write(FOLDER)
