"""The sheets of cell lines and of tissues.

A sheet is a TSV file with a header line. Lines that start with ``#`` and empty lines are skipped, and
spaces around a field are ignored. Every mistake is told with the file and the number of its line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import BeforeValidator, Field, ValidationError

from cbat.config.base import ELEMENT_SIGNALS as ELEMENT_SIGNALS
from cbat.config.base import TRACK_KINDS as TRACK_KINDS
from cbat.config.sections import Name, Section
from cbat.config.suggestions import did_you_mean
from cbat.errors import UserError
from cbat.faults import independent

Cohort = Literal["training", "unseen", "prototype"]

AUTO: Final = "auto"
"""The format of pairs that is recognised by the first row of the file."""
NEEDS_THRESHOLD: Final = frozenset({"abc", "encode_re2g"})
"""Formats of pairs that give a score in place of a label."""
TAKES_SCORE_COLUMN: Final = NEEDS_THRESHOLD | {"bedpe", "bedpe_enhancer_first"}
"""Formats of pairs of which several columns could be the score."""
TAKES_THRESHOLD: Final = TAKES_SCORE_COLUMN | {"enhanceratlas"}
"""Formats of pairs that a score threshold may say something about."""
OF_SEVERAL_LINES: Final = frozenset({"encode_crispr"})
"""Formats of pairs whose rows say of which cell line they are, so that several lines may share a file."""
RESERVED_CELL_LINES: Final = frozenset({"macro", "worst"})
"""Names that stand for aggregates in the tables of results."""
_OF_PAIRS: Final = ("pairs", "enhancers", "promoters", "score_threshold", "score_column", *ELEMENT_SIGNALS)
"""Columns of which a prototype fills in none."""


def plain_name(name: str) -> str:
    """A name without case and marks: K562, k562 and K-562 are one cell line."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def written_otherwise(names: Iterable[str], known: Iterable[str]) -> tuple[str, str] | None:
    """The first of ``names`` that ``known`` has in another case or with other marks alone, and that name."""
    listed = set(known)
    plain = {plain_name(name): name for name in sorted(listed)}
    return next(
        (
            (name, plain[plain_name(name)])
            for name in names
            if name not in listed and plain_name(name) in plain
        ),
        None,
    )


def _nothing_for_dot(value: object) -> object:
    return None if value == "." else value


OptionalFile = Annotated[Path | None, BeforeValidator(_nothing_for_dot)]


