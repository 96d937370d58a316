# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The NICs of a guest as they are: which in the live config is which in the persistent one, and which is meant."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, NamedTuple

from .._schema.interface import INTERFACE, SOURCES, declared
from .._values.nic_steps import WantedNic
from .._values.observed import ObservedGuest
from .._xml.codec import Element, etree, parse
from .._xml.definition import Definition
from .._xml.fields import Spec
from .._xml.overlay import overlay

SCOPES = ("live", "saved")


class Nic(NamedTuple):
    """A NIC by its spec in the live and the persistent config, None where it is not; ``live_at`` and ``saved_at``
    are its places among the interfaces there."""

    live: Spec | None = None
    saved: Spec | None = None
    live_at: int = -1
    saved_at: int = -1

    @property
    def specs(self) -> list[Spec]:
        """Its specs, the persistent one first."""
        return [spec for spec in (self.saved, self.live) if spec is not None]

    def spec(self, scope: str) -> Spec | None:
        """Its spec in a definition."""
        return {"live": self.live, "saved": self.saved}[scope]

    def place(self, scope: str) -> int:
        """Its place among the interfaces of a definition."""
        return self.live_at if scope == "live" else self.saved_at

    @property
    def mac(self) -> str:
        """Its MAC address, the persistent one where they differ."""
        return mac_of(self.specs[0])

    @property
    def label(self) -> str:
        """What to call it."""
        return label(self.specs[0])


def interfaces(guest: Definition) -> list[Element]:
    """The <interface> elements of a guest's definition."""
    return list(guest.tree.findall("devices/interface")) if guest else []


def spec_of(interface: Element) -> Spec:
    """The spec of an <interface>, as it was declared."""
    return declared(parse(interface, INTERFACE))


def tap_of(interface: Element) -> str:
    """The hypervisor's end of a running <interface>, empty when it has none."""
    target = interface.find("target")
    return "" if target is None else target.get("dev", "")


def render(spec: Spec) -> Element:
    """The <interface> that a spec means."""
    made = etree.Element("interface")
    overlay(made, INTERFACE, {}, spec)
    return made


def mac_of(spec: Spec) -> str:
    """The MAC address of a spec, empty when it has none."""
    return str(spec.get("mac", {}).get("address", ""))


def alias_of(spec: Spec) -> str:
    """The alias that somebody chose, empty when there is none."""
    return str(spec.get("alias", {}).get("name", ""))


def source_of(spec: Spec) -> tuple[tuple[str, Any], ...]:
    """What a spec is connected to."""
    source = spec.get("source", {})
    return tuple((name, repr(source[name])) for name in SOURCES if source.get(name))


def label(spec: Spec) -> str:
    """What to call a NIC: its MAC address, where it is plugged in, its alias."""
    source = spec.get("source", {})
    parts = [f"{name} {source[name]}" for name in ("network", "bridge", "dev") if source.get(name)]
    parts += [f"alias {alias_of(spec)}"] if alias_of(spec) else []
    return f"{mac_of(spec) or 'without a MAC address'} ({', '.join(parts) or spec.get('type', 'user')})"


def _address_of(spec: Spec) -> str:
    return repr(sorted(spec.get("address", {}).items(), key=str))


# Two NICs may have one MAC address, so the surest ways to match them come first.
_SAME: tuple[Callable[[Spec], Any], ...] = (
    lambda spec: (mac_of(spec), alias_of(spec), _address_of(spec), source_of(spec)),
    lambda spec: (mac_of(spec), alias_of(spec), source_of(spec)),
    lambda spec: (mac_of(spec), alias_of(spec)),
    mac_of,
    alias_of,
)


def pair(live: Sequence[Spec], saved: Sequence[Spec]) -> list[Nic]:
    """Which of some NICs are which of others; those that are saved come first, in their order."""
    found: dict[int, int] = {}
    for key in _SAME:
        for place, spec in enumerate(saved):
            rest = [at for at in range(len(live)) if at not in found.values()]
            same = next((at for at in rest if key(spec) and key(live[at]) == key(spec)), None)
            if place not in found and same is not None:
                found[place] = same
    nics = [
        Nic(live[found[place]], spec, found[place], place) if place in found else Nic(None, spec, -1, place)
        for place, spec in enumerate(saved)
    ]
    return nics + [Nic(spec, None, at, -1) for at, spec in enumerate(live) if at not in found.values()]


def nics_of(guest: ObservedGuest) -> list[Nic]:
    """All NICs of a guest."""
    live, saved = ([spec_of(one) for one in interfaces(config)] for config in (guest.live, guest.saved))
    return pair(live, saved)


class Choice(NamedTuple):
    """For each wanted NIC the one that it is, None for a new one; and what speaks against that."""

    nics: list[Nic | None]
    problems: list[str]


def choose(wanted: Sequence[WantedNic], nics: Sequence[Nic]) -> Choice:
    """Which NICs are meant. Whoever says most chooses first."""
    chosen: list[Nic | None] = [None] * len(wanted)
    problems: list[str] = []
    by_source: dict[Any, list[int]] = {}
    names = [want.name for want in wanted]
    for place, want in enumerate(wanted):
        if not (mac_of(want.spec) or alias_of(want.spec)):
            by_source.setdefault(source_of(want.spec), []).append(place)
            continue
        found = _candidates(want.spec, nics, want.present)
        if len(found) > 1:
            problems.append(_ambiguous(names[place], found, "alias.name, address or source"))
        elif found and found[0] in chosen:
            problems.append(f"{names[place]} is the same NIC as {names[chosen.index(found[0])]}")
        elif found:
            chosen[place] = found[0]
    for source, places in by_source.items():
        if not source:
            problems += [f"{names[place]} needs mac.address, alias.name or source" for place in places]
            continue
        free = [nic for nic in nics if nic not in chosen and any(_within(source, spec) for spec in nic.specs)]
        if len(free) > len(places):
            problems.append(_ambiguous(names[places[0]], free, "mac.address or alias.name"))
        for place, nic in zip(places, free):
            chosen[place] = nic
    return Choice(chosen, problems)


def _candidates(want: Spec, nics: Sequence[Nic], present: bool) -> list[Nic]:
    """Those with the MAC address, distinguished by whatever else is given; else the one with the alias."""
    mac, alias = mac_of(want), alias_of(want)
    found = [nic for nic in nics if mac and any(mac_of(spec) == mac for spec in nic.specs)]
    if not found:
        found = [nic for nic in nics if alias and any(alias_of(spec) == alias for spec in nic.specs)]
    for key in (alias_of, _place_of, source_of):
        closer = [nic for nic in found if key(want) and any(key(spec) == key(want) for spec in nic.specs)]
        found = closer if len(found) > 1 and closer else found
    # What goes has to be all that is said of it: the next run must not take another one for it.
    return [nic for nic in found if present or any(_is(want, spec) for spec in nic.specs)]


def _is(want: Spec, spec: Spec) -> bool:
    same = all(key(want) in ("", key(spec)) for key in (mac_of, alias_of, _place_of))
    return same and _within(source_of(want), spec)


def _place_of(spec: Spec) -> str:
    return _address_of(spec) if spec.get("address") else ""


def _within(source: Any, spec: Spec) -> bool:
    return set(source) <= set(source_of(spec))


def _ambiguous(name: str, found: Sequence[Nic], how: str) -> str:
    return f"{name} may be any of {len(found)} NICs, {', '.join(nic.label for nic in found)}: identify it by {how}"
