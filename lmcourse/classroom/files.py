"""The files of a hand-in: a folder, or a zip file as some platform made it. Knows no students."""

import lzma
import shutil
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from lmcourse.classroom.submission import LARGEST, Refused

MOST_FILES = 5_000  # of one hand-in
LONGEST_NAME = 60  # characters of a file's name, at its end: disks allow 255 bytes
BAD_ZIP = (
    *(OSError, EOFError, ValueError, RuntimeError, NotImplementedError),
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError),
)


def files(source: Path, scratch: Path) -> Iterator[tuple[str, datetime, Path | Refused]]:
    """Give each file's path, its time, and where it can be read, or why it can't.

    Args:
        source: a folder, or a zip file.
        scratch: an empty folder, into which a zip file is unpacked, one file after another.

    Raises:
        ValueError: if `source` is neither.
    """
    if source.is_dir():
        for path in sorted(source.rglob("*")):
            if path.is_file() and not path.is_symlink() and not _hidden(path.relative_to(source)):
                when = datetime.fromtimestamp(path.stat().st_mtime, UTC)
                yield path.relative_to(source).as_posix(), when, path
        return
    try:
        with zipfile.ZipFile(source) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MOST_FILES:
                raise ValueError(
                    f"A zip file may hold {MOST_FILES:,} files. Received: {len(entries):,}"
                )
            for number, entry in enumerate(entries):
                name = _entry_name(entry)
                if not _hidden(Path(name)):
                    yield name, _when(entry), _unpacked(archive, entry, name, scratch / f"{number}")
    except (OSError, zipfile.BadZipFile):
        raise ValueError(f"Collect from a folder or a whole zip file. Received: {source}") from None


def _entry_name(entry):
    """Give a file's path in the zip. Old programs don't say how they wrote what is not ASCII."""
    name = entry.filename
    if not entry.flag_bits & 0x800:  # not marked as UTF-8: Python has read it as code page 437
        for coding in ("utf-8", "gb18030"):
            try:
                name = name.encode("cp437").decode(coding)
                break
            except UnicodeError:
                pass
    return unicodedata.normalize("NFC", name.replace("\\", "/"))


def _when(entry):
    try:
        return datetime(*entry.date_time).astimezone(UTC)
    except ValueError:  # some programs write month 0
        return datetime.now(UTC)


def _unpacked(archive, entry, name, folder):
    """Copy one file out of the zip, under a plain name: no path in the zip leads anywhere."""
    folder.mkdir()
    plain = name.rsplit("/", 1)[-1][-LONGEST_NAME:]
    path = folder / (plain if plain not in ("", ".", "..") else "file")
    try:
        with archive.open(entry) as packed, path.open("wb") as file:
            shutil.copyfileobj(_Short(packed), file)
    except BAD_ZIP:
        path.unlink(missing_ok=True)
        locked = entry.flag_bits & 1
        return Refused(
            f"{plain} can't be unpacked: "
            + ("it has a password. Hand it in without." if locked else "the file is damaged."),
            f"{plain} 无法解压：" + ("有密码。请不加密码再提交。" if locked else "文件已损坏。"),
        )
    return path


class _Short:
    """A file of which no more is read than it takes to see that it is too large."""

    def __init__(self, file):
        self.file, self.left = file, LARGEST + 1

    def read(self, size):
        content = self.file.read(min(size, self.left))
        self.left -= len(content)
        return content


def _hidden(path):
    return any(
        part == "__MACOSX" or part.startswith(".") and part not in (".", "..")
        for part in path.parts
    )
