"""Dialogues and streams: nothing half, nothing too much, nothing of value forgotten."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lmcourse.generation.chat import Dialogue, StopStrings, _shared, answer, fit
from lmcourse.generation.worker import Job, Refused, Worker
from tests.generation.parrot import ANSWER, END, TOKENS, parrot, template


def talk(*turns):
    roles = ("user", "assistant")
    return [{"role": roles[n % 2], "content": text} for n, text in enumerate(turns)]


def texts(speaker, message, **options):
    return [piece.text for piece in answer(speaker, template(talk(message)), **options)]


# --- stop strings ---------------------------------------------------------------------------


def stopped(text, strings):
    """What stands before the stop string that is complete first."""
    ends = [(text.index(s) + len(s), text.index(s)) for s in strings if s in text]
    return text[: min(ends)[1]] if ends else text


@given(
    st.text("ab.", max_size=30),
    st.lists(st.text("ab.", min_size=1, max_size=4), max_size=3),
    st.lists(st.integers(1, 5), max_size=30),
)
@example("aab.", ["aab"], [1, 1, 1, 1])
def test_stop_strings_do_not_depend_on_how_the_text_is_cut(text, strings, cuts):
    stops, shown, rest = StopStrings(strings), "", text
    for cut in [*cuts, len(text)]:
        shown += stops.feed(rest[:cut])
        rest = rest[cut:]
        assert stopped(text, strings).startswith(shown)  # never a character too much
    shown += "" if stops.found else stops.rest()
    assert shown == stopped(text, strings)
    assert stops.found == any(s in text for s in strings)


def test_an_empty_stop_string_is_refused():
    with pytest.raises(ValueError, match=r"must not be empty. Received: \[''\]"):
        StopStrings([""])


# --- streams --------------------------------------------------------------------------------


@given(st.text(max_size=20).filter(lambda text: not text.startswith("forever")))
def test_a_stream_never_shows_half_a_character(text):
    shown = texts(parrot(), text)
    assert "".join(shown) == text
    assert len([piece for piece in shown if piece]) == len(text)


def test_half_a_character_at_the_end_is_left_out():
    (*_, last) = answer(parrot(), template(talk("早安")), max_tokens=4)
    assert "".join(texts(parrot(), "早安", max_tokens=4)) == "早"
    assert (last.finish, last.tokens) == ("length", 4)


def test_bytes_that_are_no_text_become_a_sign():
    speaker = replace(parrot(), write=lambda *_: iter([0xFF, ord("a"), END]))
    assert "".join(texts(speaker, "x")) == "\ufffda"


def test_why_an_answer_ends():
    def end(message, **options):
        return list(answer(parrot(context_length=30), template(talk(message)), **options))[-1]

    assert end("abc").finish == "stop" and end("abc").tokens == 3
    assert end("abc", stop=["c"]).finish == "stop"
    assert end("abc", max_tokens=3).finish == "length"
    assert end("forever") == replace(end("forever"), finish="length", tokens=30 - 9)  # full
    assert end("forever", deadline=time.monotonic()).tokens == 1
    endless = replace(parrot(context_length=30), write=lambda *_: iter([ord("a")] * 99))
    assert len(texts(endless, "x")) == 30 - 3


def test_what_may_be_a_stop_string_comes_if_it_is_none():
    assert texts(parrot(), "1\nUse", stop=["\nUser:"]) == ["1", "", "", "", "", "\nUse"]
    assert "".join(texts(parrot(), "1\nUse", stop=["\nUser:"], max_tokens=3)) == "1\nU"


def test_a_stream_that_is_closed_closes_the_writer():
    closed, kept = [], []

    def forever():
        try:
            while True:
                yield ord("a")
        finally:
            closed.append(True)

    def write(*_):
        kept.append(forever())  # somebody else holds it, too
        return kept[0]

    stream = answer(replace(parrot(), write=write), template(talk("x")))
    next(stream)
    stream.close()
    assert closed == [True]


def test_a_prompt_without_room_for_an_answer_is_refused():
    with pytest.raises(ValueError, match="room for an answer in 10 tokens. Received: 11 tokens"):
        next(answer(parrot(context_length=10), np.zeros(11, int)))


def test_the_seed_decides_what_is_drawn():
    def write(ids, temperature, top_p, rng):
        assert (temperature, top_p) == (0.7, 0.9)
        yield from rng.integers(97, 123, size=20)

    speaker = replace(parrot(), write=write)
    drawn = ["".join(texts(speaker, "x", temperature=0.7, top_p=0.9, seed=s)) for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


# --- memory ---------------------------------------------------------------------------------


def test_the_oldest_turns_are_forgotten_first_and_the_system_prompt_never():
    system = {"role": "system", "content": "Be kind."}
    turns = [system, *talk("first question", "first answer", "second", "2nd answer", "third")]
    for budget in range(18, 99):
        try:
            kept = fit(parrot(context_length=budget + 10), turns, reserve=10)
        except ValueError:
            assert budget < len(template([system, turns[-1]]))
            continue
        assert len(template(kept)) <= budget and kept[0] is system and kept[-1] is turns[-1]
        assert kept[1:] == turns[len(turns) - len(kept) + 1 :]  # a whole end of the conversation
        assert kept[1]["role"] == "user"  # never an answer without its question
    assert kept == turns


def test_a_message_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="leave 10 of 20 tokens for the answer. Received: 17 t"):
        fit(parrot(context_length=20), talk("x" * 15), reserve=10)


def test_a_dialogue_remembers_both_sides_until_it_is_full():
    dialogue = Dialogue(parrot(context_length=60), "Be kind.", reserve=20)
    for text in ("one", "two", "three", "four", "five", "six"):
        assert "".join(dialogue.say(text)) == text
        assert len(template(dialogue.messages)) <= 60
    assert dialogue.messages[0]["content"] == "Be kind."
    said = [message["content"] for message in dialogue.messages[1:]]
    assert said[-4:] == ["five", "five", "six", "six"] and "one" not in said


def test_what_is_given_is_read_but_not_remembered():
    dialogue = Dialogue(parrot())
    assert "".join(dialogue.say("And?", given="A source.")) == "A source.\n\nAnd?"
    assert dialogue.messages[0] == {"role": "user", "content": "And?"}
    dialogue.remember("1 + 1?", "2")
    assert [message["content"] for message in dialogue.messages[2:]] == ["1 + 1?", "2"]


def test_what_makes_room_for_something_given_is_not_forgotten():
    dialogue = Dialogue(parrot(context_length=60), reserve=20)
    for text in ("one", "two"):
        "".join(dialogue.say(text))
    assert len(fit(dialogue.speaker, [*dialogue.messages, *talk("g" * 20 + "\n\nsix")], 20)) < 5
    "".join(dialogue.say("six", given="g" * 20))
    said = [message["content"] for message in dialogue.messages]
    assert said[:4] == ["one", "one", "two", "two"]


def test_an_answer_broken_off_is_remembered_as_far_as_it_got():
    dialogue = Dialogue(parrot())
    answering = dialogue.say("forever")
    assert next(answering) + next(answering) == "fo"
    answering.close()
    assert [message["content"] for message in dialogue.messages] == ["forever", "fo"]


def test_a_question_without_any_answer_is_not_remembered():
    def fail(*_):
        raise RuntimeError("a bug")
        yield

    dialogue = Dialogue(replace(parrot(), write=fail))
    with pytest.raises(RuntimeError):
        list(dialogue.say("x"))
    assert dialogue.messages == []


def test_a_memory_is_chosen_by_the_longest_common_beginning():
    a = np.array([1, 2, 3, 4])
    assert [_shared(a, np.array(b)) for b in ([1, 2, 9], [1, 2, 3, 4, 5], [7], [])] == [2, 4, 0, 0]


# --- the worker -----------------------------------------------------------------------------


def job(text, into, **options):
    return Job(template(talk(text)), options, into.append)


def run(worker):
    worker.start()
    while worker.active or worker.waiting:
        time.sleep(0.005)
    worker.stop()
    worker.join(5)


def test_answers_in_work_take_turns_and_a_short_one_ends_first():
    order, worker = [], Worker(parrot(), slots=2, waiting=3)
    names = ("aaaaaa", "bb", "cc")
    worker.submit(
        [Job(template(talk(n)), {}, lambda p, n=n: order.append((n[0], p))) for n in names]
    )
    run(worker)
    assert [name for name, piece in order] == list("ababab" + "acacac" + "a")
    assert [name for name, piece in order if piece.finish] == list("bca")
    assert worker.counts["stop"] == 3 and not worker.active


def test_all_jobs_of_a_request_are_taken_or_none():
    worker, pieces = Worker(parrot(), slots=1, waiting=2), []
    worker.submit([job("a", pieces), job("b", pieces)])
    with pytest.raises(Refused) as refused:
        worker.submit([job("c", pieces), job("d", pieces)])
    assert refused.value.code == "queue_full" and len(worker.waiting) == 2
    run(worker)
    with pytest.raises(Refused, match="shutting down"):
        worker.submit([job("e", pieces)])


def test_a_cancelled_job_gives_its_place_to_the_next():
    worker, pieces = Worker(parrot(), slots=1, waiting=2), []
    jobs = [job("a", pieces), job("b", pieces)]
    worker.submit(jobs)
    worker.cancel(jobs[:1])
    run(worker)
    assert "".join(piece.text for piece in pieces) == "b" and worker.counts["cancelled"] == 1


def test_the_parrot_is_a_copy_machine():
    assert TOKENS[ord("a")] == b"a" and template(talk("a")).tolist() == [256, ord("a"), ANSWER]
