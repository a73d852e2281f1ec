"""Damaged inputs end in one message, never in a traceback: thousands of mutations of small sound files.

CBAT_FUZZ_CASES sets how many are tried; each is known by its number, which is its seed.
"""

from __future__ import annotations

import gzip
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from landscape_world import KINDS, NEW

from cbat.cli import main
from cbat.config.load import load_section
from cbat.config.sections import LandscapeSettings
from cbat.config.sheets import read_cell_lines, read_tissues
from cbat.data import genome
from cbat.data.bed_files import read_candidates
from cbat.data.chain_files import read_chains
from cbat.data.contigs import read_contig_names
from cbat.data.expression_tables import read_expressed
from cbat.data.motif_files import read_motif_file
from cbat.data.pair_tables import read_pairs
from cbat.errors import UserError
from cbat.evaluation.peer_tables import read_peer
from cbat.graph.build import read_similarity
from cbat.landscape.genes import starts_of
from cbat.landscape.peak_files import read_peaks
from cbat.landscape.signal_files import open_signal
from cbat.landscape.strands import read_sites

CASES = int(os.environ.get("CBAT_FUZZ_CASES", "300"))
OF_PREDICT = 20
"""Every so manieth case is a whole prediction."""


def rows(*lines: str, sep: str = "\t", n: int = 1) -> bytes:
    """Lines whose fields are separated by spaces here; ``{0}`` counts the repeats of the last."""
    many = [*lines[:-1], *(lines[-1].replace("{0}", str(10_000 * (k + 1))) for k in range(n))]
    return "".join(sep.join(line.split(" ")) + "\n" for line in many).encode()


BED6 = rows("chr1 {0} 99999999 n 5 +", n=9)
PEAKS = rows("chr1 {0} 99999999 p 500 . 3.{0} 2 1 40", n=9)
PAIRS = (
    "enhancer_chrom enhancer_start enhancer_end promoter_chrom promoter_start promoter_end label",
    "chr1 100 900 chr1 5000 6000 1",
    "chr1 {0} 99999999 chr1 7000 8000 0",
)
GTF = "".join(
    f'chr1\tx\tgene\t{1000 * k}\t{1000 * k + 500}\t.\t{"+-"[k % 2]}\t.\tgene_id "G{k}"; gene_name "N{k}";\n'
    for k in range(1, 9)
).encode()
GFF3 = (
    b"##gff-version 3\n"
    b"chr1\tx\tgene\t900\t1500\t.\t+\t.\tID=G1;Name=N1\n"
    b"chr1\tx\tgene\t9000\t9500\t.\t-\t.\tID=G2\n"
)
CRISPR = (
    "chrom chromStart chromEnd chrTSS startTSS endTSS ValidConnection CellType Regulated measuredGeneSymbol",
    "chr1 {0} 99999999 chr1 700 701 TRUE K562 TRUE G",
)
RE2G = ("chr start end TargetGeneTSS TargetGene Score", "chr1 {0} 99999999 7000 G 0.7")
CHAIN = b"chain 900 chr1 5000 + 0 5000 chr1 6000 + 100 5100 1\n2000 10 10\n2990\n\n"
MEME = (
    b"MEME version 4\n\nALPHABET= ACGT\n\nMOTIF M1 x\nletter-probability matrix: alength= 4 w= 2 nsites= 9\n"
    b"0.7 0.1 0.1 0.1\n0.1 0.7 0.1 0.1\n"
)
SHEET = (
    "cell_line tissue role sex condition pairs pairs_format enhancers promoters",
    "K562 blood train male normal p.tsv cbat . .",
)
FASTA = b">chr1\n" + b"ACGTNACGTA" * 6 + b"\n" + b"ACGTN" * 3 + b"\n>chr2\nACGT\n"


def pairs(name: str = "auto", **over: Any) -> Callable[[Path], Any]:
    return lambda path: read_pairs(path, name, **over)


def read_genome(path: Path) -> None:
    genome.run(fasta=path, directory=path.parent / "genome")


