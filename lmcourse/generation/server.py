"""A chat server for one machine: the OpenAI chat protocol, a page, health, metrics.

It listens on loopback alone and asks for a token. It knows a `Speaker` and nothing of what is
inside; one thread generates (`generation.worker`), the others carry text. What goes wrong has one
answer each, in the protocol's own shape: `{"error": {"message", "type", "param", "code"}}`.
"""

from __future__ import annotations

import asyncio
import math
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from uvicorn.protocols.http.h11_impl import H11Protocol

from lmcourse.generation.chat import Speaker
from lmcourse.generation.protocol import (
    STATUS,
    Answers,
    Limits,
    Problem,
    as_events,
    as_one,
    parse,
)
from lmcourse.generation.worker import Refused, Worker

LOOPBACK = "127.0.0.1"
PAGE = Path(__file__).parent / "page"
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
}


async def read_body(request: Request, limits: Limits) -> bytes:
    """The body, if it is small enough and comes in time; the rest of a large one is thrown away."""
    body, size = b"", 0
    try:
        async with asyncio.timeout(limits.patience):
            async for chunk in request.stream():
                size += len(chunk)
                body = body + chunk if size <= limits.body else b""
    except TimeoutError:
        raise Problem(408, f"A request must come within {limits.patience} s.", "timeout") from None
    if size > limits.body:
        rule = f"A request must have at most {limits.body} bytes. Received: {size}"
        raise Problem(413, rule, "request_too_large")
    return body


class EventStream(StreamingResponse):
    """A stream of events that frees its slots however it ends: read, hung up on, cancelled."""

    def __init__(self, answers: Answers, events: AsyncIterator[str]):
        super().__init__(events, media_type="text/event-stream")
        self.answers = answers

    async def __call__(self, scope, receive, send):
        """Send the events; Starlette listens meanwhile for the client to hang up."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self.answers.close()


async def unless_gone(request: Request, answers: Answers, work) -> dict:
    """What `work` gives, unless the client hangs up first: then the slots are freed."""

    async def hung_up() -> dict:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        return {}

    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(hung_up())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        return next(task for task in tasks if task.done()).result()
    finally:
        answers.close()
        for task in tasks:
            task.cancel()


# --- the application ------------------------------------------------------------------------


class Wrapped:
    """Puts the safety headers on every response and counts the responses by status."""

    def __init__(self, app, statuses: Counter):
        self.app, self.statuses = app, statuses

    async def __call__(self, scope, receive, send):
        """Answer a request."""

        async def counted(message):
            if message["type"] == "http.response.start":
                self.statuses[message["status"]] += 1
                extra = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] = [*message["headers"], *extra]
            await send(message)

        await self.app(scope, receive, counted if scope["type"] == "http" else send)


def metrics(worker: Worker, statuses: Counter) -> str:
    """The counters in Prometheus' text format."""
    ends = ("stop", "length", "cancelled", "refused", "timeout", "server_error")
    counts = worker.counts
    families = {
        "active gauge": {"": len(worker.active)},
        "waiting gauge": {"": len(worker.waiting)},
        "tokens_total counter": {"": counts["tokens"]},
        "answers_total counter": {f'{{end="{end}"}}': counts[end] for end in ends},
        "responses_total counter": {
            f'{{status="{status}"}}': number for status, number in sorted(statuses.items())
        },
        "first_token_seconds summary": {
            "_sum": round(worker.first_token_seconds, 6),
            "_count": counts["first_token"],
        },
    }
    lines = []
    for family, samples in families.items():
        lines.append(f"# TYPE lmcourse_{family}")
        name = family.split()[0]
        lines += [f"lmcourse_{name}{label} {value}" for label, value in samples.items()]
    return "\n".join(lines) + "\n"


