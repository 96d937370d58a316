"""Everything that an audit returns for a hypervisor."""

from __future__ import annotations

import json

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._audit.survey import survey
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired
from ansible_collections.virtfleet.network.plugins.module_utils._values.nic_steps import DesiredNics, WantedNic
from ansible_collections.virtfleet.network.plugins.module_utils._values.nwfilters import DesiredFilter
from ansible_collections.virtfleet.network.plugins.module_utils._values.topology import DesiredTopology
from tests.unit import nic_cases


def audit(networks=(), **case):
    host = nic_cases.host_of({"guest": {"saved": ["network lan a"], "live": ["network lan a"]}})
    wanted = [nic_cases.desired_of({"desired": case})] if case else []
    before = host.state_of_guests()
    found = json.loads(json.dumps(survey(host, DesiredTopology(list(networks), wanted))))
    assert (host.state_of_guests(), host.calls) == (before, [])
    return found


def rows(found, *states):
    return [
        (row["network"] or row["domain"], row["state"], row["path"]) for row in found["rows"] if row["state"] in states
    ]


def test_as_asked():
    found = audit(
        [Desired("lan", autostart=None)],
        ifaces=[{"source": {"network": "lan"}, "mac": {"address": "52:54:00:00:00:0a"}}],
    )
    assert rows(found, "as_asked") == [("lan", "as_asked", ""), ("web", "as_asked", "")]
    assert found["as_asked"]
    assert len(rows(found, "unknown")) == 5
    assert "xml" not in found["networks"][0]
    assert [guest["name"] for guest in found["guests"]] == ["other", "web"]


@pytest.mark.parametrize("asked", [True, False])
def test_what_was_asked_for_is_not_wrong(asked):
    """A network that is off, a NIC without a link: errors of the diagnosis, which count, unless they are asked for."""
    host = nic_cases.host_of({"guest": {name: ["network lan a <link state='down'/>"] for name in ("saved", "live")}})
    host.put("off", nic_cases.IDLE.replace("idle", "off").replace("9", "7"), autostart=True)
    nic = WantedNic("", {"mac": {"address": "52:54:00:00:00:0a"}, **({"link": {"state": "down"}} if asked else {})})
    off = Desired("off", active=False if asked else None, autostart=None)
    lan = Desired("lan", autostart=False if asked else None)
    found = survey(host, DesiredTopology([off, lan], [DesiredNics("web", (nic,))]))
    codes = {one["code"] for one in found["findings"] if one["network"] in ("off", "lan")}
    assert codes == set() if asked else {"network_inactive", "nic_link_down", "autostart_off"}
    assert rows(found, "differs", "missing", "invalid") == found["problems"] == []
    assert found["as_asked"] == asked


def test_what_differs():
    wanted = [Desired("lan", spec={"mtu": {"size": 1400}}, autostart=None), Desired("new", autostart=None)]
    found = audit(wanted, mac={"address": "52:54:00:00:00:0a"}, link={"state": "down"})
    assert not found["as_asked"]
    assert rows(found, "differs", "missing") == [
        ("lan", "differs", "mtu.size"),
        ("new", "missing", ""),
        ("web", "differs", "nics[52:54:00:00:00:0a].link.state"),
        ("web", "differs", "nics[52:54:00:00:00:0a].link.state"),
    ]
    live, saved = (row for row in found["rows"] if row["domain"] == "web")
    assert {live["asked"], saved["asked"]} == {"down"}


def test_what_cannot_be():
    found = audit([Desired("lan", spec={"bridge": {"name": "virbr2"}}, autostart=None)])
    assert "bridge.name virbr2 is the bridge of network 'dmz'" in found["problems"]
    assert not found["as_asked"]
    assert rows(found, "differs") == [("lan", "differs", "bridge.name")]


@pytest.mark.parametrize(
    "nic,expected",
    [
        ({"mac": {"address": "52:54:00:00:00:0a"}}, [("web", "as_asked", "")]),
        (
            {"mac": {"address": "52:54:00:00:00:0a"}, "link": {"state": "down"}},
            [("web", "differs", "nics[52:54:00:00:00:0a].link.state")] * 2,
        ),
        ({"source": {"network": "none"}}, [("web", "invalid", "")]),
    ],
)
def test_a_guest_is_compared_also_where_a_network_cannot_be(nic, expected):
    found = audit([Desired("lan", spec={"bridge": {"name": "virbr2"}}, autostart=None)], **nic)
    assert "bridge.name virbr2 is the bridge of network 'dmz'" in " ".join(found["problems"])
    assert [row for row in rows(found, "as_asked", "differs", "invalid") if row[0] == "web"] == expected


def test_network_filters_are_compared():
    """Also with a NIC that refers to a filter which is asked for and not there."""
    host = nic_cases.host_of({"guest": {"saved": ["network lan a"], "live": ["network lan a"]}})
    host.put_nwfilter("<filter name='own' chain='ipv4'/>")
    rule = {"action": "drop", "direction": "out", "priority": 500, "arp": {}}
    filters = [
        DesiredFilter("own", spec={"chain": "arp"}),
        DesiredFilter("new", spec={"chain": "arp", "rules": [rule]}),
        DesiredFilter("clean-traffic"),
        DesiredFilter("none", present=False),
    ]
    nic = WantedNic("", {"mac": {"address": "52:54:00:00:00:0a"}, "filterref": {"filter": "new"}})

    def audited(*filters):
        found = survey(host, DesiredTopology([], [DesiredNics("web", (nic,))], filters=filters))
        of_filters = [row for row in found["rows"] if row["nwfilter"]]
        return found["problems"], [(row["nwfilter"], row["state"], row["path"]) for row in of_filters]

    problems, rows = audited(*filters)
    assert problems == []
    assert sorted(rows) == [
        ("clean-traffic", "as_asked", ""),
        ("new", "missing", ""),
        ("none", "as_asked", ""),
        ("own", "differs", "chain"),
    ]
    problems, rows = audited(DesiredFilter("own", spec={"filterrefs": [{"filter": "gone"}]}))
    assert "there is no filter 'gone' to refer to" in problems[0]
    assert rows == [("own", "invalid", "")]
