r"""What can be attained: scores of an observer who knows the laws and sees what a model may see.

The observer knows the laws of candidates and of contact, the matrices of the motifs, and the activities of
the factors in the training lines. Of the evaluated line the observer sees the sequences
(:mod:`cbat.simulation.motif_calls`), the listed candidates, the tissue, and the peaks
(:mod:`cbat.simulation.observed_landscape`); never a label. From this follow

1. the posterior of the line's activities: the prior is that of its training relatives, the likelihood that of
   the law of candidates for a support set, and the posterior is taken as normal around its mode (Laplace);
2. the probability of contact of each pair, averaged over draws of the activities and of the motifs of all
   elements from their posteriors.

With a support size, pairs are dealt into ``N_BLOCKS`` blocks, each with a support set of its own, which
unlike that of a shard's block may hold ends of its pairs. This is not the exact Bayes rule: motifs are read
one by one and from sequence alone, and enter the likelihood of the support set by their expectation, and what
is not listed is not read. The sheet may leave out tracks of a
line, which the observer sees all the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings
from cbat.simulation.environments import resistance_of_landscapes
from cbat.simulation.factors import Factors, LineRecord
from cbat.simulation.genome import Genome
from cbat.simulation.landscape import Landscapes
from cbat.simulation.motif_calls import MotifCalls
from cbat.simulation.observed_landscape import observed_landscape
from cbat.simulation.pairs import energies
from cbat.simulation.peaks import draw_peaks
from cbat.simulation.raw_files import LineTable
from cbat.simulation.world import (
    Laws,
    candidate_drive,
    contact_activity,
    new_factors,
    sigmoid,
)

Array = NDArray[np.float64]
Rows = NDArray[np.int64]

N_BLOCKS: Final = 8
"""Support sets of each line."""
N_MOTIF_DRAWS: Final = 60
N_ACTIVITY_DRAWS: Final = 8
"""Activities that are drawn for each draw of the motifs."""
COLUMNS: Final = ("attainable_probability", "attainable_all_probability")
"""Columns of the truth: with support sets of the size that is asked for, and with all candidates."""
_CERTAIN: Final = 1e-6
_STEPS: Final = 15


@dataclass(frozen=True)
class Belief:
    """A normal distribution of activities: ``mean``, shape=(K,), and ``root``, a root of the covariance."""

    mean: Array
    root: Array

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Activities, shape=(K, n)."""
        return np.asarray(self.mean[:, None] + self.root @ rng.normal(size=(len(self.mean), n)))


def attach_observer(
    settings: SimulationSettings,
    laws: Laws,
    genome: Genome,
    lines: Sequence[LineRecord],
    factors: Factors,
    calls: tuple[MotifCalls, MotifCalls],
    tables: Sequence[LineTable],
    landscapes: Landscapes | None = None,
) -> Iterator[LineTable]:
    """Tables of pairs with the observer's two scores, :data:`COLUMNS`, line by line.

    Parameters
    ----------
    tables : sequence of LineTable
        Of all lines; see :func:`cbat.simulation.pairs.draw_pairs`.
    landscapes : Landscapes, optional
        What else resists contacts; nothing without them.
    """
    hindered = seen_resistance(settings, genome, tables, landscapes)
    for index, (table, resistance) in enumerate(zip(tables, hindered, strict=True)):
        prior = prior_of(settings, lines, factors.candidacy, index)
        others = prior_of(settings, lines, factors.own, index, new=False)
        rng = np.random.default_rng([settings.seed, 17, index])
        known = []
        for size in (settings.observer_support, None):
            parts = [
                (rows, believe(settings, calls, support, prior), others)
                for rows, support in _blocks(rng, table, size)
            ]
            known.append(expected_probability(rng, settings, laws, genome, calls, table, parts, resistance))
        yield replace(table, pairs=table.pairs.assign(**dict(zip(COLUMNS, known, strict=True))))


