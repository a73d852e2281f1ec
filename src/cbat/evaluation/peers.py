"""Another tool's predictions on the labelled pairs of a cell line, as a reference like any other."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.config.sheets import written_otherwise
from cbat.data.contig_checks import check_shared, first_lines, rows_of, tell_elsewhere
from cbat.data.contigs import ContigNames
from cbat.data.windows import ROLES, centre
from cbat.errors import UserError
from cbat.evaluation.measure import Origin, metric_rows, of_split
from cbat.evaluation.peer_tables import KEY, read_peer
from cbat.sentences import in_words

FloatArray = npt.NDArray[np.float64]

ONLY_PEER: Final = "n_only_peer"
ONLY_OURS: Final = "n_only_ours"
"""Pairs that one side alone has, as metrics beside ``n_pairs``, those that both have."""
_ID: Final = r":(-?\d+)-(-?\d+)$"
_logger = logging.getLogger(__name__)


def peer_rows(
    name: str,
    predictions: Path,
    labelled: pd.DataFrame,
    *,
    cell_line: str,
    role: str,
    settings: EvaluationSettings,
    contigs: ContigNames | None = None,
) -> list[dict[str, Any]]:
    """Rows of the long table of a peer on one cell line (model = its name, seed 0, no context).

    Parameters
    ----------
    name : str
        Of the peer.
    predictions : Path
        Its table; see :mod:`cbat.evaluation.peer_tables`.
    labelled : DataFrame
        Labelled pairs of the line: ``enhancer_id``, ``promoter_id``, ``label``, ``distance``, ``chrom``,
        ``split``, each pair once.
    cell_line, role : str
        The line, and whether models have seen it in training.
    settings : EvaluationSettings
        Splits, and the number and seed of resamplings.
    contigs : ContigNames, optional
        See :func:`cbat.evaluation.peer_tables.read_peer`.

    Returns
    -------
    list of dict
        Metrics of the pairs that both have; ``n_only_peer`` and ``n_only_ours`` count the others. A line that
        the peer does not know has the counts alone.

    Raises
    ------
    UserError
        The table is malformed, or knows the line and none of its pairs.
    """
    score, only_peer = match(read_peer(predictions, contigs), labelled, name, predictions, cell_line, contigs)
    known = ~np.isnan(score)
    origin = Origin(name, 0, cell_line, role)
    scored = labelled.assign(probability=score)
    rows = metric_rows(scored[known], origin, threshold=None, settings=settings)
    for chromosomes in dict.fromkeys(settings.chromosomes):
        counts = {ONLY_PEER: only_peer, ONLY_OURS: len(of_split(scored[~known], chromosomes))}
        key = vars(origin) | {"chromosomes": chromosomes, "negatives": "natural"}
        rows += [key | {"metric": metric, "value": float(n)} for metric, n in counts.items()]
        _logger.info("%s on %s, %s chromosomes: %s", name, cell_line, chromosomes, in_words(counts))
    return rows


def match(
    predicted: pd.DataFrame,
    pairs: pd.DataFrame,
    name: str,
    predictions: Path,
    cell_line: str,
    contigs: ContigNames | None = None,
) -> tuple[FloatArray, int]:
    """Score that a peer gives each pair of a cell line, and how many pairs the peer alone has.

    Parameters
    ----------
    predicted : DataFrame
        What :func:`cbat.evaluation.peer_tables.read_peer` has read.
    pairs : DataFrame
        ``enhancer_id``, ``promoter_id`` and ``chrom`` of each pair, each pair once.
    name : str
        Of the peer, and
    predictions : Path
        its table, for messages.
    cell_line : str
    contigs : ContigNames, optional
        The table of names that has been applied.

    Returns
    -------
    array, shape=(n_pairs,)
        NaN where it has none.
    int

    Raises
    ------
    UserError
        The peer knows the line and none of these pairs, or names a contig otherwise.
    """
    mine = predicted[predicted["cell_line"] == cell_line]
    _check_contigs(mine, pairs, predictions, cell_line, contigs)
    score = scores_of(predicted, pairs, cell_line)
    shared = int((~np.isnan(score)).sum())
    if not len(mine):
        _refuse_other_name(predicted, cell_line, predictions)
        known = ", ".join(sorted(set(predicted["cell_line"])))
        _logger.warning("%s has no pair of the cell line %s; it knows: %s", name, cell_line, known)
    elif not shared:
        first, other = mine.iloc[0], _keys(pairs.iloc[:1]).iloc[0]
        raise UserError(
            f"none of the {len(mine)} pairs of {cell_line} of the peer {name!r} is a labelled pair; its "
            f"first has centres {first['enhancer_centre']} and {first['promoter_centre']} on "
            f"{first['chrom']}, the first labelled one {other['enhancer_centre']} and "
            f"{other['promoter_centre']} on {other['chrom']}",
            mend="give the intervals of the pair table, on its assembly and with the names of its "
            "chromosomes; pairs are matched by the centres of their intervals",
            file=predictions,
            where=f"line {first['line']}",
        )
    merged = int(mine["merged"].sum())
    if merged:
        _logger.info("%s: %d repeated rows of %s were merged into their means", name, merged, cell_line)
    return score, len(mine) - shared


def _refuse_other_name(predicted: pd.DataFrame, cell_line: str, predictions: Path) -> None:
    """A line that the peer writes otherwise would count as one that it does not know."""
    known = predicted["cell_line"].unique().tolist()
    if (other := written_otherwise([cell_line], known)) is not None:
        raise UserError(
            f"the cell line {cell_line!r} is called {other[1]!r} in the table of the peer",
            mend=f"write {cell_line!r} in its column cell_line",
            file=predictions,
            where=f"line {int(predicted.loc[predicted['cell_line'] == other[1], 'line'].iloc[0])}",
        )


def _check_contigs(
    mine: pd.DataFrame, pairs: pd.DataFrame, predictions: Path, cell_line: str, contigs: ContigNames | None
) -> None:
    others = {f"the labelled pairs of {cell_line}": set(pairs["chrom"])}
    check_shared(predictions, first_lines(mine), others, contigs)
    tell_elsewhere(predictions, rows_of(mine["chrom"]), others, "predictions")


def scores_of(predicted: pd.DataFrame, pairs: pd.DataFrame, cell_line: str) -> FloatArray:
    """Score that a peer gives each pair of a cell line, NaN where it has none; see :func:`match`."""
    mine = predicted.loc[predicted["cell_line"] == cell_line, [*KEY, "score"]]
    joined = _keys(pairs).merge(mine, on=KEY, how="left", validate="many_to_one")
    return np.asarray(joined["score"], dtype=float)


def _keys(pairs: pd.DataFrame) -> pd.DataFrame:
    keys = pd.DataFrame({"chrom": pairs["chrom"].to_numpy()})
    for role in ROLES:
        keys[f"{role}_centre"] = _centres_of_ids(pairs[f"{role}_id"])
    return keys


def _centres_of_ids(ids: pd.Series) -> npt.NDArray[np.int64]:
    """Centres of windows from their names, bp, shape=(n,)."""
    names, rows = np.unique(ids.to_numpy(dtype=np.str_), return_inverse=True)
    ends = pd.Series(names).str.extract(_ID).astype(np.int64)
    return centre(ends[0].to_numpy(), ends[1].to_numpy())[rows]
