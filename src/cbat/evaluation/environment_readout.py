"""Say where the support sets of cell lines lie on the prototype graph, and by which motifs.

No label of any pair is read. The tissue that the sheet states of an evaluated line enters nothing but two
columns: what the sheet says, and how often the read-out agrees with it.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings, ReadoutSettings
from cbat.data.motif_files import Motif, read_motif_file
from cbat.data.shards import Shard, read_shard
from cbat.errors import UserError
from cbat.evaluation.metrics import expected_calibration_error
from cbat.files import atomic_file, write_json
from cbat.model.blocks import EncodedShard, SupportReader, encode_shards
from cbat.model.bundle import TrainedModel, load_model, use_threads
from cbat.model.environment import FloatArray
from cbat.model.motif_names import consensus, filter_probabilities, jaspar_motifs, name_motifs
from cbat.model.readout import (
    Nodes,
    Supports,
    Witness,
    calibrated_power,
    confidence,
    has_relative,
    log_posterior,
)
from cbat.model.teacher import Teacher

log = logging.getLogger(__name__)

CALIBRATION_SPLIT: Final = "validation"
"""Chromosomes whose supports calibrate; those of training have elements that the Teacher has met."""
POSTERIOR: Final = "posterior_"
"""Before the name of a tissue, the column of its posterior."""
NOTHING: Final = "-"


@dataclass(frozen=True)
class EvaluatedLine:
    """A line to be read.

    Attributes
    ----------
    name : str
    role : str
        ``seen`` or ``unseen``.
    stated_tissue : str
        What the sheet says.
    teacher : Teacher
        One that has not met the line.
    reader : SupportReader
    shard : EncodedShard
    """

    name: str
    role: str
    stated_tissue: str
    teacher: Teacher
    reader: SupportReader
    shard: EncodedShard

    def supports(self, size: int) -> Supports:
        """Its support sets of a size."""
        return Supports.of(self.reader, self.shard, size)

    def witness(self, size: int) -> Witness | None:
        """Its support sets with the stated tissue, if the graph holds that."""
        if self.stated_tissue not in self.teacher.tissues:
            return None
        return _witness(self.teacher, self.supports(size), self.stated_tissue)


def run(
    *,
    model_directory: Path,
    calibration_shards: Sequence[Path],
    shards: Sequence[Path],
    stated_tissues: Mapping[str, str],
    settings: EvaluationSettings,
    readout: ReadoutSettings,
    threads: int,
    directory: Path,
) -> None:
    """Write ``tissue_posterior.tsv``, ``line_posterior.tsv``, ``deviating_motifs.tsv`` and the calibration.

    Parameters
    ----------
    model_directory : Path
        Folder of the trained model.
    calibration_shards : sequence of Path
        Shards of training and validation lines; each is read by a Teacher that has not met it.
    shards : sequence of Path
        Shards of the lines to read.
    stated_tissues : mapping
        Tissue that the sheet states of each of these lines; it is reported, and enters no estimate.
    settings : EvaluationSettings
        Support sizes, and the chromosome splits to read.
    readout : ReadoutSettings
        The section ``readout``.
    threads : int
        CPU threads.
    directory : Path
        Where the files go.

    Raises
    ------
    UserError
        A corrupt shard, model or motif file; a line for calibration that the model's graph does not hold.
    """
    use_threads(threads)
    model = load_model(model_directory)
    known = jaspar_motifs() if readout.motifs is None else read_motif_file(readout.motifs)
    sizes = settings.drawn_sizes
    witnesses = calibration_witnesses(model, [read_shard(path) for path in calibration_shards], sizes)
    power = calibrated_power(list(witnesses.values()))
    opened = [read_shard(path) for path in shards]
    lines = evaluated_lines(model, opened, stated_tissues, settings)
    _write(directory / "tissue_posterior.tsv", tissue_posteriors(lines, sizes, power, model.teacher.tissues))
    _write(directory / "line_posterior.tsv", line_posteriors(lines, sizes, power))
    found = deviating_motifs(model, lines, settings.headline_support, power, known, readout)
    _write(directory / "deviating_motifs.tsv", found)
    _write(directory / "calibration.tsv", calibration_table(witnesses, lines, power))
    content = {
        "power": power,
        "lines": sorted(line for line in _calibrating(model, [path.name for path in calibration_shards])),
        "support_sizes": sizes,
        "chromosomes": CALIBRATION_SPLIT,
    }
    write_json(directory / "calibration.json", content)


def calibration_witnesses(
    model: TrainedModel, shards: Sequence[Shard], sizes: Sequence[int]
) -> dict[int, list[Witness]]:
    """Support sets of lines of known tissue, each line read by a Teacher that has not met it.

    Parameters
    ----------
    model : TrainedModel
    shards : sequence of Shard
        A line without another training line of its tissue is left out: its tissue could not be read.
    sizes : sequence of int

    Returns
    -------
    dict
        Support size -> one witness for each line.
    """
    usable = set(_calibrating(model, [shard.cell_line for shard in shards]))
    chosen = [shard for shard in shards if shard.cell_line in usable and shard.n_blocks[CALIBRATION_SPLIT]]
    if not chosen:
        log.warning("no line has a relative to be calibrated by; the power stays that of the Teacher")
        return {size: [] for size in sizes}
    elements, encoded = encode_shards(chosen, model.encoder, [CALIBRATION_SPLIT])
    reader = SupportReader(elements, model.statistics)
    graph = model.teacher.graph
    assert graph is not None
    found: dict[int, list[Witness]] = {size: [] for size in sizes}
    for one in encoded:
        teacher, tissue = model.teacher.left_out(one.cell_line), graph.tissue_of(one.cell_line)
        assert tissue is not None
        for size in sizes:
            found[size].append(_witness(teacher, Supports.of(reader, one, size), tissue))
    return found


def _calibrating(model: TrainedModel, names: Sequence[str]) -> list[str]:
    """Lines that can calibrate; one that the training graph does not hold must not."""
    graph = model.teacher.graph
    if graph is None:
        return []
    known = {graph.names[row] for row in graph.of_kind("cell_line")}
    if strange := [name for name in names if name not in known]:
        raise UserError(
            f"the line {strange[0]!r} is not among those that the model was trained or validated on",
            mend="calibrate with training and validation lines only",
        )
    return [name for name in names if has_relative(model.teacher, name)]


def _witness(teacher: Teacher, supports: Supports, tissue: str) -> Witness:
    expectations = [teacher.expectation(name) for name in teacher.tissues]
    return Witness(supports.log_evidence(expectations), teacher.tissues.index(tissue))


def evaluated_lines(
    model: TrainedModel,
    shards: Sequence[Shard],
    stated_tissues: Mapping[str, str],
    settings: EvaluationSettings,
) -> list[EvaluatedLine]:
    """Encode the lines to be read; a line without blocks in the evaluated splits is left out."""
    chosen = [shard for shard in shards if any(shard.n_blocks[split] for split in settings.chromosomes)]
    if not chosen:
        raise UserError(
            "no cell line has a block on the evaluated chromosomes",
            mend="name other chromosome splits in evaluation.chromosomes",
        )
    elements, encoded = encode_shards(chosen, model.encoder, settings.chromosomes)
    reader = SupportReader(elements, model.statistics)
    graph = model.teacher.graph
    seen = set(model.teacher.lines)
    if graph is not None:
        seen |= {graph.names[row] for row in graph.of_kind("cell_line")}
    return [
        EvaluatedLine(
            one.cell_line,
            "seen" if one.cell_line in seen else "unseen",
            stated_tissues.get(one.cell_line, NOTHING),
            model.teacher.left_out(one.cell_line),
            reader,
            one,
        )
        for one in encoded
    ]


def tissue_posteriors(
    lines: Sequence[EvaluatedLine], sizes: Sequence[int], power: float, tissues: Sequence[str]
) -> pd.DataFrame:
    """Posterior over tissues, the mean over a line's support sets; a row for each line and size."""
    rows = []
    for line in lines:
        expectations = [line.teacher.expectation(name) for name in tissues]
        for size in sizes:
            row: dict[str, Any] = _key(line, size) | {"most_probable": NOTHING, "probability": np.nan}
            if tissues:
                evidence = line.supports(size).log_evidence(expectations)
                mean = np.exp(log_posterior(evidence, power)).mean(axis=0)
                row |= {"most_probable": tissues[int(mean.argmax())], "probability": mean.max()}
                row |= {POSTERIOR + name: share for name, share in zip(tissues, mean, strict=True)}
            rows.append(row)
    return pd.DataFrame(rows)


