"""References learn from training lines alone, and each sees what its name says and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer, StandardScaler

from cbat.config.sections import EvaluationSettings, SplitSettings
from cbat.data.sequences import write_codes
from cbat.errors import UserError
from cbat.evaluation import references, regression, shortcuts
from cbat.evaluation.metrics import pair_metrics
from cbat.evaluation.reference_features import ElementRates, Elements, kmer_frequencies
from cbat.evaluation.regression import Columns, fit_regression
from cbat.evaluation.table import read_table

SPLITS = {"chr1": "train", "chr2": "train", "chr3": "validation", "chr4": "test", "chr5": "test"}
N_ELEMENTS = 150
N_PAIRS = 1500
MOTIF = np.array([2, 0, 3, 0, 0, 2], dtype=np.uint8)
Generator = np.random.Generator
Array = npt.NDArray[np.float64]


@dataclass
class World:
    """Folders of a small benchmark in which only the enhancer's motif and the distance matter."""

    root: Path

    def labels(self, line: str) -> Path:
        return self.root / "labels" / f"{line}.parquet"

    def cohort(self, stage: str, cohort: str) -> Path:
        return self.root / stage / cohort

    def pairs(self, *lines: str, cohort: str = "training") -> shortcuts.Pairs:
        folders = self.cohort("elements", cohort), self.cohort("sequences", cohort)
        return shortcuts.read_pairs([self.labels(line) for line in lines], *folders)

    def training(self) -> shortcuts.Pairs:
        return self.pairs("a_1", "b_1", "c_1")


def make_elements(
    world: World, cohort: str, role: str, generator: Generator
) -> tuple[pd.DataFrame, npt.NDArray[np.uint8]]:
    width = 100
    chrom = np.sort(generator.choice(list(SPLITS), N_ELEMENTS))
    start = np.arange(N_ELEMENTS) * 1000
    codes = generator.integers(0, 4, (N_ELEMENTS, width)).astype(np.uint8)
    carries = generator.random(N_ELEMENTS) < 0.5
    codes[np.ix_(carries, range(40, 46))] = MOTIF
    codes[carries, 60:66] = MOTIF
    codes[0] = 4  # an element of unknown bases must not disturb
    length = generator.integers(80, 300, N_ELEMENTS)
    table = pd.DataFrame(
        {
            "element_id": [f"{c}:{s}-{s + width}" for c, s in zip(chrom, start, strict=True)],
            "chrom": chrom,
            "start": start,
            "end": start + width,
            "split": [SPLITS[c] for c in chrom],
            "source_start": start + width // 2 - length // 2,
            "source_end": start + width // 2 + length - length // 2,
        }
    )
    world.cohort("elements", cohort).mkdir(parents=True, exist_ok=True)
    table.to_parquet(world.cohort("elements", cohort) / f"{role}.parquet")
    return table.assign(carries=carries), codes


def write_labels(
    world: World, line: str, enhancers: pd.DataFrame, promoters: pd.DataFrame, generator: Generator
) -> None:
    enhancer = generator.integers(0, N_ELEMENTS, 6 * N_PAIRS)
    promoter = generator.integers(0, N_ELEMENTS, 6 * N_PAIRS)
    chrom = enhancers["chrom"].to_numpy()[enhancer]
    near = chrom == promoters["chrom"].to_numpy()[promoter]
    pairs = pd.DataFrame({"enhancer": enhancer[near], "promoter": promoter[near], "chrom": chrom[near]})
    pairs = pairs.drop_duplicates(["enhancer", "promoter"]).head(N_PAIRS)
    pairs["distance"] = generator.integers(1_000, 200_000, len(pairs)).astype(np.int32)
    carries = enhancers["carries"].to_numpy()[pairs["enhancer"]]
    logit = 4.0 * carries - 2.0 - 2.0 * (np.log(pairs["distance"]) - 11.0)
    probability = 1 / (1 + np.exp(-logit))
    pairs["label"] = (generator.random(len(pairs)) < probability).astype(np.int8)
    pairs["upstream"] = np.int8(1)
    pairs["split"] = pairs["chrom"].map(SPLITS)
    pairs["enhancer_id"] = enhancers["element_id"].to_numpy()[pairs["enhancer"]]
    pairs["promoter_id"] = promoters["element_id"].to_numpy()[pairs["promoter"]]
    world.labels(line).parent.mkdir(exist_ok=True)
    pairs.to_parquet(world.labels(line), index=False)
    truth = pairs[["enhancer_id", "promoter_id"]].assign(
        probability=probability, invariant_probability=probability**2
    )
    truth.to_parquet(world.root / f"truth_{line}.parquet", index=False)


