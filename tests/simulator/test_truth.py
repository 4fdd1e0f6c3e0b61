from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from ecomlab.simulator import SimulatedRun, score, simulate
from ecomlab.simulator.mechanisms.expectation import (
    last_route_change,
    shapley_route_share,
    sole_route_chance,
)


@pytest.fixture(scope="module")
def told() -> SimulatedRun:
    """A western store of half a year."""
    return simulate("west_d2c", seed=11, people=20_000, days=182)


@pytest.fixture(scope="module")
def per_order(told) -> pd.DataFrame:
    """The truth of each order beside the order."""
    return told.truth["truth_order"].merge(told.store.table("orders"), on="order_id", how="outer")


def routes(told: SimulatedRun) -> list[str]:
    return list(told.truth["truth_route_day"]["route"].unique())


def enumerated(chance: np.ndarray, worth) -> np.ndarray:
    """Weigh what each set of routes is worth by its chance, given that some route fired."""
    total = 0.0
    for fired in product((False, True), repeat=len(chance)):
        if any(fired):
            at = np.array(fired)
            total = total + np.prod(np.where(at, chance, 1 - chance)) * worth(at)
    return total / (1 - np.prod(1 - chance))


@pytest.fixture
def chances() -> np.ndarray:
    """Chances of nine routes for 30 visits, some of them 0 and some high."""
    drawn = np.random.default_rng(5).uniform(0, 0.9, (9, 30))
    return np.where(drawn < 0.25, 0, drawn)


def test_a_route_is_alone_as_often_as_all_sets_of_routes_say(chances):
    alone = np.stack([enumerated(one, lambda at: at * (at.sum() == 1)) for one in chances.T], 1)
    np.testing.assert_allclose(sole_route_chance(chances), alone, atol=1e-12)


def test_shapley_shares_are_those_of_all_sets_of_routes(chances):
    fair = np.stack([enumerated(one, lambda at: at / at.sum()) for one in chances.T], 1)
    np.testing.assert_allclose(shapley_route_share(chances), fair, atol=1e-12)
    np.testing.assert_allclose(shapley_route_share(chances).sum(axis=0), 1, atol=1e-12)


def test_a_route_comes_last_less_often_as_all_sets_of_routes_say(chances):
    """The route in row 2 is last with chance 1/k of k; each other route off makes it oftener so."""

    def change(at):
        full = at[2] / at.sum()
        without = [0.0 if off == 2 else at[2] / max(at.sum() - at[off], 1)
                   for off in range(len(at))]  # fmt: skip
        return full - np.array(without)

    lost = np.stack([enumerated(one, change) for one in chances.T], 1)
    np.testing.assert_allclose(last_route_change(chances, 2), lost, atol=1e-12)


def test_the_truth_counts_what_the_store_shows(told):
    day = told.truth["truth_day"].set_index("date")
    orders = told.store.table("orders").query("payment_status == 'paid'")
    by_day = orders.groupby("date")["amount"].agg(["size", "sum"]).reindex(day.index, fill_value=0)
    assert (by_day["size"] == day["orders"]).all()
    np.testing.assert_allclose(by_day["sum"], day["amount"], atol=1e-6)
    visits = told.store.table("sessions").groupby("date").size().reindex(day.index, fill_value=0)
    assert (visits == day["sessions"]).all()
    spend = told.store.table("ad_daily").groupby("date")["spend"].sum()
    by_route = told.truth["truth_route_day"].groupby("date")["spend"].sum()
    np.testing.assert_allclose(spend.reindex(by_route.index, fill_value=0), by_route, atol=1e-6)


def test_realised_sums_agree_with_expected_ones(told):
    total = told.truth["truth_day"].drop(columns="date").sum()
    # Four standard deviations of a count; amounts of orders vary by about their mean, so that
    # their sum varies by sqrt(1 + 1) times as much.
    for counted, factor in (("orders", 1.0), ("amount", 1.5)):
        allowed = 4 * factor / np.sqrt(total["orders"])
        assert abs(total[counted] / total[f"expected_{counted}"] - 1) < allowed


def test_realised_days_scatter_around_expected_ones_like_counts(told):
    day = told.truth["truth_day"]
    z = (day["orders"] - day["expected_orders"]) / np.sqrt(day["expected_orders"])
    assert 0.75 < z.std() < 1.25  # 182 days: the sd of an sd is 5 %
    assert abs(z.autocorr()) < 0.25


