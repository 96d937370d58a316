"""What a transaction looks at before its first step: checks, surroundings, schema, and what was wrong before."""

from __future__ import annotations

import re

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidNetworkError
from ansible_collections.virtfleet.network.plugins.module_utils._network.conflicts import UNCHECKED_HOST
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired, Policy
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device
from ansible_collections.virtfleet.network.plugins.module_utils._values.surroundings import Lack
from tests.unit.case_files import actions_of, spec_of, xml_of
from tests.unit.fake_libvirt.host import FakeHost
from tests.unit.jobs import converge

NO_SCHEMA = "the definition was not checked against the hypervisor's libvirt schema, which is not here"
WRONG = {"address": "192.168.50.1/24", "dhcp": {"ranges": [{"start": "10.9.9.1", "end": "10.9.9.2"}]}}


def wanted(**options):
    return Desired("lan", spec=spec_of(options))


def run(host, desired, dry_run=False):
    return converge(host, [desired], Policy(), dry_run, 1)[0]


def problems_of(host, desired):
    with pytest.raises(InvalidNetworkError) as failure:
        run(host, desired)
    assert host.calls == []
    return failure.value.problems


@pytest.mark.parametrize("dry_run", [True, False])
def test_all_problems_come_in_one_error_of_both_runs(dry_run):
    host = FakeHost(devices={"eth0": Device(False, "", {}, ("192.168.50.9/24",))})
    host.put("other", xml_of("small").replace(">lan<", ">other<"), "same")
    bad = wanted(ips=[WRONG], mtu={"size": 68}, title="t")._replace(problems=("uuid is wrong",))
    with pytest.raises(InvalidNetworkError) as failure:
        run(host, bad, dry_run)
    words = ["uuid is wrong", "title needs libvirt", "outside its subnet", "of network 'other'", "own address on eth0"]
    assert [word for word in words if word not in str(failure.value)] == []
    assert len(failure.value.problems) == len(words)


@pytest.mark.parametrize(
    "options",
    [
        {"dns": {"hosts": [{"hostnames": ["a"]}]}},
        {"dns": {"txts": [{"value": "a"}]}},
        {"dns": {"srvs": [{"target": "a"}]}},
        {"ips": [{"address": "192.168.50.1/24", "dhcp": {"hosts": [{"lease": {"expiry": 0}}]}}]},
        {"ips": [{"address": "192.168.50.1/24", "dhcp": {"ranges": [{"lease": {"expiry": 0}}]}}]},
        {"forward": {"mode": "nat", "interfaces": [{"dev": ""}]}},
        {"portgroups": [{"default": True}]},
    ],
    ids=["dns-hosts", "dns-txts", "dns-srvs", "dhcp-hosts", "dhcp-ranges", "interfaces", "portgroups"],
)
@pytest.mark.parametrize("live", ["", "same"], ids=["inactive", "running"])
def test_an_entry_that_is_not_told_in_full_is_a_problem(options, live):
    host = FakeHost()
    host.put("lan", xml_of("lan"), live, True)
    assert any(" needs " in problem for problem in problems_of(host, wanted(**options)))


def test_an_invalid_option_alone_is_told_even_without_a_change():
    host = FakeHost()
    host.put("lan", xml_of("small"), "same", True)
    assert problems_of(host, wanted(bridge={"zone": "z"})._replace(problems=("mtu.size is wrong",))) == [
        "mtu.size is wrong"
    ]


def test_what_was_wrong_before_is_no_reason_to_refuse_another_change():
    host = FakeHost(devices={"eth0": Device(False, "", {}, ("192.168.50.9/24",))})
    host.put("lan", xml_of("lan").replace("ip='192.168.50.11'", "ip='10.9.9.9'"), "same", True)
    assert actions_of(run(host, wanted(dns={"txts": []})).plan) == ["define", "update"]


def test_what_a_change_makes_wrong_is():
    host = FakeHost()
    host.put("lan", xml_of("lan").replace("ip='192.168.50.11'", "ip='10.9.9.9'"), "same", True)
    assert len(problems_of(host, wanted(domain={"local_only": True}))) == 1


