"""How fast an LSTM language model trains, beside the same model in plain PyTorch in the same run.

256 units, 64 sequences of 64 characters, a vocabulary of 65; Adam, gradients clipped. Wall time of
the median step, all on all cores; they take turns, so that a busy machine slows both.
"""

from statistics import median
from time import perf_counter

import keras
import numpy as np

from lmcourse.models.rnn import RecurrentLM

B, T, V, U = 64, 64, 65, 256
ROUNDS, STEPS = 6, 5


def ours(jit_compile: bool):
    """A step of our model, as `training.fit` takes it."""
    return _keras_step(RecurrentLM(V, "lstm", width=U, units=U), jit_compile)


def keras_layers():
    """A step of the same model out of Keras's own layers."""
    return _keras_step(
        keras.Sequential(
            [
                keras.layers.Embedding(V, U),
                keras.layers.LSTM(U, return_sequences=True),
                keras.layers.Dense(V),
            ]
        ),
        jit_compile=False,
    )


def _keras_step(model, jit_compile):
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    optimizer = keras.optimizers.Adam(1e-3, global_clipnorm=1.0)
    model.compile(optimizer, loss, jit_compile=jit_compile)
    return lambda x, y: float(model.train_on_batch(x, y))


def pytorch():
    """A step of the same model in plain PyTorch (of the group `bench` alone)."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(V, U)
            self.lstm = torch.nn.LSTM(U, U, batch_first=True)
            self.head = torch.nn.Linear(U, V)

        def forward(self, ids):
            return self.head(self.lstm(self.embedding(ids))[0])

    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def step(x, y):
        x, y = torch.from_numpy(x), torch.from_numpy(y)
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x).view(-1, V), y.view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def measure() -> list[dict]:
    """Let the three take turns; give milliseconds a step and the ratios."""
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, V, (2, B, T))
    steps = {
        "PyTorch": pytorch(),
        "ours": ours(jit_compile=False),
        "ours, XLA": ours(jit_compile=True),
        "Keras layers": keras_layers(),
    }
    times = {name: [] for name in steps}
    for step in steps.values():
        step(x, y)
    for _ in range(ROUNDS):
        for name, step in steps.items():
            step(x, y)  # its data comes back into the cache
            for _ in range(STEPS):
                start = perf_counter()
                step(x, y)
                times[name].append(perf_counter() - start)
    each = {name: median(values) for name, values in times.items()}
    rows = [
        {"name": f"LSTM step, {name}", "value": 1000 * value, "unit": "ms", "bound": None}
        for name, value in each.items()
    ]
    pairs = [("ours", None), ("ours, XLA", "<= 1"), ("Keras layers", None)]
    for name, bound in pairs:
        ratio = each[name] / each["PyTorch"]
        row = {"name": f"LSTM step, {name} / PyTorch", "value": ratio}
        rows.append(row | {"unit": "ratio", "bound": bound})
    return rows
