"""The OpenAI chat protocol: what a client may ask, and answers and errors in its shape.

Knows jobs and pieces, but no connection: `generation.server` carries what is made here.
Source: the published API reference of OpenAI, chat completions.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lmcourse.generation.chat import Piece
from lmcourse.generation.worker import Job, Refused, Worker

STATUS = {"queue_full": 429, "shutting_down": 503, "timeout": 503, "server_error": 500}


@dataclass(frozen=True)
class Limits:
    """How much one request may ask for, and all of them together.

    Args:
        body: bytes of a request.
        max_tokens: of an answer; who asks for more gets this many.
        slots: answers in work at a time.
        waiting: answers in line behind them; the next one is refused with 429.
        seconds: from the request to the end of its answer.
        patience: seconds for a client to send its request, or to read on.
    """

    body: int = 200_000
    max_tokens: int = 512
    slots: int = 2
    waiting: int = 32
    seconds: float = 120
    patience: float = 10


class Problem(Exception):
    """A request that is answered with an error: its HTTP status and what the client reads."""

    def __init__(self, status: int, message: str, code: str, param: str | None = None):
        super().__init__(message)
        self.status, self.code, self.param = status, code, param

    def response(self) -> JSONResponse:
        """The answer over HTTP."""
        headers = {"retry-after": "1"} if self.status in (429, 503) else {}
        headers |= {"connection": "close"} if self.status == 408 else {}
        headers |= {"www-authenticate": "Bearer"} if self.status == 401 else {}
        return JSONResponse(
            error(str(self), self.code, self.status, self.param), self.status, headers
        )


def error(message: str, code: str, status: int, param: str | None = None) -> dict:
    """An error in the shape that clients of the protocol expect."""
    kind = {401: "authentication_error", 429: "rate_limit_error"}.get(status)
    kind = kind or ("server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": param, "code": code}}


# --- what a client may ask ------------------------------------------------------------------


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class TextPart(_Strict):
    """Text as one of several parts of a message."""

    type: Literal["text"]
    text: str


class ChatMessage(_Strict):
    """One turn."""

    role: Literal["system", "developer", "user", "assistant"]
    content: str | list[TextPart]

    def plain(self) -> dict:
        """The turn as `chat.Message`."""
        parts = self.content
        text = parts if isinstance(parts, str) else "".join(part.text for part in parts)
        return {"role": "system" if self.role == "developer" else self.role, "content": text}


class StreamOptions(_Strict):
    """Whether the last event of a stream counts the tokens."""

    include_usage: bool = False


StopString = Annotated[str, Field(min_length=1, max_length=100)]


class ChatRequest(_Strict):
    """A request to continue a conversation; what is not understood is refused, not ignored."""

    model: str
    messages: Annotated[list[ChatMessage], Field(min_length=1)]
    stream: bool = False
    stream_options: StreamOptions | None = None
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    max_tokens: Annotated[int, Field(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1)] | None = None
    stop: StopString | Annotated[list[StopString], Field(max_length=4)] | None = None
    n: Annotated[int, Field(ge=1, le=4)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] | None = None
    user: str | None = None

    def options(self, limits: Limits) -> list[dict]:
        """The options of `chat.answer`, one for each of the `n` answers."""
        wanted = self.max_completion_tokens or self.max_tokens or limits.max_tokens
        stop = [self.stop] if isinstance(self.stop, str) else self.stop or []
        seed = secrets.randbits(32) if self.seed is None else self.seed
        common = {
            "max_tokens": min(wanted, limits.max_tokens),
            "stop": stop,
            "temperature": 1.0 if self.temperature is None else self.temperature,
            "top_p": 1.0 if self.top_p is None else self.top_p,
        }
        return [common | {"seed": seed + index} for index in range(self.n or 1)]


def parse(body: bytes) -> ChatRequest:
    """Read a request; `Problem` 400 says which field is wrong and why."""
    try:
        return ChatRequest.model_validate_json(body)
    except ValidationError as invalid:
        first = invalid.errors(include_url=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or None
        code = "invalid_json" if first["type"] == "json_invalid" else "invalid_value"
        message = f"{where}: {first['msg']}" if where else first["msg"]
        raise Problem(400, message, code, where) from None


# --- one request ----------------------------------------------------------------------------


class Answers:
    """The answers to one request while they come out of the worker, in the order of the tokens."""

    def __init__(self, worker: Worker, ids, options: list[dict], deadline: float):
        self.worker, self.prompt_tokens = worker, len(ids)
        self.tokens = [0] * len(options)
        self.arrived: asyncio.Queue = asyncio.Queue()
        loop = asyncio.get_running_loop()
        self.jobs = [
            Job(ids, choice, self._emitter(loop, index), deadline)
            for index, choice in enumerate(options)
        ]
        worker.submit(self.jobs)

    def _emitter(self, loop, index: int):
        def emit(event: Piece | Refused) -> None:
            with suppress(RuntimeError):  # the loop is closed: nobody reads any more
                loop.call_soon_threadsafe(self.arrived.put_nowait, (index, event))

        return emit

    async def pieces(self) -> AsyncIterator[tuple[int, Piece]]:
        """Each piece with the number of its answer; raises `Refused`."""
        left = len(self.jobs)
        while left:
            index, event = await self.arrived.get()
            if isinstance(event, Refused):
                raise event
            self.tokens[index] = event.tokens
            left -= event.finish is not None
            yield index, event

    def close(self) -> None:
        """Free the slots: nobody waits for what has not come yet."""
        self.worker.cancel(self.jobs)

    def usage(self) -> dict:
        """Tokens read and written."""
        read, written = self.prompt_tokens, sum(self.tokens)
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
        }


async def as_events(answers: Answers, head: dict, include_usage: bool) -> AsyncIterator[str]:
    """A stream of server-sent events: who speaks, the pieces, the reasons, `[DONE]`.

    If the worker gives up, the last event is an error and `[DONE]` does not come.
    """

    def event(**content) -> str:
        usage = {"usage": None} if include_usage else {}
        return f"data: {json.dumps(head | usage | content)}\n\n"  # all in ASCII: one line

    def choice(index: int, delta: dict, finish: str | None = None) -> str:
        only = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return event(choices=[only])

    for index in range(len(answers.jobs)):
        yield choice(index, {"role": "assistant", "content": ""})
    try:
        async for index, piece in answers.pieces():
            if piece.text:
                yield choice(index, {"content": piece.text})
            if piece.finish:
                yield choice(index, {}, piece.finish)
    except Refused as refused:
        status = STATUS[refused.code]
        yield f"data: {json.dumps(error(str(refused), refused.code, status))}\n\n"
        return
    if include_usage:
        yield event(choices=[], usage=answers.usage())
    yield "data: [DONE]\n\n"


async def as_one(answers: Answers, head: dict) -> dict:
    """All answers at once, when they are ready."""
    texts: list[list[str]] = [[] for _ in answers.jobs]
    reasons = ["stop"] * len(texts)
    async for index, piece in answers.pieces():
        texts[index].append(piece.text)
        reasons[index] = piece.finish or reasons[index]
    choices = [
        {
            "index": index,
            "message": {"role": "assistant", "content": "".join(said), "refusal": None},
            "logprobs": None,
            "finish_reason": reasons[index],
        }
        for index, said in enumerate(texts)
    ]
    return head | {"choices": choices, "usage": answers.usage()}
