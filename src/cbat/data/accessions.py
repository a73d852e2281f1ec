"""Accession numbers that stand for names of contigs, told by their look.

Those of the human chromosomes are known one by one: RefSeq (``NC_000001.11``) and GenBank (``CM000663.2``) of
hg19 and hg38, as NCBI's assembly reports of GRCh37.p13 and GRCh38.p14 have them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

_OF_HG38: Final = (
    11, 12, 12, 12, 10, 12, 14, 11, 12, 11, 10, 12, 11, 9, 10, 10, 11, 10, 10, 11, 9, 11, 11, 10,
)  # fmt: skip
"""Versions of RefSeq's accessions of chromosomes 1 to 22, X and Y in hg38; those of hg19 are one lower."""
_CHROMOSOMES: Final = (*map(str, range(1, 23)), "X", "Y")
_LOOKS: Final = (
    (re.compile(r"(?:NC|NT|NW|NZ|AC)_\d{6,}(?:\.\d+)?"), "RefSeq"),
    (re.compile(r"(?:[A-Z]{2}\d{6}|[A-Z]{4,6}\d{8,}|[A-Z]\d{5})(?:\.\d+)?"), "GenBank"),
)


def _human() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for older, assembly in enumerate(("hg38", "hg19")):
        names = found[assembly] = {}
        for number, (name, version) in enumerate(zip(_CHROMOSOMES, _OF_HG38, strict=True), 1):
            names[f"NC_{number:06d}.{version - older}"] = f"chr{name}"
        for number, name in enumerate(_CHROMOSOMES, 663):
            names[f"CM{number:06d}.{2 - older}"] = f"chr{name}"
    return found


HUMAN: Final[Mapping[str, Mapping[str, str]]] = _human()
"""Assembly -> accession -> the chromosome that it stands for, in UCSC's words."""


def kind_of_accession(name: str) -> str | None:
    """``RefSeq`` or ``GenBank`` for a name that looks like one of their accessions, else None."""
    return next((kind for look, kind in _LOOKS if look.fullmatch(name)), None)


def chromosome_of(name: str) -> tuple[str, str] | None:
    """Human assembly and chromosome (``hg38``, ``chr1``) of an accession; None for any other name."""
    return next(((assembly, names[name]) for assembly, names in HUMAN.items() if name in names), None)
