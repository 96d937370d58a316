# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of the guard's script that is about one change: what it writes, looks for, starts and removes."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .bridge import Bridge, Ip
from .host import Host, Link
from .plan import File, Plan


class Words(NamedTuple):
    """The guard's variables: devices, but for folders, pairs, and what the provider's commands start."""

    folders: list[str]
    made: list[str]  # exist afterwards only
    gone: list[str]  # exist before only
    ports: list[str]  # of those that are made
    freed: list[str]  # of those that go
    again: list[str]  # are configured again
    old: list[str]  # have addresses before
    new: list[str]  # have addresses afterwards
    moves: list[str]  # FROM=TO: whose addresses move
    stp: list[str]  # BRIDGE=0|1
    start: list[str]  # the provider's own
    resumed: list[str]
    reapplied: list[str]


def guard_head(plan: Plan, targets: Iterable[str], timeout: int) -> str:
    """The functions and variables that guard.sh expects above itself."""
    bridges, host = plan.bridges, plan.host
    words = {"timeout": [str(timeout)], **_words(plan)._asdict()}
    functions = {
        "write_files": [_written(file) for file in plan.files],
        "check": [one for bridge in bridges for one in _checks(bridge, host)]
        + [_want("target", one) for one in targets],
        "is_back": [one for bridge in bridges for one in _back(bridge, host)],
    }
    assigned = [f"{name}={shlex.quote(' '.join(values))}\n" for name, values in words.items()]
    return "".join([*assigned, *(_function(name, lines) for name, lines in functions.items())])


def _function(name: str, lines: Iterable[str]) -> str:
    return "".join([f"{name}() {{\n\t:\n", *(f"\t{line} || return\n" for line in lines), "}\n"])


def _want(what: str, *words: str) -> str:
    """Something that has to be so: a function of the guard looks."""
    return shlex.join([f"want_{what}", *words])


def _written(file: File) -> str:
    path = shlex.quote(file.path)
    if file.text is None:
        return f"rm -f {path}"
    text = base64.b64encode(file.text.encode(errors="surrogateescape")).decode()
    return f"echo {text} | write {path} {file.mode} {shlex.quote(file.like)}"


def _source(bridge: Bridge, host: Host) -> Link:
    """The device that has the addresses now."""
    return host.links.get(bridge.name) or host.links[bridge.port]


def _checks(bridge: Bridge, host: Host) -> Iterator[str]:
    """What has to be so afterwards."""
    source = _source(bridge, host)
    gateways = tuple(one for one in host.gateways.get(source.name, ()) if one in host.answering)
    now = Ip(source.fixed, source.leased, gateways)
    if not bridge.present:
        yield _want("gone", bridge.name)
        yield from () if bridge.vlan else _has(bridge.port, now)
        return
    yield _want("port", bridge.name, bridge.member)
    yield _want("stp", bridge.name, "1" if bridge.stp else "0")
    if bridge.name not in host.links and not bridge.vlan:
        yield _want("mac", bridge.name, bridge.mac)
    yield from _has(bridge.name, bridge.ip or now)


def _back(bridge: Bridge, host: Host) -> Iterator[str]:
    """What is so now."""
    source, member = _source(bridge, host), host.links.get(bridge.member)
    if bridge.name not in host.links:
        yield _want("gone", bridge.name)
    elif member and member.master == bridge.name:
        yield _want("port", bridge.name, bridge.member)
    yield from _has(source.name, Ip(source.fixed, source.leased))


def _has(device: str, ip: Ip) -> Iterator[str]:
    yield from (_want("address", device, address) for address in ip.addresses)
    yield from [_want("lease", device)] if ip.dhcp else []
    yield from (_want("answer", device, gateway) for gateway in ip.gateways)


def _words(plan: Plan) -> Words:
    provider, host, bridges = plan.provider, plan.host, plan.bridges
    there = [bridge for bridge in bridges if bridge.name in host.links]
    made = [bridge for bridge in bridges if bridge.present and bridge not in there]
    gone = [bridge for bridge in bridges if not bridge.present]
    drifted = [bridge for bridge in bridges if not bridge.is_up_to_date(host)]
    changed = [bridge for bridge in drifted if bridge.present and bridge in there]
    to_bridge = [bridge for bridge in made if not bridge.vlan]
    to_port = [bridge for bridge in gone if not bridge.vlan]
    return Words(
        folders=[provider.folder],
        made=[device for bridge in made for device in bridge.devices],
        gone=[device for bridge in gone for device in bridge.devices],
        ports=[bridge.port for bridge in made],
        freed=[bridge.port for bridge in gone],
        again=[device for bridge in changed for device in (bridge.member, bridge.name)],
        old=[*(bridge.name for bridge in there), *(bridge.port for bridge in to_bridge)],
        # ifupdown starts a VLAN before its bridge
        new=[
            *(device for bridge in bridges if bridge.present for device in reversed(bridge.devices)),
            *(bridge.port for bridge in to_port),
        ],
        moves=[
            *(f"{bridge.port}={bridge.name}" for bridge in to_bridge),
            *(f"{bridge.name}={bridge.port}" for bridge in to_port),
        ],
        stp=[f"{bridge.name}={int(bridge.stp)}" for bridge in changed],
        start=[one for bridge in drifted for one in provider.to_start(bridge, host)],
        resumed=[one for bridge in bridges for one in provider.to_resume(bridge, host)],
        reapplied=[bridge.name for bridge in there if bridge.present],
    )
