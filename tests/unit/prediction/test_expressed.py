"""Promoters of genes that are not expressed are not predicted, and no score of another pair changes."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pandas as pd
import pytest
from landscape_world import KINDS, NEW, LandscapeWorld, refused

from cbat.cli import main
from cbat.errors import UserError
from cbat.landscape.features import START_RADIUS

WITHIN = ("--max-distance", "400000")


def command(world: LandscapeWorld, directory: Path, *options: str, kinds=KINDS, **files: Path) -> list[str]:
    given = {
        "model": world.model, "candidates": world.raw("enhancers.bed"),
        "promoters": world.raw("promoters.bed"), "directory": directory,
    } | files  # fmt: skip
    named = [part for name, path in given.items() for part in (f"--{name}", str(path))]
    tracks = ["--tracks", *(f"{kind}={world.track(kind)}" for kind in kinds)] if kinds else []
    return ["predict", *named, *tracks, "--cell-line", NEW, "--tissue", "blood", *WITHIN, *options]


def scored(directory: Path) -> pd.DataFrame:
    words = ["chrom", "enhancer_id", "promoter_id", "enhancer_name", "promoter_name", "promoter_strand"]
    table = pd.read_parquet(directory / "pairs").astype(dict.fromkeys(words, str))
    return table.sort_values(["enhancer_id", "promoter_id"], ignore_index=True)


def environment(directory: Path) -> dict:
    return json.loads((directory / "environment.json").read_text())


@pytest.fixture(scope="module")
def every(landscape_world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The line with all of its promoters; to be read only."""
    directory = tmp_path_factory.mktemp("every") / "line"
    assert main(command(landscape_world, directory)) == 0
    return directory


@pytest.fixture(scope="module")
def names(landscape_world) -> list[str]:
    """Names of all promoters of the line."""
    return pd.read_csv(landscape_world.raw("promoters.bed"), sep="\t", header=None)[3].tolist()


def written(path: Path, rows: list[tuple[object, ...]]) -> Path:
    path.write_text("".join("\t".join(map(str, row)) + "\n" for row in rows))
    return path


def assert_same(some: Path, every: Path, kept: set[str]) -> None:
    """All pairs of these genes, as they were, in the landscape that was."""
    wanted = scored(every)
    wanted = wanted[wanted["promoter_name"].isin(kept)].reset_index(drop=True)
    assert len(wanted) > 100
    pd.testing.assert_frame_equal(scored(some), wanted, check_exact=True)
    for name in ("landscape.json", "genes.parquet", "tracks.parquet"):
        prepared = Path("prepared") / name
        assert (some / prepared).read_bytes() == (every / prepared).read_bytes()
    assert set(pd.read_csv(some / "genes.tsv", sep="\t")["gene"]) == kept


@pytest.mark.parametrize("step", [2, 3, 7])
def test_pairs_that_stay_have_the_same_scores(landscape_world, every, names, tmp_path: Path, step) -> None:
    kept = names[::step]
    table = written(tmp_path / "genes.txt", [(name,) for name in kept])
    assert main(command(landscape_world, tmp_path / "line", "--expressed", str(table))) == 0
    assert_same(tmp_path / "line", every, set(kept))


def test_what_is_left_out_is_counted_by_reason(landscape_world, every, names, tmp_path: Path, caplog) -> None:
    absent, below, kept = names[:30], names[30:75], names[75:]
    rows = [("gene", "TPM"), *((one, 1.99) for one in below), *((one, 2) for one in kept), ("OTHER", 50)]
    table = written(tmp_path / "rsem.tsv", rows)
    options = ("--expressed", str(table), "--least-expression", "2")
    caplog.set_level(logging.INFO)
    assert main(command(landscape_world, tmp_path / "line", *options)) == 0
    assert_same(tmp_path / "line", every, set(kept))
    told = environment(tmp_path / "line")["candidates"]
    before = environment(every)["candidates"]
    assert told["enhancer"] == before["enhancer"]
    assert told["promoter"] == before["promoter"] | {
        "left_out_not_in_the_table_of_expression": len(absent), "left_out_not_expressed": len(below),
        "kept_without_a_name": 0, "predicted": len(kept),
    }  # fmt: skip
    assert told["expression"] == {
        "file": str(table), "names": "gene", "measure": "TPM", "least_expression": 2.0,
        "genes": len(below) + len(kept) + 1, "expressed": len(kept) + 1,
    }  # fmt: skip
    assert f"{len(kept)} of {len(names)} promoters are predicted" in caplog.text
    assert "45 left out not expressed" in caplog.text


