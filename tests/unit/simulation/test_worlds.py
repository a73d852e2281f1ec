"""Worlds that do not copy the model: each option does what it says, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from cbat.config.load import load_section
from cbat.config.sections import SimulationSettings
from cbat.data.bed_files import read_bed
from cbat.data.pair_tables import read_pairs
from cbat.errors import UserError
from cbat.simulation import benchmark, observer, world
from cbat.simulation.factors import draw_factors
from cbat.simulation.observer import COLUMNS

MOTIFS = ["CTCF", "GATA1::TAL1", "HNF4A", "CEBPA", "TP63", "NEUROD1"]
SMALL = {
    "motifs": MOTIFS, "n_chromosomes": 2, "n_enhancers": 400, "n_promoters": 250, "enhancer_length": 300,
    "promoter_length": 400, "gap_length": 300, "motif_rate": 0.3, "pairs_per_cell_line": 1500,
    "landscape_strength": 0.0,
}  # fmt: skip
MANY = [f"factor_{i}" for i in range(3000)]


@dataclass(frozen=True)
class Line:
    cell_line: str
    tissue: str
    role: str


LINES = [
    Line(f"{tissue}_{number}", tissue, role)
    for tissue in ("blood", "liver")
    for number, role in ((1, "train"), (2, "train"), (3, "unseen"))
]


@dataclass(frozen=True)
class World:
    directory: Path

    def truth(self, line: str) -> pd.DataFrame:
        return pd.read_parquet(self.directory / "truth" / f"{line}.parquet")

    def pairs(self, line: str) -> pd.DataFrame:
        return read_pairs(self.directory / "raw" / line / "pairs.tsv.gz", "cbat")

    def listed(self, line: str, role: str) -> set[str]:
        bed = read_bed(self.directory / "raw" / line / f"{role}s.bed.gz", stranded=False)
        return {f"{chrom}:{start}-{end}" for chrom, start, end in bed[["chrom", "start", "end"]].to_numpy()}

    def aupr(self, column: str) -> float:
        """Balanced AUPR of a column of the truth, mean over the unseen lines."""
        values = []
        for line in LINES:
            if line.role == "unseen":
                label = self.pairs(line.cell_line)["label"].to_numpy()
                weight = np.where(label, 1 / label.mean(), 1 / (1 - label.mean()))
                score = self.truth(line.cell_line)[column].to_numpy()
                values.append(average_precision_score(label, score, sample_weight=weight))
        return float(np.mean(values))


@pytest.fixture(scope="module")
def few_draws() -> Iterator[None]:
    """Averages over fewer draws, which take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(world, "N_ENVIRONMENT_DRAWS", 60)
        patch.setattr(observer, "N_MOTIF_DRAWS", 15)
        yield


@pytest.fixture(scope="module")
def simulate(tmp_path_factory: pytest.TempPathFactory, few_draws: None) -> Callable[..., World]:
    known: dict[str, World] = {}

    def run(**over) -> World:
        settings = SimulationSettings(**(SMALL | over))
        key = settings.model_dump_json()
        if key not in known:
            directory = tmp_path_factory.mktemp("world") / "simulation"
            benchmark.run(settings=settings, lines=LINES, directory=directory)
            known[key] = World(directory)
        return known[key]

    return run


@pytest.mark.parametrize("correlation", [1.0, 0.5, 0.0])
def test_contacts_follow_activities_that_correlate_as_asked_with_those_of_candidates(correlation) -> None:
    settings = SimulationSettings(motifs=MANY, contact_correlation=correlation, tissue_correlation=0.6)
    factors = draw_factors(settings, LINES)
    for candidacy, contact in zip(factors.candidacy, factors.contact, strict=True):
        assert np.corrcoef(candidacy, contact)[0, 1] == pytest.approx(correlation, abs=0.05)
        assert contact.std() == pytest.approx(1.0, abs=0.05)
    # Relatives resemble each other in what decides contacts as they do in what decides candidates.
    assert np.corrcoef(factors.contact)[0, 1] == pytest.approx(0.6, abs=0.05)
    assert np.corrcoef(factors.contact)[0, 3] == pytest.approx(0.0, abs=0.06)


