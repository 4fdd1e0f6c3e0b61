"""Interviews: what people say to open questions, and the themes that two coders see in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from ecomlab.simulator.noise import Array
from ecomlab.simulator.research.orders import Sample
from ecomlab.simulator.research.words import (
    ASIDES,
    ENDINGS,
    OPENINGS,
    QUESTIONS,
    SENTENCES,
    THEMES,
)
from ecomlab.simulator.tables import arrow

if TYPE_CHECKING:
    from ecomlab.simulator.tables.record import Recorder

__all__ = [
    "CODERS",
    "Agreement",
    "expected_agreement",
    "interview_codes",
    "theme_chances",
    "transcripts",
    "true_themes",
]

CODERS = ("coder_a", "coder_b")
_ASIDE_SHARE = 0.3  # of statements that touch on a second theme in passing
# How much oftener, log, each theme comes up in answer to each question.
_LIFT = {
    0: {"price": 0.6, "quality": 0.4},
    1: {"delivery": 0.9, "fit": 0.4, "service": 0.4},
    2: {"trust": 1.0, "price": 0.5, "choice": 0.3},
    3: {"choice": 0.8, "service": 0.4},
}


def theme_chances(recorder: Recorder, who: Array) -> Array:
    """Return how likely each theme is each person's, by question: people x questions x themes.

    The price-sensitive speak of prices, those with a taste for it of ecology, those far from
    the depot of delivery, buyers of clothes and shoes of the fit, strangers of trust.
    """
    world, people = recorder.world, recorder.world.people
    regions = world.scenario.regions.values()
    far = np.log1p([region.km_to_depot / 1000 for region in regions])[people.region[who]]
    kinds = list(world.scenario.categories)
    worn = [i for i, name in enumerate(kinds) if name in ("apparel", "shoes")]
    taste = np.log(people.category_taste[who].astype(np.float64))
    law = world.scenario.shoppers
    leaning = {
        "price": 2.0 * np.log(people.price_sensitivity[who] / law.price_sensitivity),
        "delivery": 1.2 * (far - 0.8),
        "fit": 0.8 * taste[:, worn].mean(axis=1) if worn else np.zeros(len(who)),
        "eco": 1.1 * (people.eco_taste[who] - 0.6),
        "trust": np.where(people.since[who] <= 0, -1.2, 0.2),
    }
    utility = np.zeros((len(who), len(QUESTIONS), len(THEMES)))
    for name, values in leaning.items():
        utility[:, :, THEMES.index(name)] += values[:, None]
    for question, lifts in _LIFT.items():
        for name, lift in lifts.items():
            utility[:, question, THEMES.index(name)] += lift
    weight = np.exp(utility)
    return np.asarray(weight / weight.sum(axis=2, keepdims=True))


def true_themes(recorder: Recorder, sample: Sample) -> Array:
    """Return what each answer is about: people x questions, positions of themes."""
    edges = np.cumsum(theme_chances(recorder, sample.who), axis=2)
    luck = recorder.noise.uniform("interview.theme", _slots(recorder, sample))
    return np.minimum((luck[:, :, None] > edges).sum(axis=2), len(THEMES) - 1)


def _slots(recorder: Recorder, sample: Sample) -> Array:
    """Return a number for each answer, the person's own whatever else is ordered."""
    ids = recorder.world.people.ids[sample.who]
    return np.asarray(ids[:, None] * 64 + np.arange(len(QUESTIONS)))


