"""virt_network_info returns everything of every form of network, and its result can be given back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from ..plays import network
from ..stage import Stage, succeeded

pytestmark = pytest.mark.lab

FORMS: dict[str, dict[str, Any]] = yaml.safe_load((Path(__file__).parents[2] / "unit/cases/networks.yml").read_text())
MANY = 300
DEFINE_MANY = f"""\
import libvirt
connection = libvirt.open("qemu:///system")
for number in range({MANY}):
    net = f"10.{{number // 250}}.{{number % 250}}"
    connection.networkDefineXML(
        f"<network><name>many{{number}}</name><forward mode='nat'/><bridge name='vf-m{{number}}'/>"
        f"<ip address='{{net}}.1' prefix='24'><dhcp><range start='{{net}}.9' end='{{net}}.99'/></dhcp></ip></network>"
    )
"""
NEED_DEVICES = {"hostdev_addresses"}  # libvirt wants to see the PCI device at once


def define_forms(stage: Stage) -> set[str]:
    """Define a network of every form, but those of devices that no machine here has; returns their names."""
    forms = {form["xml"].partition("<name>")[2].partition("</name>")[0]: form["xml"] for form in FORMS.values()}
    for name in NEED_DEVICES:
        del forms[name]
    for xml in forms.values():
        stage.define(xml)
    return set(forms)


def test_every_form_is_told_and_can_be_given_back(stage: Stage) -> None:
    defined = define_forms(stage)
    told = stage.info()
    assert {one["name"] for one in told} == defined
    before = stage.look()
    tasks = [network(**{"active": False, "autostart": False, **one["spec"], "name": one["name"]}) for one in told]
    for one, result in zip(told, stage.play(*tasks)):
        assert not succeeded(result)["changed"], (one["name"], result["plan"])
        assert result["look"] == before
    for one in told:
        assert one["xml"].strip() == stage.xml(one["name"])


def test_next_start_is_told_as_pending(stage: Stage) -> None:
    options = {"name": "waiting", "bridge": {"name": "vf-wait"}, "ips": [{"address": "192.168.99.1/24"}]}
    stage.network(**options)
    result = stage.network(**options, mtu={"size": 1400}, restart="never")
    assert result["restart_required"]
    (told,) = stage.info("waiting")
    assert told["pending"] == [{"path": "mtu.size", "live": None, "saved": 1400}]
    assert told["spec"]["mtu"] == {"size": 1400}
    assert "mtu" not in told["live_spec"]
    assert "<mtu" in told["xml"]
    assert told["live_xml"].strip() == stage.xml("waiting", saved=False)


def test_leases_are_told(stage: Stage) -> None:
    dhcp = {"ranges": [{"start": "192.168.99.100", "end": "192.168.99.200"}]}
    stage.network(name="leased", bridge={"name": "vf-lease"}, ips=[{"address": "192.168.99.1/24", "dhcp": dhcp}])
    lease = stage.client("vf-lease", mac="52:54:00:99:00:01").dhcp()
    (told,) = stage.info("leased")
    (found,) = told["leases"]
    assert (f"{found['ip']}/{found['prefix']}", found["mac"]) == (lease["address"], "52:54:00:99:00:01")
    assert found["expires"] > 0


def test_names_choose_and_unknown_ones_are_left_out(stage: Stage) -> None:
    for name in ("one", "two", "three"):
        stage.define(f"<network><name>{name}</name></network>")
    assert [one["name"] for one in stage.info("three", "none", "one", "one")] == ["three", "one"]
    assert [one["name"] for one in stage.info()] == ["one", "three", "two"]
    assert stage.info("none") == []


def test_hundreds_of_networks_are_told(stage: Stage) -> None:
    stage.host.run(["/usr/bin/python3", "-"], input=DEFINE_MANY)
    told = {one["name"]: one for one in stage.info()}
    assert len(told) == MANY
    for name in ("many0", "many299"):
        assert told[name]["xml"].strip() == stage.xml(name)
        assert not told[name]["active"]
