r"""Which motifs make the energies of a pair what they are.

The resistance of the tied form is a softplus of a sum, and the parts of that sum are read off exactly. All
else is attributed by integrated gradients (Sundararajan et al. 2017), which captum computes, along the
straight line from windows of unknown bases, which hold no motif, to the sequences.

Along this line the score of every window of the encoder grows in proportion, so the best window stays the
best, and a score :math:`z_{ks}` of motif ``k`` on strand ``s`` is a linear function of the bases of that one
window. Integrated gradients of the sequence are therefore those of the scores, spread over the bases of the
windows in proportion to the filter's weights. Attributions by motif and by base are two sums of the same
numbers. Of windows that score the same the first is taken.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from cbat.errors import UserError
from cbat.model.blocks import sequence_known
from cbat.model.bundle import TrainedModel
from cbat.model.contact import BlockEnvironment, PairBatch
from cbat.model.encoder import N_CODE, log_positions
from cbat.model.environment import FloatArray
from cbat.model.resistance import GAIN, ScalarResistance, TiedResistance

TOLERANCE: Final = 1e-4
"""Attributions may miss the difference that they explain by so much, or by this share of it if larger."""
FIRST_STEPS: Final = 64
MOST_STEPS: Final = 1024
_BATCH: Final = 4096


@dataclass(frozen=True)
class BestWindows:
    """The best window of every motif on either strand, of some elements.

    Attributes
    ----------
    codes : uint8 array, shape=(n, length)
        Bases of the elements: A0 C1 G2 T3 N4.
    score : array, shape=(n, n_filters, 2)
        On the forward and the reverse strand, nats.
    start : int array, shape=(n, n_filters, 2)
        First base of the window, on the forward strand of the element.
    presence : array, shape=(n, n_filters, 3)
        Probability that the motif is present: on either strand, on each.
    width : int
        Length of a window, bp.
    known : bool array, shape=(n,)
        Whether enough bases of an element are known for its motifs to count.
    """

    codes: npt.NDArray[np.uint8]
    score: FloatArray
    start: npt.NDArray[np.int64]
    presence: FloatArray
    width: int
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PairRows:
    """Pairs as rows of two tables of :class:`BestWindows`.

    Attributes
    ----------
    enhancer, promoter : int array, shape=(n,)
    distance : int array, shape=(n,)
        Between the centres, bp.
    upstream : int array, shape=(n,)
        +1 where the enhancer lies left of the promoter, else -1.
    landscape_resistance : array, shape=(n,), or None
        What the landscape adds to the resistance before its softplus; None is 0.
    """

    enhancer: npt.NDArray[np.int64]
    promoter: npt.NDArray[np.int64]
    distance: npt.NDArray[np.int64]
    upstream: npt.NDArray[np.int64]
    landscape_resistance: FloatArray | None = None

    def __len__(self) -> int:
        return len(self.enhancer)

    def take(self, rows: slice) -> PairRows:
        """Some of the pairs."""
        columns: dict[str, Any] = {
            name: None if column is None else column[rows] for name, column in vars(self).items()
        }
        return PairRows(**columns)


@dataclass(frozen=True)
class Attributions:
    """An energy of pairs, and what the motifs of both elements add to it.

    Attributes
    ----------
    value : array, shape=(n,)
        The energy.
    reference : array, shape=(n,)
        The energy of the same pair without any motif: same distance, landscape and environment.
    enhancer, promoter : array, shape=(n, n_filters, 2)
        Of each motif on the forward and the reverse strand; they add up to ``value - reference``.
    error : float
        The largest difference between that sum and ``value - reference``.
    """

    value: FloatArray
    reference: FloatArray
    enhancer: FloatArray
    promoter: FloatArray
    error: float


@dataclass(frozen=True)
class ReliefParts:
    """What lowers the resistance before the softplus, part by part.

    Attributes
    ----------
    enhancer, promoter : array, shape=(n, n_filters)
        Of the motifs of either element, against the average candidate.
    level : array, shape=(n_filters,)
        Of the environment, the same for every pair.
    combination : array, shape=(n, n_filters, n_filters)
        Of an enhancer's motif (first) with a promoter's.
    offset : array, shape=(n,)
        What they are taken from: the constant and the landscape of the pair.
    """

    enhancer: FloatArray
    promoter: FloatArray
    level: FloatArray
    combination: FloatArray
    offset: FloatArray

    def relief(self) -> FloatArray:
        """The sum of all parts, shape=(n,)."""
        pairs = self.enhancer.sum(axis=1) + self.promoter.sum(axis=1)
        return np.asarray(pairs + self.combination.sum(axis=(1, 2)) + self.level.sum())

    def average(self) -> FloatArray:
        """Resistance in the average environment, where nothing relieves, shape=(n,)."""
        return np.asarray(np.logaddexp(0.0, self.offset))

    def slope(self) -> FloatArray:
        r"""Change of the resistance for a unit of relief, averaged over the way from no relief; shape=(n,).

        The resistance depends on the sum alone, so its integrated gradients over the parts are the parts in
        proportion, and a part times this slope is what it adds to the resistance.
        """
        relief = self.relief()
        change = np.logaddexp(0.0, self.offset - relief) - self.average()
        at_zero = -1.0 / (1.0 + np.exp(-self.offset))
        small = np.abs(relief) < 1e-9
        return np.where(small, at_zero, change / np.where(small, 1.0, relief))


class Explainer:
    """Explains pairs of one cell line.

    Parameters
    ----------
    model : TrainedModel
    environment : array, shape=(n_filters,), or None
        What the resistance is fed; None for a model without environment.
    lengths : mapping
        Role -> length of its windows, bp.
    """

    def __init__(self, model: TrainedModel, environment: FloatArray | None, lengths: dict[str, int]) -> None:
        # Whether attributions are complete is a question of rounding too.
        self._contact = copy.deepcopy(model.contact).double().eval()
        self._offsets = model.offsets
        self._filters = model.encoder.filters.double()
        self._encoder = model.encoder
        prior = model.encoder.prior.double()
        rarity = torch.log((1.0 - prior) / prior)
        self._threshold = {
            role: rarity + log_positions(length, model.encoder.width) for role, length in lengths.items()
        }
        self._environment = None
        if environment is not None and self._contact.resistance is not None:
            self._environment = torch.from_numpy(np.asarray(environment)[None]).double()

    @property
    def environment(self) -> FloatArray | None:
        """What the resistance is fed, shape=(n_filters,); None where nothing is fed to any."""
        return None if self._environment is None else self._environment[0].numpy()

    @torch.no_grad()
    def windows(self, codes: npt.NDArray[np.uint8], role: str) -> BestWindows:
        """Best windows of elements, whose bases are ``codes``, shape=(n, length)."""
        given = np.array(codes)
        _, start = self._encoder.best_starts(torch.from_numpy(given))
        weights = self._weights(given, start.numpy())
        score = weights.sum(axis=-1)
        presence = _presence(torch.from_numpy(score), self._threshold[role])
        return BestWindows(
            given, score, start.numpy(), presence.numpy(), self._encoder.width, sequence_known(given)
        )

    def _weights(self, codes: npt.NDArray[np.uint8], start: npt.NDArray[np.int64]) -> FloatArray:
        """Weight of each base of each window, shape=(n, n_filters, 2, width), in the forward direction."""
        place = start[..., None] + np.arange(self._encoder.width)
        rows = np.arange(len(codes))[:, None, None, None]
        bases = codes[rows, place]
        backward = self._filters.flip(dims=(1, 2))
        both = functional.pad(torch.stack([self._filters, backward], dim=1), (0, 0, 0, 1)).numpy()
        # (n_filters, strand, base, column), where an unknown base weighs nothing.
        channel, strand = np.ogrid[: both.shape[0], :2]
        column = np.arange(self._encoder.width)
        return np.asarray(both[channel[..., None], strand[..., None], bases, column])

    def spread(self, windows: BestWindows, row: int, parts: FloatArray) -> FloatArray:
        """Attributions of one element over its bases.

        Parameters
        ----------
        windows : BestWindows
        row : int
            The element.
        parts : array, shape=(n_filters, 2)
            Attributions of its motifs on both strands.

        Returns
        -------
        array, shape=(n_filters, length)
            Of each motif at each base; a row adds up to both strands' attributions.
        """
        codes, start = windows.codes[row : row + 1], windows.start[row : row + 1]
        weights, score = self._weights(codes, start)[0], windows.score[row]
        nothing = score == 0.0
        slope = np.where(nothing, 0.0, parts / np.where(nothing, 1.0, score))
        found = np.zeros((len(parts), codes.shape[1]))
        place = start[0][..., None] + np.arange(self._encoder.width)
        channel = np.broadcast_to(np.arange(len(parts))[:, None, None], place.shape)
        np.add.at(found, (channel, place), slope[..., None] * weights)
        return found

    def potential(self, pairs: PairRows, enhancers: BestWindows, promoters: BestWindows) -> Attributions:
        """Attributions of the intrinsic potential."""

        def energy(*given: Tensor) -> Tensor:
            return self._contact.describe(self._batch(*given)).potential

        return self._integrated(energy, pairs, enhancers, promoters)

    def resistance(
        self, pairs: PairRows, enhancers: BestWindows, promoters: BestWindows
    ) -> Attributions | None:
        """Attributions of the environment's resistance; None for a model without one."""
        environment = self._environment
        if environment is None:
            return None

        def energy(*given: Tensor) -> Tensor:
            batch = self._batch(*given)
            fed = BlockEnvironment(torch.zeros(len(batch.distance), dtype=torch.int64), environment)
            found = self._contact(batch, fed).environment_resistance
            # A resistance may not depend on the pair at all; gradients are asked for all the same.
            return torch.as_tensor(found + 0.0 * (batch.enhancer + batch.promoter).sum(dim=(1, 2)))

        return self._integrated(energy, pairs, enhancers, promoters)

    @torch.no_grad()
    def relief(self, pairs: PairRows, enhancers: BestWindows, promoters: BestWindows) -> ReliefParts | None:
        """Parts of the relief of pairs; None where the resistance is no softplus of a sum over motifs."""
        resistance, fed = self._contact.resistance, self.environment
        if fed is None or not isinstance(resistance, TiedResistance | ScalarResistance):
            return None
        enhancer = enhancers.presence[pairs.enhancer, :, 0]
        promoter = promoters.presence[pairs.promoter, :, 0]
        n, n_filters = enhancer.shape
        landscape = 0.0 if pairs.landscape_resistance is None else pairs.landscape_resistance
        offset = np.full(n, float(resistance.offset)) + landscape
        if isinstance(resistance, ScalarResistance):
            nothing = np.zeros((n, n_filters))
            level = fed * resistance.weight.numpy()
            return ReliefParts(nothing, nothing, level, np.zeros((n, n_filters, n_filters)), offset)
        gain = GAIN * float(resistance.gain)
        of_enhancer, of_promoter = gain * resistance.enhancer.numpy(), gain * resistance.promoter.numpy()
        centre = resistance.centre.numpy()
        level = float(resistance.level_share) * fed * (of_enhancer * centre[0] + of_promoter * centre[1])
        known = (enhancers.known[pairs.enhancer] & promoters.known[pairs.promoter])[:, None]
        above_enhancer, above_promoter = (enhancer - centre[0]) * known, (promoter - centre[1]) * known
        combination = np.zeros((n, n_filters, n_filters))
        if resistance.combinations is not None:
            first, second = resistance.combinations.numpy()
            weight = first * fed[:, None] + second * fed[None]
            combination = above_enhancer[:, :, None] * above_promoter[:, None] * weight
        return ReliefParts(
            above_enhancer * fed * of_enhancer, above_promoter * fed * of_promoter, level, combination, offset
        )

    def _batch(self, enhancer: Tensor, promoter: Tensor, *given: Tensor) -> PairBatch:
        """Pairs of elements that are given by the scores of their best windows."""
        of_enhancer = _presence(enhancer, self._threshold["enhancer"])
        of_promoter = _presence(promoter, self._threshold["promoter"])
        return PairBatch(of_enhancer, of_promoter, *given)

    def _given(self, pairs: PairRows, enhancers: BestWindows, promoters: BestWindows) -> tuple[Tensor, ...]:
        """All of pairs that is not attributed to motifs, in the order of :class:`PairBatch`."""
        landscape = pairs.landscape_resistance
        known = enhancers.known[pairs.enhancer] & promoters.known[pairs.promoter]
        columns = (
            pairs.distance,
            pairs.upstream,
            self._offsets(pairs.distance),
            np.zeros(len(pairs)) if landscape is None else landscape,
            known.astype(float),
        )
        return tuple(torch.from_numpy(np.array(column)) for column in columns)

    def _integrated(
        self, energy: Any, pairs: PairRows, enhancers: BestWindows, promoters: BestWindows
    ) -> Attributions:
        """Integrated gradients, with as many steps as it takes to make them complete."""
        from captum.attr import IntegratedGradients

        inputs = (
            torch.from_numpy(enhancers.score[pairs.enhancer]),
            torch.from_numpy(promoters.score[pairs.promoter]),
        )
        geometry = self._given(pairs, enhancers, promoters)
        baselines = tuple(torch.zeros_like(part) for part in inputs)
        with torch.no_grad():
            value, reference = energy(*inputs, *geometry), energy(*baselines, *geometry)
        steps = FIRST_STEPS
        while True:
            parts = IntegratedGradients(energy).attribute(
                inputs, baselines, additional_forward_args=geometry, n_steps=steps,
                method="gausslegendre", internal_batch_size=max(_BATCH, len(pairs)),
            )  # fmt: skip
            missed = sum(part.sum(dim=(1, 2)) for part in parts) - (value - reference)
            allowed = TOLERANCE * (value - reference).abs().clamp(min=1.0)
            if not bool((missed.abs() > allowed).any()):
                break
            steps *= 2
            if steps > MOST_STEPS:
                raise UserError(
                    f"the attributions miss what they explain by {float(missed.abs().max()):.2g}",
                    mend="report the model directory: its energies are too steep to integrate",
                )
        enhancer, promoter = (part.detach().numpy() for part in parts)
        error = float(missed.abs().max()) if len(pairs) else 0.0
        return Attributions(value.numpy(), reference.numpy(), enhancer, promoter, error)


def _presence(score: Tensor, threshold: Tensor) -> Tensor:
    """Probability that motifs are present, (n, n_filters, 2) -> (n, n_filters, 3), as the encoder has it."""
    either = torch.cat([score.amax(dim=2, keepdim=True), score], dim=2)
    return torch.sigmoid(either - threshold[:, None])


def in_direction(codes: npt.NDArray[np.uint8], strand: int) -> str:
    """Bases of a window as its motif reads them; strand 0 is the forward one."""
    read = codes if strand == 0 else np.where(codes == N_CODE, N_CODE, 3 - codes.astype(np.int64))[::-1]
    return "".join("ACGTN"[int(base)] for base in read)
