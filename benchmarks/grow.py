"""Time and memory against the size of the input, and two processes against one.

    python benchmarks/grow.py          # 2,000 and 20,000 pairs; 500 and 5,000 elements; 2 and 8 lines
    python benchmarks/grow.py --full   # ten times as many

``ours`` is the larger size, ``peer`` the smaller, and the ratio how many times more time (unit s) or memory
(unit MB, above that of a process that imports the stage) it takes. Each measurement is a process of its own.
For ``two_cores`` the ratio is how many times faster two processes do two jobs than one process does.
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
from pathlib import Path

import numpy as np
from measuring import report

STAGES = ("shards", "score", "encode")


def run_stage(stage: str, directory: Path) -> None:
    """One stage on what lies in the directory; prints seconds and the most memory held."""
    import torch

    torch.set_num_threads(1)
    from score_pairs import World

    size = json.loads((directory / "size.json").read_text())
    if stage == "shards":
        from read_shards import write_shard

        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        for line in range(size["lines"]):
            (directory / str(line)).mkdir()
            write_shard(directory / str(line), size["pairs"], size["elements"])
    else:
        from cbat.model.bundle import score_pairs

        world = World(size["pairs"], size["elements"], 32)
        features = world.features() if stage == "score" else None
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.perf_counter()
        if stage == "encode":
            world.features()
        else:
            score_pairs(world.contact, *features, world.pairs, world.alike(len(world.pairs)))
    seconds = time.perf_counter() - started
    memory = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(json.dumps({"seconds": seconds, "mb": memory}))


def start(stage: str, size: dict[str, int], directory: Path) -> subprocess.Popen[str]:
    """Start a stage in a process of its own."""
    (directory / "size.json").write_text(json.dumps(size))
    command = [sys.executable, __file__, "--stage", stage, "--directory", str(directory)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def measured(stage: str, size: dict[str, int]) -> dict[str, float]:
    """Seconds and memory of a stage."""
    with tempfile.TemporaryDirectory() as name:
        process = start(stage, size, Path(name))
        out, _ = process.communicate()
        if process.returncode:
            sys.exit(f"{stage} failed")
        found: dict[str, float] = json.loads(out.splitlines()[-1])
        return found


def together(stage: str, size: dict[str, int], n_processes: int) -> float:
    """Seconds until as many processes as given have each done the stage once; two jobs in all."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        running: list[subprocess.Popen[str]] = []
        for name in (one, other):
            running.append(start(stage, size, Path(name)))
            if n_processes == 1:
                running[-1].communicate()
        for process in running:
            process.communicate() if n_processes == 2 else None
    return time.perf_counter() - started


def main() -> None:
    """Measure growth, then cores."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--scale", type=float, default=1.0, help="all sizes times this")
    parser.add_argument("-n", type=int, default=5, help="measurements of each side")
    parser.add_argument("--stage", choices=STAGES, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.stage:
        run_stage(options.stage, options.directory)
        return
    scale = options.scale * (10 if options.full else 1)
    pairs, elements = int(2_000 * scale), max(int(500 * scale), 200)
    base = {"pairs": pairs, "elements": elements, "lines": 1}
    cases = (
        ("growth_pairs_shards", "shards", base, base | {"pairs": 10 * pairs}),
        ("growth_pairs_score", "score", base | {"pairs": 10 * pairs}, base | {"pairs": 100 * pairs}),
        ("growth_elements_encode", "encode", base, base | {"elements": 10 * elements}),
        ("growth_lines_shards", "shards", base | {"lines": 2}, base | {"lines": 8}),
    )
    for name, stage, small, large in cases:
        found: dict[str, list[dict[str, float]]] = {"small": [], "large": []}
        for _ in range(options.n):
            found["small"].append(measured(stage, small))
            found["large"].append(measured(stage, large))
        for unit, key in (("s", "seconds"), ("MB", "mb")):
            peer, ours = (statistics.median(one[key] for one in found[side]) for side in ("small", "large"))
            label = name if unit == "s" else f"{name}_memory"
            report(label, ours, peer, ours / max(peer, 1e-9), unit, options.n)
    size = {"pairs": 40 * pairs, "elements": 10 * elements, "lines": 1}
    for stage in ("encode", "score"):
        turns = [(together(stage, size, 1), together(stage, size, 2)) for _ in range(options.n)]
        one, two = (float(np.median(side)) for side in zip(*turns, strict=True))
        report(f"two_cores_{stage}", two, one, one / two, "s", options.n)


if __name__ == "__main__":
    main()
