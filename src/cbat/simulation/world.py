r"""The hidden truth of a simulated world.

Every element :math:`e` carries motifs :math:`z_e \in \{0, 1\}^K`; every cell line :math:`c` has factor
activities :math:`a_c \in R^K`. Elements are candidates in a line with probability
:math:`\mathrm{sigmoid}(\alpha_c + s \sum_k z_{ek} a_{ck})`, and a pair is in contact with probability
:math:`\mathrm{sigmoid}((U_I - R_E) / T)`: the intrinsic potential depends on the two elements alone,
the resistance on the elements and the activities.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cbat.config.sections import SimulationSettings

Array = NDArray[np.float64]
N_COMBINATIONS = 40
N_ENVIRONMENT_DRAWS = 600
N_DRAWS_WITH_LANDSCAPE = 120
"""Environments to average over where each has a landscape, which takes longer."""
_PIECE = 1000
"""Pairs that are looked at together; all of a line would take as much memory as the genome."""
_ENVIRONMENTS_TOGETHER = 10


@dataclass(frozen=True)
class Elements:
    """Elements of one type.

    Attributes
    ----------
    presence : array of bool, shape=(n, K)
    forward : array of bool, shape=(n, K)
        Strand of each motif instance.
    chromosome : array of int, shape=(n,)
    start : array of int, shape=(n,)
        0-based start of the element on its chromosome, bp.
    """

    presence: NDArray[np.bool_]
    forward: NDArray[np.bool_]
    chromosome: NDArray[np.int64]
    start: NDArray[np.int64]

    def mask(self, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Which elements are among ``rows``, shape=(n,)."""
        found = np.zeros(len(self.start), dtype=bool)
        found[rows] = True
        return found


@dataclass(frozen=True)
class Laws:
    """Fixed parameters of the contact law; ``K`` motifs, ``C`` motif combinations."""

    potential_enhancer: Array  # (K,)
    potential_promoter: Array  # (K,)
    potential_pairs: NDArray[np.int64]  # (C, 2)
    potential_pair_weights: Array  # (C,)
    resistance_enhancer: Array  # (K,)
    resistance_promoter: Array  # (K,)
    resistance_pairs: NDArray[np.int64]  # (C, 2)
    resistance_pair_weights: Array  # (C,)
    convergence: float
    distance_decay: float
    resistance_offset: float
    ctcf: int | None


