"""A teacher's folder for one class: roster, settings, and what is handed in. Knows no marks.

roster.csv       id,last_name,first_name,email        the teacher's
classroom.toml   the class's secret, due dates, what a late day costs
release/  collected/  reports/  autograded/  feedback/  gradebook.db       written by the commands
"""

import csv
import json
import lzma
import os
import re
import secrets
import shutil
import tempfile
import tomllib
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import nbformat

from lmcourse.classroom.assignment import Assignment
from lmcourse.classroom.submission import LARGEST, Refused, Submission, harmless, submitted

MOST_FILES = 5_000  # of one hand-in
BAD_ZIP = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)
BY_PLATFORM = (  # what stands before the name that a student gave a file
    re.compile(r"(?P<person>.*?)_\d+_assignsubmission_[a-z]+_?"),  # Moodle
    re.compile(r"(?P<person>[^_/]+(_LATE)?_\d+)_\d+_"),  # Canvas: with its number of the person
)
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
    older: bool = False  # than another of the same student, which counts


@dataclass(frozen=True)
class Classroom:
    """A class, by its folder."""

    folder: Path

    @cached_property
    def roster(self) -> dict[str, Person]:
        """The students by their ids, in the order of the list.

        Raises:
            ValueError: if `roster.csv` is missing or no such table, or if an id is not one.
        """
        path = self.folder / "roster.csv"
        if not path.is_file():
            raise ValueError(
                f"A class's folder holds roster.csv, with the columns id,last_name,first_name,"
                f"email. Received: no file {path}"
            )
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                table = csv.DictReader(file)
                columns, rows = list(table.fieldnames or ()), list(table)
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(
                f"{path} can't be read; save it as `CSV UTF-8`. Received: {error}"
            ) from None
        if "id" not in columns:
            raise ValueError(
                f"{path}: the first line names the columns, id,last_name,first_name,email, with "
                f"commas. Received: {','.join(columns)!r}"
            )
        people, seen = {}, set()
        for row in rows:
            known = {name: (row.get(name) or "").strip() for name in Person.__annotations__}
            if not any(known.values()):
                continue
            known = {name: unicodedata.normalize("NFC", text) for name, text in known.items()}
            if not re.fullmatch(r"\w[\w.@-]{0,59}", known["id"]):
                raise ValueError(
                    f"{path}: an `id` must be made of letters, digits and . @ - _. "
                    f"Received: {known['id']!r}"
                )
            if known["id"].casefold() in seen:
                raise ValueError(
                    f"{path}: an `id` may occur once, capital letters or not. "
                    f"Received: {known['id']!r}"
                )
            seen.add(known["id"].casefold())
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


@dataclass(frozen=True)
class _Found:
    """A file that can be graded, before it is clear whose it is and which one counts."""

    file: str
    place: str  # as much of its path as the student could not choose
    when: datetime
    number: int
    surely: bool  # the place names the student; else the student's own words do
    work: Submission


def collect(
    classroom: Classroom, assignment: Assignment, source: Path, at: datetime | None = None
) -> list[HandedIn]:
    """Take in what a learning platform gives: a zip file, or a folder.

    A file belongs to the student whose id or name stands in that part of its path which the
    platform wrote. Where it names nobody, the student's own words count, the file's name and the id
    in the notebook: but never against a file of somebody whom the platform named. Of several files
    by one student the newest counts. Files keep their time; `at` sets another for all.

    Raises:
        ValueError: if `source` is neither a folder nor a zip file.
    """
    found, results, taken = {}, [], set()
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, when, path) in enumerate(_files(source, Path(scratch))):
            place, rest = _place(name)
            named = _named(classroom.roster, place, assignment.name)
            student, surely = (named[0], True) if len(named) == 1 else (None, False)
            try:
                if isinstance(path, Refused):
                    raise path
                work = submitted(path, assignment, student)
                if student is None:
                    words = [work.claimed, *_named(classroom.roster, rest, assignment.name)]
                    known = [id for id in words if id in (named or classroom.roster)]
                    if len(set(known)) != 1:
                        raise _nobody(work.claimed, named)
                    student = known[0]
                    work = submitted(path, assignment, student)
            except (Refused, OSError) as error:
                why = error if isinstance(error, Refused) else _unreadable(name)
                results.append(HandedIn(harmless(name), student or "", why.sentence))
                continue
            finally:
                if isinstance(path, Path) and path.is_relative_to(scratch):
                    path.unlink()
            one = _Found(harmless(name), place, when, number, surely, work)
            found.setdefault(student, []).append(one)
    for student, files in found.items():
        files.sort(key=lambda one: (one.surely, one.when, one.number))
        newest, folder = files[-1], classroom.work(assignment.name, student).parent
        places = {one.place for one in files if not one.surely}
        if not newest.surely and places | _earlier(folder) != {newest.place}:
            results += [HandedIn(one.file, "", _whose(student)) for one in files]
            continue
        for one in files[:-1]:
            if newest.surely and not one.surely:
                results.append(HandedIn(one.file, "", _whose(student)))
            else:
                results.append(HandedIn(one.file, student, older=True))
        work, when = newest.work, (at or newest.when).astimezone(UTC)
        write(folder / "timestamp.txt", f"{when.isoformat()}\n".encode())
        write(folder / "place.txt", ("" if newest.surely else newest.place).encode())
        write(folder / "notes.json", json.dumps(work.notes, ensure_ascii=False).encode())
        write(folder / f"{assignment.name}.ipynb", nbformat.writes(work.notebook).encode())
        taken.add(student)
        results.append(HandedIn(newest.file, student, None, work.notes))
    for result in results:
        _keep_reason(classroom, assignment, result, taken)
    return sorted(results, key=lambda result: (result.student, result.file))


