"""The landscape of a new cell line: from its own tracks, and as the training lines let one expect it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sheets import TRACK_KINDS
from cbat.data.stored import read_table, write_table
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import write_json
from cbat.landscape.expectation import add_line, among, kinship
from cbat.landscape.features import FEATURES, Landscape, Pairs, columns_of, pair_features
from cbat.landscape.genes import GENE_COLUMNS
from cbat.landscape.law import Columns, Fit, FloatArray, Moments, moments, scaled
from cbat.landscape.signal_table import SIGNAL_COLUMNS, no_signals
from cbat.landscape.tracks import TRACK_COLUMNS
from cbat.prediction.near_pairs import NearPairs, PairRows, centres
from cbat.prediction.plan import PREPARED
from cbat.prediction.shared_landscape import (
    SharedLandscape,
    distance_class,
    rows_with,
)

TRACKS: Final = "tracks.parquet"
SIGNALS: Final = "signals.parquet"
GENES: Final = "genes.parquet"
ABOUT: Final = "landscape.json"
FILES: Final = (ABOUT, GENES, SIGNALS, TRACKS)
"""What is left in ``prepared/``."""
OF_CLASS: Final = 4_000
"""Pairs of each class of distance that mean and deviation of the features are taken from."""
LOOKED_AT: Final = 2_000_000
"""Pairs that these are drawn from, at most (or all of one enhancer in so many that it makes as many)."""
_FAR: Final = 2_000_000
_PIECE: Final = 1 << 16
_MEND: Final = "predict the line again"


@dataclass(frozen=True)
class Sources:
    """Where each kind of track comes from.

    Attributes
    ----------
    own : tuple of str
        Kinds that the line has itself.
    shares : dict
        Kind -> training lines that have it, and the weight of each; kinship among them.
    kinship : dict
        The same among all training lines.
    silent : tuple of str
        Kinds that the law has learned of, but neither the line nor, in its assembly, the model has.
    assembly : str
        Which of the model's assemblies the line is of.
    """

    own: tuple[str, ...]
    shares: dict[str, dict[str, float]]
    kinship: dict[str, float]
    silent: tuple[str, ...]
    assembly: str

    @classmethod
    def of(cls, shared: SharedLandscape, own: pd.DataFrame, cell_line: str, tissue: str) -> Sources:
        """Sources of a line; a training line of the same name is left out."""
        others = [line for line in shared.lines if line != cell_line]
        weights = kinship(shared.graph, tissue, others)
        shares = {}
        for kind in TRACK_KINDS:
            holds = set(shared.tracks["cell_line"][shared.tracks["kind"] == kind].unique())
            having = [line for line in others if line in holds]
            shares[kind] = among(weights, having) if having else {}
        has = set(own["kind"].unique())
        silent = tuple(kind for kind in shared.kinds if kind not in has and not shares[kind])
        own_kinds = tuple(kind for kind in TRACK_KINDS if kind in has)
        return cls(own_kinds, shares, weights, silent, shared.assembly)

    def own_share(self, fit: Fit, kind: str) -> float:
        """How much of what a law reads of a kind is the line's own; starts of genes are all lines' own."""
        if kind not in TRACK_KINDS:
            return 1.0
        if kind not in self.own:
            return 0.0 if self.shares[kind] else 1.0
        return fit.own_share.get(kind, 1.0) if self.shares[kind] else 1.0

    def expected(self, fit: Fit) -> list[str]:
        """Kinds of which the expectation matters to a law and is there."""
        read = {feature.kind for feature in FEATURES if feature.name in fit.features}
        return [
            kind
            for kind in TRACK_KINDS
            if self.shares[kind]
            and kind in read
            and (kind not in self.own or fit.own_share.get(kind, 1.0) < 1.0)
        ]


@dataclass(frozen=True, eq=False)
class ChromosomeReader:
    """The landscapes of one chromosome that the features of its pairs are read from.

    Attributes
    ----------
    own : Landscape
        Of the line itself.
    others : list of (Landscape, {kind: weight})
        Of training lines, with their weight in the expectation of each kind.
    lent : tuple of str
        Kinds that the line lacks and others have.
    """

    own: Landscape
    others: list[tuple[Landscape, dict[str, float]]]
    lent: tuple[str, ...]

    @classmethod
    def of(
        cls,
        sources: Sources,
        fit: Fit,
        own: pd.DataFrame,
        others: pd.DataFrame,
        starts: pd.DataFrame,
        signals: pd.DataFrame,
    ) -> ChromosomeReader:
        """From one chromosome's rows of the line's and the others' tracks, of starts and of signals."""
        kinds = sources.expected(fit)
        position, classes = (starts[name].to_numpy() for name in ("position", "promoter_class"))
        landscapes = []
        for line in sources.kinship:
            weights = {kind: sources.shares[kind].get(line, 0.0) for kind in kinds}
            weights = {kind: weight for kind, weight in weights.items() if weight > 0.0}
            if weights:
                rows = others[(others["cell_line"] == line) & others["kind"].isin(list(weights))]
                landscapes.append((Landscape.of(rows, position, classes), weights))
        lent = tuple(kind for kind in kinds if kind not in sources.own)
        return cls(Landscape.of(own, position, classes, signals), landscapes, lent)

    def columns(self, pairs: Pairs) -> tuple[Columns, Columns]:
        """Features of pairs from the line's own tracks and as they are expected, shape=(n, n_features) each.

        What one side lacks is taken from the other, as in the landscapes that laws are fitted to.
        """
        own = pair_features(self.own, pairs)
        graph = own.copy()
        for kind in {kind for _, weights in self.others for kind in weights}:
            graph[:, columns_of(kind)] = 0.0
        for landscape, weights in self.others:
            add_line(graph, pair_features(landscape, pairs), weights)
        for kind in self.lent:
            own[:, columns_of(kind)] = graph[:, columns_of(kind)]
        return own, graph


