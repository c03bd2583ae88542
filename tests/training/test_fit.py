import os
import signal
import subprocess
import sys
import textwrap
import time

import keras
import numpy as np
import pytest
from keras import ops
from numpy.testing import assert_allclose, assert_array_equal

from lmcourse.models.rnn import LastStep, RecurrentLM, Stateful
from lmcourse.models.softmax_bigram import SoftmaxBigram
from lmcourse.reference import optimizers
from lmcourse.reference.softmax import cross_entropy, cross_entropy_gradient
from lmcourse.training.fit import fit
from lmcourse.training.schedules import constant, cosine, linear
from lmcourse.training.streams import random_batches, stream_batches

B, T, V, D, U = 4, 6, 5, 3, 7
IDS = np.random.default_rng(0).integers(0, V, 400)
BATCHES = random_batches(IDS, B, T, seed=1)


def recurrent(seed=0):
    keras.utils.set_random_seed(seed)
    return RecurrentLM(V, "rnn", width=D, units=U, dropout=0.3)


def small(seed=0):
    """Embedding, dropout, a layer: quick to build."""
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    return keras.Sequential([layers.Embedding(V, D), layers.Dropout(0.3), layers.Dense(V)])


def on(model, ids=IDS[:60]):
    """Measures held-out text, in nats."""
    return lambda: cross_entropy(np.asarray(model(ids[None, :-1]), np.float64)[0], ids[1:])


class Clock:
    """A clock that goes on by one at every look."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        self.now += 1.0
        return self.now


class Killed(Exception):
    pass


def killed_at(step, batches=BATCHES):
    def batch(number):
        if number == step:
            raise Killed
        return batches(number)

    return batch


# --- one step, by hand


def test_three_steps_of_momentum_equal_those_of_the_reference():
    model, table = SoftmaxBigram(V), np.zeros((V, V))
    sgd, rates = optimizers.SGD(1.0, momentum=0.9), []
    history = fit(
        model,
        BATCHES,
        steps=3,
        optimizer=keras.optimizers.SGD(2.0, momentum=0.9),
        schedule=linear,
        clip_norm=None,
    )
    bias, walker = np.zeros(V), optimizers.SGD(1.0, momentum=0.9)
    for step in range(3):
        inputs, targets = BATCHES(step)
        logits = (table + bias)[inputs]
        assert_allclose(history.losses[step], cross_entropy(logits, targets), rtol=1e-5)
        slopes, gradient = cross_entropy_gradient(logits, targets), np.zeros((V, V))
        np.add.at(gradient, inputs, slopes)
        sgd.learning_rate = walker.learning_rate = 2.0 * (1 - step / 3)
        rates.append(sgd.learning_rate)
        table, bias = sgd.step(table, gradient), walker.step(bias, slopes.sum(axis=(0, 1)))
    assert_allclose(history.rates, rates)
    assert_allclose(model.table.numpy(), table, atol=1e-6)
    assert_allclose(model.bias.numpy(), bias, atol=1e-6)


def test_rows_used_twice_are_added_before_adam_squares_them():
    """Is the gradient of the embedding still a list of rows? Then Adam squares the parts."""
    inputs, targets = np.array([[0, 0, 0, 1]]), np.array([[1, 1, 2, 3]])
    model = SoftmaxBigram(V)
    fit(model, lambda step: (inputs, targets), steps=4, schedule=constant, learning_rate=0.1,
        clip_norm=None)  # fmt: skip
    table, bias, one, two = np.zeros((V, V)), np.zeros(V), *(optimizers.Adam(0.1) for _ in "ab")
    for _ in range(4):
        slopes, gradient = cross_entropy_gradient((table + bias)[inputs], targets), np.zeros((V, V))
        np.add.at(gradient, inputs, slopes)
        table, bias = one.step(table, gradient), two.step(bias, slopes.sum(axis=(0, 1)))
    assert_allclose(model.table.numpy(), table, atol=1e-5)


def test_clipping_measures_the_gradient_of_all_variables_together():
    inputs, targets = np.array([[0, 0, 0, 1]]), np.array([[1, 1, 2, 3]])
    model, clip = SoftmaxBigram(V), 0.25
    fit(model, lambda step: (inputs, targets), steps=1, schedule=constant, clip_norm=clip,
        optimizer=keras.optimizers.SGD(1.0))  # fmt: skip
    slopes, gradient = cross_entropy_gradient(np.zeros((1, 4, V)), targets), np.zeros((V, V))
    np.add.at(gradient, inputs, slopes)
    length = np.sqrt((gradient**2).sum() + (slopes.sum(axis=(0, 1)) ** 2).sum())
    assert length > clip
    assert_allclose(model.table.numpy(), -gradient * clip / length, atol=1e-6)


def test_the_losses_equal_those_of_keras_fit():
    """Without repeated rows and without clipping, Keras's own loop does the same."""
    x = np.tile(np.arange(V), (B, 1))[:, :4]
    y = np.random.default_rng(0).integers(0, V, (B, 4))
    ours, theirs = small(), small()
    history = fit(
        ours,
        lambda step: (x, y),
        steps=5,
        schedule=constant,
        clip_norm=None,
        optimizer=keras.optimizers.SGD(0.5, momentum=0.9),
    )
    theirs(x)
    for number, state in enumerate(v for v in theirs.variables if "seed_gen" in v.name):
        state.assign(np.array([0, number], state.dtype))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    theirs.compile(keras.optimizers.SGD(0.5, momentum=0.9), loss)
    log = theirs.fit(x, y, batch_size=B, epochs=5, verbose=0, shuffle=False).history
    assert_allclose(history.losses, log["loss"], rtol=1e-5)
    for one, other in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_allclose(one, other, atol=1e-6)


