"""What only a notebook needs: a reproducible start, the package's own source, predictions, sliders.

Knows nothing about the lessons that call it. Both languages of a lesson share one set of outputs,
so nothing here writes a sentence in one language alone.
"""

import inspect
import os
import random
import sys
import textwrap
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from IPython import get_ipython
from IPython.display import display
from wrapt import when_imported

from lmcourse import plots

_ENVIRONMENT = {
    "KERAS_BACKEND": "tensorflow",
    "TF_ENABLE_ONEDNN_OPTS": "0",  # the same digits on every kind of processor
    "TF_CPP_MIN_LOG_LEVEL": "2",  # errors only
}
_PANELS = 6  # the most that a stored figure shows of a slider's positions


def setup(seed: int = 0) -> np.random.Generator:
    """Make the lesson repeatable and its figures uniform; the first line of every lesson.

    Seeds Python, NumPy and, now or when the lesson comes to import it, Keras; sets the figure
    style. Call it before Keras is imported, so that TensorFlow's settings are read and its
    start-up messages go to the terminal instead of the page. It imports neither of them itself:
    the first lessons do without.

    Args:
        seed: The start of every random number in the lesson.

    Returns:
        The generator to pass to everything random as `rng`.

    >>> rng = setup(seed=0)
    >>> int(rng.integers(1000))
    850
    """
    if "tensorflow" not in sys.modules:
        os.environ.update(_ENVIRONMENT)
    if get_ipython() is not None:
        get_ipython().run_line_magic("matplotlib", "inline")
        with suppress(OSError):  # a kernel copies what C++ code logs into the page: undo that
            os.dup2(sys.stderr.fileno(), 2)
    random.seed(seed)
    np.random.seed(seed)
    when_imported("keras")(lambda keras: keras.utils.set_random_seed(seed))
    plots.style()
    return np.random.default_rng(seed)


def show_source(*objects: Callable) -> None:
    """Show the real source of functions or classes of the package, and the file they stand in.

    The lesson prints what it runs instead of a copy that could drift away from it. Stored as
    Markdown, which JupyterLab colours and which changes only when the source does.

    >>> show_source(setup)
    ... # doctest: +ELLIPSIS
    # lmcourse/notebook.py
    def setup(seed: int = 0) -> np.random.Generator:
    ...
    """
    for shown in objects:
        try:
            file, source = inspect.getsourcefile(shown), inspect.getsource(shown)
        except (TypeError, OSError):
            raise TypeError(
                f"`show_source` takes functions and classes written in Python. Received: {shown!r}"
            ) from None
        code = f"# {_short(file)}\n{textwrap.dedent(source).rstrip()}"
        if get_ipython() is None:
            print(code)
        else:
            bundle = {"text/plain": code, "text/markdown": f"```python\n{code}\n```"}
            display(bundle, raw=True)


def predict(*choices: object) -> None:
    """Ask for a guess before the next cell is run; never waits for one.

    The question stands in the Markdown cell above, in the reader's language. What is passed here
    is only what needs no translation: numbers, symbols, tokens to choose among.

    >>> predict("< 1/2", "≈ 2/3", "> 3/4")
    ✎ Write down your guess, then run the next cell · 先写下你的猜测，再运行下一格
      (a) < 1/2   (b) ≈ 2/3   (c) > 3/4
    """
    print("✎ Write down your guess, then run the next cell · 先写下你的猜测，再运行下一格")
    if len(choices) == 1:
        print(f"  {choices[0]}")
    elif choices:
        print("  " + "   ".join(f"({'abcdefgh'[i]}) {c}" for i, c in enumerate(choices)))


def explore(draw: Callable, **choice: Sequence) -> None:
    """Draw a figure for several settings side by side; a live reader also gets a slider.

    The panels (at most six, evenly chosen) are what the notebook stores, so that the page reads
    the same on paper. The slider, drawn large and with every setting, is made only in a live
    session: with `LMCOURSE_STATIC=1` (builder, tests) no widget comes into being.

    Args:
        draw: Called as `draw(axes, name=value)`; draws one setting on the given axes.
        **choice: One name and the values it may take.

    >>> def draw(axes, temperature):
    ...     plots.bars(axes, "abc", np.exp(np.array([2, 1, -1]) / temperature))
    >>> explore(draw, temperature=[0.5, 1, 2])
    >>> [axes.get_title() for axes in plt.gcf().axes]
    ['temperature = 0.5', 'temperature = 1', 'temperature = 2']
    >>> plt.close("all")
    """
    if len(choice) != 1 or not len(values := list(*choice.values())):
        raise ValueError(
            f"`explore` takes one name with the values it may take. Received: {choice}"
        )
    (name,) = choice
    _side_by_side(draw, name, values)
    if get_ipython() is not None:
        plt.show()
        if os.environ.get("LMCOURSE_STATIC") != "1":
            _slider(draw, name, values)


def _side_by_side(draw: Callable, name: str, values: list) -> None:
    """Draw a grid of panels, up to three in a row, that share their axes."""
    chosen = np.linspace(0, len(values) - 1, min(_PANELS, len(values))).round().astype(int)
    rows, columns = -(-len(chosen) // 3), min(3, len(chosen))
    figure, panels = plt.subplots(
        rows, columns, figsize=(7.2, 2.5 * rows), sharex=True, sharey=True, squeeze=False
    )
    for panel, index in zip(panels.flat, chosen, strict=False):
        draw(panel, **{name: values[index]})
        panel.set_title(f"{name} = {values[index]}")
        panel.label_outer()
    for panel in panels.flat[len(chosen) :]:
        panel.set_visible(False)


def _slider(draw: Callable, name: str, values: list) -> None:
    """Show one large figure under a slider; only ever called for a live reader."""
    from ipywidgets import SelectionSlider, interact

    def show(value):
        _, axes = plt.subplots()
        draw(axes, **{name: value})
        axes.set_title(f"{name} = {value}")
        plt.show()

    whole = {"description_width": "initial"}  # the name is not cut short
    interact(show, value=SelectionSlider(options=values, description=name, style=whole))


def _short(file: str) -> str:
    """Name a file from its package on: the part of the path that is the same everywhere."""
    path, package = Path(file), Path(__file__).parent
    inside = path.is_relative_to(package)
    return path.relative_to(package.parent).as_posix() if inside else path.name
