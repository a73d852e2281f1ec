r"""The law of the landscape: a spline of distance, and a sum over features of the landscape.

.. math::

    U_I = C + c + \sum_j a_j B_j(\ln d), \qquad
    R_E = \mathrm{softplus}\Big(C + \sum_k \big[e_k w_k s_k \, \phi(z_k)
        + (1 - e_k) w^*_k s^*_k \, \phi(z^*_k)\big]\Big), \qquad w_k, w^*_k \ge 0

:math:`z_k` is a feature of the line's own tracks and :math:`z^*_k` the same as the graph expects it, both
standardised over all pairs of the cell line, whatever their labels; :math:`e_k` is the share of the line's
own evidence, one for each kind of track, :math:`s_k` and :math:`s^*_k` are signs, and :math:`\phi` the
identity or three ramps. The constant :math:`C` is so large that the softplus bends no pair; it cancels.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from cbat.errors import UserError
from cbat.files import write_json
from cbat.landscape.features import GENES, KINDS, NAMES, kind_of
from cbat.landscape.features import Columns as Columns

FloatArray = npt.NDArray[np.float64]
Shape = Literal["linear", "ramps"]

FORMAT: Final = 2
KNOTS: Final = (3.7, 4.525, 5.35, 6.175)
"""Knots of the cubic spline, in powers of ten of the distance (bp): 5 kb to 1.5 Mb.

