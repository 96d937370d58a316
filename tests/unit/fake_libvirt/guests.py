"""Guests of the fake hypervisor: definitions with NICs, and what the conductor asks of them."""

from __future__ import annotations

import copy

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LibvirtError
from ansible_collections.virtfleet.network.plugins.module_utils._values.connection import Seen
from ansible_collections.virtfleet.network.plugins.module_utils._values.nic_steps import Change
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest, Nic, ObservedGuest
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT, Definition
from tests.unit.fake_libvirt.base import (
    INVALID,
    RefusedError,
    read,
    refuse_unless,
    write,
)
from tests.unit.fake_libvirt.nics import tap_of
from tests.unit.fake_libvirt.nwfilters import FakeFilters

UUID = "11111111-2222-4333-8444-{:012x}"


class FakeGuests(FakeFilters):
    """Keeps guests beside networks; ``readonly`` hides what is declared; ``told`` are addresses by MAC address,
    ``coming`` those that are there when somebody waits; ``down`` is why it does not answer a diagnosis."""

    down = remedy = ""

    def __init__(self, **more):
        super().__init__(**more)
        self.guests_there, self.readonly = {}, False
        self.told, self.coming = {}, {}

    # ---- what a test sets up ----

    def put_guest(self, name, saved=None, live=None):
        """Makes a guest be there, with these <interface> elements in its definitions; None: it has no such one."""
        kept = {"saved": None, "live": None}
        self.guests_there[name] = kept
        for scope, nics in (("saved", saved), ("live", live)):
            if nics is None:
                continue
            kept[scope] = []
            for nic in read(f"<x>{nics}</x>"):
                self._attach(kept[scope], nic, scope)

    def state_of_guests(self):
        """Everything that a failed change must leave as it was, without what comes with every start."""
        state = {
            (name, scope): (list if scope == "saved" else sorted)(write(_declared(nic)) for nic in kept[scope])
            for name, kept in self.guests_there.items()
            for scope in ("saved", "live")
            if kept[scope] is not None
        }
        for name, kept in self.guests_there.items():
            macs = [(nic.find("mac").get("address"), self.ports[tap_of(nic)]) for nic in kept["live"] or ()]
            state[name, "kernel"] = sorted(macs)
        return state

    # ---- what the conductor asks ----

    def guests(self):
        """Who uses which network: what a test has given, and the guests that are there."""
        found = {network: list(told) for network, told in self.users.items()}
        for name, kept in sorted(self.guests_there.items()):
            running = kept["live"] is not None
            macs = {}
            for nic in kept["live"] if running else kept["saved"]:
                macs.setdefault(nic.find("source").get("network"), []).append(nic.find("mac").get("address"))
            for network, mine in macs.items():
                nics = tuple(Nic(mac) for mac in mine) if running else ()
                found.setdefault(network, []).append(Guest(name, running, tuple(mine), nics))
        return {network: tuple(sorted(users)) for network, users in found.items()}

    def observe_guest(self, name):
        """A guest as it is."""
        kept = self.guests_there.get(name)
        if kept is None:
            return ObservedGuest(name)
        number = sorted(self.guests_there).index(name)
        live, declared = kept["live"], ABSENT
        if live is not None and not self.readonly:
            # libvirt 7.0 leaves out its own aliases here
            declared = Definition(self._definition([_without_own_names(nic) for nic in live]))
        return ObservedGuest(
            name,
            UUID.format(number),
            ABSENT if kept["saved"] is None else Definition(self._definition(kept["saved"])),
            ABSENT if live is None else Definition(self._definition([self._shown(nic) for nic in live])),
            declared,
            {} if live is None or self.devices() is None else self._seen(live),
        )

    def driver(self):
        """libvirt's driver."""
        return "QEMU"

    def all_guests(self):
        """All guests."""
        return [self.observe_guest(name) for name in sorted(self.guests_there)]

    def apply_nic(self, step):
        """Carries out a step; the guest must be locked for it."""
        assert f"guest/{step.guest}" in self.held, f"{step} without the lock of its guest"
        self.calls.append(step)
        failing = self.fail_at is not None and len(self.calls) - 1 == self.fail_at
        if failing and not self.after_effect:
            self._move_before_failing(step)
            raise self.error()
        try:
            nics = self.guests_there[step.guest][step.scope]
            refuse_unless(nics is not None, INVALID, f"there is no {step.scope} definition")
            getattr(self, f"_nic_{type(step).__name__.lower()}")(step, nics)
        except RefusedError as error:
            raise LibvirtError(f"Cannot apply {step}", str(error), error.code) from None
        if failing:
            raise self.error()

    def _move_before_failing(self, step):
        """As qemuDomainChangeNet does: the tap moves before the rest is tried, and nobody moves it back."""
        if isinstance(step, Change) and step.scope == "live":
            new = read(step.interface.text)
            self.ports[tap_of(self._find(self.guests_there[step.guest]["live"], new))] = self._bridge_of(new)

    def leases(self, _network):
        """Nobody has asked for an address."""
        return []

    def addresses(self, _guest, agent):
        """The addresses that a test has put there."""
        return {mac: [one for one in found if agent or one.source != "agent"] for mac, found in self.told.items()}

    def counters(self, _guest, tap):
        """Every tap has seen the same."""
        names = [f"{way}_{what}" for way in ("rx", "tx") for what in ("bytes", "packets", "errors", "drops")]
        return dict.fromkeys(names, 1) if tap else {}

    def known_addresses(self, guest, _networks):
        """What a test has put there."""
        return {(mac, one.address) for mac, found in self.addresses(guest, True).items() for one in found}

    def wait_for_address(self, guest, mac, _network, _seconds, known):
        """The first that was not known; nobody waits."""
        self.told.update(self.coming)
        found = (one for one in self.addresses(guest, True).get(mac, []) if (mac, one.address) not in known)
        return next(((one, 0.5) for one in found), None)

    def close(self):
        """Nothing is open."""

    # ---- what is shown ----

    def _seen(self, nics):
        isolated = {tap_of(nic): nic.find("port[@isolated='yes']") is not None for nic in nics}
        taps = {tap: Seen(True, self.ports[tap], isolated=apart) for tap, apart in isolated.items()}
        return {**taps, **{self._bridge_of(nic): Seen(True) for nic in nics}}

    def _definition(self, nics):
        buses = "".join(f"<controller type='pci' index='{number}'/>" for number in range(10))
        root = read(f"<domain><devices>{buses}</devices></domain>")
        root.find("devices").extend(copy.deepcopy(nic) for nic in nics)
        return write(root)


def _without_own_names(nic):
    """A NIC without the names that come with every start."""
    nic = copy.deepcopy(nic)
    for alias in nic.findall("alias"):
        if not alias.get("name").startswith("ua-"):
            nic.remove(alias)
    for target in nic.findall("target"):
        if target.get("dev", "").startswith(("vnet", "macvtap")):
            nic.remove(target)
    return nic


def _declared(nic):
    """A NIC as it is declared, its children in an order of their own."""
    nic = _without_own_names(nic)
    nic[:] = sorted(nic, key=lambda child: child.tag)
    return nic
