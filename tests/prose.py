"""What prose must not do: each check returns "line 7: what: why", for tests to report."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
LESSONS = sorted((NOTEBOOKS / "src").glob("[0-9][0-9]_*.py"))
HAN = "\u3400-\u4dbf\u4e00-\u9fff"


# --- reading a lesson -----------------------------------------------------------------------


@dataclass
class Cell:
    """One cell of a lesson: "en", "zh" or "code", its first line in the file, its text."""

    kind: str
    line: int
    text: str


def cells(source: str) -> list[Cell]:
    """Cut a py:percent source into cells; Markdown loses its `# ` but keeps its lines."""
    found: list[Cell] = []
    for number, line in enumerate(source.splitlines(), start=1):
        if line.startswith("# %%"):
            markdown = "zh" if 'lang="zh"' in line else "en"
            found.append(Cell(markdown if "[markdown]" in line else "code", number + 1, ""))
        elif found:
            text = line if found[-1].kind == "code" else re.sub(r"^# ?", "", line)
            found[-1].text += text + "\n"
    return found


MUTED = re.compile(
    r"```.*?```|`[^`\n]*`"  # code
    r"|\$\$.*?\$\$|\$[^$\n]+\$"  # formulas
    r"|~~.*?~~"  # a word mentioned in order to warn of it
    r"|(?<=\])\([^)\n]*\)|https?://[^\s)>]+"  # where a link leads
    r"|<[a-zA-Z/][^>]*>"  # HTML
    r"|&\w+;",
    re.DOTALL,
)


def spoken(text: str) -> str:
    """The prose alone: the rest becomes blanks, so that every character keeps its place."""
    return MUTED.sub(lambda hit: re.sub(r"[^\n]", "\x00", hit[0]), text)


def without_references(text: str) -> str:
    """Blank the section of references: titles of papers are not ours to correct."""
    section = r"^#+ *(?:References|参考文献).*?(?=^#+ |\Z)"
    return re.sub(section, lambda hit: re.sub(r"[^\n]", "\x00", hit[0]), text, flags=re.M | re.S)


def prose(source: str, language: str) -> list[Cell]:
    """The Markdown cells of one language, prose alone."""
    kept = [cell for cell in cells(source) if cell.kind == language]
    return [Cell(c.kind, c.line, spoken(without_references(c.text))) for c in kept]


def line_of(cell: Cell, position: int) -> int:
    return cell.line + cell.text.count("\n", 0, position)


# --- the glossary ---------------------------------------------------------------------------


@dataclass
class Term:
    """A row of the glossary: the right word in each language and what not to call it."""

    english: str
    chinese: str
    avoid: tuple[str, ...]


def glossary(text: str) -> list[Term]:
    """The rows of the glossary's tables of five columns."""
    rows = [[cell.strip() for cell in line.strip("| \n").split("|")] for line in text.splitlines()]
    terms = [row for row in rows if len(row) == 5 and set(row[0]) != {"-"} and row[0] != "English"]
    return [
        Term(en, zh, tuple(word.strip() for word in avoid.split(";") if word.strip() != "—"))
        for en, zh, avoid, _, _ in terms
    ]


TERMS = glossary((NOTEBOOKS / "glossary.md").read_text(encoding="utf-8"))
ALSO_CALLED = re.compile(r"(?:also (?:called|known as)|又称|又叫|也叫|也称|亦称)[ “\"*]*$")


def is_chinese(word: str) -> bool:
    return re.search(f"[{HAN}]", word) is not None


def against_the_glossary(source: str, language: str, terms: list[Term] = TERMS) -> list[str]:
    """Every use of a word that the glossary avoids: "line 7: ... -> ..."."""
    right = [t.chinese for t in terms] if language == "zh" else [t.english for t in terms]
    found = []
    for cell in prose(source, language):
        for term in terms:
            for word in term.avoid:
                if is_chinese(word) != (language == "zh"):
                    continue
                pattern = re.escape(word)
                if language == "en":
                    pattern = rf"(?<![\w-]){pattern}(?:s|es)?(?![\w-])"
                for hit in re.finditer(pattern, cell.text, re.IGNORECASE):
                    if ALSO_CALLED.search(cell.text[: hit.start()]):
                        continue
                    if inside_a_right_word(cell.text, hit, right):
                        continue
                    better = term.chinese if language == "zh" else term.english
                    line = line_of(cell, hit.start())
                    found.append(f"line {line}: `{hit[0]}` is called `{better}` in this course")
    return found


