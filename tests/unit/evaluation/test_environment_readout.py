"""What the stage says of cell lines, and what it must not read."""

from __future__ import annotations

import json
import shutil
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from cbat.config.models import ModelSettings
from cbat.config.sections import EvaluationSettings, ReadoutSettings
from cbat.data.shards import read_shard
from cbat.data.stored import write_manifest
from cbat.errors import UserError
from cbat.evaluation import environment_readout, readout_figure
from cbat.files import write_json
from cbat.graph.propagation import load_graph
from cbat.model.bundle import TrainedModel, save_model
from cbat.model.calibration import Calibration
from cbat.model.contact import ContactModel
from cbat.model.encoder import MotifEncoder
from cbat.training.episodes import build_training_data

MOTIFS = {"alpha": "GATTACAGATTC", "beta": "CCGGAATTTGGC", "gamma": "TTGACGTCACGA"}
TISSUES = ["one", "two"]
SETTINGS = EvaluationSettings(support_sizes=[0, 16, 96], headline_support=96)


def probabilities(word: str) -> np.ndarray:
    return np.array([[0.94 if base == letter else 0.02 for base in "ACGT"] for letter in word])


@pytest.fixture(scope="module")
def motif_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("motifs") / "known.meme"
    parts = ["MEME version 4\n\nALPHABET= ACGT\n"]
    for name, word in MOTIFS.items():
        rows = "\n".join(" ".join(f"{value:.2f}" for value in row) for row in probabilities(word))
        parts.append(f"MOTIF X.1 {name}\nletter-probability matrix: alength= 4 w= {len(word)}\n{rows}\n")
    path.write_text("\n".join(parts))
    return path


