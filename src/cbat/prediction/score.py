"""Score all pairs of one chromosome: elements are encoded once, and pairs stream through."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cbat.data.sequences import read_windows
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import atomic_file
from cbat.model.blocks import EncodedElements, encode_elements, join_elements
from cbat.model.bundle import probability_of, use_threads
from cbat.model.directory import SharedModel, read_model_directory
from cbat.model.environment import FloatArray
from cbat.model.new_line import LineScorer
from cbat.prediction.near_pairs import NearPairs
from cbat.prediction.plan import GENOME, Plan, read_elements, read_plan
from cbat.prediction.progress import Progress

log = logging.getLogger(__name__)
PIECE: Final = 1 << 16
"""Pairs that are scored, and later written, together."""
ENCODED: Final = 2048
"""Elements that are read and encoded together."""


def run(*, model_directory: Path, directory: Path, chromosome: str, output: Path) -> None:
    """Score the pairs of a chromosome within the window of distances, and rank them for each promoter.

    Parameters
    ----------
    model_directory : Path
        The one that the line was prepared with.
    directory : Path
        Folder of the line, as `prepare_prediction` has left it.
    chromosome : str
        One of the plan.
    output : Path
        Parquet; a row for each pair, sorted by enhancer as given, then by the promoter's centre.

    Raises
    ------
    UserError
        A damaged model directory or another one than the plan's; a plan that is missing or damaged.
    """
    # Rounding may depend on how many threads share a product; processes, one for a chromosome, do not.
    use_threads(1)
    shared, plan = read_model_directory(model_directory), read_plan(directory)
    check_same_model(shared, plan, model_directory)
    if chromosome not in plan.chromosomes:
        raise UserError(
            f"the chromosome {chromosome!r} is not in the plan of {plan.cell_line}",
            mend=f"write one of: {', '.join(plan.chromosomes)}",
            file=directory,
        )
    tables = read_elements(directory, chromosome)
    near = NearPairs.of(tables["enhancer"], tables["promoter"], plan.min_distance, plan.max_distance)
    columns = score(shared, plan, tables, near, directory / GENOME / "genome.fa", chromosome)
    write_pairs(output, columns, tables, chromosome)
    log.info("%s %s: %s pairs scored", plan.cell_line, chromosome, f"{len(near):,}")


def check_same_model(shared: SharedModel, plan: Plan, model_directory: Path) -> None:
    """Refuse a model that the line was not prepared with.

    Raises
    ------
    UserError
    """
    if shared.digest != plan.model_digest:
        raise UserError(
            "the line was prepared with another model than this one",
            mend="run prepare_prediction anew with this model directory",
            file=model_directory,
        )


def encode(shared: SharedModel, fasta: Path, tables: Mapping[str, pd.DataFrame]) -> EncodedElements:
    """Features of all elements of a chromosome, read in pieces."""
    lengths = shared.about.windows.model_dump()
    none = {role: np.zeros((0, lengths[role]), dtype=np.uint8) for role in ROLES}
    pieces = [encode_elements(none, shared.model.encoder)]
    for role in ROLES:
        for codes in read_windows(fasta, tables[role], ENCODED):
            pieces.append(encode_elements({**none, role: codes}, shared.model.encoder))
    return join_elements(pieces)


def score(
    shared: SharedModel,
    plan: Plan,
    tables: Mapping[str, pd.DataFrame],
    near: NearPairs,
    fasta: Path,
    chromosome: str,
) -> dict[str, npt.NDArray[Any]]:
    """Columns of the pairs of a chromosome, in the order of ``near``.

    ``enhancer`` and ``promoter`` are rows of the tables; energies are 32-bit floats, as the model has them.
    """
    n = len(near)
    columns: dict[str, npt.NDArray[Any]] = {
        "enhancer": np.empty(n, dtype=np.int32),
        "promoter": np.empty(n, dtype=np.int32),
        "distance": np.empty(n, dtype=np.int32),
        "intrinsic_potential": np.empty(n, dtype=np.float32),
        "environment_resistance": np.empty(n, dtype=np.float32),
    }
    if n:
        scorer = LineScorer(shared.model, encode(shared, fasta, tables), plan.fed())
        progress, at = Progress(f"{plan.cell_line} {chromosome}", "pairs", n), 0
        for pairs in near.pieces(PIECE):
            scores = scorer.scores(pairs)
            part = slice(at, at + len(pairs))
            for name in ("enhancer", "promoter", "distance"):
                columns[name][part] = getattr(pairs, name)
            columns["intrinsic_potential"][part] = scores.intrinsic_potential
            columns["environment_resistance"][part] = scores.environment_resistance
            at += len(pairs)
            progress.add(len(pairs))
    columns["score"] = columns["intrinsic_potential"].astype(np.float64) - columns["environment_resistance"]
    columns["probability"] = probability_of(columns["score"], plan.temperature)
    columns["rank"] = ranks(columns["promoter"], columns["score"])
    columns["contact"] = columns["probability"] >= plan.threshold
    return columns


def ranks(promoter: npt.NDArray[np.int32], score: FloatArray) -> npt.NDArray[np.int32]:
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
