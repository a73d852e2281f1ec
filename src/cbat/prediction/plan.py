"""What the preparation of a cell line leaves for those who score it: elements, environment, decision."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import numpy as np
import pandas as pd

from cbat.data.stored import read_table, write_table
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import write_json
from cbat.model.environment import FloatArray
from cbat.prediction.candidates import COLUMNS

FORMAT: Final = 3
_READ: Final = (1, 2, 3)
"""Formats that are read; the first one knew no level, which is 0 there, and the second no deviation."""
PREPARED: Final = "prepared"
PLAN: Final = "plan.json"
PAIRS: Final = "pairs"
GENOME: Final = "genome"
PAGE: Final = "index.html"
_MEND: Final = "predict the line again"


@dataclass(frozen=True)
class Counts:
    """Elements and pairs of a chromosome."""

    enhancers: int
    promoters: int
    pairs: int


@dataclass(frozen=True)
class Plan:
    """How the pairs of a cell line are scored.

    Attributes
    ----------
    cell_line : str
    model_digest : str
        Of the model directory that the environment was read with.
    environment : list of float, or None
        What the resistance is fed; None for a model without environment.
    temperature, threshold : float
        Those of the model, or refitted to a few labelled pairs.
    min_distance, max_distance : int
        Between centres, bp.
    chromosomes : dict
        Chromosome -> its counts, in the order of the outputs.
    level : float
        Added to the score before the temperature divides it: that of the model at the size of the support
        set, or refitted to a few labelled pairs.
    deviation : float or None
        Standard deviation of the line's level in log-odds; None where the model does not know it.
    """

    cell_line: str
    model_digest: str
    environment: list[float] | None
    temperature: float
    threshold: float
    min_distance: int
    max_distance: int
    chromosomes: dict[str, Counts]
    level: float = 0.0
    deviation: float | None = None

    @property
    def n_pairs(self) -> int:
        """Pairs of all chromosomes."""
        return sum(counts.pairs for counts in self.chromosomes.values())

    @property
    def score_threshold(self) -> float | None:
        """Score from which on a pair is called a contact; None where the threshold is no score's."""
        if not 0.0 < self.threshold < 1.0:
            return None
        return float(self.temperature * np.log(self.threshold / (1.0 - self.threshold)) - self.level)

    def fed(self) -> FloatArray | None:
        """The environment as an array of 32-bit floats, as the model has it."""
        if self.environment is None:
            return None
        return np.array(self.environment, dtype=np.float32).astype(np.float64)


def write_plan(directory: Path, plan: Plan, tables: dict[str, pd.DataFrame]) -> None:
    """Write ``prepared/`` of a cell line's folder."""
    prepared = directory / PREPARED
    for role in ROLES:
        write_table(prepared / f"{role}.parquet", tables[role])
    write_json(prepared / PLAN, {"format": FORMAT, "order": [*plan.chromosomes], **asdict(plan)})


def read_plan(directory: Path) -> Plan:
    """Read the plan of a cell line's folder.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    path = directory / PREPARED / PLAN
    if not path.exists():
        raise UserError(
            "this is not a prediction folder" if directory.is_dir() else "there is no such folder",
            mend="name the --directory of cbat predict, or results/predictions/<line>",
            file=directory,
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content.pop("format") not in _READ:
            raise ValueError("another format")
        order, counts = content.pop("order"), content.pop("chromosomes")
        chromosomes = {chrom: Counts(**counts[chrom]) for chrom in order}
        return Plan(**content, chromosomes=chromosomes)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"the plan cannot be read ({error})", mend=_MEND, file=path) from error


def read_elements(directory: Path, chromosome: str) -> dict[str, pd.DataFrame]:
    """Role -> the elements of a chromosome, as :mod:`cbat.prediction.candidates` has them."""
    tables = {}
    for role in ROLES:
        table = read_table(directory / PREPARED / f"{role}.parquet", COLUMNS, mend=_MEND)
        tables[role] = table[table["chrom"] == chromosome].reset_index(drop=True)
    return tables


def pairs_file(directory: Path, chromosome: str) -> Path:
    """Where the scored pairs of a chromosome lie; a name that no file may have is spelt otherwise."""
    return directory / PAIRS / f"{quote(chromosome, safe='')}.parquet"


def in_order(pairs: Sequence[Path], plan: Plan, directory: Path) -> list[Path]:
    """Files of scored pairs in the order of the plan; they are known by their names.

    Raises
    ------
    UserError
        A chromosome without a file, a file of no chromosome, or one that is given twice.
    """
    given = {Path(path).name: Path(path) for path in pairs}
    wanted = [pairs_file(directory, chrom).name for chrom in plan.chromosomes]
    if sorted(given) != sorted(wanted) or len(given) != len(pairs):
        raise UserError(
            f"the files of scored pairs are {', '.join(sorted(given)) or 'none'}, and the plan has "
            f"{', '.join(wanted)}",
            mend="give one file for each chromosome of the plan, as score_chromosome has named it",
            file=directory,
        )
    return [given[name] for name in wanted]
