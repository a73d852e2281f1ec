"""Regulation is a question of its own: screens are learned from peaks and genes, and never as contacts."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score

from cbat.commands.inputs import check_inputs
from cbat.config.project import load_project
from cbat.config.sections import (
    ElementSettings,
    GraphSettings,
    LabelSettings,
    LandscapeSettings,
    SplitSettings,
)
from cbat.data import elements, labels, lift_over
from cbat.data.pair_tables import check_kind
from cbat.errors import UserError
from cbat.graph import build
from cbat.landscape import fit, genes, pairs, tracks
from cbat.landscape.apply import LineLandscape, energies
from cbat.landscape.law import load_law

TOP = Path(__file__).resolve().parents[2]
PEAKS = {
    "K562": "K562.wgEncodeBroadHistoneK562H3k27acStdPk.broadPeak.gz",
    "HUVEC": "HUVEC.E122-H3K27ac.narrowPeak.gz",
}
FOLDS = {
    "one": ["chr1", "chr2", "chr3", "chr4", "chr5", "chr6"],
    "two": ["chr7", "chr8", "chr9", "chr10", "chr11", "chr12"],
    "three": [*(f"chr{number}" for number in range(13, 20))],
    "four": ["chr20", "chr21", "chr22", "chrX"],
}
HEADER = (
    "cell_line\ttissue\trole\tsex\tcondition\tpairs\tpairs_format\tenhancers\tpromoters\tactive_enhancers\t"
    "active_promoters\tinsulators\n"
)


def test_the_configuration_asks_for_regulation_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TOP)
    for over in ([], ["config/crispri_hg38/h3k27ac.yaml"], ["config/crispri_hg38/signals.yaml"]):
        project = load_project(["config/config.yaml", "config/crispri_hg38.yaml", *over])
        assert project.config.labels.kind == "regulation"
        assert project.config.landscape is not None
        assert project.config.landscape.promoter_classes is not None
        assert [row.cell_line for row in project.labelled] == ["K562"]
        # Every chromosome is a fold of its own, and all peaks are lifted.
        assert all(list(names) == [fold] for fold, names in project.config.splits.chromosomes.items())
        lifted = {Path(path) for path in project.config.lift_over}
        assert {path for row in project.cell_lines for path in row.tracks.values()} <= lifted


def test_cell_types_are_all_treated_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(TOP)
    layers = ["config/config.yaml", "config/crispri_hg38.yaml", "config/crispri_hg38/cell_types.yaml"]
    project = load_project(layers)
    lines = project.labelled
    assert {row.cell_line: row.role for row in lines} == {
        "K562": "train", "GM12878": "unseen", "HCT116": "unseen", "Jurkat": "unseen", "WTC11": "unseen",
    }  # fmt: skip
    assert {row.pairs for row in lines if row.role == "unseen"} == {
        Path("resources/downloads/EPCrisprBenchmark_heldout_5_cell_types.GRCh38.tsv.gz")
    }
    for row in lines:
        assert not row.tracks
        # Its own rows of the screens' table are the source of both signals.
        assert row.signals == dict.fromkeys(("accessibility", "enhancer_mark"), row.pairs)
    assert project.names("prototype") == ["IMR90", "NHEK", "HUVEC", "HeLa-S3"]


# A small run


SMALL = """\
simulation: null
genome: null
cell_lines: lines.tsv
tissues: tissues.tsv
labels: {kind: regulation, max_distance: 2000000, duplicate_pairs: drop, conflicting_pairs: drop}
elements: {enhancer_window: 500, promoter_window: 500, both_roles: keep}
splits: {folds: {one: [chr1], two: [chr2], three: [chr3]}}
landscape: {genes: genes.bed, signals: {accessibility: DHS.RPM, enhancer_mark: H3K27ac.RPM}}
evaluation: {headline_negatives: natural, n_bootstrap: 20, contexts: [own, none], roles: [seen, unseen]}
models: [no_landscape, own_landscape]
full_model: own_landscape
baseline: no_landscape
seeds: [1]
"""
SCREENS = ("chrom", "chromStart", "chromEnd", "name", "chrTSS", "startTSS", "endTSS", "measuredGeneSymbol",
           "ValidConnection", "CellType", "Regulated", "DHS.RPM", "H3K27ac.RPM")  # fmt: skip


def screens(cell_type: str, seed: int, scale: float) -> list[str]:
    """Tested pairs whose regulation follows from accessibility and mark, in a unit of its own."""
    rng = np.random.default_rng(seed)
    rows = []
    for chrom in ("chr1", "chr2", "chr3"):
        for number in range(1, 70):
            start = 100_000 + 25_000 * number + int(rng.integers(0, 5_000))
            tss = start + int(rng.choice([-1, 1]) * rng.integers(8_000, 60_000))
            signal = rng.gamma(1.0, 1.0, 2)
            regulated = "TRUE" if signal.prod() + 0.2 * rng.normal() > 1.2 else "FALSE"
            values = "\t".join(f"{scale * value:.5f}" for value in signal)
            rows.append(
                f"{chrom}\t{start}\t{start + 700}\te{number}\t{chrom}\t{tss}\t{tss + 1}\tG{chrom}_{number}"
                f"\tTRUE\t{cell_type}\t{regulated}\t{values}"
            )
    return rows


def write_small(directory: Path) -> None:
    with gzip.open(directory / "train.tsv.gz", "wt") as file:
        file.write("\n".join(["\t".join(SCREENS), *screens("K562", 1, 1.0)]) + "\n")
    held_out = [*screens("GM12878", 2, 300.0), *screens("Jurkat", 3, 0.01), *screens("K562", 4, 1.0)]
    with gzip.open(directory / "held_out.tsv.gz", "wt") as file:
        file.write("\n".join(["\t".join(SCREENS), *held_out]) + "\n")
    head = HEADER.rstrip("\n") + "\taccessibility\tenhancer_mark\n"
    rows = [head]
    for line, role, path in (
        ("K562", "train", "train.tsv.gz"),
        ("GM12878", "unseen", "held_out.tsv.gz"),
        ("Jurkat", "unseen", "held_out.tsv.gz"),
    ):
        fields = [line, "blood", role, "female", "cancer", path, "encode_crispr", *"....."]
        rows.append("\t".join([*fields, path, path]) + "\n")
    rng = np.random.default_rng(5)
    peaks = []
    for chrom in ("chr1", "chr2", "chr3"):
        for start in np.sort(rng.choice(1_700_000, 60, replace=False)).tolist():
            peaks.append(f"{chrom}\t{start}\t{start + 400}\tp\t0\t.\t{start % 97 + 1}\t-1\t-1\t200\n")
    (directory / "skin.narrowPeak").write_text("".join(peaks))
    rows.append("HUVEC\tskin\tprototype\tfemale\tnormal\t.\tauto\t.\t.\tskin.narrowPeak\t.\t.\t.\t.\n")
    (directory / "lines.tsv").write_text("".join(rows))
    (directory / "tissues.tsv").write_text(
        "tissue\tgerm_layer\tparent\nblood\tmesoderm\t.\nskin\tectoderm\t.\n"
    )
    genes = [
        f"{c}\t{k}\t{k + 1}\tg{c}_{k}\t0\t+\n"
        for c in ("chr1", "chr2", "chr3")
        for k in range(9, 1_700_000, 40_000)
    ]
    (directory / "genes.bed").write_text("".join(genes))
    (directory / "my.yaml").write_text(SMALL)


def test_several_cell_types_of_one_table_are_tested_by_a_law_of_signals(
    checkout, monkeypatch, capsys
) -> None:
    write_small(checkout.directory)
    monkeypatch.chdir(checkout.directory)
    check_inputs([checkout.directory / "config/config.yaml", checkout.directory / "my.yaml"])
    told = capsys.readouterr().out
    assert "column 12 (DHS.RPM)" in told
    assert "All inputs can be read." in told
    done = checkout.snakemake("--cores", "2", over=["my.yaml"])
    assert done.returncode == 0, done.stdout
    results = checkout.directory / "results"
    report = json.loads((results / "signals/Jurkat.json").read_text())["signals"]
    assert report["accessibility"]["of_other_cell_types"] == 2 * 3 * 69
    page = " ".join((results / "summary/inputs.rst").read_text().split())
    assert "accessibility of Jurkat: column 12 (DHS.RPM), at 207 of 207" in page
    laws = json.loads((results / "laws/own/law.json").read_text())["members"]
    assert all("log_signals_at_enhancer" in fit["features"] for fit in laws.values())
    for line in ("K562", "GM12878", "Jurkat"):
        scored = pd.read_parquet(results / f"evaluation/own_landscape/seed_1/{line}/scored_pairs.parquet")
        quality = {
            context: average_precision_score(rows["label"], rows["score"])
            for context, rows in scored.groupby("context")
        }
        # Signals of another unit rank alike, so that the law transfers; without them it cannot know.
        assert quality["own"] > quality["none"] + 0.3, (line, quality)
    package = json.loads((results / "packages/own_landscape/seed_1/landscape.json").read_text())
    assert package["signals"] == ["accessibility", "enhancer_mark"]


@pytest.mark.parametrize(
    ("pairs_format", "kind", "refused"),
    [
        ("encode_crispr", "contact", True),
        ("encode_crispr", "regulation", False),
        ("bengi", "contact", False),
        ("bengi", "regulation", True),
        ("loops", "regulation", True),
        ("cbat", "regulation", False),
    ],
)
def test_labels_of_one_question_are_not_those_of_the_other(
    pairs_format: str, kind: str, refused: bool
) -> None:
    if not refused:
        check_kind("pairs.tsv", pairs_format, kind)
        return
    with pytest.raises(UserError, match=f"{kind} is requested"):
        check_kind("pairs.tsv", pairs_format, kind)


def written(shared: Path, top: Path) -> Path:
    """Sheet of K562 with its screens and of a line with peaks alone."""
    rows = []
    for line, name in PEAKS.items():
        lift_over.run(
            chain=shared / "data/chain/hg19ToHg38.over.chain.gz",
            input=shared / "data/similarity/peaks" / name,
            output=top / name,
        )
        of_pairs = (shared / "data/crispr/EPCrisprBenchmark_training_K562.GRCh38.tsv.gz", "encode_crispr")
        given = of_pairs if line == "K562" else (".", "auto")
        promoters = shared / "data/genes/CollapsedGeneBounds.hg38.TSS500bp.bed.gz" if line == "K562" else "."
        role = "train" if line == "K562" else "prototype"
        fields = [line, "blood", role, "female", "cancer", *given, ".", promoters, top / name, ".", "."]
        rows.append("\t".join(map(str, fields)) + "\n")
    (top / "lines.tsv").write_text(HEADER + "".join(rows))
    (top / "tissues.tsv").write_text("tissue\tgerm_layer\tparent\nblood\tmesoderm\t.\n")
    return top / "lines.tsv"


def test_regulation_in_k562_follows_from_its_peaks_and_the_genes(shared_dir: Path, tmp_path: Path) -> None:
    sheet = written(shared_dir, tmp_path)
    splits = SplitSettings.model_validate({"folds": FOLDS})
    settings = LandscapeSettings(genes=shared_dir / "data/genes/CollapsedGeneBounds.hg38.TSS500bp.bed.gz")
    windows = ElementSettings(enhancer_window=500, promoter_window=500, both_roles="keep")
    elements.run(
        cell_lines=sheet, cohort="training", elements=windows, splits=splits, directory=tmp_path / "elements"
    )
    labels.run(
        sheet=sheet, cell_line="K562", elements_directory=tmp_path / "elements",
        labels=LabelSettings(
            kind="regulation", max_distance=20_000_000, duplicate_pairs="drop", conflicting_pairs="drop"
        ),
        output=tmp_path / "K562.parquet",
    )  # fmt: skip
    classes = shared_dir / "data/genes/gene_promoter_class.hg38.tsv.gz"
    genes.run(genes=settings.genes, output=tmp_path / "genes.parquet", promoter_classes=classes)
    for line in PEAKS:
        tracks.run(sheet=sheet, cell_line=line, settings=settings, output=tmp_path / f"{line}.tracks.parquet")
    build.run(
        cell_lines=sheet, tissues=tmp_path / "tissues.tsv", scope="training", settings=GraphSettings(),
        directory=tmp_path / "graph",
    )  # fmt: skip
    pairs.run(
        cell_line="K562", labels=tmp_path / "K562.parquet", elements_directory=tmp_path / "elements",
        tracks={line: tmp_path / f"{line}.tracks.parquet" for line in PEAKS}, training_lines=["K562"],
        tissue="blood", graph=tmp_path / "graph/graph.json", genes=tmp_path / "genes.parquet",
        directory=tmp_path / "landscape", wrong="HUVEC",
    )  # fmt: skip
    found = {}
    line = LineLandscape.read(tmp_path / "landscape")
    label = line.pairs["label"].to_numpy()
    assert (len(label), int(label.sum())) == (10_356, 471)
    for law in ("distance", "own"):
        fit.run(
            landscapes={"K562": tmp_path / "landscape"}, train_lines=["K562"], validation_lines=[], law=law,
            splits=splits, output=tmp_path / f"{law}.json", label_kind="regulation",
        )  # fmt: skip
        for source in ("own", "wrong"):
            potential, resistance = energies(load_law(tmp_path / f"{law}.json"), line, source)[:2]
            found[law, source] = average_precision_score(label, np.asarray(potential - resistance))
    print({key: round(float(value), 3) for key, value in found.items()})
    assert found["own", "own"] > found["distance", "own"] + 0.15
    assert found["own", "own"] > found["own", "wrong"] + 0.1
