"""Each rule by itself: from its inputs alone it makes the same bytes again, in the environment that it names.

The environments are those of conda where it can be had (see tests/conda), so that every job also shows that
it needs nothing else; the toy run, whose bytes they are, had none.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import local_conda
import pytest
import yaml

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
    "write_table_pages": "results/pages/**/*.html",
}
"""All that one job of each rule makes."""
OF_OTHER_RUNS = {
    "run_world", "summarise_benchmark", "summarise_held_out_lines", "identify_cell_line", "compare_peaks",
    "compare_expression", "evaluate_landscape", "package_landscape", "prepare_landscape_prediction",
    "lift_over", "read_signals", "ship_model",
}  # fmt: skip
"""Rules that tests of tests/workflow run: test_benchmark, test_held_out_lines, test_lift_over,
test_regulation and test_without_genome."""


NEEDS_CONDA = pytest.mark.skipif(local_conda.why_not() is not None, reason=str(local_conda.why_not()))
OF_PROCESSORS = [file for file in local_conda.ENVIRONMENTS if file.name != "train-gpu.yaml"]


@dataclass(frozen=True)
class Remade:
    """What a rule had made, what it made again, and what Snakemake said of it and of others meanwhile."""

    before: dict[str, bytes]
    after: dict[str, bytes]
    said: str


@dataclass(frozen=True)
class Remaking:
    """Where all rules were run again one by one, then twice the whole; environments that conda made."""

    directory: Path
    rules: dict[str, Remade]
    whole: list[str]
    calls: int


def contents(directory: Path, pattern: str) -> dict[str, bytes]:
    """Relative path -> bytes of the files that match."""
    files = sorted(path for path in directory.glob(pattern) if path.is_file() and path.name[0] != ".")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


def groups_of(edges: Iterable[tuple[str, str]]) -> list[list[str]]:
    """The rules in few groups, none of which has a rule and another that reads its files."""
    beside: dict[str, set[str]] = {rule: set() for rule in OUTPUTS}
    for one, other in edges:
        beside.setdefault(one, set()).add(other)
        beside.setdefault(other, set()).add(one)
    groups: list[list[str]] = []
    for rule in sorted(OUTPUTS, key=lambda rule: -len(beside[rule])):
        fitting = next((group for group in groups if not beside[rule] & {*group}), None)
        if fitting is None:
            groups.append([rule])
        else:
            fitting.append(rule)
    return groups


@pytest.fixture(scope="module")
def remaking(toy, tmp_path_factory: pytest.TempPathFactory) -> Remaking:
    """Each rule run by itself in a finished toy run: from files that were there before all are made again."""
    finished = toy.copy_to(tmp_path_factory.mktemp("rules"))
    shutil.rmtree(finished.directory / "logs")
    calls = finished.directory / "conda_calls.txt"
    with pytest.MonkeyPatch.context() as patch:
        options = []
        if local_conda.why_not() is None:
            channels = local_conda.write_channels(tmp_path_factory.mktemp("channels"))
            programs = local_conda.write_programs(tmp_path_factory.mktemp("conda"))
            patch.setenv("CONDA_CHANNEL_ALIAS", f"file://{channels}")
            patch.setenv("CONDA_CALLS", str(calls))
            finished.programs = f"{programs}:{finished.programs}"
            options = ["--use-conda"]
        rules = {}
        for group in groups_of(edges_of(finished)):
            rules |= remade(finished, group, *options)
        (finished.directory / "results/report.html").unlink()
        whole = [finished.snakemake("--cores", "2", *options).stdout for _ in range(2)]
    made = calls.read_text().count("env create") if options else 0
    return Remaking(finished.directory, rules, whole, made)


def edges_of(finished) -> list[tuple[str, str]]:
    """A rule and another that reads its files, for all rules of a run."""
    drawn = finished.snakemake("--rulegraph").stdout
    names = dict(re.findall(r'(\d+)\[label = "(\w+)"', drawn))
    edges = [(names[one], names[other]) for one, other in re.findall(r"(\d+) -> (\d+)", drawn)]
    assert {rule for edge in edges for rule in edge} >= OUTPUTS.keys()
    # The genome of a prediction is a link to that of the run.
    return edges + [("prepare_genome", reader) for one, reader in edges if one == "prepare_prediction"]


def remade(finished, group: list[str], *options: str) -> dict[str, Remade]:
    """Delete what one job of each rule has made, and let Snakemake know of no other rules."""
    before = {rule: contents(finished.directory, OUTPUTS[rule]) for rule in group}
    files = {name: content for made in before.values() for name, content in made.items()}
    for name in files:
        (finished.directory / name).unlink()
    done = finished.snakemake(
        "--cores", "2", "--keep-going", *options, "--allowed-rules", *group, "--", *files
    )
    found = {
        rule: Remade(before[rule], contents(finished.directory, OUTPUTS[rule]), done.stdout) for rule in group
    }
    for name, content in files.items():
        # The next rule's inputs, whatever came out of this one.
        path = finished.directory / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return found


def test_every_rule_is_here() -> None:
    assert OUTPUTS.keys() | OF_OTHER_RUNS == STAGES.keys()


@pytest.mark.parametrize("rule", OUTPUTS)
def test_a_rule_makes_the_same_bytes_again(rule: str, remaking: Remaking) -> None:
    one = remaking.rules[rule]
    before, after, said = one.before, one.after, one.said
    assert before
    assert after.keys() == before.keys(), said
    assert [name for name in before if not says_the_same(name, before[name], after[name])] == []
    assert rules_run(said).count(rule) == 1


def says_the_same(name: str, before: bytes, after: bytes) -> bool:
    """Whether a file has the same bytes; a record of versions may lack packages of the other environment."""
    if before == after or Path(name).name != "versions.json":
        return before == after
    return agree(json.loads(before), json.loads(after))


def agree(one: object, other: object, *, of_package: bool = False) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            agree(one[key], other[key], of_package=of_package or key == "packages") for key in one
        )
    return one == other or (of_package and None in (one, other))


def rules_run(said: str) -> list[str]:
    """The rule of each job that Snakemake has run."""
    return re.findall(r"^(?:local)?rule (\w+):$", said, flags=re.MULTILINE)


def test_after_that_the_report_alone_is_missing(remaking: Remaking) -> None:
    jobs = set(rules_run(remaking.whole[0]))
    assert jobs - {"all", "everything"} == {"write_report"}, remaking.whole[0]
    assert (remaking.directory / "results" / "report.html").stat().st_size > 100_000
    assert "Nothing to be done" in remaking.whole[1], remaking.whole[1]


@NEEDS_CONDA
def test_every_environment_that_a_run_on_processors_needs_is_made_once(remaking: Remaking) -> None:
    made = local_conda.environments(remaking.directory)
    assert made.keys() == {file.name for file in OF_PROCESSORS}
    assert remaking.calls == len(made)


@NEEDS_CONDA
@pytest.mark.parametrize("file", OF_PROCESSORS, ids=lambda file: file.name)
def test_an_environment_holds_the_versions_that_its_file_names(remaking: Remaking, file: Path) -> None:
    environment = local_conda.environments(remaking.directory)[file.name]
    installed = dict(record.stem.rsplit("-", 2)[:2] for record in (environment / "conda-meta").glob("*.json"))
    for entry in yaml.safe_load(file.read_text())["dependencies"]:
        name, _, version = entry.partition("=")
        assert f"{installed[name]}.".startswith(f"{version}."), entry


@NEEDS_CONDA
def test_each_environment_ran_jobs_while_it_was_active(remaking: Remaking) -> None:
    for name, folder in local_conda.environments(remaking.directory).items():
        active = (folder / "jobs.txt").read_text().splitlines()
        assert set(active) == {str(folder)}, name
        folders = [remaking.directory / "logs" / rule for rule in local_conda.rules_with_environment(name)]
        jobs = [log for logs in folders for log in logs.rglob("*.log")]
        assert len(active) >= len(jobs) > 0, name


@pytest.mark.parametrize("rule", [*OUTPUTS, "write_report"])
def test_a_rule_leaves_a_log_and_a_measurement(rule: str, toy) -> None:
    assert list((toy.directory / "logs" / rule).glob("*.log"))
    for file in (toy.directory / "benchmarks" / rule).glob("*.tsv"):
        header, row = (line.split("\t") for line in file.read_text().splitlines())
        assert float(dict(zip(header, row, strict=True))["s"]) > 0
        break
    else:
        pytest.fail("no measurement")
