"""The full model beside another tool, on the pairs that both have scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data.contigs import ContigNames
from cbat.evaluation.bootstrap import percentile_interval, resampled, resampled_within
from cbat.evaluation.comparison import ScoredPairs, Side, shared_resamples
from cbat.evaluation.headline import Headline
from cbat.evaluation.measure import promoter_starts
from cbat.evaluation.metrics import RECALLS, pair_metrics
from cbat.evaluation.peer_tables import read_peer
from cbat.evaluation.peers import ONLY_PEER, scores_of
from cbat.evaluation.table import MACRO
from cbat.evaluation.verdicts import with_interval

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

PEER_COLUMNS: Final = [
    "cell_line", "peer", "n_shared", "n_only_peer", "n_only_ours", "negatives", "metric", "ours", "theirs",
    "difference", "low", "high",
]  # fmt: skip
COMPARED: Final = (
    ("natural", "aupr"),
    ("balanced", "aupr"),
    *(("natural", f"precision_at_recall_{recall}") for recall in RECALLS),
    ("natural", "auroc"),
    ("natural", "auroc_within_enhancer"),
    ("natural", "auroc_within_promoter"),
)


@dataclass(frozen=True)
class _Shared:
    """Pairs of one cell line and training seed that both sides scored, shape=(n,) each."""

    label: npt.NDArray[np.int8]
    ours: FloatArray
    theirs: FloatArray
    enhancer: npt.NDArray[np.str_]
    promoter: npt.NDArray[np.str_]
    chrom: npt.NDArray[np.str_]
    start: FloatArray
    n_only_ours: int


@dataclass
class _Line:
    """One cell line: values of :data:`COMPARED` on either side over resamples, a list item for each seed."""

    shared: list[_Shared]
    ours: dict[tuple[str, str], list[FloatArray]] = field(default_factory=dict)
    theirs: dict[tuple[str, str], list[FloatArray]] = field(default_factory=dict)


def peer_table(
    metrics: pd.DataFrame,
    peers: Mapping[str, Path],
    *,
    settings: EvaluationSettings,
    full_model: str,
    scored: ScoredPairs,
    contigs: ContigNames | None = None,
) -> pd.DataFrame:
    """The full model and every peer, on the pairs that both have.

    Parameters
    ----------
    metrics : DataFrame
        The long table, with the rows of the peers.
    peers : mapping
        Name -> table of predictions; see :mod:`cbat.evaluation.peer_tables`.
    settings : EvaluationSettings
    full_model : str
    scored : ScoredPairs
        Scored pairs of the full model.
    contigs : ContigNames, optional
        See :func:`cbat.evaluation.peer_tables.read_peer`.

    Returns
    -------
    DataFrame
        :data:`PEER_COLUMNS`: for each peer and each of :data:`COMPARED` a row for each cell line that both
        know, and one, ``macro``, for their mean. ``ours`` is the mean over training seeds; ``difference`` is
        ours minus theirs, and its interval is over chromosomes, paired (precisions have none).
    """
    headline = Headline.of(settings)
    rows: list[list[object]] = []
    for peer, path in peers.items():
        predicted = read_peer(path, contigs)
        lines = {}
        for line in headline.by_line(metrics, full_model).index:
            shared = list(_shared_pairs(scored, predicted, full_model, str(line), headline))
            if shared:
                lines[str(line)] = _Line(shared)
        if lines:
            n_clusters = _resample(lines, settings)
            rows += _rows(peer, lines, metrics, headline, n_clusters)
    return pd.DataFrame(rows, columns=pd.Index(PEER_COLUMNS))


def _shared_pairs(
    scored: ScoredPairs, predicted: pd.DataFrame, full_model: str, line: str, headline: Headline
) -> Iterator[_Shared]:
    for seed in scored.seeds(full_model):
        pairs = scored.read(Side(full_model), seed, line, headline.chromosomes, headline.n_support)
        if pairs is None:
            continue
        score = scores_of(predicted, pairs, line)
        known = ~np.isnan(score)
        if not known.any():
            continue
        both = pairs[known]
        yield _Shared(
            both["label"].to_numpy(dtype=np.int8),
            both["probability"].to_numpy(dtype=float),
            score[known],
            both["enhancer_id"].to_numpy(dtype=np.str_),
            both["promoter_id"].to_numpy(dtype=np.str_),
            both["chrom"].to_numpy(dtype=np.str_),
            promoter_starts(both),
            int((~known).sum()),
        )


def _resample(lines: Mapping[str, _Line], settings: EvaluationSettings) -> int:
    """Fill in the values of every line, in resamples that all of them share; the number of their clusters."""
    places = [(pairs.chrom, pairs.start) for line in lines.values() for pairs in line.shared]
    columns, counts = shared_resamples(places, settings.n_bootstrap, settings.seed)
    remaining = iter(columns)
    for line in lines.values():
        for pairs in line.shared:
            cluster = next(remaining)
            for side, score in ((line.ours, pairs.ours), (line.theirs, pairs.theirs)):
                for key, values in _values(pairs, score, cluster, counts).items():
                    side.setdefault(key, []).append(values)
    return int(counts.shape[1])


def _values(
    pairs: _Shared, score: FloatArray, cluster: IntArray, counts: IntArray
) -> dict[tuple[str, str], FloatArray]:
    """Each of :data:`COMPARED` in every resample; of the pairs themselves alone where it is not resampled."""
    found: dict[tuple[str, str], FloatArray] = {
        ("natural", "aupr"): resampled(pairs.label, score, cluster, counts),
        ("balanced", "aupr"): resampled(pairs.label, score, cluster, counts, balanced=True),
        ("natural", "auroc"): resampled(pairs.label, score, cluster, counts, statistic="auroc"),
    }
    for role, group in (("enhancer", pairs.enhancer), ("promoter", pairs.promoter)):
        values = resampled_within(pairs.label, score, group, cluster, counts)
        found["natural", f"auroc_within_{role}"] = values
    whole = pair_metrics(pairs.label, score, pairs.promoter, None)
    for recall in RECALLS:
        name = f"precision_at_recall_{recall}"
        found["natural", name] = np.array([whole.get(name, np.nan)])
    return found


def _rows(
    peer: str, lines: Mapping[str, _Line], metrics: pd.DataFrame, headline: Headline, n_clusters: int
) -> Iterator[list[object]]:
    counted = metrics[
        (metrics["model"] == peer)
        & (metrics["metric"] == ONLY_PEER)
        & (metrics["chromosomes"] == headline.chromosomes)
    ].set_index("cell_line")["value"]
    counts = {
        name: [len(line.shared[0].label), int(counted.get(name, 0)), line.shared[0].n_only_ours]
        for name, line in lines.items()
    }
    counts[MACRO] = list(np.sum(list(counts.values()), axis=0))
    for key in COMPARED:
        sides = {
            name: [np.mean(side[key], axis=0) for side in (line.ours, line.theirs)]
            for name, line in lines.items()
        }
        # Lines with one class only have no such figure.
        sides = {name: both for name, both in sides.items() if not np.isnan([part[0] for part in both]).any()}
        if not sides:
            continue
        sides[MACRO] = list(np.mean(list(sides.values()), axis=0))
        for name, (ours, theirs) in sides.items():
            point = float(ours[0] - theirs[0])
            ends = percentile_interval((ours - theirs)[1:], point, n_clusters)
            yield [name, peer, *counts[name], *key, float(ours[0]), float(theirs[0]), point, *ends]


def headline_rows(table: pd.DataFrame, headline: Headline, peer: str) -> pd.DataFrame:
    """The rows of a peer at the headline's negatives and metric, the mean last."""
    mine = (table["negatives"] == headline.negatives) & (table["metric"] == headline.metric)
    return table[mine & (table["peer"] == peer)]