def test_a_weight_of_zero_hides_a_target():
    inputs, targets = BATCHES(0)
    weights = np.ones((B, T))
    weights[:, -2:] = 0
    other = targets.copy()
    other[:, -2:] = (other[:, -2:] + 1) % V
    losses = [
        fit(SoftmaxBigram(V, D), lambda step, y=y: (inputs, y, weights), steps=3).losses
        for y in (targets, other)
        if keras.utils.set_random_seed(0) is None
    ]
    assert_array_equal(*losses)
    keras.utils.set_random_seed(0)
    cut = fit(SoftmaxBigram(V, D), lambda step: (inputs[:, :-2], targets[:, :-2]), steps=1).losses
    assert_allclose(losses[0][0], cut[0], rtol=1e-6)


def test_a_model_with_one_prediction_a_window_is_trained_too():
    model = LastStep(recurrent())
    history = fit(model, lambda step: (BATCHES(step)[0], BATCHES(step)[1][:, -1]), steps=3)
    assert history.steps == 3


# --- how long, how fast


def test_the_same_seed_gives_the_same_run_and_another_seed_another_dropout():
    one, same, other = (fit(small(), BATCHES, steps=5, seed=s).losses for s in (3, 3, 4))
    assert_array_equal(one, same)
    assert one[0] != other[0]


def test_a_run_of_seconds_ends_with_its_clock_and_follows_the_schedule():
    history = fit(SoftmaxBigram(V), BATCHES, seconds=10, schedule=linear, clock=Clock())
    # the clock is read once for the start, once a step, once to see that time is up
    assert history.steps == 9
    assert_allclose(history.rates, 1e-3 * (1 - np.arange(1, 10) / 10), rtol=1e-6)
    assert 10 <= history.seconds <= 12


def test_a_run_of_steps_is_independent_of_the_clock():
    runs = [fit(small(), BATCHES, steps=6, clock=clock) for clock in (Clock(), lambda: 0.0)]
    assert_array_equal(runs[0].losses, runs[1].losses)


def test_the_optimizer_comes_back_as_it_went():
    optimizer = keras.optimizers.Adam(0.25)
    apply = optimizer.apply
    fit(SoftmaxBigram(V), BATCHES, steps=3, optimizer=optimizer, schedule=linear)
    assert float(optimizer.learning_rate.numpy()) == 0.25
    assert optimizer.global_clipnorm is None and optimizer.apply == apply


def test_an_optimizer_that_clips_keeps_its_way():
    inside = []

    class Watch(keras.optimizers.SGD):
        def apply(self, *args):
            inside.append((self.clipnorm, self.global_clipnorm))
            return super().apply(*args)

    fit(SoftmaxBigram(V), BATCHES, steps=1, optimizer=Watch(1.0, clipnorm=0.5))
    fit(SoftmaxBigram(V), BATCHES, steps=1, optimizer=Watch(1.0))
    assert set(inside) == {(0.5, None), (None, 1.0)}


