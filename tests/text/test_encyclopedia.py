"""Encyclopedia articles, wiki markup, and dumps of any size."""

import bz2
import tracemalloc
import unicodedata
from collections import Counter
from functools import partial
from html import escape

import pytest

from lmcourse.text.encyclopedia import split_of, strip_wikitext, wiki, wikipedia_dump

HEAD = '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" xml:lang="en">\n'
SITE = "<siteinfo><namespaces><namespace key='1'>Talk</namespace></namespaces></siteinfo>\n"


def page(title, text, namespace=0, redirect=""):
    return (
        f"<page><title>{title}</title><ns>{namespace}</ns><id>1</id>{redirect}<revision><id>2</id>"
        f"<contributor><username>x</username></contributor><text>{text}</text></revision></page>\n"
    )


PAGES = HEAD + SITE + page("Shannon", "'''Claude Shannon''' wrote about [[information|bits]].")
PAGES += page("Talk:Shannon", "Hello?", namespace=1)
PAGES += page("C. Shannon", "#REDIRECT [[Shannon]]", redirect='<redirect title="Shannon" />')
PAGES += (
    page("熵", "'''熵'''&amp;nbsp;&lt;ref name=&quot;a&quot;/&gt;是不确定性。") + "</mediawiki>"
)


@pytest.fixture(params=[".xml", ".xml.bz2"])
def dump(request, tmp_path):
    path = tmp_path / f"tiny-pages-articles{request.param}"
    data = PAGES.encode()
    path.write_bytes(bz2.compress(data) if request.param.endswith("bz2") else data)
    return path


def test_a_dump_gives_its_articles_only(dump):
    articles = list(wikipedia_dump(dump))
    assert [article.title for article in articles] == ["Shannon", "熵"]
    assert articles[0].text == "Claude Shannon wrote about bits."
    assert articles[1].text == "熵\xa0是不确定性。"
    assert articles[1].split == split_of("熵")
    assert articles[0].topic is articles[0].description is None


def test_a_path_may_be_a_string(dump):
    assert next(wikipedia_dump(str(dump))).title == "Shannon"


@pytest.mark.parametrize("suffix", [".xml", ".xml.bz2"])
def test_a_dump_of_20_megabytes_is_read_in_little_memory(tmp_path, suffix):
    path = tmp_path / f"large{suffix}"
    texts = [escape(article.text) for article in wiki()]
    opener = partial(bz2.open, compresslevel=1) if suffix == ".xml.bz2" else open
    with opener(path, "wt", encoding="utf-8") as file:
        file.write(HEAD)
        size = sum(
            file.write(page(f"Page {first}", "\n\n".join(texts[first % 10_000 :][:40])))
            for first in range(0, 41_000, 40)
        )
        file.write("</mediawiki>")
    assert size > 20e6
    tracemalloc.start()
    try:
        count = sum(1 for _ in wikipedia_dump(path))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 1025
    assert peak < 2e6


def test_a_dump_that_is_cut_off_gives_what_it_has_then_says_so(dump):
    data = dump.read_bytes()
    dump.write_bytes(data[: len(data) - 60])
    rule = r"`path` must be a complete Wikipedia dump. Received: path=.*broken after article '"
    with pytest.raises(ValueError, match=rule):
        list(wikipedia_dump(dump))


def test_articles_before_the_damage_are_given(tmp_path):
    path = tmp_path / "cut.xml"
    path.write_text(PAGES[: PAGES.index("<title>熵")], encoding="utf-8")
    articles = wikipedia_dump(path)
    assert next(articles).title == "Shannon"
    with pytest.raises(ValueError, match="broken after article 'C. Shannon': no element found"):
        next(articles)