def transcripts(recorder: Recorder, sample: Sample) -> dict[str, Any]:
    """Return what was said, one row a respondent and question."""
    theme = true_themes(recorder, sample)
    slot = _slots(recorder, sample)

    def draw(what: str, size: int) -> Array:
        return (recorder.noise.uniform(f"interview.{what}", slot) * size).astype(np.int64)

    size = len(SENTENCES[THEMES[0]])
    first = draw("sentence", size)
    second = (first + 1 + draw("detail", size - 1)) % size
    aside = (theme + 1 + draw("aside", len(THEMES) - 1)) % len(THEMES)
    strays = recorder.noise.uniform("interview.strays", slot) < _ASIDE_SHARE
    parts = (theme, first, second, draw("opening", len(OPENINGS)), draw("ending", len(ENDINGS)))
    said = [
        _say(*row)
        for row in zip(*(p.ravel().tolist() for p in (*parts, np.where(strays, aside, -1))),
                       strict=True)
    ]  # fmt: skip
    question = np.broadcast_to(np.arange(len(QUESTIONS)), slot.shape).ravel()
    return {
        "question": question + 1,
        "asked": arrow.words(question, QUESTIONS),
        "said": pa.array(said, pa.string()),
    }


def _say(theme: int, first: int, second: int, opening: int, ending: int, aside: int) -> str:
    """Put one answer together."""
    sentences, begin = SENTENCES[THEMES[theme]], OPENINGS[opening]
    start = sentences[first]
    if begin.endswith((", ", ": ")) and not start.startswith("I "):
        start = start[0].lower() + start[1:]
    words = [begin + start, sentences[second]]
    if aside >= 0:
        words.append(ASIDES[THEMES[aside]])
    return " ".join([*words, ENDINGS[ending]]).strip()


def interview_codes(recorder: Recorder, sample: Sample) -> dict[str, Any]:
    """Return the theme that each coder gives each answer: the true one, or any other by lot."""
    theme, slot = true_themes(recorder, sample), _slots(recorder, sample)
    accuracy = recorder.world.scenario.panel.coder_accuracy
    codes = []
    for coder, right in zip(CODERS, accuracy, strict=True):
        luck = recorder.noise.uniform("interview.code", slot, part=coder)
        shift = (recorder.noise.uniform("interview.miss", slot, part=coder)
                 * (len(THEMES) - 1)).astype(np.int64)  # fmt: skip
        codes.append(np.where(luck < right, theme, (theme + 1 + shift) % len(THEMES)))
    question = np.broadcast_to(np.arange(len(QUESTIONS))[:, None], (*slot.shape, len(CODERS)))
    who = np.broadcast_to(np.arange(len(CODERS)), question.shape)
    return {
        "question": question.ravel() + 1,
        "coder": arrow.words(who.ravel(), CODERS),
        "theme": arrow.words(np.stack(codes, axis=2).ravel(), THEMES),
    }


@dataclass(frozen=True)
class Agreement:
    """How far two coders are expected to agree beyond chance."""

    kappa: float  # Cohen
    alpha: float  # Krippendorff, nominal


def expected_agreement(shares: Array, accuracy: tuple[float, float], units: int) -> Agreement:
    """Return the agreement expected of coders who err by lot, given the true shares of themes.

    With accuracies a and b and T themes, both give the same code with chance
    ``ab + (1-a)(1-b)/(T-1)``; each gives theme k with chance ``a s + (1-a)(1-s)/(T-1)``. The
    small correction of alpha for ``2 units`` codes is included (Krippendorff 2011).

    Examples
    --------
    >>> found = expected_agreement(np.array([0.5, 0.5]), (0.9, 0.8), 1000)
    >>> round(found.kappa, 3), round(found.alpha, 3)
    (0.48, 0.48)
    """
    a, b = accuracy
    wrong = len(shares) - 1
    same = a * b + (1 - a) * (1 - b) / wrong
    by_a = a * shares + (1 - a) * (1 - shares) / wrong
    by_b = b * shares + (1 - b) * (1 - shares) / wrong
    chance = float(by_a @ by_b)
    pooled = (by_a + by_b) / 2
    pairs = float(1 - pooled @ pooled) * 2 * units / (2 * units - 1)
    return Agreement((same - chance) / (1 - chance), 1 - (1 - same) / pairs)
