"""Commands of a shell that turn a file into one that is read, for messages."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Final

from cbat.data.text_files import GZIP_MAGIC

_TO_BED: Final = 'BEGIN {FS = OFS = "\\t"} '
_OF_CSV: Final = (
    "python3 -c 'import csv, sys; "
    'csv.writer(sys.stdout, delimiter="\\t", lineterminator="\\n").writerows(csv.reader(sys.stdin))\''
)


def awk_command(program: str) -> str:
    """A command that reads and writes fields between tabs."""
    return f"awk '{_TO_BED}{program}'"


def converted(path: Path, command: str, ending: str = "bed") -> str:
    """What to run on a file, plain or gzip, and to name the result.

    Parameters
    ----------
    path : Path
    command : str
        Of a shell, which reads its standard input and writes to its output.
    ending : str
        Of the name of the new file.
    """
    given, made = shlex.quote(str(path)), shlex.quote(f"{path}.{ending}")
    with open(path, "rb") as raw:
        packed = raw.read(2) == GZIP_MAGIC
    run = f"gzip -dc {given} | {command}" if packed else f"{command} < {given}"
    return f"run {run} > {made}, and name {made} instead"


def with_tabs(path: Path, separator: str) -> str:
    """What puts tabs in place of another separator, and to name the result.

    Parameters
    ----------
    path : Path
    separator : str
        One character; a space stands for any number of them.
    """
    if separator == ",":
        return converted(path, _OF_CSV, "tsv")
    how = "" if separator == " " else f"-F {shlex.quote(f'[{separator}]')} "
    return converted(path, f"awk {how}-v OFS='\\t' '{{$1 = $1; print}}'", "tsv")