def test_resistance_follows_the_activity_of_contacts(simulate) -> None:
    built = simulate(contact_correlation=0.5)
    for name, other in (("activities", False), ("contact_activities", True)):
        table = pd.read_csv(built.directory / "truth" / f"{name}.tsv", sep="\t", index_col="motif")
        plain = simulate().directory / "truth" / f"{name}.tsv"
        assert plain.exists() != other
        assert list(table.columns) == [line.cell_line for line in LINES]
    one, both = simulate().truth("liver_3"), built.truth("liver_3")
    assert (one["enhancer_id"] == both["enhancer_id"]).all(), "candidates are the same"
    assert np.corrcoef(one["environment_resistance"], both["environment_resistance"])[0, 1] < 0.97


def test_some_factors_repress() -> None:
    plain = SimulationSettings(motifs=["CTCF", *MANY[:100]])
    mixed = plain.model_copy(update={"repressor_share": 0.3})
    one, other = (world.draw_laws(np.random.default_rng(1), settings) for settings in (plain, mixed))
    assert (one.resistance_enhancer[1:] > 0).all()
    assert (other.resistance_enhancer[1:] < 0).mean() == pytest.approx(0.3)
    assert (other.resistance_enhancer[0], other.resistance_promoter[0]) == (0.0, 0.0)
    for name in ("resistance_enhancer", "resistance_promoter"):
        np.testing.assert_array_equal(np.abs(getattr(one, name)), np.abs(getattr(other, name)))
    assert (np.sign(other.resistance_enhancer) == np.sign(other.resistance_promoter)).all()


def test_a_repressor_raises_the_resistance_where_it_is_active() -> None:
    settings = SimulationSettings(motifs=["CTCF", "one"], repressor_share=1.0)
    laws = world.draw_laws(np.random.default_rng(1), settings)
    presence, place = np.array([[False, False], [False, True]]), np.zeros(2, dtype=np.int64)
    elements = world.Elements(presence, presence, place, place)
    pairs = np.array([[0, 0], [1, 1]])
    activity = np.array([[0.0, 0.0], [-1.0, 1.0]])
    low, high = world.environment_resistance(settings, laws, elements, elements, pairs, activity).T
    assert high[1] - high[0] > 0.5
    assert low[1] - low[0] < -0.5


def test_contacts_are_as_rare_as_asked_and_levels_of_lines_differ(simulate) -> None:
    built, level = simulate(contact_rate=0.02, level_spread=0.7), simulate(contact_rate=0.02)
    rates = [built.truth(line.cell_line)["probability"].mean() for line in LINES]
    assert np.mean(rates) == pytest.approx(0.02, abs=0.001)
    labels = np.concatenate([built.pairs(line.cell_line)["label"] for line in LINES])
    assert labels.mean() == pytest.approx(0.02, abs=4 * np.sqrt(0.02 / len(labels)))
    assert max(rates) > 2.5 * min(rates)
    # The level moves all pairs of a line alike, so that their order is what it was.
    for line in LINES:
        one, other = (world.truth(line.cell_line)["intrinsic_potential"] for world in (built, level))
        assert (one - other).std() == pytest.approx(0.0, abs=1e-9)


def test_new_factors_are_active_in_unseen_lines_alone() -> None:
    settings = SimulationSettings(new_factors=4)
    plain = draw_factors(settings.model_copy(update={"new_factors": 0}), LINES)
    factors = draw_factors(settings, LINES)
    new = world.new_factors(settings)
    assert len(new) == 4
    assert settings.motifs.index("CTCF") not in new
    old = np.setdiff1d(np.arange(len(settings.motifs)), new)
    for index, line in enumerate(LINES):
        for table in (factors.candidacy, factors.contact):
            if line.role == "unseen":
                assert (table[index, new] >= 1.0).all()
            else:
                assert (table[index, new] == 0.0).all()
        np.testing.assert_array_equal(factors.candidacy[index, old], plain.candidacy[index, old])


def test_a_new_factor_makes_candidates_of_its_elements_in_unseen_lines_alone(simulate) -> None:
    settings = SimulationSettings(**SMALL, new_factors=2)
    factors, new = draw_factors(settings, LINES), world.new_factors(settings)
    presence = np.random.default_rng(0).random((20_000, len(MOTIFS))) < 0.3
    for index, line in enumerate(LINES):
        chance = world.sigmoid(world.candidate_logit(settings, presence, factors.candidacy[index]))
        effect = [chance[presence[:, k]].mean() - chance[~presence[:, k]].mean() for k in new]
        if line.role == "unseen":
            assert min(effect) > 0.1
        else:
            assert np.abs(effect).max() < 0.03


