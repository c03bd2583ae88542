"""The customer-service bot: it learns from sound messages and knows when it doesn't know."""

import json
from collections import Counter

import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.generation.intents import (
    FILE,
    LANGUAGES,
    CharacterNgrams,
    IntentClassifier,
    answers,
    messages,
)
from lmcourse.reference.softmax import cross_entropy

both = pytest.mark.parametrize("language", LANGUAGES)


@both
def test_there_are_thirty_different_messages_of_each_intent(language):
    found = messages(language)
    counts = Counter(message.intent for message in found)
    assert counts.pop("other") == 24 and len(counts) == 8 and set(counts.values()) == {30}
    assert len({message.text.lower() for message in found}) == len(found)
    assert set(answers(language)) == set(counts)
    test = Counter(message.intent for message in found if message.split == "test")
    assert test.pop("other") == 24 and set(test.values()) == {6}


def test_the_file_is_text_without_slips():
    content = json.loads(FILE.read_text(encoding="utf-8"))
    for language in LANGUAGES:
        for message in messages(language):
            assert message.text == " ".join(message.text.split()) and len(message.text) < 80
            assert message.text.isascii() == (language == "en")
    assert set(content) == {"about", "intents", "other"}


def test_ngrams_by_hand():
    ngrams = CharacterNgrams(["ab", "ac"], longest=2)
    assert sorted(ngrams.columns) == ["a", "ab", "ac", "b", "c"]
    rare, common = np.log(3 / 1), np.log(3 / 2)
    row = np.array([common, rare, 0, rare, 0])
    assert_allclose(ngrams(["A B"])[0], row / np.linalg.norm(row))
    assert_allclose(np.linalg.norm(ngrams(["ab", "ca", "b"]), axis=1), 1)
    assert not ngrams(["zz"]).any()


def learned(language, **options):
    train = [message for message in messages(language) if message.split == "train"]
    texts = [message.text for message in train]
    bot = IntentClassifier(CharacterNgrams(texts), **options)
    bot.learn(texts, [message.intent for message in train])
    return bot, train


def test_learning_reaches_the_minimum_of_the_penalized_loss():
    bot, train = learned("zh", decay=1e-2)
    x = np.hstack([bot.features([message.text for message in train]), np.ones((192, 1))])
    targets = np.array([bot.intents.index(message.intent) for message in train])

    def loss(weights):
        return cross_entropy(x @ weights, targets) + bot.decay / 2 * (weights**2).sum()

    rng, least = np.random.default_rng(0), loss(bot.weights)
    for _ in range(20):  # no step in any direction goes further down
        step = rng.normal(size=bot.weights.shape)
        step *= 0.05 / np.linalg.norm(step)
        assert loss(bot.weights + step) > least - 1e-6
    assert least < np.log(8)


@both
def test_most_messages_are_understood_and_the_rest_is_handed_over(language):
    bot, _ = learned(language, decay=3e-4, threshold=0.4)
    test = [message for message in messages(language) if message.split == "test"]
    known = [message for message in test if message.intent != "other"]
    best = [bot.intents[int(p.argmax())] for p in bot.probabilities([m.text for m in known])]
    right = np.mean([a == m.intent for a, m in zip(best, known, strict=True)])
    assert right > {"en": 0.4, "zh": 0.6}[language]  # chance is 1 / 8
    handed_over = [bot.intent(m.text) is None for m in test if m.intent == "other"]
    assert np.mean(handed_over) > 0.8


def test_nothing_known_is_no_intent():
    bot, _ = learned("zh")
    assert bot.intent("zzz") is None and bot.intent("") is None


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="one of .* Received: language='fr'"):
        messages("fr")
    with pytest.raises(ValueError, match="between 0 and 1. Received: threshold=2"):
        IntentClassifier(len, threshold=2)
    bot = IntentClassifier(CharacterNgrams(["a"]))
    with pytest.raises(ValueError, match="must learn before"):
        bot.intent("a")
    with pytest.raises(ValueError, match="Received: 2 texts, 1 intents, 1 kinds"):
        bot.learn(["a", "b"], ["x"])
