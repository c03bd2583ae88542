"""Builds the lessons: one py:percent source becomes an English and a Chinese executed notebook.

    python -m lmcourse.build          every lesson whose source or modules changed
    python -m lmcourse.build 02 03    of these, the ones that changed

Nbclient runs the code, once for both languages. What stands here keeps the house in order: every
figure has its caption, and nothing that is stored depends on the machine. To build a lesson that
has not changed, delete its notebook. Knows nothing about what a lesson teaches.
"""

import base64
import io
import os
import re
import subprocess
import sys
import time
from copy import deepcopy
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode
from PIL import Image
from tqdm import tqdm

from lmcourse.lesson import ROOT, Lesson, LessonError, fingerprint, notebook, read

SOURCES = ROOT / "notebooks" / "src"
LARGEST_FIGURE = 40_000  # bytes of PNG
LARGEST_NOTEBOOK = 500_000  # bytes
LONGEST_CELL = 300  # seconds
ENVIRONMENT = {"LMCOURSE_STATIC": "1", "TF_ENABLE_ONEDNN_OPTS": "0", "PYTHONHASHSEED": "0"}
CAPTIONS = {"en": "**Figure.**", "zh": "**图.**"}
OF_THIS_MACHINE = re.compile(  # what would read differently on another one
    r"0x[0-9a-f]{8,}|ipykernel_\d+|/tmp/|/home/|/root/|/Users/|[A-Z]:\\Users"
)


def build(source: Path) -> list[Path]:
    """Build one lesson; return the notebooks whose content changed, after writing both.

    Raises LessonError, with the source's line; nothing is written unless all is in order.
    """
    lesson, mark = read(source), fingerprint(source)
    executed, texts = _execute(lesson), {}
    for language in ("en", "zh"):
        book = notebook(lesson, language)
        code = (cell for cell in book.cells if cell.cell_type == "code")
        for cell, done in zip(code, executed, strict=True):
            cell.execution_count, cell.outputs = done.execution_count, deepcopy(done.outputs)
        _describe_figures(lesson, language, book)
        book.metadata["lmcourse"] = {"built_from": mark}
        nbformat.validate(book)
        texts[lesson.target(language)] = text = nbformat.writes(book).rstrip() + "\n"
        if (size := len(text.encode())) > LARGEST_NOTEBOOK:
            rule = f"a notebook may hold {LARGEST_NOTEBOOK:,} bytes; draw fewer figures"
            raise lesson.error(0, f"{rule}. Received: {size:,}")
    return [target for target, text in texts.items() if _write(target, text)]


def is_current(source: Path) -> bool:
    """Tell whether both notebooks were built from this very source and its present modules."""
    lesson, mark = read(source), fingerprint(source)
    for language in ("en", "zh"):
        try:
            book = nbformat.read(lesson.target(language), 4)
        except (OSError, ValueError):
            return False
        if book.metadata.get("lmcourse") != {"built_from": mark} or differences(lesson, language):
            return False
    return True


def differences(lesson: Lesson, language: str) -> list[str]:
    """Where the stored notebook's cells are not what its source says; nothing is executed."""
    if not lesson.target(language).is_file():
        return [f"{os.path.relpath(lesson.target(language))} was never built"]
    stored = nbformat.read(lesson.target(language), 4).cells
    wanted = notebook(lesson, language).cells
    found = [f"{len(stored)} cells stored, {len(wanted)} in the source"]
    found = found if len(stored) != len(wanted) else []
    for index, old, new in zip(lesson.places(language, "code"), stored, wanted, strict=False):
        if any(old[key] != new[key] for key in ("cell_type", "id", "source", "metadata")):
            found.append(str(lesson.error(index, f"the stored cell reads {old.source[:60]!r}")))
    return found


def main(arguments: list[str]) -> int:
    """Build the lessons with these numbers, or all; return 1 if any of them could not be."""
    found = sorted(SOURCES.glob("[0-9][0-9]_*.py"))
    wanted = {name.zfill(2) for name in arguments}  # 2 is lesson 02
    chosen = [s for s in found if not arguments or {s.stem, s.stem[:2]} & wanted]
    if unknown := wanted - {name for s in chosen for name in (s.stem, s.stem[:2])}:
        names = ", ".join(source.stem for source in found)
        print(f"LESSON must be one of {names}. Received: {min(unknown)}", file=sys.stderr)
        return 1
    failed = False
    for source in chosen:
        started = time.monotonic()
        try:
            if is_current(source):
                print(f"{source.stem}: up to date")
                continue
            changed = ", ".join(os.path.relpath(path) for path in build(source))
        except LessonError as error:
            print(error, file=sys.stderr)
            failed = True
        else:
            seconds = time.monotonic() - started
            print(f"{source.stem}: {seconds:.0f} s, wrote {changed or 'nothing new'}")
    return int(failed)