class CellLine(Section):
    """One row of the sheet of cell lines."""

    cell_line: Name = Field(description="Name; it becomes a part of file names.")
    tissue: Name = Field(description="Tissue of origin, a row of the sheet of tissues, or `unknown`.")
    role: Literal["train", "validation", "unseen", "prototype"] = Field(
        description=(
            "`train`: its pairs train models; `validation`: its pairs choose checkpoint, threshold and "
            "temperature; `unseen`: only the evaluation reads it; `prototype`: a line with tracks and "
            "without pairs, which tells, as the `train` lines do, what the graph expects of the landscape of "
            "other lines, and is neither trained on nor evaluated."
        )
    )
    sex: Literal["female", "male", "unknown"] = Field(description="Sex of the donor.")
    condition: Literal["normal", "cancer", "unknown"] = Field(description="State of the cells.")
    pairs: OptionalFile = Field(
        description=(
            "Table of labelled enhancer-promoter pairs, plain or gzip; `.` for a prototype, and for no other "
            "line."
        )
    )
    pairs_format: Literal[
        "auto",
        "cbat",
        "targetfinder",
        "cboep",
        "bengi",
        "encode_crispr",
        "enhanceratlas",
        "encode_re2g",
        "abc",
        "bedpe",
        "bedpe_enhancer_first",
        "loops",
    ] = Field(
        description=(
            "`auto`: recognised by the first row; `cbat`: TSV with enhancer and promoter coordinates and "
            "label; `targetfinder`: `pairs.csv`, or CSV of `LINE|chr:start-end` names and label; `cboep`: "
            "CSV of the CBOEP negative generator; `bengi`: headerless TSV of the BENGI benchmark; "
            "`encode_crispr`: ENCODE's tables of CRISPR screens, rows of the line's CellType; "
            "`enhanceratlas`: interactions of EnhancerAtlas 2.0; `encode_re2g`, `abc`: tables of "
            "predictions; `bedpe`: enhancer and promoter, told apart by `enhancers` and `promoters`, with "
            "label or score; `bedpe_enhancer_first`: the same, end 1 is the enhancer; `loops`: HiCCUPS list, "
            "BEDPE, ibed, interact or longrange, laid over `enhancers` and `promoters`. "
            "See `docs/formats.md`. "
            "A prototype has `auto`."
        )
    )
    enhancers: Annotated[Path | None, BeforeValidator(_nothing_for_dot)] = Field(
        description=(
            "Candidate enhancers: BED, narrowPeak or broadPeak, plain or gzip; or `.` to take those of the "
            "pairs."
        )
    )
    promoters: Annotated[Path | None, BeforeValidator(_nothing_for_dot)] = Field(
        description=(
            "Candidate promoters: as enhancers (the strand is used), or GTF, of which transcription starts "
            "are taken; or `.` to take those of the pairs."
        )
    )
    score_threshold: Annotated[
        float | None, Field(allow_inf_nan=False), BeforeValidator(_nothing_for_dot)
    ] = Field(
        None,
        description=(
            "May be left out. Pairs that score this much or more are contacts: needed by `encode_re2g`, "
            "`abc` and a `bedpe` without labels, possible with `enhanceratlas`, `.` for the other formats."
        ),
    )
    score_column: Annotated[str | None, BeforeValidator(_nothing_for_dot)] = Field(
        None,
        description=(
            "May be left out. Column of the scores that `score_threshold` is for, where the table has "
            "several (such as `ENCODE-rE2G.Score.qnorm`); `.` for the only one."
        ),
    )
    active_enhancers: OptionalFile = Field(
        None,
        description=(
            "May be left out. Peaks of active enhancers (H3K27ac, ATAC or DNase): BED, narrowPeak or "
            "broadPeak, plain or gzip; `.` where the line has none."
        ),
    )
    active_promoters: OptionalFile = Field(
        None, description="May be left out. Peaks of active promoters (H3K4me3), likewise."
    )
    insulators: OptionalFile = Field(
        None, description="May be left out. Peaks of insulators (CTCF), likewise; a strand column is used."
    )
    accessibility: OptionalFile = Field(
        None,
        description=(
            "May be left out. Signal of accessibility (ATAC, DNase) at the line's candidate enhancers, for "
            "laws of regulation: a bigWig, or a file of intervals with numbers (narrowPeak, broadPeak, BED, "
            "or a table with a header, of whose column CellType the rows of the line count; "
            "`landscape.signals` names the column); `.` where the line has none."
        ),
    )
    enhancer_mark: OptionalFile = Field(
        None,
        description="May be left out. Signal of a mark of active enhancers (H3K27ac) there, likewise.",
    )
    ontology_id: str = Field(
        ".",
        description="Identifier in an ontology of cells (CL, BTO, EFO), or `.`; optional, for people.",
    )
    source: str = Field(
        ".", description="Where tissue, sex and condition are stated, or `.`; optional, for people."
    )
    line: int = Field(0, exclude=True, repr=False, description="Line of the sheet, for messages.")

    @property
    def cohort(self) -> Cohort:
        """Cell lines that training may read, those that it must not, or those that have no pairs."""
        if self.role in ("unseen", "prototype"):
            return self.role
        return "training"

    @property
    def pairs_file(self) -> Path:
        """The file of pairs.

        Raises
        ------
        UserError
            The line is a prototype, which has none.
        """
        if self.pairs is None:
            raise UserError(
                f"the cell line {self.cell_line!r} is a prototype, which has no labelled pairs",
                mend="name a line of another role",
                where=f"line {self.line}",
            )
        return self.pairs

    @property
    def files(self) -> dict[str, Path]:
        """The files that the row names, by column."""
        named = {"pairs": self.pairs, "enhancers": self.enhancers, "promoters": self.promoters}
        return (
            {column: path for column, path in named.items() if path is not None} | self.tracks | self.signals
        )

    @property
    def tracks(self) -> dict[str, Path]:
        """The files of peaks that the row names, by kind of track (:data:`TRACK_KINDS`)."""
        named = {kind: getattr(self, kind) for kind in TRACK_KINDS}
        return {kind: path for kind, path in named.items() if path is not None}

    @property
    def signals(self) -> dict[str, Path]:
        """The files of signals at candidates that the row names, by name (:data:`ELEMENT_SIGNALS`)."""
        named = {name: getattr(self, name) for name in ELEMENT_SIGNALS}
        return {name: path for name, path in named.items() if path is not None}


