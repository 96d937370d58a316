"""NICs of the fake hypervisor's guests: they are plugged in, changed and taken out as libvirt does."""

from __future__ import annotations

import copy
import itertools

from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import UnplugError
from tests.unit.fake_libvirt.base import (
    INTERNAL,
    INVALID,
    OPERATION_FAILED,
    OPERATION_UNSUPPORTED,
    mode_of,
    read,
    refuse_unless,
    write,
)
from tests.unit.fake_libvirt.host import FakeHost

NO_DEVICE, NO_NETWORK = 99, 43
# What qemuDomainChangeNet changes; everything else of a running NIC has to be as it is.
CHANGEABLE = ("source", "link", "bandwidth", "vlan", "filterref", "coalesce", "port", "alias", "address", "target")


class FakeNics(FakeHost):
    """Carries out the steps for NICs; ``ports`` are the bridges of taps in the kernel's eyes, ``holds_on`` are guests
    that let go of nothing."""

    def __init__(self, **more):
        super().__init__(**more)
        self.ports, self.holds_on = {}, set()
        self._taps = itertools.count()

    def _nic_attach(self, step, nics):
        nic = read(step.interface.text)
        refuse_unless(nic.find("mac") is not None, INTERNAL, "a MAC address of its own in each definition")
        self._attach(nics, nic, step.scope)

    def _nic_change(self, step, nics):
        new = read(step.interface.text)
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
            busy = before != after and self.ports[tap_of(old)] not in ("", before)
            refuse_unless(not busy, INTERNAL, "Unable to add bridge port: Device or resource busy")
            if before != after:
                self.ports[tap_of(old)] = after
        for tag in ("alias", "address", "target"):
            if new.find(tag) is None and old.find(tag) is not None:
                new.append(copy.deepcopy(old.find(tag)))
        _refuse_shared([new, *(nic for nic in nics if nic is not old)])
        nics[nics.index(old)] = new

    def _nic_detach(self, step, nics):
        old = self._find(nics, read(step.interface.text))
        if step.scope == "live":
            assert step.alias == old.find("alias").get("name"), "the guest knows it by its alias"
            if step.guest in self.holds_on:
                raise UnplugError("the guest did not let go")
        nics.remove(old)

    def _nic_redefine(self, step, nics):
        base, wanted = ([one.text for one in part] for part in (step.base, step.interfaces))
        refuse_unless([*map(write, nics)] == base, OPERATION_FAILED, "somebody else has changed it")
        del nics[:]
        for xml in wanted:
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
            self.ports[tap_of(nic)] = self._bridge_of(nic)
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


def tap_of(nic):
    """The name of a NIC's tap."""
    return nic.find("target").get("dev")