def prior_of(
    settings: SimulationSettings,
    lines: Sequence[LineRecord],
    activities: Array,
    index: int,
    *,
    new: bool = True,
) -> Belief:
    """Activities of a line before any of its elements is seen, from those of its training relatives.

    Parameters
    ----------
    activities : array, shape=(n_lines, K)
    index : int
        The line.
    new : bool
        Whether new factors are as in lines of its role, or like all others.
    """
    line, rho = lines[index], settings.tissue_correlation
    related = [
        at for at, one in enumerate(lines)
        if at != index and one.tissue == line.tissue and one.role == "train"
    ]  # fmt: skip
    shared = rho / (1.0 + (len(related) - 1) * rho) if related else 0.0
    mean = shared * activities[related].sum(axis=0)
    variance = np.full(activities.shape[1], 1.0 - len(related) * shared * rho)
    if new:
        rows, active = new_factors(settings), line.role == "unseen"
        # Moments of 1 + |x|, x standard normal.
        mean[rows] = 1.0 + np.sqrt(2.0 / np.pi) if active else 0.0
        variance[rows] = 1.0 - 2.0 / np.pi if active else _CERTAIN
    return Belief(mean, np.diag(np.sqrt(np.maximum(variance, _CERTAIN))))


def _blocks(
    rng: np.random.Generator, table: LineTable, size: int | None
) -> Iterator[tuple[Rows, tuple[Rows, Rows]]]:
    """Rows of the pairs of each block, and of the enhancers and promoters of its support set.

    Without a size all pairs are one block, whose support set is every listed candidate.
    """
    if size is None:
        yield np.arange(len(table.pairs)), table.listed
        return
    n_enhancers = len(table.listed[0])
    block = rng.integers(0, N_BLOCKS, len(table.pairs))
    for number in range(N_BLOCKS):
        chosen = rng.permutation(n_enhancers + len(table.listed[1]))[:size]
        support = (
            table.listed[0][chosen[chosen < n_enhancers]],
            table.listed[1][chosen[chosen >= n_enhancers] - n_enhancers],
        )
        yield np.flatnonzero(block == number), support


def believe(
    settings: SimulationSettings,
    calls: tuple[MotifCalls, MotifCalls],
    support: tuple[Rows, Rows],
    prior: Belief,
) -> Belief:
    """Posterior of the activities of a line, given a support set, by Fisher scoring.

    Parameters
    ----------
    calls : tuple of MotifCalls
        Motifs of all enhancers and of all promoters.
    support : tuple of array of int
        Rows of the listed enhancers and promoters that are looked at.
    prior : Belief
    """
    precision = np.linalg.inv(prior.root @ prior.root.T)
    activity, curvature = prior.mean.copy(), precision
    levels = [0.0, 0.0]
    for _ in range(_STEPS):
        gradient = -precision @ (activity - prior.mean)
        curvature = precision.copy()
        for role, (own, rows) in enumerate(zip(calls, support, strict=True)):
            motifs = own.presence
            drive = candidate_drive(settings, motifs, activity)
            levels[role], slope = _level(settings, motifs, drive, levels[role])
            unit = candidate_drive(settings, motifs[rows] - slope, np.eye(motifs.shape[1]))
            pull = _pull(settings, sigmoid(drive[rows] + levels[role]))
            gradient += pull @ unit
            curvature += (unit * pull[:, None] ** 2).T @ unit
        step = np.linalg.solve(curvature, gradient)
        activity = activity + step
        if np.abs(step).max() < 1e-4:
            break
    return Belief(activity, np.linalg.cholesky(np.linalg.inv(curvature)))


def _level(settings: SimulationSettings, motifs: Array, drive: Array, level: float) -> tuple[float, Array]:
    """The level at which the wanted share is active, and the motifs that it moves against, shape=(K,)."""
    for _ in range(30):
        chance = sigmoid(drive + level)
        weight = chance * (1.0 - chance)
        off = (chance.mean() - settings.active_fraction) / max(weight.mean(), 1e-9)
        level -= float(np.clip(off, -1.0, 1.0))
        if abs(off) < 1e-8:
            break
    return level, weight @ motifs / max(weight.sum(), 1e-12)


