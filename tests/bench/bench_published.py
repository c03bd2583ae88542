"""How far our outputs are from those of Hugging Face's code, live, on shapes that no file holds.

The models are made and run in a process of their own: TensorFlow and PyTorch can't share one.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from tests.models.hugging_face import SHAPES
from tests.models.test_published import difference

GPT2, LLAMA, BERT = (SHAPES[family] for family in ("gpt2", "llama", "bert"))
OTHERS = {
    "gpt2_wide": GPT2 | dict(n_embd=48, n_head=3, n_layer=3, n_inner=100),
    "gpt2_one": GPT2 | dict(n_embd=8, n_head=1, n_layer=1, vocab_size=57),
    "llama_tied": LLAMA | dict(tie_word_embeddings=True, num_key_value_heads=1),
    "llama_full": LLAMA | dict(num_key_value_heads=4, rope_theta=10_000.0, rms_norm_eps=1e-5),
    "llama_biased": LLAMA | dict(attention_bias=True, mlp_bias=True),
    "llama_heads": LLAMA | dict(head_dim=8, num_hidden_layers=3),
    "llama_long": LLAMA | dict(rope_theta=500_000.0, hidden_size=48, num_attention_heads=6),
    "bert_deep": BERT | dict(num_hidden_layers=4, hidden_size=24, num_attention_heads=2),
    "bert_one": BERT | dict(num_hidden_layers=1, num_attention_heads=1, intermediate_size=8),
}


def measure() -> list[dict]:
    """Give, for each shape, the largest difference between any two scores."""
    with TemporaryDirectory() as folder:
        code = (
            "import json, sys; from pathlib import Path\n"
            "from tests.models.hugging_face import write\n"
            "write(Path(sys.argv[1]), json.loads(sys.argv[2]), seed=1)"
        )
        subprocess.run([sys.executable, "-c", code, folder, json.dumps(OTHERS)], check=True)
        return [_row(name, Path(folder) / f"{name}.npz") for name in OTHERS]


def _row(name, path):
    with np.load(path, allow_pickle=False) as file:
        value = difference(name.split("_")[0], dict(file))
    label = f"{name}: largest difference from Hugging Face"
    return {"name": label, "value": value, "unit": "", "bound": "<= 1e-4"}
