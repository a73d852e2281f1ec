"""A law of the landscape predicts a new line from tracks, without a genome, and says whose they are."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pysam
import pytest
from landscape_world import KINDS, NEW, LandscapeWorld, own_energies, pack, refused

from cbat.cli import main
from cbat.data.stored import write_table
from cbat.files import write_json
from cbat.landscape.law import moments, standardised
from cbat.model.about import read_description, write_checksums
from cbat.prediction.card import figures
from cbat.prediction.shared_landscape import EDGES, distance_class, distance_shares, read_landscape
from cbat.prediction.tracks import BEDPE_COLUMNS
from cbat.written import RECORD

OUTPUTS = {
    "calibration.json", "contacts.bedpe", "contacts.interact", "contacts.longrange.gz",
    "contacts.longrange.gz.tbi", "enhancers.tsv", "environment.json", "genes.tsv", "index.html",
    "predictions.bedpe.gz",
    "predictions.bedpe.gz.tbi", "progress.json", "summary.tsv",
}  # fmt: skip


def command(world: LandscapeWorld, directory: Path, *options: str, kinds=KINDS, **files: Path) -> list[str]:
    given = {
        "model": world.model, "candidates": world.raw("enhancers.bed"),
        "promoters": world.raw("promoters.bed"), "directory": directory,
    } | {name.replace("_", "-"): path for name, path in files.items()}  # fmt: skip
    named = [part for name, path in given.items() for part in (f"--{name}", str(path))]
    tracks = ["--tracks", *(f"{kind}={world.track(kind)}" for kind in kinds)] if kinds else []
    return ["predict", *named, *tracks, "--cell-line", NEW, "--tissue", "blood", *options]


def scored(directory: Path) -> pd.DataFrame:
    return pd.read_parquet(directory / "pairs").sort_values(["enhancer_id", "promoter_id"], ignore_index=True)


def environment(directory: Path) -> dict:
    return json.loads((directory / "environment.json").read_text())


@pytest.fixture(scope="module")
def finished(landscape_world, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """To be read only."""
    directory = tmp_path_factory.mktemp("finished") / "line"
    assert main(command(landscape_world, directory, "--max-distance", "400000")) == 0
    return directory


def test_all_outputs_are_there_and_no_torch_is_imported(landscape_world, tmp_path: Path) -> None:
    arguments = command(landscape_world, tmp_path / "line", "--chromosomes", "chr1")
    code = f"import sys; from cbat.cli import main; assert main({arguments!r}) == 0; "
    code += "assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    assert {path.name for path in (tmp_path / "line").iterdir() if path.is_file()} == OUTPUTS | {RECORD}
    with pysam.TabixFile(str(tmp_path / "line" / "predictions.bedpe.gz")) as table:
        assert sum(1 for _ in table.fetch("chr1")) == len(scored(tmp_path / "line")) > 500


def test_scores_of_labelled_pairs_are_close_to_those_of_the_evaluation(landscape_world, finished) -> None:
    labelled = own_energies(landscape_world)
    both = labelled.merge(scored(finished), on=["enhancer_id", "promoter_id"], validate="one_to_one")
    assert len(both) == len(labelled) > 1000
    difference = both["score"] - both["expected"]
    assert np.corrcoef(both["score"], both["expected"])[0, 1] > 0.99
    assert abs(difference.mean()) < 0.25
    assert difference.std() < 0.15 * both["expected"].std()
    # All candidate pairs are farther apart than the labelled ones: their own mean would tell another story.
    assert scored(finished)["distance"].median() > 1.5 * labelled["distance"].median()


def test_mean_and_deviation_are_weighted_like_training_distances() -> None:
    rng = np.random.default_rng(2)
    distance = rng.integers(1000, 400_000, 20_000)
    columns = np.log(distance)[:, None].astype(np.float32)
    chosen = rng.random(20_000) < 5000 / distance
    shares = distance_shares([distance[chosen]])
    own = distance_shares([distance])
    weight = (shares / np.maximum(own, 1e-12))[distance_class(distance)]
    weighted, wanted, plain = moments(columns, weight), moments(columns[chosen]), moments(columns)
    assert abs(weighted.mean - wanted.mean) < 0.05 < 0.5 < abs(plain.mean - wanted.mean)
    assert weighted.deviation == pytest.approx(wanted.deviation, rel=0.05)
    np.testing.assert_allclose(standardised(columns, weight).mean() + weighted.mean / weighted.deviation,
                               columns.mean() / weighted.deviation, rtol=1e-3)  # fmt: skip


def test_classes_of_distance_hold_every_distance() -> None:
    assert distance_class(np.array([0, 1, 999, 1000, 10**9])).tolist() == [0, 0, 0, 0, len(EDGES) - 2]
    assert distance_shares([]).sum() == 0.0
    assert distance_shares([np.array([2000, 2000, 50_000]), np.array([50_000])]).sum() == pytest.approx(1.0)


def test_scores_depend_on_no_other_chromosome_and_no_bound(landscape_world, finished, tmp_path: Path) -> None:
    options = ("--chromosomes", "chr4", "--max-distance", "90000", "--threads", "1")
    assert main(command(landscape_world, tmp_path / "line", *options)) == 0
    part = scored(tmp_path / "line")
    both = part.merge(scored(finished), on=["enhancer_id", "promoter_id"], validate="one_to_one")
    assert len(both) == len(part) > 100
    np.testing.assert_array_equal(both["score_x"], both["score_y"])


def test_two_processes_write_the_same_bytes(landscape_world, finished, tmp_path: Path) -> None:
    options = ("--max-distance", "400000", "--threads", "2")
    assert main(command(landscape_world, tmp_path / "line", *options)) == 0
    for name in OUTPUTS - {"progress.json"}:
        assert (tmp_path / "line" / name).read_bytes() == (finished / name).read_bytes(), name


def test_where_each_track_comes_from_is_written_down(landscape_world, finished, tmp_path: Path) -> None:
    known = environment(finished)["landscape"]
    assert known["own_kinds"] == [*KINDS]
    assert known["expected_kinds"] == known["missing_kinds"] == []
    assert known["kinship"]["a"] > known["kinship"]["b"]
    assert known["tracks"]["insulators"]["strands"]["source"] == "column 6 of the peaks"
    some = command(landscape_world, tmp_path / "line", "--chromosomes", "chr1", kinds=["insulators"])
    assert main(some) == 0
    known = environment(tmp_path / "line")["landscape"]
    assert known["own_kinds"] == ["insulators"]
    assert known["expected_kinds"] == ["active_enhancers", "active_promoters"]
    assert known["own_share"]["active_enhancers"] == 0.0
    both = scored(tmp_path / "line").merge(scored(finished), on=["enhancer_id", "promoter_id"])
    assert 0.01 < np.abs(both["score_x"] - both["score_y"]).mean() < 2.0


def test_without_any_track_training_lines_speak_alone(
    landscape_world, finished, tmp_path: Path, caplog
) -> None:
    assert main(command(landscape_world, tmp_path / "line", "--max-distance", "400000", kinds=[])) == 0
    assert [one["kind"] for one in environment(tmp_path / "line")["warnings"]] == ["no_tracks"]
    assert "the Teacher alone" in caplog.text
    page = (tmp_path / "line" / "index.html").read_text()
    assert "No track is of the line itself." in page
    labelled = own_energies(landscape_world)
    both = labelled.merge(scored(tmp_path / "line"), on=["enhancer_id", "promoter_id"])
    alone = both["score"][both["label"] == 1].mean() - both["score"][both["label"] == 0].mean()
    assert alone > 0.5
    # The stated tissue weighs the training lines.
    other = command(landscape_world, tmp_path / "skin", "--max-distance", "400000", kinds=[])
    assert main([*other, "--tissue", "skin"]) == 0
    assert environment(tmp_path / "skin")["landscape"]["kinship"]["b"] > 0.5
    assert not np.allclose(scored(tmp_path / "skin")["score"], scored(tmp_path / "line")["score"])


def test_a_training_line_is_left_out_of_its_own_expectation(landscape_world, tmp_path: Path) -> None:
    arguments = command(landscape_world, tmp_path / "line", "--chromosomes", "chr1", kinds=[])
    assert main([*arguments, "--cell-line", "a"]) == 0
    assert environment(tmp_path / "line")["landscape"]["kinship"].keys() == {"b", "c"}
    assert "training_line" in warned(tmp_path / "line")


def warned(directory: Path) -> dict[str, str]:
    return {one["kind"]: one["message"] for one in environment(directory)["warnings"]}


def predicted_with(world: LandscapeWorld, directory: Path, *options: str, **given) -> dict[str, str]:
    """Warnings of a prediction on one chromosome."""
    assert main([*command(world, directory, "--chromosomes", "chr1", **given), *options]) == 0
    return warned(directory)


def test_candidates_and_genes_do(landscape_world, tmp_path: Path) -> None:
    """Promoters are the starts of the genes, or of the model's; peaks with a signal are a track."""
    peaks = tmp_path / "peaks.narrowPeak"
    table = pd.read_csv(landscape_world.track("active_enhancers"), sep="\t", header=None)
    table.to_csv(peaks, sep="\t", header=False, index=False)
    found = {}
    for name, more in {"given": ["--genes", str(landscape_world.genes)], "of the model": []}.items():
        directory = tmp_path / name
        arguments = ["--model", str(landscape_world.model), "--candidates", str(peaks)]
        assert (
            main(["predict", *arguments, *more, "--directory", str(directory), "--chromosomes", "chr1"]) == 0
        )
        known = environment(directory)["landscape"]
        assert known["own_kinds"] == ["active_enhancers"]
        assert known["expected_kinds"] == ["active_promoters", "insulators"]
        found[name] = pd.read_csv(directory / "genes.tsv", sep="\t")
    pd.testing.assert_frame_equal(found["given"], found["of the model"])
    genes = pd.read_csv(landscape_world.genes, sep="\t", header=None)
    assert set(found["given"]["gene"]) == set(genes.loc[genes[0] == "chr1", 3])
    plain = tmp_path / "plain.bed"
    table[[0, 1, 2]].to_csv(plain, sep="\t", header=False, index=False)
    arguments = ["--model", str(landscape_world.model), "--candidates", str(plain)]
    assert main(["predict", *arguments, "--directory", str(tmp_path / "plain"), "--chromosomes", "chr1"]) == 0
    assert environment(tmp_path / "plain")["landscape"]["own_kinds"] == []


