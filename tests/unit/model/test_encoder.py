"""Scores that are looked up word by word are those of a convolution."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from cbat.model.encoder import MotifEncoder, log_positions


def encoder_of(n_filters: int, width: int) -> MotifEncoder:
    generator = torch.Generator().manual_seed(n_filters * 100 + width)
    filters = torch.randn(n_filters, 4, width, generator=generator)
    return MotifEncoder(filters, torch.rand(n_filters, generator=generator).clamp(0.01, 0.7))


def codes_of(n: int, length: int) -> Tensor:
    generator = torch.Generator().manual_seed(length)
    return torch.randint(0, 5, (n, length), generator=generator, dtype=torch.uint8)


def convolved(encoder: MotifEncoder, codes: Tensor) -> Tensor:
    """The plain path, shape=(n, 2, n_filters, n_windows): each strand, each filter, each window."""
    one_hot = functional.one_hot(codes.long(), 5)[..., :4].transpose(1, 2).float()
    kernel = torch.cat([encoder.filters, encoder.filters.flip(dims=(1, 2))])
    scores = functional.conv1d(one_hot, kernel)
    return scores.view(len(codes), 2, encoder.n_filters, -1)


@pytest.mark.parametrize("width", [1, 2, 3, 8, 13, 18, 26])
@pytest.mark.parametrize("n", [1, 4, 9])
def test_features_are_those_of_a_convolution(width: int, n: int) -> None:
    encoder, codes = encoder_of(7, width), codes_of(n, 120)
    best = convolved(encoder, codes).amax(dim=3)
    threshold = torch.log((1 - encoder.prior) / encoder.prior) + log_positions(120, width)
    found = encoder.features(codes)
    torch.testing.assert_close(found[..., 1:], torch.sigmoid(best - threshold).transpose(1, 2))
    torch.testing.assert_close(found[..., 0], found[..., 1:].amax(dim=2))


@pytest.mark.parametrize("width", [3, 13, 18])
def test_best_starts_are_those_of_a_convolution(width: int) -> None:
    encoder, codes = encoder_of(5, width), codes_of(9, 150)
    plain = convolved(encoder, codes)
    score, start = encoder.best_starts(codes)
    torch.testing.assert_close(score, plain.amax(dim=3).transpose(1, 2))
    at_start = plain.gather(3, start.transpose(1, 2)[..., None])[..., 0]
    torch.testing.assert_close(at_start, plain.amax(dim=3))


@pytest.mark.parametrize("period", [1, 2, 7])
@pytest.mark.parametrize("length", [18, 48, 49, 50, 150])
def test_of_windows_that_score_the_same_the_leftmost_is_the_best(period: int, length: int) -> None:
    encoder, codes = encoder_of(5, 18), codes_of(4, period).repeat(1, length)[:, :length]
    score, start = encoder.best_starts(codes)
    assert (start < period).all()
    nothing, first = encoder.best_starts(torch.full_like(codes, 4))
    assert (nothing == 0).all()
    assert (first == 0).all()
    torch.testing.assert_close(score, convolved(encoder, codes).amax(dim=3).transpose(1, 2))


def test_an_element_of_one_window_is_scored() -> None:
    encoder, codes = encoder_of(3, 20), codes_of(2, 20)
    torch.testing.assert_close(
        encoder.best_starts(codes)[0], convolved(encoder, codes)[..., 0].transpose(1, 2)
    )


def test_an_element_scores_the_same_to_the_last_bit_whatever_stands_beside_it() -> None:
    encoder, codes = encoder_of(16, 18), codes_of(11, 400)
    together = encoder.features(codes)
    alone = torch.cat([encoder.features(one) for one in codes.split(1)])
    assert torch.equal(together, alone)
    assert torch.equal(encoder.features(codes.flip(dims=(0,))), together.flip(dims=(0,)))


def test_no_elements_have_no_features() -> None:
    assert encoder_of(3, 10).features(codes_of(0, 50)).shape == (0, 3, 3)
