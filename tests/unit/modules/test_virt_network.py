"""virt_network as Ansible runs it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from ansible_collections.virtfleet.network.plugins.module_utils._network.checks import LONGEST_NAME
from tests.tools import fault_docs
from tests.unit.case_files import load, xml_of
from tests.unit.run_module import driver_of_tests, run_module

INACTIVE = {"active": False, "autostart": False}
SAME_IN_BOTH = ("changed", "plan", "diff", "restart_required", "unchecked")


@pytest.fixture(autouse=True)
def driver():
    with driver_of_tests() as gateway:
        yield gateway


def run(check=False, **params):
    return run_module("virt_network", check, name="n", **{**INACTIVE, **params})


def done(**params):
    """A change in the four runs that it must stand: predicted, made, and twice nothing left to do."""
    predicted, made = run(True, **params), run(False, **params)
    assert not made.get("failed"), made
    assert {name: predicted[name] for name in SAME_IN_BOTH} == {name: made[name] for name in SAME_IN_BOTH}
    assert made["changed"] is True
    for check in (True, False):
        again = run(check, **params)
        assert (again["changed"], again["plan"], again["diff"]) == (False, [], [])
        assert again["network"] == made["network"]
    return made


def test_twelve_steps(driver):
    made = done(ips=[{"address": "10.0.0.1/24"}], bridge={"name": "virbr50"})
    assert [step["action"] for step in made["plan"]] == ["define"] * 3
    changed = done(ips=[{"address": "10.0.0.1/24", "local_ptr": True}])
    assert changed["plan"] == [
        {
            "network": "n",
            "action": "define",
            "path": "ips[10.0.0.0/24].local_ptr",
            "before": None,
            "after": True,
            "effect": "next_start",
        }
    ]
    gone = done(state="absent")
    assert [step["action"] for step in gone["plan"]] == ["undefine"]
    assert driver.observe("n").saved.text == ""


def test_the_result_tells_the_network_and_the_difference():
    made = run(ips=[{"address": "10.0.0.1/24"}])
    network = made["network"]
    assert (network["name"], network["state"], network["active"], network["persistent"]) == (
        "n",
        "present",
        False,
        True,
    )
    assert network["spec"]["ips"] == [{"address": "10.0.0.1", "prefix": 24}]
    assert len(network["uuid"]) == 36
    texts, steps = made["diff"]
    assert (texts["before"], texts["before_header"]) == ("", "n")
    assert texts["after"].startswith("<!-- active: False, autostart: False, persistent: True -->\n<network>\n")
    assert "define n: ips[10.0.0.0/24]: nothing -> " in steps["prepared"]
    assert run(state="absent")["network"] == {
        "name": "n",
        "state": "absent",
        "active": False,
        "autostart": False,
        "persistent": False,
        "uuid": "",
        "bridge": "",
        "spec": {},
    }


def test_an_active_network_is_the_default(driver):
    made = run_module("virt_network", name="n", ips=[{"address": "10.0.0.1/24"}])
    assert [step["action"] for step in made["plan"]][-2:] == ["start", "autostart"]
    assert (driver.observe("n").active, driver.observe("n").autostart) == (True, True)


@pytest.mark.parametrize("name", sorted(set(load("networks")) - {"dnsmasq"}))
def test_every_form_of_network_is_made_by_options_and_by_xml(name):
    options = load("networks")[name]["options"]
    assert run_module("virt_network", name=name, **INACTIVE, **options)["changed"] is True
    assert run_module("virt_network", name=name, **INACTIVE, xml=xml_of(name))["changed"] is False
    assert run_module("virt_network", name=name, **INACTIVE, **options)["changed"] is False


def test_what_the_info_module_tells_changes_nothing():
    run(xml=xml_of("dns").replace(">dns<", ">n<"))
    spec = run_module("virt_network_info", name=["n"])["networks"][0]["spec"]
    assert len(spec["dns"]) == 6
    assert run_module("virt_network", **INACTIVE, **spec)["changed"] is False


# ---- errors ----


@pytest.mark.parametrize("check", [True, False])
def test_all_problems_come_at_once(check, driver):
    failed = run(check, mac={"address": "ff:ff:ff:ff:ff:ff"}, mtu={"size": 1}, forward={"mode": "nat"}, metadata="<a>")
    assert failed["failed"] is True
    assert len(failed["problems"]) == 4
    assert failed["msg"].startswith("Cannot bring network 'n' to the wanted state: ")
    assert all(problem in failed["msg"] for problem in failed["problems"])
    assert driver.observe("n").saved.text == ""


@pytest.mark.parametrize("name", ["a/b", "..", "a\nb", ""])
def test_names_that_cannot_be_are_refused(name):
    failed = run_module("virt_network", name=name, **INACTIVE)
    assert failed["problems"] != []
    assert failed["problems"][0].startswith("name ")


@pytest.mark.parametrize(
    "xml,expected",
    [
        ("<network><name>other</name></network>", "xml must be a <network> whose <name> is 'n', not 'other'"),
        ("<network/>", "xml must be a <network> whose <name> is 'n', not None"),
        ("<domain><name>n</name></domain>", "xml must be a <network> whose <name> is 'n'"),
        ("<network", "Cannot read the definition of network 'n': xml is not well-formed XML"),
        ("<network><name>n</name><mac address='ff:ff:ff:ff:ff:ff'/></network>", "mac.address must be a unicast MAC"),
    ],
)
def test_xml_that_cannot_be_is_refused(xml, expected):
    assert expected in run(xml=xml)["msg"]


def test_xml_and_options_exclude_each_other():
    failed = run(xml=xml_of("small"), mtu={"size": 1})
    assert "mutually exclusive" in failed["msg"]
    assert "mtu" in failed["msg"]


def test_a_connection_that_fails_is_told():
    failed = run_module("virt_network", name="n", uri="nonsense:///system")
    assert failed["msg"].startswith("Cannot connect to nonsense:///system: libvirt says ")
    assert failed["problems"] == []


# ---- backup ----


def test_a_backup_keeps_what_is_replaced(tmp_path, driver):
    folder = tmp_path / "a/b"
    options = {"backup": True, "backup_dir": str(folder)}
    assert "backup_file" not in run(mtu={"size": 1400}, **options)
    before = driver.observe("n").saved.text
    assert "backup_file" not in run(mtu={"size": 1400}, **options)
    assert "backup_file" not in run(True, mtu={"size": 1500}, **options)
    assert not folder.exists()
    kept = Path(run(mtu={"size": 1500}, **options)["backup_file"])
    assert kept.read_text() == before
    assert (kept.parent, kept.name.startswith("n."), kept.suffix) == (folder, True, ".xml")
    assert (stat.S_IMODE(kept.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    removed = Path(run(state="absent", **options)["backup_file"])
    assert "1500" in removed.read_text()


@pytest.mark.parametrize("name", ["n" * LONGEST_NAME, "ü" * (LONGEST_NAME // 2)], ids=["letters", "of two bytes"])
def test_a_backup_of_the_longest_name_has_a_file(tmp_path, driver, name):
    options = {"name": name, **INACTIVE, "backup": True, "backup_dir": str(tmp_path)}
    assert run_module("virt_network", mtu={"size": 1400}, **options)["changed"]
    before = driver.observe(name).saved.text
    changed = run_module("virt_network", mtu={"size": 1500}, **options)
    assert Path(changed["backup_file"]).read_text() == before


def test_a_full_disk_keeps_a_backup_from_being_made_and_all_as_it_is(tmp_path, driver, monkeypatch):
    run(mtu={"size": 1400})
    before = driver.observe("lan")
    with monkeypatch.context() as patch:
        patch.setattr(
            os, "fsync", lambda _file: (none for none in ()).throw(OSError(errno.ENOSPC, "No space left on device"))
        )
        failed = run(mtu={"size": 1500}, backup=True, backup_dir=str(tmp_path))
    row = fault_docs.row("gateway", "the disk for `backup` is full")
    assert (row["ends"], row["guests"]) == (["rolled back"], "nothing")
    assert "(No space left on device), so nothing was changed" in failed["msg"]
    assert (driver.observe("lan"), list(tmp_path.iterdir())) == (before, [])
    assert run(mtu={"size": 1500}, backup=True, backup_dir=str(tmp_path))["changed"]


def test_without_a_backup_nothing_is_changed(tmp_path, driver):
    (tmp_path / "file").write_text("")
    run(mtu={"size": 1400})
    failed = run(mtu={"size": 1500}, backup=True, backup_dir=str(tmp_path / "file"))
    assert "so nothing was changed: set backup_dir to a folder that can be written" in failed["msg"]
    assert "1400" in driver.observe("n").saved.text
