"""A mistake in the configuration stops the run before anything is planned, with one message."""

from __future__ import annotations

import pytest


def message_of(checkout, *arguments: str) -> str:
    """What Snakemake printed, which must hold one message and no traceback."""
    done = checkout.snakemake("-n", *arguments)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    assert "Building DAG" not in done.stdout
    assert done.stdout.count("Fix:") == 1
    return done.stdout


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ("modles: [baseline]\n", "my.yaml, line 1: unknown key 'modles' (did you mean 'models'?)"),
        (
            "models: [nonsense]\n",
            "my.yaml, line 1: the model 'nonsense' has no file config/models/nonsense.yaml",
        ),
        (
            "splits: {test: [chr1]}\n",
            "my.yaml, line 1: the chromosome 'chr1' is in splits.train and again in",
        ),
        (
            "simulation: null\n",
            "config/config.yaml, line 12: genome.fasta is 'results/simulation/genome.fa.gz'",
        ),
        (
            "genome: {contig_names: names.tsv}\n",
            "my.yaml, line 1: genome.contig_names is 'names.tsv', which does not exist",
        ),
    ],
)
def test_a_mistake_in_a_file_laid_over_the_default(checkout, over: str, expected: str) -> None:
    checkout.write("my.yaml", over)
    assert expected in message_of(checkout, "--configfile", "my.yaml")


def test_a_mistake_on_the_command_line(checkout) -> None:
    assert "unknown key 'sede' (did you mean 'seeds'?)" in message_of(checkout, "--config", "sede=1")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("\tsex", "", "cell_lines.tsv, line 2: the column 'sex' is missing"),
        ("brain_1", "blood_1", "cell_lines.tsv, line 4: the cell line 'blood_1' is already in line 3"),
        (
            "\tblood\t",
            "\tbloood\t",
            "line 3: the tissue 'bloood' of the cell line 'blood_1' is not in config/tis",
        ),
        ("\ttrain\t", "\ttest\t", "cell_lines.tsv, line 3: role is 'test'"),
        (
            "results/simulation/raw/blood_1/pairs.tsv.gz",
            "mine.tsv",
            "line 3: the pairs file 'mine.tsv' of the",
        ),
    ],
)
def test_a_mistake_in_the_sheet_of_cell_lines(checkout, old: str, new: str, expected: str) -> None:
    checkout.edit("config/cell_lines.tsv", old, new)
    assert expected in message_of(checkout)


def test_the_table_of_contig_names_reaches_the_stages_that_read_files(checkout) -> None:
    checkout.write("names.tsv", "given\tgenome\n1\tchr1\n")
    checkout.write("my.yaml", "genome: {contig_names: names.tsv}\n")
    done = checkout.snakemake("-n", "-p", "--configfile", "my.yaml")
    assert done.returncode == 0, done.stdout
    for verb in ("collect_elements", "label_pairs"):
        commands = [line for line in done.stdout.splitlines() if f"cbat {verb} " in line]
        assert commands
        assert all(" --contig-names names.tsv " in command for command in commands)
    assert "--contig-names" not in checkout.snakemake("-n", "-p").stdout
