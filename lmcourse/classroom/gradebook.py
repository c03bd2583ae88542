"""Marks in nbgrader's gradebook: what was found goes in, pages for people and a table come out.

nbgrader's own grading, which runs a submission as the teacher, is not used: the marks come from
`lmcourse.classroom.grading`. Its database, its page for marking by hand and its feedback are. Of
the markdown on those pages nothing acts (`page`); names must have been made `harmless`.
"""

import csv
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from datetime import UTC
from pathlib import Path
from textwrap import wrap

import nbformat
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from nbconvert.preprocessors.sanitize import SanitizeHTML
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateFeedback
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ComputeChecksums, LockCells, SaveCells
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from lmcourse.classroom.assignment import Assignment
from lmcourse.classroom.classes import Classroom, write
from lmcourse.classroom.report import Report
from lmcourse.classroom.submission import harmless

CONFIG = """\
c = get_config()
c.CourseDirectory.root = {root!r}
c.GenerateAssignment.preprocessors = []  # the page's own button changes nothing in a release
c.HTMLExporter.filters = {filters!r}  # what students write is shown and does nothing
"""
FILTERS = {"markdown2html": "lmcourse.classroom.gradebook.page"}  # nbconvert's name for it: ours
TAGS = (
    "a abbr b blockquote br code del dd div dl dt em h1 h2 h3 h4 h5 h6 hr i kbd li ol p pre s span "
    "strong sub sup table tbody td th thead tr ul"
).split()
SHOWN = {  # attributes; of the classes, which could cover the page, only those of coloured code
    "a": ["href", "title"],
    "div": lambda tag, name, value: name == "class" and value == "highlight",
    "span": lambda tag, name, value: name == "class" and len(value) < 3,
}
LANGUAGES = {"en": "", "zh": "zh"}
WIDTH = {"en": 96, "zh": 48}  # characters of a line of feedback
DAY = 24 * 60 * 60  # seconds


@contextmanager
def gradebook(classroom: Classroom):
    """Open the class's gradebook."""
    classroom.folder.mkdir(parents=True, exist_ok=True)
    programs = str(Path(sys.executable).parent)  # nbgrader calls alembic when it makes one
    if programs not in os.environ["PATH"].split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([programs, os.environ["PATH"]])
    with warnings.catch_warnings(), Gradebook(_url(classroom)) as book:
        warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, about the order of its work
        yield book


def register(classroom: Classroom, assignment: Assignment) -> list[Path]:
    """Enter an assignment and the class into the gradebook; write what students get.

    Students get the notebook in both languages. Corrected tests may be registered again.

    Raises:
        ValueError: if answers were collected and the questions have others parts than then.
    """
    written, name = [], assignment.name
    root = {"nbgrader": {"assignment": name, "notebook": name, "db_url": _url(classroom)}}
    due = classroom.due(name)
    with gradebook(classroom) as book:
        book.update_or_create_assignment(name, duedate=due and due.replace(tzinfo=None))
        for person in classroom.roster.values():
            names = {"last_name": person.last_name, "first_name": person.first_name}
            names = {key: harmless(name) for key, name in names.items()}
            book.update_or_create_student(person.id, email=person.email, **names)
    for language, folder in LANGUAGES.items():
        notebook = assignment.notebook(language)
        for step in [LockCells, ComputeChecksums, *([SaveCells] if language == "en" else [])]:
            try:
                notebook, _ = step().preprocess(notebook, root)
            except RuntimeError as error:
                raise ValueError(
                    f"{name} has other parts than what was handed in: {error}"
                ) from None
        path = classroom.folder / "release" / name / folder / f"{name}.ipynb"
        write(path, nbformat.writes(notebook).encode())
        written.append(path)
    source = classroom.folder / "source" / name / f"{name}.ipynb"
    write(source, written[0].read_bytes())  # nbgrader's page lists what has a source
    config = CONFIG.format(root=str(classroom.folder.resolve()), filters=FILTERS)
    write(classroom.folder / "nbgrader_config.py", config.encode())
    return written


def record(classroom: Classroom, assignment: Assignment, reports: Iterable[Report]) -> None:
    """Enter the students' marks, and write the pages that are marked by hand.

    What a person gave stays; where the answer has changed since, the page asks for it again.
    """
    with gradebook(classroom) as book:
        for report in reports:
            page = classroom.folder / "autograded" / report.student / assignment.name
            page /= f"{assignment.name}.ipynb"
            work = nbformat.read(classroom.work(assignment.name, report.student), 4)
            before = nbformat.read(page, 4) if page.is_file() else None
            _enter(book, classroom, assignment, report, work, before)
            write(page, nbformat.writes(_with_results(work, report)).encode())


