"""With memory or without, alone or side by side, in one go or in parts: the text is the same."""

from functools import cache

import keras
import numpy as np
import pytest
from numpy.testing import assert_allclose

from lmcourse.generation.cache import Decoder, Speed, stream, stream_batch, timed
from lmcourse.generation.products import rounded
from lmcourse.generation.sampling import generate
from lmcourse.models.gpt import GPT, GPTConfig

V, S = 13, 20
SHAPE = dict(vocabulary_size=V, context_length=S, layers=2, width=16, heads=4)
LLAMA = dict(norm="rms", positions="rotary", activation="swiglu", bias=False, kv_heads=2, hidden=20)
FAMILIES = {
    "gpt2": {},
    "llama": LLAMA,
    "llama untied": LLAMA | dict(tied=False, head_width=6, kv_heads=1),
    "waves after the sum": dict(positions="sinusoidal", post_norm=True, activation="relu_squared"),
}
PROMPT = [3, 1, 4, 1, 5]


def made(family="gpt2", seed=0, **change):
    """Make a model whose weights are odd everywhere, so that no bug can hide; always the same."""
    keras.utils.set_random_seed(seed)
    model = GPT(GPTConfig(**SHAPE | FAMILIES[family] | change))
    rng = np.random.default_rng(seed)
    for weight in model.weights:
        weight.assign(weight + 0.3 * rng.normal(size=weight.shape))
    return model


def scores(model, *texts):
    """What the model says after each text, without memory."""
    return np.stack([np.asarray(model(np.array([text])))[0, -1] for text in texts])


def written(decoder, prompt, length, seed=0, **options):
    return list(stream(decoder, prompt, length, np.random.default_rng(seed), **options))


def generated(model, prompt, length, seed=0, **options):
    rng = np.random.default_rng(seed)
    text = generate(model, np.array(prompt), length, rng, context_length=S, **options)
    return text[len(prompt) :].tolist()


@cache
def compiled(family, batch_size=1, weights="float32"):
    """A model and its decoder for all tests: what is compiled is compiled once."""
    model = made(family)
    return model, Decoder(model, batch_size, weights=weights)


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


@pytest.fixture
def model():
    return compiled("llama")[0]


@pytest.fixture
def decoder():
    return compiled("llama")[1].another()


@pytest.fixture
def pair():
    """A decoder for two texts."""
    return compiled("llama", batch_size=2)[1].another()


def test_the_text_is_the_same_with_and_without_memory(family):
    model, decoder = compiled(family)
    for options in (dict(temperature=0), dict(temperature=1.2, top_k=9, repetition_penalty=1.3)):
        expected = generated(model, PROMPT, S - len(PROMPT), **options)
        assert written(decoder, PROMPT, S - len(PROMPT), **options) == expected
        assert len(set(expected)) > 3 or options["temperature"] == 0


def test_the_scores_are_those_of_the_whole_text(family):
    model, decoder = compiled(family)
    text = list(PROMPT)
    assert_allclose(decoder.prefill(text), scores(model, text), atol=2e-5)
    for token in (0, 12, 7):
        text.append(token)
        assert_allclose(decoder.step([token]), scores(model, text), atol=2e-5)
    more = decoder.extend([[2, 2, 9]])
    assert_allclose(more[0], np.asarray(model(np.array([[*text, 2, 2, 9]])))[0, -3:], atol=2e-5)


def test_prompts_of_different_length_lie_side_by_side(family):
    model, decoder = compiled(family, batch_size=3)
    texts = [PROMPT, [2], [7, 7, 7, 0]]
    assert_allclose(decoder.prefill(texts), scores(model, *texts), atol=2e-5)
    for ids in ([1, 2, 3], [4, 4, 4]):
        texts = [[*text, token] for text, token in zip(texts, ids, strict=True)]
        assert_allclose(decoder.step(ids), scores(model, *texts), atol=2e-5)
    texts = [[*text, 8, 0] for text in texts]
    assert_allclose(decoder.extend([[8, 0]] * 3)[:, -1], scores(model, *texts), atol=2e-5)


def test_each_text_of_a_batch_is_the_one_it_is_alone(decoder):
    prompts = [PROMPT, [2], [7, 7, 7, 0]]
    rng = np.random.default_rng(0)
    batch = stream_batch(compiled("llama", batch_size=3)[1], prompts, 8, rng, temperature=0)
    for prompt, row in zip(prompts, np.stack(list(batch), axis=1).tolist(), strict=True):
        assert row == written(decoder.another(), prompt, 8, temperature=0)


def test_int8_writes_what_rounded_weights_write(family):
    _, decoder = compiled(family, weights="int8")
    model = made(family)
    exact = scores(model, PROMPT)
    rounded(model)
    for text in (PROMPT, [*PROMPT, 6]):
        scored = decoder.prefill(text)  # the first as a prompt, the second by a step
        assert_allclose(scored, scores(model, text), atol=2e-5)
    assert abs(exact - scores(model, PROMPT)).max() > 1e-3  # rounding is seen


