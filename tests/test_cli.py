"""The command: a learner's notes are never lost, an update never collides with them."""

import json

import pytest

from lmcourse import cli


def write_lesson(folder, number, text, output="2\n"):
    """A published lesson in both languages, as small as an executed notebook can be."""
    heading = {"cell_type": "markdown", "id": "a", "metadata": {}, "source": f"# {number} · {text}"}
    stream = {"name": "stdout", "output_type": "stream", "text": output}
    code = {"cell_type": "code", "id": "b", "metadata": {}, "source": ["print(", "1 + 1)"]}
    code |= {"execution_count": 1, "outputs": [stream]}
    notebook = {"cells": [heading, code], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    for path in (folder / f"{number}_lesson.ipynb", folder / "zh" / f"{number}_lesson.ipynb"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(notebook), encoding="utf-8")


def cells(notebook):
    return json.loads(notebook.read_text(encoding="utf-8"))["cells"]


@pytest.fixture
def course(tmp_path):
    published, working = tmp_path / "notebooks", tmp_path / "my-notebooks"
    write_lesson(published, "00", "Start")
    write_lesson(published, "01", "Probability")
    cli.update(published, working)
    return published, working


@pytest.mark.parametrize("name", ["00_lesson.ipynb", "zh/01_lesson.ipynb"])
def test_the_working_copy_holds_both_languages_without_the_answers(course, name):
    published, working = course
    heading, code = cells(published / name)
    assert cells(working / name) == [heading, code | {"outputs": [], "execution_count": None}]


def test_running_a_lesson_does_not_touch_it(course):
    published, working = course
    write_lesson(working, "01", "Probability", output="run by the learner")
    assert cli.update(published, working) == []
    assert "run by the learner" in (working / "01_lesson.ipynb").read_text()
    write_lesson(published, "01", "Probability, second edition")
    assert cli.update(published, working) == []
    assert cli.title(working / "01_lesson.ipynb") == "01 · Probability, second edition"


def test_a_changed_cell_touches_a_lesson(course):
    published, working = course
    mine = (working / "01_lesson.ipynb").read_text().replace("1 + 1)", "1 + 2)")
    (working / "01_lesson.ipynb").write_text(mine)
    write_lesson(published, "01", "Probability, second edition")
    assert cli.update(published, working) == ["01_lesson.ipynb"]
    assert (working / "01_lesson.ipynb").read_text() == mine


def test_an_update_replaces_untouched_lessons_and_brings_new_ones(course):
    published, working = course
    write_lesson(published, "01", "Probability, second edition")
    write_lesson(published, "02", "N-grams")
    assert cli.update(published, working) == []
    assert cli.title(working / "01_lesson.ipynb") == "01 · Probability, second edition"
    assert (working / "02_lesson.ipynb").exists()


def test_an_update_keeps_a_touched_lesson_and_says_so(course):
    published, working = course
    (working / "01_lesson.ipynb").write_text("my notes")
    write_lesson(published, "01", "Probability, second edition")
    assert cli.update(published, working) == ["01_lesson.ipynb"]
    assert (working / "01_lesson.ipynb").read_text() == "my notes"


def test_lab_says_how_to_get_what_was_kept_and_opens_the_first_lesson(course, monkeypatch, capsys):
    import jupyterlab.labapp

    published, working = course
    opened = []
    monkeypatch.setattr(cli, "PUBLISHED", published)
    monkeypatch.setattr(cli, "WORKING", working)
    monkeypatch.setattr(jupyterlab.labapp, "main", opened.append)
    for variable in ("PATH", "JUPYTER_CONFIG_PATH"):
        monkeypatch.setenv(variable, "before")
    monkeypatch.chdir(working)
    write_lesson(published, "01", "Probability, second edition")
    (published / "glossary.md").write_text("second edition")
    for name in ("glossary.md", "zh/01_lesson.ipynb"):
        (working / name).write_text("my notes")
    assert cli.main(["lab", "--chinese", "--no-browser"]) == 0
    said = capsys.readouterr().out
    assert "glossary.md has a new version; yours is kept. Deleting yours brings it." in said
    assert "zh/01_lesson.ipynb has a new version; yours is kept. `lmcourse reset 01` brings" in said
    start, tabs, mine = opened[0]
    assert start == "--LabApp.default_url=/lab/tree/zh/00_start.ipynb"
    assert tabs == f"--LabApp.workspaces_dir={working / '.jupyterlab'}"
    assert mine == "--no-browser"


def test_reset_gives_a_fresh_copy_and_keeps_every_old_one(course):
    published, working = course
    for count, notes in enumerate(["first notes", "second notes"], 1):
        (working / "01_lesson.ipynb").write_text(notes)
        (saved,) = cli.reset("1", published, working)
        assert saved == working / f"01_lesson_my_copy_{count}.ipynb"
        assert saved.read_text() == notes
        assert cli.title(working / "01_lesson.ipynb") == "01 · Probability"


def test_reset_keeps_the_outputs_of_a_lesson_that_was_only_run(course):
    published, working = course
    write_lesson(working, "01", "Probability", output="run by the learner")
    english, chinese = cli.reset("01", published, working)
    assert "run by the learner" in english.read_text() and chinese.parent.name == "zh"
    assert cells(working / "01_lesson.ipynb")[1]["outputs"] == []


def test_reset_of_an_untouched_lesson_saves_nothing(course):
    assert cli.reset("00", *course) == []


def test_reset_before_the_first_lab_creates_the_copy(course, tmp_path):
    published, _ = course
    assert cli.reset("00", published, tmp_path / "new") == []
    assert (tmp_path / "new/00_lesson.ipynb").exists()


def test_a_deleted_lesson_comes_back(course):
    published, working = course
    (working / "00_lesson.ipynb").unlink()
    cli.update(published, working)
    assert (working / "00_lesson.ipynb").exists()


@pytest.mark.parametrize("number", ["7", "two", ""])
def test_an_unknown_lesson_is_named_with_the_known_ones(course, number):
    with pytest.raises(ValueError, match=f"one of 00, 01. Received: '{number}'"):
        cli.find(number, course[0])


def test_a_mistake_ends_in_one_line(capsys):
    assert cli.main(["reset", "99"]) == 1
    error = capsys.readouterr().err
    assert error.startswith("lmcourse: A lesson is named by its number") and error.count("\n") == 1


def test_list_names_every_lesson_in_both_languages(capsys):
    assert cli.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(cli.lessons())
    assert any("softmax" in line.lower() for line in lines)


def test_chat_answers_line_by_line_and_ends_with_the_input(monkeypatch, capsys):
    from lmcourse.generation import chat
    from tests.generation.parrot import parrot

    lines = iter(["Good day!", "  ", "x" * 5000, "What is 2 * 3?", "早安"])

    def ask(prompt):
        line = next(lines, None)
        if line is None:
            raise EOFError
        return line

    monkeypatch.setattr(chat, "smollm2", parrot)
    monkeypatch.setattr("builtins.input", ask)
    assert cli.main(["chat", "--system", "Be kind."]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[2:] == ["Good day!", "", "2 * 3 = 6", "早安", ""]
    assert "must leave 256 of 4000 tokens for the answer" in said.err


def test_ctrl_c_stops_an_answer_and_not_the_chat(monkeypatch, capsys):
    from dataclasses import replace

    from lmcourse.generation import chat
    from tests.generation.parrot import END, parrot

    def write(ids, *_):
        yield ord("a")
        if len(ids) < 10:
            raise KeyboardInterrupt
        yield END

    def ask(prompt):
        line = next(lines, None)
        if line is None:
            raise KeyboardInterrupt
        return line

    lines = iter(["one", "a longer line"])
    monkeypatch.setattr(chat, "smollm2", lambda: replace(parrot(), write=write))
    monkeypatch.setattr("builtins.input", ask)
    assert cli.main(["chat"]) == 0
    assert capsys.readouterr().out.splitlines()[2:] == ["a ...", "a", ""]


def test_a_port_that_is_taken_ends_in_one_line(monkeypatch, capsys):
    import socket

    from lmcourse.generation import chat
    from tests.generation.parrot import parrot

    monkeypatch.setattr(chat, "smollm2", parrot)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert cli.main(["serve", "--port", str(port)]) == 1
    assert f"lmcourse: `port` must be free. Received: port={port}" in capsys.readouterr().err
