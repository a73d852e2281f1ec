"""The command line: ``cbat <verb>`` runs one stage, and a verb is the name of its rule.

The options of a verb are the parameters of the function behind it, so the two cannot drift apart.
A stage is imported only when its verb is called.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from typing import Final, NamedTuple

from cbat import __version__


class Verb(NamedTuple):
    """A command: the function that does it (``module:function``) and what it does."""

    function: str
    summary: str


STAGES: Final[dict[str, Verb]] = {
    "simulate_benchmark": Verb(
        "cbat.commands.simulation:simulate_benchmark", "Simulate a benchmark with known truth, as raw files."
    ),
    "lift_over": Verb("cbat.data.lift_over:run", "Lift peaks or genes of one assembly to another."),
    "prepare_genome": Verb("cbat.data.genome:run", "Unpack and index the genome."),
    "collect_elements": Verb(
        "cbat.data.elements:run", "Collect the unique elements of a cohort of cell lines."
    ),
    "extract_sequences": Verb("cbat.data.sequences:run", "Extract the windows of a cohort's elements."),
    "label_pairs": Verb(
        "cbat.data.labels:run", "Read the labelled pairs of a cell line; make negatives if so configured."
    ),
    "plot_balance": Verb(
        "cbat.data.balance_figure:run", "Draw how contacts and negatives differ, for every cell line."
    ),
    "describe_inputs": Verb(
        "cbat.evaluation.input_report:run",
        "Report the inputs of each cell line and the source of its support sets.",
    ),
    "compare_peaks": Verb(
        "cbat.graph.similarity:compare_peaks", "Compare cell lines by the overlap of their peaks."
    ),
    "compare_expression": Verb(
        "cbat.graph.similarity:compare_expression",
        "Compare cell lines by the correlation of their gene expression.",
    ),
    "build_prototype_graph": Verb(
        "cbat.graph.build:run", "Relate cell lines by tissue, germ layer and similarity."
    ),
    "plot_prototype_graph": Verb("cbat.graph.picture:run", "Draw the cell prototype graph."),
    "read_genes": Verb("cbat.landscape.genes:run", "Read where genes start."),
    "read_tracks": Verb("cbat.landscape.tracks:run", "Rank the peaks of a cell line."),
    "read_signals": Verb(
        "cbat.landscape.element_signals:run", "Rank the signals at the candidate enhancers of a cell line."
    ),
    "read_landscape": Verb(
        "cbat.landscape.pairs:run", "Compute the landscape features of each labelled pair."
    ),
    "fit_landscape": Verb("cbat.landscape.fit:run", "Fit a law of the landscape to the training lines."),
    "write_block_shards": Verb("cbat.data.shards:run", "Write the blocks and support sets of a cell line."),
    "pretrain_encoder": Verb("cbat.training.pretrain:run", "Learn motif filters without interaction labels."),
    "train_model": Verb("cbat.training.train:run", "Train a model on the training lines."),
    "evaluate_cell_line": Verb("cbat.evaluation.cell_line:run", "Evaluate a model on one cell line."),
    "evaluate_landscape": Verb(
        "cbat.evaluation.landscape_line:run", "Evaluate a model without sequence on one cell line."
    ),
    "fit_references": Verb(
        "cbat.evaluation.shortcuts:run",
        "Fit the shortcuts, which every model must beat, to the training lines.",
    ),
    "evaluate_references": Verb(
        "cbat.evaluation.references:run", "Evaluate what every model is compared with, on one cell line."
    ),
    "summarise_evaluation": Verb(
        "cbat.evaluation.summary:run", "Summarise all metrics, in tables and in words."
    ),
    "read_environment": Verb(
        "cbat.evaluation.environment_readout:run", "Report which tissues and motifs support sets point to."
    ),
    "plot_environment_readout": Verb(
        "cbat.evaluation.readout_figure:run", "Draw which tissues and motifs support sets point to."
    ),
    "identify_cell_line": Verb(
        "cbat.evaluation.identification:run",
        "Measure how well unlabelled enhancers identify their cell line.",
    ),
    "plot_cell_line_bars": Verb(
        "cbat.evaluation.figures:plot_cell_line_bars", "Draw AUPR of every cell line."
    ),
    "plot_support_curve": Verb(
        "cbat.evaluation.figures:plot_support_curve", "Draw AUPR against the size of the support set."
    ),
    "plot_precision_recall": Verb(
        "cbat.evaluation.figures:plot_precision_recall", "Draw precision against recall, for every cell line."
    ),
    "check_collapse": Verb(
        "cbat.evaluation.collapse_check:run", "List collapsed models; stop the run if so configured."
    ),
    "record_versions": Verb(
        "cbat.evaluation.run_versions:run", "Record the inputs and software versions of a run."
    ),
    "package_model": Verb(
        "cbat.prediction.package:run", "Package a trained model as a model directory to share."
    ),
    "package_landscape": Verb(
        "cbat.prediction.landscape_package:run", "Package a law of the landscape as a model directory."
    ),
    "ship_model": Verb(
        "cbat.prediction.shipping:run", "Turn a model directory into a model that ships with the package."
    ),
    "prepare_prediction": Verb(
        "cbat.prediction.prepare:run",
        "Read the candidates and the environment of a new cell line.",
    ),
    "prepare_landscape_prediction": Verb(
        "cbat.prediction.landscape_prepare:run",
        "Read the candidates and the landscape of a new cell line, for a law of the landscape.",
    ),
    "score_chromosome": Verb(
        "cbat.prediction.chromosome:run", "Score the pairs of one chromosome of a new cell line."
    ),
    "gather_predictions": Verb(
        "cbat.prediction.gather:run", "Write the scored pairs of a new cell line as tables and tracks."
    ),
    "write_prediction_page": Verb("cbat.prediction.page:run", "Write the web page of a predicted cell line."),
    "run_world": Verb("cbat.commands.worlds:run_world", "Run the workflow on one world of a benchmark."),
    "summarise_benchmark": Verb(
        "cbat.evaluation.benchmark:run", "Check the claims of a benchmark in all its worlds."
    ),
    "summarise_held_out_lines": Verb(
        "cbat.evaluation.held_out:run",
        "Compare the held-out cell lines of all worlds.",
    ),
    "write_table_pages": Verb("cbat.evaluation.table_pages:run", "Write result tables as web pages."),
}
"""The stages of the workflow, in the way of the data."""

TOOLS: Final[dict[str, Verb]] = {
    "predict": Verb(
        "cbat.commands.prediction:predict",
        "Predict which enhancers touch or regulate which promoters in a cell line.",
    ),
    "models": Verb("cbat.commands.models:models", "List the models that come with the package."),
    "model show": Verb("cbat.commands.models:show_model", "Describe a model."),
    "explain": Verb("cbat.commands.explanation:explain", "Explain the scores of a prediction."),
    "download": Verb("cbat.commands.retrieval:download", "Fetch a published file, or check one."),
    "check_config": Verb("cbat.commands.configuration:check_config", "Check configuration files and sheets."),
    "check_inputs": Verb(
        "cbat.commands.inputs:check_inputs", "Read every input of a configuration, and write nothing."
    ),
    "write_config_reference": Verb(
        "cbat.commands.configuration:write_config_reference",
        "Write the JSON schemas and the key tables of config/README.md.",
    ),
    "write_landscape_reference": Verb(
        "cbat.landscape.documentation:run", "Write the tables of tracks and features of docs/landscape.md."
    ),
}
"""Commands that are no stage of the workflow; one may have two words, the thing and what is done to it."""

VERBS: Final = STAGES | TOOLS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Returns
    -------
    int
        0; 2 after a mistake of the user, or where the disk or a permission refused, told in one message on
        standard error; 130 when interrupted; 143 when ended by SIGTERM.
    """
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if arguments[0] == "--version":
        print(f"cbat {__version__}")
        return 0
    verb, options = _verb_of(arguments)
    if verb not in VERBS and (of_thing := _verbs_of_thing(arguments)):
        print("\n".join(of_thing))
        return 0
    if verb not in VERBS:
        from cbat.config.suggestions import did_you_mean

        print(
            f"cbat: error: unknown verb {verb!r}{did_you_mean(verb, VERBS)}. "
            "Fix: run 'cbat --help' for the list.",
            file=sys.stderr,
        )
        return 2
    return _run(verb, options)


