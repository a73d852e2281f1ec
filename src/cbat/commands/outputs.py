"""What each verb writes, by the option that names it; every other option that names a file is an input."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from cbat.guard import Guard, Output, Place, guarded

FILE: Final = Output("file")
WITH_REPORT: Final = Output("file", ("{stem}.json",))
WHOLE: Final = Output("whole")
EDITED: Final = Output("edited")


def _folder(*names: str) -> Output:
    return Output("folder", names)


_GENOME: Final = ("genome.fa", "genome.fa.fai", "contig_sizes.tsv")
_EVALUATED: Final = _folder("metrics.tsv", "scored_pairs.parquet")
_GATHERED: Final = (
    "predictions.bedpe.gz", "predictions.bedpe.gz.tbi", "contacts.bedpe", "contacts.interact",
    "contacts.longrange.gz", "contacts.longrange.gz.tbi", "genes.tsv", "enhancers.tsv", "summary.tsv",
)  # fmt: skip
_READ: Final = ("environment.json", "calibration.json")
_SUPPORTED: Final = ("posterior.tsv", "motifs.tsv", "support.tsv")
_PREPARED: Final = ("prepared/enhancer.parquet", "prepared/promoter.parquet", "prepared/plan.json")
_LANDSCAPE: Final = tuple(
    f"prepared/{name}" for name in ("landscape.json", "genes.parquet", "signals.parquet", "tracks.parquet")
)
_OWN_GENOME: Final = tuple(f"genome/{name}" for name in _GENOME)

OUTPUTS: Final[dict[str, dict[str, Output]]] = {
    "simulate_benchmark": {"directory": WHOLE},
    "lift_over": {"output": Output("file", ("{name}.json",))},
    "prepare_genome": {"directory": _folder(*_GENOME)},
    "collect_elements": {
        "directory": _folder(
            "enhancer.parquet", "promoter.parquet", "candidates.parquet", "without_sequence.parquet",
            "report.json",
        ),
    },
    "extract_sequences": {"directory": WHOLE},
    "label_pairs": {"output": Output("file", ("{stem}.json", "{stem}.balance.tsv"))},
    "plot_balance": {"output": FILE},
    "describe_inputs": {"table": FILE, "first_page": FILE},
    "compare_peaks": {"output": FILE},
    "compare_expression": {"output": FILE},
    "build_prototype_graph": {"directory": _folder("graph.json")},
    "plot_prototype_graph": {"output": FILE},
    "read_genes": {"output": WITH_REPORT},
    "read_tracks": {"output": WITH_REPORT},
    "read_signals": {"output": WITH_REPORT},
    "read_landscape": {
        "directory": _folder(
            "own.parquet", "graph.parquet", "wrong.parquet", "sibling.parquet", "static.parquet",
            "abc.parquet", "pairs.parquet", "report.json",
        ),
    },
    "fit_landscape": {"output": FILE},
    "write_block_shards": {
        "directory": _folder(
            "manifest.json", "elements.parquet", "enhancer_codes.npy", "pairs.parquet",
            "promoter_codes.npy", "support.npy",
        ),
    },
    "pretrain_encoder": {"directory": _folder("encoder.safetensors", "encoder.json")},
    "train_model": {
        "directory": _folder("model.safetensors", "model.json", "history.jsonl", "versions.json"),
        "checkpoints": Output("folder", by_name=("last.safetensors", "previous.safetensors")),
        "tensorboard": _folder(),
    },
    "evaluate_cell_line": {"directory": _EVALUATED},
    "evaluate_landscape": {"directory": _EVALUATED},
    "fit_references": {
        "directory": _folder("shortcuts.json", "enhancer_rates.parquet", "promoter_rates.parquet")
    },
    "evaluate_references": {"output": FILE},
    "summarise_evaluation": {
        "directory": _folder(
            "metrics.tsv", "summary.tsv", "ablations.tsv", "grid.tsv", "landscape_sources.tsv", "peers.tsv",
            "summary.txt", "first_page.rst",
        ),
    },
    "read_environment": {
        "directory": _folder(
            "tissue_posterior.tsv", "line_posterior.tsv", "calibration.json", "deviating_motifs.tsv",
            "calibration.tsv",
        ),
    },
    "plot_environment_readout": {"output": FILE},
    "identify_cell_line": {
        "directory": _folder("identification.tsv", "mean_posterior.tsv", "motifs.tsv")
    },
    "plot_cell_line_bars": {"output": FILE},
    "plot_support_curve": {"output": FILE},
    "plot_precision_recall": {"output": FILE},
    "write_table_pages": {"pages": FILE},
    "check_collapse": {"output": FILE},
    "record_versions": {"output": FILE},
    "package_model": {"directory": WHOLE},
    "package_landscape": {"directory": WHOLE},
    "ship_model": {"directory": WHOLE},
    "prepare_prediction": {
        "directory": _folder(*_READ, *_SUPPORTED, *_PREPARED, *_LANDSCAPE, *_OWN_GENOME)
    },
    "prepare_landscape_prediction": {"directory": _folder(*_READ, *_PREPARED, *_LANDSCAPE, *_OWN_GENOME)},
    "score_chromosome": {"output": FILE, "directory": Output("shared")},
    "gather_predictions": {"directory": _folder(*_GATHERED)},
    "write_prediction_page": {"directory": _folder("index.html")},
    # Its folder is the working directory of a run of its own, whose stages write below results/.
    "run_world": {
        "outputs": FILE,
        "directory": Output(
            "folder", by_name=("world.json", "world_cell_lines.tsv", "run.log"), locked=False
        ),
    },
    "summarise_benchmark": {"directory": _folder("benchmark.tsv", "benchmark.txt", "benchmark.rst")},
    "summarise_held_out_lines": {
        "directory": _folder(
            "held_out_lines.tsv", "held_out_lines.txt", "held_out_lines.rst", "held_out_metrics.tsv",
            "held_out_peers.tsv", "held_out_sources.tsv",
        ),
    },
    "predict": {
        # The chromosomes, which it has to read first, are asked for by name.
        "directory": Output(
            "folder",
            (*_GATHERED, *_READ, *_SUPPORTED, "index.html"),
            ("progress.json", *_PREPARED, *_LANDSCAPE, *_OWN_GENOME, "pairs/*.parquet"),
            alone=True,
        ),
    },
    "models": {},
    "model show": {},
    "explain": {
        "directory": _folder("explanation.tsv", "explanation.svg", "explanation.json", "bases.tsv")
    },
    "download": {"output": Output("file", ("{name}.json",), ("{name}.part", "{name}.part.json"))},
    "check_config": {},
    "check_inputs": {},
    "write_config_reference": {"schemas": Output("edited", ("*.schema.json",)), "readme": EDITED},
    "write_landscape_reference": {"page": EDITED},
}  # fmt: skip
"""Verb -> option -> what is made of it."""

_PARTS: Final = {
    "prepare_prediction": "predict", "prepare_landscape_prediction": "predict", "score_chromosome": "predict",
    "gather_predictions": "predict", "write_prediction_page": "predict",
}  # fmt: skip
"""Verb -> the verb of which it does a part, and may do it again."""
_SHEETS: Final = ("cell_lines", "sheet")
_MADE_OF_A_SHEET: Final = ("simulate_benchmark",)
"""Verbs that write the files that their sheet names."""


@contextmanager
def outputs_guarded(verb: str, values: Mapping[str, Any]) -> Iterator[None]:
    """Let a verb write nothing but what is its own, see :func:`cbat.guard.guarded`.

    Parameters
    ----------
    verb : str
    values : mapping
        Its parameters.

    Raises
    ------
    UserError
        See :func:`cbat.guard.guarded`.
    """
    declared = {} if values.get("check") and verb == "download" else OUTPUTS.get(verb, {})
    places = [Place(path, output) for name, output in declared.items() for path in paths_in(values.get(name))]
    inputs = [path for name, value in values.items() if name not in declared for path in paths_in(value)]
    if isinstance(model := values.get("model"), str) and Path(model).is_dir():
        inputs.append(Path(model))
    if verb not in _MADE_OF_A_SHEET:
        for name in _SHEETS:
            inputs += _named_by(values[name]) if isinstance(values.get(name), Path) else []
    # Processes that train one model together write what the first of them locks or was started to write.
    alone = not ({"RANK", "LOCAL_RANK"} & os.environ.keys()) or verb != "train_model"
    with guarded(Guard(verb, inputs, places, _PARTS.get(verb)), lock=alone):
        yield


def paths_in(value: Any) -> Iterator[Path]:
    """All paths in a value: of a list, of a mapping, of a section of the configuration."""
    if isinstance(value, Path):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from paths_in(one)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for one in value:
            yield from paths_in(one)
    elif hasattr(type(value), "model_fields"):
        for name in type(value).model_fields:
            yield from paths_in(getattr(value, name))


def _named_by(sheet: Path) -> Iterator[Path]:
    """The files that a sheet of cell lines names, whatever its columns are called."""
    try:
        text = sheet.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):  # The verb says so in its own words.
        return
    for word in dict.fromkeys(word.strip() for line in text.splitlines() for word in line.split("\t")):
        if word and os.path.isfile(word):
            yield Path(word)
