"""The execution environment that AWX runs the collection in, as far as it can be made without a registry of images."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.awx.objects import OBJECTS, ROOT

depends = pytest.importorskip("bindep.depends", reason="ansible-builder is not installed for the oldest ansible-core")


def test_image_gets_what_modules_need() -> None:
    """ansible-builder's own look at the installed collection, and bindep's at each family of distributions."""
    builder = [sys.executable, "-m", "ansible_builder"]
    told = subprocess.run([*builder, "introspect", str(ROOT / ".build")], check=True, capture_output=True, text=True)
    introspected = yaml.safe_load(told.stdout)
    ours = {part: [line for line in introspected[part] if "virtfleet.network" in line] for part in ("python", "system")}
    assert [line.partition(" ")[0] for line in ours["python"]] == ["libvirt-python>=7.0.0", "lxml>=4.6.3"]
    rules = depends.Depends("\n".join(ours["system"]), "bindep.txt")
    needs = {
        (family, stage): {rule[0] for rule in rules.active_rules([f"platform:{family}", *stage])}
        for family in ("dpkg", "rpm")
        for stage in ((), ("compile",))
    }
    assert needs["rpm", ()] == {"graphviz", "libvirt-libs", "openssh-clients"}
    assert needs["dpkg", ()] == {"graphviz", "libvirt0", "openssh-client"}
    assert needs["rpm", ("compile",)] - needs["rpm", ()] == {
        "gcc",
        "libvirt-devel",
        "pkgconf-pkg-config",
        "python3-devel",
    }
    compiling = needs["dpkg", ("compile",)] - needs["dpkg", ()]
    packages = (ROOT / "tests/packages.txt").read_text().split()
    assert compiling == {"gcc", "libvirt-dev", "pkg-config", "python3-dev"} & set(packages)


def test_image_context(tmp_path: Path) -> None:
    definition = ROOT / "playbooks/awx/execution-environment.yml"
    command = [sys.executable, "-m", "ansible_builder", "create", "-f", str(definition), "-c", str(tmp_path)]
    subprocess.run([*command, "--output-filename", "Containerfile"], check=True, capture_output=True)
    (collection,) = yaml.safe_load((tmp_path / "_build/requirements.yml").read_text())["collections"]
    version = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert (collection["name"], collection["version"]) == (OBJECTS["awx_repository"], version)
    stages = (tmp_path / "Containerfile").read_text()
    galaxy = stages.partition(" AS galaxy")[2].partition(" AS builder")[0]
    # The collection comes by git, and what it needs is looked up in it, while the image is built.
    assert "$PKGMGR -y install git-core" in galaxy.partition("ansible-galaxy collection install")[0]
    assert "-r requirements.yml" in galaxy.partition("ansible-galaxy collection install")[2]
    assert "introspect.py introspect" in stages.partition(" AS builder")[2]


def test_oldest_libraries_are_those_of_the_oldest_hypervisor() -> None:
    """A lower bound that is tested: Debian 11 has them."""
    text = (ROOT / "requirements.txt").read_text()
    assert re.findall(r"^(\S+)>=(\S+)$", text, re.M) == [("libvirt-python", "7.0.0"), ("lxml", "4.6.3")]
