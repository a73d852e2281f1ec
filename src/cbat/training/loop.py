"""Steps of training: blocks in portions, over one process or several, read ahead of the computation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from cbat.config.models import ModelSettings
from cbat.config.sections import TrainingSettings
from cbat.errors import UserError
from cbat.model.blocks import Rows
from cbat.model.contact import BlockEnvironment, PairBatch
from cbat.training.distributed import Company
from cbat.training.episodes import TrainingData
from cbat.training.losses import Objective, Portion

AHEAD: Final = 2
"""Portions that are read before they are needed."""


@dataclass(frozen=True)
class Task:
    """Blocks that one process computes together.

    Attributes
    ----------
    blocks : array
        Places among the blocks of this process.
    portion : Portion
        What part of the step they are; nothing for a process that has no block of it and only keeps pace.
    last : bool
        Whether the step ends with it.
    """

    blocks: Rows
    portion: Portion
    last: bool


@dataclass(frozen=True)
class Batch:
    """The tensors of a task; see :meth:`cbat.training.losses.Objective.loss`."""

    pairs: PairBatch
    label: Tensor
    environment: BlockEnvironment | None
    line: Tensor
    expected: Tensor | None
    block: Tensor


class StepLoss(nn.Module):
    """Energies and loss in one call, as gradients are averaged over processes by the call."""

    def __init__(self, objective: Objective, training: TrainingSettings, device: torch.device) -> None:
        super().__init__()
        self.objective, self.training_settings, self.device = objective, training, device

    def forward(self, batch: Batch, portion: Portion) -> Tensor:
        """The part of the step's loss that a batch makes, shape=()."""
        with self._autocast():
            energies = self.objective(batch.pairs, batch.environment, batch.line, batch.expected)
        return self.objective.loss(energies, batch.label, batch.block, batch.expected, portion)

    def _autocast(self) -> AbstractContextManager[Any]:
        if self.training_settings.precision == "float32":
            return nullcontext()
        return torch.autocast(self.device.type, dtype=torch.bfloat16)


