"""`lmcourse assignment` as a teacher and a learner type it, from release to CSV; each mishap."""

import shutil

import nbformat
import pytest

from lmcourse import cli
from lmcourse.classroom import assignment as assignments
from lmcourse.classroom import commands, sandbox
from tests.classroom import tiny

find = assignments.find


@pytest.fixture
def do(monkeypatch, capsys, tmp_path):
    """Run a verb in the class's folder; give its exit code, output and error."""
    (tmp_path / "class").mkdir()
    monkeypatch.chdir(tmp_path / "class")
    monkeypatch.setattr(commands, "WORKING", tmp_path / "my-notebooks" / "assignments")

    def run(*words):
        code = cli.main(["assignment", *map(str, words)])
        out, err = capsys.readouterr()
        return code, out, err

    run.folder = tmp_path / "class"
    return run


def answers(**changes):
    """Our answers to 03, as a student's; some of them changed."""
    given = {part.name: part.solution for part in find("03").parts.values()}
    return given | changes


# --- three students, from release to CSV --------------------------------------------------------

HOSTILE = "import os, sys\nprint('score: 30/30' * 10**6)\nos.write(1, b'{}\\n' * 99)\nos._exit(0)"


@pytest.mark.needs("bwrap")
def test_three_students_from_release_to_csv(do):
    tiny.roster(do.folder, [("s1", "Lovelace", "Ada"), ("s2", "王", "小明"), ("s3", "Doe", "Jo"),
                            ("s4", "Late", "Lou")])  # fmt: skip
    code, out, _ = do("release", "3")
    assert code == 0 and out.count("Hand out: release/03_softmax/") == 2
    assert "Due: no day set (classroom.toml)" in out
    toml = do.folder / "classroom.toml"
    toml.write_text(toml.read_text() + "03_softmax = 2026-11-01T12:00:00\n")
    assert "Due: 2026-11-01 12:00" in do("release", "03")[1]

    assignment = find("03")
    mistake = assignment.parts["softmax"].mistakes["wrong_axis"]
    books = {
        ("Ada Lovelace_7_assignsubmission_file_/03_softmax.ipynb", (2026, 11, 1, 9, 0, 0)): (
            tiny.notebook(assignment, answers(experiment="Ada says why."), "en", "s1")
        ),
        ("王小明_8_assignsubmission_file_/03_softmax.ipynb", (2026, 11, 2, 9, 0, 0)): (
            tiny.notebook(assignment, answers(softmax=mistake.source, experiment=""), "zh", "s2")
        ),
        ("Jo Doe_9_assignsubmission_file_/03_softmax.ipynb", (2026, 11, 1, 9, 0, 0)): (
            tiny.notebook(assignment, answers(gradient=HOSTILE), "en", "s3")
        ),
        ("Lou Late_10_assignsubmission_file_/report.pdf", (2026, 11, 1, 9, 0, 0)): b"%PDF",
    }
    tiny.pack(do.folder / "moodle.zip", books)
    code, out, _ = do("collect", "03", "moodle.zip")
    assert code == 0 and "3 of 4 students have handed in." in out and "Not yet: s4" in out
    assert "✗ s4" in out and "report.pdf is not a Jupyter notebook" in out
    (line,) = [line for line in out.splitlines() if line.startswith("✓ s2")]
    assert "2026-11-02 09:00, late" in line and out.count(", late") == 1

    code, out, err = do("grade", "03")
    assert code == 0, out + err
    rows = {line.split()[0]: line for line in out.splitlines()}
    assert "26 of 26  + 4 by you" in rows["s1"] and "all right" in rows["s1"]
    assert "20 of 26  " in rows["s2"] and "softmax (wrong_axis)" in rows["s2"]
    assert "20 of 26  + 4 by you" in rows["s3"] and "lost: gradient" in rows["s3"]
    assert "2 answers wait for your own marks: lmcourse assignment mark" in out

    reports = do.folder / "reports" / "03_softmax"
    before = {path.name: path.stat().st_mtime_ns for path in reports.glob("*.json")}
    assert do("grade", "03")[1] == out
    after = {path.name: path.stat().st_mtime_ns for path in reports.glob("*.json")}
    assert len(after) == 3 and after == before  # nothing was run again

    code, out, _ = do("feedback", "03")
    assert code == 0 and "3 pages in feedback" in out
    pages = {
        path.parts[-3]: path.read_text(encoding="utf-8")
        for path in (do.folder / "feedback").rglob("*.html")
    }
    flat = {student: " ".join(page.split()) for student, page in pages.items()}
    assert "你的每一列加起来等于一" in flat["s2"] and "Your columns sum" not in flat["s2"]
    assert "ended the whole program" in flat["s3"]
    assert "Ada says why." in flat["s1"]
    assert "Ada says why." not in flat["s2"] + flat["s3"]
    own = {"s1": answers(), "s2": answers(softmax=mistake.source), "s3": answers(gradient=HOSTILE)}
    released = "\n".join(
        cell.source for language in ("en", "zh") for cell in assignment.notebook(language).cells
    )
    for student, page in pages.items():
        for part in assignment.parts.values():
            for secret in (part.hidden, part.solution if not own[student][part.name] else ""):
                for text in filter(None, (line.strip() for line in secret.splitlines())):
                    if len(text) > 25 and text not in released and text not in str(own[student]):
                        assert text not in page, text
        assert not [other for other in ("s1", "s2", "s3") if f"'{other}'" in page
                    and other != student]  # fmt: skip
    reason = (do.folder / "feedback" / "s4" / "03_softmax refused.txt").read_text("utf-8")
    assert "is not a Jupyter notebook" in reason and "不是 Jupyter 笔记本" in reason

    code, out, _ = do("export", "--to", "marks.csv")
    assert code == 0 and "03_softmax: an answer counts as 0 until you mark it, of s1, s3" in out
    assert (do.folder / "marks.csv").read_bytes() == (
        "\ufeffid,last_name,first_name,email,03_softmax\r\n"
        "s1,Lovelace,Ada,s1@x.org,26\r\n"
        "s2,王,小明,s2@x.org,17\r\n"
        "s3,Doe,Jo,s3@x.org,20\r\n"
        "s4,Late,Lou,s4@x.org,\r\n"
    ).encode()


