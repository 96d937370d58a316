# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the kernel about the way of packets: devices, ports, neighbours, routes, queues, sysctls. It only reads."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .._values.way import Answer, Kernel, Lookup
from . import command as _command
from . import host as _host
from .ipsec import policies
from .look import HostInspector

Listing = list[dict[str, Any]]
SYSCTLS = Path("/proc/sys/net")
RESOLVERS = Path("/etc/resolv.conf")
CONFIGURATION = Path("/etc/nftables.conf")
FIREWALLS = {
    "nft -j": ("nft", "-j", "list", "ruleset"),
    "nft -a": ("nft", "-a", "list", "ruleset"),
    **{name: (name, "-c") for name in ("iptables-save", "ip6tables-save")},
    **{name: (name, "-c") for name in ("iptables-legacy-save", "ip6tables-legacy-save")},
}
IPSETS = "ipset"
ENTRIES = {"ingress": ("ingress",), "clsact": ("ingress", "egress")}
SETTINGS = (
    "ipv4/conf/*/arp_ignore",
    "ipv4/conf/*/forwarding",
    "ipv?/neigh/default/gc_thresh3",
    "ipv?/neigh/*/mcast_solicit",
    "bridge/bridge-nf-call-*",
    "ipv6/conf/*/addr_gen_mode",
    "netfilter/nf_conntrack_count",
    "netfilter/nf_conntrack_max",
    "netfilter/nf_conntrack_*_timeout*",
)
# iproute2 goes on behind an error in a batch, and names its line behind what the kernel says.
FAILED = re.compile(r"(?:RTNETLINK answers: |Error: )?(.*)\nCommand failed -:(\d+)")


class KernelInspector(HostInspector):
    """A look at a hypervisor that asks the kernel, too."""

    def kernel(self) -> Kernel | None:
        """What the kernel says of the network; None where iproute2 cannot tell."""
        links = {link["ifname"]: link for link in self._listed("the devices", "ip", "-d", "-s", "address")}
        if not links:
            return None
        queues = self._listed("the queues", "tc", "-s", "qdisc")
        entered = {one["dev"]: one["kind"] for one in queues if one["kind"] in ENTRIES}
        return Kernel(
            links,
            {version: self._listed("the policy rules", "ip", f"-{version}", "rule") for version in (4, 6)},
            {
                version: self._listed("the routes", "ip", "-d", f"-{version}", "route", "show", "table", "all")
                for version in (4, 6)
            },
            self._listed("the neighbours", "ip", "neighbour"),
            self._listed("the bridges' forwarding", "bridge", "fdb"),
            {one["ifname"]: one.get("vlans", []) for one in self._listed("the ports' VLANs", "bridge", "vlan")},
            queues,
            {name: [*self._filters(name, kind)] for name, kind in entered.items()},
            dict(_settings()),
            firewall=self._firewall(),
            resolvers=_resolvers(),
            ipsec=policies(),
        )

    def lookups(self, asked: Sequence[Lookup]) -> dict[Lookup, Answer]:
        """What the kernel answers to these questions for its routes."""
        asked = list(dict.fromkeys(asked))
        try:
            done = _command.run([_host.IP, "-json", "-force", "-batch", "-"], text="".join(map(_route_get, asked)))
        except (OSError, subprocess.SubprocessError) as error:
            self.unseen.append(f"the routes of guests' packets: ip says {str(error)!r}")
            return {}
        failed = {int(line) - 1: error.strip() for error, line in FAILED.findall(done.stderr)}
        routes = _values(done.stdout)
        answers = [Answer(error=failed[at]) if at in failed else _answer(routes) for at in range(len(asked))]
        return {lookup: answer for lookup, answer in zip(asked, answers) if answer}

    def _firewall(self) -> dict[str, str] | None:
        """What the firewall's tools list, as far as they are installed; None where there is none, or one may not."""
        installed = [name for name in FIREWALLS if shutil.which(FIREWALLS[name][0], path=_command.PATH)]
        known = len(self.unseen)
        found = {name: self.output("the firewall", *FIREWALLS[name]) for name in installed}
        if not found or None in found.values():
            del self.unseen[known + 1 :]  # one reason is enough
            return None
        if any("--match-set" in (text or "") for text in found.values()):
            found[IPSETS] = self.output("the sets of ipset", IPSETS, "save")
        with contextlib.suppress(OSError):
            found[CONFIGURATION.name] = CONFIGURATION.read_text(encoding="utf-8", errors="replace")
        return {name: text for name, text in found.items() if text}

    def _filters(self, device: str, kind: str) -> Iterator[dict[str, Any]]:
        for way in ENTRIES[kind]:
            for one in self._listed("the filters", "tc", "filter", "show", "dev", device, way):
                yield {**one, "way": way}

    def _listed(self, what: str, *command: str) -> Listing:
        name, *words = command
        try:
            found: Listing = json.loads(self.output(what, name, "-json", *words) or "[]")
        except ValueError as error:
            self.unseen.append(f"{what}: {name} prints no JSON: {error}")
            return []
        return found


def _route_get(lookup: Lookup) -> str:
    words = {
        "from": lookup.source,
        "iif": lookup.inbound,
        "ipproto": lookup.protocol,
        "dport": lookup.port,
        "mark": lookup.mark,
        "sport": lookup.source_port,
    }
    told = "".join(f" {word} {value}" for word, value in words.items() if value)
    told += "" if lookup.inbound else " uid 0"  # the kernel answers, whoever runs this
    return f"route get {lookup.destination}{told}\n"


def _values(text: str) -> Iterator[Any]:
    """The values of JSON that stand in a row."""
    decoder, place = json.JSONDecoder(), 0
    with contextlib.suppress(ValueError):
        while True:
            value, place = decoder.raw_decode(text, len(text) - len(text[place:].lstrip()))
            yield value


def _answer(routes: Iterator[Any]) -> Answer | None:
    route = next(routes, None)
    return Answer(route[0]) if route else None


def _resolvers() -> tuple[str, ...] | None:
    """The servers that the hypervisor itself asks for names."""
    try:
        lines = [line.split() for line in RESOLVERS.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return None
    return tuple(words[1].partition("%")[0] for words in lines if words[:1] == ["nameserver"] and len(words) > 1)


def _settings() -> Iterator[tuple[str, str]]:
    for pattern in SETTINGS:
        for place in SYSCTLS.glob(pattern):
            with contextlib.suppress(OSError):
                words = place.relative_to(SYSCTLS.parent).parts
                yield ".".join(words), place.read_text(encoding="ascii").strip()
