"""A submission held against its tests."""

import numpy as np
import pytest

from lmcourse.classroom import session as module
from lmcourse.classroom.examine import examine
from lmcourse.classroom.report import SENTENCES, Report
from lmcourse.classroom.student import Ended, InProcess
from tests.classroom.attacked import hand_in


def marks(folder, changes, start=InProcess, **options):
    assignment, work = hand_in(folder, changes)
    return examine(assignment, work, "s01", start, "secret", **options)


def test_right_answers_reach_all_and_the_report_is_read_again(tmp_path):
    report = marks(tmp_path, {})
    assert [mark.points for mark in report.marks] == [4, 2, 1]
    assert Report.from_json(report.to_json()) == report


@pytest.mark.parametrize(
    "source, reason",
    [
        ("def double(x): raise NotImplementedError", "unanswered"),
        ("def double(x): return ...", "unanswered"),
        ("pass", "missing"),
        ("1 / 0", "missing"),
        ("def double(x): return object()", "value"),
        ("def double(x): return 1 / 0", "error"),
        ("def double(x): return 0", "visible"),
        ("def double(x): return [2, 4] if list(x) == [1, 2] else 0", "hidden"),
        ("def double(x):\n for i in range(len(x)): x[i] *= 2\n return x", "changed"),
        ("def double(x):\n y = [2 * n for n in x]\n x[0] = object\n return y", "changed"),
    ],
)
def test_each_fault_has_its_sentence(tmp_path, source, reason):
    mark = marks(tmp_path, {"double": source}).marks[0]
    said = [sentence["en"] for sentence in mark.sentences]
    start = SENTENCES[reason][0].split("{kind}")[0].split("{message}")[0].format(name="double")
    assert mark.points == 0 and any(text.startswith(start) for text in said), said


def test_a_test_without_words_is_told_by_its_line(tmp_path):
    mark = marks(tmp_path, {"triple": "def triple(x): return 0"}).marks[1]
    assert "`assert np.allclose(triple([1.0, 2.0]), [3, 6])`" in mark.sentences[0]["en"]


def test_a_known_mistake_is_named(tmp_path):
    mark = marks(tmp_path, {"double": "def double(x): return np.asarray(x) / 2"}).marks[0]
    assert (mark.mistake, mark.sentences[0]["zh"]) == ("half", "这是一半。")


def test_what_a_student_says_is_shown_and_does_nothing(tmp_path):
    source = "def double(x): raise ValueError('<script>steal()</script>')"
    assert "<script" not in str(marks(tmp_path, {"double": source}).marks)


def test_a_test_that_is_handed_two_huge_shapes_takes_no_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "MEMORY", 2**29)
    with pytest.raises(MemoryError), module.bounded(10):
        np.ones((20_000, 1)) - np.ones((1, 20_000))
    assert (np.ones((20_000, 1)) - np.ones((1, 10_000))).size  # afterwards all is as before


def test_a_test_that_never_ends_is_ended():
    with pytest.raises(Ended, match="time"), module.bounded(0.2):
        while True:
            pass


def test_no_time_at_all_is_said(tmp_path):
    report = marks(tmp_path, {}, seconds=0.0)
    assert all(mark.sentences[0]["en"] == SENTENCES["late"][0] for mark in report.marks)
