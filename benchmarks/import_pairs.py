"""How long it takes to import pairs and extract their sequences, and what memory that needs.

Synthetic pairs over a genome of the user's are read, collected, labelled and extracted, each stage in a
process of its own, as the workflow runs it. There is one element for every ten pairs. Standard output is JSON
lines: one for each stage, and one for the last three together, with seconds, peak memory and cost per pair
(the first stage, reading alone, is a part of the two that follow).

    python benchmarks/import_pairs.py --fasta hg19.fa
    python benchmarks/import_pairs.py --fasta hg19.fa --pairs 10000 --pairs-format targetfinder

The index ``hg19.fa.fai`` is made beside the FASTA if it is not there, and is not counted.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

STAGES = ("read_pairs", "collect_elements", "label_pairs", "extract_sequences")
PAIRS_PER_ELEMENT = 10
SHARE_OF_ENHANCERS = 0.7
SHARE_OF_POSITIVES = 0.1
NEAREST_CONTIG_END = 5_000
HEADER = "cell_line tissue role sex condition pairs pairs_format enhancers promoters"


def index_of(fasta: Path) -> dict[str, int]:
    """Length of each contig, from the index, which is made if need be."""
    index = Path(f"{fasta}.fai")
    if not index.exists():
        import pyfaidx

        pyfaidx.Faidx(str(fasta)).close()
    fields = [line.split("\t") for line in index.read_text().splitlines()]
    return {name: int(length) for name, length, *_ in fields}


def simulate_pairs(sizes: dict[str, int], n_pairs: int, seed: int) -> pd.DataFrame:
    """``n_pairs`` different pairs over a tenth as many elements, spread over the contigs by their length.

    Returns
    -------
    DataFrame
        Coordinates (0-based half-open) and ``label``.
    """
    rng = np.random.default_rng(seed)
    contigs = [name for name, size in sizes.items() if size > 10 * NEAREST_CONTIG_END]
    lengths = np.array([sizes[name] for name in contigs])
    n_elements = max(n_pairs // PAIRS_PER_ELEMENT, 20)
    n_enhancers = int(SHARE_OF_ENHANCERS * n_elements)
    roles = {}
    for role, n, longest in (("enhancer", n_enhancers, 1500), ("promoter", n_elements - n_enhancers, 4000)):
        contig = np.sort(rng.choice(len(contigs), n, p=lengths / lengths.sum()))
        at = rng.integers(NEAREST_CONTIG_END, lengths[contig] - 2 * NEAREST_CONTIG_END)
        order = np.lexsort((at, contig))
        roles[role] = contig[order], at[order], at[order] + rng.integers(100, longest, n)
    # Positions on one long line, so that the promoters nearest to an enhancer are its neighbours there.
    offset = np.concatenate([[0], np.cumsum(lengths)])
    line = {role: offset[contig] + start for role, (contig, start, _) in roles.items()}
    # More than are wanted, for neighbours on another contig are no pairs.
    n_each = -(-3 * n_pairs // n_enhancers)
    enhancer = np.repeat(np.arange(n_enhancers), n_each)
    nearest = np.searchsorted(line["promoter"], line["enhancer"])
    rank = np.tile(np.arange(n_each), n_enhancers)
    promoter = (nearest[enhancer] + rank - rank.max() // 2) % (n_elements - n_enhancers)
    same = roles["enhancer"][0][enhancer] == roles["promoter"][0][promoter]
    chosen = rng.permutation(np.flatnonzero(same))[:n_pairs]
    table: dict[str, Any] = {}
    for role, rows in (("enhancer", enhancer[chosen]), ("promoter", promoter[chosen])):
        contig, start, end = roles[role]
        table[f"{role}_chrom"] = np.array(contigs, dtype=object)[contig[rows]]
        table[f"{role}_start"], table[f"{role}_end"] = start[rows], end[rows]
    return pd.DataFrame(table).assign(label=(rng.random(len(chosen)) < SHARE_OF_POSITIVES).astype(np.int8))


def write_pairs(pairs: pd.DataFrame, pairs_format: str, path: Path) -> None:
    """Write a gzip table in one of the formats that CBAT imports."""
    delimiter, header = "\t", True
    if pairs_format == "targetfinder":
        names = {
            f"{role}_name": "LINE|"
            + pairs[f"{role}_chrom"].astype(str)
            + ":"
            + pairs[f"{role}_start"].astype(str)
            + "-"
            + pairs[f"{role}_end"].astype(str)
            for role in ("enhancer", "promoter")
        }
        pairs, delimiter = pd.DataFrame(names | {"label": pairs["label"]}), ","
    with gzip.open(path, "wt", compresslevel=1) as file:
        pairs.to_csv(file, sep=delimiter, header=header, index=False, lineterminator="\n")


def prepare(directory: Path, fasta: Path, n_pairs: int, pairs_format: str, seed: int) -> int:
    """Write pairs, sheet, contig sizes and splits; returns the number of pairs."""
    sizes = index_of(fasta)
    pairs = simulate_pairs(sizes, n_pairs, seed)
    write_pairs(pairs, pairs_format, directory / "pairs.gz")
    row = f"line tissue train unknown unknown {directory / 'pairs.gz'} {pairs_format} . ."
    (directory / "cell_lines.tsv").write_text(
        "".join("\t".join(text.split()) + "\n" for text in (HEADER, row))
    )
    (directory / "contig_sizes.tsv").write_text(
        "contig\tlength\n" + "".join(f"{name}\t{size}\n" for name, size in sizes.items())
    )
    contigs = sorted(set(pairs["enhancer_chrom"]))
    splits = {"train": contigs[2:] or contigs, "validation": contigs[1:2], "test": contigs[:1]}
    (directory / "splits.json").write_text(json.dumps(splits))
    return len(pairs)


def run_stage(stage: str, directory: Path, fasta: Path, pairs_format: str) -> dict[str, Any]:
    """Run one stage here; how long it took, and the most memory that this process held."""
    from cbat.config.sections import ElementSettings, LabelSettings, SplitSettings
    from cbat.data import elements, labels, sequences
    from cbat.data.pair_tables import read_pairs

    seconds = time.perf_counter()
    if stage == "read_pairs":
        read_pairs(directory / "pairs.gz", pairs_format)
    elif stage == "collect_elements":
        elements.run(
            cell_lines=directory / "cell_lines.tsv",
            cohort="training",
            contig_sizes=directory / "contig_sizes.tsv",
            elements=ElementSettings(),
            splits=SplitSettings(**json.loads((directory / "splits.json").read_text())),
            directory=directory / "elements",
        )
    elif stage == "label_pairs":
        labels.run(
            sheet=directory / "cell_lines.tsv",
            cell_line="line",
            elements_directory=directory / "elements",
            labels=LabelSettings(max_distance=10**9, duplicate_pairs="drop", conflicting_pairs="drop"),
            output=directory / "labels.parquet",
        )
    else:
        sequences.run(
            genome_fasta=fasta,
            elements_directory=directory / "elements",
            directory=directory / "sequences",
            # Elements lie anywhere, where the genome is unknown too.
            max_n=1.0,
        )
    seconds = time.perf_counter() - seconds
    usage = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {"seconds": round(seconds, 3), "peak_mb": round(max(usage) / 1024, 1)}


def measure(fasta: Path, n_pairs: int, pairs_format: str, seed: int) -> list[dict[str, Any]]:
    """One line for each stage and one for all; ``seconds`` leave out the start of the process."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        n_pairs = prepare(directory, fasta, n_pairs, pairs_format, seed)
        common = {"pairs_format": pairs_format, "pairs": n_pairs}
        lines = []
        for stage in STAGES:
            command = [sys.executable, __file__, "--fasta", str(fasta), "--pairs-format", pairs_format]
            started = time.perf_counter()
            done = subprocess.run(
                [*command, "--stage", stage, "--directory", name],
                check=True,
                stdout=subprocess.PIPE,
                text=True,
            )
            wall = time.perf_counter() - started
            line = common | {"stage": stage} | json.loads(done.stdout) | {"wall_seconds": round(wall, 3)}
            lines.append(line | {"microseconds_per_pair": round(1e6 * line["seconds"] / n_pairs, 2)})
        tables = [
            pd.read_parquet(directory / "elements" / f"{role}.parquet") for role in ("enhancer", "promoter")
        ]
        seconds = sum(line["seconds"] for line in lines[1:])
        whole = {
            "stage": "all",
            "elements": sum(map(len, tables)),
            "seconds": round(seconds, 3),
            "peak_mb": max(line["peak_mb"] for line in lines),
            "wall_seconds": round(sum(line["wall_seconds"] for line in lines[1:]), 3),
            "microseconds_per_pair": round(1e6 * seconds / n_pairs, 2),
        }
        return [*lines, common | whole]


def main() -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--fasta", type=Path, required=True, help="uncompressed genome")
    parser.add_argument("--pairs", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--pairs-format", choices=("cbat", "targetfinder"), default="cbat")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage:
        line = run_stage(arguments.stage, arguments.directory, arguments.fasta, arguments.pairs_format)
        print(json.dumps(line))
        return
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for n_pairs in arguments.pairs:
        for line in measure(arguments.fasta, n_pairs, arguments.pairs_format, arguments.seed):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
