"""The first page of the report: markup that docutils reads, and nothing that is not measured."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from docutils.core import publish_parts

from cbat.config.sections import EvaluationSettings
from cbat.evaluation.comparison import ScoredPairs
from cbat.evaluation.first_page import escaped, first_page
from cbat.evaluation.summary import Summary, summarise, with_aggregates
from cbat.evaluation.table import read_table


@pytest.fixture(scope="module")
def summary(evaluation) -> Summary:
    metrics = with_aggregates(pd.concat([read_table(path) for path in evaluation.tables], ignore_index=True))
    return summarise(
        metrics, settings=EvaluationSettings(n_bootstrap=20), baseline="baseline", full_model="full",
        scored=ScoredPairs(evaluation.scored),
    )  # fmt: skip


def html(summary: Summary) -> str:
    settings = {"halt_level": 2, "report_level": 2}
    return publish_parts(first_page(summary), writer_name="html", settings_overrides=settings)["html_body"]


def test_the_page_answers_the_questions_with_the_figures_of_the_summary(summary: Summary) -> None:
    page = html(summary)
    for question in ("Does it beat the baseline?", "Is the environment used?", "What is each part worth?"):
        assert question in page
    for value in summary.table["full_model"]:
        assert f"<td>{value:.3f}</td>" in page
    assert "no sign on any" in page
    assert "c00000" not in page


def test_a_collapse_is_red_and_comes_first(summary: Summary) -> None:
    page = html(replace(summary, collapsed=("full on A549",)))
    assert '<p style="color: #c00000; font-weight: bold">COLLAPSE: full on A549' in page
    assert page.index("COLLAPSE") < page.index("Does it beat")


def test_names_are_no_markup() -> None:
    for name in ("graph_", "*star*", "`tick`", "|bar|", "+0.1", "- dash", "a\\b"):
        body = publish_parts(escaped(name), writer_name="html", settings_overrides={"halt_level": 2})
        assert name in body["html_body"]
        assert "<li>" not in body["html_body"]
