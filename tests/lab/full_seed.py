"""What the disk of a full machine holds before it first starts: its name, who may log in, and one network provider."""

from __future__ import annotations

import uuid
from pathlib import Path

MAC = "52:54:00:00:02:02"  # of eth0: the same after a power cycle, as that of a NIC is
ADDRESSES = ("192.0.2.2/24", "2001:db8:ffff::2/64")
GATEWAYS = ("192.0.2.1", "2001:db8:ffff::1")

UNITS = Path("etc/systemd/system")
NETWORKD = ("systemd-networkd.service", "systemd-networkd.socket")
# the units of each provider; those of all others are masked
PROVIDERS = {
    "networkmanager": ("NetworkManager.service",),
    "networkd": NETWORKD,
    "ifupdown": ("networking.service",),
    "netplan": NETWORKD,
}
# there is no console, and nothing may wait for a network that a test takes away
NEVER = (
    "console-getty.service",
    "getty@tty1.service",
    "NetworkManager-wait-online.service",
    "systemd-networkd-wait-online.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
)
INTERFACES = "auto lo\niface lo inet loopback\n"

STATIC = {
    "networkmanager": {
        "etc/NetworkManager/system-connections/eth0.nmconnection": """\
[connection]
id=eth0
type=ethernet
interface-name=eth0

[ipv4]
method=manual
address1=192.0.2.2/24,192.0.2.1

[ipv6]
method=manual
address1=2001:db8:ffff::2/64,2001:db8:ffff::1
"""
    },
    "networkd": {
        "etc/systemd/network/10-eth0.network": """\
[Match]
Name=eth0

[Network]
Address=192.0.2.2/24
Gateway=192.0.2.1
Address=2001:db8:ffff::2/64
Gateway=2001:db8:ffff::1
"""
    },
    "ifupdown": {
        "etc/network/interfaces": f"""\
{INTERFACES}
auto eth0
iface eth0 inet static
    address 192.0.2.2/24
    gateway 192.0.2.1
iface eth0 inet6 static
    address 2001:db8:ffff::2/64
    gateway 2001:db8:ffff::1
"""
    },
    "netplan": {
        "etc/netplan/01-eth0.yaml": """\
network:
  version: 2
  renderer: networkd
  ethernets:
    eth0:
      addresses: ["192.0.2.2/24", "2001:db8:ffff::2/64"]
      routes:
        - {to: "0.0.0.0/0", via: "192.0.2.1"}
        - {to: "::/0", via: "2001:db8:ffff::1"}
"""
    },
}
DHCP = {
    "networkmanager": {
        "etc/NetworkManager/system-connections/eth0.nmconnection": """\
[connection]
id=eth0
type=ethernet
interface-name=eth0

[ipv4]
method=auto
"""
    },
    "networkd": {"etc/systemd/network/10-eth0.network": "[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\n"},
    "ifupdown": {"etc/network/interfaces": f"{INTERFACES}\nauto eth0\niface eth0 inet dhcp\n"},
    "netplan": {
        "etc/netplan/01-eth0.yaml": """\
network:
  version: 2
  renderer: networkd
  ethernets:
    eth0: {dhcp4: true}
"""
    },
}


def write_seed(seed: Path, keys: Path, name: str, provider: str, *, dhcp: bool) -> None:
    """Write the tree `seed` for the machine `name`, which the key in the lab's folder `keys` opens for root."""
    files = {
        "etc/hostname": f"{name}\n",
        # a machine that cannot resolve its own name makes libvirt wait ten seconds
        "etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n127.0.1.1 {name}\n",
        # two machines with the same one give their bridges the same address
        "etc/machine-id": f"{uuid.uuid4().hex}\n",
        "etc/resolv.conf": f"nameserver {GATEWAYS[0]}\n",
        "etc/network/interfaces": INTERFACES,
        "etc/ssh/ssh_host_ed25519_key": (keys / "host_key").read_text(),
        "etc/ssh/ssh_host_ed25519_key.pub": (keys / "host_key.pub").read_text(),
        "root/.ssh/authorized_keys": (keys / "key.pub").read_text(),
        # apt's lists are as fresh as they can be here: nobody can refresh them
        "var/lib/apt/periodic/update-success-stamp": "",
        **(DHCP if dhcp else STATIC)[provider],
    }
    for path, text in files.items():
        (seed / path).parent.mkdir(parents=True, exist_ok=True)
        (seed / path).touch(mode=0o600 if path.endswith(("_key", ".nmconnection", ".yaml")) else 0o644)
        (seed / path).write_text(text)
    (seed / "root").chmod(0o700)
    _choose_units(seed / UNITS, provider)


def _choose_units(folder: Path, provider: str) -> None:
    wanted = PROVIDERS[provider]
    folder.mkdir(parents=True)
    for unit in {*NEVER, *(unit for units in PROVIDERS.values() for unit in units)} - {*wanted}:
        (folder / unit).symlink_to("/dev/null")
    for unit in wanted:
        wants = folder / ("sockets" if unit.endswith(".socket") else "multi-user")
        wants = wants.with_suffix(".target.wants")
        wants.mkdir(exist_ok=True)
        (wants / unit).symlink_to(f"/lib/systemd/system/{unit}")
