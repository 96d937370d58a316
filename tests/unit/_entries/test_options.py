"""The options of the modules for entries: what AnsibleModule takes and refuses, and what is said of bad values."""

from __future__ import annotations

import copy

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.virtfleet.network.plugins.module_utils._entries.options import entry_options, entry_rules
from ansible_collections.virtfleet.network.plugins.module_utils._xml.fields import argument_spec
from tests.unit.entry_cases import KINDS, LAN, desired, entries_in, example, objections_of, params

EVERY_KIND = pytest.mark.parametrize("name", KINDS)
# An entry of each kind that is not there: the least that one needs, or more of what it may have.
RICHER = {
    "dhcp_host": {"mac": "52:54:00:00:00:09", "ip": "192.168.50.19", "name": "nine", "lease": {"expiry": 5}},
    "dhcp_range": {"start": "192.168.50.50", "end": "192.168.50.59", "lease": {"expiry": 5}},
    "dns_host": {"ip": "192.168.50.9", "hostnames": ["nine"]},
    "dns_srv": {
        "service": "sip",
        "protocol": "udp",
        "domain": "d",
        "target": "t",
        "port": 1,
        "weight": 2,
        "priority": 3,
    },
    "dns_txt": {"name": "nine", "value": "9"},
    "portgroup": {"name": "nine", "default": False, "vlan": {"tags": [{"id": 9}]}, "trust_guest_rx_filters": True},
}
NEW = {name: RICHER.get(name) or example(kind, "192.168.50.19") for name, kind in KINDS.items()}
THERE = {name: len(entries_in(kind, LAN)) for name, kind in KINDS.items()}


def refusals(name, options):
    """What AnsibleModule says against options."""
    kind = KINDS[name]
    return ArgumentSpecValidator(entry_options(kind), **entry_rules(kind)).validate(options).error_messages


@EVERY_KIND
def test_one_entry_or_a_list_of_them_mean_the_same(name):
    bulk = KINDS[name].path[-1]
    alone, listed = (desired(KINDS[name], one).edit(LAN.spec) for one in (NEW[name], {bulk: [NEW[name]]}))
    assert alone == listed
    assert len(alone.entry_changes.added) == 1
    assert alone.problems == []


@EVERY_KIND
def test_every_field_of_an_entry_is_an_option_of_both(name):
    kind, options = KINDS[name], entry_options(KINDS[name])
    fields = argument_spec(kind.row.rows)
    assert fields.keys() | {"state"} == options[kind.path[-1]]["options"].keys()
    for field, option in fields.items():
        for place in (options, options[kind.path[-1]]["options"]):
            assert {part: place[field][part] for part in option} == option


@EVERY_KIND
def test_the_list_excludes_every_field_of_a_single_entry(name):
    bulk = KINDS[name].path[-1]
    for field, value in {**NEW[name], "state": "absent"}.items():
        (told,) = refusals(name, {"network": "lan", bulk: [copy.deepcopy(NEW[name])], field: value})
        assert told == f"parameters are mutually exclusive: {bulk}|{field}"


@EVERY_KIND
def test_a_task_without_any_entry_is_refused(name):
    told = refusals(name, {"network": "lan", "exclusive": True})
    assert [text.startswith("one of the following is required: " + KINDS[name].path[-1]) for text in told] == [True]
    assert refusals(name, {"network": "lan", KINDS[name].path[-1]: []}) == []
    assert refusals(name, {KINDS[name].path[-1]: []}) == ["missing required arguments: network"]


@EVERY_KIND
def test_an_empty_list_removes_all_only_when_it_is_exclusive(name):
    kind = KINDS[name]
    for exclusive in (False, True):
        entry_changes = desired(kind, {kind.path[-1]: [], "exclusive": exclusive}).edit(LAN.spec).entry_changes
        assert (len(entry_changes.left), len(entry_changes.removed)) == (
            (0, THERE[name]) if exclusive else (THERE[name], 0)
        )


