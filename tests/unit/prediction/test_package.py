"""A model directory says what was measured, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from cbat.cli import main
from cbat.config.sections import ElementSettings
from cbat.data.shards import read_shard
from cbat.errors import UserError
from cbat.model.directory import read_model_directory


def test_it_knows_its_training_from_the_shards(world) -> None:
    about = read_model_directory(world.model).about
    pairs = {line: read_shard(world.shard(line)).pairs for line in ("blood_1", "brain_1", "liver_1")}
    used = {line: table[table["split"] != "test"] for line, table in pairs.items()}
    counts = {name: len(table) for name, table in used.items()}
    assert {line.cell_line: line.pairs for line in about.training.lines} == counts
    assert [line.tissue for line in about.training.lines] == ["blood", "brain", "liver"]
    train = pd.concat(table[table["split"] == "train"] for table in pairs.values())["distance"]
    assert about.training.distances == (train.min(), train.max())
    assert about.training.chromosomes["test"] == ["chr4", "chr5"]
    assert (about.windows.enhancer, about.windows.promoter) == (300, 400)
    assert about.support.model_dump() == {
        "elements": ["enhancer", "promoter"], "size": 48, "validation_size": 48,
    }  # fmt: skip


def test_figures_are_those_of_the_evaluation(world) -> None:
    about = read_model_directory(world.model).about
    metrics = pd.read_csv(world.directory / "evaluation" / "metrics.tsv", sep="\t")
    row = metrics[
        (metrics["metric"] == "aupr") & (metrics["negatives"] == "balanced")
        & (metrics["context"] == "own") & (metrics["n_support"] == 48)
    ].iloc[0]  # fmt: skip
    (figure,) = [
        one
        for one in about.figures
        if (one.metric, one.negatives, one.context) == ("aupr", "balanced", "own")
    ]
    assert (figure.value, figure.low, figure.high) == (row["value"], row["low"], row["high"])
    assert {one.n_support for one in about.figures} <= {0, 48}
    assert {one.context for one in about.figures} == {"own", "wrong"}
    card = (world.model / "MODEL_CARD.md").read_text()
    assert f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]" in card
    assert "| liver_2 | unseen | own support set | 48 |" in card
    assert "| liver_2 | unseen | support set of another line | 48 |" in card


def test_a_model_that_nobody_evaluated_says_so(world, make_package, tmp_path: Path) -> None:
    directory = make_package(world, tmp_path)
    card = (directory / "MODEL_CARD.md").read_text()
    assert "It was evaluated on no cell line, so nothing is known of its accuracy." in card
    assert "nan" not in card.lower().split()


def test_the_power_of_the_read_out_comes_along(world, make_package, tmp_path: Path) -> None:
    path = tmp_path / "calibration.json"
    path.write_text(json.dumps({"power": 0.17}))
    directory = make_package(world, tmp_path, {"calibration": path})
    assert read_model_directory(directory).about.evidence_power == 0.17
    path.write_text("[]")
    with pytest.raises(UserError, match="not the calibration of a read-out"):
        make_package(world, tmp_path, {"calibration": path})


def test_other_windows_than_those_of_the_shards_are_refused(world, make_package, tmp_path: Path) -> None:
    elements = ElementSettings(enhancer_window=500, promoter_window=400)
    with pytest.raises(UserError, match="have 300 bp, and the section elements says 500"):
        make_package(world, tmp_path, {"elements": elements})
    assert not (tmp_path / "package").exists()


def test_model_show_prints_it_for_a_person(world, own_model: Path, capsys) -> None:
    assert main(["model", "show", str(own_model)]) == 0
    text = capsys.readouterr().out
    assert "full, seed 1" in text
    for words in ("Windows of 300 bp", "blood_1", "liver_2", "Temperature 1.3", "it knows: blood"):
        assert words in text
    assert "|" not in text
    (own_model / "MODEL_CARD.md").write_text("# The best of all models\n")
    assert main(["model", "show", str(own_model)]) == 2
    assert "MODEL_CARD.md: the file was changed or damaged" in capsys.readouterr().err
