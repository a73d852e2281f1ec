"""Do files of positions speak of the same contigs? One that names them otherwise would count as empty."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import pandas as pd

from cbat.data.contigs import KEY, SHIPPED, WITHOUT_GENOME, first_names
from cbat.errors import UserError


def first_lines(table: pd.DataFrame) -> dict[str, int]:
    """Contig -> the first line that names it, of a table with ``chrom`` and ``line``, in its order."""
    first = table.drop_duplicates("chrom")
    return dict(zip(first["chrom"], first["line"].tolist(), strict=True))


def check_shared(path: Path, lines: Mapping[str, int], others: Mapping[str, Collection[str]]) -> None:
    """Make sure that a file shares contigs with each of the others, and names none of theirs otherwise.

    Parameters
    ----------
    path : Path
        The file, for messages.
    lines : mapping
        Contig of the file -> the first line that names it.
    others : mapping
        Who else names contigs, for messages (``"the genome"``) -> these contigs. Empty ones say nothing.

    Raises
    ------
    UserError
        A contig has a name that differs from theirs in case or ``chr`` alone, or none is shared.
    """
    for whose, known in others.items():
        if not lines or not known:
            continue
        if (alias := alias_of(lines, known)) is not None:
            raise named_otherwise(path, lines[alias[0]], *alias, whose)
        if not set(lines).isdisjoint(known):
            continue
        first = next(iter(lines))
        raise UserError(
            f"no chromosome of this file is in {whose}: here {first_names(list(lines))}, there "
            f"{first_names(sorted(known))}",
            mend=f"name a file of the same species and assembly, or map the names in the table of {KEY} "
            f"(without a genome {WITHOUT_GENOME})",
            file=path,
            where=f"line {lines[first]}",
        )


def alias_of(mine: Collection[str], known: Collection[str]) -> tuple[str, str] | None:
    """The first name of ``mine`` that ``known`` has in another case or with or without ``chr``, and that."""
    plain = {_plain(name): name for name in known}
    taken = set(known)
    return next(
        ((name, plain[_plain(name)]) for name in mine if name not in taken and _plain(name) in plain), None
    )


def named_otherwise(path: Path, line: int | None, mine: str, theirs: str, whose: str) -> UserError:
    """The error for contigs that two files name in two ways; a file that is no text has no lines."""
    shipped = f" ({SHIPPED} maps 1, ..., X, Y, MT to chr1, ..., chrX, chrY, chrM)"
    return UserError(
        f"chromosomes are named like {mine!r} here, but like {theirs!r} in {whose}",
        mend=f"set {KEY} to a table of names that maps {mine!r} to {theirs!r}"
        + (shipped if theirs.startswith("chr") else "")
        + f", or rename them in one of the two; without a genome the key is {WITHOUT_GENOME}",
        file=path,
        where=None if line is None else f"line {line}",
    )


def _plain(chrom: str) -> str:
    name = chrom.casefold().removeprefix("chr")
    return "m" if name == "mt" else name
