"""What is handed in: whose file is it, what is refused, and nobody takes another's place."""

import json
import os
import re
import zipfile
from datetime import UTC, datetime

import pytest

from lmcourse.classroom import files
from lmcourse.classroom.classes import Classroom
from lmcourse.classroom.collecting import collect
from tests.classroom import tiny

PEOPLE = [
    ("s1", "Lovelace", "Ada"),
    ("s10", "Hopper", "Grace"),
    ("AT7", "Turing", "Alan"),
    ("zhang.san", "张", "三"),
    ("2026001", "王", "小明"),
    ("m_c", "O'Brien", "Mary-Jane"),
    ("ann", "Lee", "Ann"),
    ("anna", "Lee", "Ann-Marie"),
]


@pytest.fixture
def course(tmp_path):
    """A class with a list, and the tiny assignment."""
    tiny.roster(tmp_path / "class", PEOPLE)
    return Classroom(tmp_path / "class"), tiny.make(tmp_path / "src")


def work(course, student="", answer=tiny.GOOD, language="en"):
    return tiny.notebook(course[1], {"twice": answer}, language, student)


def taken(course, files, folder, **options):
    """Collect a zip file of these; give what became of each file, and whose it is."""
    results = collect(*course, tiny.pack(folder / "hand-in.zip", files), **options)
    return {one.file: one.student if one.refused is None else one.refused["en"] for one in results}


def answer(course, student):
    """What was collected of a student, as text."""
    return course[0].work("90_twice", student).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "path, student",
    [
        ("Ada Lovelace_17_assignsubmission_file_/90_twice.ipynb", "s1"),
        ("Alan Turing_10_assignsubmission_file_/90_twice.ipynb", "AT7"),
        ("王小明_3_assignsubmission_file_/作业.ipynb", "2026001"),
        ("Grace Hopper_9_assignsubmission_file_90_twice.ipynb", "s10"),
        ("lovelaceada_4711_99_90_twice-1.ipynb", "s1"),
        ("hoppergrace_LATE_4711_1_90_twice.ipynb", "s10"),
        ("turingalan_1_2_Ada Lovelace_17_assignsubmission_file_s1.ipynb", "AT7"),
        ("obrienmaryjane_88_1_90_twice.ipynb", "m_c"),
        ("90_AT7_attempt_2026-11-02-10-00-00_90_twice.ipynb", "AT7"),
        ("hand-ins/week 3/at7.ipynb", "AT7"),
        ("s10/90_twice.ipynb", "s10"),
        ("s1.ipynb", "s1"),
        ("S1 (2).ipynb", "s1"),
        ("90_twice_zhang.san.ipynb", "zhang.san"),
        ("张三.ipynb", "zhang.san"),
        ("m_c_90_twice.ipynb", "m_c"),
        ("2026001王小明/90_twice.ipynb", None),
        ("2026001 王小明/90_twice.ipynb", "2026001"),
        ("Ann-Marie Lee_1_assignsubmission_file_/90_twice.ipynb", "anna"),
        ("Ann Lee_1_assignsubmission_file_/90_twice.ipynb", "ann"),
        ("s100.ipynb", None),
        ("Nobody_5_assignsubmission_file_/90_twice.ipynb", None),
        ("s1 s10.ipynb", None),
    ],
)
def test_a_path_says_whose_file_it_is(course, tmp_path, path, student):
    (found,) = taken(course, {path: work(course)}, tmp_path).values()
    if student is None:
        assert found.startswith("Nobody on the list"), found
    else:
        assert found == student
        assert course[0].students("90_twice") == [student]


def test_without_a_path_the_notebook_says_whose_it_is(course, tmp_path):
    files = {"x/90_twice.ipynb": work(course, "s10"), "y/90_twice.ipynb": work(course, "gone")}
    found = taken(course, files, tmp_path)
    assert found["x/90_twice.ipynb"] == "s10"
    assert "says 'gone'" in found["y/90_twice.ipynb"]


@pytest.mark.parametrize("order", ["Ada first", "Ada last"])
@pytest.mark.parametrize(
    "hostile",
    [
        "nobody/90_twice.ipynb",
        "Alan Turing_10_assignsubmission_file_/s1.ipynb",
        "Alan Turing_10_assignsubmission_file_/Ada Lovelace_17_assignsubmission_file_/s1.ipynb",
        "turingalan_1_2_s1.ipynb",
        "Some Body_99_assignsubmission_file_/s1.ipynb",
    ],
)
def test_a_file_that_claims_to_be_anothers_never_replaces_it(course, tmp_path, hostile, order):
    own = "Ada Lovelace_17_assignsubmission_file_/90_twice.ipynb"
    files = {
        (own, (2026, 11, 2, 10, 0, 0)): work(course, "s1", "mine = 'ada'"),
        (hostile, (2026, 11, 9, 10, 0, 0)): work(course, "s1", "mine = 'hostile'"),
    }
    for chosen in [files] if order == "Ada first" else [dict(reversed(files.items()))]:
        taken(course, chosen, tmp_path)
        assert "mine = 'ada'" in answer(course, "s1")
    taken(course, {hostile: files[(hostile, (2026, 11, 9, 10, 0, 0))]}, tmp_path)
    assert "mine = 'ada'" in answer(course, "s1")
    assert set(course[0].students("90_twice")) <= {"s1", "AT7"}


