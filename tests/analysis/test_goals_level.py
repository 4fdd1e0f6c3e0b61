"""The level's fit: what statsmodels finds by Kalman filter, at a twentieth of the time."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.regression.linear_model import OLS
from statsmodels.tsa.statespace.sarimax import SARIMAX

from ecomlab.analysis import goals
from ecomlab.analysis.goals.level import fit_still, fit_wandering


def weeks(seed: int, *, gain: float, size: int = 130) -> tuple[np.ndarray, np.ndarray]:
    """A wandering level with a season of one wave and an event once a year."""
    rng = np.random.default_rng(seed)
    angle = 2 * np.pi * np.arange(size) / 52.18
    event = (np.arange(size) % 52 == 40).astype(float)
    design = np.column_stack([np.sin(angle), np.cos(angle), event])
    shock = 0.1 * rng.standard_normal(size)
    level = 9 + gain * np.append(0.0, shock.cumsum()[:-1])
    return level + design @ [0.2, -0.1, 0.5] + shock, design


@pytest.mark.parametrize(("seed", "gain"), [(0, 0.1), (1, 0.3), (2, 0.6), (3, 0.9)])
@pytest.mark.parametrize("left_out", [[], [20], [50, 51, 90]])
def test_the_fit_agrees_with_the_kalman_filter(seed, gain, left_out):
    logs, design = weeks(seed, gain=gain)
    logs[left_out] = np.nan
    model = SARIMAX(logs, exog=design, order=(0, 1, 1), concentrate_scale=True)
    slow = model.fit(disp=False, maxiter=500, cov_type="approx")
    fast = fit_wandering(logs, design)
    spread = np.sqrt(np.diag(slow.cov_params()))
    # the slow search stops where a step gains little: a hundredth of a standard error away
    off = (fast.parameters[:-1] - slow.params) / spread
    assert np.abs(off).max() < 0.02
    assert fast.parameters[-1] == pytest.approx(slow.scale, rel=1e-3)
    found = fast.covariance[:-1, :-1] / np.outer(spread, spread)
    assert found == pytest.approx(slow.cov_params() / np.outer(spread, spread), abs=0.02)
    assert fast.aicc == pytest.approx(slow.aicc, abs=0.2)  # which counts weeks left out as seen


def test_a_level_that_stands_still_is_least_squares():
    logs, design = weeks(5, gain=0.0)
    slow = OLS(logs, np.column_stack([np.ones(len(logs)), design])).fit()
    fast = fit_still(logs, design)
    assert fast.parameters == pytest.approx([*slow.params[1:], -1.0, slow.mse_resid])
    assert fast.covariance[:3, :3] == pytest.approx(slow.cov_params()[1:, 1:])


def test_an_honest_share_of_still_levels_is_told_from_wandering_ones():
    """At the edge theta keeps its spread: that the level stands still is not known for sure."""
    for seed in range(20):
        fit = fit_wandering(*weeks(seed, gain=0.0))
        assert fit.parameters[-2] < -0.75 and 0 < fit.covariance[-2, -2] < 0.1


def test_a_likelihood_that_is_flat_just_at_the_edge_gives_no_endless_spread():
    """Its curvature there says 1.98 for this one, in a range that is 2 wide."""
    fit = fit_wandering(*weeks(50, gain=0.0, size=143))
    assert fit.parameters[-2] < -0.999 and fit.covariance[-2, -2] ** 0.5 < 0.2


def test_events_that_always_come_together_share_what_they_lift():
    logs, design = weeks(6, gain=0.3)
    one, two = fit_wandering(logs, design), fit_wandering(logs, design[:, [0, 1, 2, 2]])
    assert two.parameters[2:4] == pytest.approx([one.parameters[2] / 2] * 2, rel=1e-4)
    assert two.parameters[-2] == pytest.approx(one.parameters[-2], abs=1e-4)
    assert np.isfinite(two.covariance).all()


@pytest.mark.parametrize("fit", [fit_wandering, fit_still])
def test_what_never_changes_has_no_estimate(fit):
    logs, design = weeks(7, gain=0.3)
    unseen = np.column_stack([design, np.zeros(len(logs))])
    for values, columns in ((np.full(130, 9.0), design), (logs, unseen)):
        if fit is fit_wandering:
            assert fit(values, columns) is None
        else:
            with pytest.raises(ValueError, match="not estimated"):
                fit(values, columns)


def test_weeks_that_are_all_alike_are_refused_in_words():
    days = pd.DataFrame({"date": pd.date_range("2022-01-03", periods=700), "net": 10.0})
    with pytest.raises(ValueError, match="all alike"):
        goals.forecast_baseline(days, days[["date"]].head(0).assign(event_id=""))