def test_a_network_keeps_its_uuid():
    host = FakeHost()
    host.put("lan", xml_of("small"), "same", True)
    told = problems_of(host, wanted(uuid="3e3fce45-4f53-4fa7-bb32-000000000000"))
    assert told == [
        "uuid of an existing network cannot change from 3e3fce45-4f53-4fa7-bb32-11f34168b850: delete the network first"
    ]


def test_deleting_needs_no_checks():
    host = FakeHost(schema=lambda _xml: ["wrong"])
    host.put("lan", xml_of("small"), "", True)
    assert actions_of(run(host, Desired("lan", present=False)).plan) == ["undefine"]


# ---- what could not be checked ----


@pytest.mark.parametrize(
    "more,expected",
    [
        ({}, [UNCHECKED_HOST, NO_SCHEMA]),
        ({"devices": {}}, [NO_SCHEMA]),
        ({"schema": lambda _xml: []}, [UNCHECKED_HOST]),
        ({"devices": {}, "schema": lambda _xml: []}, []),
    ],
)
def test_the_result_says_what_was_not_checked(more, expected):
    assert list(run(FakeHost(**more), wanted()).plan.unchecked) == expected


def test_nothing_was_left_unchecked_where_nothing_changes():
    host = FakeHost()
    host.put("lan", xml_of("small"), "same", True)
    assert run(host, wanted()).plan.unchecked == ()


# ---- the schema ----


def test_the_schema_is_asked_about_what_would_be_defined():
    asked = []
    host = FakeHost(schema=lambda xml: asked.append(xml) or ["Did not expect element x"])
    plan = run(host, wanted(mtu={"size": 1400}, ips=[{"address": "10.0.0.1/24"}])).plan
    (warning,) = plan.warnings
    assert "libvirt takes the definition, although its schema does not (Did not expect element x)" in warning
    assert '<mtu size="1400"/>' in asked[0]


@pytest.mark.parametrize(
    "xml,told",
    [
        (
            "<network><name>lan</name><bridge colour='blue'/></network>",
            'would drop, a part of .*<bridge colour="blue">',
        ),
        ("<network><name>lan</name><bridge name='b' macTableManager='?'/></network>", "Invalid macTableManager"),
    ],
)
def test_what_libvirts_parser_refuses_or_drops_is_a_problem(xml, told):
    host = FakeHost(schema=lambda _xml: ["Did not expect this"])
    (problem,) = problems_of(host, Desired("lan", xml=NetworkDefinition(xml)))
    assert re.search(told, problem)


def test_a_new_address_has_a_prefix_and_an_old_one_may_go_on_without():
    told = ["ips[11.5.0.1] needs a prefix: write address: 11.5.0.1/PREFIX, or give prefix or netmask"]
    assert problems_of(FakeHost(), wanted(ips=[{"address": "11.5.0.1"}])) == told
    for given in ({"address": "11.5.0.1/16"}, {"address": "11.5.0.1", "netmask": "255.255.0.0"}):
        assert run(FakeHost(), wanted(ips=[given])).plan.steps
    guessed = "<network><name>lan</name><ip address='11.5.0.1'/></network>"
    assert run(FakeHost(), Desired("lan", xml=NetworkDefinition(guessed))).plan.steps
    host = FakeHost()
    host.put("lan", guessed, "", True)
    assert run(host, wanted(ips=[{"address": "11.5.0.1", "local_ptr": True}])).plan.steps


def test_a_schema_that_refuses_what_libvirt_has_already_is_not_heard():
    host = FakeHost(schema=lambda _xml: ["wrong"])
    host.put("lan", xml_of("small"), "", True)
    assert actions_of(run(host, wanted(mtu={"size": 1400})).plan) == ["define", "start"]


def test_the_schema_is_not_asked_about_a_definition_that_is_wrong_anyway():
    def schema(_xml):
        raise AssertionError

    assert len(problems_of(FakeHost(schema=schema), wanted(ips=[WRONG]))) == 1


# ---- warnings and leftovers ----


def test_warnings_name_the_network():
    host = FakeHost()
    host.put("other", xml_of("small").replace(">lan<", ">other<"), "")
    done = run(host, wanted(ips=[{"address": "192.168.50.2/24"}]))
    assert done.plan.warnings == ("Network 'lan': subnet 192.168.50.0/24 overlaps 192.168.50.0/24 of network 'other'",)


