"""What the rules make of the toy world, read as the next stage would."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sheets import TRACK_KINDS
from cbat.data.shards import read_shard

TRAINING = ["blood_1", "brain_1", "liver_1", "skin_1"]
UNSEEN = ["blood_2", "liver_2", "skin_2"]
COHORTS = [("training", TRAINING), ("unseen", UNSEEN)]
WINDOWS = {"enhancer": 300, "promoter": 400}
SPLITS = {"train": ["chr1", "chr2", "chr3", "chr4"], "validation": ["chr5"], "test": ["chr6", "chr7", "chr8"]}


@pytest.fixture(scope="module")
def results(toy) -> Path:
    return toy.directory / "results"


def sequences_of(path: Path) -> dict[str, str]:
    """Contig -> sequence of a plain or gzip FASTA."""
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    records = [record.split("\n", 1) for record in text.decode().split(">")[1:]]
    return {name.split()[0]: text.replace("\n", "") for name, text in records}


def test_the_genome_is_unpacked_as_it_was_given(results: Path) -> None:
    given = sequences_of(results / "simulation" / "genome.fa.gz")
    assert sequences_of(results / "genome" / "genome.fa") == given
    sizes = pd.read_csv(results / "genome" / "contig_sizes.tsv", sep="\t", index_col="contig")["length"]
    assert sizes.to_dict() == {name: len(text) for name, text in given.items()}


@pytest.mark.parametrize(("cohort", "lines"), COHORTS)
@pytest.mark.parametrize("role", WINDOWS)
def test_elements_are_windows_of_one_length_on_split_chromosomes(
    results: Path, cohort: str, lines: list[str], role: str
) -> None:
    elements = pd.read_parquet(results / "elements" / cohort / f"{role}.parquet")
    assert set(elements["end"] - elements["start"]) == {WINDOWS[role]}
    assert elements["element_id"].is_unique
    home = {name: split for split, names in SPLITS.items() for name in names}
    assert list(elements["split"]) == [home[name] for name in elements["chrom"]]
    candidates = pd.read_parquet(results / "elements" / cohort / "candidates.parquet")
    assert set(candidates["cell_line"]) == set(lines)
    assert set(candidates.loc[candidates["role"] == role, "element"]) <= set(range(len(elements)))


@pytest.mark.parametrize("cohort", ["training", "unseen"])
@pytest.mark.parametrize("role", WINDOWS)
def test_sequences_are_the_windows_of_the_genome(results: Path, cohort: str, role: str) -> None:
    genome = sequences_of(results / "simulation" / "genome.fa.gz")
    elements = pd.read_parquet(results / "elements" / cohort / f"{role}.parquet")
    codes = np.load(results / "sequences" / cohort / f"{role}.npy", allow_pickle=False)
    assert codes.shape == (len(elements), WINDOWS[role])
    for row in range(0, len(elements), 37):
        chrom, start, end = elements.loc[row, ["chrom", "start", "end"]]
        inside = genome[chrom][max(start, 0) : end]
        expected = ("N" * max(-start, 0) + inside).ljust(end - start, "N").upper()
        assert "".join("ACGTN"[code] for code in codes[row]) == expected


@pytest.mark.parametrize("cell_line", ["blood_1", "liver_2"])
def test_labels_are_the_pairs_that_were_given(results: Path, cell_line: str) -> None:
    given = pd.read_csv(results / "simulation" / "raw" / cell_line / "pairs.tsv.gz", sep="\t")
    labels = pd.read_parquet(results / "labels" / f"{cell_line}.parquet")
    assert len(labels) == len(given)
    assert labels["label"].sum() == given["label"].sum()
    assert not labels.duplicated(["enhancer", "promoter"]).any()
    assert labels["distance"].between(0, 200_000).all()


def test_the_graph_for_training_knows_no_unseen_line(results: Path) -> None:
    graphs = {
        scope: json.loads((results / "graph" / scope / "graph.json").read_text())
        for scope in ("training", "all")
    }
    names = {
        scope: {node["name"] for node in graph["nodes"] if node["kind"] == "cell_line"}
        for scope, graph in graphs.items()
    }
    assert names == {"training": set(TRAINING), "all": {*TRAINING, *UNSEEN}}
    assert not any(name in json.dumps(graphs["training"]) for name in UNSEEN)


@pytest.mark.parametrize("cell_line", ["skin_1", "liver_2"])
def test_shards_hold_every_pair_once_and_supports_apart_from_queries(results: Path, cell_line: str) -> None:
    shard = read_shard(results / "shards" / cell_line)
    labels = pd.read_parquet(results / "labels" / f"{cell_line}.parquet")
    assert len(shard.pairs) == len(labels)
    assert shard.pairs["label"].sum() == labels["label"].sum()
    for block, queries in shard.pairs.groupby("block"):
        assert queries["split"].nunique() == 1
        for role, name in enumerate(WINDOWS):
            support = shard.support[block]
            assert not set(support[support[:, 0] == role, 1]) & set(queries[name])


@pytest.mark.parametrize("model", ["baseline", "graph_manifold"])
def test_a_model_directory_names_no_unseen_line(results: Path, model: str) -> None:
    from safetensors.numpy import load_file

    directory = results / "models" / model / "seed_1"
    text = (directory / "model.json").read_text()
    assert json.loads(text)
    assert not any(name in text for name in UNSEEN)
    weights = load_file(directory / "model.safetensors")
    assert weights
    assert all(np.isfinite(array).all() for array in weights.values())
    history = [json.loads(line) for line in (directory / "history.jsonl").read_text().splitlines()]
    assert history


@pytest.mark.parametrize("model", ["baseline", "graph_manifold"])
@pytest.mark.parametrize("cell_line", ["blood_2", "liver_2"])
def test_every_test_pair_is_scored_once_in_every_context(results: Path, model: str, cell_line: str) -> None:
    scored = pd.read_parquet(results / "evaluation" / model / "seed_1" / cell_line / "scored_pairs.parquet")
    labels = pd.read_parquet(results / "labels" / f"{cell_line}.parquet")
    wanted = labels[labels["split"] == "test"].set_index(["enhancer_id", "promoter_id"])["label"].sort_index()
    assert np.isfinite(scored["score"]).all()
    contexts = {"own", "none", "mean", "wrong", "sibling", "shuffled", "graph"}
    of_kinds = {
        f"{kind}:{source}" for kind in TRACK_KINDS for source in ("wrong", "sibling", "graph", "none")
    }
    assert set(scored["context"]) == ({"-"} if model == "baseline" else contexts | of_kinds)
    for _, pairs in scored.groupby(["context", "n_support"]):
        got = pairs.set_index(["enhancer_id", "promoter_id"])["label"].sort_index()
        pd.testing.assert_series_equal(got, wanted, check_dtype=False)
