"""How fast an LSTM language model trains, beside the same model in plain PyTorch in the same run.

256 units, 64 sequences of 64 characters, a vocabulary of 65; Adam, gradients clipped. Wall time of
the median step, all on all cores; they take turns, so that a busy machine slows both.
"""

import sys
from contextlib import contextmanager
from statistics import median
from subprocess import PIPE, Popen
from time import perf_counter

import keras
import numpy as np

from lmcourse.models.rnn import RecurrentLM

B, T, V, U = 64, 64, 65, 256
ROUNDS, STEPS = 6, 5


def ours(x, y, jit_compile: bool):
    """A step of our model, as `training.fit` takes it."""
    return _keras_step(RecurrentLM(V, "lstm", width=U, units=U), x, y, jit_compile)


def keras_layers(x, y):
    """A step of the same model out of Keras's own layers."""
    layers = [
        keras.layers.Embedding(V, U),
        keras.layers.LSTM(U, return_sequences=True),
        keras.layers.Dense(V),
    ]
    return _keras_step(keras.Sequential(layers), x, y, jit_compile=False)


def _keras_step(model, x, y, jit_compile):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    model.compile(optimizer, loss, jit_compile=jit_compile)

    def step():
        start = perf_counter()
        float(model.train_on_batch(x, y))
        return perf_counter() - start

    return step


@contextmanager
def pytorch():
    """A step of the same model in plain PyTorch (of the group `bench` alone), timed by itself."""
    command = [sys.executable, "-m", "tests.bench.torch_lstm", *map(str, (B, T, V, U))]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as peer:

        def step():
            peer.stdin.write("\n")
            peer.stdin.flush()
            return float(peer.stdout.readline())

        yield step
        peer.stdin.close()


def measure() -> list[dict]:
    """Let them take turns; give milliseconds a step and the ratios to PyTorch."""
    x, y = np.random.default_rng(0).integers(0, V, (2, B, T))
    with pytorch() as peer:
        steps = {
            "PyTorch": peer,
            "ours": ours(x, y, jit_compile=False),
            "ours, XLA": ours(x, y, jit_compile=True),
            "Keras layers": keras_layers(x, y),
        }
        times = {name: [] for name in steps}
        for _ in range(ROUNDS + 1):  # the first round compiles
            for name, step in steps.items():
                step()  # its weights come back into the cache
                times[name].append([step() for _ in range(STEPS)])
    each = {name: median(np.ravel(rounds[1:])) for name, rounds in times.items()}
    rows = [
        {"name": f"LSTM step, {name}", "value": 1000 * value, "unit": "ms", "bound": None}
        for name, value in each.items()
    ]
    for name, bound in (("ours", None), ("ours, XLA", "<= 1"), ("Keras layers", None)):
        row = {"name": f"LSTM step, {name} / PyTorch", "value": each[name] / each["PyTorch"]}
        rows.append(row | {"unit": "ratio", "bound": bound})
    return rows
