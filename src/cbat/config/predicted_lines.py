"""Checks of the section ``predictions``, and where the model of each prediction lies."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cbat.config.load import key_error
from cbat.config.predictions import Prediction
from cbat.config.sections import Config
from cbat.config.sources import source_of
from cbat.config.suggestions import did_you_mean
from cbat.config.worlds import WORLD_DIRECTORY
from cbat.config.yaml_files import KeyPath, YamlFile
from cbat.files import is_no_file

if TYPE_CHECKING:
    from cbat.config.project import Project

PACKAGE_DIRECTORY: Final = Path("results/packages")
"""Where the model directories of a run lie."""
PACKAGE_FILES: Final = ("model.safetensors", "model.json", "MODEL_CARD.md", "SHA256SUMS")
_OWN_MODEL: Final = ("model", "model_seed", "world")
_FILES: Final = (
    "genome", "contig_names", "enhancers", "promoters", "similarity", "support", "calibrate",
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


def model_of(project: Project, prediction: Prediction) -> ModelPlace:
    """The model directory of a prediction."""
    if prediction.model_directory is not None:
        return _place(prediction.model_directory)
    inside = project if prediction.world is None else project.worlds[prediction.world].project
    model = prediction.model or inside.config.full_model
    seed = inside.config.seeds[0] if prediction.model_seed is None else prediction.model_seed
    directory = PACKAGE_DIRECTORY / model / f"seed_{seed}"
    if prediction.world is None:
        return _place(directory)
    finished = Path("results/worlds") / prediction.world / "summary" / "metrics.tsv"
    return ModelPlace(WORLD_DIRECTORY / prediction.world / directory, (finished,))


def _place(directory: Path) -> ModelPlace:
    return ModelPlace(directory, tuple(directory / name for name in PACKAGE_FILES))


def predicted_chromosomes(config: Config, prediction: Prediction) -> list[str]:
    """Chromosomes that the workflow predicts: those asked for, or all of the splits."""
    return prediction.chromosomes or [
        chrom for names in config.splits.chromosomes.values() for chrom in names
    ]


def input_files(prediction: Prediction) -> dict[str, Path]:
    """The files that a prediction names, by key."""
    named = {key: getattr(prediction, key) for key in _FILES}
    return {key: path for key, path in named.items() if path is not None}


def check_predictions(
    config: Config,
    files: Sequence[YamlFile],
    worlds: Mapping[str, Project],
    simulated: Collection[Path],
) -> None:
    """Predictions name models that there are, and files that exist, can be fetched or are simulated.

    Parameters
    ----------
    config : Config
    files : sequence of YamlFile
        For messages.
    worlds : mapping
        World -> its configuration.
    simulated : collection of Path
        Files that the simulation makes.

    Raises
    ------
    UserError
    """
    for name, prediction in (config.predictions or {}).items():
        key: KeyPath = ("predictions", name)
        if prediction.min_distance > prediction.max_distance:
            raise key_error(
                files,
                (*key, "min_distance"),
                f"predictions.{name}.min_distance is above max_distance, so no pair would be left",
                "lower the one or raise the other",
            )
        _check_model(config, files, worlds, name, prediction)
        for which, path in input_files(prediction).items():
            if path not in simulated and not path.is_file() and source_of(config, path) is None:
                raise key_error(
                    files,
                    (*key, which),
                    f"predictions.{name}.{which} is {str(path)!r}, which {is_no_file(path)}",
                    "correct the path (it starts at the working directory), or put the file there",
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
        if given := [other for other in _OWN_MODEL if getattr(prediction, other) is not None]:
            raise key_error(
                files,
                (*key, given[0]),
                f"predictions.{name} names a model_directory and {given[0]} as well",
                "delete one of the two",
            )
        if missing := [one for one in PACKAGE_FILES if not (prediction.model_directory / one).is_file()]:
            raise key_error(
                files,
                (*key, "model_directory"),
                f"predictions.{name}.model_directory is {str(prediction.model_directory)!r}, "
                f"which has no {missing[0]}",
                "name a folder that 'cbat package_model' has written",
            )
        return
    if prediction.world is not None and prediction.world not in worlds:
        raise key_error(
            files,
            (*key, "world"),
            f"predictions.{name}.world is {prediction.world!r}, which is no world of the configuration"
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
