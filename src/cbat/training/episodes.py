"""Homogeneous blocks as training reads them, with the environment of each block."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cbat.config.models import ModelSettings
from cbat.data.shards import Shard
from cbat.graph.propagation import PrototypeGraph
from cbat.model.blocks import EncodedElements, EncodedShard, Rows, SupportReader, encode_shards
from cbat.model.bundle import Pairs
from cbat.model.contact import BlockEnvironment, PairBatch
from cbat.model.encoder import MotifEncoder
from cbat.model.environment import FloatArray, SupportStatistics
from cbat.model.teacher import Teacher


@dataclass(frozen=True)
class Episodes:
    """Blocks of one side, training or validation, of several cell lines.

    Attributes
    ----------
    pairs : Pairs
        Of all blocks, one block after the other.
    label : array, shape=(n_pairs,)
    start : array, shape=(n_blocks + 1,)
        First pair of each block, and the end of the last.
    environment : array, shape=(n_blocks, n_filters), or None
        What the support set and the graph say of each block's cell line.
    support : int array, shape=(n_blocks, support_size), or None
        Rows of each support set, for a model with a set encoder.
    line : array, shape=(n_blocks,)
        Number of the cell line of each block.
    """

    pairs: Pairs
    label: FloatArray
    start: Rows
    environment: FloatArray | None
    support: Rows | None
    line: Rows

    def __len__(self) -> int:
        return len(self.start) - 1

    def block_environment(self, reader: SupportReader, blocks: Rows | None = None) -> BlockEnvironment | None:
        """The environments of some blocks, or of all, and the block of each of their pairs."""
        if self.environment is None:
            return None
        chosen = np.arange(len(self)) if blocks is None else blocks
        sizes = torch.from_numpy(np.diff(self.start)[chosen])
        within = torch.repeat_interleave(torch.arange(len(chosen)), sizes)
        fused = torch.from_numpy(self.environment[chosen]).float()
        if self.support is None:
            return BlockEnvironment(within, fused)
        return BlockEnvironment(within, fused, *reader.features(self.support[chosen]))

    def line_of_pairs(self) -> Rows:
        """The cell line of each pair, shape=(n_pairs,)."""
        return np.repeat(self.line, np.diff(self.start))

    def batch(
        self, elements: EncodedElements, blocks: Rows, device: torch.device
    ) -> tuple[PairBatch, Tensor]:
        """Pairs and labels of some blocks."""
        rows = np.concatenate([np.arange(self.start[b], self.start[b + 1]) for b in blocks])
        pairs = PairBatch(
            elements.enhancer[torch.from_numpy(self.pairs.enhancer[rows])].to(device),
            elements.promoter[torch.from_numpy(self.pairs.promoter[rows])].to(device),
            torch.from_numpy(self.pairs.distance[rows]).float().to(device),
            torch.from_numpy(self.pairs.upstream[rows]).float().to(device),
        )
        return pairs, torch.from_numpy(self.label[rows]).float().to(device)


@dataclass(frozen=True)
class TrainingData:
    """Everything a model is trained on.

    Attributes
    ----------
    training, validation : Episodes
        Blocks of training chromosomes of the training lines; blocks of validation chromosomes of the
        training and validation lines.
    deviations, counts : array, shape=(n_lines, n_filters), shape=(n_lines,)
        Of the training lines' candidates on training chromosomes.
    """

    elements: EncodedElements
    reader: SupportReader
    training: Episodes
    validation: Episodes
    statistics: SupportStatistics
    teacher: Teacher
    deviations: FloatArray
    counts: FloatArray


def build_training_data(
    shards: list[Shard],
    train_lines: list[str],
    encoder: MotifEncoder,
    graph: PrototypeGraph,
    settings: ModelSettings,
) -> TrainingData:
    """Encode shards, and read the environment of every block.

    The environment of a block of a training line is read without that line among the teacher's, so that
    training meets what prediction will: a line that the graph knows by its neighbours only.

    Parameters
    ----------
    shards : list of Shard
        Of training and validation lines.
    train_lines : list of str
        The lines that train; the others only validate.
    encoder : MotifEncoder
    graph : PrototypeGraph
        Without unseen lines.
    settings : ModelSettings
    """
    elements, encoded = encode_shards(shards, encoder, ("train", "validation"))
    taught = [shard for shard in encoded if shard.cell_line in train_lines]
    sides = {shard.cell_line: _candidates(shard, "train") for shard in taught}
    weight = np.zeros(len(elements.role()))
    for rows in sides.values():
        weight[rows] += 1.0
    statistics = SupportStatistics.of(elements.presence(), elements.role(), weight)
    reader = SupportReader(elements, statistics)
    means = [reader.mean(rows) for rows in sides.values()]
    deviations = np.stack([mean for mean, _ in means])
    counts = np.array([max(count, 1) for _, count in means], dtype=float)
    teacher = Teacher.fit(list(sides), deviations, counts, graph if settings.graph_prior else None)

    tissues = {shard.cell_line: graph.tissue_of(shard.cell_line) for shard in encoded}

    def episodes(chosen: list[EncodedShard], split: str) -> Episodes:
        return _episodes(chosen, split, reader, teacher, tissues, settings)

    return TrainingData(
        elements,
        reader,
        episodes(taught, "train"),
        episodes(encoded, "validation"),
        statistics,
        teacher,
        deviations,
        counts,
    )


def _candidates(shard: EncodedShard, split: str) -> Rows:
    """Rows of all elements that occur in a support set of a split, each once."""
    blocks = np.unique(shard.pairs.loc[shard.pairs["split"] == split, "block"].to_numpy())
    rows = np.unique(shard.support[blocks])
    return rows[rows >= 0]


def _episodes(
    shards: list[EncodedShard],
    split: str,
    reader: SupportReader,
    teacher: Teacher,
    tissues: dict[str, str | None],
    settings: ModelSettings,
) -> Episodes:
    parts, labels, sizes, environments, supports, lines = [], [], [], [], [], []
    for number, shard in enumerate(shards):
        rows = np.flatnonzero(shard.pairs["split"] == split)
        blocks, counts = np.unique(shard.pairs["block"].to_numpy()[rows], return_counts=True)
        parts.append([column[rows] for column in vars(shard.scored).values()])
        labels.append(shard.pairs["label"].to_numpy(dtype=float)[rows])
        sizes.append(counts)
        lines.append(np.full(len(blocks), number))
        if settings.environment == "none":
            continue
        supports.append(shard.support[blocks, : settings.support_size])
        for block in blocks:
            deviation, n = reader.mean(shard.support[block, : settings.support_size])
            reading = teacher.read(deviation, n, tissues[shard.cell_line], without=shard.cell_line)
            environments.append(reading.environment)
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Episodes(
        Pairs(*columns),
        np.concatenate(labels),
        np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64),
        np.stack(environments) if environments else None,
        np.concatenate(supports) if supports and settings.set_encoder != "none" else None,
        np.concatenate(lines),
    )
