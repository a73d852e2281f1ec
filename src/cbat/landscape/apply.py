"""Apply a law to the pairs of a cell line whose landscape has been read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from cbat.data.stored import read_table
from cbat.errors import UserError
from cbat.landscape.features import NAMES, columns_of
from cbat.landscape.law import Columns, FloatArray, Law, standardised
from cbat.landscape.pairs import KEY, PAIR_COLUMNS, SOURCES
from cbat.landscape.tracks import ENHANCERS

NONE: Final = "none"
ENHANCERS_ALONE: Final = "enhancers_alone"
"""The line's own active enhancers, and what is expected of all other tracks: what a lab with peaks of H3K27ac
or ATAC alone has."""
_MEND: Final = "run read_landscape again"


@dataclass(frozen=True, eq=False)
class LineLandscape:
    """The pairs of a line and what each source says of them.

    Attributes
    ----------
    pairs : DataFrame
        :data:`~cbat.landscape.pairs.PAIR_COLUMNS`.
    sources : mapping
        ``own``, ``graph`` and, where there are such lines, ``wrong`` and ``sibling`` -> standardised
        features, shape=(n, n_features).
    """

    pairs: pd.DataFrame
    sources: Mapping[str, Columns]

    @classmethod
    def read(cls, folder: Path, sources: Sequence[str] = SOURCES) -> LineLandscape:
        """Some sources, of a folder of ``read_landscape``.

        Raises
        ------
        UserError
            A table is missing or damaged, or holds other pairs than the others.
        """
        pairs = read_table(Path(folder) / "pairs.parquet", PAIR_COLUMNS, mend=_MEND)
        found = {}
        for source in sources:
            columns = _read_columns(folder, source)
            if len(columns) == len(pairs):
                found[source] = standardised(columns)
            elif len(columns) or source in ("own", "graph"):
                raise UserError(
                    f"the table is that of other pairs: {len(columns)} rows for {len(pairs)} pairs",
                    mend=_MEND,
                    file=Path(folder) / f"{source}.parquet",
                )
        return cls(pairs, found)

    def offers(self, source: str) -> bool:
        """Whether there is such a landscape to be fed; ``none`` and ``enhancers_alone`` always are."""
        return source in (NONE, ENHANCERS_ALONE) or source in self.sources

    def fed(self, source: str, kind: str | None = None) -> tuple[Columns, Columns]:
        """Own and expected features with the own ones exchanged for a source, in one kind or in all.

        ``graph`` leaves the expectation alone; ``none`` is an average landscape (0 everywhere);
        ``enhancers_alone`` keeps the line's own active enhancers.
        """
        own, graph = self.sources["own"].copy(), self.sources["graph"].copy()
        if source == ENHANCERS_ALONE:
            kept = columns_of(ENHANCERS)
            of_enhancers, own = own[:, kept], graph.copy()
            own[:, kept] = of_enhancers
            return own, graph
        columns = slice(None) if kind is None else columns_of(kind)
        if source == NONE:
            own[:, columns] = graph[:, columns] = 0.0
        elif source != "own":
            own[:, columns] = self.sources[source][:, columns]
        return own, graph


def _read_columns(folder: Path, source: str) -> Columns:
    """Features of one source, float32, shape=(n, n_features); no rows where there is no such line."""
    table = read_table(Path(folder) / f"{source}.parquet", list(NAMES), mend=_MEND)
    return np.ascontiguousarray(table[list(NAMES)].to_numpy(dtype=np.float32))


def energies(
    law: Law, line: LineLandscape, source: str, kind: str | None = None
) -> tuple[FloatArray, FloatArray]:
    """:math:`U_I` of distance, and the resistance before the softplus, of every pair; shape=(n,) each.

    Each pair by the member that has read nothing of its chromosome.
    """
    own, graph = line.fed(source, kind)
    distance = line.pairs["distance"].to_numpy(dtype=float)
    potential, resistance = np.zeros(len(line.pairs)), np.zeros(len(line.pairs))
    for split, rows in line.pairs.groupby("split", sort=False).indices.items():
        fit = law.member(str(split))
        potential[rows] = fit.potential(distance[rows])
        resistance[rows] = fit.resistance(own[rows], graph[rows])
    return potential, resistance


def thresholds(law: Law, pairs: pd.DataFrame) -> FloatArray:
    """Threshold of the member that scores each pair, shape=(n,)."""
    of_split = {split: law.member(str(split)).threshold for split in pairs["split"].unique()}
    return np.asarray(pairs["split"].map(of_split).to_numpy(dtype=float))


def offsets(law: Law, line: LineLandscape, source: str, kind: str | None = None) -> pd.DataFrame:
    """What a model with sequences counts its potential and its resistance from.

    Parameters
    ----------
    law : Law
    line : LineLandscape
    source : str
        ``own``, ``graph``, ``wrong``, ``sibling`` or ``none``; a line that is not there gives ``graph``.
    kind : str, optional
        The one kind of track that is of that source; all by default.

    Returns
    -------
    DataFrame
        ``enhancer_id``, ``promoter_id``, ``potential`` and ``resistance`` (before the softplus), a row for
        each labelled pair.
    """
    potential, resistance = energies(law, line, source if line.offers(source) else "graph", kind)
    return line.pairs[KEY].assign(potential=potential, resistance=resistance)
