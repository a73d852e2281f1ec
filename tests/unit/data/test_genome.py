"""The genome: same bases however it is packed, an index that fits, and faults told with their line."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pyfaidx
import pytest
from Bio import bgzf
from hypothesis import given, settings
from hypothesis import strategies as st

from cbat.data import genome
from cbat.errors import UserError

FASTA = b">chr1 a description\nACGTACGT\nacgtNNNN\nAC\n>chr2\nTTTT\n"
MADE = ["contig_sizes.tsv", "genome.fa", "genome.fa.fai"]


def prepare(tmp_path: Path, content: bytes, name: str = "given.fa") -> Path:
    (tmp_path / name).write_bytes(content)
    genome.run(fasta=tmp_path / name, directory=tmp_path / "genome")
    return tmp_path / "genome"


@pytest.mark.parametrize(
    "pack",
    [
        lambda data: data,
        gzip.compress,
        lambda data: gzip.compress(data[:20]) + gzip.compress(data[20:]) + gzip.compress(b""),
    ],
    ids=["plain", "gzip", "members"],
)
def test_packing_changes_nothing(tmp_path: Path, pack) -> None:
    packed = pack(FASTA)
    made = prepare(tmp_path, packed)
    assert sorted(path.name for path in made.iterdir()) == MADE
    assert (made / "genome.fa").read_bytes() == FASTA
    assert (made / "contig_sizes.tsv").read_text() == "contig\tlength\nchr1\t18\nchr2\t4\n"
    # Name, length, offset of the first base, bases and bytes of a line: counted by hand.
    assert (made / "genome.fa.fai").read_text() == "chr1\t18\t20\t8\t9\nchr2\t4\t47\t4\t5\n"
    assert (tmp_path / "given.fa").read_bytes() == packed, "the given file is not changed"


def test_blocks_as_bgzip_makes_them(tmp_path: Path) -> None:
    content = b">chr1\n" + b"ACGTACGTAC\n" * 20_000  # more than three blocks of 64 KiB
    with bgzf.BgzfWriter(str(tmp_path / "packed.gz"), "wb") as out:
        out.write(content)
    made = prepare(tmp_path, (tmp_path / "packed.gz").read_bytes(), "given.fa.gz")
    assert (made / "genome.fa").read_bytes() == content
    assert genome.read_contig_sizes(made / "contig_sizes.tsv") == {"chr1": 200_000}


def test_the_same_bytes_again_over_an_older_genome(tmp_path: Path) -> None:
    prepare(tmp_path, b">old\nA\n")
    once = {path.name: path.read_bytes() for path in prepare(tmp_path, FASTA).iterdir()}
    again = {path.name: path.read_bytes() for path in prepare(tmp_path, FASTA).iterdir()}
    assert once == again
    assert genome.read_contig_sizes(tmp_path / "genome" / "contig_sizes.tsv") == {"chr1": 18, "chr2": 4}


@pytest.mark.parametrize("content", [None, b"", b"contig\n", b"contig\tlength\nchr1\tlong\n"])
def test_lengths_of_contigs_that_cannot_be_read_are_one_message(tmp_path: Path, content) -> None:
    path = tmp_path / "contig_sizes.tsv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="lengths of contigs cannot be read") as caught:
        genome.read_contig_sizes(path)
    assert caught.value.file == path
    assert "\n" not in str(caught.value)


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.text("abcXYZ_.0123456789", min_size=1, max_size=6),
        st.text("ACGTNacgtn", min_size=1, max_size=200),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 80),
    st.sampled_from(["\n", "\r\n"]),
)
def test_every_base_is_found_again(
    tmp_path_factory: pytest.TempPathFactory, contigs: dict[str, str], width: int, line_end: str
) -> None:
    lines: list[str] = []
    for name, bases in contigs.items():
        lines += [f">{name}", *(bases[i : i + width] for i in range(0, len(bases), width))]
    made = prepare(tmp_path_factory.mktemp("genome"), (line_end.join(lines) + line_end).encode())
    sizes = genome.read_contig_sizes(made / "contig_sizes.tsv")
    assert sizes == {name: len(bases) for name, bases in contigs.items()}
    with pyfaidx.Fasta(str(made / "genome.fa"), rebuild=False) as fasta:
        assert {name: str(fasta[name][:]) for name in contigs} == contigs


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "this is not a FASTA file"),
        (b"@read\nACGT\n+\nIIII\n", "this is not a FASTA file: it does not start with '>'"),
        (gzip.compress(b"chr1\t1\t2\n", mtime=0), "this is not a FASTA file"),
        (gzip.compress(FASTA * 50, mtime=0)[:-12], "the gzip file is truncated or damaged"),
        (gzip.compress(FASTA, mtime=0) + b"junk", "the gzip file is truncated or damaged"),
        (b">CTCF\nMEGDAVEAIVEESETFIKGKERKTYQR\n", "line 2: the sequence has letters .* \\(E, F, I, Q\\)"),
        (gzip.compress(b">a\nACGT\n>b\nACGE\n", mtime=0), "line 4: the sequence has letters .* \\(E\\), as"),
        (b">a\nAC\n>b\nAC\n>a\nAC\n", "line 5: the contig 'a' is already in line 1"),
        (b">a\nAC\n>b\n>c\nAC\n", "line 3: the contig 'b' has no sequence"),
        (b">a\nAC\n>b\n", "line 3: the contig 'b' has no sequence"),
        (b">a\n\n>b\nAC\n", "line 1: the contig 'a' has no sequence"),
        (b">\nAC\n", "line 1: a contig has no name"),
        (b">a\nACGT\nAC\nACGT\n", "line 3: inside the contig 'a' the lines are of different lengths"),
        (b">a\nACGT\n\n\n>b\nAC\n", "line 3: inside the contig 'a' .* or one is empty"),
        (b">a\nAC\nACGT\nAC\n", "line 3: inside the contig 'a'"),
    ],
)
def test_mistakes_leave_nothing_behind(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(UserError, match=rf"given\.fa[:,] {message}"):
        prepare(tmp_path, content)
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["given.fa"]


def test_a_failure_keeps_the_genome_of_before(tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in prepare(tmp_path, FASTA).iterdir()}
    with pytest.raises(UserError):
        prepare(tmp_path, b">a\nAC\n>a\nAC\n")
    assert {path.name: path.read_bytes() for path in (tmp_path / "genome").iterdir()} == before


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"hg19\.fa: the file cannot be read \(No such file"):
        genome.run(fasta=tmp_path / "hg19.fa", directory=tmp_path / "genome")


def indexed(tmp_path: Path, content: bytes = FASTA) -> Path:
    fasta = tmp_path / "given.fa"
    fasta.write_bytes(content)
    pyfaidx.Faidx(str(fasta)).close()
    return fasta


def test_a_plain_genome_with_its_index_is_linked(tmp_path: Path) -> None:
    fasta = indexed(tmp_path)
    fasta.chmod(0o444)
    genome.run(fasta=fasta, directory=tmp_path / "genome")
    made = tmp_path / "genome"
    assert sorted(path.name for path in made.iterdir()) == MADE
    assert (made / "genome.fa").readlink() == fasta
    assert (made / "contig_sizes.tsv").read_text() == "contig\tlength\nchr1\t18\nchr2\t4\n"
    assert (made / "genome.fa.fai").read_bytes() == fasta.with_name("given.fa.fai").read_bytes()
    assert fasta.stat().st_mode & 0o777 == 0o444, "the given file is not changed"
    genome.run(fasta=fasta, directory=made)
    genome.run(fasta=made / "genome.fa", directory=tmp_path / "again")
    assert (tmp_path / "again" / "genome.fa").read_bytes() == FASTA


def test_a_relative_link_survives_a_move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    indexed(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    genome.run(fasta=Path("given.fa"), directory=Path("results/genome"))
    (tmp_path / "here").rename(tmp_path / "there")
    assert (tmp_path / "there" / "results" / "genome" / "genome.fa").read_bytes() == FASTA


def test_an_index_that_fits_is_trusted_whatever_its_time(tmp_path: Path) -> None:
    fasta = indexed(tmp_path)
    os.utime(fasta.with_name("given.fa.fai"), (1, 1))
    genome.run(fasta=fasta, directory=tmp_path / "genome")
    assert (tmp_path / "genome" / "genome.fa").is_symlink()


@pytest.mark.parametrize("fault", ["longer", "shorter", "garbage", "twice", "empty"])
def test_an_index_that_does_not_fit_is_not_trusted(tmp_path: Path, fault: str) -> None:
    fasta = indexed(tmp_path)
    index = fasta.with_name("given.fa.fai")
    content = FASTA
    if fault in ("longer", "shorter"):
        content = FASTA + b"ACGT\n" if fault == "longer" else FASTA[:-3]
        fasta.write_bytes(content)
        index.touch()
    else:
        row = index.read_text().splitlines()[0]
        index.write_text({"garbage": "chr1 18\n", "twice": f"{row}\n{index.read_text()}", "empty": ""}[fault])
    genome.run(fasta=fasta, directory=tmp_path / "genome")
    assert not (tmp_path / "genome" / "genome.fa").is_symlink()
    assert (tmp_path / "genome" / "genome.fa").read_bytes() == content
