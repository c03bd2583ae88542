"""Numbers of one's own."""

import pytest

from lmcourse.classroom.draw import draw


def test_the_same_student_always_gets_the_same_numbers():
    assert draw("s01", "a").integers(10**9) == draw(" s01\n", "a").integers(10**9)


@pytest.mark.parametrize("other", [("s02", "a", ""), ("s01", "b", ""), ("s01", "a", "secret")])
def test_another_student_purpose_or_secret_gets_others(other):
    assert draw("s01", "a").integers(10**9) != draw(*other).integers(10**9)


@pytest.mark.parametrize("student, name", [(1, "a"), ("s01", None)])
def test_only_text_is_taken(student, name):
    with pytest.raises(TypeError, match="both text. Received: "):
        draw(student, name)
