"""The one training loop of the course: a model, batches by number, and a rate that moves.

Knows nothing about tokenizers and about how a model is scored: `validate` comes in as a callback.
Axis letters: B batch, T time, V vocabulary.
"""

import hashlib
import json
import math
import os
import time
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np
from keras import ops

from lmcourse.training import resume
from lmcourse.training.schedules import Schedule, warmup
from lmcourse.training.streams import Batches


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


def fit(
    model: keras.Model,
    batches: Batches,
    *,
    steps: int | None = None,
    seconds: float | None = None,
    optimizer: keras.optimizers.Optimizer | None = None,
    learning_rate: float | None = None,
    schedule: Schedule = warmup,
    clip_norm: float | None = 1.0,
    validate: Callable[[], float] | None = None,
    validate_every: int = 200,
    patience: int | None = None,
    checkpoint: str | Path | None = None,
    log: str | Path | None = None,
    progress: bool = False,
    seed: int = 0,
    clock: Callable[[], float] = time.perf_counter,
) -> History:
    """Train a model to predict the targets of its batches, and say what happened.

    Every step: take the batch of this number, set the rate to `learning_rate` times the schedule at
    the share of the run that is done, take one step of the optimizer. Rows of an embedding that a
    batch uses more than once get the sum of their gradients before it is squared or measured.

    Args:
        model: maps ids `(B, T)` to logits `(B, T, V)`, or to `(B, V)`; trained in place.
        batches: step -> (inputs, targets) or (inputs, targets, weights); integers of the shapes
            above, weights of the shape of the targets (the loss is their weighted mean).
        steps, seconds: how long; exactly one of them.
        optimizer: any of Keras; Adam if left out. One with `use_ema=True` is judged and ends with
            the average of its weights.
        learning_rate: the peak; the optimizer's own, or 0.001, if left out.
        clip_norm: the longest gradient, over all variables together; None for no limit. An
            optimizer that clips on its own keeps its way.
        validate: measures held-out text, in nats; called every `validate_every` steps and at the
            end. The model ends with the weights that it found best.
        patience: stop after so many validations in a row without a new best.
        checkpoint: a file, or a folder for it; written at every validation and, without
            `validate`, as often. If it exists, the run goes on from there.
        log: a folder for TensorBoard.
        progress: show a bar (never while a notebook is being built).
        seed: of everything random in the model while it trains (dropout).
        clock: gives the time in seconds.

    Raises:
        TypeError: if the ids of a batch are not integers.
        ValueError: if an argument or a batch does not fit, a checkpoint belongs to another model or
            another run, or a loss is not finite. In the last case the model and the checkpoint are
            left with the last good weights.

    Example:
        >>> from lmcourse.models.softmax_bigram import SoftmaxBigram
        >>> from lmcourse.training.streams import random_batches
        >>> ids = np.arange(300) % 3   # a b c a b c ...
        >>> model = SoftmaxBigram(3)
        >>> history = fit(model, random_batches(ids, 4, 8), steps=50, learning_rate=0.2)
        >>> history.steps, round(history.losses[0], 3), history.losses[-1] < 0.01
        (50, 1.099, True)
    """
    _check_arguments(steps, seconds, learning_rate, clip_norm, validate_every, patience, validate)
    run = _Run(model, batches(0), optimizer, learning_rate, clip_norm, seed)
    run.recipe |= {
        "length": f"{steps} steps" if seconds is None else f"{seconds} seconds",
        "validation": f"{validate is not None}, every {validate_every}, patience {patience}",
        "schedule": [round(float(schedule(i / 16)), 9) for i in range(17)],
    }
    path = None if checkpoint is None else resume.file_of(checkpoint)
    if path is not None and path.exists():
        run.read(path)
    history, began = run.history, clock() - run.history.seconds
    with _writer(log, history.steps) as write, _bar(progress) as show:
        while not _patience_ended(history, patience):
            share = history.steps / steps if seconds is None else (clock() - began) / seconds
            over = share >= 1
            if not over:
                rate = run.rate * float(schedule(share))
                loss = run.step(batches(history.steps), rate)
                write(history.steps, loss=loss, learning_rate=rate)
                show(share, loss)
            if run.kept < history.steps and (over or history.steps % validate_every == 0):
                if validate is not None:
                    write(history.steps, validation=run.validate(validate))
                history.seconds = clock() - began
                run.keep(path)
            if over:
                break
    run.finish()
    return history