def _earlier(folder):
    """Where a student's file came from that was collected before."""
    path = folder / "place.txt"
    return {path.read_bytes().decode()} if path.is_file() else set()


def _keep_reason(classroom, assignment, result, taken):
    """Leave what the student should be told beside the feedback, until there is a good file."""
    if not result.student:
        return
    path = classroom.folder / "feedback" / result.student / f"{assignment.name} refused.txt"
    if result.student in taken:
        path.unlink(missing_ok=True)
    elif result.refused is not None:
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
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise ValueError(
                    f"A zip file may hold {MOST_FILES:,} files. Received: {len(entries):,}"
                )
            for number, entry in enumerate(entries):
                name = _entry_name(entry)
                if not _hidden(Path(name)):
                    yield name, _when(entry), _unpacked(archive, entry, name, scratch / f"{number}")
    except (OSError, zipfile.BadZipFile):
        raise ValueError(f"Collect from a folder or a whole zip file. Received: {source}") from None


def _entry_name(entry):
    """Give a file's path in the zip. Old programs don't say how they wrote what is not ASCII."""
    name = entry.filename
    if not entry.flag_bits & 0x800:  # not marked as UTF-8: Python has read it as code page 437
        for coding in ("utf-8", "gb18030"):
            try:
                name = name.encode("cp437").decode(coding)
                break
            except UnicodeError:
                pass
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _when(entry):
    try:
        return datetime(*entry.date_time).astimezone(UTC)
    except ValueError:  # some programs write month 0
        return datetime.now(UTC)


def _unpacked(archive, entry, name, folder):
    """Copy one file out of the zip, under a plain name: no path in the zip leads anywhere."""
    folder.mkdir()
    plain = name.rsplit("/", 1)[-1]
    path = folder / (plain if plain not in ("", ".", "..") else "file")
    try:
        with archive.open(entry) as packed, path.open("wb") as file:
            shutil.copyfileobj(_Short(packed), file)
    except BAD_ZIP:
        path.unlink(missing_ok=True)
        locked = entry.flag_bits & 1
        return Refused(
            f"{plain} can't be unpacked: "
            + ("it has a password. Hand it in without." if locked else "the file is damaged."),
            f"{plain} 无法解压：" + ("有密码。请不加密码再提交。" if locked else "文件已损坏。"),
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
    return any(
        part == "__MACOSX" or part.startswith(".") and part not in (".", "..")
        for part in path.parts
    )


def _place(name):
    """Part a path into what the platform, or the teacher, wrote and what the student chose.

    >>> _place("Ada Lovelace_17_assignsubmission_file_/s02.ipynb")
    ('Ada Lovelace', 's02.ipynb')
    >>> _place("lovelaceada_LATE_4711_99_s02.ipynb")
    ('lovelaceada_LATE_4711', 's02.ipynb')
    >>> _place("week 3/s01.ipynb")
    ('week 3/s01.ipynb', '')
    """
    folders = name.split("/")
    for i, folder in enumerate(folders):
        for pattern in BY_PLATFORM:
            if found := pattern.match(folder):
                rest = [folder[found.end() :], *folders[i + 1 :]]
                return "/".join([*folders[:i], found["person"]]), "/".join(filter(None, rest))
    return name, ""


def _named(roster, path, assignment):
    """Who stands in a path, by id or by name: in its first folder that names anybody.

    An id inside a longer one doesn't count, nor a name inside a longer one.
    """
    for folder in path.split("/"):
        folder = folder.casefold().replace(assignment.casefold(), " ")
        spans, words, found = {}, set(re.findall(r"[^\W_]+", folder)), {}
        for person in roster.values():
            pattern = rf"(?<![^\W_]){re.escape(person.id.casefold())}(?![^\W_])"
            if person.id.casefold() in folder:
                for match in re.finditer(pattern, folder):
                    spans[match.span()] = person.id
            last, first = (
                re.findall(r"[^\W_]+", name.casefold())
                for name in (person.last_name, person.first_name)
            )
            joined = {"".join(last + first), "".join(first + last)}
            if last and ({*last, *first} <= words or (first and joined & words)):
                found[person.id] = {*last, *first}
        named = {
            id
            for (start, end), id in spans.items()
            if not any(a <= start and end <= b and b - a > end - start for a, b in spans)
            and not any({folder[start:end]} < name for name in found.values())
        }
        named |= {id for id, own in found.items() if not any(own < o for o in found.values())}
        if named:
            return sorted(named)
    return []


def _unreadable(name):
    return Refused(f"{name} can't be opened.", f"{name} 打不开。")


def _nobody(claimed, named):
    said, ids = repr(claimed) if claimed else "no id", ", ".join(named)
    path = f"names {ids}" if named else "names no student"
    return Refused(
        f"Nobody on the list: the path {path}, and the notebook says {said}. "
        "Write your student id into its first code cell.",
        f"名单上找不到这个人：文件路径里{f'有 {ids}' if named else '没有学号'}，笔记本里写的是 "
        f"{claimed or '空'}。请把学号写进第一个代码格。",
    )


def _whose(student):
    return {
        "en": f"This file says that it is by {student}, and so does another; no path says which "
        f"is. Rename the right one to {student}.ipynb and collect it again.",
        "zh": f"这个文件自称是 {student} 的，另一个也这么说，路径看不出哪个是。请把对的那个改名为 "
        f"{student}.ipynb，再收一次。",
    }