# --- what is missing ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, message",
    [
        (("release", "03", "--class", "typo"), "holds roster.csv, with the columns"),
        (("collect", "03", "x.zip", "--class", "typo"), "holds roster.csv"),
        (("grade", "03", "--class", "typo"), "holds roster.csv"),
        (("feedback", "03", "--class", "typo"), "holds roster.csv"),
        (("export", "--class", "typo"), "holds roster.csv"),
        (("mark", "--class", "typo"), "holds roster.csv"),
        (("release", "99"), "An assignment is one of 02_ngrams,"),
        (("collect", "3x", "x.zip"), "An assignment is one of 02_ngrams,"),
        (("collect", "03", "missing.zip"), "a folder or a whole zip file. Received: missing.zip"),
        (("collect", "03", ".", "--at", "noon"), "A time is written 2026-12-01T18:00"),
        (("grade", "03"), "Collect the students' files first: lmcourse assignment collect 03"),
        (("feedback", "03"), "Grade first: lmcourse assignment grade 03"),
        (("mark",), "Grade first: lmcourse assignment grade 03"),
        (("export",), "Release an assignment first: lmcourse assignment release 03"),
    ],
)
def test_a_mishap_is_one_line_that_says_what_to_do(do, words, message):
    tiny.roster(do.folder, [("s1",)])
    code, out, err = do(*words)
    assert code == 1 and out == ""
    assert err.startswith("lmcourse: ") and message in err and err.count("\n") == 1
    left = {path.name for path in do.folder.rglob("*")}
    assert left <= {"roster.csv", "classroom.toml"}, "a mistake leaves nothing behind"


def test_nobody_else_on_the_machine_may_read_what_is_collected_and_marked(do):
    tiny.roster(do.folder, [("s1",)])
    tiny.pack(do.folder / "x.zip", {"s1.ipynb": tiny.notebook(find("03"), {})})
    do("collect", "03", "x.zip")
    do("export")
    made = [path for path in do.folder.rglob("*") if path.name not in ("roster.csv", "x.zip")]
    assert len(made) > 4 and not [path for path in made if path.stat().st_mode & 0o77]


def test_without_a_sandbox_grading_says_what_to_install(do, monkeypatch):
    tiny.roster(do.folder, [("s1",)])
    tiny.pack(do.folder / "x.zip", {"s1.ipynb": tiny.notebook(find("03"), {})})
    do("collect", "03", "x.zip")
    for walls in sandbox.WALLS.values():
        monkeypatch.setattr(walls, "found", lambda: None)
    code, _, err = do("grade", "03")
    assert code == 1 and "sudo apt install bubblewrap" in err and "--no-sandbox" in err
    assert err.count("\n") == 1