def test_what_is_no_dump_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"must end in .xml or .xml.bz2. Received: path='a.zip'"):
        wikipedia_dump("a.zip")
    with pytest.raises(FileNotFoundError, match=r"must be a file. Received: path='no.xml'"):
        wikipedia_dump("no.xml")
    (tmp_path / "noise.xml.bz2").write_bytes(b"not compressed")
    with pytest.raises(ValueError, match="broken after article '.none.': Invalid data stream"):
        list(wikipedia_dump(tmp_path / "noise.xml.bz2"))
    (tmp_path / "other.xml").write_text("<html/>")
    with pytest.raises(ValueError, match="its root element is <html>"):
        list(wikipedia_dump(tmp_path / "other.xml"))
    (tmp_path / "half.xml").write_text(HEAD + "<page><title>A</title></page></mediawiki>")
    with pytest.raises(ValueError, match="broken after article 'A': a page lacks 'ns'"):
        list(wikipedia_dump(tmp_path / "half.xml"))
    (tmp_path / "nameless.xml").write_text(HEAD + page("", "?") + "</mediawiki>")
    with pytest.raises(ValueError, match="broken after article '': a page has an empty title"):
        list(wikipedia_dump(tmp_path / "nameless.xml"))


def test_a_dump_without_a_namespace_is_read_too(tmp_path):
    (tmp_path / "plain.xml").write_text("<mediawiki>" + page("A", "b") + "</mediawiki>")
    assert [article.title for article in wikipedia_dump(tmp_path / "plain.xml")] == ["A"]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("'''Bold''' and ''italic''", "Bold and italic"),
        ("[[city]] and [[city|big cities]]", "city and big cities"),
        ("one{{cite|a={{b|{{c}}}}}} two", "one two"),
        ("a{| class=x\n|-\n| {{b}} || {| inner |} c\n|}b", "ab"),
        ("[[File:A.jpg|thumb|a [[city]] at {{n}} night]]Text", "Text"),
        ("Text[[Category:Cities]]", "Text"),
        ("a<ref name='x'>note</ref>b<ref name='y' />c", "abc"),
        ("a<!-- hidden\n{{ -->b", "ab"),
        ("5 &lt; 7 &amp; 7 > 5", "5 < 7 & 7 > 5"),
        ("x < 5 and y > 3", "x < 5 and y > 3"),
        ("a<br />b<small>c</small>", "abc"),
        ("== History ==\nText", "History\nText"),
        ("* one\n** two\n# three", "one\ntwo\nthree"),
        ("[https://example.org a site] and [https://example.org]", "a site and "),
        ("a\n\n\n\n\nb __NOTOC__", "a\n\nb"),
        ("[[文件:甲.jpg|缩略图|乙]]正文", "正文"),
    ],
)
def test_markup_is_taken_off(markup, text):
    assert strip_wikitext(markup) == text.strip()


def test_unclosed_markup_neither_hangs_nor_fails():
    for mark in ("{{", "{|", "[[", "<ref>", "<!--", "''", "[http://"):
        assert "word" in strip_wikitext(f"word {mark * 3} and more {mark} ")


def test_articles_are_complete_and_distinct():
    articles = wiki()
    assert len({article.title for article in articles}) == len(articles) == 10_033
    assert len({article.text for article in articles}) == len(articles)
    assert len({article.topic for article in articles}) == 12
    assert sum(article.description is not None for article in articles) == 9_862
    assert all(article.title and article.text and article.topic for article in articles)


def test_no_invisible_symbol_is_left():
    symbols = set().union(*(article.text for article in wiki()))
    assert {s for s in symbols if unicodedata.category(s) in ("Cc", "Cf", "Zs")} == {" ", "\n"}


def test_splits_are_about_80_10_10_and_never_change():
    counts = Counter(article.split for article in wiki())
    shares = [counts[split] / counts.total() for split in ("train", "validation", "test")]
    assert shares == pytest.approx([0.8, 0.1, 0.1], abs=0.01)
    titles = ("Bank", "Entropy", "Moon", "Peking", "William Shakespeare")
    assert [split_of(title) for title in titles] == [
        "train",
        "validation",
        "test",
        "test",
        "train",
    ]


def test_no_passage_of_two_hundred_characters_is_shared_between_splits():
    known = {}
    for article in wiki():
        for i in range(0, len(article.text) - 199):
            passage = hash(article.text[i : i + 200])
            assert known.setdefault(passage, article.split) == article.split, article.title
