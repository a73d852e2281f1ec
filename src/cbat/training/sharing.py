"""Which process reads which shards, and where its blocks stand among those of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from cbat.data.shards import Outline, Shard, read_outline, read_shard
from cbat.errors import UserError
from cbat.model.blocks import Rows
from cbat.training.distributed import Company


@dataclass(frozen=True)
class Share:
    """The blocks of this process among those of all.

    Attributes
    ----------
    sizes : array, shape=(n_blocks,)
        Pairs of every block, of all processes.
    place : array, shape=(n_blocks,)
        Where this process has the block among its own, -1 where another process has it.
    """

    sizes: Rows
    place: Rows

    @classmethod
    def dealt(cls, sizes: Rows, company: Company) -> Share:
        """Blocks that every process has, of which each computes every ``company.size``-th."""
        number = np.arange(len(sizes))
        return cls(sizes, np.where(number % company.size == company.rank, number, -1))

    @classmethod
    def of_lines(cls, sizes: Rows, line: Rows, n_blocks: Sequence[int], company: Company) -> Share:
        """Blocks of whole lines.

        Parameters
        ----------
        sizes, line : array, shape=(n_own,)
            Pairs and number of the line of this process's blocks, line after line.
        n_blocks : sequence of int
            Blocks of each line, of all processes.
        company : Company
        """
        within = np.arange(len(line)) - np.searchsorted(line, line)
        at = starts(n_blocks)[line] + within
        total = int(np.sum(n_blocks))
        place = np.full(total, -1, dtype=np.int64)
        place[at] = np.arange(len(line))
        return cls(placed(total, at, sizes, company), place)

    def own(self, blocks: Rows) -> Rows:
        """Places of those of some blocks that this process has, in their order."""
        here = self.place[blocks]
        return here[here >= 0]


def read_shares(
    directories: Sequence[Path], train_lines: Sequence[str], company: Company, *, all_of_them: bool
) -> tuple[list[Shard], list[Outline] | None]:
    """The shards of this process, and the outlines of all where it does not have them all.

    Parameters
    ----------
    directories : sequence of Path
    train_lines : sequence of str
    company : Company
    all_of_them : bool
        Whether every process needs every shard, as for blocks of mixed lines.

    Raises
    ------
    UserError
        A damaged shard; more processes than training lines.
    """
    if company.size == 1 or all_of_them:
        return [read_shard(path) for path in directories], None
    outlines = [read_outline(path) for path in directories]
    train = {one.cell_line: one.n_blocks["train"] for one in outlines if one.cell_line in train_lines}
    others = {one.cell_line: one.n_blocks["validation"] for one in outlines if one.cell_line not in train}
    n_lines = sum(n > 0 for n in train.values())
    if company.size > n_lines:
        raise UserError(
            f"{company.size} processes cannot share {n_lines} training lines: each reads whole shards",
            mend=f"set training.processes to {n_lines} at the most",
            where="training.processes",
        )
    owner = deal(train, others, company.size)
    own = [
        path for path, one in zip(directories, outlines, strict=True) if owner[one.cell_line] == company.rank
    ]
    return [read_shard(path) for path in own], outlines


def deal(train: Mapping[str, int], others: Mapping[str, int], n: int) -> dict[str, int]:
    """The process that reads each shard: the largest first, to whoever has least to do.

    Parameters
    ----------
    train : mapping
        Training line -> number of its training blocks.
    others : mapping
        Line that validates only -> number of its validation blocks; dealt last, so that each process trains.
    n : int
        Processes.
    """
    load = dict.fromkeys(range(n), 0)
    owner = {}
    for lines in (train, others):
        for line in sorted(lines, key=lambda name: -lines[name]):
            owner[line] = min(load, key=lambda rank: (load[rank], rank))
            load[owner[line]] += lines[line]
    return owner


def starts(sizes: Sequence[int] | Rows) -> Rows:
    """Where each of several consecutive parts starts, and the end of the last, shape=(n + 1,)."""
    return np.concatenate([[0], np.cumsum(np.asarray(sizes, dtype=np.int64))]).astype(np.int64)


def pairs_of_blocks(start: Rows, blocks: Rows) -> Rows:
    """Rows of the pairs of some blocks, one block after the other."""
    return np.concatenate([np.zeros(0, np.int64), *(np.arange(start[b], start[b + 1]) for b in blocks)])


def placed(n: int, at: Rows, values: npt.NDArray[Any], company: Company) -> npt.NDArray[Any]:
    """An array of which each process knows some rows, whole in all of them, shape=(n, ...)."""
    if company.size == 1:
        return values
    whole = np.zeros((n, *values.shape[1:]), dtype=values.dtype)
    whole[at] = values
    return company.add_up(whole)
