"""The words of the lessons: one term for one thing, clean punctuation, credits, links that lead."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import pytest

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


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request) -> Path:
    return request.param


def report(path: Path, found: list[str]) -> str:
    return "\n".join(f"{path.relative_to(ROOT)}, {line}" for line in found)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_term_is_the_one_of_the_glossary(lesson, language):
    found = against_the_glossary(lesson.read_text(encoding="utf-8"), language)
    assert not found, report(lesson, found)


def test_what_english_defines_chinese_defines_too(lesson):
    found = untranslated(lesson.read_text(encoding="utf-8"))
    assert not found, report(lesson, found)


def test_no_filler_words(lesson):
    found = fillers(lesson.read_text(encoding="utf-8"))
    assert not found, report(lesson, found)


def test_chinese_has_full_width_punctuation(lesson):
    found = half_width(lesson.read_text(encoding="utf-8"))
    assert not found, report(lesson, found)


def test_a_space_stands_between_chinese_and_latin(lesson):
    found = unspaced(lesson.read_text(encoding="utf-8"))
    assert not found, report(lesson, found)


def test_bold_is_seen_by_markdown(lesson):
    found = broken_bold(lesson.read_text(encoding="utf-8"))
    assert not found, report(lesson, found)


# --- the checks checked: each finds what it is for and leaves the rest alone -----------------

GOOD = """# %% [markdown]
# # 07 · Right words
# The cross-entropy of an n-gram model, whose vocabulary (`vocab`) is small.
# Its **perplexity**, also called branching factor; not a ~~cross entropy~~.
# ## References
# A title may speak of a dev set.

# %% [markdown] lang="zh"
# 对数几率与交叉熵，循环神经网络（不叫 ~~递归神经网络~~），见 [第 02 课](02_ngrams.ipynb)。
# Transformer 也称变压器；**图.** 说明：$x$，`代码,代码`。

# %%
vocab = "机率"
"""


def swap(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_good_prose_passes_every_check():
    assert against_the_glossary(GOOD, "en") == []
    assert against_the_glossary(GOOD, "zh") == []
    assert fillers(GOOD) + half_width(GOOD) + unspaced(GOOD) + broken_bold(GOOD) == []


@pytest.mark.parametrize(
    "old, new, language, line, right",
    [
        ("The cross-entropy", "The Cross Entropy", "en", 3, "cross-entropy"),
        ("whose vocabulary", "whose vocabs", "en", 3, "vocabulary"),
        ("对数几率", "几率", "zh", 9, "概率"),
        ("循环神经网络（", "递归神经网络（", "zh", 9, "循环神经网络"),
        ("也称变压器", "又名变压器", "zh", 10, "Transformer"),
    ],
)
def test_a_wrong_term_is_found_with_its_line_and_the_right_one(old, new, language, line, right):
    (found,) = against_the_glossary(swap(old, new), language)
    assert found.startswith(f"line {line}: ") and f"called `{right}`" in found


def test_a_definition_in_one_language_alone_is_found():
    good = '# %% [markdown]\n# A **bigram**.\n\n# %% [markdown] lang="zh"\n# **二元语法**。\n'
    assert untranslated(good) == []
    (found,) = untranslated(good.replace("二元语法", "词对"))
    assert found == "line 2: `bigram` is defined, `二元语法` is not"


@pytest.mark.parametrize(
    "check, old, new",
    [
        (fillers, "is small", "is simply small"),
        (fillers, "is small", "is just a list"),
        (fillers, "与交叉熵", "，众所周知，与交叉熵"),
        (half_width, "交叉熵，", "交叉熵,"),
        (half_width, "说明：", "说明:"),
        (half_width, "（不叫", "(不叫"),
        (half_width, "对数几率", '"对数几率"'),
        (half_width, "$x$，", "$x$，好."),
        (unspaced, "第 02 课", "第02 课"),
        (broken_bold, "**图.** 说明", "**图.**说明"),
        (broken_bold, "与交叉熵", "与**“交叉”**熵"),
        (unspaced, "Transformer 也", "Transformer也"),
    ],
)
def test_bad_manners_are_found(check, old, new):
    assert len(check(swap(old, new))) in (1, 2)


def test_the_glossary_contradicts_itself_nowhere():
    assert len(TERMS) > 100
    for words in ([t.english for t in TERMS], [t.chinese for t in TERMS]):
        assert len(set(words)) == len(words), "a word stands in two rows"
    right = {word.lower() for t in TERMS for word in (t.english, t.chinese)}
    assert not right & {word.lower() for t in TERMS for word in t.avoid}


# --- credits --------------------------------------------------------------------------------

# What a lesson loads, the call that loads it, and what a credit must name in each language.
CREDITS = {
    "shakespeare": (r"shakespeare", ("Shakespeare", "public domain"), ("莎士比亚", "公有领域")),
    "sanguo": (
        r"sanguo",
        ("Romance of the Three Kingdoms", "public domain"),
        ("三国演义", "公有领域"),
    ),
    "hsk": (r"corpora\.hsk\b|\bhsk\(", ("CC BY-SA 4.0", "HSK"), ("CC BY-SA 4.0", "HSK")),
    "wiki": (
        r"corpora\.wiki\b|\bwiki\(",
        ("CC BY-SA 4.0", "Wikipedia"),
        ("CC BY-SA 4.0", "维基百科"),
    ),
    "gpt2": (r"\.gpt2\(", ("GPT-2", "MIT"), ("GPT-2", "MIT")),
    "font": (
        r"setup\(",
        ("Noto Sans SC", "Open Font License"),
        ("Noto Sans SC", "Open Font License"),
    ),
}


def first_lesson(call: str) -> Path | None:
    """The first lesson whose code loads something."""
    for path in LESSONS:
        code = "".join(c.text for c in cells(path.read_text(encoding="utf-8")) if c.kind == "code")
        if re.search(call, code):
            return path
    return None


@pytest.mark.parametrize("what", CREDITS)
def test_whoever_is_first_to_load_something_credits_it(what):
    call, english, chinese = CREDITS[what]
    path = first_lesson(call)
    assert path is not None or what == "wiki", f"no lesson loads {what}: drop its credit here"
    if path is None:
        return
    for language, words in (("en", english), ("zh", chinese)):
        found = cells(path.read_text(encoding="utf-8"))
        text = " ".join(" ".join(c.text for c in found if c.kind == language).split())
        missing = [word for word in words if word not in text]
        assert not missing, (
            f"{path.name} is the first to load {what}; its {language} lacks {missing}"
        )


# --- links ----------------------------------------------------------------------------------

LINK = re.compile(
    r"\]\(([^()\s]*(?:\([^()\s]*\)[^()\s]*)*)(?: \"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\""
)


def anchors(markdown: str) -> set[str]:
    """The anchors that a page's headings make, the way GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", re.sub(r"```.*?```", "", markdown, flags=re.S), re.M)
    return {re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings}


