"""Planted motifs are found again, and features say where they are."""

from __future__ import annotations

import os
import signal

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.metrics import roc_auc_score

from cbat.config.models import EncoderSettings
from cbat.data.sequences import write_codes
from cbat.errors import UserError
from cbat.model import discovery, seeding
from cbat.model.discovery import (
    Motifs,
    crop,
    discover_motifs,
    erased,
    grow_motifs,
    refine_motifs,
    seed_matrices,
)
from cbat.model.encoder import MotifEncoder
from cbat.model.reading import reading
from cbat.model.seeding import FEWEST_ELEMENTS, KmerTable, choose_seeds
from cbat.training.pretrain import random_motifs, training_tables

SETTINGS = EncoderSettings(n_filters=5, filter_width=14, refinement_elements=400, refinement_rounds=5)
UNIFORM = torch.full((4,), 0.25)


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
        kept = np.sort(rows[split.iloc[rows] == "train"])
        every = np.load(tiny_project.sequences / f"{role}.npy")[kept]
        assert codes.shape == every.shape
        np.testing.assert_array_equal(codes[3:9], every[3:9])
        np.testing.assert_array_equal(codes[np.array([7, 0, 7])], every[[7, 0, 7]])
        assert member.shape[1] == len(tiny_project.train)
        assert member.sum(axis=1).min() >= 1


def test_sequences_of_other_elements_are_refused(tiny_project, tmp_path) -> None:
    codes = {role: np.load(tiny_project.sequences / f"{role}.npy") for role in ("enhancer", "promoter")}
    write_codes(tmp_path, codes | {"promoter": codes["promoter"][1:]})
    with pytest.raises(UserError, match="sequences for .* elements in") as caught:
        training_tables(tiny_project.elements, tmp_path, tiny_project.train)
    assert caught.value.file == tmp_path / "promoter.npy"


def test_a_training_line_without_candidates_is_named(tiny_project) -> None:
    with pytest.raises(UserError, match="'nobody' has no candidates among these elements"):
        training_tables(tiny_project.elements, tiny_project.sequences, [*tiny_project.train, "nobody"])


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
    table = KmerTable.count(codes, 4, np.array([[1.0], [10.0], [-11.0]]))
    assert table.presence[0] == 2  # AAAA, also read from TTTTT; once for the two TTTT
    assert table.presence[0b00_01_10_11] == 1  # ACGT, its own reverse complement
    assert table.presence.sum() == 4  # and CGTA = TACG
    assert table.total[0, 0] == 11.0


def test_seeds_are_no_shifted_copies_of_one_another() -> None:
    score = np.zeros(4**6)
    kmers = {"ACGGTA": 9.0, "CGGTAT": 8.0, "TACCGT": 7.5, "GGGTTT": 5.0}
    for kmer, value in kmers.items():
        score[sum("ACGT".index(base) * 4 ** (5 - at) for at, base in enumerate(kmer))] = value
    chosen = ["".join("ACGT"[i] for i in seed) for seed in choose_seeds(score, 6, 5, [])]
    assert chosen == ["ACGGTA", "GGGTTT"]  # the second is a shift, the third the reverse complement


def digits(letters: str) -> np.ndarray:
    return np.array(["ACGT".index(letter) for letter in letters])


def sharp(*patterns: str) -> Motifs:
    """Motifs that a window must match letter by letter, but for the places of ``.``."""
    filters = torch.zeros(len(patterns), 4, len(patterns[0]))
    for row, pattern in enumerate(patterns):
        for at, letter in enumerate(pattern):
            if letter != ".":
                probability = torch.full((4,), 0.01)
                probability["ACGT".index(letter)] = 0.97
                filters[row, :, at] = torch.log(probability / 0.25)
    # Rare, so that a window with a letter amiss is no instance.
    return Motifs(filters, torch.full((len(patterns),), 0.01), torch.full((len(patterns),), 15.0))


def planted(
    rng: np.random.Generator, codes: np.ndarray, motif: str, rows: np.ndarray, low: int, high: int
) -> None:
    """Write a motif into some elements, on a random strand and with its start in [low, high)."""
    forward = digits(motif)
    for row in rows:
        at = int(rng.integers(low, high))
        codes[row, at : at + len(forward)] = forward if rng.random() < 0.5 else 3 - forward[::-1]


def consensus(motifs: Motifs, row: int) -> str:
    """Letters of a motif, with ``.`` where it holds less than half a bit."""
    probability = 0.25 * torch.exp(motifs.filters[row])
    bits = (probability * motifs.filters[row]).sum(dim=0) / np.log(2.0)
    letters = ["ACGT"[base] for base in probability.argmax(dim=0)]
    return "".join(letter if bit > 0.5 else "." for letter, bit in zip(letters, bits, strict=True))


