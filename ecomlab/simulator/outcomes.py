"""What came of a run in a window: profit, sales, awareness, loyalty, service and parcels.

One function an outcome, from a run and a span of days to a number; tables and truth in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from ecomlab.simulator.damage import daily_books
from ecomlab.simulator.run import SimulatedRun
from ecomlab.simulator.scenario import nearest

__all__ = ["OUTCOMES", "Outcome", "Span", "read_outcome"]

_SETTLED_DAYS = 21  # after an order, by which all but a few parcels have come


@dataclass(frozen=True)
class Span:
    """First and last day of a window."""

    first: pd.Timestamp
    last: pd.Timestamp

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of the window, by the column ``date``."""
        return table[table["date"].between(self.first, self.last)]

    @property
    def between(self) -> str:
        """The window as a condition in SQL."""
        return f"between '{self.first.date()}' and '{self.last.date()}'"


@dataclass(frozen=True)
class Outcome:
    """An outcome: how it is read, in what unit, and whether names may narrow it."""

    read: Callable[[SimulatedRun, Span, str], float]
    unit: str
    of: str = ""


def read_outcome(run: SimulatedRun, name: str, span: Span) -> float:
    """Return an outcome of a run.

    Parameters
    ----------
    run
        A run that covers the window.
    name
        A name in ``OUTCOMES``; of some, narrowed: ``units:toys``, ``orders:WCA``.
    span
        The window.

    Raises
    ------
    ValueError
        Where there is no such outcome (the nearest is named), or nothing to narrow it by.

    Examples
    --------
    >>> from ecomlab.simulator import simulate
    >>> days = Span(pd.Timestamp("2024-01-01"), pd.Timestamp("2024-01-20"))
    >>> read_outcome(simulate("tiny", people=200, days=20), "orders", days) > 0
    True
    """
    kind, _, of = name.partition(":")
    if kind not in OUTCOMES:
        raise ValueError(f"There is no outcome {name!r}.{nearest(kind, tuple(OUTCOMES))} "
                         f"Outcomes: {', '.join(OUTCOMES)}.")  # fmt: skip
    if of and not OUTCOMES[kind].of:
        raise ValueError(f"{name}: {kind} is of the whole shop. Leave {':' + of!r} out.")
    return float(OUTCOMES[kind].read(run, span, of))


def _one(run: SimulatedRun, sql: str) -> float:
    value = run.store.query(sql).iloc[0, 0]
    return float("nan") if pd.isna(value) else float(value)


def _profit(run: SimulatedRun, span: Span, _: str) -> float:
    return float(daily_books(run.store)["profit"].loc[span.first : span.last].sum())


def _orders(run: SimulatedRun, span: Span, of: str) -> float:
    return _one(run, f"select count(*) from orders where {_paid(span, of)}")


def _amount(run: SimulatedRun, span: Span, of: str) -> float:
    regions = set(run.store.query("select region_id from regions")["region_id"])
    if not of or of in regions:
        return _one(run, f"select coalesce(sum(amount), 0) from orders where {_paid(span, of)}")
    return _lines(run, span, of, "l.amount")


def _paid(span: Span, region: str) -> str:
    here = f" and region_id = '{region}'" if region else ""
    return f"payment_status = 'paid' and date {span.between}{here}"


def _units(run: SimulatedRun, span: Span, of: str) -> float:
    return _lines(run, span, of, "l.units")


def _lines(run: SimulatedRun, span: Span, of: str, what: str) -> float:
    return _one(
        run,
        f"""
        select coalesce(sum({what}), 0) from order_lines l join orders o using (order_id)
        join products p using (sku) where o.payment_status = 'paid' and o.date {span.between}
        and '{of}' in ('', p.sku, p.category_id)""",
    )


def _lost_units(run: SimulatedRun, span: Span, of: str) -> float:
    rows = span.of(run.truth["truth_demand"])
    kinds = run.store.query("select sku, category_id from products").set_index("sku")["category_id"]
    mine = rows["sku"].eq(of) | rows["sku"].map(kinds).eq(of) if of else rows["sku"].notna()
    return float(rows.loc[mine, "lost_units"].sum())


