"""From pair tables to labelled pairs of elements, each pair once; negatives are given or made."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pandas as pd

from cbat.config.sections import LabelSettings
from cbat.config.sheets import CellLine, find_cell_line
from cbat.data.balance import write_balance
from cbat.data.contigs import ContigNames, read_contig_names
from cbat.data.importers.common import LEFT_OUT, SWAPPED
from cbat.data.left_out import tell_left_out
from cbat.data.negatives import GIVEN, MADE_BY, make_negatives
from cbat.data.pair_tables import check_kind, pairs_of, undecided_pairs
from cbat.data.stored import read_table, write_table
from cbat.data.windows import ROLES, Positions, centre, element_ids, window_start
from cbat.errors import UserError
from cbat.files import write_json
from cbat.sentences import in_words

COLUMNS: Final = [
    "enhancer", "promoter", "enhancer_id", "promoter_id", "label", "distance", "upstream", "chrom", "split",
]  # fmt: skip
_MEND_DUPLICATES: Final = "delete one of them, or set labels.duplicate_pairs to 'drop' to keep the first"
_MEND_CONFLICTS: Final = (
    "delete the wrong one, or set labels.conflicting_pairs to 'drop' to leave the pair out"
)
_logger = logging.getLogger(__name__)


class OneLabelError(UserError):
    """Pairs of one label alone are left."""


def run(
    *,
    sheet: Path,
    cell_line: str,
    elements_directory: Path,
    labels: LabelSettings,
    output: Path,
    contig_names: Path | None = None,
) -> None:
    """Write the labelled pairs of one cell line.

    Beside them go what was left out and why (``.json``), and how contacts and negatives differ before any
    model (``.balance.tsv``).

    Parameters
    ----------
    sheet : Path
        Sheet of cell lines.
    cell_line : str
        A row of it.
    elements_directory : Path
        Elements of the line's cohort.
    labels : LabelSettings
        Bounds of the distance, what to do with repeated pairs, and which pairs stand for no contact.
    output : Path
        ``<cell_line>.parquet``: ``enhancer`` and ``promoter`` (rows of the element tables),
        ``enhancer_id``, ``promoter_id``, ``label`` (0, 1), ``distance`` (between the centres of the
        intervals as given, bp), ``upstream`` (+1 where the enhancer lies left of the promoter, else -1),
        ``chrom``, ``split``; sorted by enhancer and promoter. Where negatives are made, ``made_by`` says
        of each pair what made it.
    contig_names : Path, optional
        Table of contig names, as for `collect_elements`.

    Raises
    ------
    UserError
        A malformed table; a pair listed twice or with both labels, unless the settings drop such pairs;
        elements that do not belong to the table; no pairs of both classes left, or none to make.
    """
    row = find_cell_line(sheet, cell_line)
    tables = {
        role: read_table(
            elements_directory / f"{role}.parquet",
            ["element_id", "chrom", "start", "end", "split"],
            mend="run collect_elements again",
        )
        for role in ROLES
    }
    left_out = read_table(
        elements_directory / "without_sequence.parquet",
        ["role", "element_id"],
        mend="run collect_elements again",
    )
    candidates = None if labels.negatives == GIVEN else _candidates(elements_directory, cell_line)
    pairs, report = label_pairs(row, tables, labels, read_contig_names(contig_names), left_out, candidates)
    write_table(output, pairs)
    write_json(output.with_suffix(".json"), report)
    compared = pairs[["enhancer", "promoter", "label", "distance", "split"]]
    write_balance(output.with_suffix(".balance.tsv"), cell_line, compared, report.get("negatives", {}))
    tell_left_out(row.pairs_file, report["rows"], report["left_out"])
    _logger.info("%s: %s", cell_line, in_words(report))


def label_pairs(
    row: CellLine,
    tables: Mapping[str, pd.DataFrame],
    settings: LabelSettings,
    contigs: ContigNames | None = None,
    without_sequence: pd.DataFrame | None = None,
    candidates: Mapping[str, Positions] | None = None,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Labelled pairs of a cell line and the counts of what was left out; see :func:`run`.

    ``without_sequence`` (``role``, ``element_id``) are the elements that were left out for unknown bases,
    ``candidates`` (role -> rows of the element tables) those that negatives are made of besides the elements
    of contacts.
    """
    check_kind(row.pairs_file, row.pairs_format, settings.kind)
    raw, undecided, report = _raw_pairs(row, contigs or ContigNames())

    def keep(pairs: pd.DataFrame, mask: Any, reason: str) -> pd.DataFrame:
        report["left_out"][reason] = int((~np.asarray(mask, dtype=bool)).sum())
        return pairs[np.asarray(mask, dtype=bool)]

    pairs = keep(raw, raw["enhancer_chrom"] == raw["promoter_chrom"], "on_two_chromosomes")
    if without_sequence is not None and len(without_sequence):
        pairs = keep(pairs, _has_sequence(pairs, tables, without_sequence), "without_sequence")
    split_of = {
        chrom: split
        for table in tables.values()
        for chrom, split in table[["chrom", "split"]].drop_duplicates().itertuples(index=False)
    }
    pairs = keep(pairs, pairs["enhancer_chrom"].isin(list(split_of)), "on_chromosomes_of_no_split")
    pairs = _with_elements(pairs, tables, row)
    pairs = keep(pairs, pairs["distance"] >= settings.min_distance, "nearer_than_min_distance")
    pairs = keep(pairs, pairs["distance"] <= settings.max_distance, "farther_than_max_distance")
    conflicting, repeated = _repeats(pairs)
    _refuse(pairs, conflicting, settings.conflicting_pairs, row, "with both labels", _MEND_CONFLICTS)
    pairs = keep(pairs, ~conflicting, "with_both_labels")
    repeated = repeated[~conflicting]
    _refuse(pairs, repeated, settings.duplicate_pairs, row, "twice", _MEND_DUPLICATES)
    pairs = keep(pairs, ~repeated, "listed_again")
    pairs = pairs.assign(chrom=pairs["enhancer_chrom"], split=pairs["enhancer_chrom"].map(split_of))
    columns = COLUMNS
    if settings.negatives != GIVEN:
        pairs = keep(pairs, pairs["label"] == 1, "negatives_of_the_table")
        own = candidates or {role: np.zeros(0, dtype=np.int64) for role in ROLES}
        made, report["negatives"] = make_negatives(
            pairs, _contacts(raw if undecided is None else undecided), tables, own, settings
        )
        columns = [*COLUMNS, MADE_BY]
        pairs = pd.concat([pairs.assign(**{MADE_BY: GIVEN})[columns], made[columns]], ignore_index=True)
    if pairs["label"].nunique() < 2:
        raise _not_both(row, raw, settings, report)
    report["pairs"] = len(pairs)
    report["positives"] = int(pairs["label"].sum())
    report["pairs_of_split"] = {str(split): int(n) for split, n in pairs["split"].value_counts().items()}
    pairs = pairs[columns].astype({"label": "int8", "distance": "int32", "upstream": "int8"})
    return pairs.sort_values(["enhancer", "promoter"], ignore_index=True), report


