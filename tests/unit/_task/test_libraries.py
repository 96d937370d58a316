"""A missing library is reported with the package that has it."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.virtfleet.network.plugins.module_utils._task import libraries
from tests.unit.test_roles import ROOT

PACKAGES = yaml.safe_load((ROOT / "roles/hypervisor/vars/main.yml").read_text())["hypervisor_known_packages"]


@pytest.mark.parametrize(
    "name,like,family",
    [
        ("debian", "", "Debian"),
        ("ubuntu", "debian", "Debian"),
        ("fedora", "", "RedHat"),
        ("rocky", "rhel centos fedora", "RedHat"),
        ("opensuse-leap", "suse opensuse", "Suse"),
        ("sles", "suse", "Suse"),
    ],
)
@pytest.mark.parametrize("library", ["libvirt-python", "lxml"])
def test_package_is_the_one_that_the_role_installs(monkeypatch, name, like, family, library):
    monkeypatch.setattr(libraries, "distribution", lambda: name)
    monkeypatch.setattr(libraries, "like", lambda: like)
    package = libraries.missing(library).partition("install the package ")[2].split()[0]
    assert package in PACKAGES[family]


def test_distribution_that_nobody_knows_gets_the_usual_name(monkeypatch):
    monkeypatch.setattr(libraries, "distribution", lambda: "")
    monkeypatch.setattr(libraries, "like", lambda: "")
    assert "install the package python3-lxml (" in libraries.missing("lxml")
