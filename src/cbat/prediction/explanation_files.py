"""What the explanations of all kinds of model share: checks, the files that they write, and the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.errors import UserError
from cbat.files import atomic_file, write_json

log = logging.getLogger(__name__)
TABLE: Final = "explanation.tsv"
BASES: Final = "bases.tsv"
FIGURE: Final = "explanation.svg"
SUMMARY: Final = "explanation.json"
_SAME: Final = 1e-3
"""Energies that differ by more were not scored by this model on these files."""


@dataclass(frozen=True, eq=False)
class Explanation:
    """What makes the scores of a pair, or of a line, what they are.

    Attributes
    ----------
    subject : str
        The pair or the line, for the log.
    table : DataFrame
        Parts of both energies.
    summary : dict
    draw : callable
        Draws the figure, given its path.
    bases : DataFrame, optional
        What each base of a pair adds, of a model of sequences.
    """

    subject: str
    table: pd.DataFrame
    summary: dict[str, Any]
    draw: Callable[[Path], None]
    bases: pd.DataFrame | None = None

    def write(self, directory: Path) -> None:
        """Write tables, summary and figure into a folder, and tell the strongest parts."""
        names = [TABLE, FIGURE, SUMMARY]
        write_table(directory / TABLE, self.table)
        if self.bases is not None:
            names.insert(1, BASES)
            write_table(directory / BASES, self.bases)
        write_json(directory / SUMMARY, self.summary)
        self.draw(directory / FIGURE)
        tell(self.subject, self.table, "on_score")
        log.info("written to %s: %s", directory, ", ".join(names))


def check_arguments(enhancer: str | None, promoter: str | None, pairs: int) -> None:
    """Refuse half a pair, and no pairs at all.

    Raises
    ------
    UserError
    """
    if (enhancer is None) != (promoter is None):
        named, missing = ("enhancer", "promoter") if promoter is None else ("promoter", "enhancer")
        raise UserError(
            f"the {named} of a pair is named, and not its {missing}",
            mend=f"add --{missing}, or leave out --{named} to explain the whole line",
        )
    if pairs < 1:
        raise UserError(f"{pairs} pairs are requested", mend="request one or more with --pairs")


def check_energies(
    pairs: pd.DataFrame, quantity: str, value: npt.NDArray[np.float64], directory: Path
) -> None:
    """Refuse energies that are not those of the prediction.

    Raises
    ------
    UserError
    """
    away = np.abs(value - pairs[quantity].to_numpy(dtype=np.float64))
    if (away > _SAME).any():
        raise UserError(
            f"the {quantity} of a pair is {value[away.argmax()]:.4f}, and the prediction says "
            f"{pairs[quantity].iloc[away.argmax()]:.4f}: the genome or the prediction has changed",
            mend="run the prediction again",
            file=directory,
        )


def about_element(element: pd.Series[Any]) -> dict[str, Any]:
    """An element, for the summary."""
    return {
        "id": str(element["element_id"]),
        "name": str(element["name"]),
        "chrom": str(element["chrom"]),
        "start": int(element["source_start"]),
        "end": int(element["source_end"]),
    }


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table with enough digits that parts still add up."""
    with atomic_file(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, float_format="%.10g", na_rep="", lineterminator="\n")


def tell(subject: str, table: pd.DataFrame, column: str, most: int = 3) -> None:
    """The strongest parts of each energy, in the log."""
    for quantity, part in table.groupby("quantity", sort=False):
        named = part[part["part"] != "reference"]
        top = named.loc[named[column].abs().sort_values(ascending=False, kind="stable").index[:most]]
        parts: Sequence[Mapping[str, Any]] = top.to_dict("records")
        shown = ", ".join(f"{one['label']} ({one['part']}) {one[column]:+.3f}" for one in parts)
        log.info("%s, %s, on the score: %s", subject, quantity, shown)
