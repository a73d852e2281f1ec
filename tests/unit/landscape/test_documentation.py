"""The page on the landscape and the code agree."""

from __future__ import annotations

from pathlib import Path

import pytest

from cbat.config.documentation import fill_tables
from cbat.errors import UserError
from cbat.landscape.documentation import build_tables, run
from cbat.landscape.features import FEATURES

PAGE = Path(__file__).resolve().parents[3] / "docs" / "landscape.md"


def test_the_tables_of_the_page_are_the_generated_ones() -> None:
    text = PAGE.read_text()
    assert text == fill_tables(text, build_tables(), file=PAGE), (
        "run: cbat write_landscape_reference --page docs/landscape.md"
    )


def test_every_feature_is_on_the_page_once_with_formula_unit_effect_and_source() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("|")]
    for feature in FEATURES:
        (row,) = [line for line in rows if line.startswith(f"| `{feature.name}` |")]
        effect = "raise" if feature.raises else "lower"
        assert [cell.strip() for cell in row.strip("|").split(" | ")][1:] == [
            feature.formula, feature.unit, effect, feature.source,
        ]  # fmt: skip


def test_the_tables_of_a_stale_page_are_replaced_and_its_text_is_kept(tmp_path) -> None:
    page = tmp_path / "landscape.md"
    markers = "".join(f"<!-- generated: {name} -->\nstale\n<!-- end -->\n" for name in build_tables())
    page.write_text(f"# Title\n{markers}Last words.\n")
    run(page=page)
    text = page.read_text()
    assert text.startswith("# Title\n")
    assert text.endswith("Last words.\n")
    assert "stale" not in text
    assert all(table in text for table in build_tables().values())


def test_a_page_that_lacks_a_table_is_refused(tmp_path) -> None:
    page = tmp_path / "landscape.md"
    page.write_text("<!-- generated: tracks -->\n<!-- end -->\n")
    with pytest.raises(UserError, match="markers"):
        run(page=page)
    assert page.read_text() == "<!-- generated: tracks -->\n<!-- end -->\n"
