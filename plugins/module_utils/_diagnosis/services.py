# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with what serves a running network: its dnsmasq, and its rules in the firewall."""

from __future__ import annotations

import functools
import ipaddress
from collections.abc import Collection, Iterator
from typing import Any

from .._network.conflicts import nets
from .._values.host_facts import HostFacts, Rule
from .._values.mode import mode
from .._xml.fields import Spec
from .ports import DNS, Seen, port_shared, port_taken, shares
from .refusals import refusal

DHCP = {4: 67, 6: 547}
# The chains of libvirt's rules for what passes a bridge, and where they are jumped to: iptables' names, and nftables'
# (libvirt 10.4).
STARTS = ("FORWARD", "forward")
PASSING = (("LIBVIRT_FWO", "guest_output"), ("LIBVIRT_FWI", "guest_input"), ("LIBVIRT_FWX", "guest_cross"))


def bridge_of(spec: Spec) -> str:
    """The bridge that a network's definition names."""
    return str(spec.get("bridge", {}).get("name", ""))


def has_dhcp(item: Spec) -> bool:
    """Whether a network's <ip> leases addresses."""
    dhcp = item.get("dhcp", {})
    return bool(dhcp.get("ranges") or dhcp.get("hosts"))


def has_dns(spec: Spec) -> bool:
    """Whether a network answers DNS queries."""
    return bool(spec.get("ips")) and spec.get("dns", {}).get("enable") is not False


def version_of(item: Spec) -> int:
    """The version of IP of an <ip>."""
    return ipaddress.ip_address(item["address"]).version


def leases_to_all(item: Spec) -> bool:
    """Whether a guest without a reservation gets an address of IPv4 from a network's <ip>."""
    return bool(item.get("dhcp", {}).get("ranges")) and version_of(item) == 4


def server(name: str, spec: Spec, host: HostFacts, *, gone: bool, lost: Collection[str], full: bool) -> Seen:
    """What is wrong with a network's dnsmasq; what a ``gone`` bridge, ``lost`` addresses or a ``full`` range explain is
    not said."""
    served = [item for item in spec.get("ips", []) if has_dns(spec) or has_dhcp(item)]
    server = host.servers.get(name)
    if not served or server is None:
        return
    shared = list(port_shared(served, host, server.pid))
    if shared:
        yield from shared
        return
    if not server.pid:
        yield "dnsmasq_missing", f"the dnsmasq of network {name!r} does not run"
        return
    absent = list(_absent(spec, served, server.options))
    if absent:
        yield "dnsmasq_options", f"the configuration of process {server.pid} lacks {', '.join(absent)}"
    here = [item for item in served if not gone and item["address"] not in lost]
    deaf = [(port, item["address"]) for item in here for port in _not_listening(item, spec, host)]
    if deaf:
        silence = ", ".join(f"port {port} of {address}" for port, address in deaf)
        taken = list(port_taken({port for port, _address in deaf}, host))
        yield from taken or [("dnsmasq_not_listening", f"process {server.pid} does not listen on {silence}")]
        return
    silent = [item["address"] for item in here if host.answers.get(item["address"]) is False]
    refuses = refusal(spec, server)
    if refuses and any(map(leases_to_all, spec["ips"])):
        yield "dhcp_refused", f"process {server.pid} leases nothing to anybody: {refuses}"
        full = True
    no_offer = host.offers.get(name) is False and not full
    if silent:
        discover = " nor a DHCP discover" if no_offer else ""
        yield "dns_silent", f"process {server.pid} does not answer at {', '.join(silent)}{discover}"
    elif no_offer:
        yield "dhcp_silent", "nobody offered an address to a DHCP discover on the bridge"


def _absent(spec: Spec, served: list[Spec], options: str | None) -> Iterator[str]:
    """The lines that dnsmasq's configuration, or its file of reservations, must begin with and does not."""
    if options is None:
        return
    wanted = [f"interface={bridge_of(spec)}"]
    for dhcp in (item.get("dhcp", {}) for item in served):
        wanted += [f"dhcp-range={entry['start']},{entry['end']}" for entry in dhcp.get("ranges", [])]
        wanted += [f"{host['mac']},{host['ip']}" for host in dhcp.get("hosts", []) if {"mac", "ip"} <= {*host}]
    have = {",".join(line.split(",")[:2]) for line in options.lower().splitlines()}
    yield from (line for line in wanted if line.lower() not in have)


def _not_listening(item: Spec, spec: Spec, host: HostFacts) -> Iterator[int]:
    bridge = bridge_of(spec)
    udp = [one for one in host.sockets if one.protocol == "udp"]
    heard = {one.port for one in udp if one.address == item["address"] or one.device == bridge or shares(one)}
    wanted = ([DNS] if has_dns(spec) else []) + ([DHCP[version_of(item)]] if has_dhcp(item) else [])
    yield from (port for port in wanted if port not in heard)


def firewall(spec: Spec, host: HostFacts) -> Seen:
    """An open network has no rules. A rule belongs to a network by the bridge or the subnet in it."""
    if host.rules is None or mode(spec) == "open":
        return
    lost = []
    for version in sorted({version_of(item) for item in spec.get("ips", [])}):
        rules = [rule for rule in host.rules if rule.version == version]
        lost += [f"{what} (IPv{version})" for what in _lost_rules(bridge_of(spec), rules)]
    translated = {
        word for rule in host.rules if {"masquerade", "snat"} & _words(rule.text) for word in _words(rule.text)
    }
    lost += [f"the translation of addresses of {net}" for net in _translated(spec) if str(net) not in translated]
    if lost:
        yield "firewall_rules_missing", f"the firewall lacks {', '.join(lost)}"


def _lost_rules(bridge: str, rules: list[Rule]) -> Iterator[str]:
    mine = {rule.chain for rule in rules if bridge in _words(rule.text)}
    jumps = {(rule.chain, word) for rule in rules for word in rule.text.split()}
    for chains in PASSING:
        found = [(start, chain) for start, chain in zip(STARTS, chains) if chain in mine]
        if not found:
            yield f"a rule for {bridge} in chain {' or '.join(chains)}"
        elif not jumps & {*found}:
            yield f"the jump from chain {' to '.join(found[0])}"


def _translated(spec: Spec) -> list[Any]:
    if mode(spec) != "nat":
        return []
    both = spec.get("forward", {}).get("nat", {}).get("ipv6")
    return [net for net in nets(spec) if net.version == 4 or both]


@functools.lru_cache(maxsize=4096)  # each network asks for all of them
def _words(text: str) -> frozenset[str]:
    plain = text.replace('"', " ")
    return frozenset((*plain.split(), *plain.lower().split()))
