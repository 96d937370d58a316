"""Hosts without a machine: what look.sh prints about one, and what it prints after a plan was carried out."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import yaml

MAC = "52:54:00:00:02:02"
FIXED, FIXED6, ROUTER = "192.0.2.2/24", "2001:db8::2/64", "192.0.2.1"


def netplan_of(text: str) -> Any:
    """Netplan's YAML with all scalars as strings, as they are written."""
    return yaml.load(text, yaml.BaseLoader)  # noqa: S506 - it makes nothing but strings


def link(index: int, name: str, *addresses: str, dynamic: bool = False, **more: Any) -> dict[str, Any]:
    """What `ip -details -json address` prints about a device."""
    told = [one.partition("/") for one in addresses]
    return {
        "ifindex": index,
        "ifname": name,
        "address": MAC,
        **more,
        "addr_info": [
            {
                "family": "inet6" if ":" in local else "inet",
                "local": local,
                "prefixlen": int(prefix),
                "scope": "global",
                **({"dynamic": True} if dynamic else {}),
            }
            for local, _slash, prefix in told
        ],
    }


def bridge(index: int, name: str, *addresses: str, stp: int = 0, dynamic: bool = False) -> dict[str, Any]:
    """The same of a bridge."""
    info = {"info_kind": "bridge", "info_data": {"stp_state": stp}}
    return link(index, name, *addresses, dynamic=dynamic, linkinfo=info)


@dataclass(frozen=True)
class Told:
    """What look.sh prints: devices, the default route, files, and records of kinds that providers have."""

    links: tuple[dict[str, Any], ...] = (link(2, "eth0", FIXED, FIXED6),)
    route: str = "eth0"
    files: Mapping[str, str] = field(default_factory=dict)
    records: tuple[tuple[str, str, str], ...] = ()
    modes: Mapping[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The records as look.sh prints them."""
        routes = [{"dst": "default", "gateway": ROUTER, "dev": self.route}]
        records = [
            *(("links", json.dumps(list(self.links)), ""), ("routes", json.dumps(routes), "")),
            ("command", "", "systemd"),
            *(("mode", self.modes.get(path, "644"), path) for path in self.files),
            *(("answering", "", ROUTER), *(("file", text, path) for path, text in self.files.items())),
            *self.records,
        ]
        return "".join(f"{kind} {base64.b64encode(text.encode()).decode()} {name}\n" for kind, text, name in records)

    def after(self, plan: Mapping[str, Any], *, stp: int = 0) -> Told:
        """The host when a plan for its port eth0 and bridge br0 is carried out."""
        changed = {one["path"]: one["text"] for one in plan["files"]}
        files = {path: text for path, text in {**self.files, **changed}.items() if text is not None}
        ports = (link(2, "eth0", master="br0"), bridge(3, "br0", FIXED, FIXED6, stp=stp))
        uuids = {found[1]: path for path, text in files.items() if (found := re.search(r"^uuid=(.*)$", text, re.M))}
        runs = next((one for one, path in uuids.items() if "-port" in path), "u1")
        own = (filenames(**uuids), devices(eth0=runs)) if uuids else ()
        records = [record for record in self.records if record[0] not in {one[0] for one in own}]
        return replace(self, files=files, links=ports, route="br0", records=(*records, *own, *BRIDGED))


# Who manages the bridge when it is there.
BRIDGED = (
    ("networkd", "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/05-host-bridge-br0.network\n", "3"),
    ("ifstate", "lo=lo\nbr0=br0\n", ""),
)

NETWORKD = Told(
    files={
        "/etc/systemd/network/10-eth0.network": """\
[Match]
Name=en* eth0

[Link]
MTUBytes=9000

[Network]
Address=192.0.2.2/24
Address=2001:db8::2/64
VLAN=eth0.7
DNS=192.0.2.53

[Route]
Gateway=192.0.2.1
""",
        "/etc/systemd/network/10-eth0.network.d/more.conf": "[Network]\nDomains=example.org\n",
    },
    records=(("networkd", "ADMIN_STATE=configured\nNETWORK_FILE=/etc/systemd/network/10-eth0.network\n", "2"),),
)
IFUPDOWN = Told(
    files={
        "/etc/network/interfaces": """\
# this host
auto lo eth0
iface lo inet loopback

iface eth0 inet static
    address 192.0.2.2/24
    gateway 192.0.2.1
    mtu 9000
    # the storage
    up ip route add 198.51.100.0/24 via 192.0.2.9 dev eth0
    bond-mode active-backup

iface eth0 inet6 static
    address 2001:db8::2/64

allow-hotplug eth1
iface eth1 inet dhcp
"""
    },
    records=(("ifstate", "lo=lo\neth0=eth0\n", ""), ("command", "", "brctl")),
)
NETPLAN = Told(
    files={
        "/etc/netplan/01-site.yaml": """\
network:
  version: 2
  renderer: networkd
  ethernets:
    lan:
      match: {name: eth0}
      mtu: 9000
      addresses: [192.0.2.2/24, "2001:db8::2/64"]
      routes: [{to: 0.0.0.0/0, via: 192.0.2.1}]
      nameservers: {addresses: [192.0.2.53]}
    other: {dhcp4: true}
"""
    },
    records=(("networkd", "ADMIN_STATE=configured\nNETWORK_FILE=/run/systemd/network/10-netplan-lan.network\n", "2"),),
)


def devices(**uuids: str) -> tuple[str, str, str]:
    """What nmcli prints about devices and the profiles that run on them."""
    told = [f"GENERAL.DEVICE:{name}\nGENERAL.STATE:100 (connected)\nGENERAL.CON-UUID:{uuids[name]}\n" for name in uuids]
    return "devices", "\n".join(told), ""


def filenames(**paths: str) -> tuple[str, str, str]:
    """What nmcli prints about profiles and their files, by uuid."""
    return "filenames", "".join(f"{uuid}:{paths[uuid]}\n" for uuid in paths), ""


CONNECTIONS = "/etc/NetworkManager/system-connections/"
WIRED = f"{CONNECTIONS}Wired.nmconnection"
NETWORKMANAGER = Told(
    files={
        WIRED: """\
[connection]
id=Wired
uuid=u1
type=ethernet
interface-name=eth0
zone=lan

# the storage wants it
[ethernet]
mtu=9000

[802-1x]
identity=host
password=sesame

[ipv4]
method=manual
address1=192.0.2.2/24,192.0.2.1
dns=192.0.2.53;
may-fail=false
route1=198.51.100.0/24,192.0.2.9

[ipv6]
method=manual
address1=2001:db8::2/64
address2=2001:db8::3/64
"""
    },
    modes={WIRED: "600"},
    records=(devices(eth0="u1"), filenames(u1=WIRED)),
)
