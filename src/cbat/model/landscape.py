"""What a law of the landscape gives to a model with sequence: offsets of the energies of pairs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.errors import UserError
from cbat.landscape.apply import LineLandscape, offsets
from cbat.landscape.law import Law
from cbat.model.bundle import Pairs, reads_landscape

LANDSCAPE_OF: Final[Mapping[str, str]] = {
    "own": "own", "wrong": "wrong", "sibling": "sibling",
    "graph": "graph", "mean": "graph", "shuffled": "graph",
}  # fmt: skip
"""Context of an evaluation -> the landscape that is fed in it; in others an average one."""
_KEYS: Final = ["enhancer_id", "promoter_id"]


def with_landscape(
    law: Law,
    line: LineLandscape,
    source: str,
    table: pd.DataFrame,
    pairs: Pairs,
    folder: Path,
    kind: str | None = None,
) -> Pairs:
    """Pairs with the law of distance and, of a law that reads a landscape, the resistance of theirs.

    Parameters
    ----------
    law : Law
    line : LineLandscape
        Of the cell line.
    source : str
        Whose landscape: ``own``, ``graph``, ``wrong``, ``sibling`` or ``none``; ``graph`` stands in for a
        line that is not there.
    table : DataFrame
        ``enhancer_id`` and ``promoter_id`` of the pairs.
    pairs : Pairs
        The same pairs.
    folder : Path
        Where the landscape has been read, for messages.
    kind : str, optional
        The one kind of track that is of that landscape, while all others are the line's own; all by default.

    Raises
    ------
    UserError
        The landscape lacks some of the pairs.
    """
    given = offsets(law, line, source, kind)
    found = table[_KEYS].merge(given, on=_KEYS, how="left", validate="many_to_one")
    missing = found["resistance"].isna().to_numpy()
    if missing.any():
        one = found.iloc[int(missing.argmax())]
        raise UserError(
            f"the landscape lacks {missing.sum()} of {len(table)} pairs, the first {one['enhancer_id']} with "
            f"{one['promoter_id']}: pairs and landscape come from different runs",
            mend="run read_landscape again",
            file=folder,
        )
    offset, landscape = (found[name].to_numpy(dtype=float) for name in ("potential", "resistance"))
    if reads_landscape(law):
        return replace(pairs, potential_offset=offset, landscape_resistance=landscape)
    # The constant that a law of distance alone has in both energies is that of no landscape.
    return replace(pairs, potential_offset=offset - landscape)
