"""The parts of a mix model: memory, saturation, the density and its draws."""

import numpy as np
import pytest
from scipy import stats

from ecomlab.analysis import marketing
from ecomlab.analysis.marketing.mix_curves import lag_spend, respond, saturate
from ecomlab.analysis.marketing.mix_posterior import build_posterior, filter_noise
from ecomlab.analysis.marketing.mix_sampling import find_peak, measure_tail, sample
from ecomlab.analysis.marketing.mix_scores import translate_scores

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
    at = np.random.default_rng(0).normal(0, 0.7, size=(4, 9)) - np.repeat([0.5, 0, 0], 3)
    step = 1e-6 * np.eye(9)
    slow = [[(density(row + h)[0][0] - density(row - h)[0][0]) / 2e-6 for h in step] for row in at]
    np.testing.assert_allclose(density(at)[1], slow, rtol=1e-5, atol=1e-4)


def a_bell(mean, covariance):
    inverse = np.linalg.inv(covariance)

    def bell(at):
        gap = np.atleast_2d(at) - mean
        return -0.5 * (gap @ inverse * gap).sum(axis=1), -gap @ inverse

    return bell


def test_draws_of_a_bell_have_its_mean_and_covariance_and_can_be_believed():
    covariance = np.array([[1.0, 0.8, 0.0], [0.8, 2.0, 0.3], [0.0, 0.3, 0.5]])
    bell = a_bell(mean := np.array([1.0, -2.0, 0.5]), covariance)
    peak = find_peak(bell, np.zeros((1, 3)))
    draws = sample(bell, peak, seed=1)
    evidence = 1.5 * np.log(2 * np.pi) + 0.5 * np.log(np.linalg.det(covariance))
    assert peak.at == pytest.approx(mean, abs=1e-9)
    assert peak.log_evidence == pytest.approx(evidence, abs=1e-6)
    # four standard errors of 4,000 independent draws
    assert draws.values.mean(axis=0) == pytest.approx(mean, abs=0.09)
    assert np.cov(draws.values.T) == pytest.approx(covariance, abs=0.18)
    assert draws.tail_index < 0.5
    assert draws.effective_draws > 2000


def test_draws_find_a_second_hill_that_the_search_for_the_peak_did_not():
    """Two bells, 0.7 and 0.3 of the whole, six standard deviations apart."""
    near, far = a_bell(np.zeros(3), 0.1 * np.eye(3)), a_bell(np.full(3, 1.1), 0.1 * np.eye(3))

    def density(at):
        (one, down), (two, up) = near(at), far(at)
        one, two = one + np.log(0.7), two + np.log(0.3)
        value = np.logaddexp(one, two)
        parts = np.exp(one - value), np.exp(two - value)
        return value, parts[0][:, None] * down + parts[1][:, None] * up

    draws = sample(density, find_peak(density, np.zeros((1, 3))), seed=3)
    assert (draws.values.sum(axis=1) > 1.65).mean() == pytest.approx(0.3, abs=0.03)


def test_a_last_digit_of_the_density_stays_a_last_digit_of_the_draws():
    """Processors round differently; a chain of accepted steps would go another way."""
    density = some_posterior(marketing.MixPrior(), is_multiplicative=False).density

    def other_rounding(at):
        value, slope = density(at)
        return value * (1 + 3e-15 * np.sin(1e4 * at[:, 0])), slope * (1 + 1e-14 * np.cos(1e4 * at))

    usual, other = (
        sample(f, find_peak(f, np.zeros((1, 9))), groups=3, seed=5)
        for f in (density, other_rounding)
    )
    assert np.abs(usual.values.mean(axis=0) - other.values.mean(axis=0)).max() < 1e-6
    assert abs(usual.tail_index - other.tail_index) < 1e-4


@pytest.mark.parametrize("index", [0.3, 0.9])
def test_the_tail_index_of_pareto_weights_is_their_own(index):
    weight = np.random.default_rng(8).random(20_000) ** -index
    # 424 points of the tail: standard error (1 + index) / sqrt(424), and a pull to 0.5 of 2 %
    assert measure_tail(weight) == pytest.approx(index, abs=0.2)


def test_scores_are_quantiles_of_the_prior():
    prior = marketing.MixPrior(share=0.3, memory=(2.0, 3.0), half_spread=0.7)
    scores = np.linspace(-7, 5, 25)
    own = translate_scores(np.repeat(scores[:, None], 3, axis=1), prior)
    laws = stats.halfnorm(scale=0.3), stats.beta(2, 3), stats.lognorm(s=0.7)
    for found, law in zip((own.share, own.memory, own.half), laws, strict=True):
        np.testing.assert_allclose(law.cdf(found[:, 0]), stats.norm.cdf(scores), rtol=1e-8)


def test_one_channel_s_draws_agree_with_a_brute_grid():
    """Mean and spread of the contribution share from 60 x 40 x 40 points of the density."""
    rng = np.random.default_rng(6)
    spend = rng.gamma(2.0, 50.0, size=(80, 1))
    outcome = 900 + 150 * spend[:, 0] / (spend[:, 0] + 100) + rng.normal(0, 30, 80)
    prior = marketing.MixPrior()
    posterior = build_posterior(outcome, spend, np.ones((80, 1)), prior=prior, names=("tv",),
                                is_multiplicative=False)  # fmt: skip
    axes = np.linspace(-4, 4, 60), np.linspace(-4, 4, 40), np.linspace(-4, 4, 40)
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    value = np.concatenate([posterior.density(part)[0] for part in np.split(grid, 24)])
    weight = np.exp(value - value.max())
    share = translate_scores(grid, prior).share[:, 0]
    mean = float(np.average(share, weights=weight))
    spread = float(np.sqrt(np.average((share - mean) ** 2, weights=weight)))
    draws = sample(posterior.density, find_peak(posterior.density, np.zeros((1, 3))), seed=2)
    found = translate_scores(draws.values, prior).share[:, 0]
    assert found.mean() == pytest.approx(mean, abs=0.1 * spread)
    assert found.std() == pytest.approx(spread, rel=0.1)
