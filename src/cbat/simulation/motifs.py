"""Real transcription-factor motifs for the simulated genome."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cbat.errors import UserError

RELEASE = "JASPAR2026"


def read_motifs(names: Sequence[str]) -> list[NDArray[np.float64]]:
    """Position probability matrices of human or other vertebrate motifs in JASPAR.

    Parameters
    ----------
    names : sequence of str
        JASPAR names, for example ``CTCF`` or ``FOS::JUN``; of several profiles of a name the one with
        the lowest identifier is taken, a human one first, in its newest version.

    Returns
    -------
    list of array, each shape=(length, 4)
        Probabilities of A, C, G, T, with a pseudocount of half a count per base.

    Raises
    ------
    UserError
        When a name is not in the release.

    References
    ----------
    The JASPAR open-access database of transcription factor binding profiles, 2026 release
    (CC BY 4.0), as packaged by ``pyjaspar``.
    """
    from pyjaspar import jaspardb

    database = jaspardb(release=RELEASE)
    return [_matrix(database, name) for name in names]


def _matrix(database: object, name: str) -> NDArray[np.float64]:
    found = database.fetch_motifs(tf_name=name, collection="CORE", tax_group=["vertebrates"])  # type: ignore[attr-defined]
    if not found:
        raise UserError(
            f"{RELEASE} has no vertebrate motif named {name!r}",
            mend="use a JASPAR transcription-factor name, for example GATA1 or FOS::JUN",
            where="simulation.motifs",
        )
    best = min(found, key=lambda motif: ("9606" not in (motif.species or []), motif.matrix_id))
    counts = np.array([best.counts[base] for base in "ACGT"], dtype=np.float64).T + 0.5
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))