@EVERY_KIND
def test_one_that_shall_go_does_not_take_all_with_it(name):
    kind, task = KINDS[name], {**NEW[name], "state": "absent"}
    assert desired(kind, task).problems == ()
    (problem,) = desired(kind, {**task, "exclusive": True}).problems
    assert problem == f"exclusive with state=absent would remove all: say {kind.path[-1]}=[] if that is meant"


def test_a_hostname_is_a_name():
    for options in ({"hostname": "x"}, {"hosts": [{"hostname": "x"}]}, {"name": "x"}):
        found = params(KINDS["dhcp_host"], options)
        assert (found["hosts"] or [found])[0]["name"] == "x"


def test_conflicts_and_names_are_options_of_who_has_them():
    having = {
        option: [name for name in KINDS if option in entry_options(KINDS[name])] for option in ("conflict", "append")
    }
    assert having == {"conflict": ["dhcp_host"], "append": ["dns_host"]}


BAD = [
    (
        "dhcp_host",
        {"hosts": [{"mac": "x", "ip": "192.168.50.300", "state": "absent"}, {"id": "1:2", "ip": "1::x", "name": "-"}]},
        [
            "hosts[0].mac must be a MAC address, not 'x'",
            "hosts[0].ip must be an IPv4 or IPv6 address, not '192.168.50.300'",
            "hosts[1].id must be a DHCP unique identifier like 00:03:00:01:52:54:00:11:22:33, not '1:2'",
            (
                "hosts[1].name must be a name of letters, digits, dots, hyphens and underscores, not a number, a time, "
                "an address, ignore or infinite, not '-'"
            ),
            "hosts[1].ip must be an IPv4 or IPv6 address, not '1::x'",
        ],
    ),
    (
        "dhcp_host",
        {"mac": "525400000001", "name": "a\nb", "ip": "192.168.50.14", "lease": {"expiry": -1}},
        [
            "mac must be a MAC address (put it in quotes), not '525400000001'",
            "name must not contain control characters, not 'a\\nb'",
            "lease.expiry must be a whole number from 0 to 4294967295, not -1",
        ],
    ),
    (
        "dhcp_range",
        {"ranges": [{"start": "x", "end": "y"}]},
        [
            "ranges[0].start must be an IPv4 or IPv6 address, not 'x'",
            "ranges[0].end must be an IPv4 or IPv6 address, not 'y'",
        ],
    ),
    (
        "dns_host",
        {"hosts": [{"ip": "192.168.50.5", "hostnames": ["*.good", "not good"]}, {"ip": "x", "state": "absent"}]},
        [
            "hosts[0].hostnames[1] must be a name without spaces and number signs, not 'not good'",
            "hosts[1].ip must be an IPv4 or IPv6 address, not 'x'",
        ],
    ),
    (
        "dns_srv",
        {"service": "l dap", "protocol": "tcp", "port": 70000},
        [
            "service must be a service name of at most 62 letters, digits and -_+/*, not 'l dap'",
            "port must be a whole number from 1 to 65535, not 70000",
        ],
    ),
    (
        "dns_txt",
        {"name": "a b", "state": "absent"},
        ["name must be a name of ASCII characters without spaces, commas and double quotes, not 'a b'"],
    ),
    (
        "portgroup",
        {"portgroups": [{"name": "p", "vlan": {"tags": [{"id": 5000}]}}]},
        ["portgroups[0].vlan.tags[0].id must be a whole number from 0 to 4095, not 5000"],
    ),
]


@pytest.mark.parametrize(
    "name,options,problems", BAD, ids=[f"{name}: {problems[0]}" for name, _options, problems in BAD]
)
def test_every_bad_value_is_told_with_its_place(name, options, problems):
    assert objections_of(desired(KINDS[name], options)) == problems


def test_bad_values_and_what_else_is_wrong_are_told_together():
    hosts = [{"mac": "x", "ip": "192.168.50.20"}, {"mac": "52:54:00:00:00:09", "ip": "10.9.9.9"}]
    told = objections_of(desired(KINDS["dhcp_host"], {"hosts": hosts}))
    assert [text.split(" ")[0] for text in told] == ["hosts[0].mac", "52:54:00:00:00:09"]
