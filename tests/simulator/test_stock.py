"""Stock: nothing is lost on the way, who comes first is served, and rules cost what they should."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from ecomlab.simulator import Plan, PlanError, Scenario, load_scenario, simulate
from ecomlab.simulator.graph import Day
from ecomlab.simulator.kernels.choice import serve_in_turn
from ecomlab.simulator.loop import run_days
from ecomlab.simulator.mechanisms.stock import allocate
from ecomlab.simulator.mechanisms.substitution import chance_with_gaps
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.parameters_stock import Sourcing, Stock
from ecomlab.simulator.reordering import reorder_levels, simulate_policy
from ecomlab.simulator.suppliers import DISRUPTIONS, draw_suppliers
from ecomlab.simulator.world import build_world

DAYS = 120


def lean(**more: object) -> Scenario:
    """A small world that is often out of stock."""
    base = load_scenario("tiny")
    values = {
        "safety": -1.0,
        "spare_days": 0.0,
        "cover_days": 20.0,
        "units_per_1000_people": 2.0,
        **more,
    }
    assert base.stock is not None
    return base.model_copy(update={"stock": base.stock.model_copy(update=values)})


@pytest.fixture(scope="module")
def store():
    return simulate(lean(), seed=5, people=12_000, days=DAYS)


@pytest.fixture(scope="module")
def tables(store):
    return {name: store.store.table(name) for name in store.store.tables}


def by_sku_and_day(frame: pd.DataFrame, units: str) -> pd.Series:
    return frame.groupby(["sku", "date"])[units].sum()


def test_stock_is_conserved_for_every_product_on_every_day(tables):
    stock = tables["inventory_daily"].sort_values(["sku", "date"])
    opening = stock.groupby("sku")["on_hand_units"].shift()
    closing = (opening + stock["received_units"] + stock["restocked_units"]
               - stock["sold_units"] - stock["written_off_units"])  # fmt: skip
    known = opening.notna()
    assert (closing[known] == stock.loc[known, "on_hand_units"]).all()
    assert (stock["on_hand_units"] >= 0).all()
    flows = ["received_units", "restocked_units", "sold_units", "written_off_units"]
    assert (stock[flows].sum() > 0).all()


def test_what_left_the_depot_is_what_was_paid_for(tables):
    paid = tables["orders"].query("payment_status == 'paid'")[["order_id", "date"]]
    sold = by_sku_and_day(tables["order_lines"].merge(paid, on="order_id"), "units")
    stock = tables["inventory_daily"].set_index(["sku", "date"])["sold_units"]
    both = pd.concat([sold, stock[stock > 0]], axis=1)
    assert both.notna().all(axis=None)
    assert (both["units"] == both["sold_units"]).all()


def test_what_came_in_is_what_purchase_orders_say(tables):
    bought, stock = tables["purchase_orders"], tables["inventory_daily"]
    came = bought.dropna(subset="received_date")
    came = came.assign(date=came["received_date"])
    launched = tables["products"].set_index("sku")["launch_date"]
    stock = stock[stock["date"] != stock["sku"].map(launched)]  # a new product has a first stock
    got = by_sku_and_day(stock, "received_units")
    said = by_sku_and_day(came, "received_units").reindex(got.index, fill_value=0)
    assert (got == said).all()
    assert (came["received_units"] <= came["units"]).all()
    under_way = tables["inventory_daily"].groupby("date")[["on_order_units", "in_transit_units"]]
    still = bought.loc[bought["received_date"].isna(), "units"].sum()
    assert under_way.sum().sum(axis=1).iloc[-1] == still > 0


def test_demand_is_what_was_ordered_and_lost_and_went_elsewhere(store, tables):
    told = store.truth["truth_demand"].set_index(["sku", "date"])
    lines = tables["order_lines"].merge(tables["orders"][["order_id", "date"]], on="order_id")
    ordered = by_sku_and_day(lines, "units").reindex(told.index, fill_value=0)
    sum_of = (ordered - told["substituted_in_units"] + told["lost_units"]
              + told["substituted_out_units"])  # fmt: skip
    assert (told["demand_units"] == sum_of).all()
    assert (told[["lost_units", "substituted_in_units"]].sum() > 20).all()
    full = tables["inventory_daily"].set_index(["sku", "date"])["out_of_stock_minutes"] == 0
    gone = told["lost_units"] + told["substituted_out_units"]
    # Of a product that is there all day, only lines of orders that came to nothing are lost.
    assert gone[full].sum() < 0.2 * gone.sum()


def test_nothing_is_sold_after_the_last_unit_of_the_day_is_gone(tables):
    orders = tables["orders"][["order_id", "date", "ordered_at"]]
    lines = tables["order_lines"].merge(orders, on="order_id")
    last = lines.groupby(["sku", "date"])["ordered_at"].max().rename("last")
    stock = tables["inventory_daily"].set_index(["sku", "date"]).join(last).dropna(subset="last")
    emptied = stock[stock["out_of_stock_minutes"] > 0]
    local = emptied["last"].dt.tz_convert("America/New_York")
    left = 1440 - (local.dt.hour * 60 + local.dt.minute + local.dt.second / 60)
    assert len(emptied) > 20
    # A day on which clocks change has another length: an hour.
    assert (abs(left - emptied["out_of_stock_minutes"]) < 61).all()
    assert (abs(left - emptied["out_of_stock_minutes"]) < 0.1).mean() > 0.95


def test_days_do_not_depend_on_how_many_follow_nor_on_how_they_are_cut(monkeypatch, store):
    monkeypatch.setattr("ecomlab.simulator.loop._FLUSH_VISITS", 700)
    short = simulate(lean(), seed=5, people=12_000, days=60)
    for name in ("inventory_daily", "orders"):
        whole = store.store.table(name)
        first = whole[whole["date"] <= short.store.manifest.last_day].reset_index(drop=True)
        pd.testing.assert_frame_equal(short.store.table(name), first)


def one_day(stock: list[int], seconds: list[int], sku: list[list[int]], choice: list[int]) -> Day:
    """Serve a morning's shoppers: each wants the product at one place, and has seen some."""
    world = build_world(lean(), Noise(7), people=400, days=3)
    day, count = Day(world, Noise(7), ()), len(choice)
    day.index, day.streams = 1, allocate.streams
    goods = len(world.products.key)
    day["on_hand"] = np.array(stock + [50] * (goods - len(stock)))
    day["visitors"] = np.arange(count)
    day["considered"] = np.array(sku).T
    day["wants"], day["order_second"] = np.arange(count), np.array(seconds)
    day["liking"] = np.where(np.arange(day["considered"].shape[0])[:, None] == choice, 5.0, 1.0)
    day["wanted"] = day["liking"] > 4
    day["label_luck"], day["label_share"] = np.linspace(0, 1, count), np.full(goods, 0.7)
    day["returning"], day["feelings"] = np.zeros((0, 2), dtype=np.int64), []
    allocate.step(day)
    return day


