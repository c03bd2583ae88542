"""A lesson's source: pairs of text cells, lines, ids, links, and what it depends on."""

from pathlib import Path

import pytest

from lmcourse import lesson as module
from lmcourse.lesson import LessonError, fingerprint, notebook, read

FIXTURE = Path(__file__).parent / "fixtures/src/00_fixture.py"
PAIR = '# %% [markdown]\n# text\n\n# %% [markdown] lang="zh"\n# 文字\n\n'


def written(tmp_path, text):
    folder = tmp_path / "notebooks" / "src"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "07_x.py").write_text(text, encoding="utf-8")
    return folder / "07_x.py"


def test_both_notebooks_have_their_own_prose_and_the_same_code():
    lesson = read(FIXTURE)
    english, chinese = notebook(lesson, "en").cells, notebook(lesson, "zh").cells
    assert [cell.cell_type for cell in english] == [cell.cell_type for cell in chinese]
    for ours, theirs in zip(english, chinese, strict=True):
        same = (ours.source, ours.id) == (theirs.source, theirs.id)
        assert same == (ours.cell_type == "code")
    assert english[0].source.startswith("# 00 · Fixture\n")
    assert chinese[0].source.startswith("# 00 · 样例\n")


def test_ids_come_from_the_text_so_an_edit_moves_only_its_own(tmp_path):
    code = PAIR + "# %%\na = 1\n\n# %%\nb = 2\n\n# %%\na = 1\n"
    before = [c.id for c in notebook(read(written(tmp_path, code)), "en").cells]
    edited = code.replace("b = 2", "b = 3")
    after = [c.id for c in notebook(read(written(tmp_path, edited)), "en").cells]
    assert before[3] == f"{before[1]}-2"  # the same text again
    assert [a == b for a, b in zip(before, after, strict=True)] == [True, True, False, True]


def test_tags_stay_and_what_jupytext_noted_goes():
    lesson = read(FIXTURE)
    kept = [dict(c.metadata) for lang in ("en", "zh") for c in notebook(lesson, lang).cells]
    assert {"tags": ["nbval-ignore-output"]} in kept
    assert all(set(metadata) <= {"tags"} for metadata in kept)


def test_links_lead_to_the_same_place_from_both_folders():
    lesson = read(FIXTURE)
    english, chinese = notebook(lesson, "en").cells[0], notebook(lesson, "zh").cells[0]
    assert "(glossary.md)" in english.source
    assert "(../glossary.md)" in chinese.source
    assert "[本课](00_fixture.ipynb)" in chinese.source
    assert english.source.endswith("\n\n[中文](zh/00_fixture.ipynb)")
    assert chinese.source.endswith("\n\n[English](../00_fixture.ipynb)")


@pytest.mark.parametrize(
    ("link", "seen_from_zh"),
    [
        ("[a](../README.zh.md)", "[a](../../README.zh.md)"),
        ('<img src="images/a.png">', '<img src="../images/a.png">'),
        ("[a](#here) [b](https://x.org/y.md)", "[a](#here) [b](https://x.org/y.md)"),
        ("[a](../05_x.ipynb)", "[a](../05_x.ipynb)"),
    ],
)
def test_only_relative_links_to_other_things_than_notebooks_move(link, seen_from_zh):
    assert module._from_zh_folder(link) == seen_from_zh


@pytest.mark.parametrize(
    ("text", "line", "rule"),
    [
        ("a = 1\n" + PAIR, 1, "must begin with a cell marker"),
        ("# %%\na = 1\n", 2, "must begin with a text cell"),
        (PAIR + "# %% [markdown]\n# alone\n\n# %%\na = 1\n", 8, 'its sibling, `lang="zh"`'),
        (PAIR + "# %% [markdown]\n# last\n", 8, 'its sibling, `lang="zh"`'),
        (PAIR + '# %% [markdown] lang="zh"\n# 多\n', 8, "below its English sibling"),
        (PAIR + '# %% [markdown] lang="fr"\n# oui\n', 8, 'Received: lang="fr"'),
    ],
)
def test_a_source_that_is_not_well_formed_is_refused_with_its_line(tmp_path, text, line, rule):
    with pytest.raises(LessonError) as error:
        read(written(tmp_path, text))
    assert rule in str(error.value)
    assert f"07_x.py:{line}: " in str(error.value)


@pytest.fixture
def house(tmp_path, monkeypatch):
    """A small course of its own: a lesson, a module it imports, one that this imports, a table."""
    monkeypatch.setattr(module, "ROOT", tmp_path)
    (tmp_path / "lmcourse" / "text").mkdir(parents=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "lmcourse" / "plots.py").write_text("from lmcourse.text import corpora\n")
    (tmp_path / "lmcourse" / "text" / "corpora.py").write_text("TABLE = 'lineage.json'\n")
    (tmp_path / "lmcourse" / "build.py").write_text("")
    (tmp_path / "data" / "lineage.json").write_text("{}")
    (tmp_path / "data" / "other.json").write_text("{}")
    written(tmp_path, PAIR + "# %%\nfrom lmcourse import plots\n")
    return tmp_path


@pytest.mark.parametrize(
    ("file", "counts"),
    [
        ("notebooks/src/07_x.py", True),
        ("lmcourse/plots.py", True),
        ("lmcourse/text/corpora.py", True),
        ("data/lineage.json", True),
        ("data/other.json", False),
        ("lmcourse/build.py", False),
    ],
)
def test_a_lesson_depends_on_the_modules_it_reaches_and_the_data_they_name(house, file, counts):
    source = house / "notebooks/src/07_x.py"
    before = fingerprint(source)
    assert fingerprint(source) == before
    with open(house / file, "a") as changed:
        changed.write("\n# more\n")
    assert (fingerprint(source) != before) == counts
