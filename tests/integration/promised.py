"""Random changes of a network in random surroundings, each predicted in check mode and then made; runs on a hypervisor.

    python -m tests.integration.promised SEED FIRST COUNT

prints a line of JSON for each pair: what was wrong with the promise, or nothing. A pair is what SEED and its index say.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
from typing import Any

import libvirt

from tests.unit.run_module import run_module

from .random_specs import HOST_BRIDGE, UPLINK, Inventor, instead_of
from .surroundings import NIC, TAP, Surroundings, run

URI, NAME, SECOND = "qemu:///system", "net", "net2"
FORETOLD = ("changed", "plan", "diff", "restart_required", "unchecked")
# Only the kernel knows whether it was built with what these options need.
KERNEL = ("qdisc kind is unknown", "vlan_filtering")


class Pair:
    """One network as it is, one as it is asked for, and what is around them."""

    def __init__(self, conn: Any, seed: int, index: int) -> None:
        self._chance = random.Random(f"{seed}/{index}")
        self._conn = conn
        self._number = number = self._chance.randrange(3)
        inventor = Inventor(self._chance.randrange(10**9), number=number)
        self._old, self._new = self._small(inventor.network()), self._small(inventor.network())
        self.around = Surroundings(self._chance, conn, NAME, number)
        self._third = self._small(Inventor(self._chance.randrange(10**9), number=self._chance.randrange(3)).network())
        self.asked: dict[str, Any] = {}
        self.module = "virt_network"
        self.start = ""

    def _small(self, spec: dict[str, Any]) -> dict[str, Any]:
        """A network with few reservations, as each takes a third of a second where it changes."""
        for item in spec.get("ips", []):
            for name in ("hosts", "ranges"):
                if name in item.get("dhcp", {}):
                    item["dhcp"][name] = item["dhcp"][name][:1]
        return spec

    def prepare(self) -> None:
        """Make everything as it is before the change."""
        self.around.add(self._chance.randrange(3))
        self.start = self._chance.choice(
            ["absent", "absent", "stopped", "stopped", "running", "running", "transient", "both"]
        )
        if self.start != "absent":
            made = run_module("virt_network", uri=URI, name=NAME, active=self.start != "stopped", **self._old)
            self.start += " (refused)" if made.get("failed") else ""
        with contextlib.suppress(libvirt.libvirtError):
            network = self._conn.networkLookupByName(NAME)
            if self.start == "transient":
                network.undefine()
            elif self.start == "both":
                run_module("virt_network", uri=URI, name=NAME, restart="never", **self._part(self._new))
        if self._chance.random() < 0.2:
            run_module("virt_network", uri=URI, name=SECOND, active=self._chance.random() < 0.7, **self._third)
        self.around.add(self._chance.randrange(4))

    def _part(self, spec: dict[str, Any]) -> dict[str, Any]:
        names = self._chance.sample(sorted(spec), self._chance.randint(1, len(spec)))
        return {name: spec[name] for name in names}

    def ask(self) -> dict[str, Any]:
        """Return the options of the task."""
        options = self._network()
        if self._chance.random() < 0.2:
            self.module, inside = "virt_topology", {k: v for k, v in options.items() if k not in ("restart", "force")}
            second = {"name": SECOND, **self._part(self._third), **self._chance.choice([{}, {}, {"state": "absent"}])}
            networks = self._chance.sample([inside, second], 2)
            return {"networks": networks, **{name: options[name] for name in ("restart", "force")}}
        if self._chance.random() < 0.15:
            return self._entry()
        return options

    def _entry(self) -> dict[str, Any]:
        """A single entry of one of the network's lists."""
        entries: dict[str, dict[str, Any]] = {
            "virt_dns_host": {"ip": "192.0.2.77", "hostnames": ["alpha.test"]},
            "virt_dns_txt": {"name": "alpha", "value": "c"},
            "virt_portgroup": {"name": "red", "trust_guest_rx_filters": True},
            "virt_dhcp_host": {"mac": "52:54:00:00:01:01", "ip": f"10.10{self._number}.0.77"},
        }
        self.module = self._chance.choice(sorted(entries))
        state = self._chance.choice(["present", "present", "absent"])
        return {"network": NAME, "state": state, **entries[self.module]}

    def _network(self) -> dict[str, Any]:
        chance, old, new = self._chance, self._old, self._new
        spec = chance.choice([{}, new, instead_of(old, new), instead_of(old, new), self._part(new)])
        spec = dict(spec)
        if chance.random() < 0.35:
            names = [self.around.own, HOST_BRIDGE, UPLINK, NIC, TAP, "vf-spare", "vf-else", "default"]
            spec["bridge"] = {**spec.get("bridge", {}), "name": chance.choice(names)}
        if chance.random() < 0.1:
            spec["bridge"] = {**spec.get("bridge", {}), "zone": "public"}
        if chance.random() < 0.1:
            spec["forward"] = {"mode": chance.choice(["nat", "route", "bridge", "open"])}
        if chance.random() < 0.05:
            spec["forward"] = {"mode": chance.choice(["hostdev", "passthrough"]), "pf": {"dev": UPLINK}}
        if chance.random() < 0.05:
            spec["dnsmasq_options"] = chance.sample(["no-such-option", "strict-order", "log-dhcp", "port=99999"], 2)
        if spec.get("ips") and chance.random() < 0.1:
            root = chance.choice(["/srv", "/nowhere", "/etc/passwd"])
            spec["ips"] = [{**spec["ips"][0], "tftp": {"root": root}}, *spec["ips"][1:]]
        if chance.random() < 0.05:
            spec["mtu"] = {"size": chance.choice([68, 1000, 1280])}
        with contextlib.suppress(libvirt.libvirtError, IndexError):
            if chance.random() < 0.03:
                spec["uuid"] = self._conn.listAllNetworks()[0].UUIDString()
        options = {
            "state": chance.choice([*["present"] * 8, "absent", "restarted"]),
            "active": chance.random() < 0.85,
            "autostart": chance.random() < 0.7,
            "restart": chance.choice(["idle", "idle", "never", "replug"]),
            "force": chance.random() < 0.2,
        }
        if options["state"] == "restarted":
            options.update(active=True, restart="replug")
        return {"name": NAME, **spec, **options}

    def failures(self) -> list[str]:
        """Return what was wrong with the promise."""
        self.prepare()
        self.asked = self.ask()
        before = self.look()
        check, real = (run_module(self.module, check, uri=URI, **self.asked) for check in (True, False))
        if real.get("failed") and any(words in real["msg"] for words in KERNEL):
            return []
        found = []
        if bool(check.get("failed")) != bool(real.get("failed")):
            found.append(f"check {check.get('msg', 'passed')!r}, real {real.get('msg', 'passed')!r}")
        elif check.get("failed"):
            if (check["msg"], check.get("problems")) != (real["msg"], real.get("problems")):
                found.append(f"check {check['msg']!r}, real {real['msg']!r}")
        else:
            found += [f"{key}: {check[key]} / {real[key]}" for key in FORETOLD if check[key] != real[key]]
            again = run_module(self.module, True, uri=URI, **self._settled())
            if again.get("failed") or again["changed"]:
                found.append(f"again: {again.get('msg', again.get('plan'))}")
        after = self.look()
        if real.get("failed") and before != after:
            found.append(f"not as before: {differing(before, after)}")
        self.kind = "refused" if check.get("failed") else "changed" if check["changed"] else "same"
        return found

    def _settled(self) -> dict[str, Any]:
        """What was asked for, without a restart in any case."""
        inside = [{**one, "state": "present"} if one.get("state") == "restarted" else one for one in self._each()]
        return {**self.asked, "networks": inside} if self.module == "virt_topology" else inside[0]

    def _each(self) -> list[dict[str, Any]]:
        return self.asked["networks"] if self.module == "virt_topology" else [self.asked]

    def look(self) -> dict[str, Any]:
        """Return what a task may change, or should not."""
        found: dict[str, Any] = {}
        for network in self._conn.listAllNetworks():
            saved = network.XMLDesc(libvirt.VIR_NETWORK_XML_INACTIVE) if network.isPersistent() else ""
            live = network.XMLDesc() if network.isActive() else ""
            found[network.name()] = [saved, live, bool(network.isPersistent() and network.autostart())]
        for guest in self._conn.listAllDomains():
            found[f"guest {guest.name()}"] = [guest.XMLDesc(), guest.state()]
        links = subprocess.run(["ip", "-j", "address"], capture_output=True, check=True, text=True).stdout
        for link in json.loads(links):
            addresses = [one["local"] for one in link["addr_info"] if one["scope"] == "global"]
            found[f"device {link['ifname']}"] = [link.get("master"), "UP" in link["flags"], sorted(addresses)]
        return found

    def told(self) -> dict[str, Any]:
        """Return all that the pair was."""
        return {"start": self.start, "around": self.around.told, "old": self._old, self.module: self.asked}


def differing(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return what has become another."""
    names = sorted(before.keys() | after.keys())
    return "; ".join(f"{n}: {before.get(n)} -> {after.get(n)}" for n in names if before.get(n) != after.get(n))


def main(seed: int, first: int, count: int) -> None:
    libvirt.registerErrorHandler(lambda _context, _error: None, None)
    run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
    conn = libvirt.open(URI)
    for index in range(first, first + count):
        pair = Pair(conn, seed, index)
        try:
            failures = pair.failures()
        finally:
            pair.around.clear()
        result = {"index": index, "kind": getattr(pair, "kind", "kernel"), "failures": failures}
        print(json.dumps({**result, **(pair.told() if failures else {})}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
