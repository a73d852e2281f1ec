r"""Motif discovery: k-mer seeds refined to position weight matrices by expectation-maximisation.

The model is the "zero or one occurrence per sequence" mixture (Bailey and Elkan 1994): an element
holds the motif once, on either strand and anywhere, with probability :math:`\pi`, or not at all.
Seeds come in three rounds; each looks at what the motifs of those before leave unexplained, in elements
without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbat.config.models import EncoderSettings
from cbat.errors import UserError
from cbat.model.encoder import N_CODE, MotifEncoder, log_positions
from cbat.model.reading import HERE, Reading
from cbat.model.seeding import Bases, KmerTable, choose_seeds

Features = NDArray[np.float32]
"""Probability that each element holds each motif, shape=(n_elements, n_motifs)."""
PSEUDOCOUNT = 2.0
SEED_PROBABILITY = 0.7
LARGEST_CORRELATION = 0.5
LEAST_INFORMATION = 7.0
LEAST_PRIOR = 0.008
COMMON = 0.08
SHARE_ASSOCIATED = 0.7
WIDENING = 8
SLACK = 0.1
ERASED_INFORMATION = 0.2
_PIECE = 1024
"""Elements that are looked through together."""


@dataclass(frozen=True)
class Motifs:
    """Discovered motifs.

    Attributes
    ----------
    filters : Tensor, shape=(n, 4, width)
        Log-odds against the background, nats.
    prior : Tensor, shape=(n,)
        Share of elements that hold the motif.
    information : Tensor, shape=(n,)
        Relative entropy of the matrix against the background, bits.
    """

    filters: Tensor
    prior: Tensor
    information: Tensor

    def select(self, rows: list[int]) -> Motifs:
        """Some of the motifs, in the given order."""
        return Motifs(self.filters[rows], self.prior[rows], self.information[rows])

    def join(self, other: Motifs) -> Motifs:
        """These motifs, then the others."""
        pairs = zip(vars(self).values(), vars(other).values(), strict=True)
        return Motifs(*(torch.cat(pair) for pair in pairs))

    def encoder(self) -> MotifEncoder:
        """Encoder whose features are posterior probabilities of presence."""
        return MotifEncoder(self.filters, self.prior)


@dataclass(frozen=True)
class _Left:
    """Elements as the motifs found so far leave them, made when they are asked for.

    ``found`` is None before the first motif.
    """

    codes: Bases
    found: Motifs | None
    background: Tensor
    reading: Reading

    @property
    def shape(self) -> tuple[int, ...]:
        """Elements and bases."""
        return self.codes.shape

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.uint8]:
        codes = self.codes[rows]
        if self.found is None:
            return codes
        return erased(self.found, torch.from_numpy(codes), self.background, self.reading)


def discover_motifs(
    tables: Sequence[tuple[Bases, NDArray[np.float64]]],
    settings: EncoderSettings,
    seed: int,
    reading: Reading = HERE,
) -> Motifs:
    """Motifs that tell cell lines apart, or that are over-represented in the elements.

    Parameters
    ----------
    tables : sequence of (codes, targets)
        Per element type: codes, shape=(n, length), which are read some elements at a time; and in which
        cell lines each element is a candidate, shape=(n, n_lines).
    settings : EncoderSettings
        At most ``n_filters`` motifs are returned; fewer are when the elements hold no more.
    seed : int
        Seed of the subset of elements that refines the matrices.
    reading : Reading
        Who reads the elements.

    Raises
    ------
    UserError
        The elements hold no motif.
    """
    n_motifs, k = settings.n_filters, settings.seed_length
    rng = np.random.default_rng([seed, 11])
    background = background_frequencies([codes for codes, _ in tables])
    subset = [np.sort(rng.permutation(len(codes))[: settings.refinement_elements]) for codes, _ in tables]
    centred = [values - values.mean(axis=0) for _, values in tables]
    targets, failed, found = centred, list[NDArray[np.int64]](), None
    for n_seeds in (n_motifs + n_motifs // 4, 3 * n_motifs // 4, 3 * n_motifs // 4):
        left = [_Left(codes, found, background, reading) for codes, _ in tables]
        kmers = [KmerTable.count(codes, k, target) for codes, target in zip(left, targets, strict=True)]
        association = sum(table.association() for table in kmers)
        enrichment = sum(table.enrichment() for table in kmers)
        wanted = int(SHARE_ASSOCIATED * n_seeds)
        seeds = choose_seeds(np.asarray(association), k, wanted, failed)
        seeds += choose_seeds(np.asarray(enrichment), k, n_seeds - wanted, failed + seeds)
        if not seeds:
            break
        remaining = [torch.from_numpy(codes[rows]) for codes, rows in zip(left, subset, strict=True)]
        grown = grow_motifs(seeds, remaining, background, settings, both=found is None, reading=reading)
        before = 0 if found is None else len(found.prior)
        motifs = grown if found is None else found.join(grown)
        features = [posteriors(motifs, codes, reading) for codes, _ in tables]
        sound = _sound(motifs, features, targets)
        failed += [seed for at, seed in enumerate(seeds) if not sound[before + at :: len(seeds)].any()]
        new = [row for row in _ranked(motifs, features, centred) if row >= before and sound[row]]
        keep = _unlike(list(range(before)), new, _correlation(features), n_motifs)
        found = motifs.select(keep)
        targets = [_residual(target, table[:, keep]) for target, table in zip(centred, features, strict=True)]
    if found is None:
        raise _no_motif()
    rest = [row for row in _ranked(motifs, features, centred) if row not in keep]
    keep = _unlike(keep, rest, _correlation(features), n_motifs)
    if not keep:
        raise _no_motif()
    return motifs.select(keep)


def _no_motif() -> UserError:
    return UserError(
        "the candidates of the training lines contain no motif",
        mend="check sequences and candidates, or provide more",
    )


def grow_motifs(
    seeds: list[NDArray[np.int64]],
    subset: list[Tensor],
    background: Tensor,
    settings: EncoderSettings,
    *,
    both: bool,
    reading: Reading = HERE,
) -> Motifs:
    """Refine seeds in windows wider than a filter, and then in the most informative part of each.

    A seed can lie at either end of its motif, which a window of the filter's width around the seed would
    cut off. In a wide window, though, two motifs that share a half tend to become one; so ``both`` also
    refines every seed in the narrow window alone.

    Parameters
    ----------
    seeds : list of arrays, shape=(k,)
    subset : list of Tensor of uint8, shape=(n_elements, length)
    background : Tensor, shape=(4,)
    settings : EncoderSettings
    both : bool
    reading : Reading
    """
    digits, width = [torch.from_numpy(seed) for seed in seeds], settings.filter_width
    rounds = settings.refinement_rounds
    wide = refine_motifs(
        seed_matrices(digits, width + WIDENING, background), subset, background, rounds - rounds // 2, reading
    )
    grown = refine_motifs(crop(wide, width, background), subset, background, rounds // 2, reading)
    if not both:
        return grown
    narrow = seed_matrices(digits, width, background)
    return refine_motifs(narrow, subset, background, rounds, reading).join(grown)


@torch.no_grad()
def erased(motifs: Motifs, codes: Tensor, background: Tensor, reading: Reading = HERE) -> NDArray[np.uint8]:
    """Elements whose motifs are written over with N, shape=(n, length).

    The k-mers of a long motif would otherwise stand before every short one. Only the informative columns of
    the best window go, and only where the motif is more likely there than not.
    """
    encoder, result = motifs.encoder(), codes.numpy().copy()
    if not len(motifs.prior):
        return result
    information = (torch.exp(motifs.filters) * background[:, None] * motifs.filters).sum(dim=1)
    threshold = torch.log((1 - motifs.prior) / motifs.prior) + log_positions(codes.shape[1], encoder.width)
    score, start = reading.read(MotifEncoder.best_starts, encoder, codes)
    for filter_, columns in enumerate(information > ERASED_INFORMATION):
        offsets = columns.nonzero()[:, 0].numpy()
        for strand in (0, 1):
            here = np.flatnonzero((score[:, filter_, strand] > threshold[filter_]).numpy())
            read = offsets if strand == 0 else encoder.width - 1 - offsets
            result[here[:, None], start[here, filter_, strand].numpy()[:, None] + read] = N_CODE
    return result


def crop(motifs: Motifs, width: int, background: Tensor) -> Tensor:
    """The part of each filter that holds most of its information, shape=(n, 4, width)."""
    information = (torch.exp(motifs.filters) * background[:, None] * motifs.filters).sum(dim=1)
    held = information.unfold(1, width, 1).sum(dim=2)
    parts = []
    for filter_, row in zip(motifs.filters, held, strict=True):
        # Where several windows hold it all, the middle one leaves room on both sides.
        good = torch.where(row >= row.max() - SLACK)[0]
        start = int(good[len(good) // 2])
        parts.append(filter_[:, start : start + width])
    return torch.stack(parts)


def background_frequencies(tables: Sequence[Bases]) -> Tensor:
    """Base frequencies over both strands, shape=(4,)."""
    counts = np.zeros(N_CODE)
    for codes in tables:
        for at in range(0, len(codes), _PIECE):
            counts += np.bincount(codes[at : at + _PIECE].ravel(), minlength=N_CODE + 1)[:N_CODE]
    both = counts + counts[::-1]
    return torch.from_numpy(both / both.sum()).float()


def seed_matrices(seeds: list[Tensor], width: int, background: Tensor) -> Tensor:
    """Log-odds filters, shape=(n, 4, width): the seed in the middle, the background around it."""
    filters = torch.zeros(len(seeds), 4, width)
    for index, seed in enumerate(seeds):
        offset = (width - len(seed)) // 2
        probability = torch.full((4, len(seed)), (1 - SEED_PROBABILITY) / 3)
        probability[seed.long(), torch.arange(len(seed))] = SEED_PROBABILITY
        filters[index, :, offset : offset + len(seed)] = torch.log(probability / background[:, None])
    return filters


@torch.no_grad()
def refine_motifs(
    filters: Tensor, codes: list[Tensor], background: Tensor, rounds: int, reading: Reading = HERE
) -> Motifs:
    """Expectation-maximisation over the best window of each element.

    Parameters
    ----------
    filters : Tensor, shape=(n, 4, width)
        Log-odds to start from.
    codes : list of Tensor of uint8, shape=(n_elements, length)
        Elements, one tensor per element type.
    background : Tensor, shape=(4,)
    rounds : int
    reading : Reading
    """
    motifs = Motifs(filters, torch.full((len(filters),), 0.1), torch.zeros(len(filters)))
    for _ in range(rounds):
        counts = torch.zeros_like(filters)
        weight, total = torch.zeros(len(filters)), 0
        encoder = motifs.encoder()
        threshold = torch.log((1 - motifs.prior) / motifs.prior)
        for part in codes:
            score, best = reading.read(_best_on_either_strand, encoder, part)
            posterior = torch.sigmoid(score - threshold - log_positions(part.shape[1], encoder.width))
            for base in range(4):
                counts[:, base] += torch.einsum("nk,nkj->kj", posterior, (best == base).float())
            weight += posterior.sum(dim=0)
            total += len(part)
        probability = counts + PSEUDOCOUNT * background[:, None]
        probability = probability / probability.sum(dim=1, keepdim=True)
        log_odds = torch.log(probability / background[:, None])
        information = (probability * log_odds).sum(dim=(1, 2)) / np.log(2.0)
        motifs = Motifs(log_odds, (weight / total).clamp(0.002, 0.7), information)
    return motifs


def _best_on_either_strand(encoder: MotifEncoder, codes: Tensor) -> tuple[Tensor, Tensor]:
    """Score of the best window of each filter, shape=(n, n_filters), and its bases, (n, n_filters, width)."""
    scores, windows = encoder.best_windows(codes)
    score, strand = scores.max(dim=2)
    at = strand[:, :, None, None].expand(-1, -1, 1, encoder.width)
    return score, windows.gather(2, at)[:, :, 0]


@torch.no_grad()
def posteriors(motifs: Motifs, codes: Bases, reading: Reading = HERE) -> Features:
    """Probability that each element holds each motif, shape=(n_elements, n_motifs)."""
    encoder, found = motifs.encoder(), np.empty((len(codes), len(motifs.prior)), dtype=np.float32)
    for at in range(0, len(codes), _PIECE):
        part = torch.from_numpy(codes[at : at + _PIECE])
        (features,) = reading.read(MotifEncoder.features, encoder, part)
        found[at : at + _PIECE] = features[..., 0].numpy()
    return found


def _sound(motifs: Motifs, features: list[Features], targets: list[NDArray[np.float64]]) -> NDArray[np.bool_]:
    """Motifs that tell cell lines apart beyond chance, given those kept before, or are common.

    The places of others stay free for the seeds of the next round.
    """
    n_tests = sum(target.shape[1] for target in targets)
    beyond_chance = n_tests + 6.0 * (2.0 * n_tests) ** 0.5  # of a chi-squared sum: mean and deviations
    return np.asarray((_association(features, targets) > beyond_chance) | (motifs.prior.numpy() > COMMON))


def _ranked(motifs: Motifs, features: list[Features], targets: list[NDArray[np.float64]]) -> list[int]:
    """Usable motifs, the best first."""
    prior, information = motifs.prior.numpy(), motifs.information.numpy()
    worth = _association(features, targets) + 0.05 * prior * information
    usable = (information >= LEAST_INFORMATION) & (prior >= LEAST_PRIOR)
    return [int(row) for row in np.argsort(-worth, kind="stable") if usable[row]]


def _association(features: list[Features], targets: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """Sum of squared correlations with all targets, times the number of elements; shape=(n_motifs,)."""
    worth = np.zeros(features[0].shape[1])
    for scaled, target in zip(map(_scaled, features), targets, strict=True):
        explained = (scaled.T @ target) ** 2
        worth += (explained / (len(scaled) * np.maximum(target.var(axis=0), 1e-9))).sum(axis=1)
    return worth


def _correlation(features: list[Features]) -> NDArray[np.float64]:
    """Largest absolute correlation of two motifs over the element types, shape=(n_motifs, n_motifs)."""
    each = [np.abs(table.T @ table) / len(table) for table in map(_scaled, features)]
    return np.asarray(np.max(each, axis=0))


def _scaled(features: Features) -> NDArray[np.float64]:
    table = features.astype(np.float64)
    return np.asarray((table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-6))


def _unlike(kept: list[int], candidates: list[int], correlation: NDArray[np.float64], n: int) -> list[int]:
    """``kept``, and after it the candidates that are no copies of an earlier one; at most ``n``."""
    result = list(kept)
    for row in candidates:
        if len(result) < n and (not result or correlation[row, result].max() < LARGEST_CORRELATION):
            result.append(row)
    return result


def _residual(target: NDArray[np.float64], features: Features) -> NDArray[np.float64]:
    table = features.astype(np.float64)
    centred = table - table.mean(axis=0)
    ridge = centred.T @ centred + 1.0 * np.eye(features.shape[1])
    return np.asarray(target - centred @ np.linalg.solve(ridge, centred.T @ target))
