"""The runs of lesson 25: many small GPTs, each trained once on so many tokens, and what they cost.

    python -m lmcourse.evaluation.scaling     make every run that data/scaling.json lacks

The formula that goes through them stands in `evaluation.powerlaw`; this file makes the runs, then
has the formula foretell one of four times the operations, and makes that one, too.
Letters: N parameters, D tokens, T context, V vocabulary, W width of a model.
"""

import json
import math
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lmcourse.evaluation.powerlaw import fit_law
from lmcourse.evaluation.probability import bits_to_nats, score
from lmcourse.packages import DATA
from lmcourse.reference.softmax import log_softmax
from lmcourse.text import corpora
from lmcourse.text.checks import whole_file
from lmcourse.text.grammar import LETTERS, Markov
from lmcourse.text.tokenizers import CharacterTokenizer
from lmcourse.training.schedules import linear, warmup

FILE = DATA / "scaling.json"
SYMBOLS = 20  # V of the source; each of its V * V contexts has a distribution of its own
HELD_OUT = 1024  # windows on which a loss is measured


@dataclass(frozen=True)
class Plan:
    """Which runs are made: every width with every number of tokens, unless they don't match.

    Args:
        text: "source" or the name of a corpus, whose characters are the tokens.
        context_length: T.
        widths, tokens: of the runs.
        share: the least and the most tokens a parameter.
        first_seed: where the seeds begin; plans with other seeds have no run in common.
    """

    text: str
    context_length: int
    widths: tuple[int, ...]
    tokens: tuple[int, ...]
    share: tuple[float, float] = (0, math.inf)
    first_seed: int = 0

    def runs(self) -> Iterator[tuple[int, int, int]]:
        """Name every run: width, tokens, seed; the short ones first.

        What is short is repeated with other seeds: it scatters most and costs least.

        >>> list(Plan("source", 16, (24, 64), (2**18, 2**19), share=(8, 64)).runs())
        [(24, 262144, 0), (24, 262144, 1), (64, 524288, 0)]
        """
        low, high = self.share
        for tokens in self.tokens:
            for seed in range(min(3, max(1, 2**19 // tokens))):
                for width in self.widths:
                    if low <= tokens / parameters(alphabet(self.text), width) <= high:
                        yield width, tokens, self.first_seed + seed


def _powers(first: int, last: int) -> tuple[int, ...]:
    return tuple(2**n for n in range(first, last + 1))


PLANS = {
    # A first trial, of every width with every length. What it taught made the plan below.
    "trial": Plan("source", 16, (12, 16, 20, 24, 32, 40, 48, 64), _powers(15, 21)),
    "source": Plan(
        "source",
        16,
        (16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96),
        _powers(15, 21),
        share=(4, 64),
        first_seed=10,
    ),
    "shakespeare": Plan("shakespeare", 32, (16, 32, 48, 96), _powers(17, 20)),
}
TIMES = 2  # how much larger the predicted run is, in N and in D: four times the operations


@cache
def source() -> Markov:
    """Make the language of the runs: 20 symbols, and the last two decide about the next.

    Frequent and rare symbols follow Zipf's law, and so some pairs are seen every few dozen tokens
    and others once in ten thousand. Every pair has its own distribution of what follows, drawn
    around Zipf's; none of them helps with another. That is what makes learning slow and gradual.

    >>> source().order, source().vocabulary_size, round(source().entropy_rate, 3)
    (2, 20, 2.424)
    """
    rng, V = np.random.default_rng(0), SYMBOLS
    zipf = 1 / np.arange(1, V + 1)
    zipf /= zipf.sum()
    rows = rng.dirichlet(5 * zipf, size=(V, V))
    return Markov(0.98 * rows + 0.02 * zipf, list(LETTERS[:V]))


@cache
def characters(name: str) -> tuple[np.ndarray, np.ndarray, int]:
    """Give the ids of a corpus to learn from, those held out, and V."""
    corpus = getattr(corpora, name)()
    tokenizer = CharacterTokenizer.train(corpus.text("train"), unknown=True)
    train, held = (tokenizer.encode(corpus.text(split)) for split in ("train", "validation"))
    return train, held, tokenizer.vocabulary_size


def alphabet(text: str) -> int:
    """Give V, of the source or of a corpus."""
    return SYMBOLS if text == "source" else characters(text)[2]


def fresh(text: str, tokens: int, rng: np.random.Generator) -> np.ndarray:
    """Give `tokens` + 1 ids to learn from: the source writes new ones, a corpus lends a piece."""
    if text == "source":
        return source().sample(tokens + 1, rng)
    ids = characters(text)[0]
    start = rng.integers(len(ids) - tokens)
    return ids[start : start + tokens + 1]


def gpt(vocabulary_size: int, context_length: int, width: int):
    """Make a GPT of one block, of the parts that earned their place in lesson 13."""
    from lmcourse.models.gpt import GPT, GPTConfig

    return GPT(
        GPTConfig(
            vocabulary_size=vocabulary_size,
            context_length=context_length,
            layers=1,
            width=width,
            heads=2,
            norm="rms",
            positions="rotary",
            activation="relu_squared",
            bias=False,
            quiet=True,
        )
    )


def parameters(vocabulary_size: int, width: int) -> int:
    """Count all parameters of `gpt`, the table of tokens among them: it also scores.

    Four matrices of attention, two of the feed-forward network, the table, three norms.

    >>> parameters(20, 64)
    50624
    """
    return 12 * width**2 + vocabulary_size * width + 3 * width


def operations(vocabulary_size: int, context_length: int, width: int, tokens: int) -> int:
    """Count the floating-point operations of training: three times those of going forward.

    As in lesson 11: for each token 24 W^2 in the matrices, 4 T W for looking, 2 V W for scores.

    >>> run = dict(vocabulary_size=20, width=64, tokens=1000)
    >>> operations(context_length=16, **run) / (6 * parameters(20, 64) * 1000)
    1.0366624525916561
    """
    W = width
    return 3 * tokens * (24 * W * W + 4 * context_length * W + 2 * vocabulary_size * W)


def learning_rate(width: int) -> float:
    """Give the peak rate for a width: twice as wide, half the rate.

    A score is a sum over the width. With steps of the same size, it would move further in a wider
    model. (The constant was found by trying widths of 16, 24 and 64.)

    >>> learning_rate(16), learning_rate(32)
    (0.0375, 0.01875)

    Reference: Yang and others (2022), "Tensor programs V".
    """
    return 0.6 / width


def rise_and_fall(share: float) -> float:
    """A tenth of the run up, the rest down to zero: a run that ends elsewhere is a worse run."""
    return warmup(share, linear, length=0.1)


def train(plan: Plan, width: int, tokens: int, seed: int = 0):
    """Train one model on `tokens` tokens, each seen once: -> model, tokens taken, seconds.

    The batch grows with the root of the run, and so does the number of steps.
    """
    import keras

    from lmcourse.training.fit import fit
    from lmcourse.training.streams import stream_batches

    T, rng = plan.context_length, np.random.default_rng((seed, width, tokens))
    rows = max(2, round(math.sqrt(tokens) / (2 * T)))
    batches = stream_batches(fresh(plan.text, tokens, rng), rows, T)
    keras.utils.set_random_seed(int(rng.integers(2**31)))
    model = gpt(alphabet(plan.text), T, width)
    history = fit(
        model,
        batches,
        steps=batches.per_pass,
        optimizer=keras.optimizers.Muon(momentum=0.85, weight_decay=None),
        learning_rate=learning_rate(width),
        schedule=rise_and_fall,
        clip_norm=None,
        validate_every=batches.per_pass,
        clock=time.process_time,
    )
    return model, batches.per_pass * rows * T, history.seconds


def source_loss(model, language: Markov, ids: np.ndarray, context_length: int) -> float:
    """Measure a model on text of a source, in nats a token, without the noise of a sample.

    Any other loss waits for the next symbol and asks what the model gave it. Here the *whole* true
    distribution p of the next symbol is known, and so the expected loss is: the entropy rate, which
    is exact, plus the mean of sum p (ln p - ln q) over the places whose context is in view.
    Shapes: ids (R * T,) -> ().
    """
    T, k = context_length, language.order
    windows = ids[: len(ids) // T * T].reshape(-1, T)
    true = language.probabilities(ids)[1 : windows.size + 1].reshape(*windows.shape, -1)
    p = true[:, k - 1 :]
    q = np.concatenate([np.asarray(model(part)) for part in np.array_split(windows, 8)])
    gap = np.log(np.where(p > 0, p, 1)) - log_softmax(q[:, k - 1 :].astype(np.float64))
    return bits_to_nats(language.entropy_rate) + float((p * gap).sum(axis=-1).mean())


def measure(name: str, width: int, tokens: int, seed: int = 0) -> dict:
    """Make one run of a plan and say what came out: sizes, nats a token, processor seconds."""
    plan = PLANS[name]
    T = plan.context_length
    model, taken, seconds = train(plan, width, tokens, seed)
    if plan.text == "source":
        held = source().sample(HELD_OUT * T, np.random.default_rng(1))
        loss = source_loss(model, source(), held, T)
    else:
        loss = score(model, characters(plan.text)[1][: HELD_OUT * T]).nats_per_token
    return {
        "plan": name,
        "width": width,
        "seed": seed,
        "parameters": int(model.count_params()),
        "tokens": taken,
        "operations": operations(model.vocabulary_size, T, width, taken),
        "loss": round(loss, 5),
        "seconds": round(seconds, 1),
    }


def stored(path: Path = FILE) -> dict:
    """Read what was measured: `runs`, one dictionary each, and the `prediction`, if there is one.

    Raises FileNotFoundError where nothing has been measured.
    """
    if not path.exists():
        raise FileNotFoundError(
            "The runs must be made first: python -m lmcourse.evaluation.scaling. "
            f"Received: {path.name} missing"
        )
    return json.loads(path.read_text(encoding="utf-8"))


def columns(name: str, path: Path = FILE) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give N, D and L of the stored runs of one plan, for `fit_law`; seeds are averaged.

    >>> N, D, L = columns("source")
    >>> len(N) == len(D) == len(L)
    True
    """
    if name not in PLANS:
        raise ValueError(f"`name` must be one of {', '.join(PLANS)}. Received: {name!r}")
    cells: dict[tuple[int, int], list[float]] = {}
    for run in stored(path)["runs"]:
        if run["plan"] == name:
            cells.setdefault((run["parameters"], run["tokens"]), []).append(run["loss"])
    sizes, tokens = np.array(list(cells)).T
    return sizes, tokens, np.array([np.mean(losses) for losses in cells.values()])


def write(content: dict, path: Path = FILE) -> None:
    """Write what was measured, whole or not at all, one run a line."""
    order = list(PLANS)
    runs = sorted(
        content["runs"],
        key=lambda run: (order.index(run["plan"]), run["width"], run["tokens"], run["seed"]),
    )
    lines = ",\n".join(json.dumps(run, allow_nan=False) for run in runs)
    prediction = json.dumps(content.get("prediction"), allow_nan=False)
    with whole_file(path) as file:
        file.write(f'{{"prediction": {prediction},\n"runs": [\n{lines}\n]}}\n'.encode())


def wanted(done: list[dict]) -> Iterator[tuple[str, int, int, int]]:
    """Name the runs that are planned and not made: plan, width, tokens, seed."""

    def key(name, width, tokens, seed):
        return name, width, round(math.log2(tokens)), seed  # some tokens fill no batch

    known = {key(run["plan"], run["width"], run["tokens"], run["seed"]) for run in done}
    for name, plan in PLANS.items():
        for run in plan.runs():
            if key(name, *run) not in known:
                yield name, *run


def predict(path: Path = FILE) -> dict:
    """Fit the runs on the source and foretell one with twice the parameters and the tokens."""
    plan, law = PLANS["source"], fit_law(*columns("source", path))
    largest = parameters(SYMBOLS, max(plan.widths))
    width = max(plan.widths)
    while parameters(SYMBOLS, width) < TIMES * largest:
        width += 4
    N, tokens = parameters(SYMBOLS, width), TIMES * max(plan.tokens)
    return {
        "width": width,
        "parameters": N,
        "tokens": tokens,
        "law": asdict(law),
        "predicted": round(float(law.loss(N, tokens)), 5),
    }


def main(path: Path = FILE) -> None:
    """Make the runs that are missing; then foretell the large one, write that down, and make it."""
    from tqdm import tqdm

    content = stored(path) if path.exists() else {"runs": [], "prediction": None}
    for name, width, tokens, seed in (bar := tqdm(list(wanted(content["runs"])), unit="run")):
        bar.set_description(f"{name}: width {width}, {tokens:,} tokens")
        content["runs"].append(measure(name, width, tokens, seed))
        write(content, path)
    if content["prediction"] is None:
        content["prediction"] = predict(path)
        write(content, path)
    said = content["prediction"]
    if "measured" not in said:
        run = measure("source", said["width"], said["tokens"])
        said["measured"] = run["loss"]
        content["prediction"] |= {key: run[key] for key in ("tokens", "operations", "seconds")}
        write(content, path)


if __name__ == "__main__":
    main()
