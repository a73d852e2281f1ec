"""Which promoters are predicted: those of genes that are expressed, or that an active promoter lies at.

The choice is of what is scored and listed, and of nothing else. All candidates are read, all transcription
starts stay in the landscape, and its features are standardised over all candidate pairs, so that a pair that
stays has the score that it has without a choice.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.predictions import PredictionSettings
from cbat.data.contig_checks import MANY
from cbat.data.elements import Mentions
from cbat.data.expression_tables import Expressed, read_expressed
from cbat.errors import UserError
from cbat.landscape.features import START_RADIUS
from cbat.landscape.sites import Sites
from cbat.landscape.tracks import PROMOTERS
from cbat.prediction.candidates import NO_NAME, Candidates, names_of
from cbat.prediction.cautions import Caution
from cbat.prediction.near_pairs import centres

log = logging.getLogger(__name__)
LEAST_SHARED: Final = 0.05
"""Where fewer promoters are in a table, and fewer of its genes have a promoter, names are of two kinds."""
_VERSION: Final = re.compile(r"\.\d+$")
Flags = npt.NDArray[np.bool_]


def check_choice(
    settings: PredictionSettings, expressed: Path | None, tracks: Mapping[str, Path], *, reads_tracks: bool
) -> None:
    """Make sure that what a choice of promoters is made by is given.

    Parameters
    ----------
    settings : PredictionSettings
    expressed : Path, optional
        Table of expression.
    tracks : mapping
        Kind -> peaks of the line.
    reads_tracks : bool
        Whether the model does.

    Raises
    ------
    UserError
    """
    if settings.expression_column is not None and expressed is None:
        raise UserError(
            f"the column {settings.expression_column!r} of a table of expression is given, but no table "
            "is given",
            mend="give the table with --expressed (in a configuration expressed), or leave the column out",
        )
    if not settings.active_promoters_only or PROMOTERS in tracks:
        return
    leave_out = "leave --active-promoters-only (in a configuration active_promoters_only) out"
    mend = f"give them as --tracks {PROMOTERS}=FILE (in a configuration tracks.{PROMOTERS}), or {leave_out}"
    why = "no peaks of active promoters (H3K4me3) are given" if reads_tracks else "the model reads no peaks"
    raise UserError(
        f"only active promoters are requested, but {why}",
        mend=mend if reads_tracks else f"{leave_out}, or choose by --expressed",
    )


@dataclass(frozen=True, eq=False)
class Choice:
    """Which of a line's promoters are predicted.

    Attributes
    ----------
    path : Path or None
        Table of expression.
    expressed : Expressed or None
        What it says.
    names : mapping
        Promoter -> the names of its genes, of those that have any.
    settings : PredictionSettings
    """

    path: Path | None
    expressed: Expressed | None
    names: Mapping[str, Sequence[str]]
    settings: PredictionSettings

    @classmethod
    def read(
        cls, path: Path | None, candidates: Candidates, mentions: Sequence[Mentions],
        settings: PredictionSettings,
    ) -> Choice:  # fmt: skip
        """Read a table of expression, which must speak of the promoters.

        Parameters
        ----------
        path : Path or None
            None chooses nothing by expression.
        candidates : Candidates
        mentions : sequence of Mentions
            The intervals that they were made of.
        settings : PredictionSettings
            From which value on a gene is expressed, and in which column.

        Raises
        ------
        UserError
            A malformed table; promoters without names; a table with names of another kind.
        """
        if path is None:
            return cls(None, None, {}, settings)
        table = candidates.tables["promoter"]
        intervals = pd.concat([one.intervals for one in mentions if one.role == "promoter"])
        length = int((table["end"] - table["start"]).iloc[0])
        here = set(table["element_id"])
        names = {
            promoter: [name for one in given for name in one.split(",")]
            for promoter, given in names_of(intervals, length).items()
            if promoter in here
        }
        if not names:
            raise UserError(
                "only expressed genes are requested, but no promoter has the name of a gene",
                mend="give an annotation of genes with --genes, or promoters with names in column 4",
                file=next(one.path for one in mentions if one.role == "promoter"),
            )
        every = {name for own in names.values() for name in own}
        found = read_expressed(
            path, every, least=settings.least_expression, column=settings.expression_column
        )
        _check_shared(path, found, names, every)
        return cls(path, found, names, settings)

    def of(self, candidates: Candidates, tracks: pd.DataFrame | None) -> Candidates:
        """The candidates whose pairs are predicted, with counts of the others by reason in their report.

        A promoter of several genes keeps the names of those that are expressed. Promoters without a name
        cannot be judged by expression, and stay.

        Parameters
        ----------
        candidates : Candidates
        tracks : DataFrame or None
            The line's own tracks, for active promoters.

        Raises
        ------
        UserError
            No promoter is left on the predicted chromosomes.
        """
        if self.expressed is None and not self.settings.active_promoters_only:
            return candidates
        table = candidates.tables["promoter"]
        kept, counts = np.ones(len(table), dtype=bool), dict[str, int]()
        if self.expressed is not None:
            table, kept, counts = self._by_expression(table, self.expressed)
        if self.settings.active_promoters_only:
            active = _active(table, tracks)
            counts["left_out_without_active_promoter"] = int((kept & ~active).sum())
            kept &= active
        counts["predicted"] = int(kept.sum())
        log.info(
            "%d of %d promoters are predicted (%s)", counts["predicted"], len(table),
            ", ".join(f"{n} {key.replace('_', ' ')}" for key, n in counts.items() if key != "predicted"),
        )  # fmt: skip
        left = table[kept].reset_index(drop=True)
        asked = self.settings.chromosomes or candidates.tables["enhancer"]["chrom"].unique().tolist()
        if not left["chrom"].isin(asked).any():
            raise self._nothing_left(counts, len(table))
        report = {**candidates.report, "promoter": {**candidates.report["promoter"], **counts}}
        if self.expressed is not None:
            report["expression"] = self._described(self.expressed)
        cautions = candidates.cautions + _of_unmatched_genes(self.path, counts, len(table))
        tables = {**candidates.tables, "promoter": left}
        return replace(candidates, tables=tables, report=report, cautions=cautions)

    def _by_expression(
        self, table: pd.DataFrame, expressed: Expressed
    ) -> tuple[pd.DataFrame, Flags, dict[str, int]]:
        """Promoters under the names of expressed genes, which of them stay, and counts."""
        own = [self.names.get(promoter, ()) for promoter in table["element_id"]]
        fit = [[name for name in names if name in expressed.genes] for names in own]
        named = np.array([bool(names) for names in own])
        kept = ~named | np.array([bool(names) for names in fit])
        known = np.array([any(name in expressed.known for name in names) for names in own])
        names = [",".join(one) or given for one, given in zip(fit, table["name"], strict=True)]
        counts = {
            "left_out_not_in_the_table_of_expression": int((~kept & ~known).sum()),
            "left_out_not_expressed": int((~kept & known).sum()),
            "kept_without_a_name": int((~named).sum()),
        }
        return table.assign(name=names), kept, counts

    def _described(self, expressed: Expressed) -> dict[str, Any]:
        return {
            "file": str(self.path),
            "names": expressed.names,
            "measure": expressed.measure,
            "least_expression": None if expressed.measure is None else self.settings.least_expression,
            "genes": len(expressed.known),
            "expressed": len(expressed.genes),
        }

    def _nothing_left(self, counts: Mapping[str, int], n: int) -> UserError:
        told = ", ".join(f"{k} {key.replace('_', ' ')}" for key, k in counts.items() if k and "left" in key)
        return UserError(
            f"no promoter is left to predict of {n} ({told or 'none is on the chromosomes'})",
            mend="see that the file is of this cell line, lower --least-expression (in a configuration "
            "least_expression), or name other chromosomes",
            file=self.path,
        )


def _of_unmatched_genes(path: Path | None, counts: Mapping[str, int], n: int) -> tuple[Caution, ...]:
    """Genes that a table of expression does not name are not known to be silent."""
    absent = counts.get("left_out_not_in_the_table_of_expression", 0)
    if absent <= MANY * n:
        return ()
    return (
        Caution(
            "unmatched_genes",
            f"{absent:,} of {n:,} promoters are of genes that {path} does not name, and are not "
            "predicted: is it of the same annotation?",
        ),
    )


def _active(table: pd.DataFrame, tracks: pd.DataFrame | None) -> Flags:
    """Which promoters a peak of active promoters lies at, as in the features of the landscape."""
    found = np.zeros(len(table), dtype=bool)
    if tracks is None:
        return found
    peaks = tracks[tracks["kind"] == PROMOTERS]
    chrom, centre = table["chrom"].to_numpy(dtype=object), centres(table)
    for name, own in peaks.groupby("chrom"):
        here = np.flatnonzero(chrom == name)
        sites = Sites.of(own["start"], own["end"], own["centre"], own["activity"])
        first, last = sites.overlapping(centre[here], START_RADIUS)
        found[here] = last > first
    return found


def _check_shared(
    path: Path, expressed: Expressed, names: Mapping[str, Sequence[str]], every: set[str]
) -> None:
    """Refuse a table whose names are of another kind than those of the promoters."""
    n = sum(any(name in expressed.known for name in own) for own in names.values())
    both = len(every & expressed.known)
    if n >= LEAST_SHARED * len(names) or both >= LEAST_SHARED * len(expressed.known):
        return
    plain = {_VERSION.sub("", name) for name in every} & {_VERSION.sub("", name) for name in expressed.known}
    hint = ""
    if len(plain) >= LEAST_SHARED * min(len(every), len(expressed.known)):
        hint = "; they differ by the version at the end of the names ('.1'): take it off"
    raise UserError(
        f"{n} of {len(names)} promoters are of a gene in the table: it names genes like "
        f"{min(expressed.known, default=NO_NAME)!r} ({expressed.names}), and promoters have names like "
        f"{min(every)!r}{hint}",
        mend="give names of one kind: a table with those of the promoters, or genes (--genes) with those "
        "of the table",
        file=path,
    )
