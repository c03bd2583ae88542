"""`lmcourse assignment …`: for a learner alone, and for a teacher with a class.

What a verb needs, it imports itself: the other verbs of the command line needn't wait for it.
"""

import argparse
import json
import os
from datetime import datetime
from pathlib import Path

WORKING = Path(__file__).resolve().parents[2] / "my-notebooks" / "assignments"
WORDS = {
    "en": {"right": "right", "person": "for your own judgement: see the rubric"},
    "zh": {"right": "正确", "person": "请对照评分标准自评"},
}


def show_list(options: argparse.Namespace) -> int:
    """Print the assignments, in English and Chinese, with their points."""
    from lmcourse.classroom.assignment import find, names

    for name in names():
        assignment = find(name)
        titles = [_title(assignment, language) for language in ("en", "zh")]
        points = sum(part.points for part in assignment.parts.values())
        print(f"{name:<22}{points:g} points   {'   '.join(titles)}")
    return 0


def start(options: argparse.Namespace) -> int:
    """Give a learner a copy to work in; one that is there stays."""
    import nbformat

    from lmcourse.classroom.assignment import find

    assignment, language = find(options.assignment), "zh" if options.chinese else "en"
    path = _own(assignment, options.chinese)
    if path.exists():
        print(f"It is there already: {path}")
        return 0
    book = assignment.notebook(language)
    first = next(cell for cell in book.cells if cell.cell_type == "code")
    first.source = first.source.replace('STUDENT = ""', f"STUDENT = {options.student!r}")
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(book, path)
    print(f"Work in {path}")
    print(f"Then: lmcourse assignment check {assignment.name[:2]}")
    return 0


def check(options: argparse.Namespace) -> int:
    """Say what is right in a learner's own copy, and for the rest where to look.

    It runs the learner's code as the learner: it is for one's own work.
    """
    from lmcourse.classroom.examine import examine
    from lmcourse.classroom.limits import Limits
    from lmcourse.classroom.student import Worker
    from lmcourse.classroom.submission import Refused, submitted

    assignment, path = _handed(options.assignment)
    try:
        work = submitted(path, assignment)
    except Refused as error:
        print(f"{error.sentence['en']}\n{error.sentence['zh']}")
        return 1
    report = examine(assignment, work, work.claimed, lambda: Worker("none", Limits()))
    words, wrong = WORDS[report.language], 0
    marks = {mark.part: mark for mark in report.marks}
    for name in assignment.parts:
        mark = marks.get(name)
        if mark is None:
            print(f"  · {name}: {words['person']}")
        elif mark.points == mark.most:
            print(f"  ✓ {name}: {words['right']}")
        else:
            wrong += 1
            print(f"  ✗ {name}: {mark.sentences[0][report.language]}")
    for note in report.notes:
        print(f"  ! {note[report.language]}")
    return int(wrong > 0)


def release(options: argparse.Namespace) -> int:
    """Write what students get, and enter the assignment into the gradebook."""
    from lmcourse.classroom.assignment import find
    from lmcourse.classroom.gradebook import register

    assignment, classroom = find(options.assignment), _class(options)
    due = classroom.due(assignment.name)
    for path in register(classroom, assignment):
        print(f"Hand out: {path}")
    print(f"Due: {_day(due)}" if due else "Due: no day set (classroom.toml)")
    return 0


def collect(options: argparse.Namespace) -> int:
    """Take in a zip file or a folder from a learning platform, and say what became of each file."""
    from lmcourse.classroom import collecting
    from lmcourse.classroom.assignment import find

    assignment, classroom = find(options.assignment), _class(options)
    due = classroom.due(assignment.name)
    results = collecting.collect(classroom, assignment, Path(options.source), _time(options.at))
    for result in results:
        said = [result.refused, *result.notes] if result.refused else result.notes
        sign, when = "✗" if result.refused else "✓", ""
        if result.older:
            sign, when = "·", "older, does not count"
        elif not result.refused:
            at = classroom.handed_in_at(assignment.name, result.student)
            when = _day(at) + (", late" if due and at > due else "")
        print(f"{sign} {result.student or '?':<14}{when:<24}{result.file}")
        for sentence in said:
            print(f"    {sentence['en']}")
    refused = sum(result.refused is not None for result in results)
    there = classroom.students(assignment.name)
    missing = [id for id in classroom.roster if id not in there]
    print(f"{len(there)} of {len(classroom.roster)} students have handed in.")
    if refused:
        print(f"{refused} of {len(results)} files can't be graded (✗).")
    if missing:
        print(f"Not yet: {', '.join(missing)}")
    return 0