def sentences(
    table: pd.DataFrame, peers: Mapping[str, Path], headline: Headline, full_model: str, lines: list[str]
) -> list[str]:
    """What the comparison with each peer shows, and which pairs it is about.

    Parameters
    ----------
    table : DataFrame
        What :func:`peer_table` made.
    peers : mapping
    headline : Headline
    full_model : str
    lines : list of str
        Cell lines of the full model.
    """
    said = []
    for peer in peers:
        rows = headline_rows(table, headline, peer)
        known = [name for name in rows["cell_line"] if name != MACRO]
        unknown = [name for name in lines if name not in known]
        if len(rows):
            mean, each = rows.iloc[-1], rows.iloc[:-1]
            difference = with_interval(mean["difference"], mean["low"], mean["high"])
            said.append(
                f"{full_model} minus {peer}, on the {mean['n_shared']:,} pairs that both have: {difference} "
                f"({mean['ours']:.3f} against {mean['theirs']:.3f}), ahead on "
                f"{int((each['difference'] > 0).sum())} of {len(each)} cell lines. {_judged(mean, peer)}"
                + (
                    f" {n:,} labelled pairs of these lines have no score."
                    if (n := mean["n_only_ours"])
                    else ""
                )
                + (f" {n:,} of its pairs are not labelled here." if (n := mean["n_only_peer"]) else "")
            )
        if unknown:
            said.append(f"{peer} has no pair of {', '.join(unknown)}.")
    return said


def _judged(mean: pd.Series, peer: str) -> str:
    if np.isnan(mean["low"]):
        return "There is no interval."
    if mean["low"] > 0.0:
        return "The interval lies above zero."
    return f"The interval {'lies BELOW' if mean['high'] < 0.0 else 'holds'} zero: {peer} is NOT beaten."
