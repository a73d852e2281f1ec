"""Names that do not meet are not absence, nothing is trusted without a look, and nothing is lost in silence.

Each kind has the inputs that people brought, and further ones of its kind. Where a message gives advice, the
test follows it and runs again.
"""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from advice import shared_case
from landscape_world import CHROMOSOMES, KINDS, LENGTH, NEW, LandscapeWorld, write_world

from cbat.cli import main
from cbat.config.predictions import PredictionSettings
from cbat.config.sections import GraphSettings, LandscapeSettings, PeakOverlap, SimilarityTable
from cbat.config.sheets import CellLine, read_cell_lines
from cbat.config.shipped_models import directory_of
from cbat.data import genome
from cbat.data.assemblies import LENGTHS
from cbat.data.bed_files import read_candidates
from cbat.data.contig_checks import alias_of, check_shared, elsewhere, plain_contig
from cbat.data.contigs import SHIPPED, SHIPPED_ACCESSIONS, SHIPPED_BACK, ContigNames, read_contig_names
from cbat.data.elements import check_intervals, listed_mentions
from cbat.errors import UserError
from cbat.evaluation.peer_tables import read_peer
from cbat.evaluation.peers import match
from cbat.graph.build import build_graph, read_similarity
from cbat.graph.similarity import compare_peaks
from cbat.landscape import tracks
from cbat.landscape.assembly_check import LEAST_EXPECTED, hardly_expected
from cbat.model.about import read_description
from cbat.prediction.calibration import calibrate
from cbat.prediction.candidates import read_files
from cbat.prediction.decision import Decision
from cbat.prediction.shared_landscape import SharedLandscape, read_landscape

TOP = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def cases() -> Path:
    return shared_case(".")


