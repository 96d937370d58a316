"""Network filters in one task with networks and NICs, on the fake hypervisor: the order of all, all or none."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import NetworkError
from tests.unit._converge.test_topology import net, run
from tests.unit._converge.test_topology_nics import change, guest, on, refused, state
from tests.unit.fake_libvirt.guests import FakeGuests
from tests.unit.nic_cases import nic

OUT = {"action": "drop", "direction": "out"}
GONE = {"name": "old", "state": "absent"}
NEW = {"name": "new", "chain": "ipv4", "rules": [{**OUT, "ip": {"srcipaddr": "$SERVER"}}]}
SERVER = [{"name": "SERVER", "value": "10.1.0.9"}]


def behind(nwfilter, parameters=(), **more):
    """The NIC of guest web with a filter."""
    return guest(on("lan", filterref={"filter": nwfilter, "parameters": [*parameters]}, **more))


@pytest.fixture
def host():
    """A hypervisor with a network, and a running guest whose NIC refers to filter old."""
    made = FakeGuests(devices={}, schema=lambda _xml: [])
    run(made, net("lan", 1))
    made.put_nwfilter("<filter name='old'/>")
    mine = nic("network lan a <filterref filter='old'/>")
    made.put_guest("web", mine, mine)
    made.calls.clear()
    return made


def test_a_nic_refers_to_a_filter_of_the_same_task(host):
    wanted = [{"name": "outer", "filterrefs": [{"filter": "new"}]}, NEW]
    done, told = change(host, net("lan", 1), ifaces=[behind("outer", SERVER)], nwfilters=wanted)
    assert done == ["new definefilter", "outer definefilter", "web change", "web change"]
    assert [row.get("nwfilter") or row["guest"] for row in told["plan"]][-2:] == ["web", "web"]
    assert "define outer" in told["diff"][-1]["prepared"]


def test_a_nic_leaves_a_filter_before_it_is_deleted(host):
    done, _told = change(host, net("more", 2), ifaces=[behind("new", SERVER)], nwfilters=[GONE, NEW])
    assert [step for step in done if "more" not in step] == [
        "new definefilter",
        "web change",
        "web change",
        "old undefinefilter",
    ]


def test_a_nic_that_is_unplugged_refers_to_nothing(host):
    done, _told = change(host, ifaces=[guest(on("lan", state="absent"))], nwfilters=[GONE])
    assert done == ["web detach", "web detach", "old undefinefilter"]


@pytest.mark.parametrize(
    "filters,ifaces,why",
    [
        ([NEW], [behind("new")], "filter 'new' needs SERVER"),
        ([GONE], [behind("old")], "NICs of guests (web"),
        ([GONE, NEW], [], "NICs of guests (web"),
        ([{**NEW, "name": "old"}], [], "does not give SERVER"),
        ([{**NEW, "filterrefs": [{"filter": "none"}]}], [], "there is no filter 'none'"),
        ([NEW, {**NEW}], [], "nwfilters lists 'new' twice"),
    ],
)
def test_what_cannot_be_is_refused(host, filters, ifaces, why):
    assert why in refused(host, net("lan", 3), ifaces=ifaces, nwfilters=filters)


@pytest.mark.parametrize("after_effect", [False, True], ids=["before", "after"])
def test_a_failure_at_any_step_leaves_all_as_it_was(host, after_effect):
    wanted = {"ifaces": [behind("new", SERVER)], "nwfilters": [GONE, NEW]}
    before = state(host)
    steps = [step for one in run(host, net("more", 5), **wanted, dry_run=True) for step in one.plan.steps]
    assert len(steps) == 7
    for index in range(len(steps)):
        host.calls.clear()
        host.fail_at, host.after_effect = index, after_effect
        with pytest.raises(NetworkError, match=r"the test lets it fail.*(rolled back|removed again|not changed)"):
            run(host, net("more", 5), **wanted)
        host.fail_at = None
        assert state(host) == before
