# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what a client on a cable sends on the hypervisor, and has the kernel trace it, with nftables of our own."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

from .._values.probe import Evidence
from .cable import Cable
from .nft import Nft, Traces

TABLE = "virtfleet_"  # and the cable's name
FIRST, LAST = -(2**31 - 1), 2**31 - 1  # priorities of hooks
CONNECTIONS = Path("/proc/sys/net/netfilter/nf_conntrack_count")
DEVICES = Path("/sys/class/net")


class Fence:
    """The tables around a cable, as long as their nftables are open."""

    def __init__(self, nft: Nft, cable: Cable, port: str) -> None:
        """Lets the client's frames pass to no other port of the bridge than this one, where there is one."""
        self._nft, self.table = nft, f"{TABLE}{cable.near}"
        self._answers: list[str] = []
        others = f'iifname "{cable.near}"{f" oifname != {_quoted(port)}" if port else ""} drop'
        self.has_bridge = nft.own("bridge", self.table, _chain("passing", "forward", LAST, others))
        device = f'ingress device "{cable.near}"'
        nft.own("netdev", self.table, _chain("asked", device, FIRST))

    def stop(self, sources: Mapping[int, str], outside: Mapping[int, str]) -> bool:
        """Drops what these addresses send to the outside where it can be seen last, behind all NAT; returns whether it
        does."""
        rules = []
        for version, destination in outside.items():
            family = "ip" if version == 4 else "ip6"
            source = f"{family} saddr {sources[version]}"
            # To match connections would have a kernel track them that does not do so yet.
            matches = [source, *([f"ct original {source}"] if CONNECTIONS.exists() else [])]
            rules += [f"{match} {family} daddr {destination} counter drop" for match in matches]
        self._answers = [f"{'ip' if version == 4 else 'ip6'} daddr {one}" for version, one in sources.items()]
        chains = (_chain("outside", "postrouting", LAST, *rules), _chain("answers", "output", FIRST))
        return self._nft.own("inet", self.table, "\n".join(chains))

    def stopped(self, destination: str) -> int:
        """How many packets to this destination got as far as that."""
        rules = self._nft.run(f"list chain inet {self.table} outside")
        return sum(map(int, re.findall(rf"daddr {re.escape(destination)} counter packets (\d+)", rules)))

    @contextlib.contextmanager
    def traced(self, ours: Collection[bytes]) -> Iterator[Callable[[], list[Evidence]]]:
        """A `with` in which the kernel traces what the client sends, and what the hypervisor answers it.

        Gives what returns the rules that have dropped packets in which one of ``ours`` stands.
        """
        marks = [(f"netdev {self.table} asked", ""), *((f"inet {self.table} answers", one) for one in self._answers)]
        with Traces() as traces, contextlib.ExitStack() as undone:
            for chain, match in marks:
                with contextlib.suppress(OSError):  # the kernel lacks the family
                    self._nft.run(f"add rule {chain} {match} meta nftrace set 1")
                    undone.callback(self._nft.run, f"flush chain {chain}")
            yield lambda: [self._nft.evidence(drop) for drop in traces.drops(ours, self.table)]


def leaves_by(bridge: str) -> str:
    """A port by which frames leave the hypervisor: a device of hardware, or one on top of others; "" without one."""
    for port in sorted(Path(DEVICES, bridge, "brif").iterdir()):
        device = Path(DEVICES, port.name)
        if Path(device, "device").exists() or any(device.glob("lower_*")):
            return port.name
    return ""


def _chain(name: str, hook: str, priority: int, *rules: str) -> str:
    lines = "\n".join(rules)
    return f"chain {name} {{ type filter hook {hook} priority {priority};\n{lines}\n}}"


def _quoted(name: str) -> str:
    return f'"{name}"'
