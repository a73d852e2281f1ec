"""What a change runs again, to the rule: each row of the tables is one change to a finished run."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

TARGETS = {"everything", "all", "results", "predict", "benchmark_results"}
CONDA = Path(__file__).resolve().parents[1] / "conda"

# What follows from a stage, as sets of rules.
NOTHING: set[str] = set()
REPORT = {"write_report"}
TABLES = {"write_table_pages"} | REPORT
# The record of the run holds a hash of its whole configuration.
RECORD = {"record_versions"} | REPORT
SUMMARY = (
    {"summarise_evaluation", "check_collapse", "plot_cell_line_bars", "plot_support_curve"} | RECORD | TABLES
)
PREDICTION = {"prepare_prediction", "score_chromosome", "gather_predictions", "write_prediction_page"}
PACKAGE = {"package_model"} | PREDICTION
EVALUATION = {"evaluate_cell_line", "plot_precision_recall"} | SUMMARY | PACKAGE
READOUT = {"read_environment", "plot_environment_readout"}
TRAINING = {"train_model"} | READOUT | EVALUATION
LEARNING = {"pretrain_encoder"} | TRAINING
LABELS = {"label_pairs", "plot_balance", "describe_inputs", "write_block_shards", "read_landscape"}
REFERENCES = {"evaluate_references"} | SUMMARY
# The graph says what a landscape is expected to be, which laws and some references are fitted to.
LANDSCAPE = {"read_landscape", "describe_inputs", "fit_landscape", "fit_references"} | REFERENCES | TRAINING
GRAPH = {"build_prototype_graph", "plot_prototype_graph"} | LANDSCAPE
UNSEEN_LABELS = LABELS | READOUT | EVALUATION | REFERENCES
UNSEEN_ELEMENTS = {"collect_elements", "extract_sequences"} | UNSEEN_LABELS
ELEMENTS = UNSEEN_ELEMENTS | LANDSCAPE | LEARNING
GENOME = {"prepare_genome", "read_tracks"} | ELEMENTS
FIGURES = {
    "plot_balance", "plot_cell_line_bars", "plot_precision_recall", "plot_support_curve",
    "plot_prototype_graph",
} | REPORT  # fmt: skip
SIMULATION = {"simulate_benchmark", "read_genes"} | GENOME


class Tree:
    """A finished toy run and a copy of the code, both to be changed."""

    def __init__(self, run) -> None:
        self.run = run
        self.directory: Path = run.directory
        self.arguments: list[str] = []
        self.over: list[str] = []

    def jobs(self) -> dict[str, set[str]]:
        """The rules that would run, each with the wildcards of its jobs; the reasons are printed."""
        done = self.run.snakemake("-n", "--quiet", "host", *self.arguments, over=self.over)
        print(done.stdout)
        assert done.returncode == 0
        jobs: dict[str, set[str]] = {}
        for line in done.stdout.splitlines():
            if line.startswith(("rule ", "localrule ")):
                rule = line.split()[1].rstrip(":")
                jobs[rule] = jobs.get(rule, set())
            elif line.startswith("    wildcards: "):
                jobs[rule].add(line.removeprefix("    wildcards: "))
        return {rule: wildcards for rule, wildcards in jobs.items() if rule not in TARGETS}


@pytest.fixture
def tree(toy, tmp_path: Path) -> Tree:
    run = toy.copy_to(tmp_path / "run")
    run.copy_code_to(tmp_path / "code")
    return Tree(run)


Change = Callable[[Tree], object]


def over(text: str, *more: Change) -> Change:
    """Lay a configuration over that of the finished run."""

    def change(tree: Tree) -> None:
        tree.run.write("over.yaml", text)
        tree.over.append("over.yaml")
        for other in more:
            other(tree)

    return change


def edit(name: str, old: str, new: str) -> Change:
    """Replace text in a file of the user."""
    return lambda tree: tree.run.edit(name, old, new)


def edit_code(name: str, old: str, new: str) -> Change:
    """Replace text in a file of the checkout; nothing for ``old`` appends."""

    def change(tree: Tree) -> None:
        path = tree.run.code / name
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1) if old else text + new)

    return change


def append_code(name: str, new: str) -> Change:
    return edit_code(name, "", new)


def more_code(module: str) -> Change:
    """A statement more in a module of the package."""
    return append_code(f"src/cbat/{module}", "\nMORE = 1\n")


def set_keys(name: str, **values: object) -> Change:
    """Set keys of a model or encoder."""
    return lambda tree: tree.run.set_keys(name, **values)


def rewrite(name: str, edited: Callable[[str], str]) -> Change:
    """Change the text of a compressed file."""

    def change(tree: Tree) -> None:
        path = tree.directory / name
        before = gzip.decompress(path.read_bytes()).decode()
        after = edited(before)
        assert after != before
        path.write_bytes(gzip.compress(after.encode()))

    return change


def without_last_line(bed: str) -> str:
    return "\n".join(bed.splitlines()[:-1]) + "\n"


def other_base(fasta: str) -> str:
    """The genome with its last base turned."""
    return fasta.rstrip()[:-1] + ("A" if fasta.rstrip()[-1] != "A" else "C") + "\n"


def other_label(table: str) -> str:
    """The table of pairs with the label of its last line turned."""
    lines = table.splitlines()
    fields = lines[-1].split("\t")
    column = lines[0].split("\t").index("label")
    fields[column] = str(1 - int(fields[column]))
    return "\n".join([*lines[:-1], "\t".join(fields)]) + "\n"


def touch(*patterns: str) -> Change:
    """Files as new as can be, with the content they have."""

    def change(tree: Tree) -> None:
        found = [path for pattern in patterns for path in tree.directory.glob(pattern) if path.is_file()]
        assert found
        for path in found:
            path.touch()

    return change


def delete(name: str) -> Change:
    return lambda tree: (tree.directory / name).unlink()


def all_of(*changes: Change) -> Change:
    """One change after the other."""

    def change(tree: Tree) -> None:
        for one in changes:
            one(tree)

    return change


def arguments(*given: str) -> Change:
    return lambda tree: tree.arguments.extend(given)


def add_line(role: str) -> Change:
    """Bring a line with files of its own, in a copy of the sheet."""

    def change(tree: Tree) -> None:
        shutil.copytree(tree.directory / "results/simulation/raw/blood_2", tree.directory / "mine")
        sheet = (tree.directory / "cell_lines.tsv").read_text()
        files = "mine/pairs.tsv.gz\tcbat\tmine/enhancers.bed.gz\tmine/promoters.bed.gz\t.\t.\t."
        tree.run.write("more.tsv", f"{sheet}mine\tblood\t{role}\tunknown\tunknown\t{files}\n")

    return over("cell_lines: more.tsv\n", change)


def copy_model(tree: Tree) -> None:
    models = tree.directory / "config/models"
    shutil.copy(models / "graph_manifold.yaml", models / "copy.yaml")


def similarities(tree: Tree) -> None:
    tree.run.write("similar.tsv", "line\tblood_1\tliver_1\nblood_1\t1\t0.5\nliver_1\t0.5\t1\n")


def reorder_configuration(tree: Tree) -> None:
    """The same values in another order and another layout."""
    for name in ("toy.yaml", "config/config.yaml", "config/models/baseline.yaml"):
        values = yaml.safe_load((tree.directory / name).read_text())
        text = yaml.safe_dump(dict(reversed(values.items())), sort_keys=False, default_flow_style=True)
        tree.run.write(name, f"# Written anew.\n{text}")


def fresh_clone(tree: Tree) -> None:
    """Results and provenance copied into a clone made just now, without the times of any file."""
    clone = tree.directory.parent / "clone"
    shutil.copytree(tree.directory, clone, copy_function=shutil.copyfile)
    tree.run = type(tree.run)(clone, tree.run.configuration, tree.run.code)
    tree.run.copy_code_to(clone)
    tree.directory = clone


def move_clone(tree: Tree) -> None:
    """A checkout with its results inside, moved to another folder."""
    tree.run.copy_code_to(tree.directory)
    moved = tree.directory.parent / "another place"
    tree.directory.rename(moved)
    tree.run = type(tree.run)(moved, tree.run.configuration, moved)
    tree.directory = moved


def newer_sources(tree: Tree) -> None:
    later = time.time() + 60
    for path in tree.run.code.rglob("*"):
        os.utime(path, (later, later))


def use_conda(tree: Tree) -> None:
    """The environments of the rules, by a program that says it is conda."""
    programs = tree.directory.parent / "conda" / "bin"
    programs.mkdir(parents=True)
    noted = f"import os\nos.environ['CONDA_CALLS'] = {os.devnull!r}\n"
    text = (CONDA / "stand_in.py").read_text().replace("import argparse\n", f"{noted}import argparse\n", 1)
    (programs / "conda").write_text(f"#!{sys.executable}\n{text}")
    (programs / "conda").chmod(0o755)
    shutil.copy(CONDA / "activate", programs)
    tree.run.programs = f"{programs}:{tree.run.programs}"
    tree.arguments.append("--use-conda")


def forget(change: Change) -> Change:
    """Delete what Snakemake knows of the results, and make a change."""

    def both(tree: Tree) -> None:
        shutil.rmtree(tree.directory / ".snakemake")
        change(tree)

    return both


UNSEEN_LINES = {f"cell_line={name}" for name in ("blood_2", "liver_2", "skin_2")}
BASELINE = {"train_model": {"model=baseline, seed=1"}}

ROWS: list[tuple[str, Change, set[str], dict[str, set[str]]]] = [
    # -- nothing ------------------------------------------------------------------------------------------
    # Changes that run nothing are made together: none can undo what another would run.
    (
        "comments, defaults, times, cores and code that no stage runs",
        all_of(
            edit("toy.yaml", "# A world", "# A toy world"),
            over("labels: {negatives: given}\nfigures: {}\n"),
            edit("cell_lines.tsv", "cell_line", "# Lines.\ncell_line"),
            append_code("src/cbat/model/encoder.py", "\n# Read.\n"),
            # A docstring of a module that draws.
            edit_code("src/cbat/evaluation/figures.py", '"""', '"""In short: '),
            edit_code("workflow/rules/training.smk", "# Needs", "# It needs"),
            more_code("commands/options.py"),
            # A check of settings.
            more_code("config/sheets.py"),
            arguments("--cores", "1"),
            # In another order than they were made in.
            touch("results/shards/**/*"), touch("results/genome/*"), touch("*.tsv"),
            touch("results/simulation/genome.fa.gz"),
            newer_sources,
        ),
        NOTHING, {},
    ),
    (
        "another order and layout of the configuration, environments by conda, eight cores",
        all_of(reorder_configuration, use_conda, arguments("--cores", "8")),
        NOTHING, {},
    ),
    ("a fresh clone with results and .snakemake", fresh_clone, NOTHING, {}),
    ("a clone moved with its results", move_clone, NOTHING, {}),
    ("a change of code without .snakemake", forget(more_code("model/encoder.py")), NOTHING, {}),
    # -- the record of the run alone ---------------------------------------------------------------------
    ("more threads for a job", over("training: {threads: 2}\n"), RECORD, {}),
    ("curves for a browser", over("training: {tensorboard: true}\n"), RECORD, {}),
    ("other ways to retry a download", over("retrieval: {attempts: 9}\n"), RECORD, {}),
    # -- raw files ----------------------------------------------------------------------------------------
    (
        "a label of an unseen line",
        rewrite("results/simulation/raw/blood_2/pairs.tsv.gz", other_label),
        UNSEEN_ELEMENTS, {"label_pairs": UNSEEN_LINES, "collect_elements": {"cohort=unseen"}},
    ),
    (
        "an enhancer of a training line",
        rewrite("results/simulation/raw/blood_1/enhancers.bed.gz", without_last_line),
        ELEMENTS, {"collect_elements": {"cohort=training"}},
    ),
    ("another genome", rewrite("results/simulation/genome.fa.gz", other_base), GENOME, {}),
    # -- sheets -------------------------------------------------------------------------------------------
    (
        "an unseen line added", add_line("unseen"),
        UNSEEN_ELEMENTS | {"build_prototype_graph", "plot_prototype_graph", "read_tracks"},
        {"build_prototype_graph": {"scope=all"}, "write_block_shards": {*UNSEEN_LINES, "cell_line=mine"}},
    ),
    ("a training line added", add_line("train"), ELEMENTS | GRAPH | {"read_tracks"}, {}),
    (
        "a germ layer", edit("config/tissues.tsv", "skin\tectoderm", "skin\tmesoderm"), GRAPH, {},
    ),
    ("a tissue added", edit("config/tissues.tsv", "skin\t", "lung\tendoderm\t.\nskin\t"), GRAPH, {}),
    (
        "the sex of an unseen line",
        edit("cell_lines.tsv", "skin\tunseen\tunknown", "skin\tunseen\tfemale"),
        {"build_prototype_graph", "plot_prototype_graph"} | RECORD, {"build_prototype_graph": {"scope=all"}},
    ),
    (
        "the tissue of a simulated line", edit("cell_lines.tsv", "\tskin\tu", "\tliver\tu"),
        SIMULATION | GRAPH, {},
    ),
    (
        "a table of similarities",
        over("graph: {similarities: [{path: similar.tsv}]}\n", similarities), GRAPH, {},
    ),
    # -- learning -----------------------------------------------------------------------------------------
    (
        "another seed", over("seeds: [2]\n"),
        LEARNING, {"train_model": {"model=baseline, seed=2", "model=graph_manifold, seed=2"}},
    ),
    (
        "a seed more", over("seeds: [1, 2]\n"), LEARNING - PREDICTION - {"plot_environment_readout"},
        {"pretrain_encoder": {"encoder=motifs, seed=2"}},
    ),
    (
        "a model's learning rate", set_keys("config/models/baseline.yaml", learning_rate=0.002),
        TRAINING - READOUT - PACKAGE, BASELINE,
    ),
    (
        "a model more", over("models: [baseline, graph_manifold, copy]\n", copy_model),
        {"train_model", "evaluate_cell_line"} | SUMMARY, {"train_model": {"model=copy, seed=1"}},
    ),
    ("an encoder's setting", set_keys("config/encoders/motifs.yaml", n_filters=8), LEARNING, {}),
    ("the precision of training", over("training: {precision: bfloat16}\n"), LEARNING, {}),
    ("the processes of training", over("training: {processes: 2}\n"), TRAINING, {}),
    ("code of the encoder", more_code("model/encoder.py"), LEARNING, {}),
    ("code of training", more_code("training/train.py"), TRAINING, {}),
    (
        "negatives made anew", over("labels: {negatives: natural}\n"),
        UNSEEN_LABELS | LANDSCAPE, {},
    ),
    ("the size of blocks", over("shards: {block_size: 16}\n"), {"write_block_shards"} | TRAINING, {}),
    # -- evaluation ---------------------------------------------------------------------------------------
    (
        "resamplings, which all evaluations read", over("evaluation: {n_bootstrap: 40}\n"),
        EVALUATION | REFERENCES, {},
    ),
    (
        "seen lines as well", over("evaluation: {roles: [seen, unseen]}\n"),
        EVALUATION | REFERENCES | READOUT, {},
    ),
    (
        "a stop for collapsed models", over("training: {fail_on_collapse: true}\n"),
        {"check_collapse"} | RECORD, {},
    ),
    ("motifs in the read-out", over("readout: {n_motifs: 5}\n"), READOUT | PACKAGE | RECORD | TABLES, {}),
    ("code of the summary", more_code("evaluation/summary.py"), SUMMARY, {}),
    # -- figures, report, predictions ---------------------------------------------------------------------
    ("a colour", over("figures: {model_colour: '#aa0000'}\n"), FIGURES | RECORD, {}),
    (
        "code of the figures of accuracy", more_code("evaluation/figures.py"),
        {"plot_cell_line_bars", "plot_support_curve", "plot_precision_recall"} | REPORT, {},
    ),
    ("a caption", append_code("workflow/report/summary.rst", "\nMore.\n"), REPORT, {}),
    ("the style of the report", append_code("workflow/report/report.css", "\n/* */\n"), REPORT, {}),
    ("code of the pages of tables", more_code("evaluation/table_pages.py"), TABLES, {}),
    (
        "the style of the page", append_code("src/cbat/prediction/page_files/page.css", "\n/* */\n"),
        {"write_prediction_page"}, {},
    ),
    (
        "a prediction more",
        over(
            "predictions: {more: {tissue: skin, chromosomes: [chr6],"
            " enhancers: results/simulation/raw/skin_2/enhancers.bed.gz,"
            " promoters: results/simulation/raw/skin_2/promoters.bed.gz}}\n"
        ),
        PREDICTION | RECORD, {"prepare_prediction": {"predicted_line=more"}},
    ),
    (
        "pairs of a track", over("predictions: {new_liver: {track_pairs: 10}}\n"),
        {"gather_predictions", "write_prediction_page"} | RECORD, {},
    ),
    # -- lost files ---------------------------------------------------------------------------------------
    ("an intermediate that is asked for no more", delete("results/genome/genome.fa"), NOTHING, {}),
    ("a table of labels", delete("results/labels/blood_2.parquet"), NOTHING, {}),
    (
        "a model", delete("results/models/baseline/seed_1/model.safetensors"),
        TRAINING - READOUT - PACKAGE, BASELINE,
    ),
    ("a figure", delete("results/figures/balance.svg"), {"plot_balance"} | REPORT, {}),
    # -- worlds -------------------------------------------------------------------------------------------
    (
        "worlds", over("worlds: {one: {}}\npredictions: null\n"),
        {"run_world", "summarise_benchmark"} | TABLES, {"run_world": {"world=one"}},
    ),
]  # fmt: skip


@pytest.mark.parametrize(("change", "rules", "jobs"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_change_runs_these_rules_and_no_others(
    tree: Tree, change: Change, rules: set[str], jobs: dict[str, set[str]]
) -> None:
    change(tree)
    planned = tree.jobs()
    assert planned.keys() == rules
    assert {rule: planned[rule] for rule in jobs} == jobs


def test_a_stage_that_made_the_same_bytes_need_not_run_what_follows(tree: Tree) -> None:
    """The elements that a table of pairs names stay the same when one of its labels turns."""
    rewrite("results/simulation/raw/blood_2/pairs.tsv.gz", other_label)(tree)
    done = tree.run.snakemake("--cores", "2", "--until", "collect_elements")
    assert done.returncode == 0, done.stdout
    planned = tree.jobs()
    assert planned.keys() == UNSEEN_LABELS
    assert planned["label_pairs"] == planned["write_block_shards"] == {"cell_line=blood_2"}


def test_results_without_times_and_provenance_are_taken_as_they_are_after_a_touch(tree: Tree) -> None:
    fresh_clone(tree)
    shutil.rmtree(tree.directory / ".snakemake")
    done = tree.run.snakemake("--cores", "1", "--touch")
    assert done.returncode == 0, done.stdout
    assert tree.jobs() == {}
    more_code("model/encoder.py")(tree)
    assert tree.jobs().keys() == LEARNING


def test_a_dry_run_says_why(tree: Tree) -> None:
    more_code("evaluation/figures.py")(tree)
    done = tree.run.snakemake("-n", "--quiet", "host")
    assert "reason: Params have changed since last execution" in done.stdout
    assert "Reasons:" in done.stdout


def test_seen_lines_are_evaluated_with_the_models_that_are_there(tree: Tree) -> None:
    tree.run.write("seen.yaml", "evaluation: {roles: [seen, unseen]}\n")
    done = tree.run.snakemake("-n", "-p", "--until", "evaluate_cell_line", over=["seen.yaml"])
    commands = [line for line in done.stdout.splitlines() if "cbat evaluate_cell_line" in line]
    assert len(commands) == 2 * 4
    assert all("--role seen" in command for command in commands)
    (command,) = [line for line in commands if "--model baseline" in line and "--cell-line skin_1" in line]
    # The first line of another tissue that is seen as well.
    assert "--other-shards results/shards/blood_1" in command


def test_a_collapse_stops_the_run_and_leaves_what_was_measured(tree: Tree) -> None:
    finished = tree.run
    model = finished.directory / "results/models/graph_manifold/seed_1/model.json"
    described = json.loads(model.read_text())
    described["provenance"]["collapse"] = ["the environment barely differs between cell lines"]
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
