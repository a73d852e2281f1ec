"""Motifs are those of the database, and each has to fit its slot."""

from __future__ import annotations

import numpy as np
import pytest

from cbat.config.sections import SimulationSettings
from cbat.errors import UserError
from cbat.simulation import benchmark
from cbat.simulation.motifs import read_motifs
from cbat.simulation.sequence import SLOT_LENGTH


def consensus(matrix: np.ndarray) -> str:
    return "".join("ACGT"[base] for base in matrix.argmax(axis=1))


def test_default_motifs_are_probabilities_and_fit() -> None:
    names = SimulationSettings().motifs
    matrices = read_motifs(names)
    assert len(matrices) == len(names) >= 20
    for matrix in matrices:
        assert matrix.shape[1] == 4
        assert len(matrix) <= SLOT_LENGTH
        assert (matrix > 0.0).all()
        np.testing.assert_allclose(matrix.sum(axis=1), 1.0)


def test_well_known_sites_are_found() -> None:
    ctcf, p53_like, ebox = map(consensus, read_motifs(["CTCF", "TP63", "MYOD1"]))
    assert "AGGGGGC" in ctcf or "GCCCCCT" in ctcf
    assert "CATG" in p53_like
    assert "CAGCTG" in ebox or "CACCTG" in ebox or "CAGGTG" in ebox


def test_a_motif_that_is_too_long_for_its_slot_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    long = np.full((SLOT_LENGTH + 1, 4), 0.25)
    monkeypatch.setattr(benchmark, "read_motifs", lambda names: [long[:10], long])
    with pytest.raises(
        UserError, match=rf"motif CTCF is {SLOT_LENGTH + 1} bp long; at most {SLOT_LENGTH} bp"
    ):
        benchmark.run(
            settings=SimulationSettings(motifs=["GATA1", "CTCF"]), lines=[], directory=tmp_path / "out"
        )
    assert not (tmp_path / "out").exists()
