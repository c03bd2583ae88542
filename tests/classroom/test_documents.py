"""The classroom's documents, in both languages: what they name is there, what they say is so."""

import re
import shlex

import pytest

from lmcourse import cli
from lmcourse.classroom import assignment as assignments
from tests.prose import half_width, unspaced

FOLDER = assignments.SOURCES.parent
PAGES = ("README", "HANDOUT", "SYLLABUS")
FILES = [FOLDER / f"{page}{ending}" for page in PAGES for ending in (".md", ".zh.md")]
find = assignments.find


def text(page, ending=".md"):
    return (FOLDER / f"{page}{ending}").read_text(encoding="utf-8")


def blocks(page, ending=".md"):
    return re.findall(r"^```\n(.*?)^```", text(page, ending), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES)
def test_both_languages_have_the_same_headings_tables_and_links(page):
    english, chinese = text(page), text(page, ".zh.md")
    for pattern in (r"^#+ ", r"^\| ", r"\]\("):
        counts = [len(re.findall(pattern, page, re.MULTILINE)) for page in (english, chinese)]
        assert counts[0] == counts[1] > 0 or pattern == r"^\| ", pattern


def test_both_languages_show_the_same_commands_and_what_they_print():
    english, chinese = blocks("README"), blocks("README", ".zh.md")
    assert english == chinese and len(english) > 8


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_command_exists(path):
    words = re.findall(r"^lmcourse .*$|`(lmcourse [a-z][^`]*)`", path.read_text("utf-8"), re.M)
    lines = re.findall(r"^lmcourse .*$", path.read_text("utf-8"), re.M) + [w for w in words if w]
    assert lines
    for line in lines:
        options, rest = cli.parser().parse_known_args(shlex.split(line)[1:])
        assert not rest or options.passes_on, line
        if name := getattr(options, "assignment", None):
            assert name.endswith(".ipynb") or find(name)


def test_the_teachers_page_shows_every_verb_of_a_teacher():
    shown = set(re.findall(r"^lmcourse assignment (\w+)", text("README"), re.MULTILINE))
    assert shown == {"release", "collect", "grade", "mark", "feedback", "export"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_link_leads_to_a_file_and_every_assignment_exists(path):
    page = path.read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", page) if "://" not in link]
    assert links and not [link for link in links if not (FOLDER / link).is_file()]
    named = set(re.findall(r"\b\d\d_[a-z_]+\b(?!\.ipynb)", page))
    assert named <= set(assignments.names()) | {path.stem for path in cli.lessons()}, named


@pytest.mark.parametrize("ending", [".md", ".zh.md"])
def test_the_pages_name_every_assignment_with_its_points_and_minutes(ending):
    rows = re.findall(r"^\| `(\w+)` \| .* \| (\d+) \|$", text("README", ending), re.MULTILINE)
    assert [name for name, _ in rows] == assignments.names()
    for name, minutes in rows:
        assignment = find(name)
        header = assignment.lesson.cells[0].source
        assert re.search(rf"about {minutes} minutes · 30 points", header), name
        by_hand = [part.points for part in assignment.parts.values() if part.by_hand]
        assert sum(part.points for part in assignment.parts.values()) == 30 and by_hand == [4]
        assert f"`{name}`" in text("SYLLABUS", ending)


@pytest.mark.parametrize("ending", [".md", ".zh.md"])
def test_the_twelve_weeks_take_in_every_lesson_once(ending):
    rows = re.findall(r"^\| (\d+) \| (.*?) \|", text("SYLLABUS", ending), re.MULTILINE)
    assert [int(week) for week, _ in rows] == list(range(1, 13))
    named = [number for _, cell in rows for number in re.findall(r"\[(\d\d)\]", cell)]
    assert named == [path.name[:2] for path in cli.lessons()]


@pytest.mark.parametrize("page", PAGES)
def test_the_chinese_is_set_as_chinese(page):
    prose = re.sub(r"^```.*?^```", "", text(page, ".zh.md"), flags=re.MULTILINE | re.DOTALL)
    source = '# %% [markdown] lang="zh"\n' + "".join(f"# {line}\n" for line in prose.splitlines())
    assert half_width(source) + unspaced(source) == []
