"""n-gram models: a case by hand, three references, sums of one, errors, round trip."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from nltk.lm import KneserNeyInterpolated, Vocabulary
from nltk.util import everygrams
from numpy.testing import assert_allclose

from lmcourse.models.ngram import (
    AbsoluteDiscounting,
    AddK,
    Interpolated,
    KneserNey,
    MaximumLikelihood,
    ModifiedKneserNey,
    NGram,
    WittenBell,
)
from lmcourse.text import corpora
from tests.models import reference_numbers
from tests.models.chen_goodman import Transcription, kneser_ney

ALL = [
    (MaximumLikelihood, {}),
    (AddK, {"k": 0.3}),
    (Interpolated, {"weights": 0.7}),
    (WittenBell, {}),
    (AbsoluteDiscounting, {"discount": 0.6}),
    (KneserNey, {"discount": 0.6}),
    (ModifiedKneserNey, {}),
]
every_smoothing = pytest.mark.parametrize(
    "kind, options", ALL, ids=lambda x: getattr(x, "__name__", "")
)
BOS, EOS = 1, 2


def p_after(model, context):
    """P(. | context), written as a batch of one."""
    return np.exp(model(np.array([context]))[0, -1])


def ids_of(corpus, unit, train=30_000, held_out=4_000):
    """Training and held-out symbols of a corpus as ids: 0 <unk>, 1 <s>, 2 </s>, then as found."""
    cut = (lambda line: line.split()) if unit == "words" else list
    lines = [
        [cut(line) for line in getattr(corpora, corpus)().text(split)[:size].split("\n")]
        for split, size in (("train", train), ("validation", held_out))
    ]
    vocabulary = {"<unk>": 0, "<s>": BOS, "</s>": EOS}
    for line in lines[0]:
        for symbol in line:
            vocabulary.setdefault(symbol, len(vocabulary))
    ids = [[[vocabulary.get(symbol, 0) for symbol in line] for line in part] for part in lines]
    return *ids, len(vocabulary)


# --- by hand ------------------------------------------------------------------------------------
# Text a b a b b (ids 0 1 0 1 1), order 2. Pairs: ab twice, ba once, bb once.
# After a: b 2 times, total 2, one kind. After b: a once, b once, total 2, two kinds.
# Symbols: a 2, b 3 of 5. As continuations: a follows {b} = 1, b follows {a, b} = 2, of 3.
HAND = [
    # c(ab)/c(a.) = 2/2;  c(ba)/c(b.) = 1/2
    (MaximumLikelihood, {}, [0, 1], [1 / 2, 1 / 2]),
    # (0 + 1)/(2 + 2), (2 + 1)/4;  (1 + 1)/4 twice
    (AddK, {"k": 1}, [1 / 4, 3 / 4], [1 / 2, 1 / 2]),
    # symbols: 1/2 (2/5, 3/5) + 1/2 (1/2, 1/2) = (0.45, 0.55); pairs: half the MLE and half that
    (Interpolated, {"weights": 0.5}, [0.225, 0.775], [0.475, 0.525]),
    # symbols: (2/7, 3/7) + 2/7 (1/2, 1/2) = (3/7, 4/7)
    # after a: (0, 2/3) + 1/3 (3/7, 4/7);  after b: (1/4, 1/4) + 2/4 (3/7, 4/7)
    (WittenBell, {}, [1 / 7, 6 / 7], [13 / 28, 15 / 28]),
    # D = 1/2. symbols: (1.5/5, 2.5/5) + 1/5 (1/2, 1/2) = (0.4, 0.6)
    # after a: (0, 1.5/2) + 1/4 (0.4, 0.6);  after b: (0.25, 0.25) + 1/2 (0.4, 0.6)
    (AbsoluteDiscounting, {"discount": 0.5}, [0.1, 0.9], [0.45, 0.55]),
    # D = 1/2, symbols by continuation (1/3, 2/3)
    # after a: (0, 0.75) + 1/4 (1/3, 2/3);  after b: (0.25, 0.25) + 1/2 (1/3, 2/3)
    (KneserNey, {"discount": 0.5}, [1 / 12, 11 / 12], [5 / 12, 7 / 12]),
    # no trigram-free estimate here (n_3 = 0): discounts 1/2, 1, 3/2 for both orders
    # symbols: (1 - .5)/3, (2 - 1)/3, and 1.5/3 (1/2, 1/2) = (5/12, 7/12)
    # after a: (0, 1/2) + 1/2 (5/12, 7/12);  after b: (1/4, 1/4) + 1/2 (5/12, 7/12)
    (ModifiedKneserNey, {}, [5 / 24, 19 / 24], [11 / 24, 13 / 24]),
]


@pytest.mark.parametrize("kind, options, after_a, after_b", HAND)
def test_five_symbols_by_hand(kind, options, after_a, after_b):
    model = kind.train([0, 1, 0, 1, 1], order=2, vocabulary_size=2, **options)
    expected = [[after_a, after_b]]
    if kind is MaximumLikelihood:
        expected = [[[0, 1], after_b]]
    assert_allclose(np.exp(model([[0, 1]])), expected, rtol=1e-12)


def test_maximum_likelihood_is_uniform_after_an_unseen_context():
    model = MaximumLikelihood.train([0, 1, 0, 1, 1], order=3, vocabulary_size=4)
    assert_allclose(p_after(model, [3]), 1 / 4)
    assert_allclose(p_after(model, [3, 0]), 1 / 4)  # 30 was never seen, though 0 was
    assert_allclose(p_after(model, [0]), [0, 1, 0, 0])


def test_discounts_come_from_counts_of_counts():
    # Order 1: counts 1, 1, 1, 2, 2, 3, 4 -> n1 = 3, n2 = 2, n3 = 1, n4 = 1, Y = 3/7
    text = [0, 1, 2, 3, 3, 4, 4, 5, 5, 5, 6, 6, 6, 6]
    model = ModifiedKneserNey.train(text, order=1, vocabulary_size=7)
    # D1 = 1 - 2 3/7 2/3 = 3/7;  D2 = 2 - 3 3/7 1/2 = 19/14;  D3 = 3 - 4 3/7 1/1 = 9/7
    assert_allclose(model.discounts[1], [3 / 7, 19 / 14, 9 / 7])


@pytest.mark.parametrize(
    "text",
    [
        [0, 0, 1, 1, 1],  # n1 = 0
        [0, 1, 2, 2, 2],  # n2 = 0
        [0, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4],  # n1 = n2 = 1, n3 = 3: D2 = 2 - 3/3 * 3 = -1
    ],
)
def test_unusable_discounts_fall_back_to_those_of_kenlm(text):
    model = ModifiedKneserNey.train(text, order=1, vocabulary_size=5)
    assert model.discounts[1] == (0.5, 1.0, 1.5)


def test_the_start_of_a_sentence_is_never_predicted_and_its_end_is():
    sentences = [[3, 4], [3], [], [4, 3]]
    for kind, options in ALL:
        model = kind.train(sentences, 3, 5, bos=BOS, eos=EOS, **options)
        p = np.exp(model([[BOS, 3, EOS], [4, 0, 3]]))
        assert (p[..., BOS] == 0).all(), kind
        assert p[0, 1, EOS] > 0, kind
        assert_allclose(p.sum(-1), 1, rtol=1e-12)


def test_add_k_shares_among_what_can_be_predicted():
    # After 3 came 4 and </s>; of five ids four can be predicted: (1 + 1) / (2 + 4)
    model = AddK.train([[3, 4], [3]], 2, 5, bos=BOS, eos=EOS, k=1)
    assert_allclose(p_after(model, [3]), [1 / 6, 0, 2 / 6, 1 / 6, 2 / 6])


def test_nothing_before_the_start_of_a_sentence_counts():
    for kind, options in ALL:
        model = kind.train([[3, 4], [3, 3], [4]], 3, 5, bos=BOS, eos=EOS, **options)
        alone, after_another = model([[BOS, 3]]), model([[4, EOS, BOS, 3]])
        assert_allclose(np.exp(after_another[:, 2:]), np.exp(alone), rtol=1e-12)


def test_n_grams_do_not_cross_from_one_sequence_to_the_next():
    model = MaximumLikelihood.train([[0, 1], [2, 0, 1]], order=2, vocabulary_size=3)
    assert_allclose(p_after(model, [1]), 1 / 3)  # 1 is always last: nothing follows
    assert_allclose(p_after(model, [2]), [1, 0, 0])


# --- references ---------------------------------------------------------------------------------


def nltk_model(stream, order, discount):
    model = KneserNeyInterpolated(order, discount=discount, vocabulary=Vocabulary(stream))
    model.fit([list(everygrams(stream, max_len=order))])
    return model


@pytest.mark.parametrize(
    "corpus, unit",
    [("shakespeare", "characters"), ("shakespeare", "words"), ("sanguo", "characters")],
)
def test_kneser_ney_gives_the_perplexity_of_nltk(corpus, unit):
    text = getattr(corpora, corpus)().text("train")
    symbols = (text[:40_000].split() if unit == "words" else list(text[:4_000]))[:4_000]
    train, held_out = symbols[:-300], symbols[-300:]
    vocabulary = {symbol: i for i, symbol in enumerate(sorted(set(train[1:])))}
    held_out = [symbol for symbol in held_out if symbol in vocabulary]  # the vocabulary is closed
    train = [symbol for symbol in train if symbol in vocabulary]
    ids = np.array([vocabulary[symbol] for symbol in held_out])
    for order in (2, 3, 4, 5):
        reference = nltk_model(train, order, 0.75)
        theirs = [
            reference.score(held_out[t], held_out[max(0, t - order + 1) : t])
            for t in range(1, len(held_out))
        ]
        ours = KneserNey.train(
            [vocabulary[s] for s in train], order, len(vocabulary), discount=0.75
        )
        assert_allclose(np.exp(ours.log_probability(ids)), theirs, rtol=1e-9)
        nats = ours.log_probability(ids).mean()
        assert_allclose(np.exp(-nats), np.exp(-np.log(theirs).mean()), rtol=1e-9)


@pytest.mark.parametrize("order", [2, 3, 4, 5])
def test_kneser_ney_equals_nltk_wherever_nltk_sums_to_one(order):
    """Every context of a text, and every symbol. nltk divides by zero or exceeds one only after
    contexts that open the stream with an n-gram that never comes again."""
    stream = np.random.default_rng(4).integers(0, 3, 60).tolist()
    reference = nltk_model(["abc"[symbol] for symbol in stream], order, 0.75)
    model = KneserNey.train(stream, order, 3, discount=0.75)
    equal = 0
    for length in range(1, order):
        for context in {tuple(stream[i : i + length]) for i in range(len(stream) - length + 1)}:
            p = p_after(model, context)
            try:
                theirs = [reference.score(s, ["abc"[c] for c in context]) for s in "abc"]
            except ZeroDivisionError:
                theirs = [2.0]
            if abs(sum(theirs) - 1) > 1e-9:
                assert sum(theirs) > 1 and context == tuple(stream[:length])
                continue
            assert_allclose(p, theirs, rtol=1e-12)
            equal += 1
    assert equal >= order


class AsNltkCounts(KneserNey):
    """Kneser-Ney with the one line of nltk that we do not follow: what gamma counts."""

    def _shares(self, n, counts, context, total):
        alpha, gamma = super()._shares(n, counts, context, total)
        if n > 1:
            occurs = self.counts.counts[n] > 0  # also where the continuation count is 0
            gamma = self.discount * np.bincount(context, occurs, len(total)) / total
        return alpha, gamma


def test_nothing_but_the_opening_of_a_stream_tells_us_from_nltk():
    """三国演义 opens with 第一 (chapter one), which comes again nowhere in its first pages."""
    text = corpora.sanguo().text("train")[:6000]
    assert text.startswith("第一") and text.count("第一") == 1 and text.count("第") > 2
    ids = {symbol: i for i, symbol in enumerate(sorted(set(text)))}
    stream = [ids[symbol] for symbol in text]
    reference = nltk_model(list(text), 3, 0.75)
    theirs = np.array([reference.score(symbol, ["第"]) for symbol in ids])
    literal, ours = (kind.train(stream, 3, len(ids)) for kind in (AsNltkCounts, KneserNey))
    assert theirs.sum() > 1.01
    assert_allclose(p_after(literal, [ids["第"]]), theirs, rtol=1e-9)
    assert_allclose(p_after(ours, [ids["第"]]).sum(), 1, rtol=1e-12)
    other = [ids[symbol] for symbol in text if symbol != "第"]
    assert_allclose(literal.log_probability(other), ours.log_probability(other), rtol=1e-12)


def test_kneser_ney_is_exact_after_the_opening_of_a_stream():
    stream = [0, 1, 2, 1, 1, 2, 0, 2, 2, 1, 2]  # 01 opens it and never comes again
    model = KneserNey.train(stream, 3, 3, discount=0.75)
    for context in ([0], [1], [0, 1], [2, 0], [1, 0], [0, 0]):
        expected = [kneser_ney(stream, 3, 0.75, word, context[-2:]) for word in range(3)]
        assert sum(expected) == 1
        assert_allclose(p_after(model, context), np.array(expected, float), rtol=1e-12)


@settings(max_examples=60)
@given(
    stream=st.lists(st.integers(0, 4), min_size=1, max_size=80),
    order=st.integers(1, 5),
    context=st.lists(st.integers(0, 4), min_size=1, max_size=6),
)
def test_modified_kneser_ney_equals_the_transcription_on_streams(stream, order, context):
    model = ModifiedKneserNey.train(stream, order, 5)
    reference = Transcription([stream], order, words=range(5))
    assert_allclose([model.discounts[n] for n in reference.D], list(reference.D.values()))
    expected = [reference.p(word, context) for word in range(5)]
    assert_allclose(p_after(model, context), expected, rtol=1e-10)


@settings(max_examples=60)
@given(
    sentences=st.lists(st.lists(st.integers(3, 6), max_size=12), min_size=1, max_size=12),
    order=st.integers(1, 5),
    held_out=st.lists(st.sampled_from([0, 3, 4, 5, 6]), max_size=6),
)
def test_modified_kneser_ney_equals_the_transcription_on_sentences(sentences, order, held_out):
    model = ModifiedKneserNey.train(sentences, order, 7, bos=BOS, eos=EOS)
    words = [0, EOS, 3, 4, 5, 6]
    reference = Transcription(sentences, order, words, bos=BOS, eos=EOS)
    sentence = [BOS, *held_out]
    p = np.exp(model([sentence])[0])
    for t in range(len(sentence)):
        expected = [reference.p(word, sentence[: t + 1]) for word in words]
        assert_allclose(p[t, words], expected, rtol=1e-10)


@pytest.mark.parametrize(
    "corpus, unit",
    [("shakespeare", "words"), ("shakespeare", "characters"), ("sanguo", "characters")],
)
@pytest.mark.parametrize("bounded", [True, False], ids=["sentences", "stream"])
def test_held_out_perplexity_equals_that_of_the_transcription(corpus, unit, bounded):
    train, held_out, size = ids_of(corpus, unit)
    marks = {"bos": BOS, "eos": EOS} if bounded else {}
    if not bounded:
        train, held_out = [sum(train, [])], [sum(held_out, [])]
    words = [i for i in range(size) if not bounded or i != BOS]
    for order in (2, 3, 5):
        model = ModifiedKneserNey.train(train, order, size, **marks)
        reference = Transcription(train, order, words, **marks)
        ours, theirs = [], []
        for sentence in held_out:
            ids = [BOS, *sentence, EOS] if bounded else sentence
            ours.extend(model.log_probability(ids))
            theirs.extend(reference.p(ids[t], ids[:t][-5:]) for t in range(1, len(ids)))
        assert_allclose(np.exp(-np.mean(ours)), np.exp(-np.log(theirs).mean()), rtol=1e-9)


NUMBERS = json.loads(reference_numbers.FILE.read_text(encoding="utf-8"))


def test_the_stored_numbers_of_nltk_are_those_that_it_gives():
    assert reference_numbers.nltk_row("shakespeare", 3) in NUMBERS["nltk"]
    assert len(NUMBERS["nltk"]) == len(reference_numbers.NLTK)
    assert len(NUMBERS["kenlm"]) == len(reference_numbers.KENLM)


@pytest.mark.parametrize("row", NUMBERS["nltk"], ids=lambda row: f"{row['corpus']}-{row['order']}")
def test_perplexity_equals_the_stored_one_of_nltk(row):
    text = getattr(corpora, row["corpus"])().text("train")
    train, later = text[: row["train"]], text[row["train"] :][: row["held_out"]]
    ids = {symbol: i for i, symbol in enumerate(sorted(set(train)))}
    model = KneserNey.train([ids[s] for s in train], row["order"], len(ids), discount=0.75)
    held_out = [ids[s] for s in later if s in set(train[1:])]
    nats = -model.log_probability(held_out).mean()
    assert_allclose(np.exp(nats), row["perplexity"], rtol=1e-8)


@pytest.mark.parametrize(
    "row", NUMBERS["kenlm"], ids=lambda row: f"{row['corpus']}-{row['unit']}-{row['order']}"
)
def test_held_out_perplexity_equals_that_of_kenlm(row):
    """Numbers of the real program; `reference_numbers.py` says how they were made.

    The looser bound for English characters is explained in `ModifiedKneserNey`.
    """
    train, held_out, size = ids_of(row["corpus"], row["unit"], 200_000, 20_000)
    model = ModifiedKneserNey.train(train, row["order"], size, bos=BOS, eos=EOS)
    ids = np.concatenate([[BOS, *sentence, EOS] for sentence in held_out])
    nats = -model.log_probability(ids)[ids[1:] != BOS]
    assert len(nats) == row["tokens"]
    few_symbols = row["corpus"] == "shakespeare" and row["unit"] == "characters"
    bound = 1e-4 if few_symbols else 1e-6
    assert_allclose(np.exp(nats.mean()), row["perplexity"], rtol=bound)


# --- what must always hold ----------------------------------------------------------------------


@every_smoothing
@settings(max_examples=40)
@given(data=st.data())
def test_every_context_sums_to_one(kind, options, data):
    order, size = data.draw(st.integers(1, 5)), 6
    bounded = data.draw(st.booleans())
    symbols = st.sampled_from([0, 3, 4, 5])  # not all of the vocabulary
    text = data.draw(st.lists(st.lists(symbols, min_size=1, max_size=20), min_size=1, max_size=5))
    marks = {"bos": BOS, "eos": EOS} if bounded else {}
    model = kind.train(text, order, size, **marks, **options)
    contexts = data.draw(hnp.arrays(np.int64, (5, 7), elements=st.integers(0, size - 1)))
    contexts = np.concatenate([contexts, [(text[0] * 7)[:7]]])  # and one that was seen
    p = np.exp(model(contexts))
    assert p.shape == (6, 7, size)
    assert (p >= 0).all()
    assert_allclose(p.sum(-1), 1, rtol=1e-12)


@every_smoothing
def test_every_context_of_a_real_text_sums_to_one(kind, options):
    ids = np.frombuffer(corpora.shakespeare().text("train")[:20_000].encode(), np.uint8)
    model = kind.train(ids, 5, 256, **options)
    rng = np.random.default_rng(0)
    for contexts in (ids[:2000].reshape(8, 250), rng.integers(0, 256, (8, 250))):
        assert_allclose(np.exp(model(contexts)).sum(-1), 1, rtol=1e-12)


@every_smoothing
@settings(max_examples=30)
@given(data=st.data(), order=st.integers(1, 4))
def test_log_probability_equals_the_contract(kind, options, data, order):
    text = data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=60))
    ids = np.array(data.draw(st.lists(st.integers(0, 5), min_size=1, max_size=30)))
    model = kind.train(text, order, 6, **options)
    contract = np.exp(model(ids[None, :-1]))[0]
    assert_allclose(
        np.exp(model.log_probability(ids)), contract[np.arange(len(ids) - 1), ids[1:]], rtol=1e-12
    )


@every_smoothing
def test_the_future_cannot_be_seen_nor_what_lies_before_the_context(kind, options):
    rng = np.random.default_rng(1)
    model = kind.train(rng.integers(0, 3, 400), 3, 3, **options)
    ids = rng.integers(0, 3, (2, 12))
    other = ids.copy()
    other[:, 7:] = (other[:, 7:] + 1) % 3
    assert_allclose(np.exp(model(other))[:, :7], np.exp(model(ids))[:, :7])
    assert_allclose(np.exp(model(ids[:, 5:]))[:, 1:], np.exp(model(ids))[:, 6:])


def test_the_limits_of_each_smoothing_are_maximum_likelihood():
    rng = np.random.default_rng(2)
    text = rng.integers(0, 3, 500)
    mle = MaximumLikelihood.train(text, 3, 3)
    ids = text[None, :100]
    for kind, options in (
        (AddK, {"k": 0}),
        (Interpolated, {"weights": [0.3, 0.3, 1]}),
        (AbsoluteDiscounting, {"discount": 0}),
        (KneserNey, {"discount": 0}),
    ):
        model = kind.train(text, 3, 3, **options)
        assert_allclose(np.exp(model(ids))[:, 1:], np.exp(mle(ids))[:, 1:], rtol=1e-12)
    flat = np.exp(AddK.train(text, 3, 3, k=1e9)(ids))
    assert_allclose(flat, 1 / 3, rtol=1e-5)


def test_kneser_ney_knows_that_francisco_follows_only_san():
    """Chen & Goodman's example: frequent, but after one word only, so rare anywhere else."""
    san, francisco, the, cat = range(4)
    text = [san, francisco] * 5 + [the, cat, the, cat, san, cat, cat, the, the, cat]
    common = AbsoluteDiscounting.train(text, 2, 4)
    clever = KneserNey.train(text, 2, 4)
    assert p_after(common, [the])[francisco] > 0.05 > p_after(clever, [the])[francisco]


