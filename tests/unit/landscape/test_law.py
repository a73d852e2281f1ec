"""A law is what its file says, to the last bit, and a file that is no law is refused with one message."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cbat.errors import UserError
from cbat.landscape.features import FEATURES, NAMES
from cbat.landscape.law import (
    FARTHEST,
    KNOTS,
    RAMPS,
    UNBENT,
    Fit,
    Law,
    described,
    distance_basis,
    load_law,
    moments,
    save_law,
    scaled,
    shaped,
    softplus,
    standardised,
)


def drawn_fit(shape: str = "ramps", features: tuple[str, ...] = NAMES[:4], seed: int = 1) -> Fit:
    rng = np.random.default_rng(seed)
    n = len(features) * (3 if shape == "ramps" else 1)
    return Fit(
        distance=tuple(rng.normal(size=1 + len(KNOTS)).tolist()),
        level=float(rng.normal()),
        features=features,
        own_share={"insulators": 0.25, "active_enhancers": 1.0},
        shape=shape,
        own_weights=tuple(rng.normal(size=n).tolist()),
        graph_weights=tuple(rng.normal(size=n).tolist()),
        constant=11.7,
        threshold=0.3,
        chosen={"average_precision": {"distance": 0.1}, "chosen": {"ridge": 3e-4}},
    )


def drawn_law() -> Law:
    members = {"fold_1": drawn_fit(), "fold_2": drawn_fit("linear", seed=2), "all": drawn_fit(features=())}
    return Law("fused", members, ("GM12878", "K562"))


def columns(n: int = 50, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, len(NAMES))).astype(np.float32)


# The file


def test_a_law_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    law = drawn_law()
    save_law(tmp_path / "law.json", law)
    read = load_law(tmp_path / "law.json")
    assert read == law
    save_law(tmp_path / "again.json", read)
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "law.json").read_bytes()


DAMAGE = {
    "no_file": None,
    "empty": "",
    "cut": '{"format": 1, "name": "fu',
    "binary": b"\x93\xff\x00",
    "a list": "[]",
    "a number": "3",
    "another file of cbat": '{"nodes": [], "edges": []}',
}


@pytest.mark.parametrize("name", DAMAGE)
def test_what_is_no_law_is_refused(name: str, tmp_path: Path) -> None:
    path = tmp_path / "law.json"
    if (content := DAMAGE[name]) is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UserError, match="not a law of cbat") as caught:
        load_law(path)
    assert "fit_landscape" in str(caught.value)
    assert "law.json" in str(caught.value)


def first(content: dict) -> dict:
    return content["members"]["fold_1"]


CHANGES = {
    "format": lambda c: c.update(format=1),
    "features of a later version": lambda c: c["features"].append("methylation"),
    "no members": lambda c: c.update(members={}),
    "members in a list": lambda c: c.update(members=[]),
    "a member that is none": lambda c: c["members"].update(fold_1=3),
    "an own weight too few": lambda c: first(c)["own_weights"].pop(),
    "a weight of the graph too many": lambda c: first(c)["graph_weights"].append(0.0),
    "a knot too many": lambda c: first(c)["distance"].append(0.0),
    "an unknown shape": lambda c: first(c).update(shape="cubic"),
    "an unknown feature": lambda c: first(c).update(features=["one", "two", "three", "four"]),
    "an unknown kind": lambda c: first(c).update(own_share={"methylation": 0.5}),
    "a share of starts": lambda c: first(c).update(own_share={"genes": 0.5}),
    "a share above 1": lambda c: first(c).update(own_share={"insulators": 1.5}),
    "shares in a list": lambda c: first(c).update(own_share=[]),
    "a word as a weight": lambda c: first(c)["own_weights"].__setitem__(0, "much"),
    "NaN": lambda c: first(c)["graph_weights"].__setitem__(0, float("nan")),
    "infinity": lambda c: first(c).update(level=float("inf")),
    "a threshold missing": lambda c: first(c).pop("threshold"),
    "nothing chosen": lambda c: first(c).update(chosen=None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_law_that_does_not_fit_is_refused(name: str, tmp_path: Path) -> None:
    content = json.loads(json.dumps(described(drawn_law())))
    CHANGES[name](content)
    (tmp_path / "law.json").write_text(json.dumps(content))
    other_version = "the law has (the format 1|features that)"
    with pytest.raises(UserError, match=f"not a law of cbat|{other_version}"):
        load_law(tmp_path / "law.json")


# Which fit speaks


def test_a_split_is_scored_by_the_fit_that_has_not_read_it() -> None:
    law = drawn_law()
    assert law.member("fold_2") is law.members["fold_2"]
    assert law.member("another") is law.members["all"]
    one = Law("own", {"test": drawn_fit()}, ("K562",))
    assert all(one.member(split) is one.members["test"] for split in ("train", "validation", "test"))


# The form


def test_the_spline_of_distance_is_smooth_constant_beyond_its_knots_and_zero_at_100_kb() -> None:
    assert np.abs(distance_basis(np.array([100_000.0]))).max() < 1e-6
    ends = distance_basis(10.0 ** np.array([KNOTS[0], KNOTS[-1]]))
    beyond = distance_basis(np.array([0.0, 1.0, 4_000.0, 2e6, 1e8]))
    assert np.array_equal(beyond, ends[[0, 0, 0, 1, 1]])
    steps = np.diff(distance_basis(10.0 ** np.linspace(KNOTS[0], KNOTS[-1], 2_001)), axis=0)
    assert np.abs(np.diff(steps, axis=0)).max() < 1e-4, "the law has no corners"
    assert distance_basis(np.zeros(0)).shape == (0, 1 + len(KNOTS))


def test_the_splines_are_those_of_scipy() -> None:
    from scipy.interpolate import BSpline

    knots = np.concatenate([np.repeat(KNOTS[0], 3), KNOTS, np.repeat(KNOTS[-1], 3)])
    x = np.concatenate([KNOTS, np.random.default_rng(1).uniform(KNOTS[0], KNOTS[-1], 500), [5.0]])
    expected = BSpline.design_matrix(x, knots, 3).toarray()[:, 1:]
    found = distance_basis(10.0**x)
    np.testing.assert_allclose(found, expected - expected[-1], atol=1e-6)


def test_standardised_features_have_mean_0_and_variance_1_and_are_clipped() -> None:
    raw = 40.0 + 3.0 * columns(4_000)
    raw[:, 5] = 7.3  # constant
    raw[0, 0] = 1e6
    found = standardised(raw)
    assert found.dtype == np.float32
    assert np.abs(found[:, 1:].mean(axis=0)).max() < 1e-3
    spread = np.delete(found, [0, 5], axis=1).std(axis=0)
    np.testing.assert_allclose(spread, 1.0, atol=0.01)
    assert (found[:, 5] == 0.0).all()
    assert found.max() == FARTHEST
    assert standardised(raw[:0]).shape == (0, len(NAMES))


def test_weights_count_pairs_as_often_as_they_say() -> None:
    raw = columns(60)
    times = np.random.default_rng(1).integers(0, 4, 60)
    repeated = moments(np.repeat(raw, times, axis=0))
    weighted = moments(raw, times.astype(float))
    np.testing.assert_allclose(weighted.mean, repeated.mean, atol=1e-6)
    np.testing.assert_allclose(weighted.deviation, repeated.deviation, atol=1e-6)
    np.testing.assert_array_equal(scaled(raw, weighted), standardised(raw, times.astype(float)))


def test_three_ramps_add_up_to_the_feature() -> None:
    z = np.linspace(-4.0, 4.0, 81, dtype=np.float32)[:, None]
    ramps = shaped(z, "ramps")
    assert ramps.shape == (81, 3)
    np.testing.assert_allclose(ramps.sum(axis=1), z[:, 0], atol=1e-6)
    middle = (z[:, 0] > RAMPS[0]) & (z[:, 0] < RAMPS[1])
    assert (ramps[middle, 0] == RAMPS[0]).all()
    assert (ramps[middle, 2] == 0.0).all()
    assert shaped(z, "linear") is z


@pytest.mark.parametrize("shape", ["linear", "ramps"])
def test_own_and_expected_terms_count_by_the_share_of_their_kind(shape: str) -> None:
    fit, own, graph = drawn_fit(shape, NAMES), columns(seed=1), columns(seed=2)
    found, blocks = fit.terms(own, graph), 3 if shape == "ramps" else 1
    for number, feature in enumerate(FEATURES):
        share = {"insulators": 0.25, "active_enhancers": 1.0}.get(feature.kind, 1.0)
        expected = sum(
            part
            * shaped(read[:, [number]], shape).astype(float)
            @ np.reshape(weights, (blocks, -1))[:, number]
            for part, read, weights in (
                (share, own, fit.own_weights),
                (1.0 - share, graph, fit.graph_weights),
            )
        )
        np.testing.assert_allclose(found[:, number], expected, atol=1e-12)


@pytest.mark.parametrize("shape", ["linear", "ramps"])
def test_the_terms_of_the_features_add_up_to_the_resistance(shape: str) -> None:
    fit, own, graph = drawn_fit(shape, NAMES[5:12]), columns(seed=1), columns(seed=2)
    terms = fit.terms(own, graph)
    assert terms.shape == (50, 7)
    assert fit.terms(own[:0], graph[:0]).shape == (0, 7)
    assert drawn_fit(features=()).terms(own, graph).shape == (50, 0)
    np.testing.assert_allclose(fit.constant + terms.sum(axis=1), fit.resistance(own, graph), rtol=1e-12)
    # Each alone, from its own weights.
    for number, name in enumerate(fit.features):
        of_one = {side: getattr(fit, side)[number::7] for side in ("own_weights", "graph_weights")}
        alone = replace(fit, features=(name,), **of_one)
        np.testing.assert_allclose(alone.terms(own, graph)[:, 0], terms[:, number], rtol=1e-12)


def test_a_law_of_distance_alone_has_one_resistance() -> None:
    fit = drawn_fit(features=())
    assert (fit.resistance(columns(), columns()) == fit.constant).all()
    distance = np.array([5e3, 1e5, 2e6])
    expected = distance_basis(distance).astype(float) @ np.array(fit.distance) + fit.level + fit.constant
    np.testing.assert_allclose(fit.potential(distance), expected)


def test_the_softplus_bends_nothing_from_the_constant_on() -> None:
    x = np.linspace(UNBENT, 40.0, 50)
    assert np.abs(softplus(x) - x).max() < 5e-5
    assert softplus(np.array([-800.0, 0.0, 800.0])) == pytest.approx([0.0, np.log(2.0), 800.0])
