"""How fast a GPT trains, and how soon it is as good as the well-known recipe makes it.

4 layers, 4 heads, width 128, batches of 12 sequences of 64 characters. First the same architecture
(LayerNorm, learned positions, GELU, tied scores) in plain PyTorch, by us and of KerasHub's
`TransformerDecoder`: wall time of the median step. Then the race to quality, on 1 MB of Shakespeare
(the first 90 % to train on, the rest held out): PyTorch takes the 2,000 steps of the well-known
recipe; ours is `recipes.quick_gpt`, timed with everything that `fit` does, compiling included.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import keras
import numpy as np

from lmcourse.evaluation.probability import token_nats
from lmcourse.evaluation.recipes import QUICK_STEPS, learn, quick_gpt
from lmcourse.models.gpt import GPT, GPTConfig
from lmcourse.text import corpora
from lmcourse.text.tokenizers import CharacterTokenizer
from tests.bench.turns import keras_step, peer_step, race

L, H, D, T, B = 4, 4, 128, 64, 12
PEER_STEPS = 2000


def ours(V):
    """The peer's architecture by us."""
    return GPT(GPTConfig(vocabulary_size=V, context_length=T, layers=L, width=D, heads=H))


def kerashub(V):
    """The peer's architecture out of KerasHub's layers (of the group `bench` alone)."""
    import keras_hub

    ids = keras.Input((T,), dtype="int32")
    tokens = keras_hub.layers.ReversibleEmbedding(V, D)
    x = tokens(ids)
    x = x + keras_hub.layers.PositionEmbedding(T)(x)
    for _ in range(L):
        x = keras_hub.layers.TransformerDecoder(
            4 * D,
            H,
            activation=lambda x: keras.activations.gelu(x, approximate=True),
            normalize_first=True,
        )(x)
    return keras.Model(ids, tokens(keras.layers.LayerNormalization()(x), reverse=True))


def split():
    """Give the ids to train on, the ids held out, and V."""
    text = corpora.shakespeare().text("train")[:1_000_000]
    tokenizer = CharacterTokenizer.train(text, unknown=True)
    cut = len(text) * 9 // 10
    held = tokenizer.encode(text[cut:])
    held = held[: (len(held) - 1) // T * T + 1]  # whole windows
    return tokenizer.encode(text[:cut]), held, tokenizer.vocabulary_size


def steps() -> list[dict]:
    """The race of steps."""
    _, _, V = split()
    x, y = np.random.default_rng(0).integers(0, V, (2, B, T))
    with peer_step("torch_gpt", "steps", V) as peer:
        runners = {
            "PyTorch": peer,
            "ours": keras_step(ours(V), x, y),
            "ours, XLA": keras_step(ours(V), x, y, jit_compile=True),
            "KerasHub": keras_step(kerashub(V), x, y),
            "KerasHub, XLA": keras_step(kerashub(V), x, y, jit_compile=True),
        }
        return race("GPT step", runners, {"ours, XLA": "<= 1"})


def quality() -> list[dict]:
    """The race to the loss that the well-known recipe ends with."""
    train, held, V = split()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "text.npz"
        np.savez(path, train=train, held=held)
        command = [sys.executable, "-m", "tests.bench.torch_gpt", "train", str(V), str(path)]
        done = subprocess.run(
            [*command, str(PEER_STEPS)], check=True, stdout=subprocess.PIPE, text=True
        )
    their_loss, their_seconds = map(float, done.stdout.split())
    keras.utils.set_random_seed(0)
    began = perf_counter()
    recipe = quick_gpt(V)
    learn(recipe, train, steps=QUICK_STEPS)
    our_seconds = perf_counter() - began
    inputs, targets = held[:-1].reshape(-1, T), held[1:].reshape(-1, T)
    logits = recipe.model.predict(inputs, verbose=0)
    our_loss = token_nats(logits.reshape(-1, V), targets.ravel()).mean()
    return [
        {"name": name, "value": value, "unit": unit, "bound": bound}
        for name, value, unit, bound in (
            ("GPT, well-known recipe, PyTorch, held-out", their_loss, "nats", None),
            ("GPT, our recipe, held-out", our_loss, "nats", f"<= {their_loss}"),
            ("GPT, well-known recipe, PyTorch", their_seconds, "s", None),
            ("GPT, our recipe", our_seconds, "s", None),
            ("GPT, seconds, ours / PyTorch", our_seconds / their_seconds, "ratio", "<= 0.25"),
        )
    ]


def measure() -> list[dict]:
    """Both races."""
    return steps() + quality()
