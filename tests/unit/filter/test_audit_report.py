"""The page about an audited fleet: what it shows, that it needs nothing else, and that hostile names do no harm."""

from __future__ import annotations

import base64
import re
import time
import zlib
from html.parser import HTMLParser

import pytest

from ansible_collections.virtfleet.network.plugins.filter import audit_report as _filter
from ansible_collections.virtfleet.network.plugins.filter.audit_document import audit_document
from ansible_collections.virtfleet.network.plugins.filter.audit_report import TEMPLATES, FilterModule, audit_report
from ansible_collections.virtfleet.network.plugins.plugin_utils._reports import report as _report
from tests.deep import sampled
from tests.hostile import VALUES
from tests.unit import fleets
from tests.unit.fleets import FINDING, HOSTILE, OPEN_WAY, ROW, WAY, needs_dot, network, result

VOID = {"meta", "br", "img", "input", "link"}


class Page(HTMLParser):
    """A page as a parser of HTML finds it: its elements, those that are not closed, and its words."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def values(self, name):
        return [attributes[name] for _tag, attributes in self.elements if name in attributes]

    def handle_data(self, data):
        self.words.append(data)

    def count(self, tag):
        return sum(found == tag for found, _attributes in self.elements)


def page(**hosts):
    return Page(audit_report(audit_document(hosts, "at noon")))


def table(caption, **host):
    found = {one.caption: one for one in _report.tables(audit_document({"hv1": host}))}
    return found[caption].rows if caption in found else []


# ---- the page ----


@needs_dot
def test_a_fleet():
    found = page(a=result(), b=result(as_asked=False, findings=[FINDING]), c={"unreachable": True, "msg": "no route"})
    text = " ".join(found.words)
    assert "3 hypervisors: 1 as asked, 1 differ, 1 unreachable or failed. Audited: at noon" in text
    assert "no route" in text
    assert "it is down. Set it up. With: virt_network." in text
    assert found.open == []
    assert found.count("svg") == 2
    assert {"/guest0", "192.0.2.0/24", "vnet0"} & set(found.words)


@needs_dot
def test_the_way_of_packets_is_drawn_up_to_where_it_ends():
    found = page(a=result(as_asked=False, way=[WAY]), b=result(way=[{**OPEN_WAY, "network": "net1"}]))
    text = " ".join(found.words).replace("\xa0", " ")
    assert "> bridge virbr0" in text
    assert "✖ ends at forward" in text
    assert "way: reaches the outside" in text
    assert "ends at forward: a rule drops packets iptables -D FORWARD 1" in text


def test_of_a_large_fleet_the_same_is_packed(monkeypatch):
    monkeypatch.setattr(_filter, "draw", lambda graphs: dict.fromkeys(graphs, "<svg></svg>"))
    fleet = audit_document({name: result(findings=[FINDING]) for name in "abc"})
    whole = audit_report(fleet)
    monkeypatch.setattr(_filter, "MOST_HOSTS", 2)
    monkeypatch.setattr(_filter, "MOST_ROWS", 5)
    packed = audit_report(fleet)
    parts = re.findall("<template>([^<]*)</template>", packed)
    unpacked = [zlib.decompress(base64.b64decode(part)).decode() for part in parts]
    assert [text in whole for text in unpacked] == [True] * len(parts)
    assert sum("bridge_down" in text for text in unpacked) == 3
    assert "bridge_down" in re.sub("<template>.*?</template>", "", packed)  # in the table of what is wrong
    assert Page(packed).open == Page("".join(unpacked)).open == []


def test_it_needs_nothing_else_and_allows_nothing_else():
    found = page(a=result())
    sources = {
        name for _tag, attributes in found.elements for name in attributes if name in ("src", "style", "onclick")
    }
    assert sources == set()
    assert [attributes["href"][0] for _tag, attributes in found.elements if "href" in attributes].count("#") > 5
    assert all(attributes["href"].startswith("#") for _tag, attributes in found.elements if "href" in attributes)
    assert found.values("content")[0].startswith("default-src 'none'; ")
    assert "url(" not in (TEMPLATES / "report.css").read_text()
    assert (found.count("script"), found.count("style")) == (1, 1)


def test_it_can_be_read_without_eyes():
    found = page(a=result(), b=result())
    assert found.count("table") == found.count("caption") == found.count("thead")
    assert {attributes["scope"] for tag, attributes in found.elements if tag == "th"} == {"col", "row"}
    named = [attributes for _tag, attributes in found.elements if attributes.get("role") in ("img", "region")]
    assert named
    assert all("aria-label" in attributes or "aria-labelledby" in attributes for attributes in named)
    ids = found.values("id")
    assert len(ids) == len(set(ids))
    assert {name.lstrip("#") for name in (*found.values("href"), *found.values("aria-labelledby"))} <= set(ids)


def test_without_graphviz_it_tells_the_same_in_words(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    found = page(a=result())
    text = " ".join(found.words)
    assert found.count("svg") == 0
    assert "There is no picture: the controller has no dot of Graphviz" in text
    assert "guest0 52:54:00:00:00:00: vnet0, 10.0.0.2, on net0" in text


@pytest.mark.deep
@pytest.mark.parametrize("name", [*HOSTILE, *sampled([value for value in VALUES if value], 4)], ids=ascii)
def test_hostile_names_do_no_harm(name):
    document = fleets.hostile(name)
    text = audit_report(document)
    good = Page(audit_report(fleets.hostile("good")))
    found = Page(text)
    assert [tag for tag, _attributes in found.elements] == [tag for tag, _attributes in good.elements]
    # Only what is a text, or depends on its width, differs.
    changing = set("aria-label content d points x y cx width height viewbox transform".split())
    kept, expected = (
        [{key: value for key, value in attributes.items() if key not in changing} for _tag, attributes in one.elements]
        for one in (found, good)
    )
    assert kept == expected
    # Graphviz writes the spaces of a label as no-break ones
    assert not [char for char in text if not char.isprintable() and char not in "\n\xa0"]
    text.encode()


def test_what_it_does_not_tell():
    """What could hold a secret, now or later: only what the code names is shown."""
    told = {"invocation": {"module_args": {"uri": "hunter2"}}, "more": "hunter2"}
    lan = network(0, xml="hunter2", live_spec={"name": "net0", "metadata": "<password>hunter2</password>"})
    assert "hunter2" not in audit_report(audit_document({"a": {**result(), **told, "networks": [lan]}}))


@needs_dot
@pytest.mark.parametrize("count,networks,guests", [(1, 2, 2), (100, 20, 20)])
def test_one_and_a_hundred(count, networks, guests):
    document = audit_document({f"hv{number}": result(networks, guests) for number in range(count)})
    began = time.monotonic()
    text = audit_report(document)
    print(f"{count} hypervisors: {len(text) / 1e6:.1f} MB, {time.monotonic() - began:.1f} s")
    assert text.count("<svg") == count
    assert ('<details id="host-1" open>' in text) == (count == 1)


# ---- its tables ----


def test_addresses_that_are_free():
    assert table("Free addresses", **result(1, 0)) == [("hv1", "net0", "10.0.0.100 - 10.0.0.199", 100, 0, 0, 100)]
    lan = network(0)
    lan["leases"] = [{"mac": "m", "ip": f"10.0.0.{number}", "hostname": "", "expires": 0} for number in (99, 100, 101)]
    dhcp = lan["spec"]["ips"][0]["dhcp"]
    dhcp["hosts"] = [{"mac": "a", "ip": f"10.0.0.{number}"} for number in (101, 102, 200)]
    dhcp["ranges"] += [{"start": "nonsense", "end": "10.0.0.9"}, {"start": "10.0.0.1", "end": "10.0.0.1"}]
    assert [row[3:] for row in table("Free addresses", **result(1, 0, networks=[lan]))] == [
        (100, 2, 1, 97),
        (1, 0, 0, 0),
    ]


def test_reservations_and_who_uses_them():
    lan = network(0)
    lan["leases"] = [
        {"mac": mac, "ip": ip, "hostname": "", "expires": 0}
        for mac, ip in (("a", "10.0.0.2"), ("b", "10.0.0.9"), ("c", "10.0.0.4"))
    ]
    lan["spec"]["ips"][0]["dhcp"]["hosts"] = [
        {"mac": "a", "ip": "10.0.0.2"},
        {"mac": "b", "ip": "10.0.0.3"},
        {"mac": "d", "ip": "10.0.0.4"},
        {"mac": fleets.mac(0), "ip": "10.0.0.5"},
        {"id": "00:01", "name": "e", "ip": "10.0.0.6"},
    ]
    rows = table("Reservations", **result(1, 1, networks=[lan]))
    assert [row[-1] for row in rows] == [
        "leased",
        "has a lease for 10.0.0.9",
        "leased to c",
        "a guest has this MAC, and no lease",
        "not in use",
    ]
    assert rows[-1][2:5] == ("10.0.0.6", "00:01", "e")
    assert [row[-1] for row in table("Leases", **result(1, 0, networks=[lan]))] == ["yes", "no", "yes"]


def test_a_lease_without_an_end():
    lan = network(0)
    ends = (0, 1767225600, 10**20)
    lan["leases"] = [{"mac": "m", "ip": "10.0.0.9", "hostname": "", "expires": end} for end in ends]
    words = page(a=result(1, 0, networks=[lan])).words
    assert {"never", "2026-01-01 00:00 UTC", str(10**20)} <= set(words)


def test_the_worst_is_what_a_hypervisor_is():
    drift = {"as_asked": False, "rows": [{**ROW, "network": "net0", "state": "missing"}]}
    warning = {"findings": [{**FINDING, "severity": "warning"}]}
    hosts = {
        "a": result(),
        "b": result(**warning),
        "c": result(**drift, **warning),
        "d": result(**drift, findings=[FINDING]),
        "e": {"failed": True, "msg": "no"},
    }
    found = _report.cards(audit_document(hosts))
    assert [(card.state, card.result) for card in found] == [
        ("good", "as asked"),
        ("warning", "as asked"),
        ("drift", "differs"),
        ("error", "differs"),
        ("error", "failed"),
    ]
    assert (found[0].libvirt, found[4].libvirt) == ("9.0.0", "")
    assert [card.name for card in sorted(found, key=lambda card: card.place)] == ["d", "e", "c", "b", "a"]
    good = _report.cards(audit_document({"hv10": result(), "hv2": result()}))
    assert [card.name for card in sorted(good, key=lambda card: card.place)] == ["hv2", "hv10"]


# ---- its colours ----


def luminance(colour):
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear))


@pytest.mark.parametrize("scheme", [0, 1])
def test_contrast(scheme):
    """WCAG AA: 4.5 for text, 3 for lines."""
    rules = re.findall(r":root \{(.*?)\}", (TEMPLATES / "report.css").read_text(), re.DOTALL)
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", rules[scheme]))
    states = ("error", "drift", "warning", "good")
    pairs = [(text, back) for text in ("text", "soft", "link") for back in ("page", "box")]
    pairs += [(text, f"{state}-box") for state in states for text in (state, "text")]
    for front, back, wanted in [*((*pair, 4.5) for pair in pairs), ("line", "page", 3)]:
        low, high = sorted(luminance(colours[one]) for one in (front, back))
        assert (high + 0.05) / (low + 0.05) >= wanted, (front, back)


def test_its_name():
    assert set(FilterModule().filters()) == {"audit_report"}
