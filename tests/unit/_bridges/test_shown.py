"""Nothing of a host's files is shown that no bridge is made of, wherever it stands; and nobody may read more after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from tests.unit._bridges.hosts import IFUPDOWN, NETPLAN, NETWORKD, WIRED, netplan_of
from tests.unit._bridges.plans import ABSENT, BR0, HOSTS, plan

SECRET = "ssEsAmE"  # noqa: S105 - nobody's
LINES = {
    "networkd": ("PrivateKey={}", "# {}", "; DNS={}", "[{}]\nKey={}", "Key = {}", "{}=", "Key=\\\n{}"),
    "ifupdown": ("    wpa-psk {}", "# {}", "    up login {}", "    post-up a \\\n{}", "\t#{}", "    {} x"),
    "networkmanager": ("password={}", "# {}", "[vpn-secrets]\nkey={}", "psk = {}", "{}", "{}=x"),
}
# Where netplan has them, and where nobody thought of.
TREES = (
    {"auth": {"password": SECRET}},
    {"access-points": {SECRET: {"password": SECRET}}},
    {"parameters": {"key": SECRET}},
    {"routing-policy": [{"to": SECRET}]},
    {"dhcp4-overrides": {"hostname": SECRET}},
)


def told_of(found: dict[str, Any]) -> str:
    """All that results and messages are made of."""
    return repr({name: value for name, value in found.items() if name not in ("files", "head")})


@pytest.mark.parametrize("provider", LINES)
def test_a_line_of_a_file_is_not_shown(provider: str) -> None:
    """At each place of each file; it moves with what it belongs to, and so it would be in the diff."""
    host, moved = HOSTS[provider], 0
    for path, text in host.files.items():
        lines = text.split("\n")
        for place in range(len(lines)):
            for secret in (line.format(*[SECRET] * 2) for line in LINES[provider]):
                told = replace(host, files={**host.files, path: "\n".join([*lines[:place], secret, *lines[place:]])})
                found = plan(told, BR0)
                assert SECRET not in told_of(found), (path, place, secret)
                after = plan(told.after(found), ABSENT) if found.get("files") else found
                assert SECRET not in told_of(after), (path, place, secret)
                moved += any(SECRET in (file["text"] or "") for file in found.get("files", ()))
    assert moved


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: next(iter(tree)))
def test_a_setting_of_netplan_is_not_shown(tree: dict[str, Any]) -> None:
    (path, text), *_others = NETPLAN.files.items()
    for kind, name in (("ethernets", "lan"), ("ethernets", "other"), ("wifis", "wl0"), ("tunnels", "wg0")):
        document = netplan_of(text)
        document["network"].setdefault(kind, {}).setdefault(name, {}).update(tree)
        told = replace(NETPLAN, files={path: f"# {SECRET}\n{yaml.safe_dump(document)}"})
        found = plan(told, BR0)
        assert found["files"]
        assert any(SECRET in file["text"] for file in found["files"])
        assert SECRET not in told_of(found), (kind, name)


@pytest.mark.parametrize(
    "text", ["a: [", "network: {a: !x 1}", "- a", "network: 5", "network: {ethernets: [a]}", "*s", "\t"]
)
def test_broken_yaml_is_named_and_not_shown(text: str) -> None:
    told = replace(NETPLAN, files={**NETPLAN.files, "/etc/netplan/99-broken.yaml": f"{text}\n# {SECRET}\n{SECRET}"})
    (problem,) = plan(told, BR0)["problems"]
    assert "/etc/netplan/99-broken.yaml on the host cannot be read: it" in problem
    assert SECRET not in problem
    # a host without netplan does not care
    other = replace(NETWORKD, files={**NETWORKD.files, "/etc/netplan/99-broken.yaml": text})
    assert plan(other, BR0)["problems"] == []


@pytest.mark.parametrize(
    "provider, path",
    [
        ("networkd", "/etc/systemd/network/10-eth0.network"),
        ("networkd", "/etc/systemd/network/10-eth0.network.d/more.conf"),
        ("ifupdown", "/etc/network/interfaces"),
        ("networkmanager", WIRED),
    ],
)
def test_a_new_file_is_as_private_as_its_source(provider: str, path: str) -> None:
    host = replace(HOSTS[provider], modes={path: "600"})
    for file in plan(host, BR0)["files"]:
        assert file["like"] in (path, file["path"]) or file["mode"] == "0600", file
        assert file["like"] == path or file["path"] in host.files or file["mode"] == "0600"


def test_what_goes_back_is_as_private() -> None:
    own = "/etc/network/interfaces.d/host-bridge-br0"
    bridged = replace(IFUPDOWN.after(plan(IFUPDOWN, BR0)), modes={own: "600"})
    files = {file["path"]: file for file in plan(bridged, ABSENT)["files"]}
    assert files["/etc/network/interfaces"]["like"] == own