def test_better_smoothing_and_more_context_predict_held_out_text_better():
    text = corpora.shakespeare().text("train")[:150_000]
    symbols = {c: i for i, c in enumerate(sorted(set(text)))}
    ids = np.array([symbols[c] for c in text])
    train, held_out = ids[:-20_000], ids[-20_000:]

    def nats(kind, order, **options):
        return -kind.train(train, order, len(symbols), **options).log_probability(held_out).mean()

    by_order = [nats(ModifiedKneserNey, order) for order in (1, 2, 3, 4, 5)]
    assert by_order == sorted(by_order, reverse=True)
    middle = [nats(kind, 5) for kind in (AbsoluteDiscounting, WittenBell, Interpolated)]
    assert by_order[-1] < min(middle) and max(middle) < nats(AddK, 5, k=1)
    assert nats(MaximumLikelihood, 5) == np.inf


def test_thirty_thousand_words_at_order_six_do_not_overflow():
    rng = np.random.default_rng(3)
    text = rng.integers(29_900, 30_000, 3_000)
    model = ModifiedKneserNey.train(text, 6, 30_000)
    p = np.exp(model(text[None, 100:110]))
    assert_allclose(p.sum(-1), 1, rtol=1e-12)
    assert p[0, 8, text[109]] > 0.1  # seen once, after exactly these words


