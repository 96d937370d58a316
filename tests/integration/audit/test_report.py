"""The page about a fleet in a real browser: its scripts run, nobody else's do, and it asks nobody for anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.virtfleet.network.plugins.filter import audit_report as report_filter
from ansible_collections.virtfleet.network.plugins.filter.audit_document import audit_document
from ansible_collections.virtfleet.network.plugins.filter.audit_report import audit_report
from tests.deep import DEEP
from tests.unit.fleets import FINDING, HOSTILE, ROW, hostile, result

from ..browser import Browser
from ..stage import wait_for

pytestmark = pytest.mark.lab

TABLE = "document.querySelector('#table-1 table')"
FIRST = f"[...{TABLE}.tBodies[0].rows].filter((row) => !row.hidden).map((row) => row.cells[0].textContent)"


@pytest.fixture(scope="module")
def started() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def browser(started: Browser) -> Browser:
    started.complaints.clear()
    started.requests.clear()
    return started


@pytest.fixture
def page(tmp_path: Path) -> Path:
    drift = [{**ROW, "network": "net0", "state": "differs", "path": "mtu.size", "asked": 1400, "saved": 1500}]
    fleet = {f"hv{number}": result(number % 3, number % 4) for number in range(1, 13)}
    fleet["hv3"].update(as_asked=False, rows=drift, findings=[FINDING])
    (tmp_path / "report.html").write_text(audit_report(audit_document(fleet)))
    return tmp_path / "report.html"


def test_the_browser_tells_what_a_page_does(browser: Browser, tmp_path: Path) -> None:
    """Else the other tests would prove nothing."""
    (tmp_path / "bad.html").write_text("<img src=http://192.0.2.1/x.png><script>window.hacked = 1; nothing()</script>")
    browser.load(tmp_path / "bad.html")
    assert browser.look("window.hacked") == 1
    assert "nothing is not defined" in " ".join(browser.complaints)
    assert "http://192.0.2.1/x.png" in browser.requests


def test_tables_sort_and_filter_with_the_keyboard(browser: Browser, page: Path) -> None:
    browser.load(page)
    names = [f"hv{number}" for number in range(1, 13)]
    assert browser.look(FIRST) == sorted(names)
    browser.look(f"{TABLE}.querySelector('th button').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.look(FIRST) == names
    browser.press("Enter", 13, "\r")
    assert browser.look(FIRST) == names[::-1]
    assert browser.look(f"{TABLE}.querySelector('th').getAttribute('aria-sort')") == "descending"

    browser.look(f"{TABLE}.querySelector('input').focus()")
    browser.write("hv1 as")
    assert browser.look(FIRST) == ["hv12", "hv11", "hv10", "hv1"]
    assert browser.look(f"{TABLE}.querySelector('output').textContent") == "4 of 12 rows"
    assert (browser.complaints, set(browser.requests)) == ([], {page.as_uri()})


def test_a_link_opens_a_picture_and_paper_shows_all(browser: Browser, page: Path) -> None:
    opened = "document.querySelectorAll('details[open]').length"
    browser.load(page)
    assert browser.look(opened) == 0
    click = "document.querySelector('.tiles a').click()"
    browser.look(f"new Promise((done) => {{ addEventListener('hashchange', () => done()); {click}; }})")
    assert browser.look("document.querySelector('#host-1').open")
    assert browser.look("document.querySelector('#host-1 svg').getBoundingClientRect().width") > 100
    browser.look(f"addEventListener('beforeprint', () => {{ window.printed = {opened}; }})")
    assert browser.print().startswith(b"%PDF")
    assert browser.look("window.printed == document.querySelectorAll('details').length")
    wait_for(lambda: browser.look(opened) == 1)
    assert browser.complaints == []


def test_of_a_large_fleet_a_part_is_made_when_it_is_opened(
    browser: Browser, page: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_filter, "MOST_HOSTS", 2)
    monkeypatch.setattr(report_filter, "MOST_ROWS", 10)
    fleet = audit_document({f"hv{number}": result(3, 4) for number in range(4)})
    page.write_text(audit_report(fleet))
    browser.load(page)
    assert browser.look("document.querySelectorAll('svg').length") == 0
    browser.look("document.querySelector('#host-2').open = true")
    wait_for(lambda: browser.look("document.querySelectorAll('#host-2 svg').length") == 1)
    nics = "[...document.querySelectorAll('h3')].find((one) => one.textContent == 'NICs of guests').closest('details')"
    browser.look(f"location.hash = {nics}.parentElement.id")
    wait_for(lambda: browser.look(f"{nics}.querySelectorAll('tbody tr').length") == 16)
    browser.look(f"{nics}.querySelector('input').focus()")
    browser.write("hv1 guest2")
    wait_for(lambda: browser.look(f"{nics}.querySelectorAll('tbody tr:not([hidden])').length") == 1)
    assert browser.print().startswith(b"%PDF")
    assert browser.look("document.querySelectorAll('svg').length") == 1
    assert browser.complaints == []


@pytest.mark.deep
@pytest.mark.skipif(not DEEP, reason="make test-deep has it: to make such a page takes 20 seconds")
def test_a_page_of_2000_hypervisors_opens_in_three_seconds(browser: Browser, page: Path) -> None:
    page.write_text(audit_report(audit_document({f"hv{number}": result(5, 20) for number in range(2000)})))
    browser.load(page)
    assert browser.look("performance.getEntriesByType('navigation')[0].loadEventEnd") < 3000
    assert browser.look(f"{FIRST}.length") == 2000


def test_light_and_dark(browser: Browser, page: Path) -> None:
    seen = {}
    for colours in ("light", "dark"):
        browser.load(page, colours)
        browser.look("document.querySelector('#host-1').open = true")
        texts = browser.look("getComputedStyle(document.querySelector('#host-1 svg text')).fill")
        seen[colours] = (browser.look("getComputedStyle(document.body).backgroundColor"), texts)
        assert len(browser.screenshot()) > 10_000
    assert seen == {
        "light": ("rgb(255, 255, 255)", "rgb(27, 31, 36)"),
        "dark": ("rgb(13, 17, 23)", "rgb(230, 237, 243)"),
    }


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_do_no_harm(browser: Browser, tmp_path: Path, name: str) -> None:
    path = tmp_path / "report.html"
    path.write_text(audit_report(hostile(name)))
    browser.load(path)
    assert browser.look("typeof window.hacked") == "undefined"
    assert browser.look("document.querySelectorAll('script, style, img, link, iframe, object, svg a').length") == 2
    assert (browser.complaints, set(browser.requests)) == ([], {path.as_uri()})
