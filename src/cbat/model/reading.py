"""Elements read with an encoder, by this process or by several."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cbat.errors import UserError
from cbat.model.encoder import MotifEncoder
from cbat.workers import worker_pool

Method = Callable[[MotifEncoder, Tensor], Tensor | tuple[Tensor, ...]]
Arrays = tuple[npt.NDArray[Any], ...]


@dataclass(frozen=True)
class Reading:
    """Reads elements in ``n_workers`` processes, or in this one.

    An element reads the same to the last bit whatever is read beside it, so their number changes nothing.
    """

    n_workers: int = 1
    pool: ProcessPoolExecutor | None = None

    def read(self, method: Method, encoder: MotifEncoder, codes: Tensor) -> tuple[Tensor, ...]:
        """What a method of the encoder says of elements.

        Parameters
        ----------
        method : callable
            A function of a module or a class, of encoder and codes; its results are shape=(n, ...).
        encoder : MotifEncoder
        codes : Tensor of uint8, shape=(n, length)

        Raises
        ------
        UserError
            A process was killed.
        """
        if self.pool is None or len(codes) < self.n_workers:
            found = method(encoder, codes)
            return found if isinstance(found, tuple) else (found,)
        weights = encoder.filters.numpy(), encoder.prior.numpy()
        parts = np.array_split(codes.numpy(), self.n_workers)
        try:
            jobs = [self.pool.submit(_read, method, *weights, part) for part in parts]
            results = [job.result() for job in jobs]
        except BrokenProcessPool as error:
            raise UserError(
                "a process that read elements was killed, perhaps for lack of memory",
                mend="give the job more memory, or set training.threads to 1",
            ) from error
        return tuple(torch.from_numpy(np.concatenate(columns)) for columns in zip(*results, strict=True))


HERE = Reading()
"""Reads in this process."""


@contextmanager
def reading(n_workers: int) -> Iterator[Reading]:
    """A reading in so many processes, which end with the context."""
    if n_workers <= 1:
        yield HERE
        return
    with worker_pool(n_workers) as pool:
        # Processes start when they are asked for something, and take a while until torch is there.
        for _ in range(n_workers):
            pool.submit(import_module, "torch")
        yield Reading(n_workers, pool)


def _read(
    method: Method,
    filters: npt.NDArray[np.float32],
    prior: npt.NDArray[np.float32],
    codes: npt.NDArray[np.uint8],
) -> Arrays:
    torch.set_num_threads(1)
    encoder = MotifEncoder(torch.from_numpy(filters), torch.from_numpy(prior))
    return tuple(part.numpy() for part in HERE.read(method, encoder, torch.from_numpy(codes)))
