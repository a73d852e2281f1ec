"""A small project on disk: configuration, sheets, models, encoders and the files they name."""

from __future__ import annotations

from pathlib import Path

import yaml

HEADER = "cell_line\ttissue\trole\tsex\tcondition\tpairs\tpairs_format\tenhancers\tpromoters\n"


class ProjectFiles:
    """The files of a project, with ways to damage them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def write(self, name: str, text: str) -> None:
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def write_yaml(self, name: str, **values: object) -> None:
        self.write(name, yaml.safe_dump(values, sort_keys=False))

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.directory / name).read_text()
        assert old in text
        self.write(name, text.replace(old, new))


def write_project(directory: Path) -> ProjectFiles:
    """A sound project with files of the user's own."""
    files = ProjectFiles(directory)
    files.write(
        "config/config.yaml",
        "cell_lines: config/cell_lines.tsv\n"
        "tissues: config/tissues.tsv\n"
        "genome: {fasta: genome.fa}\n"
        "splits:\n"
        "  train: [chr1, chr2]\n"
        "  validation: [chr3]\n"
        "  test: [chr4]\n"
        "models: [baseline, graph_manifold]\n",
    )
    files.write("genome.fa", ">chr1\nACGT\n")
    files.write("config/tissues.tsv", "tissue\tgerm_layer\tparent\nblood\tmesoderm\t.\nskin\tectoderm\t.\n")
    rows = [
        "K562\tblood\ttrain\tfemale\tcancer\tdata/K562.csv\ttargetfinder\t.\tdata/K562.bed\n",
        "IMR90\tskin\tvalidation\tfemale\tnormal\tdata/IMR90.csv\ttargetfinder\t.\t.\n",
        "NHEK\tskin\tunseen\tunknown\tnormal\tdata/NHEK.csv\ttargetfinder\t.\t.\n",
    ]
    files.write("config/cell_lines.tsv", HEADER + "".join(rows))
    for name in ("K562.csv", "K562.bed", "IMR90.csv", "NHEK.csv"):
        files.write(f"data/{name}", "")
    files.write("config/encoders/small.yaml", "n_filters: 8\n")
    files.write("config/models/baseline.yaml", "encoder: small\nenvironment: none\n")
    files.write("config/models/graph_manifold.yaml", "encoder: small\n")
    return files
