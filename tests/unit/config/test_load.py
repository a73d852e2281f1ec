"""Layers of configuration, and messages that name the file and the line of the offending key."""

from pathlib import Path

import pytest

from cbat.config.load import load_config, load_section
from cbat.config.sections import GraphSettings, LabelSettings
from cbat.config.yaml_files import merge, read_yaml
from cbat.errors import UserError

BASE = """\
cell_lines: lines.tsv
tissues: tissues.tsv
genome: {fasta: genome.fa}
splits:
  train: [chr1]
  validation: [chr2]
  test: [chr3]
simulation:
  seed: 3
  n_enhancers: 50
"""


@pytest.fixture
def layers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.yaml").write_text(BASE)

    def load(over: str = "{}"):
        (tmp_path / "my.yaml").write_text(over)
        return load_config(["base.yaml", "my.yaml"])[0]

    return load


def test_a_later_file_changes_only_the_keys_it_names(layers) -> None:
    config = layers("simulation: {n_enhancers: 7}\nsplits: {test: [chr4, chr5]}\n")
    assert (config.simulation.seed, config.simulation.n_enhancers) == (3, 7)
    assert (config.splits.train, config.splits.test) == (["chr1"], ["chr4", "chr5"])


def test_a_later_file_can_switch_the_simulation_off_and_a_third_one_on_again(layers, tmp_path: Path) -> None:
    assert layers("simulation: null\n").simulation is None
    (tmp_path / "third.yaml").write_text("simulation: {seed: 9}\n")
    config, _ = load_config(["base.yaml", "my.yaml", "third.yaml"])
    assert config.simulation.seed == 9
    assert config.simulation.n_enhancers == 6000


def test_merge_replaces_lists_as_a_whole() -> None:
    assert merge([{"a": [1, 2], "b": {"c": 1, "d": 2}}, {"a": [3], "b": {"d": 4}}]) == {
        "a": [3],
        "b": {"c": 1, "d": 4},
    }


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        (
            "seeds: [1]\nmodles: [baseline]\n",
            "my.yaml, line 2: unknown key 'modles' (did you mean 'models'?)",
        ),
        ("simulation:\n\n  n_enhancer: 3\n", "my.yaml, line 3: unknown key 'simulation.n_enhancer' (did you"),
        ("block_size: 3\n", "my.yaml, line 1: unknown key 'block_size' (there is shards.block_size)"),
        ("seeds: 1\n", "my.yaml, line 1: seeds is 1; it should be a valid list"),
        ("seeds: [1, x]\n", "my.yaml, line 1: seeds.1 is 'x'; it should be a valid integer"),
        ("seeds: [1, -1]\n", "my.yaml, line 1: seeds.1 is -1; it should be greater than or equal to 0"),
        ("simulation: {seed: -1}\n", "simulation.seed is -1; it should be greater than or equal to 0"),
        ("simulation: {motifs: []}\n", "simulation.motifs is []; it should have at least 1 item, not 0"),
        ("simulation: {motif_sharpness: 1e300}\n", "it should be less than or equal to 100"),
        ("simulation: {gap_length: 1.0e+30}\n", "gap_length is 1e+30; unable to parse input string as an"),
        ("shards: {block_size: 0}\n", "shards.block_size is 0; it should be greater than or equal to 1"),
        ("shards: 3\n", "my.yaml, line 1: shards is 3, which is not a group of keys"),
        ("splits:\n  train: [1, 2]\n", "my.yaml, line 2: splits.train.0 is 1; it should be a valid string"),
        (
            "simulation: {world: cooperativ}\n",
            "my.yaml, line 1: simulation.world is 'cooperativ' (did you mean 'cooperative'?)",
        ),
        ("landscape: {genes: ''}\n", "line 1: landscape.genes is ''; it should be the path of a file"),
        ("elements: null\n", "my.yaml, line 1: elements is empty, which is not a group of keys"),
        (
            "graph: {similarities: [{pth: a}]}\n",
            "unknown key 'graph.similarities.0.pth' (did you mean 'path'?)",
        ),
        ("seeds: [1]\nseeds: [2]\n", "my.yaml, line 2: the key 'seeds' is already in line 1"),
        ("seeds: [1\nmodels: [a]\n", "my.yaml, line 2: this is not YAML"),
        ("- a\n- b\n", "my.yaml: the file does not hold keys and values"),
    ],
)
def test_each_mistake_is_one_message_with_file_and_line(layers, over: str, expected: str) -> None:
    with pytest.raises(UserError) as caught:
        layers(over)
    assert expected in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "Fix: " in str(caught.value)


def test_the_file_that_holds_the_mistake_is_named_not_the_last_one(layers, tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE + "sedes: [1]\n")
    with pytest.raises(UserError, match=r"^base.yaml, line 11: unknown key 'sedes' \(did you mean 'seeds'"):
        layers("seeds: [2]\n")


def test_a_missing_key_is_named_with_its_group(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE.replace("  validation: [chr2]\n", ""))
    with pytest.raises(UserError, match=r"line 4: the key 'splits.validation' is missing"):
        load_config([tmp_path / "base.yaml"])


def test_a_missing_file_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        load_config([tmp_path / "none.yaml"])


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("# comment\na:\n  b: 1\n  c:\n    - x\n    - {d: 2}\n")
    file = read_yaml(tmp_path / "a.yaml")
    assert file.line_of(("a", "b")) == 3
    assert file.line_of(("a", "c", 1, "d")) == 6
    assert file.line_of(("a", "zzz")) == 2
    assert file.line_of(("zzz",)) is None


def test_a_section_is_read_from_json_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "labels.yaml").write_text("max_distance: 5\n")
    settings = load_section(LabelSettings, tmp_path / "labels.yaml")
    assert settings == load_section(LabelSettings, '{"max_distance": 5}')
    assert load_section(GraphSettings, GraphSettings().model_dump_json()) == GraphSettings()
    with pytest.raises(UserError, match="unknown key 'max_dist'"):
        load_section(LabelSettings, '{"max_dist": 5}')
    with pytest.raises(UserError, match="not JSON"):
        load_section(LabelSettings, '{"max_distance": ')
