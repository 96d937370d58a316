# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Moves the NICs of running guests aside and back while their network is restarted.

For so long guests are disconnected, so everything that can be done beforehand is: between the restart and the first NIC
back are no more than two writes to files.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

from .._errors.errors import NetworkError, ReplugError
from .._values.connection import OVS
from .._values.parking import Place, moved, parking_of
from .._values.steps import Park, Return
from .._xml.codec import Element
from .._xml.definition import Definition
from . import host as _host
from .users import Use, Users, running

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None

# How often it looks for NICs that are not where they should be: guests start, stop and change meanwhile.
LOOKS = 4
RETRY_SECONDS = 0.2


class MovedNic(NamedTuple):
    """A NIC that is moved: as it was declared, with its device on the host and the bridge where libvirt has that."""

    domain: Any
    declared: Element
    bridge: str
    isolated: bool
    key: tuple[str, int]
    device: str

    @property
    def sized(self) -> bool:
        """Whether it has an MTU of its own."""
        return self.declared.find("mtu") is not None


class Replugger:
    """Parks NICs and brings them back, through one connection; ``here``: whether this is the hypervisor itself."""

    def __init__(self, conn: Any, here: bool) -> None:
        self._conn, self._here, self._users = conn, here, Users(conn, here)
        self._parked: list[MovedNic] = []

    def park(self, step: Park) -> None:
        """Moves every NIC of the network to the parking network, which is made when it is not there."""
        place = parking_of(step.network)
        self._make(place, step.parking)
        uses = [use for use in self._users.of(step.network) if use.nic.state != "parked"]
        # A guest with a job, like a migration, may not let its NICs be moved: find out before others are disconnected.
        busy = {guest: _busy(domain) for guest, domain in {_key(use)[0]: use.domain for use in uses}.items()}
        for first in (True, False):
            plugs = _plugs(use for use in uses if busy[_key(use)[0]] == first)
            failed = self._move(plugs, place)
            looks = self._misplaced(step.network, {"connected", "link_down"}) if failed else []
            stuck = [(use, failed[_key(use)]) for use in looks if _key(use) in failed]
            if stuck:
                raise ReplugError(f"Cannot move {_named(stuck)} aside, so network {step.network!r} was not restarted")
            self._parked += [plug._replace(bridge=place.bridge, isolated=False) for plug in plugs]

    def bring_back(self, step: Return) -> None:
        """Reattaches everything that is parked or disconnected, and removes the parking network."""
        network, place = self._conn.networkLookupByName(step.network), parking_of(step.network)
        there = running(network)
        home = Place(step.network, there.bridge)
        known, self._parked = self._parked, []
        failed: dict[Any, str] = {}
        stp = there.own and there.definition is not None and there.definition.find("bridge[@stp='on']") is not None
        with _host.ports_forward_at_once(home.bridge) if self._here and stp else contextlib.nullcontext():
            self._plug_in(known, home)
            for _look in range(LOOKS):
                uses = self._misplaced(step.network, {"parked", "disconnected"})
                if not uses:
                    break
                lost = _plugs(use for use in uses if use.nic.state == "disconnected")
                if lost:
                    self._make(place, step.parking)
                failed = {**self._move(lost, place), **self._plug_in(_plugs(uses), home)}
                time.sleep(RETRY_SECONDS if failed else 0)
        stuck = [(use, failed.get(_key(use), "")) for use in self._misplaced(step.network, {"parked", "disconnected"})]
        parking = self._parking(place)
        if parking and not any(use.nic.state == "parked" for use, _text in stuck):
            parking.destroy()
        if stuck:
            raise ReplugError(
                f"Cannot plug {_named(stuck)} into network {step.network!r} again: remove the cause, or shut the guest "
                "down, and run the task again"
            )

    def _move(self, plugs: Iterable[MovedNic], place: Place) -> dict[Any, str]:
        """Moves NICs, and returns why some could not be moved; the next look finds out which are gone."""
        failed: dict[Any, str] = {}
        for plug in plugs:
            if plug.key[0] in {guest for guest, _number in failed}:
                failed[plug.key] = ""  # a guest that does not answer takes half a minute for each
                continue
            try:
                if self._here and plug.device:
                    _take_off(plug)
                plug.domain.updateDeviceFlags(moved(plug.declared, place), libvirt.VIR_DOMAIN_AFFECT_LIVE)
            except libvirt.libvirtError as error:
                failed[plug.key] = str(error.get_error_message())
            except NetworkError as error:
                failed[plug.key] = str(error)
        return failed

    def _plug_in(self, plugs: list[MovedNic], home: Place) -> dict[Any, str]:
        """Moves NICs to their network, and has the host forget that it could not reach them."""
        if self._here and plugs:
            _host.fit_mtu(home.bridge, [plug.device for plug in plugs if plug.device and not plug.sized])
        failed = self._move(plugs, home)
        if self._here and plugs:
            _host.forget_neighbours(home.bridge)
        return failed

    def _misplaced(self, network: str, states: set[str]) -> list[Use]:
        return [use for use in self._users.of(network) if use.nic.state in states]

    def _make(self, place: Place, parking: Definition) -> None:
        if not self._parking(place):
            self._conn.networkCreateXML(parking.text)

    def _parking(self, place: Place) -> Any:
        with contextlib.suppress(libvirt.libvirtError):
            return self._conn.networkLookupByName(place.network)
        return None


def _busy(domain: Any) -> bool:
    with contextlib.suppress(libvirt.libvirtError):
        return bool(domain.jobInfo()[0])
    return True


def _key(use: Use) -> tuple[str, int]:
    return use.domain.UUIDString(), use.number


def _plugs(uses: Iterable[Use]) -> list[MovedNic]:
    """What is to be moved, without guests that have ended and NICs that have gone meanwhile."""
    plugs, declared = [], {}
    for use in uses:
        with contextlib.suppress(libvirt.libvirtError, IndexError):
            guest = use.domain.UUIDString()
            if guest not in declared:
                # Without what a NIC has of its network; only those who may write get it.
                config = Definition(use.domain.XMLDesc(libvirt.VIR_DOMAIN_XML_MIGRATABLE))
                declared[guest] = config.tree.findall("devices/interface")
            element = declared[guest][use.number]
            if element.find("mac").get("address") == use.nic.mac:
                source, isolated = use.element.find("source"), use.element.find("port[@isolated='yes']") is not None
                bridge = "" if source is None else source.get("bridge", "")
                plugs.append(MovedNic(use.domain, element, bridge, isolated, _key(use), use.nic.device))
    return plugs


def _take_off(plug: MovedNic) -> None:
    """Takes the tap off a bridge that libvirt knows nothing of: it cannot move it from there ("Device or resource
    busy"). On the bridge where libvirt has it, the guest is connected even when the move fails."""
    seen = _host.seen(plug.device)
    if seen is None or not seen.bridge or seen.bridge in (plug.bridge, OVS):
        return
    there = _host.seen(plug.bridge) if plug.bridge else None
    _host.plug_in(plug.device, plug.bridge if there and there.there else "", plug.isolated)


def _named(stuck: list[tuple[Use, str]]) -> str:
    """NICs in words, each with what libvirt says about it."""
    return ", ".join(
        f"NIC {use.nic.mac} ({use.nic.alias or use.nic.device}) of guest {use.domain.name()}"
        + (f" (libvirt says {text!r})" if text else "")
        for use, text in stuck
    )
