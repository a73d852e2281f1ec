"""The registry of published raw files: what can be fetched, from where, and how it is recognised.

A TSV file with a header line. Lines that start with ``#`` and empty lines are skipped. Every mistake is told
with the file and the number of its line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, ValidationError

from cbat.config.sections import Address, Config, Name, Section
from cbat.config.suggestions import did_you_mean
from cbat.errors import UserError

DOWNLOAD_DIRECTORY: Final = Path("resources/downloads")
"""Where fetched files lie; a path inside it need not exist when the registry has a file of that name."""

_MENDS: Final = {
    "name": "use letters, digits, '_', '-' and '+' only, starting with a letter or a digit",
    "url": "write an address that starts with https://, http:// or file://",
    "file": "write a name of letters, digits, '.', '_', '-' and '+' that ends neither in .part nor in .json",
    "sha256": "write the 64 hexadecimal digits of its SHA-256 in lower case, or '.' where it is not known",
    "bytes": "write the length of the published file in bytes, or '.' where it is not known",
    "unpack": "write one of: none, gzip, pack",
}  # fmt: skip


def _nothing_for_dot(value: object) -> object:
    return None if value == "." else value


def _no_other_use(value: str) -> str:
    if value.endswith((".part", ".json")):
        raise ValueError("the ending is taken")
    return value


class Source(Section):
    """One row of the registry."""

    name: Name = Field(description="Name of the source, for `cbat download --name`.")
    version: str = Field(description="Release, or the commit of a repository.")
    url: Address = Field(description="Where it is published.")
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._+-]*$"), BeforeValidator(_no_other_use)] = (
        Field(description="Name of the file below `resources/downloads`.")
    )
    sha256: Annotated[
        Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None, BeforeValidator(_nothing_for_dot)
    ] = Field(description="SHA-256 of the file as published, or `.` where it is not known.")
    bytes: Annotated[Annotated[int, Field(ge=1)] | None, BeforeValidator(_nothing_for_dot)] = Field(
        description="Length of the file as published, or `.` where it is not known."
    )
    unpack: Literal["none", "gzip", "pack"] = Field(
        description="`none`: kept as it is; `gzip`: unpacked; `pack`: published plain, kept as gzip."
    )
    licence: str = Field(description="Licence or terms of use, in words.")
    citation: str = Field(description="What to cite.")
    line: int = Field(0, exclude=True, repr=False, description="Line of the registry, for messages.")


COLUMNS: Final = tuple(name for name in Source.model_fields if name != "line")


def read_sources(path: str | Path) -> tuple[Source, ...]:
    """Read the registry, in its order.

    Raises
    ------
    UserError
        Missing file, missing or unknown column, malformed row, a name or a file given twice.
    """
    lines = _split_lines(path)
    header = lines[0][1]
    _check_header(header, path, lines[0][0])
    rows: list[Source] = []
    seen: dict[tuple[str, str], int] = {}
    for number, fields in lines[1:]:
        if len(fields) != len(header) or "" in fields:
            raise UserError(
                f"{len([field for field in fields if field])} fields where the header has {len(header)}",
                mend="separate the fields with single tabs and write '.' in empty fields",
                file=path,
                where=f"line {number}",
            )
        row = _parse_row(dict(zip(header, fields, strict=True)), path, number)
        for column, value in (("name", row.name), ("file", row.file)):
            # File systems that ignore case would lay one over the other.
            if (first := seen.setdefault((column, value.lower()), number)) != number:
                raise UserError(
                    f"the {column} {value!r} is already in line {first}",
                    mend=f"give every source a {column} of its own, or delete one of the two",
                    file=path,
                    where=f"line {number}",
                )
        rows.append(row)
    return tuple(rows)


def find_source(path: str | Path, name: str) -> Source:
    """The row of the source ``name`` of the registry ``path``."""
    rows = read_sources(path)
    for row in rows:
        if row.name == name:
            return row
    of_file = {row.file: row.name for row in rows}
    hint = f" (it is the file of {of_file[name]!r})" if name in of_file else ""
    raise UserError(
        f"there is no source {name!r}{hint or did_you_mean(name, [row.name for row in rows])}",
        mend="name a source of the registry, or add a row for it",
        file=path,
    )


def source_of(config: Config, path: Path) -> Source | None:
    """The source that ``path`` can be fetched from; None for a path outside ``resources/downloads``.

    Raises
    ------
    UserError
        No source has a file of that name.
    """
    if path.parent != DOWNLOAD_DIRECTORY:
        return None
    registry = config.retrieval.sources
    files = {row.file: row for row in read_sources(registry)}
    if path.name not in files:
        hint = did_you_mean(path.name, files)
        raise UserError(
            f"{path} does not exist, and no source has the file {path.name!r}{hint}",
            mend=f"correct the name, place the file there manually, or add a row to {registry}",
            file=registry,
        )
    return files[path.name]


def _split_lines(path: str | Path) -> list[tuple[int, list[str]]]:
    """Numbered lines, split at tabs; the first is the header."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        mend = (
            "correct its path in retrieval.sources (it starts at the working directory), or put the files "
            f"into {DOWNLOAD_DIRECTORY} yourself"
        )
        raise UserError(
            f"the registry of sources cannot be read ({reason})",
            mend="save it as UTF-8 text" if isinstance(error, UnicodeDecodeError) else mend,
            file=path,
        ) from error
    lines = [
        (number, [field.strip() for field in line.split("\t")])
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.lstrip().startswith("#")
    ]
    if not lines:
        raise UserError("the registry is empty", mend=f"start it with: {', '.join(COLUMNS)}", file=path)
    return lines


def _check_header(header: list[str], path: str | Path, number: int) -> None:
    unknown = [column for column in header if column not in COLUMNS]
    missing = [column for column in COLUMNS if column not in header]
    problem = ""
    if unknown:
        problem = f"unknown column {unknown[0]!r}{did_you_mean(unknown[0], COLUMNS)}"
    elif missing:
        problem = f"the column {missing[0]!r} is missing"
    elif len(set(header)) < len(header):
        problem = "a column occurs twice"
    if problem:
        raise UserError(
            problem,
            mend=f"write these columns, separated by tabs: {', '.join(COLUMNS)}",
            file=path,
            where=f"line {number}",
        )


def _parse_row(fields: dict[str, Any], path: str | Path, number: int) -> Source:
    try:
        return Source(**fields, line=number)
    except ValidationError as error:
        column = str(error.errors()[0]["loc"][0])
        raise UserError(
            f"{column} is {fields[column]!r}",
            mend=_MENDS.get(column, "correct the field"),
            file=path,
            where=f"line {number}",
        ) from error
