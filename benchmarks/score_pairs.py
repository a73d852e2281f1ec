"""What it is worth to encode each element once: in prediction, in training, and the products that are left.

    python benchmarks/score_pairs.py          # 20,000 pairs of 900 elements
    python benchmarks/score_pairs.py --full   # a tenth of a genome; training: 35,000 pairs of 9,000 elements

A genome of 99,840 enhancers and 19,967 promoters has 2,277,861 pairs within 500 kb, 38 for each element and
more than an experiment labels, so that prediction and training are measured on worlds of their own. The model
is the full one with random weights, for speed does not depend on them.
"""

from __future__ import annotations

import argparse
from typing import NamedTuple

import numpy as np
import torch
from measuring import in_turn, report, report_speed
from torch import Tensor
from torch.nn import functional

from cbat.config.models import ModelSettings
from cbat.model.bundle import Pairs, score_pairs
from cbat.model.contact import BlockEnvironment, ContactModel, PairBatch
from cbat.model.encoder import MotifEncoder
from cbat.model.pair import CrossBoundaryAttention

LENGTH = {"enhancer": 1000, "promoter": 2000}
BATCH = 1024
PASSES = 10
"""Over the pairs in a training: the default world's number."""
"""Pairs that are encoded together where each pair encodes its elements: of 64 to 2,048 the quickest."""
ALONE = 64


class Size(NamedTuple):
    """How many pairs, enhancers and promoters."""

    pairs: int
    enhancer: int
    promoter: int


SMALL = Size(20_000, 600, 300)
TENTH_OF_A_GENOME = Size(227_786, 9_984, 1_997)
LABELLED = Size(35_000, 6_000, 3_000)


class World:
    """Random elements and pairs, and a model over them."""

    def __init__(self, size: Size, n_filters: int) -> None:
        torch.manual_seed(1)
        self.rng = np.random.default_rng(1)
        self.codes = {
            role: torch.randint(0, 4, (getattr(size, role), length), dtype=torch.uint8)
            for role, length in LENGTH.items()
        }
        self.encoder = MotifEncoder(torch.randn(n_filters, 4, 18), torch.full((n_filters,), 0.1))
        self.settings = ModelSettings()
        self.contact = ContactModel(n_filters, self.settings)
        self.pairs = Pairs(
            self.rng.integers(0, size.enhancer, size.pairs),
            self.rng.integers(0, size.promoter, size.pairs),
            self.rng.integers(1_000, 500_000, size.pairs),
            self.rng.choice([-1, 1], size.pairs),
        )
        self.label = torch.from_numpy(self.rng.random(size.pairs) < 0.2).float()
        self.environment = torch.randn(1, n_filters)

    def features(self) -> tuple[Tensor, Tensor]:
        """Of every element, each once."""
        return self.encoder.features(self.codes["enhancer"]), self.encoder.features(self.codes["promoter"])

    def batch(self, rows: np.ndarray, features: tuple[Tensor, Tensor] | None) -> PairBatch:
        """Pairs; without features both elements of each pair are encoded for it."""
        picked = [torch.from_numpy(column[rows]) for column in (self.pairs.enhancer, self.pairs.promoter)]
        if features is None:
            encoded = [
                self.encoder.features(self.codes[role][at]) for role, at in zip(LENGTH, picked, strict=True)
            ]
        else:
            encoded = [table[at] for table, at in zip(features, picked, strict=True)]
        distance, upstream = (
            torch.from_numpy(column[rows]).float() for column in (self.pairs.distance, self.pairs.upstream)
        )
        return PairBatch(*encoded, distance, upstream)

    def alike(self, n: int) -> BlockEnvironment:
        """The same environment for all of n pairs."""
        return BlockEnvironment(torch.zeros(n, dtype=torch.int64), self.environment)


