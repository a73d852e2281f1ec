"""Runs on what lies between the ends of a pair, without any sequence: what is planned, and what is read."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from cbat.cli import main
from cbat.commands.inputs import check_inputs
from cbat.config.sheets import TRACK_KINDS
from cbat.errors import UserError
from cbat.model.about import check_hashes, read_description
from cbat.prediction.shared_landscape import MEAN, read_landscape

TOP = Path(__file__).resolve().parents[2]
CHROMOSOMES = ["chr1", "chr2", "chr3", "chr4"]
LINES = {"a": ("blood", "train"), "b": ("skin", "train"), "u": ("blood", "unseen"), "v": ("skin", "unseen")}
CONFIG = """\
simulation: null
genome: null
cell_lines: lines.tsv
tissues: tissues.tsv
elements: {enhancer_window: 100, promoter_window: 200}
splits: {folds: {one: [chr1, chr2], two: [chr3], three: [chr4]}}
landscape: {genes: genes.bed}
evaluation: {peers: {transepi: peer.tsv}}
models: [baseline, graph_manifold, own_landscape, free_weights]
"""
OF_SEQUENCES = {
    "prepare_genome", "extract_sequences", "write_block_shards", "pretrain_encoder", "train_model",
    "evaluate_cell_line", "read_environment", "plot_environment_readout", "plot_support_curve",
    "identify_cell_line", "package_model",
}  # fmt: skip
PROTOTYPE = "p\tblood\tprototype\tmale\tnormal\t.\tauto\t.\t.\tp.k27.narrowPeak\t.\tp.ctcf.narrowPeak\n"


def _tabs(rows: list[str]) -> str:
    return "".join("\t".join(row.split()) + "\n" for row in rows)


def write_inputs(directory: Path) -> None:
    """Pairs, candidates and tracks of four lines, genes, and another tool's predictions."""
    rng = np.random.default_rng(4)
    sheet = [
        "cell_line tissue role sex condition pairs pairs_format enhancers promoters "
        "active_enhancers active_promoters insulators"
    ]
    peer = ["cell_line enhancer promoter score"]
    for line, (tissue, role) in LINES.items():
        rows = ["enhancer_chrom enhancer_start enhancer_end promoter_chrom promoter_start promoter_end label"]
        for k in range(1, 9):
            for number, chrom in enumerate(CHROMOSOMES):
                e, p = 10_000 * k, 10_000 * k + 3000
                rows.append(f"{chrom} {e} {e + 150} {chrom} {p} {p + 200} {(k + number) % 2}")
                peer.append(f"{line} {chrom}:{e}-{e + 150} {chrom}:{p}-{p + 200} {k / 10}")
        (directory / f"{line}.tsv").write_text(_tabs(rows))
        for kind in ("k27", "k4", "ctcf"):
            peaks = [
                f"{chrom} {start} {start + 400} peak 0 . {start % 97 + 1} -1 -1 200"
                for chrom in CHROMOSOMES
                for start in np.sort(rng.choice(90_000, 12, replace=False)).tolist()
            ]
            (directory / f"{line}.{kind}.narrowPeak").write_text(_tabs(peaks))
        tracks = " ".join(f"{line}.{kind}.narrowPeak" for kind in ("k27", "k4", "ctcf"))
        # The line v has no file at all besides its pairs.
        tracks = ". . ." if line == "v" else tracks
        sheet.append(f"{line} {tissue} {role} male normal {line}.tsv cbat . . {tracks}")
    genes = [f"{c} {k} {k + 1} gene_{c}_{k} 0 +" for c in CHROMOSOMES for k in range(5000, 90_000, 9000)]
    (directory / "genes.bed").write_text(_tabs(genes))
    (directory / "peer.tsv").write_text(_tabs(peer))
    (directory / "lines.tsv").write_text(_tabs(sheet))
    (directory / "tissues.tsv").write_text(
        _tabs(["tissue germ_layer parent", "blood mesoderm .", "skin ectoderm ."])
    )
    (directory / "my.yaml").write_text(CONFIG)


def test_nothing_of_sequences_is_planned(checkout) -> None:
    write_inputs(checkout.directory)
    planned = checkout.planned(over=["my.yaml"])
    assert planned >= {
        "read_genes", "read_tracks", "read_landscape", "fit_landscape", "evaluate_landscape",
        "fit_references", "evaluate_references", "summarise_evaluation", "write_report",
    }  # fmt: skip
    assert planned & OF_SEQUENCES == set()


PREDICTED = """\
predictions:
  mine:
    {enhancers: genes.bed, promoters: genes.bed, tracks: {insulators: u.ctcf.narrowPeak}, chromosomes: [chr1]}
"""


