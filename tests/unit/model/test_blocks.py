"""Elements without sequence: they are told, and neither support sets nor scores count their motifs."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cbat.data.shards import read_shard
from cbat.model.blocks import (
    EncodedElements,
    SupportReader,
    encode_elements,
    encode_shards,
    join_elements,
    sequence_known,
)
from cbat.model.bundle import Pairs
from cbat.model.encoder import MotifEncoder
from cbat.model.environment import SupportStatistics


@pytest.fixture
def encoder() -> MotifEncoder:
    torch.manual_seed(0)
    return MotifEncoder(torch.randn(4, 4, 8), torch.full((4,), 0.2))


def test_an_element_is_known_up_to_half_of_unknown_bases() -> None:
    codes = np.zeros((3, 10), dtype=np.uint8)
    codes[1, :5], codes[2, :6] = 4, 4
    assert sequence_known(codes).tolist() == [True, True, False]


def test_pairs_are_marked_where_either_element_is_unknown(encoder) -> None:
    codes = {role: np.zeros((2, 20), dtype=np.uint8) for role in ("enhancer", "promoter")}
    codes["enhancer"][1], codes["promoter"][0] = 4, 4
    elements = encode_elements(codes, encoder)
    both = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
    pairs = Pairs(*both, np.full(4, 1000), np.ones(4, dtype=np.int64))
    assert elements.marked(pairs).sequence_known.tolist() == [False, True, False, False]
    joined = join_elements([elements, elements])
    assert joined.known().tolist() == [True, False, True, False, False, True, False, True]
    assert EncodedElements(elements.enhancer, elements.promoter).marked(pairs) is pairs


def test_support_sets_leave_elements_without_sequence_out() -> None:
    known = np.array([True, False, True])
    features = torch.rand(3, 4, 3)
    elements = EncodedElements(features, torch.rand(1, 4, 3), known, np.ones(1, dtype=bool))
    statistics = SupportStatistics(np.zeros((2, 4)), np.ones((2, 4)))
    reader = SupportReader(elements, statistics)
    rows = np.array([0, 1, 2, -1])
    mean, count = reader.mean(rows)
    assert count == 2
    np.testing.assert_allclose(mean, features[[0, 2], :, 0].mean(dim=0), rtol=1e-6)
    assert reader.counts(rows[None]).tolist() == [2]
    read, mask = reader.features(rows[None])
    assert mask.tolist() == [[True, False, True, False]]
    assert not read[0, 1].any()


def test_shards_say_which_pairs_have_a_sequence(tiny_project, encoder) -> None:
    shard = read_shard(tiny_project.shard("train_0"))
    codes = np.array(shard.enhancer_codes)
    codes[3] = 4
    object.__setattr__(shard, "enhancer_codes", codes)
    _, (encoded,) = encode_shards([shard], encoder, ("train", "validation", "test"))
    expected = shard.pairs["enhancer"].to_numpy() != 3
    assert (~expected).any()
    np.testing.assert_array_equal(encoded.pairs["sequence_known"], expected)
    np.testing.assert_array_equal(encoded.scored.sequence_known, expected)


def test_parts_of_pairs_are_joined_with_what_a_missing_column_stands_for() -> None:
    rows = np.arange(2)
    bare = Pairs(rows, rows, rows, rows)
    full = Pairs(rows, rows, rows, rows, rows + 0.5, None, np.array([True, False]))
    joined = Pairs.joined([bare, full])
    assert joined.potential_offset.tolist() == [0.0, 0.0, 0.5, 1.5]
    assert joined.sequence_known.tolist() == [True, True, True, False]
    assert joined.landscape_resistance is None
    assert joined.take(np.array([3])).potential_offset.tolist() == [1.5]
