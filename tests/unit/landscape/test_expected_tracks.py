"""The mean track: peaks of several lines that are one site, and what it lets one expect."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cbat.landscape.expected_tracks import lines_having, mean_track
from cbat.landscape.tracks import TRACK_COLUMNS


def track(*rows: tuple[str, str, int, int, float, str]) -> pd.DataFrame:
    """Kind, chromosome, start, end, activity and strand of each peak; its centre is in the middle."""
    table = pd.DataFrame(rows, columns=["kind", "chrom", "start", "end", "activity", "strand"])
    table = table.assign(centre=(table["start"] + table["end"]) // 2, signal=table["activity"])
    return table[TRACK_COLUMNS].astype({"activity": np.float32})


def test_peaks_of_two_lines_at_one_place_are_one_site_with_their_mean_activity() -> None:
    mean = mean_track(
        {
            "a": track(("insulators", "chr1", 1_000, 1_200, 3.0, "+")),
            "b": track(
                ("insulators", "chr1", 1_100, 1_300, 1.0, "-"), ("insulators", "chr1", 9_000, 9_200, 2.0, ".")
            ),
        }
    )
    assert mean["activity"].tolist() == [2.0, 1.0]
    assert mean[["start", "end", "centre"]].to_numpy().tolist() == [
        [1_025, 1_225, 1_125],
        [9_000, 9_200, 9_100],
    ]
    assert mean["strand"].tolist() == ["+", "."]


def test_a_line_that_lacks_a_kind_does_not_count_in_it() -> None:
    tracks = {
        "a": track(("insulators", "chr1", 1_000, 1_200, 3.0, ".")),
        "b": track(("active_promoters", "chr1", 1_000, 1_200, 2.0, ".")),
    }
    mean = mean_track(tracks).set_index("kind")["activity"]
    assert mean.to_dict() == {"active_promoters": 2.0, "insulators": 3.0}
    assert lines_having(tracks) == {"active_enhancers": [], "active_promoters": ["b"], "insulators": ["a"]}


def test_two_peaks_of_one_line_at_one_site_count_by_the_stronger() -> None:
    mean = mean_track(
        {
            "a": track(
                ("active_enhancers", "chr1", 1_000, 1_400, 3.0, "."),
                ("active_enhancers", "chr1", 1_500, 1_900, 1.0, "."),
            ),
            "b": track(("active_enhancers", "chr2", 1_000, 1_400, 4.0, ".")),
        }
    )
    assert mean["chrom"].tolist() == ["chr1", "chr2"]
    assert mean["activity"].tolist() == [1.5, 2.0]


@pytest.mark.parametrize(("apart", "n_sites"), [(200, 1), (201, 2)])
def test_summits_are_of_one_site_up_to_a_distance(apart: int, n_sites: int) -> None:
    one = track(("insulators", "chr1", 1_000, 1_200, 1.0, "."))
    other = track(("insulators", "chr1", 1_000 + apart, 1_200 + apart, 1.0, "."))
    assert len(mean_track({"a": one, "b": other})) == n_sites


def test_the_mean_of_one_line_is_its_track_where_no_peaks_are_close() -> None:
    rng = np.random.default_rng(1)
    start = np.sort(rng.choice(1_000, 50, replace=False)) * 5_000
    own = track(
        *(
            (kind, "chr1", int(at), int(at) + 300, float(strength), "+" if kind == "insulators" else ".")
            for kind in ("active_enhancers", "insulators")
            for at, strength in zip(start, rng.uniform(0.1, 5.0, 50), strict=True)
        )
    )
    mean = mean_track({"a": own})
    pd.testing.assert_frame_equal(mean.drop(columns="signal"), own.drop(columns="signal"), check_dtype=False)


def test_no_line_has_no_track() -> None:
    assert mean_track({}).columns.tolist() == TRACK_COLUMNS
    assert mean_track({}).empty


def test_a_region_that_a_line_has_in_many_copies_is_left_out() -> None:
    wide = track(("active_enhancers", "chr1", 1_000, 60_000, 9.0, "."))
    usual = track(("active_enhancers", "chr1", 20_000, 21_000, 2.0, "."))
    mean = mean_track({"a": pd.concat([wide, usual]), "b": usual})
    assert mean[["start", "end", "activity"]].to_numpy().tolist() == [[20_000, 21_000, 2.0]]
