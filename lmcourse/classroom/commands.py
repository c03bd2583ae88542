"""`lmcourse assignment …`: for a learner alone, and for a teacher with a class.

What a verb needs, it imports itself: the other verbs of the command line needn't wait for it.
"""

import argparse
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
    from lmcourse.classroom.sandbox import Limits
    from lmcourse.classroom.student import Worker
    from lmcourse.classroom.submission import submitted

    assignment, path = _handed(options.assignment)
    work = submitted(path, assignment)
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

    classroom, assignment = _class(options), find(options.assignment)
    for path in register(classroom, assignment):
        print(f"Hand out: {path}")
    due = classroom.due(assignment.name)
    print(f"Due: {due:%Y-%m-%d %H:%M} UTC" if due else "Due: no day set (classroom.toml)")
    return 0


def collect(options: argparse.Namespace) -> int:
    """Take in a zip file or a folder from a learning platform, and say what became of each file."""
    from lmcourse.classroom import classes
    from lmcourse.classroom.assignment import find

    classroom, assignment = _class(options), find(options.assignment)
    at = datetime.fromisoformat(options.at) if options.at else None
    results = classes.collect(classroom, assignment, Path(options.source), at)
    for result in results:
        said = [result.refused, *result.notes] if result.refused else result.notes
        print(f"{'✗' if result.refused else '✓'} {result.student or '?':<14}{result.file}")
        for sentence in said:
            print(f"    {sentence['en']}")
    there = classroom.students(assignment.name)
    missing = [id for id in classroom.roster if id not in there]
    print(f"{len(there)} of {len(classroom.roster)} students have handed in.")
    if missing:
        print(f"Not yet: {', '.join(missing)}")
    return 0


def grade(options: argparse.Namespace) -> int:
    """Mark all that was collected; what is marked already is not run again."""
    from tqdm import tqdm

    from lmcourse.classroom import gradebook, grading
    from lmcourse.classroom.assignment import find

    classroom, assignment = _class(options), find(options.assignment)
    gradebook.register(classroom, assignment)
    reports = grading.grade(
        classroom,
        assignment,
        "none" if options.no_sandbox else "bubblewrap",
        progress=lambda done, total: tqdm(done, assignment.name, total, unit=" submissions"),
    )
    for report in tqdm(reports, "gradebook", unit=" submissions"):
        gradebook.record(classroom, assignment, report)
    for report in reports:
        got = sum(mark.points for mark in report.marks)
        most = sum(mark.most for mark in report.marks)
        wrong = [
            f"{mark.part} ({mark.mistake})" if mark.mistake else mark.part
            for mark in report.marks
            if mark.points < mark.most
        ]
        print(f"{report.student:<14}{got:g} of {most:g}   {', '.join(wrong)}")
    if waiting := gradebook.unmarked(classroom, assignment):
        print(f"To be marked by you (lmcourse assignment mark): {', '.join(waiting)}")
    return 0


def mark(options: argparse.Namespace, jupyter: list[str]) -> int:
    """Open nbgrader's page, where a person gives points and writes comments, until Ctrl-C."""
    from jupyter_server.serverapp import main as server

    folder = _class(options).folder.resolve()
    if not (folder / "nbgrader_config.py").is_file():
        raise ValueError(f"Release an assignment of this class first. Received: {folder}")
    os.chdir(folder)
    page = "nbgrader.server_extensions.formgrader"
    own = [f"--ServerApp.root_dir={folder}", "--ServerApp.default_url=/formgrader/gradebook"]
    server([*own, f"--ServerApp.jpserver_extensions={{'{page}': True}}", *jupyter])
    return 0


def feedback(options: argparse.Namespace) -> int:
    """Write a page of feedback for every student."""
    from tqdm import tqdm

    from lmcourse.classroom import gradebook
    from lmcourse.classroom.assignment import find

    classroom, assignment = _class(options), find(options.assignment)
    students = gradebook.feedback(
        classroom, assignment, lambda students: tqdm(students, "feedback", unit=" pages")
    )
    print(f"{len(students)} pages in {classroom.folder / 'feedback'}, a folder a student")
    return 0


def export(options: argparse.Namespace) -> int:
    """Write the class's points as CSV."""
    from lmcourse.classroom import classes, gradebook

    target = Path(options.to)
    classes.write(target, gradebook.table(_class(options)).encode("utf-8-sig"))
    print(f"Written: {target}")
    return 0


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

    return Classroom(Path(options.folder))


def _run(do):
    return lambda options, rest: do(options)


def _own(assignment, chinese):
    return WORKING / ("zh" if chinese else "") / f"{assignment.name}.ipynb"


def _handed(text):
    """Find a learner's file: by its path, or by the assignment's number (the copy changed last)."""
    from lmcourse.classroom.assignment import find

    path = Path(text)
    if path.suffix == ".ipynb":
        if not path.is_file():
            raise FileNotFoundError(f"There is no file {path}")
        number = path.name[:2]
        return find(number if number.isdigit() else path.stem), path
    assignment = find(text)
    there = [p for p in (_own(assignment, False), _own(assignment, True)) if p.is_file()]
    if not there:
        raise FileNotFoundError(f"Start it first: lmcourse assignment start {assignment.name[:2]}")
    return assignment, max(there, key=lambda path: path.stat().st_mtime)


def _title(assignment, language):
    (first, *_) = (c for c in assignment.notebook(language).cells if c.cell_type == "markdown")
    return first.source.splitlines()[0].lstrip("# ")
