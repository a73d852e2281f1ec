"""Signals at the candidates of a new line: ranked among them, read by the law, and told of where unread."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pybigtools
import pytest
from landscape_world import KINDS, LENGTH, NEW, LandscapeWorld, write_world

from cbat.cli import main
from cbat.landscape.element_signals import rank_signal
from cbat.landscape.features import NAMES
from cbat.model.about import write_checksums

FEATURES = ("accessibility_at_enhancer", "log_signals_at_enhancer")
WEIGHTS = {"accessibility_at_enhancer": -0.4, "log_signals_at_enhancer": -1.2}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> LandscapeWorld:
    """A model whose law reads signals beside its tracks; to be read only."""
    made = write_world(tmp_path_factory.mktemp("signals"))
    law = json.loads((made.model / "law.json").read_text())
    for fit in law["members"].values():
        blocks = {"linear": 1, "ramps": 3}[fit["shape"]]
        n = len(fit["features"])
        fit["features"] = [*fit["features"], *FEATURES]
        for key in ("own_weights", "graph_weights"):
            parts = [fit[key][n * block : n * (block + 1)] for block in range(blocks)]
            fit[key] = [weight for part in parts for weight in (*part, *WEIGHTS.values())]
    (made.model / "law.json").write_text(json.dumps(law))
    about = json.loads((made.model / "landscape.json").read_text())
    assert about["signals"] == []
    about["signals"] = ["accessibility", "enhancer_mark"]
    (made.model / "landscape.json").write_text(json.dumps(about))
    write_checksums(made.model)
    return made


@pytest.fixture(scope="module")
def given(world) -> dict[str, Path]:
    """A bigWig of accessibility, and a table of the mark with a column of cell types."""
    candidates = pd.read_csv(world.raw("enhancers.bed"), sep="\t", header=None).iloc[:, :3]
    candidates.columns = ["chrom", "start", "end"]
    rng = np.random.default_rng(4)
    candidates = candidates.sort_values(["chrom", "start"]).assign(value=rng.gamma(1.0, 3.0, len(candidates)))
    writer = pybigtools.open(str(world.raw("atac.bw")), "w")
    lengths = dict.fromkeys(sorted(candidates["chrom"].unique()), LENGTH)
    writer.write(lengths, candidates.itertuples(index=False, name=None))
    table = candidates.rename(columns={"chrom": "#chrom", "value": "H3K27ac.RPM"}).assign(CellType=NEW)
    other = table.assign(CellType="another", **{"H3K27ac.RPM": 1e6})
    pd.concat([table, other]).to_csv(world.raw("h3k27ac.tsv"), sep="\t", index=False)
    return {"accessibility": world.raw("atac.bw"), "enhancer_mark": world.raw("h3k27ac.tsv")}


def predict(world, directory: Path, signals: dict[str, Path], *options: str, kinds: Sequence[str] = KINDS):
    named = ["--model", world.model, "--candidates", world.raw("enhancers.bed"), "--cell-line", NEW]
    named += ["--promoters", world.raw("promoters.bed"), "--directory", directory]
    named += ["--tissue", "blood", "--chromosomes", "chr1", "--max-distance", "400000"]
    tracks = ["--tracks", *(f"{kind}={world.track(kind)}" for kind in kinds)] if kinds else []
    given = ["--element-signals", *(f"{name}={path}" for name, path in signals.items())] if signals else []
    column = ["--signals", "enhancer_mark=H3K27ac.RPM"] if "enhancer_mark" in signals else []
    return main([*map(str, ["predict", *named, *tracks, *given]), *column, *options])


def environment(directory: Path) -> dict:
    return json.loads((directory / "environment.json").read_text())


def cautions(directory: Path) -> dict[str, str]:
    return {one["kind"]: one["message"] for one in environment(directory)["warnings"]}


def scored(directory: Path) -> pd.DataFrame:
    return pd.read_parquet(directory / "pairs").sort_values(["enhancer_id", "promoter_id"], ignore_index=True)


@pytest.fixture(scope="module")
def finished(world, given, tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("finished") / "line"
    assert predict(world, directory, given) == 0
    return directory


def test_signals_are_ranked_among_all_candidates_and_change_the_scores(
    world, finished, tmp_path: Path
) -> None:
    signals = pd.read_parquet(finished / "prepared" / "signals.parquet")
    n = len(pd.read_csv(world.raw("enhancers.bed"), sep="\t", header=None))
    assert len(signals) == n
    np.testing.assert_allclose(
        np.sort(signals["r_accessibility"]), rank_signal((np.arange(n) + 0.5) / n), atol=1e-6
    )
    # The two files hold the same numbers, and so does their geometric mean.
    np.testing.assert_allclose(signals["r_both"], signals["r_accessibility"], atol=1e-3)
    assert not {"missing_signals", "unread_signals"} & set(cautions(finished))
    known = environment(finished)["landscape"]["signals"]
    assert known["accessibility"]["format"] == "bigWig"
    assert known["accessibility"]["candidates"] == n
    assert known["enhancer_mark"]["of_other_cell_types"] == n
    assert predict(world, tmp_path / "line", {}) == 0
    both = scored(finished).merge(scored(tmp_path / "line"), on=["enhancer_id", "promoter_id"])
    gained = both["score_x"] - both["score_y"]
    chrom1 = signals[signals["chrom"] == "chr1"].set_index("centre")["r_both"]
    centre = both["enhancer_id"].str.extract(r":(\d+)-(\d+)$").astype(int).mean(axis=1).astype(int)
    assert gained.corr(centre.map(chrom1), method="spearman") > 0.95
    assert "accessibility and enhancer_mark" in cautions(tmp_path / "line")["missing_signals"]


def test_a_line_with_one_of_two_signals_is_told(world, given, tmp_path: Path) -> None:
    only = {"accessibility": given["accessibility"]}
    assert predict(world, tmp_path / "line", only, kinds=[]) == 0
    told = cautions(tmp_path / "line")
    assert "no enhancer_mark is given: accessibility stands for both" in told["missing_signals"]
    assert "beside accessibility" in told["no_tracks"]


def test_signals_that_a_model_does_not_read_are_told(world, given, tmp_path: Path) -> None:
    shutil.copytree(world.model, tmp_path / "model")
    about = json.loads((tmp_path / "model" / "landscape.json").read_text())
    # A model of an earlier version does not speak of signals, and its law reads none.
    del about["signals"]
    (tmp_path / "model" / "landscape.json").write_text(json.dumps(about))
    law = json.loads((world.directory / "results" / "law.json").read_text())
    law["features"] = [name for name in NAMES if name not in FEATURES]
    (tmp_path / "model" / "law.json").write_text(json.dumps(law))
    write_checksums(tmp_path / "model")
    other = replace(world)
    for signals, name in ((given, "with"), ({}, "without")):
        arguments = ["--model", str(tmp_path / "model")]
        assert predict(other, tmp_path / name, signals, *arguments) == 0
    assert (
        "learned nothing about accessibility or enhancer_mark"
        in cautions(tmp_path / "with")["unread_signals"]
    )
    assert "missing_signals" not in cautions(tmp_path / "without")
    np.testing.assert_array_equal(scored(tmp_path / "with")["score"], scored(tmp_path / "without")["score"])


def test_labelled_pairs_of_elements_that_are_no_candidates_are_scored(world, given, tmp_path: Path) -> None:
    bed = pd.read_csv(world.raw("enhancers.bed"), sep="\t", header=None)
    bed.iloc[::2].to_csv(tmp_path / "half.bed", sep="\t", header=False, index=False)
    calibrated = ("--calibrate", str(world.raw("pairs.tsv")), "--candidates", str(tmp_path / "half.bed"))
    assert predict(world, tmp_path / "line", given, *calibrated) == 0
    report = json.loads((tmp_path / "line" / "calibration.json").read_text())
    assert report["pairs"] > 100


def test_the_terms_of_a_pair_name_the_signals(world, finished, tmp_path: Path) -> None:
    pair = scored(finished).iloc[70]
    named = ["--enhancer", pair["enhancer_id"], "--promoter", pair["promoter_id"]]
    fixed = ["--model", str(world.model), "--prediction", str(finished), "--directory", str(tmp_path)]
    assert main(["explain", *fixed, *named]) == 0
    table = pd.read_csv(tmp_path / "explanation.tsv", sep="\t").set_index("label")
    assert set(table.loc[[*FEATURES], "part"]) == {"signals"}
    assert (table.loc[[*FEATURES], "own_share"] == 1.0).all()
    summary = json.loads((tmp_path / "explanation.json").read_text())
    assert summary["R_E"]["by_kind"]["signals"] == pytest.approx(
        table.loc[[*FEATURES], "change"].sum(), abs=1e-6
    )


def test_the_model_says_that_it_reads_signals(world, capsys) -> None:
    assert main(["model", "show", str(world.model)]) == 0
    assert "signals: accessibility and enhancer_mark at the candidate enhancers" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("signals", "options", "message"),
    [
        (
            {"acessibility": "atac.bw"},
            (),
            "--element-signals names 'acessibility' (did you mean 'accessibility'?)",
        ),
        ({"accessibility": "none.bw"}, (), "does not exist"),
        ({"accessibility": "promoters.bed"}, (), "the intervals have no numbers for accessibility"),
        ({"accessibility": "h3k27ac.tsv"}, (), "--signals accessibility does not say which"),
        ({}, ("--signals", "accessibility=5"), "and no track of this kind is given"),
    ],
)
def test_a_mistake_is_one_message(
    world, given, tmp_path: Path, capsys, signals: dict, options: tuple, message: str
) -> None:
    paths = {name: world.raw(file) for name, file in signals.items()}
    assert predict(world, tmp_path / "line", paths, *options) != 0
    told = capsys.readouterr().err
    assert message in told
    assert "Traceback" not in told
    assert "Fix" in told
