"""Known motifs that filters look like."""

from __future__ import annotations

import time

import numpy as np
import pytest

from cbat.data.motif_files import Motif, read_motif_file
from cbat.model.motif_names import (
    UNNAMED,
    consensus,
    filter_probabilities,
    jaspar_motifs,
    name_motifs,
    similarities,
)

BACKGROUND = np.array([0.29, 0.21, 0.21, 0.29])


def matrix(word: str, certainty: float = 0.9) -> np.ndarray:
    return np.array(
        [[certainty if base == letter else (1 - certainty) / 3 for base in "ACGT"] for letter in word]
    )


def filter_of(probability: np.ndarray, width: int = 18, at: int = 4) -> np.ndarray:
    """Log-odds with the background around the motif, shape=(4, width)."""
    table = np.tile(BACKGROUND, (width, 1))
    table[at : at + len(probability)] = probability
    return np.log(table / BACKGROUND).T


KNOWN = [
    Motif("GATA", matrix("AGATAAG")),
    Motif("CREB", matrix("TGACGTCA")),
    Motif("EBOX", matrix("ACAGCTGTT")),
]


@pytest.fixture(scope="module")
def vertebrates() -> list[Motif]:
    return jaspar_motifs()


def test_probabilities_are_recovered_without_being_told_the_background() -> None:
    filters = np.stack([filter_of(motif.probability) for motif in KNOWN])
    probability, background = filter_probabilities(filters)
    np.testing.assert_allclose(background, BACKGROUND)
    np.testing.assert_allclose(probability[1, 4:12], KNOWN[1].probability)
    np.testing.assert_allclose(probability.sum(axis=2), 1.0)


@pytest.mark.parametrize("at", [0, 5, 11])
@pytest.mark.parametrize("backward", [False, True])
def test_a_motif_is_found_at_any_offset_and_on_either_strand(at: int, backward: bool) -> None:
    probability = KNOWN[0].probability
    one = filter_of(probability[::-1, ::-1] if backward else probability, at=at)
    (found,) = name_motifs(one[None], KNOWN, 0.75)
    assert found.motif == "GATA"
    assert 0.97 < found.similarity <= 1.0


def test_a_motif_is_like_itself_and_like_nothing_more() -> None:
    table = similarities(KNOWN[0].probability[None], np.full(4, 0.25), KNOWN)
    assert table[0, 0] == pytest.approx(1.0)
    assert (table[0, 1:] < 0.7).all()


def test_a_short_piece_of_a_long_motif_is_no_match() -> None:
    word = "GGCACTTCCATGAAGTTC"
    long = [Motif("long", matrix(word))]
    whole, piece = filter_of(matrix(word), at=0), filter_of(matrix(word[:6]), at=12)
    assert name_motifs(whole[None], long, 0.75)[0].motif == "long"
    found = name_motifs(piece[None], long, 0.75)[0]
    assert found.motif == UNNAMED
    assert found.similarity == pytest.approx(np.sqrt(6 / 18), abs=0.05)


def test_motifs_of_a_family_stand_beside_the_best() -> None:
    family = [*KNOWN, Motif("GATA2", matrix("AGATAAG", 0.88)), Motif("GATA", matrix("AGATAAG", 0.86))]
    (found,) = name_motifs(filter_of(KNOWN[0].probability)[None], family, 0.75)
    assert (found.motif, found.alike) == ("GATA", ("GATA2",))


def test_random_motifs_have_no_name(vertebrates: list[Motif]) -> None:
    rng = np.random.default_rng(0)
    draws = rng.dirichlet(np.full(4, 0.3), size=(100, 18)).clip(1e-3)
    filters = np.log(draws / draws.sum(axis=2, keepdims=True) / BACKGROUND).transpose(0, 2, 1)
    names = name_motifs(filters, vertebrates, 0.75)
    assert [one.motif for one in names] == [UNNAMED] * len(names)


def test_known_factors_are_called_by_their_names_within_seconds(vertebrates: list[Motif]) -> None:
    # Of several profiles of a factor the first is the core one.
    by_name = {motif.name: motif for motif in reversed(vertebrates)}
    wanted = ["CTCF", "HNF4A", "REST", "Spi1", "CEBPA", "MEF2A"]
    filters = np.stack(
        [filter_of(by_name[name].probability[:18][::-1, ::-1], at=0, width=18) for name in wanted]
    )
    started = time.process_time()
    names = name_motifs(np.concatenate([filters] * 10), vertebrates, 0.75)
    assert time.process_time() - started < 5.0
    for name, found in zip(wanted, names, strict=False):
        assert name in (found.motif, *found.alike)


def test_the_shared_file_holds_the_motifs_of_the_package(shared_dir, vertebrates: list[Motif]) -> None:
    path = shared_dir / "data" / "motifs" / "JASPAR2026_CORE_vertebrates.jaspar.gz"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    read = read_motif_file(path)
    assert sorted(motif.name for motif in read) == sorted(motif.name for motif in vertebrates)
    packaged = {motif.name: motif for motif in vertebrates}
    np.testing.assert_allclose(
        next(motif for motif in read if motif.name == "REST").probability, packaged["REST"].probability
    )


@pytest.mark.parametrize(
    ("probability", "expected"),
    [
        (matrix("AGATAAG"), "AGATAAG"),
        (np.vstack([np.full((3, 4), 0.25), matrix("GATTACA"), np.full((2, 4), 0.25)]), "GATTACA"),
        (np.array([[0.9, 0.05, 0.03, 0.02], [0.45, 0.02, 0.5, 0.03], [0.02, 0.46, 0.02, 0.5]]), "ARY"),
        (np.full((5, 4), 0.25), "N"),
    ],
)
def test_a_consensus_shows_what_is_preferred(probability: np.ndarray, expected: str) -> None:
    assert consensus(probability) == expected
