"""What every test runs under: no network, static figures, one arithmetic, minutes by part."""

import importlib.util
import os
import shutil
import sys
from collections import defaultdict
from pathlib import Path

import pytest

BLOCK = Path(__file__).parent / "tests/no_network"
SYSTEM_PACKAGES = {"chromium": "chromium", "bwrap": "bubblewrap"}  # as in .ci/run

os.environ.update(LMCOURSE_STATIC="1", TF_ENABLE_ONEDNN_OPTS="0", TF_CPP_MIN_LOG_LEVEL="2")
os.environ["MPLBACKEND"] = "agg"
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(BLOCK), *filter(None, [os.environ.get("PYTHONPATH")])]
)
if "refuse" not in vars(sys.modules.get("sitecustomize", os)):
    spec = importlib.util.spec_from_file_location("block", BLOCK / "sitecustomize.py")
    spec.loader.exec_module(importlib.util.module_from_spec(spec))

seconds = defaultdict(float)


def pytest_runtest_setup(item):
    """Skip what needs a system package that is absent, with the line that installs it; CI fails."""
    for mark in item.iter_markers("needs"):
        command = mark.args[0]
        if shutil.which(command) is None:
            line = f"{command} is missing: sudo apt-get install {SYSTEM_PACKAGES[command]}"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(line)


def pytest_runtest_logreport(report):
    """Add a test's time to its part."""
    part = "tests/classroom" if "tests/classroom/" in report.nodeid else report.nodeid.split("/")[0]
    seconds[part] += report.duration


def pytest_terminal_summary(terminalreporter):
    """Print where the time went: processor seconds of both workers, by part."""
    names = {"lmcourse": "doctests", "tests": "unit", "notebooks": "lessons"}
    names["tests/classroom"] = "assignments"
    parts = [f"{names.get(part, part)} {used / 60:.1f}" for part, used in sorted(seconds.items())]
    terminalreporter.write_line("minutes by part, workers added up: " + " · ".join(parts))
