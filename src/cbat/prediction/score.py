"""Score all pairs of one chromosome: elements are encoded once, and pairs stream through."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.sequences import read_windows
from cbat.data.windows import ROLES
from cbat.landscape.features import Pairs as LandscapePairs
from cbat.model.about import LANDSCAPE, listed_files
from cbat.model.blocks import EncodedElements, encode_elements, join_elements
from cbat.model.bundle import Pairs, reads_landscape, use_threads
from cbat.model.directory import SharedModel, read_model_directory
from cbat.model.environment import FloatArray
from cbat.model.new_line import LineScorer
from cbat.prediction.line_landscape import LineLandscape, as_pairs, resistance
from cbat.prediction.near_pairs import NearPairs
from cbat.prediction.plan import GENOME, Plan, read_elements, read_plan
from cbat.prediction.scored_pairs import (
    PIECE,
    check_chromosome,
    check_same_model,
    decide,
    empty_columns,
    write_pairs,
)
from cbat.prediction.shared_landscape import read_landscape
from cbat.progress import Progress

log = logging.getLogger(__name__)
LandscapeReader = Callable[[LandscapePairs], FloatArray]
ENCODED: Final = 2048
"""Elements that are read and encoded together."""


def run(*, model_directory: Path, directory: Path, chromosome: str, output: Path) -> None:
    """Score the pairs of a chromosome by a model with sequence; see :func:`cbat.prediction.chromosome.run`.

    Raises
    ------
    UserError
        As there.
    """
    # Rounding may depend on how many threads share a product; processes, one for a chromosome, do not.
    use_threads(1)
    shared, plan = read_model_directory(model_directory), read_plan(directory)
    check_same_model(shared.digest, plan, model_directory)
    check_chromosome(chromosome, plan, directory)
    tables = read_elements(directory, chromosome)
    near = NearPairs.of(tables["enhancer"], tables["promoter"], plan.min_distance, plan.max_distance)
    read = _landscape_reader(shared, Path(model_directory), directory, chromosome)
    fasta = directory / GENOME / "genome.fa"
    columns = score(shared, plan, tables, near, fasta, chromosome, read)
    write_pairs(output, columns, tables, chromosome)
    log.info("%s %s: %s pairs scored", plan.cell_line, chromosome, f"{len(near):,}")


def _landscape_reader(
    shared: SharedModel, model_directory: Path, directory: Path, chromosome: str
) -> LandscapeReader | None:
    """What tells the resistance of the landscape of pairs, of a model that has a law of it."""
    if LANDSCAPE[0] not in listed_files(model_directory) or not reads_landscape(shared.model.law):
        return None
    line = LineLandscape.read(directory, chromosome)
    known = read_landscape(model_directory, chromosome, line.sources.assembly)
    reader = line.reader(known, chromosome)
    return lambda pairs: resistance(known.fit, line, reader, pairs)


def encode(shared: SharedModel, fasta: Path, tables: Mapping[str, pd.DataFrame]) -> EncodedElements:
    """Features of all elements of a chromosome, read in pieces."""
    lengths = shared.about.windows.model_dump()
    none = {role: np.zeros((0, lengths[role]), dtype=np.uint8) for role in ROLES}
    pieces = [encode_elements(none, shared.model.encoder)]
    for role in ROLES:
        for codes in read_windows(fasta, tables[role], ENCODED):
            pieces.append(encode_elements({**none, role: codes}, shared.model.encoder))
    return join_elements(pieces)


def score(
    shared: SharedModel,
    plan: Plan,
    tables: Mapping[str, pd.DataFrame],
    near: NearPairs,
    fasta: Path,
    chromosome: str,
    landscape: LandscapeReader | None = None,
) -> dict[str, npt.NDArray[Any]]:
    """Columns of the pairs of a chromosome, in the order of ``near``.

    ``enhancer`` and ``promoter`` are rows of the tables; energies are 32-bit floats, as the model has them.
    """
    n = len(near)
    columns = empty_columns(n)
    if n:
        scorer = LineScorer(shared.model, encode(shared, fasta, tables), plan.fed())
        at = 0
        with Progress(f"{plan.cell_line} {chromosome}", "pairs", n) as progress:
            for rows in near.pieces(PIECE):
                pairs = Pairs(rows.enhancer, rows.promoter, rows.distance, rows.upstream)
                if landscape is not None:
                    pairs = replace(pairs, landscape_resistance=landscape(as_pairs(tables, rows)))
                scores = scorer.scores(pairs)
                part = slice(at, at + len(rows))
                for name in ("enhancer", "promoter", "distance"):
                    columns[name][part] = getattr(rows, name)
                columns["intrinsic_potential"][part] = scores.intrinsic_potential
                columns["environment_resistance"][part] = scores.environment_resistance
                at += len(rows)
                progress.add(len(rows))
    return decide(columns, plan)
