"""The report says what was read of each line, and whether its support sets are those of its pairs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from docutils.core import publish_parts

from cbat.config.sheets import TRACK_KINDS
from cbat.errors import UserError
from cbat.evaluation.input_report import (
    COLUMNS,
    OF_PAIRS,
    TRACK_COLUMNS,
    of_pairs_alone,
    run,
    support_in_words,
    tracks_in_words,
)


def mention(line: str, role: str, file: str, *, bed: bool, candidates: bool, out: int = 0) -> dict:
    return {
        "cell_line": line, "role": role, "file": file, "candidates": candidates, "bed": bed, "intervals": 9,
        "left_out_on_chromosomes_of_no_split": out, "left_out_near_promoters": out,
    }  # fmt: skip


TRAINING = {
    "files": [
        mention("a", "enhancer", "a.tsv", bed=False, candidates=False, out=7),
        mention("a", "enhancer", "a.bed", bed=True, candidates=True, out=2),
        mention("a", "promoter", "a.tsv", bed=False, candidates=True, out=1),
    ],
    "candidates": {"a": {"enhancer": 30, "promoter": 5}},
}
UNSEEN = {
    "files": [
        mention("u", "enhancer", "u.tsv", bed=False, candidates=True),
        mention("u", "promoter", "u.tsv", bed=False, candidates=True),
    ],
    "candidates": {"u": {"enhancer": 3, "promoter": 2}},
}
LABELS = {
    "a": {
        "rows": 20,
        "pairs": 16,
        "positives": 8,
        "left_out": {"listed_again": 3, "without_sequence": 1, "x": 0},
    },
    "u": {"rows": 10, "pairs": 10, "positives": 4, "left_out": {"listed_again": 0}},
}


def track_report(line: str, *kinds: str, alike: bool = False, strands: dict[str, object] | None = None):
    """What read_tracks says of a line with some kinds of track."""
    known = {
        kind: {
            "file": f"{line}.{kind}.bed", "peaks_read": 120, "kept": 90, "signal": "score",
            "all_peaks_alike": alike, "of_these_with_many_of_another_kind": [],
        }
        for kind in kinds
    }  # fmt: skip
    if strands is not None:
        known["insulators"]["strands"] = strands
    return {"cell_line": line, "kinds": known, "missing": [kind for kind in TRACK_KINDS if kind not in kinds]}


def made(
    directory: Path,
    support_elements: list[str],
    tracks: Sequence[Path] = (),
    expected_from: Sequence[str] = (),
) -> tuple[pd.DataFrame, str]:
    for name, content in ({"training": TRAINING, "unseen": UNSEEN} | LABELS).items():
        (directory / f"{name}.json").write_text(json.dumps(content))
    run(
        cell_lines=["a", "u"],
        labels=[directory / "a.json", directory / "u.json"],
        elements=[directory / "training.json", directory / "unseen.json"],
        support_elements=support_elements,
        table=directory / "inputs.tsv",
        first_page=directory / "inputs.rst",
        tracks=tracks,
        expected_from=expected_from,
    )
    page = publish_parts(
        (directory / "inputs.rst").read_text(),
        writer_name="html",
        settings_overrides={"halt_level": 2, "report_level": 2},
    )["html_body"]
    return pd.read_csv(directory / "inputs.tsv", sep="\t"), " ".join(page.split())


def test_every_line_has_its_counts_and_the_source_of_its_candidates(tmp_path: Path) -> None:
    table, page = made(tmp_path, ["enhancer"])
    assert list(table.columns) == COLUMNS
    assert table.to_numpy().tolist() == [
        [
            "a",
            20,
            16,
            8,
            4,
            "listed_again 3; without_sequence 1",
            30,
            "a.bed",
            4,
            "on_chromosomes_of_no_split 2; near_promoters 2",
            5,
            OF_PAIRS,
            2,
            "on_chromosomes_of_no_split 1; near_promoters 1",
        ],
        ["u", 10, 10, 4, 0, ".", 3, OF_PAIRS, 0, ".", 2, OF_PAIRS, 0, "."],
    ]
    assert "The support sets of u are drawn from the enhancers of the pairs" in page
    assert "Of 30 rows of the pair tables 4 were left out" in page
    assert "the pairs of a: 4 of 20 records are left out (listed again: 3 (15.0%), without" in page
    assert "a.bed: 4 of 9 records are left out (on chromosomes of no split: 2 (22.2%), near" in page
    assert "pairs of u:" not in page


def test_tracks_are_listed_and_what_a_line_lacks_is_told(tmp_path: Path) -> None:
    reports = [
        track_report("a", *TRACK_KINDS, strands={"source": "column 6 of the peaks", "+": 40, "-": 50}),
        track_report("u", "insulators", alike=True, strands={"source": "none: both", "+": 0, "-": 0}),
    ]
    paths = [tmp_path / f"{report['cell_line']}_tracks.json" for report in reports]
    for path, report in zip(paths, reports, strict=True):
        path.write_text(json.dumps(report))
    table, page = made(tmp_path, [], paths)
    assert list(table.columns) == [*COLUMNS, *TRACK_COLUMNS]
    table = table.set_index("cell_line")
    assert table.loc["a", "active_enhancers_from"] == "a.active_enhancers.bed"
    assert table["insulators_kept"].tolist() == [90, 90]
    assert table.loc["u", ["active_enhancers_from", "active_enhancers_peaks"]].tolist() == [".", 0]
    assert table["insulators_strands"].tolist() == ["column 6 of the peaks", "none: both"]
    assert "No peaks of active enhancers were given for u: there the graph alone says" in page
    assert "All peaks count alike, because their signal does not vary: the insulators of u." in page
    assert "The insulators of u have no strands" in page
    assert "The strands of insulators come from column 6 of the peaks (a)." in page
    # No support sets are drawn here, so nothing is said of them.
    assert "upport sets" not in page
    with pytest.raises(UserError, match="no report of read_tracks is about 'u'"):
        made(tmp_path, [], paths[:1])


def test_kinds_that_no_law_can_learn_of_are_told() -> None:
    reports = {"a": track_report("a", "insulators"), "u": track_report("u", "active_enhancers")}
    reports["a"]["kinds"]["insulators"]["of_these_with_many_of_another_kind"] = ["chr2"]
    said = " ".join(tracks_in_words(reports, ["a"]))
    assert (
        "No training line has peaks of active enhancers, so nothing is learned of them, and those of u"
        in said
    )
    assert "No peaks of insulators were given for u: there the graph alone says" in said
    assert "No line has peaks of active promoters: they play no part." in said
    assert "a has no insulators on chr2, where its other tracks have peaks." in said


def test_windows_without_a_known_base_are_counted(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(TRAINING, "unknown_windows", {"enhancer": 3, "promoter": 0})
    _, page = made(tmp_path, ["enhancer"])
    assert "The genome has no known base in 3 enhancers: their pairs stay" in page


def test_roles_that_support_sets_do_not_hold_say_nothing(tmp_path: Path) -> None:
    reports = [TRAINING, UNSEEN]
    assert of_pairs_alone(["a", "u"], reports, ["enhancer"]) == {"u": ["enhancer"]}
    both = ["enhancer", "promoter"]
    assert of_pairs_alone(["a", "u"], reports, both) == {"a": ["promoter"], "u": both}
    words = support_in_words(of_pairs_alone(["a", "u"], reports, both))
    assert "sets of a are drawn from the promoters of the pairs" in words
    assert "sets of u are drawn from the enhancers and promoters of the pairs" in words
    assert "not independent of the choice of the labelled pairs" in words


def test_lines_with_candidate_files_of_their_own_are_said_to_have_them() -> None:
    assert of_pairs_alone(["a"], [TRAINING], ["enhancer"]) == {}
    assert "which no label influenced" in support_in_words({})


def test_a_line_or_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        UserError, match="no report of collect_elements has the enhancers of the cell line 'b'"
    ):
        of_pairs_alone(["b"], [TRAINING], ["enhancer"])
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(UserError, match=r"a\.json: the report cannot be read"):
        run(
            cell_lines=["a"], labels=[tmp_path / "a.json"], elements=[], support_elements=["enhancer"],
            table=tmp_path / "t.tsv", first_page=tmp_path / "t.rst",
        )  # fmt: skip
    assert not (tmp_path / "t.tsv").exists()
