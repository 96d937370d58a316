"""Each rule about a definition, tried on real libvirts: what they take, and harms nobody, is a warning at the most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libvirt
import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import Caution
from ansible_collections.virtfleet.network.plugins.module_utils._network.checks import remarks
from ansible_collections.virtfleet.network.plugins.module_utils._network.dnsmasq import line_remarks
from ansible_collections.virtfleet.network.plugins.module_utils._network.target import build
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import NETWORK
from ansible_collections.virtfleet.network.plugins.module_utils._values.desired import Desired
from ansible_collections.virtfleet.network.plugins.module_utils._values.mode import mode
from ansible_collections.virtfleet.network.plugins.module_utils._xml.codec import parse, read_xml
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from ansible_collections.virtfleet.network.plugins.module_utils._xml.overlay import overlay
from tests.unit.case_files import load, network_of, spec_of

from ..stage import Stage

pytestmark = pytest.mark.lab

BRIDGE, DEVICES = "br0", ("eth1", "eth2")
# There are no virtual functions here, and no Open vSwitch: such networks are only defined.
STARTED = ("", "nat", "route", "open", "bridge", "private", "vepa")


@pytest.fixture
def connection(stage: Stage) -> Iterator[Any]:
    stage.bridge(BRIDGE)
    for device in DEVICES:
        stage.host.run(["ip", "link", "add", device, "up", "type", "veth", "peer", "name", f"{device}-far"])
    connection = libvirt.open(stage.host.uri)
    yield connection
    connection.close()
    for device in DEVICES:
        stage.host.run(["ip", "link", "delete", device])


def answer(connection: Any, options: dict[str, Any], start: bool) -> str:
    """Return what libvirt does with a network: "refused", also when it starts, "dropped" in parts, or "taken"."""
    spec = spec_of({**options, "name": "n"})
    wanted = build(Desired("n", spec=spec), ABSENT).definition
    try:
        network = connection.networkDefineXML(wanted.text)
    except libvirt.libvirtError:
        return "refused"
    try:
        kept = read_xml(network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE))
        dropped = overlay(kept, NETWORK, parse(kept, NETWORK), spec)
        if start and mode(spec) in STARTED and "virtualport" not in spec:
            network.create()
            network.destroy()
    except libvirt.libvirtError:
        return "refused"
    finally:
        network.undefine()
    return "dropped" if dropped else "taken"


def test_a_rule_is_an_error_only_where_libvirt_refuses_or_somebody_suffers(connection: Any) -> None:
    version, wrong = connection.getLibVersion(), []
    cases = [case for name in ("checks", "addresses") for case in load(name)]
    for case in cases:
        for kind in ("wrong", "right"):
            spec = network_of(case[kind]).spec
            told = [*remarks(spec, version), *line_remarks(spec, {})]
            errors = [remark for remark in told if not isinstance(remark, Caution)]
            if case[kind].get("forward", {}).get("addresses"):
                continue  # libvirt looks for such a device
            found = answer(connection, case[kind], kind == "wrong")
            harm = kind == "wrong" and "harm" in case
            if bool(errors) != (found != "taken" or harm):
                wrong.append(f"{case['rule']}, {kind}: {found} by libvirt {version}, and {errors or told}")
    assert len(cases) > 70
    assert wrong == [], "\n".join(wrong)
