"""Regulation is a question of its own: screens are learned from peaks and genes, and never as contacts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

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
    for over in ([], ["config/crispri_hg38/h3k27ac.yaml"]):
        project = load_project(["config/config.yaml", "config/crispri_hg38.yaml", *over])
        assert project.config.labels.kind == "regulation"
        assert project.config.landscape is not None
        assert project.config.landscape.promoter_classes is not None
        assert [row.cell_line for row in project.labelled] == ["K562"]
        # Every chromosome is a fold of its own, and all peaks are lifted.
        assert all(list(names) == [fold] for fold, names in project.config.splits.chromosomes.items())
        lifted = {Path(path) for path in project.config.lift_over}
        assert {path for row in project.cell_lines for path in row.tracks.values()} <= lifted


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
    with pytest.raises(UserError, match=f"{kind} is asked for"):
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
