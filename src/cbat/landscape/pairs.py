"""What lies between and around the ends of each labelled pair, as the tracks of several lines have it."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.base import Expectation
from cbat.config.sheets import ELEMENT_SIGNALS, TRACK_KINDS
from cbat.data.contig_checks import alias_of, named_otherwise, rows_of, tell_elsewhere
from cbat.data.stored import read_table, write_table
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import write_json
from cbat.graph.propagation import load_graph
from cbat.landscape import abc
from cbat.landscape.assembly_check import check_assembly, peaks_at_starts
from cbat.landscape.expectation import add_line, among, kinship
from cbat.landscape.expected_tracks import lines_having, mean_track
from cbat.landscape.features import (
    GENES,
    NAMES,
    PAIRS_AT_ONCE,
    Columns,
    Landscape,
    Pairs,
    columns_of,
    pair_features,
)
from cbat.landscape.genes import read_starts
from cbat.landscape.signal_table import read_signals
from cbat.landscape.tracks import ENHANCERS, read_tracks
from cbat.sentences import in_words

PAIR_COLUMNS: Final = ["enhancer_id", "promoter_id", "label", "distance", "chrom", "split"]
SOURCES: Final = ("own", "graph", "wrong", "sibling")
KEY: Final = ["enhancer_id", "promoter_id"]
PROMOTERS: Final = "active_promoters"
_logger = logging.getLogger(__name__)


def run(
    *,
    cell_line: str,
    labels: Path,
    elements_directory: Path,
    tracks: Mapping[str, Path],
    training_lines: Sequence[str],
    tissue: str,
    graph: Path,
    genes: Path,
    directory: Path,
    wrong: str | None = None,
    sibling: str | None = None,
    expectation: Expectation = "lines",
    signals: Path | None = None,
) -> None:
    """Write ``pairs.parquet``, one table of features for each source, and ``report.json``.

    Rows are those of ``labels``, in their order. ``own.parquet`` is what the line's own tracks say;
    ``graph.parquet`` what the training lines' let one expect; ``wrong.parquet`` and
    ``sibling.parquet`` (without rows where there is no such line) what another line's say; ``static.parquet``
    holds the features of transcription starts alone, ``abc.parquet`` the score of
    :mod:`cbat.landscape.abc` from the line's own active enhancers, and the share of the promoter in the
    contacts of its enhancer. Signals at enhancers are in ``own.parquet`` alone: no other line has numbers at
    these very elements.

    Parameters
    ----------
    cell_line : str
    labels : Path
        Its labelled pairs.
    elements_directory : Path
        Elements of its cohort.
    tracks : mapping
        Cell line -> its tracks: of the line itself, of those of ``training_lines``, and of those that stand
        in for it.
    training_lines : sequence of str
        Lines whose tracks make the expectation: training lines and prototypes, which have no pairs; the line
        itself is left out of them.
    tissue : str
        Its stated tissue of origin.
    graph : Path
        Prototype graph of the training lines and the prototypes.
    genes : Path
        Transcription starts.
    directory : Path
        Where the files go.
    wrong, sibling : str, optional
        Lines of another and of the same tissue.
    expectation : str
        ``lines``: the mean of the features in the tracks of each line, weighted by kinship; ``mean_track``:
        the features in the mean of their tracks.
    signals : Path, optional
        Signals of the line at its enhancers, if it has some.

    Raises
    ------
    UserError
        A file is missing or damaged; the genes or all tracks share no chromosome with the pairs; active
        promoters are of another assembly than the genes.
    """
    pairs = _read_pairs(labels, elements_directory)
    starts = read_starts(genes)
    opened = {name: read_tracks(path) for name, path in tracks.items()}
    _check_chromosomes(pairs, starts, opened, {"the genes": genes})
    of_line = set(opened[cell_line]["chrom"])
    nearby = {"the genes": set(starts["chrom"]), f"the tracks of {cell_line!r}": of_line}
    unmatched = tell_elsewhere(labels, rows_of(pairs["chrom"]), nearby, "pairs")
    at_starts = _check_assemblies(tracks, opened, starts, genes)
    others = [line for line in training_lines if line != cell_line]
    reader = _Reader(pairs, starts, opened)
    if expectation == "lines":
        weights = kinship(load_graph(graph), tissue, others)
        graph_columns, of_kinds = expected(reader, weights)
    else:
        weights = {line: 1.0 / len(others) for line in others}
        graph_columns, of_kinds = _expected_of_mean(reader, others)
    own_signals = None if signals is None else read_signals(signals)
    own_columns = features_of(pairs, opened[cell_line], starts, own_signals)
    own_kinds, fallbacks = _lend(own_columns, graph_columns, opened[cell_line], of_kinds)
    found: dict[str, Columns | None] = {
        "own": own_columns,
        "graph": graph_columns,
        "wrong": None if wrong is None else reader.columns(wrong),
        "sibling": None if sibling is None else reader.columns(sibling),
    }
    write_table(directory / "pairs.parquet", pairs[PAIR_COLUMNS])
    for name, columns in found.items():
        write_table(directory / f"{name}.parquet", _table(pairs, columns))
    scores = published_scores_of(pairs, opened[cell_line], starts)
    write_table(directory / "abc.parquet", pairs[KEY].assign(**scores))
    of_genes = list(NAMES[columns_of(GENES)])
    write_table(directory / "static.parquet", _table(pairs, own_columns)[[*KEY, *of_genes]])
    report = {
        "cell_line": cell_line,
        "pairs": len(pairs),
        "kinship": weights,
        "own_kinds": own_kinds,
        "expected_from": of_kinds,
        "without_own_track": fallbacks,
        "signals": [] if own_signals is None else [*own_signals[[*ELEMENT_SIGNALS]].dropna(axis=1)],
        "wrong": wrong,
        "sibling": sibling,
        "unmatched": unmatched,
        "strongest_promoters_at_starts_of_genes": at_starts,
    }
    write_json(directory / "report.json", report)
    _logger.info("%s", in_words(report))


@dataclass(frozen=True, eq=False)
class _Reader:
    """Pairs and starts, to be read with the tracks of one line after the other."""

    pairs: pd.DataFrame
    starts: pd.DataFrame
    tracks: Mapping[str, pd.DataFrame]

    def columns(self, line: str) -> Columns:
        """Features of all pairs in the tracks of a line, shape=(n_pairs, n_features)."""
        return features_of(self.pairs, self.tracks[line], self.starts)


def features_of(
    pairs: pd.DataFrame, tracks: pd.DataFrame, starts: pd.DataFrame, signals: pd.DataFrame | None = None
) -> Columns:
    """Features of pairs of all chromosomes.

    Parameters
    ----------
    pairs : DataFrame
        ``chrom``, ``enhancer_centre`` and ``promoter_centre`` (0-based, bp).
    tracks : DataFrame
        Of one cell line, see :mod:`cbat.landscape.tracks`.
    starts : DataFrame
        ``chrom`` and ``position`` of transcription starts.
    signals : DataFrame, optional
        Of the line at its enhancers, see :mod:`cbat.landscape.element_signals`.

    Returns
    -------
    float32 array, shape=(n_pairs, n_features)
        Column by column in memory.
    """
    columns = np.zeros((len(NAMES), len(pairs)), dtype=np.float32)
    tracks_of, starts_of = (table.groupby("chrom", sort=False).indices for table in (tracks, starts))
    enhancer, promoter = (pairs[f"{role}_centre"].to_numpy() for role in ROLES)
    position, classes = (starts[name].to_numpy() for name in ("position", "promoter_class"))
    for chrom, of_chrom in _rows_of(pairs["chrom"]).items():
        own = starts_of.get(chrom, [])
        at_enhancers = None if signals is None else signals[signals["chrom"] == chrom]
        landscape = Landscape.of(
            tracks.take(tracks_of.get(chrom, [])), position[own], classes[own], at_enhancers
        )
        for start in range(0, len(of_chrom), PAIRS_AT_ONCE):
            rows: Any = of_chrom[start : start + PAIRS_AT_ONCE]
            if isinstance(rows, range):
                rows = slice(rows.start, rows.stop)
            columns[:, rows] = pair_features(landscape, Pairs.of(enhancer[rows], promoter[rows])).T
    return columns.T


def published_scores_of(
    pairs: pd.DataFrame, tracks: pd.DataFrame, starts: pd.DataFrame
) -> dict[str, npt.NDArray[np.float32]]:
    """Scores of :mod:`cbat.landscape.abc` of pairs of all chromosomes, shape=(n_pairs,) each.

    ``abc``, which is 0 without active enhancers, and ``enhancer_share``.

    Parameters
    ----------
    pairs : DataFrame
        ``chrom``, ``enhancer_centre`` and ``promoter_centre`` (0-based, bp).
    tracks : DataFrame
        Of one cell line, see :mod:`cbat.landscape.tracks`.
    starts : DataFrame
        ``chrom`` and ``position`` of transcription starts.
    """
    found = {name: np.zeros(len(pairs), dtype=np.float32) for name in ("abc", "enhancer_share")}
    peaks = tracks[tracks["kind"] == ENHANCERS]
    enhancer, promoter = (pairs[f"{role}_centre"].to_numpy() for role in ROLES)
    for chrom, rows in _rows_of(pairs["chrom"]).items():
        of_chrom = np.asarray(rows)
        own = Pairs.of(enhancer[of_chrom], promoter[of_chrom])
        position = starts["position"][starts["chrom"] == chrom]
        found["abc"][of_chrom] = abc.of_pairs(abc.elements_of(peaks[peaks["chrom"] == chrom]), own)
        found["enhancer_share"][of_chrom] = abc.enhancer_side(position, own)
    return found


def _rows_of(chrom: pd.Series) -> dict[str, range | npt.NDArray[np.intp]]:
    """Chromosome -> its rows; a range, which takes no memory, where those of each follow one another."""
    number, names = pd.factorize(chrom)
    if not len(names):
        return {}
    cuts = np.flatnonzero(np.diff(number)) + 1
    if len(cuts) + 1 == len(names):
        ends = [0, *cuts.tolist(), len(number)]
        return {name: range(*ends[place : place + 2]) for place, name in enumerate(names)}
    order = np.argsort(number, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(number, minlength=len(names)))[:-1])
    return dict(zip(names, parts, strict=True))


def expected(reader: _Reader, weights: Mapping[str, float]) -> tuple[Columns, dict[str, list[str]]]:
    """Mean features of the training lines that have a kind, by kinship, and which lines these are."""
    has = lines_having({line: reader.tracks[line] for line in weights})
    shares = {kind: among(weights, lines) if lines else {} for kind, lines in has.items()}
    total = np.zeros((len(reader.pairs), len(NAMES)), dtype=np.float32)
    if not weights:
        return features_of(reader.pairs, _no_tracks(reader), reader.starts), has
    shares[GENES] = dict(weights)
    for line in weights:
        of_line = {kind: of_kind[line] for kind, of_kind in shares.items() if line in of_kind}
        add_line(total, reader.columns(line), of_line)
    if missing := [kind for kind, lines in has.items() if not lines]:
        nothing = features_of(reader.pairs, _no_tracks(reader), reader.starts)
        for kind in missing:
            total[:, columns_of(kind)] = nothing[:, columns_of(kind)]
    return total, has


def _expected_of_mean(reader: _Reader, lines: Sequence[str]) -> tuple[Columns, dict[str, list[str]]]:
    """Features in the mean of the tracks of some lines, and which lines have each kind."""
    tracks = {line: reader.tracks[line] for line in lines}
    return features_of(reader.pairs, mean_track(tracks), reader.starts), lines_having(tracks)


def _no_tracks(reader: _Reader) -> pd.DataFrame:
    return next(iter(reader.tracks.values())).iloc[:0]


def _lend(
    own: Columns, graph: Columns, tracks: pd.DataFrame, expected_from: Mapping[str, Sequence[str]]
) -> tuple[list[str], list[str]]:
    """Fill in what one side lacks from the other, in place; kinds that the line has, and those it lacks."""
    has = [kind for kind in TRACK_KINDS if (tracks["kind"] == kind).any()]
    graph[:, columns_of(GENES)] = own[:, columns_of(GENES)]
    for kind in TRACK_KINDS:
        columns = columns_of(kind)
        if kind not in has:
            own[:, columns] = graph[:, columns]
        elif not expected_from[kind]:
            graph[:, columns] = own[:, columns]
    return has, [kind for kind in TRACK_KINDS if kind not in has]


def _table(pairs: pd.DataFrame, columns: Columns | None) -> pd.DataFrame:
    if columns is None:
        pairs, columns = pairs.iloc[:0], np.zeros((0, len(NAMES)), dtype=np.float32)
    return pd.concat([pairs[KEY], pd.DataFrame(columns, columns=list(NAMES), index=pairs.index)], axis=1)


def _read_pairs(labels: Path, elements_directory: Path) -> pd.DataFrame:
    """Labelled pairs with the centres of their ends."""
    pairs = read_table(labels, [*ROLES, *PAIR_COLUMNS], mend="run label_pairs again")
    for role in ROLES:
        table = read_table(
            elements_directory / f"{role}.parquet", ["start", "end"], mend="run collect_elements again"
        )
        middle = (table["start"].to_numpy() + table["end"].to_numpy()) // 2
        pairs[f"{role}_centre"] = middle[pairs[role].to_numpy()]
    return pairs


def _check_chromosomes(
    pairs: pd.DataFrame, starts: pd.DataFrame, tracks: Mapping[str, pd.DataFrame], files: Mapping[str, Path]
) -> None:
    """Names that do not meet would read as empty space everywhere."""
    known = set(pairs["chrom"].unique())
    named: dict[str, set[Any]] = {"the genes": set(starts["chrom"].unique())}
    named |= {f"the tracks of {line!r}": set(table["chrom"].unique()) for line, table in tracks.items()}
    for what, chromosomes in named.items():
        file = files.get(what)
        if known and chromosomes and not chromosomes & known:
            raise UserError(
                f"{what} share no chromosome with the labelled pairs: they have {sorted(chromosomes)[0]!r}, "
                f"the pairs {sorted(known)[0]!r}",
                mend="give both in one assembly, and map names with genome.contig_names (without a genome: "
                "landscape.contig_names)",
                file=file,
            )
        if (alias := alias_of(chromosomes, known)) is not None:
            raise named_otherwise(file or what, None, *alias, "the labelled pairs")


def _check_assemblies(
    tracks: Mapping[str, Path], opened: Mapping[str, pd.DataFrame], starts: pd.DataFrame, genes: Path
) -> dict[str, dict[str, float]]:
    """Make sure that the peaks of active promoters of each line that has some are at starts of genes."""
    found = {}
    for line, table in opened.items():
        promoters = table[table["kind"] == PROMOTERS]
        if len(promoters):
            found[line] = peaks_at_starts(promoters, starts)
            check_assembly(
                found[line],
                path=_source(tracks[line], "kinds", PROMOTERS, "file"),
                genes=_source(genes, "file"),
            )
    return found


def _source(table: Path, *keys: str) -> Path:
    """The user's file that a table was made of, as the report beside it says; else the table itself."""
    try:
        value = json.loads(table.with_suffix(".json").read_text(encoding="utf-8"))
        for key in keys:
            value = value[key]
    except (OSError, ValueError, KeyError, TypeError):
        return table
    return Path(str(value))
