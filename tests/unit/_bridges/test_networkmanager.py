"""The keyfiles that the role host_bridge writes for NetworkManager."""

from __future__ import annotations

from tests.unit._bridges.hosts import (
    CONNECTIONS,
    FIXED,
    MAC,
    NETWORKMANAGER,
    WIRED,
    Told,
    bridge,
    devices,
    filenames,
    link,
)
from tests.unit._bridges.plans import ABSENT, BR0, GIVEN, files, plan, problems


def test_keyfiles_take_what_is_configured() -> None:
    made = files(NETWORKMANAGER, BR0)
    whole, port, old = (made[path] for path in (f"{BRIDGE0}.nmconnection", f"{BRIDGE0}-port.nmconnection", WIRED))
    assert (
        whole
        == f"""\
# Made by the role virtfleet.network.host_bridge.
[connection]
id=br0
uuid=018ca606-bd85-5d93-af40-ffc0acb0a0a8
zone=lan
type=bridge
interface-name=br0

[bridge]
mac-address={MAC}
stp=false

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
    )
    assert "interface-name=eth0\n\n[ethernet]\nmtu=9000\n\n[802-1x]\nidentity=host\npassword=sesame\n" in port
    assert "\nmaster=br0\nslave-type=bridge\n" in port
    assert "ipv4" not in port
    before = NETWORKMANAGER.files[WIRED]
    assert old == before.replace("[connection]\n", "[connection]\nautoconnect=false\n")
    found = plan(NETWORKMANAGER, BR0)
    assert {one["mode"] for one in found["files"]} == {"0600"}
    assert "resumed=u1=eth0\n" in found["head"]


BRIDGE0 = f"{CONNECTIONS}host-bridge-br0"


def test_keyfiles_with_a_vlan_and_given_addresses() -> None:
    made = files(NETWORKMANAGER, {**GIVEN, "vlan": 12})
    assert set(made) == {f"{BRIDGE0}.nmconnection", f"{BRIDGE0}-port.nmconnection"}
    port = made[f"{BRIDGE0}-port.nmconnection"]
    assert "interface-name=eth0.12\n" in port
    assert "\ntype=vlan\n" in port
    assert port.endswith("[vlan]\nid=12\nparent=eth0\n")
    assert made[f"{BRIDGE0}.nmconnection"].endswith(
        """\
stp=true

[ipv4]
method=manual
address1=192.0.2.2/24
gateway=192.0.2.1
dns=192.0.2.53;
dns-search=example.org;

[ipv6]
method=manual
address1=2001:db8::2/64
gateway=fe80::1
dns=2001:db8::53;
dns-search=example.org;
"""
    )
    none = files(NETWORKMANAGER, {**BR0, "addresses": []})[f"{BRIDGE0}.nmconnection"]
    assert none.endswith("[ipv4]\nmethod=disabled\n\n[ipv6]\nmethod=disabled\n")
    leased = files(NETWORKMANAGER, {**BR0, "dhcp": True, "gateway": "192.0.2.1"})[f"{BRIDGE0}.nmconnection"]
    assert "[ipv4]\nmethod=auto\nroute1=0.0.0.0/0,192.0.2.1\n" in leased


def test_keyfiles_made_by_hand_are_left_alone() -> None:
    office, cable = f"{CONNECTIONS}Office.nmconnection", f"{CONNECTIONS}Cable"
    made = {
        **NETWORKMANAGER.files,
        office: "[connection]\nid=Office\nuuid=u2\ntype=bridge\ninterface-name=br0\n[bridge]\nstp=false\n",
        cable: "[connection]\nid=Cable\nuuid=u3\ntype=802-3-ethernet\ninterface-name=eth0\nmaster=u2\n",
    }
    ports = (link(2, "eth0", master="br0"), bridge(3, "br0", FIXED))
    records = (devices(eth0="u3", br0="u2"), filenames(u1=WIRED, u2=office, u3=cable))
    told = Told(links=ports, route="br0", files=made, records=records)
    found = plan(told, BR0)
    assert (found["files"], found["changed"]) == ([], False)
    changed = files(told, {**BR0, "stp": True})
    assert "stp=true\n" in changed[office]
    assert cable not in changed
    back = files(told, ABSENT)
    assert (back[office], back[cable]) == (None, None)
    assert "autoconnect" not in back.get(WIRED, "")


def test_a_profile_of_memory_gives_way_to_a_file() -> None:
    path = "/run/NetworkManager/system-connections/Wired connection 1.nmconnection"
    text = "[connection]\nid=Wired connection 1\nuuid=u1\ntype=ethernet\n"
    told = Told(files={path: text}, records=(devices(eth0="u1"), filenames(u1=path)))
    made = files(told, BR0)
    assert "\nautoconnect=false\n" in made[f"{CONNECTIONS}Wired connection 1.nmconnection"]
    ifcfg = Told(records=(devices(eth0="u1"), filenames(u1="/etc/sysconfig/network-scripts/ifcfg-eth0")))
    assert "ifcfg-eth0, which is no keyfile of an Ethernet NIC" in problems(ifcfg, BR0)[0]