def test_who_orders_first_is_served_first_however_people_stand():
    seconds = [50_000, 40_000, 60_000, 30_000, 70_000, 20_000]
    day = one_day([2], seconds, [[0, 1]] * 6, [0] * 6)
    units = day["lines"].T
    in_turn = np.argsort(seconds)
    served = np.cumsum(units[0, in_turn])
    assert served[-1] == 2
    assert units[0, in_turn[0]] > 0
    assert (units[0, in_turn[2:]] == 0).all()
    assert (units[1, in_turn[2:]] > 0).all()  # the others take what they like next
    last = in_turn[np.flatnonzero(units[0, in_turn])[-1]]
    assert day["empty_from"][0] == seconds[last]


def test_a_shopper_with_nothing_else_to_take_is_lost_and_hurt_unless_a_label_was_seen():
    day = one_day([0], [10, 20, 30, 40], [[0, 0]] * 4, [0] * 4)
    assert not day["lines"].any()
    met, stayed, delayed = day["stock_response"]
    assert (met, stayed) == (4, 0)
    assert delayed == len(day["returning"])
    ((people, change),) = day["feelings"]
    assert people.tolist() == [3]  # luck 0, 1/3, 2/3 see the label, 1 does not
    assert change.tolist() == [-0.3]
    assert day["lost_units"][0] == day["demand_units"][0] > 0


