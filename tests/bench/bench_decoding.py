"""Whether KerasHub's samplers choose as ours do, live, where both exist.

Greedy and beam search token for token, with the log-probabilities of the beams. Top-k, top-p and
temperature by what is drawn from: KerasHub's draws are caught where it draws, and their
probabilities compared with ours. (With a token that ends a text, KerasHub's beams go on behind it
and count what comes there; ours stop. So beams are compared without one.)
"""

from unittest import mock

import keras
import numpy as np
from keras import ops

from lmcourse.generation.beam import beam_search
from lmcourse.generation.sampling import Sampling, generate
from lmcourse.models.gpt import GPT, GPTConfig

B, T, LENGTH, V = 5, 4, 24, 50
KNOBS = [  # ours, and what KerasHub calls it
    ({"top_k": 5}, "TopKSampler", {"k": 5}),
    ({"top_k": 7, "temperature": 0.6}, "TopKSampler", {"k": 7, "temperature": 0.6}),
    ({"top_p": 0.3}, "TopPSampler", {"p": 0.3}),
    ({"top_p": 0.9, "temperature": 1.4}, "TopPSampler", {"p": 0.9, "temperature": 1.4}),
    ({"temperature": 2.0}, "RandomSampler", {"temperature": 2.0}),
]


def random_gpt():
    """A small GPT with weights large enough that it has opinions."""
    keras.utils.set_random_seed(0)
    model = GPT(GPTConfig(vocabulary_size=V, context_length=LENGTH, layers=2, width=32, heads=4))
    for variable in model.weights:
        variable.assign(variable + 0.3 * keras.random.normal(variable.shape))
    return model


def theirs(model, prompts, sampler):
    """Let a KerasHub sampler continue the prompts."""

    def scores(prompt, cache, index):
        return ops.take(model(prompt), index - 1, axis=1), None, cache

    filled = np.pad(prompts, ((0, 0), (0, LENGTH - T))).astype("int32")
    known = np.arange(LENGTH)[None] < np.full((len(prompts), 1), T)
    return sampler(
        scores, ops.convert_to_tensor(filled), index=T, mask=ops.convert_to_tensor(known)
    )


def compared_beams(model, prompts, width):
    """Give the share of equal beams, and the largest difference of their log-probabilities."""
    import keras_hub

    sampler = keras_hub.samplers.BeamSampler(num_beams=width, return_all_beams=True)
    texts, logs = map(np.asarray, theirs(model, prompts, sampler))
    equal, gap = [], 0.0
    for prompt, rows, row_logs in zip(prompts, texts, logs, strict=True):
        for h, text, log in zip(
            beam_search(model, prompt, LENGTH - T, width), rows, row_logs, strict=True
        ):
            equal.append(list(h.ids) == text[T:].tolist())
            gap = max(gap, abs(h.log_probability - log))
    return np.mean(equal), gap


def drawn_from(name, options, logits):
    """The probabilities from which a KerasHub sampler draws, caught where it draws."""
    import keras_hub

    sampler = getattr(keras_hub.samplers, name)(**options)
    caught = []
    real = keras.random.categorical

    def categorical(logits, *args, **kwargs):
        caught.append(np.asarray(logits))
        return real(logits, *args, **kwargs)

    p = sampler.compute_probabilities(ops.convert_to_tensor(logits))
    with mock.patch("keras.random.categorical", categorical):
        sampler.get_next_token(p)
    weights = np.exp(caught[0].astype(np.float64))
    weights /= weights.sum(axis=-1, keepdims=True)
    ranked = np.sort(weights, axis=-1)[:, ::-1]  # KerasHub draws a rank, most probable first
    return np.pad(ranked, ((0, 0), (0, V - ranked.shape[1])))


def measure() -> list[dict]:
    """Rows with a bound of exact equality for ids, of 1e-4 for sums and of 1e-6 for shares."""
    import keras_hub

    rng, model = np.random.default_rng(0), random_gpt()
    prompts = rng.integers(0, V, (B, T))
    greedy = np.asarray(theirs(model, prompts, keras_hub.samplers.GreedySampler()))
    ours = [generate(model, row, LENGTH - T, rng, temperature=0) for row in prompts]
    rows = [("greedy: equal tokens", np.mean(greedy == ours), ">= 1")]
    for width in (1, 3, 8):
        equal, gap = compared_beams(model, prompts, width)
        rows.append((f"beam of {width}: equal texts", equal, ">= 1"))
        rows.append((f"beam of {width}: difference of log-probabilities", gap, "<= 1e-4"))
    logits = np.asarray(model(rng.integers(0, V, (64, T))))[:, -1]
    for knobs, name, options in KNOBS:
        ranked = drawn_from(name, options, logits)
        mine = np.sort(Sampling(**knobs).distribution(logits), axis=-1)[:, ::-1]
        said = ", ".join(f"{knob} {value}" for knob, value in knobs.items())
        rows.append((f"{said}: difference of probabilities", abs(ranked - mine).max(), "<= 1e-6"))
    return [
        {"name": f"decoding, {name}", "value": float(value), "unit": "", "bound": bound}
        for name, value, bound in rows
    ]