def test_the_longest_distance_is_that_of_the_model(landscape_world, tmp_path: Path) -> None:
    about, _ = read_description(landscape_world.model / "model.json")
    assert main(command(landscape_world, tmp_path / "out", "--chromosomes", "chr1")) == 0
    longest = about.training.distances[1]
    assert 0.9 * longest < scored(tmp_path / "out")["distance"].max() <= longest
    assert "long_distances" not in warned(tmp_path / "out")


def test_activity_by_contact_stands_beside_every_pair(landscape_world, tmp_path: Path) -> None:
    assert main(command(landscape_world, tmp_path / "own", "--chromosomes", "chr1")) == 0
    assert scored(tmp_path / "own")["abc"].between(0.0, 1.0).all()
    assert scored(tmp_path / "own")["abc"].max() > 0.05
    none = command(landscape_world, tmp_path / "none", "--chromosomes", "chr1", kinds=["insulators"])
    assert main(none) == 0
    assert scored(tmp_path / "none")["abc"].isna().all()
    with pysam.TabixFile(str(tmp_path / "none" / "predictions.bedpe.gz")) as table:
        assert next(iter(table.fetch("chr1"))).split("\t")[BEDPE_COLUMNS.index("abc")] == "."


def test_a_tissue_that_the_model_does_not_know_is_told(landscape_world, tmp_path: Path) -> None:
    told = predicted_with(landscape_world, tmp_path / "line", "--tissue", "bloud")["unknown_tissue"]
    assert "did you mean 'blood'?" in told
    assert "skin" in told


