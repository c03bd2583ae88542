"""Every lesson there is: built from its source, whole in both languages, fit to read and to share.

The lessons are found, never listed. What their cells compute is compared by nbval in the same run.
"""

import ast
import re
from importlib.util import find_spec

import nbformat
import pytest

from lmcourse import build
from lmcourse.build import CAPTIONS, LARGEST_FIGURE, LARGEST_NOTEBOOK, OF_THIS_MACHINE
from lmcourse.lesson import ROOT, read

NOTEBOOKS = build.SOURCES.parent
SOURCES = sorted(build.SOURCES.glob("*.py"))
BUILT = sorted([*NOTEBOOKS.glob("*.ipynb"), *NOTEBOOKS.glob("zh/*.ipynb")])
LONGEST_CODE = 20  # lines of a cell; about 15 is the aim, imports and blank lines not counted
LINK = re.compile(r"""\]\(([^)\s]+)|(?:src|href)=["']([^"']+)""")


def named(path):
    return path.relative_to(NOTEBOOKS).with_suffix("").as_posix()


every_source = pytest.mark.parametrize("source", SOURCES, ids=named)
every_notebook = pytest.mark.parametrize("path", BUILT, ids=named)


def load(path):
    return nbformat.read(path, 4)


def codes(path):
    return [cell for cell in load(path).cells if cell.cell_type == "code"]


def texts(path):
    return [cell.source for cell in load(path).cells if cell.cell_type == "markdown"]


def test_every_source_has_two_notebooks_and_every_notebook_a_source():
    assert SOURCES
    wanted = [NOTEBOOKS / folder / f"{s.stem}.ipynb" for s in SOURCES for folder in ("", "zh")]
    assert sorted(wanted) == BUILT
    numbers = [source.stem[:2] for source in SOURCES]
    assert len(set(numbers)) == len(numbers)


@every_source
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_notebook_is_what_its_source_says(source, language):
    assert not build.differences(read(source), language), f"make notebooks LESSON={source.stem}"


@every_notebook
def test_the_file_is_written_as_the_builder_writes_it(path):
    text = path.read_text(encoding="utf-8")
    assert text == nbformat.writes(load(path)).rstrip() + "\n"
    assert len(text.encode()) <= LARGEST_NOTEBOOK
    assert set(load(path).metadata) == {"kernelspec", "language_info", "lmcourse"}


@every_notebook
def test_every_cell_was_executed_in_order_without_an_error(path):
    counts = [cell.execution_count for cell in codes(path)]
    assert counts == list(range(1, len(counts) + 1))
    assert not [out for cell in codes(path) for out in cell.outputs if out.output_type == "error"]


@every_source
def test_both_languages_show_the_same_code_and_outputs(source):
    english, chinese = (codes(read(source).target(language)) for language in ("en", "zh"))
    for cell in english + chinese:
        for output in cell.outputs:
            output.get("metadata", {}).clear()
    assert english == chinese


@every_notebook
def test_every_figure_is_small_and_described_by_its_caption(path):
    cells = load(path).cells
    caption = CAPTIONS["zh" if path.parent.name == "zh" else "en"]
    for cell, below in zip(cells, [*cells[1:], None], strict=True):
        for output in cell.get("outputs", ()):
            pictures = [kind for kind in output.get("data", {}) if kind.startswith("image/")]
            assert pictures in ([], ["image/png"])
            if pictures:
                assert below.source.startswith(caption)
                described = output.metadata["image/png"]["alt"]
                assert described == build._plain(below.source.removeprefix(caption))
                assert len(described) >= 10
                assert len(output.data["image/png"]) * 3 / 4 <= LARGEST_FIGURE + 2


@every_notebook
def test_no_output_depends_on_the_time_or_the_machine(path):
    for cell in codes(path):
        for output in cell.outputs:
            assert output.get("name") != "stderr"
            data = output.get("data", {"text/plain": output.get("text")})
            assert "application/vnd.jupyter.widget-view+json" not in data
            for kind, content in data.items():
                if kind.startswith("text/"):
                    assert not OF_THIS_MACHINE.search(content), cell.source
                    assert not re.search(r"\b\d\d:\d\d:\d\d\b|s/step", content), cell.source


@every_source
def test_a_cell_whose_numbers_are_not_compared_ends_in_an_assert(source):
    for cell in read(source).cells:
        if "nbval-ignore-output" in cell.metadata.get("tags", ()):
            assert re.search(r"^\s*assert|assert_\w+\(", cell.source, re.MULTILINE), cell.source


@every_source
def test_code_cells_are_short(source):
    lesson = read(source)
    for index in lesson.places("code"):
        code = lesson.cells[index].source
        kept = {
            row
            for node in ast.parse(code).body
            if not isinstance(node, ast.Import | ast.ImportFrom)
            for row in range(node.lineno, node.end_lineno + 1)
        }
        length = sum(bool(row.strip()) for n, row in enumerate(code.split("\n"), 1) if n in kept)
        assert length <= LONGEST_CODE, lesson.error(index, f"{length} lines")


@every_source
def test_the_lesson_starts_with_setup_and_asks_for_a_prediction(source):
    lesson = read(source)
    code = [lesson.cells[index].source for index in lesson.places("code")]
    assert "setup(seed=0)" in code[0]
    assert any("predict(" in cell for cell in code) or source.stem.startswith("00")


@every_notebook
def test_every_link_leads_somewhere(path):
    broken = []
    for text in texts(path):
        for link in (a or b for a, b in LINK.findall(text)):
            file = link.partition("#")[0]
            if file and not re.match(r"[a-z]+:", link) and not (path.parent / file).exists():
                broken.append(link)
    assert not broken


@every_notebook
def test_the_header_names_title_minutes_modules_and_neighbours(path):
    header = texts(path)[0]
    assert re.match(rf"# {path.stem[:2]} · \S", header)
    words = re.sub(r"\[[^\]]*\]\([^)]*\)", "", header.split("\n", 1)[1])  # without title and links
    assert re.search(r"[Mm]inutes|分钟", words) and re.search(r"\b[1-9]\d{1,2}\b", words), "minutes"
    stems = [source.stem for source in SOURCES]
    place = stems.index(path.stem)
    for neighbour in stems[max(place - 1, 0) : place] + stems[place + 1 : place + 2]:
        assert f"({neighbour}.ipynb)" in header
    files = re.findall(r"`(?:lmcourse/)?([a-z0-9_/]+\.py)`", header)
    modules = re.findall(r"`(lmcourse\.[\w.]+)`", header)
    assert files or modules, "the modules, as `text/corpora.py`"
    assert not [file for file in files if not list((ROOT / "lmcourse").rglob(file))]
    assert not [module for module in modules if not find_spec(module)]


@every_source
def test_hints_are_folded_in_both_languages(source):
    lesson = read(source)
    for index in lesson.places("en"):
        english, chinese = lesson.cells[index].source, lesson.cells[index + 1].source
        for mark in ("<details>", "</details>", "<summary>", "$$"):
            assert english.count(mark) == chinese.count(mark), lesson.error(index + 1, mark)
        assert english.count("<details>") == english.count("</details>"), lesson.error(index, "")
        headings = [re.findall(r"^#+ ", text, re.MULTILINE) for text in (english, chinese)]
        assert headings[0] == headings[1], lesson.error(index + 1, "other headings")