def test_promoters_without_a_name_stay_and_shared_ones_keep_expressed_names(
    landscape_world, names, tmp_path: Path
) -> None:
    table = pd.read_csv(landscape_world.raw("promoters.bed"), sep="\t", header=None)
    table.loc[:4, 3] = "."
    shared = pd.concat([table, table.iloc[10:12].assign(**{"3": 0}).drop(columns="3")])
    shared.iloc[-2:, 3] = ["QUIET", "LOUD"]
    promoters = tmp_path / "promoters.bed"
    shared.to_csv(promoters, sep="\t", header=False, index=False)
    expressed = written(tmp_path / "genes.txt", [("LOUD",), *((name,) for name in names[10:60])])
    arguments = command(
        landscape_world, tmp_path / "line", "--expressed", str(expressed), promoters=promoters
    )
    assert main(arguments) == 0
    told = environment(tmp_path / "line")
    assert told["candidates"]["promoter"]["kept_without_a_name"] == 5
    assert told["candidates"]["promoter"]["predicted"] == 55
    genes = pd.read_csv(tmp_path / "line" / "genes.tsv", sep="\t")["gene"].tolist()
    places = [f"{row[0]}:{(row[1] + row[2]) // 2}" for row in table.itertuples(index=False)][:5]
    assert set(genes) == {"LOUD", *names[10:60], *places}
    kinds = {one["kind"]: one["message"] for one in told["warnings"]}
    assert kinds["unnamed_genes"].startswith(f"5 of {len(names)} promoters have no name")
    assert kinds["unnamed_genes"].endswith(f"such as {places[0]}")
    page = (tmp_path / "line" / "index.html").read_text()
    assert "unnamed genes" in page


def test_active_promoters_alone(landscape_world, every, names, tmp_path: Path) -> None:
    peaks = pd.read_csv(landscape_world.track("active_promoters"), sep="\t", header=None)
    beds = pd.read_csv(landscape_world.raw("promoters.bed"), sep="\t", header=None)
    active = set()
    for chrom, start, end, name in beds[[0, 1, 2, 3]].itertuples(index=False):
        own, at = peaks[peaks[0] == chrom], (start + end) // 2
        if ((own[1] < at + START_RADIUS) & (own[2] > at - START_RADIUS)).any():
            active.add(name)
    assert 0.5 * len(names) < len(active) < len(names)
    assert main(command(landscape_world, tmp_path / "line", "--active-promoters-only")) == 0
    assert_same(tmp_path / "line", every, active)
    told = environment(tmp_path / "line")["candidates"]["promoter"]
    assert told["left_out_without_active_promoter"] == len(names) - len(active)
    # A promoter that two choices would leave out is counted once.
    table = written(tmp_path / "genes.txt", [(name,) for name in names[::2]])
    both = ("--active-promoters-only", "--expressed", str(table))
    assert main(command(landscape_world, tmp_path / "both", *both)) == 0
    assert_same(tmp_path / "both", every, active & set(names[::2]))
    told = environment(tmp_path / "both")["candidates"]["promoter"]
    lost = sum(n for key, n in told.items() if key.startswith("left_out"))
    assert lost + told["predicted"] == len(names)


def test_another_table_is_another_prediction(landscape_world, names, tmp_path: Path) -> None:
    """What an earlier run has finished in the folder is not taken for this one's."""
    for kept in (names[::2], names[1::2]):
        table = written(tmp_path / "genes.txt", [(name,) for name in kept])
        assert main(command(landscape_world, tmp_path / "line", "--expressed", str(table))) == 0
        assert set(scored(tmp_path / "line")["promoter_name"]) <= set(kept)