def test_a_law_is_packed_and_predicts_a_new_line_without_a_genome(checkout) -> None:
    write_inputs(checkout.directory)
    checkout.write("my.yaml", CONFIG + PREDICTED)
    done = checkout.snakemake("-n", "-p", "predict", over=["my.yaml"])
    assert done.returncode == 0, done.stdout
    commands = {
        line.split("cbat ")[1].split()[0]: line for line in done.stdout.splitlines() if "cbat " in line
    }
    assert commands.keys() >= {
        "package_landscape", "prepare_landscape_prediction", "score_chromosome", "gather_predictions",
        "write_prediction_page",
    }  # fmt: skip
    assert commands.keys() & OF_SEQUENCES == set()
    packed = commands["package_landscape"]
    assert "--tracks a=results/tracks/a.parquet b=results/tracks/b.parquet " in packed
    assert "results/tracks/u.parquet" not in packed
    assert "--tracks insulators=u.ctcf.narrowPeak" in commands["prepare_landscape_prediction"]
    assert "--genome" not in commands["prepare_landscape_prediction"]
    assert "--expressed" not in commands["prepare_landscape_prediction"]


def test_the_genes_that_are_expressed_reach_the_preparation(checkout) -> None:
    write_inputs(checkout.directory)
    checkout.write("expressed.txt", "gene_chr1_5000\n")
    named = "expressed: expressed.txt, least_expression: 2.5, chromosomes"
    checkout.write("my.yaml", CONFIG + PREDICTED.replace("chromosomes", named))
    done = checkout.snakemake("-n", "-p", "predict", over=["my.yaml"])
    assert done.returncode == 0, done.stdout
    command = next(x for x in done.stdout.splitlines() if "cbat prepare_landscape_prediction" in x)
    assert "--expressed expressed.txt" in command
    assert '"least_expression":2.5' in command
    job = done.stdout.split("rule prepare_landscape_prediction:")[1].split("output:")[0]
    assert "expressed.txt" in job


def test_a_kind_of_track_that_there_is_not_is_refused(checkout) -> None:
    write_inputs(checkout.directory)
    checkout.write("my.yaml", CONFIG + PREDICTED.replace("insulators", "insulator"))
    done = checkout.snakemake("-n", "predict", over=["my.yaml"])
    assert done.returncode == 1
    assert "predictions.mine.tracks names 'insulator', which is no kind of track (did you mean" in done.stdout


def test_the_tracks_of_unseen_lines_are_read_for_no_other_line(checkout) -> None:
    write_inputs(checkout.directory)
    done = checkout.snakemake("-n", "-p", over=["my.yaml"])
    assert done.returncode == 0, done.stdout
    commands = [line for line in done.stdout.splitlines() if "cbat read_landscape" in line]
    of = {command.split("--cell-line ")[1].split()[0]: command for command in commands}
    assert of.keys() == LINES.keys()
    for line in ("a", "b"):
        assert "results/tracks/u.parquet" not in of[line]
        assert "results/tracks/v.parquet" not in of[line]
    assert "--wrong v --sibling a " in of["u"]
    assert "--wrong b " in of["a"]
    assert "--sibling" not in of["a"]
    laws = {
        line.split("--law ")[1].split()[0] for line in done.stdout.splitlines() if "cbat fit_lands" in line
    }
    assert laws == {"distance", "fused", "own", "fused_free"}


def add_prototype(directory: Path) -> None:
    """A line with two tracks and no pairs."""
    for kind in ("k27", "ctcf"):
        peaks = (directory / f"u.{kind}.narrowPeak").read_text()
        # Peaks of another line are refused, so these differ in one.
        (directory / f"p.{kind}.narrowPeak").write_text("".join(peaks.splitlines(keepends=True)[1:]))
    with (directory / "lines.tsv").open("a") as sheet:
        sheet.write(PROTOTYPE)


def test_of_a_prototype_nothing_but_its_tracks_is_read(checkout) -> None:
    write_inputs(checkout.directory)
    add_prototype(checkout.directory)
    done = checkout.snakemake("-n", "-p", over=["my.yaml"])
    assert done.returncode == 0, done.stdout
    commands = [
        line.split("cbat ", 1)[1] for line in done.stdout.splitlines() if "Shell command: cbat" in line
    ]
    own = [line.split()[0] for line in commands if "--cell-line p " in line]
    assert own == ["read_tracks"]
    about = [line.split()[0] for line in sorted(commands, reverse=True) if "results/tracks/p.parquet" in line]
    # The package carries what the graph expects, to which prototypes add.
    assert about == ["read_tracks", *["read_landscape"] * len(LINES), "package_landscape"]
    assert not [line for line in commands if "results/labels/p" in line or "results/landscape/p" in line]
    read = {line.split("--cell-line ")[1].split()[0]: line for line in commands if "read_landscape " in line}
    assert all("--training-lines a b p --tissue" in line for line in read.values())
    # The training line a may read no other line of its tissue; for u one with pairs comes first.
    assert "--wrong b --sibling p " in read["a"]
    assert "--wrong v --sibling a " in read["u"]
    (fitted, *_) = (line for line in commands if line.startswith("fit_landscape "))
    assert "--train-lines a b --validation-lines " in fitted


