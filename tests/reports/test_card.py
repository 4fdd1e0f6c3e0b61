"""What a notebook publishes."""

from __future__ import annotations

import pytest

from ecomlab.reports import Card, publish
from ecomlab.reports.card import MIMETYPE


@pytest.mark.parametrize(
    "headline",
    [{}, {"": "1"}, {"Orders": ""}, {"Orders": 3}, {"Net": "EUR nan"}, {"Net": "NaT"},
     {"Net": "inf %"}, {"Net": "-inf"}, {"Net": "None"}, {f"n{i}": "1" for i in range(9)}],
)  # fmt: skip
def test_a_headline_without_a_value_is_refused(headline):
    with pytest.raises(ValueError, match=r"headline numbers|has no value|is not text"):
        publish(headline)


@pytest.mark.parametrize("value", ["Nancy", "none", "information", "€ 1,204 (−3 %)"])
def test_words_that_only_look_like_a_missing_number_pass(value, capsys):
    publish({"Label": value})
    assert value in capsys.readouterr().out


def test_a_card_survives_the_way_through_an_output():
    card = Card(headline={"Orders": "3", "净收入": "EUR 5"}, title="T")
    bundle = card._repr_mimebundle_()
    assert Card.from_output(bundle[MIMETYPE]) == card
    assert bundle["text/plain"] == "Orders: 3\n净收入: EUR 5"


@pytest.mark.parametrize("data", [None, [], {}, {"headline": 3}, {"headline": ["a"]}])
def test_an_output_that_is_no_card_is_none(data):
    assert Card.from_output(data) is None
