"""Put the scored pairs of all chromosomes together, in the formats that people use."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from cbat.config.predictions import PredictionSettings
from cbat.errors import UserError
from cbat.files import atomic_file
from cbat.prediction import per_gene
from cbat.prediction.plan import Plan, in_order, pairs_file, read_plan
from cbat.prediction.tracks import (
    BEDPE_COLUMNS,
    INTERACT_COLUMNS,
    as_text,
    bedpe,
    indexed_text,
    interact,
    longrange,
    pair_table,
)
from cbat.progress import Progress

log = logging.getLogger(__name__)
FILES: Final = (
    "predictions.bedpe.gz",
    "predictions.bedpe.gz.tbi",
    "contacts.bedpe",
    "contacts.interact",
    "contacts.longrange.gz",
    "contacts.longrange.gz.tbi",
    "summary.tsv",
    *per_gene.FILES,
)
MOST_CALLED: Final = 0.5
FEW_PAIRS: Final = 100
_MEND: Final = "delete it and run score_chromosome again"


def run(*, directory: Path, pairs: Sequence[Path], settings: PredictionSettings) -> None:
    """Write all pairs as indexed BEDPE, tables of genes and enhancers, and tracks for genome browsers.

    Parameters
    ----------
    directory : Path
        Folder of the line, as `prepare_prediction` has left it.
    pairs : sequence of Path
        Scored pairs: a file for each chromosome of the plan, under the name that the plan gives it.
    settings : PredictionSettings
        Most pairs in the tracks.

    Raises
    ------
    UserError
        A file is missing or damaged, or of no chromosome of the plan.
    """
    plan = read_plan(directory)
    pairs = in_order(pairs, plan, directory)
    drawn = most_probable(pairs, settings.track_pairs)
    shown, seen = [], 0
    progress = Progress(f"{plan.cell_line} writing", "pairs", plan.n_pairs)
    with indexed_text(directory / "predictions.bedpe.gz") as table, progress:
        table.comment(BEDPE_COLUMNS)
        for path in pairs:
            for part in read_pairs(path):
                table.write(bedpe(part))
                contacts = part[part["contact"].to_numpy()]
                first, last = np.searchsorted(drawn, [seen, seen + len(contacts)])
                shown.append(contacts.iloc[drawn[first:last] - seen])
                seen += len(contacts)
                progress.add(len(part))
    write_tracks(directory, pd.concat(shown, ignore_index=True), plan.cell_line)
    per_gene.write_tables(directory, pairs, plan)
    _write_summary(directory, pairs, plan)


def gathered(directory: Path) -> pd.DataFrame:
    """All pairs of a scored line in one table, in the order of ``predictions.bedpe.gz``.

    Returns
    -------
    DataFrame
        See :func:`cbat.prediction.tracks.pair_table`.

    Raises
    ------
    UserError
        The folder is none of a scored line, or a file of it is missing or damaged.
    """
    files = [pairs_file(directory, chrom) for chrom in read_plan(directory).chromosomes]
    return pd.concat([pair_table(part) for path in files for part in read_pairs(path)], ignore_index=True)


def most_probable(pairs: Sequence[Path], most: int) -> npt.NDArray[np.int64]:
    """Places of the ``most`` most probable contacts among all contacts in the order of the files, rising.

    Of equally probable ones the first are taken. No more than these and a group of rows are held at a time.
    """
    probability, place, seen = np.empty(0), np.empty(0, dtype=np.int64), 0
    for path in pairs:
        for part in read_pairs(path, ["probability", "contact"]):
            found = part["probability"].to_numpy()[part["contact"].to_numpy()]
            probability = np.concatenate([probability, found])
            place = np.concatenate([place, np.arange(seen, seen + len(found))])
            seen += len(found)
            if len(place) > most:
                kept = np.sort(np.argsort(-probability, kind="stable")[:most])
                probability, place = probability[kept], place[kept]
    return place


def read_pairs(path: Path, columns: Sequence[str] | None = None) -> Iterator[pd.DataFrame]:
    """Scored pairs of a chromosome, or some of their columns, a group of rows after the other.

    Raises
    ------
    UserError
        The file is missing or damaged.
    """
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=None if columns is None else list(columns))
                # Sorting and arithmetic want plain columns.
                yield pd.DataFrame(
                    {name: column.cast(_plain(column.type)).to_pandas() for name, column in _columns(table)}
                )
    except (OSError, pa.ArrowException) as error:
        raise UserError(f"the scored pairs cannot be read ({error})", mend=_MEND, file=path) from error


def _columns(table: Any) -> Iterator[tuple[str, Any]]:
    return zip(table.column_names, table.columns, strict=True)


def _plain(kind: Any) -> Any:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def write_tracks(directory: Path, contacts: pd.DataFrame, cell_line: str) -> None:
    """Write ``contacts.*``."""
    with atomic_file(directory / "contacts.bedpe") as temporary:
        header = "#" + "\t".join(BEDPE_COLUMNS) + "\n"
        temporary.write_bytes(header.encode() + as_text(bedpe(contacts)))
    with atomic_file(directory / "contacts.interact") as temporary:
        title = (
            f'track type=interact name="{cell_line}" description="Predicted contacts of {cell_line}" '
            "interactDirectional=true maxHeightPixels=200:100:50 visibility=full\n"
        )
        header = "#" + "\t".join(INTERACT_COLUMNS) + "\n"
        text = as_text(interact(contacts, cell_line))
        temporary.write_bytes((title + header).encode() + text)
    with indexed_text(directory / "contacts.longrange.gz") as table:
        table.write(longrange(contacts))


def _write_summary(directory: Path, pairs: Sequence[Path], plan: Plan) -> None:
    rows = []
    for (chrom, counts), path in zip(plan.chromosomes.items(), pairs, strict=True):
        found = [int(part["contact"].sum()) for part in read_pairs(path, ["contact"])]
        rows.append({"chrom": chrom, **vars(counts), "contacts": sum(found)})
    table = pd.DataFrame(rows)
    with atomic_file(directory / "summary.tsv") as temporary:
        table.to_csv(temporary, sep="\t", index=False, lineterminator="\n")
    n_pairs, n_contacts = int(table["pairs"].sum()), int(table["contacts"].sum())
    if n_contacts > MOST_CALLED * n_pairs and n_pairs >= FEW_PAIRS:
        log.warning(
            "the threshold calls most pairs contacts: it was chosen where contacts were common; go by rank "
            "and score, or refit it to labelled pairs of the line"
        )
    log.info("%s: %s of %s pairs are called", plan.cell_line, f"{n_contacts:,}", f"{n_pairs:,}")
