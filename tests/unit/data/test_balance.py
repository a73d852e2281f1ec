"""What tells the classes apart before any model, counted by hand; and the figure of it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from cbat.config.sections import FigureSettings
from cbat.data import balance, balance_figure
from cbat.errors import UserError

PAIRS = pd.DataFrame(
    {
        "enhancer": [0, 0, 1, 2, 2, 3],
        "promoter": [0, 1, 1, 1, 2, 2],
        "label": [1, 0, 1, 1, 0, 0],
        "distance": [500, 1200, 1200, 2500, 2500, 9000],
        "split": ["train", "train", "train", "test", "test", "test"],
    }
)


def values(found: pd.DataFrame, chromosomes: str = "all") -> dict[tuple[str, str], float]:
    rows = found[(found["chromosomes"] == chromosomes) & (found["measure"] != "distance_share")]
    return {(row.measure, row.label): row.value for row in rows.itertuples()}


def measured(directory: Path, pairs: pd.DataFrame = PAIRS, name: str = "a", made: dict | None = None) -> Path:
    output = directory / f"{name}.balance.tsv"
    balance.write_balance(output, name, pairs, made or {})
    return output


def test_by_hand(tmp_path: Path) -> None:
    found = balance.read_balance(measured(tmp_path))
    assert set(found["cell_line"]) == {"a"}
    assert set(found["negatives"]) == {"given"}
    assert list(dict.fromkeys(found["chromosomes"])) == ["test", "train", "all"]
    # Contacts at 500, 1200, 2500; negatives at 1200, 2500, 9000.
    assert values(found) == pytest.approx(
        {
            ("pairs", "1"): 3, ("pairs", "0"): 3,
            ("distance_total_variation", "."): 1 / 3,
            ("distance_ks", "."): 1 / 3,
            ("distance_auroc", "."): (3 + 2.5 + 1.5) / 9,
            ("enhancers", "1"): 3, ("enhancers", "0"): 3,
            # Enhancer 1 has a contact alone, enhancer 3 a negative alone.
            ("one_class_enhancer", "1"): 1 / 3, ("one_class_enhancer", "0"): 1 / 3,
            ("enhancer_total_variation", "."): 1 / 3,
            ("promoters", "1"): 2, ("promoters", "0"): 2,
            ("one_class_promoter", "1"): 1 / 3, ("one_class_promoter", "0"): 2 / 3,
            ("promoter_total_variation", "."): 2 / 3,
        },
        abs=1e-6,
    )  # fmt: skip
    shares = found[(found["measure"] == "distance_share") & (found["chromosomes"] == "all")]
    filled = shares[shares["value"] > 0]
    assert filled[["label", "low", "high"]].to_numpy().tolist() == [
        ["1", "0", "1000"], ["1", "1000", "1500"], ["1", "2000", "3000"],
        ["0", "1000", "1500"], ["0", "2000", "3000"], ["0", "7000", "10000"],
    ]  # fmt: skip
    assert filled["value"].tolist() == pytest.approx([1 / 3] * 6, abs=1e-6)


def test_what_made_the_negatives_and_how_many_are_missing(tmp_path: Path) -> None:
    made = {
        "kind": "natural",
        "splits": {"train": {"wanted": 9, "made": 1}, "test": {"wanted": 2, "made": 2}},
    }
    found = balance.read_balance(measured(tmp_path, made=made))
    assert set(found["negatives"]) == {"natural"}
    for chromosomes, expected in (("train", (9, 8)), ("test", (2, 0)), ("all", (11, 8))):
        figures = values(found, chromosomes)
        assert (figures["negatives_wanted", "0"], figures["negatives_missing", "0"]) == expected


def test_one_class_has_no_differences(tmp_path: Path) -> None:
    found = balance.read_balance(measured(tmp_path, PAIRS[PAIRS["label"] == 1]))
    assert set(found["measure"]) == {"pairs", "distance_share", "enhancers", "promoters"}
    assert values(found)["pairs", "0"] == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 3_000_000)), min_size=2, max_size=60))
def test_figures_are_those_of_the_textbook(rows: list[tuple[int, int]]) -> None:
    label, distance = (np.array(values) for values in zip(*rows, strict=True))
    label[:2] = [0, 1]
    pairs = pd.DataFrame({"enhancer": 0, "promoter": 0, "label": label, "distance": distance})
    edges = balance.distance_edges(int(distance.max()))
    found = list(balance.measures(pairs, edges))
    alone = {row["measure"]: row["value"] for row in found if row["label"] == "."}
    assert alone["distance_auroc"] == pytest.approx(roc_auc_score(label, -distance))
    at = np.unique(distance)
    share = [(distance[label == one][:, None] <= at).mean(axis=0) for one in (0, 1)]
    assert alone["distance_ks"] == pytest.approx(np.abs(share[0] - share[1]).max())
    assert 0.0 <= alone["distance_total_variation"] <= alone["distance_ks"] * len(edges)
    for one in ("0", "1"):
        assert sum(
            row["value"] for row in found if (row["measure"], row["label"]) == ("distance_share", one)
        ) == (pytest.approx(1.0))
    assert alone["enhancer_total_variation"] == pytest.approx(0.0)


def test_edges_are_the_same_for_all_lines() -> None:
    assert balance.distance_edges(0).tolist() == [0, 1000]
    assert balance.distance_edges(999).tolist() == [0, 1000]
    assert balance.distance_edges(1000).tolist() == [0, 1000, 1500]
    far = balance.distance_edges(2_500_000).tolist()
    assert far[-3:] == [1_500_000, 2_000_000, 3_000_000]
    assert balance.distance_edges(30_000).tolist() == far[: far.index(50_000) + 1]


def test_mistakes(tmp_path: Path) -> None:
    path = measured(tmp_path)
    path.write_text("cell_line\tvalue\na\t1\n")
    with pytest.raises(UserError, match=r"a\.balance\.tsv: the table cannot be read.*label_pairs"):
        balance.read_balance(path)
    with pytest.raises(UserError, match="no table of balance"):
        balance_figure.run(balance=[], figures=FigureSettings(), output=tmp_path / "figure.svg")


def texts(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_figure_names_line_kind_and_what_distance_alone_reaches(tmp_path: Path) -> None:
    made = {"kind": "distance_matched", "splits": {}}
    tables = [
        measured(tmp_path, name="K562"),
        measured(tmp_path, name="NA", made=made),
        measured(tmp_path, PAIRS[PAIRS["label"] == 1], name="one"),
    ]
    drawn = [tmp_path / "one.svg", tmp_path / "two.svg"]
    for output in drawn:
        balance_figure.run(balance=tables, figures=FigureSettings(model_colour="#445566"), output=output)
    assert drawn[0].read_bytes() == drawn[1].read_bytes()
    assert "#445566" in drawn[0].read_text()
    words = texts(drawn[0])
    assert "K562: 3 contacts," in words
    assert "3 negatives (given)" in words
    assert "NA: 3 contacts," in words
    assert "3 negatives (distance matched)" in words
    assert words.count("distance alone: AUROC 0.78") == 2
    assert "enhancer gives away 33% of contacts" in words
    assert "one class only" in words
    assert words.count("contacts") == words.count("negatives") == 1, "one key for all"
    assert {"1 kb", "10 kb"} <= set(words)
    assert not re.search("nan", drawn[0].read_text())
