"""A model and an optimizer on their way: one step, one look, what is kept, what is put back.

Knows neither how long the run is nor where its batches come from.
"""

import hashlib
import json
import math
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops

from lmcourse.training import resume
from lmcourse.training.streams import checked


@dataclass
class History:
    """What happened: one loss and one rate per step, and every validation.

    `losses` are nats, each of its own batch, before the step it caused. `validation` holds pairs
    (steps done, nats). `best` is the number of steps after which validation was lowest, None
    without `validate`. `seconds` is the time spent, interruptions not counted.
    """

    losses: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    validation: list[tuple[int, float]] = field(default_factory=list)
    best: int | None = None
    seconds: float = 0.0

    @property
    def steps(self) -> int:
        """How many steps were made."""
        return len(self.losses)


class Run:
    """A model and an optimizer on their way: what is kept, what is put back."""

    def __init__(self, model, batch, optimizer, learning_rate, seed, jit_compile):
        self.model, self.optimizer = model, optimizer
        self.history, self.kept = History(), 0
        inputs, targets, _ = checked(batch, None)
        logits = model(keras.KerasTensor(inputs.shape, dtype="int32"))  # builds, computes nothing
        self.vocabulary_size = logits.shape[-1]
        if logits.shape[:-1] != targets.shape:
            raise ValueError(
                "The model must give one row of logits for every target. "
                f"Received: logits of shape {logits.shape}, targets of shape {targets.shape}"
            )
        model.compile(
            optimizer,
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, reduction="mean_with_sample_weight"
            ),
            jit_compile=jit_compile,
        )
        self.rate = learning_rate or float(optimizer.learning_rate.numpy())
        optimizer.build(model.trainable_variables)
        random = [v for v in model.variables if v.name == "seed_generator_state"]
        for number, state in enumerate(random):
            state.assign(np.array([seed, number], state.dtype))
        self.good = _values(model.variables)
        self.recipe = json.loads(json.dumps(optimizer.get_config(), default=str)) | {
            "name": type(optimizer).__name__,
            "learning_rate": self.rate,
            "seed": seed,
            "first batch": hashlib.sha256(inputs.tobytes() + targets.tobytes()).hexdigest()[:16],
        }

    def step(self, batch, rate: float) -> float:
        """Take one step and note it; give the loss before it."""
        inputs, targets, weights = checked(batch, self.vocabulary_size)
        self.optimizer.learning_rate, self.inputs = rate, inputs
        loss = float(self.model.train_on_batch(inputs, targets, weights))
        if not math.isfinite(loss):
            self.fail(f"loss={loss} at step {self.history.steps}, learning rate {rate:.3g}")
        self.history.losses.append(loss)
        self.history.rates.append(rate)
        return loss

    def look(self, measure: Callable[[], float] | None) -> float | None:
        """See whether the weights are sound; measure; leave no trace in the model."""
        before = _values(self.model.variables)
        self.optimizer.finalize_variable_values(self.model.trainable_variables)  # averages, if any
        judged = _values(self.model.variables)
        try:
            logits = ops.convert_to_numpy(self.model(self.inputs))
            sound = all(np.isfinite(value).all() for value in [*before, logits])
            nats = float(measure()) if measure is not None and sound else None
        finally:
            _assign(self.model.variables, before)
        if not sound or (nats is not None and not math.isfinite(nats)):
            what = f"validation={nats}" if sound else "weights that give no number"
            self.fail(f"{what} after step {self.history.steps - 1}")
        if nats is None:
            self.good = before
            return None
        if not self.history.validation or nats < min(n for _, n in self.history.validation):
            self.good, self.history.best = judged, self.history.steps
        self.history.validation.append((self.history.steps, nats))
        return nats

    def keep(self, path: Path | None) -> None:
        """Remember where the run stands, and write it down if there is a file for it."""
        self.kept = self.history.steps
        if path is None:
            return
        variables = {"model": self.model.variables, "optimizer": self.optimizer.variables}
        arrays = {group: _values(group_variables) for group, group_variables in variables.items()}
        if self.history.best is not None:
            arrays["best"] = self.good
        facts = {"recipe": self.recipe, "history": asdict(self.history)} | self.names()
        resume.save(path, resume.Saved(arrays, facts))

    def read(self, path: Path) -> None:
        """Go back to where the run in the file stood."""
        saved = resume.load(path)
        mine = {"model": None, "recipe": self.recipe} | self.names()  # in this order
        for what, expected in mine.items():
            resume.check(path, what, saved.facts[what], expected)
        _assign(self.model.variables, saved.arrays["model"])
        _assign(self.optimizer.variables, saved.arrays["optimizer"])
        self.good = saved.arrays.get("best", saved.arrays["model"])
        self.history = History(**saved.facts["history"])
        self.history.validation = [tuple(pair) for pair in self.history.validation]
        self.kept = self.history.steps

    def names(self) -> dict[str, list[str]]:
        """Name everything that has to fit when a run goes on."""
        return {
            "model": resume.names(self.model.variables),
            "optimizer": resume.names(self.optimizer.variables),
        }

    def finish(self) -> None:
        """Leave the best weights in the model, or the averages, or else the last."""
        if self.history.best is not None:
            _assign(self.model.variables, self.good)
        else:
            self.optimizer.finalize_variable_values(self.model.trainable_variables)

    def fail(self, received: str) -> None:
        """Put the last good weights back and say what has gone wrong."""
        _assign(self.model.variables, self.good)
        where = self.kept if self.history.best is None else self.history.best
        raise ValueError(
            f"A loss must stay finite. Received: {received}. Likely causes: a learning rate that "
            "is too high (try a tenth of it, or a longer warm-up), no clip_norm, or a logarithm "
            f"of zero in the model. The model has its weights of {where} steps again."
        )


@contextmanager
def borrowed(optimizer: keras.optimizers.Optimizer, clip_norm: float | None):
    """Set the clipping, hand over plain gradients, and give the optimizer back as it was.

    TensorFlow hands over the gradient of an embedding as a list of rows. A row that the batch used
    twice stands in it twice. Keras (3.15) squares the entries of the list, for Adam and for the
    length of the gradient: the sum of the squares, where the square of the sum is meant.
    """
    rate = getattr(optimizer, "_learning_rate", None)
    if not isinstance(rate, keras.Variable):
        raise ValueError(
            "The learning rate of the optimizer must be a number; the schedule is an argument of "
            f"its own. Received: {type(rate).__name__}"
        )
    before, apply = (float(rate.numpy()), optimizer.global_clipnorm), optimizer.apply

    def apply_plain(gradients, variables=None):
        return apply([g if g is None else ops.reshape(g, g.shape) for g in gradients], variables)

    if not (optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm):
        optimizer.global_clipnorm = clip_norm
    optimizer.apply = apply_plain
    try:
        yield
    finally:
        del optimizer.apply
        optimizer.learning_rate, optimizer.global_clipnorm = before


def _values(variables) -> list[np.ndarray]:
    return [v.numpy() for v in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
