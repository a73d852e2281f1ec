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
    "elements_extract": ("extraction", "10 times fewer elements", 11),
    "elements_shards": ("shards", "10 times fewer elements", 11),
    "pairs_shards": ("shards", "10 times fewer pairs", 11),
    "lines_shards": ("shards", "4 times fewer lines", 4.4),
    "elements_encode": ("encoding", "10 times fewer elements", 11),
    "pairs_score": ("scoring", "10 times fewer pairs", 11),
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
    "encoder_forward_1000": faster("encoder, 1 kb", "conv1d and max, forward", 3),
    "encoder_forward_2000": faster("encoder, 2 kb", "conv1d and max, forward", 3),
    "encoder_gradient_1000": faster("encoder, 1 kb", "conv1d and max, forward and backward", 3),
    "encoder_gradient_2000": faster("encoder, 2 kb", "conv1d and max, forward and backward", 3),
    "training_epoch": faster("training epoch", "both elements encoded for each pair", 10),
    "prediction_one_by_one": faster("prediction", "pairs one by one", 20),
    "prediction_one_by_one_encoded": faster("prediction", "one by one, elements encoded before", 20),
    "prediction_per_pair_encoding": faster("prediction", "both elements encoded for each pair", 20),
    "attention_products": faster("products of the attention", "torch's matmul peak", 0.5),
    "attention_whole": faster("the attention as a whole", "torch's matmul peak", 0.5),
    "waiting_for_data": grows("training steps: waiting for batches", "all of their time", 0.05),
    **{f"growth_{name}": grows(*words) for name, words in GROWTH.items()},
    **{
        f"growth_{name}_memory": grows(f"peak memory of {what}", against, 1.2)
        for name, (what, against, _) in GROWTH.items()
    },
    **{
        f"growth_{name}_above_imports": told(f"memory of {what} above that of imports", against)
        for name, (what, against, _) in GROWTH.items()
    },
    "two_cores_encode": faster("encoding on two cores", "on one", 1.7),
    "two_cores_score": faster("scoring on two cores", "on one", 1.7),
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


def main() -> None:
    """Replace the table of the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("lines", type=Path, nargs="+", help="files of JSON lines")
    parser.add_argument("--machine", required=True, help="what it was measured on, and how busy that was")
    parser.add_argument("--page", type=Path, default=PAGE)
    options = parser.parse_args()
    lines = [json.loads(text) for path in options.lines for text in path.read_text().splitlines()]
    if unknown := sorted({line["name"] for line in lines} - set(BARS)):
        sys.exit(f"no bar is known for {', '.join(unknown)}")
    before, _, rest = options.page.read_text(encoding="utf-8").partition(START)
    after = rest.partition(END)[2]
    if not after:
        sys.exit(f"{options.page} lacks the marks of the table")
    text = f"{before}{START}\n\n{table_of(lines, options.machine)}\n\n{END}{after}"
    options.page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
