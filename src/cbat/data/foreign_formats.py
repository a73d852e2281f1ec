"""Formats that people bring in place of those that are read: each is refused by its own name, with a way out.

All readers ask here by the first lines of a file, so that a file is called the same whatever it is given for.
Formats with binary content are told by their first bytes in :mod:`cbat.data.text_files`.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from cbat.data.conversions import awk_command, converted
from cbat.data.gtf_files import LEVEL_OF
from cbat.data.text_files import BROWSER_LINE, read_lines
from cbat.data.text_tables import unquoted
from cbat.errors import UserError

Use = Literal["intervals", "promoters", "genes", "pairs", "expression", "scores"]
"""What a file is given for."""
_LOOKED_AT: Final = 200
_ROWS: Final = 10
_GTF_FIELDS: Final = 9
_STRANDS: Final = frozenset("+-.*")
_NUMBER: Final = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_CONTIG: Final = re.compile(r"(chr)?([0-9]{1,2}|[XYM]|MT)")
_PLACE: Final = re.compile(r"[^\s,]+?[:_-](\d{1,3}(,\d{3})+|\d+)[_-](\d{1,3}(,\d{3})+|\d+)")
_TRIPLE: Final = re.compile(r"[^\s:,]+(:\d+-|,\d+,)\d+")


@dataclass(frozen=True)
class Head:
    """The first lines of a file.

    Attributes
    ----------
    path : Path
    first : str
        The first line that is not blank.
    comments : tuple of str
        Lines that start with ``#``, ``@`` or a browser's word.
    names : frozenset of str
        Fields in lower case of the first row and of comments with tabs, one of which may be a header.
    header : tuple of str
        Fields in lower case of the first of these lines.
    rows : tuple of tuple of str
        The first rows, split at tabs, without quotes.
    """

    path: Path
    first: str
    comments: tuple[str, ...]
    names: frozenset[str]
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    @classmethod
    def of(cls, path: str | Path) -> Head:
        """Read the first lines of a file, plain or gzip.

        Raises
        ------
        UserError
            The file is missing, damaged, empty or no text.
        """
        comments, rows, headers, first = [], [], [], ""
        for _, line in itertools.islice(read_lines(path), _LOOKED_AT):
            if not line.strip():
                continue
            first = first or line
            if line.startswith(("#", "@")) or BROWSER_LINE.match(line):
                comments.append(line)
                if "\t" in line:
                    headers.append(_fields(line.lstrip("# ")))
                continue
            rows.append(_fields(line))
            if len(rows) == _ROWS:
                break
        headers += rows[:1]
        lower = [tuple(field.lower().strip() for field in one) for one in headers]
        names = frozenset(name for one in lower for name in one)
        return cls(Path(path), first, tuple(comments), names, lower[0] if lower else (), tuple(rows))

    def all_rows(self, fits: Callable[[tuple[str, ...]], bool], least: int = 1) -> bool:
        """Whether there are rows, and all fit; the first may be a header."""
        rows = self.rows[1:] if len(self.rows) > 1 and not fits(self.rows[0]) else self.rows
        return len(rows) >= least and all(map(fits, rows))

    def awk(self, program: str, ending: str = "bed") -> str:
        """The command that makes a file that is read of this one, and what to do with it."""
        return converted(self.path, awk_command(program), ending)


def _fields(line: str) -> tuple[str, ...]:
    return tuple(unquoted(field) for field in line.split("\t"))


@dataclass(frozen=True)
class Foreign:
    """A format that is not read.

    Attributes
    ----------
    name : str
        With its article.
    fits : callable
        Whether the first lines of a file are of this format.
    mend : callable
        What the user can do.
    only : frozenset of str, optional
        For which uses it is foreign; for all without it.
    """

    name: str
    fits: Callable[[Head], bool]
    mend: Callable[[Head], str]
    only: frozenset[str] = frozenset()


def refuse_foreign(path: str | Path, use: Use, accepts: Collection[str] = ()) -> None:
    """Refuse a file of another format than a reader reads, by the name of its format.

    Parameters
    ----------
    path : str or Path
        Plain or gzip.
    use : str
        What the file is given for.
    accepts : collection of str
        Names of :data:`FORMATS` that the reader reads itself.

    Raises
    ------
    UserError
        Also where the file is missing, damaged, empty or no text.
    """
    head = Head.of(path)
    for one in FORMATS:
        if one.name not in accepts and (not one.only or use in one.only) and one.fits(head):
            raise UserError(f"this is {one.name}, not {_WANTED[use]}", mend=one.mend(head), file=path)


def holds_intervals(path: str | Path) -> bool:
    """Whether the first rows of a file are intervals, without a header."""
    rows = Head.of(path).rows
    return bool(rows) and all(map(_is_bed, rows))


def are_positions(*fields: str) -> bool:
    """Whether all fields are whole numbers without sign."""
    return all(value.isascii() and value.isdigit() and len(value) <= 15 for value in fields)


def looks_like_gtf(fields: tuple[str, ...]) -> bool:
    """Whether a row is one of GTF or GFF3."""
    return (
        len(fields) == _GTF_FIELDS
        and are_positions(*fields[3:5])
        and not are_positions(fields[1])
        and fields[6] in ("+", "-", ".", "?")
    )


def is_interact(fields: tuple[str, ...]) -> bool:
    """Whether a row is one of UCSC's interact."""
    return (
        len(fields) >= 18
        and are_positions(*fields[1:3], *fields[9:11], *fields[14:16])
        and fields[0] in (fields[8], fields[13])
    )


