"""Finding articles: equal to the formula, and never another text in place of the right one."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.generation.assistant import Assistant, Library
from lmcourse.generation.chat import Dialogue
from lmcourse.generation.retrieval import (
    FILE,
    VectorIndex,
    WordIndex,
    cite,
    compress,
    content_words,
    entry,
    expand,
    fuse,
    passage,
    project,
    sentences,
    wiki_index,
    write_wiki_vectors,
)
from lmcourse.text.corpora import Article, wiki
from tests.generation.parrot import parrot

TEXTS = ["a red house", "a red red car", "the blue car"]


def unit(rng, rows, width):
    vectors = rng.normal(size=(rows, width)) * 0.8 ** np.arange(width)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


# --- texts ----------------------------------------------------------------------------------


def test_sentences_end_where_they_end():
    text = "J. S. Bach (1685–1750) was born in St. Petersburg. Really? He wrote 3.5 pieces.\nEnd"
    assert sentences(text) == [
        "J. S. Bach (1685–1750) was born in St. Petersburg.",
        "Really?",
        "He wrote 3.5 pieces.",
        "End",
    ]


def test_a_passage_is_whole_sentences_and_at_least_a_part_of_the_first():
    article = Article("A", "One is here. Two is here. Three is here.", "train")
    assert passage(article, 26) == "One is here. Two is here."
    assert passage(article, 5) == "One i"
    assert entry(article) == "A. One is here."
    assert all(len(passage(a)) <= 400 for a in wiki()[:300])


# --- by words -------------------------------------------------------------------------------


def test_scores_by_words_are_those_of_the_formula():
    # "red" stands in 2 of 3 texts, once and twice; lengths 3, 4, 3, on average 10 / 3
    rarity = math.log(1 + 1.5 / 2.5)
    once = 1 * 2.5 / (1 + 1.5 * (0.25 + 0.75 * 3 / (10 / 3)))
    twice = 2 * 2.5 / (2 + 1.5 * (0.25 + 0.75 * 4 / (10 / 3)))
    assert WordIndex(TEXTS).search("Red, red!") == [
        (1, round(rarity * twice, 2)),
        (0, round(rarity * once, 2)),
        (2, 0.0),
    ]


def test_words_that_nobody_has_find_nothing():
    assert [score for _, score in WordIndex(TEXTS).search("zebra")] == [0, 0, 0]


# --- by vectors -----------------------------------------------------------------------------


def test_the_nearest_vector_is_found_and_the_first_on_a_tie():
    vectors = unit(np.random.default_rng(0), 50, 12)
    index = VectorIndex(np.concatenate([vectors, vectors]))
    for row in (0, 7, 49):
        (best, cosine), (second, _) = index.search(vectors[row], k=2)
        assert (best, second, cosine) == (row, row + 50, 1.0)


def test_compressed_vectors_keep_the_products():
    rng = np.random.default_rng(0)
    vectors = unit(rng, 200, 24)
    codes, directions = compress(vectors, kept=12)
    assert codes.dtype == np.int8 and codes.shape == (200, 12) and directions.shape == (24, 12)
    short = expand(codes) @ project(vectors, directions).T
    assert abs(short - vectors @ vectors.T).max() < 0.12
    codes, directions = compress(vectors, kept=24)  # all directions: rounding is left
    assert_allclose(expand(codes) @ project(vectors, directions).T, vectors @ vectors.T, atol=0.02)


def test_joined_rankings_know_places_alone():
    assert fuse([(3, 9.0), (1, 8.0)], [(1, 0.2), (3, 0.1)], [(1, 5.0)]) == [1, 3]
    assert fuse([(3, 9.0), (1, 8.0)], k=1) == [3]


# --- the stored vectors ---------------------------------------------------------------------


def test_the_stored_vectors_are_of_the_articles_and_small():
    index, directions = wiki_index()
    assert len(index.vectors) == len(wiki()) == 10_033 and directions.shape == (384, 128)
    assert_allclose(np.linalg.norm(index.vectors, axis=1), 1, atol=1e-5)
    assert FILE.stat().st_size <= 2e6
    titles = [article.title for article in wiki()]
    row = titles.index("Malaria")
    near = {titles[found] for found, _ in index.search(index.vectors[row], k=8)}
    assert {"Malaria", "Dengue fever"} <= near


def test_a_file_of_vectors_is_written_and_read_back(tmp_path):
    class Encoder:
        def encode(self, texts, batch_size):
            assert len(texts) == 10_033 and max(map(len, texts)) <= 400
            return unit(np.random.default_rng(0), len(texts), 130)

    path = tmp_path / "v.npz"
    write_wiki_vectors(Encoder(), path)
    index, directions = wiki_index(path)
    vectors = unit(np.random.default_rng(0), 10_033, 130)
    assert (
        abs(
            index.vectors[:50] @ project(vectors[:50], directions).T - vectors[:50] @ vectors[:50].T
        ).max()
        < 0.03
    )  # noqa: E501


def test_a_missing_a_damaged_and_a_foreign_file_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="Received: none.npz missing"):
        wiki_index(tmp_path / "none.npz")
    (tmp_path / "half.npz").write_bytes(FILE.read_bytes()[:5000])
    with pytest.raises(ValueError, match="must be a whole file"):
        wiki_index(tmp_path / "half.npz")
    with np.load(FILE) as file:
        np.savez(tmp_path / "other.npz", **{**file, "titles": 1})
    with pytest.raises(ValueError, match="must be those of `wiki`"):
        wiki_index(tmp_path / "other.npz")


# --- citations ------------------------------------------------------------------------------


def test_a_sentence_gets_the_source_that_its_words_stand_in():
    sources = ["Ulaanbaatar is the capital of Mongolia.", "Honey is made by bees from nectar."]
    answer = "Bees make honey from nectar. The capital is Ulaanbaatar. Cats can fly to Mars."
    assert cite(answer, sources) == (
        "Bees make honey from nectar. [2] The capital is Ulaanbaatar. [1] Cats can fly to Mars. [?]"
    )
    assert cite("Anything.", []) == "Anything. [?]"


def test_words_of_the_question_are_no_evidence():
    sources = ["Ulaanbaatar is the capital of Mongolia."]
    question = "What is the capital of Mongolia?"
    assert cite("The capital of Mongolia is Lima.", sources, question).endswith("[?]")
    assert cite("The capital of Mongolia is Ulaanbaatar.", sources, question).endswith("[1]")


def test_content_words_leave_out_what_stands_everywhere():
    assert content_words("The bees of a house, and his bus") == {"bee", "house", "bus"}


# --- the assistant --------------------------------------------------------------------------


@pytest.fixture
def library():
    articles = [
        Article("Honey", "Honey is made by bees. It is sweet.", "train"),
        Article("Oslo", "Oslo is the capital of Norway. It lies by the sea.", "train"),
    ]
    vectors = np.eye(3, dtype=np.float32)
    codes, directions = vectors[:2], np.eye(3)

    def encode(texts):
        words = ("bee", "norway")
        hits = [[float(word in text.lower()) for word in words] + [0.1] for text in texts]
        return np.array(hits, np.float32)

    return Library(articles, VectorIndex(codes), directions, encode)


def test_a_question_is_answered_from_what_is_found_and_the_sources_are_named(library):
    assistant = Assistant(Dialogue(parrot()), library)
    answer = "".join(assistant.say("Where is honey from? From bees?"))
    assert answer.startswith("Honey is made by bees. It is sweet.\n\nWhere is honey from?")
    assert "\n[1] Honey\n" in answer and "Oslo" not in answer
    assert assistant.dialogue.messages[0]["content"] == "Where is honey from? From bees?"


def test_what_no_article_is_near_to_is_answered_without(library):
    assert "".join(Assistant(Dialogue(parrot()), library).say("Hello!")) == "Hello!"


def test_a_sum_never_reaches_the_model(library):
    broken = replace(parrot(), write=None)
    assistant = Assistant(Dialogue(broken), library)
    assert "".join(assistant.say("What is 23 * 47?")) == "23 * 47 = 1081"
    assert assistant.dialogue.messages[-1]["content"] == "23 * 47 = 1081"
