"""The parts of a mix model: memory, saturation, the density and its draws."""

import numpy as np
import pytest

from ecomlab.analysis import marketing
from ecomlab.analysis.marketing.mix_curves import lag_spend, respond, saturate
from ecomlab.analysis.marketing.mix_posterior import build_posterior, filter_noise
from ecomlab.analysis.marketing.mix_sampling import find_peak, sample, split_r_hat

CHANNELS = ("tv", "search", "social")


def test_the_memory_of_spend_is_the_geometric_recursion():
    rng = np.random.default_rng(2)
    spend = rng.gamma(2.0, 10.0, size=(60, 2))
    media, memory = lag_spend(spend), np.array([[0.3, 0.6]])
    half = np.array([[0.8, 1.7]])
    found = respond(media, memory, half, marketing.MixPrior()).response[0]
    for c in range(2):
        scaled = spend[:, c] / spend[:, c].mean()
        stock, slow = scaled[:4].mean(), []
        for x in scaled:
            stock = memory[0, c] * stock + (1 - memory[0, c]) * x
            slow.append(stock / (stock + half[0, c]) * (1 + half[0, c]))
        assert found[c].tolist() == pytest.approx(slow, abs=1e-5)  # lags beyond 26 are cut


@pytest.mark.parametrize("prior", [marketing.MixPrior(), marketing.MixPrior(slope=2.0),
                                   marketing.MixPrior(saturation="exponential")])  # fmt: skip
def test_half_of_the_most_comes_at_the_half_point(prior):
    value = saturate(np.array([1.7, 1e9]), np.array([1.7, 1.7]), prior)[0]
    assert value.tolist() == pytest.approx([0.5, 1.0])


def some_posterior(prior, is_multiplicative, size=60):
    rng = np.random.default_rng(3)
    spend = rng.gamma(2.0, 50.0, size=(size, 3))
    outcome = 900 + spend @ [0.5, 1.0, 1.5] + rng.normal(0, 20, size)
    design = np.column_stack([np.ones(size), np.linspace(-1, 1, size)])
    plain = build_posterior(outcome, spend, design, prior=prior, names=CHANNELS,
                            is_multiplicative=is_multiplicative)  # fmt: skip
    return filter_noise(plain, 0.3)


@pytest.mark.parametrize("is_multiplicative", [False, True])
@pytest.mark.parametrize("form", [{}, {"slope": 1.7}, {"saturation": "exponential"}])
def test_the_slope_of_the_density_is_that_of_its_differences(form, is_multiplicative):
    test = marketing.LiftTest(channel="search", spend=90.0, spend_without=20.0, lift=60.0,
                              standard_error=15.0)  # fmt: skip
    density = some_posterior(marketing.MixPrior(tests=(test,), **form), is_multiplicative).density
    at = np.random.default_rng(0).normal(0, 0.5, size=(2, 9)) - np.repeat([2.0, 0, 0], 3)
    step = 1e-6 * np.eye(9)
    slow = [[(density(row + h)[0][0] - density(row - h)[0][0]) / 2e-6 for h in step] for row in at]
    np.testing.assert_allclose(density(at)[1], slow, rtol=1e-5, atol=1e-4)


def test_draws_of_a_bell_have_its_mean_and_covariance_and_agree():
    covariance = np.array([[1.0, 0.8, 0.0], [0.8, 2.0, 0.3], [0.0, 0.3, 0.5]])
    inverse, mean = np.linalg.inv(covariance), np.array([1.0, -2.0, 0.5])

    def bell(at):
        gap = at - mean
        return -0.5 * (gap @ inverse * gap).sum(axis=1), -gap @ inverse

    peak = find_peak(bell, np.zeros((1, 3)))
    draws = sample(bell, peak, seed=1)
    evidence = 1.5 * np.log(2 * np.pi) + 0.5 * np.log(np.linalg.det(covariance))
    assert peak.log_evidence == pytest.approx(evidence, abs=1e-6)
    # four standard errors of 1,000 independent draws
    assert draws.flat.mean(axis=0) == pytest.approx(mean, abs=0.18)
    assert np.cov(draws.flat.T) == pytest.approx(covariance, abs=0.35)
    assert draws.r_hat.max() < 1.03
    assert draws.effective_draws.min() > 400


def test_chains_that_stay_apart_are_noticed():
    rng = np.random.default_rng(4)
    together = rng.normal(size=(8, 200, 1))
    apart = together + np.repeat([0.0, 2.0], 4)[:, None, None]
    assert split_r_hat(together)[0] < 1.02
    assert split_r_hat(apart)[0] > 1.3


def test_one_channel_s_draws_agree_with_a_brute_grid():
    """Mean and spread of the contribution share from 40 x 30 x 40 points of the density."""
    rng = np.random.default_rng(6)
    spend = rng.gamma(2.0, 50.0, size=(80, 1))
    outcome = 900 + 150 * spend[:, 0] / (spend[:, 0] + 100) + rng.normal(0, 30, 80)
    design = np.ones((80, 1))
    posterior = build_posterior(outcome, spend, design, prior=marketing.MixPrior(), names=("tv",),
                                is_multiplicative=False)  # fmt: skip
    axes = np.linspace(-6, -0.5, 60), np.linspace(-8, 4, 40), np.linspace(-3, 3, 40)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    value = np.concatenate([posterior.density(part)[0] for part in np.split(grid, 24)])
    weight = np.exp(value - value.max())
    share = np.exp(grid[:, 0])
    mean = float(np.average(share, weights=weight))
    spread = float(np.sqrt(np.average((share - mean) ** 2, weights=weight)))
    draws = sample(
        posterior.density, find_peak(posterior.density, np.array([[-3.0, 0, 0]])), seed=2
    )
    found = np.exp(draws.flat[:, 0])
    assert found.mean() == pytest.approx(mean, abs=0.15 * spread)
    assert found.std() == pytest.approx(spread, rel=0.12)
