"""The gradebook: days late cost, a person's points stay, a page shows what it may and no more."""

import csv
import io
import json
import shutil
from datetime import timedelta
from html.parser import HTMLParser

import nbformat
import pytest

from lmcourse.classroom import gradebook
from lmcourse.classroom.classes import Classroom
from lmcourse.classroom.collecting import collect
from lmcourse.classroom.report import Mark, Report
from tests.classroom import tiny

WHY = "Because one and one are two."


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A class of three with the assignment released; a new gradebook takes a while to make."""
    folder = tmp_path_factory.mktemp("released")
    tiny.roster(folder / "class", [("s1", "Lovelace", "Ada"), ("s10", "王", "小明"), ("s2",)])
    _ = Classroom(folder / "class").settings
    gradebook.register(Classroom(folder / "class"), tiny.make(folder / "src"))
    return folder


@pytest.fixture
def course(released, tmp_path):
    """A copy of that class, and its assignment."""
    shutil.copytree(released, tmp_path, dirs_exist_ok=True)
    return Classroom(tmp_path / "class"), tiny.make(tmp_path / "src")


def settings(course, lines):
    """Write a class's settings, and read them anew."""
    (course[0].folder / "classroom.toml").write_text(f'secret = "x"\n{lines}\n')
    classroom = Classroom(course[0].folder)
    gradebook.register(classroom, course[1])
    return classroom, course[1]


def hand_in(course, student="s1", why=WHY, when=(2026, 11, 2, 10, 0, 0), language="en"):
    answers = {"twice": tiny.GOOD, "why": why}
    files = {f"{student}.ipynb": tiny.notebook(course[1], answers, language)}
    (one,) = collect(*course, tiny.pack(course[0].folder.parent / "x.zip", files, when))
    assert one.refused is None


def record(course, student="s1", points=6, mistake=None, language="en", **more):
    sentences = [dict(course[1].parts["twice"].mistakes["squared"].sentence)] if mistake else []
    mark = Mark("twice", points, 6, mistake, sentences)
    work = nbformat.read(course[0].work("90_twice", student), 4)
    cells = [cell for cell in work.cells if cell.cell_type == "code"]
    outputs = [""] * sum(not c.metadata.get("nbgrader", {}).get("grade") for c in cells)
    report = Report(student, "90_twice", language, [mark], outputs, []) if not more else None
    report = report or Report(student, "90_twice", language, [mark], **{"outputs": outputs} | more)
    gradebook.record(*course, [report])


def give(course, points, comment=None, student="s1"):
    """What a person does on nbgrader's page."""
    with gradebook.gradebook(course[0]) as book:
        grade = book.find_grade("why", "90_twice", "90_twice", student)
        grade.manual_score, grade.needs_manual_grade = points, False
        book.find_comment("why", "90_twice", "90_twice", student).manual_comment = comment
        book.db.commit()


def points(course, student="s1"):
    rows = csv.DictReader(io.StringIO(gradebook.table(course[0])))
    return next(row["90_twice"] for row in rows if row["id"] == student)


def waiting(course):
    return gradebook.unmarked(course[0]).get("90_twice", [])


def test_the_table_has_a_line_for_everybody_in_the_order_of_the_list(course):
    hand_in(course)
    record(course)
    give(course, 3.5)
    assert gradebook.table(course[0]) == (
        "id,last_name,first_name,email,90_twice\r\n"
        "s1,Lovelace,Ada,s1@x.org,9.5\r\n"
        "s10,王,小明,s10@x.org,\r\n"
        "s2,,,s2@x.org,\r\n"
    )


def test_no_name_is_a_formula_in_the_table(tmp_path):
    tiny.roster(tmp_path, [("s1", '=HYPERLINK("http://x")', "+1"), ("s2", "-2", "@x")])
    gradebook.register(Classroom(tmp_path), tiny.make(tmp_path / "src"))
    rows = list(csv.reader(io.StringIO(gradebook.table(Classroom(tmp_path)))))
    assert [row[1:3] for row in rows[1:]] == [['\'=HYPERLINK("http://x")', "'+1"], ["'-2", "'@x"]]