def test_peaks_of_a_training_line_under_another_name_are_told(landscape_world, tmp_path: Path) -> None:
    known = pd.read_parquet(landscape_world.result("tracks/a.parquet"))
    of_a = known[known["kind"] == "insulators"]
    bed = of_a.assign(name=".", score=of_a["activity"])[["chrom", "start", "end", "name", "score", "strand"]]
    bed.to_csv(tmp_path / "copy.bed", sep="\t", header=False, index=False)
    track = f"insulators={tmp_path / 'copy.bed'}"
    told = predicted_with(landscape_world, tmp_path / "line", "--tracks", track, kinds=[])
    assert "the insulators are those of a" in told["training_line"]


def test_peaks_that_no_line_of_the_model_has_are_told(landscape_world, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(landscape_world.model, model)
    known = pd.read_parquet(model / "tracks.parquet")
    write_table(model / "tracks.parquet", known[known["kind"] != "insulators"])
    about = json.loads((model / "landscape.json").read_text())
    write_json(model / "landscape.json", about | {"kinds": ["active_enhancers", "active_promoters"]})
    write_checksums(model)
    told = predicted_with(landscape_world, tmp_path / "line", model=model)
    assert "no line of the model had insulators" in told["unread_tracks"]
    assert "no_tracks" not in told
    write_table(model / "tracks.parquet", known[:0])
    write_json(model / "landscape.json", about | {"kinds": []})
    write_checksums(model)
    told = predicted_with(landscape_world, tmp_path / "other", model=model, kinds=[])
    assert "neither the line nor the model" in told["no_tracks"]


def repacked(model: Path, directory: Path, **training) -> Path:
    """A copy of a model directory whose description says something else of its training."""
    shutil.copytree(model, directory)
    path = directory / "model.json"
    content = json.loads(path.read_text())
    content["about"]["training"] |= training
    path.write_text(json.dumps(content))
    write_checksums(directory)
    return directory


def test_a_model_of_simulated_data_is_refused_on_other_files(landscape_world, tmp_path: Path, capsys) -> None:
    lengths = {"chr1": 1_000_000, "chr2": 1_000_000}
    model = repacked(landscape_world.model, tmp_path / "model", simulated=True, genome=lengths)
    arguments = command(landscape_world, tmp_path / "out", "--chromosomes", "chr1", model=model)
    assert main(arguments) == 2
    assert "--simulated-model" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "--simulated-model"]) == 0
    assert "simulated data alone" in warned(tmp_path / "out")["simulated_model"]


