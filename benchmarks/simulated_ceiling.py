"""What the simulated world leaves to be won: scores of an observer who knows its laws.

    python benchmarks/simulated_ceiling.py --seed 1

The observer knows the laws of contact and the activities of the training lines. He infers the activities
of each unseen line from a support set, as their most probable value: the prior is that of its training
relatives, the likelihood that of the true law of candidates. He sees the motifs of elements as they were
planted (`truth`), or as the matrices that planted them tell them from the sequence (`matrices`). Where
there is a landscape (`--landscape-strength`), he knows its resistance as it is. A model
has to learn all this and reads sequences, so `matrices` is what it comes near to at best; it is no strict
bound, because a most probable value is not the whole posterior. One JSON line for each figure: balanced
AUPR, the mean over unseen lines on the test chromosomes.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score

from cbat.config.project import load_project
from cbat.config.sections import SimulationSettings
from cbat.model.encoder import MotifEncoder
from cbat.simulation import benchmark, world
from cbat.simulation.genome import Genome, build_genome
from cbat.simulation.landscape import draw_landscapes
from cbat.simulation.motifs import read_motifs

BACKGROUND = np.array([0.265, 0.235, 0.235, 0.265])
SMALLEST_PROBABILITY = 1e-3


@dataclass(frozen=True)
class View:
    """The motifs of enhancers and promoters as an observer sees them, shape=(n, n_motifs) each."""

    enhancers: Any
    promoters: Any


def true_encoder(settings: SimulationSettings) -> MotifEncoder:
    """The encoder whose filters are the matrices that planted the motifs."""
    matrices = read_motifs(settings.motifs)
    width = max(len(matrix) for matrix in matrices)
    filters = torch.zeros(len(matrices), 4, width)
    for row, matrix in enumerate(matrices):
        power = matrix**settings.motif_sharpness
        power = np.maximum(power / power.sum(axis=1, keepdims=True), SMALLEST_PROBABILITY)
        power /= power.sum(axis=1, keepdims=True)
        at = (width - len(matrix)) // 2
        filters[row, :, at : at + len(matrix)] = torch.from_numpy(np.log(power / BACKGROUND).T).float()
    return MotifEncoder(filters, torch.full((len(matrices),), settings.motif_rate))


def level_of(settings: SimulationSettings, drive: torch.Tensor) -> torch.Tensor:
    """The level at which the wanted share of elements is active."""
    low, high = torch.tensor(-20.0), torch.tensor(20.0)
    for _ in range(40):
        middle = (low + high) / 2
        above = torch.sigmoid(drive + middle).mean() < settings.active_fraction
        low, high = (middle, high) if above else (low, middle)
    return middle


def infer(
    settings: SimulationSettings, view: View, candidates: Any, n: int, prior: Any, seed: list[int]
) -> Any:
    """Most probable activities of a line, given a support set of ``n`` of its candidates."""
    rng = np.random.default_rng(seed)
    role = np.repeat([0, 1], [len(part) for part in candidates])
    chosen = rng.permutation(len(role))[:n]
    tables = [torch.from_numpy(view.enhancers), torch.from_numpy(view.promoters)]
    support = [tables[r][np.concatenate(candidates)[chosen[role[chosen] == r]]] for r in (0, 1)]
    mean, variance = (torch.from_numpy(part) for part in prior)
    activity = mean.clone().requires_grad_(True)
    strength = 0.8 * settings.candidate_strength
    optimiser = torch.optim.LBFGS([activity], max_iter=60, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        total = 0.5 * ((activity - mean) ** 2 / variance).sum()
        for table, part in zip(tables, support, strict=True):
            everywhere = strength * table @ activity
            level = level_of(settings, everywhere.detach())
            total = total - torch.nn.functional.logsigmoid(level + strength * part @ activity).sum()
            total = total + len(part) * torch.log(torch.sigmoid(level + everywhere).mean())
        total.backward()
        return total

    optimiser.step(loss)
    return activity.detach().numpy()


def logit(settings: SimulationSettings, laws: world.Laws, truth: View, view: View, pairs: Any, a: Any) -> Any:
    """Log-odds of contact of pairs under the true laws, with the motifs of a view and activities ``a``."""

    def potential(seen: View) -> Any:
        e, p = seen.enhancers[pairs["enhancer"]], seen.promoters[pairs["promoter"]]
        left, right = laws.potential_pairs.T
        single = e @ laws.potential_enhancer + p @ laws.potential_promoter
        return single + (e[:, left] * p[:, right]) @ laws.potential_pair_weights

    e, p = view.enhancers[pairs["enhancer"]], view.promoters[pairs["promoter"]]
    relief = (e * laws.resistance_enhancer + p * laws.resistance_promoter) @ a
    average = settings.motif_rate * (laws.resistance_enhancer + laws.resistance_promoter) @ a
    relief = relief - (1.0 - settings.level_share) * average
    geometry = pairs["intrinsic_potential"] - potential(truth)
    hindered = pairs.get("landscape_resistance", 0.0)
    return geometry + potential(view) - np.logaddexp(0.0, laws.resistance_offset - relief) - hindered


def balanced_aupr(label: Any, score: Any) -> float:
    """Average precision at equal weights of the classes."""
    weight = np.where(label == 1, 0.5 / label.mean(), 0.5 / (1.0 - label.mean()))
    return float(average_precision_score(label, score, sample_weight=weight))


def prior_of(settings: SimulationSettings, activities: Any, relatives: list[int]) -> Any:
    """Mean and variance of the activities of a line, given those of the training lines of its tissue."""
    rho, n = settings.tissue_correlation, len(relatives)
    shared = rho / (1.0 + (n - 1) * rho)
    mean = shared * activities[relatives].sum(axis=0) if n else np.zeros(activities.shape[1])
    return mean, np.full(activities.shape[1], 1.0 - n * shared * rho)


def views(settings: SimulationSettings, genome: Genome) -> dict[str, View]:
    """The motifs as they were planted, and as the true matrices tell them from the sequences."""
    encoder = true_encoder(settings)
    planted, read = [], []
    for elements, path in zip((genome.enhancers, genome.promoters), genome.codes, strict=True):
        codes = np.load(path)
        planted.append(elements.presence.astype(np.float64))
        read.append(encoder.features(torch.from_numpy(codes))[..., 0].numpy().astype(np.float64))
    return {"truth": View(*planted), "matrices": View(*read)}


def main() -> None:
    """Draw the world, and print what its observer would score."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=1, help="seed of the world")
    parser.add_argument("--landscape-strength", type=float, default=0.0, help="of the world; 0 has none")
    parser.add_argument("--supports", type=int, nargs="+", default=[256, 1024])
    options = parser.parse_args()
    torch.set_num_threads(1)
    world.N_ENVIRONMENT_DRAWS = 1  # the oracle without an environment is not asked for
    project = load_project(["config/config.yaml"])
    lines = project.cell_lines
    settings = SimulationSettings(seed=options.seed, landscape_strength=options.landscape_strength)
    test = [int(name.removeprefix("chr")) - 1 for name in project.config.splits.test]
    laws = world.draw_laws(np.random.default_rng([settings.seed, 2]), settings)
    activities = world.draw_activities(
        np.random.default_rng([settings.seed, 3]), settings, [line.tissue for line in lines]
    )
    rng, matrices = np.random.default_rng([settings.seed, 1]), read_motifs(settings.motifs)
    with TemporaryDirectory() as directory:
        genome = build_genome(rng, settings, matrices, Path(directory))
        seen = views(settings, genome)
    landscapes = None
    if settings.landscape_strength > 0:
        landscapes = draw_landscapes(settings, genome, activities, [line.tissue for line in lines])
    tables = benchmark.draw_pairs(settings, laws, genome, activities, landscapes)
    found: dict[tuple[str, str], list[float]] = {}
    for row, (line, table) in enumerate(zip(lines, tables, strict=True)):
        if line.role != "unseen":
            continue
        tested = np.isin(genome.enhancers.chromosome[table.pairs["enhancer"]], test)
        pairs = {name: table.pairs[name].to_numpy()[tested] for name in table.pairs.columns}
        related = [i for i, one in enumerate(lines) if one.tissue == line.tissue and one.role == "train"]
        prior = prior_of(settings, activities, related)
        found.setdefault(("oracle", "true"), []).append(balanced_aupr(pairs["label"], pairs["probability"]))
        for name, view in seen.items():
            known = {"true": activities[row], "relatives alone": prior[0]}
            for n in options.supports:
                own = (table.enhancers, table.promoters)
                known[f"{n} elements"] = infer(settings, view, own, n, prior, [options.seed, row, n])
            for how, activity in known.items():
                score = logit(settings, laws, seen["truth"], view, pairs, activity)
                found.setdefault((name, how), []).append(balanced_aupr(pairs["label"], score))
    for (name, how), figures in found.items():
        line = {"seed": options.seed, "motifs": name, "environment": how, "aupr": round(np.mean(figures), 4)}
        print(json.dumps(line | {"n_lines": len(figures)}), flush=True)


if __name__ == "__main__":
    main()
