"""A check of the configuration lists every mistake of its keys, of its sheets and of what these name."""

from __future__ import annotations

import pytest

from cbat.cli import main

OWN = ["config/config.yaml", "my.yaml"]


def listed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The faults that the check names, without their numbers."""
    assert main(["check_config", *OWN]) == 2
    first, *lines = capsys.readouterr().err.splitlines()
    told = f"{len(lines)} faults (once these are fixed, more may be found)"
    assert first == f"cbat check_config: error: {told}"
    return [line.split(". ", 1)[1] for line in lines]


def test_mistakes_of_keys(project_files, capsys) -> None:
    project_files.write("my.yaml", "seeds: [x]\nmodels: baseline\nlabels: {kind: touch}\nmodles: 1\n")
    faults = listed(capsys)
    assert len(faults) == 4
    for line, said in enumerate(("seeds.0 is 'x'", "models is", "labels.kind is 'touch'", "unknown key"), 1):
        assert any(fault.startswith(f"my.yaml, line {line}: {said}") for fault in faults), said


def test_mistakes_of_values_and_missing_files(project_files, capsys) -> None:
    project_files.write(
        "my.yaml",
        "labels: {min_distance: 9, max_distance: 3}\nreadout: {motifs: no.meme}\ngenome: {fasta: none.fa}\n",
    )
    faults = listed(capsys)
    assert len(faults) == 3
    for said in (
        "labels.min_distance (9) is above",
        "readout.motifs is 'no.meme'",
        "genome.fasta is 'none.fa'",
    ):
        assert any(said in fault for fault in faults), said


def test_mistakes_of_both_sheets_and_no_others_that_follow_from_them(project_files, capsys) -> None:
    project_files.write("my.yaml", "{}\n")
    project_files.edit("config/cell_lines.tsv", "\ttrain\t", "\ttrian\t")
    project_files.edit("config/cell_lines.tsv", "\tunseen\t", "\tunsene\t")
    project_files.edit("config/tissues.tsv", "skin\tectoderm\t.", "skin\tectoderm\tskinn")
    faults = listed(capsys)
    assert len(faults) == 3
    for said in ("role is 'trian'", "role is 'unsene'", "the parent 'skinn'"):
        assert any(said in fault for fault in faults), said


def test_mistakes_of_keys_hide_no_others(project_files, capsys) -> None:
    project_files.write(
        "my.yaml",
        "lables: {kind: contact}\nseeds: [x]\nevaluation: {n_bootstrap: -1, n_bootstraps: 3}\n"
        "splits: {train: [chr1, chr1], validation: [chr2], test: [chr3]}\nreadout: {motifs: no.meme}\n"
        "models: [baseline, no_such]\ncell_lines: no.tsv\ntissues: config/tissues.tsv\n",
    )
    project_files.edit("config/tissues.tsv", "skin\tectoderm\t.", "skin\tectoderm\tskinn")
    faults = listed(capsys)
    wanted = (
        "unknown key 'lables'", "seeds.0 is 'x'", "evaluation.n_bootstrap is -1", "unknown key",
        "chr1", "readout.motifs is 'no.meme'", "no_such", "no.tsv", "the parent 'skinn'",
    )  # fmt: skip
    for said in wanted:
        assert any(said in fault for fault in faults), said
    assert len(faults) == len(wanted)


def test_a_mistake_of_the_simulation_makes_no_files_missing(project_files, capsys) -> None:
    project_files.write("my.yaml", "simulation: {seed: x}\nreadout: {motifs: no.meme}\n")
    assert main(["check_config", *OWN]) == 2
    assert "simulation.seed is 'x'" in capsys.readouterr().err
