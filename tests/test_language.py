"""The words of the lessons: one term for one thing, the same in both languages, in good manners."""

import pytest

from tests.prose import (
    LESSONS,
    TERMS,
    against_the_glossary,
    broken_bold,
    fillers,
    half_width,
    report,
    unspaced,
    untranslated,
)


@pytest.fixture(params=LESSONS, ids=lambda path: path.stem)
def lesson(request):
    return request.param


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
