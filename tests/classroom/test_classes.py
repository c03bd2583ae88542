"""A class's folder: its list and its settings."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from lmcourse.classroom import classes
from lmcourse.classroom.classes import Classroom


@pytest.mark.parametrize(
    "text, message",
    [
        ("", "the first line names the columns"),
        ("name,email\nx,y\n", "the first line names the columns"),
        ("id;last_name\ns1;Lovelace\n", "with commas. Received: 'id;last_name'"),
        ("id\n", "must name a student"),
        ("id\n../x\n", "made of letters, digits"),
        ("id\na b\n", "made of letters, digits"),
        ("id,last_name\n,Lovelace\n", "made of letters, digits"),
        ("id\ns1\ns1\n", "may occur once"),
        ("id\ns1\nS1\n", "capital letters or not"),
        ("id,last_name\ns1,张\n".encode("gbk"), "save it as `CSV UTF-8`"),
    ],
)
def test_a_list_that_is_none_is_named_with_its_rule(tmp_path, text, message):
    (tmp_path / "roster.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ValueError, match=re.escape(message)):
        _ = Classroom(tmp_path).roster


def test_a_class_without_a_list_says_what_a_list_is(tmp_path):
    with pytest.raises(ValueError, match=r"roster.csv, with the columns .* Received: no file"):
        _ = Classroom(tmp_path).roster


def test_a_list_as_excel_saves_it_is_read(tmp_path):
    (tmp_path / "roster.csv").write_bytes(
        b"\xef\xbb\xbfid,last_name,first_name,email,group\r\n s1 ,Lovelace,Ada,a@x.org,7\r\n"
        b",,,,\r\n"
    )
    assert Classroom(tmp_path).roster == {"s1": classes.Person("s1", "Lovelace", "Ada", "a@x.org")}


def test_the_settings_are_made_once_and_nobody_else_may_read_them(tmp_path):
    first = Classroom(tmp_path).settings
    assert first["late"] == 10 and len(first["secret"]) == 32
    assert Classroom(tmp_path).settings == first
    assert (tmp_path / "classroom.toml").stat().st_mode & 0o77 == 0


@pytest.mark.parametrize(
    "text",
    ["secret = 3", "", "secret = ", 'secret = "x"\nlate_percent_a_day = 101',
     'secret = "x"\nlate_percent_a_day = "ten"', 'secret = "x"\n[due]\n90_twice = "Monday"',
     'secret = "x"\n[due]\n90_twice = 2026-12-01'],
)  # fmt: skip
def test_settings_that_are_none_are_named(tmp_path, text):
    (tmp_path / "classroom.toml").write_text(text)
    with pytest.raises(ValueError, match=r"classroom\.toml can't be read: "):
        _ = Classroom(tmp_path).settings


def test_a_due_date_without_a_zone_is_local_time(tmp_path):
    (tmp_path / "classroom.toml").write_text('secret = "x"\n[due]\na = 2026-12-01T18:00:00\n')
    local = datetime(2026, 12, 1, 18).astimezone(UTC)
    assert Classroom(tmp_path).due("a") == local and Classroom(tmp_path).due("b") is None


def test_a_file_is_written_whole_or_not_at_all(tmp_path):
    code = "import os, sys; from pathlib import Path; from lmcourse.classroom import classes\n"
    code += "os.replace = lambda *a: os._exit(9)\nclasses.write(Path(sys.argv[1]), b'new')"
    (tmp_path / "x").write_bytes(b"old")
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "x")])
    assert (tmp_path / "x").read_bytes() == b"old"
    classes.write(tmp_path / "x", json.dumps("new").encode())
    assert [path.name for path in tmp_path.glob("x*") if path.name == "x"] == ["x"]
