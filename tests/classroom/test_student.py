"""A running submission as its tests see it."""

import threading
import time

import psutil
import pytest

from lmcourse.classroom import student
from lmcourse.classroom.limits import Limits, NoSandbox
from lmcourse.classroom.student import Ended, StudentError, Worker, _error
from lmcourse.classroom.wire import WireError


@pytest.fixture
def running():
    worker = Worker("none", Limits(cell=20, call=20))
    yield worker
    worker.close()


def test_a_worker_runs_cells_and_answers_calls(running):
    assert running.run("import numpy as np\ndef f(x): return 2 * np.asarray(x)").error is None
    assert running.call("f", [1, 2]).tolist() == [2, 4]
    with pytest.raises(StudentError, match="not defined"):
        running.value("g")


def test_a_worker_that_has_ended_says_why_each_time(running):
    for _ in range(2):
        with pytest.raises(Ended, match="died"):
            running.run("import os; os._exit(0)")


def test_a_deadline_counts_more_than_a_limit(running):
    running.deadline = time.monotonic() + 0.5
    with pytest.raises(Ended, match="time"):
        running.run("while True: pass")
    assert not psutil.pid_exists(running.process.pid)


def test_what_a_test_itself_can_not_hand_over_ends_nothing(running):
    running.run("def f(x): return 1")
    with pytest.raises(WireError):
        running.call("f", object())
    assert running.call("f", 1) == 1


def test_to_close_twice_or_at_once_ends_no_other_process(running, monkeypatch):
    running.close()
    monkeypatch.setattr(student, "_family", lambda number: pytest.fail("its number is free now"))
    for thread in (threads := [threading.Thread(target=running.close) for _ in range(4)]):
        thread.start()
    for thread in threads:
        thread.join()


def test_a_sandbox_that_does_not_start_is_no_fault_of_the_submission(monkeypatch):
    monkeypatch.setattr(student, "START", 0.0)
    with pytest.raises(NoSandbox, match="does not start"):
        Worker("none", Limits())


@pytest.mark.parametrize(
    "told, kind",
    [
        (["ValueError", "x", 3], "ValueError"),
        (["ExceptionGroup", "x", 3], "Exception"),
        (["print", "x", 3], "Exception"),
        (["SystemExit", "x", 3], "SystemExit"),
        (["Misconception", "half", 3], "Exception"),
        ([["ValueError"], {"a": 1}, "line"], "Exception"),
        (["UnicodeDecodeError", "x", True], "UnicodeDecodeError"),
        (None, "Exception"),
        ("ValueError", "Exception"),
        (["x" * 10**6, "y" * 10**6, 10**30], "Exception"),
    ],
    ids=lambda case: str(case)[:30],
)
def test_an_error_is_made_of_whatever_is_told(told, kind):
    made = _error(told)
    assert isinstance(made, StudentError) and made.kind == kind and len(str(made)) <= 1_000
    assert made.line is None or type(made.line) is int
