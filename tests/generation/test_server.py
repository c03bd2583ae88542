"""The server under good clients, bad clients and a signal; the model is a parrot."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from openai import (
    APIError,
    AuthenticationError,
    BadRequestError,
    NotFoundError,
    OpenAI,
    RateLimitError,
)

from lmcourse.generation.server import PAGE, ChatServer, Limits, running
from tests.generation.parrot import parrot

ROOT = PAGE.parents[2]
HELLO = [{"role": "user", "content": "Hello, 世界 🌍!"}]


def client_of(server, **options):
    return OpenAI(
        base_url=f"{server.address}/v1",
        **{"api_key": server.token, "max_retries": 0, "timeout": 30} | options,
    )


def raw(server, body, path="/v1/chat/completions", **headers):
    """Status, headers and content of a request made by hand."""
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }
    request = Request(f"{server.address}{path}", data=body, headers=headers)
    try:
        with urlopen(request, timeout=30) as response:
            return response.status, dict(response.headers), response.read()
    except HTTPError as error:
        with error:
            return error.code, dict(error.headers), error.read()


def wait_until(ready, seconds=20):
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def is_idle(server):
    return not server.worker.active and not server.worker.waiting


@pytest.fixture(scope="module")
def server():
    with running(ChatServer(parrot())) as server:
        yield server


@pytest.fixture(scope="module")
def slow():
    """A server that answers one at a time, two in line, 50 tokens a second."""
    limits = Limits(slots=1, waiting=2, seconds=20, patience=1, max_tokens=2000)
    with running(ChatServer(parrot(pause=0.02), limits=limits)) as server:
        yield server


# --- the protocol, with the official client -------------------------------------------------


def test_the_official_client_gets_an_answer(server):
    answer = client_of(server).chat.completions.create(model="parrot", messages=HELLO)
    (choice,) = answer.choices
    assert choice.message.content == HELLO[0]["content"]
    assert (choice.finish_reason, choice.message.role) == ("stop", "assistant")
    size = len(HELLO[0]["content"].encode())
    assert answer.usage.completion_tokens == size and answer.usage.prompt_tokens == size + 2
    assert answer.usage.total_tokens == 2 * size + 2


def test_the_official_client_reads_a_stream_without_half_characters(server):
    stream = client_of(server).chat.completions.create(
        model="parrot", messages=HELLO, stream=True, stream_options={"include_usage": True}
    )
    *events, last = list(stream)
    pieces = [event.choices[0].delta.content or "" for event in events]
    assert "".join(pieces) == HELLO[0]["content"] and "\ufffd" not in "".join(pieces)
    assert len([piece for piece in pieces if piece]) == len(HELLO[0]["content"])
    assert events[0].choices[0].delta.role == "assistant"
    assert [e.choices[0].finish_reason for e in events if e.choices[0].finish_reason] == ["stop"]
    assert last.choices == [] and last.usage.completion_tokens == 19


def test_a_stream_ends_with_done(server):
    body = json.dumps({"model": "parrot", "messages": HELLO, "stream": True}).encode()
    status, headers, content = raw(server, body)
    assert status == 200 and headers["content-type"].startswith("text/event-stream")
    assert content.endswith(b"\n\ndata: [DONE]\n\n")


def test_n_answers_come_together_and_in_a_stream(server):
    ask = client_of(server).chat.completions.create
    answer = ask(model="parrot", messages=HELLO, n=3)
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    assert {choice.message.content for choice in answer.choices} == {HELLO[0]["content"]}
    texts = ["", "", ""]
    for event in ask(model="parrot", messages=HELLO, n=3, stream=True):
        for choice in event.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == 3 * [HELLO[0]["content"]]


@pytest.mark.parametrize("stop", ["世", ["🌍", " 世"], "o, 世界"])
def test_a_stop_string_ends_the_answer_and_is_not_shown(server, stop):
    ask = client_of(server).chat.completions.create
    answer = ask(model="parrot", messages=HELLO, stop=stop)
    first = min(HELLO[0]["content"].index(s) for s in ([stop] if isinstance(stop, str) else stop))
    assert answer.choices[0].message.content == HELLO[0]["content"][:first]
    assert answer.choices[0].finish_reason == "stop"


def test_max_tokens_ends_an_answer_with_length(server):
    ask = client_of(server).chat.completions.create
    for limit in ({"max_tokens": 4}, {"max_completion_tokens": 4}):
        answer = ask(model="parrot", messages=HELLO, **limit)
        assert answer.choices[0].message.content == "Hell"
        assert answer.choices[0].finish_reason == "length"


def test_the_models_are_listed(server):
    models = client_of(server).models
    assert [model.id for model in models.list()] == ["parrot"]
    assert models.retrieve("parrot").owned_by == "lmcourse"
    with pytest.raises(NotFoundError):
        models.retrieve("other")


def test_a_message_may_come_in_parts_and_from_a_developer(server):
    parts = [{"type": "text", "text": "in "}, {"type": "text", "text": "parts"}]
    messages = [{"role": "developer", "content": "Be kind."}, {"role": "user", "content": parts}]
    answer = client_of(server).chat.completions.create(model="parrot", messages=messages)
    assert answer.choices[0].message.content == "in parts"


# --- 64 at once -----------------------------------------------------------------------------


def test_of_64_clients_at_once_each_gets_its_own_answer(server):
    limits = Limits(slots=4, waiting=64)
    with running(ChatServer(parrot(), limits=limits)) as server:
        clients = [client_of(server) for _ in range(64)]

        def ask(number):
            wrong = 0
            for turn in range(4):
                text = f"client {number}, turn {turn}: " + "早" * (number % 7)
                messages = [{"role": "user", "content": text}]
                answer = clients[number].chat.completions.create(
                    model="parrot", messages=messages, stream=bool(turn % 2)
                )
                if turn % 2:
                    got = "".join(event.choices[0].delta.content or "" for event in answer)
                else:
                    got = answer.choices[0].message.content
                wrong += got != text
            return wrong

        with ThreadPoolExecutor(64) as pool:
            assert sum(pool.map(ask, range(64))) == 0
        assert is_idle(server) and server.worker.counts["stop"] == 64 * 4
        for client in clients:
            client.close()


# --- what is refused ------------------------------------------------------------------------


def problem(server, body, **headers):
    status, headers, content = raw(server, body, **headers)
    error = json.loads(content)["error"]
    assert set(error) == {"message", "type", "param", "code"}
    return status, error["code"], error["message"]


@pytest.mark.parametrize(
    "body", [b"{", b"", b"\xff\xfe", b"[" * 100_000, b'{"model": "\\ud800"}', b"null"]
)
def test_malformed_json_is_answered_with_400(server, body):
    status, code, message = problem(server, body)
    assert status == 400 and code in ("invalid_json", "invalid_value") and message


@pytest.mark.parametrize(
    "wrong, param",
    [
        ({"messages": []}, "messages"),
        ({"temperature": 3}, "temperature"),
        ({"temperature": "NaN"}, "temperature"),
        ({"n": 99}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": [""]}, "stop"),
        ({"tools": []}, "tools"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages"),
    ],
)
def test_a_value_out_of_range_is_named(server, wrong, param):
    body = {"model": "parrot", "messages": HELLO} | wrong
    status, code, message = problem(server, json.dumps(body).encode())
    assert (status, code) == (400, "invalid_value") and message.startswith(param)


@pytest.mark.parametrize("given", ["Bearer wrong", "", "Bearer", "Basic cGFycm90", "Bearer é"])
def test_a_wrong_token_is_answered_with_401(server, given):
    for path in ("/v1/chat/completions", "/v1/models", "/v1/models/parrot"):
        body = b"{}" if "chat" in path else None
        status, headers, content = raw(server, body, path, Authorization=given.encode("latin-1"))
        assert status == 401 and json.loads(content)["error"]["code"] == "invalid_api_key"
        assert headers["www-authenticate"] == "Bearer"
    with pytest.raises(AuthenticationError):
        client_of(server, api_key="wrong").models.list()


def test_a_prompt_of_10_mb_is_answered_with_413(server):
    body = json.dumps({"model": "parrot", "messages": [{"role": "user", "content": "x" * 10**7}]})
    assert problem(server, body.encode())[:2] == (413, "request_too_large")


def test_an_unknown_model_is_answered_with_404(server):
    with pytest.raises(NotFoundError, match="must be 'parrot'. Received: 'gpt-9'"):
        client_of(server).chat.completions.create(model="gpt-9", messages=HELLO)


def test_a_prompt_longer_than_the_context_is_answered_with_400(server):
    messages = [{"role": "user", "content": "x" * 4000}]
    with pytest.raises(BadRequestError) as refused:
        client_of(server).chat.completions.create(model="parrot", messages=messages)
    assert refused.value.code == "context_length_exceeded"


def test_an_unknown_path_is_answered_in_the_same_shape(server):
    status, _, content = raw(server, b"{}", "/v1/embeddings")
    assert status in (404, 405) and json.loads(content)["error"]["code"] in (
        "not_found", "method_not_allowed",
    )  # fmt: skip


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", ""])
def test_another_host_name_is_refused_so_that_no_web_page_can_rebind_it(server, host):
    status, _, _ = raw(server, None, "/health", Host=host)
    assert status == 400
    assert raw(server, None, "/health", Host=f"localhost:{server.port}")[0] == 200


def test_no_other_origin_is_allowed_to_read(server):
    _, headers, _ = raw(server, None, "/health", Origin="https://evil.example")
    assert not [name for name in headers if name.lower().startswith("access-control")]


def test_it_is_reachable_from_this_machine_alone(server):
    assert server.socket.getsockname()[0] == "127.0.0.1"
    with pytest.raises(ConnectionRefusedError):  # all of 127.x is this machine, but not this door
        socket.create_connection(("127.0.0.2", server.port), timeout=5)


def test_a_taken_port_is_named(server):
    with pytest.raises(ValueError, match=f"must be free. Received: port={server.port}"):
        ChatServer(parrot(), port=server.port)


# --- limits ---------------------------------------------------------------------------------


def asking(server, text="forever and ever ", **options):
    """An open stream whose first piece has come."""
    messages = [{"role": "user", "content": text}]
    stream = client_of(server).chat.completions.create(
        model="parrot", messages=messages, stream=True, **options
    )
    next(stream)
    return stream


def test_a_full_queue_is_answered_with_429_and_the_time_to_come_back(slow):
    streams = [asking(slow) for _ in range(3)]  # one in work, two in line
    body = json.dumps({"model": "parrot", "messages": HELLO}).encode()
    status, headers, content = raw(slow, body)
    assert status == 429 and int(headers["retry-after"]) >= 1
    assert json.loads(content)["error"]["code"] == "queue_full"
    with pytest.raises(RateLimitError):
        client_of(slow).chat.completions.create(model="parrot", messages=HELLO)
    for stream in streams:
        stream.close()
    wait_until(lambda: is_idle(slow))
    answer = client_of(slow).chat.completions.create(model="parrot", messages=HELLO)
    assert answer.choices[0].message.content == HELLO[0]["content"]


def test_time_that_runs_out_ends_an_answer_with_length_or_an_error():
    limits = Limits(slots=1, seconds=1)
    with running(ChatServer(parrot(pause=0.8), limits=limits)) as server:
        first = asking(server)
        second = asking(server, text="never begun")  # the first one takes all the time there is
        reasons = [event.choices[0].finish_reason for event in first]
        assert reasons[-1] == "length" and len(reasons) < 5
        with pytest.raises(APIError) as late:
            list(second)
        assert late.value.code == "timeout"


def test_a_model_that_fails_is_answered_with_500_and_the_next_one_is_served(caplog):
    from dataclasses import replace

    def write(ids, *_):
        if len(ids) > 10:
            raise RuntimeError("a bug")
        return parrot().write(ids, *_)

    with running(ChatServer(replace(parrot(), write=write))) as server:
        body = {"model": "parrot", "messages": HELLO}
        status, code, message = problem(server, json.dumps(body).encode())
        assert (status, code) == (500, "server_error") and "bug" not in message
        assert "an answer failed" in caplog.text
        with pytest.raises(APIError, match="The model failed"):
            list(client_of(server).chat.completions.create(**body, stream=True))
        body["messages"] = [{"role": "user", "content": "hi"}]
        assert raw(server, json.dumps(body).encode())[0] == 200


# --- clients that leave ---------------------------------------------------------------------


@pytest.mark.parametrize("streaming", [True, False])
def test_a_client_that_hangs_up_frees_its_slot(slow, streaming):
    before = slow.worker.counts["cancelled"]
    messages = [{"role": "user", "content": "forever"}]
    body = json.dumps({"model": "parrot", "messages": messages, "stream": streaming}).encode()
    with socket.create_connection(("127.0.0.1", slow.port), timeout=10) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {slow.token}\r\n"  # noqa: E501
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        wait_until(lambda: slow.worker.active)
        if streaming:
            assert connection.recv(100).startswith(b"HTTP/1.1 200")
    wait_until(lambda: is_idle(slow), seconds=3)
    assert slow.worker.counts["cancelled"] == before + 1


def test_a_client_that_stops_reading_is_hung_up_on_and_blocks_nobody():
    limits = Limits(slots=1, patience=1, max_tokens=30_000)
    with running(ChatServer(parrot(context_length=40_000), limits=limits)) as server:
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(20)
        connection.connect(("127.0.0.1", server.port))
        messages = [{"role": "user", "content": "forever and ever "}]
        body = json.dumps({"model": "parrot", "messages": messages, "stream": True}).encode()
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {server.token}\r\n"  # noqa: E501
        connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        assert connection.recv(100).startswith(b"HTTP/1.1 200")  # and no more
        wait_until(lambda: server.server_state.connections)
        answer = client_of(server).chat.completions.create(model="parrot", messages=HELLO)
        assert answer.choices[0].message.content == HELLO[0]["content"]
        wait_until(lambda: is_idle(server), seconds=10)
        assert server.worker.counts["cancelled"] == 1
        wait_until(lambda: not server.server_state.tasks, seconds=5)
        connection.close()


@pytest.mark.parametrize(
    "sent", [b"", b"GET /health HT", b"POST /v1/chat/completions HTTP/1.1\r\n"]
)
def test_a_client_that_sends_no_request_is_hung_up_on(slow, sent):
    with socket.create_connection(("127.0.0.1", slow.port), timeout=10) as connection:
        connection.sendall(sent)
        assert connection.recv(100) == b""


def test_a_body_that_does_not_come_is_answered_with_408(slow):
    with socket.create_connection(("127.0.0.1", slow.port), timeout=10) as connection:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {slow.token}\r\n"  # noqa: E501
        connection.sendall(f"{head}Content-Length: 100\r\n\r\n{{".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


# --- the end --------------------------------------------------------------------------------

COMMAND = """
import sys
from lmcourse import cli
from lmcourse.generation import chat
from tests.generation.parrot import parrot
chat.smollm2 = lambda: parrot(pause=0.02)
sys.exit(cli.main(["serve", "--port", "0"]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM for others")
def test_sigterm_ends_running_streams_with_an_error_event_and_then_the_server():
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    with process:
        said = ""
        while "token=" not in said:
            assert (line := process.stdout.readline()), "the command ended"
            said += line
        address, token = re.search(r"(http://127\.0\.0\.1:\d+)/#token=(\S+)", said).groups()
        client = OpenAI(base_url=f"{address}/v1", api_key=token, max_retries=0, timeout=30)
        messages = [{"role": "user", "content": "forever and ever "}]
        stream = client.chat.completions.create(model="parrot", messages=messages, stream=True)
        assert next(stream).choices[0].delta.role == "assistant"
        assert next(stream).choices[0].delta.content == "f"
        process.send_signal(signal.SIGTERM)
        with pytest.raises(APIError) as ended:
            list(stream)
        assert ended.value.code == "shutting_down"
        assert process.wait(20) == 0
        with pytest.raises(OSError):
            urlopen(f"{address}/health", timeout=5)
        client.close()


def test_a_server_that_ends_leaves_no_thread():
    before = set(threading.enumerate())
    with running(ChatServer(parrot())) as server:
        raw(server, json.dumps({"model": "parrot", "messages": HELLO}).encode())
    wait_until(lambda: {t for t in threading.enumerate() if t.is_alive()} <= before)


# --- health, numbers, page ------------------------------------------------------------------


def test_health_and_metrics_need_no_token(server):
    assert json.loads(raw(server, None, "/health", Authorization="")[2])["status"] == "ok"
    before = server.worker.counts["tokens"]
    client_of(server).chat.completions.create(model="parrot", messages=HELLO)
    status, headers, text = raw(server, None, "/metrics", Authorization="")
    assert status == 200 and headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = dict(
        line.rsplit(" ", 1) for line in text.decode().splitlines() if not line.startswith("#")
    )
    assert float(samples["lmcourse_tokens_total"]) > before
    assert float(samples["lmcourse_active"]) == 0
    assert float(samples['lmcourse_responses_total{status="200"}']) >= 2
    assert server.token not in text.decode()
    for line in text.decode().splitlines():
        assert re.fullmatch(
            r"# TYPE [a-z_]+ (gauge|counter|summary)|[a-z_]+(\{[a-z]+=\"\w+\"\})? [\d.e+-]+", line
        ), line


def test_the_server_knows_nothing_of_tensorflow():
    code = (
        "import sys, lmcourse.generation.server; print({'tensorflow', 'keras'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def test_the_page_brings_everything_along_and_may_load_nothing_else(server):
    status, headers, page = raw(server, None, "/", Authorization="")
    assert status == 200 and "default-src 'none'" in headers["content-security-policy"]
    for file in PAGE.iterdir():
        assert not re.search(r"https?://|//cdn|@import", file.read_text(encoding="utf-8")), (
            file.name
        )
    for name in re.findall(r'(?:src|href)="([\w.]+)"', page.decode()):
        assert raw(server, None, f"/{name}", Authorization="")[0] == 200


def test_the_page_has_every_word_in_both_languages():
    script = (PAGE / "chat.js").read_text(encoding="utf-8")
    english, chinese = (
        set(re.findall(r"(?:^|, )\s*(\w+): \"", block, re.M))
        for block in re.findall(r"^  (?:en|zh): \{(.*?)^  \}", script, re.M | re.S)
    )
    assert english == chinese and len(english) > 15
    html = (PAGE / "index.html").read_text(encoding="utf-8")
    assert set(re.findall(r'data-(?:text|label)="(\w+)"', html)) <= english


CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update",
            "--disable-sync"]  # fmt: skip


@pytest.mark.needs("chromium")
def test_a_person_chats_in_a_browser_by_keyboard_alone_in_both_languages():
    from playwright.sync_api import expect, sync_playwright

    with running(ChatServer(parrot(pause=0.01))) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=CHROMIUM
        )
        page = browser.new_page(locale="en-US")
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        problems = []
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto(f"{server.address}/")  # without a token: the page asks for it
        expect(page.get_by_label("The server's token")).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("status")).to_contain_text("The token is wrong")
        page.goto(f"{server.address}/#token={server.token}")
        page.reload()
        expect(page.get_by_label("Your message")).to_be_focused()
        assert "token" not in page.url
        log, status = page.get_by_role("log"), page.get_by_role("status")
        page.keyboard.type("Good morning <b>world</b>")
        page.keyboard.press("Shift+Enter")
        page.keyboard.type("second line")
        page.keyboard.press("Enter")
        expect(log).to_have_attribute("aria-busy", "true")
        expect(status).to_have_text("The answer is complete.")
        expect(log).to_have_attribute("aria-busy", "false")
        turns = log.locator(".what").all_inner_texts()
        assert turns == 2 * ["Good morning <b>world</b>\nsecond line"]

        while page.evaluate("document.activeElement.id") != "language":
            page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")  # 中文
        expect(page.get_by_role("heading")).to_have_text("聊天")
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        expect(log.locator(".who").first).to_have_text("你")
        while page.evaluate("document.activeElement.id") != "message":
            page.keyboard.press("Tab")
        page.keyboard.insert_text("你好，世界")
        page.keyboard.press("Enter")
        expect(status).to_have_text("回答完毕。")
        assert log.locator(".what").all_inner_texts()[2:] == 2 * ["你好，世界"]

        page.keyboard.insert_text("forever 没完没了 ")
        page.keyboard.press("Enter")
        expect(log.locator(".what").nth(5)).to_contain_text("没完没了")
        page.keyboard.press("Escape")
        expect(status).to_have_text("已停止。")
        wait_until(lambda: is_idle(server))
        browser.close()
        assert problems == []