@pytest.fixture(name="world", scope="module")
def make_world(tmp_path_factory: pytest.TempPathFactory) -> World:
    world = World(tmp_path_factory.mktemp("world"))
    generator = np.random.default_rng(0)
    for cohort, lines in (("training", ("a_1", "b_1", "c_1")), ("unseen", ("a_2",))):
        enhancers, enhancer_codes = make_elements(world, cohort, "enhancer", generator)
        promoters, promoter_codes = make_elements(world, cohort, "promoter", generator)
        codes = {"enhancer": enhancer_codes, "promoter": promoter_codes}
        write_codes(world.cohort("sequences", cohort), codes)
        for line in lines:
            write_labels(world, line, enhancers, promoters, generator)
    return world


def auroc(pairs: shortcuts.Pairs, reference: references.Reference, split: str) -> float:
    here = (pairs.table["split"] == split).to_numpy()
    table = pairs.table[here]
    result = pair_metrics(table["label"], reference.probability[here], table["promoter"], 0.5)
    return result["auroc"]


def shortcut_references(
    training: shortcuts.Pairs, target: shortcuts.Pairs, *, seed: int
) -> dict[str, references.Reference]:
    scores = shortcuts.fit_shortcuts(training, seed=seed).scores(target)
    return {name: references.Reference(*score) for name, score in scores.items()}


def test_each_reference_sees_what_it_is_named_for(world: World) -> None:
    target = world.pairs("a_2", cohort="unseen")
    scores = shortcut_references(world.training(), target, seed=1)
    assert tuple(scores) == shortcuts.SHORTCUTS
    by_name = {name: auroc(target, reference, "test") for name, reference in scores.items()}
    assert by_name["prevalence"] == 0.5
    assert by_name["distance"] > 0.65
    assert by_name["enhancer_only"] > 0.65
    assert by_name["composition"] > 0.65
    assert abs(by_name["promoter_only"] - 0.5) < 0.1
    assert abs(by_name["artefact"] - 0.5) < 0.1


def test_the_labels_of_the_target_never_reach_a_shortcut(world: World) -> None:
    target = world.pairs("a_2", cohort="unseen")
    flipped = shortcuts.Pairs(target.table.assign(label=1 - target.table["label"]), *target.elements)
    there = shortcut_references(world.training(), target, seed=1)
    here = shortcut_references(world.training(), flipped, seed=1)
    for name in shortcuts.SHORTCUTS:
        np.testing.assert_array_equal(there[name].probability, here[name].probability, err_msg=name)
        assert there[name].threshold == here[name].threshold, name


def test_test_chromosomes_of_training_lines_never_reach_a_shortcut(world: World) -> None:
    target, training = world.pairs("a_2", cohort="unseen"), world.training()
    label = np.where(training.table["split"] == "test", 1 - training.label, training.label)
    flipped = shortcuts.Pairs(training.table.assign(label=label), *training.elements)
    there = shortcut_references(training, target, seed=1)
    here = shortcut_references(flipped, target, seed=1)
    for name in shortcuts.SHORTCUTS:
        np.testing.assert_array_equal(there[name].probability, here[name].probability, err_msg=name)


def test_propensity_knows_elements_of_training_chromosomes_only(world: World) -> None:
    target = world.pairs("a_1")
    scores = shortcut_references(world.pairs("b_1", "c_1"), target, seed=1)
    gain = {
        split: auroc(target, scores["propensity"], split) - auroc(target, scores["distance"], split)
        for split in ("train", "test")
    }
    assert gain["train"] > 0.1
    assert gain["test"] == pytest.approx(0.0, abs=0.02)


def test_propensity_of_a_seen_line_leaves_its_own_pairs_out(world: World) -> None:
    training = world.training().table
    training = training[training["split"] == "train"]
    mine = training[training["cell_line"] == "a_1"]
    others = training[training["cell_line"] != "a_1"]
    for role in ("enhancer", "promoter"):
        with_own = ElementRates.of(training, role)
        without = replace(ElementRates.of(others, role), mean=with_own.mean)
        np.testing.assert_allclose(with_own.log_odds(mine), without.log_odds(mine))


