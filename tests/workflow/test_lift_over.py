"""Peaks and genes of another assembly are lifted when a stage reads them."""

from __future__ import annotations

import json

import pandas as pd
import pytest

CHAIN = "".join(
    f"chain 1 {name} 200000 + 0 100000 chr{number} 300000 + 1000 101000 {number}\n100000\n\n"
    for number, name in enumerate(["chr1", "chr2", "chr3"], start=1)
)
"""Everything lies 1,000 bp farther in the other assembly."""
CONFIG = """\
simulation: null
genome: null
cell_lines: lines.tsv
tissues: tissues.tsv
splits: {folds: {one: [chr1], two: [chr2], three: [chr3]}}
landscape: {genes: resources/lifted/genes.bed}
lift_over:
  resources/lifted/u.ctcf.narrowPeak.gz: {chain: over.chain, from: old.narrowPeak}
  resources/lifted/genes.bed: {chain: over.chain, from: resources/downloads/old_genes.bed}
"""
SHEET = """\
cell_line tissue role sex condition pairs pairs_format enhancers promoters insulators
a blood train male normal a.tsv cbat . . a.narrowPeak
u blood unseen male normal u.tsv cbat . . resources/lifted/u.ctcf.narrowPeak.gz
"""
SOURCE = "old_genes 1 https://data.example/genes.bed old_genes.bed . . none CC0 Doe\n"


@pytest.fixture
def lifting(checkout):
    """A project with genes and one line's peaks of another assembly; the old genes are yet to be fetched."""
    starts = range(1000, 90_000, 9000)
    for name, first in (("a", 0), ("old", 50)):
        peaks = [
            f"chr{number} {first + start} {first + start + 400} p 0 . {start} -1 -1 200\n"
            for number in (1, 2, 3)
            for start in starts
        ]
        checkout.write(f"{name}.narrowPeak", "".join(peaks).replace(" ", "\t"))
    checkout.write("a.tsv", "")
    checkout.write("u.tsv", "")
    checkout.write("over.chain", CHAIN)
    checkout.write("my.yaml", CONFIG)
    checkout.write("lines.tsv", SHEET.replace(" ", "\t"))
    checkout.write("tissues.tsv", "tissue\tgerm_layer\tparent\nblood\tmesoderm\t.\n")
    with (checkout.directory / "resources/sources.tsv").open("a") as registry:
        registry.write(SOURCE.replace(" ", "\t"))
    checkout.configuration = ("my.yaml",)
    return checkout


def test_lifting_is_planned_and_feeds_what_reads_the_file(lifting) -> None:
    done = lifting.snakemake("-n", "-p", "--", "results/tracks/u.parquet", "results/genes/genes.parquet")
    assert done.returncode == 0, done.stdout
    commands = [line.split("cbat ", 1)[1] for line in done.stdout.splitlines() if "command: cbat" in line]
    assert sorted(command.split()[0] for command in commands) == [
        "download", "lift_over", "lift_over", "read_genes", "read_tracks",
    ]  # fmt: skip
    lifted = "resources/lifted/u.ctcf.narrowPeak.gz"
    asked = f"lift_over --chain over.chain --input old.narrowPeak --output {lifted}"
    assert [command for command in commands if command.startswith(asked)]
    # Lines whose peaks are of the run's assembly wait for nothing.
    assert lifting.planned("--", "results/tracks/a.parquet") == {"read_tracks"}
    assert "lift_over" in lifting.planned()


def test_lifted_peaks_are_read(lifting) -> None:
    tracks = "results/tracks/u.parquet"
    done = lifting.snakemake("--cores", "1", "--", tracks)
    assert done.returncode == 0, done.stdout
    report = json.loads((lifting.directory / "resources/lifted/u.ctcf.narrowPeak.gz.json").read_text())
    assert report["lifted"] == report["intervals_read"] == 30
    old = pd.read_csv(lifting.directory / "old.narrowPeak", sep="\t", header=None)
    read = pd.read_parquet(lifting.directory / tracks)
    read = read[read["kind"] == "insulators"]
    assert sorted(read["centre"]) == sorted(old[1] + 200 + 1000)
    assert (lifting.directory / "logs/lift_over/resources/lifted/u.ctcf.narrowPeak.gz.log").is_file()
    assert lifting.planned("--", tracks) == set()


def test_a_file_that_cannot_be_lifted_stops_the_run_with_one_message(lifting) -> None:
    lifting.write("over.chain", CHAIN.replace("chr", "hs"))
    done = lifting.snakemake("--cores", "1", "--", "results/tracks/u.parquet")
    assert done.returncode == 1
    assert (
        "no contig of this file is in over.chain: here 'chr1', 'chr2', 'chr3', there 'hs1', 'hs2', "
        in done.stdout
    )
    assert done.stdout.count("Fix:") == 1
