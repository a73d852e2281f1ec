"""Interactions without negatives, as an atlas publishes them, from raw files to labels and their figure."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

CONTIGS = [f"chr{number}" for number in range(1, 5)]
LENGTH = 120_000
LINES = {"a": "train", "b": "train", "u": "unseen"}
CONFIG = """\
simulation: null
cell_lines: lines.tsv
tissues: tissues.tsv
genome: {fasta: genome.fa}
elements: {enhancer_window: 100, promoter_window: 200}
splits: {train: [chr1, chr2], validation: [chr3], test: [chr4]}
labels:
  negatives: distance_matched
  duplicate_pairs: drop
  conflicting_pairs: drop
"""
FIGURE = "results/figures/balance.svg"


def tabs(rows: list[str]) -> str:
    return "".join("\t".join(row.split()) + "\n" for row in rows)


@pytest.fixture
def atlas(checkout):
    """A genome, and for each line enhancers and interactions that fade with the distance."""
    rng = np.random.default_rng(11)
    bases = ["".join(rng.choice(list("ACGT"), LENGTH)) for _ in CONTIGS]
    checkout.write("genome.fa", "".join(f">{c}\n{text}\n" for c, text in zip(CONTIGS, bases, strict=True)))
    sheet = ["cell_line tissue role sex condition pairs pairs_format enhancers promoters score_threshold"]
    for line, role in LINES.items():
        enhancers, interactions = [], []
        for chrom in CONTIGS:
            starts = np.sort(rng.choice(LENGTH // 400, 60, replace=False)) * 400
            genes = np.sort(rng.choice(LENGTH // 900, 40, replace=False)) * 900 + 450
            enhancers += [f"{chrom} {start} {start + 120}" for start in starts]
            for start in starts:
                for gene in genes[rng.random(len(genes)) < 0.3 * np.exp(-np.abs(genes - start) / 8000)]:
                    name = f"{chrom}:{start}-{start + 120}_ENSG{gene}$G{gene}${chrom}${gene}$+"
                    interactions.append(f"{name} {rng.uniform(1, 5):.3f}")
        checkout.write(f"{line}.enhancers.bed", tabs(enhancers))
        checkout.write(f"{line}_EP.txt", tabs(interactions))
        sheet.append(f"{line} blood {role} male normal {line}_EP.txt enhanceratlas {line}.enhancers.bed . .")
    checkout.write("lines.tsv", tabs(sheet))
    checkout.write("tissues.tsv", tabs(["tissue germ_layer parent", "blood mesoderm ."]))
    checkout.write("my.yaml", CONFIG)
    checkout.configuration = ("my.yaml",)
    return checkout


def test_negatives_are_made_where_contacts_are(atlas) -> None:
    done = atlas.snakemake("--cores", "2", "--", FIGURE)
    assert done.returncode == 0, done.stdout
    labels = atlas.directory / "results" / "labels"
    for line in LINES:
        pairs = pd.read_parquet(labels / f"{line}.parquet")
        n = pairs["made_by"].value_counts()
        counts = json.loads((labels / f"{line}.json").read_text())["negatives"]
        assert n["given"] == pairs["label"].sum() > 200
        assert n["distance_matched"] == sum(split["made"] for split in counts["splits"].values())
        assert 0.8 * n["given"] < n["distance_matched"] <= n["given"]
        balance = pd.read_csv(labels / f"{line}.balance.tsv", sep="\t").set_index(["chromosomes", "measure"])
        assert balance.loc[("all", "distance_auroc"), "value"].item() == pytest.approx(0.5, abs=0.06)
    drawn = (atlas.directory / FIGURE).read_text()
    assert drawn.count("negatives (distance matched)") == len(LINES)

    # Another line, and nothing of a line that was there is another.
    before = {line: pd.read_parquet(labels / f"{line}.parquet") for line in ("u", "a")}
    atlas.edit("lines.tsv", "b\tblood\ttrain", "b\tblood\tunseen")
    done = atlas.snakemake("--cores", "2", "--", FIGURE)
    assert done.returncode == 0, done.stdout
    columns = ["enhancer_id", "promoter_id", "label", "made_by"]
    for line, pairs in before.items():
        after = pd.read_parquet(labels / f"{line}.parquet")
        pd.testing.assert_frame_equal(after[columns], pairs[columns])


def test_without_the_option_the_run_stops_and_names_it(atlas) -> None:
    atlas.edit("my.yaml", "  negatives: distance_matched\n", "")
    done = atlas.snakemake("--cores", "1", "--", "results/labels/u.parquet")
    assert done.returncode != 0
    log = (atlas.directory / "logs/label_pairs/u.log").read_text()
    assert "u_EP.txt: the cell line 'u' has not both labels left" in log
    assert "set labels.negatives to natural, distance_matched or element_balanced" in log
    assert not (atlas.directory / "results/labels/u.parquet").exists()