@pytest.fixture(scope="module")
def save(tiny_project, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Save a model with a graph of two tissues; what is read does not depend on its energies."""

    def build(*, graph: str = "prototype") -> Path:
        directory = tmp_path_factory.mktemp("model")
        nodes = [{"name": line, "kind": "cell_line"} for line in tiny_project.train]
        nodes += [{"name": tissue, "kind": "tissue"} for tissue in TISSUES]
        edges = [
            {"source": line, "target": TISSUES[row % 2], "kind": "tissue", "weight": 1.0}
            for row, line in enumerate(tiny_project.train)
        ]
        write_json(directory / "graph.json", {"nodes": nodes, "edges": edges})
        filters = np.log(np.stack([probabilities(word).T for word in MOTIFS.values()]) / 0.25)
        encoder = MotifEncoder(torch.from_numpy(filters).float(), torch.full((3,), 0.4))
        settings = ModelSettings(support_size=96, graph=graph)
        shards = [read_shard(tiny_project.shard(line)) for line in tiny_project.train]
        graph = load_graph(directory / "graph.json")
        data = build_training_data(shards, tiny_project.train, encoder, graph, settings)
        model = TrainedModel(
            settings, encoder, ContactModel(3, settings), data.statistics, data.teacher,
            data.deviations, data.counts, Calibration.single(1.0), 0.5, {},
        )  # fmt: skip
        save_model(directory, model)
        return directory

    return build


@pytest.fixture(scope="module")
def read(tiny_project, save, motif_file: Path, tmp_path_factory) -> Callable[..., Path]:
    """Run the stage."""
    model = save()

    def run(*, lines=tiny_project.unseen, shard=tiny_project.shard, **over) -> Path:
        directory = tmp_path_factory.mktemp("readout")
        given = {
            "model_directory": model,
            "calibration_shards": [tiny_project.shard(line) for line in tiny_project.train],
            "shards": [shard(line) for line in lines],
            "stated_tissues": dict.fromkeys(lines, "one"),
            "settings": SETTINGS,
            "readout": ReadoutSettings(motifs=motif_file, n_motifs=2),
        }  # fmt: skip
        environment_readout.run(**given | over, threads=1, directory=directory)
        return directory

    return run


@pytest.fixture(scope="module")
def readout(read) -> Path:
    return read()


def table(directory: Path, name: str) -> pd.DataFrame:
    return pd.read_csv(directory / f"{name}.tsv", sep="\t", na_values="-")


def rewrite_manifest(directory: Path, **over: str) -> None:
    """Make a changed shard whole again."""
    content = json.loads((directory / "manifest.json").read_text())
    files = {name: {} for name in content.pop("files")}
    content.pop("sha256")
    write_manifest(directory, content | over, files)


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_posteriors_are_probabilities_of_every_line_and_size(readout: Path, tiny_project) -> None:
    tissues = table(readout, "tissue_posterior")
    shares = tissues[["posterior_one", "posterior_two"]]
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, atol=2e-4)
    assert list(zip(tissues["cell_line"], tissues["n_support"], strict=True)) == [
        (line, size) for line in tiny_project.unseen for size in (16, 96)
    ]
    assert (tissues["role"] == "unseen").all()
    np.testing.assert_allclose(tissues["probability"], shares.max(axis=1))
    nodes = table(readout, "line_posterior")
    np.testing.assert_allclose(nodes.groupby(["cell_line", "n_support"])["posterior"].sum(), 1.0, atol=1e-3)
    assert set(nodes["node"]) == {*tiny_project.train, *TISSUES}


def test_a_seen_line_is_read_without_itself(read, tiny_project) -> None:
    line = tiny_project.train[0]
    nodes = table(read(lines=[line]), "line_posterior")
    assert set(nodes.loc[nodes["kind"] == "cell_line", "node"]) == set(tiny_project.train) - {line}
    assert (nodes["role"] == "seen").all()


def test_a_lines_own_supports_name_it_when_it_is_known(read, tiny_project, tmp_path: Path) -> None:
    """The same shard under another name: a line that is in truth a known one."""
    copy = tmp_path / "double"
    shutil.copytree(tiny_project.shard("train_3"), copy)
    rewrite_manifest(copy, cell_line="double")
    nodes = table(read(lines=["double"], shard=lambda line: copy), "line_posterior")
    nodes = nodes[(nodes["kind"] == "cell_line") & (nodes["n_support"] == 96)]
    assert nodes.loc[nodes["posterior"].idxmax(), "node"] == "train_3"


def test_motifs_are_named_and_point_where_the_truth_does(readout: Path, tiny_project) -> None:
    found = table(readout, "deviating_motifs")
    assert list(found["rank"]) == [1, 2] * len(tiny_project.unseen)
    names = list(MOTIFS)
    mean = np.mean([tiny_project.activity[line] for line in tiny_project.train], axis=0)
    for row in found.itertuples():
        assert row.motif == names[row.channel]
        assert row.consensus == MOTIFS[row.motif]
        assert row.similarity > 0.99
        assert row.direction == ("up" if row.deviation > 0 else "down")
    strongest = found[found["rank"] == 1]
    truth = [(tiny_project.activity[row.cell_line] - mean)[row.channel] for row in strongest.itertuples()]
    assert (np.sign(truth) == np.sign(strongest["deviation"])).all()


def test_the_calibration_says_what_it_was_fitted_to_and_what_it_only_reports(
    readout: Path, tiny_project
) -> None:
    rows = table(readout, "calibration").set_index(["purpose", "n_support"])
    assert set(rows.index) == {(purpose, size) for purpose in ("fitted", "reported") for size in (16, 96)}
    assert rows.loc[("fitted", 96), "n_lines"] == len(tiny_project.train)
    assert rows.loc[("reported", 96), "n_lines"] == len(tiny_project.unseen)
    assert rows[["top1_accuracy", "mean_top_probability"]].stack().between(0, 1).all()
    assert json.loads((readout / "calibration.json").read_text())["lines"] == sorted(tiny_project.train)


def test_unseen_lines_and_what_is_stated_of_them_decide_nothing(readout: Path, read, tiny_project) -> None:
    other = read(lines=tiny_project.unseen[:1], stated_tissues={tiny_project.unseen[0]: "two"})
    assert (other / "calibration.json").read_bytes() == (readout / "calibration.json").read_bytes()
    for name in ("tissue_posterior", "line_posterior", "deviating_motifs"):
        one, two = table(readout, name), table(other, name)
        one = one[one["cell_line"] == tiny_project.unseen[0]]
        drop = [column for column in ("stated_tissue",) if column in one]
        pd.testing.assert_frame_equal(
            one.drop(columns=drop).reset_index(drop=True), two.drop(columns=drop), check_dtype=False
        )


def test_an_unseen_line_cannot_calibrate(read, tiny_project) -> None:
    with pytest.raises(UserError, match="'unseen_0' is not among those that the model was trained"):
        read(calibration_shards=[tiny_project.shard(line) for line in [*tiny_project.train, "unseen_0"]])


def test_no_label_is_read(readout: Path, read, tiny_project, tmp_path: Path) -> None:
    def scrambled(line: str) -> Path:
        copy = tmp_path / line
        shutil.copytree(tiny_project.shard(line), copy)
        pairs = pd.read_parquet(copy / "pairs.parquet")
        rng = np.random.default_rng(0)
        pairs.assign(label=rng.permutation(pairs["label"].to_numpy())).to_parquet(
            copy / "pairs.parquet", index=False
        )
        rewrite_manifest(copy)
        assert (read_shard(copy).pairs["label"] != read_shard(tiny_project.shard(line)).pairs["label"]).any()
        return copy

    calibration = [scrambled(line) for line in tiny_project.train]
    assert contents(read(shard=scrambled, calibration_shards=calibration)) == contents(readout)


def test_a_model_without_graph_still_names_lines_and_motifs(save, read, tmp_path: Path) -> None:
    directory = read(model_directory=save(graph="none"))
    tissues = table(directory, "tissue_posterior")
    assert not [name for name in tissues if name.startswith("posterior_")]
    assert set(table(directory, "line_posterior")["kind"]) == {"cell_line"}
    assert not len(table(directory, "calibration"))
    assert "no tissues" in texts(draw(directory, tmp_path / "figure.svg"))


def draw(directory: Path, output: Path, n_support: int = 96) -> Path:
    readout_figure.run(
        tissue_posterior=directory / "tissue_posterior.tsv",
        deviating_motifs=directory / "deviating_motifs.tsv",
        n_support=n_support,
        output=output,
    )
    return output


def texts(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return ["".join(element.itertext()).strip() for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_the_figure_says_what_it_shows(readout: Path, tiny_project, tmp_path: Path) -> None:
    path = draw(readout, tmp_path / "one.svg")
    found = texts(path)
    motifs = table(readout, "deviating_motifs")
    assert {*tiny_project.unseen, *TISSUES, *motifs["motif"]} <= set(found)
    assert {f"{value:+.1f}" for value in motifs["deviation"]} <= set(found)
    rows = table(readout, "tissue_posterior").query("n_support == 96")
    shares = rows[["posterior_one", "posterior_two"]].to_numpy().ravel()
    percentages = [f"{100 * share:.0f}" for share in shares]
    assert all(found.count(text) >= percentages.count(text) for text in percentages)
    assert "What support sets of 96 elements say of each cell line" in found
    assert any("framed: the tissue that the sheet states" in text for text in found)
    frame = "stroke: #e0a030"
    assert path.read_text().count(frame) == len(tiny_project.unseen), "one frame for each stated tissue"
    assert path.read_bytes() == draw(readout, tmp_path / "two.svg").read_bytes()


def test_a_figure_of_another_table_or_size_is_refused(readout: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="support sets of 5 elements"):
        draw(readout, tmp_path / "figure.svg", n_support=5)
    (tmp_path / "tissue_posterior.tsv").write_text("a\tb\n1\t2\n")
    shutil.copy(readout / "deviating_motifs.tsv", tmp_path)
    with pytest.raises(UserError, match="no column 'cell_line'"):
        draw(tmp_path, tmp_path / "figure.svg")
