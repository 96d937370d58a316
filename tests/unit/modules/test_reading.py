"""XML crosses the border once: where nothing is to be done, each definition is read once."""

from __future__ import annotations

from collections import Counter

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._xml import codec as _codec
from tests.unit.case_files import definition
from tests.unit.run_module import driver_of_tests, run_module

LAN = {"bridge": {"name": "virbr60"}, "ips": [{"address": "10.60.0.1/24"}]}
RECORD = {"ip": "10.60.0.9", "hostnames": ["nine"]}
MAC = {"address": "aa:bb:cc:dd:ee:ff"}
SITE = {
    "networks": [{"name": "lan", **LAN}],
    "ifaces": [{"domain": "test", "ifaces": [{"mac": MAC}]}],
}


@pytest.fixture
def network():
    """A network that runs, on the test driver."""
    with driver_of_tests() as gateway:
        made = gateway._conn.networkDefineXML(definition({**LAN, "dns": {"hosts": [RECORD]}}, "lan"))
        made.create()
        made.setAutostart(1)
        yield made


# A network has two definitions, a guest a third one, which only those may read who may change it. An audit reads all.
@pytest.mark.parametrize(
    "module,options,definitions",
    [
        ("virt_network", {"name": "lan", **LAN}, 2),
        ("virt_dns_host", {"network": "lan", **RECORD}, 2),
        ("virt_iface", {"domain": "test", "mac": MAC}, 3),
        ("virt_topology", SITE, 5),
        ("virt_topology", {**SITE, "name": "site", "purge": "owned"}, 5),
        ("virt_network_audit", SITE, 6),
    ],
)
def test_a_definition_is_read_once(monkeypatch, network, module, options, definitions):
    read, parse = Counter(), _codec.etree.fromstring

    def counted(text, parser):
        read[text.decode()] += text.startswith((b"<network", b"<domain"))
        return parse(text, parser)

    monkeypatch.setattr(_codec.etree, "fromstring", counted)
    result = run_module(module, **options)
    assert not result.get("changed"), result
    assert sum(read.values()) == definitions
    # The driver shows the live config of a network also as its persistent one.
    assert read[str(network.XMLDesc())] == (2 if module != "virt_iface" else 0)
