"""One thread that generates for everybody: a few answers in turn, the others in a line.

Knows speakers and answers, and nothing of HTTP. Each answer in work gets one token at a time, so a
long answer does not make a short one wait for its end. The line has an end: beyond it, a request
is refused at once instead of being forgotten later.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from lmcourse.generation.chat import Piece, Speaker, answer


class Refused(Exception):
    """Why an answer does not come or does not go on: a code, and a sentence for people."""

    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass(eq=False)
class Job:
    """One answer to make: its prompt, the options of `answer`, and where the pieces go.

    `emit` gets each `Piece`, and once a `Refused` where there is no more to come. It is called in
    the worker's thread and must not wait: as an answer has at most `max_tokens` pieces, whoever
    receives them needs no more room than that.
    """

    ids: np.ndarray
    options: dict
    emit: Callable[[Piece | Refused], None]
    deadline: float = math.inf
    cancelled: bool = False
    asked: float = field(default_factory=time.monotonic)
    pieces: Iterator[Piece] | None = None


class Worker(threading.Thread):
    """Answers jobs, `slots` at a time and token by token in turn; `waiting` more stand in line.

    >>> from queue import Queue
    >>> spell = lambda ids, temperature, top_p, rng: iter(b"Yes.")
    >>> byte = [bytes([value]) for value in range(256)]
    >>> worker = Worker(Speaker("spell", None, spell, byte, frozenset(), 99))
    >>> worker.start()
    >>> pieces = Queue()
    >>> worker.submit([Job(np.zeros(1, int), {"max_tokens": 3}, pieces.put)])
    >>> [pieces.get().text for _ in range(3)]
    ['Y', 'e', 's']
    >>> worker.stop()
    """

    def __init__(self, speaker: Speaker, slots: int = 2, waiting: int = 32):
        super().__init__(name="worker", daemon=True)
        self.speaker, self.slots, self.places = speaker, slots, slots + waiting
        self.active: deque[Job] = deque()
        self.waiting: deque[Job] = deque()
        self.counts: Counter[str] = Counter()  # answers by their end; tokens
        self.first_token_seconds = 0.0
        self._changed = threading.Condition()
        self._stopping = False

    def submit(self, jobs: list[Job]) -> None:
        """Take all the jobs or, with `Refused`, none: the line is full, or the end has come."""
        with self._changed:
            if self._stopping:
                raise Refused("shutting_down", "The server is shutting down.")
            if len(self.active) + len(self.waiting) + len(jobs) > self.places:
                self.counts["refused"] += len(jobs)
                raise Refused("queue_full", "Too many requests are waiting. Try again soon.")
            self.waiting.extend(jobs)
            self._changed.notify()

    def cancel(self, jobs: list[Job]) -> None:
        """Forget jobs that nobody waits for any more; those that are done stay done."""
        with self._changed:
            for job in jobs:
                job.cancelled = True
                if job in self.waiting:
                    self.waiting.remove(job)
                    self.counts["cancelled"] += 1

    def stop(self) -> None:
        """End every answer with `Refused` and let the thread run out."""
        with self._changed:
            if self._stopping:
                return
            self._stopping = True
            for job in (*self.active, *self.waiting):
                job.emit(Refused("shutting_down", "The server is shutting down."))
                job.cancelled = True
            self.waiting.clear()
            self._changed.notify()

    def run(self) -> None:
        """One token for each job in work, then the next; asleep while there is nothing to do."""
        while True:
            with self._changed:
                while not (self.active or self.waiting or self._stopping):
                    self._changed.wait()
                while self.waiting and len(self.active) < self.slots:
                    self.active.append(self.waiting.popleft())
                if not self.active:
                    return  # stopping, and nothing is open
                job = self.active[0]
            outcome = "cancelled" if job.cancelled else self._step(job)
            with self._changed:
                self.active.popleft()
                if outcome is None:
                    self.active.append(job)
                else:
                    self.counts[outcome] += 1
            if outcome is not None and job.pieces is not None:
                job.pieces.close()  # its cache goes now

    def _step(self, job: Job) -> str | None:
        """Make one token; return how the answer has ended, None while it has not."""
        try:
            if job.pieces is None:
                if time.monotonic() >= job.deadline:
                    raise Refused("timeout", "The answer was not begun in time.")
                job.pieces = answer(self.speaker, job.ids, deadline=job.deadline, **job.options)
                piece = next(job.pieces)
                self.first_token_seconds += time.monotonic() - job.asked
                self.counts["first_token"] += 1
            else:
                piece = next(job.pieces)
        except Refused as refused:
            job.emit(refused)
            return refused.code
        except Exception:
            logging.getLogger(__name__).exception("an answer failed")
            job.emit(Refused("server_error", "The model failed. The server's log says more."))
            return "server_error"
        self.counts["tokens"] += 1
        job.emit(piece)
        return piece.finish
