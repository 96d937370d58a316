"""What the role host_bridge works out: files, profiles and states for each provider, and what it refuses.

What no kernel of the lab has is seen here only: a VLAN under a bridge, and nmstate.
"""

from __future__ import annotations

import configparser
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.virtfleet.network.plugins.filter.host_bridge_plan import host_bridge_plan
from tests.unit.bridge_hosts import (
    BRIDGED,
    FIXED,
    FIXED6,
    IFUPDOWN,
    MAC,
    NETPLAN,
    NETWORKD,
    NETWORKMANAGER,
    OWN,
    Told,
    bridge,
    devices,
    link,
    profile,
)

FILES = Path(__file__).parents[2] / "roles/host_bridge/files"
BR0 = {"name": "br0", "port": "eth0"}
ABSENT = {**BR0, "state": "absent"}
GIVEN = {
    **BR0,
    "addresses": [FIXED, "2001:DB8::2/64"],
    "gateway": "192.0.2.1",
    "gateway_ipv6": "fe80::1",
    "nameservers": ["192.0.2.53", "2001:db8::53"],
    "search": ["example.org"],
    "stp": True,
}
BY_FILES = {"networkd": NETWORKD, "ifupdown": IFUPDOWN, "netplan": NETPLAN}
NETD, NETIF, PLAN = "/etc/systemd/network/05-host-bridge-br0", "/etc/network/interfaces", "/etc/netplan/"


def plan(told: Told, *bridges: dict[str, Any], **options: Any) -> dict[str, Any]:
    return host_bridge_plan(list(bridges), told.text, **options)


def files(told: Told, *bridges: dict[str, Any], **options: Any) -> dict[str, Any]:
    found = plan(told, *bridges, **options)
    assert found["problems"] == []
    return {one["path"]: one["text"] for one in found["files"]}


def problems(told: Told, *bridges: dict[str, Any], **options: Any) -> list[str]:
    found: list[str] = plan(told, *bridges, **options)["problems"]
    return found


# ---- for all providers ----


@pytest.mark.parametrize("provider", BY_FILES)
@pytest.mark.parametrize("wanted", [BR0, GIVEN], ids=["moved", "given"])
def test_a_second_plan_is_empty(provider: str, wanted: dict[str, Any]) -> None:
    told = BY_FILES[provider]
    first = plan(told, wanted)
    assert (first["provider"], first["changed"], first["steps"]) == (provider, True, ["make bridge br0 of eth0"])
    after = told.after(first, stp=int(wanted.get("stp", False)))
    if "gateway_ipv6" in wanted:
        after = replace(after, records=(*after.records, ("routes", "", "")))
        wanted = {name: value for name, value in wanted.items() if name != "gateway_ipv6"}
        first = plan(told, wanted)
        after = told.after(first, stp=1)
    second = plan(after, wanted)
    assert (second["files"], second["changed"], second["steps"]) == ([], False, [])


@pytest.mark.parametrize("provider", BY_FILES)
def test_there_and_back(provider: str) -> None:
    told = BY_FILES[provider]
    after = told.after(plan(told, BR0))
    back = plan(after, ABSENT)
    assert back["steps"] == ["remove bridge br0 of eth0"]
    again = replace(told, files=told.after(plan(told, BR0)).after(back).files)
    moved = files(again, BR0)
    first = files(told, BR0)
    assert moved.keys() == first.keys()
    assert {path: text for path, text in moved.items() if "host-bridge-br0" in path} == {
        path: text for path, text in first.items() if "host-bridge-br0" in path
    }


@pytest.mark.parametrize("provider", BY_FILES)
def test_what_is_not_there_is_not_removed(provider: str) -> None:
    found = plan(BY_FILES[provider], ABSENT)
    assert (found["problems"], found["files"], found["changed"]) == ([], [], False)


def test_drift_is_seen() -> None:
    told = NETWORKD.after(plan(NETWORKD, BR0))
    lost = replace(told, links=(link(2, "eth0"), told.links[1]))
    assert (plan(lost, BR0)["changed"], plan(lost, BR0)["files"]) == (True, [])
    assert plan(replace(told, links=(told.links[0], bridge(3, "br0", FIXED, stp=1))), BR0)["changed"]


