r"""Whether unlabelled enhancers of chromosomes that nobody has looked at tell which cell line they come from.

This is what the environment lives on, asked without a label and without a model of contacts. All cell lines
of the sheet are known here: the candidates that each has on training chromosomes say what its enhancers look
like, motif channel by motif channel. An enhancer :math:`x` speaks for the line :math:`l` by the linear
discriminant of Fisher (1936) with the shrunken covariance of Ledoit and Wolf (2004),

.. math:: s_l(x) = x^\top \Sigma^{-1} \mu_l - \tfrac12 \mu_l^\top \Sigma^{-1} \mu_l

and a set of enhancers by the sum, :math:`p(l \mid S) \propto \exp(a \sum_{x \in S} s_l(x))`. The power
:math:`a` is learned on validation chromosomes; the sets that are counted come from test chromosomes.

Lines differ in the GC content of their enhancers, for reasons that may lie in the assay. So the same is asked
of candidates that are as rich in GC in every line, and of GC content alone.

=======================  ===============================================================================
``known_motifs``         presence of known motifs that are not nearly the same
``known_motifs_at_gc``   the same among candidates that are alike in GC content in all lines
``encoder``              presence of the motif channels that the models use
``encoder_at_gc``        the same among candidates that are alike in GC content
``gc_alone``             GC content and nothing else
=======================  ===============================================================================
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from cbat.config.sections import EvaluationSettings, ReadoutSettings
from cbat.data.motif_files import read_motif_file
from cbat.evaluation.candidate_features import (
    ASKED,
    CALIBRATED,
    LEARNED,
    Candidates,
    Rows,
    gc_matched,
    missing_lines,
    read_candidates,
    rows_of,
)
from cbat.files import atomic_file
from cbat.model.bundle import load_encoder, use_threads
from cbat.model.environment import FloatArray
from cbat.model.known_motifs import distinct_motifs, known_motif_encoder
from cbat.model.motif_names import jaspar_motifs
from cbat.model.readout import Witness, calibrated_power, log_posterior

log = logging.getLogger(__name__)

N_SETS: Final = 200
"""Sets drawn from each line, for each size."""
RESAMPLED_SETS: Final = 100
MOST_RESAMPLES: Final = 200
"""Resamplings of chromosomes behind an interval, however many the configuration asks for."""
NOTHING: Final = "-"


@dataclass(frozen=True)
class Discriminant:
    """How much an enhancer speaks for each line.

    Attributes
    ----------
    centre, scale : array, shape=(n_features,)
        Mean over lines, and standard deviation within a line.
    means : array, shape=(n_lines, n_features)
        Of each line, in these units.
    weights : array, shape=(n_lines, n_features)
    """

    centre: FloatArray
    scale: FloatArray
    means: FloatArray
    weights: FloatArray

    @classmethod
    def fit(cls, known: Candidates, n_lines: int) -> Discriminant:
        """Learn from the candidates of all lines, each line weighing the same."""
        from sklearn.covariance import ledoit_wolf

        means = np.stack([known.features[known.line == line].mean(axis=0) for line in range(n_lines)])
        within = known.features - means[known.line]
        scale = within.std(axis=0) + 1e-6
        centre = means.mean(axis=0)
        covariance, _ = ledoit_wolf(within / scale, assume_centered=True)
        means = (means - centre) / scale
        return cls(centre, scale, means, np.linalg.solve(covariance, means.T).T)

    def scores(self, features: FloatArray) -> FloatArray:
        """What each enhancer says for each line, shape=(n, n_lines)."""
        offset = 0.5 * (self.means * self.weights).sum(axis=1)
        return np.asarray((features - self.centre) / self.scale @ self.weights.T - offset)


def run(
    *,
    encoder: Path,
    cohorts: Sequence[str],
    elements: Path,
    sequences: Path,
    cell_lines: Sequence[str],
    settings: EvaluationSettings,
    readout: ReadoutSettings,
    threads: int,
    directory: Path,
) -> None:
    """Write ``identification.tsv``, ``mean_posterior.tsv`` and ``motifs.tsv``.

    Parameters
    ----------
    encoder : Path
        Folder of the motif encoder.
    cohorts : sequence of str
        Folders below ``elements`` and ``sequences`` to read.
    elements, sequences : Path
        Elements and sequences of the cohorts.
    cell_lines : sequence of str
        Lines to tell apart; those without candidates on training chromosomes are left out.
    settings : EvaluationSettings
        Support sizes, number and seed of resamplings.
    readout : ReadoutSettings
        Known motifs, and how many to list for a line.
    threads : int
        CPU threads.
    directory : Path
        Where the three tables go.

    Raises
    ------
    UserError
        Fewer than two lines with candidates; a corrupt encoder or motif file.
    """
    use_threads(threads)
    panel = distinct_motifs(jaspar_motifs() if readout.motifs is None else read_motif_file(readout.motifs))
    encoders = [known_motif_encoder(panel), load_encoder(encoder)]
    rng = np.random.default_rng([settings.seed, 31])
    names, (known, learned) = read_candidates(cohorts, elements, sequences, cell_lines, encoders, rng)
    alike = gc_matched(known, len(names), rng)
    sizes = settings.drawn_sizes
    rows, posteriors = [], []
    versions = {
        "known_motifs": known,
        "known_motifs_at_gc": known.where(alike),
        "encoder": learned,
        "encoder_at_gc": learned.where(alike),
        "gc_alone": known.of_gc(),
    }
    for version, some in versions.items():
        if missing := missing_lines(some, len(names)):
            log.warning("%s: nothing to learn of %s", version, ", ".join(names[line] for line in missing))
            continue
        found, means = identify(version, some, names, sizes, settings, rng)
        rows += found
        posteriors += means
    _write(directory / "identification.tsv", pd.DataFrame(rows, columns=pd.Index(COLUMNS)))
    _write(directory / "mean_posterior.tsv", pd.DataFrame(posteriors))
    found = deviating_motifs(
        known, known.where(alike), names, [motif.name for motif in panel], readout.n_motifs
    )
    _write(directory / "motifs.tsv", found)


COLUMNS: Final = [
    "version", "n_support", "n_lines", "n_known_lines", "chance", "top1_accuracy", "low", "high",
    "worst_line", "worst_line_accuracy", "log_likelihood", "power", "n_sets",
]  # fmt: skip


def identify(
    version: str,
    candidates: Candidates,
    names: Sequence[str],
    sizes: Sequence[int],
    settings: EvaluationSettings,
    rng: np.random.Generator,
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """How often a set's most probable line is its own: a row for each size, and one for each line of it."""
    n_lines = len(names)
    discriminant = Discriminant.fit(candidates.where(candidates.split == LEARNED), n_lines)
    scores = discriminant.scores(candidates.features)
    witnesses = [
        [
            Witness(draw(scores[rows], size, N_SETS, rng), line)
            for line, rows in pools(candidates, CALIBRATED, n_lines, size).items()
        ]
        for size in sizes
    ]
    power = calibrated_power(witnesses)
    found, means = [], []
    for size in sizes:
        asked = pools(candidates, ASKED, n_lines, size)
        if not asked:
            continue
        posteriors = {
            line: log_posterior(draw(scores[rows], size, N_SETS, rng), power) for line, rows in asked.items()
        }
        right = {line: float((table.argmax(axis=1) == line).mean()) for line, table in posteriors.items()}
        worst = min(right, key=lambda line: right[line])
        low, high = interval(candidates, scores, asked, size, settings, rng)
        likelihood = np.mean([table[:, line].mean() for line, table in posteriors.items()])
        values = [
            version, size, len(asked), n_lines, 1.0 / n_lines, np.mean(list(right.values())), low, high,
            names[worst], right[worst], likelihood, power, N_SETS,
        ]  # fmt: skip
        found.append(dict(zip(COLUMNS, values, strict=True)))
        for line, table in posteriors.items():
            key = {
                "version": version,
                "n_support": size,
                "cell_line": names[line],
                "top1_accuracy": right[line],
            }
            means.append(key | dict(zip(names, np.exp(table).mean(axis=0), strict=True)))
    return found, means


