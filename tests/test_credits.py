"""Whoever made what a lesson uses is named there, and every link leads somewhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.prose import LESSONS, NOTEBOOKS, ROOT, cells, report

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
    "smollm2": (
        r"SMOLLM2|smollm2\(",
        ("SmolLM2", "Ben Allal", "Apache 2.0"),
        ("SmolLM2", "Ben Allal", "Apache 2.0"),
    ),
    "minilm": (
        r"minilm\(",
        ("MiniLM", "sentence-transformers", "Apache 2.0"),
        ("MiniLM", "sentence-transformers", "Apache 2.0"),
    ),
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


@pytest.mark.parametrize("lesson", LESSONS, ids=lambda path: path.stem)
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