# --- errors and files ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call, error, message",
    [
        (
            lambda: KneserNey.train([0, 1], 0, 2),
            ValueError,
            "`order` must be at least 1. Received: order=0",
        ),
        (
            lambda: KneserNey.train([0, 1], 2.0, 2),
            TypeError,
            "`order` must be an integer. Received: order=2.0",
        ),
        (lambda: KneserNey.train([0, 1], 2, 0), ValueError, "`vocabulary_size` must be at least 1"),
        (lambda: KneserNey.train([], 2, 2), ValueError, "at least one symbol. Received: 0 symbols"),
        (lambda: KneserNey.train([[], []], 2, 2), ValueError, "at least one symbol"),
        (lambda: KneserNey.train([0, 7], 2, 5), ValueError, "below vocabulary_size=5. Received: 7"),
        (lambda: KneserNey.train([0, -3], 2, 5), ValueError, "must be at least 0.*Received: -3"),
        (
            lambda: KneserNey.train([0.5], 2, 5),
            TypeError,
            "must be integers. Received: dtype=float64",
        ),
        (lambda: KneserNey.train(np.array([True]), 2, 5), TypeError, "Received: dtype=bool"),
        (lambda: KneserNey.train([[[0]]], 2, 5), ValueError, r"\(T,\). Received: shape=\(1, 1\)"),
        (lambda: KneserNey.train([[3, 1]], 2, 5, bos=1, eos=2), ValueError, "must not hold `bos`"),
        (
            lambda: KneserNey.train([3], 2, 5, bos=1),
            ValueError,
            "both None. Received: bos=1, eos=None",
        ),
        (lambda: KneserNey.train([3], 2, 5, bos=1, eos=9), ValueError, "bos, eos.*Received: 9"),
        (
            lambda: KneserNey.train([0], 2, 5, discount=1.5),
            ValueError,
            "between 0 and 1. Received: discount=1.5",
        ),
        (lambda: AddK.train([0], 2, 5, k=-1), ValueError, "`k` must be at least 0. Received: k=-1"),
        (lambda: AddK.train([0], 2, 5, k=float("nan")), ValueError, "Received: k=nan"),
        (
            lambda: Interpolated.train([0], 3, 5, weights=[0.5, 0.5]),
            ValueError,
            "one per order. Received",
        ),
        (
            lambda: Interpolated.train([0], 2, 5, weights=1.5),
            ValueError,
            "between 0 and 1. Received: 1.5",
        ),
        (
            lambda: WittenBell.train([0], 2, 5)([[5]]),
            ValueError,
            "below vocabulary_size=5. Received: 5",
        ),
        (lambda: WittenBell.train([0], 2, 5)([0]), ValueError, r"\(B, T\). Received: shape=\(1,\)"),
        (lambda: WittenBell.train([0], 2, 5).log_probability([[0]]), ValueError, r"\(T,\)"),
    ],
)  # fmt: skip
def test_errors_name_the_rule_and_the_value(call, error, message):
    with pytest.raises(error, match=message):
        call()


