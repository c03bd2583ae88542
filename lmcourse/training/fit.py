"""The one training loop of the course: a model, batches by number, and a rate that moves.

Knows nothing about tokenizers and about how a model is scored: `validate` comes in as a callback.
Axis letters: B batch, T time, V vocabulary.
"""

import math
import os
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import keras

from lmcourse.training import resume
from lmcourse.training.run import History, Run, borrowed
from lmcourse.training.schedules import Schedule, warmup
from lmcourse.training.streams import Batches


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
    jit_compile: bool = False,
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
            above, weights of the shape of the targets (the loss is the weighted mean; 0 for what
            is padding).
        steps, seconds: how long; exactly one of them. The seconds include the validations.
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
        jit_compile: translate the step with XLA first: some seconds, then recurrent models run a
            fifth faster on a processor; other models often slower.
        seed: of everything random in the model while it trains (dropout).
        clock: gives the time in seconds.

    Raises:
        TypeError: if the ids of a batch are not integers.
        ValueError: if an argument or a batch does not fit, a checkpoint belongs to another model or
            another run, or a loss is not finite. In the last case the model and the checkpoint are
            left with the last good weights (with `validate`: the best).
        FileNotFoundError: if the folder of the checkpoint does not exist.

    Example:
        >>> import numpy as np
        >>> from lmcourse.models.softmax_bigram import SoftmaxBigram
        >>> from lmcourse.training.streams import random_batches
        >>> ids = np.arange(300) % 3   # a b c a b c ...
        >>> model = SoftmaxBigram(3)
        >>> history = fit(model, random_batches(ids, 4, 8), steps=50, learning_rate=0.2)
        >>> history.steps, round(history.losses[0], 3), history.losses[-1] < 0.01
        (50, 1.099, True)
    """
    _check_arguments(steps, seconds, learning_rate, clip_norm, validate_every, patience, validate)
    optimizer = keras.optimizers.Adam() if optimizer is None else optimizer
    path = None if checkpoint is None else resume.file_of(checkpoint)
    with borrowed(optimizer, clip_norm):
        run = Run(model, batches(0), optimizer, learning_rate, seed, jit_compile)
        run.recipe |= {
            "length": f"{steps} steps" if seconds is None else f"{seconds} seconds",
            "validation": f"{validate is not None}, every {validate_every}, patience {patience}",
            "schedule": [round(float(schedule(i / 16)), 9) for i in range(17)],
        }
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
                    nats = run.look(validate)
                    if nats is not None:
                        write(history.steps, validation=nats)
                    history.seconds = clock() - began
                    run.keep(path)
                if over:
                    break
        run.finish()
    return history


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
