"""A small world: its truth is exact, its files are ordinary, and its laws are what they are said to be."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from cbat.commands.simulation import simulate_benchmark
from cbat.config.base import TRACK_KINDS
from cbat.config.sections import SimulationSettings
from cbat.data.bed_files import read_bed
from cbat.data.pair_tables import read_pairs
from cbat.errors import UserError
from cbat.files import sha256_of
from cbat.simulation import benchmark, sequence, world
from cbat.simulation import genome as genome_files
from cbat.simulation.factors import Factors
from cbat.simulation.genome import Genome, build_genome, write_genome
from cbat.simulation.motifs import read_motifs
from cbat.simulation.pairs import draw_pairs
from cbat.simulation.sequence import SequenceFile, draw_instances, transition_matrix

MOTIFS = ["CTCF", "GATA1::TAL1", "HNF4A", "CEBPA", "TP63", "NEUROD1"]
SMALL = {
    "motifs": MOTIFS, "n_chromosomes": 3, "n_enhancers": 300, "n_promoters": 200, "enhancer_length": 300,
    "promoter_length": 400, "gap_length": 300, "motif_rate": 0.3, "pairs_per_cell_line": 1500,
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    cell_line: str
    tissue: str
    role: str = "train"


LINES = [Line("blood_1", "blood"), Line("blood_2", "blood"), Line("liver_1", "liver", "unseen")]


@dataclass(frozen=True)
class World:
    directory: Path
    settings: SimulationSettings

    def truth(self, line: str) -> pd.DataFrame:
        return pd.read_parquet(self.directory / "truth" / f"{line}.parquet")

    def pairs(self, line: str) -> pd.DataFrame:
        return read_pairs(self.directory / "raw" / line / "pairs.tsv.gz", "cbat")

    def hashes(self) -> dict[str, str]:
        files = sorted(path for path in self.directory.rglob("*") if path.is_file())
        return {str(path.relative_to(self.directory)): sha256_of(path) for path in files}


@pytest.fixture(scope="module")
def simulate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., World]:
    known: dict[str, World] = {}

    def run(**over) -> World:
        settings = SimulationSettings(**(SMALL | over))
        key = settings.model_dump_json()
        if key not in known:
            directory = tmp_path_factory.mktemp("world") / "simulation"
            benchmark.run(settings=settings, lines=LINES, directory=directory)
            known[key] = World(directory, settings)
        return known[key]

    return run


def balanced_aupr(label: np.ndarray, score: np.ndarray) -> float:
    return float(
        average_precision_score(
            label, score, sample_weight=np.where(label, 1 / label.mean(), 1 / (1 - label.mean()))
        )
    )


@pytest.mark.parametrize("kind", ["additive", "cooperative", "uninformative"])
def test_the_truth_is_the_law(simulate, kind: str) -> None:
    """P = sigmoid((U - R) / T) to the last digit, R >= 0, and labels that follow P."""
    built = simulate(world=kind, temperature=0.7)
    deviations = []
    for line in LINES:
        truth, label = built.truth(line.cell_line), built.pairs(line.cell_line)["label"].to_numpy()
        energy = truth["intrinsic_potential"] - truth["environment_resistance"]
        np.testing.assert_allclose(
            truth["probability"], 1 / (1 + np.exp(-energy / 0.7)), rtol=1e-9, atol=1e-12
        )
        assert (truth["environment_resistance"] >= 0).all()
        assert truth["environment_resistance"].std() > 0.1
        order = np.argsort(truth["probability"].to_numpy())
        for part in np.array_split(order, 10):
            p = truth["probability"].to_numpy()[part]
            if (variance := (p * (1 - p)).sum()) > 5.0:  # or one rare label is many standard deviations
                deviations.append((label[part].sum() - p.sum()) / np.sqrt(variance))
    assert len(deviations) >= 10
    assert np.mean(np.square(deviations)) == pytest.approx(1.0, abs=0.6)  # a chi-square over its degrees


@pytest.mark.parametrize(
    ("kind", "digest", "means"),
    [
        ("additive", "3fc7f4c0d0fe3ce0", (0.405610709, 0.420568523, 3.655723804, 4.315571914)),
        ("cooperative", "33b5266b6db2df4e", (0.403975311, 0.502552719, 2.574391588, 4.602686488)),
    ],
)
def test_without_a_landscape_worlds_are_those_of_earlier_versions(
    simulate, kind: str, digest: str, means: tuple[float, ...]
) -> None:
    built = simulate(world=kind, landscape_strength=0.0)
    found = hashlib.sha256()
    for path in sorted(built.directory.rglob("*.gz")):
        if path.name != "genes.bed.gz" and not path.name.endswith(".narrowPeak.gz"):
            found.update(gzip.decompress(path.read_bytes()))
    assert found.hexdigest().startswith(digest)
    truth = built.truth("blood_1")
    names = ["probability", "invariant_probability", "intrinsic_potential", "environment_resistance"]
    assert list(truth.columns) == ["enhancer_id", "promoter_id", *names]
    np.testing.assert_allclose(truth[names].mean(), means, rtol=1e-7)


def test_a_landscape_changes_who_is_in_contact_and_not_who_is_a_candidate(simulate) -> None:
    plain, built = simulate(landscape_strength=0.0), simulate()
    for line in LINES:
        one, other = plain.pairs(line.cell_line), built.pairs(line.cell_line)
        pd.testing.assert_frame_equal(one.drop(columns="label"), other.drop(columns="label"))
        assert (one["label"] != other["label"]).mean() > 0.1
        truth, before = built.truth(line.cell_line), plain.truth(line.cell_line)
        np.testing.assert_allclose(truth["motif_resistance"], before["environment_resistance"], rtol=1e-9)
        total = truth["motif_resistance"] + truth["landscape_resistance"]
        np.testing.assert_allclose(truth["environment_resistance"], total, rtol=1e-12)


def test_both_parts_of_the_resistance_tell_who_is_in_contact(simulate) -> None:
    built = simulate()
    label = np.concatenate([built.pairs(line.cell_line)["label"] for line in LINES])
    truth = pd.concat([built.truth(line.cell_line) for line in LINES])
    potential = truth["intrinsic_potential"]
    whole = balanced_aupr(label, truth["probability"].to_numpy())
    for part in ("motif_resistance", "landscape_resistance"):
        alone = balanced_aupr(label, (potential - truth[part]).to_numpy())
        assert balanced_aupr(label, potential.to_numpy()) + 0.02 < alone < whole - 0.02


def test_the_contact_rate_is_the_one_asked_for(simulate) -> None:
    built = simulate()
    rate = np.mean([built.truth(line.cell_line)["probability"].mean() for line in LINES])
    assert rate == pytest.approx(0.4, abs=0.005)


@pytest.mark.parametrize("kind", ["additive", "cooperative"])
def test_contact_rates_of_lines_differ_the_more_the_larger_the_level_share(
    monkeypatch, tmp_path: Path, kind: str
) -> None:
    monkeypatch.setattr(world, "N_ENVIRONMENT_DRAWS", 2)  # of a column that is not looked at
    spread = {}
    for share in (0.0, 1.0):
        over = {"world": kind, "pairs_per_cell_line": 1000, "level_share": share}
        settings = SimulationSettings(**(SMALL | over))
        laws = world.draw_laws(np.random.default_rng(1), settings)
        activities = world.draw_activities(np.random.default_rng(2), settings, list("aabbccddeeffgghh"))
        genome = build_genome(np.random.default_rng(3), settings, read_motifs(MOTIFS), tmp_path)
        tables = draw_pairs(settings, laws, genome, Factors(activities, activities, activities))
        rate = np.array([table.pairs["probability"].mean() for table in tables])
        assert rate.mean() == pytest.approx(settings.contact_rate, abs=0.005)
        spread[share] = rate.std()
    # Candidates hold the motifs of active factors, so some spread is left at 0.
    assert spread[0.0] < 0.8 * spread[1.0]
    assert spread[0.0] < 0.12


def random_elements(rng: np.random.Generator, n: int) -> world.Elements:
    place = np.zeros(n, dtype=np.int64)
    return world.Elements(rng.random((n, 6)) < 0.3, rng.random((n, 6)) < 0.5, place, place)


def test_without_a_level_share_the_same_pairs_are_in_contact_as_often_in_every_environment() -> None:
    """Where candidates are no choice of the environment's, nothing else moves the rate of a line."""
    rng = np.random.default_rng(0)
    enhancers, promoters = random_elements(rng, 400), random_elements(rng, 400)
    pairs, activity = rng.integers(0, 400, (4000, 2)), rng.normal(size=(6, 12))
    spread = {}
    for share in (0.0, 0.5, 1.0):
        settings = SimulationSettings(**(SMALL | {"level_share": share}))
        laws = world.draw_laws(np.random.default_rng(1), settings)
        energy = -world.environment_resistance(settings, laws, enhancers, promoters, pairs, activity)
        energy += world.contact_intercept(settings, energy)
        spread[share] = world.sigmoid(energy / settings.temperature).mean(axis=0).std()
    assert spread[0.0] < spread[0.5] < spread[1.0]
    assert spread[0.0] < 0.3 * spread[1.0]


