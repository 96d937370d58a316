# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a question that nobody answers leaves behind, as evidence: what the kernel and its routes say of it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from .._values.probe import Evidence
from .cable import ip
from .drops import Fate

FIREWALL = "NETFILTER_DROP"
PROTOCOLS = {4: (0x0800, 0x0806), 6: (0x86DD,)}  # ARP is of IPv4
STATES = ("disabled", "listening", "learning", "forwarding", "blocking")  # of a port


def of_kernel(version: int, fates: Sequence[Fate], by_rule: bool) -> Iterator[Evidence]:
    """What the kernel dropped of the packets of a question; what it dropped ``by_rule`` is said already."""
    for fate in dict.fromkeys(fate for fate in fates if fate.protocol in PROTOCOLS[version]):
        if fate.reason != FIREWALL:
            text = (
                f"the kernel drops it in {fate.place}() with the reason {fate.reason or 'unknown'}, after {fate.device}"
            )
            yield Evidence("drop", text, reason=fate.reason, place=fate.place, device=fate.device)
        elif not by_rule:
            text = f"a rule of the firewall that cannot be traced drops it in {fate.place}(), after {fate.device}"
            yield Evidence("drop", text, reason=fate.reason, place=fate.place, device=fate.device)


def of_routes(bridge: str, own: str, mac: str, ways: Sequence[Sequence[str]]) -> Iterator[Evidence]:
    """What the kernel says of the ways of the question and its answer, and of the client as the bridge's neighbour."""
    for words in ways:
        try:
            printed = ip("route", *words)
        except OSError as error:
            yield Evidence("route", f"ip route {' '.join(words)}: {error}", reason=str(error))
        else:
            if words[1] == own and f" dev {bridge} " not in f"{printed} ":
                yield Evidence("route", f"ip route {' '.join(words)}: {printed.splitlines()[0].strip()}")
    with contextlib.suppress(OSError, ValueError):
        for entry in json.loads(ip("-j", "neighbour", "show", "to", own, "dev", bridge) or "[]"):
            known, state = entry.get("lladdr", ""), "/".join(entry.get("state", ()))
            if known != mac:
                yield Evidence(
                    "neighbour", f"ip neighbour: {own} dev {bridge} lladdr {known or 'unknown'} {state}", reason=state
                )


def of_port(port: str) -> Iterator[Evidence]:
    """What the bridge says of another guest's port that does not forward."""
    with contextlib.suppress(OSError):
        state = STATES[int(Path("/sys/class/net", port, "brport/state").read_text(encoding="ascii"))]
        if state != "forwarding":
            yield Evidence("port", f"bridge link: {port} state {state}", reason=state, device=port)


def of_end(fates: Sequence[Fate], bridge: str) -> Evidence:
    """Where the packets of a question that nothing drops were seen last."""
    for fate in reversed(fates):
        if not fate.place:
            return Evidence("seen", f"it came in by {fate.device}, nothing drops it", device=fate.device)
        if not fate.dropped and fate.device == bridge:
            text = f"it came in by {fate.device}, {fate.place}() takes it and nobody answers"
            return Evidence("end", text, place=fate.place, device=fate.device)
    return Evidence("nothing", f"it did not come in by {bridge}")
