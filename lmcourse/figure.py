"""The figure of the lineage table in the README: every model on both corpora, in one look.

python -m lmcourse.figure      (part of `make lineage`)
"""

import hashlib
import io
from pathlib import Path

import matplotlib

from lmcourse.evaluation import lineage
from lmcourse.evaluation.lineage import CORPORA, table
from lmcourse.packages import DATA

FILE = DATA / "lineage.png"


def of_table() -> str:
    """Name the stored table by its digest."""
    return "lineage.json " + hashlib.sha256(lineage.FILE.read_bytes()).hexdigest()


def draw():
    """Draw one panel a corpus: bits per character from left to right, the best model on top.

    A grey dot has counted, a blue one has been trained (its line spans three seeds).
    """
    import matplotlib.pyplot as plt

    from lmcourse import plots

    plots.style()
    figure, panels = plt.subplots(1, len(CORPORA), figsize=(10.5, 4.4))
    for axes, corpus in zip(panels, CORPORA, strict=True):
        for height, line in enumerate(table(corpus)):
            bits, spread = line["bits_per_character"], line["spread"] or 0
            colour = plots.GREY if line["spread"] is None else plots.BLUE
            half = spread / 2
            axes.plot([bits - half, bits + half], [height, height], color=colour)
            axes.plot(bits, height, "o", color=colour)
            axes.annotate(
                f"{line['model']}  {bits:.2f}",
                (bits + half, height),
                xytext=(8, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
        left, right = axes.get_xlim()
        axes.set(title=corpus, xlabel="bits per character · 每字符比特数", yticks=[])
        axes.set_xlim(left, right + 0.35 * (right - left))  # room for the longest name
        axes.spines["left"].set_visible(False)
    return figure


def write(path: Path = FILE) -> None:
    """Write the figure; the file says of which table it is."""
    image = io.BytesIO()
    draw().savefig(image, format="png", metadata={"Software": None, "Description": of_table()})
    path.write_bytes(image.getvalue())


if __name__ == "__main__":
    matplotlib.use("agg")
    write()
