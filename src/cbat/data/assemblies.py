"""Genome assemblies that are known: their names, lengths of chromosomes, and which one a FASTA looks like."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import pandas as pd

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
SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "hg18": ("NCBI36", "b36"),
    "hg19": ("GRCh37", "b37", "hs37", "hs37d5"),
    "hg38": ("GRCh38", "b38", "hs38", "hs38DH"),
    "T2T-CHM13": ("T2T-CHM13v2.0", "T2T-CHM13v2", "CHM13v2.0", "CHM13", "T2T", "hs1"),
    "mm9": ("NCBIM37", "MGSCv37"),
    "mm10": ("GRCm38",),
    "mm39": ("GRCm39",),
}
"""Assembly -> what others call it."""
_PATCH: Final = re.compile(r"[\s._-]*p\d+$")
_SIGNS: Final = re.compile(r"[\s._-]+")
_CHROMOSOMES: Final = tuple(f"chr{name}" for name in (*range(1, 23), "X", "Y"))
_LENGTHS: Final[Mapping[str, tuple[int, ...]]] = {
    "hg19": (
        249_250_621, 243_199_373, 198_022_430, 191_154_276, 180_915_260, 171_115_067,
        159_138_663, 146_364_022, 141_213_431, 135_534_747, 135_006_516, 133_851_895,
        115_169_878, 107_349_540, 102_531_392, 90_354_753, 81_195_210, 78_077_248,
        59_128_983, 63_025_520, 48_129_895, 51_304_566, 155_270_560, 59_373_566,
    ),
    "hg38": (
        248_956_422, 242_193_529, 198_295_559, 190_214_555, 181_538_259, 170_805_979,
        159_345_973, 145_138_636, 138_394_717, 133_797_422, 135_086_622, 133_275_309,
        114_364_328, 107_043_718, 101_991_189, 90_338_345, 83_257_441, 80_373_285,
        58_617_616, 64_444_167, 46_709_983, 50_818_468, 156_040_895, 57_227_415,
    ),
}  # fmt: skip
LENGTHS: Final[Mapping[str, Mapping[str, int]]] = {
    name: dict(zip(_CHROMOSOMES, lengths, strict=True)) for name, lengths in _LENGTHS.items()
}
"""Assembly -> UCSC's name of each of its chromosomes -> length, bp, without chrM and all other contigs."""


def _plain(word: str) -> str:
    return _SIGNS.sub("", _PATCH.sub("", word.casefold().strip()))


_NAMED: Final = {_plain(word): name for name, others in SYNONYMS.items() for word in (name, *others)}


def named(word: str) -> str | None:
    """The assembly that a word stands for, in any case and with the number of a patch or without, or None."""
    return _NAMED.get(_plain(word))


def words_for(name: str) -> str:
    """An assembly and what others call it, for a message: ``hg38 (or GRCh38, b38)``."""
    others = SYNONYMS.get(named(name) or "", ())
    return f"{name} (or {', '.join(others)})" if others else name


def would_fit(intervals: pd.DataFrame, not_this: str) -> str | None:
    """Another assembly of :data:`LENGTHS` in which no interval reaches over an end, or None.

    Parameters
    ----------
    intervals : DataFrame
        ``chrom`` and ``end`` (0-based half-open, bp); contigs whose length is not known are not looked at.
    not_this : str
        The assembly that they do not fit.
    """
    for name, lengths in LENGTHS.items():
        if name != not_this and not (intervals["end"] > intervals["chrom"].map(lengths).astype(float)).any():
            return name
    return None


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
