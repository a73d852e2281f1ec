"""The scripts that measure speed run, at tiny sizes, and print whole lines; the page is written from them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import two_cores
import write_performance

pytestmark = pytest.mark.slow

TOP = Path(__file__).resolve().parents[2]
SCRIPTS = {
    "extract_sequences.py": (["--bases", "100000", "--windows", "50"], 2),
    "encode_elements.py": (["--elements", "5", "--filters", "8"], 4),
    "score_pairs.py": (["--pairs", "100", "--filters", "8"], 6),
    "read_shards.py": (["--pairs", "60", "--elements", "30"], 6),
    "read_landscape.py": (["--pairs", "300"], 2),
    "plan_workflow.py": (["--lines", "8", "--models", "2", "--seeds", "1"], 1),
    "grow_workflow.py": (["--scale", "0.5", "--axis", "pairs", "--until", "collect_elements"], 6),
    "two_cores.py": (["--scale", "0.5", "--stages", "label_pairs"], 1),
    "wait_for_data.py": (["--pairs", "300", "--elements", "900", "--steps", "20"], 1),
    "profile_gpu.py": (["--device", "cpu", "--pairs", "64", "--steps", "1", "--precision", "float32"], 1),
}


def run(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(TOP / "benchmarks" / script), *arguments]
    return subprocess.run(command, capture_output=True, text=True)


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_prints_whole_lines(script: str) -> None:
    if script == "read_shards.py":
        pytest.importorskip("webdataset")
    arguments, n_lines = SCRIPTS[script]
    done = run(script, *arguments, "-n", "1")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) == n_lines
    for line in lines:
        assert set(line) == {"name", "ours", "peer", "ratio", "unit", "n"}
        assert line["n"] == 1
        assert line["ours"] is not None
        if script == "grow_workflow.py":
            assert line["name"].startswith("growth_pairs_")
        elif script != "profile_gpu.py":
            assert line["name"] in write_performance.BARS


def test_the_page_knows_every_line_of_two_cores() -> None:
    measured = {*two_cores.STAGES, *two_cores.ONE_JOB.values()}
    assert {f"two_cores_{name}" for name in measured} <= set(write_performance.BARS)


def page_and_lines(directory: Path, *lines: dict[str, Any]) -> list[str]:
    page, measured = directory / "page.md", directory / "lines.jsonl"
    start, end = "<!-- measured: written by benchmarks/write_performance.py -->", "<!-- end of measured -->"
    page.write_text(f"Before.\n\n{start}\nan earlier table\n{end}\n\nAfter.\n")
    measured.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return [str(measured), "--machine", "a test", "--page", str(page)]


def test_the_page_says_which_bars_are_met(tmp_path: Path) -> None:
    fast = {"name": "extraction_bedtools", "ours": 1.0, "peer": 4.0, "ratio": 4.0, "unit": "s", "n": 5}
    slow = {"name": "waiting_for_data", "ours": 9.0, "peer": 10.0, "ratio": 0.9, "unit": "s", "n": 5}
    done = run("write_performance.py", *page_and_lines(tmp_path, fast, slow))
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "page.md").read_text()
    assert text.startswith("Before.")
    assert text.endswith("After.\n")
    assert "an earlier table" not in text
    assert "| 1 | 4 | s | 4 | 5 | ratio at least 3 | yes |" in text
    assert "| 9 | 10 | s | 0.9 | 5 | ratio at most 0.05 | no |" in text
    assert text.count("not measured") == len(write_performance.BARS) - 2 + 1
    assert "Growth of the stages: not measured." in text


def test_the_page_says_which_stages_grow_too_much(tmp_path: Path) -> None:
    grown = [
        {"name": f"growth_{name}", "ours": ratio * peer, "peer": peer, "ratio": ratio, "unit": unit, "n": 5}
        for name, peer, ratio, unit in (
            ("pairs_label_pairs", 2.0, 11.0, "s"),
            ("pairs_label_pairs_memory", 150.0, 1.2, "MB"),
            ("lines_label_pairs", 2.0, 4.4, "s"),
            ("pairs_train_model", 4.0, 11.5, "s"),
            ("elements_train_model_memory", 400.0, 1.25, "MB"),
        )
    ]
    done = run("write_performance.py", *page_and_lines(tmp_path, *grown))
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "page.md").read_text()
    assert "| `label_pairs` | 2 | 150 | 11 | 1.2 |  |  | 4.4 |  | yes |" in text
    assert "| `train_model` | 4 | 400 | 11.5 |  |  | 1.25 |  |  | no: pairs, elements memory |" in text


def test_a_line_without_a_bar_is_refused(tmp_path: Path) -> None:
    stray = {"name": "stray", "ours": 1.0, "peer": 1.0, "ratio": 1.0, "unit": "s", "n": 5}
    done = run("write_performance.py", *page_and_lines(tmp_path, stray))
    assert done.returncode != 0
    assert "no bar is known for stray" in done.stderr
    assert "an earlier table" in (tmp_path / "page.md").read_text()
