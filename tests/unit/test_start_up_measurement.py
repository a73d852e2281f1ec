"""The script that measures the start-up of verbs runs, and no verb loads heavy libraries before its work."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

from cbat.cli import VERBS

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "start_up.py"


def test_verbs_are_measured() -> None:
    command = [sys.executable, str(SCRIPT), "-n", "1", "--verbs", "train_model", "check_config"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    verbs = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    assert [line["verb"] for line in verbs] == ["train_model", "check_config"]
    assert all(0 < line["python"] < line["help"] and line["options"] > 0 for line in verbs)
    (line,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert line["name"] == "start_up"
    assert line["ours"] == max(max(one["help"], one["options"]) for one in verbs)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_no_verb_loads_heavy_libraries_before_its_work(verb: str, monkeypatch) -> None:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    spec = importlib.util.spec_from_file_location("start_up", SCRIPT)
    start_up = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(start_up)
    command = [sys.executable, "-c", start_up.STOPPED, verb, *start_up.arguments(verb)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert "AssertionError" not in done.stderr
    # 2: an empty group of settings lacks a key, which is said before any work as well.
    assert done.returncode == 0 or (done.returncode == 2 and "error:" in done.stderr), done.stderr


def test_a_verb_without_settings_does_not_load_pydantic() -> None:
    code = (
        "import sys; from cbat.cli import main\n"
        "try: main([sys.argv[1], '--help'])\n"
        "finally: print('pydantic' in sys.modules, file=sys.stderr)"
    )
    for verb, loaded in (("record_versions", "False"), ("train_model", "True")):
        done = subprocess.run([sys.executable, "-c", code, verb], check=True, capture_output=True, text=True)
        assert done.stderr.strip() == loaded
