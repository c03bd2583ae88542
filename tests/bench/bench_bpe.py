"""How long byte-pair training takes beside Hugging Face's `tokenizers`, at 1 MB and at 10 MB.

Both train 1,024 merges on the same text in the same run, in turns, and must learn the same merges;
a row is the smallest of the rounds. `tokenizers` is compiled Rust and may use both cores; its time
is the wall clock, as a user waits for it. Ours is one Python process on one core.
"""

from time import perf_counter

from lmcourse.text.bytepair import BytePairTokenizer
from lmcourse.text.corpora import SPLITS, sanguo, shakespeare, wiki
from tests.text.test_merges import hugging_face, spelled

MERGES = 1024


def first_bytes(text: str, number: int) -> str:
    """Cut text to at most `number` bytes, at the end of a character."""
    return text.encode("utf-8")[:number].decode("utf-8", errors="ignore")


def ten_megabytes() -> str:
    """All plays and the whole encyclopedia, filled up with Chinese: no text comes twice."""
    parts = [shakespeare().text(split) for split in SPLITS]
    parts += [article.text for article in wiki()]
    return first_bytes("\n".join([*parts, sanguo().text("train")]), 10_000_000)


def both(text: str, rounds: int) -> tuple[float, float]:
    """Return the best seconds of ours and of theirs; raise if the merges differ."""
    ours, theirs = [], []
    for _ in range(rounds):
        start = perf_counter()
        tokenizer = BytePairTokenizer.train(text, 256 + MERGES)
        ours.append(perf_counter() - start)
        start = perf_counter()
        reference = hugging_face(text, MERGES)
        theirs.append(perf_counter() - start)
        if spelled(tokenizer.merges) != reference["merges"]:
            raise AssertionError("Our merges must equal those of `tokenizers`.")
    return min(ours), min(theirs)


def row(name: str, value: float, unit: str, bound: str | None = None) -> dict:
    """Return one row of the table that `make bench` prints."""
    return {"name": f"bpe {name}", "value": value, "unit": unit, "bound": bound}


def measure() -> list[dict]:
    """Time both on 1 MB of English, on 1 MB of Chinese and on 10 MB."""
    one = first_bytes(shakespeare().text("train"), 1_000_000)
    chinese = first_bytes(sanguo().text("train"), 1_000_000)
    timed = {
        "1 MB English": (*both(one, rounds=5), "<= 3"),
        "1 MB Chinese": (*both(chinese, rounds=3), "<= 3"),
        "10 MB": (*both(ten_megabytes(), rounds=1), None),
    }
    rows = []
    for name, (ours, theirs, bound) in timed.items():
        rows += [
            row(f"{MERGES} merges, {name}: ours", ours, "s"),
            row(f"{MERGES} merges, {name}: tokenizers", theirs, "s"),
            row(f"{MERGES} merges, {name}: ours / tokenizers", ours / theirs, "times", bound),
        ]
    growth = [timed["10 MB"][who] / timed["1 MB English"][who] for who in (0, 1)]
    return [
        *rows,
        row("growth from 1 MB to 10 MB: ours", growth[0], "times"),
        row("growth from 1 MB to 10 MB: tokenizers", growth[1], "times"),
    ]
