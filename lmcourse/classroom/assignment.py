"""An assignment's source, taken apart: what students get, what their work is held against.

One py:percent file holds all of it, in both languages, as a lesson's does. A cell's `part` and
`role` say what it is for:

    (no part)            text and given code, the same for everybody
    role="stub"          what the student fills in                       role="solution"  our answer
    role="tests"         the visible tests, with `points`                role="hidden"    the others
    role="mistake"       a wrong answer, with its `name` and its sentence in two comment lines
    role="alternative"   a right answer that is not ours, with its `name`

A part whose stub is text, with `points`, is marked by a person. Knows nothing of gradebooks.
"""

import ast
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

from lmcourse.lesson import ROOT, Lesson, LessonError, notebook, read

SOURCES = ROOT / "notebooks" / "assignments" / "src"
ROLES = ("stub", "solution", "tests", "hidden", "mistake", "alternative")


@dataclass(frozen=True)
class Mistake:
    """A mistake that many make: the sentence that helps, in both languages, and the code."""

    sentence: Mapping[str, str]
    source: str


@dataclass
class Part:
    """One question: what is given, what is asked, and how an answer is judged."""

    name: str
    points: float = 0
    by_hand: bool = False  # marked by a person
    stub: str = ""
    solution: str = ""
    tests: str = ""
    hidden: str = ""
    mistakes: dict[str, Mistake] = field(default_factory=dict)
    alternatives: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """What a student defines in it: functions and values."""
        return defined(self.stub)


@dataclass(frozen=True)
class Assignment:
    """A parsed source: its parts in order, and its notebook in either language."""

    lesson: Lesson
    parts: Mapping[str, Part]

    @property
    def name(self) -> str:
        """The file's name without its ending, such as `03_softmax`."""
        return self.lesson.source.stem

    @cached_property
    def given(self) -> list[str]:
        """The code that everybody gets, cell by cell; the first one is the student's id."""
        cells = (cell for cell in self.lesson.cells if cell.cell_type == "code")
        return [cell.source for cell in cells if "part" not in cell.metadata]

    @cached_property
    def version(self) -> str:
        """A digest of what students start from: given code and stubs. Corrected tests keep it."""
        text = "\0".join([*self.given, *(part.name + part.stub for part in self.parts.values())])
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    def notebook(self, language: str, role: str = "stub") -> NotebookNode:
        """Assemble what students get in one language, or with `role="solution"` our answers."""
        shown = [
            i
            for i, cell in enumerate(self.lesson.cells)
            if cell.metadata.get("role", role) in (role, "tests")
        ]
        cells = tuple(self.lesson.cells[i] for i in shown)
        chosen = replace(self.lesson, cells=cells, lines=tuple(self.lesson.lines[i] for i in shown))
        book = notebook(chosen, language)
        places, given = chosen.places(language, "code"), 0
        for cell, place in zip(book.cells, places, strict=True):
            about = cells[place].metadata
            if "part" in about:
                cell.metadata["nbgrader"] = _nbgrader(self.parts[about["part"]], about["role"])
            elif cell.cell_type == "code":
                given += 1
                if given > 1:  # the first one is where the id goes
                    cell.metadata["nbgrader"] = _locked(f"given_{given}")
        own = {"assignment": self.name, "version": self.version, "language": language}
        book.metadata["lmcourse"] = own
        return book


def defined(source: str) -> list[str]:
    """The names that a cell defines at its top level.

    >>> defined("answer = ...\\ndef softmax(scores): ...")
    ['answer', 'softmax']
    """
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return found


def names(folder: Path = SOURCES) -> list[str]:
    """The assignments that there are."""
    return sorted(path.stem for path in folder.glob("[0-9][0-9]_*.py"))


def find(name: str, folder: Path = SOURCES) -> Assignment:
    """Read an assignment by its name or number: "03", "3" or "03_softmax".

    Raises:
        ValueError: if there is none.
        LessonError: with the line, if its source is not in order.
    """
    for known in names(folder):
        if known == name or (name.isdigit() and known[:2] == name.zfill(2)):
            return load(folder / f"{known}.py")
    raise ValueError(f"An assignment is one of {', '.join(names(folder))}. Received: {name!r}")


def load(source: Path) -> Assignment:
    """Read an assignment from its source.

    Raises:
        LessonError: with the line, if it is not in order.
    """
    lesson, parts = read(source), {}
    for index, cell in enumerate(lesson.cells):
        if "part" not in cell.metadata:
            continue
        role = cell.metadata.get("role")
        if role not in ROLES:
            raise lesson.error(index, f"`role` must be one of {', '.join(ROLES)}. Received: {role}")
        part = parts.setdefault(cell.metadata["part"], Part(cell.metadata["part"]))
        _take(lesson, index, part, role)
    for part in parts.values():
        _check(lesson, part)
    first = next(cell for cell in lesson.cells if cell.cell_type == "code")
    if not first.source.startswith('STUDENT = ""'):
        raise LessonError(source, 1, 'the first code cell must begin with `STUDENT = ""`')
    return Assignment(lesson, parts)


def _take(lesson, index, part, role):
    cell = lesson.cells[index]
    name = cell.metadata.get("name")
    if role in ("mistake", "alternative") and not name:
        raise lesson.error(index, f"a cell of role {role} must have a name")
    if cell.cell_type == "markdown":
        if cell.metadata.get("lang") == "zh":
            return  # its English sibling is enough here
        part.by_hand = True
    if role == "mistake":
        lines = cell.source.splitlines()
        if len(lines) < 3 or not all(line.startswith("# ") for line in lines[:2]):
            raise lesson.error(index, "a mistake must begin with its sentence, `# en` and `# zh`")
        sentence = {"en": lines[0][2:].strip(), "zh": lines[1][2:].strip()}
        part.mistakes[name] = Mistake(sentence, "\n".join(lines[2:]))
    elif role == "alternative":
        part.alternatives[name] = cell.source
    else:
        if getattr(part, role):
            raise lesson.error(index, f"part {part.name} has a {role} already")
        setattr(part, role, cell.source)
    part.points = cell.metadata.get("points", part.points)


def _check(lesson, part):
    wanted = ("stub", "solution") if part.by_hand else ROLES[:4]
    for role in wanted:
        if not getattr(part, role):
            raise LessonError(lesson.source, 1, f"part {part.name} has no {role}")
    if not part.points > 0:
        raise LessonError(lesson.source, 1, f"part {part.name} must have `points` above 0")


def _locked(name):
    return {
        "grade_id": name,
        "grade": False,
        "solution": False,
        "locked": True,
        "task": False,
        "schema_version": 3,
    }


def _nbgrader(part, role):
    if role == "tests":
        graded = {"grade_id": f"{part.name}_tests", "grade": True, "points": part.points}
        return _locked("") | graded
    answer = {"grade_id": part.name, "solution": True, "locked": False}
    return _locked("") | answer | ({"grade": True, "points": part.points} if part.by_hand else {})
