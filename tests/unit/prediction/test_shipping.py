"""A model that ships: two assemblies in one directory, no tracks of single lines, figures of other lines."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from landscape_world import CHROMOSOMES, EVALUATION, KINDS, LENGTH, NEW, LandscapeWorld, pack, write_world

from cbat.cli import main
from cbat.config import shipped_models
from cbat.errors import UserError
from cbat.landscape.expected_tracks import mean_track
from cbat.landscape.features import columns_of
from cbat.landscape.tracks import read_tracks
from cbat.model.about import check_hashes, read_description
from cbat.prediction import shipping
from cbat.prediction.line_landscape import LineLandscape, as_pairs
from cbat.prediction.near_pairs import NearPairs
from cbat.prediction.plan import read_elements
from cbat.prediction.shared_landscape import MEAN, OTHER, read_landscape

SHIFT = 37_300
"""From the first assembly to the second one, bp."""


@dataclass(frozen=True)
class Shipped:
    """A world, and the model that ships of it."""

    world: LandscapeWorld
    directory: Path

    @property
    def model(self) -> Path:
        return self.directory / "contact"

    def shifted(self, path: Path, by: int = SHIFT) -> Path:
        """A file of intervals in another assembly."""
        output = self.directory / f"{by}_{path.name}"
        rows = [line.split("\t") for line in path.read_text().splitlines()]
        moved = [[row[0], str(int(row[1]) + by), str(int(row[2]) + by), *row[3:]] for row in rows]
        output.write_text("".join("\t".join(row) + "\n" for row in moved))
        return output


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Shipped:
    """To be read only."""
    directory = tmp_path_factory.mktemp("shipped")
    world = write_world(directory / "world")
    found = Shipped(world, directory)
    pack(world, directory / "package", expectation="mean_track")
    ship(found, directory / "package", found.model)
    return found


def ship(shipped: Shipped, package: Path, directory: Path, **over) -> None:
    chain = shipped.directory / "one_to_two.chain"
    length = LENGTH + 2 * SHIFT
    blocks = [
        f"chain 1 {chrom} {LENGTH} + 0 {LENGTH} {chrom} {length} + {SHIFT} {LENGTH + SHIFT} {number}\n"
        f"{LENGTH}\n"
        for number, chrom in enumerate(CHROMOSOMES)
    ]
    chain.write_text("\n".join(blocks))
    given = {
        "package": package, "name": "contact", "figures": shipped.world.result("evaluation/metrics.tsv"),
        "evaluation": EVALUATION, "assembly": "one", "other_assembly": "two", "chain": chain,
        "other_genes": shipped.shifted(shipped.world.genes), "directory": directory,
    }  # fmt: skip
    shipping.run(**given | over)


def predict(shipped: Shipped, directory: Path, by: int, *options: str, model: str | None = None) -> int:
    raw = shipped.world.raw
    files = {name: shipped.shifted(raw(f"{name}.bed"), by) for name in ("enhancers", "promoters")}
    tracks = [f"{kind}={shipped.shifted(shipped.world.track(kind), by)}" for kind in KINDS]
    return main(
        ["predict", "--model", model or str(shipped.model), "--candidates", str(files["enhancers"]),
         "--promoters", str(files["promoters"]), "--tracks", *tracks, "--cell-line", NEW,
         "--directory", str(directory), *options]
    )  # fmt: skip


def scored(directory: Path) -> pd.DataFrame:
    return pd.read_parquet(directory / "pairs").sort_values(["chrom", "enhancer_start", "promoter_start"])


def environment(directory: Path) -> dict:
    return json.loads((directory / "environment.json").read_text())


def test_no_tracks_of_single_lines_are_in_the_directory(shipped: Shipped) -> None:
    tracks = pd.read_parquet(shipped.model / "tracks.parquet")
    assert tracks["cell_line"].unique().tolist() == [MEAN]
    opened = {line: read_tracks(shipped.world.result(f"tracks/{line}.parquet")) for line in "abc"}
    mean, columns = mean_track(opened), ["kind", "chrom", "start", "end", "centre", "strand", "activity"]
    for assembly, by in (("one", 0), ("two", SHIFT)):
        known = read_landscape(shipped.model, assembly=assembly).tracks
        moved = mean.assign(**{name: mean[name] + by for name in ("start", "end", "centre")})
        moved = moved[moved["activity"].round(2) > 0.0]
        order = ["kind", "chrom", "start"]
        pd.testing.assert_frame_equal(
            known.sort_values(order, ignore_index=True)[columns],
            moved.sort_values(order, ignore_index=True)[columns],
            check_dtype=False,
            rtol=0.0,
            atol=0.0051,
        )


def test_the_law_is_the_one_for_new_lines_and_figures_are_those_of_the_table(shipped: Shipped) -> None:
    assert list(read_landscape(shipped.model).law.members) == ["all"]
    about, _ = read_description(shipped.model / "model.json")
    assert about.name == "contact"
    table = pd.read_csv(shipped.world.result("evaluation/metrics.tsv"), sep="\t")
    rows = table.query("context == 'own' and negatives == 'natural' and metric == 'aupr'")
    found = [one.value for one in about.figures if one.context == "own" and one.metric == "aupr"]
    assert rows["value"].iloc[0] in found
    card = (shipped.model / "MODEL_CARD.md").read_text()
    assert "Files of one and two" in card
    assert "the mean of the ranked peaks" in card
    check_hashes(shipped.model)


def test_the_same_package_makes_the_same_bytes(shipped: Shipped, tmp_path: Path) -> None:
    ship(shipped, shipped.directory / "package", tmp_path / "again")
    assert (tmp_path / "again" / "SHA256SUMS").read_bytes() == (shipped.model / "SHA256SUMS").read_bytes()


def test_either_assembly_is_found_and_gives_the_same_scores(shipped: Shipped, tmp_path: Path) -> None:
    for by, name in ((0, "one"), (SHIFT, "two")):
        assert predict(shipped, tmp_path / name, by) == 0
        told = environment(tmp_path / name)
        assert told["assembly"]["name"] == name
        assert told["landscape"]["own_kinds"] == list(KINDS)
    one, two = scored(tmp_path / "one"), scored(tmp_path / "two")
    assert (two["enhancer_start"].to_numpy() - one["enhancer_start"].to_numpy() == SHIFT).all()
    np.testing.assert_array_equal(one["score"].to_numpy(), two["score"].to_numpy())


def test_files_of_no_known_assembly_ask_for_a_word(shipped: Shipped, tmp_path: Path, capsys) -> None:
    assert predict(shipped, tmp_path / "line", 13_700) == 2
    told = capsys.readouterr().err
    assert "the assembly of the files cannot be determined" in told
    assert "--assembly" in told
    assert not (tmp_path / "line").exists()


def test_another_assembly_needs_genes_and_speaks_alone(shipped: Shipped, tmp_path: Path, capsys) -> None:
    assert predict(shipped, tmp_path / "line", 13_700, "--assembly", "mm10") == 2
    assert "no genes are given" in capsys.readouterr().err
    genes = ["--genes", str(shipped.shifted(shipped.world.genes, 13_700))]
    assert predict(shipped, tmp_path / "line", 13_700, "--assembly", "mm10", *genes) == 0
    told = environment(tmp_path / "line")
    assert told["assembly"]["name"] == OTHER
    assert told["landscape"]["expected_kinds"] == []
    assert "unknown_assembly" in {one["kind"] for one in told["warnings"]}


def test_a_kind_that_nobody_knows_there_counts_as_an_average_one(shipped: Shipped, tmp_path: Path) -> None:
    """Without insulators, own or expected, the score is that of a law without the terms of insulators."""
    raw, by = shipped.world.raw, 13_700
    files = {name: shipped.shifted(raw(f"{name}.bed"), by) for name in ("enhancers", "promoters")}
    kinds = [kind for kind in KINDS if kind != "insulators"]
    arguments = [
        "predict", "--model", str(shipped.model), "--candidates", str(files["enhancers"]), "--promoters",
        str(files["promoters"]), "--genes", str(shipped.shifted(shipped.world.genes, by)),
        "--assembly", "mm10",
        "--tracks", *(f"{kind}={shipped.shifted(shipped.world.track(kind), by)}" for kind in kinds),
        "--directory", str(tmp_path / "line"),
    ]  # fmt: skip
    assert main(arguments) == 0
    line = LineLandscape.read(tmp_path / "line")
    assert line.sources.silent == ("insulators",)
    shared = read_landscape(shipped.model, assembly=OTHER)
    tables = read_elements(tmp_path / "line", "chr1")
    near = NearPairs.of(tables["enhancer"], tables["promoter"], 0, 400_000)
    pairs = as_pairs(tables, next(iter(near.pieces(1 << 12))))
    own, graph = line.standardised(line.reader(shared, "chr1"), pairs)
    assert (own[:, columns_of("insulators")] == 0.0).all()
    assert (graph[:, columns_of("insulators")] == 0.0).all()
    assert own[:, columns_of("active_enhancers")].std() > 0.1


def test_promoters_and_enhancers_of_two_assemblies_are_refused(
    shipped: Shipped, tmp_path: Path, capsys
) -> None:
    raw = shipped.world.raw
    arguments = [
        "predict", "--model", str(shipped.model), "--candidates", str(raw("promoters.bed")), "--promoters",
        str(shipped.shifted(raw("promoters.bed"))), "--directory", str(tmp_path / "line"),
    ]  # fmt: skip
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert "at transcription starts of one, and the line is taken for two" in told
    assert "lift_over" in told


def test_a_word_that_the_files_contradict_is_refused(shipped: Shipped, tmp_path: Path, capsys) -> None:
    assert predict(shipped, tmp_path / "line", 0, "--assembly", "two") == 2
    assert "at transcription starts of one" in capsys.readouterr().err


def test_peaks_of_a_training_line_are_known_again(shipped: Shipped, tmp_path: Path) -> None:
    raw = shipped.world.raw
    arguments = [
        "predict", "--model", str(shipped.model), "--candidates", str(raw("enhancers.bed")), "--promoters",
        str(raw("promoters.bed")), "--tracks", f"insulators={shipped.world.track('insulators', 'a')}",
        "--directory", str(tmp_path / "line"),
    ]  # fmt: skip
    assert main(arguments) == 0
    told = {one["kind"]: one["message"] for one in environment(tmp_path / "line")["warnings"]}
    assert "the insulators are those of a" in told["training_line"]


def test_tracks_of_single_lines_do_not_ship(shipped: Shipped, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tracks of single lines.*mean_track"):
        ship(shipped, shipped.world.model, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_table_without_figures_of_the_model_is_refused(shipped: Shipped, tmp_path: Path) -> None:
    table = pd.read_csv(shipped.world.result("evaluation/metrics.tsv"), sep="\t").assign(model="other")
    table.to_csv(tmp_path / "metrics.tsv", sep="\t", index=False)
    with pytest.raises(UserError, match="no metrics of the model 'full'"):
        ship(shipped, shipped.directory / "package", tmp_path / "out", figures=tmp_path / "metrics.tsv")


def test_a_name_is_a_model_of_the_package(shipped: Shipped, tmp_path: Path, monkeypatch, capsys) -> None:
    for name in shipped_models.SHIPPED:
        shutil.copytree(shipped.model, tmp_path / name)
    monkeypatch.setattr(shipped_models, "directory_of", lambda name: tmp_path / name)
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert "one, two" in told
    assert "a, b, c" in told
    assert predict(shipped, tmp_path / "line", 0, model="contact") == 0
    capsys.readouterr()
    assert main(["model", "show", "contact"]) == 0
    assert "contact, seed 1" in capsys.readouterr().out


def test_names_without_chr_are_no_other_assembly(shipped: Shipped, tmp_path: Path, capsys) -> None:
    bare = {}
    for name in ("enhancers", "promoters"):
        bare[name] = tmp_path / f"{name}.bed"
        bare[name].write_text(shipped.world.raw(f"{name}.bed").read_text().replace("chr", ""))
    arguments = [
        "predict", "--model", str(shipped.model), "--candidates", str(bare["enhancers"]), "--promoters",
        str(bare["promoters"]), "--directory", str(tmp_path / "line"),
    ]  # fmt: skip
    assert main(arguments) == 2
    assert "--contig-names" in capsys.readouterr().err


def test_a_typo_of_a_model_is_told(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["model", "show", "contcat"]) == 2
    assert "no model and no folder called 'contcat' (did you mean 'contact'?)" in capsys.readouterr().err