class Tissue(Section):
    """One row of the sheet of tissues."""

    tissue: Name = Field(description="Name of the tissue.")
    germ_layer: Literal["ectoderm", "mesoderm", "endoderm", "unknown"] = Field(
        description="Germ layer that the tissue develops from."
    )
    parent: Annotated[Name | None, BeforeValidator(_nothing_for_dot)] = Field(
        description="Wider tissue that it belongs to, a row of this sheet, or `.`."
    )
    ontology_id: str = Field(
        ".", description="Identifier in an ontology of anatomy (UBERON), or `.`; optional, for people."
    )
    source: str = Field(".", description="Where the germ layer is stated, or `.`; optional, for people.")
    line: int = Field(0, exclude=True, repr=False, description="Line of the sheet, for messages.")


Row = TypeVar("Row", CellLine, Tissue)


def read_cell_lines(path: str | Path, *, cohort: Cohort | None = None) -> tuple[CellLine, ...]:
    """Read the sheet of cell lines.

    Parameters
    ----------
    path : str or Path
        The sheet.
    cohort : {"training", "unseen", "prototype"}, optional
        Keep the rows of this cohort only.

    Returns
    -------
    tuple of CellLine
        In the order of the sheet.

    Raises
    ------
    UserError
        Missing file, missing or unknown column, malformed row, a name given twice.
    """
    rows = _read_sheet(path, CellLine, "cell line")
    for row in rows:
        for check in (_check_name, _check_prototype, _check_pairs, _check_tracks):
            with independent():
                check(row, path)
    for check_all in (_check_own_pairs, _check_own_tracks):
        with independent():
            check_all(rows, path)
    return tuple(row for row in rows if cohort is None or row.cohort == cohort)


def _check_name(row: CellLine, path: str | Path) -> None:
    if row.cell_line in RESERVED_CELL_LINES:
        raise UserError(
            f"the cell line is called {row.cell_line!r}, a word that the tables of results reserve",
            mend="choose another name",
            file=path,
            where=f"line {row.line}",
        )


def _check_own_pairs(rows: Sequence[CellLine], path: str | Path) -> None:
    """Two lines with the same labels would train on what they are tested with."""
    first: dict[tuple[Path | None, str], CellLine] = {}
    for row in rows:
        mine = plain_name(row.cell_line) if row.pairs_format in OF_SEVERAL_LINES else ""
        if row.pairs is not None and (other := first.setdefault((row.pairs, mine), row)) is not row:
            raise UserError(
                f"the pairs of the cell line {row.cell_line!r} are those of {other.cell_line!r} (line "
                f"{other.line}): {row.pairs}",
                mend="name the line's own file, or delete one of the two rows",
                file=path,
                where=f"line {row.line}",
            )


def _check_own_tracks(rows: Sequence[CellLine], path: str | Path) -> None:
    """A line would be told of itself by another one with the same peaks."""
    first: dict[Path, CellLine] = {}
    for row in rows:
        for kind, file in row.tracks.items():
            if (other := first.setdefault(file, row)) is not row:
                raise UserError(
                    f"the {kind} of {row.cell_line!r} are peaks of {other.cell_line!r} (line {other.line}): "
                    f"{file}",
                    mend="name the line's own file, or write '.' for a kind of track that it lacks",
                    file=path,
                    where=f"line {row.line}",
                )


def _check_prototype(row: CellLine, path: str | Path) -> None:
    """A prototype has tracks and nothing else; all other lines have pairs."""
    problem = mend = ""
    if row.role != "prototype":
        if row.pairs is None:
            problem = "pairs is '.', which is for the role prototype alone"
            mend = "name a file; of the files only pairs may not be '.'"
    elif given := [name for name in _OF_PAIRS if getattr(row, name) is not None]:
        problem = f"the prototype {row.cell_line!r} has {given[0]}, which is for lines with labelled pairs"
        mend = "write '.' there, or give the line another role"
    elif row.pairs_format != AUTO:
        problem = f"the prototype {row.cell_line!r} has pairs in the format {row.pairs_format}, and no pairs"
        mend = f"write {AUTO!r} as pairs_format"
    elif not row.tracks:
        problem = f"the prototype {row.cell_line!r} has no track"
        mend = f"name peaks in one of the columns {', '.join(TRACK_KINDS)}, or delete the row"
    if problem:
        raise UserError(problem, mend=mend, file=path, where=f"line {row.line}")


