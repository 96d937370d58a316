# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a guest's interface by itself, each as a sentence with its reason; the rules are libvirt's own.

Read in libvirt 9.0 (virDomainNetDefParseXML, virDomainNetDefValidate), later relaxations as noted.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

from .._errors.errors import Caution
from .._network.checks import PORT_PARAMETERS, contradictions
from .._schema.interface import GENERATED, INTERFACE, VIRTIO
from .._values.check import Checks, Context, remarks
from .._xml.fields import Spec
from .._xml.validity import missing, newer
from . import qemu_checks
from .interface_types import ONLY_FOR, TYPES, InterfaceType

CHECKS = Checks()
_DEVICE_DRIVER = {"name", "model", "iommufd"}
_PORT_NEEDS = {
    "802.1Qbg": ("managerid", "typeid", "typeidversion"),
    "802.1Qbh": ("profileid",),
    "midonet": ("interfaceid",),
}


def interface_remarks(spec: Spec, context: Context) -> list[str]:
    """Everything to say about an interface's definition: what is wrong, and as Caution what has no effect."""
    return remarks((*CHECKS, *qemu_checks.CHECKS), spec, context)


@CHECKS
def _too_new(spec: Spec, context: Context) -> Iterator[str]:
    yield from newer(INTERFACE, spec, context.version, context.name)


@CHECKS
def demanded(spec: Spec, context: Context) -> Iterator[str]:
    """What this version of libvirt needs, and later ones do not."""
    kind = TYPES.get(spec.get("type", ""), InterfaceType())
    for option in kind.needed.split() if context.before(kind.until) else ():
        if spec.get("source", {}).get(option) is None:
            does_without = f"(libvirt {kind.until} does without)"
            yield f"{context.name} needs source.{option}, being of type {spec['type']} {does_without}"


def list_problems(specs: list[Spec], name: str) -> Iterator[str]:
    """What the interfaces of one guest cannot have in common."""
    for option, inner in (("mac", "address"), ("alias", "name"), ("boot", "order")):
        seen: dict[Any, int] = {}
        for index, spec in enumerate(specs):
            value = spec.get(option, {}).get(inner)
            first = index if value is None else seen.setdefault(value, index)
            if first != index and not _team(specs[first], spec, option):
                yield f"{name}[{index}].{option}.{inner} is that of {name}[{first}], too: {value}"


def _team(one: Spec, other: Spec, option: str) -> bool:
    """Whether two interfaces are meant to have the same MAC address."""
    return option == "mac" and "teaming" in one and "teaming" in other


@CHECKS
def _incomplete(spec: Spec, context: Context) -> Iterator[str]:
    yield from missing(INTERFACE, spec, context.name)


@CHECKS
def _source(spec: Spec, context: Context) -> Iterator[str]:
    kind, source = spec.get("type"), spec.get("source", {})
    if kind not in TYPES:
        return
    here, modes = TYPES[kind], TYPES[kind].modes.split()
    needed, possible = ("", "dev type mode") if _is_passt(spec) else (here.needs, here.may)
    for either in needed.split():
        if not any(source.get(one) not in (None, "") for one in either.split("|")):
            wanted = " or ".join(f"source.{one}" for one in either.split("|"))
            yield f"{context.name} needs {wanted}, being of type {kind}"
    known = {*needed.replace("|", " ").split(), *possible.split()}
    for option in source:
        if option not in known:
            yield f"{context.name}.source.{option} does not go with type {kind}"
    if source.get("mode") and modes and source["mode"] not in modes:
        yield f"{context.name}.source.mode must be one of {', '.join(modes)} for type {kind}"


def _is_passt(spec: Spec) -> bool:
    """Whether it is passt that shares memory with the guest: it needs neither socket nor model (libvirt 11.1.0)."""
    return bool(spec.get("type") == "vhostuser" and spec.get("backend", {}).get("type") == "passt")


@CHECKS
def _only_for(spec: Spec, context: Context) -> Iterator[str]:
    kind = spec.get("type")
    given = {option: spec.get(option) for option in ONLY_FOR}
    # Without isolation there is nothing that a type could lack.
    given["port"] = spec.get("port", {}).get("isolated")
    for option, kinds in ONLY_FOR.items():
        if given[option] and kind in TYPES and kind not in kinds:
            yield f"{context.name}.{option} does not go with type {kind}, only with {', '.join(kinds)}"
    if given["port"] and spec.get("virtualport", {}).get("type") == "openvswitch":
        yield f"{context.name}.port.isolated does not go with virtualport.type openvswitch"


@CHECKS
def _virtio(spec: Spec, context: Context) -> Iterator[str]:
    """Without the model that it is for, libvirt drops what is in <driver>, mostly without a word."""
    if spec.get("model", {}).get("type") in VIRTIO or _is_passt(spec):
        return
    if spec.get("type") == "vhostuser":
        yield f"{context.name} needs model.type virtio, being of type vhostuser"
    elif set(spec.get("driver", {})) - (_DEVICE_DRIVER if spec.get("type") == "hostdev" else set()):
        yield f"{context.name}.driver needs model.type virtio"


@CHECKS
def _virtualport(spec: Spec, context: Context) -> Iterator[str]:
    port = spec.get("virtualport", {})
    kind, given = port.get("type"), port.get("parameters", {})
    # What an interface of a network does not say comes from the network.
    whole = bool(port) and spec.get("type") in ("bridge", "direct", "hostdev")
    if whole and kind is None:
        yield f"{context.name}.virtualport needs type"
    for parameter in _PORT_NEEDS.get(kind, ()) if whole else ():
        if parameter not in given:
            yield f"{context.name}.virtualport of type {kind} needs parameters.{parameter}"
    for parameter in given if kind in PORT_PARAMETERS else ():
        if parameter not in PORT_PARAMETERS[kind]:
            yield f"{context.name}.virtualport of type {kind} has no parameter {parameter}"


