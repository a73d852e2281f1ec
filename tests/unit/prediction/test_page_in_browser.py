"""The page of a prediction in a browser without a network: it loads, search and loci work."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from browser import CHROMIUM, NO_CHROMIUM, launched

from cbat.config.predictions import PredictionSettings
from cbat.model.about import check_hashes
from cbat.prediction import page as pages
from cbat.prediction import page_assembly
from cbat.prediction.plan import pairs_file, read_plan

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with launched() as opened:
        yield opened


def write_page(model: Path, folder: Path) -> Path:
    """A page whose genome is told to be hg19."""
    files = [pairs_file(folder, chrom) for chrom in read_plan(folder).chromosomes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_assembly, "assembly_of", lambda sizes: "hg19")
        pages.run(model_directory=model, directory=folder, pairs=files, settings=PredictionSettings())
    return folder / "index.html"


@pytest.fixture(scope="module")
def file(world, predicted, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page") / "line"
    shutil.copytree(predicted, folder)
    return write_page(world.model, folder)


@pytest.fixture(scope="module")
def pairs(predicted) -> pd.DataFrame:
    files = sorted((predicted / "pairs").glob("*.parquet"))
    return pd.concat([pd.read_parquet(one) for one in files], ignore_index=True)


@pytest.fixture(scope="module")
def genes(predicted) -> pd.DataFrame:
    return pd.read_csv(predicted / "genes.tsv", sep="\t", na_values=".", keep_default_na=False)


@contextmanager
def opened(browser: Any, file: Path) -> Iterator[Any]:
    """The loaded page; at the end nothing may have been fetched, complained of or run."""
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    heard: list[str] = []
    fetched: list[str] = []
    page.on("console", lambda said: heard.append(said.text) if said.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("dialog", lambda dialog: (heard.append(f"dialog: {dialog.message}"), dialog.dismiss()))
    page.on("request", lambda request: fetched.append(request.url))
    page.goto(file.as_uri())
    page.wait_for_selector("body[data-ready=yes]")
    yield page
    assert heard == []
    assert [url for url in fetched if not url.startswith("data:")] == [file.as_uri()]
    assert "harm" not in page.title()
    context.close()


@pytest.fixture
def page(browser, file: Path) -> Iterator[Any]:
    with opened(browser, file) as page:
        yield page


def rows(page: Any, table: str) -> list[list[str]]:
    return page.eval_on_selector_all(
        f"#{table} tbody tr", "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )


def heads(page: Any, table: str) -> list[str]:
    found = page.eval_on_selector_all(f"#{table} thead th", "all => all.map(one => one.textContent)")
    return [head.rstrip(" ▲▼") for head in found]


def model(page: Any, name: str) -> Any:
    return page.evaluate(
        "name => { const one = Bokeh.documents.map(d => d.get_model_by_name(name)).find(Boolean);"
        " return one.data ? Object.fromEntries(Object.entries(one.data).map(([k, v]) => [k, [...v]]))"
        " : [one.start, one.end] }",
        name,
    )


def search(page: Any, text: str, field: str = "#search") -> None:
    page.fill(field, text)
    page.wait_for_timeout(300)


def place(row: Any, role: str) -> str:
    return f"{row['chrom']}:{row[f'{role}_start']:,}-{row[f'{role}_end']:,}"


def drawn(pairs: pd.DataFrame, gene: str, top: int = 5) -> pd.DataFrame:
    """What the plot draws of a gene without further ado."""
    return pairs[(pairs["promoter_name"] == gene) & pairs["contact"] & (pairs["rank"] <= top)]


def test_it_opens_with_genes(page, pairs, genes) -> None:
    assert page.eval_on_selector("main > section", "one => one.id") == "genes"
    best = genes.sort_values("best_score", ascending=False, kind="stable").iloc[0]
    shown = rows(page, "genes_list")
    assert heads(page, "genes_list") == [
        "gene", "chromosome", "called enhancers", "best enhancer", "distance", "score", "probability",
        "share", "candidates",
    ]  # fmt: skip
    start, end = best["best_enhancer_start"], best["best_enhancer_end"]
    assert shown[0] == [
        best["gene"], best["chrom"], f"{best['called']}", f"{best['chrom']}:{start:,.0f}-{end:,.0f}",
        f"{best['best_distance']:,.0f}", f"{best['best_score']:.2f}", f"{best['best_probability']:.3f}",
        f"{100 * round(best['best_share'], 3):.0f}%", f"{best['pairs']}",
    ]  # fmt: skip
    scores = [float(row[5]) for row in shown]
    assert scores == sorted(scores, reverse=True)
    assert page.inner_text("#genes_count") == f"{len(genes):,} genes"
    # The first gene is open already.
    assert page.inner_text("#gene_name") == best["gene"]
    assert page.locator("#genes_list tr.chosen").inner_text().startswith(best["gene"])
    assert page.locator("#arc_plot canvas").count() > 0
    assert page.locator("#score_plot canvas").count() > 0
    assert page.locator(".graph svg").count() == 1


def test_genes_are_searched_sorted_and_filtered(page, genes) -> None:
    page.check("#with_called")
    called = genes[genes["called"] > 0]
    assert 0 < len(called) < len(genes)
    assert page.inner_text("#genes_count") == f"{len(called):,} genes"
    page.uncheck("#with_called")
    page.click("#genes_list thead button:text('called enhancers')")
    shown = [int(row[2]) for row in rows(page, "genes_list")]
    assert shown == sorted(genes["called"], reverse=True)[: len(shown)]
    page.click("#genes_list thead button:text('distance')")
    shown = [int(row[4].replace(",", "")) for row in rows(page, "genes_list")]
    assert shown == sorted(genes["best_distance"].dropna())[: len(shown)]
    search(page, "gene5")
    found = genes[genes["gene"].str.lower().str.contains("gene5")]
    assert page.inner_text("#genes_count") == f"{len(found)} genes"
    assert {row[0] for row in rows(page, "genes_list")} <= set(found["gene"])
    # The gene of that very name stands before those with better pairs.
    assert found.loc[found["best_score"].idxmax(), "gene"] != "GENE5"
    assert rows(page, "genes_list")[0][0] == "GENE5"
    one = genes.iloc[3]
    search(page, f"{one['chrom']}:{one['start']:,}-{one['end']:,}")
    there = (genes["chrom"] == one["chrom"]) & (genes["start"] < one["end"]) & (genes["end"] > one["start"])
    assert {row[0] for row in rows(page, "genes_list")} == set(genes["gene"][there])
    search(page, "no such gene")
    assert page.inner_text("#genes_count") == "no gene of the page fits"
    assert rows(page, "genes_list") == []


def test_a_gene_shows_its_enhancers_and_its_locus(page, pairs, genes) -> None:
    gene = genes.sort_values("called", ascending=False, kind="stable").iloc[0]["gene"]
    own = pairs[pairs["promoter_name"] == gene].sort_values("rank")
    search(page, gene)
    page.click(f"#genes_list tbody button:text-is('{gene}')")
    assert page.inner_text("#gene_name") == gene
    assert heads(page, "of_gene") == [
        "rank", "enhancer", "distance", "probability", "contact", "score", "U_I", "R_E", "see", "promoter",
    ]  # fmt: skip
    shown = rows(page, "of_gene")
    for row, (_, pair) in zip(shown, own.iterrows(), strict=False):
        assert row[:4] == [
            str(pair["rank"]),
            place(pair, "enhancer"),
            f"{pair['distance']:,}",
            f"{pair['probability']:.3f}",
        ]
        assert row[4] == ("yes" if pair["contact"] else "no")
        assert float(row[6]) == pytest.approx(pair["intrinsic_potential"], abs=0.006)
        assert float(row[7]) == pytest.approx(pair["environment_resistance"], abs=0.006)
        assert row[9] == place(pair, "promoter")
    assert len(shown) == min(len(own), 8)
    assert page.inner_text("#said").startswith(f"{gene}, {own['chrom'].iloc[0]}:")
    assert model(page, "arcs")["gene"].count(gene) == len(drawn(pairs, gene))
    assert page.evaluate("window.scrollY") > 0


def test_enter_opens_the_gene_that_is_written(page) -> None:
    page.fill("#search", "gene7")
    page.press("#search", "Enter")
    assert page.inner_text("#gene_name") == "GENE7"


def test_a_locus_holds_called_pairs_and_the_best_of_each_promoter(page, pairs) -> None:
    crowd = pairs[pairs["contact"]].groupby("promoter_name").size()
    gene = crowd.idxmax()
    assert crowd.max() > 3
    own = pairs[pairs["promoter_name"] == gene]
    page.fill("#place", gene)
    page.press("#place", "Enter")
    assert model(page, "arcs")["gene"].count(gene) == min(crowd.max(), 5)
    page.select_option("#top", "3")
    arcs = model(page, "arcs")
    assert arcs["gene"].count(gene) == 3
    assert pd.Series(arcs["gene"]).value_counts().max() <= 3
    assert {float(rank) for rank in arcs["rank"]} <= {1, 2, 3}
    called = {(row.promoter_name, f"{row.rank}") for row in pairs[pairs["contact"]].itertuples()}
    assert set(zip(arcs["gene"], arcs["rank"], strict=True)) <= called
    page.select_option("#top", "1")
    assert model(page, "arcs")["gene"].count(gene) == 1
    page.select_option("#top", "all")
    assert model(page, "arcs")["gene"].count(gene) == own["contact"].sum()
    page.check("#uncalled")
    assert model(page, "arcs")["gene"].count(gene) == len(own)
    start, end = model(page, "region")
    assert start <= own[["promoter_start", "enhancer_start"]].min().min()
    assert end >= own[["promoter_end", "enhancer_end"]].max().max()


def test_a_gene_without_called_enhancers_says_so(page, genes, pairs) -> None:
    gene = genes[(genes["called"] == 0) & (genes["pairs"] > 5)].iloc[0]["gene"]
    page.fill("#place", gene)
    page.press("#place", "Enter")
    assert gene not in model(page, "arcs")["gene"]
    assert "Ask for pairs that are not called too" in page.inner_text("#said")
    page.check("#uncalled")
    assert model(page, "arcs")["gene"].count(gene) == 5
    assert "Ask for" not in page.inner_text("#said")


def test_pairs_are_searched_by_gene_and_by_region(page, pairs) -> None:
    search(page, "gene12", "#pairs_search")
    expected = pairs[pairs["promoter_name"].str.lower().str.contains("gene12")]
    assert page.inner_text("#count") == f"{len(expected):,} pairs"
    assert {row[0] for row in rows(page, "pairs_list")} <= set(expected["promoter_name"])
    chrom, start = pairs["chrom"].iloc[0], int(pairs["promoter_start"].iloc[0])
    search(page, f"{chrom}:{start:,}-{start + 1:,}", "#pairs_search")
    here = pairs["chrom"] == chrom
    inside = here & (
        ((pairs["promoter_start"] <= start) & (pairs["promoter_end"] > start))
        | ((pairs["enhancer_start"] <= start) & (pairs["enhancer_end"] > start))
    )
    assert page.inner_text("#count") == f"{inside.sum():,} pairs"
    search(page, "no such gene", "#pairs_search")
    assert page.inner_text("#count") == "no pair of the page fits"
    assert rows(page, "pairs_list") == []


def test_filters_order_and_pages_of_pairs(page, pairs) -> None:
    best = pairs.loc[pairs["score"].idxmax()]
    assert rows(page, "pairs_list")[0][:2] == [best["promoter_name"], place(best, "enhancer")]
    page.check("#called_only")
    assert page.inner_text("#count") == f"{pairs['contact'].sum():,} pairs"
    page.check("#first")
    both = (pairs["contact"] & (pairs["rank"] == 1)).sum()
    assert page.inner_text("#count") == f"{both:,} pairs"
    page.uncheck("#called_only")
    page.uncheck("#first")
    page.click("#pairs_list thead button:text('distance')")
    shown = [int(row[2].replace(",", "")) for row in rows(page, "pairs_list")]
    assert shown == sorted(pairs["distance"])[: len(shown)]
    page.click("#pairs_list_after")
    assert page.inner_text("#pairs_list_page").startswith("21 to 40 of")
    assert page.is_enabled("#pairs_list_before")


def test_a_locus_is_chosen_by_gene_by_region_and_by_row(page, pairs) -> None:
    gene = "GENE5"
    page.fill("#place", gene.lower())
    assert page.locator("#names option").count() > 0
    page.click("#choose button")
    own = pairs[pairs["promoter_name"] == gene]
    assert page.inner_text("#said").startswith(f"{gene}, {own['chrom'].iloc[0]}:")
    assert page.inner_text("#gene_name") == gene
    link = page.get_attribute("#browser", "href")
    assert link.startswith("https://genome.ucsc.edu/cgi-bin/hgTracks?db=hg19&position=chr")
    chrom = own["chrom"].iloc[0]
    page.fill("#place", f"{chrom}:1-30,000")
    page.press("#place", "Enter")
    near = pairs[
        (pairs["chrom"] == chrom) & (pairs["promoter_start"] < 30_000) & (pairs["enhancer_start"] < 30_000)
        & (pairs["promoter_end"] > 1) & (pairs["enhancer_end"] > 1)
    ]  # fmt: skip
    assert len(model(page, "arcs")["gene"]) == (near["contact"] & (near["rank"] <= 5)).sum()
    page.select_option("#top", "all")
    page.check("#uncalled")
    assert len(model(page, "arcs")["gene"]) == len(near)
    search(page, "GENE7", "#pairs_search")
    row = rows(page, "pairs_list")[0]
    page.click("#pairs_list tbody tr:first-child td:nth-child(2)")
    assert page.inner_text("#said").startswith(row[0])
    assert page.inner_text("#gene_name") == row[0]


def test_warnings_stand_above_the_genes(page) -> None:
    warnings = page.locator("#warnings").bounding_box()
    genes = page.locator("#genes").bounding_box()
    assert warnings["y"] + warnings["height"] < genes["y"] < 500


def test_words_of_a_model_of_regulation(browser, world, predicted, make_package, tmp_path: Path) -> None:
    model_directory = make_package(world, tmp_path, {"label_kind": "regulation"})
    line = Path(shutil.copytree(predicted, tmp_path / "line"))
    plan = line / "prepared" / "plan.json"
    plan.write_text(plan.read_text().replace(read_plan(line).model_digest, check_hashes(model_directory)))
    with opened(browser, write_page(model_directory, line)) as page:
        page.eval_on_selector_all("details", "all => all.forEach((one) => { one.open = true; })")
        said = page.inner_text("body") + page.title() + "".join(heads(page, "of_gene"))
        assert "contact" not in said.lower()
        assert "Called pairs:" in page.inner_text("#said")
        assert heads(page, "of_gene")[4] == "called"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("nothing", "No gene of the page is called nothing."),
        ("chr99:1-2,000", "There is no chromosome chr99 in this prediction. It has chr1"),
        ("", "Write the name of a gene, or a region."),
        ("<b>x</b>", "No gene of the page is called <b>x</b>."),
    ],
)
def test_what_is_not_there_is_said(page, text: str, said: str) -> None:
    page.fill("#place", text)
    page.click("#choose button")
    assert page.inner_text("#said").startswith(said)
    assert page.get_attribute("#said", "class") == "wrong"


def test_links_of_rows_are_one_based(page, pairs) -> None:
    best = pairs.loc[pairs["score"].idxmax()]
    link = page.get_attribute("#pairs_list tbody tr:first-child a", "href")
    position = link.partition("position=")[2]
    chrom, _, ends = position.partition("%3A")
    start, end = (int(part) for part in ends.split("-"))
    assert chrom == best["chrom"]
    assert 1 <= start <= min(best["enhancer_start"], best["promoter_start"]) + 1
    assert end >= max(best["enhancer_end"], best["promoter_end"])


def test_names_that_are_html_are_shown_and_do_nothing(page) -> None:
    page.check("#uncalled")
    for name in ("<script>document.title='harm'</script>", "<img/src=x/onerror=document.title='harm'>"):
        search(page, name, "#pairs_search")
        assert rows(page, "pairs_list")[0][0] == name
        search(page, name)
        assert rows(page, "genes_list")[0][0] == name
        page.click("#genes_list tbody tr:first-child td:first-child")
        assert page.inner_text("#gene_name") == name
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