def _raw_pairs(
    row: CellLine, contigs: ContigNames
) -> tuple[pd.DataFrame, pd.DataFrame | None, dict[str, Any]]:
    """The pairs of a file, those together with what is too weak to be one, and how many rows there were."""
    raw = pairs_of(row, contigs.with_all_rows())
    undecided = undecided_pairs(row, contigs.with_all_rows())
    of_format = dict(raw.attrs.get(LEFT_OUT, {}))
    n_rows = sum(of_format.values()) + len(raw if undecided is None else undecided)
    report: dict[str, Any] = {"rows": n_rows, "left_out": of_format}
    if raw.attrs.get(SWAPPED):
        report[SWAPPED] = raw.attrs[SWAPPED]
    if undecided is not None:
        report["left_out"]["below_score_threshold"] = len(undecided) - len(raw)
    if contigs.left_out:
        out = raw[["enhancer_chrom", "promoter_chrom"]].isin(contigs.left_out).any(axis=1)
        report["left_out"]["on_contigs_left_out_by_name"] = int(out.sum())
        raw = raw[~out]
    return raw, undecided, report


def _candidates(elements_directory: Path, cell_line: str) -> dict[str, Positions]:
    """Rows of the elements that are candidates in a cell line, by role."""
    table = read_table(
        elements_directory / "candidates.parquet",
        ["cell_line", "role", "element"],
        mend="run collect_elements again",
    )
    table = table[table["cell_line"] == cell_line]
    return {role: table.loc[table["role"] == role, "element"].to_numpy(np.int64) for role in ROLES}


