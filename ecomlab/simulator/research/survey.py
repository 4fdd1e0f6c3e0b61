"""A survey: what people say of themselves and of the shop, with the usual biases of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from ecomlab.simulator.noise import Array
from ecomlab.simulator.research.orders import Sample
from ecomlab.simulator.research.traits import Traits, true_traits
from ecomlab.simulator.tables import arrow

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = ["survey_answers", "true_scores"]

_FORGETS, _CLAIMS = 0.04, 0.03  # buyers who deny it; others who know the shop and claim it
_SAME_BOX = {"satisfaction": 4, "purchase_intention": 4, "recommends": 8}


def true_scores(traits: Traits) -> dict[str, Array]:
    """Return what people would tick on each scale if the answer were the plain truth.

    Satisfaction and intention go from 1 to 5, the recommendation from 0 to 10.
    """
    return {
        "satisfaction": np.clip(3.6 + 0.8 * traits.opinion, 1, 5),
        "purchase_intention": 1 + 4 * np.sqrt(traits.chance),
        "recommends": np.clip(6.6 + 1.8 * traits.opinion, 0, 10),
    }


def survey_answers(recorder: Recorder, sample: Sample) -> dict[str, Any]:
    """Return the answers to a survey, one row a respondent.

    Sums are remembered with error and told in round numbers; scales draw agreement; who never
    bought here has no say on satisfaction; some tick the same box throughout, and fast.
    """
    traits = true_traits(recorder, sample.who, sample.order.day)
    claims, unaided, aided = _knowledge(recorder, sample, traits)
    recalled, rounds = _recall(recorder, sample), _rounds(recorder, sample)
    orders = _heap(traits.orders * recalled, rounds)
    spend = _heap(traits.spend * recalled, rounds)
    scales = _scales(recorder, sample, traits)
    silent = ~claims
    names = tuple(recorder.world.scenario.categories)
    luck = recorder.noise.normal("answer.here", recorder.world.people.ids[sample.who])
    here = traits.orders_here / np.maximum(traits.orders, 1) * np.exp(0.2 * luck)
    here = np.where(claims, np.clip(np.rint(here * 20) / 20, 0.05, 1), 0.0)
    return {
        "is_buyer_claimed": claims,
        "is_known_unaided": unaided,
        "is_known_aided": aided,
        "orders_last_year": np.rint(orders).astype(np.int64),
        "spend_last_year": np.where(orders >= 1, spend, 0.0),
        "here_share": arrow.blank(np.round(here, 2), orders < 1),
        "favourite_category": arrow.words(traits.category, names),
        "satisfaction": arrow.blank(scales["satisfaction"], silent),
        "purchase_intention": scales["purchase_intention"],
        "recommends": arrow.blank(scales["recommends"], silent),
        "eco_premium_share": _eco_premium(recorder, sample, traits),
        "seconds": _seconds(recorder, sample),
    }


def _knowledge(recorder: Recorder, sample: Sample, traits: Traits) -> tuple[Array, Array, Array]:
    """Return who claims to have bought, who names the shop unprompted, and who when shown it."""
    law, ids = recorder.world.scenario.panel, recorder.world.people.ids[sample.who]
    luck = recorder.noise.uniform("answer.knows", ids)
    aided = traits.knows | (luck < law.prompted_share)
    usual = np.minimum(law.unaided_share * np.where(traits.has_bought, 3, 1), 1)
    unaided = traits.knows & (recorder.noise.uniform("answer.unaided", ids) < usual)
    slip = recorder.noise.uniform("answer.claims", ids)
    claims = np.where(traits.has_bought, slip >= _FORGETS, aided & (slip < _CLAIMS))
    return claims, unaided, aided | claims


def _recall(recorder: Recorder, sample: Sample) -> Array:
    """Orders remembered over orders placed."""
    law = recorder.world.scenario.panel
    drawn = recorder.noise.normal("answer.recall", recorder.world.people.ids[sample.who])
    return np.asarray(law.recall * np.exp(law.recall_sd * drawn - law.recall_sd**2 / 2))


def _rounds(recorder: Recorder, sample: Sample) -> Array:
    """Return who answers in round numbers."""
    ids = recorder.world.people.ids[sample.who]
    return recorder.noise.uniform("style.round", ids) < recorder.world.scenario.panel.round_share


def _heap(values: Array, rounds: Array) -> Array:
    """Round numbers to what people say: whole ones, and steps of 5 and 50 from 10 and 100 on."""
    size = 10.0 ** np.floor(np.log10(np.maximum(values, 1)))
    step = np.where(rounds & (values >= 10), size / 2, 1.0)
    return np.asarray(np.rint(values / step) * step)


def _straight(recorder: Recorder, sample: Sample) -> Array:
    """Return who ticks the same box throughout."""
    law, ids = recorder.world.scenario.panel, recorder.world.people.ids[sample.who]
    return recorder.noise.uniform("style.straight", ids) < law.straightline_share


def _scales(recorder: Recorder, sample: Sample, traits: Traits) -> dict[str, Array]:
    """Return the boxes ticked: agreement lifts all scales, intention is overstated besides."""
    law, ids = recorder.world.scenario.panel, recorder.world.people.ids[sample.who]
    agrees = law.acquiescence * (1 + recorder.noise.normal("style.agree", ids))
    likely = special.expit(
        special.logit(np.clip(traits.chance, 1e-4, 0.999)) + law.intention_overstatement
    )
    plain = true_scores(traits) | {"purchase_intention": 1 + 4 * np.sqrt(likely)}
    straight = _straight(recorder, sample)
    out = {}
    for name, score in plain.items():
        low, high, points = (0, 10, 2.0) if name == "recommends" else (1, 5, 1.0)
        noise = 0.4 * recorder.noise.normal("answer.scale", ids, part=name)
        ticked = np.clip(np.rint(score + points * (agrees + noise)), low, high)
        out[name] = np.where(straight, _SAME_BOX[name], ticked).astype(np.int64)
    return out


def _eco_premium(recorder: Recorder, sample: Sample, traits: Traits) -> Array:
    """Return what people say they would pay more: inflated, never negative, in steps of 5 %."""
    law, ids = recorder.world.scenario.panel, recorder.world.people.ids[sample.who]
    said = np.maximum(traits.eco_premium, 0) * law.eco_inflation + law.desirability
    said = said * np.exp(0.15 * recorder.noise.normal("answer.eco", ids))
    said = np.where(_straight(recorder, sample), 0.1, said)
    return np.asarray(np.round(np.clip(np.rint(said * 20) / 20, 0, 1), 2))


def _seconds(recorder: Recorder, sample: Sample) -> Array:
    """Return how long the answers took [s]; who ticks the same box is fast."""
    luck = recorder.noise.normal("answer.seconds", recorder.world.people.ids[sample.who])
    usual = np.where(_straight(recorder, sample), 75.0, 210.0)
    return np.rint(usual * np.exp(0.3 * luck)).astype(np.int64)
