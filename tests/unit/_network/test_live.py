"""What goes live: where libvirt's own rules for entries would hit another one, and very long lists."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._network.live import _crowded, _entries, _path, split
from ansible_collections.virtfleet.network.plugins.module_utils._network.live_lists import LiveList
from ansible_collections.virtfleet.network.plugins.module_utils._network.plan import plan_network
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import parse, read_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.diff import differences
from tests.unit.case_files import actions_of, desired_of
from tests.unit.fake_libvirt.host import FakeHost

HEAD = "<network><name>lan</name><bridge name='virbr50'/><ip address='10.0.0.1' netmask='255.255.0.0'>"


def network(*hosts, dns=""):
    return f"{HEAD}<dhcp>{''.join(hosts)}</dhcp></ip><dns>{dns}</dns></network>"


def calls(before, after, version=9000000):
    first, second = read_xml(before), read_xml(after)
    found, rest = split("lan", parse(first, NETWORK), differences(first, second, NETWORK), version)
    return [f"{call.command} {call.xml}" for call in found], [change.path for change in rest]


A = '<host mac="52:54:00:00:00:0a" ip="10.0.0.10"/>'
B = '<host name="b" ip="10.0.0.10"/>'
C = '<host mac="52:54:00:00:00:0c" name="c" ip="10.0.0.12"/>'
PLACE = "ips[10.0.0.0/16].dhcp.hosts"


def test_a_call_that_would_hit_another_reservation_is_not_made():
    # libvirt takes a reservation without MAC address for any other one at its address.
    assert calls(network(B, A), network(B)) == ([], [f"{PLACE}[52:54:00:00:00:0a]"])
    assert calls(network(B, C), network(C)) == ([f"delete {B}"], [])


def test_a_reservation_that_would_be_refused_is_not_added():
    assert calls(network(A), network(A, B)) == ([], [f"{PLACE}[b]"])
    assert calls(network(A), network(B)) == ([f"delete {A}", f"add {B}"], [])


@pytest.mark.parametrize("version,live", [(9000000, True), (7000000, False)])
def test_names_of_several_dns_hosts(version, live):
    five, six = (f'<host ip="10.0.0.{last}"><hostname>five</hostname></host>' for last in (5, 6))
    found, rest = calls(network(C, dns=five), network(C, dns=five + six), version)
    assert (found, rest) == (([f"add {six}"], []) if live else ([], ["dns.hosts[10.0.0.6]"]))


def test_a_dns_host_is_deleted_by_its_address_alone():
    # By names too, libvirt would find the other one and refuse.
    five, six = (f'<host ip="10.0.0.{last}"><hostname>five</hostname></host>' for last in (5, 6))
    assert calls(network(C, dns=five + six), network(C, dns=five)) == (["delete <host ip='10.0.0.6'/>"], [])


def test_titles_wait_for_a_library_that_can_tell_them():
    before, after = "<network><name>lan</name></network>", "<network><name>lan</name><title>t</title></network>"
    first, second = read_xml(before), read_xml(after)
    for version, texts in ((9006000, []), (9007000, ["t"])):
        found, rest = split("lan", {}, differences(first, second, NETWORK), version)
        assert ([call.text for call in found], rest) == (texts, [])


# ---- thousands ----


def many(count, shift=0):
    return [
        {"mac": f"52:54:00:01:{index >> 8:02x}:{index & 255:02x}", "ip": _address(index + shift)}
        for index in range(count)
    ]


def _address(index):
    return f"10.0.{index + 10 >> 8}.{index + 10 & 255}"


def planned(before, after, guests=(), restart="idle"):
    """The plan for a list of reservations that becomes another one."""
    case = {"desired": {"ips": [{"address": "10.0.0.1/16", "dhcp": {"hosts": after}}]}}
    host = FakeHost()
    host.put("lan", network(*(f"<host mac='{one['mac']}' ip='{one['ip']}'/>" for one in before)), "same", True, guests)
    return plan_network(
        desired_of(case), host.observe("lan")._replace(guests=host.guests()["lan"]), Policy(restart), 9000000
    )


def test_thousands_of_reservations_come_with_one_restart():
    assert actions_of(planned([], many(3000))) == ["define", "stop", "start"]
    assert actions_of(planned(many(3000), [])) == ["define", "stop", "start"]


def test_under_guests_they_come_one_by_one():
    plan = planned([], many(3000), (Guest("vm1", True, ()),))
    assert actions_of(plan) == ["define", *["update"] * 3000]
    assert plan.restart_required is False


def test_thousands_that_all_change_are_deleted_before_they_are_added():
    plan = planned(many(2000), many(2000, shift=1), restart="never")
    assert [step.command for step in plan.steps[1:]] == [*["delete"] * 2000, *["add"] * 2000]


def test_one_of_thousands_goes_live():
    plan = planned(many(3000), many(3001))
    assert actions_of(plan) == ["define", "update"]


def test_a_collision_among_thousands_is_found():
    twice = [*many(200), {"mac": "52:54:00:02:00:00", "ip": "10.0.0.10"}]
    assert actions_of(planned(many(199), twice, restart="never")) == ["define"]


def test_a_second_subnet_serves_dhcp_only_when_the_first_does_not():
    serving, silent = {"address": "10.0.0.1", "dhcp": {"hosts": [{"ip": "10.0.0.9"}]}}, {"address": "10.0.1.1"}
    six = {"address": "fd00::1"}
    live = {"ips": [serving, silent, six]}
    assert [_crowded(live, place) for place in range(3)] == [False, True, False]


def live_lists(rows):
    """The section of every list that changes live."""
    return [each for row in rows for each in ([row.live] if row.live and row.rows else live_lists(row.rows))]


@pytest.mark.parametrize("section", live_lists(NETWORK))
def test_entries_of_every_list_are_found_and_told_apart(section):
    *above, option = _path(section)
    spec = {option: ["an entry"]}
    for name in reversed(above):
        spec = {name: [spec] if name == "ips" else spec}
    assert _entries(spec, section, 0) == ["an entry"]
    assert LiveList(section, [], 0).fields
