"""How long a learner waits for `lmcourse assignment check`, and Jupyter for the same notebook.

Every assignment, once with our answers and once with a mistake in every part, in fresh processes:
what `check` takes is to stay under ten seconds, so that it is asked often.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import nbformat

from lmcourse.classroom.assignment import Assignment, find, names


def answered(assignment: Assignment, path: Path, wrong: bool) -> None:
    """Write a notebook with our answers, or with the first mistake of every part."""
    book = assignment.notebook("en", "solution")
    for cell in book.cells:
        part = assignment.parts.get(cell.metadata.get("nbgrader", {}).get("grade_id"))
        if wrong and part is not None and part.mistakes:
            cell.source = next(iter(part.mistakes.values())).source
    nbformat.write(book, path)


def seconds(program: str, *words: str) -> float:
    """Wall time of a program of this environment."""
    start = perf_counter()
    subprocess.run([Path(sys.executable).with_name(program), *words], capture_output=True)
    return perf_counter() - start


def measure() -> list[dict]:
    """Every assignment in turn."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names():
            path = Path(folder) / f"{name}.ipynb"
            for kind in ("mistakes", "answers"):
                answered(find(name), path, wrong=kind == "mistakes")
                took = seconds("lmcourse", "assignment", "check", str(path))
                rows.append((f"check {name}, {kind}", took, "s", "<= 10"))
            execute = (
                "jupyter",
                "nbconvert",
                "--to",
                "notebook",
                "--execute",
                "--inplace",
                "--allow-errors",
            )
            rows.append((f"run {name} in Jupyter", seconds(*execute, str(path)), "s", None))
    return [dict(zip(("name", "value", "unit", "bound"), row, strict=True)) for row in rows]
