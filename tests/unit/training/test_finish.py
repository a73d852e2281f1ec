"""What the validation side decides after training: levels, temperature, and the share of the level."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from cbat.config.models import EncoderSettings, ModelSettings
from cbat.config.sections import TrainingSettings
from cbat.data.shards import read_shard
from cbat.graph.propagation import load_graph
from cbat.model.bundle import TrainedModel
from cbat.model.contact import ContactModel
from cbat.model.discovery import discover_motifs
from cbat.model.encoder import MotifEncoder
from cbat.training import train
from cbat.training.episodes import TrainingData, build_training_data
from cbat.training.pretrain import training_tables

SETTINGS = ModelSettings(
    steps=27,
    validation_every=9,
    support_size=64,
    validation_support=64,
    hidden_units=8,
    learning_rate=0.01,
)


@pytest.fixture(scope="module")
def encoder(tiny_project) -> MotifEncoder:
    tables = training_tables(tiny_project.elements, tiny_project.sequences, tiny_project.train)
    settings = EncoderSettings(n_filters=4, filter_width=14, refinement_elements=300, refinement_rounds=3)
    return discover_motifs(tables, settings, seed=1).encoder()


def data_for(tiny_project, encoder: MotifEncoder, settings: ModelSettings) -> TrainingData:
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
    return build_training_data(shards, tiny_project.train, encoder, load_graph(tiny_project.graph), settings)


def probability(model: TrainedModel, data: TrainingData) -> np.ndarray:
    scores = train.scores_of(model.contact, data, data.validation)
    return model.probability(scores, model.settings.validation_support)


@pytest.mark.parametrize("form", ["isab", "isab_tied"])
def test_without_a_support_set_channels_are_weighed_as_in_the_mean_of_validation_pairs(
    tiny_project, encoder, form: str
) -> None:
    settings = SETTINGS.model_copy(update={"set_encoder": form, "set_encoder_elements": 16})
    data = data_for(tiny_project, encoder, settings)
    contact = train.start(data, settings, 1, torch.device("cpu")).objective.contact
    torch.nn.init.normal_(contact.set_encoder.out.weight, std=0.3)
    model = train.finished(data, contact, encoder, settings)
    unread = data.validation.unread_environment(data.reader)
    whole = unread.of_blocks(np.arange(len(data.validation)))
    with torch.no_grad():
        weights = model.contact.weights(whole)
    expected = weights[whole.block].mean(dim=0)
    if form == "isab_tied":
        expected = expected.mean(dim=0, keepdim=True)
    torch.testing.assert_close(model.contact.set_encoder.usual, expected)
    assert (expected.abs() > 1e-3).all()


@pytest.mark.parametrize("environment", ["none", "tied", "film"])
def test_probabilities_have_the_mean_of_the_labels_where_training_saw_no_levels(
    tiny_project, encoder, monkeypatch, environment: str
) -> None:
    monkeypatch.setattr(train, "_paying_shares", lambda *_: (1.0, 1.0))
    settings = SETTINGS.model_copy(update={"environment": environment})
    data = data_for(tiny_project, encoder, settings)
    # As when validation chromosomes are poorer in contacts than those of training.
    rare = data.validation.label * (np.arange(len(data.validation.label)) % 3 == 0)
    data = replace(data, validation=replace(data.validation, label=rare))
    contact, _ = train.fit(data, settings, TrainingSettings(), 1, torch.device("cpu"))
    before = 1 / (1 + np.exp(-train.scores_of(contact, data, data.validation).logit))
    potential = train.scores_of(contact, data, data.validation).intrinsic_potential
    model = train.finished(data, contact, encoder, settings)
    after = probability(model, data)
    assert abs(before.mean() - rare.mean()) > 0.1, "or there was nothing to mend"
    assert after.mean() == pytest.approx(rare.mean(), abs=0.02)
    # The bias is one number for all pairs, so that it changes the order of none.
    moved = train.scores_of(model.contact, data, data.validation).intrinsic_potential - potential
    assert np.ptp(moved) < 1e-4
    assert abs(moved.mean()) > 0.1


def a_law(data: TrainingData, settings: ModelSettings, share: float) -> ContactModel:
    """A model of known weights, whose lines differ in level by a known share."""
    torch.manual_seed(0)
    contact = ContactModel(data.elements.enhancer.shape[1], settings).eval()
    with torch.no_grad():
        contact.resistance.centre.copy_(torch.from_numpy(data.statistics.mean))
        contact.resistance.gain.fill_(0.1)
        contact.resistance.enhancer.fill_(1.5)
        contact.resistance.promoter.fill_(1.5)
        contact.resistance.level_share.fill_(share)
    return contact


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_level_share_is_the_one_that_the_labels_follow(
    tiny_project, encoder, monkeypatch, share: float
) -> None:
    monkeypatch.setattr(train, "_paying_shares", lambda *_: (1.0, 1.0))
    data = data_for(tiny_project, encoder, SETTINGS)
    contact = a_law(data, SETTINGS, share)
    logit = train.scores_of(contact, data, data.validation).logit
    label = (np.random.default_rng(4).random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(float)
    data = replace(data, validation=replace(data.validation, label=label))
    with torch.no_grad():
        contact.resistance.level_share.fill_(0.25)  # whatever it was before
    model = train.finished(data, contact, encoder, SETTINGS)
    found = float(model.contact.resistance.level_share.detach())
    assert found in train.SHARES
    assert abs(found - share) <= 0.25
    assert (found > 0.0) == (share > 0.0)
    assert probability(model, data).mean() == pytest.approx(label.mean(), abs=0.02)


@pytest.mark.parametrize("pays", ["sequence", "relief", "neither"])
def test_a_part_that_does_not_pay_is_taken_out(tiny_project, encoder, pays: str) -> None:
    """Labels of held-out pairs follow one of two parts that have both learned something."""
    data = data_for(tiny_project, encoder, SETTINGS)
    contact = a_law(data, SETTINGS, 0.0)
    torch.nn.init.normal_(contact.linear.weight, std=1.5)
    scores = train.scores_of(contact, data, data.validation)
    law = data.distance(data.validation.pairs.distance)
    parts = {
        "sequence": scores.intrinsic_potential,
        "relief": -scores.environment_resistance,
        "neither": 0.0 * law,
    }
    logit = law + parts[pays] - np.mean(parts[pays])
    label = (np.random.default_rng(4).random(len(logit)) < 1 / (1 + np.exp(-logit))).astype(float)
    data = replace(data, validation=replace(data.validation, label=label))
    model = train.finished(data, contact, encoder, SETTINGS)
    shares = {name: model.provenance[f"{name}_share"] for name in ("sequence", "relief")}
    for name, share in shares.items():
        assert share >= 0.75 if name == pays else share <= 0.25, shares
    found = train.scores_of(model.contact, data, data.validation)
    if shares["sequence"] == 0.0:
        assert np.ptp(found.intrinsic_potential - law) < 1e-5
    if shares["relief"] == 0.0:
        assert np.ptp(found.environment_resistance) < 1e-5


def test_levels_that_run_against_the_environment_get_no_share(tiny_project, encoder) -> None:
    """Lines differ in level, but the other way round than their environments say."""
    data = data_for(tiny_project, encoder, SETTINGS)
    contact = a_law(data, SETTINGS, 0.0)
    logit = train.scores_of(contact, data, data.validation).logit
    with torch.no_grad():
        contact.resistance.level_share.fill_(1.0)
    said = train.scores_of(contact, data, data.validation).logit - logit
    shown = logit - said
    label = (np.random.default_rng(4).random(len(logit)) < 1 / (1 + np.exp(-shown))).astype(float)
    data = replace(data, validation=replace(data.validation, label=label))
    train.finished(data, contact, encoder, SETTINGS)
    assert float(contact.resistance.level_share.detach()) == 0.0


def test_a_pooled_training_learns_the_share_and_keeps_it(tiny_project, encoder) -> None:
    settings = SETTINGS.model_copy(update={"contrast": "pooled", "steps": 9})
    data = data_for(tiny_project, encoder, settings)
    contact, _ = train.fit(data, settings, TrainingSettings(), 1, torch.device("cpu"))
    learned = float(contact.resistance.level_share.detach())
    assert learned not in (0.5, *train.SHARES)
    train.finished(data, contact, encoder, settings)
    assert float(contact.resistance.level_share.detach()) == learned


def test_training_within_blocks_leaves_the_share_alone(tiny_project, encoder) -> None:
    settings = SETTINGS.model_copy(update={"steps": 9})
    contact, _ = train.fit(
        data_for(tiny_project, encoder, settings), settings, TrainingSettings(), 1, torch.device("cpu")
    )
    assert float(contact.resistance.level_share) == 0.0
    assert not contact.resistance.level_share.requires_grad
