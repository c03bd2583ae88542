"""The peer of `bench_lstm.py`: the same model in plain PyTorch, in a process of its own.

TensorFlow and PyTorch can't share a process: each brings its own LLVM. For every line that comes
in, one step is taken and its seconds go out.
"""

import sys
from time import perf_counter


def main(B: int, T: int, V: int, U: int) -> None:
    """Take a training step for every line on the standard input; print its seconds."""
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(V, U)
            self.lstm = torch.nn.LSTM(U, U, batch_first=True)
            self.head = torch.nn.Linear(U, V)

        def forward(self, ids):
            return self.head(self.lstm(self.embedding(ids))[0])

    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    x, y = torch.randint(0, V, (2, B, T), generator=torch.Generator().manual_seed(0))
    for _ in sys.stdin:
        start = perf_counter()
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x).view(-1, V), y.view(-1))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        loss.item()
        print(perf_counter() - start, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
