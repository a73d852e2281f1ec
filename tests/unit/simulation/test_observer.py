"""What the observer believes: as sure as it may be of motifs, activities and landscapes, and no surer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from cbat.config.sections import SimulationSettings
from cbat.simulation import world
from cbat.simulation.genome import Genome, build_genome
from cbat.simulation.landscape import Landscape, draw_landscapes
from cbat.simulation.motif_calls import MotifCalls, call_motifs
from cbat.simulation.motifs import read_motifs
from cbat.simulation.observed_landscape import observed_landscape
from cbat.simulation.observer import Belief, believe, prior_of
from cbat.simulation.peaks import draw_peaks

SETTINGS = SimulationSettings(
    motifs=["CTCF", "HNF4A", "CEBPA", "TP63"], n_chromosomes=2, n_enhancers=1200, n_promoters=800,
    enhancer_length=800, promoter_length=800, gap_length=900, motif_rate=0.3, motif_sharpness=1.0,
    insulator_rate=0.4,
)  # fmt: skip
K = len(SETTINGS.motifs)


@pytest.fixture(scope="module")
def read(tmp_path_factory: pytest.TempPathFactory) -> tuple[Genome, tuple[MotifCalls, MotifCalls]]:
    matrices = read_motifs(SETTINGS.motifs)
    genome = build_genome(np.random.default_rng(0), SETTINGS, matrices, tmp_path_factory.mktemp("genome"))
    return genome, call_motifs(SETTINGS, genome, matrices)


def test_a_motif_is_there_as_often_as_its_chance_says(read) -> None:
    genome, calls = read
    for elements, own in zip((genome.enhancers, genome.promoters), calls, strict=True):
        chance, there = own.presence.ravel(), elements.presence.ravel()
        assert chance.mean() == pytest.approx(SETTINGS.motif_rate, abs=0.03)
        for low, high in ((0.0, 0.2), (0.2, 0.5), (0.5, 0.8), (0.8, 1.0)):
            part = (chance >= low) & (chance <= high)
            if part.sum() > 100:
                assert there[part].mean() == pytest.approx(chance[part].mean(), abs=0.1)
        informed = np.mean((chance - there) ** 2)
        assert informed < 0.75 * SETTINGS.motif_rate * (1 - SETTINGS.motif_rate)


def test_the_strand_is_told_where_there_is_a_motif(read) -> None:
    genome, calls = read
    for elements, own in zip((genome.enhancers, genome.promoters), calls, strict=True):
        sure = elements.presence & (own.presence > 0.9)
        assert sure.sum() > 100
        told = (own.forward > 0.5) == elements.forward
        assert told[sure].mean() > 0.9


def candidates(settings: SimulationSettings, presence: np.ndarray, activity: np.ndarray, seed: int):
    chance = world.sigmoid(world.candidate_logit(settings, presence, activity))
    return np.flatnonzero(np.random.default_rng(seed).random(len(chance)) < chance)


def certain(presence: np.ndarray) -> MotifCalls:
    return MotifCalls(presence.astype(float), presence.astype(float))


def test_beliefs_are_as_wide_as_they_are_wrong() -> None:
    """Errors in units of the posterior's standard deviation have a mean square of 1."""
    rng, errors, widths = np.random.default_rng(0), {50: [], 500: []}, {50: [], 500: []}
    presence = [rng.random((2000, K)) < 0.3 for _ in range(2)]
    prior = Belief(np.zeros(K), np.eye(K))
    for line in range(40):
        activity = rng.normal(size=K)
        own = [candidates(SETTINGS, motifs, activity, line) for motifs in presence]
        for n, found in errors.items():
            support = tuple(rng.permutation(rows)[: n // 2] for rows in own)
            belief = believe(SETTINGS, tuple(map(certain, presence)), support, prior)
            spread = np.sqrt(np.diag(belief.root @ belief.root.T))
            found.append((belief.mean - activity) / spread)
            widths[n].append(spread.mean())
    for found in errors.values():
        assert np.mean(np.square(found)) == pytest.approx(1.0, abs=0.35)
    assert np.mean(widths[500]) < 0.6 * np.mean(widths[50]) < 0.6


def test_contaminated_lists_say_less_and_are_not_taken_at_their_word() -> None:
    rng = np.random.default_rng(0)
    dirty = SETTINGS.model_copy(update={"false_candidates": 0.4, "missed_candidates": 0.3})
    presence = [rng.random((3000, K)) < 0.3 for _ in range(2)]
    calls, prior = tuple(map(certain, presence)), Belief(np.zeros(K), np.eye(K))
    errors, naive = [], []
    for line in range(25):
        activity = rng.normal(size=K)
        listed = []
        for motifs in presence:
            own = candidates(SETTINGS, motifs, activity, line)
            kept = own[rng.random(len(own)) > 0.3]
            others = np.setdiff1d(np.arange(len(motifs)), own)
            listed.append(np.concatenate([kept, rng.choice(others, round(len(kept) * 0.4 / 0.6))]))
        errors.append(believe(dirty, calls, tuple(listed), prior).mean - activity)
        naive.append(believe(SETTINGS, calls, tuple(listed), prior).mean - activity)
    assert np.mean(np.square(errors)) < 0.5 * np.mean(np.square(naive))


@dataclass(frozen=True)
class Line:
    cell_line: str
    tissue: str
    role: str


def test_without_elements_a_line_is_like_its_relatives() -> None:
    settings = SimulationSettings(motifs=[f"M{i}" for i in range(20_000)], tissue_correlation=0.6)
    known = (("a", "train"), ("a", "train"), ("a", "unseen"), ("b", "unseen"))
    lines = [Line(f"line_{number}", *of) for number, of in enumerate(known)]
    few = settings.model_copy(update={"motifs": settings.motifs[:50]})
    drawn = world.draw_activities(np.random.default_rng(1), settings, [line.tissue for line in lines])
    for index, expected in ((0, 1 - 0.36), (2, 1 - 2 * 0.36 / 1.6), (3, 1.0)):
        belief = prior_of(few, lines, drawn[:, :50], index)
        assert belief.root[0, 0] ** 2 == pytest.approx(expected)
        related = [at for at in (0, 1) if at != index and lines[index].tissue == "a"]
        mean = (0.6 / (1 + 0.6 * (len(related) - 1)) if related else 0.0) * drawn[related].sum(axis=0)
        assert np.mean((drawn[index] - mean) ** 2) == pytest.approx(expected, abs=0.03)


def line_of(genome: Genome) -> tuple[Landscape, tuple[np.ndarray, np.ndarray]]:
    activity = world.draw_activities(np.random.default_rng(1), SETTINGS, ["blood"])
    line = draw_landscapes(SETTINGS, genome, activity, ["blood"]).lines[0]
    rng = np.random.default_rng(2)
    return line, (rng.random(1200) < 0.5, rng.random(800) < 0.5)


def test_peaks_without_faults_show_activities_and_occupancies(read) -> None:
    genome, _ = read
    line, own = line_of(genome)
    exact = SETTINGS.model_copy(update={"missed_peaks": 0.0, "false_peaks": 0.0, "signal_noise": 0.0})
    seen = observed_landscape(exact, genome, draw_peaks(exact, genome, line, own, 0), own)
    for known, found, active in (
        (line.enhancers, seen.enhancers, own[0]), (line.promoters, seen.promoters, own[1]),
    ):  # fmt: skip
        strong = active & (known > np.log(0.25))
        assert np.quantile(np.abs(known - found)[strong], 0.95) < 0.1
        assert np.corrcoef(known, found)[0, 1] > 0.75
    bound = line.occupancy > 0.25
    assert np.quantile(np.abs(line.occupancy - seen.occupancy)[bound], 0.95) < 0.1
    assert seen.occupancy[line.occupancy < 0.15].mean() < 0.1


def test_noisy_peaks_are_believed_less_and_no_more_than_is_right(read) -> None:
    genome, _ = read
    line, own = line_of(genome)
    seen = observed_landscape(SETTINGS, genome, draw_peaks(SETTINGS, genome, line, own, 0), own)
    known, found = line.enhancers[own[0]], seen.enhancers[own[0]]
    # An expectation has slope 1 against the truth, and leaves less than the prior's variance.
    assert np.polyfit(found, known, 1)[0] == pytest.approx(1.0, abs=0.1)
    assert np.mean((known - found) ** 2) < 0.5 * np.var(known)
    assert np.polyfit(seen.occupancy, line.occupancy, 1)[0] == pytest.approx(1.0, abs=0.1)
