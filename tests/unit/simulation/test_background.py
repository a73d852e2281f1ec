"""A background like that of a genome: composition, islands, repeats, and the table that it is fitted by."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from cbat.config.sections import SimulationSettings
from cbat.simulation import background
from cbat.simulation.background import (
    CLASSES,
    ISLAND,
    N_CONTEXTS,
    draw_background,
    draw_families,
    genome_bases,
    read_background,
    scatter,
)
from cbat.simulation.genome import build_genome
from cbat.simulation.motifs import read_motifs

TOP = Path(__file__).resolve().parents[3]
SETTINGS = SimulationSettings(
    motifs=["CTCF", "HNF4A"], n_chromosomes=4, n_enhancers=700, n_promoters=500, gap_length=1200,
    background="genome", landscape_strength=0.0,
)  # fmt: skip


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fit_background", TOP / "tools" / "fit_background.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["fit_background"] = module
    spec.loader.exec_module(module)
    return module


def drawn(kind: int, n: int = 100, length: int = 600) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.stack([*genome_bases(rng, np.full(n, kind), length, read_background())], axis=1)


def gc_and_cpg(codes: np.ndarray) -> tuple[float, float]:
    c, g = (codes == 1).mean(), (codes == 2).mean()
    return float(c + g), float(((codes[:, :-1] == 1) & (codes[:, 1:] == 2)).mean() / (c * g))


def test_the_table_that_comes_along_is_whole() -> None:
    chances = read_background()
    assert chances.shape == (len(CLASSES), N_CONTEXTS, 4)
    assert (chances > 0).all()
    np.testing.assert_allclose(chances.sum(axis=2), 1.0)
    assert "Fitted to:" in background.TABLE.read_text()


def test_isochores_are_ever_richer_and_islands_alone_have_their_cpg() -> None:
    gc, cpg = zip(*(gc_and_cpg(drawn(kind)) for kind in range(len(CLASSES))), strict=True)
    assert list(gc) == sorted(gc)
    assert gc[0] < 0.38 < 0.55 < gc[ISLAND]
    assert max(cpg[:3]) < 0.4
    assert cpg[ISLAND] > 0.6


def test_elements_gather_in_isochores_of_their_composition() -> None:
    settings = SimulationSettings(background="genome")
    found = draw_background(settings)
    n = settings.n_enhancers + settings.n_promoters
    assert sorted(found.order.tolist()) == list(range(n))
    kinds = np.concatenate([found.enhancers.kind, found.promoters.kind])[found.order]
    plain = (kinds != ISLAND) & (found.gaps.kind != ISLAND)
    assert np.corrcoef(kinds[plain], found.gaps.kind[plain])[0, 1] > 0.4
    assert (found.promoters.kind == ISLAND).mean() == pytest.approx(0.6, abs=0.04)
    assert (found.enhancers.kind == ISLAND).mean() < 0.1


def test_copies_of_a_family_are_what_is_left_of_it() -> None:
    rng = np.random.default_rng(3)
    families = draw_families(rng, read_background())
    length = rng.integers(950, 3000, 400)
    found = scatter(rng, families, length, 3000)
    assert sum(len(copies.row) for copies in found) == pytest.approx(3000, abs=len(found))
    assert len(found[0].row) > 5 * len(found[-1].row)
    for sequence, decay, copies in zip(families.sequences, families.decay, found, strict=True):
        assert (copies.start >= 0).all()
        assert (copies.start + copies.bases.shape[1] <= length[copies.row]).all()
        assert (np.diff(copies.row) >= 0).all()
        if len(copies.row) < 30:
            continue
        one = (copies.bases == sequence).mean(axis=1)
        other = (3 - copies.bases[:, ::-1] == sequence).mean(axis=1)
        kept = np.maximum(one, other)
        # Copies decay by so much, and some more where the family has CpG.
        assert 1 - decay - 0.2 < kept.mean() < 1 - decay + 0.03
        assert 0.2 < (one > other).mean() < 0.8


def test_a_genome_has_repeats_and_its_elements_still_hold_their_motifs(tmp_path: Path) -> None:
    sharp = SETTINGS.model_copy(update={"motif_sharpness": 50.0})
    matrices = read_motifs(sharp.motifs)
    genome = build_genome(np.random.default_rng(0), sharp, matrices, tmp_path)
    copied = sum(len(copies.row) * copies.bases.shape[1] for copies in genome.repeats)
    assert copied == pytest.approx(0.5 * genome.gaps.length.sum(), rel=0.1)
    whole = np.concatenate([*genome.pieces(0)])
    assert len(whole) == genome.sizes[0]
    certain = np.sort(matrices[0], axis=1)[:, -1] > 1.3 * np.sort(matrices[0], axis=1)[:, -2]
    consensus = matrices[0].argmax(axis=1)
    codes = np.load(genome.codes[0])
    presence, forward = genome.enhancers.presence[:, 0], genome.enhancers.forward[:, 0]
    read = np.where(forward[:, None], codes, 3 - codes[:, ::-1])
    windows = np.lib.stride_tricks.sliding_window_view(read, len(consensus), axis=1)
    holds = (windows[..., certain] == consensus[certain]).all(axis=2).any(axis=1)
    np.testing.assert_array_equal(holds, presence)


def test_a_model_is_fitted_to_any_fasta_file(tool: ModuleType, tmp_path: Path) -> None:
    """The model of known sequences is found again, by isochore and on either strand."""
    rng = np.random.default_rng(1)
    poor, rich = (
        "".join("ACGT"[base] for base in rng.choice(4, 150_000, p=chance))
        for chance in ([0.34, 0.16, 0.16, 0.34], [0.27, 0.23, 0.23, 0.27])
    )
    fasta = tmp_path / "two.fa"
    fasta.write_text(f">chr1:0-150000\n{poor[:70_000]}\n{poor[70_000:].lower()}\n>chr2 whole\nNN{rich}\n")
    counts = tool.fit(fasta)
    assert counts[0].sum() == pytest.approx(2 * 150_000, rel=0.02)
    assert counts[2].sum() + counts[ISLAND].sum() == pytest.approx(2 * 150_000, rel=0.02)
    tool.write_background(tmp_path / "table.tsv", counts, "two sequences")
    found = read_background(tmp_path / "table.tsv")
    np.testing.assert_allclose(found[0].mean(axis=0), [0.34, 0.16, 0.16, 0.34], atol=0.01)
    assert (tmp_path / "table.tsv").read_text().splitlines()[1] == "# Fitted to: two sequences."
    # Both strands: what follows AAAAA on one precedes TTTTT on the other.
    folded = counts[0].reshape(*[4] * 6)
    np.testing.assert_array_equal(
        folded, folded[::-1, ::-1, ::-1, ::-1, ::-1, ::-1].transpose(5, 4, 3, 2, 1, 0)
    )


def test_an_island_is_told_by_its_cpg(tool: ModuleType) -> None:
    rich = np.tile(np.array([1, 2, 0, 2, 1, 3], dtype=np.uint8), 80)
    assert tool.is_island(rich)
    without = np.tile(np.array([2, 1, 0, 2, 1, 3], dtype=np.uint8), 80)
    assert not tool.is_island(without), "as rich in GC, but without CpG"
    assert not tool.is_island(np.full(480, 4, dtype=np.uint8))
