"""Shards into training batches, against webdataset's tar files of the same pairs and a bare copy of memory.

    python benchmarks/read_shards.py          # 4,000 pairs of 600 elements
    python benchmarks/read_shards.py --full   # 35,000 pairs of 9,000 elements

A pair of the tar file carries the bases of both elements, as a format with one record for each pair has to.
Cold reads have the files' pages dropped from the cache before each turn. Hashes are left out on our side of a
comparison of bytes, and included where the line says ``checked``.
"""

from __future__ import annotations

import argparse
import io
import os
import tarfile
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import webdataset
from measuring import report

from cbat.config.sections import ShardSettings
from cbat.data import sequences, shards

LENGTH = {"enhancer": 1000, "promoter": 2000}
BATCH = 512


def write_inputs(directory: Path, n_pairs: int, n_elements: int) -> None:
    """What the shard of one line is made from: random bases and pairs."""
    rng = np.random.default_rng(1)
    n_each = {"enhancer": 2 * n_elements // 3, "promoter": n_elements // 3}
    tables, codes, candidates = {}, {}, []
    for role, n in n_each.items():
        names = [f"chr1:{1000 * at}-{1000 * at + LENGTH[role]}" for at in range(n)]
        tables[role] = pd.DataFrame({"element_id": names, "split": "train"})
        tables[role].to_parquet(directory / f"{role}.parquet")
        codes[role] = rng.integers(0, 4, (n, LENGTH[role]), dtype=np.uint8)
        candidates.append(pd.DataFrame({"cell_line": "line", "role": role, "element": np.arange(n)}))
    pd.concat(candidates).to_parquet(directory / "candidates.parquet")
    sequences.write_codes(directory / "sequences", codes)
    chosen = rng.choice(n_each["enhancer"] * n_each["promoter"], n_pairs, replace=False)
    enhancer, promoter = np.divmod(chosen, n_each["promoter"])
    pd.DataFrame(
        {
            "enhancer": enhancer,
            "promoter": promoter,
            "enhancer_id": tables["enhancer"]["element_id"].to_numpy()[enhancer],
            "promoter_id": tables["promoter"]["element_id"].to_numpy()[promoter],
            "label": rng.integers(0, 2, n_pairs),
            "distance": rng.integers(1_000, 500_000, n_pairs),
            "upstream": rng.choice([-1, 1], n_pairs),
            "chrom": "chr1",
            "split": "train",
        }
    ).to_parquet(directory / "labels.parquet")


def write_shard(directory: Path) -> Path:
    """The shard of the line whose inputs lie in the directory."""
    shards.run(
        cell_line="line",
        labels=directory / "labels.parquet",
        elements_directory=directory,
        sequences_directory=directory / "sequences",
        settings=ShardSettings(),
        directory=directory / "shard",
    )
    return directory / "shard"


def write_tar(path: Path, shard: shards.Shard) -> None:
    """The same pairs, one record each, bases included."""
    with tarfile.open(path, "w") as tar:
        for at, pair in enumerate(shard.pairs.itertuples()):
            files = {
                "enhancer.npy": shard.enhancer_codes[pair.enhancer],
                "promoter.npy": shard.promoter_codes[pair.promoter],
                "pair.npy": np.array([pair.label, pair.distance, pair.upstream], dtype=np.int32),
            }
            for name, array in files.items():
                buffer = io.BytesIO()
                np.save(buffer, np.asarray(array))
                entry = tarfile.TarInfo(f"{at:08d}.{name}")
                entry.size = buffer.tell()
                buffer.seek(0)
                tar.addfile(entry, buffer)


def read_batches(shard: shards.Shard) -> int:
    """All batches of bases and labels of a shard, each pair's rows gathered; returns the bytes."""
    n_bytes = 0
    enhancer, promoter = shard.pairs["enhancer"].to_numpy(), shard.pairs["promoter"].to_numpy()
    codes = np.asarray(shard.enhancer_codes), np.asarray(shard.promoter_codes)
    rest = np.empty((len(enhancer), 3), dtype=np.int32)
    for at, name in enumerate(("label", "distance", "upstream")):
        rest[:, at] = shard.pairs[name].to_numpy()
    for start in range(0, len(rest), BATCH):
        rows = slice(start, start + BATCH)
        batch = (
            torch.from_numpy(np.take(codes[0], enhancer[rows], axis=0)),
            torch.from_numpy(np.take(codes[1], promoter[rows], axis=0)),
            torch.from_numpy(rest[rows]),
        )
        n_bytes += sum(part.nbytes for part in batch)
    return n_bytes


def read_tar(path: Path) -> int:
    """The same batches from a tar file."""
    pipeline = webdataset.WebDataset(str(path), shardshuffle=False, empty_check=False).decode()
    batched = pipeline.to_tuple("enhancer.npy", "promoter.npy", "pair.npy").batched(BATCH)
    return sum(sum(torch.as_tensor(part).nbytes for part in batch) for batch in batched)


def open_unchecked(directory: Path) -> shards.Shard:
    """A shard without a look at its hashes."""
    kept, shards.check_files = shards.check_files, lambda *_, **__: None
    try:
        return shards.read_shard(directory)
    finally:
        shards.check_files = kept


def forget(paths: list[Path]) -> None:
    """Ask the system to drop the files' pages from its cache."""
    for path in paths:
        with open(path, "rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def measure(sides: list[Callable[[], object]], n: int, before: Callable[[], None] | None) -> list[float]:
    """Median seconds of sides in turn; what ``before`` does is not counted."""
    found: list[list[float]] = [[] for _ in sides]
    for turn in range(n + 1):
        for side, seconds in zip(sides, found, strict=True):
            if before:
                before()
            started = time.perf_counter()
            side()
            if turn:
                seconds.append(time.perf_counter() - started)
    return [float(np.median(seconds)) for seconds in found]


def main() -> None:
    """Measure warm and cold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--pairs", type=int)
    parser.add_argument("--elements", type=int)
    parser.add_argument("-n", type=int, default=5, help="measurements of each side")
    options = parser.parse_args()
    n_pairs = options.pairs or (35_000 if options.full else 4_000)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        write_inputs(Path(name), n_pairs, options.elements or (9_000 if options.full else 600))
        directory = write_shard(Path(name))
        shard, tar = shards.read_shard(directory), Path(name) / "pairs.tar"
        write_tar(tar, shard)
        n_bytes = read_batches(shard)
        assert n_bytes == read_tar(tar)
        # The same bytes, batch after batch into fresh memory, as both of the others take it.
        source, size = np.ones(n_bytes, dtype=np.uint8), BATCH * n_bytes // n_pairs

        def copy() -> None:
            for start in range(0, n_bytes, size):
                source[start : start + size].copy()

        files = [tar, *directory.iterdir()]
        for state, before in (("warm", None), ("cold", lambda: forget(files))):
            sides: list[Callable[[], object]] = [
                lambda: read_batches(open_unchecked(directory)),
                lambda: read_batches(shards.read_shard(directory)),
                lambda: read_tar(tar),
                copy,
                lambda: read_batches(shard),
            ]
            unchecked, checked, webdataset_tar, memory, opened = measure(sides, options.n, before)
            rates = {key: n_bytes / spent / 1e6 for key, spent in (
                ("unchecked", unchecked), ("checked", checked), ("tar", webdataset_tar), ("memory", memory),
                ("opened", opened),
            )}  # fmt: skip
            for line, ours, peer in (
                (f"shards_webdataset_{state}", "unchecked", "tar"),
                (f"shards_webdataset_{state}_checked", "checked", "tar"),
                (f"shards_memory_{state}", "opened", "memory"),
            ):
                report(line, rates[ours], rates[peer], rates[ours] / rates[peer], "MB/s", options.n)


if __name__ == "__main__":
    main()