def test_contributions_add_up_to_less_than_the_total_and_not_to_little(told):
    of = ("orders", "amount", "margin")
    parts = told.truth["truth_route_day"].groupby("date")[[f"incremental_{n}" for n in of]].sum()
    whole = told.truth["truth_day"].set_index("date")[[f"expected_{n}" for n in of]]
    assert (parts.to_numpy() <= whole.to_numpy() + 0.02).all()  # rounded to cents
    assert (parts.sum().to_numpy() > 0.5 * whole.sum().to_numpy()).all()


def test_the_truth_of_orders_joins_the_orders_one_to_one(told, per_order):
    assert told.truth["truth_order"]["order_id"].is_unique
    assert len(per_order) == len(told.store.table("orders"))
    assert per_order[["fired", "date"]].notna().all(axis=None)


def test_the_only_route_is_the_one_that_fired_alone(told, per_order):
    several = per_order["fired"].str.contains("+", regex=False)
    only = per_order["only_route"]
    assert (only.isna() == several).all() and several.any() and not several.all()
    assert (only[~several] == per_order["fired"][~several]).all()
    channel = told.truth["truth_route_day"].drop_duplicates("route").set_index("route")["channel"]
    visits = told.store.table("sessions").set_index("session_id")["channel"]
    seen = per_order["session_id"].map(visits).astype(str)
    assert (only[~several].map(channel).astype(str) == seen[~several]).all()


def test_routes_alone_are_counted_as_often_as_expected(told, per_order):
    for name in routes(told):
        chance = per_order[f"alone_{name}"]
        counted = (per_order["only_route"] == name).sum()
        # four standard deviations of independent draws, and one order for rounding of chances
        assert abs(counted - chance.sum()) < 4 * np.sqrt((chance * (1 - chance)).sum()) + 1


def test_shares_of_an_order_are_fair_and_add_up(told, per_order):
    alone = per_order[[f"alone_{name}" for name in routes(told)]].to_numpy()
    fair = per_order[[f"shapley_{name}" for name in routes(told)]].to_numpy()
    np.testing.assert_allclose(fair.sum(axis=1), 1, atol=1e-3)  # rounded to four places
    assert (alone <= fair + 2e-4).all()
    assert (alone.sum(axis=1) <= 1 + 1e-3).all()


def test_elasticities_are_told_of_all_that_was_on_sale_and_of_nothing_else(told):
    elastic = told.truth["truth_elasticity"]
    assert (elastic["expected_units"] > 0).all()
    assert (elastic["own_price_elasticity"] < -0.5).all()
    quarter = elastic["from"] + pd.Timedelta(days=91)
    launch = told.truth["truth_sku"].set_index("sku")["launch_date"]
    assert (elastic["sku"].map(launch) < quarter).all()
    assert len(elastic) > 1.5 * told.store.table("products").shape[0]  # two quarters


def test_truth_of_people_and_products_covers_all_that_the_store_names(told):
    known = set(told.truth["truth_person"]["customer_id"].dropna())
    assert set(told.store.table("customers")["customer_id"]) <= known
    assert set(told.store.table("products")["sku"]) <= set(told.truth["truth_sku"]["sku"])
    parameters = told.truth["truth_params"].set_index("parameter")["value"]
    assert parameters["shoppers.price_sensitivity"] == "2.75"


def test_platforms_claim_more_orders_than_their_routes_bring(told):
    claimed = told.store.table("ad_daily").groupby("channel")["reported_orders"].sum()
    brought = told.truth["truth_route_day"].groupby("channel")["incremental_orders"].sum()
    assert (claimed > brought.reindex(claimed.index)).all()


def listed(heading: str) -> set[str]:
    """Return the names in the first column of the first table below a heading of the page."""
    page = (Path(__file__).parents[2] / "docs" / "truth.md").read_text(encoding="utf-8")
    rows = page.split(f"## {heading}\n")[1].split("\n|---")[1].split("\n\n")[0].splitlines()[1:]
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_page_lists_the_tables_of_the_truth_and_the_families_of_the_score(told):
    assert listed("Tables") == set(told.truth)
    with pytest.raises(ValueError, match="Families") as refusal:
        score(1, "?", of=told)
    families = re.findall(r"(\w+)(?::[\w|]+)?(?:, |\.$)", str(refusal.value).split("Families: ")[1])
    assert listed("How answers are scored") == set(families)
