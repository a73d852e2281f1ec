"""Messages of commands name options, where those of a run name keys of its configuration."""

from __future__ import annotations

import pytest

from cbat.commands.wording import as_options, words_of_options
from cbat.data.contigs import ELSEWHERE
from cbat.errors import UserError


@pytest.mark.parametrize(
    ("of_a_run", "of_a_command"),
    [
        (
            f"map the names in the table of genome.contig_names ({ELSEWHERE})",
            "map the names in the table of --contig-names",
        ),
        (
            f"or rename them in one of the two ({ELSEWHERE})",
            "or rename them in one of the two",
        ),
        ("write 'none' in landscape.signals.insulators", "write 'none' in --signals insulators"),
        ("write '.' for the one that the line lacks", "leave out the one that it lacks"),
        ("sites of landscape.insulator_motifs", "sites of --insulator-motifs"),
        ("correct its path", "correct its path"),
    ],
)
def test_keys_become_options(of_a_run: str, of_a_command: str) -> None:
    assert as_options(of_a_run) == of_a_command


def test_file_and_line_stay() -> None:
    with pytest.raises(UserError) as caught, words_of_options():
        raise UserError("bad", mend="see landscape.signals.insulators", file="a.bed", where="line 3")
    assert str(caught.value) == "a.bed, line 3: bad. Fix: see --signals insulators."
