"""SmolLM2 and MiniLM, live against Hugging Face's code, and what it costs to load them.

Hugging Face runs in a process of its own: TensorFlow and PyTorch can't share one. So does loading,
whose memory is measured.
"""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from lmcourse.models.pretrained import minilm, smollm2
from tests.models.hugging_face_pretrained import (
    DIALOGUE,
    EVERY,
    GREEDY,
    PROMPT,
    QUESTION,
    SENTENCES,
    TEXTS,
)

LOADING = """
import json, resource, sys
from time import perf_counter
from lmcourse.models.pretrained import smollm2
began = perf_counter()
smollm2()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # kilobytes, on macOS bytes
resident = peak / (2**20 if sys.platform == "darwin" else 2**10)
print(json.dumps([perf_counter() - began, resident]))
"""


def measure() -> list[dict]:
    """Loading, then the largest differences, then the greedy continuations."""
    done = subprocess.run(
        [sys.executable, "-c", LOADING], check=True, stdout=subprocess.PIPE, text=True
    )
    seconds, megabytes = json.loads(done.stdout)
    with TemporaryDirectory() as folder:
        code = (
            "import sys; from pathlib import Path\n"
            "from tests.models.hugging_face_pretrained import write; write(Path(sys.argv[1]))"
        )
        subprocess.run([sys.executable, "-c", code, folder], check=True, stderr=subprocess.DEVNULL)
        theirs = {}
        for name in ("smollm2", "minilm"):
            with np.load(Path(folder) / f"{name}.npz", allow_pickle=False) as file:
                theirs[name] = dict(file)
    rows = [
        ("SmolLM2, loading", seconds, "s", "<= 15"),
        ("SmolLM2, loading, most memory resident", megabytes, "MB", "<= 2000"),
        *_smollm2(theirs["smollm2"]),
        ("MiniLM, largest difference from Hugging Face", _minilm(theirs["minilm"]), "", "<= 1e-4"),
    ]
    return [dict(zip(("name", "value", "unit", "bound"), row, strict=True)) for row in rows]


def _minilm(theirs):
    return abs(minilm().encode(SENTENCES) - theirs["vectors"]).max()


def _smollm2(theirs):
    model, tokenizer = smollm2()
    apart, other_ids = 0.0, 0
    for n, text in enumerate(TEXTS):
        ids = tokenizer.encode(text)
        other_ids += ids.tolist() != theirs[f"ids/{n}"].tolist()
        logits = np.asarray(model(ids[None]))[0]
        top = np.take_along_axis(logits, theirs[f"top_ids/{n}"].astype(int), axis=1)
        apart = max(apart, abs(top - theirs[f"top/{n}"]).max())
        apart = max(apart, abs(logits[:, ::EVERY] - theirs[f"every/{n}"]).max())
    dialogue = tokenizer.chat_ids(DIALOGUE, add_generation_prompt=False)
    other_ids += dialogue.tolist() != theirs["dialogue"].tolist()
    yield "SmolLM2, largest difference from Hugging Face", apart, "", "<= 1e-3"
    yield "SmolLM2, texts with other ids", other_ids, "", "<= 0"
    question = [{"role": "user", "content": QUESTION}]
    end = tokenizer.special["<|im_end|>"]
    starts = {"story": tokenizer.encode(PROMPT), "answer": tokenizer.chat_ids(question)}
    for name, ids in starts.items():
        ids = ids.tolist()
        for _ in range(GREEDY):
            ids.append(int(np.asarray(model(np.array([ids])))[0, -1].argmax()))
            if ids[-1] == end:
                break
        same = ids == theirs[name].tolist()
        yield f"SmolLM2, greedy {name} token for token", same, "", ">= 1"