def _aware_share(run: SimulatedRun, span: Span, of: str) -> float:
    people = run.truth["truth_region"].set_index("region_id")["people"]
    if not of:
        people = people[~run.truth["truth_region"].set_index("region_id")["is_new"]]
    told = run.truth["truth_region_day"]
    told = told[told["date"] == span.last].set_index("region_id")
    share = told["aware_share"].reindex([of] if of else people.index)
    return float((share * people.reindex(share.index)).sum() / people.reindex(share.index).sum())


def _repeat_share(run: SimulatedRun, span: Span, _: str) -> float:
    """Of customers who ordered in the first half of the window, who did so again in the second."""
    middle = span.first + (span.last - span.first) / 2
    return _one(
        run,
        f"""
        select avg(again::int) from (
            select customer_id, bool_or(date > '{middle.date()}') as again from orders
            where payment_status = 'paid' and customer_id is not null and date {span.between}
            group by customer_id having min(date) <= '{middle.date()}')""",
    )


def _repeat_after_contact(run: SimulatedRun, span: Span, _: str) -> float:
    """Of contacts about orders in the first half, whose customer orders again by the end."""
    middle = span.first + (span.last - span.first) / 2
    return _one(
        run,
        f"""
        select avg((exists (select 1 from orders o where o.customer_id = t.customer_id
               and o.payment_status = 'paid' and o.ordered_at > t.created_at
               and o.date {span.between}))::int)
        from tickets t where t.date between '{span.first.date()}' and '{middle.date()}'
        and t.order_id is not null and t.customer_id is not null""",
    )


def _stars(run: SimulatedRun, span: Span, _: str) -> float:
    rows = span.of(run.truth["truth_reviews"])
    return float((rows["stars"] * rows["lines"]).sum() / rows["lines"].sum())


def _of_contacts(column: str) -> Callable[[SimulatedRun, Span, str], float]:
    def read(run: SimulatedRun, span: Span, _: str) -> float:
        return float(span.of(run.truth["truth_service"])[column].mean())

    return read


def _of_parcels(value: str) -> Callable[[SimulatedRun, Span, str], float]:
    def read(run: SimulatedRun, span: Span, _: str) -> float:
        settled = span.last - pd.Timedelta(days=_SETTLED_DAYS)
        return _one(
            run,
            f"""
            select avg({value}) from shipments s join orders o using (order_id)
            where o.date between '{span.first.date()}' and '{settled.date()}'""",
        )

    return read


OUTCOMES: dict[str, Outcome] = {
    "profit": Outcome(_profit, "currency"),
    "orders": Outcome(_orders, "paid orders", of="region"),
    "amount": Outcome(_amount, "currency", of="region, product or category"),
    "units": Outcome(_units, "units", of="product or category"),
    "lost_units": Outcome(_lost_units, "units", of="product or category"),
    "aware_share": Outcome(_aware_share, "share of people on the last day", of="region"),
    "repeat_share": Outcome(_repeat_share, "share of customers"),
    "repeat_after_contact": Outcome(_repeat_after_contact, "share of contacts about orders"),
    "stars": Outcome(_stars, "stars, had every buyer written"),
    "answer_minutes": Outcome(_of_contacts("wait_minutes"), "minutes a contact"),
    "unanswered_share": Outcome(_of_contacts("is_abandoned"), "share of contacts"),
    "score": Outcome(_of_contacts("expected_score"), "score, 1 to 5, had every contact given one"),
    "delivery_days": Outcome(
        _of_parcels("(epoch(delivered_at) - epoch(ordered_at)) / 86400"), "days a parcel"
    ),
    "late_share": Outcome(
        _of_parcels("(delivered_at::date > promised_date)::int"), "share of parcels"
    ),
    "parcel_cost": Outcome(_of_parcels("s.cost"), "currency a parcel"),
}