def test_nothing_is_compiled_twice(model, monkeypatch):
    traces, read = [], GPT.read
    monkeypatch.setattr(GPT, "read", lambda *a, **k: traces.append(a[1].shape) or read(*a, **k))
    decoder = Decoder(model)
    for length in (3, 9, 4, 15):
        written(decoder.another(), PROMPT * (length // 5) + PROMPT[: length % 5], 3)
    assert [tuple(shape) for shape in traces] == [(1, None), (1, 1)]


def test_a_prompt_that_begins_as_the_last_text_costs_only_its_rest(model, decoder):
    answer = written(decoder, PROMPT, 4, temperature=0)
    assert decoder.tokens_read == 5 + 3  # nobody asked what follows the last one
    longer = [*PROMPT, *answer[:3], 9, 9, 9, 0]
    assert_allclose(decoder.prefill(longer), scores(model, longer), atol=2e-5)
    assert decoder.tokens_read == 8 + 4
    other = [*PROMPT, (answer[0] + 1) % V, 1, 2]  # parts from the last one in the middle
    assert_allclose(decoder.prefill(other), scores(model, other), atol=2e-5)
    assert decoder.tokens_read == 12 + 3
    assert_allclose(decoder.prefill(PROMPT), scores(model, PROMPT), atol=2e-5)
    assert decoder.tokens_read == 15 + 1  # the last token is read again, for its scores


def test_what_a_batch_shares_is_read_once_only_where_the_texts_start_alike(model, pair):
    pair.prefill([[1, 2, 3, 4], [5, 6]])
    assert pair.tokens_read == 2 * 4
    for texts, more in (
        ([[1, 2, 3, 4, 7, 8, 9], [5, 6, 7, 8, 9]], 3),
        ([[1, 2, 3, 4, 7, 8, 9], [5, 6, 7, 8, 9, 9]], 7),
    ):
        before = pair.tokens_read
        assert_allclose(pair.prefill(texts), scores(model, *texts), atol=2e-5)
        assert pair.tokens_read == before + 2 * more


def test_a_decoder_can_go_back(model, decoder):
    decoder.prefill(PROMPT)
    decoder.step([7])
    decoder.rewind(3)
    assert_allclose(decoder.step([9]), scores(model, [3, 1, 4, 9]), atol=2e-5)
    decoder.rewind(0)
    assert_allclose(decoder.step([9]), scores(model, [9]), atol=2e-5)
    with pytest.raises(ValueError, match="from 0 to 1, the places in use. Received: length=2"):
        decoder.rewind(2)


def test_after_a_batch_of_different_lengths_all_can_be_forgotten(model, pair):
    pair.prefill([[1, 2, 3, 4], [5, 6]])
    pair.rewind(0)
    assert_allclose(pair.extend([[1, 2], [3, 4]])[:, -1], scores(model, [1, 2], [3, 4]), atol=2e-5)


def test_two_conversations_share_functions_and_no_memory(model, decoder):
    other = decoder.another()
    for text in (PROMPT, [9, 9, 2, 0, 1, 7]):
        decoder.prefill(text)
        other.prefill(text[::-1])
        assert_allclose(decoder.step([1]), scores(model, [*text, 1]), atol=2e-5)
        assert_allclose(other.step([1]), scores(model, [*text[::-1], 1]), atol=2e-5)
    assert other.compiled is decoder.compiled


def test_an_end_token_ends_the_stream_and_is_given(model, decoder):
    whole = written(decoder, PROMPT, 9)
    end = whole[4]
    assert written(decoder, PROMPT, 9, end_id=end) == whole[: whole.index(end) + 1]


def test_a_text_that_does_not_fit_is_refused_before_anything_is_read(decoder):
    rng = np.random.default_rng(0)
    message = "must fit into a memory of 20 places. Received: 21 tokens"
    with pytest.raises(ValueError, match=message):
        stream(decoder, PROMPT, 16, rng)  # nobody has asked for a token yet
    with pytest.raises(ValueError, match=message):
        decoder.prefill(range(5, 21 + 5))
    assert decoder.text.size == 0
    written(decoder, PROMPT, 15)
    decoder.step([1])
    with pytest.raises(ValueError, match=message):
        decoder.step([1])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(batch_size=0), "`batch_size` must be at least 1. Received: batch_size=0"),
        (dict(length=0), "`length` must be from 1 to the context of 20. Received: length=0"),
        (dict(length=21), "`length` must be from 1 to the context of 20. Received: length=21"),
        (dict(weights="int4"), "`weights` must be one of float32, int8. Received: weights='int4'"),
    ],
)
def test_impossible_arguments_are_refused(model, change, message):
    with pytest.raises(ValueError, match=message):
        Decoder(model, **change)


def test_another_model_is_refused():
    with pytest.raises(TypeError, match="`model` must be a GPT. Received: Dense"):
        Decoder(keras.layers.Dense(3))


def test_ids_that_make_no_sense_are_refused(decoder):
    with pytest.raises(ValueError, match="there must be 1 prompts, one a row. Received: 2"):
        decoder.prefill([[1, 2], [3]])
    with pytest.raises(ValueError, match="must hold at least 1 id. Received: 0 ids"):
        decoder.prefill([[]])
    with pytest.raises(ValueError, match="`ids` must be from 0 to V - 1 = 12"):
        decoder.prefill([1, 13, 2, 4])
    with pytest.raises(ValueError, match="ids for each of 1 texts. Received: shape"):
        decoder.step([1, 2])
    with pytest.raises(TypeError, match="`ids` must be integers. Received: dtype=float"):
        decoder.step([0.5])
    assert decoder.text.size == 0


def test_a_stream_is_timed_by_the_clock():
    ticks = iter([10.0, 10.5, 10.75, 11.0])
    tokens, speed = timed(iter("abc"), clock=lambda: next(ticks))
    assert (tokens, speed) == (["a", "b", "c"], Speed(first=0.5, per_second=4.0))
    assert speed.seconds(tokens=3) == 1.0
    with pytest.raises(ValueError, match="at least 2 tokens. Received: 1"):
        timed("a")