@pytest.mark.parametrize("why", ["*Your answer here.*", "*在这里作答。*", "", "  \n"])
def test_an_untouched_answer_gets_nothing_and_asks_nobody(course, why):
    hand_in(course, why=why)
    record(course)
    assert points(course) == "6" and waiting(course) == []


def test_a_persons_points_stay_until_the_answer_changes(course):
    hand_in(course)
    record(course)
    assert waiting(course) == ["s1"] and points(course) == "6"
    give(course, 3)
    record(course, points=0, mistake="squared")
    assert waiting(course) == [] and points(course) == "3"
    hand_in(course, why="I thought again.")
    record(course)
    assert waiting(course) == ["s1"]
    record(course)
    assert waiting(course) == ["s1"], "nobody has looked at it yet"
    give(course, 4)
    record(course)
    assert waiting(course) == [] and points(course) == "10"


def test_points_for_an_answer_that_is_taken_back_go(course):
    hand_in(course)
    record(course)
    give(course, 4)
    hand_in(course, why="")
    record(course)
    assert points(course) == "6" and waiting(course) == []
    give(course, 1)  # a person may think otherwise
    record(course)
    assert points(course) == "7"


def test_a_persons_points_for_a_machines_part_stay(course):
    hand_in(course)
    record(course, points=0, mistake="squared")
    with gradebook.gradebook(course[0]) as book:
        book.find_grade("twice_tests", "90_twice", "90_twice", "s1").manual_score = 5
        book.db.commit()
    record(course, points=0, mistake="squared")
    assert points(course) == "5"


@pytest.mark.parametrize(
    "due, percent, left",
    [
        ("2026-11-02T10:00:00", 10, "6"),
        ("2026-11-02T09:59:00", 10, "5"),
        ("2026-11-01T10:00:00", 10, "5"),
        ("2026-11-01T09:59:00", 10, "4"),
        ("2026-10-01T10:00:00", 10, "0"),
        ("2026-11-02T09:59:00", 25, "3.5"),
        ("2026-10-01T10:00:00", 0, "6"),
    ],
)
def test_each_day_that_has_begun_costs_and_never_more_than_there_is(course, due, percent, left):
    course = settings(course, f"late_percent_a_day = {percent}\n[due]\n90_twice = {due}")
    hand_in(course)
    record(course)
    assert points(course) == left


def test_an_extension_and_a_new_due_date_count_from_the_next_grading_on(course):
    course = settings(course, "late_percent_a_day = 10\n[due]\n90_twice = 2026-10-31T10:00:00")
    hand_in(course)
    record(course)
    assert points(course) == "4"
    with gradebook.gradebook(course[0]) as book:
        book.grant_extension("90_twice", "s1", days=1)
        assert book.find_submission("90_twice", "s1").extension == timedelta(days=1)
    record(course)
    assert points(course) == "5"
    course = settings(course, "late_percent_a_day = 10\n[due]\n90_twice = 2026-11-30T10:00:00")
    record(course)
    assert points(course) == "6"


def test_a_page_shows_points_sentences_and_the_persons_comment(course):
    for student, language in (("s1", "en"), ("s10", "zh")):
        hand_in(course, student, language=language)
        record(course, student, 0, "squared", language)
        give(course, 3, "Well <b>seen</b>", student)
    pages = {path.parts[-3]: path.read_text("utf-8") for path in gradebook.feedback(*course)}
    assert sorted(pages) == ["s1", "s10"]
    assert "You multiplied the number by itself." in pages["s1"]
    assert "你把这个数乘以了它自己。" in pages["s10"] and "You multiplied" not in pages["s10"]
    for page in pages.values():
        assert "3.0 / 4.0" in page or "3.0/4.0" in page.replace(" ", "")
        assert "Well <b>seen</b>" in page
        assert "secret_number" not in page and "*number**2" not in page


