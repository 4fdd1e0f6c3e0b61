"""Laws of customer service: who is planned, what a contact is like, what its answer leaves.

Pure functions of parameters and of a contact's own luck; the days are in
``mechanisms.contacts``, the queue in ``queueing``. Told in ``docs/simulator/service.md``.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from ecomlab.simulator.noise import Array, low_half, normal, to_uniform
from ecomlab.simulator.parameters_service import Service

__all__ = [
    "KINDS", "WORDS", "difficulty_of", "effect_of", "expected_score", "gain_of_answer",
    "handling_of", "lifted", "patience_of", "plan_agents", "rise_of_lifted", "score_of",
    "solved_chance",
]  # fmt: skip

KINDS = ("presale", "where_is_my_order", "return", "damage", "other")
WORDS = 4  # random words of a contact: its work, patience and solution, score, place in the queue
_GOLDEN = 0.6180339887498949
_CUTS = np.array([-1.165, -0.60, -0.145, 0.625])  # of a feeling, between one score and the next


def plan_agents(law: Service, needed: Array, factors: Array, hour: int) -> Array:
    """Return whole agents by team and hour of a day: at least one by habit, times a factor.

    Where the product is not whole, the larger number is planned in that share of the hours.

    Parameters
    ----------
    law
        Parameters.
    needed
        Agents that the status quo needs, by team [agents in an hour].
    factors
        Multiples of the status quo, by team.
    hour
        Number of the day's first hour, counted through all days.
    """
    usual = np.maximum(np.rint(needed), 1) * factors
    spread = (np.arange(hour, hour + 24) * _GOLDEN) % 1
    return np.asarray((usual[:, None] + spread + 1e-9).astype(np.int64) * law.desks.is_open)


def difficulty_of(words: Array) -> Array:
    """Return how difficult contacts are, as the subject line tells: standard normal."""
    return normal(to_uniform(words[0]))


def handling_of(law: Service, words: Array, channel: Array) -> Array:
    """Return how long answering takes, lognormal, longer beside other contacts [s]."""
    share, sd = law.foreseen_share, np.sqrt(np.log1p(law.handling_cv**2))
    work = np.sqrt(share) * difficulty_of(words)
    work += np.sqrt(1 - share) * normal(low_half(words[0]))
    alone = 60 * law.handling_minutes * np.exp(sd * work - sd**2 / 2)
    return np.asarray(alone * law.desks.slowed[channel])


def patience_of(law: Service, words: Array, channel: Array) -> Array:
    """Return after how long contacts give up, exponential [s]."""
    return np.asarray(-np.log(to_uniform(words[1])) * law.desks.patience[channel])


def solved_chance(law: Service, words: Array) -> Array:
    """Return the chance that the first answer solves a contact."""
    return np.clip(law.solved_share - law.solved_spread * difficulty_of(words), 0, 1)


def effect_of(
    law: Service, channel: Array, *, wait: Array, is_abandoned: Array, solved: Array
) -> Array:
    """Return what contacts do to satisfaction: less past what is tolerated, and unanswered.

    Parameters
    ----------
    law
        Parameters.
    channel
        Channel of each contact.
    wait
        Time in the queue [s].
    is_abandoned
        Who left unanswered.
    solved
        Whether the first contact solved it if answered, or the chance that it does.
    """
    tolerated, step = law.desks.steps[:, channel]
    waited = np.maximum(wait / 60 - tolerated, 0) / step
    ended = np.where(is_abandoned, -law.given_up, law.solved * solved)
    return np.asarray(ended - law.hurt * waited)


def score_of(law: Service, words: Array, effect: Array) -> Array:
    """Return the scores, 1 to 5, that contacts give; 0 for those who give none."""
    feeling = law.score_effect * effect - law.score_difficulty * difficulty_of(words)
    score = 1 + np.searchsorted(_CUTS, feeling + normal(to_uniform(words[2])))
    return np.where(low_half(words[2]) < law.scored_share, score, 0)


def expected_score(law: Service, words: Array, effect: Array) -> Array:
    """Return the mean of the scores that contacts would give, all of them, over their moods."""
    mean = law.score_effect * effect - law.score_difficulty * difficulty_of(words)
    return np.asarray(1 + special.ndtr(mean - _CUTS[:, None]).sum(axis=0))


def lifted(chance: Array, lift: float) -> Array:
    """Return a chance times a factor; where there is no room for it, half the way to 1.

    Examples
    --------
    >>> lifted(np.array([0.2, 0.9]), 1.16).round(4).tolist()
    [0.232, 0.95]
    """
    return np.minimum(chance * lift, (1 + chance) / 2)


def rise_of_lifted(chance: Array, lift: float) -> Array:
    """Return how a lifted chance rises, its log by utility, as the chance without the lift does.

    Examples
    --------
    >>> rise_of_lifted(np.array([0.232]), 1.16).round(6).tolist()
    [0.8]
    """
    alone = np.maximum(chance / lift, 2 * chance - 1)
    return np.where(alone * lift < (1 + alone) / 2, 1.0, alone / (1 + alone)) * (1 - alone)


def gain_of_answer(chance: Array, lift: float) -> Array:
    """Return the utility by which an answer lifts the chance to order (see :func:`lifted`).

    Examples
    --------
    >>> gain = gain_of_answer(np.array([0.2]), 1.16)
    >>> (1 / (1 + 4 * np.exp(-gain))).round(6).tolist()
    [0.232]
    """
    return np.asarray(special.logit(lifted(chance, lift)) - special.logit(chance))