def test_the_level_share_moves_all_pairs_of_an_environment_alike() -> None:
    rng = np.random.default_rng(0)
    elements = random_elements(rng, 50)
    pairs, activity = rng.integers(0, 50, (300, 2)), rng.normal(size=(6, 4))
    relief = []
    for share in (0.0, 1.0):
        settings = SimulationSettings(**(SMALL | {"level_share": share}))
        laws = world.draw_laws(np.random.default_rng(1), settings)
        resistance = world.environment_resistance(settings, laws, elements, elements, pairs, activity)
        relief.append(laws.resistance_offset - np.log(np.expm1(resistance)))
    level = settings.motif_rate * (laws.resistance_enhancer + laws.resistance_promoter) @ activity
    np.testing.assert_allclose(relief[1] - relief[0], np.tile(level, (300, 1)), rtol=1e-6, atol=1e-9)


def test_knowing_the_environment_is_worth_something(simulate) -> None:
    built = simulate()
    label = np.concatenate([built.pairs(line.cell_line)["label"] for line in LINES])
    truth = pd.concat([built.truth(line.cell_line) for line in LINES])
    oracle, invariant = (
        balanced_aupr(label, truth[name].to_numpy()) for name in ("probability", "invariant_probability")
    )
    assert oracle > invariant + 0.03
    assert invariant > 0.55


