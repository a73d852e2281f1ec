"""A law of the landscape is evaluated on a line: every source in turn, every chromosome once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from cbat.config.sections import EvaluationSettings, SplitSettings
from cbat.config.sheets import TRACK_KINDS
from cbat.errors import UserError
from cbat.evaluation import landscape_line
from cbat.evaluation.table import NO_CONTEXT, read_table
from cbat.landscape.apply import ENHANCERS_ALONE, LineLandscape
from cbat.landscape.features import NAMES, columns_of
from cbat.landscape.law import KNOTS, Fit, Law, distance_basis, save_law
from cbat.landscape.pairs import KEY, PAIR_COLUMNS, SOURCES

N = 400
FOLDS = SplitSettings.model_validate(
    {"folds": {"one": ["chr1", "chr2"], "two": ["chr3", "chr4"], "three": ["chr5", "chr6"]}}
)
SPLITS = SplitSettings(train=["chr1", "chr2"], validation=["chr3"], test=["chr4", "chr5", "chr6"])
SETTINGS = EvaluationSettings(
    chromosomes=["folds"], contexts=["own", "none", "wrong", "sibling", "graph"], support_sizes=[0],
    headline_support=0, headline_negatives="natural", n_bootstrap=40,
)  # fmt: skip


def a_fit(threshold: float, features: tuple[str, ...] = NAMES[:3], **shares: float) -> Fit:
    """Distance, and three features that matter."""
    slopes = tuple(-0.5 * (1 + number) for number in range(1 + len(KNOTS)))  # falls all the way
    weights = (1.0, -0.5, 0.7)[: len(features)]
    own_share = {kind: shares.get(kind, 0.5) for kind in TRACK_KINDS} if features else {}
    return Fit(slopes, -0.5, features, own_share, "linear", weights, weights, 14.0, threshold, {})


@dataclass
class Case:
    """A line on disk, and what the stage is asked."""

    top: Path

    def law(self, name: str, fit: Fit, *, splits: SplitSettings = FOLDS) -> Path:
        members = dict.fromkeys(splits.chromosomes, fit) if splits.folds else {"test": fit}
        save_law(self.top / "law.json", Law(name, members, ("a", "b")))
        return self.top / "law.json"

    def run(self, law: Path, **over: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Metrics and scored pairs."""
        landscape_line.run(
            **{
                "model": "m", "seed": 3, "cell_line": "new", "role": "unseen", "law": law,
                "landscape": self.top, "settings": SETTINGS, "splits": FOLDS, "directory": self.top / "out",
            }
            | over
        )  # fmt: skip
        return read_table(self.top / "out" / "metrics.tsv"), pd.read_parquet(
            self.top / "out" / "scored_pairs.parquet"
        )


