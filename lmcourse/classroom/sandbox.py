"""The walls around a submission: bubblewrap or Docker, whichever is here, or none."""

import json
import os
import subprocess
import sys

from lmcourse.classroom import bubblewrap, docker
from lmcourse.classroom.limits import CLASSROOM, Limits, NoSandbox

WALLS = {"bubblewrap": bubblewrap, "docker": docker}  # the best first
MEANS = (*WALLS, "none")


def find() -> str:
    """Give the means by which submissions can be held here.

    Raises:
        NoSandbox: if there are none, with what to install.
    """
    refused = None
    for means, walls in WALLS.items():
        try:
            if walls.found():
                return means
        except NoSandbox as error:  # here, but forbidden to work
            refused = error
    raise refused or NoSandbox(
        "Submissions are other people's programs; they run in a sandbox, and there is none here. "
        "On Linux: `sudo apt install bubblewrap` (Fedora: `sudo dnf install bubblewrap`). "
        "Elsewhere start Docker, or use WSL. `--no-sandbox` runs them as you, with your files and "
        "your network."
    )


def check(means: str) -> None:
    """See that submissions can be held by these means.

    Raises:
        NoSandbox: if they can't, with what to install.
        ValueError: if the means are unknown.
    """
    if means not in MEANS:
        raise ValueError(f"`sandbox` must be one of {', '.join(MEANS)}. Received: {means!r}")
    if means in WALLS and not WALLS[means].found():
        raise NoSandbox(f"{means} is not here, or doesn't run. Received: means={means!r}")
    if means == "docker":
        docker.image()


def start(means: str, limits: Limits, place: int = 0) -> subprocess.Popen:
    """Start a worker; its requests and answers go through pipes.

    Args:
        means: one of `MEANS`.
        limits: how much the worker may take.
        place: which of the sandboxes side by side this is.

    Raises:
        NoSandbox: as `check`.
    """
    check(means)
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    if means in WALLS:
        return WALLS[means].start(limits, place, **streams)
    most = "{}" if os.name == "nt" else json.dumps({"CORE": 0})
    worker = [str(CLASSROOM / "worker.py"), most, str(CLASSROOM.parent.parent)]
    return subprocess.Popen([sys.executable, "-B", *worker], **streams)
