"""Text tables: the same rows however they are packed, and a mistake is told with its line."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cbat.data.text_files import read_text
from cbat.data.text_tables import read_headed, read_headless
from cbat.errors import UserError

WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=5)


def write(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "table.tsv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: data,
        gzip.compress,
        lambda data: gzip.compress(data[:5]) + gzip.compress(data[5:]),  # as bgzip: several members
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: data.replace(b"\n", b"\r"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: data.rstrip(b"\n"),
    ],
    ids=["plain", "gzip", "members", "windows", "old mac", "byte order mark", "no last line end"],
)
def test_packing_changes_nothing(tmp_path: Path, pack) -> None:
    table = read_headed(write(tmp_path, pack(b"a\tb\n1\tx\n2\ty\n")), delimiter="\t", required=["b", "a"])
    assert table.integers("a").tolist() == [1, 2]
    assert table.names("b").tolist() == ["x", "y"]
    assert table.lines.tolist() == [2, 3]


@given(st.lists(st.tuples(WORDS, WORDS, st.booleans()), min_size=1, max_size=20))
def test_every_row_is_read_and_knows_its_line(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str, bool]]
) -> None:
    lines, numbers = ["one\ttwo"], []
    for one, two, gap in rows:
        lines += [""] * gap + [f"{one}\t{two}"]
        numbers.append(len(lines))
    path = write(tmp_path_factory.getbasetemp(), "\n".join(lines).encode())
    table = read_headed(path, delimiter="\t", required=["one", "two"])
    assert table.lines.tolist() == numbers
    assert table.names("one").tolist() == [row[0] for row in rows]
    assert table.names("two").tolist() == [row[1] for row in rows]


def test_words_that_look_like_nothing_stay_words(tmp_path: Path) -> None:
    table = read_headed(write(tmp_path, b"a\tb\nNA\tnull\n-\t007\n"), delimiter="\t", required=["a", "b"])
    assert table.names("a").tolist() == ["NA", "-"]
    assert table.names("b").tolist() == ["null", "007"]


def test_a_comma_inside_quotes_is_no_separator(tmp_path: Path) -> None:
    table = read_headed(write(tmp_path, b'a,b\n"x,y",1\n'), delimiter=",", required=["a", "b"])
    assert table.columns["a"].to_pylist() == ["x,y"]
    assert table.integers("b").tolist() == [1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"table\.tsv: the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"a\tb\n", "a header but no rows"),
        (b"a\tc\n1\t2\n", "line 1: the header has no column b"),
        (b"\n\na\tc\n1\t2\n", "line 3: the header has no column b"),
        (b"a\tb\tb\n1\t2\t3\n", "names the column b twice"),
        (b"a,b\n1,2\n", "line 1: the columns are separated by commas, not by tabs"),
        (b"a\tb\n1\t2\n\n3\n", "line 4: the line has 1 fields where the first line has 2"),
        (b"a\tb\n1\t2\t3\n", "line 2: the line has 3 fields"),
        (b"a\tb\n1\t2\n\xff\t3\n", "line 3: the byte 0xff is not UTF-8 text"),
        (gzip.compress(b"a\tb\n1\t2\n" * 99, mtime=0)[:-9], "the gzip file is truncated or damaged"),
    ],
)
def test_mistakes_in_a_table(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_headed(write(tmp_path, content), delimiter="\t", required=["a", "b"])


@pytest.mark.parametrize("value", ["-1", "1.0", "1e3", "1,000", "", " 1", "x", "9" * 16])
def test_what_is_no_position(tmp_path: Path, value: str) -> None:
    table = read_headed(
        write(tmp_path, f"a\tb\n5\tx\n\n{value}\ty\n".encode()), delimiter="\t", required=["a"]
    )
    with pytest.raises(UserError, match=rf"table\.tsv, line 4: a is '{value}'"):
        table.integers("a")


def test_what_is_no_choice_and_no_name(tmp_path: Path) -> None:
    table = read_headed(
        write(tmp_path, b"a\tb\n+\tone\n+-\ttwo words\n"), delimiter="\t", required=["a", "b"]
    )
    with pytest.raises(UserError, match=r"line 3: a is '\+-'\. Fix: write one of: \+, -, \."):
        table.choices("a", ["+", "-", "."])
    with pytest.raises(UserError, match="line 3: b is 'two words'"):
        table.names("b")


def test_without_a_header(tmp_path: Path) -> None:
    table = read_headless(write(tmp_path, b"1\tx\n2\ty\n"), delimiter="\t", columns=["a", "b"])
    assert table.integers("a").tolist() == [1, 2]
    assert table.lines.tolist() == [1, 2]
    with pytest.raises(UserError, match="line 1: the first row has 2 fields, not 3"):
        read_headless(write(tmp_path, b"1\tx\n"), delimiter="\t", columns=["a", "b", "c"])


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.tsv: the file cannot be read \(No such file"):
        read_text(tmp_path / "nowhere.tsv")


def test_empty_lines_and_comments_before_the_header(tmp_path: Path) -> None:
    path = write(tmp_path, b"\n# one\n#a\tb\n# two\n1\t2\n#3\t4\n")
    table = read_headed(path, delimiter="\t", required=["a"], optional=["b", "c"], comments=True)
    assert list(table.columns) == ["a", "b"]
    # A row may begin with '#', and is then one.
    assert (table.names("a").tolist(), table.lines.tolist()) == (["1", "#3"], [5, 6])
    path = write(tmp_path, b"\n\na\tb\n1\t2\n")
    assert read_headed(path, delimiter="\t", required=["b"]).lines.tolist() == [4]


def test_numbers(tmp_path: Path) -> None:
    content = "a\n" + "\n".join(values := ["1", "-2.5", "+3", ".5", "1e-3", "2E+2", "7."])
    table = read_headed(write(tmp_path, content.encode()), delimiter="\t", required=["a"])
    assert table.numbers("a").tolist() == [1, -2.5, 3, 0.5, 0.001, 200, 7] == [float(v) for v in values]


@pytest.mark.parametrize("value", ["", "NA", "nan", "inf", "1,5", "0x1", "--1", "1e", "1e999", "1e9999"])
def test_what_is_no_number(tmp_path: Path, value: str) -> None:
    table = read_headed(write(tmp_path, f"a\tb\n1\t1\n{value}\t2\n".encode()), delimiter="\t", required=["a"])
    with pytest.raises(UserError, match=f"line 3: a is '{value}'"):
        table.numbers("a")
