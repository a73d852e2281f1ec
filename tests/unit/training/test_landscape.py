"""A model with sequence over a law of the landscape: it starts as the law, and carries it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cbat.config.models import ModelSettings
from cbat.config.sections import EvaluationSettings, TrainingSettings
from cbat.data.shards import read_shard
from cbat.errors import UserError
from cbat.evaluation import cell_line as evaluation
from cbat.graph.propagation import load_graph
from cbat.landscape.apply import LineLandscape, energies
from cbat.landscape.features import NAMES
from cbat.landscape.law import KNOTS, Fit, Law, load_law, save_law
from cbat.landscape.pairs import PAIR_COLUMNS, SOURCES
from cbat.model.bundle import load_encoder, load_model
from cbat.training import train
from cbat.training.episodes import TrainingData, build_training_data
from cbat.training.launch import command_line

SETTINGS = ModelSettings(steps=18, validation_every=9, support_size=64, hidden_units=8, learning_rate=0.01)
CPU = TrainingSettings(device="cpu")
EVALUATION = EvaluationSettings(
    support_sizes=[16], headline_support=16, n_bootstrap=0,
    contexts=["own", "none", "mean", "wrong", "sibling", "graph"],
)  # fmt: skip


def a_law(name: str = "fused") -> Law:
    features = () if name == "distance" else NAMES[:3]
    slopes = tuple(-0.3 * (place % 3) for place in range(1 + len(KNOTS)))
    weights = (0.8, -0.5, 0.3)[: len(features)]
    fit = Fit(slopes, -0.4, features, {"insulators": 0.5}, "linear", weights, weights, 12.0, 0.5, {})
    return Law(name, {"test": fit, "all": replace(fit, level=3.0)}, ("train_0",))


def write_landscape(tiny_project, line: str, folder: Path) -> Path:
    """The labelled pairs of a line in the order of its labels, with features at random."""
    folder.mkdir(parents=True)
    pairs = pd.read_parquet(tiny_project.directory / f"{line}.parquet")
    pairs[PAIR_COLUMNS].to_parquet(folder / "pairs.parquet", index=False)
    rng = np.random.default_rng(int(line[-1]))
    for source in SOURCES:
        columns = rng.normal(size=(len(pairs), len(NAMES))).astype(np.float32)
        pd.DataFrame(columns, columns=list(NAMES)).to_parquet(folder / f"{source}.parquet", index=False)
    return folder


@pytest.fixture(scope="module")
def landscapes(tiny_project, tmp_path_factory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("landscape")
    lines = [*tiny_project.train, *tiny_project.unseen]
    return {line: write_landscape(tiny_project, line, top / line) for line in lines}


@pytest.fixture(scope="module")
def laws(tmp_path_factory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("laws")
    for name in ("fused", "distance"):
        save_law(top / f"{name}.json", a_law(name))
    return {name: top / f"{name}.json" for name in ("fused", "distance")}


def arguments(tiny_project, encoder: Path, directory: Path, law: Path, landscapes, **over) -> dict:
    lines = tiny_project.train
    settings = SETTINGS.model_copy(update=over)
    return {
        "shards": [tiny_project.shard(line) for line in lines], "train_lines": lines,
        "validation_lines": [], "encoder": encoder, "graph": tiny_project.graph, "settings": settings,
        "training": CPU, "seed": 1, "threads": 1, "directory": directory, "law": law,
        "landscapes": {line: landscapes[line] for line in lines},
    }  # fmt: skip


@pytest.fixture(scope="module")
def trained(tiny_project, encoder, laws, landscapes, tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("trained")
    train.run(**arguments(tiny_project, encoder, directory, laws["fused"], landscapes))
    return directory


def data_for(tiny_project, encoder: Path, law: Law, landscapes, **over) -> TrainingData:
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
    settings = SETTINGS.model_copy(update=over)
    graph = load_graph(tiny_project.graph)
    return build_training_data(
        shards, tiny_project.train, load_encoder(encoder), graph, settings, law=law, landscapes=landscapes
    )


def evaluated(tiny_project, model: Path, directory: Path, landscape: Path | None) -> pd.DataFrame:
    line, other = tiny_project.unseen
    evaluation.run(
        model="m", model_directory=model, seed=1, cell_line=line, role="unseen", tissue="unknown",
        shard=tiny_project.shard(line), settings=EVALUATION, threads=1, directory=directory,
        other_shards=[tiny_project.shard(other)], sibling_shards=[tiny_project.shard("train_0")],
        landscape=landscape,
    )  # fmt: skip
    return pd.read_parquet(directory / "scored_pairs.parquet")


@pytest.mark.parametrize("environment", ["none", "tied", "scalar", "film"])
def test_an_untrained_model_scores_as_the_law(tiny_project, encoder, landscapes, environment) -> None:
    law = a_law()
    data = data_for(tiny_project, encoder, law, landscapes, environment=environment)
    settings = SETTINGS.model_copy(update={"environment": environment})
    contact = train.start(data, settings, 1, torch.device("cpu")).objective.contact
    found = train.scores_of(contact, data, data.validation)
    expected = []
    for line in tiny_project.train:
        landscape = LineLandscape.read(landscapes[line])
        potential, resistance = energies(law, landscape, "own")
        pairs = landscape.pairs.assign(logit=potential - resistance, resistance=resistance)
        expected.append(pairs[pairs["split"] == "validation"])
    table = pd.concat(expected)
    # Blocks are in another order than labels.
    np.testing.assert_allclose(np.sort(found.logit), np.sort(table["logit"]), atol=2e-4)
    np.testing.assert_allclose(np.sort(found.environment_resistance), np.sort(table["resistance"]), atol=2e-4)
    assert found.environment_resistance.min() > 5.0, "or the softplus would bend"
    assert data.distance is None


def test_pairs_get_their_own_offsets(tiny_project, encoder, landscapes, trained, tmp_path) -> None:
    """Every context has its own landscape, and all the same potential."""
    line, law = tiny_project.unseen[0], a_law()
    scored = evaluated(tiny_project, trained, tmp_path, landscapes[line])
    landscape = LineLandscape.read(landscapes[line])
    groups = dict(list(scored.groupby("context")))
    assert {"own", "none", "mean", "wrong", "sibling", "graph"} <= set(groups)
    potential = scored.groupby(["enhancer_id", "promoter_id"])["intrinsic_potential"]
    assert (potential.nunique() == 1).all()
    assert (groups["none"]["environment_resistance"] == 0.0).all()
    for context, source in (("own", "own"), ("wrong", "wrong"), ("sibling", "sibling"), ("mean", "graph")):
        given = landscape.pairs.assign(landscape=energies(law, landscape, source)[1])
        both = groups[context].merge(given, on=["enhancer_id", "promoter_id"])
        # The rest of the resistance is the relief by motifs, of which the mean environment has none.
        found, expected = both["environment_resistance"], both["landscape"]
        if context == "mean":
            np.testing.assert_allclose(found, np.logaddexp(0.0, expected), atol=1e-4)
        assert np.corrcoef(found, expected)[0, 1] > 0.7, context


def test_the_law_travels_in_the_model(tiny_project, encoder, laws, trained) -> None:
    described = json.loads((trained / "model.json").read_text())
    assert described["law"] == json.loads(laws["fused"].read_text())
    assert described["distance"] is None
    model = load_model(trained)
    assert model.law == load_law(laws["fused"])
    distance = np.array([5_000, 80_000, 900_000])
    # A new line's pairs are scored by the fit that the sequence term was trained beside.
    np.testing.assert_allclose(model.offsets(distance), a_law().members["test"].potential(distance))
    versions = json.loads((trained / "versions.json").read_text())
    assert set(versions["data_sha256"]["landscapes"]) == set(tiny_project.train)


def test_training_changes_neither_the_law_nor_its_constants(trained) -> None:
    contact = load_model(trained).contact
    assert float(contact.resistance.offset) == 0.0


def test_a_law_of_distance_alone_is_an_offset_without_landscape(
    tiny_project, encoder, laws, landscapes, tmp_path
) -> None:
    given = arguments(
        tiny_project, encoder, tmp_path / "model", laws["distance"], landscapes, environment="none"
    )
    train.run(**given)
    model = load_model(tmp_path / "model")
    assert not model.has_environment
    fit = a_law("distance").members["test"]
    distance = np.array([5_000, 80_000])
    np.testing.assert_allclose(model.offsets(distance), fit.potential(distance) - fit.constant)
    line = tiny_project.unseen[0]
    with_folder = evaluated(tiny_project, tmp_path / "model", tmp_path / "a", landscapes[line])
    without = evaluated(tiny_project, tmp_path / "model", tmp_path / "b", None)
    pd.testing.assert_frame_equal(with_folder, without)


def test_a_model_that_reads_a_landscape_asks_for_it(tiny_project, trained, tmp_path) -> None:
    with pytest.raises(UserError, match="reads the landscape of unseen_0, and none is given"):
        evaluated(tiny_project, trained, tmp_path, None)


def test_a_landscape_of_another_run_is_refused(tiny_project, encoder, laws, landscapes, tmp_path) -> None:
    broken = tmp_path / "train_2"
    write_landscape(tiny_project, "train_2", broken)
    for name in ("pairs", *SOURCES):
        table = pd.read_parquet(broken / f"{name}.parquet")
        table.iloc[5:].to_parquet(broken / f"{name}.parquet", index=False)
    given = arguments(
        tiny_project, encoder, tmp_path / "model", laws["fused"], landscapes | {"train_2": broken}
    )
    with pytest.raises(UserError, match="the landscape lacks 5 of .* run read_landscape again"):
        train.run(**given)


def test_the_landscape_is_handed_to_other_processes() -> None:
    words = command_line({"law": Path("law.json"), "landscapes": {"a": Path("x/a"), "b": Path("x/b")}})
    assert words == ["--law", "law.json", "--landscapes", "a=x/a", "b=x/b"]


@pytest.mark.slow
def test_two_processes_train_the_model_of_one(tiny_project, encoder, laws, landscapes, tmp_path) -> None:
    rows = []
    for n in (1, 2):
        directory = tmp_path / str(n)
        given = arguments(tiny_project, encoder, directory, laws["fused"], landscapes, dropout=0.0)
        train.run(**given | {"training": CPU.model_copy(update={"processes": n})})
        rows.append([json.loads(line) for line in (directory / "history.jsonl").read_text().splitlines()])
    losses = [[row["validation_loss"] for row in one] for one in rows]
    np.testing.assert_allclose(*losses, atol=2e-5)
