"""Small trained models that come with the course, so that no lesson waits for another.

Knows on which text each was trained and with which settings, not how it works inside. The files
lie in `data/checkpoints/`; this makes them anew, from the corpora alone:

    python -m lmcourse.models.checkpoints
"""

from pathlib import Path

from tqdm import tqdm

from lmcourse.models.ngram import ModifiedKneserNey
from lmcourse.packages import DATA
from lmcourse.text import corpora
from lmcourse.text.tokenizers import CharacterTokenizer

FOLDER = DATA / "checkpoints"

# The longest contexts whose file stays below 2 MB: five characters of English, three of Chinese.
ORDERS = {"shakespeare": 6, "sanguo": 4}


def load(corpus: str, folder: Path = FOLDER) -> tuple[ModifiedKneserNey, CharacterTokenizer]:
    """Read the n-gram model of a corpus ("shakespeare" or "sanguo") and its tokenizer.

    The model maps ids `(B, T) -> (B, T, V)`. Raises ValueError for another name, and what the
    models and tokenizers raise for a damaged file.

    >>> model, tokenizer = load("shakespeare")
    >>> logits = model(tokenizer.encode("To be, or not to b")[None])
    >>> tokenizer.decode([logits[0, -1].argmax()])
    'e'
    """
    _check(corpus)
    model = ModifiedKneserNey.load(folder / f"{corpus}_ngram.npz")
    return model, CharacterTokenizer.load(folder / f"{corpus}_characters.json")


def make(corpus: str, folder: Path = FOLDER, order: int | None = None) -> None:
    """Train the n-gram model of a corpus on its training split and write both files.

    A character that the training text lacks becomes `<unk>`, so any prompt can be read.
    """
    _check(corpus)
    text = getattr(corpora, corpus)().text("train")
    tokenizer = CharacterTokenizer.train(text, unknown=True)
    ids = tokenizer.encode(text)
    model = ModifiedKneserNey.train(ids, order or ORDERS[corpus], tokenizer.vocabulary_size)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / f"{corpus}_ngram.npz")
    tokenizer.save(folder / f"{corpus}_characters.json")


def _check(corpus):
    if corpus not in ORDERS:
        raise ValueError(f"`corpus` must be one of {', '.join(ORDERS)}. Received: {corpus!r}")


if __name__ == "__main__":
    for name in tqdm(ORDERS, unit="model"):
        make(name)