def _pull(settings: SimulationSettings, chance: Array) -> Array:
    """Derivative of the log of the chance to be listed by the log-odds of being active, shape=(n,)."""
    kept, false = 1.0 - settings.missed_candidates, settings.false_candidates
    active = settings.active_fraction
    # False candidates are drawn evenly from what is not active.
    even = kept * active * false / ((1.0 - false) * max(1.0 - active, 1e-9))
    listed = kept * chance + even * (1.0 - chance)
    return np.asarray((kept - even) * chance * (1.0 - chance) / np.maximum(listed, 1e-12))


def seen_resistance(
    settings: SimulationSettings,
    genome: Genome,
    tables: Sequence[LineTable],
    landscapes: Landscapes | None,
) -> list[Array]:
    """Resistance of the landscape as the peaks of each line show it, shape=(n_pairs,) each."""
    if landscapes is None:
        return [np.zeros(len(table.pairs)) for table in tables]
    seen = []
    for index, (table, truth) in enumerate(zip(tables, landscapes.lines, strict=True)):
        active = genome.enhancers.mask(table.enhancers), genome.promoters.mask(table.promoters)
        listed = genome.enhancers.mask(table.listed[0]), genome.promoters.mask(table.listed[1])
        peaks = draw_peaks(settings, genome, truth, active, index)
        seen.append(observed_landscape(settings, genome, peaks, listed))
    pairs = [table.pairs[["enhancer", "promoter"]].to_numpy() for table in tables]
    of_lines = Landscapes(landscapes.conserved, tuple(seen))
    return resistance_of_landscapes(settings, genome, of_lines, [table.listed for table in tables], pairs)


def expected_probability(
    rng: np.random.Generator,
    settings: SimulationSettings,
    laws: Laws,
    genome: Genome,
    calls: tuple[MotifCalls, MotifCalls],
    table: LineTable,
    parts: Sequence[tuple[Rows, Belief, Belief]],
    hindered: Array,
) -> Array:
    """Probability of contact, averaged over what is believed, shape=(n_pairs,).

    Parameters
    ----------
    parts : sequence of tuple
        Rows of some pairs of the table, what is believed of the activities that decide candidates, and of
        those that decide contacts beside them.
    hindered : array, shape=(n_pairs,)
        Resistance of the landscape as it is believed to be.
    """
    pairs = table.pairs[["enhancer", "promoter"]].to_numpy()
    # The intercept and the level of the line, which do not change the order of its pairs.
    nowhere = np.zeros((len(settings.motifs), 1))
    constant = table.pairs["intrinsic_potential"].to_numpy()
    constant = constant - energies(settings, laws, genome, pairs, nowhere)[0]
    total, new = np.zeros(len(pairs)), new_factors(settings)
    for _ in range(N_MOTIF_DRAWS):
        drawn = _drawn(rng, genome, calls)
        for rows, belief, others in parts:
            if not len(rows):
                continue
            activity = belief.draw(rng, N_ACTIVITY_DRAWS)
            contact = contact_activity(settings, activity, others.draw(rng, N_ACTIVITY_DRAWS))
            contact[new] = activity[new]
            potential, resistance = energies(settings, laws, drawn, pairs[rows], contact)
            energy = (potential + constant[rows] - hindered[rows])[:, None] - resistance
            total[rows] += sigmoid(energy / settings.temperature).mean(axis=1)
    return total / N_MOTIF_DRAWS


def _drawn(rng: np.random.Generator, genome: Genome, calls: tuple[MotifCalls, MotifCalls]) -> Genome:
    """The genome with motifs drawn from what sequences show of them."""
    enhancers, promoters = (
        replace(
            elements,
            presence=rng.random(own.presence.shape) < own.presence,
            forward=rng.random(own.forward.shape) < own.forward,
        )
        for elements, own in zip((genome.enhancers, genome.promoters), calls, strict=True)
    )
    return replace(genome, enhancers=enhancers, promoters=promoters)