def test_what_is_wrong_is_told_at_once() -> None:
    told = replace(NETWORKD, links=(*NETWORKD.links, link(4, "eth1", master="br9"), link(5, "eth2")))
    wrong = [
        {"name": "a-bridge-of-17-ch", "port": "eth7", "vlan": 5000},
        {"name": "br1", "port": "eth1", "addresses": ["192.0.2.7"], "gateway": "198.51.100.1"},
        {"name": "br2", "port": "eth2", "nameservers": ["ns1"]},
        {"name": "br2", "port": "eth2", "addresses": [], "gateway": "2001:db8::1"},
    ]
    found = problems(told, *wrong)
    for expected in (
        "a-bridge-of-17-ch is no name",
        "there is no device eth7; there are eth0, eth1, eth2",
        "vlan 5000 is not from 1 to 4094",
        "eth1 is in br9 already; take it out there",
        "192.0.2.7 is no address with a prefix",
        "br2: nameserver ns1 is no address",
        "br2: nameservers is given without addresses or dhcp",
        "eth2 has no address that the bridge could have",
        "br2: gateway 2001:db8::1 is no address of IPv4",
        "br2 is listed 2 times",
        "eth2 is put into several bridges",
    ):
        assert [one for one in found if expected in one], (expected, found)


def test_providers() -> None:
    assert "nothing manages eth0" in problems(Told(), BR0)[0]
    assert problems(Told(), {**BR0, "addresses": [FIXED]}, provider="networkd") == []
    assert problems(NETWORKD, BR0, provider="netplan") == ["networkd manages eth0, and netplan would disturb it"]
    assert problems(replace(IFUPDOWN, files={}), BR0) == ["no file of ifupdown configures eth0"]
    bare = replace(IFUPDOWN, records=IFUPDOWN.records[:1])
    assert problems(bare, BR0) == ["ifupdown makes bridges with bridge-utils, which is not installed"]
    assert "nmstatectl is not there" in problems(NETWORKMANAGER, BR0, provider="nmstate")[0]
    unmanaged = ("networkd", "ADMIN_STATE=unmanaged\n", "2")
    assert "nothing manages eth0" in problems(Told(records=(unmanaged,)), BR0)[0]
    both = replace(NETWORKD, links=(*NETWORKD.links, link(4, "eth1", FIXED)), records=(*NETWORKD.records, IFSTATE))
    assert "ifupdown and networkd manage the ports" in problems(both, BR0, {"name": "br1", "port": "eth1"})[0]


IFSTATE = ("ifstate", "eth1=eth1\n", "")


def test_what_has_to_be_so_afterwards() -> None:
    head = plan(NETWORKD, BR0, targets=["203.0.113.1"], timeout=30)["head"]
    for line in (
        "timeout=30\n",
        "want_port br0 eth0",
        f"want_mac br0 {MAC}",
        "want_stp br0 0",
        f"want_address br0 {FIXED}",
        f"want_address br0 {FIXED6}",
        "want_answer br0 192.0.2.1",
        "want_target 203.0.113.1",
        f"want_address eth0 {FIXED}",
    ):
        assert line in head
    leased = replace(NETWORKD, links=(link(2, "eth0", FIXED, dynamic=True),))
    assert "want_lease br0" in plan(leased, BR0)["head"]
    assert plan(NETWORKD, {**BR0, "stp": True}, timeout=30)["timeout"] == 90


# ---- systemd-networkd ----


def test_networkd_moves_what_is_configured() -> None:
    made = files(NETWORKD, BR0)
    assert set(made) == {f"{NETD}.netdev", f"{NETD}.network", f"{NETD}-port.network"}
    assert f"Name=br0\nKind=bridge\nMACAddress={MAC}\n\n[Bridge]\nSTP=no\n" in made[f"{NETD}.netdev"]
    for line in ("Address=192.0.2.2/24", "Address=2001:db8::2/64", "DNS=192.0.2.53", "Domains=example.org"):
        assert line in made[f"{NETD}.network"]
    assert "[Route]\nGateway=192.0.2.1" in made[f"{NETD}.network"]
    assert "VLAN" not in made[f"{NETD}.network"]
    assert "MTUBytes" not in made[f"{NETD}.network"]
    port = "[Match]\nName=eth0\n\n[Link]\nMTUBytes=9000\n\n[Network]\nBridge=br0\nVLAN=eth0.7\n"
    assert made[f"{NETD}-port.network"].endswith(port)


