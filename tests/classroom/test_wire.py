"""Values as bytes and back, and bytes that were forged."""

import base64
import json
from fractions import Fraction

import numpy as np
import pytest

from lmcourse.classroom.wire import DEEPEST, LARGEST, MOST_KEYS, WireError, pack, unpack

VALUES = [
    *(None, True, 3, -2.5, "中文", [], [1, [2.0, "a"]], (1, ("b",)), {"a": {1, 2}}),
    {(1, "a"): [None]},
    *(np.arange(6).reshape(2, 3), np.arange(6).reshape(2, 3).T, np.zeros((0, 3)), np.float32(3)),
    *(np.array(["a", "bé中"]), np.array([True, False]), np.zeros(2, ">f8"), np.array(np.nan)),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_comes_back_as_it_went(value):
    back = unpack(pack(value))
    if isinstance(value, np.ndarray | np.generic):
        np.testing.assert_array_equal(back, value)
        assert np.shape(back) == np.shape(value)
        assert np.asarray(back).dtype == value.dtype or value.dtype.kind in "Uf"
    else:
        assert back == value and type(back) is type(value)


class Liar:
    def __eq__(self, other):
        return True

    __hash__ = None


@pytest.mark.parametrize(
    "value", [Liar(), object, len, b"x", 1j, ..., np.array([None]), np.array([1j]), {1: Liar()}]
)
def test_nothing_but_numbers_and_text_crosses(value):
    with pytest.raises(WireError, match="only numbers, text, arrays, lists and dictionaries"):
        pack(value)


def test_a_subclass_comes_back_as_what_it_holds():
    kind = type("Right", (float,), {"__eq__": lambda self, other: True, "__hash__": hash})
    assert type(unpack(pack(kind(2.0)))) is float


def test_a_fraction_crosses_as_a_number():
    assert unpack(pack([Fraction(1, 4), Fraction(3)])) == [0.25, 3.0]


def test_what_is_too_large_too_deep_or_has_too_many_keys_stays():
    deep = []
    for _ in range(DEEPEST + 1):
        deep = [deep]
    for value, said in (
        (np.zeros(LARGEST // 8), "may have 8,388,608 bytes"),
        (deep, "20 deep"),
        ({i: 0 for i in range(MOST_KEYS + 1)}, "may have 10,000 keys"),
        ([set(range(MOST_KEYS // 2 + 1))] * 2, "may have 10,000 keys"),
    ):
        with pytest.raises(WireError, match=said):
            pack(value)


ONE = base64.b64encode(bytes(8)).decode()
FORGED = [
    b"", b"garbage", b"{", b"[" * 100_000, b'{"list": [1]}', b'{"a": 1, "b": 2}', b"{}", b"\xff",
    b'{"dict": [1]}', b'{"dict": [[[], 1]]}', b'{"set": [[]]}', b'{"tuple": 3}',
    b'{"array": [[1], "%s", "|O"]}' % ONE.encode(), b'{"array": "gASVBQ=="}', b"1" * 5_000,
    *(json.dumps({"array": case}).encode() for case in (
        [[10**12], ONE, "<f8"], [[2], ONE, "<f8"], [[-1], ONE, "<f8"], [[0, 10**12], "", "<f8"],
        [[1.0], ONE, "<f8"], [[True], ONE, "<f8"], [[1], "!", "<f8"], [[1], ONE, "<c8"],
        [[1], ONE, "<M8"], [[1], ONE, "<f8,<f8"], [1, ONE, "<f8"], [[1], ONE, 8], [[1], ONE, "<U2"],
        [[1] * 100, ONE, "<f8"],
    )),
    *(json.dumps({"text": case}).encode() for case in (
        [[1], [1]], [[2], ["a"]], [[10**9, 0], []], [[1_000], ["x" * 10**5] + ["y"] * 999],
    )),
    b'{"set": [%s]}' % b",".join(b"%d" % (i * (2**61 - 1)) for i in range(MOST_KEYS + 1)),
]  # fmt: skip


@pytest.mark.parametrize("line", FORGED, ids=lambda line: str(line[:40]))
def test_forged_bytes_are_refused(line):
    with pytest.raises(WireError, match="not a packed value"):
        unpack(line)


def test_half_a_character_does_not_come_through():
    for value in ("\ud800", ["\ud800"], {"\ud800": 1}, np.array(["\ud800"])):
        str(unpack(pack(value))).encode()
