"""How contacts and negatives of a cell line differ before any model: in distance, and in their elements.

What this table shows, a model can learn without a look at sequence or environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.negatives import GIVEN
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.files import atomic_file

FloatArray = npt.NDArray[np.float64]
Row = dict[str, Any]

COLUMNS: Final = ["cell_line", "negatives", "chromosomes", "measure", "label", "low", "high", "value"]
ALL: Final = "all"
"""In the column ``chromosomes``: those of all splits together."""
NOTHING: Final = "."
_FIRST_EDGE: Final = 1000
_STEPS: Final = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)


def write_balance(path: Path, cell_line: str, pairs: pd.DataFrame, made: dict[str, Any]) -> None:
    """Write what tells the two classes of a cell line apart, one row for each figure.

    Parameters
    ----------
    path : Path
        TSV with the columns ``cell_line``, ``negatives`` (kind), ``chromosomes`` (a split or ``all``),
        ``measure``, ``label`` (1 contacts, 0 negatives, a dot for both), ``low`` and ``high`` (bounds of
        distances in bp, the lower one included; a dot elsewhere), ``value``. The measures are those of
        :func:`measures`, and ``negatives_wanted`` and ``negatives_missing`` where negatives were made.
    cell_line : str
        Its name.
    pairs : DataFrame
        Its labelled pairs: ``enhancer``, ``promoter``, ``label``, ``distance``, ``split``.
    made : dict
        How negatives were made, as :func:`cbat.data.negatives.make_negatives` says; empty where they were
        given.
    """
    kind = str(made.get("kind", GIVEN))
    edges = distance_edges(int(pairs["distance"].max()) if len(pairs) else 0)
    rows: list[Row] = []
    for chromosomes in [*sorted(pairs["split"].unique()), ALL]:
        part = pairs if chromosomes == ALL else pairs[pairs["split"] == chromosomes]
        for row in [*measures(part, edges), *_missing(made, str(chromosomes))]:
            rows.append({"cell_line": cell_line, "negatives": kind, "chromosomes": chromosomes} | row)
    table = pd.DataFrame(rows, columns=pd.Index(COLUMNS))
    with atomic_file(path) as temporary:
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n", float_format="%.6g")


def read_balance(path: Path) -> pd.DataFrame:
    """A table that :func:`write_balance` wrote; names and labels as text, values as numbers.

    Raises
    ------
    UserError
        It is missing, or another table.
    """
    mend = "run label_pairs again"
    try:
        table = pd.read_csv(path, sep="\t", dtype="str", keep_default_na=False)
        if list(table.columns) != COLUMNS:
            raise ValueError(f"its columns are {', '.join(table.columns)}")
        return table.astype({"value": float})
    except (OSError, ValueError) as error:
        raise UserError(f"the table cannot be read ({error})", mend=mend, file=path) from error


def distance_edges(longest: int) -> npt.NDArray[np.int64]:
    """Bounds of the histogram: 0, 1000, 1500, 2000, 3000, ... to the first above ``longest``, bp.

    They are the same for all lines, so that these can be compared.
    """
    edges = [0, _FIRST_EDGE]
    decade = _FIRST_EDGE
    while edges[-1] <= longest:
        edges += [int(step * decade) for step in _STEPS if step * decade > edges[-1]]
        decade *= 10
    kept = int(np.searchsorted(edges, longest, side="right")) + 1
    return np.asarray(edges[: max(kept, 2)], dtype=np.int64)


def measures(pairs: pd.DataFrame, edges: npt.NDArray[np.int64]) -> Iterator[Row]:
    """Differences between the classes.

    Yields
    ------
    dict
        ``measure``, ``label``, ``low``, ``high``, ``value``:

        - ``pairs``: how many, of each class.
        - ``distance_share``: share of a class between ``low`` and ``high``.
        - ``distance_total_variation``: half the summed difference of these shares; 0 none, 1 apart.
        - ``distance_ks``: greatest difference of the two cumulative distributions (Kolmogorov-Smirnov).
        - ``distance_auroc``: chance that a contact is nearer than a negative, ties counting half.
        - ``enhancers``, ``promoters``: how many there are in a class.
        - ``one_class_enhancer``, ``one_class_promoter``: share of a class whose element has no pair of the
          other class, and so gives the label away.
        - ``enhancer_total_variation``, ``promoter_total_variation``: half the summed difference, over
          elements, of an element's shares of the two classes; 0 where each has as many of both.

        Differences need both classes and are left out without them.
    """
    label = pairs["label"].to_numpy() == 1
    distance = pairs["distance"].to_numpy(np.int64)
    both = bool(label.any() and not label.all())
    for name, mask in (("1", label), ("0", ~label)):
        yield _row("pairs", name, int(mask.sum()))
        if mask.any():
            share = np.histogram(distance[mask], edges)[0] / mask.sum()
            for low, high, value in zip(edges[:-1].tolist(), edges[1:].tolist(), share, strict=True):
                yield _row("distance_share", name, float(value), low, high)
    if both:
        yield from _distance_differences(label, distance, edges)
    for role in ROLES:
        yield from _element_counts(pairs[role].to_numpy(), label, role, both)


def _distance_differences(
    label: npt.NDArray[np.bool_], distance: npt.NDArray[np.int64], edges: npt.NDArray[np.int64]
) -> Iterator[Row]:
    binned = [np.histogram(distance[mask], edges)[0] / mask.sum() for mask in (label, ~label)]
    yield _row("distance_total_variation", NOTHING, float(np.abs(binned[0] - binned[1]).sum() / 2))
    at = np.unique(distance, return_inverse=True)[1]
    positive, negative = (
        np.bincount(at[mask], minlength=at.max() + 1) / mask.sum() for mask in (label, ~label)
    )
    nearer = np.cumsum(positive)
    yield _row("distance_ks", NOTHING, float(np.abs(nearer - np.cumsum(negative)).max()))
    yield _row("distance_auroc", NOTHING, float((negative * (nearer - positive / 2)).sum()))


def _element_counts(
    element: npt.NDArray[np.int64], label: npt.NDArray[np.bool_], role: str, both: bool
) -> Iterator[Row]:
    of = np.unique(element, return_inverse=True)[1]
    n = {
        name: np.bincount(of[mask], minlength=of.max(initial=-1) + 1)
        for name, mask in (("1", label), ("0", ~label))
    }
    for name in n:
        yield _row(f"{role}s", name, int((n[name] > 0).sum()))
    if both:
        for name, other in (("1", "0"), ("0", "1")):
            alone = n[name][n[other] == 0].sum() / n[name].sum()
            yield _row(f"one_class_{role}", name, float(alone))
        difference = np.abs(n["1"] / n["1"].sum() - n["0"] / n["0"].sum()).sum() / 2
        yield _row(f"{role}_total_variation", NOTHING, float(difference))


def _missing(made: dict[str, Any], chromosomes: str) -> Iterator[Row]:
    splits = made.get("splits", {})
    counted = list(splits.values()) if chromosomes == ALL else [splits[s] for s in splits if s == chromosomes]
    if counted:
        wanted = sum(one["wanted"] for one in counted)
        yield _row("negatives_wanted", "0", wanted)
        yield _row("negatives_missing", "0", wanted - sum(one["made"] for one in counted))


def _row(measure: str, label: str, value: float, low: int | str = NOTHING, high: int | str = NOTHING) -> Row:
    return {"measure": measure, "label": label, "low": low, "high": high, "value": value}