def exists(path: Path) -> bool:
    """Whether a file is there, or will be once the lessons are built."""
    source = NOTEBOOKS / "src" / f"{path.stem}.py"
    return path.exists() or (path.suffix == ".ipynb" and source.exists())


def broken_links(text: str, page: Path) -> list[str]:
    """Relative links of a page that lead nowhere."""
    found = []
    for hit in LINK.finditer(re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.S)):
        target = unquote(hit[1] or hit[2] or "")
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        goal = (page.parent / file).resolve() if file else page
        if not exists(goal):
            found.append(f"`{target}` leads nowhere")
        elif anchor and goal.suffix == ".md":
            if anchor.lower() not in anchors(goal.read_text(encoding="utf-8")):
                found.append(f"`{target}`: no such heading")
    return found


PAGES = [*ROOT.glob("README*.md"), *NOTEBOOKS.glob("*.md"), *(ROOT / "data").glob("*.md")]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_page_leads_somewhere(page):
    found = broken_links(page.read_text(encoding="utf-8"), page)
    assert not found, report(page, found)


def test_every_link_of_a_lesson_leads_somewhere(lesson):
    # The builder moves Chinese links one folder up, those to lessons excepted: they stay in `zh/`.
    for cell in cells(lesson.read_text(encoding="utf-8")):
        if cell.kind != "code":
            found = broken_links(cell.text, NOTEBOOKS / f"{lesson.stem}.ipynb")
            assert not found, report(lesson, [f"cell at line {cell.line}: {hit}" for hit in found])


def test_a_link_that_leads_nowhere_is_found():
    page = NOTEBOOKS / "glossary.md"
    good = (
        "[a](notation.md) [b](https://example.org/x) [c](notation.md#text-and-symbols--文本与符号)"
    )
    assert broken_links(good, page) == []
    assert len(broken_links("[a](nowhere.md) [b](notation.md#nothing) [c](../no.png)", page)) == 3
