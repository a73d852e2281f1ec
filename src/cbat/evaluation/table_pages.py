"""Tables of the report as pages: what a browser shows, with the file itself to be downloaded."""

from __future__ import annotations

import base64
import csv
import html
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cbat.errors import UserError
from cbat.files import atomic_file

_STYLE: Final = """\
body { margin: 0; padding: 1rem; color: #222; background: #fff; font: 14px/1.4 system-ui, sans-serif; }
h1 { margin: 0 0 .25rem; font-size: 1.25rem; overflow-wrap: anywhere; }
p { margin: 0 0 1rem; overflow-wrap: anywhere; }
.table { max-width: 100%; width: fit-content; overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .25rem .75rem; max-width: 30rem; text-align: left; vertical-align: top; }
th { border-bottom: 2px solid #888; vertical-align: bottom; }
td { border-bottom: 1px solid #ddd; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
tbody tr:hover { background: #f2f6fa; }
"""
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<h1>{title}</h1>
<p>{count} · <a download="{file}" href="{link}">Download {file}</a></p>
<div class="table">
{table}
</div>
</body>
</html>
"""
_NO_VALUES: Final = frozenset({"", ".", "-"})


def run(*, tables: Sequence[Path], titles: Sequence[str], pages: Sequence[Path]) -> None:
    """Write one page of HTML for each table; it needs no network and runs no script.

    Parameters
    ----------
    tables : sequence of Path
        Tables with tabs between fields and a header. A page shows their fields as they are written, in their
        order, and holds a copy of the file.
    titles : sequence of str
        The heading of each page.
    pages : sequence of Path
        The HTML files.

    Raises
    ------
    UserError
        The three do not have the same number, or a table cannot be read.
    """
    if not len(tables) == len(titles) == len(pages):
        raise UserError(
            f"there are {len(tables)} tables, {len(titles)} titles and {len(pages)} pages",
            mend="give one title and one page for each table",
        )
    for table, title, page in zip(tables, titles, pages, strict=True):
        text = _page(Path(table), title)
        with atomic_file(page) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _page(path: Path, title: str) -> str:
    content, header, rows = _read(path)
    return _PAGE.format(
        title=html.escape(title),
        style=_STYLE,
        count=f"{len(rows):,} row{'' if len(rows) == 1 else 's'}",
        file=html.escape(path.name),
        link=f"data:text/tab-separated-values;base64,{base64.b64encode(content).decode('ascii')}",
        table=_table(header, rows) if header else "The table is empty.",
    )


def _read(path: Path) -> tuple[bytes, list[str], list[list[str]]]:
    """The bytes of a table, its header and its rows."""
    try:
        content = path.read_bytes()
        lines = [*csv.reader(io.StringIO(content.decode("utf-8"), newline=""), delimiter="\t", strict=True)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UserError(
            f"the table cannot be read ({error})", mend="make the table again", file=path
        ) from error
    filled = [line for line in lines if line]
    for number, line in enumerate(lines, 1):
        if line and len(line) != len(filled[0]):
            raise UserError(
                f"{len(line)} fields where the header has {len(filled[0])}",
                mend="make the table again",
                file=path,
                where=f"line {number}",
            )
    return content, filled[0] if filled else [], filled[1:]


def _table(header: list[str], rows: list[list[str]]) -> str:
    numeric = [_is_numeric(column) for column in zip(*rows, strict=True)] or [False] * len(header)
    # Long names of columns may wrap after an underscore.
    head = _row("th", [html.escape(name).replace("_", "_<wbr>") for name in header], numeric)
    body = [_row("td", [*map(html.escape, row)], numeric) for row in rows]
    return "\n".join(["<table>", "<thead>", head, "</thead>", "<tbody>", *body, "</tbody>", "</table>"])


def _row(tag: str, fields: list[str], numeric: list[bool]) -> str:
    classes = [' class="number"' if right else "" for right in numeric]
    cells = [f"<{tag}{look}>{field}</{tag}>" for field, look in zip(fields, classes, strict=True)]
    return f"<tr>{''.join(cells)}</tr>"


def _is_numeric(column: Sequence[str]) -> bool:
    """Whether a column holds numbers, and nothing else but marks of missing values."""
    values = [text for text in column if text not in _NO_VALUES]
    return bool(values) and all(map(_is_number, values))


def _is_number(text: str) -> bool:
    try:
        return not math.isnan(float(text))
    except ValueError:
        return False