def test_networkd_with_a_vlan() -> None:
    made = files(NETWORKD, {**BR0, "vlan": 12})
    drop_in = "/etc/systemd/network/10-eth0.network.d/host-bridge-br0.conf"
    assert made[drop_in].endswith("[Network]\nVLAN=eth0.12\n")
    assert made[f"{NETD}-vlan.netdev"].endswith("Name=eth0.12\nKind=vlan\n\n[VLAN]\nId=12\n")
    assert made[f"{NETD}-port.network"].endswith("Name=eth0.12\n\n[Network]\nBridge=br0\n")
    assert "LinkLocalAddressing=no" in made[f"{NETD}.network"]
    after = replace(NETWORKD.after(plan(NETWORKD, {**BR0, "vlan": 12})), links=(*NETWORKD.links, bridge(3, "br0")))
    assert set(files(after, {**ABSENT, "vlan": 12}).values()) == {None}


def test_networkd_reads_what_is_written() -> None:
    for text in files(NETWORKD, GIVEN).values():
        configparser.ConfigParser(strict=False, allow_no_value=True).read_string(text)
    assert "Gateway=fe80::1" in files(NETWORKD, GIVEN)[f"{NETD}.network"]


# ---- ifupdown ----


def test_ifupdown_moves_what_is_configured() -> None:
    made = files(IFUPDOWN, BR0)
    assert (
        made[f"{NETIF}.d/host-bridge-br0"]
        == f"""\
# Made by the role virtfleet.network.host_bridge.
auto br0
iface br0 inet static
    bridge_ports eth0
    bridge_stp off
    bridge_fd 0
    bridge_hw {MAC}
    address 192.0.2.2/24
    gateway 192.0.2.1
    mtu 9000
    up ip route add 198.51.100.0/24 via 192.0.2.9 dev br0

iface br0 inet6 static
    address 2001:db8::2/64

iface eth0 inet manual
    bond-mode active-backup
"""
    )
    assert (
        made[NETIF]
        == f"""\
# this host
auto lo
iface lo inet loopback



allow-hotplug eth1
iface eth1 inet dhcp
source {NETIF}.d/host-bridge-br0
"""
    )


def test_ifupdown_with_given_addresses_and_a_vlan() -> None:
    given = files(IFUPDOWN, {**GIVEN, "vlan": 12})
    text = given[f"{NETIF}.d/host-bridge-br0"]
    assert "bridge_ports eth0.12\n    bridge_stp on\n" in text
    assert "dns-nameservers 192.0.2.53\n    dns-search example.org" in text
    assert "iface br0 inet6 static\n    address 2001:db8::2/64\n    gateway fe80::1\n" in text
    assert text.endswith("auto eth0.12\niface eth0.12 inet manual\n    vlan-raw-device eth0\n")
    assert "iface eth0 inet static" in given[NETIF]
    none = files(IFUPDOWN, {**BR0, "addresses": []})[f"{NETIF}.d/host-bridge-br0"]
    assert none.count("iface br0") == none.count("iface br0 inet manual") == 1


# ---- netplan ----


def test_netplan_moves_what_is_configured() -> None:
    made = {path: yaml.safe_load(text)["network"] for path, text in files(NETPLAN, BR0).items()}
    assert made[f"{PLAN}90-host-bridge-br0.yaml"] == {
        "version": 2,
        "bridges": {
            "br0": {
                "interfaces": ["lan"],
                "macaddress": MAC,
                "parameters": {"stp": False, "forward-delay": 0},
                "addresses": ["192.0.2.2/24", "2001:db8::2/64"],
                "routes": [{"to": "0.0.0.0/0", "via": "192.0.2.1"}],
                "nameservers": {"addresses": ["192.0.2.53"]},
            }
        },
    }
    ethernets = made[f"{PLAN}01-site.yaml"]["ethernets"]
    assert ethernets == {"lan": {"match": {"name": "eth0"}, "mtu": 9000}, "other": {"dhcp4": True}}


def test_netplan_with_a_vlan() -> None:
    (made,) = [yaml.safe_load(text)["network"] for text in files(NETPLAN, {**BR0, "vlan": 12, "dhcp": True}).values()]
    assert made["vlans"] == {"eth0.12": {"id": 12, "link": "lan"}}
    assert made["bridges"]["br0"]["interfaces"] == ["eth0.12"]
    assert made["bridges"]["br0"]["dhcp4"] is True


# ---- NetworkManager ----


