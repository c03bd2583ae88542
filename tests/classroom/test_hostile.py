"""What a submission may try, each through the real sandbox: other marks and the machine survive.

Nothing here runs but inside bubblewrap: each attack begins by looking where it is. With
`SANDBOX=docker` in the environment, the same attacks run inside containers.
"""

import os
import socket
import sys
import threading
import time

import psutil
import pytest

from lmcourse.classroom.limits import Limits
from lmcourse.classroom.report import SENTENCES
from lmcourse.classroom.student import Ended, Worker
from lmcourse.lesson import ROOT
from tests.classroom.attacked import GOOD, GUARD, MEANS, POINTS, SMALL, sandboxed

pytestmark = pytest.mark.needs("bwrap" if MEANS == "bubblewrap" else MEANS)

PIPE = (
    GUARD
    + """
pipes = [fd for fd in map(int, os.listdir("/proc/self/fd")) if fd > 2 and os.path.exists(
    f"/proc/self/fd/{fd}") and os.readlink(f"/proc/self/fd/{fd}").startswith("pipe")]
"""
)
CELLS = {  # what the cell does before it defines a right `double`: what becomes of that part
    "an endless loop": ("while True: pass", "time"),
    "sleep for ever": ("import time; time.sleep(1e6)", "time"),
    "waiting for input": ("import signal; signal.pause()", "time"),
    "a fork bomb": (
        "while True:\n    try: os.fork()\n    except OSError: pass",
        "memory|time",
    ),
    "threads without end": (
        "import threading\nwhile True: threading.Thread(target=signal.pause).start()".replace(
            "import threading", "import signal, threading"
        ),
        "missing",
    ),
    "10 GB in one process": ("lot = bytearray(10 * 2**30)", "missing"),
    "10 GB in several": (
        "import time\nfor _ in range(8):\n    if not os.fork():\n"
        "        lot = bytearray(b'x') * (120 * 2**20); time.sleep(60)\ntime.sleep(60)",
        "memory",
    ),
    "memory that is nobody's": ("import mmap\nlot = mmap.mmap(-1, 2**28)", "missing"),
    "files without a name": ("lot = os.memfd_create('lot')", "missing"),
    "5 GB of output": ("for _ in range(5_000): print('x' * 10**6)", None),
    "5 GB beside the output": ("while True: os.write(1, b'x' * 10**6)", "time"),
    "5 GB in a file": ("with open('/tmp/lot', 'wb') as f:\n  while True: f.write(b'x' * 10**6)",
                       "missing"),
    "5 GB in many files": ("for i in range(5_000):\n  open(f'/tmp/{i}', 'wb').write(b'x' * 10**6)",
                           "missing"),
    "5 GB in /dev/shm": ("open('/dev/shm/lot', 'wb')", "missing"),
    "empty files without end": ("i = 0\nwhile True: i += 1; open(f'/tmp/{i}', 'w').close()",
                                "memory"),
    "an exit": ("raise SystemExit", "missing"),
    "an exit at once": ("os._exit(0)", "died"),
    "a signal to itself": ("os.kill(os.getpid(), 9)", "died|right"),  # the first process can't
    "a signal to its parent": ("try: os.kill(os.getppid(), 9)\nexcept OSError: pass", "right|died"),
    "a signal to everything": ("try: os.kill(-1, 9)\nexcept OSError: pass", None),
    "a crash of Python": ("import ctypes; ctypes.string_at(0)", "died"),
    "a call of itself without end": ("import sys; sys.setrecursionlimit(10**9)\n"
                                     "def f(x): return [*map(f, [x])]\nf(0)",
                                     "missing" if sys.version_info >= (3, 12) else "died"),
    "an error without a text": (
        "class Liar(Exception):\n    def __str__(self): raise Liar\nraise Liar", "missing"),
    "an error of errors": ("raise ExceptionGroup('x', [ValueError()])", "missing"),
    "an error with a long text": ("raise ValueError('x' * 10**8)", "missing"),
    "an error named like ours": ("class Misconception(AssertionError): pass\n"
                                 "raise Misconception('half')", "missing"),
    "half a character": ("print('\\ud800')\nraise ValueError('\\udfff')", "missing"),
    "the pipes closed": ("for fd in pipes: os.close(fd)", "died"),
    "garbage in the pipe": ("for fd in pipes[1:]: os.write(fd, b'garbage\\n')", "died"),
    "deep garbage": ("for fd in pipes[1:]: os.write(fd, b'[' * 50_000 + b'\\n')", "died"),
    "a line without end": ("while True:\n  for fd in pipes[1:]: os.write(fd, b'[' * 10**6)",
                           "died"),
    "another's clock": ("import signal; signal.setitimer(signal.ITIMER_REAL, .01)\n"
                        "while True: pass", "died|time"),
    "a fake score": ("print('double: 4 of 4 points')\nraise ValueError('4 of 4')", "missing"),
    "assert replaced": ("import builtins\nbuiltins.AssertionError = ValueError", None),
    "Python replaced": ("import builtins\nbuiltins.isinstance = lambda *a: True", "died"),
    "its own walls": ("import sys\n"
                      "sys.modules['lmcourse.classroom.wire'].pack = lambda *a: b'1'", None),
    "its own walls, within": ("import sys\n"
                              "sys.modules['lmcourse.classroom.wire']._plain = 1", "died"),
    "a thread that works on": ("import threading\n"
                               "def work():\n  while True: pass\n"
                               "threading.Thread(target=work, daemon=True).start()", None),
    "a daemon": ("import time\nif not os.fork():\n  if os.fork(): os._exit(0)\n"
                 "  time.sleep(1e6)", None),
}  # fmt: skip
if MEANS == "docker":  # what else becomes of it there: the memory is full before our watch sees it
    CELLS |= {
        attack: (CELLS[attack][0], reason)
        for attack, reason in {
            "10 GB in several": "died|time",
            "empty files without end": "missing",
            "a line without end": "died|time",
        }.items()
    }