def line_posteriors(lines: Sequence[EvaluatedLine], sizes: Sequence[int], power: float) -> pd.DataFrame:
    """Posterior over training lines and tissues; a row for each line, size and node."""
    rows = []
    for line in lines:
        nodes = Nodes.of(line.teacher)
        if not nodes.names:
            continue
        for size in sizes:
            evidence = line.supports(size).log_evidence(nodes.expectations)
            mean = np.exp(log_posterior(evidence, power, nodes.prior)).mean(axis=0)
            rows += [
                _key(line, size) | {"node": name, "kind": kind, "posterior": share}
                for name, kind, share in zip(nodes.names, nodes.kinds, mean, strict=True)
            ]
    columns = [*_KEY_COLUMNS, "node", "kind", "posterior"]
    return pd.DataFrame(rows, columns=pd.Index(columns))


_KEY_COLUMNS: Final = ["cell_line", "role", "stated_tissue", "n_support", "n_supports"]


def _key(line: EvaluatedLine, size: int) -> dict[str, Any]:
    values = [line.name, line.role, line.stated_tissue, size, len(line.shard.blocks())]
    return dict(zip(_KEY_COLUMNS, values, strict=True))


def deviating_motifs(
    model: TrainedModel,
    lines: Sequence[EvaluatedLine],
    size: int,
    power: float,
    known: Sequence[Motif],
    readout: ReadoutSettings,
) -> pd.DataFrame:
    """Motif channels in which each line's environment differs most from the average line.

    Parameters
    ----------
    model : TrainedModel
    lines : sequence of EvaluatedLine
    size : int
        Elements in a support set.
    power : float
        Of the evidence for a tissue.
    known : sequence of Motif
        Motifs that have a name.
    readout : ReadoutSettings

    Returns
    -------
    DataFrame
        ``deviation`` in standard deviations between cell lines: graph and support set fused, no tissue
        stated, the mean over the line's support sets.
    """
    filters: FloatArray = model.encoder.filters.numpy()
    names = name_motifs(filters, known, readout.least_similarity)
    words = [consensus(matrix) for matrix in filter_probabilities(filters)[0]]
    rows = []
    for line in lines:
        supports = line.supports(size)
        read = [
            line.teacher.read(deviation if n > 0 else None, n, None, power=power).environment
            for deviation, n in zip(supports.deviations, supports.counts, strict=True)
        ]
        environment = np.mean(read, axis=0)
        strongest = np.argsort(-np.abs(environment), kind="stable")[: readout.n_motifs]
        for rank, channel in enumerate(strongest, start=1):
            value, name = float(environment[channel]), names[channel]
            rows.append(
                {
                    "cell_line": line.name, "rank": rank, "channel": int(channel),
                    "consensus": words[channel], "motif": name.motif, "similarity": name.similarity,
                    "alike": ",".join(name.alike) or NOTHING, "deviation": value,
                    "direction": "up" if value > 0 else "down",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def calibration_table(
    witnesses: Mapping[int, Sequence[Witness]], lines: Sequence[EvaluatedLine], power: float
) -> pd.DataFrame:
    """How often the most probable tissue is the stated one, and how probable it was said to be.

    ``fitted`` rows are of the lines that the power was learned from, each left out of its Teacher;
    ``reported`` rows are of unseen lines, which nothing was learned from.
    """
    rows = []
    for size, fitted in witnesses.items():
        unseen = [line.witness(size) for line in lines if line.role == "unseen"]
        reported = [one for one in unseen if one is not None]
        for purpose, some in (("fitted", list(fitted)), ("reported", reported)):
            if not some:
                continue
            top, right = confidence(some, power)
            likelihood = float(np.mean([one.log_likelihood(power) for one in some]))
            rows.append(
                {
                    "purpose": purpose, "n_support": size, "n_lines": len(some), "n_supports": len(top),
                    "top1_accuracy": right.mean(), "mean_top_probability": top.mean(),
                    "expected_calibration_error": expected_calibration_error(
                        right.astype(float), top, np.ones(len(top))
                    ),
                    "log_likelihood": likelihood, "power": power,
                }
            )  # fmt: skip
    columns = [
        "purpose", "n_support", "n_lines", "n_supports", "top1_accuracy", "mean_top_probability",
        "expected_calibration_error", "log_likelihood", "power",
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=pd.Index(columns)).sort_values(["purpose", "n_support"], kind="stable")


def _write(path: Path, table: pd.DataFrame) -> None:
    with atomic_file(path) as temporary:
        table.to_csv(
            temporary, sep="\t", index=False, float_format="%.4f", lineterminator="\n", na_rep=NOTHING
        )
