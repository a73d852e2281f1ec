r"""Signals of a cell line at its candidate enhancers, made comparable between lines by their rank.

.. math:: r = -\ln(1 - p + 0.001), \qquad p = \frac{\mathrm{rank} - 1/2}{n}

with rank 1 for the weakest of the line's :math:`n` candidate enhancers; equal ones share their mean rank. So
:math:`r` is near 0 for a weak candidate and 6.9 for the strongest of many, whatever the assay, its depth and
its unit. Accessibility and the mark together are their geometric mean, which is ranked in its turn; where a
line has one of them alone, that one stands for both.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.sections import LandscapeSettings
from cbat.config.sheets import ELEMENT_SIGNALS, CellLine, find_cell_line
from cbat.data.contig_checks import elsewhere, rows_of
from cbat.data.contigs import LEFT_OUT_BY_NAME, ContigNames, read_contig_names
from cbat.data.left_out import tell_left_out
from cbat.data.stored import read_table, write_table
from cbat.data.windows import centre
from cbat.errors import UserError
from cbat.files import sha256_of, write_json
from cbat.landscape.peak_files import AUTO
from cbat.landscape.signal_files import BigWig, Intervals, SignalFile, open_signal
from cbat.landscape.signal_table import no_signals
from cbat.landscape.sites import FloatArray

ACCESSIBILITY: Final = "accessibility"
MARK: Final = "enhancer_mark"
LEAST_TAIL: Final = 0.001
OFTEN: Final = 0.5
"""Share of candidates without a signal from which on the log says so."""
_logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class LineSignals:
    """The signals of a line, ranked among its candidate enhancers.

    Attributes
    ----------
    cell_line : str
    files : mapping
        Name of the signal -> its file; without any the line has no signals.
    sorted : mapping
        ``accessibility`` and ``both`` (those of them that the line has) -> the values of its candidates in
        rising order.
    report : dict
        What was read of which file.
    """

    cell_line: str
    files: Mapping[str, SignalFile]
    sorted: Mapping[str, FloatArray]
    report: dict[str, Any]

    @classmethod
    def read(
        cls,
        cell_line: str,
        paths: Mapping[str, Path],
        columns: Mapping[str, str],
        candidates: pd.DataFrame,
        contigs: ContigNames | None = None,
    ) -> LineSignals:
        """Open the files, and rank the candidates.

        Parameters
        ----------
        cell_line : str
        paths : mapping
            Name of the signal (:data:`~cbat.config.sheets.ELEMENT_SIGNALS`) -> file.
        columns : mapping
            Name of the signal -> where the numbers of intervals stand, as ``landscape.signals``.
        candidates : DataFrame
            ``chrom``, ``start``, ``end`` of the windows of the candidate enhancers, each once.
        contigs : ContigNames, optional

        Raises
        ------
        UserError
            See :func:`~cbat.landscape.signal_files.open_signal`; both signals are one; other chromosomes than
            those of the candidates; a signal that is negative, that is nowhere at the candidates, or the same
            at all of them.
        """
        files, values, report = {}, {}, {}
        for name, path in paths.items():
            opened = open_signal(path, name, columns.get(name, AUTO), cell_line, contigs)
            opened.check_contigs(candidates, f"the candidate enhancers of {cell_line}", contigs)
            files[name], values[name] = opened, opened.at(candidates)
            unmatched = elsewhere(rows_of(candidates["chrom"]), opened.chromosomes, "the file", "candidates")
            report[name] = _described(name, opened, values[name], cell_line)
            report[name]["unmatched"] = [] if unmatched is None else [f"{unmatched}: they count as 0"]
        _check_two(cell_line, report)
        found = {name: np.sort(numbers) for name, numbers in _ranked(values).items()}
        return cls(cell_line, files, found, report)

    def table(self, places: pd.DataFrame) -> pd.DataFrame:
        """Signals and ranks of elements, candidates or not; :data:`SIGNAL_COLUMNS`.

        Parameters
        ----------
        places : DataFrame
            ``chrom``, ``start``, ``end``. Elements with one centre are one.
        """
        if not self.files:
            return no_signals()
        middle = centre(places["start"], places["end"])
        values = {name: file.at(places) for name, file in self.files.items()}
        missing = np.full(len(places), np.nan)
        ranks = {
            name: rank_signal(percentiles(self.sorted[name], numbers))
            for name, numbers in _ranked(values).items()
        }
        table = pd.DataFrame(
            {
                "chrom": places["chrom"].to_numpy(),
                "centre": middle,
                **{name: values.get(name, missing) for name in ELEMENT_SIGNALS},
                "r_accessibility": ranks.get(ACCESSIBILITY, np.zeros(len(places))),
                "r_both": ranks["both"],
            }
        )
        return table.drop_duplicates(["chrom", "centre"]).sort_values(["chrom", "centre"], ignore_index=True)


def run(
    *,
    sheet: Path,
    cell_line: str,
    settings: LandscapeSettings,
    elements_directory: Path,
    output: Path,
    contig_names: Path | None = None,
) -> None:
    """Write the signals of a line at all enhancers of its cohort, ranked among its own candidates.

    Parameters
    ----------
    sheet : Path
        Sheet of cell lines.
    cell_line : str
    settings : LandscapeSettings
        Where the numbers of intervals stand.
    elements_directory : Path
        Elements of its cohort.
    output : Path
        Parquet, :data:`SIGNAL_COLUMNS`: ``chrom``, ``centre`` (int64, bp, 0-based), ``accessibility`` and
        ``enhancer_mark`` (float64, as in the files; NaN for one that the line lacks), ``r_accessibility`` (0
        for a line without accessibility) and ``r_both``. Beside it goes a report (``.json``).
    contig_names : Path, optional
        Table of what the files call a contig and what the genome does.

    Raises
    ------
    UserError
        See :meth:`LineSignals.read`.
    """
    row = find_cell_line(sheet, cell_line)
    signals, enhancers = signals_of(row, settings, elements_directory, read_contig_names(contig_names))
    tell_signals(signals.report)
    write_table(output, signals.table(enhancers))
    write_json(output.with_suffix(".json"), {"cell_line": cell_line, "signals": signals.report})


def signals_of(
    row: CellLine, settings: LandscapeSettings, elements_directory: Path, contigs: ContigNames
) -> tuple[LineSignals, pd.DataFrame]:
    """Signals of a row of the sheet, and all enhancers of its cohort; see :func:`run`."""
    mend = "run collect_elements again"
    enhancers = read_table(elements_directory / "enhancer.parquet", ["chrom", "start", "end"], mend=mend)
    of_lines = read_table(
        elements_directory / "candidates.parquet", ["cell_line", "role", "element"], mend=mend
    )
    mine = of_lines[(of_lines["cell_line"] == row.cell_line) & (of_lines["role"] == "enhancer")]
    candidates = enhancers.iloc[mine["element"].to_numpy()]
    return LineSignals.read(row.cell_line, row.signals, settings.signals, candidates, contigs), enhancers


def reasons_of(report: Mapping[str, Any]) -> dict[str, int]:
    """Why -> how many intervals of a file of signals were left out, rows of other cell lines aside."""
    keys = (LEFT_OUT_BY_NAME, "without_a_number")
    return {key: report[key] for key in keys if report.get(key)}


def tell_signals(report: Mapping[str, Mapping[str, Any]]) -> None:
    """Log what was left out of files of signals, and candidates on contigs that a file lacks.

    Parameters
    ----------
    report : mapping
        :attr:`LineSignals.report`.
    """
    for one in report.values():
        for warning in one["unmatched"]:
            _logger.warning("%s: %s", one["file"], warning)
        reasons = reasons_of(one)
        tell_left_out(Path(one["file"]), one.get("intervals", 0) + sum(reasons.values()), reasons)


def check_apart(reports: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> None:
    """Make sure that no two lines have one signal.

    Parameters
    ----------
    reports : mapping
        Cell line -> what :attr:`LineSignals.report` says of it.

    Raises
    ------
    UserError
        Two lines name the same file, which does not say of which line its rows are.
    """
    first: dict[str, tuple[str, str]] = {}
    for line, report in reports.items():
        for name, one in report.items():
            if "of_other_cell_types" in one:
                continue
            other, theirs = first.setdefault(one["sha256"], (line, name))
            if other != line:
                raise UserError(
                    f"the {name} of {line!r} is the {theirs} of {other!r}: the files have the same content",
                    mend="name the line's own file, or write '.' for a signal that it lacks",
                    file=one["file"],
                )


def percentiles(candidates: FloatArray, values: FloatArray) -> FloatArray:
    """Share of the candidates that are weaker than each value, equal ones half; shape=(n,).

    For a candidate itself that is (rank - 1/2) / n.

    Parameters
    ----------
    candidates : array, shape=(n_candidates,)
        In rising order.
    values : array, shape=(n,)
    """
    weaker = np.searchsorted(candidates, values, side="left")
    as_strong = np.searchsorted(candidates, values, side="right") - weaker
    return np.asarray((weaker + as_strong / 2.0) / max(len(candidates), 1))


def rank_signal(percentile: FloatArray) -> FloatArray:
    """:math:`r` of percentiles, from 0 on; shape=(n,)."""
    return np.asarray(np.maximum(-np.log(1.0 - percentile + LEAST_TAIL), 0.0))


def _ranked(values: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """What is ranked: accessibility, and both signals together."""
    if not values:
        return {}
    given = list(values.values())
    both = np.sqrt(given[0] * given[1]) if len(given) == 2 else given[0]
    return {name: values[name] for name in (ACCESSIBILITY,) if name in values} | {"both": both}


def _described(name: str, file: SignalFile, values: FloatArray, cell_line: str) -> dict[str, Any]:
    """What was read of a signal at the candidates of its line, once that is something to rank."""
    key = f"landscape.signals.{name}"
    if not np.isfinite(values).all() or (values < 0.0).any():
        worst = float(values[~np.isfinite(values) | (values < 0.0)][0])
        raise UserError(
            f"the {name} of {cell_line} is {worst:g} at a candidate enhancer, and a signal is not negative",
            mend="name a signal, the greater the stronger (fold change over control or -log10 of a p-value, "
            "no log ratio)",
            file=file.path,
        )
    without = int((values == 0.0).sum())
    if without == len(values):
        nowhere = "is 0 at every" if isinstance(file, BigWig) else "has no number above 0 at any"
        raise UserError(
            f"the {name} of {cell_line} {nowhere} of its {len(values)} candidate enhancers",
            mend="name a file of the same cell line and assembly, or write '.' for a signal that the line "
            "lacks",
            file=file.path,
        )
    if (values == values[0]).all():
        raise UserError(
            f"the {name} of {cell_line} is {values[0]:g} at all of its {len(values)} candidate enhancers, so "
            "that there is nothing to rank",
            mend=f"name the column of a signal in {key}, or write '.' for a signal that the line lacks"
            if isinstance(file, Intervals)
            else "name another file, or write '.' for a signal that the line lacks",
            file=file.path,
        )
    if without > OFTEN * len(values):
        _logger.warning(
            "%s: %d of %d candidate enhancers of %s have no %s",
            file.path, without, len(values), cell_line, name,
        )  # fmt: skip
    return {
        "file": str(file.path),
        "sha256": sha256_of(file.path),
        **file.report,
        "candidates": len(values),
        "candidates_without": without,
    }


def _check_two(cell_line: str, report: Mapping[str, Mapping[str, Any]]) -> None:
    """The same numbers under two names would count as two assays."""
    told = [(one["sha256"], one["signal"]) for one in report.values()]
    if len(told) == 2 and told[0] == told[1]:
        raise UserError(
            f"{' and '.join(report)} of the cell line {cell_line!r} are the same numbers "
            f"({told[0][1]} of one file)",
            mend="name the file or the column of each assay, or write '.' for the one that the line lacks",
            file=report[MARK]["file"],
        )
