"""A gateway that asks each thing once, on libvirt's test driver."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.guests import Guests
from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.snapshot import ONCE, Snapshot
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of

URI = "test:///default"
ARGUMENTS = {"leases": ("default",), "addresses": ("test", False)}


@pytest.fixture
def both():
    made = Guests(URI, readonly=False), Snapshot(URI, readonly=False)
    yield made
    for one in made:
        one.close()


@pytest.mark.parametrize("name", ONCE)
def test_it_tells_the_same(both, name):
    plain, kept = (getattr(one, name)(*ARGUMENTS.get(name, ())) for one in both)
    assert plain == kept


def test_what_changes_meanwhile_is_not_seen(both):
    plain, kept = both
    before = kept.networks()
    network = plain._conn.networkLookupByName("default")
    network.destroy()
    try:
        assert kept.networks() == before != plain.networks()
        assert kept.observe("default") == before[0]
    finally:
        network.create()


def test_a_network_among_all(both):
    plain, kept = both
    parking = parking_of("default").network
    plain._conn.networkCreateXML(f"<network><name>{parking}</name></network>")
    try:
        for name in ("default", parking, "none"):
            assert kept.observe(name) == plain.observe(name)
        assert kept.observe("default").parking
    finally:
        plain._conn.networkLookupByName(parking).destroy()