def slow_service(stock, sku, units, liking, wanted, first, stay):
    """Serve one after another, by looking at everything each time."""
    stock, out = dict(enumerate(stock)), []
    for goods, sizes, likes, places, main in zip(sku, units, liking, wanted, first, strict=True):
        if stock[goods[main]] == 0:
            others = [p for p in range(len(goods)) if stock[goods[p]] > 0 and likes[p] > -stay]
            if not others:
                out.append({})
                continue
            main = max(others, key=lambda p: (likes[p], -p))
        mine = {p: min(sizes[p], stock[goods[p]]) for p in {main, *places}}
        for place, size in mine.items():
            stock[goods[place]] -= size
        out.append({p: size for p, size in mine.items() if size})
    return out


def test_serving_in_turn_agrees_with_looking_at_everything_each_time():
    rng = np.random.default_rng(3)
    for _ in range(30):
        count = 25
        sku = [rng.permutation(9)[:5].tolist() for _ in range(count)]
        units = rng.integers(1, 4, (count, 5))
        liking = rng.normal(-1, 2, (count, 5))
        first = liking.argmax(axis=1)
        wanted = [sorted({int(first[i]), *np.flatnonzero(rng.random(5) < 0.2).tolist()})
                  for i in range(count)]  # fmt: skip
        stock = rng.integers(0, 9, 9).tolist()
        given = (sku, units.tolist(), liking.tolist(), wanted, first.tolist(), 1.5)
        is_wanted = np.array([[place in one for place in range(5)] for one in wanted])
        fast, _, _ = serve_in_turn(np.array(stock), (np.array(sku), units), is_wanted, liking,
                                   np.arange(count), 1.5)  # fmt: skip
        found = [{p: int(mine[p]) for p in np.flatnonzero(mine)} for mine in fast]
        assert found == slow_service(stock, *given)


def test_chances_with_gaps_are_those_that_draws_show():
    rng = np.random.default_rng(5)
    inside, out = np.array([0.5, -0.5, 0.0, -1.0]), np.array([True, False, False, True])
    outside, stay, size = 1.2, 1.5, 400_000
    shaken = inside[:, None] + rng.gumbel(size=(4, size))
    nothing = outside + rng.gumbel(size=size)
    first = shaken.argmax(axis=0)
    left = np.where(out[:, None], -np.inf, shaken)
    wants = shaken.max(axis=0) > nothing
    orders = wants & (~out[first] | (left.max(axis=0) + stay > nothing))
    order, rise, share = chance_with_gaps(
        np.exp(inside)[:, None], np.array([np.exp(outside)]), out[:, None], stay
    )
    assert abs(orders.mean() - order[0]) < 4 * np.sqrt(0.25 / size)
    drawn = np.bincount(left.argmax(axis=0)[orders], minlength=4) / orders.sum()
    np.testing.assert_allclose(drawn, share[:, 0], atol=4 * np.sqrt(0.25 / orders.sum()))
    up = np.exp(inside + 1e-6 * ~out)[:, None]
    higher, _, _ = chance_with_gaps(up, np.array([np.exp(outside)]), out[:, None], stay)
    assert (higher[0] - order[0]) / 1e-6 == pytest.approx(order[0] * rise[0], rel=1e-4)


def run(scenario: Scenario, people: int, days: int, plan: Plan | None = None):
    world = build_world(scenario, Noise(11), people=people, days=days)
    logs = []
    run_days(world, Noise(11), plan, days, flush=logs.append)
    return {name: np.concatenate([log.stack(name) for log in logs])
            for name in ("on_sale", "out_minutes", "stock_response", "demand_units",
                         "lost_units", "closing", "expected_orders")}  # fmt: skip


@pytest.mark.parametrize("preset", ["west_d2c", "cn_platform"])
def test_products_are_out_of_stock_and_shoppers_answer_as_calibrated(preset):
    found = run(load_scenario(preset), 60_000, 150)
    share = (found["out_minutes"] / 1440)[found["on_sale"]].mean()
    assert 0.025 < share < 0.08
    met, stayed, delayed = found["stock_response"].sum(axis=0)
    # A binomial sd of 50 points over the root of some 250 shoppers is 3 points.
    assert met > 150
    assert abs(stayed / met - 0.45) < 0.13
    assert abs(delayed / met - 0.15) < 0.09


def test_a_higher_reorder_point_loses_less_and_holds_more():
    base = run(lean(), 6000, 150)
    more = run(lean(), 6000, 150, Plan(reorder={"all": 2.0}))
    assert more["lost_units"].sum() < 0.6 * base["lost_units"].sum()
    assert more["closing"].mean() > 1.2 * base["closing"].mean()
    # Expected orders know what is out in the morning.
    assert more["expected_orders"].sum() > base["expected_orders"].sum()


