"""Names of contigs: what a file calls them and what the genome does.

Nothing is guessed. A name stays as it is unless the table of ``genome.contig_names`` says otherwise. Whether
files agree is checked in :mod:`cbat.data.contig_checks`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.data.accessions import chromosome_of, kind_of_accession
from cbat.data.text_tables import read_headed

LEFT_OUT: Final = "."
"""Stands in the column ``genome`` for a contig whose rows are left out."""
LEFT_OUT_BY_NAME: Final = "left_out_by_contig_names"
"""Attribute (``attrs``) of a table whose rows :meth:`ContigNames.rename` has left out: how many."""
KEY: Final = "genome.contig_names"
ELSEWHERE: Final = "without a genome landscape.contig_names, in one command --contig-names"
"""Where the table is named where the configuration names no genome, or there is no configuration."""
SHIPPED: Final = "resources/contig_names/human_ensembl_to_ucsc.tsv"
"""Maps 1, ..., 22, X, Y, MT to chr1, ..., chr22, chrX, chrY, chrM."""
SHIPPED_BACK: Final = "resources/contig_names/human_ucsc_to_ensembl.tsv"
"""Maps them back."""
SHIPPED_ACCESSIONS: Final = "resources/contig_names/human_{assembly}_accessions_to_ucsc.tsv"
"""Maps the accessions of an assembly (:data:`cbat.data.accessions.HUMAN`) to chr1, ..., chr22, chrX, chrY."""
_PREFIX: Final = re.compile(r"(?:chromosome|chrom|chr)[\s_.:-]*(?=.)")
_ZEROS: Final = re.compile(r"0+(?=\d)")
_MITOCHONDRION: Final = frozenset({"m", "mt", "mtdna", "mito", "mitochondrion", "mitochondria"})
_NUMBER: Final = re.compile(r"\d+")
_LETTERS: Final = frozenset("xym")
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ContigNames:
    """What files call contigs -> what the genome calls them, or ``.`` for contigs to leave out.

    Attributes
    ----------
    renamed : mapping
        Names that are not here stay as they are.
    path : Path, optional
        The table, for messages.
    """

    renamed: Mapping[str, str] = field(default_factory=dict)
    path: Path | None = None

    @property
    def left_out(self) -> frozenset[str]:
        """What files call the contigs whose rows are left out."""
        return frozenset(given for given, genome in self.renamed.items() if genome == LEFT_OUT)

    def with_all_rows(self) -> ContigNames:
        """The same, but contigs to leave out keep their rows and the names that files give them."""
        kept = {given: name for given, name in self.renamed.items() if name != LEFT_OUT}
        return ContigNames(kept, self.path)

    def apply(self, names: NDArray[np.object_]) -> NDArray[np.object_]:
        """The genome's names, ``shape=(n,)``."""
        if not self.renamed:
            return names
        codes, given = pd.factorize(names)
        new = np.array([self.renamed.get(name, name) for name in given] + [None], dtype=object)
        return np.asarray(new[codes], dtype=object)

    def rename(self, table: pd.DataFrame, *columns: str) -> pd.DataFrame:
        """``table`` with the genome's names in ``columns``, without the rows of contigs to leave out.

        Their number is the attribute :data:`LEFT_OUT_BY_NAME` of the new table, if there are any.
        """
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
        kept = table[~out].reset_index(drop=True)
        kept.attrs[LEFT_OUT_BY_NAME] = int(out.sum())
        return kept


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
        A malformed table, a name that is given twice, or two contigs that are mapped to one; names of one
        contig in several styles (``1``, ``chr1`` and ``NC_000001.11``) may be.
    """
    if path is None:
        return ContigNames()
    table = read_headed(path, delimiter="\t", required=("given", "genome"), comments=True)
    given, genome = table.names("given"), table.names("genome")
    renamed: dict[str, str] = {}
    first: dict[str, list[str]] = {}
    for row, name in enumerate(given):
        if name in renamed:
            raise table.fail(row, f"the contig {name!r} is given twice", "delete one of the two")
        for other in first.setdefault(str(genome[row]), []):
            if genome[row] != LEFT_OUT and _are_two(other, str(name)):
                raise table.fail(
                    row,
                    f"the contigs {other!r} and {str(name)!r} are both mapped to {str(genome[row])!r}: "
                    "positions on two chromosomes would become positions on one",
                    f"correct one of the two, or map the one that the genome lacks to {LEFT_OUT!r}",
                )
        first[str(genome[row])].append(str(name))
        renamed[str(name)] = str(genome[row])
    return ContigNames(renamed, Path(path))


def plain_contig(contig: str) -> str:
    """What is left of a name without case, ``chr`` and leading zeros: ``1`` of ``Chr01``, ``m`` of ``MT``."""
    name = contig.casefold().strip()
    if (prefix := _PREFIX.match(name)) is not None:
        name = name[prefix.end() :]
    if (zeros := _ZEROS.match(name)) is not None:
        name = name[zeros.end() :]
    return "m" if name in _MITOCHONDRION else name


def _are_two(one: str, other: str) -> bool:
    """Whether two names are those of two contigs for sure, not of one in two styles."""
    first, second = _identity(one), _identity(other)
    if first == second:
        return False
    of_two_numbers = _NUMBER.fullmatch(first) is not None and _NUMBER.fullmatch(second) is not None
    of_two_letters = {first, second} <= _LETTERS
    return of_two_numbers or of_two_letters or _NUMBER.sub("0", one) == _NUMBER.sub("0", other)


def _identity(name: str) -> str:
    """What a name says of a contig in any style: its chromosome, of other accessions all but the version."""
    if (human := chromosome_of(name)) is not None:
        return plain_contig(human[1])
    return name.split(".")[0] if kind_of_accession(name) is not None else plain_contig(name)


def first_names(known: Collection[str]) -> str:
    """Some names of contigs, for a message."""
    return ", ".join(list(known)[:5]) + (", ..." if len(known) > 5 else "")