def _contacts(every: pd.DataFrame) -> pd.DataFrame:
    """All pairs that the line's file calls contacts, even weak or contradicted ones, by their centres."""
    every = every[(every["label"] == 1) & (every["enhancer_chrom"] == every["promoter_chrom"])]
    centres = {f"{role}_centre": centre(every[f"{role}_start"], every[f"{role}_end"]) for role in ROLES}
    return pd.DataFrame({"chrom": every["enhancer_chrom"].to_numpy(dtype=object), **centres})


def _not_both(
    row: CellLine, raw: pd.DataFrame, settings: LabelSettings, report: Mapping[str, Any]
) -> OneLabelError:
    if settings.negatives != GIVEN:
        mend = (
            "provide contacts (label 1), and candidates that make other pairs within the bounds of "
            "the section "
            f"labels (labels.negatives is {settings.negatives})"
        )
    elif len(raw) and (raw["label"] == 1).all():
        mend = (
            "its file lists only contacts: set labels.negatives to natural, distance_matched or "
            "element_balanced to make negatives, or provide pairs with the label 0"
        )
    else:
        mend = "provide contacts (label 1) and others (label 0), or widen the bounds of the section labels"
    left_out = ", ".join(f"{n} {reason}" for reason, n in report["left_out"].items() if n) or "nothing"
    found = f"{int((raw['label'] == 1).sum())} contacts and {int((raw['label'] == 0).sum())} others"
    return OneLabelError(
        f"the cell line {row.cell_line!r} has not both labels left: its file has {found}; left out: "
        f"{left_out}",
        mend=mend,
        file=row.pairs,
    )


def _has_sequence(pairs: pd.DataFrame, tables: Mapping[str, pd.DataFrame], left_out: pd.DataFrame) -> Any:
    """Whether neither element of a pair was left out for its unknown bases, shape=(n,)."""
    known = np.ones(len(pairs), dtype=bool)
    for role in ROLES:
        table = tables[role]
        window = int((table["end"] - table["start"]).iloc[0]) if len(table) else 0
        start = window_start(pairs[f"{role}_start"], pairs[f"{role}_end"], window)
        names = pd.Series(element_ids(pairs[f"{role}_chrom"], start, window))
        known &= ~names.isin(left_out.loc[left_out["role"] == role, "element_id"]).to_numpy()
    return known


def _with_elements(pairs: pd.DataFrame, tables: Mapping[str, pd.DataFrame], row: CellLine) -> pd.DataFrame:
    """Add rows and names of elements, distance and orientation."""
    added: dict[str, Any] = {}
    for role in ROLES:
        table = tables[role]
        window = int((table["end"] - table["start"]).iloc[0]) if len(table) else 0
        start = window_start(pairs[f"{role}_start"], pairs[f"{role}_end"], window)
        names = element_ids(pairs[f"{role}_chrom"], start, window)
        rows = pd.Index(table["element_id"]).get_indexer(pd.Index(names))
        if (rows < 0).any():
            raise UserError(
                f"the {role} {names[int(np.flatnonzero(rows < 0)[0])]} is not among the collected elements",
                mend="run collect_elements again, for the pair table has changed since",
                file=row.pairs,
            )
        added[role], added[f"{role}_id"] = rows, names
        added[f"{role}_centre"] = centre(pairs[f"{role}_start"], pairs[f"{role}_end"])
    offset = added["enhancer_centre"] - added["promoter_centre"]
    return pairs.assign(**added, distance=np.abs(offset), upstream=np.where(offset < 0, 1, -1))


def _repeats(pairs: pd.DataFrame) -> tuple[Any, Any]:
    """Rows of pairs that have both labels, and rows that repeat an earlier row with the same label."""
    key = ["enhancer", "promoter"]
    labels = pairs.groupby(key)["label"]
    conflicting = (labels.transform("min") != labels.transform("max")).to_numpy()
    return conflicting, pairs.duplicated(key).to_numpy()


def _refuse(
    pairs: pd.DataFrame, rows: Any, what: Literal["error", "drop"], row: CellLine, how: str, mend: str
) -> None:
    if what == "drop" or not rows.any():
        return
    one = pairs[rows].iloc[0]
    same = pairs[(pairs["enhancer"] == one["enhancer"]) & (pairs["promoter"] == one["promoter"])]
    if how == "with both labels":
        other = same[same["label"] != one["label"]].iloc[0]
    else:
        other = same[same["line"] != one["line"]].iloc[0]
    first, second = sorted((int(one["line"]), int(other["line"])))
    raise UserError(
        f"the pair {one['enhancer_id']} - {one['promoter_id']} is listed {how} (lines {first} and {second})",
        mend=mend,
        file=row.pairs,
        where=f"line {second}",
    )
