"""A law learns from training lines what is there to learn, on the chromosomes that it may read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score

from cbat.config.sections import SplitSettings
from cbat.errors import UserError
from cbat.landscape import candidates, fit
from cbat.landscape.candidates import Line, Part, Recipe, Task, average_precision, weights_of
from cbat.landscape.features import FEATURES, GENES, LENT, NAMES, SIGNALS
from cbat.landscape.fit import DEFAULT_SHARE, fit_member, parts_of
from cbat.landscape.law import UNBENT, Fit, load_law
from cbat.landscape.pairs import KEY, PAIR_COLUMNS

LINES = ("a", "b", "c")
CHROMS = tuple(f"chr{number}" for number in range(1, 7))
SPLITS = SplitSettings(train=["chr1", "chr2", "chr3"], validation=["chr4", "chr5"], test=["chr6"])
FOLDS = SplitSettings.model_validate(
    {"folds": {"one": ["chr1", "chr2"], "two": ["chr3", "chr4"], "three": ["chr5", "chr6"]}}
)
TRUTH = {
    "insulation_sum": -1.2,  # raises the resistance
    "starts_between": -0.7,
    "abc_share": 1.0,
    "promoter_mark_at_promoter": 0.8,
}
SIGNAL_NAMES = tuple(feature.name for feature in FEATURES if feature.kind == SIGNALS)
OF_GENES = [number for number, feature in enumerate(FEATURES) if feature.kind == GENES]


def drawn_line(
    seed: int,
    n: int = 900,
    truth: Mapping[str, float] = TRUTH,
    *,
    source: str = "both",
    far: float = -1.5,
) -> Line:
    """Pairs whose log-odds are a slope of distance and what the truth says of the landscape.

    ``source`` says where the landscape can be seen: in the line's ``own`` tracks, in the ``graph``, or in
    ``both``; the other one is noise.
    """
    rng = np.random.default_rng([seed, 11])
    real, noise = (rng.normal(size=(n, len(NAMES))).astype(np.float32) for _ in range(2))
    noise[:, OF_GENES] = real[:, OF_GENES]
    distance = np.rint(10.0 ** rng.uniform(3.8, 6.0, n)).astype(int)
    logit = far * (np.log10(distance) - 5.0) - 1.0
    logit = logit + sum(weight * real[:, NAMES.index(name)] for name, weight in truth.items())
    chrom = np.array(CHROMS)[np.arange(n) % len(CHROMS)]
    pairs = pd.DataFrame(
        {
            "enhancer_id": [f"{c}:{number}-{number + 400}" for number, c in enumerate(chrom)],
            "promoter_id": [f"{c}:{1000 * (number % 50)}-9" for number, c in enumerate(chrom)],
            "label": (rng.random(n) < 1.0 / (1.0 + np.exp(-logit))).astype(np.int8),
            "distance": distance,
            "chrom": chrom,
            "split": [SPLITS.split_of[c] for c in chrom],
        }
    )
    return Line(pairs, real if source != "graph" else noise, real if source != "own" else noise)


def drawn_lines(**over) -> dict[str, Line]:
    return {name: drawn_line(seed, **over) for seed, name in enumerate(LINES)}


def a_task(lines: Mapping[str, Line], train: tuple[str, ...] = LINES, judges: tuple[str, ...] = ()) -> Task:
    return Task(lines, train, judges, parts_of(SPLITS)["test"])


def all_rounds(task: Task) -> list:
    return [one for found in task.rounds.values() for one in found]


def quality(found: Fit, line: Line) -> float:
    """Average precision on the chromosome that was kept for the test."""
    part = line.on(SPLITS.test)
    return average_precision(
        part.label, found.potential(part.distance) - found.resistance(part.own, part.graph)
    )


def weight_of(found: Fit, name: str) -> float:
    """What a feature adds to the resistance from one end of its range to the other."""
    rising = np.zeros((2, len(NAMES)), dtype=np.float32)
    rising[:, NAMES.index(name)] = [-2.0, 2.0]
    terms = found.terms(rising, rising)[:, found.features.index(name)]
    return float(terms[1] - terms[0])


# What is learned


@pytest.mark.parametrize("law", ["fused", "fused_free", "own", "graph"])
def test_it_finds_the_signs_and_beats_distance_on_a_new_line(law: str) -> None:
    found = fit_member(a_task(drawn_lines()), law)
    for name, weight in TRUTH.items():
        assert np.sign(weight_of(found, name)) == -np.sign(weight), name
    distance = fit_member(a_task(drawn_lines()), "distance")
    new = drawn_line(9)
    assert quality(found, new) > quality(distance, new) + 0.1
    tried = found.chosen["average_precision"]
    assert tried[law] > tried["static"] > tried["distance"]


def test_the_weights_are_the_true_ones_but_for_the_penalty() -> None:
    found = fit_member(a_task(drawn_lines(n=2_000)), "own")
    share = {name: weight_of(found, name) / 4.0 / -weight for name, weight in TRUTH.items()}
    assert all(0.5 < value < 1.1 for value in share.values()), share
    noise = [abs(weight_of(found, name)) / 4.0 for name in found.features if name not in TRUTH]
    assert max(noise) < 0.2


def test_laws_of_regulation_hold_more_than_those_of_contact() -> None:
    more = {feature.name for feature in FEATURES if feature.of_regulation}
    truth = {"log_mark_at_enhancer": 2.0, "start_competition": -1.5}
    lines = drawn_lines(truth=truth, n=1_500)
    contact, regulation = (
        fit_member(a_task(lines), "own", label_kind=kind) for kind in ("contact", "regulation")
    )
    assert more == {"promoter_class", "log_mark_at_enhancer", "start_competition", *SIGNAL_NAMES}
    assert not more & set(contact.features)
    assert more <= set(regulation.features)
    for name, weight in truth.items():
        assert np.sign(weight_of(regulation, name)) == -np.sign(weight)
    new = drawn_line(9, truth=truth)
    assert quality(regulation, new) > quality(contact, new) + 0.1


def without_signals(line: Line, names: tuple[str, ...] = SIGNAL_NAMES) -> Line:
    own = line.own.copy()
    own[:, [NAMES.index(name) for name in names]] = 0.0
    return Line(line.pairs, own, line.graph)


@pytest.mark.parametrize("law", ["own", "fused", "graph"])
def test_signals_are_the_lines_own_or_nothing(law: str) -> None:
    truth = {"log_signals_at_enhancer": 2.0, "starts_between": -1.0}
    lines = drawn_lines(truth=truth, n=1_500)
    # No graph expects signals.
    lines = {name: Line(line.pairs, line.own, without_signals(line).own) for name, line in lines.items()}
    found = fit_member(a_task(lines), law, label_kind="regulation")
    assert (set(SIGNAL_NAMES) <= set(found.features)) == (law != "graph")
    if law == "graph":
        return
    assert found.own_share.get(SIGNALS, 1.0) == 1.0
    assert found.chosen["chosen"]["own_share"][SIGNALS] == 1.0
    new = drawn_line(9, truth=truth)
    assert quality(found, new) > quality(found, without_signals(new)) + 0.2
    assert weight_of(found, "log_signals_at_enhancer") < 0.0  # they lower the resistance


def test_signals_that_no_training_line_has_are_left_out() -> None:
    lines = {name: without_signals(line) for name, line in drawn_lines(n=1_500).items()}
    found = fit_member(a_task(lines), "own", label_kind="regulation")
    assert not set(SIGNAL_NAMES) & set(found.features)
    assert SIGNALS not in found.chosen["chosen"]["own_share"]
    one = "accessibility_at_enhancer"
    lines = {name: without_signals(line, (one,)) for name, line in drawn_lines(n=1_500).items()}
    features = fit_member(a_task(lines), "own", label_kind="regulation").features
    assert one not in features
    assert "log_signals_at_enhancer" in features


def test_the_law_of_distance_falls_with_distance() -> None:
    found = fit_member(a_task(drawn_lines(truth={})), "distance")
    assert found.features == ()
    potential = found.potential(np.array([1e4, 1e5, 1e6]))
    assert (np.diff(potential) < -0.8).all()
    assert (found.resistance(np.zeros((3, len(NAMES))), np.zeros((3, len(NAMES)))) == found.constant).all()


def test_features_that_are_noise_are_left_out_and_distance_alone_is_left() -> None:
    lines = drawn_lines(truth={}, n=600)
    found, distance = (fit_member(a_task(lines), law) for law in ("fused", "distance"))
    assert found.features == ()
    assert found.distance == distance.distance
    assert found.level == distance.level
    assert found.chosen["average_precision"]["fused"] < found.chosen["average_precision"]["distance"]
    assert found.threshold == distance.threshold


def test_starts_alone_are_left_where_the_tracks_are_noise() -> None:
    found = fit_member(a_task(drawn_lines(truth={"starts_between": -1.5, "promoter_rank": -1.0})), "own")
    assert set(found.features) == {f.name for f in FEATURES if f.kind == GENES and not f.of_regulation}


def test_a_static_law_reads_starts_alone() -> None:
    found = fit_member(a_task(drawn_lines()), "static")
    assert set(found.features) == {f.name for f in FEATURES if f.kind == GENES and not f.of_regulation}
    zeros = np.zeros((900, len(NAMES)), dtype=np.float32)
    line = drawn_line(9)
    only = zeros.copy()
    read = [NAMES.index(name) for name in found.features]
    only[:, read] = line.own[:, read]
    np.testing.assert_array_equal(found.resistance(line.own, line.graph), found.resistance(only, zeros))


@pytest.mark.parametrize(("source", "share"), [("own", 1.0), ("graph", 0.0)])
def test_lines_left_out_say_whose_insulators_to_believe(source: str, share: float) -> None:
    found = fit_member(a_task(drawn_lines(source=source)), "fused")
    assert found.own_share["insulators"] == share


def test_lines_left_out_say_whose_marks_to_believe() -> None:
    own, graph = (fit_member(a_task(drawn_lines(source=source)), "fused") for source in ("own", "graph"))
    for kind in ("active_enhancers", "active_promoters"):
        assert own.own_share[kind] >= 0.75
        assert graph.own_share[kind] <= 0.25


@pytest.mark.parametrize("law", ["own", "graph"])
def test_a_law_of_one_side_reads_that_side_alone(law: str) -> None:
    found = fit_member(a_task(drawn_lines()), law)
    line, zeros = drawn_line(9), np.zeros((900, len(NAMES)), dtype=np.float32)
    given = found.resistance(line.own, line.graph)
    own = line.own if law == "own" else zeros.copy()
    graph = line.graph if law == "graph" else zeros.copy()
    own[:, OF_GENES] = line.own[:, OF_GENES]
    graph[:, OF_GENES] = line.graph[:, OF_GENES]
    np.testing.assert_array_equal(found.resistance(own, graph), given)


def test_a_bent_effect_is_worth_ramps() -> None:
    lines = {}
    for seed, name in enumerate(LINES):
        line = drawn_line(seed, 2_000, {})
        rng = np.random.default_rng([seed, 3])
        z = line.own[:, NAMES.index("abc_share")]
        logit = 4.0 * np.maximum(z - 0.5, 0.0) + 3.0 * np.minimum(z + 0.5, 0.0) * -1.0 - 3.0
        lines[name] = Line(
            line.pairs.assign(label=(rng.random(2_000) < 1 / (1 + np.exp(-logit))).astype(np.int8)),
            line.own,
            line.graph,
        )
    # A straight line says nothing of a valley; free weights may fall and rise.
    found = fit_member(a_task(lines), "own_free")
    assert found.shape == "ramps"
    assert found.chosen["average_precision"]["own_free"] > 0.6


def test_ramps_of_one_feature_have_one_sign_unless_weights_are_free() -> None:
    lines = list(drawn_lines().values())
    offset = np.zeros(sum(len(line.pairs) for line in lines))
    for signed in (True, False):
        shares = tuple((kind, 1.0) for kind in (*LENT, SIGNALS))
        recipe = Recipe(NAMES, shares, shape="ramps", signed=signed)
        ramps = weights_of(lines, "own", recipe, offset).reshape(3, len(NAMES))
        of_two_signs = (ramps.max(axis=0) > 0.0) & (ramps.min(axis=0) < 0.0)
        assert of_two_signs.any() != signed


def test_no_pair_of_the_fit_is_bent_by_the_softplus() -> None:
    lines = drawn_lines()
    found = fit_member(a_task(lines), "own")
    parts = [line.on([*SPLITS.train, *SPLITS.validation]) for line in lines.values()]
    least = min(found.resistance(part.own, part.graph).min() for part in parts)
    assert least == pytest.approx(UNBENT, abs=1e-9)


def test_the_threshold_finds_the_best_f1_of_the_judged_pairs() -> None:
    label = np.array([0, 0, 1, 0, 1, 1.0])
    logit = np.array([-3.0, -1.0, -0.5, 0.2, 0.4, 2.0])
    at = candidates._threshold_of_best_f1(label, logit)
    probability = 1.0 / (1.0 + np.exp(-logit))
    best = max(f1_score(label, probability >= p) for p in probability)
    assert f1_score(label, probability >= at - 1e-12) == best


def test_average_precision_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(4)
    for n_values in (3, 1_000):
        label, score = rng.random(300) < 0.2, rng.integers(0, n_values, 300) / 7.0
        expected = average_precision_score(label, score)
        assert average_precision(label.astype(float), score) == pytest.approx(expected, abs=1e-12)


# Who fits and who judges


def test_one_training_line_judges_its_own_validation_chromosomes_and_says_nothing_of_shares() -> None:
    lines = drawn_lines(source="own")
    found = fit_member(a_task({"a": lines["a"]}, ("a",)), "fused")
    assert set(found.own_share.values()) == {DEFAULT_SHARE}
    tried = found.chosen["average_precision"]
    assert tried["fused"] > tried["distance"] > 0.0
    assert found.threshold != 0.5
    assert quality(found, drawn_line(9)) > 0.5


def test_validation_lines_judge_where_there_are_some() -> None:
    lines = drawn_lines(source="own")
    judge = drawn_line(7, source="graph")
    found = fit_member(a_task(lines | {"judge": judge}, judges=("judge",)), "fused")
    assert found.own_share["insulators"] < 1.0  # the training lines alone would say 1
    again = fit_member(a_task(lines | {"judge": judge}, judges=("judge",)), "distance")
    assert again.chosen["average_precision"]["distance"] == pytest.approx(
        average_precision(
            judge.on(SPLITS.validation).label,
            fit_member(Task(lines, LINES, (), (Part(tuple(SPLITS.train), ()),)), "distance").potential(
                judge.on(SPLITS.validation).distance
            ),
        )
    )


def test_lines_with_one_class_do_not_judge() -> None:
    lines = drawn_lines()
    lines["c"] = Line(lines["c"].pairs.assign(label=0), lines["c"].own, lines["c"].graph)
    assert len(a_task(lines).rounds) == 2


def test_thinned_lines_choose_and_all_pairs_are_fitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "ROWS_TO_CHOOSE", 500)
    lines = drawn_lines()
    task = a_task(lines)
    assert all(sum(len(line.pairs) for line in one.fitted) < 1_000 for one in all_rounds(task))
    assert all(len(one.judged.pairs) == 300 for one in all_rounds(task))
    few, whole = fit_member(task, "distance"), fit_member(a_task(lines), "distance")
    monkeypatch.undo()
    assert few.distance == whole.distance == fit_member(a_task(lines), "distance").distance


def test_thinning_never_loses_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(candidates, "ROWS_TO_CHOOSE", 100)
    label = np.zeros(900, dtype=np.int8)
    label[[7, 8, 9]] = 1  # chromosomes 2, 3 and 4
    lines = {
        name: Line(line.pairs.assign(label=label), line.own, line.graph)
        for name, line in drawn_lines().items()
    }
    task = a_task(lines)
    assert len(task.rounds) == 3
    assert all(sum(part.label.sum() for part in one.fitted) > 0 for one in all_rounds(task))
    assert np.isfinite(fit_member(task, "own").threshold)


def test_only_one_class_cannot_be_fitted() -> None:
    lines = {
        name: Line(line.pairs.assign(label=0), line.own, line.graph) for name, line in drawn_lines().items()
    }
    with pytest.raises(UserError, match="no pairs of both classes") as caught:
        fit_member(a_task(lines), "own")
    assert "splits" in str(caught.value)


# Files, folds and what may be read


def test_each_fold_but_the_tested_one_judges_once_and_the_tested_one_is_not_read() -> None:
    parts = parts_of(FOLDS)
    assert list(parts) == ["one", "two", "three"]
    for name, given in parts.items():
        tested = set(FOLDS.chromosomes[name])
        assert [set(part.validation) for part in given] == [
            set(FOLDS.chromosomes[other]) for other in parts if other != name
        ]
        for part in given:
            assert set(part.train) == set(CHROMS) - tested - set(part.validation)
        assert set(Task({}, LINES, (), given).chromosomes) == set(CHROMS) - tested


def test_fits_that_members_share_are_those_that_each_would_make() -> None:
    lines, known = drawn_lines(n=600), {}
    for parts in parts_of(FOLDS).values():
        shared = fit_member(Task(lines, LINES, (), parts, known), "fused")
        assert shared == fit_member(Task(lines, LINES, (), parts), "fused")
    assert known


def write_line(folder: Path, line: Line) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    line.pairs[PAIR_COLUMNS].to_parquet(folder / "pairs.parquet", index=False)
    for name, columns in (("own", line.own), ("graph", line.graph)):
        table = pd.concat([line.pairs[KEY], pd.DataFrame(columns, columns=list(NAMES))], axis=1)
        table.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def run(top: Path, lines: Mapping[str, Line], law: str = "fused", splits: SplitSettings = FOLDS) -> Path:
    fit.run(
        landscapes={name: write_line(top / name, line) for name, line in lines.items()},
        train_lines=list(lines), validation_lines=[], law=law, splits=splits, output=top / "law.json",
    )  # fmt: skip
    return top / "law.json"


def relabelled(line: Line, chromosomes: tuple[str, ...]) -> Line:
    """Labels of these chromosomes turned over."""
    there = line.pairs["chrom"].isin(chromosomes)
    label = line.pairs["label"].where(~there, 1 - line.pairs["label"]).astype(np.int8)
    return Line(line.pairs.assign(label=label), line.own, line.graph)


def test_a_member_never_reads_the_chromosomes_that_it_tests(tmp_path: Path) -> None:
    lines = drawn_lines(n=420)
    before = load_law(run(tmp_path, lines)).members
    assert set(before) == {"one", "two", "three", "all"}
    assert FOLDS.folds is not None
    for name, chromosomes in FOLDS.folds.items():
        turned = {line: relabelled(lines[line], tuple(chromosomes)) for line in lines}
        after = load_law(run(tmp_path, turned)).members
        assert after[name] == before[name]
        assert all(after[other] != before[other] for other in before if other != name)


def test_the_member_for_new_lines_holds_what_most_folds_chose(tmp_path: Path) -> None:
    members = load_law(run(tmp_path, drawn_lines(n=420))).members
    every = members.pop("all")
    assert every.threshold == pytest.approx(float(np.median([one.threshold for one in members.values()])))
    of_folds = [one.chosen["chosen"] for one in members.values() if one.features == every.features]
    assert len(of_folds) >= 2
    assert set(every.chosen["chosen"]["own_share"]) == set(LENT)
    for kind in LENT:
        shares = [one["own_share"][kind] for one in of_folds]
        assert every.chosen["chosen"]["own_share"][kind] == pytest.approx(float(np.median(shares)))
    assert [one["shape"] for one in of_folds].count(every.shape) * 2 >= len(of_folds)


def test_without_folds_one_member_reads_training_and_validation(tmp_path: Path) -> None:
    lines = drawn_lines(n=420)
    before = load_law(run(tmp_path, lines, splits=SPLITS)).members
    assert set(before) == {"test"}
    turned = {name: relabelled(line, ("chr6",)) for name, line in lines.items()}
    assert load_law(run(tmp_path, turned, splits=SPLITS)).members == before
    turned = {name: relabelled(line, ("chr5",)) for name, line in lines.items()}
    assert load_law(run(tmp_path, turned, splits=SPLITS)).members != before


def test_chromosomes_in_no_fold_are_read_by_nobody(tmp_path: Path) -> None:
    splits = SplitSettings.model_validate({"folds": {"one": ["chr1"], "two": ["chr2"], "three": ["chr3"]}})
    lines = drawn_lines()
    before = run(tmp_path, lines, "own", splits).read_bytes()
    turned = {name: relabelled(line, ("chr4", "chr5", "chr6")) for name, line in lines.items()}
    assert run(tmp_path, turned, "own", splits).read_bytes() == before


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    lines = drawn_lines(n=420)
    before = run(tmp_path, lines).read_bytes()
    assert run(tmp_path, lines).read_bytes() == before


def test_the_unit_of_a_feature_does_not_matter(tmp_path: Path) -> None:
    lines = drawn_lines()
    before = load_law(run(tmp_path, lines, "own", SPLITS)).members["test"]
    scaled = {name: Line(x.pairs, 8.0 * x.own + 2.0, x.graph) for name, x in lines.items()}
    after = load_law(run(tmp_path, scaled, "own", SPLITS)).members["test"]
    np.testing.assert_allclose(after.own_weights, before.own_weights, atol=1e-3)


@pytest.mark.parametrize("name", ["pairs", "own", "graph"])
def test_a_landscape_that_is_not_whole_is_refused(tmp_path: Path, name: str) -> None:
    lines = drawn_lines()
    run(tmp_path, lines, "distance")
    path = tmp_path / "b" / f"{name}.parquet"
    arguments = {
        "landscapes": {line: tmp_path / line for line in LINES}, "train_lines": LINES,
        "validation_lines": [], "law": "own", "splits": FOLDS, "output": tmp_path / "other.json",
    }  # fmt: skip
    pd.read_parquet(path).iloc[:-1].to_parquet(path)
    with pytest.raises(UserError, match="other pairs") as caught:
        fit.run(**arguments)
    assert "read_landscape" in str(caught.value)
    path.write_bytes(b"nothing")
    with pytest.raises(UserError, match=path.name):
        fit.run(**arguments)
    assert not (tmp_path / "other.json").exists()