They are few, for finer steps of some lines are not those of another. Beyond the outer ones the law is
constant.
"""
RAMPS: Final = (-0.5, 0.5)
"""Where a ramp ends and the next one begins, in standard deviations."""
FARTHEST: Final = 5.0
"""Standardised features are clipped here: an outlier of one assay decides nothing."""
UNBENT: Final = 10.0
"""Least resistance before the softplus on the pairs of the fit; the softplus adds less than 5e-5 there."""


def distance_basis(distance: npt.NDArray[Any]) -> Columns:
    """Cubic B-splines of log10 distance (bp), float32, shape=(n, 1 + n_knots); 0 at 100 kb."""
    given = np.append(np.asarray(distance, dtype=float), 1e5)
    x = np.clip(np.log10(np.maximum(given, 1.0)), KNOTS[0], KNOTS[-1])
    columns = _b_splines(x)[:, 1:]
    return np.asarray(columns[:-1] - columns[-1], dtype=np.float32)


def _b_splines(x: FloatArray) -> FloatArray:
    """All cubic B-splines between the knots by the recursion of Cox and de Boor, shape=(n, n_knots + 2).

    Written out, for importing SciPy's takes longer than all that a law has to compute.
    """
    knots = np.concatenate([np.repeat(KNOTS[0], 3), KNOTS, np.repeat(KNOTS[-1], 3)])
    columns = np.zeros((len(x), len(knots) - 1))
    stretch = np.clip(np.searchsorted(KNOTS, x, side="right") - 1, 0, len(KNOTS) - 2)
    columns[np.arange(len(x)), 3 + stretch] = 1.0
    for degree in (1, 2, 3):
        n = columns.shape[1] - 1
        width = knots[degree:] - knots[:-degree]
        # Of splines over no width at all, at the outer knots, nothing is taken.
        share = np.divide(1.0, width, out=np.zeros_like(width), where=width > 0.0)
        rising = (x[:, None] - knots[:n]) * share[:n]
        falling = (knots[degree + 1 :] - x[:, None]) * share[1:]
        columns = rising * columns[:, :n] + falling * columns[:, 1:]
    return columns


class Moments(NamedTuple):
    """Mean and standard deviation of each feature, shape=(n_features,) each."""

    mean: FloatArray
    deviation: FloatArray


def moments(columns: Columns, weight: FloatArray | None = None) -> Moments:
    """Mean and deviation of features over the pairs of a line; parameters of :func:`standardised`."""
    share = None if weight is None else weight / weight.sum()
    mean = columns.mean(axis=0, dtype=float) if share is None else share @ columns
    centred = (columns - mean.astype(np.float32)).astype(float)
    square = (centred**2).mean(axis=0) if share is None else share @ centred**2
    return Moments(np.asarray(mean), np.asarray(np.sqrt(square)))


def scaled(columns: Columns, known: Moments) -> Columns:
    """Features in deviations from the mean, clipped; shape=(n, n_features)."""
    centred = columns - known.mean.astype(np.float32)
    return np.asarray(np.clip(centred / (known.deviation + 1e-6).astype(np.float32), -FARTHEST, FARTHEST))


def standardised(columns: Columns, weight: FloatArray | None = None) -> Columns:
    """Features with mean 0 and variance 1 over the pairs of a line, clipped; shape=(n, n_features).

    Parameters
    ----------
    columns : float32 array, shape=(n, n_features)
    weight : array, shape=(n,), optional
        How much each pair counts in mean and variance; all alike by default.
    """
    return scaled(columns, moments(columns, weight)) if len(columns) else columns


def shaped(columns: Columns, shape: Shape) -> Columns:
    """Standardised features as a law reads them: themselves, or three ramps of each, in three blocks."""
    if shape == "linear":
        return columns
    low, high = RAMPS
    return np.concatenate(
        [np.minimum(columns, low), np.clip(columns - low, 0.0, high - low), np.maximum(columns - high, 0.0)],
        axis=1,
        dtype=np.float32,
    )


def rows_of(features: Sequence[str]) -> list[int]:
    """Columns of some features among those of all names."""
    return [NAMES.index(name) for name in features]


def terms_of(columns: Columns, features: Sequence[str], shape: Shape, weights: FloatArray) -> FloatArray:
    """What each of some features adds, shape=(n, len(features)), from standardised features of all names."""
    read = shaped(columns[:, rows_of(features)], shape).astype(float) * weights
    blocks = read.shape[1] // max(len(features), 1)
    return np.asarray(read.reshape(len(read), blocks, len(features)).sum(axis=1))


@dataclass(frozen=True)
class Fit:
    """One fit of a law.

    Attributes
    ----------
    distance : tuple of float
        Weights of :func:`distance_basis`.
    level : float
        Log-odds at 100 kb in an average landscape.
    features : tuple of str
        Features that it reads; none in a law of distance alone.
    own_share : dict
        Kind of track -> share of the line's own evidence; the rest is the graph's expectation.
    shape : str
        ``linear`` or ``ramps``.
    own_weights, graph_weights : tuple of float
        What each shaped feature adds to the resistance where it is the line's own, and where it is expected;
        in the order of the features.
    constant : float
        The constant :math:`C`.
    threshold : float
        Probability from which on a pair is called a contact; of held-out training lines.
    chosen : dict
        What was tried on held-out training lines and how it did.
    """

    distance: tuple[float, ...]
    level: float
    features: tuple[str, ...]
    own_share: dict[str, float]
    shape: Shape
    own_weights: tuple[float, ...]
    graph_weights: tuple[float, ...]
    constant: float
    threshold: float
    chosen: dict[str, Any]

    def potential(self, distance: npt.NDArray[Any]) -> FloatArray:
        """:math:`U_I` of pairs so far apart (bp), shape=(n,)."""
        spline = distance_basis(distance).astype(float) @ np.array(self.distance)
        return np.asarray(spline + self.level + self.constant)

    def resistance(self, own: Columns, graph: Columns) -> FloatArray:
        """What stands before the softplus, from standardised features of all names, shape=(n,)."""
        if not self.features:
            return np.full(len(own), self.constant)
        read = self.terms(own, graph)
        return np.asarray(self.constant + read.sum(axis=1))

    def terms(self, own: Columns, graph: Columns) -> FloatArray:
        """What each feature adds, shape=(n, len(features))."""
        share = np.array([self.own_share.get(kind_of(name), 1.0) for name in self.features])
        total = np.zeros((len(own), len(share)))
        for columns, weights, part in (
            (own, self.own_weights, share),
            (graph, self.graph_weights, 1.0 - share),
        ):
            if part.any():
                total += part * terms_of(columns, self.features, self.shape, np.array(weights))
        return total


@dataclass(frozen=True)
class Law:
    """A law with one fit for each part of the chromosomes that is tested.

    Attributes
    ----------
    name : str
    members : dict
        Split that is tested -> the fit that has read nothing of it; ``all`` has read every chromosome of the
        training lines, and is for new cell lines.
    train_lines : tuple of str
    """

    name: str
    members: dict[str, Fit]
    train_lines: tuple[str, ...]

    def member(self, split: str) -> Fit:
        """The fit for pairs of a split: one that has not read it where there is one."""
        if split in self.members:
            return self.members[split]
        return self.members["test"] if "test" in self.members else self.members["all"]


def softplus(x: FloatArray) -> FloatArray:
    """ln(1 + e^x), shape as given."""
    return np.asarray(np.logaddexp(0.0, x))


def probability_of(logit: FloatArray, temperature: float = 1.0) -> FloatArray:
    """Probability of contact at a temperature, shape=(n,)."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(logit / temperature, -500.0, 500.0))))


