"""Labelled pairs: each once, with distance and orientation; what is left out is counted."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cbat.data.labels import COLUMNS
from cbat.data.windows import ROLES
from cbat.errors import UserError

TWO = ["chr1 1000 1100 chr1 3000 3400 1", "chr1 2000 2100 chr1 500 700 0"]
HG19 = [*(f"chr{n}" for n in range(1, 23)), "chrX"]


def label(raw, rows: list[str], **settings: object) -> tuple[pd.DataFrame, dict]:
    raw.cell_line("a", raw.pairs("a", rows))
    raw.collect()
    output = raw.label("a", **settings)
    return pd.read_parquet(output), json.loads(output.with_suffix(".json").read_text())


def test_by_hand(raw) -> None:
    pairs, counts = label(
        raw,
        [
            "chr2 5000 5101 chr2 1000 1200 0",  # centres 5050 and 1100
            "chr1 2000 2100 chr1 500 700 0",  # centres 2050 and 600
            "chr1 1000 1100 chr1 3000 3400 1",  # centres 1050 and 3200
            "chr1 1000 1100 chr2 1000 1200 1",  # on two chromosomes
            "chr4 1000 1100 chr4 3000 3400 1",  # on no split
        ],
    )
    # Elements: enhancers chr1:1000, chr1:2000, chr2:5000; promoters chr1:500, chr1:3100, chr2:1000.
    assert pairs.to_numpy().tolist() == [
        [0, 1, "chr1:1000-1100", "chr1:3100-3300", 1, 2150, 1, "chr1", "train"],
        [1, 0, "chr1:2000-2100", "chr1:500-700", 0, 1450, -1, "chr1", "train"],
        [2, 2, "chr2:5000-5100", "chr2:1000-1200", 0, 3950, -1, "chr2", "validation"],
    ]
    kinds = pairs.dtypes.astype(str)
    assert (kinds["label"], kinds["distance"], kinds["upstream"]) == ("int8", "int32", "int8")
    assert counts == {
        "rows": 5,
        "left_out": {
            "on_two_chromosomes": 1,
            "on_chromosomes_of_no_split": 1,
            "nearer_than_min_distance": 0,
            "farther_than_max_distance": 0,
            "with_both_labels": 0,
            "listed_again": 0,
        },
        "pairs": 3,
        "positives": 1,
        "pairs_of_split": {"train": 2, "validation": 1},
    }


def test_rows_and_names_are_those_of_the_element_tables(raw) -> None:
    pairs, _ = label(raw, [*TWO, "chr3 10 20 chr3 900 950 0", "chr2 10 20 chr2 900 950 1"])
    for role in ("enhancer", "promoter"):
        table = pd.read_parquet(raw.directory / "elements" / "training" / f"{role}.parquet")
        assert table["element_id"].to_numpy()[pairs[role]].tolist() == pairs[f"{role}_id"].tolist()
        assert table["split"].to_numpy()[pairs[role]].tolist() == pairs["split"].tolist()


@pytest.mark.parametrize(
    ("bounds", "kept"),
    [
        ({"min_distance": 1450, "max_distance": 2150}, [1450, 2150]),  # both bounds are inside
        ({"min_distance": 1451}, [2150]),
        ({"max_distance": 2149}, [1450]),
    ],
)
def test_bounds_of_the_distance(raw, bounds: dict[str, int], kept: list[int]) -> None:
    # Beyond the bounds stand two more, so that both labels are always left.
    rows = [*TWO, "chr3 1000 1100 chr3 2640 2660 1", "chr3 1000 1100 chr3 2680 2700 0"]
    pairs, counts = label(raw, rows, **bounds)
    assert sorted(pairs.loc[pairs["chrom"] == "chr1", "distance"]) == kept
    left = counts["left_out"]
    assert left["nearer_than_min_distance"] + left["farther_than_max_distance"] == 2 - len(kept)


AGAIN = "chr1 990 1110 chr1 3000 3400 1"  # other sources, but the windows of the first pair
CONTRARY = "chr1 1000 1100 chr1 3000 3400 0"


def test_a_pair_listed_twice(raw) -> None:
    with pytest.raises(
        UserError,
        match=r"a\.pairs\.tsv, line 4: the pair chr1:1000-1100 - chr1:3100-3300 is listed twice "
        r"\(lines 2 and 4\).*labels\.duplicate_pairs to 'drop'",
    ):
        label(raw, [*TWO, AGAIN])
    assert not (raw.directory / "labels").exists()
    output = raw.label("a", duplicate_pairs="drop")
    assert len(pd.read_parquet(output)) == 2
    assert json.loads(output.with_suffix(".json").read_text())["left_out"]["listed_again"] == 1


def test_a_pair_with_both_labels(raw) -> None:
    rows = [*TWO, "chr1 5000 5100 chr1 3000 3400 1", CONTRARY, AGAIN]
    with pytest.raises(
        UserError,
        match=r"line 5: the pair .* is listed with both labels \(lines 2 and 5\).*conflicting_pairs",
    ):
        label(raw, rows, duplicate_pairs="drop")
    # Nobody knows which label is right, so no row of the pair stays, and its repeats need no other word.
    output = raw.label("a", conflicting_pairs="drop")
    assert pd.read_parquet(output)["enhancer_id"].tolist() == ["chr1:2000-2100", "chr1:5000-5100"]
    assert json.loads(output.with_suffix(".json").read_text())["left_out"]["with_both_labels"] == 3


def test_a_repeat_that_is_left_out_anyway_is_no_mistake(raw) -> None:
    far = "chr1 100 200 chr1 9000 9200 1"
    pairs, counts = label(raw, [*TWO, far, far], max_distance=5000)
    assert len(pairs) == 2
    assert counts["left_out"]["farther_than_max_distance"] == 2


@pytest.mark.parametrize(
    ("rows", "settings"),
    [
        (TWO[:1], {}),
        (TWO[1:], {}),
        (TWO, {"min_distance": 9000}),
        (["chr1 1000 1100 chr2 1000 1200 1", "chr2 2000 2100 chr1 500 700 0"], {}),
    ],
    ids=["only positives", "only negatives", "none in the bounds", "none on one chromosome"],
)
def test_both_labels_are_needed(raw, rows: list[str], settings: dict) -> None:
    with pytest.raises(UserError, match=r"a\.pairs\.tsv: the cell line 'a' has not both labels left"):
        label(raw, rows, **settings)


def test_elements_of_before(raw) -> None:
    label(raw, TWO)
    raw.pairs("a", [*TWO, "chr1 7000 7100 chr1 3000 3400 1"])
    with pytest.raises(UserError, match="enhancer chr1:7000-7100 is not among the collected elements"):
        raw.label("a")
    (raw.directory / "elements" / "training" / "promoter.parquet").write_bytes(b"PAR1")
    with pytest.raises(
        UserError, match=r"promoter\.parquet: the table cannot be read.*collect_elements again"
    ):
        raw.label("a")


def test_a_name_that_is_not_in_the_sheet(raw) -> None:
    label(raw, TWO)
    with pytest.raises(UserError, match=r"cell_lines\.tsv: there is no cell line 'b'"):
        raw.label("b")


def test_without_negatives_the_option_that_makes_them_is_named(raw) -> None:
    with pytest.raises(UserError) as caught:
        label(raw, [TWO[0], "chr3 2000 2100 chr3 500 700 1"])
    message = str(caught.value)
    assert "the cell line 'a' has not both labels left" in message
    assert (
        "set labels.negatives to natural, distance_matched or element_balanced to make negatives" in message
    )


# Three enhancers and three promoters of chr1, all within 2 kb; two contacts and a negative of the table.
THREE = [
    "chr1 1000 1100 chr1 2000 2200 1",
    "chr1 1400 1500 chr1 2400 2600 1",
    "chr1 1800 1900 chr1 2800 3000 0",
    "chr2 1000 1100 chr2 2000 2200 1",
]
CONTACTS = {("chr1:1000-1100", "chr1:2000-2200"), ("chr1:1400-1500", "chr1:2400-2600")}


def named(pairs: pd.DataFrame, label: int = 0) -> set[tuple[str, str]]:
    rows = pairs[(pairs["label"] == label) & (pairs["chrom"] == "chr1")]
    return set(rows[["enhancer_id", "promoter_id"]].itertuples(index=False, name=None))


def test_natural_negatives_are_all_other_pairs_of_the_line(raw) -> None:
    pairs, counts = label(raw, THREE, negatives="natural")
    assert list(pairs.columns) == [*COLUMNS, "made_by"]
    enhancers, promoters = (set(pairs.loc[pairs["chrom"] == "chr1", f"{role}_id"]) for role in ROLES)
    assert named(pairs) == {(one, other) for one in enhancers for other in promoters} - CONTACTS
    assert named(pairs, 1) == CONTACTS
    assert set(pairs.loc[pairs["label"] == 1, "made_by"]) == {"given"}
    assert set(pairs.loc[pairs["label"] == 0, "made_by"]) == {"natural"}
    assert pairs[["enhancer", "promoter"]].apply(tuple, axis=1).is_monotonic_increasing
    assert counts["left_out"]["negatives_of_the_table"] == 1
    assert counts["rows"] == counts["positives"] + sum(counts["left_out"].values())
    assert counts["negatives"] == {
        "kind": "natural",
        "per_positive": None,
        "seed": 1,
        "splits": {
            "train": {"choice": 7, "made": 7, "positives": 2, "wanted": 7},
            "validation": {"choice": 0, "made": 0, "positives": 1, "wanted": 0},
        },
    }
    of_table = pd.read_parquet(raw.label("a"))
    assert pairs.drop(columns="made_by").dtypes.to_dict() == of_table.dtypes.to_dict()


def test_negatives_by_hand(raw) -> None:
    pairs, _ = label(raw, THREE, negatives="element_balanced")
    assert named(pairs) == {("chr1:1000-1100", "chr1:2400-2600"), ("chr1:1400-1500", "chr1:2000-2200")}
    # Both contacts lie 1050 bp apart, and so does one other pair.
    output = raw.label("a", negatives="distance_matched")
    pairs, counts = pd.read_parquet(output), json.loads(output.with_suffix(".json").read_text())
    assert named(pairs) == {("chr1:1800-1900", "chr1:2800-3000")}
    assert counts["negatives"]["splits"]["train"] == {
        "bins": 1, "bins_short": 1, "choice": 1, "made": 1, "positives": 2, "wanted": 2,
    }  # fmt: skip


def test_candidates_of_a_bed_are_taken_and_those_of_another_line_are_not(raw) -> None:
    enhancers, promoters = raw.bed("e", ["chr1 3000 3100"]), raw.bed("p", ["chr1 3400 3600"])
    raw.cell_line("a", raw.pairs("a", THREE[:1]), enhancers=enhancers, promoters=promoters)
    raw.cell_line("b", raw.pairs("b", ["chr1 5000 5100 chr1 5400 5600 1", "chr1 1200 1300 chr1 2200 2400 0"]))
    raw.collect()
    pairs = pd.read_parquet(raw.label("a", negatives="natural"))
    own = [["chr1:1000-1100", "chr1:3000-3100"], ["chr1:2000-2200", "chr1:3400-3600"]]
    assert named(pairs) == {(one, other) for one in own[0] for other in own[1]} - CONTACTS


@pytest.mark.parametrize("negatives", ["natural", "distance_matched", "element_balanced"])
def test_another_line_changes_nothing(raw, negatives: str) -> None:
    rng = np.random.default_rng(8)

    def rows(n: int, shift: int) -> list[str]:
        places = 1000 * rng.integers(0, 9, (n, 2)) + shift
        return [
            f"{chrom} {e + 10} {e + 60} {chrom} {p + 400} {p + 480} 1"
            for e, p in {(int(e), int(p)) for e, p in places}
            for chrom in ("chr1", "chr3")
            if chrom == "chr1" or max(e, p) < 5000
        ]

    raw.cell_line("a", raw.pairs("a", rows(20, shift=0)))
    raw.collect()
    over = {"negatives": negatives, "negatives_per_positive": 1}
    before = pd.read_parquet(raw.label("a", **over))
    assert set(before["label"]) == {0, 1}
    raw.cell_line("b", raw.pairs("b", rows(30, shift=0)))
    raw.cell_line("c", raw.pairs("c", rows(30, shift=200)))
    raw.collect()
    after = pd.read_parquet(raw.label("a", **over))
    assert not (before["enhancer"] == after["enhancer"]).all(), "the rows of the elements have moved"
    columns = [column for column in before if column not in ROLES]
    key = ["enhancer_id", "promoter_id"]
    pd.testing.assert_frame_equal(
        before[columns].sort_values(key, ignore_index=True),
        after[columns].sort_values(key, ignore_index=True),
    )


def test_a_contradicted_contact_is_no_negative(raw) -> None:
    rows = [*THREE, "chr1 1000 1100 chr1 2400 2600 1", "chr1 1000 1100 chr1 2400 2600 0"]
    pairs, counts = label(raw, rows, negatives="natural", conflicting_pairs="drop")
    assert counts["left_out"]["with_both_labels"] == 2
    assert ("chr1:1000-1100", "chr1:2400-2600") not in named(pairs) | named(pairs, 1)


def test_what_looks_like_a_contact_is_no_negative(raw) -> None:
    # Of another enhancer, whose window shares 40 of 100 bp with that of a contact.
    pairs, _ = label(raw, [*THREE, "chr1 1060 1160 chr1 2800 3000 0"], negatives="natural")
    assert ("chr1:1060-1160", "chr1:2800-3000") in named(pairs)
    assert ("chr1:1060-1160", "chr1:2000-2200") not in named(pairs)


def test_a_weak_interaction_is_neither_contact_nor_negative(raw) -> None:
    def atlas(enhancer: int, tss: int, score: float) -> str:
        return f"chr1:{enhancer}-{enhancer + 100}_ENSG1$A$chr1${tss}$+\t{score}\n"

    path = raw.directory / "EP.txt"
    path.write_text(atlas(1000, 2501, 3.0) + atlas(3000, 4501, 3.0) + atlas(1000, 4501, 0.5))
    header = "cell_line tissue role sex condition pairs pairs_format enhancers promoters score_threshold"
    for threshold, expected in (
        ("1", {("chr1:3000-3100", "chr1:2400-2600")}),
        (".", {("chr1:3000-3100", "chr1:2400-2600")}),
        ("0.1", {("chr1:3000-3100", "chr1:2400-2600")}),
    ):
        row = f"a blood train unknown unknown {path} auto . . {threshold}"
        raw.sheet.write_text("".join("\t".join(line.split()) + "\n" for line in (header, row)))
        raw.collect()
        pairs = pd.read_parquet(raw.label("a", negatives="natural"))
        assert named(pairs) == expected
        assert len(named(pairs, 1)) == (2 if threshold == "1" else 3)


def test_no_negative_can_be_made(raw) -> None:
    with pytest.raises(UserError) as caught:
        label(raw, [TWO[0], "chr3 2000 2100 chr3 500 700 1"], negatives="element_balanced")
    assert "the cell line 'a' has not both labels left" in str(caught.value)
    assert "candidates that make other pairs" in str(caught.value)
    assert not (raw.directory / "labels").exists()


pair = st.tuples(
    st.sampled_from(["chr1", "chr2", "chr4"]),
    st.integers(0, 6),
    st.sampled_from(["chr1", "chr1", "chr2", "chr4"]),
    st.integers(0, 6),
    st.integers(0, 1),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(pair, max_size=25), st.randoms(use_true_random=False))
def test_every_row_is_kept_or_counted_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, new_raw, rows, random
) -> None:
    lines = [
        f"{ec} {500 * e} {500 * e + 50} {pc} {500 * p + 200} {500 * p + 280} {y}" for ec, e, pc, p, y in rows
    ]
    lines += ["chr2 7000 7050 chr2 7200 7280 1", "chr2 7500 7550 chr2 7700 7780 0"]
    raw = new_raw(tmp_path_factory.mktemp("labels"))
    drop = {"max_distance": 2000, "duplicate_pairs": "drop", "conflicting_pairs": "drop"}
    pairs, counts = label(raw, lines, **drop)
    assert counts["rows"] == len(lines) == len(pairs) + sum(counts["left_out"].values())
    assert not pairs.duplicated(["enhancer", "promoter"]).any()
    assert pairs[["enhancer", "promoter"]].apply(tuple, axis=1).is_monotonic_increasing
    labels_of: dict[tuple, set[int]] = {}
    for ec, e, pc, p, y in rows:
        if ec == pc != "chr4" and abs(500 * (e - p) + 25 - 240) <= 2000:
            labels_of.setdefault((ec, e, p), set()).add(y)
    assert len(pairs) == 2 + sum(len(found) == 1 for found in labels_of.values())

    raw.pairs("a", random.sample(lines, len(lines)))
    pd.testing.assert_frame_equal(pd.read_parquet(raw.label("a", **drop)), pairs)


@pytest.mark.parametrize(
    ("file", "pairs_format"),
    [
        ("targetfinder_full/NHEK.pairs_label.csv.gz", "targetfinder"),
        ("cboep/TargetFinder-P_CBMF-N.K562.csv.gz", "cboep"),
        ("bengi_transepi/NHEK.HiC-Benchmark.v3.tsv.gz", "bengi"),
    ],
)
def test_published_tables(raw, shared_dir: Path, file: str, pairs_format: str) -> None:
    path = shared_dir / "data" / "labels" / file
    raw.write_sizes(dict.fromkeys(HG19, 250_000_000))
    raw.cell_line("a", path, pairs_format=pairs_format)
    made = raw.collect(splits={"train": HG19[:16], "validation": HG19[16:18], "test": HG19[18:]})
    output = raw.label("a", duplicate_pairs="drop", conflicting_pairs="drop")
    pairs, counts = pd.read_parquet(output), json.loads(output.with_suffix(".json").read_text())
    assert counts["rows"] == len(pairs) + sum(counts["left_out"].values())
    assert counts["left_out"]["on_two_chromosomes"] == counts["left_out"]["on_chromosomes_of_no_split"] == 0
    assert len(pairs) > 0.8 * counts["rows"]
    assert set(pairs["split"]) == {"train", "validation", "test"}
    assert pairs["distance"].between(0, 2_000_000).all()
    enhancers = pd.read_parquet(made / "enhancer.parquet")
    assert len(enhancers) == enhancers["element_id"].nunique() >= pairs["enhancer"].nunique()
    strands = set(pd.read_parquet(made / "promoter.parquet")["strand"])
    assert {"+", "-"} <= strands if pairs_format == "bengi" else strands == {"."}


def test_pairs_of_elements_without_sequence_are_left_out_and_counted(raw) -> None:
    rows = [*TWO, "chr1 4000 4100 chr1 500 700 1", "chr2 10 20 chr2 3000 3200 1"]
    raw.cell_line("a", raw.pairs("a", rows))
    raw.collect(genome=raw.genome([("chr1", 4000, 4050), ("chr2", 3000, 3010)]), max_n=0.04)
    output = raw.label("a")
    counts = json.loads(output.with_suffix(".json").read_text())
    # The enhancer chr1:4000-4100 and chr2:-35-65 (beyond the start) and the promoter chr2:3000-3200.
    assert counts["left_out"]["without_sequence"] == 2
    assert counts["pairs"] == 2
