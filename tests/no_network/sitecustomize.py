"""Block the network in this process, loopback excepted.

`conftest.py` puts this folder on PYTHONPATH, so Python runs it at the start of every process
that the tests start: pytest's workers, the notebooks' kernels, the commands under test.
"""

import sys

LOOPBACK = ("127.", "::1", "localhost", "0.0.0.0")


def refuse(event, arguments):
    """An audit hook: sees every connection and every name look-up of this process."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto") and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    host = host.decode() if isinstance(host, bytes) else host
    if host and not host.startswith(LOOPBACK):
        raise PermissionError(f"Tests have no network beyond this machine. Received: {host}")


sys.addaudithook(refuse)
