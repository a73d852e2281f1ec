"""Checks of the section ``predictions``, and where the model of each prediction lies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cbat.config.base import ELEMENT_SIGNALS, TRACK_KINDS
from cbat.config.load import key_error
from cbat.config.predictions import Prediction
from cbat.config.sections import Config
from cbat.config.shipped_models import SHIPPED, model_directory
from cbat.config.sources import source_of
from cbat.config.suggestions import did_you_mean
from cbat.config.worlds import WORLD_DIRECTORY
from cbat.config.yaml_files import KeyPath, YamlFile
from cbat.faults import independent
from cbat.files import is_no_file

if TYPE_CHECKING:
    from cbat.config.project import Project

PACKAGE_DIRECTORY: Final = Path("results/packages")
"""Where the model directories of a run lie."""
WEIGHTS: Final = "model.safetensors"
"""File of a model directory whose model reads sequences."""
LANDSCAPE: Final = ("genes.parquet", "graph.json", "landscape.json", "law.json", "tracks.parquet")
"""Files of a model directory with a law of the landscape."""
COMMON: Final = ("model.json", "MODEL_CARD.md", "SHA256SUMS")
"""Files of every model directory."""
PROMOTERS: Final = "active_promoters"
"""Kind of track that promoters can be chosen by."""
_OWN_MODEL: Final = ("model", "model_seed", "world")
_FILES: Final = (
    "genome", "contig_names", "enhancers", "promoters", "similarity", "support", "calibrate", "genes",
    "insulator_motifs", "expressed",
)  # fmt: skip


@dataclass(frozen=True)
class ModelPlace:
    """Where the model of a prediction lies.

    Attributes
    ----------
    directory : Path
    files : tuple of Path
        What a job that reads it waits for: its files, or, for the model of a world, what a finished world
        leaves.
    """

    directory: Path
    files: tuple[Path, ...]


def package_files(*, sequence: bool, landscape: bool) -> tuple[str, ...]:
    """Files of a model directory: of a model with or without sequence, in a run with or without landscape."""
    return ((WEIGHTS,) if sequence else ()) + (LANDSCAPE if landscape else ()) + COMMON


def files_of_package(project: Project, model: str) -> tuple[str, ...]:
    """Files of the model directory of a model of a run."""
    landscape = project.config.landscape is not None
    return package_files(sequence=model in project.sequence_models, landscape=landscape)


def model_of(project: Project, prediction: Prediction) -> ModelPlace:
    """The model directory of a prediction."""
    if prediction.model_directory is not None:
        given = model_directory(prediction.model_directory)
        there = [name for name in (WEIGHTS, *LANDSCAPE) if (given / name).is_file()]
        return ModelPlace(given, tuple(given / name for name in (*there, *COMMON)))
    _, model, seed = _own_model(project, prediction)
    directory = PACKAGE_DIRECTORY / model / f"seed_{seed}"
    if prediction.world is None:
        return ModelPlace(directory, tuple(directory / name for name in files_of_package(project, model)))
    finished = Path("results/worlds") / prediction.world / "summary" / "metrics.tsv"
    return ModelPlace(WORLD_DIRECTORY / prediction.world / directory, (finished,))


def reads_sequences(project: Project, prediction: Prediction) -> bool:
    """Whether the model of a prediction reads sequences; else it is a law of the landscape."""
    if prediction.model_directory is not None:
        return (model_directory(prediction.model_directory) / WEIGHTS).is_file()
    inside, model, _ = _own_model(project, prediction)
    return model in inside.sequence_models


def _own_model(project: Project, prediction: Prediction) -> tuple[Project, str, int]:
    """The run whose model it is, the model and its seed."""
    inside = project if prediction.world is None else project.worlds[prediction.world].project
    seed = inside.config.seeds[0] if prediction.model_seed is None else prediction.model_seed
    return inside, prediction.model or inside.config.full_model, seed


def predicted_chromosomes(config: Config, prediction: Prediction) -> list[str]:
    """Chromosomes that the workflow predicts: those asked for, or all of the splits."""
    return prediction.chromosomes or [
        chrom for names in config.splits.chromosomes.values() for chrom in names
    ]


def input_files(prediction: Prediction) -> dict[str, Path]:
    """The files that a prediction names, by key; ``tracks.<kind>`` for each track, and so for signals."""
    named = {key: getattr(prediction, key) for key in _FILES}
    tracks = {f"tracks.{kind}": path for kind, path in prediction.tracks.items()}
    signals = {f"element_signals.{name}": path for name, path in prediction.element_signals.items()}
    return {key: path for key, path in named.items() if path is not None} | tracks | signals


def check_predictions(
    project: Project,
    files: Sequence[YamlFile],
    worlds: Mapping[str, Project],
    made: Collection[Path],
) -> None:
    """Predictions name models that there are, and files that exist, can be fetched or are made.

    Parameters
    ----------
    project : Project
        With its worlds.
    files : sequence of YamlFile
        For messages.
    worlds : mapping
        World -> its configuration.
    made : collection of Path
        Files that the workflow makes of others: simulated ones, and those lifted from another assembly.

    Raises
    ------
    UserError
    """
    config = project.config
    for name, prediction in (config.predictions or {}).items():
        with independent():
            _check_bounds(files, name, prediction)
        with independent():
            _check_model(config, files, worlds, name, prediction)
            _check_genome_and_tracks(project, files, name, prediction)
        for which, path in input_files(prediction).items():
            if path in made or path.is_file() or source_of(config, path) is not None:
                continue
            with independent():
                raise key_error(
                    files,
                    ("predictions", name, *which.split(".")),
                    f"predictions.{name}.{which} is {str(path)!r}, which {is_no_file(path)}",
                    "correct the path (it starts at the working directory), or put the file there",
                )


def _check_bounds(files: Sequence[YamlFile], name: str, prediction: Prediction) -> None:
    shortest, longest = prediction.min_distance, prediction.max_distance
    if shortest is not None and longest is not None and shortest > longest:
        raise key_error(
            files,
            ("predictions", name, "min_distance"),
            f"predictions.{name}.min_distance is above max_distance, so no pair would remain",
            "lower the one or raise the other",
        )


def _check_genome_and_tracks(
    project: Project, files: Sequence[YamlFile], name: str, prediction: Prediction
) -> None:
    """Sequences need a genome, kinds of track are known, and promoters are chosen by what is there."""
    key: KeyPath = ("predictions", name)
    sequence = reads_sequences(project, prediction)
    if sequence and prediction.genome is None and project.config.genome is None:
        raise key_error(
            files,
            key,
            f"predictions.{name} has a model that reads sequences, but genome is null",
            f"name a FASTA in predictions.{name}.genome, or a model without sequence",
        )
    if prediction.promoters is None and prediction.genes is None and prediction.model_directory is None:
        raise key_error(
            files,
            key,
            f"predictions.{name} names neither promoters nor genes",
            "name an annotation of genes, or the promoters to look at",
        )
    if prediction.active_promoters_only and PROMOTERS not in prediction.tracks:
        raise key_error(
            files,
            (*key, "active_promoters_only"),
            f"predictions.{name}.active_promoters_only is set, and no peaks of active promoters are given",
            f"name them in predictions.{name}.tracks.{PROMOTERS}, or delete the key",
        )
    if prediction.expression_column is not None and prediction.expressed is None:
        raise key_error(
            files,
            (*key, "expression_column"),
            f"predictions.{name}.expression_column is a column of no table",
            f"name the table in predictions.{name}.expressed, or delete the key",
        )
    for which, given, known, what in (
        ("tracks", prediction.tracks, TRACK_KINDS, "kind of track"),
        ("element_signals", prediction.element_signals, ELEMENT_SIGNALS, "signal at candidates"),
    ):
        for kind in given:
            if kind not in known:
                raise key_error(
                    files,
                    (*key, which, kind),
                    f"predictions.{name}.{which} names {kind!r}, which is no {what}"
                    + did_you_mean(kind, known),
                    f"write one of: {', '.join(known)}",
                )


def _check_model(
    config: Config,
    files: Sequence[YamlFile],
    worlds: Mapping[str, Project],
    name: str,
    prediction: Prediction,
) -> None:
    key: KeyPath = ("predictions", name)
    if prediction.model_directory is not None:
        if others := [other for other in _OWN_MODEL if getattr(prediction, other) is not None]:
            raise key_error(
                files,
                (*key, others[0]),
                f"predictions.{name} names a model_directory and {others[0]} as well",
                "delete one of the two",
            )
        given = model_directory(prediction.model_directory)
        wanted = [*COMMON, *(() if (given / WEIGHTS).is_file() else LANDSCAPE)]
        if missing := [one for one in wanted if not (given / one).is_file()]:
            raise key_error(
                files,
                (*key, "model_directory"),
                f"predictions.{name}.model_directory is {str(prediction.model_directory)!r}, "
                f"which has no {missing[0]}",
                "name a model directory, such as results/packages/<model>/seed_<seed> of a run, or one of "
                f"the models that come with the package: {', '.join(SHIPPED)}",
            )
        return
    if prediction.world is not None and prediction.world not in worlds:
        raise key_error(
            files,
            (*key, "world"),
            f"predictions.{name}.world is {prediction.world!r}, which is not a world of the configuration"
            + did_you_mean(prediction.world, worlds),
            f"write one of: {', '.join(worlds)}" if worlds else "delete it, for there are no worlds",
        )
    inside = config if prediction.world is None else worlds[prediction.world].config
    for which, value, known in (
        ("model", prediction.model, [str(one) for one in inside.models]),
        ("model_seed", prediction.model_seed, [str(one) for one in inside.seeds]),
    ):
        if value is not None and str(value) not in known:
            raise key_error(
                files,
                (*key, which),
                f"predictions.{name}.{which} is {value!r}, which is not run here"
                + did_you_mean(str(value), known),
                f"write one of: {', '.join(known)}",
            )
