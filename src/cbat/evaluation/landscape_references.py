"""References that are read from the landscape of a cell line: transcription starts, and ABC scores."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.stored import read_table
from cbat.errors import UserError

FloatArray = npt.NDArray[np.float64]

ABC: Final = "abc"
"""The activity-by-contact score of the field, from the signals of peaks."""
ENHANCER_SHARE: Final = "enhancer_share"
"""Share of the promoter in the contacts that a power law gives its enhancer with all transcription starts."""
ABC_SHARE: Final = "abc_share"
"""The same idea with ranked activities: the feature of the landscape alone, as a score."""
_KEY: Final = ["enhancer_id", "promoter_id"]
_MEND: Final = "run read_landscape again"


def static_features(folder: Path, pairs: pd.DataFrame) -> FloatArray:
    """What transcription starts say of the space between and around the ends of each pair.

    Parameters
    ----------
    folder : Path
        Landscape of the cell line.
    pairs : DataFrame
        Its labelled pairs, all of them and in the order of their file.

    Returns
    -------
    array, shape=(n_pairs, n_features)

    Raises
    ------
    UserError
        The landscape is missing, damaged, or that of other pairs.
    """
    path = Path(folder) / "static.parquet"
    table = _of_the_pairs(read_table(path, None, mend=_MEND), pairs, path)
    features = table.drop(columns=_KEY).select_dtypes("number")
    return np.ascontiguousarray(features.to_numpy(dtype=float))


def abc_share(folder: Path, pairs: pd.DataFrame) -> FloatArray:
    """The ABC share of each pair, from the line's own tracks, in (0, 1]; see :func:`static_features`."""
    path = Path(folder) / "own.parquet"
    table = _of_the_pairs(read_table(path, [*_KEY, ABC_SHARE], mend=_MEND), pairs, path)
    share: FloatArray = np.exp(table[ABC_SHARE].to_numpy(dtype=float))
    return share


def published_scores(folder: Path, pairs: pd.DataFrame) -> dict[str, FloatArray]:
    """:data:`ABC` and :data:`ENHANCER_SHARE` of :mod:`cbat.landscape.abc`; see :func:`static_features`."""
    path = Path(folder) / "abc.parquet"
    table = _of_the_pairs(read_table(path, [*_KEY, ABC, ENHANCER_SHARE], mend=_MEND), pairs, path)
    return {name: np.asarray(table[name].to_numpy(dtype=float)) for name in (ABC, ENHANCER_SHARE)}


def _of_the_pairs(table: pd.DataFrame, pairs: pd.DataFrame, path: Path) -> pd.DataFrame:
    same = len(table) == len(pairs) and (table[_KEY].to_numpy() == pairs[_KEY].to_numpy()).all()
    if not same:
        raise UserError(
            f"the landscape is that of other pairs: {len(table)} against {len(pairs)} labelled ones",
            mend=_MEND,
            file=path,
        )
    return table
