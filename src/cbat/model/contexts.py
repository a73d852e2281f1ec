"""The environments that an evaluation feeds to a model: the right one, none, and wrong ones."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch

from cbat.config.sections import ALL_CANDIDATES, EvaluationSettings
from cbat.data.draws import draw_key, stream_of
from cbat.model.blocks import EncodedShard, Rows, SupportReader, read_environment
from cbat.model.bundle import TrainedModel
from cbat.model.contact import AnyEnvironment, BlockEnvironment, UnreadEnvironment
from cbat.model.environment import FloatArray
from cbat.model.teacher import Relatives


@dataclass(frozen=True)
class Context:
    """One way to feed a model.

    Attributes
    ----------
    name : str
        ``own``, ``none``, ``mean``, ``wrong``, ``sibling``, ``shuffled`` or ``graph``.
    n_support : int
        Elements asked of the support set; 0 where none enters,
        :data:`~cbat.config.sections.ALL_CANDIDATES` where it holds all candidates of the line.
    environment : BlockEnvironment, UnreadEnvironment or None
        None switches the resistance off.
    counts : int array, shape=(n_blocks,), or None
        Elements that each block's support set held; fewer than ``n_support`` where a line has no more.
    """

    name: str
    n_support: int
    environment: AnyEnvironment | None
    counts: Rows | None = None

    def n_used(self) -> Rows | int:
        """Elements in the support set of each pair's block, shape=(n_pairs,)."""
        if self.counts is None or self.environment is None:
            return 0
        return np.asarray(self.counts[self.environment.block.numpy()])


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
        Tissue of the line, as the sheet has it; the model's settings decide what it is told.
    sibling : EncodedShard or None
        Another line of the same tissue.
    """

    model: TrainedModel
    reader: SupportReader
    own: EncodedShard
    other: EncodedShard | None
    tissue: str | None
    sibling: EncodedShard | None = None

    @property
    def stated_tissue(self) -> str | None:
        """The tissue that the model is told."""
        return stated_tissue(self.model, self.tissue)

    def contexts(self, settings: EvaluationSettings) -> Iterator[Context]:
        """All contexts that the settings ask for, at all support sizes that make a difference."""
        asked = set(settings.contexts)
        if "none" in asked:
            yield Context("none", 0, None)
        if "mean" in asked:
            yield Context("mean", 0, self._same(np.zeros_like(self.model.teacher.spread)))
        if "graph" in asked:
            yield Context("graph", 0, self._same(self._read(None, 0, self.stated_tissue)))
        for asked_size in settings.support_sizes:
            size = ALL_CANDIDATES if asked_size == "all" else asked_size
            supports = self._own_supports(size)
            own, counts = self._from_supports(supports, self.stated_tissue), self.reader.counts(supports)
            if "own" in asked:
                yield Context("own", size, own, counts)
            if "shuffled" in asked:
                yield Context("shuffled", size, self._shuffled(own, settings.seed), counts)
            if "wrong" in asked and self.other is not None:
                # The wrong line brings its support set; no tissue is stated, so that nothing is right.
                supports = self._supports_of(self.other, size)
                wrong = self._from_supports(supports, None)
                yield Context("wrong", size, wrong, self.reader.counts(supports))
            if "sibling" in asked and self.sibling is not None:
                supports = self._supports_of(self.sibling, size)
                sibling = self._from_supports(supports, self.stated_tissue)
                yield Context("sibling", size, sibling, self.reader.counts(supports))

    def _blocks(self) -> tuple[Rows, torch.Tensor]:
        """Blocks of the pairs, and the place among them of each pair's block."""
        blocks, place = np.unique(self.own.pairs["block"].to_numpy(dtype=np.int64), return_inverse=True)
        return blocks, torch.from_numpy(place)

    def _queried_elements(self) -> list[Rows]:
        """Rows of the joined element table that each block's pairs hold."""
        scored, place = self.own.scored, self._blocks()[1].numpy()
        ends = np.flatnonzero(np.diff(place)) + 1
        if len(ends) > place.max(initial=0):
            raise ValueError("the pairs are not sorted by block")
        enhancer, promoter = np.split(scored.enhancer, ends), np.split(scored.promoter, ends)
        return [
            np.concatenate([one, other + self.reader.n_enhancers])
            for one, other in zip(enhancer, promoter, strict=True)
        ]

    def _own_supports(self, size: int) -> Rows:
        """The support set of each block; with all candidates one set for all of them."""
        if size == ALL_CANDIDATES:
            return self.own.candidates[None]
        return np.asarray(self.own.support[self._blocks()[0], :size])

    def _supports_of(self, other: EncodedShard, size: int) -> Rows:
        """Supports of another line's blocks of the same split, used again when there are too few."""
        if size == ALL_CANDIDATES:
            return other.candidates[None]
        available = {
            str(split): np.unique(pairs["block"].to_numpy(dtype=np.int64))
            for split, pairs in other.pairs.groupby("split")
        }
        split = self.own.pairs.drop_duplicates("block").set_index("block")["split"]
        queried = self._queried_elements()
        chosen = []
        for place, block in enumerate(self._blocks()[0]):
            candidates = available.get(str(split[block]), np.empty(0, dtype=np.int64))
            if not len(candidates):
                chosen.append(np.full(size, -1, dtype=np.int64))
                continue
            support = other.support[candidates[place % len(candidates)], :size]
            # As for the own support: no element that the block itself asks about.
            chosen.append(np.where(np.isin(support, queried[place]), -1, support))
        return np.stack(chosen)

    def _from_supports(self, supports: Rows, tissue: str | None) -> AnyEnvironment:
        place = self._blocks()[1]
        if len(supports) == 1:
            place = torch.zeros_like(place)
        return environment_of(self.model, self.reader, supports, place, tissue, self.own.cell_line)

    def _same(self, environment: FloatArray) -> AnyEnvironment:
        """One environment for all blocks, without a support set."""
        place = torch.zeros(len(self.own.pairs), dtype=torch.int64)
        return _fed(self.model, self.reader, environment[None], np.empty((1, 0), dtype=np.int64), place)

    def _shuffled(self, own: AnyEnvironment, seed: int) -> AnyEnvironment:
        """The same values on the wrong channels."""
        rng = stream_of(seed, 31, draw_key(self.own.pairs["distance"]))
        order = torch.from_numpy(rng.permutation(own.fused.shape[1]))
        if isinstance(own, BlockEnvironment):
            return BlockEnvironment(own.block, own.fused[:, order])

        def read(rows: Rows) -> tuple[torch.Tensor, torch.Tensor]:
            features, mask = own.read(rows)
            return features[..., order], mask

        return UnreadEnvironment(own.block, own.fused[:, order], own.rows, read)

    def _read(self, deviation: FloatArray | None, n: int, tissue: str | None) -> FloatArray:
        # A training line must not be predicted from its own candidates.
        model = self.model
        return read_environment(model.settings, model.teacher, deviation, n, tissue, self.own.cell_line)