def is_longrange(fields: tuple[str, ...]) -> bool:
    """Whether a row is one of WashU's longrange."""
    return (
        len(fields) >= 4
        and are_positions(*fields[1:3])
        and re.fullmatch(r"[^\s:]+:\d+-\d+,[-+.\deE]+", fields[3]) is not None
    )


def is_bedpe(fields: tuple[str, ...]) -> bool:
    """Whether a row has the six columns of BEDPE, both contigs named in one style."""
    return (
        len(fields) >= 6
        and are_positions(*fields[1:3], *fields[4:6])
        and int(fields[1]) < int(fields[2])
        and int(fields[4]) < int(fields[5])
        and _is_word(fields[0])
        and (fields[3] == fields[0] or _CONTIG.fullmatch(fields[3]) is not None)
        and fields[3].startswith("chr") == fields[0].startswith("chr")
    )


def _is_word(field: str) -> bool:
    return bool(field) and not re.search(r"\s", field)


def _counts_from_1(fields: tuple[str, ...]) -> bool:
    """Whether column 4 is the length of an interval that includes both ends."""
    return (
        len(fields) > 4
        and are_positions(*fields[1:4])
        and int(fields[3]) == int(fields[2]) - int(fields[1]) + 1
    )


def _is_macs(head: Head) -> bool:
    said = any("generated by MACS" in comment for comment in head.comments)
    named = "abs_summit" in head.names or {"fold_enrichment", "length"} <= head.names
    return (
        said
        or named
        or (
            len(head.rows) > 0
            and len(head.rows[-1]) in (9, 10)
            and head.all_rows(lambda row: _counts_from_1(row) and _NUMBER.fullmatch(row[4]) is not None)
        )
    )


def _is_granges(head: Head) -> bool:
    rows = head.all_rows(lambda row: _counts_from_1(row) and row[4] in _STRANDS, least=2)
    return rows or "seqnames" in head.names


def _of_granges(head: Head) -> str:
    row = head.rows[-1] if head.rows else ()
    first = 2 if row and not are_positions(*row[1:2]) else 1
    chrom, start, end, strand = (f"${first + at}" for at in (0, 1, 2, 4))
    # R writes the names of rows without a name of their own column.
    shift = 1 + len(row) - len(head.header) if len(row) == len(head.header) + 1 else 1
    named = [at + shift for name in _GENE_NAMES for at, one in enumerate(head.header) if one == name]
    name = f"${named[0]}" if named else '"."'
    quotes = 'gsub(/"/, ""); '
    program = (
        f"{{{quotes}if ({start} ~ /^[0-9]+$/) print {chrom}, {start} - 1, {end}, {name}, 0, "
        f'({strand} == "+" || {strand} == "-") ? {strand} : "."}}'
    )
    return head.awk(program)


