"""A model directory: everything that predicting a new cell line needs, in the form that people share.

It holds the weights (safetensors), a description (JSON), a card for people (Markdown) and the SHA-256 of each
(``SHA256SUMS``, as ``sha256sum --check`` reads it). Nothing in it is code, and nothing that could run code is
read. The hashes tell damage and later changes; they cannot tell who has made the directory.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from cbat.config.base import Section
from cbat.errors import UserError
from cbat.files import atomic_directory, sha256_of, write_json
from cbat.model.bundle import DESCRIPTION, WEIGHTS, TrainedModel, assemble, described, save_weights

SCHEMA_VERSION: Final = 1
CARD: Final = "MODEL_CARD.md"
CHECKSUMS: Final = "SHA256SUMS"
FILES: Final = (CARD, DESCRIPTION, WEIGHTS)
MEND: Final = "get the directory again from where it came, or make it anew with 'cbat package_model'"
_CHECKSUM: Final = re.compile(r"^(?P<digest>[0-9a-f]{64}) [ *](?P<name>[^/\\]+)$")


class Channel(Section):
    """A motif channel: its consensus, and the known motif that it looks like (``-`` for none)."""

    consensus: str
    motif: str
    similarity: float
    alike: list[str]


class Windows(Section):
    """Lengths of the windows that stand for elements, bp."""

    enhancer: int
    promoter: int


class Elements(Section):
    """Which elements were left out in training: see the section ``elements``."""

    max_n: float | None
    enhancer_promoter_gap: int


class Support(Section):
    """What support sets are drawn from, and their size in training and where the model was chosen."""

    elements: list[str]
    size: int
    validation_size: int


class TrainingLine(Section):
    """A cell line that trained the model, or that helped to choose it."""

    cell_line: str
    tissue: str
    role: str
    pairs: int
    contacts: int


class Training(Section):
    """What a model has learned from.

    ``chromosomes``: split -> names; ``distances``: the shortest and the longest of a training pair, bp;
    ``genome``: length of each of these chromosomes, bp.
    """

    lines: list[TrainingLine]
    chromosomes: dict[str, list[str]]
    distances: tuple[int, int]
    genome: dict[str, int]


class Figure(Section):
    """A row of the long table of figures; ``low`` and ``high`` are a 95% interval."""

    cell_line: str
    role: str
    chromosomes: str
    negatives: str
    context: str
    n_support: int
    metric: str
    value: float
    low: float | None
    high: float | None


class About(Section):
    """What a model directory says of its model besides the model itself.

    ``evidence_power`` is the power of the likelihood in the read-out of tissues; null if it was not fitted.
    """

    name: str
    seed: int
    cbat_version: str
    channels: list[Channel]
    windows: Windows
    elements: Elements
    support: Support
    training: Training
    evidence_power: float | None
    figures: list[Figure]


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


def write_model_directory(directory: Path, model: TrainedModel, about: About, card: str) -> None:
    """Write a model directory, whole or not at all."""
    with atomic_directory(directory) as temporary:
        save_weights(temporary / WEIGHTS, model)
        content = {
            "schema_version": SCHEMA_VERSION,
            "about": about.model_dump(mode="json"),
            "model": described(model),
        }
        write_json(temporary / DESCRIPTION, content)
        (temporary / CARD).write_text(card, encoding="utf-8")
        sums = "".join(f"{sha256_of(temporary / name)}  {name}\n" for name in FILES)
        (temporary / CHECKSUMS).write_text(sums, encoding="utf-8")


def read_model_directory(directory: Path) -> SharedModel:
    """Read a model directory, once the hash of every file has been checked.

    Raises
    ------
    UserError
        It is no model directory; a file is missing or has been changed; it is of another schema version.
    """
    directory = Path(directory)
    digest = check_hashes(directory)
    path = directory / DESCRIPTION
    content = _read_json(path)
    if (version := content.get("schema_version")) != SCHEMA_VERSION:
        raise UserError(
            f"the schema version is {version!r}, and this version of cbat reads {SCHEMA_VERSION}",
            mend="use the version of cbat that the model card names, or package the model anew with this one",
            file=path,
        )
    try:
        about = About.model_validate(content["about"])
        description = dict(content["model"])
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        first = str(error).replace("\n", " ")[:200]
        raise UserError(f"the description is incomplete ({first})", mend=MEND, file=path) from error
    model = assemble(description, directory / WEIGHTS, mend=MEND, file=path)
    if len(about.channels) != model.encoder.n_filters:
        problem = f"it names {len(about.channels)} channels, and the weights have {model.encoder.n_filters}"
        raise UserError(problem, mend=MEND, file=path)
    return SharedModel(about, model, digest)


def check_hashes(directory: Path) -> str:
    """Compare every file of a model directory with its hash; SHA-256 of the hashes.

    Raises
    ------
    UserError
        See :func:`read_model_directory`.
    """
    path = directory / CHECKSUMS
    if not directory.is_dir():
        raise UserError(
            "the model directory does not exist",
            mend="correct its path (it starts at the working directory)",
            file=directory,
        )
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"this is no model directory, or not all of it: {CHECKSUMS} cannot be read",
            mend="name a folder that 'cbat package_model' has written, such as results/packages/<model>/"
            "seed_<seed>",
            file=directory,
        ) from error
    matches = [_CHECKSUM.match(line) for line in text.splitlines()]
    sums = {match["name"]: match["digest"] for match in matches if match is not None}
    if None in matches or sorted(sums) != sorted(FILES) or len(matches) != len(sums):
        raise UserError(f"it does not list {', '.join(FILES)}, each once", mend=MEND, file=path)
    for name, digest in sums.items():
        if not (directory / name).is_file():
            raise UserError("the file is missing", mend=MEND, file=directory / name)
        if sha256_of(directory / name) != digest:
            problem = f"the file was changed or damaged: its SHA-256 is not the one in {CHECKSUMS}"
            raise UserError(problem, mend=MEND, file=directory / name)
    return hashlib.sha256(text.encode()).hexdigest()


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"the description cannot be read ({error})", mend=MEND, file=path) from error
    if not isinstance(content, dict):
        raise UserError("the description is no JSON object", mend=MEND, file=path)
    return content
