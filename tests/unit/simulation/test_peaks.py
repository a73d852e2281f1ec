"""Peak files show the hidden landscape with the faults that they are said to have; sites can be found."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.base import TRACK_KINDS
from cbat.config.sections import SimulationSettings
from cbat.simulation import peaks as simulated
from cbat.simulation import world
from cbat.simulation.genome import Genome, build_genome, write_genome
from cbat.simulation.landscape import Landscape, activity_of, draw_landscapes
from cbat.simulation.motifs import read_motifs
from cbat.simulation.peaks import draw_genes, draw_peaks

SETTINGS = SimulationSettings(
    motifs=["CTCF", "HNF4A"], n_chromosomes=2, n_enhancers=900, n_promoters=500, enhancer_length=300,
    promoter_length=400, gap_length=1500, insulator_rate=0.5, motif_sharpness=50.0,
)  # fmt: skip
EXACT = {"missed_peaks": 0.0, "false_peaks": 0.0, "signal_noise": 0.0}


@pytest.fixture(scope="module")
def genome(tmp_path_factory: pytest.TempPathFactory) -> Genome:
    directory = tmp_path_factory.mktemp("genome")
    built = build_genome(np.random.default_rng(0), SETTINGS, read_motifs(SETTINGS.motifs), directory)
    write_genome(directory / "genome.fa.gz", built)
    return built


@pytest.fixture(scope="module")
def line(genome: Genome) -> Landscape:
    activities = world.draw_activities(np.random.default_rng(1), SETTINGS, ["blood"])
    return draw_landscapes(SETTINGS, genome, activities, ["blood"]).lines[0]


def candidates(genome: Genome) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    return rng.random(900) < 0.5, rng.random(500) < 0.5


def tracks(genome: Genome, line: Landscape, **over: float) -> dict[str, pd.DataFrame]:
    return draw_peaks(SETTINGS.model_copy(update=over), genome, line, candidates(genome), 0)


def test_files_are_sound_narrow_peaks(genome: Genome, line: Landscape) -> None:
    found = tracks(genome, line)
    assert tuple(found) == TRACK_KINDS
    for track in found.values():
        assert track.shape[1] == 10
        assert (track["start"] >= 0).all()
        assert (track["start"] <= track["start"] + track["summit"]).all()
        assert (track["start"] + track["summit"] < track["end"]).all()
        number = track["chrom"].str.removeprefix("chr").astype(int).to_numpy()
        assert (track["end"].to_numpy() <= genome.sizes[number - 1]).all()
        assert (track["signal"] > 0).all()
        assert track["name"].is_unique
        assert (np.lexsort((track["end"], track["start"], number)) == np.arange(len(track))).all()


def test_without_faults_there_is_one_peak_for_each_place_that_is_marked(genome, line) -> None:
    found = tracks(genome, line, **EXACT)
    own = candidates(genome)
    enhancers, promoters = activity_of(line.enhancers, own[0]), activity_of(line.promoters, own[1])
    least = simulated.LEAST_ACTIVITY
    assert len(found["active_promoters"]) == (promoters >= least).sum()
    assert len(found["active_enhancers"]) == (promoters >= least).sum() + (enhancers >= least).sum()
    bound = line.occupancy >= simulated.LEAST_OCCUPANCY
    assert len(found["insulators"]) == bound.sum()
    expected = 10 * np.sort(line.occupancy[bound])
    np.testing.assert_allclose(np.sort(found["insulators"]["signal"]), expected, atol=1e-4)
    # Most candidates have a peak, most other elements have none.
    assert (enhancers[own[0]] >= least).mean() > 0.9
    assert (enhancers[~own[0]] >= least).mean() < 0.5


def test_as_many_peaks_are_missed_as_are_said_to_be(genome, line) -> None:
    whole, some = (tracks(genome, line, **(EXACT | {"missed_peaks": p})) for p in (0.0, 0.3))
    for kind in TRACK_KINDS:
        assert len(some[kind]) / len(whole[kind]) == pytest.approx(0.7, abs=0.07)
    assert all(len(track) == 0 for track in tracks(genome, line, missed_peaks=1.0).values())


def test_false_peaks_lie_anywhere_and_are_weaker(genome, line) -> None:
    """No CTCF site is near most of them."""
    whole, more = (tracks(genome, line, **(EXACT | {"false_peaks": p}))["insulators"] for p in (0.0, 1.0))
    assert len(more) == 2 * len(whole)

    def is_true(track: pd.DataFrame) -> np.ndarray:
        place = 10**9 * track["chrom"].str.removeprefix("chr").astype(int) + track["start"] + track["summit"]
        sites = 10**9 * (genome.sites.chromosome + 1) + genome.sites.centre
        return np.abs(place.to_numpy()[:, None] - sites[None]).min(axis=1) < 100

    assert is_true(whole).all()
    true = is_true(more)
    assert true.mean() == pytest.approx(0.5, abs=0.1)
    assert more["signal"][~true].mean() < 0.6 * more["signal"][true].mean()


def test_signals_follow_the_truth_with_noise(genome, line) -> None:
    exact = tracks(genome, line, **EXACT)["active_promoters"]
    for noise in (0.3, 1.0):
        noisy = tracks(genome, line, **(EXACT | {"signal_noise": noise}))["active_promoters"]
        spread = np.log(noisy["signal"].to_numpy() / exact["signal"].to_numpy()).std()
        assert spread == pytest.approx(noise, rel=0.15)


def test_motifs_of_ctcf_lie_at_their_sites_with_their_strands(genome: Genome) -> None:
    """In gaps and in elements; so the strand of a peak can be read from the genome."""
    with gzip.open(genome.codes[0].parent / "genome.fa.gz", "rt") as handle:
        records = ["".join(record.splitlines()[1:]) for record in handle.read().split(">")[1:]]
    matrix = read_motifs(["CTCF"])[0]
    certain = np.sort(matrix, axis=1)[:, -1] > 1.3 * np.sort(matrix, axis=1)[:, -2]
    consensus, half = matrix.argmax(axis=1), len(matrix) // 2
    sites = genome.sites
    assert sites.outside.sum() > 100
    assert (~sites.outside).sum() > 100
    assert 0.4 < sites.forward.mean() < 0.6
    for chromosome, centre, forward in zip(sites.chromosome, sites.centre, sites.forward, strict=True):
        text = records[chromosome][centre - half : centre - half + len(matrix)]
        codes = np.array(["ACGT".index(base) for base in text])
        read = codes if forward else 3 - codes[::-1]
        assert (read[certain] == consensus[certain]).all()


def test_without_a_landscape_no_site_is_planted_in_a_gap(genome: Genome, tmp_path: Path) -> None:
    plain = SETTINGS.model_copy(update={"landscape_strength": 0.0})
    built = build_genome(np.random.default_rng(0), plain, read_motifs(plain.motifs), tmp_path)
    assert not built.sites.outside.any()
    for name in ("chromosome", "centre", "forward"):
        inside = getattr(genome.sites, name)[~genome.sites.outside]
        np.testing.assert_array_equal(getattr(built.sites, name), inside)


def test_a_genome_whose_elements_carry_no_ctcf_has_sites_between_them(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"motifs": ["HNF4A"]})
    built = build_genome(np.random.default_rng(0), settings, read_motifs(["HNF4A"]), tmp_path)
    assert len(built.sites.centre) > 100
    assert built.sites.outside.all()


def test_genes_start_at_all_promoters_and_at_some_places_that_are_none(genome: Genome) -> None:
    genes = draw_genes(SETTINGS, genome)
    assert len(genes) == 500 + round(500 * simulated.SILENT_GENES)
    assert (genes["end"] - genes["start"] == 1).all()
    assert genes["name"].is_unique
    assert 0.4 < (genes["strand"] == "+").mean() < 0.6
    starts = set(zip(genes["chrom"], genes["start"], strict=True))
    names = [f"chr{number + 1}" for number in genome.promoters.chromosome]
    assert set(zip(names, genome.promoters.start + 200, strict=True)) <= starts
