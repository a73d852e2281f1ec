"""The long table is written as it is read, sorted, and checked on both ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cbat.config.sections import ALL_CANDIDATES
from cbat.errors import UserError
from cbat.evaluation.table import COLUMNS, as_table, read_table, write_table


def row(**changes: Any) -> dict[str, Any]:
    return {
        "model": "baseline",
        "seed": 1,
        "cell_line": "K562",
        "role": "unseen",
        "chromosomes": "test",
        "negatives": "balanced",
        "context": "-",
        "n_support": 0,
        "metric": "aupr",
        "value": 2 / 3,
    } | changes


def test_a_table_survives_writing_and_reading(tmp_path: Path) -> None:
    table = as_table([row(), row(cell_line="NA", low=0.1, high=0.9), row(cell_line="12", value=3.0)])
    write_table(tmp_path / "metrics.tsv", table)
    again = read_table(tmp_path / "metrics.tsv")
    assert list(again.columns) == COLUMNS
    assert list(again["cell_line"]) == ["12", "K562", "NA"]
    assert list(again["value"]) == [3.0, pytest.approx(2 / 3, abs=1e-6), pytest.approx(2 / 3, abs=1e-6)]
    assert again["low"].isna().tolist() == [True, True, False]
    assert (tmp_path / "metrics.tsv").read_text().splitlines()[1].endswith("aupr\t3.000000\t\t")


def test_the_order_of_rows_leaves_the_bytes_alone(tmp_path: Path) -> None:
    rows = [row(seed=seed, n_support=size) for seed in (10, 2) for size in (1024, 64)]
    write_table(tmp_path / "one.tsv", as_table(rows))
    write_table(tmp_path / "two.tsv", as_table(rows[::-1]))
    assert (tmp_path / "one.tsv").read_bytes() == (tmp_path / "two.tsv").read_bytes()
    assert list(as_table(rows)["seed"]) == [2, 2, 10, 10], "seeds sort as numbers"


def test_all_candidates_are_a_word_in_the_file_and_the_largest_number_in_memory(tmp_path: Path) -> None:
    table = as_table([row(n_support=ALL_CANDIDATES), row(n_support=0), row(n_support=256)])
    write_table(tmp_path / "metrics.tsv", table)
    lines = [line.split("\t") for line in (tmp_path / "metrics.tsv").read_text().splitlines()]
    at = lines[0].index("n_support")
    assert [line[at] for line in lines[1:]] == ["0", "256", "all"]
    pd.testing.assert_frame_equal(read_table(tmp_path / "metrics.tsv"), table, atol=1e-6)


def test_an_empty_table_has_all_columns(tmp_path: Path) -> None:
    write_table(tmp_path / "metrics.tsv", as_table([]))
    assert list(read_table(tmp_path / "metrics.tsv").columns) == COLUMNS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"role": "test"}, "unknown role 'test'"),
        ({"chromosomes": "all"}, "unknown chromosomes"),
        ({"negatives": "1:1"}, "unknown negatives"),
        ({"context": "right"}, "unknown context"),
        ({"value": float("nan")}, "must be finite"),
    ],
)
def test_strange_rows_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        as_table([row(**changes)])


@pytest.mark.parametrize("context", ["sibling", "insulators:wrong", "genes:none", "active_enhancers:graph"])
def test_landscapes_and_folds_are_admitted(context: str) -> None:
    assert len(as_table([row(context=context, chromosomes="folds")])) == 1
    with pytest.raises(ValueError, match="unknown context"):
        as_table([row(context=f"{context}:twice")])


def test_a_key_occurs_once() -> None:
    with pytest.raises(ValueError, match="two rows have the key baseline 1 K562"):
        as_table([row(), row(value=0.5)])


@pytest.mark.parametrize(
    "text", ["", "model\tseed\n", "\t".join(COLUMNS) + "\n" + "\t".join("x" * 12) + "\n"]
)
def test_a_broken_file_is_refused_by_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "metrics.tsv"
    path.write_text(text)
    with pytest.raises(UserError, match=r"metrics\.tsv.*not a table of metrics"):
        read_table(path)


def test_a_missing_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"absent\.tsv"):
        read_table(tmp_path / "absent.tsv")
