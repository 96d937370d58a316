"""The inventory of guests, as ansible-inventory prints it, with libvirt's test driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
import yaml

DOMAIN = """
<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>1024</memory><os><type>hvm</type></os>
<metadata><a:role xmlns:a='http://a/'>{role}</a:role></metadata><devices>
<interface type='network'><mac address='52:54:00:00:50:{mac:02x}'/><source network='default'/></interface>
</devices></domain>"""
NODE = """
<node><network><name>default</name><forward mode='nat'/><bridge name='virbr0'/>
<ip address='192.168.122.1' prefix='24'><dhcp><range start='192.168.122.100' end='192.168.122.199'/>
<host mac='52:54:00:00:50:00' ip='192.168.122.10'/></dhcp></ip></network>{domains}</node>"""
HOSTILE = ("{{ lookup('pipe', 'touch HARM') }}", "all", "localhost", "a b", "\u202eweb", "hv1", "default")
RESERVED = {"address_from": ["reservation"]}


class Place:
    """A folder with an inventory of guests, and what ansible-inventory makes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.told, self.status = folder, "", 0

    def hypervisor(self, name: str, *guests: str, role: str = "web") -> dict[str, str]:
        domains = [
            DOMAIN.format(name=escape(guest), uuid=f"{name[-1] * 8}-0000-0000-0000-{place:012d}", mac=place, role=role)
            for place, guest in enumerate(guests)
        ]
        (self.folder / f"{name}.node").write_text(NODE.format(domains="".join(domains)))
        return {"name": name, "uri": f"test://{self.folder}/{name}.node"}

    def write(self, name: str = "20_guests.yml", **options: Any) -> None:
        (self.folder / name).write_text(yaml.safe_dump({"plugin": "virtfleet.network.guests", **options}))

    def inventory(self, **options: Any) -> dict[str, Any]:
        self.write(**options)
        sources = sorted(str(one) for one in self.folder.glob("*.yml"))
        command = [sys.executable, "-m", "ansible", "inventory", *(f"-i{one}" for one in sources), "--list"]
        environment = {**os.environ, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "1", "COLUMNS": "1000"}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, cwd=self.folder, env=environment, timeout=300
        )
        self.told, self.status = " ".join(done.stderr.split()), done.returncode
        found: dict[str, Any] = json.loads(done.stdout) if done.returncode == 0 else {}
        return found

    def hosts(self, **options: Any) -> dict[str, Any]:
        found: dict[str, Any] = safe(self.inventory(**options).get("_meta", {}).get("hostvars", {}))
        return found


def safe(value: Any) -> Any:
    """What ansible-inventory marks as no template, without its marks."""
    if isinstance(value, dict):
        whole = {name: safe(one) for name, one in value.items()}
        return whole.get("__ansible_unsafe", whole)
    return [safe(one) for one in value] if isinstance(value, list) else value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_guests_are_hosts_with_addresses_nics_and_groups(place: Place) -> None:
    found = place.inventory(hypervisors=[place.hypervisor("hv1", "web", "db")], **RESERVED)
    web, db = (safe(found["_meta"]["hostvars"][name]) for name in ("web", "db"))
    assert (web["ansible_host"], web["virt_address"]) == ("192.168.122.10", "192.168.122.10")
    assert (db["ansible_host"], db["virt_address"]) == ("no-address-is-known.invalid", "")
    assert web["virt_metadata"] == {"role": "web"}
    assert web["virt_nics"] == [
        {
            "mac": "52:54:00:00:50:00",
            "type": "network",
            "network": "default",
            "bridge": "virbr0",
            "forward": "nat",
            "link": "up",
            "connected": None,
            "reason": "the hypervisor's devices cannot be seen from here",
            "addresses": [{"address": "192.168.122.10", "prefix": 0, "source": "reservation"}],
        }
    ]
    for group in ("hypervisor_hv1", "network_default", "state_running"):
        assert found[group]["hosts"] == ["db", "web"]


def test_it_is_constructed_like_every_other(place: Place) -> None:
    options = {
        "hypervisors": [place.hypervisor("hv1", "web")],
        "group_by": ["metadata"],
        "compose": {"ansible_user": "virt_metadata.role ~ 'master'"},
        "keyed_groups": [{"key": "virt_metadata.role", "prefix": "role"}],
        "groups": {"servers": "virt_state == 'running'"},
    }
    found = place.inventory(**options)
    assert safe(found["_meta"]["hostvars"]["web"]["ansible_user"]) == "webmaster"
    assert [found[group]["hosts"] for group in ("role_web", "servers", "metadata_role_web")] == [["web"]] * 3
    assert "network_default" not in found
    place.inventory(**{**options, "strict": True, "groups": {"servers": "nothing == 1"}})
    assert "Could not add host web to group servers" in place.told


