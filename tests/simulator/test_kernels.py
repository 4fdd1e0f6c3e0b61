"""Compiled loops agree with slow, obvious versions of what they do."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from ecomlab.simulator.codes import Codes
from ecomlab.simulator.kernels import choice, draws, tables, visits
from ecomlab.simulator.mechanisms.expectation import shapley_route_share, sole_route_chance
from ecomlab.simulator.mechanisms.substitution import chance_with_gaps
from ecomlab.simulator.noise import Noise, poisson
from ecomlab.simulator.people import draw_people
from ecomlab.simulator.scenario import load_scenario
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


def test_a_few_knots_are_interpolated_to_the_last_bit_as_numpy_does():
    rng = np.random.default_rng(1)
    knots = np.concatenate([[0.0], np.cumsum(rng.random(9))])
    knots /= knots[-1]
    values = np.linspace(0, 1, 10)
    x = np.concatenate([knots, rng.random(3000)])
    assert (draws.between_knots(x, knots, values) == np.interp(x, knots, values)).all()


@pytest.mark.parametrize("kinds", [1, 5, 8])
def test_what_people_need_adds_up_to_their_rates_and_follows_taste_and_mood(kinds):
    rng = np.random.default_rng(3)
    taste = rng.lognormal(0, 1, (400, kinds)).astype(np.float32)
    mood = rng.uniform(0.5, 2, kinds).astype(np.float32)
    rate, region = rng.gamma(2, 3, 400).astype(np.float32), rng.integers(0, 3, 400)
    years = np.array([0.25, 0.3, 0.2])
    weight = (taste * mood).astype(float)
    orders = (rate * years[region])[:, None] * weight / weight.sum(axis=1, keepdims=True)
    found = tables.add_up_need(rate, taste, region, mood, years)
    np.testing.assert_allclose(found, orders.sum(axis=0), rtol=1e-6)
    assert found.sum() == pytest.approx((rate * years[region]).sum(), rel=1e-6)


def test_the_mailing_list_has_customers_who_agreed_and_did_not_leave_it():
    flags = np.random.default_rng(4).random((3, 500)) < 0.5
    has_mail, customer, unsubscribed = flags
    expected = np.flatnonzero(has_mail & customer & ~unsubscribed)
    assert (visits.list_members(has_mail, customer, unsubscribed) == expected).all()


def test_people_keep_their_numbers_where_some_are_left_out():
    everybody = draw_people(load_scenario("tiny"), Noise(7), 40)
    some = replace(everybody, ids=everybody.ids + 5)
    who = np.array([3, 8, 20])
    assert everybody.numbers(who).tolist() == everybody.ids[who].tolist() == [3, 8, 20]
    assert some.numbers(who).tolist() == [8, 13, 25]


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
    wants, on_shelf = best > nothing, np.where(counts & ~out, shaken, -np.inf).max(axis=1)
    in_cart = on_shelf > nothing - 1.5  # the slack; nobody sees a label of what is out of stock
    in_cart |= wants & out.any(axis=1) & (on_shelf > nothing - stay)
    return found, (wants, in_cart, wanted, order, (order * kept).T, pull.T, counts.any(axis=1))


@pytest.mark.parametrize(("answered", "gaps"), [(False, False), (True, False), (True, True)])
def test_choices_are_those_of_gumbel_noise_and_chances_those_of_the_logit(answered, gaps):
    found, (wants, in_cart, wanted, order, line, pull, looks) = choices(answered, gaps)
    assert (found[2] == wants)[looks].all() and not found[2][~looks].any()
    assert (found[3] == in_cart)[looks].all() and in_cart.sum() > wants.sum()
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
    coupon, depth = 0.1 * (rng.random(len(seen)) < 0.3), 0.2 * (rng.random(len(seen)) < 0.2)
    orders, amount, margin = choice.expect_money(
        seen, (found[5], found[6]), (asked, cost), (1.2, paid, coupon, depth)
    )
    np.testing.assert_allclose(orders, paid * found[5])
    price = (found[6] * asked[seen]).sum(axis=1) * (1 - coupon) * (1 - depth)
    np.testing.assert_allclose(amount, 1.2 * paid * price)
    np.testing.assert_allclose(amount - margin, 1.2 * paid * (found[6] * cost[seen]).sum(axis=1))
    whose = rng.permutation(len(seen))
    units, slope = choice.expect_units(
        seen, (found[6], found[7]), whose, paid, beta[np.argsort(whose)], 40
    )
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


def crowd(size: int = 3000):
    """People at random: who they are, what they are like, and how often they may come."""
    rng = np.random.default_rng(8)
    return {
        "ids": rng.permutation(size * 3)[:size].astype(np.int64), "rng": rng,
        "region": rng.integers(0, 4, size).astype(np.int8),
        "rate": rng.gamma(0.6, 0.1, size).astype(np.float32),
        "aware_at": rng.random(size).astype(np.float32),
        "customer": rng.random(size) < 0.3,
        "stocked_until": rng.integers(0, 20, size).astype(np.int32),
    }  # fmt: skip


def test_occasions_of_two_days_are_those_of_everybody_asked_one_by_one():
    of = crowd()
    traffic, aware = np.array([0.8, 1.0, 1.2, 0.9]), np.array([0.4, 0.5, 0.0, 0.6], np.float32)
    keys = Noise(3).keys("occasion", day=5, part="period")
    level = 1.5
    may = (of["rate"] > 0) & (of["customer"] | (of["aware_at"] < 0.7))
    known = np.flatnonzero(may)
    ceiling = of["rate"][known] * np.float32(1.5)
    close = visits.screen_occasions(
        known, of["ids"][known], ceiling, np.float32(level * 2.0**32), keys
    )
    for day, (who, luck) in enumerate(close):
        found = visits.draw_occasions(
            who, luck, of["rate"], traffic, (of["region"], of["aware_at"]),
            (of["customer"], aware, of["stocked_until"]), 10 + day,
        )  # fmt: skip
        slow = []
        for one in range(len(of["ids"])):
            word = slow_word(int(of["ids"][one]), *map(int, keys))
            u = ((word >> 32 if day else word & 0xFFFFFFFF) + 0.5) / 2**32
            chance = -np.expm1(-float(of["rate"][one]) * traffic[of["region"][one]])
            chance *= 0.6 if of["stocked_until"][one] >= 10 + day else 1.0
            knows = of["customer"][one] or of["aware_at"][one] < aware[of["region"][one]]
            if knows and u < chance:
                slow.append(one)
        assert found.tolist() == slow and len(slow) > 20


def test_mails_go_to_members_by_the_habit_and_the_budget_of_their_region():
    of = crowd()
    last_order = of["rng"].integers(-200, 10, len(of["ids"])).astype(np.int32)
    members, budget = np.flatnonzero(of["customer"]), np.array([1.0, 0.0, 2.0, 1.0])
    keys = Noise(3).keys("mail", day=10)
    luck = Noise(3).uniform("mail", of["ids"], day=10)
    for habit in (0.0, 0.5, 1.0):
        found = visits.draw_mails(
            members,
            last_order,
            of["region"],
            (2.0, 0.5, 60, habit),
            budget,
            of["ids"][members],
            keys,
            10,
        )
        recent = 10 - last_order <= 60
        mean = np.where(recent[members], 2.0, 0.5).mean()
        weekly = mean + habit * (np.where(recent, 2.0, 0.5) - mean)
        slow = [w for w in members if luck[w] < min(weekly[w] / 7 * budget[of["region"][w]], 1)]
        assert found.tolist() == slow and len(slow) > 50


def test_routes_fire_each_by_its_own_luck_and_the_last_one_is_the_channel():
    of, rng = crowd(), np.random.default_rng(9)
    here = np.flatnonzero(rng.random(len(of["ids"])) < 0.3)
    names = ["direct", "seo", "brand", "generic", "social", "email", "creators"]
    kinds = np.array([visits.REACH, visits.SEO, visits.BRAND, visits.GENERIC, visits.REACH,
                      visits.EMAIL, visits.BURST])  # fmt: skip
    numbers = np.array([0, 1, 2, 3, 5, 4, 7])
    is_social = np.array([name == "social" for name in names])
    reach = rng.uniform(0.1, 0.6, (7, 2))
    liking = rng.gamma(2.0, 0.5, (len(of["ids"]), 7)).astype(np.float32)
    response, burst = rng.uniform(0.2, 1.0, (7, 4)), np.full(7, 0.2)
    loyal, natural = of["customer"][here], rng.random(len(here)) < 0.9
    mail, social = rng.random(len(here)) < 0.2, rng.uniform(0.5, 2, len(here))
    search, found_at, most = (0.4, 0.5, 0.3, 0.8), 0.15, 0.9
    keys = (*Noise(3).keys("search", day=4), *Noise(3).keys("route", day=4))
    kept, chance, fired, route, searches = visits.draw_routes(
        here, of["ids"][here], (loyal, natural, mail, social), (of["region"], liking),
        (kinds, numbers, is_social, reach), (response, burst, found_at, search),
        (0.5, 0.2, 0.6, most), keys,
    )  # fmt: skip
    slow_kept, looked, came = [], np.zeros((2,), dtype=int), np.zeros((2,), dtype=int)
    for j, who in enumerate(here):
        word = slow_word(int(of["ids"][who]), *map(int, keys[:2]))
        looks = ((word >> 12) + 0.5) / 2**52 < 0.5
        named = ((word & 0xFFFFFFFF) + 0.5) / 2**32 < (0.6 if loyal[j] else 0.2)
        by_name, other = looks and named, looks and not named
        place, likes = of["region"][who], liking[who].astype(float)
        c = np.array([
            reach[0, int(loyal[j])] * likes[0] * response[0, place],
            search[0] * by_name + found_at * other,
            search[1] * response[2, place] * by_name,
            search[2] * response[3, place] * other,
            reach[4, int(loyal[j])] * likes[4] * response[4, place] * social[j],
            search[3] * mail[j],
            likes[6] * burst[6],
        ])  # fmt: skip
        c = np.minimum(np.where(natural[j] | (kinds == visits.EMAIL), c, 0.0), most)
        words = [slow_word(int(of["ids"][who]) * 64 + int(n), *map(int, keys[2:])) for n in numbers]
        fires = np.array([((one >> 12) + 0.5) / 2**52 for one in words]) < c
        looked += [by_name, other]
        came += [by_name and fires[1], other and fires[1]]
        if fires.any():
            at = len(slow_kept)
            slow_kept.append(j)
            np.testing.assert_allclose(chance[at], c, rtol=1e-14)
            assert (fired[at] == fires).all()
            late = [(one & 0xFFFFFFFF) if fires[i] else -1 for i, one in enumerate(words)]
            assert route[at] == int(np.argmax(late))
    assert kept.tolist() == slow_kept and 50 < len(kept) < len(here)
    assert searches.tolist() == np.stack([looked, came], axis=1).tolist()


def test_shoppers_look_at_places_of_a_shelf_and_count_nothing_twice():
    rng, kinds, goods, size = np.random.default_rng(10), 5, 60, 64
    ids = np.arange(400)
    visitors = np.sort(rng.choice(400, 300, replace=False))
    stays, taste = rng.random(300) < 0.7, rng.dirichlet(np.ones(kinds), 400).astype(np.float32)
    mood, companion = rng.uniform(0.5, 2, kinds), np.array([1, 0, 3, 4, 2])
    shelf = rng.integers(0, goods, (2, kinds, size)).astype(np.int32)
    ranges, partner = rng.integers(0, 2, 300), rng.integers(0, goods, goods).astype(np.int32)
    on_sale, offered = rng.random(goods) < 0.8, rng.random((2, goods)) < 0.9
    streams = ("consider.category", "few", "more")
    keys = tuple(key for stream in streams for key in Noise(3).keys(stream, day=2))
    main, seen, counts = choice.look_around(
        visitors, stays, ids[visitors], taste, mood, companion,
        (shelf, ranges, partner, on_sale, offered), keys,
    )  # fmt: skip
    for v, who in enumerate(visitors):
        if not stays[v]:
            assert not counts[v].any()
            continue
        words = [slow_word(int(who), *map(int, keys[i : i + 2])) for i in (0, 2, 4)]
        weight = np.cumsum(taste[who].astype(float) * mood)
        kind = int(np.searchsorted(weight, ((words[0] >> 12) + 0.5) / 2**52 * weight[-1]))
        places = [(words[1 if slot < 5 else 2] >> (12 * (slot % 5))) % size for slot in range(7)]
        wanted = [shelf[ranges[v], kind if slot < 6 else companion[kind], places[slot]]
                  for slot in range(7)]  # fmt: skip
        wanted.append(partner[wanted[0]])
        assert main[v] == kind and seen[v].tolist() == wanted
        first = [wanted.index(sku) == slot for slot, sku in enumerate(wanted)]
        assert (counts[v] == (first & on_sale[wanted] & offered[ranges[v]][wanted])).all()


def test_utilities_are_the_sum_of_their_parts():
    rng, size, places, goods, people = np.random.default_rng(11), 200, choice.SLOTS, 30, 80
    visitors = rng.integers(0, people, size)
    seen = rng.integers(0, goods, (size, places)).astype(np.int32)
    counts, main = rng.random((size, places)) < 0.8, rng.integers(0, 4, size)
    counts[::9] = False
    sensitivity, eco = rng.uniform(1, 4, people), rng.normal(0, 0.3, people)
    taste, ready = rng.normal(0, 1, (people, 3)), rng.normal(0, 3, people)
    device, region = rng.integers(0, 3, people), rng.integers(0, 4, people)
    appeal, price = rng.normal(0, 1, goods), rng.normal(0, 0.2, goods)
    is_eco, attribute = rng.random(goods) < 0.3, rng.normal(0, 1, (goods, 3))
    loyal, depth = rng.random(size) < 0.5, np.where(rng.random(size) < 0.1, 0.3, 0.0)
    lift, by_device, by_region, rival = (rng.normal(0, 0.2, n) for n in (size, 3, 4, 4))
    inside, outside = choice.weigh_products(
        visitors, (seen, counts, main), (sensitivity, eco, taste, ready, device, region),
        (appeal, price, is_eco, attribute), (loyal, depth, lift),
        (5.0, by_device, by_region, 0.4, rival),
    )  # fmt: skip
    beta = sensitivity[visitors]
    fit = np.einsum("va,vsa->vs", taste[visitors], attribute[seen])
    cost = beta[:, None] * (price[seen] + np.log1p(-depth)[:, None])
    told = appeal[seen] + is_eco[seen] * eco[visitors][:, None] + fit - cost
    np.testing.assert_allclose(inside, np.where(counts, told, -np.inf), rtol=1e-12)
    readiness = loyal * np.clip(ready[visitors], -8, 4.5) + 0.4 + lift
    without = 5.0 + by_device[device[visitors]] - readiness + by_region[region[visitors]]
    without -= beta * rival[main]
    np.testing.assert_allclose(outside, np.where(counts.any(axis=1), without, 0), rtol=1e-12)


def test_a_platform_claims_who_clicked_and_a_share_of_the_others():
    rng = np.random.default_rng(8)
    last, region = rng.integers(0, 20, (3, 50)).astype(np.int16), rng.integers(0, 4, 50)
    buyers, seen = rng.choice(50, 30, replace=False), np.array([0.0, 0.1, 0.5])
    found = visits.claim_orders(last, buyers, region, 13, seen, 4)
    claimed = np.where(last[:, buyers] > 13, 1.0, seen[:, None])
    for area in range(4):
        np.testing.assert_allclose(found[:, area], claimed[:, region[buyers] == area].sum(axis=1))


def test_routes_get_the_visits_and_the_worth_that_they_alone_brought():
    rng = np.random.default_rng(9)
    alone, worth = rng.random((60, 5)), rng.random((3, 60))
    found = choice.weigh_routes(alone, worth)
    np.testing.assert_allclose(found[0], alone.sum(axis=0))
    np.testing.assert_allclose(found[1:], worth @ alone)


@pytest.mark.parametrize("mean", [0.0, 0.12, 3.0])
def test_poisson_draws_of_one_mean_are_those_of_as_many_equal_means(mean):
    u = np.random.default_rng(10).random((4, 90))
    found = poisson(u, mean)
    np.testing.assert_array_equal(found, poisson(u, np.full(u.shape, mean)))
    np.testing.assert_array_equal(found, np.maximum(stats.poisson.ppf(u, mean), 0))


def test_poisson_draws_of_many_means_have_each_its_own():
    rng = np.random.default_rng(11)
    u, mean = rng.random(500), rng.uniform(0.05, 6, 500)
    np.testing.assert_array_equal(poisson(u, mean), stats.poisson.ppf(u, mean))
