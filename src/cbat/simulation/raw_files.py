"""Files of a simulated world, as a user would bring them, and the truth beside them."""

from __future__ import annotations

import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.genome import Genome


@dataclass(frozen=True)
class LineTable:
    """Candidates and labelled pairs of one cell line.

    Attributes
    ----------
    enhancers, promoters : array of int
        Rows of the candidates, ascending.
    listed : tuple of array of int
        Rows of the enhancers and of the promoters that the files of the line call candidates, ascending.
    pairs : DataFrame
        Rows of ``enhancer`` and ``promoter``, ``label``, and what is to be hidden.
    """

    enhancers: NDArray[np.int64]
    promoters: NDArray[np.int64]
    listed: tuple[NDArray[np.int64], NDArray[np.int64]]
    pairs: pd.DataFrame


def intervals_of(settings: SimulationSettings, genome: Genome) -> dict[str, pd.DataFrame]:
    """Role -> ``chrom``, ``start`` and ``end`` of elements, ``id``, and the ``number`` of the chromosome."""
    names = np.array([f"chr{c + 1}" for c in range(settings.n_chromosomes)])
    tables = {}
    for role, elements, length in (
        ("enhancer", genome.enhancers, settings.enhancer_length),
        ("promoter", genome.promoters, settings.promoter_length),
    ):
        table = pd.DataFrame(
            {"chrom": names[elements.chromosome], "start": elements.start, "end": elements.start + length}
        )
        ends = table["start"].astype(str) + "-" + table["end"].astype(str)
        tables[role] = table.assign(id=table["chrom"] + ":" + ends, number=elements.chromosome)
    return tables


def write_line(
    target: Path,
    cell_line: str,
    intervals: Mapping[str, pd.DataFrame],
    table: LineTable,
    peaks: Mapping[str, pd.DataFrame],
) -> None:
    """Write ``raw/<cell_line>/`` and ``truth/<cell_line>.parquet``.

    Parameters
    ----------
    target : Path
    cell_line : str
    intervals : mapping
        Role -> elements, see :func:`intervals_of`.
    table : LineTable
    peaks : mapping
        Kind of track -> columns of narrowPeak.
    """
    raw = target / "raw" / cell_line
    parts, hidden = [], table.pairs.drop(columns=["enhancer", "promoter", "label"])
    for position, (role, own) in enumerate(zip(("enhancer", "promoter"), table.listed, strict=True)):
        bed = intervals[role][["chrom", "start", "end"]]
        order = np.lexsort((bed["start"].iloc[own], intervals[role]["number"].iloc[own]))
        write_table(raw / f"{role}s.bed.gz", bed.iloc[own[order]], header=False)
        rows = table.pairs[role].to_numpy()
        parts.append(bed.iloc[rows].reset_index(drop=True).add_prefix(f"{role}_"))
        hidden.insert(position, f"{role}_id", intervals[role]["id"].iloc[rows].array)
    pairs = pd.concat([*parts, table.pairs[["label"]]], axis=1)
    write_table(raw / "pairs.tsv.gz", pairs, header=True)
    for kind, track in peaks.items():
        write_table(raw / f"{kind}.narrowPeak.gz", track, header=False)
    (target / "truth").mkdir(exist_ok=True)
    hidden.to_parquet(target / "truth" / f"{cell_line}.parquet", index=False)


def write_activities(
    path: Path, motifs: Sequence[str], lines: Sequence[str], activities: NDArray[np.float64]
) -> None:
    """Write the activities of the factors, shape=(n_lines, n_motifs), one column for each line."""
    table = pd.DataFrame(activities.T, index=pd.Index(motifs, name="motif"), columns=lines)
    table.to_csv(path, sep="\t", float_format="%.6f", lineterminator="\n")


def write_table(path: Path, frame: pd.DataFrame, *, header: bool) -> None:
    """Write a tab-separated table, compressed with gzip without a time in it."""
    text = frame.to_csv(sep="\t", index=False, header=header, lineterminator="\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as out:
        out.write(text.encode())
