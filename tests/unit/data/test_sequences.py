"""Sequences are those of the genome, base for base, and damage to their files is found."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyfaidx
import pytest

from cbat.data.sequences import fractions_of_n, read_codes, run, write_codes
from cbat.errors import UserError

LETTERS = "ACGTN"
CONTIG_LENGTHS = {"chr2": 5_003, "chr1": 3_960, "chrUn_1": 700}
"""None but chr1 fills its last line of 60."""


def random_genome(path: Path, seed: int = 0) -> dict[str, str]:
    """A FASTA with soft-masked stretches, N and every ambiguous letter of IUPAC."""
    rng = np.random.default_rng(seed)
    alphabet = [*"ACGT" * 8, *"acgt" * 8, *"Nn", *"RYSWKMBDHVryswkmbdhv"]
    genome = {name: "".join(rng.choice(alphabet, length)) for name, length in CONTIG_LENGTHS.items()}
    genome["chr2"] = genome["chr2"][:1000] + "N" * 400 + genome["chr2"][1400:]
    lines = [
        f">{name} a description\n" + "\n".join(bases[i : i + 60] for i in range(0, len(bases), 60))
        for name, bases in genome.items()
    ]
    path.write_text("\n".join(lines) + "\n")
    return genome


def windows(rng: np.random.Generator, width: int, n: int, *, inside: bool) -> pd.DataFrame:
    chrom = rng.choice(list(CONTIG_LENGTHS), n)
    length = np.array([CONTIG_LENGTHS[name] for name in chrom])
    low, high = (0, length - width + 1) if inside else (-width - 5, length + 5)
    start = rng.integers(low, high)
    return pd.DataFrame({"chrom": chrom, "start": start, "end": start + width})


def expected(genome: dict[str, str], row: pd.Series) -> str:
    bases = genome[row["chrom"]]
    letters = [bases[i] if 0 <= i < len(bases) else "N" for i in range(row["start"], row["end"])]
    return "".join(letter.upper() if letter.upper() in "ACGT" else "N" for letter in letters)


def known(genome: dict[str, str], table: pd.DataFrame) -> pd.DataFrame:
    """The windows of which at least one base is known."""
    return table[[set(expected(genome, row)) != {"N"} for _, row in table.iterrows()]].reset_index(drop=True)


def letters(codes: npt.NDArray[np.uint8]) -> list[str]:
    return ["".join(LETTERS[code] for code in row) for row in codes]


def write_elements(directory: Path, enhancers: pd.DataFrame, promoters: pd.DataFrame) -> Path:
    directory.mkdir()
    enhancers.to_parquet(directory / "enhancer.parquet")
    promoters.to_parquet(directory / "promoter.parquet")
    return directory


@pytest.mark.parametrize("seed", range(3))
def test_codes_are_the_genome_beyond_its_ends_too(tmp_path: Path, seed: int) -> None:
    genome = random_genome(tmp_path / "g.fa", seed)
    rng = np.random.default_rng(seed)
    tables = {
        "enhancer": windows(rng, 101, 150, inside=False),
        "promoter": windows(rng, 1000, 60, inside=False),  # longer than the shortest contig
    }
    tables = {role: known(genome, table) for role, table in tables.items()}
    elements = write_elements(tmp_path / "elements", *tables.values())
    run(genome_fasta=tmp_path / "g.fa", elements_directory=elements, directory=tmp_path / "out")
    for role, table in tables.items():
        codes = read_codes(tmp_path / "out", role)
        assert codes.dtype == np.uint8
        assert letters(codes) == [expected(genome, row) for _, row in table.iterrows()]


def test_sequences_are_those_of_bedtools(tmp_path: Path) -> None:
    bedtools = shutil.which("bedtools")
    if bedtools is None:
        pytest.skip("bedtools is not installed: nothing to compare with")
    random_genome(tmp_path / "g.fa", seed=7)
    rng = np.random.default_rng(7)
    tables = [windows(rng, 200, 120, inside=True), windows(rng, 400, 120, inside=True)]
    elements = write_elements(tmp_path / "elements", *tables)
    run(genome_fasta=tmp_path / "g.fa", elements_directory=elements, directory=tmp_path / "out")
    for role, table in zip(("enhancer", "promoter"), tables, strict=True):
        table.to_csv(tmp_path / "w.bed", sep="\t", header=False, index=False)
        answer = subprocess.run(
            [bedtools, "getfasta", "-tab", "-fi", tmp_path / "g.fa", "-bed", tmp_path / "w.bed"],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        # bedtools keeps the case and the ambiguous letters; the codes do not.
        theirs = [line.split("\t")[1].upper() for line in answer.splitlines()]
        theirs = ["".join(base if base in "ACGT" else "N" for base in bases) for bases in theirs]
        assert letters(read_codes(tmp_path / "out", role)) == theirs


def test_windows_full_of_n_are_refused(tmp_path: Path) -> None:
    random_genome(tmp_path / "g.fa")
    inside_gap = pd.DataFrame({"chrom": "chr2", "start": [0, 1100, -200], "end": [100, 1200, -100]})
    promoters = pd.DataFrame({"chrom": ["chr1"], "start": [-50], "end": [50]})
    elements = write_elements(tmp_path / "elements", inside_gap, promoters)
    with pytest.raises(UserError, match="of 2 of 3 enhancers the genome knows no base: .* chr2:1100-1200"):
        run(genome_fasta=tmp_path / "g.fa", elements_directory=elements, directory=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    run(genome_fasta=tmp_path / "g.fa", elements_directory=elements, directory=tmp_path / "out", max_n=1.0)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["n_without_sequence"] == {"enhancer": 2, "promoter": 0}


def test_unknown_bases_are_counted(tmp_path: Path) -> None:
    genome = random_genome(tmp_path / "g.fa")
    inside_gap = pd.DataFrame({"chrom": "chr2", "start": [1100, 0, -99], "end": [1450, 350, 251]})
    promoters = pd.DataFrame({"chrom": ["chr1"], "start": [-50], "end": [50]})
    elements = write_elements(tmp_path / "elements", inside_gap, promoters)
    run(genome_fasta=tmp_path / "g.fa", elements_directory=elements, directory=tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["n_without_sequence"] == {"enhancer": 0, "promoter": 0}
    n = sum(expected(genome, row).count("N") for _, row in inside_gap.iterrows())
    assert manifest["fraction_n"]["enhancer"] == pytest.approx(n / 1050)
    assert manifest["fraction_n"]["promoter"] >= 0.5
    assert manifest["files"]["enhancer.npy"]["shape"] == [3, 350]


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    genome = random_genome(tmp_path / "g.fa")
    rng = np.random.default_rng(1)
    tables = (known(genome, windows(rng, 50, 30, inside=False)) for _ in range(2))
    elements = write_elements(tmp_path / "e", *tables)
    for out in ("a", "b"):
        run(genome_fasta=tmp_path / "g.fa", elements_directory=elements, directory=tmp_path / out)
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["enhancer.npy", "manifest.json", "promoter.npy"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_a_cohort_without_elements_has_empty_codes(tmp_path: Path) -> None:
    random_genome(tmp_path / "g.fa")
    none = pd.DataFrame({"chrom": pd.Series(dtype="str"), "start": [], "end": []})
    elements = write_elements(tmp_path / "e", none.astype({"start": "int64", "end": "int64"}), none)
    run(genome_fasta=tmp_path / "g.fa", elements_directory=elements, directory=tmp_path / "out")
    assert len(read_codes(tmp_path / "out", "enhancer")) == 0


def test_a_contig_that_the_genome_lacks_is_named(tmp_path: Path) -> None:
    random_genome(tmp_path / "g.fa")
    table = pd.DataFrame({"chrom": ["chr1", "7"], "start": [0, 0], "end": [10, 10]})
    elements = write_elements(tmp_path / "e", table, table)
    with pytest.raises(UserError, match=r"enhancer\.parquet: the genome .*g\.fa has no contig '7'"):
        run(genome_fasta=tmp_path / "g.fa", elements_directory=elements, directory=tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_windows_of_two_lengths_are_refused(tmp_path: Path) -> None:
    random_genome(tmp_path / "g.fa")
    table = pd.DataFrame({"chrom": ["chr1", "chr1"], "start": [0, 0], "end": [10, 11]})
    with pytest.raises(UserError, match="windows of 10 and 11 bp in one table"):
        run(
            genome_fasta=tmp_path / "g.fa",
            elements_directory=write_elements(tmp_path / "e", table, table),
            directory=tmp_path / "out",
        )


def test_a_genome_cut_short_after_its_index_was_made_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.fa"
    random_genome(path)
    table = pd.DataFrame({"chrom": ["chrUn_1"], "start": [600], "end": [700]})
    elements = write_elements(tmp_path / "e", table, table)
    run(genome_fasta=path, elements_directory=elements, directory=tmp_path / "out")
    path.write_bytes(path.read_bytes()[:-50])
    with pytest.raises(UserError, match=r"g\.fa: its index does not fit it \(lines of 'chrUn_1' .*_genome"):
        run(genome_fasta=path, elements_directory=elements, directory=tmp_path / "out")


def test_a_missing_genome_is_named(tmp_path: Path) -> None:
    table = pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [10]})
    with pytest.raises(UserError, match=r"none\.fa: the genome is missing"):
        run(
            genome_fasta=tmp_path / "none.fa",
            elements_directory=write_elements(tmp_path / "e", table, table),
            directory=tmp_path / "out",
        )


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[len(content) // 2] ^= 0x01
    path.write_bytes(bytes(content[:-1] if how == "cut" else content))
    if how == "missing":
        path.unlink()


@pytest.mark.parametrize("how", ["flipped", "cut", "missing"])
@pytest.mark.parametrize("name", ["enhancer.npy", "manifest.json"])
def test_damage_is_found_and_the_file_named(tmp_path: Path, name: str, how: str) -> None:
    rng = np.random.default_rng(0)
    write_codes(
        tmp_path, {role: rng.integers(0, 5, (4, 30), dtype=np.uint8) for role in ("enhancer", "promoter")}
    )
    assert read_codes(tmp_path, "enhancer").shape == (4, 30)
    damage(tmp_path / name, how)
    with pytest.raises(UserError, match=rf"{name}: .*run extract_sequences again"):
        read_codes(tmp_path, "enhancer")
    if name != "manifest.json":
        assert read_codes(tmp_path, "promoter").shape == (4, 30), "the other file is as good as before"


def test_shares_of_unknown_bases_are_those_of_the_codes(tmp_path: Path) -> None:
    genome = random_genome(tmp_path / "g.fa")
    pyfaidx.Faidx(str(tmp_path / "g.fa")).close()
    table = windows(np.random.default_rng(3), 40, 60, inside=False)
    shares = fractions_of_n(tmp_path / "g.fa", {"enhancer": table, "promoter": table[:0]})
    wanted = [expected(genome, row).count("N") / 40 for _, row in table.iterrows()]
    np.testing.assert_allclose(shares["enhancer"], wanted)
    assert shares["promoter"].shape == (0,)
