"""A submission at work: run once, started again where a part of it ends its process. No tests.

A cell that ended the process once is left out from then on, and so is the part it belongs to.
"""

import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import contextmanager

import psutil

from lmcourse.classroom.report import sentence
from lmcourse.classroom.student import Ended, Outcome, Student

try:
    import resource
except ImportError:  # Windows has none
    resource = None

GRACE = 30.0  # seconds that a test may compute itself, beyond those of the submission
MEMORY = 2 * 2**30  # bytes that a test itself may take: what it compares may be large on purpose


class Session:
    """A submission that runs.

    Args:
        cells: the part and the source of each cell, in order.
        start: starts a fresh process.
        end: when time is over, of `time.monotonic`.
        part_seconds: for one test of one part.

    Attributes:
        first: what came of each cell when it first ran.
    """

    def __init__(
        self,
        cells: Sequence[tuple[str, str]],
        start: Callable[[], Student],
        end: float,
        part_seconds: float,
    ):
        self.cells, self.start, self.end, self.part_seconds = cells, start, end, part_seconds
        self.bad, self.first = {}, [Outcome("", None) for _ in cells]
        self.student = None

    def test(self, part: str, test: Callable[[Student], dict | None]) -> dict | None:
        """Hold the submission against a part's test: None if it passes, else what was found."""
        fresh = False
        while True:
            while self.student is None:
                fresh = True
                if self.end <= time.monotonic():
                    return {"reason": "late"}
                self._restart()
            if why := self._why(part):
                return {"reason": why}
            self.student.deadline = min(self.end, time.monotonic() + self.part_seconds)
            try:
                with bounded(self.part_seconds + GRACE):
                    return test(self.student)
            except Ended as ended:
                self.close()
                if fresh:  # else another part may have left something behind: once more, alone
                    return {"reason": str(ended)}

    def _why(self, part):
        """Why a part's own cell can't run, or None."""
        return next((why for i, why in self.bad.items() if self.cells[i][0] == part), None)

    def _restart(self):
        student = self.start()
        student.deadline = self.end
        for i, (_, source) in enumerate(self.cells):
            if i in self.bad:
                continue
            try:
                outcome = student.run(source)
            except Ended as ended:
                student.close()
                self.bad[i] = str(ended)
                self.first[i] = Outcome(sentence({"reason": str(ended)})["en"], None)
                return
            if self.first[i] == Outcome("", None):
                self.first[i] = outcome
        self.student = student

    def close(self) -> None:
        """End the process, if one runs."""
        if self.student is not None:
            self.student.close()
        self.student = None


@contextmanager
def bounded(seconds):
    """Bound what a test takes on this side: what it is handed may be large or slow on purpose."""
    if resource is None:
        yield
        return
    main = threading.current_thread() is threading.main_thread()
    before = resource.getrlimit(resource.RLIMIT_AS)
    most = psutil.Process().memory_info().vms + MEMORY
    if before[0] in (resource.RLIM_INFINITY, -1) or before[0] > most:
        resource.setrlimit(resource.RLIMIT_AS, (most, before[1]))
    if main:  # signals come to no other thread
        handler = signal.signal(signal.SIGALRM, _too_long)
        signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        if main:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, handler)
        resource.setrlimit(resource.RLIMIT_AS, before)


def _too_long(*_):
    raise Ended("time")
