"""A connection with networks and running guests as libvirt's library gives it, as far as moving NICs needs one."""

from __future__ import annotations

import uuid

import libvirt
from lxml import etree

from tests.unit.fake_libvirt.base import read, write


def refusal(text, code=libvirt.VIR_ERR_OPERATION_FAILED):
    """libvirt's error as its library raises it."""
    error = libvirt.libvirtError(text)
    error.err = (code, 0, text, 2, "", None, None, 0, 0)
    return error


class FakeConnection:
    """Networks and guests by name. ``log`` holds what was done, ``before`` is called before each move."""

    def __init__(self, *networks):
        self.networks, self.guests, self.log, self.before = {}, {}, [], lambda _guest: None
        for xml in networks:
            self.networkCreateXML(xml)

    def networkLookupByName(self, name):
        if name not in self.networks:
            raise refusal("no such network", libvirt.VIR_ERR_NO_NETWORK)
        return self.networks[name]

    def networkCreateXML(self, xml):
        name = read(xml).findtext("name")
        self.networks[name] = FakeNetwork(self, name, read(xml))
        self.log.append(f"create {name}")

    def listAllNetworks(self):
        return list(self.networks.values())

    def listAllDomains(self, _flags=0):
        return list(self.guests.values())


class FakeNetwork:
    """A running network with its ports."""

    def __init__(self, conn, name, root):
        self._conn, self._name, self._root, self.ports = conn, name, root, []

    def name(self):
        return self._name

    def isActive(self):
        return 1

    def XMLDesc(self, _flags=0):
        return write(self._root)

    def listAllPorts(self):
        return [FakePort(port) for port in self.ports]

    def destroy(self):
        del self._conn.networks[self._name]
        self._conn.log.append(f"destroy {self._name}")


class FakePort(str):
    """A port, by its id."""

    def UUIDString(self):
        return str(self)


class FakeGuest:
    """A running guest: NICs as (MAC address, network, more XML), or with "bridge:NAME" in place of a network."""

    def __init__(self, conn, name, *nics, job=0, refuses=()):
        self._conn, self._name, self._uuid, self._job, self.refuses = conn, name, str(uuid.uuid4()), job, list(refuses)
        self.root = etree.Element("domain")
        devices = etree.SubElement(self.root, "devices")
        for number, (mac, network, more) in enumerate(nics):
            kind, _colon, bridge = network.partition(":")
            nic = etree.SubElement(devices, "interface", type="bridge" if bridge else "network")
            etree.SubElement(nic, "mac", address=mac)
            source = etree.SubElement(nic, "source", {"bridge": bridge} if bridge else {"network": kind})
            nic.extend(read(f"<x>{more}</x>"))
            etree.SubElement(nic, "target", dev=f"vnet{number}")
            etree.SubElement(nic, "alias", name=f"net{number}")
            self._plug(source)
        conn.guests[name] = self

    def _plug(self, source):
        if source.get("network"):
            source.set("portid", str(uuid.uuid4()))
            self._conn.networkLookupByName(source.get("network")).ports.append(source.get("portid"))

    def name(self):
        return self._name

    def UUIDString(self):
        return self._uuid

    def isActive(self):
        return 1

    def isPersistent(self):
        return 1

    def jobInfo(self):
        return [self._job]

    def XMLDesc(self, flags=0):
        if self._name not in self._conn.guests:
            raise refusal("no such guest", libvirt.VIR_ERR_NO_DOMAIN)
        root = read(write(self.root))
        if not flags & libvirt.VIR_DOMAIN_XML_INACTIVE:
            root.set("id", "1")
        declared = flags & libvirt.VIR_DOMAIN_XML_MIGRATABLE
        for nic in root.iter("interface"):
            there = self._conn.networks.get(nic.find("source").get("network"))
            if not declared and there and read(there.XMLDesc()).find("forward[@mode='bridge']") is not None:
                nic.set("type", "bridge")
            if not declared:
                continue
            nic.find("source").attrib.pop("portid", None)
            for tag in ("target", "alias"):
                nic.remove(nic.find(tag))
        return write(root)

    def updateDeviceFlags(self, xml, _flags):
        self._conn.before(self)
        wanted = read(xml)
        mac, source = wanted.find("mac").get("address"), wanted.find("source")
        self._conn.log.append(f"{self._name} {mac} {source.get('network') or source.get('bridge')}")
        if self._name not in self._conn.guests:
            raise refusal("the guest does not run", libvirt.VIR_ERR_OPERATION_INVALID)
        if self.refuses and self.refuses.pop(0):
            raise refusal("it does not want to")
        nic = next(one for one in self.root.iter("interface") if one.find("mac").get("address") == mac)
        for name in ("network", "bridge"):
            if source.get(name):
                nic.find("source").set(name, source.get(name))
        self._plug(nic.find("source"))