def _verb_of(arguments: Sequence[str]) -> tuple[str, Sequence[str]]:
    """The verb, of one word or of two, and what follows it."""
    things = {verb.split()[0] for verb in VERBS if " " in verb}
    words = 2 if arguments[0] in things else 1
    return " ".join(arguments[:words]), arguments[words:]


def _verbs_of_thing(arguments: Sequence[str]) -> list[str]:
    """What can be done to a thing such as ``model``, where it is named alone or help is asked for."""
    thing, *rest = arguments
    found = {name: verb for name, verb in VERBS.items() if name.startswith(f"{thing} ")}
    if not found or (rest and rest[0] not in ("-h", "--help")):
        return []
    width = max(map(len, found)) + 2
    listed = [f"  {name:<{width}}{verb.summary}" for name, verb in found.items()]
    return [f"usage: cbat {thing} <verb> [options]", "", "verbs:", *listed]


class _Ended(BaseException):
    """A signal asks this process to end, which it does as after any exception, so nothing is left behind."""


def _run(verb: str, arguments: Sequence[str]) -> int:
    import logging
    import os

    from cbat.commands.options import call_with_options
    from cbat.errors import UserError, of_the_machine

    # There are no plugins, and to look for them takes time.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    # Arrow's own allocator keeps what a stage has freed, as much again as it holds.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    before = signal.signal(signal.SIGTERM, _end)
    try:
        call_with_options(VERBS[verb].function, f"cbat {verb}", VERBS[verb].summary, arguments)
    except KeyboardInterrupt:
        print(f"cbat {verb}: interrupted", file=sys.stderr)
        return 130
    except _Ended:
        print(f"cbat {verb}: ended by SIGTERM", file=sys.stderr)
        return 128 + signal.SIGTERM
    except Exception as error:
        told = error if isinstance(error, UserError) else of_the_machine(error)
        if told is None:
            raise
        print(f"cbat {verb}: error: {told}", file=sys.stderr)
        return 2
    finally:
        signal.signal(signal.SIGTERM, before)
    return 0


def _end(*_: object) -> None:
    # A second one, from whoever is impatient, must not disturb the cleaning up.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Ended


def _overview() -> str:
    width = max(len(verb) for verb in VERBS) + 2
    parts = [
        "usage: cbat <verb> [options]",
        "",
        "Which enhancer touches, and which regulates, which promoter, in a cell line that nobody has mapped.",
        "'cbat <verb> --help' lists the options of a verb.",
    ]
    for title, verbs in (("tools", TOOLS), ("stages of the workflow", STAGES)):
        parts += ["", f"{title}:", *(f"  {name:<{width}}{verb.summary}" for name, verb in verbs.items())]
    parts += [
        "",
        "options:",
        f"  {'--help':<{width}}Show this text.",
        f"  {'--version':<{width}}Show the version.",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    sys.exit(main())
