"""An assignment of three parts and a question, small enough to be attacked many times a minute."""

import os
from functools import partial
from pathlib import Path

import nbformat

from lmcourse.classroom import assignment as assignments
from lmcourse.classroom.examine import examine
from lmcourse.classroom.limits import Limits
from lmcourse.classroom.student import Worker
from lmcourse.classroom.submission import submitted

SOURCE = """# %% [markdown]
# # Assignment 01 · Tiny

# %% [markdown] lang="zh"
# # 作业 01 · 小

# %%
STUDENT = ""  # your student id

# %%
import numpy as np

from lmcourse.classroom.draw import draw

# %%
mine = int(draw(STUDENT, "mine").integers(1000))
print(mine)

# %% part="double" role="stub"
def double(x):
    raise NotImplementedError

# %% part="double" role="solution"
def double(x):
    return 2 * np.asarray(x)

# %% part="double" role="tests" points=4
assert np.allclose(double([1.0, 2.0]), [2, 4]), "twice 1 and 2"

# %% part="double" role="hidden"
x = rng.normal(size=3)
with hint("half"):
    assert not np.allclose(double(x), x / 2)
assert np.allclose(double(x), key.double(x))

# %% part="double" role="mistake" name="half"
# That is half of it.
# 这是一半。
def double(x):
    return np.asarray(x) / 2

# %% part="triple" role="stub"
def triple(x):
    raise NotImplementedError

# %% part="triple" role="solution"
def triple(x):
    return 3 * np.asarray(x)

# %% part="triple" role="tests" points=2
assert np.allclose(triple([1.0, 2.0]), [3, 6])

# %% part="triple" role="hidden"
x = rng.normal(size=3)
assert np.allclose(triple(x), key.triple(x))

# %% part="number" role="stub"
number = ...

# %% part="number" role="solution"
number = mine + 1

# %% part="number" role="tests" points=1
assert number > 0

# %% part="number" role="hidden"
assert number == mine + 1

# %% [markdown] part="words" role="stub" points=3
# Your answer.

# %% [markdown] part="words" role="stub" points=3 lang="zh"
# 你的答案。

# %% [markdown] part="words" role="solution" points=3
# Because.

# %% [markdown] part="words" role="solution" points=3 lang="zh"
# 因为。
"""
POINTS = {"double": 4, "triple": 2, "number": 1}
GOOD = "import numpy as np\ndef double(x):\n    return 2 * np.asarray(x)\n"
SMALL = Limits(memory=300 * 2**20, addresses=2**30, files=1_000, work=6, cell=5.0, call=3.0)
MEANS = os.environ.get("SANDBOX", "bubblewrap")  # or docker: the same attacks in containers
GUARD = """
import os
assert os.path.isdir("/kit/lmcourse") and os.getpid() < 1000  # nowhere else
"""


def load(folder: Path) -> assignments.Assignment:
    """The assignment, from a file of its own."""
    source = folder / "01_tiny.py"
    source.write_text(SOURCE, encoding="utf-8")
    return assignments.load(source)


def hand_in(folder: Path, changes: dict[str, str], student: str = "s01"):
    """A notebook with the right answers but for the changes, written and read again."""
    assignment = load(folder)
    book = assignment.notebook("en", "solution")
    for cell in book.cells:
        name = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = changes.get(name, cell.source)
    nbformat.write(book, folder / "work.ipynb")
    return assignment, submitted(folder / "work.ipynb", assignment, student)


def sandboxed(folder: Path, changes: dict[str, str], limits: Limits = SMALL, place=0, **options):
    """The report about such a notebook, from the real sandbox."""
    assignment, work = hand_in(folder, changes)
    start = partial(Worker, MEANS, limits, place)
    return examine(assignment, work, "s01", start, "secret", **options)
