"""A class for the tests: an assignment of two questions, and submissions of every kind."""

import csv
import zipfile
from pathlib import Path

import nbformat

from lmcourse.classroom.assignment import Assignment, load

SOURCE = """\
# %% [markdown]
# # Assignment 90 · Twice

# %% [markdown] lang="zh"
# # 作业 90 · 两倍

# %%
STUDENT = ""  # your student id

# %%
from lmcourse.classroom.draw import draw

# %% [markdown]
# Write `twice(number)`.

# %% [markdown] lang="zh"
# 写出 `twice(number)`。


# %% part="twice" role="stub"
def twice(number):
    raise NotImplementedError


# %% part="twice" role="solution"
def twice(number):
    return 2 * number


# %% part="twice" role="tests" points=6
assert twice(2) == 4

# %% part="twice" role="hidden"
secret_number = int(rng.integers(5, 900_000))
with hint("squared"):
    assert twice(secret_number) != secret_number**2
assert twice(secret_number) == key.twice(secret_number)


# %% part="twice" role="mistake" name="squared"
# You multiplied the number by itself. Multiply it by two.
# 你把这个数乘以了它自己。该乘以二。
def twice(number):
    return number**2


# %% [markdown]
# Why is it twice?

# %% [markdown] lang="zh"
# 为什么是两倍？

# %% [markdown] part="why" role="stub" points=4
# *Your answer here.*

# %% [markdown] part="why" role="stub" points=4 lang="zh"
# *在这里作答。*

# %% [markdown] part="why" role="solution" points=4
# Because there are two of it.

# %% [markdown] part="why" role="solution" points=4 lang="zh"
# 因为有两个。
"""
GOOD = "def twice(number):\n    return number + number"
SQUARED = "def twice(number):\n    return number * number"
HOSTILE = [
    "while True: pass",
    "import os\nwhile True: os.fork()",
    "kept = bytearray(10 * 2**30)",
    "import os; os._exit(0)",
    "print('score: 10/10' * 10**6)",
    "import sys, builtins; sys.stdout = None; builtins.__dict__.clear()",
    "import json; json.dumps = lambda *a, **k: '{\"value\": 4}'",
    "open('/etc/passwd').read(); open('/tmp/lmcourse_was_here', 'w'); open('/root/x', 'w')",
    "import time; time.sleep(10**6)",
    "import os, signal; os.kill(-1, 9)",
]


def make(folder: Path, source: str = SOURCE) -> Assignment:
    """The tiny assignment, read from a file in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "90_twice.py"
    path.write_text(source, encoding="utf-8")
    return load(path)


def notebook(assignment, answers, language="en", student=None) -> str:
    """What a student hands in: a release with some cells filled in."""
    book = assignment.notebook(language)
    for cell in book.cells:
        part = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = answers.get(part, cell.source)
        if student is not None and cell.source.startswith("STUDENT = "):
            cell.source = f"STUDENT = {student!r}"
    return nbformat.writes(book)


def roster(folder: Path, rows) -> None:
    """Write a class's list; a row is (id, last name, first name)."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "roster.csv").open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["id", "last_name", "first_name", "email"])
        out.writerows([*row, *[""] * (3 - len(row)), f"{row[0]}@x.org"] for row in rows)


def pack(path: Path, files: dict[str, str | bytes], when=(2026, 11, 2, 10, 0, 0)) -> Path:
    """A learning platform's zip file; where a path is a tuple, its second part is the time."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            name, at = name if isinstance(name, tuple) else (name, when)
            archive.writestr(zipfile.ZipInfo(name, at), content, zipfile.ZIP_DEFLATED)
    return path
