"""What a change runs again, and what it leaves alone."""

from __future__ import annotations

import json
import shutil

import pytest

ALWAYS = {"everything", "all", "results"}
LEARNING = {"pretrain_encoder", "train_model"}


@pytest.fixture
def finished(toy, tmp_path):
    """A finished toy run that a test may change."""
    return toy.copy_to(tmp_path)


def add_line(checkout, role: str) -> None:
    """Bring a line with files of its own, in a copy of the sheet."""
    shutil.copytree(checkout.directory / "results/simulation/raw/blood_2", checkout.directory / "mine")
    sheet = (checkout.directory / "cell_lines.tsv").read_text()
    files = "mine/pairs.tsv.gz\tcbat\tmine/enhancers.bed.gz\tmine/promoters.bed.gz"
    checkout.write("more.tsv", f"{sheet}mine\tblood\t{role}\tunknown\tunknown\t{files}\n")
    checkout.write("more.yaml", "cell_lines: more.tsv\n")


def test_an_unseen_line_trains_nothing_anew(finished) -> None:
    add_line(finished, "unseen")
    planned = finished.planned(over=["more.yaml"])
    assert {"label_pairs", "write_block_shards", "evaluate_cell_line", "summarise_evaluation"} <= planned
    assert not planned & (LEARNING | {"simulate_benchmark", "prepare_genome"})


def test_a_training_line_trains_everything_anew(finished) -> None:
    add_line(finished, "train")
    planned = finished.planned(over=["more.yaml"])
    assert planned >= LEARNING
    assert not planned & {"simulate_benchmark", "prepare_genome"}


def test_a_colour_draws_figures_anew(finished) -> None:
    finished.write("colour.yaml", "figures: {model_colour: '#aa0000'}\n")
    planned = finished.planned(over=["colour.yaml"]) - ALWAYS
    figures = {
        "plot_balance", "plot_cell_line_bars", "plot_precision_recall", "plot_support_curve",
        "plot_prototype_graph",
    }  # fmt: skip
    # The record of the run holds a hash of its whole configuration.
    assert planned == figures | {"write_report", "record_versions"}


def test_another_model_leaves_the_others_alone(finished) -> None:
    shutil.copy(
        finished.directory / "config/models/graph_manifold.yaml",
        finished.directory / "config/models/copy.yaml",
    )
    finished.write("copy.yaml", "models: [baseline, graph_manifold, copy]\n")
    done = finished.snakemake("-n", "--until", "train_model", over=["copy.yaml"])
    assert done.stdout.count("rule train_model:") == 1
    assert "wildcards: model=copy" in done.stdout
    assert "rule pretrain_encoder:" not in done.stdout


def test_a_comment_or_a_touch_does_nothing(finished) -> None:
    sheet = finished.directory / "cell_lines.tsv"
    sheet.write_text(f"# A comment.\n{sheet.read_text()}")
    finished.edit("toy.yaml", "# A world", "# A toy world")
    (finished.directory / "results/simulation/genome.fa.gz").touch()
    assert finished.planned() == set()


def test_seen_lines_are_evaluated_with_the_models_that_are_there(finished) -> None:
    finished.write("seen.yaml", "evaluation: {roles: [seen, unseen]}\n")
    done = finished.snakemake("-n", "-p", "--until", "evaluate_cell_line", over=["seen.yaml"])
    commands = [line for line in done.stdout.splitlines() if "cbat evaluate_cell_line" in line]
    assert len(commands) == 2 * 4
    assert all("--role seen" in command for command in commands)
    (command,) = [line for line in commands if "--model baseline" in line and "--cell-line skin_1" in line]
    # The first line of another tissue that is seen as well.
    assert "--other-shards results/shards/blood_1" in command
    assert not finished.planned(over=["seen.yaml"]) & LEARNING


def test_a_collapse_stops_the_run_and_leaves_what_was_measured(finished) -> None:
    model = finished.directory / "results/models/graph_manifold/seed_1/model.json"
    described = json.loads(model.read_text())
    described["provenance"]["collapse"] = ["the environment hardly differs between cell lines"]
    model.write_text(json.dumps(described))
    finished.write("fail.yaml", "training: {fail_on_collapse: true}\n")
    arguments = ["--cores", "1", "--allowed-rules", "summarise_evaluation", "check_collapse", "--"]
    summary = "results/summary"
    done = finished.snakemake(*arguments, f"{summary}/collapsed.tsv", over=["fail.yaml"])
    assert done.returncode != 0
    assert "models have collapsed: graph_manifold (seed 1) on validation pairs" in done.stdout
    assert (
        "COLLAPSE: graph_manifold on validation pairs"
        in (finished.directory / summary / "summary.txt").read_text()
    )
    assert (finished.directory / summary / "metrics.tsv").is_file()
    assert not (finished.directory / summary / "collapsed.tsv").exists()
    done = finished.snakemake(*arguments, f"{summary}/collapsed.tsv")
    assert done.returncode == 0, done.stdout
    assert "validation pairs" in (finished.directory / summary / "collapsed.tsv").read_text()


def test_training_curves_for_a_browser_train_nothing_anew(finished) -> None:
    finished.write("curves.yaml", "training: {tensorboard: true}\n")
    assert not finished.planned(over=["curves.yaml"]) & LEARNING
    finished.write("rounded.yaml", "training: {precision: bfloat16}\n")
    assert "train_model" in finished.planned(over=["rounded.yaml"])
