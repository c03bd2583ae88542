"""Takes in what a class has handed in: which file is whose, which one counts. Knows no marks."""

import json
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import nbformat

from lmcourse.classroom.assignment import Assignment
from lmcourse.classroom.classes import Classroom, write
from lmcourse.classroom.files import files
from lmcourse.classroom.submission import Refused, Submission, harmless, submitted

BY_PLATFORM = (  # what stands before the name that a student gave a file
    re.compile(r"(?P<person>.*?)_\d+_assignsubmission_[a-z]+_?"),  # Moodle
    re.compile(r"(?P<person>[^_/]+(_LATE)?_\d+)_\d+_"),  # Canvas: with its number of the person
)


@dataclass(frozen=True)
class HandedIn:
    """What became of one file: taken for a student, or refused with a sentence for its author."""

    file: str
    student: str
    refused: Mapping[str, str] | None = None
    notes: tuple[Mapping[str, str], ...] = ()
    older: bool = False  # than another of the same student, which counts


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
    found, results = {}, []
    with tempfile.TemporaryDirectory() as scratch:
        for number, (name, when, path) in enumerate(files(source, Path(scratch))):
            place, rest = _place(name)
            named = _named(classroom.roster, place, assignment.name)
            student = named[0] if len(named) == 1 else None
            try:
                if isinstance(path, Refused):
                    raise path
                work, owner = _read(path, assignment, classroom.roster, student, named, rest)
            except (Refused, OSError) as error:
                why = error if isinstance(error, Refused) else _unreadable(name)
                results.append(HandedIn(harmless(name), student or "", why.sentence))
                continue
            finally:
                if isinstance(path, Path) and path.is_relative_to(scratch):
                    path.unlink()
            one = _Found(harmless(name), place, when, number, student is not None, work)
            found.setdefault(owner, []).append(one)
    for student, own in found.items():
        results += _choose(classroom, assignment, student, own, at)
    taken = {one.student for one in results if one.refused is None and not one.older}
    for result in results:
        _keep_reason(classroom, assignment, result, taken)
    return sorted(results, key=lambda result: (result.student, result.file))


def _read(path, assignment, roster, student, named, rest):
    """Read a file and say whose it is: whom the platform names, or else whom its words name."""
    work = submitted(path, assignment, student)
    if student is None:
        words = [work.claimed, *_named(roster, rest, assignment.name)]
        known = {id for id in words if id in (named or roster)}
        if len(known) != 1:
            raise _nobody(work.claimed, named)
        (student,) = known
        work = submitted(path, assignment, student)
    return work, student


def _choose(classroom, assignment, student, own, at):
    """Keep the newest of a student's files, unless it is unclear whose they are."""
    own = sorted(own, key=lambda one: (one.surely, one.when, one.number))
    newest, folder = own[-1], classroom.work(assignment.name, student).parent
    places = {one.place for one in own if not one.surely}
    if not newest.surely and places | _earlier(folder) != {newest.place}:
        return [HandedIn(one.file, "", _whose(student)) for one in own]
    results = []
    for one in own[:-1]:
        doubtful = newest.surely and not one.surely
        result = (one.file, "", _whose(student)) if doubtful else (one.file, student)
        results.append(HandedIn(*result, older=not doubtful))
    work, when = newest.work, (at or newest.when).astimezone(UTC)
    write(folder / "timestamp.txt", f"{when.isoformat()}\n".encode())
    write(folder / "place.txt", ("" if newest.surely else newest.place).encode())
    write(folder / "notes.json", json.dumps(work.notes, ensure_ascii=False).encode())
    write(folder / f"{assignment.name}.ipynb", nbformat.writes(work.notebook).encode())
    return [*results, HandedIn(newest.file, student, None, work.notes)]


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
        found = [found for pattern in BY_PLATFORM if (found := pattern.match(folder))]
        if found:  # what comes after the first may be the student's
            first = min(found, key=re.Match.end)
            rest = [folder[first.end() :], *folders[i + 1 :]]
            return "/".join([*folders[:i], first["person"]]), "/".join(filter(None, rest))
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
