"""How figures look and the few kinds the lessons draw; knows nothing about models or notebooks.

Every helper draws on axes that the lesson made, so that a lesson's own lines stay plain
matplotlib: `figure, axes = plt.subplots()`, a helper, then the names of the axes.
"""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from matplotlib import font_manager

from lmcourse.packages import installed_file

# Okabe & Ito (2008): told apart with any kind of colour vision, and in grey on paper. Their yellow
# is left out: too pale for a line on white.
BLUE, ORANGE, GREEN, PINK, SKY, RED = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
)
GREY = "#6E6E6E"  # what is not the point: floors, guides, the true source
PALETTE = (BLUE, ORANGE, GREEN, PINK, SKY, RED)

_CHINESE = (
    "pylopdf-fonts-zh-cn",
    "pylopdf_fonts_zh_cn/NotoSansSC-Regular.otf",  # Noto Sans SC, SIL Open Font License
    "faa6c9df652116dde789d351359f3d7e5d2285a2b2a1f04a2d7244df706d5ea9",
)


def style() -> None:
    """Give every following figure the course's palette, sizes and fonts, Chinese included.

    Raises FileNotFoundError, with the command that installs it, if the font is missing.
    """
    if "Noto Sans SC" not in {font.name for font in font_manager.fontManager.ttflist}:
        font_manager.fontManager.addfont(installed_file(*_CHINESE))
    mpl.rcParams.update(
        {
            "font.family": ["DejaVu Sans", "Noto Sans SC"],
            "font.size": 10,
            "axes.titlesize": 10,
            "figure.figsize": (6.4, 3.2),
            "figure.dpi": 120,
            "savefig.dpi": 120,
            "figure.constrained_layout.use": True,
            "axes.prop_cycle": mpl.cycler(color=PALETTE),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.edgecolor": GREY,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E4E4E4",
            "image.cmap": "Blues",
            "lines.linewidth": 1.8,
            "lines.markersize": 4,
            "legend.frameon": False,
        }
    )


def curves(axes: plt.Axes, x: Sequence, lines: Mapping[str, Sequence], marker: str = "o") -> None:
    """Draw one line per entry and write its name where the line ends, instead of a legend.

    Set a logarithmic scale before the call: the names are placed in the picture's own units.

    >>> figure, axes = plt.subplots()
    >>> curves(axes, [1, 2, 3], {"train": [3.0, 2.0, 1.5], "validation": [3.1, 2.4, 2.2]})
    >>> [text.get_text() for text in axes.texts]
    ['train', 'validation']
    >>> plt.close(figure)
    """
    drawn = [axes.plot(x, y, marker=marker)[0] for y in lines.values()]
    axes.autoscale_view()
    ends = [line.get_xydata()[-1] for line in drawn]
    heights = axes.transAxes.inverted().transform(axes.transData.transform(ends))[:, 1]
    for name, line, end, height, place in zip(
        lines, drawn, ends, heights, _spread(heights, gap=0.075), strict=True
    ):
        lift = (place - height) * axes.bbox.height * 72 / axes.figure.dpi  # pixels to points
        axes.annotate(
            name, end, (6, lift), textcoords="offset points", va="center", color=line.get_color()
        )


def bars(axes: plt.Axes, labels: Sequence[str], values: Sequence | Mapping[str, Sequence]) -> None:
    """Draw one bar per label; a mapping of several series gives groups of bars and a legend.

    >>> figure, axes = plt.subplots()
    >>> bars(axes, ["a", "b"], {"counted": [0.7, 0.3], "learned": [0.69, 0.31]})
    >>> len(axes.patches)
    4
    >>> plt.close(figure)
    """
    series = values if isinstance(values, Mapping) else {None: values}
    width = 0.8 / len(series)
    for i, (name, heights) in enumerate(series.items()):
        middle = np.arange(len(labels)) + (i - (len(series) - 1) / 2) * width
        axes.bar(middle, heights, width * 0.92, label=name)
    axes.set_xticks(range(len(labels)), labels=[visible(label) for label in labels])
    axes.grid(False, axis="x")
    if isinstance(values, Mapping):
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=len(series), borderaxespad=0.2)


def heat_map(
    axes: plt.Axes,
    matrix: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    digits: int | None = None,
    largest: float | None = None,
) -> None:
    """Draw a matrix as shades, dark for large, with a token beside every row and column.

    Args:
        axes: Where to draw.
        matrix: Numbers of at least zero (rows, columns).
        rows: A token for each row.
        columns: A token for each column.
        digits: Also write each number, rounded to that many decimals.
        largest: The number that gets the darkest shade; the matrix's own maximum if left out.

    >>> figure, axes = plt.subplots()
    >>> heat_map(axes, np.array([[0.9, 0.1], [0.5, 0.5]]), ["我", "爱"], ["北", "京"], digits=1)
    >>> [text.get_text() for text in axes.texts]
    ['0.9', '0.1', '0.5', '0.5']
    >>> plt.close(figure)
    """
    matrix = np.asarray(matrix)
    largest = matrix.max() if largest is None else largest
    axes.imshow(matrix, vmin=0, vmax=largest, aspect="auto", interpolation="nearest")
    axes.set_xticks(range(len(columns)), labels=[visible(token) for token in columns])
    axes.set_yticks(range(len(rows)), labels=[visible(token) for token in rows])
    axes.grid(False)
    axes.tick_params(length=0)
    if digits is not None:
        for (row, column), value in np.ndenumerate(matrix):
            ink = "white" if value > 0.6 * largest else "black"
            axes.text(column, row, f"{value:.{digits}f}", ha="center", va="center", color=ink)


def visible(token: str) -> str:
    """Write a token so that spaces and line breaks can be seen in a figure.

    >>> visible(" the"), visible(chr(10)), visible("京")
    ('␣the', '↵', '京')
    """
    return token.replace(" ", "␣").replace("\n", "↵").replace("\t", "⇥").replace("$", r"\$")


def _spread(heights: np.ndarray, gap: float) -> np.ndarray:
    """Push heights apart to at least `gap`, keeping their order, their middle and off the floor."""
    heights = np.asarray(heights, float)
    order = np.argsort(heights, kind="stable")
    placed = heights[order].copy()
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    placed -= (placed - heights[order]).mean()
    placed += max(0.03 - placed[0], 0)  # not into the names of the axis below
    return placed[np.argsort(order, kind="stable")]
