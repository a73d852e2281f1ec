"""The average line: its environment is 0, and its resistance that of the offset and the landscape."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.graph.propagation import PrototypeGraph
from cbat.model.blocks import read_environment
from cbat.model.contact import BlockEnvironment, ContactModel, PairBatch
from cbat.model.resistance import TiedResistance
from cbat.model.teacher import Teacher

K, N = 7, 40
FORMS = ["tied", "scalar", "film"]
SET_ENCODERS = ["none", "isab", "isab_tied"]


def drawn(settings: ModelSettings, *, landscape: bool = False) -> ContactModel:
    """A model whose every weight is random."""
    torch.manual_seed(0)
    made = ContactModel(K, settings, landscape=landscape).eval()
    for parameter in made.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    if isinstance(made.resistance, TiedResistance):
        made.resistance.centre.copy_(torch.rand(2, K))
    if made.set_encoder is not None:
        made.set_encoder.settle(torch.rand(K))
    return made


def pairs(landscape: torch.Tensor | None = None) -> PairBatch:
    upstream = torch.tensor([1.0, -1.0] * (N // 2))
    return PairBatch(torch.rand(N, K, 3), torch.rand(N, K, 3), torch.rand(N) * 1e5, upstream, None, landscape)


def fed(fused: torch.Tensor, n_support: int) -> BlockEnvironment:
    """Every block with a support set of its own."""
    n_blocks = len(fused)
    support = 3.0 * torch.randn(n_blocks, n_support, K)
    block = torch.arange(N) * n_blocks // N
    return BlockEnvironment(block, fused, support, torch.ones(n_blocks, n_support, dtype=torch.bool))


@torch.no_grad()
@pytest.mark.parametrize("n_support", [0, 1, 16, 256])
@pytest.mark.parametrize("set_encoder", SET_ENCODERS)
@pytest.mark.parametrize("environment", FORMS)
def test_in_an_average_line_all_pairs_meet_the_offset(
    environment: str, set_encoder: str, n_support: int
) -> None:
    """Exactly, whatever the support sets of its blocks hold besides their mean."""
    model = drawn(ModelSettings(environment=environment, set_encoder=set_encoder))
    given = fed(torch.zeros(5, K), n_support)
    assert (model.fed(given) == 0).all()
    found = model(pairs(), given).environment_resistance
    assert (found == functional.softplus(model.resistance.offset)).all()
    elsewhere = model(pairs(), fed(torch.randn(5, K), n_support)).environment_resistance
    assert (elsewhere != found).all()


@torch.no_grad()
@pytest.mark.parametrize("set_encoder", SET_ENCODERS)
@pytest.mark.parametrize("environment", FORMS)
def test_in_an_average_line_the_landscape_alone_tells_pairs_apart(environment: str, set_encoder: str) -> None:
    model = drawn(ModelSettings(environment=environment, set_encoder=set_encoder), landscape=True)
    landscape = torch.randn(N)
    found = model(pairs(landscape), fed(torch.zeros(5, K), 16)).environment_resistance
    assert torch.equal(found, functional.softplus(landscape))


@torch.no_grad()
@pytest.mark.parametrize("set_encoder", ["isab", "isab_tied"])
def test_a_set_encoder_is_one_function_of_all_sizes(set_encoder: str) -> None:
    """It says nothing of the environment without the environment: what is twice as far weighs twice."""
    model = drawn(ModelSettings(set_encoder=set_encoder))
    fused = torch.randn(1, K)
    nothing = fed(fused, 0)
    read = model.fed(nothing)
    torch.testing.assert_close(read, fused * (1.0 + model.set_encoder.usual))
    assert (read != fused).all()
    masked = BlockEnvironment(nothing.block, fused, torch.randn(1, 9, K), torch.zeros(1, 9, dtype=torch.bool))
    assert torch.equal(model.fed(masked), read)


def a_teacher(graph: PrototypeGraph | None = None) -> Teacher:
    lines = [f"line_{number}" for number in range(6)]
    random = np.random.default_rng(4)
    return Teacher.fit(lines, random.normal(0.0, 0.3, (6, K)), np.full(6, 500.0), graph)


@pytest.mark.parametrize("without", [None, "line_2"])
@pytest.mark.parametrize("alignment", ["fusion", "none"])
@pytest.mark.parametrize("n", [0, 1, 16, 256, 5000])
def test_the_support_set_of_an_average_line_says_exactly_nothing(
    n: int, alignment: str, without: str | None
) -> None:
    """Without a graph, the average line is what a line without relatives is expected to be."""
    teacher, settings = a_teacher(), ModelSettings(alignment=alignment)
    average = teacher.expectation(None, without).mean
    found = read_environment(settings, teacher, average, n, "any", without)
    assert (found == 0.0).all()
    if n:
        assert (read_environment(settings, teacher, average + 0.1, n, "any", without) > 0.0).all()


def test_the_larger_the_support_set_the_more_its_own_mean_counts() -> None:
    teacher, settings = a_teacher(), ModelSettings()
    own = teacher.centre + 1.0
    distances = [
        np.abs(read_environment(settings, teacher, own, n, None) - 1.0 / teacher.spread).max()
        for n in (1, 16, 256, 5000)
    ]
    assert all(one > other for one, other in pairwise(distances))
    assert distances[-1] < 0.05 * distances[0]
