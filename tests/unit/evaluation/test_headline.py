"""The headline is the most demanding setting that was evaluated, and it reads the rows of that setting."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.headline import Headline
from cbat.evaluation.table import as_table

HEADLINE = Headline("unseen", "test", 256)


def row(**changes: Any) -> dict[str, Any]:
    return {
        "model": "full", "seed": 1, "cell_line": "A549", "role": "unseen", "chromosomes": "test",
        "negatives": "balanced", "context": "own", "n_support": 256, "metric": "aupr", "value": 0.5,
    } | changes  # fmt: skip


@pytest.mark.parametrize(
    ("roles", "chromosomes", "expected"),
    [
        (["seen", "unseen"], ["train", "validation", "test"], ("unseen", "test")),
        (["unseen"], ["train", "validation"], ("unseen", "validation")),
        (["seen"], ["train"], ("seen", "train")),
        (["seen"], ["test", "train"], ("seen", "test")),
        (["unseen"], ["folds"], ("unseen", "folds")),
    ],
)
def test_the_most_demanding_setting(roles, chromosomes, expected) -> None:
    settings = EvaluationSettings(headline_support=64).model_copy(
        update={"roles": roles, "chromosomes": chromosomes}
    )
    headline = Headline.of(settings)
    assert (headline.role, headline.chromosomes) == expected
    assert (headline.n_support, headline.negatives, headline.metric) == (64, "balanced", "aupr")


def test_only_rows_of_the_setting_are_read() -> None:
    table = as_table(
        [
            row(value=0.8),
            row(value=0.1, role="seen"),
            row(value=0.1, chromosomes="train"),
            row(value=0.1, negatives="natural"),
            row(value=0.1, metric="auroc"),
            row(value=0.1, n_support=16),
            row(value=0.1, context="wrong"),
            row(value=0.1, model="other"),
        ]
    )
    assert HEADLINE.rows(table, "full")["value"].tolist() == [0.8]


def test_a_model_without_environment_is_read_without_context() -> None:
    table = as_table([row(context="-", n_support=0, value=0.6)])
    assert HEADLINE.by_line(table, "full").to_dict() == {"A549": 0.6}
    assert HEADLINE.by_line(table, "full", "own").empty


def test_only_a_context_without_support_is_taken_at_any_size() -> None:
    table = as_table([row(context=name, n_support=16) for name in ("own", "wrong", "shuffled")])
    for name in (None, "own", "wrong", "shuffled"):
        assert HEADLINE.rows(table, "full", name).empty, "a small support set does not stand for a large one"
    table = as_table([row(context=name, n_support=0) for name in ("none", "mean", "graph")])
    for name in ("none", "mean", "graph"):
        assert len(HEADLINE.rows(table, "full", name)) == 1


def test_the_configuration_says_which_negatives_count() -> None:
    settings = EvaluationSettings(headline_negatives="natural")
    assert Headline.of(settings).negatives == "natural"
    assert not Headline.of(settings).balanced
    assert HEADLINE.balanced


def test_a_model_without_sequence_has_no_support_size() -> None:
    own, wrong = row(n_support=0, value=0.7), row(n_support=0, value=0.4, context="wrong")
    table = as_table([own, wrong])
    assert HEADLINE.rows(table, "full")["value"].tolist() == [0.7]
    assert HEADLINE.rows(table, "full", "wrong")["value"].tolist() == [0.4]
    assert not HEADLINE.draws_support(table, "full")
    # Where another size was evaluated, size 0 is a point of the curve and no headline.
    table = as_table([own, row(n_support=16)])
    assert HEADLINE.rows(table, "full").empty
    assert HEADLINE.draws_support(table, "full")


def test_a_cell_line_has_the_mean_of_its_seeds_and_aggregates_are_none() -> None:
    table = as_table(
        [
            row(seed=1, value=0.6),
            row(seed=2, value=0.8),
            row(cell_line="HepG2", value=0.9),
            row(cell_line="macro", value=0.75),
            row(cell_line="worst", value=0.6),
        ]
    )
    assert HEADLINE.by_line(table, "full").to_dict() == pytest.approx({"A549": 0.7, "HepG2": 0.9})


def test_a_table_without_rows_has_no_figures() -> None:
    assert isinstance(HEADLINE.by_line(as_table([]), "full"), pd.Series)
    assert HEADLINE.by_line(as_table([]), "full").empty
