"""The energy model: what its parts may depend on, and identities that its algebra promises."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model.contact import BlockEnvironment, ContactModel, PairBatch, TiedResistance
from cbat.model.pair import CrossBoundaryAttention, convergence, pair_geometry

K = 7


def batch(n: int = 12) -> PairBatch:
    return PairBatch(
        torch.rand(n, K, 3), torch.rand(n, K, 3), torch.rand(n) * 1e5, torch.tensor([1.0, -1.0] * (n // 2))
    )


def blocks(n: int = 12, n_blocks: int = 3) -> BlockEnvironment:
    return BlockEnvironment(torch.arange(n) * n_blocks // n, torch.randn(n_blocks, K))


@pytest.fixture(params=["attention", "low_rank"])
def model(request) -> ContactModel:
    torch.manual_seed(0)
    return ContactModel(K, ModelSettings(pair_representation=request.param, cooperative_rank=2)).eval()


@torch.no_grad()
def test_the_potential_does_not_know_the_environment(model: ContactModel) -> None:
    pairs = batch()
    one, other, none = model(pairs, blocks()), model(pairs, blocks()), model(pairs, None)
    assert torch.equal(one.intrinsic_potential, other.intrinsic_potential)
    assert torch.equal(one.intrinsic_potential, none.intrinsic_potential)
    assert not torch.equal(one.environment_resistance, other.environment_resistance)
    assert (none.environment_resistance == 0).all()


@torch.no_grad()
def test_the_resistance_is_never_negative(model: ContactModel) -> None:
    extreme = BlockEnvironment(torch.zeros(12, dtype=torch.int64), 100.0 * torch.randn(1, K))
    assert (model(batch(), extreme).environment_resistance >= 0).all()


@torch.no_grad()
@pytest.mark.parametrize("set_encoder", ["none", "isab"])
def test_blocks_do_not_see_one_another(set_encoder: str) -> None:
    """A pair scores the same alone, beside other blocks, and whatever these other blocks hold."""
    torch.manual_seed(1)
    model = ContactModel(K, ModelSettings(set_encoder=set_encoder)).eval()
    if model.set_encoder is not None:
        torch.nn.init.normal_(model.set_encoder.out.weight)
    pairs = batch()
    block = torch.arange(12) // 4
    fused, support = torch.randn(3, K), torch.randn(3, 9, K)
    mask = torch.ones(3, 9, dtype=torch.bool)
    together = model(pairs, BlockEnvironment(block, fused, support, mask)).logit
    fused[1:], support[1:] = 5.0, -3.0
    changed = model(pairs, BlockEnvironment(block, fused, support, mask)).logit
    torch.testing.assert_close(together[:4], changed[:4], rtol=0, atol=1e-5)
    assert not torch.allclose(together[4:], changed[4:])
    first = PairBatch(*(part[:4] for part in vars(pairs).values()))
    alone = model(first, BlockEnvironment(block[:4], fused[:1], support[:1], mask[:1])).logit
    torch.testing.assert_close(alone, changed[:4], rtol=0, atol=1e-5)


@torch.no_grad()
def test_a_tied_resistance_falls_with_the_activity_of_the_motifs_that_the_pair_holds() -> None:
    resistance = TiedResistance(K, 0)
    holder, other = torch.zeros(1, K), torch.zeros(1, K)
    holder[0, 2] = 1.0
    environment = torch.zeros(1, K)
    quiet = resistance(holder, other, environment)
    environment[0, 2] = 1.5
    assert resistance(holder, other, environment) < quiet
    assert resistance(other, other, environment) == pytest.approx(float(quiet))
    expected = functional.softplus(torch.tensor(1.0 - 0.3 * 1.5))
    assert resistance(holder, other, environment) == pytest.approx(float(expected))


@torch.no_grad()
def test_cooperative_terms_need_both_elements() -> None:
    torch.manual_seed(2)
    resistance = TiedResistance(K, 3)
    environment = torch.randn(1, K)
    both, none = torch.rand(1, K), torch.zeros(1, K)
    plain = TiedResistance(K, 0)
    plain.load_state_dict({**resistance.state_dict(), "combinations": plain.combinations})
    assert resistance(both, none, environment) == pytest.approx(float(plain(both, none, environment)))
    assert resistance(both, both, environment) != pytest.approx(float(plain(both, both, environment)))


@torch.no_grad()
def test_attention_is_what_its_formula_says() -> None:
    torch.manual_seed(3)
    attention = CrossBoundaryAttention(3, 4, 2, 0.0).eval()
    enhancer, promoter = torch.rand(2, 3, 3), torch.rand(2, 3, 3)
    result = attention(enhancer, promoter)
    features = (enhancer, promoter)
    for n in range(2):
        for side in (0, 1):
            asks, answers = (
                torch.cat([features[s][n, :, 1], features[s][n, :, 2]]) for s in (side, 1 - side)
            )
            query = attention.query(attention.token[side])
            key, value = attention.key(attention.token[1 - side]), attention.value(attention.token[1 - side])
            heads = []
            for head in (slice(0, 2), slice(2, 4)):
                affinity = torch.exp(query[:, head] @ key[:, head].T / 2**0.5) * answers
                weight = affinity / (affinity.sum(dim=1, keepdim=True) + 1.0)
                heads.append(asks @ weight @ value[:, head])
            expected = attention.out(torch.cat(heads))
            torch.testing.assert_close(result[n, 4 * side : 4 * side + 4], expected)


@torch.no_grad()
def test_attention_crosses_the_boundary_only() -> None:
    """What an enhancer's token gives depends on the promoter's motifs, not on its own element's."""
    torch.manual_seed(4)
    attention = CrossBoundaryAttention(3, 4, 1, 0.0).eval()
    promoter = torch.rand(1, 3, 3)

    def gain(background: torch.Tensor) -> torch.Tensor:
        added = background.clone()
        added[0, 0] = 1.0
        return (attention(added, promoter) - attention(background, promoter))[0, :4]

    empty, full = torch.zeros(1, 3, 3), torch.zeros(1, 3, 3)
    full[0, 2] = 1.0
    torch.testing.assert_close(gain(empty), gain(full))


def test_convergence_wants_forward_on_the_left_and_reverse_on_the_right() -> None:
    forward, reverse = torch.tensor([[[1.0, 1.0, 0.0]]]), torch.tensor([[[1.0, 0.0, 1.0]]])
    left, right = torch.tensor([1.0]), torch.tensor([-1.0])
    assert convergence(forward, reverse, left) == 1.0
    assert convergence(reverse, forward, left) == 0.0
    assert convergence(reverse, forward, right) == 1.0
    assert convergence(forward, forward, left) == 0.0


def test_geometry_is_finite_and_tells_near_from_far() -> None:
    geometry = pair_geometry(torch.tensor([0.0, 1e3, 1e6]), torch.ones(3))
    assert torch.isfinite(geometry).all()
    assert torch.equal(geometry[0], geometry[1])
    assert geometry[2, 0] > geometry[1, 0]
