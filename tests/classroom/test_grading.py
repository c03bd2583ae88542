"""A whole class: in parallel, killed and gone on with, a crash that costs nobody else anything."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from lmcourse.classroom import gradebook, grading
from lmcourse.classroom.classes import Classroom
from lmcourse.classroom.collecting import collect
from lmcourse.classroom.limits import Limits, NoSandbox
from tests.classroom import tiny

SMALL = Limits(memory=400 * 2**20, cell=5.0, call=3.0, work=5)
GRADE = """
import sys
from pathlib import Path
from lmcourse.classroom import gradebook, grading
from lmcourse.classroom.assignment import load
from lmcourse.classroom.classes import Classroom
from tests.classroom.test_grading import SMALL
if __name__ == "__main__":
    classroom, assignment = Classroom(Path(sys.argv[1])), load(Path(sys.argv[2]))
    gradebook.register(classroom, assignment)
    reports = grading.grade(classroom, assignment, limits=SMALL)
    gradebook.record(classroom, assignment, reports)
    Path(sys.argv[3]).write_text(gradebook.table(classroom), encoding="utf-8")
"""
ROOT = Path(__file__).parents[2]


def make_class(folder, codes, source=tiny.SOURCE):
    """A class whose students have handed in; `codes` by student."""
    tiny.roster(folder / "class", [(student,) for student in codes])
    classroom, assignment = Classroom(folder / "class"), tiny.make(folder / "src", source)
    (folder / "class" / "classroom.toml").write_text('secret = "of the class"\n')
    files = {
        f"{student}.ipynb": tiny.notebook(
            assignment, {"twice": code, "why": f"I am {student}."}, ("en", "zh")[n % 2]
        )
        for n, (student, code) in enumerate(codes.items())
    }
    results = collect(classroom, assignment, tiny.pack(folder / "x.zip", files))
    assert not [one for one in results if one.refused]
    return classroom, assignment


def points(reports):
    return {report.student: report.marks[0].points for report in reports}


def everything(folder):
    """What lies in a folder, with its content."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def family_of(marker):
    """The processes that belong to a class's grading, by their command line or folder."""
    found = []
    for process in psutil.process_iter():
        try:
            words = " ".join(process.cmdline())
            if marker in words or process.environ().get("CLASS_UNDER_TEST") == marker:
                found.append(process)
        except (psutil.Error, OSError):
            pass
    return found


def family_left(folder):
    """Those still there after 20 seconds: a process that was killed takes a moment to go."""
    end = time.monotonic() + 20
    while (found := family_of(str(folder))) and time.monotonic() < end:
        time.sleep(0.2)
    return found