def test_pairs_score_the_same_to_the_last_bit_in_pieces_of_any_size(world: World, monkeypatch) -> None:
    whole = shortcuts.fit_shortcuts(world.training(), seed=1)
    target = world.pairs("a_2", cohort="unseen")
    expected = whole.scores(target)
    monkeypatch.setattr(shortcuts, "_PAIRS_AT_ONCE", 7)
    parts = shortcuts.fit_shortcuts(world.training(), seed=1)
    for name, (probability, threshold) in parts.scores(target).items():
        np.testing.assert_array_equal(probability, expected[name][0], err_msg=name)
        assert threshold == expected[name][1]


@pytest.mark.parametrize("n_curved", [0, 1])
def test_a_regression_is_that_of_scikit_learn_on_a_matrix_of_all_pairs(n_curved: int) -> None:
    """Of pairs that share elements; one element has no pair, and but for it one column says nothing."""
    generator = np.random.default_rng(1)
    own = generator.normal(size=(400, 1))
    shared = np.column_stack([generator.normal(size=(50, 2)), np.append(np.full(49, 0.1), 1e6)])
    row = generator.integers(0, 49, 400)
    features = np.hstack([own, shared[row]])
    label = (generator.random(400) < 1 / (1 + np.exp(-(features[:, 0] ** 2) + features[:, 1]))).astype(
        np.int64
    )
    curves = SplineTransformer(n_knots=8, knots="quantile", extrapolation="constant")
    columns = ColumnTransformer([("curves", curves, list(range(n_curved)))], remainder="passthrough")
    plain = make_pipeline(columns, StandardScaler(), LogisticRegression(C=1.0, max_iter=500))
    plain.fit(features[:300], label[:300])
    design = [Columns.of_each(own[:300]), Columns(shared, row[:300])]
    fitted = fit_regression(design, label[:300], curved=n_curved > 0)
    far = [
        Columns.of_each(np.vstack([own[300:], [[9.0], [-9.0]]])),
        Columns(shared, np.append(row[300:], [0, 49])),
    ]
    matrix = np.hstack([columns.values[columns.row] for columns in far])
    np.testing.assert_allclose(fitted.probability(far), plain.predict_proba(matrix)[:, 1], rtol=1e-9)


def test_a_regression_that_is_not_fitted_to_the_end_is_told_of(monkeypatch, caplog) -> None:
    generator = np.random.default_rng(2)
    values, label = generator.normal(size=(50, 3)), generator.integers(0, 2, 50)
    fit_regression([Columns.of_each(values)], label, curved=False)
    assert not caplog.messages
    monkeypatch.setattr(regression, "_MOST_STEPS", 1)
    fit_regression([Columns.of_each(values)], label, curved=False)
    assert "not fitted to the end" in caplog.text
    values[3, 1] = np.nan
    with pytest.raises(ValueError, match="finite"):
        fit_regression([Columns.of_each(values)], label, curved=False)


def test_stored_shortcuts_score_as_the_fitted_ones_to_the_last_bit(world: World, tmp_path: Path) -> None:
    fitted = shortcuts.fit_shortcuts(world.training(), seed=1)
    shortcuts.save_shortcuts(tmp_path, fitted)
    target = world.pairs("a_1")
    here, there = fitted.scores(target), shortcuts.load_shortcuts(tmp_path).scores(target)
    assert tuple(here) == tuple(there) == shortcuts.SHORTCUTS
    for name, (probability, threshold) in here.items():
        np.testing.assert_array_equal(probability, there[name][0], err_msg=name)
        assert threshold == there[name][1]
    some = np.arange(17, 60)
    part = fitted.scores(target.where(some))
    for name, (probability, _) in part.items():
        np.testing.assert_array_equal(probability, here[name][0][some], err_msg=name)


@pytest.mark.parametrize("damage", ["", "{}", '{"format": 99}'])
def test_damaged_shortcuts_are_refused(world: World, tmp_path: Path, damage: str) -> None:
    shortcuts.save_shortcuts(tmp_path, shortcuts.fit_shortcuts(world.training(), seed=1))
    (tmp_path / "shortcuts.json").write_text(damage)
    with pytest.raises(UserError, match="not fitted shortcuts"):
        shortcuts.load_shortcuts(tmp_path)
    with pytest.raises(UserError, match="not fitted shortcuts"):
        shortcuts.load_shortcuts(tmp_path / "nowhere")


