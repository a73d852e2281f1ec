"""UCSC chain files: which positions of one assembly are which of another."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from liftover import ChainFile

from cbat.data.text_files import read_text
from cbat.errors import UserError

_HEADER: Final = re.compile(rb"(?m)^chain[ \t]+\S+[ \t]+(\S+)[ \t]+([0-9]+)[ \t]")
"""The beginning of a chain, with the name and the length of the contig that it starts from."""


@dataclass(frozen=True)
class Chains:
    """The chains of one file.

    Attributes
    ----------
    path : Path
    positions : ChainFile
        ``positions[contig][position]`` lists what a 0-based position becomes: contig, 0-based position and
        strand (``-`` where the chain turns the sequence round).
    sizes : dict of str to int
        Contig of the assembly that the chains start from -> its length, bp.
    """

    path: Path
    positions: ChainFile
    sizes: dict[str, int]


def read_chains(path: str | Path) -> Chains:
    """Read a chain file, plain or gzip.

    Raises
    ------
    UserError
        The file is missing, damaged, truncated or empty, or no chain file.
    """
    path = Path(path)
    text = read_text(path)
    lines = (line for line in text.split(b"\n") if line.strip() and not line.startswith(b"#"))
    first = next(lines, b"")
    if not _HEADER.match(first):
        raise UserError(
            "this is not a chain file: the first line that is no comment does not begin with "
            "'chain', a score, "
            "a contig and its length",
            mend="name a chain file of UCSC, such as hg19ToHg38.over.chain.gz",
            file=path,
        )
    try:
        positions = ChainFile(path)
    except ValueError as error:
        raise UserError(
            f"the chain file is damaged ({error})", mend="copy or download it again", file=path
        ) from error
    sizes = {name.decode(): int(length) for name, length in _HEADER.findall(text)}
    return Chains(path, positions, sizes)
