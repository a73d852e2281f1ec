"""What a simulated world leaves to be won, and for which reasons: scores of an observer who knows its laws.

    python benchmarks/simulated_ceiling.py --world additive
    python benchmarks/simulated_ceiling.py --world jaspar --seed 2 --supports 16 256

The observer is that of :mod:`cbat.simulation.observer`, whose scores with sequences are the rows `attainable`
of the benchmark. Here motifs are seen as they were planted (`truth`) or as sequences show them (`sequences`),
and the environment is known, inferred from the listed candidates, or guessed from training relatives. Where
there is a landscape, peaks show its resistance. One JSON line for each number: balanced AUPR, the mean over
unseen lines on the test chromosomes.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from sklearn.metrics import average_precision_score

from cbat.config.project import load_project
from cbat.config.sections import SimulationSettings
from cbat.simulation import world
from cbat.simulation.factors import draw_factors
from cbat.simulation.genome import build_genome
from cbat.simulation.landscape import draw_landscapes
from cbat.simulation.motif_calls import MotifCalls, call_motifs
from cbat.simulation.motifs import read_motifs
from cbat.simulation.observer import Belief, believe, expected_probability, prior_of, seen_resistance
from cbat.simulation.pairs import draw_pairs

CONFIGURATION = ("config/config.yaml", "config/benchmark.yaml")


def balanced_aupr(label: Any, score: Any) -> float:
    """Average precision at equal weights of the classes."""
    weight = np.where(label == 1, 0.5 / label.mean(), 0.5 / (1.0 - label.mean()))
    return float(average_precision_score(label, score, sample_weight=weight))


def certain(activity: Any) -> Belief:
    """Knowing activities exactly."""
    return Belief(activity, np.zeros((len(activity), len(activity))))


def environments(
    settings: SimulationSettings, factors: Any, lines: Any, table: Any, calls: Any, row: int, sizes: Any
) -> Iterator[tuple[str, Belief, Belief]]:
    """What is believed of a line's activities for candidates, and of the others for contacts."""
    prior = prior_of(settings, lines, factors.candidacy, row)
    others = prior_of(settings, lines, factors.own, row, new=False)
    yield "true", certain(factors.candidacy[row]), certain(factors.own[row])
    yield "relatives alone", prior, others
    n_enhancers = len(table.listed[0])
    for size in [*sizes, None]:
        chosen = np.random.default_rng([settings.seed, row, size or 0]).permutation(
            n_enhancers + len(table.listed[1])
        )[:size]
        support = (
            table.listed[0][chosen[chosen < n_enhancers]],
            table.listed[1][chosen[chosen >= n_enhancers] - n_enhancers],
        )
        name = "all candidates" if size is None else f"{size} elements"
        yield name, believe(settings, calls, support, prior), others


def main() -> None:
    """Draw the world, and print what its observer would score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--world", default="additive", help="a world of config/benchmark.yaml")
    parser.add_argument("--seed", type=int, help="seed of the world, if not its own")
    parser.add_argument("--supports", type=int, nargs="+", default=[16, 64, 256, 1024])
    options = parser.parse_args()
    world.N_ENVIRONMENT_DRAWS = 1  # the oracle without an environment is not asked for
    project = load_project(CONFIGURATION).worlds[options.world].project
    lines, settings = project.cell_lines, project.config.simulation
    if settings is None:
        raise SystemExit(f"the world {options.world} is not simulated")
    if options.seed is not None:
        settings = settings.model_copy(update={"seed": options.seed})
    test = [int(name.removeprefix("chr")) - 1 for name in project.config.splits.test]
    laws = world.draw_laws(np.random.default_rng([settings.seed, 2]), settings)
    factors, matrices = draw_factors(settings, lines), read_motifs(settings.motifs)
    with TemporaryDirectory() as directory:
        genome = build_genome(np.random.default_rng([settings.seed, 1]), settings, matrices, Path(directory))
        read = call_motifs(settings, genome, matrices)
    planted = tuple(
        MotifCalls(own.presence.astype(float), own.forward.astype(float))
        for own in (genome.enhancers, genome.promoters)
    )
    tissues = [line.tissue for line in lines]
    acting = settings.landscape_strength > 0
    landscapes = draw_landscapes(settings, genome, factors.candidacy, tissues) if acting else None
    tables = [*draw_pairs(settings, laws, genome, factors, landscapes)]
    hindered = seen_resistance(settings, genome, tables, landscapes)
    found: dict[tuple[str, str], list[float]] = {}
    for row, (line, table) in enumerate(zip(lines, tables, strict=True)):
        if line.role != "unseen":
            continue
        rows = np.flatnonzero(np.isin(genome.enhancers.chromosome[table.pairs["enhancer"]], test))
        label = table.pairs["label"].to_numpy()[rows]
        found.setdefault(("oracle", "true"), []).append(
            balanced_aupr(label, table.pairs["probability"].to_numpy()[rows])
        )
        for name, calls in (("truth", planted), ("sequences", read)):
            for how, belief, others in environments(
                settings, factors, lines, table, calls, row, options.supports
            ):
                rng = np.random.default_rng([settings.seed, row])
                score = expected_probability(
                    rng, settings, laws, genome, calls, table, [(rows, belief, others)], hindered[row]
                )
                found.setdefault((name, how), []).append(balanced_aupr(label, score[rows]))
    for (name, how), numbers in found.items():
        line = {"world": options.world, "seed": settings.seed, "motifs": name, "environment": how}
        print(json.dumps(line | {"aupr": round(np.mean(numbers), 4), "n_lines": len(numbers)}), flush=True)


if __name__ == "__main__":
    main()
