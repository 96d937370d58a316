"""Invented networks that libvirt accepts and this kernel can start, in the canonical form that specs are read back in.

They come from few values, so that two of them have much in common.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

Spec = dict[str, Any]
Version = tuple[int, ...]

HOST_BRIDGE = "vf-given"  # must be there
UPLINK = "uplink"
MODES = ("nat", "nat", "nat", "", "", "route", "open", "bridge", "private")
MACS = [f"52:54:00:00:{number:02x}:01" for number in range(8)]
HOST_NAMES = ["alpha", "beta", "gamma", "delta", "epsilon"]
DOMAINS = ["one.test", "two.test"]
LEASES = [{"expiry": 0}, {"expiry": 5}, {"expiry": 300, "unit": "seconds"}, {"expiry": 2, "unit": "hours"}]
NOTES = "https://example.org/notes"
# The lists whose entries are dictionaries that merge, and the key of an entry.
LISTS: dict[str, Callable[[Spec], str]] = {
    "ips": lambda item: str(item["address"][:-1]),
    "portgroups": lambda item: str(item["name"]),
}


class Inventor:
    """Invents networks from a seed; `number` keeps the subnets of different networks apart."""

    def __init__(self, seed: int, version: Version = (9, 0, 0), number: int = 0) -> None:
        self._chance = random.Random(seed)
        self._version = version
        self._number = number

    def network(self) -> Spec:
        """Return the options of a network, all but its name, active and autostart."""
        mode = self._chance.choice(MODES)
        if mode in ("bridge", "private"):
            return self._foreign(mode)
        spec: Spec = {"bridge": self._some(name=[f"vf-r{self._number}"], stp=[True, False])}
        if mode:
            spec["forward"] = self._forward(mode)
        spec["ips"] = [self._ip4(net) for net in self._sample([0, 1, 2], 1, 2)]
        if self._chance.random() < 0.5:
            spec["ips"].append(self._ip6())
        self._one_dhcp_a_family(spec["ips"])
        if self._chance.random() < 0.7:
            spec["dns"] = self._dns()
        return {**spec, **self._extras(spec)}

    # ---- parts ----

    def _foreign(self, mode: str) -> Spec:
        """A network on what the host has."""
        on_bridge = {"forward": {"mode": "bridge"}, "bridge": {"name": HOST_BRIDGE}}
        spec: Spec = on_bridge if mode == "bridge" else {"forward": {"mode": mode, "interfaces": [{"dev": UPLINK}]}}
        if self._chance.random() < 0.5:
            spec["portgroups"] = self._portgroups()
        return {**spec, **self._words()}

    def _forward(self, mode: str) -> Spec:
        forward: Spec = {"mode": mode}
        if mode != "open" and self._chance.random() < 0.3:
            forward["interfaces"] = [{"dev": UPLINK}]
        if mode == "nat" and self._chance.random() < 0.5:
            forward["nat"] = self._some(
                ipv6=[True], port=[{"start": 10000, "end": 20000}, {"start": 20000, "end": 30000}]
            ) or {"ipv6": True}
        return forward

    def _ip4(self, net: int) -> Spec:
        base = f"10.{100 + self._number}.{net}"
        item: Spec = {"address": f"{base}.{self._chance.choice([1, 2])}", "prefix": self._chance.choice([24, 25])}
        if item["prefix"] == 24 and self._chance.random() < 0.3:  # the name servers of a /25 have no zone
            item["local_ptr"] = True
        if self._chance.random() < 0.7:
            item["dhcp"] = {
                "ranges": [
                    {"start": f"{base}.{low}", "end": f"{base}.{low + 9}"} for low in self._sample([20, 40], 0, 2)
                ],
                "hosts": self._hosts("mac", MACS, [f"{base}.{last}" for last in range(100, 105)]),
            }
            self._with_leases(item["dhcp"])
            if any(item["dhcp"].values()) and self._chance.random() < 0.3:
                item["dhcp"]["bootp"] = self._some(file=["pxe.0"], server=["192.0.2.1"], always=("file",))
        return item

    def _neighbour(self, item: Spec) -> str:
        return str(item["address"][:-1] + "9")

    def _ip6(self) -> Spec:
        base = f"fd00:{100 + self._number}::"
        item: Spec = {"family": "ipv6", "address": f"{base}{self._chance.choice([1, 2])}", "prefix": 64}
        if self._chance.random() < 0.6:
            ids = [f"00:03:00:01:{mac}" for mac in MACS]
            item["dhcp"] = {
                "ranges": [{"start": f"{base}100", "end": f"{base}1ff"}] * self._chance.choice([0, 1]),
                "hosts": self._hosts("id", ids, [f"{base}{last}" for last in range(31, 36)]),
            }
        return item

    def _hosts(self, identity: str, identities: list[str], places: list[str]) -> list[Spec]:
        count = self._chance.randint(0, 4)
        rows = zip(self._sample(identities, count), self._sample(places, count), self._sample(HOST_NAMES, count))
        return [
            {identity: mine, "ip": place, **({"name": name} if self._chance.random() < 0.7 else {})}
            for mine, place, name in rows
        ]

    def _with_leases(self, dhcp: Spec) -> None:
        for entry in (*dhcp["ranges"], *dhcp["hosts"]):
            if self._chance.random() < 0.2:
                entry["lease"] = dict(self._chance.choice(LEASES))

    def _one_dhcp_a_family(self, ips: list[Spec]) -> None:
        served = set()
        for item in ips:
            family = item.get("family", "ipv4")
            dhcp = {name: value for name, value in item.get("dhcp", {}).items() if value}
            if family in served or not dhcp:
                item.pop("dhcp", None)
            else:
                item["dhcp"] = dhcp
                served.add(family)

    def _dns(self) -> Spec:
        hosts = [
            {"ip": f"192.0.2.{last}", "hostnames": [f"{name}.test", *self._sample([f"{name}-too.test"], 0)]}
            for last, name in zip(self._sample(range(10, 20), 3), self._sample(HOST_NAMES, 0, 3))
        ]
        srvs = [
            {"service": service, "protocol": "tcp", "domain": "one.test", "target": "dir.one.test", "port": port}
            for service, port in zip(self._sample(["ldap", "sip"], 0), self._sample([389, 5060], 2))
        ]
        return {
            name: value
            for name, value in {
                "hosts": hosts,
                "srvs": srvs,
                "txts": [{"name": name, "value": self._chance.choice("ab")} for name in self._sample(HOST_NAMES, 0, 3)],
                "forwarders": self._sample([{"addr": "192.0.2.1"}, {"domain": "two.test", "addr": "192.0.2.3"}], 0),
                "forward_plain_names": self._chance.choice([False, None]),
            }.items()
            if value not in ([], None)
        }

    def _extras(self, spec: Spec) -> Spec:
        extras = self._some(
            mtu=[{"size": 1400}, {"size": 9000}],
            mac=[{"address": "52:54:00:0a:00:01"}, {"address": "52:54:00:0a:00:02"}],
            domain=[{"name": name, **local} for name in DOMAINS for local in ({}, {"local_only": True})],
            ipv6=[True],
            port=[{"isolated": True}],
            dnsmasq_options=[["log-queries"], ["log-dhcp", "log-queries"]],
            routes=[[{"address": f"10.99.{self._number}.0", "prefix": 24, "gateway": self._neighbour(spec["ips"][0])}]],
        )
        return {
            **extras,
            **self._words(),
            **({"portgroups": self._portgroups()} if self._chance.random() < 0.3 else {}),
        }

    def _portgroups(self) -> list[Spec]:
        default = self._chance.choice([0, 1, 2])
        names = self._sample(["red", "green", "blue"], 1)
        groups: list[Spec] = [{"name": name} for name in names]
        for place, group in enumerate(groups):
            group.update({"default": True} if place == default else {})
            group.update(self._some(trust_guest_rx_filters=[True, False]))
        return groups

    def _words(self) -> Spec:
        words = self._some(metadata=[f'<n:{tag} xmlns:n="{NOTES}">{tag}</n:{tag}>' for tag in "ab"])
        if self._version >= (9, 7, 0):
            words.update(self._some(title=["a title", "Ein Titel"], description=["one line", "two\nlines"]))
        return words

    def _some(self, always: tuple[str, ...] = (), **choices: list[Any]) -> Spec:
        """Some of the options, each with one of its values."""
        return {
            name: self._chance.choice(values)
            for name, values in choices.items()
            if name in always or name == "name" or self._chance.random() < 0.3
        }

    def _sample(self, values: Any, low: int, high: int | None = None) -> list[Any]:
        """From low to high of the values, in any order."""
        values = list(values)
        return self._chance.sample(values, self._chance.randint(low, len(values) if high is None else high))


def instead_of(old: Spec, new: Spec) -> Spec:
    """Return options that lead from one network to another: what only the old one has is taken away."""
    gone = {name: type(old[name])() for name in old.keys() - new.keys() - {"stp"}}
    both = {name: instead_of(old[name], new[name]) for name in old.keys() & new.keys() if isinstance(old[name], dict)}
    for name, key in LISTS.items():
        before = {key(item): item for item in old.get(name, [])}
        if name in new:
            both[name] = [instead_of(before.get(key(item), {}), item) for item in new[name]]
    return {**gone, **new, **both}


def holds(wanted: Any, there: Any) -> bool:
    """Return whether a spec that was read has all that was wanted, and nothing that was removed."""
    if isinstance(wanted, dict) and isinstance(there, dict):
        return all(holds(value, there.get(name)) for name, value in wanted.items())
    if wanted in ({}, [], "", False):
        return there in (wanted, None)
    if isinstance(wanted, list) and isinstance(there, list) and len(wanted) == len(there):
        return all(any(holds(one, other) for other in there) for one in wanted)
    return bool(wanted == there)
