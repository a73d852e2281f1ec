"""Windows from a genome as codes, against ``bedtools getfasta`` with NumPy and pyfaidx record by record.

python benchmarks/extract_sequences.py          # 10,000 windows of 1 kb from 60 million bases
python benchmarks/extract_sequences.py --full   # 100,000 windows from 3,000 million
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
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


def write_genome(path: Path, n_bases: int, n_contigs: int = 20) -> int:
    """A random genome with its index; returns the length of each contig."""
    rng = np.random.default_rng(1)
    length = n_bases // n_contigs // LINE * LINE
    letters = np.frombuffer(b"ACGT", dtype=np.uint8)
    with open(path, "wb") as file:
        for contig in range(n_contigs):
            file.write(f">chr{contig + 1}\n".encode())
            bases = letters[rng.integers(0, 4, (length // LINE, LINE), dtype=np.uint8)]
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

        def ours() -> np.ndarray:
            return next(read_windows(fasta, table, piece=n_windows))

        def bedtools() -> np.ndarray:
            command = ["bedtools", "getfasta", "-fi", str(fasta), "-bed", str(bed), "-tab"]
            text = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            return np.stack([CODE[np.frombuffer(row[-width:], np.uint8)] for row in text.splitlines()])

        def pyfaidx_records() -> np.ndarray:
            rows = []
            with pyfaidx.Fasta(str(fasta)) as genome:
                for row in table.itertuples():
                    text = genome[row.chrom][row.start : row.end].seq
                    rows.append(CODE[np.frombuffer(text.encode(), np.uint8)])
            return np.stack(rows)

        assert (ours() == bedtools()).all()
        assert (ours() == pyfaidx_records()).all()
        seconds = in_turn(ours, bedtools, pyfaidx_records, n=options.n)
        report_speed("extraction_bedtools", seconds[0], seconds[1], options.n)
        report_speed("extraction_pyfaidx", seconds[0], seconds[2], options.n)


if __name__ == "__main__":
    main()
