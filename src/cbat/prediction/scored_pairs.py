"""Scored pairs of one chromosome: their places among those of a promoter, and the table that holds them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import atomic_file
from cbat.landscape.law import probability_of
from cbat.model.calibration import interval
from cbat.prediction.plan import Plan

PIECE: Final = 1 << 16
"""Pairs that are scored, and later written, together."""
Columns = dict[str, npt.NDArray[Any]]
_MAYBE: Final = ("abc", "enhancer_share", "probability_low", "probability_high")


def check_same_model(digest: str, plan: Plan, model_directory: Path) -> None:
    """Refuse a model that the line was not prepared with.

    Raises
    ------
    UserError
    """
    if digest != plan.model_digest:
        raise UserError(
            "the line was prepared with another model than this one",
            mend="predict the line again with this model directory",
            file=model_directory,
        )


def check_chromosome(chromosome: str, plan: Plan, directory: Path) -> None:
    """Refuse a chromosome that is not in the plan.

    Raises
    ------
    UserError
    """
    if chromosome not in plan.chromosomes:
        raise UserError(
            f"the chromosome {chromosome!r} is not in the plan of {plan.cell_line}",
            mend=f"write one of: {', '.join(plan.chromosomes)}",
            file=directory,
        )


def empty_columns(n: int) -> Columns:
    """Columns of ``n`` pairs, to be filled: rows of the tables of elements, distance, energies, and shares.

    Energies are 32-bit floats, as a model of sequences has them. ABC is NaN where nothing says how active
    enhancers are, the share on the side of the enhancer where no transcription starts are known, and the
    interval of the probability where the model does not know how far lines differ.
    """
    integers = dict.fromkeys(("enhancer", "promoter", "distance"), np.int32)
    kinds = integers | dict.fromkeys(("intrinsic_potential", "environment_resistance"), np.float32)
    columns = {name: np.empty(n, dtype=kind) for name, kind in kinds.items()}
    return columns | {name: np.full(n, np.nan, dtype=np.float32) for name in _MAYBE}


def decide(columns: Columns, plan: Plan) -> Columns:
    """Score, probability, rank and call of pairs whose energies are known."""
    columns["score"] = columns["intrinsic_potential"].astype(np.float64) - columns["environment_resistance"]
    columns["probability"] = probability_of(columns["score"] + plan.level, plan.temperature)
    if plan.deviation is not None:
        log_odds = (columns["score"] + plan.level) / plan.temperature
        ends = interval(log_odds, plan.deviation)
        columns["probability_low"], columns["probability_high"] = (end.astype(np.float32) for end in ends)
    columns["rank"] = ranks(columns["promoter"], columns["score"])
    columns["contact"] = columns["probability"] >= plan.threshold
    return columns


def ranks(promoter: npt.NDArray[np.int32], score: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
    """Place of each pair among those of its promoter, from 1 for the highest score; ties as they stand."""
    order = np.lexsort((-score, promoter))
    ordered = promoter[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    place = np.arange(len(ordered)) - np.repeat(starts, np.diff(starts, append=len(ordered)))
    result = np.empty(len(ordered), dtype=np.int32)
    result[order] = place + 1
    return result


def write_pairs(
    output: Path, columns: Mapping[str, npt.NDArray[Any]], tables: Mapping[str, pd.DataFrame], chromosome: str
) -> None:
    """Write scored pairs with what a reader must know of their elements, a group of rows after the other."""
    # A dictionary must hold every word once: of others the writer leaves memory of its own in the file.
    words = {
        (role, column): pd.factorize(tables[role][column].astype(object))
        for role in ROLES
        for column in ("element_id", "name", "strand")
        if (role, column) != ("enhancer", "strand")
    }
    ends = {
        role: {side: tables[role][f"source_{side}"].to_numpy(dtype=np.int64) for side in ("start", "end")}
        for role in ROLES
    }
    chrom = pa.array([chromosome], type=pa.string())
    n = len(columns["score"])
    with atomic_file(output) as temporary:
        writer = None
        for at in range(0, max(n, 1), PIECE):
            part = {name: column[at : at + PIECE] for name, column in columns.items()}
            zeros = np.zeros(len(part["score"]), dtype=np.int32)
            table = pa.table(
                {"chrom": pa.DictionaryArray.from_arrays(pa.array(zeros), chrom)}
                | {
                    f"{role}_{side}": ends[role][side][part[role]]
                    for role in ROLES
                    for side in ("start", "end")
                }
                | {
                    f"{role}_{'id' if column == 'element_id' else column}": pa.DictionaryArray.from_arrays(
                        pa.array(codes[part[role]].astype(np.int32)), pa.array(values, type=pa.string())
                    )
                    for (role, column), (codes, values) in words.items()
                }
                | {name: column for name, column in part.items() if name not in ROLES}
            )
            writer = pq.ParquetWriter(temporary, table.schema) if writer is None else writer
            writer.write_table(table)
        assert writer is not None
        writer.close()