def _places(head: Head) -> tuple[int, int, int] | None:
    """Where a header has contig, start and end; None where it does not name all three, or in SAF."""
    found = []
    for names in _PLACES:
        at = [number for number, name in enumerate(head.header) if name.startswith(names)]
        if names is _PLACES[0]:
            at = [number for number in at if not head.header[number].endswith(("start", "end"))]
        if not at:
            return None
        found.append(at[0])
    return None if head.header[:1] == ("geneid",) else (found[0], found[1], found[2])


def _in_order_of_bed(head: Head, first: int) -> str:
    """The command that puts the columns of a table with a header into the order of a BED."""
    places = _places(head) or (0, 1, 2)
    chrom, start, end = (f"${at + 1}" for at in places)
    named = [f"${at + 1}" for at, name in enumerate(head.header) if name in _GENE_NAMES]
    strand = [f"${at + 1}" for at, name in enumerate(head.header) if name.startswith("strand")]
    parts = [chrom, f"{start} - 1" if first else start, end, named[0] if named else '"."', "0"]
    parts += strand[:1] or ['"."']
    return head.awk(f"{start} ~ /^[0-9]+$/ {{print {', '.join(parts)}}}")


def _is_homer(row: tuple[str, ...]) -> bool:
    return len(row) >= 5 and not are_positions(row[1]) and are_positions(*row[2:4]) and row[4] in _STRANDS


def _is_place(row: tuple[str, ...]) -> bool:
    """Whether a row is a place as browsers write it, with one number behind it or none."""
    scored = len(row) == 1 or (len(row) == 2 and _NUMBER.fullmatch(row[1]) is not None)
    return scored and _PLACE.fullmatch(row[0].strip()) is not None


def _has_names_of_rows(head: Head) -> bool:
    """Whether R wrote names of rows before the columns that a header names."""
    row = head.rows[-1] if head.rows else ()
    return _places(head) == (0, 1, 2) and len(row) == len(head.header) + 1 and not are_positions(row[1])


def _is_vcf(row: tuple[str, ...]) -> bool:
    """Whether a row is a variant: contig, position, name, two alleles."""
    alleles = re.compile(r"[ACGTN]+", re.IGNORECASE)
    return (
        len(row) >= 8
        and are_positions(row[1])
        and not are_positions(row[2])
        and alleles.fullmatch(row[3]) is not None
        and re.fullmatch(r"[ACGTN*,.]+|<\w+>", row[4], re.IGNORECASE) is not None
    )


def _is_gff_of_others(row: tuple[str, ...]) -> bool:
    return looks_like_gtf(row) and row[2] not in LEVEL_OF and row[2] not in _OF_ANNOTATIONS


def _is_seg(head: Head) -> bool:
    named = bool({"loc.start", "seg.mean", "num.mark"} & head.names)
    return named or head.all_rows(
        lambda row: (
            len(row) == 6
            and not are_positions(row[1])
            and are_positions(*row[2:5])
            and _NUMBER.fullmatch(row[5]) is not None
        ),
        least=2,
    )


def _is_gene_table(row: tuple[str, ...]) -> bool:
    return _strand_column(row) > 0


def _strand_column(row: tuple[str, ...]) -> int:
    """Number, from 1, of the strand of a row of UCSC's tables of genes; 0 for any other row."""
    for at in (2, 3):
        after = row[at + 1 : at + 6]
        if (
            len(after) == 5
            and row[at] in ("+", "-")
            and are_positions(*after)
            and not are_positions(row[at - 1])
        ):
            return at + 1
    return 0


def _of_gene_table(head: Head) -> str:
    row = head.rows[-1]
    strand = _strand_column(row)
    with_bin = strand == 4 and are_positions(row[0])
    name = 13 if with_bin and len(row) > 12 else 2 if with_bin else 1
    start, end, column = f"${strand + 1}", f"${strand + 2}", f"${strand}"
    return head.awk(
        f'{start} ~ /^[0-9]+$/ {{at = {column} == "+" ? {start} : {end} - 1; '
        f"print ${strand - 1}, at, at + 1, ${name}, 0, {column}}}"
    )


def _is_valid_pairs(row: tuple[str, ...]) -> bool:
    return (
        len(row) >= 7
        and are_positions(row[2], row[5])
        and row[3] in ("+", "-")
        and row[6] in ("+", "-")
        and not are_positions(row[4])
    )


def _is_bed(row: tuple[str, ...]) -> bool:
    return len(row) >= 3 and are_positions(*row[1:3]) and int(row[1]) < int(row[2]) and _is_word(row[0])


