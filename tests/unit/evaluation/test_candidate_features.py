"""Candidates of cell lines as features: whose they are, where they lie, and how rich in GC they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from cbat.data.motif_files import Motif
from cbat.data.sequences import write_codes
from cbat.errors import UserError
from cbat.evaluation import candidate_features
from cbat.evaluation.candidate_features import (
    Candidates,
    gc_content,
    gc_matched,
    missing_lines,
    read_candidates,
)
from cbat.model.known_motifs import known_motif_encoder

GATA = Motif(
    "GATA1", np.array([[0.02 if base != letter else 0.94 for base in "ACGT"] for letter in "AGATAAGG"])
)


def cohort(directory: Path, name: str, lines: dict[str, list[int]], n: int = 60, seed: int = 0) -> None:
    """Elements of three chromosomes, one for each split; every fourth holds a GATA motif."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 4, (n, 40)).astype(np.uint8)
    codes[::4, 10:18] = ["ACGT".index(letter) for letter in "AGATAAGG"]
    elements = directory / "elements" / name
    elements.mkdir(parents=True)
    place = np.arange(n) * 3 // n
    table = pd.DataFrame({"chrom": np.array(["chr1", "chr2", "chr3"])[place]})
    table["split"] = np.array(["train", "validation", "test"])[place]
    table.to_parquet(elements / "enhancer.parquet")
    rows = [(line, "enhancer", row) for line, some in lines.items() for row in some]
    rows += [(line, "promoter", 0) for line in lines]
    pd.DataFrame(rows, columns=["cell_line", "role", "element"]).to_parquet(elements / "candidates.parquet")
    write_codes(directory / "sequences" / name, {"enhancer": codes, "promoter": codes})


def read(directory: Path, lines: list[str], cohorts=("training",)):
    encoders = [known_motif_encoder([GATA])] * 2
    rng = np.random.default_rng(0)
    return read_candidates(cohorts, directory / "elements", directory / "sequences", lines, encoders, rng)


def test_candidates_of_all_cohorts_are_read(tmp_path: Path) -> None:
    cohort(tmp_path, "training", {"A": [0, 1, 2, 4, 30, 59], "B": [2, 3, 25]})
    cohort(tmp_path, "unseen", {"C": [4, 8, 41]}, seed=1)
    names, (one, other) = read(tmp_path, ["C", "A", "B"], ("training", "unseen"))
    assert names == ["C", "A", "B"]
    np.testing.assert_array_equal(one.features, other.features)
    table = pd.DataFrame({"line": one.line, "split": one.split})
    assert table.groupby(["line", "split"]).size().to_dict() == {
        (0, "train"): 2, (0, "test"): 1, (1, "train"): 4, (1, "validation"): 1, (1, "test"): 1,
        (2, "train"): 2, (2, "validation"): 1,
    }  # fmt: skip
    carriers = one.features[(one.line == 0) & (one.split == "train")]
    assert (carriers > 0.5).all(), "elements 4 and 8 hold the motif"


def test_a_line_without_candidates_to_learn_from_is_left_out(tmp_path: Path) -> None:
    cohort(tmp_path, "training", {"A": [0, 1], "B": [2, 3], "late": [59]})
    names, (one, _) = read(tmp_path, ["A", "late", "B", "absent"])
    assert names == ["A", "B"]
    assert len(one.line) == 4
    with pytest.raises(UserError, match="1 cell lines have candidate enhancers on training chromosomes"):
        read(tmp_path, ["A", "late"])


def test_no_more_are_read_than_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidate_features, "MOST_CANDIDATES", 5)
    cohort(tmp_path, "training", {"A": list(range(60)), "B": list(range(10))})
    _, (one, _) = read(tmp_path, ["A", "B"])
    assert np.bincount(one.line).tolist() == [15, 5]


def test_gc_content_knows_what_it_does_not_know() -> None:
    codes = np.array([[1, 2, 0, 3], [1, 1, 4, 4], [4, 4, 4, 4]], dtype=np.uint8)
    assert gc_content(codes).tolist() == [0.5, 1.0, 0.5]


def test_matched_candidates_are_as_rich_in_gc_in_every_line() -> None:
    rng = np.random.default_rng(0)
    n = 3000
    line = np.repeat([0, 1], n)
    gc = np.concatenate([rng.normal(0.4, 0.05, n), rng.normal(0.5, 0.05, n)])
    split = np.where(rng.random(2 * n) < 0.7, "train", "test").astype(object)
    some = Candidates(line, split, np.full(2 * n, "chr1", dtype=object), gc[:, None], gc)
    matched = some.where(gc_matched(some, 2, rng))
    for name in ("train", "test"):
        parts = [matched.gc[(matched.split == name) & (matched.line == which)] for which in (0, 1)]
        assert len(parts[0]) == len(parts[1]) > 100
        assert abs(parts[0].mean() - parts[1].mean()) < 0.01
    assert missing_lines(matched, 2) == []
    assert missing_lines(matched, 3) == [2]
    assert some.of_gc().features.shape == (2 * n, 2)
