"""Train one model on the shards of the training lines."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from cbat.config.models import ModelSettings
from cbat.config.sections import TrainingSettings
from cbat.data.shards import read_shard
from cbat.errors import UserError
from cbat.evaluation.collapse import collapse_signs, environment_signs
from cbat.evaluation.metrics import best_f1_threshold, fit_temperature_and_bias, pair_metrics
from cbat.files import atomic_file
from cbat.graph.propagation import load_graph
from cbat.model.bundle import Scores, TrainedModel, load_encoder, save_model, score_pairs
from cbat.model.contact import ContactModel
from cbat.model.resistance import TiedResistance
from cbat.training.episodes import Episodes, TrainingData, build_training_data
from cbat.training.losses import Objective, contact_loss

log = logging.getLogger(__name__)
LEVEL_SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)


def run(
    *,
    shards: Sequence[Path],
    train_lines: Sequence[str],
    validation_lines: Sequence[str],
    encoder: Path,
    graph: Path,
    settings: ModelSettings,
    training: TrainingSettings,
    seed: int,
    threads: int,
    directory: Path,
) -> None:
    """Write ``model.safetensors``, ``model.json`` and ``history.jsonl``.

    Parameters
    ----------
    shards : sequence of Path
        Folders of the shards of the training and validation lines.
    train_lines : sequence of str
        Lines that train.
    validation_lines : sequence of str
        Lines that only help to choose checkpoint, temperature and threshold.
    encoder : Path
        Folder of the encoder.
    graph : Path
        The prototype graph without unseen lines.
    settings : ModelSettings
        A file of config/models.
    training : TrainingSettings
        The section ``training``.
    seed : int
        Seed of the weights and of the order of the blocks.
    threads : int
        CPU threads.
    directory : Path
        Where the model goes.

    Raises
    ------
    UserError
        A corrupt shard or encoder; no pairs of both classes on one of the two sides; no GPU when one is
        asked for.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    device = choose_device(training)
    data = build_training_data(
        [read_shard(path) for path in shards],
        list(train_lines),
        load_encoder(encoder),
        load_graph(graph),
        settings,
        seed,
    )
    for side, episodes in (("training", data.training), ("validation", data.validation)):
        if len(np.unique(episodes.label)) < 2:
            raise UserError(
                f"the {side} chromosomes hold no pairs of both classes",
                mend="put more chromosomes on that side (section splits), or check the labels",
            )
    contact, history = fit(data, settings, training, seed, device)
    log.info("trained %d epochs on %d pairs", len(history), len(data.training.label))
    model = finished(data, contact.cpu(), load_encoder(encoder), settings)
    _watch_for_collapse(data, model, fail=training.fail_on_collapse)
    model.provenance.update(
        {
            "seed": seed,
            "device": device.type,
            "train_lines": list(train_lines),
            "validation_lines": list(validation_lines),
        }
    )
    save_model(directory, model)
    with atomic_file(directory / "history.jsonl") as temporary:
        temporary.write_text("".join(json.dumps(row) + "\n" for row in history), encoding="utf-8")


def _watch_for_collapse(data: TrainingData, model: TrainedModel, *, fail: bool) -> None:
    """Note signs of collapse on the validation side; stop when the settings say so."""
    scores = scores_of(model.contact, data, data.validation)
    signs = collapse_signs(
        data.validation.label,
        model.probability(scores),
        model.threshold,
        scores.intrinsic_potential,
        scores.environment_resistance if model.has_environment else None,
    )
    signs += environment_signs(data.training.environment, data.training.line)
    model.provenance["collapse"] = signs
    if signs and fail:
        raise UserError(
            f"the model has collapsed on the validation pairs: {'; '.join(signs)}",
            mend="look at labels, splits and candidates; set training.fail_on_collapse to false to go on",
            where="training.fail_on_collapse",
        )
    for sign in signs:
        log.warning("sign of collapse: %s", sign)


def choose_device(training: TrainingSettings) -> torch.device:
    """The device that the settings ask for.

    Raises
    ------
    UserError
        ``cuda`` on a machine without a GPU.
    """
    available = torch.cuda.is_available()
    if training.device == "cuda" and not available:
        raise UserError(
            "training.device is 'cuda', but torch finds no GPU here",
            mend="set it to 'auto' or 'cpu', or install a build of torch for your GPU",
            where="training.device",
        )
    return torch.device("cuda" if available and training.device != "cpu" else "cpu")


@dataclass
class _Best:
    loss: float = float("inf")
    epoch: int = -1
    weights: dict[str, Tensor] | None = None


