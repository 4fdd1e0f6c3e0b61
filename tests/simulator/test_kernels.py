"""Compiled loops agree with slow, obvious versions of what they do."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from ecomlab.simulator.codes import Codes
from ecomlab.simulator.kernels import choice, draws, tables, visits
from ecomlab.simulator.mechanisms.expectation import shapley_route_share, sole_route_chance
from ecomlab.simulator.mechanisms.substitution import chance_with_gaps
from ecomlab.simulator.noise import Noise, poisson
from ecomlab.simulator.service import gain_of_answer, rise_of_lifted

_MASK = 2**64 - 1


def slow_word(number: int, first: int, turned: int) -> int:
    """Two rounds of the splitmix64 finaliser, in whole numbers without end."""
    z = (number * 0x9E3779B97F4A7C15 & _MASK) ^ first
    for key in (turned, 0):
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _MASK
        z = (z ^ (z >> 31)) ^ key
    return z


def test_hashes_are_those_of_whole_numbers_without_end():
    keys = Noise(7).keys("visit", day=3)
    numbers = np.array([0, 1, 2, 4096, 2**47, 150_000 * 4096 + 730], dtype=np.int64)
    expected = [slow_word(int(n), *map(int, keys)) for n in numbers]
    assert draws.hash_words(numbers, *keys).tolist() == expected
    uniforms = [((word >> 12) + 0.5) / 2**52 for word in expected]
    assert draws.hash_uniforms(numbers, *keys).tolist() == uniforms


@pytest.mark.parametrize("mean", [0.0, 0.3, 3.2, 40.0])
def test_poisson_quantiles_are_those_of_scipy(mean: float):
    u = Noise(1).uniform("test", np.arange(4000))
    assert (poisson(u, mean) == np.maximum(stats.poisson.ppf(u, mean), 0)).all()


def test_rows_are_gathered_as_numpy_does():
    table = np.arange(24.0).reshape(6, 4)
    rows = np.array([5, 0, 5, 2])
    assert (draws.gather_rows(table, rows) == table[rows]).all()


def test_people_of_a_day_are_the_union_of_all_who_come():
    rng = np.random.default_rng(2)
    for _ in range(50):
        natural, returned, opened = (
            np.sort(rng.choice(30, rng.integers(0, 12), replace=False)) for _ in range(3)
        )
        here, by_nature, by_mail = visits.gather_people(natural, returned, opened)
        assert here.tolist() == sorted({*natural, *returned, *opened})
        assert (by_nature == np.isin(here, np.union1d(natural, returned))).all()
        assert (by_mail == np.isin(here, opened)).all()


def test_chances_of_routes_to_be_alone_add_up_over_all_that_may_fire():
    chance = np.random.default_rng(4).uniform(0, 0.9, (3, 20))
    fires = np.array([[(k >> i) & 1 for i in range(3)] for k in range(1, 8)], dtype=bool)
    weights = np.array([np.prod(np.where(one[:, None], chance, 1 - chance), axis=0)
                        for one in fires])  # fmt: skip
    weights /= weights.sum(axis=0)
    alone = [(weights * ((fires.sum(axis=1) == 1) & fires[:, i])[:, None]).sum(axis=0)
             for i in range(3)]  # fmt: skip
    np.testing.assert_allclose(sole_route_chance(chance), alone, rtol=1e-12)
    fair = [(weights * (fires[:, i] / fires.sum(axis=1))[:, None]).sum(axis=0) for i in range(3)]
    np.testing.assert_allclose(shapley_route_share(chance), fair, rtol=1e-12)


def choices(answered: bool, gaps: bool, size: int = 500):
    """A market of visits at random, through the kernel and through plain numpy."""
    rng = np.random.default_rng(5)
    places = choice.SLOTS
    inside = rng.normal(0, 1, (size, places))
    outside = rng.normal(3, 0.5, size)
    counts = rng.random((size, places)) < 0.9
    counts[::7] = False
    inside[~counts] = -np.inf
    seen = rng.integers(0, 40, (size, places)).astype(np.int32)
    category, key, main = rng.integers(0, 4, 40), np.arange(1, 41), rng.integers(0, 4, size)
    out = counts & (rng.random((size, places)) < 0.2) & gaps
    lift, stay, bonus, more = 1.2, 1.5, 0.5, 3.25
    has_answer = (rng.random(size) < 0.3) & answered
    keys = (*Noise(1).keys("gumbel", day=0), *Noise(1).keys("add_on", day=0))
    numbers = np.arange(size)
    given = outside.copy()
    found = choice.choose_products(
        numbers, (seen, counts, main), (inside, given), (key, category), (bonus, more, 1.5),
        np.zeros(size), keys, (out if gaps else out[:0], stay, np.zeros(size), np.ones(40)),
        (has_answer, lift),
    )  # fmt: skip
    weight = np.exp(inside).T
    liked = weight.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = np.where(out.any(axis=1), np.log(lift),
                        gain_of_answer(liked / (liked + np.exp(outside)), lift))  # fmt: skip
        outside = outside - np.where(has_answer & (liked > 0), gain, 0)
        order, rise, share = chance_with_gaps(weight, np.exp(outside), out.T, stay)
        whole = liked / (liked + np.exp(outside))
        order = np.where(out.any(axis=1), order, whole)
        rise = np.where(out.any(axis=1), rise, 1 - whole)
        lifted = has_answer & ~out.any(axis=1)
        rise = np.where(lifted, rise_of_lifted(order, lift), rise)
    bar = more - bonus * (category[seen] != main[:, None])
    added = np.where(counts & ~out, 1 / (1 + np.exp(bar - inside)), 0).T
    kept = share + (1 - share) * added
    pull = order * (rise * share * kept + (1 - added) * share * (1 - share)
                    + (1 - share) * added * (1 - added))  # fmt: skip
    luck = Noise(1).uniform("gumbel", numbers[:, None] * 4096 + key[seen], day=0)
    none = Noise(1).uniform("gumbel", numbers * 4096, day=0)
    shaken = inside - np.log(-np.log(luck))
    best = shaken.max(axis=1)
    nothing = outside - np.log(-np.log(none))
    joins = Noise(1).uniform("add_on", numbers[:, None] * 4096 + key[seen], day=0)
    bought = 1 / (1 + np.exp(bar - inside))
    wanted = ((shaken == best[:, None]) | (joins < bought)) & counts & (best > nothing)[:, None]
    return found, (best > nothing, wanted, order, (order * kept).T, pull.T, counts.any(axis=1))


@pytest.mark.parametrize(("answered", "gaps"), [(False, False), (True, False), (True, True)])
def test_choices_are_those_of_gumbel_noise_and_chances_those_of_the_logit(answered, gaps):
    found, (wants, wanted, order, line, pull, looks) = choices(answered, gaps)
    assert (found[2] == wants)[looks].all() and not found[2][~looks].any()
    assert (found[4] == wanted)[looks].all()
    np.testing.assert_allclose(found[5][looks], order[looks], rtol=1e-10)
    np.testing.assert_allclose(found[6][looks], line[looks], rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(found[7][looks], pull[looks], rtol=1e-9, atol=1e-15)
    assert wants.sum() > 20 and (found[5][~looks] == 0).all()


def test_what_is_expected_adds_up_line_by_line():
    found, _ = choices(answered=False, gaps=False)
    rng = np.random.default_rng(6)
    seen = rng.integers(0, 40, found[6].shape).astype(np.int32)
    asked, cost = rng.uniform(5, 50, 40), rng.uniform(1, 20, 40)
    paid, beta = rng.uniform(0.9, 1, len(seen)), rng.uniform(2, 3, len(seen))
    amount, spent = choice.expect_money(seen, found[6], (asked, cost))
    np.testing.assert_allclose(amount, (found[6] * asked[seen]).sum(axis=1))
    np.testing.assert_allclose(spent, (found[6] * cost[seen]).sum(axis=1))
    units, slope = choice.expect_units(seen, found[6], found[7], paid, beta, 40)
    np.testing.assert_allclose(
        units, np.bincount(seen.ravel(), (paid[:, None] * found[6]).ravel(), 40)
    )
    weight = ((paid * beta)[:, None] * found[7]).ravel()
    np.testing.assert_allclose(slope, np.bincount(seen.ravel(), weight, 40))


def test_identifiers_are_distinct_and_read_as_hexadecimal():
    codes, numbers = Codes(Noise(7)), np.arange(5000)
    mixed = codes.scramble(numbers, bits=32)
    assert len(set(mixed.tolist())) == 5000 and int(mixed.max()) < 2**32
    text, ends = tables.write_hex(mixed, numbers == 2, np.frombuffer(b"C", "u1"), 4)
    words = [bytes(text[a:b]).decode() for a, b in pairwise(ends)]
    assert words[2] == "" and [int(one[1:], 16) for one in words[3:]] == mixed[3:].tolist()