def test_two_files_that_claim_the_same_student_are_both_refused(course, tmp_path):
    files = {f"{place}/90_twice.ipynb": work(course, "s1") for place in "ab"}
    found = taken(course, files, tmp_path)
    assert all("Rename the right one to s1.ipynb" in sentence for sentence in found.values())
    assert course[0].students("90_twice") == []
    assert not (course[0].folder / "feedback").exists()


def test_an_id_of_another_in_the_notebook_is_told_and_overwritten(course, tmp_path):
    source = tiny.pack(tmp_path / "x.zip", {"AT7.ipynb": work(course, "s1")})
    (one,) = collect(*course, source)
    assert one.student == "AT7" and "drawn for 's1', not for 'AT7'" in one.notes[0]["en"]
    assert "STUDENT = 'AT7'" in answer(course, "AT7")


def test_of_several_files_the_newest_counts_and_later_ones_replace_it(course, tmp_path):
    files = {
        ("s1/90_twice (2).ipynb", (2026, 11, 3, 8, 0, 0)): work(course, answer="x = 'newer'"),
        ("s1/90_twice.ipynb", (2026, 11, 2, 8, 0, 0)): work(course, answer="x = 'older'"),
    }
    results = collect(*course, tiny.pack(tmp_path / "a.zip", files))
    assert {one.file: one.older for one in results} == {
        "s1/90_twice (2).ipynb": False,
        "s1/90_twice.ipynb": True,
    }
    assert "x = 'newer'" in answer(course, "s1")
    taken(course, {"s1.ipynb": work(course, answer="x = 'again'")}, tmp_path)
    assert "x = 'again'" in answer(course, "s1")


def test_who_is_only_known_by_his_own_words_may_hand_in_again_from_the_same_place(course, tmp_path):
    place = "Some Body_99_assignsubmission_file_/90_twice.ipynb"
    for text in ("first", "second"):
        assert taken(course, {place: work(course, "s1", f"x = '{text}'")}, tmp_path)[place] == "s1"
        assert text in answer(course, "s1")
    other = place.replace("99", "98").replace("Some", "Other")
    assert "Rename" in taken(course, {other: work(course, "s1", "x = 3")}, tmp_path)[other]
    assert "second" in answer(course, "s1")


def test_the_same_hand_in_twice_changes_nothing(course, tmp_path):
    source = tiny.pack(
        tmp_path / "x.zip", {"s1.ipynb": work(course), "x.ipynb": work(course, "m_c")}
    )
    state = []
    for _ in range(2):
        collect(*course, source)
        files = course[0].folder.rglob("*.*")
        state.append({path: path.read_bytes() for path in files if path.is_file()})
    assert state[0] == state[1] and course[0].students("90_twice") == ["s1", "m_c"]


def test_files_keep_their_time_and_one_time_can_be_set_for_all(course, tmp_path):
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "s1.ipynb"
    path.write_text(work(course), encoding="utf-8")
    os.utime(path, (1_000_000_000, 1_000_000_000))
    collect(*course, tmp_path / "in")
    assert course[0].handed_in_at("90_twice", "s1") == datetime.fromtimestamp(10**9, UTC)
    at = datetime(2026, 12, 1, 17, tzinfo=UTC)
    collect(*course, tmp_path / "in", at)
    assert course[0].handed_in_at("90_twice", "s1") == at
    taken(course, {("s1.ipynb", (2026, 0, 0, 0, 0, 0)): work(course)}, tmp_path)
    assert course[0].handed_in_at("90_twice", "s1") > at or datetime.now(UTC) < at


# --- zip files as they come --------------------------------------------------------------------


def test_what_a_mac_adds_is_passed_over(course, tmp_path):
    files = {
        "s1.ipynb": work(course),
        "__MACOSX/._s1.ipynb": b"\0",
        ".DS_Store": b"",
        "s1/.ipynb_checkpoints/90_twice-checkpoint.ipynb": work(course, answer="x = 'old'"),
    }
    assert taken(course, files, tmp_path) == {"s1.ipynb": "s1"}


@pytest.mark.parametrize("coding", ["gb18030", "utf-8"])
def test_chinese_names_are_read_from_zips_that_do_not_say_how_they_wrote_them(
    course, tmp_path, coding
):
    right = "王小明_3_assignsubmission_file_/作业二.ipynb"
    source = tiny.pack(tmp_path / "x.zip", {"N" * len(right.encode(coding)): work(course)})
    content = source.read_bytes()
    assert content.count(b"NNN") and not zipfile.ZipFile(source).infolist()[0].flag_bits & 0x800
    source.write_bytes(content.replace(b"N" * len(right.encode(coding)), right.encode(coding)))
    (one,) = collect(*course, source)
    assert (one.file, one.student) == (right, "2026001")


