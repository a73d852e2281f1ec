"""What a training run leaves beside its weights."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from cbat.config.models import ModelSettings
from cbat.config.sections import TrainingSettings
from cbat.data.stored import MANIFEST
from cbat.errors import UserError
from cbat.files import sha256_of
from cbat.model.bundle import ENCODER_WEIGHTS
from cbat.training.distributed import Company
from cbat.training.records import open_curves, versions_of_training

CPU = TrainingSettings(device="cpu")


@pytest.fixture
def made_of(tiny_project, tmp_path: Path) -> dict:
    encoder = tmp_path / "encoder"
    encoder.mkdir()
    (encoder / ENCODER_WEIGHTS).write_bytes(b"weights")
    return {
        "shards": [tiny_project.shard(line) for line in tiny_project.train[:2]],
        "encoder": encoder,
        "graph": tiny_project.graph,
        "settings": ModelSettings(),
        "training": CPU,
        "seed": 7,
        "company": Company(),
    }


def test_the_same_run_says_the_same_and_no_place(made_of, tmp_path, monkeypatch) -> None:
    versions = versions_of_training(**made_of)
    monkeypatch.chdir(tmp_path)
    assert versions_of_training(**made_of) == versions
    assert str(tmp_path) not in json.dumps(versions)
    assert versions["seeds"] == {"training": 7}
    assert versions["device"] == {"type": "cpu", "processes": 1, "precision": "float32"}
    assert versions["data_sha256"] == {
        "shards": {path.name: sha256_of(path / MANIFEST) for path in made_of["shards"]},
        "encoder": sha256_of(made_of["encoder"] / ENCODER_WEIGHTS),
        "graph": sha256_of(made_of["graph"]),
    }


@pytest.mark.parametrize(
    ("part", "change", "told"),
    [
        ("settings", ModelSettings(hidden_units=9), "config_sha256"),
        ("training", TrainingSettings(device="cpu", blocks_at_once=3), "config_sha256"),
        ("seed", 8, "seeds"),
        ("company", Company(0, 2), "device"),
    ],
)
def test_a_change_changes_its_own_entry_alone(made_of, part, change, told) -> None:
    before, after = versions_of_training(**made_of), versions_of_training(**(made_of | {part: change}))
    assert {name for name in before if before[name] != after[name]} == {told}


def test_other_weights_of_the_encoder_are_told(made_of) -> None:
    before = versions_of_training(**made_of)
    (made_of["encoder"] / ENCODER_WEIGHTS).write_bytes(b"others")
    after = versions_of_training(**made_of)
    assert {name for name in before if before[name] != after[name]} == {"data_sha256"}


def test_without_tensorboard_it_says_what_to_install(tmp_path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UserError, match=r"tensorboard is not installed.*pip install 'cbat\[tensorboard\]'"):
        open_curves(tmp_path / "curves")
    assert not (tmp_path / "curves").exists()


def test_curves_hold_the_figures_of_the_history(tmp_path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    add = open_curves(tmp_path)
    add({"step": 0, "training_loss": 0.75, "collapse": []})
    add({"step": 9, "training_loss": 0.5, "collapse": ["recall"]})
    curves = accumulator.EventAccumulator(str(tmp_path)).Reload()
    assert curves.Tags()["scalars"] == ["training_loss"]
    assert [(one.step, one.value) for one in curves.Scalars("training_loss")] == [(0, 0.75), (9, 0.5)]
