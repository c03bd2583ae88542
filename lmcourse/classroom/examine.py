"""Holds a submission against an assignment's tests: what it reaches, and what helps. No gradebook.

The visible tests come first, in one process; then the hidden ones, in another. So nothing that a
hidden test hands to the student's code can come to light in what the student gets to read.
"""

import io
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import contextmanager, redirect_stdout
from types import SimpleNamespace

from lmcourse.classroom.assignment import Assignment, Part
from lmcourse.classroom.draw import draw
from lmcourse.classroom.report import Mark, Report, sentence
from lmcourse.classroom.session import Session
from lmcourse.classroom.student import Ended, Outcome, Student, StudentError
from lmcourse.classroom.submission import Submission
from lmcourse.classroom.wire import NO_VALUE

TOLD = 600  # characters of a visible test's message
SECONDS, PART_SECONDS = 300.0, 60.0  # for one submission, for one test of one of its parts
ENDS = ("time", "late", "memory", "died")


class Misconception(AssertionError):
    """A test has found a known mistake; the text is its name."""


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
    session = Session(submission.code(), start, time.monotonic() + seconds, part_seconds)
    try:
        visible = {
            part.name: session.test(part.name, _Visible(assignment, part, student))
            for part in parts
        }
        outputs = [told(outcome) for outcome in session.first]
        session.close()
        hidden = {
            part.name: session.test(part.name, _Hidden(assignment, part, student, secret))
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
        mark.sentences.append(sentence(hidden))
    if visible is not None:  # mended first, as its author can see it fail
        mark.sentences.append(sentence(visible))
    return mark


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
        part, running.changed = self.part.name, None
        try:
            for other in self.assignment.parts.values():
                for name in other.names if not other.by_hand else ():
                    namespace[name] = _stand_in(running, name, other.stub, self.part is other)
            exec(compile(source, self.file.format(part), "exec"), namespace)
        except Misconception as found:
            return {"mistake": str(found)}
        except Ended:
            raise
        except StudentError as error:
            return _fault(error, self.reason == "visible")
        except Exception as error:  # an assertion, or a value that the test can't handle
            return {"reason": self.reason, "message": _told(error, self.part)}
        changed = running.changed  # all is right, but at whose cost?
        return None if changed is None else {"reason": "changed", "name": changed}


class _Visible(_Test):
    reason, file = "visible", "<visible tests of {}>"

    def __call__(self, running):
        return self.run(self.part.tests, self.given(), running)


class _Hidden(_Test):
    reason, file = "hidden", "<hidden tests of {}>"

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


def _told(error, part):
    """What an error says; a visible assert that says nothing is told by its line."""
    lines = [line.strip() for line in str(error).strip().splitlines() if line.strip()]
    for frame in traceback.extract_tb(error.__traceback__):
        if not lines and frame.filename == _Visible.file.format(part.name):
            lines = [f"`{part.tests.splitlines()[frame.lineno - 1].strip()}`"]
    return " ".join(lines)[:TOLD] or type(error).__name__
