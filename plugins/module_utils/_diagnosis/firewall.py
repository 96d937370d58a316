# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A hypervisor's firewall for many guests: what it treats alike is evaluated once."""

from __future__ import annotations

import bisect
import functools
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping

from .._values.probe import Evidence
from .._values.way import Packet, Verdict
from .._xml.fields import Spec
from .evaluation import blamed, passage
from .ipsets import ipsets
from .libvirt_rules import missing_rules
from .nft_rules import Saved, ruleset

ADDRESS = re.compile(r"(?<![\w:.])(?:\d+\.\d+\.\d+\.\d+|[0-9a-f]*:[0-9a-f:]*:[0-9a-f:.]*)(?:/\d+)?(?![\w:.])")
NFT, LINES, CONFIGURATION, IPSETS = "nft -j", "nft -a", "nftables.conf", "ipset"
MOST = 8  # that drop a packet at one hook
SAVED = {
    "iptables-save": (4, False),
    "ip6tables-save": (6, False),
    "iptables-legacy-save": (4, True),
    "ip6tables-legacy-save": (6, True),
}


class Firewall:
    """What the rules do to packets; ``listed`` is what the tools print, by their names.

    Two guests are alike to rules that name neither's address, MAC address nor tap: where the addresses in the rules
    begin and end, theirs may part.
    """

    def __init__(self, listed: Mapping[str, str]) -> None:
        self._tools = {*listed}
        sets = ipsets(listed.get(IPSETS, ""))
        saved = [
            Saved(version, listed[name], legacy, sets) for name, (version, legacy) in SAVED.items() if name in listed
        ]
        texts = (listed.get(LINES, ""), *(one.text for one in saved), *(" ".join(one.entries) for one in sets.values()))
        self._rules = ruleset(listed.get(NFT, ""), saved, listed.get(LINES, ""), listed.get(CONFIGURATION, ""))
        self._words = frozenset(word for text in texts for word in re.split(r"[\s\",{}]+", text.lower()))
        self._wild = sorted(word for word in self._words if word[-1:] in ("*", "+"))
        self._edges = sorted({edge for text in texts for edge in _edges(text)})
        self._known: dict[tuple[str, Packet, frozenset[str]], Verdict] = {}

    def lacks(self, spec: Spec, version: int) -> list[str]:
        """The rules of libvirt (its ``version``) for a network that are missing; none where not all can be seen."""
        whole = {"iptables-save", "ip6tables-save"} <= self._tools or NFT in self._tools
        return missing_rules(spec, self._rules, version) if whole else []

    def verdict(self, hook: str, packet: Packet, mended: frozenset[str] = frozenset()) -> Verdict:
        """What the rules at a hook do to a packet, but those that are ``mended``."""
        alike = packet._replace(
            source=self._class(packet.source),
            destination=self._class(packet.destination),
            source_mac=self._name(packet.source_mac),
            destination_mac=self._name(packet.destination_mac),
            port_in=self._name(packet.port_in),
            port_out=self._name(packet.port_out),
        )
        key = hook, alike, mended
        if key not in self._known:
            self._known[key] = passage(self._rules, hook, packet, mended)
        return self._known[key]

    def blamed(self, evidence: Evidence) -> tuple[str, Verdict] | None:
        """The hook and the verdict of what has dropped a client's packet, None where that is not listed."""
        return blamed(self._rules, evidence)

    def followed(self, hooks: Iterable[str], packet: Packet) -> Iterator[tuple[str, Verdict, Packet]]:
        """The verdict at each hook in turn, and the packet behind it; where it is dropped, each verdict, and on as if
        that were mended."""
        packet = packet._replace(followed=True)
        for hook in hooks:
            verdict, mended = self.verdict(hook, packet), frozenset[str]()
            while verdict.passes is False and len(mended) < MOST:
                yield hook, verdict, packet
                mended |= {verdict.insert or verdict.rule}
                verdict = self.verdict(hook, packet, mended)
            state = verdict.deeds.get("ct state")
            untracked = state is not None and state.value == frozenset({"untracked"})
            state_then = "untracked" if untracked else packet.state
            packet = packet._replace(mark=verdict.mark, connmark=verdict.connmark, state=state_then)
            yield hook, verdict, packet

    def _class(self, address: str) -> str:
        return str(bisect.bisect_right(self._edges, _number(address))) if address else ""

    def _name(self, name: str) -> str:
        """What rules can tell a device or a MAC address by: whether there is one, itself, and wildcards for it."""
        own = [name] if name in self._words else []
        return " ".join([name[:1], *own, *(word for word in self._wild if name.startswith(word[:-1]))])


@functools.lru_cache(maxsize=65536)
def _number(address: str) -> int:
    return int(ipaddress.ip_address(address))


def _edges(text: str) -> set[int]:
    """Where the subnets begin and end that a text names."""
    found: set[int] = set()
    for word in set(ADDRESS.findall(text)):
        try:
            net = ipaddress.ip_network(word, strict=False)
        except ValueError:  # a MAC address, or a time
            continue
        found |= {int(net.network_address), int(net.broadcast_address) + 1}
    return found
