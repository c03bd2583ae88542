"""The corpora of the course and the learner's own text: splits, leaks, bad input."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmcourse.text import corpora
from lmcourse.text.corpora import SPLITS, Corpus, Document


@pytest.fixture(params=[corpora.shakespeare, corpora.sanguo])
def corpus(request):
    return request.param()


def shared_passages(texts, others, length):
    """Passages of the given length that stand both in some text and in some other text."""
    known = {text[i : i + length] for text in texts for i in range(len(text) - length + 1)}
    return [
        text[i : i + length]
        for text in others
        for i in range(len(text) - length + 1)
        if text[i : i + length] in known
    ]


def test_a_split_joins_its_documents_with_a_line_end():
    documents = (
        Document("a", "x", "train"),
        Document("b", "y", "test"),
        Document("c", "z", "train"),
    )
    small = Corpus("small", "en", documents)
    assert [small.text(split) for split in SPLITS] == ["x\nz", "", "y"]


def test_an_unknown_split_is_refused(corpus):
    with pytest.raises(ValueError, match=r"`split` must be one of .*Received: split='dev'"):
        corpus.text("dev")


def test_a_corpus_cannot_be_changed(corpus):
    with pytest.raises(dataclasses.FrozenInstanceError):
        corpus.documents[0].text = ""


def test_no_document_is_in_two_splits(corpus):
    titles = [document.title for document in corpus.documents]
    texts = [document.text for document in corpus.documents]
    assert len(set(titles)) == len(set(texts)) == len(titles)
    assert {document.split for document in corpus.documents} == set(SPLITS)


def test_about_a_tenth_is_held_out_twice(corpus):
    sizes = {split: len(corpus.text(split)) for split in SPLITS}
    total = sum(sizes.values())
    assert 0.78 < sizes["train"] / total < 0.82
    assert 0.09 < sizes["validation"] / total < 0.11
    assert 0.09 < sizes["test"] / total < 0.11


def test_no_passage_of_sixty_characters_is_shared_between_splits(corpus):
    texts = {split: [d.text for d in corpus.documents if d.split == split] for split in SPLITS}
    held_out = texts["validation"] + texts["test"]
    assert shared_passages(held_out, texts["train"], 60) == []
    assert shared_passages(texts["validation"], texts["test"], 60) == []


def test_a_planted_passage_would_be_found():
    passage = "to be, or not to be: that is the question"
    assert shared_passages([f"I say {passage}!"], [f"{passage}."], 41) == [passage]


def test_held_out_plays_and_chapters_are_the_written_ones():
    plays = {document.title: document.split for document in corpora.shakespeare().documents}
    assert {title for title, split in plays.items() if split == "validation"} == {
        "As You Like It",
        "Henry V",
        "Timon of Athens",
        "The Tempest",
    }
    assert {title for title, split in plays.items() if split == "test"} == {
        "Much Ado About Nothing",
        "Richard II",
        "Julius Caesar",
        "King Lear",
    }
    chapters = [document.split for document in corpora.sanguo().documents]
    assert all(split == "validation" for split in chapters[4::10])
    assert all(split == "test" for split in chapters[9::10])
    assert chapters.count("train") == 96


def test_every_symbol_of_held_out_shakespeare_occurs_in_training():
    corpus = corpora.shakespeare()
    assert set(corpus.text("validation") + corpus.text("test")) <= set(corpus.text("train"))


def test_one_file_is_cut_at_paragraph_ends(tmp_path):
    paragraph = "One line.\nAnother line.\n\n"
    (tmp_path / "mine.txt").write_text(paragraph * 50, encoding="utf-8")
    corpus = corpora.own(tmp_path / "mine.txt")
    assert (corpus.name, corpus.language) == ("mine", "en")
    assert [corpus.text(split) for split in SPLITS] == [paragraph * n for n in (40, 5, 5)]
    assert corpus.documents[0].title == "mine (train)"


def test_without_paragraphs_it_is_cut_at_line_ends(tmp_path):
    (tmp_path / "mine.txt").write_text("春眠不觉晓，处处闻啼鸟。\n" * 30, encoding="utf-8")
    corpus = corpora.own(str(tmp_path / "mine.txt"), language="zh")
    assert [corpus.text(split).count("\n") for split in SPLITS] == [24, 3, 3]
    assert all(corpus.text(split).startswith("春") for split in SPLITS)


@given(text=st.text(st.sampled_from("ab \n"), min_size=10, max_size=200))
def test_the_three_parts_of_a_file_are_the_file(text):
    parts = corpora._cut(text)
    assert "".join(parts) == text
    assert all(parts)
    assert abs(len(parts[0]) - 0.8 * len(text)) <= 0.04 * len(text) + 1


def test_many_files_are_split_by_file(tmp_path):
    for number in range(20):
        folder = tmp_path / ("late" if number > 9 else "early")
        name = folder / f"{number:02}{'.TXT' if number == 3 else '.txt'}"
        name.parent.mkdir(exist_ok=True)
        name.write_text(f"This is file {number:02}.\n", encoding="utf-8")
    (tmp_path / "folder.txt").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "draft.txt").write_text("not to be read", encoding="utf-8")
    (tmp_path / "notes.md").write_text("not to be read", encoding="utf-8")
    documents = corpora.own(tmp_path).documents
    assert [document.title for document in documents] == [
        f"{'late' if number > 9 else 'early'}/{number:02}" for number in range(20)
    ]
    splits = [document.split for document in documents]
    assert splits == ["train"] * 16 + ["validation"] * 2 + ["test"] * 2


def test_three_files_give_one_to_each_split(tmp_path):
    for name, size in (("a", 1), ("b", 1), ("c", 98)):
        (tmp_path / f"{name}.txt").write_text("Ten words.\n" * size, encoding="utf-8")
    assert [document.split for document in corpora.own(tmp_path).documents] == list(SPLITS)


@given(sizes=st.lists(st.integers(1, 1000), min_size=3, max_size=40))
def test_a_folder_always_has_every_split_in_order(sizes):
    splits = corpora._splits_by_size(sizes)
    assert len(splits) == len(sizes) and set(splits) == set(SPLITS)
    assert splits == sorted(splits, key=SPLITS.index)


def test_two_files_are_each_cut(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.txt").write_text(name * 100, encoding="utf-8")
    corpus = corpora.own(tmp_path)
    assert corpus.text("train") == "a" * 80 + "\n" + "b" * 80
    assert corpus.text("test") == "a" * 10 + "\n" + "b" * 10


def test_a_file_from_windows_is_read_like_any_other(tmp_path):
    (tmp_path / "w.txt").write_bytes(b"\xef\xbb\xbf" + b"Hello there.\r\n" * 10)
    corpus = corpora.own(tmp_path / "w.txt")
    assert "".join(document.text for document in corpus.documents) == "Hello there.\n" * 10


def test_bad_input_is_named(tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"must be a file or a folder. Received: path=.*no'"
    ):
        corpora.own(tmp_path / "no")
    with pytest.raises(FileNotFoundError, match=r"at least one .txt file. Received: path="):
        corpora.own(tmp_path)
    (tmp_path / "gbk.txt").write_bytes("ABC 三国演义，第一回。".encode("gbk"))
    with pytest.raises(
        ValueError, match=r"must be UTF-8. Received: '.*gbk.txt' with byte 0xc8 at offset 4"
    ):
        corpora.own(tmp_path / "gbk.txt")
    (tmp_path / "empty.txt").write_text(" \n" * 50, encoding="utf-8")
    with pytest.raises(ValueError, match=r"at least 10 characters. Received: '.*empty.txt' with 0"):
        corpora.own(tmp_path / "empty.txt")
    with pytest.raises(ValueError, match="`language` must be .* Received: language='fr'"):
        corpora.own(tmp_path, language="fr")
