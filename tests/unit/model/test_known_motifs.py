"""A panel of known motifs: no two alike, and channels that find their own motif."""

from __future__ import annotations

import numpy as np
import torch

from cbat.data.motif_files import Motif
from cbat.model.blocks import motif_presence
from cbat.model.known_motifs import WIDTH, distinct_motifs, known_motif_encoder


def motif(name: str, text: str, strength: float = 0.94) -> Motif:
    probability = np.full((len(text), 4), (1 - strength) / 3)
    for row, letter in enumerate(text):
        probability[row, "ACGT".index(letter)] = strength
    return Motif(name, probability)


GATA, AP1 = motif("GATA1", "AGATAAGG"), motif("FOS", "TGACTCAT")


def codes(text: str) -> np.ndarray:
    return np.array([["ACGT".index(letter) for letter in text]], dtype=np.uint8)


def test_a_motif_like_an_earlier_one_is_left_out_on_either_strand() -> None:
    backward = Motif("backward", GATA.probability[::-1, ::-1].copy())
    panel = distinct_motifs([GATA, motif("GATA2", "AGATAAGG", 0.9), backward, AP1])
    assert [one.name for one in panel] == ["GATA1", "FOS"]


def test_a_channel_finds_its_own_motif_on_either_strand_and_no_other() -> None:
    encoder = known_motif_encoder([GATA, AP1])
    assert encoder.filters.shape == (2, 4, WIDTH)
    rest = "C" * 30
    found = [
        motif_presence(codes(rest + text + rest), encoder)[0] for text in ("AGATAAGG", "CCTTATCT", "TGACTCAT")
    ]
    assert all(row[0] > 0.5 > row[1] for row in found[:2])
    assert found[2][1] > 0.5 > found[2][0]


def test_of_a_long_motif_the_columns_that_say_most_are_kept() -> None:
    flat = np.full((15, 4), 0.25)
    long = Motif("long", np.concatenate([flat, GATA.probability, flat]))
    (kept,) = distinct_motifs([long])
    assert kept.probability.shape == (WIDTH, 4)
    assert (kept.probability.max(axis=1) > 0.9).sum() == 8


def test_presence_is_the_first_of_the_features(monkeypatch) -> None:
    encoder = known_motif_encoder([GATA, AP1])
    many = np.random.default_rng(0).integers(0, 5, (50, 60)).astype(np.uint8)
    wanted = encoder.features(torch.from_numpy(many))[..., 0].numpy()
    monkeypatch.setattr("cbat.model.blocks._PIECE", 7)
    np.testing.assert_allclose(motif_presence(many, encoder), wanted, rtol=1e-6)
    assert motif_presence(many[:0], encoder).shape == (0, 2)
