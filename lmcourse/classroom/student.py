"""A submission as its tests see it: functions to call, values to ask for. Knows no test.

The tests stand on this side of the wall, the student's code on the other. Only values cross
(`lmcourse.classroom.wire`). A submission that hangs, dies or talks nonsense is an exception here.
"""

import builtins
import subprocess
import threading
from dataclasses import dataclass

import psutil

from lmcourse.classroom import worker
from lmcourse.classroom.sandbox import Limits, command
from lmcourse.classroom.wire import LARGEST, WireError, pack, unpack

WATCH = 0.05  # seconds between two looks at the memory in use


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
    """A running submission; the subclasses say where it runs."""

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
        self.process = subprocess.Popen(
            command(means, limits, place),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self.finished = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def close(self) -> None:
        """End it, and all that it has started."""
        self._end("died")

    def _ask(self, request, call):
        if self.why is not None:
            raise Ended(self.why)
        seconds = self.limits.call if call else self.limits.cell
        timer = threading.Timer(seconds, self._end, ["time"])
        timer.start()
        try:
            self.process.stdin.write(pack(request) + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline(LARGEST + 1)
            answer = unpack(line)
            if not isinstance(answer, dict):
                raise WireError("not an answer")
        except (OSError, ValueError):
            self._end("died")
            raise Ended(self.why) from None
        finally:
            timer.cancel()
        return answer

    def _end(self, why):
        self.why = self.why or why
        self.finished.set()
        for process in _family(self.process.pid):
            try:
                process.kill()
            except psutil.NoSuchProcess:
                pass
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            try:
                stream.close()
            except OSError:
                pass

    def _watch(self):
        """See that all processes together stay within the memory."""
        while not self.finished.wait(WATCH):
            used = 0
            for process in _family(self.process.pid):
                try:
                    used += process.memory_info().rss
                except psutil.NoSuchProcess:
                    pass
            if used > self.limits.memory:
                self._end("memory")


def _family(number):
    try:
        top = psutil.Process(number)
        return [top, *top.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _error(told):
    """Make the exception that the other side tells of; nothing it says is taken on trust."""
    told = told if isinstance(told, list) and len(told) == 3 else ["Exception", "", None]
    kind = getattr(builtins, str(told[0]), None)
    if not (isinstance(kind, type) and issubclass(kind, Exception)) or kind is Exception:
        made = StudentError(str(told[1]))
    else:
        made = type(kind.__name__, (StudentError, kind), {"__init__": Exception.__init__})(
            str(told[1])
        )
    made.kind = kind.__name__ if made.__class__ is not StudentError else "Exception"
    made.line = told[2] if isinstance(told[2], int) else None
    return made