def test_the_invariant_oracle_depends_on_the_pair_alone(simulate) -> None:
    built = simulate()
    key = ["enhancer_id", "promoter_id"]
    one, other = (built.truth(name).set_index(key) for name in ("blood_1", "liver_1"))
    shared = one.index.intersection(other.index)
    assert len(shared) > 100
    one, other = one.loc[shared], other.loc[shared]
    np.testing.assert_allclose(one["invariant_probability"], other["invariant_probability"], rtol=1e-12)
    assert np.abs(one["probability"] - other["probability"]).max() > 0.1


@pytest.mark.parametrize(("kind", "informative"), [("additive", True), ("uninformative", False)])
def test_candidates_follow_activities_only_where_the_support_is_to_tell_something(kind, informative) -> None:
    settings = SimulationSettings(**(SMALL | {"world": kind}))
    presence = np.random.default_rng(0).random((4000, len(MOTIFS))) < 0.3
    activity = np.array([2.0, -2.0, 1.0, 0.0, 0.0, 0.0])
    chance = world.sigmoid(world.candidate_logit(settings, presence, activity))
    assert chance.mean() == pytest.approx(settings.active_fraction, abs=1e-6)
    effect = [chance[presence[:, k]].mean() - chance[~presence[:, k]].mean() for k in range(4)]
    if informative:
        assert effect[0] > 0.2
        assert effect[1] < -0.2
        assert 0.05 < effect[2] < effect[0]
    assert np.abs(effect[3]) < 0.05 if informative else np.ptp(chance) == 0


