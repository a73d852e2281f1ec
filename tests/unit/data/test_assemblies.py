"""Assemblies by their lengths."""

from __future__ import annotations

import pandas as pd
import pytest

from cbat.data.assemblies import (
    LENGTH_OF_CHR1,
    LENGTHS,
    assembly_of,
    first_difference,
    named,
    would_fit,
)


def test_known_assemblies_in_either_style() -> None:
    assert assembly_of({"chr1": 249_250_621, "chr2": 5}) == "hg19"
    assert assembly_of({"1": 248_956_422}) == "hg38"
    assert assembly_of({"chr1": 195_471_971}) == "mm10"
    assert assembly_of({"chr1": 1000}) is None
    assert assembly_of({}) is None


def test_only_contigs_of_both_can_differ() -> None:
    assert first_difference({"a": 1, "b": 2}, {"a": 1, "c": 3}) is None
    assert first_difference({"a": 1, "b": 2}, {"b": 4}) == "b"


@pytest.mark.parametrize(
    ("word", "assembly"),
    [
        ("hg38", "hg38"), ("HG38", "hg38"), ("GRCh38", "hg38"), ("grch38.p14", "hg38"), ("b38", "hg38"),
        ("GRCh37", "hg19"), ("Hg19", "hg19"), ("b37", "hg19"), ("hs37d5", "hg19"), ("hg 19", "hg19"),
        ("CHM13", "T2T-CHM13"), ("t2t-chm13v2.0", "T2T-CHM13"), ("GRCm38.p6", "mm10"), ("GRCm39", "mm39"),
        ("hg83", None), ("human", None), ("38", None), ("", None),
    ],
)  # fmt: skip
def test_words_for_assemblies(word: str, assembly: str | None) -> None:
    assert named(word) == assembly


def test_lengths_are_those_that_tell_an_assembly() -> None:
    for name, lengths in LENGTHS.items():
        assert len(lengths) == 24
        assert LENGTH_OF_CHR1[lengths["chr1"]] == assembly_of(lengths) == name


def test_the_assembly_that_intervals_would_fit() -> None:
    assert would_fit(pd.DataFrame({"chrom": ["chr21"], "end": [48_000_000]}), "hg38") == "hg19"
    assert would_fit(pd.DataFrame({"chrom": ["chr21"], "end": [49_000_000]}), "hg38") is None
