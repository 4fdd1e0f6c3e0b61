"""Pages in a real browser: they run nothing, load nothing and complain about nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ecomlab.reports import Card, page, run_notebooks, sanitize
from ecomlab.reports.files import Disk
from ecomlab.reports.index import render_index
from ecomlab.reports.journal import Entry, Journal
from ecomlab.reports.page import About, render_page
from ecomlab.store import Manifest

from ..reports.conftest import FIGURE, PUBLISH, make_notebook, make_store, write_notebook
from .chromium import FOUND, Browser, chromium
from .payloads import PAYLOADS, SINKS, hostile_notebook

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(FOUND is None, reason="no Chromium found; set CHROMIUM to its path"),
]

# Press and hover over everything, then say whether anything has run.
TRY_ALL = """
document.querySelectorAll('.press, [onclick], a[href^="javascript" i]').forEach(e => e.click());
document.querySelectorAll('*').forEach(e => {
  for (const kind of ['mouseover', 'focus', 'error', 'load', 'toggle'])
    e.dispatchEvent(new Event(kind));
});
document.documentElement.dataset.hit || ''
"""
HOSTILE = " ".join(PAYLOADS)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("chromium") / "profile") as started:
        yield started


def hostile_manifest() -> Manifest:
    return Manifest(
        name=HOSTILE,
        currency="EUR",
        time_zone="UTC",
        first_day="2024-01-01",
        last_day="2024-01-03",
        origin={"kind": "imported", "format": HOSTILE, "files": [{"file": HOSTILE}]},
    )


def hostile_page() -> str:
    about = About(
        store=hostile_manifest(),
        finished=HOSTILE,
        seconds=1.0,
        versions={HOSTILE: HOSTILE},
        parameters={"label": HOSTILE},
        card=Card(headline={HOSTILE: HOSTILE}, title=HOSTILE),
        reason=HOSTILE,
    )
    return render_page(hostile_notebook(), name=HOSTILE, about=about, home="index.html")


def hostile_index(folder: Path) -> str:
    journal = Journal(folder, Disk())
    for state in ("done", "failed"):
        entry = Entry(name=state, key="k", state=state, finished=HOSTILE, seconds=1.0,
                      store=HOSTILE, title=HOSTILE, reason=HOSTILE,
                      parameters={HOSTILE: HOSTILE}, headline={HOSTILE: HOSTILE})  # fmt: skip
        journal.add(entry)
    store = hostile_manifest()
    return render_index(folder, journal=journal, store=store, finished=HOSTILE)


def without_policy(html: str) -> str:
    bare, dropped = re.subn(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", html)
    assert dropped == 1
    return bare


@pytest.fixture
def careless(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Pages without the cleaning."""
    page._exporter.cache_clear()
    monkeypatch.setattr(sanitize, "clean", lambda html: html)
    yield
    page._exporter.cache_clear()


def hits(browser: Browser, folder: Path, html: str, *, seconds: float = 0.5) -> str:
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    return browser.open(file, script=TRY_ALL, seconds=seconds).answer


def test_there_are_enough_payloads_and_places():
    assert len(PAYLOADS) >= 12 and len(SINKS) >= 6


@pytest.mark.usefixtures("careless")
def test_the_payloads_do_run_where_nothing_stops_them(browser, tmp_path):
    for payload in (0, 1, 2):  # so that a zero elsewhere means something
        page = f"<!DOCTYPE html><title>x</title>{PAYLOADS[payload]}"
        assert hits(browser, tmp_path, page) == "1", PAYLOADS[payload]
    assert hits(browser, tmp_path, without_policy(hostile_page())) == "1"


def test_cleaning_alone_stops_every_payload_in_every_place(browser, tmp_path):
    assert hits(browser, tmp_path, without_policy(hostile_page())) == ""
    assert hits(browser, tmp_path, without_policy(hostile_index(tmp_path))) == ""


@pytest.mark.usefixtures("careless")
def test_the_policy_alone_stops_every_payload_in_every_place(browser, tmp_path):
    assert hits(browser, tmp_path, hostile_page()) == ""
    # One page a payload as well: an unclosed tag could hide those that follow.
    policy = re.search(r"<meta http-equiv=.*?>", hostile_page())[0]
    for payload in PAYLOADS:
        page = f"<!DOCTYPE html><html><head>{policy}<title>x</title></head><body>{payload}"
        assert hits(browser, tmp_path, page, seconds=0.1) == "", payload


def test_both_together_run_nothing_and_load_nothing(browser, tmp_path):
    for html in (hostile_page(), hostile_index(tmp_path)):
        file = tmp_path / "page.html"
        file.write_text(html, encoding="utf-8")
        visit = browser.open(file, script=TRY_ALL)
        assert visit.answer == ""
        assert [url for url in visit.requests if not url.startswith(("file:", "data:"))] == []


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real run on a store with a hostile name."""
    folder = tmp_path_factory.mktemp("reports")
    store = make_store(folder / "store", name="../<script>alert(1)</script>")
    table = "import pandas as pd\npd.DataFrame({'sku': ['<b>cup</b>', 'tea'], 'units': [3, 1200]})"
    warn = "import sys; print('read', 3, 'orders'); print('mind the gap', file=sys.stderr)"
    cells = ("seed: int = 7  # of the draw [0, 9]", warn, table, FIGURE)
    made = make_notebook(*cells[1:], PUBLISH, parameters=cells[0], title="Did it sell more?")
    good = write_notebook(folder / "notebooks", "00_good", made)
    bad = write_notebook(folder / "notebooks", "01_bad", make_notebook("1 / 0", PUBLISH))
    run_notebooks([good, bad], store=store, out=folder / "out")
    return folder / "out"


@pytest.mark.parametrize("which", ["index.html", "00_good.html", "failed/01_bad-*.html"])
def test_a_page_opens_without_a_request_or_a_word_on_the_console(browser, reports, which):
    (file,) = reports.glob(which)
    visit = browser.open(file, script="document.body.scrollWidth <= window.innerWidth")
    assert visit.console == []
    assert [url for url in visit.requests if not url.startswith("data:")] == [file.as_uri()]
    assert visit.answer is True  # nothing sticks out to the side


def test_links_between_index_and_pages_lead_somewhere(browser, reports):
    for file in [*reports.glob("*.html"), *reports.glob("failed/*.html")]:
        script = "[...document.querySelectorAll('a')].map(a => a.href)"
        for link in browser.open(file, script=script, seconds=0.1).answer:
            target = Path(link.removeprefix("file://").split("#")[0])
            assert target.exists(), (file.name, link)


def test_figures_and_tables_are_shown_and_code_is_folded(browser, reports):
    script = """({
      figures: [...document.images].every(i => i.naturalWidth > 100 && i.alt.length > 5),
      images: document.images.length,
      rows: document.querySelectorAll('.table tbody tr').length,
      open: document.querySelectorAll('details[open]').length,
      folded: document.querySelectorAll('details.code').length,
      bold: document.querySelectorAll('.table b').length,
    })"""
    seen = browser.open(reports / "00_good.html", script=script).answer
    assert seen == {"figures": True, "images": 1, "rows": 2, "open": 0, "folded": 5, "bold": 0}


def test_a_picture_of_each_page_can_be_taken(browser, reports, tmp_path):
    for name in ("index", "00_good"):
        browser.open(reports / f"{name}.html")
        (tmp_path / f"{name}.png").write_bytes(browser.picture(1280, 900))
        assert (tmp_path / f"{name}.png").stat().st_size > 10_000
