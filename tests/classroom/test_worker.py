"""What a cell and a call give, seen in this very process."""

import pytest

from lmcourse.classroom.student import InProcess, StudentError
from lmcourse.classroom.worker import LONGEST_ERROR, LONGEST_OUTPUT


@pytest.fixture
def running():
    return InProcess()


def test_a_cell_tells_what_it_printed_and_where_it_stopped(running):
    outcome = running.run("print('a')\n\n1 / 0\nprint('b')")
    assert outcome.output == "a\n"
    assert (outcome.error.kind, outcome.error.line) == ("ZeroDivisionError", 3)
    assert isinstance(outcome.error, ZeroDivisionError)


def test_a_function_is_called_with_values(running):
    running.run("def f(a, *, b): return {a: (b,)}")
    assert running.call("f", "x", b=[1, 2.5]) == {"x": ([1, 2.5],)}


def test_a_name_that_is_not_there_is_an_error(running):
    with pytest.raises(StudentError, match="'f' is not defined") as found:
        running.value("f")
    assert found.value.kind == "NameError"


def test_lines_that_only_a_notebook_understands_do_nothing(running):
    assert running.run("%time\n!ls\nx = 3\nprint?\n").error is None
    assert running.value("x") == 3


def test_what_is_printed_is_cut_and_so_is_an_error(running):
    outcome = running.run("print('x' * 10**6)\nraise ValueError('y' * 10**6)")
    assert (len(outcome.output), len(str(outcome.error))) == (LONGEST_OUTPUT, LONGEST_ERROR)


@pytest.mark.parametrize("source", ["raise SystemExit", "raise KeyboardInterrupt", "def"])
def test_a_cell_that_ends_all_is_an_answer(running, source):
    assert running.run(source).error is not None


def test_an_error_that_ends_a_loop_ends_no_loop_of_a_test(running):
    running.run("def f(x): raise StopIteration('so')")
    with pytest.raises(StudentError, match="so"):
        all(map(lambda x: running.call("f", x) == x, [1, 2]))


def test_an_error_that_fails_to_tell_what_it_is_is_one(running):
    running.run("class Liar(Exception):\n    def __str__(self): raise self\ndef f(): raise Liar")
    with pytest.raises(StudentError) as found:
        running.call("f")
    assert (found.value.kind, str(found.value)) == ("Exception", "")