def draw_laws(rng: np.random.Generator, settings: SimulationSettings) -> Laws:
    """Draw the parameters of the contact law."""
    k = len(settings.motifs)
    free = np.array([name != "CTCF" for name in settings.motifs], dtype=np.float64)

    def combinations() -> NDArray[np.int64]:
        chosen = rng.choice(k * k, size=min(N_COMBINATIONS, k * k), replace=False)
        return np.stack([chosen // k, chosen % k], axis=1)

    potential = settings.potential_strength
    resistance = settings.resistance_strength
    potential_pairs, resistance_pairs = combinations(), combinations()
    signs = repressors(settings)
    return Laws(
        potential_enhancer=0.35 * potential * rng.normal(size=k),
        potential_promoter=0.35 * potential * rng.normal(size=k),
        potential_pairs=potential_pairs,
        potential_pair_weights=0.6 * potential * rng.normal(size=len(potential_pairs)),
        resistance_enhancer=1.1 * resistance * free * signs * rng.uniform(0.4, 1.6, size=k),
        resistance_promoter=1.1 * resistance * free * signs * rng.uniform(0.4, 1.6, size=k),
        resistance_pairs=resistance_pairs,
        resistance_pair_weights=4.0
        * resistance
        * signs[resistance_pairs].min(axis=1)
        * rng.uniform(0.4, 1.6, size=len(resistance_pairs)),
        convergence=1.5 * potential,
        distance_decay=0.5 * potential,
        resistance_offset=5.0,
        ctcf=settings.motifs.index("CTCF") if "CTCF" in settings.motifs else None,
    )


def repressors(settings: SimulationSettings) -> Array:
    """-1 for each factor that resists contact where it is active, else 1, shape=(K,).

    They have a random stream of their own, so that all else is what it is without them.
    """
    signs = np.ones(len(settings.motifs))
    able = free_factors(settings)
    rng = np.random.default_rng([settings.seed, 12])
    signs[rng.choice(able, round(settings.repressor_share * len(able)), replace=False)] = -1.0
    return signs


def free_factors(settings: SimulationSettings) -> NDArray[np.int64]:
    """Rows of the factors whose activity decides contacts: all but CTCF."""
    return np.flatnonzero([name != "CTCF" for name in settings.motifs])


def draw_activities(
    rng: np.random.Generator, settings: SimulationSettings, tissue_of_line: list[str]
) -> Array:
    """Factor activities of every line, shape=(n_lines, K).

    Each activity has unit variance and correlation ``tissue_correlation`` between lines of one tissue.
    """
    k = len(settings.motifs)
    shared = {tissue: rng.normal(size=k) for tissue in sorted(set(tissue_of_line))}
    own = rng.normal(size=(len(tissue_of_line), k))
    rho = settings.tissue_correlation
    tissue_part = np.stack([shared[tissue] for tissue in tissue_of_line])
    return np.asarray(np.sqrt(rho) * tissue_part + np.sqrt(1 - rho) * own)


def candidate_logit(settings: SimulationSettings, presence: NDArray[np.bool_], activity: Array) -> Array:
    """Log-odds of being a candidate in a line, calibrated to ``active_fraction``.

    Parameters
    ----------
    presence : array of bool, shape=(n, K)
    activity : array, shape=(K,)

    Returns
    -------
    array, shape=(n,)
    """
    drive = candidate_drive(settings, presence, activity)
    return np.asarray(drive + _calibration(settings, drive))


def candidate_drive(
    settings: SimulationSettings, presence: NDArray[np.bool_] | Array, activity: Array
) -> Array:
    """Log-odds of being a candidate before calibration, shape=(n,) or (n, m) as that of the activities."""
    strength = 0.0 if settings.world == "uninformative" else 0.8 * settings.candidate_strength
    return np.asarray(strength * presence.astype(np.float64) @ activity)


def _calibration(settings: SimulationSettings, drive: Array) -> Array:
    """What to add to log-odds, shape=(n,) or (n, m), for a mean chance of ``active_fraction``."""
    low, high = np.full(drive.shape[1:], -20.0), np.full(drive.shape[1:], 20.0)
    for _ in range(40):
        middle = (low + high) / 2
        rate = sigmoid(drive + middle).mean(axis=0)
        low, high = (
            np.where(rate < settings.active_fraction, middle, low),
            np.where(rate < settings.active_fraction, high, middle),
        )
    return np.asarray((low + high) / 2)


def pieces(n: int) -> Iterator[slice]:
    """Cut ``n`` pairs into pieces, none of a single pair, for a product of one row is rounded otherwise."""
    begins = range(0, max(n - 1, 1), _PIECE)
    for begin in begins:
        yield slice(begin, n if begin == begins[-1] else begin + _PIECE)


def intrinsic_potential(
    laws: Laws,
    enhancers: Elements,
    promoters: Elements,
    pairs: NDArray[np.int64],
    distance: Array,
    upstream: Array,
) -> Array:
    r"""Potential :math:`U_I` of pairs, without the intercept.

    Parameters
    ----------
    pairs : array of int, shape=(n, 2)
        Enhancer and promoter index.
    distance : array, shape=(n,)
        Distance between the centres, bp.
    upstream : array, shape=(n,)
        +1 where the enhancer lies left of the promoter, else -1.
    """
    ze = enhancers.presence[pairs[:, 0]].astype(np.float64)
    zp = promoters.presence[pairs[:, 1]].astype(np.float64)
    potential = ze @ laws.potential_enhancer + zp @ laws.potential_promoter
    left, right = laws.potential_pairs.T
    potential += (ze[:, left] * zp[:, right]) @ laws.potential_pair_weights
    potential -= laws.distance_decay * np.log(np.maximum(distance, 1000.0) / 50_000.0)
    if laws.ctcf is not None:
        both = (ze[:, laws.ctcf] * zp[:, laws.ctcf]) > 0
        enhancer_forward = enhancers.forward[pairs[:, 0], laws.ctcf]
        promoter_forward = promoters.forward[pairs[:, 1], laws.ctcf]
        # Loops join a forward site on the left with a reverse site on the right (Rao et al. 2014).
        convergent = np.where(
            upstream > 0, enhancer_forward & ~promoter_forward, promoter_forward & ~enhancer_forward
        )
        potential += laws.convergence * (both & convergent)
    return potential


def environment_resistance(
    settings: SimulationSettings,
    laws: Laws,
    enhancers: Elements,
    promoters: Elements,
    pairs: NDArray[np.int64],
    activity: Array,
) -> Array:
    r"""Resistance :math:`R_E \ge 0` of pairs in environments.

    Parameters
    ----------
    pairs : array of int, shape=(n, 2)
    activity : array, shape=(K, m)
        One environment per column.

    Returns
    -------
    array, shape=(n, m)
    """
    ze = enhancers.presence[pairs[:, 0]].astype(np.float64)
    zp = promoters.presence[pairs[:, 1]].astype(np.float64)
    rate = settings.motif_rate
    if settings.world == "cooperative":
        left, right = laws.resistance_pairs.T
        active = (activity[left] + activity[right]) / 2
        relief = (ze[:, left] * zp[:, right] * laws.resistance_pair_weights) @ active
        average = rate**2 * laws.resistance_pair_weights @ active
    else:
        relief = (ze * laws.resistance_enhancer + zp * laws.resistance_promoter) @ activity
        average = rate * (laws.resistance_enhancer + laws.resistance_promoter) @ activity
    # What an environment does to all its pairs alike only moves the contact rate of the line.
    relief = relief - (1.0 - settings.level_share) * average
    return softplus(laws.resistance_offset - relief)


def softplus(x: Array) -> Array:
    """``log(1 + exp(x))``, safe for large arguments; numpy's own ``logaddexp`` takes three times as long."""
    return np.asarray(np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))))


