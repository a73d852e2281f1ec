"""The set encoder: invariant to order, blind to padding and to other blocks; and the textbook's ISAB."""

from __future__ import annotations

import pytest
import torch

from cbat.model.set_encoder import (
    InducedSetAttentionBlock,
    MultiheadAttentionBlock,
    SetEncoder,
    TiedSetEncoder,
)


@pytest.fixture(params=["isab", "isab_tied"])
def encoder(request) -> SetEncoder | TiedSetEncoder:
    torch.manual_seed(3)
    encoder = SetEncoder(6) if request.param == "isab" else TiedSetEncoder()
    torch.nn.init.normal_(encoder.out.weight)
    return encoder.eval()


@torch.no_grad()
def test_order_padding_and_other_blocks_do_not_matter(encoder: SetEncoder | TiedSetEncoder) -> None:
    support, fused = torch.randn(3, 10, 6), torch.randn(3, 6)
    mask = torch.ones(3, 10, dtype=torch.bool)
    mask[1, 7:] = False
    result = encoder(support, mask, fused)
    order = torch.randperm(10)
    torch.testing.assert_close(encoder(support[:, order], mask[:, order], fused), result)
    torch.testing.assert_close(encoder(support[1:2, :7], mask[1:2, :7], fused[1:2]), result[1:2])
    other = support.clone()
    other[0] += 5.0
    other[1, 7:] = 99.0
    changed = encoder(other, mask, fused)
    torch.testing.assert_close(changed[1:], result[1:])
    assert not torch.allclose(changed[0], result[0])


@torch.no_grad()
@pytest.mark.parametrize("n_elements", [0, 2])
def test_without_a_support_set_channels_are_weighed_as_usual(
    encoder: SetEncoder | TiedSetEncoder, n_elements: int
) -> None:
    """However the absence is written: no element, or none that the mask marks."""
    nothing = (torch.randn(1, n_elements, 6), torch.zeros(1, n_elements, dtype=torch.bool), torch.randn(1, 6))
    assert (encoder(*nothing) == 0).all()
    weights = torch.arange(6.0) - 1.0
    encoder.settle(weights)
    expected = weights if isinstance(encoder, SetEncoder) else weights.mean().expand(6)
    torch.testing.assert_close(encoder(*nothing)[0], expected)
    # It says nothing of sets that hold something.
    mask = torch.tensor([[True, True], [False, False]])
    support, fused = torch.randn(2, 2, 6), torch.randn(2, 6)
    before = encoder(support, mask, fused)
    encoder.settle(weights + 5.0)
    after = encoder(support, mask, fused)
    assert torch.equal(before[0], after[0])
    torch.testing.assert_close(after[1], before[1] + 5.0)


@torch.no_grad()
@pytest.mark.parametrize("fresh", [SetEncoder(6), TiedSetEncoder()], ids=["isab", "isab_tied"])
def test_it_starts_with_the_environment_as_it_is(fresh: SetEncoder | TiedSetEncoder) -> None:
    support, mask = torch.randn(2, 5, 6), torch.ones(2, 5, dtype=torch.bool)
    assert (fresh(support, mask, torch.randn(2, 6)) == 0).all()


@torch.no_grad()
def test_the_tied_encoder_treats_all_channels_alike() -> None:
    torch.manual_seed(4)
    encoder = TiedSetEncoder().eval()
    torch.nn.init.normal_(encoder.out.weight)
    support, fused = torch.randn(2, 9, 6), torch.randn(2, 6)
    mask = torch.ones(2, 9, dtype=torch.bool)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    result = encoder(support, mask, fused)
    torch.testing.assert_close(encoder(support[..., order], mask, fused[:, order]), result[:, order])
    spread = support.clone()
    spread[..., 2] = 3.0 * support[..., 2]
    assert not torch.allclose(encoder(spread, mask, fused)[:, 2], result[:, 2])
    assert sum(p.numel() for p in encoder.parameters()) < 1000  # whatever the number of channels


@pytest.mark.parametrize("n_heads", [1, 3])
@pytest.mark.parametrize(("n_queries", "n_elements"), [(4, 20), (20, 4), (5, 5), (1, 1)])
@pytest.mark.parametrize("shared", [True, False], ids=["queries of all sets", "of each set"])
@pytest.mark.parametrize("masked", [True, False], ids=["masked", "whole"])
def test_a_block_attends_as_torch_does(
    n_heads: int, n_queries: int, n_elements: int, shared: bool, masked: bool
) -> None:
    torch.manual_seed(2)
    block = MultiheadAttentionBlock(6, n_heads).double()
    for bias in (block.attention.in_proj_bias, block.attention.out_proj.bias):
        torch.nn.init.normal_(bias)
    queries = torch.randn(1 if shared else 7, n_queries, 6, dtype=torch.double, requires_grad=True)
    elements = torch.randn(7, n_elements, 6, dtype=torch.double, requires_grad=True)
    mask = torch.rand(7, n_elements) < (0.6 if masked else 2.0)
    mask[:, 0] = True

    def plain() -> torch.Tensor:
        asked = queries.expand(7, -1, -1)
        read, _ = block.attention(asked, elements, elements, key_padding_mask=~mask)
        attended = block.norm_attended(asked + read)
        return block.norm_output(attended + torch.relu(block.linear(attended)))

    found = []
    for result in (block(queries, elements, mask if masked else None), plain()):
        wanted = (queries, elements, *block.parameters())
        found.append((result, *torch.autograd.grad((result**3).sum(), wanted)))
    for ours, theirs in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


@torch.no_grad()
def test_isab_is_that_of_torch_geometric() -> None:
    geometric = pytest.importorskip(
        "torch_geometric.nn.aggr.utils", reason="needs torch_geometric, of the extra 'test'"
    )
    torch.manual_seed(1)
    ours = InducedSetAttentionBlock(16, 4, 5).eval()
    theirs = geometric.InducedSetAttentionBlock(16, 5, heads=4).eval()
    renamed = {
        "ind": ours.inducing,
        **{
            f"{block}.{their_name}.{key}": value
            for block, mine in (("mab1", ours.gather), ("mab2", ours.spread))
            for their_name, part in (
                ("attn", mine.attention),
                ("lin", mine.linear),
                ("layer_norm1", mine.norm_attended),
                ("layer_norm2", mine.norm_output),
            )
            for key, value in part.state_dict().items()
        },
    }
    theirs.load_state_dict(renamed)
    support = torch.randn(3, 9, 16)
    mask = torch.rand(3, 9) < 0.7
    mask[:, 0] = True
    # Rows that the mask leaves out are theirs to fill with zeros before the residual, and ours to ignore.
    torch.testing.assert_close(ours(support, mask)[mask], theirs(support, mask)[mask])
