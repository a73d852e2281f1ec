"""Put measured lines into the table of docs/performance.md, beside the bars they are weighed against.

python benchmarks/write_performance.py results/bench.jsonl --machine "2 cores, quiet"
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"
START, END = "<!-- measured: written by benchmarks/write_performance.py -->", "<!-- end of measured -->"


class Bar(NamedTuple):
    """What is wanted of a line: its ``ours`` or its ``ratio``, at least or at most a number; or nothing."""

    what: str
    against: str
    key: str
    at_least: bool
    wanted: float | None


def faster(what: str, against: str, wanted: float) -> Bar:
    """A ratio of at least so much."""
    return Bar(what, against, "ratio", True, wanted)


def grows(what: str, against: str, wanted: float) -> Bar:
    """A ratio of at most so much."""
    return Bar(what, against, "ratio", False, wanted)


def told(what: str, against: str) -> Bar:
    """A ratio that is told, and weighed against nothing."""
    return Bar(what, against, "ratio", False, None)


GROWTH = {
    "pairs": ("10 times the pairs", 11.0),
    "elements": ("10 times the elements", 11.0),
    "lines": ("4 times the cell lines", 4.4),
}
"""Axis -> in words, and how many times the seconds of a stage may grow."""
MOST_MEMORY = 1.2
TWO_CORES = {
    "label_pairs": "labels of two cell lines",
    "write_block_shards": "shards of two cell lines",
    "pretrain_encoder": "discovery of two encoders",
    "train_model": "two trainings",
    "evaluate_cell_line": "evaluations of two cell lines",
    "evaluate_references": "references of two cell lines",
    "score_chromosome": "predictions of two chromosomes",
}
BARS = {
    "extraction_bedtools": faster("windows of 1 kb", "`bedtools getfasta` and NumPy", 3),
    "extraction_pyfaidx": faster("windows of 1 kb", "pyfaidx, record by record", 10),
    "shards_webdataset_warm": faster("shard to batches, warm", "webdataset tar", 5),
    "shards_webdataset_cold": faster("shard to batches, cold", "webdataset tar", 5),
    "shards_webdataset_warm_checked": faster("the same with hashes checked", "webdataset tar", 5),
    "shards_webdataset_cold_checked": faster("the same with hashes checked, cold", "webdataset tar", 5),
    "shards_memory_warm": faster("opened shard to batches, warm", "copy of memory", 0.5),
    "shards_memory_cold": faster("opened shard to batches, cold", "copy of memory", 0.5),
    "encoder_forward_1000": told("encoder, 1 kb", "conv1d and max, forward"),
    "encoder_forward_2000": told("encoder, 2 kb", "conv1d and max, forward"),
    "encoder_gradient_1000": faster("encoder, 1 kb", "conv1d and max, forward and backward", 3),
    "encoder_gradient_2000": faster("encoder, 2 kb", "conv1d and max, forward and backward", 3),
    "training_epoch": faster("training epoch", "both elements encoded for each pair", 10),
    "prediction_one_by_one": faster("prediction", "pairs one by one", 20),
    "prediction_one_by_one_encoded": faster("prediction", "one by one, elements encoded before", 20),
    "prediction_per_pair_encoding": faster("prediction", "both elements encoded for each pair", 20),
    "attention_products": faster("products of the attention", "torch's matmul peak", 0.5),
    "attention_whole": told("the attention as a whole", "torch's matmul peak"),
    "landscape_features": Bar("landscape of pairs", "both ends asked for each pair", "ours", True, 200_000),
    "landscape_memory": grows("memory beside the landscape", "a tenth of the pairs", MOST_MEMORY),
    "waiting_for_data": grows("training steps: waiting for batches", "all of their time", 0.05),
    **{
        f"two_cores_{name}": faster(f"{what}, on two cores", "on one", 1.7)
        for name, what in TWO_CORES.items()
    },
    "two_cores_one_encoder": told("discovery of one encoder, `training.threads: 2`", "on one core"),
    "two_cores_one_training": told("one training, `training.processes: 2`", "on one core"),
    "start_up": Bar("start-up of the slowest verb", "`python -c pass`", "ours", False, 0.3),
    "plan_8_lines": Bar("`snakemake -n`, 8 lines", "(jobs)", "ours", False, 5),
    "plan_64_lines": Bar("`snakemake -n`, 64 lines", "(jobs)", "ours", False, 10),
    "plan_256_lines": Bar("`snakemake -n`, 256 lines", "(jobs)", "ours", False, 30),
}


def table_of(lines: list[dict[str, Any]], machine: str) -> str:
    """Rows of Markdown; a bar that no line speaks of is called unmeasured."""
    by_name = {line["name"]: line for line in lines}
    rows = [
        f"Machine: {machine}.",
        "",
        "| What | Against | Ours | Peer | Unit | Ratio | n | Bar | Met |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, bar in BARS.items():
        wanted = ""
        if bar.wanted is not None:
            wanted = f"{bar.key} {'at least' if bar.at_least else 'at most'} {bar.wanted:g}"
        if name not in by_name:
            rows.append(f"| {bar.what} | {bar.against} | | | | | | {wanted} | not measured |")
            continue
        line = by_name[name]
        met = ""
        if bar.wanted is not None:
            fits = line[bar.key] >= bar.wanted if bar.at_least else line[bar.key] <= bar.wanted
            met = "yes" if fits else "no"
        shown = ["" if line[key] is None else f"{line[key]:.4g}" for key in ("ours", "peer", "ratio")]
        rows.append(
            f"| {bar.what} | {bar.against} | {shown[0]} | {shown[1]} | {line['unit']} | {shown[2]} "
            f"| {line['n']} | {wanted} | {met} |"
        )
    return "\n".join(rows)


def growth_table_of(lines: list[dict[str, Any]]) -> str:
    """A row for each stage of the workflow: how many times more seconds and memory larger worlds take."""
    by_name = {line["name"]: line for line in lines}
    stages = dict.fromkeys(stage for line in lines if (stage := stage_of(line["name"])))
    if not stages:
        return "Growth of the stages: not measured."
    words = [f"{what}: {how}" for what, _ in GROWTH.values() for how in ("time", "memory")]
    rows = [f"| Stage | s | MB | {' | '.join(words)} | Met |", "|---" * (len(words) + 4) + "|"]
    for stage in stages:
        cells, missed, first = [], [], {}
        for axis, (_, most) in GROWTH.items():
            for ending, bar, unit in (("", most, "s"), ("_memory", MOST_MEMORY, "MB")):
                line = by_name.get(f"growth_{axis}_{stage}{ending}")
                cells.append("" if line is None else f"{line['ratio']:.3g}")
                if line is not None:
                    first[unit] = f"{line['peer']:.3g}"
                    missed += [f"{axis}{ending.replace('_', ' ')}"] if line["ratio"] > bar else []
        met = f"no: {', '.join(missed)}" if missed else "yes"
        rows.append(
            f"| `{stage}` | {first.get('s', '')} | {first.get('MB', '')} | {' | '.join(cells)} | {met} |"
        )
    n = {line["n"] for line in lines if stage_of(line["name"])}
    bars = ", ".join(f"{most:g} ({what})" for what, most in GROWTH.values())
    return "\n".join(
        [
            f"Bars: seconds at most {bars}; memory at most {MOST_MEMORY:g}. Medians of {min(n)} runs.",
            "",
            *rows,
        ]
    )


def stage_of(name: str) -> str | None:
    """The stage that a line of growth is about."""
    kind, _, rest = name.partition("_")
    axis, _, stage = rest.partition("_")
    return stage.removesuffix("_memory") if kind == "growth" and axis in GROWTH else None


def main() -> None:
    """Replace the table of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("lines", type=Path, nargs="+", help="files of JSON lines")
    parser.add_argument("--machine", required=True, help="what it was measured on, and how busy that was")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    lines = [json.loads(text) for path in options.lines for text in path.read_text().splitlines()]
    if unknown := sorted({line["name"] for line in lines if not stage_of(line["name"])} - set(BARS)):
        sys.exit(f"no bar is known for {', '.join(unknown)}")
    before, _, rest = options.page.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    if not after:
        sys.exit(f"{options.page} lacks the marks of the table")
    tables = "\n\n".join([table_of(lines, options.machine), growth_table_of(lines)])
    text = f"{before}{START}\n\n{tables}\n\n{END}{after}"
    options.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
