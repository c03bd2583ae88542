"""The chat server under 64 clients for a minute: nothing wrong, mixed or lost, and no leak.

The model is the parrot of the tests, which repeats what it is told, so that every answer can be
checked to be its own. The clients are OpenAI's, in processes of their own, half of them streaming;
one in sixteen asks for too much, hangs up in mid-stream or is refused. Memory is that of the
server alone, between ten seconds after the start and the end.
"""

import json
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

CLIENTS, SECONDS, WARM = 64, 60, 10
SERVER = """
from lmcourse.generation.server import ChatServer, Limits
from tests.generation.parrot import parrot
server = ChatServer(parrot(), limits=Limits(slots=4, waiting=48))
print(server.address, server.token, flush=True)
server.run()
"""


def resident(pid: int) -> float:
    """Megabytes that a process holds in memory (of Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def client(address: str, token: str, numbers: range, seconds: float) -> None:
    """Ask for some seconds in a thread each, print what came of it as JSON."""
    from openai import OpenAI, RateLimitError

    counts = dict.fromkeys(("answers", "wrong", "refused", "hung_up", "lost"), 0)
    lock, end = threading.Lock(), time.monotonic() + seconds

    def ask_on(number):
        dice, turn = random.Random(number), 0
        api = OpenAI(base_url=f"{address}/v1", api_key=token, max_retries=0, timeout=60)
        while time.monotonic() < end:
            turn += 1
            text, stream = f"client {number} turn {turn} " + "早安 " * dice.randrange(9), turn % 2
            leaves = stream and dice.random() < 1 / 16
            outcome = "answers"
            try:
                got = api.chat.completions.create(
                    model="parrot",
                    messages=[{"role": "user", "content": "forever " if leaves else text}],
                    stream=bool(stream),
                )
                if leaves:
                    next(got)
                    got.close()
                    outcome = "hung_up"
                elif stream:
                    said = "".join(event.choices[0].delta.content or "" for event in got)
                else:
                    said = got.choices[0].message.content
                if outcome == "answers" and said != text:
                    outcome = "wrong"
            except RateLimitError:
                outcome = "refused"
                time.sleep(0.2)
            except Exception:
                outcome = "lost"
            with lock:
                counts[outcome] += 1
        api.close()

    threads = [threading.Thread(target=ask_on, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps(counts), flush=True)


def measure() -> list[dict]:
    """Rows: how many requests, what came of them, how much memory grew."""
    server = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True)
    with server:
        address, token = server.stdout.readline().split()
        each = CLIENTS // 4
        call = "import sys; from tests.bench.bench_server import client; "
        clients = [
            subprocess.Popen(
                [
                    sys.executable,
                    "-c",
                    f"{call}client({address!r}, {token!r}, range({n}, {n + each}), {SECONDS})",
                ],
                stdout=subprocess.PIPE,
                text=True,
            )
            for n in range(0, CLIENTS, each)
        ]
        time.sleep(WARM)
        before = resident(server.pid)
        totals: dict[str, int] = {}
        for process in clients:
            for name, number in json.loads(process.communicate()[0]).items():
                totals[name] = totals.get(name, 0) + number
        grown = resident(server.pid) - before
        server.terminate()
    bounds = {"answers": "> 0", "wrong": "<= 0", "lost": "<= 0"}
    rows = [
        {
            "name": f"server, {CLIENTS} clients, {SECONDS} s: {name.replace('_', ' ')}",
            "value": number,
            "unit": "",
            "bound": bounds.get(name),
        }
        for name, number in totals.items()
    ]
    memory = {"name": "server, memory grown after warm-up", "value": grown, "unit": "MB"}
    return [*rows, memory | {"bound": "<= 50"}]
