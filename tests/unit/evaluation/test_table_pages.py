"""A page of a table shows every field as it is written, and holds the file itself."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from cbat.errors import UserError
from cbat.evaluation import table_pages

TABLE = "cell_line\tgain\tsaid\nK562\t-0.50\t<b>no & yes\nNA\t\t'x'\n"


class Rows(HTMLParser):
    """Texts of the cells, by row, and the classes of each."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: list[str] = []
        self.numeric: list[list[bool]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "tr":
            self.rows.append([])
            self.numeric.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")
            self.numeric[-1].append(("class", "number") in attributes)

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.rows[-1][-1] += data


def made(directory: Path, content: str | bytes, title: str = "Gains") -> str:
    table, page = directory / "gains.tsv", directory / "pages" / "gains.html"
    table.write_bytes(content if isinstance(content, bytes) else content.encode())
    page.parent.mkdir(exist_ok=True)
    table_pages.run(tables=[table], titles=[title], pages=[page])
    return page.read_text(encoding="utf-8")


def parsed(page: str) -> Rows:
    rows = Rows()
    rows.feed(page)
    return rows


def test_fields_are_shown_as_they_are_written(tmp_path: Path) -> None:
    page = made(tmp_path, TABLE)
    found = parsed(page)
    assert found.rows == [line.split("\t") for line in TABLE.splitlines()]
    # A number may be missing; a name that reads like a missing value is a name.
    assert found.numeric == [[False, True, False]] * 3
    assert "b" not in found.tags
    assert "2 rows" in page
    assert "script" not in found.tags


def test_the_file_can_be_downloaded(tmp_path: Path) -> None:
    page = made(tmp_path, TABLE)
    name, content = re.search(r'download="([^"]*)" href="data:[^,]*;base64,([^"]*)"', page).groups()
    assert name == "gains.tsv"
    assert base64.b64decode(content).decode() == TABLE


def test_titles_are_text(tmp_path: Path) -> None:
    page = made(tmp_path, TABLE, "</title><script>alert(1)</script>")
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2


@pytest.mark.parametrize(("content", "said"), [("\n", "The table is empty."), ("", "The table is empty.")])
def test_a_table_without_columns_says_so(tmp_path: Path, content: str, said: str) -> None:
    assert said in made(tmp_path, content)


def test_a_table_without_rows_shows_its_header(tmp_path: Path) -> None:
    page = made(tmp_path, "a_b\tc\n")
    assert parsed(page).rows == [["a_b", "c"]]
    assert "0 rows" in page


def test_quoted_fields_are_read(tmp_path: Path) -> None:
    assert parsed(made(tmp_path, 'a\tb\n"1\t2"\t"say ""x"""\n')).rows[1] == ["1\t2", 'say "x"']


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("a\tb\n1\n", "gains.tsv, line 2: 1 fields where the header has 2"),
        (b"a\n\xff\n", "gains.tsv: the table cannot be read"),
    ],
)
def test_a_damaged_table_is_refused_and_no_page_is_left(tmp_path: Path, content, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        made(tmp_path, content)
    assert not [*(tmp_path / "pages").iterdir()]


def test_each_table_needs_a_title_and_a_page(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="1 tables, 0 titles and 1 pages"):
        table_pages.run(tables=[tmp_path / "a.tsv"], titles=[], pages=[tmp_path / "a.html"])


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.tsv: the table cannot be read"):
        table_pages.run(tables=[tmp_path / "absent.tsv"], titles=["x"], pages=[tmp_path / "a.html"])
