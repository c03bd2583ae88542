"""Shakespeare's markdown turned into speeches."""

import re

import pytest

from lmcourse.text.corpora import shakespeare
from lmcourse.text.plays import files, speeches


def test_a_scene_by_hand():
    markdown = """# Hamlet

## ACT I

### SCENE I. Elsinore. A platform before the castle.

_FRANCISCO at his post. Enter to him BERNARDO_

**BERNARDO**  \nWho's there?

**FRANCISCO**  \n_\\[Aside]_  \nNay, answer me: stand, and  \n  unfold  yourself.

_Enter GHOST and
others_

O, 'tis he--

**Both & others**  \n*[Kneeling.]*  \nMy lord!—
"""
    assert speeches(markdown) == (
        "BERNARDO:\nWho's there?\n\n"
        "FRANCISCO:\nNay, answer me: stand, and\nunfold yourself.\nO, 'tis he--\n\n"
        "Both and others:\nMy lord!--\n"
    )


@pytest.mark.parametrize(
    ("markdown", "expected"),
    [
        ("**A**\nthese, & c.'", "A:\nthese, etc.'\n"),
        ("**A**\nchild,' &amp; c. This", "A:\nchild,' etc. This\n"),
        ("**A**\nyes.\nBISHOP\n\n**OF ELY**\nNo.", "A:\nyes.\n\nBISHOP OF ELY:\nNo.\n"),
        ("**A**\nyes.\nMaster-Gunner But now", "A:\nyes.\n\nMaster-Gunner:\nBut now\n"),
        ("**A**\nSing!\nSONG.  \nO mistress", "A:\nSing!\n\nSONG:\nO mistress\n"),
        ("**A**\nSing!\nSONG.\n\n\n**B**\nO mistress", "A:\nSing!\n\nB:\nO mistress\n"),
        ("**A**\nhe'll __\\[ ]_  \nSeem", "A:\nhe'll Seem\n"),
        ("**A**\nAnd _\\[Censorinus,]_  \nnobly", "A:\nAnd Censorinus, nobly\n"),
        ("**A**\nway;\n\n**This way will I**  \ngo.", "A:\nway;\nThis way will I: go.\n"),
        ("**A**  \n_Exit_\n\n**B**\nGone.", "B:\nGone.\n"),
        ("**A**\nyes.\nANTONIO: Let me know.", "A:\nyes.\n\nANTONIO:\nLet me know.\n"),
        ("**A**\nHo!\n\n### SCENE I.\n\na trunk in it.\n\n**B**\nHa!", "A:\nHo!\n\nB:\nHa!\n"),
    ],
)
def test_each_repair(markdown, expected):
    assert speeches(markdown) == expected


def test_no_markup_is_left_and_every_symbol_is_plain():
    text = "".join(document.text for document in shakespeare().documents)
    symbols = "".join(sorted(set(text)))
    assert symbols == ("\n !',-.24568:;?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


def test_a_play_is_speeches_between_blank_lines():
    for document in shakespeare().documents:
        for speech in document.text.removesuffix("\n").split("\n\n"):
            name, *lines = speech.split("\n")
            assert re.fullmatch(r"[A-Z][A-Za-z' .-]*:", name), speech
            assert lines and all(line == line.strip() != "" for line in lines), speech


def test_no_stage_direction_is_spoken():
    text = "".join(document.text for document in shakespeare().documents)
    for direction in ("Exeunt", "Re-enter ", "\nSCENE I", "\nACT I", "Enter KING", "Flourish. "):
        assert direction not in text, direction


def test_the_lines_that_everybody_knows_are_there():
    plays = {document.title: document.text for document in shakespeare().documents}
    assert "HAMLET:\nTo be, or not to be: that is the question:\n" in plays["Hamlet"]
    assert "O Romeo, Romeo! wherefore art thou Romeo?\n" in plays["Romeo and Juliet"]
    assert "Friends, Romans, countrymen, lend me your ears;\n" in plays["Julius Caesar"]
    assert "A horse! a horse! my kingdom for a horse!\n" in plays["Richard III"]
    assert "EPILOGUE:\nNow my charms are all o'erthrown,\n" in plays["The Tempest"]


def test_almost_nothing_that_is_spoken_gets_lost():
    for title, file in files():
        markdown = file.read_text(encoding="utf-8")
        named = markdown.count("\n**")
        assert speeches(markdown).count(":\n") >= 0.97 * named, title