@pytest.mark.needs("bwrap")
def test_a_class_of_thirty_is_graded_and_a_kill_in_the_middle_changes_nothing(tmp_path):
    codes = {}
    for n in range(10):
        codes[f"good{n}"] = tiny.GOOD
        codes[f"mixed{n}"] = tiny.SQUARED if n % 2 else "def twice(number):\n    return [number]"
        codes[f"hostile{n}"] = tiny.HOSTILE[n] + "\n" + tiny.GOOD
    one, two = tmp_path / "one", tmp_path / "two"
    classroom, assignment = make_class(one, codes)
    shutil.copytree(one, two)
    home, scratch = tmp_path / "home", tmp_path / "scratch"
    home.mkdir(), scratch.mkdir()

    def start(folder):
        environment = os.environ | {"HOME": str(home), "TMPDIR": str(scratch)}
        environment |= {"CLASS_UNDER_TEST": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        paths = [str(ROOT), environment.get("PYTHONPATH", "")]
        environment["PYTHONPATH"] = os.pathsep.join(paths)
        (folder / "grade.py").write_text(GRADE)
        words = [folder / "grade.py", folder / "class", folder / "src/90_twice.py", folder / "csv"]
        with open(folder / "log", "w") as log:
            return subprocess.Popen(
                [sys.executable, *map(str, words)], env=environment, stdout=log, stderr=log
            )

    late, over = [], threading.Event()

    def timer():
        while not over.is_set():
            before = time.monotonic()
            time.sleep(0.1)
            late.append(time.monotonic() - before - 0.1)

    watch = threading.Thread(target=timer)
    watch.start()
    try:
        assert start(one).wait(300) == 0, (one / "log").read_text()
        killed = start(two)
        kept = two / "class" / "reports" / "90_twice"
        while len(list(kept.glob("*.json"))) < 8:
            assert killed.poll() is None, (two / "log").read_text()
            time.sleep(0.05)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert family_left(two) == [], "processes outlived the one that was killed"
        before = {path.name: path.stat().st_mtime_ns for path in kept.glob("*.json")}
        assert 8 <= len(before) < 30
        assert start(two).wait(300) == 0, (two / "log").read_text()
    finally:
        over.set()
        watch.join()
    assert (one / "csv").read_bytes() == (two / "csv").read_bytes()
    rows = dict(line.split(",,,") for line in (one / "csv").read_text().splitlines()[1:])
    got = {student: row.rpartition(",")[2] for student, row in rows.items()}
    assert {student: p for student, p in got.items() if "good" in student} == {
        f"good{n}": "6" for n in range(10)
    }
    assert {p for student, p in got.items() if "mixed" in student} == {"0"}
    for n in (0, 2, 3, 8, 9):  # what ends its own cell has no function to test
        assert got[f"hostile{n}"] == "0", n
    same = {name: (kept / name).stat().st_mtime_ns for name in before}
    assert same == before, "what was graded before the kill was graded again"
    assert family_left(one) + family_left(two) == []
    assert max(late) < 2, f"a timer was {max(late):.1f} s late"
    assert everything(home) == {} and everything(scratch) == {}
    assert not Path("/tmp/lmcourse_was_here").exists() and not Path("/root/x").exists()
    left = {path.name for path in one.iterdir()}
    assert left == {"class", "src", "x.zip", "grade.py", "log", "csv"}


KNOW_NOTHING = {  # right answers that nobody worked out
    "finds the key": "import glob\n"
    "found = [p for top in ('/tmp/pytest-of-*/*/*from_the_hand*', '/kit') for p in "
    "glob.glob(f'{top}/**/90_twice*', recursive=True)]\n"
    "def twice(number):\n    return 2 * number if found else 0",
    "equals all": "class Liar:\n    def __eq__(self, other): return True\n"
    "def twice(number): return Liar()",
    "no assert": "import builtins\nbuiltins.AssertionError = ValueError\n"
    "def twice(number): return 0",
    "asks outside": "import socket\ndef twice(number):\n"
    "    socket.create_connection(('127.0.0.1', 80), 1)\n    return 2 * number",
    "says its points": "print('twice: 6 of 6 points')\ndef twice(number): return 0",
    "sees the tests": "import inspect\ndef twice(number):\n"
    "    values = [v for f in inspect.stack() for v in f.frame.f_locals.values()]\n"
    "    return next((v for v in values if v == 2 * number), 0)",
}  # fmt: skip


def changed(book, how):
    """A notebook whose answer has been deleted, doubled or turned to markdown."""
    book = json.loads(book)
    (place,) = [
        n
        for n, cell in enumerate(book["cells"])
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "twice"
    ]
    if how == "deleted":
        del book["cells"][place]
    elif how == "doubled":
        book["cells"].insert(
            place, book["cells"][place] | {"source": "def twice(number): return 0"}
        )
    else:
        book["cells"][place]["cell_type"] = "markdown"
    return json.dumps(book)


@pytest.mark.needs("bwrap")
def test_from_the_hand_in_to_the_table_no_trick_pays_and_no_file_stops_the_others(tmp_path):
    assignment = tiny.make(tmp_path / "src")
    good = tiny.notebook(assignment, {"twice": tiny.GOOD})
    files = {f"n{n}.ipynb": tiny.notebook(assignment, {"twice": code})
             for n, code in enumerate(KNOW_NOTHING.values())}  # fmt: skip
    files |= {f"{how}.ipynb": changed(good, how) for how in ("deleted", "doubled", "markdown")}
    files |= {"good.ipynb": good, "broken.ipynb": good[:-9], "huge.ipynb": bytes(200_000_000)}
    expected = {f"n{n}": "0" for n in range(len(KNOW_NOTHING))}
    expected |= {"deleted": "0", "doubled": "6", "markdown": "6", "good": "6"}
    expected |= {"broken": "", "huge": ""}
    tiny.roster(tmp_path / "class", [(student,) for student in expected])
    classroom = Classroom(tmp_path / "class")
    results = collect(classroom, assignment, tiny.pack(tmp_path / "x.zip", files))
    assert {one.student for one in results if one.refused} == {"broken", "huge"}
    gradebook.register(classroom, assignment)
    gradebook.record(classroom, assignment, grading.grade(classroom, assignment, limits=SMALL))
    lines = gradebook.table(classroom).splitlines()[1:]
    assert {line.split(",")[0]: line.rpartition(",")[2] for line in lines} == expected


@pytest.mark.needs("bwrap")
def test_a_submission_that_crashes_the_grader_costs_nobody_else_anything(tmp_path):
    crash = 'assert twice(2) == 4\nif STUDENT == "s3":\n    import os\n    os._exit(3)'
    codes = {f"s{n}": tiny.GOOD for n in range(1, 7)}
    source = tiny.SOURCE.replace("assert twice(2) == 4", crash)
    classroom, assignment = make_class(tmp_path, codes, source)
    reports = grading.grade(classroom, assignment)
    assert points(reports) == {f"s{n}": 0 if n == 3 else 6 for n in range(1, 7)}
    assert [report.student for report in reports if grading.failed(report)] == ["s3"]
    assert "could not examine" in reports[2].marks[0].sentences[0]["en"]
    assert not grading.path(classroom, "90_twice", "s3").exists(), "it must be tried again"
    gradebook.register(classroom, assignment)
    gradebook.record(classroom, assignment, reports)
    assert gradebook.table(classroom).splitlines()[3] == "s3,,,s3@x.org,0"


@pytest.mark.needs("bwrap")
def test_a_submission_at_which_the_grader_hangs_does_not_hold_it_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "LONGEST", 4.0)
    hang = tiny.SOURCE.replace("assert twice(2) == 4", "sum(range(10**15))  # hears no signal")
    (report,) = grading.grade(*make_class(tmp_path, {"s1": tiny.GOOD}, hang))
    assert grading.failed(report) and report.marks[0].points == 0


