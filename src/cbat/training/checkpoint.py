"""What a training keeps at each evaluation, so that one that was killed goes on from the last.

A checkpoint is one safetensors file: weights, state of the optimiser and of the random generators as
tensors, all else as JSON in its header, with a SHA-256 of both. It lies outside the outputs of the rule,
which Snakemake deletes when a job fails. A new one is written beside the last, which then becomes the
previous, so that at every moment there is a whole one to read.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from cbat.errors import UserError
from cbat.files import atomic_file, remove, remove_stale, replace_by
from cbat.training.distributed import Company
from cbat.training.losses import Objective

log = logging.getLogger(__name__)
LAST: Final = "last.safetensors"
PREVIOUS: Final = "previous.safetensors"
_OPTIMISER, _OBJECTIVE, _BEST = "optimiser.", "objective.", "best."
_RANDOM, _RANDOM_GPU = "random.cpu", "random.cuda"


@dataclass(frozen=True)
class State:
    """Tensors, and what JSON can hold."""

    tensors: dict[str, Tensor]
    record: dict[str, Any]


@dataclass
class Best:
    """The lowest validation loss so far, with its step and the weights of the energy model."""

    loss: float = float("inf")
    step: int = -1
    weights: dict[str, Tensor] | None = None


@dataclass
class Course:
    """All that the next steps of a training depend on.

    Attributes
    ----------
    objective : Objective
    optimiser : Optimizer
    schedule : OneCycleLR
    order : numpy.random.Generator
        Draws the order of the blocks.
    company : Company
        Its processes draw from random generators of their own, each of which is kept.
    best : Best
    history : list of dict
        One row for each evaluation, the first of them before any step.
    waiting : list of list of int
        Blocks of the next steps, until the order of the blocks is drawn again.
    """

    objective: Objective
    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.OneCycleLR
    order: np.random.Generator
    company: Company
    best: Best = field(default_factory=Best)
    history: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[list[int]] = field(default_factory=list)

    @property
    def steps_done(self) -> int:
        """Steps until the last evaluation."""
        return int(self.history[-1]["step"]) if self.history else 0

    def next_steps(self, n: int, n_blocks: int, blocks_per_step: int) -> list[npt.NDArray[np.int64]]:
        """Blocks of the next ``n`` steps: passes over all blocks, each in an order of its own."""
        while len(self.waiting) < n:
            order = self.order.permutation(n_blocks)
            self.waiting += [part.tolist() for part in np.array_split(order, -(-n_blocks // blocks_per_step))]
        drawn, self.waiting = self.waiting[:n], self.waiting[n:]
        return [np.array(blocks, dtype=np.int64) for blocks in drawn]

    def state(self) -> State:
        """Everything, as all processes must ask for it together."""
        tensors = {f"{_OBJECTIVE}{name}": value for name, value in self.objective.state_dict().items()}
        tensors |= {f"{_BEST}{name}": value for name, value in (self.best.weights or {}).items()}
        kept = self.optimiser.state_dict()
        for number, values in kept["state"].items():
            tensors |= {f"{_OPTIMISER}{number}.{name}": value for name, value in values.items()}
        record = {
            "groups": kept["param_groups"],
            "schedule": self.schedule.state_dict(),
            "order": self.order.bit_generator.state,
            "best": {"loss": self.best.loss, "step": self.best.step},
            "history": self.history,
            "waiting": self.waiting,
        }
        return State(tensors | self._random_states(), record)

    def restore(self, state: State) -> None:
        """Go on from a state."""
        record, tensors = state.record, state.tensors
        self.objective.load_state_dict(_below(tensors, _OBJECTIVE))
        of_parameters: dict[int, dict[str, Tensor]] = {}
        for place, value in _below(tensors, _OPTIMISER).items():
            number, _, name = place.partition(".")
            of_parameters.setdefault(int(number), {})[name] = value
        groups = [group | {"betas": tuple(group["betas"])} for group in record["groups"]]
        self.optimiser.load_state_dict({"state": of_parameters, "param_groups": groups})
        self.schedule.load_state_dict(record["schedule"])
        self.order.bit_generator.state = record["order"]
        device = self.company.device
        best = {name: value.to(device) for name, value in _below(tensors, _BEST).items()}
        self.best = Best(record["best"]["loss"], record["best"]["step"], best or None)
        self.history, self.waiting = record["history"], record["waiting"]
        torch.set_rng_state(tensors[_RANDOM][self.company.rank].clone())
        if device.type == "cuda":
            torch.cuda.set_rng_state(tensors[_RANDOM_GPU][self.company.rank].clone(), device)

    def _random_states(self) -> dict[str, Tensor]:
        """State of torch's generators, shape=(n_processes, n_bytes)."""
        found = {_RANDOM: torch.get_rng_state()}
        if self.company.device.type == "cuda":
            found[_RANDOM_GPU] = torch.cuda.get_rng_state(self.company.device)
        of_all = {}
        for name, state in found.items():
            rows = np.zeros((self.company.size, len(state)), dtype=np.uint8)
            rows[self.company.rank] = state.numpy()
            of_all[name] = torch.from_numpy(self.company.add_up(rows))
        return of_all


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


