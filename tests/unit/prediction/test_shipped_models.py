"""The models that come with the package are whole, and their cards say what is in them."""

from __future__ import annotations

import pytest

from cbat.cli import main
from cbat.config.shipped_models import SHIPPED, directory_of
from cbat.model.about import CARD, DESCRIPTION, check_hashes, read_description
from cbat.prediction.landscape_card import landscape_card
from cbat.prediction.shared_landscape import MEAN, read_landscape

TRAINED_ON = {"contact": ["GM12878", "HeLa-S3", "IMR90", "K562", "NHEK"], "regulation": ["K562"]}


@pytest.mark.parametrize("name", SHIPPED)
def test_a_model_is_whole(name: str) -> None:
    directory = directory_of(name)
    check_hashes(directory)
    about, _ = read_description(directory / DESCRIPTION)
    assert (about.name, about.training.label_kind, about.training.simulated) == (name, name, False)
    assert [line.cell_line for line in about.training.lines] == TRAINED_ON[name]
    assert (directory / CARD).read_text() == landscape_card(about, read_landscape(directory))


@pytest.mark.parametrize("name", SHIPPED)
def test_both_assemblies_have_the_mean_track_and_genes(name: str) -> None:
    shared = {one: read_landscape(directory_of(name), assembly=one) for one in ("hg19", "hg38")}
    for landscape in shared.values():
        assert set(landscape.assemblies) == set(shared)
        assert landscape.lines == (MEAN,)
        assert set(landscape.tracks["cell_line"]) == {MEAN}
        assert set(landscape.tracks["kind"]) == set(landscape.kinds)
        assert len(landscape.tracks) > 200_000
        assert len(landscape.starts) > 20_000
    one, other = (landscape.tracks["chrom"].value_counts() for landscape in shared.values())
    assert ((one / other - 1.0).abs() < 0.1)[lambda same: same.index.str.fullmatch("chr[0-9X]+")].all()


def test_figures_are_of_lines_or_chromosomes_that_were_held_out() -> None:
    for name, role in (("contact", "unseen"), ("regulation", "seen")):
        about, _ = read_description(directory_of(name) / DESCRIPTION)
        own = [one for one in about.figures if (one.metric, one.negatives) == ("aupr", "natural")]
        assert {one.role for one in own} == {role}
        assert {one.chromosomes for one in own} == {"folds"}
        assert {one.cell_line for one in own} == set(TRAINED_ON[name])
        assert {"own", "graph", "enhancers_alone"} <= {one.context for one in own}
        beside = {"static", "abc", "enhancer_share"} | ({"transepi"} if name == "contact" else set())
        assert set(about.reference_figures) == beside
        assert all(about.reference_figures[reference] for reference in beside)


def test_the_list_names_both(capsys) -> None:
    assert main(["models"]) == 0
    told = capsys.readouterr().out
    assert all(name in told for name in SHIPPED)
    assert "hg38, hg19" in told
    assert main(["model", "show", "regulation"]) == 0
    assert "regulation, seed 1" in capsys.readouterr().out
