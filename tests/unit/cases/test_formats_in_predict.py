"""What names, annotations and labelled pairs of several formats become of in a whole prediction."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from pathlib import Path

import pandas as pd
import pytest
from landscape_world import KINDS, NEW, LandscapeWorld, write_world

from cbat.cli import main
from cbat.prediction.explanation_files import SUMMARY


@pytest.fixture(scope="module")
def law(tmp_path_factory: pytest.TempPathFactory) -> LandscapeWorld:
    """To be read only."""
    return write_world(tmp_path_factory.mktemp("law"))


def predict(law: LandscapeWorld, directory: Path, *options: object, **files: Path) -> int:
    given = {"candidates": law.raw("enhancers.bed"), "promoters": law.raw("promoters.bed")} | files
    named = [part for name, path in given.items() for part in (f"--{name}", str(path))]
    tracks = [f"{kind}={law.track(kind)}" for kind in KINDS]
    more = ["--cell-line", NEW, "--tissue", "blood", "--max-distance", "400000", "--chromosomes", "chr1"]
    named += ["--model", str(law.model), "--directory", str(directory)]
    return main(["predict", *named, "--tracks", *tracks, *more, *map(str, options)])


def names_of(directory: Path) -> set[str]:
    return set(pd.read_csv(directory / "genes.tsv", sep="\t", keep_default_na=False)["gene"])


STYLES = {'"{}";': "{}", "'{}'": "{}", "{} x": "{}_x", '{}"': "{}", '5"{}': "5'{}", "\u00c4{}": "\u00c4{}"}


def test_names_reach_all_tables(law, tmp_path: Path) -> None:
    rows = [line.split("\t") for line in law.raw("promoters.bed").read_text().splitlines()]
    given = tmp_path / "promoters.bed"
    lines, expected = [], set()
    for row, (style, cleaned) in zip(rows, itertools.cycle(STYLES.items())):
        lines.append("\t".join([*row[:3], style.format(row[3]), *row[4:]]) + "\n")
        if row[0] == "chr1":
            expected.add(cleaned.format(row[3]))
    given.write_text("".join(lines), encoding="utf-8")
    assert predict(law, tmp_path / "out", promoters=given) == 0
    assert names_of(tmp_path / "out") == expected
    for path in [*(tmp_path / "out").glob("*.tsv"), *(tmp_path / "out").glob("*.gz")]:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        assert b'"' not in data, path


def annotation(law: LandscapeWorld, path: Path, gff3: bool) -> Path:
    """The genes of the world, a second gene at each start, and one gene without a strand."""
    lines = ["##gff-version 3"] if gff3 else []
    for number, line in enumerate(law.raw("promoters.bed").read_text().splitlines()):
        chrom, start, end, name, _, strand = line.split("\t")
        at = (int(start) + int(end)) // 2 + (strand == "-")
        low, high = (at + 1, at + 500) if strand == "+" else (at - 499, at)
        for one in (name, f"{name}_AS") if number % 2 else (name,):
            said = f"ID=gene:{one};Name={one}" if gff3 else f'gene_id "{one}.1"; gene_name "{one}";'
            lines.append("\t".join([chrom, "x", "gene", str(low), str(high), ".", strand, ".", said]))
    lines.append(re.sub("\t[+-]\t", "\t.\t", lines[-1]).replace("GENE", "LOST"))
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("gff3", [False, True])
def test_genes_of_one_start_are_found_by_either_name(law, tmp_path: Path, gff3: bool, capsys) -> None:
    genes = annotation(law, tmp_path / "genes.txt", gff3)
    assert predict(law, tmp_path / "out", promoters=genes) == 0
    found = names_of(tmp_path / "out")
    twice = next(name for name in sorted(found) if f"{name}_AS" in found)
    assert not any(name.startswith("LOST") for name in found)
    table = pd.read_csv(tmp_path / "out" / "genes.tsv", sep="\t").set_index("gene")
    enhancer = table.loc[twice, "best_enhancer"]
    scores = set()
    for name in (twice, f"{twice}_AS"):
        directory = tmp_path / name
        arguments = ["explain", "--model", str(law.model), "--prediction", str(tmp_path / "out")]
        arguments += ["--directory", str(directory), "--enhancer", enhancer, "--promoter", name]
        assert main(arguments) == 0, capsys.readouterr().err
        scores.add(json.loads((directory / SUMMARY).read_text())["score"])
    assert len(scores) == 1


def labelled(law: LandscapeWorld) -> pd.DataFrame:
    return pd.read_csv(law.raw("pairs.tsv"), sep="\t")


def refit(directory: Path) -> dict:
    return json.loads((directory / "calibration.json").read_text())


def test_labelled_pairs_of_several_formats_give_one_refit(law, tmp_path: Path, capsys) -> None:
    table = labelled(law)
    own = tmp_path / "own.tsv"
    table.to_csv(own, sep="\t", index=False)
    assert predict(law, tmp_path / "own", "--calibrate", own) == 0
    expected = refit(tmp_path / "own")["after"]
    quoted = tmp_path / "quoted.tsv"
    rows = ["\t".join(f'"{name}"' for name in table.columns)]
    rows += [
        "\t".join([f'"{number}"', *map(str, row)]) for number, row in enumerate(table.to_numpy().tolist(), 1)
    ]
    quoted.write_text("\n".join(rows) + "\n")
    assert predict(law, tmp_path / "quoted", "--calibrate", quoted) == 0
    # Ends in the order of the genome, which the line's candidates tell apart.
    ends = [list(table.columns[:3]), list(table.columns[3:6])]
    first = table["enhancer_start"] < table["promoter_start"]
    rows = table[[*ends[0], *ends[1], "label"]].to_numpy().tolist()
    ordered = [row if one else [*row[3:6], *row[:3], row[6]] for row, one in zip(rows, first, strict=True)]
    bedpe = tmp_path / "sorted.bedpe"
    header = "#chrom1\tstart1\tend1\tchrom2\tstart2\tend2\tlabel\n"
    bedpe.write_text(header + "".join("\t".join(map(str, row)) + "\n" for row in ordered))
    assert predict(law, tmp_path / "sorted", "--calibrate", bedpe) == 0
    scored = tmp_path / "scored.bedpe"
    scored.write_text(
        header.replace("label", "score\tscore_norm")
        + "".join("\t".join(map(str, [*row[:6], 1 - row[6], row[6]])) + "\n" for row in ordered)
    )
    assert predict(law, tmp_path / "asked", "--calibrate", scored, "--score-threshold", "0.5") == 2
    told = capsys.readouterr().err
    assert "2 columns are scores (score, score_norm)" in told
    assert "name it in --score-column, for example score_norm" in told
    options = ["--score-threshold", "0.5", "--score-column", "score_norm"]
    assert predict(law, tmp_path / "scored", "--calibrate", scored, *options) == 0
    for name in ("quoted", "sorted", "scored"):
        assert refit(tmp_path / name)["after"] == pytest.approx(expected)


@pytest.mark.parametrize("kind", ["own", "loops", "ibed", "interact", "longrange", "enhanceratlas"])
def test_contacts_alone_are_refused_with_advice_that_predict_has(
    law, tmp_path: Path, capsys, kind: str
) -> None:
    path = tmp_path / "contacts.txt"
    end = "bait_chr bait_start bait_end bait_name otherEnd_chr otherEnd_start otherEnd_end otherEnd_name"
    texts = {
        "own": labelled(law).query("label == 1").to_csv(sep="\t", index=False),
        "loops": "chr1\tx1\tx2\tchr2\ty1\ty2\nchr1\t1\t900\tchr1\t5000\t6000\n",
        "ibed": end.replace(" ", "\t") + "\nchr1\t1\t900\tA\tchr1\t5000\t6000\t.\n",
        "interact": "chr1 1 9 . 5 7 . 0 chr1 1 4 . . chr1 7 9 . .\n".replace(" ", "\t"),
        "longrange": "chr1\t1\t900\tchr1:5000-6000,7\n",
        "enhanceratlas": "chr1:100-200_ENSG1$MYC$chr1$5000$+\t1.2\n",
    }
    path.write_text(texts[kind])
    assert predict(law, tmp_path / "out", "--calibrate", path) == 2
    told = capsys.readouterr().err
    assert "pairs of one label do not tell how common contacts are" in told
    assert "leave out --calibrate" in told
    assert "negatives" not in told
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("option", ["candidates", "promoters", "genes"])
def test_macs_tables_are_refused_everywhere(law, tmp_path: Path, capsys, option: str) -> None:
    path = tmp_path / "x_peaks.xls"
    rows = ["#chr start end length abs_summit pileup -log10(pvalue) fold_enrichment -log10(qvalue) name"]
    rows += [f"chr1 {at} {at + 99} 100 {at + 50} 20 3 2 1 p{at}" for at in (1000, 5000)]
    path.write_text("".join("\t".join(row.split()) + "\n" for row in rows))
    assert predict(law, tmp_path / "out", **{option: path}) == 2
    told = capsys.readouterr().err
    assert "this is a table of peaks of MACS (_peaks.xls), whose starts count from 1" in told
    assert not (tmp_path / "out").exists()