class Checkpoints:
    """The checkpoints of one training, in a folder of their own.

    Parameters
    ----------
    directory : Path
        Nothing else may lie in it.
    key : mapping of str
        What the training is made of and with, see :func:`key_of_training`. A checkpoint of another key is
        not read.
    company : Company
        The first process writes; all read.
    """

    def __init__(self, directory: Path, key: Mapping[str, str], company: Company) -> None:
        self.directory, self.key, self.company = Path(directory), dict(key), company

    def read(self) -> State | None:
        """The newest checkpoint that is whole and of this training; None where there is none.

        What is wrong with others is logged, each in a line.
        """
        state = self._newest()
        # Processes that do not see one file must not go on from different steps.
        done = np.zeros(self.company.size, dtype=np.int64)
        done[self.company.rank] = 0 if state is None else len(state.record["history"])
        everywhere = self.company.add_up(done)
        if state is None or (everywhere != everywhere[0]).any():
            return None
        done_steps = state.record["history"][-1]["step"]
        log.info("resuming after step %d from the checkpoint in %s", done_steps, self.directory)
        return state

    def _newest(self) -> State | None:
        for name in (LAST, PREVIOUS):
            path = self.directory / name
            try:
                key, state = _read(path)
            except FileNotFoundError:
                continue
            except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
                log.warning("the checkpoint %s is damaged and is ignored (%s)", path, error)
                continue
            if key == self.key:
                return state
            other = [name for name in sorted(key | self.key) if key.get(name) != self.key.get(name)]
            log.warning(
                "the checkpoint %s is ignored: it was made with a different %s", path, ", ".join(other)
            )
        return None

    def write(self, course: Course) -> None:
        """Keep where a training is. A disk that is full loses the checkpoint and not the training."""
        state = course.state()
        if not self.company.first:
            return
        record = json.dumps({"key": self.key, **state.record})
        tensors = {name: value.detach().cpu().contiguous() for name, value in state.tensors.items()}
        about = {"record": record, "sha256": _digest(tensors, record)}
        last = self.directory / LAST
        try:
            with atomic_file(last) as temporary:
                save_file(tensors, temporary, metadata=about)
                _to_disk(temporary)
                if last.exists():
                    replace_by(last, self.directory / PREVIOUS)
        except (UserError, OSError) as error:
            log.warning("no checkpoint after step %d; training continues: %s", course.steps_done, error)

    def remove(self) -> None:
        """Take the checkpoints away, once what they were kept for is written."""
        if self.company.first:
            # Nothing else: the folder may be one of the user's.
            for name in (LAST, PREVIOUS):
                remove(self.directory / name)
            remove_stale(self.directory)
            with suppress(OSError):
                self.directory.rmdir()


def _read(path: Path) -> tuple[dict[str, str], State]:
    with safe_open(path, framework="pt") as file:
        about = file.metadata() or {}
        # Copies: the file may be replaced while they are in use.
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    if _digest(tensors, about["record"]) != about["sha256"]:
        raise ValueError("its SHA-256 is not the one in its header")
    record = json.loads(about["record"])
    return record.pop("key"), State(tensors, record)


def _digest(tensors: Mapping[str, Tensor], record: str) -> str:
    digest = hashlib.sha256(record.encode())
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _to_disk(path: Path) -> None:
    """Wait until a file is on the disk, or the name of a lost file could replace a good one."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