def test_a_precision_that_a_law_knows_sets_the_threshold(landscape_world, tmp_path: Path, capsys) -> None:
    known = read_landscape(landscape_world.model).fit.chosen["thresholds"]
    assert set(known) <= {"0.5", "0.7"}
    for precision, value in known.items():
        directory = tmp_path / precision
        assert (
            main([*command(landscape_world, directory, "--chromosomes", "chr1"), "--precision", precision])
            == 0
        )
        table = scored(directory)
        assert (table["contact"] == (table["probability"] >= value)).all()
        assert f"From probability {value:.4g} on" in (landscape_world.model / "MODEL_CARD.md").read_text()
    assert main([*command(landscape_world, tmp_path / "out"), "--precision", "0.93"]) == 2
    assert "knows no threshold for a precision of 0.93" in capsys.readouterr().err


def test_a_model_that_is_worth_nothing_says_so_everywhere(landscape_world, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(landscape_world.model, model)
    path = model / "model.json"
    content = json.loads(path.read_text())
    measured = {
        "cell_line": "d", "role": "unseen", "chromosomes": "test", "negatives": "natural", "context": "own",
        "n_support": 0, "metric": "aupr", "value": 0.3, "low": None, "high": None,
    }  # fmt: skip
    content["about"]["figures"] = [measured, measured | {"metric": "collapse_signs", "value": 2.0}]
    content["about"]["distance_figures"] = [measured | {"context": "-", "value": 0.31}]
    path.write_text(json.dumps(content))
    write_checksums(model)
    told = predicted_with(landscape_world, tmp_path / "out", model=model)
    assert "no better than the distance alone" in told["below_distance"]
    assert "has collapsed on d" in told["collapsed_model"]
    page = (tmp_path / "out" / "index.html").read_text()
    assert "no better than the distance alone" in page
    assert "has collapsed on d" in page
    about, _ = read_description(path)
    assert " ".join(figures(about)).count("do not use it") == 2
    fine = predicted_with(landscape_world, tmp_path / "fine")
    assert {"below_distance", "collapsed_model"}.isdisjoint(fine)


def test_a_chromosome_without_peaks_is_told(landscape_world, tmp_path: Path) -> None:
    lines = landscape_world.track("insulators").read_text().splitlines(keepends=True)
    there = _written(tmp_path / "some.narrowPeak", "".join(x for x in lines if not x.startswith("chr1\t")))
    told = predicted_with(landscape_world, tmp_path / "line", "--tracks", f"insulators={there}", kinds=[])
    assert "no peak of insulators on chr1," in told["empty_chromosomes"]


def test_few_candidates_do_where_all_peaks_are_given(landscape_world, tmp_path: Path) -> None:
    """The ways out that the message about few peaks names."""
    few = _few(landscape_world.track("active_enhancers"), tmp_path / "few.narrowPeak")
    told = predicted_with(landscape_world, tmp_path / "line", candidates=few)
    assert told["few_peaks"].startswith("the line has 359 of active_enhancers, ")
    three = tmp_path / "three.bed"
    pd.read_csv(few, sep="\t", header=None)[[0, 1, 2]].to_csv(three, sep="\t", header=False, index=False)
    told = predicted_with(landscape_world, tmp_path / "three", candidates=three, kinds=[])
    assert "few_peaks" not in told


def test_peaks_without_a_signal_are_told(landscape_world, tmp_path: Path) -> None:
    table = pd.read_csv(landscape_world.track("active_enhancers"), sep="\t", header=None)
    plain = tmp_path / "plain.bed"
    table[[0, 1, 2]].to_csv(plain, sep="\t", header=False, index=False)
    track = ("--tracks", f"active_enhancers={plain}")
    told = predicted_with(landscape_world, tmp_path / "line", *track, kinds=[])
    assert told["no_signal"].startswith("all peaks of active_enhancers count alike")
    assert "(there is no column 5)" in told["no_signal"]
    assert "All peaks of active_enhancers count alike" in (tmp_path / "line" / "index.html").read_text()
    # A file whose signalValue says nothing may have its signal elsewhere.
    table[6] = 0
    table[4] = range(len(table))
    flat = tmp_path / "flat.narrowPeak"
    table.to_csv(flat, sep="\t", header=False, index=False)
    track_of_scores = ("--tracks", f"active_enhancers={flat}")
    told = predicted_with(landscape_world, tmp_path / "flat", *track_of_scores, kinds=[])
    assert told["other_signal"].startswith("peaks of active_enhancers are ranked by column 5 (score), for")
    assert "ranked by column 5" in (tmp_path / "flat" / "index.html").read_text()
    # Who asks for no signal knows, and a signal that varies is one.
    asked = ("--signals", "active_enhancers=none")
    assert "no_signal" not in predicted_with(landscape_world, tmp_path / "asked", *track, *asked, kinds=[])
    assert "no_signal" not in predicted_with(landscape_world, tmp_path / "own")


def test_exchanged_files_of_elements_are_told(landscape_world, tmp_path: Path) -> None:
    enhancers, promoters = (landscape_world.raw(f"{name}.bed") for name in ("enhancers", "promoters"))
    told = predicted_with(landscape_world, tmp_path / "line", candidates=promoters, promoters=enhancers)
    assert "are the two files swapped?" in told["exchanged_roles"]
    assert "exchanged_roles" not in predicted_with(landscape_world, tmp_path / "right")


def test_motif_sites_that_nothing_reads_are_told(landscape_world, tmp_path: Path) -> None:
    sites = _written(tmp_path / "sites.bed", "chr1\t100\t119\tCTCF\t5\t+\n")
    options = ("--insulator-motifs", str(sites))
    told = predicted_with(landscape_world, tmp_path / "line", *options, kinds=[])
    assert "no track of insulators" in told["unused_motifs"]


def test_pairs_nearer_than_any_of_the_training_are_counted(landscape_world, tmp_path: Path) -> None:
    beds = {
        "candidates": _written(tmp_path / "enhancers.bed", "chr1\t100000\t100400\nchr1\t150000\t150400\n"),
        "promoters": _written(tmp_path / "promoters.bed", "chr1\t100100\t100500\nchr1\t190000\t190400\n"),
    }
    told = predicted_with(landscape_world, tmp_path / "line", "--min-distance", "0", **beds)
    assert told["short_distances"].startswith("1 pairs are less than")
    assert "cannot" not in told.get("assembly_unchecked", "")
    assert "too few promoters" in told["assembly_unchecked"]


def test_insulators_without_strands_take_those_of_training_lines(landscape_world, tmp_path: Path) -> None:
    plain = tmp_path / "ctcf.narrowPeak"
    table = pd.read_csv(landscape_world.track("insulators"), sep="\t", header=None)
    strand = table[5].copy()
    table[5] = "."
    table.to_csv(plain, sep="\t", header=False, index=False)
    arguments = command(landscape_world, tmp_path / "line", "--chromosomes", "chr1", kinds=[])
    assert main([*arguments, "--tracks", f"insulators={plain}"]) == 0
    strands = environment(tmp_path / "line")["landscape"]["tracks"]["insulators"]["strands"]
    assert strands["source"] == "insulators of the training lines at the same place"
    assert strands["+"] + strands["-"] > 0.9 * len(table)
    read = pd.read_parquet(tmp_path / "line" / "prepared" / "tracks.parquet")
    known = read.merge(table.assign(given=strand), left_on=["chrom", "start"], right_on=[0, 1])
    told = known[known["strand"] != "."]
    assert (told["strand"] == told["given"]).all()


def test_the_page_holds_the_tracks(finished: Path) -> None:
    page = (finished / "index.html").read_text()
    text = page[page.index('<script type="application/json" id="data">') :]
    data = json.loads(text[text.index(">") + 1 : text.index("</script>")])
    tracks = pd.read_parquet(finished / "prepared" / "tracks.parquet")
    for kind in KINDS:
        rows = tracks[(tracks["kind"] == kind) & (tracks["chrom"] == "chr2")]
        shown = data["tracks"][kind]["chr2"]
        assert np.cumsum(shown["start"]).tolist() == rows["start"].tolist()
        assert (np.array(shown["length"]) == (rows["end"] - rows["start"]).to_numpy()).all()
        assert ("strand" in shown) == (kind == "insulators")
    assert "Of the line itself: <b>active enhancers, active promoters, insulators (CTCF)</b>." in page
    assert "insulators (CTCF), of the line" in page


def test_labelled_pairs_refit_the_threshold_alone(landscape_world, finished, tmp_path: Path) -> None:
    arguments = command(landscape_world, tmp_path / "line", "--max-distance", "400000")
    assert main([*arguments, "--calibrate", str(landscape_world.raw("pairs.tsv"))]) == 0
    report = json.loads((tmp_path / "line" / "calibration.json").read_text())
    assert report["before"]["temperature"] == 1.0
    assert report["after"]["temperature"] == pytest.approx(1.0, abs=0.35)
    assert report["held_out"]["after"]["log_loss"] < 1.02 * report["held_out"]["before"]["log_loss"]
    np.testing.assert_array_equal(scored(tmp_path / "line")["score"], scored(finished)["score"])
    assert not np.array_equal(scored(tmp_path / "line")["probability"], scored(finished)["probability"])


def test_the_model_directory_says_what_was_measured(landscape_world, capsys) -> None:
    card = (landscape_world.model / "MODEL_CARD.md").read_text()
    assert "without a genome" in card
    assert "| u | unseen | own tracks |" in card
    assert "fold_1: chr1, chr2" in card
    assert main(["model", "show", str(landscape_world.model)]) == 0
    told = capsys.readouterr().out
    assert "active_enhancers: the line's own peaks count" in told
    shares = read_landscape(landscape_world.model).shares
    distances = pd.read_parquet(landscape_world.result("landscape/a/pairs.parquet"))["distance"]
    assert shares.sum() == pytest.approx(1.0)
    assert shares[distance_class(np.array([30_000]))[0]] == pytest.approx(
        (distance_class(distances.to_numpy()) == distance_class(np.array([30_000]))[0]).mean(), abs=0.02
    )


def test_the_same_law_is_packed_into_the_same_bytes(landscape_world, tmp_path: Path) -> None:
    pack(landscape_world, tmp_path / "again")
    sums = [(folder / "SHA256SUMS").read_text() for folder in (tmp_path / "again", landscape_world.model)]
    assert sums[0] == sums[1]


def explained(world, prediction: Path, directory: Path, *options: str) -> tuple[pd.DataFrame, dict]:
    fixed = ["--model", str(world.model), "--prediction", str(prediction)]
    assert main(["explain", *fixed, "--directory", str(directory), *options]) == 0
    table = pd.read_csv(directory / "explanation.tsv", sep="\t")
    assert (directory / "explanation.svg").read_text().count("<svg") == 1
    return table, json.loads((directory / "explanation.json").read_text())


def test_the_terms_of_a_pair_add_up(landscape_world, finished, tmp_path: Path) -> None:
    pair = scored(finished).iloc[700]
    named = ("--enhancer", pair["enhancer_id"], "--promoter", pair["promoter_id"])
    table, summary = explained(landscape_world, finished, tmp_path, *named)
    for quantity, column in (("U_I", "intrinsic_potential"), ("R_E", "environment_resistance")):
        parts = table[table["quantity"] == quantity]
        assert parts["change"].sum() == pytest.approx(pair[column], abs=2e-5)
    law = read_landscape(landscape_world.model).fit
    assert set(table.loc[table["quantity"] == "R_E", "label"]) == {"an average landscape", *law.features}
    total = summary["R_E"]["in_an_average_landscape"] + sum(summary["R_E"]["by_kind"].values())
    assert total == pytest.approx(summary["R_E"]["value"])
    between = table[table["label"] == "insulation_count"].iloc[0]
    assert between["part"] == "insulators"
    assert between["formula"] == "ln(1 + number between)"


def test_insulators_between_are_what_sets_contacts_apart(landscape_world, finished, tmp_path: Path) -> None:
    table, summary = explained(landscape_world, finished, tmp_path)
    assert summary["contacts"] == summary["other_pairs"] == 1000
    terms = table[(table["quantity"] == "R_E") & (table["part"] != "reference")]
    assert terms.groupby("part")["on_score"].sum().idxmax() == "insulators"
    assert sum(summary["share_of_the_spread"].values()) == pytest.approx(1.0)
    assert summary["share_of_the_spread"]["insulators"] > 0.2


def _renamed(path: Path, target: Path) -> Path:
    target.write_text(path.read_text().replace("chr", ""))
    return target


def _moved(path: Path, target: Path) -> Path:
    table = pd.read_csv(path, sep="\t", header=None)
    table[[1, 2]] += 37_000
    table.to_csv(target, sep="\t", header=False, index=False)
    return target


def _written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def _tracks(world: LandscapeWorld, folder: Path, *tracks: str) -> list[str]:
    """The command with these tracks alone."""
    return [*command(world, folder / "out", kinds=[]), "--tracks", *tracks]


def _few(path: Path, target: Path) -> Path:
    """The first 19 peaks, which lie on one chromosome."""
    target.write_text("".join(path.read_text().splitlines(keepends=True)[:19]))
    return target


FAR = "scaffold_7\t100\t300\n"
CRISPR = (
    "chrom\tchromStart\tchromEnd\tchrTSS\tstartTSS\tendTSS\tValidConnection\tCellType\tRegulated\n"
    "chr1\t100000\t100500\tchr1\t300000\t300001\tTRUE\tu\tTRUE\n"
)
REFUSED = {
    "an unknown kind": (
        lambda w, d: _tracks(w, d, f"insulator={w.track('insulators')}"),
        "--tracks names the kind 'insulator' (did you mean 'insulators'?)",
    ),
    "one file for two kinds": (
        lambda w, d: _tracks(
            w, d, *(f"{kind}={w.track('insulators')}" for kind in ("insulators", "active_enhancers"))
        ),
        "insulators and active_enhancers are the same file",
    ),
    "two names of one content": (
        lambda w, d: _tracks(
            w,
            d,
            f"insulators={w.track('insulators')}",
            f"active_enhancers={shutil.copy(w.track('insulators'), d / 'copy.narrowPeak')}",
        ),
        "are the same peaks",
    ),
    "no file": (lambda w, d: _tracks(w, d, "insulators=nowhere.bed"), "nowhere.bed: the file does not exist"),
    "an empty file": (
        lambda w, d: _tracks(w, d, f"insulators={_written(d / 'empty.bed', '')}"),
        "empty.bed",
    ),
    "tracks of another naming": (
        lambda w, d: _tracks(w, d, f"insulators={_renamed(w.track('insulators'), d / 'plain.narrowPeak')}"),
        "chromosomes are named like '1' here, but like 'chr1'",
    ),
    "candidates of another naming": (
        lambda w, d: command(w, d / "out", candidates=_renamed(w.raw("enhancers.bed"), d / "enhancers.bed")),
        "chromosomes are named like '1' here, but like 'chr1' in the landscape of the model",
    ),
    "no shared contig": (
        lambda w, d: _tracks(w, d, f"insulators={_written(d / 'far.bed', FAR)}"),
        "no chromosome of this file is in the landscape of the model",
    ),
    "a track of a few peaks": (
        lambda w, d: _tracks(w, d, f"insulators={_few(w.track('insulators'), d / 'few.narrowPeak')}"),
        "few.narrowPeak: 19 peaks are the track insulators, and a peak counts by its rank",
    ),
    "a few candidates that are a track": (
        lambda w, d: command(
            w, d / "out", kinds=[], candidates=_few(w.track("active_enhancers"), d / "few.narrowPeak")
        ),
        "give all peaks of the line as --tracks active_enhancers=FILE (in a configuration "
        "tracks.active_enhancers); the candidates may be few, or cut the candidates to three columns",
    ),
    "labelled pairs of another kind": (
        lambda w, d: [
            *command(w, d / "out", calibrate=_written(d / "crispr.tsv", CRISPR)),
        ],
        "crispr.tsv: pairs in the format encode_crispr say regulation, and the model 'full' predicts contact",
    ),
    "a table of similarities": (
        lambda w, d: command(w, d / "out", similarity=_written(d / "similar.tsv", "x\n")),
        "similarity is given, and a law of the landscape draws no support set",
    ),
    "a column that is none": (
        lambda w, d: [*command(w, d / "out"), "--signals", "insulators=height"],
        "height",
    ),
    "a column of a kind that is not given": (
        lambda w, d: [
            *_tracks(w, d, f"insulators={w.track('insulators')}"),
            "--signals",
            "active_promoters=5",
        ],
        "the signal of active_promoters is asked for ('5'), and no track of this kind is given",
    ),
    "a track without a file": (
        lambda w, d: _tracks(w, d, "insulators="),
        "--tracks got 'insulators='",
    ),
    "the words of the command line": (
        lambda w, d: _tracks(w, d, f"insulators={_renamed(w.track('insulators'), d / 'plain.narrowPeak')}"),
        "Fix: set --contig-names to a table of names",
    ),
    "an unknown chromosome": (
        lambda w, d: command(w, d / "out", "--chromosomes", "1"),
        "the chromosome '1' is requested, a contig that no candidate is on",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_mistake_is_one_message_before_any_work(landscape_world, tmp_path: Path, capsys, case: str) -> None:
    make, expected = REFUSED[case]
    refused(make(landscape_world, tmp_path), tmp_path / "out", expected, capsys)


def test_promoters_of_another_assembly_are_warned_of(landscape_world, tmp_path: Path) -> None:
    moved = _moved(landscape_world.raw("promoters.bed"), tmp_path / "promoters.bed")
    arguments = command(landscape_world, tmp_path / "out", "--chromosomes", "chr1", kinds=[], promoters=moved)
    assert main(arguments) == 0
    assert "other_assembly" in [one["kind"] for one in environment(tmp_path / "out")["warnings"]]


def test_candidates_at_distances_that_no_training_pair_had(landscape_world, tmp_path: Path) -> None:
    beds = {
        "candidates": _written(tmp_path / "enhancers.bed", "chr1\t100000\t100400\nchr1\t150000\t150400\n"),
        "promoters": _written(tmp_path / "promoters.bed", "chr1\t900000\t900400\nchr1\t990000\t990400\n"),
    }
    arguments = command(landscape_world, tmp_path / "out", "--max-distance", "1000000", **beds)
    assert main(arguments) == 0
    assert "other_distances" in [one["kind"] for one in environment(tmp_path / "out")["warnings"]]
    assert len(scored(tmp_path / "out")) == 4
    # Standardised features are a few deviations large at most; raw ones would not be.
    assert scored(tmp_path / "out")["score"].abs().max() < 30.0


def test_a_damaged_model_is_refused(landscape_world, tmp_path: Path, capsys) -> None:
    model = shutil.copytree(landscape_world.model, tmp_path / "model")
    with open(model / "tracks.parquet", "ab") as file:
        file.write(b"x")
    assert main(command(landscape_world, tmp_path / "out", model=model)) == 2
    assert "tracks.parquet: the file was changed or damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("name", "key", "expected"),
    [
        ("landscape.json", "format", "landscape.json: the landscape has the format 1, and this version of"),
        ("law.json", "format", "law.json: the law has the format 1, and this version reads"),
        ("model.json", "schema_version", "model.json: the schema version is 1, and this version of cbat"),
    ],
)
def test_a_model_of_another_version_is_refused(
    landscape_world, tmp_path: Path, capsys, name: str, key: str, expected: str
) -> None:
    """An earlier version may lack anything else that a later one has."""
    model = shutil.copytree(landscape_world.model, tmp_path / "model")
    (model / name).write_text(json.dumps({key: 1}))
    write_checksums(model)
    assert main(command(landscape_world, tmp_path / "out", model=model)) == 2
    told = capsys.readouterr().err
    assert expected in told
    assert "use the version of cbat that" in told
    assert not (tmp_path / "out").exists()


def test_a_model_of_regulation_refuses_pairs_of_contacts(landscape_world, tmp_path: Path, capsys) -> None:
    model = repacked(landscape_world.model, tmp_path / "model", label_kind="regulation")
    loops = "chr1\t100000\t105000\tchr1\t300000\t305000\n"
    atlas = "chr1:100-200_ENSG1$MYC$chr1$5000$+\t1.2\n"
    for pairs_format, text in (("loops", loops), ("enhanceratlas", atlas)):
        pairs = _written(tmp_path / f"{pairs_format}.txt", text)
        arguments = command(landscape_world, tmp_path / "out", model=model, calibrate=pairs)
        assert main([*arguments, "--pairs-format", pairs_format]) == 2
        told = capsys.readouterr().err
        assert f"pairs in the format {pairs_format} say contact, and the model 'full' predicts regu" in told
        assert "give pairs whose labels say regulation, use a model of contact" in told
        assert not (tmp_path / "out").exists()
    # A format that may hold either is taken at its word.
    arguments = command(landscape_world, tmp_path / "fine", "--chromosomes", "chr1", model=model)
    assert main([*arguments, "--calibrate", str(landscape_world.raw("pairs.tsv"))]) == 0


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("H3K4me3", "(peaks of it are active_promoters)"),
        ("ATAC-seq", "(peaks of it are active_enhancers)"),
        ("ctcf", "(peaks of it are insulators)"),
        ("insulator", "(did you mean 'insulators'?)"),
    ],
)
def test_a_track_called_by_its_assay_is_told_its_kind(landscape_world, tmp_path, capsys, kind, said) -> None:
    track = f"{kind}={landscape_world.track('insulators')}"
    assert main(command(landscape_world, tmp_path / "line", "--tracks", track, kinds=())) == 2
    assert said in capsys.readouterr().err


