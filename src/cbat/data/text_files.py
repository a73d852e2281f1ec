"""Text files, plain or gzip: read whole, or line by line."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cbat.errors import UserError

GZIP_MAGIC: Final = b"\x1f\x8b"
_NO_TEXT: Final = {
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"BZh": "compressed by bzip2",
    b"\xfd7zXZ": "compressed by xz",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"PAR1": "a Parquet file",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
}
"""First bytes of what people take for a text table."""
_MEND_TEXT: Final = "save the table as plain UTF-8 text, or compressed by gzip"


def read_text(path: str | Path) -> bytes:
    """A whole text file, plain or gzip, with line feeds as line ends.

    Returns
    -------
    bytes
        Valid UTF-8 without a byte order mark.

    Raises
    ------
    UserError
        Missing, unreadable, truncated, empty or not UTF-8.
    """
    data = _read_bytes(Path(path))
    if kind := next((kind for magic, kind in _NO_TEXT.items() if data.startswith(magic)), None):
        raise UserError(f"this is {kind}, not UTF-8 text", mend=_MEND_TEXT, file=path, where="line 1")
    if (zero := data.find(b"\0")) >= 0:
        raise UserError(
            "the file holds zero bytes, which no text does",
            mend=_MEND_TEXT,
            file=path,
            where=f"line {data.count(bytes([10]), 0, zero) + 1}",
        )
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"the byte 0x{data[error.start]:02x} is not UTF-8 text",
            mend=_MEND_TEXT,
            file=path,
            where=f"line {data.count(bytes([10]), 0, error.start) + 1}",
        ) from error
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data = data.removeprefix(b"\xef\xbb\xbf")
    if not data or data.isspace():
        raise _empty(path)
    return data


def _read_bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from error
    if not data.startswith(GZIP_MAGIC):
        return data
    try:
        return gzip.decompress(data)
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(path, error) from error


def read_lines(path: str | Path) -> Iterator[tuple[int, str]]:
    """Numbers, from 1, and texts of the lines of a file, plain or gzip, one after the other.

    For what is too large to hold, or of which the first lines say enough. Line ends are taken off; bytes
    that are not UTF-8 become the sign for such.

    Raises
    ------
    UserError
        Missing, unreadable, truncated or empty.
    """
    path = Path(path)
    number = 0
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == GZIP_MAGIC
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        with gzip.open(path) if packed else open(path, "rb") as raw:
            lines = io.TextIOWrapper(raw, encoding="utf-8-sig", errors="replace")
            for number, line in enumerate(lines, start=1):
                yield number, line.rstrip("\n")
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(path, error) if packed else unreadable(path, error) from error
    if not number:
        raise _empty(path)


def first_row(path: str | Path) -> tuple[int, str]:
    """Number and text of the first line that is not empty, no browser line and no comment without tabs."""
    for number, line in read_lines(path):
        comment = line.startswith("#") and "\t" not in line
        if line.strip() and not comment and not re.match(r"(track|browser)\b", line):
            return number, line
    raise _empty(path)


def _empty(path: str | Path) -> UserError:
    return UserError("the file is empty", mend="fill it, or name another file", file=path)


def unreadable(path: Path, error: Exception) -> UserError:
    """What to tell of a file that could not be opened or read."""
    reason = getattr(error, "strerror", None) or error
    mend = "correct its path or its permissions (paths start at the working directory)"
    return UserError(f"the file cannot be read ({reason})", mend=mend, file=path)


def _damaged(path: Path, error: Exception) -> UserError:
    mend = "copy or download it again, and test it with 'gzip -t'"
    return UserError(f"the gzip file is truncated or damaged ({error})", mend=mend, file=path)
