"""The landscape resists as it is said to: blocking, competition of promoters, activity of both ends."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.config.sections import SimulationSettings
from cbat.simulation import regions, world
from cbat.simulation.environments import contacts_in_drawn, contacts_in_lines
from cbat.simulation.extrusion import free_contacts
from cbat.simulation.factors import Factors
from cbat.simulation.genome import Genome, build_genome
from cbat.simulation.landscape import Landscapes, draw_landscapes
from cbat.simulation.motifs import read_motifs
from cbat.simulation.pairs import draw_pairs
from cbat.simulation.regions import Region, regions_of
from cbat.simulation.resistance import (
    PASSIVE,
    Contacts,
    contacts_between,
    typical_contacts,
)

SETTINGS = SimulationSettings(
    motifs=["CTCF", "HNF4A", "CEBPA"], n_chromosomes=2, n_enhancers=240, n_promoters=120, enhancer_length=300,
    promoter_length=400, gap_length=2500, motif_rate=0.3, pairs_per_cell_line=600, max_distance=80_000,
)  # fmt: skip
TISSUES = ["blood", "blood", "liver"]


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    directory = tmp_path_factory.mktemp("genome")
    return build_genome(np.random.default_rng(0), SETTINGS, read_motifs(SETTINGS.motifs), directory)


@pytest.fixture(scope="module")
def activities() -> np.ndarray:
    return world.draw_activities(np.random.default_rng(1), SETTINGS, TISSUES)


@pytest.fixture(scope="module")
def landscapes(genome: Genome, activities: np.ndarray) -> Landscapes:
    return draw_landscapes(SETTINGS, genome, activities, TISSUES)


def contacts_of(region: Region, n: int = 1, **over: np.ndarray) -> Contacts:
    """Contacts where everything is alike, but for what is said."""
    given = {
        "ratio": np.ones(region.distance.shape),
        "enhancers": np.ones((n, len(region.enhancers))),
        "promoters": np.ones((n, len(region.promoters))),
        "rivals": np.ones((n, len(region.promoters))),
    }
    return Contacts.of(SETTINGS, region, **(given | over))


def drawn_tables(settings: SimulationSettings, genome: Genome, activities, landscapes) -> list:
    laws = world.draw_laws(np.random.default_rng(2), settings)
    factors = Factors(activities, activities, activities)
    return [table.pairs for table in draw_pairs(settings, laws, genome, factors, landscapes)]


def test_every_enhancer_is_in_one_region_with_all_promoters_in_reach(genome: Genome) -> None:
    found = list(regions_of(SETTINGS, genome))
    assert sorted(np.concatenate([r.enhancers for r in found]).tolist()) == list(range(240))
    for region in found:
        chromosome = genome.enhancers.chromosome[region.enhancers[0]]
        centre = genome.enhancers.start[region.enhancers] + 150
        others = np.flatnonzero(genome.promoters.chromosome == chromosome)
        distance = np.abs(centre[:, None] - genome.promoters.start[others] - 200)
        assert set(others[(distance <= 80_000).any(axis=0)]) <= set(region.promoters)
        for bins in (region.loader_bin, region.promoter_bin, region.site_bin):
            assert ((bins >= 0) & (bins < region.n_bins)).all()


def test_the_regions_that_a_chromosome_is_cut_into_change_nothing(
    genome, activities, landscapes, monkeypatch
) -> None:
    whole = drawn_tables(SETTINGS, genome, activities, landscapes)
    monkeypatch.setattr(regions, "_ENHANCERS_TOGETHER", 7)
    assert len(list(regions_of(SETTINGS, genome))) > 30
    for one, other in zip(whole, drawn_tables(SETTINGS, genome, activities, landscapes), strict=True):
        np.testing.assert_allclose(one["landscape_resistance"], other["landscape_resistance"], rtol=1e-9)


def test_the_truth_keeps_its_parts(genome, activities, landscapes) -> None:
    for pairs in drawn_tables(SETTINGS, genome, activities, landscapes):
        parts = pairs["motif_resistance"] + pairs["landscape_resistance"]
        np.testing.assert_allclose(pairs["environment_resistance"], parts, rtol=1e-12)
        assert (pairs["landscape_resistance"] >= 0).all()
        assert pairs["landscape_resistance"].std() > 0.5


def test_twice_the_strength_is_twice_the_resistance(genome, activities, landscapes) -> None:
    one, two = (
        drawn_tables(SETTINGS.model_copy(update={"landscape_strength": s}), genome, activities, landscapes)
        for s in (1.0, 2.0)
    )
    for single, double in zip(one, two, strict=True):
        np.testing.assert_allclose(2 * single["landscape_resistance"], double["landscape_resistance"])


def test_pairs_have_typical_contacts_at_every_distance(genome, landscapes) -> None:
    typical = typical_contacts(SETTINGS, genome, landscapes.conserved)
    logs, sizes = [], []
    for region in regions_of(SETTINGS, genome):
        even = [
            np.full((1, len(rows)), SETTINGS.active_fraction) for rows in (region.loaders, region.promoters)
        ]
        bound = world.sigmoid(landscapes.conserved.sites[None, region.sites])
        found = contacts_between(region, genome.sites.forward, *even, bound)[0]
        near = region.distance <= SETTINGS.max_distance
        logs.append(np.log(found / typical[region.size])[near])
        sizes.append(region.size[near])
    log, size = np.concatenate(logs), np.concatenate(sizes)
    assert log.mean() == pytest.approx(0.0, abs=0.02)
    assert log.std() > 0.5
    for short in (size < 30, size > 70):
        assert abs(log[short].mean()) < 0.1


def test_bound_sites_between_the_ends_lower_contacts_and_strands_count(genome, landscapes) -> None:
    region = next(regions_of(SETTINGS, genome))
    even = [np.full((1, len(rows)), 0.5) for rows in (region.loaders, region.promoters)]

    def found(bound: np.ndarray, forward: np.ndarray) -> np.ndarray:
        return contacts_between(region, forward, *even, bound[None].astype(float))[0]

    forward = genome.sites.forward
    middle = np.argsort(np.abs(region.site_bin - np.median(region.site_bin)))[0]
    none, one = np.zeros(len(region.sites)), np.arange(len(region.sites)) == middle
    at = region.site_bin[middle]
    e, p = region.loader_bin[region.own, None], region.promoter_bin
    near = region.distance <= SETTINGS.max_distance
    across = near & (np.minimum(e, p) < at - 3) & (np.maximum(e, p) > at + 3)
    beside = near & ((np.maximum(e, p) < at - 3) | (np.minimum(e, p) > at + 3))
    ratio = found(one, forward) / found(none, forward)
    assert across.sum() > 50
    assert (ratio[across] < 1.0).all()
    assert ratio[across].mean() < 0.8
    np.testing.assert_allclose(ratio[beside], 1.0, rtol=1e-9)
    assert not np.allclose(found(one, forward)[near], found(one, ~forward)[near])


def test_active_elements_load_extruders_that_join_what_lies_around_them(genome) -> None:
    region = next(regions_of(SETTINGS, genome))
    quiet = [np.full((1, len(rows)), 0.01) for rows in (region.loaders, region.promoters)]
    bound = np.zeros((1, len(region.sites)))
    before = contacts_between(region, genome.sites.forward, *quiet, bound)[0]
    quiet[0][0, len(region.loaders) // 2] = 20.0
    after = contacts_between(region, genome.sites.forward, *quiet, bound)[0]
    at = region.loader_bin[len(region.loaders) // 2]
    e, p = region.loader_bin[region.own, None], region.promoter_bin
    near = region.distance <= SETTINGS.max_distance
    # Legs step alike, so that most loops grow evenly to both sides.
    around = near & (np.abs(e + p - 2 * at) <= 4) & (np.abs(e - p) > 6)
    beside = near & ((np.maximum(e, p) < at - 3) | (np.minimum(e, p) > at + 3))
    assert around.sum() > 5
    assert (after[around] > 1.02 * before[around]).all()
    np.testing.assert_allclose(after[beside], before[beside], rtol=1e-12)
    assert (after >= before * (1.0 - 1e-12)).all()


def test_an_enhancer_divides_its_contacts_among_the_promoters_in_reach(genome) -> None:
    region = next(regions_of(SETTINGS, genome))
    rng = np.random.default_rng(3)
    activity = np.exp(rng.normal(size=(2, len(region.promoters))))
    ratio = np.exp(rng.normal(size=region.distance.shape))
    contacts = contacts_of(region, 2, ratio=ratio, promoters=activity, rivals=activity)
    for enhancer in (0, len(region.enhancers) // 2):
        reached = np.flatnonzero(region.distance[enhancer] <= SETTINGS.max_distance)
        places = np.stack([np.full(len(reached), enhancer), reached], axis=1)
        np.testing.assert_allclose(contacts.share(places).sum(axis=0), 1.0, rtol=1e-9)


def test_active_rivals_raise_the_resistance_of_a_pair_and_own_activity_lowers_it(genome) -> None:
    region = next(regions_of(SETTINGS, genome))
    enhancer = len(region.enhancers) // 2
    own, rival = np.argsort(region.distance[enhancer])[:2]
    far = int(np.argmax(region.distance[enhancer]))
    assert region.distance[enhancer, far] > SETTINGS.max_distance
    places, even = np.array([[enhancer, own]]), np.ones((1, len(region.promoters)))

    def resists(**over: np.ndarray) -> float:
        return float(contacts_of(region, **over).resistance(places)[0, 0])

    def with_activity(promoter: int, activity: float) -> np.ndarray:
        changed = even.copy()
        changed[0, promoter] = activity
        return changed

    plain = resists()
    assert resists(rivals=with_activity(rival, 10.0)) > plain + 0.1
    assert resists(rivals=with_activity(rival, 0.0)) < plain
    assert resists(rivals=with_activity(far, 1000.0)) == pytest.approx(plain)
    assert resists(rivals=with_activity(own, 10.0)) == pytest.approx(plain)
    # The pair's own activity: it falls ever less.
    alike = np.ones((1, len(region.enhancers)))
    falls = [resists(promoters=with_activity(own, a), enhancers=a * alike) for a in (0.1, 1.0, 10.0)]
    assert falls[0] > falls[1] > falls[2]
    assert falls[0] - falls[1] > falls[1] - falls[2]


def test_fewer_contacts_by_extrusion_mean_more_resistance_that_saturates_where_there_are_many(genome) -> None:
    region = next(regions_of(SETTINGS, genome))
    places = np.array([[5, int(np.argmin(region.distance[5]))]])
    ratio = [np.full(region.distance.shape, r) for r in (0.01, 0.1, 1.0, 10.0, 100.0)]
    found = [contacts_of(region, ratio=r).resistance(places)[0, 0] for r in ratio]
    steps = -np.diff(found)
    assert (steps > 0).all()
    assert (np.diff(steps) < 0).all()


def test_some_contacts_need_no_extrusion(genome) -> None:
    """However often all sites are bound."""
    region = next(regions_of(SETTINGS, genome))
    even = [np.full((1, len(rows)), 0.5) for rows in (region.loaders, region.promoters)]
    bound = np.full((1, len(region.sites)), 1.0)
    found = contacts_between(region, genome.sites.forward, *even, bound)[0]
    least = PASSIVE * free_contacts(regions.N_SIZES, region.bin_size)[region.size]
    assert (found >= least).all()
    assert (found < 1.5 * least).any()


def test_drawn_landscapes_are_those_of_lines_that_nobody_knows(genome, landscapes) -> None:
    """The mean resistance over them is that over many lines without relatives."""
    n = 80
    activities = world.draw_activities(np.random.default_rng(5), SETTINGS, [f"tissue_{i}" for i in range(n)])
    lines = draw_landscapes(SETTINGS, genome, activities, [f"tissue_{i}" for i in range(n)])
    rng = np.random.default_rng(6)
    candidates = []
    for activity in activities:
        chances = [world.sigmoid(world.candidate_logit(SETTINGS, elements.presence, activity))
                   for elements in (genome.enhancers, genome.promoters)]  # fmt: skip
        candidates.append(tuple(rng.random(len(chance)) < chance for chance in chances))
    region = next(regions_of(SETTINGS, genome))
    places = np.argwhere(region.distance <= SETTINGS.max_distance)[::7]
    typical = typical_contacts(SETTINGS, genome, landscapes.conserved)
    of_lines = contacts_in_lines(SETTINGS, genome, region, lines.lines, candidates, typical)
    over_lines = np.mean([own.resistance(places)[:, 0] for own in of_lines], axis=0)
    drawn = world.draw_environments(SETTINGS, genome.enhancers, genome.promoters, 1)
    parts = contacts_in_drawn(SETTINGS, genome, region, landscapes.conserved, drawn, typical, rng)
    found = np.concatenate([part.resistance(places) for part in parts], axis=1)
    assert found.shape == (len(places), world.N_DRAWS_WITH_LANDSCAPE)
    assert np.corrcoef(found.mean(axis=1), over_lines)[0, 1] > 0.97
    assert found.mean() == pytest.approx(over_lines.mean(), rel=0.03)