@every_smoothing
@pytest.mark.parametrize("marks", [{}, {"bos": 1, "eos": 2}], ids=["stream", "sentences"])
def test_a_saved_model_comes_back_the_same(kind, options, marks, tmp_path):
    text = np.random.default_rng(5).integers(3, 9, (20, 30))
    model = kind.train(text, 4, 10, **marks, **options)
    model.save(tmp_path / "model.npz")
    back = NGram.load(tmp_path / "model.npz")
    assert type(back) is kind
    assert (back.order, back.vocabulary_size) == (4, 10)
    assert back.parameters == model.parameters
    ids = np.random.default_rng(6).integers(0, 10, (3, 20))
    np.testing.assert_array_equal(back(ids), model(ids))
    assert os.listdir(tmp_path) == ["model.npz"]


def test_parameters_counts_stored_numbers():
    # a, b and ab, ba, bb: five alphas; the empty context, a and b: three gammas
    assert KneserNey.train([0, 1, 0, 1, 1], order=2, vocabulary_size=2).parameters == 8


def test_a_broken_file_is_refused(tmp_path):
    path = tmp_path / "model.npz"
    with pytest.raises(FileNotFoundError, match="must be a file. Received: .*model.npz"):
        NGram.load(path)
    WittenBell.train([0, 1, 2, 0, 1], 3, 3).save(path)
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 3] ^= 0xFF
    method = bytearray(whole)
    method[whole.index(b"PK\x01\x02") + 10] = 99  # a way of compressing that nobody knows
    for broken in (b"", b"not a model", whole[: len(whole) // 2], bytes(flipped), bytes(method)):
        path.write_bytes(broken)
        with pytest.raises(
            ValueError, match="whole `.npz` file that `save` wrote. Received: "
        ) as caught:
            NGram.load(path)
        assert "allow_pickle" not in str(caught.value)  # nobody is advised to open a pickle


@pytest.mark.parametrize(
    "change",
    [
        {"symbols2": np.array([9, 9, 9])},  # not in the vocabulary
        {"children2": np.array([1, 1])},  # not as many as there are symbols
        {"symbols2": np.array([2, 0, 0])},  # a context's continuations twice
        {"counts1": np.array([1])},
        {"counts1": np.array([2, -2, 1])},
        {"counts1": np.array([2, np.nan, 1])},
        {"about": np.array('{"model": "Oracle", "options": {}}')},
        {"about": np.array("{")},
    ],
)
def test_parts_that_do_not_fit_are_refused(change, tmp_path):
    path = tmp_path / "model.npz"
    KneserNey.train([0, 1, 0, 2, 1], 2, 3).save(path)
    parts = dict(np.load(path)) | change
    np.savez(path, **parts)
    with pytest.raises(ValueError, match="whole `.npz` file that `save` wrote"):
        NGram.load(path)


def test_a_pickle_inside_a_file_is_never_opened(tmp_path):
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    path = tmp_path / "model.npz"
    KneserNey.train([0, 1, 0, 2, 1], 2, 3).save(path)
    np.savez(path, **dict(np.load(path)) | {"counts1": np.array([Trap()], dtype=object)})
    with pytest.raises(ValueError, match="whole `.npz` file that `save` wrote"):
        NGram.load(path)
    assert not (tmp_path / "sprung").exists()


def test_another_kind_of_model_is_refused(tmp_path):
    WittenBell.train([0, 1], 1, 2).save(tmp_path / "model.npz")
    with pytest.raises(ValueError, match="must hold a KneserNey. Received: .*a WittenBell"):
        KneserNey.load(tmp_path / "model.npz")


def test_a_failed_save_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "model.npz"
    WittenBell.train([0, 1], 1, 2).save(path)
    before = path.read_bytes()

    def disk_full(file, **arrays):
        file.write(b"half")
        raise OSError("No space left on device")

    monkeypatch.setattr(np, "savez_compressed", disk_full)
    with pytest.raises(OSError, match="No space"):
        WittenBell.train([1, 1], 1, 2).save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.npz"]
    with pytest.raises(FileNotFoundError, match="the folder .* must exist. Received: .*no/m.npz"):
        WittenBell.train([0, 1], 1, 2).save(tmp_path / "no" / "m.npz")


def test_a_model_of_a_megabyte_of_text_fits_in_half_a_megabyte(tmp_path):
    text = corpora.shakespeare().text("train")[:1_000_000]
    symbols = {c: i for i, c in enumerate(sorted(set(text)))}
    ids = np.array([symbols[c] for c in text])
    ModifiedKneserNey.train(ids, 5, len(symbols)).save(tmp_path / "model.npz")
    assert (tmp_path / "model.npz").stat().st_size < 500_000