_WANTED: Final[dict[str, str]] = {
    "intervals": "a file of intervals (BED, narrowPeak or broadPeak)",
    "promoters": "a BED of promoters or a GTF",
    "genes": "a GTF or a BED of transcription starts",
    "pairs": "a table of pairs",
    "expression": "a table of expression",
    "scores": "a table of scored pairs",
}
_CALL_PEAKS: Final = "call peaks, and name the file of peaks (narrowPeak, broadPeak or BED)"
_CALL_LOOPS: Final = (
    "these are reads, not contacts: call loops or interactions in them, and name the list (BEDPE), with the "
    "format loops"
)
_OF_INTERVALS: Final = frozenset({"intervals", "promoters", "genes"})
_PLACES: Final = (
    ("chrom", "chr", "seqname", "contig"),
    ("start", "chromstart", "chrom_start", "gene start", "transcript start"),
    ("end", "chromend", "chrom_end", "stop", "gene end", "transcript end"),
)
"""How headers begin the names of contig, start and end, in lower case."""
_GENE_NAMES: Final = ("gene name", "gene_name", "gene symbol", "symbol", "gene", "name")
_OF_ANNOTATIONS: Final = frozenset(
    ("chromosome", "region", "biological_region", "supercontig", "scaffold", "contig", "sequence_feature",
     "start_codon", "stop_codon", "UTR", "five_prime_UTR", "three_prime_UTR", "Selenocysteine", "intron",
     "sequence_alteration", "match", "cDNA_match", "centromere")
)  # fmt: skip
"""What annotations of genes hold besides genes and their parts."""
_NO_NUMBERS: Final = _OF_INTERVALS | {"pairs"}
"""Uses in which a matrix of numbers is not expected, which some formats look like."""
MACS: Final = "a table of peaks of MACS (_peaks.xls), whose starts count from 1"
GTF: Final = "a GTF or GFF3"
IBED: Final = "an ibed of CHiCAGO"
INTERACT: Final = "UCSC's interact"
LONGRANGE: Final = "WashU's longrange"
BEDPE: Final = "BEDPE, with two intervals in each row"

