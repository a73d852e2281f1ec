"""A simulated genome: elements with motifs planted in them, and random sequence between them.

Its bases lie in files and are read some elements at a time, for a genome need not fit into memory.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.data.stored import open_array, write_rows
from cbat.simulation.background import Composition, draw_background
from cbat.simulation.sequence import (
    SHORTEST_GAP,
    SLOT_LENGTH,
    Codes,
    Instances,
    SequenceFile,
    draw_instances,
    random_rows,
)
from cbat.simulation.sites import INSULATOR, Sites, draw_in_gaps, sites_of
from cbat.simulation.world import Elements

BASES = np.frombuffer(b"ACGT", dtype=np.uint8)
_LINE = 80
_ELEMENTS_TOGETHER = 200


@dataclass(frozen=True)
class Genome:
    """Simulated chromosomes with the elements in them.

    Each chromosome is a row of gaps with an element after each, and ends with a short gap.

    Attributes
    ----------
    enhancers, promoters : Elements
    gaps : SequenceFile
        The sequence before each element, from left to right and one chromosome after the other.
    order : array of int, shape=(n,)
        The element after each gap: a row of the enhancers, or of the promoters behind them.
    first : array of int, shape=(n_chromosomes + 1,)
        The first gap of each chromosome, and the number of gaps.
    codes : tuple of Path
        NPY files of the bases of enhancers and promoters; like that of the gaps they last as long as the
        folder that :func:`build_genome` was given.
    sites : Sites
        CTCF sites, in elements and in gaps.
    planted : Instances
        CTCF motif instances in gaps.
    repeats : tuple of Instances
        Copies of repeats in gaps, under the motif instances.
    sizes : array of int, shape=(n_chromosomes,)
        Bases of each chromosome.
    """

    enhancers: Elements
    promoters: Elements
    gaps: SequenceFile
    order: NDArray[np.int64]
    first: NDArray[np.int64]
    codes: tuple[Path, Path]
    sites: Sites
    planted: Instances
    sizes: NDArray[np.int64]
    repeats: tuple[Instances, ...] = ()

    def pieces(self, chromosome: int) -> Iterator[Codes]:
        """Bases of a chromosome (0-based) from left to right, shape=(n_bases,) each."""
        end = self.first[chromosome + 1]
        for first in range(self.first[chromosome], end, _ELEMENTS_TOGETHER):
            last = min(first + _ELEMENTS_TOGETHER, end)
            gaps, elements = self.gaps.read(first, last), self._elements(self.order[first:last])
            after = gaps[-1, :SHORTEST_GAP].copy()
            for planted in (*self.repeats, self.planted):
                planted.plant(gaps, first)
            lengths = self.gaps.length[first:last]
            parts = [
                part
                for gap, length, element in zip(gaps, lengths, elements, strict=True)
                for part in (gap[:length], element)
            ]
            yield np.concatenate(parts)
        yield after

    def _elements(self, rows: NDArray[np.int64]) -> list[Codes]:
        """Bases of some elements."""
        split = len(self.enhancers.start)
        # The files are mapped anew each time, so that no more of them stays in memory than is read.
        enhancers, promoters = (open_array(path, mend="simulate the benchmark again") for path in self.codes)
        return [enhancers[row] if row < split else promoters[row - split] for row in rows.tolist()]


def build_genome(
    rng: np.random.Generator,
    settings: SimulationSettings,
    matrices: list[NDArray[np.float64]],
    directory: Path,
) -> Genome:
    """Chromosomes with elements in random order, separated by gaps of random length.

    Parameters
    ----------
    rng : numpy.random.Generator
    settings : SimulationSettings
    matrices : list of arrays, shape=(width, 4)
        Of each motif.
    directory : Path
        Where the bases go, as long as they are read.
    """
    like = None if settings.background == "simple" else draw_background(settings)
    enhancers, enhancer_codes, in_enhancers = _draw_elements(
        rng, settings, matrices, settings.n_enhancers, settings.enhancer_length, 0.25,
        directory / "enhancer", None if like is None else like.enhancers,
    )  # fmt: skip
    promoters, promoter_codes, in_promoters = _draw_elements(
        rng, settings, matrices, settings.n_promoters, settings.promoter_length, 0.6,
        directory / "promoter", None if like is None else like.promoters,
    )  # fmt: skip
    split, n = settings.n_enhancers, settings.n_enhancers + settings.n_promoters
    order = rng.permutation(n) if like is None else like.order
    length = np.where(order < split, settings.enhancer_length, settings.promoter_length)
    spread = max(settings.gap_length - SHORTEST_GAP, 1)
    gaps = (SHORTEST_GAP + np.minimum(rng.exponential(spread, n), 4 * spread)).astype(int)
    isochore = settings.gc_content + 0.05 * np.repeat(rng.normal(size=n // 20 + 1), 20)[:n]
    chromosome = np.arange(n) * settings.n_chromosomes // n
    first = np.searchsorted(chromosome, np.arange(settings.n_chromosomes + 1))
    end = (gaps + length).cumsum()
    start = end - length - np.concatenate([[0], end])[first[:-1]][chromosome]
    slot = np.empty(n, dtype=np.int64)
    slot[order] = np.arange(n)
    for elements, where in ((enhancers, slot[:split]), (promoters, slot[split:])):
        elements.chromosome[:] = chromosome[where]
        elements.start[:] = start[where]
    repeats: tuple[Instances, ...] = ()
    if like is None:
        between = SequenceFile.draw(rng, directory / "gaps", isochore, gaps)
    else:
        between, repeats = like.gaps.draw(rng, directory / "gaps", gaps)
    planted, forward = draw_in_gaps(settings, matrices, gaps)
    sites = [sites_of(planted, chromosome, start - gaps, forward, outside=True)]
    if INSULATOR in settings.motifs:
        k = settings.motifs.index(INSULATOR)
        for elements, found in ((enhancers, in_enhancers[k]), (promoters, in_promoters[k])):
            strand = elements.forward[found.row, k]
            sites.append(sites_of(found, elements.chromosome, elements.start, strand, outside=False))
    codes, sizes = (enhancer_codes, promoter_codes), (start + length)[first[1:] - 1] + SHORTEST_GAP
    known = Sites.joined(sites)
    return Genome(enhancers, promoters, between, order, first, codes, known, planted, sizes, repeats)


def _draw_elements(
    rng: np.random.Generator,
    settings: SimulationSettings,
    matrices: list[NDArray[np.float64]],
    n: int,
    length: int,
    cpg_ratio: float,
    path: Path,
    like: Composition | None,
) -> tuple[Elements, Path, list[Instances]]:
    """Elements that lie nowhere yet, the NPY file of their bases, and the instances of each motif."""
    k = len(matrices)
    presence = random_rows(rng, n, k, lambda drawn: drawn < settings.motif_rate)
    presence &= presence.cumsum(axis=1, dtype=np.int16) <= length // SLOT_LENGTH
    forward = random_rows(rng, n, k, lambda drawn: drawn < 0.5)
    repeats: tuple[Instances, ...] = ()
    if like is None:
        gc_content = settings.element_gc_content + 0.04 * rng.normal(size=n)
        background = SequenceFile.draw(rng, path, gc_content, np.full(n, length), cpg_ratio)
    else:
        background, repeats = like.draw(rng, path, np.full(n, length))
    instances = draw_instances(rng, length, presence, forward, matrices, settings.motif_sharpness)

    def pieces() -> Iterator[Codes]:
        for at in range(0, n, _ELEMENTS_TOGETHER):
            codes = background.read(at, min(at + _ELEMENTS_TOGETHER, n))[:, :length]
            for planted_before in (*repeats, *instances):
                planted_before.plant(codes, at)
            yield codes

    planted = path.with_suffix(".npy")
    write_rows(planted, pieces(), (n, length))
    path.unlink()
    nowhere = (np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
    return Elements(presence, forward, *nowhere), planted, instances


def write_genome(path: Path, genome: Genome) -> None:
    """Write a FASTA file, compressed with gzip; chromosomes are named ``chr1``, ``chr2``, ..."""
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", compresslevel=1, fileobj=raw, mtime=0) as out:
        for chromosome in range(len(genome.first) - 1):
            out.write(f">chr{chromosome + 1}\n".encode())
            left = b""
            for codes in genome.pieces(chromosome):
                letters = left + BASES[codes].tobytes()
                whole = len(letters) // _LINE * _LINE
                lines = (letters[at : at + _LINE] + b"\n" for at in range(0, whole, _LINE))
                out.write(b"".join(lines))
                left = letters[whole:]
            if left:
                out.write(left + b"\n")
