"""The `lmcourse` command: open, list, run and reset the lessons; chat with a model, or serve it.

A learner never edits a tracked file. `lab` opens a working copy, `my-notebooks/`, which git does
not see; an update of the course brings new lessons into it and leaves touched ones alone. The copy
starts without outputs, so that a prediction comes before its answer.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from lmcourse.classroom import commands

ROOT = Path(__file__).resolve().parent.parent
PUBLISHED = ROOT / "notebooks"
WORKING = ROOT / "my-notebooks"
SETTINGS = Path(__file__).parent / "jupyter"
LEDGER = ".published.json"  # what stood in each working file when it was copied


def lessons(folder: Path = PUBLISHED) -> list[Path]:
    """The English lessons of a folder, in order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def find(number: str, folder: Path = PUBLISHED) -> Path:
    """The lesson with a number: "02" or "2" finds `02_ngrams.ipynb`.

    Raises ValueError where no lesson has that number.
    """
    for lesson in lessons(folder):
        if number.isdigit() and lesson.name[:2] == number.zfill(2):
            return lesson
    known = ", ".join(lesson.name[:2] for lesson in lessons(folder))
    raise ValueError(f"A lesson is named by its number, one of {known}. Received: {number!r}")


def title(lesson: Path) -> str:
    """The title of a built lesson: the heading of its first cell."""
    first = json.loads(lesson.read_text(encoding="utf-8"))["cells"][0]["source"]
    return "".join(first).splitlines()[0].lstrip("# ")


