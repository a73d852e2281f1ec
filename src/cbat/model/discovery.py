r"""Motif discovery: k-mer seeds refined to position weight matrices by expectation-maximisation.

The model is the "zero or one occurrence per sequence" mixture (Bailey and Elkan 1994): an element
holds the motif once, on either strand and anywhere, with probability :math:`\pi`, or not at all.
Seeds come in two rounds; the second looks at what the motifs of the first leave unexplained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from cbat.config.models import EncoderSettings
from cbat.model.encoder import MotifEncoder, log_positions
from cbat.model.seeding import KmerTable, choose_seeds

PSEUDOCOUNT = 2.0
SEED_PROBABILITY = 0.7
LARGEST_CORRELATION = 0.5
LEAST_INFORMATION = 7.0
LEAST_PRIOR = 0.008


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


def discover_motifs(
    tables: list[tuple[NDArray[np.uint8], NDArray[np.float64]]],
    settings: EncoderSettings,
    seed: int,
) -> Motifs:
    """Motifs that tell cell lines apart, or that are over-represented in the elements.

    Parameters
    ----------
    tables : list of (codes, targets)
        Per element type: codes, shape=(n, length), and in which cell lines each element is a
        candidate, shape=(n, n_lines).
    settings : EncoderSettings
        At most ``n_filters`` motifs are returned; fewer are when the elements hold no more.
    seed : int
        Seed of the subset of elements that refines the matrices.
    """
    n_motifs, width, k = settings.n_filters, settings.filter_width, settings.seed_length
    rng = np.random.default_rng([seed, 11])
    background = background_frequencies([codes for codes, _ in tables])
    subset = [
        torch.from_numpy(codes[np.sort(rng.permutation(len(codes))[: settings.refinement_elements])])
        for codes, _ in tables
    ]
    kmers = [KmerTable.count(codes, k) for codes, _ in tables]
    targets = [values - values.mean(axis=0) for _, values in tables]
    taken: list[NDArray[np.int64]] = []
    found = None
    for share_associated, n_seeds in ((0.7, n_motifs + n_motifs // 4), (0.7, n_motifs)):
        association = sum(table.association(target) for table, target in zip(kmers, targets, strict=True))
        enrichment = sum(table.enrichment(codes) for table, (codes, _) in zip(kmers, tables, strict=True))
        wanted = int(share_associated * n_seeds)
        seeds = choose_seeds(np.asarray(association), k, wanted, taken)
        seeds += choose_seeds(np.asarray(enrichment), k, n_seeds - wanted, taken + seeds)
        taken += seeds
        start = seed_matrices([torch.from_numpy(digits) for digits in seeds], width, background)
        motifs = refine_motifs(start, subset, background, settings.refinement_rounds)
        motifs = motifs if found is None else found.join(motifs)
        features = [posteriors(motifs, torch.from_numpy(codes)) for codes, _ in tables]
        keep = _distinct(motifs, features, targets, 0 if found is None else len(found.prior), n_motifs)
        found = motifs.select(keep)
        targets = [
            _residual(values - values.mean(axis=0), table[:, keep])
            for (_, values), table in zip(tables, features, strict=True)
        ]
    assert found is not None
    return found


def background_frequencies(codes: list[NDArray[np.uint8]]) -> Tensor:
    """Base frequencies over both strands, shape=(4,)."""
    counts = sum(np.bincount(table.ravel(), minlength=5)[:4].astype(float) for table in codes)
    both = np.asarray(counts) + np.asarray(counts)[::-1]
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
def refine_motifs(filters: Tensor, codes: list[Tensor], background: Tensor, rounds: int) -> Motifs:
    """Expectation-maximisation over the best window of each element.

    Parameters
    ----------
    filters : Tensor, shape=(n, 4, width)
        Log-odds to start from.
    codes : list of Tensor of uint8, shape=(n_elements, length)
        Elements, one tensor per element type.
    background : Tensor, shape=(4,)
    rounds : int
    """
    motifs = Motifs(filters, torch.full((len(filters),), 0.1), torch.zeros(len(filters)))
    for _ in range(rounds):
        counts = torch.zeros_like(filters)
        weight, total = torch.zeros(len(filters)), 0
        encoder = motifs.encoder()
        threshold = torch.log((1 - motifs.prior) / motifs.prior)
        for part in codes:
            scores, windows = encoder.best_windows(part)
            score, strand = scores.max(dim=2)
            posterior = torch.sigmoid(score - threshold - log_positions(part.shape[1], encoder.width))
            best = windows.gather(2, strand[:, :, None, None].expand(-1, -1, 1, encoder.width))[:, :, 0]
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


@torch.no_grad()
def posteriors(motifs: Motifs, codes: Tensor) -> NDArray[np.float64]:
    """Probability that each element holds each motif, shape=(n_elements, n_motifs)."""
    return motifs.encoder().features(codes)[..., 0].numpy().astype(np.float64)


def _distinct(
    motifs: Motifs,
    features: list[NDArray[np.float64]],
    targets: list[NDArray[np.float64]],
    n_kept_before: int,
    n_motifs: int,
) -> list[int]:
    """Motifs kept: informative, present, and none a copy of a better one."""
    n = len(motifs.prior)
    worth = np.zeros(n)
    correlation = np.zeros((n, n))
    for table, target in zip(features, targets, strict=True):
        centred = table - table.mean(axis=0)
        scaled = centred / np.maximum(centred.std(axis=0), 1e-6)
        correlation = np.maximum(correlation, np.abs(scaled.T @ scaled) / len(table))
        worth += ((scaled.T @ target) ** 2 / (len(table) * np.maximum(target.var(axis=0), 1e-9))).sum(axis=1)
    worth += 0.05 * motifs.prior.numpy() * motifs.information.numpy()
    usable = (motifs.information.numpy() >= LEAST_INFORMATION) & (motifs.prior.numpy() >= LEAST_PRIOR)
    kept = list(range(n_kept_before))
    for index in n_kept_before + np.argsort(-worth[n_kept_before:], kind="stable"):
        if len(kept) == n_motifs:
            break
        if usable[index] and (not kept or correlation[index, kept].max() < LARGEST_CORRELATION):
            kept.append(int(index))
    return kept


def _residual(target: NDArray[np.float64], features: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = features - features.mean(axis=0)
    ridge = centred.T @ centred + 1.0 * np.eye(features.shape[1])
    return np.asarray(target - centred @ np.linalg.solve(ridge, centred.T @ target))
