"""Which genome assembly a FASTA looks like, by the length of its first chromosome."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

LENGTH_OF_CHR1: Final[Mapping[int, str]] = {
    247_249_719: "hg18",
    249_250_621: "hg19",
    248_956_422: "hg38",
    248_387_328: "T2T-CHM13",
    197_195_432: "mm9",
    195_471_971: "mm10",
    195_154_279: "mm39",
}
"""Lengths as the assemblies' publishers give them, bp."""


def assembly_of(sizes: Mapping[str, int]) -> str | None:
    """Name of a known human or mouse assembly, or None.

    Parameters
    ----------
    sizes : mapping
        Contig -> length, bp.
    """
    return LENGTH_OF_CHR1.get(sizes.get("chr1", sizes.get("1", 0)))


def first_difference(one: Mapping[str, int], other: Mapping[str, int]) -> str | None:
    """The first contig of ``one`` that has another length in ``other``; contigs of one alone say nothing."""
    return next((name for name, length in one.items() if other.get(name, length) != length), None)
