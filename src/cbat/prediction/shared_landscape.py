"""The landscape that a model directory carries: the law, and what makes the Teacher's expectation of a line.

``law.json`` is the law, ``graph.json`` the prototype graph of the training lines, ``tracks.parquet`` their
ranked tracks or the mean of these, ``genes.parquet`` the transcription starts, and ``landscape.json`` how
the distances of the training pairs are spread. Tracks and starts may be there in several assemblies, and a
line is of one of them, or of another one that the model knows nothing of.

Features are standardised over the pairs of a line. Those that a line is trained and evaluated on are chosen,
most of them at short distances; the candidates of a new line are all pairs, most of them far apart. So their
mean and deviation are taken with weights that give the candidates the distances of the training pairs.
"""

from __future__ import annotations

import hashlib
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

from cbat.config.base import ELEMENT_SIGNALS, TRACK_KINDS, Expectation
from cbat.data.stored import read_table, write_table
from cbat.errors import UserError
from cbat.files import write_json
from cbat.graph.propagation import PrototypeGraph, load_graph
from cbat.landscape.expected_tracks import mean_track
from cbat.landscape.features import SIGNALS, kind_of
from cbat.landscape.genes import GENE_COLUMNS, read_starts
from cbat.landscape.law import Fit, Law, load_law
from cbat.landscape.tracks import TRACK_COLUMNS, read_tracks
from cbat.model.about import LANDSCAPE, MEND

FORMAT: Final = 3
COLUMNS: Final = ["assembly", "cell_line", *(name for name in TRACK_COLUMNS if name != "signal")]
MEAN: Final = "mean_of_training_lines"
"""What stands for a cell line where the mean of all of them makes the expectation."""
UNNAMED: Final = "."
"""The assembly of files that do not say which one it is."""
OTHER: Final = "other"
"""Any assembly that a model has no tracks and no starts of."""
STEP: Final = 0.01
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
        Lines whose tracks make the expectation, or :data:`MEAN`.
    kinds : tuple of str
        Kinds of track that some line of the model has; the law has learned nothing of others.
    stranded : bool
        Whether the insulators of the training lines had strands.
    assemblies : tuple of str
        Assemblies of the tracks and starts, or :data:`UNNAMED`.
    assembly : str
        That of ``tracks`` and ``starts``, which are empty for :data:`OTHER`.
    tracks : DataFrame
        :data:`COLUMNS` of these lines, sorted by chromosome.
    starts : DataFrame
        Transcription starts, see :mod:`cbat.landscape.genes`.
    shares : array, shape=(n_classes,)
        How the distances of the training pairs are spread.
    fingerprints : mapping
        Cell line -> kind -> :func:`fingerprint` of its track.
    peaks : mapping
        Cell line -> kind -> number of its ranked peaks.
    known_signals : tuple of str
        Signals at candidates that training lines had.
    """

    law: Law
    graph: PrototypeGraph
    lines: tuple[str, ...]
    kinds: tuple[str, ...]
    stranded: bool
    assemblies: tuple[str, ...]
    assembly: str
    tracks: pd.DataFrame
    starts: pd.DataFrame
    shares: Floats
    fingerprints: Mapping[str, Mapping[str, str]]
    peaks: Mapping[str, Mapping[str, int]]
    known_signals: tuple[str, ...] = ()

    @property
    def fit(self) -> Fit:
        """The member for new cell lines: that which has read every chromosome, if there is one."""
        return self.law.members["all"] if "all" in self.law.members else self.law.member("test")

    @property
    def signals(self) -> tuple[str, ...]:
        """Signals at candidates that the law for new cell lines reads."""
        reads = any(kind_of(name) == SIGNALS for name in self.fit.features)
        return self.known_signals if reads else ()

    @property
    def tissues(self) -> list[str]:
        """Tissues of the graph; none that counts where the mean of all lines is expected."""
        if self.lines == (MEAN,):
            return []
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


def fingerprint(track: pd.DataFrame) -> str:
    """SHA-256 of the intervals of one kind of track, by which peaks of a training line are known again."""
    ordered = track[["chrom", "start", "end"]].sort_values(["chrom", "start", "end"])
    return hashlib.sha256(ordered.to_csv(index=False, header=False, sep="\t").encode()).hexdigest()


def write_landscape(
    directory: Path,
    *,
    law: Path,
    graph: Path,
    tracks: Mapping[str, Path],
    genes: Path,
    shares: Floats,
    expectation: Expectation = "lines",
    assembly: str | None = None,
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
    expectation : str
        ``lines`` leaves the tracks of each line, ``mean_track`` their mean.
    assembly : str, optional
        Of the tracks and the genes, where it is known.
    signals : sequence of str
        Of :func:`signals_of`.
    """
    load_law(law), load_graph(graph)
    shutil.copyfile(law, directory / _LAW)
    shutil.copyfile(graph, directory / _GRAPH)
    named = assembly or UNNAMED
    write_starts(directory, {named: read_starts(genes)})
    opened = {line: read_tracks(path) for line, path in tracks.items()}
    of_kinds = {line: dict(list(table.groupby("kind"))) for line, table in opened.items()}
    having = {kind for found in of_kinds.values() for kind in found}
    if expectation == "mean_track":
        opened = {MEAN: mean_track(opened)}
    write_expected(directory, {(named, line): table for line, table in opened.items()})
    content = {
        "format": FORMAT,
        "assemblies": [named],
        "lines": list(opened),
        "kinds": [kind for kind in TRACK_KINDS if kind in having],
        "stranded": any(bool((table["strand"] != ".").any()) for table in opened.values()),
        "edges": EDGES.tolist(),
        "shares": [round(float(share), 8) for share in shares],
        "fingerprints": {
            line: {str(kind): fingerprint(table) for kind, table in found.items()}
            for line, found in of_kinds.items()
        },
        "peaks": {
            line: {str(kind): len(table) for kind, table in found.items()} for line, found in of_kinds.items()
        },
        "signals": list(signals),
    }
    write_json(directory / _ABOUT, content)


