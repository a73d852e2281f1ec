"""Tables of predicted enhancer-gene pairs: ABC and ENCODE-rE2G.

Elements are 0-based half-open. ``TargetGeneTSS`` is the start of the gene's BED interval on the strand ``+``
and its end on ``-``, as ABC writes it; the tables give no strand, so the promoter is the base
``[TargetGeneTSS, TargetGeneTSS + 1)``, on ``-`` one base beside the first of the transcript.
"""

from __future__ import annotations

import re
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from cbat.data.importers.common import (
    FirstRow,
    PairFormat,
    PairSource,
    assemble,
    key_of,
    score_column_of,
)
from cbat.data.text_files import first_row
from cbat.data.text_tables import read_headed
from cbat.errors import UserError

_ENDING: Final = r"(?:[._ ](?!numerator|feature)\w+)*"
RE2G_SCORE: Final = rf"(?:[\w-]*e2g[\w-]*[._ ])?score{_ENDING}"
"""Names of the score in any case: of the ENCODE portal (``Score``), the pipeline (``ENCODE-rE2G.Score``) and
its version for single cells (``E2G.Score.qnorm``)."""
ABC_SCORE: Final = rf"abc[._ ]score{_ENDING}"
_COLUMNS: Final = ("chr", "start", "end", "TargetGeneTSS")
_TSS: Final = r"^[0-9]{1,15}(\.0+)?$"


def read_encode_re2g(source: PairSource) -> pd.DataFrame:
    """Predictions of ENCODE-rE2G, from the ENCODE portal or from its pipeline.

    Pairs that score ``score_threshold`` or more have the label 1, the others 0. Where the table has several
    scores, raw and normalised, ``score_column`` names the one that the threshold is for.
    Gschwind et al. 2023, https://doi.org/10.1101/2023.11.09.563812.
    """
    return _read(source, RE2G_SCORE, "Score, ENCODE-rE2G.Score or E2G.Score")


def read_abc(source: PairSource) -> pd.DataFrame:
    """Predictions of the activity-by-contact model.

    Pairs whose ``ABC.Score`` is ``score_threshold`` or more have the label 1, the others 0.
    Fulco et al. 2019, https://doi.org/10.1038/s41588-019-0538-0.
    """
    return _read(source, ABC_SCORE, "ABC.Score")


def _read(source: PairSource, pattern: str, called: str) -> pd.DataFrame:
    first = FirstRow.of(source.path)
    # Without the other columns the score need not be looked for: reading tells what is missing.
    score = score_column_of(source, first.tabs, pattern) if first.names(_COLUMNS) else _COLUMNS[0]
    if score is None:
        number, _ = first_row(source.path)
        raise UserError(
            "the header has no column of scores",
            mend=f"call it {called} in the first line, or name it in {key_of('score_column')}",
            file=source.path,
            where=f"line {number}",
        )
    table = read_headed(
        source.path, delimiter="\t", required=dict.fromkeys((*_COLUMNS, score)), comments=True
    )
    chrom = table.names("chr")
    tss = _whole_numbers(table.matching("TargetGeneTSS", _TSS, "write a whole number, 0 or greater"))
    threshold = -np.inf if source.score_threshold is None else source.score_threshold
    label = (table.numbers(score) >= threshold).astype(np.int8)
    enhancer = chrom, table.integers("start"), table.integers("end")
    return assemble(source, table, enhancer, (chrom, tss, tss + 1), label)


def _whole_numbers(values: object) -> NDArray[np.int64]:
    # Programs that allow for missing values write whole numbers with a point.
    whole = pc.replace_substring_regex(values, r"\.0+$", "")
    return np.asarray(pc.cast(whole, pa.int64()).to_numpy())


def _looks_like(row: FirstRow, pattern: str) -> bool:
    return row.names(_COLUMNS) and any(re.fullmatch(pattern, name, re.IGNORECASE) for name in row.tabs)


# A table of ENCODE-rE2G may hold the ABC score among its features, so it is looked for first.
ENCODE_RE2G: Final = PairFormat(
    read_encode_re2g,
    lambda row: _looks_like(row, RE2G_SCORE),
    f"a header, separated by tabs, with {', '.join(_COLUMNS)} and Score, ENCODE-rE2G.Score or E2G.Score",
    tuple(_COLUMNS),
)
ABC: Final = PairFormat(
    read_abc,
    lambda row: _looks_like(row, ABC_SCORE) and not _looks_like(row, RE2G_SCORE),
    f"a header, separated by tabs, with {', '.join(_COLUMNS)} and ABC.Score",
    tuple(_COLUMNS),
)
