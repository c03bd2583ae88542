"""SmolLM2 and MiniLM in our classes give the numbers of Hugging Face's code, which are stored."""

from types import SimpleNamespace

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quantize
from keras import ops

from lmcourse.models import pretrained
from lmcourse.models.pretrained import (
    Packed,
    chat_tokenizer,
    halves_from_neighbours,
    llama_config,
    minilm,
    smollm2,
)
from tests.models.hugging_face_pretrained import (
    DIALOGUE,
    EVERY,
    FOLDER,
    PROMPT,
    QUESTION,
    SENTENCES,
    TEXTS,
)
from tests.text.test_bytepair import HARD


@pytest.fixture(scope="module")
def loaded():
    return smollm2()


@pytest.fixture(scope="module")
def encoder():
    return minilm()


def stored(name):
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return dict(file)


# --- SmolLM2 --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", range(len(TEXTS)))
def test_the_logits_are_those_of_hugging_face(loaded, n):
    (model, _), reference = loaded, stored("smollm2")
    logits = ops.convert_to_numpy(model(reference[f"ids/{n}"][None]))[0]
    top = np.take_along_axis(logits, reference[f"top_ids/{n}"].astype(int), axis=1)
    assert abs(top - reference[f"top/{n}"]).max() <= 1e-3
    assert abs(logits[:, ::EVERY] - reference[f"every/{n}"]).max() <= 1e-3


@pytest.mark.parametrize("name", ["story", "answer"])
def test_the_greedy_continuation_is_that_of_hugging_face(loaded, name):
    # The model sees no future: if the likeliest token after each beginning is the one that stands
    # there, writing greedily gives the same text.
    (model, tokenizer), ids = loaded, stored("smollm2")[name]
    question = [{"role": "user", "content": QUESTION}]
    prompts = {"story": tokenizer.encode(PROMPT), "answer": tokenizer.chat_ids(question)}
    length = len(prompts[name])
    assert ids[:length].tolist() == prompts[name].tolist()
    logits = ops.convert_to_numpy(model(ids[None]))[0]
    assert logits.argmax(axis=-1)[length - 1 : -1].tolist() == ids[length:].tolist()


def test_it_knows_the_capital_of_france(loaded):
    (_, tokenizer), ids = loaded, stored("smollm2")["answer"]
    assert tokenizer.decode(ids).endswith("The capital of France is Paris.<|im_end|>")


def test_the_ids_are_those_of_hugging_face(loaded):
    (_, tokenizer), reference = loaded, stored("smollm2")
    for n, text in enumerate(TEXTS):
        assert tokenizer.encode(text).tolist() == reference[f"ids/{n}"].tolist()
        assert tokenizer.decode(reference[f"ids/{n}"]) == text
    for n, text in enumerate(HARD):
        if "<|" not in text:  # they let a text hold special tokens, we don't
            assert tokenizer.encode(text).tolist() == reference[f"hard/{n}"].tolist()
    dialogue = tokenizer.chat_ids(DIALOGUE, add_generation_prompt=False)
    assert dialogue.tolist() == reference["dialogue"].tolist()


def test_the_ids_are_numbered_as_in_the_file(loaded):
    _, tokenizer = loaded
    assert tokenizer.vocabulary_size == 49_152
    names = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
    assert [tokenizer.special[name] for name in names] == [0, 1, 2]
    assert tokenizer.vocabulary[17] == "!" and tokenizer.vocabulary[252] == " t"


def test_all_weights_have_found_a_place(loaded):
    model, _ = loaded
    assert model.count_params() == 134_515_008
    assert model.head is None  # the table that reads also scores


# --- what the file holds --------------------------------------------------------------------


def test_the_order_of_llama_cpp_is_undone():
    H, W, D = 3, 8, 5
    rows = np.arange(H * W * D).reshape(H * W, D)
    pairs = rows.reshape(H, 2, W // 2, D)  # first halves, second halves
    neighbours = np.stack([pairs[:, 0], pairs[:, 1]], axis=2).reshape(H * W, D)
    assert (neighbours != rows).any()
    assert (halves_from_neighbours(neighbours, H) == rows).all()


def test_a_packed_tensor_is_unpacked_when_asked():
    numbers = np.linspace(-1, 1, 64, dtype=np.float32).reshape(2, 32)
    kind = GGMLQuantizationType.Q4_1
    packed = Packed(SimpleNamespace(data=quantize(numbers, kind), tensor_type=kind))
    array = np.asarray(packed)
    assert array.dtype == np.float32 and array.shape == (2, 32)
    assert abs(array - numbers).max() <= 1 / 15 / 2  # half a step of 15 between the ends of a row
    assert np.asarray(packed, dtype="float64").dtype == np.float64


def test_another_architecture_and_another_tokenizer_are_refused():
    with pytest.raises(ValueError, match="must be llama. Received: 'gpt2'"):
        llama_config({"general.architecture": "gpt2"})
    facts = {"model": "llama", "pre": "default", "tokens": []}
    with pytest.raises(ValueError, match=r"of the kind gpt2, smollm. Received: \('llama', 'def"):
        chat_tokenizer({f"tokenizer.ggml.{name}": fact for name, fact in facts.items()})


def test_a_damaged_file_is_refused(monkeypatch):
    package, path, _ = pretrained.SMOLLM2
    monkeypatch.setattr(pretrained, "SMOLLM2", (package, path, "0" * 64))
    with pytest.raises(ValueError, match="must have SHA-256 0000"):
        smollm2()


# --- MiniLM ---------------------------------------------------------------------------------


def test_the_sentence_vectors_are_those_of_hugging_face(encoder):
    vectors = encoder.encode(SENTENCES)
    assert vectors.dtype == np.float32
    assert abs(vectors - stored("minilm")["vectors"]).max() <= 1e-4


def test_alike_in_meaning_is_alike_in_vectors(encoder):
    cat, kitten, tax, password, login = encoder.encode(SENTENCES[:5])
    assert cat @ kitten > 0.5 and password @ login > 0.4
    assert max(cat @ tax, cat @ password, tax @ login) < 0.2


def test_a_vector_depends_on_its_own_sentence_alone(encoder):
    together = encoder.encode(SENTENCES)
    assert abs(together - encoder.encode(SENTENCES, batch_size=3)).max() <= 1e-5
    assert abs(together[2] - encoder.encode(SENTENCES[2:3])[0]).max() <= 1e-5
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    assert encoder.encode([]).shape == (0, 384)


def test_a_special_token_in_a_text_is_text(encoder):
    ids = encoder.tokenizer.encode("a [SEP] b").ids
    assert ids.count(encoder.tokenizer.token_to_id("[SEP]")) == 1  # at the end


def test_what_is_no_list_of_texts_is_refused(encoder):
    with pytest.raises(TypeError, match="must be a list of texts. Received: 'A cat'"):
        encoder.encode("A cat")
    with pytest.raises(TypeError, match="`texts` must be a str. Received: int"):
        encoder.encode(["A cat", 5])
    with pytest.raises(ValueError, match="`batch_size` must be at least 1. Received: batch_size=0"):
        encoder.encode(["A cat"], batch_size=0)
