"""The energy model: what its parts may depend on, and identities that its algebra promises."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from cbat.config.models import ModelSettings
from cbat.model.contact import BlockEnvironment, ContactModel, Energies, PairBatch
from cbat.model.pair import CrossBoundaryAttention, convergence, pair_geometry

K = 7


def batch(n: int = 12) -> PairBatch:
    return PairBatch(
        torch.rand(n, K, 3), torch.rand(n, K, 3), torch.rand(n) * 1e5, torch.tensor([1.0, -1.0] * (n // 2))
    )


def blocks(n: int = 12, n_blocks: int = 3) -> BlockEnvironment:
    return BlockEnvironment(torch.arange(n) * n_blocks // n, torch.randn(n_blocks, K))


@pytest.fixture(params=["attention", "low_rank", "motifs"])
def model(request) -> ContactModel:
    torch.manual_seed(0)
    return awake(ContactModel(K, ModelSettings(pair_representation=request.param)).eval())


def awake(model: ContactModel) -> ContactModel:
    """Weights that start at 0 drawn at random, so that what they weigh has something to say."""
    for parameter in model.parameters():
        if not parameter.detach().any():
            torch.nn.init.normal_(parameter, std=0.3)
    return model


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


def three_blocks(settings: ModelSettings) -> tuple[ContactModel, PairBatch, BlockEnvironment]:
    """A model whose set encoder has something to say, and three blocks of four pairs."""
    torch.manual_seed(1)
    model = awake(ContactModel(K, settings).eval())
    mask = torch.ones(3, 9, dtype=torch.bool)
    mask[1, 6:] = False
    return (
        model,
        batch(),
        BlockEnvironment(torch.arange(12) // 4, torch.randn(3, K), torch.randn(3, 9, K), mask),
    )


@torch.no_grad()
@pytest.mark.parametrize("environment", ["tied", "scalar", "film"])
@pytest.mark.parametrize("set_encoder", ["none", "isab", "isab_tied"])
def test_blocks_do_not_see_one_another(set_encoder: str, environment: str) -> None:
    """A pair scores the same alone, beside other blocks, and whatever these other blocks hold."""
    model, pairs, fed = three_blocks(ModelSettings(set_encoder=set_encoder, environment=environment))
    together = model(pairs, fed).logit
    fed.fused[1:], fed.support[1:] = 5.0, -3.0
    changed = model(pairs, fed).logit
    assert torch.equal(together[:4], changed[:4])
    assert not torch.allclose(together[4:], changed[4:])
    first = PairBatch(*(part[:4] for part in vars(pairs).values() if part is not None))
    alone = model(
        first, BlockEnvironment(fed.block[:4], *(p[:1] for p in (fed.fused, fed.support, fed.mask)))
    )
    torch.testing.assert_close(alone.logit, changed[:4], rtol=0, atol=1e-5)


def reach_of_a_support_set(settings: ModelSettings) -> tuple[torch.Tensor, torch.Tensor]:
    """What block 0 changes in each block's output by an edit, and its gradient there, shape=(3,) each."""
    model, pairs, fed = three_blocks(settings)
    fed.support.requires_grad_()
    output = model(pairs, fed).logit.view(3, 4)
    gradient = [torch.autograd.grad(part.sum(), fed.support, retain_graph=True)[0][0] for part in output]
    edited = fed.support.detach().clone()
    edited[0] += 1.0
    with torch.no_grad():
        changed = model(pairs, BlockEnvironment(fed.block, fed.fused, edited, fed.mask)).logit.view(3, 4)
    return (changed - output).abs().amax(dim=1), torch.stack([part.abs().max() for part in gradient])


@pytest.mark.parametrize("environment", ["tied", "film"])
@pytest.mark.parametrize("set_encoder", ["isab", "isab_tied"])
def test_isolation_of_blocks_is_exact_and_crossing_attention_breaks_it(
    set_encoder: str, environment: str
) -> None:
    settings = ModelSettings(set_encoder=set_encoder, environment=environment)
    for reach in reach_of_a_support_set(settings):
        assert reach[0] > 1e-4
        assert (reach[1:] == 0.0).all()
    crossing = settings.model_copy(update={"block_attention": "crossing"})
    for reach in reach_of_a_support_set(crossing):
        assert (reach > 1e-6).all()


