from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from ecomlab.simulator import Plan, PlanError, Scenario, load_scenario, simulate
from ecomlab.simulator import carriers as laws
from ecomlab.simulator.experiments import Experiment
from ecomlab.simulator.graph import Day, mechanism
from ecomlab.simulator.loop import MECHANISMS, Log, begin, run_days
from ecomlab.simulator.mechanisms.aftermath import REASONS
from ecomlab.simulator.mechanisms.delivery import pick_parcels
from ecomlab.simulator.mechanisms.satisfaction import feel, leaving_chance
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.twins_delivery import measure_lateness
from ecomlab.simulator.world import build_world

WORLD = load_scenario("west_d2c")
FAST = {"seed": 7, "people": 20_000, "days": 130}
NAMES = ("economy", "standard", "premium")
TESTS = Experiment(id="carriers", kind="carrier", start="2024-01-10", days=120, share=0.5)


def with_part(name: str, **changes: Any) -> Scenario:
    """The western world with some parameters of a part changed; ``None`` for the part if none."""
    values = WORLD.model_dump()
    values[name] = {**values[name], **changes} if changes else None
    return Scenario.model_validate(values)


def parcels_of(run: Any) -> pd.DataFrame:
    """Parcels with their order and their true luck."""
    orders = run.store.table("orders").drop(columns=["shipping_fee"])
    return run.store.table("shipments").merge(orders, on="order_id").merge(
        run.truth["truth_parcel"], on="order_id"
    )  # fmt: skip


