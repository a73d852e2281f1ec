"""Discover the motifs of an encoder in the training lines' candidates, without interaction labels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from cbat.config.models import EncoderSettings
from cbat.config.sections import TrainingSettings
from cbat.data.sequences import stored_codes
from cbat.data.stored import StoredRows, read_table
from cbat.data.windows import ROLES
from cbat.errors import UserError
from cbat.model.bundle import save_encoder
from cbat.model.discovery import Motifs, background_frequencies, discover_motifs
from cbat.model.reading import reading
from cbat.model.seeding import Bases
from cbat.sentences import in_words

log = logging.getLogger(__name__)
BASES: Final = np.array(list("ACGT"))
_MEND: Final = "run collect_elements again"


def run(
    *,
    elements_directory: Path,
    sequences_directory: Path,
    train_lines: Sequence[str],
    settings: EncoderSettings,
    training: TrainingSettings,
    seed: int,
    threads: int,
    directory: Path,
) -> None:
    """Write ``encoder.safetensors`` and ``encoder.json``.

    Parameters
    ----------
    elements_directory, sequences_directory : Path
        Elements and sequences of the training cohort; elements of training chromosomes are read.
    train_lines : sequence of str
        Lines whose candidates are read; validation lines are none of them.
    settings : EncoderSettings
        A file of config/encoders.
    training : TrainingSettings
        The section ``training``.
    seed : int
        Seed of the draw of elements.
    threads : int
        Processes that read elements, of one thread each.
    directory : Path
        Where the encoder goes.
    """
    torch.set_num_threads(1)
    tables = training_tables(elements_directory, sequences_directory, train_lines)
    if settings.seeding == "random":
        motifs = random_motifs(tables, settings, seed)
    else:
        with reading(threads) as readers:
            motifs = discover_motifs(tables, settings, seed, readers)
    n_elements = {f"{role}s": len(codes) for role, (codes, _) in zip(ROLES, tables, strict=True)}
    log.info("%d motifs in %s", len(motifs.prior), in_words(n_elements))
    described = [
        {
            "consensus": "".join(BASES[filter_.argmax(dim=0).numpy()]),
            "prior": round(float(prior), 6),
            "information_bits": round(float(information), 3),
        }
        for filter_, prior, information in zip(motifs.filters, motifs.prior, motifs.information, strict=True)
    ]
    description = {"settings": settings.model_dump(mode="json"), "seed": seed, "motifs": described}
    save_encoder(directory, motifs.encoder(), description)


def training_tables(
    elements_directory: Path, sequences_directory: Path, train_lines: Sequence[str]
) -> list[tuple[StoredRows, npt.NDArray[np.float64]]]:
    """Codes, and in which cell lines each is a candidate, of elements of training chromosomes per role.

    Returns
    -------
    list of (codes, candidate), shape=(n, length) and shape=(n, n_lines)
        Enhancers, then promoters; elements that are a candidate somewhere.

    Raises
    ------
    UserError
        A file is missing or damaged, a line has no candidates, or the sequences are of other elements.
    """
    candidates = read_table(
        elements_directory / "candidates.parquet", ["cell_line", "role", "element"], mend=_MEND
    )
    candidates = candidates[candidates["cell_line"].isin(list(train_lines))]
    lines = pd.Index([line for line in train_lines if line in set(candidates["cell_line"])])
    if unknown := sorted(set(train_lines) - set(lines)):
        raise UserError(
            f"{unknown[0]!r} has no candidates among these elements",
            mend="name training lines of the cohort, or run collect_elements again",
            file=elements_directory / "candidates.parquet",
        )
    tables = []
    for role in ROLES:
        split = read_table(elements_directory / f"{role}.parquet", ["split"], mend=_MEND)["split"]
        of_role = candidates[candidates["role"] == role]
        member = np.zeros((len(split), len(lines)))
        member[of_role["element"], lines.get_indexer(of_role["cell_line"])] = 1.0
        kept = (split == "train").to_numpy() & member.any(axis=1)
        codes = stored_codes(
            sequences_directory,
            role,
            np.flatnonzero(kept),
            n_elements=len(kept),
            elements_directory=elements_directory,
        )
        tables.append((codes, member[kept]))
    return tables


def random_motifs(
    tables: Sequence[tuple[Bases, npt.NDArray[np.float64]]], settings: EncoderSettings, seed: int
) -> Motifs:
    """Matrices drawn at random, the control of what discovery is worth."""
    rng = np.random.default_rng([seed, 12])
    background = background_frequencies([codes for codes, _ in tables])
    draws = rng.dirichlet(np.full(4, 0.3), size=(settings.n_filters, settings.filter_width))
    probability = torch.from_numpy(draws).float().transpose(1, 2).clamp(min=1e-3)
    filters = torch.log(probability / probability.sum(dim=1, keepdim=True) / background[:, None])
    return Motifs(filters, torch.full((settings.n_filters,), 0.1), torch.zeros(settings.n_filters))