def test_another_supplier_has_the_same_luck_and_orders_go_to_both():
    base = lean()
    plan = Plan(suppliers={"all": 0.5})
    both = [simulate(base, seed=5, people=3000, days=60, plan=one) for one in (None, plan)]
    one, two = (run.store.table("purchase_orders") for run in both)
    goods = both[0].store.table("products").set_index("sku")["supplier_id"]
    assert (one["supplier_id"] == one["sku"].map(goods)).all()
    second = two["supplier_id"] != two["sku"].map(goods)
    assert 0.3 < second.mean() < 0.7
    day = two["placed_date"] == two["placed_date"].min()
    assert day.any()
    same = one.merge(two, on="purchase_id", suffixes=("", "_split"))
    first = same["placed_date"] == one["placed_date"].min()
    assert (same.loc[first, "received_date"] == same.loc[first, "received_date_split"]).all()


def test_without_stock_there_is_neither_a_table_nor_an_effect():
    bare = load_scenario("tiny").model_copy(update={"stock": None})
    found = simulate(bare, seed=5, people=900, days=60)
    assert {"inventory_daily", "purchase_orders"}.isdisjoint(found.store.tables)
    full = lean(safety=6.0, written_off_per_year=0.0, least_units=5000, cover_days=4000.0)
    stocked = simulate(full, seed=5, people=900, days=60)
    columns = ["order_id", "amount", "payment_status"]
    pd.testing.assert_frame_equal(
        found.store.table("orders")[columns], stocked.store.table("orders")[columns]
    )


def test_lead_times_fill_rates_and_disruptions_follow_their_laws():
    law = Sourcing(suppliers=40)
    known = draw_suppliers(law, Noise(3), np.arange(1, 3000), 4000)
    sd = known.transit_days / np.sqrt(known.transit_shape)
    cv = sd / known.lead_days
    assert (cv > 0.249).all()
    assert (cv < 0.501).all()
    assert known.lead_days.min() > 6 and known.lead_days.max() < 28
    assert (known.main != known.second).all()
    busy = known.disruption > 0
    usual = law.disrupted_per_day / (law.disrupted_per_day + law.recovered_per_day)
    assert busy.mean() == pytest.approx(usual, rel=0.15)  # some 600 spells
    assert set(np.unique(known.disruption)) == set(range(len(DISRUPTIONS) + 1))
    np.testing.assert_array_equal(
        known.disruption[:90], draw_suppliers(law, Noise(3), np.arange(1, 3000), 90).disruption
    )


def test_the_truth_tells_each_spell_of_disruption():
    found = simulate("tiny", people=50, days=400).truth
    spells = found["truth_disruption"]
    length = (pd.to_datetime(spells["to"]) - pd.to_datetime(spells["from"])).dt.days + 1
    told = found["truth_supplier"].set_index("supplier_id")["disrupted_days"]
    assert length.groupby(spells["supplier_id"]).sum().equals(told[told > 0].sort_index())
    assert set(spells["kind"]) <= set(DISRUPTIONS)


@pytest.mark.parametrize(("kind", "what"), [(1, "orders"), (2, "shipments"), (3, "transit"),
                                            (4, "receipts")])  # fmt: skip
def test_a_disrupted_supplier_cannot_do_what_its_kind_says(kind, what):
    scenario = lean()
    world = build_world(scenario, Noise(2), people=6000, days=40)
    assert world.suppliers is not None
    world.suppliers.disruption[:] = 0
    world.suppliers.disruption[10:] = kind
    logs = []
    run_days(world, Noise(2), None, 40, flush=logs.append)

    def of(name: str) -> np.ndarray:
        return np.concatenate([log.stack(name) for log in logs])[10:].sum(axis=1)

    placed = np.array([len(day[0]) for log in logs for day in log.values("placed")])[10:]
    received, waiting, moving = of("received_units"), of("on_order"), of("in_transit")
    launched = np.isin(np.arange(10, 40), world.products.launch)
    if what == "orders":
        assert placed.sum() == 0 and received.sum() > 0
    if what == "shipments":
        assert (np.diff(moving) <= 0).all() and (np.diff(waiting) >= 0).all()
    if what in ("transit", "receipts"):
        assert received[~launched].sum() == 0
        assert (np.diff(moving) >= 0).all() and moving[-1] > moving[0]


