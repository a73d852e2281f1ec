"""Labelled pairs: each once, with distance and orientation; what is left out is counted."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
        UserError, match=r"promoter\.parquet: the table cannot be read.*collect_elements anew"
    ):
        raw.label("a")


def test_a_name_that_is_not_in_the_sheet(raw) -> None:
    label(raw, TWO)
    with pytest.raises(UserError, match=r"cell_lines\.tsv: there is no cell line 'b'"):
        raw.label("b")


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
