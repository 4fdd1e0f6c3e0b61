"""The truth behind each question of field work, and behind each thing said in interviews."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from ecomlab.simulator.research.conjoint import studied_category
from ecomlab.simulator.research.field import respondent_ids
from ecomlab.simulator.research.interviews import (
    expected_agreement,
    theme_chances,
    true_themes,
)
from ecomlab.simulator.research.orders import Sample, draw_sample, draw_samples, list_orders
from ecomlab.simulator.research.pricing import shown_products, worth_when_buying
from ecomlab.simulator.research.survey import true_scores
from ecomlab.simulator.research.traits import ONWARD_DAYS, stock_taken, true_traits
from ecomlab.simulator.research.words import THEMES

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = ["tell_research", "tell_themes"]

Row = tuple[str, str, str, float]  # question, level, quantity, value


def tell_research(recorder: Recorder) -> pa.Table:
    """Return what is true behind each question of each order.

    ``population`` is the value in all people, ``reached`` that in those who answered (the
    difference is coverage and nonresponse), both before any bias of answering;
    ``bias`` rows name the parameters that separate what is said from what is true.
    """
    tell = {"survey": _survey, "conjoint": _conjoint, "price_answers": _prices,
            "interviews": _interviews}  # fmt: skip
    rows = [
        (order.id, *row)
        for order in list_orders(recorder.world.scenario, recorder.plan, recorder.days)
        for row in tell[order.about.kind](recorder, draw_sample(recorder, order))
    ]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[]] * 5
    names = ("research_id", "question", "level", "quantity")
    return pa.table(
        {name: pa.array(values, pa.string()) for name, values in zip(names, columns, strict=False)}
        | {"value": pa.array([round(v, 6) for v in columns[4]], pa.float64())}
    )


def tell_themes(recorder: Recorder) -> pa.Table:
    """Return the true theme of each answer given in interviews."""
    ids, person, question, theme = [], [], [], []
    for sample in draw_samples(recorder, "interviews"):
        found = true_themes(recorder, sample)
        ids += [sample.order.id] * found.size
        person += np.repeat(respondent_ids(recorder, sample).to_pylist(), found.shape[1]).tolist()
        question += np.tile(np.arange(1, found.shape[1] + 1), len(found)).tolist()
        theme += [THEMES[i] for i in found.ravel()]
    return pa.table(
        {
            "research_id": pa.array(ids, pa.string()),
            "respondent_id": pa.array(person, pa.string()),
            "question": pa.array(question, pa.int64()),
            "theme": pa.array(theme, pa.string()),
        }
    )


def _survey(recorder: Recorder, sample: Sample) -> list[Row]:
    order, law = sample.order, recorder.world.scenario.panel
    kinds = list(recorder.world.scenario.categories)
    rows: list[Row] = []
    for quantity, who in (("population", recorder.world.people.ids), ("reached", sample.who)):
        if not len(who):
            continue
        traits = true_traits(recorder, who, order.day)
        scores, mine = true_scores(traits), traits.has_bought
        means = {
            "has_bought": mine,
            "knows": traits.knows,
            "orders_last_year": traits.orders,
            "spend_last_year": traits.spend,
            "eco_premium_share": traits.eco_premium,
            "purchase_intention": scores["purchase_intention"],
        }
        if mine.any():  # only buyers are asked
            means |= {name: scores[name][mine] for name in ("satisfaction", "recommends")}
        if order.day + ONWARD_DAYS < recorder.days:
            after = recorder.memory.purchases(order.day + 1, order.day + ONWARD_DAYS)
            means["orders_within_91_days"] = after[who] > 0
        rows += [(name, "", quantity, float(np.mean(at))) for name, at in means.items()]
        total = max(int(traits.orders.sum()), 1)
        rows.append(("here_share", "", quantity, float(traits.orders_here.sum() / total)))
        rows += [("favourite_category", kind, quantity, float(np.mean(traits.category == i)))
                 for i, kind in enumerate(kinds)]  # fmt: skip
    return [
        *rows,
        ("orders_last_year", "recall", "bias", law.recall),
        ("spend_last_year", "recall", "bias", law.recall),
        ("eco_premium_share", "eco_inflation", "bias", law.eco_inflation),
        ("eco_premium_share", "desirability", "bias", law.desirability),
        ("satisfaction", "acquiescence", "bias", law.acquiescence),
        ("recommends", "acquiescence", "bias", 2 * law.acquiescence),
        ("purchase_intention", "acquiescence", "bias", law.acquiescence),
        ("purchase_intention", "intention_overstatement", "bias", law.intention_overstatement),
        ("knows", "prompted_share", "bias", law.prompted_share),
        ("all", "straightline_share", "bias", law.straightline_share),
    ]


def _conjoint(recorder: Recorder, sample: Sample) -> list[Row]:
    """Part-worths; a logit that takes all people for one finds them smaller by the spread."""
    world, law = recorder.world, recorder.world.scenario.panel
    rows: list[Row] = []
    for quantity, who in (("population", world.people.ids), ("reached", sample.who)):
        if not len(who):
            continue
        traits = {
            "price_sensitivity": world.people.price_sensitivity[who],
            "eco_taste": world.people.eco_taste[who],
            "attribute_1": world.people.taste[who, 0],
        }
        for name, values in traits.items():
            rows.append((name, "mean", quantity, float(values.mean(dtype=np.float64))))
            rows.append((name, "sd", quantity, float(values.std(dtype=np.float64))))
        rows.append(("quality_step", "mean", quantity, world.scenario.choice.quality_sd))
        rows.append(("brand", "mean", quantity, 0.0))
        rows.append(("is_none", "mean", quantity, 0.0))
    category = list(world.scenario.categories)[studied_category(recorder)]
    mean = world.scenario.categories[category].mean_price
    return [*rows, ("price", "usual", "design", mean),
            ("eco_taste", "eco_inflation", "bias", law.eco_inflation)]  # fmt: skip


def _prices(recorder: Recorder, sample: Sample) -> list[Row]:
    """Medians of what the products shown are worth when buying; ``truth_wtp`` has the rest."""
    world, law = recorder.world, recorder.world.scenario.panel
    rows: list[Row] = []
    for quantity, who in (("population", stock_taken(world)), ("reached", sample.who)):
        if not len(who):
            continue
        worth = worth_when_buying(world, who, shown_products(recorder, who, sample.order.day))
        rows += [("too_expensive", kind, quantity, float(np.median(worth[:, i])))
                 for i, kind in enumerate(world.scenario.categories)]  # fmt: skip
    return [*rows, ("too_expensive", "price_inflation", "bias", law.price_inflation),
            ("all", "round_share", "bias", law.round_share)]  # fmt: skip


def _interviews(recorder: Recorder, sample: Sample) -> list[Row]:
    """Shares of themes, and the agreement expected of the coders given those of the answers."""
    accuracy = recorder.world.scenario.panel.coder_accuracy
    everybody = theme_chances(recorder, stock_taken(recorder.world)).mean(axis=(0, 1))
    rows: list[Row] = [("theme", name, "population", float(everybody[i]))
                       for i, name in enumerate(THEMES)]  # fmt: skip
    found = true_themes(recorder, sample)
    if found.size:
        shares = np.bincount(found.ravel(), minlength=len(THEMES)) / found.size
        agree = expected_agreement(shares, accuracy, found.size)
        rows += [("theme", name, "reached", float(shares[i])) for i, name in enumerate(THEMES)]
        rows += [("agreement", "cohen_kappa", "expected", agree.kappa),
                 ("agreement", "krippendorff_alpha", "expected", agree.alpha)]  # fmt: skip
    return [*rows, ("coder_a", "accuracy", "bias", accuracy[0]),
            ("coder_b", "accuracy", "bias", accuracy[1])]  # fmt: skip