def test_chromosomes_are_separated_by_spaces(landscape_world, tmp_path, capsys) -> None:
    assert main(command(landscape_world, tmp_path / "line", "--chromosomes", "chr1,chr2")) == 2
    assert "write a space between names of chromosomes" in capsys.readouterr().err


def test_a_prediction_that_is_none_is_told(landscape_world, tmp_path, capsys) -> None:
    model = ["--model", str(landscape_world.model), "--directory", str(tmp_path / "out")]
    for folder, said in (("none", "there is no such folder"), (".", "this is not a prediction folder")):
        assert main(["explain", *model, "--prediction", str(tmp_path / folder)]) == 2
        assert said in capsys.readouterr().err


def test_genes_as_bed_are_read_from_their_starts_as_those_of_a_gtf(landscape_world, tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    starts = pd.read_csv(landscape_world.genes, sep="\t", header=None, comment="#")
    at, length = starts[1].to_numpy(), rng.integers(2_000, 9_000, len(starts))
    strand = np.where(rng.random(len(starts)) < 0.5, "+", "-")
    first, last = np.where(strand == "+", at, at - length), np.where(strand == "+", at + length, at + 1)
    genes = pd.DataFrame({"c": starts[0], "s": first, "e": last, "n": starts[3], "x": 0, "d": strand})
    bed, gtf = tmp_path / "genes.bed", tmp_path / "genes.gtf"
    genes.to_csv(bed, sep="\t", header=False, index=False)
    gtf.write_text(
        "".join(
            f'{g.c}\tx\tgene\t{g.s + 1}\t{g.e}\t.\t{g.d}\t.\tgene_id "{g.n}";\n' for g in genes.itertuples()
        )
    )
    found = []
    for path in (bed, gtf):
        arguments = command(landscape_world, tmp_path / path.name[-3:], "--genes", str(path))
        at_promoters = arguments.index("--promoters")
        assert main([*arguments[:at_promoters], *arguments[at_promoters + 2 :]]) == 0
        found.append(scored(tmp_path / path.name[-3:]))
    pd.testing.assert_frame_equal(*found, check_exact=True)
