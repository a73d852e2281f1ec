"""Text for genome browsers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from cbat.prediction.gather import most_probable
from cbat.prediction.tracks import as_text, bedpe, indexed_text, interact, longrange


@pytest.fixture
def pairs() -> pd.DataFrame:
    return pd.DataFrame(
        {
            "chrom": ["chr1", "chr1"], "enhancer_start": [500, 900], "enhancer_end": [600, 950],
            "promoter_start": [100, 2000], "promoter_end": [160, 2100], "enhancer_id": ["e1", "e2"],
            "enhancer_name": [".", "peak"], "promoter_id": ["p1", "p2"], "promoter_name": ["GENE", "."],
            "promoter_strand": ["+", "."], "distance": [420, 1125],
            "intrinsic_potential": np.array([1.25, 3.0], dtype=np.float32),
            "environment_resistance": np.array([0.25, 2.0], dtype=np.float32),
            "score": [1.0, 1.0], "probability": [0.7310585786, 0.7310585786], "rank": [1, 1],
            "contact": [True, False], "abc": np.array([0.125, np.nan], dtype=np.float32),
            "enhancer_share": np.array([0.25, 0.5], dtype=np.float32),
        }
    )  # fmt: skip


def test_bedpe(pairs: pd.DataFrame) -> None:
    first = as_text(bedpe(pairs)).decode().splitlines()[0].split("\t")
    assert first == [
        "chr1", "500", "600", "chr1", "100", "160", "GENE", "1", ".", "+", "1.25", "0.25", "0.731059", "1",
        "1", "420", "e1", "p1", "0.125", "0.25", ".", ".",
    ]  # fmt: skip
    without = as_text(bedpe(pairs.assign(abc=np.nan))).decode().splitlines()
    assert [line.split("\t")[-4:-2] for line in without] == [[".", "0.25"], [".", "0.5"]]
    told = pairs.assign(probability_low=[0.25, 0.5], probability_high=[0.75, 1.0])
    ends = [line.split("\t")[-2:] for line in as_text(bedpe(told)).decode().splitlines()]
    assert ends == [["0.25", "0.75"], ["0.5", "1"]]


def test_interact_names_elements_and_orders_by_the_left_end(pairs: pd.DataFrame) -> None:
    rows = [line.split("\t") for line in as_text(interact(pairs, "HUVEC")).decode().splitlines()]
    assert rows[0][:8] == ["chr1", "100", "600", "chr1:500-600/GENE", "731", "1", "HUVEC", "#1b6ca8"]
    assert rows[0][8:] == ["chr1", "500", "600", "chr1:500-600", ".", "chr1", "100", "160", "GENE", "+"]
    assert rows[1][3] == "peak/chr1:2000-2100"


def test_longrange_has_both_ends_in_order(pairs: pd.DataFrame) -> None:
    assert as_text(longrange(pairs)).decode() == (
        "chr1\t100\t160\tchr1:500-600,0.731059\n"
        "chr1\t500\t600\tchr1:100-160,0.731059\n"
        "chr1\t900\t950\tchr1:2000-2100,0.731059\n"
        "chr1\t2000\t2100\tchr1:900-950,0.731059\n"
    )


def test_text_of_pieces_of_which_some_are_empty(pairs: pd.DataFrame) -> None:
    table = bedpe(pairs)
    pieces = [table.iloc[:0], table, table.iloc[:0]]
    as_text(pd.concat([table] * 50, ignore_index=True))
    assert as_text(pd.concat(pieces, ignore_index=True)) == as_text(table)
    assert as_text(table.iloc[:0]) == b""


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, pairs: pd.DataFrame) -> None:
    path = tmp_path / "table.gz"

    def write(fail: bool) -> None:
        with indexed_text(path) as file:
            file.comment(["chrom", "start", "end", "mate"])
            file.write(longrange(pairs))
            if fail:
                raise RuntimeError

    write(fail=False)
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    with pytest.raises(RuntimeError):
        write(fail=True)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir()} == before
    assert sorted(before) == ["table.gz", "table.gz.tbi"]
    with pysam.TabixFile(str(path)) as file:
        assert len(list(file.fetch("chr1", 0, 700))) == 2


def test_an_empty_table_is_a_table(tmp_path: Path) -> None:
    with indexed_text(tmp_path / "table.gz") as file:
        file.comment(["chrom", "start", "end"])
    with pysam.TabixFile(str(tmp_path / "table.gz")) as file:
        assert file.contigs == []


def test_the_most_probable_contacts_are_found_piece_by_piece(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    # Few values, so that many are equal.
    tables = [
        pd.DataFrame({"probability": rng.integers(5, size=n) / 5.0, "contact": rng.random(n) < 0.7})
        for n in (50, 1, 300, 7)
    ]
    paths = [tmp_path / f"{number}.parquet" for number in range(len(tables))]
    for path, table in zip(paths, tables, strict=True):
        table.to_parquet(path, row_group_size=20, index=False)
    every = pd.concat(tables, ignore_index=True)
    contacts = every[every["contact"]].reset_index(drop=True)
    for most in (0, 1, 40, 100, 1000):
        expected = contacts.sort_values("probability", ascending=False, kind="stable").index[:most]
        assert most_probable(paths, most).tolist() == sorted(expected)
