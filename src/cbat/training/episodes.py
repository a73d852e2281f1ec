"""Homogeneous blocks as training reads them, with the environment of each block."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from cbat.config.models import ModelSettings
from cbat.data.shards import Shard
from cbat.data.windows import ROLES
from cbat.graph.propagation import PrototypeGraph
from cbat.model.blocks import (
    EncodedElements,
    EncodedShard,
    Rows,
    SupportReader,
    encode_shards,
    read_environment,
)
from cbat.model.bundle import Pairs
from cbat.model.contact import BlockEnvironment, PairBatch
from cbat.model.encoder import MotifEncoder
from cbat.model.environment import FloatArray, SupportStatistics
from cbat.model.teacher import Teacher
from cbat.training.mixing import mixed_supports, permuted_graph


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
        Number of the cell line of each block; -1 for a block of mixed lines.
    expected : array, shape=(n_blocks, n_filters), or None
        What the graph alone expects of each block's cell line, for losses that ask for it.
    """

    pairs: Pairs
    label: FloatArray
    start: Rows
    environment: FloatArray | None
    support: Rows | None
    line: Rows
    expected: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.start) - 1

    def block_environment(self, reader: SupportReader, blocks: Rows | None = None) -> BlockEnvironment | None:
        """The environments of some blocks, or of all, and the block of each of their pairs."""
        if self.environment is None:
            return None
        chosen = np.arange(len(self)) if blocks is None else blocks
        within = torch.from_numpy(self.block_of_pairs(chosen))
        fused = torch.from_numpy(self.environment[chosen]).float()
        if self.support is None:
            return BlockEnvironment(within, fused)
        return BlockEnvironment(within, fused, *reader.features(self.support[chosen]))

    def block_of_pairs(self, blocks: Rows | None = None) -> Rows:
        """Place among the chosen blocks, or all, of the block of each of their pairs."""
        sizes = np.diff(self.start) if blocks is None else np.diff(self.start)[blocks]
        return np.repeat(np.arange(len(sizes)), sizes)

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
    seed: int = 0,
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
    seed : int
        Seed of what the settings ask to be shuffled: lines on the graph, pairs over blocks.
    """
    elements, encoded = encode_shards(shards, encoder, ("train", "validation"))
    taught = [shard for shard in encoded if shard.cell_line in train_lines]
    sides = {shard.cell_line: _candidates(shard, "train") for shard in taught}
    weight = np.zeros(len(elements.role()))
    for rows in sides.values():
        weight[rows] += 1.0
    weight += _weight_of_absent_roles(taught, elements.role(), weight)
    statistics = SupportStatistics.of(elements.presence(), elements.role(), weight)
    reader = SupportReader(elements, statistics)
    means = [reader.mean(rows) for rows in sides.values()]
    deviations = np.stack([mean for mean, _ in means])
    counts = np.array([max(count, 1) for _, count in means], dtype=float)
    teacher = Teacher.fit(list(sides), deviations, counts, _taught_graph(graph, settings, seed))

    tissues = {shard.cell_line: graph.tissue_of(shard.cell_line) for shard in encoded}
    training = _blocks(taught, "train", settings.support_size)
    if settings.blocks == "mixed":
        training = _mixed(training, list(sides.values()), reader.n_enhancers, seed)
    validation = _blocks(encoded, "validation", settings.validation_support)
    return TrainingData(
        elements,
        reader,
        _with_environments(training, taught, reader, teacher, tissues, settings),
        _with_environments(validation, encoded, reader, teacher, tissues, settings),
        statistics,
        teacher,
        deviations,
        counts,
    )


def _taught_graph(graph: PrototypeGraph, settings: ModelSettings, seed: int) -> PrototypeGraph | None:
    """The graph that the Teacher learns on."""
    if settings.graph == "none" or settings.teacher == "id_table":
        return None
    return permuted_graph(graph, seed) if settings.graph == "permuted" else graph


def _weight_of_absent_roles(taught: list[EncodedShard], role: Rows, weight: FloatArray) -> FloatArray:
    """In how many lines an element of a role that no support set holds is in a training pair, shape=(n,).

    Support sets of enhancers alone do not say the mean presence in promoters, from which resistance counts.
    """
    added = np.zeros(len(weight))
    for which, name in enumerate(ROLES):
        if not weight[role == which].any():
            for shard in taught:
                pairs = (shard.pairs["split"] == "train").to_numpy()
                rows = np.unique(getattr(shard.scored, name)[pairs]) + which * int((role == 0).sum())
                added[rows] += 1.0
    return added


def _candidates(shard: EncodedShard, split: str) -> Rows:
    """Rows of all elements that occur in a support set of a split, each once."""
    blocks = np.unique(shard.pairs.loc[shard.pairs["split"] == split, "block"].to_numpy())
    rows = np.unique(shard.support[blocks])
    return rows[rows >= 0]


def _blocks(shards: list[EncodedShard], split: str, support_size: int) -> Episodes:
    """Homogeneous blocks with their support sets, before environments are read."""
    parts, labels, sizes, supports, lines = [], [], [], [], []
    for number, shard in enumerate(shards):
        rows = np.flatnonzero(shard.pairs["split"] == split)
        blocks, counts = np.unique(shard.pairs["block"].to_numpy()[rows], return_counts=True)
        parts.append([column[rows] for column in vars(shard.scored).values()])
        labels.append(shard.pairs["label"].to_numpy(dtype=float)[rows])
        sizes.append(counts)
        lines.append(np.full(len(blocks), number))
        supports.append(shard.support[blocks, :support_size])
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    start = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]).astype(np.int64)
    return Episodes(
        Pairs(*columns), np.concatenate(labels), start, None, np.concatenate(supports), np.concatenate(lines)
    )


def _mixed(blocks: Episodes, candidates: list[Rows], n_enhancers: int, seed: int) -> Episodes:
    """The same pairs in blocks of the same sizes, but pairs and support elements of all lines at random."""
    assert blocks.support is not None
    rng = np.random.default_rng([seed, 23])
    order = rng.permutation(len(blocks.label))
    pairs = Pairs(*(column[order] for column in vars(blocks.pairs).values()))
    queried = [
        np.concatenate([pairs.enhancer[start:end], pairs.promoter[start:end] + n_enhancers])
        for start, end in zip(blocks.start[:-1], blocks.start[1:], strict=True)
    ]
    support = mixed_supports(candidates, queried, blocks.support.shape[1], rng)
    nowhere = np.full_like(blocks.line, -1)
    return replace(blocks, pairs=pairs, label=blocks.label[order], support=support, line=nowhere)


def _with_environments(
    blocks: Episodes,
    shards: list[EncodedShard],
    reader: SupportReader,
    teacher: Teacher,
    tissues: dict[str, str | None],
    settings: ModelSettings,
) -> Episodes:
    """The blocks with what support sets and graph say, as far as the settings ask for it."""
    if settings.environment == "none" or blocks.support is None:
        return replace(blocks, support=None)
    asks_graph = settings.alignment_weight > 0.0
    asks_graph |= settings.competition_weight > 0.0 and settings.teacher == "graph"
    fed, expected = [], []
    for support, number in zip(blocks.support, blocks.line, strict=True):
        line = shards[number].cell_line if number >= 0 else None
        tissue = None if line is None else tissues[line]
        fed.append(read_environment(settings, teacher, *reader.mean(support), tissue, line))
        if asks_graph:
            expected.append(teacher.read(None, 0, tissue, without=line).environment)
    # One set for each channel is costly; prediction, which reads every block once, can afford it whole.
    most = settings.set_encoder_elements if settings.set_encoder == "isab_tied" else None
    return replace(
        blocks,
        environment=np.stack(fed) if fed else None,
        support=blocks.support[:, :most] if settings.set_encoder != "none" else None,
        expected=np.stack(expected) if expected else None,
    )
