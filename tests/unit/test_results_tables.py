"""Numbers on the pages are those of docs/benchmark."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pandas as pd
import pytest

from cbat.config.documentation import fill_tables

TOP = Path(__file__).resolve().parents[2]
COLUMNS = [
    "model", "seed", "cell_line", "role", "chromosomes", "negatives", "context", "n_support", "metric",
    "value", "low", "high",
]  # fmt: skip


@pytest.fixture(scope="module")
def tables() -> ModuleType:
    spec = importlib.util.spec_from_file_location("results_tables", TOP / "tools" / "results_tables.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["results_tables"] = module
    spec.loader.exec_module(module)
    return module


def rows_of(model: str, context: str, values: dict[str, float], *, interval: bool = False) -> list[list]:
    return [
        [model, 1, line, "unseen", "folds", "natural", context, 0, "aupr", value,
         value - 0.05 if interval else "", value + 0.05 if interval else ""]
        for line, value in values.items()
    ]  # fmt: skip


@pytest.fixture
def directory(tmp_path) -> Path:
    own = {"A": 0.6, "B": 0.5, "C": 0.4, "macro": 0.5}
    rows = [
        *rows_of("graph_manifold", "own", own, interval=True),
        *rows_of("graph_manifold", "wrong", {line: value - 0.1 for line, value in own.items()}),
        *rows_of("graph_manifold", "insulators:wrong", {line: value + 0.01 for line, value in own.items()}),
        *rows_of("distance", "-", {"A": 0.2, "B": 0.1, "C": 0.3, "macro": 0.2}),
        *rows_of("transepi", "-", {"A": 0.5, "B": 0.3}),
    ]
    pd.DataFrame(rows, columns=COLUMNS).to_csv(tmp_path / "bengi_hic.tsv", sep="\t", index=False)
    return tmp_path


def test_the_table_of_the_readme_compares_on_the_lines_that_the_other_tool_has(tables, directory) -> None:
    made = tables.build_tables(directory)["README.md"]["contact"].splitlines()
    assert made[2:] == [
        "| A | .200 | .500 | - | **.600 [.550, .650]** |",
        "| B | .100 | .300 | - | **.500 [.450, .550]** |",
        "| C | .300 | - | - | **.400 [.350, .450]** |",
        "| mean of 3 | .200 | - | - | **.500 [.450, .550]** |",
        "| mean of A, B | .150 | .400 | - | **.550** |",
    ]


def test_kinds_are_told_as_own_minus_exchanged(tables, directory) -> None:
    made = tables.build_tables(directory)["docs/results.md"]["kinds"].splitlines()
    assert made[2:] == [
        "| BENGI, Hi-C | all kinds | +.100 | - | - | - |",
        "| BENGI, Hi-C | `insulators` | -.010 | - | - | - |",
    ]


def test_the_pages_have_the_numbers_of_the_tables(tables) -> None:
    directory = TOP / "docs" / "benchmark"
    if not (directory / "bengi_hic.tsv").is_file():
        pytest.skip("docs/benchmark has no tables")
    for page, blocks in tables.build_tables(directory).items():
        text = (TOP / page).read_text()
        assert text == fill_tables(text, blocks, file=page), "run: python tools/results_tables.py"


def test_a_table_of_worlds_has_the_world_first_and_what_the_pages_show() -> None:
    spec = importlib.util.spec_from_file_location("benchmark_table", TOP / "tools" / "benchmark_table.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)

    def table(*rows: tuple[str, str, str, str, str]) -> pd.DataFrame:
        cells = [
            [model, "1", line, "unseen", "test", negatives, context, "256", metric, "0.5", "", ""]
            for model, line, negatives, context, metric in rows
        ]
        return pd.DataFrame(cells, columns=COLUMNS, dtype=str)

    shown = [
        ("graph_manifold", "blood_3", "balanced", "own", "aupr"),
        ("graph_manifold", "macro", "balanced", "wrong", "aupr"),
        ("graph_manifold", "macro", "natural", "own", "ece"),
        ("attainable", "blood_3", "balanced", "-", "aupr"),
        ("motif_regression", "macro", "balanced", "own", "aupr"),
    ]
    left_out = [
        ("graph_manifold", "blood_3", "balanced", "wrong", "aupr"),
        ("graph_manifold", "blood_3", "natural", "own", "ece"),
        ("graph_manifold", "worst", "balanced", "own", "aupr"),
        ("graph_manifold", "macro", "natural", "own", "aupr"),
        ("motif_regression", "macro", "balanced", "wrong", "aupr"),
        ("graph_manifold", "macro", "balanced", "own", "auroc"),
    ]
    found = tool.kept_of_worlds({"jaspar": table(*shown, *left_out), "rare": table(*shown)})
    assert list(found.columns) == ["world", *COLUMNS]
    assert found["world"].value_counts().to_dict() == {"jaspar": len(shown), "rare": len(shown)}
    keys = found.loc[found["world"] == "jaspar", ["model", "cell_line", "negatives", "context", "metric"]]
    assert [*keys.itertuples(index=False, name=None)] == shown
    with pytest.raises(ValueError, match="no world has"):
        tool.kept_of_worlds({})


def test_the_worlds_stand_side_by_side_on_their_page(tables, tmp_path: Path) -> None:
    assert tables.worlds_table(tmp_path / "worlds.tsv") == ""
    rows = [
        [world, model, seed, line, "unseen", "test", "balanced", context, size, "aupr", value, "", ""]
        for world, shift in (("jaspar", 0.0), ("rare", 0.1))
        for model, seed, context, size, value in (
            ("baseline", 1, "-", "0", 0.6), ("graph_manifold", 1, "own", "256", 0.65 + shift),
            ("graph_manifold", 1, "own", "all", 0.75), ("attainable", 0, "-", "0", 0.8),
            ("attainable_all", 0, "-", "0", 0.85), ("oracle", 0, "-", "0", 0.9),
        )
        for line in ("blood_3", "macro")
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["world", *COLUMNS])
    table.to_csv(tmp_path / "worlds.tsv", sep="\t", index=False)
    lines = tables.worlds_table(tmp_path / "worlds.tsv").splitlines()
    assert lines[0].split(" | ")[:4] == ["| world", "baseline", "graph_manifold", "graph_manifold, all"]
    assert lines[2] == "| jaspar | 0.600 | 0.650 | 0.750 | 0.800 | 0.850 | 0.900 | 25% | 60% | 17% |"
    assert lines[4] == "| mean | 0.600 | 0.700 | 0.750 | 0.800 | 0.850 | 0.900 | 50% | 60% | 33% |"
