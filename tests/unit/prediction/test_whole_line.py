"""A whole line in one command: outputs, restarts, any number of processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest

from cbat.cli import main
from cbat.data.pair_tables import read_pairs
from cbat.model.about import read_description
from cbat.prediction import score
from cbat.prediction.tracks import BEDPE_COLUMNS, INTERACT_COLUMNS
from cbat.written import RECORD

JOURNAL = "progress.json"


def command(world, directory: Path, *options: str, **files: Path) -> list[str]:
    given = {
        "model": world.model, "genome": world.fasta, "candidates": world.raw("enhancers.bed.gz"),
        "promoters": world.raw("promoters.bed.gz"), "directory": directory,
    } | {name.replace("_", "-"): path for name, path in files.items()}  # fmt: skip
    named = [part for name, path in given.items() for part in (f"--{name}", str(path))]
    return ["predict", *named, "--cell-line", "liver_2", "--tissue", "liver", *options]


def contents(directory: Path) -> dict[str, bytes]:
    """All outputs but the journal, the record of them and the genome."""
    files = [path for path in directory.rglob("*") if path.is_file() and "genome" not in path.parts]
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in files
        if path.name not in (JOURNAL, RECORD)
    }


@pytest.fixture(scope="module")
def finished(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be read only."""
    directory = tmp_path_factory.mktemp("predicted") / "liver_2"
    assert main(command(world, directory, "--max-distance", "60000")) == 0
    return directory


@pytest.fixture(scope="module")
def pairs(finished: Path) -> pd.DataFrame:
    return pd.read_parquet(finished / "pairs")


@pytest.fixture(scope="module")
def table(finished: Path) -> pd.DataFrame:
    table = pd.read_csv(finished / "predictions.bedpe.gz", sep="\t")
    assert tuple(table.columns) == ("#chrom1", *BEDPE_COLUMNS[1:])
    return table


