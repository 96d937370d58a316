"""Networks with hostile values in everything that ends in dnsmasq's files, and the lines that these have to have.

The lines are written here once more, from libvirt's source (networkDnsmasqConfContents, dnsmasqDhcpHostsToString and
addnhostsWrite, 9.0), and not taken from the table that is tested.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

Spec = dict[str, Any]

LENGTHS = (
    1,
    1,
    2,
    20,
    62,
    63,
    64,
    127,
    128,
    240,
    253,
    254,
    255,
    256,
    480,
    900,
    990,
    1000,
    1005,
    1010,
    1012,
    1023,
    4096,
)
# What shells, XML, dnsmasq, URLs and people find special; control characters end a line for somebody.
SPECIAL = [
    '"',
    '""',
    "'",
    "\\",
    '\\"',
    ",",
    "#",
    " #",
    " ",
    "  ",
    "=",
    "/",
    "[x]",
    "{x}",
    "<&>",
    "$(x)",
    "%s",
    "ü",
    "\U0001f600",
]
CONTROLS = ["\n", "\r", "\x85", "\u2028", "\x0b", "\x1f", "\x7f"]
PAYLOADS = ["dhcp-script=/run/evil.sh", "\ndhcp-script=/run/evil.sh", "conf-file=/etc/shadow", "tag:x,y"]


class Inventor:
    """Invents options of networks from a seed, most of which are refused."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)

    def pieces(self) -> Iterator[Spec]:
        """Options of one network, each with a value that may be refused."""
        for number in range(6):
            yield {"dns": {"txts": [{"name": f"t{number}.{self._name()}", "value": self._text()}]}}
            yield {"dns": {"txts": [{"name": f"u{number}", "value": self._text()}]}}
            yield {"dns": {"hosts": [{"ip": f"192.0.2.{number + 1}", "hostnames": [self._name(), self._name()]}]}}
            srv = {"service": self._name(62), "protocol": "tcp", "domain": self._name(), "target": self._name()}
            yield {"dns": {"srvs": [{**srv, **self._chance.choice([{}, {"port": 9}, {"weight": 3}])}]}}
            yield {"dns": {"forwarders": [{"domain": self._name(), "addr": "192.0.2.1"}]}}
            host = {"mac": f"52:54:00:00:00:{number:02x}", "ip": f"10.77.0.{number + 10}", "name": self._name()}
            yield {"ips": [{"dhcp": {"hosts": [host]}}]}
        yield {"domain": {"name": self._name()}}
        root = "/".join(self._text().replace(",", "") for _part in range(2))
        yield {"ips": [{"tftp": {"root": f"/{root}"}}]}
        yield {"ips": [{"dhcp": {"bootp": {"file": self._text(), "server": "10.77.0.1"}}}]}
        yield {"dnsmasq_options": [f"address={'/a' * self._chance.choice(LENGTHS)}/192.0.2.9"]}

    def _name(self, longest: int = 4096) -> str:
        if self._chance.random() < 0.1:
            return self._text()
        length = min(self._chance.choice(LENGTHS) if self._chance.random() < 0.5 else 9, longest)
        text = "".join(self._chance.choices("abcdefghi", k=length))
        step = self._chance.choice([20, 60, 63, 64, 4096])
        return ".".join(text[place : place + step] for place in range(0, length, step))[:length].rstrip(".")

    def _text(self) -> str:
        length = self._chance.choice(LENGTHS)
        found = "".join(self._chance.choices("abcdefghi", k=length))
        for pool, share in ((SPECIAL, 0.5), (PAYLOADS, 0.3), (CONTROLS, 0.1)):
            if self._chance.random() < share:
                place = self._chance.randint(0, len(found))
                found = found[:place] + self._chance.choice(pool) + found[place:]
        return found


def merged(one: Any, other: Any) -> Any:
    """Return two sets of options as one: dictionaries merge, lists are joined, an <ip> is one only."""
    if isinstance(one, dict):
        both = {name: merged(one[name], other[name]) for name in one.keys() & other.keys()}
        return {**one, **other, **both}
    if isinstance(one, list) and one and "dhcp" in {*one[0], *other[0]}.union(["dhcp"] * ("address" in one[0])):
        return [merged(one[0], other[0])]
    return [*one, *other] if isinstance(one, list) else other


def configuration(spec: Spec) -> list[str]:
    """Return the lines of dnsmasq's configuration that depend on the values, in any order."""
    dns, ip = spec.get("dns", {}), spec["ips"][0]
    found = [f"server={_around('/', one.get('domain'))}{one.get('addr', '#')}" for one in dns.get("forwarders", [])]
    found += [f"domain={spec['domain']['name']}"] if "domain" in spec else []
    found += [f"txt-record={one['name']},{one['value']}" for one in dns.get("txts", [])]
    found += [_srv(one) for one in dns.get("srvs", [])]
    found += [f"tftp-root={ip['tftp']['root']}"] if "tftp" in ip else []
    boot = ip.get("dhcp", {}).get("bootp")
    found += [f"dhcp-boot={boot['file']},,{boot['server']}"] if boot else []
    return [*found, *spec.get("dnsmasq_options", [])]


def _around(sign: str, text: str | None) -> str:
    return f"{sign}{text}{sign}" if text else ""


def _srv(one: Spec) -> str:
    numbers = [one.get("port", 0), one.get("priority", 0), one.get("weight", 0)]
    while numbers and not numbers[-1]:
        numbers.pop()
    shown = "".join(f",{number or int(place == 0)}" for place, number in enumerate(numbers))
    return f"srv-host=_{one['service']}._{one['protocol']}.{one['domain']},{one['target']}{shown}"


def reservations(spec: Spec) -> list[str]:
    """Return the lines of dnsmasq's file of reservations."""
    hosts = spec["ips"][0].get("dhcp", {}).get("hosts", [])
    return [f"{one['mac']},{one['ip']},{one['name']}" for one in hosts]


def names(spec: Spec) -> list[str]:
    """Return the lines of dnsmasq's file of names."""
    hosts = spec.get("dns", {}).get("hosts", [])
    return ["\t".join([one["ip"], *one["hostnames"], ""]) for one in hosts]
