"""Holds a submission against an assignment's tests: what it reaches, and what helps. No gradebook.

The visible tests come first, in one process; then the hidden ones, in another. So nothing that a
hidden test hands to the student's code can come to light in what the student gets to read.
"""

import io
import json
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass, field
from types import SimpleNamespace

import psutil

from lmcourse.classroom.assignment import Assignment, Part
from lmcourse.classroom.draw import draw
from lmcourse.classroom.student import Ended, Outcome, Student, StudentError
from lmcourse.classroom.submission import Submission, harmless
from lmcourse.classroom.wire import NO_VALUE

try:
    import resource
except ImportError:  # Windows has none
    resource = None

SENTENCES = {
    "unanswered": ("This part is not answered yet.", "这一部分还没有作答。"),
    "missing": (
        "`{name}` is not there: its cell is missing, was not filled in, or stopped with an error. "
        "Restart the kernel, run all cells, and see where it stops.",
        "找不到 `{name}`：那一格不见了、没填，或者运行时出错停下了。"
        "请重启内核、运行全部单元格，看看停在哪里。",
    ),
    "error": ("`{name}` stops with {kind}.", "`{name}` 出错停下：{kind}。"),
    "value": (
        "`{name}` must give numbers, text, arrays, or lists and dictionaries of them, and nothing "
        "else.",
        "`{name}` 只能给出数、文字、数组，以及由它们组成的列表和字典。",
    ),
    "time": (
        "This part took too long. Look for a loop that never ends, or for input() and sleep().",
        "这一部分用时太长。请检查有没有死循环，有没有 input() 或 sleep()。",
    ),
    "late": (
        "Your other parts took so long that no time was left for this one. Mend those first.",
        "别的部分用时太长，没有时间批改这一部分了。请先改好那些部分。",
    ),
    "memory": (
        "This part used too much memory. Look for a list or an array that grows without end, or "
        "for many files.",
        "这一部分占用内存太多。请检查有没有不断变大的列表或数组，有没有写出很多文件。",
    ),
    "died": (
        "This part ended the whole program. Take out exit() and quit(), and look for a function "
        "that calls itself without end.",
        "这一部分让整个程序退出了。请去掉 exit()、quit()，并检查有没有无休止调用自己的函数。",
    ),
    "visible": ("A visible test fails: {message}", "一个公开测试没有通过：{message}"),
    "hidden": (
        "Right in the visible tests, but not for other values. Try numbers, shapes and sizes of "
        "your own, and cases at the edge.",
        "公开测试都通过了，换别的数就不对。请自己换些数、形状和大小试试，也试试边界情形。",
    ),
}
TOLD = 600  # characters of a visible test's message
SECONDS, PART_SECONDS = 300.0, 60.0  # for one submission, for one test of one of its parts
GRACE = 30.0  # seconds that a test may compute itself, beyond those
ENDS = ("time", "late", "memory", "died")
MEMORY = 2 * 2**30  # bytes that a test itself may take: what it compares may be large on purpose


class Misconception(AssertionError):
    """A test has found a known mistake; the text is its name."""


@dataclass
class Mark:
    """What one part reaches, and the sentences for its author, in both languages."""

    part: str
    points: float
    most: float
    mistake: str | None = None  # its name, if it is a known one
    sentences: list[dict[str, str]] = field(default_factory=list)


@dataclass
class Report:
    """All that is found about one submission; as JSON it is kept and read again."""

    student: str
    assignment: str
    language: str
    marks: list[Mark]
    outputs: list[str]  # of the code cells that ran, in order, errors included
    notes: list[dict[str, str]]

    def to_json(self) -> str:
        """Write it down, always in the same way."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> "Report":
        """Read what `to_json` wrote."""
        kept = json.loads(text)
        return cls(**kept | {"marks": [Mark(**mark) for mark in kept["marks"]]})


def examine(
    assignment: Assignment,
    submission: Submission,
    student: str,
    start: Callable[[], Student],
    secret: str = "",
    seconds: float = SECONDS,
    part_seconds: float = PART_SECONDS,
) -> Report:
    """Run a submission and its tests.

    Args:
        assignment: the questions.
        submission: the answers.
        student: whose numbers the tests are about.
        start: starts a fresh process for the submission.
        secret: the class's; the hidden tests draw from it.
        seconds: for all of it.
        part_seconds: for all that one part's visible or hidden test asks.
    """
    parts = [part for part in assignment.parts.values() if not part.by_hand]
    session = _Session(submission.code(), start, time.monotonic() + seconds, part_seconds)
    try:
        visible = {part.name: session.test(_Visible(assignment, part, student)) for part in parts}
        outputs = [told(outcome) for outcome in session.first]
        session.close()
        hidden = {
            part.name: session.test(_Hidden(assignment, part, student, secret))
            for part in parts
            if (visible[part.name] or {}).get("reason") not in ENDS
        }
    finally:
        session.close()
    marks = [_mark(part, visible[part.name], hidden.get(part.name)) for part in parts]
    return Report(
        student, assignment.name, submission.language, marks, outputs, list(submission.notes)
    )


def told(outcome: Outcome) -> str:
    """A cell's output as the reader sees it: what it printed, then its error."""
    error = outcome.error
    lines = [outcome.output.rstrip()] if outcome.output.strip() else []
    return "\n".join(lines if error is None else [*lines, f"{error.kind}: {error}"])


