"""Assemblies by their lengths."""

from __future__ import annotations

from cbat.data.assemblies import assembly_of, first_difference


def test_known_assemblies_in_either_style() -> None:
    assert assembly_of({"chr1": 249_250_621, "chr2": 5}) == "hg19"
    assert assembly_of({"1": 248_956_422}) == "hg38"
    assert assembly_of({"chr1": 195_471_971}) == "mm10"
    assert assembly_of({"chr1": 1000}) is None
    assert assembly_of({}) is None


def test_only_contigs_of_both_can_differ() -> None:
    assert first_difference({"a": 1, "b": 2}, {"a": 1, "c": 3}) is None
    assert first_difference({"a": 1, "b": 2}, {"b": 4}) == "b"