# --- validation


def test_the_model_ends_with_the_weights_that_validated_best():
    model, nats = SoftmaxBigram(V), iter([3.0, 1.0, 2.0])
    seen = []

    def validate():
        seen.append(model.table.numpy())
        return next(nats)

    history = fit(model, BATCHES, steps=25, validate=validate, validate_every=10)
    assert history.validation == [(10, 3.0), (20, 1.0), (25, 2.0)] and history.best == 20
    assert_array_equal(model.table.numpy(), seen[1])
    assert abs(seen[2] - seen[1]).max() > 0


def test_patience_counts_validations_without_a_new_best():
    nats = iter([3.0, 2.0, 2.5, 2.0, 1.0])
    history = fit(
        SoftmaxBigram(V), BATCHES, steps=50, validate=lambda: next(nats), validate_every=2,
        patience=2,
    )  # fmt: skip
    assert history.steps == 8 and history.best == 4


def test_looking_changes_nothing():
    """Neither the dropout that follows, nor the state that is carried, nor the weights."""

    def run(validate):
        model = Stateful(recurrent(), B)
        batches = stream_batches(IDS, B, T)
        return fit(model, batches, steps=6, validate=validate(model), validate_every=2).losses

    def careless(model):
        return lambda: float(ops.sum(model(IDS[: B * T].reshape(B, T), training=True)) * 0 + 1)

    assert_array_equal(run(lambda model: None), run(careless))


def test_an_average_of_weights_is_judged_and_kept():
    optimizer = keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.5)
    model, seen = SoftmaxBigram(V), []
    raw = SoftmaxBigram(V)
    fit(raw, BATCHES, steps=1, optimizer=keras.optimizers.SGD(0.5), schedule=constant)
    first = raw.table.numpy()
    fit(raw, BATCHES, steps=2, optimizer=keras.optimizers.SGD(0.5), schedule=constant)

    def validate():
        seen.append(model.table.numpy())
        return -len(seen)  # always a new best

    fit(model, BATCHES, steps=2, optimizer=optimizer, schedule=constant, validate=validate,
        validate_every=1)  # fmt: skip
    assert_array_equal(model.table.numpy(), seen[-1])
    assert_allclose(seen[0], first, atol=1e-6)  # the average of one is itself
    again = SoftmaxBigram(V)
    fit(again, BATCHES, steps=2, optimizer=keras.optimizers.SGD(0.5), schedule=constant)
    assert_allclose(seen[1], (first + again.table.numpy()) / 2, atol=1e-6)


def test_an_average_of_weights_is_kept_without_validation_too():
    model = SoftmaxBigram(V)
    fit(model, BATCHES, steps=3, optimizer=keras.optimizers.SGD(0.5, use_ema=True))
    plain = SoftmaxBigram(V)
    fit(plain, BATCHES, steps=3, optimizer=keras.optimizers.SGD(0.5))
    assert abs(model.table.numpy() - plain.table.numpy()).max() > 1e-4


# --- interrupted and resumed


OPTIMIZERS = {
    "momentum": lambda: keras.optimizers.SGD(0.5, momentum=0.9),
    "adam": lambda: keras.optimizers.Adam(0.03),
    "averaged adamw": lambda: keras.optimizers.AdamW(0.03, use_ema=True),
    "muon": lambda: keras.optimizers.Muon(0.03),
}


@pytest.mark.parametrize(
    ("name", "stateful"),
    [
        ("momentum", False),
        ("adam", False),
        ("averaged adamw", False),
        ("muon", False),
        ("adam", True),
    ],
)
def test_a_run_that_was_killed_gives_the_curve_of_one_that_was_not(name, stateful, tmp_path):
    def make():
        return Stateful(recurrent(), B) if stateful else small()

    def run(model, batches, **options):
        return fit(
            model, batches, steps=17, optimizer=OPTIMIZERS[name](), validate=on(inner(model)),
            validate_every=5, seed=2, **options,
        )  # fmt: skip

    def inner(model):
        return model.model if stateful else model

    batches = stream_batches(IDS, B, T) if stateful else BATCHES
    straight = make()
    whole = run(straight, batches)
    file = tmp_path / "run.npz"
    with pytest.raises(Killed):
        run(make(), killed_at(12, batches), checkpoint=file)
    asked, again = [], make()
    if again.built:
        again.set_weights([w + 1 for w in again.get_weights()])  # nothing may come from here

    def counting(step):
        asked.append(step)
        return batches(step)

    resumed = run(again, counting, checkpoint=file)
    assert asked == [0, *range(10, 17)]  # batch 0 only tells which run this is
    assert_allclose(resumed.losses, whole.losses, atol=1e-6)
    assert_allclose(resumed.rates, whole.rates)
    assert_allclose(resumed.validation, whole.validation, atol=1e-6)
    assert resumed.best == whole.best
    for one, other in zip(again.get_weights(), straight.get_weights(), strict=True):
        assert_allclose(one, other, atol=1e-6)


