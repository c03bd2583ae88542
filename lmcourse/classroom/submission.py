"""A file that somebody hands in: read without trust, refused with a reason, or rebuilt.

Of the file only the answers are kept, and cells that the student added. All else comes from our own
notebook: so no output, no changed test and no hidden cell of a submission goes any further.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from lmcourse.classroom.assignment import Assignment

LARGEST = 20_000_000  # bytes of a file
LONGEST = 100_000  # characters of a cell
LONGEST_ANSWER = 10_000  # of one that a person reads
MOST = 300  # cells
LANGUAGES = ("en", "zh")


NO_CHARACTERS = re.compile(  # what a terminal obeys, and what turns the direction of a line
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def plain(text: str) -> str:
    """Take from a text what is no character to be shown."""
    return NO_CHARACTERS.sub("", text.encode(errors="replace").decode())


def harmless(text: str) -> str:
    """Make a line of a text: for a terminal, and for a page that shows tags as they stand.

    >>> harmless("if a<b:\\n<script>steal()</script>")
    'if a< b: < script>steal()< /script>'
    """
    return re.sub(r"<(?=[A-Za-z/!?])", "< ", " ".join(plain(text).split()))


class Refused(ValueError):
    """The file can't be graded; `sentence` says in both languages what to hand in instead."""

    def __init__(self, en: str, zh: str):
        self.sentence = _note(en, zh)
        super().__init__(self.sentence["en"])


@dataclass(frozen=True)
class Submission:
    """A rebuilt notebook, its language, the id that it claims, and what was odd about the file."""

    notebook: NotebookNode
    language: str
    claimed: str
    notes: tuple[Mapping[str, str], ...]

    def code(self) -> list[tuple[str, str]]:
        """The cells to run, in order, each with its part's name, or "" if it belongs to none."""
        cells = (cell for cell in self.notebook.cells if cell.cell_type == "code")
        ids = [(cell.metadata.get("nbgrader", {}), cell.source) for cell in cells]
        return [
            (about.get("grade_id", "") if about.get("solution") else "", source)
            for about, source in ids
            if not about.get("grade")
        ]

    def answer(self, part: str) -> str:
        """What stands in the cell of a part."""
        ids = (
            (cell.metadata.get("nbgrader", {}).get("grade_id"), cell)
            for cell in self.notebook.cells
        )
        return next(cell.source for name, cell in ids if name == part)


def submitted(path: Path, assignment: Assignment, student: str | None = None) -> Submission:
    """Read a file that is handed in for an assignment.

    Args:
        path: the notebook.
        assignment: what it should be an answer to.
        student: who handed it in, from the roster; None: who the file says.

    Raises:
        Refused: if it is no notebook, another assignment's, an older release, or too large; or if
            its cells have lost the names by which answers are found.
    """
    book = _parsed(path)
    own = book["metadata"].get("lmcourse")
    own = own if isinstance(own, dict) else {}
    cells = [_cell(cell) for cell in book["cells"]]
    known = {
        c.metadata.nbgrader.grade_id
        for c in assignment.notebook("en").cells
        if "nbgrader" in c.metadata
    }
    found = {name for name, _, _ in cells if name}
    _check(assignment, own, known, found)
    language = own.get("language") if own.get("language") in LANGUAGES else "en"
    claimed = next((id for *_, source in cells if (id := _id(source)) is not None), "")
    template = assignment.notebook(language)
    notes, rest = [], _extras(cells, known)
    wanted, built = [part.name for part in assignment.parts.values()], []
    first = next(cell for cell in template.cells if cell.cell_type == "code")
    first.source = f"STUDENT = {claimed if student is None else student!r}"
    if student is not None:
        if claimed not in (student, ""):
            notes.append(
                _note(
                    f"The notebook was drawn for {claimed!r}, not for {student!r}: its "
                    "numbers are another student's.",
                    f"笔记本里的学号是 {claimed!r}，不是 {student!r}：里面的数是别人的。",
                )
            )
    for cell in template.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if name in wanted:
            notes += _fill(cell, name, [(kind, text) for id, kind, text in cells if id == name])
        built.append(cell)
        built += rest.pop(name, []) if name else []
        if cell is first:
            built += rest.pop("", [])
    template.cells = built
    return Submission(template, language, claimed, tuple(notes))


