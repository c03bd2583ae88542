"""The walls around a submission: bubblewrap on Linux. Knows nothing of what runs inside.

Inside there is Python, NumPy and a small folder that is thrown
away. No network, no other process, no file of the teacher's, none of another student.
"""

import json
import os
import shutil
import site
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from lmcourse.classroom.syscalls import seccomp

CLASSROOM = Path(__file__).resolve().parent
KIT = ("worker.py", "wire.py", "draw.py", "__init__.py")  # all of the course that is seen inside
PACKAGES = ("numpy", "numpy.libs")  # and Python's own library: an assignment needs no more
NOBODY = 60_000  # the user inside, where the teacher is root: and one more for each beside it
SCRATCH = 64 * 2**20  # bytes of the folder that can be written
MEANS = ("bubblewrap", "none")


class NoSandbox(RuntimeError):
    """There is nothing here that could hold a submission."""


@dataclass(frozen=True)
class Limits:
    """How much a submission may take: bytes of memory, seconds of work and of waiting."""

    memory: int = 2 * 2**30  # all of its processes together
    addresses: int = 3 * 2**30  # one process, reserved or used
    processes: int = 16
    files: int = 10_000
    work: int = 60  # seconds of computing, one process
    cell: float = 60.0  # seconds until a cell is done
    call: float = 20.0  # seconds until a function has answered

    def for_worker(self) -> str:
        """What the worker sets for itself, as JSON."""
        most = {"AS": self.addresses, "NPROC": self.processes, "CPU": self.work}
        return json.dumps(most | {"FSIZE": SCRATCH, "CORE": 0, "NOFILE": 256})


@cache
def bubblewrap() -> tuple[str, bool] | None:
    """Find bubblewrap, and whether it can size a folder; None where it is missing.

    Raises:
        NoSandbox: if it is here and may not work, with its own words.
    """
    path = shutil.which("bwrap")
    if path is None:
        return None
    tried = subprocess.run(
        [path, "--unshare-all", "--ro-bind", "/", "/", "true"], capture_output=True, text=True
    )
    if tried.returncode:
        raise NoSandbox(
            f"bubblewrap is installed, but this system forbids it to work: {tried.stderr.strip()} "
            "On Ubuntu 24.04 and later, this allows it until the next start: "
            "`sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`. A container must be "
            "started with `--privileged`."
        )
    shown = subprocess.run([path, "--help"], capture_output=True, text=True).stdout
    return path, "--size " in shown


def check(means: str) -> None:
    """See that submissions can be held by these means.

    Raises:
        NoSandbox: if they can't, with what to install.
        ValueError: if the means are unknown.
    """
    if means not in MEANS:
        raise ValueError(f"`sandbox` must be one of {', '.join(MEANS)}. Received: {means!r}")
    if means == "bubblewrap" and bubblewrap() is None:
        raise NoSandbox(
            "Submissions are other people's programs; they run in a sandbox, and there is none "
            "here. On Linux: `sudo apt install bubblewrap` (Fedora: `sudo dnf install "
            "bubblewrap`). On Windows use WSL, on a Mac a Linux machine. `--no-sandbox` runs them "
            "as you, with your files and your network."
        )


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
    if means == "none":
        most = "{}" if os.name == "nt" else json.dumps({"CORE": 0})
        worker = [str(CLASSROOM / "worker.py"), most, str(CLASSROOM.parent.parent)]
        return subprocess.Popen([sys.executable, "-B", *worker], **streams)
    walls = b"".join(word.encode() + b"\0" for word in _walls())
    words, files = [bubblewrap()[0]], []
    for option, content in (("--args", walls), ("--seccomp", seccomp())):
        if content:  # through files without a name: what is in the command, can be read inside
            files.append(os.memfd_create(option))
            with open(files[-1], "wb", closefd=False) as file:
                file.write(content)
            os.lseek(files[-1], 0, os.SEEK_SET)
            words += [option, str(files[-1])]
    try:
        return subprocess.Popen([*words, *_program(limits, place)], pass_fds=files, **streams)
    finally:
        for file in files:
            os.close(file)


def _walls():
    """What bubblewrap is asked for."""
    sized = bubblewrap()[1]
    words = ["--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox"]
    for kind in ("pid", "net", "ipc", "uts", "cgroup-try"):
        words.append(f"--unshare-{kind}")
    words += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/kit", "/kit/lmcourse", "/kit/lmcourse/classroom", "/site", "/python"):
        words += ["--perms", "0755", "--dir", folder]
    words += [*_system(), *_course()]
    words += (
        ["--perms", "1777", "--size", str(SCRATCH), "--tmpfs", "/tmp"]
        if sized
        else ["--dir", "/tmp"]
    )
    for name, value in _environment().items():
        words += ["--setenv", name, value]
    words += ["--chdir", "/tmp", "--remount-ro", "/dev", "--remount-ro", "/", "--cap-drop", "ALL"]
    if os.geteuid() == 0:
        return [*words, "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    return [*words, "--unshare-user"]


def _program(limits, place):
    """What bubblewrap starts: Python with the worker."""
    python = Path(os.path.realpath(sys.executable))
    if python.is_relative_to(sys.base_prefix) and not python.is_relative_to("/usr"):
        python = "/python" / python.relative_to(sys.base_prefix)
    worker = "/kit/lmcourse/classroom/worker.py"
    words = [str(python), "-I", "-B", worker, limits.for_worker(), "/kit", "/site"]
    if os.geteuid() != 0:
        return words
    user = str(NOBODY + place)  # limits don't hold for root: become someone else, for good
    become = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return [*become, "--inh-caps=-all", "--no-new-privs", *words]


def _environment():
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
    own = {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": "/tmp",
        "LANG": "C.UTF-8",
        "LD_LIBRARY_PATH": "/python/lib",
    }
    kept = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE",) if name in os.environ}
    return own | kept | {name: "1" for name in threads}


def _system():
    """The programs and libraries of the machine, read-only; none of its files of settings."""
    words = ["--ro-bind", "/usr", "/usr"]
    for name in ("/bin", "/sbin", "/lib", "/lib32", "/lib64"):
        if os.path.islink(name):
            words += ["--symlink", os.readlink(name), name]
        elif os.path.isdir(name):
            words += ["--ro-bind", name, name]
    words += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        words += ["--ro-bind", sys.base_prefix, "/python"]
    for folder in _site_packages("/usr", "/usr/local"):  # installed beside Python: hidden
        words += ["--tmpfs", folder, "--remount-ro", folder]
    return words


def _site_packages(*prefixes):
    return sorted({path for path in site.getsitepackages(prefixes) if os.path.isdir(path)})


def _course():
    """NumPy under `/site`, and the worker with its kit under `/kit`."""
    import numpy

    words, beside = [], Path(numpy.__file__).parent.parent
    for name in PACKAGES:
        words += ["--ro-bind-try", str(beside / name), f"/site/{name}"]
    for name in KIT:
        words += ["--ro-bind", str(CLASSROOM / name), f"/kit/lmcourse/classroom/{name}"]
    return [*words, "--ro-bind", str(CLASSROOM.parent / "__init__.py"), "/kit/lmcourse/__init__.py"]
