"""Another tool's predictions on the labelled pairs of a cell line, as a reference like any other."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings
from cbat.data import stored
from cbat.data.windows import ROLES, centre
from cbat.errors import UserError
from cbat.evaluation.measure import Origin, metric_rows, of_split
from cbat.evaluation.peer_tables import KEY, read_peer
from cbat.evaluation.table import NO_CONTEXT, as_table, write_table

ONLY_PEER: Final = "n_only_peer"
ONLY_OURS: Final = "n_only_ours"
"""Pairs that one side alone has, as metrics beside ``n_pairs``, those that both have."""
_LABELLED: Final = ["enhancer_id", "promoter_id", "label", "distance", "chrom", "split"]
_ID: Final = r":(-?\d+)-(-?\d+)$"
_logger = logging.getLogger(__name__)


def run(
    *,
    peer: str,
    predictions: Path,
    cell_line: str,
    role: Literal["seen", "unseen"],
    labels: Path,
    settings: EvaluationSettings,
    directory: Path,
) -> None:
    """Write ``metrics.tsv`` and ``scored_pairs.parquet`` of a peer on one cell line (seed 0, no context).

    Parameters
    ----------
    peer : str
        Its name, for the tables.
    predictions : Path
        Its table; see :mod:`cbat.evaluation.peer_tables`.
    cell_line : str
        The line under evaluation.
    role : {"seen", "unseen"}
        Whether models have seen it in training.
    labels : Path
        Its labelled pairs (``results/labels/<cell_line>.parquet``).
    settings : EvaluationSettings
        Splits, and the number and seed of resamplings.
    directory : Path
        Where the two files go. Metrics are those of the pairs that both have; ``n_only_peer`` and
        ``n_only_ours`` count the others. A line that the peer does not know has the counts alone.

    Raises
    ------
    UserError
        The table is malformed, or knows the line and none of its pairs.
    """
    scored, only_peer = match(read_peer(predictions), peer, predictions, cell_line, labels)
    known = scored["probability"].notna()
    origin = Origin(peer, 0, cell_line, role)
    rows = metric_rows(scored[known], origin, threshold=None, settings=settings)
    for chromosomes in dict.fromkeys(settings.chromosomes):
        counts = {ONLY_PEER: only_peer, ONLY_OURS: int((~known)[of_split(scored, chromosomes).index].sum())}
        key = vars(origin) | {"chromosomes": chromosomes, "negatives": "natural"}
        rows += [key | {"metric": name, "value": float(n)} for name, n in counts.items()]
        _logger.info("%s on %s, %s chromosomes: %s", peer, cell_line, chromosomes, counts)
    table = scored[known].assign(context=NO_CONTEXT, n_support=0)
    stored.write_table(Path(directory) / "scored_pairs.parquet", table.reset_index(drop=True))
    write_table(Path(directory) / "metrics.tsv", as_table(rows))


def match(
    predicted: pd.DataFrame, peer: str, predictions: Path, cell_line: str, labels: Path
) -> tuple[pd.DataFrame, int]:
    """Labelled pairs with the score of the peer, and how many pairs the peer alone has.

    Returns
    -------
    DataFrame
        Every labelled pair; ``probability`` is the peer's score, or NaN where it has none.
    int
    """
    labelled = stored.read_table(labels, _LABELLED, mend="run label_pairs anew").reset_index(drop=True)
    for role in ROLES:
        labelled[f"{role}_centre"] = _centres_of_ids(labelled[f"{role}_id"])
    mine = predicted[predicted["cell_line"] == cell_line]
    joined = labelled.merge(mine[[*KEY, "score"]], on=KEY, how="left", validate="many_to_one")
    shared = int(joined["score"].notna().sum())
    if not len(mine):
        known = ", ".join(sorted(set(predicted["cell_line"])))
        _logger.warning("%s has no pair of the cell line %s; it knows: %s", peer, cell_line, known)
    elif not shared:
        first, other = mine.iloc[0], labelled.iloc[0]
        raise UserError(
            f"none of the {len(mine)} pairs of {cell_line} of the peer {peer!r} is a labelled pair; its "
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
        _logger.info("%s: %d repeated rows of %s were merged into their means", peer, merged, cell_line)
    return joined[_LABELLED].assign(probability=joined["score"]), len(mine) - shared


def _centres_of_ids(ids: pd.Series) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Centres of windows from their names, bp, shape=(n,)."""
    names, rows = np.unique(ids.to_numpy(dtype=np.str_), return_inverse=True)
    ends = pd.Series(names).str.extract(_ID).astype(np.int64)
    return centre(ends[0].to_numpy(), ends[1].to_numpy())[rows]
