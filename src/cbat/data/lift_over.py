"""Intervals of one assembly as intervals of another, by a UCSC chain file.

An interval is lifted by its two ends, and is left out, counted, where they do not tell where it went. All
positions are 0-based, all intervals half-open, in bp.
"""

from __future__ import annotations

import gzip
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

from cbat.data.bed_files import intervals_of, opening_of
from cbat.data.chain_files import Chains, read_chains
from cbat.data.contig_checks import alias_of
from cbat.data.foreign_formats import GTF, refuse_foreign
from cbat.data.gtf_files import is_gtf
from cbat.data.peak_formats import WHOLE, format_of, has_thick_part
from cbat.data.text_files import read_text
from cbat.data.text_tables import TextTable, read_headless
from cbat.errors import UserError
from cbat.files import atomic_file, sha256_of, write_json

MOST_CHANGE: Final = 0.1
"""An interval may grow or shrink by this share of its length."""
MOST_LOST: Final = 0.01
"""A larger share of intervals that are left out is warned of."""
NOT_IN_CHAIN: Final = "contig_not_in_chain"
IN_NO_ALIGNMENT: Final = "in_no_alignment"
REASONS: Final = {
    NOT_IN_CHAIN: "on contigs that the chain file does not have",
    "beyond_contig_end": "end beyond the end of their contig",
    IN_NO_ALIGNMENT: "have an end outside every alignment",
    "several_places": "have an end that alignments map to several places",
    "two_contigs": "have their ends on two contigs",
    "two_strands": "have their ends on two strands",
    "order_reversed": "have their ends in reverse order",
    "length_changed": f"change their length by more than {MOST_CHANGE:.0%}",
}
"""Why an interval is left out -> the same in words, after a number of intervals."""
_COLUMNS: Final = (
    "chrom", "start", "end", "name", "score", "strand", "column 7", "column 8", "column 9", "peak",
)  # fmt: skip
_STRAND, _THICK_START, _THICK_END, _SUMMIT, _BLOCKS = 5, 6, 7, 9, 9
"""Places of columns in a row, from 0; blocks are that column and the next two."""
TURNED: Final = {"+": "-", "-": "+"}
"""Strand of an interval -> its strand where the chain turns it round; others stay."""
_logger = logging.getLogger(__name__)


class Place(NamedTuple):
    """Where an interval is in the other assembly; ``turned`` where the chain turns its strand round."""

    contig: str
    start: int
    end: int
    turned: bool


@dataclass(frozen=True)
class Intervals:
    """The intervals of a file, and its text.

    Attributes
    ----------
    path : Path
    format : str
        ``narrowPeak``, ``broadPeak`` or ``BED``.
    lines : list of str
        All lines of the file.
    rows : dict of int to (str, int, int)
        Line, from 0 -> contig, start and end of its interval.
    header : int
        The line, from 0, that names the columns without a ``#``; -1 where there is none.
    thick, blocks : bool
        Whether columns 7 and 8 are the thick part, and columns 10 to 12 the blocks, of a BED.
    """

    path: Path
    format: str
    lines: list[str]
    rows: dict[int, tuple[str, int, int]]
    header: int
    thick: bool
    blocks: bool


@dataclass
class Counts:
    """What was lifted, and what was left out and why."""

    left_out: Counter[str] = field(default_factory=Counter)
    lifted: int = 0
    turned: int = 0
    summits: int = 0
    summits_lost: int = 0


def run(*, chain: Path, input: Path, output: Path) -> None:
    """Write the intervals of a file as intervals of another assembly, and what was counted (``.json``).

    Parameters
    ----------
    chain : Path
        UCSC chain file from the assembly of the input to that of the output, plain or gzip.
    input : Path
        BED with three columns or more, narrowPeak or broadPeak, plain or gzip.
    output : Path
        The same format, in the order of the input, gzip where it ends in ``.gz``. Columns beyond the
        interval stay as they are, but for three: the strand turns where the chain does; the summit of a
        narrowPeak is lifted too, and is -1 where it has no place in the lifted peak; thick part and blocks
        of a BED are dropped: the thick part is empty, at the start, and there is one block. Comments and a
        header line stay, ``browser`` and ``track`` lines do not. Beside it ``<output>.json`` has counts.

    Raises
    ------
    UserError
        A file that is missing, damaged, empty or of another format; a malformed line; no interval that can
        be lifted.
    """
    chains = read_chains(chain)
    intervals = read_intervals(input)
    lines, counts = lift(intervals, chains)
    _check_and_tell(intervals, chains, counts)
    with atomic_file(output) as temporary:
        _write(temporary, lines, packed=output.suffix == ".gz")
    write_json(Path(f"{output}.json"), _report(intervals, chains, counts))


