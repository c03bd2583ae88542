"""The course as a learner meets it: JupyterLab in a real browser, lesson 00, every cell run."""

import html
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

CODE = """
import sys
from pathlib import Path
from lmcourse import cli
cli.WORKING = Path(sys.argv[1])
cli.main(["lab", "--no-browser", "--allow-root", *sys.argv[2:]])
"""
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update",
            "--disable-sync"]  # fmt: skip
PATIENCE = 120  # seconds; a busy machine starts a server slowly


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(ready, what):
    deadline = time.monotonic() + PATIENCE
    while not ready():
        assert time.monotonic() < deadline, f"{what} took longer than {PATIENCE} s"
        time.sleep(0.5)


def answers(address):
    try:
        return urllib.request.urlopen(address, timeout=5).status == 200
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


@pytest.fixture
def lab(tmp_path):
    """A running `lmcourse lab` on loopback: its address and its working copy."""
    port, working = free_port(), tmp_path / "my notebooks"
    environment = os.environ | {"JUPYTER_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)}
    environment.pop("LMCOURSE_STATIC")  # a live learner, sliders and all
    options = [f"--port={port}", "--IdentityProvider.token=secret"]
    with open(tmp_path / "log", "w") as log:
        server = subprocess.Popen(
            [sys.executable, "-c", CODE, str(working), *options],
            stdout=log, stderr=log, env=environment,
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}"
        try:
            wait_for(lambda: answers(f"{address}/api?token=secret"), "the server's start")
            yield address, working
        finally:
            server.terminate()
            server.wait(30)
    assert "no network beyond this machine" not in (tmp_path / "log").read_text()


def outputs(notebook):
    """Every stored output of a saved notebook, or None while it is being written."""
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    except json.JSONDecodeError:
        return None
    return [output for cell in cells for output in cell.get("outputs", ())]


@pytest.mark.needs("chromium")
@pytest.mark.parametrize("name", ["00_start.ipynb", "zh/00_start.ipynb"])
def test_a_learner_opens_the_first_lesson_and_runs_every_cell(lab, name):
    from playwright.sync_api import sync_playwright

    address, working = lab
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM
        )
        page = browser.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.goto(f"{address}/lab/tree/{name}?token=secret")
        page.get_by_text("| Idle").first.wait_for()
        page.get_by_role("menuitem", name="Run", exact=True).click()
        page.get_by_text("Run All Cells", exact=True).click()

        def slider_is_saved():
            page.keyboard.press("Control+s")
            widgets = "application/vnd.jupyter.widget-view+json"
            return any(widgets in out.get("data", {}) for out in outputs(working / name) or ())

        wait_for(slider_is_saved, "the run to the slider")
        page.get_by_text("| Idle").first.wait_for()
        page.keyboard.press("Control+s")
        assert page.get_by_text("official Jupyter news").count() == 0  # no pop-up asks for consent
        browser.close()
    assert not [out for out in outputs(working / name) if out["output_type"] == "error"]


def test_the_grading_tools_show_a_learner_nothing(lab):
    address, _ = lab
    page = urllib.request.urlopen(f"{address}/lab?token=secret").read().decode()
    data = re.search(r'id="jupyter-config-data" type="application/json">(.*?)<', page, re.DOTALL)
    config = json.loads(html.unescape(data[1]))
    shown = {extension["name"] for extension in config["federated_extensions"]}
    assert "@jupyter-widgets/jupyterlab-manager" in shown
    hidden = config["disabledExtensions"]
    assert shown & {"@jupyter/nbgrader", "jupyterlab-jupytext"} <= set(hidden), hidden
    assert not answers(f"{address}/formgrader?token=secret")