CALLS = {  # what `double` does
    "an endless loop": ("while True: pass", "time"),
    "an exit": ("os._exit(0)", "died"),
    "10 GB": ("return bytearray(10 * 2**30)", "error"),
    "10 GB that come back": ("return np.zeros(2**26)", "error"),
    "an object that equals all": (
        "class Liar:\n        def __eq__(self, other): return True\n    return Liar()", "value"),
    "an array that never comes": (
        "class Liar:\n        def __array__(self, *a, **k):\n            while True: pass\n"
        "    return Liar()", "time"),
    "a false class": (
        "class Liar:\n        __class__ = float\n    return Liar()", "error"),
    "an array of objects": ("return np.array([object()])", "value"),
    "an array of fields": ("return np.zeros(2, [('a', 'f8')])", "value"),
    "an array of one number, 32 GB long": (
        "return np.lib.stride_tricks.as_strided(np.zeros(1), (2**32,), (0,))", "error"),
    "code in an array's file": (
        "import io\n    class Code:\n        def __reduce__(self): return print, ('run',)\n"
        "    np.save('/tmp/x.npy', np.array([Code()], object))\n"
        "    return np.load('/tmp/x.npy', allow_pickle=True)", "value"),
    "a text that is another": (
        "class Liar(str):\n        def __str__(self): return Liar('4')\n    return Liar('2')",
        "visible|error"),
    "another answer each time": (
        "globals()['n'] = globals().get('n', 0) + 1\n    return np.asarray(x) * 2 // n", "hidden"),
    "an error that ends a loop": ("raise StopIteration", "error"),
    "an array of nothing": ("return np.zeros((0, 10**6))", "visible"),
    "not a number": ("return np.full(2, np.nan)", "visible"),
    "lists in lists": ("x = []\n    for _ in range(500): x = [x]\n    return x", "error"),
    "a list that holds itself": ("x = []\n    x.append(x)\n    return x", "error"),
    "keys without end": ("return {i * (2**61 - 1) for i in range(10**9)}", "time"),
    "an error without a text": (
        "class Liar(Exception):\n        def __str__(self): raise self\n    raise Liar", "error"),
    "an unfinished answer": (
        "for fd in pipes[1:]: os.write(fd, b'{\"dict\": [[\"value\", [')\n    while True: pass",
        "time"),
    "colliding keys in a forged answer": (
        "keys = ','.join(str(i * (2**61 - 1)) for i in range(300_000))\n"
        "    for fd in pipes[1:]: os.write(fd, b'{\"dict\": [[\"value\", {\"set\": [%s]}]]}\\n'"
        " % keys.encode())", "died|time"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def nothing_is_left_behind():
    """After an attack: none of its processes, no thread that waits for it."""
    threads, before = threading.active_count(), psutil.Process().children(recursive=True)
    yield
    assert not set(psutil.Process().children(recursive=True)) - set(before)
    deadline = time.monotonic() + 5
    while threading.active_count() > threads:
        assert time.monotonic() < deadline, threading.enumerate()
        time.sleep(0.05)


def others(report):
    return {mark.part: mark.points for mark in report.marks if mark.part != "double"}


def check(report, reason):
    """The attacked part has what it deserves, the others all of their points."""
    (mark,) = [mark for mark in report.marks if mark.part == "double"]
    report.to_json().encode()  # it can be written down
    if reason is None or ("right" in reason and mark.points):
        assert mark.points == POINTS["double"], mark
    else:
        reasons = [one for one in reason.split("|") if one != "right"]
        starts = [SENTENCES[one][0].split("{kind}")[0] for one in reasons]
        starts = [start.split("{message}")[0].format(name="double") for start in starts]
        said = [sentence["en"] for sentence in mark.sentences]
        assert mark.points == 0 and any(text.startswith(tuple(starts)) for text in said), mark
    assert others(report) == {"triple": 2, "number": 1}, report


@pytest.mark.parametrize("attack", CELLS)
def test_a_cell_costs_its_own_part_alone(tmp_path, attack):
    code, reason = CELLS[attack]
    check(sandboxed(tmp_path, {"double": f"{PIPE}{code}\n{GOOD}"}), reason)


@pytest.mark.parametrize("attack", CALLS)
def test_a_function_costs_its_own_part_alone(tmp_path, attack):
    code, reason = CALLS[attack]
    source = f"{PIPE}import numpy as np\ndef double(x):\n    {code}\n"
    check(sandboxed(tmp_path, {"double": source}), reason)


def test_numpy_replaced_by_a_part_fools_no_test(tmp_path):
    source = "import numpy as np\nnp.allclose = lambda *a: True\ndef double(x): return 0"
    check(sandboxed(tmp_path, {"double": source}), "visible")


def test_a_part_that_ends_the_program_later_costs_no_other_part(tmp_path):
    source = GUARD + "import threading\ndef double(x):\n"
    source += "    threading.Timer(0.05, os._exit, [0]).start()\n    return 2 * np.asarray(x)"
    slow = "import time\ndef triple(x):\n    time.sleep(0.3)\n    return 3 * np.asarray(x)"
    assert others(sandboxed(tmp_path, {"double": source, "triple": slow})) == {
        "triple": 2,
        "number": 1,
    }


def test_what_a_hidden_test_hands_over_comes_to_light_nowhere(tmp_path):
    """The function keeps all that it gets, and tells it by every way that there is."""
    source = GUARD + (
        "import sys\nheld = []\n"
        "def double(x):\n"
        "    held.append(list(map(float, x)))\n"
        "    text = 'held:' + repr(held) + ''.join(open(f'/tmp/{f}').read() for f in "
        "os.listdir('/tmp'))\n"
        "    open('/tmp/held', 'a').write(text)\n"
        "    print(text); print(text, file=sys.stderr)\n"
        "    raise ValueError(text)\n"
        "print('found:', os.listdir('/tmp'))\n"
    )
    text = sandboxed(tmp_path, {"double": source}).to_json()
    assert "held:[[1.0, 2.0]]" in text  # the visible test's
    assert text.count("held:") == text.count("held:[[1.0, 2.0]]")
    assert "found: []" in text


SEES = {  # what must not be there, or must be refused: true if the wall stands
    "the repository": "not os.path.exists({root!r})",
    "homes": "not os.path.exists('/home') and not os.path.exists('/root')",
    "passwords": "not any(os.path.exists(f'/etc/{{f}}') for f in ('passwd', 'shadow'))",
    "the system's settings": "not os.path.exists('/sys')",
    "tests and keys": "sorted(os.listdir('/kit/lmcourse/classroom')) == "
    "['__init__.py', 'draw.py', 'syscalls.py', 'wire.py', 'worker.py']",
    "another's packages": "sorted(os.listdir('/site')) in (['numpy'], ['numpy', 'numpy.libs'])",
    "the environment": "'SECRET_OF_THE_TEACHER' not in os.environ",
    "command lines": "{root!r} not in ''.join(open(f'/proc/{{n}}/cmdline').read() for n in pids)",
    "other processes": "max(pids) < 20",
    "another's memory": "all(refused(lambda: open(f'/proc/{{n}}/mem', 'rb')) for n in others)",
    "another's environment": "all(refused(lambda: open(f'/proc/{{n}}/environ', 'rb').read()) "
    "for n in others)",
    "another's files": "all(refused(lambda: os.listdir(f'/proc/{{n}}/fd')) for n in others)",
    "a file elsewhere": "all(refused(lambda: open(f'{{d}}/x', 'w')) for d in ('/', '/usr', '/kit',"
    " '/site', '/dev', '/dev/shm', '/etc', '/python', '/kit/lmcourse/classroom', '/proc'))",
    "any folder but one": "[m.split()[1] for m in open('/proc/mounts') if "
    "os.path.isdir(m.split()[1]) and os.access(m.split()[1], os.W_OK) and "
    "'devpts' not in m] == ['/tmp']",
    "the worker's own code": "refused(lambda: open('/kit/lmcourse/classroom/wire.py', 'a'))",
    "loopback": "refused(lambda: socket.create_connection(('127.0.0.1', {port}), 1))",
    "names": "refused(lambda: socket.getaddrinfo('example.org', 80))",
    "abstract sockets": "refused(lambda: socket.socket(socket.AF_UNIX).connect('\\0lmcourse'))",
    "the machine below": "refused(lambda: socket.socket(40, socket.SOCK_STREAM))",
    "being root": "os.getuid() != 0 or open('/proc/self/uid_map').read().split()[1] != '0'",
    "becoming root": "refused(lambda: os.setuid(0))",
    "setuid programs": "b'uid=0' not in subprocess.run(['su', '-c', 'id'], "
    "capture_output=True, stdin=subprocess.DEVNULL).stdout",
    "new privileges": "'NoNewPrivs:\\t1' in open('/proc/self/status').read()",
    "capabilities": "'CapEff:\\t0000000000000000' in open('/proc/self/status').read()",
    "mounting again": "call('mount', b'none', b'/kit', None, 32 | 4096, None) == -1",
    "taking away": "call('umount2', b'/kit', 2) == -1",
    "tracing": "call('ptrace', 16, 1, 0, 0) == -1 and call('ptrace', 0, 0, 0, 0) == -1",
    "name spaces": "call('unshare', 0x10000000) == -1 and call('unshare', 0x20000) == -1",
    "a session of its own": "refused(os.setsid)",
    "a better place in the queue": "refused(lambda: os.setpriority(os.PRIO_PROCESS, 0, 0))",
    "higher limits": "refused(lambda: resource.setrlimit(resource.RLIMIT_NPROC, (10**4, 10**4)))",
    "the kernel's keys": "call('syscall', 248, b'user', b'name', b'held', 4, -4) == -1",
    "shared segments": "call('shmget', 0, 2**20, 0o1600) == -1",
    "the other way to call": "call('syscall', 0x40000000 + 39) == -1",
}
if MEANS == "docker":  # an image has a system of its own
    SEES |= {
        "homes": "not os.listdir('/home') and refused(lambda: os.listdir('/root'))",
        "passwords": "refused(lambda: open('/etc/shadow'))",
        "the system's settings": "refused(lambda: open('/sys/power/state', 'w'))",
        "another's packages": "not os.path.exists('/site')",
        "any folder but one": "subprocess.run(['find', '/', '-xdev', '-writable', '-not', '-path', "
        "'/proc/*'], capture_output=True).stdout == b'/tmp\\n' and "
        "refused(lambda: open('/dev/mqueue/x', 'w'))",
    }


@pytest.fixture(scope="module")
def inside():
    """A worker with the tools of somebody who looks for a way out."""
    os.environ["SECRET_OF_THE_TEACHER"] = "1"
    worker = Worker(MEANS, SMALL)
    del os.environ["SECRET_OF_THE_TEACHER"]
    outcome = worker.run(
        GUARD
        + """
import ctypes, resource, socket, subprocess
libc = ctypes.CDLL(None)
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
others = [number for number in pids if number != os.getpid()]
def refused(do):
    try:
        do()
    except (OSError, ValueError):
        return True
def call(name, *arguments):
    return getattr(libc, name)(*arguments)
def tried(source):
    return bool(eval(source, globals()))
"""
    )
    assert outcome.error is None
    yield worker
    worker.close()


@pytest.mark.parametrize("what", SEES)
def test_from_inside_there_is_no_way_to(inside, what):
    with socket.create_server(("127.0.0.1", 0)) as server:
        source = SEES[what].format(root=str(ROOT), port=server.getsockname()[1])
        assert inside.call("tried", source) is True


@pytest.mark.skipif(MEANS != "bubblewrap", reason="Docker's stand elsewhere")
def test_what_builds_the_walls_holds_nothing_of_the_teachers_environment(inside):
    family = [psutil.Process(inside.process.pid)]
    family += family[0].children(recursive=True)
    assert not [process for process in family if "SECRET_OF_THE_TEACHER" in process.environ()]


def test_the_next_submission_in_the_same_place_finds_nothing():
    for _ in range(2):
        worker = Worker(MEANS, SMALL)
        worker.run("import os; found = os.listdir('/tmp'); open('/tmp/note', 'w').write('x')")
        assert worker.value("found") == []
        worker.close()


def test_what_fails_slowly_each_time_is_given_up_in_the_end(tmp_path):
    source = "import time\ndef {}(x):\n    time.sleep(1.5)\n    return x"
    changes = {name: source.format(name) for name in ("double", "triple")}
    begun = time.monotonic()
    report = sandboxed(tmp_path, changes, seconds=3, part_seconds=2)
    assert time.monotonic() - begun < 8
    late = SENTENCES["late"][0]
    assert late in str(report.marks) and sum(mark.points for mark in report.marks) < 2


def test_the_machine_stays_at_hand_while_three_attack_it():
    attacks = [
        "while True:\n    try: os.fork()\n    except OSError: pass",
        "import time\nfor _ in range(8):\n    if not os.fork():\n        while True: "
        "lot = bytearray(b'x') * (60 * 2**20)\ntime.sleep(60)",
        "i = 0\nwhile True: i += 1; os.write(1, b'x' * 10**6); open('/tmp/x', 'w').write('x' * i)",
    ]
    limits = Limits(memory=600 * 2**20, addresses=2**30, work=6, cell=4.0, call=3.0)
    workers = [Worker(MEANS, limits, place) for place in range(3)]

    def attack(worker, source):
        with pytest.raises(Ended):
            worker.run(GUARD + source)

    running = [
        threading.Thread(target=attack, args=pair) for pair in zip(workers, attacks, strict=True)
    ]
    late, before = [], psutil.virtual_memory().available
    for thread in running:
        thread.start()
    while any(thread.is_alive() for thread in running):
        begun = time.monotonic()
        time.sleep(0.1)
        late.append(time.monotonic() - begun - 0.1)
    for worker in workers:
        worker.close()
    assert len(late) > 10 and max(late) < 2, max(late)
    assert psutil.virtual_memory().available > before - 2**30