def grade(options: argparse.Namespace) -> int:
    """Mark all that was collected; what is marked already is not run again."""
    from lmcourse.classroom.assignment import find

    assignment, classroom = find(options.assignment), _class(options)
    number = assignment.name[:2]
    if not classroom.students(assignment.name):
        raise ValueError(
            f"Collect the students' files first: lmcourse assignment collect {number} FILE.zip. "
            f"Received: none for {assignment.name} in {classroom.folder.resolve()}"
        )
    from tqdm import tqdm

    from lmcourse.classroom import gradebook, grading, sandbox

    gradebook.register(classroom, assignment)
    try:
        reports = grading.grade(
            classroom,
            assignment,
            "none" if options.no_sandbox else sandbox.find(),
            progress=lambda done, total: tqdm(done, assignment.name, total, unit=" submissions"),
        )
    except KeyboardInterrupt:
        print(f"Stopped. Nothing is lost: lmcourse assignment grade {number} goes on from here.")
        return 130
    gradebook.record(classroom, assignment, reports)
    waiting = gradebook.unmarked(classroom).get(assignment.name, [])
    by_hand = sum(part.points for part in assignment.parts.values() if part.by_hand)
    for report in reports:
        got = sum(mark.points for mark in report.marks)
        most = sum(mark.most for mark in report.marks)
        wrong = [
            f"{mark.part} ({mark.mistake})" if mark.mistake else mark.part
            for mark in report.marks
            if mark.points < mark.most
        ]
        yours = f"+ {by_hand:g} by you" if report.student in waiting else ""
        lost = f"lost: {', '.join(wrong)}" if wrong else "all right"
        print(f"{report.student:<14}{got:>4g} of {most:g}  {yours:<12}{lost}")
    if waiting:
        print(f"{len(waiting)} answers wait for your own marks: lmcourse assignment mark")
    again = [report.student for report in reports if grading.failed(report)]
    if again:
        print(f"The grader itself failed with {', '.join(again)}. Run the same command again.")
    return int(bool(again))


def mark(options: argparse.Namespace, jupyter: list[str]) -> int:
    """Open nbgrader's page, where a person gives points and writes comments, until Ctrl-C."""
    folder = _class(options).folder.resolve()
    if not any((folder / "autograded").glob("*/*/*.ipynb")):
        raise ValueError(
            f"Grade first: lmcourse assignment grade 03. Received: nothing graded in {folder}"
        )
    from jupyter_server.serverapp import main as server

    os.chdir(folder)
    page = "nbgrader.server_extensions.formgrader"
    own = [f"--ServerApp.root_dir={folder}", "--ServerApp.default_url=/formgrader/gradebook"]
    server([*own, f"--ServerApp.jpserver_extensions={{'{page}': True}}", *jupyter])
    return 0


def feedback(options: argparse.Namespace) -> int:
    """Write a page of feedback for every student."""
    from lmcourse.classroom.assignment import find

    assignment, classroom = find(options.assignment), _class(options)
    if not any((classroom.folder / "autograded").glob(f"*/{assignment.name}/*.ipynb")):
        raise ValueError(
            f"Grade first: lmcourse assignment grade {assignment.name[:2]}. "
            f"Received: nothing graded in {classroom.folder.resolve()}"
        )
    from tqdm import tqdm

    from lmcourse.classroom import gradebook

    students = gradebook.feedback(
        classroom, assignment, lambda students: tqdm(students, "feedback", unit=" pages")
    )
    print(f"{len(students)} pages in {classroom.folder / 'feedback'}, a folder for each student")
    _still_waiting(gradebook.unmarked(classroom))
    return 0


def export(options: argparse.Namespace) -> int:
    """Write the class's points as CSV."""
    classroom = _class(options)
    if not (classroom.folder / "gradebook.db").is_file():
        raise ValueError(
            f"Release an assignment first: lmcourse assignment release 03. "
            f"Received: no gradebook in {classroom.folder.resolve()}"
        )
    from lmcourse.classroom import classes, gradebook

    target = Path(options.to)
    classes.write(target, gradebook.table(classroom).encode("utf-8-sig"))
    print(f"Written: {target}")
    _still_waiting(gradebook.unmarked(classroom))
    return 0