def test_a_cooperative_resistance_is_no_sum_over_the_two_elements() -> None:
    """Two motifs that lower the resistance together do nothing each by itself."""
    settings = SimulationSettings(**(SMALL | {"world": "cooperative"}))
    laws = world.draw_laws(np.random.default_rng(1), settings)
    left, right = laws.resistance_pairs[0]
    place = np.zeros(2, dtype=np.int64)

    def elements(motif: int) -> world.Elements:
        presence = np.zeros((2, len(MOTIFS)), dtype=bool)
        presence[1, motif] = True
        return world.Elements(presence, presence, place, place)

    pairs = np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    resistance = world.environment_resistance(
        settings, laws, elements(left), elements(right), pairs, np.ones((len(MOTIFS), 1))
    )[:, 0]
    assert resistance[0] == pytest.approx(resistance[1]) == pytest.approx(resistance[2])
    assert resistance[3] < resistance[0] - 0.5


def test_lines_of_one_tissue_are_as_alike_as_they_are_said_to_be() -> None:
    settings = SimulationSettings(motifs=[f"M{i}" for i in range(4000)], tissue_correlation=0.6)
    tissues = ["blood", "blood", "liver"]
    activity = world.draw_activities(np.random.default_rng(3), settings, tissues)
    correlation = np.corrcoef(activity)
    assert correlation[0, 1] == pytest.approx(0.6, abs=0.04)
    assert correlation[0, 2] == pytest.approx(0.0, abs=0.05)
    assert activity.std(axis=1) == pytest.approx(np.ones(3), abs=0.04)


def test_convergent_ctcf_sites_raise_the_potential() -> None:
    settings = SimulationSettings(**SMALL)
    laws = world.draw_laws(np.random.default_rng(1), settings)
    place, presence = np.zeros(2, dtype=np.int64), np.zeros((2, len(MOTIFS)), dtype=bool)
    presence[:, 0] = True
    forward = np.zeros_like(presence)
    forward[0, 0] = True  # element 0 forward, element 1 reverse
    elements = world.Elements(presence, forward, place, place)
    pairs = np.array([[0, 1], [0, 1], [1, 0], [0, 0]])
    upstream = np.array([1.0, -1.0, 1.0, 1.0])
    potential = world.intrinsic_potential(laws, elements, elements, pairs, np.full(4, 5e4), upstream)
    assert potential[0] == pytest.approx(potential[1] + laws.convergence)
    assert potential[1] == pytest.approx(potential[2]) == pytest.approx(potential[3])


def test_planted_instances_are_where_and_how_they_are_said_to_be(tmp_path: Path) -> None:
    matrices = read_motifs(["CTCF", "HNF4A"])
    rng = np.random.default_rng(5)
    drawn = SequenceFile.draw(rng, tmp_path / "drawn", np.full(40, 0.45), np.full(40, 300))
    codes = drawn.read(0, 40)[:, :300]
    presence = rng.random((40, 2)) < 0.5
    forward = rng.random((40, 2)) < 0.5
    before = codes.copy()
    instances = draw_instances(rng, 300, presence, forward, matrices, sharpness=50.0)
    for first, last in ((0, 17), (17, 18), (18, 40)):
        for motif in instances:
            motif.plant(codes[first:last], first)
    assert (codes[~presence.any(axis=1)] == before[~presence.any(axis=1)]).all()
    for k, matrix in enumerate(matrices):
        consensus = matrix.argmax(axis=1).astype(np.uint8)
        # At such a sharpness only the best bases are drawn; ties may fall either way.
        certain = np.sort(matrix, axis=1)[:, -1] > 1.3 * np.sort(matrix, axis=1)[:, -2]
        for n in np.flatnonzero(presence[:, k]):
            sequence = codes[n] if forward[n, k] else 3 - codes[n][::-1]
            windows = np.lib.stride_tricks.sliding_window_view(sequence, len(consensus))
            assert (windows[:, certain] == consensus[certain]).all(axis=1).any()


