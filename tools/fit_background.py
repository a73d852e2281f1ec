r"""Fit the background of simulated genomes (simulation.background: genome) to real sequences.

    python tools/fit_background.py hg19.fa.gz src/cbat/simulation/background.tsv --source "GRCh37, all of it"

A record is a chromosome, or a stretch of one if its name is CHROM:START-END (0-based half-open). Windows of
500 bp count as CpG islands by the criteria of Takai and Jones (2002: GC at least 55%, CpG at least 0.65 of
what is expected), the others as the isochore of their 100 kb (bounds 37, 41, 46, 53% GC; Costantini 2006).
The table has, for each of the 1,024 contexts of five bases and each class, how often A, C, G and T follow, in
parts of 10,000, counted on both strands. Nothing else of the sequences is in it.
"""

from __future__ import annotations

import argparse
import gzip
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cbat.simulation.background import CLASSES, CONTEXT, ISLAND, N_CONTEXTS, write_background

Codes = NDArray[np.uint8]
WINDOW: Final = 500
SHORTEST: Final = 200
ISOCHORE: Final = 100_000
BOUNDS: Final = (0.37, 0.41, 0.46, 0.53)
_PLACED: Final = re.compile(r"^(.+):(\d+)-(\d+)$")
_CODE: Final = np.full(256, 4, dtype=np.uint8)
for _number, _letters in enumerate((b"Aa", b"Cc", b"Gg", b"Tt")):
    _CODE[np.frombuffer(_letters, dtype=np.uint8)] = _number


def read_records(path: Path) -> Iterator[tuple[str, int, Codes]]:
    """Chromosome, start and bases (A 0, C 1, G 2, T 3, other 4) of each record of a FASTA file."""
    with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as file:
        name, parts = b"", []
        for line in [*file, b">"]:
            if not line.startswith(b">"):
                parts.append(line.strip())
                continue
            if parts:
                placed = _PLACED.match(name.decode())
                chrom, start = (placed[1], int(placed[2])) if placed else (name.decode(), 0)
                yield chrom, start, _CODE[np.frombuffer(b"".join(parts), dtype=np.uint8)]
            name, parts = (line[1:].split() or [b""])[0], []


def is_island(codes: Codes) -> bool:
    """Whether a window is a CpG island."""
    c, g = np.count_nonzero(codes == 1), np.count_nonzero(codes == 2)
    cpg = np.count_nonzero((codes[:-1] == 1) & (codes[1:] == 2))
    known = np.count_nonzero(codes < 4)
    return bool(c + g >= 0.55 * known and cpg * known >= 0.65 * c * g and cpg)


def count(codes: Codes) -> NDArray[np.int64]:
    """How often each base follows each context on either strand, shape=(N_CONTEXTS, 4)."""
    found = np.zeros(4 * N_CONTEXTS, dtype=np.int64)
    for strand in (codes, np.where(codes < 4, 3 - codes, 4)[::-1]):
        words = np.lib.stride_tricks.sliding_window_view(strand, CONTEXT + 1)
        words = words[(words < 4).all(axis=1)].astype(np.int64)
        number = words @ 4 ** np.arange(CONTEXT, -1, -1)
        found += np.bincount(number, minlength=len(found))
    return found.reshape(N_CONTEXTS, 4)


def fit(path: Path) -> NDArray[np.int64]:
    """Counts by class, shape=(n_classes, N_CONTEXTS, 4)."""
    windows: dict[tuple[str, int], list[Codes]] = {}
    for chrom, start, codes in read_records(path):
        for at in range(0, len(codes), WINDOW):
            window = codes[at : at + WINDOW]
            if len(window) >= SHORTEST:
                windows.setdefault((chrom, (start + at) // ISOCHORE), []).append(window)
    together: list[list[Codes]] = [[] for _ in CLASSES]
    gap = np.full(CONTEXT + 1, 4, dtype=np.uint8)
    for own in windows.values():
        islands = [is_island(window) for window in own]
        rest = [window for window, island in zip(own, islands, strict=True) if not island]
        joined = np.concatenate(rest) if rest else gap
        gc = np.count_nonzero((joined == 1) | (joined == 2)) / max(np.count_nonzero(joined < 4), 1)
        for window, island in zip(own, islands, strict=True):
            together[ISLAND if island else int(np.searchsorted(BOUNDS, gc, "right"))] += [window, gap]
    counts = np.zeros((len(CLASSES), N_CONTEXTS, 4), dtype=np.int64)
    for number, stretches in enumerate(together):
        for at in range(0, len(stretches), 20_000):
            counts[number] += count(np.concatenate(stretches[at : at + 20_000]))
    return counts


def main() -> None:
    """Read the arguments and write the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("fasta", type=Path, help="sequences, perhaps compressed with gzip")
    parser.add_argument("table", type=Path, help="the table to write")
    parser.add_argument("--source", required=True, help="what the sequences are, for the header of the table")
    given = parser.parse_args()
    counts = fit(given.fasta)
    write_background(given.table, counts, given.source)
    for name, own in zip(CLASSES, counts, strict=True):
        print(f"{name}: {own.sum() // 2} bases, GC {own[:, 1:3].sum() / max(own.sum(), 1):.3f}")


if __name__ == "__main__":
    main()
