"""A speaker with tools: sums go to the calculator, questions to the encyclopedia first.

The program decides, not the model: one of 135 million weights can't be trusted to ask for a tool.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from lmcourse.generation.calculator import arithmetic, calculate
from lmcourse.generation.chat import Dialogue
from lmcourse.generation.retrieval import (
    VectorIndex,
    WordIndex,
    cite,
    entry,
    fuse,
    passage,
    project,
    wiki_index,
)
from lmcourse.text.encyclopedia import Article, wiki

NEAR = 0.6  # cosine from which on an article is taken to be about the question


class Library:
    """The articles that can be looked up: by words and by vectors together.

    Args:
        articles: N of them.
        index: of their vectors.
        directions: what vectors are projected on, `(D, kept)`.
        encode: texts -> vectors `(N, D)`.
    """

    def __init__(
        self,
        articles: Sequence[Article],
        index: VectorIndex,
        directions: np.ndarray,
        encode: Callable[[Sequence[str]], np.ndarray],
    ):
        self.articles, self.index = articles, index
        self.directions, self.encode = directions, encode
        self.words = WordIndex([entry(article) for article in articles])

    def find(self, question: str, k: int = 2) -> list[Article]:
        """The articles about a question, at most `k`; none if no vector is near."""
        (vector,) = project(self.encode([question]), self.directions)
        near = self.index.search(vector, k=10)
        rows = fuse(near, self.words.search(question, k=10), k=k)
        enough = {row for row, cosine in near if cosine >= NEAR}
        return [self.articles[row] for row in rows if row in enough]


def wiki_library() -> Library:
    """All 10,033 articles of `wiki`, with MiniLM as the encoder."""
    from lmcourse.models.pretrained import minilm

    return Library(wiki(), *wiki_index(), minilm().encode)


class Assistant:
    """A dialogue that works out sums and answers questions from the encyclopedia, with sources.

    >>> from lmcourse.generation.chat import Speaker
    >>> read = lambda messages: np.frombuffer(messages[-1]["content"].encode(), np.uint8)
    >>> echo = lambda ids, temperature, top_p, rng: iter(ids)
    >>> byte = [bytes([value]) for value in range(256)]
    >>> dialogue = Dialogue(Speaker("echo", read, echo, byte, frozenset(), 999))
    >>> "".join(Assistant(dialogue).say("What is 12 * (3 + 4)?"))
    '12 * (3 + 4) = 84'
    """

    def __init__(self, dialogue: Dialogue, library: Library | None = None):
        self.dialogue, self.library = dialogue, library

    def say(self, text: str) -> Iterator[str]:
        """Stream the answer; where articles were read, their list comes behind it.

        Each sentence of such an answer is marked in the list's last line: `[1]` where its words
        stand in that source, `[?]` where they stand in none.
        """
        if expression := arithmetic(text):
            reply = f"{expression} = {calculate(expression)}"
            self.dialogue.remember(text, reply)
            yield reply
            return
        found = self.library.find(text) if self.library else []
        sources = [passage(article) for article in found]
        said = []
        for piece in self.dialogue.say(text, given="\n\n".join(sources)):
            said.append(piece)
            yield piece
        if found:
            yield "".join(f"\n[{n}] {article.title}" for n, article in enumerate(found, start=1))
            yield f"\n{cite(''.join(said), sources, text)}"