def overall(dose: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Late shares by carrier and region; over all parcels; over all if one carrier had them all."""
    world = WORLD.with_traps({"carriers": dose})
    law, people = world.fulfilment, np.array([r.share for r in world.regions.values()])
    net = laws.lay_network(world)
    chances = laws.arrival_chances(net.known_days, net.delay_days, net.shape, net.shock_sd)
    promise = laws.promise_days(world, law, net.share, law.promise_quantile)
    late = laws.late_shares(chances, promise)
    sent = net.share * people
    return late, (sent * late).sum(axis=1) / sent.sum(axis=1), late @ people


@pytest.fixture(scope="module")
def usual():
    return simulate(WORLD, **FAST)


def test_the_costs_of_parcels_are_what_the_books_say_to_the_cent(year):
    parcels = parcels_of(year)
    by_day = parcels.groupby("date")["cost"].sum()
    books = year.store.table("costs_daily").set_index("date")["fulfilment"]
    np.testing.assert_allclose(books[by_day.index], by_day, atol=1e-6)
    assert books.sum() == pytest.approx(parcels["cost"].sum(), abs=1e-6)
    assert len(parcels) == (year.store.table("orders")["payment_status"] == "paid").sum()


def test_a_parcel_is_late_for_the_buyer_where_the_tables_show_it(year):
    parcels = parcels_of(year)
    zone = year.store.manifest.time_zone
    for earlier, later in (("ordered_at", "picked_at"), ("picked_at", "shipped_at"),
                           ("shipped_at", "delivered_at")):  # fmt: skip
        both = parcels.dropna(subset=[earlier, later])
        assert len(both) and (both[earlier] <= both[later]).all()
    here = parcels[parcels["status"] == "delivered"]
    came = here["delivered_at"].dt.tz_convert(zone).dt.tz_localize(None).dt.normalize()
    late = (came - here["promised_date"]).dt.days.clip(lower=0)
    assert len(here) > 4000
    assert (late == here["late_days"]).all()


def test_carriers_are_on_time_as_published_and_less_so_at_the_peak(year):
    *_, late = overall(0.0)
    np.testing.assert_allclose(1 - late, [0.90, 0.94, 0.97], atol=0.01)  # [R70], ordinary weeks
    parcels = parcels_of(year)
    assert parcels["late_days"].gt(0).mean() == pytest.approx(0.07, abs=0.01)
    peak = parcels["date"].between("2024-11-24", "2024-12-24")
    late_share = parcels["late_days"].gt(0).groupby(peak).mean()
    more = late_share[True] - late_share[False]
    assert 0.02 < more < 0.075  # 3 to 6 points [R70], and two standard errors
    assert parcels["co2_g"].between(60, 230).all()


def test_the_better_carrier_in_every_region_looks_worse_overall():
    late, seen, true = overall(0.30)
    assert (np.diff(late, axis=0) < 0).all()  # dearer is better, region by region
    assert (np.diff(true) < -0.02).all()
    assert (np.diff(seen) > 0.005).all()  # and looks worse


def test_at_dose_zero_the_carriers_look_as_they_are():
    _, seen, true = overall(0.0)
    np.testing.assert_allclose(seen, true, atol=1e-12)


def test_late_shares_are_those_of_the_law(year):
    parcels = parcels_of(year)
    parcels = parcels[(parcels["date"] < "2024-11-01") & (parcels["wait_days"] == 0)]
    told = year.truth["truth_delivery"]
    weight = parcels["region_id"].value_counts(normalize=True)
    for name in NAMES:
        law = told[told["carrier"] == name].set_index("region_id")["late_share"]
        expected = float((law[weight.index] * weight).sum())
        seen = (parcels[f"late_days_{name}"] > 0).mean()
        # shocks of a region's day make neighbours alike, and a few days are crowded
        assert abs(seen - expected) < 4 * np.sqrt(expected * (1 - expected) / len(parcels))


def test_another_carrier_or_promise_changes_the_law_and_not_the_luck(usual):
    mine = usual.truth["truth_parcel"]
    safer = simulate(WORLD, plan=Plan(promise=0.995), **FAST).truth["truth_parcel"]
    both = mine.merge(safer, on="order_id", suffixes=("", "_then"))
    assert len(both) > 0.9 * len(mine)
    assert (both["luck"] == both["luck_then"]).all()
    same = both[both["wait_days"] == both["wait_days_then"]]
    assert (same["late_days_then"] <= same["late_days"]).all()
    assert same["late_days_then"].gt(0).mean() < 0.4 * same["late_days"].gt(0).mean()
    dear = simulate(WORLD, plan=Plan(carriers={"all": {"premium": 1.0}}), **FAST)
    luck = mine.merge(dear.truth["truth_parcel"], on="order_id", suffixes=("", "_then"))
    assert (luck["luck"] == luck["luck_then"]).all()
    assert set(dear.store.table("shipments")["carrier"]) == {"premium"}


def test_a_business_day_less_promised_brings_one_and_a_half_per_cent_more_orders():
    law = WORLD.fulfilment
    # as if a week sooner than before: five business days
    week = with_part("fulfilment", usual_promise_days=law.usual_promise_days + 7)
    size = {"seed": 7, "people": 20_000, "days": 3}
    orders = [simulate(one, **size).truth["truth_day"]["expected_orders"][0]
              for one in (WORLD, week)]  # fmt: skip
    # the first day's state is the same, so that there is no luck in it
    assert orders[1] / orders[0] - 1 == pytest.approx(5 * 0.015, abs=0.006)


def test_parcels_are_picked_first_come_first_served_within_the_depots_capacity():
    slow = with_part("fulfilment", picks_per_1000_people=0.4)
    parcels = parcels_of(simulate(slow, **FAST)).dropna(subset=["picked_at"])
    parcels = parcels.sort_values("ordered_at")
    assert parcels["wait_days"].max() >= 3
    assert (parcels["picked_at"].diff().dt.total_seconds().dropna() >= -1).all()
    day = parcels["picked_at"].dt.tz_convert("America/New_York").dt.date
    assert day.value_counts().max() <= 0.4 * 20 + 1


def test_what_is_not_picked_today_is_the_backlog_of_tomorrow():
    day = Day(build_world(load_scenario("tiny"), Noise(7), people=300, days=5), Noise(7), ())
    day["pick_capacity"], day["backlog"], picked = 4.0, 0.0, 0.0
    for count in (3, 9, 0, 2):
        day["buyers"] = day["order_visit"] = np.arange(count)
        day["payment"], day["order_second"] = np.zeros(count, dtype=int), np.arange(count)[::-1]
        before = day["backlog"]
        pick_parcels(day)
        picked += min(before + count, 4.0)
        assert (np.diff(day["pick_place"]) < 0).all()  # the last to stand here ordered first
    assert picked + day["backlog"] == 14


def small_day() -> Day:
    """A day of a small world with two paid orders of person 5, due on the same day."""
    scenario = WORLD.model_copy(update={"people": 300})
    world = build_world(scenario, Noise(7), people=300, days=30)
    day = begin(world, Noise(7), None)
    day.index = 9
    day["buyers"], day["payment"] = np.empty(0, dtype=int), np.empty(0, dtype=int)
    day["line_order"], day["surprise"] = np.empty(0, dtype=int), np.empty(0)
    day["delight"] = day["delivery_days"] = np.empty(0)
    return day


def test_satisfaction_moves_as_the_equation_says_and_takes_rate_and_stay_along():
    day, law = small_day(), WORLD.satisfaction
    due = np.array([9, 9, 10], dtype=np.int32)
    day["on_the_way"] = (due, np.array([5, 5, 6], dtype=np.int32), np.array([-0.4, 0.1, -0.4]))
    day["feelings"] = [(np.array([5, 7]), np.array([-0.2, -1.0]))]
    day["customer"][5] = True
    feel(day)
    first = 0.7 * 0.4 + 0.3 * (0.4 - 0.4)
    second = 0.7 * first + 0.3 * (0.4 + 0.1) + 0.3 * -0.2
    held = day["satisfaction"]
    np.testing.assert_allclose(held[[5, 6, 7]], [second, 0.4, 0.4 - 0.3], atol=1e-6)
    rate = day.world.people.customer_rate[5] * np.exp(law.rate * (second - 0.4))
    assert day["left"][5] or day["rate"][5] == pytest.approx(rate, rel=1e-5)
    assert len(day["on_the_way"][0]) == 1 and day["feelings"] == []


def test_late_days_spoil_more_than_early_ones_please_and_less_each_day():
    days = np.arange(8.0)
    late, early = (laws.delight_of(WORLD, *pair) for pair in ((days, 0 * days), (0 * days, days)))
    assert (late[1:] < -3 * early[1:]).all()
    assert (np.diff(late) < 0).all() and (np.diff(late, 2) > 0).all()


def test_at_the_usual_level_nobody_leaves_more_or_less_and_orders_stay_as_calibrated():
    chance = np.array([0.05, 0.4, 0.9])
    np.testing.assert_allclose(leaving_chance(WORLD, chance, np.zeros(3)), chance, rtol=1e-12)
    assert (leaving_chance(WORLD, chance, np.full(3, -0.3)) > chance).all()
    world = build_world(WORLD, Noise(7), people=20_000, days=300)
    day = run_days(world, Noise(7), None, 300, flush=lambda _: None)
    moved = day["satisfaction"] != np.float32(0.4)
    assert moved.sum() > 1200  # enough people to speak of
    assert abs(day["satisfaction"][moved].mean() - 0.4) < 0.03  # out-of-stocks and tickets pull


def test_orders_come_as_often_with_satisfaction_as_without(usual):
    without = simulate(with_part("satisfaction"), **FAST)
    counts = [len(one.store.table("orders")) for one in (usual, without)]
    assert abs(counts[0] / counts[1] - 1) < 0.02  # same luck: the few that differ are repeats


def test_late_parcels_cost_repeat_orders_as_expected():
    """In a world that feels strongly, without shelves that run empty, which couple strangers."""
    values = WORLD.model_dump() | {"stock": None, "service": None}
    values["satisfaction"] |= {"rate": 1.5, "leaving": 3.0}
    feeling = Scenario.model_validate(values)
    row = measure_lateness(feeling, late_days=(7,), days=91, people=20_000).iloc[0]
    assert row["orders"] > 500
    assert row["effect"] < -3 * row["se"]
    assert abs(row["effect"] - row["expected_effect"]) < 3 * row["se"]


def test_each_day_late_costs_repeat_orders_and_the_first_days_cost_most():
    found = measure_lateness("tiny", late_days=(2, 4, 12), days=30, people=1000)
    loss = -found["expected_effect"].to_numpy()
    assert (loss > 0).all() and (np.diff(loss) > 0).all()
    assert loss[2] - loss[1] < 4 * (loss[1] - loss[0])  # eight days more, less than four times two


def test_late_parcels_come_back_more_often_for_being_late():
    @mechanism(reads=(), writes=("late_days",))
    def be_late(day: Day) -> None:
        day["late_days"] = np.full(len(day["buyers"]), 4.0)

    at = 1 + [one.name for one in MECHANISMS].index("carry_parcels")
    world, share, reason = build_world(WORLD, Noise(7), people=20_000, days=60), [], []
    for steps in (MECHANISMS, (*MECHANISMS[:at], be_late, *MECHANISMS[at:])):
        logs: list[Log] = []
        run_days(world, Noise(7), None, 60, flush=logs.append, mechanisms=steps)
        back, lines = (sum(len(one.join(n)) for one in logs) for n in ("back_line", "line_sku"))
        told = np.concatenate([one.join("back_reason") for one in logs])
        share.append(back / lines)
        reason.append((told == REASONS.index("arrived late")).mean())
    # exp(4 x 0.35) = 4.06, less where a chance would pass one; the usual share has an error of 8 %
    assert 2.5 < share[1] / share[0] < 4.06 * 1.2
    assert reason[1] > 0.5 > 0.25 > reason[0]


def test_the_lot_of_an_experiment_gives_every_carrier_the_same_chance():
    run = simulate(WORLD, plan=Plan(experiments=(TESTS,)), **FAST)
    arms = run.store.table("assignments")
    parcels = run.store.table("shipments").merge(arms, left_on="order_id", right_on="unit_id")
    drawn = parcels.loc[parcels["arm"] == "random", "carrier"].value_counts()
    share = drawn / drawn.sum()
    assert drawn.sum() > 300
    assert (abs(share - 1 / 3) < 4 * np.sqrt(2 / 9 / drawn.sum())).all()
    assert abs((arms["arm"] == "random").mean() - 0.5) < 2 / np.sqrt(len(arms))
    assert parcels.groupby("arm")["carrier"].value_counts(normalize=True)["usual", "economy"] > 0.4


def test_without_carriers_every_parcel_is_in_time_at_the_flat_cost():
    run = simulate(with_part("fulfilment"), **FAST)
    orders = run.store.table("orders")
    assert "shipments" not in run.store.tables and "truth_delivery" not in run.truth
    assert ((orders["promised_date"] - orders["date"]).dt.days == 5).all()
    books = run.store.table("costs_daily")["fulfilment"].sum()
    assert books > WORLD.costs.per_parcel * (orders["payment_status"] == "paid").sum()


@pytest.mark.parametrize(
    ("lever", "words"),
    [
        ({"carriers": {"MTN": {"premum": 1.0}}}, "premium"),
        ({"carriers": {"MNT": {"premium": 1.0}}}, "MTN"),
        ({"carriers": {"all": {"premium": 0.5}}}, "add up to 0.5"),
        ({"promise": 0.2}, "promise"),
    ],
)
def test_a_plan_with_a_wrong_mix_is_refused(lever, words):
    with pytest.raises(PlanError, match=words):
        Plan.from_dict(lever).check(WORLD, days=100)