def write(folder: Path, *, missing: tuple[str, ...] = (), splits: SplitSettings = FOLDS) -> Case:
    rng = np.random.default_rng(6)
    own = rng.normal(size=(N, len(NAMES))).astype(np.float32)
    start = 10_000 * np.arange(N)
    chrom = np.array([f"chr{number}" for number in range(1, 7)])[np.arange(N) % 6]
    distance = rng.integers(5_000, 1_000_000, N)
    logit = own[:, :3] @ [-1.0, 0.5, -0.7] - np.log10(distance / 1e5) - 0.5
    pairs = pd.DataFrame(
        {
            "enhancer_id": [f"{c}:{s}-{s + 400}" for c, s in zip(chrom, start, strict=True)],
            "promoter_id": [f"{c}:{s}-{s + 400}" for c, s in zip(chrom, start // 200_000, strict=True)],
            "label": (rng.random(N) < 1.0 / (1.0 + np.exp(-logit))).astype(np.int8), "distance": distance,
            "chrom": chrom, "split": [splits.split_of[c] for c in chrom],
        }
    )  # fmt: skip
    pairs[PAIR_COLUMNS].to_parquet(folder / "pairs.parquet", index=False)
    for source in SOURCES:
        noise = {"own": 0.0, "graph": 0.3, "sibling": 1.0, "wrong": 30.0}[source]
        columns = own + noise * rng.normal(size=own.shape).astype(np.float32)
        table = pd.concat([pairs[KEY], pd.DataFrame(columns, columns=list(NAMES))], axis=1)
        (table.iloc[:0] if source in missing else table).to_parquet(folder / f"{source}.parquet", index=False)
    return Case(folder)


def value(metrics: pd.DataFrame, context: str, metric: str, negatives: str = "natural") -> float:
    rows = metrics[
        (metrics["context"] == context) & (metrics["metric"] == metric) & (metrics["negatives"] == negatives)
    ]
    assert len(rows) == 1
    return float(rows["value"].iloc[0])


def test_every_chromosome_is_tested_once_and_pooled(tmp_path: Path) -> None:
    case = write(tmp_path)
    metrics, scored = case.run(case.law("own", a_fit(0.4, insulators=1.0)))
    assert set(metrics["chromosomes"]) == {"folds"}
    assert set(metrics["context"]) == {"own", "graph", "wrong", "sibling", "none", ENHANCERS_ALONE}
    own = scored[scored["context"] == "own"]
    assert len(own) == N
    assert not own.duplicated(KEY).any()
    assert value(metrics, "own", "n_pairs") == N
    expected = average_precision_score(own["label"], own["probability"])
    assert value(metrics, "own", "aupr") == pytest.approx(expected, abs=1e-6)
    assert value(metrics, "own", "auroc") == pytest.approx(
        roc_auc_score(own["label"], own["probability"]), abs=1e-6
    )
    assert set(metrics[["model", "seed", "cell_line", "role"]].itertuples(index=False, name=None)) == {
        ("m", 3, "new", "unseen")
    }


def test_the_columns_of_scored_pairs_are_the_energies_of_the_law(tmp_path: Path) -> None:
    case = write(tmp_path)
    fit = a_fit(0.4, insulators=1.0)
    own = case.run(case.law("own", fit))[1].query("context == 'own'")
    basis = distance_basis(own["distance"].to_numpy()).astype(float)
    np.testing.assert_allclose(
        own["intrinsic_potential"], basis @ np.array(fit.distance) + fit.level + fit.constant, rtol=1e-9
    )
    logit = own["intrinsic_potential"] - own["environment_resistance"]
    np.testing.assert_allclose(own["score"], logit)
    np.testing.assert_allclose(own["probability"], 1.0 / (1.0 + np.exp(-logit)))
    assert (own["n_support"] == 0).all()


def test_what_is_fed_decides_how_good_it_is(tmp_path: Path) -> None:
    case = write(tmp_path)
    metrics, _ = case.run(case.law("own", a_fit(0.4, insulators=1.0)))
    found = {context: value(metrics, context, "auroc") for context in metrics["context"].unique()}
    assert found["own"] > found["graph"] > found["sibling"] > max(found["none"], found["wrong"])


def test_a_fused_law_also_exchanges_each_kind_by_itself(tmp_path: Path) -> None:
    case = write(tmp_path)
    metrics, scored = case.run(case.law("fused", a_fit(0.4)))
    sources = ("graph", "wrong", "sibling", "none")
    alone = {f"{kind}:{source}" for kind in TRACK_KINDS for source in sources}
    assert set(scored["context"]) == {"own", ENHANCERS_ALONE, *sources, *alone}
    # The three features are of insulators: exchanged by themselves they are all that is exchanged.
    for source in sources:
        one, whole = (
            scored.loc[scored["context"] == context, "score"].to_numpy()
            for context in (f"insulators:{source}", source)
        )
        np.testing.assert_allclose(one, whole, rtol=1e-6)
        other = scored.loc[scored["context"] == f"active_enhancers:{source}", "score"].to_numpy()
        np.testing.assert_array_equal(other, scored.loc[scored["context"] == "own", "score"].to_numpy())
    # The whole line has an interval; one kind is compared with it elsewhere, pair by pair.
    with_interval = metrics[metrics["low"].notna()]
    assert set(with_interval["context"]) == {"own", ENHANCERS_ALONE, *sources}
    assert set(with_interval["metric"]) == {"aupr", "auroc"}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_fused_law_asks_of_each_kind_even_if_it_believes_one_side_alone(
    tmp_path: Path, share: float
) -> None:
    case = write(tmp_path)
    fit = a_fit(0.4, **dict.fromkeys(TRACK_KINDS, share))
    assert "insulators:wrong" in set(case.run(case.law("fused", fit))[1]["context"])
    assert "insulators:wrong" in set(case.run(case.law("fused_free", fit))[1]["context"])
    assert "insulators:wrong" not in set(case.run(case.law("own", fit))[1]["context"])


@pytest.mark.parametrize("missing", [("sibling",), ("wrong", "sibling")])
def test_lines_that_are_not_there_are_no_context(tmp_path: Path, missing: tuple[str, ...]) -> None:
    case = write(tmp_path, missing=missing)
    _, scored = case.run(case.law("fused", a_fit(0.4)))
    named = {context.split(":")[-1] for context in scored["context"].unique()}
    assert named == {"own", "graph", "none", "wrong", "sibling", ENHANCERS_ALONE} - set(missing)


def test_the_settings_say_which_contexts_are_fed(tmp_path: Path) -> None:
    case = write(tmp_path)
    settings = SETTINGS.model_copy(update={"contexts": ["own", "graph", "mean", "shuffled"]})
    _, scored = case.run(case.law("own", a_fit(0.4)), settings=settings)
    assert set(scored["context"]) == {"own", "graph", ENHANCERS_ALONE}


def test_a_law_of_distance_has_no_context(tmp_path: Path) -> None:
    case = write(tmp_path)
    metrics, scored = case.run(case.law("distance", a_fit(0.3, features=())))
    assert set(scored["context"]) == set(metrics["context"]) == {NO_CONTEXT}
    order = np.argsort(scored["distance"].to_numpy())
    assert (np.diff(scored["probability"].to_numpy()[order]) <= 0.0).all()
    assert value(metrics, NO_CONTEXT, "threshold") == 0.3


def test_without_folds_the_chromosomes_of_the_settings_are_tested(tmp_path: Path) -> None:
    case = write(tmp_path, splits=SPLITS)
    settings = SETTINGS.model_copy(update={"chromosomes": ["validation", "test"]})
    law = case.law("own", a_fit(0.4), splits=SPLITS)
    metrics, scored = case.run(law, settings=settings, splits=SPLITS)
    assert set(metrics["chromosomes"]) == {"validation", "test"}
    assert set(scored["split"]) == {"validation", "test"}


def test_the_threshold_is_the_median_over_the_pairs_of_their_members(tmp_path: Path) -> None:
    case = write(tmp_path)
    at = {"one": 0.1, "two": 0.3, "three": 0.8}
    members = {name: replace(a_fit(0.4), threshold=threshold) for name, threshold in at.items()}
    save_law(tmp_path / "law.json", Law("own", members, ("a",)))
    metrics, _ = case.run(tmp_path / "law.json")
    assert value(metrics, "own", "threshold") == 0.3


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    case = write(tmp_path)
    law = case.law("fused", a_fit(0.4))
    files = [tmp_path / "out" / name for name in ("metrics.tsv", "scored_pairs.parquet")]
    case.run(law)
    before = [path.read_bytes() for path in files]
    case.run(law)
    assert [path.read_bytes() for path in files] == before


def test_a_damaged_law_or_landscape_is_one_message(tmp_path: Path) -> None:
    case = write(tmp_path)
    (tmp_path / "law.json").write_text("{}")
    with pytest.raises(UserError, match="not a law of cbat"):
        case.run(tmp_path / "law.json")
    law = case.law("own", a_fit(0.4))
    (tmp_path / "graph.parquet").unlink()
    with pytest.raises(UserError, match="graph.parquet"):
        case.run(law)
    assert not (tmp_path / "out" / "metrics.tsv").exists()


def test_active_enhancers_alone_are_the_lines_own(tmp_path: Path) -> None:
    line = LineLandscape.read(write(tmp_path).top)
    own, graph = line.fed(ENHANCERS_ALONE)
    kept = columns_of("active_enhancers")
    rest = np.ones(own.shape[1], dtype=bool)
    rest[kept] = False
    np.testing.assert_array_equal(graph, line.sources["graph"])
    np.testing.assert_array_equal(own[:, kept], line.sources["own"][:, kept])
    np.testing.assert_array_equal(own[:, rest], graph[:, rest])
    assert (own[:, rest] != line.sources["own"][:, rest]).any()