def read_intervals(path: str | Path) -> Intervals:
    """Read the intervals of a BED, narrowPeak or broadPeak, plain or gzip.

    Raises
    ------
    UserError
        As :func:`~cbat.data.bed_files.read_bed`; a GTF; a summit that is no whole number.
    """
    path = Path(path)
    refuse_foreign(path, "intervals", [GTF])
    if is_gtf(path):
        raise UserError(
            "this is a GTF, which cannot be lifted over",
            mend="write its genes as BED, with names in column 4 and strands in column 6, or take an "
            "annotation of the other assembly",
            file=path,
        )
    opening = opening_of(path)
    table = read_headless(path, delimiter="\t", columns=_COLUMNS, least=3)
    header = -1
    if opening.bare:
        header, table = int(table.lines[0]) - 1, _without_first(table)
    frame = intervals_of(table)
    kind = format_of(path, opening)
    if kind == "narrowPeak":
        table.matching(
            "peak", f"^{WHOLE.pattern}$", "write whole numbers: the summit in bp from the start, or -1"
        )
    columns = zip(frame["chrom"], frame["start"].tolist(), frame["end"].tolist(), strict=True)
    thick = kind == "BED" and has_thick_part(opening.fields)
    return Intervals(
        path=path,
        format=kind,
        lines=read_text(path).decode().split("\n"),
        rows=dict(zip((table.lines - 1).tolist(), columns, strict=True)),
        header=header,
        thick=thick,
        blocks=thick and len(opening.fields) >= _BLOCKS + 3 and "," in opening.fields[_BLOCKS + 1],
    )


def _without_first(table: TextTable) -> TextTable:
    if len(table.lines) == 1:
        raise UserError("the file has a header but no intervals", mend="name another file", file=table.path)
    rows = {name: column.slice(1) for name, column in table.columns.items()}
    return TextTable(table.path, rows, table.lines[1:])


def lift(intervals: Intervals, chains: Chains) -> tuple[list[str], Counts]:
    """Lift all intervals of a file.

    Returns
    -------
    lines : list of str
        Lines of the lifted file, in the order of the file.
    counts : Counts
    """
    counts = Counts()
    lines = []
    for number, line in enumerate(intervals.lines):
        interval = intervals.rows.get(number)
        if interval is None:
            if line.startswith("#") or number == intervals.header:
                lines.append(line)
            continue
        place = place_of(*interval, chains)
        if isinstance(place, str):
            counts.left_out[place] += 1
            continue
        counts.lifted += 1
        counts.turned += place.turned
        lines.append(_lifted_line(line.split("\t"), interval, place, intervals, chains, counts))
    return lines, counts


def place_of(contig: str, start: int, end: int, chains: Chains) -> Place | str:
    """Where an interval is in the other assembly, or the key of :data:`REASONS` that says why nowhere.

    Its first and its last base have to be at one place each, on one contig and strand, in order, and as far
    from each other as before, within :data:`MOST_CHANGE`.
    """
    # The library takes 1 for chr1, where nothing is to be guessed.
    if contig not in chains.sizes:
        return NOT_IN_CHAIN
    if end > chains.sizes[contig]:
        return "beyond_contig_end"
    positions = chains.positions[contig]
    first, last = positions[start], positions[end - 1]
    if not first or not last:
        return IN_NO_ALIGNMENT
    if len(first) > 1 or len(last) > 1:
        return "several_places"
    (name, at_start, strand), (other, at_last, other_strand) = first[0], last[0]
    if name != other:
        return "two_contigs"
    if strand != other_strand:
        return "two_strands"
    turned = strand == "-"
    low, high = (at_last, at_start) if turned else (at_start, at_last)
    if low > high:
        return "order_reversed"
    length = end - start
    if abs(high + 1 - low - length) > MOST_CHANGE * length:
        return "length_changed"
    return Place(name, low, high + 1, turned)


def _lifted_line(
    fields: list[str],
    interval: tuple[str, int, int],
    place: Place,
    intervals: Intervals,
    chains: Chains,
    counts: Counts,
) -> str:
    """The line of a lifted interval."""
    fields[:3] = place.contig, str(place.start), str(place.end)
    if place.turned and len(fields) > _STRAND:
        fields[_STRAND] = TURNED.get(fields[_STRAND], fields[_STRAND])
    if intervals.format == "narrowPeak":
        offset = int(fields[_SUMMIT])
        lifted = _summit(offset, interval, place, chains)
        counts.summits += offset >= 0
        counts.summits_lost += offset >= 0 > lifted
        fields[_SUMMIT] = str(lifted)
    if intervals.thick:
        fields[_THICK_START] = fields[_THICK_END] = fields[1]
    if intervals.blocks:
        fields[_BLOCKS : _BLOCKS + 3] = "1", f"{place.end - place.start},", "0,"
    return "\t".join(fields)