def test_ctrl_c_stops_grading_with_a_word(do, monkeypatch):
    from lmcourse.classroom import grading

    def stopped(*_, **__):
        raise KeyboardInterrupt

    tiny.roster(do.folder, [("s1",)])
    tiny.pack(do.folder / "x.zip", {"s1.ipynb": tiny.notebook(find("03"), {})})
    do("collect", "03", "x.zip")
    monkeypatch.setattr(grading, "grade", stopped)
    code, out, _ = do("grade", "03")
    assert code == 130 and "assignment grade 03 goes on from here" in out


# --- a learner alone ----------------------------------------------------------------------------


def start(do, *words):
    code, out, _ = do("start", *words)
    path = commands.WORKING / ("zh" if "--chinese" in words else "") / "03_softmax.ipynb"
    assert code == 0 and str(path) in out
    return path


def fill(path, **changes):
    book = nbformat.read(path, 4)
    for cell in book.cells:
        part = cell.metadata.get("nbgrader", {}).get("grade_id")
        cell.source = changes.get(part, cell.source)
    nbformat.write(book, path)


def test_the_list_names_every_assignment_with_its_points(do):
    code, out, _ = do("list")
    lines = out.splitlines()
    assert code == 0 and [line.split()[0] for line in lines] == assignments.names()
    assert all("30 points" in line and "作业" in line for line in lines)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_check_gives_hints_in_the_notebooks_language_and_never_the_answer(do, language):
    path = start(do, "03", "--student", "ada", *(["--chinese"] if language == "zh" else []))
    wrong = find("03").parts["softmax"].mistakes["wrong_axis"]
    fill(
        path, **answers(softmax=wrong.source, gradient="def gradient(): raise NotImplementedError")
    )
    code, out, _ = do("check", "03")
    lines = {line.split()[1].strip(":"): line for line in out.splitlines()}
    assert code == 1 and lines["softmax"] == f"  ✗ softmax: {wrong.sentence[language]}"
    assert lines["by_hand"].startswith("  ✓ by_hand: ")
    assert lines["experiment"].startswith("  · experiment: ")
    assert "  ✗ gradient: " in lines["gradient"]
    hidden = [line for part in find("03").parts.values() for line in part.hidden.splitlines()]
    assert not [line for line in hidden if len(line) > 20 and line in out]


def test_a_learners_copy_is_never_overwritten(do):
    path = start(do, "03")
    fill(path, **answers())
    mine = path.read_bytes()
    assert "It is there already" in do("start", "03")[1]
    assert path.read_bytes() == mine
    assert do("check", "03")[0] == 0
    assert path.read_bytes() == mine


def test_check_takes_a_file_under_any_name(do, tmp_path):
    path = start(do, "03", "--student", "ada")
    fill(path, **answers())
    shutil.copy(path, tmp_path / "my work.ipynb")
    code, out, err = do("check", tmp_path / "my work.ipynb")
    assert code == 0 and out.count("✓") == 5, out + err


def test_check_without_a_copy_says_how_to_start(do):
    code, _, err = do("check", "03")
    assert code == 1 and err == "lmcourse: Start it first: lmcourse assignment start 03\n"
    code, _, err = do("check", "no/such.ipynb")
    assert code == 1 and err == "lmcourse: There is no file no/such.ipynb\n"


@pytest.mark.parametrize(
    "name, content, en, zh",
    [
        ("03_softmax.ipynb", "{", "is not a Jupyter notebook", "不是 Jupyter 笔记本"),
        ("03_softmax.py", "print()", "is not a Jupyter notebook", "不是 Jupyter 笔记本"),
        ("holiday.png", "\x89PNG", "none of these assignments", "不是其中任何一份作业"),
        ("lesson", "03_softmax", "", ""),
    ],
)
def test_a_wrong_file_is_told_in_both_languages(do, tmp_path, name, content, en, zh):
    path = tmp_path / name
    if name == "lesson":
        path = tmp_path / "03_softmax.ipynb"
        shutil.copy(cli.PUBLISHED / "03_softmax.ipynb", path)
    else:
        path.write_text(content)
    code, out, err = do("check", path)
    assert code == 1 and en in out + err and zh in out + err
    assert "Traceback" not in out + err and any("一" <= sign <= "鿿" for sign in out + err)
