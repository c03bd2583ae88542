"""Every assignment: our answers get all points, empty ones none, each mistake its sentence."""

import ast
from functools import cache

import nbformat
import pytest

from lmcourse.classroom import assignment as assignments
from lmcourse.classroom.examine import examine
from lmcourse.classroom.student import InProcess
from lmcourse.classroom.submission import submitted

STUDENTS = ("s01", "小明")
NAMES = assignments.names()
find = cache(assignments.find)


def cases(kind):
    """(assignment, part, name) of every mistake or alternative."""
    return [
        (name, part.name, case)
        for name in NAMES
        for part in find(name).parts.values()
        for case in getattr(part, kind)
    ]


def marks(folder, name, changes=None, role="solution", student="s01", language="en"):
    """The marks of a notebook with our answers, but for some parts."""
    assignment = find(name)
    book = assignment.notebook(language, role)
    for cell in book.cells:
        part = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = (changes or {}).get(part, cell.source)
    nbformat.write(book, folder / "work.ipynb")
    work = submitted(folder / "work.ipynb", assignment, student)
    return examine(assignment, work, student, InProcess, "secret").marks


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("student", [*STUDENTS, "a", "b", "c"])
@pytest.mark.parametrize("name", NAMES)
def test_our_answers_get_all_points(tmp_path, name, student, language):
    for mark in marks(tmp_path, name, student=student, language=language):
        assert (mark.points, mark.sentences) == (mark.most, []), mark


@pytest.mark.parametrize("name", NAMES)
def test_an_untouched_notebook_gets_none(tmp_path, name):
    for mark in marks(tmp_path, name, role="stub"):
        assert mark.points == 0 and mark.sentences, mark


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("name, part, mistake", cases("mistakes"))
def test_a_mistake_costs_its_part_alone_and_gets_its_sentence(
    tmp_path, name, part, mistake, student
):
    source = find(name).parts[part].mistakes[mistake].source
    found = marks(tmp_path, name, {part: source}, student=student)
    assert [mark.part for mark in found if mark.points < mark.most] == [part], found
    assert [mark.mistake for mark in found if mark.part == part] == [mistake], found


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("name, part, other", cases("alternatives"))
def test_another_right_answer_gets_all_points(tmp_path, name, part, other, student):
    source = find(name).parts[part].alternatives[other]
    found = marks(tmp_path, name, {part: source}, student=student)
    assert [mark for mark in found if mark.points < mark.most] == []


@pytest.mark.parametrize("name", NAMES)
def test_each_exercise_has_mistakes_and_alternatives_enough(name):
    parts = [part for part in find(name).parts.values() if not part.by_hand]
    assert 3 <= len(parts) and any(part.by_hand for part in find(name).parts.values())
    for part in parts:
        assert len(part.mistakes) >= 5 and len(part.alternatives) >= 3, part.name
        for language in ("en", "zh"):
            sentences = [mistake.sentence[language] for mistake in part.mistakes.values()]
            assert len(set(sentences)) == len(sentences), part.name
        nodes = ast.walk(ast.parse(part.hidden))
        texts = {node.value for node in nodes if isinstance(node, ast.Constant)}
        assert set(part.mistakes) <= texts, part.name  # each has its hint


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_released_holds_no_answer_and_no_hidden_test(name, language):
    assignment = find(name)
    text = nbformat.writes(assignment.notebook(language))
    book = "\n".join(cell.source for cell in assignment.notebook(language).cells)
    public = "\n".join([*assignment.given, *(p.stub + p.tests for p in assignment.parts.values())])
    for part in assignment.parts.values():
        secrets = [part.solution, part.hidden, *part.alternatives.values()]
        secrets += [mistake.source for mistake in part.mistakes.values()]
        for secret in filter(None, secrets):
            own = [line for line in secret.splitlines() if len(line.strip()) > 30]
            assert secret not in book
            assert not [line for line in own if line in book and line not in public]
        for mistake in part.mistakes.values():
            assert mistake.sentence[language] not in text


@pytest.mark.parametrize("name", NAMES)
def test_two_students_get_different_numbers(tmp_path, name):
    assignment, found = find(name), []
    for student in ("s01", "s02", "s03", "s04"):
        running = InProcess()
        for source in assignment.given:
            running.run(source.replace('STUDENT = ""', f"STUDENT = {student!r}"))
        found.append("".join(running.run(source).output for source in assignment.given[2:]))
    assert len(set(found)) > 1
