"""A background like the human genome: isochores, CpG islands, and families of decaying repeats.

Bases follow the five before them, by a Markov model for each of five isochore classes and for CpG islands,
fitted to human sequences (``background.tsv``; tools/fit_background.py makes it from any FASTA file).
Chromosomes are rows of isochores; elements of similar composition gather in them, and promoters mostly lie in
CpG islands. Copies of repeat families, decayed since they were inserted and fastest at CpG, cover much of the
gaps and parts of some elements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.files import atomic_file
from cbat.simulation.sequence import Codes, Instances, SequenceFile

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

CLASSES: Final = ("L1", "L2", "H1", "H2", "H3", "island")
"""Isochores from poor to rich in GC (below 37%, 41%, 46%, 53%, above), and CpG islands."""
ISLAND: Final = CLASSES.index("island")
CONTEXT: Final = 5
N_CONTEXTS: Final = 4**CONTEXT
TABLE: Final = Path(__file__).with_name("background.tsv")
SHARE_OF_ISOCHORES: Final = (0.19, 0.37, 0.31, 0.11, 0.02)
"""Of the human genome (Costantini et al. 2006)."""
SHARE_OF_ENHANCERS: Final = (0.10, 0.30, 0.34, 0.17, 0.04, 0.05)
SHARE_OF_PROMOTERS: Final = (0.04, 0.10, 0.13, 0.10, 0.03, 0.60)
ISLANDS_BETWEEN: Final = 0.03
"""Share of the gaps between elements that are a CpG island."""
SLOTS_OF_ISOCHORE: Final = 100
REPEATED_GAPS, REPEATED_ENHANCERS, REPEATED_PROMOTERS = 0.5, 0.15, 0.05
"""Bases of repeats that are planted, as a share of all; some copies cover others."""
N_FAMILIES: Final = 40
SHORTEST_COPY, LONGEST_COPY = 100, 900
YOUNGEST, OLDEST = 0.02, 0.30
"""Share of the bases of a copy that differ from its family's."""
CPG_DECAY: Final = 6.0
"""How much faster a CpG decays, to TpG or CpA."""
_UNIT: Final = 10_000
_BURN_IN: Final = 50


def write_background(path: Path, counts: NDArray[np.int64], source: str) -> None:
    """Write the table of a fitted model.

    Parameters
    ----------
    counts : array of int, shape=(n_classes, N_CONTEXTS, 4)
        How often each base follows each context.
    source : str
        What it was fitted to.
    """
    share = (counts + 1.0) / (counts + 1.0).sum(axis=2, keepdims=True)
    names = [f"{name}_{base}" for name in CLASSES for base in "ACGT"]
    rows = np.round(_UNIT * share.transpose(1, 0, 2).reshape(N_CONTEXTS, -1)).astype(int)
    bases = ", ".join(f"{name} {own.sum() // 2}" for name, own in zip(CLASSES, counts, strict=True))
    with atomic_file(path) as temporary, open(temporary, "w", encoding="utf-8", newline="\n") as file:
        file.write(
            f"# Which base follows five others, in parts of {_UNIT}, by class (tools/fit_background.py).\n"
            f"# Fitted to: {source}.\n# Bases of each class: {bases}.\n"
        )
        file.write("\t".join(["context", *names]) + "\n")
        for number, row in enumerate(rows):
            file.write("\t".join([_word(number), *map(str, row)]) + "\n")