def either_strand(motif: str) -> tuple[str, str]:
    return motif, "".join("ACGT"[3 - base] for base in digits(motif)[::-1])


def test_erasing_writes_n_over_the_informative_columns_on_either_strand_and_nowhere_else() -> None:
    # Flanks of unlike length and a gap, so that a wrong direction of reading would show.
    motifs = sharp("....GATTACAGGC.", "CCTTGT...ACCTGA")
    columns = [[4, 5, 6, 7, 8, 9, 10, 11, 12, 13], [0, 1, 2, 3, 4, 5, 9, 10, 11, 12, 13, 14]]
    words = [digits("AAAAGATTACAGGCA"), digits("CCTTGTAAAACCTGA")]
    codes = np.random.default_rng(3).integers(0, 4, (40, 90)).astype(np.uint8)
    places = [
        (0, 0, 5, 1), (1, 0, 0, -1), (2, 1, 75, 1), (3, 1, 40, -1), (4, 0, 10, 1), (4, 0, 50, -1),
        (5, 0, 8, 1), (5, 1, 60, -1), (6, 0, 75, -1),
    ]  # fmt: skip
    for row, motif, start, strand in places:
        word = words[motif] if strand == 1 else 3 - words[motif][::-1]
        codes[row, start : start + 15] = word
    expected = codes.copy()
    for row, motif, start, strand in places:
        offsets = np.array(columns[motif])
        expected[row, start + (offsets if strand == 1 else 14 - offsets)] = 4
    before = codes.copy()
    found = erased(motifs, torch.from_numpy(codes), UNIFORM)
    np.testing.assert_array_equal(found, expected)
    assert (expected == 4).sum() == 6 * 10 + 3 * 12
    assert np.array_equal(codes, before), "the elements themselves stay as they are"
    assert np.array_equal(erased(motifs.select([]), torch.from_numpy(codes), UNIFORM), before)


@pytest.mark.parametrize("start", [0, 4, 7, 14])
def test_cropping_keeps_the_part_that_holds_the_information(start: int) -> None:
    wide = sharp("." * start + "GATTACAGGCCA" + "." * (14 - start))
    assert wide.filters.shape[2] == 26
    kept = crop(wide, 18, UNIFORM)
    assert kept.shape == (1, 4, 18)
    left, _, right = consensus(Motifs(kept, wide.prior, wide.information), 0).partition("GATTACAGGCCA")
    assert len(left) + len(right) == 6, "the whole motif"
    assert set(left + right) <= {"."}
    if start in (4, 7):
        assert min(len(left), len(right)) >= 2, "away from the edges where there is room on both sides"
    cut = crop(wide, 8, UNIFORM)
    assert consensus(Motifs(cut, wide.prior, wide.information), 0) in {
        "GATTACAGGCCA"[at : at + 8] for at in range(5)
    }


@pytest.mark.parametrize("seed", [slice(0, 8), slice(8, 16)])
def test_a_motif_whose_seed_lies_at_its_end_is_found_whole(seed: slice) -> None:
    motif = "GATTACAGGCTTGACC"
    rng = np.random.default_rng(1)
    codes = rng.integers(0, 4, (400, 100)).astype(np.uint8)
    planted(rng, codes, motif, np.arange(120), 0, 84)
    subset, start = [torch.from_numpy(codes)], [digits(motif[seed])]
    settings = EncoderSettings(filter_width=18, refinement_rounds=8)
    assert motif in consensus(grow_motifs(start, subset, UNIFORM, settings, both=False), 0)
    narrow = refine_motifs(seed_matrices([torch.from_numpy(start[0])], 18, UNIFORM), subset, UNIFORM, 8)
    assert motif not in consensus(narrow, 0), "a window around the seed would cut it off"
    both = grow_motifs(start, subset, UNIFORM, settings, both=True)
    assert [motif in consensus(both, row) for row in range(2)] == [False, True]


def test_two_motifs_that_share_a_half_are_both_found() -> None:
    """Each is at work in cell lines of its own; the half alone tells them not apart."""
    motifs = ["GATTACAGCCGT", "GATTACTTGGAC"]
    rng = np.random.default_rng(2)
    tables = []
    for n in (900, 600):
        codes = rng.integers(0, 4, (n, 100)).astype(np.uint8)
        holds = rng.random((n, 2)) < 0.3
        for number, (motif, low) in enumerate(zip(motifs, (0, 50), strict=True)):
            planted(rng, codes, motif, np.flatnonzero(holds[:, number]), low, low + 38)
        effect = np.array([[2.5, 0.0, 1.0, -2.0], [0.0, 2.5, -2.0, 1.0]])
        chance = 1 / (1 + np.exp(-((holds - 0.3) @ effect)))
        tables.append((codes, (rng.random((n, 4)) < chance).astype(float)))
    settings = EncoderSettings(n_filters=4, filter_width=14, refinement_elements=600, refinement_rounds=6)
    found = discover_motifs(tables, settings, seed=1)
    words = [consensus(found, row) for row in range(len(found.prior))]
    for motif in motifs:
        assert any(strand in word for strand in either_strand(motif) for word in words), words


