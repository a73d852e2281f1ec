"""The landscape that a model directory carries: the law, and what makes the Teacher's expectation of a line.

``law.json`` is the law, ``graph.json`` the prototype graph of the training lines, ``tracks.parquet`` their
ranked tracks, ``genes.parquet`` the transcription starts, and ``landscape.json`` how the distances of the
training pairs are spread.

Features are standardised over the pairs of a line. Those that a line is trained and evaluated on are chosen,
most of them at short distances; the candidates of a new line are all pairs, most of them far apart. So their
mean and deviation are taken with weights that give the candidates the distances of the training pairs.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cbat.config.base import ELEMENT_SIGNALS, TRACK_KINDS
from cbat.data.stored import read_table, write_table
from cbat.errors import UserError
from cbat.files import write_json
from cbat.graph.propagation import PrototypeGraph, load_graph
from cbat.landscape.features import SIGNALS, kind_of
from cbat.landscape.genes import read_starts
from cbat.landscape.law import Fit, Law, load_law
from cbat.landscape.tracks import TRACK_COLUMNS, read_tracks
from cbat.model.about import LANDSCAPE, MEND

FORMAT: Final = 2
COLUMNS: Final = ["cell_line", *(name for name in TRACK_COLUMNS if name != "signal")]
EDGES: Final = np.round(np.arange(3.0, 7.01, 0.1), 1)
"""Edges of the classes of distance, in powers of ten of bp; the outer classes reach beyond them."""
_GENES, _GRAPH, _ABOUT, _LAW, _TRACKS = LANDSCAPE
Floats = npt.NDArray[np.float64]
Classes = npt.NDArray[np.intp]


def distance_class(distance: npt.NDArray[Any]) -> Classes:
    """Class of each distance (bp), shape=(n,), from 0 on."""
    x = np.log10(np.maximum(np.asarray(distance, dtype=float), 1.0))
    return np.asarray(np.clip(np.searchsorted(EDGES, x, side="right") - 1, 0, len(EDGES) - 2))


def distance_shares(distances: Sequence[npt.NDArray[Any]]) -> Floats:
    """Share of the pairs in each class of distance, shape=(n_classes,): the mean of several cell lines.

    Parameters
    ----------
    distances : sequence of arrays, shape=(n,) each
        Distances of the pairs of each line, bp.
    """
    n = len(EDGES) - 1
    counts = [np.bincount(distance_class(one), minlength=n) / len(one) for one in distances if len(one)]
    return np.asarray(np.mean(counts, axis=0)) if counts else np.zeros(n)


def shares_of(landscapes: Mapping[str, Path]) -> Floats:
    """:func:`distance_shares` of the labelled pairs of lines, from the folders of their landscapes."""
    mend = "run read_landscape again"
    tables = [read_table(folder / "pairs.parquet", ["distance"], mend=mend) for folder in landscapes.values()]
    return distance_shares([table["distance"].to_numpy() for table in tables])


def signals_of(landscapes: Mapping[str, Path]) -> tuple[str, ...]:
    """Signals at candidates that some of the lines have, from the folders of their landscapes."""
    reports = [
        json.loads((folder / "report.json").read_text(encoding="utf-8")) for folder in landscapes.values()
    ]
    known = {name for report in reports for name in report.get("signals", [])}
    return tuple(name for name in ELEMENT_SIGNALS if name in known)


@dataclass(frozen=True, eq=False)
class SharedLandscape:
    """A law with what it needs to read a new cell line.

    Attributes
    ----------
    law : Law
    graph : PrototypeGraph
    lines : tuple of str
        Lines whose tracks make the expectation.
    tracks : DataFrame
        :data:`COLUMNS` of these lines, sorted by chromosome.
    starts : DataFrame
        Transcription starts, see :mod:`cbat.landscape.genes`.
    shares : array, shape=(n_classes,)
        How the distances of the training pairs are spread.
    known_signals : tuple of str
        Signals at candidates that training lines had.
    """

    law: Law
    graph: PrototypeGraph
    lines: tuple[str, ...]
    tracks: pd.DataFrame
    starts: pd.DataFrame
    shares: Floats
    known_signals: tuple[str, ...] = ()

    @property
    def fit(self) -> Fit:
        """The member for new cell lines: that which has read every chromosome, if there is one."""
        return self.law.members["all"] if "all" in self.law.members else self.law.member("test")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of track that some line of the model has; the law has learned nothing of others."""
        has = set(self.tracks["kind"].unique())
        return tuple(kind for kind in TRACK_KINDS if kind in has)

    @property
    def signals(self) -> tuple[str, ...]:
        """Signals at candidates that the law for new cell lines reads."""
        reads = any(kind_of(name) == SIGNALS for name in self.fit.features)
        return self.known_signals if reads else ()

    @property
    def tissues(self) -> list[str]:
        """Tissues of the graph."""
        return sorted(self.graph.names[row] for row in self.graph.of_kind("tissue"))

    @property
    def chromosomes(self) -> list[str]:
        """Names of chromosomes that the tracks or the genes speak of."""
        return sorted({*self.tracks["chrom"].unique(), *self.starts["chrom"].unique()})

    @property
    def longest(self) -> int:
        """Upper end of the farthest class of distance that holds training pairs, bp."""
        held = np.flatnonzero(self.shares)
        return int(10.0 ** EDGES[held[-1] + 1]) if len(held) else 0


