"""Entering a region and taking products off: what changes, what stays, what it costs."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from ecomlab.simulator import Plan, PlanError, Research, Scenario, advance, load_scenario, simulate
from ecomlab.simulator.goods import SHELF, draw_products
from ecomlab.simulator.noise import Noise
from ecomlab.simulator.people import draw_people, eco_means
from ecomlab.simulator.run import SimulatedRun

PEOPLE, DAYS, OPENS = 4000, 120, date(2024, 1, 31)
NEW = "WCA"


def enter(range_: str = "all", launch: float = 0.0, start: date = OPENS) -> Plan:
    return Plan(start=start, regions={NEW: {"range": range_, "launch_budget": launch}})


def lonely(name: str = "west_d2c", **changed: object) -> Scenario:
    """Return a world in which customers share no shelf, depot or queue, with a large new region."""
    values = load_scenario(name).model_dump()
    for code, region in values["regions"].items():
        region["share"] = 0.3 if code == NEW else region["share"] * 0.7 / 0.94
    parts = dict.fromkeys(("stock", "fulfilment", "satisfaction", "service"))
    return Scenario.model_validate(values | parts | changed)


@pytest.fixture(scope="module")
def closed() -> SimulatedRun:
    return simulate(lonely(), 7, None, PEOPLE, DAYS)


@pytest.fixture(scope="module")
def entered() -> dict[str, SimulatedRun]:
    return {
        range_: simulate(lonely(), 7, enter(range_, launch=300), PEOPLE, DAYS)
        for range_ in ("all", "eco", "ordinary")
    }


def of(run: SimulatedRun, table: str) -> pd.DataFrame:
    frame = run.store.table(table)
    return frame.assign(date=pd.to_datetime(frame["date"]).dt.date) if "date" in frame else frame


def test_nobody_can_buy_where_the_shop_has_not_opened(closed):
    assert closed.store.query(f"select * from regions where region_id = '{NEW}'")[
        "is_new"
    ].tolist() == [True]
    for table in ("sessions", "orders", "customers", "ad_daily"):
        assert NEW not in set(closed.store.table(table)["region_id"]), table
    aware = closed.truth["truth_region_day"].query("region_id == @NEW")["aware_share"]
    assert (aware == load_scenario("west_d2c").entry.aware_share).all()
    assert (closed.store.table("costs_daily")["entry"] == 0).all()
    booked = closed.store.table("costs_daily").set_index("date")["marketing"]
    told = closed.store.table("ad_daily").groupby("date")["spend"].sum()
    np.testing.assert_allclose(booked, told.reindex(booked.index), atol=0.006)


def test_nobody_there_was_a_customer_before():
    people = draw_people(lonely(), Noise(7), 2000)
    there = people.region == list(lonely().regions).index(NEW)
    assert 400 < there.sum() < 800
    assert (people.since[there] == 1).all() and not people.orders_before[there].any()
    assert (people.since[~there] <= 0).any()


def test_an_entry_changes_nothing_elsewhere(closed, entered):
    was = of(closed, "orders").sort_values("order_id").reset_index(drop=True)
    lines = closed.store.table("order_lines").set_index(["order_id", "line"]).sort_index()
    for run in entered.values():
        now = of(run, "orders").query("region_id != @NEW").sort_values("order_id")
        pd.testing.assert_frame_equal(was, now.reset_index(drop=True))
        bought = run.store.table("order_lines").set_index(["order_id", "line"]).sort_index()
        pd.testing.assert_frame_equal(lines, bought.loc[lines.index])
        visits = [set(one.store.query(f"select session_id from sessions where region_id <> '{NEW}'")
                      ["session_id"]) for one in (closed, run)]  # fmt: skip
        assert visits[0] == visits[1]
        spend = [one.store.query(f"select date, channel, campaign, region_id, spend from ad_daily "
                                 f"where region_id <> '{NEW}' order by all")
                 for one in (closed, run)]  # fmt: skip
        pd.testing.assert_frame_equal(*spend)


def test_people_come_from_the_first_day_of_the_plan_on(entered):
    run = entered["all"]
    for table in ("sessions", "orders"):
        mine = of(run, table).query("region_id == @NEW")
        assert len(mine) > 3, table
        assert mine["date"].min() >= OPENS, table
    about = run.store.query(f"select * from regions where region_id = '{NEW}'").iloc[0]
    assert pd.Timestamp(about["launch_date"]).date() == OPENS
    told = run.truth["truth_region"].set_index("region_id").loc[NEW]
    assert pd.Timestamp(told["entered"]).date() == OPENS and told["eco_taste"] == 0.55


def test_media_money_flows_there_as_it_does_everywhere(entered):
    people = np.bincount(draw_people(lonely(), Noise(7), PEOPLE).region)
    ads = of(entered["all"], "ad_daily").query("date >= @OPENS and channel == 'social'")
    spend = ads.groupby("region_id")["spend"].sum().reindex(list(lonely().regions)) / people
    assert 0.85 < spend[NEW] / spend.drop(NEW).mean() < 1.15
    store = entered["all"].store
    posts = store.query("select sum(spend) as s from ad_daily where channel = 'creators'")["s"]
    assert store.table("creator_posts")["fee"].sum() == pytest.approx(posts.iloc[0], rel=1e-3)


def test_a_range_is_what_its_shelf_holds(entered):
    goods = entered["all"].store.table("products").set_index("sku")["is_eco"]

    def eco_share(range_: str) -> float:
        run = entered[range_]
        orders = run.store.query(f"select order_id from orders where region_id = '{NEW}'")
        sold = run.store.table("order_lines").merge(orders, on="order_id")
        assert len(sold) > 20
        return float(goods.loc[sold["sku"]].mean())

    assert eco_share("ordinary") == 0
    assert eco_share("eco") > eco_share("all") + 0.1


def test_ecological_products_have_the_places_that_the_range_gives_them():
    scenario = load_scenario("west_d2c")
    goods = draw_products(scenario, Noise(7))
    assert goods.shelf.shape == (3, len(scenario.categories), SHELF)
    share = goods.is_eco[goods.shelf].mean(axis=2)
    assert share[1] == pytest.approx(scenario.entry.eco_places, abs=0.001)
    assert not share[2].any() and (share[0] > 0).all()
    assert not goods.is_offered[2, goods.is_eco].any() and goods.is_offered[:2].all()


def test_a_category_without_ecological_products_keeps_its_shelf():
    goods = draw_products(load_scenario("tiny"), Noise(7))
    for kind in range(len(goods.shelf[0])):
        if not goods.is_eco[goods.category == kind].any():
            np.testing.assert_array_equal(goods.shelf[0, kind], goods.shelf[1, kind])
            break
    else:
        pytest.fail("every category has ecological products: take another seed")


def test_a_later_plan_changes_the_range_and_not_the_opening():
    plan = enter("ordinary", launch=100)
    later = Plan(start=date(2024, 2, 20), regions={NEW: {"range": "eco"}}).after(plan)
    run = simulate(lonely(), 7, later, PEOPLE, DAYS)
    sold = of(run, "orders").query("region_id == @NEW").merge(
        run.store.table("order_lines"), on="order_id")  # fmt: skip
    eco = run.store.table("products").set_index("sku")["is_eco"]
    before = sold["date"] < date(2024, 2, 20)
    assert before.any() and not eco.loc[sold.loc[before, "sku"]].any()
    assert eco.loc[sold.loc[~before, "sku"]].any()
    log = run.store.table("plan_log").query(f"decision == 'region.{NEW}'")
    assert log["new"].tolist() == ["closed", "ordinary", "eco"]
    told = run.truth["truth_region"].set_index("region_id").loc[NEW]
    assert pd.Timestamp(told["entered"]).date() == OPENS


def test_a_launch_makes_the_shop_known_and_more_money_does_ever_less(entered):
    law, known = load_scenario("west_d2c").entry, {}
    for launch in (0, 300, 600):
        run = simulate(lonely(), 7, enter(launch=launch), 500, 60)
        days = run.truth["truth_region_day"].query("region_id == @NEW")
        known[launch] = float(days["aware_share"].iloc[-1])
    assert known[0] < known[300] < known[600]
    assert known[600] - known[300] < known[300] - known[0]
    spent = entered["all"].store.table("costs_daily").set_index("date")["entry"]
    people = np.bincount(draw_people(lonely(), Noise(7), PEOPLE).region)
    thousands = people[list(lonely().regions).index(NEW)] / 1000
    first = spent.index.get_loc(pd.Timestamp(OPENS))
    assert (spent.iloc[:first] == 0).all()
    a_day = law.cost_per_1000_people
    assert spent.iloc[first] == pytest.approx((a_day + 300 / 28) * thousands, abs=0.006)
    assert spent.iloc[first + 27] == spent.iloc[first]
    assert spent.iloc[first + 28] == pytest.approx(a_day * thousands, abs=0.006)
    more = entered["eco"].store.table("costs_daily").set_index("date")["entry"] - spent
    assert more.iloc[-1] == pytest.approx(law.eco_cost_per_1000_people * thousands, abs=0.011)


def test_a_store_lives_on_in_the_region_it_entered():
    short = simulate(lonely(), 7, enter(launch=50), 400, 40)
    whole = simulate(lonely(), 7, enter(launch=50), 400, 60)
    longer = advance(short, days=20)
    for name in ("orders", "sessions", "regions", "ad_daily", "costs_daily"):
        assert longer.store.arrow(name).equals(whole.store.arrow(name)), name


@pytest.mark.parametrize(
    "regions, words",
    [
        ({"WCB": {}}, "regions.WCB: not one of the new regions. Did you mean 'WCA'"),
        ({"NEW": {}}, "regions.NEW: the shop sells there already; leave it out. .*: WCA"),
    ],
)
def test_a_region_that_cannot_be_entered_is_refused(regions, words):
    with pytest.raises(PlanError, match=words):
        simulate("tiny", people=10, days=5, plan=Plan(regions=regions))


@pytest.mark.parametrize(
    "entry, words",
    [
        ({"range": "green"}, r"regions\.WCA\.range: .*'eco'"),
        ({"launch_budget": -1}, r"regions\.WCA\.launch_budget: .*greater than or equal to 0"),
        ({"launch": 5}, r"regions\.WCA\.launch: "),
    ],
)
def test_an_entry_that_cannot_be_is_refused_by_lever(entry, words):
    with pytest.raises(PlanError, match=words):
        Plan.from_dict({"regions": {NEW: entry}})


def test_a_launch_comes_once():
    plan = Plan(start=date(2024, 2, 20), regions={NEW: {"launch_budget": 5}}).after(enter())
    with pytest.raises(PlanError, match=r"regions\.WCA\.launch_budget: an earlier plan opened"):
        simulate("tiny", people=10, days=60, plan=plan)


def test_a_shop_sells_somewhere_from_the_beginning():
    values = load_scenario("tiny").model_dump()
    for region in values["regions"].values():
        region["is_new"] = True
    with pytest.raises(ValueError, match="must not be new"):
        Scenario.model_validate(values)


def test_people_of_a_new_region_can_be_asked_before_it_is_entered():
    panel = [Research(kind=kind, day=date(2024, 1, 10), respondents=150, panel="random")
             for kind in ("survey", "conjoint", "interviews")]  # fmt: skip
    run = simulate(lonely(), 7, Plan(research=panel), PEOPLE, 20)
    margin = run.store.table("population_margins").query("level == @NEW")["share"].iloc[0]
    assert margin == pytest.approx(0.3, abs=0.03)
    for table in ("survey_answers", "choice_answers", "interviews"):
        asked = run.store.query(
            f"select avg((region_id = '{NEW}')::int) as here from {table} "
            f"where research_id like '%-random-20240110'"
        )["here"].iloc[0]
        assert 0.2 < asked < 0.4, table
    said = run.store.table("survey_answers")
    here = said["region_id"] == NEW
    assert said.loc[here, "eco_premium_share"].mean() > said.loc[~here, "eco_premium_share"].mean()
    assert said.loc[here, "is_known_aided"].mean() < said.loc[~here, "is_known_aided"].mean() / 2


def test_a_new_region_is_no_part_of_the_trap_of_regions():
    scenario = load_scenario("west_d2c")
    usual, none = eco_means(scenario), eco_means(scenario.with_traps({"region": 0.0}))
    old = np.array([not region.is_new for region in scenario.regions.values()])
    assert np.ptp(none[old]) == pytest.approx(0) and np.ptp(usual[old]) > 0.3
    assert none[~old] == usual[~old] == [0.55]
    share = np.array([region.share for region in scenario.regions.values()])
    assert none[old][0] == pytest.approx(np.average(usual[old], weights=share[old]))


def test_experiments_by_region_leave_new_regions_out():
    tests = [
        {"id": "dark", "kind": "geo", "what": "social", "start": "2024-02-05", "days": 14},
        {"id": "photos", "kind": "launch", "what": "photo_reviews", "start": "2024-02-05",
         "days": 20},
    ]  # fmt: skip
    plan = Plan.from_dict({"experiments": tests, **enter(launch=300).to_dict()})
    run = simulate(lonely(), 7, plan, 1500, 60)
    units = run.store.table("assignments")["unit_id"]
    assert len(units) > 9 and not units.str.startswith(NEW).any()
    ads = of(run, "ad_daily").query("region_id == @NEW and channel == 'social'")
    assert (ads["spend"] > 0).all() and len(ads) == 30
    labels = run.store.query(f"select distinct experiment_arms from sessions "
                             f"where region_id = '{NEW}'")["experiment_arms"]  # fmt: skip
    assert not labels.dropna().str.contains("photos").any()


GONE = "AP-001"


@pytest.fixture(scope="module")
def delisted() -> SimulatedRun:
    back = Plan(start=date(2024, 3, 1), delist=[])
    plan = back.after(Plan(start=OPENS, delist=[GONE, "SH-001"]))
    return simulate("tiny", 7, plan, 2500, 110)


def test_a_delisted_product_is_not_on_sale_until_a_later_list_leaves_it_out(delisted):
    on = of(delisted, "prices").query("sku == @GONE")["date"]
    assert set(on) == {
        day.date() for day in pd.date_range("2024-01-01", periods=110)
        if not OPENS <= day.date() < date(2024, 3, 1)
    }  # fmt: skip
    sold = of(delisted, "orders").merge(delisted.store.table("order_lines"), on="order_id")
    sold = sold.query("sku == @GONE")["date"]
    assert (sold < OPENS).any() and not ((sold >= OPENS) & (sold < date(2024, 3, 1))).any()
    log = delisted.store.table("plan_log").query(f"decision == 'listing.{GONE}'")
    assert log[["old", "new"]].to_numpy().tolist() == [["on", "off"], ["off", "on"]]


def test_a_delisted_product_leaves_its_place_empty_and_moves_no_other():
    scenario = load_scenario("tiny").model_copy(
        update=dict.fromkeys(("stock", "service", "fulfilment", "satisfaction"))
    )
    last = date(2024, 1, 8)
    was = simulate(scenario, 7, None, 40_000, 8)
    sold = of(was, "orders").merge(was.store.table("order_lines"), on="order_id")
    gone = sold.loc[sold["date"] == last, "sku"].mode().iloc[0]
    now = simulate(scenario, 7, Plan(start=last, delist=[gone]), 40_000, 8)
    lines = [one.store.table("order_lines") for one in (was, now)]
    held = [set(zip(one["order_id"], one["sku"], strict=True)) for one in lines]
    lost, new = held[0] - held[1], held[1] - held[0]
    assert any(sku == gone for _, sku in lost)
    assert gone not in {sku for _, sku in new}
    buyers = {order for order, sku in held[0] if sku == gone}
    assert {order for order, _ in lost | new} <= buyers


def test_stock_of_a_delisted_product_is_sold_off_and_none_is_ordered(delisted):
    rows = of(delisted, "inventory_daily").query("sku == @GONE").set_index("date").sort_index()
    opening = rows["on_hand_units"].shift(fill_value=0)
    moved = (rows["received_units"] + rows["restocked_units"] - rows["sold_units"]
             - rows["written_off_units"])  # fmt: skip
    # over the days off sale there is nothing, so that days without a row change nothing
    np.testing.assert_array_equal((opening + moved)[1:], rows["on_hand_units"][1:])
    away = rows.loc[OPENS : date(2024, 2, 29)]
    assert (away["on_hand_units"] == 0).all()
    assert away["written_off_units"].iloc[0] == rows.loc[date(2024, 1, 30), "on_hand_units"] > 0
    orders = delisted.store.table("purchase_orders").query("sku == @GONE")
    placed = pd.to_datetime(orders["placed_date"]).dt.date
    assert (placed >= date(2024, 3, 1)).any(), "ordered again when it is back"
    assert not ((placed >= OPENS) & (placed < date(2024, 3, 1))).any()


def test_selling_off_costs_what_it_does_not_recover(delisted):
    usual = simulate("tiny", 7, None, 2500, 32)
    day = pd.Timestamp(OPENS)
    cost = [one.store.table("costs_daily").set_index("date").loc[day, "holding"]
            for one in (usual, delisted)]  # fmt: skip
    rows = of(delisted, "inventory_daily").query("date == @OPENS and sku in [@GONE, 'SH-001']")
    goods = delisted.store.table("products").set_index("sku")["unit_cost"]
    worth = float((rows["written_off_units"] * goods.loc[rows["sku"]].to_numpy()).sum())
    lost = 1 - load_scenario("tiny").costs.resale_share
    assert worth > 100
    assert cost[1] - cost[0] == pytest.approx(lost * worth, rel=0.1)


def test_an_unknown_product_is_named_with_the_nearest():
    with pytest.raises(PlanError, match=r"delist\.AP-01: .*Did you mean 'AP-001'.*AP-001 to AP-"):
        simulate("tiny", people=10, days=5, plan=Plan(delist=["AP-01"]))


def test_an_empty_list_survives_yaml(tmp_path):
    plan = Plan(start=date(2024, 3, 1), delist=[], regions={NEW: {"range": "eco"}})
    file = tmp_path / "plan.yaml"
    file.write_text(plan.to_yaml(), encoding="utf-8")
    assert Plan.from_yaml(file) == plan and Plan.from_yaml(file).delist == ()
    assert Plan().delist is None and "delist" not in Plan().to_dict()