def _still_waiting(unmarked):
    for name, students in unmarked.items():
        print(f"{name}: an answer counts as 0 until you mark it, of {', '.join(students)}")


def add_to(verbs) -> None:
    """Add `assignment` and its own verbs to the command line."""
    parser = verbs.add_parser(
        "assignment", help="classroom work: do it, check it, or mark a class's"
    )
    own = parser.add_subparsers(
        required=True,
        metavar="list | start | check | release | collect | grade | mark | feedback | export",
    )
    own.add_parser("list", help="list the assignments").set_defaults(do=_run(show_list))
    verb = own.add_parser("start", help="a copy of an assignment to work in: start 03")
    verb.add_argument("assignment")
    verb.add_argument("--chinese", action="store_true", help="the Chinese one · 中文版")
    verb.add_argument("--student", default="me", help="your id, from which your numbers are drawn")
    verb.set_defaults(do=_run(start))
    verb = own.add_parser("check", help="hints for your own copy: check 03, or check FILE.ipynb")
    verb.add_argument("assignment")
    verb.set_defaults(do=_run(check))
    for do, text in (
        (release, "write what students get"),
        (collect, "take in a zip file or a folder of notebooks"),
        (grade, "mark what was collected, in a sandbox"),
        (feedback, "write a page for every student"),
    ):
        verb = own.add_parser(do.__name__, help=text)
        verb.add_argument("assignment")
        _of_class(verb)
        verb.set_defaults(do=_run(do))
        if do is collect:
            verb.add_argument("source", help="a zip file or a folder")
            verb.add_argument("--at", help="when all of it was handed in: 2026-12-01T18:00+01:00")
        if do is grade:
            verb.add_argument(
                "--no-sandbox", action="store_true", help="run it as yourself: unsafe"
            )
    verb = own.add_parser("mark", help="open the page on which a person marks and comments")
    _of_class(verb)
    verb.set_defaults(do=mark, passes_on=True)  # other options go to Jupyter
    verb = own.add_parser("export", help="the class's points as CSV")
    _of_class(verb)
    verb.add_argument("--to", default="grades.csv")
    verb.set_defaults(do=_run(export))


def _of_class(verb):
    verb.add_argument("--class", dest="folder", default=".", help="the class's folder (this one)")


def _class(options):
    from lmcourse.classroom.classes import Classroom

    classroom = Classroom(Path(options.folder))
    _ = classroom.roster  # or its error, before anything is written
    return classroom


def _run(do):
    """Run a verb: what a user can mend is one line; what it writes, nobody else may read."""

    def run(options, rest):
        from lmcourse.classroom.limits import NoSandbox

        before = os.umask(0o077)
        try:
            return do(options)
        except (NoSandbox, OSError) as error:
            raise ValueError(str(error)) from None
        finally:
            os.umask(before)

    return run


def _day(when):
    return f"{when.astimezone():%Y-%m-%d %H:%M}"


def _time(text):
    try:
        return text and datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"A time is written 2026-12-01T18:00. Received: {text!r}") from None


def _own(assignment, chinese):
    return WORKING / ("zh" if chinese else "") / f"{assignment.name}.ipynb"


def _handed(text):
    """Find a learner's file: by its path, or by the assignment's number (the copy changed last)."""
    from lmcourse.classroom.assignment import find, names

    path = Path(text)
    if path.suffix or len(path.parts) > 1:
        if not path.is_file():
            raise ValueError(f"There is no file {path}")
        named = [name for name in names() if name in (_says(path), path.stem)]
        number = path.name[:2]
        named += [name for name in names() if name[:2] == number]
        if not named:
            raise ValueError(
                f"{path.name} is none of these assignments: {', '.join(names())}. Hand in the "
                "notebook that you were given. · 这不是其中任何一份作业，请交发给你的那个笔记本。"
            )
        return find(named[0]), path
    assignment = find(text)
    there = [p for p in (_own(assignment, False), _own(assignment, True)) if p.is_file()]
    if not there:
        raise ValueError(f"Start it first: lmcourse assignment start {assignment.name[:2]}")
    return assignment, max(there, key=lambda path: path.stat().st_mtime)


def _says(path):
    """The assignment whose name stands in a notebook, or None."""
    try:
        return json.loads(path.read_bytes())["metadata"]["lmcourse"]["assignment"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _title(assignment, language):
    (first, *_) = (c for c in assignment.notebook(language).cells if c.cell_type == "markdown")
    return first.source.splitlines()[0].lstrip("# ")