def _word(number: int) -> str:
    return "".join("ACGT"[number // 4**at % 4] for at in range(CONTEXT - 1, -1, -1))


def read_background(path: Path = TABLE) -> Array:
    """Chance of each base after each context, shape=(n_classes, N_CONTEXTS, 4)."""
    table = pd.read_csv(path, sep="\t", comment="#", index_col="context").to_numpy(dtype=float)
    share = table.reshape(N_CONTEXTS, len(CLASSES), 4).transpose(1, 0, 2)
    return np.asarray(share / share.sum(axis=2, keepdims=True))


def genome_bases(
    rng: np.random.Generator, kind: Rows, length: int, chances: Array
) -> Iterator[NDArray[np.int64]]:
    """The first base of all sequences, then the second of all, and so on, shape=(n,) each.

    Parameters
    ----------
    kind : array of int, shape=(n,)
        Class of each sequence.
    chances : array
        See :func:`read_background`.
    """
    cumulative = chances.cumsum(axis=2).reshape(-1, 4)[:, :3].astype(np.float32)
    bounds = np.ascontiguousarray(cumulative.T)  # (3, n_classes * N_CONTEXTS)
    first, state = N_CONTEXTS * kind, rng.integers(0, N_CONTEXTS, len(kind))
    for step in range(_BURN_IN + length):
        draw = rng.random(len(kind), dtype=np.float32)
        here = first + state
        base = sum((bound[here] < draw for bound in bounds), start=np.zeros_like(here))
        state = (4 * state + base) % N_CONTEXTS
        if step >= _BURN_IN:
            yield base


@dataclass(frozen=True)
class Families:
    """Families of repeats: their sequences, how far their copies have decayed, and how common they are."""

    sequences: tuple[Codes, ...]
    decay: Array
    share: Array


def draw_families(rng: np.random.Generator, chances: Array) -> Families:
    """Families with few and many copies, young and old, short and long."""
    length = np.exp(rng.uniform(np.log(SHORTEST_COPY), np.log(LONGEST_COPY), N_FAMILIES)).astype(int)
    kind = rng.choice(ISLAND, N_FAMILIES, p=SHARE_OF_ISOCHORES)
    whole = np.stack([*genome_bases(rng, kind, int(length.max()), chances)], axis=1).astype(np.uint8)
    share = 1.0 / np.arange(1, N_FAMILIES + 1)
    sequences = tuple(row[:end] for row, end in zip(whole, length, strict=True))
    return Families(sequences, rng.uniform(YOUNGEST, OLDEST, N_FAMILIES), share / share.sum())


def scatter(
    rng: np.random.Generator, families: Families, length: Rows, n_copies: int
) -> tuple[Instances, ...]:
    """Copies of repeats in sequences, one :class:`Instances` for each family.

    Parameters
    ----------
    length : array of int, shape=(n,)
        Of each sequence, bp; long ones get more copies, and none gets one that does not fit.
    n_copies : int
    """
    found = []
    for sequence, decay, share in zip(families.sequences, families.decay, families.share, strict=True):
        room = np.maximum(length - len(sequence), 0)
        n = round(share * n_copies) if room.any() else 0
        row = np.sort(rng.choice(len(length), n, p=room / max(room.sum(), 1))) if n else np.zeros(0, int)
        start = (rng.random(n) * room[row]).astype(np.int32)
        bases = np.tile(sequence, (n, 1))
        cpg = (bases[:, :-1] == 1) & (bases[:, 1:] == 2)
        lost = cpg & (rng.random(cpg.shape) < min(CPG_DECAY * decay, 1.0))
        either = rng.random(cpg.shape) < 0.5
        bases[:, :-1][lost & either] = 3
        bases[:, 1:][lost & ~either] = 0
        changed = rng.random(bases.shape) < decay
        bases[changed] = (bases[changed] + rng.integers(1, 4, int(changed.sum()))) % 4
        backward = rng.random(n) < 0.5
        bases[backward] = 3 - bases[backward][:, ::-1]
        found.append(Instances(row.astype(np.int32), start, bases.astype(np.uint8)))
    return tuple(found)


@dataclass(frozen=True)
class Composition:
    """Composition of some sequences.

    Attributes
    ----------
    kind : array of int, shape=(n,)
        Class of each.
    repeated : float
        Bases of repeats over all bases.
    chances : array
        See :func:`read_background`.
    families : Families
    """

    kind: Rows
    repeated: float
    chances: Array
    families: Families

    def draw(
        self, rng: np.random.Generator, path: Path, length: Rows
    ) -> tuple[SequenceFile, tuple[Instances, ...]]:
        """Sequences of some lengths, written to a file, and the copies of repeats to plant in them."""
        bases = genome_bases(rng, self.kind, int(length.max()), self.chances)
        sequences, families = SequenceFile.write(path, bases, length), self.families
        mean = sum(len(own) * share for own, share in zip(families.sequences, families.share, strict=True))
        return sequences, scatter(rng, families, length, round(self.repeated * length.sum() / mean))


@dataclass(frozen=True)
class Background:
    """Compositions of a whole genome.

    Attributes
    ----------
    enhancers, promoters, gaps : Composition
        Gaps from left to right.
    order : array of int, shape=(n,)
        The element after each gap: a row of the enhancers, or of the promoters behind them.
    """

    enhancers: Composition
    promoters: Composition
    gaps: Composition
    order: Rows


def draw_background(settings: SimulationSettings) -> Background:
    """Draw isochores, and put elements where their composition is common."""
    rng = np.random.default_rng([settings.seed, 19])
    enhancers = rng.choice(len(CLASSES), settings.n_enhancers, p=SHARE_OF_ENHANCERS)
    promoters = rng.choice(len(CLASSES), settings.n_promoters, p=SHARE_OF_PROMOTERS)
    kinds = np.concatenate([enhancers, promoters])
    n = len(kinds)
    stretches = rng.choice(ISLAND, n // SLOTS_OF_ISOCHORE + 1, p=SHARE_OF_ISOCHORES)
    isochore = np.repeat(stretches, SLOTS_OF_ISOCHORE)[:n]
    # An island says little of the isochore around it, but that it is rich rather than poor.
    leaning = np.where(kinds == ISLAND, 2.5, kinds) + rng.normal(size=n) * np.where(kinds == ISLAND, 2.0, 1.0)
    order = np.empty(n, dtype=np.int64)
    order[np.argsort(isochore + 0.01 * rng.random(n))] = np.argsort(leaning)
    gaps = np.where(rng.random(n) < ISLANDS_BETWEEN, ISLAND, isochore)
    chances = read_background()
    families = draw_families(rng, chances)
    return Background(
        Composition(enhancers, REPEATED_ENHANCERS, chances, families),
        Composition(promoters, REPEATED_PROMOTERS, chances, families),
        Composition(gaps, REPEATED_GAPS, chances, families),
        order,
    )
