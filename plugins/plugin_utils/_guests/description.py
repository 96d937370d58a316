# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an inventory says of a hypervisor's guests, from what libvirt says of them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...module_utils._errors.errors import DefinitionError
from ...module_utils._hypervisor.gateway import Lease
from ...module_utils._hypervisor.guests import Address
from ...module_utils._hypervisor.listing import Listed
from ...module_utils._nics.info import unplugged
from ...module_utils._nics.nics import interfaces, mac_of, spec_of, tap_of
from ...module_utils._nics.verdict import Sights, connection
from ...module_utils._values.mode import is_managed, mode
from ...module_utils._values.observed import Observed
from ...module_utils._xml.codec import Element
from ...module_utils._xml.fields import Spec
from .addresses import made_of, reserved, usable

_WORDS = {"arp": "neighbour"}


class Findings(NamedTuple):
    """What a hypervisor says besides its guests: what NICs are judged by, the leases of each network, and its
    neighbours, each with MAC and IP address."""

    sights: Sights
    leases: Mapping[str, Sequence[Lease]]
    neighbours: Sequence[tuple[str, str]] = ()


def described(listed: Listed, findings: Findings) -> dict[str, Any]:
    """A guest as plain data. One whose definition cannot be read has neither NICs nor metadata, and says why."""
    guest = {"name": listed.guest.name, "uuid": listed.guest.uuid, "state": listed.state}
    definition = listed.guest.live or listed.guest.saved
    try:
        nics = [_nic(listed, one, findings) for one in interfaces(definition)]
        return {**guest, "nics": nics, "metadata": _metadata(definition.tree.find("metadata")), "problem": ""}
    except DefinitionError as error:
        return {**guest, "nics": [], "metadata": {}, "problem": str(error)}


def _nic(listed: Listed, interface: Element, findings: Findings) -> dict[str, Any]:
    spec, tap = spec_of(interface), tap_of(interface)
    networks, mac = findings.sights.networks, mac_of(spec)
    seen = connection(spec, tap, findings.sights) if listed.guest.live else unplugged(listed.guest)
    network, bridge = _place(spec, networks)
    there = networks.get(network)
    return {
        "mac": mac,
        "type": str(spec.get("type", "")),
        "network": network,
        "bridge": bridge,
        "forward": (mode(_config(there)) or "isolated") if there else "",
        "link": str(spec.get("link", {}).get("state", "up")),
        "connected": seen.connected,
        "reason": seen.reason,
        "addresses": list(_addresses(listed, mac, network, findings)),
    }


def _place(spec: Spec, networks: Mapping[str, Observed]) -> tuple[str, str]:
    """The network and the bridge that a NIC is on: also a network that is named by its bridge."""
    source = spec.get("source", {})
    bridges = {name: _bridge(one) for name, one in networks.items()}
    name = str(source.get("network", ""))
    if name:
        return name, bridges.get(name, "")
    bridge = str(source.get("bridge", ""))
    owners = [name for name, its in bridges.items() if bridge == its and is_managed(_config(networks[name]))]
    return (owners[0] if owners else ""), bridge


def _config(network: Observed) -> Spec:
    return (network.live or network.saved).spec


def _bridge(network: Observed) -> str:
    return str(_config(network).get("bridge", {}).get("name", ""))


def _addresses(listed: Listed, mac: str, network: str, findings: Findings) -> Iterator[dict[str, Any]]:
    """What is known of a NIC's addresses; of the same one, each source says it."""
    leases, there = findings.leases.get(network, ()), findings.sights.networks.get(network)
    mine = (lease for lease in leases if lease.mac.lower() == mac or (not lease.mac and made_of(lease.client_id, mac)))
    said = [Address(lease.ip, lease.prefix, "lease") for lease in mine]
    config = _config(there) if there else {}
    said += [Address(ip, 0, "reservation") for ip in reserved(config, mac, listed.guest.name)]
    said += [*listed.addresses.get(mac, ())]
    said += [Address(ip, 0, "arp") for owner, ip in findings.neighbours if owner == mac]
    known = {(one.source, one.address): one for one in reversed(said) if usable(one.address)}
    for one in reversed(known.values()):
        yield {"address": one.address, "prefix": one.prefix, "source": _WORDS.get(one.source, one.source)}


def _metadata(element: Element) -> dict[str, Any]:
    """A guest's metadata by the names of its elements, without their namespaces."""
    found = {} if element is None else _plain(element)
    return found if isinstance(found, dict) else {}


def _plain(element: Element) -> Any:
    """An element as its text, or as a dictionary of its attributes and elements; several of one name make a list."""
    found: dict[str, Any] = {_local(name): str(value) for name, value in element.attrib.items()}
    for child in element.iterchildren("*"):
        name, value = _local(child.tag), _plain(child)
        if name in found:
            before = found[name]
            value = [*(before if isinstance(before, list) else [before]), value]
        found[name] = value
    text = (element.text or "").strip()
    if not found:
        return text
    return {**found, "text": text} if text and "text" not in found else found


def _local(name: str) -> str:
    return str(name).rpartition("}")[2]
