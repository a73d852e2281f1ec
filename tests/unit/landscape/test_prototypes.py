"""Lines without labelled pairs tell what the graph expects, and peaks of another assembly are told."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import GraphSettings
from cbat.config.sheets import TRACK_KINDS, CellLine, Tissue
from cbat.data.stored import write_table
from cbat.errors import UserError
from cbat.graph.build import build_graph
from cbat.landscape import pairs
from cbat.landscape.features import FEATURES, GENES

LENGTH = 4_000_000
STARTS = np.arange(100_000, LENGTH, 40_000)
ROLES = {"k": "train", "p": "prototype", "q": "prototype"}


def tracks_of(seed: int, *, promoters_at: np.ndarray = STARTS) -> pd.DataFrame:
    """Peaks of all kinds in one chromosome, those of promoters where they are asked for."""
    rng = np.random.default_rng(seed)
    parts = []
    for kind in TRACK_KINDS:
        start = np.sort(rng.choice(LENGTH // 1000, 80, replace=False)) * 1000
        if kind == "active_promoters":
            start = promoters_at - 200
        activity = -np.log((rng.permutation(len(start)) + 0.5) / len(start))
        parts.append(
            pd.DataFrame({
                "kind": kind, "chrom": "chr1", "start": start, "end": start + 400, "centre": start + 200,
                "signal": 1.0, "activity": activity.astype(np.float32), "strand": ".",
            })
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """Labelled pairs of the line ``k``, tracks of three lines, genes and a graph."""
    rng = np.random.default_rng(1)
    ends = {role: np.sort(rng.integers(1_000_000, 3_000_000, 30)) for role in ("enhancer", "promoter")}
    for role, start in ends.items():
        write_table(tmp_path / f"{role}.parquet", pd.DataFrame({"start": start, "end": start + 200}))
    enhancer, promoter = rng.integers(0, 30, 50), rng.integers(0, 30, 50)
    labels = pd.DataFrame({
        "enhancer": enhancer, "promoter": promoter,
        "enhancer_id": enhancer.astype(str), "promoter_id": promoter.astype(str), "label": np.arange(50) % 2,
        "distance": abs(ends["enhancer"][enhancer] - ends["promoter"][promoter]),
        "chrom": "chr1", "split": "train",
    })  # fmt: skip
    write_table(tmp_path / "labels.parquet", labels)
    genes = {
        "chrom": "chr1",
        "position": STARTS,
        "strand": "+",
        "name": "g",
        "biotype": ".",
        "promoter_class": 0,
    }
    write_table(tmp_path / "genes.parquet", pd.DataFrame(genes))
    (tmp_path / "genes.json").write_text('{"file": "my_genes.gtf"}')
    for seed, line in enumerate(ROLES):
        write_table(tmp_path / f"{line}.parquet", tracks_of(seed))
    (tmp_path / "graph.json").write_text(json.dumps(graph_of(ROLES)))
    return tmp_path


def graph_of(roles: dict[str, str]) -> dict[str, object]:
    rows = [
        CellLine.model_validate({
            "cell_line": name, "tissue": "blood", "role": role, "sex": "male", "condition": "normal",
            "pairs": f"{name}.tsv", "pairs_format": "auto", "enhancers": ".", "promoters": ".",
        })
        for name, role in roles.items()
    ]  # fmt: skip
    tissue = Tissue(tissue="blood", germ_layer="mesoderm", parent=None)
    return build_graph(rows, [tissue], scope="training", settings=GraphSettings())


def read(world: Path, training_lines: list[str]) -> tuple[dict[str, pd.DataFrame], dict[str, object]]:
    pairs.run(
        cell_line="k", labels=world / "labels.parquet", elements_directory=world,
        tracks={line: world / f"{line}.parquet" for line in ("k", *training_lines)},
        training_lines=training_lines, tissue="blood", graph=world / "graph.json",
        genes=world / "genes.parquet", directory=world / "out",
    )  # fmt: skip
    found = {name: pd.read_parquet(world / "out" / f"{name}.parquet") for name in ("own", "graph")}
    return found, json.loads((world / "out" / "report.json").read_text())


OF_TRACKS = [feature.name for feature in FEATURES if feature.kind != GENES]


def test_the_only_training_line_expects_what_it_has(world: Path) -> None:
    found, report = read(world, ["k"])
    pd.testing.assert_frame_equal(found["graph"], found["own"])
    assert report["kinship"] == {}


def test_prototypes_make_the_expectation_of_the_only_training_line(world: Path) -> None:
    alone, _ = read(world, ["k"])
    found, report = read(world, ["k", "p", "q"])
    pd.testing.assert_frame_equal(found["own"], alone["own"])
    assert report["kinship"] == pytest.approx({"p": 0.5, "q": 0.5})
    assert report["expected_from"] == {kind: ["p", "q"] for kind in TRACK_KINDS}
    differ = (found["graph"][OF_TRACKS] - found["own"][OF_TRACKS]).abs().max()
    assert (differ > 1e-3).mean() > 0.8


def test_both_graphs_hold_a_prototype(world: Path) -> None:
    nodes = json.loads((world / "graph.json").read_text())["nodes"]
    assert {node["name"]: node["role"] for node in nodes if node["kind"] == "cell_line"} == ROLES


def test_active_promoters_of_another_assembly_are_told_with_the_file_of_the_user(world: Path) -> None:
    rng = np.random.default_rng(7)
    elsewhere = np.sort(rng.choice(LENGTH // 500, 1000, replace=False)) * 500 + 1000
    write_table(world / "p.parquet", tracks_of(1, promoters_at=elsewhere))
    (world / "p.json").write_text('{"kinds": {"active_promoters": {"file": "p_h3k4me3.bed"}}}')
    with pytest.raises(UserError, match=r"p_h3k4me3\.bed.* start of a gene of my_genes\.gtf"):
        read(world, ["k", "p"])