def test_a_bridge_left_behind_is_removed_before_the_start():
    left = Device(True, "52:54:00:aa:00:50", {"vnet0": False}, ("192.168.50.1/24",))
    host = FakeHost(devices={"virbr50": left})
    host.put("lan", xml_of("small"), "", True)
    assert actions_of(run(host, wanted(), dry_run=True).plan) == ["removebridge", "start"]
    assert actions_of(run(host, wanted(domain={"name": "d"})).plan) == ["define", "removebridge", "start"]
    assert host.observe("lan").active


def test_a_failed_start_brings_no_bridge_back():
    left = Device(True, "52:54:00:aa:00:50", {}, ())
    host = FakeHost(devices={"virbr50": left})
    host.put("lan", xml_of("small"), "", True)
    host.fail_at = 1
    with pytest.raises(Exception, match="was not changed"):
        run(host, wanted())
    assert not host.state()["lan"].active


# ---- what the host lacks ----


def lacking(problem, unchecked=""):
    """A host that lacks whatever it is asked for, and keeps what that was."""
    host = FakeHost(devices={})
    host.asked = []

    def answer(needs):
        host.asked = needs
        return Lack([problem] if needs else [], [unchecked] if unchecked else [])

    host.lacking = answer
    return host


@pytest.mark.parametrize("dry_run", [True, False])
def test_what_the_host_lacks_for_a_start_is_a_problem(dry_run):
    host = lacking("firewalld is away")
    with pytest.raises(InvalidNetworkError) as failure:
        run(host, wanted(bridge={"zone": "z"}), dry_run)
    assert failure.value.problems == ["firewalld is away"]
    assert run(host, wanted(bridge={"zone": "z"})._replace(active=False), dry_run).plan.steps


def test_a_restart_is_a_start_too_whatever_was_so_before():
    host = lacking("firewalld is away")
    host.put("lan", xml_of("lan").replace("<bridge ", "<bridge zone='z' "), "same", True)
    assert problems_of(host, wanted(mtu={"size": 1400})) == ["firewalld is away"]
    assert actions_of(run(host, wanted(dns={"txts": []})).plan) == ["define", "update"]
    device = Device(False, "", {}, (), routes=("192.168.50.0/24",))
    blocked = FakeHost(devices={"eth0": device})
    blocked.put("lan", xml_of("lan"), "same", True)
    told = ["subnet 192.168.50.0/24 is a route of the hypervisor already, through eth0"]
    assert problems_of(blocked, wanted(mtu={"size": 1400})) == told


def test_a_network_does_not_wait_for_the_port_that_another_one_of_its_task_frees():
    host = lacking("all is taken")
    host.lacking = lambda needs: host.asked.extend(needs) or Lack([], [])
    host.put("old", xml_of("lan").replace(">lan<", ">old<"), "same", True)
    new = Desired("lan", spec=spec_of({"ips": [{"address": "192.168.50.1/24"}]}))
    converge(host, [Desired("old", present=False), new], Policy(), True, 1)
    assert [need for need in host.asked if need.kind == "port"] == []
    converge(host, [new._replace(spec=spec_of({"ips": [{"address": "10.9.0.1/24"}]}))], Policy(), True, 1)
    assert {need.values[1] for need in host.asked if need.kind == "port"} == {"10.9.0.1"}


def test_what_could_not_be_tried_is_said():
    host = lacking("", "it takes root")
    host.lacking = lambda _needs: Lack([], ["it takes root"])
    assert "it takes root" in run(host, wanted(ips=[{"address": "192.168.50.1/24"}])).plan.unchecked


def test_libvirt_takes_no_definition_with_the_bridge_of_another_network():
    host = FakeHost(devices={})
    host.put("lan", xml_of("lan"), "same", True)
    host.put(
        "other", "<network><name>other</name><forward mode='bridge'/><bridge name='virbr50'/></network>", "same", True
    )
    assert problems_of(host, wanted(mtu={"size": 1400})) == ["bridge.name virbr50 is the bridge of network 'other'"]