def stated_tissue(model: TrainedModel, tissue: str | None) -> str | None:
    """The tissue that a model is told of a cell line of ``tissue``, as its settings have it."""
    if model.settings.stated_tissue == "own":
        return tissue
    tissues = sorted(set(model.teacher.tissues) - {tissue})
    if model.settings.stated_tissue == "unknown" or not tissues:
        return None
    return tissues[bisect_right(tissues, tissue or "") % len(tissues)]


def environment_of(
    model: TrainedModel,
    reader: SupportReader,
    supports: Rows,
    block: torch.Tensor,
    tissue: str | None,
    cell_line: str,
    relatives: Relatives = (),
) -> AnyEnvironment:
    """What a model is fed of a cell line: one environment for each support set.

    Parameters
    ----------
    model : TrainedModel
    reader : SupportReader
    supports : int array, shape=(n_blocks, n_support)
        Rows of the reader's elements; -1 is no element.
    block : Tensor of int, shape=(n_pairs,)
        Support set of each pair.
    tissue : str or None
        The tissue that the model is told.
    cell_line : str
        Name of the line; a training line is not predicted from its own candidates.
    relatives : tuple of (line, weight), optional
        Training lines that the line resembles.
    """
    fused = np.stack(
        [
            read_environment(
                model.settings, model.teacher, *reader.mean(support), tissue, cell_line, relatives
            )
            for support in supports
        ]
    )
    return _fed(model, reader, fused, supports, block)


def _fed(
    model: TrainedModel, reader: SupportReader, fused: FloatArray, supports: Rows, block: torch.Tensor
) -> AnyEnvironment:
    """Environments with the support sets that a set encoder, if there is one, is still to read."""
    environment = torch.from_numpy(fused).float()
    if model.contact.set_encoder is None:
        return BlockEnvironment(block, environment)
    return UnreadEnvironment(block, environment, supports, reader.features)
