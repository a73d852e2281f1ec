"""Lines are told apart by what differs between them, more surely by larger sets, and by nothing else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.config.sections import EvaluationSettings, ReadoutSettings
from cbat.data.motif_files import Motif
from cbat.data.sequences import write_codes
from cbat.evaluation.candidate_features import Candidates
from cbat.evaluation.identification import COLUMNS, Discriminant, deviating_motifs, draw, identify, run
from cbat.model.bundle import save_encoder
from cbat.model.known_motifs import known_motif_encoder

SETTINGS = EvaluationSettings(support_sizes=[0, 4, 64], headline_support=64, n_bootstrap=20)
NAMES = ["A", "B", "C"]


def candidates(shift: float, n: int = 1500, n_features: int = 6, seed: int = 0) -> Candidates:
    """Three lines; the first differs in feature 0, the second in feature 1, the third in none."""
    rng = np.random.default_rng(seed)
    line = np.repeat(np.arange(3), n)
    features = (
        rng.normal(size=(3 * n, n_features)) + shift * np.eye(3, n_features)[line] * (line < 2)[:, None]
    )
    chrom = rng.choice(["chr1", "chr2", "chr3", "chr4"], 3 * n).astype(object)
    split = pd.Series(chrom).map({"chr1": "train", "chr2": "validation", "chr3": "test", "chr4": "test"})
    return Candidates(line, split.to_numpy(dtype=object), chrom, features, rng.uniform(0.3, 0.6, 3 * n))


def test_more_elements_identify_more_surely() -> None:
    rows, means = identify("motifs", candidates(0.4), NAMES, [4, 64], SETTINGS, np.random.default_rng(0))
    table = pd.DataFrame(rows, columns=COLUMNS).set_index("n_support")
    assert table.loc[64, "top1_accuracy"] > 0.85 > table.loc[4, "top1_accuracy"] > 0.4
    assert table["chance"].tolist() == [1 / 3] * 2
    assert (table["low"] <= table["high"]).all()
    assert table.loc[64, "low"] <= table.loc[64, "top1_accuracy"] + 0.05
    shares = pd.DataFrame(means).set_index(["n_support", "cell_line"])[NAMES]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0)
    assert shares.loc[(64, "A"), "A"] > 0.7


def test_lines_that_do_not_differ_are_not_told_apart() -> None:
    rows, _ = identify("motifs", candidates(0.0), NAMES, [64], SETTINGS, np.random.default_rng(0))
    assert rows[0]["top1_accuracy"] == pytest.approx(1 / 3, abs=0.15)
    assert rows[0]["log_likelihood"] == pytest.approx(np.log(1 / 3), abs=0.25), "and nobody is sure"


def test_a_line_with_too_few_candidates_is_not_asked_and_a_size_that_none_has_is_left_out() -> None:
    some = candidates(0.4)
    few = (some.line == 2) & (some.split == "test") & (np.arange(len(some.line)) % 20 > 0)
    rows, _ = identify("motifs", some.where(~few), NAMES, [64, 10_000], SETTINGS, np.random.default_rng(0))
    (row,) = rows
    assert (row["n_lines"], row["n_known_lines"]) == (2, 3)


def test_one_test_chromosome_has_no_interval() -> None:
    some = candidates(0.4)
    rows, _ = identify(
        "motifs", some.where(some.chrom != "chr4"), NAMES, [64], SETTINGS, np.random.default_rng(0)
    )
    assert np.isnan(rows[0]["low"])


def test_a_discriminant_takes_what_features_share_into_account() -> None:
    some = candidates(0.4)
    shared = np.random.default_rng(1).normal(size=(len(some.line), 1)) * 5
    blurred = Candidates(some.line, some.split, some.chrom, some.features + shared, some.gc)
    for known in (some, blurred):
        learned = known.where(known.split == "train")
        scores = Discriminant.fit(learned, 3).scores(known.features[known.split == "test"])
        right = scores[:, :2].argmax(axis=1) == known.line[known.split == "test"]
        assert right[known.line[known.split == "test"] < 2].mean() > 0.58


def test_a_set_has_no_element_twice() -> None:
    said = draw(np.eye(5), 5, 3, np.random.default_rng(0))
    assert said.tolist() == [[1.0] * 5] * 3


def test_the_motif_that_differs_is_named_first() -> None:
    some = candidates(0.5)
    table = deviating_motifs(some, some, NAMES, [f"m{n}" for n in range(6)], 2)
    first = table[table["rank"] == 1].set_index("cell_line")
    assert first.loc["A", "motif"] == "m0"
    assert first.loc["B", "motif"] == "m1"
    assert first.loc["A", "deviation"] == pytest.approx(0.5, abs=0.1)
    assert first.loc["A", "z"] > 5
    assert (first["direction"] == "up").sum() >= 2
    assert first.loc["A", "deviation_of_all"] == first.loc["A", "deviation"]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """Two lines of 200 enhancers a chromosome; those of A hold GATA more often, and nothing else differs."""
    rng = np.random.default_rng(0)
    n = 1200
    codes = rng.integers(0, 4, (n, 60)).astype(np.uint8)
    line, place = np.arange(n) % 2, np.arange(n) // 2 * 3 // (n // 2)
    carries = rng.random(n) < np.where(line == 0, 0.5, 0.1)
    codes[carries, 20:28] = ["ACGT".index(letter) for letter in "AGATAAGG"]
    elements = tmp_path / "elements" / "training"
    elements.mkdir(parents=True)
    table = pd.DataFrame({"chrom": np.array(["chr1", "chr2", "chr3"])[place]})
    table.assign(split=np.array(["train", "validation", "test"])[place]).to_parquet(
        elements / "enhancer.parquet"
    )
    rows = {"cell_line": np.array(["A", "B"])[line], "role": "enhancer", "element": np.arange(n)}
    pd.DataFrame(rows).to_parquet(elements / "candidates.parquet")
    write_codes(tmp_path / "sequences" / "training", {"enhancer": codes, "promoter": codes[:1]})
    matrix = np.full((8, 4), 0.02)
    matrix[np.arange(8), ["ACGT".index(letter) for letter in "AGATAAGG"]] = 0.94
    other = np.roll(matrix[:, [1, 0, 3, 2]], 3, axis=0)
    motifs = "".join(
        f"MOTIF M{at} {name}\nletter-probability matrix: alength= 4 w= 8\n"
        + "".join(" ".join(map(str, row)) + "\n" for row in one) + "\n"
        for at, (name, one) in enumerate((("GATA1", matrix), ("other", other)))
    )  # fmt: skip
    (tmp_path / "motifs.meme").write_text("MEME version 4\n\n" + motifs)
    save_encoder(tmp_path / "encoder", known_motif_encoder([Motif("other", other)]), {})
    return tmp_path


def test_from_files_to_tables_and_the_same_again(files: Path) -> None:
    for name in ("one", "two"):
        run(
            encoder=files / "encoder", cohorts=["training"], elements=files / "elements",
            sequences=files / "sequences", cell_lines=["A", "B"], settings=SETTINGS,
            readout=ReadoutSettings(motifs=files / "motifs.meme", n_motifs=1), threads=1,
            directory=files / name,
        )  # fmt: skip
    table = pd.read_csv(files / "one" / "identification.tsv", sep="\t").set_index(["version", "n_support"])
    assert list(table.reset_index().columns) == COLUMNS
    accuracy = table["top1_accuracy"]
    assert accuracy["known_motifs", 64] > 0.95
    assert accuracy["known_motifs_at_gc", 64] > 0.9
    assert accuracy["encoder", 64] < 0.8, "its only channel is another motif"
    assert accuracy["gc_alone", 64] < 0.95
    motifs = pd.read_csv(files / "one" / "motifs.tsv", sep="\t").set_index("cell_line")
    assert motifs["motif"].to_dict() == {"A": "GATA1", "B": "GATA1"}
    assert motifs["direction"].to_dict() == {"A": "up", "B": "down"}
    for path in (files / "one").iterdir():
        assert path.read_bytes() == (files / "two" / path.name).read_bytes()
