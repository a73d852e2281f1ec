"""The environments that an evaluation feeds to a model: the right one, none, and wrong ones."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from cbat.config.sections import EvaluationSettings
from cbat.model.blocks import EncodedShard, SupportReader
from cbat.model.bundle import TrainedModel
from cbat.model.environment import FloatArray


@dataclass(frozen=True)
class Context:
    """One way to feed a model.

    Attributes
    ----------
    name : str
        ``own``, ``none``, ``mean``, ``wrong``, ``shuffled`` or ``graph``.
    n_support : int
        Elements asked of the support set; 0 where none enters.
    environment : array, shape=(n_pairs, n_filters), or None
        None switches the resistance off.
    """

    name: str
    n_support: int
    environment: FloatArray | None


@dataclass(frozen=True)
class Feeder:
    """Everything that contexts of one cell line are made from.

    Attributes
    ----------
    model : TrainedModel
    reader : SupportReader
    own : EncodedShard
        The line under evaluation.
    other : EncodedShard or None
        The line that stands in as the wrong one.
    tissue : str or None
        Stated tissue of the line.
    """

    model: TrainedModel
    reader: SupportReader
    own: EncodedShard
    other: EncodedShard | None
    tissue: str | None

    def contexts(self, settings: EvaluationSettings) -> Iterator[Context]:
        """All contexts that the settings ask for, at all support sizes that make a difference."""
        asked = set(settings.contexts)
        if "none" in asked:
            yield Context("none", 0, None)
        if "mean" in asked:
            yield Context("mean", 0, self._of_pairs(np.zeros_like(self.model.teacher.spread)))
        if "graph" in asked:
            yield Context("graph", 0, self._of_pairs(self._read(None, 0, self.tissue)))
        for size in settings.support_sizes:
            own = self._of_blocks(self.own, size, self.tissue)
            if "own" in asked:
                yield Context("own", size, own)
            if "shuffled" in asked:
                rng = np.random.default_rng([settings.seed, 31, zlib.crc32(self.own.cell_line.encode())])
                yield Context("shuffled", size, own[:, rng.permutation(own.shape[1])])
            if "wrong" in asked and self.other is not None:
                # The wrong line brings its support set; no tissue is stated, so that nothing is right.
                yield Context("wrong", size, self._of_blocks(self.other, size, None))

    def _of_pairs(self, environment: FloatArray) -> FloatArray:
        return np.broadcast_to(environment, (len(self.own.pairs), len(environment)))

    def _of_blocks(self, source: EncodedShard, size: int, tissue: str | None) -> FloatArray:
        """Environment of each pair; block by block from ``source``, whose blocks of a split are reused."""
        result = np.empty((len(self.own.pairs), len(self.model.teacher.spread)))
        split_of_block = source.pairs.drop_duplicates("block").set_index("block")["split"]
        for split, pairs in self.own.pairs.groupby("split", sort=True):
            available = split_of_block.index[split_of_block == split].to_numpy()
            for place, (block, members) in enumerate(pairs.groupby("block", sort=True)):
                if source is self.own:
                    support = source.support[block, :size]
                else:
                    support = source.support[available[place % len(available)], :size]
                result[members.index.to_numpy()] = self._read(*self.reader.mean(support), tissue)
        return result

    def _read(self, deviation: FloatArray | None, n: int, tissue: str | None) -> FloatArray:
        # A training line must not be predicted from its own candidates.
        return self.model.teacher.read(deviation, n, tissue, without=self.own.cell_line).environment
