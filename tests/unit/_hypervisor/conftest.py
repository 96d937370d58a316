"""A gateway to libvirt's test driver."""

from __future__ import annotations

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._hypervisor.gateway import Gateway


@pytest.fixture
def gateway():
    """A connection to a test driver that has no networks but "default", and no guests but "test"."""
    made = Gateway("test:///default", readonly=False)
    yield made
    for network in made._conn.listAllNetworks():
        persistent = network.isPersistent()
        if network.name() != "default" and network.isActive():
            network.destroy()
        if network.name() != "default" and persistent:
            network.undefine()
    made.close()
