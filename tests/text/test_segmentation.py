"""Chinese word segmentation against hand-worked cases and brute force."""

from itertools import combinations
from math import exp, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmcourse.text import hmm
from lmcourse.text import segmentation as seg
from lmcourse.text.corpora import hsk

SENTENCE = "我爱北京天安门"
DICTIONARY = {"我", "爱", "北京", "天安", "天安门", "门"}

# p(我) = 4/12, p(爱) = 3/12, p(北京) = 2/12, p(天安门) = p(天安) = p(门) = 1/12
COUNTED = [
    ["我", "爱", "北京"],
    ["我", "爱", "天安门"],
    ["我", "爱", "天安"],
    ["我", "北京", "门"],
]


def cuts(text):
    """All ways to cut a text: 2 ** (len(text) - 1)."""
    for count in range(len(text)):
        for places in combinations(range(1, len(text)), count):
            ends = [0, *places, len(text)]
            yield tuple(text[a:b] for a, b in zip(ends[:-1], ends[1:], strict=True))


def matchers():
    return (
        seg.forward_maximum_matching,
        seg.backward_maximum_matching,
        seg.bidirectional_maximum_matching,
    )


texts = st.text("甲乙丙丁", min_size=1, max_size=7)
words = st.text("甲乙丙丁", min_size=1, max_size=3)
corpora = st.lists(st.lists(words, min_size=1, max_size=6), min_size=1, max_size=6)


@pytest.mark.parametrize("matcher", matchers())
def test_the_running_example_is_cut_by_every_matcher(matcher):
    assert matcher(SENTENCE, DICTIONARY) == ("我", "爱", "北京", "天安门")


def test_forward_is_greedy_from_the_left_and_backward_from_the_right():
    dictionary = {"研究", "研究生", "生命", "起源"}
    assert seg.forward_maximum_matching("研究生命起源", dictionary) == ("研究生", "命", "起源")
    assert seg.backward_maximum_matching("研究生命起源", dictionary) == ("研究", "生命", "起源")
    assert seg.bidirectional_maximum_matching("研究生命起源", dictionary) == (
        "研究",
        "生命",
        "起源",
    )


def test_the_fewer_words_win_then_the_fewer_single_characters_then_backward():
    # forward 甲乙丙丁戊 己, backward 甲乙 丙丁 戊己: fewer words, though one is a single character
    dictionary = {"甲乙丙丁戊", "甲乙", "丙丁", "戊己"}
    assert seg.bidirectional_maximum_matching("甲乙丙丁戊己", dictionary) == ("甲乙丙丁戊", "己")
    # forward 甲乙 丙丁, backward 甲 乙丙丁: fewer single characters
    dictionary = {"乙丙丁", "甲乙", "丙丁"}
    assert seg.bidirectional_maximum_matching("甲乙丙丁", dictionary) == ("甲乙", "丙丁")
    # forward 甲乙 丙, backward 甲 乙丙: a tie
    assert seg.bidirectional_maximum_matching("甲乙丙", {"甲乙", "乙丙"}) == ("甲", "乙丙")


@pytest.mark.parametrize("matcher", matchers())
def test_without_a_dictionary_word_each_character_stands_alone(matcher):
    assert matcher("甲乙", {"丙丁"}) == ("甲", "乙")
    assert matcher("", {"丙丁"}) == ()


@given(texts, st.sets(words, min_size=1))
def test_words_joined_are_the_text_and_come_from_the_dictionary(text, dictionary):
    for matcher in matchers():
        found = matcher(text, dictionary)
        assert "".join(found) == text
        assert all(word in dictionary or len(word) == 1 for word in found)


@given(texts, st.sets(words, min_size=1))
def test_backward_is_forward_on_the_mirrored_text(text, dictionary):
    mirrored = seg.forward_maximum_matching(text[::-1], {word[::-1] for word in dictionary})
    expected = tuple(word[::-1] for word in reversed(mirrored))
    assert seg.backward_maximum_matching(text, dictionary) == expected


def test_the_unigram_score_of_the_running_example_by_hand():
    model = seg.UnigramSegmenter.train(COUNTED)
    whole, parts = ("我", "爱", "北京", "天安门"), ("我", "爱", "北京", "天安", "门")
    assert model.score(whole) == pytest.approx(log(4 * 3 * 2 * 1 / 12**4))
    assert model.score(parts) == pytest.approx(log(4 * 3 * 2 * 1 * 1 / 12**5))
    assert model.segment(SENTENCE) == whole


def test_an_unknown_character_counts_as_half_a_word():
    model = seg.UnigramSegmenter.train(COUNTED)
    assert model.segment("我爱猫") == ("我", "爱", "猫")
    assert exp(model.score(["猫"])) == pytest.approx(0.5 / 12)
    assert model.score(["猫咪"]) == -float("inf")


@given(texts, corpora)
def test_the_unigram_cut_is_the_best_of_all_cuts(text, corpus):
    model = seg.UnigramSegmenter.train(corpus)
    found = model.segment(text)
    assert "".join(found) == text
    assert model.score(found) == pytest.approx(max(map(model.score, cuts(text))))


