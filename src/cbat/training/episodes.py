"""Homogeneous blocks as training reads them, with the environment of each block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from cbat.config.models import ModelSettings
from cbat.data.shards import Outline, Shard
from cbat.data.windows import ROLES
from cbat.graph.propagation import PrototypeGraph
from cbat.landscape.apply import LineLandscape
from cbat.landscape.law import Law
from cbat.model.blocks import (
    EncodedElements,
    EncodedShard,
    Rows,
    SupportReader,
    encode_shards,
    read_environment,
)
from cbat.model.bundle import Pairs, reads_landscape
from cbat.model.contact import AnyEnvironment, BlockEnvironment, PairBatch, UnreadEnvironment
from cbat.model.distance import DistanceSpline
from cbat.model.encoder import MotifEncoder
from cbat.model.environment import FloatArray, SupportStatistics
from cbat.model.landscape import with_landscape
from cbat.model.teacher import Teacher, kind_of_teacher
from cbat.training.distributed import ALONE, Company
from cbat.training.mixing import mixed_supports, permuted_graph
from cbat.training.offset import fit_distance_spline
from cbat.training.sharing import Share, pairs_of_blocks, placed, starts

CALIBRATED_SUPPORTS: Final = (0, 16, 64, 256, 1024)
"""Support sizes at which level and temperature are fitted, beside that of the validation side."""


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

    def block_environment(self, reader: SupportReader, blocks: Rows) -> BlockEnvironment | None:
        """The environments of some blocks, and the place among them of the block of each of their pairs."""
        found = self.unread_environment(reader, blocks)
        return found.of_blocks(np.arange(len(blocks))) if isinstance(found, UnreadEnvironment) else found

    def unread_environment(self, reader: SupportReader, blocks: Rows | None = None) -> AnyEnvironment | None:
        """The same of some blocks, or of all, whose support sets are not read yet."""
        if self.environment is None:
            return None
        chosen = slice(None) if blocks is None else blocks
        within = torch.from_numpy(self.block_of_pairs(blocks))
        fused = torch.from_numpy(self.environment[chosen]).float()
        if self.support is None:
            return BlockEnvironment(within, fused)
        return UnreadEnvironment(within, fused, self.support[chosen], reader.features)

    def block_of_pairs(self, blocks: Rows | None = None) -> Rows:
        """Place among the chosen blocks, or all, of the block of each of their pairs."""
        sizes = np.diff(self.start) if blocks is None else np.diff(self.start)[blocks]
        return np.repeat(np.arange(len(sizes)), sizes)

    def line_of_pairs(self) -> Rows:
        """The cell line of each pair, shape=(n_pairs,)."""
        return np.repeat(self.line, np.diff(self.start))

    def batch(self, elements: EncodedElements, blocks: Rows) -> tuple[PairBatch, Tensor]:
        """Pairs and labels of some blocks."""
        rows = pairs_of_blocks(self.start, blocks)
        pairs = self.pairs.batch(elements.enhancer, elements.promoter, rows)
        return pairs, torch.from_numpy(self.label[rows]).float()


@dataclass(frozen=True)
class SizedSupports:
    """What some blocks are fed at one support size; see :class:`Episodes` for the attributes."""

    environment: FloatArray | None
    support: Rows | None


@dataclass(frozen=True)
class TrainingData:
    """Everything a model is trained on; of several processes, each has the elements of its own shards.

    Attributes
    ----------
    training, validation : Episodes
        Blocks of training chromosomes of the training lines; blocks of validation chromosomes of the
        training and validation lines. Those of this process alone, with lines by their number among all.
    deviations, counts : array, shape=(n_lines, n_filters), shape=(n_lines,)
        Of the training lines' candidates on training chromosomes.
    share : Share
        Which of all training blocks this process has.
    company : Company
        The processes that share the blocks.
    distance : DistanceSpline or None
        The law of distance that the potential of all pairs is counted from; None where a law of the landscape
        holds it.
    law : Law or None
        The law of the landscape.
    held_out : array
        Numbers of the lines that only validate, whose pairs say when to stop; of all lines if there is none.
    whole_validation : Episodes or None
        Labels, blocks and lines of the validation side of all processes, without pairs; None where this
        process has all of it.
    validation_at : array, shape=(n_pairs,), or None
        Place of this process's validation pairs among those of all.
    at_sizes : mapping
        Support size -> what the blocks of the validation side are fed at it.
    """

    elements: EncodedElements
    reader: SupportReader
    training: Episodes
    validation: Episodes
    statistics: SupportStatistics
    teacher: Teacher
    deviations: FloatArray
    counts: FloatArray
    share: Share
    company: Company = ALONE
    distance: DistanceSpline | None = None
    law: Law | None = None
    held_out: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    whole_validation: Episodes | None = None
    validation_at: Rows | None = None
    at_sizes: Mapping[int, SizedSupports] = field(default_factory=dict)

    def sizes(self) -> tuple[int, ...]:
        """Support sizes that the validation side can be read at; none of a model without environment."""
        return tuple(sorted(self.at_sizes))

    def validation_of(self, size: int) -> Episodes:
        """The validation side with support sets of another size, whole ones as prediction reads them."""
        if size not in self.at_sizes:
            return self.validation
        sized = self.at_sizes[size]
        return replace(self.validation, environment=sized.environment, support=sized.support)

    @property
    def judged(self) -> Episodes:
        """Labels, blocks and lines of the validation side, of all processes."""
        return self.validation if self.whole_validation is None else self.whole_validation

    def gathered(self, values: FloatArray) -> FloatArray:
        """A value for each validation pair of this process, as one array for those of all processes."""
        if self.validation_at is None:
            return values
        return np.asarray(placed(len(self.judged.label), self.validation_at, values, self.company))

    def environments(self) -> tuple[FloatArray | None, Rows]:
        """Environment and line of every training block, of all processes."""
        environment, line = self.training.environment, self.training.line
        if environment is None or self.whole_validation is None:
            return environment, line
        n, at = len(self.share.place), np.flatnonzero(self.share.place >= 0)
        return placed(n, at, environment, self.company), placed(n, at, line, self.company)


def build_training_data(
    shards: list[Shard],
    train_lines: list[str],
    encoder: MotifEncoder,
    graph: PrototypeGraph,
    settings: ModelSettings,
    seed: int = 0,
    company: Company = ALONE,
    outlines: Sequence[Outline] | None = None,
    law: Law | None = None,
    landscapes: Mapping[str, Path] | None = None,
) -> TrainingData:
    """Encode shards, fit the law of distance, and read the environment of every block.

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
    company : Company
        The processes that share the work.
    outlines : sequence of Outline, optional
        Of the shards of all processes, where `shards` are those of this one; they order the lines.
    law : Law, optional
        The law of the landscape, whose offsets all pairs are given; without it a law of distance is fitted.
    landscapes : mapping, optional
        Line -> folder of its landscape.
    """
    whole = [Outline(shard.cell_line, shard.n_blocks) for shard in shards] if outlines is None else outlines
    lines = [one.cell_line for one in whole]
    taught_lines = [name for name in lines if name in train_lines]
    # Where every process has all shards, it knows the sums.
    among = ALONE if outlines is None else company
    elements, encoded = encode_shards(shards, encoder, ("train", "validation"))
    if law is not None:
        encoded = [_in_landscape(shard, law, landscapes or {}) for shard in encoded]
    taught = [shard for shard in encoded if shard.cell_line in train_lines]
    sides = {shard.cell_line: _candidates(shard, "train") for shard in taught}
    weight = np.zeros(len(elements.role()))
    for rows in sides.values():
        weight[rows] += elements.known()[rows]
    weight += _weight_of_absent_roles(taught, elements.role(), weight, among)
    statistics = SupportStatistics.of(elements.presence(), elements.role(), weight, among.add_up)
    reader = SupportReader(elements, statistics)
    means = [reader.mean(rows) for rows in sides.values()]
    own = np.array([taught_lines.index(name) for name in sides], dtype=np.int64)
    deviations = placed(len(taught_lines), own, np.stack([mean for mean, _ in means]), among)
    found = np.array([max(count, 1) for _, count in means], dtype=float)
    counts = placed(len(taught_lines), own, found, among)
    teacher = Teacher.fit(
        taught_lines,
        deviations,
        counts,
        _taught_graph(graph, settings, seed),
        kind_of_teacher(settings),
        seed=seed,
    )

    tissues = {name: graph.tissue_of(name) for name in lines}
    training = _blocks(taught, "train", settings.support_size, taught_lines)
    most = max(settings.validation_support, *CALIBRATED_SUPPORTS)
    stored = _blocks(encoded, "validation", most, lines)
    validation = replace(stored, support=_first(stored.support, settings.validation_support))
    gather = _Gathering.of(training, whole, taught_lines, among)
    distance = None
    if law is None:
        distance = fit_distance_spline(
            gather(training.pairs.distance), gather(training.label), gather(training.line_of_pairs())
        )
        training, validation = (
            replace(one, pairs=replace(one.pairs, potential_offset=distance(one.pairs.distance)))
            for one in (training, validation)
        )
    if settings.blocks == "mixed":
        training = _mixed(training, list(sides.values()), reader.n_enhancers, seed)
    landscape = reads_landscape(law)
    reads = landscape or settings.environment != "none"

    sized: dict[int, SizedSupports] = {}
    # All processes count together, those without a validation block as well.
    sizes: set[int] = {settings.validation_support, *CALIBRATED_SUPPORTS} if reads else set()
    for size in sorted(sizes):
        asked = replace(stored, support=_first(stored.support, size))
        given = (lines, reader, teacher, tissues, settings, landscape)
        read = _with_environments(asked, *given, whole=True)
        held = _mean_count(reader, _first(stored.support, size), among)
        sized.setdefault(held, SizedSupports(read.environment, read.support))
    data = TrainingData(
        elements,
        reader,
        _with_environments(training, taught_lines, reader, teacher, tissues, settings, landscape),
        _with_environments(validation, lines, reader, teacher, tissues, settings, landscape),
        statistics,
        teacher,
        deviations,
        counts,
        Share.dealt(np.diff(training.start), company),
        company,
        distance,
        law,
        np.array([at for at, name in enumerate(lines) if name not in train_lines], dtype=np.int64),
        at_sizes=sized,
    )
    return data if outlines is None else _among_others(data, outlines, taught_lines)


def _among_others(data: TrainingData, outlines: Sequence[Outline], taught_lines: list[str]) -> TrainingData:
    """The data of a process that has some shards, with what it must know of the others'."""
    company, validation = data.company, data.validation
    n_blocks = {one.cell_line: one.n_blocks for one in outlines}
    train = [n_blocks[name]["train"] for name in taught_lines]
    share = Share.of_lines(np.diff(data.training.start), data.training.line, train, company)
    sizes = [one.n_blocks["validation"] for one in outlines]
    judged = Share.of_lines(np.diff(validation.start), validation.line, sizes, company)
    start = starts(judged.sizes)
    at = pairs_of_blocks(start, np.flatnonzero(judged.place >= 0))
    none = np.zeros(0, dtype=np.int64)
    nothing = Pairs(none, none, none, none)
    line = np.repeat(np.arange(len(sizes)), sizes)
    label = placed(int(start[-1]), at, validation.label, company)
    whole = Episodes(nothing, label, start, None, None, line)
    return replace(data, share=share, whole_validation=whole, validation_at=at)


