"""Which assembly a prediction lies on, as far as its files tell: links to a genome browser need its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.data.assemblies import LENGTH_OF_CHR1, assembly_of
from cbat.prediction.shared_landscape import OTHER, UNNAMED

NEAR: Final = 5_000
"""A promoter so many bp from a start of its gene is where that assembly has it: annotations differ by less,
and the assemblies by more."""
LEAST: Final = 2
"""Genes that must be where an assembly has them."""
SHARE: Final = 0.75
"""So many of the genes that are looked for must be there."""
UCSC: Final[Mapping[str, str]] = {"T2T-CHM13": "hs1"}
"""Names of assemblies in the UCSC browser, where it has other ones."""
_DOUBT: Final = frozenset({"other_assembly", "unknown_assembly", "assembly_unchecked"})
_ASSEMBLIES: Final = ("hg19", "hg38")
LANDMARKS: Final[Mapping[str, tuple[str, int, int]]] = {
    "ISG15": ("1", 949, 1013), "MTOR": ("1", 11323, 11263), "JUN": ("1", 59250, 58784),
    "NRAS": ("1", 115260, 114717), "ALK": ("2", 30144, 29922), "MSH2": ("2", 47630, 47403),
    "FN1": ("2", 216301, 215436), "VHL": ("3", 10183, 10142), "CTNNB1": ("3", 41241, 41199),
    "BCL6": ("3", 187463, 187746), "PDGFRA": ("4", 55095, 54229), "KIT": ("4", 55524, 54658),
    "TET2": ("4", 106068, 105146), "APC": ("5", 112074, 112738), "NPM1": ("5", 170815, 171388),
    "IL4": ("5", 132010, 132674), "VEGFA": ("6", 43738, 43770), "MYB": ("6", 135502, 135181),
    "TBP": ("6", 170863, 170554), "EGFR": ("7", 55087, 55019), "MET": ("7", 116312, 116672),
    "ACTB": ("7", 5570, 5531), "MYC": ("8", 128748, 127736), "FGFR1": ("8", 38326, 38469),
    "LPL": ("8", 19797, 19939), "ABL1": ("9", 133711, 130835), "TSC1": ("9", 135820, 132945),
    "NOTCH1": ("9", 139440, 136546), "PTEN": ("10", 89623, 87863), "RET": ("10", 43573, 43077),
    "GATA3": ("10", 8097, 8055), "CCND1": ("11", 69456, 69641), "WT1": ("11", 32457, 32436),
    "ATM": ("11", 108094, 108223), "GAPDH": ("12", 6644, 6534), "KRAS": ("12", 25404, 25251),
    "MDM2": ("12", 69203, 68809), "BRCA2": ("13", 32890, 32315), "RB1": ("13", 48878, 48304),
    "FLT3": ("13", 28675, 28101), "AKT1": ("14", 105262, 104796), "FOS": ("14", 75745, 75279),
    "DICER1": ("14", 95624, 95158), "IDH2": ("15", 90646, 90103), "FBN1": ("15", 48938, 48646),
    "B2M": ("15", 45004, 44711), "HBA1": ("16", 227, 177), "CTCF": ("16", 67596, 67562),
    "CREBBP": ("16", 3930, 3880), "TP53": ("17", 7591, 7688), "BRCA1": ("17", 41277, 43125),
    "ERBB2": ("17", 37844, 39700), "BCL2": ("18", 60987, 63319), "SMAD4": ("18", 48557, 51030),
    "LDLR": ("19", 11200, 11089), "CEBPA": ("19", 33793, 33303), "APOE": ("19", 45409, 44906),
    "SRC": ("20", 35975, 37345), "GNAS": ("20", 57466, 58891), "PCNA": ("20", 5107, 5127),
    "RUNX1": ("21", 36261, 34889), "SOD1": ("21", 33032, 31660), "APP": ("21", 27543, 26171),
    "NF2": ("22", 30000, 29604), "CHEK2": ("22", 29138, 28742), "SOX10": ("22", 38381, 37985),
    "GATA1": ("X", 48645, 48787), "XIST": ("X", 73073, 73853), "PGK1": ("X", 77360, 78104),
    "SRY": ("Y", 2656, 2788), "DDX3Y": ("Y", 15017, 12905), "KDM5D": ("Y", 21907, 19745),
}  # fmt: skip
"""Human gene -> chromosome, and its transcription start in hg19 and in hg38, kb, as annotations have it."""


@dataclass(frozen=True)
class Assembly:
    """An assembly, or None where it is not known, and a few words on how it is known.

    Attributes
    ----------
    name : str or None
    how : str
    """

    name: str | None
    how: str

    @property
    def browser(self) -> str | None:
        """Its name in the UCSC browser, for assemblies that are known here."""
        if self.name is None or self.name not in LENGTH_OF_CHR1.values():
            return None
        return UCSC.get(self.name, self.name)


def told_assembly(
    genome: Mapping[str, int] | None,
    environment: Mapping[str, Any],
    promoters: pd.DataFrame,
    trained: Mapping[str, int],
) -> Assembly:
    """The assembly of a prediction, as the first of these tells it that can.

    The genome; the choice among the assemblies of a model that has several; where genes lie; the genome of
    the model.

    Parameters
    ----------
    genome : mapping or None
        Contig -> length, bp, of the genome that the line was predicted with, if there was one.
    environment : mapping
        Content of ``environment.json``. The model says nothing where its warnings doubt that the files are
        of the model's assembly.
    promoters : DataFrame
        Promoters of the line, see :data:`cbat.prediction.candidates.COLUMNS`.
    trained : mapping
        The same for the genome that the model was trained with; empty without one.
    """
    if genome is not None:
        name = assembly_of(genome)
        return Assembly(name, "by the genome given" if name else "the genome is not a known assembly")
    chosen = environment.get("assembly") or {"name": UNNAMED}
    if chosen["name"] not in (OTHER, UNNAMED):
        # Files are named on the page where their tracks are, without their folders.
        return Assembly(chosen["name"], f"told by {chosen['because'].partition(' (')[0]}")
    if (name := assembly_of_genes(promoters)) is not None:
        return Assembly(name, "by the positions of its genes")
    if not _DOUBT & {warning["kind"] for warning in environment["warnings"]} and (
        name := assembly_of(trained)
    ):
        return Assembly(name, "that of the model")
    return Assembly(None, "no genome was given, and neither genes nor model identify it")


def assembly_of_genes(promoters: pd.DataFrame) -> str | None:
    """hg19 or hg38, if well-known genes are where that assembly has them, or None.

    Parameters
    ----------
    promoters : DataFrame
        ``chrom``, ``source_start``, ``source_end`` (0-based half-open, bp) and ``name``, several names
        separated by commas.
    """
    named = promoters.assign(gene=promoters["name"].astype(str).str.split(",")).explode("gene")
    known = pd.DataFrame.from_dict(LANDMARKS, orient="index", columns=["on", *_ASSEMBLIES])
    found = named.merge(known, left_on="gene", right_index=True)
    found = found[found["chrom"].astype(str).str.removeprefix("chr") == found["on"]]
    for assembly in _ASSEMBLIES:
        start = 1000 * found[assembly]
        off = np.maximum(found["source_start"] - start, start - found["source_end"])
        there = found.loc[off <= NEAR, "gene"].nunique()
        if there >= max(LEAST, SHARE * found["gene"].nunique()):
            return assembly
    return None
