"""The block on the network blocks, here and in every process that a test starts."""

import socket
import subprocess
import sys

import pytest

# An address of the documentation range (RFC 5737): nobody has it.
OUTSIDE = ("192.0.2.1", 80)


def test_a_connection_to_another_machine_is_refused():
    with pytest.raises(PermissionError, match="no network.*192.0.2.1"):
        socket.create_connection(OUTSIDE, timeout=1)


def test_a_name_outside_is_not_looked_up():
    with pytest.raises(PermissionError, match="example.org"):
        socket.getaddrinfo("example.org", 80)


def test_a_datagram_to_another_machine_is_refused():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        with pytest.raises(PermissionError):
            udp.sendto(b"hello", OUTSIDE)


def test_loopback_works():
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname(), timeout=5) as client:
            assert client.getpeername()[0] == "127.0.0.1"


def test_a_new_python_process_is_blocked_too():
    code = f"import socket; socket.create_connection({OUTSIDE}, timeout=1)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert run.returncode == 1
    assert "Tests have no network beyond this machine" in run.stderr


def test_a_notebook_kernel_is_blocked_too():
    from jupyter_client.manager import start_new_kernel

    manager, client = start_new_kernel(startup_timeout=120)
    try:
        code = f"import socket; socket.create_connection({OUTSIDE}, timeout=1)"
        reply = client.execute_interactive(code, timeout=60, output_hook=lambda message: None)
        assert reply["content"]["ename"] == "PermissionError"
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
