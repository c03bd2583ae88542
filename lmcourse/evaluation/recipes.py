"""How each model of the lineage table is trained. Knows the models, not the table.

Counting models take the time they need; models that learn get `TRAINING_SECONDS` and keep the
weights that were best on the validation text.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from lmcourse.evaluation.probability import Model, Score, score
from lmcourse.models import ngram
from lmcourse.training.schedules import Schedule, linear, warmup

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
    clip_norm: float | None = 1.0
    schedule: Schedule = warmup


def learn(recipe: Recipe, train, seed: int = 0, **arguments):
    """Train the model of a recipe on a text, as long as `fit` is told; give its history."""
    from lmcourse.models.rnn import Stateful
    from lmcourse.training.fit import fit
    from lmcourse.training.streams import random_batches, stream_batches

    learner, size = recipe.model, (recipe.batch_size, recipe.context_length)
    if recipe.carried:
        learner, batches = Stateful(learner, recipe.batch_size), stream_batches(train, *size)
    else:
        batches = random_batches(train, *size, seed)
    return fit(
        learner,
        batches,
        optimizer=recipe.optimizer,
        learning_rate=recipe.learning_rate,
        clip_norm=recipe.clip_norm,
        schedule=recipe.schedule,
        jit_compile=recipe.jit_compile,
        seed=seed,
        **arguments,
    )


def trained(recipe: Callable[[int], Recipe]) -> Callable[..., Model]:
    """Make the training function of a model that learns, from its recipe for a vocabulary size."""

    def train(
        train, validation, vocabulary_size, seed, seconds=TRAINING_SECONDS, clock=time.perf_counter
    ) -> Model:
        import keras

        keras.utils.set_random_seed(seed)
        chosen = recipe(vocabulary_size)
        model = chosen.model

        def validate():
            return scored(model, validation[:10_000]).nats_per_token

        limits = dict(seconds=seconds, validate_every=VALIDATE_EVERY, clock=clock)
        learn(chosen, train, seed, validate=validate, **limits)
        return model

    return train


def scored(model: Model, ids) -> Score:
    """Score a text; let Keras compile a recurrent model before, the others are fast as they are.

    (What trains under XLA is compiled under XLA: some seconds for each shape of a GPT's batches.)
    """
    if hasattr(model, "context_length"):
        return score(model, ids)
    return score(getattr(model, "predict_on_batch", model), ids)


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


def gpt(V: int) -> Recipe:
    """Lesson 13: a GPT with a context of 128."""
    return modern(V, batch_size=8, context_length=128, heads=2)


def quick_gpt(V: int) -> Recipe:
    """Lesson 13: `QUICK_STEPS` steps of this are as good as 2,000 of the usual recipe."""
    return modern(V, batch_size=12, context_length=64, heads=4)


QUICK_STEPS = 290


def modern(V: int, batch_size: int, context_length: int, heads: int) -> Recipe:
    """Four blocks of the parts that earned their place; one head of keys serves all of queries."""
    from keras.optimizers import Muon

    from lmcourse.models.gpt import GPT, GPTConfig

    config = GPTConfig(
        vocabulary_size=V,
        context_length=context_length,
        layers=4,
        width=128,
        heads=heads,
        kv_heads=1,
        hidden=256,
        norm="rms",
        positions="rotary",
        activation="relu_squared",
        bias=False,
        quiet=True,
    )
    return Recipe(
        GPT(config),
        batch_size,
        context_length,
        learning_rate=1.5e-2,
        schedule=rise_and_fall,
        jit_compile=True,
        optimizer=Muon(momentum=0.85, adam_lr_ratio=1.3, weight_decay=None),
        clip_norm=None,
    )


def rise_and_fall(share: float) -> float:
    """The rate of a GPT: a short rise, then along a straight line to zero."""
    return warmup(share, linear, length=0.03)


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
    "GPT": ("13", True, trained(gpt)),
    "Witten–Bell 5-gram": ("02", False, _counting(ngram.WittenBell, 5)),
    "absolute discounting 5-gram": ("02", False, _counting(ngram.AbsoluteDiscounting, 5)),
} | {
    f"modified Kneser–Ney {n}-gram": ("02", False, _counting(ngram.ModifiedKneserNey, n))
    for n in range(2, 7)
}
