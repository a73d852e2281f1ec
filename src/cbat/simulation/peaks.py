"""What assays see of a simulated landscape: narrowPeak files of each line, and the genes of the genome.

Peaks are called where an element is active or a CTCF site is often bound, but some are missed and some lie
where nothing is. Their signals follow the truth with noise, and their summits lie near it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.genome import Genome
from cbat.simulation.landscape import Landscape, activity_of

Array = NDArray[np.float64]

LEAST_ACTIVITY: Final = 0.2
"""An element that is less active gives no peak."""
LEAST_OCCUPANCY: Final = 0.2
"""A CTCF site that is bound less often gives no peak."""
FALSE_SIGNAL: Final = 0.4
"""Signal of a false peak, over that of a true one of the same rank."""
SILENT_GENES: Final = 0.15
"""Genes that are nobody's candidate promoter, as a share of the promoters."""
SIGNAL_SCALE: Final = 10.0
"""Signal of a peak over the level that it shows."""
_SPREAD_OF_LENGTHS: Final = 0.3


def draw_peaks(
    settings: SimulationSettings,
    genome: Genome,
    landscape: Landscape,
    candidates: tuple[NDArray[np.bool_], NDArray[np.bool_]],
    line: int,
) -> dict[str, pd.DataFrame]:
    """The peaks of a line.

    Acetylation (H3K27ac) marks active enhancers and promoters alike, trimethylation (H3K4me3) promoters.

    Parameters
    ----------
    candidates : tuple of array of bool, shape=(n_enhancers,) and (n_promoters,)
        Which elements are candidates in the line.
    line : int
        Its place among the lines.

    Returns
    -------
    dict
        Kind of track -> the ten columns of narrowPeak, sorted.
    """
    rng = np.random.default_rng([settings.seed, 10, line])
    found = []
    for elements, length, log, own in (
        (genome.enhancers, settings.enhancer_length, landscape.enhancers, candidates[0]),
        (genome.promoters, settings.promoter_length, landscape.promoters, candidates[1]),
    ):
        found.append(_Marked(elements.chromosome, elements.start + length // 2, activity_of(log, own)))
    sites = genome.sites
    marks = {
        "active_enhancers": (_Marked.joined(found), _Assay(LEAST_ACTIVITY, 1000, 100.0)),
        "active_promoters": (found[1], _Assay(LEAST_ACTIVITY, 1500, 100.0)),
        "insulators": (
            _Marked(sites.chromosome, sites.centre, landscape.occupancy), _Assay(LEAST_OCCUPANCY, 300, 15.0)
        ),
    }  # fmt: skip
    return {
        kind: _observed(rng, settings, genome.sizes, marked, assay) for kind, (marked, assay) in marks.items()
    }


@dataclass(frozen=True)
class _Marked:
    """Places and how strongly each is marked in truth, shape=(n,)."""

    chromosome: NDArray[np.int64]
    centre: NDArray[np.int64]
    level: Array

    @classmethod
    def joined(cls, parts: Sequence[_Marked]) -> _Marked:
        return cls(
            np.concatenate([part.chromosome for part in parts]),
            np.concatenate([part.centre for part in parts]),
            np.concatenate([part.level for part in parts]),
        )


@dataclass(frozen=True)
class _Assay:
    """The lowest level that gives a peak, the typical length of one, and how far summits are off, bp."""

    least: float
    length: int
    shift: float


def _observed(
    rng: np.random.Generator,
    settings: SimulationSettings,
    sizes: NDArray[np.int64],
    marked: _Marked,
    assay: _Assay,
) -> pd.DataFrame:
    seen = (marked.level >= assay.least) & (rng.random(len(marked.level)) >= settings.missed_peaks)
    level, n_true = marked.level[seen], int(seen.sum())
    n_false = round(settings.false_peaks * n_true)
    anywhere = rng.choice(len(sizes), n_false, p=sizes / sizes.sum())
    chromosome = np.concatenate([marked.chromosome[seen], anywhere])
    shifted = marked.centre[seen] + rng.normal(0.0, assay.shift, n_true)
    summit = np.concatenate([shifted, rng.random(n_false) * sizes[anywhere]]).astype(np.int64)
    summit = np.clip(summit, 0, sizes[chromosome] - 1)
    alike = rng.choice(level, n_false) if n_false else level[:0]
    signal = SIGNAL_SCALE * np.concatenate([level, FALSE_SIGNAL * alike])
    signal *= np.exp(settings.signal_noise * rng.normal(size=len(signal)))
    spread = np.exp(_SPREAD_OF_LENGTHS * rng.normal(size=(2, len(summit))))
    return _narrow_peak(chromosome, summit, (assay.length / 2 * spread).astype(np.int64), signal, sizes)


def _narrow_peak(
    chromosome: NDArray[np.int64],
    summit: NDArray[np.int64],
    reach: NDArray[np.int64],
    signal: Array,
    sizes: NDArray[np.int64],
) -> pd.DataFrame:
    start, end = np.maximum(summit - reach[0], 0), np.minimum(summit + reach[1] + 1, sizes[chromosome])
    order = np.lexsort((end, start, chromosome))
    table = pd.DataFrame(
        {
            "chrom": np.char.add("chr", (chromosome + 1).astype(str)),
            "start": start,
            "end": end,
            "name": ".",
            "score": np.minimum(10 * signal, 1000).astype(np.int64),
            "strand": ".",
            "signal": np.round(signal, 4),
            "p": -1,
            "q": -1,
            "summit": summit - start,
        }
    ).iloc[order]
    return table.assign(name=[f"peak_{number + 1}" for number in range(len(table))])


def draw_genes(settings: SimulationSettings, genome: Genome) -> pd.DataFrame:
    """Transcription starts: one in the centre of each promoter, and some of genes that are no candidates.

    Returns
    -------
    DataFrame
        The six columns of BED, one base each, sorted.
    """
    rng = np.random.default_rng([settings.seed, 11])
    promoters, sizes = genome.promoters, genome.sizes
    n_silent = round(SILENT_GENES * len(promoters.start))
    anywhere = rng.choice(len(sizes), n_silent, p=sizes / sizes.sum())
    chromosome = np.concatenate([promoters.chromosome, anywhere])
    elsewhere = (rng.random(n_silent) * sizes[anywhere]).astype(np.int64)
    position = np.concatenate([promoters.start + settings.promoter_length // 2, elsewhere])
    order = np.lexsort((position, chromosome))
    table = pd.DataFrame(
        {
            "chrom": np.char.add("chr", (chromosome + 1).astype(str)),
            "start": position,
            "end": position + 1,
            "name": ".",
            "score": 0,
            "strand": np.where(rng.random(len(position)) < 0.5, "+", "-"),
        }
    ).iloc[order]
    return table.assign(name=[f"gene_{number + 1}" for number in range(len(table))])
