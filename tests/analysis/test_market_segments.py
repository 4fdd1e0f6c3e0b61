"""Market analysis in numbers: who is alike, and whether the likeness is real."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from ecomlab.analysis import market


def crowd(seed: int = 0) -> pd.DataFrame:
    """Three groups far apart: 80 who buy often, 60 who spend much, 40 who do neither."""
    rng = np.random.default_rng(seed)
    centre = np.repeat([[30.0, 100], [5, 900], [5, 100]], [80, 60, 40], axis=0)
    values = centre + rng.normal(0, [2.0, 60], (180, 2))
    return pd.DataFrame(values, columns=["orders", "spend"], index=np.arange(500, 680))


@pytest.mark.parametrize("method", ["kmeans", "mixture"])
def test_groups_that_are_there_are_found_and_stable(method):
    found = market.find_segments(
        crowd(), traits=["orders", "spend"], segments=3, method=method, resamples=15
    )
    assert found.table["people"].tolist() == [80, 60, 40]
    assert found.lowest_stability > 0.95
    assert found.members.index.equals(crowd().index)
    assert found.table["description"].iloc[0].startswith("very high orders")


def test_groups_that_are_not_there_are_said_to_dissolve():
    rng = np.random.default_rng(1)
    cloud = pd.DataFrame(rng.normal(size=(300, 3)), columns=["a", "b", "c"])
    found = market.find_segments(cloud, traits=["a", "b", "c"], segments=6, resamples=15)
    assert found.lowest_stability < 0.75
    table = market.compare_segment_counts(
        crowd(), traits=["orders", "spend"], counts=(3, 5), resamples=10
    )
    assert table["is_stable"].tolist() == [True, False]


def test_the_jaccard_similarity_is_that_of_sets():
    from ecomlab.analysis.market.segments import _jaccard

    rng = np.random.default_rng(2)
    old, new = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    sets = [[set(np.flatnonzero(v == k)) for k in range(4)] for v in (old, new)]
    slow = [max(len(a & b) / len(a | b) for b in sets[1]) for a in sets[0]]
    np.testing.assert_allclose(_jaccard(old, new, 4), slow)


def test_units_and_the_order_of_rows_do_not_matter():
    one = market.find_segments(crowd(), traits=["orders", "spend"], segments=3, resamples=5)
    other = market.find_segments(
        crowd().sample(frac=1, random_state=0).assign(spend=lambda d: d["spend"] * 100),
        traits=["orders", "spend"], segments=3, resamples=5,
    )  # fmt: skip
    assert other.members.sort_index().equals(one.members)


@pytest.mark.parametrize(
    ("change", "segments", "words"),
    [
        ({"spend": 1.0}, 3, "people.spend: the same for everybody"),
        ({"orders": np.inf}, 3, "people.orders: 180 rows are not finite"),
        ({}, 1, "segments: 1 of 180 people"),
        ({}, 50, "segments: 50 of 180 people"),
    ],
)
def test_people_who_cannot_be_divided_are_refused_by_name(change, segments, words):
    with pytest.raises(ValueError, match=words):
        market.find_segments(
            crowd().assign(**change), traits=["orders", "spend"], segments=segments
        )


def title(ax: Axes) -> str:
    return "".join(ax.get_title(loc=place) for place in ("left", "center"))


def test_pictures_say_what_was_found():
    found = market.find_segments(crowd(), traits=["orders", "spend"], segments=3, resamples=5)
    assert "3 of 3 segments come back" in title(found.plot())
    assert "3 of 3 segments are stable" in title(found.plot_stability())