def one_motif(seed: int, n: int, n_with: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Elements, the first of which hold a motif and are candidates in most lines."""
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 5, (n, 60)).astype(np.uint8)
    planted(rng, codes, "GATTACAGCCGT", np.arange(n_with), 0, 48)
    chance = np.where(np.arange(n) < n_with, 0.8, 0.3)[:, None]
    return [(codes, (rng.random((n, 3)) < chance).astype(float))]


def test_discovery_is_the_same_to_the_last_bit_in_pieces_of_any_size(monkeypatch) -> None:
    tables = one_motif(3, 300, 100)
    whole = discover_motifs(tables, SETTINGS, seed=1)
    monkeypatch.setattr(seeding, "_PIECE", 7)
    monkeypatch.setattr(discovery, "_PIECE", 11)
    parts = discover_motifs(tables, SETTINGS, seed=1)
    for name, tensor in vars(whole).items():
        assert torch.equal(tensor, getattr(parts, name)), name


def test_several_processes_discover_the_same_to_the_last_bit() -> None:
    tables = one_motif(5, 120, 60)
    alone = discover_motifs(tables, SETTINGS, seed=1)
    with reading(2) as readers:
        shared = discover_motifs(tables, SETTINGS, seed=1, reading=readers)
        assert readers.pool is not None
    for name, tensor in vars(alone).items():
        assert torch.equal(tensor, getattr(shared, name)), name


def killed(encoder: MotifEncoder, codes: torch.Tensor) -> torch.Tensor:
    os.kill(os.getpid(), signal.SIGKILL)
    return codes


def test_a_killed_process_is_told_of(motifs: Motifs) -> None:
    with reading(2) as readers, pytest.raises(UserError, match="killed") as caught:
        readers.read(killed, motifs.encoder(), torch.zeros(4, 30, dtype=torch.uint8))
    assert "training.threads" in caught.value.mend


def test_targets_are_added_up_as_in_a_product_with_the_table_of_all_elements() -> None:
    """To the last bit, for seeds are chosen by the order of these numbers."""
    rng = np.random.default_rng(6)
    codes = rng.integers(0, 4, (1500, 80)).astype(np.uint8)
    targets = rng.normal(size=(1500, 12))
    targets -= targets.mean(axis=0)
    table = KmerTable.count(codes, 4, targets)
    element, kmer = seeding._kmers(codes, 4)
    member = csr_array((np.ones(len(kmer)), (kmer, element)), shape=(4**4, 1500))
    count, total = table.presence, member @ targets
    usable = (count >= FEWEST_ELEMENTS) & (count < 0.9 * 1500)
    variance = (count * (1 - count / 1500))[:, None] * targets.var(axis=0)
    squared = np.divide(total**2, variance, out=np.zeros_like(total), where=usable[:, None])
    np.testing.assert_array_equal(table.association(), squared.sum(axis=1))
    assert usable.sum() > 50


def test_association_is_that_of_a_table_of_all_elements() -> None:
    rng = np.random.default_rng(4)
    codes = rng.integers(0, 4, (200, 40)).astype(np.uint8)
    targets = rng.normal(size=(200, 2))
    targets -= targets.mean(axis=0)
    table = KmerTable.count(codes, 4, targets)
    words = ["".join("ACGT"[base] for base in row) for row in codes]
    kmer = "ACCT"
    holds = np.array([kmer in word or "AGGT" in word for word in words])
    n = int(holds.sum())
    assert FEWEST_ELEMENTS <= n < 180
    number = int("".join(str("ACGT".index(letter)) for letter in kmer), 4)
    assert table.presence[number] == n
    expected = targets[holds].sum(axis=0) ** 2 / (n * (1 - n / 200) * targets.var(axis=0))
    assert table.association()[number] == pytest.approx(expected.sum())


def test_elements_without_motifs_are_refused() -> None:
    rng = np.random.default_rng(0)
    tables = [(rng.integers(0, 4, (60, 40)).astype(np.uint8), (rng.random((60, 3)) < 0.5).astype(float))]
    with pytest.raises(UserError, match="contain no motif"):
        discover_motifs(tables, SETTINGS, seed=1)


def test_discovery_ends_early_where_no_seed_is_left(tables) -> None:
    """One filter asks for no seeds in the later rounds."""
    settings = SETTINGS.model_copy(update={"n_filters": 1})
    assert len(discover_motifs(tables, settings, seed=1).prior) == 1
