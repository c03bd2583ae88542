"""A submission as its tests see it: functions to call, values to ask for. Knows no test.

The tests stand on this side of the wall, the student's code on the other. Only values cross
(`lmcourse.classroom.wire`). A submission that hangs, dies or talks nonsense is an exception here.
"""

import builtins
import math
import os
import threading
import time
from dataclasses import dataclass

import psutil

from lmcourse.classroom import worker
from lmcourse.classroom.limits import Limits, NoSandbox
from lmcourse.classroom.sandbox import start
from lmcourse.classroom.wire import LARGEST, pack, unpack

WATCH = 0.05  # seconds between two looks at the memory in use
START = 120.0  # seconds until a worker stands, on a machine that has much to do


class Ended(Exception):
    """The submission's process is gone; the text says why: `"died"`, `"time"` or `"memory"`."""


class StudentError(Exception):
    """The student's code raised an error. Its class is also that error's, if it is one of Python's.

    Attributes:
        kind: the error's name.
        line: the line of the cell, or None.
    """

    kind, line = "Exception", None


@dataclass(frozen=True)
class Outcome:
    """What came of a cell: what it printed, and the error that ended it, or None."""

    output: str
    error: StudentError | None


class Student:
    """A running submission; the subclasses say where it runs.

    Attributes:
        deadline: when its time is up, by `time.monotonic`; the one who runs it sets it.
        changed: the last function that has changed its arguments, or None; the same.
    """

    deadline, changed = math.inf, None

    def run(self, source: str) -> Outcome:
        """Run one cell.

        Raises:
            Ended: if the process is gone, or had to be ended.
        """
        answer = self._ask({"do": "run", "source": source}, call=False)
        output = answer.get("output")
        output = output[: worker.LONGEST_OUTPUT] if isinstance(output, str) else ""
        return Outcome(output, _error(answer["error"]) if "error" in answer else None)

    def call(self, name: str, *args, **options) -> object:
        """Call one of the submission's functions.

        Raises:
            StudentError: whatever the function raises; if it has gone, a NameError.
            Ended: as `run`.
        """
        return self._value({"do": "call", "name": name, "args": list(args), "options": options})

    def value(self, name: str) -> object:
        """Give what a name stands for. Raises as `call`."""
        return self._value({"do": "value", "name": name})

    def close(self) -> None:
        """End it."""

    def _value(self, request):
        answer = self._ask(request, call=True)
        if "error" in answer:
            raise _error(answer["error"])
        if answer.get("changed") is True:
            self.changed = request["name"]
        return answer.get("value")


class InProcess(Student):
    """A submission in this very process, for those who trust it: the course's own tests do."""

    def __init__(self):
        self.namespace = {"__name__": "__main__", "display": lambda *values: None}

    def _ask(self, request, call):
        return unpack(worker.answer(unpack(pack(request)), self.namespace, pack))


class Worker(Student):
    """A submission in a process of its own, inside a sandbox.

    Args:
        means: the sandbox, one of `sandbox.MEANS`.
        limits: how much it may take.
        place: which of the sandboxes side by side this is.
    """

    def __init__(self, means: str, limits: Limits, place: int = 0):
        self.limits, self.why = limits, None
        self.process = start(means, limits, place)
        self.finished, self.ending = threading.Event(), threading.Lock()
        self.waiting = threading.Thread()  # talks to the other side
        threading.Thread(target=self._watch, daemon=True).start()
        try:
            self._exchange({"do": "run", "source": ""}, START)
        except Ended:  # nothing of the student's has run yet
            raise NoSandbox("A sandbox does not start; is this machine out of memory?") from None

    def close(self) -> None:
        """End it, and all that it has started."""
        self._end("died")

    def _ask(self, request, call):
        seconds = self.limits.call if call else self.limits.cell
        return self._exchange(request, min(seconds, self.deadline - time.monotonic()))

    def _exchange(self, request, seconds):
        line, answers = pack(request) + b"\n", []

        def exchange():
            try:
                self.process.stdin.write(line)
                self.process.stdin.flush()
                answers.append(unpack(self.process.stdout.readline(LARGEST + 1)))
            except (OSError, ValueError):
                pass

        if self.why is None and seconds > 0:
            self.waiting = threading.Thread(target=exchange, daemon=True)
            self.waiting.start()
            self.waiting.join(seconds)
            if self.waiting.is_alive():
                self._end("time")
            elif not answers or not isinstance(answers[0], dict):
                self._end("died")
        elif self.why is None:
            self._end("time")
        if self.why is not None:
            raise Ended(self.why)
        return answers[0]

    def _end(self, why):
        with self.ending:  # only once: later its number may be another process's
            if self.finished.is_set():
                return
            self.why = why
            self.finished.set()
            family = _family(self.process.pid)
            self.process.kill()
            for process in family:
                try:
                    process.kill()
                except psutil.Error:
                    pass
            self.process.wait()
        if self.waiting.is_alive():
            self.waiting.join(10)  # it may be unpacking much
        if not self.waiting.is_alive():  # else somebody who got away holds the other end
            for stream in (self.process.stdin, self.process.stdout):
                try:
                    stream.close()
                except OSError:
                    pass

    def _watch(self):
        """See that all processes together stay within the memory."""
        while not self.finished.wait(WATCH):
            used = files = 0
            for process in _family(self.process.pid):
                try:
                    used += process.memory_info().rss
                    files = max(files, _files(process.pid))
                except (psutil.Error, OSError):
                    pass
            if used > self.limits.memory or files > self.limits.files:
                self._end("memory")


def _family(number):
    try:
        top = psutil.Process(number)
        return [top, *top.children(recursive=True)]
    except psutil.Error:
        return []


def _files(number):
    """Count the files in the sandbox's own folder: each takes memory, an empty one, too."""
    root = f"/proc/{number}/root"
    if not os.path.isdir(f"{root}/kit/lmcourse"):
        return 0
    space = os.statvfs(f"{root}/tmp")
    return space.f_files - space.f_ffree


def _error(told):
    """Make the exception that the other side tells of; nothing it says is taken on trust."""
    told = told if isinstance(told, list) and len(told) == 3 else ["Exception", "", None]
    kind, text = getattr(builtins, str(told[0])[:40], None), str(told[1])[: worker.LONGEST_ERROR]
    try:
        bases = (StudentError,) if kind is StopIteration else (StudentError, kind)  # ends loops
        made = type(kind.__name__, bases, {"__init__": Exception.__init__})(text)
        made.kind = kind.__name__
    except (TypeError, AttributeError):  # no class, no error, or one that is made in another way
        made = StudentError(text)
    made.line = told[2] if type(told[2]) is int else None
    return made