def test_tags_of_the_running_example():
    assert hmm.tags(["我", "爱", "北京", "天安门"]) == "SSBEBME"
    assert hmm.tags(["中华人民"]) == "BMME"


@given(st.lists(words))
def test_cutting_by_its_tags_gives_the_words_back(sentence):
    assert hmm.cut("".join(sentence), hmm.tags(sentence)) == tuple(sentence)


def test_hmm_counts_by_hand():
    model = seg.HMMSegmenter.train([["我", "爱", "北京"], ["我"]], k=1.0)
    # after E or the start: S twice, B never; after S: S once, B once; after B: E once, M never
    assert exp(model.transitions["E"]["S"]) == pytest.approx(3 / 4)
    assert exp(model.transitions["E"]["B"]) == pytest.approx(1 / 4)
    assert exp(model.transitions["S"]["B"]) == pytest.approx(2 / 4)
    assert exp(model.transitions["B"]["E"]) == pytest.approx(2 / 3)
    # S wrote 我 twice and 爱 once; four characters are known and there is room for one more
    assert exp(model.emissions["S"]["我"]) == pytest.approx(3 / 8)
    assert exp(model.emissions["S"]["京"]) == pytest.approx(1 / 8)
    assert exp(model.unknown["S"]) == pytest.approx(1 / 8)
    score = log(3 / 4 * 3 / 8) + log(2 / 4 * 2 / 6) + log(2 / 3 * 2 / 6)
    assert model.score(["我", "北京"]) == pytest.approx(score)


@given(corpora, st.floats(0.01, 2))
def test_the_hmm_distributions_sum_to_one(corpus, k):
    model = seg.HMMSegmenter.train(corpus, k)
    for tag in hmm.TAGS:
        assert sum(map(exp, model.transitions[tag].values())) == pytest.approx(1)
        emitted = sum(map(exp, model.emissions[tag].values())) + exp(model.unknown[tag])
        assert emitted == pytest.approx(1)


@given(texts, corpora)
def test_the_hmm_cut_is_the_best_of_all_cuts(text, corpus):
    model = seg.HMMSegmenter.train(corpus)
    found = model.segment(text)
    assert "".join(found) == text
    assert model.score(found) == pytest.approx(max(map(model.score, cuts(text))))


def test_the_hmm_finds_a_word_it_has_never_seen():
    model = seg.HMMSegmenter.train([["我", "爱", "北京"], ["你", "爱", "南京"]])
    assert model.segment("我爱东京") == ("我", "爱", "东京")
    assert model.segment("") == ()


def test_a_long_text_is_cut_in_linear_time_and_memory():
    model = seg.HMMSegmenter.train([["我", "爱", "北京"]])
    found = model.segment("我爱北京" * 10_000)
    assert found == ("我", "爱", "北京") * 10_000


def test_scores_by_hand():
    def ours(text):
        return {"我爱北京": ["我爱", "北京"], "天安门": ["天安", "门"]}[text]

    scores = seg.segmentation_scores(ours, [["我", "爱", "北京"], ["天安门"]])
    assert (scores.precision, scores.recall) == (1 / 4, 1 / 4)
    assert scores.f1 == pytest.approx(1 / 4)


def test_a_word_in_the_wrong_place_is_wrong():
    scores = seg.segmentation_scores(lambda _: ["人", "人人"], [["人人", "人"]])
    assert scores == seg.SegmentationScores(0, 0, 0)


def test_on_held_out_sentences_tagging_beats_a_dictionary_and_both_beat_characters():
    pairs = hsk()
    train = [pair.words for pair in pairs if pair.split == "train"]
    held_out = [pair.words for pair in pairs if pair.split == "validation"]
    characters = seg.segmentation_scores(list, held_out).f1
    unigram = seg.segmentation_scores(seg.UnigramSegmenter.train(train).segment, held_out).f1
    tagging = seg.segmentation_scores(seg.HMMSegmenter.train(train).segment, held_out).f1
    assert characters < 0.6 < 0.8 < unigram < tagging < 0.95


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: seg.forward_maximum_matching("我", []), "Received: no words"),
        (lambda: seg.backward_maximum_matching("我", {"", "我"}), "Received: an empty word"),
        (lambda: seg.UnigramSegmenter.train([]), "at least one word. Received: none"),
        (lambda: seg.UnigramSegmenter.train([["我", ""]]), r"Received: \['我', ''\]"),
        (lambda: seg.HMMSegmenter.train(["我爱"]), "Received: '我爱'"),
        (lambda: seg.HMMSegmenter.train([["我"]], k=0), "`k` must be above 0. Received: k=0"),
        (lambda: seg.segmentation_scores(list, []), "at least one word. Received: none"),
        (lambda: seg.segmentation_scores(set, [["我", "我"]]), "Received: {'我'} for '我我'"),
    ],
)
def test_errors_name_the_rule_and_the_value(call, message):
    with pytest.raises(ValueError, match=message):
        call()
