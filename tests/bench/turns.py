"""What the races of training steps share: a step of ours, a step of a peer, taking turns."""

import sys
from contextlib import contextmanager
from statistics import median
from subprocess import PIPE, Popen
from time import perf_counter

import keras
import numpy as np

ROUNDS, STEPS = 6, 5


def keras_step(model, x, y, jit_compile: bool = False):
    """Give a function that takes a step with Adam, as `training.fit` does, and returns seconds."""
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    model.compile(optimizer, loss, jit_compile=jit_compile)

    def step():
        start = perf_counter()
        float(model.train_on_batch(x, y))
        return perf_counter() - start

    return step


@contextmanager
def peer_step(module: str, *arguments):
    """The same for a peer that runs by itself: a line in, a step is taken, its seconds out."""
    command = [sys.executable, "-m", f"tests.bench.{module}", *map(str, arguments)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True) as peer:

        def step():
            peer.stdin.write("\n")
            peer.stdin.flush()
            return float(peer.stdout.readline())

        yield step
        peer.stdin.close()


def race(name: str, steps: dict, bounds: dict) -> list[dict]:
    """Let them take turns, so that a busy machine slows all; the first is what ratios refer to.

    Gives rows: milliseconds of the median step of each, and the ratios of the others to the first.
    """
    times = {runner: [] for runner in steps}
    for _ in range(ROUNDS + 1):  # the first round compiles
        for runner, step in steps.items():
            step()  # its weights come back into the cache
            times[runner].append([step() for _ in range(STEPS)])
    each = {runner: median(np.ravel(rounds[1:])) for runner, rounds in times.items()}
    first, *others = each
    rows = [
        {"name": f"{name}, {runner}", "value": 1000 * value, "unit": "ms", "bound": None}
        for runner, value in each.items()
    ]
    return rows + [
        {
            "name": f"{name}, {runner} / {first}",
            "value": each[runner] / each[first],
            "unit": "ratio",
            "bound": bounds.get(runner),
        }
        for runner in others
    ]
