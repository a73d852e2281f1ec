"""Elements: unique fixed windows, split by whole chromosomes, and who has which as a candidate."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbat.config.sections import ElementSettings, SplitSettings
from cbat.data import elements
from cbat.data.elements import (
    ELEMENT_COLUMNS,
    Mentions,
    check_intervals,
    check_splits,
    check_splits_apart,
    unique_elements,
)
from cbat.errors import UserError

SPLIT_OF = {"chr2": "train", "chr1": "train", "chr3": "test"}


def mentions(rows: list[tuple[str, int, int, str]], role: str = "promoter") -> Mentions:
    columns = {"chrom": "str", "start": "int64", "end": "int64", "strand": "str"}
    table = pd.DataFrame(rows, columns=list(columns)).astype(columns)
    return Mentions("k", role, Path("k.bed"), table.assign(line=np.arange(1, len(table) + 1)), True)


def test_by_hand(raw) -> None:
    pairs = raw.pairs(
        "a",
        [
            "chr1 1000 1100 chr1 3000 3400 1",  # enhancer 1000-1100, promoter 3100-3300
            "chr1 1020 1081 chr1 3000 3400 0",  # 2101 // 2 = 1050: the window of the line above
            "chr2 10 30 chr2 7900 8000 0",  # windows beyond both ends of chr2
            "chr4 10 30 chr4 700 800 0",  # on no split
        ],
    )
    raw.cell_line("a", pairs)
    made = raw.collect()
    enhancers, promoters = (pd.read_parquet(made / f"{role}.parquet") for role in ("enhancer", "promoter"))
    assert list(enhancers.columns) == ELEMENT_COLUMNS
    assert enhancers.to_numpy().tolist() == [
        ["chr1:1000-1100", "chr1", 1000, 1100, "train", ".", 1000, 1100],
        ["chr2:-30-70", "chr2", -30, 70, "validation", ".", 10, 30],
    ]
    assert promoters.to_numpy().tolist() == [
        ["chr1:3100-3300", "chr1", 3100, 3300, "train", ".", 3000, 3400],
        ["chr2:7850-8050", "chr2", 7850, 8050, "validation", ".", 7900, 8000],
    ]
    assert json.loads((made / "report.json").read_text()) == {
        "files": [
            {
                "cell_line": "a",
                "role": role,
                "file": str(pairs),
                "candidates": True,
                "bed": False,
                "intervals": n,
                "left_out_on_contigs_the_genome_lacks": 0,
                "left_out_on_chromosomes_of_no_split": 1,
                "left_out_near_promoters": 0,
                "reach_over_the_end": 0,
                "warnings": [],
            }
            for role, n in (("enhancer", 4), ("promoter", 3))
        ],
        "unique": {role: {"train": 1, "validation": 1, "test": 0} for role in ("enhancer", "promoter")},
        "candidates": {"a": {"enhancer": 2, "promoter": 2}},
        "left_out_without_sequence": {"enhancer": 0, "promoter": 0},
        "in_both_roles": {"a": 0},
    }


def test_candidates_are_the_bed_of_the_line_or_else_its_pairs(raw) -> None:
    bed = raw.bed("a", ["chr1 2000 2100", "chr1 500 600", "chr4 1 2"])
    raw.cell_line("a", raw.pairs("a", ["chr1 1000 1100 chr1 3000 3400 1"]), enhancers=bed)
    raw.cell_line("b", raw.pairs("b", ["chr1 500 600 chr1 3050 3350 1", "chr3 500 600 chr3 900 950 1"]))
    made = raw.collect()
    # Enhancers: 0 chr1:500, 1 chr1:1000 (in a pair of `a`, but no candidate), 2 chr1:2000, 3 chr3:500.
    assert pd.read_parquet(made / "enhancer.parquet")["start"].tolist() == [500, 1000, 2000, 500]
    assert pd.read_parquet(made / "candidates.parquet").to_numpy().tolist() == [
        ["a", "enhancer", 0], ["a", "enhancer", 2], ["a", "promoter", 0],
        ["b", "enhancer", 0], ["b", "enhancer", 3], ["b", "promoter", 0], ["b", "promoter", 1],
    ]  # fmt: skip


def test_cohorts_do_not_see_one_another(raw) -> None:
    raw.cell_line("a", raw.pairs("a", ["chr1 1000 1100 chr1 3000 3400 1"]))
    raw.cell_line("v", raw.pairs("v", ["chr1 1200 1300 chr1 3000 3400 1"]), role="validation")
    raw.collect()
    before = {path.name: path.read_bytes() for path in raw.collect().iterdir()}
    raw.cell_line("u", raw.pairs("u", ["chr3 10 20 chr3 3000 3400 1"]), role="unseen")
    assert {path.name: path.read_bytes() for path in raw.collect().iterdir()} == before
    unseen = raw.collect("unseen")
    assert pd.read_parquet(unseen / "enhancer.parquet")["chrom"].tolist() == ["chr3"]
    assert set(pd.read_parquet(unseen / "candidates.parquet")["cell_line"]) == {"u"}


def test_strand_is_kept_where_the_sources_agree() -> None:
    rows = [
        ("chr1", 100, 300, "."), ("chr1", 150, 250, "+"),  # one says it
        ("chr1", 1100, 1300, "-"), ("chr1", 1100, 1300, "-"),
        ("chr1", 2100, 2300, "+"), ("chr1", 2100, 2300, "-"),  # two of opposite strands
        ("chr1", 3100, 3300, "."),
    ]  # fmt: skip
    table = unique_elements([mentions(rows)], "promoter", 200, SPLIT_OF)
    assert table["strand"].tolist() == ["+", "-", ".", "."]
    assert table["source_start"].tolist() == [100, 1100, 2100, 3100]


@pytest.mark.parametrize("strands", [("+", "-"), ("-", "+")])
def test_opposite_strands_of_one_interval_in_pairs_give_none(raw, strands: tuple[str, str]) -> None:
    columns = "enhancer_chrom enhancer_start enhancer_end promoter_chrom promoter_start promoter_end label"
    rows = [f"chr1 {i}000 {i}100 chr1 5000 5200 {i % 2} {strand}" for i, strand in enumerate(strands, 1)]
    raw.cell_line("a", raw.pairs("a", rows, f"{columns} promoter_strand"))
    assert pd.read_parquet(raw.collect() / "promoter.parquet")["strand"].tolist() == ["."]


interval = st.tuples(
    st.sampled_from(["chr1", "chr2", "chr3", "chr4"]),
    st.integers(0, 300),
    st.integers(1, 60),
    st.sampled_from("+-."),
).map(lambda i: (i[0], i[1], i[1] + i[2], i[3]))


@settings(max_examples=60, deadline=None)
@given(st.lists(interval, min_size=1, max_size=40), st.integers(1, 90), st.randoms(use_true_random=False))
def test_each_window_once_whatever_the_order_and_the_file(rows, window: int, random) -> None:
    table = unique_elements([mentions(rows)], "promoter", window, SPLIT_OF)
    expected = {(c, (s + e) // 2 - window // 2) for c, s, e, _ in rows if c in SPLIT_OF}
    found = list(zip(table["chrom"], table["start"], strict=True))
    # In the order of the splits, in which chr2 comes first here.
    assert found == sorted(expected, key=lambda w: (list(SPLIT_OF).index(w[0]), w[1]))
    assert (table["end"] - table["start"] == window).all()
    assert table["split"].tolist() == [SPLIT_OF[chrom] for chrom in table["chrom"]]
    sources = {(c, s, e) for c, s, e, _ in rows}
    assert set(zip(table["chrom"], table["source_start"], table["source_end"], strict=True)) <= sources

    shuffled = random.sample(rows, len(rows))
    half = len(rows) // 2
    parts = [mentions(shuffled[:half]), mentions(shuffled[half:]), mentions(rows, "enhancer")]
    pd.testing.assert_frame_equal(unique_elements(parts, "promoter", window, SPLIT_OF), table)


def windows(*rows: tuple[str, int, int, str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["chrom", "start", "end", "split"])
    return table.assign(element_id=[f"{c}:{s}-{e}" for c, s, e, _ in rows])


@pytest.mark.parametrize(
    ("start", "flank", "apart"),
    [
        (1099, 0, False),  # one base in common
        (1100, 0, True),  # side by side
        (1109, 5, False),  # widened by 5 on both sides, [995, 1105) and [1104, ...) meet in one base
        (1110, 5, True),
    ],
)
def test_splits_apart_by_twice_the_flank(start: int, flank: int, apart: bool) -> None:
    one = windows(("chr1", 1000, 1100, "train"), ("chr9", start, start + 50, "train"))
    other = windows(("chr1", start, start + 50, "test"), ("chr8", 1000, 1100, "test"))
    if apart:
        check_splits_apart([one, other], flank)
        return
    message = rf"chr1:{start}-{start + 50} \(test\) and chr1:1000-1100 \(train\) lie within {2 * flank} bp"
    with pytest.raises(UserError, match=message):
        check_splits_apart([one, other], flank)


def test_windows_before_the_chromosome_are_compared_too() -> None:
    check_splits_apart([windows(("chr1", -50, 50, "train"), ("chr2", -50, 50, "test"))], 100)
    with pytest.raises(UserError, match="chr1:-50-50"):
        check_splits_apart([windows(("chr1", -50, 50, "train"), ("chr1", 40, 90, "test"))], 0)


def test_one_split_has_no_neighbour() -> None:
    check_splits_apart([windows(("chr1", 0, 10, "train"), ("chr1", 5, 15, "train"))], 10)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            "1 1000 1100 1 3000 3400 1",
            r"a\.pairs\.tsv, line 3: chromosomes are named like '1' here, but like 'chr1' in the genome\. "
            r"Fix: set genome.contig_names",
        ),
        ("chr9 10 20 chr9 30 40 1", "line 3: the genome has no contig 'chr9', only chr1, chr2, chr3, c"),
        (
            "chr4 5000 5101 chr4 3000 3400 1",
            r"line 3: 1 of 2 enhancers lie beyond the end of their contig, such as chr4:5000-5101 \(chr4 is "
            r"5000 bp long in the genome\); all others fit\. Fix: delete what begins beyond the end",
        ),
        (
            "chr1 10 20 chr1 10000 10001 1",
            "line 3: 1 of 2 promoters lie beyond the end of their contig, such as chr1:10000-10001",
        ),
    ],
)
def test_intervals_that_the_genome_lacks(raw, row: str, message: str) -> None:
    raw.cell_line("a", raw.pairs("a", ["chr1 1000 1100 chr1 3000 3400 1", row]))
    with pytest.raises(UserError, match=message):
        raw.collect()
    assert not (raw.directory / "elements").exists()


def test_chromosome_names_the_other_way_round_and_in_a_bed(raw) -> None:
    raw.write_sizes({"1": 10_000})
    raw.cell_line("a", raw.pairs("a", ["1 10 20 1 90 99 1"]), enhancers=raw.bed("a", ["1 1 2", "chr1 3 9"]))
    with pytest.raises(UserError, match=r"a\.bed, line 2: .* like 'chr1' here, but like '1' in the genome"):
        raw.collect(splits={"train": ["1"], "validation": [], "test": []})


def test_the_last_base_of_a_chromosome_is_on_it(raw) -> None:
    raw.cell_line("a", raw.pairs("a", ["chr1 9999 10000 chr1 0 1 1"]))
    assert pd.read_parquet(raw.collect() / "enhancer.parquet")["end"].tolist() == [10049]


def test_an_empty_cell_line(raw) -> None:
    raw.cell_line("full", raw.pairs("full", ["chr1 1000 1100 chr1 3000 3400 1"]))
    raw.cell_line("bare", raw.pairs("bare", ["chr4 1000 1100 chr4 3000 3400 1"]))
    message = r"bare\.pairs\.tsv: the cell line 'bare' has no enhancer on any chromosome of the splits"
    with pytest.raises(UserError, match=message):
        raw.collect()


def test_a_candidate_file_off_all_splits_is_named(raw) -> None:
    pairs = raw.pairs("a", ["chr1 1000 1100 chr1 3000 3400 1"])
    raw.cell_line("a", pairs, promoters=raw.bed("far", ["chr4 1 2"]))
    with pytest.raises(UserError, match=r"far\.bed: the cell line 'a' has no promoter"):
        raw.collect()


def test_a_cohort_without_cell_lines(raw) -> None:
    raw.cell_line("a", raw.pairs("a", ["chr1 1000 1100 chr1 3000 3400 1"]))
    with pytest.raises(
        UserError, match=r"cell_lines\.tsv: the sheet has no cell line of the cohort 'unseen'"
    ):
        raw.collect("unseen")


@pytest.mark.parametrize(
    ("chromosome", "mend"), [("chr55", "correct or remove it"), ("1", "write 'chr1', as the genome does")]
)
def test_a_split_that_names_no_contig_of_the_genome(chromosome: str, mend: str) -> None:
    splits = SplitSettings(train=["chr1"], validation=["chr2"], test=[chromosome])
    with pytest.raises(UserError, match=f"splits.test names '{chromosome}'.*{mend}"):
        check_splits(splits, {"chr1": 10, "chr2": 10})


PAIRS = ["chr1 1000 1100 chr1 3000 3400 1", "chr2 1000 1100 chr2 3000 3400 0"]


def test_windows_that_the_genome_does_not_know_are_left_out_and_counted(raw) -> None:
    bed = raw.bed("a", ["chr1 1000 1100", "chr1 2000 2100", "chr2 5000 5100"])
    raw.cell_line("a", raw.pairs("a", PAIRS), enhancers=bed)
    # A tenth of chr1:1000-1100, six tenths of chr1:2000-2100, three quarters of the promoter chr2:3100-3300.
    genome = raw.genome([("chr1", 1090, 1200), ("chr1", 2040, 2100), ("chr2", 3000, 3250)])
    made = raw.collect(genome=genome, max_n=0.1)
    assert pd.read_parquet(made / "without_sequence.parquet").to_numpy().tolist() == [
        ["enhancer", "chr1:2000-2100", 0.6],
        ["promoter", "chr2:3100-3300", 0.75],
    ]
    report = json.loads((made / "report.json").read_text())
    assert report["left_out_without_sequence"] == {"enhancer": 1, "promoter": 1}
    enhancers = pd.read_parquet(made / "enhancer.parquet")
    assert enhancers["element_id"].tolist() == ["chr1:1000-1100", "chr2:1000-1100", "chr2:5000-5100"]
    candidates = pd.read_parquet(made / "candidates.parquet")
    assert candidates.loc[candidates["role"] == "enhancer", "element"].tolist() == [0, 2]


def test_without_a_bound_nothing_is_asked_of_the_genome(raw) -> None:
    raw.cell_line("a", raw.pairs("a", PAIRS))
    assert len(pd.read_parquet(raw.collect() / "without_sequence.parquet")) == 0
    with pytest.raises(UserError, match="no genome is given"):
        raw.collect(max_n=0.5)


def test_a_line_of_which_no_sequence_is_known_is_an_error(raw) -> None:
    raw.cell_line("a", raw.pairs("a", PAIRS[:1]))
    with pytest.raises(
        UserError, match="has no enhancer on any chromosome of the splits whose sequence is kn"
    ):
        raw.collect(genome=raw.genome([("chr1", 0, 2000)]), max_n=0)


def test_peaks_near_a_promoter_of_the_line_are_no_candidates(raw) -> None:
    # The promoter's centre is chr1:3200; the pair's enhancer stays an element whatever is near.
    bed = raw.bed(
        "a", ["chr1 2650 2750", "chr1 2651 2751", "chr1 3649 3749", "chr1 3650 3750", "chr2 3200 3210"]
    )
    raw.cell_line("a", raw.pairs("a", ["chr1 3100 3150 chr1 3000 3400 1"]), enhancers=bed)
    made = raw.collect(enhancer_promoter_gap=500)
    enhancers = pd.read_parquet(made / "enhancer.parquet")
    assert enhancers["element_id"].tolist() == [
        "chr1:2650-2750", "chr1:3075-3175", "chr1:3650-3750", "chr2:3155-3255",
    ]  # fmt: skip
    candidates = pd.read_parquet(made / "candidates.parquet")
    assert candidates.loc[candidates["role"] == "enhancer", "element"].tolist() == [0, 2, 3]
    files = {one["file"]: one for one in json.loads((made / "report.json").read_text())["files"]}
    assert files[str(bed)]["left_out_near_promoters"] == 2


def test_a_bed_may_cover_contigs_that_the_genome_lacks_but_not_in_another_style(raw) -> None:
    bed = raw.bed("a", ["chrY 10 20", "chr1 1000 1100", "chrM 1 20"])
    raw.cell_line("a", raw.pairs("a", PAIRS), enhancers=bed)
    made = raw.collect()
    assert set(pd.read_parquet(made / "enhancer.parquet")["chrom"]) == {"chr1", "chr2"}
    report = json.loads((made / "report.json").read_text())
    lacking = {one["file"]: one["left_out_on_contigs_the_genome_lacks"] for one in report["files"]}
    assert lacking[str(bed)] == 2
    warned = [warning for one in report["files"] for warning in one["warnings"]]
    assert warned == [f"{bed}: 2 of 3 enhancers (67%) are on contigs that the genome lacks: chrY, chrM"]
    raw.bed("a", ["chr1 1000 1100", "1 10 20"])
    with pytest.raises(UserError, match="line 2: chromosomes are named like '1' here"):
        raw.collect()
    raw.bed("a", ["NC_1 1000 1100"])
    with pytest.raises(UserError, match="line 1: the genome has no contig 'NC_1'"):
        raw.collect()


def test_an_interval_of_another_assembly_is_told_what_the_genome_looks_like() -> None:
    """The last bases of chr1 in hg19 lie beyond its end in hg38."""
    at = pd.DataFrame({"chrom": ["chr1"], "start": [249_240_000], "end": [249_241_000], "line": [7]})
    mention = Mentions("K562", "enhancer", Path("k.bed"), at, candidates=True, bed=True)
    check_intervals(mention, {"chr1": 249_250_621})
    expected = r"k\.bed, line 7: .* 248956422 bp long in the genome, which looks like hg38"
    with pytest.raises(UserError, match=expected):
        check_intervals(mention, {"chr1": 248_956_422})


def test_without_a_genome_intervals_are_compared_with_none(raw) -> None:
    raw.cell_line("a", raw.pairs("a", [*PAIRS, "chr1 9990 20000 chr1 50000 50400 0"]))
    directory = raw.directory / "elements"
    run = partial(
        elements.run,
        cell_lines=raw.sheet,
        cohort="training",
        elements=ElementSettings(enhancer_window=100, promoter_window=200),
        directory=directory,
    )
    run(splits=SplitSettings(folds={"one": ["chr1"], "two": ["chr2"], "three": ["chr3"]}))
    made = pd.read_parquet(directory / "enhancer.parquet")
    assert made["element_id"].tolist() == ["chr1:1000-1100", "chr1:14945-15045", "chr2:1000-1100"]
    assert made["split"].tolist() == ["one", "one", "two"]
    report = json.loads((directory / "report.json").read_text())
    assert report["unique"]["enhancer"] == {"one": 2, "three": 0, "two": 1}
    assert "unknown_windows" not in report
    with pytest.raises(
        UserError, match=r"a\.pairs\.tsv, line 2: .* like 'chr1' here, but like '1' in the se"
    ):
        run(splits=SplitSettings(folds={"one": ["1"], "two": ["2"], "three": ["3"]}))


def test_windows_of_which_no_base_is_known_may_stay_and_are_counted(raw) -> None:
    raw.cell_line("a", raw.pairs("a", PAIRS))
    # All of the enhancer chr1:1000-1100, nearly all of the promoter chr2:3100-3300.
    genome = raw.genome([("chr1", 900, 1200), ("chr2", 3101, 3300)])
    made = raw.collect(genome=genome)
    assert json.loads((made / "report.json").read_text())["unknown_windows"] == {"enhancer": 1, "promoter": 0}
    assert len(pd.read_parquet(made / "enhancer.parquet")) == 2
    assert len(pd.read_parquet(made / "without_sequence.parquet")) == 0