def test_a_run_that_is_done_is_not_run_again(tmp_path):
    first, second = small(0), small(1)
    done = fit(first, BATCHES, steps=6, checkpoint=tmp_path, validate=on(first), validate_every=3)
    again = fit(second, killed_at(3), steps=6, checkpoint=tmp_path, validate=lambda: 1 / 0,
                validate_every=3)  # fmt: skip
    assert again == done
    assert_array_equal(first(IDS[None, :9]), second(IDS[None, :9]))


def test_patience_that_has_ended_stays_ended(tmp_path):
    def run(batches):
        rising = iter(range(9))
        return fit(SoftmaxBigram(V), batches, steps=50, validate=lambda: next(rising),
                   validate_every=2, patience=2, checkpoint=tmp_path)  # fmt: skip

    assert run(BATCHES).steps == run(killed_at(6)).steps == 6


def test_seconds_that_were_spent_stay_spent(tmp_path):
    first, clock = SoftmaxBigram(V), Clock()
    with pytest.raises(Killed):
        fit(first, killed_at(7), seconds=20, checkpoint=tmp_path, validate_every=5, clock=clock)
    clock.now += 1000  # the machine was off
    history = fit(
        SoftmaxBigram(V), BATCHES, seconds=20, checkpoint=tmp_path, validate_every=5, clock=clock
    )
    assert 15 <= history.steps <= 19 and 20 <= history.seconds < 25


SCRIPT = """
    import os, signal, sys
    import keras
    from tests.training.test_fit import BATCHES, fit, small
    def batches(step):
        if step == int(sys.argv[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        return BATCHES(step)
    history = fit(small(), batches, steps=9, validate_every=4, checkpoint=sys.argv[1])
    print(*history.losses)
"""


def test_a_process_killed_by_the_system_goes_on_in_the_next(tmp_path):
    def run(step):
        code = [sys.executable, "-c", textwrap.dedent(SCRIPT), str(tmp_path), str(step)]
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
        return subprocess.run(code, env=environment, capture_output=True, text=True, timeout=300)

    assert run(6).returncode == -signal.SIGKILL
    assert os.listdir(tmp_path) == ["checkpoint.npz"]
    second = run(-1)
    assert second.returncode == 0, second.stderr
    losses = fit(small(), BATCHES, steps=9, validate_every=4).losses
    assert_allclose([float(word) for word in second.stdout.split()], losses, atol=1e-6)


# --- what goes wrong


def test_a_checkpoint_of_another_model_is_refused_and_left_alone(tmp_path):
    fit(SoftmaxBigram(V), BATCHES, steps=4, checkpoint=tmp_path)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    for other, what in (
        (SoftmaxBigram(V, D), "model.*3 variables|model.*table .*contexts"),
        (SoftmaxBigram(V + 1), r"model.*table \(5, 5\) float32, now .*table \(6, 6\)"),
    ):
        weights = other.get_weights()
        with pytest.raises(ValueError, match=f"go on with the same {what}"):
            fit(other, BATCHES, steps=4, checkpoint=tmp_path)
        for one, same in zip(weights, other.get_weights(), strict=True):
            assert_array_equal(one, same)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"steps": 5}, "length='4 steps', now length='5 steps'"),
        ({"learning_rate": 0.5}, "learning_rate=.*, now learning_rate=0.5"),
        ({"schedule": cosine}, "schedule="),
        ({"seed": 1}, "seed=0, now seed=1"),
        ({"clip_norm": 0.5}, "global_clipnorm=1.0, now global_clipnorm=0.5"),
        ({"validate_every": 7}, "validation='False, every 2, .* now validation='False, every 7"),
        ({"optimizer": keras.optimizers.Adamax(0.001)}, "name='Adam', now name='Adamax'"),
        ({"optimizer": keras.optimizers.SGD(0.001)}, "name='Adam', now name='SGD'"),
        ({"batches": random_batches(IDS, B, T, seed=9)}, "first batch="),
    ],
)
def test_a_checkpoint_of_another_recipe_is_refused_and_left_alone(changed, named, tmp_path):
    recipe = {"batches": BATCHES, "steps": 4, "validate_every": 2, "checkpoint": tmp_path}
    fit(SoftmaxBigram(V), **recipe)
    before = (tmp_path / "checkpoint.npz").read_bytes()
    with pytest.raises(ValueError, match=named):
        fit(SoftmaxBigram(V), **recipe | changed)
    assert (tmp_path / "checkpoint.npz").read_bytes() == before


