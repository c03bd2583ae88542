"""How weights follow a gradient downhill, in plain NumPy: one small class per rule.

An optimizer knows one array of weights and its gradients. It does not know the loss, the model or
the data. Every step equals the same step of `keras.optimizers`.
"""

import numpy as np


class SGD:
    """Walk against the gradient, and with `momentum` keep some of the last step's speed.

    With gradient `g`:

        velocity <- momentum * velocity - learning_rate * g
        weights  <- weights + velocity

    With `momentum=0` this is plain gradient descent. With 0.9, steps that agree add up to ten
    times the stride, and steps that contradict each other cancel.

    Args:
        learning_rate: the stride, a positive number; may be changed between steps (a schedule).
        momentum: the share of the last velocity that is kept, `0 <= momentum < 1`.

    Raises:
        ValueError: if `learning_rate` or `momentum` is out of range, or the shapes differ.

    Example:
        >>> optimizer = SGD(learning_rate=0.1, momentum=0.5)
        >>> first = optimizer.step(np.array([1.0]), np.array([2.0]))     # 1 - 0.1 * 2
        >>> second = optimizer.step(first, np.array([2.0]))              # 0.8 + 0.5 * -0.2 - 0.2
        >>> first, second
        (array([0.8]), array([0.5]))

    Reference: Robbins & Monro (1951); Polyak (1964), "Some methods of speeding up the convergence
        of iteration methods".
    """

    def __init__(self, learning_rate: float = 0.01, momentum: float = 0.0):
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.momentum = _share("momentum", momentum)
        self.velocity = None

    def step(self, weights: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Give the weights after one step: `(...), (...) -> (...)`."""
        weights, gradient = _pair(weights, gradient, self.velocity)
        if self.velocity is None:
            self.velocity = np.zeros_like(weights)
        self.velocity = self.momentum * self.velocity - self.learning_rate * gradient
        return weights + self.velocity


class Adam:
    """Give every weight its own stride: long where gradients are small, short where they are large.

    With gradient `g`, at step `t = 1, 2, ...`, elementwise:

        mean   <- beta_1 * mean   + (1 - beta_1) * g         (where to)
        square <- beta_2 * square + (1 - beta_2) * g ** 2    (how large, usually)
        stride  = learning_rate * sqrt(1 - beta_2 ** t) / (1 - beta_1 ** t)
        weights <- weights - stride * mean / (sqrt(square) + epsilon)

    Both averages start at zero and are too small at first; the two powers in `stride` make up for
    that. `epsilon` is added to the root of `square` *before* that correction (the paper's "epsilon
    hat", as in Keras), not after it as in the paper's Algorithm 1.

    Raises:
        ValueError: if an argument is out of range, or the shapes differ.

    Example:
        >>> optimizer = Adam(learning_rate=0.5)
        >>> optimizer.step(np.zeros(2), np.array([100.0, -0.01])).round(3)   # only the sign counts
        array([-0.5,  0.5])

    Reference: Kingma & Ba (2015), "Adam: a method for stochastic optimization".
    """

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7):
        self.learning_rate = _positive("learning_rate", learning_rate)
        self.beta_1 = _share("beta_1", beta_1)
        self.beta_2 = _share("beta_2", beta_2)
        self.epsilon = _positive("epsilon", epsilon)
        self.mean = self.square = None
        self.steps = 0

    def step(self, weights: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Give the weights after one step: `(...), (...) -> (...)`."""
        weights, gradient = _pair(weights, gradient, self.mean)
        if self.mean is None:
            self.mean, self.square = np.zeros_like(weights), np.zeros_like(weights)
        self.steps += 1
        self.mean = self.beta_1 * self.mean + (1 - self.beta_1) * gradient
        self.square = self.beta_2 * self.square + (1 - self.beta_2) * gradient**2
        correction = np.sqrt(1 - self.beta_2**self.steps) / (1 - self.beta_1**self.steps)
        stride = self.learning_rate * float(correction)
        return weights - stride * self.mean / (np.sqrt(self.square) + self.epsilon)


def _positive(name, value):
    if not value > 0:
        raise ValueError(f"`{name}` must be above 0. Received: {name}={value}")
    return value


def _share(name, value):
    if not 0 <= value < 1:
        raise ValueError(f"`{name}` must be at least 0 and below 1. Received: {name}={value}")
    return value


def _pair(weights, gradient, memory):
    weights, gradient = np.asarray(weights), np.asarray(gradient)
    if not np.issubdtype(weights.dtype, np.floating):
        weights = weights.astype(np.float64)
    if weights.shape != gradient.shape:
        raise ValueError(
            "`gradient` must have the shape of `weights`. "
            f"Received: {weights.shape=}, {gradient.shape=}"
        )
    if memory is not None and memory.shape != weights.shape:
        raise ValueError(
            "An optimizer serves one array: make a new one for another. "
            f"Received: {weights.shape=} after {memory.shape}"
        )
    return weights, gradient