def write_starts(directory: Path, starts: Mapping[str, pd.DataFrame]) -> None:
    """Write the transcription starts of each assembly."""
    tables = [table.assign(assembly=assembly) for assembly, table in starts.items()]
    write_table(directory / _GENES, pd.concat(tables, ignore_index=True)[["assembly", *GENE_COLUMNS]])


def write_expected(directory: Path, tracks: Mapping[tuple[str, str], pd.DataFrame]) -> None:
    """Write the tracks of each (assembly, cell line).

    Activities are kept in steps of :data:`STEP`; peaks without any after that are left out.
    """
    tables = [
        table.assign(assembly=assembly, cell_line=line)[COLUMNS] for (assembly, line), table in tracks.items()
    ]
    order = ["assembly", "chrom", "cell_line", "kind", "start"]
    every = pd.concat(tables, ignore_index=True).sort_values(order, ignore_index=True, kind="stable")
    every["activity"] = (every["activity"].astype(float) / STEP).round().mul(STEP).astype(np.float32)
    write_table(
        directory / _TRACKS,
        every[every["activity"] > 0.0].reset_index(drop=True),
        positions=("start", "end", "centre"),
    )


def read_landscape(
    directory: Path, chromosome: str | None = None, assembly: str | None = None
) -> SharedLandscape:
    """Read the landscape of a model directory, whose hashes have been checked.

    Parameters
    ----------
    directory : Path
    chromosome : str, optional
        Whose tracks and starts are read; all without it.
    assembly : str, optional
        One of the model's, or :data:`OTHER`; its first one by default.

    Raises
    ------
    UserError
        A damaged file, or one of another version.
    """
    path = directory / _ABOUT
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        _check_version(content, path)
        if not np.array_equal(content["edges"], EDGES):
            raise ValueError("its classes of distance are those of another version")
        lines, kinds, assemblies = (tuple(map(str, content[key])) for key in ("lines", "kinds", "assemblies"))
        # A model of an earlier version of cbat does not speak of signals.
        signals = tuple(map(str, content.get("signals", ())))
        stranded = bool(content["stranded"])
        shares, fingerprints = np.array(content["shares"], dtype=float), dict(content["fingerprints"])
        peaks = dict(content["peaks"])
        if shares.shape != (len(EDGES) - 1,) or not (np.isfinite(shares) & (shares >= 0.0)).all():
            raise ValueError("its shares are none")
        if not set(signals) <= set(ELEMENT_SIGNALS):
            raise ValueError("it names unknown signals")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"this is not a model's landscape ({error})", mend=MEND, file=path) from error
    law, graph = load_law(directory / _LAW), load_graph(directory / _GRAPH)
    chosen = assemblies[0] if assembly is None else assembly
    wanted = {"assembly": chosen} | ({} if chromosome is None else {"chrom": chromosome})
    tracks = rows_with(directory / _TRACKS, COLUMNS, wanted)
    starts = rows_with(directory / _GENES, GENE_COLUMNS, wanted)
    return SharedLandscape(
        law, graph, lines, kinds, stranded, assemblies, chosen, tracks, starts, shares, fingerprints, peaks,
        signals,
    )  # fmt: skip


def starts_of_assemblies(directory: Path) -> dict[str, pd.DataFrame]:
    """Assembly -> its transcription starts, of a model directory.

    Raises
    ------
    UserError
        The table is missing or damaged.
    """
    table = read_table(directory / _GENES, ["assembly", *GENE_COLUMNS], mend=MEND)
    return {str(name): part for name, part in table.groupby("assembly", sort=False)}


def _check_version(content: Mapping[str, Any], path: Path) -> None:
    if (version := content["format"]) != FORMAT:
        raise UserError(
            f"the landscape has the format {version!r}, and this version of cbat reads {FORMAT}",
            mend="use the version of cbat that the model card names, or package the model again with this "
            "one",
            file=path,
        )


def rows_with(path: Path, columns: Sequence[str], wanted: Mapping[str, str]) -> pd.DataFrame:
    """The rows of a table that have such values, of one that is too large to be read whole.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    try:
        filters = [(name, "==", value) for name, value in wanted.items()]
        found: pd.DataFrame = pq.read_table(path, columns=list(columns), filters=filters).to_pandas()
        return found
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"the table cannot be read ({error})", mend=MEND, file=path) from error