def _summit(offset: int, interval: tuple[str, int, int], place: Place, chains: Chains) -> int:
    """The summit of a lifted peak, in bp from its start; -1 where there was none or is none any more."""
    contig, start, end = interval
    if not 0 <= offset < end - start:
        return -1
    found = chains.positions[contig][start + offset]
    if len(found) != 1:
        return -1
    name, position, strand = found[0]
    if name != place.contig or (strand == "-") != place.turned or not place.start <= position < place.end:
        return -1
    return int(position) - place.start


def _check_and_tell(intervals: Intervals, chains: Chains, counts: Counts) -> None:
    n = len(intervals.rows)
    lost = n - counts.lifted
    if not counts.lifted:
        raise _nothing_lifted(intervals, chains, counts)
    _logger.info("%s: %d of %d intervals are lifted", intervals.path, counts.lifted, n)
    if lost > MOST_LOST * n:
        _logger.warning(
            "%s: %d of %d intervals (%.1f%%) are left out: %s. Is %s from the assembly of this file?",
            intervals.path, lost, n, 100 * lost / n, "; ".join(_in_words(counts)), chains.path,
        )  # fmt: skip
    if alias := _alias(intervals, chains):
        _logger.warning("%s: %s", intervals.path, _named_otherwise(*alias, chains))


def _in_words(counts: Counts) -> Iterator[str]:
    """Why intervals are left out, the most frequent reason first."""
    return (f"{n} {REASONS[reason]}" for reason, n in counts.left_out.most_common())


def _nothing_lifted(intervals: Intervals, chains: Chains, counts: Counts) -> UserError:
    n, first = len(intervals.rows), min(intervals.rows)
    if counts.left_out[NOT_IN_CHAIN] == n:
        named = dict.fromkeys(contig for contig, _, _ in intervals.rows.values())
        if alias := _alias(intervals, chains):
            return UserError(
                _named_otherwise(*alias, chains),
                mend="write the names of the chain file into the file (for chr1 in place of 1: sed "
                "'s/^/chr/' on the rows)"
                if alias[1] == f"chr{alias[0]}"
                else "write the names of the chain file into the file",
                file=intervals.path,
                where=f"line {first + 1}",
            )
        return UserError(
            f"no contig of this file is in {chains.path}: here {_few(list(named))}, there "
            f"{_few(sorted(chains.sizes))}",
            mend="name a file and a chain of one species and assembly; where the names alone differ (1 is "
            "not chr1), write those of the chain into the file",
            file=intervals.path,
            where=f"line {first + 1}",
        )
    return UserError(
        f"none of the {n} intervals can be lifted by {chains.path}: {'; '.join(_in_words(counts))}",
        mend="name the chain file from the assembly of this file to the other one; this one may be of "
        "another assembly, or the chain file for the opposite direction",
        file=intervals.path,
    )


def _alias(intervals: Intervals, chains: Chains) -> tuple[str, str] | None:
    """A contig of the file that the chain file names otherwise, and how."""
    return alias_of(dict.fromkeys(contig for contig, _, _ in intervals.rows.values()), chains.sizes)


def _named_otherwise(mine: str, theirs: str, chains: Chains) -> str:
    return f"chromosomes are named like {mine!r} here, but like {theirs!r} in {chains.path}"


def _few(names: Sequence[str]) -> str:
    """The first names of a list."""
    return ", ".join(map(repr, names[:3])) + (", ..." if len(names) > 3 else "")


def _report(intervals: Intervals, chains: Chains, counts: Counts) -> dict[str, Any]:
    report: dict[str, Any] = {
        "file": str(intervals.path),
        "sha256": sha256_of(intervals.path),
        "chain": str(chains.path),
        "chain_sha256": sha256_of(chains.path),
        "format": intervals.format,
        "intervals_read": len(intervals.rows),
        "lifted": counts.lifted,
        "turned": counts.turned,
        "left_out": {reason: counts.left_out[reason] for reason in REASONS},
        "thick_parts_and_blocks_dropped": intervals.thick,
    }
    if intervals.format == "narrowPeak":
        report |= {"summits_read": counts.summits, "summits_lost": counts.summits_lost}
    return report


def _write(path: Path, lines: Sequence[str], *, packed: bool) -> None:
    """Write lines, as gzip that does not know when it was made."""
    text = "".join(f"{line}\n" for line in lines).encode()
    with open(path, "wb") as raw:
        if not packed:
            raw.write(text)
            return
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as out:
            out.write(text)