def test_profiles_take_what_is_configured() -> None:
    made = plan(NETWORKMANAGER, BR0)
    whole, port, old = made["profiles"]
    assert made["provider"] == "networkmanager"
    assert (whole["conn_name"], whole["type"], whole["mac"], whole["stp"]) == ("br0", "bridge", MAC, False)
    assert (whole["ip4"], whole["gw4"], whole["dns4"]) == ([FIXED], "192.0.2.1", ["192.0.2.53"])
    assert whole["ip6"] == ["2001:db8::2/64", "2001:db8::3/64"]
    assert (whole["routes4"], whole["may_fail4"]) == (["198.51.100.0/24 192.0.2.9"], False)
    assert (port["conn_name"], port["master"], port["ifname"]) == ("br0-port", "br0", "eth0")
    assert (old["conn_name"], old["autoconnect"], old["mtu"], old["may_fail4"]) == ("Wired", False, 9000, False)
    assert "wide=br0-port=9000\n" in made["head"]
    assert "start=br0-port\n" in made["head"]


def test_profiles_with_a_vlan_and_given_addresses() -> None:
    whole, port = plan(NETWORKMANAGER, {**GIVEN, "vlan": 12})["profiles"]
    assert (port["type"], port["vlandev"], port["vlanid"], port["ifname"]) == ("vlan", "eth0", 12, "eth0.12")
    assert (whole["method4"], whole["ip4"], whole["method6"], whole["gw6"]) == ("manual", [FIXED], "manual", "fe80::1")
    none = plan(NETWORKMANAGER, {**BR0, "addresses": []})["profiles"][0]
    assert (none["method4"], none["method6"]) == ("disabled", "disabled")


def test_profiles_made_by_hand_are_left_alone() -> None:
    made = (
        profile("u2", "Office", "bridge", "br0"),
        profile("u3", "Cable", "802-3-ethernet", "eth0", connection__master="u2"),
    )
    ports = (link(2, "eth0", master="br0"), bridge(3, "br0", FIXED))
    told = Told(links=ports, route="br0", records=(devices(eth0="u3", br0="u2"), OWN, *made))
    found = plan(told, BR0)
    assert (found["profiles"], found["changed"]) == ([], False)
    whole, port, _old = plan(told, {**BR0, "stp": True})["profiles"]
    assert (whole["conn_name"], port["conn_name"], port["master"]) == ("Office", "Cable", "u2")
    back, *gone = plan(told, ABSENT)["profiles"]
    assert (back["conn_name"], back["autoconnect"]) == ("Wired", True)
    assert gone == [{"conn_name": "Cable", "state": "absent"}, {"conn_name": "Office", "state": "absent"}]


def test_files_made_by_hand_are_left_alone() -> None:
    ports = (link(2, "eth0", master="br0"), bridge(3, "br0", FIXED))
    for told, made in (
        (NETWORKD, {"/etc/systemd/network/lan.netdev": "[NetDev]\nName=br0\nKind=bridge\n"}),
        (IFUPDOWN, {NETIF: "auto br0\niface br0 inet static\n  address 192.0.2.2/24\n  bridge-ports eth0\n"}),
        (NETPLAN, {f"{PLAN}01-site.yaml": "network: {bridges: {br0: {interfaces: [eth0]}}, ethernets: {eth0: {}}}"}),
    ):
        there = replace(told, files=made, links=ports, route="br0", records=(*told.records, *BRIDGED))
        assert plan(there, BR0)["changed"] is False, told
        assert plan(there, {**BR0, "stp": True})["changed"] is True, told


# ---- nmstate, which the lab cannot have ----

STATE: dict[str, Any] = {
    "interfaces": [
        {
            "name": "eth0",
            "type": "ethernet",
            "state": "up",
            "ipv4": {"enabled": True, "dhcp": False, "address": [{"ip": "192.0.2.2", "prefix-length": 24}]},
            "ipv6": {"enabled": True, "autoconf": True, "address": [{"ip": "fe80::1", "prefix-length": 64}]},
        }
    ],
    "routes": {"config": [{"destination": "0.0.0.0/0", "next-hop-interface": "eth0", "next-hop-address": "192.0.2.1"}]},
}
BY_NMSTATE = replace(NETWORKMANAGER, records=(*NETWORKMANAGER.records, ("nmstate", yaml.safe_dump(STATE), "")))


def nmstate(state: dict[str, Any]) -> Told:
    import json

    return replace(NETWORKMANAGER, records=(*NETWORKMANAGER.records, ("nmstate", json.dumps(state), "")))


