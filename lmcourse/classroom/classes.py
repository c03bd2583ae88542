"""A teacher's folder for one class: roster, settings, and what is handed in. Knows no marks.

roster.csv       id,last_name,first_name,email        the teacher's
classroom.toml   the class's secret, due dates, what a late day costs
release/  submitted/  reports/  autograded/  feedback/  gradebook.db       written by the commands
"""

import csv
import json
import os
import re
import secrets
import shutil
import tempfile
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import nbformat

from lmcourse.classroom.assignment import Assignment
from lmcourse.classroom.submission import LARGEST, Refused, submitted

MOST_FILES = 5_000  # of one hand-in
SETTINGS = """\
# The settings of this class. Keep the secret to yourself: the hidden tests draw from it.
secret = "{secret}"
late_percent_a_day = {late}   # of an assignment's points, for each day that has begun

[due]   # a line each: 03_softmax = 2026-12-01T18:00:00+01:00
"""


@dataclass(frozen=True)
class Person:
    """A line of the roster."""

    id: str
    last_name: str = ""
    first_name: str = ""
    email: str = ""


@dataclass(frozen=True)
class HandedIn:
    """What became of one file: taken for a student, or refused with a sentence for its author."""

    file: str
    student: str
    refused: Mapping[str, str] | None = None
    notes: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True)
class Classroom:
    """A class, by its folder."""

    folder: Path

    @cached_property
    def roster(self) -> dict[str, Person]:
        """The students by their ids, in the order of the list.

        Raises:
            ValueError: if `roster.csv` is missing, has no column `id`, or an id that is not one.
        """
        path = self.folder / "roster.csv"
        if not path.is_file():
            raise ValueError(
                f"A class needs its list: {path} with the columns id,last_name,first_name,email. "
                "Received: no such file"
            )
        people = {}
        with path.open(encoding="utf-8-sig", newline="") as file:
            for row in csv.DictReader(file):
                known = {name: (row.get(name) or "").strip() for name in Person.__annotations__}
                if not re.fullmatch(r"\w[\w.@-]{0,59}", known["id"]):
                    raise ValueError(
                        f"{path}: an `id` must be made of letters, digits and . @ - _. "
                        f"Received: {known['id']!r}"
                    )
                if known["id"] in people:
                    raise ValueError(f"{path}: an `id` may occur once. Received: {known['id']!r}")
                people[known["id"]] = Person(**known)
        if not people:
            raise ValueError(f"{path}: the list must name a student. Received: none")
        return people

    @cached_property
    def settings(self) -> dict:
        """What stands in `classroom.toml`, which is made when it is missing.

        Raises:
            ValueError: if it can't be read.
        """
        path = self.folder / "classroom.toml"
        if not path.is_file():
            write(path, SETTINGS.format(secret=secrets.token_hex(16), late=10).encode())
            path.chmod(0o600)
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
            late, due = float(found.get("late_percent_a_day", 0)), found.get("due", {})
            if not isinstance(found["secret"], str) or not 0 <= late <= 100:
                raise ValueError("`secret` is text, `late_percent_a_day` from 0 to 100")
            if not all(isinstance(day, datetime) for day in due.values()):
                raise ValueError("a due date is written 2026-12-01T18:00:00+01:00")
        except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} can't be read: {error}") from None
        return {"secret": found["secret"], "late": late, "due": due}

    def due(self, assignment: str) -> datetime | None:
        """When an assignment is due, in UTC; None if no day is set."""
        day = self.settings["due"].get(assignment)
        return None if day is None else day.astimezone(UTC)

    def work(self, assignment: str, student: str) -> Path:
        """Where a student's collected notebook lies."""
        return self.folder / "collected" / student / assignment / f"{assignment}.ipynb"

    def students(self, assignment: str) -> list[str]:
        """Who has handed in, in the order of the list."""
        return [id for id in self.roster if self.work(assignment, id).is_file()]

    def handed_in_at(self, assignment: str, student: str) -> datetime:
        """When a student's notebook was handed in."""
        text = (self.work(assignment, student).parent / "timestamp.txt").read_text()
        return datetime.fromisoformat(text.strip())


