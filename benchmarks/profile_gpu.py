"""Profile training steps and encoding on a GPU: seconds of each kernel, with and without ``torch.compile``.

    python benchmarks/profile_gpu.py                  # bfloat16
    python benchmarks/profile_gpu.py --precision float32 --pairs 8192

Prints a JSON line as the other scripts do (pairs/s of training steps; ``peer`` is the same without compiling)
and, on standard error, the kernels that took most. Ends with a message where there is no GPU.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

import torch
from measuring import in_turn, report
from torch.nn import functional
from torch.profiler import ProfilerActivity, profile

from cbat.config.models import ModelSettings
from cbat.model.contact import BlockEnvironment, ContactModel, PairBatch


def main() -> None:
    """Measure eager and compiled steps, then profile the eager one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pairs", type=int, default=4096)
    parser.add_argument("--filters", type=int, default=32)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="bfloat16")
    parser.add_argument("--device", default="cuda", help="cpu tries the script where there is no GPU")
    parser.add_argument("-n", type=int, default=5)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("torch finds no GPU here; nothing was measured")
    device, n, k = torch.device(options.device), options.pairs, options.filters
    torch.manual_seed(1)
    settings = ModelSettings(pair_representation="attention", hidden_units=24)
    contact = ContactModel(k, settings).to(device)
    optimiser = torch.optim.AdamW(contact.parameters(), lr=1e-4)
    pairs = PairBatch(
        torch.rand(n, k, 3, device=device),
        torch.rand(n, k, 3, device=device),
        torch.randint(1_000, 500_000, (n,), device=device).float(),
        torch.ones(n, device=device),
    )
    environment = BlockEnvironment(
        torch.zeros(n, dtype=torch.int64, device=device), torch.randn(1, k, device=device)
    )
    label = (torch.rand(n, device=device) < 0.2).float()
    compiled = torch.compile(contact) if device.type == "cuda" else contact

    def steps(model: torch.nn.Module) -> None:
        for _ in range(options.steps):
            low = options.precision == "bfloat16"
            with torch.autocast(device.type, dtype=torch.bfloat16) if low else nullcontext():
                energies = model(pairs, environment)
            loss = functional.binary_cross_entropy_with_logits(energies.logit.float(), label)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    seconds = in_turn(lambda: steps(compiled), lambda: steps(contact), n=options.n)
    ours, peer = (options.steps * n / spent for spent in seconds)
    report(f"{device.type}_training_{options.precision}", ours, peer, ours / peer, "pairs/s", options.n)
    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if device.type == "cuda" else [])
    with profile(activities=activities) as profiler:
        steps(contact)
    sort = f"{device.type}_time_total"
    print(profiler.key_averages().table(sort_by=sort, row_limit=20), file=sys.stderr)


if __name__ == "__main__":
    main()
