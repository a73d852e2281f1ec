"""A configured file below resources/downloads is fetched if it is not there, and taken as it is if it is."""

from __future__ import annotations

import gzip
import hashlib
import json

import numpy as np
import pytest

from cbat.config.sources import COLUMNS

BASES = np.random.default_rng(1).choice(np.frombuffer(b"ACGT", dtype=np.uint8), 200_000).tobytes()
FASTA = b">chr1\n" + BASES + b"\n>chr2\nACGT\n"
PACKED = gzip.compress(FASTA, mtime=0)
ROW = [
    "toy_genome", "1", "https://data.example/toy.fa.gz", "toy.fa", hashlib.sha256(PACKED).hexdigest(),
    str(len(PACKED)), "gzip", "CC0", "Doe",
]  # fmt: skip
SIZES = "results/genome/contig_sizes.tsv"


@pytest.fixture
def fetching(checkout, file_server):
    """A checkout whose genome is to be fetched from a mirror."""
    file_server.files = {"/toy.fa.gz": PACKED}
    checkout.write("resources/sources.tsv", "\t".join(COLUMNS) + "\n" + "\t".join(ROW) + "\n")
    settings = {
        "genome": {"fasta": "resources/downloads/toy.fa"},
        "retrieval": {"mirror": {"https://data.example/": file_server.url}},
    }
    checkout.write("my.yaml", json.dumps(settings))
    checkout.configuration = ("my.yaml",)
    return checkout


def test_a_genome_is_fetched_once(fetching, file_server) -> None:
    assert {"download_source", "prepare_genome"} <= fetching.planned("--", SIZES)
    # Snakemake tries again what a first call left, and that goes on with what is there.
    file_server.faults = [404, ("cut", 32_768)]
    done = fetching.snakemake("--cores", "1", SIZES)
    assert done.returncode == 0, done.stdout
    assert (fetching.directory / SIZES).read_text() == "contig\tlength\nchr1\t200000\nchr2\t4\n"
    assert (fetching.directory / "resources/downloads/toy.fa").read_bytes() == FASTA
    assert file_server.sent == [0, 32_768, len(PACKED) - 32_768]
    # Neither another mirror nor another text of the registry is a reason to fetch it again.
    fetching.edit("my.yaml", file_server.url, "https://elsewhere.example/")
    fetching.edit("resources/sources.tsv", "CC0", "CC-BY-4.0")
    assert fetching.planned("--", SIZES) == set()


def test_a_file_placed_by_hand_is_taken(fetching, file_server) -> None:
    (fetching.directory / "resources/downloads").mkdir()
    (fetching.directory / "resources/downloads/toy.fa").write_bytes(FASTA)
    assert fetching.planned("--", SIZES) == {"prepare_genome"}
    done = fetching.snakemake("--cores", "1", SIZES)
    assert done.returncode == 0, done.stdout
    assert file_server.requests == []


def test_a_file_of_ones_own_needs_no_row(fetching) -> None:
    (fetching.directory / "resources/downloads").mkdir()
    (fetching.directory / "resources/downloads/own.fa").write_bytes(FASTA)
    fetching.edit("my.yaml", "toy.fa", "own.fa")
    assert fetching.planned("--", SIZES) == {"prepare_genome"}


def test_what_goes_wrong_is_told_in_the_log(fetching, file_server) -> None:
    file_server.files = {}
    done = fetching.snakemake("--cores", "1", SIZES)
    assert done.returncode == 1
    assert "the server answered 404 Not Found" in done.stdout
    assert "save it as resources/downloads/toy.fa" in done.stdout


def test_a_file_that_no_source_has_stops_the_run_before_it_starts(fetching) -> None:
    fetching.edit("my.yaml", "toy.fa", "toi.fa")
    done = fetching.snakemake("-n")
    assert done.returncode == 1
    assert "no source has the file 'toi.fa' (did you mean 'toy.fa'?)" in done.stdout
    assert done.stdout.count("Fix:") == 1
    assert "Traceback" not in done.stdout