@pytest.mark.needs("bwrap")
def test_a_corrected_test_changes_what_it_should_and_grading_twice_runs_nothing(
    tmp_path, monkeypatch
):
    thrice = "def twice(number):\n    return 3 * number"
    wrong = tiny.SOURCE.replace("twice(2) == 4", "twice(2) == 6").replace(
        "2 * number", "3 * number"
    )
    classroom, assignment = make_class(tmp_path, {"s1": tiny.GOOD, "s2": thrice}, wrong)
    gradebook.register(classroom, assignment)

    def grade(assignment):
        reports = grading.grade(classroom, assignment)
        gradebook.record(classroom, assignment, reports)
        return reports

    assert points(grade(assignment)) == {"s1": 0, "s2": 6}
    with gradebook.gradebook(classroom) as book:
        grade_by_hand = book.find_grade("why", "90_twice", "90_twice", "s1")
        grade_by_hand.manual_score, grade_by_hand.needs_manual_grade = 4, False
        book.db.commit()
    corrected = tiny.make(tmp_path / "src")
    gradebook.register(classroom, corrected)
    assert points(grade(corrected)) == {"s1": 6, "s2": 0}
    assert [row[-4:] for row in gradebook.table(classroom).splitlines()[1:]] == [",10", "g,0"] or (
        [row.split(",")[-1] for row in gradebook.table(classroom).splitlines()[1:]] == ["10", "0"]
    )
    assert gradebook.unmarked(classroom) == {"90_twice": ["s2"]}
    before = everything(tmp_path / "class" / "reports")

    def never(*_, **__):
        raise AssertionError("a submission was run again")

    monkeypatch.setattr(grading, "ProcessPoolExecutor", never)
    monkeypatch.setattr(grading, "_send", never)
    assert points(grade(corrected)) == {"s1": 6, "s2": 0}
    assert everything(tmp_path / "class" / "reports") == before


@pytest.mark.needs("bwrap")
def test_a_broken_report_is_made_again_and_questions_that_changed_are_told(tmp_path):
    classroom, assignment = make_class(tmp_path, {"s1": tiny.GOOD})
    first = grading.grade(classroom, assignment)
    grading.path(classroom, "90_twice", "s1").write_text('{"digest": "')
    assert grading.grade(classroom, assignment) == first
    changed = tiny.make(tmp_path / "src", tiny.SOURCE.replace("(number)", "(n)"))
    (report,) = grading.grade(classroom, changed)
    assert report.marks[0].points == 0 and not grading.failed(report)


def test_without_a_sandbox_nothing_is_run(tmp_path, monkeypatch):
    classroom, assignment = make_class(tmp_path, {"s1": tiny.GOOD})

    def missing(means):
        raise NoSandbox("none here")

    monkeypatch.setattr(grading.sandbox, "check", missing)
    with pytest.raises(NoSandbox):
        grading.grade(classroom, assignment)
    assert not (tmp_path / "class" / "reports").exists()
