"""Pages: what is shown, what is left out, and what names are turned into."""

from __future__ import annotations

import re
import unicodedata
from html import unescape

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from ecomlab.reports.page import About, render_page, title_of
from ecomlab.reports.sanitize import clean
from ecomlab.reports.scrub import scrub_text
from ecomlab.reports.tables import align_columns
from ecomlab.store import Manifest
from ecomlab.store.store import safe_name

ABOUT = About(
    store=Manifest(
        name="demo",
        currency="EUR",
        time_zone="Europe/Berlin",
        first_day="2024-01-01",
        last_day="2024-12-31",
        origin={"kind": "imported", "format": "shopify", "files": [{"file": "orders.csv"}]},
    ),
    finished="2025-01-01 00:00 UTC",
    seconds=1.25,
    versions={"python": "3.12"},
    parameters={"seed": 7},
)


def render(*cells) -> str:
    return render_page(new_notebook(cells=list(cells)), name="x", about=ABOUT, home="index.html")


def test_the_policy_comes_before_anything_that_could_load():
    html = render(new_markdown_cell("# A"))
    head = html.index("<head>") + len("<head>")
    assert html[head:].lstrip().startswith('<meta http-equiv="Content-Security-Policy"')
    assert "default-src 'none'" in html and "<script" not in html and "http://" not in html


def test_the_footer_says_where_the_numbers_come_from():
    html = render(new_markdown_cell("# A"))
    for words in ("imported (shopify) from orders.csv", "2024-01-01 to 2024-12-31", "EUR",
                  "seed = 7", "python 3.12", "in 1.2 s"):  # fmt: skip
        assert words in html


def test_the_title_stands_once_and_headings_make_the_contents():
    html = render(new_markdown_cell("# Why *so*?\n\ntext"), new_markdown_cell("## One & two"),
                  new_markdown_cell("## Three <script>x</script>"))  # fmt: skip
    assert html.count("<h1") == 1
    assert '<a href="#section-1">One &amp; two</a>' in html
    assert '<h2 id="section-2">Three ' in html


@pytest.mark.parametrize("magics", [{}, {"magics_language": "html"}])
def test_code_is_shown_as_text_whatever_it_says(magics):
    code = "%%html\n</pre><script>y()</script> <img src=x onerror=y()>\nx = '<a href=\"y\">'"
    html = render(new_code_cell(code, metadata=magics, outputs=[new_output("stream", text="1")]))
    shown = re.search('<div class=" highlight.*?</div>', html, re.DOTALL)[0]
    assert set(re.findall("</?([a-z]+)", shown)) == {"div", "pre", "span"}
    told = unescape(re.sub("<[^>]*>", "", shown))
    assert "</pre><script>y()</script> <img src=x onerror=y()>" in told


def test_a_hidden_input_shows_no_code_and_the_injected_cell_is_not_shown():
    hidden = new_code_cell("secret_code()", metadata={"tags": ["hide-input"]})
    injected = new_code_cell('store = "/home/ada"', id="injected-parameters")
    html = render(hidden, injected, new_code_cell("shown_code()"))
    assert "secret_code" not in html and "/home/ada" not in html and "shown_code" in html


def test_a_link_to_another_notebook_leads_to_its_page():
    html = render(new_markdown_cell("[next](01_goal.ipynb) [out](https://x.y/01_goal.ipynb)"))
    assert 'href="01_goal.html"' in html and 'href="https://x.y/01_goal.ipynb"' in html


def test_dollars_and_angles_in_prose_stay_as_they_are():
    assert "Prices $5 and $6, a &lt; b" in render(new_markdown_cell("Prices $5 and $6, a < b"))


def test_what_is_no_picture_does_not_stop_the_page():
    bad = new_code_cell("x", outputs=[new_output("display_data", data={"image/png": "%%%"})])
    assert "<img" in render(bad)


def test_tables_keep_their_shape_when_cleaned():
    table = (
        '<table class="dataframe"><caption>c</caption><colgroup><col span="2"></colgroup><thead>'
        '<tr><th colspan="2" scope="col">a</th></tr></thead><tbody><tr><th>0</th>'
        '<td rowspan="1" style="color: red;">1</td></tr></tbody><tfoot></tfoot></table>'
    )
    assert clean(table) == table


@pytest.mark.parametrize(
    ("dirty", "left"),
    [
        ("<style>td{}</style>x", "x"),
        ("a<script>b</script>c", "ac"),
        ('<b onclick="x()">a</b>', "<b>a</b>"),
        ('<a href="javascript:x()">a</a>', "<a>a</a>"),
        ('<a href="data:text/html,x">a</a>', "<a>a</a>"),
        ('<img src="https://x.y/z.png">', "<img>"),
        ('<p style="position: fixed; color: red">a</p>', '<p style="color: red;">a</p>'),
        ("<!-- x -->a", "a"),
        ("<iframe src=x>a</iframe>", "a"),
    ],
)
def test_cleaning_keeps_the_text_and_drops_the_rest(dirty, left):
    assert clean(dirty) == left


def test_columns_of_words_are_marked_and_columns_of_numbers_are_not():
    table = (
        "<table><thead><tr><th></th><th>sku</th><th>net</th></tr></thead><tbody>"
        "<tr><th>0</th><td>SH-010</td><td>EUR 1,200.5</td></tr>"
        "<tr><th>1</th><td>12</td><td>−3 %</td></tr><tr><th>2</th><td></td><td>—</td></tr>"
        "</tbody></table>"
    )
    aligned = align_columns(table)
    assert aligned.count('class="words"') == 4
    assert '<th class="words">sku</th>' in aligned and "<td>EUR 1,200.5</td>" in aligned


def test_a_notebook_without_a_heading_goes_by_its_name():
    assert title_of(new_notebook(cells=[new_markdown_cell("text # no")]), "00_x") == "00_x"


def test_the_longest_folder_is_replaced_first():
    shown = {"/home/ada/shop": ".", "/home/ada": "~"}
    assert scrub_text("/home/ada/shop/x /home/ada/y", shown) == "./x ~/y"


HARD_NAMES = [
    "..", ".", "", "/x", "\\x", "../../etc/passwd", "CON", "con", "con.txt", "NUL", "com1", "a:b",
    "a*b?", "x" * 300, "é", unicodedata.normalize("NFD", "é"), "Shop", "shop", "SHOP", "shоp",
    "a\u202eb", "a\x00b", "\ud800", " ", "-rf", "a.", "a ", "{store.__class__}", "<script>", "中文",
    "中 文", "a/b", "a\\b", "aux.csv", "s-", "..hidden", "~", "$HOME", "%TEMP%", "a\nb",
]  # fmt: skip


def test_any_name_becomes_a_harmless_file_name_of_its_own(tmp_path):
    made = [safe_name(name) for name in HARD_NAMES]
    assert len({name.casefold() for name in made}) == len(HARD_NAMES)
    for name, file in zip(HARD_NAMES, made, strict=True):
        assert file.isascii() and 1 <= len(file) <= 80 and file.strip(". -") == file, name
        assert not set(file) & set('<>:"/\\|?*{}$%~\n\0 '), name
        assert file.split(".")[0] not in {"con", "nul", "aux", "prn", "com1"}, name
        (tmp_path / file).mkdir()
        assert (tmp_path / file).resolve().parent == tmp_path.resolve()