def test_rates_are_shrunk_by_hand() -> None:
    pairs = pd.DataFrame(
        {
            "cell_line": ["a", "a", "b", "b"],
            "label": [1, 1, 0, 0],
            "enhancer_id": ["e1", "e1", "e2", "e3"],
            "promoter_id": ["p"] * 4,
        }
    )
    new = pd.DataFrame({"cell_line": "new", "enhancer_id": ["e1", "e2", "e9"], "promoter_id": "p"})
    rate = 1 / (1 + np.exp(-ElementRates.of(pairs, "enhancer").log_odds(new)))
    np.testing.assert_allclose(rate, [(2 + 5 * 0.5) / 7, (5 * 0.5) / 6, 0.5])


def test_artefacts_find_labels_that_lengths_give_away(world: World) -> None:
    def spoiled(pairs: shortcuts.Pairs) -> shortcuts.Pairs:
        length = pairs.enhancers.table["source_end"] - pairs.enhancers.table["source_start"]
        label = (length.to_numpy()[pairs.table["enhancer"]] > 190).astype(int)
        return shortcuts.Pairs(pairs.table.assign(label=label), *pairs.elements)

    target = spoiled(world.pairs("a_2", cohort="unseen"))
    scores = shortcut_references(spoiled(world.training()), target, seed=1)
    assert auroc(target, scores["artefact"], "test") > 0.95


def test_the_oracle_is_the_truth(world: World) -> None:
    target = world.pairs("a_2", cohort="unseen")
    scores = references.oracle_references(target.table, world.root / "truth_a_2.parquet")
    truth = pd.read_parquet(world.root / "truth_a_2.parquet")
    assert set(scores) == {"oracle", "oracle_invariant"}
    np.testing.assert_array_equal(scores["oracle"].probability, truth["probability"])


def test_a_truth_that_lacks_pairs_is_refused(world: World, tmp_path: Path) -> None:
    target = world.pairs("a_2", cohort="unseen")
    short = tmp_path / "truth.parquet"
    pd.read_parquet(world.root / "truth_a_2.parquet").iloc[3:].to_parquet(short)
    with pytest.raises(UserError, match="3 of 1433 labelled pairs have no true probability"):
        references.oracle_references(target.table, short)


def test_the_table_of_an_unseen_line(world: World, tmp_path: Path) -> None:
    files = [tmp_path / "one.tsv", tmp_path / "two.tsv"]
    settings = EvaluationSettings(n_bootstrap=20)
    for output in files:
        shortcuts.run(
            training_labels=[world.labels(line) for line in ("a_1", "b_1", "c_1")],
            training_elements=world.cohort("elements", "training"),
            training_sequences=world.cohort("sequences", "training"),
            settings=settings,
            directory=output.with_suffix(""),
        )
        references.run(
            cell_line="a_2",
            role="unseen",
            labels=world.labels("a_2"),
            elements=world.cohort("elements", "unseen"),
            sequences=world.cohort("sequences", "unseen"),
            shortcuts=output.with_suffix(""),
            truth=world.root / "truth_a_2.parquet",
            settings=settings,
            output=output,
        )
    assert files[0].read_bytes() == files[1].read_bytes()
    table = read_table(files[0])
    assert set(table["model"]) == {*shortcuts.SHORTCUTS, *references.ORACLES}
    assert set(table["seed"]) == {0}
    assert set(table["context"]) == {"-"}
    balanced = table[(table["negatives"] == "balanced") & (table["metric"] == "aupr")].set_index("model")
    assert balanced["value"]["prevalence"] == 0.5
    assert balanced["value"].idxmax() == "oracle"


FOLDS = SplitSettings.model_validate(
    {"folds": {"fold_1": ["chr1"], "fold_2": ["chr2", "chr3"], "fold_3": ["chr4"], "fold_4": ["chr5"]}}
)


def in_folds(pairs: shortcuts.Pairs) -> shortcuts.Pairs:
    return replace(pairs, table=pairs.table.assign(split=pairs.table["chrom"].map(FOLDS.split_of)))