READERS: dict[str, tuple[bytes, Callable[[Path], Any]]] = {
    "bed": (BED6, lambda path: read_candidates(path, "enhancer")),
    "promoters": (BED6, lambda path: read_candidates(path, "promoter", named=True)),
    "promoters_gtf": (GTF, lambda path: read_candidates(path, "promoter", named=True)),
    "promoters_gff3": (GFF3, lambda path: read_candidates(path, "promoter", named=True)),
    "genes_gtf": (GTF, starts_of),
    "genes_bed": (BED6, starts_of),
    "narrow_peaks": (PEAKS, lambda path: read_peaks(path, "active_enhancers")),
    "named_signal": (PEAKS, lambda path: read_peaks(path, "insulators", "qValue")),
    "signal": (PEAKS, lambda path: open_signal(path, "accessibility", "auto", "K562")),
    "sites": (BED6, read_sites),
    "pairs": (rows(*PAIRS, n=5), pairs()),
    "pairs_csv": (rows(*PAIRS, sep=",", n=5), pairs("targetfinder")),
    "cboep": (rows(*PAIRS, sep=",", n=5), pairs("cboep")),
    "bengi": (rows("1 500 chr1 100 900 e chr1 {0} 99999999 p", n=5), pairs("bengi")),
    "crispr": (rows(*CRISPR, n=5), pairs("encode_crispr", cell_line="K562")),
    "enhanceratlas": (b"chr1:100-900_ENSG01$G$chr1$7000$+\t0.7\n" * 3, pairs("enhanceratlas")),
    "re2g": (rows(*RE2G, n=5), pairs(score_threshold=0.5)),
    "bedpe": (rows("chr1 100 900 chr1 {0} 99999999 n 0.7 + -", n=5), pairs("bedpe", score_threshold=0.5)),
    "expression": (
        rows("gene TPM", "G{0} 1.5", n=5),
        lambda path: read_expressed(path, {"G10000"}, least=1.0),
    ),
    "similarity": (rows("x A B", "A 1 0.5", "B 0.5 1"), read_similarity),
    "contig_names": (rows("given genome", "{0} chr{0}", n=4), read_contig_names),
    "peer": (rows("cell_line enhancer promoter score", "K chr1:1-9 chr1:{0}-99999999 .5", n=5), read_peer),
    "chain": (CHAIN, read_chains),
    "motifs": (MEME, read_motif_file),
    "cell_lines": (rows(*SHEET), read_cell_lines),
    "tissues": (rows("tissue germ_layer parent", "blood mesoderm ."), read_tissues),
    "yaml": (b"genes: a.bed\nsignals: {insulators: 5}\n", lambda path: load_section(LandscapeSettings, path)),
    "fasta": (FASTA, read_genome),
}


def flip_bits(data: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(data)
    for at in rng.integers(len(data), size=rng.integers(1, 9)):
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def cut(data: bytes, rng: np.random.Generator) -> bytes:
    return data[: rng.integers(len(data))]


def without_a_stretch(data: bytes, rng: np.random.Generator) -> bytes:
    first, last = sorted(rng.integers(len(data), size=2))
    return data[:first] + data[last:]


def other_order_of_columns(data: bytes, rng: np.random.Generator) -> bytes:
    sep = b"\t" if b"\t" in data else b","
    lines = [line.split(sep) for line in data.split(b"\n")]
    order = rng.permutation(max(map(len, lines)))
    return b"\n".join(sep.join(line[at] for at in order if at < len(line)) for line in lines)


def other_separator(data: bytes, rng: np.random.Generator) -> bytes:
    return data.replace(b"\t", [b" ", b",", b";", b"\t\t", b"  "][rng.integers(5)])


def other_encoding(data: bytes, rng: np.random.Generator) -> bytes:
    text = data.decode("utf-8", errors="replace") + "Gène ß\n"
    return text.encode(
        ["utf-16", "latin-1", "utf-8-sig", "cp1252", "utf-32"][rng.integers(5)], errors="ignore"
    )


def other_line_ends(data: bytes, rng: np.random.Generator) -> bytes:
    return data.replace(b"\n", [b"\r\n", b"\r", b"\n\n", b" \n", b"\t\n"][rng.integers(5)])


def shuffled_lines(data: bytes, rng: np.random.Generator) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[at] for at in rng.integers(len(lines), size=len(lines)))


