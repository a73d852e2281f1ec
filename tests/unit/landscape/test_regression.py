"""The fit of the law is a penalised logistic regression: scikit-learn's, and under signs the optimum."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy.optimize import minimize

from cbat.landscape.regression import fit_logistic


def drawn(seed: int = 1, n: int = 3_000, k: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Columns, labels and an offset that has part in them."""
    rng = np.random.default_rng(seed)
    columns = rng.normal(size=(n, k)) @ (np.eye(k) + 0.3 * rng.normal(size=(k, k)))
    weights, offset = rng.normal(0.0, 0.7, k), rng.normal(size=n)
    logit = columns @ weights + offset - 2.0
    return columns.astype(np.float32), rng.random(n) < 1.0 / (1.0 + np.exp(-logit)), offset


def slope(
    columns: np.ndarray, label: np.ndarray, offset: np.ndarray | float, ridge: float, found: tuple
) -> tuple[np.ndarray, float]:
    """Gradient of the mean loss in the weights and in the intercept."""
    weights, intercept = found
    logit = columns.astype(float) @ weights + intercept + offset
    wrong = 1.0 / (1.0 + np.exp(-logit)) - label
    return columns.T.astype(float) @ wrong / len(label) + ridge * weights, float(wrong.mean())


@pytest.mark.parametrize("ridge", [1e-5, 1e-3, 0.1])
def test_it_is_the_logistic_regression_of_scikit_learn(ridge: float) -> None:
    from sklearn.linear_model import LogisticRegression

    columns, label, _ = drawn()
    weights, intercept = fit_logistic(columns, label, 0.0, ridge)
    peer = LogisticRegression(C=1.0 / (ridge * len(label)), tol=1e-10, max_iter=1_000)
    peer.fit(columns.astype(float), label)
    np.testing.assert_allclose(weights, peer.coef_[0], rtol=1e-3, atol=2e-4)
    assert intercept == pytest.approx(float(peer.intercept_[0]), abs=5e-4)


@pytest.mark.parametrize("ridge", [1e-4, 0.03])
def test_an_offset_is_kept_as_it_is(ridge: float) -> None:
    columns, label, offset = drawn(2)
    found = fit_logistic(columns, label, offset, ridge)
    of_weights, of_intercept = slope(columns, label, offset, ridge, found)
    assert np.abs(of_weights).max() < 1e-4
    assert abs(of_intercept) < 1e-4
    # Without it, another fit.
    assert np.abs(fit_logistic(columns, label, 0.0, ridge)[0] - found[0]).max() > 0.02


@pytest.mark.parametrize("seed", range(5))
def test_under_signs_it_is_the_optimum_within_them(seed: int) -> None:
    """Weights with the wrong sign are 0 and would like to pass it; the others have no slope left."""
    columns, label, offset = drawn(seed)
    signs = np.random.default_rng(seed).choice(np.array([-1, 0, 1], dtype=np.int8), 8)
    found = fit_logistic(columns, label, offset, 1e-3, signs)
    weights = found[0]
    assert (weights * signs >= 0.0).all()
    of_weights, of_intercept = slope(columns, label, offset, 1e-3, found)
    held = (signs != 0) & (weights == 0.0)
    assert np.abs(of_weights[~held]).max() < 1e-4
    assert (of_weights * signs)[held].min(initial=0.0) > -1e-4
    assert abs(of_intercept) < 1e-4


def test_under_signs_it_is_the_optimum_of_a_general_method() -> None:
    columns, label, offset = drawn(7)
    free = fit_logistic(columns, label, offset, 1e-3)[0]
    signs = -np.sign(free).astype(np.int8)
    signs[:4] *= -1

    def loss(x: np.ndarray) -> float:
        logit = columns.astype(float) @ x[:-1] + x[-1] + offset
        return float(np.logaddexp(0.0, (1 - 2.0 * label) * logit).mean() + 0.5e-3 * (x[:-1] ** 2).sum())

    bounds = [(0, None) if sign > 0 else (None, 0) for sign in signs]
    peer = minimize(loss, np.zeros(9), bounds=[*bounds, (None, None)], method="L-BFGS-B", tol=1e-12)
    weights, intercept = fit_logistic(columns, label, offset, 1e-3, signs)
    np.testing.assert_allclose(weights, peer.x[:-1], atol=2e-3)
    assert loss(np.append(weights, intercept)) <= peer.fun + 1e-7


