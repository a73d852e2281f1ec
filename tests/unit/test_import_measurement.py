"""The script that measures the import runs, and says what it measured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "import_pairs.py"


@pytest.mark.parametrize("pairs_format", ["cbat", "targetfinder"])
def test_every_stage_is_measured(tmp_path: Path, pairs_format: str) -> None:
    rng = np.random.default_rng(0)
    fasta = tmp_path / "genome.fa"
    bases = ("".join(rng.choice([*"ACGT"], 100_000)) for _ in range(2))
    fasta.write_text("".join(f">chr{number}\n{contig}\n" for number, contig in enumerate(bases, 1)))
    command = [sys.executable, str(SCRIPT), "--fasta", str(fasta), "--pairs", "500"]
    done = subprocess.run(
        [*command, "--pairs-format", pairs_format], check=True, capture_output=True, text=True
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["stage"] for line in lines] == [
        "read_pairs", "collect_elements", "label_pairs", "extract_sequences", "all",
    ]  # fmt: skip
    assert {line["pairs"] for line in lines} == {500}
    assert lines[-1]["seconds"] == pytest.approx(sum(line["seconds"] for line in lines[1:-1]))
    assert all(line["peak_mb"] > 10 and line["microseconds_per_pair"] > 0 for line in lines)