def test_background_has_the_composition_asked_for_and_few_cpg(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    drawn = SequenceFile.draw(rng, tmp_path / "drawn", np.full(200, 0.42), np.full(200, 1000))
    codes = drawn.read(0, 200)[:, :1000]
    c, g = (codes == 1).mean(), (codes == 2).mean()
    cpg = ((codes[:, :-1] == 1) & (codes[:, 1:] == 2)).mean()
    assert 0.1 < cpg / (c * g) < 0.5
    assert 0.36 < c + g < 0.44
    assert transition_matrix(0.42).sum(axis=1) == pytest.approx(np.ones(4))


def test_sequences_are_read_as_they_were_drawn_whatever_their_lengths(tmp_path: Path) -> None:
    gc_content = np.linspace(0.3, 0.6, 30)
    lengths = np.random.default_rng(1).integers(1, 200, 30)
    long = SequenceFile.draw(np.random.default_rng(2), tmp_path / "long", gc_content, np.full(30, 200))
    drawn = SequenceFile.draw(
        np.random.default_rng(2), tmp_path / "drawn", gc_content, np.append(lengths[:-1], 200)
    )
    whole = long.read(0, 30)
    assert {0, 1, 2, 3} == set(whole[:, :200].ravel().tolist())
    for first, last in ((0, 30), (0, 1), (7, 8), (5, 29), (29, 30), (3, 3)):
        codes = drawn.read(first, last)
        assert len(codes) == last - first
        for row, length in zip(range(first, last), drawn.length[first:last], strict=True):
            assert (codes[row - first, :length] == whole[row, :length]).all()


def test_chromosomes_hold_their_elements_where_they_are_said_to_be(tmp_path: Path) -> None:
    settings = SimulationSettings(**SMALL)
    genome = build_genome(np.random.default_rng(0), settings, read_motifs(MOTIFS), tmp_path)
    chromosomes = whole_chromosomes(genome)
    assert len(chromosomes) == 3
    for elements, path, length in zip(
        (genome.enhancers, genome.promoters), genome.codes, (300, 400), strict=True
    ):
        for codes, chromosome, start in zip(np.load(path), elements.chromosome, elements.start, strict=True):
            assert (chromosomes[chromosome][start : start + length] == codes).all()
    for chromosome, last in zip(chromosomes, genome.first[1:] - 1, strict=True):
        assert (chromosome[-200:] == genome.gaps.read(last, last + 1)[0, :200]).all()


def test_a_genome_is_the_same_in_pieces_of_any_size(tmp_path: Path, monkeypatch) -> None:
    settings, written = SimulationSettings(**SMALL), []
    for name, size in (("whole", 10_000), ("parts", 7)):
        monkeypatch.setattr(genome_files, "_ELEMENTS_TOGETHER", size)
        monkeypatch.setattr(sequence, "_ROWS_TOGETHER", size)
        directory = tmp_path / name
        directory.mkdir()
        built = build_genome(np.random.default_rng(0), settings, read_motifs(MOTIFS), directory)
        write_genome(directory / "genome.fa.gz", built)
        written.append([sha256_of(path) for path in (directory / "genome.fa.gz", *built.codes)])
    assert written[0] == written[1]
    with gzip.open(tmp_path / "parts" / "genome.fa.gz", "rt") as handle:
        records = handle.read().split(">")[1:]
    for number, (record, codes) in enumerate(zip(records, whole_chromosomes(built), strict=True)):
        name, *lines = record.splitlines()
        assert name == f"chr{number + 1}"
        assert "".join(lines) == "".join("ACGT"[base] for base in codes)
        assert {len(line) for line in lines[:-1]} == {80}


def test_elements_hold_the_motifs_that_they_are_said_to_hold(tmp_path: Path) -> None:
    """Sharp instances of one motif, in elements of several pieces."""
    settings = SimulationSettings(**(SMALL | {"motifs": ["CTCF"], "motif_sharpness": 50.0}))
    matrices = read_motifs(["CTCF"])
    genome = build_genome(np.random.default_rng(0), settings, matrices, tmp_path)
    certain = np.sort(matrices[0], axis=1)[:, -1] > 1.3 * np.sort(matrices[0], axis=1)[:, -2]
    consensus = matrices[0].argmax(axis=1)
    for elements, path in zip((genome.enhancers, genome.promoters), genome.codes, strict=True):
        codes = np.load(path)
        read = np.where(elements.forward, codes, 3 - codes[:, ::-1])
        windows = np.lib.stride_tricks.sliding_window_view(read, len(consensus), axis=1)
        holds = (windows[..., certain] == consensus[certain]).all(axis=2).any(axis=1)
        np.testing.assert_array_equal(holds, elements.presence[:, 0])


def whole_chromosomes(genome: Genome) -> list[np.ndarray]:
    return [np.concatenate([*genome.pieces(number)]) for number in range(len(genome.first) - 1)]


def test_files_are_those_that_a_user_would_bring(simulate) -> None:
    built = simulate()
    with gzip.open(built.directory / "genome.fa.gz", "rt") as handle:
        names = [line[1:].strip() for line in handle if line.startswith(">")]
    assert names == ["chr1", "chr2", "chr3"]
    for line in LINES:
        pairs = built.pairs(line.cell_line)
        assert len(pairs) == 1500
        for role, length in (("enhancer", 300), ("promoter", 400)):
            bed = read_bed(built.directory / "raw" / line.cell_line / f"{role}s.bed.gz", stranded=False)
            assert (bed["end"] - bed["start"] == length).all()
            listed = set(zip(bed["chrom"], bed["start"], strict=True))
            assert set(zip(pairs[f"{role}_chrom"], pairs[f"{role}_start"], strict=True)) <= listed
        for kind in TRACK_KINDS:
            path = built.directory / "raw" / line.cell_line / f"{kind}.narrowPeak.gz"
            track = pd.read_csv(path, sep="\t", header=None)
            assert track.shape[1] == 10
            assert len(track) > 30
            assert set(track[0]) == {"chr1", "chr2", "chr3"}
        truth = built.truth(line.cell_line)
        names = (
            pairs["enhancer_chrom"]
            + ":"
            + pairs["enhancer_start"].astype(str)
            + "-"
            + pairs["enhancer_end"].astype(str)
        )
        assert (truth["enhancer_id"] == names).all()


def test_elements_do_not_overlap(tmp_path: Path) -> None:
    settings = SimulationSettings(**SMALL)
    genome = build_genome(np.random.default_rng(0), settings, read_motifs(MOTIFS), tmp_path)
    spans = []
    for elements, length in ((genome.enhancers, 300), (genome.promoters, 400)):
        spans.append(np.stack([elements.chromosome, elements.start, elements.start + length], axis=1))
    table = np.concatenate(spans)
    table = table[np.lexsort((table[:, 1], table[:, 0]))]
    same = table[1:, 0] == table[:-1, 0]
    assert (table[1:, 1] >= table[:-1, 2])[same].all()
    sizes = [len(codes) for codes in whole_chromosomes(genome)]
    assert all(end <= sizes[chromosome] for chromosome, _, end in table)


def test_the_seed_decides_everything(simulate, tmp_path: Path) -> None:
    built = simulate()
    benchmark.run(settings=built.settings, lines=LINES, directory=tmp_path / "again")
    assert World(tmp_path / "again", built.settings).hashes() == built.hashes()
    other = simulate(seed=2).hashes()
    assert set(other) == set(built.hashes())
    assert other["genome.fa.gz"] != built.hashes()["genome.fa.gz"]


def test_a_sheet_with_no_line_to_simulate_is_told(tmp_path: Path) -> None:
    sheet = Path(__file__).resolve().parents[3] / "config" / "cell_lines.tsv"
    with pytest.raises(UserError, match="no cell line has its files under") as caught:
        simulate_benchmark(settings=SimulationSettings(**SMALL), cell_lines=sheet, directory=tmp_path / "out")
    assert caught.value.file == sheet
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("over", "message"),
    [
        ({"pairs_per_cell_line": 10**6}, "simulation.pairs_per_cell_line"),
        ({"motifs": ["CTCF", "CTCF"]}, "a motif is named twice"),
        ({"motifs": ["NO_SUCH_FACTOR"]}, "no vertebrate motif named 'NO_SUCH_FACTOR'"),
        ({"enhancer_length": 30}, "simulation.enhancer_length"),
        ({"n_chromosomes": 501}, "500 elements do not reach all of 501 chromosomes"),
    ],
)
def test_settings_that_make_no_world_are_told(tmp_path: Path, over, message: str) -> None:
    with pytest.raises(UserError, match=message):
        benchmark.run(settings=SimulationSettings(**(SMALL | over)), lines=LINES, directory=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_softplus_is_that_of_numpy_and_safe_at_either_end() -> None:
    x = np.concatenate([np.linspace(-40.0, 40.0, 401), [-1e9, 1e9]])
    np.testing.assert_allclose(world.softplus(x), np.logaddexp(0.0, x), rtol=1e-12, atol=1e-15)