def application(worker: Worker, token: str, limits: Limits) -> FastAPI:
    """The web application around a worker: the routes and who may use them."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    statuses: Counter = Counter()
    speaker, born = worker.speaker, int(time.time())
    model = {"id": speaker.name, "object": "model", "created": born, "owned_by": "lmcourse"}

    def check_token(request: Request) -> None:
        given = request.headers.get("authorization", "")
        if not secrets.compare_digest(given.encode(), f"Bearer {token}".encode()):
            rule = "A request must carry the server's token: `Authorization: Bearer ...`."
            raise Problem(401, rule, "invalid_api_key")

    def check_model(name: str) -> None:
        if name != speaker.name:
            rule = f"`model` must be {speaker.name!r}. Received: {name[:100]!r}"
            raise Problem(404, rule, "model_not_found", "model")

    @app.exception_handler(Problem)
    async def _(request: Request, problem: Problem) -> Response:
        return problem.response()

    @app.exception_handler(HTTPException)
    async def _(request: Request, wrong: HTTPException) -> Response:
        code = HTTPStatus(wrong.status_code).name.lower()
        return Problem(wrong.status_code, str(wrong.detail), code).response()

    @app.get("/health")
    async def health() -> dict:
        return {"status": "ok", "model": speaker.name}

    @app.get("/metrics")
    async def numbers() -> Response:
        return PlainTextResponse(metrics(worker, statuses), media_type="text/plain; version=0.0.4")

    @app.get("/v1/models")
    async def models(request: Request) -> dict:
        check_token(request)
        return {"object": "list", "data": [model]}

    @app.get("/v1/models/{name}")
    async def one_model(request: Request, name: str) -> dict:
        check_token(request)
        check_model(name)
        return model

    @app.post("/v1/chat/completions")
    async def chat(request: Request) -> Response:
        deadline = time.monotonic() + limits.seconds
        check_token(request)
        wanted = parse(await read_body(request, limits))
        check_model(wanted.model)
        messages = [message.plain() for message in wanted.messages]
        try:
            ids = await asyncio.to_thread(speaker.template, messages)
        except ValueError as wrong:
            raise Problem(400, str(wrong), "invalid_value", "messages") from None
        if len(ids) >= speaker.context_length:
            rule = f"A prompt must have fewer than {speaker.context_length} tokens."
            code = "context_length_exceeded"
            raise Problem(400, f"{rule} Received: {len(ids)} tokens", code, "messages")
        head = {
            "id": f"chatcmpl-{secrets.token_hex(12)}",
            "object": "chat.completion.chunk" if wanted.stream else "chat.completion",
            "created": int(time.time()),
            "model": speaker.name,
        }
        try:
            answers = Answers(worker, ids, wanted.options(limits), deadline)
            if wanted.stream:
                usage = wanted.stream_options is not None and wanted.stream_options.include_usage
                return EventStream(answers, as_events(answers, head, usage))
            return JSONResponse(await unless_gone(request, answers, as_one(answers, head)))
        except Refused as refused:
            raise Problem(STATUS[refused.code], str(refused), refused.code) from None

    app.mount("/", StaticFiles(directory=PAGE, html=True))
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=[LOOPBACK, "localhost"])
    app.add_middleware(Wrapped, statuses=statuses)  # outermost
    return app


# --- the server -----------------------------------------------------------------------------


class PatientProtocol(H11Protocol):
    """HTTP with an end to patience: who sends no request or reads no answer is hung up on."""

    patience = 10.0

    def connection_made(self, transport):
        """Give a new connection a small buffer and some time for its first request."""
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=2**15)
        self.stalled = self.loop.call_later(self.patience, self.give_up)

    def give_up(self):
        """Hang up without waiting for what is still to be written."""
        self.transport.abort()

    def handle_events(self):
        """Whoever has sent a request is given as long as the server itself takes."""
        super().handle_events()
        if self.cycle is not None:
            self.stalled.cancel()

    def pause_writing(self):
        """The client does not keep up: from now on its time is running."""
        super().pause_writing()
        self.stalled.cancel()
        self.stalled = self.loop.call_later(self.patience, self.give_up)

    def resume_writing(self):
        """The client has read on."""
        super().resume_writing()
        self.stalled.cancel()

    def connection_lost(self, exc):
        """Nothing is left to wait for."""
        self.stalled.cancel()
        super().connection_lost(exc)


class ChatServer(uvicorn.Server):
    """The server, its port and its token.

    The port is taken when the server is made, so that its `address` is known before it runs. A
    signal (Ctrl-C, SIGTERM) ends running streams with an error event, then the server.

    Args:
        speaker: who answers.
        port: 0 takes any free one.
        token: what clients must show; a fresh one by default.
        limits: see `Limits`.

    Raises:
        ValueError: the port is taken or not allowed.
    """

    def __init__(
        self,
        speaker: Speaker,
        port: int = 0,
        token: str | None = None,
        limits: Limits | None = None,
    ):
        self.limits = limits or Limits()
        self.token = secrets.token_urlsafe(24) if token is None else token
        self.worker = Worker(speaker, self.limits.slots, self.limits.waiting)
        self.socket = _listen(port)
        self.port = self.socket.getsockname()[1]
        self.address = f"http://{LOOPBACK}:{self.port}"
        protocol = type("Protocol", (PatientProtocol,), {"patience": self.limits.patience})
        config = uvicorn.Config(
            application(self.worker, self.token, self.limits),
            http=protocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=math.ceil(self.limits.patience),
        )
        super().__init__(config)

    async def startup(self, sockets=None) -> None:
        """Start the worker, then listen."""
        self.worker.start()
        await super().startup(sockets=[self.socket])

    async def shutdown(self, sockets=None) -> None:
        """End the running answers first, so that their clients learn of it, then the rest."""
        self.worker.stop()
        await super().shutdown(sockets=[self.socket])
        await asyncio.to_thread(self.worker.join, self.limits.patience)


def _listen(port: int) -> socket.socket:
    """A listening socket on loopback; what it accepts has small buffers in the kernel, too."""
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**16)
        listener.bind((LOOPBACK, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise ValueError(f"`port` must be free. Received: port={port} ({error})") from None
    return listener


@contextmanager
def running(server: ChatServer) -> Iterator[ChatServer]:
    """Run a server in a thread for as long as the `with` block lasts: for lessons and tests.

    >>> from urllib.request import urlopen
    >>> import numpy as np
    >>> spell = lambda ids, temperature, top_p, rng: iter(b"Yes.")
    >>> byte = [bytes([value]) for value in range(256)]
    >>> speaker = Speaker("spell", lambda turns: np.zeros(1, int), spell, byte, frozenset(), 99)
    >>> with running(ChatServer(speaker)) as server:
    ...     urlopen(f"{server.address}/health").read()
    b'{"status":"ok","model":"spell"}'
    """
    thread = threading.Thread(target=server.run, name="server", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the server ended before it had started")
            time.sleep(0.01)
        yield server
    finally:
        server.should_exit = True
        thread.join(2 * server.limits.patience + 5)