class _Run:
    """A model and an optimizer on their way: what is kept, what is put back."""

    def __init__(self, model, batch, optimizer, learning_rate, clip_norm, seed):
        self.model, self.history, self.kept = model, History(), 0
        inputs, targets, _ = _checked(batch, None)
        logits = model(keras.KerasTensor(inputs.shape, dtype="int32"))  # builds, computes nothing
        self.vocabulary_size = logits.shape[-1]
        if logits.shape[:-1] != targets.shape:
            raise ValueError(
                "The model must give one row of logits for every target. "
                f"Received: logits of shape {logits.shape}, targets of shape {targets.shape}"
            )
        self.optimizer = optimizer or keras.optimizers.Adam(learning_rate or 1e-3)
        _prepare(self.optimizer, clip_norm)
        model.compile(
            self.optimizer,
            keras.losses.SparseCategoricalCrossentropy(
                from_logits=True, reduction="mean_with_sample_weight"
            ),
        )
        self.rate = learning_rate or float(self.optimizer.learning_rate.numpy())
        self.optimizer.build(model.trainable_variables)
        random = [v for v in model.variables if v.name == "seed_generator_state"]
        for number, state in enumerate(random):
            state.assign(np.array([seed, number], state.dtype))
        self.good = model.get_weights()
        config = {k: v for k, v in self.optimizer.get_config().items() if k != "name"}
        self.recipe = {
            "optimizer": type(self.optimizer).__name__,
            "settings": json.loads(json.dumps(config | {"learning_rate": self.rate}, default=str)),
            "seed": seed,
            "first batch": hashlib.sha256(inputs.tobytes() + targets.tobytes()).hexdigest()[:16],
        }

    def step(self, batch, rate: float) -> float:
        """Take one step and note it; give the loss before it."""
        inputs, targets, weights = _checked(batch, self.vocabulary_size)
        self.optimizer.learning_rate = rate
        loss = float(self.model.train_on_batch(inputs, targets, weights))
        if not math.isfinite(loss):
            self.fail(f"loss={loss} at step {self.history.steps}, learning rate {rate:.3g}")
        self.history.losses.append(loss)
        self.history.rates.append(rate)
        return loss

    def validate(self, measure: Callable[[], float]) -> float:
        """Measure, keep the weights if they are the best, and leave no trace in the model."""
        before = _values(self.model.variables)
        self.optimizer.finalize_variable_values(self.model.trainable_variables)  # averages, if any
        judged = _values(self.model.variables)
        nats = float(measure())
        _assign(self.model.variables, before)
        if not math.isfinite(nats):
            self.fail(f"validation={nats} after step {self.history.steps - 1}")
        if not self.history.validation or nats < min(n for _, n in self.history.validation):
            self.good, self.history.best = judged, self.history.steps
        self.history.validation.append((self.history.steps, nats))
        return nats

    def keep(self, path: Path | None) -> None:
        """Remember where the run stands, and write it down if there is a file for it."""
        now = _values(self.model.variables)
        if not all(np.isfinite(value).all() for value in now):
            self.fail(f"a weight that is not finite after step {self.history.steps - 1}")
        self.kept = self.history.steps
        if self.history.best is None:
            self.good = now
        if path is not None:
            arrays = {"model": now, "optimizer": _values(self.optimizer.variables)}
            if self.history.best is not None:
                arrays["best"] = self.good
            facts = {"recipe": self.recipe, "history": asdict(self.history)} | self.names()
            resume.save(path, resume.Saved(arrays, facts))

    def read(self, path: Path) -> None:
        """Go back to where the run in the file stood."""
        saved = resume.load(path)
        for what, mine in self.names().items():
            resume.check(path, what, saved.facts[what], mine)
        resume.check(path, "recipe", saved.facts["recipe"], self.recipe)
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
        self.optimizer.learning_rate = self.rate

    def fail(self, received: str) -> None:
        """Put the last good weights back and say what has gone wrong."""
        _assign(self.model.variables, self.good)
        where = self.kept if self.history.best is None else self.history.best
        raise ValueError(
            f"A loss must stay finite. Received: {received}. Likely causes: a learning rate that "
            "is too high (try a tenth of it, or a longer warm-up), no clip_norm, or a logarithm "
            f"of zero in the model. The model has its weights of {where} steps again."
        )


def _prepare(optimizer, clip_norm) -> None:
    """Set the clipping, and make every gradient a plain array before the optimizer sees it.

    TensorFlow hands over the gradient of an embedding as a list of rows. A row that the batch used
    twice is in it twice, and an optimizer that squares the list squares the parts, not their sum.
    """
    if isinstance(getattr(optimizer, "_learning_rate", None), _SCHEDULES):
        raise ValueError(
            "The optimizer must have a number as its learning rate; the schedule is an argument of "
            f"its own. Received: {type(optimizer._learning_rate).__name__}"
        )
    if not (optimizer.clipnorm or optimizer.clipvalue or optimizer.global_clipnorm):
        optimizer.global_clipnorm = clip_norm
    if hasattr(optimizer.apply, "plain"):
        return
    apply = optimizer.apply

    def apply_plain(gradients, variables=None):
        plain = [g if g is None else ops.reshape(g, g.shape) for g in gradients]
        return apply(plain, variables)

    apply_plain.plain = True
    optimizer.apply = apply_plain


