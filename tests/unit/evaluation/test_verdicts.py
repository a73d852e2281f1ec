"""What the summary says in words, for results that deserve it and for results that do not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from cbat.evaluation.bootstrap import interval, percentile_interval
from cbat.evaluation.headline import Headline
from cbat.evaluation.summary import SUMMARY_COLUMNS, Summary, with_aggregates
from cbat.evaluation.summary_text import in_words
from cbat.evaluation.table import as_table

HEADLINE = Headline("unseen", "test", 256)


def summary(
    gain, own_minus_wrong, *, half: float = 0.01, n_seeds: int = 3, oracle: float = 0.9, **more
) -> Summary:
    """Two lines and their mean, with intervals of a given half width."""
    rows = []
    for name, shift in (("A549", -0.002), ("HepG2", 0.002), ("macro", 0.0)):
        g, w = gain + shift, own_minus_wrong + shift
        rows.append(
            {
                "cell_line": name, "baseline": 0.7, "full_model": 0.7 + g, "wrong_support": 0.7 + g - w,
                "oracle": oracle, "gain": g, "gain_low": g - half, "gain_high": g + half,
                "own_minus_wrong": w, "own_minus_wrong_low": w - half, "own_minus_wrong_high": w + half,
                "gap_closed": g / (oracle - 0.7),
            }
        )  # fmt: skip
    return Summary(
        HEADLINE, "baseline", "full", pd.DataFrame(rows).reindex(columns=SUMMARY_COLUMNS), n_seeds, **more
    )


def test_a_clear_gain_and_a_used_environment() -> None:
    words = in_words(summary(0.06, 0.09))
    assert "above baseline on 2 of 2 cell lines" in words
    assert "beats the baseline on average" in words
    assert "Uses the environment: yes" in words
    assert "30% is closed" in words
    assert "Fewer than 3" not in words
    assert [line.split()[0] for line in words.splitlines() if line.startswith(("A549", "HepG2", "mean"))] == [
        "A549", "HepG2", "mean",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("gain", "half", "n_seeds", "expected"),
    [
        (0.06, 0.07, 3, "NO clear gain"),  # the interval holds zero
        (0.012, 0.001, 1, "NO clear gain"),  # clear of zero, but noise for one seed
        (0.012, 0.001, 3, "beats the baseline on average"),
        (-0.06, 0.01, 3, "WORSE than the baseline"),
        (-0.012, 0.001, 2, "NO clear gain"),
        (0.06, np.nan, 1, "beats the baseline on average"),
        (0.010, np.nan, 3, "NO clear gain"),
    ],
)
def test_a_gain_is_claimed_only_where_it_is_one(gain, half, n_seeds, expected) -> None:
    assert expected in in_words(summary(gain, 0.05, half=half, n_seeds=n_seeds))


@pytest.mark.parametrize(
    ("difference", "half", "n_seeds", "used"),
    [(0.09, 0.01, 1, True), (0.09, 0.1, 3, False), (0.01, 0.001, 1, False), (-0.05, 0.01, 3, False)],
)
def test_the_environment_is_used_only_if_the_wrong_line_does_worse(difference, half, n_seeds, used) -> None:
    words = in_words(summary(0.06, difference, half=half, n_seeds=n_seeds))
    assert f"Uses the environment: {'yes' if used else 'NO'}" in words
    assert ("Do not credit any gain" in words) != used


def test_what_is_unknown_is_not_claimed() -> None:
    words = in_words(summary(0.06, np.nan, oracle=np.nan, n_seeds=1))
    assert "not tested" in words
    assert "oracle" not in words
    assert "Fewer than 3 training seeds" in words


def test_warnings() -> None:
    words = in_words(
        summary(0.06, 0.05, collapsed=("full on A549",), references={"distance": 0.757, "prevalence": 0.5})
    )
    assert "COLLAPSE: full on A549" in words
    assert "WARNING: full is not clearly better than distance." in words
    assert "no sign on any" in in_words(summary(0.06, 0.05))


def test_macro_is_the_mean_and_worst_the_worst() -> None:
    key = {
        "model": "m", "seed": 1, "role": "unseen", "chromosomes": "test", "negatives": "natural",
        "context": "own", "n_support": 16,
    }  # fmt: skip
    rows = [
        key | {"cell_line": line, "metric": metric, "value": value}
        for line, values in (("a", (0.8, 0.1, 5.0)), ("b", (0.6, 0.3, 7.0)))
        for metric, value in zip(("aupr", "brier", "n_pairs"), values, strict=True)
    ]
    table = with_aggregates(as_table(rows)).set_index(["cell_line", "metric"])["value"]
    assert table["macro"].to_dict() == pytest.approx({"aupr": 0.7, "brier": 0.2, "n_pairs": 6.0})
    assert table["worst"].to_dict() == pytest.approx({"aupr": 0.6, "brier": 0.3})


@pytest.mark.parametrize("k", [4, 5, 12])
def test_intervals_of_few_clusters_cover_what_they_should(k: int) -> None:
    """The stretched percentile interval of a mean of k normal clusters covers it in 95 of 100 cases."""
    rng = np.random.default_rng(k)
    covered, plain = [], []
    for _ in range(600):
        values = rng.normal(size=k)
        means = values[rng.integers(0, k, (600, k))].mean(axis=1)
        low, high = percentile_interval(means, float(values.mean()), k)
        covered.append(low <= 0.0 <= high)
        narrow = np.quantile(means, [0.025, 0.975])
        plain.append(narrow[0] <= 0.0 <= narrow[1])
    assert 0.92 <= np.mean(covered) <= 0.98
    assert np.mean(plain) < np.mean(covered)


def test_an_interval_of_a_share_stays_a_share() -> None:
    label = np.tile([1, 0], 20)
    score = np.where(label == 1, 0.9, 0.1)
    score[:3] = 0.5
    low, high = interval(label, score, np.repeat(np.arange(4), 10), "aupr", 200, 1)
    assert 0.0 <= low <= high <= 1.0
