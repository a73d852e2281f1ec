"""Apply a law to the pairs of a cell line whose landscape has been read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from cbat.data.stored import read_table
from cbat.errors import UserError
from cbat.landscape.features import FEATURES
from cbat.landscape.fit import read_columns
from cbat.landscape.law import Columns, FloatArray, Law, standardised
from cbat.landscape.pairs import KEY, PAIR_COLUMNS, SOURCES

NONE: Final = "none"
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
    def read(cls, folder: Path) -> LineLandscape:
        """From a folder of ``read_landscape``.

        Raises
        ------
        UserError
            A table is missing or damaged, or holds other pairs than the others.
        """
        pairs = read_table(Path(folder) / "pairs.parquet", PAIR_COLUMNS, mend=_MEND)
        sources = {}
        for source in SOURCES:
            columns = read_columns(folder, source)
            if len(columns) == len(pairs):
                sources[source] = standardised(columns)
            elif len(columns) or source in ("own", "graph"):
                raise UserError(
                    f"{len(columns)} rows for {len(pairs)} pairs",
                    mend=_MEND,
                    file=Path(folder) / f"{source}.parquet",
                )
        return cls(pairs, sources)

    def fed(self, source: str, kind: str | None = None) -> tuple[Columns, Columns]:
        """Own and expected features with the own ones exchanged for a source, in one kind or in all.

        ``graph`` leaves the expectation alone; ``none`` is an average landscape (0 everywhere).
        """
        own, graph = self.sources["own"].copy(), self.sources["graph"].copy()
        columns = [i for i, feature in enumerate(FEATURES) if kind in (None, feature.kind)]
        if source == NONE:
            own[:, columns] = graph[:, columns] = 0.0
        elif source != "own":
            own[:, columns] = self.sources[source][:, columns]
        return own, graph


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


def offsets(law: Law, landscape_directory: Path, context: str) -> pd.DataFrame:
    """What a model with sequences counts its potential and its resistance from.

    Parameters
    ----------
    law : Law
    landscape_directory : Path
        Folder of ``read_landscape``.
    context : str
        ``own``, ``graph``, ``wrong``, ``sibling`` or ``none``; a line that is not there gives ``graph``.

    Returns
    -------
    DataFrame
        ``enhancer_id``, ``promoter_id``, ``potential`` and ``resistance`` (before the softplus), a row for
        each labelled pair.
    """
    line = LineLandscape.read(landscape_directory)
    source = context if context in (*line.sources, NONE) else "graph"
    potential, resistance = energies(law, line, source)
    return line.pairs[KEY].assign(potential=potential, resistance=resistance)
