"""Walls of bubblewrap, on Linux. Knows nothing of what runs inside.

Inside there is Python, NumPy and a small folder that is thrown away. No network, no other process,
no file of the teacher's, none of another student.
"""

import os
import shutil
import site
import subprocess
import sys
from functools import cache
from pathlib import Path

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

PACKAGES = ("numpy", "numpy.libs")  # and Python's own library: an assignment needs no more


@cache
def found() -> tuple[str, bool] | None:
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


def start(limits: Limits, place: int, **streams) -> subprocess.Popen:
    """Start a worker inside; `place` says which of the sandboxes side by side this is."""
    walls = b"".join(word.encode() + b"\0" for word in _walls())
    # through a file without a name: what is in the command, can be read inside
    with open(os.memfd_create("walls"), "wb") as file:
        file.write(walls)
        file.flush()
        file.seek(0)
        words = [found()[0], "--args", str(file.fileno()), *_program(limits, place)]
        # nor has it an environment: an ordinary user's may be read inside
        return subprocess.Popen(words, pass_fds=[file.fileno()], env={}, **streams)


def _walls():
    """What bubblewrap is asked for."""
    sized = found()[1]
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
    return [*words, "--unshare-user", "--as-pid-1"]  # else 1 would be a process of this very user's


def _program(limits, place):
    """What bubblewrap starts: Python with the worker."""
    python = Path(os.path.realpath(sys.executable))
    if python.is_relative_to(sys.base_prefix) and not python.is_relative_to("/usr"):
        python = "/python" / python.relative_to(sys.base_prefix)
    words = [str(python), "-I", "-B", WORKER, limits.for_worker(), "/kit", "/site"]
    if os.geteuid() != 0:
        return words
    return [*become(place), *words]


def _environment():
    own = {"PATH": "/usr/local/bin:/usr/bin:/bin", "LD_LIBRARY_PATH": "/python/lib"}
    kept = {name: os.environ[name] for name in ("OPENBLAS_CORETYPE",) if name in os.environ}
    return ENVIRONMENT | own | kept


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
