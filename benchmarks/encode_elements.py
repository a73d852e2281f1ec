"""The encoder against a dense convolution and a maximum in torch, at the same number of threads.

    python benchmarks/encode_elements.py          # 64 elements each of 1 and 2 kb, 64 filters, both strands
    python benchmarks/encode_elements.py --full   # 512

Filters are fixed once they are discovered, so the encoder has no gradient. The dense side is measured
forward, and with the gradient of its filters, which a network that learned them would pay.
"""

from __future__ import annotations

import argparse

import torch
from measuring import in_turn, report_speed
from torch import Tensor
from torch.nn import functional

from cbat.model.encoder import MotifEncoder


def dense(codes: Tensor, kernel: Tensor) -> Tensor:
    """Best score of each filter on each strand, shape=(n, 2 * n_filters)."""
    parts = []
    for part in codes.split(32):
        one_hot = torch.zeros(len(part), 5, part.shape[1]).scatter_(1, part.long()[:, None], 1.0)
        parts.append(functional.conv1d(one_hot[:, :4], kernel).amax(dim=2))
    return torch.cat(parts)


def main() -> None:
    """Measure elements of 1 and 2 kb."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--elements", type=int)
    parser.add_argument("--filters", type=int, default=64)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-n", type=int, default=5, help="measurements of each side")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    n_elements = options.elements or (512 if options.full else 64)
    for length in (1000, 2000):
        measure(length, n_elements, options.filters, options.n)


def measure(length: int, n_elements: int, n_filters: int, n: int) -> None:
    """Measure elements of one length, bp."""
    codes = torch.randint(0, 4, (n_elements, length), dtype=torch.uint8)
    filters = torch.randn(n_filters, 4, 18)
    encoder = MotifEncoder(filters, torch.full((n_filters,), 0.1))
    kernel = torch.cat([filters, filters.flip(dims=(1, 2))])
    learned = kernel.clone().requires_grad_()

    def backward() -> None:
        dense(codes, learned).sum().backward()
        learned.grad = None

    seconds = in_turn(lambda: encoder.features(codes), lambda: dense(codes, kernel), backward, n=n)
    report_speed(f"encoder_forward_{length}", seconds[0], seconds[1], n)
    report_speed(f"encoder_gradient_{length}", seconds[0], seconds[2], n)


if __name__ == "__main__":
    main()