def test_a_path_in_a_zip_leads_nowhere(course, tmp_path):
    files = {
        "../../../s1.ipynb": work(course, answer="x = 1"),
        "/s10.ipynb": work(course, answer="x = 2"),
        "..\\..\\AT7.ipynb": work(course, answer="x = 3"),
        "ann/..": b"x",
    }
    before = sorted(path for path in tmp_path.rglob("*"))
    found = taken(course, files, tmp_path)
    assert {"s1", "s10", "AT7"} <= set(found.values())
    new = {path for path in tmp_path.rglob("*")} - set(before) - {tmp_path / "hand-in.zip"}
    assert all(path.is_relative_to(course[0].folder) for path in new), new
    assert not (tmp_path.parent / "s1.ipynb").exists()


def test_a_file_that_unpacks_to_ten_gigabytes_is_read_no_further_than_needed(course, tmp_path):
    source = tmp_path / "bomb.zip"
    with zipfile.ZipFile(source, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("s1.ipynb", "w", force_zip64=True) as file:
            for _ in range(64):
                file.write(bytes(2**20))
        archive.writestr("s10.ipynb", work(course))
    entry = zipfile.ZipFile(source).infolist()[0]
    assert entry.file_size == 64 * 2**20
    seen = []
    real = files._Short.read

    def read(self, size):
        content = real(self, size)
        seen.append(len(content))
        return content

    files._Short.read = read
    try:
        results = collect(*course, source)
    finally:
        files._Short.read = real
    assert sum(seen) < files.LARGEST + 2**20
    assert [one.student for one in results if one.refused] == ["s1"]
    assert "are allowed" in results[0].refused["en"]
    assert course[0].students("90_twice") == ["s10"]


def test_a_name_too_long_for_a_disk_costs_nobody_else_anything(course, tmp_path):
    files = {f"s1/{'长' * 200}.ipynb": work(course), f"s10/{'x' * 300}": b"", "AT7.ipynb": b""}
    found = taken(course, files, tmp_path)
    assert len(found) == 3 and list(found.values()).count("s1") == 1
    assert found["AT7.ipynb"].startswith("AT7.ipynb is not a Jupyter notebook")


def test_a_damaged_or_a_locked_file_costs_nobody_else_anything(course, tmp_path):
    files = {"s1.ipynb": work(course), "s10.ipynb": work(course), "AT7.ipynb": work(course)}
    source = tiny.pack(tmp_path / "x.zip", files)
    content = bytearray(source.read_bytes())
    infos = zipfile.ZipFile(source).infolist()
    damaged = infos[0].header_offset + 30 + len("s1.ipynb")
    content[damaged : damaged + 40] = b"\xff" * 40
    for marker, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the second one: a password
        place = content.find(marker, content.find(marker) + 1)
        content[place + flags] |= 1
    source.write_bytes(content)
    results = {one.student: one for one in collect(*course, source)}
    assert "the file is damaged" in results["s1"].refused["en"]
    assert "it has a password" in results["s10"].refused["en"]
    assert results["AT7"].refused is None
    text = (course[0].folder / "feedback" / "s10" / "90_twice refused.txt").read_text("utf-8")
    assert "password" in text and "密码" in text


def test_a_good_file_takes_the_reason_away(course, tmp_path):
    reason = course[0].folder / "feedback" / "s1" / "90_twice refused.txt"
    taken(course, {"s1.ipynb": b"no notebook"}, tmp_path)
    assert "is not a Jupyter notebook" in reason.read_text("utf-8")
    taken(course, {"s1.ipynb": work(course), "s1.pdf": b"%PDF"}, tmp_path)
    assert not reason.exists()


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"not a zip"])
def test_a_broken_zip_is_named(course, tmp_path, content):
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"a folder or a whole zip file. Received: .*x\.zip"):
        collect(*course, tmp_path / "x.zip")
    with pytest.raises(ValueError, match="a folder or a whole zip file"):
        collect(*course, tmp_path / "missing.zip")


def test_a_zip_of_too_many_files_is_refused(course, tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_FILES", 2)
    with pytest.raises(ValueError, match="may hold 2 files. Received: 3"):
        taken(course, {f"{n}.txt": b"" for n in range(3)}, tmp_path)


def test_a_name_of_a_file_does_nothing_to_the_terminal_or_a_page(course, tmp_path):
    name = "\x1b]0;pwned\x07\u202e\u2066\u200f<script>alert(1)</script>\n✓ s10\u2028✓ s10.ipynb"
    book = json.loads(work(course))
    book["metadata"]["lmcourse"]["assignment"] = "90\n✓ s10"
    files = {f"s1/{name}": b"x", "s10.ipynb": json.dumps(book)}
    for one in collect(*course, tiny.pack(tmp_path / "x.zip", files)):
        said = one.file + one.refused["en"] + one.refused["zh"]
        assert not re.search(r"[\x00-\x1f\u2028\u202e\u2066\u200f]|<script", said)
