"""Every number in `data/README.md`, recomputed from the data."""

import re
from collections import Counter

from lmcourse.packages import DATA, installed_file
from lmcourse.text import sentences
from lmcourse.text.corpora import SPLITS, hsk, sanguo, shakespeare, wiki

README = (DATA / "README.md").read_text(encoding="utf-8")


def table(header):
    """The cells below the table head that begins with the given words."""
    head, rest = README.split(f"| {header} |", 1)
    rows = rest.split("\n\n", 1)[0].splitlines()[2:]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def number(value):
    return f"{value:,}"


def texts():
    """For each row of the tables: its name, its items' splits and their texts."""
    for corpus in (shakespeare(), sanguo()):
        documents = corpus.documents
        yield f"`{corpus.name}`", [d.split for d in documents], [d.text for d in documents]
    for name, attribute in (("Chinese", "chinese"), ("English", "english")):
        pairs = hsk()
        yield f"`hsk`, {name}", [p.split for p in pairs], [getattr(p, attribute) for p in pairs]
    yield "`wiki`", [a.split for a in wiki()], [a.text for a in wiki()]


def words(name, items):
    if name == "`sanguo`":
        return "—"
    if name == "`hsk`, Chinese":
        return number(sum(bool(re.match(r"\w", w)) for pair in hsk() for w in pair.words))
    return number(sum(len(item.split()) for item in items))


def main_rows():
    units = {"`shakespeare`": "plays", "`sanguo`": "chapters", "`wiki`": "articles"}
    return [
        [
            name,
            f"{number(len(items))} {units.get(name, 'sentences')}",
            number(sum(map(len, items))),
            words(name, items),
            number(len(set().union(*items))),
        ]
        for name, _, items in texts()
    ]


def split_rows():
    rows = []
    for name, splits, items in texts():
        for split in SPLITS:
            chosen = [item for item, s in zip(items, splits, strict=True) if s == split]
            rows.append([name, split, number(len(chosen)), number(sum(map(len, chosen)))])
    return rows


def unseen_rows():
    rows = []
    for corpus in (shakespeare(), sanguo()):
        known, *held_out = (set(corpus.text(split)) for split in SPLITS)
        counts = [len(known), *(len(symbols - known) for symbols in held_out)]
        rows.append([f"`{corpus.name}`", *map(number, counts)])
    return rows


def level_rows():
    levels = Counter(pair.level for pair in hsk())
    entries = installed_file(*sentences.FILE).read_text(encoding="utf-8").count('"hsk_level"')
    counts = [*(levels[level] for level in range(1, 7)), entries - len(hsk())]
    return [["pairs", *map(number, counts)]]


def topic_rows():
    topics = Counter(article.topic for article in wiki())
    described = Counter(article.topic for article in wiki() if article.description)
    rows = [[t, number(n), number(described[t])] for t, n in topics.most_common()]
    return [*rows, ["all", number(topics.total()), number(described.total())]]


def test_the_counts_are_those_of_the_data():
    assert table("corpus | items") == main_rows()


def test_the_split_sizes_are_those_of_the_data():
    assert table("corpus | split") == split_rows()


def test_the_unseen_symbols_are_those_of_the_data():
    assert table("corpus | symbols in training") == unseen_rows()


def test_the_levels_and_topics_are_those_of_the_data():
    assert table("level | 1") == level_rows()
    assert table("topic") == topic_rows()


def test_the_symbols_of_shakespeare_are_listed():
    text = "".join(document.text for document in shakespeare().documents)
    listed = "".join(sorted(set(text) - {" ", "\n"}))
    assert f"```\n{listed}\n```" in README


def test_no_number_stands_outside_the_tables():
    prose = re.sub(r"(?m)^\|.*$|`[^`]*`|```.*?```", "", README)
    allowed = {"2", "3", "4", "5", "8", "10", "14", "15", "25", "115", "20", "30", "120", "32"}
    allowed |= {"0", "1", "6", "38", "60", "80", "90", "256"}  # rules and names, tested elsewhere
    assert set(re.findall(r"\d[\d,]*\d|\d", prose)) <= allowed
