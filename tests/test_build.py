"""The builder: the same bytes twice, both languages, and errors that name the source's line."""

import base64
import io
import os
import re
import shutil
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from lmcourse import build
from lmcourse.lesson import LessonError, read

FIXTURE = Path(__file__).parent / "fixtures/src/00_fixture.py"
PAIR = '# %% [markdown]\n# text\n\n# %% [markdown] lang="zh"\n# 文字\n\n'
NAMES = ("00_fixture.ipynb", "zh/00_fixture.ipynb")


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The fixture lesson, built once, in a folder whose name has a space."""
    folder = tmp_path_factory.mktemp("a course") / "notebooks"
    (folder / "src").mkdir(parents=True)
    shutil.copy(FIXTURE, folder / "src")
    with pytest.MonkeyPatch.context() as surroundings:  # the builder sets them by itself
        surroundings.delenv("LMCOURSE_STATIC", raising=False)
        changed = build.build(folder / "src" / FIXTURE.name)
    assert changed == [folder / name for name in NAMES]
    return folder


@pytest.fixture
def books(built):
    languages = zip(("en", "zh"), NAMES, strict=True)
    return {language: nbformat.read(built / name, 4) for language, name in languages}


def codes(book):
    return [cell for cell in book.cells if cell.cell_type == "code"]


def lesson_of(tmp_path, code):
    folder = tmp_path / "notebooks" / "src"
    folder.mkdir(parents=True)
    (folder / "07_x.py").write_text(PAIR + code, encoding="utf-8")
    return folder / "07_x.py"


def test_building_twice_gives_identical_bytes(built):
    first = {name: (built / name).read_bytes() for name in NAMES}
    again = {name: (built / name).stat().st_mtime_ns for name in NAMES}
    assert build.build(built / "src" / FIXTURE.name) == []
    assert {name: (built / name).read_bytes() for name in NAMES} == first
    assert {name: (built / name).stat().st_mtime_ns for name in NAMES} == again  # not touched


def test_nothing_in_a_notebook_tells_when_or_where_it_was_built(built, books):
    for name, book in zip(NAMES, books.values(), strict=True):
        text = (built / name).read_text(encoding="utf-8")
        assert text.endswith("}\n")
        assert str(built) not in text and not build.OF_THIS_MACHINE.search(text)
        assert not re.search(r"\d\d:\d\d|iopub|Matplotlib", text)
        assert sorted(book.metadata) == ["kernelspec", "language_info", "lmcourse"]
        assert "version" not in book.metadata.language_info


def test_every_code_cell_was_executed_in_order(books):
    for book in books.values():
        counts = [cell.execution_count for cell in codes(book)]
        assert counts == list(range(1, len(counts) + 1))


def test_both_languages_have_the_same_code_and_the_same_outputs(books):
    for english, chinese in zip(codes(books["en"]), codes(books["zh"]), strict=True):
        for book_cell in (english, chinese):
            for output in book_cell.outputs:
                output.metadata = {}
        assert english == chinese


def test_the_outputs_are_what_the_code_says(books):
    values = np.random.default_rng(0).integers(10, size=3)
    stream, value = codes(books["en"])[2].outputs
    assert stream.text == "first\nsecond\n"
    assert value.data["text/plain"] == repr(values)


def test_captions_become_alternative_text_in_each_language(books):
    alternatives = {
        language: [
            output.metadata["image/png"]["alt"]
            for cell in codes(book)
            for output in cell.outputs
            if "image/png" in output.get("data", {})
        ]
        for language, book in books.items()
    }
    assert alternatives == {
        "en": ["Two bars, one for 我.", "The weights of two tokens at three temperatures."],
        "zh": ["两个条形，一个属于 我。", "三种温度下两个词元的权重。"],
    }


def test_the_stored_pictures_are_small_and_carry_no_metadata(books):
    for cell in codes(books["en"]):
        for output in cell.outputs:
            if "image/png" in output.get("data", {}):
                content = base64.b64decode(output.data["image/png"])
                picture = Image.open(io.BytesIO(content))
                assert picture.mode == "P" and not picture.info.get("Software")
                assert len(content) < 15_000


def test_no_widget_is_stored(built):
    assert "widget" not in (built / NAMES[0]).read_text(encoding="utf-8")


def test_what_has_not_changed_is_not_built_again(built, monkeypatch, capsys):
    monkeypatch.setattr(build, "SOURCES", built / "src")
    monkeypatch.setattr(build, "build", lambda source: pytest.fail("it was built again"))
    assert build.main([]) == build.main(["0"]) == build.main(["00_fixture"]) == 0
    assert capsys.readouterr().out == "00_fixture: up to date\n" * 3


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: (folder / NAMES[1]).unlink(),
        lambda folder: (folder / NAMES[0]).write_text("{"),
        lambda folder: edit(folder / "src" / FIXTURE.name, "1/2", "1/3"),
        lambda folder: edit(folder / NAMES[0], "print(", "write("),
        lambda folder: edit(folder / NAMES[1], "哪个", "那个"),
        lambda folder: edit(folder / NAMES[1], '"built_from": "', '"built_from": "0'),
    ],
)
def test_what_has_changed_is_built_again(built, tmp_path, change):
    folder = shutil.copytree(built, tmp_path / "notebooks")
    source = folder / "src" / FIXTURE.name
    assert build.is_current(source)
    change(folder)
    assert not build.is_current(source)


def edit(file, old, new):
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_difference_from_the_source_names_the_line(built, tmp_path):
    folder = shutil.copytree(built, tmp_path / "notebooks")
    source = folder / "src" / FIXTURE.name
    assert build.differences(read(source), "zh") == []
    edit(folder / NAMES[1], "哪个", "那个")
    (found,) = build.differences(read(source), "zh")
    assert re.search(r"00_fixture.py:22: the stored cell reads '那个数更大？'$", found)
    (folder / NAMES[0]).unlink()
    (found,) = build.differences(read(source), "en")
    assert found.endswith("00_fixture.ipynb was never built")


def test_a_wrong_cell_gives_the_line_of_the_source_and_writes_nothing(
    tmp_path, monkeypatch, capsys
):
    source = lesson_of(
        tmp_path,
        "# %%\nfrom lmcourse.plots import visible\n\n\ndef show(token):\n"
        "    return visible(token)\n\n\n# %%\nprint(1)\n\nshow(5)\n",
    )
    kept = tmp_path / "notebooks" / "07_x.ipynb"
    kept.write_text("an earlier build")
    monkeypatch.setattr(build, "SOURCES", source.parent)
    monkeypatch.chdir(tmp_path)
    assert build.main(["07"]) == 1
    first, *way = [line for line in capsys.readouterr().err.split("\n") if ".py:" in line]
    name = os.path.join("notebooks", "src", "07_x.py")
    assert first == f"{name}:12: AttributeError: 'int' object has no attribute 'replace'"
    assert way[0] == f"    {name}:18: show(5)"
    assert way[1] == f"    {name}:12: return visible(token)"
    assert re.fullmatch(r"    .*plots.py:\d+: return token.replace\(.*", way[2])
    assert kept.read_text() == "an earlier build"
    assert sorted(path.name for path in kept.parent.iterdir()) == ["07_x.ipynb", "src"]


def test_a_cell_that_is_not_python_gives_the_line_of_the_source(tmp_path, monkeypatch, capsys):
    source = lesson_of(tmp_path, "# %%\nx = 1\ny = = 2\n")
    monkeypatch.setattr(build, "SOURCES", source.parent)
    monkeypatch.chdir(tmp_path)
    assert build.main([]) == 1
    name = os.path.join("notebooks", "src", "07_x.py")
    assert capsys.readouterr().err == f"{name}:9: SyntaxError: invalid syntax\n"


def test_an_unknown_lesson_is_named_with_those_there_are(built, monkeypatch, capsys):
    monkeypatch.setattr(build, "SOURCES", built / "src")
    assert build.main(["00", "31"]) == 1
    assert capsys.readouterr().err == "LESSON must be one of 00_fixture. Received: 31\n"


def picture(size=(8, 8), noise=False):
    """A PNG as a kernel sends it, with the drawing program's name in it."""
    pixels = np.random.default_rng(0).integers(256, size=(*size, 3)) * noise
    file, notes = io.BytesIO(), PngImagePlugin.PngInfo()
    notes.add_text("Software", "Matplotlib")
    Image.fromarray(pixels.astype(np.uint8)).save(file, "PNG", pnginfo=notes)
    return base64.b64encode(file.getvalue()).decode()


