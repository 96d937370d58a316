"""Hostile strings in the variables of roles and playbooks: refused with one sentence, or handed on exactly.

Each case is a play of its own on a host of its own, all in one run, in check mode against libvirt's test driver.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deep import SEED, amount, sampled
from tests.hostile import HARM, VALUES, is_one_sentence
from tests.unit.hostile_tasks import MAC, OWN_BRIDGE, strings, value_at, with_value
from tests.unit.test_roles import options_of

from ..plays import Result, playbook

pytestmark = [pytest.mark.lab, pytest.mark.deep]

ROOT = Path(__file__).parents[3]
TABLE = {name: value for name, value in OWN_BRIDGE.items() if name not in ("ips", "forward", "bridge")}
SHORT = {"name": "n", "subnet": "10.50.0.0/24", "active": False, "autostart": False}
ROLES: dict[str, dict[str, Any]] = {
    "nat_network": {**SHORT, **TABLE, "subnet_ipv6": "fd00:50::/64"},
    "isolated_network": {**SHORT, **TABLE, "gateway": "10.50.0.1"},
    "bridged_network": {"name": "n", "active": False, "autostart": False, "bridge": {"name": "br0"}},
    "network": {**SHORT, **TABLE, "kind": "nat", "dhcp_start": "10.50.0.20", "dhcp_end": "10.50.0.30"},
    "topology": {"name": "t", "networks": [{**SHORT, "kind": "nat"}]},
}
HOST = {"mac": MAC, "name": "g", "ip": "192.168.122.5"}
PLAYBOOKS: dict[str, dict[str, Any]] = {
    "attach": {"ifaces": [{"domain": "test", "ifaces": [{"source": {"network": "default"}, "mac": {"address": MAC}}]}]},
    "diagnose": {"networks": ["default"], "guests": ["test"]},
    "dns": {"network": "default", "hosts": [{"ip": "192.168.122.9", "hostnames": ["h.example"]}]},
    "reservations": {"network": "default", "hosts": [HOST]},
    "show": {"networks": ["default"]},
    "teardown": {"topology": "t", "networks": ["gone"]},
}
# A variable that names a file of the controller is a path of the user's own.
Case = tuple[str, tuple[str, ...], Any]


class Unsafe(str):
    """Text that nobody takes for a template."""

    __slots__ = ()

    def written(self, dumper: yaml.SafeDumper) -> yaml.Node:
        """Return it as YAML. After !unsafe, Ansible reads a text as one without quotes: 'no' would be false."""
        plain = dumper.resolve(yaml.ScalarNode, str(self), (True, False)) == "tag:yaml.org,2002:str"
        return dumper.represent_scalar("!unsafe" if plain else "tag:yaml.org,2002:str", str(self), style='"')


yaml.SafeDumper.add_representer(Unsafe, lambda dumper, text: text.written(dumper))


def plays(name: str) -> list[dict[str, Any]]:
    """The plays of a role or a playbook, on the hosts of its group."""
    if name in ROLES:
        return [{"hosts": name, "gather_facts": False, "roles": [f"virtfleet.network.{name}"]}]
    return [{**play, "hosts": name} for play in yaml.safe_load((ROOT / f"playbooks/{name}.yml").read_text())]


def variables(name: str, given: dict[str, Any]) -> dict[str, Any]:
    """The variables of a host."""
    return {f"{name}_{key}": value for key, value in given.items()}


def cases() -> Iterator[Case]:
    for role in ROLES:
        options = {name.removeprefix(f"{role}_"): one for name, one in options_of(role).items()}
        for place in sampled(strings(options), 2, role):
            yield from ((role, place, value) for value in sampled_values(place))
    for book, base in PLAYBOOKS.items():
        for place in leaves(base):
            yield from ((book, place, value) for value in sampled_values(place))


def sampled_values(place: tuple[str, ...]) -> list[str]:
    """Some values that Ansible can read: halves of surrogate pairs are no YAML."""
    whole = [value for value in VALUES if not any("\ud800" <= char <= "\udfff" for char in value)]
    return random.Random(f"{SEED} {place}").sample(whole, amount(1, 3))


def leaves(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The places of the strings in a value."""
    if isinstance(value, str):
        yield above
    elif isinstance(value, list):
        yield from leaves(value[0], (*above, "[]"))
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from leaves(one, (*above, key))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Case, list[Result]]]:
    """What was said of each case. A play ends the run when all its hosts fail: the last one has harmless values."""
    folder, bases = tmp_path_factory.mktemp("hostile"), {**ROLES, **PLAYBOOKS}
    tried = {f"h{number}": case for number, case in enumerate(cases())}
    groups = {name: {"hosts": {f"good-{name}": variables(name, base)}} for name, base in bases.items()}
    for host, (name, place, value) in tried.items():
        groups[name]["hosts"][host] = variables(name, with_value(bases[name], place, Unsafe(value)))
    here = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "target_uri": "test:///default",
    }
    (folder / "inventory").write_text(yaml.safe_dump({"all": {"vars": here, "children": groups}}))
    (folder / "site.yml").write_text(yaml.safe_dump([play for name in bases for play in plays(name)]))
    (folder / "templates").symlink_to(ROOT / "playbooks/templates")
    told = playbook(folder, "--check", "site.yml", failed=None)
    assert [one["msg"] for one in told if one["host"].startswith("good-") and one.get("failed")] == []
    return [(case, [one for one in told if one["host"] == host]) for host, case in tried.items()]


def test_each_is_refused_in_a_sentence_or_handed_on(results: list[tuple[Case, list[Result]]]) -> None:
    refused = 0
    for case, told in results:
        assert told, case
        failed = [one for one in told if one.get("failed")]
        for one in failed:
            assert is_one_sentence(one["msg"]), (case, one["msg"])
        refused += bool(failed)
    assert 0 < refused < len(results)
    assert not HARM.exists()


def test_what_is_handed_on_is_what_was_given(results: list[tuple[Case, list[Result]]]) -> None:
    for (name, place, value), told in results:
        for one in told:
            arguments = one.get("invocation", {}).get("module_args", {})
            found = value_at(arguments, place)
            if name in ROLES and found is not None and not one.get("failed"):
                assert found == value, (name, place, value, found)
