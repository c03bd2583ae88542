"""Perplexities that published programs give, written to `data/reference_ngrams.json`.

    python -m tests.models.reference_numbers                    # nltk.lm (a dev dependency)
    python -m tests.models.reference_numbers /path/to/kenlm/bin # and KenLM's lmplz and query

KenLM is built from its source distribution: `pip download --no-deps --no-binary :all: kenlm`,
unpack, `cmake -B build -S .`, `make -C build lmplz query` (needs Boost).
"""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from nltk.lm import KneserNeyInterpolated, Vocabulary
from nltk.util import everygrams

from lmcourse.packages import DATA
from lmcourse.text import corpora

FILE = DATA / "reference_ngrams.json"
ABOUT = {
    "command": "python -m tests.models.reference_numbers /path/to/kenlm/bin",
    "nltk": "nltk.lm.KneserNeyInterpolated, discount 0.75, closed vocabulary; trained on the first "
    "`train` symbols of the training split as one stream, scored on the next `held_out` ones",
    "kenlm": "KenLM 0.3.0: lmplz --discount_fallback, query; the first 200,000 characters of the "
    "training split, the first 20,000 of the validation split, a line is a sentence; words are cut "
    "at white space; between characters stands a space, and a space becomes _",
}
NLTK = [("shakespeare", order) for order in (2, 3, 4, 5)] + [("sanguo", 3)]
KENLM = [("shakespeare", "words", order) for order in (2, 3, 5)]
KENLM += [("sanguo", "characters", order) for order in (3, 5)] + [("shakespeare", "characters", 5)]


def nltk_row(corpus: str, order: int, train: int = 5000, held_out: int = 300) -> dict:
    """Let nltk train and score; both parts hold only symbols that nltk gives a probability."""
    text = getattr(corpora, corpus)().text("train")
    symbols, known = list(text[:train]), set(text[1:train])
    later = [symbol for symbol in text[train : train + held_out] if symbol in known]
    model = KneserNeyInterpolated(order, discount=0.75, vocabulary=Vocabulary(symbols))
    model.fit([list(everygrams(symbols, max_len=order))])
    p = [model.score(s, later[max(0, t - order + 1) : t]) for t, s in enumerate(later) if t]
    row = {"corpus": corpus, "order": order, "train": train, "held_out": held_out}
    return row | {"perplexity": round(float(np.exp(-np.log(p).mean())), 9)}


def kenlm_row(binaries: Path, corpus: str, unit: str, order: int, folder: Path) -> dict:
    """Let KenLM train and score; `</s>` counts as a token."""
    for split, size in (("train", 200_000), ("validation", 20_000)):
        lines = getattr(corpora, corpus)().text(split)[:size].split("\n")
        cut = [line.split() if unit == "words" else line.replace(" ", "_") for line in lines]
        (folder / split).write_text("".join(" ".join(line) + "\n" for line in cut), "utf-8")
    train = [binaries / "lmplz", "-o", str(order), "--discount_fallback", "-S", "200M"]
    train += ["--text", folder / "train", "--arpa", folder / "arpa"]
    subprocess.run(train, check=True, capture_output=True)
    with open(folder / "validation", encoding="utf-8") as file:
        query = [binaries / "query", "-v", "word", folder / "arpa"]
        said = subprocess.run(query, stdin=file, check=True, capture_output=True, text=True).stdout
    scores = [part.split()[-1] for part in said.replace("\n", "\t").split("\t") if "=" in part]
    p = 10.0 ** np.array([float(score) for score in scores])
    row = {"corpus": corpus, "unit": unit, "order": order, "tokens": len(p)}
    return row | {"perplexity": round(float(np.exp(-np.log(p).mean())), 7)}


def main(arguments: list[str]) -> None:
    """Write the file; without KenLM its rows stay as they are."""
    result = json.loads(FILE.read_text("utf-8")) if FILE.exists() else {"kenlm": []}
    result |= {"about": ABOUT, "nltk": [nltk_row(*row) for row in NLTK]}
    if arguments:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            binaries = Path(arguments[0])
            result["kenlm"] = [kenlm_row(binaries, *row, Path(folder)) for row in KENLM]
    FILE.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
