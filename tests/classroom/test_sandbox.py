"""The walls: found, refused with what to do, and the filter of system calls."""

import json
import subprocess

import pytest

from lmcourse.classroom import bubblewrap, docker, sandbox
from lmcourse.classroom.limits import Limits, NoSandbox
from lmcourse.classroom.sandbox import check
from lmcourse.classroom.syscalls import FORBIDDEN, MACHINES, seccomp


@pytest.fixture
def no_docker(monkeypatch):
    monkeypatch.setattr(bubblewrap, "found", bubblewrap.found.__wrapped__)  # keeps nothing
    monkeypatch.setattr(docker, "found", lambda: None)


def test_without_any_walls_it_says_what_to_install(no_docker, monkeypatch):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None)
    with pytest.raises(NoSandbox, match="sudo apt install bubblewrap.*start Docker"):
        sandbox.find()
    with pytest.raises(NoSandbox, match="bubblewrap is not here"):
        check("bubblewrap")
    check("none")


@pytest.fixture
def forbidden(no_docker, monkeypatch):
    failed = subprocess.CompletedProcess([], 1, "", "bwrap: setting up uid map: denied\n")
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: "/usr/bin/bwrap")
    monkeypatch.setattr(bubblewrap.subprocess, "run", lambda *a, **k: failed)


def test_a_bubblewrap_that_is_forbidden_to_work_is_told_from_none(forbidden):
    for ask in (sandbox.find, lambda: check("bubblewrap")):
        with pytest.raises(NoSandbox, match="uid map: denied.*apparmor_restrict"):
            ask()


def test_docker_steps_in_where_bubblewrap_is_missing_or_forbidden(forbidden, monkeypatch):
    monkeypatch.setattr(docker, "found", lambda: "/usr/bin/docker")
    assert sandbox.find() == "docker"
    monkeypatch.setattr(bubblewrap, "found", lambda: None)
    assert sandbox.find() == "docker"
    monkeypatch.setattr(bubblewrap, "found", lambda: ("/usr/bin/bwrap", True))
    assert sandbox.find() == "bubblewrap"


def test_unknown_means_are_refused():
    with pytest.raises(ValueError, match="bubblewrap, docker, none. Received: 'podman'"):
        check("podman")


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
