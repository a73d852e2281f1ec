"""Put a trained model into the form that people share: weights, description, card and hashes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import pandas as pd

from cbat import __version__
from cbat.config.base import Expectation, LabelKind
from cbat.config.sections import (
    ElementSettings,
    EvaluationSettings,
    ReadoutSettings,
    ShardSettings,
    SplitSettings,
)
from cbat.data.assemblies import assembly_of
from cbat.data.genome import read_contig_sizes
from cbat.data.motif_files import read_motif_file
from cbat.data.shards import Shard, read_shard
from cbat.errors import UserError
from cbat.evaluation.headline import Headline
from cbat.model.about import About, Channel, Elements, Support, Training, TrainingLine, Windows
from cbat.model.bundle import TrainedModel, load_model
from cbat.model.directory import write_model_directory
from cbat.model.motif_names import consensus, filter_probabilities, jaspar_motifs, name_motifs
from cbat.prediction.card import model_card
from cbat.prediction.figures import DISTANCE, figures_of
from cbat.prediction.shared_landscape import shares_of, signals_of, write_landscape


def run(
    *,
    model_directory: Path,
    name: str,
    seed: int,
    shards: Sequence[Path],
    metrics: Sequence[Path] = (),
    calibration: Path | None = None,
    contig_sizes: Path,
    elements: ElementSettings,
    splits: SplitSettings,
    shard_settings: ShardSettings,
    evaluation: EvaluationSettings,
    readout: ReadoutSettings,
    directory: Path,
    references: Sequence[Path] = (),
    law: Path | None = None,
    graph: Path | None = None,
    genes: Path | None = None,
    tracks: Mapping[str, Path] | None = None,
    landscapes: Mapping[str, Path] | None = None,
    label_kind: LabelKind = "contact",
    simulated: bool = False,
    expectation: Expectation = "lines",
) -> None:
    """Write a model directory: ``model.safetensors``, ``model.json``, ``MODEL_CARD.md``, ``SHA256SUMS``.

    With a law of the landscape also ``law.json``, ``graph.json``, ``genes.parquet``, ``tracks.parquet`` and
    ``landscape.json``.

    Parameters
    ----------
    model_directory : Path
        What `train_model` has written.
    name : str
        Name of the model, for people.
    seed : int
        Its training seed, for people.
    shards : sequence of Path
        Shards of the training and validation lines, for their counts.
    metrics : sequence of Path
        Tables of metrics of the model, one for each evaluated line.
    calibration : Path, optional
        ``calibration.json`` of the read-out of this model.
    contig_sizes : Path
        Contigs of the genome that it was trained on.
    elements, splits, shard_settings, evaluation, readout : settings
        Sections of the configuration that it was trained and evaluated with.
    directory : Path
        The model directory to write; what it held is replaced.
    references : sequence of Path
        Tables of metrics of the references on the same lines, of which that of the distance is kept.
    law, graph, genes : Path, optional
        Law of the landscape that the model starts from, prototype graph of the training lines, and
        transcription starts; all three or none.
    tracks, landscapes : mapping, optional
        Training line -> its ranked tracks, and the folder of its landscape.
    label_kind : str
        What the labels say of a pair.
    simulated : bool
        Whether everything that it has learned from is simulated.
    expectation : str
        As in the section ``landscape``.

    Raises
    ------
    UserError
        A damaged model, shard or table.
    """
    model = load_model(model_directory)
    windows = {"enhancer": elements.enhancer_window, "promoter": elements.promoter_window}
    opened = [read_shard(path) for path in shards]
    for shard in opened:
        _check_windows(shard, windows)
    size = min(model.settings.support_size, shard_settings.support_size)
    about = About(
        name=name,
        seed=seed,
        cbat_version=__version__,
        channels=_channels(model, readout),
        windows=Windows(**windows),
        elements=Elements(max_n=elements.max_n, enhancer_promoter_gap=elements.enhancer_promoter_gap),
        support=Support(
            elements=list(shard_settings.support_elements),
            size=size,
            validation_size=min(model.settings.validation_support, shard_settings.support_size),
        ),
        training=_training(model, opened, splits, read_contig_sizes(contig_sizes), label_kind, simulated),
        evidence_power=None if calibration is None else _power(calibration),
        figures=figures_of(metrics, name, Headline.of(evaluation)),
        distance_figures=figures_of(references, DISTANCE, Headline.of(evaluation)),
    )
    more = None
    learned = set(model.provenance.get("train_lines", model.teacher.lines))
    if law is not None and graph is not None and genes is not None:
        folders = {line: path for line, path in (landscapes or {}).items() if line in learned}
        more = partial(
            write_landscape,
            law=law,
            graph=graph,
            tracks=tracks or {},
            genes=genes,
            shares=shares_of(folders),
            signals=signals_of(folders),
            expectation=expectation,
            assembly=assembly_of(read_contig_sizes(contig_sizes)),
        )
    write_model_directory(directory, model, about, model_card(about, model), more)


def _check_windows(shard: Shard, windows: dict[str, int]) -> None:
    for role, codes in (("enhancer", shard.enhancer_codes), ("promoter", shard.promoter_codes)):
        if codes.shape[1] != windows[role]:
            raise UserError(
                f"the {role} windows of {shard.cell_line} have {codes.shape[1]} bp, and the section elements "
                f"says {windows[role]}",
                mend="give the section that the shards were made with",
            )


def _channels(model: TrainedModel, readout: ReadoutSettings) -> list[Channel]:
    known = jaspar_motifs() if readout.motifs is None else read_motif_file(readout.motifs)
    filters = model.encoder.filters.numpy()
    names = name_motifs(filters, known, readout.least_similarity)
    words = [consensus(matrix) for matrix in filter_probabilities(filters)[0]]
    return [
        Channel(
            consensus=word, motif=one.motif, similarity=round(float(one.similarity), 6), alike=list(one.alike)
        )
        for word, one in zip(words, names, strict=True)
    ]


def _training(
    model: TrainedModel,
    shards: Sequence[Shard],
    splits: SplitSettings,
    sizes: dict[str, int],
    label_kind: LabelKind,
    simulated: bool,
) -> Training:
    chromosomes = {split: list(names) for split, names in splits.chromosomes.items()}
    learned = set(model.provenance.get("train_lines", model.teacher.lines))
    graph = model.teacher.graph
    lines, distances = [], []
    for shard in shards:
        used = ["train", "validation"] if shard.cell_line in learned else ["validation"]
        pairs = shard.pairs[shard.pairs["split"].isin(used)]
        if shard.cell_line in learned:
            distances.append(pairs.loc[pairs["split"] == "train", "distance"])
        lines.append(
            TrainingLine(
                cell_line=shard.cell_line,
                tissue=(graph.tissue_of(shard.cell_line) if graph is not None else None) or "unknown",
                role="train" if shard.cell_line in learned else "validation",
                pairs=len(pairs),
                contacts=int(pairs["label"].sum()),
            )
        )
    every = pd.concat([*distances, pd.Series([], dtype="int64")])
    named = {chrom for names in chromosomes.values() for chrom in names}
    return Training(
        lines=lines,
        chromosomes=chromosomes,
        distances=(int(every.min()), int(every.max())) if len(every) else (0, 0),
        genome={chrom: length for chrom, length in sizes.items() if chrom in named},
        label_kind=label_kind,
        simulated=simulated,
    )


def _power(path: Path) -> float:
    try:
        return float(json.loads(path.read_text(encoding="utf-8"))["power"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"this is not the calibration of a read-out ({error})",
            mend="run read_environment again",
            file=path,
        ) from error
