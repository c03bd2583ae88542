"""Files that are handed in: read without trust, refused with a reason, or rebuilt."""

import json

import pytest

from lmcourse.classroom.submission import LARGEST, LONGEST_ANSWER, Refused, harmless, submitted
from tests.classroom.attacked import load


@pytest.fixture
def assignment(tmp_path):
    return load(tmp_path)


def handed(folder, assignment, change, role="solution", language="en", student="s01"):
    """Hand in our answers after a change to the notebook's JSON."""
    book = json.loads(json.dumps(assignment.notebook(language, role)))
    changed = change(book) or book
    (folder / "work.ipynb").write_text(json.dumps(changed))
    return submitted(folder / "work.ipynb", assignment, student)


def cell(book, name):
    return next(
        c for c in book["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == name
    )


def ran(work):
    return "\n".join(source for _, source in work.code())


FILES = {
    "not JSON": b"{",
    "nothing": b"",
    "other bytes": bytes(range(256)),
    "lists in lists": b"[" * 10_000 + b"]" * 10_000,
    "a list": b"[]",
    "no cells": b"{}",
    "cells that are none": b'{"cells": [1, null]}',
    "cells that are text": b'{"cells": "print"}',
    "metadata of another kind": b'{"cells": [], "metadata": []}',
    "a page": b"<html>",
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_notebook_is_refused(tmp_path, assignment, name):
    (tmp_path / "x.ipynb").write_bytes(FILES[name])
    with pytest.raises(Refused, match="not a Jupyter notebook"):
        submitted(tmp_path / "x.ipynb", assignment)


def test_a_file_of_200_mb_is_refused_unread(tmp_path, assignment):
    with open(tmp_path / "x.ipynb", "wb") as file:
        file.truncate(200_000_000)
    with pytest.raises(Refused, match=f"200,000,000 bytes; {LARGEST:,} are allowed"):
        submitted(tmp_path / "x.ipynb", assignment)


def test_too_many_cells_are_refused(tmp_path, assignment):
    with pytest.raises(Refused, match="1000 cells; 300 are allowed"):
        handed(tmp_path, assignment, lambda book: {"cells": [book["cells"][0]] * 1_000})


def test_the_old_format_is_refused_with_what_to_do(tmp_path, assignment):
    with pytest.raises(Refused, match="Open it in JupyterLab, save it"):
        handed(tmp_path, assignment, lambda book: {"worksheets": [], "nbformat": 3})


def test_a_lesson_is_refused(tmp_path, assignment):
    lesson = {"cells": [{"cell_type": "code", "source": "1", "metadata": {}}], "metadata": {}}
    with pytest.raises(Refused, match="is not assignment 01_tiny"):
        handed(tmp_path, assignment, lambda book: lesson)


@pytest.mark.parametrize(
    "key, value, said",
    [("assignment", "02_<script>", "This is assignment 02_< script>"), ("version", "x", "older")],
)
def test_another_assignment_and_an_older_release_are_refused(
    tmp_path, assignment, key, value, said
):
    with pytest.raises(Refused, match=said) as refused:
        handed(tmp_path, assignment, lambda book: book["metadata"]["lmcourse"].update({key: value}))
    assert set(refused.value.sentence) == {"en", "zh"}


def test_renamed_cells_are_refused_with_their_names(tmp_path, assignment):
    def rename(book):
        cell(book, "double")["metadata"]["nbgrader"]["grade_id"] = "dubble"

    with pytest.raises(Refused, match="dubble instead of double"):
        handed(tmp_path, assignment, rename)


WRONG = [None, 1, [], {}, [1, None], {"a": 1}, "x"]


@pytest.mark.parametrize("key", ["source", "metadata", "cell_type", "outputs", "id", "attachments"])
def test_a_cell_of_wrong_types_costs_no_more_than_itself(tmp_path, assignment, key):
    for value in WRONG:

        def spoil(book, value=value):
            book["cells"].append({"cell_type": "code", "source": "1", "metadata": {}, key: value})

        assert "def triple" in ran(handed(tmp_path, assignment, spoil))


def test_a_deleted_answer_is_missing_and_noted(tmp_path, assignment):
    work = handed(tmp_path, assignment, lambda book: book["cells"].remove(cell(book, "double")))
    assert "def double" not in ran(work) and "def triple" in ran(work)
    assert "double is missing" in work.notes[0]["en"]


def test_of_two_answers_the_last_one_counts(tmp_path, assignment):
    def twice(book):
        book["cells"].append(
            cell(book, "double") | {"source": ["def double(x):\n", "    return 7"]}
        )

    work = handed(tmp_path, assignment, twice)
    assert work.answer("double").endswith("return 7") and "2 times" in work.notes[0]["en"]


def test_an_answer_turned_to_markdown_is_still_code(tmp_path, assignment):
    work = handed(
        tmp_path, assignment, lambda book: cell(book, "double").update(cell_type="markdown")
    )
    assert "def double" in ran(work) and len(work.notes) == 1


def test_given_cells_and_visible_tests_are_ours(tmp_path, assignment):
    def edit(book):
        cell(book, "double_tests")["source"] = "assert True"
        cell(book, "given_2")["source"] = "import evil"

    book = handed(tmp_path, assignment, edit).notebook
    text = "\n".join(c.source for c in book.cells)
    assert "assert True" not in text and "evil" not in text and "twice 1 and 2" in text


def test_points_outputs_and_attachments_of_the_file_go_nowhere(tmp_path, assignment):
    def fake(book):
        for c in book["cells"]:
            c["metadata"].setdefault("nbgrader", {})["points"] = 1_000
            c["attachments"] = {"x.png": {"image/png": "forged"}}
            c["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "forged"}]

    book = handed(tmp_path, assignment, fake).notebook
    assert "forged" not in json.dumps(book)
    points = [c.metadata.nbgrader.get("points") for c in book.cells if "nbgrader" in c.metadata]
    assert sum(filter(None, points)) == 10


def test_a_cell_that_takes_our_id_does_not_take_our_place(tmp_path, assignment):
    def collide(book):
        ours = cell(book, "double_tests")["id"]
        book["cells"].append({"id": ours, "cell_type": "code", "source": "1 + 1", "metadata": {}})

    book = handed(tmp_path, assignment, collide).notebook
    ids = [c.id for c in book.cells]
    assert len(set(ids)) == len(ids) and "1 + 1" in [c.source for c in book.cells]


def test_the_roster_says_who_it_is(tmp_path, assignment):
    def other(book):
        first = next(c for c in book["cells"] if c["cell_type"] == "code")
        first["source"] = 'STUDENT = "s02"  # me\nimport evil'

    work = handed(tmp_path, assignment, other)
    assert work.claimed == "s02" and "STUDENT = 's01'" in ran(work) and "evil" not in ran(work)
    assert "another student's" in work.notes[0]["en"]


def test_a_name_that_begins_like_the_id_is_a_cell_like_others(tmp_path, assignment):
    added = {"cell_type": "code", "source": "STUDENTS = 3", "metadata": {}}
    work = handed(tmp_path, assignment, lambda book: book["cells"].append(added))
    assert "STUDENTS = 3" in ran(work)


def test_the_chinese_notebook_counts_as_well(tmp_path, assignment):
    work = handed(tmp_path, assignment, lambda book: None, language="zh")
    assert work.language == "zh" and "def double" in ran(work)


def test_a_written_answer_is_kept_and_pictures_are_told(tmp_path, assignment):
    text = "$a<b$ ![a](http://elsewhere/) <b> \n\n- [c](d)"

    def answer(book):
        cell(book, "words")["source"] = text + "\x1b[31m\u202e\ud800"

    work = handed(tmp_path, assignment, answer)
    assert work.answer("words") == text + "[31m?"
    assert any("Pictures" in note["en"] for note in work.notes)


def test_of_an_answer_without_end_the_beginning_is_kept(tmp_path, assignment):
    def answer(book):
        cell(book, "words")["source"] = "字" * (LONGEST_ANSWER + 1)

    work = handed(tmp_path, assignment, answer)
    assert len(work.answer("words")) == LONGEST_ANSWER
    assert "cut after 10,000 characters" in work.notes[0]["en"]


def test_harmless_text_stays_as_it_is():
    text = "比较 $x < y$，a <= b, `c[0]` and !d; 中文。"
    assert harmless(text) == text
    assert harmless("a\n\x1b[31m\u2028b <b>") == "a [31m b < b>"