def test_every_pair_of_the_candidates_within_the_distance_is_there(world, table: pd.DataFrame) -> None:
    beds = {}
    for role in ("enhancers", "promoters"):
        bed = pd.read_csv(world.raw(f"{role}.bed.gz"), sep="\t", header=None, usecols=[0, 1, 2])
        bed.columns = ["chrom", "start", "end"]
        beds[role] = bed.assign(centre=(bed["start"] + bed["end"]) // 2)
    both = beds["enhancers"].merge(beds["promoters"], on="chrom", suffixes=("_e", "_p"))
    about, _ = read_description(world.model / "model.json")
    shortest = about.training.distances[0]
    assert shortest > 0
    both = both[(both["centre_e"] - both["centre_p"]).abs().between(shortest, 60_000)]
    expected = set(
        zip(both["chrom"], both["start_e"], both["end_e"], both["start_p"], both["end_p"], strict=True)
    )
    found = table[["#chrom1", "start1", "end1", "start2", "end2"]].itertuples(index=False, name=None)
    assert set(found) == expected
    assert len(table) == len(expected) > 1000


def test_scores_ranks_and_contacts(table: pd.DataFrame) -> None:
    difference = table["intrinsic_potential"] - table["environment_resistance"]
    np.testing.assert_allclose(table["score"], difference, atol=2e-6)
    # Temperature and threshold of the model.
    np.testing.assert_allclose(table["probability"], 1 / (1 + np.exp(-table["score"] / 1.3)), atol=2e-6)
    assert ((table["probability"] >= 0.4) == (table["contact"] == 1)).all()
    for _, part in table.groupby("promoter_id"):
        ordered = part.sort_values("rank")
        assert ordered["rank"].tolist() == list(range(1, len(part) + 1))
        assert ordered["score"].is_monotonic_decreasing


def test_the_table_can_be_asked_for_a_region(finished: Path, table: pd.DataFrame) -> None:
    with pysam.TabixFile(str(finished / "predictions.bedpe.gz")) as file:
        assert file.contigs == [f"chr{n}" for n in range(1, 6)]
        assert file.header[0].startswith("#chrom1\tstart1")
        rows = [row.split("\t") for row in file.fetch("chr2", 10_000, 20_000)]
    there = table[(table["#chrom1"] == "chr2") & (table["start1"] < 20_000) & (table["end1"] > 10_000)]
    assert [int(row[1]) for row in rows] == there["start1"].tolist()


def test_the_table_is_a_bedpe_that_the_importer_reads(finished: Path, table: pd.DataFrame) -> None:
    read = read_pairs(finished / "predictions.bedpe.gz", "bedpe", score_threshold=0.0)
    assert read["enhancer_start"].tolist() == table["start1"].tolist()
    assert ((read["label"] == 1) == (table["score"] >= 0.0)).all()


def test_tracks_hold_the_contacts(finished: Path, table: pd.DataFrame) -> None:
    contacts = table[table["contact"] == 1]
    lines = (finished / "contacts.interact").read_text().splitlines()
    assert lines[0].startswith('track type=interact name="liver_2"')
    assert lines[1] == "#" + "\t".join(INTERACT_COLUMNS)
    arcs = pd.read_csv(finished / "contacts.interact", sep="\t", skiprows=1)
    assert len(arcs) == len(contacts) > 0
    assert (arcs["#chrom"].tolist(), arcs["chromStart"].tolist()) == (
        arcs.sort_values(["#chrom", "chromStart"])["#chrom"].tolist(),
        arcs.sort_values(["#chrom", "chromStart"])["chromStart"].tolist(),
    )
    assert (arcs["chromStart"] == arcs[["sourceStart", "targetStart"]].min(axis=1)).all()
    assert (arcs["chromEnd"] == arcs[["sourceEnd", "targetEnd"]].max(axis=1)).all()
    assert arcs["score"].between(400, 1000).all()
    with pysam.TabixFile(str(finished / "contacts.longrange.gz")) as file:
        rows = [row.split("\t") for row in file.fetch()]
    assert len(rows) == 2 * len(contacts)
    ends = {(row[0], int(row[1]), int(row[2]), row[3].split(",")[0]) for row in rows}
    one = contacts.iloc[0]
    mate = f"{one['#chrom1']}:{one['start2']}-{one['end2']}"
    assert (one["#chrom1"], one["start1"], one["end1"], mate) in ends


def test_tracks_may_be_cut_to_the_most_probable(world, finished: Path, table, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "out", symlinks=True)
    assert main(command(world, tmp_path / "out", "--max-distance", "60000", "--track-pairs", "7")) == 0
    kept = pd.read_csv(tmp_path / "out" / "contacts.bedpe", sep="\t")
    assert len(kept) == 7
    assert kept["probability"].min() >= table["probability"].nlargest(8).iloc[-1]
    # Only the tracks are written anew.
    for name in ("predictions.bedpe.gz", "pairs/chr1.parquet"):
        assert (tmp_path / "out" / name).read_bytes() == (finished / name).read_bytes()


def test_processes_do_not_change_a_byte(world, finished: Path, tmp_path: Path) -> None:
    assert main(command(world, tmp_path / "out", "--max-distance", "60000", "--threads", "2")) == 0
    assert contents(tmp_path / "out") == contents(finished)


def test_a_run_that_was_stopped_goes_on(world, finished: Path, tmp_path: Path, monkeypatch) -> None:
    asked: list[str] = []
    honest = score.run

    def stopping(**given) -> None:
        asked.append(given["chromosome"])
        if len(asked) == 3:
            raise KeyboardInterrupt
        honest(**given)

    monkeypatch.setattr(score, "run", stopping)
    assert main(command(world, tmp_path / "out", "--max-distance", "60000")) == 130
    assert not (tmp_path / "out" / "predictions.bedpe.gz").exists()
    done = asked[:2]
    assert main(command(world, tmp_path / "out", "--max-distance", "60000")) == 0
    assert not set(asked[3:]) & set(done)
    assert len(asked[3:]) == 3
    assert contents(tmp_path / "out") == contents(finished)


@pytest.mark.parametrize("spoil", ["damage", "remove"])
def test_a_finished_chromosome_that_was_spoilt_is_scored_anew(
    world, finished: Path, tmp_path: Path, monkeypatch, spoil: str
) -> None:
    shutil.copytree(finished, tmp_path / "out", symlinks=True)
    path = tmp_path / "out" / "pairs" / "chr3.parquet"
    path.unlink() if spoil == "remove" else path.write_bytes(path.read_bytes()[:-50])
    asked: list[str] = []
    honest = score.run
    monkeypatch.setattr(score, "run", lambda **given: (asked.append(given["chromosome"]), honest(**given)))
    assert main(command(world, tmp_path / "out", "--max-distance", "60000")) == 0
    assert asked == ["chr3"]
    assert contents(tmp_path / "out") == contents(finished)


def test_other_inputs_or_settings_start_anew(world, finished: Path, tmp_path: Path) -> None:
    shutil.copytree(finished, tmp_path / "out", symlinks=True)
    before = json.loads((tmp_path / "out" / JOURNAL).read_text())
    options = ("--max-distance", "30000", "--chromosomes", "chr1", "chr2")
    assert main(command(world, tmp_path / "out", *options)) == 0
    after = json.loads((tmp_path / "out" / JOURNAL).read_text())
    assert before["key"] != after["key"]
    assert sorted(path.name for path in (tmp_path / "out" / "pairs").iterdir()) == [
        "chr1.parquet", "chr2.parquet",
    ]  # fmt: skip
    assert pd.read_parquet(tmp_path / "out" / "pairs")["distance"].max() <= 30_000


def test_the_summary_counts(finished: Path, pairs: pd.DataFrame) -> None:
    summary = pd.read_csv(finished / "summary.tsv", sep="\t").set_index("chrom")
    assert list(summary.index) == [f"chr{n}" for n in range(1, 6)]
    assert summary["pairs"].to_dict() == pairs["chrom"].astype(str).value_counts().to_dict()
    assert summary["contacts"].sum() == pairs["contact"].sum()


def test_names_of_genes_reach_the_tables(world, tmp_path: Path) -> None:
    bed = pd.read_csv(world.raw("promoters.bed.gz"), sep="\t", header=None).iloc[:, :3]
    bed = bed[bed[0] == "chr1"]
    gtf = [
        f'chr1\tme\tgene\t{start + 201}\t{start + 5000}\t.\t+\t.\tgene_id "G{n}"; gene_name "N {n}";'
        for n, start in enumerate(bed[1])
    ]
    (tmp_path / "genes.gtf").write_text("\n".join(gtf) + "\n")
    files = {"promoters": tmp_path / "genes.gtf"}
    options = ("--chromosomes", "chr1", "--max-distance", "20000")
    assert main(command(world, tmp_path / "out", *options, **files)) == 0
    table = pd.read_csv(tmp_path / "out" / "predictions.bedpe.gz", sep="\t")
    assert set(table["strand2"]) == {"+"}
    assert table["name"].str.match(r"N_\d+$").all()
    by_name = table.drop_duplicates("name").set_index("name")
    start = int(bed[1].iloc[0])
    assert by_name.loc["N_0", "start2"] == start + 200


def test_files_of_pairs_are_known_by_their_names(world, finished: Path, tmp_path: Path, capsys) -> None:
    """A scheduler may hand them over in any order, but not others and not too few."""
    out = Path(shutil.copytree(finished, tmp_path / "out", symlinks=True))
    files = sorted((out / "pairs").iterdir(), reverse=True)
    given = ["gather_predictions", "--directory", str(out), "--settings", "{}", "--pairs"]
    assert main([*given, *map(str, files)]) == 0
    assert contents(out) == contents(finished)
    for wrong in (files[1:], [*files, files[0]]):
        assert main([*given, *map(str, wrong)]) == 2
        assert "and the plan has chr1.parquet, chr2.parquet" in capsys.readouterr().err


def test_an_input_in_the_way_of_an_output_stops_before_any_work(world, tmp_path: Path, capsys) -> None:
    directory = tmp_path / "line"
    directory.mkdir()
    for name in ("genes.tsv", "summary.tsv"):
        shutil.copy(world.raw("enhancers.bed.gz"), directory / name)
    before = (directory / "genes.tsv").read_bytes()
    linked = tmp_path / "candidates.bed.gz"
    linked.symlink_to(directory / "genes.tsv")
    for given in (directory / "genes.tsv", directory / "summary.tsv", linked):
        assert main(command(world, directory, candidates=given)) == 2
        assert "would overwrite this file" in capsys.readouterr().err
    assert (directory / "genes.tsv").read_bytes() == before
    assert sorted(path.name for path in directory.iterdir()) == ["genes.tsv", "summary.tsv"]