def test_nmstate_moves_what_is_configured() -> None:
    found = plan(nmstate(STATE), BR0)
    assert (found["provider"], found["changed"]) == ("nmstate", True)
    state = yaml.safe_load(found["state"])
    made, port = state["interfaces"]
    assert (made["name"], made["mac-address"], made["bridge"]["port"]) == ("br0", MAC.upper(), [{"name": "eth0"}])
    assert made["bridge"]["options"] == {"stp": {"enabled": False}}
    assert made["ipv4"]["address"] == [{"ip": "192.0.2.2", "prefix-length": 24}]
    assert (made["ipv6"]["autoconf"], made["ipv6"]["address"]) == (True, [])
    assert (port["name"], port["ipv4"], port["ipv6"]) == ("eth0", {"enabled": False}, {"enabled": False})
    assert [route["next-hop-interface"] for route in state["routes"]["config"]] == ["br0"]
    assert plan(nmstate(STATE), BR0, provider="networkmanager")["profiles"] != []


def test_nmstate_knows_what_is_there() -> None:
    wanted = yaml.safe_load(plan(nmstate(STATE), GIVEN)["state"])
    assert wanted["dns-resolver"]["config"]["search"] == ["example.org"]
    ports = (link(2, "eth0", master="br0"), bridge(3, "br0", FIXED, FIXED6, stp=1))
    given = {name: value for name, value in GIVEN.items() if name != "gateway_ipv6"}
    there = replace(nmstate(wanted), links=ports, route="br0")
    assert plan(there, given)["changed"] is False
    assert plan(there, {**given, "addresses": ["192.0.2.3/24"], "nameservers": []})["changed"] is True
    gone = yaml.safe_load(plan(there, ABSENT)["state"])["interfaces"]
    assert [(one["name"], one["state"]) for one in gone] == [("br0", "absent"), ("eth0", "up")]


NMSTATECTL = """\
#!/bin/sh
echo "$@" >>{folder}/asked
case $1 in apply) cp "$5" {folder}/applied ;; esac
"""


@pytest.mark.parametrize("kept", [True, False])
def test_the_guard_with_nmstate(tmp_path: Path, kept: bool) -> None:
    """The very script, with nmstatectl and the checks played, and no systemd."""
    found = plan(nmstate(STATE), BR0, timeout=10)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/nmstatectl").write_text(NMSTATECTL.format(folder=tmp_path))
    (tmp_path / "bin/nmstatectl").chmod(0o755)
    folder = tmp_path / "connections"
    folder.mkdir()
    (folder / "eth0").write_text("old")
    parts = [found["head"], (FILES / "guard.sh").read_text(), (FILES / "nmstate.sh").read_text()]
    checks = f"check() {{ wants 'it does not work' {str(kept).lower()}; }}\nis_back() {{ :; }}\n"
    script = "\n".join([*parts, checks, f"folders={folder}", '"$@"', ""])
    script = script.replace("/run/virtfleet-host-bridge", f"{tmp_path}/work").replace("/run/systemd/system", "/nowhere")
    (tmp_path / "new").write_text(script)

    def guard(action: str, file: str = "work/guard") -> subprocess.CompletedProcess[str]:
        path = f"{tmp_path}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        command = ["sh", str(tmp_path / file), action]
        return subprocess.run(command, check=False, capture_output=True, text=True, env={"PATH": path})

    assert guard("arm", "new").returncode == 0
    (tmp_path / "other").write_text(script)
    assert "another change of its bridges is under way" in guard("arm", "other").stderr
    assert guard("go").returncode == 0
    (folder / "eth0").write_text("new")
    (folder / "br0").write_text("new")
    assert guard("await").returncode == (0 if kept else 1)
    if kept:
        assert guard("confirm").returncode == 0
    else:
        told = guard("outcome")
        assert (told.returncode, told.stdout) == (0, "it does not work\n")
    asked = (tmp_path / "asked").read_text().splitlines()
    assert asked[0].startswith("apply --no-commit --timeout 50 ")
    assert asked[1:] == (["commit"] if kept else ["rollback"])
    assert (tmp_path / "applied").read_text() == found["state"]
    assert {path.name: path.read_text() for path in folder.iterdir()} == (
        {"eth0": "new", "br0": "new"} if kept else {"eth0": "old"}
    )
