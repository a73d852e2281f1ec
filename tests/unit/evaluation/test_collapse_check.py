"""Collapsed models are listed, and stop the run where that is asked for."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import EvaluationSettings, TrainingSettings
from cbat.errors import UserError
from cbat.evaluation.collapse_check import run
from cbat.evaluation.table import as_table, write_table


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    key = {
        "role": "unseen", "chromosomes": "test", "negatives": "natural", "context": "own", "n_support": 256,
        "metric": "collapse_signs",
    }  # fmt: skip
    rows = [
        key | {"model": model, "seed": seed, "cell_line": line, "value": value}
        for model, seed, line, value in (
            ("full", 1, "A549", 0.0), ("full", 2, "A549", 2.0), ("full", 2, "macro", 2.0),
        )
    ]  # fmt: skip
    write_table(tmp_path / "metrics.tsv", as_table(rows))
    return tmp_path / "metrics.tsv"


def check(metrics: Path, *, fail: bool = False, models: tuple[Path, ...] = ()) -> list[list[object]]:
    output = metrics.parent / "collapsed.tsv"
    training = TrainingSettings(fail_on_collapse=fail)
    run(metrics=metrics, settings=EvaluationSettings(), training=training, output=output, models=models)
    return pd.read_csv(output, sep="\t").to_numpy().tolist()


def test_collapsed_trainings_are_listed(metrics: Path) -> None:
    assert check(metrics) == [["full", 2, "A549", 2]]


def test_signs_of_training_are_listed(metrics: Path) -> None:
    paths = []
    for seed, signs in ((1, []), (3, ["the environment barely differs"])):
        paths.append(metrics.parent / "models" / "full" / f"seed_{seed}" / "model.json")
        paths[-1].parent.mkdir(parents=True)
        paths[-1].write_text(json.dumps({"provenance": {"collapse": signs}}))
    assert check(metrics, models=tuple(paths)) == [["full", 2, "A549", 2], ["full", 3, "validation pairs", 1]]


def test_the_configuration_may_ask_to_stop(metrics: Path) -> None:
    before = metrics.read_bytes()
    with pytest.raises(UserError, match=r"collapsed: full \(seed 2\) on A549") as error:
        check(metrics, fail=True)
    assert "training.fail_on_collapse" in str(error.value)
    assert metrics.read_bytes() == before
    table = pd.read_csv(metrics, sep="\t")
    table.assign(value=np.where(table["metric"] == "collapse_signs", 0.0, table["value"])).to_csv(
        metrics, sep="\t", index=False
    )
    assert check(metrics, fail=True) == []
