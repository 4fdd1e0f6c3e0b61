"""Experiments as the shop's records have them: who was in which arm."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pyarrow as pa

from ecomlab.simulator.entering import is_old
from ecomlab.simulator.experiments import Experiment, Lot
from ecomlab.simulator.noise import Array
from ecomlab.simulator.tables import arrow
from ecomlab.simulator.tables.record import Piece, Recorder

__all__ = ["arms_of_visits", "cookies", "experiments", "lot", "ordered", "write_cookies"]

COOKIE = 40  # bits of a browser's pseudonym
_MOBILE = 1


def lot(recorder: Recorder) -> Lot:
    """Return how the arms of a run's experiments are drawn."""
    return lambda experiment, units: recorder.noise.uniform("experiment", units, part=experiment)


def ordered(recorder: Recorder) -> list[Experiment]:
    """Return the experiments of a run's plans that began in the period."""
    first = np.datetime64(recorder.world.scenario.start, "D")
    plans = (
        recorder.plan.in_force(recorder.world.scenario.start) if recorder.plan is not None else ()
    )
    return [
        test for plan in plans for test in plan.experiments if test.age(first + recorder.days) > 0
    ]


def arms_of_visits(recorder: Recorder, piece: Piece) -> pa.DictionaryArray:
    """Return the arms each visit belongs to, as ``experiment:arm`` separated by spaces.

    Remembers, for each experiment on visitors, which browsers it has met.
    """
    code, known = np.zeros(len(piece.visitor), dtype=np.int64), [""]
    for test in ordered(recorder):
        if test.kind not in ("feature", "launch"):
            continue
        arm = _arm_of_visits(recorder, piece, test)
        if (arm < 0).all():
            continue
        if test.kind == "feature":
            met = np.unique(np.stack([cookies(recorder, piece)[arm >= 0], arm[arm >= 0]]), axis=1)
            recorder.met.setdefault(test.id, []).append(met)
        names = [f"{test.id}:{name}" for name in test.arms]
        more = [f"{old} {name}".strip() for name in names for old in known]
        code = np.where(arm >= 0, code + (arm + 1) * len(known), code)
        known = [*known, *more]
    return arrow.words(np.where(code > 0, code, -1), known)


def _arm_of_visits(recorder: Recorder, piece: Piece, test: Experiment) -> Array:
    """Return the arm of each visit, -1 where the experiment is off or its record was lost."""
    world = recorder.world
    first = np.datetime64(world.scenario.start, "D")
    age = piece.visit_day + test.age(first)
    if test.kind == "feature":
        arm = test.arm(lot(recorder), piece.visitor)
        fragile = (arm == 1) & (world.people.device[piece.visitor] == _MOBILE)
        luck = recorder.noise.uniform("lost_arm", piece.visitor, part=test.id)
        lost = recorder.parameter("log.lost_arm_share", world.scenario.lost_arm_share,
                                  day=piece.visit_day, people=piece.visitor)  # fmt: skip
        arm = np.where(fragile & (luck < lost), -1, arm)
    else:
        region = world.people.region[piece.visitor]
        old = is_old(world.scenario)
        turns = [test.regions_on(lot(recorder), old, day)
                 for day in range(int(age.min()), int(age.max()) + 1)]  # fmt: skip
        arm = np.array(turns)[age - age.min(), region].astype(np.int64)
        arm = np.where(old[region], arm, -1)
    return np.where((age >= 0) & (age < test.days), arm, -1)