ACTIVE = [
    "<script>act()</script>",
    "<img src=x onerror=act()>",
    "![a](attachment:no.png) ![b](http://elsewhere/) act()",
    '<iframe srcdoc="act()"></iframe>',
    "<form action=x><button>act()</button></form>",
    "<style>.score {display: none} act()</style>",
    '<base href="http://act()"> <meta http-equiv=refresh content=act()> <object data=act()>',
    '<div class="modal" id="score" style="position: fixed">act()</div> <video poster=x></video>',
    "[c](javascript:act())",
    "[d]: javascript:act()\n\n[d] [e](<jAvA&#x73;cript:act()>) [f](data:text/html,act)",
    '<a href="java\tscript:act()" onclick="act()">g</a>',
    "<svg onload=act()> <math><mtext><img src onerror=act()></mtext></math>",
    "$$\n<img src=x onerror=act()>\n$$",
    "\\begin{a}\n<img src=x onerror=act()>\n\\end{a}",
    "```mermaid\n<img src=x onerror=act()>\n```",
    '```"><img src=x onerror=act()>\nact()\n```',
    "<noscript><p title='</noscript><img src=x onerror=act()>'>",
    "<!-- <img src=x onerror=act()> -->act()",
]


@pytest.mark.parametrize("text", ACTIVE)
def test_what_a_student_writes_does_nothing(text):
    found = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag, attributes):
            found.append((tag, dict(attributes)))

    html = gradebook.page(text)
    Tags().feed(html)
    assert {tag for tag, _ in found} <= {"p", "a", "div", "pre", "code", "span"}, html
    assert not [own for _, own in found if own.keys() - {"class"}], html
    assert not [own for _, own in found if "modal" in own.get("class", "")], html


def test_of_what_a_student_writes_nothing_gets_lost():
    html = gradebook.page(
        "# Why\n\n*a* < b, a<b, `c<d && e`, $x<y$ and $$\\frac{x}{y}<z$$\n\n"
        "|f|g|\n|-|-|\n|1|2|\n\n1. h\n\n```python\ndef i(j): return j<k\n```\n[l](https://x.org)"
    )
    for text in (
        "<h1>Why</h1>", "<em>a</em> &lt; b, a&lt;b,", "<code>c&lt;d &amp;&amp; e</code>",
        "$x&lt;y$", "$$\\frac{x}{y}&lt;z$$", "<th>f</th>", "<td>2</td>", "<li>h</li>",
        '<div class="highlight"><pre>', '<span class="k">def</span>', '<a href="https://x.org">l</a>',
    ):  # fmt: skip
        assert text in html, (text, html)


def test_feedback_leaves_the_reason_of_a_refused_file(course):
    hand_in(course)
    record(course)
    files = {"s1.ipynb": b"no notebook"}
    collect(*course, tiny.pack(course[0].folder.parent / "y.zip", files))
    gradebook.feedback(*course)
    left = {path.name for path in (course[0].folder / "feedback" / "s1").rglob("*.*")}
    assert left == {"90_twice.html", "90_twice refused.txt"}


def test_what_students_get_has_locked_tests_and_no_answer(course):
    for folder in ("", "zh"):
        path = course[0].folder / "release" / "90_twice" / folder / "90_twice.ipynb"
        book = nbformat.read(path, 4)
        locked = [c for c in book.cells if c.metadata.get("nbgrader", {}).get("locked")]
        assert [c.metadata.editable for c in locked] == [False] * len(locked) and len(locked) == 2
        text = json.dumps(book, ensure_ascii=False)
        assert "secret_number" not in text and "2 * number" not in text


def test_corrected_tests_may_be_registered_and_new_parts_after_a_hand_in_may_not(course, tmp_path):
    hand_in(course)
    record(course)
    corrected = tiny.SOURCE.replace("assert twice(2) == 4", "assert twice(3) == 6")
    gradebook.register(course[0], tiny.make(tmp_path / "new", corrected))
    other = tiny.SOURCE.replace('part="twice"', 'part="double"')
    with pytest.raises(ValueError, match="90_twice has other parts than what was handed in"):
        gradebook.register(course[0], tiny.make(tmp_path / "other", other))
    assert points(course) == "6"
