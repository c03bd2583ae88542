"""The peer of `bench_gpt.py`: a GPT in plain PyTorch with the well-known recipe, by itself.

TensorFlow and PyTorch can't share a process: each brings its own LLVM. The recipe: LayerNorm,
learned positions, GELU, tied embeddings, AdamW, 100 steps of warm-up to 1e-3, cosine down to 1e-4.

    python -m tests.bench.torch_gpt steps V                a line in: a step is taken, seconds out
    python -m tests.bench.torch_gpt train V TEXT.npz 2000  trains; validation nats and seconds out
"""

import math
import sys
from time import perf_counter

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

L, H, D, T, B = 4, 4, 128, 64, 12


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LayerNorm(D), nn.LayerNorm(D)
        self.qkv, self.out = nn.Linear(D, 3 * D), nn.Linear(D, D)
        self.up, self.down = nn.Linear(D, 4 * D), nn.Linear(4 * D, D)

    def forward(self, x):
        B, T, _ = x.shape
        q, k, v = (
            part.view(B, T, H, D // H).transpose(1, 2)
            for part in self.qkv(self.first(x)).split(D, dim=2)
        )
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(B, T, D))
        return x + self.down(F.gelu(self.up(self.second(x)), approximate="tanh"))


class GPT(nn.Module):
    def __init__(self, V):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(V, D), nn.Embedding(T, D)
        self.blocks = nn.Sequential(*(Block() for _ in range(L)))
        self.norm = nn.LayerNorm(D)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                last = name.endswith(("out.weight", "down.weight"))
                nn.init.normal_(weight, std=0.02 / math.sqrt(2 * L) if last else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(weight)

    def forward(self, ids):
        x = self.tokens(ids) + self.positions.weight[: ids.shape[1]]
        return self.norm(self.blocks(x)) @ self.tokens.weight.T


def stepper(model):
    """Give a function that takes one step on a batch and returns its loss."""
    matrices = [w for w in model.parameters() if w.ndim > 1]
    others = [w for w in model.parameters() if w.ndim == 1]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99))

    def step(x, y, rate):
        for group in optimizer.param_groups:
            group["lr"] = rate
        loss = nll(model, x, y)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item()

    return step


def nll(model, x, y):
    return F.cross_entropy(model(x).flatten(0, 1), y.flatten())


def rate_at(step, steps):
    if step < 100:
        return 1e-3 * (step + 1) / 100
    share = (step - 100) / (steps - 100)
    return 1e-4 + 0.5 * (1 + math.cos(math.pi * share)) * 9e-4


def steps(V: int) -> None:
    """Take a training step for every line on the standard input; print its seconds."""
    take = stepper(GPT(V))
    x, y = torch.randint(0, V, (2, B, T), generator=torch.Generator().manual_seed(0))
    for _ in sys.stdin:
        start = perf_counter()
        take(x, y, 1e-3)
        print(perf_counter() - start, flush=True)


def train(V: int, path: str, count: int) -> None:
    """Train on a text; print the mean nats of its whole validation part, and the seconds."""
    with np.load(path) as file:
        ids, held = (torch.from_numpy(file[name].astype("int64")) for name in ("train", "held"))
    model, dice = GPT(V), np.random.default_rng(0)
    take, places, start = stepper(model), torch.arange(T), perf_counter()
    for step in range(count):
        rows = torch.from_numpy(dice.integers(0, len(ids) - T, B))[:, None] + places
        take(ids[rows], ids[rows + 1], rate_at(step, count))
    seconds = perf_counter() - start
    held = held[: (len(held) - 1) // T * T + 1]
    x, y = held[:-1].view(-1, T), held[1:].view(-1, T)
    with torch.no_grad():
        pairs = zip(x.split(256), y.split(256), strict=True)
        parts = [nll(model, a, b).item() * len(a) for a, b in pairs]
    print(sum(parts) / len(x), seconds, flush=True)


if __name__ == "__main__":
    torch.manual_seed(0)
    if sys.argv[1] == "steps":
        steps(int(sys.argv[2]))
    else:
        train(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
