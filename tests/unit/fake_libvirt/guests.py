"""Guests of the fake hypervisor: definitions with NICs, which are plugged in, changed and taken out as libvirt does."""

from __future__ import annotations

import copy
import itertools

from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import LibvirtError, UnplugError
from ansible_collections.virtfleet.network.plugins.module_utils._values.connection import Seen
from ansible_collections.virtfleet.network.plugins.module_utils._values.nic_steps import Change
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Guest, Nic, ObservedGuest
from tests.unit.fake_libvirt.base import (
    INTERNAL,
    INVALID,
    OPERATION_FAILED,
    OPERATION_UNSUPPORTED,
    RefusedError,
    mode_of,
    read,
    refuse_unless,
    write,
)
from tests.unit.fake_libvirt.host import FakeHost

NO_DEVICE, NO_NETWORK = 99, 43
UUID = "11111111-2222-4333-8444-{:012x}"
# What qemuDomainChangeNet changes; all else of a running NIC has to be as it is.
CHANGEABLE = ("source", "link", "bandwidth", "vlan", "filterref", "coalesce", "port", "alias", "address", "target")


class FakeGuests(FakeHost):
    """Keeps guests beside networks; ``readonly`` does not tell what is declared, ``holds_on`` are guests that let go
    of nothing; ``told`` are addresses by MAC address, ``coming`` those that are there when somebody waits; ``ports``
    are the bridges of taps in the kernel's eyes."""

    def __init__(self, **more):
        super().__init__(**more)
        self.guests_there, self.readonly, self.holds_on = {}, False, set()
        self.told, self.coming, self.ports = {}, {}, {}
        self._taps = itertools.count()

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
            macs = [(nic.find("mac").get("address"), self.ports[_tap(nic)]) for nic in kept["live"] or ()]
            state[name, "kernel"] = sorted(macs)
        return state

    # ---- what the conductor asks ----

    def guests(self):
        """Who uses which network: what a test has told, and the guests that are there."""
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
        live, declared = kept["live"], ""
        if live is not None and not self.readonly:
            # libvirt 7.0 leaves out its own aliases here
            declared = self._definition([_without_own_names(nic) for nic in live])
        return ObservedGuest(
            name,
            UUID.format(number),
            "" if kept["saved"] is None else self._definition(kept["saved"]),
            "" if live is None else self._definition([self._shown(nic) for nic in live]),
            declared,
            {} if live is None or self.devices() is None else self._seen(live),
        )

    def driver(self):
        """libvirt's driver."""
        return "QEMU"

    def filters(self):
        """The names of network filters."""
        return {"clean-traffic"}

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
            new = read(step.xml)
            self.ports[_tap(self._find(self.guests_there[step.guest]["live"], new))] = self._bridge_of(new)

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

    # ---- the steps ----

    def _nic_attach(self, step, nics):
        nic = read(step.xml)
        refuse_unless(nic.find("mac") is not None, INTERNAL, "a MAC address of its own in each definition")
        self._attach(nics, nic, step.scope)

    def _nic_change(self, step, nics):
        new = read(step.xml)
        old = self._find(nics, new)
        if step.scope == "live":
            self._check_network(new)
            for tag in {child.tag for one in (old, new) for child in one} - set(CHANGEABLE):
                pair = [[etree.tostring(child, method="c14n") for child in one.findall(tag)] for one in (old, new)]
                refuse_unless(pair[0] == pair[1], OPERATION_UNSUPPORTED, f"cannot modify network device {tag}")
            refuse_unless(old.get("managed") == new.get("managed"), OPERATION_UNSUPPORTED, "cannot change managed")
            # taken without an error, and forgotten
            for name in {"trustGuestRxFilters"} & ({*old.attrib} ^ {*new.attrib}):
                new.attrib.pop(name, None)
                new.attrib.update({name: old.get(name)} if name in old.attrib else {})
            groups = [one.find("source").get("portgroup") for one in (old, new)]
            fixed = self.version() >= 10006000
            refuse_unless(not fixed or groups[0] == groups[1], OPERATION_UNSUPPORTED, "cannot modify portgroup")
            if groups[0] != groups[1] and not self._has_to_do_something(old, new):
                new.find("source").attrib.pop("portgroup", None)
                new.find("source").attrib.update({} if groups[0] is None else {"portgroup": groups[0]})
            bridged = all(self._is_bridged(one) for one in (old, new))
            moved = old.find("source").attrib != new.find("source").attrib
            refuse_unless(bridged or not moved, OPERATION_UNSUPPORTED, "unable to change config on network type")
            before, after = self._bridge_of(old), self._bridge_of(new)
            busy = before != after and self.ports[_tap(old)] not in ("", before)
            refuse_unless(not busy, INTERNAL, "Unable to add bridge port: Device or resource busy")
            if before != after:
                self.ports[_tap(old)] = after
        for tag in ("alias", "address", "target"):
            if new.find(tag) is None and old.find(tag) is not None:
                new.append(copy.deepcopy(old.find(tag)))
        _refuse_shared([new, *(nic for nic in nics if nic is not old)])
        nics[nics.index(old)] = new

    def _nic_detach(self, step, nics):
        old = self._find(nics, read(step.xml))
        if step.scope == "live":
            assert step.alias == old.find("alias").get("name"), "the guest knows it by its alias"
            if step.guest in self.holds_on:
                raise UnplugError("the guest did not let go")
        nics.remove(old)

    def _nic_redefine(self, step, nics):
        refuse_unless(tuple(map(write, nics)) == step.base, OPERATION_FAILED, "somebody else has changed it")
        del nics[:]
        for xml in step.interfaces:
            self._attach(nics, read(xml), "saved")

    def _nic_reconnect(self, step, _nics):
        assert self.ports[step.tap] != step.bridge
        self.ports[step.tap] = step.bridge

    def _find(self, nics, wanted):
        """virDomainNetFindIdx: by the MAC address, then the PCI address, then the alias."""
        found = [nic for nic in nics if nic.find("mac").get("address") == wanted.find("mac").get("address")]
        for tag, name in (("address", "bus"), ("alias", "name")):
            if wanted.find(tag) is not None:
                key = wanted.find(tag).get(name)
                found = [nic for nic in found if nic.find(tag) is None or nic.find(tag).get(name) == key]
        refuse_unless(found, NO_DEVICE, "no device matching MAC address")
        refuse_unless(len(found) == 1, OPERATION_FAILED, "multiple devices matching MAC address")
        return found[0]

    def _attach(self, nics, source, scope):
        nic = copy.deepcopy(source)
        if scope == "live":
            self._check_network(nic)
            if nic.find("target") is None:
                etree.SubElement(nic, "target", dev=f"vnet{next(self._taps)}")
            taken = {other.find("alias").get("name") for other in nics}
            if nic.find("alias") is None:
                name = next(f"net{number}" for number in itertools.count() if f"net{number}" not in taken)
                etree.SubElement(nic, "alias", name=name)
            refuse_unless(nic.find("alias").get("name") not in taken, INTERNAL, "non unique alias detected")
            self.ports[_tap(nic)] = self._bridge_of(nic)
        taken = {other.find("address").get("bus") for other in nics}
        if nic.find("address") is None:
            bus = next(f"0x{number:02x}" for number in itertools.count(1) if f"0x{number:02x}" not in taken)
            etree.SubElement(nic, "address", type="pci", domain="0x0000", bus=bus, slot="0x00", function="0x0")
        refuse_unless(nic.find("address").get("bus") not in taken, INTERNAL, "PCI address is in use")
        _refuse_shared([nic, *nics])
        nics.append(nic)

    def _check_network(self, nic):
        name = nic.find("source").get("network") if nic.find("source") is not None else None
        if name is not None:
            refuse_unless(name in self.nets, NO_NETWORK, f"no network with matching name '{name}'")
            refuse_unless(self.nets[name].live is not None, INVALID, f"network '{name}' is not active")

    def _is_bridged(self, nic):
        if nic.get("type") == "network":
            live = self.nets[nic.find("source").get("network")].live
            return mode_of(live) != "bridge" or live.find("bridge") is not None
        return nic.get("type") == "bridge"

    def _has_to_do_something(self, old, new):
        """Otherwise qemuDomainChangeNet drops the new definition."""
        shown = [self._shown(one) for one in (old, new)]
        tags = ("bandwidth", "vlan", "filterref", "coalesce", "port")
        found = [[etree.tostring(child, method="c14n") for tag in tags for child in one.findall(tag)] for one in shown]
        return found[0] != found[1] or self._bridge_of(old) != self._bridge_of(new)

    def _bridge_of(self, nic):
        """The bridge that a NIC belongs on, "" for none."""
        source = nic.find("source")
        net = self.nets.get(source.get("network")) if source is not None else None
        bridge = net.live.find("bridge") if net is not None and net.live is not None else None
        return bridge.get("name") if bridge is not None else ("" if source is None else source.get("bridge", ""))

    # ---- what is shown ----

    def _seen(self, nics):
        isolated = {_tap(nic): nic.find("port[@isolated='yes']") is not None for nic in nics}
        taps = {tap: Seen(True, self.ports[tap], isolated=apart) for tap, apart in isolated.items()}
        return {**taps, **{self._bridge_of(nic): Seen(True) for nic in nics}}

    def _definition(self, nics):
        buses = "".join(f"<controller type='pci' index='{number}'/>" for number in range(10))
        root = read(f"<domain><devices>{buses}</devices></domain>")
        root.find("devices").extend(copy.deepcopy(nic) for nic in nics)
        return write(root)

    def _shown(self, nic):
        """A running NIC with what its network has made of it, and adds to it."""
        nic = copy.deepcopy(nic)
        source = nic.find("source")
        net = self.nets.get(source.get("network")) if source is not None and source.get("network") else None
        if net is None or net.live is None:
            return nic
        source.set("portid", "00000000-0000-4000-8000-000000000000")
        if net.live.find("bridge") is not None:
            source.set("bridge", net.live.find("bridge").get("name"))
        else:
            nic.set("type", "direct")
            source.attrib.update({"dev": net.live.find("forward").get("dev"), "mode": "bridge"})
        groups = [one for one in net.live.findall("portgroup") if one.get("name") == source.get("portgroup")]
        for holder in (net.live, *groups):
            for tag in ("bandwidth", "vlan"):
                if holder.find(tag) is not None and nic.find(tag) is None:
                    nic.append(copy.deepcopy(holder.find(tag)))
        return nic


def _refuse_shared(nics):
    """A boot order and an alias are of one device."""
    for tag, name in (("boot", "order"), ("alias", "name")):
        given = [nic.find(tag).get(name) for nic in nics if nic.find(tag) is not None]
        refuse_unless(len(given) == len(set(given)), INTERNAL, f"{tag} used for more than one device")


def _tap(nic):
    return nic.find("target").get("dev")


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
