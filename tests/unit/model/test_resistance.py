"""The forms of the environment resistance: gauge, sign, and what each can and cannot change."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model.contact import BlockEnvironment, ContactModel, PairBatch
from cbat.model.resistance import PairDescription, TiedResistance

K = 7
ONE = torch.zeros(1, dtype=torch.int64)
FORMS = ["tied", "scalar", "film"]


def described(enhancer: torch.Tensor, promoter: torch.Tensor) -> PairDescription:
    n = len(enhancer)
    return PairDescription(torch.zeros(n), enhancer, promoter, torch.randn(n, 5), torch.randn(n, 32))


def pairs(n: int) -> PairBatch:
    return PairBatch(
        torch.rand(n, K, 3), torch.rand(n, K, 3), torch.rand(n) * 1e5, torch.tensor([1.0, -1.0] * (n // 2))
    )


def model(form: str, **over) -> ContactModel:
    """A model whose every weight is drawn anew, so that nothing holds only at the start."""
    torch.manual_seed(0)
    made = ContactModel(K, ModelSettings(environment=form, **over)).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    if form == "tied":
        made.resistance.centre.copy_(torch.rand(2, K))
    return made


@torch.no_grad()
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("offset", [0.5, 3.0])
def test_in_the_average_environment_every_pair_meets_the_same_resistance(form: str, offset: float) -> None:
    found = model(form, resistance_offset=offset)(
        pairs(12), BlockEnvironment(torch.arange(12) // 6, torch.zeros(2, K))
    ).environment_resistance
    expected = float(functional.softplus(torch.tensor(offset)))
    torch.testing.assert_close(found, torch.full((12,), expected), rtol=0, atol=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("form", FORMS)
def test_the_resistance_is_never_negative(form: str) -> None:
    environment = BlockEnvironment(torch.arange(200) // 20, 100.0 * torch.randn(10, K))
    found = model(form)(pairs(200), environment).environment_resistance
    assert (found >= 0).all()
    assert found.std() > 0


@pytest.mark.parametrize("form", FORMS)
def test_the_offset_is_a_constant_that_is_saved_with_the_weights(form: str) -> None:
    made = model(form, resistance_offset=2.5)
    assert "resistance.offset" not in dict(made.named_parameters())
    assert made.state_dict()["resistance.offset"] == 2.5


@torch.no_grad()
def test_a_scalar_resistance_never_changes_the_order_within_a_line() -> None:
    made, asked = model("scalar"), pairs(200)
    label = np.random.default_rng(0).random(200) < 0.3
    off = made(asked, None)
    for environment in 3.0 * torch.randn(20, K):
        on = made(asked, BlockEnvironment(torch.zeros(200, dtype=torch.int64), environment[None]))
        assert on.environment_resistance.unique().numel() == 1
        # Energies as an evaluation reads them: their difference in double precision.
        one, other = (e.intrinsic_potential.double() - e.environment_resistance.double() for e in (on, off))
        assert torch.equal(one.argsort(stable=True), other.argsort(stable=True))
        assert average_precision_score(label, one) == average_precision_score(label, other)


@torch.no_grad()
@pytest.mark.parametrize("form", ["tied", "film"])
def test_the_other_forms_change_the_order(form: str) -> None:
    made, asked = model(form), pairs(200)
    off, changed = made(asked, None).logit.argsort(), 0
    for environment in torch.randn(20, K):
        on = made(asked, BlockEnvironment(torch.zeros(200, dtype=torch.int64), environment[None])).logit
        changed += not torch.equal(on.argsort(), off)
    assert changed >= 5  # where an environment lifts all resistance, there is none to order by


@torch.no_grad()
def test_a_tied_resistance_falls_with_the_activity_of_the_motifs_that_the_pair_holds() -> None:
    resistance = TiedResistance(K, False, 1.0)
    resistance.gain.fill_(0.1)
    holder, other = torch.zeros(1, K), torch.zeros(1, K)
    holder[0, 2] = 1.0
    environment = torch.zeros(1, K)
    quiet = resistance(described(holder, other), environment, ONE)
    environment[0, 2] = 1.5
    found = resistance(described(holder, other), environment, ONE)
    assert found < quiet
    assert resistance(described(other, other), environment, ONE) == pytest.approx(float(quiet))
    assert found == pytest.approx(float(functional.softplus(torch.tensor(1.0 - 0.3 * 1.5))))


@torch.no_grad()
def test_combinations_need_both_elements() -> None:
    torch.manual_seed(2)
    resistance, plain = TiedResistance(K, True, 1.0), TiedResistance(K, False, 1.0)
    torch.nn.init.normal_(resistance.combinations)
    assert plain.combinations is None
    environment = torch.randn(1, K)
    both, none = torch.rand(1, K), torch.zeros(1, K)
    plain.load_state_dict(
        {name: value for name, value in resistance.state_dict().items() if name != "combinations"}
    )
    for enhancer, promoter, alike in ((both, none, True), (none, both, True), (both, both, False)):
        pair = described(enhancer, promoter)
        assert bool(torch.isclose(resistance(pair, environment, ONE), plain(pair, environment, ONE))) == alike


@torch.no_grad()
def test_combinations_are_none_at_the_start() -> None:
    fresh = TiedResistance(K, True, 1.0)
    assert fresh.combinations.shape == (2, K, K)
    assert (fresh.combinations == 0).all()
    pair, environment = described(torch.rand(5, K), torch.rand(5, K)), torch.randn(1, K)
    block = torch.zeros(5, dtype=torch.int64)
    assert torch.equal(
        fresh(pair, environment, block), TiedResistance(K, False, 1.0)(pair, environment, block)
    )


@torch.no_grad()
def test_the_tied_resistance_is_what_its_formula_says() -> None:
    resistance = model("tied").resistance
    pair, environment = described(torch.rand(3, K), torch.rand(3, K)), torch.randn(3, K)
    (level_e, level_p), (combine_e, combine_p) = resistance.centre, resistance.combinations
    expected = []
    for n in range(3):
        m, e, p = environment[n], pair.enhancer[n] - level_e, pair.promoter[n] - level_p
        relief = (resistance.enhancer * e + resistance.promoter * p) @ m
        relief += resistance.level_share * (resistance.enhancer * level_e + resistance.promoter * level_p) @ m
        relief *= 10.0 * resistance.gain
        for k in range(K):
            for other in range(K):
                relief += e[k] * p[other] * (combine_e[k, other] * m[k] + combine_p[k, other] * m[other])
        expected.append(functional.softplus(resistance.offset - relief))
    torch.testing.assert_close(resistance(pair, environment, torch.arange(3)), torch.stack(expected))


@torch.no_grad()
def test_the_level_share_moves_all_pairs_of_a_block_alike() -> None:
    """With all else equal the share changes no order, and the levels of blocks by what it says."""
    made, asked = model("tied", resistance_offset=30.0), described(torch.rand(40, K), torch.rand(40, K))
    environment, block = torch.randn(2, K), torch.arange(40) // 20
    made.resistance.combinations.zero_()
    found = []
    for share in (0.0, 1.0):
        made.resistance.level_share.fill_(share)
        found.append(made.resistance(asked, environment, block))
    centre = made.resistance.centre
    level = environment @ (made.resistance.enhancer * centre[0] + made.resistance.promoter * centre[1])
    level *= 10.0 * made.resistance.gain
    # So far from zero that softplus is the identity.
    torch.testing.assert_close(found[0] - found[1], level[block], rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_free_map_is_what_its_formula_says() -> None:
    made = model("film", pair_representation="attention")
    resistance, pair = made.resistance, described(torch.rand(3, K), torch.rand(3, K))
    environment = torch.randn(3, K)
    v = torch.cat([pair.enhancer, pair.promoter, pair.geometry, pair.products], dim=1)

    def h(m: torch.Tensor) -> torch.Tensor:
        scale, shift = resistance.modulate(m).split(24, dim=1)
        return (
            functional.gelu((1 + scale) * functional.gelu(resistance.read(v)) + shift)
            @ resistance.out.weight[0]
        )

    expected = functional.softplus(resistance.offset + h(environment) - h(torch.zeros(3, K)))
    torch.testing.assert_close(resistance(pair, environment, torch.arange(3)), expected)


@torch.no_grad()
@pytest.mark.parametrize("form", FORMS)
def test_training_starts_at_even_odds(form: str) -> None:
    torch.manual_seed(0)
    fresh = ContactModel(K, ModelSettings(environment=form)).eval()
    found = fresh(pairs(200), BlockEnvironment(torch.arange(200) // 20, torch.randn(10, K))).logit
    assert abs(float(found.mean())) < 0.5