@CHECKS
def _bandwidth(spec: Spec, context: Context) -> Iterator[str]:
    rates = spec.get("bandwidth", {})
    if rates and spec.get("type") == "hostdev":
        yield f"{context.name}.bandwidth does not go with type hostdev"
    for direction, rate in rates.items():
        may_have_floor = direction == "inbound" and spec.get("type") == "network"
        if "floor" in rate and not may_have_floor:
            yield f"{context.name}.bandwidth.{direction}.floor is only possible inbound, and with type network"
        if "average" not in rate and set(rate) != {"floor"}:
            yield f"{context.name}.bandwidth.{direction} needs average"


@CHECKS
def _target(spec: Spec, context: Context) -> Iterator[str]:
    target = spec.get("target", {})
    if target.get("managed") is False and spec.get("type") != "ethernet":
        yield f"{context.name}.target.managed may be false only with type ethernet"
    elif str(target.get("dev", "")).startswith(GENERATED) and target.get("managed", True):
        yield f"{context.name}.target.dev must not begin with {', '.join(GENERATED)}: libvirt forgets such names"


@CHECKS
def _teaming(spec: Spec, context: Context) -> Iterator[str]:
    teaming = spec.get("teaming", {})
    if (teaming.get("type") == "transient") != ("persistent" in teaming):
        yield f"{context.name}.teaming.persistent goes with type transient, and only with it"
    if teaming.get("type") == "persistent" and spec.get("model", {}).get("type") not in VIRTIO:
        yield f"{context.name} needs model.type virtio, having teaming.type persistent"


def _addresses(spec: Spec, context: Context) -> Iterator[tuple[str, Spec]]:
    """Every address and route, of either end, with where it is."""
    for place, holder in ((context.name, spec), (f"{context.name}.source", spec.get("source", {}))):
        for option in ("ips", "routes"):
            for index, item in enumerate(holder.get(option, [])):
                yield f"{place}.{option}[{index}]", item


@CHECKS
def _families(spec: Spec, context: Context) -> Iterator[str]:
    for place, item in _addresses(spec, context):
        families = {":" in item[option] for option in ("address", "peer", "gateway") if option in item}
        families |= {item["family"] == "ipv6"} if "family" in item else set()
        if len(families) > 1:
            yield f"{place} mixes IPv4 and IPv6"
        elif isinstance(item.get("prefix"), int) and item["prefix"] > (128 if True in families else 32):
            yield f"{place}.prefix is too long for the address: {item['prefix']}"


@CHECKS
def _routes(spec: Spec, context: Context) -> Iterator[str]:
    for place, item in _addresses(spec, context):
        if "address" not in item or ".routes[" not in place:
            continue
        try:
            ipaddress.ip_network(f"{item['address']}/{item.get('prefix', 0)}")
        except ValueError:
            yield f"{place} must have the address of a network with its prefix"


@CHECKS
def _vlan(spec: Spec, context: Context) -> Iterator[str]:
    for problem in contradictions({"vlan": spec.get("vlan", {})}):
        yield f"{context.name}.{problem}"
    if sum("native_mode" in tag for tag in spec.get("vlan", {}).get("tags", [])) > 1:
        yield f"{context.name}.vlan may have one tag with native_mode"


@CHECKS
def _pairs(spec: Spec, context: Context) -> Iterator[str]:
    """What is of no use, or refused, without or with another option."""
    source, rom = spec.get("source", {}), spec.get("rom", {})
    if "vendor" in source and source.get("address", {}).get("type", "pci") == "pci":
        yield f"{context.name}.source has address and vendor, and may have one of them"
    if "timeout" in source.get("reconnect", {}) and not source["reconnect"].get("enabled"):
        yield f"{context.name}.source.reconnect.timeout needs enabled"
    if spec.get("mac", {}).get("address", "")[1:2].lower() in set("13579bdf"):
        yield f"{context.name}.mac.address is a group's, and a NIC needs its own: {spec['mac']['address']}"
    if ("vendor" in source) != ("product" in source):
        yield f"{context.name}.source needs vendor and product together"
    if "device" in source.get("address", {}) and "bus" not in source["address"]:
        yield f"{context.name}.source.address needs bus beside device"
    if source.get("reconnect", {}).get("enabled"):
        if source.get("mode") == "server":
            yield f"{context.name}.source.reconnect does not go with mode server"
        if "timeout" not in source["reconnect"]:
            yield f"{context.name}.source.reconnect needs timeout"
    if rom.get("enabled") is False and len(rom) > 1:
        yield f"{context.name}.rom has settings, and yet enabled is false"


@CHECKS
def _passt(spec: Spec, context: Context) -> Iterator[str]:
    backend = spec.get("backend", {})
    if backend.get("type") == "passt":
        return
    only = {
        "source.dev": spec.get("type") == "user" and "dev" in spec.get("source", {}),
        "port_forwards": bool(spec.get("port_forwards")),
        **{f"backend.{option}": option in backend for option in ("hostname", "fqdn")},
    }
    for option, there in only.items():
        if there:
            yield f"{context.name}.{option} needs backend.type passt"


@CHECKS
def _no_effect(spec: Spec, context: Context) -> Iterator[str]:
    backend = spec.get("backend", {})
    if "log_file" in backend and backend.get("type") != "passt":
        yield Caution(f"{context.name}.backend.log_file has no effect without backend.type passt")
