"""Time and memory of every stage of the workflow against the size of a world.

    python benchmarks/grow_workflow.py          # 400 pairs a line, 1,800 elements, 8 lines; and more
    python benchmarks/grow_workflow.py --full   # 4,000 pairs a line, 5,400 elements, 8 lines; and more

Simulated worlds go from raw files to the report and to a prediction through Snakemake, one with 10 times
the pairs, one with 10 times the elements and one with 4 times the cell lines of a first one, in turn.
``ours`` is the larger, ``peer`` the first. The ratio is how many times more processor seconds (unit s) all
jobs of a stage take, or how many times more memory (unit MB) the largest of them held at most, as the
system counts it. The start of Python and imports are part of both.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import yaml
from measuring import report
from toy_world import TOP, copy_configuration

TISSUES: Final = ("blood", "brain", "liver", "skin")
FILE_COLUMNS: Final = ("pairs", "pairs_format", "enhancers", "promoters")
MEASURED: Final = "measured.jsonl"
MEASURING_CBAT: Final = f"""#!/usr/bin/env python
import json, os, pathlib, subprocess, sys

top = pathlib.Path(__file__).resolve().parents[2]
environment = os.environ | {{"PYTHONPATH": str(top / "src")}}
command = [sys.executable, "-m", "cbat", *sys.argv[1:]]
process = subprocess.Popen(command, env=environment)
_, status, used = os.wait4(process.pid, 0)
seconds, memory = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
line = {{"stage": sys.argv[1], "job": sys.argv[1:], "s": seconds, "MB": memory}}
with open(top / "{MEASURED}", "a") as out:
    out.write(json.dumps(line) + "\\n")
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True)
class Size:
    """Pairs of a cell line, elements, cell lines of a tissue, and the reach of predicted pairs, bp."""

    pairs: int
    elements: int
    lines: int = 2
    reach: int = 20_000


def set_up(directory: Path, size: Size) -> None:
    """The workflow with a program that measures in place of `cbat`, and the files of a world."""
    shutil.copytree(TOP / "workflow", directory / "workflow")
    (directory / "src").symlink_to(TOP / "src")
    (directory / "workflow" / "bin" / "cbat").write_text(MEASURING_CBAT)
    copy_configuration(directory, {"models/graph_manifold": {"steps": 280, "patience": 10}})
    rows = [[*("cell_line", "tissue", "role", "sex", "condition"), *FILE_COLUMNS]]
    for number in range(1, size.lines + 1):
        role = "train" if number <= size.lines // 2 else "unseen"
        for tissue in TISSUES:
            raw = f"results/simulation/raw/{tissue}_{number}"
            files = (f"{raw}/pairs.tsv.gz", "cbat", f"{raw}/enhancers.bed.gz", f"{raw}/promoters.bed.gz")
            rows.append([f"{tissue}_{number}", tissue, role, "unknown", "unknown", *files])
    (directory / "cell_lines.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    (directory / "world.yaml").write_text(yaml.safe_dump(world(size)))


def world(size: Size) -> dict[str, Any]:
    """What the configuration of a world says over the shipped one."""
    new = f"results/simulation/raw/liver_{size.lines}"
    chromosomes = [f"chr{number}" for number in range(1, 11)]
    return {
        "cell_lines": "cell_lines.tsv",
        "simulation": {
            "n_chromosomes": len(chromosomes),
            "n_enhancers": size.elements * 2 // 3,
            "n_promoters": size.elements // 3,
            "pairs_per_cell_line": size.pairs,
            "max_distance": 50_000_000,
        },
        "splits": {"train": chromosomes[:5], "validation": chromosomes[5:7], "test": chromosomes[7:]},
        "predictions": {
            "new_line": {
                "enhancers": f"{new}/enhancers.bed.gz",
                "promoters": f"{new}/promoters.bed.gz",
                "tissue": "liver",
                "chromosomes": chromosomes[8:],
                "max_distance": size.reach,
            }
        },
    }


def run_workflow(directory: Path, until: Sequence[str] = ()) -> None:
    """From raw files to the report and a prediction, or no farther than some rules."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", "workflow/Snakefile", "--cores", "2"]
    done = subprocess.run(
        [*command, "--configfile", "world.yaml", *(["--until", *until] if until else [])],
        cwd=directory,
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        sys.exit(done.stdout + done.stderr)


def jobs_done(directory: Path) -> list[dict[str, Any]]:
    """``stage``, ``job`` (its arguments), ``s`` and ``MB`` of each job, in the order in which they ended."""
    return [json.loads(line) for line in (directory / MEASURED).read_text().splitlines()]


def measured(size: Size, until: Sequence[str] = ()) -> dict[str, dict[str, float]]:
    """Processor seconds of all jobs and most memory of one job, of each stage."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        set_up(directory, size)
        run_workflow(directory, until)
        found: dict[str, dict[str, float]] = {}
        for job in jobs_done(directory):
            stage = found.setdefault(job["stage"], {"s": 0.0, "MB": 0.0})
            stage["s"] += job["s"]
            stage["MB"] = max(stage["MB"], job["MB"])
        return found


def add_size(parser: argparse.ArgumentParser) -> None:
    """Options that :func:`first_size` reads."""
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--scale", type=float, default=1.0, help="pairs and elements times this")


def first_size(options: argparse.Namespace) -> Size:
    """Size of the first world."""
    pairs, elements = (4_000, 5_400) if options.full else (400, 1_800)
    return Size(int(pairs * options.scale), int(elements * options.scale))


def main() -> None:
    """Measure all worlds in turn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    add_size(parser)
    parser.add_argument("--axis", choices=("pairs", "elements", "lines"), help="one alone")
    parser.add_argument("--until", nargs="+", default=(), metavar="RULE", help="no farther than these")
    parser.add_argument("-n", type=int, default=5, help="measurements of each world")
    options = parser.parse_args()
    first = first_size(options)
    worlds = {
        "pairs": replace(first, pairs=10 * first.pairs, reach=10 * first.reach),
        "elements": replace(first, elements=10 * first.elements),
        "lines": replace(first, lines=4 * first.lines),
    }
    if options.axis:
        worlds = {options.axis: worlds[options.axis]}
    turns = [
        {name: measured(size, options.until) for name, size in {"first": first, **worlds}.items()}
        for _ in range(options.n)
    ]
    for axis in worlds:
        for stage in turns[0]["first"]:
            for ending, unit in (("", "s"), ("_memory", "MB")):
                peer, ours = (
                    statistics.median(turn[world][stage][unit] for turn in turns) for world in ("first", axis)
                )
                report(f"growth_{axis}_{stage}{ending}", ours, peer, ours / peer, unit, options.n)


if __name__ == "__main__":
    main()