def damaged(file):
    """Every way in which a checkpoint may be something else."""
    whole = file.read_bytes()
    yield whole[: len(whole) // 2]
    yield b""
    yield b"\x80\x05not an archive"
    yield whole[:300] + b"\x00" * 80 + whole[380:]
    np.savez(file, other=np.zeros(3))
    yield file.read_bytes()
    np.savez(file, facts=np.array({"kind": 1}, object))  # a pickle: never opened
    yield file.read_bytes()
    np.save(file.with_suffix(".npy"), np.zeros(3))
    yield file.with_suffix(".npy").read_bytes()


def test_a_damaged_checkpoint_is_named_and_left_alone(tmp_path):
    file = tmp_path / "run.npz"
    fit(SoftmaxBigram(V), BATCHES, steps=4, checkpoint=file)
    for content in list(damaged(file)):
        file.write_bytes(content)
        with pytest.raises(ValueError, match="must be the whole file of a training run.*run.npz"):
            fit(SoftmaxBigram(V), BATCHES, steps=4, checkpoint=file)
        assert file.read_bytes() == content


class Explodes(SoftmaxBigram):
    """A model whose scores are no numbers once the table has moved far enough."""

    def call(self, ids):
        logits = super().call(ids)
        return ops.where(ops.max(ops.abs(self.table)) > 0.45, np.nan, logits)


@pytest.mark.parametrize("validated", [False, True])
@pytest.mark.parametrize(
    ("every", "message"),
    [
        (2, r"Received: loss=nan at step 5, learning rate 0.1.* weights of \d steps again"),
        (1, r"Received: weights that give no number after step 4.* weights of \d steps again"),
    ],
)
def test_a_loss_that_is_no_number_stops_the_run_and_keeps_what_was_good(
    every, message, validated, tmp_path
):
    model, file = Explodes(V), tmp_path / "run.npz"
    options = {"validate": on(model)} if validated else {}
    with pytest.raises(ValueError, match=message):
        fit(
            model,
            lambda step: BATCHES(0),
            steps=50,
            learning_rate=0.1,
            schedule=constant,
            validate_every=every,
            checkpoint=file,
            **options,
        )
    assert np.isfinite(model.table.numpy()).all() and 0 < abs(model.table.numpy()).max() <= 0.45
    with np.load(file, allow_pickle=False) as archive:
        group = "best/0" if validated else "model/0"
        assert_array_equal(archive[group], model.table.numpy())
        assert all(np.isfinite(archive[key]).all() for key in archive.files if key != "facts")


def test_the_message_says_what_to_try():
    with pytest.raises(ValueError, match="A loss must stay finite.*rate that is too high.*tenth"):
        fit(Explodes(V), BATCHES, steps=50, learning_rate=1.0)


def test_a_weight_that_is_no_number_never_reaches_the_checkpoint(tmp_path):
    class Spoils(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            broken = ops.equal(self.iterations, 3)
            self.assign_sub(variable, ops.where(broken, np.nan, gradient * learning_rate))

    model, file = SoftmaxBigram(V), tmp_path / "run.npz"
    with pytest.raises(ValueError, match="weights that give no number after step 3"):
        fit(model, BATCHES, steps=8, optimizer=Spoils(0.1), validate_every=2, checkpoint=file)
    assert np.isfinite(model.table.numpy()).all()
    with np.load(file) as archive:
        assert_array_equal(archive["model/0"], model.table.numpy())


def test_a_validation_that_is_no_number_stops_the_run():
    nats, model = iter([1.0, np.nan]), SoftmaxBigram(V)
    with pytest.raises(ValueError, match="validation=nan after step 3.*weights of 2 steps again"):
        fit(model, BATCHES, steps=8, validate=lambda: next(nats), validate_every=2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "Exactly one of `steps` and `seconds` must be given. Received: steps=None"),
        ({"steps": 1, "seconds": 1}, "Exactly one of"),
        ({"steps": 0}, "`steps` must be above 0. Received: steps=0"),
        ({"seconds": -1}, "`seconds` must be above 0"),
        ({"steps": 1, "learning_rate": 0.0}, "`learning_rate` must be above 0"),
        ({"steps": 1, "learning_rate": np.inf}, "`learning_rate` must be above 0"),
        ({"steps": 1, "clip_norm": 0}, "`clip_norm` must be above 0"),
        ({"steps": 1, "validate_every": 0}, "`validate_every` must be above 0"),
        ({"steps": 1, "patience": 2}, "`patience` needs `validate`. Received: patience=2"),
        (
            {"steps": 1, "optimizer": keras.optimizers.SGD(lambda: 0.1)},
            "rate of the optimizer must be a number",
        ),
    ],
)
def test_an_argument_that_does_not_fit_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        fit(SoftmaxBigram(V), BATCHES, **arguments)