def _enter(book, classroom, assignment, report, work, before):
    """Enter one student's marks; `before` is the page that a person has seen, if there is one."""
    student, name = report.student, assignment.name
    when = classroom.handed_in_at(name, student).astimezone(UTC).replace(tzinfo=None)
    submission = book.update_or_create_submission(name, student, timestamp=when)
    for mark in report.marks:
        grade = book.find_grade(f"{mark.part}_tests", name, name, student)
        grade.auto_score, grade.needs_manual_grade = mark.points, False
    for part in assignment.parts.values():
        if not part.by_hand:
            continue
        answer = _answer(work, part.name)
        changed = before is None or _answer(before, part.name) != answer
        grade = book.find_grade(part.name, name, name, student)
        if answer.strip() in ("", *_stubs(assignment, part.name)):
            grade.auto_score, grade.needs_manual_grade = 0, False
            if changed:
                grade.manual_score = None  # it was for an answer that is gone
        elif changed or grade.manual_score is None:
            grade.auto_score, grade.needs_manual_grade = None, True
    most = sum(part.points for part in assignment.parts.values())
    days = -(-submission.total_seconds_late // DAY)
    penalty = min(most, days * most * classroom.settings["late"] / 100)
    (notebook,) = submission.notebooks
    notebook.late_submission_penalty = penalty or None
    book.db.commit()


def feedback(
    classroom: Classroom, assignment: Assignment, progress: Callable[[Iterable], Iterable] = iter
) -> list[Path]:
    """Write a page for every student who has marks: answers, sentences, points, comments."""
    written = []
    for student in progress(classroom.students(assignment.name)):
        if not (classroom.folder / "autograded" / student / assignment.name).is_dir():
            continue
        course = CourseDirectory(root=str(classroom.folder.resolve()), db_url=_url(classroom))
        course.assignment_id, course.student_id = assignment.name, student
        maker = GenerateFeedback(coursedir=course, config=Config(HTMLExporter={"filters": FILTERS}))
        maker.force, maker.log = True, _quiet()
        maker.start()
        folder = classroom.folder / "feedback" / student / assignment.name
        written.append(folder / f"{assignment.name}.html")
    return written


def table(classroom: Classroom) -> str:
    """Give the class's points as CSV: a line a student, a column an assignment, sorted.

    Points are those after the late penalty; what was not handed in is empty, what a person still
    has to mark (`unmarked`) counts as 0. The columns in front are those by which learning platforms
    know people.
    """
    out = io.StringIO()
    with gradebook(classroom) as book:
        names = sorted(assignment.name for assignment in book.assignments)
        rows = csv.writer(out, lineterminator="\r\n")
        rows.writerow(["id", "last_name", "first_name", "email", *names])
        for person in classroom.roster.values():
            points = [_points(book, name, person.id) for name in names]
            about = [person.id, person.last_name, person.first_name, person.email]
            rows.writerow([*map(_no_formula, about), *points])
    return out.getvalue()


def page(markdown: str) -> str:
    """Give markdown as HTML in which nothing acts: no script, no form, no picture from elsewhere.

    >>> page("`a<b` <img src=x>")
    '<p><code>a&lt;b</code> &lt;img src=x&gt;</p>\\n'
    """
    renderer = _Renderer(escape=False, exclude_anchor_links=True)
    html = MarkdownWithMath(renderer=renderer).render(markdown)
    return SanitizeHTML(tags=TAGS, attributes=SHOWN).sanitize_html_tags(html)


def unmarked(classroom: Classroom) -> dict[str, list[str]]:
    """Who still waits for a person's marks, by assignment."""
    with gradebook(classroom) as book:
        waiting = {
            assignment.name: sorted(
                submission.student.id
                for submission in book.assignment_submissions(assignment.name)
                if submission.needs_manual_grade
            )
            for assignment in book.assignments
        }
    return {name: waiting[name] for name in sorted(waiting) if waiting[name]}


class _Renderer(IPythonRenderer):
    """Shows the name of a picture: what is pasted into an answer does not come with it."""

    def image(self, text, url, title=None):
        return f"[{text}]"


def _no_formula(text):
    """Keep a spreadsheet from working out what is a name, which a student may have chosen."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@")) else text


def _points(book, name, student):
    try:
        submission = book.find_submission(name, student)
    except MissingEntry:
        return ""
    return f"{max(0, submission.score - (submission.late_submission_penalty or 0)):g}"


def _url(classroom):
    return f"sqlite:///{(classroom.folder / 'gradebook.db').resolve()}"


def _answer(notebook, part):
    if notebook is None:
        return None
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == part:
            return cell.source
    return None


def _stubs(assignment, part):
    return [_answer(assignment.notebook(language), part).strip() for language in LANGUAGES]


def _with_results(work, report):
    """Write what the cells printed below them, and below each test what was found."""
    language, outputs = report.language, iter(report.outputs)
    found = {f"{mark.part}_tests": mark for mark in report.marks}
    for number, cell in enumerate(
        (cell for cell in work.cells if cell.cell_type == "code"), start=1
    ):
        mark = found.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        cell.execution_count = number
        if mark is None:
            text = next(outputs, "")  # none where nothing could be run
            new = [nbformat.v4.new_output("stream", text=text)] if text else []
        elif mark.points < mark.most:
            told = [f"✗ {sentence[language]}" for sentence in mark.sentences]
            lines = [line for text in told for line in wrap(text, WIDTH[language])]
            new = [nbformat.v4.new_output("error", ename="0", evalue=lines[0], traceback=lines)]
        else:
            new = [nbformat.v4.new_output("stream", text="✓")]
        cell.outputs = new
    if report.notes:
        text = "\n".join(f"- {harmless(note[language])}" for note in report.notes)
        work.cells.insert(1, nbformat.v4.new_markdown_cell(text))
    return work


def _quiet():
    log = logging.getLogger("lmcourse.classroom")
    log.addHandler(logging.NullHandler())
    log.propagate = False
    return log