def fit(
    data: TrainingData,
    settings: ModelSettings,
    training: TrainingSettings,
    seed: int,
    device: torch.device,
) -> tuple[ContactModel, list[dict[str, Any]]]:
    """Optimise the energy model; the weights of the best validation loss are kept.

    Returns
    -------
    ContactModel
    list of dict
        One row of history for each epoch.
    """
    n_filters = data.elements.enhancer.shape[1]
    contact = ContactModel(n_filters, settings)
    if isinstance(contact.resistance, TiedResistance):
        contact.resistance.centre.copy_(torch.from_numpy(data.statistics.mean))
        if settings.contrast == "block":
            # Comparisons within blocks say nothing of levels; `finished` chooses the share.
            nn.init.zeros_(contact.resistance.level_share.requires_grad_(False))
    objective = Objective(contact, settings, len(data.counts), n_filters).to(device)
    optimiser = torch.optim.AdamW(
        objective.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
    )
    n_steps = -(-len(data.training) // settings.blocks_per_step)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=settings.learning_rate, total_steps=max(settings.epochs * n_steps, 2)
    )
    order = np.random.default_rng([seed, 21])
    best, history = _Best(), []
    for epoch in range(settings.epochs):
        contact.train()
        losses = []
        for blocks in np.array_split(order.permutation(len(data.training)), n_steps):
            losses.append(_step(objective, data, blocks, training, optimiser, device))
            schedule.step()
        row = {"epoch": epoch, "training_loss": round(float(np.mean(losses)), 6)}
        row |= validate(contact, data, settings)
        history.append(row)
        log.info("epoch %d: %s", epoch, row)
        loss = row.get("validation_loss", float("inf"))
        if loss < best.loss:
            weights = {name: value.detach().clone() for name, value in contact.state_dict().items()}
            best = _Best(loss, epoch, weights)
        elif epoch - best.epoch >= settings.patience:
            break
    if best.weights is None:
        raise UserError(
            "the validation loss was never finite",
            mend="lower learning_rate in the model's file",
            where="config/models",
        )
    contact.load_state_dict(best.weights)
    return contact, history


def _step(
    objective: Objective,
    data: TrainingData,
    blocks: Any,
    training: TrainingSettings,
    optimiser: torch.optim.Optimizer,
    device: torch.device,
) -> float:
    episodes = data.training
    pairs, label = episodes.batch(data.elements, blocks, device)
    environment = episodes.block_environment(data.reader, blocks)
    environment = None if environment is None else environment.to(device)
    line = torch.from_numpy(episodes.line[blocks]).to(device)
    expected = None
    if episodes.expected is not None:
        expected = torch.from_numpy(episodes.expected[blocks]).float().to(device)
    with _autocast(training, device):
        energies = objective(pairs, environment, line, expected)
    block = torch.from_numpy(episodes.block_of_pairs(blocks)).to(device)
    loss = objective.loss(energies, label, block, expected)
    optimiser.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(objective.parameters(), objective.settings.gradient_clip)
    optimiser.step()
    return float(loss.detach())


def _autocast(training: TrainingSettings, device: torch.device) -> AbstractContextManager[Any]:
    if training.precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16)


def scores_of(contact: ContactModel, data: TrainingData, episodes: Episodes) -> Scores:
    """Energies of all pairs of a side."""
    device = next(contact.parameters()).device
    scored = score_pairs(
        contact.cpu(),
        data.elements.enhancer,
        data.elements.promoter,
        episodes.pairs,
        episodes.block_environment(data.reader),
    )
    contact.to(device)
    return scored


def validate(contact: ContactModel, data: TrainingData, settings: ModelSettings) -> dict[str, float]:
    """Figures of the validation side for one row of history."""
    scores, label = scores_of(contact, data, data.validation), data.validation.label
    block = torch.from_numpy(data.validation.block_of_pairs()) if settings.contrast == "block" else None
    loss = contact_loss(torch.from_numpy(scores.logit), torch.from_numpy(label).float(), block)
    line = data.validation.line_of_pairs()
    probability = 1.0 / (1.0 + np.exp(-scores.logit))
    aupr = []
    for one in np.unique(line):
        mine = line == one
        if 0.0 < label[mine].mean() < 1.0:
            aupr.append(pair_metrics(label[mine], probability[mine], line[mine], 0.5, balanced=True)["aupr"])
    row = {
        "validation_loss": float(loss),
        "validation_aupr": float(np.mean(aupr)) if aupr else float("nan"),
        "potential_deviation": float(scores.intrinsic_potential.std()),
        "resistance_deviation": float(scores.environment_resistance.std()),
    }
    return {name: round(value, 6) for name, value in row.items() if np.isfinite(value)}


def _best_level_share(data: TrainingData, contact: ContactModel) -> float:
    """How much environments say of the levels of whole lines, by the likelihood of the validation side."""
    assert isinstance(contact.resistance, TiedResistance)
    losses = []
    for share in LEVEL_SHARES:
        contact.resistance.level_share.data.fill_(share)
        logit = scores_of(contact, data, data.validation).logit
        temperature, level = fit_temperature_and_bias(logit, data.validation.label)
        signed = (2.0 * data.validation.label - 1.0) * (logit + level) / temperature
        losses.append(np.logaddexp(0.0, -signed).mean())
    return LEVEL_SHARES[int(np.argmin(losses))]


def finished(
    data: TrainingData, contact: ContactModel, encoder: Any, settings: ModelSettings
) -> TrainedModel:
    """The model with the level of its potential, temperature and threshold from the validation side."""
    label = data.validation.label
    if isinstance(contact.resistance, TiedResistance) and settings.contrast == "block":
        contact.resistance.level_share.data.fill_(_best_level_share(data, contact))
    temperature, level = fit_temperature_and_bias(scores_of(contact, data, data.validation).logit, label)
    contact.linear.bias.data.add_(level)
    scores = scores_of(contact, data, data.validation)
    probability = 1.0 / (1.0 + np.exp(-scores.logit / temperature))
    return TrainedModel(
        settings=settings,
        encoder=encoder,
        contact=contact.eval(),
        statistics=data.statistics,
        teacher=data.teacher,
        deviations=data.deviations,
        counts=data.counts,
        temperature=temperature,
        threshold=best_f1_threshold(label, probability),
        provenance={"validation": validate(contact, data, settings)},
    )