def test_signs_that_do_not_bind_change_nothing() -> None:
    columns, label, offset = drawn(3)
    free = fit_logistic(columns, label, offset, 1e-3)
    bound = fit_logistic(columns, label, offset, 1e-3, np.sign(free[0]).astype(np.int8))
    np.testing.assert_array_equal(bound[0], free[0])
    assert bound[1] == free[1]


def test_rare_contacts_and_a_far_offset_converge() -> None:
    rng = np.random.default_rng(5)
    columns = rng.normal(size=(20_000, 3)).astype(np.float32)
    label = rng.random(20_000) < 1.0 / (1.0 + np.exp(-(columns @ [1.0, 0.0, -1.0] - 6.0)))
    for offset in (40.0, -40.0):
        found = fit_logistic(columns, label, offset, 1e-5)
        assert found[1] + offset == pytest.approx(-6.0, abs=0.5)
        assert np.abs(slope(columns, label, offset, 1e-5, found)[0]).max() < 1e-5


def test_columns_that_say_nothing_weigh_nothing() -> None:
    columns, label, offset = drawn(4)
    columns[:, 3] = 0.0  # a kind of track without peaks
    weights, _ = fit_logistic(columns, label, offset, 1e-3, np.ones(8, dtype=np.int8))
    assert weights[3] == 0.0
    only, intercept = fit_logistic(np.zeros((len(label), 2), dtype=np.float32), label, 0.0, 1e-3)
    assert only.tolist() == [0.0, 0.0]
    assert intercept == pytest.approx(np.log(label.mean() / (1 - label.mean())), abs=1e-6)


def test_columns_that_repeat_one_another_share_the_weight() -> None:
    columns, label, _ = drawn(6, k=3)
    twice = np.concatenate([columns, columns], axis=1)
    weights, _ = fit_logistic(twice, label, 0.0, 1e-3)
    np.testing.assert_allclose(weights[:3], weights[3:], atol=1e-4)
    single, _ = fit_logistic(columns, label, 0.0, 0.5e-3)
    np.testing.assert_allclose(weights[:3] + weights[3:], single, atol=1e-3)


def test_classes_that_a_column_separates_give_finite_weights() -> None:
    x = np.linspace(-2.0, 2.0, 200, dtype=np.float32)[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights, intercept = fit_logistic(x, x[:, 0] > 0, 0.0, 1e-6)
    assert np.isfinite([*weights, intercept]).all()
    assert weights[0] > 3.0


def test_pieces_of_rows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from cbat.landscape import regression

    columns, label, offset = drawn(8)
    whole = fit_logistic(columns, label, offset, 1e-3)
    monkeypatch.setattr(regression, "_ROWS_AT_ONCE", 7)
    pieces = fit_logistic(columns, label, offset, 1e-3)
    np.testing.assert_allclose(pieces[0], whole[0], atol=1e-5)


def test_the_same_input_gives_the_same_numbers() -> None:
    one, other = (fit_logistic(*drawn(9), 1e-3) for _ in range(2))
    np.testing.assert_array_equal(one[0], other[0])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("label", [np.zeros(5), np.ones(5), np.zeros(0)])
def test_one_class_cannot_be_fitted(label: np.ndarray) -> None:
    columns = np.ones((len(label), 1), dtype=np.float32)
    with pytest.raises(ValueError, match="one class"):
        fit_logistic(columns, label, 0.0, 1e-3)
