"""Windows from a genome as codes, against ``bedtools getfasta`` with NumPy and pyfaidx record by record.

Codes of ours are dropped piece by piece, with pieces as large as a stage reads, and theirs record by record.

python benchmarks/extract_sequences.py          # 10,000 windows of 1 kb from 60 million bases
python benchmarks/extract_sequences.py --full   # 100,000 windows from 3,000 million
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyfaidx
from measuring import in_turn, report_speed

from cbat.data.sequences import read_windows

CODE = np.full(256, 4, dtype=np.uint8)
for number, letters in enumerate(("Aa", "Cc", "Gg", "Tt")):
    CODE[[ord(letter) for letter in letters]] = number
LINE = 60
TELOMERE = 10_000


def write_genome(path: Path, n_bases: int, n_contigs: int = 20) -> int:
    """A random genome with its index; returns the length of each contig.

    Half of its lines are in lower case, as repeats are; contigs begin with unknown bases, as telomeres do.
    """
    rng = np.random.default_rng(1)
    length = n_bases // n_contigs // LINE * LINE
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    lower_case = ord("a") - ord("A")
    with open(path, "wb") as file:
        for contig in range(n_contigs):
            file.write(f">chr{contig + 1}\n".encode())
            bases = letters[rng.integers(0, 4, (length // LINE, LINE), dtype=np.uint8)]
            bases[rng.random(len(bases)) < 0.5] += lower_case
            bases[: TELOMERE // LINE] = ord("N")
            file.write(np.pad(bases, ((0, 0), (0, 1)), constant_values=ord("\n")).tobytes())
    pyfaidx.Faidx(str(path)).close()
    return length


def main() -> None:
    """Measure both comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true", help="sizes of a human genome")
    parser.add_argument("--bases", type=int)
    parser.add_argument("--windows", type=int)
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("-n", type=int, default=5, help="measurements of each side")
    options = parser.parse_args()
    n_bases = options.bases or (3_000_000_000 if options.full else 60_000_000)
    n_windows = options.windows or (100_000 if options.full else 10_000)
    width = options.width
    with tempfile.TemporaryDirectory() as name:
        fasta, bed = Path(name) / "genome.fa", Path(name) / "windows.bed"
        length = write_genome(fasta, n_bases)
        rng = np.random.default_rng(2)
        start = rng.integers(0, length - width, n_windows)
        chrom = rng.integers(1, 21, n_windows)
        table = pd.DataFrame({"chrom": [f"chr{c}" for c in chrom], "start": start, "end": start + width})
        table = table.sort_values(["chrom", "start"], ignore_index=True)
        table.to_csv(bed, sep="\t", header=False, index=False)

        def ours() -> Iterator[np.ndarray]:
            return read_windows(fasta, table)

        def bedtools() -> Iterator[np.ndarray]:
            command = ["bedtools", "getfasta", "-fi", str(fasta), "-bed", str(bed), "-tab"]
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            return (CODE[np.frombuffer(row[-width:], np.uint8)] for row in text.splitlines())

        def pyfaidx_records() -> Iterator[np.ndarray]:
            with pyfaidx.Fasta(str(fasta)) as genome:
                for row in table.itertuples():
                    text = genome[row.chrom][row.start : row.end].seq
                    yield CODE[np.frombuffer(text.encode(), np.uint8)]

        sides = (ours, bedtools, pyfaidx_records)
        codes = [np.concatenate([piece.ravel() for piece in side()]) for side in sides]
        assert (codes[0] == codes[1]).all()
        assert (codes[0] == codes[2]).all()
        del codes
        # A queue of no length takes what an iterator gives, and keeps nothing.
        seconds = in_turn(*(lambda side=side: deque(side(), maxlen=0) for side in sides), n=options.n)
        report_speed("extraction_bedtools", seconds[0], seconds[1], options.n)
        report_speed("extraction_pyfaidx", seconds[0], seconds[2], options.n)


if __name__ == "__main__":
    main()
