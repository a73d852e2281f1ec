"""Candidate enhancers of cell lines as points in the space of motifs, with their GC content."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.contig_text import UNKNOWN_BASE
from cbat.data.sequences import read_codes
from cbat.data.stored import read_table
from cbat.errors import UserError
from cbat.model.blocks import motif_presence
from cbat.model.encoder import MotifEncoder
from cbat.model.environment import FloatArray

Rows = npt.NDArray[np.int64]

LEARNED, CALIBRATED, ASKED = "train", "validation", "test"
MOST_CANDIDATES: Final = 3000
"""Candidates of a line and a split that are read: more take hours and tell hardly more."""
GC_BINS: Final = 20
_MEND: Final = "run collect_elements and extract_sequences again"


@dataclass(frozen=True)
class Candidates:
    """Candidate enhancers of some cell lines; an enhancer of two lines stands in two rows.

    Attributes
    ----------
    line : int array, shape=(n,)
        Position in the list of lines.
    split, chrom : array of str, shape=(n,)
    features : array, shape=(n, n_features)
        Presence of each motif channel.
    gc : array, shape=(n,)
        Share of G and C among the known bases.
    """

    line: Rows
    split: npt.NDArray[np.object_]
    chrom: npt.NDArray[np.object_]
    features: FloatArray
    gc: FloatArray

    def where(self, rows: npt.NDArray[np.bool_] | Rows) -> Candidates:
        """Some of them."""
        return Candidates(
            self.line[rows], self.split[rows], self.chrom[rows], self.features[rows], self.gc[rows]
        )

    def of_gc(self) -> Candidates:
        """The same, with nothing but GC content for features."""
        features = np.stack([self.gc, (self.gc - self.gc.mean()) ** 2], axis=1)
        return Candidates(self.line, self.split, self.chrom, features, self.gc)


def read_candidates(
    cohorts: Sequence[str],
    elements: Path,
    sequences: Path,
    cell_lines: Sequence[str],
    encoders: Sequence[MotifEncoder],
    rng: np.random.Generator,
) -> tuple[list[str], list[Candidates]]:
    """Candidate enhancers of the lines on the chromosomes of all splits, and the lines that have some.

    The same candidates once for each encoder.
    """
    parts = []
    for cohort in cohorts:
        table = read_table(elements / cohort / "enhancer.parquet", ["chrom", "split"], mend=_MEND)
        listed = read_table(
            elements / cohort / "candidates.parquet", ["cell_line", "role", "element"], mend=_MEND
        )
        listed = listed[(listed["role"] == "enhancer") & listed["cell_line"].isin(list(cell_lines))]
        listed = listed.assign(**{name: table[name].to_numpy()[listed["element"]] for name in table})
        drawn = [
            part.iloc[np.sort(rng.permutation(len(part))[:MOST_CANDIDATES])]
            for _, part in listed.groupby(["cell_line", "split"], sort=True)
        ]
        if not drawn:
            continue
        listed = pd.concat(drawn)
        wanted, row = np.unique(listed["element"].to_numpy(), return_inverse=True)
        codes = np.asarray(read_codes(sequences / cohort, "enhancer")[wanted])
        features = [motif_presence(codes, encoder)[row] for encoder in encoders]
        parts.append((listed, features, gc_content(codes)[row]))
    learned = {name for listed, _, _ in parts for name in listed.loc[listed["split"] == LEARNED, "cell_line"]}
    names = [name for name in cell_lines if name in learned]
    if len(names) < 2:
        raise UserError(
            f"{len(names)} cell lines have candidate enhancers on training chromosomes, and one is not told "
            "apart from others by itself",
            mend="give candidate BEDs of two cell lines at least, or more chromosomes in splits.train",
        )
    table = pd.concat([listed for listed, _, _ in parts])
    kept = table["cell_line"].isin(names).to_numpy()
    everything = [
        Candidates(
            pd.Index(names).get_indexer(table["cell_line"]).astype(np.int64),
            table["split"].to_numpy(dtype=object),
            table["chrom"].to_numpy(dtype=object),
            np.concatenate([features[which] for _, features, _ in parts]),
            np.concatenate([gc for _, _, gc in parts]),
        ).where(kept)
        for which in range(len(encoders))
    ]
    return names, everything


def gc_content(codes: npt.NDArray[np.uint8]) -> FloatArray:
    """Share of G and C among the known bases, shape=(n,); one half where none is known."""
    known = (codes != UNKNOWN_BASE).sum(axis=1)
    return np.where(known > 0, ((codes == 1) | (codes == 2)).sum(axis=1) / np.maximum(known, 1), 0.5)


def gc_matched(candidates: Candidates, n_lines: int, rng: np.random.Generator) -> Rows:
    """Rows with as many candidates of every line in each bin of GC content, split by split."""
    edges = np.quantile(candidates.gc, np.linspace(0.0, 1.0, GC_BINS + 1)[1:-1])
    box = np.digitize(candidates.gc, edges)
    kept = []
    for split in (LEARNED, CALIBRATED, ASKED):
        present = [line for line in range(n_lines) if rows_of(candidates, split, line).size]
        for number in range(GC_BINS):
            rows = [
                np.flatnonzero((candidates.split == split) & (candidates.line == line) & (box == number))
                for line in present
            ]
            least = min((len(one) for one in rows), default=0)
            kept += [rng.permutation(one)[:least] for one in rows]
    return np.sort(np.concatenate([np.zeros(0, dtype=np.int64), *kept]))


def missing_lines(candidates: Candidates, n_lines: int) -> list[int]:
    """Lines with fewer than two candidates to learn from."""
    return [line for line in range(n_lines) if len(rows_of(candidates, LEARNED, line)) < 2]


def rows_of(candidates: Candidates, split: str, line: int) -> Rows:
    """Candidates of a line on the chromosomes of a split."""
    return np.flatnonzero((candidates.split == split) & (candidates.line == line))
