"""Field work: the tables that market research ordered by plan or scenario brings in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ecomlab import schema
from ecomlab.simulator.parameters import AGES, DEVICES
from ecomlab.simulator.research.conjoint import ALTERNATIVES, choice_answers
from ecomlab.simulator.research.interviews import CODERS, interview_codes, transcripts
from ecomlab.simulator.research.orders import Sample, draw_samples, list_orders
from ecomlab.simulator.research.pricing import price_answers
from ecomlab.simulator.research.survey import survey_answers
from ecomlab.simulator.research.words import QUESTIONS
from ecomlab.simulator.tables import arrow

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = ["field_research", "respondent_ids"]

_RESPONDENT = 40  # bits of a respondent's code: another scramble than a customer's

Answering = Callable[["Recorder", Sample], dict[str, Any]]


def field_research(recorder: Recorder) -> dict[str, pa.Table]:
    """Return the tables of all field work that fell into the period.

    A table without an order is left out; ``population_margins``, which anybody can look up,
    is always there.
    """
    scenario = recorder.world.scenario
    tasks = scenario.panel.tasks * (ALTERNATIVES + 1)
    wanted: Mapping[str, tuple[str, int, Answering]] = {
        "survey_answers": ("survey", 1, survey_answers),
        "choice_answers": ("conjoint", tasks, choice_answers),
        "price_answers": ("price_answers", len(scenario.categories), price_answers),
        "interviews": ("interviews", len(QUESTIONS), transcripts),
        "interview_codes": ("interviews", len(QUESTIONS) * len(CODERS), interview_codes),
    }
    out = {"population_margins": _margins(recorder)}
    orders = list_orders(scenario, recorder.plan, recorder.days)
    if orders:
        out["research_orders"] = _orders(recorder)
    for table, (kind, rows, answer) in wanted.items():
        pieces = [
            _table(table, {**_whom(recorder, sample, rows), **answer(recorder, sample)})
            for sample in draw_samples(recorder, kind)
        ]
        if pieces:
            out[table] = pa.concat_tables(pieces).combine_chunks()
    return out


def respondent_ids(recorder: Recorder, sample: Sample) -> pa.Array:
    """Return respondents' pseudonyms: those of customers where they come from the shop's list.

    A panel's own pseudonyms last from one order to the next and lead to no customer.
    """
    if sample.order.about.panel == "customers":
        return recorder.person(sample.who)
    return recorder.codes.write("P", sample.who, bits=_RESPONDENT)


def _table(name: str, columns: Mapping[str, Any]) -> pa.Table:
    """Return a table without dictionaries, so that orders can be joined."""
    table = arrow.table(name, {n: columns[n] for n in schema.TABLES[name].columns if n in columns})
    return table.cast(schema.arrow_schema(name, table.column_names))


def _whom(recorder: Recorder, sample: Sample, rows: int) -> dict[str, Any]:
    """Return who answered, ``rows`` times each; a table keeps the columns it knows."""
    people, scenario = recorder.world.people, recorder.world.scenario
    which = np.repeat(np.arange(len(sample.who)), rows)
    who = sample.who[which]
    order = np.zeros(len(which), dtype=np.int64)
    return {
        "research_id": arrow.words(order, (sample.order.id,)),
        "respondent_id": respondent_ids(recorder, sample).take(pa.array(which)),
        "date": arrow.days(scenario.start, order + sample.order.day),
        "panel": arrow.words(order, (sample.order.about.panel,)),
        "region_id": arrow.words(people.region[who], tuple(scenario.regions)),
        "age_band": arrow.words(people.age[who], AGES),
        "device_main": arrow.words(people.device[who], DEVICES),
    }


def _orders(recorder: Recorder) -> pa.Table:
    """One row an order, in the order of the scenario and the plans."""
    scenario = recorder.world.scenario
    orders = list_orders(scenario, recorder.plan, recorder.days)
    by_id = {
        sample.order.id: sample
        for kind in dict.fromkeys(order.about.kind for order in orders)
        for sample in draw_samples(recorder, kind)
    }
    return _table(
        "research_orders",
        {
            "research_id": [order.id for order in orders],
            "kind": [order.about.kind for order in orders],
            "date": arrow.days(scenario.start, np.array([order.day for order in orders])),
            "panel": [order.about.panel for order in orders],
            "asked": [by_id[order.id].asked for order in orders],
            "answered": [len(by_id[order.id].who) for order in orders],
            "cost": [
                round(order.about.respondents * scenario.market.panel_cost, 2) for order in orders
            ],
        },
    )


def _margins(recorder: Recorder) -> pa.Table:
    """Shares of the people who buy online, as a statistical office would publish them."""
    people, scenario = recorder.world.people, recorder.world.scenario
    known = {
        "region_id": (people.region, tuple(scenario.regions)),
        "age_band": (people.age, AGES),
        "device_main": (people.device, DEVICES),
    }
    rows = [
        (name, level, round(float(np.mean(values == i)), 6))
        for name, (values, levels) in known.items()
        for i, level in enumerate(levels)
    ]
    column, level, share = (list(values) for values in zip(*rows, strict=True))
    return _table("population_margins", {"variable": column, "level": level, "share": share})