def output(kind="display_data", **data):
    return nbformat.v4.new_output(
        kind, data={name.replace("_", "/"): value for name, value in data.items()}
    )


@pytest.mark.parametrize(
    ("stored", "rule"),
    [
        (output(text_plain="<object at 0x7f00deadbeef>"), "Received: '0x7f00deadbeef'"),
        (output(text_plain="[Text(0.5, 0, 'n')]"), r"must end in `plt.show\(\)`"),
        (output(text_plain="<matplotlib.legend.Legend at 0x7f00deadbeef>"), r"must end in `plt"),
        (output(text_markdown="see /home/ada/x.py"), "path or an address .* Received: '/home/'"),
        (output(image_png=picture((300, 300), True)), "40,000 bytes; .* Received: [0-9,]{6,}"),
        (output(**{"image_svg+xml": "<svg/>"}), r"must be a PNG. Received: image/svg\+xml"),
        (output(**{"application_vnd.jupyter.widget-view+json": {}}), "a widget may not be stored"),
        (nbformat.v4.new_output("stream", name="stdout", text="/tmp/x"), "Received: '/tmp/'"),
        (nbformat.v4.new_output("stream", name="stderr", text="Warn: x"), "may not warn; it wrote"),
        (nbformat.v4.new_output("stream", name="stderr", text="absl::I"), r"call `setup\(\)`"),
        (nbformat.v4.new_output("error", ename="E", evalue="", traceback=[]), "catch the exc"),
    ],
)
def test_an_output_that_may_not_be_stored_is_refused_with_its_line(stored, rule):
    with pytest.raises(LessonError, match=rf"00_fixture.py:10: .*{rule}"):
        build._check(read(FIXTURE), 2, stored)


@pytest.mark.parametrize(
    ("outputs", "caption", "rule"),
    [
        ([output(image_png=picture())], "text", r"below a figure must begin with `\*\*Figure"),
        ([], "**Figure.** None.", "must stand below a cell that draws a figure"),
        ([output(image_png=picture())] * 2, "**Figure.** Two.", "one figure. Received: 2"),
    ],
)
def test_a_figure_and_its_caption_come_together(tmp_path, outputs, caption, rule):
    zh = caption.replace("Figure", "图")
    code = f'# %%\n1\n\n# %% [markdown]\n# {caption}\n\n# %% [markdown] lang="zh"\n# {zh}\n'
    lesson = read(lesson_of(tmp_path, code))
    for language in ("en", "zh"):
        book = build.notebook(lesson, language)
        book.cells[1].outputs = outputs
        with pytest.raises(LessonError, match=rule.replace("Figure", "(Figure|图)")):
            build._describe_figures(lesson, language, book)
