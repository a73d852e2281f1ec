"""The model `motif_regression` is a regression: nothing in it but the softplus of the resistance bends."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cbat.config.load import load_section
from cbat.config.models import ModelSettings
from cbat.model.contact import BlockEnvironment, ContactModel, Energies, PairBatch
from cbat.model.pair import pair_geometry
from cbat.model.resistance import TiedResistance

MODELS = Path(__file__).resolve().parents[3] / "config" / "models"
K, N, N_BLOCKS = 4, 240, 40


def shipped(name: str = "motif_regression") -> ModelSettings:
    return load_section(ModelSettings, MODELS / f"{name}.yaml")


def drawn(settings: ModelSettings, *, landscape: bool = False) -> ContactModel:
    """A model whose every weight is random, in training mode: dropout would show."""
    torch.manual_seed(0)
    model = ContactModel(K, settings, landscape=landscape)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    if isinstance(model.resistance, TiedResistance):
        model.resistance.centre.copy_(torch.rand(2, K))
    return model.double()


def batch(seed: int = 1) -> tuple[PairBatch, BlockEnvironment]:
    """Pairs in blocks of different environments, with support sets."""
    random = torch.Generator().manual_seed(seed)

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=random, dtype=torch.float64)

    upstream = torch.where(uniform(N) < 0.5, 1.0, -1.0).double()
    pairs = PairBatch(uniform(N, K, 3), uniform(N, K, 3), 1e3 + uniform(N) * 1e6, upstream, uniform(N))
    support, mask = uniform(N_BLOCKS, 6, K), torch.ones(N_BLOCKS, 6, dtype=torch.bool)
    fed = uniform(N_BLOCKS, K) - 0.5
    return pairs, BlockEnvironment(torch.arange(N) % N_BLOCKS, fed, support, mask)


def columns(pairs: PairBatch) -> Tensor:
    """Constant, presence of the motifs at both ends, and geometry; shape=(n, 1 + 2 K + 5)."""
    geometry = pair_geometry(pairs.distance, pairs.upstream).double()
    one = torch.ones(len(geometry), 1).double()
    return torch.cat([one, pairs.enhancer[..., 0], pairs.promoter[..., 0], geometry], dim=1)


def products(pairs: PairBatch, environment: BlockEnvironment) -> Tensor:
    """Constant, the environment, and its products with the motifs at both ends; shape=(n, 1 + 3 K)."""
    fused = environment.fused[environment.block]
    one = torch.ones(len(fused), 1).double()
    ends = (pairs.enhancer[..., 0] * fused, pairs.promoter[..., 0] * fused)
    return torch.cat([one, fused, *ends], dim=1)


def inside(found: Energies) -> Tensor:
    """What the softplus of the resistance is taken of, shape=(n,)."""
    return torch.log(torch.expm1(found.environment_resistance))


def unexplained(values: Tensor, design: Tensor) -> float:
    """Largest residual of a least-squares fit."""
    weights = torch.linalg.lstsq(design, values[:, None]).solution
    return float((values - (design @ weights)[:, 0]).abs().max())


@torch.no_grad()
def test_the_energies_are_linear_in_motifs_their_products_with_the_environment_and_geometry() -> None:
    pairs, environment = batch()
    found = drawn(shipped())(pairs, environment)
    potential = found.intrinsic_potential - pairs.potential_offset
    assert unexplained(potential, columns(pairs)) < 1e-9
    assert unexplained(inside(found), products(pairs, environment)) < 1e-9
    # Neither side is trivial, nor does the other's design explain it.
    assert unexplained(potential, products(pairs, environment)) > 0.01
    assert unexplained(inside(found), columns(pairs)) > 0.01


@torch.no_grad()
@pytest.mark.parametrize(
    ("potential", "resistance", "part"),
    [
        (True, False, {"pair_representation": "attention"}),
        (True, False, {"pair_representation": "low_rank"}),
        (True, False, {"hidden_units": 8}),
        (False, True, {"cooperation": True}),
        (False, True, {"set_encoder": "isab_tied"}),
        (False, True, {"environment": "film"}),
    ],
)
def test_every_part_that_is_switched_off_would_bend_an_energy(
    potential: bool, resistance: bool, part: dict
) -> None:
    pairs, environment = batch()
    found = drawn(shipped().model_copy(update=part))(pairs, environment)
    bent = unexplained(found.intrinsic_potential - pairs.potential_offset, columns(pairs))
    assert (bent > 1e-3) == potential
    assert (unexplained(inside(found), products(pairs, environment)) > 1e-3) == resistance


def test_the_full_model_is_the_same_with_combinations_of_motifs() -> None:
    assert shipped("graph_manifold") == shipped().model_copy(update={"cooperation": True})


@torch.no_grad()
def test_motifs_of_the_two_ends_add_up_in_the_potential() -> None:
    """What a motif at one end is worth does not depend on those at the other; strands say nothing."""
    model = drawn(shipped())
    one, _ = batch()
    other, _ = batch(2)

    def potential(enhancer: PairBatch, promoter: PairBatch) -> Tensor:
        mixed = PairBatch(enhancer.enhancer, promoter.promoter, one.distance, one.upstream)
        return model(mixed, None).intrinsic_potential

    both = potential(one, one) + potential(other, other)
    torch.testing.assert_close(both, potential(one, other) + potential(other, one), rtol=0, atol=1e-12)
    strands = PairBatch(one.enhancer.clone(), one.promoter.clone(), one.distance, one.upstream)
    strands.enhancer[..., 1:], strands.promoter[..., 1:] = other.enhancer[..., 1:], other.promoter[..., 1:]
    assert torch.equal(potential(one, one), potential(strands, strands))


@torch.no_grad()
def test_the_logit_is_bent_by_the_softplus_alone() -> None:
    pairs, environment = batch()
    landscape = torch.linspace(-2.0, 3.0, N).double()
    given = PairBatch(**(vars(pairs) | {"landscape_resistance": landscape}))
    model = drawn(shipped(), landscape=True)
    found = model(given, environment)
    relief = landscape - inside(found)
    assert unexplained(relief, products(pairs, environment)) < 1e-9
    expected = found.intrinsic_potential - functional.softplus(landscape - relief)
    torch.testing.assert_close(found.logit, expected, rtol=0, atol=1e-9)


def test_it_has_one_weight_for_each_column() -> None:
    sizes = {name: weight.numel() for name, weight in drawn(shipped()).named_parameters()}
    assert sizes == {
        "level": 1, "linear.weight": 2 * K + 5, "resistance.gain": 1, "resistance.level_share": 1,
        "resistance.enhancer": K, "resistance.promoter": K,
    }  # fmt: skip
