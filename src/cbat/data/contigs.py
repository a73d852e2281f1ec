"""Names of contigs: what a file calls them and what the genome does.

Nothing is guessed. A name stays as it is unless the table of ``genome.contig_names`` says otherwise.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.data.text_tables import read_headed
from cbat.errors import UserError

LEFT_OUT: Final = "."
"""Stands in the column ``genome`` for a contig whose rows are left out."""
KEY: Final = "genome.contig_names"
WITHOUT_GENOME: Final = "landscape.contig_names"
SHIPPED: Final = "resources/contig_names/human_ensembl_to_ucsc.tsv"
"""Maps 1, ..., 22, X, Y, MT to chr1, ..., chr22, chrX, chrY, chrM."""
_logger = logging.getLogger(__name__)
_MITOCHONDRION: Final = {"MT": "chrM", "chrM": "MT"}


@dataclass(frozen=True)
class ContigNames:
    """What files call contigs -> what the genome calls them, or ``.`` for contigs to leave out.

    Attributes
    ----------
    renamed : mapping
        Names that are not here stay as they are.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)

    @property
    def left_out(self) -> frozenset[str]:
        """What files call the contigs whose rows are left out."""
        return frozenset(given for given, genome in self.renamed.items() if genome == LEFT_OUT)

    def with_all_rows(self) -> ContigNames:
        """The same, but contigs to leave out keep their rows and the names that files give them."""
        return ContigNames({given: name for given, name in self.renamed.items() if name != LEFT_OUT})

    def apply(self, names: NDArray[np.object_]) -> NDArray[np.object_]:
        """The genome's names, ``shape=(n,)``."""
        if not self.renamed:
            return names
        codes, given = pd.factorize(names)
        new = np.array([self.renamed.get(name, name) for name in given] + [None], dtype=object)
        return np.asarray(new[codes], dtype=object)

    def rename(self, table: pd.DataFrame, *columns: str) -> pd.DataFrame:
        """``table`` with the genome's names in ``columns``, without the rows of contigs to leave out."""
        if not self.renamed:
            return table
        table = table.assign(
            **{column: self.apply(table[column].to_numpy(dtype=object)) for column in columns}
        )
        out = np.zeros(len(table), dtype=bool)
        for column in columns:
            out |= (table[column] == LEFT_OUT).to_numpy()
        if not out.any():
            return table
        _logger.info("%d of %d rows are on contigs that %s leaves out", out.sum(), len(table), KEY)
        return table[~out].reset_index(drop=True)


def read_contig_names(path: str | Path | None) -> ContigNames:
    """Read the table of contig names.

    Parameters
    ----------
    path : str or Path, optional
        TSV with the columns ``given`` and ``genome``; lines that start with ``#`` and hold no tab are
        comments. None renames nothing.

    Raises
    ------
    UserError
        A malformed table, or a name that is given twice.
    """
    if path is None:
        return ContigNames()
    table = read_headed(path, delimiter="\t", required=("given", "genome"), comments=True)
    given, genome = table.names("given"), table.names("genome")
    renamed: dict[str, str] = {}
    for row, name in enumerate(given):
        if name in renamed:
            raise table.fail(row, f"the contig {name!r} is given twice", "delete one of the two")
        renamed[str(name)] = str(genome[row])
    return ContigNames(renamed)


def other_style(chrom: str) -> str:
    """``1`` for ``chr1``, ``MT`` for ``chrM``, and the other way round."""
    if chrom in _MITOCHONDRION:
        return _MITOCHONDRION[chrom]
    return chrom.removeprefix("chr") if chrom.startswith("chr") else f"chr{chrom}"


def first_names(known: Collection[str]) -> str:
    """Some names of contigs, for a message."""
    return ", ".join(list(known)[:5]) + (", ..." if len(known) > 5 else "")


def unknown_contig(chrom: str, known: Collection[str], whose: str, *, file: Path, line: int) -> UserError:
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
    """
    other = other_style(chrom)
    if other in known:
        problem = f"chromosomes are named like {chrom!r} here, but like {other!r} in {whose}"
        mend = (
            f"set {KEY} to a table of names that maps {chrom!r} to {other!r} ({SHIPPED} does so for 1, ..., "
            "X, Y, MT and chr1, ..., chrX, chrY, chrM), or rename them in one of the two; without a genome "
            f"the key is {WITHOUT_GENOME}"
        )
    else:
        problem = f"{whose} has no contig {chrom!r}, only {first_names(known)}"
        mend = (
            f"name a genome that has the contig, or leave its rows out: remove them, or map {chrom!r} to "
            f"'{LEFT_OUT}' in the table of {KEY}"
        )
    return UserError(problem, mend=mend, file=file, where=f"line {line}")