def test_with_a_genome_and_the_section_both_kinds_of_model_are_evaluated(checkout) -> None:
    write_inputs(checkout.directory)
    checkout.write("genome.fa", "".join(f">{chrom}\n{'ACGT' * 25_000}\n" for chrom in CHROMOSOMES))
    checkout.write("config/models/alone.yaml", "sequence: false\n")
    checkout.write(
        "my.yaml",
        CONFIG.replace("genome: null", "genome: {fasta: genome.fa}")
        .replace("{folds: {one: [chr1, chr2], two: [chr3], three: [chr4]}}",
                 "{train: [chr1, chr2], validation: [chr3], test: [chr4]}")
        .replace("own_landscape, free_weights", "alone"),
    )  # fmt: skip
    done = checkout.snakemake("-n", "-p", over=["my.yaml"])
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    trained = [line for line in lines if "cbat train_model" in line]
    assert len(trained) == 2
    assert "--law results/laws/distance/law.json --landscapes a=results/landscape/a b=" in "".join(trained)
    assert "--law results/laws/fused/law.json" in "".join(trained)
    alone = [line for line in lines if "cbat evaluate_landscape" in line]
    assert len(alone) == 2
    assert all("--model alone " in line for line in alone)
    assert sum("cbat evaluate_cell_line" in line for line in lines) == 4
    assert all("--landscape results/landscape/" in line for line in lines if "cbat evaluate_cell" in line)
    (extracted, *_) = (line for line in lines if "cbat extract_sequences" in line)
    assert "--max-n 1 " in extracted


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(TOP / "config", tmp_path / "config")
    write_inputs(tmp_path)
    return tmp_path


def test_all_inputs_are_read(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = set(inputs.rglob("*"))
    assert main(["check_inputs", "config/config.yaml", "my.yaml"]) == 0
    told = capsys.readouterr().out.splitlines()
    rows = [line.split() for line in told]
    assert rows[:5] == [
        ["cell", "line", "pairs", "contacts", "left", "out"],
        *([line, "32", "16", "0"] for line in LINES),
    ]
    tracks = rows.index(["cell", "line", "track", "peaks", "kept", "signal"]) + 1
    # The line v has no file.
    assert [row[:2] for row in rows[tracks : tracks + 9]] == [
        [line, kind] for line in "abu" for kind in TRACK_KINDS
    ]
    assert "No peaks of insulators were given for v: there the graph alone says" in "".join(told)
    assert "assembly cannot be checked for a, b, u: there are too few active promoters." in told[-2]
    assert told[-1] == "All inputs can be read."
    assert set(inputs.rglob("*")) == before


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("genes.bed", "chr", "", "genes.bed: chromosomes are named like '1' here"),
        ("u.k27.narrowPeak", "chr", "", "u.k27.narrowPeak, line 1: "),
        ("u.ctcf.narrowPeak", "\tpeak\t0\t[.]\t", "\tpeak\t0\t.\tx", "u.ctcf.narrowPeak, line 1: "),
        (
            "a.tsv",
            r"chr(?=\d)",
            "",
            "a.tsv, line 2: chromosomes are named like '1' here, but like 'chr1' in the s",
        ),
        ("b.tsv", "chr3", "chr5", "on the folds.two chromosomes"),
        (
            "u.tsv",
            r"chr(?=\d)",
            "scaffold_",
            "u.tsv, line 2: no chromosome of this file is in the section splits",
        ),
        ("peer.tsv", "score", "points", "peer.tsv, line 1: the table of a peer has neither"),
    ],
)
def test_a_mistake_is_told_before_any_work(
    inputs: Path, file: str, old: str, new: str, expected: str
) -> None:
    for name in {file, file.replace("b.tsv", "a.tsv")}:
        text = (inputs / name).read_text()
        spoilt = re.sub(old, new, text)
        assert spoilt != text
        (inputs / name).write_text(spoilt)
    with pytest.raises(UserError) as caught:
        check_inputs([Path("config/config.yaml"), Path("my.yaml")])
    assert expected in str(caught.value)
    assert "Fix: " in str(caught.value)