def fresh(source: Path) -> bytes:
    """What a learner gets of a published file: a notebook loses its outputs."""
    if source.suffix != ".ipynb":
        return source.read_bytes()
    notebook = json.loads(source.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def written(content: bytes) -> str:
    """A digest of what a person wrote in a file: running a notebook does not change it."""
    try:
        cells = json.loads(content)["cells"]
        content = repr([(cell["cell_type"], "".join(cell["source"])) for cell in cells]).encode()
    except (ValueError, KeyError, TypeError):
        pass  # not a notebook: the file itself is what was written
    return hashlib.sha256(content).hexdigest()


def publishable(published: Path) -> list[Path]:
    """What a working copy holds: the lessons of both languages and the sheets beside them."""
    patterns = ("*.ipynb", "zh/*.ipynb", "*.md", "zh/*.md")
    return sorted(path for pattern in patterns for path in published.glob(pattern))


def write(content: bytes, target: Path) -> None:
    """Write a file so that a stop in the middle leaves the old one."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(target.name + ".part")
    unfinished.write_bytes(content)
    os.replace(unfinished, target)


def update(published: Path = PUBLISHED, working: Path = WORKING) -> list[str]:
    """Bring the working copy up to date and return the lessons kept because they were touched."""
    ledger_file = working / LEDGER
    ledger = json.loads(ledger_file.read_text()) if ledger_file.exists() else {}
    kept = []
    for source in publishable(published):
        name, new = source.relative_to(published).as_posix(), fresh(source)
        target = working / name
        mine = written(target.read_bytes()) if target.exists() else None
        if mine == written(new):
            ledger[name] = mine
        elif mine in (None, ledger.get(name)):
            write(new, target)
            ledger[name] = written(new)
        else:
            kept.append(name)
    write(json.dumps(ledger, indent=1).encode(), ledger_file)
    return kept


def reset(number: str, published: Path = PUBLISHED, working: Path = WORKING) -> list[Path]:
    """Give a lesson a fresh copy in both languages; return where what was there is kept."""
    name = find(number, published).name
    update(published, working)
    saved = []
    for source in (published / name, published / "zh" / name):
        target = working / source.relative_to(published)
        if not source.exists() or target.read_bytes() == fresh(source):
            continue
        count = 1
        while (old := target.with_name(f"{target.stem}_my_copy_{count}.ipynb")).exists():
            count += 1
        os.replace(target, old)
        saved.append(old)
    update(published, working)
    return saved


def lab(options: argparse.Namespace, jupyter: list[str]) -> int:
    """Open JupyterLab at lesson 00 in the working copy, in this very process.

    So Ctrl-C and a stop from outside reach JupyterLab itself, which then ends its kernels.
    """
    from jupyterlab.labapp import main as jupyterlab

    for name in update(PUBLISHED, WORKING):
        number = Path(name).name[:2]
        cure = f"`lmcourse reset {number}`" if number.isdigit() else "Deleting yours"
        print(f"{name} has a new version; yours is kept. {cure} brings it.")
    print(f"Your copy of the lessons: {WORKING}", flush=True)
    start = "zh/00_start.ipynb" if options.chinese else "00_start.ipynb"
    for variable, folder in (
        ("PATH", Path(sys.executable).parent),  # JupyterLab's terminal knows `lmcourse`
        ("JUPYTER_CONFIG_PATH", SETTINGS),  # no pop-up asks about news, no request for updates
    ):
        rest = filter(None, [os.environ.get(variable)])
        os.environ[variable] = os.pathsep.join([str(folder), *rest])
    os.chdir(WORKING)
    tabs = WORKING / ".jupyterlab"  # the course's own: no tabs of other projects come back
    own = [f"--LabApp.default_url=/lab/tree/{start}", f"--LabApp.workspaces_dir={tabs}"]
    jupyterlab([*own, *jupyter])
    return 0


def show_list(options: argparse.Namespace, rest: list[str]) -> int:
    """Print the lessons, in English and Chinese."""
    for lesson in lessons():
        print(f"{title(lesson)}   {title(PUBLISHED / 'zh' / lesson.name).split('· ')[-1]}")
    return 0


def run(options: argparse.Namespace, rest: list[str]) -> int:
    """Execute one published lesson from top to bottom, keep nothing, say whether it holds."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellControlSignal, DeadKernelError
    from tqdm import tqdm

    lesson = find(options.lesson)
    notebook = nbformat.read(lesson, as_version=4)
    os.environ["LMCOURSE_STATIC"] = "1"
    code = sum(cell.cell_type == "code" for cell in notebook.cells)
    with tqdm(total=code, desc=lesson.stem, unit="cell") as bar:
        client = NotebookClient(notebook, timeout=300, resources={"metadata": {"path": PUBLISHED}})
        client.on_cell_executed = lambda **_: bar.update()
        try:
            client.execute(stderr=subprocess.DEVNULL)
        except (CellControlSignal, DeadKernelError) as error:  # wrong, too slow, or out of memory
            print(error, file=sys.stderr)
            return 1
    print(f"{title(lesson)}: every cell ran and every assert held.")
    return 0


def show_reset(options: argparse.Namespace, rest: list[str]) -> int:
    """Reset one lesson and say where the old copy is."""
    saved = reset(options.lesson)
    for path in saved:
        print(f"Your version is kept as {path.relative_to(ROOT)}")
    print(f"Fresh: {find(options.lesson, WORKING).relative_to(ROOT)} and its Chinese edition")
    return 0


def chat(options: argparse.Namespace, rest: list[str]) -> int:
    """Talk to SmolLM2 in the terminal: a line in, an answer out as it is written.

    Sums go to a calculator; with `--wiki` questions go to the encyclopedia first. Ctrl-C breaks an
    answer off, the end of the input (Ctrl-D) ends the conversation.
    """
    from lmcourse.generation import assistant, chat

    print("Loading SmolLM2 (English only) ...", flush=True)
    dialogue = chat.Dialogue(chat.smollm2(), options.system)
    helper = assistant.Assistant(dialogue, assistant.wiki_library() if options.wiki else None)
    print("Ctrl-C stops an answer, Ctrl-D ends the conversation.", flush=True)
    while True:
        try:
            text = input("> ").strip()
        except (EOFError, KeyboardInterrupt):
            print()
            return 0
        if text:
            try:
                for piece in helper.say(text):
                    print(piece, end="", flush=True)
            except KeyboardInterrupt:
                print(" ...", end="")
            except ValueError as error:  # one message too long is no end of the conversation
                print(error, file=sys.stderr, end="")
            print(flush=True)


def serve(options: argparse.Namespace, rest: list[str]) -> int:
    """Serve SmolLM2 on loopback, with a chat page, until Ctrl-C or SIGTERM."""
    import signal

    from lmcourse.generation import chat
    from lmcourse.generation.server import ChatServer

    print("Loading SmolLM2 (English only) ...", flush=True)
    server = ChatServer(chat.smollm2(), options.port)
    print(f"Chat page:   {server.address}/#token={server.token}")
    print(f"OpenAI API:  base_url={server.address}/v1 api_key={server.token}")
    print("Keep the token to yourself. Ctrl-C ends the server.", flush=True)
    before = signal.signal(signal.SIGTERM, lambda *_: None)  # uvicorn sends it on after the end
    try:
        server.run()
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line, one line of help a verb."""
    top = argparse.ArgumentParser(prog="lmcourse", description="A course on language models.")
    verbs = top.add_subparsers(
        required=True, metavar="lab | list | run | reset | chat | serve | assignment"
    )
    verb = verbs.add_parser("lab", help="open JupyterLab at lesson 00; other options go to it")
    verb.add_argument(
        "--chinese", action="store_true", help="open the Chinese edition · 打开中文版"
    )
    verb.set_defaults(do=lab, passes_on=True)
    verbs.add_parser("list", help="list the lessons").set_defaults(do=show_list)
    verb = verbs.add_parser("run", help="execute a lesson without a browser: lmcourse run 02")
    verb.add_argument("lesson")
    verb.set_defaults(do=run)
    verb = verbs.add_parser("reset", help="a fresh copy of a lesson, the old one kept")
    verb.add_argument("lesson")
    verb.set_defaults(do=show_reset)
    verb = verbs.add_parser("chat", help="talk to SmolLM2 in the terminal")
    verb.add_argument("--system", default="", help="what the model is told before the first turn")
    verb.add_argument("--wiki", action="store_true", help="look questions up in the encyclopedia")
    verb.set_defaults(do=chat)
    verb = verbs.add_parser("serve", help="serve SmolLM2 to a browser and to OpenAI's clients")
    verb.add_argument("--port", type=int, default=8000, help="0 takes any free one")
    verb.set_defaults(do=serve)
    commands.add_to(verbs)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run one verb; a user's mistake ends in one line on the error stream, not in a traceback."""
    options, rest = parser().parse_known_args(arguments)
    if rest and not getattr(options, "passes_on", False):
        parser().error(f"unknown option {rest[0]}")
    try:
        return options.do(options, rest)
    except (ValueError, FileNotFoundError) as error:
        print(f"lmcourse: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