def _execute(lesson: Lesson) -> list[NotebookNode]:
    """Run the lesson in a fresh kernel and return its code cells, with outputs fit to store."""
    places = lesson.places("code")
    book = notebook(lesson, "en")
    book.cells = [cell for cell in book.cells if cell.cell_type == "code"]
    bar = tqdm(total=len(places), desc=lesson.source.stem, unit=" cells", mininterval=1)
    client = NotebookClient(
        book,
        timeout=LONGEST_CELL,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(lesson.source.parent.parent)}},
        on_cell_executed=lambda **_: bar.update(),
    )
    with bar:
        try:
            client.execute(env=os.environ | ENVIRONMENT, stderr=subprocess.DEVNULL)
        except CellTimeoutError:
            raise lesson.error(places[bar.n], f"a cell may run for {LONGEST_CELL} s") from None
        except DeadKernelError:
            raise lesson.error(places[bar.n], "the kernel died (out of memory?)") from None
        except CellExecutionError as error:
            raise _located(lesson, error) from None
    for index, cell in zip(places, book.cells, strict=True):
        for output in cell.outputs:
            _check(lesson, index, output)
    return book.cells


def _located(lesson: Lesson, error: CellExecutionError) -> LessonError:
    """Turn a kernel's traceback into the source's line and the course's modules on the way."""
    traceback = re.sub(r"\x1b\[[0-9;]*m", "", error.traceback)
    frames = []
    for cell, row, file, number in re.findall(
        r"^\s*(?:Cell In\[(\d+)\], line (\d+)|File (.+?\.py):(\d+))", traceback, re.MULTILINE
    ):
        if cell:
            first = lesson.lines[lesson.places("code")[int(cell) - 1]]
            frames.append((lesson.source, first + int(row) - 1))
        elif (path := Path(file).expanduser()).is_relative_to(ROOT / "lmcourse"):
            frames.append((path, int(number)))
    line = [n for path, n in frames if path == lesson.source][-1]
    report = [f"{error.ename}: {error.evalue}"]
    for path, n in frames:
        code = path.read_text(encoding="utf-8").splitlines()[n - 1].strip()
        report.append(f"{os.path.relpath(path)}:{n}: {code}")
    return LessonError(lesson.source, line, "\n    ".join(report))


def _check(lesson: Lesson, index: int, output: NotebookNode) -> None:
    """Raise if an output may not be stored; make its picture small."""
    if output.output_type == "error":
        raise lesson.error(index, "an error may not be stored; catch the exception and print it")
    if output.get("name") == "stderr":
        cure = "call `setup()` before Keras is imported; " if "absl::" in output.text else ""
        raise lesson.error(index, f"a cell may not warn; {cure}it wrote:\n{output.text.rstrip()}")
    data = output.get("data", {"text/plain": output.get("text")})
    if "application/vnd.jupyter.widget-view+json" in data:
        raise lesson.error(index, "a widget may not be stored; show it with `explore`")
    for kind, content in data.items():
        if kind == "text/plain" and re.match(r"\[?(Text\(|<matplotlib)", content):
            raise lesson.error(index, "a cell that draws must end in `plt.show()`, not in a value")
        if kind.startswith("text/") and (found := OF_THIS_MACHINE.search(content)):
            rule = "an output may not show a path or an address of this machine"
            raise lesson.error(index, f"{rule}. Received: {found.group()!r}")
        if kind.startswith("image/"):
            if kind != "image/png":
                raise lesson.error(index, f"a figure must be a PNG. Received: {kind}")
            data[kind] = _compact(lesson, index, content)


def _compact(lesson: Lesson, index: int, picture: str) -> str:
    """Keep 256 colours of a PNG and no metadata: a quarter of the size, equal to the eye."""
    smaller = io.BytesIO()
    with Image.open(io.BytesIO(base64.b64decode(picture))) as image:
        flat = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        flat.save(smaller, "PNG", optimize=True)
    if (size := smaller.tell()) > LARGEST_FIGURE:
        rule = f"a figure may hold {LARGEST_FIGURE:,} bytes; draw fewer points or a smaller figure"
        raise lesson.error(index, f"{rule}. Received: {size:,}")
    return base64.b64encode(smaller.getvalue()).decode()


def _describe_figures(lesson: Lesson, language: str, book: NotebookNode) -> None:
    """Write the caption below each figure into it, as the text read to those who can't see it.

    It goes to `metadata["image/png"]["alt"]`, where nbconvert and the makers of sites look.
    """
    opening = CAPTIONS[language]
    below = [cell.source for cell in book.cells[1:]] + [""]
    for index, cell, text in zip(lesson.places(language, "code"), book.cells, below, strict=True):
        figures = [out for out in cell.get("outputs", ()) if "image/png" in out.get("data", {})]
        if len(figures) > 1:
            raise lesson.error(index, f"a cell may draw one figure. Received: {len(figures)}")
        if figures and not text.startswith(opening):
            raise lesson.error(index, f"the cell below a figure must begin with `{opening}`")
        if text.startswith(opening) and not figures:
            raise lesson.error(index, f"a `{opening}` must stand below a cell that draws a figure")
        for figure in figures:
            figure.metadata["image/png"] = {"alt": _plain(text.removeprefix(opening))}


def _plain(markdown: str) -> str:
    """Take the marks out of a caption.

    >>> _plain(" *Romeo* has **two** [vowels](v.md), `o` and $e_1$.")
    'Romeo has two vowels, o and e_1.'
    """
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", markdown)
    return " ".join(re.sub(r"[*`$]", "", text).split())


def _write(target: Path, text: str) -> bool:
    """Write a whole file or nothing; tell whether its content is new."""
    content = text.encode()
    if target.is_file() and target.read_bytes() == content:
        return False
    target.parent.mkdir(exist_ok=True)
    unfinished = target.with_suffix(".tmp")
    unfinished.write_bytes(content)
    unfinished.replace(target)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