def predict(world: World, n: int) -> None:
    """All pairs with each element encoded once; pairs one by one; and both elements encoded for each pair."""
    n_pairs = len(world.pairs)
    n_batch = min(BATCH, n_pairs)

    def together() -> None:
        score_pairs(world.contact, *world.features(), world.pairs, world.alike(n_pairs))

    def alone(features: tuple[Tensor, Tensor] | None, n_seen: int, at_once: int) -> None:
        with torch.no_grad():
            for start in range(0, n_seen, at_once):
                world.contact(world.batch(np.arange(start, start + at_once), features), world.alike(at_once))

    world.contact.eval()
    known = world.features()
    seconds = in_turn(
        together,
        lambda: alone(None, ALONE, 1),
        lambda: alone(known, ALONE, 1),
        lambda: alone(None, n_batch, n_batch),
        n=n,
    )
    ours = n_pairs / seconds[0]
    for name, n_seen, spent in (
        ("prediction_one_by_one", ALONE, seconds[1]),
        ("prediction_one_by_one_encoded", ALONE, seconds[2]),
        ("prediction_per_pair_encoding", n_batch, seconds[3]),
    ):
        report(name, ours, n_seen / spent, ours / (n_seen / spent), "pairs/s", n)


def train(world: World, n: int) -> None:
    """A pass with features made once for all passes, and one that encodes both elements of each pair."""
    n_pairs = len(world.pairs)
    optimiser = torch.optim.AdamW(world.contact.parameters(), lr=1e-4)
    world.contact.train()

    def one_pass(features: tuple[Tensor, Tensor] | None, n_seen: int) -> None:
        for start in range(0, n_seen, BATCH):
            rows = np.arange(start, min(start + BATCH, n_seen))
            energies = world.contact(world.batch(rows, features), world.alike(len(rows)))
            loss = functional.binary_cross_entropy_with_logits(energies.logit, world.label[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()

    features = world.features()
    n_seen = min(BATCH, n_pairs)  # a step without de-duplication stands for the pass
    seconds = in_turn(
        lambda: one_pass(features, n_pairs), world.features, lambda: one_pass(None, n_seen), n=n
    )
    ours = seconds[0] + seconds[1] / PASSES
    report_speed("training_epoch", ours, seconds[2] * n_pairs / n_seen, n)


def multiply(n_filters: int, n: int) -> None:
    """Products of the attention at their shapes, and the whole of it, against a large product."""
    attention = CrossBoundaryAttention(n_filters, 16, 2, 0.0).eval()
    presence = torch.rand(2048, n_filters, 3)
    tokens, heads = 2 * n_filters, attention.n_heads
    asked, affinity = torch.rand(2048, tokens), torch.rand(heads, tokens, tokens)
    large = torch.rand(1024, 1024)
    repeats = 20

    @torch.no_grad()
    def products() -> None:
        for _ in range(repeats):
            share = asked @ affinity.transpose(1, 2)
            share @ affinity

    @torch.no_grad()
    def whole() -> None:
        for _ in range(repeats):
            attention(presence, presence)

    seconds = in_turn(products, whole, lambda: large @ large, n=n)
    work = repeats * 2 * 2 * 2048 * heads * tokens * tokens
    peak = 2 * 1024**3 / seconds[2]
    rates = work / seconds[0], 2 * work / seconds[1]
    for name, rate in zip(("attention_products", "attention_whole"), rates, strict=True):
        report(name, rate / 1e9, peak / 1e9, rate / peak, "GFLOP/s", n)


def main() -> None:
    """Measure all three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--pairs", type=int, help="so many, in both worlds")
    parser.add_argument("--filters", type=int, default=32)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("-n", type=int, default=5, help="measurements of each side")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    predicted, trained = (TENTH_OF_A_GENOME, LABELLED) if options.full else (SMALL, SMALL)
    if options.pairs:
        predicted, trained = (size._replace(pairs=options.pairs) for size in (predicted, trained))
    predict(World(predicted, options.filters), options.n)
    train(World(trained, options.filters), options.n)
    multiply(options.filters, options.n)


if __name__ == "__main__":
    main()
