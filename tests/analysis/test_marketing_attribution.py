"""Credit adds up and is exact: the chain is solved, and slow ways agree."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecomlab.analysis import marketing

METHODS = ("first", "last", "linear", "markov", "shapley")


def paths_of(rows) -> pd.DataFrame:
    """Rows of (path, conversions, nulls); a conversion is worth its place in the list."""
    return pd.DataFrame(
        [(tuple(path), won, won * (10.0 + i), lost) for i, (path, won, lost) in enumerate(rows)],
        columns=["path", "conversions", "value", "nulls"],
    )


MIXED = paths_of([("aab", 5, 20), ("aba", 2, 15), ("b", 3, 30), ("bcac", 4, 10), ("cc", 1, 12)])


# attribution: exact, and adding up


def test_the_worked_example_of_removal_effects_gives_a_fifth_and_two_fifths_twice():
    """Paths c1>c2>c3 (converts), c1 and c2>c3 (do not): a third converts; without c1 a sixth."""
    paths = pd.DataFrame({"path": [("c1", "c2", "c3"), ("c1",), ("c2", "c3")],
                          "conversions": [1, 0, 0], "value": [90.0, 0, 0],
                          "nulls": [0, 1, 1]})  # fmt: skip
    table = marketing.attribute_paths(paths, method="markov").table.set_index("channel")
    assert table["removal_effect"].tolist() == pytest.approx([0.5, 1, 1])
    assert table["conversions"].tolist() == pytest.approx([0.2, 0.4, 0.4])
    assert table["value"].tolist() == pytest.approx([18, 36, 36])


def test_the_chain_agrees_with_what_channelattribution_simulates():
    """Two million simulated journeys a model, ChannelAttribution 2.2.5, steps not capped."""
    simulated = {1: [4.881, 6.428, 3.690], 2: [5.495, 6.996, 2.509], 3: [5.506, 7.001, 2.492]}
    for order, conversions in simulated.items():
        found = marketing.attribute_paths(MIXED, method="markov", order=order).table
        assert found["conversions"].tolist() == pytest.approx(conversions, abs=0.012)


def removal_by_hand(paths: pd.DataFrame, order: int, *, of: str) -> dict[str, float]:
    """Removal effects by walking the chain step by step, states in a dict.

    A journey that converts from a state earns the state's mean value, or 1.
    """
    counts: dict[tuple, dict[tuple, float]] = {}
    earned: dict[tuple, float] = {}
    for path, won, value, lost in paths.itertuples(index=False):
        size = min(order, len(path))
        states = [path[i : i + size] for i in range(len(path) - size + 1)]
        walk = [("start",), *states]
        for a, b in itertools.pairwise(walk):
            counts.setdefault(a, {}).setdefault(b, 0.0)
            counts[a][b] += won + lost
        ends = counts.setdefault(walk[-1], {})
        gain = value if of == "value" else won
        earned[walk[-1]] = earned.get(walk[-1], 0.0) + gain
        ends["won",] = ends.get(("won",), 0.0) + won
        ends["lost",] = ends.get(("lost",), 0.0) + lost

    def converts(without: str | None) -> float:
        here, arrived = {("start",): 1.0}, 0.0
        for _ in range(3000):
            there: dict[tuple, float] = {}
            for state, chance in here.items():
                total = sum(counts[state].values())
                for to, weight in counts[state].items():
                    moved = chance * weight / total
                    if to == ("won",):
                        arrived += moved * earned[state] / weight if weight else 0.0
                    elif to != ("lost",) and without not in to:
                        there[to] = there.get(to, 0.0) + moved
            here = {state: chance for state, chance in there.items() if chance > 1e-15}
        return arrived

    usual = converts(None)
    return {c: 1 - converts(c) / usual for c in sorted(set(itertools.chain(*paths["path"])))}


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_the_sparse_solve_agrees_with_walking_the_chain(order):
    rng = np.random.default_rng(order)
    rows = [(tuple(rng.choice(list("abcd"), rng.integers(1, 6))), int(rng.integers(0, 4)),
             int(rng.integers(0, 9))) for _ in range(40)]  # fmt: skip
    paths = paths_of(rows)
    table = marketing.attribute_paths(paths, method="markov", order=order).table
    for column, of in (("removal_effect", "conversions"), ("removal_effect_value", "value")):
        slow = removal_by_hand(paths, order, of=of)
        assert table[column].tolist() == pytest.approx(list(slow.values()), abs=1e-9)


def test_shapley_is_the_mean_over_all_orders_in_which_channels_join():
    """The worth of a set is what its channels convert without any other."""
    channels = sorted(set(itertools.chain(*MIXED["path"])))

    def worth(held: set[str]) -> float:
        return sum(w for p, w in zip(MIXED["path"], MIXED["conversions"], strict=True)
                   if set(p) <= held)  # fmt: skip

    orders = list(itertools.permutations(channels))
    slow = [np.mean([worth(set(o[: o.index(c) + 1])) - worth(set(o[: o.index(c)]))
                     for o in orders]) for c in channels]  # fmt: skip
    found = marketing.attribute_paths(MIXED, method="shapley").table
    assert found["conversions"].tolist() == pytest.approx(slow)


def test_rules_by_position_give_each_touch_its_part():
    paths = paths_of([("ab", 2, 0), ("aba", 3, 1)])
    credit = {m: marketing.attribute_paths(paths, method=m).table["conversions"].tolist()
              for m in ("first", "last", "linear")}  # fmt: skip
    assert credit == {"first": [5, 0], "last": [3, 2],
                      "linear": pytest.approx([1 + 2, 1 + 1])}  # fmt: skip


journey = st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(tuple)
tables = st.lists(st.tuples(journey, st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@settings(max_examples=40, deadline=None)
@given(tables, st.sampled_from(METHODS), st.integers(1, 3))
def test_credit_adds_up_and_equal_paths_may_be_added_up_first(rows, method, order):
    paths = paths_of([*rows, ("ad", 2, 1)])
    whole = marketing.attribute_paths(paths, method=method, order=order).table
    assert whole["conversions"].sum() == pytest.approx(paths["conversions"].sum())
    assert whole["value"].sum() == pytest.approx(paths["value"].sum())
    assert (whole[["conversions", "value"]] >= 0).all(axis=None)
    merged = paths.groupby("path", as_index=False, sort=False).sum().iloc[::-1]
    again = marketing.attribute_paths(merged, method=method, order=order).table
    pd.testing.assert_frame_equal(whole, again)


@pytest.mark.parametrize("method", METHODS)
def test_many_paths_one_by_one_get_the_credit_of_their_sum(method):
    """More rows than are numbered and counted at a time; each touch a text of its own."""
    rng = np.random.default_rng(8)
    lengths = rng.geometric(0.5, 50_000)
    pool = np.array(["seo", "mail", "social", "direct"])
    touches = pool[rng.choice(4, lengths.sum(), p=[0.5, 0.3, 0.15, 0.05])].tolist()
    ends = np.cumsum(lengths)
    won = rng.integers(0, 2, len(lengths))
    paths = [tuple(touches[b - n : b]) for b, n in zip(ends, lengths, strict=True)]
    single = pd.DataFrame({"path": paths, "conversions": won, "value": won * 2.5,
                           "nulls": 1 - won})  # fmt: skip
    assert len({id(touch) for path in single["path"] for touch in path}) > len(pool)
    added = single.groupby("path", as_index=False).sum()
    assert len(added) < len(single) / 20
    pd.testing.assert_frame_equal(*(marketing.attribute_paths(paths, method=method).table
                                    for paths in (single, added)))  # fmt: skip


def test_a_touch_repeated_at_once_changes_nothing_for_the_chain():
    once, twice = paths_of([("ab", 3, 5), ("ba", 1, 4)]), paths_of([("aaab", 3, 5), ("bba", 1, 4)])
    found = [marketing.attribute_paths(p, method="markov").table for p in (once, twice)]
    pd.testing.assert_frame_equal(*found)


def test_last_touch_overstates_a_channel_that_only_collects():
    """Journeys of newcomers need social; who comes by brand search would have come anyway."""
    rng = np.random.default_rng(5)
    rows = [(("social", "brand") if rng.random() < 0.6 else ("social",), int(rng.random() < 0.2),
             1) for _ in range(300)] + [(("brand",), 0, 3)] * 50  # fmt: skip
    paths = paths_of(rows)
    last, chain = (marketing.attribute_paths(paths, method=m).table.set_index("channel")
                   for m in ("last", "markov"))  # fmt: skip
    assert chain.loc["brand", "conversions"] < last.loc["brand", "conversions"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"path": None}, "paths.path: the column is missing"),
        ({"nulls": None}, "paths.nulls: the column is missing"),
        ({"path": ["a > b"] * 5}, "are not tuples"),
        ({"path": [("a",), (), ("a",), ("a",), ("a",)]}, r"first at \[1\]\) are not tuples"),
        ({"path": [("a",), ("a", None), ("a",), ("a",), ("a",)]}, "name a channel that is missing"),
        ({"conversions": [1, -1, 0, 0, 0]}, "paths.conversions: 1 rows .* below 0"),
        ({"nulls": [1, 0, np.nan, 0, 0]}, "paths.nulls: .* not finite"),
        ({"value": [1.0, 0, 0, 0, np.inf]}, "paths.value: .* not finite"),
        ({"conversions": [0, 1, 1, 1, 1]}, "paths.value: .* no conversion"),
        ({"conversions": [0] * 5, "value": [0.0] * 5}, "no credit to give"),
    ],
)
def test_bad_paths_are_named_with_a_remedy(change, words):
    paths = MIXED.drop(columns=[c for c, v in change.items() if v is None])
    paths = paths.assign(**{c: v for c, v in change.items() if v is not None})
    with pytest.raises(ValueError, match=words):
        marketing.attribute_paths(paths, method="last")


def test_a_method_an_order_and_an_empty_frame_are_checked():
    with pytest.raises(ValueError, match="method: 'u-shaped' is none of"):
        marketing.attribute_paths(MIXED, method="u-shaped")
    with pytest.raises(ValueError, match="order: 0"):
        marketing.attribute_paths(MIXED, method="markov", order=0)
    with pytest.raises(ValueError, match="frame is empty"):
        marketing.attribute_paths(MIXED.iloc[:0], method="last")


def test_journeys_end_with_an_order_or_a_long_silence():
    days = pd.to_datetime(["2024-01-01", "2024-01-05", "2024-01-06", "2024-03-20", "2024-01-01"])
    visits = pd.DataFrame({"visitor_id": list("vvvvw"), "started_at": days,
                           "channel": ["a", "b", "a", "c", "a"],
                           "amount": [np.nan, 20.0, np.nan, np.nan, np.nan]})  # fmt: skip
    found = marketing.collect_paths(visits.sample(frac=1, random_state=1))
    assert found.to_dict("list") == {
        "path": [("a",), ("a", "b"), ("c",)], "conversions": [0, 1, 0],
        "value": [0.0, 20.0, 0.0], "nulls": [2, 0, 1],
    }  # fmt: skip
    with pytest.raises(ValueError, match=r"visits.amount: the column is missing"):
        marketing.collect_paths(visits.drop(columns="amount"))
    with pytest.raises(ValueError, match="window_days: 0"):
        marketing.collect_paths(visits, window_days=0)


def test_the_picture_of_credit_names_who_gets_most():
    credit = marketing.attribute_paths(MIXED, method="last")
    assert credit.top_channel == "b"
    assert credit.plot().get_title().startswith("b gets 53% of the credit by last touch")
