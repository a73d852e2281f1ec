"""Processes that train one model together, as `torchrun` starts them; a run of one is the same code.

Shards are dealt to processes whole, so that each reads its own alone. What needs all of them (statistics of
the candidates, means of the training lines, labels and scores of the validation side) is put together by
:meth:`Company.add_up`: each process fills the rows of its own lines, and all get the sum.
"""

from __future__ import annotations

import ctypes
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
import torch
from torch import distributed

from cbat.config.sections import TrainingSettings
from cbat.errors import UserError
from cbat.files import write_json

log = logging.getLogger(__name__)
Number = TypeVar("Number", bound=np.generic)
LAUNCHED: Final = "CBAT_LAUNCHED"
"""Set where `cbat train_model` itself has started the processes, and tells the user what they say."""
PEER_LOST: Final = 3
"""Exit status of a process that stops because another one has."""
_PARENT_DEATH_SIGNAL: Final = 1  # PR_SET_PDEATHSIG of prctl(2)
_OF_A_LOST_PEER: Final = (
    "closed by peer", "Connection reset", "Broken pipe", "Timed out waiting", "NCCL", "recvValue failed",
)  # fmt: skip


@dataclass(frozen=True)
class Company:
    """One process among those that train a model.

    Attributes
    ----------
    rank, size : int
        Its number, from 0, and how many there are.
    device : torch.device
        Where it computes.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and speaks."""
        return self.rank == 0

    def add_up(self, array: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """The sum of an array over all processes, the same bits in each."""
        if self.size == 1:
            return array
        # NCCL reads the memory of GPUs alone.
        tensor = torch.from_numpy(np.array(array, order="C")).to(self.device)
        distributed.all_reduce(tensor)
        return np.asarray(tensor.cpu().numpy())


ALONE: Final = Company()


def started_by_torchrun() -> bool:
    """Whether this process is one of several that `torchrun` watches."""
    return distributed.is_torchelastic_launched()


def choose_device(training: TrainingSettings) -> torch.device:
    """The device that the settings ask for; of several GPUs the one that `torchrun` has numbered.

    Raises
    ------
    UserError
        ``cuda`` on a machine without a GPU, or with fewer than there are processes on it.
    """
    available = torch.cuda.is_available()
    if training.device == "cuda" and not available:
        raise UserError(
            "training.device is 'cuda', but torch finds no GPU here",
            mend="set it to 'auto' or 'cpu', or install a build of torch for your GPU",
            where="training.device",
        )
    if not available or training.device == "cpu":
        return torch.device("cpu")
    if not started_by_torchrun():
        return torch.device("cuda")
    local, n = int(os.environ["LOCAL_RANK"]), torch.cuda.device_count()
    if local >= n:
        raise UserError(
            f"process {local + 1} of this machine has no GPU of its own: torch finds {n}",
            mend=f"set training.processes to {n} at the most",
            where="training.processes",
        )
    return torch.device("cuda", local)


@contextmanager
def join(training: TrainingSettings) -> Iterator[Company]:
    """One process joins the others: gloo between processors, NCCL between GPUs.

    A mistake that one process finds is handed to whoever started it, and ends the others.
    """
    if not started_by_torchrun():
        yield Company(device=choose_device(training))
        return
    # It may come while the process waits for others in a library, where no handler of Python would run.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    _end_with_the_parent()
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if rank > 0:
        logging.getLogger().setLevel(logging.WARNING)
    try:
        device = choose_device(training)
        if device.type == "cuda":
            torch.cuda.set_device(device)
        distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        yield Company(rank, size, device)
        # Without it, a process that is done could take the store away from one that still writes.
        distributed.barrier()
        distributed.destroy_process_group()
    except UserError as error:
        _hand_over(error)
        raise
    except RuntimeError as error:
        if not any(sign in str(error) for sign in _OF_A_LOST_PEER):
            raise
        _leave_word({"lost": str(error).strip().splitlines()[0]})
        sys.exit(PEER_LOST)


def _end_with_the_parent() -> None:
    """Let the kernel end this process when the one that watches it is killed: nobody else would."""
    if os.environ.get(LAUNCHED) and sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGTERM)


def _hand_over(error: UserError) -> None:
    """Leave a mistake to whoever started this process, to be told once."""
    told = {"problem": error.problem, "mend": error.mend, "where": error.where}
    told["file"] = None if error.file is None else str(error.file)
    _leave_word(told)
    if os.environ.get(LAUNCHED):
        # Whoever started this process tells the user; the others must not tell it again.
        sys.exit(2)


def _leave_word(told: dict[str, str | None]) -> None:
    """Write where `torchrun` expects what a process says of its end."""
    path = os.environ.get("TORCHELASTIC_ERROR_FILE")
    if path:
        message = {"message": json.dumps(told), "extraInfo": {"timestamp": str(int(time.time()))}}
        write_json(path, {"message": message})
