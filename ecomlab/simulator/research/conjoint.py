"""A conjoint study: choices among designed products, made with people's true utilities.

Each task shows three products of one category and "none of them". The utility of a product is

    V = -beta * ln(price / mean price) + inflation * omega * eco + quality + gamma * attribute

with the person's own beta (price sensitivity), omega (eco taste) and gamma (first taste), plus
Gumbel noise; none of them is worth 0, a usual product elsewhere. Brands are worth nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecomlab.simulator.noise import Array
from ecomlab.simulator.research.orders import Sample
from ecomlab.simulator.tables import arrow

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = ["ALTERNATIVES", "choice_answers", "studied_category"]

ALTERNATIVES = 3  # products a task, beside none of them
_PRICES = (0.7, 0.85, 1.0, 1.15, 1.3)  # over the category's mean
_QUALITY = (-1, 0, 1)  # steps of one standard deviation of the assortment's quality
_TASTE = (-1.0, 1.0)  # levels of the first taste attribute
_CELLS = 128  # of a person's design, numbered: tasks x four alternatives at most


def studied_category(recorder: Recorder) -> int:
    """Return the position of the category that the choices are about: the most popular one."""
    kinds = list(recorder.world.scenario.categories.values())
    return int(np.argmax([kind.popularity for kind in kinds]))


def choice_answers(recorder: Recorder, sample: Sample) -> dict[str, Any]:
    """Return the choices: one row an alternative, in the order of respondent and task.

    Levels are balanced within a respondent: each comes up equally often, in an order by lot.
    """
    world, count = recorder.world, recorder.world.scenario.panel.tasks
    scenario, who = world.scenario, sample.who
    kind = studied_category(recorder)
    category = list(scenario.categories)[kind]
    shape = (len(who), count, ALTERNATIVES)
    sizes = {"price": len(_PRICES), "eco": 2, "quality": len(_QUALITY), "taste": len(_TASTE),
             "brand": len(scenario.brands)}  # fmt: skip
    level = {n: _levels(recorder, sample, n, size).reshape(shape) for n, size in sizes.items()}
    mean = scenario.categories[category].mean_price
    price = np.round(mean * np.array(_PRICES), 2)[level["price"]]
    taste = np.array(_TASTE)[level["taste"]]
    quality = np.array(_QUALITY)[level["quality"]]
    value = _utility(recorder, who, np.log(price / mean), level["eco"], quality, taste)
    chosen = _choose(recorder, sample, value)
    gap = np.zeros((*shape[:2], ALTERNATIVES + 1), dtype=bool)
    gap[:, :, ALTERNATIVES] = True  # the last alternative is none of them

    def cells(values: Array) -> Array:
        return np.concatenate([values, np.zeros_like(values[:, :, :1])], axis=2).ravel()

    task, alternative = (at + 1 for at in np.indices(gap.shape)[1:])
    brand = np.where(gap.ravel(), -1, cells(level["brand"]))
    return {
        "task": task.ravel(),
        "alternative": alternative.ravel(),
        "is_none": gap.ravel(),
        "category_id": arrow.words(np.full(gap.size, kind), tuple(scenario.categories)),
        "price": arrow.blank(cells(price), gap.ravel()),
        "brand": arrow.words(brand, scenario.brands),
        "is_eco": cells(level["eco"]) == 1,
        "quality_step": cells(quality),
        "attribute_1": cells(taste),
        "is_chosen": chosen.ravel(),
    }


def _levels(recorder: Recorder, sample: Sample, name: str, size: int) -> Array:
    """Return the level of an attribute in each cell of each respondent's design."""
    cells = recorder.world.scenario.panel.tasks * ALTERNATIVES
    ids = recorder.world.people.ids[sample.who][:, None] * _CELLS + np.arange(cells)
    luck = recorder.noise.uniform("conjoint.design", ids, part=f"{sample.order.id}.{name}")
    rank = np.argsort(np.argsort(luck, axis=1, kind="stable"), axis=1, kind="stable")
    return np.asarray(rank % size)


def _utility(
    recorder: Recorder, who: Array, log_price: Array, eco: Array, quality: Array, taste: Array
) -> Array:
    """Return the utilities of the products shown, people x tasks x alternatives, luck aside."""
    people, scenario = recorder.world.people, recorder.world.scenario

    def own(values: Array) -> Array:
        return np.asarray(values[who].astype(np.float64)[:, None, None])

    return np.asarray(
        -own(people.price_sensitivity) * log_price
        + scenario.panel.eco_inflation * own(people.eco_taste) * eco
        + scenario.choice.quality_sd * quality
        + own(people.taste[:, 0]) * taste
    )


def _choose(recorder: Recorder, sample: Sample, value: Array) -> Array:
    """Return which alternative is chosen; the last one is none of them, worth 0."""
    whole = np.concatenate([value, np.zeros_like(value[:, :, :1])], axis=2)
    tasks, width = whole.shape[1:]
    cell = np.arange(tasks)[:, None] * (ALTERNATIVES + 1) + np.arange(width)
    ids = recorder.world.people.ids[sample.who][:, None, None] * _CELLS + cell
    luck = recorder.noise.uniform("conjoint.gumbel", ids, part=sample.order.id)
    shaken = whole - np.log(-np.log(luck))
    return np.asarray(shaken == shaken.max(axis=2, keepdims=True))
