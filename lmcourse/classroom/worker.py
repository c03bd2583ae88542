"""The process in which a submission runs: takes cells and calls, gives what comes of them.

It stands inside the sandbox, so it knows no test and no key, and what it says proves nothing: the
other side (`lmcourse.classroom.student`) compares the values. Run as

    python -I worker.py LIMITS FOLDER ...     folders for sys.path; one request a line, one answer
"""

import ast
import builtins
import io
import json
import os
import re
import sys

LONGEST_OUTPUT = 10_000  # characters of a cell
LONGEST_ERROR = 1_000


class Output(io.StringIO):
    """What a cell prints, cut off where it gets long."""

    def write(self, text: str) -> int:
        """Keep what fits."""
        room = LONGEST_OUTPUT - self.tell()
        super().write(text[: max(room, 0)])
        return len(text)


def limit(limits: dict[str, int]) -> None:
    """Set limits of this process and all that it starts, such as `{"NPROC": 32}`, for good."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    for name, value in limits.items():
        most = getattr(resource, f"RLIMIT_{name}", None)
        if most is not None:
            resource.setrlimit(most, (value, value))


def step_back() -> None:
    """Leave the processor to others, and be the first to go where memory runs out (Linux)."""
    for path, value in (("/proc/self/autogroup", "19"), ("/proc/self/oom_score_adj", "1000")):
        try:
            with open(path, "w") as file:
                file.write(value)
        except OSError:
            pass
    if hasattr(os, "nice"):
        os.nice(19)


def close_doors() -> None:
    """Have the kernel refuse, for good, what a submission may not ask of it (Linux).

    Raises:
        OSError: if the kernel won't.
    """
    import ctypes

    from lmcourse.classroom.syscalls import seccomp

    class Filter(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("steps", ctypes.c_char_p)]

    steps, kernel = seccomp(), ctypes.CDLL(None, use_errno=True)
    found = Filter(len(steps) // 8, steps)
    no_new_rights, set_filter, of_steps = 38, 22, 2
    if steps and (
        kernel.prctl(no_new_rights, 1, 0, 0, 0)
        or kernel.prctl(set_filter, of_steps, ctypes.byref(found), 0, 0)
    ):
        raise OSError(ctypes.get_errno(), "the kernel takes no filter")


def code_of(source: str):
    """Compile a cell; the lines that only a notebook understands (`%time`, `!ls`) do nothing."""
    try:
        return compile(ast.parse(source), "<cell>", "exec")
    except SyntaxError:
        plain = re.sub(
            r"^(\s*)(%|!|\?).*$|^(\s*)\S+\?\??$", r"\1\3pass", source, flags=re.MULTILINE
        )
        return compile(ast.parse(plain), "<cell>", "exec")


def fault(error: BaseException) -> dict:
    """Tell an error: its kind, always one of Python's own, what it says, and the cell's line."""
    try:
        kinds = (kind.__name__ for kind in type(error).__mro__)
        kind = next((name for name in kinds if hasattr(builtins, name)), "Exception")
        line, frame = getattr(error, "lineno", None), error.__traceback__
        while frame is not None:
            if frame.tb_frame.f_code.co_filename == "<cell>":
                line = frame.tb_lineno
            frame = frame.tb_next
        line = line if type(line) is int else None
        return {"error": [kind, str(error)[:LONGEST_ERROR], line]}
    except BaseException:  # an error that fails to tell what it is
        return {"error": ["Exception", "", None]}


def answer(request: dict, namespace: dict, pack) -> bytes:
    """Do what is asked for; whatever goes wrong is an answer, too."""
    try:
        if request["do"] == "run":
            before = sys.stdout, sys.stderr
            sys.stdout = sys.stderr = output = Output()
            try:
                exec(code_of(request["source"]), namespace)
                found = {}
            except BaseException as error:  # also an exit
                found = fault(error)
            finally:
                sys.stdout, sys.stderr = before
            return pack(found | {"output": output.getvalue()})
        if request["name"] not in namespace:
            raise NameError(f"name {request['name']!r} is not defined")
        value = namespace[request["name"]]
        if request["do"] != "call":
            return pack({"value": value})
        given = request["args"], request["options"]
        before, value = pack(given), value(*given[0], **given[1])
        return pack({"value": value, "changed": _changed(given, before, pack)})
    except BaseException as error:
        return pack(fault(error))


def _changed(given, before, pack):
    """Whether a function has changed what it was given."""
    try:
        return pack(given) != before
    except ValueError:  # there is something in it now that can't cross
        return True


def main(limits: str, *folders: str) -> None:
    """Answer requests until there are none."""
    sys.path[:0] = folders
    from lmcourse.classroom.wire import pack, unpack

    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    for stream in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), stream)
    most = json.loads(limits)
    if "NPROC" in most:  # inside a sandbox, not in a learner's own session
        step_back()
        close_doors()
    limit(most)
    namespace = {"__name__": "__main__", "display": lambda *values: None}
    for line in requests:
        answers.write(answer(unpack(line), namespace, pack) + b"\n")
        answers.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
