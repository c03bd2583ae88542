"""Grades a class: every submission in a sandbox, all cores at work, nothing done twice or lost.

What is found about a submission is a file of its own, written whole or not at all. A run that is
killed goes on where it was; one that crashes over a submission says so and grades the others.
"""

import faulthandler
import hashlib
import json
import os
import signal
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import active_children, get_context, parent_process
from pathlib import Path

from lmcourse.classroom import assignment as assignments
from lmcourse.classroom import sandbox
from lmcourse.classroom.assignment import Assignment
from lmcourse.classroom.classes import Classroom, write
from lmcourse.classroom.examine import examine
from lmcourse.classroom.limits import Limits
from lmcourse.classroom.report import Mark, Report
from lmcourse.classroom.student import Worker
from lmcourse.classroom.submission import Refused, submitted

CRASHED = {
    "en": "The grader could not examine this submission; your teacher looks into it.",
    "zh": "批改程序没能检查这份作业，老师会来处理。",
}
LONGEST = 900.0  # seconds; then an examination hangs in the grader itself, and its process ends
CODE = (
    "assignment",
    "examine",
    "session",
    "report",
    "student",
    "submission",
    "worker",
    "wire",
    "draw",
    "sandbox",
    "bubblewrap",
    "docker",
    "limits",
    "syscalls",
)


def grade(
    classroom: Classroom,
    assignment: Assignment,
    means: str = "bubblewrap",
    limits: Limits = Limits(),  # noqa: B008  (frozen)
    progress: Callable[[Iterable, int], Iterable] = lambda done, total: done,
) -> list[Report]:
    """Examine all that was handed in for an assignment; return the reports, by the roster.

    A report is kept with a digest of what it depends on. Where that is unchanged, it is read. What
    the grader itself could not do (`failed`) is not kept: the next run tries it again.

    Args:
        classroom: the class.
        assignment: what is graded.
        means: the sandbox.
        limits: how much a submission may take.
        progress: wraps the loop over reports, and is told how many there will be.

    Raises:
        NoSandbox: if there is nothing that could hold a submission.
    """
    sandbox.check(means)
    students = classroom.students(assignment.name)
    found = {student: _kept(classroom, assignment, student) for student in students}
    todo = [student for student in students if found[student] is None]
    for student, report in progress(
        _examined(classroom, assignment, todo, means, limits), len(todo)
    ):
        found[student] = report
    return [found[student] for student in students]


def failed(report: Report) -> bool:
    """Whether it was the grader that could not go on, and not the submission."""
    return CRASHED in report.notes


def path(classroom: Classroom, name: str, student: str) -> Path:
    """Where the report about a student's submission is kept."""
    return classroom.folder / "reports" / name / f"{student}.json"


def _kept(classroom, assignment, student):
    """The report that is there already, if it is about this very submission and these tests."""
    try:
        kept = json.loads(path(classroom, assignment.name, student).read_text(encoding="utf-8"))
        if kept["digest"] == _digest(classroom, assignment, student):
            return Report.from_json(kept["report"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _digest(classroom, assignment, student):
    texts = [
        classroom.work(assignment.name, student).read_bytes(),
        assignment.lesson.source.read_bytes(),
        classroom.settings["secret"].encode(),
        *((Path(__file__).parent / f"{name}.py").read_bytes() for name in CODE),
    ]
    return hashlib.sha256(b"\0".join(hashlib.sha256(text).digest() for text in texts)).hexdigest()


def _examined(classroom, assignment, students, means, limits):
    """Examine in processes side by side; whoever was at work in a crash is tried again, alone."""
    source, secret = assignment.lesson.source, classroom.settings["secret"]
    jobs = {
        s: (source, classroom.work(assignment.name, s), s, secret, means, limits, LONGEST)
        for s in students
    }
    cores, alone = os.cpu_count() or 1, []
    waiting = list(students)
    while waiting:
        crashed = yield from _side_by_side(classroom, assignment, jobs, waiting, cores)
        begun = 2 * cores + 1  # one of those has brought down the pool
        alone, waiting = alone + crashed[:begun], crashed[begun:]
    for student in alone:
        if (yield from _side_by_side(classroom, assignment, jobs, [student], 1)):
            report = _nothing(assignment, student, CRASHED)
            yield student, _keep(classroom, assignment, student, report)


def _side_by_side(classroom, assignment, jobs, students, cores):
    """Give the reports as they come; return, in order, who has none because a process died."""
    pool = ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_stand_alone)
    crashed = set()
    try:
        started = {_send(pool, jobs[student]): student for student in students}
        for future in as_completed(started):
            student = started[future]
            try:
                report = future.result()
            except BrokenProcessPool:
                crashed.add(student)
                continue
            except Exception:  # the grader's own fault: no reason to lose the others
                report = _nothing(assignment, student, CRASHED)
            yield student, _keep(classroom, assignment, student, report)
    except BaseException:  # Ctrl-C: don't wait for what has begun
        for process in active_children():
            process.kill()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    return [student for student in students if student in crashed]


def _send(pool, job):
    try:
        return pool.submit(_examine, *job)
    except BrokenProcessPool as error:
        future = Future()
        future.set_exception(error)
        return future


def _stand_alone():
    """In a process of the pool: leave Ctrl-C to the parent, and don't outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        parent_process().join()
        os._exit(1)  # and the sandbox dies with this process

    threading.Thread(target=watch, daemon=True).start()


def _keep(classroom, assignment, student, report):
    target = path(classroom, assignment.name, student)
    if failed(report):
        target.unlink(missing_ok=True)
    else:
        kept = {"digest": _digest(classroom, assignment, student), "report": report.to_json()}
        write(target, json.dumps(kept, ensure_ascii=False).encode())
    return report


def _nothing(assignment, student, sentence):
    parts = [part for part in assignment.parts.values() if not part.by_hand]
    marks = [Mark(part.name, 0, part.points, None, [dict(sentence)]) for part in parts]
    return Report(student, assignment.name, "en", marks, [], [dict(sentence)])


def _examine(source, work, student, secret, means, limits, seconds):
    """Examine one submission, in a process of its own; its number keeps the sandboxes apart."""
    faulthandler.dump_traceback_later(seconds, exit=True)  # also where no signal would come through
    try:
        return _report(source, work, student, secret, means, limits)
    finally:
        faulthandler.cancel_dump_traceback_later()


def _report(source, work, student, secret, means, limits):
    place = os.getpid() % 5_000
    assignment = assignments.load(source)
    try:
        submission = submitted(work, assignment, student)
    except Refused as error:  # its questions have changed since it was collected
        return _nothing(assignment, student, error.sentence)
    start = partial(Worker, means, limits, place)
    report = examine(assignment, submission, student, start, secret)
    report.notes = json.loads((work.parent / "notes.json").read_text(encoding="utf-8"))
    return report
