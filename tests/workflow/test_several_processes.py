"""`training.processes` in the workflow: what the rule asks for, and that it trains the models it says."""

from __future__ import annotations

import json
import re


def planned_training(checkout, text: str) -> str:
    """The plan of the training jobs with some keys of `training`."""
    checkout.write("several.yaml", f"training: {text}\n")
    done = checkout.snakemake("-n", "--cores", "8", "--resources", "gpu=8", over=["several.yaml"])
    assert done.returncode == 0, done.stdout
    return done.stdout[done.stdout.index("rule train_model:") :].partition("\n\n")[0]


def test_the_rule_asks_for_what_its_processes_need(toy, tmp_path) -> None:
    plan = planned_training(toy.copy_to(tmp_path), "{processes: 3, threads: 2, device: cuda}")
    assert "threads: 6" in plan
    resources = dict(re.findall(r"(\w+)=([^,\s]+)", plan[plan.index("resources:") :].splitlines()[0]))
    assert resources["gpu"] == "3"
    assert resources["mem_mb"] == "3000"


def test_a_run_with_two_processes(toy, tmp_path) -> None:
    checkout = toy.copy_to(tmp_path)
    checkout.write("several.yaml", "training: {processes: 2, device: cpu}\n")
    model = "results/models/graph_manifold/seed_1"
    done = checkout.snakemake("--cores", "2", f"{model}/versions.json", over=["several.yaml"])
    assert done.returncode == 0, done.stdout
    versions = json.loads((checkout.directory / model / "versions.json").read_text())
    assert versions["device"]["processes"] == 2
    alone = json.loads((toy.directory / model / "versions.json").read_text())
    assert alone["device"]["processes"] == 1
    assert alone["data_sha256"]["shards"] == versions["data_sha256"]["shards"]
    # Dropout draws from one stream in each process, so weights differ, but not what they were learned from.
    losses = [
        [
            row["training_loss"]
            for line in (top / model / "history.jsonl").read_text().splitlines()
            if (row := json.loads(line))["step"]
        ]
        for top in (toy.directory, checkout.directory)
    ]
    assert len(losses[0]) == len(losses[1])
    assert max(abs(one - other) for one, other in zip(*losses, strict=True)) < 0.02


def test_records_of_a_training_are_read_by_the_record_of_the_run_alone(toy, tmp_path) -> None:
    """Another revision or machine changes them, which must train and evaluate nothing again."""
    checkout = toy.copy_to(tmp_path)
    for path in checkout.directory.glob("results/models/*/*/versions.json"):
        path.write_text("{}\n")
    assert checkout.planned() - {"everything", "all", "results"} == {"record_versions", "write_report"}