def _mark(part, visible, hidden):
    mark = Mark(part.name, part.points, part.points)
    if visible is None and hidden is None:
        return mark
    mark.points = 0
    if hidden and "mistake" in hidden:
        mark.mistake = hidden["mistake"]
        mark.sentences.append(dict(part.mistakes[mark.mistake].sentence))
    elif visible is None:
        mark.sentences.append(_sentence(hidden))
    if visible is not None:  # mended first, as its author can see it fail
        mark.sentences.append(_sentence(visible))
    return mark


def _sentence(found):
    found = {key: harmless(str(value)) for key, value in found.items()}
    en, zh = SENTENCES[found["reason"]]
    return {"en": en.format(**found), "zh": zh.format(**found)}


class _Session:
    """A submission that runs, and is started again where a part of it ends the process.

    A cell that ended it once is left out from then on, and so is the part that it belongs to.
    """

    def __init__(self, cells, start, end, part_seconds):
        self.cells, self.start, self.end, self.part_seconds = cells, start, end, part_seconds
        self.bad, self.first = {}, [Outcome("", None) for _ in cells]
        self.student = None

    def test(self, test):
        """Hold the submission against one test: None if it passes, else what was found."""
        fresh = False
        while True:
            while self.student is None:
                fresh = True
                if self.end <= time.monotonic():
                    return {"reason": "late"}
                self._restart()
            if why := self.why(test.part.name):
                return {"reason": why}
            self.student.deadline = min(self.end, time.monotonic() + self.part_seconds)
            try:
                with _bounded(self.part_seconds + GRACE):
                    return test(self.student)
            except Ended as ended:
                self.close()
                if fresh:  # else another part may have left something behind: once more, alone
                    return {"reason": str(ended)}

    def why(self, part):
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
                self.first[i] = Outcome(_sentence({"reason": str(ended)})["en"], None)
                return
            if self.first[i] == Outcome("", None):
                self.first[i] = outcome
        self.student = student

    def close(self):
        if self.student is not None:
            self.student.close()
        self.student = None


@contextmanager
def _bounded(seconds):
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


class _Test:
    """What both kinds of test share: the given values, and the student's names in their place."""

    def __init__(self, assignment: Assignment, part: Part, student: str):
        self.assignment, self.part, self.student = assignment, part, student

    def given(self) -> dict:
        namespace = {"__name__": "tests"}
        with redirect_stdout(io.StringIO()):
            for source in self.assignment.given:
                exec(compile(source, "<given>", "exec"), namespace)
                namespace["STUDENT"] = self.student
        return namespace

    def run(self, source: str, namespace: Mapping, running: Student):
        """Run a test; give None, or what was found."""
        part = self.part.name
        try:
            for other in self.assignment.parts.values():
                for name in other.names if not other.by_hand else ():
                    namespace[name] = _stand_in(running, name, other.stub, self.part is other)
            exec(compile(source, f"<{part}>", "exec"), namespace)
        except Misconception as found:
            return {"mistake": str(found)}
        except Ended:
            raise
        except StudentError as error:
            return _fault(error, self.reason == "visible")
        except Exception as error:  # an assertion, or a value that the test can't handle
            return {"reason": self.reason, "message": _told(error)}
        return None


class _Visible(_Test):
    reason = "visible"

    def __call__(self, running):
        return self.run(self.part.tests, self.given(), running)


class _Hidden(_Test):
    reason = "hidden"

    def __init__(self, assignment, part, student, secret):
        super().__init__(assignment, part, student)
        self.secret = secret

    def __call__(self, running):
        key = self.given()
        for part in self.assignment.parts.values():
            if not part.by_hand:
                exec(compile(part.solution, "<key>", "exec"), key)
        rng = draw(self.student, f"{self.assignment.name}/{self.part.name}", self.secret)
        own = {"key": SimpleNamespace(**key), "rng": rng, "hint": self.hint}
        return self.run(self.part.hidden, self.given() | own, running)

    @contextmanager
    def hint(self, name: str):
        """What fails in this block shows the mistake of that name."""
        if name not in self.part.mistakes:
            raise KeyError(f"part {self.part.name} has no mistake {name!r}")
        try:
            yield
        except (Misconception, Ended):
            raise
        except Exception as error:
            if isinstance(error, StudentError) and (
                error.kind in ("NotImplementedError", "NameError") or NO_VALUE in str(error)
            ):
                raise
            raise Misconception(name) from None


def _stand_in(running, name, stub, needed):
    """Give what a test finds under a name: the student's function, or the student's value."""
    functions = [line.split("(")[0] for line in stub.splitlines() if line.startswith("def ")]
    if f"def {name}" in functions:

        def function(*args, **options):
            try:
                return running.call(name, *args, **options)
            except StudentError as error:
                error.name = name
                raise

        function.__name__ = name
        return function
    if not needed:
        return None
    try:
        return running.value(name)
    except StudentError as error:
        error.name = name
        raise


def _fault(error, tell):
    name = getattr(error, "name", None) or "?"
    if error.kind == "NotImplementedError":
        return {"reason": "unanswered"}
    if error.kind == "NameError" and f"{name!r}" in str(error):
        return {"reason": "missing", "name": name}
    if NO_VALUE in str(error):
        unanswered = "Received: ellipsis" in str(error)
        return {"reason": "unanswered" if unanswered else "value", "name": name}
    said = f"{error.kind}: {str(error)[:TOLD]}" if tell and str(error) else error.kind
    return {"reason": "error", "name": name, "kind": said}


def _told(error):
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    return " ".join(lines)[:TOLD] or type(error).__name__