def write(path: Path, content: bytes) -> None:
    """Write a whole file or nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)


def collect(
    classroom: Classroom, assignment: Assignment, source: Path, at: datetime | None = None
) -> list[HandedIn]:
    """Take in what a learning platform gives: a zip file, or a folder.

    A file belongs to the student whose id (or else whose name) stands in its path; else to the one
    whose id stands in the notebook. Of several files by one student the newest counts. Files keep
    their time; `at` sets another for all.

    Raises:
        ValueError: if `source` is neither a folder nor a zip file.
    """
    newest, results, owners = {}, [], {}
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, when, path) in enumerate(_files(source, Path(scratch))):
            student = _owner(classroom.roster, name)
            if isinstance(path, Refused):
                results.append(HandedIn(name, student or "", path.sentence))
                continue
            try:
                work = submitted(path, assignment, student)
            except Refused as error:
                results.append(HandedIn(name, student or "", error.sentence))
                continue
            surely = student is not None
            student = student or (work.claimed if work.claimed in classroom.roster else None)
            if student is None:
                results.append(HandedIn(name, "", _unknown(work.claimed)))
                continue
            if not surely:
                work = submitted(path, assignment, student)
            newest.setdefault(student, []).append((surely, when, number, name, work))
    for student, works in newest.items():
        works.sort(key=lambda work: work[:3])
        *_, (surely, when, _, name, work) = works
        if not surely and len(works) > 1:
            results += [HandedIn(work[3], student, _claimed_twice(student)) for work in works]
            continue
        owners[name] = student
        folder = classroom.work(assignment.name, student).parent
        write(folder / f"{assignment.name}.ipynb", nbformat.writes(work.notebook).encode())
        write(folder / "notes.json", json.dumps(work.notes, ensure_ascii=False).encode())
        write(folder / "timestamp.txt", f"{(at or when).astimezone(UTC).isoformat()}\n".encode())
        results.append(HandedIn(name, student, None, work.notes))
    for result in results:
        _keep_reason(classroom, assignment, result, taken=set(owners.values()))
    return sorted(results, key=lambda result: (result.student, result.file))


def _keep_reason(classroom, assignment, result, taken):
    """Leave what the student should be told beside the feedback, until there is a good file."""
    if not result.student:
        return
    path = classroom.folder / "feedback" / result.student / assignment.name / "refused.txt"
    if result.refused is None:
        path.unlink(missing_ok=True)
    elif result.student not in taken:
        text = f"{result.refused['en']}\n{result.refused['zh']}\n"
        write(path, text.encode())


def _files(source, scratch) -> Iterator[tuple[str, datetime, Path | Refused]]:
    """Give each file's name, time, and where it can be read, or why it can't."""
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.is_symlink() and not _hidden(path.relative_to(source)):
                when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield path.relative_to(source).as_posix(), when, path
        return
    if not zipfile.is_zipfile(source):
        raise ValueError(f"Collect from a folder or a zip file. Received: {source}")
    with zipfile.ZipFile(source) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if len(entries) > MOST_FILES:
            raise ValueError(
                f"A zip file may hold {MOST_FILES:,} files. Received: {len(entries):,}"
            )
        for number, entry in enumerate(entries):
            if _hidden(Path(entry.filename)):
                continue
            when = datetime(*entry.date_time).astimezone(UTC)
            yield entry.filename, when, _unpacked(archive, entry, scratch / f"{number}")


def _unpacked(archive, entry, folder):
    """Copy one file out of the zip, under a plain name: no path in the zip leads anywhere."""
    folder.mkdir()
    path = folder / Path(entry.filename.replace("\\", "/")).name
    try:
        with archive.open(entry) as packed, path.open("wb") as file:
            shutil.copyfileobj(_Short(packed), file)
    except (OSError, RuntimeError, NotImplementedError, zipfile.BadZipFile, EOFError) as error:
        return Refused(
            f"{entry.filename} can't be unpacked: {type(error).__name__}.",
            f"{entry.filename} 无法解压：{type(error).__name__}。",
        )
    return path


class _Short:
    """A file of which no more is read than it takes to see that it is too large."""

    def __init__(self, file):
        self.file, self.left = file, LARGEST + 1

    def read(self, size):
        content = self.file.read(min(size, self.left))
        self.left -= len(content)
        return content


def _hidden(path):
    return any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _owner(roster, name):
    """Find whose file it is: by an id in its path, else by a name; None if that is unclear."""
    words = set(re.split(r"[/\\\s_.,;()+-]+", name.casefold()))
    whole = f"/{name.casefold()}"
    found = {id for id in roster if id.casefold() in words or _stands_in(id.casefold(), whole)}
    if not found:
        found = {
            person.id
            for person in roster.values()
            if person.last_name
            and {*person.last_name.casefold().split(), *person.first_name.casefold().split()}
            <= words
        }
    return found.pop() if len(found) == 1 else None


def _stands_in(id, text):
    return re.search(rf"(?<![\w.@-]){re.escape(id)}(?![\w@-])", text) is not None


def _unknown(claimed):
    said = repr(claimed) if claimed else "no id"
    return {
        "en": f"Nobody on the list: the path names no student, and the notebook says {said}. "
        "Write your student id into its first code cell.",
        "zh": f"名单上找不到这个人：文件路径里没有学号，笔记本里写的是 {claimed or '空'}。"
        "请把学号写进第一个代码格。",
    }


def _claimed_twice(student):
    return {
        "en": f"Several files claim to be by {student}, and no path says which. Rename the right "
        f"one to {student}.ipynb and collect again.",
        "zh": f"好几个文件都自称是 {student} 的，路径看不出哪个是。请把对的那个改名为 "
        f"{student}.ipynb，再收一次。",
    }
