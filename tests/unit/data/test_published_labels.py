"""Published tables are imported whole: rows and positives are counted without this package and compared."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from cbat.data.bed_files import read_candidates
from cbat.data.contigs import SHIPPED, read_contig_names
from cbat.data.importers.bedpe import read_ends
from cbat.data.importers.common import PairSource
from cbat.data.pair_tables import INTERVAL_COLUMNS, read_pairs, recognise
from cbat.data.stored import read_table, write_table

FOLDERS = {"bengi_transepi": "bengi", "cboep": "cboep", "targetfinder_full": "targetfinder"}


TOP = Path(__file__).resolve().parents[3]
DOCUMENT = TOP / "docs" / "data_sources.md"


def documented() -> dict[str, tuple[int, int | None]]:
    """File -> rows and contacts, as the document states them."""
    row = r"^\| `([^`]+\.gz)` \| (?:`\w+`|BED) \| ([\d,]+) \| ([\d,]+|-) \|$"
    rows = re.findall(row, DOCUMENT.read_text(), re.MULTILINE)
    numbers = {
        name: (int(n.replace(",", "")), None if contacts == "-" else int(contacts.replace(",", "")))
        for name, n, contacts in rows
    }
    assert len(numbers) == len(rows)
    return numbers


@pytest.fixture(scope="module")
def labels(shared_dir: Path) -> Path:
    return shared_dir / "data" / "labels"


def rows_of(path: Path, **dialect: str) -> Iterator[list[str]]:
    with gzip.open(path, "rt", newline="") as lines:
        yield from csv.reader(lines, **dialect)


def counted(path: Path, pairs_format: str) -> tuple[int, int]:
    """Rows and positives, by the standard library alone."""
    if pairs_format == "bengi":
        values = [row[0] for row in rows_of(path, delimiter="\t")]
    else:
        header, *rows = rows_of(path)
        values = [row[header.index("label")] for row in rows]
    assert set(values) == {"0", "1"}
    return len(values), values.count("1")


@pytest.mark.parametrize("folder", FOLDERS)
def test_pairs_are_imported_whole_and_survive_our_files(labels: Path, tmp_path: Path, folder: str) -> None:
    files = sorted((labels / folder).glob("*.gz"))
    assert files
    for path in files:
        assert recognise(path) == FOLDERS[folder]
        pairs = read_pairs(path, "auto")
        rows, positives = counted(path, FOLDERS[folder])
        assert (len(pairs), int(pairs["label"].sum())) == (rows, positives), path
        assert documented()[path.name] == (rows, positives)
        assert pairs["line"].is_monotonic_increasing
        output = tmp_path / f"{path.stem}.parquet"
        write_table(output, pairs)
        again = read_table(output, list(pairs.columns), mend="-")
        pd.testing.assert_frame_equal(again, pairs)


def test_names_and_coordinates_agree_where_a_table_has_both(labels: Path) -> None:
    for path in sorted((labels / "cboep").glob("TargetFinder-*.gz")):
        header, *rows = rows_of(path)
        pairs = read_pairs(path, "cboep")
        for role in ("enhancer", "promoter"):
            named = [row[header.index(f"{role}_name")].split("|")[1] for row in rows]
            parts = [pairs[f"{role}_{part}"].astype(str) for part in ("chrom", "start", "end")]
            assert named == (parts[0] + ":" + parts[1] + "-" + parts[2]).tolist(), path


def test_candidates_and_loops_are_imported_whole(labels: Path, tmp_path: Path) -> None:
    folder = labels / "targetfinder_hic"
    beds, lists = sorted(folder.glob("*.bed.gz")), sorted(folder.glob("*looplist.txt.gz"))
    assert {path.name for path in (*beds, *lists)} == {path.name for path in folder.iterdir()}
    for path in beds:
        role = "enhancer" if "enhancers" in path.name else "promoter"
        table = read_candidates(path, role)
        expected = [[row[0], int(row[1]), int(row[2])] for row in rows_of(path, delimiter="\t")]
        assert table[["chrom", "start", "end"]].to_numpy().tolist() == expected
        assert documented()[path.name] == (len(expected), None)
        write_table(tmp_path / "bed.parquet", table)
        pd.testing.assert_frame_equal(
            read_table(tmp_path / "bed.parquet", list(table.columns), mend="-"), table
        )
    for path in lists:
        assert recognise(path) == "loops"
        ends = read_ends(PairSource(path))
        header, *rows = rows_of(path, delimiter="\t")
        assert documented()[path.name] == (len(rows), None)
        assert header[:6] == ["chr1", "x1", "x2", "chr2", "y1", "y2"]
        for side, at in ((ends.first, 0), (ends.second, 3)):
            found = list(zip(*(column.tolist() for column in side), strict=True))
            assert found == [(row[at], int(row[at + 1]), int(row[at + 2])) for row in rows], path


def test_no_pair_is_lost_between_two_layouts(labels: Path) -> None:
    for path in sorted((labels / "targetfinder_full").glob("*.gz")):
        line = path.name.partition(".")[0]
        whole = read_pairs(path, "auto")
        key = [*INTERVAL_COLUMNS]
        positives = set(whole.loc[whole["label"] == 1, key].itertuples(index=False, name=None))
        for negatives in ("CBMF", "CBGS"):
            other = read_pairs(labels / "cboep" / f"TargetFinder-P_{negatives}-N.{line}.csv.gz", "auto")
            assert set(other.loc[other["label"] == 1, key].itertuples(index=False, name=None)) == positives


def test_the_document_counts_every_file_and_no_other(labels: Path) -> None:
    assert documented().keys() == {path.name for path in labels.rglob("*") if path.is_file()}


def test_pairs_of_loops_survive_our_files(labels: Path, tmp_path: Path) -> None:
    """Loops become pairs where candidates lie; those of each line are its H3K27ac peaks and its promoters."""
    folder = labels / "targetfinder_hic"
    peaks = {path.name.partition(".")[0]: path for path in (labels.parent / "similarity/peaks").glob("*7ac*")}
    lists = sorted(folder.glob("*looplist.txt.gz"))
    assert len(lists) == len(peaks) == 6
    for path in lists:
        line = path.name.split("_")[1].replace("HeLa", "HeLa-S3")
        pairs = read_pairs(
            path,
            "auto",
            enhancers=peaks[line],
            promoters=folder / f"{line}.promoters.bed.gz",
            # The lists of loops say 1 where the genome says chr1.
            contigs=read_contig_names(TOP / SHIPPED),
        )
        assert len(pairs) > 500
        assert (pairs["label"] == 1).all()
        assert not pairs.duplicated([*INTERVAL_COLUMNS]).any()
        write_table(tmp_path / "loops.parquet", pairs)
        again = read_table(tmp_path / "loops.parquet", list(pairs.columns), mend="-")
        pd.testing.assert_frame_equal(again, pairs)
