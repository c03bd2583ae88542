"""The texts of the course, clean and split; knows nothing of tokens or models.

Each comes from a pinned package (`data/README.md` says what it is and who made it) or from the
learner's own disk. A split never cuts a play, a chapter or a sentence in two, and it never
changes: it is a written rule, not a draw.
"""

import re
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from pathlib import Path

from lmcourse.text import chapters, plays
from lmcourse.text.encyclopedia import Article, wiki, wikipedia_dump
from lmcourse.text.sentences import SentencePair, hsk

__all__ = [
    "SPLITS",
    "Article",
    "Corpus",
    "Document",
    "SentencePair",
    "hsk",
    "own",
    "sanguo",
    "shakespeare",
    "wiki",
    "wikipedia_dump",
]

SPLITS = ("train", "validation", "test")

VALIDATION_PLAYS = {"As You Like It", "Henry V", "Timon of Athens", "The Tempest"}
TEST_PLAYS = {"Much Ado About Nothing", "Richard II", "Julius Caesar", "King Lear"}


@dataclass(frozen=True)
class Document:
    """One piece of a corpus that is never cut by a split: a play, a chapter, a file."""

    title: str
    text: str
    split: str


@dataclass(frozen=True)
class Corpus:
    """A named text in one language (`"en"` or `"zh"`), as documents that each have a split."""

    name: str
    language: str
    documents: tuple[Document, ...]

    def text(self, split: str) -> str:
        r"""Joins the documents of a split with a newline.

        Example:
            >>> rhymes = (Document("1", "Hot cross buns", "train"), Document("2", "!", "train"))
            >>> Corpus("rhymes", "en", rhymes).text("train")
            'Hot cross buns\n!'
        """
        if split not in SPLITS:
            raise ValueError(f"`split` must be one of {SPLITS}. Received: split={split!r}")
        return "\n".join(document.text for document in self.documents if document.split == split)


@cache
def shakespeare() -> Corpus:
    """The 38 plays, spoken words only: `NAME:`, the lines of the speech, a blank line.

    Four plays are for validation and four for the test, of every kind: a comedy, a history, a
    tragedy, a late or Roman play.
    """
    documents = []
    for title, file in plays.files():
        split = "validation" if title in VALIDATION_PLAYS else "train"
        split = "test" if title in TEST_PLAYS else split
        text = plays.speeches(file.read_text(encoding="utf-8"))
        documents.append(Document(title, text, split))
    return Corpus("shakespeare", "en", tuple(documents))


@cache
def sanguo() -> Corpus:
    """罗贯中's 三国演义 in Simplified characters: 120 chapters, one paragraph a line.

    Chapters 5, 15, 25 ... 115 are for validation; 10, 20, 30 ... 120 are for the test.
    """
    splits = {5: "validation", 0: "test"}
    return Corpus(
        "sanguo",
        "zh",
        tuple(
            Document(title, text, splits.get(number % 10, "train"))
            for number, (title, text) in enumerate(chapters.chapters(), start=1)
        ),
    )


def own(path: str | Path, language: str = "en") -> Corpus:
    """Makes a corpus of the learner's own UTF-8 text: one file, or a folder of `.txt` files.

    A folder is read with its sub-folders, in the order of the paths; hidden files are left out.
    Three files or more are split by file, about 80/10/10 by characters in that order; fewer are
    each cut in three, at the paragraph or line end nearest to 80 and 90 percent.

    Raises:
        FileNotFoundError: nothing is there, or a folder without `.txt` files.
        ValueError: a file that is not UTF-8, or text of fewer than 10 characters.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     _ = Path(folder, "poem.txt").write_text("Row, row, row your boat\\n" * 10)
        ...     corpus = own(Path(folder, "poem.txt"))
        >>> corpus.name, [corpus.text(split).count("Row") for split in SPLITS]
        ('poem', [8, 1, 1])
    """
    path = Path(path)
    if language not in ("en", "zh"):
        raise ValueError(f'`language` must be "en" or "zh". Received: language={language!r}')
    if not path.exists():
        raise FileNotFoundError(f"`path` must be a file or a folder. Received: path={str(path)!r}")
    files = [path]
    if path.is_dir():
        found = [f for f in path.rglob("*") if f.suffix.lower() == ".txt" and f.is_file()]
        names = sorted(file.relative_to(path).as_posix() for file in found)
        files = [path / name for name in names if not re.search(r"(?:^|/)\.", name)]
    if not files:
        raise FileNotFoundError(
            f"A folder must hold at least one .txt file. Received: path={str(path)!r}"
        )
    texts = [_read(file) for file in files]
    if len(files) < 3:
        documents = [
            Document(f"{file.stem} ({split})", part, split)
            for file, text in zip(files, texts, strict=True)
            for split, part in zip(SPLITS, _cut(text), strict=True)
        ]
    else:
        names = [file.relative_to(path).with_suffix("").as_posix() for file in files]
        documents = list(map(Document, names, texts, _splits_by_size(list(map(len, texts)))))
    return Corpus(path.stem, language, tuple(documents))


def _read(file: Path) -> str:
    """Reads a UTF-8 file, without byte-order mark, with Unix line ends."""
    try:
        text = file.read_bytes().decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise ValueError(
            "A text file must be UTF-8. Received: "
            f"{str(file)!r} with byte 0x{error.object[error.start]:02x} at offset {error.start}"
        ) from None
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if len(text.strip()) < 10:
        raise ValueError(
            "A text must have at least 10 characters. "
            f"Received: {str(file)!r} with {len(text.strip())}"
        )
    return text


def _cut(text: str) -> tuple[str, str, str]:
    """Cuts a text at 80 and 90 percent, or at a paragraph or line end within 4 percent of it."""
    cuts = []
    for share in (0.8, 0.9):
        target, reach = int(share * len(text)), len(text) // 25
        window = text[target - reach : target + reach]
        for end in ("\n\n", "\n", ""):
            ends = [match.end() - reach for match in re.finditer(end, window)]
            if ends:
                break
        cuts.append(target + (min(ends, key=abs) if end else 0))
    return text[: cuts[0]], text[cuts[0] : cuts[1]], text[cuts[1] :]


def _splits_by_size(sizes: list[int]) -> list[str]:
    """Splits three documents or more in their order, by where the middle of each one falls."""
    ends = list(accumulate(sizes))
    middles = [(end - size / 2) / ends[-1] for end, size in zip(ends, sizes, strict=True)]
    count = len(sizes)
    train = min(max(sum(middle < 0.8 for middle in middles), 1), count - 2)
    validation = min(max(sum(middle < 0.9 for middle in middles), train + 1), count - 1) - train
    return ["train"] * train + ["validation"] * validation + ["test"] * (count - train - validation)
