"""Walls of Docker, where bubblewrap is missing. Knows nothing of what runs inside.

A worker is a container of an image that is made once: Python, NumPy and the worker's own files. No
network, no file of the teacher's, a small folder that is thrown away, no rights.
"""

import io
import platform
import shutil
import subprocess
import sys
import tarfile
import uuid
from functools import cache
from hashlib import sha256
from importlib.metadata import version

from lmcourse.classroom.limits import (
    CLASSROOM,
    ENVIRONMENT,
    KIT,
    SCRATCH,
    WORKER,
    Limits,
    NoSandbox,
    become,
)

LONGEST = 900  # seconds: what nobody asks for any more, ends itself
PATIENCE = 30  # seconds for a word with Docker
RECIPE = """FROM python:{python}-slim
RUN pip install --no-cache-dir numpy=={numpy}
COPY kit /kit
"""


@cache
def found() -> str | None:
    """Find Docker; None where it is missing or doesn't run."""
    path = shutil.which("docker")
    if path is None:
        return None
    try:
        told = subprocess.run([path, "version"], capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None if told.returncode else path  # it also asks the server


@cache
def image() -> str:
    """Give the name of the image; make it, once for each version of Python, NumPy and the worker.

    Raises:
        NoSandbox: if Docker can't make it, with its own words.
    """
    context = _context()
    name = f"lmcourse-sandbox:{sha256(context).hexdigest()[:12]}"
    if subprocess.run([found(), "image", "inspect", name], capture_output=True).returncode:
        print(f"- make the sandbox {name}: once, with a network", file=sys.stderr)
        build = [found(), "build", "--quiet", "--tag", name, "-"]
        made = subprocess.run(build, input=context, capture_output=True)
        if made.returncode:
            words = made.stderr.decode(errors="replace").strip()
            raise NoSandbox(f"Docker could not make the sandbox: {words[-500:]}")
    return name


def start(limits: Limits, place: int, **streams) -> subprocess.Popen:
    """Start a worker inside; `place` says which of the sandboxes side by side this is."""
    return Container(limits, place, **streams)


class Container(subprocess.Popen):
    """The `docker run` of one container; to kill it is to kill the container."""

    def __init__(self, limits: Limits, place: int, **streams):
        self.name = f"lmcourse-{uuid.uuid4().hex}"
        words = [*self._walls(limits), image(), *_program(limits, place)]
        super().__init__(words, **streams)

    def kill(self) -> None:
        """End all that runs inside."""
        super().kill()  # first, or Docker waits for it to take what the container says
        try:
            subprocess.run([found(), "kill", self.name], capture_output=True, timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            pass

    def _walls(self, limits):
        """What Docker is asked for."""
        memory = str(limits.memory)
        words = [found(), "run", "--name", self.name, "--rm", "--interactive"]
        words += ["--network", "none", "--ipc", "none", "--hostname", "sandbox"]
        words += ["--read-only", "--workdir", "/tmp", "--log-driver", "none"]
        words += ["--tmpfs", f"/tmp:size={SCRATCH},nr_inodes={limits.files},mode=1777"]
        words += ["--memory", memory, "--memory-swap", memory, "--cpus", "1"]
        words += ["--pids-limit", str(limits.processes + 1), "--security-opt", "no-new-privileges"]
        words += ["--user", "0", "--cap-drop", "ALL"]
        words += [f"--cap-add={right}" for right in ("KILL", "SETGID", "SETUID")]
        return words + [f"--env={name}={value}" for name, value in ENVIRONMENT.items()]


def _program(limits, place):
    """What the container starts: a clock, and Python with the worker as another user."""
    clock = ["timeout", "--signal=KILL", str(LONGEST)]
    return [*clock, *become(place), "python", "-I", "-B", WORKER, limits.for_worker(), "/kit"]


def _context() -> bytes:
    """What the image is made of, as an archive that is the same every time."""
    python = ".".join(platform.python_version_tuple()[:2])
    recipe = RECIPE.format(python=python, numpy=version("numpy"))
    files = {"Dockerfile": recipe.encode()} | {
        f"kit/lmcourse/classroom/{name}": (CLASSROOM / name).read_bytes() for name in KIT
    }
    files["kit/lmcourse/__init__.py"] = (CLASSROOM.parent / "__init__.py").read_bytes()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