def as_pairs(tables: Mapping[str, pd.DataFrame], rows: PairRows) -> Pairs:
    """Pairs of a chromosome as rows of their distinct centres."""
    enhancer, enhancer_of = np.unique(centres(tables["enhancer"])[rows.enhancer], return_inverse=True)
    promoter, promoter_of = np.unique(centres(tables["promoter"])[rows.promoter], return_inverse=True)
    return Pairs(enhancer, promoter, enhancer_of, promoter_of)


@dataclass(frozen=True, eq=False)
class LineLandscape:
    """All that the pairs of a new line are read with.

    Attributes
    ----------
    sources : Sources
    own, graph : Moments
        What own and expected features are standardised by.
    tracks : DataFrame
        The line's own tracks.
    starts : DataFrame
        Transcription starts.
    signals : DataFrame
        Signals at the line's enhancers, see :mod:`cbat.landscape.element_signals`.
    """

    sources: Sources
    own: Moments
    graph: Moments
    tracks: pd.DataFrame
    starts: pd.DataFrame
    signals: pd.DataFrame

    def reader(self, shared: SharedLandscape, chromosome: str) -> ChromosomeReader:
        """The landscapes of a chromosome."""
        own, others, starts, signals = (
            table[table["chrom"] == chromosome]
            for table in (self.tracks, shared.tracks, self.starts, self.signals)
        )
        return ChromosomeReader.of(self.sources, shared.fit, own, others, starts, signals)

    def by_chromosome(
        self, shared: SharedLandscape, elements: Mapping[str, pd.DataFrame], table: pd.DataFrame
    ) -> Iterator[tuple[npt.NDArray[np.intp], ChromosomeReader, Pairs]]:
        """Pairs of several chromosomes: rows of ``table``, the reader of their chromosome, and the pairs.

        Parameters
        ----------
        shared : SharedLandscape
        elements : mapping
            Role -> ``chrom``, ``start``, ``end``.
        table : DataFrame
            ``enhancer`` and ``promoter``: rows of ``elements``.
        """
        enhancer, promoter = (table[role].to_numpy(dtype=np.int64) for role in ROLES)
        chrom = elements["enhancer"]["chrom"].to_numpy(dtype=object)[enhancer]
        unread = np.zeros(0, dtype=np.int64)
        for name in pd.unique(chrom):
            mine = np.flatnonzero(chrom == name)
            pairs = as_pairs(elements, PairRows(enhancer[mine], promoter[mine], unread, unread))
            yield mine, self.reader(shared, str(name)), pairs

    def standardised(self, reader: ChromosomeReader, pairs: Pairs) -> tuple[Columns, Columns]:
        """Own and expected features as a law reads them, shape=(n, n_features) each."""
        found = tuple(
            scaled(columns, known)
            for columns, known in zip(reader.columns(pairs), (self.own, self.graph), strict=True)
        )
        for kind in self.sources.silent:
            # No peaks at all would read as an odd landscape; what nobody knows is an average one.
            for columns in found:
                columns[:, columns_of(kind)] = 0.0
        return found[0], found[1]

    def write(self, directory: Path) -> None:
        """Leave it in the folder of a line."""
        prepared = directory / PREPARED
        write_table(prepared / TRACKS, self.tracks.sort_values(["chrom", "kind", "start"], kind="stable"))
        write_table(prepared / GENES, self.starts)
        write_table(prepared / SIGNALS, self.signals)
        content = {
            "own_kinds": list(self.sources.own),
            "shares": self.sources.shares,
            "kinship": self.sources.kinship,
            # JSON sorts its keys, and sums are taken in this order.
            "lines": list(self.sources.kinship),
            "silent_kinds": list(self.sources.silent),
            "assembly": self.sources.assembly,
            "moments": {
                name: {"mean": one.mean.tolist(), "deviation": one.deviation.tolist()}
                for name, one in (("own", self.own), ("graph", self.graph))
            },
        }
        write_json(prepared / ABOUT, content)

    @classmethod
    def read(cls, directory: Path, chromosome: str | None = None) -> LineLandscape:
        """From the folder of a line, with the tracks, starts and signals of one chromosome, or of all.

        Raises
        ------
        UserError
            A file is missing or damaged.
        """
        prepared = directory / PREPARED
        path = prepared / ABOUT
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            sources = Sources(
                tuple(content["own_kinds"]),
                {kind: dict(shares) for kind, shares in content["shares"].items()},
                {line: float(content["kinship"][line]) for line in content["lines"]},
                tuple(content["silent_kinds"]),
                str(content["assembly"]),
            )
            own, graph = (
                Moments(*(np.array(content["moments"][name][key]) for key in ("mean", "deviation")))
                for name in ("own", "graph")
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UserError(f"the landscape cannot be read ({error})", mend=_MEND, file=path) from error
        tables = (
            (prepared / TRACKS, TRACK_COLUMNS),
            (prepared / GENES, GENE_COLUMNS),
            (prepared / SIGNALS, SIGNAL_COLUMNS),
        )
        tracks, starts, signals = (
            read_table(path, columns, mend=_MEND)
            if chromosome is None
            else rows_with(path, columns, {"chrom": chromosome})
            for path, columns in tables
        )
        return cls(sources, own, graph, tracks, starts, signals)


def resistance(fit: Fit, landscape: LineLandscape, reader: ChromosomeReader, pairs: Pairs) -> FloatArray:
    """What a law has before its softplus, shape=(n,)."""
    if not fit.features:
        return np.full(len(pairs.enhancer_of), fit.constant)
    return fit.resistance(*landscape.standardised(reader, pairs))


def prepare_landscape(
    shared: SharedLandscape,
    tables: Mapping[str, pd.DataFrame],
    own: pd.DataFrame,
    starts: pd.DataFrame,
    cell_line: str,
    tissue: str,
    signals: pd.DataFrame | None = None,
) -> tuple[LineLandscape, dict[str, Any]]:
    """Take mean and deviation of the features of a line's candidate pairs, weighted as training pairs are.

    Neither depends on the chromosomes or the distances that are predicted.

    Parameters
    ----------
    shared : SharedLandscape
    tables : mapping
        Role -> candidates, see :mod:`cbat.prediction.candidates`.
    own, starts : DataFrame
        The line's tracks and the transcription starts.
    cell_line, tissue : str
        A training line of this name is left out; an unknown tissue relates the line to all alike.
    signals : DataFrame, optional
        Signals at the candidate enhancers.

    Returns
    -------
    LineLandscape
    report : dict
        How many pairs were looked at, and what share of the training distances they cover.
    """
    sources = Sources.of(shared, own, cell_line, tissue)
    signals = no_signals() if signals is None else signals
    chosen, weights, covered = _chosen(shared.shares, shared.longest, tables)
    if not chosen:
        # No candidate pair is at a distance that training knows: all count alike.
        alike = np.ones(len(shared.shares)) / len(shared.shares)
        chosen, weights, _ = _chosen(alike, _FAR, tables)
    found: list[tuple[Columns, Columns]] = []
    weight = []
    for chrom, rows in chosen.items():
        parts = (table[table["chrom"] == chrom] for table in (own, shared.tracks, starts, signals))
        reader = ChromosomeReader.of(sources, shared.fit, *parts)
        found.append(reader.columns(as_pairs(_on(tables, chrom), rows)))
        weight.append(weights[distance_class(rows.distance)])
    if not found:
        nothing = Moments(np.zeros(len(FEATURES)), np.ones(len(FEATURES)))
        return LineLandscape(sources, nothing, nothing, own, starts, signals), {"pairs": 0, "covered": 0.0}
    share = np.concatenate(weight)
    both = [np.concatenate([columns[side] for columns in found]) for side in (0, 1)]
    own_moments, graph_moments = (moments(columns, share) for columns in both)
    report = {"pairs": len(share), "covered": round(covered, 6)}
    return LineLandscape(sources, own_moments, graph_moments, own, starts, signals), report


def _on(tables: Mapping[str, pd.DataFrame], chrom: str) -> dict[str, pd.DataFrame]:
    return {role: table[table["chrom"] == chrom].reset_index(drop=True) for role, table in tables.items()}


def _chosen(
    shares: FloatArray, longest: int, tables: Mapping[str, pd.DataFrame]
) -> tuple[dict[str, PairRows], FloatArray, float]:
    """Candidate pairs of every class of distance, the weight of a pair of each, and the share covered."""
    held = shares > 0.0
    near = {chrom: _near(tables, chrom, longest) for chrom in tables["enhancer"]["chrom"].unique()}
    step = -(-sum(map(len, near.values())) // LOOKED_AT)
    counts = np.zeros(len(held), dtype=np.int64)
    for _, rows in _pieces(near, step):
        counts += np.bincount(distance_class(rows.distance), minlength=len(counts))
    every = np.maximum(-(-counts // OF_CLASS), 1)
    seen, taken = np.zeros_like(counts), np.zeros_like(counts)
    parts: dict[str, list[PairRows]] = {}
    for chrom, rows in _pieces(near, step):
        of_class = distance_class(rows.distance)
        kept = np.zeros(len(rows), dtype=bool)
        for one in np.flatnonzero(held):
            mine = np.flatnonzero(of_class == one)
            kept[mine[(seen[one] + np.arange(len(mine))) % every[one] == 0]] = True
            seen[one] += len(mine)
        taken += np.bincount(of_class[kept], minlength=len(counts))
        if kept.any():
            parts.setdefault(chrom, []).append(_rows(rows, kept))
    if not parts:
        return {}, np.ones(len(counts)), 0.0
    weights = np.where(taken > 0, shares / np.maximum(taken, 1), 0.0)
    joined = {chrom: _joined(pieces) for chrom, pieces in parts.items()}
    return joined, weights, float(shares[taken > 0].sum())


def _near(tables: Mapping[str, pd.DataFrame], chrom: str, longest: int) -> NearPairs:
    own = _on(tables, chrom)
    return NearPairs.of(own["enhancer"], own["promoter"], 0, longest)


def _pieces(near: Mapping[str, NearPairs], step: int) -> Iterable[tuple[str, PairRows]]:
    """Pairs of every ``step``-th enhancer."""
    for chrom, pairs in near.items():
        for rows in pairs.every(step).pieces(_PIECE):
            yield chrom, rows


def _rows(rows: PairRows, kept: Any) -> PairRows:
    return PairRows(rows.enhancer[kept], rows.promoter[kept], rows.distance[kept], rows.upstream[kept])


def _joined(pieces: list[PairRows]) -> PairRows:
    names = ("enhancer", "promoter", "distance", "upstream")
    return PairRows(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in names))
