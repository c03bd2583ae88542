"""The figure in the README is that of the stored table."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from PIL import Image

from lmcourse import figure
from lmcourse.evaluation import lineage

ROOT = Path(__file__).parent.parent


def test_the_stored_figure_is_of_todays_table():
    with Image.open(figure.FILE) as image:
        assert image.info["Description"] == figure.of_table()


@pytest.mark.parametrize("readme", ["README.md", "README.zh.md"])
def test_both_readmes_show_it(readme):
    text = (ROOT / readme).read_text(encoding="utf-8")
    assert re.search(r"!\[.{40,}\]\(data/lineage\.png\)", text)


def test_every_model_has_its_dot_and_its_number():
    drawn = figure.draw()
    for axes, corpus in zip(drawn.axes, lineage.CORPORA, strict=True):
        texts = [text.get_text() for text in axes.texts]
        dots = [line.get_xdata()[0] for line in axes.lines if line.get_marker() == "o"]
        table = lineage.table(corpus)
        assert texts == [f"{row['model']}  {row['bits_per_character']:.2f}" for row in table]
        assert dots == [row["bits_per_character"] for row in table]
    plt.close(drawn)