@pytest.fixture(scope="module")
def base(cases: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The genome of the cases, prepared; to be read only."""
    directory = tmp_path_factory.mktemp("base")
    genome.run(fasta=cases / "base" / "genome.fa.gz", directory=directory)
    return directory


def sizes_of(directory: Path) -> dict[str, int]:
    return genome.read_contig_sizes(directory / "contig_sizes.tsv")


def enhancers_of(path: Path, contigs: ContigNames | None = None):
    return listed_mentions("new", "enhancer", path, read_candidates(path, "enhancer", contigs))


def track_report(tmp_path: Path, path: Path, sizes: dict[str, int]) -> dict:
    """What read_tracks says of peaks of active enhancers."""
    head = [
        "cell_line",
        "tissue",
        "role",
        "sex",
        "condition",
        "pairs",
        "pairs_format",
        "enhancers",
        "promoters",
    ]
    row = ["new", "blood", "unseen", "unknown", "unknown", "none.tsv", "cbat", ".", "."]
    sheet = tmp_path / "lines.tsv"
    sheet.write_text("\t".join([*head, "active_enhancers"]) + "\n" + "\t".join([*row, str(path)]) + "\n")
    settings = LandscapeSettings(genes=Path("genes.gtf"))
    reports = tracks.check_tracks(read_cell_lines(sheet), settings, sizes=sizes)
    return reports["new"]["kinds"]["active_enhancers"]


# Intervals off the end.


def test_one_peak_over_the_end_is_counted_in_candidates_and_tracks(cases, base, tmp_path, caplog) -> None:
    path = cases / "02-peak-off-the-end" / "peaks.bed"
    assert check_intervals(enhancers_of(path), sizes_of(base)).n_over == 1
    assert (
        "1 of 393 enhancers reach over the end of their contig, such as chr1:1285597-1285936" in caplog.text
    )
    report = track_report(tmp_path, path, sizes_of(base))
    assert (report["cut_at_the_end"], report["peaks_read"]) == (1, 393)


ENDS: dict[str, tuple[list[str], str | int]] = {
    "over by a base": (["chr1 900 1001"], 1),
    "over by more than half": (["chr1 990 1900"], 1),
    "three contigs over": (["chr1 900 1001", "chr2 450 501", "chr3 90 101"], 3),
    "begins at the end": (["chr1 1000 1050"], "1 of 51 enhancers lie beyond .*; all others fit"),
    "begins a little beyond": (["chr2 700 800", "chr1 900 1001"], "2 of 52 .* reach beyond .*; all others"),
    "far beyond": (["chr1 900000 900100"], "1 of 51 enhancers lie beyond .* of another assembly"),
    "many over": ([f"chr1 {at} 1001" for at in range(900, 910)], "10 of 60 .* of another assembly"),
    "many beyond": ([f"chr1 {at} {at + 9}" for at in range(1000, 1100)], "100 of 150 .* of another assembly"),
}
SMALL = {"chr1": 1000, "chr2": 500, "chr3": 100}


def bed(path: Path, rows: list[str]) -> Path:
    path.write_text("".join("\t".join(row.split()) + "\n" for row in rows))
    return path


@pytest.mark.parametrize("case", ENDS)
def test_a_few_intervals_off_the_end_are_told_from_another_assembly(tmp_path: Path, case: str) -> None:
    rows, found = ENDS[case]
    good = [f"chr1 {at} {at + 10}" for at in range(0, 500, 10)]
    path = bed(tmp_path / "peaks.bed", good + rows)
    for read in (
        lambda path: check_intervals(enhancers_of(path), SMALL).n_over,
        lambda path: track_report(tmp_path, path, SMALL)["cut_at_the_end"],
    ):
        if isinstance(found, int):
            assert read(path) == found
            continue
        with pytest.raises(UserError, match=found.replace("enhancers", "(enhancers|peaks)")) as caught:
            read(path)
        if "all others" in found:
            # The advice: these lines go.
            assert "delete what begins beyond the end (line 51)" in caught.value.mend
            lines = path.read_text().splitlines()
            read(bed(tmp_path / "mended.bed", lines[:50] + lines[51:]))


# Names of contigs.


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [
        ("1", "chr1"), ("Chr1", "chr1"), ("CHR1", "chr1"), ("chr_1", "chr1"), ("chr01", "chr1"), ("01", "1"),
        ("chromosome1", "1"), ("Chromosome_X", "chrX"), ("x", "X"), ("MT", "chrM"), ("M", "chrM"),
        ("chrMT", "MT"), ("chrMt", "chrM"), ("CHRX", "X"), ("2l", "chr2L"),
    ],
)  # fmt: skip
def test_names_are_compared_after_case_chr_and_zeros(mine: str, theirs: str) -> None:
    assert plain_contig(mine) == plain_contig(theirs)
    lines, known = {"chr7": 1, mine: 2}, ["chr7", theirs]
    assert alias_of(lines, known) == (mine, theirs)
    with pytest.raises(
        UserError, match=f"line 2: chromosomes are named like '{mine}' here, but like '{theirs}'"
    ):
        check_shared(Path("a.bed"), lines, {"the genome": known})
    # The advice: a table that maps the one to the other.
    renamed = ContigNames({mine: theirs}).apply(np.array(["chr7", mine], dtype=object))
    check_shared(Path("a.bed"), dict.fromkeys(renamed, 1), {"the genome": known})


@pytest.mark.parametrize(
    ("mine", "theirs"),
    [("chr1", "chr10"), ("chrX", "chrY"), ("1", "chr1_random"), ("chrM", "chrX"), ("10", "1"), ("chr", "1")],
)
def test_other_contigs_are_not_taken_for_one(mine: str, theirs: str) -> None:
    assert alias_of([mine], [theirs]) is None


@pytest.mark.parametrize(
    ("files", "of_genome", "table"),
    [
        ("chr{}", "{}", SHIPPED_BACK),
        ("{}", "chr{}", SHIPPED),
    ],
)
def test_the_table_that_is_named_maps_the_right_way(tmp_path, files: str, of_genome: str, table: str) -> None:
    sizes = {of_genome.format(name): 1000 for name in ("1", "2", "X")}
    path = bed(tmp_path / "a.bed", [f"{files.format(name)} 10 90" for name in ("1", "2", "X")])
    with pytest.raises(UserError) as caught:
        check_intervals(enhancers_of(path), sizes)
    assert table in caught.value.mend
    contigs = read_contig_names(TOP / table)
    check_intervals(enhancers_of(path, contigs), sizes, contigs)
    # The other table is recognised, and both parts of the advice help.
    other = {SHIPPED: SHIPPED_BACK, SHIPPED_BACK: SHIPPED}[table]
    contigs = read_contig_names(TOP / other)
    with pytest.raises(UserError, match="reverse the table of genome.contig_names") as caught:
        check_intervals(enhancers_of(path, contigs), sizes, contigs)
    assert caught.value.mend.endswith(f"swap the words given and genome in its first line, or name {table}")
    turned = tmp_path / "turned.tsv"
    turned.write_text((TOP / other).read_text().replace("given\tgenome", "genome\tgiven", 1))
    contigs = read_contig_names(turned)
    check_intervals(enhancers_of(path, contigs), sizes, contigs)


def test_a_table_that_breaks_what_agreed_is_told_to_be_turned(
    cases: Path, base: Path, tmp_path: Path
) -> None:
    # Files and genome say chr1, and the table maps chr1 to 1.
    contigs = read_contig_names(cases / "67-names-the-other-way" / "t.tsv")
    path = cases / "base" / "enh.bed"
    with pytest.raises(UserError, match="which maps 'chr1' to '1': swap the words given and genome"):
        check_intervals(enhancers_of(path, contigs), sizes_of(base), contigs)
    turned = tmp_path / "t.tsv"
    turned.write_text(contigs.path.read_text().replace("given\tgenome", "genome\tgiven", 1))
    contigs = read_contig_names(turned)
    check_intervals(enhancers_of(path, contigs), sizes_of(base), contigs)


def test_a_name_that_the_table_lacks_is_a_row_to_add(tmp_path: Path) -> None:
    table = tmp_path / "names.tsv"
    table.write_text("given\tgenome\n1\tchr1\n")
    path = bed(tmp_path / "a.bed", ["1 10 20", "2 10 20"])
    sizes = {"chr1": 100, "chr2": 100}
    contigs = read_contig_names(table)
    with pytest.raises(UserError, match=r"line 2: .*add a row to .*names\.tsv.* maps '2' to 'chr2'"):
        check_intervals(enhancers_of(path, contigs), sizes, contigs)
    table.write_text(table.read_text() + "2\tchr2\n")
    contigs = read_contig_names(table)
    check_intervals(enhancers_of(path, contigs), sizes, contigs)


def test_a_third_of_the_peaks_on_accessions_is_a_warning(cases, base, tmp_path: Path, caplog) -> None:
    path = cases / "64-half-on-unknown-contigs" / "peaks.bed"
    told = "142 of 392 {} (36%) are on contigs that the genome lacks: NC_000002.12; 'NC_000002.12' is the"
    (warning,) = check_intervals(enhancers_of(path), sizes_of(base)).warnings
    assert told.format("enhancers") in warning
    table = SHIPPED_ACCESSIONS.format(assembly="hg38")
    assert f"the accession of RefSeq for chr2 of hg38: set genome.contig_names to {table}" in warning
    report = track_report(tmp_path, path, sizes_of(base))
    assert report["left_out_on_unknown_contigs"] == 142
    assert told.format("peaks") in caplog.text
    assert "142 of 392 records are left out (left out on unknown contigs: 142 (36.2%))" in caplog.text
    # The advice.
    contigs = read_contig_names(TOP / table)
    assert check_intervals(enhancers_of(path, contigs), sizes_of(base), contigs).warnings == ()


@pytest.mark.parametrize(
    ("names", "known", "told"),
    [
        (["CM000663.1"], ["chr1"], SHIPPED_ACCESSIONS.format(assembly="hg19")),
        (["NC_000023.11"], ["X", "1"], "with 'X' in place of 'chrX'"),
        (["NC_000067.7"], ["chr1"], "looks like an accession of RefSeq"),
        (["KI270706.1"], ["chr1"], "looks like an accession of GenBank"),
        (["chr1"], ["NC_000001.11", "NC_000002.12"], "map 'chr1' to its own, such as 'NC_000001.11'"),
        (["2"], ["NC_000001.11", "NC_000002.12"], "map '2' to its own, such as 'NC_000002.12'"),
        (["scaffold_1"], ["chr1"], "name a file of the same species"),
    ],
)
def test_contigs_of_which_none_is_shared_are_refused(names: list[str], known: list[str], told: str) -> None:
    with pytest.raises(UserError, match="no chromosome of this file is in the genome") as caught:
        check_shared(Path("a.bed"), dict.fromkeys(names, 3), {"the genome": known})
    assert told in caught.value.mend


@pytest.mark.parametrize(("n", "warned"), [(0, False), (5, False), (6, True), (100, True)])
def test_more_than_a_twentieth_elsewhere_is_a_warning(n: int, warned: bool) -> None:
    rows = {"chr1": 100 - n, "chrUn": n}
    assert (elsewhere(rows, ["chr1"], "the genome", "peaks") is not None) == warned


PEAKS: dict[str, tuple[list[str], list[str], str]] = {
    "without chr": (
        ["chr1 10 20", "chr2 10 20"],
        ["1 10 20", "2 10 20"],
        "named like '1' here, but like 'chr1'",
    ),
    "another case": (["chr1 10 20"], ["Chr1 10 20"], "named like 'Chr1' here, but like 'chr1'"),
    "a part otherwise": (["chr1 10 20", "chrM 1 9"], ["chr1 10 20", "MT 1 9"], "named like 'MT' here"),
    "none shared": (["chr1 10 20"], ["scaffold_1 10 20"], "no chromosome of this file is in the peaks of A"),
    "accessions": (["chr1 10 20"], ["NC_000001.11 10 20"], "accession of RefSeq for chr1 of hg38"),
}


@pytest.mark.parametrize("case", PEAKS)
def test_peaks_of_two_lines_must_speak_of_the_same_contigs(tmp_path: Path, case: str) -> None:
    one, other, told = PEAKS[case]
    files = {"A": bed(tmp_path / "a.bed", one), "B": bed(tmp_path / "b.bed", other)}
    with pytest.raises(UserError) as caught:
        compare_peaks(settings=PeakOverlap(peaks=files), output=tmp_path / "out.tsv")
    assert told in str(caught.value)
    assert not (tmp_path / "out.tsv").exists()
    # The advice: a table.
    names = {
        "1": "chr1",
        "2": "chr2",
        "Chr1": "chr1",
        "MT": "chrM",
        "scaffold_1": "chr1",
        "NC_000001.11": "chr1",
    }
    table = bed(
        tmp_path / "names.tsv", ["given genome", *(f"{given} {name}" for given, name in names.items())]
    )
    compare_peaks(settings=PeakOverlap(peaks=files), output=tmp_path / "out.tsv", contig_names=table)
    assert read_similarity(tmp_path / "out.tsv") == {("A", "B"): 1.0}


def test_the_peaks_that_were_brought(cases: Path, tmp_path: Path) -> None:
    folder = cases / "73-compare-peaks-names"
    files = {name.upper(): folder / f"{name}.bed" for name in "abc"}
    with pytest.raises(
        UserError, match=r"b\.bed, line 1: chromosomes are named like '1' here, but like 'chr1'"
    ):
        compare_peaks(settings=PeakOverlap(peaks=files), output=tmp_path / "out.tsv")
    compare_peaks(settings=PeakOverlap(peaks=files), output=tmp_path / "out.tsv", contig_names=TOP / SHIPPED)
    found = read_similarity(tmp_path / "out.tsv")
    assert found["A", "B"] == 1.0
    assert found["A", "C"] == found["B", "C"] > 0.5


# Names of cell lines.


def square(path: Path, names: list[str]) -> Path:
    rows = ["\t".join([name, *(["0.5"] * len(names))]) for name in names]
    path.write_text("\n".join(["\t".join(["cell_line", *names]), *rows]) + "\n")
    return path


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (
            ["K-562", "GM12878"],
            "the sheet has the cell line 'K562', and the table of similarities calls it 'K-562'",
        ),
        (["k562", "gm12878"], "calls it"),
        (["HepG2", "HeLa"], "has no cell line of the sheet: it has HepG2, HeLa"),
    ],
)
def test_a_table_of_similarities_has_the_lines_of_the_sheet(
    tmp_path: Path, names: list[str], told: str
) -> None:
    lines = [cell_line_of(name) for name in ("K562", "GM12878")]
    settings = GraphSettings(similarities=[SimilarityTable(path=square(tmp_path / "s.tsv", names))])
    with pytest.raises(UserError, match=told):
        build_graph(lines, [], scope="all", settings=settings)
    # The advice; a table may have more lines than the sheet.
    square(tmp_path / "s.tsv", ["K562", "GM12878", "HepG2"])
    edges = build_graph(lines, [], scope="all", settings=settings)["edges"]
    assert [(edge["source"], edge["target"]) for edge in edges] == [("GM12878", "K562")]


def cell_line_of(name: str) -> CellLine:
    return CellLine.model_validate(
        {"cell_line": name, "tissue": "unknown", "role": "train", "sex": "unknown", "condition": "unknown",
         "pairs": f"{name}.tsv", "pairs_format": "cbat", "enhancers": None, "promoters": None}
    )  # fmt: skip


PEER = "cell_line\tenhancer\tpromoter\tscore\n"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (
            "K562\t1:100-200\t1:500-600\t1",
            "line 2: chromosomes are named like '1' here, but like 'chr1' in the lab",
        ),
        ("K562\tCHR1:100-200\tCHR1:500-600\t1", "named like 'CHR1' here"),
        (
            "k-562\tchr1:100-200\tchr1:500-600\t1",
            "line 2: the cell line 'K562' is called 'k-562' in the table",
        ),
        ("K562\ts1:100-200\ts1:500-600\t1", "no chromosome of this file is in the labelled pairs of K562"),
    ],
)
def test_a_peer_under_other_names_is_refused(tmp_path: Path, row: str, told: str) -> None:
    pairs = pd.DataFrame(
        {"enhancer_id": ["chr1:100-200"], "promoter_id": ["chr1:500-600"], "chrom": ["chr1"]}
    )
    path = tmp_path / "peer.tsv"
    path.write_text(PEER + row + "\n")
    with pytest.raises(UserError, match=told):
        match(read_peer(path), pairs, "peer", path, "K562")
    # The advice.
    path.write_text(PEER + "K562\tchr1:100-200\tchr1:500-600\t1\n")
    assert match(read_peer(path), pairs, "peer", path, "K562")[0].tolist() == [1.0]


# An index beside a FASTA.


def fasta_of(contigs: dict[str, str], width: int = 10, line_end: str = "\n") -> bytes:
    lines = []
    for name, bases in contigs.items():
        lines += [f">{name}", *(bases[at : at + width] for at in range(0, len(bases), width))]
    return (line_end.join(lines) + line_end).encode()


THREE = {"chr1": "ACGTACGTACGTACGTA" * 3, "chr2": "TTGCATTGCATTGCATT" * 3, "chr3": "GGGCCGGGCCGGGCCGG" * 3}
BACKWARDS = dict(reversed(THREE.items()))
STALE: dict[str, Callable[[bytes], bytes]] = {
    "another order of contigs of one length": lambda _: fasta_of(BACKWARDS),
    "two names exchanged": lambda text: text.translate(bytes.maketrans(b"12", b"21")),
    "a name changed": lambda text: text.replace(b">chr3", b">chr9"),
    "a name that goes on": lambda text: text.replace(b">chr1\n", b">chr11\n"),
    "a description": lambda text: text.replace(b">chr2\n", b">chr2 the second\n"),
    "another width of lines": lambda _: fasta_of(THREE, width=17),
    "a contig more at the end": lambda text: text + b">chr4\nACGT\n",
    "a contig more in between": lambda _: fasta_of({"chr1": THREE["chr1"], "new": "A" * 5, **THREE}),
    "a contig less": lambda _: fasta_of({name: THREE[name] for name in ("chr1", "chr2")}),
    "ends of lines of another system": lambda _: fasta_of(THREE, line_end="\r\n"),
    "one line longer and one shorter": lambda text: text.replace(b"TAC\nGTACG", b"TACG\nTACG", 1),
    "bases added to a contig": lambda text: text.replace(b">chr2\n", b">chr2\nACGTACGTAC\n"),
    "a header inside the bases": lambda text: text.replace(b"GGGCCGGGCC", b"GGG\n>x\nCCC", 1),
}  # fmt: skip


@pytest.mark.parametrize("case", STALE)
def test_an_index_of_other_content_is_not_trusted_whatever_its_time(
    tmp_path: Path, case: str, caplog
) -> None:
    import pyfaidx

    fasta, index = tmp_path / "g.fa", tmp_path / "g.fa.fai"
    fasta.write_bytes(fasta_of(THREE))
    pyfaidx.Faidx(str(fasta)).close()
    assert genome.misfit(fasta, index) is None
    changed = STALE[case](fasta.read_bytes())
    assert changed != fasta.read_bytes()
    fasta.write_bytes(changed)
    index.touch()
    assert genome.misfit(fasta, index) is not None
    try:
        genome.run(fasta=fasta, directory=tmp_path / "genome")
    except UserError:
        assert case in (
            "one line longer and one shorter",
            "a header inside the bases",
            "a contig more in between",
        )
        return
    assert "g.fa.fai does not fit" in caplog.text
    assert not (tmp_path / "genome" / "genome.fa").is_symlink()
    with pyfaidx.Fasta(str(tmp_path / "genome" / "genome.fa"), rebuild=False) as read:
        bases = {name: str(read[name][:]) for name in read.keys()}  # noqa: SIM118
    made = dict(record.split(b"\n", 1) for record in changed.replace(b"\r", b"").split(b">")[1:])
    assert bases == {
        name.split()[0].decode(): text.replace(b"\n", b"").decode() for name, text in made.items()
    }


def test_an_index_in_any_order_is_trusted(tmp_path: Path) -> None:
    import pyfaidx

    fasta, index = tmp_path / "g.fa", tmp_path / "g.fa.fai"
    for content in (fasta_of(THREE), fasta_of(THREE, line_end="\r\n"), fasta_of(THREE).rstrip(b"\n")):
        fasta.write_bytes(content)
        index.unlink(missing_ok=True)
        pyfaidx.Faidx(str(fasta)).close()
        index.write_text("".join(reversed(index.read_text().splitlines(keepends=True))))
        assert genome.misfit(fasta, index) is None


def test_a_genome_that_changes_after_it_was_linked_is_refused(tmp_path: Path) -> None:
    import pyfaidx

    from cbat.data.sequences import fractions_of_n

    fasta = tmp_path / "g.fa"
    fasta.write_bytes(fasta_of(THREE))
    pyfaidx.Faidx(str(fasta)).close()
    genome.run(fasta=fasta, directory=tmp_path / "genome")
    assert (tmp_path / "genome" / "genome.fa").is_symlink()
    table = {"enhancer": pd.DataFrame({"chrom": ["chr1"], "start": [0], "end": [10]})}
    assert fractions_of_n(tmp_path / "genome" / "genome.fa", table)["enhancer"].tolist() == [0.0]
    fasta.write_bytes(fasta_of(BACKWARDS))
    with pytest.raises(UserError, match="its index does not fit it .* run prepare_genome again"):
        fractions_of_n(tmp_path / "genome" / "genome.fa", table)
    genome.run(fasta=fasta, directory=tmp_path / "genome")
    assert fractions_of_n(tmp_path / "genome" / "genome.fa", table)["enhancer"].tolist() == [0.0]


def test_the_stale_index_that_was_brought(cases: Path, tmp_path: Path, caplog) -> None:
    """Three contigs of one length, whose index has them in another order than the FASTA."""
    lines = [">chr2", *["C" * 60] * 20_000, ">chr1", *["A" * 60] * 20_000, ">chr3", *["G" * 60] * 20_000]
    fasta = tmp_path / "genome.fa"
    fasta.write_text("\n".join(lines) + "\n")
    shutil.copyfile(cases / "22-stale-index-same-lengths" / "fai.keep", tmp_path / "genome.fa.fai")
    genome.run(fasta=fasta, directory=tmp_path / "genome")
    assert "the header of 'chr1' does not stand before its bases" in caplog.text
    made = (tmp_path / "genome" / "genome.fa.fai").read_text().splitlines()
    assert [row.split("\t")[0] for row in made] == ["chr2", "chr1", "chr3"]


# Predictions.


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> LandscapeWorld:
    """A small model and the files of a line; to be read only."""
    return write_world(tmp_path_factory.mktemp("line"))


@pytest.fixture(scope="module")
def fasta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("genome") / "genome.fa"
    row = "N" * 1000 + "\n"
    path.write_text("".join(f">{chrom}\n{row * (LENGTH // 1000)}" for chrom in CHROMOSOMES))
    return path


class Command:
    """A command line of `cbat predict`, whose files may be changed."""

    def __init__(self, line: LandscapeWorld, directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.directory, self.line, self.capsys = directory, line, capsys
        self.files = {name: line.raw(f"{name}.bed") for name in ("enhancers", "promoters")}
        self.files |= {kind: line.track(kind) for kind in KINDS} | {"pairs": line.raw("pairs.tsv")}
        self.options: list[str] = []
        self.name = NEW

    def change(self, name: str, change: Callable[[list[str]], list[str]]) -> None:
        """Change the lines of a file."""
        lines = change(self.files[name].read_text().splitlines())
        self.files[name] = self.directory / self.files[name].name
        self.files[name].write_text("".join(f"{line}\n" for line in lines))

    def run(self) -> tuple[int, str]:
        status = main(
            ["predict", "--model", str(self.line.model), "--cell-line", self.name, "--tissue", "blood",
             "--candidates", str(self.files["enhancers"]), "--promoters", str(self.files["promoters"]),
             "--tracks", *(f"{kind}={self.files[kind]}" for kind in KINDS), "--chromosomes", "chr1",
             "--directory", str(self.directory / "out"), *self.options]
        )  # fmt: skip
        return status, self.capsys.readouterr().err

    def cautions(self) -> dict[str, list[str]]:
        """Cautions by kind, which the page has as well."""
        status, told = self.run()
        assert status == 0, told
        page = (self.directory / "out" / "index.html").read_text()
        found: dict[str, list[str]] = {}
        for one in json.loads((self.directory / "out" / "environment.json").read_text())["warnings"]:
            found.setdefault(one["kind"], []).append(one["message"])
            assert one["kind"].replace("_", " ") in page
        return found

    def calibrate(self) -> None:
        self.options = [*self.options, "--calibrate", str(self.files["pairs"])]


@pytest.fixture
def command(line: LandscapeWorld, tmp_path: Path, capsys) -> Command:
    return Command(line, tmp_path, capsys)


def on_accessions(lines: list[str]) -> list[str]:
    """chr2 under the name of RefSeq."""
    return [text.replace("chr2\t", "NC_000002.12\t") for text in lines]


@pytest.mark.parametrize("name", ["enhancers", "promoters", "active_enhancers", "insulators"])
@pytest.mark.parametrize("with_genome", [False, True])
def test_a_part_on_contigs_that_nobody_else_has_is_a_caution(command, fasta, name: str, with_genome) -> None:
    command.change(name, on_accessions)
    if with_genome:
        command.options = ["--genome", str(fasta)]
    found = command.cautions()
    (told, *_) = found["unmatched_contigs"]
    assert f"{command.files[name]}: " in told
    assert "NC_000002.12" in told
    assert "set --contig-names (in a configuration genome.contig_names) to resources/contig_names" in told
    if with_genome and name in KINDS:
        (told,) = found["left_out"]
        assert told.startswith(f"{command.files[name]}: ")
        assert "unknown contigs" in told
    command.options += ["--contig-names", str(TOP / SHIPPED_ACCESSIONS.format(assembly="hg38"))]
    assert "unmatched_contigs" not in command.cautions()


def test_an_interval_over_the_end_is_a_caution_and_one_beyond_is_refused(command, fasta) -> None:
    command.options = ["--genome", str(fasta)]
    command.change("enhancers", lambda lines: [*lines, f"chr1\t{LENGTH - 100}\t{LENGTH + 39}\t.\t0\t."])
    assert "1 of 481 enhancers reach over the end" in command.cautions()["over_the_end"][0]
    command.change("enhancers", lambda lines: [*lines, f"chr1\t{LENGTH + 5}\t{LENGTH + 39}\t.\t0\t."])
    status, told = command.run()
    assert status == 2
    assert "all others fit" in told
    assert "(line 482)" in told
    command.change("enhancers", lambda lines: lines[:-1])
    assert "over_the_end" in command.cautions()


def test_rows_that_the_table_of_names_leaves_out_are_a_caution(command) -> None:
    table = bed(command.directory / "names.tsv", ["given genome", "chr6 ."])
    command.options = ["--contig-names", str(table)]
    told = " ".join(command.cautions()["left_out"])
    for name in ("enhancers", "promoters", "insulators"):
        assert f"{command.files[name]}: " in told
    assert "by contig names: 80 (16.7%)" in told


@pytest.mark.parametrize("name", ["enhancers", "promoters", "active_promoters"])
def test_another_style_stops_and_a_table_mends_it(command, name: str) -> None:
    command.change(name, lambda lines: [text.replace("chr", "Chr", 1) for text in lines])
    status, told = command.run()
    assert status == 2
    assert "named like 'Chr1' here, but like 'chr1' in" in told
    assert "set --contig-names to a table of names that maps 'Chr1' to 'chr1'" in told
    names = [f"{chrom.capitalize()} {chrom}" for chrom in CHROMOSOMES]
    command.options = ["--contig-names", str(bed(command.directory / "n.tsv", ["given genome", *names]))]
    command.cautions()


def test_a_training_line_is_known_by_a_name_that_is_written_otherwise(command) -> None:
    command.name = "A"
    assert (
        "A is the name of the training line a, spelled differently" in command.cautions()["training_line"][0]
    )


@pytest.mark.parametrize("option", ["promoters", "genes"])
def test_genes_that_are_left_out_are_a_caution(command, option: str) -> None:
    """Of an annotation, one gene in ten has no strand."""
    rows = [text.split("\t") for text in command.files["promoters"].read_text().splitlines()]
    gtf = command.directory / "genes.gtf"
    lines = []
    for n, (chrom, start, _, name, *_) in enumerate(rows):
        first, strand = int(start) + 201, "." if n % 10 == 0 else "+"
        fields = [chrom, "me", "gene", first, first + 700, ".", strand, ".", f'gene_id "{name}";']
        lines.append("\t".join(map(str, fields)) + "\n")
    gtf.write_text("".join(lines))
    if option == "genes":
        command.options = ["--genes", str(gtf)]
    else:
        command.files["promoters"] = gtf
    told = [one for one in command.cautions()["left_out"] if one.startswith(f"{gtf}: ")]
    assert len(told) == 1
    assert f"{len(rows) // 10} of {len(rows)} records are left out (" in told[0]


def test_genes_that_a_table_of_expression_lacks_are_a_caution(command) -> None:
    names = [text.split("\t")[3] for text in command.files["promoters"].read_text().splitlines()]
    table = bed(command.directory / "genes.txt", names[::2])
    command.options = ["--expressed", str(table)]
    told = command.cautions()["unmatched_genes"][0]
    assert f"of {len(names):,} promoters are of genes that {table} does not name" in told


def test_sites_of_the_motif_that_speak_of_other_contigs(command) -> None:
    """Peaks without strands take them from the sites, which lack a part of the chromosomes."""
    command.change("insulators", lambda lines: [re.sub("\t[-+]\t", "\t.\t", text) for text in lines])
    sites = [text for text in command.line.track("insulators").read_text().splitlines() if "chr1\t" in text]
    motifs = command.directory / "sites.bed"
    motifs.write_text("".join("\t".join(text.split("\t")[:6]) + "\n" for text in sites))
    command.options = ["--insulator-motifs", str(motifs)]
    assert "there they have no strand" in command.cautions()["unmatched_contigs"][0]
    motifs.write_text(motifs.read_text().replace("chr1\t", "1\t"))
    status, told = command.run()
    assert status == 2
    assert "named like '1' here, but like 'chr1' in the insulators" in told


def pairs_with(**change: Callable[[pd.Series], pd.Series]) -> Callable[[list[str]], list[str]]:
    """Lines of a table of pairs with changed columns."""

    def changed(lines: list[str]) -> list[str]:
        header, *rows = (text.split("\t") for text in lines)
        table = pd.DataFrame(rows, columns=header)
        for pattern, of in change.items():
            for column in [name for name in header if name.endswith(pattern)]:
                table[column] = of(table[column])
        return ["\t".join(header), *("\t".join(map(str, row)) for row in table.to_numpy())]

    return changed


def test_labelled_pairs_that_fit_raise_no_caution(command) -> None:
    command.calibrate()
    assert not {"unmatched_pairs", "inverted_labels", "unmatched_contigs", "left_out"} & set(
        command.cautions()
    )


REFUSED_PAIRS: dict[str, tuple[Callable[[list[str]], list[str]], str]] = {
    "without chr": (
        pairs_with(chrom=lambda names: names.str.removeprefix("chr")),
        "line 2: chromosomes are named like '1' here, but like 'chr1' in the enhancers of the line",
    ),
    "another case": (pairs_with(chrom=lambda names: names.str.upper()), "named like 'CHR1' here"),
    "no contig shared": (
        pairs_with(chrom=lambda names: "s_" + names),
        "no chromosome of this file is in the",
    ),
    "away from all": (
        pairs_with(start=lambda at: at.astype(int) + 50_000_000, end=lambda at: at.astype(int) + 50_000_000),
        "no end of the labelled pairs is within 1000 bp of a candidate of the line",
    ),
    "contacts only": (
        lambda lines: [lines[0], *(text for text in lines[1:] if text.endswith("\t1"))],
        "provide pairs of both labels, 1 for contacts and 0 for others, or predict without them",
    ),
}


@pytest.mark.parametrize("case", REFUSED_PAIRS)
def test_labelled_pairs_that_are_not_of_the_line_are_refused(command, line, case: str) -> None:
    change, told = REFUSED_PAIRS[case]
    command.change("pairs", change)
    command.calibrate()
    status, message = command.run()
    assert status == 2
    assert told in message
    assert "labels." not in message
    assert "sheet" not in message
    if "without" in message:
        # The advice.
        command.options = []
        command.cautions()


def test_pairs_of_which_few_meet_the_line_are_a_caution(command) -> None:
    def moved(lines: list[str]) -> list[str]:
        away = pairs_with(
            start=lambda at: at.astype(int) + 50_000_000, end=lambda at: at.astype(int) + 50_000_000
        )(lines)
        return [
            lines[0],
            *(one if n % 4 else two for n, (one, two) in enumerate(zip(away[1:], lines[1:], strict=True))),
        ]

    command.change("pairs", moved)
    command.calibrate()
    told = command.cautions()["unmatched_pairs"][0]
    assert "promoters are within 1000 bp of a candidate of the line: are they of this line" in told


def test_inverted_labels_are_a_caution(command) -> None:
    command.change("pairs", pairs_with(label=lambda label: 1 - label.astype(int)))
    command.calibrate()
    assert "are the labels 1 for contacts and 0 for others?" in command.cautions()["inverted_labels"][0]


def test_pairs_that_are_left_out_are_counted_by_reason(command) -> None:
    command.change("pairs", lambda lines: [*lines, *lines[1:200]])
    command.calibrate()
    (told,) = command.cautions()["left_out"]
    assert f"{command.files['pairs']}: 199 of " in told
    assert "listed again: 199" in told


def test_the_pairs_that_were_brought_reach_the_refit_and_contacts_alone_do_not(cases: Path, line) -> None:
    about, _ = read_description(line.model / "model.json")
    files = {"enhancer": cases / "base" / "enh.bed", "promoter": cases / "base" / "prom.bed"}
    mentions = read_files(files, "new", ContigNames())

    def refitted(name: str) -> dict:
        return calibrate(
            lambda table, _: -np.log(table["distance"].to_numpy(dtype=float)), about,
            cases / "79-calibrate-formats" / name, "new", PredictionSettings(), None, ContigNames(),
            dict.fromkeys(files), mentions, Decision(0.0, 1.0, 0.5),
        ).report  # fmt: skip

    report = refitted("liver_3.tsv")
    label = pd.read_csv(cases / "79-calibrate-formats" / "liver_3.tsv", sep="\t")["label"]
    assert (report["pairs"], report["contacts"]) == (len(label), int(label.sum()))
    with pytest.raises(
        UserError, match="has not both labels left: its file has 428 contacts and 0"
    ) as caught:
        refitted("pos.tsv")
    assert "leave out --calibrate (in a configuration calibrate)" in caught.value.mend
    assert "labels.negatives" not in str(caught.value)


def test_the_genome_of_the_cases_is_read_as_it_was_packed(cases: Path, base: Path) -> None:
    with gzip.open(cases / "base" / "genome.fa.gz", "rb") as packed:
        assert (base / "genome.fa").read_bytes() == packed.read()


# Files of another assembly than the line's, with the models that come with the package.


@pytest.fixture(scope="module")
def shipped() -> dict[str, SharedLandscape]:
    return {name: read_landscape(directory_of("regulation"), assembly=name) for name in ("hg19", "hg38")}


def of_kind(shared: SharedLandscape, kind: str) -> pd.DataFrame:
    return shared.tracks[shared.tracks["kind"] == kind]


@pytest.mark.parametrize("kind", LEAST_EXPECTED)
def test_peaks_of_another_assembly_meet_expected_ones_by_chance(shipped, kind: str) -> None:
    for mine, other in (("hg19", "hg38"), ("hg38", "hg19")):
        told = hardly_expected(kind, of_kind(shipped[mine], kind), of_kind(shipped[other], kind))
        assert told is not None
        assert told.startswith(f"of the strongest 5,000 peaks of {kind} ")


@pytest.mark.parametrize("kind", LEAST_EXPECTED)
def test_peaks_of_the_same_assembly_and_few_peaks_do_not(shipped, kind: str) -> None:
    known = of_kind(shipped["hg38"], kind)
    of_other_lines = read_landscape(directory_of("contact"), assembly="hg38")
    assert hardly_expected(kind, of_kind(of_other_lines, kind), known) is None
    few = of_kind(shipped["hg19"], kind).nlargest(20, "activity")
    assert hardly_expected(kind, few, known) is None
    assert hardly_expected(kind, few, known.iloc[:0]) is None


class OnShipped:
    """A command line of `cbat predict` with a shipped model and candidates of hg38 on two chromosomes."""

    CHROMOSOMES = ("chr20", "chr21")

    def __init__(self, shipped: dict[str, SharedLandscape], directory: Path, capsys) -> None:
        self.shipped, self.directory, self.capsys = shipped, directory, capsys
        self.candidates = self.peaks("hg38", "active_enhancers", 3)

    def peaks(self, assembly: str, kind: str, columns: int, fits: str = "hg38") -> Path:
        table = of_kind(self.shipped[assembly], kind)
        table = table[table["chrom"].isin(self.CHROMOSOMES)]
        table = table[table["end"] <= table["chrom"].map(LENGTHS[fits])]
        table = table.assign(name=".", score=0, sign=".", p=-1, q=-1)
        order = ["chrom", "start", "end", "name", "score", "sign", "activity", "p", "q"]
        path = self.directory / f"{assembly}.{kind}.{'broadPeak' if columns == 9 else 'bed'}"
        table[order[:columns]].to_csv(path, sep="\t", header=False, index=False)
        return path

    def run(self, *options: str) -> tuple[int, str, dict[str, list[str]]]:
        out = self.directory / "out"
        shutil.rmtree(out, ignore_errors=True)
        status = main(
            ["predict", "--model", "regulation", "--candidates", str(self.candidates),
             "--chromosomes", "chr21", "--max-distance", "20000", "--page-pairs", "1",
             "--directory", str(out), *options]
        )  # fmt: skip
        found: dict[str, list[str]] = {}
        if status == 0:
            for one in json.loads((out / "environment.json").read_text())["warnings"]:
                found.setdefault(one["kind"], []).append(one["message"])
        return status, self.capsys.readouterr().err, found


@pytest.fixture
def on_shipped(shipped, tmp_path: Path, capsys) -> OnShipped:
    return OnShipped(shipped, tmp_path, capsys)


def test_a_track_of_another_assembly_is_a_caution_that_names_it(on_shipped) -> None:
    right, wrong = (on_shipped.peaks(name, "insulators", 9) for name in ("hg38", "hg19"))
    status, _, found = on_shipped.run("--tracks", f"insulators={right}")
    assert (status, "other_assembly" in found) == (0, False)
    status, _, found = on_shipped.run("--tracks", f"insulators={wrong}")
    (told,) = found["other_assembly"]
    assert told.startswith(f"{wrong}: of the strongest ")
    assert "may be of another assembly than hg38" in told


def test_intervals_beyond_the_end_are_refused_without_a_genome(on_shipped) -> None:
    with on_shipped.candidates.open("a") as rows:
        rows.write("chr21\t46710000\t46710200\n")
    status, told, _ = on_shipped.run()
    assert status == 2
    assert "1 of " in told
    assert "chr21:46710000-46710200 (chr21 is 46709983 bp long in hg38)" in told
    assert "delete what begins beyond the end (line " in told
    on_shipped.candidates = on_shipped.peaks("hg38", "active_enhancers", 3)
    track = on_shipped.peaks("hg19", "insulators", 9, fits="hg19")
    status, told, _ = on_shipped.run("--tracks", f"insulators={track}")
    assert status == 2
    assert "the file seems to be of another assembly; all of them would fit hg19" in told


def test_candidates_where_the_model_has_no_gene_are_a_caution(on_shipped) -> None:
    n = len(on_shipped.candidates.read_text().splitlines())
    with on_shipped.candidates.open("a") as rows:
        for at in range(n // 10):
            rows.write(f"chrUn_KI270742v1\t{100 * at}\t{100 * at + 50}\n")
    status, _, found = on_shipped.run()
    assert status == 0
    assert (
        "are on contigs that the landscape of the model lacks: chrUn_KI270742v1"
        in found["unmatched_contigs"][0]
    )


@pytest.mark.parametrize("word", ["GRCh38", "HG38", "grch38.p14", "b38"])
def test_an_assembly_goes_by_several_words(on_shipped, word: str) -> None:
    status, _, found = on_shipped.run("--assembly", word)
    assert (status, "unknown_assembly" in found) == (0, False)
    about = json.loads((on_shipped.directory / "out" / "environment.json").read_text())
    assert about["assembly"] == {"name": "hg38", "because": f"the word for it ({word})"}


def test_an_unknown_word_for_an_assembly_is_told_the_known_ones(on_shipped) -> None:
    on_shipped.candidates = bed(on_shipped.directory / "few.bed", ["chr21 20000000 20000200"])
    status, told, _ = on_shipped.run("--assembly", "hg83")
    assert status == 2
    for word in (
        "hg38 (or GRCh38, b38",
        "hg19 (or GRCh37, b37",
        "did you mean 'hg38'?",
        "correct --assembly",
    ):
        assert word in told
    status, told, _ = on_shipped.run()
    assert status == 2
    assert "name it with --assembly: hg38 (or GRCh38" in told


def test_genes_as_candidates_and_peaks_as_promoters_are_told(on_shipped) -> None:
    peaks = on_shipped.candidates
    genes = on_shipped.shipped["hg38"].starts
    genes = genes[genes["chrom"].isin(on_shipped.CHROMOSOMES)]
    rows = [f"{chrom} {at} {at + 1}" for chrom, at in zip(genes["chrom"], genes["position"], strict=True)]
    on_shipped.candidates = bed(on_shipped.directory / "genes.bed", rows)
    status, _, found = on_shipped.run("--promoters", str(peaks))
    assert (status, "exchanged_roles" in found) == (0, True)
