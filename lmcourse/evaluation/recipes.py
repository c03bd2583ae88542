"""How each model of the lineage table is trained. Knows the models, not the table.

Counting models take the time they need; models that learn get `TRAINING_SECONDS` and keep the
weights that were best on the validation text.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lmcourse.evaluation.probability import Model, score
from lmcourse.models import ngram

TRAINING_SECONDS = 120
VALIDATE_EVERY = 1000  # steps


@dataclass
class Recipe:
    """A fresh model and how it is trained: on which batches, at which peak rate."""

    model: Callable  # a Keras model, ids (B, T) -> logits (B, T, V)
    batch_size: int = 32
    context_length: int = 64
    learning_rate: float = 3e-3
    carried: bool = False  # does the state go on from batch to batch?
    jit_compile: bool = False
    optimizer: object = None  # of Keras; Adam if None


def trained(recipe: Callable[[int], Recipe]) -> Callable[..., Model]:
    """Make the training function of a model that learns, from its recipe for a vocabulary size."""

    def train(
        train, validation, vocabulary_size, seed, seconds=TRAINING_SECONDS, clock=time.perf_counter
    ) -> Model:
        import keras

        from lmcourse.models.rnn import Stateful
        from lmcourse.training.fit import fit
        from lmcourse.training.streams import random_batches, stream_batches

        keras.utils.set_random_seed(seed)
        chosen = recipe(vocabulary_size)
        learner, size = chosen.model, (chosen.batch_size, chosen.context_length)
        if chosen.carried:
            learner, batches = Stateful(learner, chosen.batch_size), stream_batches(train, *size)
        else:
            batches = random_batches(train, *size, seed)
        fit(
            learner,
            batches,
            seconds=seconds,
            optimizer=chosen.optimizer,
            learning_rate=chosen.learning_rate,
            validate=lambda: score(in_one_go(chosen.model), validation[:10_000]).nats_per_token,
            validate_every=VALIDATE_EVERY,
            jit_compile=chosen.jit_compile,
            seed=seed,
            clock=clock,
        )
        return chosen.model

    return train


def in_one_go(model: Model) -> Model:
    """Let Keras compile a model before it is scored; a NumPy model is fast as it is."""
    return getattr(model, "predict_on_batch", model)


def softmax_bigram(V: int) -> Recipe:
    """Lesson 03: a table of V * V scores while that is small; else vectors of width 64."""
    from lmcourse.models.softmax_bigram import SoftmaxBigram

    return Recipe(SoftmaxBigram(V, None if V < 1000 else 64), learning_rate=1e-2)


def window_mlp(V: int) -> Recipe:
    """Lesson 06: a window of characters, or a shorter one of hanzi."""
    from lmcourse.models.mlp import WindowMLP

    if V < 1000:
        return Recipe(WindowMLP(V, window=7, width=24, units=512), learning_rate=1e-2)
    return Recipe(
        WindowMLP(V, window=4, width=64, units=128, spread=0.2),
        context_length=32,
        learning_rate=1e-2,
    )


def recurrent(cell: str) -> Callable[[int], Recipe]:
    """Lessons 07 and 08: one layer, the state carried from batch to batch, trained with Muon."""

    def recipe(V: int) -> Recipe:
        from keras.optimizers import Muon

        from lmcourse.models.rnn import RecurrentLM

        if V < 1000:
            model, muon = RecurrentLM(V, cell, width=64, units=256), Muon(adam_lr_ratio=0.3)
            return Recipe(model, 128, 16, 1e-2, carried=True, jit_compile=True, optimizer=muon)
        model = RecurrentLM(V, cell, width=64, units=128, dropout=0.2)
        muon = Muon(adam_lr_ratio=0.7, exclude_layers=["head"])
        return Recipe(model, 64, 16, 1e-2, carried=True, optimizer=muon)

    return recipe


def _counting(kind: type[ngram.NGram], order: int, **options) -> Callable[..., Model]:
    """A counting model in the shape of a trained one: it needs no validation text and no seed."""
    return lambda train, validation, vocabulary_size, seed: kind.train(
        train, order=order, vocabulary_size=vocabulary_size, **options
    )


# name in the table: (lesson, has seeds?, train(train, validation, vocabulary_size, seed) -> model)
MODELS = {
    "unigram": ("02", False, _counting(ngram.AddK, 1, k=1.0)),
    "bigram, add-one": ("02", False, _counting(ngram.AddK, 2, k=1.0)),
    "softmax bigram": ("03", True, trained(softmax_bigram)),
    "window MLP": ("06", True, trained(window_mlp)),
    "RNN": ("07", True, trained(recurrent("rnn"))),
    "GRU": ("08", True, trained(recurrent("gru"))),
    "LSTM": ("08", True, trained(recurrent("lstm"))),
    "Witten–Bell 5-gram": ("02", False, _counting(ngram.WittenBell, 5)),
    "absolute discounting 5-gram": ("02", False, _counting(ngram.AbsoluteDiscounting, 5)),
} | {
    f"modified Kneser–Ney {n}-gram": ("02", False, _counting(ngram.ModifiedKneserNey, n))
    for n in range(2, 7)
}