_SCHEDULES = keras.optimizers.schedules.LearningRateSchedule


def _values(variables) -> list[np.ndarray]:
    return [v.numpy() for v in variables]


def _assign(variables, values) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)


def _checked(batch, vocabulary_size):
    """Return inputs, targets (int32) and weights (float32 or None), or say what does not fit."""
    if not isinstance(batch, tuple | list) or len(batch) not in (2, 3):
        raise ValueError(
            "A batch must be (inputs, targets) or (inputs, targets, weights). "
            f"Received: {type(batch).__name__}" + (f" of {len(batch)}" if batch is tuple else "")
        )
    inputs, targets, weights = (*batch, None)[:3]
    inputs, targets = np.asarray(inputs), np.asarray(targets)
    for name, ids in (("inputs", inputs), ("targets", targets)):
        if not np.issubdtype(ids.dtype, np.integer):
            raise TypeError(f"`{name}` must be integer ids. Received: dtype={ids.dtype}")
        high = math.inf if vocabulary_size is None else vocabulary_size
        if ids.size == 0 or ids.min() < 0 or ids.max() >= high:
            raise ValueError(
                f"`{name}` must be ids from 0 to V - 1 = {high - 1}. Received: "
                + (f"ids from {ids.min()} to {ids.max()}" if ids.size else "none")
            )
    if inputs.ndim != 2 or targets.shape not in (inputs.shape, inputs.shape[:1]):
        raise ValueError(
            "`inputs` must be (B, T) and `targets` (B, T) or (B,). "
            f"Received: inputs {inputs.shape}, targets {targets.shape}"
        )
    if weights is not None:
        weights = np.asarray(weights, "float32")
        if weights.shape != targets.shape:
            raise ValueError(
                "`weights` must have the shape of the targets. "
                f"Received: weights {weights.shape}, targets {targets.shape}"
            )
    return inputs.astype("int32"), targets.astype("int32"), weights


def _check_arguments(steps, seconds, learning_rate, clip_norm, validate_every, patience, validate):
    if (steps is None) == (seconds is None):
        raise ValueError(
            f"Exactly one of `steps` and `seconds` must be given. Received: {steps=}, {seconds=}"
        )
    positive = {"steps": steps, "seconds": seconds, "learning_rate": learning_rate}
    positive |= {"clip_norm": clip_norm, "validate_every": validate_every, "patience": patience}
    for name, value in positive.items():
        if value is not None and not 0 < value < math.inf:
            raise ValueError(f"`{name}` must be above 0. Received: {name}={value}")
    if patience is not None and validate is None:
        raise ValueError(f"`patience` needs `validate`. Received: patience={patience}")


def _patience_ended(history, patience) -> bool:
    later = [step for step, _ in history.validation if step > (history.best or 0)]
    return patience is not None and len(later) >= patience


@contextmanager
def _writer(log, steps):
    """Give a function that writes numbers for TensorBoard, or one that does nothing."""
    if log is None:
        yield lambda step, **numbers: None
        return
    from tensorboard.compat.proto.event_pb2 import Event, SessionLog
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    writer = EventFileWriter(str(log))
    start = SessionLog(status=SessionLog.START)  # of an interrupted run, later steps are void
    writer.add_event(Event(step=steps + 1, wall_time=time.time(), session_log=start))

    def write(step, **numbers):
        values = [Summary.Value(tag=name, simple_value=n) for name, n in numbers.items()]
        event = Event(step=step, wall_time=time.time(), summary=Summary(value=values))
        writer.add_event(event)

    try:
        yield write
    finally:
        writer.close()


@contextmanager
def _bar(progress):
    """Give a function that moves a bar, in a notebook or in a terminal, or one that does not."""
    if not progress or os.environ.get("LMCOURSE_STATIC") == "1":
        yield lambda share, loss: None
        return
    from tqdm.auto import tqdm

    with tqdm(
        total=100, unit="%", bar_format="{l_bar}{bar}| {elapsed}<{remaining}{postfix}"
    ) as bar:

        def show(share, loss):
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            bar.update(max(0, share * 100 - bar.n))

        yield show
        bar.update(100 - bar.n)
