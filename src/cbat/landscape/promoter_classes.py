"""Genes whose promoters need little help: expressed in all tissues, or of a class that enhancers hardly move.

A screen finds fewer enhancers of such genes (Gschwind et al. 2023). One file lists them: names, one in a
line; or a table with a header whose first column names the gene and whose columns of yes and no each count
one. The class of a gene is the number of these that name it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from cbat.data.text_files import read_lines
from cbat.errors import UserError
from cbat.files import sha256_of

_YES: Final = frozenset({"true", "yes", "1"})
_NO: Final = frozenset({"false", "no", "0"})
Classes = npt.NDArray[np.int8]


def classes_of(names: pd.Series, path: Path | None) -> tuple[Classes, dict[str, Any] | None]:
    """Class of each gene, shape=(n,), and what was read; zeros and None without a file.

    Raises
    ------
    UserError
        A malformed file, or one that names none of the genes.
    """
    if path is None:
        return np.zeros(len(names), dtype=np.int8), None
    known, columns = read_classes(path)
    found = names.map(known).fillna(0).to_numpy(dtype=np.int8)
    there = int(names.isin(list(known)).sum())
    if not there:
        raise UserError(
            f"none of its {len(known)} genes is one of the annotation, such as {next(iter(known))!r}",
            mend="name a list with the names that the genes have there (symbols or identifiers)",
            file=path,
        )
    report = {
        "file": str(path), "sha256": sha256_of(path), "columns": columns, "genes": len(known),
        "of_the_annotation": there,
    }  # fmt: skip
    return found, report


def read_classes(path: Path) -> tuple[dict[str, int], list[str]]:
    """Gene -> its class, and the columns that count; none for a list of names.

    Raises
    ------
    UserError
        The file is missing, damaged or empty, a row has another number of fields than the header, or no
        column of the table is of yes and no.
    """
    rows = [(number, line.split("\t")) for number, line in read_lines(path) if line.strip()]
    if not rows:
        raise UserError("the file names no gene", mend="write a name in each line", file=path)
    header = rows[0][1]
    if len(header) == 1:
        return {fields[0].strip(): 1 for _, fields in rows if not fields[0].startswith("#")}, []
    for number, fields in rows:
        if len(fields) != len(header):
            raise UserError(
                f"this row has {len(fields)} fields, and the header has {len(header)}",
                mend="separate the columns with tabs, and fill in every field",
                file=path,
                where=f"line {number}",
            )
    table = pd.DataFrame([fields for _, fields in rows[1:]], columns=pd.Index(header))
    words = {name: table[name].str.lower() for name in header[1:]}
    counted = [name for name, column in words.items() if len(column) and column.isin(_YES | _NO).all()]
    if not counted:
        raise UserError(
            f"no column of {', '.join(header[1:])} holds yes and no (TRUE and FALSE, or 1 and 0) alone",
            mend="name a table with such a column, or a list of names, one in a line",
            file=path,
        )
    total = sum(words[name].isin(_YES).astype(int) for name in counted)
    return dict(zip(table[header[0]], total, strict=True)), counted
