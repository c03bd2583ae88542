"""How fast an LSTM language model trains, beside the same model in plain PyTorch in the same run.

256 units, 64 sequences of 64 characters, a vocabulary of 65; Adam, gradients clipped. Wall time of
the median step, all on all cores.
"""

import keras
import numpy as np

from lmcourse.models.rnn import RecurrentLM
from tests.bench.turns import keras_step, peer_step, race

B, T, V, U = 64, 64, 65, 256


def ours():
    return RecurrentLM(V, "lstm", width=U, units=U)


def keras_layers():
    """The same model out of Keras's own layers."""
    layers = [
        keras.layers.Embedding(V, U),
        keras.layers.LSTM(U, return_sequences=True),
        keras.layers.Dense(V),
    ]
    return keras.Sequential(layers)


def measure() -> list[dict]:
    """Let them take turns; give milliseconds a step and the ratios to PyTorch."""
    x, y = np.random.default_rng(0).integers(0, V, (2, B, T))
    with peer_step("torch_lstm", B, T, V, U) as peer:
        steps = {
            "PyTorch": peer,
            "ours": keras_step(ours(), x, y),
            "ours, XLA": keras_step(ours(), x, y, jit_compile=True),
            "Keras layers": keras_step(keras_layers(), x, y),
        }
        return race("LSTM step", steps, {"ours, XLA": "<= 1"})