def test_hostile_names_do_no_harm(place: Place) -> None:
    hypervisors = [place.hypervisor("hv1", *HOSTILE), place.hypervisor("hv2", "web", "a b", role=HOSTILE[0])]
    (place.folder / "10_static.yml").write_text("hypervisors: {hosts: {hv1: {ansible_host: 192.0.2.1}}}")
    found = place.inventory(hypervisors=hypervisors, compose={"mine": "virt_name ~ '!'"}, group_by=["metadata"])
    hosts = found["_meta"]["hostvars"]
    assert sorted(safe(hosts[name]["virt_name"]) for name in set(hosts) - {"hv1"}) == sorted((*HOSTILE, "web", "a b"))
    assert safe(hosts["hv1"]) == {"ansible_host": "192.0.2.1"}
    assert {"all.hv1", "localhost.hv1", "hv1.hv1", "default", "web", "a_b-11111111", "a_b-22222222"} <= set(hosts)
    hostile = next(one for one in hosts.values() if safe(one["ansible_host"]) and "lookup" in str(one.get("virt_name")))
    assert set(hostile["virt_name"]) == set(hostile["mine"]) == {"__ansible_unsafe"}
    assert not (place.folder / "HARM").exists()


def test_the_same_name_twice_is_told_by_the_hypervisor(place: Place) -> None:
    hypervisors = [place.hypervisor("hv1", "web", "db"), place.hypervisor("hv2", "web")]
    assert set(place.hosts(hypervisors=hypervisors)) == {"web.hv1", "web.hv2", "db"}
    assert set(place.hosts(hypervisors=hypervisors, full_names=True)) == {"web.hv1", "web.hv2", "db.hv1"}


def test_a_hypervisor_that_is_down_costs_its_guests_only(place: Place) -> None:
    down = {"name": "hv2", "uri": "qemu+unix:///system?socket=/nobody"}
    assert set(place.hosts(hypervisors=[place.hypervisor("hv1", "web"), down])) == {"web"}
    assert place.told.count("The inventory lacks the guests of hypervisor 'hv2': Cannot connect to") == 1


def test_hosts_of_an_earlier_source_are_hypervisors(place: Place) -> None:
    uris = {name: place.hypervisor(name, f"web{name[-1]}")["uri"] for name in ("hv1", "hv2")}
    hosts = {name: {"node": uri.removeprefix("test://")} for name, uri in uris.items()}
    (place.folder / "10_hypervisors.yml").write_text(yaml.safe_dump({"fleet": {"hosts": {**hosts, "hv3": {}}}}))
    found = place.hosts(hosts=["fleet"], uri="test://{{ node }}")
    assert set(found) == {"web1", "web2", "hv1", "hv2"}
    assert found["web2"]["virt_hypervisor"] == "hv2"
    assert "lacks the guests of hypervisor 'hv3': its URI cannot be used: 'node' is undefined" in place.told
    place.inventory(hosts=["fleets"])
    assert "Cannot find 'fleets' of hosts: no earlier source of the inventory has such a host or group" in place.told


def test_the_cache_keeps_what_was_answered(place: Place) -> None:
    one, two = place.hypervisor("hv1", "web"), place.hypervisor("hv2", "db")
    options = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": f"{place.folder}/kept"}
    (place.folder / "hv2.node").rename(place.folder / "away")
    assert set(place.hosts(hypervisors=[one, two], **options)) == {"web"}
    (place.folder / "away").rename(place.folder / "hv2.node")
    (place.folder / "hv1.node").unlink()  # nobody asks it again
    assert set(place.hosts(hypervisors=[one, two], **options)) == {"web", "db"}
    (place.folder / "hv2.node").unlink()
    again = place.hosts(hypervisors=[one, two], **options)
    assert (set(again), place.told) == ({"web", "db"}, "")
    assert again["web"]["virt_nics"][0]["network"] == "default"


@pytest.mark.parametrize(
    "options, problem",
    [
        ({"hypervisors": [7]}, "Cannot read hypervisors[0]: it is not a URI"),
        ({"hypervisors": ["test:///default", "test:///default"]}, "Cannot tell hypervisors apart: local is the name"),
        ({"hypervisors": ["test:///default"], "timeout": 0}, "timeout and parallel must be more than 0"),
        ({"address_from": ["dns"]}, "dns"),
    ],
)
def test_wrong_options_are_one_sentence(place: Place, options: dict[str, Any], problem: str) -> None:
    assert place.inventory(**options) == {}
    assert problem in place.told


def test_ssh_jumps_where_only_the_hypervisor_reaches(place: Place) -> None:
    hypervisor = {**place.hypervisor("hv1", "web", "db"), "jump": "root@hv1.example"}
    found = place.hosts(hypervisors=[hypervisor], proxy_jump=True, **RESERVED)
    assert found["web"]["ansible_ssh_common_args"] == "-o ProxyJump=root@hv1.example"
    assert "ansible_ssh_common_args" not in found["db"]
    assert "ansible_ssh_common_args" not in place.hosts(hypervisors=[hypervisor], **RESERVED)["web"]
