"""Do files of positions speak of the same contigs? One that names them otherwise would count as empty.

Every reader of positions compares its contigs with those of the files beside it, by the functions of this
module: names that differ in case, in ``chr`` or in leading zeros alone stop a run, and so do files that share
no contig. Where a part of the rows is on contigs that the other lacks, that is counted, and above
:data:`MANY` of them it is a warning.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Final

import pandas as pd

from cbat.data.accessions import chromosome_of, kind_of_accession
from cbat.data.contigs import (
    ELSEWHERE,
    KEY,
    LEFT_OUT,
    SHIPPED,
    SHIPPED_ACCESSIONS,
    SHIPPED_BACK,
    ContigNames,
    first_names,
    plain_contig,
)
from cbat.errors import UserError

MANY: Final = 0.05
"""A larger share of rows on contigs that another file lacks is warned of."""
_UCSC_OF: Final = {**{name: f"chr{name}" for name in (*map(str, range(1, 23)), "X", "Y")}, "MT": "chrM"}
"""Ensembl's names of human chromosomes -> UCSC's, as the tables that ship have them."""
_ENSEMBL_OF: Final = {ucsc: ensembl for ensembl, ucsc in _UCSC_OF.items()}
_logger = logging.getLogger(__name__)


def first_lines(table: pd.DataFrame) -> dict[str, int]:
    """Contig -> the first line that names it, of a table with ``chrom`` and ``line``, in its order."""
    first = table.drop_duplicates("chrom")
    return dict(zip(first["chrom"], first["line"].tolist(), strict=True))


def rows_of(chrom: pd.Series) -> dict[str, int]:
    """Contig -> how many rows are on it, in the order of the rows."""
    counts = chrom.value_counts(sort=False)
    return {str(name): int(counts[name]) for name in chrom.unique()}


def check_shared(
    path: Path,
    lines: Mapping[str, int],
    others: Mapping[str, Collection[str]],
    contigs: ContigNames | None = None,
) -> None:
    """Make sure that a file shares contigs with each of the others, and names none of theirs otherwise.

    Parameters
    ----------
    path : Path
        The file, for messages.
    lines : mapping
        Contig of the file -> the first line that names it; 0 for a file that is no text.
    others : mapping
        Who else names contigs, for messages (``"the genome"``) -> these contigs. Empty ones say nothing.
    contigs : ContigNames, optional
        The table of names that has been applied, to tell one that maps the other way.

    Raises
    ------
    UserError
        A contig has a name that differs from theirs in case or ``chr`` alone, or none is shared.
    """
    for whose, known in others.items():
        if not lines or not known:
            continue
        if (alias := alias_of(lines, known)) is not None:
            raise named_otherwise(path, lines[alias[0]], *alias, whose, contigs)
        if not set(lines).isdisjoint(known):
            continue
        first = next(iter(lines))
        raise UserError(
            f"no chromosome of this file is in {whose}: here {first_names(list(lines))}, there "
            f"{first_names(sorted(known))}",
            mend=_turned_in_words(contigs, lines, known)
            or _accession_in_words([*lines][:1], known)
            or f"name a file of the same species and assembly, or map the names in the table of {KEY} "
            f"({ELSEWHERE})",
            file=path,
            where=_where(lines[first]),
        )


def alias_of(mine: Collection[str], known: Collection[str]) -> tuple[str, str] | None:
    """The first name of ``mine`` that ``known`` has in another case or with or without ``chr``, and that."""
    taken = set(known)
    odd = [name for name in mine if name not in taken]
    if not odd:
        return None
    plain: dict[str, str] = {}
    for name in known:
        plain.setdefault(plain_contig(name), name)
    return next(((name, plain[one]) for name in odd if (one := plain_contig(name)) in plain), None)


def named_otherwise(
    path: Path | str,
    line: int | None,
    mine: str,
    theirs: str,
    whose: str,
    contigs: ContigNames | None = None,
) -> UserError:
    """The error for contigs that two files name in two ways; a file that is no text has no lines."""
    problem = f"chromosomes are named like {mine!r} here, but like {theirs!r} in {whose}"
    where = _where(line)
    if turned := _turned_in_words(contigs, [mine], [theirs]):
        return UserError(problem, mend=turned, file=path, where=where)
    if contigs is not None and contigs.path is not None:
        mend = f"add a row to {contigs.path}, the table of {KEY}, that maps {mine!r} to {theirs!r}"
    else:
        mend = f"set {KEY} to a table of names that maps {mine!r} to {theirs!r}"
        mend += f"{_shipped_in_words(mine, theirs)}, or rename them in one of the two"
        mend += f" ({ELSEWHERE})"
    return UserError(problem, mend=mend, file=path, where=where)


def unknown_contig(
    chrom: str,
    known: Collection[str],
    whose: str,
    *,
    file: Path,
    line: int,
    contigs: ContigNames | None = None,
) -> UserError:
    """The error for a contig that ``whose`` (the genome, for one) does not name.

    Parameters
    ----------
    chrom : str
        The unknown name.
    known : collection of str
        The names that are known.
    whose : str
        Who knows them, for the message: ``"the genome"``.
    file, line
        Where the unknown name stands.
    contigs : ContigNames, optional
        See :func:`check_shared`.
    """
    if (alias := alias_of([chrom], known)) is not None:
        return named_otherwise(file, line, *alias, whose, contigs)
    mend = _turned_in_words(contigs, [chrom], known) or _accession_in_words([chrom], known)
    return UserError(
        f"{whose} has no contig {chrom!r}, only {first_names(known)}",
        mend=mend
        or f"name a genome that has the contig, or leave its rows out: remove them, or map {chrom!r} to "
        f"'{LEFT_OUT}' in the table of {KEY}",
        file=file,
        where=_where(line),
    )


def correct_name(chrom: str, known: Collection[str], whose: str) -> str:
    """What to write in place of a name of a chromosome that ``whose`` (who do so) do not have, as advice."""
    alias = alias_of([chrom], known)
    return "correct or remove it" if alias is None else f"write {alias[1]!r}, as {whose}"


def elsewhere(rows: Mapping[str, int], known: Collection[str], whose: str, what: str) -> str | None:
    """A warning about rows on contigs that another file lacks; None where they are few.

    Parameters
    ----------
    rows : mapping
        Contig -> rows of the file, see :func:`rows_of`.
    known : collection of str
        Contigs of the other.
    whose : str
        Who the other is: ``"the genome"``.
    what : str
        What the rows are, in the plural: ``"peaks"``.
    """
    missing = {name: n for name, n in rows.items() if name not in known}
    n, total = sum(missing.values()), sum(rows.values())
    if not total or n <= MANY * total:
        return None
    often = sorted(missing, key=lambda name: -missing[name])
    told = f"{n:,} of {total:,} {what} ({n / total:.0%}) are on contigs that {whose} lacks: "
    hint = _accession_in_words(often[:1], known)
    return told + first_names(often) + (f"; {hint}" if hint else "")


def tell_elsewhere(
    path: Path, rows: Mapping[str, int], others: Mapping[str, Collection[str]], what: str
) -> list[str]:
    """Log and return the warnings of :func:`elsewhere` about a file, for each of the others.

    Parameters
    ----------
    path : Path
        The file.
    rows, what
        See :func:`elsewhere`.
    others : mapping
        See :func:`check_shared`.
    """
    found = (elsewhere(rows, known, whose, what) for whose, known in others.items() if known)
    warnings = [f"{path}: {one}" for one in found if one is not None]
    for warning in warnings:
        _logger.warning("%s", warning)
    return warnings


def _where(line: int | None) -> str | None:
    return f"line {line}" if line else None


def _shipped_in_words(mine: str, theirs: str) -> str:
    """The table that ships and maps a name so, if there is one."""
    if _UCSC_OF.get(mine) == theirs:
        return f" ({SHIPPED} does so for 1, ..., X, Y, MT and chr1, ..., chrX, chrY, chrM)"
    if _ENSEMBL_OF.get(mine) == theirs:
        return f" ({SHIPPED_BACK} does so for chr1, ..., chrX, chrY, chrM and 1, ..., X, Y, MT)"
    return " (tab-separated, with the columns given and genome)"


def _turned_in_words(contigs: ContigNames | None, mine: Collection[str], known: Collection[str]) -> str:
    """Advice for a table that maps the names of the other to those of this file; empty for any other."""
    if contigs is None:
        return ""
    pair = next(
        ((given, name) for given, name in contigs.renamed.items() if given in known and name in mine), None
    )
    if pair is None:
        return ""
    other = SHIPPED_BACK if _UCSC_OF.get(pair[0]) == pair[1] else SHIPPED
    shipped = f", or name {other}" if pair[0] in _UCSC_OF or pair[0] in _ENSEMBL_OF else ""
    return (
        f"reverse the table of {KEY} ({contigs.path}), which maps {pair[0]!r} to {pair[1]!r}: swap the "
        f"words given and genome in its first line{shipped}"
    )


def _accession_in_words(names: Collection[str], known: Collection[str]) -> str:
    """Advice for the first of some names that is an accession, or where the other has accessions."""
    for name in names:
        if (kind := kind_of_accession(name)) is not None:
            if (human := chromosome_of(name)) is None:
                return (
                    f"{name!r} looks like an accession of {kind}: map such names to those of the other file "
                    f"in the table of {KEY} ({ELSEWHERE}); NCBI's assembly report "
                    "lists both"
                )
            assembly, chrom = human
            table = SHIPPED_ACCESSIONS.format(assembly=assembly)
            theirs = (alias_of([chrom], known) or (chrom, chrom))[1]
            told = f"{name!r} is the accession of {kind} for {chrom} of {assembly}: "
            if theirs == chrom:
                return f"{told}set {KEY} to {table} ({ELSEWHERE})"
            return (
                f"{told}set {KEY} to a copy of {table} with {theirs!r} in place of {chrom!r}, and so on "
                f"({ELSEWHERE})"
            )
    accessions = [name for name in known if kind_of_accession(name) is not None]
    if not accessions or not names:
        return ""
    first = next(iter(names))
    known_ones = {name: chromosome_of(name) for name in accessions}
    of_plain = {plain_contig(one[1]): name for name, one in known_ones.items() if one is not None}
    theirs = of_plain.get(plain_contig(first), accessions[0])
    return (
        f"the other file has accessions of {kind_of_accession(theirs)}: map {first!r} to its own, such as "
        f"{theirs!r}, and so on in the table of {KEY} ({ELSEWHERE})"
    )