@dataclass(frozen=True)
class _Gathering:
    """Puts what each process knows of its own training pairs together, in the same order in all of them."""

    n: int
    at: Rows
    company: Company

    @classmethod
    def of(
        cls, training: Episodes, outlines: Sequence[Outline], taught_lines: list[str], company: Company
    ) -> _Gathering:
        n_blocks = {one.cell_line: one.n_blocks["train"] for one in outlines}
        train = [n_blocks[name] for name in taught_lines]
        share = Share.of_lines(np.diff(training.start), training.line, train, company)
        start = starts(share.sizes)
        return cls(int(start[-1]), pairs_of_blocks(start, np.flatnonzero(share.place >= 0)), company)

    def __call__(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return placed(self.n, self.at, values, self.company)


def _in_landscape(shard: EncodedShard, law: Law, landscapes: Mapping[str, Path]) -> EncodedShard:
    """A shard whose pairs have the offsets of their line's own landscape."""
    folder = landscapes[shard.cell_line]
    line = LineLandscape.read(folder)
    return replace(shard, scored=with_landscape(law, line, "own", shard.pairs, shard.scored, folder))


def _first(support: Rows | None, size: int) -> Rows:
    assert support is not None
    return support[:, :size]


def _mean_count(reader: SupportReader, support: Rows, company: Company) -> int:
    """Elements that the support sets of all processes hold, on average."""
    total, n = company.add_up(np.array([reader.counts(support).sum(), len(support)], dtype=float))
    return round(float(total) / max(float(n), 1.0))


def _taught_graph(graph: PrototypeGraph, settings: ModelSettings, seed: int) -> PrototypeGraph | None:
    """The graph that the Teacher learns on."""
    if settings.graph == "none" or settings.teacher == "id_table":
        return None
    return permuted_graph(graph, seed) if settings.graph == "permuted" else graph


def _weight_of_absent_roles(
    taught: list[EncodedShard], role: Rows, weight: FloatArray, company: Company
) -> FloatArray:
    """In how many lines an element of a role that no support set holds is in a training pair, shape=(n,).

    Support sets of enhancers alone do not say the mean presence in promoters, from which resistance counts.
    """
    added = np.zeros(len(weight))
    for which, name in enumerate(ROLES):
        if not company.add_up(weight[role == which].sum(keepdims=True)).any():
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


def _blocks(shards: list[EncodedShard], split: str, support_size: int, names: list[str]) -> Episodes:
    """Homogeneous blocks with their support sets, before environments are read; lines count in ``names``."""
    parts, labels, sizes, supports, lines = [], [], [], [], []
    for shard in shards:
        rows = np.flatnonzero(shard.pairs["split"] == split)
        blocks, counts = np.unique(shard.pairs["block"].to_numpy()[rows], return_counts=True)
        parts.append(shard.scored.take(rows))
        labels.append(shard.pairs["label"].to_numpy(dtype=float)[rows])
        sizes.append(counts)
        lines.append(np.full(len(blocks), names.index(shard.cell_line)))
        supports.append(shard.support[blocks, :support_size])
    start, pairs = starts(np.concatenate(sizes)), Pairs.joined(parts)
    return Episodes(
        pairs, np.concatenate(labels), start, None, np.concatenate(supports), np.concatenate(lines)
    )


def _mixed(blocks: Episodes, candidates: list[Rows], n_enhancers: int, seed: int) -> Episodes:
    """The same pairs in blocks of the same sizes, but pairs and support elements of all lines at random."""
    assert blocks.support is not None
    rng = np.random.default_rng([seed, 23])
    order = rng.permutation(len(blocks.label))
    pairs = blocks.pairs.take(order)
    queried = [
        np.concatenate([pairs.enhancer[start:end], pairs.promoter[start:end] + n_enhancers])
        for start, end in zip(blocks.start[:-1], blocks.start[1:], strict=True)
    ]
    support = mixed_supports(candidates, queried, blocks.support.shape[1], rng)
    nowhere = np.full_like(blocks.line, -1)
    return replace(blocks, pairs=pairs, label=blocks.label[order], support=support, line=nowhere)


def _with_environments(
    blocks: Episodes,
    names: list[str],
    reader: SupportReader,
    teacher: Teacher,
    tissues: dict[str, str | None],
    settings: ModelSettings,
    landscape: bool,
    *,
    whole: bool = False,
) -> Episodes:
    """The blocks with what support sets and graph say, as far as the settings ask for it.

    ``whole`` leaves all of a support set to the set encoder, as prediction does.
    """
    if blocks.support is None or (settings.environment == "none" and not landscape):
        return replace(blocks, support=None)
    asks_graph = settings.alignment_weight > 0.0
    asks_graph |= settings.competition_weight > 0.0 and settings.teacher != "id_table"
    fed, expected = [], []
    for support, number in zip(blocks.support, blocks.line, strict=True):
        line = names[number] if number >= 0 else None
        tissue = None if line is None else tissues[line]
        fed.append(read_environment(settings, teacher, *reader.mean(support), tissue, line))
        if asks_graph:
            expected.append(teacher.read(None, 0, tissue, without=line).environment)
    # One set for each channel is costly; prediction, which reads every block once, can afford it whole.
    most = settings.set_encoder_elements if settings.set_encoder == "isab_tied" and not whole else None
    encodes = settings.set_encoder != "none" and settings.environment != "none"
    return replace(
        blocks,
        environment=np.stack(fed) if fed else None,
        support=blocks.support[:, :most] if encodes else None,
        expected=np.stack(expected) if expected else None,
    )
