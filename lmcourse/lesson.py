"""A lesson's source, read and taken apart: one py:percent file, two notebooks in waiting.

Jupytext does the reading. Knows nothing about running code or about outputs (`lmcourse.build`).
"""

import ast
import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jupytext
import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "pygments_lexer": "ipython3",
    },
}
_LINK = re.compile(r"""(\]\(|(?:src|href)=["'])(?![a-z]+:|[#/])(?![^)\s"']*\.ipynb\b)""")


class LessonError(Exception):
    """What is wrong with a lesson, beginning with the place: `notebooks/src/02_x.py:143: …`."""

    def __init__(self, source: Path, line: int, message: str):
        super().__init__(f"{os.path.relpath(source)}:{line}: {message}")


@dataclass(frozen=True)
class Lesson:
    """A parsed source: its cells in order, and the line on which each one's text begins."""

    source: Path
    cells: tuple[NotebookNode, ...]
    lines: tuple[int, ...]

    def target(self, language: str) -> Path:
        """Where the notebook in this language is written: beside `src/`, Chinese in `zh/`."""
        folder = self.source.parent.parent / ("zh" if language == "zh" else "")
        return folder / f"{self.source.stem}.ipynb"

    def places(self, *languages: str) -> list[int]:
        """The indices of the cells in these languages; code is the language `"code"`."""
        return [i for i, cell in enumerate(self.cells) if _language(cell) in languages]

    def error(self, index: int, message: str) -> LessonError:
        """The error to raise about the cell at `index`."""
        return LessonError(self.source, self.lines[index], message)


def read(source: Path) -> Lesson:
    """Parse a lesson and check that every English text cell is followed by its Chinese sibling.

    Raises LessonError, with the line, for a source that is not well-formed.
    """
    text = source.read_text(encoding="utf-8")
    cells = jupytext.reads(text, fmt="py:percent").cells
    rows = text.splitlines()
    markers = [i for i, row in enumerate(rows) if re.match(r"# ?%%( |$)", row)]
    if len(markers) != len(cells):
        raise LessonError(source, 1, "a lesson must begin with a cell marker, `# %% [markdown]`")
    starts = [next((i for i in range(m + 1, len(rows)) if rows[i].strip()), m) for m in markers]
    lesson = Lesson(source, tuple(cells), tuple(start + 1 for start in starts))
    _check_siblings(lesson)
    return lesson


def notebook(lesson: Lesson, language: str) -> NotebookNode:
    """Assemble the notebook in one language, `"en"` or `"zh"`: its own prose, the shared code.

    A cell's id is a digest of its text. A link from the first cell leads to the other language.
    """
    cells, seen = [], Counter()
    for index in lesson.places(language, "code"):
        old = lesson.cells[index]
        kept = {key: old.metadata[key] for key in ("tags",) if key in old.metadata}
        if old.cell_type == "code":
            cell = nbformat.v4.new_code_cell(old.source, metadata=kept)
        else:
            text = _from_zh_folder(old.source) if language == "zh" else old.source
            cell = nbformat.v4.new_markdown_cell(text, metadata=kept)
        key = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[key] += 1
        cell.id = key if seen[key] == 1 else f"{key}-{seen[key]}"
        cells.append(cell)
    name = lesson.target(language).name
    cells[0].source += f"\n\n[中文](zh/{name})" if language == "en" else f"\n\n[English](../{name})"
    return nbformat.v4.new_notebook(cells=cells, metadata=nbformat.from_dict(METADATA))


def fingerprint(source: Path) -> str:
    """Digest what a lesson's outputs depend on: its text, the modules it reaches, the data named.

    It stands in the built notebooks, so a fresh clone knows what need not be built again. A file
    in `data/` counts when its name stands in the lesson or in one of the modules.
    """
    reached, waiting = {}, [source]
    while waiting:
        file = waiting.pop()
        reached[file] = file.read_bytes()
        waiting += set(_imports(file)) - set(reached)
    text = b"".join(reached.values())
    for file in (ROOT / "data").rglob("*.*"):
        if file.name.encode() in text:
            reached[file] = file.read_bytes()
    digests = sorted(hashlib.sha256(content).hexdigest() for content in reached.values())
    return hashlib.sha256("".join(digests).encode()).hexdigest()[:16]


def _language(cell: NotebookNode) -> str:
    return "code" if cell.cell_type == "code" else cell.metadata.get("lang", "en")


def _check_siblings(lesson: Lesson) -> None:
    """Raise unless a text cell begins the lesson and each comes twice, English then Chinese."""
    languages = [_language(cell) for cell in lesson.cells]
    for i, language in enumerate(languages):
        before = languages[i - 1] if i else None
        after = languages[i + 1] if i + 1 < len(languages) else None
        if language not in {"en", "zh", "code"}:
            raise lesson.error(i, f'`lang` must be "zh" or left out. Received: lang="{language}"')
        if language == "code" and i == 0:
            raise lesson.error(i, "a lesson must begin with a text cell")
        if language == "en" and after != "zh":
            raise lesson.error(i, 'this text must be followed by its sibling, `lang="zh"`')
        if language == "zh" and before != "en":
            raise lesson.error(i, "this Chinese text must stand below its English sibling")


def _from_zh_folder(text: str) -> str:
    """Let a relative link point one folder up from `zh/`, unless it leads to another notebook.

    >>> _from_zh_folder("[一](01_x.ipynb#a) [词](glossary.md) [网](https://a.b) ![图](img/a.png)")
    '[一](01_x.ipynb#a) [词](../glossary.md) [网](https://a.b) ![图](../img/a.png)'
    """
    return _LINK.sub(r"\1../", text)


def _imports(file: Path) -> Iterator[Path]:
    """The package's own modules that a Python file imports."""
    if file.suffix != ".py":
        return
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError as error:
        raise LessonError(file, error.lineno or 1, f"SyntaxError: {error.msg}") from None
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            path = ROOT.joinpath(*name.split(".")).with_suffix(".py")
            if name.startswith("lmcourse.") and path.is_file():
                yield path