def _unnamed(world: LandscapeWorld, folder: Path) -> Path:
    table = pd.read_csv(world.raw("promoters.bed"), sep="\t", header=None)
    table[[0, 1, 2]].to_csv(folder / "three.bed", sep="\t", header=False, index=False)
    return folder / "three.bed"


def _versions(world: LandscapeWorld, folder: Path) -> Path:
    names = pd.read_csv(world.raw("promoters.bed"), sep="\t", header=None)[3]
    return written(folder / "table.tsv", [(f"{name}.7", 3) for name in names])


REFUSED = {
    "names of another kind": (
        lambda w, d: command(
            w, d / "out", "--expressed",
            str(written(d / "t.tsv", [("gene", "TPM"), *((f"ENSG{n:011}", 5) for n in range(99))])),
        ),
        "t.tsv: 0 of 240 promoters are of a gene in the table: it names genes like 'ENSG00000000000' (gene), "
        "and promoters have names like 'GENE_chr1_",
    ),
    "names with versions": (
        lambda w, d: command(w, d / "out", "--expressed", str(_versions(w, d))),
        "they differ by the version at the end of the names ('.1'): take it off",
    ),
    "no gene is expressed": (
        lambda w, d: command(
            w, d / "out", "--least-expression", "9", "--expressed",
            str(written(d / "t.tsv", [(name, 3) for name in
                                      pd.read_csv(w.raw("promoters.bed"), sep="\t", header=None)[3]])),
        ),
        "no promoter is left to predict of 240 (240 left out not expressed)",
    ),
    "promoters without names": (
        lambda w, d: command(
            w, d / "out", "--expressed", str(written(d / "t.txt", [("A",)])), promoters=_unnamed(w, d)
        ),
        "three.bed: only expressed genes are requested, but no promoter has the name of a gene",
    ),
    "no file": (
        lambda w, d: command(w, d / "out", "--expressed", "nowhere.tsv"),
        "nowhere.tsv: the file cannot be read",
    ),
    "a number that is none": (
        lambda w, d: command(
            w, d / "out", "--expressed", str(written(d / "t.tsv", [("A", 1), ("B", 2), ("C", "x")]))
        ),
        "t.tsv, line 3: column 2 is 'x'",
    ),
    "a column without a table": (
        lambda w, d: command(w, d / "out", "--expression-column", "TPM"),
        "the column 'TPM' of a table of expression is given, but no table is given",
    ),
    "active promoters without peaks": (
        lambda w, d: command(w, d / "out", "--active-promoters-only", kinds=["insulators"]),
        "only active promoters are requested, but no peaks of active promoters (H3K4me3) are given",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_one_message_before_any_work(landscape_world, tmp_path: Path, capsys, case: str) -> None:
    make, expected = REFUSED[case]
    refused(make(landscape_world, tmp_path), tmp_path / "out", expected, capsys)


def test_a_model_of_sequences_reads_its_environment_from_all_candidates(world, tmp_path: Path) -> None:
    table = pd.read_csv(world.raw("promoters.bed.gz"), sep="\t", header=None).iloc[:, :3]
    table[3] = [f"GENE{row}" for row in range(len(table))]
    promoters = tmp_path / "promoters.bed"
    table.to_csv(promoters, sep="\t", header=False, index=False)
    kept = table[3].tolist()[::3]
    expressed = written(tmp_path / "genes.txt", [(name,) for name in kept])
    given = {"promoters": promoters, "max_distance": 40_000}
    world.predict(tmp_path / "every", **given)
    world.predict(tmp_path / "some", **given, expressed=expressed)
    wanted, found = scored(tmp_path / "every"), scored(tmp_path / "some")
    wanted = wanted[wanted["promoter_name"].isin(kept)].reset_index(drop=True)
    assert len(wanted) > 100
    pd.testing.assert_frame_equal(found, wanted, check_exact=True)
    support = [(tmp_path / name / "support.tsv").read_bytes() for name in ("every", "some")]
    assert support[0] == support[1]


def test_a_model_of_sequences_reads_no_peaks_of_promoters(world, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the model reads no peaks"):
        world.prepare(tmp_path / "out", active_promoters_only=True)
    assert not (tmp_path / "out").exists()
