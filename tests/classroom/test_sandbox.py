"""The walls: found, refused with what to do, and the filter of system calls."""

import json
import subprocess

import pytest

from lmcourse.classroom import sandbox
from lmcourse.classroom.sandbox import Limits, NoSandbox, check
from lmcourse.classroom.syscalls import FORBIDDEN, MACHINES, seccomp


@pytest.fixture
def anew():
    sandbox.bubblewrap.cache_clear()
    yield
    sandbox.bubblewrap.cache_clear()


def test_without_bubblewrap_it_says_what_to_install(anew, monkeypatch):
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: None)
    with pytest.raises(NoSandbox, match="sudo apt install bubblewrap"):
        check("bubblewrap")
    check("none")


def test_a_bubblewrap_that_is_forbidden_to_work_is_told_from_none(anew, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "bwrap: setting up uid map: denied\n")
    monkeypatch.setattr(sandbox.shutil, "which", lambda name: "/usr/bin/bwrap")
    monkeypatch.setattr(sandbox.subprocess, "run", lambda *a, **k: failed)
    with pytest.raises(NoSandbox, match="uid map: denied.*apparmor_restrict"):
        check("bubblewrap")


def test_unknown_means_are_refused():
    with pytest.raises(ValueError, match="bubblewrap, none. Received: 'docker'"):
        check("docker")


def test_the_worker_is_told_its_limits():
    told = json.loads(Limits(work=7, processes=3).for_worker())
    assert (told["CPU"], told["NPROC"], told["CORE"]) == (7, 3, 0)


@pytest.mark.parametrize("machine", MACHINES)
def test_the_filter_is_a_program_that_ends(machine):
    program = seccomp(machine)
    steps = len(program) // 8
    assert len(program) % 8 == 0 and len(FORBIDDEN) * 2 < steps < 4096
    assert all(
        i + 1 + max(program[8 * i + 2 : 8 * i + 4]) < steps
        for i in range(steps)
        if program[8 * i] & 7 == 5
    )


def test_an_unknown_machine_has_no_filter():
    assert seccomp("riscv64") == b""
