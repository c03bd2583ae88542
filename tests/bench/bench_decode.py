"""How fast a GPT of 135 million weights writes, alone, token by token: ours and Hugging Face's.

The shape of SmolLM2, random weights, the same in both; greedy; batch 1; all cores for each. They
take turns, so that a busy machine slows both. Also: without memory, in one byte a weight, and the
bound that no program can beat: all weights have to come from memory once for every token.
"""

import json
import os
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen
from time import perf_counter

import numpy as np

from lmcourse.evaluation.probability import score
from lmcourse.generation.cache import Decoder, stream, timed
from lmcourse.generation.products import rounded
from lmcourse.models import trained
from lmcourse.models.gpt import GPT, GPTConfig
from lmcourse.models.published import fill_llama
from lmcourse.text import corpora

SHAPE = GPTConfig(
    vocabulary_size=49_152,
    context_length=512,
    layers=30,
    width=576,
    heads=9,
    kv_heads=3,
    hidden=1536,
    norm="rms",
    activation="swiglu",
    positions="rotary",
    bias=False,
)
PROMPT, LENGTH, ROUNDS = list(range(100, 116)), 40, 4
PLACES = (64, 128, 192, 256)  # where a step without memory is timed


def bandwidth(size: int = 2**28) -> float:
    """Bytes a second that all cores together read from memory: the best of several readings."""
    cores = os.cpu_count()
    parts = np.split(np.ones(size // cores * cores, np.float32), cores)
    best = np.inf
    with ThreadPoolExecutor(cores) as pool:
        for _ in range(8):
            start = perf_counter()
            list(pool.map(lambda part: np.dot(part, part), parts))
            best = min(best, perf_counter() - start)
    return sum(part.nbytes for part in parts) / best


def ours(decoder):
    """Write with a decoder: tokens a second after the first, and the ids."""
    decoder.rewind(0)
    rng = np.random.default_rng(0)
    ids, speed = timed(stream(decoder, PROMPT, LENGTH, rng, temperature=0))
    return speed.first, speed.per_second, ids


def theirs(peer):
    """The same by the peer."""
    peer.stdin.write(json.dumps([LENGTH, *PROMPT]) + "\n")
    peer.stdin.flush()
    first, seconds, ids = json.loads(peer.stdout.readline())
    return first, (LENGTH - 1) / (seconds - first), ids


def without_memory(model):
    """Tokens a second of the loop that reads everything again, on the way to 256 tokens."""
    times = []
    for place in PLACES:
        ids = np.ones((1, place), np.int32)
        start = perf_counter()
        np.asarray(model(ids))[0, -1].argmax()
        times.append(perf_counter() - start)
    return 1 / np.mean(times)


def bits_lost():
    """What int8 costs the trained GPT of the course: bits per character before and after."""
    model, tokenizer = trained.load("shakespeare", "GPT")
    ids = tokenizer.encode(corpora.shakespeare().text("validation")[:20_001])
    before = score(model, ids).bits_per_token
    rounded(model)
    return before, score(model, ids).bits_per_token


def measure() -> list[dict]:
    """Let them take turns."""
    command = [sys.executable, "-m", "tests.bench.torch_decode"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.npz"
        with Popen([*command, str(path)], stdin=PIPE, stdout=PIPE, text=True) as peer:
            assert peer.stdout.readline() == "ready\n"
            model = GPT(SHAPE)
            with np.load(path) as weights:
                fill_llama(model, weights)
            decoders = {kind: Decoder(model, weights=kind) for kind in ("float32", "int8")}
            runners = {"Hugging Face": lambda: theirs(peer)} | {
                f"ours, {kind}": lambda decoder=decoder: ours(decoder)
                for kind, decoder in decoders.items()
            }
            found = {name: [] for name in runners}
            for _ in range(ROUNDS + 1):  # the first round compiles
                for name, runner in runners.items():
                    found[name].append(runner())
            peer.stdin.close()
    slow = without_memory(model)
    return _rows({name: runs[1:] for name, runs in found.items()}, slow, model.count_params() * 4)


def _rows(found, slow, size):
    firsts = {name: median(run[0] for run in runs) for name, runs in found.items()}
    speeds = {name: median(run[1] for run in runs) for name, runs in found.items()}
    texts = {name: runs[0][2] for name, runs in found.items()}
    differ = sum(a != b for a, b in zip(texts["Hugging Face"], texts["ours, float32"], strict=True))
    read = bandwidth()
    bound, fast, whole = read / size, speeds["ours, float32"], speeds["ours, int8"]
    before, after = bits_lost()
    rows = [
        *((f"135 M, {name}", speed, "tokens/s", None) for name, speed in speeds.items()),
        *((f"135 M, {name}, first token", 1000 * s, "ms", None) for name, s in firsts.items()),
        ("135 M, ours, without memory, up to 256 tokens", slow, "tokens/s", None),
        ("135 M, ours / Hugging Face", fast / speeds["Hugging Face"], "ratio", ">= 2"),
        ("135 M, with memory / without", fast / slow, "ratio", ">= 5"),
        ("135 M, int8 / float32", whole / fast, "ratio", "> 1"),
        ("135 M, tokens unlike Hugging Face's", differ, "of 40", "<= 0"),
        ("reading memory, all cores", read / 1e9, "GB/s", None),
        ("135 M, bound by memory, float32", bound, "tokens/s", None),
        ("135 M, share of the bound", fast / bound, "ratio", None),
        ("GPT of Shakespeare, float32", before, "bits/char", None),
        ("GPT of Shakespeare, int8", after, "bits/char", f"<= {before + 0.02}"),
    ]
    return [dict(zip(("name", "value", "unit", "bound"), row, strict=True)) for row in rows]
