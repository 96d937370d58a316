"""The fake hypervisor: the conductor's Host with networks, guests and devices in memory."""

from __future__ import annotations

import contextlib
import copy

from ansible_collections.virtfleet.network.plugins.module_utils._errors.errors import (
    LibvirtError,
    LockedError,
)
from ansible_collections.virtfleet.network.plugins.module_utils._schema.network import LiveNetwork, NetworkDefinition
from ansible_collections.virtfleet.network.plugins.module_utils._values.observed import Device, Observed
from ansible_collections.virtfleet.network.plugins.module_utils._values.parking import parking_of
from ansible_collections.virtfleet.network.plugins.module_utils._values.surroundings import Lack
from ansible_collections.virtfleet.network.plugins.module_utils._xml.definition import ABSENT
from tests.unit.fake_libvirt.addresses import network_of
from tests.unit.fake_libvirt.base import (
    OWN_BRIDGE,
    RefusedError,
    mode_of,
    read,
    write,
)
from tests.unit.fake_libvirt.definition import accepted
from tests.unit.fake_libvirt.forward import as_running
from tests.unit.fake_libvirt.networks import FAILED, FakeNetworks, Network


class FakeHost(FakeNetworks):
    """Networks and what the conductor asks of a host. ``calls`` are the steps that were tried; ``fail_at`` is the index
    of the one that fails, ``after_effect`` says whether it has its effect before it does ("half": of several NICs, one
    is moved); ``broken`` makes all later ones fail too; ``locked`` are the locks that were taken, and ``on_lock`` is
    called for each.
    """

    def __init__(self, version=9000000, devices=None, schema=None):
        super().__init__(version, devices)
        self.held, self.locked, self.on_lock = set(), [], lambda: None
        self.calls, self.fail_at, self.after_effect, self.broken = [], None, False, False
        self.looker = None
        self.lacking = lambda _needs: Lack([], [])
        self.error = lambda: LibvirtError("Cannot carry out the step", "the test lets it fail", FAILED)
        self._schema = schema

    # ---- what the conductor asks ----

    def guests(self):
        """Who uses which network."""
        return self.users

    def observe(self, name):
        """A network as it is."""
        net = self.nets.get(name)
        if net is None:
            return Observed(name)
        live = LiveNetwork(write(self.shown(name, net.live))) if net.live is not None else ABSENT
        parking = parking_of(name).network in self.nets
        saved = NetworkDefinition(write(net.current))
        return Observed(name, saved, live, net.autostart, net.saved is not None, parking=parking)

    def names(self):
        """The names of all networks, in order."""
        return sorted(self.nets)

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

    def schema_errors(self, definition):
        """What the schema says; without one nothing is known."""
        return None if self._schema is None else self._schema(definition.text)

    def parsed(self, definition):
        """A definition as libvirt's parser keeps it."""
        try:
            return NetworkDefinition(write(accepted(read(definition.text), self._version)))
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

    def put(self, name, saved="", live="", autostart=False, guests=(), *, parking=False):
        """Makes a network be there as given; ``live`` may be "same", and count connections."""
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