def untranslated(source: str, terms: list[Term] = TERMS) -> list[str]:
    """Terms in bold (a definition) whose Chinese word is missing from the Chinese sibling cell."""
    chinese = {}
    for term in terms:
        for word in filter(
            None, re.split(r" \(|\)", term.english)
        ):  # "gated recurrent unit (GRU)": two words
            chinese[word.lower()] = chinese[word.lower() + "s"] = re.split("、", term.chinese)
    found = []
    pages = [cell for cell in cells(source) if cell.kind != "code"]
    for cell, sibling in zip(pages, pages[1:], strict=False):
        for hit in re.finditer(r"\*\*([^*\n]+?)[.:,]?\*\*", cell.text if cell.kind == "en" else ""):
            words = chinese.get(hit[1].lower())
            if words and not any(word in sibling.text for word in words):
                line = line_of(cell, hit.start())
                found.append(f"line {line}: `{hit[1]}` is defined, `{words[0]}` is not")
    return found


def inside_a_right_word(text: str, hit: re.Match, right: list[str]) -> bool:
    """Whether the hit is part of a longer word that the glossary asks for (几率 in 对数几率)."""
    for word in right:
        if len(word) > len(hit[0]) and hit[0].lower() in word.lower():
            for whole in re.finditer(re.escape(word), text, re.IGNORECASE):
                if whole.start() <= hit.start() and hit.end() <= whole.end():
                    return True
    return False


# --- manners --------------------------------------------------------------------------------

FILLERS = {
    "en": r"\b(?:simply|obviously|of course|needless to say|trivially|delv(?:e|es|ing)"
    r"|crucial(?:ly)?"
    r"|it(?:'s| is) (?:important|worth) (?:to note|noting)|worth noting|dive (?:deep )?into"
    r"|deep dive|leverag(?:e|es|ing)|utiliz(?:e|es|ing)|seamless(?:ly)?|game[- ]chang\w+"
    r"|in the realm of|just (?:use|call|run|add|take|put|do|need)"
    r"|(?:is|are|it's|that's) just (?:a|an|the))\b",
    "zh": r"众所周知|显而易见|不言而喻|毋庸置疑|毫无疑问|值得注意的是|需要注意的是|总而言之"
    r"|综上所述|赋能|让我们一起|在当今",
}

HALF_WIDTH = rf"[{HAN}]\**[,;:?!()\"]|[,;:?!()\"]\**[{HAN}]|(?!图\.)[{HAN}]\**\.(?![A-Za-z0-9])"
UNSPACED = rf"[{HAN}][A-Za-z0-9]|[A-Za-z0-9][{HAN}]"


def found_in(source: str, language: str, pattern: str, rule: str) -> list[str]:
    """Every hit of a pattern in the prose of one language, with its line and the rule."""
    return [
        f"line {line_of(cell, hit.start())}: `{hit[0]}`: {rule}"
        for cell in prose(source, language)
        for hit in re.finditer(pattern, cell.text, re.IGNORECASE)
    ]


def fillers(source: str) -> list[str]:
    rule = "says nothing; leave it out"
    return [hit for lang, words in FILLERS.items() for hit in found_in(source, lang, words, rule)]


def half_width(source: str) -> list[str]:
    return found_in(source, "zh", HALF_WIDTH, "Chinese takes full-width marks ，。；：？！（）“”")


def unspaced(source: str) -> list[str]:
    return found_in(source, "zh", UNSPACED, "a space stands between Chinese and Latin or digits")


def broken_bold(source: str) -> list[str]:
    """Bold that Markdown does not see: a mark just inside `**` and a letter just outside."""
    found = []
    for language in ("en", "zh"):
        for cell in prose(source, language):
            for number, line in enumerate(cell.text.split("\n"), start=cell.line):
                parts = re.split(r"\*\*", f" {line} ")
                for left, bold, right in zip(parts[::2], parts[1::2], parts[2::2], strict=False):
                    opens = left[-1:].isalnum() and not bold[:1].isalnum()
                    closes = right[:1].isalnum() and not bold[-1:].isalnum()
                    if (opens or closes) and "\x00" not in (bold[:1], bold[-1:]):
                        found.append(f"line {number}: `**{bold}**`: move the mark out of the bold")
    return found


def report(path: Path, found: list[str]) -> str:
    return "\n".join(f"{path.relative_to(ROOT)}, {line}" for line in found)
