"""Shards as a model reads them: features of unique elements, and means over support sets."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor

from cbat.config.models import ModelSettings
from cbat.data.shards import Shard
from cbat.data.windows import ROLES
from cbat.model.bundle import Pairs
from cbat.model.encoder import N_CODE, MotifEncoder
from cbat.model.environment import FloatArray, SupportStatistics
from cbat.model.teacher import Relatives, Teacher

Rows = npt.NDArray[np.int64]
Known = npt.NDArray[np.bool_]
MOST_UNKNOWN: Final = 0.5
"""An element of which a larger share of bases is unknown counts as one without sequence."""
_PIECE = 4096
"""Elements that are read together."""
_BLOCKS = 64
"""Blocks whose support sets are read together."""


@dataclass(frozen=True)
class EncodedElements:
    """Features of the unique elements of some shards.

    Attributes
    ----------
    enhancer, promoter : Tensor, shape=(n, n_filters, 3)
    enhancer_known, promoter_known : bool array, shape=(n,), or None
        Whether enough bases are known, see :data:`MOST_UNKNOWN`; None is everywhere.
    """

    enhancer: Tensor
    promoter: Tensor
    enhancer_known: Known | None = None
    promoter_known: Known | None = None

    def presence(self) -> FloatArray:
        """Presence on either strand of enhancers, then promoters, shape=(n_elements, n_filters)."""
        return torch.cat([self.enhancer[..., 0], self.promoter[..., 0]]).numpy().astype(np.float64)

    def role(self) -> npt.NDArray[np.int_]:
        """0 for each enhancer, then 1 for each promoter."""
        return np.repeat([0, 1], [len(self.enhancer), len(self.promoter)])

    def known(self) -> Known:
        """Whether the bases of enhancers, then of promoters, are known, shape=(n_elements,)."""
        return np.concatenate([self.known_of(role) for role in ROLES])

    def known_of(self, role: str) -> Known:
        """The same of the elements of one role."""
        known: Known | None = getattr(self, f"{role}_known")
        return np.ones(len(getattr(self, role)), dtype=bool) if known is None else known

    def marked(self, pairs: Pairs) -> Pairs:
        """Pairs that say whether the bases of both of their elements are known."""
        if self.enhancer_known is None and self.promoter_known is None:
            return pairs
        known = self.known_of("enhancer")[pairs.enhancer] & self.known_of("promoter")[pairs.promoter]
        return replace(pairs, sequence_known=known)


def encode_elements(codes: Mapping[str, npt.NDArray[np.uint8]], encoder: MotifEncoder) -> EncodedElements:
    """Features of elements whose bases are given, role -> codes, shape=(n, window)."""
    (enhancers, known_enhancers), (promoters, known_promoters) = (
        _features(codes[role], encoder) for role in ROLES
    )
    return EncodedElements(enhancers, promoters, known_enhancers, known_promoters)


def _features(
    codes: npt.NDArray[np.uint8], encoder: MotifEncoder, rows: Rows | None = None
) -> tuple[Tensor, Known]:
    """Features of all elements, or of some rows, a piece after the other: bases are larger than features.

    Beside them, whether enough bases of each are known.
    """
    n = len(codes) if rows is None else len(rows)
    features, known = torch.empty(n, encoder.n_filters, 3), np.ones(n, dtype=bool)
    for at in range(0, n, _PIECE):
        piece = slice(at, at + _PIECE)
        # A copy, for torch does not take what is only mapped for reading.
        bases = np.array(codes[piece if rows is None else rows[piece]])
        features[piece] = encoder.features(torch.from_numpy(bases))
        known[piece] = sequence_known(bases)
    return features, known


def sequence_known(codes: npt.NDArray[np.uint8]) -> Known:
    """Whether enough bases of elements are known, (n, length) -> (n,)."""
    return np.asarray(np.count_nonzero(codes == N_CODE, axis=1) <= MOST_UNKNOWN * codes.shape[1])


def join_elements(pieces: Sequence[EncodedElements]) -> EncodedElements:
    """Features of several tables of elements, one after the other."""
    enhancer, promoter = (torch.cat([getattr(piece, role) for piece in pieces]) for role in ROLES)
    known = {f"{role}_known": np.concatenate([piece.known_of(role) for piece in pieces]) for role in ROLES}
    return EncodedElements(enhancer, promoter, **known)


@dataclass(frozen=True)
class EncodedShard:
    """The blocks of one cell line over rows of :class:`EncodedElements`.

    Attributes
    ----------
    cell_line : str
    pairs : DataFrame
        The shard's pairs of the asked splits, with ``enhancer_id``, ``promoter_id`` and ``sequence_known``,
        sorted by block.
    scored : Pairs
        The same pairs as rows of the element tables.
    support : int array, shape=(n_blocks, support_size)
        Rows of the joined table, enhancers before promoters; -1 beyond the last element, and in blocks of
        other splits.
    candidates : int array, shape=(n_candidates,)
        The same of all candidates of the line, of every split; empty where they were not asked for.
    """

    cell_line: str
    pairs: pd.DataFrame
    scored: Pairs
    support: Rows
    candidates: Rows = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def blocks(self) -> Rows:
        """Blocks of the asked splits."""
        return np.unique(self.pairs["block"].to_numpy(dtype=np.int64))


def motif_presence(codes: npt.NDArray[np.uint8], encoder: MotifEncoder) -> FloatArray:
    """Probability that each motif is present on either strand.

    Parameters
    ----------
    codes : uint8 array, shape=(n, length)
        A0 C1 G2 T3 N4.
    encoder : MotifEncoder

    Returns
    -------
    array, shape=(n, n_filters)
    """
    return _features(codes, encoder)[0][..., 0].numpy().astype(np.float64)


def encode_shards(
    shards: Sequence[Shard],
    encoder: MotifEncoder,
    splits: Collection[str],
    *,
    all_candidates: bool = False,
) -> tuple[EncodedElements, list[EncodedShard]]:
    """Features of the elements of some splits; an element of several cell lines is read once.

    Parameters
    ----------
    shards : sequence of Shard
    encoder : MotifEncoder
    splits : collection of str
        Pairs and supports of other splits are left out.
    all_candidates : bool
        Read the candidates of other splits too.
    """
    tables: dict[str, Tensor] = {}
    known: dict[str, Known] = {}
    rows: dict[str, list[Rows]] = {}
    for role in ROLES:
        wanted = [_wanted(shard, role, splits, all_candidates) for shard in shards]
        tables[role], known[role], rows[role] = _unique_elements(shards, role, encoder, wanted)
    elements = EncodedElements(tables["enhancer"], tables["promoter"], known["enhancer"], known["promoter"])
    encoded = []
    for number, shard in enumerate(shards):
        pairs = shard.pairs[shard.pairs["split"].isin(list(splits))].reset_index(drop=True)
        local = {role: pairs[role].to_numpy(dtype=np.int64) for role in ROLES}
        scored = elements.marked(
            Pairs(
                rows["enhancer"][number][local["enhancer"]],
                rows["promoter"][number][local["promoter"]],
                pairs["distance"].to_numpy(dtype=np.int64),
                pairs["upstream"].to_numpy(dtype=np.int64),
            )
        )
        pairs["sequence_known"] = scored.sequence_known
        for role in ROLES:
            names = shard.elements.loc[shard.elements["role"] == role, "element_id"].to_numpy()
            pairs[f"{role}_id"] = names[local[role]]
        of_roles = [rows[role][number] for role in ROLES]
        joined = _joined_support(shard, of_roles, len(tables["enhancer"]), np.unique(pairs["block"]))
        whole = _all_candidates(shard, of_roles, len(tables["enhancer"])) if all_candidates else joined[0, :0]
        encoded.append(EncodedShard(shard.cell_line, pairs, scored, joined, whole))
    return elements, encoded


def _wanted(shard: Shard, role: str, splits: Collection[str], all_candidates: bool) -> Known:
    """Which elements of a role are read, shape=(n_local,)."""
    elements = shard.elements[shard.elements["role"] == role]
    wanted = elements["split"].isin(list(splits))
    return np.asarray(wanted | elements["candidate"] if all_candidates else wanted, dtype=bool)


def _unique_elements(
    shards: Sequence[Shard], role: str, encoder: MotifEncoder, wanted_of_shards: Sequence[Known]
) -> tuple[Tensor, Known, list[Rows]]:
    """Features of a role, whether bases are known, and rows of each shard's elements (-1: not wanted)."""
    place: dict[str, int] = {}
    features, known, rows = [], [], []
    for shard, wanted in zip(shards, wanted_of_shards, strict=True):
        elements = shard.elements[shard.elements["role"] == role]
        names = elements["element_id"].to_numpy()
        new = np.array([i for i in np.flatnonzero(wanted) if names[i] not in place], dtype=np.int64)
        place.update({str(names[i]): len(place) + at for at, i in enumerate(new)})
        codes = shard.enhancer_codes if role == "enhancer" else shard.promoter_codes
        of_shard = _features(codes, encoder, new)
        features.append(of_shard[0])
        known.append(of_shard[1])
        rows.append(np.array([place[name] if keep else -1 for name, keep in zip(names, wanted, strict=True)]))
    return torch.cat(features), np.concatenate(known), rows


