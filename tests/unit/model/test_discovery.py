"""Planted motifs are found again, and features say where they are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from cbat.config.models import EncoderSettings
from cbat.model.discovery import Motifs, discover_motifs, refine_motifs, seed_matrices
from cbat.model.encoder import MotifEncoder
from cbat.model.seeding import KmerTable, choose_seeds
from cbat.training.pretrain import random_motifs, training_tables

SETTINGS = EncoderSettings(n_filters=5, filter_width=14, refinement_elements=400, refinement_rounds=5)


@pytest.fixture(scope="module")
def tables(tiny_project):
    return training_tables(tiny_project.elements, tiny_project.sequences, tiny_project.train)


@pytest.fixture(scope="module")
def motifs(tables) -> Motifs:
    return discover_motifs(tables, SETTINGS, seed=1)


def best_auc(encoder: MotifEncoder, tiny_project) -> np.ndarray:
    """For each planted motif the AUROC of the filter that tells best who holds it, over all enhancers."""
    codes = torch.from_numpy(np.load(tiny_project.sequences / "enhancer.npy"))
    features = encoder.features(codes)[..., 0].numpy()
    planted = tiny_project.presence["enhancer"]
    return np.array([max(roc_auc_score(column, feature) for feature in features.T) for column in planted.T])


def test_planted_motifs_are_found(motifs: Motifs, tiny_project) -> None:
    assert (best_auc(motifs.encoder(), tiny_project) > 0.97).all()


def test_random_filters_do_not_find_them(tables, tiny_project) -> None:
    drawn = random_motifs(tables, SETTINGS, seed=1)
    assert drawn.filters.shape == (5, 4, 14)
    assert (best_auc(drawn.encoder(), tiny_project) < 0.8).all()


def test_discovery_is_reproducible(tables, motifs: Motifs) -> None:
    again = discover_motifs(tables, SETTINGS, seed=1)
    assert torch.equal(again.filters, motifs.filters)


def test_training_tables_hold_training_chromosomes_of_all_candidates(tables, tiny_project) -> None:
    import pandas as pd

    candidates = pd.read_parquet(tiny_project.elements / "candidates.parquet")
    for role, (codes, member) in zip(("enhancer", "promoter"), tables, strict=True):
        split = pd.read_parquet(tiny_project.elements / f"{role}.parquet")["split"]
        mine = candidates["cell_line"].isin(tiny_project.train) & (candidates["role"] == role)
        rows = candidates.loc[mine, "element"].unique()
        assert len(codes) == len(member) == (split.iloc[rows] == "train").sum()
        assert member.shape[1] == len(tiny_project.train)
        assert member.sum(axis=1).min() >= 1


def test_features_do_not_depend_on_the_strand_of_the_sequence(motifs: Motifs) -> None:
    codes = torch.randint(0, 5, (6, 80), dtype=torch.uint8)
    flipped = torch.tensor([3, 2, 1, 0, 4], dtype=torch.uint8)[codes.long()].flip(dims=(1,))
    one, other = motifs.encoder().features(codes), motifs.encoder().features(flipped)
    torch.testing.assert_close(one[..., 0], other[..., 0])
    torch.testing.assert_close(one[..., 1], other[..., 2])


def test_best_windows_are_what_a_scan_by_hand_finds(motifs: Motifs) -> None:
    encoder = motifs.encoder()
    codes = torch.randint(0, 4, (3, 40), dtype=torch.uint8)
    scores, windows = encoder.best_windows(codes)
    complement = 3 - codes.flip(dims=(1,))
    for strand, sequence in enumerate((codes, complement)):
        for n in range(3):
            for k in range(encoder.n_filters):
                spots = [sequence[n, at : at + 14] for at in range(40 - 14 + 1)]
                value = [encoder.filters[k, spot.long(), torch.arange(14)].sum() for spot in spots]
                assert scores[n, k, strand] == pytest.approx(float(max(value)), abs=1e-4)
                found = encoder.filters[k, windows[n, k, strand].long(), torch.arange(14)].sum()
                assert float(found) == pytest.approx(float(max(value)), abs=1e-4)


def test_unknown_bases_score_nothing(motifs: Motifs) -> None:
    codes = torch.full((2, 50), 4, dtype=torch.uint8)
    scores, _ = motifs.encoder().best_windows(codes)
    assert (scores == 0).all()
    assert (motifs.encoder().features(codes) < 0.05).all()


def test_refinement_learns_the_matrix_that_generated_the_instances() -> None:
    """Instances with a degenerate position: the refined matrix says so, the seed does not."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 4, (800, 60)).astype(np.uint8)
    instances = np.tile([0, 2, 1, 3, 3, 0, 2, 1, 0, 3], (400, 1))
    instances[:, 4] = rng.choice([0, 3], 400)
    codes[:400, 25:35] = instances
    background = torch.full((4,), 0.25)
    start = seed_matrices([torch.tensor([0, 2, 1, 3, 3, 0, 2, 1, 0, 3])], 10, background)
    refined = refine_motifs(start, [torch.from_numpy(codes)], background, rounds=6)
    probability = 0.25 * torch.exp(refined.filters[0])
    assert float(refined.prior) == pytest.approx(0.5, abs=0.05)
    assert probability[[0, 3], 4].tolist() == pytest.approx([0.5, 0.5], abs=0.08)
    assert float(probability[2, 1]) > 0.95


def test_kmers_are_counted_once_per_element_and_on_either_strand() -> None:
    codes = np.array([[0, 0, 0, 0, 4], [3, 3, 3, 3, 3], [0, 1, 2, 3, 0]], dtype=np.uint8)
    table = KmerTable.count(codes, 4)
    assert table.presence()[0] == 2  # AAAA, also read from TTTTT; once for the two TTTT
    assert table.presence()[0b00_01_10_11] == 1  # ACGT, its own reverse complement
    assert table.presence().sum() == 4  # and CGTA = TACG


def test_seeds_are_no_shifted_copies_of_one_another() -> None:
    score = np.zeros(4**6)
    kmers = {"ACGGTA": 9.0, "CGGTAT": 8.0, "TACCGT": 7.5, "GGGTTT": 5.0}
    for kmer, value in kmers.items():
        score[sum("ACGT".index(base) * 4 ** (5 - at) for at, base in enumerate(kmer))] = value
    chosen = ["".join("ACGT"[i] for i in seed) for seed in choose_seeds(score, 6, 5, [])]
    assert chosen == ["ACGGTA", "GGGTTT"]  # the second is a shift, the third the reverse complement
