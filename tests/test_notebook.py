"""What the lessons call in a notebook: the start, the source, predictions, sliders."""

import ast
import os
import random
import subprocess
import sys

import matplotlib.pyplot as plt
import numpy as np
import pytest

from lmcourse import notebook, plots
from lmcourse.notebook import explore, predict, setup, show_source


@pytest.fixture(autouse=True)
def no_figure_stays_open():
    yield
    plt.close("all")


def draw(axes, power):
    axes.plot([1, 2, 3], np.array([1, 2, 3]) ** power)


class Shell:
    """As much of IPython as `explore` and `show_source` look for."""

    def run_line_magic(self, *words):
        self.words = words


def test_the_same_seed_gives_the_same_numbers():
    first = setup(seed=3).random(), random.random(), np.random.random()
    again = setup(seed=3).random(), random.random(), np.random.random()
    other = setup(seed=4).random(), random.random(), np.random.random()
    assert first == again
    assert not set(first) & set(other)


def in_a_new_process(code, **variables):
    """What the code prints when Python is started afresh."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("TF_", "KERAS_"))}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_setup_imports_no_tensorflow_and_settles_its_surroundings():
    printed = in_a_new_process(
        "import os, sys; from lmcourse.notebook import setup; setup();"
        "print({m for m in ('keras', 'tensorflow', 'ipywidgets') if m in sys.modules},"
        "      os.environ['TF_ENABLE_ONEDNN_OPTS'], os.environ['KERAS_BACKEND'])"
    )
    assert printed == "set() 0 tensorflow\n"


def test_keras_is_seeded_even_if_it_is_imported_after_setup(tmp_path):
    (tmp_path / "keras").mkdir()
    (tmp_path / "keras/__init__.py").write_text("from keras import utils\n")
    (tmp_path / "keras/utils.py").write_text("def set_random_seed(seed): print('seed', seed)\n")
    after = "from lmcourse.notebook import setup; setup(seed=7); import keras"
    before = "import keras; from lmcourse.notebook import setup; setup(seed=8)"
    assert in_a_new_process(after, PYTHONPATH=str(tmp_path)) == "seed 7\n"
    assert in_a_new_process(before, PYTHONPATH=str(tmp_path)) == "seed 8\n"


def test_the_real_source_is_shown_under_the_name_of_its_file(capsys):
    show_source(setup, plots.visible)
    printed = capsys.readouterr().out
    file, source = printed.split("\n", 1)
    assert file == "# lmcourse/notebook.py"
    names = [node.name for node in ast.parse(source).body]
    assert names == ["setup", "visible"]
    assert str(os.getcwd()) not in printed


def test_a_method_is_shown_without_its_indentation(capsys):
    show_source(Shell.run_line_magic)
    assert capsys.readouterr().out.split("\n")[1].startswith("def run_line_magic")


def test_in_a_notebook_the_source_is_markdown_that_does_not_depend_on_the_machine(monkeypatch):
    shown = []
    monkeypatch.setattr(notebook, "get_ipython", Shell)
    monkeypatch.setattr(notebook, "display", lambda bundle, raw: shown.append(bundle))
    show_source(plots.visible)
    assert shown[0]["text/markdown"].startswith("```python\n# lmcourse/plots.py\ndef visible(")
    assert shown[0]["text/markdown"].endswith("\n```")
    assert set(shown[0]) == {"text/plain", "text/markdown"}


@pytest.mark.parametrize("thing", [3, "softmax", len, np.add])
def test_only_python_source_can_be_shown(thing):
    with pytest.raises(TypeError, match="takes functions and classes written in Python. Received"):
        show_source(thing)


def test_a_prediction_is_asked_in_both_languages_and_waits_for_nobody(capsys, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("it waits"))
    predict()
    asked = capsys.readouterr().out
    assert "guess" in asked and "猜测" in asked and asked.count("\n") == 1
    predict(1, 2.5, "京")
    assert capsys.readouterr().out == asked + "  (a) 1   (b) 2.5   (c) 京\n"
    predict("H = ? bits")
    assert capsys.readouterr().out == asked + "  H = ? bits\n"


def test_every_setting_has_its_panel_on_shared_axes():
    explore(draw, power=[1, 2])
    first, second = plt.gcf().axes
    assert [first.get_title(), second.get_title()] == ["power = 1", "power = 2"]
    assert first.lines[0].get_ydata().tolist() == [1, 2, 3]
    assert second.lines[0].get_ydata().tolist() == [1, 4, 9]
    assert first.get_ylim() == second.get_ylim()


def test_of_many_settings_six_are_stored_with_the_first_and_the_last():
    explore(draw, power=np.arange(1, 12))
    titles = [axes.get_title() for axes in plt.gcf().axes]
    assert titles == [f"power = {n}" for n in (1, 3, 5, 7, 9, 11)]


def test_a_panel_without_a_setting_stays_empty():
    explore(draw, power=[1, 2, 3, 4])
    assert [axes.get_visible() for axes in plt.gcf().axes] == [True] * 4 + [False] * 2


def test_the_slider_is_made_for_a_live_reader_only(monkeypatch):
    made = []
    monkeypatch.setattr(notebook, "_slider", lambda *settings: made.append(settings))
    explore(draw, power=[1, 2])
    assert not made  # a plain script
    monkeypatch.setattr(notebook, "get_ipython", Shell)
    monkeypatch.setenv("LMCOURSE_STATIC", "1")
    explore(draw, power=[1, 2])
    assert not made  # the builder, the tests
    monkeypatch.delenv("LMCOURSE_STATIC")
    explore(draw, power=(1, 2))
    assert made == [(draw, "power", [1, 2])]


def test_the_slider_draws_the_setting_it_stands_on(monkeypatch):
    widgets = []
    monkeypatch.setattr("ipywidgets.interact", lambda show, value: widgets.append((show, value)))
    notebook._slider(draw, "power", [1, 2])
    show, slider = widgets[0]
    assert slider.options == (1, 2) and slider.description == "power"
    show(2)
    (axes,) = plt.gcf().axes
    assert axes.get_title() == "power = 2"
    assert axes.lines[0].get_ydata().tolist() == [1, 4, 9]


@pytest.mark.parametrize("choice", [{}, {"power": []}, {"power": [1], "other": [2]}])
def test_explore_takes_one_name_with_values(choice):
    with pytest.raises(ValueError, match="takes one name with the values it may take. Received"):
        explore(draw, **choice)
