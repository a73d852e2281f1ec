"""The support set of a new cell line, and what it says of the line's environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.config.predictions import PredictionSettings
from cbat.config.sheets import written_otherwise
from cbat.data.sequences import read_windows
from cbat.data.text_tables import read_headed
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.graph.build import read_similarity
from cbat.model.blocks import encode_elements
from cbat.model.directory import SharedModel
from cbat.model.new_line import LineReading, read_line
from cbat.model.teacher import Relatives
from cbat.prediction.candidates import Candidates, Genome
from cbat.prediction.cautions import Caution
from cbat.prediction.preparation import UNKNOWN, of_name, of_tissue

UNUSUAL: Final = 2.0
"""A support set so many times as surprising as the most unusual training line is out of distribution."""
_STREAM: Final = 41
_NOTHING: Final = -1

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Environment:
    """What was read of a cell line.

    Attributes
    ----------
    support : DataFrame
        ``role``, ``element_id`` of the candidates that it was read from, in their order.
    reading : LineReading
    relatives : tuple of (line, weight)
    cautions : tuple of Caution
    """

    support: pd.DataFrame
    reading: LineReading
    relatives: Relatives
    cautions: tuple[Caution, ...]


def read_environment(
    shared: SharedModel,
    candidates: Candidates,
    genome: Genome,
    cell_line: str,
    settings: PredictionSettings,
    relatives: Relatives | None = None,
    support: Path | None = None,
) -> Environment:
    """Read the environment from all candidates, or from a sample of them, as an evaluation does.

    Parameters
    ----------
    shared : SharedModel
    candidates : Candidates
    genome : Genome
    cell_line : str
    settings : PredictionSettings
        Tissue, and the size of the sample and seed of its draw; without a size all candidates are read.
    relatives : tuple of (line, weight), optional
        Of :func:`read_relatives`.
    support : Path, optional
        Table of the support set, in the place of all candidates or of a sample.

    Raises
    ------
    UserError
        A malformed table, or one that names elements that are not there.
    """
    asked = settings.support_size
    if support is None:
        chosen = _draw(candidates.tables, shared.about.support.elements, asked, settings.seed)
    else:
        chosen = _read_support(support, candidates.tables)
    tissue = None if settings.tissue == UNKNOWN else settings.tissue
    rows = {role: chosen.loc[chosen["role"] == role, "row"].to_numpy() for role in ROLES}
    windows = {role: candidates.tables[role].iloc[rows[role]] for role in ROLES}
    lengths = shared.about.windows.model_dump()
    codes = {role: _codes(genome.fasta, windows[role], lengths[role]) for role in ROLES}
    elements = encode_elements(codes, shared.model.encoder)
    reading = read_line(
        shared.model,
        elements,
        _joined(chosen, len(rows["enhancer"]), len(chosen) if support is not None else asked or 0),
        tissue,
        cell_line,
        relatives or (),
        shared.about.evidence_power,
    )
    cautions = _cautions(shared, reading, settings.tissue, cell_line, asked, relatives)
    return Environment(chosen[["role", "element_id"]], reading, relatives or (), tuple(cautions))


def _draw(tables: Mapping[str, pd.DataFrame], roles: list[str], size: int | None, seed: int) -> pd.DataFrame:
    """All candidates of these roles, or ``size`` of them in a random order."""
    pool = pd.concat(
        [
            pd.DataFrame(
                {"role": role, "row": np.arange(len(tables[role])), "element_id": tables[role]["element_id"]}
            )
            for role in ROLES
            if role in roles
        ],
        ignore_index=True,
    )
    if size is None:
        return pool
    order = np.random.default_rng([seed % 2**64, _STREAM]).permutation(len(pool))[:size]
    return pool.iloc[order].reset_index(drop=True)


def _read_support(path: Path, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    table = read_headed(path, delimiter="\t", required=("role", "element_id"))
    roles, names = table.choices("role", ROLES), table.names("element_id")
    places = {role: pd.Index(tables[role]["element_id"]) for role in ROLES}
    rows = np.full(len(names), _NOTHING)
    for role in ROLES:
        rows[roles == role] = places[role].get_indexer(pd.Index(names[roles == role]))
    if (rows < 0).any():
        bad = int(np.argmax(rows < 0))
        raise table.fail(
            bad,
            f"the {roles[bad]} {names[bad]} is none of the candidates",
            "name windows of candidates on the predicted chromosomes, as support.tsv does",
        )
    chosen = pd.DataFrame({"role": roles, "row": rows, "element_id": names})
    if (twice := chosen.duplicated(["role", "row"]).to_numpy()).any():
        bad = int(np.argmax(twice))
        raise table.fail(
            bad,
            f"the {roles[bad]} {names[bad]} is listed twice",
            "list each once, for an element counts once in a support set",
        )
    return chosen


def _codes(fasta: Path, windows: pd.DataFrame, length: int) -> npt.NDArray[np.uint8]:
    return np.concatenate([np.zeros((0, length), dtype=np.uint8), *read_windows(fasta, windows)])


def _joined(chosen: pd.DataFrame, n_enhancers: int, width: int) -> Rows:
    """Rows among the encoded elements, enhancers before promoters, filled up to ``width``."""
    is_promoter = (chosen["role"] == "promoter").to_numpy()
    rows = np.where(is_promoter, n_enhancers + np.cumsum(is_promoter) - 1, np.cumsum(~is_promoter) - 1)
    filled = np.full(max(width, len(rows)), _NOTHING, dtype=np.int64)
    filled[: len(rows)] = rows
    return filled


def read_relatives(
    path: Path, cell_line: str, shared: SharedModel, settings: PredictionSettings
) -> Relatives:
    """Training lines that a table of similarities puts near the line, with the weights of their edges.

    Threshold and weight mean what they mean for the edges between training lines.

    Parameters
    ----------
    path : Path
        Square table of similarities that holds the line and training lines.
    cell_line : str
    shared : SharedModel
    settings : PredictionSettings
        Similarities at or below the threshold make no edge.

    Raises
    ------
    UserError
        The table does not hold the line, or no training line beside it.
    """
    known = set(shared.model.teacher.lines)
    near: dict[str, float] = {}
    seen = False
    similarities = read_similarity(path)
    named = {name for pair in similarities for name in pair}
    odd = written_otherwise([cell_line, *sorted(known)], named - known)
    if odd is not None and odd[0] not in named:
        raise UserError(
            f"the table of similarities calls the cell line {odd[0]!r} {odd[1]!r}",
            mend=f"write {odd[0]!r} in the header and the rows of the table",
            file=path,
        )
    for pair, value in similarities.items():
        if cell_line not in pair:
            continue
        seen = True
        other = pair[0] if pair[1] == cell_line else pair[1]
        if other in known and other != cell_line:
            near[other] = value
    if not seen or not near:
        problem = f"it has no similarity between {cell_line!r} and a training line"
        raise UserError(
            problem,
            mend=f"give it a row and a column called {cell_line!r}, and some of: {', '.join(sorted(known))}",
            file=path,
        )
    least, weight = max(settings.similarity_threshold, 0.0), settings.similarity_weight
    return tuple((line, weight * value) for line, value in near.items() if value > least and weight)


def _cautions(
    shared: SharedModel,
    reading: LineReading,
    tissue: str,
    cell_line: str,
    asked: int | None,
    relatives: Relatives | None,
) -> list[Caution]:
    model, found = shared.model, []
    usual = shared.about.support.validation_size
    usual = usual if asked is None else min(usual, asked)
    if model.has_environment and reading.n < usual:
        found.append(
            Caution(
                "few_candidates",
                f"the environment is read from {reading.n} candidates, and {usual} would be usual: it leans "
                "on what the graph expects" + (" of the stated tissue" if tissue != UNKNOWN else ""),
            )
        )
    found += of_tissue(tissue, model.teacher.tissues)
    if reading.surprise > UNUSUAL * max(reading.usual_surprise, 1.0):
        found.append(
            Caution(
                "out_of_distribution",
                f"the candidates look unlike those of any training line (surprise {reading.surprise:.1f}; "
                f"the most unusual training line has {reading.usual_surprise:.1f}): other elements, another "
                "assembly or another species?",
            )
        )
    found += of_name(cell_line, shared.about, left_out=True)
    uses_graph = model.has_environment and model.settings.alignment == "fusion" and model.teacher.graph
    if relatives is not None and not (uses_graph and relatives):
        found.append(Caution("similarity_unused", "the table of similarities changes nothing for this model"))
    return found


def posterior_table(environment: Environment) -> pd.DataFrame:
    """``node``, ``kind``, ``posterior`` of the graph's lines and tissues, the most probable first."""
    reading = environment.reading
    columns = {"node": reading.nodes, "kind": reading.kinds, "posterior": reading.posterior}
    if not len(reading.posterior):
        columns = dict.fromkeys(columns, ())
    table = pd.DataFrame({name: list(values) for name, values in columns.items()})
    return table.sort_values(["posterior", "kind", "node"], ascending=[False, True, True], ignore_index=True)


def motif_table(environment: Environment, shared: SharedModel) -> pd.DataFrame:
    """All motif channels, those in which the line differs most from the average line first.

    ``environment`` is what the model is fed, in standard deviations between cell lines; ``support`` is the
    mean of the support set, in standard deviations between elements.
    """
    reading = environment.reading
    fed = np.zeros_like(reading.deviation) if reading.environment is None else reading.environment
    rows: list[dict[str, Any]] = []
    for rank, channel in enumerate(np.argsort(-np.abs(fed), kind="stable"), start=1):
        about = shared.about.channels[channel]
        rows.append(
            {
                "rank": rank, "channel": int(channel), "consensus": about.consensus, "motif": about.motif,
                "similarity": about.similarity, "alike": ",".join(about.alike) or "-",
                "environment": float(fed[channel]), "support": float(reading.deviation[channel]),
            }
        )  # fmt: skip
    return pd.DataFrame(rows)
