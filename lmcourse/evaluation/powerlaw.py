"""One formula through many training runs: L(N, D) = E + A / N^alpha + B / D^beta.

Knows nothing about models and training: what comes in are three lists of numbers.
Letters: N parameters, D tokens, L loss in nats a token, C operations of training.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import logsumexp

OPERATIONS = 6  # a parameter and token: two going forward, four going back
DELTA = 1e-3  # where Huber's loss turns from a square into a line, in units of ln L
BOUNDS = ([-30, -50, 1e-3, -50, 1e-3], [30, 50, 10, 50, 10])  # of ln E, ln A, alpha, ln B, beta


@dataclass(frozen=True)
class Law:
    """What a loss is made of: what nobody can learn, what the size lacks, what the data lack.

    Args:
        E: the irreducible loss, in nats a token.
        A, alpha: a model of N parameters lacks A / N^alpha nats.
        B, beta: a run of D tokens lacks B / D^beta nats.

    Raises:
        ValueError: if one of them is not above 0.

    Example:
        >>> law = Law(E=1.0, A=10.0, alpha=0.5, B=100.0, beta=0.5)
        >>> round(float(law.loss(100, 10_000)), 6)   # 1 + 10/10 + 100/100
        3.0

    Reference: Hoffmann and others (2022), "Training compute-optimal large language models",
        section 3.3.
    """

    E: float
    A: float
    alpha: float
    B: float
    beta: float

    def __post_init__(self):
        for name, value in vars(self).items():
            if not 0 < value < np.inf:
                raise ValueError(f"`{name}` must be above 0. Received: {name}={value}")

    def loss(self, size, tokens):
        """Predict the loss of a run; arrays of N and D broadcast."""
        N, D = np.asarray(size, float), np.asarray(tokens, float)
        return self.E + self.A / N**self.alpha + self.B / D**self.beta

    def best(self, operations):
        """Spend C = 6 N D operations as well as possible: -> N, D.

        On the curve D = C / 6N the loss is least where its slope is zero: where
        alpha A / N^alpha = beta B / D^beta. So N = G (C/6)^a and D = (C/6)^b / G with
        a = beta / (alpha + beta), b = 1 - a, G = (alpha A / beta B)^(1 / (alpha + beta)).

        >>> law = Law(E=1.0, A=10.0, alpha=0.5, B=100.0, beta=0.5)
        >>> [float(n.round(6)) for n in law.best(6e8)]   # ten times less to lack: a hundredth
        [1000.0, 100000.0]
        """
        product = np.asarray(operations, float) / OPERATIONS
        both = self.alpha + self.beta
        G = (self.alpha * self.A / (self.beta * self.B)) ** (1 / both)
        size = G * product ** (self.beta / both)
        return size, product / size


HOFFMANN = Law(E=1.69, A=406.4, alpha=0.34, B=410.7, beta=0.28)
"""The fit that Hoffmann and others (2022) published, rounded as they did."""

BESIROGLU = Law(E=1.8172, A=482.01, alpha=0.3478, B=2085.43, beta=0.3658)
"""The same formula fitted anew to their runs, read off their figure: Besiroglu and others (2024),
"Chinchilla scaling: a replication attempt"."""


def kaplan(size, tokens):
    """Predict a loss by the first of these formulas; here nothing is irreducible.

    L(N, D) = ((N_c / N)^(alpha_N / alpha_D) + D_c / D)^alpha_D, with the constants of the paper's
    table 2. N leaves the embedding out.

    >>> round(float(kaplan(1e9, 1e11)), 2)
    2.33

    Reference: Kaplan and others (2020), "Scaling laws for neural language models", equation 1.5.
    """
    N, D = np.asarray(size, float), np.asarray(tokens, float)
    return ((6.4e13 / N) ** (0.076 / 0.103) + 1.8e13 / D) ** 0.103


def fit_law(
    sizes: Sequence,
    tokens: Sequence,
    losses: Sequence,
    start: Law | None = None,
    delta: float = DELTA,
) -> Law:
    """Find the law that lies closest to the measured losses: N (R,), D (R,), L (R,) -> Law.

    With A = e^a and so on, ln L = logsumexp(ln E, a - alpha ln N, b - beta ln D) is smooth in five
    numbers of any size. The sum of Huber's losses of the errors of ln L is made small: errors below
    0.001 count squared, larger ones by their length, so that no single bad run can bend the law.
    The search begins at many places, and the best end is taken.

    Args:
        sizes, tokens, losses: one number a run, all above 0; at least six runs, of at least three
            sizes and three lengths.
        start: begin the search at this law alone (for the many fits of a bootstrap).
        delta: where squares turn into lengths; `np.inf` for squares alone.

    Raises:
        ValueError: if the runs don't fit these rules.

    Example:
        >>> true = Law(E=1.0, A=10.0, alpha=0.5, B=100.0, beta=0.6)
        >>> N, D = np.meshgrid([100, 1000, 10_000], [1e3, 1e4, 1e5])
        >>> law = fit_law(N.ravel(), D.ravel(), true.loss(N, D).ravel())
        >>> round(law.E, 4), round(law.alpha, 4), round(law.beta, 4)
        (1.0, 0.5, 0.6)

    Reference: Hoffmann and others (2022), section 3.3; Huber (1964), "Robust estimation of a
        location parameter".
    """
    N, D, L = _checked(sizes, tokens, losses)
    x, y, z = np.log(N), np.log(D), np.log(L)
    middle = x.mean(), y.mean()  # from here the slopes don't pull at the heights

    starts = _starts(z) if start is None else [_inside(start, middle)]

    def parts(p):
        flat = np.full_like(z, p[0])
        return np.stack([flat, p[1] - p[2] * (x - middle[0]), p[3] - p[4] * (y - middle[1])])

    def errors(p):
        return logsumexp(parts(p), axis=0) - z

    def slopes(p):
        terms = parts(p)
        share = np.exp(terms - logsumexp(terms, axis=0))  # of E, of the size, of the data
        down_x, down_y = -(x - middle[0]), -(y - middle[1])
        return np.stack([share[0], share[1], share[1] * down_x, share[2], share[2] * down_y], 1)

    loss = dict(loss="linear") if delta == np.inf else dict(loss="huber", f_scale=delta)
    options = loss | dict(x_scale="jac", bounds=BOUNDS)
    ends = [least_squares(errors, p, slopes, **options, max_nfev=50) for p in starts]
    best = min(ends, key=lambda end: end.cost)
    if start is None:  # a fit that stops early is a wrong fit: on to the bottom of a flat valley
        options |= dict(ftol=1e-14, xtol=1e-14, gtol=1e-14)
    p = least_squares(errors, best.x, slopes, **options, max_nfev=2000 if start is None else 150).x
    return Law(
        E=float(np.exp(p[0])),
        A=float(np.exp(p[1] + p[2] * middle[0])),
        alpha=float(p[2]),
        B=float(np.exp(p[3] + p[4] * middle[1])),
        beta=float(p[4]),
    )


def _inside(law, middle):
    """Turn a law into the five numbers of the search."""
    a = np.log(law.A) - law.alpha * middle[0]
    b = np.log(law.B) - law.beta * middle[1]
    return np.clip([np.log(law.E), a, law.alpha, b, law.beta], *BOUNDS)


def _starts(z):
    """Give the places where the search begins."""
    floor = np.exp(z.min())
    lack = np.log(np.exp(z.mean()) - 0.5 * floor)
    return [
        (np.log(share * floor), lack - 1, alpha, lack - 1, beta)
        for share in (0.5, 0.8, 0.98)
        for alpha in (0.2, 0.5, 1.0)
        for beta in (0.2, 0.5, 1.0)
    ]


def bootstrap(
    sizes: Sequence, tokens: Sequence, losses: Sequence, draws: int, rng: np.random.Generator
) -> list[Law]:
    """Fit again and again to runs drawn with replacement: how far might the law lie from the truth?

    Whole runs are drawn (pairs), not errors: small runs scatter more than large ones, so an error
    made here could not have been made there. Source: Efron (1979).

    Args:
        sizes, tokens, losses: as in `fit_law`.
        draws: how many times.
        rng: where chance comes from.

    Example:
        >>> true = Law(E=1.0, A=10.0, alpha=0.5, B=100.0, beta=0.6)
        >>> N, D = (n.ravel() for n in np.meshgrid(np.logspace(2, 5, 6), np.logspace(3, 6, 6)))
        >>> rng = np.random.default_rng(0)
        >>> L = true.loss(N, D) * np.exp(0.005 * rng.normal(size=36))
        >>> low, high = interval([law.E for law in bootstrap(N, D, L, 40, rng)])
        >>> low < 1 < high
        True
    """
    N, D, L = _checked(sizes, tokens, losses)
    whole, laws = fit_law(N, D, L), []
    while len(laws) < draws:
        drawn = rng.integers(len(N), size=len(N))
        if len(set(N[drawn])) > 2 and len(set(D[drawn])) > 2:
            laws.append(fit_law(N[drawn], D[drawn], L[drawn], start=whole))
    return laws


def interval(values: Sequence, share: float = 0.95) -> tuple[float, float]:
    """Cut off the extremes on both sides: the middle `share` of the values.

    >>> interval(range(101), share=0.5)
    (25.0, 75.0)
    """
    if not 0 < share < 1:
        raise ValueError(f"`share` must be above 0 and below 1. Received: share={share}")
    low, high = np.quantile(np.asarray(values, float), [(1 - share) / 2, (1 + share) / 2])
    return float(low), float(high)


def _checked(sizes, tokens, losses):
    N, D, L = (np.asarray(values, float) for values in (sizes, tokens, losses))
    if not N.shape == D.shape == L.shape or N.ndim != 1:
        raise ValueError(
            "`sizes`, `tokens` and `losses` must be lists of the same length. "
            f"Received: shapes {N.shape}, {D.shape} and {L.shape}"
        )
    for name, values in {"sizes": N, "tokens": D, "losses": L}.items():
        bad = values[~((values > 0) & (values < np.inf))]
        if bad.size:
            raise ValueError(f"`{name}` must be above 0. Received: {bad[0]}")
    found = len(N), len(set(N)), len(set(D))
    if found[0] < 6 or min(found[1:]) < 3:
        raise ValueError(
            "A fit of five numbers must have six runs, of three sizes and three lengths. "
            f"Received: {found[0]} runs, {found[1]} sizes, {found[2]} lengths"
        )
    return N, D, L
