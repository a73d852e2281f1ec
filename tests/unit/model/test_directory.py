"""A model directory says when it was changed, and never runs what is in it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from cbat.config.load import load_section
from cbat.config.models import ModelSettings
from cbat.errors import UserError
from cbat.graph.propagation import PrototypeGraph
from cbat.model import about
from cbat.model.about import About, Channel, Elements, Support, Training, TrainingLine, Windows
from cbat.model.bundle import TrainedModel
from cbat.model.calibration import Calibration
from cbat.model.contact import ContactModel
from cbat.model.directory import FILES, read_model_directory, write_model_directory
from cbat.model.encoder import MotifEncoder
from cbat.model.environment import SupportStatistics
from cbat.model.teacher import Teacher, kind_of_teacher

LINES = ["a", "b", "c"]
ONE_TEMPERATURE = Calibration.single(1.5)


def a_model(
    settings: ModelSettings | None = None, calibration: Calibration = ONE_TEMPERATURE
) -> TrainedModel:
    torch.manual_seed(1)
    settings = settings or ModelSettings()
    names, kinds = (*LINES, "blood"), ("cell_line",) * 3 + ("tissue",)
    adjacency = np.zeros((4, 4))
    adjacency[3, :3] = adjacency[:3, 3] = 1.0
    deviations, counts = np.random.default_rng(0).normal(size=(3, 5)), np.full(3, 90.0)
    graph = PrototypeGraph(names, kinds, adjacency)
    teacher = Teacher.fit(LINES, deviations, counts, graph, kind_of_teacher(settings), seed=7)
    return TrainedModel(
        settings, MotifEncoder(torch.randn(5, 4, 8), torch.full((5,), 0.2)), ContactModel(5, settings),
        SupportStatistics(np.zeros((2, 5)), np.ones((2, 5))), teacher, deviations, counts, calibration, 0.25,
        {"seed": 7},
    )  # fmt: skip


ABOUT = About(
    name="full", seed=7, cbat_version="0.1.0",
    channels=[Channel(consensus="ACGT", motif="-", similarity=0.1, alike=[])] * 5,
    windows=Windows(enhancer=300, promoter=400), elements=Elements(max_n=None, enhancer_promoter_gap=0),
    support=Support(elements=["enhancer"], size=64, validation_size=32),
    training=Training(
        lines=[TrainingLine(cell_line="a", tissue="blood", role="train", pairs=10, contacts=5)],
        chromosomes={"train": ["chr1"]}, distances=(10, 500), genome={"chr1": 1000},
    ),
    evidence_power=0.3, figures=[],
)  # fmt: skip


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write_model_directory(tmp_path / "model", a_model(), ABOUT, "# A card\n")
    return tmp_path / "model"


def seal(directory: Path) -> None:
    """Write the hashes anew, as somebody who means to would."""
    sums = [f"{hashlib.sha256((directory / name).read_bytes()).hexdigest()}  {name}\n" for name in FILES]
    (directory / "SHA256SUMS").write_text("".join(sums))


def message(directory: Path) -> str:
    with pytest.raises(UserError) as caught:
        read_model_directory(directory)
    return str(caught.value)


@pytest.mark.parametrize("kind", ["kriging", "random_walk", "gcn"])
def test_teacher_and_calibration_come_back_as_they_were(tmp_path: Path, kind: str) -> None:
    calibration = Calibration((0, 16, 256), (0.5, 0.1, 0.0), (2.0, 1.5, 1.0), (0.4, 0.3, 0.2))
    model = a_model(ModelSettings(teacher=kind), calibration)
    write_model_directory(tmp_path / "model", model, ABOUT, "# A card\n")
    read = read_model_directory(tmp_path / "model").model
    assert read.calibration == calibration
    assert read.temperature == 1.0  # at the support size of the validation side
    assert read.teacher.kind == kind
    for tissue, without in (("blood", None), (None, None), ("blood", "b")):
        one, other = (teacher.expectation(tissue, without) for teacher in (model.teacher, read.teacher))
        np.testing.assert_array_equal(one.mean, other.mean)
        np.testing.assert_array_equal(one.variance, other.variance)


NEGATIVE = {"sizes": [0], "levels": [0.0], "temperatures": [-1.0], "deviations": None}


@pytest.mark.parametrize("broken", [None, {"sizes": [0]}, NEGATIVE])
def test_a_model_without_a_sound_calibration_is_refused(directory: Path, broken: object) -> None:
    content = json.loads((directory / "model.json").read_text())
    content["model"]["calibration"] = broken
    (directory / "model.json").write_text(json.dumps(content))
    seal(directory)
    assert "this is not a model of cbat" in message(directory)


def test_what_was_written_is_read(directory: Path) -> None:
    shared, model = read_model_directory(directory), a_model()
    assert shared.about == ABOUT
    assert shared.model.settings == model.settings
    assert (shared.model.temperature, shared.model.threshold) == (1.5, 0.25)
    assert shared.model.teacher.lines == tuple(LINES)
    assert torch.equal(shared.model.encoder.filters, model.encoder.filters)
    for name, value in model.contact.state_dict().items():
        assert torch.equal(shared.model.contact.state_dict()[name], value)
    np.testing.assert_array_equal(shared.model.teacher.centre, model.teacher.centre)


def test_a_regression_on_motifs_comes_back(tmp_path: Path) -> None:
    """Its parts that are switched off leave nothing behind."""
    shipped = Path(__file__).resolve().parents[3] / "config" / "models" / "motif_regression.yaml"
    model = a_model(load_section(ModelSettings, shipped))
    write_model_directory(tmp_path / "model", model, ABOUT, "# A card\n")
    read = read_model_directory(tmp_path / "model").model
    assert read.settings == model.settings
    expected, found = model.contact.state_dict(), read.contact.state_dict()
    assert list(found) == list(expected)
    assert all(torch.equal(found[name], value) for name, value in expected.items())


def test_it_is_the_same_bytes_again(directory: Path, tmp_path: Path) -> None:
    write_model_directory(tmp_path / "again", a_model(), ABOUT, "# A card\n")
    for path in directory.iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    assert sorted(path.name for path in directory.iterdir()) == sorted([*FILES, "SHA256SUMS"])


@pytest.mark.parametrize("name", FILES)
def test_a_changed_file_is_refused(directory: Path, name: str) -> None:
    content = bytearray((directory / name).read_bytes())
    content[len(content) // 2] ^= 1
    (directory / name).write_bytes(content)
    assert f"{directory / name}: the file was changed or damaged" in message(directory)


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(directory: Path, name: str) -> None:
    (directory / name).unlink()
    assert f"{directory / name}: the file is missing" in message(directory)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("model.json", "../model.json"),
        lambda text: text + text.splitlines()[0] + "\n",
        lambda text: "".join(text.splitlines(keepends=True)[:2]),
        lambda text: text.replace("  ", " "),
    ],
)
def test_hashes_of_other_files_are_refused(directory: Path, change) -> None:
    path = directory / "SHA256SUMS"
    path.write_text(change(path.read_text()))
    assert "it does not list MODEL_CARD.md, model.json and model.safetensors or" in message(directory)


def test_another_schema_version_is_refused(directory: Path) -> None:
    content = json.loads((directory / "model.json").read_text())
    (directory / "model.json").write_text(json.dumps(content | {"schema_version": 99}))
    seal(directory)
    assert "the schema version is 99, and this version of cbat reads 2" in message(directory)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda content: content["about"].pop("windows"), "the description is incomplete"),
        (lambda content: content["about"].update(more=1), "the description is incomplete"),
        (lambda content: content["about"]["channels"].pop(), "it names 4 channels"),
        (lambda content: content["model"]["settings"].update(environment="film"), "weights are not those of"),
        (lambda content: content["model"].pop("graph"), "this is not a model of cbat"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(directory: Path, change, expected: str) -> None:
    content = json.loads((directory / "model.json").read_text())
    change(content)
    (directory / "model.json").write_text(json.dumps(content))
    seal(directory)
    assert expected in message(directory)


def test_pickled_weights_are_not_read(directory: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self):
            return Path.touch, (tmp_path / "sprung",)

    torch.save({"contact": Trap()}, directory / "model.safetensors")
    seal(directory)
    assert "the weights cannot be read" in message(directory)
    assert not (tmp_path / "sprung").exists()


def test_a_folder_that_is_none(directory: Path, tmp_path: Path) -> None:
    assert "the model directory does not exist" in message(tmp_path / "nowhere")
    (directory / "SHA256SUMS").unlink()
    assert "this is not a model directory, or not all of it" in message(directory)


def test_a_failed_write_leaves_the_old_directory(directory: Path, monkeypatch) -> None:
    before = {path.name: path.read_bytes() for path in directory.iterdir()}
    monkeypatch.setattr(about, "sha256_of", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_model_directory(directory, a_model(), ABOUT, "# Another card\n")
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == before
    assert [path.name for path in directory.parent.iterdir()] == ["model"]
