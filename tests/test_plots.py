"""The look of figures: Chinese renders, names don't overlap, colours can be told apart."""

import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.font_manager import FontProperties, fontManager
from numpy.testing import assert_allclose

from lmcourse import plots


@pytest.fixture(autouse=True)
def styled():
    with mpl.rc_context():
        plots.style()
        yield
        plt.close("all")


def rendered(figure):
    """The picture as bytes; a glyph that no font has is a warning, and so an error."""
    file = io.BytesIO()
    figure.savefig(file)
    return file.getvalue()


def test_chinese_and_the_marks_for_white_space_have_glyphs():
    figure, axes = plt.subplots()
    plots.bars(axes, ["我", "爱", " ", "\n", "\t", "$"], range(6))
    axes.set(xlabel="下一个字符，“困惑度”：…", title="三国演义 held-out, −log₂ p ≤ ½")
    assert rendered(figure)


def test_a_missing_glyph_would_be_an_error():
    figure, axes = plt.subplots()
    axes.set_title("\U00012000")  # a cuneiform sign that neither font has
    with pytest.raises(UserWarning, match="missing from font"):
        rendered(figure)


def test_the_chinese_font_is_the_pinned_one():
    path = fontManager.findfont(FontProperties(family="Noto Sans SC"))
    assert path.endswith("NotoSansSC-Regular.otf")
    names = [font.name for font in fontManager.ttflist]
    plots.style()
    assert [font.name for font in fontManager.ttflist] == names  # added once


def test_the_colours_differ_in_lightness_or_hue_on_white_paper():
    colours = np.array([mpl.colors.to_rgb(colour) for colour in plots.PALETTE])
    distances = np.linalg.norm(colours[:, None] - colours[None], axis=-1)
    assert distances[np.triu_indices(len(colours), 1)].min() > 0.25
    assert (colours @ [0.299, 0.587, 0.114]).max() < 0.75  # none fades into the page


def test_names_stand_at_the_ends_of_their_lines_in_their_colours():
    _, axes = plt.subplots()
    plots.curves(axes, [1, 2], {"up": [0, 1], "down": [1, 0]})
    assert [(text.get_text(), text.xy) for text in axes.texts] == [("up", (2, 1)), ("down", (2, 0))]
    assert [text.get_color() for text in axes.texts] == list(plots.PALETTE[:2])


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_names_of_lines_that_end_together_do_not_overlap(scale):
    figure, axes = plt.subplots()
    axes.set_yscale(scale)
    plots.curves(axes, [1, 2, 3], {name: [9, 5, 2 + i / 99] for i, name in enumerate("abcd")})
    figure.canvas.draw()
    boxes = sorted((t.get_window_extent() for t in axes.texts), key=lambda box: box.y0)
    assert all(low.y1 <= high.y0 + 1 for low, high in zip(boxes, boxes[1:], strict=False))


def test_spreading_keeps_the_order_the_middle_and_what_is_apart():
    assert_allclose(plots._spread(np.array([0.9, 0.1, 0.5]), gap=0.1), [0.9, 0.1, 0.5])
    assert_allclose(plots._spread(np.array([0.5, 0.5]), gap=0.1), [0.45, 0.55])
    assert_allclose(plots._spread(np.array([0.52, 0.5, 0.48]), gap=0.1), [0.6, 0.5, 0.4])
    assert_allclose(plots._spread(np.array([0.0, 0.0]), gap=0.1), [0.03, 0.13])  # off the axis


def test_groups_of_bars_share_the_room_of_a_label():
    _, axes = plt.subplots()
    plots.bars(axes, ["a", "b"], {"counted": [0.7, 0.3], "learned": [0.6, 0.4]})
    heights = [bar.get_height() for bar in axes.patches]
    middles = [bar.get_x() + bar.get_width() / 2 for bar in axes.patches]
    assert heights == [0.7, 0.3, 0.6, 0.4]
    assert_allclose(middles, [-0.2, 0.8, 0.2, 1.2])
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["counted", "learned"]
    axes.figure.canvas.draw()
    assert axes.get_legend().get_window_extent().y0 >= axes.get_window_extent().y1  # above


def test_a_heat_map_names_rows_and_columns_and_writes_readable_numbers():
    _, axes = plt.subplots()
    plots.heat_map(axes, [[0.0, 1.0], [0.25, 0.75], [0.5, 0.5]], "ab ", "我爱", digits=2)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["a", "b", "␣"]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["我", "爱"]
    texts = [(text.get_text(), text.get_color()) for text in axes.texts]
    assert texts[:2] == [("0.00", "black"), ("1.00", "white")]
    assert len(texts) == 6


def test_a_heat_map_without_digits_has_no_numbers_and_keeps_the_given_scale():
    _, axes = plt.subplots()
    plots.heat_map(axes, np.full((2, 2), 0.5), "ab", "ab", largest=1)
    assert not axes.texts
    assert axes.images[0].get_clim() == (0, 1)