def pools(candidates: Candidates, split: str, n_lines: int, size: int) -> dict[int, Rows]:
    """Candidates of a split, of each line that has enough for a set."""
    rows = {line: rows_of(candidates, split, line) for line in range(n_lines)}
    return {line: some for line, some in rows.items() if len(some) >= size}


def draw(scores: FloatArray, size: int, n_sets: int, rng: np.random.Generator) -> FloatArray:
    """What random sets of enhancers say for each line, shape=(n_sets, n_lines); no set has one twice."""
    sets = [rng.choice(len(scores), size, replace=False, shuffle=False) for _ in range(n_sets)]
    return np.stack([scores[rows].sum(axis=0) for rows in sets])


def interval(
    candidates: Candidates,
    scores: FloatArray,
    asked: Mapping[int, Rows],
    size: int,
    settings: EvaluationSettings,
    rng: np.random.Generator,
) -> tuple[float, float]:
    """95% interval of the accuracy over resampled chromosomes; not a number where there is only one."""
    chromosomes = np.unique(candidates.chrom[candidates.split == ASKED].astype(str))
    n = min(settings.n_bootstrap, MOST_RESAMPLES)
    if len(chromosomes) < 2 or n == 0:
        return np.nan, np.nan
    home = {line: candidates.chrom[rows].astype(str) for line, rows in asked.items()}
    accuracies = []
    for _ in range(n):
        names, times = np.unique(rng.choice(chromosomes, len(chromosomes)), return_counts=True)
        count = dict(zip(names.tolist(), times.tolist(), strict=True))
        right = []
        for line, rows in asked.items():
            pool = np.repeat(rows, [count.get(name, 0) for name in home[line]])
            if len(pool) >= size:
                said = draw(scores[pool], size, RESAMPLED_SETS, rng)
                right.append((said.argmax(axis=1) == line).mean())
        if right:
            accuracies.append(np.mean(right))
    low, high = np.percentile(accuracies, [2.5, 97.5])
    return float(low), float(high)


