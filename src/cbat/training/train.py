"""Train one model on the shards of the training lines."""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import nn

from cbat.config.models import ModelSettings
from cbat.config.sections import TrainingSettings
from cbat.errors import UserError
from cbat.evaluation.collapse import collapse_signs, environment_signs
from cbat.evaluation.metrics import best_f1_threshold, fit_temperature_and_bias, pair_metrics
from cbat.files import write_json
from cbat.graph.propagation import load_graph
from cbat.landscape.law import load_law, probability_of
from cbat.model.bundle import (
    Scores,
    TrainedModel,
    encoded,
    load_encoder,
    reads_landscape,
    save_model,
    score_pairs,
    weights_of,
)
from cbat.model.calibration import Calibration
from cbat.model.contact import BlockEnvironment, ContactModel, UnreadEnvironment
from cbat.model.environment import FloatArray
from cbat.model.resistance import TiedResistance
from cbat.progress import Progress
from cbat.sentences import in_words
from cbat.training.calibration import fit_calibration
from cbat.training.checkpoint import Best, Checkpoints, Course
from cbat.training.distributed import join, started_by_torchrun
from cbat.training.episodes import Episodes, TrainingData, build_training_data
from cbat.training.launch import launch
from cbat.training.loop import Loop, check_divisible
from cbat.training.losses import Objective, contact_loss
from cbat.training.records import (
    HISTORY,
    VERSIONS,
    History,
    key_of_training,
    open_curves,
    versions_of_training,
    write_history,
)
from cbat.training.sharing import read_shares

