"""Networks of the fake hypervisor: what each step does to them, and what libvirt refuses."""

from __future__ import annotations

import copy
import itertools
from typing import NamedTuple

from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    MeanwhileError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of
from tests.unit.fake_libvirt.addresses import network_of
from tests.unit.fake_libvirt.base import (
    INTERNAL,
    INVALID,
    NO_NETWORK,
    OPERATION_FAILED,
    OPERATION_UNSUPPORTED,
    OWN_BRIDGE,
    mode_of,
    read,
    refuse_unless,
)
from tests.unit.fake_libvirt.definition import accepted, validate
from tests.unit.fake_libvirt.forward import as_running
from tests.unit.fake_libvirt.update import update

FAILED = 38  # VIR_ERR_SYSTEM_ERROR


class Network(NamedTuple):
    """A network: its persistent and its live config as libvirt keeps them (None: there is none)."""

    saved: etree._Element | None = None
    live: etree._Element | None = None
    autostart: bool = False

    @property
    def current(self):
        """What libvirt answers when asked for the persistent config."""
        return self.live if self.saved is None else self.saved


class FakeNetworks:
    """Keeps networks by name, and carries out the steps for them.

    ``users`` are the guests on them, ``connections`` the counts on their devices; ``half`` is how many NICs of a guest
    a step moves that fails, None for all of them.
    """

    def __init__(self, version, devices):
        self.nets, self.users, self.connections = {}, {}, {}
        self.half = None
        self._version, self._devices = version, devices
        self._numbers = itertools.count(1)

    def _defined(self, source, name, like=None):
        made = accepted(source, self._version)
        validate(made, self._version)
        refuse_unless(made.findtext("name") == name, INVALID, f"the definition is of {made.findtext('name')}")
        self._generate(made, like)
        return made

    def _generate(self, made, like=None):
        """What libvirt invents: the uuid, and for its own bridge a name and a MAC address."""
        number = next(self._numbers)
        if made.find("uuid") is None:
            made.find("name").addnext(etree.Element("uuid"))
            made.find("uuid").text = f"00000000-0000-4000-8000-{number:012x}"
            if like is not None:
                made.find("uuid").text = like.findtext("uuid")
        if mode_of(made) not in OWN_BRIDGE:
            return
        bridge = made.find("bridge")
        others = {
            other.find("bridge").get("name")
            for name, net in self.nets.items()
            for other in (net.saved, net.live)
            if other is not None and name != made.findtext("name") and other.find("bridge") is not None
        }
        if bridge.get("name") is None:
            free = (f"virbr{index}" for index in itertools.count())
            rest = dict(bridge.attrib)
            bridge.attrib.clear()
            bridge.attrib.update({"name": next(one for one in free if one not in others), **rest})
        refuse_unless(bridge.get("name") not in others, INTERNAL, f"bridge name '{bridge.get('name')}' already in use.")
        if made.find("mac") is None:
            mac = etree.Element("mac", address=f"52:54:00:00:{number >> 8 & 255:02x}:{number & 255:02x}")
            (bridge if made.find("mtu") is None else made.find("mtu")).addnext(mac)

    def _define(self, step):
        if step.base and self.observe(step.network).saved != step.base:
            raise MeanwhileError(f"Cannot define network {step.network!r}")
        source = read(step.definition.text)
        name, uuid = source.findtext("name"), source.findtext("uuid")
        for other, net in self.nets.items():
            same = net.current.findtext("uuid") == uuid
            refuse_unless(same or other != name, OPERATION_FAILED, f"network '{other}' already exists")
            refuse_unless(
                not same or other == name, OPERATION_FAILED, f"network '{other}' is already defined with uuid"
            )
        made = self._defined(source, step.network)
        self.nets[name] = self.nets.get(name, Network())._replace(saved=made)

    def _net(self, step):
        refuse_unless(step.network in self.nets, NO_NETWORK, f"no network with matching name '{step.network}'")
        return self.nets[step.network]

    def _undefine(self, step):
        net = self._net(step)
        refuse_unless(net.saved is not None, INVALID, "can't undefine transient network")
        self._keep(step.network, net._replace(saved=None, autostart=False))

    def _keep(self, name, net):
        if net.current is None:
            del self.nets[name]
        else:
            self.nets[name] = net

    def _start(self, step):
        net = self._net(step)
        refuse_unless(net.live is None, INVALID, "network is already active")
        mine = {network_of(one) for one in net.saved.findall("ip")}
        for other in self.nets.values():
            taken = set() if other.live is None else {network_of(one) for one in other.live.findall("ip")}
            refuse_unless(not mine & taken, INTERNAL, "Network is already in use by interface")
        if self._devices is not None and mode_of(net.saved) in OWN_BRIDGE:
            bridge = net.saved.find("bridge").get("name")
            refuse_unless(bridge not in self._devices, FAILED, f"Unable to create bridge {bridge}: File exists")
        self.nets[step.network] = net._replace(live=as_running(net.saved))

    def _stop(self, step):
        net = self._net(step)
        refuse_unless(net.live is not None, INVALID, f"network '{step.network}' is not active")
        self.connections.pop(step.network, None)
        if mode_of(net.live) in OWN_BRIDGE:
            self._plug(step, "connected", "disconnected")
        self._keep(step.network, net._replace(live=None))

    def _setautostart(self, step):
        net = self._net(step)
        refuse_unless(net.saved is not None, INVALID, "cannot set autostart for transient network")
        self.nets[step.network] = net._replace(autostart=step.on)

    def _update(self, step):
        net = self._net(step)
        refuse_unless(step.scope == "saved" or net.live is not None, INVALID, "network is not running")
        refuse_unless(step.scope == "live" or net.saved is not None, INVALID, "transient network")
        made = {}
        for scope, before in (("live", net.live), ("saved", net.saved)):
            if step.scope in (scope, "both"):
                root = self.shown(step.network, before) if scope == "live" else copy.deepcopy(before)
                update(root, step.command, step.section, step.parent, read(step.xml), version=self._version)
                for reported in root.iter("network", "interface"):
                    reported.attrib.pop("connections", None)
                made[scope] = accepted(root, self._version)
        self.nets[step.network] = net._replace(**made)

    def _describe(self, step):
        net = self._net(step)
        refuse_unless(self._version >= 9007000, OPERATION_UNSUPPORTED, "cannot change the description of a network")
        refuse_unless(net.live is not None, INVALID, "network is not running")
        root = copy.deepcopy(net.live)
        for old in root.findall(step.field):
            root.remove(old)
        etree.SubElement(root, step.field).text = step.text
        self.nets[step.network] = net._replace(live=accepted(root, self._version))

    def _plug(self, step, before, after, at_most=None):
        """Brings so many of the network's NICs from one state to another."""
        moves = itertools.count()
        self.users[step.network] = tuple(
            guest._replace(
                nics=tuple(
                    nic._replace(state=after)
                    if nic.state == before and (at_most is None or next(moves) < at_most)
                    else nic
                    for nic in guest.nics
                )
            )
            for guest in self.users.get(step.network, ())
        )

    def _park(self, step):
        name = parking_of(step.network).network
        if name not in self.nets:
            self.nets[name] = Network(live=self._defined(read(step.parking.text), name))
        for state in ("connected", "disconnected"):
            self._plug(step, state, "parked", self.half)

    def _return(self, step):
        net = self._net(step)
        refuse_unless(net.live is not None, INVALID, f"network '{step.network}' is not active")
        for state in ("disconnected", "parked"):
            self._plug(step, state, "connected", self.half)
        if self.half is None:
            self.nets.pop(parking_of(step.network).network, None)

    def _removebridge(self, step):
        refuse_unless(self._devices and step.bridge in self._devices, FAILED, f"Cannot find device {step.bridge}")
        del self._devices[step.bridge]

    def shown(self, name, live):
        """The live config with what libvirt reports in it: connections, and what it derived from a <pf>."""
        root, busy = copy.deepcopy(live), self.connections.get(name, {})
        if busy:
            root.set("connections", str(sum(busy.values())))
        for interface in root.findall("forward/interface"):
            if interface.get("dev") in busy:
                interface.set("connections", str(busy[interface.get("dev")]))
        pf = root.find("forward/pf")
        if pf is not None and mode_of(root) == "hostdev":
            for slot in ("0x10", "0x11"):
                address = {"domain": "0x0000", "bus": "0x03", "slot": slot, "function": "0x0"}
                etree.SubElement(pf.getparent(), "address", type="pci", **address)
        elif pf is not None:
            for index in range(2):
                etree.SubElement(pf.getparent(), "interface", dev=f"{pf.get('dev')}v{index}")
        return root