def deviating_motifs(
    candidates: Candidates, matched: Candidates, names: Sequence[str], motifs: Sequence[str], n_motifs: int
) -> pd.DataFrame:
    """Known motifs in which each line's candidates differ most from those of the other lines.

    Parameters
    ----------
    candidates, matched : Candidates
        All, and those that are alike in GC content in all lines.
    names, motifs : sequence of str
        Of lines and of motifs.
    n_motifs : int
        Motifs listed for each line.

    Returns
    -------
    DataFrame
        ``deviation`` from the mean of the other lines at equal GC content, in standard deviations of an
        enhancer within a line, on training chromosomes; ``deviation_of_all``, the same whatever the GC
        content; ``z``, the deviation in standard errors.
    """
    at_gc, standard_error = _deviations(matched, len(names))
    of_all, _ = _deviations(candidates, len(names))
    rows = []
    for line, cell_line in enumerate(names):
        order = np.argsort(-np.abs(at_gc[line]), kind="stable")[:n_motifs]
        for rank, motif in enumerate(order, start=1):
            value = float(at_gc[line, motif])
            rows.append(
                {
                    "cell_line": cell_line, "rank": rank, "motif": motifs[motif], "deviation": value,
                    "z": value / standard_error[line], "deviation_of_all": float(of_all[line, motif]),
                    "direction": "up" if value > 0 else "down",
                }
            )  # fmt: skip
    return pd.DataFrame(rows)


def _deviations(candidates: Candidates, n_lines: int) -> tuple[FloatArray, FloatArray]:
    """Mean of each line minus that of the others in units within a line, and its standard error by line.

    Returns
    -------
    deviation : array, shape=(n_lines, n_channels)
    standard_error : array, shape=(n_lines,)
    """
    learned = candidates.where(candidates.split == LEARNED)
    if missing_lines(learned, n_lines):
        return np.full((n_lines, candidates.features.shape[1]), np.nan), np.full(n_lines, np.nan)
    means = np.stack([learned.features[learned.line == line].mean(axis=0) for line in range(n_lines)])
    scale = (learned.features - means[learned.line]).std(axis=0) + 1e-6
    others = (means.sum(axis=0) - means) / (n_lines - 1)
    share = 1.0 / np.bincount(learned.line, minlength=n_lines)
    variance = share + (share.sum() - share) / (n_lines - 1) ** 2
    return np.asarray((means - others) / scale), np.sqrt(variance)


def _write(path: Path, table: pd.DataFrame) -> None:
    with atomic_file(path) as temporary:
        table.to_csv(
            temporary, sep="\t", index=False, float_format="%.4f", lineterminator="\n", na_rep=NOTHING
        )
