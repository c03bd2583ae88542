"""What a submission may take, and what it is given; whatever the walls around it are."""

import json
from dataclasses import dataclass
from pathlib import Path

CLASSROOM = Path(__file__).resolve().parent
KIT = (
    "worker.py",
    "wire.py",
    "draw.py",
    "syscalls.py",
    "__init__.py",
)  # all of the course that is seen inside
WORKER = "/kit/lmcourse/classroom/worker.py"
SCRATCH = 64 * 2**20  # bytes of the folder that can be written
NOBODY = 60_000  # the first number of a user inside: and one more for each sandbox beside it
ENVIRONMENT = {"HOME": "/tmp", "LANG": "C.UTF-8"} | {
    name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
}


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
        return json.dumps(most | {"FSIZE": SCRATCH, "CORE": 0, "NOFILE": 256, "MSGQUEUE": 0})


def become(place: int) -> list[str]:
    """Give the words that turn root into another user, for good: root knows no limits."""
    user = NOBODY + place
    words = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"]
    return [*words, "--inh-caps=-all", "--no-new-privs"]