def _check_pairs(row: CellLine, path: str | Path) -> None:
    """What the format of the pairs asks of the rest of the row."""
    problem = mend = ""
    if row.pairs_format in NEEDS_THRESHOLD and row.score_threshold is None:
        problem = f"pairs in the format {row.pairs_format} have scores and no labels"
        mend = "add the column score_threshold, with the lowest score of a contact in this row"
    elif row.pairs_format not in {AUTO, *TAKES_THRESHOLD} and row.score_threshold is not None:
        problem = f"pairs in the format {row.pairs_format} have no scores, but score_threshold is given"
        mend = "write '.' there"
    elif row.pairs_format not in {AUTO, *TAKES_SCORE_COLUMN} and row.score_column is not None:
        problem = (
            f"pairs in the format {row.pairs_format} have no scores to choose, but score_column is given"
        )
        mend = "write '.' there"
    elif row.pairs_format == "loops" and None in (row.enhancers, row.promoters):
        problem = "loops need candidate enhancers and promoters to be laid over"
        mend = "name a BED in the columns enhancers and promoters (promoters: or a GTF)"
    if problem:
        raise UserError(problem, mend=mend, file=path, where=f"line {row.line}")


def _check_tracks(row: CellLine, path: str | Path) -> None:
    """Peaks of one file would count as two kinds of track."""
    first: dict[Path, str] = {}
    for kind, file in row.tracks.items():
        if (other := first.setdefault(file, kind)) != kind:
            raise UserError(
                f"{other} and {kind} of the cell line {row.cell_line!r} are one file: {file}",
                mend="name the peaks of each assay, or write '.' for the one that the line lacks",
                file=path,
                where=f"line {row.line}",
            )


def read_tissues(path: str | Path) -> tuple[Tissue, ...]:
    """Read the sheet of tissues, in its order; see :func:`read_cell_lines` for the errors."""
    rows = _read_sheet(path, Tissue, "tissue")
    known = {row.tissue for row in rows}
    for row in rows:
        if row.parent is not None and row.parent not in known:
            raise UserError(
                f"the parent {row.parent!r} of the tissue {row.tissue!r} is not in the sheet"
                + did_you_mean(row.parent, known),
                mend=f"add a row for {row.parent!r}, or write '.' for no parent",
                file=path,
                where=f"line {row.line}",
            )
    return rows


def check_tissues(
    cell_lines: Iterable[CellLine], tissues: Iterable[Tissue], *, file: str | Path, tissue_file: str | Path
) -> None:
    """Raise `UserError` for a cell line (of ``file``) whose tissue has no row in ``tissue_file``."""
    known = sorted({row.tissue for row in tissues})
    for row in cell_lines:
        if row.tissue in known or row.tissue == "unknown":
            continue
        with independent():
            raise UserError(
                f"the tissue {row.tissue!r} of the cell line {row.cell_line!r} is not in {tissue_file}"
                + did_you_mean(row.tissue, known),
                mend=f"add a row for {row.tissue!r} to {tissue_file}, or use one of: {', '.join(known)}",
                file=file,
                where=f"line {row.line}",
            )


def find_cell_line(path: str | Path, name: str) -> CellLine:
    """The row of one cell line of the sheet ``path``."""
    rows = read_cell_lines(path)
    for row in rows:
        if row.cell_line == name:
            return row
    raise UserError(
        f"there is no cell line {name!r}" + did_you_mean(name, [row.cell_line for row in rows]),
        mend="name a cell line of the sheet, or add a row for it",
        file=path,
    )


def sheet_columns(row_class: type[CellLine | Tissue]) -> tuple[str, ...]:
    """Names of the columns of a sheet."""
    return tuple(name for name in row_class.model_fields if name != "line")


def required_columns(row_class: type[CellLine | Tissue]) -> tuple[str, ...]:
    """Columns that a sheet must have; the others have a default."""
    return tuple(name for name in sheet_columns(row_class) if row_class.model_fields[name].is_required())