def sigmoid(x: Array) -> Array:
    """Logistic function, safe for large arguments."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * x)))


def contact_intercept(settings: SimulationSettings, potential_minus_resistance: Array) -> float:
    """Intercept of the potential that gives the wanted contact rate over all lines."""
    low, high = -50.0, 50.0
    for _ in range(60):
        middle = (low + high) / 2
        rate = sigmoid((potential_minus_resistance + middle) / settings.temperature).mean()
        low, high = (middle, high) if rate < settings.contact_rate else (low, middle)
    return (low + high) / 2


@dataclass(frozen=True)
class DrawnEnvironments:
    """Environments from the world's own distribution.

    Attributes
    ----------
    activity : array, shape=(K, m)
        What decides candidates, one environment per column.
    contact : array, shape=(K, m)
        What decides contacts; see ``contact_correlation``.
    enhancer_level, promoter_level : array, shape=(m,)
        What calibrates the log-odds of the elements that are candidates in them.
    """

    activity: Array
    contact: Array
    enhancer_level: Array
    promoter_level: Array


def draw_environments(
    settings: SimulationSettings, enhancers: Elements, promoters: Elements, seed: int
) -> DrawnEnvironments:
    """``N_ENVIRONMENT_DRAWS`` environments, the same for all lines; fewer where there is a landscape."""
    rng = np.random.default_rng([seed, 77])
    n = N_ENVIRONMENT_DRAWS
    if settings.landscape_strength > 0:
        n = min(n, N_DRAWS_WITH_LANDSCAPE)
    activity = rng.normal(size=(len(settings.motifs), n))
    new = new_factors(settings)
    activity[new] = new_activity(activity[new])
    own = np.random.default_rng([seed, 79]).normal(size=activity.shape)
    contact = contact_activity(settings, activity, own)
    contact[new] = activity[new]
    levels = [_levels(settings, elements.presence, activity) for elements in (enhancers, promoters)]
    return DrawnEnvironments(activity, contact, *levels)


def new_factors(settings: SimulationSettings) -> NDArray[np.int64]:
    """Rows of the factors that are active in unseen lines alone, ascending."""
    rng = np.random.default_rng([settings.seed, 15])
    return np.sort(rng.choice(free_factors(settings), settings.new_factors, replace=False))


def new_activity(drawn: Array) -> Array:
    """Activity of a new factor where it is active, from standard normal numbers: at least 1."""
    return 1.0 + np.abs(drawn)


def contact_activity(settings: SimulationSettings, activity: Array, own: Array) -> Array:
    """Activities that decide contacts, from those that decide candidates and from others; of one shape."""
    share = settings.contact_correlation
    return np.asarray(share * activity + np.sqrt(1.0 - share**2) * own)


def _levels(settings: SimulationSettings, presence: NDArray[np.bool_], activity: Array) -> Array:
    """What calibrates the log-odds of elements in each environment, shape=(m,)."""
    # Some environments at a time, for every step of the calibration holds the drive several times over.
    return np.concatenate(
        [
            _calibration(
                settings, candidate_drive(settings, presence, activity[:, at : at + _ENVIRONMENTS_TOGETHER])
            )
            for at in range(0, activity.shape[1], _ENVIRONMENTS_TOGETHER)
        ]
    )


def invariant_probability(
    settings: SimulationSettings,
    laws: Laws,
    enhancers: Elements,
    promoters: Elements,
    pairs: NDArray[np.int64],
    potential: Array,
    drawn: DrawnEnvironments,
    landscape: Callable[[slice], Array] | None = None,
) -> Array:
    """What knowing the pair but not the environment is worth.

    The contact probability averaged over drawn environments, each weighted by the chance that both elements
    are candidates in it.

    Parameters
    ----------
    pairs : array of int, shape=(n, 2)
    potential : array, shape=(n,)
    drawn : DrawnEnvironments
    landscape : callable, optional
        Resistance of the landscape of a piece of the pairs in each environment, shape=(n_pairs, m).
    """
    result = np.empty(len(pairs))
    for piece in pieces(len(pairs)):
        part = pairs[piece]
        weight = np.ones(1)
        for elements, level, own in (
            (enhancers, drawn.enhancer_level, part[:, 0]),
            (promoters, drawn.promoter_level, part[:, 1]),
        ):
            of, row = np.unique(own, return_inverse=True)
            drive = candidate_drive(settings, elements.presence[of], drawn.activity)
            weight = weight * sigmoid(drive + level)[row]
        resistance = environment_resistance(settings, laws, enhancers, promoters, part, drawn.contact)
        if landscape is not None:
            resistance += landscape(piece)
        chance = sigmoid((potential[piece, None] - resistance) / settings.temperature)
        result[piece] = (weight * chance).sum(axis=1) / weight.sum(axis=1)
    return result
