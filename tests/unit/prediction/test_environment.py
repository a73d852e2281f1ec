"""What a support set says of its line: posterior, motifs, relatives."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.cli import main
from cbat.model.directory import read_model_directory
from cbat.prediction.plan import read_plan


@pytest.fixture(scope="module")
def prepared(world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("environment")
    world.prepare(directory, tissue="liver", max_distance=50_000, support_size=48)
    return directory


def test_the_posterior_is_over_lines_and_tissues(prepared: Path) -> None:
    table = pd.read_csv(prepared / "posterior.tsv", sep="\t")
    assert table["posterior"].sum() == pytest.approx(1.0, abs=1e-5)
    assert table["posterior"].is_monotonic_decreasing
    assert set(table.loc[table["kind"] == "cell_line", "node"]) == {"blood_1", "brain_1", "liver_1"}
    assert {"blood", "brain", "liver"} <= set(table.loc[table["kind"] == "tissue", "node"])


def test_motifs_are_what_the_model_is_fed(prepared: Path) -> None:
    table = pd.read_csv(prepared / "motifs.tsv", sep="\t")
    assert table["rank"].tolist() == [1, 2, 3, 4, 5, 6]
    assert table["environment"].abs().is_monotonic_decreasing
    fed = read_plan(prepared).fed()
    np.testing.assert_allclose(table.set_index("channel")["environment"].sort_index(), fed, rtol=1e-4)
    assert table["consensus"].str.fullmatch("[ACGTKMNRSWY]+").all()


def test_the_file_says_what_was_asked_and_used(world, prepared: Path) -> None:
    content = json.loads((prepared / "environment.json").read_text())
    assert content["stated_tissue"] == content["told_tissue"] == "liver"
    assert content["support_size"] == len(pd.read_csv(prepared / "support.tsv", sep="\t")) == 48
    assert content["model"]["sha256"] == read_model_directory(world.model).digest
    assert content["candidates"]["enhancer"]["unique_windows"] > 50
    # The promoters of the world are places alone.
    assert [one["kind"] for one in content["warnings"]] == ["unnamed_genes"]
    assert json.loads((prepared / "calibration.json").read_text()) is None


def test_a_training_line_is_no_node_of_its_own_posterior(world, tmp_path: Path) -> None:
    world.prepare(tmp_path, cell_line="liver_1", max_distance=50_000)
    assert "liver_1" not in set(pd.read_csv(tmp_path / "posterior.tsv", sep="\t")["node"])


def environment_with(world, directory: Path, similarity: str | None, **over) -> np.ndarray:
    if similarity is not None:
        directory.mkdir()
        path = directory / "similar.tsv"
        path.write_text(similarity)
        over["similarity"] = path
    world.prepare(directory, max_distance=50_000, support_size=16, **over)
    fed = read_plan(directory).fed()
    assert fed is not None
    return fed


def test_similarities_draw_the_environment_to_relatives(world, tmp_path: Path) -> None:
    def square(name: str) -> str:
        return f"\tliver_2\t{name}\nliver_2\t1\t0.9\n{name}\t0.9\t1\n"

    alone = environment_with(world, tmp_path / "alone", None)
    found = {name: environment_with(world, tmp_path / name, square(name)) for name in ("blood_1", "brain_1")}
    assert not np.array_equal(found["blood_1"], alone)
    assert not np.array_equal(found["blood_1"], found["brain_1"])
    content = json.loads((tmp_path / "blood_1" / "environment.json").read_text())
    assert content["relatives"] == {"blood_1": 0.9}


def test_threshold_and_weight_of_similarities_are_those_of_edges(world, tmp_path: Path) -> None:
    square = "\tliver_2\tblood_1\tbrain_1\n" + "".join(
        f"{name}\t{one}\t{other}\t{third}\n"
        for name, one, other, third in (
            ("liver_2", 1, 0.8, 0.5), ("blood_1", 0.8, 1, 0.5), ("brain_1", 0.5, 0.5, 1),
        )
    )  # fmt: skip
    environment_with(world, tmp_path / "out", square, similarity_threshold=0.5, similarity_weight=2.0)
    content = json.loads((tmp_path / "out" / "environment.json").read_text())
    assert content["relatives"] == {"blood_1": 1.6}


def test_similarities_of_peaks_and_of_expression_are_made_by_verbs(world, tmp_path: Path) -> None:
    """As a user goes about it: peaks, or a table of expression, of the new line and of training lines."""
    lines = ("liver_2", "blood_1", "liver_1")
    peaks = {line: str(world.raw("enhancers.bed.gz", line)) for line in lines}
    rng = np.random.default_rng(0)
    genes = pd.DataFrame({line: rng.gamma(1.0, 5.0, 200) for line in lines})
    genes["liver_1"] = genes["liver_2"] + rng.random(200)
    genes.to_csv(tmp_path / "expression.tsv", sep="\t", index_label="gene")
    settings = {
        "compare_peaks": {"peaks": peaks},
        "compare_expression": {
            "table": str(tmp_path / "expression.tsv"), "columns": {line: line for line in lines},
        },
    }  # fmt: skip
    for verb, given in settings.items():
        table = tmp_path / f"{verb}.tsv"
        assert main([verb, "--settings", json.dumps(given), "--output", str(table)]) == 0
        world.prepare(tmp_path / verb, similarity=table, max_distance=50_000)
        relatives = json.loads((tmp_path / verb / "environment.json").read_text())["relatives"]
        assert set(relatives) == {"blood_1", "liver_1"}
        measured = pd.read_csv(table, sep="\t", index_col=0)
        assert relatives["liver_1"] == pytest.approx(measured.loc["liver_2", "liver_1"])
    assert relatives["liver_1"] > relatives["blood_1"]


def test_no_similarity_changes_nothing_and_says_so(world, tmp_path: Path) -> None:
    alone = environment_with(world, tmp_path / "alone", None)
    square = "\tliver_2\tblood_1\nliver_2\t1\t-0.2\nblood_1\t-0.2\t1\n"
    np.testing.assert_array_equal(environment_with(world, tmp_path / "other", square), alone)
    content = json.loads((tmp_path / "other" / "environment.json").read_text())
    assert "similarity_unused" in {one["kind"] for one in content["warnings"]}


def test_a_model_without_environment_needs_none(world, make_package, tmp_path: Path) -> None:
    model = make_package(world, tmp_path, environment="none")
    world.prepare(tmp_path / "out", model_directory=model, max_distance=50_000)
    assert read_plan(tmp_path / "out").environment is None
    table = world.predict(tmp_path / "out", model_directory=model, max_distance=50_000)
    assert (table["environment_resistance"] == 0).all()
    assert np.array_equal(table["score"], table["intrinsic_potential"].astype(float))
