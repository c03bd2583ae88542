"""Docker's walls: what is asked of Docker, played by a program that runs the worker here.

The attacks themselves run in real containers with `SANDBOX=docker` (test_hostile.py).
"""

import io
import platform
import sys
import tarfile
from importlib.metadata import version

import pytest

from lmcourse.classroom import docker
from lmcourse.classroom.limits import KIT, Limits, NoSandbox
from lmcourse.classroom.student import Worker

PLAYED = """import json, os, pathlib, sys
here, words = pathlib.Path({here!r}), sys.argv[1:]
with open(here / "asked", "a") as file:
    file.write(json.dumps(words) + "\\n")
if words[0] == "build":
    (here / "context").write_bytes(sys.stdin.buffer.read())
    sys.exit(print("no route to the registry", file=sys.stderr) or 1 if (here / "offline").exists() else 0)
if words[:2] == ["image", "inspect"]:
    sys.exit(not (here / "context").exists())
if words[0] == "run":
    os.execv(sys.executable, [sys.executable, {worker!r}, "{{}}", {root!r}])
"""  # noqa: E501


@pytest.fixture
def played(tmp_path, monkeypatch):
    """A folder with a `docker` that keeps what it is asked."""
    worker, root = docker.CLASSROOM / "worker.py", docker.CLASSROOM.parent.parent
    played = PLAYED.format(here=str(tmp_path), worker=str(worker), root=str(root))
    (tmp_path / "played.py").write_text(played)
    program = tmp_path / "docker"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{tmp_path}/played.py" "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for known in (docker.found, docker.image):
        known.cache_clear()
    yield tmp_path
    for known in (docker.found, docker.image):
        known.cache_clear()


def asked(folder):
    return (folder / "asked").read_text().splitlines()


def test_a_worker_in_a_container_answers_and_is_ended_by_its_name(played):
    worker = Worker("docker", Limits(memory=2**28, processes=5, files=77), place=3)
    worker.run("seen = 6 * 7")
    assert worker.value("seen") == 42
    worker.close()
    (run,) = [line for line in asked(played) if line.startswith('["run"')]
    for wall in (
        '"--network", "none"',
        '"--ipc", "none"',
        '"--read-only"',
        '"--rm"',
        '"--cap-drop", "ALL"',
        '"no-new-privileges"',
        f'"--memory", "{2**28}", "--memory-swap", "{2**28}"',
        '"--pids-limit", "6"',
        "nr_inodes=77,",
        '"--reuid=60003"',
    ):
        assert wall in run, run
    assert "--volume" not in run and "--mount" not in run  # no file of the teacher's
    name = run.split('"--name", "')[1].split('"')[0]
    assert asked(played)[-1] == f'["kill", "{name}"]'


def test_the_image_is_made_once_and_holds_python_numpy_and_the_kit(played, capsys):
    name = docker.image()
    docker.image.cache_clear()
    assert docker.image() == name
    assert sum(line.startswith('["build"') for line in asked(played)) == 1
    assert f"make the sandbox {name}" in capsys.readouterr().err
    with tarfile.open(fileobj=io.BytesIO((played / "context").read_bytes())) as archive:
        recipe = archive.extractfile("Dockerfile").read().decode()
        inside = sorted(set(archive.getnames()) - {"Dockerfile"})
    python = ".".join(platform.python_version_tuple()[:2])
    assert f"FROM python:{python}-slim" in recipe and f"numpy=={version('numpy')}" in recipe
    kit = [f"kit/lmcourse/classroom/{name}" for name in KIT]
    assert inside == sorted([*kit, "kit/lmcourse/__init__.py"])


def test_an_image_that_cannot_be_made_says_why(played):
    (played / "offline").touch()
    with pytest.raises(NoSandbox, match="could not make the sandbox: no route to the registry"):
        docker.image()


def test_a_docker_that_does_not_answer_is_none(played):
    (played / "docker").write_text("#!/bin/sh\nexit 1\n")
    assert docker.found() is None
