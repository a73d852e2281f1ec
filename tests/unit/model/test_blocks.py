"""Elements of shards: those without sequence, which nothing counts, and the candidates of a line."""

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


def test_all_candidates_of_a_line_are_read_whatever_their_split(tiny_project, encoder) -> None:
    shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.unseen]
    plain, some = encode_shards(shards, encoder, ["test"])
    elements, encoded = encode_shards(shards, encoder, ["test"], all_candidates=True)
    assert not some[0].candidates.size
    for shard, one, other in zip(shards, encoded, some, strict=True):
        marked = shard.elements[shard.elements["candidate"]]
        assert set(marked["split"]) == {"train", "validation", "test"}
        assert len(np.unique(one.candidates)) == len(one.candidates) == len(marked)
        n_enhancers = int((marked["role"] == "enhancer").sum())
        assert ((one.candidates < len(elements.enhancer)) == (np.arange(len(marked)) < n_enhancers)).all()
        expected = torch.from_numpy(np.array(shard.enhancer_codes[marked["local"].iloc[:n_enhancers]]))
        torch.testing.assert_close(
            elements.enhancer[one.candidates[:n_enhancers]], encoder.features(expected), rtol=0, atol=1e-6
        )
        # Support sets are of the split, and among the candidates.
        drawn = one.support[one.blocks()]
        assert set(drawn[drawn >= 0].tolist()) <= set(one.candidates.tolist())
        # The pairs and their features are as without.
        np.testing.assert_array_equal(
            elements.enhancer[one.scored.enhancer].numpy(), plain.enhancer[other.scored.enhancer].numpy()
        )


def test_the_mean_of_a_support_set_knows_no_order(tiny_project, encoder) -> None:
    """To the last bit, and whether or not places in it are empty."""
    shard = read_shard(tiny_project.shard("train_0"))
    elements, _ = encode_shards([shard], encoder, ("train", "validation", "test"))
    role, known = elements.role(), elements.known()
    reader = SupportReader(elements, SupportStatistics.of(elements.presence(), role, known.astype(float)))
    rows = np.arange(0, len(role), 2)
    mean, n = reader.mean(rows)
    assert n == len(rows)
    shuffled = np.random.default_rng(0).permutation(np.append(rows, [-1] * 7))
    again, n_again = reader.mean(shuffled)
    assert n_again == n
    np.testing.assert_array_equal(again, mean)


def test_parts_of_pairs_are_joined_with_what_a_missing_column_stands_for() -> None:
    rows = np.arange(2)
    bare = Pairs(rows, rows, rows, rows)
    full = Pairs(rows, rows, rows, rows, rows + 0.5, None, np.array([True, False]))
    joined = Pairs.joined([bare, full])
    assert joined.potential_offset.tolist() == [0.0, 0.0, 0.5, 1.5]
    assert joined.sequence_known.tolist() == [True, True, True, False]
    assert joined.landscape_resistance is None
    assert joined.take(np.array([3])).potential_offset.tolist() == [1.5]
