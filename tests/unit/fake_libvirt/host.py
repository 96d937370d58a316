"""The fake hypervisor: the conductor's Host with networks, guests and devices in memory."""

from __future__ import annotations

import contextlib
import copy
import itertools
from typing import NamedTuple

from lxml import etree

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    LibvirtError,
    LockedError,
    MeanwhileError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device, Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.surroundings import Lack
from tests.unit.fake_libvirt.addresses import network_of
from tests.unit.fake_libvirt.base import (
    INTERNAL,
    INVALID,
    NO_NETWORK,
    OPERATION_FAILED,
    OPERATION_UNSUPPORTED,
    OWN_BRIDGE,
    RefusedError,
    mode_of,
    read,
    refuse_unless,
    write,
)
from tests.unit.fake_libvirt.definition import accepted, validate
from tests.unit.fake_libvirt.forward import as_running
from tests.unit.fake_libvirt.update import update

FAILED = 38  # VIR_ERR_SYSTEM_ERROR


class Network(NamedTuple):
    """A network: the saved and the running definition as libvirt keeps them (None: there is none)."""

    saved: etree._Element | None = None
    live: etree._Element | None = None
    autostart: bool = False

    @property
    def current(self):
        """What an inquiry for the saved definition gets."""
        return self.live if self.saved is None else self.saved


class FakeHost:
    """Keeps networks by name. ``calls`` are the steps that were tried; ``fail_at`` is the index of the one that fails,
    ``after_effect`` says whether it has its effect before it does ("half": of several NICs, one is moved); ``broken``
    makes all later ones fail too; ``locked`` are the locks that were taken, and ``on_lock`` is called for each.
    """

    def __init__(self, version=9000000, devices=None, schema=None):
        self.nets, self.users, self.connections = {}, {}, {}
        self.held, self.locked, self.on_lock = set(), [], lambda: None
        self.calls, self.fail_at, self.after_effect, self.broken = [], None, False, False
        self.half, self.looker = None, None
        self.lacking = lambda _needs: Lack([], [])
        self.error = lambda: LibvirtError("Cannot carry out the step", "the fake was told to fail", FAILED)
        self._version, self._devices, self._schema = version, devices, schema
        self._numbers = itertools.count(1)

    # ---- what the conductor asks ----

    def guests(self):
        """Who uses which network."""
        return self.users

    def observe(self, name):
        """A network as it is."""
        net = self.nets.get(name)
        if net is None:
            return Observed(name)
        live = write(self.shown(name, net.live)) if net.live is not None else ""
        parking = parking_of(name).network in self.nets
        return Observed(name, write(net.current), live, net.autostart, net.saved is not None, parking=parking)

    def networks(self):
        """All networks."""
        return [self.observe(name) for name in sorted(self.nets)]

    def version(self):
        """libvirt's version."""
        return self._version

    api_version = version

    def devices(self):
        """The host's devices, with the bridges of running networks."""
        if self._devices is None:
            return None
        found = dict(self._devices)
        for net in self.nets.values():
            if net.live is not None and mode_of(net.live) in OWN_BRIDGE:
                addresses = [f"{one.get('address')}/{network_of(one).prefixlen}" for one in net.live.findall("ip")]
                found[net.live.find("bridge").get("name")] = Device(
                    True, net.live.find("mac").get("address"), {}, tuple(addresses)
                )
        return found

    def lacks(self, needs):
        """What the host lacks: what a test says that it does."""
        return None if self._devices is None else self.lacking(needs)

    def look(self):
        """What looks at the hypervisor."""
        return self.looker

    def schema_errors(self, xml):
        """What the schema says; without one nothing is known."""
        return None if self._schema is None else self._schema(xml)

    def parsed(self, xml):
        """A definition as libvirt's parser keeps it."""
        try:
            return write(accepted(read(xml), self._version))
        except RefusedError as error:
            raise LibvirtError("Cannot read the definition", str(error), error.code) from None

    @contextlib.contextmanager
    def lock(self, things, seconds):
        """Holds networks and guests; nobody else would let go while one waits."""
        names = [name if kind == "network" else f"{kind}/{name}" for kind, name in things]
        if self.held.intersection(names):
            raise LockedError(f"held for {seconds} seconds")
        self.locked.append((names, seconds))
        self.held.update(names)
        self.on_lock()
        try:
            yield
        finally:
            self.held.difference_update(names)

    def apply(self, step):
        """Carries out a step; a network must be locked for it."""
        assert step.network in self.held, f"{step} without the lock of its network"
        self.calls.append(step)
        failing = self.fail_at is not None and (
            len(self.calls) - 1 == self.fail_at or (self.broken and len(self.calls) > self.fail_at)
        )
        if failing and not self.after_effect:
            raise self.error()
        self.half = 1 if failing and self.after_effect == "half" else None
        try:
            getattr(self, f"_{type(step).__name__.lower()}")(step)
        except RefusedError as error:
            raise LibvirtError(f"Cannot apply {step}", str(error), error.code) from None
        if failing:
            raise self.error()

    # ---- what a test sets up ----

    def put(self, name, saved="", live="", autostart=False, guests=(), parking=False):
        """Makes a network be there as given; ``live`` may be "same", and tell of connections."""
        kept = self._defined(read(saved), name) if saved else None
        running = kept if live == "same" else self._defined(read(live), name, kept) if live else None
        running = as_running(running) if running is not None else None
        self.nets[name] = Network(copy.deepcopy(kept), running, autostart)
        self.users[name] = tuple(guests)
        if parking:
            place = parking_of(name)
            definition = f"<network><name>{place.network}</name><bridge name='{place.bridge}'/></network>"
            self.nets[place.network] = Network(live=self._defined(read(definition), place.network))
        busy = read(live).iterfind("forward/interface[@connections]") if "connections=" in live else ()
        self.connections[name] = {one.get("dev"): int(one.get("connections")) for one in busy}

    def state(self):
        """Everything that a failed change must leave as it was."""
        return {name: self.observe(name)._replace(guests=self.users.get(name, ())) for name in self.nets}

    # ---- the steps ----

    def _defined(self, source, name, like=None):
        made = accepted(source, self._version)
        validate(made, self._version)
        refuse_unless(made.findtext("name") == name, INVALID, f"the definition is of {made.findtext('name')}")
        self._make_up(made, like)
        return made

    def _make_up(self, made, like=None):
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
            raise MeanwhileError("somebody else has just changed it")
        source = read(step.xml)
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
            self._plug(step, "connected", "cut_off")
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
                update(root, step.command, step.section, step.parent, read(step.xml), self._version)
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
            self.nets[name] = Network(live=self._defined(read(step.parking), name))
        for state in ("connected", "cut_off"):
            self._plug(step, state, "parked", self.half)

    def _return(self, step):
        net = self._net(step)
        refuse_unless(net.live is not None, INVALID, f"network '{step.network}' is not active")
        for state in ("cut_off", "parked"):
            self._plug(step, state, "connected", self.half)
        if self.half is None:
            self.nets.pop(parking_of(step.network).network, None)

    def _removebridge(self, step):
        refuse_unless(self._devices and step.bridge in self._devices, FAILED, f"Cannot find device {step.bridge}")
        del self._devices[step.bridge]

    def shown(self, name, live):
        """A running definition with what libvirt reports in it: connections, and what it derived from a <pf>."""
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
