"""Time and memory of stages against the size of the input, and two processes against one.

    python benchmarks/grow.py          # 2,000 and 20,000 pairs; 1,000 and 10,000 elements; 2 and 8 lines
    python benchmarks/grow.py --full   # ten times as many

``ours`` is the larger size, ``peer`` the smaller, and the ratio how many times more time (unit s) or memory
(unit MB) it takes. Each measurement is a process of its own; what the stage reads is made by another one.
Memory is the most that the process ever held, as the system counts it; ``_above_imports`` is less what it
held once everything was imported. For ``two_cores`` the ratio is how many times faster two
processes do two jobs than one process does.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from measuring import report

FILTERS = 32
WINDOW = 1000
Size = dict[str, int]


def held() -> float:
    """The most memory that this process held so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prepare_extract(directory: Path, size: Size) -> None:
    """A genome and windows on it."""
    import pandas as pd
    from extract_sequences import write_genome

    length = write_genome(directory / "genome.fa", 60_000_000)
    rng = np.random.default_rng(2)
    for role in ("enhancer", "promoter"):
        start = np.sort(rng.integers(0, length - WINDOW, size["elements"] // 2))
        contig = np.sort(rng.integers(1, 21, len(start)))
        table = pd.DataFrame({"chrom": [f"chr{at}" for at in contig], "start": start, "end": start + WINDOW})
        table.to_parquet(directory / f"{role}.parquet")


def extract(directory: Path) -> Callable[[], object]:
    """Extraction of the windows."""
    from cbat.data import sequences

    return lambda: sequences.run(
        genome_fasta=directory / "genome.fa", elements_directory=directory, directory=directory / "sequences"
    )


def prepare_shards(directory: Path, size: Size) -> None:
    """Inputs of the shards of some lines."""
    from read_shards import write_inputs

    for line in range(size["lines"]):
        (directory / str(line)).mkdir()
        write_inputs(directory / str(line), size["pairs"], size["elements"])


def shards(directory: Path) -> Callable[[], object]:
    """Shards of all lines."""
    from read_shards import write_shard

    lines = [path for path in sorted(directory.iterdir()) if path.is_dir()]
    return lambda: [write_shard(line) for line in lines]


def prepare_encode(directory: Path, size: Size) -> None:
    """Bases of elements."""
    rng = np.random.default_rng(1)
    np.save(directory / "codes.npy", rng.integers(0, 4, (size["elements"], WINDOW), dtype=np.uint8))


def encode(directory: Path) -> Callable[[], object]:
    """Features of all elements."""
    import torch

    from cbat.model.blocks import encode_elements
    from cbat.model.encoder import MotifEncoder

    torch.set_num_threads(1)
    torch.manual_seed(1)
    encoder = MotifEncoder(torch.randn(FILTERS, 4, 18), torch.full((FILTERS,), 0.1))
    codes = np.load(directory / "codes.npy", mmap_mode="r")
    return lambda: encode_elements({"enhancer": codes, "promoter": codes[:0]}, encoder)


def prepare_score(directory: Path, size: Size) -> None:
    """Pairs."""
    rng = np.random.default_rng(1)
    n = size["pairs"]
    columns = (
        *(rng.integers(0, 500, n) for _ in range(2)), rng.integers(1_000, 500_000, n), rng.choice([-1, 1], n),
    )  # fmt: skip
    np.save(directory / "pairs.npy", np.stack(columns))


def score(directory: Path) -> Callable[[], object]:
    """Energies of all pairs, as prediction has them."""
    import torch
    from score_pairs import World

    from cbat.model.bundle import Pairs, score_pairs

    torch.set_num_threads(1)
    world = World(1, 900, FILTERS)
    features = [torch.rand(500, FILTERS, 3) for _ in range(2)]
    stored = np.load(directory / "pairs.npy", mmap_mode="r")

    def pieces() -> None:
        # Piece by piece, as cbat.prediction.score does; what is kept of a pair are two numbers.
        for at in range(0, stored.shape[1], 100_000):
            pairs = Pairs(*np.array(stored[:, at : at + 100_000]))
            score_pairs(world.contact, *features, pairs, world.alike(len(pairs)))

    return pieces


STAGES: dict[str, tuple[Callable[[Path, Size], None], Callable[[Path], Callable[[], object]]]] = {
    "extract": (prepare_extract, extract),
    "shards": (prepare_shards, shards),
    "encode": (prepare_encode, encode),
    "score": (prepare_score, score),
}


def run_stage(stage: str, directory: Path) -> None:
    """One stage on what lies in the directory; prints seconds and the most memory held."""
    work = STAGES[stage][1](directory)
    before, started = held(), time.perf_counter()
    work()
    print(json.dumps({"s": time.perf_counter() - started, "MB": held(), "above": held() - before}))


def process_of(*arguments: str) -> subprocess.Popen[str]:
    """A process of its own for this script."""
    return subprocess.Popen([sys.executable, __file__, *arguments], stdout=subprocess.PIPE, text=True)


def answer(process: subprocess.Popen[str]) -> str:
    """What a process printed last, once it has ended well."""
    out, _ = process.communicate()
    if process.returncode:
        sys.exit(f"{process.args} failed")
    return out.splitlines()[-1] if out else ""


def prepared(stage: str, size: Size, directory: Path) -> Path:
    """The directory, with what the stage reads."""
    answer(process_of("--prepare", stage, "--directory", str(directory), "--size", json.dumps(size)))
    return directory


def measured(stage: str, size: Size) -> dict[str, float]:
    """Seconds and memory of a stage."""
    with tempfile.TemporaryDirectory() as name:
        directory = prepared(stage, size, Path(name))
        found: dict[str, float] = json.loads(
            answer(process_of("--stage", stage, "--directory", str(directory)))
        )
        return found


def grow(name: str, stage: str, small: Size, large: Size, n: int) -> None:
    """Both sizes in turn."""
    found: dict[str, list[dict[str, float]]] = {"small": [], "large": []}
    for _ in range(n):
        found["small"].append(measured(stage, small))
        found["large"].append(measured(stage, large))
    for ending, key, unit in (("", "s", "s"), ("_memory", "MB", "MB"), ("_above_imports", "above", "MB")):
        peer, ours = (statistics.median(one[key] for one in found[side]) for side in ("small", "large"))
        report(f"{name}{ending}", ours, peer, ours / max(peer, 1e-3), unit, n)


def together(stage: str, directories: list[Path], n_processes: int) -> float:
    """Seconds until each of two directories has had its stage, in so many processes at a time."""
    started = time.perf_counter()
    for at in range(0, len(directories), n_processes):
        some = directories[at : at + n_processes]
        for process in [process_of("--stage", stage, "--directory", str(one)) for one in some]:
            answer(process)
    return time.perf_counter() - started


def two_cores(stage: str, size: Size, n: int) -> None:
    """Two jobs one after the other, against both at once."""
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        directories = [prepared(stage, size, Path(name)) for name in (one, other)]
        turns = [(together(stage, directories, 1), together(stage, directories, 2)) for _ in range(n)]
    alone, both = (float(np.median(side)) for side in zip(*turns, strict=True))
    report(f"two_cores_{stage}", both, alone, alone / both, "s", n)


def main() -> None:
    """Measure growth, then cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--scale", type=float, default=1.0, help="all sizes times this")
    parser.add_argument("-n", type=int, default=5, help="measurements of each side")
    for name in ("--stage", "--prepare", "--directory", "--size"):
        parser.add_argument(name, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        return run_stage(options.stage, Path(options.directory))
    if options.prepare:
        return STAGES[options.prepare][0](Path(options.directory), json.loads(options.size))
    scale = options.scale * (10 if options.full else 1)
    pairs, elements = int(2_000 * scale), max(int(1_000 * scale), 200)
    base = {"pairs": pairs, "elements": elements, "lines": 1}
    more_elements, more_pairs = base | {"elements": 10 * elements}, base | {"pairs": 10 * pairs}
    grow("growth_elements_extract", "extract", base, more_elements, options.n)
    grow("growth_elements_shards", "shards", base, more_elements, options.n)
    grow("growth_pairs_shards", "shards", base, more_pairs, options.n)
    grow("growth_lines_shards", "shards", base | {"lines": 2}, base | {"lines": 8}, options.n)
    grow("growth_elements_encode", "encode", base, more_elements, options.n)
    grow("growth_pairs_score", "score", more_pairs, base | {"pairs": 100 * pairs}, options.n)
    large = {"pairs": 300 * pairs, "elements": 20 * elements, "lines": 1}
    for stage in ("encode", "score"):
        two_cores(stage, large, options.n)
    return None


if __name__ == "__main__":
    main()
