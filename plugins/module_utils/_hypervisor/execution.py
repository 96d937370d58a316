# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the steps for networks: each class of step has its method."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from .._errors.errors import MeanwhileError
from .._values.steps import (
    Define,
    Describe,
    Park,
    RemoveBridge,
    Return,
    SetAutostart,
    Start,
    Step,
    Stop,
    Undefine,
    Update,
)
from .host import end_dnsmasq, remove_stale
from .link import saved_xml

if TYPE_CHECKING:
    from .replug import Replugger

try:
    import libvirt
except ImportError:  # reported by the glue in Ansible's usual words
    libvirt = None


class Execution:
    """The steps of a task; it remembers which NICs it has parked."""

    def __init__(self, conn: Any, here: bool) -> None:
        self._conn, self._here = conn, here

    @functools.cached_property
    def _replugger(self) -> Replugger:
        from .replug import Replugger

        return Replugger(self._conn, self._here)

    def _network(self, step: Step) -> Any:
        return self._conn.networkLookupByName(step.network)

    @functools.singledispatchmethod
    def carry_out(self, step: Step) -> None:
        """Carries out one step."""
        raise TypeError(step)

    @carry_out.register(Define)
    def _define(self, step: Define) -> None:
        if step.base and saved_xml(self._network(step)) != step.base.text:
            raise MeanwhileError(f"Cannot define network {step.network!r}")
        self._conn.networkDefineXML(step.definition.text)

    @carry_out.register(Undefine)
    def _undefine(self, step: Undefine) -> None:
        self._network(step).undefine()

    @carry_out.register(Start)
    def _start(self, step: Start) -> None:
        self._network(step).create()

    @carry_out.register(Stop)
    def _stop(self, step: Stop) -> None:
        self._network(step).destroy()
        if self._here:
            end_dnsmasq(step.network)

    @carry_out.register(SetAutostart)
    def _set_autostart(self, step: SetAutostart) -> None:
        self._network(step).setAutostart(int(step.on))

    @carry_out.register(Update)
    def _update(self, step: Update) -> None:
        command = {
            "add": libvirt.VIR_NETWORK_UPDATE_COMMAND_ADD_LAST,
            "delete": libvirt.VIR_NETWORK_UPDATE_COMMAND_DELETE,
        }[step.command]
        section = getattr(libvirt, f"VIR_NETWORK_SECTION_{step.section.upper().replace('-', '_')}")
        live, saved = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE, libvirt.VIR_NETWORK_UPDATE_AFFECT_CONFIG
        flags = {"live": live, "saved": saved, "both": live | saved}[step.scope]
        self._network(step).update(command, section, step.parent, step.xml, flags)

    @carry_out.register(Describe)
    def _describe(self, step: Describe) -> None:
        field = getattr(libvirt, f"VIR_NETWORK_METADATA_{step.field.upper()}")
        flags = libvirt.VIR_NETWORK_UPDATE_AFFECT_LIVE
        self._network(step).setMetadata(field, step.text or None, None, None, flags)

    @carry_out.register(RemoveBridge)
    def _remove_bridge(self, step: RemoveBridge) -> None:
        remove_stale(step.network, step.bridge)

    @carry_out.register(Park)
    def _park(self, step: Park) -> None:
        self._replugger.park(step)

    @carry_out.register(Return)
    def _return(self, step: Return) -> None:
        self._replugger.bring_back(step)