def _read_sheet(path: str | Path, row_class: type[Row], kind: str) -> tuple[Row, ...]:
    lines = _split_lines(path, kind)
    header_number, header = lines[0]
    columns = sheet_columns(row_class)
    _check_header(header, columns, required_columns(row_class), path, header_number)
    rows: list[Row] = []
    seen: dict[str, int] = {}
    for number, fields in lines[1:]:
        with independent():
            if len(fields) != len(header):
                raise UserError(
                    f"{len(fields)} fields where the header has {len(header)}",
                    mend="separate the fields with single tabs and write '.' in empty fields",
                    file=path,
                    where=f"line {number}",
                )
            row = _parse_row(row_class, dict(zip(header, fields, strict=True)), path, number)
            name = fields[header.index(columns[0])]
            # Results of K562 and k562 would share a folder on file systems that ignore case.
            if (first := seen.setdefault(name.lower(), number)) != number:
                raise UserError(
                    f"the {kind} {name!r} is already in line {first}",
                    mend="give every row a unique name, or delete one of the two",
                    file=path,
                    where=f"line {number}",
                )
            rows.append(row)
    if len(lines) == 1:
        raise UserError("the sheet has a header but no rows", mend=f"add one row for each {kind}", file=path)
    return tuple(rows)


def _split_lines(path: str | Path, kind: str) -> list[tuple[int, list[str]]]:
    """Numbered lines, split at tabs; the first is the header."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError(
            f"the sheet of {kind}s does not exist",
            mend="create it, or correct its path in the configuration (paths start at the working directory)",
            file=path,
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(
            f"the sheet of {kind}s cannot be read ({error})",
            mend="make it readable, and save it as a plain UTF-8 text file",
            file=path,
        ) from error
    lines = [
        (number, [field.strip() for field in line.split("\t")])
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise UserError(
            f"the sheet of {kind}s is empty", mend="start it with a header line of column names", file=path
        )
    return lines


def _check_header(
    header: Sequence[str], columns: Sequence[str], required: Sequence[str], path: str | Path, number: int
) -> None:
    where = f"line {number}"
    if len(header) == 1 and header[0] not in columns:
        raise UserError(
            "the header holds no tab",
            mend="separate the columns with tabs, starting with the header: " + ", ".join(required),
            file=path,
            where=where,
        )
    for column in header:
        if column not in columns:
            raise UserError(
                f"unknown column {column!r}" + did_you_mean(column, columns),
                mend="rename or delete it; the columns are: " + ", ".join(columns),
                file=path,
                where=where,
            )
        if header.count(column) > 1:
            raise UserError(
                f"the column {column!r} occurs twice", mend="delete one of the two", file=path, where=where
            )
    if missing := [column for column in required if column not in header]:
        raise UserError(
            f"the column{'s' if len(missing) > 1 else ''} {', '.join(map(repr, missing))} "
            f"{'are' if len(missing) > 1 else 'is'} missing",
            mend="add it to the header and to every row; needed are: " + ", ".join(required),
            file=path,
            where=where,
        )


def _parse_row(row_class: type[Row], fields: dict[str, Any], path: str | Path, number: int) -> Row:
    where = f"line {number}"
    for column, value in fields.items():
        if value == "":
            raise UserError(
                f"the field {column!r} is empty",
                mend="fill it in, or write '.' where the column allows it",
                file=path,
                where=where,
            )
    try:
        return row_class(**fields, line=number)
    except ValidationError as error:
        first = error.errors()[0]
        column, value = str(first["loc"][0]), str(first["input"])
        problem, mend = f"{column} is {value!r}", "correct the field"
        if first["type"] == "literal_error":
            choices = _choices(row_class, column)
            problem += did_you_mean(value, choices)
            mend = f"write one of: {', '.join(choices)}"
        elif first["type"] == "string_pattern_mismatch":
            problem += ", which cannot be a part of a file name"
            mend = "use letters, digits, '_', '-' and '+' only, starting with a letter or a digit"
            mend += "; a tissue that nobody knows is 'unknown'" if column == "tissue" else ""
        elif first["type"] in ("float_parsing", "finite_number"):
            mend = "write a number such as 0.02, or '.' for none"
        raise UserError(problem, mend=mend, file=path, where=where) from error


def _choices(row_class: type[CellLine | Tissue], column: str) -> list[str]:
    schema = row_class.model_json_schema()["properties"][column]
    return [str(choice) for choice in schema["enum"]]