def _parsed(path):
    wrong = Refused(
        f"{path.name} is not a Jupyter notebook. Hand in the file that ends in .ipynb.",
        f"{path.name} 不是 Jupyter 笔记本。请提交以 .ipynb 结尾的那个文件。",
    )
    size = path.stat().st_size
    if size > LARGEST:
        raise Refused(
            f"{path.name} has {size:,} bytes; {LARGEST:,} are allowed. Clear its outputs, save it "
            "and hand it in again.",
            f"{path.name} 有 {size:,} 字节，上限是 {LARGEST:,}。请清除输出，保存后再提交。",
        )
    try:
        book = json.loads(path.read_bytes())
        if "worksheets" in book:
            raise Refused(
                f"{path.name} is in Jupyter's old format. Open it in JupyterLab, save it and hand "
                "it in again.",
                f"{path.name} 是 Jupyter 的旧格式。请在 JupyterLab 里打开，保存后再提交。",
            )
        cells, metadata = book["cells"], book.get("metadata", {})
        fits = isinstance(cells, list) and isinstance(metadata, dict)
        fits = fits and all(isinstance(cell, dict) for cell in cells)
    except Refused:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, MemoryError):
        raise wrong from None
    if not fits:
        raise wrong
    if len(cells) > MOST:
        raise Refused(
            f"{path.name} has {len(cells)} cells; {MOST} are allowed.",
            f"{path.name} 有 {len(cells)} 格，上限是 {MOST}。",
        )
    return {"cells": cells, "metadata": metadata}


def _cell(cell):
    """Give a cell's name in the assignment ("" for none), its kind and its text."""
    metadata = cell.get("metadata")
    about = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = about.get("grade_id") if isinstance(about, dict) else ""
    source = cell.get("source", "")
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    source = source if isinstance(source, str) else ""
    source = source.encode(errors="replace").decode()
    kind = "code" if cell.get("cell_type") == "code" else "markdown"
    return name if isinstance(name, str) else "", kind, source[:LONGEST]


def _check(assignment, own, known, found):
    name = assignment.name
    if own.get("assignment") not in (None, name):
        raise Refused(
            f"This is assignment {str(own['assignment'])[:40]}. Hand in {name}.ipynb.",
            f"这是作业 {str(own['assignment'])[:40]}。请提交 {name}.ipynb。",
        )
    if not found & known:
        raise Refused(
            f"This notebook is not assignment {name}, or its cells have lost their names. Hand in "
            f"the {name}.ipynb that you were given, with your answers in its own cells.",
            f"这个笔记本不是作业 {name}，或者各格丢了名字。请提交发给你的 {name}.ipynb，"
            "答案写在原来的格里。",
        )
    if own.get("version") not in (None, assignment.version):
        raise Refused(
            f"This is an older release of {name}. Fetch the new one, copy your answers into it and "
            "hand that in.",
            f"这是 {name} 的旧版。请取新版，把答案抄进去再提交。",
        )
    if (missing := known - found) and (strange := found - known):
        raise Refused(
            f"Cells were renamed: {_list(strange)} instead of {_list(missing)}. Copy your answers "
            f"into the cells of a fresh {name}.ipynb and hand that in.",
            f"有的格改了名：{_list(strange)}，应为 {_list(missing)}。请取一份新的 {name}.ipynb，"
            "把答案抄进去再提交。",
        )


def _list(names):
    return ", ".join(sorted(name[:40] for name in names)[:5])


def _id(source):
    """The id in a cell such as `STUDENT = "s01"`, or None if it is another cell."""
    if not re.match(r"STUDENT\s*=(?!=)", source):
        return None
    text = source.partition("=")[2].splitlines()[:1]
    return "".join(text).partition("#")[0].strip().strip("\"'")[:60]


def _extras(cells, known):
    """Cells that the student added, by the name of the cell of ours that stands above."""
    found, above = [], ""
    for name, kind, source in cells:
        if name in known:
            above = name
        elif kind == "code" and source.strip() and _id(source) is None:
            cell = nbformat.v4.new_code_cell(source, id=f"added-{len(found)}")
            found.append((above, cell))
    return {name: [cell for above, cell in found if above == name] for name, _ in found}


def _fill(cell, name, answers):
    """Put the student's answer into our cell; say what was odd."""
    if not answers:
        cell.source = ""
        return [
            _note(
                f"The cell of part {name} is missing; it was deleted.",
                f"{name} 这一格不见了，被删掉了。",
            )
        ]
    notes = []
    kind, cell.source = answers[-1]
    if cell.cell_type == "markdown":  # it is shown to a person
        if "![" in cell.source:
            notes.append(
                _note(
                    f"Pictures in the answer to {name} are not handed on; say it in words.",
                    f"{name} 的答案里的图片不会转交，请用文字说明。",
                )
            )
        if len(cell.source) > LONGEST_ANSWER:
            notes.append(
                _note(
                    f"The answer to {name} is cut after {LONGEST_ANSWER:,} characters.",
                    f"{name} 的答案只保留前 {LONGEST_ANSWER:,} 个字。",
                )
            )
        cell.source = plain(cell.source[:LONGEST_ANSWER])
    if len(answers) > 1:
        notes.append(
            _note(
                f"The cell of part {name} stands there {len(answers)} times; the last one counts.",
                f"{name} 这一格出现了 {len(answers)} 次，以最后一次为准。",
            )
        )
    if kind != cell.cell_type:
        notes.append(
            _note(
                f"The cell of part {name} was turned into another kind; it was read as its own.",
                f"{name} 这一格改成了别的类型，仍按原类型批改。",
            )
        )
    return notes


def _note(en, zh):
    return {"en": harmless(en), "zh": harmless(zh)}
