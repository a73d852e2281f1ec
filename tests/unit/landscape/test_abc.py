"""The activity-by-contact score is the published one, element by element."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cbat.landscape.abc import (
    GAMMA,
    SCALE,
    all_activity,
    contact,
    elements_of,
    enhancer_side,
    of_pairs,
    score,
)
from cbat.landscape.features import Pairs
from cbat.landscape.sites import Sites


def peaks(*rows: tuple[int, int, float]) -> Sites:
    """Elements of such intervals and activities; a track holds signal times length."""
    table = pd.DataFrame(rows, columns=["start", "end", "signal"])
    return elements_of(table.assign(signal=table["signal"] * (table["end"] - table["start"])))


def test_contact_is_the_published_power_law() -> None:
    # exp(5.9594510043736655 - 1.024238616787792 ln(d + 1)), all nearer than 5 kb as at 5 kb.
    assert contact([0, 4_999, 5_000]) == pytest.approx([np.exp(SCALE - GAMMA * np.log(5_001.0))] * 3)
    assert contact([100_000])[0] == pytest.approx(387.397 * 100_001.0**-GAMMA, rel=1e-4)
    assert contact([1_000_000])[0] / contact([10_000])[0] == pytest.approx(100.0**-GAMMA, rel=1e-3)


def test_two_elements_of_one_gene_share_by_activity_and_contact() -> None:
    """One at 10 kb with activity 10, one at 100 kb with activity 20: .841 and .159."""
    table = peaks((109_750, 110_250, 10.0), (199_750, 200_250, 20.0))
    pairs = Pairs.of([110_000, 200_000], [100_000, 100_000])
    near, far = 10.0 * 10_001.0**-GAMMA, 20.0 * 100_001.0**-GAMMA
    found = of_pairs(table, pairs)
    assert found == pytest.approx([near / (near + far), far / (near + far)])
    assert found.round(3).tolist() == [0.841, 0.159]


def test_every_element_within_five_megabases_counts_once() -> None:
    rng = np.random.default_rng(2)
    centre = np.sort(rng.integers(0, 20_000_000, 3_000))
    activity = rng.exponential(size=len(centre))
    starts = rng.integers(0, 20_000_000, 40)
    expected = [
        sum(
            a * float(contact([abs(c - at)])[0])
            for c, a in zip(centre, activity, strict=True)
            if abs(c - at) < 5_000_000
        )
        for at in starts
    ]
    assert all_activity(Sites.of(centre, centre, centre, activity), starts) == pytest.approx(expected)


def test_scores_of_a_gene_over_its_elements_add_up_to_one() -> None:
    rng = np.random.default_rng(3)
    start = np.sort(rng.choice(1_000, 60, replace=False)) * 5_000
    table = peaks(
        *((int(s), int(s) + 500, float(w)) for s, w in zip(start, rng.exponential(size=60), strict=True))
    )
    at = 2_501_900
    pairs = Pairs.of(table.centre, np.full(60, at))
    assert of_pairs(table, pairs).sum() == pytest.approx(1.0)


def test_the_genes_own_promoter_scores_one() -> None:
    table = peaks((100_000, 100_500, 1.0), (140_000, 140_500, 5.0))
    for start, own in ((100_250, True), (100_999, True), (101_000, False), (99_500, False)):
        found = of_pairs(table, Pairs.of([100_250], [start]))
        assert (found[0] == 1.0) == own


def test_an_enhancer_without_a_peak_scores_zero_and_the_strongest_peak_counts() -> None:
    table = peaks((9_800, 10_300, 2.0), (10_500, 11_000, 7.0), (90_000, 90_500, 3.0))
    pairs = Pairs.of([10_400, 50_000], [200_000, 200_000])
    own, distance = np.array([7.0, 0.0]), np.array([189_600, 150_000])
    total = all_activity(table, [200_000, 200_000])
    assert of_pairs(table, pairs) == pytest.approx(score(own, distance, total, np.zeros(2, dtype=bool)))
    assert of_pairs(table, pairs)[1] == 0.0
    assert of_pairs(peaks(), pairs).tolist() == [0.0, 0.0]


def test_a_broad_peak_is_cut_into_elements_of_its_mean_signal() -> None:
    table = peaks((100_000, 102_000, 3.0), (110_000, 110_600, 9.0))
    assert (table.end - table.start).tolist() == [500, 500, 500, 500, 600]
    assert table.activity == pytest.approx([3.0, 3.0, 3.0, 3.0, 9.0])
    # An enhancer far inside the peak is no promoter of the gene at its edge.
    assert of_pairs(table, Pairs.of([101_750], [100_000]))[0] < 1.0


def test_peaks_without_a_signal_count_alike_whatever_their_length() -> None:
    table = pd.DataFrame({"start": [100_000, 200_000], "end": [100_500, 201_000], "signal": [0.0, 0.0]})
    assert elements_of(table).activity.tolist() == [1.0, 1.0, 1.0]


def test_the_promoters_of_an_enhancer_share_its_contacts() -> None:
    """Starts at 10 kb and 100 kb, one start twice, and one that is too far to count."""
    starts = [110_000, 200_000, 200_000, 6_000_000]
    pairs = Pairs.of([100_000, 100_000, 100_000], [110_000, 200_000, 6_000_000])
    near, far = (float(contact([d])[0]) for d in (10_000, 100_000))
    found = enhancer_side(starts, pairs)
    assert found[:2] == pytest.approx([near / (near + far), far / (near + far)])
    assert found[2] == pytest.approx(float(contact([5_900_000])[0]) / (near + far))


def test_a_promoter_without_a_known_start_is_alone() -> None:
    assert enhancer_side([], Pairs.of([100_000], [150_000])) == pytest.approx([1.0])
