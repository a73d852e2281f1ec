"""In Python a prediction has the numbers of the command line, and its faults have the same words."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from landscape_world import KINDS, NEW, LandscapeWorld

import cbat
from cbat.api.predicting import Options
from cbat.api.predicting import predict as api_predict
from cbat.cli import main
from cbat.commands.signatures import signature_of
from cbat.config.shipped_models import SHIPPED, directory_of
from cbat.prediction.explanation_files import write_table
from cbat.prediction.tracks import BEDPE_COLUMNS

FARTHEST = 100_000
NARROW_PEAK = ["chrom", "start", "end", "name", "score", "strand", "signalValue", "pValue", "qValue", "peak"]


def given(world: LandscapeWorld) -> dict:
    """What both are asked for, as paths."""
    return {
        "candidates": world.raw("enhancers.bed"),
        "promoters": world.raw("promoters.bed"),
        "genes": world.genes,
        "tracks": {kind: world.track(kind) for kind in KINDS},
        "cell_line": NEW,
        "tissue": "blood",
        "max_distance": FARTHEST,
    }


def words(world: LandscapeWorld, directory: Path, **over: object) -> list[str]:
    """The same on the command line."""
    found = ["predict", "--model", str(world.model), "--directory", str(directory)]
    for name, value in (given(world) | over).items():
        values = [f"{kind}={path}" for kind, path in value.items()] if isinstance(value, dict) else [value]
        found += [f"--{name.replace('_', '-')}", *map(str, values)]
    return found


def as_frame(path: Path) -> pd.DataFrame:
    """A table whose columns have names, in another order than in the file."""
    table = pd.read_csv(path, sep="\t", header=None)
    table.columns = NARROW_PEAK[: table.shape[1]]
    return table[sorted(table.columns)]


@pytest.fixture(scope="module")
def finished(landscape_world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """By the command line; to be read only."""
    directory = tmp_path_factory.mktemp("command") / "line"
    assert main(words(landscape_world, directory)) == 0
    return directory


@pytest.fixture(scope="module")
def told(finished: Path) -> pd.DataFrame:
    """The table of predictions of the command line."""
    table = pd.read_csv(finished / "predictions.bedpe.gz", sep="\t", na_values={"abc": "."})
    return table.rename(columns={"#chrom1": "chrom1"})


def check_same(table: pd.DataFrame, told: pd.DataFrame) -> None:
    assert tuple(table.columns) == BEDPE_COLUMNS
    assert len(table) == len(told) > 500
    for name in BEDPE_COLUMNS:
        if name in ("probability_low", "probability_high"):
            assert table[name].isna().all()
            assert (told[name] == ".").all()
        else:
            pd.testing.assert_series_equal(table[name], told[name], check_dtype=False, check_exact=True)


def test_paths_give_the_table_of_the_command_line(landscape_world, told, finished) -> None:
    table = cbat.predict(landscape_world.model, **given(landscape_world))
    check_same(table, told)
    assert table["contact"].dtype == bool
    environment = json.loads((finished / "environment.json").read_text())
    assert table.attrs["warnings"] == [one["message"] for one in environment["warnings"]]


def test_tables_give_the_same(landscape_world, told) -> None:
    world = landscape_world
    frames = {name: as_frame(given(world)[name]) for name in ("candidates", "promoters", "genes")}
    tracks = cbat.read_tracks(**{kind: as_frame(world.track(kind)) for kind in KINDS})
    model = cbat.load_model(world.model)
    check_same(cbat.predict(model, **given(world) | frames | {"tracks": tracks}), told)


def test_a_folder_holds_what_the_command_writes(landscape_world, finished, told, tmp_path) -> None:
    directory = tmp_path / "line"
    check_same(cbat.predict(landscape_world.model, **given(landscape_world), directory=directory), told)
    for path in finished.iterdir():
        if path.is_file() and not path.name.startswith("."):
            assert (directory / path.name).read_bytes() == path.read_bytes(), path.name


def test_explanations_are_those_of_the_command(landscape_world, finished, told, tmp_path) -> None:
    model = str(landscape_world.model)
    pair = told.loc[told["score"].idxmax()]
    elements = {"enhancer": pair["enhancer_id"], "promoter": pair["promoter_id"]}
    for name, asked in (("pair", elements), ("line", {})):
        options = [part for role, one in asked.items() for part in (f"--{role}", one)]
        command = ["explain", "--model", model, "--prediction", str(finished), *options]
        assert main([*command, "--directory", str(tmp_path / name)]) == 0
        table = cbat.explain(model, finished, **asked)
        write_table(tmp_path / "own.tsv", table)
        assert (tmp_path / "own.tsv").read_bytes() == (tmp_path / name / "explanation.tsv").read_bytes()
        assert table.attrs["summary"] == json.loads((tmp_path / name / "explanation.json").read_text())
        kept = tmp_path / f"{name}_kept"
        cbat.explain(model, finished, **asked, directory=kept)
        assert (kept / "explanation.svg").read_bytes() == (tmp_path / name / "explanation.svg").read_bytes()


@pytest.mark.parametrize(
    "over",
    [
        {"candidates": Path("none.bed")},
        {"tracks": {"H3K27ac": Path("none.bed")}},
        {"min_distance": 50_000, "max_distance": 40_000},
        {"precision": 1.5},
        {"cell_line": "a b"},
        {"threads": 0},
    ],
    ids=["missing file", "kind of track", "distances", "setting", "name", "threads"],
)
def test_faults_have_the_words_of_the_command(landscape_world, over, tmp_path, capsys) -> None:
    assert main(words(landscape_world, tmp_path / "line", **over)) == 2
    message = capsys.readouterr().err.splitlines()[-1].removeprefix("cbat predict: error: ")
    with pytest.raises(cbat.UserError) as raised:
        cbat.predict(landscape_world.model, **given(landscape_world) | over)
    assert str(raised.value) == message


def test_an_unknown_model_and_half_a_pair_are_told_as_by_the_command(finished, capsys, tmp_path) -> None:
    assert main(["model", "show", "regulatoin"]) == 2
    message = capsys.readouterr().err.strip().removeprefix("cbat model show: error: ")
    with pytest.raises(cbat.UserError) as raised:
        cbat.load_model("regulatoin")
    assert str(raised.value) == message
    with pytest.raises(cbat.UserError, match="the enhancer of a pair is named, and not its promoter"):
        cbat.explain("regulation", finished, enhancer="chr1:1-2")


def test_a_full_disk_is_told_as_by_the_command(landscape_world, finished, monkeypatch, tmp_path) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("cbat.prediction.explanation_files.write_table", full)
    with pytest.raises(cbat.UserError, match="no space is left on the device") as raised:
        cbat.explain(landscape_world.model, finished, directory=tmp_path / "line")
    assert "Fix: " in str(raised.value)


def test_a_fault_of_a_table_names_its_row(landscape_world) -> None:
    frame = as_frame(given(landscape_world)["candidates"])
    frame.loc[7, "start"] = frame.loc[7, "end"]
    with pytest.raises(cbat.UserError) as raised:
        cbat.predict(landscape_world.model, **given(landscape_world) | {"candidates": frame})
    assert str(raised.value).startswith("the DataFrame candidates, row 7 (counted from 0, as by iloc): ")
    assert "ends where or before it starts" in str(raised.value)


def test_a_table_without_a_column_is_told(landscape_world) -> None:
    frame = as_frame(given(landscape_world)["candidates"])
    with pytest.raises(cbat.UserError, match="the DataFrame candidates has no column 'end'"):
        cbat.predict("regulation", candidates=frame.drop(columns="end"))
    with pytest.raises(cbat.UserError, match="two columns of the DataFrame candidates are 'chrom'"):
        cbat.predict("regulation", candidates=frame.assign(chr="chr1"))


def test_a_folder_with_a_file_of_the_user_is_refused(landscape_world, tmp_path) -> None:
    (tmp_path / "genes.tsv").write_text("mine\n")
    with pytest.raises(cbat.UserError):
        cbat.predict(landscape_world.model, **given(landscape_world), directory=tmp_path)
    assert (tmp_path / "genes.tsv").read_text() == "mine\n"


def test_columns_without_names_are_those_of_the_file(landscape_world) -> None:
    path = landscape_world.track("insulators")
    named, headless = as_frame(path), pd.read_csv(path, sep="\t", header=None)
    one, other, file = (cbat.read_tracks(insulators=given) for given in (named, headless, path))
    pd.testing.assert_frame_equal(one.peaks, other.peaks)
    pd.testing.assert_frame_equal(one.peaks, file.peaks)
    assert repr(file) == f"<cbat tracks insulators: {len(file.peaks)} peaks>"
    assert file.report["insulators"]["format"] == "narrowPeak"
    assert len(cbat.read_tracks().peaks) == 0


def test_names_strands_and_summits_may_be_missing(landscape_world) -> None:
    frame = as_frame(landscape_world.track("insulators"))
    frame["peak"] = frame["peak"].astype(float)
    dots = frame.copy()
    frame.loc[3, ["name", "strand"]], frame.loc[4, "peak"] = None, None
    dots.loc[3, ["name", "strand"]], dots.loc[4, "peak"] = ".", -1.0
    one, other = (cbat.read_tracks(insulators=given).peaks for given in (frame, dots))
    pd.testing.assert_frame_equal(one, other)
    assert len(one) == len(cbat.read_tracks(insulators=landscape_world.track("insulators")).peaks)


def test_a_missing_signal_is_a_fault_of_its_row(landscape_world) -> None:
    frame = as_frame(landscape_world.track("insulators"))
    frame.loc[5, "signalValue"] = None
    with pytest.raises(cbat.UserError, match="the DataFrame insulators, row 5 "):
        cbat.read_tracks(insulators=frame)


def test_candidates_with_a_signal_are_the_active_enhancers(landscape_world) -> None:
    peaks = landscape_world.track("active_enhancers")
    asked = given(landscape_world) | {"tracks": None}
    one, other = (
        cbat.predict(landscape_world.model, **asked | {"candidates": source})
        for source in (peaks, as_frame(peaks))
    )
    pd.testing.assert_frame_equal(one, other)
    assert one["abc"].notna().any()


def test_labelled_pairs_and_expression_may_be_tables(landscape_world, told, tmp_path) -> None:
    expressed = pd.DataFrame({"gene": told["name"].unique()})
    expressed["TPM"] = [5.0 if place % 2 else 0.0 for place in range(len(expressed))]
    expressed.to_csv(tmp_path / "expressed.tsv", sep="\t", index=False)
    pairs = landscape_world.raw("pairs.tsv")
    asked = given(landscape_world) | {"cell_line": "other"}
    one = cbat.predict(landscape_world.model, **asked, expressed=tmp_path / "expressed.tsv", calibrate=pairs)
    other = cbat.predict(
        landscape_world.model, **asked, expressed=expressed, calibrate=pd.read_csv(pairs, sep="\t")
    )
    pd.testing.assert_frame_equal(one, other)
    assert 0 < len(one) < len(told)
    assert (one["probability"].iloc[:100].to_numpy() != told["probability"].iloc[:100].to_numpy()).any()


@pytest.mark.parametrize("name", SHIPPED)
def test_a_model_that_is_loaded_says_what_it_is(name: str, capsys) -> None:
    model = cbat.load_model(name)
    assert (model.name, model.predicts, model.directory) == (name, name, directory_of(name))
    assert not model.reads_sequences
    assert model.cell_lines
    assert repr(model).startswith(f"<cbat model '{name}': predicts {name}, trained on ")
    assert main(["model", "show", name]) == 0
    assert capsys.readouterr().out == model.describe() + "\n"
    assert {model: 1}[cbat.load_model(directory_of(name))] == 1
    assert model.card == (directory_of(name) / "MODEL_CARD.md").read_text()


def test_every_option_of_the_command_is_a_parameter_with_its_default() -> None:
    verb = {one.name: one.default for one in signature_of("cbat.commands.prediction:predict").parameters}
    mine = dict(api_predict.__kwdefaults__)
    named = {"model", "candidates", "directory", *mine, *Options.__annotations__}
    assert named == set(verb)
    for name, default in mine.items():
        assert name == "directory" or default == verb[name], name


def test_an_unknown_option_is_refused(landscape_world) -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'tisue'"):
        cbat.predict("regulation", candidates="none.bed", tisue="blood")


def test_the_import_brings_neither_pandas_nor_torch_and_a_law_never_torch(landscape_world) -> None:
    world = {name: str(getattr(landscape_world, name)) for name in ("model", "genes")}
    candidates = str(landscape_world.raw("enhancers.bed"))
    code = "\n".join(
        [
            "import sys, cbat",
            "heavy = {'torch', 'pandas', 'numpy', 'pydantic', 'pyarrow'}",
            "assert not heavy & set(sys.modules), heavy & set(sys.modules)",
            "assert set(cbat.__all__) <= set(dir(cbat))",
            "cbat.evaluate, cbat.read_tracks",
            f"cbat.predict({world['model']!r}, candidates={candidates!r}, genes={world['genes']!r}, "
            "chromosomes=['chr1'])",
            "assert 'torch' not in sys.modules",
        ]
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_every_exported_name_is_there() -> None:
    from cbat import api

    assert sorted(cbat.__all__) == cbat.__all__ == api.__all__
    assert all(getattr(cbat, name) is getattr(api, name) for name in cbat.__all__)
    with pytest.raises(AttributeError, match="module 'cbat' has no attribute 'predcit'"):
        _ = cbat.predcit
