"""Intervals of one assembly become intervals of another, or are left out for a reason that is counted."""

from __future__ import annotations

import bisect
import gzip
import json
import logging
import math
from pathlib import Path

import pytest

from cbat.data.chain_files import read_chains
from cbat.data.lift_over import REASONS, run
from cbat.errors import UserError

CHAIN = """\
# two blocks, 10 bp longer between them; chrA:100-300 becomes chrX:500-710
chain 1000 chrA 1000 + 100 300 chrX 2000 + 500 710 1
100\t0\t10
100

chain 900 chrA 1000 + 400 500 chrY 1000 - 200 300 2
100

chain 800 chrA 1000 + 520 540 chrY 1000 + 0 20 3
20

chain 700 chrA 1000 + 550 560 chrX 2000 + 1000 1010 4
10

chain 700 chrA 1000 + 560 570 chrX 2000 + 900 910 5
10

chain 600 chrA 1000 + 600 620 chrX 2000 + 1100 1120 6
20

chain 500 chrA 1000 + 600 620 chrX 2000 + 1300 1320 7
20

chain 400 chrA 1000 + 700 800 chrY 1000 + 400 500 8
100

"""
"""Minus: chrA:400-500 becomes chrY:700-800, base 400 the last of them."""


class Lift:
    """Lifts the text of a file."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        (directory / "tiny.chain").write_text(CHAIN)

    def path(self, name: str) -> Path:
        return self.directory / name

    def __call__(self, text: str, name: str = "peaks.bed", output: str = "lifted.bed") -> str:
        self.path(name).write_text(text)
        run(chain=self.path("tiny.chain"), input=self.path(name), output=self.path(output))
        data = self.path(output).read_bytes()
        return (gzip.decompress(data) if output.endswith(".gz") else data).decode()

    def report(self, output: str = "lifted.bed") -> dict:
        return json.loads(self.path(f"{output}.json").read_text())


@pytest.fixture
def lift(tmp_path: Path) -> Lift:
    return Lift(tmp_path)


@pytest.mark.parametrize(
    ("given", "lifted"),
    [
        ("chrA\t100\t101", "chrX\t500\t501"),
        ("chrA\t100\t200", "chrX\t500\t600"),
        ("chrA\t200\t300", "chrX\t610\t710"),
        ("chrA\t100\t300", "chrX\t500\t710"),
        ("chrA\t150\t250", "chrX\t550\t660"),
        ("chrA\t400\t500", "chrY\t700\t800"),
        ("chrA\t400\t410", "chrY\t790\t800"),
    ],
)
def test_the_first_and_the_last_base_say_where_an_interval_is(lift: Lift, given: str, lifted: str) -> None:
    assert lift(f"{given}\n") == f"{lifted}\n"


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("A\t100\t110", "contig_not_in_chain"),
        ("chrA\t990\t1001", "beyond_contig_end"),
        ("chrA\t99\t110", "in_no_alignment"),
        ("chrA\t290\t301", "in_no_alignment"),
        ("chrA\t610\t615", "several_places"),
        ("chrA\t290\t450", "two_contigs"),
        ("chrA\t490\t530", "two_strands"),
        ("chrA\t555\t565", "order_reversed"),
        ("chrA\t160\t250", "length_changed"),
    ],
)
def test_an_interval_without_one_place_is_left_out_and_counted(lift: Lift, given: str, reason: str) -> None:
    assert lift(f"chrA\t100\t110\n{given}\nchrA\t120\t130\n") == "chrX\t500\t510\nchrX\t520\t530\n"
    report = lift.report()
    assert (report["intervals_read"], report["lifted"]) == (3, 2)
    assert report["left_out"] == dict.fromkeys(REASONS, 0) | {reason: 1}


def test_order_and_other_columns_comments_and_header_stay(lift: Lift) -> None:
    text = (
        "browser position chrA:1-100\ntrack name=x\n#chrom\tstart\tend\tname\tscore\tstrand\tgene_type\n"
        "chrA\t150\t160\tb c\t0.50\t-\tx\n\nchrA\t100\t110\ta\t1\t+\ty\nchrA\t400\t410\tm\t1\t+\tz\n"
        "chrA\t410\t420\tn\t1\t.\tz\n"
    )
    assert lift(text) == (
        "#chrom\tstart\tend\tname\tscore\tstrand\tgene_type\nchrX\t550\t560\tb c\t0.50\t-\tx\n"
        "chrX\t500\t510\ta\t1\t+\ty\nchrY\t790\t800\tm\t1\t-\tz\nchrY\t780\t790\tn\t1\t.\tz\n"
    )
    assert lift.report()["turned"] == 2
    assert lift("chrom\tstart\tend\nchrA\t100\t110\n") == "chrom\tstart\tend\nchrX\t500\t510\n"
    assert lift("chrA\t100\t110\r\n") == "chrX\t500\t510\n"


def narrow(start: int, end: int, summit: int, strand: str = ".") -> str:
    return f"chrA\t{start}\t{end}\tp\t0\t{strand}\t1.5\t-1\t-1\t{summit}\n"


@pytest.mark.parametrize(
    ("start", "end", "summit", "lifted"),
    [
        (150, 250, 10, 10),
        (150, 250, 60, 70),  # behind the 10 bp that the other assembly has more
        (400, 410, 0, 9),  # turned
        (400, 410, -1, -1),
        (150, 250, 100, -1),  # outside its peak
    ],
)
def test_a_summit_is_lifted_by_itself(lift: Lift, start: int, end: int, summit: int, lifted: int) -> None:
    line = lift(narrow(start, end, summit), "x.narrowPeak")
    assert line.rstrip("\n").split("\t")[6:] == ["1.5", "-1", "-1", str(lifted)]


def test_a_summit_in_no_alignment_is_none(lift: Lift) -> None:
    chain = "chain 1 chrA 1000 + 100 300 chrX 2000 + 500 700 1\n90\t20\t20\n90\n"
    (lift.directory / "tiny.chain").write_text(chain)
    assert lift(narrow(100, 300, 95), "x.narrowPeak").split("\t")[9] == "-1\n"
    report = lift.report()
    assert (report["format"], report["summits_read"], report["summits_lost"]) == ("narrowPeak", 1, 1)


def test_broad_peaks_keep_their_statistics(lift: Lift) -> None:
    assert lift("chrA\t100\t110\t.\t0\t.\t7\t8\t9\n") == "chrX\t500\t510\t.\t0\t.\t7\t8\t9\n"
    assert lift.report()["format"] == "broadPeak"


def test_thick_part_and_blocks_are_dropped(lift: Lift) -> None:
    bed9 = "chrA\t150\t250\tg\t0\t+\t160\t200\t0,0,0"
    assert lift(f"{bed9}\n") == "chrX\t550\t660\tg\t0\t+\t550\t550\t0,0,0\n"
    bed12 = f"{bed9}\t2\t10,20,\t0,80,\tkind\n"
    assert lift(bed12) == "chrX\t550\t660\tg\t0\t+\t550\t550\t0,0,0\t1\t110,\t0,\tkind\n"
    assert lift.report()["thick_parts_and_blocks_dropped"] is True


def test_packed_files_are_the_same_again(lift: Lift) -> None:
    text = "chrA\t100\t110\nchrA\t400\t410\n"
    assert lift(text, output="one.bed.gz") == lift(text)
    first = lift.path("one.bed.gz").read_bytes()
    assert first[4:8] == bytes(4)
    lift.path("packed.bed.gz").write_bytes(gzip.compress(text.encode()))
    lift.path("packed.chain.gz").write_bytes(gzip.compress(CHAIN.encode()))
    run(
        chain=lift.path("packed.chain.gz"),
        input=lift.path("packed.bed.gz"),
        output=lift.path("two.bed.gz"),
    )
    assert lift.path("two.bed.gz").read_bytes() == first


def test_many_that_are_left_out_are_warned_of(lift: Lift, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    kept = "chrA\t100\t110\n" * 99
    lift(f"{kept}chrA\t1\t10\n")
    assert caplog.messages == []
    lift(f"{kept}chrA\t1\t10\nchrA\t2\t10\n")
    (message,) = caplog.messages
    assert "2 of 101 intervals (2.0%) are left out: 2 have an end outside every alignment." in message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\t100\t110\n2\t5\t6\n", "line 1: no contig of this file is in .*: here '1', '2', there 'chrA'"),
        ("chrA\t1\t10\nchrA\t5\t20\n", "none of the 2 intervals can be lifted by .*opposite direction"),
        ("chrA\t100\t110\nchrA\t100\n", "line 2: the line has 2 fields where the first line has 3"),
        ("chrA\t100\t110\nchrA\t1e3\t2000\n", "line 2: start is '1e3'"),
        ("# x\nchrA\t110\t110\n", "line 2: the interval chrA:110-110 ends where or before it starts"),
        ("chrA 100 110\n", "the columns are separated by spaces, not by tabs"),
        ("", "the file is empty"),
        ("# nothing\n", "the file contains only comments"),
        ("chrom\tstart\tend\n", "the file has a header but no intervals"),
        (
            'chrA\tx\tgene\t100\t200\t.\t+\t.\tgene_id "a";\n',
            "this is a GTF, which cannot be lifted over",
        ),
        ("chrA\t100\t110\t.\t0\t.\t1\t1\t1\t2.5\n", "line 1: peak is '2.5'"),
    ],
)
def test_a_file_that_cannot_be_lifted_is_told_and_nothing_is_written(
    lift: Lift, text: str, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        lift(text)
    assert not list(lift.directory.glob("*lifted*"))


def test_a_truncated_file_is_told(lift: Lift) -> None:
    packed = gzip.compress(b"chrA\t100\t110\n" * 1000)
    lift.path("cut.bed.gz").write_bytes(packed[:-9])
    with pytest.raises(UserError, match="truncated or damaged"):
        run(chain=lift.path("tiny.chain"), input=lift.path("cut.bed.gz"), output=lift.path("lifted.bed"))
    lift.path("cut.chain.gz").write_bytes(gzip.compress(CHAIN.encode())[:-9])
    with pytest.raises(UserError, match="cut.chain.gz: the gzip file is truncated or damaged"):
        read_chains(lift.path("cut.chain.gz"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("chrA\t100\t110\n", "this is not a chain file"),
        ("chain letters\n", "this is not a chain file"),
        ("# only\n# notes\n", "this is not a chain file"),
        (CHAIN[:130], "the chain file is damaged"),
        (CHAIN.replace("100\t0\t10", "100\tx\t10"), "the chain file is damaged"),
    ],
)
def test_a_file_that_is_no_chain_is_told(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "x.chain").write_text(text)
    with pytest.raises(UserError, match=f"x.chain: {message}"):
        read_chains(tmp_path / "x.chain")


def test_a_chain_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="the file cannot be read .No such file"):
        read_chains(tmp_path / "none.chain")


HG19_TO_HG38 = "data/chain/hg19ToHg38.over.chain.gz"
GENES = "data/genes/CollapsedGeneBounds.{}.TSS500bp.bed.gz"


def starts(path: Path) -> dict[str, tuple[str, int]]:
    """Gene -> contig and middle of its window, of genes that are listed once."""
    found: dict[str, tuple[str, int]] = {}
    twice: set[str] = set()
    for line in gzip.decompress(path.read_bytes()).decode().splitlines():
        if not line.startswith("#"):
            contig, start, end, name = line.split("\t")[:4]
            twice |= {name} & found.keys()
            found[name] = (contig, (int(start) + int(end)) // 2)
    return {name: place for name, place in found.items() if name not in twice}


def test_genes_are_where_the_other_assemblys_table_has_them(shared_dir: Path, tmp_path: Path) -> None:
    lifted = tmp_path / "genes.bed.gz"
    run(chain=shared_dir / HG19_TO_HG38, input=shared_dir / GENES.format("hg19"), output=lifted)
    before, mine = starts(shared_dir / GENES.format("hg19")), starts(lifted)
    theirs = starts(shared_dir / GENES.format("hg38"))
    both = mine.keys() & theirs.keys()
    equal = {name for name in both if mine[name] == theirs[name]}
    near = {name for name in both - equal if distance(mine[name], theirs[name]) <= 1000}
    # The two tables take other starts of some genes: those move as far as their equal neighbours do.
    moves = sorted((*before[name], mine[name][1] - before[name][1]) for name in equal)
    along = {
        name
        for name in both - equal - near
        if moves_alike(moves, before[name], mine[name][1] - before[name][1])
    }
    assert len(both) > 20_000
    assert len(equal) > 0.94 * len(both)
    assert len(equal | near) > 0.96 * len(both)
    assert len(equal | near | along) > 0.999 * len(both)
    assert gzip.decompress(lifted.read_bytes()).startswith(b"#chr\tstart\tend\tname")


def distance(one: tuple[str, int], other: tuple[str, int]) -> float:
    """Bases between two places."""
    return abs(one[1] - other[1]) if one[0] == other[0] else math.inf


def moves_alike(moves: list[tuple[str, int, int]], place: tuple[str, int], move: int) -> bool:
    """Whether one of the nearest places moves as far, within 500 bp."""
    at = bisect.bisect(moves, (*place, 0))
    near = [one for one in moves[max(0, at - 3) : at + 3] if one[0] == place[0]]
    return any(abs(other - move) <= 500 for _, _, other in near)


def test_nearly_all_peaks_of_a_line_are_lifted(shared_dir: Path, tmp_path: Path) -> None:
    files = sorted((shared_dir / "data/similarity/peaks").glob("K562.*"))
    assert files
    for path in files:
        output = tmp_path / path.name
        run(chain=shared_dir / HG19_TO_HG38, input=path, output=output)
        report = json.loads(Path(f"{output}.json").read_text())
        assert report["lifted"] > 0.995 * report["intervals_read"]
        assert report["lifted"] + sum(report["left_out"].values()) == report["intervals_read"]
