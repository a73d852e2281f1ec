"""What it is worth to ask about each element once and about each pair with sums: features of the landscape.

    python benchmarks/read_landscape.py          # 60,000 pairs
    python benchmarks/read_landscape.py --full   # 1,000,000 pairs on 23 chromosomes of human length

Tracks are as dense as those of a human cell line. The peer is the same plain NumPy, asked about both ends of
every pair, in one piece for each chromosome. Memory is what is held at most beside the table that is made,
of pairs on one chromosome.
"""

from __future__ import annotations

import argparse
import tracemalloc

import numpy as np
import pandas as pd
from measuring import in_turn, report

from cbat.landscape.features import Landscape, Pairs, pair_features
from cbat.landscape.pairs import features_of
from cbat.landscape.tracks import TRACK_COLUMNS

MEGABASES = (
    249, 242, 198, 190, 182, 171, 159, 145, 138, 134, 135, 133, 114, 107, 102, 90, 83, 80, 59, 64, 47, 51,
    156,
)  # fmt: skip
"""Lengths of the human chromosomes 1 to 22 and X."""
DENSITY = {"active_enhancers": 13, "active_promoters": 8, "insulators": 12}
"""Peaks in a megabase; starts of genes are as dense as active promoters."""
PAIRS_OF_ELEMENT = 8
FARTHEST = 1_000_000
MOST_FEW = 100_000
"""Pairs whose memory is compared with that of ten times as many, at most."""


def draw_tracks(length: int, chrom: str, rng: np.random.Generator) -> pd.DataFrame:
    """Peaks of every kind on one chromosome, 400 to 2,000 bp long."""
    parts = []
    for kind, density in DENSITY.items():
        n = max(density * length // 1_000_000, 1)
        start = np.arange(n) * (length // n) + rng.integers(0, length // n // 2, n)
        end = start + rng.integers(400, 2_000, n)
        strand = rng.choice(["+", "-"], n) if kind == "insulators" else np.full(n, ".")
        table = pd.DataFrame({"kind": kind, "chrom": chrom, "start": start, "end": end, "strand": strand})
        activity = rng.exponential(size=n).astype(np.float32)
        parts.append(table.assign(centre=(start + end) // 2, signal=1.0, activity=activity))
    return pd.concat(parts)[TRACK_COLUMNS]


def draw_pairs(n: int, length: int, chrom: str, rng: np.random.Generator) -> pd.DataFrame:
    """Pairs of elements of one chromosome, up to 1 Mb apart."""
    enhancer, promoter = (np.sort(rng.integers(0, length, max(n // PAIRS_OF_ELEMENT, 2))) for _ in range(2))
    chosen = rng.choice(promoter, n)
    near = np.searchsorted(enhancer, chosen + rng.integers(-FARTHEST, FARTHEST, n))
    of_enhancer = enhancer[np.minimum(near, len(enhancer) - 1)]
    return pd.DataFrame({"chrom": chrom, "enhancer_centre": of_enhancer, "promoter_centre": chosen})


class World:
    """Pairs, tracks and starts of some chromosomes."""

    def __init__(self, n_pairs: int, megabases: tuple[int, ...]) -> None:
        rng = np.random.default_rng(1)
        lengths = {f"chr{number + 1}": size * 1_000_000 for number, size in enumerate(megabases)}
        whole = sum(lengths.values())
        self.pairs, self.tracks, self.starts = (
            pd.concat(parts, ignore_index=True)
            for parts in zip(
                *(
                    (
                        draw_pairs(max(n_pairs * length // whole, 1), length, chrom, rng),
                        draw_tracks(length, chrom, rng),
                        pd.DataFrame(
                            {
                                "chrom": chrom,
                                "position": rng.integers(0, length, length // 125_000),
                                "promoter_class": 0,
                            }
                        ),
                    )
                    for chrom, length in lengths.items()
                ),
                strict=True,
            )
        )

    def ours(self) -> np.ndarray:
        """Features of all pairs."""
        return features_of(self.pairs, self.tracks, self.starts)

    def peer(self) -> np.ndarray:
        """The same with the ends of every pair as elements of their own."""
        parts = []
        tracks, starts = (dict(iter(table.groupby("chrom"))) for table in (self.tracks, self.starts))
        for chrom, part in self.pairs.groupby("chrom", sort=False):
            each = np.arange(len(part))
            ends = (part[f"{role}_centre"].to_numpy() for role in ("enhancer", "promoter"))
            landscape = Landscape.of(tracks[chrom], starts[chrom]["position"])
            parts.append(pair_features(landscape, Pairs(*ends, each, each)))
        return np.concatenate(parts)

    def megabytes(self) -> float:
        """Held at most beside the features."""
        tracemalloc.start()
        made = self.ours()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return (peak - made.nbytes) / 1e6


def main() -> None:
    """Measure speed, and memory of ten times the pairs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("-n", type=int, default=5, help="measurements of each side")
    options = parser.parse_args()
    n_pairs = options.pairs or (1_000_000 if options.full else 60_000)
    world = World(n_pairs, MEGABASES if options.full else MEGABASES[-3:])
    if not np.array_equal(world.ours(), world.peer()):
        raise SystemExit("both sides have to find the same numbers")
    rates = [len(world.pairs) / s for s in in_turn(world.ours, world.peer, n=options.n)]
    report("landscape_features", rates[0], rates[1], rates[0] / rates[1], "pairs/s", options.n)
    few = min(n_pairs, MOST_FEW)
    small, large = (World(n, MEGABASES[:1]).megabytes() for n in (few, 10 * few))
    report("landscape_memory", large, small, large / small, "MB", options.n)


if __name__ == "__main__":
    main()
