"""A teacher's folder for one class: roster, settings, where everything lies. Knows no marks.

roster.csv       id,last_name,first_name,email        the teacher's
classroom.toml   the class's secret, due dates, what a late day costs
release/  collected/  reports/  autograded/  feedback/  gradebook.db       written by the commands
"""

import csv
import os
import re
import secrets
import tomllib
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

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
