"""The page of a prediction in a browser without a network: it loads, search and loci work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cbat.config.predictions import PredictionSettings
from cbat.prediction import page as pages
from cbat.prediction.plan import pairs_file, read_plan

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="no Chromium on PATH (Debian: apt-get install chromium); the page is not looked at",
)
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def file(world, predicted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page whose genome is told to be hg19."""
    folder = tmp_path_factory.mktemp("page") / "line"
    shutil.copytree(predicted, folder)
    files = [pairs_file(folder, chrom) for chrom in read_plan(folder).chromosomes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "assembly_of", lambda sizes: "hg19")
        pages.run(model_directory=world.model, directory=folder, pairs=files, settings=PredictionSettings())
    return folder / "index.html"


@pytest.fixture(scope="module")
def pairs(predicted) -> pd.DataFrame:
    files = sorted((predicted / "pairs").glob("*.parquet"))
    return pd.concat([pd.read_parquet(one) for one in files], ignore_index=True)


@pytest.fixture
def page(browser, file: Path) -> Iterator[Any]:
    """The loaded page; at the end nothing may have been fetched, complained of or run."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    opened = context.new_page()
    heard: list[str] = []
    fetched: list[str] = []
    opened.on("console", lambda said: heard.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: heard.append(str(error)))
    opened.on("dialog", lambda dialog: (heard.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    opened.on("request", lambda request: fetched.append(request.url))
    opened.goto(file.as_uri())
    opened.wait_for_selector("body[data-ready=yes]")
    yield opened
    assert heard == []
    assert [url for url in fetched if not url.startswith("data:")] == [file.as_uri()]
    assert "harm" not in opened.title()
    context.close()


def rows(page: Any) -> list[list[str]]:
    return page.eval_on_selector_all(
        "#table tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )


def model(page: Any, name: str) -> Any:
    return page.evaluate(
        "name => { const one = Bokeh.documents.map(d => d.get_model_by_name(name)).find(Boolean);"
        " return one.data ? Object.fromEntries(Object.entries(one.data).map(([k, v]) => [k, [...v]]))"
        " : [one.start, one.end] }",
        name,
    )


def search(page: Any, text: str) -> None:
    page.fill("#search", text)
    page.wait_for_timeout(300)


def test_it_loads_offline_and_shows_the_best_pair(page, pairs) -> None:
    best = pairs.loc[pairs["score"].idxmax()]
    first = rows(page)[0]
    assert first[0] == best["promoter_name"]
    assert first[2] == f"{best['chrom']}:{best['enhancer_start']:,}-{best['enhancer_end']:,}"
    assert float(first[5]) == pytest.approx(best["score"], abs=0.01)
    assert page.locator("#arc_plot canvas").count() > 0
    assert page.locator("#score_plot canvas").count() > 0
    assert page.locator(".graph svg").count() == 1
    of_best = pairs[pairs["promoter_id"] == best["promoter_id"]]
    assert model(page, "arcs")["gene"].count(best["promoter_name"]) == len(of_best)


def test_search_by_gene_and_by_region(page, pairs) -> None:
    search(page, "gene12")
    expected = pairs[pairs["promoter_name"].str.lower().str.contains("gene12")]
    assert page.inner_text("#count") == f"{len(expected):,} pairs"
    assert {row[0] for row in rows(page)} <= set(expected["promoter_name"])
    chrom, start = pairs["chrom"].iloc[0], int(pairs["promoter_start"].iloc[0])
    search(page, f"{chrom}:{start:,}-{start + 1:,}")
    here = pairs["chrom"] == chrom
    inside = here & (
        ((pairs["promoter_start"] <= start) & (pairs["promoter_end"] > start))
        | ((pairs["enhancer_start"] <= start) & (pairs["enhancer_end"] > start))
    )
    assert page.inner_text("#count") == f"{inside.sum():,} pairs"
    search(page, "no such gene")
    assert page.inner_text("#count") == "no pair of the page fits"
    assert rows(page) == []


def test_filters_order_and_pages(page, pairs) -> None:
    page.check("#contacts")
    assert page.inner_text("#count") == f"{pairs['contact'].sum():,} pairs"
    page.check("#first")
    both = (pairs["contact"] & (pairs["rank"] == 1)).sum()
    assert page.inner_text("#count") == f"{both:,} pairs"
    page.uncheck("#contacts")
    page.uncheck("#first")
    page.click("#table thead button:text('distance')")
    shown = [int(row[3].replace(",", "")) for row in rows(page)]
    assert shown == sorted(pairs["distance"])[: len(shown)]
    page.click("#after")
    assert page.inner_text("#page").startswith("21 to 40 of")
    assert page.is_enabled("#before")


def test_a_locus_is_chosen_by_gene_by_region_and_by_row(page, pairs) -> None:
    gene = "GENE5"
    page.fill("#place", gene.lower())
    assert page.locator("#genes option").count() > 0
    page.click("#choose button")
    own = pairs[pairs["promoter_name"] == gene]
    arcs = model(page, "arcs")
    assert page.inner_text("#said").startswith(f"{gene}, {own['chrom'].iloc[0]}:")
    assert arcs["gene"].count(gene) == len(own)
    start, end = model(page, "region")
    assert start <= own[["promoter_start", "enhancer_start"]].min().min()
    assert end >= own[["promoter_end", "enhancer_end"]].max().max()
    link = page.get_attribute("#browser", "href")
    assert link.startswith("https://genome.ucsc.edu/cgi-bin/hgTracks?db=hg19&position=chr")
    page.check("#only")
    assert model(page, "arcs")["gene"].count(gene) == own["contact"].sum()
    page.uncheck("#only")
    chrom = own["chrom"].iloc[0]
    page.fill("#place", f"{chrom}:1-30,000")
    page.press("#place", "Enter")
    near = pairs[
        (pairs["chrom"] == chrom) & (pairs["promoter_start"] < 30_000) & (pairs["enhancer_start"] < 30_000)
        & (pairs["promoter_end"] > 1) & (pairs["enhancer_end"] > 1)
    ]  # fmt: skip
    assert len(model(page, "arcs")["gene"]) == len(near)
    search(page, "GENE7")
    row = rows(page)[0]
    page.click("#table tbody tr:first-child td:first-child")
    assert page.inner_text("#said").startswith(row[0])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "No promoter of the page is called nothing."),
        ("chr99:1-2,000", "There is no chromosome chr99 in this prediction. It has chr1"),
        ("", "Write the name of a gene, or a region."),
        ("<b>x</b>", "No promoter of the page is called <b>x</b>."),
    ],
)
def test_what_is_not_there_is_said(page, text: str, said: str) -> None:
    page.fill("#place", text)
    page.click("#choose button")
    assert page.inner_text("#said").startswith(said)
    assert page.get_attribute("#said", "class") == "wrong"


def test_links_of_rows_are_one_based(page, pairs) -> None:
    best = pairs.loc[pairs["score"].idxmax()]
    link = page.get_attribute("#table tbody tr:first-child a", "href")
    position = link.partition("position=")[2]
    chrom, _, ends = position.partition("%3A")
    start, end = (int(part) for part in ends.split("-"))
    assert chrom == best["chrom"]
    assert 1 <= start <= min(best["enhancer_start"], best["promoter_start"]) + 1
    assert end >= max(best["enhancer_end"], best["promoter_end"])


def test_names_that_are_html_are_shown_and_do_nothing(page) -> None:
    for name in ("<script>document.title='harm'</script>", "<img/src=x/onerror=document.title='harm'>"):
        search(page, name)
        assert rows(page)[0][0] == name
        page.click("#table tbody tr:first-child td:first-child")
        assert page.inner_text("#said").startswith(name)
        assert name in model(page, "arcs")["gene"]
        # The element under the pointer is named in a tooltip.
        page.evaluate("window.scrollTo(0, document.getElementById('arc_plot').offsetTop - 60)")
        box = page.locator("#arc_plot").bounding_box()
        at = page.evaluate(
            """name => {
              const find = (n) => Bokeh.documents.map(d => d.get_model_by_name(n)).find(Boolean);
              const boxes = find("elements").data, range = find("region");
              const row = boxes.name.indexOf(name), middle = (boxes.left[row] + boxes.right[row]) / 2;
              return (middle - range.start) / (range.end - range.start);
            }""",
            name,
        )
        frame = page.evaluate(
            """() => { const view = [...Bokeh.index.roots].find(one => one.model.name === "locus");
              const f = view.frame.bbox; return [f.left, f.width, f.top, f.height]; }"""
        )
        left, width, top, height = frame
        y = box["y"] + top + height * (1.1 + 0.115) / 1.52
        page.mouse.move(box["x"] + left + at * width - 30, y)
        page.mouse.move(box["x"] + left + at * width, y, steps=4)
        page.wait_for_timeout(300)
        tips = page.evaluate(
            """() => { const texts = []; const walk = (node) => {
              if (node.shadowRoot) walk(node.shadowRoot);
              if (node.classList && [...node.classList].some(c => c.includes("bk-tooltip-row-value")))
                texts.push(node.textContent);
              for (const child of node.children || []) walk(child); };
              walk(document.body); return texts; }"""
        )
        assert name in [tip.strip() for tip in tips]


def test_a_narrow_window_scrolls_down_alone(page) -> None:
    page.set_viewport_size({"width": 400, "height": 800})
    page.wait_for_timeout(500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator("#arc_plot").bounding_box()["width"] <= 400