def other_words(data: bytes, rng: np.random.Generator) -> bytes:
    words = [
        b"-1",
        b"1e999",
        b"nan",
        b"99999999999999999999",
        b"0x1F",
        b'"a"',
        b"",
        b"a b",
        b"\x00",
        b"1.5",
        b"#",
    ]
    fields = data.split(b"\t")
    for at in rng.integers(len(fields), size=3):
        fields[at] = words[rng.integers(len(words))]
    return b"\t".join(fields)


def packed(data: bytes, rng: np.random.Generator) -> bytes:
    whole = gzip.compress(data, mtime=0)
    return [whole, whole[: rng.integers(len(whole))], flip_bits(whole, rng), whole + data][rng.integers(4)]


def foreign(data: bytes, rng: np.random.Generator) -> bytes:
    others = [one for one, _ in READERS.values()]
    return others[rng.integers(len(others))]


def binary(data: bytes, rng: np.random.Generator) -> bytes:
    heads = [b"\x26\xfc\x8f\x88", b"PK\x03\x04", b"BAM\x01", b"\x1f\x8b", b"%PDF", b"\x89HDF", b""]
    return heads[rng.integers(len(heads))] + rng.bytes(int(rng.integers(400)))


MUTATIONS = (
    flip_bits, cut, without_a_stretch, other_order_of_columns, other_separator, other_encoding,
    other_line_ends, shuffled_lines, other_words, packed, foreign, binary,
)  # fmt: skip


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    for _ in range(rng.integers(1, 4)):
        data = MUTATIONS[rng.integers(len(MUTATIONS))](data, rng) if data else data
    return data


@pytest.mark.parametrize("name", READERS)
def test_the_files_are_sound_before_they_are_damaged(tmp_path: Path, name: str) -> None:
    data, read = READERS[name]
    path = tmp_path / "input.txt"
    path.write_bytes(data)
    read(path)


@pytest.mark.parametrize("batch", range(10))
def test_damaged_files_end_in_a_message(tmp_path: Path, batch: int) -> None:
    failed = []
    refused = 0
    for case in range(batch, CASES, 10):
        rng = np.random.default_rng(case)
        name = list(READERS)[rng.integers(len(READERS))]
        data, read = READERS[name]
        path = tmp_path / f"{case}.txt"
        path.write_bytes(mutated(data, rng))
        try:
            read(path)
        except UserError as error:
            refused += 1
            if str(tmp_path) not in str(error) or not error.mend:
                failed.append((case, name, f"no file in: {error}"))
        except Exception as error:  # Whatever it is, it is a fault.
            failed.append((case, name, repr(error)))
    assert not failed
    assert refused > CASES / 10 / 4, "damage is found"


def test_predictions_of_damaged_files_end_in_a_message(landscape_world, tmp_path: Path, capfd) -> None:
    sound = {
        "candidates": landscape_world.raw("enhancers.bed"),
        "promoters": landscape_world.raw("promoters.bed"),
        **{f"{kind}=": landscape_world.track(kind) for kind in KINDS},
    }
    failed, statuses = [], []
    for case in range(CASES // OF_PREDICT):
        rng = np.random.default_rng([case, 1])
        chosen = list(sound)[rng.integers(len(sound))]
        damaged = tmp_path / f"{case}.narrowPeak"
        # Few lines are enough, and a file that is wholly damaged is refused at once.
        head = b"".join(sound[chosen].read_bytes().splitlines(keepends=True)[:400])
        damaged.write_bytes(mutated(head, rng))
        given = sound | {chosen: damaged}
        tracks = [f"{name}{path}" for name, path in given.items() if name.endswith("=")]
        command = ["predict", "--model", landscape_world.model, "--candidates", given["candidates"],
                   "--promoters", given["promoters"], "--tracks", *tracks, "--cell-line", NEW,
                   "--directory", tmp_path / f"line_{case}", "--chromosomes", "chr1"]  # fmt: skip
        try:
            status = main([str(part) for part in command])
        except Exception as error:  # Whatever it is, it is a fault.
            failed.append((case, chosen, repr(error)))
            continue
        said = capfd.readouterr().err
        statuses.append(status)
        if status not in (0, 2) or (status == 2 and "Fix:" not in said):
            failed.append((case, chosen, said[-300:]))
        if status == 2 and (tmp_path / f"line_{case}" / "index.html").exists():
            failed.append((case, chosen, "half of a prediction is left"))
    assert not failed
    assert 2 in statuses