log = logging.getLogger(__name__)
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
"""What may be left of a part: of a line's level, of the sequence term, of the relief."""


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
    tensorboard: Path | None = None,
    checkpoints: Path | None = None,
    law: Path | None = None,
    landscapes: Mapping[str, Path] | None = None,
) -> None:
    """Write ``model.safetensors``, ``model.json``, ``history.jsonl`` and ``versions.json``.

    With several processes (``training.processes``) this one starts them with `torchrun` and waits for them;
    started by `torchrun`, it is one of them, and the first writes.

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
        CPU threads, of all processes together.
    directory : Path
        Where the model goes.
    tensorboard : Path, optional
        Folder of the event files of TensorBoard, if the settings ask for them.
    checkpoints : Path, optional
        Folder that holds the state at the last evaluation while this runs; a training that was killed goes on
        from there when it is started again. Without it nothing is kept.
    law : Path, optional
        The law of the landscape, which the model keeps as it is. Without it a law of distance is fitted here.
    landscapes : mapping, optional
        Training or validation line -> folder of its landscape; needed where there is a law.

    Raises
    ------
    UserError
        A corrupt shard or encoder; no pairs of both classes on one of the two sides; no GPU when one is
        asked for; more processes than training lines; TensorBoard is asked for and not installed.
    """
    if training.processes > 1 and not started_by_torchrun():
        launch(
            training.processes,
            {
                "shards": shards,
                "train-lines": train_lines,
                "validation-lines": validation_lines,
                "encoder": encoder,
                "graph": graph,
                "settings": settings,
                "training": training,
                "seed": seed,
                "threads": threads,
                "directory": directory,
                "tensorboard": tensorboard,
                "checkpoints": checkpoints,
                "law": law,
                "landscapes": landscapes,
            },
        )
        return
    curves = None
    if training.tensorboard and tensorboard is not None and os.environ.get("RANK", "0") == "0":
        curves = open_curves(tensorboard)
    torch.set_num_threads(max(threads // training.processes, 1))
    torch.manual_seed(seed)
    with join(training) as company:
        check_divisible(settings, training, company)
        mixed = settings.blocks == "mixed"
        opened, outlines = read_shares(shards, train_lines, company, all_of_them=mixed)
        motifs, relations = load_encoder(encoder), load_graph(graph)
        data = build_training_data(
            opened,
            list(train_lines),
            motifs,
            relations,
            settings,
            seed,
            company,
            outlines,
            None if law is None else load_law(law),
            landscapes,
        )
        # Bases that have been mapped for reading count as memory for as long as they are.
        del opened
        _check_classes(data)
        kept = None
        if checkpoints is not None:
            made_of = key_of_training(
                shards, encoder, graph, train_lines, validation_lines, settings, training, seed, company,
                law, landscapes,
            )  # fmt: skip
            kept = Checkpoints(checkpoints, made_of, company)
        contact, history = fit(data, settings, training, seed, company.device, curves, kept)
        log.info("trained %d steps on %d pairs", history[-1]["step"], data.share.sizes.sum())
        model = finished(data, contact.cpu(), motifs, settings, best_step(history))
        _heed_collapse(model.provenance["collapse"], fail=training.fail_on_collapse)
        model.provenance.update(
            {
                "seed": seed,
                "device": company.device.type,
                "train_lines": list(train_lines),
                "validation_lines": list(validation_lines),
            }
        )
        if company.first:
            save_model(directory, model)
            write_history(directory / HISTORY, history)
            versions = versions_of_training(
                shards, encoder, graph, settings, training, seed, company, law, landscapes
            )
            write_json(directory / VERSIONS, versions)
        if kept is not None:
            kept.remove()


def _check_classes(data: TrainingData) -> None:
    """Refuse sides without contacts, or with nothing else, in all processes together."""
    trained = np.bincount(data.training.label.astype(np.int64), minlength=2)
    trained = trained if data.whole_validation is None else data.company.add_up(trained)
    judged = np.bincount(data.judged.label.astype(np.int64), minlength=2)
    for side, counts in (("training", trained), ("validation", judged)):
        if not counts.all():
            raise UserError(
                f"the {side} chromosomes hold no pairs of both classes",
                mend="put more chromosomes on that side (section splits), or check the labels",
            )


def _heed_collapse(signs: list[str], *, fail: bool) -> None:
    """Tell of signs of collapse on the validation side; stop when the settings say so."""
    if signs and fail:
        raise UserError(
            f"the model has collapsed on the validation pairs: {'; '.join(signs)}",
            mend="look at labels, splits and candidates; set training.fail_on_collapse to false to continue",
            where="training.fail_on_collapse",
        )
    for sign in signs:
        log.warning("sign of collapse: %s", sign)


def fit(
    data: TrainingData,
    settings: ModelSettings,
    training: TrainingSettings,
    seed: int,
    device: torch.device,
    watch: Callable[[dict[str, Any]], None] | None = None,
    checkpoints: Checkpoints | None = None,
) -> tuple[ContactModel, list[dict[str, Any]]]:
    """Optimise the energy model; the weights of the lowest validation loss are kept.

    Those before the first step are among them, under which the model is its law alone: what it could learn of
    sequences stays 0 unless it lowers the loss of held-out pairs. These are pairs on validation chromosomes,
    of lines that only validate if there are any, else of the training lines. (A line that is held out for
    this choice alone would have to be given back to the training, which means to train twice.)

    ``watch`` is shown each row of history as soon as there is one. With ``checkpoints`` it goes on from the
    one that is there, and leaves one after every evaluation.

    Returns
    -------
    ContactModel
    list of dict
        One row of history for each evaluation.
    """
    course = start(data, settings, seed, device)
    loop = Loop(course.objective, data, training, seed, device)
    if checkpoints is not None and (kept := checkpoints.read()) is not None:
        course.restore(kept)
    while _goes_on(course, settings):
        row = _steps(course, loop, data, settings) if course.history else _evaluated(course, data, settings)
        log.info("step %d: %s", row["step"], in_words({key: row[key] for key in row if key != "step"}))
        if watch is not None:
            watch(row)
        if checkpoints is not None:
            checkpoints.write(course)
    if course.best.weights is None:
        raise UserError(
            "the validation loss was never finite",
            mend="lower learning_rate in the model's file",
            where="config/models",
        )
    contact = course.objective.contact
    contact.load_state_dict(course.best.weights)
    return contact, course.history


def best_step(history: History) -> int:
    """The step of the lowest validation loss, whose weights are kept; 0 is the law alone."""
    return int(min(history, key=lambda row: row.get("validation_loss", float("inf")))["step"])


def start(data: TrainingData, settings: ModelSettings, seed: int, device: torch.device) -> Course:
    """A training before its first step.

    Parameters
    ----------
    data : TrainingData
    settings : ModelSettings
    seed : int
        Of the order of the blocks; weights come from the generator of torch.
    device : torch.device
    """
    n_filters = data.elements.enhancer.shape[1]
    contact = ContactModel(n_filters, settings, landscape=reads_landscape(data.law))
    if isinstance(contact.resistance, TiedResistance):
        contact.resistance.centre.copy_(torch.from_numpy(data.statistics.mean))
        if settings.contrast == "block":
            # Comparisons within blocks say nothing of levels; `finished` chooses the share.
            nn.init.zeros_(contact.resistance.level_share.requires_grad_(False))
    objective = Objective(contact, settings, len(data.counts), n_filters).to(device)
    optimiser = torch.optim.AdamW(
        objective.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, max_lr=settings.learning_rate, total_steps=max(settings.steps, 2)
    )
    return Course(objective, optimiser, schedule, np.random.default_rng([seed, 21]), data.company)


def _goes_on(course: Course, settings: ModelSettings) -> bool:
    """Whether there are further steps, after those that have been."""
    since = sum(row["step"] > course.best.step for row in course.history)
    return not course.history or (course.steps_done < settings.steps and since < settings.patience)


def _steps(course: Course, loop: Loop, data: TrainingData, settings: ModelSettings) -> dict[str, Any]:
    """Train until the next evaluation; its row of history, which is also added to it."""
    n = min(settings.validation_every, settings.steps - course.steps_done)
    steps = course.next_steps(n, len(data.share.sizes), settings.blocks_per_step)
    n_pairs = sum(int(data.share.sizes[blocks].sum()) for blocks in steps)
    course.objective.contact.train()
    rate = course.schedule.get_last_lr()[0]
    named = f"step {course.steps_done + n}"
    with Progress(named, "pairs", n_pairs, shown=data.company.first) as told:
        for n_more in loop.run(steps, course.optimiser):
            course.schedule.step()
            told.add(n_more)
    about = {"training_loss": round(loop.mean_loss(), 6), "learning_rate": float(f"{rate:.6g}")}
    return _evaluated(course, data, settings, {"step": course.steps_done + n} | about)


def _evaluated(
    course: Course, data: TrainingData, settings: ModelSettings, begun: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A row of history with the figures of the validation side; weights that are the best so far are kept."""
    contact = course.objective.contact
    scores = scores_of(contact, data, data.validation)
    row: dict[str, Any] = {"step": 0} | dict(begun or {}) | validation_figures(scores, data, settings)
    row["collapse"] = _threshold_and_signs(scores, data, contact, 1.0, learned=row["step"] > 0)[1]
    course.history.append(row)
    loss = row.get("validation_loss", float("inf"))
    if loss < course.best.loss:
        weights = {name: value.detach().clone() for name, value in contact.state_dict().items()}
        course.best = Best(loss, row["step"], weights)
    return row


def scores_of(
    contact: ContactModel,
    data: TrainingData,
    episodes: Episodes,
    environment: BlockEnvironment | None = None,
) -> Scores:
    """Energies of all pairs of a side; those of the validation side of all processes, in each of them.

    The validation side may be read at any support size.

    ``environment`` is that of the blocks, where the set encoder has read their support sets before.
    """
    device = next(contact.parameters()).device
    scored = score_pairs(
        contact.cpu(),
        data.elements.enhancer,
        data.elements.promoter,
        episodes.pairs,
        episodes.unread_environment(data.reader) if environment is None else environment,
    )
    contact.to(device)
    if episodes is data.training:
        return scored
    return Scores(data.gathered(scored.intrinsic_potential), data.gathered(scored.environment_resistance))


def _held_out_loss(logit: FloatArray, data: TrainingData, settings: ModelSettings) -> float:
    """Loss on the validation pairs of lines that only validate, or of all lines where there is none."""
    asked = np.isin(data.judged.line_of_pairs(), data.held_out)
    asked = asked if asked.any() else np.ones_like(asked)
    block = torch.from_numpy(data.judged.block_of_pairs()[asked]) if settings.contrast == "block" else None
    label = torch.from_numpy(data.judged.label[asked]).float()
    return float(contact_loss(torch.from_numpy(logit[asked]), label, block))


def validation_figures(scores: Scores, data: TrainingData, settings: ModelSettings) -> dict[str, float]:
    """Figures of the validation side, from the energies of its pairs; the loss is that of lines held out."""
    label, line = data.judged.label, data.judged.line_of_pairs()
    loss = _held_out_loss(scores.logit, data, settings)
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


def _threshold_and_signs(
    scores: Scores, data: TrainingData, contact: ContactModel, temperature: float, *, learned: bool
) -> tuple[float, list[str]]:
    """The threshold of the best F1 on the validation side at a temperature, and signs of collapse there.

    That a resistance which has learned nothing yet is the same for all pairs is no such sign.
    """
    label, probability = data.judged.label, probability_of(scores.logit, temperature)
    threshold = best_f1_threshold(label, probability)
    resistance = None if contact.resistance is None or not learned else scores.environment_resistance
    return threshold, collapse_signs(label, probability, threshold, scores.intrinsic_potential, resistance)


def _best_level_share(
    data: TrainingData, contact: ContactModel, environment: BlockEnvironment | None
) -> float:
    """How much environments say of the levels of whole lines, by the likelihood of the validation side."""
    assert isinstance(contact.resistance, TiedResistance)
    losses = []
    for share in SHARES:
        contact.resistance.level_share.data.fill_(share)
        logit = scores_of(contact, data, data.validation, environment).logit
        temperature, level = fit_temperature_and_bias(logit, data.judged.label)
        signed = (2.0 * data.judged.label - 1.0) * (logit + level) / temperature
        losses.append(np.logaddexp(0.0, -signed).mean())
    return SHARES[int(np.argmin(losses))]


def _paying_shares(
    data: TrainingData, contact: ContactModel, settings: ModelSettings, environment: BlockEnvironment | None
) -> tuple[float, float]:
    """How much of the sequence term and of the relief pays on held-out pairs; less where that is as good."""
    given = scores_of(contact, data, data.validation, environment)
    law = _law_of_validation(data) + float(contact.level.detach())
    sequence, losses = given.intrinsic_potential - law, {}
    for relief in SHARES if contact.resistance is not None and environment is not None else (1.0,):
        tried = copy.deepcopy(contact)
        tried.shrink(1.0, relief)
        resistance = scores_of(tried, data, data.validation, environment).environment_resistance
        for share in SHARES:
            losses[share, relief] = _held_out_loss(law + share * sequence - resistance, data, settings)
    return min(losses, key=lambda shares: (losses[shares], sum(shares)))


def _law_of_validation(data: TrainingData) -> FloatArray:
    """What the law gives to the potential of the validation pairs of all processes."""
    offset = data.validation.pairs.potential_offset
    return data.gathered(np.zeros(len(data.validation.label)) if offset is None else offset)


def _settle_usual_weights(data: TrainingData, contact: ContactModel, unread: UnreadEnvironment) -> None:
    """Let the set encoder weigh channels without a support set as it does in the mean of validation pairs."""
    assert contact.set_encoder is not None
    found = weights_of(contact, unread)[unread.block].numpy()
    usual = np.array([data.gathered(channel).mean() for channel in found.T.astype(np.float64)])
    contact.set_encoder.settle(torch.from_numpy(usual))


def _mean_sequence_term(data: TrainingData, contact: ContactModel, scores: Scores) -> float:
    """Mean of the sequence term over validation pairs whose bases are known."""
    marked = data.validation.pairs.sequence_known
    known = data.gathered(np.ones(len(data.validation.label)) if marked is None else marked.astype(float))
    term = scores.intrinsic_potential - _law_of_validation(data) - float(contact.level.detach())
    return float((term * known).sum() / max(known.sum(), 1.0))


def _calibration(data: TrainingData, contact: ContactModel) -> Calibration:
    """Level and temperature at every support size, from the validation side read with so many elements."""
    logits = {}
    for size in data.sizes() or (0,):
        episodes = data.validation_of(size)
        environment = encoded(contact, episodes.unread_environment(data.reader))
        logits[size] = scores_of(contact, data, episodes, environment).logit
    return fit_calibration(logits, data.judged.label, data.judged.line_of_pairs())


def finished(
    data: TrainingData, contact: ContactModel, encoder: Any, settings: ModelSettings, step: int = 1
) -> TrainedModel:
    """The model as it is used: the validation side weighs its parts, and sets level, temperature, threshold.

    Of the sequence term and of the relief so much is left as lowers the loss of held-out pairs: a part that
    does not pay is taken out.

    Parameters
    ----------
    data : TrainingData
    contact : ContactModel
        With the weights that are kept; changed in place.
    encoder : MotifEncoder
    settings : ModelSettings
    step : int
        After which these weights were found; 0 is before the first, where the model is its law alone.
    """
    unread = data.validation.unread_environment(data.reader)
    if isinstance(unread, UnreadEnvironment):
        _settle_usual_weights(data, contact.eval(), unread)
    environment = encoded(contact.eval(), unread)
    scores = scores_of(contact, data, data.validation, environment)
    contact.centre_sequence_at(_mean_sequence_term(data, contact, scores))
    sequence, relief = _paying_shares(data, contact, settings, environment)
    contact.shrink(sequence, relief)
    if isinstance(contact.resistance, TiedResistance) and settings.contrast == "block":
        contact.resistance.level_share.data.fill_(_best_level_share(data, contact, environment))
    scores = scores_of(contact, data, data.validation, environment)
    temperature, level = fit_temperature_and_bias(scores.logit, data.judged.label)
    contact.level.data.add_(level)
    scores = scores_of(contact, data, data.validation, environment)
    calibration = _calibration(data, contact)
    learned = step > 0 and relief > 0.0
    threshold, signs = _threshold_and_signs(scores, data, contact, temperature, learned=learned)
    return TrainedModel(
        settings=settings,
        encoder=encoder,
        contact=contact,
        statistics=data.statistics,
        teacher=data.teacher,
        deviations=data.deviations,
        counts=data.counts,
        calibration=calibration,
        threshold=threshold,
        provenance={
            "validation": validation_figures(scores, data, settings),
            "collapse": signs + environment_signs(*data.environments()),
            "best_step": step,
            "sequence_share": sequence if step > 0 else 0.0,
            "relief_share": relief if step > 0 and contact.resistance is not None else 0.0,
        },
        distance=data.distance,
        law=data.law,
    )