def experiments(recorder: Recorder) -> dict[str, pa.Table]:
    """Return the experiments and their assignments; no tables where there were none."""
    tests = ordered(recorder)
    if not tests:
        return {}
    parts = [(test, *_assigned(recorder, test)) for test in tests]
    about = {
        "experiment_id": [test.id for test in tests],
        "unit": [test.unit for test in tests],
        "arms": [" ".join(test.arms) for test in tests],
        "shares": [" ".join(f"{share:g}" for share in test.shares) for test in tests],
        "start_date": [test.start for test in tests],
        "end_date": [test.last_day for test in tests],
    }
    rows = {
        "experiment_id": np.repeat([test.id for test, *_ in parts], [len(u) for _, u, _ in parts]),
        "unit_id": pa.concat_arrays([units for _, units, _ in parts]),
        "arm": pa.array([name for *_, arms in parts for name in arms], pa.string()),
    }
    return {
        "experiments": arrow.table("experiments", about),
        "assignments": arrow.table("assignments", rows),
    }


def _assigned(recorder: Recorder, test: Experiment) -> tuple[pa.Array, list[str]]:
    """Return units and the names of their arms."""
    world, draw = recorder.world, lot(recorder)
    if test.kind == "feature":
        met = recorder.met.get(test.id, [np.zeros((2, 0), dtype=np.int64)])
        cookie, arm = np.unique(np.concatenate(met, axis=1), axis=1)
        return write_cookies(recorder, cookie), [test.arms[i] for i in arm]
    if test.kind == "holdout":
        who = _held(recorder, test)
        return recorder.person(who), [test.arms[i] for i in test.arm(draw, who)]
    if test.kind in ("carrier", "queue"):
        met = recorder.met.get(test.id, [np.zeros((2, 0), dtype=np.int64)])
        number, arm = np.unique(np.concatenate(met, axis=1), axis=1)
        names = recorder.order_id if test.kind == "carrier" else recorder.ticket_id
        return names(number), [test.arms[i] for i in arm]
    if test.kind in ("price", "promotion"):
        kinds = list(world.scenario.categories)
        inside = [test.what in ("all", kinds[c]) for c in world.products.category]
        at = np.flatnonzero(inside)
        arm = test.arm(draw, world.products.key[at])
        return pa.array([world.products.sku[i] for i in at]), [test.arms[i] for i in arm]
    return _by_region(recorder, test)


def _held(recorder: Recorder, test: Experiment) -> Array:
    """Return the people in a holdout: everybody, or who could be mailed by its end."""
    people = recorder.world.people
    if test.what == "social":
        return np.asarray(people.ids)
    first = np.datetime64(recorder.world.scenario.start, "D")
    last = min(test.days - test.age(first), recorder.days)
    return np.flatnonzero((recorder.customer_from < last) & people.has_mail)


def _by_region(recorder: Recorder, test: Experiment) -> tuple[pa.Array, list[str]]:
    """Return regions, or regions and the first day of a block, and their arms."""
    names, draw = list(recorder.world.scenario.regions), lot(recorder)
    old = is_old(recorder.world.scenario)
    units, arms = [], []
    step = 1 if test.kind == "launch" else test.block_days or test.days
    before = ~old
    for age in range(0, test.days, step):
        on = test.regions_on(draw, old, age)
        when = test.start + timedelta(days=age)
        for place, name in enumerate(names):
            if not old[place]:
                continue
            if test.kind == "launch" and (before[place] or not on[place]):
                continue
            whole = test.kind == "launch" or not test.block_days
            units.append(name if whole else f"{name}:{when}")
            arms.append(f"launched:{when}" if test.kind == "launch" else test.arms[int(on[place])])
        before |= on
    return pa.array(units, pa.string()), arms


def cookies(recorder: Recorder, piece: Piece) -> Array:
    """Return the browser of each visit: a person gets a new one every two to six months."""
    life = recorder.cookie_life[piece.visitor].astype(np.int32)
    turn = (piece.visit_day + recorder.cookie_shift[piece.visitor]).astype(np.int32) // life
    return np.asarray(piece.visitor * 128 + turn)


def write_cookies(recorder: Recorder, numbers: Array) -> pa.Array:
    """Return browsers' pseudonyms."""
    return recorder.codes.write("V", numbers, bits=COOKIE)
