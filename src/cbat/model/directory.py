"""A directory of a model of sequences: weights, description, card, hashes, and perhaps a landscape."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cbat.errors import UserError
from cbat.files import atomic_directory, write_json
from cbat.model.about import (
    CARD,
    DESCRIPTION,
    MEND,
    SCHEMA_VERSION,
    WEIGHTS,
    About,
    check_hashes,
    listed_files,
    read_description,
    write_checksums,
)
from cbat.model.bundle import TrainedModel, assemble, described, save_weights

FILES: Final = (CARD, DESCRIPTION, WEIGHTS)


@dataclass(frozen=True, eq=False)
class SharedModel:
    """A model as it was read from its directory.

    Attributes
    ----------
    about : About
    model : TrainedModel
    digest : str
        SHA-256 of all its hashes together, which identifies the directory.
    """

    about: About
    model: TrainedModel
    digest: str


def write_model_directory(
    directory: Path,
    model: TrainedModel,
    about: About,
    card: str,
    write_more: Callable[[Path], None] | None = None,
) -> None:
    """Write a model directory, whole or not at all; ``write_more`` adds the files of a landscape to it."""
    with atomic_directory(directory) as temporary:
        save_weights(temporary / WEIGHTS, model)
        content = {
            "schema_version": SCHEMA_VERSION,
            "about": about.model_dump(mode="json"),
            "model": described(model),
        }
        write_json(temporary / DESCRIPTION, content)
        (temporary / CARD).write_text(card, encoding="utf-8")
        if write_more is not None:
            write_more(temporary)
        write_checksums(temporary)


def read_model_directory(directory: Path) -> SharedModel:
    """Read a model directory, once the hash of every file has been checked.

    Raises
    ------
    UserError
        It is no model directory, or one without weights; a file is missing or has been changed; it is of
        another schema version.
    """
    directory = Path(directory)
    digest = check_hashes(directory)
    path = directory / DESCRIPTION
    if WEIGHTS not in listed_files(directory):
        raise UserError(
            "this model is a law of the landscape, and a model of sequences is needed here",
            mend="name the directory of a model that reads sequences",
            file=directory,
        )
    about, content = read_description(path)
    try:
        description = dict(content["model"])
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"the description is incomplete ({error})", mend=MEND, file=path) from error
    model = assemble(description, directory / WEIGHTS, mend=MEND, file=path)
    if len(about.channels) != model.encoder.n_filters:
        problem = f"it names {len(about.channels)} channels, and the weights have {model.encoder.n_filters}"
        raise UserError(problem, mend=MEND, file=path)
    return SharedModel(about, model, digest)
