"""A slice of the run on real data: six cell lines, hg19, the three shortest chromosomes that serve."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

CONTIGS = ["chr20", "chr21", "chr22"]
LINES = ["GM12878", "HUVEC", "HeLa-S3", "IMR90", "K562", "NHEK"]
UNSEEN = ["K562", "NHEK"]
EXPRESSION = "57epigenomes.RPKM.pc.gz"
SLICE = """\
splits: {train: [chr22], validation: [chr21], test: [chr20]}
seeds: [1]
evaluation: {support_sizes: [16, 64], headline_support: 64, n_bootstrap: 20}
shards: {support_size: 64, block_size: 16}
"""


def slice_of(table: Path) -> bytes:
    """The lines of a gzip table that name no other chromosome than those of the slice."""
    lines = gzip.decompress(table.read_bytes()).decode().splitlines(keepends=True)
    kept = [line for line in lines if set(re.findall(r"\bchr\w+", line)) - {"chrom"} <= set(CONTIGS)]
    return gzip.compress("".join(kept).encode(), mtime=0)


@pytest.fixture(scope="module")
def finished(shared_dir: Path, new_checkout, tmp_path_factory: pytest.TempPathFactory):
    """The whole chain, in a directory with the files that docs/real_data.md asks for."""
    builder = shared_dir / "tools" / "build_sparse_hg19.py"
    if not builder.is_file():
        pytest.skip(f"no {builder}, which makes the genome")
    directory = tmp_path_factory.mktemp("real")
    given = directory / "resources" / "downloads"
    given.mkdir(parents=True)
    for source, pattern in (
        ("labels/cboep", "TargetFinder-P_CBMF-N.*.csv.gz"),
        ("labels/targetfinder_hic", "*.promoters.bed.gz"),
        ("similarity/peaks", "*"),
    ):
        for file in (shared_dir / "data" / source).glob(pattern):
            (given / file.name).write_bytes(slice_of(file))
    (given / EXPRESSION).symlink_to(shared_dir / "data" / "similarity" / EXPRESSION)
    genome = given / "hg19.fa"
    subprocess.run([sys.executable, str(builder), str(genome), "--contigs", ",".join(CONTIGS)], check=True)

    layers = ["config/targetfinder_hg19.yaml", "config/targetfinder_hg19/similarities.yaml", "slice.yaml"]
    real = new_checkout(directory, layers)
    real.write("slice.yaml", SLICE)
    for model in ("baseline", "graph_manifold"):
        real.set_keys(f"config/models/{model}.yaml", steps=20, support_size=64)
    real.set_keys("config/encoders/motifs.yaml", n_filters=8, refinement_rounds=1)
    done = real.snakemake("--cores", "2")
    assert done.returncode == 0, done.stdout[-20_000:]
    return real


def test_pairs_are_those_of_the_slice(finished) -> None:
    for name in UNSEEN:
        labels = pd.read_parquet(finished.directory / "results" / "labels" / f"{name}.parquet")
        assert set(labels["chrom"]) <= set(CONTIGS)
        assert len(labels) > 20
        # Balanced over the genome, so only roughly here.
        assert 0.25 < labels["label"].mean() < 0.75


def test_no_model_knows_more_than_the_distance(finished) -> None:
    metrics = pd.read_csv(finished.directory / "results" / "summary" / "metrics.tsv", sep="\t")
    aupr = metrics[(metrics["metric"] == "aupr") & (metrics["negatives"] == "balanced")]
    assert {"baseline", "graph_manifold", "distance", "prevalence"} <= set(aupr["model"])
    assert "oracle" not in set(aupr["model"])
    assert set(aupr["cell_line"]) == {*UNSEEN, "macro", "worst"}
    # Positives and negatives share their elements, so sequences should say little: more is a leak.
    macro = aupr[aupr["cell_line"] == "macro"].set_index("model")["value"]
    assert (macro[["baseline", "graph_manifold"]] < macro["distance"] + 0.05).all()
    assert (macro[["baseline", "graph_manifold"]] > 0.3).all()


def test_the_report_is_there(finished) -> None:
    assert (finished.directory / "results" / "report.html").stat().st_size > 100_000


def test_what_is_left_out_is_counted(finished) -> None:
    results = finished.directory / "results"
    report = json.loads((results / "elements" / "training" / "report.json").read_text())
    assert report["left_out_without_sequence"]["enhancer"] > 1000, "the genome is known in part"
    peaks = [one for one in report["files"] if "H3K27ac" in one["file"] or "H3k27ac" in one["file"]]
    assert len(peaks) == 4
    assert all(one["left_out_near_promoters"] > 0 for one in peaks)
    counts = json.loads((results / "labels" / "K562.json").read_text())
    assert counts["left_out"]["without_sequence"] > 0
    sequences = json.loads((results / "sequences" / "unseen" / "manifest.json").read_text())
    assert sequences["fraction_n"] == {"enhancer": 0.0, "promoter": 0.0}


def test_edges_of_unseen_lines_are_for_prediction_alone(finished) -> None:
    kinds = {}
    for scope in ("training", "all"):
        graph = json.loads((finished.directory / "results/graph" / scope / "graph.json").read_text())
        kinds[scope] = {
            frozenset((edge["source"], edge["target"]))
            for edge in graph["edges"]
            if edge["kind"] == "similarity"
        }
    assert kinds["training"]
    assert not any(set(UNSEEN) & edge for edge in kinds["training"])
    assert any(set(UNSEEN) & edge for edge in kinds["all"])


def test_enhancers_tell_their_line_better_than_lots(finished) -> None:
    folder = finished.directory / "results" / "identification" / "motifs" / "seed_1"
    table = pd.read_csv(folder / "identification.tsv", sep="\t").set_index(["version", "n_support"])
    assert table.loc[("known_motifs", 64), "top1_accuracy"] > table["chance"].iloc[0]
    assert set(pd.read_csv(folder / "motifs.tsv", sep="\t")["cell_line"]) <= {*LINES}
