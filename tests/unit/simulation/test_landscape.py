"""Activities are mostly a line's own, CTCF is mostly everyone's, and relatives are alike."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from cbat.config.sections import SimulationSettings
from cbat.simulation import landscape as hidden
from cbat.simulation import world
from cbat.simulation.genome import Genome, build_genome
from cbat.simulation.landscape import activity_of, draw_landscapes, factor_drive
from cbat.simulation.motifs import read_motifs

SETTINGS = SimulationSettings(
    motifs=["CTCF", "HNF4A", "CEBPA", "TP63"], n_chromosomes=2, n_enhancers=3000, n_promoters=100,
    enhancer_length=120, promoter_length=120, gap_length=250, insulator_rate=0.3,
)  # fmt: skip
TISSUES = ["blood", "blood", "liver"]


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    directory: Path = tmp_path_factory.mktemp("genome")
    return build_genome(np.random.default_rng(0), SETTINGS, read_motifs(SETTINGS.motifs), directory)


def landscapes_of(genome: Genome, **over: object) -> tuple[hidden.Landscapes, np.ndarray]:
    settings = SETTINGS.model_copy(update=over)
    activities = world.draw_activities(np.random.default_rng(1), settings, TISSUES)
    return draw_landscapes(settings, genome, activities, TISSUES), activities


def test_activities_are_shared_a_little_by_all_lines_and_more_by_relatives(genome: Genome) -> None:
    landscapes, _ = landscapes_of(genome, landscape_strength=0.0)  # no factors, so that shares are exact
    correlation = np.corrcoef([line.enhancers for line in landscapes.lines])
    assert correlation[0, 2] == pytest.approx(hidden.LOCUS_SHARE, abs=0.05)
    assert correlation[0, 1] == pytest.approx(hidden.LOCUS_SHARE + hidden.TISSUE_SHARE, abs=0.05)
    assert np.corrcoef(landscapes.lines[2].enhancers, landscapes.conserved.enhancers)[0, 1] > 0.35


def test_the_sites_of_all_lines_are_bound_nearly_alike(genome: Genome) -> None:
    landscapes, _ = landscapes_of(genome)
    correlation = np.corrcoef([line.occupancy for line in landscapes.lines])
    assert correlation[np.triu_indices(3, 1)].min() > 0.9
    assert (landscapes.lines[0].occupancy != landscapes.lines[1].occupancy).any()
    outside = genome.sites.outside
    mean = [landscapes.lines[0].occupancy[where].mean() for where in (outside, ~outside)]
    assert mean[0] > 0.4 > 0.25 > mean[1]


def test_active_factors_make_elements_with_their_motif_active(genome: Genome) -> None:
    landscapes, activities = landscapes_of(genome)
    for line, activity in zip(landscapes.lines, activities, strict=True):
        drive = factor_drive(SETTINGS, genome.enhancers.presence, activity)
        explained = np.corrcoef(drive, line.enhancers)[0, 1]
        # Of a line whose factors are less active than most, less.
        share = hidden.FACTOR_SHARE * drive.var()
        assert explained == pytest.approx(np.sqrt(share / (share + 1 - hidden.FACTOR_SHARE)), abs=0.07)


@pytest.mark.parametrize("over", [{"landscape_strength": 0.0}, {"world": "uninformative"}])
def test_where_nothing_is_to_be_told_activities_know_no_factors(genome: Genome, over: dict) -> None:
    landscapes, activities = landscapes_of(genome, **over)
    for line, activity in zip(landscapes.lines, activities, strict=True):
        drive = factor_drive(SETTINGS, genome.enhancers.presence, activity)
        assert abs(np.corrcoef(drive, line.enhancers)[0, 1]) < 0.06


def test_elements_that_are_no_candidates_are_hardly_active() -> None:
    found = activity_of(np.array([0.0, 0.0, 1.0]), np.array([True, False, True]))
    np.testing.assert_allclose(found, [1.0, np.exp(hidden.INACTIVE), np.e])


def test_another_line_in_the_sheet_leaves_the_landscapes_of_the_others_alone(genome: Genome) -> None:
    landscapes, activities = landscapes_of(genome)
    more = draw_landscapes(
        SETTINGS, genome, np.concatenate([activities, activities[:1]]), [*TISSUES, "liver"]
    )
    for one, other in zip(landscapes.lines, more.lines, strict=False):
        np.testing.assert_array_equal(one.enhancers, other.enhancers)
        np.testing.assert_array_equal(one.occupancy, other.occupancy)
