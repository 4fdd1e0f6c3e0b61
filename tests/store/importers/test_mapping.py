"""A mapping file says nothing that is not understood."""

import re
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from ecomlab.store.importers import ImportProblem, import_files, ready_formats, template_text
from ecomlab.store.importers.extras import EXTRAS
from ecomlab.store.importers.mapping import load_mapping

GOOD = """[store]
currency = "EUR"
time_zone = "Europe/Berlin"
[columns]
order_id = "order"
ordered_at = "at"
price = "price"
"""


def load(tmp_path, text):
    path = tmp_path / "m.toml"
    path.write_text(text, encoding="utf-8")
    return load_mapping(path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("currency", "curency", "Did you mean 'currency'"),
        ('price = "price"', 'prize = "price"', "Did you mean 'price'"),
        ("[columns]", "[sorce]\n[columns]", "Did you mean 'source'"),
        ("[columns]", '[settings]\nnegative = "returns"\n[columns]', "negative must be one of"),
        ("Europe/Berlin", "Berlin", "not a time zone"),
        ('order_id = "order"\n', "", "needs order_id"),
        ('price = "price"', "", "needs price, gross_amount or amount"),
        ('price = "price"', 'price = { frm = "price" }', "Did you mean 'from'"),
        ('price = "price"', 'price = { from = "a", constant = "1" }', "exactly one of from"),
        ('price = "price"', "price = 3", "give a column's name"),
        ("[store]", "[store", "not valid TOML"),
        ("[store]", "[rates]\nUSD = 0\n[store]", "above 0"),
        ("[store]", "[tables.prodcts]\n[store]", "Did you mean 'products'"),
        ("[store]", "[tables.orders]\n[store]", "not a table that can have"),
        ("[store]", '[tables.prices]\nfiles="p"\ncolumns={sku="a"}\n[store]', "needs the columns"),
    ],
)
def test_what_is_not_understood_is_refused_with_a_hint(tmp_path, old, new, said):
    with pytest.raises(ImportProblem, match=said):
        load(tmp_path, GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ('when = { sku = "a" }\nthen = "drop"\nreason = "r"', "then must be one of"),
        ('when = { sku = "a" }\nthen = "reject"', "give a reason"),
        ('then = "reject"\nreason = "r"', "needs conditions"),
        ('when = { sku = { like = "a" } }\nthen = "reject"\nreason = "r"', "'like' = 'a'"),
        ('when = { sku = { matches = "(" } }\nthen = "reject"\nreason = "r"', "not a pattern"),
        ('when = { sku = "a" }\nthan = "reject"\nreason = "r"', "Did you mean 'then'"),
    ],
)
def test_rules_that_are_not_understood_are_refused(tmp_path, rule, said):
    with pytest.raises(ImportProblem, match=said):
        load(tmp_path, f"{GOOD}[[rules]]\n{rule}\n")


def test_a_rule_on_a_column_that_is_nowhere_is_refused(bring_in):
    rule = '[[rules]]\nwhen = { Statsu = "x" }\nthen = "reject"\nreason = "r"\n'
    with pytest.raises(ImportProblem, match="Did you mean 'Status'"):
        bring_in("order,at,price,Status\n1,2024-05-01,1,x\n", GOOD + rule)


def test_an_unknown_format_names_the_ready_ones(tmp_path):
    with pytest.raises(ImportProblem, match="Did you mean 'shopify'"):
        load_mapping("shopfy")
    with pytest.raises(ImportProblem, match="There is no template"):
        template_text("woo")
    with pytest.raises(ImportProblem, match="no such file"):
        import_files([tmp_path / "absent.csv"], format="shopify")
    with pytest.raises(ImportProblem, match="No files"):
        import_files([], format="shopify")


def test_the_same_file_twice_is_refused(bring_in, tmp_path):
    bring_in("order,at,price\n1,2024-05-01,1\n", GOOD)
    file = tmp_path / "orders.csv"
    with pytest.raises(ImportProblem, match="given twice"):
        import_files([file, file], format=tmp_path / "mapping.toml")


def test_the_template_and_every_suggestion_in_it_are_valid(tmp_path):
    """Each commented setting is switched on and must be understood."""
    assert load(tmp_path, template_text()).currency == "EUR"
    setting = re.compile(r"^# (?=\[|[A-Za-z_]+ = )", re.MULTILINE)
    text = setting.sub("", template_text()).replace(", …]", "]")
    mapping = load(tmp_path, text)
    assert len(mapping.rules) == 3
    assert {table.table for table in mapping.tables} == {"products", "ad_daily"}
    assert mapping.rates == {"USD": 0.92}
    assert len(mapping.columns) >= 28


@pytest.mark.parametrize("kind", ["survey", "competitors"])
def test_research_of_ones_own_comes_in_by_the_template_it_was_written_from(tmp_path, tiny, kind):
    """A simulated shop's research is written to files by the headers named, and read again."""
    mapping = load(tmp_path, GOOD + template_text(kind))
    asked = [table.table for table in mapping.tables]
    assert asked == list(EXTRAS[kind])
    skus, people = tiny.table("products")["sku"], tiny.table("regions")["region_id"]
    sold = pd.DataFrame({"order": range(len(skus)), "at": "2024-05-01", "price": 1, "sku": skus})
    sold["region"] = [people[at % len(people)] for at in range(len(sold))]
    sold.to_csv(tmp_path / "orders.csv", index=False)
    for name in asked:
        tiny.table(name).to_csv(tmp_path / f"{name}.csv", index=False)
    columns = GOOD + 'sku = "sku"\nregion = "region"\n'
    (tmp_path / "mine.toml").write_text(columns + template_text(kind), encoding="utf-8")
    files = [tmp_path / "orders.csv", *(tmp_path / f"{name}.csv" for name in asked)]
    done = import_files(files, format=tmp_path / "mine.toml")
    for name in asked:
        assert len(done.store.table(name)) == len(tiny.table(name)), name


def test_the_mapping_shown_in_the_guide_is_valid(tmp_path):
    guide = (Path(__file__).parents[3] / "docs" / "importing.md").read_text(encoding="utf-8")
    shown = re.search(
        r"(?:^(?:    .*)?\n)*?^    \[store\]\n(?:^(?:    .*)?\n)+", guide, re.MULTILINE
    )
    mapping = load(tmp_path, textwrap.dedent(shown.group()))
    assert {column.role for column in mapping.columns} >= {"order_id", "customer_id", "region"}
    assert mapping.rules[0].then == "shipping"


def test_ready_formats_load():
    for name in ready_formats():
        assert load_mapping(name).title == name
