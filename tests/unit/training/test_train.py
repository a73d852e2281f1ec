"""Training on a tiny world whose law is known, and evaluation of what was trained."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cbat.config.models import ModelSettings
from cbat.config.sections import ALL_CANDIDATES, EvaluationSettings, TrainingSettings
from cbat.data.shards import read_shard
from cbat.errors import UserError
from cbat.evaluation import cell_line as evaluation
from cbat.evaluation.table import read_table
from cbat.graph.propagation import load_graph
from cbat.model.blocks import SupportReader, encode_shards, read_environment
from cbat.model.bundle import Scores, load_encoder, load_model, score_pairs
from cbat.model.contact import Energies
from cbat.model.encoder import MotifEncoder
from cbat.training import episodes, train
from cbat.training.episodes import TrainingData, build_training_data
from cbat.training.losses import entanglement

SETTINGS = ModelSettings(
    steps=54, validation_every=9, patience=6, support_size=64, hidden_units=8, learning_rate=0.01
)
EVALUATION = EvaluationSettings(support_sizes=[16, 64, "all"], headline_support=64, n_bootstrap=20)


def train_into(directory: Path, tiny_project, encoder: Path, settings: ModelSettings, **over) -> Path:
    arguments = {
        "shards": [tiny_project.shard(line) for line in tiny_project.train],
        "train_lines": tiny_project.train,
        "validation_lines": [],
        "encoder": encoder,
        "graph": tiny_project.graph,
        "settings": settings,
        "training": TrainingSettings(device="cpu"),
        "seed": 1,
        "threads": 1,
        "directory": directory,
    }
    train.run(**(arguments | over))
    return directory


def data_for(tiny_project, encoder: MotifEncoder, settings: ModelSettings) -> TrainingData:
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
    return build_training_data(shards, tiny_project.train, encoder, load_graph(tiny_project.graph), settings)


@pytest.fixture(scope="module")
def environment(tiny_project, encoder, tmp_path_factory) -> Path:
    return train_into(tmp_path_factory.mktemp("environment"), tiny_project, encoder, SETTINGS)


@pytest.fixture(scope="module")
def baseline(tiny_project, encoder, tmp_path_factory) -> Path:
    settings = SETTINGS.model_copy(update={"environment": "none"})
    return train_into(tmp_path_factory.mktemp("baseline"), tiny_project, encoder, settings)


def evaluate(directory: Path, tiny_project, model: Path, line: str, **over) -> pd.DataFrame:
    arguments = {
        "model": "m",
        "model_directory": model,
        "seed": 1,
        "cell_line": line,
        "role": "unseen",
        "tissue": "unknown",
        "shard": tiny_project.shard(line),
        "other_shards": [tiny_project.shard(next(x for x in tiny_project.unseen if x != line))],
        "settings": EVALUATION,
        "threads": 1,
        "directory": directory,
    }
    evaluation.run(**(arguments | over))
    table = read_table(directory / "metrics.tsv")
    return table[(table["metric"] == "aupr") & (table["negatives"] == "balanced")]


def test_the_environment_transfers_to_unseen_lines(tiny_project, environment, baseline, tmp_path) -> None:
    own, wrong, without = [], [], []
    for line in tiny_project.unseen:
        figures = evaluate(tmp_path / line, tiny_project, environment, line)
        at = figures[figures["n_support"].isin([0, 64])].set_index("context")["value"]
        own.append(at["own"])
        wrong.append(at["wrong"])
        without.append(evaluate(tmp_path / f"{line}_b", tiny_project, baseline, line)["value"].item())
    assert np.mean(own) > np.mean(without) + 0.05
    assert np.mean(own) > np.mean(wrong) + 0.05


def test_every_pair_is_scored_once_in_every_context(tiny_project, environment, tmp_path) -> None:
    line = tiny_project.unseen[0]
    evaluate(tmp_path, tiny_project, environment, line)
    scored = pd.read_parquet(tmp_path / "scored_pairs.parquet")
    pairs = read_shard(tiny_project.shard(line)).pairs
    expected = {("none", 0), ("mean", 0), ("graph", 0)} | {
        (context, n) for context in ("own", "wrong", "shuffled") for n in (16, 64, ALL_CANDIDATES)
    }
    groups = dict(list(scored.groupby(["context", "n_support"])))
    assert set(groups) == expected
    for part in groups.values():
        assert len(part) == (pairs["split"] == "test").sum()
        assert not part.duplicated(["enhancer_id", "promoter_id"]).any()
    np.testing.assert_allclose(
        scored["score"], scored["intrinsic_potential"] - scored["environment_resistance"], atol=1e-6
    )
    assert (groups["none", 0]["environment_resistance"] == 0).all()
    assert (scored["environment_resistance"] >= 0).all()
    potential = scored.pivot(
        index=["enhancer_id", "promoter_id"], columns=["context", "n_support"], values="intrinsic_potential"
    )
    assert (potential.nunique(axis=1) == 1).all()


def test_labels_of_the_evaluated_line_reach_no_score(
    tiny_project, environment, tmp_path, build_project
) -> None:
    """The same line with all labels flipped gets the same scores."""
    other = build_project(tmp_path / "again")  # the same seed: the same project
    line = other.unseen[0]
    table = pd.read_parquet(other.directory / f"{line}.parquet")
    table["label"] = 1 - table["label"]
    table.to_parquet(other.directory / f"{line}.parquet", index=False)
    from cbat.config.sections import ShardSettings
    from cbat.data import shards

    shutil.rmtree(other.shard(line))
    shards.run(
        cell_line=line,
        labels=other.directory / f"{line}.parquet",
        elements_directory=other.elements,
        sequences_directory=other.sequences,
        settings=ShardSettings(block_size=32, support_size=96),
        directory=other.shard(line),
    )
    for name, project in (("one", tiny_project), ("two", other)):
        evaluate(tmp_path / name, project, environment, line)
    one, two = (pd.read_parquet(tmp_path / name / "scored_pairs.parquet") for name in ("one", "two"))
    assert (one["label"] != two["label"]).all()
    pd.testing.assert_frame_equal(one.drop(columns="label"), two.drop(columns="label"))


def test_training_is_reproducible_and_depends_on_the_seed(
    tiny_project, encoder, environment, tmp_path
) -> None:
    again = train_into(tmp_path / "again", tiny_project, encoder, SETTINGS)
    for name in ("model.safetensors", "model.json", "history.jsonl"):
        assert (again / name).read_bytes() == (environment / name).read_bytes()
    other = train_into(tmp_path / "other", tiny_project, encoder, SETTINGS, seed=2)
    assert (other / "model.safetensors").read_bytes() != (environment / "model.safetensors").read_bytes()


def test_history_and_description_say_what_happened(environment: Path) -> None:
    rows = [json.loads(line) for line in (environment / "history.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(0, 55, 9))
    assert rows[-1]["training_loss"] < rows[1]["training_loss"]
    described = json.loads((environment / "model.json").read_text())
    best = min(row["validation_loss"] for row in rows)
    # The level that is fitted last is next to nothing to comparisons within blocks, and parts are only shrunk
    # where that pays.
    assert described["provenance"]["validation"]["validation_loss"] <= best + 1e-4
    assert 0.0 < described["provenance"]["relief_share"] <= 1.0
    assert 0.0 < described["threshold"] < 1.0
    assert min(described["calibration"]["temperatures"]) > 0.0


def test_a_saved_model_scores_as_the_one_that_was_trained(tiny_project, environment: Path) -> None:
    one = load_model(environment)
    elements, (shard,) = encode_shards([read_shard(tiny_project.shard("train_0"))], one.encoder, ("train",))
    reader = SupportReader(elements, one.statistics)
    deviation, n = reader.mean(shard.support[shard.blocks()[0]])
    assert n == 96
    data = data_for(tiny_project, one.encoder, SETTINGS)
    again = train.validation_figures(train.scores_of(one.contact, data, data.validation), data, SETTINGS)
    described = json.loads((environment / "model.json").read_text())["provenance"]["validation"]
    assert set(again) == set(described)
    assert all(again[name] == pytest.approx(described[name], abs=1e-5) for name in again)
    assert np.isfinite(deviation).all()


@pytest.mark.parametrize("contrast", ["block", "pooled"])
def test_the_weights_of_the_best_step_are_kept(tiny_project, encoder, contrast: str) -> None:
    settings = SETTINGS.model_copy(update={"contrast": contrast, "environment": "none"})
    data = data_for(tiny_project, load_encoder(encoder), settings)
    # What is learned of training chromosomes is the more wrong here the longer it is learned.
    data = replace(data, validation=replace(data.validation, label=1.0 - data.validation.label))
    contact, rows = train.fit(data, settings, TrainingSettings(), 1, torch.device("cpu"))
    found = train.validation_figures(train.scores_of(contact, data, data.validation), data, settings)
    best = min(rows, key=lambda row: row["validation_loss"])
    assert found == {name: best[name] for name in found}
    assert best is not rows[-1], "the last step is not the best, or this shows nothing"


def test_unseen_lines_and_test_chromosomes_are_not_among_the_training_data(tiny_project, encoder) -> None:
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
    graph = load_graph(tiny_project.graph)
    data = build_training_data(shards, tiny_project.train[:-1], load_encoder(encoder), graph, SETTINGS)
    train_pairs = sum((shard.pairs["split"] == "train").sum() for shard in shards[:-1])
    validation_pairs = sum((shard.pairs["split"] == "validation").sum() for shard in shards)
    assert (len(data.training.label), len(data.validation.label)) == (train_pairs, validation_pairs)
    assert data.teacher.lines == tuple(tiny_project.train[:-1])
    used = pd.concat([shard.elements[shard.elements["split"] != "test"] for shard in shards])
    assert len(data.elements.role()) == len(used.drop_duplicates(["role", "element_id"]))


def test_a_training_line_is_not_its_own_teacher(tiny_project, encoder, monkeypatch) -> None:
    asked = []

    def recorded(settings, teacher, mean, count, tissue, line):
        asked.append(line)
        return read_environment(settings, teacher, mean, count, tissue, line)

    monkeypatch.setattr(episodes, "read_environment", recorded)
    data = data_for(tiny_project, load_encoder(encoder), SETTINGS)
    assert data.sizes()[0] == 0
    # The validation side also at every size at which level and temperature are fitted.
    read_at_sizes = len(asked) - len(data.training.line) - len(data.validation.line)
    times = read_at_sizes // len(data.validation.line)
    assert times >= len(data.sizes())
    numbers = [*np.tile(data.validation.line, times), *data.training.line, *data.validation.line]
    assert asked == [tiny_project.train[number] for number in numbers]
    assert set(asked) == set(tiny_project.train)


def test_support_sets_of_enhancers_alone_leave_promoters_their_mean(tiny_project, encoder) -> None:
    both, alone = [], []
    for line in tiny_project.train:
        shard = read_shard(tiny_project.shard(line))
        both.append(shard)
        alone.append(replace(shard, support=np.where(shard.support[..., :1] == 1, -1, shard.support)))
    graph, motifs = load_graph(tiny_project.graph), load_encoder(encoder)
    whole, part = (
        build_training_data(shards, tiny_project.train, motifs, graph, SETTINGS) for shards in (both, alone)
    )
    np.testing.assert_allclose(part.statistics.mean[0], whole.statistics.mean[0])
    elements, encoded = encode_shards(both, motifs, ("train", "validation"))
    weight = np.zeros(len(elements.promoter))
    for one in encoded:
        weight[np.unique(one.scored.promoter[one.pairs["split"] == "train"])] += 1.0
    presence = elements.presence()[elements.role() == 1]
    np.testing.assert_allclose(part.statistics.mean[1], np.average(presence, axis=0, weights=weight))
    contact, _ = train.fit(part, SETTINGS, TrainingSettings(), 1, torch.device("cpu"))
    np.testing.assert_allclose(contact.resistance.centre.numpy(), part.statistics.mean, rtol=1e-6)


def test_orthogonality_is_the_correlation_within_blocks() -> None:
    block = torch.repeat_interleave(torch.arange(2), 50)
    potential = torch.randn(100)
    resistance = torch.where(block == 0, 2 * potential + 3, torch.randn(100))
    found = entanglement(Energies(potential, resistance), block)
    expected = [abs(np.corrcoef(potential[block == b], resistance[block == b])[0, 1]) for b in (0, 1)]
    assert float(found) == pytest.approx(np.mean(expected), abs=1e-4)


def test_a_corrupt_shard_is_refused_by_name(tiny_project, encoder, tmp_path) -> None:
    broken = tmp_path / "train_0"
    shutil.copytree(tiny_project.shard("train_0"), broken)
    data = bytearray((broken / "support.npy").read_bytes())
    data[-3] ^= 1
    (broken / "support.npy").write_bytes(bytes(data))
    with pytest.raises(UserError, match=r"support\.npy.*corrupt"):
        train_into(tmp_path / "model", tiny_project, encoder, SETTINGS, shards=[broken])
    assert not (tmp_path / "model").exists()


def test_broken_models_are_refused(tiny_project, environment: Path, tmp_path) -> None:
    for name in ("model.json", "model.safetensors"):
        broken = tmp_path / name
        shutil.copytree(environment, broken)
        (broken / name).write_bytes((broken / name).read_bytes()[:-20])
        with pytest.raises(UserError, match="Fix: run train_model again"):
            load_model(broken)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_asking_for_a_gpu_without_one_is_told(tiny_project, encoder, tmp_path) -> None:
    with pytest.raises(UserError, match=r"training\.device is 'cuda'"):
        train_into(tmp_path, tiny_project, encoder, SETTINGS, training=TrainingSettings(device="cuda"))


def test_bfloat16_trains_to_a_similar_loss(tiny_project, encoder, environment, tmp_path) -> None:
    settings = TrainingSettings(device="cpu", precision="bfloat16")
    other = train_into(tmp_path, tiny_project, encoder, SETTINGS, training=settings)
    losses = []
    for directory in (environment, other):
        rows = [json.loads(line) for line in (directory / "history.jsonl").read_text().splitlines()]
        losses.append(min(row["validation_loss"] for row in rows))
    assert losses[1] == pytest.approx(losses[0], rel=0.1)


def test_a_set_encoder_can_be_trained_and_evaluated(tiny_project, encoder, tmp_path) -> None:
    settings = SETTINGS.model_copy(update={"set_encoder": "isab", "steps": 18})
    model = train_into(tmp_path / "model", tiny_project, encoder, settings)
    figures = evaluate(tmp_path / "evaluation", tiny_project, model, tiny_project.unseen[0])
    assert figures["value"].between(0.3, 1.0).all()
    weights = load_model(model).contact.set_encoder.out.weight
    assert (weights != 0).any()


def test_an_untrained_model_is_the_law_of_distance(tiny_project, encoder) -> None:
    """The level aside, in any environment; and training leaves the law as it was fitted."""
    data = data_for(tiny_project, load_encoder(encoder), SETTINGS)
    torch.manual_seed(0)
    contact = train.start(data, SETTINGS, 1, torch.device("cpu")).objective.contact
    law = data.distance(data.validation.pairs.distance)
    assert law.std() > 0.0
    np.testing.assert_allclose(train.scores_of(contact, data, data.validation).logit, law, atol=1e-5)
    trained, rows = train.fit(data, SETTINGS, TrainingSettings(), 1, torch.device("cpu"))
    assert train.best_step(rows) > 0
    for parameter in (trained.linear.weight, trained.hidden[-1].weight):
        torch.nn.init.zeros_(parameter)
    potential = train.scores_of(trained, data, data.validation).intrinsic_potential
    np.testing.assert_allclose(potential - float(trained.level.detach()), law, atol=1e-5)


def test_a_sequence_term_that_does_not_pay_stays_0(tiny_project, encoder, tmp_path) -> None:
    """Labels of held-out chromosomes that run against all that training chromosomes teach."""
    motifs = load_encoder(encoder)
    data = data_for(tiny_project, motifs, SETTINGS)
    pairs, label = data.validation.pairs, data.validation.label
    learned, _ = train.fit(data, SETTINGS, TrainingSettings(), 1, torch.device("cpu"))
    scores = train.scores_of(learned, data, data.validation)
    against = data.distance(pairs.distance) - (scores.logit - data.distance(pairs.distance))
    label = (against > np.median(against)).astype(float)
    data = replace(data, validation=replace(data.validation, label=label))
    contact, rows = train.fit(data, SETTINGS, TrainingSettings(), 1, torch.device("cpu"))
    assert train.best_step(rows) == 0
    model = train.finished(data, contact, motifs, SETTINGS, step=0)
    assert model.provenance["sequence_share"] == model.provenance["relief_share"] == 0.0
    # A resistance without anything to read is no collapse.
    assert "resistance" not in " ".join(model.provenance["collapse"])
    found = train.scores_of(model.contact, data, data.validation)
    law = data.distance(pairs.distance)
    assert np.ptp(found.logit - law) < 1e-4


def test_a_few_blocks_are_trained_on_for_as_many_steps_as_many(tiny_project, encoder, tmp_path) -> None:
    lines = tiny_project.train[:2]
    over = {"train_lines": lines, "shards": [tiny_project.shard(line) for line in lines]}
    few = train_into(tmp_path, tiny_project, encoder, SETTINGS, **over)
    rows = [json.loads(line) for line in (few / "history.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(0, 55, 9))


def test_lines_that_only_validate_say_when_to_stop(tiny_project, encoder) -> None:
    """The loss is theirs alone; whatever the training lines' validation pairs say does not change it."""
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
    graph, motifs = load_graph(tiny_project.graph), load_encoder(encoder)
    data = build_training_data(shards, tiny_project.train[:-1], motifs, graph, SETTINGS)
    held_out = data.judged.line_of_pairs() == 5
    assert data.held_out.tolist() == [5]
    assert 0 < held_out.sum() < len(held_out)
    scores = Scores(np.linspace(-1, 1, len(held_out)), np.zeros(len(held_out)))
    found = train.validation_figures(scores, data, SETTINGS)["validation_loss"]
    label = data.validation.label
    other = replace(data.validation, label=np.where(held_out, label, 1.0 - label))
    again = train.validation_figures(scores, replace(data, validation=other), SETTINGS)
    assert again["validation_loss"] == found
    other = replace(data.validation, label=np.where(held_out, 1.0 - label, label))
    again = train.validation_figures(scores, replace(data, validation=other), SETTINGS)
    assert again["validation_loss"] != found


def test_pairs_without_bases_are_scored_by_the_law_alone(tiny_project, encoder, environment) -> None:
    model = load_model(environment)
    shard = read_shard(tiny_project.shard("train_0"))
    unknown = np.full_like(np.array(shard.enhancer_codes), 4)
    blank = replace(shard, enhancer_codes=unknown)
    elements, (own,) = encode_shards([blank], model.encoder, ("validation",))
    assert not own.scored.sequence_known.any()
    pairs = model.with_offset(own.scored)
    found = score_pairs(model.contact, elements.enhancer, elements.promoter, pairs, None)
    expected = model.offsets(pairs.distance) + float(model.contact.level.detach())
    np.testing.assert_allclose(found.intrinsic_potential, expected, atol=1e-5)
