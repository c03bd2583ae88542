"""How fast the n-gram models train and score, beside `nltk.lm` in the same run.

The texts are the opening of Shakespeare's training plays, in characters. `nltk` scores one symbol
at a time in Python: half a minute for 20 kB.
"""

from time import perf_counter

import numpy as np
from nltk.lm import KneserNeyInterpolated, Vocabulary
from nltk.util import everygrams

from lmcourse.evaluation.probability import score
from lmcourse.models.ngram import KneserNey, ModifiedKneserNey
from lmcourse.text.corpora import shakespeare
from lmcourse.text.tokenizers import CharacterTokenizer

ORDER = 5


def seconds(work, rounds: int = 3) -> float:
    """Return the seconds of the fastest of some rounds."""
    times = []
    for _ in range(rounds):
        start = perf_counter()
        work()
        times.append(perf_counter() - start)
    return min(times)


def beside_nltk(text: str) -> tuple[float, float]:
    """Train on a text and score all of it, with equal results: our seconds and nltk's."""
    tokenizer = CharacterTokenizer.train(text)
    ids, symbols = tokenizer.encode(text), list(text)

    def ours():
        model = KneserNey.train(ids, ORDER, tokenizer.vocabulary_size, discount=0.75)
        return model.log_probability(ids)

    start = perf_counter()
    reference = KneserNeyInterpolated(ORDER, discount=0.75, vocabulary=Vocabulary(symbols))
    reference.fit([list(everygrams(symbols, max_len=ORDER))])
    theirs = [
        reference.score(symbols[t], symbols[max(t - ORDER + 1, 0) : t])
        for t in range(1, len(symbols))
    ]
    slow = perf_counter() - start
    np.testing.assert_allclose(np.exp(ours()), theirs, rtol=1e-9)
    return seconds(ours), slow


def measure() -> list[dict]:
    """Time training on 1 MB, scoring, and both on 20 kB against nltk."""
    text = shakespeare().text("train")[:1_000_000]
    tokenizer = CharacterTokenizer.train(text)
    ids, size = tokenizer.encode(text), tokenizer.vocabulary_size
    model = ModifiedKneserNey.train(ids, ORDER, size)
    training = seconds(lambda: ModifiedKneserNey.train(ids, ORDER, size))
    held_out = ids[:100_000]
    direct = len(held_out) / seconds(lambda: model.log_probability(held_out))
    contract = len(held_out) / seconds(lambda: score(model, held_out))
    ours, theirs = beside_nltk(text[:20_000])
    rows = [
        ("modified Kneser-Ney, order 5: train on 1 MB", training, "s", "<= 5"),
        ("modified Kneser-Ney, order 5: log_probability", direct, "tokens/s", ">= 100000"),
        ("modified Kneser-Ney, order 5: score, through the contract", contract, "tokens/s", None),
        ("Kneser-Ney, order 5, train and score 20 kB: ours", ours, "s", None),
        ("Kneser-Ney, order 5, train and score 20 kB: nltk", theirs, "s", None),
        (
            "Kneser-Ney, order 5, train and score 20 kB: nltk / ours",
            theirs / ours,
            "times",
            ">= 30",
        ),
    ]
    return [
        {"name": f"ngram {name}", "value": value, "unit": unit, "bound": bound}
        for name, value, unit, bound in rows
    ]
