"""Tables of genes and enhancers agree with what can be counted from the scored pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.prediction.per_gene import ENHANCER_COLUMNS, GENE_COLUMNS, write_tables
from cbat.prediction.plan import Counts, Plan, pairs_file, write_plan
from cbat.prediction.scored_pairs import empty_columns, write_pairs

CHROMOSOMES = {"chr1": 9, "chr2": 4}
NAMES = {"chr1": ["A", "B,C", ".", "A", "D"], "chr2": ["B2", "E", "F", "."]}


def elements(role: str, width: int) -> pd.DataFrame:
    parts = []
    for chrom, n in CHROMOSOMES.items():
        names = NAMES[chrom] if role == "promoter" else [f"e{k}" if k % 2 else "." for k in range(n)]
        start = 1000 * np.arange(1, len(names) + 1) + (500 if role == "promoter" else 0)
        ids = [f"{chrom}:{at}-{at + width}" for at in start]
        parts.append(
            pd.DataFrame(
                {
                    "element_id": ids, "chrom": chrom, "start": start, "end": start + width,
                    "strand": "+" if role == "promoter" else ".", "source_start": start - 10,
                    "source_end": start + 10, "name": names,
                }
            )
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def line(tmp_path: Path) -> tuple[Path, Plan, list[Path], pd.DataFrame]:
    """A folder with scored pairs of two chromosomes, and these pairs as one table."""
    tables = {"enhancer": elements("enhancer", 100), "promoter": elements("promoter", 200)}
    rng = np.random.default_rng(5)
    counts, paths, every = {}, [], []
    for chrom in CHROMOSOMES:
        own = {role: table[table["chrom"] == chrom].reset_index(drop=True) for role, table in tables.items()}
        # The last enhancer and the last promoter have no pair.
        grid = [(e, p) for e in range(len(own["enhancer"]) - 1) for p in range(len(own["promoter"]) - 1)]
        columns = empty_columns(len(grid))
        columns["enhancer"][:], columns["promoter"][:] = np.array(grid).T
        columns["distance"][:] = rng.integers(1000, 9000, len(grid))
        columns["score"] = np.round(rng.normal(size=len(grid)), 1)
        columns["probability"] = 1.0 / (1.0 + np.exp(-columns["score"]))
        columns["contact"] = columns["score"] > 0.8
        columns["rank"] = np.ones(len(grid), dtype=np.int32)
        paths.append(pairs_file(tmp_path, chrom))
        paths[-1].parent.mkdir(exist_ok=True)
        write_pairs(paths[-1], columns, own, chrom)
        counts[chrom] = Counts(len(own["enhancer"]), len(own["promoter"]), len(grid))
        every.append(pd.read_parquet(paths[-1]).astype({"enhancer_name": str, "promoter_name": str}))
    plan = Plan("mine", "x", None, 1.0, 0.5, 0, 10_000, counts)
    write_plan(tmp_path, plan, tables)
    return tmp_path, plan, paths, pd.concat(every, ignore_index=True)


def read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, sep="\t", na_values=".", keep_default_na=False)


def test_each_gene_has_its_enhancers(line) -> None:
    directory, plan, paths, pairs = line
    write_tables(directory, paths, plan)
    table = read(directory / "genes.tsv")
    assert list(table.columns) == GENE_COLUMNS
    without = ["chr1:3600", "chr2:4600"]
    assert table["gene"].tolist() == ["A", "B", "C", without[0], "D", "B2", "E", "F", without[1]]
    table = table.set_index("gene")
    label = pairs["enhancer_name"].where(
        pairs["enhancer_name"] != ".",
        pairs["chrom"].astype(str)
        + ":"
        + pairs["enhancer_start"].astype(str)
        + "-"
        + pairs["enhancer_end"].astype(str),
    )
    for gene in ("A", "B", "C", "B2"):
        own = pairs[[gene in names.split(",") for names in pairs["promoter_name"]]]
        best = own.sort_values("score", ascending=False, kind="stable").iloc[0]
        called = own[own["contact"]].sort_values("score", ascending=False, kind="stable")
        row = table.loc[gene]
        assert row["pairs"] == len(own)
        assert row["best_score"] == pytest.approx(best["score"])
        ends = ["enhancer_start", "enhancer_end"]
        assert row[[f"best_{end}" for end in ends]].tolist() == best[ends].tolist()
        assert row["best_share"] == pytest.approx(best["probability"] / own["probability"].sum(), rel=1e-5)
        names = list(dict.fromkeys(label[called.index]))
        assert row["called"] == len(names)
        if names:
            assert row["enhancers"] == ",".join(names)
    # A has two promoters; the table holds the span of both.
    assert table.loc["A", ["promoters", "start", "end"]].tolist() == [2, 1490, 4510]


def test_an_element_without_pairs_has_a_row_of_its_own(line) -> None:
    directory, plan, paths, _ = line
    write_tables(directory, paths, plan)
    genes = read(directory / "genes.tsv").set_index("gene")
    assert genes.loc["D", ["pairs", "called"]].tolist() == [0, 0]
    assert (
        genes.loc["D", ["best_enhancer", "best_enhancer_start", "best_distance", "best_score"]].isna().all()
    )
    enhancers = read(directory / "enhancers.tsv")
    assert list(enhancers.columns) == ENHANCER_COLUMNS
    assert len(enhancers) == sum(CHROMOSOMES.values())
    assert enhancers.iloc[8][["pairs", "called"]].tolist() == [0, 0]
    assert enhancers["best_gene"].isna().sum() == 2


def test_each_enhancer_has_its_genes(line) -> None:
    directory, plan, paths, pairs = line
    write_tables(directory, paths, plan)
    table = read(directory / "enhancers.tsv")
    for row in table[table["pairs"] > 0].itertuples():
        own = pairs[(pairs["chrom"] == row.chrom) & (pairs["enhancer_start"] == row.start)]
        called = own[own["contact"]]
        best = own.sort_values("score", ascending=False, kind="stable").iloc[0]
        assert row.pairs == len(own)
        assert row.best_score == pytest.approx(best["score"])
        assert (
            row.called
            == called["promoter_name"]
            .where(called["promoter_name"] != ".", called["promoter_id"].astype(str))
            .nunique()
        )
        assert row.start == best["enhancer_start"]


def test_pairs_that_come_in_pieces_give_the_same_tables(line, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, plan, paths, _ = line
    write_tables(directory, paths, plan)
    before = [(directory / name).read_bytes() for name in ("genes.tsv", "enhancers.tsv")]
    for path in paths:
        table = pd.read_parquet(path)
        table.to_parquet(path, row_group_size=3, index=False)
    write_tables(directory, paths, plan)
    assert [(directory / name).read_bytes() for name in ("genes.tsv", "enhancers.tsv")] == before
