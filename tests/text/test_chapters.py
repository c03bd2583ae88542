"""三国演义, chapter by chapter."""

import re

import pytest

from lmcourse.text import chapters
from lmcourse.text.corpora import sanguo


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("\t话说天下，\n\n\t分久必合。\n\n\t且看。", "话说天下，分久必合。\n且看。"),
        ("二军远来www.xyyuedu.com ，只宜坚守。", "二军远来，只宜坚守。"),
        ("伏于【舟冓】【舟鹿】中。太子孙【上雨下单】。", "伏于𦩷𦪇中。太子孙𩅦。"),
        ("?得玄德面如土色。", "唬得玄德面如土色。"),
        ("太守刘?，捕之。", "太守刘邠，捕之。"),
        ("右将军——\n\n\t玄都侯。", "右将军——玄都侯。"),
        ("且住！......教你看！......”", "且住！……教你看！……”"),
        ("诗曰：\n\n\t“滚滚长江。”\n  \n\t\t\n  \n\n\t却说。", "诗曰：\n“滚滚长江。”\n却说。"),
    ],
)
def test_each_repair(body, expected):
    assert chapters.paragraphs(body) == expected


def test_no_artefact_is_left_and_every_symbol_is_listed():
    text = "".join(document.text for document in sanguo().documents)
    others = {symbol for symbol in text if not "一" <= symbol <= "鿿"}
    assert others == set("\n 、。—…‘’“”《》！（），：；？𦩷𦪇𩅦")


def test_every_chapter_begins_with_its_couplet():
    titles = [document.title for document in sanguo().documents]
    assert len(titles) == len(set(titles)) == 120
    assert titles[0] == "第一回 宴桃园豪杰三结义 斩黄巾英雄首立功"
    for document in sanguo().documents:
        number, first, second = document.title.split(" ")
        assert re.fullmatch("第[一二三四五六七八九十百]+回", number)
        assert len(first) == len(second) in (7, 8)
        assert document.text.startswith(document.title + "\n")


def test_a_paragraph_ends_where_a_sentence_ends():
    for document in sanguo().documents:
        title, *paragraphs = document.text.removesuffix("\n").split("\n")
        assert paragraphs and all(paragraph[-1] in "。！？”》：；" for paragraph in paragraphs)
        assert not any(" " in paragraph for paragraph in paragraphs)


def test_the_lines_that_everybody_knows_are_there():
    texts = [document.text for document in sanguo().documents]
    assert "\n话说天下大势，分久必合，合久必分。" in texts[0]
    assert "滚滚长江东逝水，浪花淘尽英雄。" in texts[0]
    assert "今天下英雄，惟使君与操耳！" in texts[20]
    assert texts[119].rstrip().endswith("后人凭吊空牢骚。")
