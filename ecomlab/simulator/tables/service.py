"""Contacts with customer service and who was there to answer, as the shop sees them; the truth."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ecomlab.simulator.mechanisms.contacts import PER_OCCASION
from ecomlab.simulator.noise import Array, low_half
from ecomlab.simulator.parameters_service import Service
from ecomlab.simulator.service import (
    KINDS,
    WORDS,
    difficulty_of,
    effect_of,
    expected_score,
    handling_of,
    lifted,
    patience_of,
    score_of,
    solved_chance,
)
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Piece, Recorder
from ecomlab.simulator.tables.trials import lot, ordered

__all__ = ["book_service", "roster", "tell_service", "tickets"]

_DAY = 86_400


def tickets(recorder: Recorder, piece: Piece) -> dict[str, pa.Table]:
    """One row a contact that has ended, on the day it was answered or gave up."""
    law = recorder.world.scenario.service
    if law is None:
        return {}
    found = piece.log.join("tickets")
    kind, occasion = found["number"] % PER_OCCASION, found["number"] // PER_OCCASION
    presale, left = kind == KINDS.index("presale"), found["is_abandoned"]
    unnamed = presale | recorder.world.people.is_guest[found["person"]]
    answer = found["created"] + found["wait"]
    words = _words(recorder, found)
    work = handling_of(law, words, found["channel"])
    score = score_of(law, words, _effect(law, found, words))
    channel = arrow.words(found["channel"], tuple(law.channels))
    _note_lots(recorder, found)
    return {
        "tickets": arrow.table(
            "tickets",
            {
                "ticket_id": recorder.ticket_id(found["number"]),
                "created_at": _instants(recorder, found["created"]),
                "date": arrow.days(recorder.world.scenario.start, found["created"] // _DAY),
                "kind": arrow.words(kind, KINDS),
                "customer_id": recorder.person(np.where(unnamed, -1, found["person"])),
                "session_id": recorder.session_id(np.where(presale, occasion, -1)),
                "order_id": recorder.order_id(np.where(presale, -1, occasion)),
                "channel": channel,
                "first_response_at": arrow.blank(_instants(recorder, answer), left),
                "is_abandoned": left,
                "resolved_at": _instants(recorder, answer + np.where(left, 0.0, work)),
                "team": channel,
                "is_put_first": found["is_first"],
                "satisfaction": pa.array(score, mask=score == 0),
            },
        )
    }


def _note_lots(recorder: Recorder, found: Array) -> None:
    """Remember which contacts were in which arm of an experiment on the queue."""
    first = np.datetime64(recorder.world.scenario.start, "D")
    for test in ordered(recorder):
        if test.kind == "queue":
            age = found["created"] // _DAY + test.age(first)
            number = found["number"][(age >= 0) & (age < test.days)]
            arm = test.arm(lot(recorder), number)
            recorder.met.setdefault(test.id, []).append(np.stack([number, arm]))


def _instants(recorder: Recorder, second: Array) -> pa.Array:
    """Return instants from seconds since the first day, each day as long as it is there."""
    whole = np.floor(second).astype(np.int64)
    last = len(recorder.bounds) - 2
    day = np.minimum(whole // _DAY, last)
    length = recorder.bounds[day + 1] - recorder.bounds[day]
    return arrow.instants(recorder.bounds[day] + (whole - day * _DAY) * length // _DAY)


def roster(recorder: Recorder, piece: Piece) -> dict[str, pa.Table]:
    """One row an hour and team in which the team's channel is open."""
    law = recorder.world.scenario.service
    if law is None:
        return {}
    planned, present = piece.log.stack("planned_agents"), piece.log.stack("present_agents")
    is_open = np.broadcast_to(law.desks.is_open, planned.shape)
    day, team, hour = np.nonzero(is_open)
    rank = np.lexsort((team, hour, day))
    day, team, hour = day[rank], team[rank], hour[rank]
    return {
        "roster": arrow.table(
            "roster",
            {
                "date": arrow.days(recorder.world.scenario.start, piece.log.first + day),
                "hour": hour,
                "team": arrow.words(team, tuple(law.channels)),
                "planned_agents": planned[day, team, hour],
                "present_agents": present[day, team, hour],
            },
        )
    }


def book_service(recorder: Recorder, piece: Piece) -> None:
    """Book what agents cost."""
    if recorder.world.scenario.service is None:
        return
    log = piece.log
    books = recorder.costs.setdefault("service", np.zeros(recorder.days))
    books[log.first : log.first + log.days] += log.stack("service_cents") / 100


def tell_service(recorder: Recorder, piece: Piece) -> dict[str, pa.Table]:
    """Return what each contact is like, what waiting did to it, and what had it not waited."""
    law = recorder.world.scenario.service
    if law is None:
        return {}
    found, chance = piece.log.join("tickets"), piece.log.join("ticket_order_chance")
    words, channel, left = _words(recorder, found), found["channel"], found["is_abandoned"]
    ready = np.where(left, lifted(chance, law.lift), chance)
    seconds = {"wait": found["wait"], "patience": patience_of(law, words, channel),
               "handling": handling_of(law, words, channel)}  # fmt: skip
    at_once = found.copy()
    at_once["wait"], at_once["is_abandoned"] = 0.0, False
    told = {}
    for name, case in (("", found), ("_at_once", at_once)):
        told[f"satisfaction_change{name}"] = np.round(_effect(law, case, words), 5)
        told[f"expected_score{name}"] = np.round(_mean_score(law, case, words), 5)
    none = np.isnan(chance)
    told["order_chance"] = pa.array(np.round(chance, 6), mask=none)
    told["order_chance_at_once"] = pa.array(np.round(ready, 6), mask=none)
    return {
        "truth_service": pa.table(
            {
                "ticket_id": recorder.ticket_id(found["number"]),
                "customer_id": recorder.person(found["person"]),
                "date": arrow.days(recorder.world.scenario.start, found["created"] // _DAY),
                "kind": pa.array(list(KINDS)).take(pa.array(found["number"] % PER_OCCASION)),
                "is_easy": difficulty_of(words) < 0,
                **{f"{name}_minutes": np.round(s / 60, 3) for name, s in seconds.items()},
                "is_abandoned": left,
                **told,
            }
        )
    }


def _words(recorder: Recorder, found: Array) -> Array:
    """Return the random words that contacts had on their day (``Day.world_words``)."""
    numbers = found["number"] * WORDS + np.arange(WORDS)[:, None]
    return recorder.noise.words("ticket", numbers, day=0, part="period")


def _effect(law: Service, found: Array, words: Array, solved: Array | None = None) -> Array:
    """Return what contacts did to satisfaction, by their own luck of being solved if not given."""
    solved = low_half(words[1]) < solved_chance(law, words) if solved is None else solved
    return effect_of(law, found["channel"], wait=found["wait"],
                     is_abandoned=found["is_abandoned"], solved=solved)  # fmt: skip


def _mean_score(law: Service, found: Array, words: Array) -> Array:
    """Return the mean score over moods and over whether the first answer solves it."""
    chance = solved_chance(law, words)
    yes, no = (
        expected_score(law, words, _effect(law, found, words, np.full(len(found), solved)))
        for solved in (1.0, 0.0)
    )
    return np.asarray(chance * yes + (1 - chance) * no)
