"""From a NIC of one kind to another, running and saved: what is asked for is there, and stays."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import InvalidNicsError
from ansible_collections.virtfleet.network.plugins.module_utils._nics.info import nic_summary
from ansible_collections.virtfleet.network.plugins.module_utils._nics.nics import nics_of
from tests.unit.case_files import load
from tests.unit.fake_libvirt.guests import FakeGuests
from tests.unit.jobs import converge_nics
from tests.unit.nic_cases import desired_of

MAC = {"address": "52:54:00:00:00:0a"}


def pluggable(spec):
    """A spec without what only another sort of network could give it."""
    network = "network" in spec.get("source", {})
    rates = {way: {**rate, "floor": None} for way, rate in spec.get("bandwidth", {}).items()}
    less = {"vlan": {}, "bandwidth": rates} if network and "vlan" in spec else {}
    return {**spec, **less, "mac": MAC}


SPECS = {name: pluggable(one["spec"]) for name, one in load("interfaces").items()}
GROUPS = {
    (spec["source"]["network"], spec["source"].get("portgroup"))
    for spec in SPECS.values()
    if "network" in spec.get("source", {})
}


def host_with_networks():
    host = FakeGuests(version=12008000)
    host.driver = lambda: "LXC"  # some of the specs are of containers
    for number, name in enumerate(sorted({network for network, _group in GROUPS})):
        groups = "".join(f"<portgroup name='{group}'/>" for network, group in GROUPS if network == name and group)
        xml = f"<network><name>{name}</name><bridge name='virbr{number}'/>{groups}</network>"
        host.put(name, xml, "same")
    host.put_guest("web", "", "")
    return host


def bring(host, spec):
    return converge_nics(host, desired_of({"desired": {**spec, "replace": True}}), False, 5).plan.steps


@pytest.mark.parametrize("place", range(len(SPECS)))
def test_pairs(place):
    specs = list(SPECS.values())
    for step in (1, 2, 3, 5, 8):
        one, other = specs[place], specs[(place + step) % len(specs)]
        host = host_with_networks()
        assert bring(host, one)
        assert bring(host, one) == ()
        before = host.state_of_guests()
        try:
            bring(host, other)
        except InvalidNicsError:
            # What only goes with the old type does not go by itself.
            assert host.state_of_guests() == before
            continue
        assert bring(host, other) == ()
        (nic,) = nics_of(host.observe_guest("web"))
        assert bring(host, nic_summary(nic, {})["spec"]) == ()