def test_each_fold_is_scored_by_a_fit_that_has_not_read_it(world: World) -> None:
    training, target = in_folds(world.training()), in_folds(world.pairs("a_2", cohort="unseen"))
    fitted = shortcuts.fit_shortcuts(training, seed=1, splits=FOLDS)
    assert list(fitted.by_fold) == ["fold_1", "fold_2", "fold_3", "fold_4"]
    scores = fitted.scores(target)
    assert all(np.isfinite(probability).all() for probability, _ in scores.values())
    chrom = training.table["chrom"].to_numpy()
    for held_out, read in (("chr4", ["chr1", "chr2", "chr3"]), ("chr1", ["chr4", "chr5"])):
        flipped = np.where(chrom == held_out, 1 - training.label, training.label)
        again = shortcuts.fit_shortcuts(
            replace(training, table=training.table.assign(label=flipped)), seed=1, splits=FOLDS
        ).scores(target)
        here = (target.table["chrom"] == held_out).to_numpy()
        for name, (probability, _) in scores.items():
            np.testing.assert_array_equal(probability[here], again[name][0][here], err_msg=name)
        elsewhere = target.table["chrom"].isin(read).to_numpy()
        assert (scores["distance"][0][elsewhere] != again["distance"][0][elsewhere]).any()


def test_folds_survive_storing(world: World, tmp_path: Path) -> None:
    fitted = shortcuts.fit_shortcuts(in_folds(world.training()), seed=1, splits=FOLDS)
    shortcuts.save_shortcuts(tmp_path, fitted)
    target = in_folds(world.pairs("a_1"))
    here, there = fitted.scores(target), shortcuts.load_shortcuts(tmp_path).scores(target)
    for name, (probability, threshold) in here.items():
        np.testing.assert_array_equal(probability, there[name][0], err_msg=name)
        assert threshold == there[name][1]


def write_landscape(world: World, line: str) -> Path:
    """A landscape in which the starts between the ends go with the label, and the share with the distance."""
    pairs = pd.read_parquet(world.labels(line))
    folder = world.root / "landscape" / line
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(5)
    key = pairs[["enhancer_id", "promoter_id"]]
    between = 2.0 * pairs["label"] + generator.normal(size=len(pairs))
    key.assign(tss_between=between).to_parquet(folder / "static.parquet", index=False)
    scores = key.assign(abc=-pairs["distance"] / 1e5, enhancer_share=-pairs["distance"] / 1e6)
    scores.to_parquet(folder / "abc.parquet", index=False)
    key.assign(abc_share=-pairs["distance"] / 1e5).to_parquet(folder / "own.parquet", index=False)
    return folder


def test_a_run_without_a_genome_has_the_references_that_need_none(world: World, tmp_path: Path) -> None:
    settings = EvaluationSettings(n_bootstrap=0)
    training = ("a_1", "b_1", "c_1")
    shortcuts.run(
        training_labels=[world.labels(line) for line in training],
        training_elements=world.cohort("elements", "training"),
        settings=settings,
        directory=tmp_path / "references",
        training_landscapes={line: write_landscape(world, line) for line in training},
    )
    peer = tmp_path / "peer.tsv"
    pairs = pd.read_parquet(world.labels("a_2"))
    table = pairs[["enhancer_id", "promoter_id"]].set_axis(["enhancer", "promoter"], axis=1)
    table.assign(cell_line="a_2", score=pairs["label"]).to_csv(peer, sep="\t", index=False)
    references.run(
        cell_line="a_2",
        role="unseen",
        labels=world.labels("a_2"),
        elements=world.cohort("elements", "unseen"),
        shortcuts=tmp_path / "references",
        settings=settings,
        output=tmp_path / "metrics.tsv",
        landscape=write_landscape(world, "a_2"),
        peers={"other_tool": peer},
    )
    metrics = read_table(tmp_path / "metrics.tsv")
    aupr = metrics[(metrics["metric"] == "aupr") & (metrics["negatives"] == "natural")]
    value = aupr.set_index("model")["value"]
    assert set(value.index) == {
        "prevalence", "distance", "propensity", "artefact", "static", "abc", "abc_share", "enhancer_share",
        "other_tool",
    }  # fmt: skip
    assert value["static"] > value["distance"] + 0.05
    # The share falls with the distance alone here, as contacts do.
    assert value["abc_share"] == pytest.approx(value["distance"], abs=0.03)
    assert value["other_tool"] == 1.0
    decided = metrics[metrics["metric"] == "threshold"]["model"]
    assert value["abc"] == pytest.approx(value["distance"], abs=0.03)
    assert {"abc", "abc_share", "other_tool"}.isdisjoint(decided)