def write_landscape(
    directory: Path,
    *,
    law: Path,
    graph: Path,
    tracks: Mapping[str, Path],
    genes: Path,
    shares: Floats,
    signals: Sequence[str] = (),
) -> None:
    """Add the files of a landscape to a model directory that is being written.

    Parameters
    ----------
    directory : Path
    law, graph, genes : Path
        ``law.json``, ``graph.json`` of the training lines, and ``genes.parquet`` of a run.
    tracks : mapping
        Line -> its ranked tracks.
    shares : array, shape=(n_classes,)
        Of :func:`distance_shares`.
    signals : sequence of str
        Of :func:`signals_of`.
    """
    load_law(law), load_graph(graph)
    shutil.copyfile(law, directory / _LAW)
    shutil.copyfile(graph, directory / _GRAPH)
    write_table(directory / _GENES, read_starts(genes))
    tables = [read_tracks(path).assign(cell_line=line)[COLUMNS] for line, path in sorted(tracks.items())]
    every = pd.concat(tables, ignore_index=True).sort_values(
        ["chrom", "cell_line", "kind", "start"], ignore_index=True, kind="stable"
    )
    write_table(directory / _TRACKS, every)
    content = {
        "format": FORMAT,
        "lines": sorted(tracks),
        "edges": EDGES.tolist(),
        "shares": [round(float(share), 8) for share in shares],
        "signals": list(signals),
    }
    write_json(directory / _ABOUT, content)


def read_landscape(directory: Path, chromosome: str | None = None) -> SharedLandscape:
    """Read the landscape of a model directory, whose hashes have been checked.

    Parameters
    ----------
    directory : Path
    chromosome : str, optional
        Whose tracks and starts are read; all without it.

    Raises
    ------
    UserError
        A damaged file, or one of another version.
    """
    path = directory / _ABOUT
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        lines, shares = tuple(map(str, content["lines"])), np.array(content["shares"], dtype=float)
        # Models of earlier versions have learned of none.
        signals = tuple(map(str, content.get("signals", [])))
        if content["format"] != FORMAT or not np.array_equal(content["edges"], EDGES):
            raise ValueError("it is of another version")
        if shares.shape != (len(EDGES) - 1,) or not (np.isfinite(shares) & (shares >= 0.0)).all():
            raise ValueError("its shares are none")
        if not set(signals) <= set(ELEMENT_SIGNALS):
            raise ValueError("it names unknown signals")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"this is no landscape of a model ({error})", mend=MEND, file=path) from error
    law, graph = load_law(directory / _LAW), load_graph(directory / _GRAPH)
    starts = read_starts(directory / _GENES)
    if chromosome is None:
        tracks = read_table(directory / _TRACKS, COLUMNS, mend=MEND)
    else:
        tracks = of_chromosome(directory / _TRACKS, COLUMNS, chromosome)
        starts = starts[starts["chrom"] == chromosome].reset_index(drop=True)
    return SharedLandscape(law, graph, lines, tracks, starts, shares, signals)


def of_chromosome(path: Path, columns: Sequence[str], chromosome: str) -> pd.DataFrame:
    """The rows of a chromosome of a table that is too large to read for each.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    try:
        wanted = [("chrom", "==", chromosome)]
        found: pd.DataFrame = pq.read_table(path, columns=list(columns), filters=wanted).to_pandas()
        return found
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"the table cannot be read ({error})", mend=MEND, file=path) from error
