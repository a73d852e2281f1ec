r"""A Teacher that has learned its graph convolution by leaving training lines out.

Prototypes of the training lines lie on their nodes, and all other nodes are masked. Two streams flow over the
graph through layers of the propagation matrix :math:`\hat A` of Kipf and Welling (2017): the values ``V`` of
a channel, which are never bent or shifted, and the mask ``G``, which says how much is known near a node,

.. math::

    G_{l+1} = \tanh(\hat A G_l U_l + b_l), \qquad
    V_{l+1} = (\hat A V_l W_l) \odot \exp(G_{l+1})

and at the last layer :math:`M_T = V w` with the variance :math:`\exp(G u + c)`. All channels share the
weights: what few training lines can teach is how far their values reach, not which motif goes with which. A
line without neighbours is reached by no value, and is expected to be the mean line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from cbat.graph.places import Relatives, place_of, row_of, with_new_line, without_line
from cbat.graph.propagation import PrototypeGraph, gcn_normalise
from cbat.model.environment import Expectation, FloatArray

LAYERS: Final = 4
"""Edges that a value can cross: two to a line of the same tissue, four to one of the same germ layer."""
WIDTH: Final = 4
STEPS: Final = 40
RIDGE: Final = 1.0
"""Most steps of the search (L-BFGS), and precision of the weights' prior around 0."""
FEWEST: Final = 3
"""Training lines from which on something can be learned of them; with fewer the plain mean is expected."""

Weights = dict[str, Tensor]


@dataclass(frozen=True, eq=False)
class GraphConvolution:
    """A trained convolution.

    Attributes
    ----------
    lines : tuple of str
    graph : PrototypeGraph or None
    deviations : array, shape=(n_lines, n_channels)
    scale : array, shape=(n_channels,)
        Variance of each channel between lines, the unit of what is learned.
    weights : dict of Tensor
        Empty where there was nothing to learn from.
    """

    lines: tuple[str, ...]
    graph: PrototypeGraph | None
    deviations: FloatArray
    scale: FloatArray
    weights: Weights

    @classmethod
    def fit(
        cls,
        lines: Sequence[str],
        deviations: FloatArray,
        counts: FloatArray,
        graph: PrototypeGraph | None,
        scale: FloatArray,
        seed: int = 0,
    ) -> GraphConvolution:
        """Train on the training lines, each masked in its turn and predicted from the others.

        Each is predicted at its own place and without any edge, which teaches how little is known of a
        stranger. See :meth:`cbat.model.teacher.Teacher.fit` for the parameters.
        """
        if graph is None or len(lines) < FEWEST:
            return cls(tuple(lines), graph, deviations, scale, {})
        places, values, known = [], [], []
        for row, line in enumerate(lines):
            others = [at for at in range(len(lines)) if at != row]
            left = without_line(graph, line)
            value, mask = _laid_out(left, [lines[at] for at in others], deviations[others], scale)
            for place in (place_of(graph, line), (None, ())):
                places.append(gcn_normalise(with_new_line(left, *place)))
                values.append(value)
                known.append(mask)
        centre = (deviations.sum(axis=0) - deviations) / (len(lines) - 1)
        target = np.repeat((deviations - centre) / np.sqrt(scale), 2, axis=0)
        noise = np.repeat(1.0 / (counts[:, None] * scale), 2, axis=0)
        given = [torch.from_numpy(np.stack(part)) for part in (places, values, known)]
        weights = _trained(given, torch.from_numpy(target), torch.from_numpy(noise), seed)
        return cls(tuple(lines), graph, deviations, scale, weights)

    @torch.no_grad()
    def expectation(self, tissue: str | None, relatives: Relatives = ()) -> Expectation:
        """What is expected of a new line; see :meth:`cbat.model.teacher.Teacher.expectation`."""
        if not self.lines:
            return Expectation(np.zeros_like(self.scale), self.scale.copy())
        centre = self.deviations.mean(axis=0)
        if self.graph is None or not self.weights:
            return Expectation(centre, self.scale * (1.0 + 1.0 / len(self.lines)))
        value, mask = _laid_out(self.graph, self.lines, self.deviations, self.scale)
        place = gcn_normalise(with_new_line(self.graph, tissue, relatives))
        given = [torch.from_numpy(part[None]) for part in (place, value, mask)]
        mean, log_variance = _convolved(self.weights, *given)
        shifted = centre + mean[0].numpy() * np.sqrt(self.scale)
        return Expectation(shifted, float(log_variance[0].exp()) * self.scale)


def _laid_out(
    graph: PrototypeGraph, lines: Sequence[str], deviations: FloatArray, scale: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Values (n + 1, n_channels), standardised around their mean, and mask (n + 1, 1); the new line last."""
    n = len(graph.names)
    values, mask = np.zeros((n + 1, deviations.shape[1])), np.zeros((n + 1, 1))
    standardised = (deviations - deviations.mean(axis=0)) / np.sqrt(scale)
    for line, value in zip(lines, standardised, strict=True):
        if (row := row_of(graph, line)) is not None:
            values[row], mask[row] = value, 1.0
    return values, mask


def _convolved(weights: Weights, place: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (b, n_channels) and log-variance (b,) at the last node of each of ``b`` graphs.

    Values flow without being bent, so that the mean is a weighted sum of those of all nodes; the weights,
    which all channels share, are what flows back from the last node to each.

    Shapes: place (b, n, n), symmetric; values (b, n, n_channels); mask (b, n, 1).
    """
    known = [mask]
    for layer in range(LAYERS):
        known.append(torch.tanh(place @ known[-1] @ weights[f"mask_{layer}"] + weights[f"bias_{layer}"]))
    influence = torch.zeros_like(known[-1])
    influence[:, -1] = weights["mean"]
    for layer in reversed(range(LAYERS)):
        influence = place @ (influence * known[layer + 1].exp()) @ weights[f"value_{layer}"].T
    mean = (influence.transpose(1, 2) @ values)[:, 0]
    return mean, known[-1][:, -1] @ weights["spread"] + weights["level"]


def _trained(given: list[Tensor], target: Tensor, noise: Tensor, seed: int) -> Weights:
    """Weights of the largest posterior, given the lines that were left out."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        spread = float(np.sqrt(shape[0]))
        return torch.randn(*shape, generator=generator, dtype=torch.float64) / spread

    weights: Weights = {}
    for layer in range(LAYERS):
        width = WIDTH if layer else 1
        weights |= {f"{name}_{layer}": drawn(width, WIDTH) for name in ("mask", "value")}
        weights[f"bias_{layer}"] = torch.zeros(WIDTH, dtype=torch.float64)
    # It starts as the plain mean.
    weights |= {name: torch.zeros(WIDTH, dtype=torch.float64) for name in ("mean", "spread")}
    weights["level"] = torch.zeros((), dtype=torch.float64)
    for one in weights.values():
        one.requires_grad_(True)
    search = torch.optim.LBFGS(list(weights.values()), max_iter=STEPS, line_search_fn="strong_wolfe")

    def loss() -> float:
        search.zero_grad()
        mean, log_variance = _convolved(weights, *given)
        variance = log_variance.exp()[:, None] + noise
        surprise = 0.5 * (variance.log() + (target - mean) ** 2 / variance).sum()
        ridge = sum((one**2).sum() for name, one in weights.items() if name != "level")
        total = surprise + 0.5 * RIDGE * ridge
        total.backward()
        return float(total.detach())

    search.step(loss)
    return {name: one.detach() for name, one in weights.items()}
