"""How the learning rate moves during a run. Knows no model and no optimizer.

A schedule is a function of the share of the run that is done, from 0 to 1, and gives a multiple of
the peak rate. So the same schedule serves a run that ends after so many steps and one that ends
after so many seconds.
"""

import math
from collections.abc import Callable

Schedule = Callable[[float], float]  # share done (0..1) -> multiple of the peak rate


def constant(share: float) -> float:
    """Keep the peak rate to the end.

    >>> constant(0.0), constant(0.7)
    (1.0, 1.0)
    """
    _check_share(share)
    return 1.0


def linear(share: float) -> float:
    """Fall from the peak rate to zero along a straight line.

    >>> linear(0.0), linear(0.75), linear(1.0)
    (1.0, 0.25, 0.0)
    """
    _check_share(share)
    return 1.0 - share


def cosine(share: float) -> float:
    """Fall to zero along half a wave of the cosine: gently at first, gently at the end.

    >>> [round(cosine(share), 3) for share in (0, 0.25, 0.5, 0.75, 1)]
    [1.0, 0.854, 0.5, 0.146, 0.0]

    Source: Loshchilov & Hutter (2017), "SGDR: stochastic gradient descent with warm restarts".
    """
    _check_share(share)
    return (1.0 + math.cos(math.pi * share)) / 2


def step(share: float, drops: tuple[float, ...] = (0.5, 0.75), factor: float = 0.1) -> float:
    """Keep the rate, and multiply it by `factor` at each share named in `drops`.

    >>> [round(step(share), 3) for share in (0.49, 0.5, 0.8)]
    [1.0, 0.1, 0.01]
    """
    _check_share(share)
    if not 0 < factor < 1:
        raise ValueError(f"`factor` must be above 0 and below 1. Received: factor={factor}")
    return factor ** sum(share >= drop for drop in drops)


def warmup(share: float, schedule: Schedule = cosine, length: float = 0.05) -> float:
    """Rise from zero to the peak during the first `length` of the run, then follow a schedule.

    The schedule gets the share of what is left after the rise. On its own this is the recipe that
    most language models are trained with, warm-up and cosine. The rate of the very first step is 0.

    >>> [round(warmup(share, length=0.1), 2) for share in (0, 0.05, 0.1, 0.55, 1)]
    [0.0, 0.5, 1.0, 0.5, 0.0]

    Source: Goyal et al. (2017), "Accurate, large minibatch SGD: training ImageNet in 1 hour".
    """
    _check_share(share)
    if not 0 < length < 1:
        raise ValueError(f"`length` must be above 0 and below 1. Received: length={length}")
    return share / length if share < length else schedule((share - length) / (1 - length))


def _check_share(share):
    if not 0 <= share <= 1:
        raise ValueError(f"`share` must be from 0 to 1. Received: share={share}")