def test_a_schedule_of_keras_is_named():
    rate = keras.optimizers.schedules.CosineDecay(0.1, 10)
    with pytest.raises(ValueError, match="must be a number; .*Received: CosineDecay"):
        fit(SoftmaxBigram(V), BATCHES, steps=1, optimizer=keras.optimizers.SGD(rate))


def test_ids_that_the_model_does_not_know_are_named_before_anything_is_learned():
    model = SoftmaxBigram(V - 1)
    with pytest.raises(ValueError, match="must be ids from 0 to V - 1 = 3. Received: ids from 0 t"):
        fit(model, BATCHES, steps=1)
    assert not model.table.numpy().any()
    with pytest.raises(TypeError, match="`inputs` must be integer ids"):
        fit(model, lambda step: (BATCHES(step)[0] / 2, BATCHES(step)[1]), steps=1)


def test_a_model_that_gives_other_rows_than_there_are_targets_is_named():
    with pytest.raises(ValueError, match=r"logits of shape \(4, 6, 5\), targets of shape \(4,\)"):
        fit(SoftmaxBigram(V), lambda step: (BATCHES(step)[0], BATCHES(step)[1][:, 0]), steps=1)


def test_a_folder_that_does_not_exist_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="folder of the checkpoint must exist"):
        fit(SoftmaxBigram(V), BATCHES, steps=1, checkpoint=tmp_path / "no" / "run.npz")


# --- what can be watched


def test_the_log_can_be_read_by_tensorboard(tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    options = {"steps": 6, "validate_every": 2, "log": tmp_path / "log", "checkpoint": tmp_path}
    with pytest.raises(Killed):
        fit(SoftmaxBigram(V), killed_at(5), validate=lambda: 1.0, **options)
    time.sleep(1.1)  # TensorBoard names its files by the second
    history = fit(SoftmaxBigram(V), BATCHES, validate=lambda: 1.0, **options)
    log = EventAccumulator(str(tmp_path / "log")).Reload()
    assert set(log.Tags()["scalars"]) == {"loss", "learning_rate", "validation"}
    read = log.Scalars("loss")
    assert [event.step for event in read] == [1, 2, 3, 4, 5, 6]  # nothing twice
    assert_allclose([event.value for event in read], history.losses, rtol=1e-6)
    assert_allclose([e.value for e in log.Scalars("learning_rate")], history.rates, rtol=1e-6)
    assert [event.step for event in log.Scalars("validation")] == [2, 4, 6]


def test_a_bar_moves_in_a_terminal_and_never_in_a_built_notebook(capsys, monkeypatch):
    monkeypatch.delenv("LMCOURSE_STATIC", raising=False)
    fit(SoftmaxBigram(V), BATCHES, steps=3, progress=True)
    shown = capsys.readouterr().err
    assert "100%" in shown and "loss" in shown
    fit(SoftmaxBigram(V), BATCHES, steps=3)
    monkeypatch.setenv("LMCOURSE_STATIC", "1")
    fit(SoftmaxBigram(V), BATCHES, steps=3, progress=True)
    assert capsys.readouterr().err == ""