FORMATS: Final[tuple[Foreign, ...]] = (
    Foreign(
        "an HTML page, such as a failed download leaves",
        lambda head: re.match(r"\s*<(!doctype html|html|head|body)", head.first, re.IGNORECASE) is not None,
        lambda head: "download the file again, and look at the address",
    ),
    Foreign(
        "an XML file",
        lambda head: head.first.startswith("<?xml"),
        lambda head: "name a table separated by tabs",
    ),
    Foreign(
        "a JSON file",
        lambda head: head.first.lstrip().startswith(("{", "[{", '["')),
        lambda head: "write what you need of it as text separated by tabs",
    ),
    Foreign(
        "a pointer of Git LFS, not the file",
        lambda head: head.first.startswith("version https://git-lfs"),
        lambda head: "fetch the file itself: git lfs pull",
    ),
    Foreign(
        "a FASTA",
        lambda head: head.first.startswith(">"),
        lambda head: "name the table or the intervals; a genome is given as genome.fasta (predict: --genome)",
    ),
    Foreign(
        "a VCF of variants",
        lambda head: (
            "fileformat=VCF" in head.first
            or {"chrom", "pos", "ref", "alt"} <= head.names
            or head.all_rows(_is_vcf, least=2)
        ),
        lambda head: head.awk("!/^#/ {print $1, $2 - 1, $2 - 1 + length($4), $3}"),
    ),
    Foreign(
        "an interval_list of Picard, whose starts count from 1",
        lambda head: head.first.startswith(("@HD", "@SQ")) and head.all_rows(lambda row: len(row) == 5),
        lambda head: head.awk("!/^@/ {print $1, $2 - 1, $3, $5, 0, $4}"),
    ),
    Foreign(
        "a SAM of aligned reads",
        lambda head: (
            head.first.startswith(("@HD\t", "@SQ\t", "@RG\t", "@PG\t"))
            or head.all_rows(
                lambda row: (
                    len(row) >= 11
                    and are_positions(row[1], row[3], row[4])
                    and re.fullmatch(r"\*|(\d+[MIDNSHP=X])+", row[5]) is not None
                )
            )
        ),
        lambda head: _CALL_PEAKS,
    ),
    Foreign(
        "a FASTQ of reads",
        lambda head: head.first.startswith("@") and any(row == ("+",) for row in head.rows[1:3]),
        lambda head: _CALL_PEAKS,
    ),
    Foreign(
        "a WIG",
        lambda head: (
            head.first.startswith(("fixedStep", "variableStep"))
            or any("type=wiggle" in comment for comment in head.comments)
            or any(row[0].startswith(("fixedStep", "variableStep")) for row in head.rows[:1])
        ),
        lambda head: (
            "convert it to bigWig (wigToBigWig FILE chrom.sizes NEW_FILE) for a signal, or call peaks in it"
        ),
    ),
    Foreign(
        MACS,
        _is_macs,
        lambda head: (
            "name the .narrowPeak or .broadPeak file that MACS wrote beside it; for the intervals "
            "alone: " + head.awk("$2 ~ /^[0-9]+$/ {print $1, $2 - 1, $3, $NF}")
        ),
        only=_NO_NUMBERS,
    ),
    Foreign(
        "a table of R's GRanges, whose starts count from 1",
        _is_granges,
        _of_granges,
        only=_OF_INTERVALS,
    ),
    Foreign(
        "a table of BioMart, whose starts count from 1",
        lambda head: any(name.startswith("chromosome/scaffold") for name in head.header),
        lambda head: _in_order_of_bed(head, first=1),
        only=_OF_INTERVALS,
    ),
    Foreign(
        "a table of R with the names of its rows in front",
        _has_names_of_rows,
        lambda head: (
            f"{head.awk('$3 ~ /^[0-9]+$/ {print $2, $3, $4}')}; starts are taken as they are, so take 1 off "
            "each if the table counts from 1, as R's mostly do"
        ),
        only=_OF_INTERVALS,
    ),
    Foreign(
        "a table whose columns stand in another order than in a BED",
        lambda head: _places(head) not in (None, (0, 1, 2)) and not head.header[0].startswith("peakid"),
        lambda head: (
            f"{_in_order_of_bed(head, first=0)}; starts are taken as they are, so take 1 off each if the "
            "table counts from 1"
        ),
        only=_OF_INTERVALS,
    ),
    Foreign(
        "a table of copy numbers (SEG), whose starts count from 1",
        _is_seg,
        lambda head: head.awk("$3 ~ /^[0-9]+$/ {print $2, $3 - 1, $4, $1}"),
        only=_NO_NUMBERS,
    ),
    Foreign(
        "a table of HOMER or a SAF, whose starts count from 1",
        lambda head: (
            (head.header[:1] != () and head.header[0].startswith("peakid"))
            or (head.header[:4] == ("geneid", "chr", "start", "end") and len(head.header) == 5)
            or (
                head.all_rows(_is_homer, least=2)
                and not head.all_rows(_is_gene_table)
                and _places(head) is None
            )
        ),
        lambda head: head.awk(
            "$3 ~ /^[0-9]+$/ {print $2, $3 - 1, $4, $1, 0, "
            '($5 == "-" || $5 == "1") ? "-" : ($5 == "+" || $5 == "0") ? "+" : "."}'
        ),
        only=_NO_NUMBERS,
    ),
    Foreign(
        "a table of genes of UCSC (genePred, refFlat, refGene)",
        lambda head: head.all_rows(_is_gene_table),
        _of_gene_table,
        only=_NO_NUMBERS,
    ),
    Foreign(
        "a list of places (chrom:start-end)",
        lambda head: head.all_rows(_is_place),
        lambda head: (
            head.awk(
                '{gsub(/,/, "", $1); n = split($1, part, /[:_-]/); if (part[n] ~ /^[0-9]+$/) print '
                "substr($1, 1, length($1) - length(part[n - 1]) - length(part[n]) - 2), part[n - 1] - 1, "
                "part[n]}"
            )
            + " (places of a browser count from 1; leave out the - 1 where they count from 0)"
        ),
    ),
    Foreign(
        IBED,
        lambda head: {"bait_chr", "otherend_chr"} <= head.names,
        lambda head: (
            "name it as the pairs of a line, with the format loops; for intervals alone: "
            + head.awk('$2 ~ /^[0-9]+$/ {print $1, $2 - 1, $3 "\\n" $5, $6 - 1, $7}')
        ),
    ),
    Foreign(
        "a matrix of interactions of CHiCAGO, whose starts count from 1",
        lambda head: {"baitchr", "oechr"} <= head.names,
        lambda head: (
            head.awk(
                "NR == 1 {for (i = 1; i <= NF; i++) at[$i] = i; next} "
                '{print $at["baitChr"], $at["baitStart"] - 1, $at["baitEnd"], '
                '$at["oeChr"], $at["oeStart"] - 1, $at["oeEnd"]}',
                "bedpe",
            )
            + " as pairs, with the format loops (first keep the rows that score 5 or more in your cell type)"
        ),
    ),
    Foreign(
        INTERACT,
        lambda head: (
            any("type=interact" in comment for comment in head.comments) or head.all_rows(is_interact)
        ),
        lambda head: (
            "name it as the pairs of a line, with the format loops; for intervals alone: "
            + head.awk('$2 ~ /^[0-9]+$/ {print $9, $10, $11 "\\n" $14, $15, $16}')
        ),
    ),
    Foreign(
        LONGRANGE,
        lambda head: head.all_rows(is_longrange),
        lambda head: (
            "name it as the pairs of a line, with the format loops; for intervals alone: "
            + head.awk("{print $1, $2, $3}")
        ),
    ),
    Foreign(
        "a text of interactions for the browser of WashU (chr,start,end)",
        # It has no header, which tables of other tools with such intervals have.
        lambda head: (
            bool(head.rows)
            and all(
                len(row) >= 2 and all(_TRIPLE.fullmatch(place) is not None for place in row[:2])
                for row in head.rows
            )
        ),
        lambda head: (
            head.awk(
                "{split($1, a, /[,:-]/); split($2, b, /[,:-]/); print a[1], a[2], a[3], b[1], b[2], b[3]}",
                "bedpe",
            )
            + " as pairs, with the format loops"
        ),
    ),
    Foreign(
        "a 4DN file of read pairs (.pairs)",
        lambda head: "pairs format v" in head.first,
        lambda head: _CALL_LOOPS,
    ),
    Foreign(
        "read pairs of HiC-Pro (validPairs)",
        lambda head: head.all_rows(_is_valid_pairs),
        lambda head: _CALL_LOOPS,
    ),
    Foreign(
        "a table of FitHiC, which gives the middles of bins",
        lambda head: {"fragmentmid1", "fragmentmid2"} <= head.names,
        lambda head: (
            head.awk("$2 ~ /^[0-9]+$/ {print $1, $2 - 2500, $2 + 2500, $3, $4 - 2500, $4 + 2500}", "bedpe")
            + " as pairs, with the format loops (2500 is half of a bin; first keep the significant rows)"
        ),
    ),
    Foreign(
        "a table of eQTLs of GTEx",
        lambda head: {"variant_id", "gene_id"} <= head.names,
        lambda head: "name pairs of enhancers and promoters: an eQTL is of a variant and a gene",
    ),
    Foreign(
        BEDPE,
        lambda head: head.all_rows(is_bedpe) and any(row[3:4] == row[:1] for row in head.rows),
        lambda head: (
            "name it as the pairs of a line; for the intervals of its first ends: "
            + head.awk("$2 ~ /^[0-9]+$/ {print $1, $2, $3}")
        ),
        only=_OF_INTERVALS,
    ),
    Foreign(
        "a GTF or GFF3 without its ninth column, which says what the genes are called",
        lambda head: head.all_rows(lambda row: len(row) == _GTF_FIELDS - 1 and looks_like_gtf((*row, ""))),
        lambda head: "name the annotation with all nine columns",
    ),
    Foreign(
        "a GFF of intervals that are not genes, whose starts count from 1",
        lambda head: head.all_rows(_is_gff_of_others),
        lambda head: head.awk(
            '$4 ~ /^[0-9]+$/ {print $1, $4 - 1, $5, ".", 0, ($7 == "+" || $7 == "-") ? $7 : "."}'
        ),
        only=_OF_INTERVALS,
    ),
    Foreign(
        GTF,
        lambda head: head.all_rows(looks_like_gtf),
        lambda head: "name the annotation as landscape.genes, and here a file of the kind that is needed",
    ),
)
"""In the order in which they are looked for."""