class Loop:
    """Steps over the training blocks, whose gradients are those of one process that computes them at once.

    Parameters
    ----------
    objective : Objective
        On the device.
    data : TrainingData
    training : TrainingSettings
    seed : int
        Of this training.
    device : torch.device
    """

    def __init__(
        self,
        objective: Objective,
        data: TrainingData,
        training: TrainingSettings,
        seed: int,
        device: torch.device,
    ) -> None:
        self.objective, self.data, self.device = objective, data, device
        self.at_once = training.blocks_at_once
        self.company: Company = data.company
        self._losses: list[Tensor] = []
        loss: nn.Module = StepLoss(objective, training, device)
        if self.company.size > 1:
            ids = [device.index] if device.type == "cuda" else None
            loss = DistributedDataParallel(loss, device_ids=ids, forward_sync_buffers=False)
        self.loss = loss
        if self.company.rank > 0:
            # Weights are those of the first process; what is dropped out must not be the same in all.
            torch.manual_seed(seed + 1_000_003 * self.company.rank)

    def run(self, steps: Sequence[Rows], optimiser: torch.optim.Optimizer) -> Iterator[int]:
        """Do some steps, and name after each how many pairs it had in all processes.

        Parameters
        ----------
        steps : sequence of int array
            Blocks of each step, by their number among those of all processes.
        optimiser : Optimizer
        """
        self._losses = []
        clip = self.objective.settings.gradient_clip
        tasks = [self.tasks(blocks) for blocks in steps]
        batches = self._ahead([task for step in tasks for task in step])
        for blocks, step in zip(steps, tasks, strict=True):
            optimiser.zero_grad()
            total = torch.zeros((), device=self.device)
            for task in step:
                batch = moved(next(batches), self.device)
                with nullcontext() if task.last else self._unsynchronised():
                    loss = self.loss(batch, task.portion)
                    # The gradients of several processes are averaged, and their losses are parts of a sum.
                    (loss * self.company.size).backward()
                total += loss.detach()
            nn.utils.clip_grad_norm_(self.objective.parameters(), clip)
            optimiser.step()
            self._losses.append(total)
            yield int(self.data.share.sizes[blocks].sum())

    def mean_loss(self) -> float:
        """Mean loss of the last steps that were run together, over all processes."""
        found = torch.stack(self._losses).double().cpu().numpy()
        return float(np.mean(self.company.add_up(found)))

    def tasks(self, blocks: Rows) -> list[Task]:
        """What this process computes of a step, at most ``blocks_at_once`` blocks together."""
        own, share = self.data.share.own(blocks), self.data.share
        if not len(own):
            return [Task(np.zeros(1, dtype=np.int64), Portion(0.0, 0.0), last=True)]
        n_pairs, size = share.sizes[blocks].sum(), self.at_once or len(own)
        parts = [own[at : at + size] for at in range(0, len(own), size)]
        sizes = np.diff(self.data.training.start)
        return [
            Task(
                part,
                Portion(float(sizes[part].sum() / n_pairs), len(part) / len(blocks)),
                last=number == len(parts) - 1,
            )
            for number, part in enumerate(parts)
        ]

    def batch(self, blocks: Rows) -> Batch:
        """The tensors of some blocks of this process, in memory that a GPU can read while it computes."""
        episodes = self.data.training
        pairs, label = episodes.batch(self.data.elements, blocks)
        expected = None
        if episodes.expected is not None:
            expected = torch.from_numpy(episodes.expected[blocks]).float()
        batch = Batch(
            pairs,
            label,
            episodes.block_environment(self.data.reader, blocks),
            torch.from_numpy(episodes.line[blocks]),
            expected,
            torch.from_numpy(episodes.block_of_pairs(blocks)),
        )
        return pinned(batch) if self.device.type == "cuda" else batch

    def _ahead(self, tasks: Sequence[Task]) -> Iterator[Batch]:
        """The batches of tasks, read by a thread while the ones before are computed."""
        with ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
            waiting: list[Future[Batch]] = []
            try:
                for number in range(len(tasks)):
                    for task in tasks[number + len(waiting) : number + 1 + AHEAD]:
                        waiting.append(reader.submit(self.batch, task.blocks))
                    yield waiting.pop(0).result()
            finally:
                for one in waiting:
                    one.cancel()

    def _unsynchronised(self) -> AbstractContextManager[Any]:
        """Add gradients up within the process; the last task of a step averages them over processes."""
        if isinstance(self.loss, DistributedDataParallel):
            return self.loss.no_sync()
        return nullcontext()


def moved(batch: Batch, device: torch.device) -> Batch:
    """A batch on a device; copies from pinned memory go on while the host does."""
    return Batch(**_mapped(vars(batch), lambda tensor: tensor.to(device, non_blocking=True)))


def pinned(batch: Batch) -> Batch:
    """A batch in page-locked memory, from which a GPU copies by itself."""
    return Batch(**_mapped(vars(batch), lambda tensor: tensor.pin_memory()))


def _mapped(parts: dict[str, Any], change: Callable[[Tensor], Tensor]) -> dict[str, Any]:
    changed = dict(parts)
    for name, part in parts.items():
        if isinstance(part, Tensor):
            changed[name] = change(part)
        elif isinstance(part, PairBatch | BlockEnvironment):
            changed[name] = replace(part, **_mapped(vars(part), change))
    return changed


def check_divisible(settings: ModelSettings, training: TrainingSettings, company: Company) -> None:
    """Refuse to divide the steps of a model whose blocks are read as one.

    Raises
    ------
    UserError
        ``block_attention: crossing`` with several processes or portions.
    """
    if settings.block_attention == "crossing" and (company.size > 1 or training.blocks_at_once):
        raise UserError(
            "block_attention: crossing reads all blocks of a step as one, so no step of it can be divided",
            mend="set training.processes to 1 and training.blocks_at_once to null for this model",
            where="training.processes" if company.size > 1 else "training.blocks_at_once",
        )
