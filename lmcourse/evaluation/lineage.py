"""The lineage table: every language model of the course on the same text, in bits per character.

Reading it (`rows`, `table`, `markdown`) costs nothing; measuring it (`make lineage`) trains every
model by its recipe (`evaluation.recipes`). Every model sees the characters of the training split
and is scored on the test split, one stream each; a model that learns has three seeds. A character
that training never showed is the token `<unk>`, for every model alike.
"""

import json
import re
import statistics
import sys
import time
from pathlib import Path

from lmcourse.evaluation.recipes import MODELS, scored
from lmcourse.packages import DATA
from lmcourse.text import corpora
from lmcourse.text.checks import whole_file
from lmcourse.text.tokenizers import CharacterTokenizer

FILE = DATA / "lineage.json"
SEEDS = (0, 1, 2)
CORPORA = {"shakespeare": corpora.shakespeare, "sanguo": corpora.sanguo}


def rows(path: Path = FILE) -> list[dict]:
    """Read every measured row: corpus, model, lesson, seed, bits per character, and so on.

    Raises FileNotFoundError where the table has not been measured.
    """
    if not path.exists():
        raise FileNotFoundError(
            f"The lineage table must be measured first: make lineage. Received: {path.name} missing"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def table(corpus: str, path: Path = FILE) -> list[dict]:
    """One line a model on one corpus: mean and spread over its seeds, best last.

    The spread is the largest minus the smallest; a model measured once has none (`None`).

    >>> [line["model"] for line in table("shakespeare")][0]
    'unigram'
    """
    if corpus not in CORPORA:
        raise ValueError(f"`corpus` must be one of {', '.join(CORPORA)}. Received: {corpus!r}")
    groups: dict[str, list[dict]] = {}
    for row in rows(path):
        if row["corpus"] == corpus:
            groups.setdefault(row["model"], []).append(row)
    lines = []
    for model, runs in groups.items():
        bits = [run["bits_per_character"] for run in runs]
        line = {key: runs[0][key] for key in ("lesson", "parameters")} | {"model": model}
        line["bits_per_character"] = statistics.mean(bits)
        line["spread"] = max(bits) - min(bits) if len(bits) > 1 else None
        line["seconds"] = statistics.mean(run["seconds"] for run in runs)
        lines.append(line)
    return sorted(lines, key=lambda line: -line["bits_per_character"])


HEADS = {
    "en": "| model | lesson | bits per character | spread | parameters | seconds |",
    "zh": "| 模型 | 课 | 每字符比特数 | 极差 | 参数 | 秒 |",
}


def markdown(corpus: str, path: Path = FILE, language: str = "en") -> str:
    """The table of one corpus as Markdown, for the README of each language and the lessons."""
    lines = [HEADS[language], "|---|---|---:|---:|---:|---:|"]
    for line in table(corpus, path):
        spread = "" if line["spread"] is None else f"{line['spread']:.3f}"
        lines.append(
            f"| {line['model']} | {line['lesson']} | {line['bits_per_character']:.3f} | {spread} |"
            f" {line['parameters']:,} | {line['seconds']:.1f} |"
        )
    return "\n".join(lines)


def measure(name: str, corpus: str, seed: int | None) -> dict:
    """Train one model on one corpus and score it on the test split; keep the network of seed 0."""
    from lmcourse.models import trained

    lesson, _, train = MODELS[name]
    texts = {split: CORPORA[corpus]().text(split) for split in ("train", "validation", "test")}
    tokenizer = CharacterTokenizer.train(texts["train"], unknown=True)
    ids = {split: tokenizer.encode(text) for split, text in texts.items()}
    start = time.perf_counter()
    model = train(ids["train"], ids["validation"], tokenizer.vocabulary_size, seed)
    seconds = time.perf_counter() - start
    result = scored(model, ids["test"])
    if name in trained.KEPT and seed == SEEDS[0]:
        trained.save(model, trained.file_of(corpus, name))
    counted = hasattr(model, "parameters")
    return {
        "corpus": corpus,
        "model": name,
        "lesson": lesson,
        "seed": seed,
        "bits_per_character": round(result.bits_per_character(result.tokens), 4),
        "perplexity": round(result.perplexity, 3),
        "parameters": int(model.parameters if counted else model.count_params()),
        "seconds": round(seconds, 1),
    }


def write(measured: list[dict], path: Path = FILE) -> None:
    """Write the rows, whole or not at all, one a line so that a diff reads as a table."""
    order = [(c, m) for c in CORPORA for m in MODELS]
    ranked = sorted(
        measured, key=lambda row: (order.index((row["corpus"], row["model"])), row["seed"] or 0)
    )
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, allow_nan=False) for row in ranked)
    with whole_file(path) as file:
        file.write(f"[\n{lines}\n]\n".encode())


def update_readme(path: Path, language: str) -> None:
    """Put the measured table between the marks of a README."""
    tables = "\n\n".join(
        f"`{corpus}`\n\n{markdown(corpus, language=language)}" for corpus in CORPORA
    )
    text = path.read_text(encoding="utf-8")
    marked = f"<!-- lineage -->\n{tables}\n<!-- /lineage -->"
    text = re.sub(r"<!-- lineage -->.*<!-- /lineage -->", lambda _: marked, text, flags=re.S)
    path.write_text(text, encoding="utf-8")


def main(words: list[str]) -> None:
    """Measure what is missing, or anew every model whose name holds one of the words."""
    from tqdm import tqdm

    done = rows() if FILE.exists() else []
    done = [row for row in done if not any(word in row["model"] for word in words)]
    known = {(row["corpus"], row["model"], row["seed"]) for row in done}
    wanted = [
        (name, corpus, seed)
        for corpus in CORPORA
        for name, (_, seeded, _) in MODELS.items()
        for seed in (SEEDS if seeded else (None,))
        if (corpus, name, seed) not in known
    ]
    for name, corpus, seed in (bar := tqdm(wanted, unit="model")):
        bar.set_description(f"{corpus}: {name}")
        done.append(measure(name, corpus, seed))
        write(done)
    for readme, language in (("README.md", "en"), ("README.zh.md", "zh")):
        update_readme(DATA.parent / readme, language)


if __name__ == "__main__":
    main(sys.argv[1:])
