from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from ecomlab.simulator.noise import Noise, beta, gamma, normal, pick, poisson

COUNT = 400_000


def chi_square_per_freedom(u: np.ndarray, bins: int) -> float:
    seen = np.bincount((u * bins).astype(int), minlength=bins)
    return float(((seen - len(u) / bins) ** 2 / (len(u) / bins)).sum() / (bins - 1))


def test_uniforms_fill_the_unit_interval_evenly():
    u = Noise(7).uniform("visit", np.arange(COUNT))
    # chi-square over its freedom has standard deviation sqrt(2/1023) = 0.044
    assert 0.82 < chi_square_per_freedom(u, 1024) < 1.18
    assert u.min() > 0
    assert u.max() < 1


def test_neighbouring_ids_are_independent_in_pairs():
    u = Noise(7).uniform("visit", np.arange(COUNT))
    cells = (u[:-1] * 32).astype(int) * 32 + (u[1:] * 32).astype(int)
    assert 0.82 < chi_square_per_freedom((cells + 0.5) / 1024, 1024) < 1.18


@pytest.mark.parametrize(
    "other",
    [
        lambda ids: Noise(8).uniform("visit", ids, day=3),
        lambda ids: Noise(7).uniform("visits", ids, day=3),
        lambda ids: Noise(7).uniform("visit", ids, day=4),
        lambda ids: Noise(7).uniform("visit", ids),
        lambda ids: Noise(7).uniform("visit", ids, day=3, part="social"),
        lambda ids: Noise(7).uniform("visit", ids + 1, day=3),
        lambda ids: Noise(7).uniform("visit", ids + 4096, day=3),
    ],
)
def test_streams_that_differ_in_anything_are_uncorrelated(other):
    ids = np.arange(COUNT)
    u = Noise(7).uniform("visit", ids, day=3)
    assert abs(np.corrcoef(u, other(ids))[0, 1]) < 5 / np.sqrt(COUNT)


def test_a_draw_belongs_to_its_entity_not_to_the_call():
    noise, ids = Noise(7), np.arange(1000)
    together = noise.uniform("visit", ids, day=3)
    noise.uniform("another", ids)
    shuffled = ids[::-7]
    np.testing.assert_array_equal(noise.uniform("visit", shuffled, day=3), together[shuffled])


def test_asking_for_draws_leaves_the_ids_unchanged():
    ids = np.arange(10, dtype=np.uint64)
    Noise(7).uniform("visit", ids)
    np.testing.assert_array_equal(ids, np.arange(10))


def test_the_largest_possible_uniform_is_below_one():
    assert (float(2**52 - 1) + 0.5) * 2.0**-52 < 1.0


def test_the_scheme_keeps_the_draws_it_has_always_given():
    u = Noise(7).uniform("visit", np.array([0, 1, 2**40]), day=3, part="seo")
    assert [round(x, 12) for x in u.tolist()] == [
        0.823155710516, 0.329433402915, 0.08707598801,
    ]  # fmt: skip


def test_quantile_functions_agree_with_scipys_distributions():
    u = np.linspace(0.001, 0.999, 999)
    np.testing.assert_allclose(normal(u), stats.norm.ppf(u), atol=1e-12)
    u = np.concatenate([10.0 ** -np.arange(4.0, 15), u, 1 - 10.0 ** -np.arange(4.0, 13)])
    for shape in (0.05, 0.28, 0.8, 2.0):  # by tables: five digits, in the tails as well
        exact = stats.gamma.ppf(u, shape, scale=1 / shape)
        seen = exact > 1e-250
        np.testing.assert_allclose(gamma(u, shape)[seen], exact[seen], rtol=3e-5)
    np.testing.assert_allclose(beta(u, 0.38, 0.5), stats.beta.ppf(u, 0.38, 0.5), rtol=3e-5)
    upper = 1 - stats.beta.ppf(u, 0.5, 1.2)
    np.testing.assert_allclose(1 - beta(u, 0.5, 1.2), upper, rtol=3e-5, atol=1e-12)
    for mean in (0.0, 0.3, 2.0, 25.0):
        np.testing.assert_array_equal(poisson(u, mean), stats.poisson.ppf(u, mean))


def test_a_larger_mean_never_lowers_a_poisson_draw():
    u = Noise(7).uniform("units", np.arange(20_000))
    assert (poisson(u, 1.4) >= poisson(u, 1.2)).all()


def test_picks_follow_their_shares():
    shares = np.array([0.5, 0.2, 0.3])
    picked = pick(Noise(7).uniform("pick", np.arange(COUNT)), shares)
    np.testing.assert_allclose(np.bincount(picked) / COUNT, shares, atol=0.004)  # 5 sd
