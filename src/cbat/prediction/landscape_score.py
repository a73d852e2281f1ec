"""Score all pairs of one chromosome by a law of the landscape; pairs stream through."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from cbat.landscape import abc
from cbat.landscape.law import softplus
from cbat.landscape.tracks import ENHANCERS
from cbat.model.about import check_hashes
from cbat.prediction.line_landscape import LineLandscape, as_pairs, resistance
from cbat.prediction.near_pairs import NearPairs
from cbat.prediction.plan import Plan, read_elements, read_plan
from cbat.prediction.scored_pairs import (
    PIECE,
    Columns,
    check_chromosome,
    check_same_model,
    decide,
    empty_columns,
    write_pairs,
)
from cbat.prediction.shared_landscape import SharedLandscape, read_landscape
from cbat.progress import Progress

log = logging.getLogger(__name__)


def run(*, model_directory: Path, directory: Path, chromosome: str, output: Path) -> None:
    """Score the pairs of a chromosome by a law; see :func:`cbat.prediction.chromosome.run`.

    Raises
    ------
    UserError
        As there.
    """
    model_directory = Path(model_directory)
    digest, plan = check_hashes(model_directory), read_plan(directory)
    check_same_model(digest, plan, model_directory)
    check_chromosome(chromosome, plan, directory)
    landscape = LineLandscape.read(directory, chromosome)
    shared = read_landscape(model_directory, chromosome, landscape.sources.assembly)
    tables = read_elements(directory, chromosome)
    near = NearPairs.of(tables["enhancer"], tables["promoter"], plan.min_distance, plan.max_distance)
    columns = score(shared, landscape, plan, tables, near, chromosome)
    write_pairs(output, columns, tables, chromosome)
    log.info("%s %s: %s pairs scored", plan.cell_line, chromosome, f"{len(near):,}")


def score(
    shared: SharedLandscape,
    landscape: LineLandscape,
    plan: Plan,
    tables: Mapping[str, pd.DataFrame],
    near: NearPairs,
    chromosome: str,
) -> Columns:
    """Columns of the pairs of a chromosome, in the order of ``near``."""
    fit, reader = shared.fit, landscape.reader(shared, chromosome)
    elements = abc.elements_of(landscape.tracks[landscape.tracks["kind"] == ENHANCERS])
    starts = landscape.starts["position"].to_numpy()
    columns = empty_columns(len(near))
    at = 0
    with Progress(f"{plan.cell_line} {chromosome}", "pairs", len(near)) as progress:
        for rows in near.pieces(PIECE):
            part = slice(at, at + len(rows))
            for name in ("enhancer", "promoter", "distance"):
                columns[name][part] = getattr(rows, name)
            pairs = as_pairs(tables, rows)
            before = resistance(fit, landscape, reader, pairs)
            if len(elements):
                columns["abc"][part] = abc.of_pairs(elements, pairs)
            if len(starts):
                columns["enhancer_share"][part] = abc.enhancer_side(starts, pairs)
            columns["intrinsic_potential"][part] = fit.potential(rows.distance)
            columns["environment_resistance"][part] = softplus(before)
            at += len(rows)
            progress.add(len(rows))
    return decide(columns, plan)
