"""Tables of pairs that are almost of a format: what is amiss is named, and the way out leads on."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from advice import follow

from cbat.data.pair_tables import read_pairs, recognise
from cbat.errors import UserError

HEADER = "enhancer_chrom enhancer_start enhancer_end promoter_chrom promoter_start promoter_end label"
ROWS = ("chr1 100 200 chr1 900 1000 1", "chr1 300 400 chr1 900 1000 0")


def written(path: Path, lines: tuple[str, ...], separator: str) -> Path:
    text = "".join(separator.join(line.split()) + "\n" for line in lines)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.mark.parametrize("name", ["pairs.txt", "my pairs.txt.gz"])
@pytest.mark.parametrize(
    ("separator", "called"), [(" ", "spaces"), ("   ", "spaces"), (";", "semicolons"), ("|", "bars")]
)
def test_other_separators(tmp_path: Path, separator: str, called: str, name: str) -> None:
    path = written(tmp_path / name, (HEADER, *ROWS), separator)
    with pytest.raises(UserError, match=f"of the format cbat, but {called} separate them") as raised:
        recognise(path)
    pairs = read_pairs(follow(raised.value.mend), "auto")
    assert pairs[["enhancer_start", "promoter_end", "label"]].to_numpy().tolist() == [
        [100, 1000, 1], [300, 1000, 0]
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("separator", "called", "format_of_rows"),
    [(" ", "spaces", "bedpe"), (",", "commas", "bedpe"), (";", "semicolons", "bedpe")],
)
def test_rows_without_a_header(tmp_path: Path, separator: str, called: str, format_of_rows: str) -> None:
    path = written(tmp_path / "pairs.txt", ROWS, separator)
    with pytest.raises(UserError, match=f"the format {format_of_rows}, but {called} separate") as raised:
        recognise(path)
    assert recognise(follow(raised.value.mend)) == format_of_rows


@pytest.mark.parametrize("separator", ["\t", ",", " ", ";"])
@pytest.mark.parametrize("lost", ["label", "enhancer_chrom", "promoter_end"])
def test_a_column_that_is_missing_is_named(tmp_path: Path, separator: str, lost: str) -> None:
    at = HEADER.split().index(lost)
    lines = [[*line.split()[:at], *line.split()[at + 1 :]] for line in (HEADER, *ROWS)]
    path = written(tmp_path / "pairs.txt", tuple(" ".join(line) for line in lines), separator)
    with pytest.raises(UserError, match=f"nearest to that of the format cbat, of which it lacks {lost}"):
        recognise(path)
