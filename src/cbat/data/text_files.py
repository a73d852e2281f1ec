"""Text files, plain or gzip: read whole, or line by line."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np

from cbat.errors import UserError

GZIP_MAGIC: Final = b"\x1f\x8b"
BROWSER_LINE: Final = re.compile(r"(track|browser)\b(?=[ \t]|$)")
"""Start of a line that is for a genome browser."""
_BOM: Final = b"\xef\xbb\xbf"
_CONTROL: Final = bytes(set(range(32)) - set(b"\t\n\v\f\r")) + b"\x7f"
"""Bytes that no text table has."""
_UTF_16: Final = ("UTF-16 text", "convert it: iconv -f UTF-16 -t UTF-8 FILE > NEW_FILE")
_BIGWIG: Final = (
    "a bigWig",
    "name peaks that were called in it (BED, narrowPeak or broadPeak); as accessibility or enhancer_mark it "
    "is read as it is",
)
_KINDS: Final = {
    b"PK\x03\x04": (
        "a zip archive or an Excel workbook",
        "unpack it, or save the sheet as text separated by tabs",
    ),
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", "save the sheet as text separated by tabs"),
    b"BZh": ("compressed by bzip2", "unpack it: bzip2 -dc FILE > NEW_FILE"),
    b"\xfd7zXZ": ("compressed by xz", "unpack it: xz -dc FILE > NEW_FILE"),
    b"\x28\xb5\x2f\xfd": ("compressed by zstd", "unpack it: zstd -dc FILE > NEW_FILE"),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it"),
    b"Rar!": ("a RAR archive", "unpack it"),
    b"PAR1": ("a Parquet file", "write the table as text separated by tabs"),
    b"\x89HDF": ("an HDF5 file (.h5, .cool, .mcool)", "write what you need of it as text separated by tabs"),
    b"HIC\0": ("a contact map of Juicer (.hic)", "call loops in it, and name the list of loops"),
    b"\x88\x8f\xfc\x26": _BIGWIG,
    b"\x26\xfc\x8f\x88": _BIGWIG,
    b"\xeb\xf2\x89\x87": ("a bigBed", "convert it: bigBedToBed FILE NEW_FILE"),
    b"\x87\x89\xf2\xeb": ("a bigBed", "convert it: bigBedToBed FILE NEW_FILE"),
    b"BAM\1": ("a BAM of aligned reads", "call peaks in it, and name the file of peaks"),
    b"CRAM": ("a CRAM of aligned reads", "call peaks in it, and name the file of peaks"),
    b"TBI\1": ("an index of tabix", "name the file that it belongs to"),
    b"CSI\1": ("an index of tabix", "name the file that it belongs to"),
    b"RDX": ("data of R", "write the table by write.table(..., sep = '\\t', quote = FALSE)"),
    b"X\n\0": ("data of R", "write the table by write.table(..., sep = '\\t', quote = FALSE)"),
    b"%PDF": ("a PDF", "name the table itself"),
    b"SQLite format 3": ("an SQLite database", "write the table as text separated by tabs"),
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}
"""First bytes of what people take for a text table -> what it is, and what to do."""
_TAR_AT: Final = 257
_LOOKED_AT: Final = 512
"""First bytes that are looked at where a file is read line by line."""
_MEND_TEXT: Final = "save the table as plain UTF-8 text, or compressed by gzip"
_MEND_LATIN: Final = (
    "save the table as UTF-8 (most such files are Latin-1: iconv -f LATIN1 -t UTF-8 FILE > NEW_FILE)"
)


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
    _refuse_other_kinds(path, data)
    try:
        if not data.isascii():
            data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise UserError(
            f"the byte 0x{data[error.start]:02x} is not UTF-8 text",
            mend=_MEND_LATIN,
            file=path,
            where=f"line {data.count(bytes([10]), 0, error.start) + 1}",
        ) from error
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    data = data.removeprefix(_BOM)
    if not data or data.isspace():
        raise _empty(path)
    return _without_blanks(data)


def _refuse_other_kinds(path: str | Path, data: bytes) -> None:
    """Refuse what is no text, or holds control characters."""
    kind, mend = next((said for magic, said in _KINDS.items() if data.startswith(magic)), ("", ""))
    if data[_TAR_AT : _TAR_AT + 5] == b"ustar":
        kind, mend = "a tar archive", "unpack it: tar -xf FILE"
    if not kind and b"\0" in data[:2] and len(data) % 2 == 0 and len(data) > 2:
        kind, mend = _UTF_16
        mend = mend.replace("UTF-16", "UTF-16BE" if data[0] == 0 else "UTF-16LE")
    if kind:
        raise UserError(f"this is {kind}, not UTF-8 text", mend=mend, file=path, where="line 1")
    if len(data.translate(None, _CONTROL)) == len(data):
        return
    at = min(found for byte in _CONTROL if (found := data.find(byte)) >= 0)
    what = "zero bytes" if data[at] == 0 else f"the control character 0x{data[at]:02x}"
    raise UserError(
        f"the file holds {what}, which text files never contain",
        mend="remove it: tr -d '\\000-\\010\\016-\\037\\177' < FILE > NEW_FILE"
        if data[at]
        else f"{_MEND_TEXT} (tr -d '\\000' < FILE > NEW_FILE removes such bytes)",
        file=path,
        where=f"line {data.count(bytes([10]), 0, at) + 1}",
    )


def _without_blanks(data: bytes) -> bytes:
    """The same text with lines of white space alone made empty, which keeps the number of the others."""
    codes = np.frombuffer(data, dtype=np.uint8)
    starts = np.concatenate([[0], np.flatnonzero(codes == ord("\n")) + 1])
    starts = starts[starts < len(data)]
    suspects = starts[np.isin(codes[starts], np.frombuffer(b" \t\v\f", dtype=np.uint8))]
    if not len(suspects):
        return data
    parts, done = [], 0
    for start in suspects.tolist():
        end = data.find(b"\n", start)
        end = len(data) if end < 0 else end
        if data[start:end].isspace():
            parts.append(data[done:start])
            done = end
    return b"".join([*parts, data[done:]])


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
        Missing, unreadable, truncated, empty, or no text by its first bytes.
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
            _refuse_other_kinds(path, raw.peek(_LOOKED_AT)[:_LOOKED_AT])
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
        if line.strip() and not comment and not BROWSER_LINE.match(line):
            return number, line
    raise _empty(path)


def _empty(path: str | Path) -> UserError:
    return UserError("the file is empty", mend="fill it, or name another file", file=path)


def unreadable(path: Path, error: Exception) -> UserError:
    """What to tell of a file that could not be opened or read."""
    reason = getattr(error, "strerror", None) or error
    mend = "correct its path or permissions (paths start at the working directory)"
    return UserError(f"the file cannot be read ({reason})", mend=mend, file=path)


def _damaged(path: Path, error: Exception) -> UserError:
    mend = "copy or download it again, and test it with 'gzip -t'"
    return UserError(f"the gzip file is truncated or damaged ({error})", mend=mend, file=path)
