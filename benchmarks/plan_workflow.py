"""How long ``snakemake -n`` takes on a finished tree, for growing numbers of cell lines.

    python benchmarks/plan_workflow.py                # 8 and 64 cell lines
    python benchmarks/plan_workflow.py --full         # 256 as well

The tree is made of empty outputs of a run with 5 models and 5 seeds, with the records that Snakemake keeps of
each. A quarter of the lines is unseen. ``ours`` is seconds, ``peer`` the number of jobs of the tree.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measuring import report

TOP = Path(__file__).resolve().parents[1]
HEADER = "cell_line tissue role sex condition pairs pairs_format enhancers promoters"
MODELS = ("baseline", "graph_manifold", "no_graph", "set_encoder", "scalar_resistance")


def write_tree(directory: Path, n_lines: int, n_models: int, n_seeds: int) -> None:
    """A directory with the configuration of a run, and links to the workflow."""
    for name in ("Snakefile", "workflow", "src", "profiles", "resources"):
        (directory / name).symlink_to(TOP / name)
    (directory / "config").mkdir()
    for name in ("config.yaml", "tissues.tsv", "models", "encoders"):
        (directory / "config" / name).symlink_to(TOP / "config" / name)
    tissues = [row.split("\t")[0] for row in (TOP / "config" / "tissues.tsv").read_text().splitlines()[1:]]
    rows = [HEADER.split()]
    for number in range(n_lines):
        line, tissue = f"line_{number}", tissues[number % len(tissues)]
        raw = f"results/simulation/raw/{line}"
        role = ("train", "train", "validation", "unseen")[number // 2 % 4]
        files = [f"{raw}/pairs.tsv.gz", "cbat", f"{raw}/enhancers.bed.gz", f"{raw}/promoters.bed.gz"]
        rows.append([line, tissue, role, "unknown", "unknown", *files])
    (directory / "config" / "cell_lines.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    models, seeds = ", ".join(MODELS[:n_models]), ", ".join(str(1 + at) for at in range(n_seeds))
    (directory / "own.yaml").write_text(f"models: [{models}]\nseeds: [{seeds}]\n")


def snakemake(directory: Path, *arguments: str) -> str:
    """What Snakemake says of the tree; its errors end the script."""
    command = [sys.executable, "-m", "snakemake", "--configfile", "own.yaml", *arguments]
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr + done.stdout)
    return done.stdout + done.stderr


def finish(directory: Path) -> int:
    """Make all outputs, empty, and their records; returns the number of jobs."""
    planned = snakemake(directory, "-n")
    found = re.search(r"^total\s+(\d+)$", planned, re.MULTILINE)
    # Rules say in words what they do, so a plan does not name their files.
    _, *listed = (line for line in snakemake(directory, "--summary").splitlines() if "\t" in line)
    for line in listed:
        path = directory / line.split("\t")[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    now = time.time()
    for path in (directory / "results").rglob("*"):
        if path.is_file():
            os.utime(path, (now, now))
    snakemake(directory, "--touch", "--cores", "1", "--quiet", "all")
    return int(found[1]) if found else 0


def main() -> None:
    """Measure each number of lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--lines", type=int, nargs="+")
    parser.add_argument("--models", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("-n", type=int, default=5, help="measurements")
    options = parser.parse_args()
    for n_lines in options.lines or ([8, 64, 256] if options.full else [8, 64]):
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            write_tree(directory, n_lines, options.models, options.seeds)
            n_jobs = finish(directory)
            seconds = []
            for _ in range(options.n):
                started = time.perf_counter()
                said = snakemake(directory, "-n")
                seconds.append(time.perf_counter() - started)
            if "Nothing to be done" not in said:
                sys.exit(f"the tree is not finished:\n{said[-2000:]}")
            report(f"plan_{n_lines}_lines", sorted(seconds)[len(seconds) // 2], n_jobs, None, "s", options.n)


if __name__ == "__main__":
    main()