def test_peaks_of_another_line_are_refused(inputs: Path) -> None:
    files = [Path("config/config.yaml"), Path("my.yaml")]
    shutil.copy(inputs / "a.ctcf.narrowPeak", inputs / "u.ctcf.narrowPeak")
    with pytest.raises(UserError, match="insulators of the cell line 'u' are peaks of 'a'"):
        check_inputs(files)
    sheet = inputs / "lines.tsv"
    sheet.write_text(sheet.read_text().replace("u.ctcf.narrowPeak", "a.ctcf.narrowPeak"))
    with pytest.raises(UserError, match=r"the insulators of 'u' are peaks of 'a' \(line 2\)"):
        check_inputs(files)


def test_another_tool_without_a_tested_pair_is_refused(inputs: Path) -> None:
    peer = inputs / "peer.tsv"
    peer.write_text(re.sub(r"^([abuv])\t", r"not_\1\t", peer.read_text(), flags=re.MULTILINE))
    with pytest.raises(UserError, match="'transepi' has no pair of an evaluated cell line on a chromosome"):
        check_inputs([Path("config/config.yaml"), Path("my.yaml")])


def test_names_of_contigs_are_mapped_without_a_genome(inputs: Path) -> None:
    (inputs / "genes.bed").write_text((inputs / "genes.bed").read_text().replace("chr", ""))
    names = "".join(f"{n}\tchr{n}\n" for n in range(1, 5))
    (inputs / "names.tsv").write_text("given\tgenome\n" + names)
    landscape = {"genes": "genes.bed", "contig_names": "names.tsv"}
    (inputs / "my.yaml").write_text(CONFIG.replace("{genes: genes.bed}", json.dumps(landscape)))
    check_inputs([Path("config/config.yaml"), Path("my.yaml")])


def test_all_inputs_are_read_with_a_prototype(inputs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add_prototype(inputs)
    files = [Path("config/config.yaml"), Path("my.yaml")]
    check_inputs(files)
    told = capsys.readouterr().out
    assert [line.split()[0] for line in told.splitlines()[:5]] == ["cell", *LINES]
    assert [line.split()[1] for line in told.splitlines() if line.startswith("p ")] == [
        "active_enhancers", "insulators",
    ]  # fmt: skip
    peaks = inputs / "p.ctcf.narrowPeak"
    peaks.write_text(peaks.read_text().replace("chr", ""))
    with pytest.raises(UserError, match=r"p\.ctcf\.narrowPeak, line 1: chromosomes are named like '1' here"):
        check_inputs(files)


LENGTH, SHIFT = 200_000, 500
METRICS = """\
model	seed	cell_line	role	chromosomes	negatives	context	n_support	metric	value	low	high
graph_manifold	1	u	unseen	folds	balanced	own	0	aupr	0.75	0.5	0.9
distance	0	u	unseen	folds	balanced	-	0	aupr	0.55	0.5	0.6
static	0	u	unseen	folds	balanced	-	0	aupr	0.65	0.5	0.7
"""


def test_from_raw_files_to_a_model_that_ships(checkout, capsys) -> None:
    write_inputs(checkout.directory)
    given = yaml.safe_load(CONFIG) | {"models": ["baseline", "graph_manifold"]}
    given["landscape"]["expectation"] = "mean_track"
    given["shipped_model"] = {
        "name": "mine", "figures": "metrics.tsv", "references": ["static"], "assembly": "one",
        "other_assembly": "two", "chain": "one_to_two.chain", "genes": "genes.bed",
    }  # fmt: skip
    checkout.write("my.yaml", yaml.safe_dump(given))
    checkout.write("metrics.tsv", METRICS)
    chains = [
        f"chain 1 {c} {LENGTH} + 0 {LENGTH} {c} {LENGTH + SHIFT} + {SHIFT} {LENGTH + SHIFT} {n}\n{LENGTH}\n"
        for n, c in enumerate(CHROMOSOMES)
    ]
    checkout.write("one_to_two.chain", "\n".join(chains))
    done = checkout.snakemake("--cores", "2", "ship", over=["my.yaml"])
    assert done.returncode == 0, done.stdout[-8000:]
    directory = checkout.directory / "results" / "shipped_models" / "mine"
    check_hashes(directory)
    about, _ = read_description(directory / "model.json")
    assert about.name == "mine"
    assert [one.value for one in about.figures] == [0.75]
    assert [one.value for one in about.reference_figures["static"]] == [0.65]
    one, two = (read_landscape(directory, assembly=name) for name in ("one", "two"))
    assert one.lines == two.lines == (MEAN,)
    assert one.peaks["a"]["insulators"] > 40
    for name in ("start", "end", "centre"):
        pd.testing.assert_series_equal(one.tracks[name] + SHIFT, two.tracks[name])
    assert main(["model", "show", str(directory)]) == 0
    assert "Files of one and two" in capsys.readouterr().out