@torch.no_grad()
def test_blocks_with_crossing_attention_are_one_set() -> None:
    model, _, fed = three_blocks(ModelSettings(set_encoder="isab", block_attention="crossing"))
    read = model.fed(fed)
    assert torch.equal(read[0], read[1])
    flat = BlockEnvironment(
        fed.block, fed.fused.mean(dim=0)[None], fed.support.flatten(0, 1)[None], fed.mask.flatten()[None]
    )
    isolated = ContactModel(K, ModelSettings(set_encoder="isab")).eval()
    isolated.load_state_dict(model.state_dict())
    torch.testing.assert_close(isolated.fed(flat)[0], read[0])


@torch.no_grad()
@pytest.mark.parametrize("environment", ["none", "tied", "scalar", "film"])
@pytest.mark.parametrize("pair_representation", ["attention", "low_rank", "motifs"])
def test_a_model_that_has_learned_nothing_is_its_law(environment: str, pair_representation: str) -> None:
    """Of what is given with the pairs nothing is bent, and nothing is added to it."""
    torch.manual_seed(2)
    settings = ModelSettings(environment=environment, pair_representation=pair_representation)
    model = ContactModel(K, settings, landscape=True).eval()
    offset, landscape = 25.0 + torch.randn(12), 25.0 + 3.0 * torch.randn(12)
    pairs = replace(batch(), potential_offset=offset, landscape_resistance=landscape)
    found = model(pairs, blocks())
    torch.testing.assert_close(found.logit, offset - landscape, rtol=0, atol=1e-5)
    torch.testing.assert_close(found.environment_resistance, landscape, rtol=0, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("environment", ["tied", "scalar", "film"])
def test_offset_and_landscape_enter_each_energy_once(environment: str) -> None:
    model = awake(ContactModel(K, ModelSettings(environment=environment)).eval())
    pairs, fed, offset, landscape = batch(), blocks(), torch.randn(12), torch.randn(12)
    given = replace(pairs, potential_offset=offset, landscape_resistance=landscape)
    before, after = model(pairs, fed), model(given, fed)
    moved = after.intrinsic_potential - before.intrinsic_potential
    torch.testing.assert_close(moved, offset, rtol=0, atol=1e-5)

    def inner(energies: Energies) -> torch.Tensor:
        return torch.log(torch.expm1(energies.environment_resistance))

    torch.testing.assert_close(inner(after) - inner(before), landscape, rtol=0, atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("environment", ["none", "tied", "film"])
def test_a_pair_without_bases_is_one_of_average_motifs(environment: str) -> None:
    """Whatever its features are, it has the level of the potential and that of its line's environment."""
    model = awake(ContactModel(K, ModelSettings(environment=environment)).eval())
    model.centre_sequence_at(0.7)
    known = torch.tensor([1.0, 0.0] * 6)
    offset, fed = torch.randn(12), BlockEnvironment(torch.zeros(12, dtype=torch.int64), torch.randn(1, K))
    found = [model(replace(batch(), potential_offset=offset, sequence_known=known), fed) for _ in range(2)]
    for energies in found:
        torch.testing.assert_close(energies.intrinsic_potential[1::2], model.level + offset[1::2])
        assert energies.environment_resistance[1::2].unique().numel() == 1
    assert (found[0].logit != found[1].logit)[::2].all()
    assert torch.equal(found[0].logit[1::2], found[1].logit[1::2])


@torch.no_grad()
def test_the_landscape_alone_makes_a_resistance() -> None:
    pairs = replace(batch(), landscape_resistance=torch.randn(12))
    model = ContactModel(K, ModelSettings(environment="none"), landscape=True).eval()
    assert model.set_encoder is None
    expected = torch.nn.functional.softplus(model.resistance.offset + pairs.landscape_resistance)
    torch.testing.assert_close(model(pairs, blocks()).environment_resistance, expected)
    assert ContactModel(K, ModelSettings(environment="none")).resistance is None


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
