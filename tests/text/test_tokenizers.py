import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmcourse.text import checks
from lmcourse.text.tokenizers import CharacterTokenizer, WordTokenizer

TEXT = "Never, never, never!\n我爱北京天安门。  It isn't e\u0301toile 👩‍🚀."
# Every string that UTF-8 can write: all code points but the lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"]))
both = pytest.mark.parametrize("kind", [CharacterTokenizer, WordTokenizer])


def test_characters_are_numbered_in_sorted_order():
    tokenizer = CharacterTokenizer.train("banana")
    assert tokenizer.vocabulary == ["a", "b", "n"]
    assert tokenizer.vocabulary_size == 3
    ids = tokenizer.encode("nab")
    assert ids.dtype == np.int64 and ids.tolist() == [2, 0, 1]


def test_an_unseen_character_becomes_unk_only_if_asked():
    tokenizer = CharacterTokenizer.train("ba", unknown=True)
    assert tokenizer.vocabulary == ["<unk>", "a", "b"]
    assert tokenizer.encode("abc").tolist() == [1, 2, 0]
    assert tokenizer.decode([1, 2, 0]) == "ab<unk>"
    with pytest.raises(ValueError, match=r"no `<unk>`. Received: 'z' \(U\+007A\) at position 2"):
        CharacterTokenizer.train("ab").encode("abz")


def test_words_are_numbered_by_count_and_then_by_alphabet():
    tokenizer = WordTokenizer.train("b a c a\na a", minimum_count=2)
    assert tokenizer.vocabulary == ["<unk>", " a"]
    tokenizer = WordTokenizer.train("x c x b x b x c x a", vocabulary_size=5)
    assert tokenizer.vocabulary == ["<unk>", " x", " b", " c", " a"]
    assert tokenizer.encode("x a x d").tolist() == [0, 4, 1, 0]


def test_punctuation_and_white_space_are_tokens_and_an_apostrophe_stays_inside():
    assert WordTokenizer.split("Oh, it isn't  so.\n") == [
        "Oh",
        ",",
        " it",
        " isn't",
        " ",
        " so",
    ] + [
        ".",
        "\n",
    ]
    assert WordTokenizer.split("e\u0301t\u00e9") == ["e\u0301t\u00e9"]


@both
@given(text=texts.filter(len))
def test_any_text_comes_back_whole(kind, text):
    tokenizer = kind.train(text)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@both
def test_nothing_becomes_nothing(kind):
    tokenizer = kind.train(TEXT)
    assert tokenizer.encode("").shape == (0,)
    assert tokenizer.encode("").dtype == np.int64
    assert tokenizer.decode([]) == ""


@both
def test_a_saved_tokenizer_loads_as_the_same_tokenizer(kind, tmp_path):
    tokenizer = kind.train(TEXT)
    tokenizer.save(tmp_path / "saved.json")
    loaded = kind.load(tmp_path / "saved.json")
    assert loaded.vocabulary == tokenizer.vocabulary
    assert loaded.encode(TEXT).tolist() == tokenizer.encode(TEXT).tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["saved.json"]


@both
def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(kind, tmp_path, monkeypatch):
    path = tmp_path / "saved.json"
    kind.train("old").save(path)
    before = path.read_bytes()

    def disk_full(temporary, path):
        assert os.path.getsize(temporary) > 0
        raise OSError("disk full")

    monkeypatch.setattr(checks.os, "replace", disk_full)
    with pytest.raises(OSError, match="disk full"):
        kind.train(TEXT).save(path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["saved.json"]


@both
@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"kind": ', "which is not JSON"),
        (b"\xff\xfe", "which is not JSON"),
        ("[" * 100_000, "which is not JSON"),
        ("[1, 2]", "a list"),
        ({"kind": "NGram", "vocabulary": ["a"]}, "kind='NGram'"),
        ({"vocabulary": ["a"]}, "kind=None"),
        ({"kind": None}, "without vocabulary"),
        ({"kind": None, "vocabulary": "abc"}, "must be a list"),
        ({"kind": None, "vocabulary": []}, "at least one symbol"),
        ({"kind": None, "vocabulary": ["a", 7]}, "Received: 7 as id 1"),
        ({"kind": None, "vocabulary": ["a", [7]]}, r"Received: \[7\] as id 1"),
        ({"kind": None, "vocabulary": ["a", ""]}, "Received: '' as id 1"),
        ({"kind": None, "vocabulary": ["a", "<unk>"]}, "Received: '<unk>' as id 1"),
        ({"kind": None, "vocabulary": ["a", "\ud800"]}, "lone surrogate.*Received: U.D800"),
        ({"kind": None, "vocabulary": ["a", "b", "a"]}, "distinct symbols. Received: 'a'"),
    ],
)
def test_a_corrupt_file_is_refused(kind, content, message, tmp_path):
    path = tmp_path / "saved.json"
    if isinstance(content, dict):
        if "kind" in content and content["kind"] is None:
            content = {**content, "kind": kind.__name__}
        content = json.dumps(content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message):
        kind.load(path)


@both
def test_a_missing_file_or_folder_is_named(kind, tmp_path):
    with pytest.raises(FileNotFoundError, match="must be a file. Received: .*no.json"):
        kind.load(tmp_path / "no.json")
    with pytest.raises(FileNotFoundError, match="must be a file. Received: "):
        kind.load(tmp_path)
    with pytest.raises(FileNotFoundError, match="the folder .* must exist. Received: .*no/a.json"):
        kind.train(TEXT).save(tmp_path / "no" / "a.json")


@both
def test_a_missing_file_is_named(kind, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere.json"):
        kind.load(tmp_path / "nowhere.json")


@both
def test_bad_input_is_named(kind):
    with pytest.raises(ValueError, match="must not be empty. Received: text=''"):
        kind.train("")
    with pytest.raises(TypeError, match="must be a str. Received: bytes"):
        kind.train(b"text")
    with pytest.raises(TypeError, match="must be a str. Received: NoneType"):
        kind.train("text").encode(None)
    with pytest.raises(ValueError, match=r"Received: U\+D83D at position 2"):
        kind.train("ab\ud83d")


@both
def test_ids_that_are_no_ids_are_named(kind):
    tokenizer = kind.train("a")
    last = tokenizer.vocabulary_size - 1
    with pytest.raises(ValueError, match=f"between 0 and {last}. Received: {last + 1}"):
        tokenizer.decode([0, last + 1])
    with pytest.raises(ValueError, match="Received: -1"):
        tokenizer.decode([-1])
    with pytest.raises(TypeError, match="must be integers. Received: dtype float64"):
        tokenizer.decode([0.0])
    with pytest.raises(ValueError, match=r"one axis, \(T,\). Received: shape \(1, 1\)"):
        tokenizer.decode([[0]])


def test_limits_of_the_word_vocabulary_are_named():
    with pytest.raises(ValueError, match="at least 1. Received: minimum_count=0"):
        WordTokenizer.train("a", minimum_count=0)
    with pytest.raises(ValueError, match="Received: vocabulary_size=1"):
        WordTokenizer.train("a", vocabulary_size=1)


def test_tokenizers_do_not_load_tensorflow():
    code = "import sys, lmcourse.text.tokenizers as _; sys.exit('tensorflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
