"""Tables whose column ``CellType`` says of which cell line each row is."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cbat.config.sheets import plain_name
from cbat.data.text_tables import TextTable
from cbat.errors import UserError

COLUMN: Final = "CellType"


def rows_of_cell_type(table: TextTable, cell_line: str) -> npt.NDArray[np.bool_]:
    """Whether each row is of a cell line, shape=(n_rows,); K562, k562 and K-562 are one line.

    Raises
    ------
    UserError
        No row is.
    """
    types = table.columns[COLUMN]
    known = sorted(set(pc.unique(types).to_pylist()))
    alike = [one for one in known if plain_name(one) == plain_name(cell_line)]
    if not alike:
        raise UserError(
            f"no row is of the cell line {cell_line!r}; its cell types are {', '.join(known)}",
            mend="call the cell line as CellType does (cell_line of a sheet, --cell-line of predict) "
            "or name another table",
            file=table.path,
        )
    return np.asarray(pc.is_in(types, pa.array(alike)).to_numpy(zero_copy_only=False), dtype=bool)
