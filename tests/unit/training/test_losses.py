"""Comparisons within blocks, their levels, and the lasso on motif combinations."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.optimize import minimize_scalar
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model.contact import BlockEnvironment, ContactModel, PairBatch
from cbat.training.losses import LEVEL_VARIANCE, Objective, block_levels, contact_loss

SIZES = [32, 7, 1, 20]
BLOCK = torch.repeat_interleave(torch.arange(4), torch.tensor(SIZES))
N = len(BLOCK)


def drawn(shift: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """Logits, and labels that follow them at levels of their own; double precision."""
    generator = torch.Generator().manual_seed(3)
    logit = 2.0 * torch.randn(N, generator=generator, dtype=torch.float64)
    level = torch.tensor([-1.5, 0.0, 0.5, 2.0], dtype=torch.float64)[BLOCK]
    label = (torch.rand(N, generator=generator, dtype=torch.float64) < torch.sigmoid(logit + level)).double()
    return logit + shift, label


def within(number: int) -> slice:
    return slice(sum(SIZES[:number]), sum(SIZES[: number + 1]))


def penalised(logit: np.ndarray, label: np.ndarray, level: float, centre: float = 0.0) -> float:
    """Negative log-posterior of a level whose prior is normal around a centre."""
    margin = (2.0 * label - 1.0) * (logit + level)
    return float(np.logaddexp(0.0, -margin).sum() + (level - centre) ** 2 / (2.0 * LEVEL_VARIANCE))


def by_search(logit: torch.Tensor, label: torch.Tensor, centre: float = 0.0) -> list[float]:
    found = []
    for b in range(len(SIZES)):
        x, y = logit[within(b)].numpy(), label[within(b)].numpy()
        search = minimize_scalar(
            lambda t, x=x, y=y: penalised(x, y, t, centre), bounds=(-15, 15), options={"xatol": 1e-10}
        )
        found.append(float(search.x))
    return found


@pytest.mark.parametrize("shift", [0.0, 4.0, -9.0])
def test_the_level_of_a_block_is_where_its_penalised_likelihood_is_flat(shift: float) -> None:
    logit, label = drawn(shift)
    level = block_levels(logit, label, BLOCK)
    assert level.shape == (4,)
    free = level.double().requires_grad_()
    likelihood = functional.binary_cross_entropy_with_logits(logit + free[BLOCK], label, reduction="sum")
    (likelihood + (free**2).sum() / (2.0 * LEVEL_VARIANCE)).backward()
    assert free.grad.abs().max() < 1e-4
    assert level.tolist() == pytest.approx(by_search(logit, label), abs=1e-4)


@pytest.mark.parametrize("every", [0.0, 1.0])
def test_a_block_of_one_class_has_a_finite_level(every: float) -> None:
    logit = torch.zeros(50)
    level = block_levels(logit, torch.full((50,), every), torch.zeros(50, dtype=torch.int64))
    assert 2.0 < float(level) * (2.0 * every - 1.0) < 8.0


def test_shifting_a_block_changes_the_loss_through_the_weak_prior_only() -> None:
    """Logits + c under a prior around 0 are logits under a prior around c."""
    logit, label = drawn()
    shift = torch.tensor([3.0, -2.0, 1.0, 0.0], dtype=torch.float64)
    shifted = logit + shift[BLOCK]
    level = block_levels(shifted, label, BLOCK)
    total = (level.double() + shift).tolist()
    for b, centre in enumerate(shift.tolist()):
        assert total[b] == pytest.approx(by_search(logit, label, centre)[b], abs=1e-4)
    expected = functional.binary_cross_entropy_with_logits(
        logit + torch.tensor(total, dtype=torch.float64)[BLOCK], label
    )
    assert float(contact_loss(shifted, label.float(), BLOCK)) == pytest.approx(float(expected), abs=1e-5)


def test_with_more_pairs_the_prior_matters_less_and_a_pooled_loss_minds_all_the_same() -> None:
    logit, label = (part[within(0)].float() for part in drawn())
    changes = {}
    for copies in (1, 30):
        x, y = logit.repeat(copies), label.repeat(copies)
        block = torch.zeros(len(x), dtype=torch.int64)
        for kind in (block, None):
            change = contact_loss(x + 3.0, y, kind) - contact_loss(x, y, kind)
            changes[copies, kind is None] = abs(float(change))
    assert changes[1, False] < 0.03
    assert changes[30, False] < 1e-4
    assert changes[1, True] == pytest.approx(changes[30, True], rel=1e-4)
    assert changes[1, True] > 0.3


def gradient(logit: torch.Tensor, label: torch.Tensor, block: torch.Tensor | None) -> torch.Tensor:
    free = logit.float().clone().requires_grad_()
    contact_loss(free, label.float(), block).backward()
    return free.grad.double()


def test_the_gradient_is_that_of_the_likelihood_at_its_best_level() -> None:
    """No gradient passes through the level, and none is missing for it (the envelope theorem)."""
    logit, label = drawn()
    found = gradient(logit, label, BLOCK)

    def profile(x: torch.Tensor) -> float:
        levels = by_search(x, label)
        parts = [
            penalised(x[within(b)].numpy(), label[within(b)].numpy(), level) for b, level in enumerate(levels)
        ]
        return sum(parts) / N

    for row in (0, 10, 33, 39, 45):
        step = torch.zeros(N, dtype=torch.float64)
        step[row] = 1e-3
        slope = (profile(logit + step) - profile(logit - step)) / 2e-3
        assert float(found[row]) == pytest.approx(slope, abs=1e-6)


def test_the_direction_of_the_gradient_does_not_depend_on_the_levels_of_blocks() -> None:
    logit, label = drawn()
    shifted = logit + torch.tensor([2.0, -1.0, 0.0, -2.0], dtype=torch.float64)[BLOCK]

    def alike(block: torch.Tensor | None) -> float:
        one, other = gradient(logit, label, block), gradient(shifted, label, block)
        return float(functional.cosine_similarity(one, other, dim=0))

    assert alike(BLOCK) > 0.995
    assert alike(None) < 0.9
    # What is left that moves a whole block is the pull of the prior on its level.
    pull = torch.zeros(4, dtype=torch.float64).index_add(0, BLOCK, gradient(logit, label, BLOCK))
    level = block_levels(logit, label, BLOCK).double()
    torch.testing.assert_close(pull, -level / LEVEL_VARIANCE / N, rtol=1e-3, atol=1e-6)


def test_a_pooled_loss_is_the_plain_cross_entropy() -> None:
    logit, label = (part.float() for part in drawn())
    expected = -(label * torch.sigmoid(logit).log() + (1 - label) * torch.sigmoid(-logit).log()).mean()
    torch.testing.assert_close(contact_loss(logit, label, None), expected)
    torch.testing.assert_close(gradient(logit, label, None).float(), (torch.sigmoid(logit) - label) / N)


def world(combination: float) -> tuple[PairBatch, BlockEnvironment, torch.Tensor]:
    """Pairs whose labels follow motifs one by one, and the pair of motifs 1 and 3 as strongly as said."""
    rng = np.random.default_rng(5)
    n_blocks, size, k = 40, 40, 5
    n = n_blocks * size
    enhancer, promoter = (rng.random((n, k)) < 0.4 for _ in range(2))
    environment, block = rng.normal(size=(n_blocks, k)), np.repeat(np.arange(n_blocks), size)
    active = environment[block]
    relief = ((enhancer - 0.4) * active).sum(axis=1) + ((promoter - 0.4) * active).sum(axis=1)
    relief += combination * (enhancer[:, 1] - 0.4) * (promoter[:, 3] - 0.4) * active[:, 1]
    label = rng.random(n) < 1 / (1 + np.exp(-(4.0 - np.logaddexp(0.0, 4.0 - relief))))
    features = [torch.from_numpy(part).float()[:, :, None].expand(-1, -1, 3) for part in (enhancer, promoter)]
    pairs = PairBatch(*features, torch.full((n,), 5e4), torch.ones(n))
    fed = BlockEnvironment(torch.from_numpy(block), torch.from_numpy(environment).float())
    return pairs, fed, torch.from_numpy(label).float()


def fitted_combinations(combination: float, penalty: float) -> torch.Tensor:
    pairs, fed, label = world(combination)
    settings = ModelSettings(learning_rate=0.003, dropout=0.0, cooperation_penalty=penalty, weight_decay=0.0)
    torch.manual_seed(0)
    contact = ContactModel(5, settings)
    contact.resistance.centre.fill_(0.4)
    objective = Objective(contact, settings, n_lines=1, n_filters=5)
    optimiser = torch.optim.Adam(contact.parameters(), lr=0.05)
    schedule = torch.optim.lr_scheduler.LinearLR(optimiser, 1.0, 0.01, total_iters=100)
    line = torch.zeros(40, dtype=torch.int64)
    for _ in range(100):
        loss = objective.loss(objective(pairs, fed, line, None), label, fed.block, None)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        schedule.step()
    return contact.resistance.combinations.detach().abs()


def test_the_lasso_leaves_no_combinations_where_motifs_work_one_by_one() -> None:
    free, kept = (fitted_combinations(0.0, penalty) for penalty in (0.0, 0.01))
    assert kept.max() < 0.05
    assert kept.sum() < 0.05 * free.sum()


def test_the_lasso_leaves_the_combination_that_is_there() -> None:
    kept = fitted_combinations(8.0, 0.01)
    assert int(kept.argmax()) == int(np.ravel_multi_index((0, 1, 3), kept.shape))
    assert kept[0, 1, 3] > 1.0
    assert (kept > 0.2).sum() <= 2
