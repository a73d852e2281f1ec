"""Each rule by itself: from its inputs alone it makes the same bytes again."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.cli import STAGES

OUTPUTS = {
    "simulate_benchmark": "results/simulation/**/*.*",
    "prepare_genome": "results/genome/*",
    "collect_elements": "results/elements/unseen/*",
    "extract_sequences": "results/sequences/unseen/*",
    "label_pairs": "results/labels/liver_2.*",
    "plot_balance": "results/figures/balance.svg",
    "build_prototype_graph": "results/graph/training/*",
    "plot_prototype_graph": "results/graph/all/graph.svg",
    "read_genes": "results/genes/*",
    "read_tracks": "results/tracks/liver_2.*",
    "read_landscape": "results/landscape/liver_2/*",
    "fit_landscape": "results/laws/fused/law.json",
    "write_block_shards": "results/shards/liver_2/*",
    "pretrain_encoder": "results/encoders/motifs/seed_1/*",
    "train_model": "results/models/graph_manifold/seed_1/*",
    "evaluate_cell_line": "results/evaluation/graph_manifold/seed_1/liver_2/*",
    "fit_references": "results/references/*",
    "evaluate_references": "results/evaluation/reference/liver_2/*",
    "read_environment": "results/readout/graph_manifold/seed_1/*",
    "plot_environment_readout": "results/figures/environment_readout.svg",
    "package_model": "results/packages/graph_manifold/seed_1/*",
    "prepare_prediction": "results/predictions/new_liver/*.json",
    "score_chromosome": "results/predictions/new_liver/pairs/chr8.parquet",
    "gather_predictions": "results/predictions/new_liver/contacts.*",
    "write_prediction_page": "results/predictions/new_liver/index.html",
    "summarise_evaluation": "results/summary/[!ci]*",
    "describe_inputs": "results/summary/inputs.*",
    "check_collapse": "results/summary/collapsed.tsv",
    "record_versions": "results/versions.json",
    "plot_cell_line_bars": "results/figures/cell_line_bars.svg",
    "plot_precision_recall": "results/figures/precision_recall.svg",
    "plot_support_curve": "results/figures/support_curve.svg",
}
"""All that one job of each rule makes."""
OF_OTHER_RUNS = {
    "run_world", "summarise_benchmark", "summarise_held_out_lines", "identify_cell_line", "compare_peaks",
    "compare_expression", "evaluate_landscape", "package_landscape", "prepare_landscape_prediction",
    "lift_over",
}  # fmt: skip
"""Rules that tests of tests/workflow run: test_benchmark, test_held_out_lines, test_lift_over and
test_without_genome."""


@pytest.fixture(scope="module")
def finished(toy, tmp_path_factory: pytest.TempPathFactory):
    """A finished toy run that tests may spoil."""
    return toy.copy_to(tmp_path_factory.mktemp("rules"))


def contents(directory: Path, pattern: str) -> dict[str, bytes]:
    """Relative path -> bytes of the files that match."""
    files = sorted(path for path in directory.glob(pattern) if path.is_file())
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def test_every_rule_is_here() -> None:
    assert OUTPUTS.keys() | OF_OTHER_RUNS == STAGES.keys()


@pytest.mark.parametrize("rule", OUTPUTS)
def test_a_rule_makes_the_same_bytes_again(rule: str, finished) -> None:
    before = contents(finished.directory, OUTPUTS[rule])
    assert before
    for name in before:
        (finished.directory / name).unlink()
    done = finished.snakemake("--cores", "1", "--allowed-rules", rule, "--", *before)
    after = contents(finished.directory, OUTPUTS[rule])
    for name, content in before.items():
        # The next rule's inputs, whatever came out of this one.
        if after.get(name) != content:
            (finished.directory / name).parent.mkdir(parents=True, exist_ok=True)
            (finished.directory / name).write_bytes(content)
    assert done.returncode == 0, done.stdout
    assert after.keys() == before.keys()
    assert [name for name in before if after[name] != before[name]] == []


@pytest.mark.parametrize("rule", [*OUTPUTS, "write_report"])
def test_a_rule_leaves_a_log_and_a_measurement(rule: str, toy) -> None:
    assert list((toy.directory / "logs" / rule).glob("*.log"))
    for file in (toy.directory / "benchmarks" / rule).glob("*.tsv"):
        header, row = (line.split("\t") for line in file.read_text().splitlines())
        assert float(dict(zip(header, row, strict=True))["s"]) > 0
        break
    else:
        pytest.fail("no measurement")
