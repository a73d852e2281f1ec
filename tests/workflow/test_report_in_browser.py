"""The report in a browser: all that can be clicked shows something, in windows of three sizes."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import CHROMIUM, NO_CHROMIUM, launched
from report_walk import SHOWN, SIZES, Walk, faults_of

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
RESULTS = re.compile(r'(?<=<script id="results">\n    var results = )\{.*(?=;\n)')


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as opened:
        yield opened


@pytest.fixture(scope="module")
def report(toy) -> Path:
    return toy.directory / "results" / "report.html"


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_everything_can_be_clicked_and_read(browser, report: Path, size: tuple[int, int]) -> None:
    assert faults_of(browser, report, [size]) == []


def test_a_table_is_shown_and_can_be_downloaded(browser, report: Path) -> None:
    walk = Walk(browser, report, SIZES[0])
    walk.category("Unseen cell lines")
    walk.page.click("nav tbody a >> nth=0")
    frame = walk.page.locator(f"{SHOWN} iframe").element_handle().content_frame()
    table = (report.parent / "summary" / "summary.tsv").read_text()
    shown = frame.eval_on_selector_all("tr", "all => all.map(row => [...row.cells].map(c => c.textContent))")
    assert shown == [line.split("\t") for line in table.splitlines()]
    with walk.page.expect_download() as download:
        frame.click("a[download]")
    assert download.value.suggested_filename == "summary.tsv"
    assert Path(download.value.path()).read_text() == table
    assert walk.faults == []


def test_no_rule_gives_a_result_two_labels() -> None:
    rules = Path(__file__).resolve().parents[2] / "workflow" / "rules"
    labels = re.findall(r"labels=(\{.*?\})", "".join(path.read_text() for path in rules.glob("*.smk")))
    assert len(labels) == 7
    assert all(re.fullmatch(r'\{"result": [^,:]*\}', one) for one in labels), labels


# -- what the walk finds in reports that are not as they should be ----------------------------------------


def spoilt(report: Path, directory: Path, old: str, new: str) -> Path:
    text = report.read_text()
    changed = re.sub(old, lambda _: new, text, flags=re.DOTALL)
    assert changed != text
    (directory / "report.html").write_text(changed)
    return directory / "report.html"


def test_a_label_that_becomes_a_switch_is_found(browser, report: Path, tmp_path: Path) -> None:
    text = report.read_text()
    results = json.loads(RESULTS.search(text)[0])
    for result in results.values():
        result["labels"]["kind"] = "table" if result["mime_type"] == "text/html" else "figure"
    (tmp_path / "report.html").write_text(RESULTS.sub(lambda _: json.dumps(results), text))
    walk = Walk(browser, tmp_path / "report.html", SIZES[0])
    assert not walk.category("Labels"), "it has one figure and one table"
    # Snakemake's script fails, and takes the whole page along.
    assert any(fault.endswith("category 'Labels': blank page") for fault in walk.faults)
    assert any("undefined" in fault for fault in walk.faults)


def test_a_page_whose_top_cannot_be_reached_is_found(browser, report: Path, tmp_path: Path) -> None:
    without = spoilt(report, tmp_path, r"<style>\s*/\* Snakemake centres.*?</style>", "")
    walk = Walk(browser, without, SIZES[0])
    walk.look("the first page")
    assert any("out of reach: 'Which enhancer touches" in fault for fault in walk.faults)


def test_text_that_is_hidden_to_the_side_is_found(browser, report: Path, tmp_path: Path) -> None:
    style = "<style>#app > div > nav { overflow: hidden; } #app nav li { text-indent: -30px; }</style></head>"
    walk = Walk(browser, spoilt(report, tmp_path, "</head>(?=\n\n<body>)", style), SIZES[0])
    walk.look("the first page")
    assert any("out of reach" in fault and "across" in fault for fault in walk.faults)


def test_a_figure_that_cuts_off_its_words_is_found(browser, report: Path) -> None:
    walk = Walk(browser, report, SIZES[0])
    figure = (
        '<svg xmlns="http://www.w3.org/2000/svg" width="50" height="40"><text x="-20" y="20">x</text></svg>'
    )
    walk.page.evaluate(
        "uri => { results.cut = {mime_type: 'image/svg+xml', data_uri: uri}; }",
        f"data:image/svg+xml;base64,{b64encode(figure.encode()).decode()}",
    )
    walk.figures()
    assert [fault.partition(", ")[2] for fault in walk.faults] == ["cut: cut off by the figure: 'x'"]