def _all_candidates(shard: Shard, of_roles: Sequence[Rows], n_enhancers: int) -> Rows:
    """Rows of the joined table of all candidates of a line."""
    found = []
    for which, role in enumerate(ROLES):
        of_role = shard.elements["role"] == role
        marked = shard.elements.loc[of_role, "candidate"].to_numpy(dtype=bool)
        found.append(of_roles[which][marked] + which * n_enhancers)
    return np.concatenate(found)


def _joined_support(shard: Shard, of_roles: Sequence[Rows], n_enhancers: int, blocks: Rows) -> Rows:
    """Rows of the joined table of the support sets of some blocks; -1 in those of all others."""
    enhancer, promoter = of_roles
    row = np.concatenate([enhancer, np.where(promoter >= 0, promoter + n_enhancers, -1), [-1]])
    joined = np.full(shard.support.shape[:2], -1, dtype=np.int64)
    for at in range(0, len(blocks), _BLOCKS):
        some = blocks[at : at + _BLOCKS]
        role, local = np.moveaxis(np.asarray(shard.support[some], dtype=np.int64), 2, 0)
        joined[some] = row[np.where(role >= 0, local + role * len(enhancer), -1)]
    return joined


class SupportReader:
    """Means of standardised features over support sets; elements without sequence are none of them.

    Parameters
    ----------
    elements : EncodedElements
    statistics : SupportStatistics
    """

    def __init__(self, elements: EncodedElements, statistics: SupportStatistics) -> None:
        self.n_enhancers = len(elements.enhancer)
        standardised = statistics.standardise(elements.presence(), elements.role())
        # The last row stands for "no element".
        self._table = np.concatenate([standardised, np.zeros((1, standardised.shape[1]))])
        self._row = np.where(elements.known(), np.arange(len(standardised)), -1)
        self._row = np.append(self._row, -1)

    def features(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Standardised features, shape=(n_blocks, n_support, n_filters), and where there are any."""
        read = self._row[rows]
        return torch.from_numpy(self._table[read]).float(), torch.from_numpy(read >= 0)

    def counts(self, rows: Rows) -> Rows:
        """Elements in each support set, (n_blocks, n_support) -> (n_blocks,)."""
        return np.asarray((self._row[rows] >= 0).sum(axis=1))

    def mean(self, rows: Rows) -> tuple[FloatArray, int]:
        """Mean deviation of one support set and the number of its elements; -1 is no element."""
        read = self._row[rows]
        read = read[read >= 0]
        # In sorted order, for a set has none: in another table its elements stand in another one.
        return np.asarray(np.sort(self._table[read], axis=0).sum(axis=0) / max(len(read), 1)), len(read)


def read_environment(
    settings: ModelSettings,
    teacher: Teacher,
    deviation: FloatArray | None,
    n: int,
    tissue: str | None,
    without: str | None = None,
    relatives: Relatives = (),
) -> FloatArray:
    """The environment that a support set and the graph give, before any set encoder, shape=(n_channels,).

    Parameters
    ----------
    settings : ModelSettings
        Whether support set and graph are fused; else the support set speaks alone, in the same units and
        against the same centre, and is silent without elements.
    teacher : Teacher
    deviation, n, tissue, without, relatives
        See :meth:`cbat.model.teacher.Teacher.read`.
    """
    if settings.alignment == "fusion":
        return teacher.read(deviation, n, tissue, without=without, relatives=relatives).environment
    if deviation is None or n == 0:
        return np.zeros_like(teacher.spread)
    return np.asarray((deviation - teacher.expectation(None, without).mean) / teacher.spread)