@pytest.mark.parametrize("role", ["enhancer", "promoter"])
def test_lists_of_candidates_are_as_wrong_as_asked(simulate, role: str) -> None:
    clean, built = simulate(), simulate(false_candidates=0.3, missed_candidates=0.3)
    n_true = n_listed = n_false = n_missed = 0
    for line in LINES:
        true, listed = clean.listed(line.cell_line, role), built.listed(line.cell_line, role)
        n_true, n_listed = n_true + len(true), n_listed + len(listed)
        n_false, n_missed = n_false + len(listed - true), n_missed + len(true - listed)
        pd.testing.assert_frame_equal(clean.pairs(line.cell_line), built.pairs(line.cell_line))
        pd.testing.assert_frame_equal(clean.truth(line.cell_line), built.truth(line.cell_line))
    assert n_missed / n_true == pytest.approx(0.3, abs=0.05)
    assert n_false / n_listed == pytest.approx(0.3, abs=0.01)


def test_peaks_follow_the_truth_where_lists_do_not(simulate) -> None:
    clean, built = simulate(), simulate(false_candidates=0.3, missed_candidates=0.3)
    for kind in ("active_enhancers", "insulators"):
        one, other = (
            (world.directory / "raw" / "blood_1" / f"{kind}.narrowPeak.gz").read_bytes()
            for world in (clean, built)
        )
        assert one == other


@pytest.mark.parametrize(
    "over",
    [
        {},
        {"contact_correlation": 0.5, "repressor_share": 0.4},
        {"false_candidates": 0.3, "missed_candidates": 0.3},
        {"world": "cooperative"},
    ],
    ids=str,
)
def test_what_is_attainable_lies_between_the_pair_alone_and_the_oracle(simulate, over) -> None:
    built = simulate(observer_support=100, **over)
    some, everything = map(built.aupr, COLUMNS)
    assert built.aupr("invariant_probability") - 0.02 < some < built.aupr("probability") - 0.01
    assert some - 0.01 < everything < built.aupr("probability")


def test_an_observer_sees_more_in_more_elements_and_in_clean_lists(simulate) -> None:
    few, many = simulate(observer_support=5), simulate(observer_support=200)
    assert many.aupr(COLUMNS[0]) > few.aupr(COLUMNS[0]) + 0.01
    assert few.aupr(COLUMNS[1]) == pytest.approx(many.aupr(COLUMNS[1]), abs=0.01)
    wrong = simulate(observer_support=200, false_candidates=0.4, missed_candidates=0.4)
    assert wrong.aupr(COLUMNS[1]) < many.aupr(COLUMNS[1])


def test_an_observer_changes_no_file_but_the_truth(simulate) -> None:
    plain, built = simulate(), simulate(observer_support=100)
    for path in sorted(plain.directory.rglob("*.gz")):
        assert path.read_bytes() == (built.directory / path.relative_to(plain.directory)).read_bytes()
    for line in LINES:
        one, other = plain.truth(line.cell_line), built.truth(line.cell_line)
        pd.testing.assert_frame_equal(one, other.drop(columns=[*COLUMNS]))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("contact_correlation: 1.5", "contact_correlation"),
        ("repressor_share: -0.1", "repressor_share"),
        ("level_spread: -1", "level_spread"),
        ("new_factors: -1", "new_factors"),
        ("false_candidates: 1.0", "false_candidates"),
        ("missed_candidates: 1.0", "missed_candidates"),
        ("background: human", "background"),
        ("observer_support: 0", "observer_support"),
        ("repressors: 0.3", "repressors"),
    ],
)
def test_values_that_mean_nothing_are_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "simulation.yaml"
    path.write_text(f"seed: 1\n{text}\n")
    with pytest.raises(UserError, match=message):
        load_section(SimulationSettings, path)


@pytest.mark.parametrize(
    ("over", "lines", "message"),
    [
        ({"new_factors": 6}, LINES, "6 new factors are requested, but 5 motifs are named besides CTCF"),
        ({"new_factors": 1}, LINES[:2], "new factors are active in unseen lines alone"),
        ({"new_factors": 1}, LINES[2:3], "the simulated lines are all unseen"),
        ({"false_candidates": 0.8}, LINES, "false candidates are requested in a cell line, which has"),
    ],
)
def test_options_that_do_not_fit_the_world_are_told(tmp_path: Path, over, lines, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        benchmark.run(settings=SimulationSettings(**(SMALL | over)), lines=lines, directory=tmp_path / "out")
    assert str(caught.value.where).startswith("simulation.")
    assert not (tmp_path / "out").exists()
