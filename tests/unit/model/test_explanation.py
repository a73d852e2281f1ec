"""Parts of the energies: they add up, whatever the form of the resistance."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from captum.attr import IntegratedGradients
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model import explanation
from cbat.model.bundle import TrainedModel
from cbat.model.calibration import Calibration
from cbat.model.contact import BlockEnvironment, ContactModel, PairBatch
from cbat.model.distance import DistanceSpline
from cbat.model.encoder import MotifEncoder, log_positions
from cbat.model.explanation import Explainer, PairRows, in_direction
from cbat.model.resistance import PairDescription

N_FILTERS, WIDTH = 5, 10
LENGTHS = {"enhancer": 60, "promoter": 80}
FORMS = ["tied", "scalar", "film"]
SPLINE = DistanceSpline((3.5, 4.5, 5.5), (-1.0, 0.3), 0.2)


def make(seed: int = 0, **settings) -> tuple[TrainedModel, np.ndarray]:
    """A model of random weights, and an environment."""
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    filters = torch.randn(N_FILTERS, 4, WIDTH, generator=generator)
    encoder = MotifEncoder(filters, torch.full((N_FILTERS,), 0.3))
    contact = ContactModel(N_FILTERS, ModelSettings(**settings))
    for weight in contact.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    if hasattr(contact.resistance, "centre"):
        contact.resistance.centre += 0.2
    environment = np.random.default_rng(seed).normal(size=N_FILTERS).astype(np.float32).astype(float)
    given = ModelSettings(**settings)
    fitted = (Calibration.single(1.0), 0.5, {}, SPLINE)
    return TrainedModel(given, encoder, contact.eval(), *[None] * 4, *fitted), environment


def elements(explainer: Explainer, n: int = 7, seed: int = 1):
    """Random elements, of which some bases are unknown, and pairs of them."""
    random = np.random.default_rng(seed)
    codes = {role: random.integers(0, 4, (n, length)).astype(np.uint8) for role, length in LENGTHS.items()}
    codes["enhancer"][0, 10:30] = 4
    found = {role: explainer.windows(bases, role) for role, bases in codes.items()}
    pairs = PairRows(
        np.arange(n), random.permutation(n), random.integers(2000, 400_000, n), random.choice([-1, 1], n)
    )
    return found["enhancer"], found["promoter"], pairs


def energies(model: TrainedModel, enhancers, promoters, pairs: PairRows, environment):
    """The model itself on the same pairs."""
    batch = PairBatch(
        model.encoder.features(torch.from_numpy(enhancers.codes))[pairs.enhancer],
        model.encoder.features(torch.from_numpy(promoters.codes))[pairs.promoter],
        torch.from_numpy(pairs.distance).float(),
        torch.from_numpy(pairs.upstream).float(),
        torch.from_numpy(SPLINE(pairs.distance)).float(),
    )
    fed = BlockEnvironment(
        torch.zeros(len(pairs), dtype=torch.int64), torch.from_numpy(environment[None]).float()
    )
    with torch.no_grad():
        return model.contact(batch, fed)


@pytest.mark.parametrize("pair_representation", ["attention", "low_rank", "motifs"])
@pytest.mark.parametrize("form", FORMS)
def test_attributions_add_up_to_the_difference_from_a_pair_without_motifs(form, pair_representation) -> None:
    model, environment = make(environment=form, pair_representation=pair_representation, hidden_units=8)
    explainer = Explainer(model, environment, LENGTHS)
    enhancers, promoters, pairs = elements(explainer)
    truth = energies(model, enhancers, promoters, pairs, environment)
    for found, value in (
        (explainer.potential(pairs, enhancers, promoters), truth.intrinsic_potential),
        (explainer.resistance(pairs, enhancers, promoters), truth.environment_resistance),
    ):
        assert np.allclose(found.value, value.numpy(), atol=1e-4)
        total = found.enhancer.sum(axis=(1, 2)) + found.promoter.sum(axis=(1, 2))
        difference = found.value - found.reference
        allowed = explanation.TOLERANCE * np.maximum(np.abs(difference), 1.0)
        assert (np.abs(total - difference) <= allowed).all()
        assert found.error == pytest.approx(np.abs(total - difference).max())
    unknown = {role: np.full((1, length), 4, dtype=np.uint8) for role, length in LENGTHS.items()}
    nothing = [explainer.windows(unknown[role], role) for role in ("enhancer", "promoter")]
    one = PairRows(np.zeros(1, dtype=int), np.zeros(1, dtype=int), pairs.distance[:1], pairs.upstream[:1])
    reference = energies(model, *nothing, one, environment)
    found = explainer.potential(pairs, enhancers, promoters)
    assert found.reference[0] == pytest.approx(float(reference.intrinsic_potential[0]), abs=1e-4)


@pytest.mark.parametrize("quantity", ["potential", "resistance"])
def test_attributions_are_integrated_gradients_of_the_sequence_itself(quantity: str) -> None:
    """captum on the one-hot bases, through the convolution and the maximum over all windows."""
    model, environment = make(environment="film")
    explainer = Explainer(model, environment, LENGTHS)
    enhancers, promoters, pairs = elements(explainer)
    contact, filters = model.contact.double(), model.encoder.filters.double()
    kernel = torch.cat([filters, filters.flip(dims=(1, 2))])
    prior = model.encoder.prior.double()
    threshold = torch.log((1 - prior) / prior)

    def features(one_hot, role):
        best = functional.conv1d(one_hot, kernel).amax(dim=2).view(len(one_hot), 2, N_FILTERS)
        either = torch.cat([best.amax(dim=1, keepdim=True), best], dim=1)
        shifted = either - (threshold + log_positions(LENGTHS[role], WIDTH))
        return torch.sigmoid(shifted).transpose(1, 2)

    def energy(enhancer, promoter, distance, upstream):
        batch = PairBatch(features(enhancer, "enhancer"), features(promoter, "promoter"), distance, upstream)
        if quantity == "potential":
            return contact.describe(batch).potential
        block = torch.zeros(len(distance), dtype=torch.int64)
        return contact(
            batch, BlockEnvironment(block, torch.from_numpy(environment[None]))
        ).environment_resistance

    inputs = tuple(
        functional.one_hot(torch.from_numpy(found.codes[rows]).long(), 5)[..., :4].transpose(1, 2).double()
        for found, rows in ((enhancers, pairs.enhancer), (promoters, pairs.promoter))
    )
    geometry = (torch.from_numpy(pairs.distance), torch.from_numpy(pairs.upstream))
    expected = IntegratedGradients(energy).attribute(
        inputs, additional_forward_args=geometry, n_steps=512, method="gausslegendre"
    )
    found = getattr(explainer, quantity)(pairs, enhancers, promoters)
    for parts, windows, rows, bases in (
        (found.enhancer, enhancers, pairs.enhancer, expected[0]),
        (found.promoter, promoters, pairs.promoter, expected[1]),
    ):
        for pair, row in enumerate(rows):
            spread = explainer.spread(windows, row, parts[pair])
            assert np.allclose(spread.sum(axis=1), parts[pair].sum(axis=1))
            assert np.allclose(spread.sum(axis=0), bases[pair].sum(dim=0).detach().numpy(), atol=1e-4)
    assert max(float(part.detach().abs().max()) for part in expected) > 0.01


@pytest.mark.parametrize("cooperation", [True, False])
def test_parts_of_the_tied_relief_add_up_to_it_exactly(cooperation: bool) -> None:
    model, environment = make(environment="tied", cooperation=cooperation)
    explainer = Explainer(model, environment, LENGTHS)
    enhancers, promoters, pairs = elements(explainer, n=20)
    pairs = replace(pairs, landscape_resistance=np.linspace(-1.0, 2.0, 20))
    parts = explainer.relief(pairs, enhancers, promoters)
    resistance = model.contact.double().resistance
    n, landscape = torch.zeros(20), torch.from_numpy(pairs.landscape_resistance)
    described = PairDescription(
        n,
        torch.from_numpy(enhancers.presence[pairs.enhancer, :, 0]),
        torch.from_numpy(promoters.presence[pairs.promoter, :, 0]),
        n,
        n,
        landscape,
        torch.from_numpy(enhancers.known[pairs.enhancer] & promoters.known[pairs.promoter]),
    )
    block = torch.zeros(len(pairs), dtype=torch.int64)
    with torch.no_grad():
        relief = resistance.relief(described, torch.from_numpy(environment[None]), block).numpy()
        value = resistance(described, torch.from_numpy(environment[None]), block).numpy()
    assert np.allclose(parts.relief(), relief, rtol=0, atol=1e-12)
    assert np.ptp(relief) > 0.1
    assert (parts.combination != 0).any() == cooperation
    # And so do their shares of the resistance itself.
    assert np.allclose(parts.average() + parts.slope() * relief, value, rtol=0, atol=1e-12)
    float_value = explainer.resistance(pairs, enhancers, promoters).value
    assert np.allclose(float_value, value, atol=1e-9)


def test_a_resistance_that_reads_no_pair_has_levels_alone() -> None:
    model, environment = make(environment="scalar")
    explainer = Explainer(model, environment, LENGTHS)
    enhancers, promoters, pairs = elements(explainer)
    found = explainer.resistance(pairs, enhancers, promoters)
    assert not found.enhancer.any()
    assert not found.promoter.any()
    parts = explainer.relief(pairs, enhancers, promoters)
    assert np.allclose(parts.average() + parts.slope() * parts.relief(), found.value)


def test_no_relief_is_no_division_by_zero() -> None:
    model, _ = make(environment="tied")
    explainer = Explainer(model, np.zeros(N_FILTERS), LENGTHS)
    enhancers, promoters, pairs = elements(explainer)
    parts = explainer.relief(pairs, enhancers, promoters)
    assert not parts.relief().any()
    assert np.allclose(parts.slope(), -1 / (1 + np.exp(-parts.offset)))


def test_a_model_without_environment_and_a_free_map() -> None:
    model, environment = make(environment="none")
    explainer = Explainer(model, environment, LENGTHS)
    enhancers, promoters, pairs = elements(explainer)
    assert explainer.environment is None
    assert explainer.resistance(pairs, enhancers, promoters) is None
    assert explainer.relief(pairs, enhancers, promoters) is None
    model, environment = make(environment="film")
    explainer = Explainer(model, environment, LENGTHS)
    assert explainer.relief(pairs, enhancers, promoters) is None


def test_windows_are_those_of_the_encoder() -> None:
    model, environment = make()
    explainer = Explainer(model, environment, LENGTHS)
    enhancers, _, _ = elements(explainer)
    codes = torch.from_numpy(enhancers.codes)
    score, windows = model.encoder.best_windows(codes)
    assert np.allclose(enhancers.score, score.numpy(), atol=1e-5)
    assert np.allclose(enhancers.presence, model.encoder.features(codes).numpy(), atol=1e-5)
    for strand in (0, 1):
        start = enhancers.start[3, 2, strand]
        read = in_direction(enhancers.codes[3, start : start + WIDTH], strand)
        assert read == "".join("ACGTN"[base] for base in windows[3, 2, strand].tolist())


def test_energies_too_steep_are_no_silent_half_truth(monkeypatch: pytest.MonkeyPatch) -> None:
    model, environment = make(environment="tied")
    model.contact.linear.weight.data *= 1e4
    monkeypatch.setattr(explanation, "FIRST_STEPS", 2)
    monkeypatch.setattr(explanation, "MOST_STEPS", 2)
    explainer = Explainer(model, environment, LENGTHS)
    enhancers, promoters, pairs = elements(explainer)
    with pytest.raises(explanation.UserError, match="the attributions miss what they explain by"):
        explainer.potential(pairs, enhancers, promoters)
