"""Files read line by line, however they are packed."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cbat.data.text_files import first_row, read_lines, read_text
from cbat.errors import UserError

TEXT = b"# note\n\ntrack name=x\na\tb\nc\td"


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: data,
        gzip.compress,
        lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]),
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
    ],
    ids=["plain", "gzip", "members", "windows", "byte order mark"],
)
def test_lines_and_the_first_row(tmp_path: Path, pack) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(pack(TEXT))
    assert list(read_lines(path)) == list(enumerate(TEXT.decode().split("\n"), start=1))
    assert first_row(path) == (4, "a\tb")
    assert read_text(path) == TEXT


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"# note\n", "the file is empty"),
        (gzip.compress(b"# x\n" * 999, mtime=0)[:30], "the gzip file is truncated or damaged"),
    ],
)
def test_mistakes(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "t.txt"
    path.write_bytes(content)
    with pytest.raises(UserError, match=rf"t\.txt: {message}"):
        first_row(path)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError, match="the file cannot be read"):
            list(read_lines(path))
