"""What the role hypervisor works out of what it finds, for distributions and daemons that no test can boot."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.virtfleet.network.plugins.module_utils import _python

from .test_roles import ROOT, ansible

pytestmark = pytest.mark.plays

VARS = ROOT / "roles/hypervisor/vars/main.yml"
PACKAGES = yaml.safe_load(VARS.read_text())["hypervisor_known_packages"]
# What each of them must name: daemon, client, emulator, image tool, dnsmasq, sysctl, and the libraries of the modules.
NEEDED = ("libvirt-d", "libvirt-c", "qemu-", "dnsmasq", "procps", "python3-libvirt", "python3-lxml")
# How systemctl lists the units of libvirt.
MONOLITHIC = "libvirtd.service enabled enabled\nlibvirtd-ro.socket enabled enabled\nlibvirtd.socket enabled enabled\n"
LEGACY = MONOLITHIC.replace("enabled enabled", "disabled disabled")
MODULAR = """\
virtlogd.socket         enabled  enabled
virtnetworkd-ro.socket  enabled  enabled
virtnetworkd.service    enabled  enabled
virtnetworkd.socket     enabled  enabled
virtproxyd.socket       enabled  enabled
virtqemud-ro.socket     enabled  enabled
virtqemud.service       enabled  enabled
virtqemud.socket        enabled  enabled
"""
WITHOUT_NETWORKS = MODULAR.replace("virtnetworkd", "virtlxcd")
MANY = ["virtqemud", "virtnetworkd", "virtproxyd"]
NOW = """\
net.ipv4.ip_forward = 0
net.ipv6.conf.all.accept_ra = 1
net.ipv6.conf.all.forwarding = 0
net.ipv6.conf.ens1.accept_ra = 1
net.ipv6.conf.ens2.accept_ra = 0
net.ipv6.conf.ens3/7.accept_ra = 2
"""
ROUTES = """\
default via fe80::1 dev ens1 proto ra metric 1024 expires 1797sec hoplimit 64 pref medium
default via fe80::1 dev ens2 proto ra metric 100 pref medium
default via fe80::1 dev ens3.7 proto ra metric 1024 pref medium
default via fe80::1 dev ens4 proto static metric 1024 pref medium
"""
FORWARDING = ["net.ipv6.conf.all.forwarding = 1", "net.ipv4.ip_forward = 1"]
RA = ["net.ipv6.conf.ens1.accept_ra = 2", "net.ipv6.conf.ens3/7.accept_ra = 2"]


def told(text: str) -> dict[str, Any]:
    """What a task has registered of a command."""
    return {"stdout": text.rstrip("\n"), "stdout_lines": text.splitlines()}


def worked_out(folder: Path, *cases: tuple[str, Any, dict[str, Any]]) -> None:
    """Check variables of the role, each with what it depends on."""
    tasks: list[dict[str, Any]] = [{"ansible.builtin.include_vars": str(VARS)}]
    for name, expected, given in cases:
        check = {"that": f"{name} == expected", "fail_msg": f"{name} is {{{{ {name} }}}}"}
        tasks.append({"ansible.builtin.assert": check, "vars": {**given, "expected": expected}})
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([play]))
    assert ansible(str(folder / "play.yml")).count("All assertions passed") == len(cases)


@pytest.mark.parametrize("family", PACKAGES)
def test_every_distribution_names_all_that_is_needed(family: str) -> None:
    names = PACKAGES[family]
    assert [need for need in NEEDED if not any(need in name for name in names)] == []
    assert len(set(names)) == len(names)


def test_packages_are_those_of_the_host(tmp_path: Path) -> None:
    def packages(family: str, architecture: str, emulator: str) -> tuple[str, Any, dict[str, Any]]:
        expected = [emulator if "{" in name else name for name in PACKAGES[family]]
        assert emulator in expected
        facts = {"os_family": family, "architecture": architecture}
        return "hypervisor_wanted_packages", expected, {"ansible_facts": facts}

    worked_out(
        tmp_path,
        packages("Debian", "x86_64", "qemu-system-x86"),
        packages("Debian", "aarch64", "qemu-system-arm"),
        packages("Debian", "riscv64", "qemu-system"),
        packages("RedHat", "x86_64", "qemu-kvm"),
        packages("Suse", "x86_64", "qemu-x86"),
        packages("Suse", "aarch64", "qemu-arm"),
        (
            "hypervisor_wanted_packages",
            ["a"],
            {"hypervisor_packages": ["a"], "ansible_facts": {"os_family": "Archlinux"}},
        ),
    )


def test_daemons_are_those_of_the_host(tmp_path: Path) -> None:
    def units(*texts: str) -> dict[str, Any]:
        return {"hypervisor_unit_files": told("".join(texts))}

    worked_out(
        tmp_path,
        ("hypervisor_daemons", ["libvirtd"], units(MONOLITHIC)),
        ("hypervisor_daemons", ["libvirtd"], units(LEGACY)),
        ("hypervisor_daemons", ["libvirtd"], units(MONOLITHIC, MODULAR)),
        ("hypervisor_daemons", MANY, units(LEGACY, MODULAR)),
        ("hypervisor_daemons", MANY, units(MODULAR)),
        ("hypervisor_daemons", [], units()),
        ("hypervisor_missing_sockets", ["virtnetworkd.socket"], units(LEGACY, WITHOUT_NETWORKS)),
        ("hypervisor_missing_sockets", ["virtqemud.socket"], units(MODULAR.replace("virtqemud", "virtlxcd"))),
        ("hypervisor_missing_sockets", ["virtqemud.socket", "virtnetworkd.socket"], units()),
        ("hypervisor_missing_sockets", [], units(LEGACY, MODULAR)),
        ("hypervisor_missing_sockets", [], units(MONOLITHIC, WITHOUT_NETWORKS)),
        ("hypervisor_sockets", ["libvirtd.socket", "libvirtd-ro.socket"], units(MONOLITHIC)),
        ("hypervisor_disabled_units", [], units(MONOLITHIC)),
        ("hypervisor_disabled_units", ["libvirtd.service", "libvirtd.socket", "libvirtd-ro.socket"], units(LEGACY)),
        (
            "hypervisor_sockets",
            [
                *("virtqemud.socket", "virtqemud-ro.socket", "virtnetworkd.socket", "virtnetworkd-ro.socket"),
                *("virtproxyd.socket", "virtlogd.socket"),
            ],
            units(MODULAR),
        ),
    )


def test_a_daemon_that_is_not_there_is_named(tmp_path: Path) -> None:
    tasks = yaml.safe_load((ROOT / "roles/hypervisor/tasks/main.yml").read_text())
    (check,) = [task for task in tasks if task["name"] == "There is libvirt"]
    given = {"hypervisor_unit_files": told(WITHOUT_NETWORKS)}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": given}
    play["tasks"] = [{"ansible.builtin.include_vars": str(VARS)}, check]
    (tmp_path / "play.yml").write_text(json.dumps([play]))
    message = "on localhost, because it has no virtnetworkd.socket: look at hypervisor_packages"
    assert message in ansible(str(tmp_path / "play.yml"), rc=2)


def test_what_is_too_old_is_named(tmp_path: Path) -> None:
    def has(**versions: str) -> dict[str, Any]:
        return {"hypervisor_versions": told(json.dumps(versions))}

    name, need = "hypervisor_too_old", "({} or newer is needed)"
    python, libvirt, lxml = (need.format(version) for version in ("3.9", "7.0.0", "4.6.3"))
    worked_out(
        tmp_path,
        (name, [], has(Python="3.9.2", libvirt="7.0.0", lxml="4.6.3")),
        (name, [], has(Python="3.14.0", libvirt="12.8.0", lxml="6.1.0")),
        (name, [f"Python 3.8.20 {python}", f"lxml 4.6.2 {lxml}"], has(Python="3.8.20", libvirt="7.0.0", lxml="4.6.2")),
        (name, [f"libvirt 6.10.0 {libvirt}"], has(Python="3.10.0", libvirt="6.10.0", lxml="4.10.0")),
        (name, [f"no libvirt {libvirt}", f"no lxml {lxml}"], has(Python="3.9.0")),
    )


def test_a_host_tells_what_it_has() -> None:
    script = yaml.safe_load(VARS.read_text())["hypervisor_look"]
    found = json.loads(subprocess.run([sys.executable, "-c", script], check=True, capture_output=True).stdout)
    assert found["Python"] == ".".join(map(str, sys.version_info[:3]))
    assert set(found) == {"Python", "libvirt", "lxml"}
    bare = subprocess.run([sys.executable, "-I", "-S", "-c", script], check=True, capture_output=True).stdout
    assert set(json.loads(bare)) == {"Python"}


def test_what_is_needed_is_what_is_required() -> None:
    oldest = yaml.safe_load(VARS.read_text())["hypervisor_oldest"]
    required = dict(line.split(">=") for line in (ROOT / "requirements.txt").read_text().splitlines() if ">=" in line)
    assert required == {"libvirt-python": oldest["libvirt"], "lxml": oldest["lxml"]}
    assert oldest["Python"] == ".".join(map(str, _python.OLDEST))


def test_missing_logins_are_found(tmp_path: Path) -> None:
    known = told("root:x:0:0:root:/root:/bin/sh\nann:x:1000:1000::/home/ann:/bin/sh\n")
    name = "hypervisor_missing_logins"
    worked_out(
        tmp_path,
        (name, ["bob"], {"hypervisor_audit_users": ["ann", "bob"], "hypervisor_logins": known}),
        (name, [], {"hypervisor_audit_users": [], "hypervisor_logins": known}),
    )


def test_settings_keep_the_default_routes_of_the_host(tmp_path: Path) -> None:
    def found(
        routes: str = "", kept: str = "", now: str = NOW, *, six: bool = True, four: bool = True
    ) -> dict[str, Any]:
        return {
            "hypervisor_default_routes": told(routes),
            "hypervisor_settings_now": told(now),
            "hypervisor_settings_kept": told(kept),
            "hypervisor_forwarding_ipv6": six,
            "hypervisor_forwarding_ipv4": four,
        }

    kept = "".join(f"{line}\n" for line in ("# made", *RA, "net.ipv6.conf.gone.accept_ra = 2", *FORWARDING))
    name = "hypervisor_settings"
    worked_out(
        tmp_path,
        (name, [*RA, *FORWARDING], found(ROUTES)),
        (name, FORWARDING, found(ROUTES.replace("proto ra", "proto static"))),
        (name, [*RA, *FORWARDING], found(kept=kept)),
        (name, FORWARDING[1:], found(ROUTES, kept, six=False)),
        (name, FORWARDING[:1], found(four=False)),
        (name, FORWARDING[1:], found(now="net.ipv4.ip_forward = 1\n")),
        (name, [], found(six=False, four=False)),
        # forwarding first would take the routes away
        ("hypervisor_settings_missing", [*RA[:1], *FORWARDING], found(ROUTES)),
        ("hypervisor_settings_missing", [], found(now="".join(f"{line}\n" for line in FORWARDING))),
    )