def test_a_landscape_of_other_pairs_is_refused(world: World) -> None:
    folder = write_landscape(world, "b_1")
    with pytest.raises(UserError, match="that of other pairs") as caught:
        shortcuts.read_pairs(
            [world.labels("a_1")], world.cohort("elements", "training"), None, landscapes={"a_1": folder}
        )
    assert caught.value.file == folder / "static.parquet"


def test_without_training_lines_there_is_nothing_to_learn_from(world: World) -> None:
    with pytest.raises(UserError, match="no training lines"):
        world.pairs()


def test_training_chromosomes_without_pairs_are_told(world: World) -> None:
    training = world.training()
    none = shortcuts.Pairs(training.table[training.table["split"] == "test"], *training.elements)
    with pytest.raises(UserError, match="no positive and negative pairs on the training chromosomes"):
        shortcut_references(none, none, seed=1)


def test_sequences_that_do_not_fit_the_elements_are_refused(world: World, tmp_path: Path) -> None:
    elements, codes = world.cohort("elements", "training"), np.zeros((3, 10), dtype=np.uint8)
    write_codes(tmp_path, {"enhancer": codes, "promoter": codes})
    with pytest.raises(UserError, match="3 sequences for 150 elements"):
        Elements.read(elements, tmp_path, "enhancer")
    bases = np.load(tmp_path / "promoter.npy", mmap_mode="r+")
    bases[2, 3] = 1
    bases.flush()
    with pytest.raises(UserError, match="corrupt") as caught:
        Elements.read(elements, tmp_path, "promoter")
    assert caught.value.file == tmp_path / "promoter.npy"


@pytest.mark.parametrize("damage", ["missing", "cut short", "of another cohort"])
def test_labels_that_cannot_be_used_are_refused(world: World, tmp_path: Path, damage: str) -> None:
    path, content = tmp_path / "a_2.parquet", world.labels("a_2").read_bytes()
    if damage != "missing":
        path.write_bytes(content[:500] if damage == "cut short" else content)
    message = "is not element" if damage == "of another cohort" else "the table cannot be read"
    folders = world.cohort("elements", "training"), world.cohort("sequences", "training")
    with pytest.raises(UserError, match=message) as caught:
        shortcuts.read_pairs([path], *folders)
    assert caught.value.file == path


def test_a_row_beyond_the_elements_is_refused(world: World) -> None:
    known = world.training().enhancers
    names = np.array(["x", "y"], dtype=object)
    for row in (-1, 150):
        with pytest.raises(UserError, match=f"of pair 1 is not element {row} of the cohort's 150"):
            known.check(
                np.array([0, row]), np.append(known.table["element_id"].iloc[:1], names[1:]), Path("f")
            )


def test_kmers_by_hand() -> None:
    # AAAC GTTT: AAAC and its reverse complement GTTT are one 4-mer.
    codes = np.array([[0, 0, 0, 1], [2, 3, 3, 3], [0, 0, 0, 4]], dtype=np.uint8)
    frequencies = kmer_frequencies(codes)
    assert frequencies.shape == (3, 136)
    np.testing.assert_array_equal(frequencies[0], frequencies[1])
    assert sorted(frequencies[0])[-2:] == [0.0, 1.0]
    assert frequencies[2].sum() == 0.0, "a 4-mer with an N does not count"


def test_kmers_are_the_same_on_both_strands() -> None:
    codes = np.random.default_rng(0).integers(0, 5, (700, 60)).astype(np.uint8)
    complement = np.where(codes < 4, 3 - codes, 4).astype(np.uint8)[:, ::-1]
    np.testing.assert_array_equal(kmer_frequencies(codes), kmer_frequencies(complement))


def test_windows_shorter_than_a_kmer_have_no_composition() -> None:
    assert not kmer_frequencies(np.zeros((2, 3), dtype=np.uint8)).any()