def test_the_newsvendor_cost_is_the_one_of_the_book():
    """Snyder and Shen, Fundamentals of Supply Chain Theory, Example 4.3: 57 units cost 2.0000."""
    mean, sd, holding, penalty, level = 50.0, 8.0, 0.18, 0.70, 57.0
    z = (level - mean) / sd
    loss = stats.norm.pdf(z) - z * stats.norm.sf(z)
    theory = holding * (level - mean) + (holding + penalty) * sd * loss
    assert round(theory, 4) == 2.0000
    periods = 40_000
    luck = Noise(1).normal("newsvendor", np.arange(periods))
    demands = [(np.zeros(1), np.array([mean + sd * z])) for z in luck]
    trial = simulate_policy(level, level, demands=demands, lead_periods=np.zeros(periods),
                            start=level)  # fmt: skip
    cost = holding * trial.over + penalty * trial.short
    assert abs(cost.mean() - theory) < 3 * cost.std() / np.sqrt(periods)
    np.testing.assert_allclose(cost, trial.cost(holding=holding, shortage=penalty))


def law_and_kelton(low: int, high: int, seed: int, months: int = 120) -> float:
    """The inventory model of Law and Kelton, section 1.5: mean cost of a month."""
    noise = Noise(seed)
    gaps = -0.1 * np.log(noise.uniform("gap", np.arange(months * 12)))
    sizes = 1 + np.searchsorted([1 / 6, 1 / 2, 5 / 6], noise.uniform("size", np.arange(len(gaps))))
    moments = np.cumsum(gaps)
    edge = np.searchsorted(moments, np.arange(months + 1))
    assert moments[-1] > months
    demands = [(moments[a:b] - i, sizes[a:b]) for i, (a, b) in enumerate(pairwise(edge))]
    lead = 0.5 + 0.5 * noise.uniform("lead", np.arange(months))
    trial = simulate_policy(low, high, demands=demands, lead_periods=lead, start=60)
    return float(trial.cost(holding=1, shortage=5, order=32, unit=3).mean())


@pytest.mark.parametrize(("low", "high", "printed"), [(20, 40, 126.61), (40, 80, 125.46),
                                                      (60, 100, 143.20)])  # fmt: skip
def test_the_costs_of_law_and_kelton_are_within_the_spread_of_replications(low, high, printed):
    """Law and Kelton, Simulation Modeling and Analysis: one replication of 120 months each."""
    costs = [law_and_kelton(low, high, seed) for seed in range(40)]
    assert abs(printed - np.mean(costs)) < 3 * np.std(costs)
    assert np.std(costs) < 4


def test_the_reorder_point_covers_lead_time_and_review():
    law = Stock(review_days=7, spare_days=0, safety=1.0, cover_days=30)
    low, high = reorder_levels(law, np.array([1.0, 0.0]), np.array([9.0, 9.0]), np.array([1.5, 1]))
    assert low.tolist() == [30, 0]  # 1.5 x (16 + 4)
    assert (high - low).tolist() == [30, law.least_units]


def test_a_plan_for_stock_says_what_is_wrong():
    world = load_scenario("west_d2c")
    with pytest.raises(PlanError, match=re.escape("reorder.aparel: not one of")):
        Plan(reorder={"aparel": 2.0}).check(world, days=30)
    with pytest.raises(PlanError, match="suppliers"):
        Plan.from_dict({"suppliers": {"all": 1.2}})
    bare = world.model_copy(update={"stock": None})
    with pytest.raises(PlanError, match=re.escape("reorder.all")):
        Plan(reorder={"all": 2.0}).check(bare, days=30)


def test_a_product_s_own_setting_wins_over_its_category_s_and_that_over_all():
    plan = Plan(reorder={"AP-002": 3.0, "apparel": 2.0, "all": 0.5})
    world = build_world(load_scenario("tiny"), Noise(7), people=50, days=3)
    day = run_days(world, Noise(7), plan, 2, flush=lambda _: None)
    assert day["reorder_factor"][:6].tolist() == [2.0, 3.0, 2.0, 2.0, 2.0, 0.5]
