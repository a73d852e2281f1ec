"""What a model directory says of its model, and the hashes of its files; nothing here needs torch.

A directory holds what predicts a new cell line: the weights of a model of sequences, the landscape of its
training lines, or both. All have a description (JSON), a card for people (Markdown) and the SHA-256 of each
file (``SHA256SUMS``, as ``sha256sum --check`` reads it). Nothing in it is code, and nothing that could run
code is read. The hashes tell damage and later changes; they cannot tell who has made the directory.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError

from cbat.config.base import LabelKind, Section
from cbat.errors import UserError
from cbat.files import sha256_of

SCHEMA_VERSION: Final = 2
CARD: Final = "MODEL_CARD.md"
DESCRIPTION: Final = "model.json"
WEIGHTS: Final = "model.safetensors"
LAW: Final = "law.json"
LANDSCAPE: Final = ("genes.parquet", "graph.json", "landscape.json", "law.json", "tracks.parquet")
"""What a law of the landscape needs beside its weights: see :mod:`cbat.prediction.shared_landscape`."""
CHECKSUMS: Final = "SHA256SUMS"
MEND: Final = "get the directory again from its source, or rerun the workflow that made it"
_COMMON: Final = (CARD, DESCRIPTION)
_KINDS: Final = (
    {*_COMMON, WEIGHTS},
    {*_COMMON, WEIGHTS, *LANDSCAPE},
    {*_COMMON, *LANDSCAPE},
)
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
    ``genome``: length of each of these chromosomes, bp; ``label_kind``: what the labels say of a pair;
    ``simulated``: whether all of it is simulated.
    """

    lines: list[TrainingLine]
    chromosomes: dict[str, list[str]]
    distances: tuple[int, int]
    genome: dict[str, int]
    label_kind: LabelKind = "contact"
    simulated: bool = False


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
    ``distance_figures`` are those of the law of distance alone, to be read beside ``figures``, and
    ``reference_figures`` those of other scores and tools, by name. A law of the landscape has no channels and
    no support set.
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
    distance_figures: list[Figure] = Field(default_factory=list)
    reference_figures: dict[str, list[Figure]] = Field(default_factory=dict)


def write_checksums(directory: Path) -> None:
    """Write ``SHA256SUMS`` of all other files of a model directory."""
    names = sorted(path.name for path in directory.iterdir() if path.name != CHECKSUMS)
    sums = "".join(f"{sha256_of(directory / name)}  {name}\n" for name in names)
    (directory / CHECKSUMS).write_text(sums, encoding="utf-8")


def listed_files(directory: Path) -> set[str]:
    """Names of the files of a model directory, whose hashes :func:`check_hashes` compares.

    Raises
    ------
    UserError
        It is no model directory.
    """
    return set(_checksums(Path(directory))[0])


def reads_sequences(directory: Path) -> bool:
    """Whether the model of a directory reads sequences; else it is a law of the landscape alone.

    Raises
    ------
    UserError
        It is no model directory.
    """
    return WEIGHTS in listed_files(directory)


def read_description(path: Path) -> tuple[About, dict[str, Any]]:
    """What ``model.json`` says about the model, and all of its content.

    Raises
    ------
    UserError
        It cannot be read, is of another schema version, or is incomplete.
    """
    content = _read_json(path)
    if (version := content.get("schema_version")) != SCHEMA_VERSION:
        raise UserError(
            f"the schema version is {version!r}, and this version of cbat reads {SCHEMA_VERSION}",
            mend="use the version of cbat that the model card names, or package the model again with this "
            "one",
            file=path,
        )
    try:
        return About.model_validate(content["about"]), content
    except (ValidationError, KeyError, TypeError, ValueError) as error:
        first = str(error).replace("\n", " ")[:200]
        raise UserError(f"the description is incomplete ({first})", mend=MEND, file=path) from error


def check_hashes(directory: Path) -> str:
    """Compare every file of a model directory with its hash; SHA-256 of the hashes.

    Raises
    ------
    UserError
        It is no model directory; a file is missing or has been changed.
    """
    directory = Path(directory)
    sums, text = _checksums(directory)
    for name, digest in sums.items():
        if not (directory / name).is_file():
            raise UserError("the file is missing", mend=MEND, file=directory / name)
        if sha256_of(directory / name) != digest:
            problem = f"the file was changed or damaged: its SHA-256 is not the one in {CHECKSUMS}"
            raise UserError(problem, mend=MEND, file=directory / name)
    return hashlib.sha256(text.encode()).hexdigest()


def _checksums(directory: Path) -> tuple[dict[str, str], str]:
    """File -> its hash as the directory has it, and the text that says so."""
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
            f"this is not a model directory, or not all of it: {CHECKSUMS} cannot be read",
            mend="name a model directory, such as results/packages/<model>/seed_<seed> of a run",
            file=directory,
        ) from error
    matches = [_CHECKSUM.match(line) for line in text.splitlines()]
    sums = {match["name"]: match["digest"] for match in matches if match is not None}
    if None in matches or set(sums) not in _KINDS or len(matches) != len(sums):
        raise UserError(
            f"it does not list {', '.join(_COMMON)} and {WEIGHTS} or {', '.join(LANDSCAPE)}, each once",
            mend=MEND,
            file=path,
        )
    return sums, text


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(f"the description cannot be read ({error})", mend=MEND, file=path) from error
    if not isinstance(content, dict):
        raise UserError("the description is not a JSON object", mend=MEND, file=path)
    return content
