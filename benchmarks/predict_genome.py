"""Measure time and memory of predicting a whole genome, on random elements of a genome.

    python benchmarks/predict_genome.py --model regulation
    python benchmarks/predict_genome.py --model results/packages/MODEL/seed_1 --fasta hg19.fa

With a FASTA, enhancers and promoters are drawn around the same places, as real ones lie in gene-rich regions,
on all contigs by their lengths. Without one, promoters are drawn from the transcription starts that a shipped
model brings, and enhancers, as peaks with a signal, around all starts. One JSON line is printed for each
number of processes; memory is that of the largest process, and of all of them together.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd

from cbat.config.shipped_models import model_directory
from cbat.prediction.shared_landscape import read_landscape

SPREAD = 250_000
"""Standard deviation of the places of a cluster's elements, bp."""
LENGTH = 500
"""Of every interval, bp; the model reads windows of its own length."""


def draw_clusters(sizes: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Places around which elements of both roles lie."""
    row = rng.choice(len(sizes), n, p=sizes["length"] / sizes["length"].sum())
    chosen = sizes.iloc[row].reset_index(drop=True)
    return chosen.assign(middle=rng.random(n) * chosen["length"])


def draw(clusters: pd.DataFrame, n: int, rng: np.random.Generator) -> pd.DataFrame:
    """Intervals around clusters, sorted; each once, so that a few may be missing."""
    around = clusters.iloc[rng.integers(len(clusters), size=n)]
    start = (around["middle"] + rng.normal(0, SPREAD, n)).astype(np.int64)
    start = np.clip(start, 0, around["length"] - LENGTH)
    table = pd.DataFrame({"chrom": around["contig"], "start": start, "end": start + LENGTH})
    return table.drop_duplicates().sort_values(["chrom", "start"])


def of_clusters(options: argparse.Namespace, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Intervals of both roles on the contigs of a FASTA."""
    index = pd.read_csv(f"{options.fasta}.fai", sep="\t", header=None).iloc[:, :2]
    sizes = index.set_axis(["contig", "length"], axis=1)
    sizes = sizes[sizes["length"] > 1_000_000].reset_index(drop=True)
    clusters = draw_clusters(sizes, options.clusters, rng)
    return {role: draw(clusters, getattr(options, role), rng) for role in ("enhancers", "promoters")}


def of_starts(options: argparse.Namespace, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """Promoters at transcription starts of a shipped model, and narrowPeak peaks around all of them."""
    starts = read_landscape(model_directory(options.model)).starts
    some = starts.sample(min(options.promoters, len(starts)), random_state=1).sort_values(
        ["chrom", "position"]
    )
    promoters = pd.DataFrame(
        {"chrom": some["chrom"], "start": some["position"] - 250, "end": some["position"] + 250}
    )
    middle = starts.assign(contig=starts["chrom"], middle=starts["position"], length=300_000_000)
    peaks = draw(middle.reset_index(drop=True), options.enhancers, rng)
    signal = rng.gamma(2.0, 10.0, len(peaks)).round(3)
    enhancers = peaks.assign(
        name=".", score=0, strand=".", signal=signal, p=-1, q=-1, peak=LENGTH // 2
    )  # fmt: skip
    return {"enhancers": enhancers, "promoters": promoters}


def resident(root: int) -> tuple[int, int]:
    """Memory of the largest process below ``root``, and of all of them, bytes."""
    parents, own = {}, {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        parents[int(path.parent.name)] = int(fields[1])
        own[int(path.parent.name)] = int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    inside = {root}
    for _ in range(4):
        inside |= {one for one, parent in parents.items() if parent in inside}
    found = [own[one] for one in inside if one in own]
    return max(found, default=0), sum(found)


def measure(command: list[str]) -> dict[str, float]:
    """Seconds and memory of a command and of the processes that it starts."""
    started, before, peaks = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN), [0, 0]
    process = subprocess.Popen(command)
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.2):
            peaks[:] = [max(pair) for pair in zip(peaks, resident(process.pid), strict=True)]

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    over.set()
    watcher.join()
    if code:
        sys.exit(code)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "seconds": round(time.perf_counter() - started, 1),
        "processor_seconds": round(processor, 1),
        "largest_process_mb": round(peaks[0] / 1e6),
        "all_processes_mb": round(peaks[1] / 1e6),
    }


def main() -> None:
    """Draw elements, and predict them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", required=True)
    parser.add_argument("--fasta", type=Path, help="plain FASTA with its .fai, for a model of sequences")
    parser.add_argument("--enhancers", type=int, default=100_000)
    parser.add_argument("--promoters", type=int, default=20_000)
    parser.add_argument("--clusters", type=int, default=1000)
    parser.add_argument("--max-distance", type=int, default=500_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    options = parser.parse_args()
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as temporary:
        beds, given = {}, []
        tables = of_starts(options, rng) if options.fasta is None else of_clusters(options, rng)
        if options.fasta is not None:
            given = ["--genome", str(options.fasta)]
        for role, table in tables.items():
            beds[role] = Path(temporary) / f"{role}.{'narrowPeak' if len(table.columns) > 3 else 'bed'}"
            table.to_csv(beds[role], sep="\t", header=False, index=False)
        for threads in options.threads:
            directory = Path(temporary) / f"threads_{threads}"
            command = [
                sys.executable, "-m", "cbat", "predict", "--model", options.model,
                "--candidates", str(beds["enhancers"]), "--promoters", str(beds["promoters"]),
                "--directory", str(directory), *given,
                "--max-distance", str(options.max_distance), "--threads", str(threads),
            ]  # fmt: skip
            measured = measure(command)
            summary = pd.read_csv(directory / "summary.tsv", sep="\t")
            counts = {name: int(summary[name].sum()) for name in ("enhancers", "promoters", "pairs")}
            print(json.dumps({"threads": threads, **counts, **measured}), flush=True)


if __name__ == "__main__":
    main()
