"""The texts of the course, clean and split; knows nothing of tokens or models.

Each comes from a pinned package (`data/README.md` says what it is and who made it) or from the
learner's own disk. A split never cuts a play, a chapter or a sentence in two, and it never
changes: it is a written rule, not a draw.
"""

from dataclasses import dataclass
from functools import cache

from lmcourse.text import chapters, plays

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
