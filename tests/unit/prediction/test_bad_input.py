"""What users get wrong: one message each, and nothing half-written. What may be wrong: a caution."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pandas as pd
import pytest

from cbat.cli import main
from cbat.config.sections import ElementSettings
from cbat.errors import UserError
from cbat.prediction.plan import read_plan


def bed(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def intervals(world, role: str) -> pd.DataFrame:
    return pd.read_csv(world.raw(f"{role}.bed.gz"), sep="\t", header=None).iloc[:, :3]


def write(path: Path, table: pd.DataFrame) -> Path:
    table.to_csv(path, sep="\t", header=False, index=False)
    return path


def message(world, directory: Path, **over) -> str:
    """The message of a refused preparation, which leaves no plan behind."""
    with pytest.raises(UserError) as caught:
        world.prepare(directory, **over)
    assert not (directory / "prepared").exists()
    assert not (directory / "environment.json").exists()
    return str(caught.value)


def cautions(world, directory: Path, **over) -> dict[str, str]:
    """Kind -> message of what a preparation warns of."""
    world.prepare(directory, **over)
    content = json.loads((directory / "environment.json").read_text())
    return {one["kind"]: one["message"] for one in content["warnings"]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file contains only comments"),
        ("chr1\t10\n", "the first row has 2 fields, not at least 3"),
        ("chr1,10,20\n", "the columns are separated by commas, not by tabs"),
        ("chr1\t10\t20\nchr1\t5.5\t9\n", "line 2: start is '5.5'"),
        ("chr1\t30\t20\n", "line 1: the interval chr1:30-20 ends where or before it starts"),
        ("1\t10\t20\n", "line 1: chromosomes are named like '1' here, but like 'chr1' in the genome"),
        ("chr77\t10\t20\n", "line 1: the genome has no contig 'chr77'"),
    ],
)
@pytest.mark.parametrize("role", ["enhancers", "promoters"])
def test_a_bed_that_cannot_be_used(world, tmp_path: Path, role: str, text: str, expected: str) -> None:
    path = bed(tmp_path / "mine.bed", text)
    told = message(world, tmp_path / "out", **{role: path})
    assert told.startswith(f"{path}")
    assert expected in told


def test_a_truncated_gzip(world, tmp_path: Path) -> None:
    path = tmp_path / "mine.bed.gz"
    path.write_bytes(world.raw("enhancers.bed.gz").read_bytes()[:-30])
    assert f"{path}: the gzip file is truncated or damaged" in message(world, tmp_path / "o", enhancers=path)


def test_files_that_are_not_there(world, tmp_path: Path) -> None:
    for name in ("enhancers", "promoters", "genome", "similarity", "support", "contig_names"):
        told = message(world, tmp_path / "out", **{name: tmp_path / "none"})
        assert "none: " in told
        assert "cannot be read" in told


def test_enhancers_from_a_gtf(world, tmp_path: Path) -> None:
    path = bed(tmp_path / "genes.gtf", 'chr1\tme\tgene\t100\t900\t.\t+\t.\tgene_id "G";\n')
    assert "this is a GTF; enhancers must be in BED format" in message(
        world, tmp_path / "out", enhancers=path
    )


def test_another_assembly_is_suspected_from_the_lengths_of_contigs(
    world, make_package, tmp_path: Path
) -> None:
    table = intervals(world, "enhancers")
    longer = pd.DataFrame([["chr1", 10**6, 10**6 + 300]], columns=table.columns)
    path = write(tmp_path / "mine.bed", pd.concat([table, longer]))
    told = message(world, tmp_path / "out", enhancers=path)
    assert f"{path}, line {len(table) + 1}: 1 of {len(table) + 1} enhancers lie beyond the end" in told
    assert "the file seems to be of another assembly" in told
    # The model was trained on a genome that they fit.
    sizes = tmp_path / "sizes.tsv"
    text = (world.directory / "genome" / "contig_sizes.tsv").read_text()
    chr1 = next(line for line in text.splitlines() if line.startswith("chr1\t"))
    sizes.write_text(text.replace(chr1, "chr1\t249250621"))
    model = make_package(world, tmp_path, {"contig_sizes": sizes})
    told = message(world, tmp_path / "out", enhancers=path, model_directory=model)
    assert "; all of them would fit hg19" in told
    found = cautions(world, tmp_path / "fine", model_directory=model)
    assert "hg19: chr1 has 249250621 bp" in found["other_assembly"]


def test_a_model_for_other_windows(world, tmp_path: Path) -> None:
    told = message(world, tmp_path / "out", enhancer_window=1000)
    assert "trained for enhancer windows of 300 bp, but 1000 bp are requested" in told
    world.prepare(tmp_path / "fine", enhancer_window=300, promoter_window=400)


def test_distances_without_pairs(world, tmp_path: Path) -> None:
    told = message(world, tmp_path / "out", min_distance=10, max_distance=5)
    assert "the shortest distance (10 bp) is above the longest (5 bp)" in told


def test_chromosomes_that_are_not_there(world, tmp_path: Path) -> None:
    assert "'chr9' is requested" in message(world, tmp_path / "out", chromosomes=["chr9"])
    assert "write 'chr1', as the genome does" in message(world, tmp_path / "out", chromosomes=["1"])
    one = intervals(world, "enhancers")
    path = write(tmp_path / "mine.bed", one[one[0] == "chr2"])
    told = message(world, tmp_path / "out", enhancers=path, chromosomes=["chr1"])
    assert "no enhancer lies on a predicted chromosome" in told


def test_a_name_that_is_none(world, tmp_path: Path) -> None:
    assert "the cell line is called 'my line'" in message(world, tmp_path / "out", cell_line="my line")


def test_a_support_set_of_strangers(world, tmp_path: Path) -> None:
    path = bed(tmp_path / "support.tsv", "role\telement_id\nenhancer\tchr1:1-301\n")
    told = message(world, tmp_path / "out", support=path)
    assert "support.tsv, line 2: the enhancer chr1:1-301 is none of the candidates" in told


def test_similarities_without_the_line(world, tmp_path: Path) -> None:
    path = bed(tmp_path / "similar.tsv", "\tblood_1\tother\nblood_1\t1\t0.3\nother\t0.3\t1\n")
    told = message(world, tmp_path / "out", similarity=path)
    assert "it has no similarity between 'liver_2' and a training line" in told


def test_a_tampered_model_by_the_command(world, own_model: Path, tmp_path: Path, capsys) -> None:
    (own_model / "model.json").write_text((own_model / "model.json").read_text().replace("0.4", "0.1"))
    named = {
        "model": own_model, "genome": world.fasta, "candidates": world.raw("enhancers.bed.gz"),
        "promoters": world.raw("promoters.bed.gz"), "directory": tmp_path / "out",
    }  # fmt: skip
    arguments = [part for name, value in named.items() for part in (f"--{name}", str(value))]
    assert main(["predict", *arguments]) == 2
    told = capsys.readouterr().err
    assert told.startswith(
        f"cbat predict: error: {own_model / 'model.json'}: the file was changed or damaged"
    )
    assert told.count("Fix:") == 1
    assert not (tmp_path / "out").exists()


def test_what_is_fine_warns_of_nothing(world, tmp_path: Path) -> None:
    named = intervals(world, "promoters")
    named[3] = [f"GENE{row}" for row in range(len(named))]
    promoters = write(tmp_path / "named.bed", named)
    given = {"promoters": promoters, "tissue": "liver", "max_distance": 50_000}
    assert cautions(world, tmp_path / "out", **given) == {}


def test_ten_peaks_run_with_a_caution(world, tmp_path: Path) -> None:
    ten = write(tmp_path / "ten.bed", intervals(world, "enhancers").iloc[:10])
    promoters = write(tmp_path / "some.bed", intervals(world, "promoters").iloc[:5])
    found = cautions(world, tmp_path / "out", enhancers=ten, promoters=promoters, tissue="liver")
    assert "read from 15 candidates, and 48 would be usual" in found["few_candidates"]
    scored = world.predict(tmp_path / "out", enhancers=ten, promoters=promoters, tissue="liver")
    assert len(scored) > 0
    assert scored["score"].notna().all()
    assert len(pd.read_csv(tmp_path / "out" / "support.tsv", sep="\t")) == 15


def test_three_columns_do(world, tmp_path: Path) -> None:
    files = {
        role: write(tmp_path / f"{role}.bed", intervals(world, role)) for role in ("enhancers", "promoters")
    }
    three = world.predict(tmp_path / "three", max_distance=50_000, **files)
    all_columns = world.predict(tmp_path / "all", max_distance=50_000)
    left_out = ["promoter_strand", "promoter_name", "enhancer_name"]
    pd.testing.assert_frame_equal(three.drop(columns=left_out), all_columns.drop(columns=left_out))


@pytest.mark.parametrize("columns", ["\tpeak 1\t7\t.\t9.5\t3\t2\t80", "\tpeak 1\t7\t.\t9.5\t3\t2"])
def test_narrow_and_broad_peaks(world, tmp_path: Path, columns: str) -> None:
    text = "".join(f"{c}\t{s}\t{e}{columns}\n" for c, s, e in intervals(world, "enhancers").to_numpy())
    path = tmp_path / "mine.peaks.gz"
    path.write_bytes(gzip.compress(text.encode()))
    scored = world.predict(tmp_path / "out", enhancers=path, max_distance=50_000)
    assert set(scored["enhancer_name"]) == {"peak_1"}


def test_an_unknown_tissue_is_a_caution_and_counts_as_none(world, tmp_path: Path) -> None:
    found = cautions(world, tmp_path / "a", tissue="livr", max_distance=50_000)
    assert "does not know the tissue 'livr' (did you mean 'liver'?)" in found["unknown_tissue"]
    world.prepare(tmp_path / "b", max_distance=50_000)
    assert read_plan(tmp_path / "a").environment == read_plan(tmp_path / "b").environment
    world.prepare(tmp_path / "c", max_distance=50_000, tissue="liver")
    assert read_plan(tmp_path / "a").environment != read_plan(tmp_path / "c").environment


def test_the_name_of_a_training_line_is_a_caution(world, tmp_path: Path) -> None:
    found = cautions(world, tmp_path, cell_line="liver_1", max_distance=50_000)
    assert "the model has read its labels" in found["training_line"]


def test_candidates_unlike_all_others_are_a_caution(world, tmp_path: Path) -> None:
    sizes = pd.read_csv(world.directory / "genome" / "contig_sizes.tsv", sep="\t").to_numpy()
    fasta = tmp_path / "genome.fa"
    fasta.write_text("".join(f">{name}\n{('AC' * length)[:length]}\n" for name, length in sizes))
    found = cautions(world, tmp_path / "out", genome=fasta, max_distance=50_000)
    assert "look unlike those of any training line" in found["out_of_distribution"]


def test_distances_beyond_training_are_a_caution(world, tmp_path: Path) -> None:
    found = cautions(world, tmp_path, max_distance=500_000)
    assert "the model has seen none beyond" in found["long_distances"]


def test_wide_intervals_are_a_caution(world, tmp_path: Path) -> None:
    table = intervals(world, "enhancers")
    wide = table.assign(**{"1": (table[1] - 1500).clip(lower=0), "2": table[2]})
    wide = wide[[0, "1", "2"]]
    found = cautions(world, tmp_path / "out", enhancers=write(tmp_path / "w.bed", wide), max_distance=50_000)
    assert "300 bp around the centre" in found["wide_intervals"]


def test_intervals_in_both_roles_are_a_caution(world, tmp_path: Path) -> None:
    both = pd.concat([intervals(world, "enhancers"), intervals(world, "promoters").iloc[:3]])
    found = cautions(world, tmp_path / "o", enhancers=write(tmp_path / "b.bed", both), max_distance=50_000)
    assert found["both_roles"].startswith("3 intervals are listed as enhancers and as promoters")


def test_windows_without_a_known_base_are_a_caution(world, tmp_path: Path) -> None:
    lines = world.fasta.read_text().splitlines()
    fasta = tmp_path / "genome.fa"
    fasta.write_text("\n".join(line if line.startswith(">") else "N" * len(line) for line in lines) + "\n")
    found = cautions(world, tmp_path / "out", genome=fasta, max_distance=50_000)
    assert found["unknown_sequence"].startswith("100% of the windows hold no known base")


def test_windows_that_are_left_out_for_unknown_bases_are_a_caution(world, make_package, tmp_path) -> None:
    elements = ElementSettings(enhancer_window=300, promoter_window=400, max_n=0.0)
    model = make_package(world, tmp_path, {"elements": elements})
    assert "unknown_sequence" not in cautions(world, tmp_path / "whole", model_directory=model)
    lines = world.fasta.read_text().splitlines()
    chr2 = next(place for place, line in enumerate(lines) if line.startswith(">chr2"))
    known = [
        line if place < chr2 or line.startswith(">") else "N" * len(line) for place, line in enumerate(lines)
    ]
    fasta = tmp_path / "genome.fa"
    fasta.write_text("\n".join(known) + "\n")
    found = cautions(world, tmp_path / "out", model_directory=model, genome=fasta)
    assert "windows hold too many unknown bases and are left out" in found["unknown_sequence"]


def test_elements_are_left_out_as_in_training(world, make_package, tmp_path: Path) -> None:
    elements = ElementSettings(
        enhancer_window=300, promoter_window=400, max_n=0.0, enhancer_promoter_gap=1000
    )
    model = make_package(world, tmp_path, {"elements": elements})
    world.prepare(tmp_path / "out", model_directory=model, max_distance=50_000)
    report = json.loads((tmp_path / "out" / "environment.json").read_text())["candidates"]
    assert report["enhancer"]["left_out_near_promoters"] > 0
    kept = pd.read_parquet(tmp_path / "out" / "prepared" / "enhancer.parquet")
    promoters = pd.read_parquet(tmp_path / "out" / "prepared" / "promoter.parquet")
    both = kept.merge(promoters, on="chrom")
    middle = [(both[f"start_{side}"] + both[f"end_{side}"]) // 2 for side in ("x", "y")]
    assert (middle[0] - middle[1]).abs().min() >= 1000


def test_repeated_candidates_count_once_and_are_a_caution(world, tmp_path: Path) -> None:
    table = intervals(world, "enhancers")
    again = write(tmp_path / "again.bed", pd.concat([table, table.iloc[:50]]))
    found = cautions(world, tmp_path / "again", enhancers=again)
    told = f"again.bed: 50 of {len(table) + 50} enhancers are repeated; each counts once"
    assert told in found["repeated_candidates"]
    world.prepare(tmp_path / "once", enhancers=write(tmp_path / "once.bed", table))
    kept = [pd.read_parquet(tmp_path / name / "prepared" / "enhancer.parquet") for name in ("again", "once")]
    assert kept[0].equals(kept[1])


def test_candidates_on_contigs_without_the_other_end_are_counted(world, tmp_path: Path) -> None:
    promoters = intervals(world, "promoters")
    gone = str(promoters.iloc[0, 0])
    kept = write(tmp_path / "promoters.bed", promoters[promoters.iloc[:, 0] != gone])
    world.prepare(tmp_path / "out", promoters=kept)
    report = json.loads((tmp_path / "out" / "environment.json").read_text())["candidates"]
    alone = int((intervals(world, "enhancers").iloc[:, 0] == gone).sum())
    assert alone > 0
    assert report["enhancer"]["on_contigs_without_the_other_end"] == alone
    assert report["promoter"]["on_contigs_without_the_other_end"] == 0