def described(law: Law) -> dict[str, Any]:
    """A law as JSON holds it."""
    members = {name: asdict(fit) for name, fit in law.members.items()}
    return {
        "format": FORMAT,
        "name": law.name,
        "train_lines": list(law.train_lines),
        "features": list(NAMES),
        "members": members,
    }


def save_law(path: Path, law: Law) -> None:
    """Write ``law.json``."""
    write_json(path, described(law))


def load_law(path: Path) -> Law:
    """Read a law.

    Raises
    ------
    UserError
        The file is missing, damaged or of another format.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"this is not a law of cbat ({error})", mend="run fit_landscape again", file=path
        ) from error
    return assembled(content, file=path)


def assembled(content: Any, *, file: Path) -> Law:
    """A law from what :func:`described` has kept of it; UserError (of ``file``) if it is not one."""
    try:
        if (version := content["format"]) != FORMAT:
            raise _other_version(f"the law has the format {version!r}, and this version reads {FORMAT}", file)
        # A law of an earlier version knows some features less, and names those that it reads.
        if not set(content["features"]) <= set(NAMES):
            raise _other_version("the law has features that this version of cbat does not know", file)
        members = {str(name): _fit(fit) for name, fit in content["members"].items()}
        if not members:
            raise ValueError("it has no members")
        return Law(str(content["name"]), members, tuple(map(str, content["train_lines"])))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(
            f"this is not a law of cbat ({error})", mend="run fit_landscape again", file=file
        ) from error


def _other_version(problem: str, file: Path) -> UserError:
    mend = "use the version of cbat that fitted it (a model card names it), or run fit_landscape again"
    return UserError(problem, mend=mend, file=file)


def _fit(content: Mapping[str, Any]) -> Fit:
    shape = content["shape"]
    features = tuple(map(str, content["features"]))
    fit = Fit(
        distance=tuple(map(float, content["distance"])),
        level=float(content["level"]),
        features=features,
        own_share={str(kind): float(share) for kind, share in content["own_share"].items()},
        shape=shape,
        own_weights=tuple(map(float, content["own_weights"])),
        graph_weights=tuple(map(float, content["graph_weights"])),
        constant=float(content["constant"]),
        threshold=float(content["threshold"]),
        chosen=dict(content["chosen"]),
    )
    n_blocks = {"linear": 1, "ramps": 3}[shape]
    lengths = {len(fit.own_weights), len(fit.graph_weights)}
    if lengths != {n_blocks * len(features)} or len(fit.distance) != 1 + len(KNOTS):
        raise ValueError("its weights do not fit its features")
    if not set(features) <= set(NAMES) or not set(fit.own_share) <= set(KINDS) - {GENES}:
        raise ValueError("it names unknown features or kinds")
    if not np.isfinite(
        [*fit.distance, *fit.own_weights, *fit.graph_weights, fit.level, fit.constant, fit.threshold]
    ).all():
        raise ValueError("it holds a number that is not finite")
    if not all(0.0 <= share <= 1.0 for share in fit.own_share.values()):
        raise ValueError("it holds a share outside 0 to 1")
    return fit
