"""Which pairs somebody asks about: found by their elements, drawn, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from cbat.errors import UserError
from cbat.prediction.chosen_pairs import draw_pairs, find_pair
from cbat.prediction.plan import read_plan


def all_pairs(directory: Path) -> pd.DataFrame:
    return pd.read_parquet(directory / "pairs").reset_index(drop=True)


@pytest.fixture(scope="module")
def best(predicted) -> pd.Series:
    pairs = all_pairs(predicted)
    named = pairs[pairs["promoter_name"].str.startswith("GENE")]
    return named.loc[named["score"].idxmax()]


def refused(prediction: Path, enhancer: str, promoter: str) -> str:
    with pytest.raises(UserError) as caught:
        find_pair(prediction, read_plan(prediction), enhancer, promoter)
    return str(caught.value)


def test_a_draw_is_of_contacts_and_of_others_each_pair_once(predicted) -> None:
    pairs, plan = all_pairs(predicted), read_plan(predicted)
    drawn = draw_pairs(predicted, plan, 10**6, 1)
    assert len(drawn) == len(pairs)
    assert not drawn.duplicated(["enhancer_id", "promoter_id"]).any()
    some = draw_pairs(predicted, plan, 30, 1)
    assert some["contact"].sum() == 30
    assert len(some) == 60
    assert not some.equals(draw_pairs(predicted, plan, 30, 2))
    key = ["enhancer_id", "promoter_id"]
    both = some.merge(pairs, on=key, suffixes=("", "_whole"))
    assert len(both) == 60
    assert (both["score"] == both["score_whole"]).all()


def test_a_promoter_is_found_by_its_centre(predicted, best) -> None:
    """As the tables call promoters without a name."""
    centre = (best["promoter_start"] + best["promoter_end"]) // 2
    for asked in (f"{best['chrom']}:{centre}", f"{best['chrom']}:{centre:,}"):
        found = find_pair(predicted, read_plan(predicted), best["enhancer_id"], asked)
        assert found["promoter_id"].tolist() == [best["promoter_id"]]
    assert "no promoter" in refused(predicted, best["enhancer_id"], f"{best['chrom']}:{centre + 1}")


def test_elements_that_are_not_there(predicted, best) -> None:
    def said(enhancer, promoter):
        return refused(predicted, enhancer, promoter)

    enhancer, promoter = best["enhancer_id"], best["promoter_id"]
    assert "no promoter of the prediction matches 'GENEE5' (did you mean 'GENE5'?)" in said(
        enhancer, "GENEE5"
    )
    assert "no enhancer of the prediction matches 'chr1:1-2' (the nearest enhancer is chr1:" in said(
        "chr1:1-2", promoter
    )
    assert "(it has none on 'chr77')" in said("chr77:1-2", promoter)
    assert "promoters match" in said(enhancer, "chr1:1-99,999")
    assert "no promoter" in said(enhancer, ".")


def test_a_pair_that_was_not_predicted(world, predicted, tmp_path: Path) -> None:
    pairs, plan = all_pairs(predicted), read_plan(predicted)
    one = pairs[pairs["chrom"] == "chr1"].iloc[0]
    other = pairs[pairs["chrom"] == "chr2"].iloc[0]
    text = refused(predicted, one["enhancer_id"], other["promoter_id"])
    assert "is on two chromosomes" in text
    far = pairs[(pairs["chrom"] == "chr1")]
    last = far.loc[far["promoter_start"].idxmax()]
    text = refused(predicted, one["enhancer_id"], last["promoter_id"])
    assert f"bp apart, and pairs of {plan.min_distance} to {plan.max_distance} bp were predicted" in text
    fewer = tmp_path / "fewer"
    world.prepare(fewer, chromosomes=["chr2"])
    text = refused(fewer, one["enhancer_id"], one["promoter_id"])
    assert "is not in the prediction, whose chromosomes are chr2" in text
